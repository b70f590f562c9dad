"""More units where the error is: they land there, the old ones stay, and it helps."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.methods import Features
from surefit.attempts.performing import perform
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.problems.posing import pose
from surefit.search.judging import Judge
from surefit.search.runner import State, run, tried
from surefit.search.strategies.refinement import refined

PEAK = "exp(-60*((x1-0.3)^2+(x2-0.2)^2)) + sin(3*x1)*x2"


def state_of(target, box, dtype=ops.float64, **more):
    problem = pose(target, box, None, 0, solver=True)
    return State(problem, 0, dtype, Judge(problem, 0), Progress(**more))


def scanned(s, units):
    """A candidate of so many units spread over the box."""
    attempt = s.attempt(Features(draws=1), s.hidden(units), s.drawn(4 * units), scales=(2.0, 4.0), beyond=0)
    return tried(s, attempt, perform)


def refine(s, start, units, rounds):
    """The best of the rounds, and why they ended."""
    before = len(s.candidates)
    reason = run(s, refined(s, start, units, rounds))
    return min(s.candidates[before:], key=lambda c: c.score, default=None), reason


@pytest.mark.parametrize("dtype", [ops.float64, ops.float32])
def test_a_peak_gets_the_units_it_needs(dtype):
    s = state_of(PEAK, "x1=-1:1, x2=-1:1", dtype)
    start = scanned(s, 100)
    found, _ = refine(s, start, 50, 2)
    assert found.score < 0.3 * start.score
    assert found.details["units"] in (150, 200)
    more_of_the_same = scanned(s, 200)
    assert found.score < 0.6 * more_of_the_same.score
    # what is claimed is what the network does
    x, y = s.judge.points
    error = np.abs(found.model(surefit.tensor(x)).detach().numpy() - y).max()
    assert 0.5 * found.score <= error <= found.score * (1 + 1e-9)
    assert found.model.dtype == dtype


def test_points_and_units_lie_where_the_error_was():
    s = state_of(PEAK, "x1=-1:1, x2=-1:1")
    start = scanned(s, 100)
    found, _ = refine(s, start, 50, 1)
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
    s = state_of(PEAK, "x1=-1:1, x2=-1:1", callbacks=[lambda event: getattr(event, "stage", "").endswith("was")])
    start = scanned(s, 30)
    _, reason = refine(s, start, 20, 4)
    assert reason == "stopped by a callback"
    assert sum("where the error was" in row["stage"] for row in s.progress.history) == 1
    late = state_of(PEAK, "x1=-1:1, x2=-1:1", evaluations=3)
    assert refine(late, scanned(late, 30), 20, 4)[1] == "all 3 evaluations were used"


@pytest.mark.slow
def test_fit_comes_to_it_where_more_units_do_not_help():
    def kinked(x1, x2):  # of no one number; what wants real numbers is not written down
        x1, x2 = np.asarray(x1, float), np.asarray(x2, float)
        z = x1**2 + 0.3 * x2
        return np.where(z > 0.0, z * np.cos(x1), -z * np.exp(x1 * x2))

    fit = surefit.fit(kinked, "x1=-1:1, x2=-1:1", tol=1e-9, time=4.0)
    stages = [row["stage"] for row in fit.history]
    assert any("of them where the error was" in stage for stage in stages)
