"""Functions whose values take milliseconds, within a limit of time: what of it goes where, and what comes of it.

A fake clock counts the time that values take, and next to none of what is computed.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import surefit
from surefit.attempts.progress import Progress
from surefit.data import Domain
from surefit.problems.points import drawn, for_all
from surefit.problems.posing import pose
from surefit.search.judging import Judge
from surefit.search.suspects import suspects


class Slow:
    """A function of one point that takes so many seconds, and counts how often it is called."""

    def __init__(self, function, seconds):
        self.function, self.seconds, self.calls = function, seconds, 0

    def __call__(self, *x):
        self.calls += 1
        time.sleep(self.seconds)
        return float(self.function(*x))


def error_of(fit, function, box):
    x = np.concatenate([box.at(np.random.default_rng(7).random((5000, box.dim))), box.corners()])
    y = function(*x.T)
    return float(np.abs(np.ravel(fit.predict(x)) - y).max() / np.ptp(y))


@pytest.mark.slow
@pytest.mark.parametrize("function, box, seconds, most", [
    (lambda x: np.sin(6 * x) * np.exp(-x), "x=0:3", 0.05, 1e-6),
    (lambda x, y: np.exp(-x * y) * np.cos(2 * x + y), "x=0:2, y=0:2", 0.02, 1e-4),
    (lambda x, y, z: np.sin(x * y) + z**2 * x, "x=0:1, y=0:1, z=0:1", 0.02, 1e-4),
])  # fmt: skip
def test_what_is_smooth_is_known_from_a_hundred_values(function, box, seconds, most, fake_clock):
    slow, domain = Slow(function, seconds), Domain(box)
    began = fake_clock.now
    fit = surefit.fit(slow, domain, time=5.0)
    assert fake_clock.now - began < 5.0
    assert slow.calls * seconds < 0.85 * 5.0  # the rest is for fitting
    truth = error_of(fit, function, domain)
    assert truth < most and fit.error.status == "measured"
    assert fit.error.max > 0.3 * truth * np.ptp(function(*domain.corners().T))


@pytest.mark.slow
def test_a_limit_of_time_is_as_good_as_a_budget_of_as_many_values(fake_clock):
    def function(x, y):
        return np.sin(3 * x) / (1 + x + y)

    box = Domain("x=0:2, y=0:2")
    slow = Slow(function, 0.02)
    timed = surefit.fit(slow, box, time=2.0)
    budgeted = surefit.fit(Slow(function, 0.02), box, budget=slow.calls)
    assert error_of(timed, function, box) < 10 * error_of(budgeted, function, box)


def test_all_attempts_get_the_same_points(fake_clock):
    slow = Slow(lambda x, y: x * y, 0.01)
    problem = pose(slow, Domain("x=0:1, y=0:1"), None, 0, solver=True, time=5.0)
    known, n = slow.calls, len(problem.train[0])
    assert problem.affordable == n and problem.validation is problem.test is None
    every = {row.tobytes() for row in problem.train[0]}
    for rows in (20, n, 10 * n):
        part = drawn(problem, rows, 0).train[0]
        assert len(part) == min(rows, n) and {row.tobytes() for row in part} <= every
    assert slow.calls == known


def test_points_of_a_slow_function_are_the_denser_the_nearer_to_the_faces():
    box = Domain("a=-1:1, b=10:12")
    x = box.scale(for_all(box, 400, 0))
    assert len(np.unique(x, axis=0)) == 400 and (np.abs(x) <= 1.0).all()
    assert all(np.isin(box.corners(), for_all(box, 400, 0)).all(axis=1))
    outer = (np.abs(x) > 0.9).mean(axis=0)
    assert (outer > 0.13).all() and (outer < 0.29).all()  # of an even sample 0.1, of Chebyshev's density 0.29
    assert len(for_all(Domain([(0, 1)] * 8), 20, 0)) == 20  # fewer than there are corners


def test_shares_of_the_time_are_of_what_is_left_when_there_are_data(fake_clock):
    progress = Progress(time=10.0)
    fake_clock.sleep(6.0)
    assert progress.out_of_time(0.4)
    progress.data_seconds = progress.seconds
    assert not progress.out_of_time(0.4) and progress.left(0.4) == pytest.approx(1.6, abs=1e-3)
    fake_clock.sleep(2.0)
    assert progress.out_of_time(0.4) and not progress.out_of_time()
    fake_clock.sleep(2.0)
    assert progress.out_of_time()


def test_an_expensive_function_is_asked_where_models_disagree():
    """A network is wrong in a place where no point was, and another one says so."""
    slow = Slow(lambda x, y: 0.0, 0.0)
    problem = pose(slow, Domain("x=0:1, y=0:1"), None, 0, solver=True)
    judge = Judge(replace(problem, seconds_per_point=0.02), 0, time=5.0)
    seen = judge.points[0]
    places = np.stack(np.meshgrid(*[np.linspace(0.1, 0.9, 33)] * 2), axis=-1).reshape(-1, 2)
    empty = places[np.abs(places[:, None] - seen).max(axis=2).min(axis=1).argmax()]

    def bump(x):
        return np.where(np.abs(x - empty).max(axis=1, keepdims=True) < 0.05, 1.0, 0.0)

    def flat(x):
        return np.zeros((len(x), 1))

    first, spent = judge.measured(bump), judge.spent
    assert first.max == 0.0
    assert judge.closer(bump, first, 10).max == 0.0
    found = judge.closer(bump, first, 10, None, [flat])
    assert found.max == 1.0 and found.n > first.n
    assert judge.spent - spent <= judge.effort.disputed


@pytest.mark.parametrize("dim, off", [
    (1, lambda u: np.sin(40 * u[:, 0]) * u[:, 0] ** 2),
    (2, lambda u: np.sin(7 * u[:, 0]) * np.cos(5 * u[:, 1]) * (0.2 + u[:, 0])),
    (3, lambda u: np.sin(4 * u[:, 0]) * u[:, 1] - u[:, 2] ** 2 * u[:, 0]),
])  # fmt: skip
def test_the_largest_error_is_likely_where_known_ones_say(dim, off):
    """What is asked for is larger than all that is known, and close to the largest that there is."""
    rng = np.random.default_rng(3)
    known, places = rng.random((60, dim)), rng.random((3000, dim))
    every = np.abs(off(rng.random((200_000, dim)))).max()
    for number in range(3):
        asked = suspects(known, off(known)[:, None], places, 5, 250 * 8**number, rng)
        assert len(asked) <= 5 and ((asked >= 0) & (asked <= 1)).all()
        known = np.concatenate([known, asked])
    assert np.abs(off(known[:60])).max() < 0.99 * every
    assert np.abs(off(known)).max() > 0.985 * every


def test_an_error_with_a_corner_is_found_between_its_neighbours():
    rng = np.random.default_rng(0)
    known = np.linspace(0.0, 1.0, 41)[:, None]
    top = 0.3 + 0.4 / 40

    def off(u):
        return 0.05 * np.sin(30 * u) + np.maximum(0.0, 1.0 - 60 * np.abs(u - top))

    for number in range(6):
        asked = suspects(known, off(known), np.zeros((0, 1)), 4, 250 * 8**number, rng)
        known = np.concatenate([known, asked])
    assert off(known).max() > 0.97 * off(np.linspace(0, 1, 100_001)[:, None]).max()


def test_where_nothing_is_known_to_be_off_no_value_is_asked_for():
    rng = np.random.default_rng(0)
    assert len(suspects(rng.random((50, 2)), np.zeros((50, 1)), rng.random((100, 2)), 5, 250, rng)) == 0


@pytest.mark.slow
def test_what_an_expensive_function_is_asked_for_in_the_end_is_within_the_time(fake_clock):
    """A peak that a network does not follow: all of the time is used, for fitting and for measuring."""
    slow = Slow(lambda x, y: np.exp(-300 * ((x - 0.4) ** 2 + (y - 0.6) ** 2)) + abs(x - y), 0.01)
    began = fake_clock.now
    fit = surefit.fit(slow, Domain("x=0:1, y=0:1"), time=2.0)
    assert fake_clock.now - began < 2.1
    assert fit.error.n > 20


def test_a_card_says_that_few_points_tell_little():
    few = surefit.fit(lambda x: float(np.sin(x)), "x=0:1", data=surefit.Sampling(count=50, verify=40)).error
    many = surefit.fit("sin(x)", "x=0:1").error
    assert few.n < 100 <= many.n
    assert few.sentence().code == "error-fresh-few" and many.sentence().code == "error-fresh"
