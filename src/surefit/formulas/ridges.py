"""Units that a formula is made of: kinks and activations of a linear function of its inputs.

`abs(x - y) + 2*x` is a network of a few relu units, and `tanh(1000*x)` one tanh unit: the formula says where they bend
and how steep they are, which samples can only guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from .expression import Expression

SMOOTH = ("tanh", "sigmoid")
LINEAR = 1e-11  # of its size: what a linear function may be missed by
SAME = 1e-9  # units whose weights and offset differ by less are one
MOST = 64  # units of a kind


class Box(Protocol):
    """What is needed of a Domain."""

    @property
    def low(self) -> np.ndarray: ...
    @property
    def high(self) -> np.ndarray: ...


def ridge_units(
    formulas: Sequence[Expression], domain: Box, generator: int | np.random.Generator | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each activation ("relu", "tanh", "sigmoid") weights (h, d) and offsets (h,) of its units.

    A unit is activation(weights @ x + offset). Those of relu are the fewest that make every function of the inputs that
    is linear but for these kinks.

    >>> from surefit.data import Domain
    >>> from surefit.formulas import parse
    >>> units = ridge_units([parse("tanh(1000*x - 1)")], Domain("x=-1:1"), 0)
    >>> weights, offsets = units["tanh"]
    >>> weights.round(6).tolist(), offsets.round(6).tolist()
    ([[1000.0]], [-1.0])
    """
    rng = np.random.default_rng(generator)
    low, high = np.asarray(domain.low, np.float64), np.asarray(domain.high, np.float64)
    points = rng.uniform(low, high, (4 * len(low) + 8, len(low)))
    design = np.column_stack([(points - low) / (high - low), np.ones(len(points))])
    found: dict[str, list[np.ndarray]] = {}
    for formula in formulas:
        values = formula.steps_on(points)
        for kind, argument in _arguments(formula, values):
            unit = _linear(argument, design)
            if unit is not None:
                found.setdefault(kind, []).append(unit)
    units: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind, several in found.items():
        if kind == "relu":
            several = list(fewest_kinks(several))
        distinct = _distinct(several)
        if len(distinct) <= MOST:
            weights = distinct[:, :-1] / (high - low)
            units[kind] = weights, distinct[:, -1] - weights @ low
    return units


def _arguments(formula: Expression, values: list[np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The activation and the values of the argument of each unit, one step after the other."""
    for i, node in enumerate(formula.nodes):
        if formula.constants[i] is not None:
            continue
        given = [values[a] for a in node.args]
        if node.op in SMOOTH:
            yield node.op, given[0]
        elif node.op in ("abs", "relu"):
            yield "relu", given[0]
        elif node.op == "clip":
            yield "relu", given[0] - given[1]
            yield "relu", given[0] - given[2]
        elif node.op in ("max", "min", "compare"):
            for j in range(1, len(given)):
                for k in range(j):
                    yield "relu", given[j] - given[k]


def _linear(values: np.ndarray, design: np.ndarray) -> np.ndarray | None:
    """Weights and offset of a linear function of the inputs that is not constant, (d + 1,); else None."""
    if values.dtype == bool or not np.isfinite(values).all():
        return None
    solved = np.linalg.lstsq(design, values, rcond=None)[0]
    size = np.abs(values).max()
    if np.abs(design @ solved - values).max() > LINEAR * size or np.abs(solved[:-1]).max() <= LINEAR * size:
        return None
    solved[:-1][np.abs(solved[:-1]) <= LINEAR * size] = 0.0
    return solved


def fewest_kinks(units: list[np.ndarray]) -> np.ndarray:
    """The fewest relu units (h, d + 1) that make all functions that are linear but for kinks where these are 0.

    units: weights and offset (d + 1,) of linear functions of the inputs. relu(u) for each; relu(-u) too where
    u = relu(u) - relu(-u) is no sum of what there is already; and for each input that is still missing one unit of it.
    """
    upright = []
    for unit in units:
        unit = unit / np.linalg.norm(unit[:-1])
        first = unit[np.argmax(np.abs(unit[:-1]) > SAME)]
        upright.append(unit * np.sign(first))
    chosen: list[np.ndarray] = []
    linear = np.empty((0, len(units[0]) - 1))
    for unit in _distinct(upright):
        chosen.append(unit)
        if np.linalg.matrix_rank(more := np.vstack([linear, unit[:-1]]), tol=1e-6) > len(linear):
            linear = more
            chosen.append(-unit)
    for axis in np.eye(linear.shape[1]):
        if np.linalg.matrix_rank(more := np.vstack([linear, axis]), tol=1e-6) > len(linear):
            linear = more
            chosen.append(np.append(axis, 0.0))
    return np.array(chosen)


def _distinct(units: list[np.ndarray]) -> np.ndarray:
    kept: list[np.ndarray] = []
    for unit in units:
        if all(np.abs(unit - other).max() > SAME * np.abs(unit).max() for other in kept):
            kept.append(unit)
    return np.array(kept)


__all__ = ["fewest_kinks", "ridge_units"]
