"""The output layer of tanh units of one input whose gains are local: thousands of them, in a moment.

Units side by side, tanh(g_i x + b_i) - tanh(g_j x + b_j), make a bump that is zero but for rounding some lengths away.
In these bumps the least-squares problem is banded and well conditioned, however steep the units are, and is solved by
orthogonal transformations from left to right, a block of rows after the other (Lawson and Hanson 1974, Solving Least
Squares Problems, chapter 27). A little damping takes care of bumps that no row can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surefit.blas import one_thread
from surefit.errors import ShapeError

REACH = 19.0  # |g x + b| from which tanh is 1 but for rounding
ROWS = 100  # of a block, or as many as columns are waiting
LEAST = 1e-14  # damping of the size of a bump
DAMPING = 1e-14  # of the weight of a unit, beside the change of the values about its centre
AROUND, SMALLEST = 24, 1e-8  # rows that tell this change, and the least that counts, of the largest value
SHARE = 200.0  # times the damping, which the least is at least: beside a kink, units of a flat part bend too


@dataclass(frozen=True)
class Local:
    """What `solve_local` found: output weights (h, k) of the units; residuals (m, k) at the rows, in their order."""

    weights: np.ndarray
    residuals: np.ndarray


def windows(gains: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of the h - 1 bumps begins and ends, (h - 1,) each."""
    low, high = (-REACH - offsets) / gains, (REACH - offsets) / gains
    return np.minimum(low[:-1], low[1:]), np.maximum(high[:-1], high[1:])


def work_of(x: np.ndarray, gains: np.ndarray, offsets: np.ndarray) -> float:
    """Floating-point operations of `solve_local` at places x (m,) in order."""
    low, high = windows(gains, offsets)
    ends = np.append(x[::ROWS], x[-1])
    first, last = ends[:-1], ends[1:]
    active = np.searchsorted(np.sort(low), last, side="right") - np.searchsorted(np.sort(high), first, side="left")
    return float((8.0 * ROWS * np.maximum(ROWS, active).astype(np.float64) ** 2).sum())


@one_thread()
def solve_local(
    x: np.ndarray, y: np.ndarray, gains: np.ndarray, offsets: np.ndarray, damping: float = DAMPING,
    least: float = SMALLEST,
) -> Local:  # fmt: skip
    """The output weights with which sum_i weights_i tanh(gains_i x + offsets_i) fits values y (m, k) at x (m,) best.

    gains (h,) > 0 and offsets (h,), in the order of the centres -offsets / gains. Units must bend beyond both ends of x
    too: a constant is a sum of bumps, and there is no other. damping: of a weight beside the change of the values about
    its unit; where large weights cancel, each adds its own rounding. least: change that counts, of the largest value,
    or a multiple of the damping if that is more: where nothing changes, weights would be tied to nothing else.

    ShapeError: shapes do not fit.

    >>> x = np.linspace(-1, 1, 400)
    >>> centres = np.linspace(-3, 3, 60)
    >>> gains = np.full(60, 3.0)
    >>> found = solve_local(x, np.sin(3 * x)[:, None], gains, -gains * centres)
    >>> bool(np.abs(found.residuals).max() < 1e-10)
    True
    """
    if x.ndim != 1 or y.ndim != 2 or len(x) != len(y) or gains.shape != offsets.shape or len(gains) < 2:
        raise ShapeError(
            f"solve_local: x {x.shape}, y {y.shape}, gains {gains.shape} and offsets {offsets.shape} must be (m,), "
            "(m, k), (h,) and (h,) with h >= 2"
        )
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    bumps = len(gains) - 1
    low, high = windows(gains, offsets)
    started, tied = np.zeros(bumps, bool), np.zeros(bumps - 1, bool)
    active, triangle, right = np.empty(0, np.int64), np.empty((0, 0)), np.empty((0, y.shape[1]))
    kept: list[tuple[np.ndarray, int, np.ndarray, np.ndarray]] = []
    root = np.sqrt(max(1.0, len(x) / bumps))
    held, ties = (
        LEAST * root,
        damping * root / np.maximum(_changes(x, y, -offsets[1:-1] / gains[1:-1]), max(least, SHARE * damping)),
    )
    begin = 0
    while begin < len(x):
        end = begin + max(ROWS, len(active))
        rows = x[begin:end]
        following = x[end] if end < len(x) else np.inf
        new = np.flatnonzero(~started & (low <= rows[-1]))
        started[new] = True
        columns = np.concatenate([active, new])
        place_of = np.full(bumps, -1)
        place_of[columns] = np.arange(len(columns))
        tie = np.flatnonzero(~tied & (place_of[:-1] >= 0) & (place_of[1:] >= 0))  # neighbours that are both here now
        tied[tie] = True
        damped = np.zeros((len(new) + len(tie), len(columns)))
        damped[np.arange(len(new)), len(active) + np.arange(len(new))] = held
        damped[len(new) + np.arange(len(tie)), place_of[tie]] = -ties[tie]
        damped[len(new) + np.arange(len(tie)), place_of[tie + 1]] = ties[tie]
        begins = len(triangle) + len(damped)
        a = np.zeros((begins + len(rows), len(columns)))
        a[: len(triangle), : len(active)] = triangle
        a[len(triangle) : begins] = damped
        units, place = np.unique(np.concatenate([columns, columns + 1]), return_inverse=True)
        bent = np.tanh(rows[:, None] * gains[units] + offsets[units])
        a[begins:] = bent[:, place[: len(columns)]] - bent[:, place[len(columns) :]]
        b = np.concatenate([right, np.zeros((len(damped), y.shape[1])), y[begin:end]])
        over = high[columns] < following
        columns, ready = np.concatenate([columns[over], columns[~over]]), int(over.sum())
        r = np.asarray(np.linalg.qr(np.column_stack([a[:, over], a[:, ~over], b]), mode="r"))
        h = len(columns)
        kept.append((columns, ready, r[:ready, :h], r[:ready, h:]))
        active, triangle, right = columns[ready:], r[ready:h, ready:h], r[ready:h, h:]
        begin = end
    heights = np.zeros((bumps, y.shape[1]))
    for columns, ready, r, z in reversed(kept):
        if ready:
            rest = z - r[:, ready:] @ heights[columns[ready:]]
            heights[columns[:ready]] = np.linalg.solve(r[:, :ready], rest)
    none = np.zeros((1, y.shape[1]))
    weights = np.concatenate([heights, none]) - np.concatenate([none, heights])
    residuals = np.empty_like(y)
    for begin in range(0, len(x), 10 * ROWS):
        part = slice(begin, begin + 10 * ROWS)
        residuals[order[part]] = np.tanh(x[part, None] * gains + offsets) @ weights - y[part]
    return Local(weights, residuals)


def _changes(x: np.ndarray, y: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """How much values y (m, k) at x (m,) in order change about each centre (h,), as a share of the largest value."""
    from numpy.lib.stride_tricks import sliding_window_view

    size = np.maximum(np.abs(y).max(axis=0), 1e-300)
    window = min(AROUND, len(x))
    near = sliding_window_view(y / size, window, axis=0)
    change = np.ptp(near, axis=-1).max(axis=1)
    first = np.clip(np.searchsorted(x, centres) - window // 2, 0, len(change) - 1)
    return np.asarray(change[first])


__all__ = ["Local", "solve_local", "windows", "work_of"]
