"""Elementary functions as vector code: every function of the table of primitives that is not one instruction.

    FUNCTIONS["tanh"](f, x)          # x: a Value of kind f32 or f64, of any width; the instructions go into f

One formula has two readings. Where the function being written allows contraction (`FAST`), products and sums are fused
where the target can; where its flags are "", every operation is rounded on its own and nothing is reordered, so that
the bits are the same on every machine and for every vector width. MAX_ULP states the error of both.

There are no tables and, but for the huge arguments of sin, cos and tan, no branches: all lanes take the same way, and
special values are chosen at the end. Arguments are reduced as in Cody and Waite, "Software Manual for the Elementary
Functions", 1980, and in Muller, "Handbook of Floating-Point Arithmetic", 2018, chapter 10; huge angles as in Payne and
Hanek, "Radian reduction for trigonometric functions", 1983 (`angles`). Polynomials are our own: scripts/minimax.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from surefit.compiler import coefficients as C
from surefit.compiler.angles import quadrants
from surefit.compiler.lanes import (
    BIAS,
    INTEGER,
    MANTISSA,
    Lanes,
    check,
    fast_two_sum,
    polynomial,
    reading,
    short_polynomial,
    split,
    two_product,
    two_sum,
    where,
)
from surefit.compiler.text import Function, Value

FUNCTIONS: dict[str, Callable[..., Value]] = {}  # name of a primitive -> what writes it


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


def _by_double(formula: Callable[..., Lanes]) -> Callable[..., Lanes]:
    """float32 through float64, rounded at the end."""

    @wraps(formula)
    def write(*args: Lanes) -> Lanes:
        if args[0].kind == "f64":
            return formula(*args)
        return formula(*(x.to("f64") for x in args)).to("f32")

    return write


# --- the exponential and its relatives ------------------------------------------------------------------------------

_SHIFT = {"f32": 1.5 * 2.0**23, "f64": 1.5 * 2.0**52}  # adding it rounds to an integer and leaves that in the low bits
_LN2 = {"f32": C.LN2_F32, "f64": C.LN2_F64}
_EXP = {"f32": C.EXP_F32, "f64": C.EXP_F64}
_EXP_LOW = {"f32": -104.0, "f64": -746.0}  # exp is 0 here and below
_EXP_HIGH = {"f32": 89.0, "f64": 710.0}  # and infinite here and above
_DENORMAL = {"f32": 26, "f64": 54}  # 2^-this times any power of two down to the smallest is normal
_ROUND = {"f32": -20.0, "f64": -40.0}  # expm1 is -1 here and below


def _reduced(x: Lanes, bias: int = 0) -> tuple[Lanes, Lanes, Lanes]:
    """x = k ln(2) + r with |r| <= ln(2)/2: (r, k, integers whose low bits are k + bias)."""
    high, low = _LN2[x.kind]
    shift = _SHIFT[x.kind]
    t = x * (1 / math.log(2)) + (shift + bias)
    k = t - (shift + bias)
    return (x - k * high) - k * low, k, t.bits()


def _tail(r: Lanes) -> Lanes:
    """e^r - 1 - r."""
    return (r * r) * short_polynomial(r, _EXP[r.kind])


def _power_of_two(k: Lanes) -> Lanes:
    """2^k, which must be normal; only the low bits of the integers k count."""
    kind = "f32" if k.kind == "i32" else "f64"
    return ((k << MANTISSA[kind]) + (BIAS[kind] << MANTISSA[kind])).as_float()


@_elementary("exp")
def _exp(x: Lanes) -> Lanes:
    x = x.at_most(_EXP_HIGH[x.kind]).at_least(_EXP_LOW[x.kind])
    r, _, k = _reduced(x)
    half = k >> 1  # 2^k in two factors, since the result may be denormal or 2^k infinite
    return ((1.0 + (r + _tail(r))) * _power_of_two(half)) * _power_of_two(k - half)


def _exp_of_negative(a: Lanes) -> Lanes:
    """e^a for a <= 0."""
    bias = _DENORMAL[a.kind]
    small = 2.0**-bias
    r, _, k = _reduced(a.at_least(_EXP_LOW[a.kind]), bias)
    q = short_polynomial(r, [c * small for c in _EXP[a.kind]])
    return (small + (r * small + (r * r) * q)) * _power_of_two(k)


def _half_expm1(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """(e^x - 1) / 2 for x below the overflow of exp; also e^x - 1 for where k is 0, and k."""
    r, k, n = _reduced(x.at_least(_ROUND[x.kind]))
    tail = _tail(r)
    h = _power_of_two(n - 1)
    c = h - 0.5
    s, lost = fast_two_sum(c, h * r)  # h r is exact; where |c| < |h r|, c is 0
    return s + (lost + h * tail), r + tail, k


@_elementary("expm1")
def _expm1(x: Lanes) -> Lanes:
    half, near, k = _half_expm1(x.at_most(_EXP_HIGH[x.kind]))
    return where(k.is_("eq", 0.0), near, half + half).sign_of(x)


@_elementary("tanh")
def _tanh(x: Lanes) -> Lanes:
    # (e^2a - 1) / (e^2a + 1), a = |x|
    a = x.abs().at_most(9.1 if x.kind == "f32" else 22.0)
    r, _, k = _reduced(a + a)
    s = _power_of_two(k)
    c = s - 1.0
    if x.kind == "f32":
        e = (c + s * r) + s * _tail(r)
    else:
        h, lost = fast_two_sum(c, s * r)
        e = h + (lost + s * _tail(r))
    return (e / (e + 2.0)).sign_of(x)


@_elementary("sigmoid")
def _sigmoid(x: Lanes) -> Lanes:
    e = _exp_of_negative(-x.abs())
    return where(x.is_("lt", 0.0), e, 1.0) / (1.0 + e)


@_elementary("softplus")
def _softplus(x: Lanes) -> Lanes:
    e = _exp_of_negative(-x.abs())
    if x.kind == "f32":
        y = e - (e * e) * polynomial(e, C.SOFTPLUS_F32)
    else:
        y = _log1p(e)
    return x.at_least(0.0) + y


def _half_exp(a: Lanes) -> Lanes:
    """e^a / 2 for a >= 0, infinite only where that is."""
    r, _, k = _reduced(a.at_most(90.0 if a.kind == "f32" else 711.0))
    half = k >> 1
    return ((1.0 + (r + _tail(r))) * _power_of_two(half)) * _power_of_two((k - half) - 1)


@_elementary("cosh")
@_by_double
def _cosh(x: Lanes) -> Lanes:
    e = _half_exp(x.abs())
    return e + 0.25 / e


@_elementary("sinh")
@_by_double
def _sinh(x: Lanes) -> Lanes:
    a = x.abs()
    m, near, k = _half_expm1(a.at_most(711.0))
    m = where(k.is_("eq", 0.0), near * 0.5, m)
    small = a.at_most(40.0)
    e = _half_expm1(small)[0]
    e = where(k.is_("eq", 0.0), near * 0.5, e)
    y = m + e / (e + e + 1.0)
    return where(a.is_("lt", 1e-9), a, y).sign_of(x)


# --- the logarithm and its relatives --------------------------------------------------------------------------------

_LOG = {"f32": C.LOG_F32, "f64": C.LOG_F64}
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
    r = z * polynomial(z, _LOG[t.kind])
    return k * high2 - ((half - (s * (half + r) + (k * low2 + low))) - t)


def _where_log_is_defined(x: Lanes, y: Lanes) -> Lanes:
    """y for finite x > 0; -inf, inf, NaN elsewhere."""
    y = where(x.is_("lt", math.inf), y, x)
    return where(x.is_("gt", 0.0), y, where(x.is_("eq", 0.0), x * 0.0 - math.inf, x * math.nan))


@_elementary("log")
def _log(x: Lanes) -> Lanes:
    small = x.is_("lt", _SMALLEST[x.kind])
    up = _RAISE[x.kind]
    z, k = _exponent(where(small, x * 2.0**up, x))
    y = _log_of(z - 1.0, k - where(small, x * 0.0 + float(up), 0.0))
    return _where_log_is_defined(x, y)


@_elementary("log1p")
def _log1p(x: Lanes, low: Any = 0.0) -> Lanes:
    u, lost = two_sum(1.0, x)
    z, k = _exponent(u)
    near = k.is_("eq", 0.0)
    t = where(near, x, z - 1.0)
    c = where(near, 0.0, lost) + low
    y = _log_of(t, k, c / u)
    y = where(x.is_("lt", math.inf), y, x)
    y = where(x.is_("gt", -1.0), y, where(x.is_("eq", -1.0), x * 0.0 - math.inf, x * math.nan))
    return where(x.is_("eq", 0.0), x, y)


@_elementary("asinh")
@_by_double
def _asinh(x: Lanes) -> Lanes:
    # log(1 + w), w = a + a^2 / (1 + sqrt(a^2 + 1)), a = |x|; far out log(2 a)
    a = x.abs()
    far = a.is_("gt", 2.0**500)
    b = where(far, a * 2.0**-600, a)  # a^2 stays finite
    square = b * b
    w, lost = two_sum(b, square / (1.0 + (square + 1.0).sqrt()))
    near = _log1p(w, lost)
    y = where(far, _log(a) + math.log(2), near)
    return where(a.is_("lt", 2.0**-28), a, y).sign_of(x)


@_elementary("acosh")
@_by_double
def _acosh(x: Lanes) -> Lanes:
    # log(1 + w), w = d + sqrt(d (d + 2)), d = x - 1
    far = x.is_("gt", 2.0**500)
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
    return where(x.is_("lt", 1.0), x * math.nan, y)


@_elementary("atanh")
@_by_double
def _atanh(x: Lanes) -> Lanes:
    # log((1 + a) / (1 - a)) / 2, a = |x|: with c = 2^-k near (1 - a) / (1 + a), k ln(2) / 2 + atanh(s)
    a = x.abs()
    b = where(a.is_("lt", 1.0), a, 0.0)
    _, k = _exponent((1.0 + b) / (1.0 - b))
    c = _power_of_two(_whole(0.0 - k))
    u, v = c + c * b, 1.0 - b
    s = where(k.is_("eq", 0.0), b, (u - v) / (u + v))
    z = s * s
    high, low = C.LN2_F64
    y = k * (high / 2) + (s + (s * z * (0.5 * polynomial(z, C.LOG_F64)) + k * (low / 2)))
    y = where(a.is_("eq", 1.0), a * math.inf, y)
    y = where(a.is_("gt", 1.0), a * math.nan, y)
    return where(x.f_is_nan(), x, y.sign_of(x)) if False else y.sign_of(x) + (a - a if False else 0.0 * a)


def _whole(x: Lanes) -> Lanes:
    """A float that is an integer of moderate size, as an integer of the same width."""
    return (x + _SHIFT[x.kind]).bits() - int.from_bytes(_shift_bits(x.kind), "little")


def _shift_bits(kind: str) -> bytes:
    import struct

    return struct.pack("<f" if kind == "f32" else "<d", _SHIFT[kind])
