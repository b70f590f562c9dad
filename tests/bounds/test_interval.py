"""Ranges against the ITF1788 test cases and against mpmath at random points of random boxes."""

from __future__ import annotations

import json
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from surefit.bounds import interval as I
from surefit.bounds.interval import RULES, Range, Truth
from surefit.core import ops
from surefit.errors import RecordError

DATA = Path(os.environ.get("SUREFIT_DATA", "shared/data")) / "itf1788" / "cases.json"
SAME_AS = {
    "pos": lambda x: x,
    "sqr": I.square,
    "recip": lambda x: I.div(1.0, x),
    "pown": lambda x, n: I.whole_power(x, int(n.low)),
    "min": RULES["minimum"],
    "max": RULES["maximum"],
    "roundTiesToEven": RULES["round"],
    "fma": lambda a, b, c: I.add(I.mul(a, b), c),
}
LEFT_OUT = {"exp10", "roundTiesToAway"}  # functions that surefit does not have


def test_itf1788():
    """No case of libieeep1788's elementary functions is enclosed too narrowly; empty results are marked bad."""
    if not DATA.exists():
        pytest.skip("the ITF1788 cases are not here")
    wrong, looked = [], 0
    for case in json.loads(DATA.read_text()):
        if case["op"] in LEFT_OUT or "empty" in case["args"]:
            continue
        rule = SAME_AS.get(case["op"]) or RULES[case["op"]]
        with np.errstate(all="ignore"):
            y = rule(*(Range(*a) if isinstance(a, list) else Range(a, a) for a in case["args"]))
        looked += 1
        if case["out"] == "empty":
            if not y.bad:
                wrong.append(case)
        elif not (y.low <= case["out"][0] and y.high >= case["out"][1]):
            wrong.append(case)
    assert not wrong[:3]
    assert looked > 2100


UNARY = {
    "exp": (-700, 700), "expm1": (-40, 700), "exp2": (-1000, 1000), "log": (1e-300, 1e300), "log1p": (-0.999, 1e6),
    "log2": (1e-10, 1e10), "log10": (1e-10, 1e10), "sin": (-1e9, 1e9), "cos": (-1e9, 1e9), "tan": (-1.5, 1.5),
    "asin": (-1, 1), "acos": (-1, 1), "atan": (-1e5, 1e5), "sinh": (-700, 700), "cosh": (-700, 700),
    "tanh": (-20, 20), "asinh": (-1e5, 1e5), "acosh": (1, 1e5), "atanh": (-0.999, 0.999), "sqrt": (0, 1e10),
    "cbrt": (-1e5, 1e5), "erf": (-6, 6), "erfc": (-6, 20), "sigmoid": (-700, 700), "softplus": (-700, 700),
    "erfinv": (-0.9999, 0.9999), "gamma": (1e-9, 170), "lgamma": (1e-9, 1e6), "digamma": (1e-9, 1e6),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_functions_contain_what_mpmath_gives(name):
    mp = pytest.importorskip("mpmath", reason="the oracle")
    mp.mp.prec = 200  # which reduces angles of 1e9 with digits to spare
    exact = {
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
        "exp2": lambda x: mp.mpf(2) ** x, "log2": lambda x: mp.log(x, 2),
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)), "lgamma": mp.loggamma,
    }.get(name) or getattr(mp, name)  # fmt: skip
    rng = np.random.default_rng(3)
    low, high = UNARY[name]
    x = rng.uniform(low, high, 60) * rng.choice([1.0, 1e-3, 1e-9], 60) if low <= 0 else rng.uniform(low, high, 60)
    widths = np.abs(x) * rng.choice([0.0, 1e-12, 1e-3, 0.5], 60)
    lo, hi = np.clip(x - widths, low, high), np.clip(x + widths, low, high)
    y = getattr(ops, {"sqrt": "sqrt"}.get(name, name))(Range(lo, hi))
    assert not y.bad.any()
    for i in range(60):
        for t in (0.0, 1.0, rng.random(), rng.random()):
            at = min(max(lo[i] + t * (hi[i] - lo[i]), lo[i]), hi[i])
            value = exact(mp.mpf(float(at)))
            assert mp.mpf(float(y.low[i])) <= value <= mp.mpf(float(y.high[i])), (at, value, y.low[i], y.high[i])


@pytest.mark.parametrize("angle", [1e5, 1e6, 1e7, 1e8, 1e9])
def test_large_angles_are_not_wrong(angle):
    """A narrow box around a peak far out holds the peak, whatever range reduction does."""
    mp = pytest.importorskip("mpmath", reason="the oracle")
    mp.mp.prec = 200
    peak = float((mp.floor(angle / (2 * mp.pi)) * 2 + mp.mpf(1) / 2) * mp.pi)
    y = ops.sin(Range(np.array([peak * (1 - 1e-15)]), np.array([peak * (1 + 1e-15)])))
    assert y.high[0] == 1.0
    assert y.low[0] <= mp.sin(mp.mpf(peak)) <= 1


@pytest.mark.parametrize(
    "call, arguments",
    [
        (ops.log, [(-1.0, 1.0)]), (ops.sqrt, [(-1e-300, 1.0)]), (ops.div, [(1.0, 2.0), (-1.0, 1.0)]),
        (ops.div, [(1.0, 2.0), (0.0, 1.0)]), (ops.tan, [(1.0, 2.0)]), (ops.asin, [(0.5, 1.5)]), (ops.log, [(0.0, 1.0)]),
        (ops.acosh, [(0.0, 2.0)]), (ops.atanh, [(0.0, 1.0)]), (ops.pow_, [(-1.0, 1.0), (0.4, 0.6)]),
        (ops.atan2, [(-1.0, 1.0), (-1.0, 1.0)]),
    ],
)  # fmt: skip
def test_poles_and_domain_errors_are_marked(call, arguments):
    assert call(*(Range(np.array([a]), np.array([b])) for a, b in arguments)).bad.all()


def test_branches_that_are_not_taken_do_not_matter():
    x = Range(np.array([1.0, -1.0]), np.array([2.0, 2.0]))
    y = ops.where(ops.gt(x, 0.0), ops.log(x), 0.0)
    assert y.bad.tolist() == [False, True]
    assert isinstance(ops.gt(x, 0.0), Truth)
    assert float(y.low[0]) <= 0.0 < math.log(2) <= float(y.high[0])


def test_exact_constants_are_enclosed():
    from fractions import Fraction

    r = Range.exact(Fraction(1, 10))
    assert Fraction(float(r.low)) < Fraction(1, 10) < Fraction(float(r.high))
    assert np.nextafter(r.low, 1) == r.high
    half = Range.exact(Fraction(1, 2))
    assert half.low == half.high == 0.5


def test_sums_and_products_are_rounded_outward():
    a = Range(np.array([0.1]), np.array([0.1]))
    from fractions import Fraction

    tenth = Fraction(0.1)
    for r, exact in ((I.add(a, a), 2 * tenth), (I.mul(a, a), tenth * tenth), (I.mul(a, 3.0), 3 * tenth)):
        assert Fraction(float(r.low[0])) <= exact <= Fraction(float(r.high[0]))
    total = I.total(Range.of(np.full(1000, 0.1)), axes=(0,))
    assert Fraction(float(total.low)) <= 1000 * tenth <= Fraction(float(total.high))


def _short_and_long(n, seed):
    """Numbers of few digits and of all, of all sizes, zeros and ones among them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-12, 12, n)
    x = np.where(rng.random(n) < 0.3, np.float32(x), x)
    x = np.where(rng.random(n) < 0.3, rng.integers(-40, 40, n) / 4.0, x)
    return np.where(rng.random(n) < 0.1, rng.choice([5e-324, 1e-200, 1e160, 2.0**-149, 1.5e30], n), x)


def test_what_has_no_rounding_is_not_widened_and_all_else_is():
    from fractions import Fraction

    a, b = (np.sort(_short_and_long((4000, 2), seed), axis=1) for seed in (0, 1))
    a[::3, 1], b[::5, 1] = a[::3, 0], b[::5, 0]  # points
    x, y = Range(a[:, 0], a[:, 1]), Range(b[:, 0], b[:, 1])
    with np.errstate(all="ignore"):
        found = {"mul": I.mul(x, y), "div": I.div(x, y), "square": I.square(x), "cube": I.whole_power(x, 3)}
    ends = {
        "mul": lambda p, q: p * q, "div": lambda p, q: p / q, "square": lambda p, q: p * p, "cube": lambda p, q: p**3,
    }  # fmt: skip
    whole = dict.fromkeys(found, 0)
    for i in range(len(a)):
        for name, r in found.items():
            if name == "div" and (r.bad[i] or (b[i] == 0).any()):
                continue
            p, q = ([Fraction(v) for v in pair] for pair in (a[i], b[i]))
            values = [ends[name](u, v) for u in p for v in q]
            if name == "square" and p[0] <= 0 <= p[1]:
                values.append(Fraction(0))
            for bound, exact, least in ((r.low[i], min(values), True), (r.high[i], max(values), False)):
                if np.isfinite(bound):
                    assert (Fraction(float(bound)) <= exact) if least else (Fraction(float(bound)) >= exact), (name, i)
                    whole[name] += Fraction(float(bound)) == exact
    assert all(n > 100 for n in whole.values()), whole


@pytest.mark.parametrize(
    "text, low, high",
    [
        ("1 - x^2", -1, 1), ("1 - x*x", -1, 1), ("9 - x^2", -3, 3), ("1 - (x/3)^2", -3, 3), ("x*(1 - x)", 0, 1),
        ("(x - 1)*(3 - x)", 1, 3), ("sin(x)", 0, 1), ("tan(x)", 0, 1), ("log(x)", 1, 2), ("log10(x)", 1, 2),
        ("exp(x) - 1", 0, 1), ("1 - exp(x)", -1, 0), ("x/(1 + x)", 0, 1), ("1 - x^4", -1, 1), ("tanh(x)", 0, 1),
        ("2^x - 1", 0, 1),
    ],
)  # fmt: skip
def test_values_that_are_0_at_an_end_are_not_below_it_there(text, low, high):
    """So that a root of them has a value on the boxes at the ends, however short those are."""
    from surefit.bounds.affine import form_of
    from surefit.formulas import parse

    h = 2.0 ** -np.arange(1, 48, dtype=float) * (high - low)
    for a, b in ((np.full(47, float(low)), low + h), (high - h, np.full(47, float(high)))):
        form = form_of(parse(f"sqrt({text})"), a[:, None], b[:, None])
        inside = parse(text)(a) if a[0] != low else parse(text)(b)
        assert not form.bad[inside > 1e-12].any()


@pytest.mark.parametrize("name", ["exp", "sin", "tan", "log"])
def test_functions_beside_their_whole_values_contain_what_mpmath_gives(name):
    mpmath = pytest.importorskip("mpmath")
    rng = np.random.default_rng(0)
    at = 1.0 if name == "log" else 0.0
    steps = np.concatenate([10.0 ** -rng.uniform(0, 17, 300), [0.0, 2.0**-52, 2.0**-53, 5e-324]])
    x = np.unique(np.concatenate([at + steps, at - steps / 2]))
    r = RULES[name](Range(x, x))
    with mpmath.workdps(60):
        for v, low, high in zip(x, r.low, r.high, strict=True):
            exact = getattr(mpmath, name)(mpmath.mpf(float(v)))
            assert mpmath.mpf(float(low)) <= exact <= mpmath.mpf(float(high))
            assert (low == high) == (v == at)


def test_subnormals_zeros_and_overflow():
    tiny = Range(np.array([5e-324]), np.array([5e-324]))
    assert I.mul(tiny, tiny).high[0] > 0  # 2.5e-647 is not 0
    assert I.div(tiny, Range.of([2.0])).high[0] > 0
    big = Range(np.array([1e308]), np.array([1e308]))
    assert ops.mul(big, big).high[0] == np.inf
    assert ops.mul(big, big).low[0] <= np.finfo(float).max
    zero = Range(np.array([-0.0]), np.array([0.0]))
    assert ops.div(1.0, zero).bad.all()
    everything = Range(np.array([-np.inf]), np.array([np.inf]))
    product = ops.mul(zero, everything)
    assert (product.low[0], product.high[0]) == (0.0, 0.0)


def test_a_primitive_without_bounds_is_refused_by_name():
    with pytest.raises(RecordError, match="'polygamma' has no bounds"):
        ops.polygamma(Range.of([1.0]), Range.of([0.5]))


@pytest.mark.parametrize("name", ["gamma", "lgamma", "digamma", "polygamma 1", "polygamma 2"])
def test_functions_of_gamma_beside_their_zeros_and_the_least_of_them(name):
    mp = pytest.importorskip("mpmath", reason="the oracle")
    rng = np.random.default_rng(5)
    at = np.repeat([1.0, 2.0, 1.4616321449683622, 1e-8, 3.0, 30.0], 20)
    x = at * (1 + rng.choice([0.0, 1e-16, 1e-12, 1e-5, 0.1], 120) * rng.normal(size=120))
    wide = x * rng.choice([0.0, 2e-16, 1e-12, 1e-3, 0.4], 120)
    low, high = x - wide, x + wide
    n = int(name[-1]) if name[-1].isdigit() else None
    r = RULES[name](Range(low, high)) if n is None else I.polygamma(n, Range(low, high))
    exact = {"gamma": mp.gamma, "lgamma": mp.loggamma, "digamma": mp.digamma}.get(name) or (
        lambda t: mp.polygamma(n, t)
    )
    assert not r.bad.any()
    with mp.workdps(50):
        least = mp.findroot(mp.digamma, 1.46)
        for i in range(120):
            places = [mp.mpf(float(v)) for v in (low[i], high[i], x[i])]
            places += [least] if low[i] <= least <= high[i] else []
            values = [exact(v) for v in places]
            assert r.low[i] <= min(values)
            assert max(values) <= r.high[i]
            assert r.high[i] - r.low[i] <= 1.001 * (max(values) - min(values)) + 1e-13 * (1 + abs(values[0]))
    assert RULES["gamma"](Range.of([-0.5], [1.0])).bad.all()


def test_products_of_short_numbers_are_what_they_are():
    """1 is the square of -1, and no number above: sqrt(1 - x^2) has a value there."""
    ends = np.array([-1.0, 0.0, 0.5, 1.25, -3.0, 0.1, 2.0**-30 - 1.0, 1e30])
    rng = np.random.default_rng(5)
    for _ in range(300):
        (a, b), (c, d) = (np.sort(rng.choice(ends, 2)) for _ in range(2))
        x, y = Range(np.array([a]), np.array([b])), Range(np.array([c]), np.array([d]))
        true = [Fraction(u) * Fraction(v) for u in (a, b) for v in (c, d)]
        squares = [Fraction(a) ** 2, Fraction(b) ** 2]
        least, most = (Fraction(0) if a <= 0 <= b else min(squares)), max(squares)
        for found, low, high in (
            (I.mul(x, y), min(true), max(true)), (I.square(x), least, most), (I.whole_power(x, 2), least, most),
        ):  # fmt: skip
            assert Fraction(found.low[0]) <= low <= high <= Fraction(found.high[0])
            if all(float(np.float32(v)) == v for v in (a, b, c, d)):
                assert (Fraction(found.low[0]), Fraction(found.high[0])) == (low, high)
