"""What solvers do at the edges: bounds, budgets, callbacks, nothing to fit, too little to fit, what is not finite."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares, lsq_linear
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize._numdiff import approx_derivative

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.solvers import (
    STATUSES,
    TRAINLM,
    Marquardt,
    gauss_newton,
    lbfgs,
    levenberg_marquardt,
    sum_of_squares,
)
from surefit.solvers.problem import Residuals
from surefit.solvers.result import Trace
from surefit.solvers.wolfe import CURVATURE, DECREASE, strong_wolfe

T = np.linspace(0, 4, 40)
TRUE = np.array([3.0, 1.3])


def decay(x):
    return x[0] * np.exp(-x[1] * T) - TRUE[0] * np.exp(-TRUE[1] * T)


def decay_slopes(x):
    e = np.exp(-x[1] * T)
    return np.column_stack([e, -x[0] * T * e])


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def rosenbrock_slopes(x):
    return np.array([[-20 * x[0], 10.0], [-1.0, 0.0]])


LEAST_SQUARES = [levenberg_marquardt, gauss_newton]


def as_lbfgs(fun, x0, jac, **options):
    return lbfgs(sum_of_squares(fun, jac), x0, **options)


ALL = [*LEAST_SQUARES, as_lbfgs]

# --- the result -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solve", ALL)
def test_the_result_keeps_the_books(solve):
    calls = []

    def counted(x):
        calls.append(x)
        return rosenbrock(x)

    result = solve(counted, [-1.2, 1.0], rosenbrock_slopes)
    assert result.converged
    assert result.evaluations == len(calls)
    assert result.iterations == len(result.history) - 1 == result.history[-1].number
    assert result.history[0].cost == 0.5 * np.sum(rosenbrock([-1.2, 1.0]) ** 2)
    assert result.history[-1].cost == result.cost
    assert result.history[-1].evaluations <= result.evaluations
    assert [i.seconds for i in result.history] == sorted(i.seconds for i in result.history)
    assert 0 < result.history[-1].seconds <= result.seconds
    costs = [i.cost for i in result.history]
    assert all(b <= a for a, b in itertools.pairwise(costs))
    assert result.reason in str(result) and "converged" in str(result)


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_residuals_and_slope_are_those_at_x(solve):
    result = solve(decay, [1.0, 1.0], decay_slopes, max_iterations=2)
    np.testing.assert_array_equal(result.residuals, decay(result.x))
    assert result.gradient == pytest.approx(np.abs(decay_slopes(result.x).T @ decay(result.x)).max())
    assert result.rank == 2


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_a_sentence(status):
    sentence = STATUSES[status][1]
    assert sentence.endswith(".") and len(sentence) > 20


# --- bounds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jac", [decay_slopes, "2-point", "3-point"])
@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_nothing_is_evaluated_outside_the_box(solve, jac):
    low, high = np.array([0.5, 0.2]), np.array([2.0, 1.1])

    def fun(x):
        assert ((x >= low) & (x <= high)).all()
        return decay(x)

    result = solve(fun, [0.5, 1.1], jac, bounds=(low, high))
    peer = least_squares(decay, [1.0, 1.0], decay_slopes, bounds=(low, high), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert result.converged, result
    assert result.cost <= peer.cost * (1 + 1e-9)
    np.testing.assert_allclose(result.x, peer.x, rtol=1e-5)


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_equal_bounds_hold_a_variable(solve):
    result = solve(decay, [1.0, 0.7], decay_slopes, bounds=([-np.inf, 0.7], [np.inf, 0.7]))
    e = np.exp(-0.7 * T)
    assert result.converged and result.x[1] == 0.7
    assert result.x[0] == pytest.approx((e @ (TRUE[0] * np.exp(-TRUE[1] * T))) / (e @ e))
    held = solve(decay, [1.0, 0.7], "2-point", bounds=([1.0, 0.7], [1.0, 0.7]))
    assert held.converged and held.x.tolist() == [1.0, 0.7]


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_linear_problems_in_a_box(seed, m, n):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, n)), rng.normal(size=m)
    low, width = rng.normal(size=n), rng.exponential(size=n)
    start = low + rng.random(n) * width
    result = levenberg_marquardt(lambda x: A @ x - b, start, lambda x: A, bounds=(low, low + width))
    best = lsq_linear(A, b, (low, low + width), method="bvls", tol=1e-14)
    assert result.converged, result
    assert result.cost <= best.cost * (1 + 1e-9) + 1e-18


@given(st.integers(0, 10**6), st.sampled_from(["linear", "soft_l1", "cauchy"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nonlinear_problems_in_a_box(seed, loss, geodesic):
    """A sum of two exponentials with noise: no slope is left that can be followed, and SciPy is not better nearby."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 3, 25)
    curve = lambda x: x[0] * np.exp(-x[1] * t) + x[2] * np.exp(-x[3] * t)
    slopes = lambda x: np.column_stack(
        [np.exp(-x[1] * t), -x[0] * t * np.exp(-x[1] * t), np.exp(-x[3] * t), -x[2] * t * np.exp(-x[3] * t)]
    )
    y = curve(rng.uniform(0, 3, 4)) + 0.1 * rng.normal(size=25)
    low, high = rng.uniform(-1, 0.5, 4), rng.uniform(1, 3, 4)
    start = rng.uniform(low, high)
    options = dict(loss=loss, f_scale=0.2)
    result = levenberg_marquardt(
        lambda x: curve(x) - y, start, slopes, bounds=(low, high), geodesic=geodesic, **options
    )
    assert ((result.x >= low) & (result.x <= high)).all()
    assert result.converged, result
    assert result.gradient <= 1e-4 * max(1.0, float(np.linalg.norm(result.residuals)))
    peer = least_squares(
        lambda x: curve(x) - y, np.clip(result.x, low + 1e-9, high - 1e-9), slopes, bounds=(low, high), **options
    )
    assert result.cost <= peer.cost * (1 + 1e-6)


def test_a_start_outside_is_an_error():
    with pytest.raises(ArgumentError, match=r"x0\[1\] = 5.0 is outside its bounds 0.0 to 2.0; start inside"):
        levenberg_marquardt(decay, [1.0, 5.0], bounds=(0, 2))
    with pytest.raises(ArgumentError, match="the first must not be above"):
        levenberg_marquardt(decay, [1.0, 5.0], bounds=(2, 0))
    with pytest.raises(ShapeError, match="bounds must be two"):
        levenberg_marquardt(decay, [1.0, 5.0], bounds=([0, 0, 0], 1))


# --- budgets and callbacks ------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("jac", [rosenbrock_slopes, "2-point", "3-point"])
@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_evaluations_are_a_budget(solve, jac, budget):
    calls = []
    result = solve(lambda x: calls.append(x) or rosenbrock(x), [-1.2, 1.0], jac, max_evaluations=budget)
    assert len(calls) == result.evaluations <= budget
    assert result.status == "max_evaluations" or result.converged
    assert result.cost == pytest.approx(0.5 * float(np.sum(rosenbrock(result.x) ** 2)), rel=1e-14, abs=1e-300)
    assert result.cost <= result.history[0].cost


@pytest.mark.parametrize("budget", [1, 2, 5, 30])
def test_evaluations_are_a_budget_in_a_line_search(budget):
    result = as_lbfgs(rosenbrock, [-1.2, 1.0], rosenbrock_slopes, max_evaluations=budget)
    assert result.evaluations <= budget and result.status == "max_evaluations"


@pytest.mark.parametrize("solve", ALL)
def test_iterations_and_time_are_budgets(solve):
    result = solve(rosenbrock, [-1.2, 1.0], rosenbrock_slopes, max_iterations=3)
    assert result.status == "max_iterations" and result.iterations == 3 and not result.converged
    result = solve(rosenbrock, [-1.2, 1.0], rosenbrock_slopes, time=1e-9)
    assert result.status == "time" and result.iterations == 0


@pytest.mark.parametrize("solve", ALL)
def test_a_callback_sees_every_iteration_and_may_stop(solve):
    seen = []

    def watch(x, iteration):
        seen.append((x, iteration))
        x[:] = 99.0  # its own copy
        return np.bool_(iteration.number == 4)

    result = solve(rosenbrock, [-1.2, 1.0], rosenbrock_slopes, callback=watch)
    assert result.status == "callback" and result.iterations == 4
    assert tuple(iteration for _, iteration in seen) == result.history


@pytest.mark.parametrize("solve", ALL)
def test_a_goal_is_enough(solve):
    result = solve(decay, [1.0, 1.0], decay_slopes, goal=1e-3)
    assert result.status == "goal" and result.converged and 0 < result.cost <= 1e-3


# --- nothing, or too little, to fit ---------------------------------------------------------------------


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_zero_residuals_at_the_start(solve):
    result = solve(decay, TRUE, decay_slopes)
    assert result.status == "zero" and result.converged and result.iterations == 0 and result.cost == 0.0
    assert result.x.tolist() == TRUE.tolist()


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_residuals_that_do_not_depend_on_x(solve):
    result = solve(lambda x: np.array([1.0, 2.0, 3.0]), [1.0, 1.0], lambda x: np.zeros((3, 2)))
    assert result.status == "flat" and result.rank == 0 and result.cost == 7.0
    assert not result.converged
    assert "do not depend on any variable" in str(result)
    assert "rank 0 there, for 2 variables" in result.reason


@pytest.mark.parametrize("solve", LEAST_SQUARES)
@pytest.mark.parametrize("jac", [lambda x: np.ones((1, 3)), "2-point"])
def test_one_sample_and_more_variables_than_samples(solve, jac):
    result = solve(lambda x: np.array([x.sum() - 6.0]), [1.0, 0.0, 2.0], jac)
    assert result.converged and result.cost <= 1e-14
    assert result.rank == 1 and "not determined" in result.reason
    np.testing.assert_allclose(result.x, [2.0, 1.0, 3.0], rtol=0.4)  # near the start: no variable is thrown away


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_two_variables_that_say_the_same(solve):
    result = solve(lambda x: (x[0] + x[1]) * T - 2 * T - 1, [5.0, 1.0], lambda x: np.column_stack([T, T]))
    assert result.converged and result.rank == 1 and "rank 1 there, for 2 variables" in result.reason
    assert result.x.sum() == pytest.approx(2 + T.sum() / (T @ T))


@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_a_variable_without_influence_stays(solve):
    result = solve(lambda x: x[0] - np.array([1.0, 3.0]), [7.0, 4.0], lambda x: np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert result.x[0] == pytest.approx(2.0) and result.x[1] == 4.0 and result.rank == 1


def test_one_number_in_one_number_out():
    result = levenberg_marquardt(lambda x: x[0] ** 2 - 2, 1.0, lambda x: 2 * x)
    assert result.x == pytest.approx(math.sqrt(2)) and result.converged


# --- what is not finite ---------------------------------------------------------------------------------


@pytest.mark.parametrize("solve", LEAST_SQUARES)
@pytest.mark.parametrize(
    "fun, jac, words",
    [
        (lambda x: np.array([1.0, np.nan, 3.0, np.inf]), "2-point", "2 of 4 residuals are not finite at the starting"),
        (lambda x: np.array([1.0, 1e200]), "2-point", r"so large at the starting point \(up to 1e\+200\)"),
        (
            lambda x: np.ones(3),
            lambda x: np.array([[1.0, 2.0], [1.0, np.inf], [1.0, 1.0]]),
            r"the slope of residual 1 by x\[1\] = 2 is inf",
        ),
    ],
)
def test_not_finite_at_the_start(solve, fun, jac, words):
    result = solve(fun, [1.0, 2.0], jac)
    assert result.status == "not_finite" and not result.converged and result.iterations == 0
    assert result.x.tolist() == [1.0, 2.0]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(result.reason)


@pytest.mark.parametrize("value", [(math.nan, [0.0]), (math.inf, [0.0]), (1.0, [math.nan])])
def test_not_finite_at_the_start_of_lbfgs(value):
    result = lbfgs(lambda x: value, [1.0])
    assert result.status == "not_finite" and not result.converged and "starting point" in result.reason


@pytest.mark.parametrize("solve", ALL)
def test_a_step_into_nowhere_is_shortened(solve):
    """The full step from 20 lands where the logarithm is nan."""
    fun = lambda x: np.array([np.log(x[0]) - np.log(3.0), np.sqrt(4.0 - x[1]) - 1.0])
    jac = lambda x: np.array([[1 / x[0], 0.0], [0.0, -0.5 / np.sqrt(4.0 - x[1])]])
    result = solve(fun, [20.0, 0.0], jac)
    assert np.isfinite(result.cost) and result.x[0] == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize("solve", ALL)
def test_nothing_but_the_start_is_finite(solve):
    fun = lambda x: np.where(x == 1.0, 1.0, np.nan)
    result = solve(fun, [1.0, 1.0], lambda x: np.eye(2))
    assert result.status == "not_finite" and not result.converged and result.x.tolist() == [1.0, 1.0]
    assert "add bounds" in result.reason


@pytest.mark.parametrize("solve", ALL)
def test_overflow_in_the_callers_function_is_no_warning(solve):
    fun = lambda x: np.array([np.exp(x[0] * 300) - 2.0, 1 / x[0] - 400.0])
    jac = lambda x: np.array([[300 * np.exp(x[0] * 300)], [-1 / x[0] ** 2]])
    assert np.isfinite(solve(fun, [1.1], jac).cost)
    with pytest.warns(RuntimeWarning):
        fun(np.array([10.0]))


def test_differences_change_sides_where_a_neighbour_is_not_finite():
    result = levenberg_marquardt(lambda x: np.where(x <= 2.0, x - 1.0, np.nan), [2.0])
    assert result.converged and result.x == pytest.approx(1.0)


@pytest.mark.parametrize("solve", ALL)
def test_a_wrong_jacobian_is_noticed(solve):
    result = solve(decay, [1.0, 1.0], lambda x: -decay_slopes(x))
    assert result.status == "stalled" and not result.converged
    assert "Jacobian" in result.reason


def test_falling_without_limit():
    result = lbfgs(lambda x: (float(x.sum()), np.ones_like(x)), np.zeros(3))
    assert result.status == "unbounded" and not result.converged
    result = lbfgs(lambda x: (-float(np.exp(x[0])), -np.exp(x)), np.zeros(1))
    assert result.status == "unbounded" and not result.converged


# --- differences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, rtol", [("2-point", 1e-6), ("3-point", 1e-8)])
@pytest.mark.parametrize("bounds", [None, ([1.0, 0.0], [9.0, 1.3]), ([0.0, 1.3 - 1e-9], [1.0 + 1e-7, 1.3])])
def test_differences(method, rtol, bounds):
    x = np.array([1.0, 1.3])
    problem = Residuals("test", decay, method, x, Trace("test"), bounds=bounds)
    J = problem.jacobian(x, problem.residuals(x))
    atol = 1e-6 if bounds is not None and bounds[1][0] < 2 else 1e-12  # hardly any room for a step
    np.testing.assert_allclose(J, decay_slopes(x), rtol=rtol, atol=max(atol, rtol))
    assert problem.trace.evaluations <= 2 + problem.price_of_jacobian()  # the first Jacobian is checked once


# --- MATLAB's trainlm -----------------------------------------------------------------------------------


def trainlm(fun, jac, x, mu=1e-3, mu_inc=10.0, mu_dec=0.1, mu_max=1e10, epochs=1000, min_grad=1e-7):
    """The method as its manual has it, with normal equations -> the points of all epochs and why it stopped."""
    points = [x]
    for _ in range(epochs):
        r, J = fun(x), jac(x)
        if np.linalg.norm(J.T @ r) <= min_grad:
            return points, "gradient"
        while True:
            new = x - np.linalg.solve(J.T @ J + mu * np.eye(len(x)), J.T @ r)
            if np.sum(fun(new) ** 2) < np.sum(r**2):
                mu *= mu_dec
                break
            mu *= mu_inc
            if mu > mu_max:
                return points, "damping"
        x = new
        points.append(x)
    return points, "max_iterations"


@pytest.mark.parametrize(
    "fun, jac, start",
    [(rosenbrock, rosenbrock_slopes, [-1.2, 1.0]), (decay, decay_slopes, [1.0, 0.2]), (decay, decay_slopes, [0.1, 4])],
)
def test_trainlm_step_by_step(fun, jac, start):
    points = []
    result = levenberg_marquardt(fun, start, jac, callback=lambda x, _: points.append(x), **TRAINLM)
    expected, why = trainlm(fun, jac, np.array(start, float))
    assert result.status == why
    assert len(points) == len(expected)
    np.testing.assert_allclose(points, expected, rtol=1e-6, atol=1e-9)


def test_trainlm_reasons():
    noisy = lambda x: decay(x) + 0.1 * np.cos(40 * T)
    done = levenberg_marquardt(noisy, [1.0, 1.0], lambda x: -decay_slopes(x), **TRAINLM)
    assert done.status == "damping"
    done = levenberg_marquardt(decay, [1.0, 1.0], decay_slopes, **(TRAINLM | {"goal": 1e-2}))
    assert done.status == "goal"
    done = levenberg_marquardt(decay, [1.0, 1.0], decay_slopes, **(TRAINLM | {"max_iterations": 1}))
    assert done.status == "max_iterations"
    gentle = TRAINLM | {"damping": Marquardt(mu=1e-3, min_grad=0.1)}
    assert levenberg_marquardt(decay, [1.0, 1.0], decay_slopes, **gentle).status == "gradient"


def test_early_stopping_gives_back_the_point_of_the_lowest_validation_cost():
    """The validation cost is lowest at a point on the way; six iterations later it stops."""
    slow = TRAINLM | {"damping": Marquardt(mu=50.0, mu_dec=0.99), "max_fail": 6}
    way = []
    levenberg_marquardt(decay, [1.0, 0.2], decay_slopes, callback=lambda x, _: way.append(x), **slow)
    goal = way[10]
    far = lambda x: float(np.sum((x - goal) ** 2))
    result = levenberg_marquardt(decay, [1.0, 0.2], decay_slopes, validate=far, **slow)
    assert result.status == "validation" and result.iterations == 16
    np.testing.assert_array_equal(result.x, goal)
    assert result.cost == 0.5 * float(np.sum(decay(goal) ** 2))


# --- line search and L-BFGS -----------------------------------------------------------------------------


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.floats(1e-4, 1e4))
@settings(max_examples=100, deadline=None)
def test_strong_wolfe_conditions(c, first):
    f = lambda t: c[0] * math.sin(c[1] * t) + c[2] * math.cos(3 * t) + 0.5 * t * t + c[3] * t
    slope = lambda t: c[0] * c[1] * math.cos(c[1] * t) - 3 * c[2] * math.sin(3 * t) + t + c[3]
    sign = 1.0 if slope(0.0) < 0 else -1.0
    if abs(slope(0.0)) < 1e-6:
        return
    phi = lambda t: (f(sign * t), sign * slope(sign * t))
    trial, how = strong_wolfe(phi, *phi(0.0), first)
    assert how == "found"
    assert (trial.value, trial.slope) == phi(trial.at)
    assert trial.value <= f(0.0) + DECREASE * trial.at * phi(0.0)[1] + 1e-13 * abs(f(0.0))
    assert abs(trial.slope) <= -CURVATURE * phi(0.0)[1] * (1 + 1e-9)


@pytest.mark.parametrize("memory", [1, 3, 20])
def test_lbfgs_against_scipys(memory):
    rng = np.random.default_rng(3)
    A, b = rng.normal(size=(40, 25)), rng.normal(size=40)

    def fun(x):
        z = A @ x - b
        return float(np.sum(np.logaddexp(0, z) - 0.3 * z)) + 0.01 * float(x @ x), (
            A.T @ (1 / (1 + np.exp(-z)) - 0.3) + 0.02 * x
        )

    start = rng.normal(size=25)
    theirs = scipy_minimize(fun, start, jac=True, method="BFGS", options=dict(gtol=1e-9, maxiter=2000))
    ours = lbfgs(fun, start, memory=memory)
    assert ours.status == "gradient" and ours.gradient <= 1e-8
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5, atol=1e-6)


def test_more_memory_helps():
    d = np.logspace(0, 4, 50)
    fun = lambda x: (0.5 * float(x @ (d * x)), d * x)
    few, many = (lbfgs(fun, np.ones(50), memory=memory) for memory in (2, 30))
    assert few.converged and many.converged and many.evaluations < few.evaluations


@pytest.mark.parametrize("option", [dict(ftol=1e-3), dict(xtol=1e-2)])
def test_tolerances_of_lbfgs_stop_it_earlier(option):
    full, early = lbfgs(sum_of_squares(decay, decay_slopes), [1, 1]), None
    early = lbfgs(sum_of_squares(decay, decay_slopes), [1, 1], **option)
    assert early.iterations < full.iterations or early.status == "gradient"
    assert early.status in ("cost", "step") or early.cost >= full.cost


@pytest.mark.parametrize("option", ["ftol", "xtol", "gtol"])
@pytest.mark.parametrize("solve", LEAST_SQUARES)
def test_tolerances_stop_it_earlier(solve, option):
    noisy = lambda x: decay(x) + 0.5 * np.cos(5 * T)
    full = solve(noisy, [1, 1], decay_slopes)
    early = solve(noisy, [1, 1], decay_slopes, **{option: 1e-2})
    assert early.iterations < full.iterations
    assert early.status == {"ftol": "cost", "xtol": "step", "gtol": "gradient"}[option]


# --- arguments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solve", LEAST_SQUARES)
@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((3, [1.0]), ArgumentError, "fun=3 must be a function"),
        ((decay, []), ShapeError, r"x0 has shape \(0,\)"),
        ((decay, [[1.0, 2.0]]), ShapeError, r"x0 has shape \(1, 2\)"),
        ((decay, "ab"), DtypeError, "x0 must be real numbers"),
        ((decay, [1.0, np.nan]), ArgumentError, r"x0\[1\] is nan"),
        ((decay, [1.0, 1.0], "4-point"), ArgumentError, "jac='4-point'"),
        ((decay, [1.0, 1.0], lambda x: decay_slopes(x).T), ShapeError, "it is transposed"),
        ((decay, [1.0, 1.0], lambda x: "ab"), DtypeError, "jac returned str"),
        ((lambda x: np.ones((3, 3)), [1.0, 1.0]), ShapeError, r"fun returned shape \(3, 3\)"),
        ((lambda x: [], [1.0, 1.0]), ShapeError, "m >= 1"),
        ((lambda x: None, [1.0, 1.0]), DtypeError, "fun returned NoneType"),
        ((lambda x: decay(x) + 0j, [1.0, 1.0]), DtypeError, "fun returned complex numbers"),
        ((decay, [1.0, 1.0], lambda x: decay_slopes(x) * 1j), DtypeError, "jac returned complex numbers"),
        ((decay, np.array([1.0, 1j])), DtypeError, "x0 must be real numbers, got complex"),
        ((lambda x: "ab", [1.0, 1.0]), DtypeError, "fun returned str"),
        ((lambda x: np.ones(3 if x[0] == 1.0 else 2), [1.0, 1.0]), ShapeError, "2 residuals after 3 before"),
    ],
)
def test_wrong_arguments(solve, arguments, error, words):
    with pytest.raises(error, match=words):
        solve(*arguments)


@pytest.mark.parametrize("solve", ALL)
@pytest.mark.parametrize(
    "option, words",
    [
        (dict(max_iterations=0), "max_iterations=0 must be a whole number >= 1"),
        (dict(max_evaluations=2.5), "max_evaluations=2.5 must be"),
        (dict(time=0), "time=0 must be"),
        (dict(time="1"), "time='1' must be"),
        (dict(gtol="a"), "gtol='a' must be a number >= 0"),
        (dict(callback=3), "callback=3 must be a function"),
        (dict(ftol=-1), "ftol=-1 must be a number >= 0"),
        (dict(gtol=math.nan), "gtol=nan must be a number >= 0"),
    ],
)
def test_wrong_options(solve, option, words):
    with pytest.raises(ArgumentError, match=words):
        solve(decay, [1.0, 1.0], decay_slopes, **option)


@pytest.mark.parametrize(
    "option, error, words",
    [
        (dict(x_scale="auto"), ArgumentError, "x_scale='auto'"),
        (dict(x_scale=[1.0, 2.0, 3.0]), ShapeError, "x_scale must be"),
        (dict(x_scale=0.0), ArgumentError, "x_scale=0.0 must be > 0"),
        (dict(damping=3), ArgumentError, "damping=3 must be TrustRegion"),
        (dict(linear="lu"), ArgumentError, "linear='lu' must be one of auto, svd, qr"),
        (dict(max_fail=0), ArgumentError, "max_fail=0 must be"),
    ],
)
def test_wrong_options_of_levenberg_marquardt(option, error, words):
    with pytest.raises(error, match=words):
        levenberg_marquardt(decay, [1.0, 1.0], decay_slopes, **option)


@pytest.mark.parametrize(
    "fun, error, words",
    [
        (lambda x: 3.0, ShapeError, "return a pair"),
        (lambda x: (np.ones(3), x), ShapeError, "return one number"),
        (lambda x: (1.0, np.ones(3)), ShapeError, r"gradient has shape \(3,\)"),
        (lambda x: (1.0, "ab"), DtypeError, "must return real numbers"),
        (lambda x: (1j, x), DtypeError, "must return real numbers"),
        (7, ArgumentError, "fun=7 must be a function"),
    ],
)
def test_wrong_functions_of_lbfgs(fun, error, words):
    with pytest.raises(error, match=words):
        lbfgs(fun, [1.0, 2.0])
    with pytest.raises(ArgumentError, match="memory=0"):
        lbfgs(lambda x: (1.0, x), [1.0], memory=0)
    with pytest.raises(ArgumentError, match="goal='a'"):
        lbfgs(lambda x: (1.0, x), [1.0], goal="a")


@pytest.mark.parametrize("solve", ALL)
def test_the_callers_arrays_are_left_alone(solve):
    start = np.array([-1.2, 1.0])

    def spoil(x):
        r = rosenbrock(x)
        x[:] = 0.0
        return r

    assert solve(spoil, start, rosenbrock_slopes).converged
    assert start.tolist() == [-1.2, 1.0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_variables_does_not_matter(scale):
    s = np.array([scale, 1.0])
    plain = levenberg_marquardt(rosenbrock, [-1.2, 1.0], rosenbrock_slopes)
    scaled = levenberg_marquardt(lambda x: rosenbrock(x * s), [-1.2, 1.0] / s, lambda x: rosenbrock_slopes(x * s) * s)
    assert scaled.iterations == plain.iterations
    np.testing.assert_allclose(scaled.x * s, plain.x, rtol=1e-9)


def test_x_scale_changes_the_way():
    ways = {levenberg_marquardt(rosenbrock, [-1.2, 1.0], x_scale=s).evaluations for s in ("jac", 1.0, [1.0, 100.0])}
    assert len(ways) > 1


def test_gradient_of_a_sum_of_squares():
    value = lambda x: sum_of_squares(decay, decay_slopes)(x)[0]
    x = np.array([1.0, 0.7])
    np.testing.assert_allclose(
        sum_of_squares(decay, decay_slopes)(x)[1], approx_derivative(value, x, method="3-point"), rtol=1e-7
    )


# --- many variables: the triangle and Cholesky paths of the linear solver ---------------------------------


@pytest.mark.parametrize("linear", ["auto", "svd", "qr"])
@pytest.mark.parametrize("bounds", [None, (-2.0, 0.5)])
def test_many_variables(linear, bounds):
    """A chain of 75 Rosenbrock valleys, minimum 0 at ones; in the box the minimum is that of each valley alone."""

    def fun(x):
        return np.concatenate([10 * (x[1::2] - x[0::2] ** 2), 1 - x[0::2]])

    def jac(x):
        J, k = np.zeros((150, 150)), np.arange(75)
        J[k, 2 * k], J[k, 2 * k + 1], J[75 + k, 2 * k] = -20 * x[0::2], 10.0, -1.0
        return J

    start = np.tile([-1.2, 0.4], 75)
    result = levenberg_marquardt(fun, start, jac, linear=linear, bounds=bounds)
    assert result.converged and result.rank == 150, result
    expected = [1.0, 1.0] if bounds is None else [0.5, 0.25]
    np.testing.assert_allclose(result.x, np.tile(expected, 75), rtol=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 15))
@settings(max_examples=60, deadline=None)
def test_random_problems_end_where_scipys_method_finds_nothing_better(seed, n, m):
    """Wavy residuals, often fewer than variables, and variables of any scale."""
    rng = np.random.default_rng(seed)
    A, b, scale = rng.normal(size=(m, n)), rng.normal(size=m), 10.0 ** rng.uniform(-4, 4, size=n)
    fun = lambda x: A @ (x * scale) + 0.7 * np.sin(A @ (x * scale)) - 3 * b
    jac = lambda x: (1 + 0.7 * np.cos(A @ (x * scale)))[:, None] * A * scale
    start = rng.normal(size=n) / scale
    result = levenberg_marquardt(fun, start, jac)
    tight: dict[str, Any] = dict(xtol=1e-12, ftol=1e-12, gtol=1e-12)
    if not result.converged:  # one in a thousand creeps along a bent valley, where MINPACK's scaling only shrinks steps
        peer = least_squares(fun, start, jac, x_scale="jac", max_nfev=1000, **tight)
        assert result.status == "max_iterations" and peer.status == 0, result
    else:
        peer = least_squares(fun, result.x, jac, x_scale=1 / scale, **tight)
        assert result.cost <= peer.cost * (1 + 1e-6) + 1e-20


@pytest.mark.parametrize("solve", LEAST_SQUARES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200, -1e200])
def test_a_slope_that_is_not_finite_or_overflows(solve, bad):
    result = solve(lambda x: x - 3.0, [1.0, 1.0], lambda x: np.array([[1.0, 0.0], [bad, 1.0]]))
    assert result.status == "not_finite" and not result.converged
    assert ("residual 1 by x[0]" in result.reason) == (not np.isfinite(bad))
