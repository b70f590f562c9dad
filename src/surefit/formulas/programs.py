"""Elementwise Programs as Formulas: what a Program does to each element, in a form that reads back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.core.ops import bool_
from surefit.core.program import Constant, Equation, Program, Var
from surefit.errors import FormulaError

from .expression import Expression, Node, apply_numbers

_SAME = (
    "add sub mul div neg pow atan2 hypot logaddexp abs sign sqrt cbrt exp exp2 expm1 log log2 log10 log1p "
    "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid softplus relu erf erfc erfinv floor "
    "ceil round trunc lgamma digamma polygamma gamma"
).split()
_NODES = {name: name for name in _SAME} | {
    "maximum": "max",
    "minimum": "min",
    "remainder": "mod",
    "where": "if",
}
_NODES |= {"logical_and": "and", "logical_or": "or", "logical_not": "not"}
_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "logical_xor": "!="}


def expressions_of(program: Program, variables: Sequence[str] | None = None) -> tuple[Expression, ...]:
    """One Expression for each result of an elementwise Program.

    variables: names for its inputs (default: their own, made into single words). FormulaError when the
    Program does anything but arithmetic on each element, reads leaves, or holds an array of several numbers.
    """
    if program.state_in or program.state_out:
        raise FormulaError(
            f"the program {program.name} reads {len(program.state_in)} and assigns {len(program.state_out)} "
            f"leaves; a formula has only its variables, so pass them as arguments"
        )
    names = list(variables) if variables is not None else _words(program.inputs)
    if len(names) != len(program.inputs):
        raise FormulaError(f"variables: {len(names)} names for {len(program.inputs)} inputs of {program.name}")
    builder = _Builder()
    for name, var in zip(names, program.inputs, strict=True):
        builder.place[var] = builder.node("variable", value=name)
    for equation in program.equations:
        builder.place[equation.result] = builder.equation(equation)
    return tuple(Expression(builder.needed_by(builder.atom(a)), names, guarded=False) for a in program.outputs)


def _words(inputs: Sequence[Var]) -> list[str]:
    """Input names such as `x.0` as words that a formula can hold."""
    names: list[str] = []
    for var in inputs:
        name = re.sub(r"\W", "_", var.name)
        while name in names:
            name += "_"
        names.append(name)
    return names


class _Builder:
    """Nodes without repetitions, with the simplifications that are exact (up to the sign of a zero)."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[Node, int] = {}
        self.place: dict[Var, int] = {}

    def node(self, op: str, args: tuple[int, ...] = (), value: Any = None) -> int:
        node = Node(op, args, value)
        # Python counts -0.0 and 0.0 as equal, and NaN as unlike itself; numbers are told apart by their print
        key = Node(op, args, repr(value)) if op == "number" else node
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.nodes.append(node)
        return self.known[key]

    def number(self, value: float) -> int:
        return self.node("number", value=float(value))

    def atom(self, a: Var | Constant) -> int:
        if isinstance(a, Var):
            return self.place[a]
        values = np.unique(a.value)
        if len(values) != 1:
            raise FormulaError(f"the program holds an array {a.value.shape} of different numbers, which no formula can")
        if a.value.dtype == bool_:
            return self.node("compare", (self.number(0.0), self.number(1.0)), ("<" if values[0] else ">",))
        return self.number(values[0])

    def equation(self, equation: Equation) -> int:
        name, params = equation.op.name, equation.params
        args = tuple(self.atom(a) for a in equation.args)
        if name in _SIGNS:
            return self.node("compare", args, (_SIGNS[name],))
        if name == "square":
            return self.call("pow", (args[0], self.number(2.0)))
        if name == "floor_divide":
            return self.call("floor", (self.call("div", args),))
        if name == "fmod":
            whole = self.call("trunc", (self.call("div", args),))
            return self.call("sub", (args[0], self.call("mul", (args[1], whole))))
        if name == "cast":
            return self.cast(equation, args[0])
        if _moves_nothing(equation):
            return args[0]
        if name not in _NODES:
            raise FormulaError(
                f"the program {_at(equation)}uses the primitive {name!r} {params or ''}, which a formula "
                f"cannot say: only arithmetic on each element can be written"
            )
        return self.call(_NODES[name], args)

    def cast(self, equation: Equation, arg: int) -> int:
        """Conditions count 0 or 1 wherever a number is needed, so only casts that lose something are seen."""
        old, new = equation.args[0].aval.dtype, equation.result.dtype
        if new == bool_ and old != bool_:
            return self.node("compare", (arg, self.number(0.0)), ("!=",))
        if new.kind == "i" and old.kind == "f":
            return self.call("trunc", (arg,))
        return arg

    def call(self, op: str, args: tuple[int, ...]) -> int:
        nodes = [self.nodes[a] for a in args]
        values = [n.value if n.op == "number" else None for n in nodes]
        if op == "if":
            _, then, other = args
            return then if then == other else self.node(op, args)
        if all(n.op == "number" for n in nodes):
            return self.number(apply_numbers(op, [n.value for n in nodes]))
        match op, values:
            case "mul", [1.0, _]:
                return args[1]
            case (("mul" | "div" | "pow"), [_, 1.0]):
                return args[0]
            case (("add" | "sub"), [_, 0.0]):
                return args[0]
            case "add", [0.0, _]:
                return args[1]
            case "mul", [-1.0, _]:
                return self.call("neg", args[1:])
            case "mul", [_, -1.0]:
                return self.call("neg", args[:1])
            case "neg", _ if self.nodes[args[0]].op == "neg":
                return self.nodes[args[0]].args[0]
        return self.node(op, args)

    def needed_by(self, last: int) -> list[Node]:
        """The nodes that one of them is made of, renumbered, with it last."""
        wanted = {last}
        for i in range(last, -1, -1):
            if i in wanted:
                wanted.update(self.nodes[i].args)
        new = {old: k for k, old in enumerate(sorted(wanted))}
        return [Node(n.op, tuple(new[a] for a in n.args), n.value) for n in (self.nodes[i] for i in sorted(wanted))]


def _moves_nothing(equation: Equation) -> bool:
    """Whether the result holds the same numbers at the same places, if broadcasting counts as the same."""
    name, before, after = equation.op.name, equation.args[0].aval.shape, equation.result.shape
    if name == "broadcast_to" or (name in ("reshape", "sum", "prod", "amax") and math.prod(before) == 1):
        return True
    if name == "reshape":
        return before == after
    if name in ("sum", "prod", "amax"):
        return not equation.params["axes"]
    return name in ("transpose", "flip") and sum(n != 1 for n in before) == 0


def _at(equation: Equation) -> str:
    return f"(at {equation.line}) " if equation.line else ""
