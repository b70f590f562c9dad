"""A formula as layers of functions of one variable each, between which there are only sums.

A product is a sum of squares, a b = ((a + b)^2 - (a - b)^2) / 4, or, where its factors keep their signs, the
exponential of a sum of logarithms; a maximum is a sum with a kink. So nearly every formula is made of functions of one
variable and of sums (Kolmogorov 1957 proves it of every continuous function; formulas say how). What depends on one sum
alone is one function of it, however long it is: `sin(E*t/h)^2` is a function of log(E) + log(t) - log(h).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.formulas.exact import Exact, T, Univariate, combined, constant_term
from surefit.formulas.expression import Expression
from surefit.formulas.functions import TABLE
from surefit.formulas.layers import NEARLY_ALL, SIGNED, Layers, Unknown
from surefit.formulas.signals import (
    ABOVE,
    ATAN,
    EXP,
    FLOOR,
    SOFT,
    SQRT,
    Function,
    Signal,
    Sum,
    Value,
    added,
    called,
    depth_of,
    logarithm_of,
    power_of,
    scaled,
)  # fmt: skip

MOST_NODES = 400  # of a formula: each is looked at by a call or two
LEAST = 2.0**-60  # of its largest value: so small a number counts as 0
PART = 0.02  # of the sample points, where a function is finite that counts only where a condition holds
FACTORS = ("mul", "div", "neg", "square")  # nodes whose arguments are factors of what they are a factor of
LOGARITHMS = {"log": 1.0, "log10": 1.0 / math.log(10.0), "log2": 1.0 / math.log(2.0)}  # times the natural one
HOLDS = {  # 1 where a difference is so, else 0
    sign: Univariate(f, None) for sign, f in {
        "<": lambda z: 1.0 * (z < 0), "<=": lambda z: 1.0 * (z <= 0), ">": lambda z: 1.0 * (z > 0),
        ">=": lambda z: 1.0 * (z >= 0), "==": lambda z: 1.0 * (z == 0), "!=": lambda z: 1.0 * (z != 0),
    }.items()
}  # fmt: skip


@dataclass(frozen=True)
class Composition:
    """Formulas as layers. inputs: signals of the points' columns; outputs: a value for each; depth: of the layers.

    assumed: values that were not below 0 at any point; where they are below, the layers may be another function.
    """

    inputs: tuple[Signal, ...]
    outputs: tuple[Value, ...]
    depth: int
    assumed: tuple[Value, ...] = ()

    def wanted(self) -> dict[Sum, list[tuple[Signal | int, Function]]]:
        """The functions of each sum that something needs, of a signal or an output; sums of early layers first."""
        found: dict[Sum, list[tuple[Signal | int, Function]]] = {}
        seen: set[int] = set()

        def ask(signal: Signal) -> None:
            if signal.of is not None and id(signal) not in seen:
                seen.add(id(signal))
                assert signal.function is not None
                need(signal.of, signal, signal.function)

        def need(s: Sum, what: Signal | int, function: Function) -> None:
            for signal, _ in s.terms:
                ask(signal)
            found.setdefault(s, []).append((what, function))

        for j, value in enumerate(self.outputs):
            for s, f in value.parts.items():
                need(s, j, f)
            for signal in value.linear:
                ask(signal)
        return dict(sorted(found.items(), key=lambda item: item[0].layer))


def composition_of(
    formulas: Sequence[Expression], points: np.ndarray, log: np.ndarray | None = None, logarithms: bool = False
) -> Composition | None:
    """The layers of formulas of the same variables, or None where they have something else.

    points (n, d): where their sub-expressions are looked at, for signs and ranges. log (d,): inputs of which the
    network is given the logarithm. logarithms: whether quotients, roots and logarithms of sums of positive terms that
    range over powers of ten are read as those of the terms: log(e^a + e^b) = b + log(1 + e^(a-b)), where the sum would
    be known to a share of its largest value; None where there are none.

    >>> from surefit.formulas import parse
    >>> f = parse("sin(a*b/c)^2")
    >>> composition_of([f], np.random.default_rng(0).uniform(1, 2, (100, 3))).depth
    2
    """
    if sum(len(f.nodes) for f in formulas) > MOST_NODES:
        return None
    if logarithms and all(_sum_below(f, i) is None for f in formulas for i in range(len(f.nodes))):
        return None
    composer = _Composer(points, np.zeros(points.shape[1], bool) if log is None else log, logarithms)
    try:
        values = [composer.read(f) for f in formulas]
        if logarithms and not composer.used:
            return None
        depth = max((s.layer + 1 for v in values for s in v.parts), default=0)
        if not depth:
            return None
        outputs = tuple(composer.at_layer(v, depth) for v in values)
        return Composition(tuple(composer.inputs), outputs, depth, tuple(composer.assumed))
    except (Unknown, RecursionError):
        return None


def _sum_below(formula: Expression, i: int) -> int | None:
    """The node with a sum in it that a node is a logarithm or a negative or broken power of, or is divided by."""
    node = formula.nodes[i]
    if node.op not in ("div", "sqrt", "pow", *LOGARITHMS) or formula.constants[i] is not None:
        return None
    if node.op == "pow":
        power = formula.constants[node.args[1]]
        if power is None or (float(power) > 0 and float(power).is_integer()):
            return None
    of = node.args[1 if node.op == "div" else 0]
    return of if _has_sum(formula, of) else None


def _has_sum(formula: Expression, i: int) -> bool:
    """Whether a node is a sum, or a power, a quotient or a product with one."""
    node = formula.nodes[i]
    if formula.constants[i] is None and node.op in (*FACTORS, "sqrt", "pow"):
        return any(_has_sum(formula, a) for a in node.args)
    return formula.constants[i] is None and node.op == "add"


class _Composer(Layers):
    """Reads formulas."""

    def __init__(self, points: np.ndarray, log: np.ndarray, logarithms: bool = False) -> None:
        self.logarithms, self.used = logarithms, False
        super().__init__([Signal(0, np.log(x) if is_log else x) for x, is_log in zip(points.T, log, strict=True)])
        plain = [Value(linear={signal: 1.0}) for signal in self.inputs]
        self.variables = [self.applied(EXP, v) if is_log else v for v, is_log in zip(plain, log, strict=True)]
        self.known: dict[Any, Value] = {}
        self.whole: set[Any] = set()  # products that something else is made of
        self.assumed: list[Value] = []  # that are not below 0, as far as was seen

    # --- formulas ---

    def read(self, formula: Expression) -> Value:
        """The value of a formula."""
        keys: list[Any] = []
        names = {name: i for i, name in enumerate(formula.variables)}
        for i, node in enumerate(formula.nodes):
            constant = formula.constants[i]
            keys.append(
                ("number", float(constant))
                if constant is not None
                else (node.op, node.value, *(keys[a] for a in node.args))
            )
        self.formula, self.keys, self.names = formula, keys, names
        for node in formula.nodes:
            if node.op not in FACTORS:
                self.whole.update(keys[self.bare(a)] for a in node.args)
        return self.value(len(formula.nodes) - 1)

    def bare(self, i: int) -> int:
        """A node without its sign and numeric factors."""
        node = self.formula.nodes[i]
        if node.op == "neg":
            return self.bare(node.args[0])
        if node.op in ("mul", "div"):
            varying = [a for a in node.args if self.formula.constants[a] is None]
            if len(varying) == 1 and (node.op == "mul" or varying[0] == node.args[0]):
                return self.bare(varying[0])
        return i

    def value(self, i: int) -> Value:
        """The value of a node."""
        key = self.keys[i]
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.made(i)
        return found

    def made(self, i: int) -> Value:
        node, constant = self.formula.nodes[i], self.formula.constants[i]
        if constant is not None:
            if not np.isfinite(float(constant)):
                raise Unknown
            return Value(Exact(float(constant), constant_term(self.formula, i)))
        op, args = node.op, node.args
        if self.logarithms and (found := self.by_logarithms(i)) is not None:
            self.used = True
            return found
        if op in ("compare", "and", "or", "not", "if"):
            chosen = range(1, 3) if op == "if" else ()  # which may be undefined where they are not chosen
            values = []
            for k, a in enumerate(args):
                self.enough = PART if k in chosen else NEARLY_ALL
                values.append(self.value(a))
            self.enough = NEARLY_ALL
            return self.decided(op, values, node.value)
        if op == "variable":
            return self.variables[self.names[node.value]]
        if op in ("add", "sub"):
            return added(self.value(args[0]), self.value(args[1]), 1.0 if op == "add" else -1.0)
        if op == "neg":
            return scaled(self.value(args[0]), -1.0)
        power = self.power(i)
        if power is not None and not power.is_integer() and not (self.on_points(self.value(args[0])) >= 0).all():
            return self.applied(SQRT if power == 0.5 else power_of(power), self.value(args[0]))
        if op in ("mul", "div") or power is not None:
            return self.shallower(i)
        if (found := self.rewritten(op, args)) is not None:
            return found
        varying = [k for k, a in enumerate(args) if self.formula.constants[a] is None]
        if len(varying) == 1 and op in TABLE:
            known_terms = [None if k in varying else constant_term(self.formula, a) for k, a in enumerate(args)]
            function = called(op, [self.formula.constants[a] for a in args], known_terms)
            return self.applied(function, self.value(args[varying[0]]))
        raise Unknown

    def rewritten(self, op: str, args: Sequence[int]) -> Value | None:
        """A function of several numbers by an identity; None of others."""
        if op == "pow":
            base = self.formula.constants[args[0]]
            if base is not None:
                exact = Exact(float(base), constant_term(self.formula, args[0]))
                of_base = Univariate(lambda z: float(exact) ** z, combined("pow", exact.term, T))
                return self.applied(of_base, self.value(args[1]))
            log = self.logarithm_above(args[0])
            return self.applied(EXP, self.product([(self.value(args[1]), 1.0), (log, 1.0)]))
        if op in ("max", "min"):
            found = self.value(args[0])
            for a in args[1:]:
                sign = 1.0 if op == "max" else -1.0
                more = self.applied(ABOVE, scaled(added(self.value(a), found, -1.0), sign))
                found = added(found, more, sign)
            return found
        if op == "hypot":
            squares = [self.product([(self.value(a), 2.0)]) for a in args]
            return self.applied(SQRT, added(squares[0], squares[1]))
        if op == "logaddexp":
            difference = added(self.value(args[0]), self.value(args[1]), -1.0)
            return added(self.value(args[1]), self.applied(SOFT, difference))
        if op == "atan2":
            return self.applied(ATAN, self.product([(self.value(args[0]), 1.0), (self.positive(args[1]), -1.0)]))
        if op == "mod" and self.formula.constants[args[1]] is None:  # a - b floor(a / b)
            value, step = self.value(args[0]), self.value(args[1])
            whole = self.applied(FLOOR, self.product([(value, 1.0), (step, -1.0)]))
            return added(value, self.product([(step, 1.0), (whole, 1.0)]), -1.0)
        return None

    def decided(self, op: str, args: list[Value], signs: Sequence[str]) -> Value:
        """A condition, which is 1 where it holds and else 0, or one of two values by a condition."""
        if op == "compare":
            pairs = zip(signs, args, args[1:], strict=False)
            holds = [self.applied(HOLDS[sign], added(a, b, -1.0)) for sign, a, b in pairs]
            return self.product([(h, 1.0) for h in holds])
        if op == "if":
            chosen = self.product([(args[0], 1.0), (added(args[1], args[2], -1.0), 1.0)])
            return added(args[2], chosen)
        if op == "and":
            return self.product([(a, 1.0) for a in args])
        others = [added(Value(1.0), a, -1.0) for a in args]  # not a
        return others[0] if op == "not" else added(Value(1.0), self.product([(o, 1.0) for o in others]), -1.0)

    def by_logarithms(self, i: int) -> Value | None:
        """A logarithm, quotient or root of sums of positive terms that range far, by the logarithms of these."""
        node, of = self.formula.nodes[i], _sum_below(self.formula, i)
        if of is None:
            return None
        y = self.on_points(self.value(of))
        if not ((y > 0).all() and float(y.min()) < SIGNED * float(y.max())):
            return None
        assumed = len(self.assumed)
        try:
            if node.op in LOGARITHMS:
                return scaled(self.logarithm(of), LOGARITHMS[node.op])
            total, others = self.apart_from(i)
            return self.product([(self.applied(EXP, total), 1.0), *((value, 1.0) for value in others)])
        except Unknown:
            del self.assumed[assumed:]
            return None

    def apart_from(self, i: int) -> tuple[Value, list[Value]]:
        """The logarithm of the factors of a node that have one, and those that have none."""
        node, assumed = self.formula.nodes[i], len(self.assumed)
        if self.formula.constants[i] is None and node.op in ("mul", "div", "neg"):
            total, others = self.apart_from(node.args[0])
            if node.op == "mul":
                more, beside = self.apart_from(node.args[1])
                return added(total, more), others + beside
            if node.op == "div":
                return added(total, self.logarithm(node.args[1]), -1.0), others
            return total, [*others, Value(-1.0)]
        try:
            return self.logarithm(i), []
        except Unknown:
            del self.assumed[assumed:]
            return Value(), [self.value(i)]

    def logarithm(self, i: int) -> Value:
        """The logarithm of a node that is above 0, as are all that it is a product or a sum of."""
        node = self.formula.nodes[i]
        if self.formula.constants[i] is None:
            if node.op == "exp":
                return self.value(node.args[0])
            if node.op in ("mul", "div"):
                a, b = (self.logarithm(a) for a in node.args)
                return added(a, b, 1.0 if node.op == "mul" else -1.0)
            power = self.power(i)
            if power is not None:
                return scaled(self.logarithm(node.args[0]), power)
            if node.op == "add":
                a, b = (self.logarithm(a) for a in node.args)
                return added(b, self.applied(SOFT, added(a, b, -1.0)))
        if node.op == "pow" and self.formula.constants[i] is None:  # of an exponent that varies
            return self.logarithm_above(i)
        return self.applied(logarithm_of(1.0), self.positive(i))

    def logarithm_above(self, i: int) -> Value:
        """The logarithm of a node that is not below 0; where it is 0, that of so small a number that no input shows it.

        So x^n is exp(n log(x)) at x = 0, too.
        """
        value = self.value(i)
        y = self.on_points(value)
        if not ((y >= 0).all() and (y == 0).any() and y.max() > 0):
            return self.applied(logarithm_of(1.0), self.positive(i))
        self.assumed.append(value)
        least = LEAST * float(y.max())
        return self.applied(Univariate(lambda z: np.log(np.maximum(z, least)), None), value)

    def positive(self, i: int) -> Value:
        """A node that is above 0."""
        value = self.value(i)
        if not (self.on_points(value) > 0).all():
            raise Unknown
        self.assumed.append(value)
        return value

    def power(self, i: int) -> float | None:
        """The exponent of a power that is a number; None of another node."""
        node = self.formula.nodes[i]
        if node.op in ("sqrt", "square"):
            return 0.5 if node.op == "sqrt" else 2.0
        exponent = self.formula.constants[node.args[1]] if node.op == "pow" else None
        return None if exponent is None else Exact(float(exponent), constant_term(self.formula, node.args[1]))

    def shallower(self, i: int) -> Value:
        """A product, of all its factors, or with those together of which something else is made: whichever is simpler.

        So x*y*sin(x*y) is a function of x*y alone.
        """
        split = self.factors(i, 1.0, frozenset())
        together = self.factors(i, 1.0, frozenset(self.whole - {self.keys[i]}))
        found = self.product(split)
        if len(together) == len(split):
            return found
        other = self.product(together)
        return other if depth_of(other) < depth_of(found) else found

    def factors(self, i: int, exponent: float, whole: frozenset[Any]) -> list[tuple[Value, float]]:
        """A product as its factors and their exponents; those of `whole` are not split."""
        node = self.formula.nodes[i]
        if self.formula.constants[i] is None and self.keys[i] not in whole:
            if node.op in ("mul", "div"):
                other = exponent if node.op == "mul" else -exponent
                return self.factors(node.args[0], exponent, whole) + self.factors(node.args[1], other, whole)
            power = self.power(i)
            if power is not None and power.is_integer() and float(exponent).is_integer():
                return self.factors(node.args[0], power * exponent, whole)
            if power is not None and (self.on_points(self.value(node.args[0])) >= 0).all():
                return self.split(node.args[0], power * exponent, whole)
            if node.op == "neg":
                return [(Value(-1.0), exponent), *self.factors(node.args[0], exponent, whole)]
        return [(self.value(i), exponent)]

    def split(self, i: int, exponent: float, whole: frozenset[Any]) -> list[tuple[Value, float]]:
        """The factors of a base that is not below 0, where each of them is not: sqrt(a b) = sqrt(a) sqrt(b)."""
        found = self.factors(i, 1.0, whole)
        self.assumed.append(self.value(i))
        if all((self.on_points(v) >= 0).all() for v, _ in found):
            self.assumed += [v for v, _ in found]
            return [(v, e * exponent) for v, e in found]
        return [(self.value(i), exponent)]


__all__ = ["Composition", "composition_of"]
