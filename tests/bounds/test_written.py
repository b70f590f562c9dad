"""Functions that are written as others: Taylor models and balls of them hold mpmath's values, and follow them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import surefit
from surefit.bounds import balls, taylor
from surefit.bounds.affine import form_of
from surefit.bounds.written import WRITTEN
from surefit.formulas import parse

mpmath = pytest.importorskip("mpmath", reason="mpmath is the oracle of these functions")

# where a function of x (and y) is smooth, and what mpmath calls it
SMOOTH = {
    "hypot(x, y)": (("x", 0.5, 3), ("y", -2, 2), lambda x, y: mpmath.hypot(x, y)),
    "exp2(x)": (("x", -3, 3), lambda x: mpmath.mpf(2) ** x),
    "log2(x)": (("x", 0.3, 5), lambda x: mpmath.log(x, 2)),
    "log10(x)": (("x", 0.3, 5), mpmath.log10),
    "logaddexp(x, y)": (("x", -5, 5), ("y", -5, 5), lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y))),
    "asinh(x)": (("x", -5, 5), mpmath.asinh),
    "acosh(x)": (("x", 1.3, 9), mpmath.acosh),
    "atanh(x)": (("x", -0.9, 0.9), mpmath.atanh),
    "asin(x)": (("x", -0.9, 0.9), mpmath.asin),
    "acos(x)": (("x", -0.9, 0.9), mpmath.acos),
    "erfc(x)": (("x", -3, 3), mpmath.erfc),
    "sec(x)": (("x", -1.3, 1.3), mpmath.sec),
    "csc(x)": (("x", 0.3, 2.8), mpmath.csc),
    "sinc(x)": (("x", 0.3, 4), mpmath.sincpi),
    "cot(x)": (("x", 0.3, 2.8), mpmath.cot),
    "max(x, y, x*y)": (("x", 2, 3), ("y", -3, -2), lambda x, y: max(x, y, x * y)),
    "min(x, y)": (("x", 2, 3), ("y", -3, -2), lambda x, y: min(x, y)),
    "clip(x, -1, 1)": (("x", -0.9, 0.9), lambda x: x),
    "relu(x)": (("x", 0.1, 2), lambda x: x),
    "abs(x)": (("x", -2, -0.1), lambda x: -x),
    "cbrt(x)": (("x", -8, -0.2), lambda x: -((-x) ** (mpmath.mpf(1) / 3))),
    "atan2(y, x)": (("x", 0.3, 4), ("y", -4, 4), lambda x, y: mpmath.atan2(y, x)),
    "atan2(y, 2*x)": (("x", -4, 4), ("y", 0.3, 4), lambda x, y: mpmath.atan2(y, 2 * x)),
    "atan2(y, x + 0.1)": (("x", -4, -2), ("y", 0.1, 9), lambda x, y: mpmath.atan2(y, x + mpmath.mpf(1) / 10)),
    "atan2(y, x + 0.2)": (("x", -4, -2), ("y", -9, -0.1), lambda x, y: mpmath.atan2(y, x + mpmath.mpf(1) / 5)),
    "atan2(y, 3*x)": (("x", -1, 1), ("y", -4, -2), lambda x, y: mpmath.atan2(y, 3 * x)),
}
# where one is not, or jumps, or has an end: values must lie within, however wide that is
ROUGH = {
    "hypot(x, y)": (("x", -1, 1), ("y", -1, 1), lambda x, y: mpmath.hypot(x, y)),
    "acosh(x)": (("x", 1, 1.1), mpmath.acosh),
    "sinc(x)": (("x", -3, 2), mpmath.sincpi),
    "asin(x)": (("x", -1, 1), mpmath.asin),
    "acos(x)": (("x", -1, 1), mpmath.acos),
    "max(x, y)": (("x", -1, 1), ("y", -1, 1), max),
    "min(x, y, 0.1)": (("x", -1, 1), ("y", -1, 1), lambda x, y: min(x, y, mpmath.mpf(1) / 10)),
    "clip(x, -1, 1)": (("x", -2, 2), lambda x: min(max(x, -1), 1)),
    "relu(x)": (("x", -1, 1), lambda x: max(x, 0)),
    "abs(x)": (("x", -1, 1), abs),
    "cbrt(x)": (("x", -1, 1), lambda x: mpmath.sign(x) * abs(x) ** (mpmath.mpf(1) / 3)),
}


def test_every_function_is_tried():
    tried = {node.op for text in SMOOTH for node in parse(text).nodes}
    assert set(WRITTEN) | balls.KINKS | {"cbrt", "atan2"} <= tried


def boxes_of(ends, width, n=12, seed=0):
    rng = np.random.default_rng(seed)
    a, b = (np.array([e[i] for e in ends], float) for i in (1, 2))
    half = 0.5 * width * (b - a)
    middle = rng.uniform(a + half, b - half, (n, len(ends)))
    return np.clip(middle - half, a, b), np.clip(middle + half, a, b)


def inside(t, low, high, names, own, rng):
    """Whether values at points of the boxes lie where the Taylor models say; how far off they may be."""
    mpmath.mp.dps = 40
    for _ in range(6):
        e = rng.choice([-1.0, 1.0, 0.0, 0.37, -0.81], low.shape)
        x = np.clip(0.5 * low + 0.5 * high + 0.5 * e * (high - low), low, high)
        for i, row in enumerate(x):
            exact = own(*(mpmath.mpf(float(v)) for v in row))
            assert t.range.low[i] <= exact <= t.range.high[i]
            c = 0.5 * low[i] + 0.5 * high[i]
            h = np.nextafter(np.maximum(high[i] - c, c - low[i]), np.inf)
            place = [(mpmath.mpf(float(v)) - float(m)) / float(r) for v, m, r in zip(row, c, h, strict=True)]
            terms = (float(k) * mpmath.fprod(p**int(q) for p, q in zip(place, powers, strict=True))
                     for k, powers in zip(t.coef[i], t.B.exponents, strict=True))  # fmt: skip
            assert abs(mpmath.fsum(terms) - exact) <= t.rho[i] * (1 + 1e-9) + 1e-15 * (1 + abs(exact))
    return t.rho


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("width", [0.3, 0.02])
def test_taylor_models_hold_the_values_and_follow_them(text, width):
    *ends, own = SMOOTH[text]
    low, high = boxes_of(ends, width)
    names = tuple(e[0] for e in ends)
    B = taylor.basis(len(ends), taylor.DEGREES[len(ends)])
    t = taylor.formula(B, parse(text, names), names, taylor.boxes(B, low, high))
    assert not t.range.bad.any()
    off = inside(t, low, high, names, own, np.random.default_rng(1))
    if width < 0.1:
        assert (off < 1e-8).all()


@pytest.mark.parametrize("text, rough", [*((t, False) for t in SMOOTH), *((t, True) for t in ROUGH)])
@pytest.mark.parametrize("width", [0.99, 0.1, 1e-3])
def test_affine_forms_hold_the_values_too_and_follow_them(text, rough, width):
    *ends, own = (ROUGH if rough else SMOOTH)[text]
    low, high = boxes_of(ends, width, seed=4)
    names = tuple(e[0] for e in ends)
    form = form_of(parse(text, names), low, high)
    # a form is a polynomial of degree 1
    B = taylor.basis(len(ends), 1)
    coef = np.zeros((len(low), B.M))
    coef[:, 0] = form.c
    coef[:, B.linear] = form.g
    line = SimpleNamespace(coef=coef, rho=form.rho, range=form.range, B=B)
    inside(line, low, high, names, own, np.random.default_rng(5))
    slope = np.abs(form.g).max() + 1.0
    if not rough and width < 0.01 and not text.startswith("atan2"):  # with the square of the box
        assert (form.rho <= 30 * width**2 * slope + 1e-12).all()


@pytest.mark.parametrize("text", ROUGH)
@pytest.mark.parametrize("width", [1.0, 0.4, 0.01])
def test_where_a_function_is_not_smooth_its_values_still_lie_within(text, width):
    *ends, own = ROUGH[text]
    low, high = boxes_of(ends, width, seed=2)
    names = tuple(e[0] for e in ends)
    B = taylor.basis(len(ends), 4)
    t = taylor.formula(B, parse(text, names), names, taylor.boxes(B, low, high))
    assert not t.range.bad.any() and np.isfinite(t.range.size).all()
    inside(t, low, high, names, own, np.random.default_rng(1))


@pytest.mark.parametrize("text", [text for text, (*ends, _) in SMOOTH.items() if len(ends) == 1])
def test_series_of_balls_hold_the_coefficients(text):
    """Against mpmath's Taylor coefficients; a formula that balls cannot read in a box says so."""
    f = balls.flint()
    if f is None:
        pytest.skip("python-flint is not installed")
    (_, a, b), own = SMOOTH[text]
    for m in np.random.default_rng(3).uniform(a, b, 5):
        mpmath.mp.dps = 60
        exact = mpmath.taylor(own, mpmath.mpf(float(m)), 6)
        h = 0.01 * (b - a)
        coef, rest = balls.expanded(f, parse(text), float(m), h, 6)
        for k in range(7):
            assert abs(mpmath.mpf(float(coef[k])) - exact[k] * mpmath.mpf(h) ** k) <= rest
        assert rest < 1e-4


def test_formulas_of_two_inputs_in_balls():
    f = balls.flint()
    if f is None:
        pytest.skip("python-flint is not installed")
    mpmath.mp.dps = 40
    for text, (*ends, own) in SMOOTH.items():
        if len(ends) == 2:
            x = np.random.default_rng(4).uniform([e[1] for e in ends], [e[2] for e in ends])
            place = {e[0]: f.arb_series([f.arb(float(v))]) for e, v in zip(ends, x, strict=True)}
            value = balls.read(parse(text), place, balls.Series(f))[0]
            exact = mpmath.nstr(own(*(mpmath.mpf(float(v)) for v in x)), 35)
            assert (value - f.arb(exact)).overlaps(f.arb(0, 1e-30))
            assert float(value.rad()) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, domain",
    [
        ("hypot(x, y)", "x=1:3, y=1:4"), ("atan2(y, x)", "x=-2:-1, y=0.5:1"), ("max(sin(x), cos(x))", "x=0:6"),
        ("abs(sin(x))", "x=-3:3"), ("cbrt(x)", "x=1:8"), ("asinh(x)", "x=-3:3"),
    ],
)  # fmt: skip
def test_fits_of_them_are_proved(text, domain):
    """Their bounds were ranges alone before: 0.12 for an error of 6e-10."""
    fit = surefit.fit(text, domain)
    proof = fit.certify(time=20)
    assert fit.error.max * (1 - 1e-6) <= proof.upper <= 5 * fit.error.max + 1e-12
