"""Functions of two inputs as sums of products of functions of one, found from values along lines.

A function that is rough along an edge of its box, as a root, a logarithm or a layer is, is often a sum of few products
of functions of one input, each of which is rough at its own end. Lines through well chosen points say which: the
residual is zero on all lines that were taken, and the next lines go through where it is large (adaptive cross
approximation: Bebendorf 2000, Numerische Mathematik 86; with functions in place of vectors: Townsend and Trefethen
2013, SIAM Journal on Scientific Computing 35). Along the lines, pieces of polynomials follow the function
(`roughness`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surefit.blas import one_thread
from surefit.solvers.roughness import DEGREE, Pieces, pieces_of

Values = Callable[[np.ndarray], np.ndarray]  # points (n, 2) of [-1, 1]^2 -> values (n,), NaN where there are none

FIRST_LINES = (-1.0, -0.73, -0.21, 0.34, 0.81, 1.0)  # places of an input that lines go through at first
LINES = 10  # that tell where a function is rough
ROUNDS = 4  # with better lines
MOST_RANK = 120
SAMPLES = 3000  # points of the grid at which the residual is looked at
CHECKED = 1000  # points of the box, beside as many close to where pieces are short
OFF = 10.0  # times the tolerance, by which values between the points of the grid may be off
SHARE = 0.3  # of the tolerance, to which pieces and products are found
SHORT = 1e-4  # length of a piece: at a singular end shorter ones may be those of rounded places, whatever the tolerance
AGAIN = 100.0  # times the tolerance, to which products are looked for where only these are not resolved
LOOSER = 3.0  # times what is left along lines, to which products are looked for where it stays above the tolerance
LEAST_VALUES = 500  # of which anything can be told: of a function that is a polynomial of degree 16 in each input
SETTLES = 1e-14  # of the largest value: no finer tolerance is of use


@dataclass(frozen=True)
class Products:
    """f(u, v) = sum_k sizes_k first_k(u) second_k(v), both at most 1; (r,) sizes fall.

    first, second: pieces of polynomials with r columns. size: the largest |value|. asked: values that this took.
    """

    first: Pieces
    second: Pieces
    sizes: np.ndarray
    size: float
    asked: int
    tol: float = 0.0  # of the largest value, to which they are found

    def at(self, points: np.ndarray) -> np.ndarray:
        """The sum (n,) at points (n, 2)."""
        return np.asarray((self.first.at(points[:, 0]) * self.second.at(points[:, 1])) @ self.sizes)


class Asked:
    """A function that counts how often it was asked, and knows how often it may be."""

    def __init__(self, values: Values, most: int) -> None:
        self.values, self.most, self.asked = values, most, 0

    @property
    def left(self) -> int:
        return max(0, self.most - self.asked)

    def __call__(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Values at all pairs of places (n,) and (m,): (n, m)."""
        points = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)
        return self.at(points).reshape(len(u), len(v))

    def at(self, points: np.ndarray) -> np.ndarray:
        self.asked += len(points)
        return self.values(points)


class _Turned(Asked):
    """The same with the other input first."""

    def __init__(self, f: Asked) -> None:
        self.f = f

    @property
    def left(self) -> int:
        return self.f.left

    def at(self, points: np.ndarray) -> np.ndarray:
        return self.f.at(points[:, ::-1])


class _Known(Asked):
    """The same on a grid of which all values are known."""

    def __init__(self, f: Asked, grids: list[np.ndarray], whole: np.ndarray) -> None:
        self.f, self.grids, self.whole = f, grids, whole

    def __call__(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        rows, columns = (np.searchsorted(grid, t) for grid, t in zip(self.grids, (u, v), strict=True))
        return self.whole[np.ix_(rows, columns)]


@one_thread()
def products_of(
    values: Values, tol: float, most: int, generator: np.random.Generator, coarsest: float = 0.0
) -> Products | None:
    """The products of a function of two inputs, to `tol` of its largest value.

    None where more than 120 would be needed, or more than about `most` values, or where it has none. coarsest: of the
    largest value, to which they are found at least where its values have noise, or are too few to tell it to `tol`.

    >>> f = lambda p: np.sqrt(p[:, 0] + 1.0) * np.exp(p[:, 1]) + 1.0 / (p[:, 0] + p[:, 1] + 2.1)
    >>> found = products_of(f, 1e-9, 100_000, np.random.default_rng(0))
    >>> points = np.random.default_rng(1).uniform(-1.0, 1.0, (1000, 2))
    >>> bool(np.abs(found.at(points) - f(points)).max() < 1e-8), len(found.sizes) < 20
    (True, True)
    """
    f = Asked(values, most)
    tol = wanted = max(tol, SETTLES)
    while f.left >= LEAST_VALUES and tol < 1.0:
        found = _products_of(f, tol, generator)
        if isinstance(found, Products):
            reached = max(wanted, found.tol)
            return replace(found, asked=f.asked, tol=reached) if reached <= max(wanted, coarsest) else None
        if found is None or not coarsest > 0.0 or LOOSER * found[0] <= tol:
            return None
        # a cautious estimate: what comes of it may be better
        tol = min(LOOSER * found[0], max(LOOSER * found[1], AGAIN * tol))
    return None


def _products_of(f: Asked, tol: float, generator: np.random.Generator) -> Products | tuple[float, float] | None:
    """The products; where its values along lines are not so smooth, what is left there, as a share of the size.

    That is of all pieces, and of those that are not as short as where the places themselves are rounded too much.
    """
    lines = [np.array(FIRST_LINES), np.array(FIRST_LINES)]
    looked: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        along: list[Pieces] = []
        for line, i in ((lambda t: f(t, lines[1]), 0), (lambda t: f(lines[0], t).T, 1)):
            along.append(pieces_of(line, SHARE * tol, f.left // (2 * len(lines[1 - i])), looked_at=looked[i]))
            if not along[i].settled:
                return along[i].unresolved(), along[i].unresolved(SHORT)
        size = max(p.size for p in along)
        if not size > 0.0:
            return None
        grids = [nodes_of(p) for p in along]
        found = _crossed(f, grids, SHARE * tol * size, generator)
        if found is None:
            return None
        left, right, pivots = found
        products = _balanced(left, right, along, grids, size, 0.1 * SHARE * tol * size, f.asked)
        points = without_jumping(along, on_pieces(along, max(1, min(CHECKED, f.left // 4)), generator))
        truth = f.at(points)
        off = np.abs(products.at(points) - truth)
        if not np.isfinite(truth).all():
            return None
        if off.max() <= OFF * tol * size:
            return replace(products, tol=float(min(tol, LOOSER * off.max() / size)))
        worst = points[np.argsort(off)[-LINES // 2 :]]
        for i in (0, 1):
            taken = grids[i][pivots[: LINES // 2, i]]
            lines[i] = np.unique(np.concatenate([[-1.0, 1.0], taken, worst[:, i]]))
            looked[i] = [*looked[i], *worst[:, i].tolist()]
    return None


def nodes_of(pieces: Pieces) -> np.ndarray:
    """The places (n, 17) flat, at which the polynomials of pieces are known."""
    low, high = pieces.ends.T
    nodes = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    x = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * nodes
    x[:, 0], x[:, -1] = low, high
    return x.reshape(-1)


def on_pieces(pieces: Sequence[Pieces], count: int, generator: np.random.Generator) -> np.ndarray:
    """Points (2 count, d): half all over the box; of the others, in each input as many on one piece as on another.

    A quarter of all have one input so and others not.
    """
    even, dense = [], []
    for p in pieces:
        low, high = p.ends[generator.integers(0, len(p.ends), count)].T
        even.append(generator.uniform(-1.0, 1.0, count))
        dense.append(generator.uniform(low, high))
    whole, close = np.stack(even, axis=1), np.stack(dense, axis=1)
    mixed = generator.random(close.shape) < 0.5
    mixed[::2] = True
    return np.concatenate([whole, np.where(mixed, close, whole)])


def without_jumping(pieces: Sequence[Pieces], points: np.ndarray) -> np.ndarray:
    """The points (n, d) without those at a jump, where a polynomial between neighbouring floats tells nothing."""
    at_jump = [p.jumping[p.piece_of(x)] for p, x in zip(pieces, points.T, strict=True)]
    return points[~np.any(at_jump, axis=0)]


def _crossed(
    f: Asked, grids: list[np.ndarray], tol: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Columns (n, r) and rows (m, r) whose products are f on the grid but for tol, and the pivots (r, 2)."""
    n, m = len(grids[0]), len(grids[1])
    if n > m:  # the shorter side is asked twice
        turned = _crossed(_Turned(f), grids[::-1], tol, generator)
        return None if turned is None else (turned[1], turned[0], turned[2][:, ::-1])
    if n * m <= SAMPLES and n * m < f.left:  # all of it costs no more
        whole = f(*grids)
        f = _Known(f, grids, whole)
        at, rest = np.indices(whole.shape).reshape(2, -1).T, whole.reshape(-1)
    else:
        samples = min(SAMPLES, f.left // 4)
        at = np.stack([generator.integers(0, n, samples), generator.integers(0, m, samples)], axis=1)
        corners = np.array([(i, j) for i in (0, n - 1) for j in (0, m - 1)])
        at = np.concatenate([corners, at])
        rest = f.at(np.stack([grids[0][at[:, 0]], grids[1][at[:, 1]]], axis=1))
    if not np.isfinite(rest).all():
        return None
    left, right = np.zeros((n, MOST_RANK)), np.zeros((m, MOST_RANK))
    pivots: list[tuple[int, int]] = []
    for k in range(MOST_RANK):
        worst = int(np.abs(rest).argmax())
        if abs(rest[worst]) <= tol:
            return left[:, :k], right[:, :k], np.array(pivots, int).reshape(-1, 2)
        if not isinstance(f, _Known) and f.left < 2 * n + m:
            return None
        j = int(at[worst, 1])
        column = f(grids[0], grids[1][[j]])[:, 0] - left[:, :k] @ right[j, :k]
        i = int(np.abs(column).argmax())
        row = f(grids[0][[i]], grids[1])[0] - right[:, :k] @ left[i, :k]
        best = int(np.abs(row).argmax())
        if best != j:
            column = f(grids[0], grids[1][[best]])[:, 0] - left[:, :k] @ right[best, :k]
        if not (np.isfinite(column).all() and np.isfinite(row).all()) or row[best] == 0.0:
            return None
        left[:, k], right[:, k] = column, row / row[best]
        pivots.append((i, best))
        rest = rest - left[at[:, 0], k] * right[at[:, 1], k]
    return None


def _balanced(
    left: np.ndarray, right: np.ndarray, along: list[Pieces], grids: list[np.ndarray], size: float, tol: float,
    asked: int,
) -> Products:  # fmt: skip
    """The fewest products, in order of their sizes, as pieces of polynomials."""
    q, a = np.linalg.qr(left)
    p, b = np.linalg.qr(right)
    u, s, vt = np.linalg.svd(a @ b.T)
    first, second = q @ u, p @ vt.T
    sizes = s * np.abs(first).max(axis=0) * np.abs(second).max(axis=0)
    order = np.argsort(-sizes, kind="stable")
    rest = np.append(np.cumsum(sizes[order][::-1])[::-1], 0.0)
    order = order[: max(1, int(np.argmax(rest <= tol)))]
    columns = []
    for values, pieces in ((first[:, order], along[0]), (second[:, order], along[1])):
        values = values / np.abs(values).max(axis=0)
        columns.append(replace(pieces, coefficients=coefficients_of(values, len(pieces.ends)), size=1.0))
    return Products(columns[0], columns[1], sizes[order], size, asked)


def coefficients_of(values: np.ndarray, pieces: int) -> np.ndarray:
    """Coefficients (pieces, 17, r) of polynomials with these values (17 pieces, r) at the nodes."""
    nodes = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    to_coefficients = np.linalg.inv(np.polynomial.chebyshev.chebvander(nodes, DEGREE))
    return np.einsum("ji,nik->njk", to_coefficients, values.reshape(pieces, DEGREE + 1, -1))


__all__ = [
    "SETTLES",
    "SHARE",
    "Asked",
    "Products",
    "coefficients_of",
    "nodes_of",
    "on_pieces",
    "products_of",
    "without_jumping",
]
