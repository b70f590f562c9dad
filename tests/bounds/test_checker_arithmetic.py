"""Taylor models of the checker contain what mpmath gives, on small and large boxes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds.checker import formula_on, model_on
from surefit.bounds.checker_arithmetic import REAL, Space, Taylor, basis
from surefit.bounds.proving import program_of
from surefit.compiler.function import compile_program
from surefit.core.program import record
from surefit.core.tensor import Tensor

mp = pytest.importorskip("mpmath", reason="the oracle")

FORMULAS = (
    "x + 0.1*y", "x*y - 3", "-(x - y)^2", "x/(y + 3)", "1/x", "x^5", "sqrt(x + 2.5)", "sqrt(x)", "abs(x - y)",
    "exp(x*y)", "log(x + 3)", "sin(9*x + y)", "cos(x - 40*y)", "tan(x/3)", "tanh(3*x*y)", "atan(5*x)",
    "max(x, y, 0)", "min(x, 2*y)", "erf(2*x)", "sigmoid(4*y)", "softplus(x - y)", "relu(x)", "x^y", "2^x", "pi*x + e",
    "1e-3*x + 1e8*y", "1.00000000000000000001*x", "hypot(x, y + 3)", "atan2(x, y + 3)", "atan2(x + 3, y)", "asinh(3*x)",
    "sinh(x) - cosh(y)", "asin(x/4) + acos(y/4)", "acosh(x + 4)", "atanh(x/4)", "exp2(x) + expm1(y)", "cbrt(x + 4)",
    "log2(x + 4)*log10(y + 4)", "log1p(x/4)", "logaddexp(x, 2*y)", "erfc(x)", "sec(x/3) - csc(x + 5)", "clip(x, -1, y)",
    "x if x > y else 2*y", "y if x > 0 and y < 1 else -x", "0 if not x <= y or 0 < y < 1 else x*y",
    "floor(x) + sign(y)",
)  # fmt: skip
WRITTEN = {  # as mpmath reads it
    "x + 0.1*y": "x + y/10", "sqrt(x + 2.5)": "sqrt(x + mpf(5)/2)", "1e-3*x + 1e8*y": "x/1000 + 10^8*y",
    "1.00000000000000000001*x": "x + x/mpf(10)^20",
}  # fmt: skip
MPMATH = {
    "abs": abs, "max": max, "min": min, "sigmoid": lambda t: 1 / (1 + mp.exp(-t)), "relu": lambda t: max(t, 0),
    "softplus": lambda t: mp.log(1 + mp.exp(t)), "pi": mp.pi, "e": mp.e, "exp2": lambda t: mp.mpf(2) ** t,
    "log2": lambda t: mp.log(t, 2), "logaddexp": lambda s, t: mp.log(mp.exp(s) + mp.exp(t)),
    "clip": lambda t, a, b: min(max(t, a), b),
}  # fmt: skip
MPMATH |= {name: getattr(mp, name) for name in (
    "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "atan", "erf", "hypot", "atan2", "asinh", "sinh", "cosh", "asin",
    "acos", "acosh", "atanh", "expm1", "cbrt", "log10", "log1p", "erfc", "sec", "csc", "floor", "sign",
)}  # fmt: skip


def boxes(d, n, rng, degree, shares=False):
    """Variables on n boxes as (n, 1), with middles and radii (n, d)."""
    m, r = rng.uniform(-2, 2, (n, d)), 10.0 ** rng.uniform(-9, -0.2, (n, d))
    size = basis(d, degree).size
    b, c = Space(basis(d, degree), shares, size), np.zeros((n, d, size), REAL)
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


@pytest.mark.parametrize("degree, shares", [(0, False), (1, False), (1, True), (4, False), (4, True), (7, False)])
@pytest.mark.parametrize("text", FORMULAS)
def test_values_are_where_the_polynomial_and_its_remainder_say(text, degree, shares):
    rng = np.random.default_rng(degree)
    formula, n = surefit.parse(text), 12
    variables, m, r = boxes(2, n, rng, degree, shares)
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
                symbols = mp.fsum(map(exactly, np.abs(form.c[i, 0, basis(2, degree).size :])))
                assert abs(truth - said) <= exactly(form.e[i, 0]) + symbols, (i, t)
    assert finite >= n // 3


def test_a_polynomial_is_exact_but_for_rounding():
    variables, _, _ = boxes(2, 5, np.random.default_rng(0), 4)
    form = formula_on(surefit.parse("(x + y)^4 - x*y"), variables)
    assert (form.e < 1e-12 if np.finfo(REAL).eps > 1e-18 else form.e < 1e-15).all()


def test_what_is_undefined_somewhere_stays_that():
    """The range of atan(1/x) is bounded, and so is sign(log(x)), and there is no such number at x = 0."""
    variables, _, _ = boxes(1, 1, np.random.default_rng(0), 3)
    x = variables["x"]
    x.c[..., 0], x.c[..., 1] = 0.1, 0.5
    for text in ("atan(1/x)", "sin(1/x)", "tanh(log(x))", "sign(log(x))", "0*sqrt(x)", "max(1/x, 0)", "x^x", "0/x",
                 "1 if 1/x > 2 else 0", "min(exp(1/x), 1)", "erf(log(x))", "cbrt(x)", "asin(2*x)"):  # fmt: skip
        with np.errstate(all="ignore"):
            assert not formula_on(surefit.parse(text), variables).size[0, 0] < np.inf, text


def test_multiples_of_a_kink_cancel():
    """relu(a z) = a relu(z) on a box where z has both signs, relu(-z) = relu(z) - z, and a kink nearby is paid for."""
    variables, m, r = boxes(2, 9, np.random.default_rng(1), 2, shares=True)
    variables["x"].c[..., 0] = variables["y"].c[..., 0]  # both kinks are in every box
    kink = "relu(x - y) - relu(3*x - 3*y)/3"
    near = kink.replace("3*x -", "3*x + 3e-7 -")
    for text, off in ((kink, 0.0), ("abs(x - y) - 2*relu(y - x) - x + y", 0.0), (near, 1e-7)):
        with np.errstate(all="ignore"):
            form = formula_on(surefit.parse(text), variables)
        small = np.where(r.sum(axis=1) < 10 * off, r.sum(axis=1), 0.0)[:, None]  # of the size of the shift itself
        assert (form.size <= 1.01 * off + small + 1e-16 * (4 + np.abs(m[:, 1:]))).all()
        assert (form.size >= 0.5 * np.minimum(off, r.min())).all()


def few_bits(rng, shape, places):
    """Numbers of which many sums are floats."""
    return np.round(rng.normal(size=shape) * 2.0**places) / 2.0**places


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d, hidden", [(1, 0), (1, 5), (1, 40), (2, 0), (17, 0), (40, 0), (2, 20)])
def test_runs_are_as_near_to_the_polynomial_as_it_says(dtype, d, hidden):
    pytest.importorskip("llvmlite")
    rng, bits = np.random.default_rng(d + hidden), np.finfo(dtype).nmant + 1
    for _ in range(8):
        net = nn.MLP(d, (hidden,), 1, activation="tanh", dtype=dtype) if hidden else nn.Linear(d, 4, dtype=dtype)
        places = int(rng.integers(2, bits))
        for p in net.parameters():
            v = few_bits(rng, p.shape, places)
            if rng.random() < 0.5:  # terms that cancel, units of one gain
                v[..., 1::2] = -v[..., : v.shape[-1] - 1 : 2][..., : v[..., 1::2].shape[-1]]
                v = np.sign(v) * np.abs(v).flat[0] if v.shape[-1] == 1 else v
            p.assign(v.astype(dtype))
        m = few_bits(rng, d, bits - places).astype(dtype)
        low, high = m - dtype(10.0 ** rng.uniform(-9, -1)), m + dtype(10.0 ** rng.uniform(-9, -1))
        c, b = np.zeros((1, d, 1 + d), REAL), basis(d, 1 if d > 2 else 3)
        low, high = low.astype(float), high.astype(float)
        c[..., 0], c[0, np.arange(d), 1 + np.arange(d)] = (
            m,
            np.maximum(np.maximum(high - m, m - low) * (1 + 2.0**-50), 1e-30),
        )
        x = Taylor(Space(b, False, b.size), c, np.zeros((1, d)))
        with np.errstate(all="ignore"):
            y = model_on(program_of(net, d), x.shaped(1, d), "blocks")
        points = np.clip(rng.uniform(low, high, (200, d)).astype(dtype), low.astype(dtype), high.astype(dtype))
        points[0], points[1] = low, high
        run = compile_program(record(net, Tensor(points)), mode="strict").run
        t = (points.astype(REAL) - m) / c[0, np.arange(d), 1 + np.arange(d)]
        terms = np.stack([np.prod(t[:, list(term)], axis=1) for term in b.terms], axis=1)
        for j, values in enumerate(run([points])[0][0].T):
            of = y.c[0, 0, j]
            said = terms[:, : len(of)] @ of[: b.size]
            most = y.e[0, 0, j] + np.abs(of[b.size :]).sum()
            assert (np.abs(values - said) <= most * (1 + 1e-3) + 1e-18 * np.abs(of).sum()).all()
