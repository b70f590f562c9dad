"""Primitives that join elements: sums, products, extremes, running sums, and the matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core.primitive import (
    Aval,
    Op,
    bool_,
    broadcast_shapes,
    int32,
    int64,
    ndarray,
    normalize_axes,
    normalize_axis,
    operand_dtype,
    promoted,
)
from surefit.core.table.comparison import eq, where
from surefit.core.table.structure import (
    broadcast_to,
    cast,
    flip,
    inverse_axes,
    mask,
    pad,
    reshape,
    slice_,
    swap_last,
    transpose,
)
from surefit.errors import AxisError, ShapeError

# --- reductions: axes is a sorted tuple of axes >= 0 (see functions.py for dim= and keepdim=) ---------------


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _spread(g: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """A reduced value laid back over the shape it was reduced from."""
    kept = g if len(axes) == x.ndim else reshape(g, shape=kept_shape(x.shape, axes))
    return broadcast_to(kept, shape=x.shape)


_WIDE = {bool_: int64, int32: int64}


def _wide(dtype: np.dtype) -> np.dtype:
    return _WIDE.get(dtype, dtype)  # sums of integers do not overflow, as in PyTorch


def _reduction_rule(name: str, dtype: Callable[[np.dtype], np.dtype], empty_ok: bool) -> Callable[..., Aval]:
    def rule(x: Aval, axes: tuple[int, ...]) -> Aval:
        if normalize_axes(name, axes, len(x.shape), "axes") != tuple(axes):
            raise AxisError(f"{name}: axes={axes} must be sorted and >= 0")
        if not empty_ok and any(x.shape[i] == 0 for i in axes):
            raise ShapeError(f"{name}: shape {x.shape} has no element along axes {axes}, so there is no maximum")
        return Aval(reduced_shape(x.shape, axes), dtype(x.dtype))

    return rule


def _prod_vjp(g: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Product of all the others, exact also where factors are zero."""
    keep = tuple(i for i in range(x.ndim) if i not in axes)
    order = keep + axes
    n = math.prod(x.shape[i] for i in axes)
    rows = reshape(transpose(x, axes=order), shape=(*(x.shape[i] for i in keep), n))
    others = reshape(_others(rows), shape=tuple(x.shape[i] for i in order))
    return _spread(g, x, axes) * transpose(others, axes=inverse_axes(order))


_TABLE = 64  # factors up to which the products of all but one are n^2 multiplications
_BLOCK = 8  # factors side by side otherwise


def _others(rows: Any) -> Any:
    """(..., n) -> (..., n): the product of the other n - 1; by products alone, so right to any order of derivative."""
    *lead, n = rows.shape
    if n <= _TABLE:  # an n x n table with ones on the diagonal
        table = broadcast_to(reshape(rows, shape=(*lead, 1, n)), shape=(*lead, n, n))
        return prod(where(mask(n, n, eq), 1.0, table), axes=(len(lead) + 1,))
    size, blocks = _BLOCK, -(-n // _BLOCK)  # the others in a factor's block, times the other blocks
    none = (0,) * len(lead)
    full = pad(rows, low=(*none, 0), high=(*none, blocks * size - n), interior=(*none, 0), value=1.0)
    full = reshape(full, shape=(*lead, blocks, size))
    outside = _others(prod(full, axes=(len(lead) + 1,)))
    both = _others(full) * reshape(outside, shape=(*lead, blocks, 1))
    flat = reshape(both, shape=(*lead, blocks * size))
    return slice_(flat, start=(*none, 0), stop=(*lead, n), step=(1,) * rows.ndim)


def _amax_vjp(g: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    hit = cast(eq(x, _spread(y, x, axes)), dtype=x.dtype)
    return _spread(g, x, axes) * (hit / _spread(sum_(hit, axes=axes), x, axes))


def _argmax_rule(x: Aval, axis: int) -> Aval:
    normalize_axis("argmax", axis, len(x.shape))
    if x.shape[axis] == 0:
        raise ShapeError(f"argmax: shape {x.shape} has no element along dim {axis}")
    return Aval(reduced_shape(x.shape, (axis,)), int64)


def _cumulative_rule(x: Aval, axis: int) -> Aval:
    normalize_axis("cumsum", axis, len(x.shape))
    return Aval(x.shape, _wide(x.dtype))


sum_ = Op(
    "sum",
    lambda x, axes: np.add.reduce(x, axis=axes, dtype=_wide(x.dtype)),
    (lambda g, y, x, axes: _spread(g, x, axes),),
    _reduction_rule("sum", _wide, True),
)
prod = Op(
    "prod",
    lambda x, axes: np.multiply.reduce(x, axis=axes, dtype=_wide(x.dtype)),
    (_prod_vjp,),
    _reduction_rule("prod", _wide, True),
)
amax = Op(
    "amax",
    lambda x, axes: np.maximum.reduce(x, axis=axes),
    (_amax_vjp,),
    _reduction_rule("amax", lambda d: d, False),
)
argmax = Op("argmax", lambda x, axis: np.argmax(x, axis=axis), (None,), _argmax_rule)
cumsum = Op(
    "cumsum",
    lambda x, axis: np.cumsum(x, axis=axis, dtype=_wide(x.dtype)),
    (lambda g, y, x, axis: flip(cumsum(flip(g, axes=(axis,)), axis=axis), axes=(axis,)),),
    _cumulative_rule,
)


# --- matrix product: (..., m, k) @ (..., k, n), leading axes broadcast ------------------------------------------


def _matmul_value(a: Any, b: Any) -> Any:
    if a.__class__ is not ndarray or b.__class__ is not ndarray or a.dtype is not b.dtype or a.dtype is bool_:
        (a, b), _ = promoted("matmul", (a, b), "number")
    if a.ndim == 2 == b.ndim:
        return np.dot(a, b)  # which starts faster than NumPy's matmul, and is ten times faster for an outer product
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError
    if a.shape[-1] == 1 == b.shape[-2]:
        return np.multiply(a, b)  # an outer product: the same numbers, five times faster than NumPy's matmul
    return np.matmul(a, b)


def _matmul_rule(a: Aval, b: Aval) -> Aval:
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise ShapeError(f"matmul: {a.shape} @ {b.shape}: both need at least two axes; reshape first")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"matmul: {a.shape} @ {b.shape}: {a.shape[-1]} columns meet {b.shape[-2]} rows; "
            f"transpose one of them or check the layer sizes"
        )
    dtype, _ = operand_dtype("matmul", [a, b], "number")
    return Aval((*broadcast_shapes("matmul", a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), dtype)


matmul = Op(
    "matmul",
    _matmul_value,
    (lambda g, y, a, b: matmul(g, swap_last(b)), lambda g, y, a, b: matmul(swap_last(a), g)),
    _matmul_rule,
    category="number",
)
