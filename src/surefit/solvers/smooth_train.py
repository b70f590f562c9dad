"""Smooth functions of four inputs and more as sums of few products of functions of one, found from some values.

f(x) = G_1(x_1) G_2(x_2) ... G_d(x_d), a row, matrices and a column of functions of one input each: a tensor train
(Oseledets 2011, SIAM Journal on Scientific Computing 33). A row of places of the first inputs tells apart what
functions of the others there are; from left to right, each matrix interpolates at the places that do so best (Oseledets
and Tyrtyshnikov 2010, Linear Algebra and its Applications 432; Drmac and Gugercin 2016, SIAM Journal on Scientific
Computing 38). What is not smooth in each input, or no sum of few products in this order of inputs, is seen soon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from surefit.blas import one_thread

Values = Callable[[np.ndarray], np.ndarray]  # points (n, d) of [-1, 1]^d -> values (n,), NaN where there are none

MOST_RANK = 6  # of a place between two inputs
LINES, FINEST = 8, 128  # along each input that tell its degree, which is at most so much
BEYOND = 1e-2  # of the tolerance, that coefficients beyond the degree are at most
TELLING = 4  # times as many places of the later inputs as there may be functions
CHECKED = 2000  # points that tell whether it is so
OFF = 10.0  # times the tolerance, by which values there may be off


@dataclass(frozen=True)
class SmoothTrain:
    """f(x) = cores_1(x_1) ... cores_d(x_d), each with Chebyshev coefficients (n, r, r').

    r of the first and r' of the last are 1. size: the largest |value| that was seen. off: the largest error.
    """

    cores: tuple[np.ndarray, ...]
    size: float
    off: float

    @property
    def ranks(self) -> tuple[int, ...]:
        return tuple(core.shape[2] for core in self.cores[:-1])

    def core(self, k: int, t: np.ndarray) -> np.ndarray:
        """The matrices (n, r, r') at places (n,) of an input."""
        own = self.cores[k]
        return np.tensordot(chebyshev.chebvander(t, len(own) - 1), own, axes=1)

    def at(self, x: np.ndarray) -> np.ndarray:
        """The products (n,) at points (n, d)."""
        row = self.core(0, x[:, 0])[:, 0]
        for k in range(1, len(self.cores)):
            row = np.einsum("ni,nij->nj", row, self.core(k, x[:, k]))
        return row[:, 0]


@one_thread()
def smooth_train_of(
    values: Values, d: int, tol: float, generator: np.random.Generator, most_rank: int = MOST_RANK
) -> SmoothTrain | None:
    """The train of a function of d inputs, to `tol` of its largest value; None where it has none that is so short.

    It is asked for some ten thousand values.

    >>> f = lambda p: np.cos(3.0 * p.sum(axis=1)) + p[:, 0] * p[:, 3]
    >>> found = smooth_train_of(f, 4, 1e-10, np.random.default_rng(0))
    >>> points = np.random.default_rng(1).uniform(-1.0, 1.0, (1000, 4))
    >>> max(found.ranks) <= 4, bool(np.abs(found.at(points) - f(points)).max() < 1e-8)
    (True, True)
    """
    from scipy.linalg import qr

    degrees = _degrees(values, d, tol, generator)
    if degrees is None:
        return None
    rows, cores, size = np.zeros((1, 0)), [], 0.0
    for k, degree in enumerate(degrees):
        nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        left = np.concatenate([np.repeat(rows, len(nodes), axis=0), np.tile(nodes, len(rows))[:, None]], axis=1)
        columns = 1 if k == d - 1 else TELLING * most_rank
        right = np.sin(0.5 * np.pi * generator.uniform(-1.0, 1.0, (columns, d - k - 1)))
        points = np.concatenate([np.repeat(left, columns, axis=0), np.tile(right, (len(left), 1))], axis=1)
        known = values(points).reshape(len(left), columns)
        if not np.isfinite(known).all():
            return None
        size = max(size, float(np.abs(known).max()))
        if k < d - 1:
            u, s, _ = np.linalg.svd(known, full_matrices=False)
            rank = int((s > tol * s[0]).sum()) if s[0] > 0.0 else 0
            if not 0 < rank <= most_rank:
                return None
            places = qr(u[:, :rank].T, pivoting=True, mode="r")[1][:rank]
            known, chosen = u[:, :rank] @ np.linalg.inv(u[places, :rank]), left[places]
        else:
            chosen = left[:0]
        matrix = np.linalg.inv(chebyshev.chebvander(nodes, degree))
        cores.append(np.einsum("mn,rnq->mrq", matrix, known.reshape(len(rows), len(nodes), -1)))
        rows = chosen
    found = SmoothTrain(tuple(cores), size, 0.0)
    x = generator.uniform(-1.0, 1.0, (CHECKED, d))
    x = np.where(generator.random(x.shape) < 0.2, np.sign(x), x)
    off = np.abs(found.at(x) - values(x)).max()
    return SmoothTrain(tuple(cores), size, float(off)) if off <= OFF * tol * size else None  # NaN is not, too


def _degrees(values: Values, d: int, tol: float, generator: np.random.Generator) -> list[int] | None:
    """The degree of each input, with which polynomials follow it along some lines; None where none does."""
    nodes = np.cos(np.pi * (np.arange(FINEST + 1) + 0.5) / (FINEST + 1))
    matrix = np.linalg.inv(chebyshev.chebvander(nodes, FINEST))
    found = []
    for k in range(d):
        lines = np.repeat(generator.uniform(-1.0, 1.0, (LINES, 1, d)), len(nodes), axis=1)
        lines[:, :, k] = nodes
        y = values(lines.reshape(-1, d)).reshape(LINES, len(nodes))
        if not np.isfinite(y).all():
            return None
        sizes = np.abs(y @ matrix.T).max(axis=0)
        large = np.flatnonzero(sizes > max(BEYOND * tol, 1e-14) * np.abs(y).max())
        degree = int(large[-1]) + 2 if len(large) else 1
        if degree > FINEST - FINEST // 8:
            return None
        found.append(degree)
    return found


__all__ = ["SmoothTrain", "smooth_train_of"]
