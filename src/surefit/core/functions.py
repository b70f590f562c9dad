"""Functions composed from the primitives, under PyTorch's names and arguments (`dim=`, `keepdim=`).

Each works on Tensors, arrays, names being recorded and batched values alike, because it only calls primitives.
Shapes, axes and sizes are checked here, before any work.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.ops import aval_of, float64, int32, int64, normalize_axes, normalize_axis
from surefit.errors import ArgumentError, AxisError, DtypeError, RecordError, ShapeError

# --- the primitives under their public names ---------------------------------------------------------------

sub = ops.sub
mul = multiply = ops.mul
remainder = ops.remainder
fmod = ops.fmod
maximum, minimum = ops.maximum, ops.minimum
atan2 = arctan2 = ops.atan2
eq, ne, lt, le, gt, ge = ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge
logical_and, logical_or, logical_xor = ops.logical_and, ops.logical_or, ops.logical_xor
logical_not = ops.logical_not
neg = negative = ops.neg
abs = absolute = ops.abs_
sign, square, sqrt, exp, expm1, log, log1p = (
    ops.sign, ops.square, ops.sqrt, ops.exp, ops.expm1, ops.log, ops.log1p
)  # fmt: skip
sin, cos, tan = ops.sin, ops.cos, ops.tan
asin = arcsin = ops.asin
acos = arccos = ops.acos
atan = arctan = ops.atan
sinh, cosh, tanh = ops.sinh, ops.cosh, ops.tanh
asinh = arcsinh = ops.asinh
acosh = arccosh = ops.acosh
atanh = arctanh = ops.atanh
sigmoid = expit = ops.sigmoid
relu, erf, erfc, erfinv = ops.relu, ops.erf, ops.erfc, ops.erfinv
floor, ceil, trunc = ops.floor, ops.ceil, ops.trunc
exp2, log2, log10, cbrt = ops.exp2, ops.log2, ops.log10, ops.cbrt
hypot, logaddexp = ops.hypot, ops.logaddexp
lgamma, digamma, gamma = ops.lgamma, ops.digamma, ops.gamma
i0, i1, j0, j1 = ops.bessel_i0, ops.bessel_i1, ops.bessel_j0, ops.bessel_j1
floor_divide = ops.floor_divide
where = ops.where

# --- arithmetic ------------------------------------------------------------------------------------------------


def add(a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a + alpha * b, broadcast."""
    return ops.add(a, b if alpha == 1 else ops.mul(b, alpha))


def subtract(a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a - alpha * b, broadcast."""
    return ops.sub(a, b if alpha == 1 else ops.mul(b, alpha))


def div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    """a / b; rounding_mode "floor" or "trunc" rounds the quotient. ArgumentError for another mode."""
    if rounding_mode is None:
        return ops.div(a, b)
    if rounding_mode == "floor":
        return ops.floor_divide(a, b)
    if rounding_mode == "trunc":
        if all(aval_of(v).dtype not in (ops.float32, ops.float64) for v in (a, b)):
            return ops.floor_divide(a - ops.fmod(a, b), b)  # exact for integers of any size
        return ops.trunc(ops.div(a, b))
    raise ArgumentError(f"div: rounding_mode={rounding_mode!r} must be None, 'floor' or 'trunc'")


divide = true_divide = div


def pow(a: Any, b: Any) -> Any:
    """a ** b. Whole exponents 0, 1, 2 and 3 are products, 0.5 a square root."""
    if isinstance(b, (int, float)) and not isinstance(a, (int, float)):
        if b == 2:
            return ops.square(a)
        if b == 1:
            return ops.mul(a, 1)
        if b == 3:
            return ops.mul(ops.square(a), a)
        if b == 0.5:
            return ops.sqrt(a)
    return ops.pow_(a, b)


def reciprocal(x: Any) -> Any:
    """1 / x."""
    return ops.div(1.0, x)


def rsqrt(x: Any) -> Any:
    """1 / sqrt(x)."""
    return ops.div(1.0, ops.sqrt(x))


def round(x: Any, *, decimals: int = 0) -> Any:
    """Rounded half to even, to so many decimals (negative: tens, hundreds, ...)."""
    if decimals == 0 or aval_of(x).dtype in (int32, int64):
        return ops.round_(x)
    scale = 10.0 ** builtins.abs(decimals)
    return ops.round_(x * scale) / scale if decimals > 0 else ops.round_(x / scale) * scale



def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max]; either may be None, a number or a value that broadcasts. The gradient is 1 at the bound."""
    if min is None and max is None:
        raise ArgumentError("clamp: at least one of min and max must be given")
    if min is not None:
        x = ops.where(ops.lt(x, min), min, x)
    if max is not None:
        x = ops.where(ops.gt(x, max), max, x)
    return x


clip = clamp


def clamp_min(x: Any, min: Any) -> Any:
    """x, but not below min."""
    return clamp(x, min=min)


def clamp_max(x: Any, max: Any) -> Any:
    """x, but not above max."""
    return clamp(x, max=max)


def lerp(start: Any, end: Any, weight: Any) -> Any:
    """start + weight * (end - start)."""
    return start + weight * (end - start)


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0 (with gradient 0 there)."""
    t = x * math.pi
    zero = ops.eq(t, 0.0)
    safe = ops.where(zero, 1.0, t)
    return ops.where(zero, 1.0, ops.sin(safe) / safe)


def logit(x: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)); with eps, x is first limited to [eps, 1 - eps]."""
    if eps is not None:
        x = clamp(x, eps, 1.0 - eps)
    return ops.log(x / (1.0 - x))


def xlogy(x: Any, y: Any) -> Any:
    """x log y, and 0 where x = 0 (unless y is NaN)."""
    zero = ops.logical_and(ops.eq(x, 0.0), ops.eq(y, y))
    return ops.where(zero, ops.mul(x, 0.0), x * ops.log(ops.where(zero, 1.0, y)))


def heaviside(x: Any, values: Any) -> Any:
    """0 for x < 0, `values` at 0, 1 for x > 0."""
    return ops.where(ops.eq(x, 0), values, ops.cast(ops.gt(x, 0), dtype=aval_of(x).dtype))


def isnan(x: Any) -> Any:
    """True where x is NaN."""
    return ops.ne(x, x)


def isinf(x: Any) -> Any:
    """True where x is +inf or -inf."""
    return ops.eq(ops.abs_(x), math.inf)


def isfinite(x: Any) -> Any:
    """True where x is neither NaN nor infinite."""
    return ops.lt(ops.abs_(x), math.inf)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow."""
    return ops.softplus(x)


# --- reductions ------------------------------------------------------------------------------------------------


def _reduce(op: ops.Op, name: str, x: Any, dim: Any, keepdim: bool) -> Any:
    shape = aval_of(x).shape
    axes = normalize_axes(name, dim, len(shape))
    y = op(x, axes=axes)
    return ops.reshape(y, shape=ops._kept(shape, axes)) if keepdim else y


def _dims(dim: Any) -> Any:
    """PyTorch reduces over everything for dim=() or [] as well as None."""
    return None if isinstance(dim, (tuple, list)) and len(dim) == 0 else dim


def sum(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Sum over dim (an axis, several, or all). Booleans and int32 add up in int64."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    return _reduce(ops.sum_, "sum", x, _dims(dim), keepdim)


def mean(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Arithmetic mean over dim. DtypeError for integers: cast first."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    shape, kind, _ = aval_of(x)
    if kind not in (ops.float32, ops.float64):
        raise DtypeError(f"mean: needs float32 or float64, got {kind}; cast first (x.float())")
    axes = normalize_axes("mean", _dims(dim), len(shape))
    n = math.prod(shape[i] for i in axes)
    s = ops.sum_(x, axes=axes)
    y = ops.mul(s, 1.0 / n) if n and not n & (n - 1) else ops.div(s, float(n))  # 1/n is exact for powers of two
    return ops.reshape(y, shape=ops._kept(shape, axes)) if keepdim else y


def prod(x: Any, dim: int | None = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Product over dim; the gradient is exact also where factors are zero."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    return _reduce(ops.prod, "prod", x, dim, keepdim)


def amax(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Largest value over dim; tied places share the gradient evenly."""
    return _reduce(ops.amax, "amax", x, _dims(dim), keepdim)


def amin(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Smallest value over dim; tied places share the gradient evenly."""
    if aval_of(x).dtype == ops.bool_:
        return ops.logical_not(amax(ops.logical_not(x), dim, keepdim))
    return -amax(-x, dim, keepdim)


def any(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """True where some element over dim is nonzero (False for none at all)."""
    return ops.gt(sum(ops.ne(x, 0), dim, keepdim), 0)


def all(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """True where every element over dim is nonzero (True for none at all)."""
    return ops.eq(sum(ops.eq(x, 0), dim, keepdim), 0)


def argmax(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Place of the first largest element along dim, int64; of the flattened value when dim is None."""
    shape = aval_of(x).shape
    if dim is None:
        y = ops.argmax(ops.reshape(x, shape=(math.prod(shape),)), axis=0)
        return ops.reshape(y, shape=(1,) * len(shape)) if keepdim else y
    if not shape:  # a scalar has one place, whatever dim of it is asked for
        normalize_axis("argmax", dim, 1)
        return ops.argmax(ops.reshape(x, shape=(1,)), axis=0)
    axis = normalize_axis("argmax", dim, len(shape))
    y = ops.argmax(x, axis=axis)
    return ops.reshape(y, shape=ops._kept(shape, (axis,))) if keepdim else y


def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Place of the first smallest element along dim, int64."""
    flipped = ops.logical_not(x) if aval_of(x).dtype == ops.bool_ else -x
    return argmax(flipped, dim, keepdim)


def max(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; with dim, (values, indices), where the gradient goes to the first largest only.

    `max(a, b)` with a second value is `maximum(a, b)`.
    """
    return _extreme(x, dim, keepdim, amax, argmax, ops.maximum)


def min(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with dim, (values, indices), where the gradient goes to the first smallest only."""
    return _extreme(x, dim, keepdim, amin, argmin, ops.minimum)


def _extreme(x: Any, dim: Any, keepdim: bool, all_of: Any, place_of: Any, of_two: Any) -> Any:
    if dim is None:
        return all_of(x)
    if not isinstance(dim, (int, np.integer)):
        return of_two(x, dim)
    if not aval_of(x).shape:
        return x, place_of(x, dim)
    at = place_of(x, dim, keepdim=True)
    values = gather(x, dim, at)
    return (values, at) if keepdim else (squeeze(values, dim), squeeze(at, dim))


def var(x: Any, dim: Any = None, *, correction: float = 1, unbiased: bool | None = None, keepdim: bool = False) -> Any:
    """Variance over dim, divided by n - correction."""
    if unbiased is not None:
        correction = 1 if unbiased else 0
    shape = aval_of(x).shape
    axes = normalize_axes("var", _dims(dim), len(shape))
    n = math.prod(shape[i] for i in axes)
    d = x - mean(x, axes, keepdim=True) if axes else x - x
    free = n - correction
    total = ops.sum_(ops.square(d), axes=axes)
    y = ops.div(total, float(free if free > 0 else 0))  # 0/0 is nan, as in PyTorch
    return ops.reshape(y, shape=ops._kept(shape, axes)) if keepdim else y


def std(x: Any, dim: Any = None, *, correction: float = 1, unbiased: bool | None = None, keepdim: bool = False) -> Any:
    """Standard deviation over dim, with n - correction degrees of freedom."""
    return ops.sqrt(var(x, dim, correction=correction, unbiased=unbiased, keepdim=keepdim))


def logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Any:
    """log(sum(exp(x))) over dim, without overflow; -inf where all are -inf."""
    shape, dtype, _ = aval_of(x)
    if dtype not in (ops.float32, ops.float64):
        x = ops.cast(x, dtype=ops.default_float)
    axes = normalize_axes("logsumexp", dim, len(shape))
    if math.prod(shape[i] for i in axes) == 0:
        return ops.log(_reduce(ops.sum_, "logsumexp", ops.exp(x), axes, keepdim))
    top = stop_gradient(amax(x, axes, keepdim=True))
    top = ops.where(isfinite(top), top, 0.0)  # exp(inf - inf) would be nan
    y = ops.log(ops.sum_(ops.exp(x - top), axes=axes))
    y = y + ops.reshape(top, shape=ops._without(shape, axes))
    return ops.reshape(y, shape=ops._kept(shape, axes)) if keepdim else y


def stop_gradient(x: Any) -> Any:
    """The same value, through which no gradient passes (Tensor.detach for any kind of value)."""
    detach = getattr(x, "detach", None)
    return detach() if detach is not None else x


def softmax(x: Any, dim: int, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along dim, without overflow."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    if not aval_of(x).shape:
        normalize_axis("softmax", dim, 1)
        return ops.exp(x - x)
    e = ops.exp(x - stop_gradient(amax(x, dim, keepdim=True)))
    return e / sum(e, dim, keepdim=True)


def log_softmax(x: Any, dim: int, dtype: Any = None) -> Any:
    """log(softmax(x)) along dim, finite for any finite x."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    if not aval_of(x).shape:
        normalize_axis("log_softmax", dim, 1)
        return x - x
    shifted = x - stop_gradient(amax(x, dim, keepdim=True))
    return shifted - ops.log(sum(ops.exp(shifted), dim, keepdim=True))


def cumsum(x: Any, dim: int) -> Any:
    """Running sum along dim."""
    if not aval_of(x).shape:
        normalize_axis("cumsum", dim, 1)
        return ops.mul(x, 1)
    return ops.cumsum(x, axis=normalize_axis("cumsum", dim, len(aval_of(x).shape)))


def cumprod(x: Any, dim: int) -> Any:
    """Running product along dim. O(n^2) in the size of the axis, so that gradients at zeros are exact."""
    shape = aval_of(x).shape
    if not shape:
        normalize_axis("cumprod", dim, 1)
        return ops.mul(x, 1)
    axis = normalize_axis("cumprod", dim, len(shape))
    n = shape[axis]
    rows = movedim(x, axis, -1)
    table = broadcast_to(unsqueeze(rows, -2), (*rows.shape[:-1], n, n))  # row i keeps the factors 0..i
    table = ops.where(ops.mask(n, n, ops.le), table, _one(x))
    return movedim(ops.prod(table, axes=(len(shape),)), -1, axis)


def _one(x: Any) -> Any:
    return 1.0 if aval_of(x).dtype in (ops.float32, ops.float64) else 1


# --- shape -------------------------------------------------------------------------------------------------------


def _size(name: str, size: Any) -> tuple[int, ...]:
    """Sizes given as one tuple or several ints."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    try:
        return tuple(n.__index__() for n in size)
    except AttributeError:
        raise DtypeError(f"{name}: sizes must be integers, got {tuple(size)}") from None


def reshape(x: Any, *shape: Any) -> Any:
    """The same elements in row order in a new shape; one size may be -1."""
    have = aval_of(x).shape
    want = _size("reshape", shape)
    if -1 in want:
        known = math.prod(n for n in want if n != -1)
        if want.count(-1) > 1:
            raise ShapeError(f"reshape: shape {want} has more than one -1")
        if known == 0 or math.prod(have) % known:
            raise ShapeError(f"reshape: {math.prod(have)} elements of {have} cannot fill {want}")
        want = tuple(math.prod(have) // known if n == -1 else n for n in want)
    if want == have:
        return ops.reshape(x, shape=want)
    ops._reshape_rule(aval_of(x), want)
    return ops.reshape(x, shape=want)


view = reshape


def ravel(x: Any) -> Any:
    """All elements along one axis."""
    return reshape(x, -1) if math.prod(aval_of(x).shape) else reshape(x, 0)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes start_dim to end_dim made one."""
    shape = aval_of(x).shape
    if not shape:
        return reshape(x, 1)
    a, b = normalize_axis("flatten", start_dim, len(shape)), normalize_axis("flatten", end_dim, len(shape))
    if a > b:
        raise AxisError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}")
    return ops.reshape(x, shape=(*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


def permute(x: Any, *dims: Any) -> Any:
    """The axes in another order."""
    n = len(aval_of(x).shape)
    order = _size("permute", dims)
    axes = tuple(normalize_axis("permute", d, n, "dims") for d in order)
    ops._transpose_rule(aval_of(x), axes)
    return ops.transpose(x, axes=axes)


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    n = len(aval_of(x).shape)
    if n == 0:
        normalize_axis("transpose", dim0, 1, "dim0"), normalize_axis("transpose", dim1, 1, "dim1")
        return x
    a, b = normalize_axis("transpose", dim0, n, "dim0"), normalize_axis("transpose", dim1, n, "dim1")
    axes = list(range(n))
    axes[a], axes[b] = b, a
    return ops.transpose(x, axes=tuple(axes))


swapaxes = swapdims = transpose


def movedim(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to new places, the others keeping their order."""
    n = len(aval_of(x).shape)
    many = [s if isinstance(s, (tuple, list)) else (s,) for s in (source, destination)]
    if len(many[0]) != len(many[1]):
        raise AxisError(f"movedim: source={source} and destination={destination} differ in length")
    src = [normalize_axis("movedim", i, n, "source") for i in many[0]]
    dst = [normalize_axis("movedim", i, n, "destination") for i in many[1]]
    if len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise AxisError(f"movedim: source={source} or destination={destination} names an axis twice")
    order = [i for i in range(n) if i not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return ops.transpose(x, axes=tuple(order))


moveaxis = movedim


def squeeze(x: Any, dim: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or those that dim names)."""
    shape = aval_of(x).shape
    if dim is not None and not shape:
        normalize_axes("squeeze", dim, 1)
        return x
    axes = normalize_axes("squeeze", dim, len(shape))
    return ops.reshape(x, shape=tuple(n for i, n in enumerate(shape) if n != 1 or i not in axes))


def unsqueeze(x: Any, dim: int) -> Any:
    """With a new axis of size 1 at dim."""
    shape = aval_of(x).shape
    i = normalize_axis("unsqueeze", dim, len(shape) + 1)
    return ops.reshape(x, shape=(*shape[:i], 1, *shape[i:]))


def broadcast_to(x: Any, *shape: Any) -> Any:
    """x repeated to a larger shape without copying; -1 keeps a size."""
    have, want = aval_of(x).shape, _size("broadcast_to", shape)
    lead = len(want) - len(have)
    if -1 in want:
        if lead < 0 or -1 in want[:lead]:
            raise ShapeError(f"expand: {want} for {have}: -1 keeps an existing size and cannot stand for a new axis")
        want = tuple(have[i - lead] if n == -1 else n for i, n in enumerate(want))
    ops._broadcast_rule(aval_of(x), want)
    return ops.broadcast_to(x, shape=want)


expand = broadcast_to


def broadcast_tensors(*xs: Any) -> tuple[Any, ...]:
    """All values repeated to their common shape."""
    shape = ops.broadcast_shapes("broadcast_tensors", *(aval_of(x).shape for x in xs))
    return tuple(ops.broadcast_to(x, shape=shape) for x in xs)


def repeat(x: Any, *repeats: Any) -> Any:
    """x laid side by side, repeats[i] times along axis i; more repeats than axes add axes in front."""
    times, shape = _size("repeat", repeats), aval_of(x).shape
    lead = len(times) - len(shape)
    if lead < 0:
        raise ShapeError(f"repeat: {len(times)} repeats for the {len(shape)} axes of {shape}; give one for each axis")
    if builtins.min(times, default=0) < 0:
        raise ShapeError(f"repeat: repeats {times} must be >= 0")
    shape = (1,) * lead + shape
    spaced = [k for n in shape for k in (1, n)]
    wide = [k for t, n in zip(times, shape, strict=True) for k in (t, n)]
    y = ops.broadcast_to(ops.reshape(x, shape=tuple(spaced)), shape=tuple(wide))
    return ops.reshape(y, shape=tuple(t * n for t, n in zip(times, shape, strict=True)))



def tile(x: Any, *dims: Any) -> Any:
    """repeat, but with ones added in front when fewer dims than axes are given."""
    times, n = _size("tile", dims), len(aval_of(x).shape)
    return repeat(x, (1,) * (n - len(times)) + times)


def flip(x: Any, *dims: Any) -> Any:
    """The order along dims reversed."""
    axes = normalize_axes("flip", _size("flip", dims), len(aval_of(x).shape), "dims")
    return ops.flip(x, axes=axes)


def roll(x: Any, shifts: Any, dims: Any = None) -> Any:
    """Elements shifted along dims, those that fall off the end coming back at the start."""
    shape = aval_of(x).shape
    moves = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(moves) != 1:
            raise AxisError(f"roll: shifts={shifts} needs one dim for each shift")
        return reshape(roll(ravel(x), moves[0], 0), shape) if shape else x
    axes = dims if isinstance(dims, (tuple, list)) else (dims,)
    if len(axes) != len(moves):
        raise AxisError(f"roll: {len(moves)} shifts for {len(axes)} dims")
    for k, d in zip(moves, axes, strict=True):
        axis = normalize_axis("roll", d, len(shape), "dims") if shape else None
        if axis is None:
            normalize_axis("roll", d, 1, "dims")
            continue
        n = shape[axis]
        if n and k % n:
            x = cat([narrow(x, axis, n - k % n, k % n), narrow(x, axis, 0, n - k % n)], axis)
    return x


def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """The elements start to start + length along dim."""
    shape = aval_of(x).shape
    axis = normalize_axis("narrow", dim, len(shape))
    first = start + shape[axis] if start < 0 else start
    if length < 0 or first < 0 or first + length > shape[axis]:
        raise AxisError(f"narrow: {start}:{start + length} is not inside dim {dim} of size {shape[axis]}")
    lo = tuple(first if i == axis else 0 for i in range(len(shape)))
    hi = tuple(first + length if i == axis else n for i, n in enumerate(shape))
    return ops.slice_(x, start=lo, stop=hi, step=(1,) * len(shape))


def split(x: Any, split_size: int | Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Pieces of split_size along dim (the last may be smaller), or of the sizes given."""
    shape = aval_of(x).shape
    axis = normalize_axis("split", dim, len(shape))
    n = shape[axis]
    if isinstance(split_size, (tuple, list)):
        sizes = [int(k) for k in split_size]
        if builtins.sum(sizes) != n or builtins.min(sizes, default=0) < 0:
            raise ShapeError(f"split: sizes {sizes} must be >= 0 and add up to {n}, the size of dim {dim}")
    else:
        if split_size < 1:
            raise ArgumentError(f"split: split_size={split_size} must be >= 1")
        sizes = [builtins.min((split_size, n - i)) for i in range(0, n, split_size)] or [0]
    starts = np.cumsum([0, *sizes])
    return tuple(narrow(x, axis, int(s), k) for s, k in zip(starts, sizes, strict=False))



def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """x in `chunks` pieces along dim, as even as possible."""
    if chunks < 1:
        raise ArgumentError(f"chunk: chunks={chunks} must be >= 1")
    n = aval_of(x).shape[normalize_axis("chunk", dim, len(aval_of(x).shape))]
    return split(x, -(-n // chunks) or 1, dim)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along dim, that axis removed."""
    axis = normalize_axis("unbind", dim, len(aval_of(x).shape))
    return tuple(squeeze(narrow(x, axis, i, 1), axis) for i in range(aval_of(x).shape[axis]))


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Values joined along an existing axis. Empty one-axis values are passed over, as in PyTorch."""
    xs = list(tensors)
    if not xs:
        raise ShapeError("cat: needs at least one tensor")
    shapes = [aval_of(x).shape for x in xs]
    if not builtins.all(shapes):
        raise ShapeError(f"cat: zero-dimensional tensor at place {shapes.index(())}; use stack for scalars")
    solid = [x for x, s in zip(xs, shapes, strict=True) if s != (0,)]
    if len({len(aval_of(x).shape) for x in solid}) == 1 and len(aval_of(solid[0]).shape) > 1:
        xs = solid
    avals = [aval_of(x) for x in xs]
    axis = normalize_axis("cat", dim, len(avals[0].shape))
    ops._concatenate_rule(*avals, axis=axis)
    return ops.concatenate(*xs, axis=axis)

concat = concatenate = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Values of one shape joined along a new axis."""
    xs = list(tensors)
    shapes = {aval_of(x).shape for x in xs}
    if len(shapes) != 1:
        raise ShapeError(f"stack: needs one or more tensors of one shape, got {[aval_of(x).shape for x in xs]}")
    return cat([unsqueeze(x, dim) for x in xs], dim)


def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Padded at both ends of the last axes: pad = (low, high) of the last axis, then of the one before, ...

    mode "constant" (with value, default 0), "reflect", "replicate" or "circular". Negative sizes crop
    (in constant and circular mode).
    """
    shape = aval_of(x).shape
    sizes = [int(p) for p in pad]
    if len(sizes) % 2 or len(sizes) // 2 > len(shape):
        raise ShapeError(f"pad: {len(sizes)} sizes for {len(shape)} axes; give (low, high) pairs, the last axis first")
    low, high = [0] * len(shape), [0] * len(shape)
    for k in range(len(sizes) // 2):
        low[-1 - k], high[-1 - k] = sizes[2 * k], sizes[2 * k + 1]
    if mode == "constant":
        return _pad_constant(x, low, high, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise ArgumentError(f"pad: value={value} has no meaning in mode {mode!r}")
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode={mode!r} must be 'constant', 'reflect', 'replicate' or 'circular'")
    for axis, (lo, hi, n) in enumerate(zip(low, high, shape, strict=True)):
        if lo or hi:
            place = _pad_places(mode, lo, hi, n, axis)
            x = ops.take(x, place, axis=axis)
    return x


def _pad_constant(x: Any, low: list[int], high: list[int], value: float) -> Any:
    shape = aval_of(x).shape
    for lo, hi, n in zip(low, high, shape, strict=True):
        if n + lo + hi < 0 or builtins.min((lo, hi)) < -n:
            raise ShapeError(f"pad: cropping {low} and {high} leaves less than nothing of {shape}")
    start = tuple(-lo if lo < 0 else 0 for lo in low)
    stop = tuple(n + hi if hi < 0 else n for n, hi in zip(shape, high, strict=True))
    if builtins.min((*low, *high), default=0) < 0:
        x = ops.slice_(x, start=start, stop=stop, step=(1,) * len(shape))
    up = [tuple(v if v > 0 else 0 for v in side) for side in (low, high)]
    return ops.pad(x, low=up[0], high=up[1], interior=(0,) * len(shape), value=value)


def _pad_places(mode: str, lo: int, hi: int, n: int, axis: int) -> Any:
    """For each place of the padded axis, the place it copies."""
    most = n - 1 if mode == "reflect" else n
    if mode != "replicate" and builtins.min((most - lo, most - hi)) < 0:
        raise ShapeError(f"pad: mode {mode!r} cannot pad axis {axis} of size {n} by ({lo}, {hi}): at most {most}")
    if n == 0 or n + lo + hi < 0:
        raise ShapeError(f"pad: ({lo}, {hi}) does not fit axis {axis} of size {n}")
    at = ops.iota(size=n + lo + hi, dtype=int64) - lo
    if mode == "circular":
        return ops.remainder(at, n)
    if mode == "replicate":
        return ops.minimum(ops.maximum(at, 0), n - 1)
    at = ops.abs_(at)
    return ops.where(ops.gt(at, n - 1), 2 * (n - 1) - at, at)


def tril(x: Any, diagonal: int = 0) -> Any:
    """The lower triangle of the last two axes, zeros above."""
    return _triangle("tril", x, ops.le, diagonal)


def triu(x: Any, diagonal: int = 0) -> Any:
    """The upper triangle of the last two axes, zeros below."""
    return _triangle("triu", x, ops.ge, diagonal)


def _triangle(name: str, x: Any, compare: ops.Op, offset: int) -> Any:
    shape, dtype, _ = aval_of(x)
    if len(shape) < 2:
        raise ShapeError(f"{name}: needs at least two axes, got {shape}")
    return ops.where(ops.mask(*shape[-2:], compare, offset), x, np.zeros((), dtype))


def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The elements x[..., i, i + offset] of axes dim1 and dim2, along a new last axis."""
    shape = aval_of(x).shape
    a, b = normalize_axis("diagonal", dim1, len(shape), "dim1"), normalize_axis("diagonal", dim2, len(shape), "dim2")
    if a == b:
        raise AxisError(f"diagonal: dim1={dim1} and dim2={dim2} are the same axis")
    x = movedim(x, (a, b), (-2, -1))
    n, m = x.shape[-2:]
    row = builtins.max((0, -offset))
    count = builtins.max((0, builtins.min((n - row, m - row - offset))))
    place = ops.iota(size=count, dtype=int64) * (m + 1) + (row * (m + 1) + offset)
    return ops.take(ops.reshape(x, shape=(*x.shape[:-2], n * m)), place, axis=len(shape) - 2)


def diag(x: Any, diagonal_: int = 0, *, diagonal: int | None = None) -> Any:
    """The diagonal of a matrix as a vector, or a vector as the diagonal of a matrix of zeros."""
    k = diagonal_ if diagonal is None else diagonal
    shape = aval_of(x).shape
    if len(shape) == 2:
        return globals()["diagonal"](x, k)
    if len(shape) != 1:
        raise ShapeError(f"diag: needs one or two axes, got {shape}")
    n = shape[0] + builtins.abs(k)
    place = ops.iota(size=shape[0], dtype=int64) * (n + 1) + (-k * n if k < 0 else k)
    return ops.reshape(ops.scatter_add(x, place, axis=0, size=n * n), shape=(n, n))


def trace(x: Any) -> Any:
    """Sum of the diagonal of a matrix."""
    if len(aval_of(x).shape) != 2:
        raise ShapeError(f"trace: needs a matrix, got {aval_of(x).shape}")
    return sum(diagonal(x))


# --- indexing ------------------------------------------------------------------------------------------------------


def _wrapped(index: Any, n: int, axis: int) -> Any:
    """Indices with the negative ones counted from the end; AxisError where they are known and out of range."""
    value = index if isinstance(index, np.ndarray) else getattr(index, "_value", index)
    if isinstance(value, np.ndarray):
        if value.size and (value.min() < -n or value.max() >= n):
            bad = value[(value < -n) | (value >= n)].reshape(-1)[0]
            raise AxisError(f"index {bad} is out of range for axis {axis} of size {n}")
        if not value.size or value.min() >= 0:
            return index
    return ops.where(ops.lt(index, 0), index + n, index)


def _index_array(item: Any) -> Any:
    """A list, array or Tensor inside x[...] as an int64 or bool array-like."""
    if isinstance(item, (list, tuple)):
        item = np.asarray(item) if len(item) else np.zeros(0, np.int64)
    dtype = aval_of(item).dtype
    if dtype not in (ops.bool_, int32, int64):
        if isinstance(item, np.ndarray) and item.dtype.kind in "iu":
            return item.astype(np.int64)
        raise DtypeError(f"indices must be integers or booleans, got {dtype}")
    return item


def getitem(x: Any, index: Any) -> Any:
    """x[index] with NumPy's meaning: integers, slices, None, ..., integer arrays (repeats count) and boolean masks."""
    if index.__class__ is not tuple:
        index = (index,)
    shape = aval_of(x).shape
    items = _expanded(shape, index)
    # basic part: slices, and integers when no array takes part; arrays keep a full slice for now
    fancy = [i for i in items if not isinstance(i, (int, slice)) and i is not None]
    start, stop, step, back, out, arrays = [], [], [], [], [], []
    axis = 0
    for item in items:
        if item is None:
            out.append(1)
            continue
        n = shape[axis]
        if isinstance(item, slice):
            try:
                a, b, s = item.indices(n)
            except (TypeError, ValueError) as e:
                raise AxisError(f"index {item}: {e}") from None
            count = len(range(a, b, s))
            if s < 0:  # the same elements upwards, turned round afterwards
                back.append(axis)
                a, s = a + (count - 1) * s, -s
            start.append(a if count else 0), stop.append(a + (count - 1) * s + 1 if count else 0), step.append(s)
            out.append(count)
        elif isinstance(item, int) and not fancy:
            if not -n <= item < n:
                raise AxisError(f"index {item} is out of range for axis {axis} of size {n}")
            start.append(item % n), stop.append(item % n + 1), step.append(1)
        else:
            arrays.append((len(out), np.asarray(item) if isinstance(item, int) else item, n, axis))
            start.append(0), stop.append(n), step.append(1)
            out.append(n)
        axis += 1
    if builtins.any(a or b != n or s != 1 for a, b, s, n in zip(start, stop, step, shape, strict=True)):
        x = ops.slice_(x, start=tuple(start), stop=tuple(stop), step=tuple(step))
    if back:
        x = ops.flip(x, axes=tuple(back))
    if tuple(out) != aval_of(x).shape:
        x = ops.reshape(x, shape=tuple(out))
    return _take_arrays(x, arrays) if arrays else x



def _expanded(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[Any]:
    """The index with ... written out, masks turned into places, and one entry for each axis of x (and each None)."""
    items: list[Any] = []
    for item in index:
        if item is None or item is Ellipsis or isinstance(item, slice):
            items.append(item)
        elif isinstance(item, (bool, np.bool_)):
            raise DtypeError(f"index {item}: a single boolean is not an index; use None to add an axis")
        elif isinstance(item, (int, np.integer)):
            items.append(int(item))
        else:
            items.append(_index_array(item))
    used = builtins.sum(
        0 if i is None or i is Ellipsis else len(aval_of(i).shape) if _is_mask(i) else 1 for i in items
    )
    if builtins.sum(i is Ellipsis for i in items) > 1:
        raise AxisError("an index can hold only one ...")
    if used > len(shape):
        raise AxisError(f"too many indices: {used} for the {len(shape)} axes of {shape}")
    if not builtins.any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    at = next(k for k, i in enumerate(items) if i is Ellipsis)
    items[at : at + 1] = [slice(None)] * (len(shape) - used)
    full: list[Any] = []
    axis = 0
    for item in items:
        if _is_mask(item):
            mask = item if isinstance(item, np.ndarray) else getattr(item, "_value", item)
            if not isinstance(mask, np.ndarray):
                raise RecordError(
                    "x[mask] has a shape that depends on the values of the mask, so it cannot be recorded or "
                    "batched; use where(mask, x, 0) or a constant NumPy mask"
                )
            if mask.shape != shape[axis : axis + mask.ndim]:
                raise ShapeError(f"mask of shape {mask.shape} does not fit axes {axis} on of {shape}")
            full.extend(np.nonzero(mask))
            axis += mask.ndim
        else:
            full.append(item)
            axis += item is not None
    return full


def _is_mask(item: Any) -> bool:
    return not isinstance(item, (int, slice)) and item is not None and item is not Ellipsis and aval_of(item).dtype == ops.bool_


def _take_arrays(x: Any, arrays: list[tuple[int, Any, int, int]]) -> Any:
    """x indexed by one or more integer arrays at the given axes (broadcast against each other)."""
    if len(arrays) == 1:
        place, index, n, axis = arrays[0]
        return ops.take(x, _wrapped(index, n, axis), axis=place)
    axes = [place for place, *_ in arrays]
    shape = ops.broadcast_shapes("index", *(aval_of(i).shape for _, i, *_ in arrays))
    flat: Any = 0
    for _, index, n, axis in arrays:
        flat = flat * n + _wrapped(index, n, axis)
    flat = ops.broadcast_to(flat, shape=shape)
    rest = [i for i in range(x.ndim) if i not in axes]
    lead = math.prod(n for _, _, n, _ in arrays)
    front = ops.transpose(x, axes=(*axes, *rest))
    front = ops.reshape(front, shape=(lead, *(x.shape[i] for i in rest)))
    y = ops.take(front, flat, axis=0)
    if axes == list(range(axes[0], axes[0] + len(axes))):  # neighbours: the result takes their place
        k = len(shape)
        order = (*range(k, k + axes[0]), *range(k), *range(k + axes[0], y.ndim))
        y = ops.transpose(y, axes=order)
    return y


def gather(x: Any, dim: int, index: Any) -> Any:
    """out[i, j] = x[index[i, j], j] for dim=0 (PyTorch's gather): index has as many axes as x."""
    shape, ishape = aval_of(x).shape, aval_of(index).shape
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"gather: index must be int64 or int32, got {aval_of(index).dtype}")
    if not shape and ishape in ((), (1,)):
        normalize_axis("gather", dim, 1)
        return ops.reshape(x, shape=ishape)
    if not ishape and len(shape) == 1:
        return ops.reshape(gather(x, dim, ops.reshape(index, shape=(1,))), shape=())
    axis = normalize_axis("gather", dim, len(shape))
    _check_along("gather", shape, ishape, axis)
    return ops.take(ravel(x), _flat_places(shape, ishape, axis, index), axis=0)


def _check_along(name: str, shape: tuple[int, ...], ishape: tuple[int, ...], axis: int) -> None:
    if len(ishape) != len(shape):
        raise ShapeError(f"{name}: index {ishape} must have as many axes as the value {shape}")
    if builtins.any(m > n for i, (m, n) in enumerate(zip(ishape, shape, strict=True)) if i != axis):
        raise ShapeError(f"{name}: index {ishape} is larger than the value {shape} outside dim {axis}")


def _flat_places(shape: tuple[int, ...], ishape: tuple[int, ...], axis: int, index: Any) -> Any:
    """For each entry of an index along one axis, its place in the flattened value."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    value = index if isinstance(index, np.ndarray) else getattr(index, "_value", index)
    if isinstance(value, np.ndarray) and value.size and (value.min() < 0 or value.max() >= shape[axis]):
        bad = value[(value < 0) | (value >= shape[axis])].reshape(-1)[0]
        raise AxisError(f"index {bad} is out of range for dim {axis} of size {shape[axis]}")
    # the other axes' part is a sum of iotas, so that nothing large is captured when this is recorded
    places = index * strides[axis]
    for i, (m, s) in enumerate(zip(ishape, strides, strict=True)):
        if i != axis and m > 1:
            line = ops.reshape(ops.iota(size=m, dtype=int64), shape=(m,) + (1,) * (len(shape) - 1 - i))
            places = places + ops.mul(line, s)
    return places


def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """gather with the other axes broadcast; dim=None takes from the flattened value."""
    if dim is None:
        return ops.take(ravel(x), ravel(_wrapped(indices, math.prod(aval_of(x).shape), 0)), axis=0)
    shape, ishape = aval_of(x).shape, aval_of(indices).shape
    if len(shape) != len(ishape):
        raise ShapeError(f"take_along_dim: indices {ishape} must have as many axes as the value {shape}")
    axis = normalize_axis("take_along_dim", dim, len(shape))
    common = list(ops.broadcast_shapes("take_along_dim", ops._kept(shape, (axis,)), ops._kept(ishape, (axis,))))
    common[axis] = shape[axis]
    x = ops.broadcast_to(x, shape=tuple(common))
    common[axis] = ishape[axis]
    return gather(x, axis, ops.broadcast_to(_wrapped(indices, shape[axis], axis), shape=tuple(common)))


def index_select(x: Any, dim: int, index: Any) -> Any:
    """The slices of x along dim at the places of a one-axis index."""
    shape = aval_of(x).shape
    if len(aval_of(index).shape) > 1:
        raise ShapeError(f"index_select: index must have one axis, got {aval_of(index).shape}")
    if not shape:
        return x
    axis = normalize_axis("index_select", dim, len(shape))
    if not aval_of(index).shape:
        index = ops.reshape(index, shape=(1,))
    return ops.take(x, _wrapped(index, shape[axis], axis), axis=axis)


def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with src[i, j] added at [index[i, j], j] (dim=0); repeated places add up."""
    shape, ishape, sshape = aval_of(x).shape, aval_of(index).shape, aval_of(src).shape
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"scatter_add: index must be int64 or int32, got {aval_of(index).dtype}")
    if not shape:
        return x + reshape(src, ()) if ishape == () and sshape == () else x + sum(src)
    axis = normalize_axis("scatter_add", dim, len(shape))
    if not ishape and len(shape) == 1:
        index, src, ishape, sshape = reshape(index, 1), reshape(src, 1), (1,), (1,) if not sshape else sshape
    _check_along("scatter_add", shape, ishape, axis)
    if len(sshape) != len(shape) or builtins.any(m > n for m, n in zip(ishape, sshape, strict=True)):
        raise ShapeError(f"scatter_add: index {ishape} is larger than src {sshape}")
    if aval_of(x).dtype != aval_of(src).dtype:
        raise DtypeError(f"scatter_add: value {aval_of(x).dtype} and src {aval_of(src).dtype} must have one dtype")
    if ishape != sshape:
        src = ops.slice_(src, start=(0,) * len(ishape), stop=ishape, step=(1,) * len(ishape))
    places = _flat_places(shape, ishape, axis, index)
    added = ops.scatter_add(ravel(src), ravel(places), axis=0, size=math.prod(shape))
    return x + ops.reshape(added, shape=shape)


def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """x with value wherever mask is True."""
    if aval_of(mask).dtype != ops.bool_:
        raise DtypeError(f"masked_fill: mask must be bool, got {aval_of(mask).dtype}")
    if aval_of(value).shape != ():
        raise ShapeError(f"masked_fill: value must be one number, got shape {aval_of(value).shape}")
    shape = ops.broadcast_shapes("masked_fill", aval_of(x).shape, aval_of(mask).shape)
    y = ops.where(mask, value if aval_of(value).weak else ops.cast(value, dtype=aval_of(x).dtype), x)
    return y if aval_of(y).shape == shape else ops.broadcast_to(y, shape=shape)


def one_hot(labels: Any, num_classes: int) -> Any:
    """Class indices (...,) -> zeros and ones (..., num_classes), int64."""
    return ops.cast(
        ops.eq(unsqueeze(labels, -1), ops.iota(size=int(num_classes), dtype=int64)), dtype=int64
    )


def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> tuple[Any, Any]:
    """(values, indices) in order along dim. Always stable."""
    shape = aval_of(x).shape
    if not shape:
        normalize_axis("sort", dim, 1)
        return x, np.zeros((), np.int64)
    axis = normalize_axis("sort", dim, len(shape))
    order = ops.argsort(x, axis=axis, descending=bool(descending))
    return gather(x, axis, order), order


def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The places that sort x along dim. Always stable."""
    return sort(x, dim, descending)[1]


# --- products --------------------------------------------------------------------------------------------------------


def matmul(a: Any, b: Any) -> Any:
    """Matrix product of vectors, matrices and stacks of matrices, as NumPy's @."""
    sa, sb = a.shape, b.shape
    if len(sa) >= 2 and len(sb) >= 2:
        return ops.matmul(a, b)
    if not sa or not sb:
        raise ShapeError(f"matmul: {sa} @ {sb}: a scalar takes no part in a matrix product; use *")
    if sa[-1] != (sb[0] if len(sb) == 1 else sb[-2]):
        raise ShapeError(f"matmul: {sa} @ {sb}: {sa[-1]} columns meet {sb[0] if len(sb) == 1 else sb[-2]} rows")
    left = ops.reshape(a, shape=(1, sa[0])) if len(sa) == 1 else a
    right = ops.reshape(b, shape=(sb[0], 1)) if len(sb) == 1 else b
    y = ops.matmul(left, right)
    shape = y.shape[:-1] if len(sb) == 1 else y.shape
    if len(sa) == 1:
        shape = (*shape[:-1],) if len(sb) == 1 else (*shape[:-2], shape[-1])
    return ops.reshape(y, shape=shape)


def _axes_checked(name: str, a: Any, b: Any, na: int, nb: int) -> None:
    if len(aval_of(a).shape) != na or len(aval_of(b).shape) != nb:
        raise ShapeError(f"{name}: needs {na} and {nb} axes, got {aval_of(a).shape} and {aval_of(b).shape}")
    if aval_of(a).dtype != aval_of(b).dtype:
        raise DtypeError(f"{name}: dtypes {aval_of(a).dtype} and {aval_of(b).dtype} differ; cast one of them")


def mm(a: Any, b: Any) -> Any:
    """Product of two matrices."""
    _axes_checked("mm", a, b, 2, 2)
    return ops.matmul(a, b)


def mv(a: Any, b: Any) -> Any:
    """Matrix times vector."""
    _axes_checked("mv", a, b, 2, 1)
    return matmul(a, b)


def bmm(a: Any, b: Any) -> Any:
    """Product of two stacks of matrices (b, n, k) and (b, k, m)."""
    _axes_checked("bmm", a, b, 3, 3)
    if a.shape[0] != b.shape[0]:
        raise ShapeError(f"bmm: {a.shape} and {b.shape}: stacks of {a.shape[0]} and {b.shape[0]}")
    return ops.matmul(a, b)


def dot(a: Any, b: Any) -> Any:
    """Inner product of two vectors."""
    _axes_checked("dot", a, b, 1, 1)
    return matmul(a, b)


vdot = dot


def outer(a: Any, b: Any) -> Any:
    """a[i] * b[j]."""
    if len(aval_of(a).shape) != 1 or len(aval_of(b).shape) != 1:
        raise ShapeError(f"outer: needs two vectors, got {aval_of(a).shape} and {aval_of(b).shape}")
    return ops.mul(unsqueeze(a, 1), unsqueeze(b, 0))


def addmm(c: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * c + alpha * (a @ b)."""
    product = mm(a, b)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (c if beta == 1 else c * beta) + product


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Sum over the last `dims` axes of a and the first of b, or over two lists of axes."""
    sa, sb = aval_of(a).shape, aval_of(b).shape
    if isinstance(dims, int):
        ia, ib = list(range(len(sa) - dims, len(sa))), list(range(dims))
    else:
        ia, ib = ([d] if isinstance(d, int) else list(d) for d in dims)
    ia = [normalize_axis("tensordot", i, len(sa), "dims") for i in ia]
    ib = [normalize_axis("tensordot", i, len(sb), "dims") for i in ib]
    if [sa[i] for i in ia] != [sb[i] for i in ib]:
        raise ShapeError(f"tensordot: {sa} and {sb} do not match over {ia} and {ib}")
    ra, rb = [i for i in range(len(sa)) if i not in ia], [i for i in range(len(sb)) if i not in ib]
    k = math.prod(sa[i] for i in ia)
    left = reshape(ops.transpose(a, axes=(*ra, *ia)), (math.prod(sa[i] for i in ra), k))
    right = reshape(ops.transpose(b, axes=(*ib, *rb)), (k, math.prod(sb[i] for i in rb)))
    return reshape(ops.matmul(left, right), tuple(sa[i] for i in ra) + tuple(sb[i] for i in rb))


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products in Einstein's notation, "bij,bjk->bik"; ... stands for broadcast axes."""
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    ins, _, out = equation.replace(" ", "").partition("->")
    terms = ins.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"einsum: {equation!r} names {len(terms)} operands, got {len(operands)}")
    spare = [c for c in map(chr, range(0x100, 0x180))]  # letters for the axes behind ...
    most = 0
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        n = len(aval_of(x).shape) - len(term.replace("...", ""))
        if "..." not in term and n != 0 or n < 0:
            raise ShapeError(f"einsum: {term!r} names {len(term.replace('...', ''))} axes of {aval_of(x).shape}")
        most = n if n > most else most
        terms[i] = term.replace("...", "".join(spare[len(spare) - n :]) if n else "")
    dots = "".join(spare[len(spare) - most :]) if most else ""
    if "->" in equation:
        out = out.replace("...", dots)
    else:
        once = sorted(c for c in set("".join(terms)) if "".join(terms).count(c) == 1 and c not in dots)
        out = dots + "".join(once)
    if len(set(out)) != len(out) or not set(out) <= set("".join(terms)):
        raise ShapeError(f"einsum: output {out!r} of {equation!r} repeats an index or names one no operand has")
    sizes: dict[str, int] = {}
    pairs = []
    for term, x in zip(terms, operands, strict=True):
        for c in sorted({c for c in term if term.count(c) > 1}):  # a repeated index takes the diagonal
            while term.count(c) > 1:
                i, j = term.index(c), term.rindex(c)
                x = diagonal(x, 0, i, j)
                term = "".join(t for k, t in enumerate(term) if k not in (i, j)) + c
        for c, n in zip(term, aval_of(x).shape, strict=True):
            if sizes.get(c, 1) not in (1, n) and n != 1:
                raise ShapeError(f"einsum: index {c!r} of {equation!r} has sizes {sizes[c]} and {n}")
            sizes[c] = n if n != 1 else sizes.get(c, 1)
        pairs.append((term, x))
    term, x = pairs[0]
    for k, (other, y) in enumerate(pairs[1:], 2):
        later = set(out).union(*(t for t, _ in pairs[k:])) if k <= len(pairs) else set(out)
        term, x = _contract(term, x, other, y, later, sizes)
    gone = tuple(i for i, c in enumerate(term) if c not in out)
    if gone:
        x = ops.sum_(x, axes=gone)
        term = "".join(c for c in term if c in out)
    return permute(x, tuple(term.index(c) for c in out)) if term != out else x


def _contract(a: str, x: Any, b: str, y: Any, keep: set[str], sizes: dict[str, int]) -> tuple[str, Any]:
    """One pair of einsum operands as a stack of matrix products; the indices that nothing needs any more are summed."""
    for term, other in ((a, b), (b, a)):
        lone = tuple(i for i, c in enumerate(term) if c not in other and c not in keep)
        if lone and term is a:
            x, a = ops.sum_(x, axes=lone), "".join(c for i, c in enumerate(a) if i not in lone)
        elif lone:
            y, b = ops.sum_(y, axes=lone), "".join(c for i, c in enumerate(b) if i not in lone)
    batch = [c for c in a if c in b and c in keep]
    inner = [c for c in a if c in b and c not in keep]
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]

    def laid(term: str, v: Any, order: list[str]) -> Any:
        v = permute(v, tuple(term.index(c) for c in order))
        return ops.broadcast_to(v, shape=tuple(sizes[c] for c in order))

    def size(cs: list[str]) -> int:
        return math.prod(sizes[c] for c in cs)

    x = reshape(laid(a, x, batch + left + inner), (*(sizes[c] for c in batch), size(left), size(inner)))
    y = reshape(laid(b, y, batch + inner + right), (*(sizes[c] for c in batch), size(inner), size(right)))
    z = ops.matmul(x, y)
    order = batch + left + right
    return "".join(order), reshape(z, tuple(sizes[c] for c in order))


# --- norms and linear algebra ------------------------------------------------------------------------------------------


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """(sum |x|^ord)^(1/ord) over dim; ord may be +-inf (largest, smallest) or 0 (how many are nonzero)."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    shape, kind, _ = aval_of(x)
    if kind not in (ops.float32, ops.float64):
        raise DtypeError(f"norm: needs float32 or float64, got {kind}; cast first (x.float())")
    dim = _dims(dim)
    if ord == 0:
        return sum(ops.cast(ops.ne(x, 0.0), dtype=kind), dim, keepdim)
    if ord in (math.inf, -math.inf):
        return (amax if ord > 0 else amin)(ops.abs_(x), dim, keepdim)
    if ord == 1:
        return sum(ops.abs_(x), dim, keepdim)
    total = sum(ops.square(x) if ord == 2 else _abs_power(x, ord), dim, keepdim)
    zero = ops.eq(total, 0.0)  # the gradient at 0 is 0 (a subgradient), not 0/0
    safe = ops.where(zero, 1.0, total)
    root = ops.sqrt(safe) if ord == 2 else ops.pow_(safe, 1.0 / ord)
    return ops.where(zero, 0.0 if ord > 0 else ops.pow_(total, 1.0 / ord), root)


def _abs_power(x: Any, p: float) -> Any:
    zero = ops.eq(x, 0.0)
    return ops.where(zero, 0.0 if p > 0 else math.inf, ops.pow_(ops.abs_(ops.where(zero, 1.0, x)), float(p)))


def norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """torch.norm: the Euclidean norm by default, p-norms over dim, "fro" and "nuc" for matrices."""
    if p in (None, "fro"):
        return vector_norm(x, 2, dim, keepdim, dtype=dtype)
    if p == "nuc":
        raise ArgumentError("norm: p='nuc' needs singular values with gradients, which surefit does not have")
    return vector_norm(x, p, dim, keepdim, dtype=dtype)


def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """x divided by its p-norm along dim (but by no less than eps)."""
    return x / clamp(vector_norm(x, p, dim, keepdim=True), min=eps)


def det(a: Any) -> Any:
    """Determinant of square matrices (..., n, n)."""
    return ops.det(a)


def slogdet(a: Any) -> tuple[Any, Any]:
    """(sign, log|det|) of square matrices."""
    return ops.sign(ops.det(stop_gradient(a))), ops.slogabsdet(a)


def inv(a: Any) -> Any:
    """Inverse of square matrices; ArgumentError for a singular one."""
    return ops.inv(a)


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Lower (or upper) triangular L with L L^T = a; ArgumentError when a is not positive definite."""
    lower = ops.cholesky(a)
    return ops._swap(lower) if upper else lower


def solve(a: Any, b: Any, *, left: bool = True) -> Any:
    """X with a X = b (or X a = b for left=False); b is (..., n, k), or (..., n) as in PyTorch."""
    sa, sb = aval_of(a).shape, aval_of(b).shape
    vector = len(sb) == 1 or (len(sb) == len(sa) - 1 and sb == sa[:-1])
    if vector:
        b = unsqueeze(b, -1)
    if left:
        x = ops.solve(a, b)
    else:
        if vector:
            raise ShapeError(f"linalg.solve: left=False needs a matrix on the right, got {sb}")
        x = ops._swap(ops.solve(ops._swap(a), ops._swap(b)))
    return squeeze(x, -1) if vector else x


def multi_dot(matrices: Sequence[Any]) -> Any:
    """The product of several matrices (the first and last may be vectors), left to right."""
    xs = list(matrices)
    if len(xs) < 2:
        raise ShapeError(f"linalg.multi_dot: needs at least two matrices, got {len(xs)}")
    y = xs[0]
    for x in xs[1:]:
        y = matmul(y, x)
    return y


def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype; the gradient is cast back."""
    return ops.cast(x, dtype=ops.dtype_of(dtype))


__all__ = [n for n in dir() if not n.startswith("_") and n not in (
    "annotations", "builtins", "math", "Sequence", "Any", "np", "ops", "aval_of", "normalize_axes", "normalize_axis",
    "float64", "int32", "int64", "ArgumentError", "AxisError", "DtypeError", "RecordError", "ShapeError",
)]  # fmt: skip
