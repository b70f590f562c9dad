"""How large the partial sums of a layer are, whose terms are functions of a few numbers.

A running sum of many terms that cancel is rounded by half a unit in the last place of what it is then, and not of
what it would be if all terms had one sign. Where the units of a layer see few sums T_g, a group of units each, the part
that a group has in a partial sum is a function of T_g alone: on short cells it is what it is in the middle, and as much
more or less as the slopes of the units allow. The sum of these parts is then known for all T_g of the box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from surefit.core.order import BLOCK

CELLS = 256  # of the numbers of a group
MOST_ENTRIES = 3_000_000  # of one array
MARGIN = 1.0 + 1e-9


class Units(NamedTuple):
    """Units that see one number T in low..high: values at T in the middle of cells, and how far they are from these."""

    places: np.ndarray  # (u,) of the columns of the layer that reads them
    values: np.ndarray  # (cells, u)
    off: np.ndarray  # (cells, u)


class PartialSums(NamedTuple):
    """Bounds of |partial sums| of m rows, in the order of core/order.py: in each block, of blocks, and of the whole."""

    inner: np.ndarray  # (m, blocks, BLOCK)
    joined: np.ndarray  # (m, blocks)
    low: np.ndarray  # (m,) between which the whole lies
    high: np.ndarray


def units_on(
    function: Callable[[np.ndarray], np.ndarray], places: np.ndarray, ends: np.ndarray, gains: np.ndarray,
    offsets: np.ndarray, slopes: np.ndarray, off: np.ndarray,
) -> Units:  # fmt: skip
    """Units function(gains T + offsets) on cells with these ends (n + 1,).

    slopes (n, u): no unit is steeper on a cell. off (u,): how far a unit may be from its function.
    """
    middle = np.clip(0.5 * ends[:-1] + 0.5 * ends[1:], ends[:-1], ends[1:])
    half = np.maximum(ends[1:] - middle, middle - ends[:-1])[:, None] * MARGIN
    size = np.abs(middle[:, None] * gains) + np.abs(offsets)
    spread = half * np.abs(gains) * slopes + off + 2.0**-46 * (1.0 + size)  # NumPy's functions, and the argument
    return Units(places, function(middle[:, None] * gains + offsets), spread * MARGIN)


def any_units(places: np.ndarray, most: float) -> Units:
    """Units of which no more is known than their size."""
    return Units(places, np.zeros((1, len(places))), np.full((1, len(places)), most))


def partial_sums(w: np.ndarray, groups: Sequence[Units]) -> PartialSums:
    """Bounds of the partial sums of w (m, fan) times units, of which the groups hold each one once."""
    m, fan = w.shape
    blocks = -(-fan // BLOCK)
    inner, joined = np.zeros((2, m, blocks, BLOCK)), np.zeros((2, m, blocks))
    for units in groups:
        touched, block = np.unique(units.places // BLOCK, return_inverse=True)
        rows = max(1, MOST_ENTRIES // (len(units.values) * len(touched) * BLOCK))
        for start in range(0, m, rows):
            some = w[start : start + rows, units.places]
            shape = (len(some), len(units.values), len(touched), BLOCK)
            value, off = np.zeros(shape), np.zeros(shape)
            # the rounding of these sums themselves, here and over all groups
            pay = 2.0**-53 * (4 * fan + 64) * (np.abs(units.values) + units.off)
            value[:, :, block, units.places % BLOCK] = some[:, None] * units.values
            off[:, :, block, units.places % BLOCK] = np.abs(some)[:, None] * (units.off + pay)
            np.cumsum(value, axis=-1, out=value)
            np.cumsum(off, axis=-1, out=off)
            mine = slice(start, start + rows)
            inner[0, mine, touched] += (value - off).min(axis=1).swapaxes(0, 1)
            inner[1, mine, touched] += (value + off).max(axis=1).swapaxes(0, 1)
            total, wide = value[..., -1].cumsum(axis=-1), off[..., -1].cumsum(axis=-1)
            last = np.searchsorted(touched, np.arange(blocks), "right") - 1  # of each block the last one touched before
            seen = last >= 0
            joined[0, mine, seen] += (total - wide).min(axis=1)[:, last[seen]].swapaxes(0, 1)
            joined[1, mine, seen] += (total + wide).max(axis=1)[:, last[seen]].swapaxes(0, 1)
    return PartialSums(np.abs(inner).max(axis=0), np.abs(joined).max(axis=0), joined[0, :, -1], joined[1, :, -1])


__all__ = ["CELLS", "PartialSums", "Units", "any_units", "partial_sums", "units_on"]
