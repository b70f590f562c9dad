"""Primitives that arrange: shapes, axes, slices, indices, windows, dtypes; and values out of nothing, also random."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import gt as gt_
from typing import Any

import numpy as np

from surefit.core.primitive import (
    RANK,
    Aval,
    Literal,
    Op,
    at_once,
    aval_of,
    bool_,
    dtype_of,
    int32,
    int64,
    ndarray,
    normalize_axes,
    normalize_axis,
    promote,
    promoted,
)
from surefit.core.table.comparison import where
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError

# --- structure -----------------------------------------------------------------------------------------------------


def _reshape_rule(x: Aval, shape: tuple[int, ...]) -> Aval:
    if any(n < 0 for n in shape) or math.prod(shape) != math.prod(x.shape):
        raise ShapeError(
            f"reshape: {x.shape} has {math.prod(x.shape)} elements, shape {shape} asks for {math.prod(shape)}"
        )
    return Aval(tuple(shape), x.dtype, x.weak and shape == ())


def _transpose_rule(x: Aval, axes: tuple[int, ...]) -> Aval:
    if sorted(axes) != list(range(len(x.shape))):
        raise AxisError(f"permute: dims={axes} must name each of the {len(x.shape)} axes of {x.shape} once")
    return Aval(tuple(x.shape[i] for i in axes), x.dtype)


def inverse_axes(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes this one."""
    return axes if len(axes) == 2 else tuple(sorted(range(len(axes)), key=axes.__getitem__))


def _broadcast_rule(x: Aval, shape: tuple[int, ...]) -> Aval:
    if any(n < 0 for n in shape):
        raise ShapeError(f"broadcast_to: shape {shape} has a negative size")
    lead = len(shape) - len(x.shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[lead:], strict=True)):
        raise ShapeError(f"broadcast_to: {x.shape} does not fit {shape}: from the right each size must be equal or 1")
    return Aval(tuple(shape), x.dtype)


def _broadcast_value(x: Any, shape: tuple[int, ...]) -> Any:
    if math.prod(shape) > 4096:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)  # copying little is ten times faster than NumPy's view
    out[...] = x
    return out


def _broadcast_put(x: Any, new: Any, shape: tuple[int, ...]) -> Any:
    if math.prod(shape) != math.prod(x.shape):
        raise ArgumentError(
            f"an expanded value {shape} cannot be changed in place, because several of its places are one number of "
            f"{x.shape}; clone() it first"
        )
    return reshape(new, shape=x.shape)


def _slice_value(x: Any, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    if len(start) != x.ndim or any(map(gt_, stop, x.shape)):  # NumPy would take what there is
        _slice_rule(aval_of(x), start, stop, step)
    return x[tuple(map(slice, start, stop, step))]


def _slice_rule(x: Aval, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Aval:
    if not len(start) == len(stop) == len(step) == len(x.shape):
        raise AxisError(f"slice: start, stop and step need one entry for each of the {len(x.shape)} axes")
    for i, (a, b, s, n) in enumerate(zip(start, stop, step, x.shape, strict=True)):
        if not (0 <= a <= b <= n and s >= 1):
            raise AxisError(f"slice: {a}:{b}:{s} is not inside axis {i} of size {n} with a step >= 1")
    return Aval(tuple(-(-(b - a) // s) for a, b, s in zip(start, stop, step, strict=True)), x.dtype)


def _slice_vjp(g: Any, y: Any, x: Any, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    spans = [(m - 1) * s + 1 if m else 0 for m, s in zip(y.shape, step, strict=True)]  # the axis once spread out
    high = tuple(n - a - w for n, a, w in zip(x.shape, start, spans, strict=True))
    return pad(g, low=start, high=high, interior=tuple(s - 1 for s in step), value=0.0)


def _slice_put(x: Any, new: Any, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    inside = tuple(map(slice, start, stop, step))
    if at_once(x, new):
        out = x.copy()
        out[inside] = new
        return out
    chosen = np.zeros(x.shape, bool_)
    chosen[inside] = True
    return where(chosen.view(Literal), _slice_vjp(new, new, x, start, stop, step), x)


def _pad_value(x: Any, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...], value: float) -> Any:
    spans = [(n - 1) * (k + 1) + 1 if n else 0 for n, k in zip(x.shape, interior, strict=True)]
    out = np.full([lo + w + hi for lo, w, hi in zip(low, spans, high, strict=True)], value, x.dtype)
    out[tuple(slice(lo, lo + w, k + 1) for lo, w, k in zip(low, spans, interior, strict=True))] = x
    return out


def _pad_rule(x: Aval, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...], value: float) -> Aval:
    if not len(low) == len(high) == len(interior) == len(x.shape):
        raise AxisError(f"pad: low, high and interior need one entry for each of the {len(x.shape)} axes")
    if min((*low, *high, *interior), default=0) < 0:
        raise ShapeError(f"pad: sizes must be >= 0, got low={low}, high={high}, interior={interior}")
    spans = [(n - 1) * (k + 1) + 1 if n else 0 for n, k in zip(x.shape, interior, strict=True)]
    return Aval(tuple(lo + w + hi for lo, w, hi in zip(low, spans, high, strict=True)), x.dtype)


def _pad_vjp(
    g: Any, y: Any, x: Any, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...], value: float
) -> Any:
    spans = [(n - 1) * (k + 1) + 1 if n else 0 for n, k in zip(x.shape, interior, strict=True)]
    stop = tuple(lo + w for lo, w in zip(low, spans, strict=True))
    return slice_(g, start=low, stop=stop, step=tuple(k + 1 for k in interior))


def _take_check(index: ndarray, size: int) -> None:
    if index.size and (index.min() < 0 or index.max() >= size):
        bad = index[(index < 0) | (index >= size)].reshape(-1)[0]
        raise AxisError(f"index {bad} is out of range for an axis of size {size}")


def _take_value(x: Any, index: Any, axis: int) -> Any:
    _take_check(np.asarray(index), x.shape[axis])
    return np.take(x, index, axis=axis)


def _take_rule(x: Aval, index: Aval, axis: int) -> Aval:
    normalize_axis("take", axis, len(x.shape))
    if index.dtype not in (int32, int64):
        raise DtypeError(f"indices must be int32 or int64, got {index.dtype}; cast with .long()")
    if math.prod(index.shape) and x.shape[axis] == 0:
        raise AxisError(f"take: axis {axis} of {x.shape} is empty, so no index is in range")
    return Aval((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)


def _scatter_value(u: Any, index: Any, axis: int, size: int) -> Any:
    index = np.asarray(index)
    _take_check(index, size)
    lead, tail = u.shape[:axis], u.shape[axis + index.ndim :]
    out = np.zeros((*lead, size, *tail), u.dtype)
    np.add.at(out, (*([slice(None)] * axis), index), u)
    return out


def _scatter_rule(u: Aval, index: Aval, axis: int, size: int) -> Aval:
    n = len(index.shape)
    if index.dtype not in (int32, int64):
        raise DtypeError(f"indices must be int32 or int64, got {index.dtype}; cast with .long()")
    if not 0 <= axis <= len(u.shape) - n or u.shape[axis : axis + n] != index.shape:
        raise ShapeError(f"scatter_add: index {index.shape} does not match updates {u.shape} at axis {axis}")
    if size < 0:
        raise ShapeError(f"scatter_add: size={size} is negative")
    return Aval((*u.shape[:axis], size, *u.shape[axis + n :]), u.dtype)


def _concatenate_value(*xs: Any, axis: int) -> Any:
    if [x.dtype for x in xs].count(xs[0].dtype) != len(xs):
        xs = tuple(promoted("cat", xs, "same")[0])
    return np.concatenate(xs, axis=axis)


def _concatenate_rule(*xs: Aval, axis: int) -> Aval:
    if not xs:
        raise ShapeError("cat: needs at least one tensor")
    ndim = len(xs[0].shape)
    normalize_axis("cat", axis, ndim)
    for i, x in enumerate(xs):
        if len(x.shape) != ndim or any(
            a != b for k, (a, b) in enumerate(zip(x.shape, xs[0].shape, strict=True)) if k != axis
        ):
            raise ShapeError(
                f"cat: tensor {i} of shape {x.shape} does not fit tensor 0 of shape {xs[0].shape}: "
                f"all sizes but that of dim {axis} must be equal"
            )
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return Aval(tuple(shape), promote(xs)[0])


def _concatenate_vjp(i: int) -> Callable[..., Any]:
    def rule(g: Any, y: Any, *xs: Any, axis: int) -> Any:
        before = sum(x.shape[axis] for x in xs[:i])
        start = tuple(before if k == axis else 0 for k in range(g.ndim))
        stop = tuple(before + xs[i].shape[axis] if k == axis else n for k, n in enumerate(g.shape))
        return slice_(g, start=start, stop=stop, step=(1,) * g.ndim)

    return rule


def window_count(n: int, size: int, stride: int, dilation: int) -> int:
    """How many windows fit into n places."""
    return (n - (size - 1) * dilation - 1) // stride + 1


def _window_rule(
    x: Aval, axes: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Aval:
    normalize_axes("window", axes, len(x.shape), "axes")
    if not len(axes) == len(size) == len(stride) == len(dilation):
        raise ShapeError(
            f"window: axes, size, stride and dilation differ in length: {axes}, {size}, {stride}, {dilation}"
        )
    shape = list(x.shape)
    for a, k, s, d in zip(axes, size, stride, dilation, strict=True):
        if min(k, s, d) < 1:
            raise ArgumentError(f"window: size, stride and dilation must be >= 1, got {size}, {stride}, {dilation}")
        shape[a] = window_count(x.shape[a], k, s, d)
        if shape[a] < 1:
            raise ShapeError(
                f"window: {k} places at dilation {d} span {(k - 1) * d + 1}, more than the {x.shape[a]} of axis {a}"
            )
    return Aval((*shape, *size), x.dtype)


def _window_value(
    x: Any, axes: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    shape = _window_rule(aval_of(x), axes, size, stride, dilation).shape
    strides = list(x.strides)
    for a, s in zip(axes, stride, strict=True):
        strides[a] *= s
    inner = [x.strides[a] * d for a, d in zip(axes, dilation, strict=True)]
    return np.lib.stride_tricks.as_strided(x, shape, (*strides, *inner), writeable=False)


def _fold_value(
    u: Any, shape: tuple[int, ...], axes: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Any:  # fmt: skip
    _fold_rule(aval_of(u), shape, axes, size, stride, dilation)
    out = np.zeros(shape, u.dtype)
    n = len(axes)
    for place in np.ndindex(*size):  # one strided addition per place of the window
        at: list[slice] = [slice(None)] * len(shape)
        for a, p, s, d in zip(axes, place, stride, dilation, strict=True):
            at[a] = slice(p * d, p * d + (u.shape[a] - 1) * s + 1, s)
        out[tuple(at)] += u[(..., *place)] if n else u
    return out


def _fold_rule(
    u: Aval, shape: tuple[int, ...], axes: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Aval:  # fmt: skip
    want = _window_rule(Aval(shape, u.dtype), axes, size, stride, dilation).shape
    if want != u.shape:
        raise ShapeError(f"fold: windows of {shape} have shape {want}, got {u.shape}")
    return Aval(tuple(shape), u.dtype)


def _cast_value(x: Any, dtype: np.dtype) -> Any:
    x = np.asarray(x)
    y = x.astype(dtype if dtype in RANK else dtype_of(dtype), copy=False)
    if x.dtype.kind == "f" and y.dtype.kind == "i":  # NaN and what no integer is near: C leaves it to the machine
        least = np.iinfo(y.dtype).min
        outside = ~((x >= least) & (x < -float(least)))
        if outside.any():
            return np.where(outside, y.dtype.type(least), y)
    return y


def _cast_rule(x: Aval, dtype: np.dtype) -> Aval:
    return Aval(x.shape, dtype_of(dtype))


def _flip_rule(x: Aval, axes: tuple[int, ...]) -> Aval:
    normalize_axes("flip", axes, len(x.shape), "dims")
    return x


reshape = Op(
    "reshape",
    lambda x, shape: x.reshape(shape),
    (lambda g, y, x, shape: reshape(g, shape=x.shape),),
    _reshape_rule,
    put=lambda x, new, shape: reshape(new, shape=x.shape),
)
transpose = Op(
    "transpose",
    lambda x, axes: x.transpose(axes),
    (lambda g, y, x, axes: turned(g, inverse_axes(axes)),),
    _transpose_rule,
    put=lambda x, new, axes: transpose(new, axes=inverse_axes(axes)),
)
broadcast_to = Op(  # its gradient is the undoing of broadcasting, which `backward` does anyway
    "broadcast_to", _broadcast_value, (lambda g, y, x, shape: g,), _broadcast_rule, put=_broadcast_put
)
flip = Op("flip", lambda x, axes: np.flip(x, axes), (lambda g, y, x, axes: flip(g, axes=axes),), _flip_rule)
slice_ = Op("slice", _slice_value, (_slice_vjp,), _slice_rule, put=_slice_put)
pad = Op("pad", _pad_value, (_pad_vjp,), _pad_rule)
take = Op(  # out[..., i..., :] = x[..., index[i...], :]
    "take", _take_value,
    (lambda g, y, x, index, axis: scatter_add(g, index, axis=axis, size=x.shape[axis]), None), _take_rule,
)  # fmt: skip
scatter_add = Op(  # the adjoint of take: repeated indices add up
    "scatter_add", _scatter_value,
    (lambda g, y, u, index, axis, size: take(g, index, axis=axis), None), _scatter_rule,
)  # fmt: skip
concatenate = Op("concatenate", _concatenate_value, _concatenate_vjp, _concatenate_rule, category="same")
window = Op(  # (..., n, ...) -> (..., count, ..., *size): the places of each window come last
    "window", _window_value,
    (lambda g, y, x, **p: fold(g, shape=x.shape, **p),), _window_rule,
)  # fmt: skip
fold = Op(  # the adjoint of window: overlapping places add up
    "fold", _fold_value, (lambda g, y, u, shape, **p: window(g, **p),), _fold_rule
)
cast = Op("cast", _cast_value, (lambda g, y, x, dtype: g,), _cast_rule)


def _iota_rule(size: int, dtype: Any) -> Aval:
    if size < 0:
        raise ShapeError(f"iota: size={size} is negative")
    return Aval((size,), dtype_of(dtype))


iota = Op("iota", lambda size, dtype: np.arange(_iota_rule(size, dtype).shape[0], dtype=dtype), (), _iota_rule)


def mask(n: int, m: int, compare: Op, offset: int = 0) -> Any:
    """(n, m) booleans: compare(column, row + offset), so that eq is the diagonal, le what is on and below it, ..."""
    return compare(iota(size=m, dtype=int64), reshape(iota(size=n, dtype=int64), shape=(n, 1)) + offset)


def zeros_like(x: Any) -> Any:
    """Zeros of x's shape and dtype, as the same kind of value."""
    return broadcast_to(np.zeros((), x.dtype), shape=x.shape)


def no_gradient(g: Any, y: Any, *args: Any, **params: Any) -> Any:
    """The gradient of a step function: zero wherever it exists."""
    return zeros_like(g)


def swap_last(x: Any) -> Any:
    """The last two axes exchanged."""
    n = x.ndim
    return turned(x, (1, 0) if n == 2 else (*range(n - 2), n - 1, n - 2))


def turned(x: Any, axes: tuple[int, ...]) -> Any:
    """`transpose` in the gradients of every layer, where its dispatch would cost more than it does."""
    return x.transpose(axes) if x.__class__ is ndarray else transpose(x, axes=axes)


# --- random bits ---------------------------------------------------------------------------------------------------


def _random_bits(key: Any, counter: Any, shape: tuple[int, ...]) -> Any:
    """Philox4x64-10 (Salmon et al. 2011) as in NumPy: key (key, 0), counter (1.., counter, 0, 0), low word first."""
    n = math.prod(_random_rule(aval_of(key), aval_of(counter), shape).shape)
    mask = (1 << 64) - 1
    bits = np.random.Philox(key=int(key) & mask, counter=(int(counter) & mask) << 64).random_raw((n + 1) // 2)
    return bits.astype("<u8", copy=False).view("<i4")[:n].astype(int32, copy=False).reshape(shape)


def _random_rule(key: Aval, counter: Aval, shape: tuple[int, ...]) -> Aval:
    for what, a in (("key", key), ("counter", counter)):
        if a.shape != () or a.dtype != int64:
            raise DtypeError(f"random_bits: {what} must be an int64 scalar, got {a}")
    if any(k < 0 for k in shape):
        raise ShapeError(f"random_bits: shape {shape} has a negative size")
    return Aval(tuple(shape), int32)


random_bits = Op("random_bits", _random_bits, (None, None), _random_rule)  # uniform over all int32
