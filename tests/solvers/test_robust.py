"""Robust losses: values and derivatives against SciPy and differences; what outliers may do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.optimize._numdiff import approx_derivative

from surefit.errors import ArgumentError, ShapeError
from surefit.solvers import LOSSES, gauss_newton, lbfgs, levenberg_marquardt, sum_of_squares
from surefit.solvers.robust import Loss

R = np.array([-30.0, -2.0, -1.0, -0.3, 0.0, 1e-9, 0.5, 0.999, 1.0, 1.001, 4.0, 1e4])


@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("name", LOSSES)
def test_cost_is_scipys(name, scale):
    theirs = least_squares(lambda x: R + 0 * x, [1.0], loss=name, f_scale=scale, max_nfev=1).cost
    assert Loss("test", name, scale).cost(R) == pytest.approx(theirs, rel=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name):
    z = np.array([0.0, 1e-6, 0.2, 0.9, 1.1, 3.0, 50.0])
    h = 1e-6 * np.maximum(z, 1e-2)
    value, first, second = LOSSES[name](z)
    after, before = LOSSES[name](z + h), LOSSES[name](np.maximum(z - h, 0.0))
    width = z + h - np.maximum(z - h, 0.0)
    at_zero = z == 0.0
    np.testing.assert_allclose(first, (after[0] - before[0]) / width, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(second[~at_zero], ((after[1] - before[1]) / width)[~at_zero], rtol=1e-5, atol=1e-6)
    assert value[0] == 0.0 and first[0] == 1.0


@pytest.mark.parametrize("name", LOSSES)
def test_the_weighted_problem_has_the_gradient_of_the_cost(name):
    rng = np.random.default_rng(0)
    A, b, x = rng.normal(size=(9, 3)), 3 * rng.normal(size=9), rng.normal(size=3)
    loss = Loss("test", name, 0.7)
    gradient = approx_derivative(lambda x: loss.cost(A @ x - b), x, method="3-point")
    r, J = loss.weighted(A @ x - b, A)
    np.testing.assert_allclose(r @ J, gradient, rtol=1e-6, atol=1e-7)
    value, other = sum_of_squares(lambda x: A @ x - b, lambda x: A, loss=name, f_scale=0.7)(x)
    assert value == loss.cost(A @ x - b)
    np.testing.assert_allclose(other, gradient, rtol=1e-6, atol=1e-7)


T = np.linspace(0, 10, 60)
CLEAN = 3.0 * np.exp(-0.5 * T) + 0.5


def decay(x):
    return x[0] * np.exp(-x[1] * T) + x[2]


def decay_slopes(x):
    e = np.exp(-x[1] * T)
    return np.column_stack([e, -x[0] * T * e, np.ones_like(T)])


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "linear"])
def test_outliers(name):
    rng = np.random.default_rng(1)
    y = CLEAN + 0.01 * rng.normal(size=60)
    y[::7] += 5.0
    arguments = dict(loss=name, f_scale=0.03)
    theirs = least_squares(
        lambda x: decay(x) - y, [2, 1, 0], decay_slopes, xtol=1e-12, ftol=1e-14, gtol=1e-12, max_nfev=500, **arguments
    )
    ours = levenberg_marquardt(lambda x: decay(x) - y, [2, 1, 0], decay_slopes, **arguments)
    assert ours.converged, ours
    assert ours.cost <= theirs.cost * (1 + 1e-9)
    np.testing.assert_allclose(ours.x, [3, 0.5, 0.5], rtol=0.1)
    plain = levenberg_marquardt(lambda x: decay(x) - y, [2, 1, 0], decay_slopes)
    assert np.abs(plain.x - [3, 0.5, 0.5]).max() > 5 * np.abs(ours.x - [3, 0.5, 0.5]).max()


@pytest.mark.parametrize("name", LOSSES)
def test_all_solvers_find_the_same(name):
    rng = np.random.default_rng(2)
    y = CLEAN + 0.05 * rng.normal(size=60)
    fun, start = lambda x: decay(x) - y, [2.5, 0.6, 0.4]
    lm = levenberg_marquardt(fun, start, decay_slopes, loss=name, f_scale=0.05)
    gn = gauss_newton(fun, start, decay_slopes, loss=name, f_scale=0.05)
    bfgs = lbfgs(sum_of_squares(fun, decay_slopes, loss=name, f_scale=0.05), start)
    np.testing.assert_allclose(gn.x, lm.x, rtol=1e-5)
    np.testing.assert_allclose(bfgs.x, lm.x, rtol=1e-5)


def test_a_loss_of_ones_own():
    def fair(z):
        root = np.sqrt(z) + 1e-300
        return 2 * (root - np.log1p(root)), 1 / (1 + root), -0.5 / (root * (1 + root) ** 2)

    y = CLEAN.copy()
    y[::7] += 5.0
    found = levenberg_marquardt(lambda x: decay(x) - y, [2, 1, 0], decay_slopes, loss=fair, f_scale=0.01)
    np.testing.assert_allclose(found.x, [3, 0.5, 0.5], rtol=0.05)


def test_an_unknown_name_is_corrected():
    with pytest.raises(ArgumentError, match=r"loss='hubert' is unknown; did you mean 'huber'\?"):
        levenberg_marquardt(lambda x: x, [1.0], loss="hubert")
    with pytest.raises(ArgumentError, match="f_scale=0 must be a number > 0"):
        levenberg_marquardt(lambda x: x, [1.0], loss="huber", f_scale=0)
    with pytest.raises(ShapeError, match="loss gave shapes"):
        levenberg_marquardt(lambda x: x, [1.0, 2.0], loss=lambda z: (z.sum(), z, z))
