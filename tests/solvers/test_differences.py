"""Jacobians by differences: variables of any size, residuals of any precision; oracles are exact slopes and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from surefit.solvers import TRAINLM, Marquardt, TrustRegion, gauss_newton, levenberg_marquardt
from surefit.solvers.problem import Residuals
from surefit.solvers.result import Trace

METHODS = ["2-point", "3-point"]
T = np.linspace(0, 4, 40)
U = np.linspace(0, 1, 30)


def decay(amplitude, rate):
    return amplitude * np.exp(-rate * T)


# --- variables of any size ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("solve", [levenberg_marquardt, gauss_newton])
@pytest.mark.parametrize("size", [1e-10, 1e-3, 1e6, 1e12])
def test_variables_of_any_size(solve, method, size):
    """A decay time of 0.7e-10 seconds, of which 0.958e-10 was answered once."""
    times = T * size
    y = 3 * np.exp(-times / (0.7 * size))
    found = solve(lambda x: x[0] * np.exp(-times / x[1]) - y, [1.0, size], method)
    assert found.converged, found
    np.testing.assert_allclose(found.x, [3.0, 0.7 * size], rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_variables_of_mixed_sizes(method):
    def fun(x):
        return x[0] * 1e10 + np.sin(x[1] * 1e-10 * U) - 2 - np.sin(1.5 * U)

    for start in ([1e-10, 1e10], [0.0, 0.0], [1e-10, 0.0]):
        found = levenberg_marquardt(fun, start, method)
        assert found.converged, found
        np.testing.assert_allclose(found.x, [2e-10, 1.5e10], rtol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e-10, 1.0, 1e10])
def test_variables_that_start_at_zero(method, size):
    found = levenberg_marquardt(lambda x: np.sin(x[0] / size * U) - np.sin(1.5 * U), [0.0], method)
    assert found.converged
    np.testing.assert_allclose(found.x, 1.5 * size, rtol=1e-8)
    told = levenberg_marquardt(lambda x: np.sin(x[0] / size * U) - np.sin(1.5 * U), [0.0], method, x_scale=size)
    np.testing.assert_allclose(told.x, 1.5 * size, rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_variables_that_end_at_zero(method):
    def fun(x):
        return np.concatenate([decay(x[0], 1.0) - decay(2.0, 1.0), [x[1] * x[0], x[1] + x[1] ** 2]])

    found = levenberg_marquardt(fun, [1.0, 1.0], method)
    assert found.converged and found.x[0] == pytest.approx(2.0) and abs(found.x[1]) < 1e-8
    assert found.evaluations <= 80


@pytest.mark.parametrize("method", METHODS)
def test_variables_that_are_an_offset(method):
    """A place in seconds since 1970, of a peak that is a second wide."""
    found = levenberg_marquardt(
        lambda x: np.exp(-((4 * U - 2 + (1.6e9 - x[0])) ** 2)) - np.exp(-((4 * U - 2.3) ** 2)), [1.6e9], method
    )
    assert found.converged and found.x[0] - 1.6e9 == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_tiny_start_is_not_an_answer(method):
    found = levenberg_marquardt(lambda x: x[0] + np.sin(x[1] * U) - 2 - np.sin(1.5 * U), [1e-20, 1e-20], method)
    assert found.converged
    np.testing.assert_allclose(found.x, [2.0, 1.5], rtol=1e-7)


def test_a_tiny_start_is_not_an_answer_of_exact_slopes_either():
    found = levenberg_marquardt(
        lambda x: x[0] + np.sin(x[1] * U) - 2 - np.sin(1.5 * U),
        [1e-20, 1e-20],
        lambda x: np.stack([np.ones_like(U), U * np.cos(x[1] * U)], axis=1),
    )
    np.testing.assert_allclose(found.x, [2.0, 1.5], rtol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_noisy_measurements_of_tiny_variables_as_in_scipy(method):
    y = decay(2.5, 1.3) + 0.05 * np.random.default_rng(0).standard_normal(len(T))

    def fun(x):
        return x[0] * 1e9 * np.exp(-x[1] * 1e-7 * T) - y

    def jac(x):
        e = 1e9 * np.exp(-x[1] * 1e-7 * T)
        return np.stack([e, -x[0] * e * 1e-7 * T], axis=1)

    peer = least_squares(fun, [1e-9, 1e7], jac, x_scale=[1e-9, 1e7], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    found = levenberg_marquardt(fun, [1e-9, 1e7], method)
    assert found.converged
    np.testing.assert_allclose(found.x, peer.x, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_damping_of_trainlm(method):
    options = TRAINLM | {"damping": Marquardt(min_grad=0.0), "x_scale": [1.0, 1e-10]}
    y = 3 * np.exp(-T / 0.7)
    found = levenberg_marquardt(lambda x: x[0] * np.exp(-1e-10 * T / x[1]) - y, [1.0, 1e-10], method, **options)
    np.testing.assert_allclose(found.x, [3.0, 0.7e-10], rtol=1e-8)


@given(st.lists(st.integers(-12, 12), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_columns_are_the_exact_slopes(exponents, seed):
    rng = np.random.default_rng(seed)
    n = len(exponents)
    size = 10.0 ** np.array(exponents)
    A, x = rng.standard_normal((7, n)), rng.uniform(0.5, 2, n) * rng.choice([-1, 1], n) * size

    def fun(x):
        return np.sin(A @ (x / size)) + A @ (x / size) ** 2

    def jac(x):
        return np.cos(A @ (x / size))[:, None] * A / size + 2 * A * (x / size**2)

    for method, rtol in (("2-point", 1e-6), ("3-point", 1e-8)):
        problem = Residuals("test", fun, method, x, Trace("test"))
        J = problem.jacobian(x, problem.residuals(x))
        exact = jac(x)
        np.testing.assert_allclose(J * size, exact * size, rtol=0, atol=rtol * np.abs(exact * size).max())


# --- residuals of any precision -------------------------------------------------------------------------


def in_float32(x):
    a, b = np.float32(x[0]), np.float32(x[1])
    return a * np.exp(-b * T.astype(np.float32))


Y32 = decay(2.5, 1.3).astype(np.float32)
ROUNDED = {
    "float32": lambda x: in_float32(x) - Y32,
    "float32, as float64": lambda x: (in_float32(x) - Y32).astype(np.float64),
    "float32 less float64": lambda x: in_float32(x).astype(np.float64) - decay(2.5, 1.3),
    "numbers of float32": lambda x: list(in_float32(x) - Y32),
    "eight digits": lambda x: np.round(decay(*x), 8) - decay(2.5, 1.3),
    "noise of 1e-7": lambda x: decay(*x) * (1 + 1e-7 * np.sin(1e12 * x[0] * (1 + T))) - decay(2.5, 1.3),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ROUNDED)
def test_residuals_of_less_precision(name, method):
    found = levenberg_marquardt(ROUNDED[name], [1.0, 1.0], method)
    assert found.iterations > 0
    np.testing.assert_allclose(found.x, [2.5, 1.3], rtol=1e-6)
    assert found.status in ("precision", "zero", "cost", "step"), found


def test_float32_with_exact_slopes_ends_at_its_precision():
    def jac(x):
        e = np.exp(-x[1] * T)
        return np.stack([e, -x[0] * T * e], axis=1)

    noisy = (decay(2.5, 1.3) + 0.1 * np.sin(50 * T)).astype(np.float32)
    found = levenberg_marquardt(lambda x: in_float32(x) - noisy, [1.0, 1.0], jac)
    peer = least_squares(lambda x: decay(*x) - noisy, [1.0, 1.0], jac, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert found.converged, found
    np.testing.assert_allclose(found.x, peer.x, rtol=1e-3)


# --- what has no slope ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("damping", [TrustRegion(), Marquardt()])
@pytest.mark.parametrize(
    "fun, start",
    [
        (lambda x: np.sign(x[0]) * np.ones(3) - 0.5, [1.0]),
        (lambda x: np.floor(x[0]) * U - 3 * U, [1.5]),
        (lambda x: np.full(4, 2.0), [1.0, 2.0]),
        (lambda x: np.where(x[0] > 1e3, 0.0, 1.0) * np.ones(3), [1.0]),
    ],
)
def test_no_slope_is_no_convergence(fun, start, damping, method):
    found = levenberg_marquardt(fun, start, method, damping=damping)
    assert not found.converged and found.x.tolist() == start


@pytest.mark.parametrize("method", METHODS)
def test_steps_instead_of_slopes_are_no_convergence(method):
    found = levenberg_marquardt(lambda x: np.floor(1e3 * x[0] * U) / 1e3 - 1.5 * U, [1.0], method)
    assert not found.converged and found.x[0] == pytest.approx(1.5, abs=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_variable_without_effect_is_left_alone(method):
    def fun(x):
        return decay(x[0], x[1]) - decay(2.5, 1.3)

    found = levenberg_marquardt(fun, [1.0, 1.0, 7.0], method)
    assert found.converged and found.rank == 2 and found.x[2] == 7.0
    np.testing.assert_allclose(found.x[:2], [2.5, 1.3], rtol=1e-8)


# --- what it costs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("budget", [1, 2, 5, 9, 14, 30])
def test_a_closer_look_keeps_to_the_budget(method, budget):
    calls = []

    def fun(x):
        calls.append(x)
        return in_float32(x).astype(np.float64) - decay(2.5, 1.3)

    found = levenberg_marquardt(fun, [1.0, 1.0], method, max_evaluations=budget)
    assert len(calls) == found.evaluations <= budget


@pytest.mark.parametrize("method", METHODS)
def test_one_evaluation_more_where_nothing_is_wrong(method):
    found = levenberg_marquardt(lambda x: decay(*x) - decay(2.5, 1.3), [1.0, 1.0], method, callback=lambda x, i: True)
    assert found.evaluations == 2 + (2 if method == "2-point" else 4)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_evaluated_outside_the_box(method):
    low, high = np.array([0.0, 1.0]), np.array([3.0, 1.0 + 1e-9])

    def fun(x):
        assert ((x >= low) & (x <= high)).all()
        return in_float32(x).astype(np.float64) - decay(2.5, 1.3)

    found = levenberg_marquardt(fun, [3.0, 1.0], method, bounds=(low, high))
    assert 0.0 < found.x[0] < 3.0
