"""Polynomials as networks: the same as NumPy's least squares, and leave-one-out as by leaving out."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.features import leave_one_out
from surefit.attempts.polynomial import as_squares, monomials
from surefit.errors import ArgumentError
from surefit.solvers.features import solve_output

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_a_quadratic_is_a_network_of_squares(d):
    x = RNG.uniform(-2, 2, (50, d))
    c = RNG.normal(size=(monomials(x, 2).shape[1], 2))
    weight, bias, output, constant = as_squares(c, np.array([1.0, -2.0]), d)
    network = np.square(x @ weight.T + bias) @ output + constant
    np.testing.assert_allclose(network, monomials(x, 2) @ c + [1.0, -2.0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2])
def test_it_is_the_least_squares_polynomial(degree):
    x = RNG.uniform(-2, 3, (200, 2))
    y = 1 + x[:, 0] - x[:, 0] * x[:, 1] + np.sin(x[:, 1])
    fit = surefit.fit((x, y), method=surefit.Polynomial(degree=degree, ridge=None))
    u, v = fit.problem.train
    columns = [np.ones(len(u)), u[:, 0], u[:, 1]]
    columns += [] if degree == 1 else [u[:, 0] ** 2, u[:, 1] ** 2, u[:, 0] * u[:, 1]]
    c = np.linalg.lstsq(np.column_stack(columns), v[:, 0], rcond=None)[0]
    places = RNG.uniform(-1.5, 2.5, (20, 2))
    p, q = places.T
    at = [np.ones(20), p, q] + ([] if degree == 1 else [p**2, q**2, p * q])
    np.testing.assert_allclose(fit.predict(places), np.column_stack(at) @ c, rtol=1e-9)


def test_a_linear_table_gets_a_linear_function():
    x = RNG.uniform(0, 10, (100, 1))
    y = 3 * x[:, 0] + 1 + 0.5 * RNG.normal(size=100)
    fit = surefit.fit((x, y))
    assert fit.method["stage"] == "linear function"
    far = fit.network[0]
    assert fit.layers() == [1, 1] and far.weight.shape == (1, 1)


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 30)])
@pytest.mark.parametrize("ridge", [0.0, 1e-2])
def test_leave_one_out_is_leaving_out(weights, ridge):
    phi, y = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 2))
    solve = lambda a, b, w: solve_output(a, b, weights=w, ridges=[ridge] if ridge else None, rconds=[1e-14])
    whole = solve(phi, y, weights)
    quick = leave_one_out(phi, y, whole.residuals, weights, ridge)
    for i in (0, 7, 29):
        keep = np.arange(30) != i
        part = solve(phi[keep], y[keep], None if weights is None else weights[keep])
        true = phi[i] @ part.weights + part.constant - y[i]
        np.testing.assert_allclose(quick[i], true, rtol=0.05 if ridge else 1e-8, atol=1e-3 if ridge else 1e-9)


def left_out_by_refits(phi, y, weights, damping):
    """Each row's residual by a ridge regression on the others, by the pseudo-inverse of NumPy."""
    out = np.empty_like(y)
    for i in range(len(y)):
        keep = np.arange(len(y)) != i
        part = weights[keep] / weights[keep].sum()
        centre, level = part @ phi[keep], part @ y[keep]
        root = np.sqrt(weights[keep] / weights.sum())[:, None]
        a, b = root * (phi[keep] - centre), root * (y[keep] - level)
        if damping > 0:
            c = np.linalg.solve(a.T @ a + damping * np.eye(a.shape[1]), a.T @ b)
        else:
            c = np.linalg.pinv(a, rcond=1e-12) @ b
        out[i] = level + (phi[i] - centre) @ c - y[i]
    return out


@pytest.mark.parametrize("n, h", [(2, 1), (3, 2), (3, 5), (5, 4), (5, 3), (6, 20), (40, 10)])
@pytest.mark.parametrize("ridge", [0.0, 1e-14, 1e-3])
def test_of_rows_that_are_gone_through_it_is_leaving_out_too(n, h, ridge):
    rng = np.random.default_rng(n + h)
    phi, y, weights = rng.normal(size=(n, h)), rng.normal(size=(n, 2)), rng.uniform(0.5, 2.0, n)
    if n == 40:  # an indicator of one row
        phi[:, 3] = 0.0
        phi[7, 3] = 1.0
    solved = solve_output(phi, y, weights=weights, ridges=[ridge])
    share = weights / weights.sum()
    size = float((share[:, None] * (phi - share @ phi) ** 2).sum())
    true = left_out_by_refits(phi, y, weights, ridge * size / min(n, h) if ridge > 1e-10 else 0.0)
    quick = leave_one_out(phi, y, solved.residuals, weights, ridge)
    np.testing.assert_allclose(quick, true, rtol=1e-7, atol=1e-9)
    score = np.sqrt(np.mean(weights[:, None] / weights.mean() * true**2))
    assert solved.score == pytest.approx(score, rel=1e-7)


def test_without_the_only_row_nothing_is_known():
    phi, y = np.array([[1.0, 2.0]]), np.array([[3.0]])
    assert np.isinf(leave_one_out(phi, y, np.zeros((1, 1)), None, 1e-3)).all()
    weights = np.array([0.0, 1.0, 0.0])
    left = leave_one_out(RNG.normal(size=(3, 2)), RNG.normal(size=(3, 1)), np.zeros((3, 1)), weights, 1e-3)
    assert np.isinf(left[1, 0])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_rows_as_few_as_parameters_promise_nothing(n, columns):
    """A target that the inputs tell nothing of is missed by about its deviation, 1, wherever else it is asked for."""
    claims = []
    for seed in range(4):
        rng = np.random.default_rng([n, columns, seed])
        fit = surefit.fit((rng.uniform(-1, 1, (n, columns)), rng.normal(size=n)))
        if fit.error.kind != "training":  # whose words are: which it was fitted to
            claims.append(fit.error.max)
    assert n > 1 or not claims
    assert np.median(claims or [1.0]) > 0.1
    assert not any(f.code == "identical-units" and f.severity == "error" for f in fit.doctor().findings)


def test_what_it_cannot_do_is_said():
    with pytest.raises(ArgumentError, match="leave model out"):
        surefit.fit("x", "x=0:1", method="polynomial", model=(3,))
    with pytest.raises(ArgumentError, match="degree=3 must be 1 or 2"):
        surefit.Polynomial(degree=3)


def test_it_saves_and_loads(tmp_path):
    fit = surefit.fit("x^2 + 3*x*y - y + 1", "x=-2:2, y=0:1", method="polynomial")
    assert fit.error.max < 1e-12
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    points = RNG.uniform(0, 1, (9, 2))
    np.testing.assert_array_equal(again.predict(points), fit.predict(points))
    assert again.card() == fit.card()
