"""Which inputs matter: Sobol indices of a fit, whose inputs are independent and uniform over the domain.

A column of texts is one input, and each of its values is as likely as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.data import Domain, sample
from surefit.errors import ArgumentError
from surefit.problems.scaling import spread
from surefit.readings.choices import Choice, choices_of, snapped
from surefit.readings.integrals import PANEL, Values, axis_rule
from surefit.readings.surface import Surface, part_of, which_output

GRID = {1: 256, 2: 256, 3: 64}  # nodes of each axis, by inputs
SEEN = 1 << 10  # points that tell how large the values are
DRAWS = 1 << 14  # points of each of the two samples, in more inputs


@dataclass(frozen=True, eq=False)
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
    choices = choices_of(surface, box)
    seen = snapped(sample(box, SEEN, "sobol", generator=np.random.default_rng([seed, 0x51E])), box, choices)
    size = float(spread(surface._predict(seen)[:, [column]])[0])  # squares of small values would be 0
    names: tuple[str, ...]
    rules: Sequence[Rule] | None
    points_of: Callable[[np.ndarray], np.ndarray]
    if not choices:
        names, axes, rules, points_of = surface.names, box, None, lambda x: x
    else:
        names, axes, rules, points_of = _with_choices(surface, box, choices)

    def values(x: np.ndarray) -> np.ndarray:
        return surface._predict(points_of(x))[:, column] / size

    if axes.dim in GRID:
        mean, variance, first, total = _by_grid(values, axes, seed, rules)
    else:
        mean, variance, first, total = _by_samples(values, axes, seed)
    return Sensitivity(names, first, total, float(mean) * size, float(variance) * size * size)


Rule = tuple[np.ndarray, np.ndarray]  # nodes in [-1, 1] of an axis, and weights of sum 1
Axes = tuple[tuple[str, ...], Domain, list[Rule], Callable[[np.ndarray], np.ndarray]]


def _with_choices(surface: Surface, box: Domain, choices: Sequence[Choice]) -> Axes:
    """Names, box and rules of inputs of which a column of texts is one, and what makes points of the surface of them.

    A choice among m values is an axis from 0 to 1 in m equal parts, so that its values are equally likely.
    """
    at = {choice.columns[0]: choice for choice in choices}
    own = {i for choice in choices for i in choice.columns}
    kept = [i for i in range(box.dim) if i not in own or (i in at and len(at[i].rows) > 1)]
    if not kept:
        raise ArgumentError("sensitivity: no input varies; leave some of them free")
    names = tuple(at[i].name if i in at else surface.names[i] for i in kept)
    axes = Domain([(0.0, 1.0) if i in at else box.axes[i] for i in kept], names=names)
    whole = axis_rule(GRID.get(axes.dim, PANEL))
    rules = [whole] * len(kept)
    for j, i in enumerate(kept):
        if i in at:
            m = len(at[i].rows)
            rules[j] = (2.0 * np.arange(m) + 1.0) / m - 1.0, np.full(m, 1.0 / m)

    def points_of(x: np.ndarray) -> np.ndarray:
        points = np.zeros((len(x), box.dim))
        for choice in choices:
            points[:, choice.columns] = choice.rows[0]
        for j, i in enumerate(kept):
            if i in at:
                rows = at[i].rows
                points[:, at[i].columns] = rows[np.minimum((x[:, j] * len(rows)).astype(int), len(rows) - 1)]
            else:
                points[:, i] = x[:, j]
        return points

    return names, axes, rules, points_of


Indices = tuple[float, float, np.ndarray, np.ndarray]  # mean, variance, first (d,), total (d,)


def _by_grid(values: Values, box: Domain, seed: int, rules: Sequence[Rule] | None = None) -> Indices:
    """By products of rules, Gauss-Legendre's by default: variances of means over all inputs but one, and over one."""
    d = box.dim
    rules = [axis_rule(GRID[d])] * d if rules is None else rules
    points = np.stack(np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij"), axis=-1).reshape(-1, d)
    y = values(box.unscale(points)).reshape([len(nodes) for nodes, _ in rules])

    def averaged(y: np.ndarray, axes: list[int], of: Sequence[int] = range(d)) -> np.ndarray:
        for axis in sorted(axes, reverse=True):
            y = np.tensordot(y, rules[of[axis]][1], (axis, 0))
        return y

    mean = float(averaged(y, list(range(d))))
    centred = y - mean
    variance = float(averaged(centred**2, list(range(d))))
    first, total = np.zeros(d), np.zeros(d)
    for i in range(d):
        others = [j for j in range(d) if j != i]
        first[i] = averaged(averaged(centred, others) ** 2, [0], [i])
        total[i] = variance - averaged(averaged(centred, [i]) ** 2, list(range(d - 1)), others)
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
