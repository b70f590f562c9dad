"""Formulas on ranges, affine forms, balls: the steps of a formula, read with exact constants and real branches.

A formula computes with the floats next to its numbers; what is proved is about the formula that was written: 0.1 is
one tenth, pi is pi, and of `if` only the branches that some point of the box takes count.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Protocol

from surefit.errors import FormulaError
from surefit.formulas.exact import literal, rational
from surefit.formulas.expression import COMPARISONS, Expression, Node


class Arithmetic(Protocol):
    """What a kind of value must be able to do for formulas to be read with it."""

    def number(self, value: Fraction) -> Any:
        """An exact constant."""

    def constant(self, name: str) -> Any:
        """pi or e."""

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Any:
        """A function of the table of formulas; `exact`: the arguments that are rational numbers."""

    def compare(self, sign: str, a: Any, b: Any, exact: list[Fraction | None]) -> Any:
        """A condition; `exact`: the sides that are rational numbers."""

    def join(self, op: str, args: list[Any]) -> Any:
        """Conditions joined by `and`, `or`, `not`."""

    def choose(self, condition: Any, then: Any, other: Any) -> Any:
        """The value of a conditional."""

    def decided(self, condition: Any) -> bool | None:
        """Whether a condition holds everywhere, or nowhere; None where that is not known."""

    def as_number(self, condition: Any) -> Any:
        """A condition as 0 or 1."""


def read(formula: Expression, values: Mapping[str, Any], arithmetic: Arithmetic) -> Any:
    """The value of a formula in an arithmetic.

    values: one for each variable. FormulaError for a formula with a constant that is not a number.
    """
    results: list[Any] = []
    exact: list[Fraction | None] = []
    needed = _needed(formula.nodes)
    for i, node in enumerate(formula.nodes):
        known: Fraction | None = None
        args = [results[a] for a in node.args]
        kinds = [formula.conditions[a] for a in node.args]
        if not needed[i]:
            value = None
        elif node.op == "number":
            if node.value != node.value or node.value in (float("inf"), float("-inf")):
                raise FormulaError(f"{formula}: the constant {node.value} is not a number, so nothing can be proved")
            known = literal(node, formula.written)
            value = arithmetic.number(known)
        elif node.op == "constant":
            value = arithmetic.constant(node.value)
        elif node.op == "variable":
            value = values[node.value]
        elif node.op in ("and", "or", "not"):
            value = arithmetic.join(node.op, args)
        elif node.op == "if":
            then, other = args[1], args[2]
            if not formula.conditions[i]:
                then, other = (
                    arithmetic.as_number(v) if kind else v for v, kind in zip((then, other), kinds[1:], strict=True)
                )
            value = arithmetic.choose(args[0], then, other)
        else:
            args = [arithmetic.as_number(v) if kind else v for v, kind in zip(args, kinds, strict=True)]
            if node.op == "compare":
                rationals = [exact[a] for a in node.args]
                pairs = [
                    arithmetic.compare(sign, args[k], args[k + 1], rationals[k : k + 2])
                    for k, sign in enumerate(node.value)
                ]
                value = pairs[0] if len(pairs) == 1 else arithmetic.join("and", pairs)
            else:
                rationals = [exact[a] for a in node.args]
                known = rational(node.op, rationals)
                value = arithmetic.number(known) if known is not None else arithmetic.call(node.op, args, rationals)
        results.append(value)
        exact.append(known)
    return arithmetic.as_number(results[-1]) if formula.conditions[-1] else results[-1]


def _needed(nodes: tuple[Node, ...]) -> list[bool]:
    needed = [False] * len(nodes)
    needed[-1] = True
    for i in range(len(nodes) - 1, -1, -1):
        if needed[i]:
            for a in nodes[i].args:
                needed[a] = True
    return needed


SIGNS = {sign: op.name for sign, op in COMPARISONS.items()}


__all__ = ["SIGNS", "Arithmetic", "literal", "read"]
