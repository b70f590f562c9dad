"""Primitives of each element: arithmetic, the elementary functions, activations, special functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core.primitive import Op, binary, unary
from surefit.core.table.comparison import eq, ge, gt, logical_and, lt, ne, where
from surefit.core.table.structure import no_gradient, zeros_like
from surefit.errors import ArgumentError

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
    "floor_divide", _integer_checked("floor_divide", np.floor_divide), no_gradient, no_gradient, kind="number"
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
sign = unary("sign", _sign, no_gradient, kind="number")
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
floor = unary("floor", _whole(np.floor), no_gradient, kind="number")
ceil = unary("ceil", _whole(np.ceil), no_gradient, kind="number")
round_ = unary("round", _whole(np.round), no_gradient, kind="number")  # half to even
trunc = unary("trunc", _whole(np.trunc), no_gradient, kind="number")

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
