"""More units where the error is: they land there, the old ones stay, and it helps."""

from __future__ import annotations

import numpy as np
import pytest
from surefit.fitting.refined import refine
from surefit.fitting.solving import Run, scan

import surefit
from surefit.attempts.methods import Features
from surefit.core import ops
from surefit.problems.problem import pose

PEAK = "exp(-60*((x1-0.3)^2+(x2-0.2)^2)) + sin(3*x1)*x2"


def run_of(target, box, dtype=ops.float64, **more):
    problem = pose(target, box, None, 0, solver=True)
    return Run(problem, 0, None, more.pop("time", None), dtype, more.pop("callbacks", ()))


def scanned(run, units):
    return scan(run, run.hidden(units), run.drawn(4 * units), Features(draws=1), None, (2.0, 4.0), 0)


@pytest.mark.parametrize("dtype", [ops.float64, ops.float32])
def test_a_peak_gets_the_units_it_needs(dtype):
    run = run_of(PEAK, "x1=-1:1, x2=-1:1", dtype)
    start = scanned(run, 100)
    found = refine(run, start, 50, 2, None, 1.0)
    assert found.judged < 0.3 * start.judged
    assert found.details["units"] in (150, 200)
    more_of_the_same = scanned(run, 200)
    assert found.judged < 0.6 * more_of_the_same.judged
    # what is claimed is what the network does
    x = run.points[0]
    error = np.abs(found.model(surefit.tensor(x)).detach().numpy() - run.points[1]).max()
    assert 0.5 * found.judged <= error <= found.judged * (1 + 1e-9)
    assert found.model.dtype == dtype


def test_points_and_bends_lie_where_the_error_was():
    run = run_of(PEAK, "x1=-1:1, x2=-1:1")
    start = scanned(run, 100)
    found = refine(run, start, 50, 1, None, 1.0)
    (added,) = found.problem.added
    assert 0.7 * 200 < added <= 200
    points = found.problem.train[0][-added:]
    near = np.hypot(points[:, 0] - 0.3, points[:, 1] - 0.2) < 0.4  # an eighth of the square
    assert near.mean() > 0.5
    first = found.model.network[0]
    w, b = first.weight.detach().numpy(), first.bias.detach().numpy()
    np.testing.assert_array_equal(w[:100], start.model.network[0].weight.detach().numpy())  # the old ones stay
    distance = np.abs(w[100:] @ points.T + b[100:, None]) / np.linalg.norm(w[100:], axis=1)[:, None]
    assert (distance.min(axis=1) < 1e-12).all()  # each new one bends at one of the points


def test_a_budget_that_is_spent_ends_it():
    run = run_of(PEAK, "x1=-1:1, x2=-1:1", callbacks=[lambda event: getattr(event, "stage", "").endswith("was")])
    start = scanned(run, 30)
    refine(run, start, 20, 4, None, 1.0)
    assert run.stopped == "stopped by a callback"
    assert sum("where the error was" in row["stage"] for row in run.history) == 1
    late = run_of(PEAK, "x1=-1:1, x2=-1:1", time=1e-9)
    assert refine(late, scanned(late, 30), 20, 4, None, 1.0) is None or len(late.history) <= 4


def test_fit_comes_to_it_where_more_units_do_not_help():
    fit = surefit.fit("abs(x1 + 0.3*x2)", "x1=-1:1, x2=-1:1", tol=1e-9, time=2.5)
    stages = [row["stage"] for row in fit.history]
    assert any("of them where the error was" in stage for stage in stages)
