"""The integral of a fit, by Gauss-Legendre rules that are refined, in many dimensions by scrambled Sobol points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from surefit.data import Domain, sample
from surefit.errors import ArgumentError
from surefit.readings.choices import choices_of, combinations
from surefit.readings.surface import Surface, part_of

PANEL = 8  # nodes of the Gauss-Legendre rule on each panel of an axis
MOST = 4_000_000  # points of a rule
MOST_GRID = 5  # inputs up to which rules are products of those of the axes
BLOCK = 1 << 18  # points at a time
SETTLED = {"float64": 1e-12, "float32": 1e-7}  # of the mean |value|: two rules that differ by less agree
REPLICATES, EACH = 16, 1 << 15  # of scrambled Sobol points, and points of each

Values = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> values (n, k)


class Integral(NamedTuple):
    """An integral of a fit; `value` is a number, or (k,) for several outputs.

    error: of the quadrature, estimated: by how much two rules differ, or a standard error. That of the fit comes to it:
    at most its largest error times the volume.
    """

    value: Any
    error: Any


def integral(surface: Surface, bounds: Any = None) -> Integral:
    """The integral over a box; see `Readings.integral`."""
    box = part_of(surface, bounds)
    choices = choices_of(surface, box)
    if several := [choice for choice in choices if len(choice.rows) > 1]:
        name, label = several[0].name, several[0].labels[0]
        raise ArgumentError(
            f"integral: there is none over {', '.join(choice.name for choice in several)}, between whose values there "
            f"is nothing; hold it, as in slice({name}={label!r}).integral()"
        )
    if choices:
        surface = next(iter(combinations("integral", surface, choices)))
        box = box.select(surface.names)
    mean, error = mean_over(surface._predict, box, SETTLED[str(getattr(surface, "dtype", "float64"))])
    with np.errstate(over="ignore"):
        value, error = mean * box.volume, error * box.volume
    return Integral(float(value[0]), float(error[0])) if len(surface.outputs) == 1 else Integral(value, error)


def mean_over(values: Values, box: Domain, settled: float = SETTLED["float64"]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of a function over a box, (k,), and the estimated error of that, (k,)."""
    if box.dim > MOST_GRID:
        means = np.stack([values(points).mean(axis=0) for points in replicates(box, REPLICATES, EACH)])
        return means.mean(axis=0), means.std(axis=0, ddof=1) / math.sqrt(len(means))
    before: np.ndarray | None = None
    count = PANEL
    while True:
        mean, size = _product_mean(values, box, count)
        error = np.abs(mean) if before is None else np.abs(mean - before)
        if (before is not None and (error <= settled * size).all()) or (2 * count) ** box.dim > MOST:
            return mean, error
        before, count = mean, 2 * count


def replicates(box: Domain, number: int, each: int) -> Iterator[np.ndarray]:
    """Independently scrambled Sobol points of a box, (each, d), `number` times, the same every time."""
    for seed in range(number):
        yield sample(box, each, "sobol", generator=np.random.default_rng([seed, 0x1A7]))


def axis_rule(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (count,) in [-1, 1] and weights that sum to 1 of a composite Gauss-Legendre rule."""
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    panels = count // PANEL
    left = np.arange(panels)[:, None]
    unit = (left + (nodes + 1.0) / 2.0) / panels
    return (2.0 * unit - 1.0).ravel(), np.tile(weights / (2.0 * panels), panels)


def _product_mean(values: Values, box: Domain, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of a function by the product of one rule for each axis, and that of its absolute value, (k,) each."""
    nodes, weights = axis_rule(count)
    total, d = count**box.dim, box.dim
    mean: Any = 0.0
    size: Any = 0.0
    for begin in range(0, total, BLOCK):
        index = np.stack(np.unravel_index(np.arange(begin, min(total, begin + BLOCK)), (count,) * d), axis=1)
        share = weights[index].prod(axis=1)
        y = values(box.unscale(nodes[index]))
        mean, size = mean + share @ y, size + share @ np.abs(y)
    return mean, size


__all__ = ["Integral", "axis_rule", "integral", "mean_over", "replicates"]
