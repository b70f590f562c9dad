"""Least squares on rows that come in parts: each part becomes a triangle, and triangles add up.

The QR decomposition of all rows needs no more of a part than its own triangle (TSQR: Demmel, Grigori, Hoemmen, Langou,
"Communication-optimal parallel and sequential QR and LU factorizations", SIAM J. Sci. Comput. 34, 2012). So
rows may come in any order, in any parts, on any machines; memory is that of one triangle. Normal equations would add up
as well, but square the condition number, which for features of a network is often 1e10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.blas import one_thread
from surefit.checking import whole_number
from surefit.errors import ArgumentError, DtypeError, ShapeError

from .features import RIDGES
from .problem import real_numbers

BLOCK = 4096  # rows that are decomposed at once, or four times the columns


@dataclass(frozen=True, eq=False)
class Reduced:
    """An output layer: phi (m, h) -> phi @ weights + constant, (m, k).

    weights (h, k), constant (k,). rmse (k,): at the rows it was solved for. score: the root mean square error at new
    rows, all outputs together, estimated by generalised cross-validation. ridge: the chosen one; effective: how many
    parameters for each output the rows decide; rank: of the features; condition: of what was kept of them.
    """

    weights: np.ndarray
    constant: np.ndarray
    rmse: np.ndarray
    score: float
    ridge: float
    effective: float
    rank: int
    condition: float


class Reduction:
    """Rows of features (m, h) and values (m, k), kept as one triangle of 1 + h + k columns.

    `update` takes rows in, `merge` another reduction, `solve` finds the output layer; in between it can be pickled and
    sent. How rows were split changes the result by rounding alone. With Dask:
    `parts.map(lambda p: Reduction(h).update(features(p), p.y)).fold(lambda a, b: a.merge(b))`.

    Args:
        features: how many columns h the features have.
        outputs: how many columns k the values have.

    >>> import numpy as np
    >>> x = np.arange(10.0)[:, None]
    >>> first, second = Reduction(1).update(x[:4], 2 * x[:4] + 1), Reduction(1).update(x[4:], 2 * x[4:] + 1)
    >>> layer = first.merge(second).solve(ridges=[0.0])
    >>> layer.weights.round(6).tolist(), layer.constant.round(6).tolist(), first.rows
    ([[2.0]], [1.0], 10)
    """

    def __init__(self, features: int, outputs: int = 1) -> None:
        self.features, self.outputs = whole_number("features", features, 1), whole_number("outputs", outputs, 1)
        self.rows = 0
        self.weight = 0.0
        self.triangle = np.zeros((0, 1 + self.features + self.outputs))

    @one_thread()
    def update(self, phi: Any, y: Any, weights: Any = None) -> Reduction:
        """Take rows in: phi (m, h), y (m,) or (m, k), weights (m,) >= 0. Returns itself.

        ShapeError, DtypeError, ArgumentError: shapes do not fit, something is no real number, or not finite; then
        nothing was taken in.
        """
        a, b = real_numbers(phi), real_numbers(y)
        if a is None or b is None:
            raise DtypeError(f"update: {'phi' if a is None else 'y'} must be real numbers")
        b = b[:, None] if b.ndim == 1 else b
        if a.ndim != 2 or a.shape[1] != self.features or b.shape != (len(a), self.outputs):
            raise ShapeError(
                f"update: phi {a.shape} and y {b.shape} came; (m, {self.features}) and (m, {self.outputs}) are needed"
            )
        w = np.ones(len(a)) if weights is None else real_numbers(weights)
        if w is None or w.shape != (len(a),) or not ((w >= 0) & (w < np.inf)).all():
            raise ArgumentError(f"update: weights must be {len(a)} finite numbers >= 0")
        for name, part in (("phi", a), ("y", b)):
            if not np.isfinite(part).all():
                row = int(np.argwhere(~np.isfinite(part))[0, 0])
                raise ArgumentError(f"update: {name} is not finite in row {row} (first row is 0); leave such rows out")
        root = np.sqrt(w)[:, None]
        step = max(BLOCK, 4 * self.triangle.shape[1])
        for i in range(0, len(a), step):
            at = slice(i, i + step)
            block = np.concatenate([root[at], a[at] * root[at], b[at] * root[at]], axis=1)
            self._add(block)
        self.rows += len(a)
        self.weight += float(w.sum())
        return self

    @one_thread()
    def merge(self, other: Reduction) -> Reduction:
        """Take in what another one holds. Returns itself; the other stays as it is. ShapeError for other columns."""
        if not isinstance(other, Reduction) or (other.features, other.outputs) != (self.features, self.outputs):
            raise ShapeError(f"merge: a Reduction({self.features}, {self.outputs}) is needed, and {other!r} came")
        self._add(other.triangle)
        self.rows += other.rows
        self.weight += other.weight
        return self

    def _add(self, block: np.ndarray) -> None:
        self.triangle = np.asarray(np.linalg.qr(np.concatenate([self.triangle, block]), mode="r"))

    @one_thread()
    def solve(self, ridges: Sequence[float] = RIDGES) -> Reduced:
        """The output layer with the ridge of the smallest error by generalised cross-validation.

        ridges: from which to choose, relative to the mean square of the features, as in `solve_output`; the constant
        is not penalised. ArgumentError: no rows of any weight, or a ridge that is not a number >= 0.

        Source: Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter",
        Technometrics 21, 1979.
        """
        if not self.weight > 0:
            raise ArgumentError("solve: there are no rows yet; update first")
        chosen = np.asarray(ridges, np.float64)
        if chosen.ndim != 1 or not chosen.size or not ((chosen >= 0) & (chosen < np.inf)).all():
            raise ArgumentError(f"solve: ridges={ridges!r} must be numbers >= 0, at least one")
        h, size = self.features, self.triangle.shape[1]
        whole = np.zeros((size, size))
        whole[: len(self.triangle)] = self.triangle
        a, b, rest = whole[1 : 1 + h, 1 : 1 + h], whole[1 : 1 + h, 1 + h :], whole[1 + h :, 1 + h :]
        u, s, vt = np.linalg.svd(a)
        kept = s > 1e-14 * s[0]
        u, s, vt = u[:, kept], s[kept], vt[kept]
        projected = u.T @ b
        missed = np.sum(rest**2, axis=0) + np.maximum(np.sum(b**2, axis=0) - np.sum(projected**2, axis=0), 0.0)
        mean = float(np.sum(s**2)) / max(1, min(h, self.rows))
        best: Reduced | None = None
        for ridge in chosen.tolist():
            share = s**2 / (s**2 + ridge * mean) if ridge else np.ones(len(s))
            squares = missed + np.sum(((1.0 - share)[:, None] * projected) ** 2, axis=0)
            effective = 1.0 + float(share.sum())
            spare = max(1.0 - effective / self.rows, 1e-10)
            score = math.sqrt(float(squares.mean()) / self.weight) / spare
            if best is None or score < best.score:
                weights = vt.T @ (projected * (share / s)[:, None])
                constant = (whole[0, 1 + h :] - whole[0, 1 : 1 + h] @ weights) / whole[0, 0]
                condition = float(s[0] / s[-1]) if len(s) else 1.0
                best = Reduced(
                    weights, constant, np.sqrt(squares / self.weight), score, ridge, effective, len(s), condition
                )
        assert best is not None
        return best

    def __repr__(self) -> str:
        return f"Reduction({self.features}, {self.outputs}) of {self.rows} rows"


__all__ = ["Reduced", "Reduction"]
