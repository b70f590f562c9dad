"""Functions of three inputs as sums of products of functions of one, found from values along lines.

f(u, v, w) = sum_kj first_k(u) middle_kj(v) last_j(w): a tensor train of functions (Oseledets 2011, SIAM Journal on
Scientific Computing 33; of functions: Gorodetsky, Karaman and Marzouk 2019, Computer Methods in Applied Mechanics and
Engineering 347). Values along random lines give the functions of the two outer inputs, by their singular values; those
of the middle one are interpolated at the places that tell them apart best (Drmac and Gugercin 2016, SIAM Journal on
Scientific Computing 38). Pieces of polynomials follow the function along each input (`roughness`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from surefit.blas import one_thread
from surefit.solvers.low_rank import SETTLES, SHARE, Asked, coefficients_of, nodes_of, on_pieces, without_jumping
from surefit.solvers.roughness import Pieces, pieces_of

Values = Callable[[np.ndarray], np.ndarray]  # points (n, 3) of [-1, 1]^3 -> values (n,), NaN where there are none

FIRST = (-1.0, -0.21, 1.0)  # places of two inputs, through which lines of the third go at first
ROUNDS = 4  # with better lines
COLUMNS = (50, 100, 200)  # lines that give the functions of an input, until there are three for each function
EACH = 3.0
TELLING = 200  # places at most that tell how many these are
BASIS = 0.03  # of the tolerance, to which they are found
SMALL = 0.3  # of the tolerance, to which products are left out, together
MOST_PAIRS = 600  # functions of the middle input
CHECKED = 1500  # points of the box, beside as many close to where pieces are short
SAMPLES = 4000  # pairs of places that tell how large a sum is
CLOSE = 3.0  # times the tolerance, by which values between the places that were asked for may be off
WORST = 6  # points of a round that lines of the next go through
LEAST_VALUES = 3000  # of which anything can be told
ABOVE = 1.05  # times the largest sum that was seen


@dataclass(frozen=True)
class Train:
    """f(x) = sum_kj sizes_kj first_k(x_a) middle_kj(x_b) last_j(x_c), all functions at most 1, of inputs a, b, c.

    order: (a, b, c). first, middle, last: pieces of polynomials with r, r q and q columns. sizes (r, q): 0 where there
    is no such product. sums (r,): what sum_j sizes_kj middle_kj last_j is at most, about. size: the largest |value|.
    asked: values that this took.
    """

    order: tuple[int, int, int]
    first: Pieces
    middle: Pieces
    last: Pieces
    sizes: np.ndarray
    sums: np.ndarray
    size: float
    asked: int

    def at(self, x: np.ndarray) -> np.ndarray:
        """The sum (n,) at points (n, 3)."""
        a, b, c = self.order
        middle = self.middle.at(x[:, b]).reshape(-1, *self.sizes.shape) * self.sizes
        return np.asarray(np.einsum("nk,nkj,nj->n", self.first.at(x[:, a]), middle, self.last.at(x[:, c])))


class _OnLines(Asked):
    """A function of three inputs, asked along lines."""

    def along(self, axis: int, places: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Values (n, m) at places (n,) of one input, on lines through (m, 2) of the others, which are in order."""
        points = np.empty((len(places), len(others), 3))
        points[:, :, axis] = places[:, None]
        points[:, :, [i for i in range(3) if i != axis]] = others
        return self.at(points.reshape(-1, 3)).reshape(len(places), len(others))


@one_thread()
def train_of(values: Values, tol: float, most: int, generator: np.random.Generator) -> Train | None:
    """The tensor train of a function of three inputs, to `tol` of its largest value.

    None where more than about 500 products would be needed, or more than about `most` values, or where it has none.

    >>> f = lambda p: np.sqrt(p[:, 0] + 1.0) * np.exp(p[:, 1] * p[:, 2]) + p[:, 2] ** 2
    >>> found = train_of(f, 1e-8, 200_000, np.random.default_rng(0))
    >>> points = np.random.default_rng(1).uniform(-1.0, 1.0, (1000, 3))
    >>> bool(np.abs(found.at(points) - f(points)).max() < 1e-7)
    True
    """
    f = _OnLines(values, most)
    if most < LEAST_VALUES:
        return None
    tol = max(tol, SETTLES)
    through = [np.array(list(product(FIRST, FIRST))) for _ in range(3)]
    looked: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        along: list[Pieces] = []
        for i in range(3):
            own = through[i]
            line = lambda t, i=i, own=own: f.along(i, t, own)
            along.append(pieces_of(line, SHARE * tol, max(1, f.left // (2 * len(own))), looked_at=looked[i]))
            if not along[i].settled:
                return None
        size = max(p.size for p in along)
        if not size > 0.0:
            return None
        grids = [nodes_of(p) for p in along]
        found = _joined(f, along, grids, through, SHARE * tol * size, size, generator)
        if found is None:
            return None
        points = without_jumping(along, on_pieces(along, max(1, min(CHECKED, f.left // 4)), generator))
        truth = f.at(points)
        if not np.isfinite(truth).all():
            return None
        off = np.abs(found.at(points) - truth)
        if off.max() <= CLOSE * tol * size:
            return replace(found, asked=f.asked)
        worst = points[np.argsort(off)[-WORST:]]
        for i in range(3):
            through[i] = np.concatenate([through[i], np.delete(worst, i, axis=1)])
            looked[i] = [*looked[i], *worst[:, i].tolist()]
    return None


def _joined(
    f: _OnLines, along: list[Pieces], grids: list[np.ndarray], through: list[np.ndarray], tol: float, size: float,
    generator: np.random.Generator,
) -> Train | None:  # fmt: skip
    """The train on a grid."""
    few = [g if len(g) <= TELLING else generator.choice(g, TELLING, replace=False) for g in grids]
    about = [_basis(f, i, few[i], grids, through[i], tol, generator) for i in range(3)]
    ranks = [math.inf if basis is None else basis.shape[1] for basis in about]
    middle = int(np.argmax(ranks))
    a, c = (i for i in range(3) if i != middle)
    left, right = (_basis(f, i, grids[i], grids, through[i], BASIS * tol, generator) for i in (a, c))
    if left is None or right is None:
        return None
    ranks[a], ranks[c] = left.shape[1], right.shape[1]
    if ranks[a] * ranks[c] > 4 * MOST_PAIRS or f.left < ranks[a] * ranks[c] * len(grids[middle]):
        return None
    rows, columns = _telling(left), _telling(right)
    others = np.array(list(product(grids[a][rows], grids[c][columns])))
    core = f.along(middle, grids[middle], others).reshape(len(grids[middle]), left.shape[1], right.shape[1])
    if not np.isfinite(core).all():
        return None
    core = np.einsum("ki,nij,lj->nkl", np.linalg.inv(left[rows]), core, np.linalg.inv(right[columns]))
    tops = np.abs(left).max(axis=0), np.abs(right).max(axis=0)
    left, right, core = left / tops[0], right / tops[1], core * tops[0][:, None] * tops[1]
    sizes = np.abs(core).max(axis=0)
    order = np.argsort(sizes, axis=None)
    small = order[np.cumsum(np.sort(sizes, axis=None) ** 2) <= (SMALL * tol) ** 2]
    sizes.reshape(-1)[small] = 0.0
    k, j = (sizes > 0).any(axis=1), (sizes > 0).any(axis=0)
    left, right, core, sizes = left[:, k], right[:, j], core[:, k][:, :, j], sizes[k][:, j]
    if not 0 < np.count_nonzero(sizes) <= MOST_PAIRS:
        return None
    at = generator.integers(0, len(core), SAMPLES), generator.integers(0, len(right), SAMPLES)
    kept = np.where(sizes > 0, core, 0.0)
    sums = ABOVE * np.abs(np.einsum("nkj,nj->nk", kept[at[0]], right[at[1]])).max(axis=0)
    largest = np.argsort(-sums, kind="stable")
    left, kept, sizes, sums = left[:, largest], kept[:, largest], sizes[largest], sums[largest]
    shapes = kept / np.where(sizes > 0, sizes, 1.0)
    made = [
        replace(along[i], coefficients=coefficients_of(y.reshape(len(grids[i]), -1), len(along[i].ends)), size=1.0)
        for i, y in ((a, left), (middle, shapes), (c, right))
    ]
    return Train((a, middle, c), made[0], made[1], made[2], sizes, sums, size, f.asked)


def _basis(
    f: _OnLines, axis: int, places: np.ndarray, grids: list[np.ndarray], through: np.ndarray, tol: float,
    generator: np.random.Generator,
) -> np.ndarray | None:  # fmt: skip
    """Orthogonal columns (n, r), in which the function is at places (n,) of an input, but for tol."""
    one, other = (g for i, g in enumerate(grids) if i != axis)
    known, others = np.empty((len(places), 0)), np.empty((0, 2))
    for columns in COLUMNS:
        more = columns - len(others)
        drawn = np.stack([generator.choice(one, more), generator.choice(other, more)], axis=1)
        if not len(others):
            drawn[: len(through)] = through[-more:]
        if f.left < more * len(places):
            return None
        known, others = np.hstack([known, f.along(axis, places, drawn)]), np.concatenate([others, drawn])
        if not np.isfinite(known).all():
            return None
        u, s, _ = np.linalg.svd(known, full_matrices=False)
        rank = max(1, int((s > tol * np.sqrt(columns)).sum()))
        if EACH * rank <= columns:
            return np.asarray(u[:, :rank])
    return None


def _telling(basis: np.ndarray) -> np.ndarray:
    """The rows (r,) of a basis (n, r) whose values say best what the others are."""
    from scipy.linalg import qr

    return np.asarray(qr(basis.T, mode="r", pivoting=True)[1][: basis.shape[1]])


__all__ = ["Train", "train_of"]
