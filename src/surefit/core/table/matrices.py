"""Primitives of matrices, and the order of elements: the special tier, which other readings need not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core.primitive import FLOATS, Aval, Op, broadcast_shapes, int64, normalize_axis, promote
from surefit.core.table.comparison import eq, lt, where
from surefit.core.table.reduction import sum_
from surefit.core.table.structure import mask, reshape, slice_, swap_last
from surefit.errors import ArgumentError, DtypeError, ShapeError

# --- order and linear algebra (special tier) ------------------------------------------------------------------------


def _argsort_value(x: Any, axis: int, descending: bool) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    back = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)  # stable the other way round
    return x.shape[axis] - 1 - back


def _argsort_rule(x: Aval, axis: int, descending: bool) -> Aval:
    normalize_axis("sort", axis, len(x.shape))
    return Aval(x.shape, int64)


def _square_rule(name: str, scalar: bool = False) -> Callable[..., Aval]:
    def rule(a: Aval) -> Aval:
        if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
            raise ShapeError(f"linalg.{name}: needs square matrices (..., n, n), got {a.shape}")
        if a.dtype not in FLOATS:
            raise DtypeError(f"linalg.{name}: needs float32 or float64, got {a.dtype}")
        return Aval(a.shape[:-2] if scalar else a.shape, a.dtype)

    return rule


def _matrix_rule(name: str) -> Callable[[Aval], Aval]:
    def rule(a: Aval) -> Aval:
        if len(a.shape) < 2:
            raise ShapeError(f"linalg.{name}: needs matrices (..., m, n), got {a.shape}")
        if a.dtype not in FLOATS:
            raise DtypeError(f"linalg.{name}: needs float32 or float64, got {a.dtype}")
        return a

    return rule


def _linalg(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        for a in args:
            if a.dtype not in FLOATS:  # NumPy would compute in float64
                raise DtypeError(f"linalg.{name}: needs float32 or float64, got {a.dtype}")
        try:
            return fn(*args)
        except np.linalg.LinAlgError as e:
            raise ArgumentError(f"linalg.{name}: {e}") from None

    return call


def _cofactors(a: Any) -> Any:
    """The gradient of det: the cofactor matrix, from the SVD so that it exists for singular matrices too."""
    u, s, vt = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, s[..., None, :]), axis=-1)  # product of the other s
    sign_ = np.linalg.det(u) * np.linalg.det(vt)
    return (sign_[..., None, None] * ((u * others[..., None, :]) @ vt)).astype(a.dtype, copy=False)


def _cofactors_vjp(g: Any, y: Any, a: Any) -> Any:
    # C = det(A) A^-T, so dC = (tr(A^-1 dA) I - A^-T dA^T) C
    inverse_t = swap_last(inv(a))
    c = reshape(sum_(g * y, axes=(g.ndim - 2, g.ndim - 1)), shape=(*g.shape[:-2], 1, 1))
    return c * inverse_t - y @ swap_last(g) @ inverse_t


def _cholesky_vjp(g: Any, y: Any, a: Any) -> Any:
    # Murray 2016, "Differentiation of the Cholesky decomposition", eq. (10), made symmetric as PyTorch does
    n = a.shape[-1]
    p = swap_last(y) @ g
    phi = where(mask(n, n, lt), p, where(mask(n, n, eq), p * 0.5, 0.0))
    lower_inv = inv(y)
    s = swap_last(lower_inv) @ phi @ lower_inv
    return (s + swap_last(s)) * 0.5


def _svd_value(a: Any) -> Any:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([u, s[..., None, :], np.swapaxes(vt, -1, -2)], axis=-2)


def _svd_rule(a: Aval) -> Aval:
    *lead, m, n = _matrix_rule("svd")(a).shape
    return Aval((*lead, m + 1 + n, min(m, n)), a.dtype)


def svd_parts(packed: Any, m: int) -> tuple[Any, Any, Any]:
    """U (..., m, k), s (..., 1, k) and V (..., n, k) of the value of `svd` for a matrix with m rows."""

    def rows(start: int, stop: int) -> Any:
        lead, k = packed.shape[:-2], packed.shape[-1]
        first = (*(0 for _ in lead), start, 0)
        return slice_(packed, start=first, stop=(*lead, stop, k), step=(1,) * len(first))

    return rows(0, m), rows(m, m + 1), rows(m + 1, packed.shape[-2])


def _svd_vjp(g: Any, y: Any, a: Any) -> Any:
    # Townsend 2016, "Differentiating the singular value decomposition"; terms in 1/0 (equal values, zeros) are left out
    (u, s, v), (gu, gs, gv) = (svd_parts(p, a.shape[-2]) for p in (y, g))
    gap = (s - swap_last(s)) * (s + swap_last(s))  # s_j^2 - s_i^2
    close, zero = eq(gap, 0.0), eq(s, 0.0)
    f = where(close, 0.0, 1.0 / where(close, 1.0, gap))
    inverse = where(zero, 0.0, 1.0 / where(zero, 1.0, s))
    pu, pv = swap_last(u) @ gu, swap_last(v) @ gv
    k = s.shape[-1]
    inner = f * (pu - swap_last(pu)) * s + swap_last(s) * (f * (pv - swap_last(pv))) + where(mask(k, k, eq), gs, 0.0)
    return (u @ inner + (gu - u @ pu) * inverse) @ swap_last(v) + u @ swap_last((gv - v @ pv) * inverse)


def _solve_rule(a: Aval, b: Aval) -> Aval:
    _square_rule("solve")(a)
    if b.dtype not in FLOATS:
        raise DtypeError(f"linalg.solve: needs float32 or float64, got a right-hand side of {b.dtype}")
    if len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"linalg.solve: {a.shape} and right-hand side {b.shape} do not fit: rows must be {a.shape[-1]}"
        )
    return Aval((*broadcast_shapes("linalg.solve", a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), promote((a, b))[0])


argsort = Op("argsort", _argsort_value, (None,), _argsort_rule, tier="special")
inv = Op(
    "inv", _linalg(np.linalg.inv, "inv"), (lambda g, y, a: -(swap_last(y) @ g @ swap_last(y)),), _square_rule("inv"),
    tier="special",
)  # fmt: skip
det = Op(
    "det", _linalg(np.linalg.det, "det"), (lambda g, y, a: reshape(g, shape=(*g.shape, 1, 1)) * cofactors(a),),
    _square_rule("det", True), tier="special",
)  # fmt: skip
cofactors = Op(
    "cofactors", _linalg(_cofactors, "cofactors"), (_cofactors_vjp,), _square_rule("cofactors"), tier="special"
)
slogabsdet = Op(
    "slogabsdet", _linalg(lambda a: np.linalg.slogdet(a)[1], "slogdet"),
    (lambda g, y, a: reshape(g, shape=(*g.shape, 1, 1)) * swap_last(inv(a)),), _square_rule("slogdet", True),
    tier="special",
)  # fmt: skip
svd = Op(  # thin; U, the row s and V one below the other: (..., m, n) -> (..., m + 1 + n, min(m, n))
    "svd", _linalg(_svd_value, "svd"), (_svd_vjp,), _svd_rule, tier="special"
)
solve = Op(  # (..., n, n), (..., n, k) -> (..., n, k)
    "solve", _linalg(np.linalg.solve, "solve"),
    (lambda g, y, a, b: -(solve(swap_last(a), g) @ swap_last(y)), lambda g, y, a, b: solve(swap_last(a), g)),
    _solve_rule, tier="special",
)  # fmt: skip
cholesky = Op(
    "cholesky", _linalg(np.linalg.cholesky, "cholesky"), (_cholesky_vjp,), _square_rule("cholesky"), tier="special"
)
