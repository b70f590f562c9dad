"""A formula: a function of named variables that is read from text, prints itself, and is differentiated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surefit.core.functional import grad
from surefit.core.program import Program, record
from surefit.errors import ArgumentError, FormulaError

from .expression import Expression, Node
from .printing import to_latex, to_text
from .programs import expressions_of


class Formula(Expression):
    """A function of named variables, read from text by `parse`, or from a Program by `formulas_of`.

    Call it with one value for each variable, by place or by name: arrays, Tensors, values being recorded or
    batched, or Python numbers. The values broadcast against each other and the result has their common shape.
    Python numbers and integer arrays are computed in float64; float32 stays float32.

    Attributes:
        variables: the names it depends on, in the order of the arguments.
        nodes: the steps of its evaluation; the last one is the result.
        conditions: for each node, whether it is true or false rather than a number.
        constants: for each node, its value where no variable takes part, else None.

    >>> from surefit.formulas import parse
    >>> f = parse("x1^2 + x2")
    >>> f.variables
    ('x1', 'x2')
    >>> f(3.0, 1.0)
    10.0
    """

    def __init__(
        self, nodes: Sequence[Node], variables: Sequence[str], text: str | None = None, guarded: bool = True
    ) -> None:
        super().__init__(nodes, variables, guarded)
        self._text = text
        self.written = text or ""

    @property
    def text(self) -> str:
        """The text it was read from, else its own print; FormulaError where it has none (see `to_text`)."""
        if self._text is None:
            self._text = to_text(self)
        return self._text

    def derivative(self, variable: str | None = None) -> Formula:
        """The partial derivative, made by the engine's reverse pass; it has the same variables.

        variable: its name; may be left out when there is only one. ArgumentError for any other name.

        >>> from surefit.formulas import parse
        >>> print(parse("x*sin(x)").derivative())
        sin(x) + x*cos(x)
        """
        if variable is None and len(self.variables) == 1:
            variable = self.variables[0]
        if variable not in self.variables:
            raise ArgumentError(
                f"derivative of {self._short()}: variable={variable!r}, expected one of "
                f"{', '.join(self.variables) or 'its variables, of which it has none'}"
            )
        slope = grad(self, self.variables.index(variable))
        program = record(slope, *(np.zeros(()) for _ in self.variables))
        return formulas_of(program, self.variables)[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        return self.nodes == other.nodes and self.variables == other.variables

    def __hash__(self) -> int:
        return hash((self.nodes, self.variables))

    def __str__(self) -> str:
        try:
            return self.text
        except FormulaError:  # too long, or it holds an infinity
            return f"formula of {len(self.nodes)} steps"

    def __repr__(self) -> str:
        return f"Formula({str(self)!r}, variables={self.variables})"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {to_latex(self)}$"


def formulas_of(program: Program, variables: Sequence[str] | None = None) -> tuple[Formula, ...]:
    """One Formula for each result of an elementwise Program.

    variables: names for its inputs (default: their own, made into single words). FormulaError when the
    Program does anything but arithmetic on each element, reads leaves, or holds an array of several numbers.
    """
    return tuple(Formula(e.nodes, e.variables, guarded=False) for e in expressions_of(program, variables))
