"""Functions of one number on short intervals: how far units are from them, and the largest number on any interval."""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np

from surefit.bounds import taylor
from surefit.bounds.affine import form_of
from surefit.bounds.balls import KINKS, MARGIN, TINY, Balls, NotFinite

# Bounds so much larger than the usual one, and than what is seen, are looked at again in smaller cells
LOOSE, NEAR, SEEN, ROUNDS, PIECES, MOST_CELLS = 3.0, 1.05, 9, 200, 4, 1200
WORST = 4.0  # cells that are by so much better than the worst are cut later: there may be no time for all
CELLS, OUTSIDE = 192, 8  # in which each function is bounded, and on each side of what was seen
FAR = 10.0  # times what is seen, above which lines are asked too
BETTER, LAST = 0.5, 0.8  # shares of the time, see Allowance
SHORT = 8  # parts of a cell, on each of which the range of its polynomial is known


class Late(Exception):
    """There is no time for tables."""


class Allowance(NamedTuple):
    """Until when tables are made better, and until when they are made at all, of time.monotonic()."""

    better: float = math.inf
    last: float = math.inf

    @classmethod
    def until(cls, deadline: float) -> Allowance:
        """Of the time from now to a deadline: the rest is for what is done with them."""
        now = time.monotonic()
        return cls(now + BETTER * (deadline - now), now + LAST * (deadline - now))

    def rough(self) -> bool:
        """Whether tables are left as they are."""
        return time.monotonic() > self.better

    def check(self) -> None:
        """Late: tables that are not done by now are given up."""
        if time.monotonic() > self.last:
            raise Late


ALWAYS = Allowance()


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
    balls: Balls, ends: np.ndarray, seen: tuple[float, float], most: int = MOST_CELLS, allowed: Allowance = ALWAYS
) -> tuple[np.ndarray, np.ndarray, Known]:
    """At most so many cells, of which those are cut where bounds are much larger than elsewhere.

    seen: between which arguments lie; beyond, bounds may be as large as they like. Returns the ends of the cells, those
    of all their parts, and what is known. Late, see `Allowance`.
    """
    known = differences(balls, ends[:-1], ends[1:], allowed)
    usual = LOOSE * np.median(known.size, axis=0)
    active = ((known.size > usual) & (known.size > NEAR * reached(balls, ends[:-1], ends[1:]))).any(axis=1)
    active &= (ends[:-1] >= seen[0]) & (ends[1:] <= seen[1])
    for _ in range(ROUNDS):
        room = (most - len(ends)) // (PIECES - 1)
        if not active.any() or room <= 0 or allowed.rough():
            break
        old = np.flatnonzero(active)
        share = (known.size[old] / np.maximum(usual, TINY)).max(axis=1)
        order = np.argsort(-share, kind="stable")[:room]  # the worst first
        old = np.sort(old[order[~(share[order] * WORST < share[order[0]])]])
        inner = ends[old, None] + (ends[old + 1] - ends[old])[:, None] * (np.arange(1, PIECES) / PIECES)
        inner = np.clip(inner, ends[old, None], ends[old + 1, None])
        cut = np.concatenate([ends[old, None], inner, ends[old + 1, None]], axis=1)
        a, b = cut[:, :-1].reshape(-1), cut[:, 1:].reshape(-1)
        a, b = a[a < b], b[a < b]  # of a few floats
        now = differences(balls, a, b, allowed)
        again = ((now.size > usual) & (now.size > NEAR * reached(balls, a, b))).any(axis=1) & (np.nextafter(a, b) < b)
        keep = np.ones(len(active), bool)
        keep[old] = False
        starts = np.concatenate([ends[:-1][keep], a])
        order = np.argsort(starts, kind="stable")
        ends = np.append(starts[order], ends[-1])
        known = known.chosen(keep).joined(now).chosen(order)
        active = np.concatenate([active[keep], again])[order]
    k = known.least.shape[2]
    fine = np.append(parts(ends[:-1], ends[1:])[:, :-1].ravel(), ends[-1])
    return ends, fine, Known(*(v.reshape(-1, k) for v in known))


def reached(balls: Balls, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """What |network - function| is at some points of intervals (n,) -> (n, k), with no claim."""
    t = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, SEEN)
    t = np.clip(t, low[:, None], high[:, None]).reshape(-1, 1)  # beyond an end of asin is no value
    with np.errstate(all="ignore"):
        y = np.stack([np.broadcast_to(f(t[:, 0]), len(t)) for f in balls.formulas], axis=1)
        apart = np.abs(balls.net(t) - y).reshape(len(low), SEEN, -1)
    return np.nan_to_num(apart, nan=np.inf).max(axis=1)


def parts(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The ends (n, SHORT + 1) of the parts of intervals (n,)."""
    inner = low[:, None] + (high - low)[:, None] * (np.arange(1, SHORT) / SHORT)
    inner = np.clip(inner, low[:, None], high[:, None])
    return np.concatenate([low[:, None], inner, high[:, None]], axis=1)


class Known(NamedTuple):
    """What is known of k functions on the parts of intervals (n, SHORT, k).

    least, most: of network - function; down, up: of the slope of the network. Infinite where nothing is known.
    """

    least: np.ndarray
    most: np.ndarray
    down: np.ndarray
    up: np.ndarray

    def chosen(self, order: np.ndarray) -> Known:
        """Those of some intervals."""
        return Known(*(v[order] for v in self))

    def joined(self, other: Known) -> Known:
        """These intervals and others."""
        return Known(*(np.concatenate([a, b]) for a, b in zip(self, other, strict=True)))

    @property
    def size(self) -> np.ndarray:
        """The largest |network - function| on each interval (n, k)."""
        return np.asarray(np.maximum(np.abs(self.least), np.abs(self.most)).max(axis=1))


def differences(balls: Balls, low: np.ndarray, high: np.ndarray, allowed: Allowance = ALWAYS) -> Known:
    """Network and functions on intervals (n,).

    One polynomial follows the difference on a whole interval, and its range is read off each part. Where the function
    has a kink, a polynomial follows the network alone, and a line the function.
    """
    n, k = len(low), len(balls.formulas)
    B, f = balls.basis, balls.f
    found = Known(*(np.full((n, SHORT, k), sign * np.inf) for sign in (-1, 1, -1, 1)))
    c = np.clip(0.5 * low + 0.5 * high, low, high)
    h = np.nextafter(np.maximum(high - c, c - low), np.inf)
    with np.errstate(all="ignore"):
        states = balls.real.forward(low[:, None], high[:, None])
        flat = balls.flat(states)
        rest = balls.remainders(states, h, flat)
        ends = (parts(low, high) - c[:, None]) / h[:, None]
        off = (
            8 * 2.0**-52
        )  # how far such a place may be from where it is said to be: two floats, their difference rounded
        bent = any({node.op for node in e.nodes} & KINKS for e in balls.formulas)
        lines = [form_of(e, low[:, None], high[:, None]) for e in balls.formulas]
        for i in range(n):
            allowed.check()
            still = {node: mine[i] for node, mine in flat.items()}
            rows = balls.rows(f.arb(float(c[i])), still)
            try:
                coef, rho = balls._box(f.arb(float(c[i])), f.arb(float(h[i])), rows)
                known = True
            except NotFinite:
                known = False
            if bent or not known:
                _, _, slope, off_slope = balls.alone(rows, float(h[i]))
                off_slope = off_slope + balls.still_slopes(still)
                beyond = rest[i] * (B.M / h[i])
                _put(found.down, found.up, i, taylor.Taylor(B, slope, (off_slope + beyond) * MARGIN), ends[i], off)
            if not known:  # the forms have the same middle and half width
                coef, rho = balls.beside(rows, float(h[i]), lines, i)
            t = taylor.Taylor(B, -coef, (rho + rest[i]) * MARGIN)
            _put(found.least, found.most, i, t, ends[i], off)
        # where units bend too much for a polynomial
        far = np.flatnonzero((found.size > FAR * reached(balls, low, high)).any(axis=1))
        if len(far):
            other = balls.lines.look(low[far, None], high[far, None]).bound[:, None, :]
            found.least[far] = np.fmax(found.least[far], -other)
            found.most[far] = np.fmin(found.most[far], other)
    return found


def _put(low: np.ndarray, high: np.ndarray, i: int, t: taylor.Taylor, ends: np.ndarray, off: float) -> None:
    """The ranges of polynomials (k,) on the parts of an interval, into row i."""
    least, most = taylor.ranges_between(t, ends, off)
    fine = np.isfinite(t.rho) & np.isfinite(least) & np.isfinite(most)
    low[i], high[i] = np.where(fine, least, -np.inf), np.where(fine, most, np.inf)


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


__all__ = ["CELLS", "SHORT", "Known", "Steps", "cells", "differences", "parts", "resolved", "slopes_of"]
