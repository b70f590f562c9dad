"""Elementary functions as vector code: every function of the table of primitives that is not one instruction.

    FUNCTIONS["tanh"](f, x)          # x: a Value of kind f32 or f64, of any width; the instructions go into f

One formula has two readings. Where the function being written allows contraction (`FAST`), products and sums are fused
where the target can; where its flags are "", every operation is rounded on its own and nothing is reordered, so that
the bits are the same on every machine and for every vector width. MAX_ULP states the error of both.

There are no tables, and no branches but for huge angles and for remainders of numbers that are far apart: all lanes
take the same way, and special values are chosen at the end. Arguments are reduced as in Cody and Waite, "Software
Manual for the Elementary Functions", 1980, and in Muller, "Handbook of Floating-Point Arithmetic", 2018, chapter 10;
huge angles as in Payne and Hanek, "Radian reduction for trigonometric functions", 1983 (`range_reduction`). Logarithms
by (m - 1) / (m + 1) and e^x - 1 put together from two parts are in Tang's papers of 1989 to 1992 and in Sun's fdlibm.
Polynomials are our own: scripts/minimax.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from surefit.ir import coefficients as C
from surefit.ir.builder import Function, Value
from surefit.ir.lanes import (
    BIAS,
    LARGEST,
    MANTISSA,
    Lanes,
    any_lane,
    check,
    constant_of,
    fast_two_sum,
    polynomial,
    reading,
    replaced,
    short_polynomial,
    two_product,
    two_sum,
    where,
)
from surefit.ir.range_reduction import quadrants

FUNCTIONS: dict[str, Callable[..., Value]] = {}  # name of a primitive -> what writes it

# The largest error of both readings in units in the last place, as tests/compiler/test_mathlib.py holds them to; 0 is
# the very number that NumPy gives. (A constant power of 3 is two products: 2. Where the two parts of logaddexp cancel,
# its units are those of the larger part.) Infinities, NaN and zeros are where they belong, with their signs.
MAX_ULP: dict[str, dict[str, float]] = {
    "exp": {"f32": 1.1, "f64": 1.0}, "expm1": {"f32": 1.25, "f64": 1.0},
    "log": {"f32": 0.9, "f64": 0.8}, "log1p": {"f32": 0.9, "f64": 0.8},
    "sin": {"f32": 1.6, "f64": 0.8}, "cos": {"f32": 1.6, "f64": 0.8}, "tan": {"f32": 1.1, "f64": 0.8},
    "asin": {"f32": 0.75, "f64": 0.7}, "acos": {"f32": 0.75, "f64": 0.7}, "atan": {"f32": 0.95, "f64": 0.9},
    "sinh": {"f32": 1.7, "f64": 1.6}, "cosh": {"f32": 1.6, "f64": 1.4}, "tanh": {"f32": 1.8, "f64": 1.8},
    "asinh": {"f32": 1.3, "f64": 1.1}, "acosh": {"f32": 1.0, "f64": 1.1}, "atanh": {"f32": 0.9, "f64": 0.9},
    "sigmoid": {"f32": 2.0, "f64": 1.8}, "softplus": {"f32": 1.95, "f64": 1.6}, "erf": {"f32": 1.8, "f64": 1.4},
    "exp2": {"f32": 1.1, "f64": 1.0}, "log2": {"f32": 1.0, "f64": 0.8}, "log10": {"f32": 1.0, "f64": 0.8},
    "erfc": {"f32": 1.25, "f64": 1.7}, "cbrt": {"f32": 0.51, "f64": 0.7}, "hypot": {"f32": 0.51, "f64": 0.6},
    "logaddexp": {"f32": 2.0, "f64": 1.6},
    "pow": {"f32": 0.55, "f64": 1.0}, "atan2": {"f32": 1.7, "f64": 1.4},
    "fmod": {"f32": 0, "f64": 0}, "remainder": {"f32": 0, "f64": 0}, "floor_divide": {"f32": 0, "f64": 0},
    "sign": {"f32": 0, "f64": 0},
}  # fmt: skip

# What bounds of running models count with in the strict reading: no less than a unit of what tests alone have found. Of
# tanh in float64 it is derived: a half at its end and, where it is t itself, six roundings of t - r, below 0.022 t.
STRICT_ULP = {name: {kind: max(1.0, ulp) for kind, ulp in bound.items()} for name, bound in MAX_ULP.items()}
STRICT_ULP["tanh"]["f64"] = 0.64


def _elementary(name: str) -> Callable[[Callable[..., Lanes]], Callable[..., Lanes]]:
    """Enter a formula into FUNCTIONS; it is read with contraction or strictly, never with reassociation."""

    def enter(formula: Callable[..., Lanes]) -> Callable[..., Lanes]:
        @wraps(formula)
        def write(f: Function, *args: Value) -> Value:
            with reading(f, "contract " if "contract" in f.flags else ""):
                return formula(*(Lanes(f, check(x)) for x in args)).v

        FUNCTIONS[name] = write
        return formula

    return enter


def _constant(like: Lanes, x: float) -> Lanes:
    return Lanes(like.f, like.f.const(x, like.v))


# --- the exponential and its relatives ------------------------------------------------------------------------------

_SHIFT = {"f32": 1.5 * 2.0**23, "f64": 1.5 * 2.0**52}  # adding it rounds to an integer and leaves that in the low bits
_LN2 = {"f32": C.LN2_F32, "f64": C.LN2_F64}
_EXP = {"f32": C.EXP_F32, "f64": C.EXP_F64}
_EXP_LOW = {"f32": -105.0, "f64": -746.0}  # exp is 0 here and below
_EXP_HIGH = {"f32": 89.0, "f64": 710.0}  # and infinite here and above
_DENORMAL = {"f32": 26, "f64": 54}  # 2^-this times any power of two down to the smallest is normal
_ROUND = {"f32": -20.0, "f64": -40.0}  # expm1 is -1 here and below


def _reduced(x: Lanes, bias: int = 0) -> tuple[Lanes, Lanes, Lanes]:
    """x = k ln(2) + r with |r| <= ln(2)/2: (r, k, integers whose low bits are k + bias)."""
    high, low = _LN2[x.kind]
    k, n = _nearest(x, 1 / math.log(2), bias)
    return (x - k * high) - k * low, k, n


def _nearest(x: Lanes, scale: float, bias: int = 0) -> tuple[Lanes, Lanes]:
    """The integer k nearest to x times scale, as a float, and as integers whose low bits are k + bias."""
    shift = _SHIFT[x.kind] + bias
    t = x * scale + shift
    return t - shift, t.bits()


def _tail(r: Lanes) -> Lanes:
    """e^r - 1 - r."""
    return (r * r) * short_polynomial(r, _EXP[r.kind])


def _power_of_two(k: Lanes) -> Lanes:
    """2^k, which must be normal; only the low bits of the integers k count."""
    kind = "f32" if k.kind == "i32" else "f64"
    return ((k << MANTISSA[kind]) + (BIAS[kind] << MANTISSA[kind])).as_float()


@_elementary("exp")
def _exp(x: Lanes) -> Lanes:
    r, _, k = _reduced(x.at_most(_EXP_HIGH[x.kind]).at_least(_EXP_LOW[x.kind]))
    half = k >> 1  # 2^k in two factors, since the result may be denormal or 2^k infinite
    return ((1.0 + (r + _tail(r))) * _power_of_two(half)) * _power_of_two(k - half)


@_elementary("exp2")
def _exp2(x: Lanes) -> Lanes:
    # 2^k e^(r ln(2)); both bounds are far enough for the results beyond them to be 0 and infinite
    bound = 2.0 * BIAS[x.kind]
    x = x.at_most(bound).at_least(-bound)
    k, n = _nearest(x, 1.0)
    r = (x - k) * math.log(2)
    half = n >> 1
    return ((1.0 + (r + _tail(r))) * _power_of_two(half)) * _power_of_two(n - half)


def _exp_of_negative(a: Lanes, times: float = 1.0) -> Lanes:
    """e^a for a <= 0, times a constant."""
    bias = _DENORMAL[a.kind]
    small = times * 2.0**-bias
    high, low = _LN2[a.kind]
    a = a.at_least(_EXP_LOW[a.kind])
    k, n = _nearest(a, 1 / math.log(2), bias)
    b = a - k * high
    r = b - k * low
    rest = (b - r) - k * low  # what r has lost
    w = r + ((r * r) * short_polynomial(r, _EXP[a.kind]) + rest)
    scale = _power_of_two(n) * small  # early, since w is what one waits for
    return w * scale + scale


@_elementary("expm1")
def _expm1(x: Lanes) -> Lanes:
    # 2 (h - 1/2 + h (e^r - 1)), h = 2^(k - 1); e^r - 1 = r + rest
    bounded = x.at_most(_EXP_HIGH[x.kind]).at_least(_ROUND[x.kind])
    high, low = _LN2[x.kind]
    k, n = _nearest(bounded, 1 / math.log(2))
    a = bounded - k * high
    r = a - k * low
    rest = _tail(r) + ((a - r) - k * low)
    h = _power_of_two(n - 1)
    s, lost = fast_two_sum(h - 0.5, h * r)  # h r is exact; where |h - 1/2| < |h r|, h is 1/2
    half = s + (lost + h * rest)
    return where(k.is_("eq", 0.0), r + rest, half + half).sign_of(x)


_TANH = {"f32": C.TANH_F32, "f64": C.TANH_F64}


@_elementary("tanh")
def _tanh(x: Lanes) -> Lanes:
    # |x| = k ln(2)/2 + r and t = tanh(r), of which a small r leaves a short polynomial. Then by the theorem of addition
    # n / d, n = 2^k - 1 + (2^k + 1) t, d = 2^k + 1 + (2^k - 1) t = n + 2 (1 - t)
    a = x.abs().at_most(9.1 if x.kind == "f32" else 20.0)
    high, low = _LN2[x.kind]
    k, m = _nearest(a - _TANH_SHIFT, 2 / math.log(2))
    b, lower = a - k * (high / 2), k * (low / 2)
    r = b - lower
    z = r * r
    tail = (r * z) * short_polynomial(z, _TANH[x.kind])
    s = _power_of_two(m)
    less, more = s - 1.0, s + 1.0
    large = s.is_("gt", 2.0)
    t = r + tail
    if "contract" in x.f.flags or x.kind == "f32":
        # where 2^k is 1, no digit is lost, and by the second form of d, what n has lost counts the less the nearer the
        # result is to 1
        n = more * t + less
        return (n / where(large, n + (2.0 - 2.0 * t), less * t + more)).sign_of(x)
    # The strict reading of float64 is rounded once, at its end: the bounds of running models count on it. It takes half
    # as long again, which who asks for float32 is spared. Of t the first digits make n, d and 2 (1 - t) exact, of the
    # quotient q the first digits its product with d; what is left of both is small, and so are its roundings. Near 1
    # the result is 1 - 2 (1 - t) / d.
    first = (t + _TANH_DIGITS) - _TANH_DIGITS
    rest = ((b - first) - lower) + tail
    scaled, other = s * (1.0 + first), 1.0 - first
    n, d = where(large, other * -2.0, scaled - other), scaled + other
    of_n, of_d = where(large, 2.0, more) * rest, less * rest
    inverse = 1.0 / (d + of_d)
    q = (n * inverse + _TANH_DIGITS) - _TANH_DIGITS
    left = (n - q * d) + (of_n - q * of_d)
    y = (where(large, _constant(x, 1.0), 0.0) + q) + left * inverse
    return where(k.is_("eq", 0.0), t, y).sign_of(x)


_TANH_SHIFT = 0.0826  # r is between -0.091 and 0.256: n and d are rounded less where the result nears 1/4 or 1/2
_TANH_DIGITS = 1.5 * 2.0**27  # adding it leaves 25 binary places


@_elementary("sigmoid")
def _sigmoid(x: Lanes) -> Lanes:
    # e^-|x| or 1 over their sum, whose rounding has to be small: fused, all are times 1.5, since a sum a little below 2
    # is rounded less than one above 1; else the loss is found and most of it given back (1 / d is 0.95 or so)
    fused = "contract" in x.f.flags
    one = 1.5 if fused else 1.0
    e = _exp_of_negative(-x.abs(), one)
    d = e + one
    y = where(x.is_("lt", 0.0), e, one) / d
    return y if fused else y - y * ((e - (d - one)) * 0.95)


@_elementary("softplus")
def _softplus(x: Lanes) -> Lanes:
    return _plus_log_one_plus(x.at_least(0.0), _exp_of_negative(-x.abs()))


def _plus_log_one_plus(x: Lanes, e: Lanes) -> Lanes:
    """x + log(1 + e), 0 <= e <= 1."""
    if x.kind == "f32":
        square = e * e
        return e + (x - (square * 0.5 - (square * e) * polynomial(e, C.SOFTPLUS_F32)))
    return x + _log_of(*_one_plus(e, lambda lost, u: lost * 0.6))  # u is from sqrt(2) to 2 where that counts


@_elementary("logaddexp")
def _logaddexp(a: Lanes, b: Lanes) -> Lanes:
    # the larger, plus log(1 + e^-d), where d says exactly how much larger
    high, low = two_sum(a, -b)
    low = where(high.abs().is_("lt", math.inf), low, 0.0)
    low = where(high.is_("lt", 0.0), -low, low)
    e = _exp_of_negative(-where(a.is_("eq", b), 0.0, high.abs()))  # two infinities are not apart
    return _plus_log_one_plus(where(a.is_("gt", b), a, b), e - e * low)


def _half_exp(a: Lanes) -> Lanes:
    """e^a / 2 for a >= 0, infinite only where that is."""
    r, _, k = _reduced(a.at_most(90.0 if a.kind == "f32" else 711.0))
    half = k >> 1
    return ((1.0 + (r + _tail(r))) * _power_of_two(half)) * _power_of_two((k - half) - 1)


@_elementary("cosh")
def _cosh(x: Lanes) -> Lanes:
    e = _half_exp(x.abs())
    return e + 0.25 / e


_SINH = {"f32": C.SINH_F32, "f64": C.SINH_F64}


@_elementary("sinh")
def _sinh(x: Lanes) -> Lanes:
    a, z = x.abs(), x * x
    near = x + (x * z) * polynomial(z, _SINH[x.kind])
    e = _half_exp(a)
    return where(a.is_("lt", 1.0), near, (e - 0.25 / e).sign_of(x))


# --- the logarithm and its relatives --------------------------------------------------------------------------------


_SMALLEST = {"f32": 2.0**-126, "f64": 2.0**-1022}  # normal number
_RAISE = {"f32": 24, "f64": 53}


def _exponent(x: Lanes) -> tuple[Lanes, Lanes]:
    """x = z 2^k with sqrt(1/2) <= z < sqrt(2), x normal and positive: (z, k as a float)."""
    kind = x.kind
    m = MANTISSA[kind]
    root = {"f32": 0x3F3504F3, "f64": 0x3FE6A09E667F3BCD}[kind]  # bits of sqrt(1/2)
    f = x.f
    n = x.bits()
    t = n - root
    k = Lanes(f, f.ashr(t.v, m))
    z = (n - (k << m)).as_float()
    if kind == "f32":
        return z, k.to("f32")
    shift = _SHIFT[kind]
    bits = 0x4338 << 48
    return z, (k + bits).as_float() - shift


def _log_of(t: Lanes, k: Lanes, low: Any = 0.0) -> Lanes:
    """k ln(2) + log(1 + t) + low, sqrt(1/2) - 1 <= t < sqrt(2) - 1, |low| tiny."""
    high2, low2 = _LN2[t.kind]
    half = 0.5 * t * t
    if t.kind == "f32":
        y = (t * t) * t * short_polynomial(t, C.LOG1P_F32)
        return k * high2 + (t - (half - (y + (k * low2 + low))))
    s = t / (2.0 + t)
    z = s * s
    r = z * polynomial(z, C.LOG_F64)
    return k * high2 - ((half - (s * (half + r) + (k * low2 + low))) - t)


def _where_log_is_defined(x: Lanes, y: Lanes) -> Lanes:
    """y for finite x > 0; -inf, inf, NaN elsewhere."""
    y = where(x.is_("lt", math.inf), y, x)
    return where(x.is_("gt", 0.0), y, where(x.is_("eq", 0.0), _constant(x, -math.inf), math.nan))


@_elementary("log")
def _log(x: Lanes) -> Lanes:
    small = x.is_("lt", _SMALLEST[x.kind])
    up = _RAISE[x.kind]
    z, k = _exponent(where(small, x * 2.0**up, x))
    y = _log_of(z - 1.0, k - where(small, _constant(x, float(up)), 0.0))
    return _where_log_is_defined(x, y)


def _log_by_base(x: Lanes, part: tuple[float, float], of_two: tuple[float, float]) -> Lanes:
    """log(x) times a constant, which is part[0] + part[1]; of_two: the same of 2, so that k of_two[0] is exact."""
    small = x.is_("lt", _SMALLEST[x.kind])
    up = _RAISE[x.kind]
    z, k = _exponent(where(small, x * 2.0**up, x))
    k = k - where(small, _constant(x, float(up)), 0.0)
    t = z - 1.0
    half = 0.5 * t * t
    if x.kind == "f32":
        rest = (t * t) * t * short_polynomial(t, C.LOG1P_F32) - half
    else:
        s = t / (2.0 + t)
        rest = s * (half + (s * s) * polynomial(s * s, C.LOG_F64)) - half
    # k of_two + part t + part rest
    p, p_low = two_product(t, _constant(x, part[0]))
    s, lost = two_sum(k * of_two[0], p)
    y = s + (lost + (p_low + (t * part[1] + rest * part[0]) + k * of_two[1]))
    return _where_log_is_defined(x, y)


_LOG2_E = {"f32": C.LOG2_E_F32, "f64": C.LOG2_E_F64}
_LOG10_E = {"f32": C.LOG10_E_F32, "f64": C.LOG10_E_F64}
_LOG10_2 = {"f32": C.LOG10_2_F32, "f64": C.LOG10_2_F64}


@_elementary("log2")
def _log2(x: Lanes) -> Lanes:
    return _log_by_base(x, _LOG2_E[x.kind], (1.0, 0.0))


@_elementary("log10")
def _log10(x: Lanes) -> Lanes:
    return _log_by_base(x, _LOG10_E[x.kind], _LOG10_2[x.kind])


def _one_plus(x: Lanes, divide: Callable[[Lanes, Lanes], Lanes]) -> tuple[Lanes, Lanes, Lanes]:
    """1 + x as `_log_of` wants it, x > -1; divide: (what the sum has lost, the sum) -> their quotient, roughly."""
    u, lost = two_sum(1.0, x)
    z, k = _exponent(u)
    near = k.is_("eq", 0.0)
    return where(near, x, z - 1.0), k, divide(where(near, 0.0, lost), u)


@_elementary("log1p")
def _log1p(x: Lanes, low: Any = 0.0) -> Lanes:
    """log(1 + x + low), low tiny beside x."""
    y = _log_of(*_one_plus(x, lambda lost, u: (lost + low) / u))
    y = where(x.is_("lt", math.inf), y, x)
    y = where(x.is_("gt", -1.0), y, where(x.is_("eq", -1.0), _constant(x, -math.inf), math.nan))
    return where(x.is_("eq", 0.0), x, y)


_FAR_OUT = {"f32": 2.0**50, "f64": 2.0**500}  # here x + 1 is x, and x^2 is finite


@_elementary("asinh")
def _asinh(x: Lanes) -> Lanes:
    # log(1 + w), w = a + a^2 / (1 + sqrt(a^2 + 1)), a = |x|; far out log(2 a)
    a = x.abs()
    far = a.is_("gt", _FAR_OUT[x.kind])
    b = where(far, 1.0, a)
    square = b * b
    w, lost = two_sum(b, square / (1.0 + (square + 1.0).sqrt()))
    near = _log1p(w, lost)
    y = where(far, _log(a) + math.log(2), near)
    return where(a.is_("lt", 2.0**-28), a, y).sign_of(x)


@_elementary("acosh")
def _acosh(x: Lanes) -> Lanes:
    # log(1 + w), w = d + sqrt(d (d + 2)), d = x - 1
    far = x.is_("gt", _FAR_OUT[x.kind])
    d = where(far, 1.0, x) - 1.0
    e, lost_e = two_sum(d, 2.0)
    p, lost_p = two_product(d, e)
    lost_p = lost_p + d * lost_e
    s = p.sqrt()
    q, lost_q = two_product(s, s)
    with reading(x.f, ""):
        rest = (p - q) - lost_q
    lost_s = where(s.is_("gt", 0.0), (rest + lost_p) / (s + s), 0.0)
    w, lost = two_sum(s, d)
    near = _log1p(w, lost + lost_s)
    y = where(far, _log(x) + math.log(2), near)
    return where(x.is_("lt", 1.0), math.nan, y)


_LOG = {"f32": C.LOG_F32, "f64": C.LOG_F64}


@_elementary("atanh")
def _atanh(x: Lanes) -> Lanes:
    # log((1 + a) / (1 - a)) / 2, a = |x|: with c = 2^-k near (1 - a) / (1 + a), k ln(2) / 2 + atanh(s)
    a = x.abs()
    b = where(a.is_("lt", 1.0), a, 0.0)
    _, k = _exponent((1.0 + b) / (1.0 - b))
    c = _power_of_two((_SHIFT[x.kind] - k).bits())
    (u, u_low), (v, v_low) = two_sum(c, c * b), two_sum(1.0, -b)
    (n, n_low), (d, d_low) = two_sum(u, -v), two_sum(u, v)
    s = n / d
    q, q_low = two_product(s, d)
    with reading(x.f, ""):
        rest = ((n - q) - q_low) + ((n_low + (u_low - v_low)) - s * (d_low + (u_low + v_low)))
    s_low = rest / d
    near = k.is_("eq", 0.0)
    s, s_low = where(near, b, s), where(near, 0.0, s_low)
    z = s * s
    high, low = _LN2[x.kind]
    y = k * (high / 2) + (s + ((s * z) * (0.5 * polynomial(z, _LOG[x.kind])) + (s_low + k * (low / 2))))
    y = where(a.is_("lt", 1.0), y, where(a.is_("eq", 1.0), _constant(a, math.inf), math.nan))
    return y.sign_of(x)


# --- angles ---------------------------------------------------------------------------------------------------------


_SIN = {"f32": C.SIN_F32, "f64": C.SIN_F64}
_COS = {"f32": C.COS_F32, "f64": C.COS_F64}


def _sin_and_cos(r: Lanes, low: Lanes | None) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """Of r + low, |r| <= pi/4, each as the sum of two: (sin, its rest, cos, its rest)."""
    z = r * r
    half = z * 0.5
    w = 1.0 - half
    s = (r * z) * polynomial(z, _SIN[r.kind])
    c = (z * z) * polynomial(z, _COS[r.kind])
    if low is None:
        return r, s, w, c
    return r, s + low * w, w, ((1.0 - w) - half) + (c - r * low)


def _turned(a: Lanes, k: Lanes) -> Lanes:
    """-a where the second bit of k is set."""
    return (((k & 2) << (30 if k.kind == "i32" else 62)) ^ a.bits()).as_float()


@_elementary("sin")
def _sin(x: Lanes) -> Lanes:
    r, low, k = quadrants(x, x.kind == "f64")
    s, s_low, c, c_low = _sin_and_cos(r, low)
    s, c = s + s_low, c + c_low
    return where(x.is_("eq", 0.0), x, _turned(where((k & 1).is_("eq", 0), s, c), k))


@_elementary("cos")
def _cos(x: Lanes) -> Lanes:
    r, low, k = quadrants(x, x.kind == "f64")
    s, s_low, c, c_low = _sin_and_cos(r, low)
    s, c = s + s_low, c + c_low
    return _turned(where((k & 1).is_("eq", 0), c, s), k + 1)


@_elementary("tan")
def _tan(x: Lanes) -> Lanes:
    r, low, k = quadrants(x, True)
    assert low is not None
    s, s_low, c, c_low = _sin_and_cos(r, low)
    even = (k & 1).is_("eq", 0)
    (s, s_low), (c, c_low) = fast_two_sum(s, s_low), fast_two_sum(c, c_low)
    n, d = where(even, s, c), where(even, c, s)
    y = n / d
    q, q_low = two_product(y, d)
    with reading(x.f, ""):
        rest = ((n - q) - q_low) + (where(even, s_low, c_low) - y * where(even, c_low, s_low))
    y = y + rest / d
    return where(x.is_("eq", 0.0), x, _turned(y, k + k))


def _half_pi(like: Lanes) -> tuple[float, float]:
    a, b = C.HALF_PI_24[:2] if like.kind == "f32" else C.HALF_PI_TWO
    return a, b


_ASIN = {"f32": C.ASIN_F32, "f64": C.ASIN_F64}
_ATAN = {"f32": C.ATAN_F32, "f64": C.ATAN_F64}


def _asin_parts(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """Whether |x| > 1/2; asin |x| as a sum, or there asin of sqrt((1 - |x|) / 2), which is half of acos |x|."""
    a = x.abs()
    outer = a.is_("gt", 0.5)
    z = where(outer, (1.0 - a) * 0.5, a * a)
    root = z.sqrt()
    square, lost = two_product(root, root)
    with reading(x.f, ""):
        error = ((z - square) - lost) / where(root.is_("gt", 0.0), root + root, 1.0)
    s = where(outer, root, a)
    rest = (s * z) * polynomial(z, _ASIN[x.kind])
    return outer, s, where(outer, rest + error, rest)


@_elementary("asin")
def _asin(x: Lanes) -> Lanes:
    high, low = _half_pi(x)
    outer, s, rest = _asin_parts(x)
    h, lost = fast_two_sum(high, -(s + s))
    return where(outer, h + (lost - (rest + rest - low)), s + rest).sign_of(x)


@_elementary("acos")
def _acos(x: Lanes) -> Lanes:
    high, low = _half_pi(x)
    outer, s, rest = _asin_parts(x)
    inner, lost = fast_two_sum(high, -s.sign_of(x))
    inner = inner + (lost + (low - rest.sign_of(x)))
    p = s + rest
    left, lost = fast_two_sum(2 * high, -(s + s))
    left = left + (lost + (2 * low - (rest + rest)))
    return where(outer, where(x.is_("lt", 0.0), left, p + p), inner)


@_elementary("atan")
def _atan(x: Lanes) -> Lanes:
    # pi/4 + atan((a - 1) / (a + 1)) or pi/2 + atan(-1 / a) where a = |x| is large; no sum loses digits
    high, low = _half_pi(x)
    a = x.abs()
    middle, outer = a.is_("gt", 0.66), a.is_("gt", 1.9)
    above = where(outer, _constant(x, -1.0), where(middle, a - 1.0, a))
    below = where(outer, a, where(middle, a + 1.0, 1.0))
    t = above / below
    z = t * t
    base = where(outer, _constant(x, high), where(middle, _constant(x, high / 2), 0.0))
    rest = where(outer, _constant(x, low), where(middle, _constant(x, low / 2), 0.0))
    return (base + (t + ((t * z) * polynomial(z, _ATAN[x.kind]) + rest))).sign_of(x)


_QUARTER_PI = {"f32": C.QUARTER_PI_F32, "f64": C.QUARTER_PI_F64}  # the first times 1, 2, 3, 4 is exact


@_elementary("atan2")
def _atan2(y: Lanes, x: Lanes) -> Lanes:
    b, a = y.abs(), x.abs()
    steep = b.is_("gt", a)
    small, large = where(steep, a, b), where(steep, b, a)
    corner = small.is_("eq", math.inf) & large.is_("eq", math.inf)
    small, large = where(corner, 1.0, small), where(corner, 1.0, large)
    scale = where(large.is_("gt", LARGEST[x.kind] / 4), _constant(x, 0.25), 1.0)
    scale = where(large.is_("lt", 1e-30), _constant(x, 2.0**64), scale)  # 0.66 times a subnormal number is rounded
    small, large = small * scale, where(large.is_("eq", 0.0), 1.0, large * scale)
    middle = small.is_("gt", large * 0.66)
    t = where(middle, small - large, small) / where(middle, small + large, large)
    z = t * t
    p = t + (t * z) * polynomial(z, _ATAN[x.kind])
    # m pi/4 + p or m pi/4 - p
    m = where(middle, _constant(x, 1.0), 0.0)
    left = x.bits().is_("lt", 0)
    m = where(steep, 2.0 - m, m)
    m = where(left, 4.0 - m, m)
    p = where(steep ^ left, -p, p)
    high, low = _QUARTER_PI[x.kind]
    return (m * high + (m * low + p)).sign_of(y)


# --- the error function ---------------------------------------------------------------------------------------------


_TWO_OVER_ROOT_PI = {"f32": C.TWO_OVER_ROOT_PI_F32, "f64": C.TWO_OVER_ROOT_PI_F64}
_ERF = {"f32": C.ERF_F32, "f64": C.ERF_F64}
_ERFC = {"f32": C.ERFC_F32, "f64": C.ERFC_F64}
_ERF_ONE = {"f32": 3.95, "f64": 5.95}  # erf is 1 here and above


@_elementary("erf")
def _erf(x: Lanes) -> Lanes:
    a = x.abs()
    z = x * x
    high, low = _TWO_OVER_ROOT_PI[x.kind]
    near = x * high + x * (low + z * polynomial(z, _ERF[x.kind]))
    g = polynomial(a.at_most(_ERF_ONE[x.kind]) - 0.625, _ERFC[x.kind])
    far = (1.0 - _exp_of_negative(-g)).sign_of(x)
    return where(a.is_("lt", 0.625), near, far)


@_elementary("erfc")
def _erfc(x: Lanes) -> Lanes:
    # near 0 it is 1 - erf; else e^(-a^2) c / (1 + 2a), a = |x|, with c between 1.1 and 1.3
    if x.kind == "f32":
        a = x.abs().at_most(10.1).to("f64")
        c = short_polynomial((a - 2.0) / (a + 2.0), C.ERFCX_F64_SHORT)
        r, _, n = _reduced(-(a * a))
        far = (
            ((1.0 + (r + (r * r) * short_polynomial(r, C.EXP_F64_SHORT))) * (c / (a + a + 1.0))) * _power_of_two(n)
        ).to("f32")
    else:
        far = _erfc_far_out(x.abs().at_most(27.5))
    far = where(x.is_("lt", 0.0), 2.0 - far, far)
    high, low = _TWO_OVER_ROOT_PI[x.kind]
    near = where(x.abs().is_("lt", 0.625), x, 0.0)
    z = near * near
    p, p_low = two_product(near, _constant(x, high))
    s, lost = fast_two_sum(1.0, -p)
    inner = s + (lost - (p_low + near * (low + z * polynomial(z, _ERF[x.kind]))))
    return where(x.abs().is_("lt", 0.625), inner, far)


def _erfc_far_out(a: Lanes) -> Lanes:
    """erfc(a) in float64 for a >= 0.62."""
    first, *others = C.ERFCX_F64
    q = (a - 3.0) / (a + 3.0)
    c, c_low = fast_two_sum(_constant(a, first), q * polynomial(q, others))
    d, d_low = fast_two_sum(a + a, 1.0)
    y = c / d
    p, p_low = two_product(y, d)
    with reading(a.f, ""):
        y_low = (((c - p) - p_low) + (c_low - y * d_low)) / d
    square, square_low = two_product(a, a)
    high, low = C.LN2_F64
    k, n = _nearest(-square, 1 / math.log(2))
    b, less = -square - k * high, k * low + square_low
    r = b - less
    w = r + (_tail(r) + ((b - r) - less))
    half = n >> 1
    return ((y + (y_low + y * w)) * _power_of_two(half)) * _power_of_two(n - half)


# --- roots ----------------------------------------------------------------------------------------------------------


@_elementary("cbrt")
def _cbrt(x: Lanes) -> Lanes:
    # |x| = z 2^(3j + m), m from -1 to 1: 2^j times the root of z 2^m, of which a polynomial gives 25 bits
    a = x.abs()
    proper = a.is_("gt", 0.0) & a.is_("lt", math.inf)
    b = where(proper, a, 1.0).to("f64")
    small = b.is_("lt", _SMALLEST["f64"])
    z, k = _exponent(where(small, b * 2.0**54, b))
    j, n = _nearest(k, 1 / 3)
    m = k - j * 3.0
    right, left = m.is_("gt", 0.0), m.is_("lt", 0.0)
    double, halved = C.CBRT_2
    t = polynomial(z, C.CBRT_F64) * where(right, _constant(z, double), where(left, _constant(z, halved), 1.0))
    z = z * where(right, _constant(z, 2.0), where(left, _constant(z, 0.5), 1.0))
    t = (t.bits() & -(1 << 28)).as_float()  # whose square is exact
    r = z / (t * t)
    with reading(x.f, ""):
        t = t + t * ((r - t) / ((t + t) + r))  # Halley's step
        y = t * _power_of_two(n) * where(small, _constant(z, 2.0**-18), 1.0)
    return where(proper, y.to(x.kind).sign_of(x), x)


@_elementary("hypot")
def _hypot(x: Lanes, y: Lanes) -> Lanes:
    a, b = x.abs(), y.abs()
    if x.kind == "f32":  # in float64 nothing overflows
        p, q = a.to("f64"), b.to("f64")
        h = (p * p + q * q).sqrt().to("f32")
    else:
        swap = a.is_("lt", b)
        large, small = where(swap, b, a), where(swap, a, b)
        scale = where(large.is_("gt", 2.0**500), _constant(x, 2.0**-600), 1.0)
        scale = where(large.is_("lt", 2.0**-400), _constant(x, 2.0**600), scale)
        back = where(large.is_("gt", 2.0**500), _constant(x, 2.0**600), 1.0)
        back = where(large.is_("lt", 2.0**-400), _constant(x, 2.0**-600), back)
        large, small = large * scale, small * scale
        (p, p_low), (q, q_low) = two_product(large, large), two_product(small, small)
        s, s_low = fast_two_sum(p, q)
        h = s.sqrt()
        square, lost = two_product(h, h)
        with reading(x.f, ""):
            rest = ((s - square) - lost) + (s_low + (p_low + q_low))
        h = (h + where(h.is_("gt", 0.0), rest / (h + h), 0.0)) * back
    return where(a.is_("eq", math.inf) | b.is_("eq", math.inf), _constant(x, math.inf), h)


# --- powers ---------------------------------------------------------------------------------------------------------


def _log_in_two(a: Lanes) -> tuple[Lanes, Lanes]:
    """log(a) as the sum of two float64, with about 66 bits, for finite a > 0."""
    small = a.is_("lt", _SMALLEST["f64"])
    m, k = _exponent(where(small, a * 2.0**53, a))
    k = k - where(small, _constant(a, 53.0), 0.0)
    t = m - 1.0
    # s = t / (2 + t) and log(1 + t) = 2 s + s^3 (2/3 + ...)
    d, d_low = fast_two_sum(2.0, t)
    s = t / d
    q, q_low = two_product(s, d)
    with reading(a.f, ""):
        s_low = (((t - q) - q_low) - s * d_low) / d
    z, z_low = two_product(s, s)
    z_low = z_low + (s + s) * s_low
    c, c_low = fast_two_sum(C.TWO_THIRDS[0], z * polynomial(z, C.POW_F64))
    c_low = c_low + C.TWO_THIRDS[1]
    w, w_low = two_product(z, c)
    w_low = w_low + (z * c_low + z_low * c)
    v, v_low = two_product(s, w)
    v_low = v_low + (s * w_low + s_low * w)
    h, h_low = fast_two_sum(s + s, v)
    h_low = h_low + (v_low + (s_low + s_low))
    high, low = C.LN2_F64
    h, rest = fast_two_sum(k * high, h)
    return fast_two_sum(h, rest + (h_low + k * low))


def _power_in_two(a: Lanes, y: Lanes) -> Lanes:
    """a^y for finite a > 0, as float64 wants it."""
    h, h_low = _log_in_two(a)
    p, rest = two_product(y, h)
    rest = where(p.abs().is_("lt", 800.0), rest + y * h_low, 0.0)
    p = p.at_most(_EXP_HIGH["f64"]).at_least(_EXP_LOW["f64"])
    high, low = C.LN2_F64
    k, n = _nearest(p, 1 / math.log(2))
    r = (p - k * high) - (k * low - rest)
    m = n >> 1
    return ((1.0 + (r + _tail(r))) * _power_of_two(m)) * _power_of_two(n - m)


def _power_by_double(a: Lanes, y: Lanes) -> Lanes:
    """a^y for finite a > 0 in float32, by float64."""
    m, k = _exponent(a.to("f64"))
    t = m - 1.0
    s = t / (t + 2.0)
    z = s * s
    p = y.to("f64") * (k * math.log(2) + s * (2.0 + z * short_polynomial(z, C.LOG_F64_SHORT)))
    r, _, n = _reduced(p.at_most(90.0).at_least(-105.0))
    return ((1.0 + (r + (r * r) * short_polynomial(r, C.EXP_F64_SHORT))) * _power_of_two(n)).to("f32")


@_elementary("pow")
def _pow(x: Lanes, y: Lanes) -> Lanes:
    """x^y, defined as IEEE 754 has it; a constant 1, 2, 3, -1 or 1/2 is written out."""
    number = constant_of(y)
    if number in (1.0, 2.0, 3.0):
        return (x, x * x, (x * x) * x)[int(number) - 1]
    if number == -1.0:
        return 1.0 / x
    if number == 0.5:
        root = (x + 0.0).sqrt()  # of -0 it is 0
        return where(x.is_("eq", -math.inf), math.inf, root)
    a = x.abs()
    proper = a.is_("gt", 0.0) & a.is_("lt", math.inf)
    core = _power_in_two if x.kind == "f64" else _power_by_double
    p = core(where(proper, a, 1.0), y.at_most(2.0**64).at_least(-(2.0**64)))  # beyond it nothing changes
    down = y.is_("lt", 0.0)
    p = where(a.is_("eq", 0.0), where(down, _constant(x, math.inf), 0.0), p)
    p = where(a.is_("eq", math.inf), where(down, _constant(x, 0.0), math.inf), p)
    whole, half = _is_whole(y), _is_whole(y * 0.5)
    negative = x.bits().is_("lt", 0)
    p = where(negative & (whole & ~half), -p, p)
    p = where(x.is_("lt", 0.0) & (proper & ~whole), math.nan, p)
    p = where(Lanes(x.f, x.f.unordered(x.v, y.v)), math.nan, p)
    return where(y.is_("eq", 0.0) | x.is_("eq", 1.0), 1.0, p)


def _is_whole(y: Lanes) -> Lanes:
    return Lanes(y.f, y.f.trunc(y.v)).is_("eq", y)


# --- division with remainder ----------------------------------------------------------------------------------------


@_elementary("fmod")
def _fmod(x: Lanes, y: Lanes) -> Lanes:
    """x - y trunc(x / y), exactly, with the sign of x."""
    f = x.f
    a, b = x.abs(), y.abs()
    if x.kind == "f32":  # in float64 the product is exact
        wide, by = a.to("f64"), b.to("f64")
        n = wide / by
        q = Lanes(f, f.trunc(n.v))
        with reading(f, ""):
            r = wide - q * by
            r = where(r.is_("lt", 0.0), r + by, r).to("f32")  # the quotient was rounded up
        easy = n.is_("lt", 2.0**28)
    else:
        n = a / b
        q = Lanes(f, f.trunc(n.v))
        p, p_low = two_product(q, b)
        with reading(f, ""):
            r = (a - p) - p_low
            r = where(r.is_("lt", 0.0), r + b, r)
        easy = n.is_("lt", 2.0**52) & (a.is_("lt", 2.0**900) & b.is_("gt", 2.0**-900))
    r = where(a.is_("lt", b), a, r).sign_of(x)
    hard = ~(easy | a.is_("lt", b))

    def exactly() -> list[Lanes]:
        with reading(f, ""):
            return [where(hard, Lanes(f, f.rem(x.v, y.v)), r)]

    return replaced(f, any_lane(hard), exactly, [r])[0]


@_elementary("remainder")
def _remainder(x: Lanes, y: Lanes) -> Lanes:
    """The same with the sign of y, as Python's % (NumPy's npy_remainder)."""
    m = _fmod(x, y)
    with reading(x.f, ""):
        turned = m.is_("lt", 0.0) ^ y.is_("lt", 0.0)
        signed = where(m.is_("eq", 0.0), _constant(x, 0.0).sign_of(y), where(turned, m + y, m))
        return where(y.is_("eq", 0.0), m, signed)


@_elementary("floor_divide")
def _floor_divide(x: Lanes, y: Lanes) -> Lanes:
    """The floor of x / y that belongs to that remainder (NumPy's npy_floor_divide)."""
    f = x.f
    m = _fmod(x, y)
    with reading(f, ""):
        q = (x - m) / y
        turned = m.is_("ne", 0.0) & (m.is_("lt", 0.0) ^ y.is_("lt", 0.0))
        q = where(turned, q - 1.0, q)
        down = Lanes(f, f.floor(q.v))
        down = where((q - down).is_("gt", 0.5), down + 1.0, down)
        plain = x / y
        q = where(q.is_("eq", 0.0), _constant(x, 0.0).sign_of(plain), down)
        return where(y.is_("eq", 0.0), plain, q)


@_elementary("sign")
def _sign(x: Lanes) -> Lanes:
    """-1, 0 or 1; 0 for NaN."""
    return where(x.is_("gt", 0.0), _constant(x, 1.0), where(x.is_("lt", 0.0), _constant(x, -1.0), 0.0))
