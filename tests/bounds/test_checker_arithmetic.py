"""Taylor models of the checker contain what mpmath gives, on small and large boxes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import surefit
from surefit.bounds.checker import formula_on
from surefit.bounds.checker_arithmetic import REAL, Taylor, basis

mp = pytest.importorskip("mpmath", reason="the oracle")

FORMULAS = (
    "x + 0.1*y", "x*y - 3", "-(x - y)^2", "x/(y + 3)", "1/x", "x^5", "sqrt(x + 2.5)", "sqrt(x)", "abs(x - y)",
    "exp(x*y)", "log(x + 3)", "sin(9*x + y)", "cos(x - 40*y)", "tan(x/3)", "tanh(3*x*y)", "atan(5*x)",
    "max(x, y, 0)", "min(x, 2*y)", "erf(2*x)", "sigmoid(4*y)", "softplus(x - y)", "relu(x)", "x^y", "2^x", "pi*x + e",
    "1e-3*x + 1e8*y", "1.00000000000000000001*x",
)  # fmt: skip
WRITTEN = {  # as mpmath reads it
    "x + 0.1*y": "x + y/10", "sqrt(x + 2.5)": "sqrt(x + mpf(5)/2)", "1e-3*x + 1e8*y": "x/1000 + 10^8*y",
    "1.00000000000000000001*x": "x + x/mpf(10)^20",
}  # fmt: skip
MPMATH = {
    "abs": abs, "max": max, "min": min, "sigmoid": lambda t: 1 / (1 + mp.exp(-t)), "relu": lambda t: max(t, 0),
    "softplus": lambda t: mp.log(1 + mp.exp(t)), "pi": mp.pi, "e": mp.e,
}  # fmt: skip
MPMATH |= {name: getattr(mp, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "atan", "erf")}


def boxes(d, n, rng, degree):
    """Variables on n boxes as (n, 1), with middles and radii (n, d)."""
    m, r = rng.uniform(-2, 2, (n, d)), 10.0 ** rng.uniform(-9, -0.2, (n, d))
    b = basis(d, degree)
    c = np.zeros((n, d, b.size), REAL)
    c[..., 0] = m
    if degree:
        c[:, np.arange(d), 1 + np.arange(d)] = r
    e = np.zeros((n, d)) if degree else r
    return {name: Taylor(b, c[:, i : i + 1], e[:, i : i + 1]) for i, name in enumerate("xy")}, m, r


def products(degree, t):
    """The products of powers of t in the order of the basis."""
    powers = [p for k in range(degree + 1) for p in itertools.combinations_with_replacement(range(len(t)), k)]
    return [mp.fprod(mp.mpf(t[i]) for i in p) for p in powers]


def exactly(c):
    """A longer float as a number of mpmath."""
    return mp.mpf(float(c)) + mp.mpf(float(c - REAL(float(c))))


@pytest.mark.parametrize("degree", [0, 1, 4, 7])
@pytest.mark.parametrize("text", FORMULAS)
def test_values_are_where_the_polynomial_and_its_remainder_say(text, degree):
    rng = np.random.default_rng(degree)
    formula, n = surefit.parse(text), 12
    variables, m, r = boxes(2, n, rng, degree)
    with np.errstate(all="ignore"):
        form = formula_on(formula, variables)
    code = WRITTEN.get(text, text).replace("^", "**")
    finite, form.c, form.e = 0, np.broadcast_to(form.c, (n, 1, form.c.shape[-1])), np.broadcast_to(form.e, (n, 1))
    with mp.workdps(40):
        for i in range(n):
            if not np.isfinite(form.e[i, 0]):
                continue
            finite += 1
            for t in (*rng.uniform(-1, 1, (4, 2)), (-1.0, 1.0), (1.0, 1.0)):
                x, y = (mp.mpf(m[i, j]) + mp.mpf(r[i, j]) * mp.mpf(t[j]) for j in range(2))
                truth = eval(code, {"x": x, "y": y, "mpf": mp.mpf, **MPMATH})  # noqa: S307
                said = mp.fdot(zip(map(exactly, form.c[i, 0]), products(degree, t), strict=False))
                assert abs(truth - said) <= exactly(form.e[i, 0]), (i, t)
    assert finite >= n // 3


def test_a_polynomial_is_exact_but_for_rounding():
    variables, _, _ = boxes(2, 5, np.random.default_rng(0), 4)
    form = formula_on(surefit.parse("(x + y)^4 - x*y"), variables)
    assert (form.e < 1e-12 if np.finfo(REAL).eps > 1e-18 else form.e < 1e-15).all()
