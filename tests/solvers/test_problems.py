"""All solvers on the 35 problems of More, Garbow and Hillstrom (1981), against the published minima."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from surefit.solvers import TRAINLM, gauss_newton, lbfgs, levenberg_marquardt, sum_of_squares

_spec = importlib.util.spec_from_file_location("problems", Path(__file__).with_name("problems.py"))
problems = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = problems  # dataclasses look their module up
_spec.loader.exec_module(problems)
PROBLEMS = problems.PROBLEMS

SOLVERS = {
    "lm": lambda p: levenberg_marquardt(p.fun, p.start, p.jac),
    "lm geodesic": lambda p: levenberg_marquardt(p.fun, p.start, p.jac, geodesic=True),
    "lm differences": lambda p: levenberg_marquardt(p.fun, p.start, "3-point"),
    "trainlm": lambda p: levenberg_marquardt(p.fun, p.start, p.jac, **TRAINLM),
    "gauss_newton": lambda p: gauss_newton(p.fun, p.start, p.jac, max_iterations=600),
    "lbfgs": lambda p: lbfgs(sum_of_squares(p.fun, p.jac), p.start, gtol=1e-11, max_iterations=500),
}

# what a method cannot do, known from the literature or from its own reason to stop
FAILS = {
    # the damping of trainlm stops at a fixed slope of 1e-7, which is far from the minimum where all is flat
    ("trainlm", "Watson 12"): "gradient",
    # without damping, where the Jacobian loses its rank between start and minimum
    ("gauss_newton", "Freudenstein-Roth"): "stalled",
    ("gauss_newton", "Jennrich-Sampson"): "stalled",
    ("gauss_newton", "Gulf"): "max_iterations",
    ("gauss_newton", "Biggs EXP6"): "stalled",
    ("gauss_newton", "Penalty II 10"): "max_iterations",
    ("gauss_newton", "Chebyquad 8"): "stalled",
    ("gauss_newton", "Chebyquad 10"): "stalled",
    # the Hessian has condition 1e16 and more
    ("lbfgs", "Watson 12"): "max_iterations",
}


@cache
def solved(solver, name):
    return SOLVERS[solver](PROBLEMS[name])


CASES = [(solver, name) for solver in SOLVERS for name in PROBLEMS]


@pytest.mark.parametrize("solver, name", CASES)
def test_published_minimum(solver, name):
    problem = PROBLEMS[name]
    result = solved(solver, name)
    assert 2 * result.cost == pytest.approx(float(np.sum(problem.fun(result.x) ** 2)), rel=1e-12, abs=1e-300)
    if (solver, name) in FAILS:
        assert not problem.reached(2 * result.cost)
        assert result.status == FAILS[solver, name]
    else:
        assert problem.reached(2 * result.cost), result


@pytest.mark.parametrize("name", PROBLEMS)
def test_levenberg_marquardt_knows_that_it_is_there(name):
    for solver in ("lm", "lm geodesic", "lm differences"):
        result = solved(solver, name)
        assert result.converged, result


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_failure_is_not_called_a_success(solver):
    for name, problem in PROBLEMS.items():
        result = solved(solver, name)
        if (solver, name) != ("trainlm", "Watson 12"):
            assert problem.reached(2 * result.cost) or not result.converged, (name, result)


@pytest.mark.parametrize("name, rank", [("Linear, full rank", 5), ("Linear, rank 1", 1), ("Linear, rank 1, zeros", 1)])
def test_lost_rank_is_said(name, rank):
    result = solved("lm", name)
    assert result.rank == rank
    assert ("not determined" in result.reason) == (rank < 5)


@pytest.mark.parametrize("name", ["Rosenbrock", "Meyer", "Osborne 2", "Watson 9", "Bard", "Brown-Dennis"])
@pytest.mark.parametrize("linear", ["svd", "qr"])
def test_the_linear_solver_makes_no_difference_to_the_minimum(name, linear):
    problem = PROBLEMS[name]
    result = levenberg_marquardt(problem.fun, problem.start, problem.jac, linear=linear)
    assert problem.reached(2 * result.cost), result


def test_geodesic_acceleration_saves_iterations_in_a_curved_valley():
    name = "Rosenbrock"
    plain, bent = solved("lm", name), solved("lm geodesic", name)
    assert bent.iterations < plain.iterations
