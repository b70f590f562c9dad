"""Functions of one number and their factors, with what they are exactly beside what they are in floats.

A formula that is taken apart (`compositions`) is computed with in float64, which is enough to fit it. A proof of it
needs the same numbers without rounding: 0.1 is a tenth, pi is pi. So a factor is a float that remembers the `Term` it
stands for, and a function has its term in `t`. Where a number has come in that nobody vouches for, the term is None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.errors import FormulaError
from surefit.formulas.expression import Expression, Node

SMALLEST = 10_000  # digits behind the point: with more of them rational arithmetic does not end
SHORT = 2**20  # a float that is a fraction of numbers below this was meant as it is, and no rounded result
WHOLE = 2**53
MOST_TERMS = 3000  # steps of a function


@dataclass(frozen=True, eq=False)
class Term:
    """A step: `op` of earlier ones, with the names of `Node`; of a "number" the value is a Fraction."""

    op: str
    args: tuple[Term, ...] = ()
    value: Any = None


T = Term("variable", (), "t")


def number(value: Fraction | float) -> Term:
    """A rational number."""
    return Term("number", (), Fraction(value))


def combined(op: str, *args: Term | None) -> Term | None:
    """A function of terms; of rational numbers the result, where that is one."""
    given = tuple(a for a in args if a is not None)
    if len(given) < len(args):
        return None
    known = rational(op, [a.value if a.op == "number" else None for a in given])
    return Term(op, given) if known is None else number(known)


def rational(op: str, args: Sequence[Fraction | None]) -> Fraction | None:
    """The result of arithmetic on rational numbers, where it is one; None where an argument is none."""
    if any(a is None for a in args):
        return None
    a = args[0]
    b = args[1] if len(args) > 1 else None
    assert a is not None
    if op == "neg":
        return -a
    if b is None or len(args) != 2:
        return None
    if op == "add":
        return a + b
    if op == "sub":
        return a - b
    if op == "mul":
        return a * b
    if op == "div" and b != 0:
        return a / b
    if op == "pow" and b.denominator == 1 and abs(b) <= 64 and (a != 0 or b > 0):
        return Fraction(a) ** int(b)
    return None


def put(term: Term | None, inner: Term | None) -> Term | None:
    """A function of t with another in the place of t."""
    if term is None or inner is None or inner is T:
        return None if inner is None else term
    made: dict[int, Term | None] = {id(T): inner}
    for step in steps(term):
        if id(step) not in made:
            made[id(step)] = combined(step.op, *(made[id(a)] for a in step.args)) if step.args else step
    return made[id(term)]


def steps(term: Term) -> list[Term]:
    """All terms in one, each once, after what it is made of."""
    found: list[Term] = []
    seen: set[int] = set()
    waiting = [(term, False)]
    while waiting:
        here, ready = waiting.pop()
        if ready:
            found.append(here)
        elif id(here) not in seen:
            seen.add(id(here))
            waiting.append((here, True))
            waiting += [(a, False) for a in here.args]
    return found


def expression(term: Term) -> Expression | None:
    """A term as a formula of t; None where it is too long."""
    nodes: list[Node] = []
    place: dict[int, int] = {}

    def whole(q: int) -> int:
        if abs(q) <= WHOLE:
            nodes.append(Node("number", (), float(q)))
        else:
            high, low = whole(q // WHOLE), whole(q % WHOLE)
            nodes.append(Node("number", (), float(WHOLE)))
            nodes.append(Node("mul", (high, len(nodes) - 1)))
            nodes.append(Node("add", (len(nodes) - 1, low)))
        return len(nodes) - 1

    for step in steps(term):
        if step.op == "number" and Fraction(_nearest(step.value)) == step.value:
            nodes.append(Node("number", (), _nearest(step.value)))
            place[id(step)] = len(nodes) - 1
            continue
        if step.op == "number":
            place[id(step)] = whole(step.value.numerator)
            if step.value.denominator != 1:
                below = whole(step.value.denominator)
                nodes.append(Node("div", (place[id(step)], below)))
                place[id(step)] = len(nodes) - 1
            continue
        nodes.append(Node(step.op, tuple(place[id(a)] for a in step.args), step.value))
        place[id(step)] = len(nodes) - 1
        if len(nodes) > MOST_TERMS:
            return None
    return Expression(nodes, ("t",), guarded=False)


def _nearest(q: Fraction) -> float:
    """The float next to a rational number; 0 for one that is too large, which it is not."""
    try:
        return float(q)
    except OverflowError:
        return 0.0


class Exact(float):
    """A float and the number that it is a rounding of.

    >>> tenth = Exact(0.1, number(Fraction(1, 10)))
    >>> (tenth * 3).term.value, float(tenth * 3)
    (Fraction(3, 10), 0.30000000000000004)
    """

    term: Term | None

    def __new__(cls, value: float, term: Term | None) -> Exact:
        made = super().__new__(cls, value)
        made.term = term
        return made

    def _with(self, op: str, other: Any, value: Callable[[float, float], float], turned: bool = False) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented  # an array takes it as a float
        a, b = (other, self) if turned else (self, other)
        found = value(float(a), float(b))
        return Exact(np.nan if isinstance(found, complex) else found, combined(op, term_of(a), term_of(b)))

    def __add__(self, other: Any) -> Any:
        return self._with("add", other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, lambda a, b: a + b, True)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, lambda a, b: a - b, True)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, lambda a, b: a * b, True)

    def __truediv__(self, other: Any) -> Any:
        return self._with("div", other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("div", other, lambda a, b: a / b, True)

    def __pow__(self, other: Any, modulo: None = None) -> Any:
        return self._with("pow", other, lambda a, b: a**b)

    def __rpow__(self, other: Any, modulo: None = None) -> Any:
        return self._with("pow", other, lambda a, b: a**b, True)

    def __neg__(self) -> Exact:
        return Exact(-float(self), combined("neg", self.term))

    def __abs__(self) -> Exact:
        return -self if float(self) < 0 else self


def term_of(value: float) -> Term | None:
    """What a factor is: of a plain float the float itself, where it is as short as one that was written."""
    if isinstance(value, Exact):
        return value.term
    if isinstance(value, np.generic) or not np.isfinite(value):
        return None
    exact = Fraction(value)
    low = exact.denominator & (exact.denominator - 1) == 0 and abs(exact.numerator).bit_count() == 1  # a power of two
    return number(exact) if low or max(abs(exact.numerator), exact.denominator) < SHORT else None


class Univariate:
    """A function of arrays (n,) and its term, a formula of t; None where it is none."""

    __slots__ = ("term", "value")

    def __init__(self, value: Callable[[np.ndarray], np.ndarray], term: Term | None) -> None:
        self.value, self.term = value, term

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self.value(z)


def literal(node: Node, text: str) -> Fraction:
    """The rational number that was written, or, where there is no text, the float that stands for it."""
    return _written(text[node.start : node.end].replace("_", ""), node.value)


@functools.lru_cache(maxsize=1024)
def _written(digits: str, value: float) -> Fraction:
    if digits:
        if value == 0 and _endless(digits):
            raise FormulaError(f"{digits} is too small a number to prove anything with; write 0, or leave it out")
        try:
            written = Fraction(digits)
            if float(written) == value:
                return written
        except (ValueError, ZeroDivisionError, OverflowError):
            pass
    return Fraction(value)


def _endless(digits: str) -> bool:
    """Whether a number has an exponent so far below 0 that its rational number would fill the memory."""
    mantissa, _, exponent = digits.lower().partition("e")
    return exponent.startswith("-") and exponent[1:].isdigit() and int(exponent) < -SMALLEST and bool(mantissa)


def constant_term(formula: Expression, i: int) -> Term | None:
    """A step of a formula on which no variable acts, as a term."""
    made: dict[int, Term | None] = {}

    def of(k: int) -> Term | None:
        if k not in made:
            node = formula.nodes[k]
            if node.op == "number":
                fine = np.isfinite(node.value)
                made[k] = number(literal(node, formula.written)) if fine else None
            elif node.op == "constant":
                made[k] = Term("constant", (), node.value)
            elif node.op in ("compare", "and", "or", "not", "if"):
                made[k] = None
            else:
                made[k] = combined(node.op, *(of(a) for a in node.args))
        return made[k]

    return of(i)


__all__ = [
    "Exact",
    "T",
    "Term",
    "Univariate",
    "combined",
    "constant_term",
    "expression",
    "literal",
    "number",
    "put",
    "rational",
    "steps",
    "term_of",
]
