"""Where the values of a target are rounding: an error found there is its own, not that of a fit.

Of a formula it is known in which interval its value lies at a point (`Enclosed`); of other functions values tell
(`Surely`). Near u = 0 those of (1 - cos(u)) / u^2 are anything between 0 and 1 in float64, from one float to the next,
and a search for the largest error ends there. Along a short line such values go up and down again and again, or are
others in the middle than beside it; those of a jump, a front or a root go one way, those of a kink go two, farther and
farther.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit.bounds.interval import Range, Truth
from surefit.core import ops
from surefit.data import Domain
from surefit.errors import RecordError
from surefit.formulas.expression import Expression

Values = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> values (n, k), not finite where there are none

SHORTEST, OUTSIDE = 1e-15, (4e-8, 1.3e-7, 4e-7)  # of the box, how far away values are looked at; and in any case
AT_ONCE = 1e-13  # the same, within which a step is a jump
BESIDE = 16  # places on each side; as many in a step, and half as many on each side of it
LINES = 6  # at most; two where values do not vary
OF_ERROR = 0.5  # of an error, by which values must vary
MORE, MORE_CLOSE = 2.5, 2.1  # times what they span, that they go up and down in all; the same within one step
FLAT = 0.25  # of what they span, by which values outside may differ where those inside are alone
AT_A_TIME, TURNS = 2, 5  # points that are looked at: of the largest errors, and how often three times as many follow
AT_LAST, LAST_TURNS = 24, 3  # the same of points that only add to what is known
USUAL, MANY = 3.0, 20  # times the error of so many points: a larger one is looked at before it counts
JUMPING = ("floor", "ceil", "round", "trunc", "sign", "heaviside", "step")  # functions of formulas
ORDINARY = 2.0**-46  # of the largest value: in such doubt is whatever is computed, and errors count beside it
GROWN = 1.5  # times the largest error known: the same of a search


class Enclosed:
    """The values of formulas at points, within the roundings of all of their steps.

    1 + u is 1 for small u, so that log(1 + u) / u is computed as 0 where it is 1: there an interval around each step
    reaches from 0 to 2, and says nothing of an error. Numbers mean the floats next to them, as where values are
    computed. Beside a jump, where rounding decides on which side a point is, the target has a value, and a fit that is
    on the other side is off.

    size (k,): the largest values. In doubt by `ORDINARY` of them is every value, and no error is left out for that:
    a network as near as rounding lets it be seen has the error that is seen.
    """

    def __init__(self, formulas: Sequence[Expression], size: np.ndarray | float = 0.0) -> None:
        self.formulas, self.ordinary = formulas, ORDINARY * np.asarray(size)

    @classmethod
    def of(cls, formulas: Sequence[Expression] | None, x: np.ndarray, y: np.ndarray) -> Enclosed | None:
        """Of these formulas, if there are any and intervals go through all of their steps, as at points (n, d)."""
        if formulas is None:
            return None
        found = cls(formulas, np.abs(y).max(axis=0, initial=0.0))
        try:
            found.doubts(x[:1], np.zeros((min(1, len(x)), len(formulas))))
        except (RecordError, TypeError, AttributeError):
            return None
        return found

    @ops.silent
    def doubts(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How far from values (n, k), computed at points (n, d), the true ones may be, (n, k)."""
        out = np.full(y.shape, np.inf)
        for j, formula in enumerate(self.formulas if len(x) else ()):
            steps = formula.enclosed({name: Range.of(x[:, i]) for i, name in enumerate(formula.variables)})
            found = steps[-1]
            constant = not isinstance(found, Range)
            wide = 0.0 if constant else np.maximum(found.high - y[:, j], y[:, j] - found.low)
            sides = [_undecided(node.op, step) for node, step in zip(formula.nodes, steps, strict=True)]
            out[:, j] = np.where(np.any(np.broadcast_arrays(*sides, np.zeros(len(x), bool)), axis=0), 0.0, wide)
        out = np.where(np.isnan(out), np.inf, out)
        return np.where(out <= self.ordinary, 0.0, out)

    def certain(self, x: np.ndarray, y: np.ndarray, sizes: np.ndarray, above: float = 0.0) -> np.ndarray:
        """Errors (n, k) at points with values (n, k), those that may be the rounding of a formula as 0.

        above: no larger ones are not looked at.
        """
        rows = np.flatnonzero((sizes > above).any(axis=1))
        if not len(rows):
            return sizes
        return doubted(sizes, self.doubts(x[rows], y[rows]), rows)


def _undecided(op: str, value: Any) -> Any:
    """Where intervals of a step of a formula are on both sides of a jump, (n,) or a bool."""
    if isinstance(value, Truth):
        return value.can & value.cannot
    if not isinstance(value, Range):
        return False
    if op == "mod":  # which jumps to 0
        return (value.low <= 0.0) & (value.high >= 0.0) & (value.low < value.high)
    return (value.low < value.high) if op in JUMPING else False


def doubted(sizes: np.ndarray, doubts: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Errors (n, k), of which those in these rows are 0 where values may be off by half of them."""
    out = sizes.copy()
    out[rows] = np.where(doubts > OF_ERROR * sizes[rows], 0.0, sizes[rows])
    return out


class Surely:
    """Leaves out errors that are the rounding of a target, while larger ones are looked for.

    Where it looks like rounding at all of the worst points, these are its values, and nothing is left out.

    cautious: whether nothing counts where values leave a straight line by half of an error, not even at a jump: of
    points that only add to what is known.

    Attributes:
        above: the largest error that counts so far.
        seen: points (n, d) and values (n, k) that it asked for, without those of rounding.
    """

    def __init__(self, values: Values, domain: Domain, rng: np.random.Generator, cautious: bool = False) -> None:
        self.values, self.domain, self.rng, self.cautious = values, domain, rng, cautious
        self.each, self.turns = (AT_LAST, LAST_TURNS) if cautious else (AT_A_TIME, TURNS)
        self.above = 0.0
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def leaves_out(self, x: np.ndarray, sizes: np.ndarray, above: float | None = None) -> np.ndarray | None:
        """The rows of errors (n,) at points (n, d) that do not count, (n,); None where that cannot be told.

        above: errors that are not larger are not looked at; None: those that are not much larger than others.
        """
        left, out = sizes.copy(), np.zeros(len(sizes), bool)
        if above is None:
            above = USUAL * float(np.partition(sizes, -MANY)[-MANY]) if len(sizes) >= MANY else 0.0
        for turn in range(self.turns):
            count = min(self.each * 3**turn, len(left))
            top = np.argpartition(-left, count - 1)[:count] if count else np.zeros(0, int)
            top = top[left[top] > above]
            if not len(top) or not np.isfinite(left[top]).all():
                break
            rounding = self._rounding(x[top], sizes[top])
            out[top[rounding]], left[top[rounding]] = True, 0.0
            if not rounding.all():
                break
        else:
            return None
        self.above = max(self.above, float(left.max(initial=0.0)))
        return out

    def _rounding(self, x: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Whether the target is rounding at points (n, d) with errors (n,): (n,)."""
        out, step = np.zeros(len(x), bool), np.zeros(len(x), bool)
        seen = []
        for line in range(LINES):
            rows = np.flatnonzero(~out & (step | (line < 2)))
            if not len(rows):
                break
            along = _Lines(self.values, self.domain, x[rows], self.rng)
            out[rows] = along.bend(sizes[rows]) if self.cautious else along.waver(sizes[rows])
            step[rows] |= along.vary
            seen += [(rows[own], points, y) for own, points, y in along.seen]
        for rows, points, y in seen:
            kept = ~out[rows] & np.isfinite(y).all(axis=2).all(axis=1)
            self.seen.append((points[kept].reshape(-1, x.shape[1]), y[kept].reshape(-1, y.shape[2])))
        return out


class _Lines:
    """Values along a short line through each of some points (n, d)."""

    def __init__(self, values: Values, domain: Domain, x: np.ndarray, rng: np.random.Generator) -> None:
        n, d = x.shape
        self.values, self.domain, self.x, self.rng = values, domain, x, rng
        self.shares, self.way = domain.shares(x), rng.uniform(-1.0, 1.0, (n, d))
        self.way /= np.abs(self.way).max(axis=1, keepdims=True)
        self.vary = np.zeros(n, bool)
        self.seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # rows, points and values

    def bend(self, sizes: np.ndarray) -> np.ndarray:
        """Whether values leave a straight line by half of errors (n,), going inward from each point."""
        over = (self.shares + OUTSIDE[-1] * self.way > 1.0) | (self.shares + OUTSIDE[-1] * self.way < 0.0)
        self.way = np.where(over, np.copysign(self.way, 0.5 - self.shares), self.way)
        t = np.hstack([np.zeros((len(sizes), 1)), self._far(len(sizes))])
        y = self._at(np.arange(len(sizes)), t)
        line = y[:, :1] + (y[:, -1:] - y[:, :1]) * t / t[:, -1:]
        return np.asarray(np.abs(y - line).max(axis=1) > OF_ERROR * sizes)

    def _far(self, n: int) -> np.ndarray:
        """How far away values are looked at (n, places), more and more."""
        t = np.sort(np.exp(self.rng.uniform(np.log(SHORTEST), np.log(OUTSIDE[0]), (n, BESIDE - len(OUTSIDE)))), axis=1)
        return np.hstack([t, np.broadcast_to(OUTSIDE, (n, len(OUTSIDE)))])

    def waver(self, sizes: np.ndarray) -> np.ndarray:
        """Whether values go up and down again and again, by half of errors (n,)."""
        n = len(sizes)
        t = self._far(n)
        t = np.concatenate([-t[:, ::-1], np.zeros((n, 1)), t], axis=1)
        y = self._at(np.arange(n), t)
        self.vary = np.ptp(y, axis=1) > OF_ERROR * sizes
        few = len(OUTSIDE)
        alone = np.ptp(np.hstack([y[:, :few], y[:, -few:]]), axis=1) < FLAT * np.ptp(y, axis=1)
        out = self.vary & (alone | (_path(y) > MORE))
        steps = np.abs(np.diff(y, axis=1)).argmax(axis=1)[:, None]
        low, high = (np.take_along_axis(t, steps + k, axis=1) for k in (0, 1))
        jump = (high - low)[:, 0] < AT_ONCE
        again = np.flatnonzero(self.vary & ~out & ~jump)  # one step: a jump, or rounding of which it says too little
        if len(again):
            share = self.rng.random((len(again), 2 * BESIDE))
            share[:, : BESIDE // 2] = share[:, : BESIDE // 2] * 3.0 - 3.0
            share[:, -(BESIDE // 2) :] = share[:, -(BESIDE // 2) :] * 3.0 + 1.0
            inside = self._at(again, np.sort(low[again] + (high - low)[again] * share, axis=1))
            out[again] = (_path(inside) > MORE_CLOSE) & (np.ptp(inside, axis=1) > OF_ERROR * sizes[again])
        return out

    def _at(self, rows: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Values (m, places) of the output that varies most, so far on the lines of rows (m,)."""
        d = self.x.shape[1]
        places = np.clip(self.shares[rows, None] + t[:, :, None] * self.way[rows, None], 0.0, 1.0)
        moved = self.domain.at(places.reshape(-1, d)) - self.domain.at(np.repeat(self.shares[rows], t.shape[1], axis=0))
        points = self.x[rows, None] + moved.reshape(places.shape)  # the point itself at 0, not but for rounding
        points = np.clip(points, self.domain.low, self.domain.high)
        y = self.values(points.reshape(-1, d)).reshape(*t.shape, -1)
        self.seen.append((rows, points, y))
        good = np.isfinite(y)
        mean = np.where(good, y, 0.0).sum(axis=1, keepdims=True) / np.maximum(good.sum(axis=1, keepdims=True), 1)
        y = np.where(good, y, mean)
        return np.asarray(np.take_along_axis(y, np.ptp(y, axis=1).argmax(axis=1)[:, None, None], axis=2)[:, :, 0])


def _path(y: np.ndarray) -> np.ndarray:
    """How far values (n, m) go up and down in all, over what they span, (n,)."""
    return np.asarray(np.abs(np.diff(y, axis=1)).sum(axis=1) / np.maximum(np.ptp(y, axis=1), np.finfo(float).tiny))


__all__ = ["GROWN", "Enclosed", "Surely", "doubted"]
