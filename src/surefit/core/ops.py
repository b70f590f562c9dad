"""The one table of primitives.

Every capability of surefit is a *reading* of this table: evaluate (here), differentiate (`tensor`),
batch (`batching`), record (`program`), and later compile, bound and export. A primitive is declared once:

    tanh = unary("tanh", np.tanh, lambda g, y, x: g * (1.0 - y * y), kind="float")

that is: its name, its value on NumPy arrays, and one gradient rule per argument, `rule(g, y, *args, **params)`
-> cotangent of that argument. Rules are ordinary arithmetic on primitives, so they run on whatever kind of
value they are given: arrays, names being recorded, batched values, or Tensors (which gives gradients of
gradients). Rules never mention broadcasting or promotion: `backward` undoes both, once.

Two tiers. *core*: every reading must exist. *special*: value and gradient; the other readings are optional and
their absence is a named error.

Kinks follow PyTorch: relu'(0) = 0, abs'(0) = 0, ties of max share the gradient evenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import gt as gt_
from typing import Any

import numpy as np

from surefit.core.primitive import (
    DTYPES,
    FLOATS,
    KINDS,
    RANK,
    TABLE,
    Arithmetic,
    Aval,
    Function,
    Literal,
    Op,
    Part,
    as_array,
    at_once,
    aval_of,
    binary,
    bool_,
    broadcast_shapes,
    default,
    dtype_of,
    float32,
    float64,
    from_nothing,
    int32,
    int64,
    known,
    ndarray,
    normalize_axes,
    normalize_axis,
    operand_dtype,
    part_of,
    plain_array,
    primitive,
    promote,
    promoted,
    quietly,
    shape_of,
    silent,
    unary,
)
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError


def zeros_like(x: Any) -> Any:
    """Zeros of x's shape and dtype, as the same kind of value."""
    return broadcast_to(np.zeros((), x.dtype), shape=x.shape)


def _nothing(g: Any, y: Any, *args: Any, **params: Any) -> Any:
    """The gradient of a step function: zero wherever it exists."""
    return zeros_like(g)


# --- arithmetic -------------------------------------------------------------------------------------


def _integer_checked(name: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    def checked(a: Any, b: Any) -> Any:
        if np.asarray(b).dtype.kind in "ib" and not np.all(b):
            raise ArgumentError(f"{name}: integer division by zero; cast to float first to get inf or nan")
        return fn(a, b)

    return checked


def _integer_power(a: Any, b: Any) -> Any:
    if np.asarray(b).dtype.kind == "i" and np.any(np.asarray(b) < 0):
        raise ArgumentError("pow: an integer cannot be raised to a negative integer power; cast to float first")
    return np.power(a, b)


def _pow_vjp_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    # b a^(b-1), which is 0 for b = 0 whatever a is (0^-1 is infinite); pow(a, b - 1) keeps a = 0 exact
    if b.__class__ in (int, float):
        return zeros_like(g) if b == 0 else g * (b * pow_(a, b - 1))
    zero = eq(b, 0)
    return where(zero, 0.0, g * (b * pow_(a, where(zero, 1.0, b - 1))))


def _pow_vjp_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # y log a, with 0^b log 0 = 0 for b >= 0 as PyTorch has it
    if a.__class__ in (int, float):
        a = zeros_like(y) + a  # as exact as y
    flat = logical_and(eq(a, 0), ge(b, 0))
    return where(flat, 0.0, g * (y * log(where(flat, 1.0, a))))


def _share(g: Any, a: Any, b: Any, loses: Op) -> Any:
    return where(eq(a, b), g * 0.5, where(loses(a, b), 0.0, g))


add = binary("add", np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
sub = binary("sub", np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g, kind="number")
mul = binary("mul", np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
div = binary("div", np.true_divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -((g * y) / b), kind="float")
floor_divide = binary(
    "floor_divide", _integer_checked("floor_divide", np.floor_divide), _nothing, _nothing, kind="number"
)
remainder = binary(  # the sign of the divisor, as Python's %
    "remainder", _integer_checked("remainder", np.remainder),
    lambda g, y, a, b: g, lambda g, y, a, b: -(g * floor_divide(a, b)), kind="number",
)  # fmt: skip
fmod = binary(  # the sign of the dividend, as C's fmod
    "fmod", _integer_checked("fmod", np.fmod),
    lambda g, y, a, b: g, lambda g, y, a, b: -(g * trunc(a / b)), kind="number",
)  # fmt: skip
pow_ = binary("pow", _integer_power, _pow_vjp_base, _pow_vjp_exponent, kind="number")
maximum = binary("maximum", np.maximum, lambda g, y, a, b: _share(g, a, b, lt), lambda g, y, a, b: _share(g, a, b, gt))
minimum = binary("minimum", np.minimum, lambda g, y, a, b: _share(g, a, b, gt), lambda g, y, a, b: _share(g, a, b, lt))


def _per_square(x: Any, a: Any, b: Any) -> Any:
    """x / (a^2 + b^2), and 0 at the origin."""
    origin = logical_and(eq(a, 0.0), eq(b, 0.0))
    return where(origin, 0.0, x / where(origin, 1.0, a * a + b * b))


atan2 = binary(
    "atan2", np.arctan2,
    lambda g, y, a, b: g * _per_square(b, a, b), lambda g, y, a, b: -(g * _per_square(a, a, b)), kind="float",
)  # fmt: skip

# --- comparison and logic: results are bool, no gradient passes -----------------------------------------

eq = binary("eq", np.equal, None, None, result="bool")
ne = binary("ne", np.not_equal, None, None, result="bool")
lt = binary("lt", np.less, None, None, result="bool")
le = binary("le", np.less_equal, None, None, result="bool")
gt = binary("gt", np.greater, None, None, result="bool")
ge = binary("ge", np.greater_equal, None, None, result="bool")
logical_and = binary("logical_and", np.logical_and, None, None, kind="logical", result="bool")
logical_or = binary("logical_or", np.logical_or, None, None, kind="logical", result="bool")
logical_xor = binary("logical_xor", np.logical_xor, None, None, kind="logical", result="bool")
logical_not = unary("logical_not", np.logical_not, None, kind="logical", result="bool")


def _where_value(c: Any, a: Any, b: Any) -> Any:
    if a.__class__ is float and b.__class__ is ndarray and b.dtype in FLOATS:
        a = b.dtype.type(a)
    elif b.__class__ is float and a.__class__ is ndarray and a.dtype in FLOATS:
        b = a.dtype.type(b)
    elif not (a.__class__ is ndarray and b.__class__ is ndarray and a.dtype is b.dtype):
        (a, b), weak = promoted("where", (a, b), "same")
        if weak:  # numbers chosen by an array: they become what surefit.tensor would make of them
            a, b = (v.astype(default.float) if v.dtype == float64 else v for v in (a, b))
    if np.asarray(c).dtype != bool_:
        c = np.not_equal(c, 0)
    return np.where(c, a, b)


def _where_rule(c: Aval, a: Aval, b: Aval) -> Aval:
    dtype, weak = promote((a, b))
    if weak and dtype == float64:
        dtype = default.float
    return Aval(broadcast_shapes("where", c.shape, a.shape, b.shape), dtype)


where = Op(
    "where", _where_value,
    (None, lambda g, y, c, a, b: where(c, g, 0.0), lambda g, y, c, a, b: where(c, 0.0, g)), _where_rule,
    category="where",
)  # fmt: skip

# --- elementwise functions --------------------------------------------------------------------------------

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


def _special(name: str) -> Callable[..., Any]:
    """A function of scipy.special, imported when it is first used."""

    def call(*args: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*args)

    return call


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def _relu(x: Any) -> Any:
    # against a row of zeros: NumPy has no fast loop for the maximum with one number
    return np.maximum(x, np.zeros(x.shape[-1], x.dtype)) if x.ndim else np.maximum(x, x.dtype.type(0))


def _sign(x: Any) -> Any:
    return np.greater(x, 0).astype(x.dtype) - np.less(x, 0)  # 0 for NaN, as PyTorch has it


def _whole(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Rounding: integers are round already, and stay integers."""
    return lambda x: x if x.dtype.kind in "iu" else fn(x)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _lgamma(x: Any) -> Any:
    return np.where(np.isneginf(x), -x, _special("gammaln")(x))  # inf at -inf, as in C


def _polygamma(n: Any, x: Any) -> Any:
    y = _special("polygamma")(n, x)  # which is float64 whatever x is, and inf at -inf, where there is no limit
    return np.where(np.isneginf(x), np.nan, y).astype(np.result_type(n, x))


neg = unary("neg", np.negative, lambda g, y, x: -g, kind="number")
abs_ = unary("abs", np.abs, lambda g, y, x: g * sign(x))
sign = unary("sign", _sign, _nothing, kind="number")
square = unary("square", np.square, lambda g, y, x: g * (x + x), kind="number")
sqrt = unary("sqrt", np.sqrt, lambda g, y, x: g / (y + y), kind="float")
exp = unary("exp", np.exp, lambda g, y, x: g * y, kind="float")
expm1 = unary("expm1", np.expm1, lambda g, y, x: g * (y + 1.0), kind="float")
log = unary("log", np.log, lambda g, y, x: g / x, kind="float")
log1p = unary("log1p", np.log1p, lambda g, y, x: g / (x + 1.0), kind="float")
sin = unary("sin", np.sin, lambda g, y, x: g * cos(x), kind="float")
cos = unary("cos", np.cos, lambda g, y, x: -(g * sin(x)), kind="float")
tan = unary("tan", np.tan, lambda g, y, x: g * (y * y + 1.0), kind="float")
asin = unary("asin", np.arcsin, lambda g, y, x: g / sqrt(1.0 - x * x), kind="float")
acos = unary("acos", np.arccos, lambda g, y, x: -(g / sqrt(1.0 - x * x)), kind="float")
atan = unary("atan", np.arctan, lambda g, y, x: g / (x * x + 1.0), kind="float")
sinh = unary("sinh", np.sinh, lambda g, y, x: g * cosh(x), kind="float")
cosh = unary("cosh", np.cosh, lambda g, y, x: g * sinh(x), kind="float")
tanh = unary("tanh", np.tanh, lambda g, y, x: g * (1.0 - y * y), kind="float")
asinh = unary("asinh", np.arcsinh, lambda g, y, x: g / sqrt(x * x + 1.0), kind="float")
acosh = unary("acosh", np.arccosh, lambda g, y, x: g / sqrt((x - 1.0) * (x + 1.0)), kind="float")
atanh = unary("atanh", np.arctanh, lambda g, y, x: g / (1.0 - x * x), kind="float")
sigmoid = unary("sigmoid", _sigmoid, lambda g, y, x: g * (y * (1.0 - y)), kind="float")
softplus = unary("softplus", _softplus, lambda g, y, x: g * sigmoid(x), kind="float")
relu = unary("relu", _relu, lambda g, y, x: g * ne(y, 0.0))  # y > 0 or NaN
erf = unary("erf", _special("erf"), lambda g, y, x: g * (_TWO_OVER_SQRT_PI * exp(-(x * x))), kind="float")
floor = unary("floor", _whole(np.floor), _nothing, kind="number")
ceil = unary("ceil", _whole(np.ceil), _nothing, kind="number")
round_ = unary("round", _whole(np.round), _nothing, kind="number")  # half to even
trunc = unary("trunc", _whole(np.trunc), _nothing, kind="number")

# special tier: value and gradient
exp2 = unary("exp2", np.exp2, lambda g, y, x: g * (y * math.log(2.0)), kind="float", tier="special")
log2 = unary("log2", np.log2, lambda g, y, x: g / (x * math.log(2.0)), "float", tier="special")
log10 = unary("log10", np.log10, lambda g, y, x: g / (x * math.log(10.0)), "float", tier="special")
cbrt = unary("cbrt", np.cbrt, lambda g, y, x: g / (3.0 * (y * y)), kind="float", tier="special")
hypot = binary(
    "hypot", np.hypot, lambda g, y, a, b: g * (a / y), lambda g, y, a, b: g * (b / y), "float", tier="special",
)  # fmt: skip
logaddexp = binary(
    "logaddexp", np.logaddexp, lambda g, y, a, b: g * sigmoid(a - b), lambda g, y, a, b: g * sigmoid(b - a),
    "float", tier="special",
)  # fmt: skip
erfc = unary(
    "erfc", _special("erfc"), lambda g, y, x: -(g * (_TWO_OVER_SQRT_PI * exp(-(x * x)))), "float", tier="special"
)
erfinv = unary(
    "erfinv", _special("erfinv"), lambda g, y, x: g * (exp(y * y) / _TWO_OVER_SQRT_PI), "float", tier="special"
)
lgamma = unary("lgamma", _lgamma, lambda g, y, x: g * digamma(x), "float", tier="special")
digamma = unary("digamma", _special("digamma"), lambda g, y, x: g * polygamma(1.0, x), "float", tier="special")
polygamma = binary(  # order n >= 0 (no gradient in n), then x
    "polygamma", _polygamma, None, lambda g, y, n, x: g * polygamma(n + 1.0, x), "float", tier="special"
)
gamma = unary("gamma", _special("gamma"), lambda g, y, x: g * (y * digamma(x)), "float", tier="special")
bessel_i0 = unary("i0", _special("i0"), lambda g, y, x: g * bessel_i1(x), "float", tier="special")
bessel_i1 = unary(  # i1' = i0 - i1 / x, and 1/2 at 0
    "i1", _special("i1"),
    lambda g, y, x: g * where(eq(x, 0.0), 0.5, bessel_i0(x) - y / where(eq(x, 0.0), 1.0, x)), "float", tier="special",
)  # fmt: skip
bessel_j0 = unary("j0", _special("j0"), lambda g, y, x: -(g * bessel_j1(x)), "float", tier="special")
bessel_j1 = unary(  # j1' = j0 - j1 / x, and 1/2 at 0
    "j1", _special("j1"),
    lambda g, y, x: g * where(eq(x, 0.0), 0.5, bessel_j0(x) - y / where(eq(x, 0.0), 1.0, x)), "float", tier="special",
)  # fmt: skip

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
    return _spread(g, x, axes) * transpose(others, axes=_inverse(order))


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


def swap_last(x: Any) -> Any:
    """The last two axes exchanged."""
    n = x.ndim
    return _turned(x, (1, 0) if n == 2 else (*range(n - 2), n - 1, n - 2))


def _turned(x: Any, axes: tuple[int, ...]) -> Any:
    """`transpose` in the gradients of every layer, where its dispatch would cost more than it does."""
    return x.transpose(axes) if x.__class__ is ndarray else transpose(x, axes=axes)


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


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
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
    (lambda g, y, x, axes: _turned(g, _inverse(axes)),),
    _transpose_rule,
    put=lambda x, new, axes: transpose(new, axes=_inverse(axes)),
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
