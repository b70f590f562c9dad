"""What is exported: the recorded Program of a model for one point, and what its readers have to know about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefit.core.program import Program
from surefit.errors import ExportError
from surefit.ir.graph import Node, graph_of
from surefit.ir.mathlib import FUNCTIONS

Values = Callable[[np.ndarray], list[np.ndarray]]  # points (n, d) -> values (n, k), and the Jacobians (n, k, d)


@dataclass(frozen=True)
class Exportable:
    """A model of d inputs and k outputs as Programs, in the units of its user.

    Attributes:
        name: of the model, from which names in the code are made.
        program: (1, d) -> (1, k). derivative: (1, d) -> ((1, k), (k, d)), value and Jacobian, None: not wanted.
            curvature: (1, d), weights (k,), direction (d,) -> (d,), the Hessian of the weighted sum of the outputs
            times the direction, None: not wanted.
        inputs, outputs: the names of the variables. low, high: the domain, (d,) each.
        about: lines for a comment: what was fitted, how, how large the error is.
        batch: n -> the Program for n points at once, (n, d) -> (n, k); None: there is none.
        points: (m, d), for the self-test. reference: the values of the Program. original: those of the fit, where the
            Program is of another dtype; None: the same.
        units: of the inputs, then of the outputs; "" of one that has none known, () of none at all.
    """

    name: str
    program: Program
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    about: tuple[str, ...]
    points: np.ndarray
    reference: Values
    derivative: Program | None = None
    curvature: Program | None = None
    batch: Callable[[int], Program] | None = None
    original: Values | None = None
    units: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers that go in and come out."""
        return self.program.inputs[0].dtype

    @property
    def kind(self) -> str:
        """The same, "f32" or "f64"."""
        return "f32" if self.dtype == np.float32 else "f64"

    @property
    def precision(self) -> np.dtype:
        """The shortest floats that take part."""
        p = self.program
        names = (*p.inputs, *(v for _, v in p.state_in), *(e.result for e in p.equations))
        short = any(v.dtype == np.float32 for v in names)
        return np.dtype(np.float32 if short else np.float64)

    def comment(self) -> list[str]:
        """What is known about the model: lines of printable characters, without what could end a comment."""
        lines = list(self.about)
        names = [*self.inputs, *self.outputs]
        if self.units:
            both = zip(names, self.units, strict=True)
            names = [f"{name} [{unit}]" if unit and f"[{unit}]" not in name else name for name, unit in both]
        lines += [f"inputs: {', '.join(names[: len(self.inputs)])}", f"outputs: {', '.join(names[len(self.inputs) :])}"]
        box = ", ".join(f"{n} {a:.17g} to {b:.17g}" for n, a, b in zip(self.inputs, self.low, self.high, strict=True))
        lines.append(f"domain: {box}; outside of it the values mean nothing certain")
        return [plain(line) for line in lines]

    def values(self) -> list[np.ndarray]:
        """What the self-test has to find at the points."""
        return self.reference(self.points)


def plain(text: str) -> str:
    """A line that is safe in a comment of any language."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\", "/").replace('"""', "'''")


LONGEST = 40  # characters of a name, of which others are made: Fortran takes 63


def identifier(text: str) -> str:
    """A name for code, from that of a file or a model.

    >>> identifier("My model-2"), identifier("3d"), identifier("模型")
    ('My_model_2', 'm3d', 'model')
    """
    name = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_")[:LONGEST] or "model"
    return name if name[0].isalpha() else f"m{name}"


def wrapped(items: Sequence[str], width: int = 110, before: str = "    ") -> str:
    """Items with commas between them, in lines of this width."""
    lines, line = [], before
    for i, item in enumerate(items):
        word = item + ("," if i + 1 < len(items) else "")
        if len(line) + len(word) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = before
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def refuse(language: str, op: str) -> ExportError:
    """The error for a primitive that a language has no reading of."""
    return ExportError(f"the primitive {op!r} of this model cannot be written in {language}; choose another format")


def strict_graph(program: Program) -> tuple[list[Node], list[Node]]:
    """The inputs (arguments, then weights) and results of a Program as strict mode has them.

    ExportError names a primitive that has a value in Python alone.
    """
    for e in program.equations:
        if e.op.tier != "core" and e.op.name not in FUNCTIONS:
            raise ExportError(
                f"the primitive {e.op.name!r} of this model (line {e.line}) is computed by libraries of Python alone; "
                "build the model without it to write it in another language"
            )
    _, inputs, results, _ = graph_of(program, "strict")
    return inputs, results


__all__ = ["Exportable", "Values", "identifier", "plain", "refuse", "strict_graph", "wrapped"]
