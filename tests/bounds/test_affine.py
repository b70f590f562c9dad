"""Affine forms and Taylor models of formulas contain what mpmath gives, at random points of random boxes."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.bounds import taylor
from surefit.bounds.affine import form_of, range_of
from surefit.formulas import parse

FORMULAS = {
    "sin(x)*y - 0.1*x^3": ("sin(x)*y - x**3/10", (-3, 3)),
    "exp(-x^2)*sin(3*y) + x*y": ("exp(-x**2)*sin(3*y) + x*y", (-2, 2)),
    "sqrt(1 + x^2 + y^2)": ("sqrt(1 + x**2 + y**2)", (-3, 3)),
    "1/(2 + sin(x*y))": ("1/(2 + sin(x*y))", (-3, 3)),
    "log(3 + x) / (y + 4)": ("log(3 + x)/(y + 4)", (-2, 2)),
    "abs(x) + max(x, y) - min(x, y^2)": ("abs(x) + max(x, y) - min(x, y**2)", (-2, 2)),
    "tanh(x - y) + sigmoid(x) + softplus(y)": ("tanh(x - y) + 1/(1 + exp(-x)) + log(1 + exp(y))", (-4, 4)),
    "x^2 if x > 0.1 else y": ("x**2 if x > mpf(1)/10 else y", (-1, 1)),
    "atan(x) + asinh(y) + cosh(x/2) + erf(x*y)": ("atan(x) + asinh(y) + cosh(x/2) + erf(x*y)", (-2, 2)),
    "cbrt(x^2) + (x + 3)^1.5": ("cbrt(x**2) + (x + 3)**(mpf(3)/2)", (-2, 2)),
    "sin(1e6*x)": ("sin(10**6*x)", (-1, 1)),
    "asin(x/3)*acos(y/3) + sinh(x)": ("asin(x/3)*acos(y/3) + sinh(x)", (-2, 2)),
    "exp2(x) - log2(y + 5) + log10(x + 5) + expm1(x) + log1p(y + 3)": (
        "2**x - log(y + 5, 2) + log10(x + 5) + expm1(x) + log1p(y + 3)", (-2, 2)
    ),
    "gamma(x) - lgamma(y)*digamma(x) + erfinv(x/4)": ("gamma(x) - loggamma(y)*digamma(x) + erfinv(x/4)", (0.3, 3)),
    "x^4 - x^3 + x^-2*y": ("x**4 - x**3 + x**-2*y", (0.5, 2)),
}  # fmt: skip


def boxes(low, high, n, rng):
    """Boxes of all sizes, corners of the domain included."""
    width = (high - low) * rng.choice([1.0, 0.3, 1e-2, 1e-4, 1e-8], (n, 1))
    middle = rng.uniform(low, high, (n, 2))
    return np.clip(middle - width / 2, low, high), np.clip(middle + width / 2, low, high)


@pytest.mark.parametrize("text", FORMULAS)
def test_forms_contain_the_formula(text):
    mp = pytest.importorskip("mpmath", reason="the oracle")
    mp.mp.prec = 120
    python, (low, high) = FORMULAS[text]
    plain = "sin exp sqrt log tanh atan asinh cosh erf cbrt asin acos sinh mpf gamma loggamma digamma erfinv"
    names = {name: getattr(mp, name) for name in plain.split()}
    names |= {"log10": mp.log10, "expm1": mp.expm1, "log1p": mp.log1p, "abs": abs, "max": max, "min": min}
    oracle = eval(f"lambda x, y: {python}", names)  # noqa: S307 (texts of this file)
    formula = parse(text)
    rng = np.random.default_rng(7)
    lo, hi = boxes(low, high, 24, rng)
    columns = ["xy".index(v) for v in formula.variables]
    form = form_of(formula, lo[:, columns], hi[:, columns])
    plain = range_of(formula, lo[:, columns], hi[:, columns])
    basis = taylor.basis(2, taylor.DEGREES[2])
    x = taylor.boxes(basis, lo, hi)
    model = taylor.formula(basis, formula, ("x", "y"), x)
    assert not form.bad.any()
    c = 0.5 * lo + 0.5 * hi
    r = np.nextafter(np.maximum(hi - c, c - lo), np.inf)
    for i in range(len(lo)):
        for t in (np.zeros(2), np.ones(2), np.array([0.0, 1.0]), rng.random(2), rng.random(2)):
            p = np.clip(lo[i] + t * (hi[i] - lo[i]), lo[i], hi[i])
            value = oracle(mp.mpf(float(p[0])), mp.mpf(float(p[1])))
            assert plain.low[i] <= value <= plain.high[i]
            assert form.range.low[i] <= value <= form.range.high[i]
            here = [[mp.mpf(float(v)) for v in w] for w in (p, c[i], r[i])]
            e = [(x - m) / w if w else mp.mpf(0) for x, m, w in zip(*here, strict=True)]
            line = mp.mpf(float(form.c[i])) + sum(mp.mpf(float(form.g[i, k])) * e[j] for k, j in enumerate(columns))
            assert abs(value - line) <= form.rho[i]
            if np.isfinite(model.rho[i]):
                polynomial = sum(
                    mp.mpf(float(a)) * e[0] ** int(m[0]) * e[1] ** int(m[1])
                    for a, m in zip(model.coef[i], basis.exponents, strict=True)
                )
                assert abs(value - polynomial) <= model.rho[i]


@pytest.mark.parametrize("text", ["sin(x)*exp(x)", "1/(2 + x)", "sqrt(x + 2)", "x^3 - x", "log(x + 2)*x"])
def test_the_rest_falls_with_the_square_of_the_box(text):
    widths = np.array([1e-1, 1e-2])
    f = form_of(parse(text), (0.3 - widths)[:, None], (0.3 + widths)[:, None])
    assert 60 < f.rho[0] / f.rho[1] < 180


@pytest.mark.parametrize("text", ["1/x", "log(x)", "sqrt(x - 1)", "tan(2*x)", "x^-2", "x^0.5 + 1/sin(x)"])
def test_poles_are_bad_and_have_no_bound(text):
    f = form_of(parse(text), np.array([[-1.0]]), np.array([[1.0]]))
    assert f.bad.all()


def test_numbers_are_those_that_were_written():
    """0.1 is a tenth: the float next to it lies outside of nothing, but a tenth must lie inside."""
    from fractions import Fraction

    r = range_of(parse("0.1 + 0*x"), np.array([[0.0]]), np.array([[1.0]]))
    assert Fraction(float(r.low[0])) <= Fraction(1, 10) <= Fraction(float(r.high[0]))
    third = range_of(parse("1/3 + 0*x"), np.array([[0.0]]), np.array([[1.0]]))
    assert Fraction(float(third.low[0])) < Fraction(1, 3) < Fraction(float(third.high[0]))


def test_a_jump_keeps_its_height():
    f = form_of(parse("1 if x > 0.5 else 0"), np.array([[0.5 - 1e-9]]), np.array([[0.5 + 1e-9]]))
    assert f.rho[0] >= 0.5
    assert not f.bad.any()
