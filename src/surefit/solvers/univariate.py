"""Functions of one variable by one layer of tanh units: few where they are smooth, denser where they are rough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefit.solvers.features import solve_output
from surefit.solvers.local_units import DAMPING, solve_local, work_of
from surefit.solvers.roughness import NEAR_ZERO, STEEPEST, Jump, Mesh, Pieces, jumps_of, pieces_of, without_jumps

Values = Callable[[np.ndarray], np.ndarray]  # places (n,) in [-1, 1] -> values (n, k)
Centre = Callable[[float, np.ndarray, np.ndarray], float]

SMOOTH = (8, 12, 16, 20, 25, 30, 36, 45)  # units that are tried
SPACED = (0.3, 0.2)  # gain times the distance of two units
OVER = 1.5  # where the outermost of these units bend
ROWS = 5  # for each unit
ROUGH = ((5.0, 0.3, 1.0), (8.0, 0.2, 0.1), (14.0, 0.12, 0.01), (24.0, 0.1, 1e-3))  # see search.limits.GRADED
GAIN, BESIDE = 0.3, 12
LOOSER = (1e-11, 1e-9, 1e-7, 1e-6)  # tolerances that are tried where less is not reached
COARSE = 1e-5  # of the size: to which pieces are resolved that tell where a function is steep
JITTER = 0.03  # of the shortest length: so well t is known
SMALL, SMALLER = (1e-4, 0.03), 1e-3  # of the tolerance, by which weights are damped, where t is known, and where not
CHECKED = 2001  # places that tell the error, at most
MOST_ASKED, MOST_WORK = 60_000, 4e9


@dataclass(frozen=True)
class Units:
    """f(t) = tanh(t gains + offsets) @ weights + constant, (h,), (h,), (h, k), (k,); error (k,): the largest seen."""

    gains: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    constant: np.ndarray
    error: np.ndarray
    jumps: int = 0  # units that are one

    def __call__(self, t: np.ndarray) -> np.ndarray:
        return np.tanh(t[:, None] * self.gains + self.offsets) @ self.weights + self.constant


def units_of(
    values: Values, tol: float, shortest: float = NEAR_ZERO, roundoff: float = 2.0**-53, centre: Centre | None = None,
    sizes: np.ndarray | None = None, ladder: Sequence[int] = SMOOTH,
) -> Units | None:  # fmt: skip
    """The fewest units on a ladder that are within tol of k functions on [-1, 1], as a share of the size of each.

    sizes (k,): of which tol is a share, instead. ladder: of units, where the functions are smooth. shortest: length
    below which nothing is resolved, as t is not known better. roundoff: of the units, where they run. None where a
    function is not finite or too rough. At a jump one unit goes from one float to the next. Where nothing is within
    tol: the best. centre: where such a unit bends, by the place after the jump and the values (k,) on both sides of it;
    else there.

    >>> found = units_of(lambda t: np.stack([np.exp(t), t], axis=1), 1e-9)
    >>> len(found.gains) <= 20 and bool((found.error < 1e-8).all())
    True
    """
    best: Units | None = None
    fresh = np.concatenate([np.linspace(-1.0, 1.0, 401), np.cos(np.linspace(0.0, np.pi, 200))])
    truth = values(fresh)
    if not np.isfinite(truth).all():
        return None
    size = np.maximum(np.abs(truth).max(axis=0), 1e-300) if sizes is None else sizes
    for h in ladder:
        t = np.cos(np.pi * (np.arange(ROWS * h) + 0.5) / (ROWS * h))
        y = values(t) / size
        if not np.isfinite(y).all():
            return None
        for spaced in SPACED:
            centres = np.linspace(-OVER, OVER, h)
            gains = np.full(h, spaced * (h - 1) / (2.0 * OVER))
            phi = np.tanh(t[:, None] * gains - gains * centres)
            solved = solve_output(phi, y, roundoff=max(roundoff, SMALLER * tol))
            found = Units(gains, -gains * centres, solved.weights * size, solved.constant * size, np.empty(0))
            found = _measured(found, fresh, truth)
            if best is None or (found.error / size).max() < (best.error / size).max():
                best = found
        assert best is not None
        if (best.error <= tol * size).all():
            return best
    return _rough(values, max(tol, roundoff), size, best, shortest, centre)


def _measured(units: Units, t: np.ndarray, truth: np.ndarray) -> Units:
    error = np.abs(units(t) - truth).max(axis=0)
    return Units(units.gains, units.offsets, units.weights, units.constant, error)


def _settled(values: Values, tol: float, shortest: float) -> Pieces | None:
    """Pieces that resolve functions of size 1 to tol, or as well as the rounding of their values allows."""
    for to in (tol, *(looser for looser in LOOSER if looser > tol)):
        pieces = pieces_of(values, to, MOST_ASKED, shortest=shortest)
        if pieces.settled:
            return pieces
    return None


def _rough(
    values: Values, tol: float, size: np.ndarray, best: Units | None, shortest: float, centre: Centre | None
) -> Units | None:  # fmt: skip
    """Units that are denser where it is rough."""
    scaled = lambda t: values(t) / size
    jumps = jumps_of(scaled, pieces_of(scaled, COARSE, MOST_ASKED))
    if jumps:
        scaled, best = without_jumps(scaled, jumps), None
    small = SMALL[shortest > NEAR_ZERO]
    if shortest > NEAR_ZERO:  # what t is not known to makes errors anyway, where a function is steep
        ends = np.unique(pieces_of(scaled, COARSE, MOST_ASKED, shortest=shortest).ends)
        here, jitter = scaled(ends), JITTER * shortest
        tol = max(tol, *(float(np.abs(scaled(np.clip(ends + j, -1.0, 1.0)) - here).max()) for j in (-jitter, jitter)))
    to, placed = tol, None
    for per_piece, growth, share in ROUGH:
        # what rounding makes of a root near its end may have a thousand pieces, each shorter than the next
        for at_first in (to,) if placed else (to, *(looser for looser in LOOSER if looser > to)):
            to, placed = at_first, _placed(scaled, max(share * at_first, 1e-14), per_piece, growth, shortest)
            if placed is not None:
                break
        if placed is None:
            break
        mesh, gains, centres, t = placed
        y = scaled(t)
        solved = solve_local(t, y, gains, -gains * centres, max(DAMPING, small * tol))
        found = Units(gains, -gains * centres, solved.weights * size, np.zeros(y.shape[1]), np.empty(0))
        places = mesh.at(np.linspace(0.0, mesh.count, min(7 * len(gains) + 3, CHECKED)))[0]
        found = _measured(found, places, scaled(places) * size)
        if best is None or (found.error / size).max() < (best.error / size).max():
            best = found
        if (best.error <= tol * size).all():
            break
    return best if best is None else _with_jumps(best, jumps, size, centre)


def _placed(
    values: Values, tol: float, per_piece: float, growth: float, shortest: float
) -> tuple[Mesh, np.ndarray, np.ndarray, np.ndarray] | None:
    """The mesh of pieces that resolve functions, gains and centres of units on it, and places to fit.

    None where no pieces do, or there are so many units that to solve for them is too much work.
    """
    pieces = _settled(values, tol, shortest)
    if pieces is None:
        return None
    mesh = Mesh(pieces, per_piece, growth, shortest=shortest)
    n = max(1, int(np.ceil(mesh.count)))
    centres, lengths = mesh.at((np.arange(n) + 0.5) * mesh.count / n)
    beyond = np.arange(BESIDE) + 0.5
    centres = np.concatenate([-1.0 - lengths[0] * beyond[::-1], centres, 1.0 + lengths[-1] * beyond])
    gains = GAIN / np.concatenate([np.full(BESIDE, lengths[0]), lengths, np.full(BESIDE, lengths[-1])])
    t = mesh.points(4, BESIDE)
    return None if work_of(t, gains, -gains * centres) > MOST_WORK else (mesh, gains, centres, t)


def _with_jumps(units: Units, jumps: list[Jump], size: np.ndarray, centre: Centre | None) -> Units:
    """The units and, for each jump, one that is there in no time."""
    if not jumps:
        return units
    steep, half = np.full(len(jumps), STEEPEST), 0.5 * size * np.array([j.height for j in jumps])
    bends = [centre(j.after, size * j.left, size * (j.left + j.height)) if centre else j.after for j in jumps]
    return Units(
        np.concatenate([units.gains, steep]), np.concatenate([units.offsets, -steep * bends]),
        np.concatenate([units.weights, half]), units.constant + half.sum(axis=0), units.error,
        len(jumps),
    )  # fmt: skip


__all__ = ["Centre", "Units", "units_of"]
