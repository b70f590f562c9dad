"""Text to Formula. Python's own grammar gives the structure; nothing is ever executed.

The words of the formula are cut and checked first (`scanner`). Python's `ast` then sees a sentence in which
every name and number has been replaced by a placeholder, so it holds nothing but placeholders, operators,
brackets and `if else and or not`; the tree it returns is read through a list of the few nodes that a formula
may have.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from surefit.errors import FormulaError
from surefit.keywords import naming

from .expression import Node, in_order
from .formula import Formula
from .functions import CONSTANTS, NAMES, arity_of
from .messages import Fault, explain
from .scanner import Token, check, scan

MAX_EXPONENT = 1e6

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Mod: "mod",
    ast.Pow: "pow",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_T = TypeVar("_T")


@naming
def parse(text: str, variables: Sequence[str] | None = None) -> Formula:
    """Read a formula such as "sin(x1) - x2^2".

    Args:
        text: numbers, variables, + - * / % and ** or ^, comparisons (also chained), `and or not`,
            `a if c else b`, the constants pi and e, and the functions listed in `surefit.formulas`.
            Full-width characters, superscripts and mathematical signs mean what they look like.
        variables: the names it may use, in the order of its arguments; they win over constants and functions
            of the same name. Default: the names found, in natural order (x1, x2, ..., x10).

    Raises:
        FormulaError: with a caret line under the column and, where possible, a corrected formula.

    >>> parse("x10 + 2*x9").variables
    ('x9', 'x10')
    """
    _check_text(text)
    declared = None if variables is None else _declared(variables)
    return _reporting(text, lambda t: _read(t, declared))


def parse_many(texts: str | Iterable[str], variables: Sequence[str] | None = None) -> tuple[Formula, ...]:
    """Read several formulas of the same variables: a text with ';' between them, or several texts.

    >>> [f.variables for f in parse_many("sin(x2); x1*x10")]
    [('x1', 'x2', 'x10'), ('x1', 'x2', 'x10')]
    """
    parts = texts.replace("；", ";").split(";") if isinstance(texts, str) else list(texts)
    if isinstance(texts, str) and len(parts) > 1 and not parts[-1].strip():
        parts.pop()  # a semicolon at the end
    if not parts:
        raise FormulaError("parse_many: no formula came; expected at least one")
    formulas = []
    for i, part in enumerate(parts, 1):
        try:
            formulas.append(parse(part, variables))
        except FormulaError as error:
            if len(parts) == 1:
                raise
            raise FormulaError(f"formula {i} of {len(parts)}: {error}") from None
    if variables is None:
        shared = in_order(name for f in formulas for name in f.variables)
        return tuple(Formula(f.nodes, shared, text=f.text) for f in formulas)
    return tuple(formulas)


def constant(text: str | float) -> float:
    """The value of a formula without variables, such as "-2*pi". Numbers pass through.

    >>> constant("-pi/2")
    -1.5707963267948966
    """
    if isinstance(text, (int, float)):
        if not math.isfinite(text):
            raise FormulaError(f"{text} is not a finite number")
        return float(text)
    _check_text(text)
    formula = _reporting(text, lambda t: _read(t, ()))
    return float(formula())


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text such as 'sin(x)', got {type(text).__name__}")


def _reporting(text: str, read: Callable[[str], _T]) -> _T:
    try:
        return read(text)
    except Fault as fault:
        error = explain(fault, text, read)
    raise error


def _declared(variables: Sequence[str]) -> tuple[str, ...]:
    """The declared names in plain characters, each checked to be one name."""
    if isinstance(variables, str):
        raise FormulaError(f"variables={variables!r}: expected several names, for example [{variables!r}]")
    names: list[str] = []
    for name in variables:
        _check_text(name)
        try:
            tokens = scan(name)
        except Fault:
            tokens = []
        if len(tokens) != 2 or tokens[0].kind != "name":
            raise FormulaError(
                f"{name!r} cannot name a variable: it must be one word of letters, digits and _ that does "
                f"not start with a digit, and none of if, else, and, or, not"
            )
        if tokens[0].text in names:
            raise FormulaError(f"variables: {name!r} comes twice")
        names.append(tokens[0].text)
    return tuple(names)


# --- from tokens to nodes -------------------------------------------------------------------------


def _read(text: str, variables: tuple[str, ...] | None) -> Formula:
    tokens = scan(text)
    check(tokens, variables)
    nodes = _Reader(tokens, variables).nodes
    found = in_order(n.value for n in nodes if n.op == "variable")
    formula = Formula(nodes, found if variables is None else variables, text=text)
    _check_conditions(formula, text)
    _check_constants(formula, text)
    return formula


@dataclass(frozen=True)
class _Step:
    """One piece of syntax: what it becomes and the pieces it is made of."""

    op: str
    parts: tuple[ast.AST, ...] = ()
    value: object = None


class _Reader:
    """Turns Python's tree into nodes, without recursion and without trusting what the tree holds."""

    def __init__(self, tokens: list[Token], variables: tuple[str, ...] | None) -> None:
        self.variables = variables or ()
        self.nodes: list[Node] = []
        self.first: dict[int, Token] = {}  # column in the placeholder sentence -> the token that begins there
        self.last: dict[int, Token] = {}
        words: list[str] = []
        at = 0
        for i, token in enumerate(tokens[:-1]):
            word = f"n{i}" if token.kind in ("number", "name") else token.text
            self.first[at], self.last[at + len(word)] = token, token
            words.append(word)
            at += len(word) + 1
        try:
            body = ast.parse(" ".join(words), mode="eval").body
        except (RecursionError, MemoryError):  # Python's own limit, which shrinks inside deep calls
            raise Fault("this sum or product has too many terms to be read here", 0, tokens[-1].end) from None
        except (SyntaxError, ValueError):  # what `check` lets pass is grammatical; if not, it is no formula
            raise Fault("this cannot be read as a formula", tokens[0].start, tokens[-1].end) from None
        self._walk(body)

    def _walk(self, body: ast.expr) -> None:
        waiting: list[tuple[ast.AST, _Step | None]] = [(body, None)]
        done: list[int] = []  # places of the nodes that wait for the one they belong to
        while waiting:
            piece, step = waiting.pop()
            if step is None:
                step = self._step(piece)
                waiting.append((piece, step))
                waiting.extend((part, None) for part in reversed(step.parts))
                continue
            count = len(step.parts)
            args = tuple(done[len(done) - count :])
            del done[len(done) - count :]
            done.append(self._add(piece, step, args))

    def _step(self, piece: ast.AST) -> _Step:
        """What one piece of syntax means: the list of all that is allowed."""
        match piece:
            case ast.Name():
                return self._leaf(self._token(piece))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _Step(_BINARY[type(op)], (left, right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _Step("neg", (operand,))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return _Step("pos", (operand,))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _Step("not", (operand,))
            case ast.BoolOp(op=op, values=values):
                return _Step("and" if isinstance(op, ast.And) else "or", tuple(values))
            case ast.Compare(left=left, ops=signs, comparators=others) if all(type(s) in _COMPARE for s in signs):
                return _Step("compare", (left, *others), tuple(_COMPARE[type(s)] for s in signs))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return _Step("if", (test, body, orelse))
            case ast.Call(func=ast.Name() as function, args=args, keywords=[]):
                return self._call(self._token(function), tuple(args))
        first, last = self._span(piece)
        raise Fault("this cannot be part of a formula", first, last)

    def _leaf(self, token: Token) -> _Step:
        if token.kind == "number":
            return _Step("number", value=float(token.text))
        if token.text in CONSTANTS and token.text not in self.variables:
            return _Step("constant", value=token.text)
        return _Step("variable", value=token.text)

    def _call(self, token: Token, args: tuple[ast.AST, ...]) -> _Step:
        op = NAMES[token.text]
        least, most, words = arity_of(op)
        if not least <= len(args) <= most:
            came = f"{len(args)} came" if args else "none came"
            raise Fault(f"{token.text} takes {words}, {came}", token.start, token.end)
        return _Step(op, args)

    def _add(self, piece: ast.AST, step: _Step, args: tuple[int, ...]) -> int:
        """Append the node of a finished step; its place."""
        if step.op == "pos":
            return args[0]
        first, last = self._span(piece)
        if step.op == "neg" and self.nodes[args[0]].op == "number":
            self.nodes[args[0]] = Node("number", (), -self.nodes[args[0]].value, first, last)
            return args[0]
        self.nodes.append(Node(step.op, args, step.value, first, last))
        return len(self.nodes) - 1

    def _token(self, name: ast.Name) -> Token:
        return self.first[name.col_offset]

    def _span(self, piece: ast.AST) -> tuple[int, int]:
        if not isinstance(piece, ast.expr) or piece.end_col_offset is None:
            return 0, 1
        return self.first[piece.col_offset].start, self.last[piece.end_col_offset].end


# --- what the nodes may be ------------------------------------------------------------------------


def _check_conditions(formula: Formula, text: str) -> None:
    """Conditions, not numbers, where conditions belong."""
    nodes = formula.nodes
    for node in nodes:
        if node.op in ("and", "or", "not"):
            needed: tuple[int, ...] = node.args
        elif node.op == "if":
            needed = node.args[:1]
        else:
            continue
        for a in needed:
            if not formula.conditions[a]:
                shown = text[nodes[a].start : nodes[a].end]
                raise Fault(
                    f"a condition is needed here, such as {_clip(shown)} > 0; this is a number",
                    nodes[a].start, nodes[a].end,
                )  # fmt: skip


def _check_constants(formula: Formula, text: str) -> None:
    """Constants that are finite, and exponents within bounds."""
    nodes, known = formula.nodes, formula.constants
    for node, value in zip(nodes, known, strict=True):
        if value is not None and not math.isfinite(value):
            raise Fault(_not_finite(text, node, value, known), node.start, node.end)
        if node.op == "pow" and value is None:
            exponent = known[node.args[1]]
            if exponent is not None and abs(exponent) > MAX_EXPONENT:
                at = nodes[node.args[1]]
                raise Fault(f"the exponent is larger than {MAX_EXPONENT:.0f}", at.start, at.end)


def _not_finite(text: str, node: Node, value: float, known: Sequence[float | bool | None]) -> str:
    shown = _clip(text[node.start : node.end])
    if node.op in ("div", "mod") and known[node.args[1]] == 0:
        return f"{shown} divides by zero"
    if math.isnan(value):
        return f"{shown} is not a real number"
    return f"{shown} is infinite, or larger than the largest number (about 1.8e308)"


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
