"""Functions composed from the primitives, under PyTorch's names and arguments (`dim=`, `keepdim=`).

Each works on Tensors, arrays, names being recorded and batched values, because it only calls primitives.
Shapes, axes and sizes are checked before any work. Here stand elementwise functions, reductions and norms;
those of `shapes` (reshape, cat, indexing, ...) and `linalg` (products, decompositions) are re-exported.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from surefit.core import linalg, ops, selection, shapes
from surefit.core.linalg import *  # noqa: F403  (one place from which to import all functions)
from surefit.core.linalg import svdvals
from surefit.core.ops import aval_of, int32, int64, normalize_axes, normalize_axis, shape_of
from surefit.core.selection import *  # noqa: F403
from surefit.core.shapes import *  # noqa: F403
from surefit.core.shapes import Found, broadcast_to, gather, movedim, squeeze, stop_gradient, unsqueeze
from surefit.errors import ArgumentError, DtypeError

# --- the primitives under their public names ------------------------------------------------------

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

# --- arithmetic -----------------------------------------------------------------------------------


def add(a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a + alpha * b, broadcast."""
    return ops.add(a, b if alpha == 1 else ops.mul(b, alpha))


def subtract(a: Any, b: Any, *, alpha: float = 1) -> Any:
    """a - alpha * b, broadcast."""
    return ops.sub(a, b if alpha == 1 else ops.mul(b, alpha))


sub = subtract


def addcmul(x: Any, a: Any, b: Any, *, value: float = 1) -> Any:
    """x + value * a * b."""
    return add(x, ops.mul(a, b), alpha=value)


def addcdiv(x: Any, a: Any, b: Any, *, value: float = 1) -> Any:
    """x + value * a / b."""
    return add(x, ops.div(a, b), alpha=value)


def div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    """a / b; rounding_mode "floor" or "trunc" rounds the quotient. ArgumentError for another mode."""
    if rounding_mode is None:
        return ops.div(a, b)
    if rounding_mode == "floor":
        return ops.floor_divide(a, b)
    if rounding_mode == "trunc":
        if builtins.all(aval_of(v).dtype not in (ops.float32, ops.float64) for v in (a, b)):
            return ops.floor_divide(a - ops.fmod(a, b), b)  # exact for integers of any size
        steps = ops.trunc(ops.div(stop_gradient(a), stop_gradient(b)))
        return steps + ops.sign(a) * ops.sign(b) * 0.0  # a gradient of 0, even where the quotient is not finite
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
    """x within [min, max]; either may be None or a value that broadcasts. At a bound x has gradient 1."""
    if min is None and max is None:
        raise ArgumentError("clamp: at least one of min and max must be given")
    if min is not None:
        x = _bounded(x, min, ops.ge, ops.lt, ops.maximum)
    if max is not None:
        x = _bounded(x, max, ops.le, ops.gt, ops.minimum)
    return x


def _bounded(x: Any, bound: Any, inside: ops.Op, outside: ops.Op, extreme: ops.Op) -> Any:
    """The gradient goes to x at the bound, to the bound outside, and to neither where one of them is NaN."""
    if aval_of(bound).weak:
        if aval_of(x).weak:
            return extreme(x, bound)
        other = extreme(stop_gradient(x), bound)
    else:  # only NaN reaches the sum
        other = ops.where(outside(x, bound), bound, stop_gradient(x) + stop_gradient(bound))
    return ops.where(inside(x, bound), x, other)


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
    """sin(pi x) / (pi x), and 1 at 0, with derivatives that are exact near 0 too."""
    t = ops.mul(x, math.pi)
    small = ops.lt(ops.abs_(t), 0.25)
    square = ops.square(ops.where(small, t, 0.0))
    series: Any = 1.0
    for k in (11, 9, 7, 5, 3):  # 1 - t^2/3! (1 - 3! t^2/5! (1 - ...)): the first term left out is below 1e-16
        series = 1.0 - square * series / (k * (k - 1.0))
    safe = ops.where(small, 1.0, t)
    return ops.where(small, series, ops.sin(safe) / safe)


def logit(x: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)); with eps, x is first limited to [eps, 1 - eps]."""
    if eps is not None:
        x = clamp(x, eps, 1.0 - eps)
    else:  # NaN outside [0, 1], for the gradient too, whose formula knows no such bounds
        x = x * ops.where(ops.logical_or(ops.lt(x, 0.0), ops.gt(x, 1.0)), math.nan, 1.0)
    return ops.log(x) - ops.log1p(-x)


def _met(a: Any, b: Any, kind: str) -> tuple[Any, Any]:
    """Both values in the dtype in which they meet, so that a number is as exact as the tensor beside it."""
    dtype, weak = ops.operand_dtype("", [aval_of(a), aval_of(b)], kind)
    return (a, b) if weak else (ops.cast(a, dtype=dtype), ops.cast(b, dtype=dtype))


def xlogy(x: Any, y: Any) -> Any:
    """x log y, and 0 where x = 0 (unless y is NaN)."""
    x, y = _met(x, y, "float")
    flat = ops.logical_and(ops.eq(x, 0.0), ops.logical_or(ops.le(y, 0.0), ops.eq(y, math.inf)))
    return ops.where(flat, 0.0, x * ops.log(ops.where(flat, 1.0, y)))


def heaviside(x: Any, values: Any) -> Any:
    """0 for x < 0, `values` at 0, 1 for x > 0."""
    x, values = _met(x, values, "same")
    return ops.where(ops.eq(x, 0), values, ops.cast(ops.gt(x, 0), dtype=aval_of(x).dtype))


def frac(x: Any) -> Any:
    """x without its whole part: x - trunc(x)."""
    return x - ops.trunc(x)


def deg2rad(x: Any) -> Any:
    """Degrees as radians."""
    return ops.mul(x, math.pi / 180)


def rad2deg(x: Any) -> Any:
    """Radians as degrees."""
    return ops.mul(x, 180 / math.pi)


def float_power(a: Any, b: Any) -> Any:
    """a ** b in float64."""
    return pow(ops.cast(a, dtype=ops.float64), b)


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


# --- reductions -----------------------------------------------------------------------------------


def _reduce(op: ops.Op, name: str, x: Any, dim: Any, keepdim: bool) -> Any:
    shape = shape_of(x)
    axes = _axes(name, dim, shape)
    y = op(x, axes=axes)
    return ops.reshape(y, shape=ops.kept_shape(shape, axes)) if keepdim else y


def _axes(name: str, dim: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that dim names. A scalar has none, but takes dim=0 and dim=-1 as PyTorch's does."""
    if dim is None:
        return tuple(range(len(shape)))
    if not shape:
        normalize_axes(name, dim, 1)
        return ()
    return normalize_axes(name, dim, len(shape))


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
    axes = _axes("mean", _dims(dim), shape)
    n = math.prod([shape[i] for i in axes])
    s = ops.sum_(x, axes=axes)
    y = s * (1.0 / n) if n and not n & (n - 1) else ops.div(s, float(n))  # 1/n is exact for powers of two
    return ops.reshape(y, shape=ops.kept_shape(shape, axes)) if keepdim else y


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
    return _reversed(_reduce(ops.amax, "amin", _reversed(x), _dims(dim), keepdim))


def _reversed(x: Any) -> Any:
    """x in the opposite order: -x, but -1 - x for integers, which cannot overflow."""
    dtype = aval_of(x).dtype
    if dtype == ops.bool_:
        return ops.logical_not(x)
    return ops.sub(-1, x) if dtype in (int32, int64) else ops.neg(x)


def any(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """True where some element over dim is nonzero (False for none at all)."""
    return ops.gt(sum(ops.ne(x, 0), dim, keepdim), 0)


def all(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """True where every element over dim is nonzero (True for none at all)."""
    return ops.eq(sum(ops.eq(x, 0), dim, keepdim), 0)


def argmax(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Place of the first largest element along dim, int64; of the flattened value when dim is None."""
    return _place_of_largest("argmax", x, dim, keepdim)


def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Place of the first smallest element along dim, int64; of the flattened value when dim is None."""
    return _place_of_largest("argmin", _reversed(x), dim, keepdim)


def _place_of_largest(name: str, x: Any, dim: int | None, keepdim: bool) -> Any:
    shape = shape_of(x)
    if dim is None:
        y = ops.argmax(ops.reshape(x, shape=(math.prod(shape),)), axis=0)
        return ops.reshape(y, shape=(1,) * len(shape)) if keepdim else y
    if not shape:  # a scalar has one place, whatever dim of it is asked for
        normalize_axis(name, dim, 1)
        return ops.argmax(ops.reshape(x, shape=(1,)), axis=0)
    axis = normalize_axis(name, dim, len(shape))
    y = ops.argmax(x, axis=axis)
    return ops.reshape(y, shape=ops.kept_shape(shape, (axis,))) if keepdim else y


def max(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; with dim, (values, indices), the gradient going to the first largest only.

    `max(a, b)` with a second value is `maximum(a, b)`.
    """
    if dim is None:
        return amax(x)
    return _found("max", x, dim, keepdim, x) if _is_axis(dim) else ops.maximum(x, dim)


def min(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with dim, (values, indices), the gradient going to the first smallest only."""
    if dim is None:
        return amin(x)
    return _found("min", x, dim, keepdim, _reversed(x)) if _is_axis(dim) else ops.minimum(x, dim)


def _is_axis(dim: Any) -> bool:
    return isinstance(dim, (int, np.integer))


def _found(name: str, x: Any, dim: Any, keepdim: bool, score: Any) -> Found:
    """(values, indices) of x along dim where `score` is largest."""
    at = _place_of_largest(name, score, int(dim), keepdim=True)
    if not shape_of(x):
        return Found(x, ops.reshape(at, shape=()))
    values = gather(x, int(dim), at)
    return Found(values, at) if keepdim else Found(squeeze(values, int(dim)), squeeze(at, int(dim)))


def var(
    x: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """Variance over dim, divided by n - correction (default 1; unbiased=False stands for 0)."""
    if isinstance(dim, bool):  # PyTorch's var(x, False)
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    elif unbiased is not None:
        raise ArgumentError(f"var: give unbiased={unbiased} or correction={correction}, not both")
    shape = shape_of(x)
    axes = _axes("var", _dims(dim), shape)
    free = math.prod(shape[i] for i in axes) - correction
    d = x - mean(x, axes, keepdim=True) if axes else x - x
    y = ops.div(ops.sum_(ops.square(d), axes=axes), float(free if free > 0 else 0))  # 0/0 is nan, as in PyTorch
    return ops.reshape(y, shape=ops.kept_shape(shape, axes)) if keepdim else y


def std(
    x: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """Standard deviation over dim, with n - correction degrees of freedom. The gradient at equal numbers is 0."""
    v = var(x, dim, unbiased, keepdim, correction=correction)
    flat = ops.eq(v, 0.0)
    return ops.where(flat, 0.0, ops.sqrt(ops.where(flat, 1.0, v)))


def std_mean(x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False) -> tuple[Any, Any]:
    """(std, mean) over dim."""
    return std(x, dim, unbiased, keepdim), mean(x, dim, keepdim)


def var_mean(x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False) -> tuple[Any, Any]:
    """(var, mean) over dim."""
    return var(x, dim, unbiased, keepdim), mean(x, dim, keepdim)


def nansum(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Sum over dim of what is not NaN."""
    return sum(ops.where(isnan(x), 0, x), dim, keepdim)


def nanmean(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Mean over dim of what is not NaN."""
    count = sum(ops.cast(logical_not(isnan(x)), dtype=aval_of(x).dtype), dim, keepdim)
    return ops.div(nansum(x, dim, keepdim), count)


def aminmax(x: Any, *, dim: int | None = None, keepdim: bool = False) -> tuple[Any, Any]:
    """(smallest, largest) over dim, or of all elements."""
    return amin(x, dim, keepdim), amax(x, dim, keepdim)


def trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Any:
    """The integral of samples y along dim by the trapezoidal rule, at places x, or dx apart."""
    axis = normalize_axis("trapezoid", dim, len(shape_of(y)))
    n = shape_of(y)[axis]
    pairs = shapes.narrow(y, axis, 1, n - 1) + shapes.narrow(y, axis, 0, n - 1)
    if x is None:
        return sum(pairs, axis) * (0.5 * dx)
    if len(shape_of(x)) == 1 and len(shape_of(y)) > 1:
        x = ops.reshape(x, shape=tuple(n if i == axis else 1 for i in range(len(shape_of(y)))))
    along = axis if len(shape_of(x)) == len(shape_of(y)) else -1
    return sum(pairs * selection.diff(x, 1, along), axis) * 0.5


trapz = trapezoid


def logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Any:
    """log(sum(exp(x))) over dim, without overflow; -inf where all are -inf."""
    shape, dtype, _ = aval_of(x)
    if dtype not in (ops.float32, ops.float64):
        x = ops.cast(x, dtype=ops.default.float)
    axes = _axes("logsumexp", dim, shape)
    if math.prod(shape[i] for i in axes) == 0:
        return ops.log(_reduce(ops.sum_, "logsumexp", ops.exp(x), axes, keepdim))
    top = stop_gradient(amax(x, axes, keepdim=True))
    top = ops.where(isfinite(top), top, 0.0)  # exp(inf - inf) would be nan
    y = ops.log(ops.sum_(ops.exp(x - top), axes=axes))
    y = y + ops.reshape(top, shape=ops.reduced_shape(shape, axes))
    return ops.reshape(y, shape=ops.kept_shape(shape, axes)) if keepdim else y


def softmax(x: Any, dim: int, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along dim, without overflow."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    if not shape_of(x):
        normalize_axis("softmax", dim, 1)
        return ops.exp(x - x)
    if not math.prod(shape_of(x)):
        normalize_axis("softmax", dim, len(shape_of(x)))
        return ops.exp(x)
    e = ops.exp(x - stop_gradient(amax(x, dim, keepdim=True)))
    return e / sum(e, dim, keepdim=True)


def log_softmax(x: Any, dim: int, dtype: Any = None) -> Any:
    """log(softmax(x)) along dim, finite for any finite x."""
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    if not shape_of(x):
        normalize_axis("log_softmax", dim, 1)
        return x - x
    if not math.prod(shape_of(x)):
        normalize_axis("log_softmax", dim, len(shape_of(x)))
        return ops.log(x)
    shifted = x - stop_gradient(amax(x, dim, keepdim=True))
    return shifted - ops.log(sum(ops.exp(shifted), dim, keepdim=True))


def cumsum(x: Any, dim: int) -> Any:
    """Running sum along dim."""
    if not shape_of(x):
        normalize_axis("cumsum", dim, 1)
        return ops.mul(x, 1)
    return ops.cumsum(x, axis=normalize_axis("cumsum", dim, len(shape_of(x))))


def cumprod(x: Any, dim: int) -> Any:
    """Running product along dim. O(n^2) in the size of the axis, so that gradients at zeros are exact."""
    shape = shape_of(x)
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


# --- norms ----------------------------------------------------------------------------------------


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """(sum |x|^ord)^(1/ord) over dim; ord may be +-inf (largest, smallest) or 0 (how many are nonzero)."""
    x = _float_operand("norm", x, dtype)
    dim = _dims(dim)
    if not isinstance(ord, (int, float, np.number)):
        raise ArgumentError(f"norm: ord={ord!r} must be a number, inf or -inf")
    if ord == 0:
        return sum(ops.cast(ops.ne(x, 0.0), dtype=aval_of(x).dtype), dim, keepdim)
    if ord in (math.inf, -math.inf):
        return (amax if ord > 0 else amin)(ops.abs_(x), dim, keepdim)
    if ord == 1:
        return sum(ops.abs_(x), dim, keepdim)
    total = sum(ops.square(x) if ord == 2 else _abs_power(x, ord), dim, keepdim)
    zero = ops.eq(total, 0.0)  # the gradient at 0 is 0 (a subgradient), not 0/0
    safe = ops.where(zero, 1.0, total)
    root = ops.sqrt(safe) if ord == 2 else ops.pow_(safe, 1.0 / ord)
    return ops.where(zero, 0.0 if ord > 0 else ops.pow_(total, 1.0 / ord), root)


def dist(a: Any, b: Any, p: float = 2) -> Any:
    """The p-norm of all elements of a - b."""
    return vector_norm(ops.sub(a, b), p)


def cdist(a: Any, b: Any, p: float = 2.0) -> Any:
    """The p-norms of all differences of rows: (..., n, d), (..., m, d) -> (..., n, m)."""
    return vector_norm(unsqueeze(a, -2) - unsqueeze(b, -3), p, -1)


def _float_operand(name: str, x: Any, dtype: Any) -> Any:
    if dtype is not None:
        x = ops.cast(x, dtype=ops.dtype_of(dtype))
    kind = aval_of(x).dtype
    if kind not in (ops.float32, ops.float64):
        raise DtypeError(f"{name}: needs float32 or float64, got {kind}; cast first (x.float())")
    return x


def _abs_power(x: Any, p: float) -> Any:
    zero = ops.eq(x, 0.0)
    return ops.where(zero, 0.0 if p > 0 else math.inf, ops.pow_(ops.abs_(ops.where(zero, 1.0, x)), float(p)))


def matrix_norm(x: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A norm of the matrices in the two axes dim.

    ord: "fro" (root of the sum of squares), "nuc" (sum of the singular values), 2 and -2 (largest and least
    singular value), 1 and -1 (largest and smallest column sum of absolute values), inf and -inf (of rows).
    """
    x = _float_operand("matrix_norm", x, dtype)
    shape = shape_of(x)
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise ArgumentError(f"matrix_norm: dim={dim!r} must name two axes")
    normalize_axes("matrix_norm", dim, len(shape))
    row, column = (normalize_axis("matrix_norm", d, len(shape)) for d in dim)
    if ord == "fro":
        return vector_norm(x, 2, (row, column), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(movedim(x, (row, column), (-2, -1)))
        y = sum(s, -1) if ord == "nuc" else (amax if ord > 0 else amin)(s, -1)
    elif ord in (1, -1, math.inf, -math.inf):
        over, then = (row, column) if ord in (1, -1) else (column, row)
        sums = sum(ops.abs_(x), over, keepdim=True)
        y = squeeze((amax if ord > 0 else amin)(sums, then, keepdim=True), (row, column))
    else:
        raise ArgumentError(f"matrix_norm: ord={ord!r} must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    return ops.reshape(y, shape=ops.kept_shape(shape, (row, column))) if keepdim else y


def norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """torch.norm: p-norms of vectors over dim ("fro" is 2), "nuc" of matrices."""
    if isinstance(p, str) and p == "nuc":
        return matrix_norm(x, "nuc", _all_axes(x) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(x, 2 if p is None or (isinstance(p, str) and p == "fro") else p, dim, keepdim, dtype=dtype)


def linalg_norm(x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """torch.linalg.norm: of all elements by default; with ord, of vectors (one axis) or matrices (two)."""
    if ord is None:
        return vector_norm(x, 2, dim, keepdim, dtype=dtype)
    axes = _all_axes(x) if dim is None else tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if len(axes) > 2 or not axes:
        raise ArgumentError(f"linalg.norm: ord={ord!r} needs one or two axes, got dim={dim} of {shape_of(x)}")
    if len(axes) == 2:
        return matrix_norm(x, ord, axes, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise ArgumentError(f"linalg.norm: ord={ord!r} is a norm of matrices and needs two axes, got dim={dim}")
    return vector_norm(x, ord, axes, keepdim, dtype=dtype)


def _all_axes(x: Any) -> tuple[int, ...]:
    return tuple(range(len(shape_of(x))))


def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """x divided by its p-norm along dim (but by no less than eps)."""
    return x / clamp(vector_norm(x, p, dim, keepdim=True), min=eps)


def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype; the gradient is cast back."""
    return ops.cast(x, dtype=ops.dtype_of(dtype))


__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "addcdiv",
    "addcmul",
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cast",
    "cbrt",
    "cdist",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "cos",
    "cosh",
    "cumprod",
    "cumsum",
    "deg2rad",
    "digamma",
    "dist",
    "div",
    "divide",
    "eq",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expit",
    "expm1",
    "float_power",
    "floor",
    "floor_divide",
    "fmod",
    "frac",
    "gamma",
    "ge",
    "gt",
    "heaviside",
    "hypot",
    "i0",
    "i1",
    "isfinite",
    "isinf",
    "isnan",
    "j0",
    "j1",
    "le",
    "lerp",
    "lgamma",
    "linalg_norm",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "logsumexp",
    "lt",
    "matrix_norm",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "multiply",
    "nanmean",
    "nansum",
    "ne",
    "neg",
    "negative",
    "norm",
    "normalize",
    "pow",
    "prod",
    "rad2deg",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "std",
    "std_mean",
    "sub",
    "subtract",
    "sum",
    "tan",
    "tanh",
    "trapezoid",
    "trapz",
    "true_divide",
    "trunc",
    "var",
    "var_mean",
    "vector_norm",
    "where",
    "xlogy",
]  # fmt: skip
__all__ += linalg.__all__
__all__ += shapes.__all__ + selection.__all__
