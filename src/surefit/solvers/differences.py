"""The Jacobian by difference quotients, with steps that suit each variable and the precision of the residuals.

A step is a share of the variable's size: the square root of the precision of the residuals for one-sided quotients, the
cube root for central ones. Two things can be wrong with that, and neither is seen in the quotient itself. The size of a
variable may say nothing (it is zero, or an offset of 1e9 before something of size 1); and residuals may be less precise
than float64 (computed in float32, or by an iteration that ends early), so that a short step changes nothing but noise.

So the first Jacobian is compared with one more evaluation, again where a variable shrank, and a column of which no
residual changed beyond rounding is doubted too. What is doubted is looked at closely: quotients with steps from large
to small agree with their neighbours where the step is right, between noise and curvature; what the shorter ones are off
by is the noise. The steps and the precision that were found are kept for the Jacobians that follow.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

EPS = float(np.finfo(np.float64).eps)
DIFFERENCES = ("2-point", "3-point")
POWERS = {"2-point": 1 / 2, "3-point": 1 / 3}  # of the precision: the error of the formula against the rounding
VISIBLE = 1e3  # a change of so many roundings can be told from rounding
CLOSE = 1e-3  # relative difference of quotients whose steps are right
AGREE = 0.05  # of the best two in a ladder that can be used
LADDER = 100.0  # between the steps that are tried one after the other
NEAR = 30.0  # a step that differs by less is as good
DRIFT = 10.0  # a variable that shrank or grew by this may need another step
COARSE = 1e-2  # residuals are taken to be at least so precise, and a step to be at most such a share of a variable


def precision_of(residuals: object) -> float:
    """The rounding of the numbers in which residuals came: that of float32 for a float32 array."""
    kind = getattr(residuals, "dtype", None)
    return max(EPS, float(np.finfo(kind).eps)) if kind is not None and np.issubdtype(kind, np.floating) else EPS


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """How far two columns are apart, relative to the larger; infinite where both are zero, or one is not finite."""
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    return float(np.linalg.norm(a - b)) / size if 0.0 < size < math.inf else math.inf


class Differences:
    """Difference quotients of residuals(x) -> (m,) inside a box, with what is known about good steps.

    may(count): whether so many more evaluations are allowed.
    """

    def __init__(
        self,
        method: str,
        residuals: Callable[[np.ndarray], np.ndarray],
        low: np.ndarray,
        high: np.ndarray,
        may: Callable[[int], bool],
    ) -> None:
        self.method, self.residuals, self.may = method, residuals, may
        self.low, self.high = low, high
        self.price = 2 if method == "2-point" else 6  # evaluations of a column at most, on both sides
        n = low.size
        self.precision = EPS  # relative, of the residuals
        self.largest = np.zeros(1)  # the largest absolute value seen of each residual
        self.checked = False  # whether the steps were compared with one more evaluation
        # of each variable:
        self.typical = np.ones(n)  # its size where it is zero
        self.least = np.ones(n)  # it counts as at least so large
        self.level: np.ndarray | None = None  # its size when the steps were checked
        self.share = np.full(n, np.nan)  # of its size, its step; nan: as the precision has it
        self.found_at = np.full(n, np.nan)  # its size where the share was found
        self.seen = np.zeros(n)  # the last step that changed more than rounding does
        self.quiet = np.zeros(n, bool)  # whether no step changes anything
        self.doubt = np.zeros(n, bool)  # whether no two quotients agree

    # --- steps --------------------------------------------------------------------------------------------------------

    @property
    def usual(self) -> float:
        """The share of its size that is the step of a variable."""
        return float(self.precision ** POWERS[self.method])

    def step(self, x: np.ndarray, i: int) -> float:
        """How far to go along x[i]."""
        share = self.usual if math.isnan(self.share[i]) else float(self.share[i])
        return share * max(abs(float(x[i])), float(self.least[i]))

    def move(self, x: np.ndarray) -> None:
        """Follow the variables to x; where one shrank, or one with a share of its own grew, the steps are doubted.

        A variable counts as large as it ever was, so that one that happens to be near zero has a step that is seen.
        """
        size = np.abs(x)
        if self.level is None:
            self.level = self.least = np.where(size > 0.0, size, self.typical)
        shrank = size < self.level / DRIFT
        self.level = np.where(shrank, size, self.level)
        self.least = np.maximum(self.least, size)
        with np.errstate(invalid="ignore"):  # nan: has no share of its own
            drifted = (size < self.found_at / DRIFT) | (size > self.found_at * DRIFT)
        self.share[drifted], self.found_at[drifted] = np.nan, np.nan
        self.quiet[drifted], self.doubt[drifted] = False, False
        self.checked = self.checked and not (shrank | drifted).any()

    # --- quotients ----------------------------------------------------------------------------------------------------

    def jacobian(self, x: np.ndarray, r: np.ndarray) -> np.ndarray:
        """x (n,), residuals there -> (m, n); may hold NaN and infinity."""
        self.largest = np.maximum(self.largest, np.where(np.isfinite(r), np.abs(r), 0.0))
        self.move(x)
        doubted: set[int] = set()
        J, steps = np.empty((r.size, x.size)), np.empty(x.size)
        for i in range(x.size):
            J[:, i], steps[i] = self.column(x, r, i, self.step(x, i))
            if steps[i] == 0.0 or self.quiet[i]:
                continue
            if self.drowned(J[:, i], steps[i]):
                doubted.add(i)
            else:
                self.seen[i] = steps[i]
        if not np.isfinite(J).all():
            return J
        if not self.checked and self.may(1):
            self.checked = True
            if not self.agrees(x, r, J, steps):
                doubted |= set(np.flatnonzero(steps > 0.0).tolist())
        waiting = sorted(doubted)
        while waiting:
            i = waiting.pop(0)
            before = self.precision
            J[:, i] = self.closely(x, r, i, J[:, i], steps[i])
            if self.precision > NEAR * before:  # then the others are doubtful too
                waiting = sorted({*waiting, *np.flatnonzero((steps > 0.0) & np.isnan(self.found_at)).tolist()})
        return J

    def column(self, x: np.ndarray, r: np.ndarray, i: int, size: float) -> tuple[np.ndarray, float]:
        """The derivative by x[i] and the step it was taken with, 0 for none.

        At points inside the box; on the other side if residuals are not finite there.
        """
        up, down = self.high[i] - x[i], x[i] - self.low[i]
        if up == down == 0.0:
            return np.zeros_like(r), 0.0  # held fixed: no step will use it

        def at(h: float) -> tuple[float, np.ndarray]:
            there = x.copy()
            there[i] = x[i] + h
            return there[i] - x[i], self.residuals(there)

        if self.method == "3-point" and min(up, down) >= size:
            (a, ra), (b, rb) = at(size), at(-size)
            if np.isfinite(ra).all() and np.isfinite(rb).all() and a > b:
                return (ra - rb) / (a - b), a
        sign = 1.0 if (up >= size and x[i] >= 0) or up >= max(down, size) else -1.0
        column, taken = np.full_like(r, np.nan), 0.0
        for side in (sign, -sign):
            room = up if side > 0 else down
            h = side * min(size, room / 2 if self.method == "3-point" else room)
            if x[i] + h == x[i]:
                continue
            a, ra = at(h)
            if self.method == "3-point":
                b, rb = at(2 * h)
                column = (ra - r) * (b / (a * (b - a))) - (rb - r) * (a / (b * (b - a)))
            else:
                column = (ra - r) / a
            taken = abs(a)
            if np.isfinite(column).all():
                break
        return column, taken

    def drowned(self, column: np.ndarray, step: float) -> bool:
        """Whether no residual changed beyond rounding."""
        return not bool((np.abs(column) * step > VISIBLE * self.precision * self.largest).any())

    def agrees(self, x: np.ndarray, r: np.ndarray, J: np.ndarray, steps: np.ndarray) -> bool:
        """Whether the Jacobian predicts what residuals change by on a shorter way in all variables at once."""
        there = np.clip(x + np.where(np.arange(x.size) % 2, -steps, steps) / 8, self.low, self.high)
        way = there - x
        if not way.any():
            return True
        change = self.residuals(there) - r
        if not np.isfinite(change).all():
            return True
        parts = np.linalg.norm(J * way, axis=0)
        rounding = VISIBLE * self.precision * float(np.linalg.norm(self.largest))
        return float(np.linalg.norm(change - J @ way)) <= CLOSE * float(parts.max()) + rounding

    # --- a closer look ------------------------------------------------------------------------------------------------

    def closely(self, x: np.ndarray, r: np.ndarray, i: int, column: np.ndarray, step: float) -> np.ndarray:
        """The column, if a shorter step agrees with it, else that of the best step there is."""
        if (now := self.step(x, i)) != step and self.may(self.price):
            column, step = self.column(x, r, i, now)
        if self.drowned(column, step) and self.seen[i] > 0.0 and self.may(self.price):
            column, step = self.column(x, r, i, float(self.seen[i]))
            self.least[i] = step / self.usual
        if not self.drowned(column, step) and self.may(self.price):
            shorter, _ = self.column(x, r, i, step / 16)
            if difference(column, shorter) <= CLOSE:
                return column
        return self.ladder(x, r, i, column)

    def ladder(self, x: np.ndarray, r: np.ndarray, i: int, column: np.ndarray) -> np.ndarray:
        """Quotients with steps from large to small, then with larger ones where all those drown; the best is kept."""
        size = abs(float(x[i])) or max(float(self.typical[i]), 1.0)
        steps: list[float] = []
        columns: list[np.ndarray] = []
        best, place = math.inf, -1  # how far the best two are apart, and the place of the larger of their steps
        for e in range(-1, -16, -2) if x[i] else range(0, -41, -2):
            if not self.may(self.price):
                break
            c, h = self.column(x, r, i, size * 10.0**e)
            if h == 0.0 or (steps and h > 0.5 * steps[-1]):  # a bound is so near that it is the same step
                continue
            steps.append(h)
            columns.append(c)
            if len(steps) > 1 and (d := difference(columns[-2], columns[-1])) < best:
                best, place = d, len(steps) - 2
            if best <= AGREE and len(steps) >= place + 6:
                break
        h = size * LADDER / 10.0
        while steps and best > AGREE and h <= max(1.0, float(self.typical[i])) and self.may(self.price):
            c, taken = self.column(x, r, i, h)
            if taken < 2.0 * steps[0]:
                break
            steps.insert(0, taken)
            columns.insert(0, c)
            place, h = place + 1, h * LADDER
            if (d := difference(columns[0], columns[1])) < best:
                best, place = d, 0
        self.found_at[i] = abs(x[i])
        self.quiet[i], self.doubt[i] = not math.isfinite(best), AGREE < best < math.inf
        if self.quiet[i]:  # all zero: the residuals do not depend on this variable, as far as can be seen
            return column
        if best <= 2 * AGREE:
            self.learn_precision(columns[place + 1], steps[place + 2 :], columns[place + 2 :])
        h = math.sqrt(steps[place] * steps[place + 1])
        if 1 / NEAR <= h / (self.usual * size) <= NEAR:
            h, self.least[i] = self.usual * size, size
        elif x[i] and h <= COARSE * size:
            self.share[i] = h / size
        else:
            self.least[i] = h / self.usual
        return self.column(x, r, i, h)[0] if self.may(self.price) else columns[place + 1]

    def learn_precision(self, right: np.ndarray, steps: list[float], columns: list[np.ndarray]) -> None:
        """Less than thought, if changes over shorter steps are off by more; right: the derivative."""
        size = float(np.linalg.norm(self.largest))
        pairs = zip(steps, columns, strict=True)
        off = [h * float(np.linalg.norm(c - right)) for h, c in pairs if np.isfinite(c).all()]
        noise = max(off, default=0.0) / size if size > 0.0 else 0.0
        if noise > NEAR * self.precision:
            self.precision = min(noise, COARSE)
