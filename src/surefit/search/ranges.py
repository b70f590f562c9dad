"""How far an estimated error may be off: a range in which the true one lies, for most fits.

What few rows left out are missed by, or few test rows, tells an error only so well: its logarithm has a deviation. One
part of that follows from these very rows, as a mean of squares of which a few are large is a matter of luck. The others
were read from fits of functions whose true error is known (limits.py): what any so few rows tell, and, where a process
follows values without noise, that with few inputs its error is made in few places, beside the border above all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surefit.search.limits import ABOVE, BELOW, IN_PLACES, UNKNOWN, UNKNOWN_OF_TAUGHT


@dataclass(frozen=True)
class Range:
    """Where the true root mean square error lies, beside its estimate; unpacks as `low, high = range`.

    low, high: in the units of the estimate. level: the share of fits whose true error was between theirs, of functions
    of which it is known. Statistical: nothing is proved or measured of this one.
    """

    low: float
    high: float
    level: float = 0.9

    def __iter__(self) -> Iterator[float]:
        return iter((self.low, self.high))

    def farther(self, distance: float) -> Range:
        """That of a model which is away from the one that was estimated, by so much (root mean square)."""
        return replace(self, low=math.hypot(self.low, distance), high=math.hypot(self.high, distance))

    def to_dict(self) -> dict[str, float]:
        """It as plain data; `from_dict` reads it."""
        return {"low": self.low, "high": self.high, "level": self.level}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Range | None:
        """What `to_dict` gave; None of None, as in a file of an older version."""
        return None if data is None else cls(float(data["low"]), float(data["high"]), float(data["level"]))


def range_around(
    rmse: float, misses: np.ndarray, taught: tuple[float, int] | None = None, apart: bool = False
) -> Range | None:
    """The range of an error, from what rows are missed by (n, k) when they are left out; None where that is nothing.

    taught: where a Gaussian process was the teacher, which share of the square of its error is no noise, and the number
    of its inputs. apart: whether the rows took no part in any fit, as few test rows.

    >>> low, high = range_around(1.0, np.array([[1.0], [-1.0], [0.5], [-1.5]] * 10))
    >>> round(low, 2), round(high, 2)
    (0.75, 1.37)
    """
    deviation = deviation_of_logarithm(misses, taught, apart)
    if not (rmse > 0.0 and math.isfinite(rmse * math.exp(ABOVE * deviation))):
        return None
    return Range(rmse * math.exp(-BELOW * deviation), rmse * math.exp(ABOVE * deviation))


def deviation_of_logarithm(misses: np.ndarray, taught: tuple[float, int] | None = None, apart: bool = False) -> float:
    """The deviation of the logarithm of a root mean square that rows left out tell, of what they are missed by (n, k).

    Of a mean of n squares it is half the relative deviation of one over the root of n, by Taylor's formula. apart: of
    test rows there may be one alone, and the logarithm of the size of one normal error has a deviation of 1.1.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        largest = float(np.abs(misses).max(initial=0.0))
        squares = np.mean((misses / largest) ** 2, axis=1) if 0.0 < largest < math.inf else np.full(1, np.nan)
    n = len(misses)
    by_luck = 0.5 * float(squares.std()) / float(squares.mean()) / math.sqrt(n)
    unknown = (UNKNOWN if taught is None else UNKNOWN_OF_TAUGHT) / math.sqrt(n - 0.5 if apart else n)
    in_places = 0.0 if taught is None else IN_PLACES * taught[0] / taught[1]  # of one addend of the square
    return math.hypot(by_luck, unknown, in_places)


__all__ = ["Range", "range_around"]
