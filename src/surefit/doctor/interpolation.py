"""What data say of places where they were not measured, by interpolation that knows nothing of any network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

POINTS = 1000  # between the lines of a grid
ORDER = 4  # levels that a cubic takes on each axis
CUBIC_UP_TO = 5  # axes; beyond, it would take too many places for each point, and lines do
MOST_PLACES = 600
HALVING = 8.0  # by which the error of a cubic falls when its spacing is halved: 16 where smooth, less at the ends


def between_levels(levels: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray, predict: Any) -> np.ndarray | None:
    """Root mean square difference (k,) between a prediction and the interpolation of a grid, between its lines.

    levels: the values of each column of x (n, d). None: too many places are missing. Columns of two values, which may
    stand for kinds, keep their values.
    """
    table = _table(levels, x, y)
    rng = np.random.default_rng(0)
    points = np.stack(
        [rng.uniform(v[0], v[-1], POINTS) if len(v) > 2 else v[rng.integers(0, len(v), POINTS)] for v in levels], axis=1
    )
    expected = _interpolated(levels, table, points)
    known = np.isfinite(expected).all(axis=1)
    if known.sum() < POINTS // 10:
        return None
    return np.sqrt(np.mean((predict(points[known]) - expected[known]) ** 2, axis=0))


def own_error(levels: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray, fewest: int) -> np.ndarray:
    """Root mean square error (k,) of the interpolation itself, from grids with every other level of an axis left out.

    Axes with fewer levels count for nothing: they cannot be halved.
    """
    table = _table(levels, x, y)
    total = np.zeros(y.shape[1])
    for axis, values in enumerate(levels):
        if len(values) < fewest:
            continue
        kept = np.arange(0, len(values), 2)
        left = np.arange(1, kept[-1], 2)
        rest = np.take(table, kept, axis=axis)
        weights, at = _weights(values[kept], values[left], ORDER)
        near = np.take(rest, at, axis=axis)  # (..., left, ORDER, ...)
        shape = [1] * near.ndim
        shape[axis], shape[axis + 1] = weights.shape
        miss = (near * weights.reshape(shape)).sum(axis=axis + 1) - np.take(table, left, axis=axis)
        with np.errstate(invalid="ignore"):
            total += np.nanmean(miss.reshape(-1, miss.shape[-1]) ** 2, axis=0) / HALVING**2
    return np.sqrt(total)


def _table(levels: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The values at the places of a grid, (levels of each axis..., k); means of repeats, NaN where there is none."""
    sizes = [len(v) for v in levels]
    at = np.ravel_multi_index([np.searchsorted(v, c) for v, c in zip(levels, x.T, strict=True)], sizes)
    total = int(np.prod(sizes))
    with np.errstate(invalid="ignore"):
        sums = np.stack([np.bincount(at, column, total) for column in y.T], axis=1)
        return (sums / np.bincount(at, minlength=total)[:, None]).reshape(*sizes, y.shape[1])


def _weights(levels: np.ndarray, at: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Lagrange's weights (m, order) of the nearest levels for points (m,), and their numbers."""
    order = min(order, len(levels))
    start = np.clip(np.searchsorted(levels, at) - order // 2, 0, len(levels) - order)
    numbers = start[:, None] + np.arange(order)
    nodes = levels[numbers]
    weights = np.ones(numbers.shape)
    for i in range(order):
        for j in range(order):
            if i != j:
                weights[:, i] *= (at - nodes[:, j]) / (nodes[:, i] - nodes[:, j])
    return weights, numbers


def _interpolated(levels: Sequence[np.ndarray], table: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values (m, k) of the interpolation of a grid at points (m, d); NaN beside a missing place."""
    varying = sum(len(v) > 1 for v in levels)
    order = ORDER if varying <= CUBIC_UP_TO else 2
    flat = table.reshape(-1, table.shape[-1])
    weights, at = np.ones((len(points), 1)), np.zeros((len(points), 1), int)
    for values, column in zip(levels, points.T, strict=True):
        w, numbers = _weights(values, column, order)
        weights = (weights[:, :, None] * w[:, None, :]).reshape(len(points), -1)
        at = (at[:, :, None] * len(values) + numbers[:, None, :]).reshape(len(points), -1)
    return np.einsum("mq,mqk->mk", weights, flat[at])


def left_out_places(z: np.ndarray, y: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """Root mean square (k,) by which the mean at a place is missed by what the others tell, each left out in turn.

    Radial basis functions with a linear part, r^3 or r, whichever is better; the errors in closed form (Rippa 1999). z
    (n, d): the rows in comparable units. None: fewer than four places, or too many.
    """
    times = np.bincount(place)
    m = len(times)
    if not 4 <= m <= MOST_PLACES:
        return None
    centres, values = (
        np.stack([np.bincount(place, column) for column in a.T], axis=1) / times[:, None] for a in (z, y)
    )
    centres = centres - centres.mean(axis=0)
    distance = np.sqrt(np.maximum(np.square(centres[:, None] - centres).sum(axis=2), 0.0))
    errors = []
    for power in (1, 3):
        linear = m > 2 * (centres.shape[1] + 1)
        tail = np.column_stack([np.ones(m), centres]) if linear else np.ones((m, 1))
        t = tail.shape[1]
        system = np.block([[distance**power, tail], [tail.T, np.zeros((t, t))]])
        inverse = np.linalg.pinv(system, hermitian=True)
        miss = (inverse[:m, :m] @ values) / np.diag(inverse)[:m, None]
        errors.append(np.sqrt(np.mean(miss**2, axis=0)))
    return np.minimum(*errors)


__all__ = ["between_levels", "left_out_places", "own_error"]
