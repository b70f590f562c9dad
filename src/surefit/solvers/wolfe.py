"""A line search for the strong Wolfe conditions.

J. Nocedal and S. J. Wright (2006), Numerical optimization, algorithms 3.5 and 3.6 (widen, then narrow by cubic
interpolation), with the approximate Wolfe condition of W. W. Hager and H. Zhang (2005) where falls of the function
drown in rounding and only its slope still tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from .differences import EPS

DECREASE, CURVATURE = 1e-4, 0.9  # c1 and c2 of Nocedal and Wright for quasi-Newton directions
MOST = 40  # trials in one search
WIDEN = 10.0  # at most, from one trial to the next
NOISE = 10 * EPS  # differences of this part of the value are rounding


class Trial(NamedTuple):
    """A point of the line: how far, the value, the slope along the line."""

    at: float
    value: float
    slope: float


def cubic_minimum(a: Trial, b: Trial) -> float:
    """Where the cubic through two values and slopes has its minimum; nan if it has none."""
    with_slope = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.at - b.at)
    inside = with_slope * with_slope - a.slope * b.slope
    if not 0.0 <= inside < math.inf:
        return math.nan
    root = math.copysign(math.sqrt(inside), b.at - a.at)
    under = b.slope - a.slope + 2.0 * root
    return b.at - (b.at - a.at) * (b.slope + root - with_slope) / under if under != 0.0 else math.nan


def strong_wolfe(
    phi: Callable[[float], tuple[float, float]], value: float, slope: float, first: float
) -> tuple[Trial | None, str]:
    """Searches along a direction of descent: phi(t) -> (value, slope), value and slope < 0 those at t = 0.

    -> (trial, "found"): it meets the conditions, or the value is lower and nothing better can be told apart from it;
    (None, "stalled"): no trial is lower; (trial, "unbounded"): still falling MOST times further out;
    (None, "not_finite"): no trial was finite.
    """
    start = Trial(0.0, value, slope)
    noise = NOISE * abs(value)
    finite = False

    def look(at: float) -> Trial:
        nonlocal finite
        got, there = phi(at)
        if math.isnan(got) or not math.isfinite(there):
            got = -math.inf if got == -math.inf else math.inf
        finite = finite or math.isfinite(got)
        return Trial(at, got, there)

    def too_high(trial: Trial) -> bool:
        return trial.value > value + DECREASE * trial.at * slope + (noise if abs(trial.slope) < abs(slope) else 0.0)

    def fine(trial: Trial) -> bool:
        if not math.isfinite(trial.value):
            return False
        if abs(trial.slope) <= -CURVATURE * slope and trial.value <= value + DECREASE * trial.at * slope:
            return True
        near = abs(trial.value - value) <= noise
        return near and (2 * DECREASE - 1) * slope >= trial.slope >= CURVATURE * slope

    def narrow(low: Trial, high: Trial, left: int) -> tuple[Trial | None, str]:
        """Between low (the lowest that decreased enough) and high lies a point that will do."""
        for _ in range(left):
            width = high.at - low.at
            if abs(width) <= EPS * max(low.at, high.at):
                break
            at = cubic_minimum(low, high) if math.isfinite(high.value) else math.nan
            if not math.isfinite(at):
                at = low.at + (0.5 if math.isfinite(high.value) else 0.1) * width
            at = low.at + width * min(0.9, max(0.1, (at - low.at) / width))
            trial = look(at)
            if fine(trial):
                return trial, "found"
            if too_high(trial) or trial.value >= low.value:
                high = trial
            else:
                if trial.slope * width >= 0:
                    high = low
                low = trial
        if low.at > 0.0 and low.value < value:
            return low, "found"
        return None, "stalled" if finite else "not_finite"

    last, at = start, first
    for count in range(MOST):
        trial = look(at)
        if trial.value == -math.inf:
            return trial, "unbounded"
        if fine(trial):
            return trial, "found"
        if not math.isfinite(trial.value) or too_high(trial) or (count > 0 and trial.value >= last.value):
            return narrow(last, trial, MOST)
        if trial.slope >= 0:
            return narrow(trial, last, MOST)
        further = cubic_minimum(last, trial)
        last, at = trial, min(WIDEN * at, max(2.0 * at, further if further > at else WIDEN * at))
    return last, "unbounded"
