"""Short intervals float by float: where a running model is rounded by far more than it is wrong.

A claim about a program is one about the floats in the box. Beside a place where a formula is infinitely steep, or
jumps, units have gains of 1e13 and more; what their roundings may do together is then a hundred times what they do, and
there are few floats. There the model is run at each of them, and nothing of its rounding has to be bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

EACH, MOST = 1024, 2**15  # floats of one box, and of all boxes
AWAY = 2**13  # floats from a point, that tell whether its rounding is one of few floats
SPIKE = 0.5  # of a bound, that it is at most so far away
SPIKES = 64  # points of one look that may be such places

Values = Callable[[np.ndarray], np.ndarray]


class Bounds(Protocol):
    """What is asked of a way to bound errors, see branch.py."""

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """|error| at points (n, d) from below and above."""


def places(x: np.ndarray) -> np.ndarray:
    """Floats as whole numbers, neighbours one apart; 0 and -0 are one.

    >>> places(np.array([-5e-324, -0.0, 0.0, 5e-324])).tolist()
    [-1, 0, 0, 1]
    """
    bits = np.asarray(x, np.float64).view(np.int64)
    return np.asarray(np.where(bits < 0, np.int64(-(2**63)) - bits, bits))


def at_places(i: np.ndarray) -> np.ndarray:
    """The floats at these places."""
    return np.where(i < 0, np.int64(-(2**63)) - i, i).astype(np.int64).view(np.float64)


class Floats:
    """The floats of an interval, of which some boxes are looked at one by one.

    bounds: bound errors where it is known what the model gives. values: what it gives, the same wherever it runs.
    """

    def __init__(self, bounds: Bounds, values: Values, low: float, high: float) -> None:
        self.bounds, self.values = bounds, values
        self.low, self.high = low, high
        self.looked = 0

    def few(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Which boxes (n, 1) hold so few floats that all of them may be looked at."""
        first, last = places(low[:, 0]), places(high[:, 0])
        near = np.abs(low[:, 0] - high[:, 0]) <= 2.0**-30 * np.maximum(np.abs(low[:, 0]), np.abs(high[:, 0]))
        return np.asarray(near & (last - first < min(EACH, MOST - self.looked)))

    def error(self, low: float, high: float) -> tuple[float, float, float]:
        """The largest |error| at the floats of a box: a bound above it, one below it, and where that is reached."""
        first, last = places(np.array([low, high])).tolist()
        x = at_places(np.arange(first, last + 1))
        self.looked += len(x)
        below, above = self.bounds.at_points(x[:, None], self.values(x[:, None]))
        i = int(np.argmax(below))
        return float(np.where(above < np.inf, above, np.inf).max()), float(below[i]), float(x[i])

    def flattened(self, x: np.ndarray, below: np.ndarray, above: np.ndarray, most: float) -> None:
        """Bounds at points (n, 1) that are above `most`, and much above those beside them, become those beside them.

        The few floats there are looked at one by one, so that such a bound is none that a box cannot be below.
        """
        for _ in range(SPIKES if self.looked < MOST else 0):
            i = int(np.argmax(above))
            if not most < above[i] < np.inf:
                return
            place = places(x[i])[0]
            beside = at_places(np.array([place - AWAY, place + AWAY]))
            beside = beside[(beside >= self.low) & (beside <= self.high)]
            # beside 0 there are too many floats to be looked at
            if not len(beside) or (np.abs(beside - x[i, 0]) > 2.0**-30 * abs(x[i, 0])).any():
                return
            lower, upper = self.bounds.at_points(beside[:, None])
            k = int(np.argmax(upper))
            if not upper[k] < SPIKE * above[i]:
                return
            below[i], above[i] = lower[k], upper[k]


__all__ = ["Floats", "at_places", "places"]
