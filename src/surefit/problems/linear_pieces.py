"""Functions that are linear but for kinks, seen from their values: the linear functions they are made of, and how.

Any such function that is continuous is a maximum of minima of its linear pieces (Tarela and Martinez 1999, Mathematical
and Computer Modelling 30: region configurations for realizability of lattice piecewise-linear models).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surefit.data import Domain
from surefit.problems.problem import Function

FIRST, LOOKED_AT, CHECKED = 2, 400, 4000  # points: whether it is linear anywhere, of which pieces, whether that is all
STEP = 1e-3  # of the box: from so far away the slope at a point is computed
STRAIGHT = 1e-11  # of its size: what a function may be off a straight line
SAME = 1e-7  # of its size: pieces that differ by less are one
MOST_PIECES, MOST_TERMS = 24, 60
SEGMENTS, HALVINGS = 600, 45  # between two pieces, on which their border is looked for
FEWEST = 0.5  # of points must lie well inside a piece


@dataclass(frozen=True)
class LinearPieces:
    """f = max over terms of min over its pieces, each slopes @ u + offset of inputs u in [-1, 1]^d.

    slopes (p, d), offsets (p,). terms: numbers of pieces. kinks (q, d + 1): slopes and offset of the planes, where
    u @ slopes + offset = 0, at which neighbours meet.
    """

    slopes: np.ndarray
    offsets: np.ndarray
    terms: tuple[tuple[int, ...], ...]
    kinks: np.ndarray


def linear_pieces(function: Function, domain: Domain, generator: np.random.Generator) -> LinearPieces | None:
    """The linear pieces of a function of one output; None where it has others.

    function: points (n, d) -> values (n, 1). A function that is curved is asked for 2 (2 d + 3) values, one that is
    not for about 30 000.

    >>> f = lambda x: np.maximum(x[:, :1], np.maximum(x[:, 1:], 0.0))
    >>> found = linear_pieces(f, Domain("x=-1:1, y=-1:1"), np.random.default_rng(0))
    >>> found.slopes.round(9).tolist(), len(found.terms)
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]], 3)
    """
    d = domain.dim

    def value(u: np.ndarray) -> np.ndarray:
        return function(domain.unscale(u))[:, 0]

    if domain.log.any():
        return None
    if not len(_affine(value, generator.uniform(-1.0, 1.0, (FIRST, d)), generator)):
        return None
    seen = _affine(value, generator.uniform(-1.0, 1.0, (LOOKED_AT * d, d)), generator)
    u = generator.uniform(-1.0, 1.0, (CHECKED, d))
    y = value(u)
    if len(seen) < FEWEST * LOOKED_AT or not np.isfinite(y).all():
        return None
    size = float(np.abs(y).max())
    pieces = _distinct(seen, SAME * size)
    if pieces is None or not len(pieces):
        return None
    pieces = _refined(pieces, u, y, size)
    label, off = _nearest(pieces, u, y)
    if off.max() > 1e3 * STRAIGHT * size:
        return None
    values = u @ pieces[:, :-1].T + pieces[:, -1]
    terms = _terms(values, y, SAME * size)
    if terms is None:
        return None
    used = sorted({i for term in terms for i in term})
    place = {i: k for k, i in enumerate(used)}
    return LinearPieces(
        pieces[used, :-1], pieces[used, -1], tuple(tuple(place[i] for i in term) for term in terms),
        _kinks(value, pieces, u, label, generator),
    )  # fmt: skip


def _affine(value: Function, u: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Slopes and offset (m, d + 1) of the function at those points about which it is linear."""
    n, d = u.shape
    u = u * (1.0 - 2.0 * STEP)
    way = generator.choice([-1.0, 1.0], (n, d)) * generator.uniform(0.5, 1.0, (n, d)) * STEP
    steps = np.concatenate([STEP * np.eye(d), -STEP * np.eye(d)])
    around = np.concatenate([u[:, None], u[:, None] + steps, (u + way)[:, None], (u - way)[:, None]], axis=1)
    y = value(around.reshape(-1, d)).reshape(n, -1)
    size = float(np.abs(y[np.isfinite(y)]).max(initial=0.0))
    slopes = (y[:, 1 : d + 1] - y[:, d + 1 : 2 * d + 1]) / (2.0 * STEP)
    bends = np.abs(y[:, 1 : d + 1] + y[:, d + 1 : 2 * d + 1] - 2.0 * y[:, :1]).max(axis=1)
    across = np.abs(y[:, -2] - y[:, 0] - (way * slopes).sum(axis=1)) + np.abs(y[:, -2] + y[:, -1] - 2.0 * y[:, 0])
    straight = np.maximum(bends, across) <= STRAIGHT * size
    return np.column_stack([slopes, y[:, 0] - (u * slopes).sum(axis=1)])[straight]


def _distinct(seen: np.ndarray, tol: float) -> np.ndarray | None:
    """The pieces that are not the same, in order of their numbers; None where there are too many."""
    kept: list[np.ndarray] = []
    for piece in seen[np.lexsort(seen.T[::-1])]:
        if all(np.abs(piece - other).max() > tol for other in kept):
            kept.append(piece)
        if len(kept) > MOST_PIECES:
            return None
    return np.array(kept)


def _nearest(pieces: np.ndarray, u: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which piece a value is of, and how far off it is."""
    off = np.abs(u @ pieces[:, :-1].T + pieces[:, -1] - y[:, None])
    label = off.argmin(axis=1)
    return label, off[np.arange(len(u)), label]


def _refined(pieces: np.ndarray, u: np.ndarray, y: np.ndarray, size: float) -> np.ndarray:
    """The pieces to the last digits, from the points that lie on each."""
    label, off = _nearest(pieces, u, y)
    design = np.column_stack([u, np.ones(len(u))])
    for i in range(len(pieces)):
        own = (label == i) & (off <= SAME * size)
        if own.sum() > 2 * design.shape[1]:
            pieces[i] = np.linalg.lstsq(design[own], y[own], rcond=None)[0]
    pieces[np.abs(pieces) < 1e-14 * size] = 0.0
    return pieces


def _terms(values: np.ndarray, y: np.ndarray, tol: float) -> list[tuple[int, ...]] | None:
    """The fewest minima, of the fewest pieces each, whose maximum is y; None where there are none.

    values (n, p): of all pieces. At each point the pieces that are not below y make a term; of these the shortest.
    """
    sets = [frozenset(np.flatnonzero(row).tolist()) for row in np.unique(values >= y[:, None] - tol, axis=0)]
    terms = [sorted(one) for one in sorted(sets, key=len) if not any(other < one for other in sets)]
    if len(terms) > MOST_TERMS:
        return None
    minima = [values[:, term].min(axis=1) for term in terms]

    def right(minima: list[np.ndarray]) -> bool:
        return bool(np.abs(np.max(minima, axis=0) - y).max() <= tol)

    if not right(minima):
        return None
    for k in range(len(terms) - 1, -1, -1):  # without a term, if it goes without it
        fewer = minima[:k] + minima[k + 1 :]
        if fewer and right(fewer):
            del terms[k], minima[k]
    for k, term in enumerate(terms):
        for i in list(term):
            shorter = [other for other in term if other != i]
            if shorter:
                tried = values[:, shorter].min(axis=1)
                if right([*minima[:k], tried, *minima[k + 1 :]]):
                    term, terms[k], minima[k] = shorter, shorter, tried
    return [tuple(term) for term in terms]


def _kinks(
    value: Function, pieces: np.ndarray, u: np.ndarray, label: np.ndarray, generator: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """The planes at which pieces meet, found on segments between points of different pieces."""
    a, b = generator.integers(0, len(u), (2, SEGMENTS))
    differ = label[a] != label[b]
    low, high, left = u[a[differ]], u[b[differ]], label[a[differ]]
    right = label[b[differ]]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        here, _ = _nearest(pieces, middle, value(middle))
        same = here == left
        low, high = np.where(same[:, None], middle, low), np.where(same[:, None], high, middle)
        right = np.where(same, right, here)
    pairs = {(min(i, j), max(i, j)) for i, j in zip(left.tolist(), right.tolist(), strict=True)}
    return np.array([pieces[i] - pieces[j] for i, j in sorted(pairs)])


__all__ = ["LinearPieces", "linear_pieces"]
