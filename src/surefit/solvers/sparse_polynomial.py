"""A sum of few products of polynomials of several inputs, found from few values without noise.

Of many products of Legendre polynomials those are taken one after the other that explain most of what is left
(orthogonal matching pursuit: Pati, Rezaiifar and Krishnaprasad 1993), and leave-one-out residuals tell how many help:
the error of Blatman and Sudret (Adaptive sparse polynomial chaos expansion based on least angle regression, Journal of
Computational Physics 230, 2011) with the factor of Chapelle, Vapnik and Bengio (2002) for few rows. A product counts
for more than one there, since it was the best of many (Foster and George 1994, The risk inflation criterion for
multiple regression): of k that were taken of m each for 1 + log(m / k) / 2. With a half of the logarithm the error
left out is of noise what the noise is, and of most simulators what the error is (benchmarks/simulators.py). The
products grow about those that were taken, so that a function which needs high degrees of one input, or of two
together, gets them without those of all (Hampton and Doostan, Basis adaptive sample efficient polynomial chaos, ibid.
371, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import legvander

FIRST = 8.0  # degree of one input to begin with; of several as the square roots of theirs add up to its own
MOST, MOST_OF_ROWS = 4000, 3  # products to choose from, and for each row
ROWS_EACH = 2  # rows for each product that is taken, at least
HELPS = 0.75  # of the error before, below which a larger choice has helped
LEVELS = 6  # digits after the point, in which two values of an input differ, or are one
CHOSEN = 0.5  # of the logarithm of how many there were for each, that a product counts beside its own
PATIENT = 1  # larger choices without help
AGAIN = 20  # products that are taken, or a third of all, without a lower error
LOST = 1e-10  # of its square, below which nothing of a product is left that others do not explain
EXACT = 1e-24  # of the mean square of the values: the error left out with which nothing more can be found
LEAST_LEFT = 1e-12  # of a row that is left out, as far as rounding tells
LOOKED = 32  # products after which it is asked whether to stop


@dataclass(frozen=True)
class SparsePolynomial:
    """sum_i coefficients[i] prod_j sqrt(2 a_ij + 1) P_a_ij(u_j), with degrees a (m, d); of points of [-1, 1]^d.

    left_out: the mean square of its errors at rows left out, corrected for how few they are. of: from how many products
    these were chosen.
    """

    degrees: np.ndarray
    coefficients: np.ndarray
    left_out: float
    of: int

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Values (n,) at points (n, d)."""
        return products(u, self.degrees) @ self.coefficients


def products(u: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Products of Legendre polynomials of mean square 1, (n, m), of these degrees (m, d) at points (n, d)."""
    found = np.ones((len(u), len(degrees)))
    for column, own in zip(u.T, degrees.T, strict=True):
        top = int(own.max(initial=0))
        if top:
            each = legvander(column, top) * np.sqrt(2.0 * np.arange(top + 1) + 1.0)
            found *= each[:, own]
    return found


def sparse_polynomial(
    u: np.ndarray, y: np.ndarray, stop: Callable[[], bool] = lambda: False, enough: float = EXACT
) -> SparsePolynomial | None:
    """The sum that leave-one-out finds best for values y (n,) at points u (n, d) of [-1, 1]^d.

    stop: asked now and then whether to end with what there is. enough: an error left out, of the mean square of the
    values, with which it ends. None where nothing was found.
    """
    n, d = u.shape
    tops = _highest(u)
    degrees, best, failed = _first(d), None, 0
    degrees = degrees[(degrees <= tops).all(axis=1)]
    while failed <= PATIENT and not stop():
        chosen, error = _pursuit(products(u, degrees), y, max(1, n // ROWS_EACH), stop, enough)
        if not len(chosen):
            break
        failed = 0 if best is None or error < HELPS**2 * best[1] else failed + 1
        if best is None or error < best[1]:
            best = degrees[chosen], error, len(degrees)
        if error <= enough * float(y @ y) / n:
            break
        degrees = _wider(degrees[chosen], min(MOST, MOST_OF_ROWS * n))
        degrees = degrees[(degrees <= tops).all(axis=1)]
    if best is None:
        return None
    coefficients = np.linalg.lstsq(products(u, best[0]), y, rcond=None)[0]
    return SparsePolynomial(best[0], coefficients, *best[1:])


def few_rows(n: int, taken: int, of: int) -> float:
    """By how much the mean square left out of n rows is too low, where so many products were taken `of` so many."""
    counts = taken * (1.0 + CHOSEN * math.log(of / taken))
    return n / (n - counts) * (1.0 + counts / n) if counts < n else math.inf


def _highest(u: np.ndarray) -> np.ndarray:
    """The degrees (d,) up to which values of each input tell a polynomial between them, too.

    Of few levels, as designs have, one less than there are; of n values that are spread evenly 2 sqrt(n), beyond which
    what fits at them swings between them (Rakhmanov, Bounds for polynomials with a unit discrete norm, Annals of
    Mathematics 165, 2007), and rows that are left out lie at the same values.
    """
    levels = np.array([len(np.unique(np.round(column, LEVELS))) for column in u.T])
    return np.minimum(levels - 1, (2.0 * np.sqrt(levels)).astype(int))


def _first(d: int) -> np.ndarray:
    """Degrees (m, d) to begin with: the constant, and as many as fit of those whose square roots add up to little."""
    found = [np.zeros(d, int)]
    most = math.sqrt(FIRST)
    single = [(a, math.sqrt(a)) for a in range(1, int(FIRST) + 1)]

    def extend(start: int, own: np.ndarray, left: float) -> None:
        for j in range(start, d):
            for a, size in single:
                if size > left + 1e-9 or len(found) > MOST:
                    break
                more = own.copy()
                more[j] = a
                found.append(more)
                extend(j + 1, more, left - size)

    extend(0, found[0], most)
    return np.array(found)


def _wider(chosen: np.ndarray, most: int) -> np.ndarray:
    """Degrees about those chosen, in the order in which they were: each with one input a degree or two higher.

    Two, for of an even function every other one is 0.
    """
    d = chosen.shape[1]
    known = dict.fromkeys([(0,) * d])
    known.update(dict.fromkeys(map(tuple, chosen.tolist())))
    for row in chosen.tolist():
        for j in range(d):
            for more in (1, 2):
                other = list(row)
                other[j] += more
                known[tuple(other)] = None
        if len(known) >= most:
            break
    return np.array(list(known))


def _pursuit(
    b: np.ndarray, y: np.ndarray, most: int, stop: Callable[[], bool], enough: float
) -> tuple[np.ndarray, float]:
    """Which columns of b (n, m) explain y best, in the order in which they were taken, and the error left out.

    The first column is the constant. Columns are made orthogonal to those that were taken (twice, for the digits).
    """
    n, m = b.shape
    most = min(most, m, n - 2)
    q = np.empty((n, max(1, most)), order="F")
    unexplained, taken = (b * b).sum(axis=0), np.zeros(m, bool)
    least = LOST * unexplained
    rest, lever = y.copy(), np.zeros(n)
    along = b.T @ rest
    order: list[int] = []
    best, error, enough = 0, math.inf, enough * float(y @ y) / n
    while len(order) < most and not (order and len(order) % LOOKED == 0 and stop()):
        count = len(order)
        open_ = ~taken & (unexplained > least)
        if not open_.any():
            break
        gain = np.where(open_, np.square(along) / np.where(open_, unexplained, 1.0), -1.0)
        j = int(gain.argmax()) if count else 0
        taken[j] = True
        column = b[:, j].copy()
        for _ in range(2):
            column -= q[:, :count] @ (q[:, :count].T @ column)
        size = float(np.linalg.norm(column))
        if not size * size > least[j]:
            continue
        column /= size
        q[:, count] = column
        order.append(j)
        share, seen = float(column @ rest), b.T @ column
        rest -= share * column
        along -= share * seen
        unexplained -= seen * seen
        lever += column * column
        count += 1
        off = rest / np.maximum(1.0 - lever, LEAST_LEFT)
        now = float(np.mean(off * off)) * few_rows(n, count, m)
        if now < error:
            best, error = count, now
        elif count - best > max(AGAIN, count // 3):
            break
        if error <= enough:
            break
    return np.array(order[:best], int), error


__all__ = ["EXACT", "LEAST_LEFT", "SparsePolynomial", "few_rows", "products", "sparse_polynomial"]
