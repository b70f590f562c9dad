"""Where a model of an expensive function is missed most, as far as few values tell: what its errors are between them.

A model is close to the points that it was fitted to, and off between them; the values that measured it say by how much
and to which side. A sum of cubes of distances (Duchon 1977, Splines minimizing rotation-invariant semi-norms in Sobolev
spaces) goes through all errors that are known, and where it is largest the next value is worth most.
"""

from __future__ import annotations

import numpy as np

from surefit.blas import one_thread
from surefit.search.uphill import apart

MOST = 500  # errors that it goes through: those next to the largest ones
TOPS, AROUND = 12, 100  # of the largest errors, and points around each, where larger ones are looked for, too
FARTHEST = 0.5  # of a cell that each known point has for itself, how far around they lie


@one_thread()
def suspects(
    unit: np.ndarray, errors: np.ndarray, candidates: np.ndarray, count: int, cells: int, rng: np.random.Generator
) -> np.ndarray:
    """Points (m, d), m <= count, of the unit cube where errors are likely to be largest, none close to another.

    unit (n, d), errors (n, k): what is known, with their signs. candidates (c, d): some are around large errors beside
    them. cells: of so many points in the cube none are close.
    """
    from scipy.interpolate import RBFInterpolator

    d = unit.shape[1]
    unit, first = np.unique(unit, axis=0, return_index=True)
    errors = errors[first]
    sizes = np.abs(errors).max(axis=1)
    unit, errors, sizes = (a[np.isfinite(sizes)] for a in (unit, errors, sizes))
    scale = sizes.max(initial=0.0)
    if not scale > 0.0:
        return candidates[:0]  # nothing tells one place from another
    if len(unit) < 2 * (d + 1):
        return candidates[:count]
    order = np.argsort(-sizes, kind="stable")
    tops = unit[order[apart(unit[order], TOPS, cells)]]
    if len(unit) > MOST:
        distance = np.min([np.square(unit - top).sum(axis=1) for top in tops], axis=0)
        nearest = np.argsort(distance, kind="stable")[:MOST]
        unit, errors = unit[nearest], errors[nearest]
    reach = FARTHEST * len(unit) ** (-1.0 / d)
    around = tops[:, None, :] + reach * rng.uniform(-1.0, 1.0, (len(tops), AROUND, d))
    stays = rng.random(around.shape) < 0.5  # on a face, where a top is
    around = np.where(stays & ((tops == 0.0) | (tops == 1.0))[:, None, :], tops[:, None, :], around)
    places = np.concatenate([candidates, np.clip(around, 0.0, 1.0).reshape(-1, d)])
    try:
        found = RBFInterpolator(unit, errors / scale, kernel="cubic")(places)
    except (ValueError, np.linalg.LinAlgError):  # points that lie on a plane
        return candidates[:count]
    order = np.argsort(-np.abs(found).max(axis=1), kind="stable")
    likely = places[order[apart(places[order], count, cells)]]
    if d > 1 or count < 3:
        return np.asarray(likely)
    beside = _beside(tops[0, 0], np.concatenate([unit[:, 0], (0.0, 1.0)]))
    return np.concatenate([beside, likely])[:count]


def _beside(top: float, known: np.ndarray) -> np.ndarray:
    """Places (m, 1) half way from one to its neighbours: an error that has a corner there is no smooth one."""
    below, above = known[known < top], known[known > top]
    halves = [0.5 * (top + side) for side in (below.max(initial=-np.inf), above.min(initial=np.inf))]
    return np.array([[u] for u in halves if np.isfinite(u)]).reshape(-1, 1)


__all__ = ["suspects"]
