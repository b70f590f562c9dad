"""Functions of one number on short intervals: how far units are from them, and the largest number on any interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.bounds import taylor
from surefit.bounds.balls import MARGIN, TINY, Balls, NotFinite
from surefit.bounds.branch import Looked

# Bounds so much larger than the usual one are looked at again, in smaller cells, while it helps
LOOSE, GAINED, ROUNDS, PIECES, MOST_CELLS = 3.0, 0.9, 6, 4, 1200
CELLS, OUTSIDE = 192, 8  # in which each function is bounded, and on each side of what was seen
SHORT = 8  # parts of a cell, on each of which the range of its polynomial is known


class Steps:
    """Numbers on cells with ends (n + 1,), rising, of which the largest on any interval is looked up."""

    def __init__(self, ends: np.ndarray, values: np.ndarray) -> None:
        self.ends, self.n = ends, len(values)
        self.levels = [np.where(np.isnan(values), np.inf, values)]
        while 2 ** len(self.levels) <= self.n:
            last, step = self.levels[-1], 2 ** (len(self.levels) - 1)
            self.levels.append(np.maximum(last[:-step], last[step:]))

    def largest(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """At least the largest value on [low, high] (n,); infinite beyond the cells."""
        least, most = self.ends[0], self.ends[-1]
        inside = (low >= least) & (high <= most)
        first = np.clip(np.searchsorted(self.ends, np.where(inside, low, least), "right") - 1, 0, self.n - 1)
        last = np.clip(np.searchsorted(self.ends, np.where(inside, high, least), "left") - 1, first, self.n - 1)
        level = np.frexp((last - first + 1).astype(float))[1] - 1
        found = np.empty(len(low))
        for k in np.unique(level):
            mine = level == k
            table = self.levels[k]
            found[mine] = np.maximum(table[first[mine]], table[last[mine] - 2**k + 1])
        return np.where(inside, found, np.inf)


def cells(low: float, high: float, beyond: float, n: int = CELLS) -> np.ndarray:
    """The ends of cells that cover [low, high] and a little on both sides of it."""
    inner = np.clip(low + (high - low) * (np.arange(n + 1) / n), low, high)
    inner[0], inner[-1] = low, high
    outer = beyond * 10.0 ** -np.arange(OUTSIDE)  # short ones first: not far beyond may be a pole
    return np.unique(np.concatenate([low - outer, inner, high + outer]))


def resolved(
    balls: Balls, ends: np.ndarray, seen: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells of which those are cut where bounds are much larger than elsewhere: ends, and bounds of q - f.

    seen: between which arguments lie; beyond, bounds may be as large as they like. Returns the ends of the cells, those
    of the SHORT parts of each, and the least and largest of the k functions (parts, k).
    """
    least, most = differences(balls, ends[:-1], ends[1:])
    size = _size(least, most)
    usual = LOOSE * np.median(size, axis=0)
    active = (size > usual).any(axis=1)
    active &= (ends[:-1] >= seen[0]) & (ends[1:] <= seen[1])
    for _ in range(ROUNDS):
        if not active.any() or len(ends) + (PIECES - 1) * active.sum() > MOST_CELLS:
            break
        old = np.flatnonzero(active)
        inner = ends[old, None] + (ends[old + 1] - ends[old])[:, None] * (np.arange(1, PIECES) / PIECES)
        cut = np.concatenate([ends[old, None], inner, ends[old + 1, None]], axis=1)
        low, high = differences(balls, cut[:, :-1].reshape(-1), cut[:, 1:].reshape(-1))
        now = _size(low, high)
        again = ((now > usual) & ~(now > GAINED * np.repeat(size[old], PIECES, axis=0))).any(axis=1)
        keep = ~active
        order = np.argsort(np.concatenate([ends[:-1][keep], cut[:, :-1].reshape(-1)]), kind="stable")
        ends = np.concatenate([np.sort(np.concatenate([ends[:-1][keep], cut[:, :-1].reshape(-1)])), ends[-1:]])
        least, most = (np.concatenate([a[keep], b])[order] for a, b in ((least, low), (most, high)))
        size = np.concatenate([size[keep], now])[order]
        active = np.concatenate([np.zeros(keep.sum(), bool), again])[order]
    k = least.shape[2]
    fine = np.append(parts(ends[:-1], ends[1:])[:, :-1].ravel(), ends[-1])
    return ends, fine, least.reshape(-1, k), most.reshape(-1, k)


def _size(least: np.ndarray, most: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.abs(least), np.abs(most)).max(axis=1))


def parts(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The ends (n, SHORT + 1) of the parts of intervals (n,)."""
    inner = low[:, None] + (high - low)[:, None] * (np.arange(1, SHORT) / SHORT)
    inner = np.clip(inner, low[:, None], high[:, None])
    return np.concatenate([low[:, None], inner, high[:, None]], axis=1)


def differences(balls: Balls, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest network - function on the parts of intervals (n,) -> (n, SHORT, k); infinite where a ball is.

    One polynomial follows the difference on a whole interval, and its range is read off each part.
    """
    n, k = len(low), len(balls.formulas)
    B, f = balls.basis, balls.f
    least, most = np.full((n, SHORT, k), -np.inf), np.full((n, SHORT, k), np.inf)
    c = np.clip(0.5 * low + 0.5 * high, low, high)
    h = np.nextafter(np.maximum(high - c, c - low), np.inf)
    with np.errstate(all="ignore"):
        rest = balls._remainders(low[:, None], high[:, None], h)
        ends = (parts(low, high) - c[:, None]) / h[:, None]
        off = 8 * 2.0**-52 * (1.0 + np.abs(c) / h)  # how far such a place may be from where it is said to be
        for i in range(n):
            try:
                coef, rho = balls._box(f.arb(float(c[i])), f.arb(float(h[i])))
            except NotFinite:
                continue
            t = taylor.Taylor(B, coef, (rho + rest[i]) * MARGIN)
            below, above = taylor.ranges_between(t, ends[i], float(off[i]))
            fine = np.isfinite(t.rho) & np.isfinite(below) & np.isfinite(above)
            least[i], most[i] = np.where(fine, -above, -np.inf), np.where(fine, -below, np.inf)
    return least, most


def slopes_of(kind: str, group: Any, ends: np.ndarray) -> np.ndarray:
    """At least the slope of each unit on each cell, and a little beyond it: (cells, units)."""
    z = ends[:, None] * group.gains + group.offsets
    slack = group.off + 1e-9 * (1.0 + np.abs(z).max(axis=0))
    low, high = np.minimum(z[:-1], z[1:]) - slack, np.maximum(z[:-1], z[1:]) + slack
    if kind not in ("tanh", "sigmoid"):
        return np.ones(low.shape)
    nearest = np.maximum(np.maximum(low, -high), 0.0)  # to 0, where the slope is largest
    with np.errstate(all="ignore"):
        if kind == "tanh":
            return np.minimum(1.0 / np.cosh(nearest) ** 2 * MARGIN + TINY, 1.0)
        return np.minimum(0.25 / np.cosh(0.5 * nearest) ** 2 * MARGIN + TINY, 0.25)


class Nothing:
    """In the place of lines: nothing is known of a box."""

    def __init__(self, k: int) -> None:
        self.k = k

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n = len(low)
        return Looked(
            np.full((n, self.k), np.inf),
            np.zeros(low.shape),
            np.zeros(n),
            np.zeros((n, self.k), bool),
            np.zeros(n),
            low,
        )


__all__ = ["CELLS", "SHORT", "Nothing", "Steps", "cells", "differences", "parts", "resolved", "slopes_of"]
