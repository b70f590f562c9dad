"""Functions of formulas at the edges of float64: 0 and -0, subnormal and huge numbers, floats beside each end.

The oracle is mpmath with 1400 bits, so that a sine of the largest float is one.
"""

import math
import random
import sys

import numpy as np
import pytest

from surefit.bounds.affine import form_of, range_of
from surefit.formulas import parse

mpmath = pytest.importorskip("mpmath")
mp = mpmath.mp.clone()
mp.prec = 1400
MAX = sys.float_info.max
SIZES = [
    5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-160, 2.0**-53, 1e-8, 0.1, 0.3, 0.5, 1.0, 1.4616321449683622,
    1.5, 2.0, 2.5, math.pi / 2, math.pi, 1.5 * math.pi, 20.0, 170.6, 709.78, 745.2, 1e5, 2.0**30, 1e9, 1e16, 1e100,
    1.4e154, 1e300, MAX,
]  # fmt: skip
HOSTILE = [0.0, -0.0, *SIZES, *(-s for s in SIZES), *(float(np.nextafter(s, 1.0)) for s in SIZES[9:18])]
SKIP = "what mpmath takes too long for, or does not know"


def within(low, high, f, ends_too=True):
    def value(x):
        inside = low <= x <= high if ends_too else low < x < high
        return f(x) if inside else None

    return value


def sign_times(f):
    return lambda x: mp.sign(x) * f(abs(x))


INF = math.inf
FUNCTIONS = {
    "sin(x)": mp.sin, "cos(x)": mp.cos, "tan(x)": mp.tan, "atan(x)": mp.atan, "tanh(x)": mp.tanh, "sinh(x)": mp.sinh,
    "cosh(x)": mp.cosh, "asinh(x)": mp.asinh, "exp(x)": mp.exp, "expm1(x)": mp.expm1, "abs(x)": abs,
    "asin(x)": within(-1, 1, mp.asin), "acos(x)": within(-1, 1, mp.acos), "acosh(x)": within(1, INF, mp.acosh),
    "atanh(x)": within(-1, 1, mp.atanh, False), "log(x)": within(0, INF, mp.log, False),
    "log10(x)": within(0, INF, mp.log10, False), "log1p(x)": within(-1, INF, lambda x: mp.log(1 + x), False),
    "sqrt(x)": within(0, INF, mp.sqrt), "cbrt(x)": sign_times(mp.cbrt), "exp2(x)": lambda x: mp.power(2, x),
    "floor(x)": mp.floor, "ceil(x)": mp.ceil, "trunc(x)": sign_times(mp.floor), "sign(x)": mp.sign,
    "step(x)": lambda x: mp.mpf(x >= 0), "sigmoid(x)": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus(x)": lambda x: mp.log1p(mp.exp(x)) if abs(x) < 1e3 else x + mp.exp(-x) if x > 0 else mp.exp(x),
    "erf(x)": lambda x: mp.erf(x) if abs(x) < 30 else SKIP, "erfc(x)": lambda x: mp.erfc(x) if abs(x) < 30 else SKIP,
    "gamma(x)": within(0, INF, lambda x: mp.gamma(x) if 1e-300 < x < 200 else SKIP, False),
    "lgamma(x)": within(0, INF, lambda x: SKIP if x > 1e5 else mp.loggamma(x) if x > 1e-300 else -mp.log(x), False),
    "sinc(x)": lambda x: mp.sin(mp.pi * x) / (mp.pi * x) if x else mp.mpf(1),
    "x^2": lambda x: x**2, "x^3": lambda x: x**3, "x^64": lambda x: x**64, "x^65": lambda x: x**65,
    "x^-1": lambda x: 1 / x if x else None, "x^-3": lambda x: 1 / x**3 if x else None,
    "x^1.5": within(0, INF, lambda x: x * mp.sqrt(x)), "x^-0.5": within(0, INF, lambda x: 1 / mp.sqrt(x), False),
    "2^x": lambda x: mp.power(2, x), "mod(x, 1)": lambda x: x - mp.floor(x),
    "mod(x, -2)": lambda x: x + 2 * mp.floor(-x / 2),
    "sqrt(1 - x^2)": within(-1, 1, lambda x: mp.sqrt(1 - x * x)),
    "where(x < 0.5, x, 1)": lambda x: x if x < 0.5 else mp.mpf(1),
}  # fmt: skip


def boxes(rng, often):
    """Points, boxes of one float's width, of any width, and around a hostile number."""
    for h in HOSTILE:
        yield h, h
        yield (h, float(np.nextafter(h, INF))) if h < MAX else (float(np.nextafter(h, -INF)), h)
        near = abs(h) * 10.0 ** rng.uniform(-14, -1)
        if abs(h) + near < MAX:
            yield h - near, h + near
    for _ in range(often):
        a, b = sorted(rng.sample(HOSTILE, 2))
        yield a, b


def places(low, high, rng):
    found = [p for p in HOSTILE if low <= p <= high]
    middle = min(max(0.5 * low + 0.5 * high, low), high)
    inner = [float(np.nextafter(low, high)), float(np.nextafter(high, low)), middle]
    return [low, high, *rng.sample(found, min(len(found), 2)), rng.choice(inner)]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_what_is_at_the_edges_is_held_by_ranges_and_forms(text):
    rng = random.Random(text)
    ends = list(boxes(rng, 40))
    low, high = (np.array([e[k] for e in ends])[:, None] for k in (0, 1))
    ranges, forms = range_of(parse(text), low, high), form_of(parse(text), low, high)
    looked = 0
    for i, (a, b) in enumerate(ends):
        for x in places(a, b, rng):
            y = FUNCTIONS[text](mp.mpf(x))
            if y is SKIP:
                continue
            looked += 1
            if y is None:  # nothing is claimed of a box in which there is no value somewhere
                assert ranges.bad[i], (a, b, x)
                assert forms.bad[i], (a, b, x)
                continue
            for r in (ranges, forms.range):
                assert mp.mpf(float(r.low[i])) <= y <= mp.mpf(float(r.high[i])), (a, b, x, r.low[i], r.high[i])
    assert looked > 300


def test_one_box_where_a_power_begins_takes_nothing_from_the_others():
    """x^y has a line only where x > 0; of boxes that are looked at together, each that has one keeps it."""
    low, high = np.array([[0.0, 1.0], [0.5, 1.5]]), np.array([[0.1, 2.0], [0.51, 1.51]])
    both, alone = form_of(parse("x^y"), low, high), form_of(parse("x^y"), low[1:], high[1:])
    assert (both.c[1], both.rho[1]) == (alone.c[0], alone.rho[0])
    assert both.rho[1] < 1e-3
