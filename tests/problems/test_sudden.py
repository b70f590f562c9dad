"""What few values would miss is seen, and so counts on the card."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.problems.posing import pose
from surefit.search import judging
from surefit.search.judging import Judge
from surefit.search.runner import State
from surefit.search.strategies import functions


@pytest.mark.parametrize("width", [1e-3, 1e-4])
@pytest.mark.parametrize("centre", [0.3, -0.71828, 0.999])
def test_a_network_without_a_narrow_peak_is_seen_to_be_wrong(width, centre):
    asked = 0

    def peak(x):
        nonlocal asked
        asked += np.size(x)
        return np.exp(-(((np.asarray(x, np.float64) - centre) / width) ** 2))

    problem = pose(peak, "x=-1:1", None, 0, solver=True)
    asked = 0
    judge = Judge(problem, 0)
    functions.watch_sudden(State(problem, 0, ops.float64, judge, Progress()))
    measured = judge.measured(lambda x: np.zeros((len(x), 1)))
    assert measured.max > 0.99
    assert measured.n == asked  # each value that was asked for is one that the card counts


def test_a_slow_function_is_not_asked_for_many_values_more(monkeypatch):
    for module, name in ((functions, "SUDDEN_SECONDS"), (judging, "CROWD_SECONDS")):  # no time for more of a slow one
        monkeypatch.setattr(module, name, 0.0)
    asked = 0

    def slow(x):
        nonlocal asked
        asked += np.size(x)
        return np.sin(x)

    fit = surefit.fit(slow, (-3, 3), tol=1e-5)
    assert fit.reached
    assert asked <= 1.2 * 5000  # hardly more than the error is measured at in any case


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(-1e6 * (x - 3.2) ** 2) + np.exp(-(x**2)),
        lambda x: np.cos(x) + 0.01 * np.tanh((x - 1.7) * 1e4) * np.exp(-(((x - 1.7) * 1e3) ** 2)),
        lambda x: np.abs(x) + np.maximum(0.0, 1e-3 - np.abs(x + 4.321)),
    ],
)
def test_something_narrow_of_which_nothing_is_written_down_is_followed(f):
    opaque = lambda x: f(np.asarray(x, np.float64))
    near = np.concatenate([c + np.linspace(-5e-3, 5e-3, 20_001) for c in (3.2, 1.7, -4.321)])
    x = np.concatenate([np.linspace(-10, 10, 50_001), near])
    fit = surefit.fit(opaque, "x=-10:10", tol=1e-6)
    assert np.abs(fit.predict(x) - f(x)).max() <= max(1e-6, 1.05 * fit.error.max)
    assert fit.error.max <= 1e-6
