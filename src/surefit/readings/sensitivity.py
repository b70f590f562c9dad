"""Which inputs matter: Sobol indices of a fit, whose inputs are independent and uniform over the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.data import Domain, sample
from surefit.problems.scaling import spread
from surefit.readings.integrals import Values, axis_rule
from surefit.readings.surface import Surface, part_of, which_output

GRID = {1: 256, 2: 256, 3: 64}  # nodes of each axis, by inputs
SEEN = 1 << 10  # points that tell how large the values are
DRAWS = 1 << 14  # points of each of the two samples, in more inputs


@dataclass(frozen=True)
class Sensitivity:
    """Sobol indices: of the variance of a fit, how much is due to which input.

    Attributes:
        names: of the inputs.
        first: (d,), the share that an input explains alone. total: (d,), with all that it does together with others.
        mean, variance: of the fit over the box.

    Indices sum to 1 for an additive function; what `total` is larger than `first` are interactions.
    """

    names: tuple[str, ...]
    first: np.ndarray
    total: np.ndarray
    mean: float
    variance: float

    def to_dict(self) -> dict[str, dict[str, float]]:
        """The indices by name: {"x1": {"first": ..., "total": ...}}."""
        pairs = zip(self.names, self.first.tolist(), self.total.tolist(), strict=True)
        return {name: {"first": first, "total": total} for name, first, total in pairs}

    def __str__(self) -> str:
        width = max(5, *map(len, self.names))
        order = np.argsort(-self.total, kind="stable")
        rows = [f"{self.names[i]:<{width}}  {self.first[i]:6.3f}  {self.total[i]:6.3f}" for i in order]
        return "\n".join([f"{'input':<{width}}  {'first':>6}  {'total':>6}", *rows])


def sensitivity(surface: Surface, bounds: Any = None, output: Any = None, seed: int = 0) -> Sensitivity:
    """The Sobol indices over a box; see `Readings.sensitivity`."""
    box, column = part_of(surface, bounds), which_output(surface, output)

    seen = sample(box, SEEN, "sobol", generator=np.random.default_rng([seed, 0x51E]))
    size = float(spread(surface._predict(seen)[:, [column]])[0])  # squares of small values would be 0

    def values(x: np.ndarray) -> np.ndarray:
        return surface._predict(x)[:, column] / size

    mean, variance, first, total = (_by_grid if box.dim in GRID else _by_samples)(values, box, seed)
    return Sensitivity(surface.names, first, total, float(mean) * size, float(variance) * size * size)


Indices = tuple[float, float, np.ndarray, np.ndarray]  # mean, variance, first (d,), total (d,)


def _by_grid(values: Values, box: Domain, seed: int) -> Indices:
    """By products of Gauss-Legendre rules: variances of means over all inputs but one, and over one alone."""
    d, count = box.dim, GRID[box.dim]
    nodes, weights = axis_rule(count)
    points = np.stack(np.meshgrid(*[nodes] * d, indexing="ij"), axis=-1).reshape(-1, d)
    y = values(box.unscale(points)).reshape((count,) * d)

    def averaged(y: np.ndarray, axes: list[int]) -> np.ndarray:
        for axis in sorted(axes, reverse=True):
            y = np.tensordot(y, weights, (axis, 0))
        return y

    mean = float(averaged(y, list(range(d))))
    centred = y - mean
    variance = float(averaged(centred**2, list(range(d))))
    first, total = np.zeros(d), np.zeros(d)
    for i in range(d):
        others = [j for j in range(d) if j != i]
        first[i] = averaged(averaged(centred, others) ** 2, [0])
        total[i] = variance - averaged(averaged(centred, [i]) ** 2, list(range(d - 1)))
    return mean, variance, _shares(first, variance), _shares(total, variance)


def _by_samples(values: Values, box: Domain, seed: int) -> Indices:
    """By Sobol points: Saltelli et al. 2010 (doi:10.1016/j.cpc.2009.09.018), table 2, (b) for first, (f) for total."""
    d = box.dim
    both = Domain([*box.axes, *box.axes])
    points = sample(both, DRAWS, "sobol", generator=np.random.default_rng([seed, 0x50B0]))
    a, b = points[:, :d], points[:, d:]
    ya, yb = values(a), values(b)
    mean = float(np.concatenate([ya, yb]).mean())
    variance = float(np.concatenate([ya, yb]).var())
    first, total = np.zeros(d), np.zeros(d)
    for i in range(d):
        mixed = a.copy()
        mixed[:, i] = b[:, i]
        y = values(mixed)
        first[i], total[i] = np.mean((yb - mean) * (y - ya)), np.mean((ya - y) ** 2) / 2.0
    return mean, variance, _shares(first, variance), _shares(total, variance)


def _shares(parts: np.ndarray, variance: float) -> np.ndarray:
    """Parts of a variance as shares; 0 of a constant."""
    return parts / variance if variance > 0 else np.zeros_like(parts)


__all__ = ["Sensitivity", "sensitivity"]
