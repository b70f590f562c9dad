"""What the card says is the largest error, beside a search of many more points: ridges, borders of holes, offsets."""

from __future__ import annotations

import math
import time as clock
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

import surefit
from surefit import Sampling
from surefit.data import Domain
from surefit.problems.posing import pose
from surefit.search.judging import Judge


def rectangle(x, y):
    """Signed distance of the border of a rectangle."""
    a, b = np.abs(x) - 0.5, np.abs(y) - 0.3
    return np.hypot(np.maximum(a, 0), np.maximum(b, 0)) + np.minimum(np.maximum(a, b), 0)


def dome(x, y):
    with np.errstate(invalid="ignore"):
        return np.sqrt(1 - x * x - y * y) * np.cos(x)


def ring(x, y):
    with np.errstate(invalid="ignore"):
        return np.sqrt(x * x + 2 * y * y - 0.3)


def largest(fit, f, rng):
    """The largest error at many points, and at more and more of them near the worst ones."""
    x = rng.uniform(-1, 1, (200_000, 2))
    for _ in range(6):
        y = f(*x.T)
        x = x[np.isfinite(y)]
        error = np.abs(fit.predict(x) - y[np.isfinite(y)])
        top = x[np.argsort(-error)[:200]]
        near = np.repeat(top, 100, axis=0)
        near = np.clip(near + 10.0 ** -rng.uniform(1, 9, (len(near), 1)) * rng.normal(size=near.shape), -1, 1)
        x = np.concatenate([top, near])
    return error.max()


@pytest.mark.slow
@pytest.mark.parametrize("f", [rectangle, dome, ring])
def test_no_more_than_a_twentieth_is_missing_on_the_card(f):
    opaque = lambda x, y: f(np.asarray(x, np.float64), np.asarray(y, np.float64))
    fit = surefit.fit(opaque, "x=-1:1, y=-1:1", method="lm", model=(16, 16), data=Sampling(drop_nonfinite=True))
    assert fit.error.max >= 0.95 * largest(fit, f, np.random.default_rng(7))


def rim(x, y):
    """Up to 1.5 on the unit circle, where it begins like a root, and nothing beyond: the highest of ten tops at .37."""
    r, a = np.hypot(x, y), np.arctan2(y, x)
    with np.errstate(invalid="ignore"):
        top = 1 + 0.5 * np.cos(31 * (a - 0.37)) - 0.03 * (a - 0.37) ** 2
        return np.where(r < 1, np.maximum(0, top - 100 * np.sqrt(1 - r * r)), np.nan)


def ridge(x, y):
    """Up to 1.5 on a line across the box, and a thousandth of that beside it."""
    along, across = 0.3 * x + y - 0.37, x - 0.3 * y - 0.1
    return (1 + 0.5 * np.cos(25 * along) - 0.2 * along**2) / (1 + 1e4 * np.abs(across))


def nothing(x):
    return np.zeros((len(x), 1))


@pytest.mark.parametrize("seed", range(4))
def test_errors_that_begin_at_a_border_of_the_target_are_found_there(seed):
    problem = pose(rim, "x=-1:1, y=-1:1", Sampling(drop_nonfinite=True), seed)
    judge = Judge(problem, seed)
    first = judge.measured(nothing)
    second = judge.closer(nothing, first, 100)
    assert first.max < 0.9 * 1.5 and 0.95 * 1.5 <= second.max <= 1.5 and second.n > first.n


def test_the_highest_of_many_narrow_tops_is_known_better_when_looked_at_once_more():
    shares = []
    for seed in range(6):
        judge = Judge(pose(ridge, "x=-1:1, y=-1:1", None, seed), seed)
        first = judge.measured(nothing)
        shares.append((first.max / 1.5, judge.closer(nothing, first, 100).max / 1.5))
    before, after = np.array(shares).T
    assert (after >= before).all() and before.min() < 0.9 <= 0.93 <= after.min()


@pytest.mark.parametrize("given", [{"time": 1.0}, {"data": Sampling(verify=500)}])
def test_it_is_not_asked_for_more_than_was_said(given):
    asked = 0

    def slow(x, y):
        nonlocal asked
        asked += np.size(x)
        clock.sleep(3e-3 * np.size(x) if "time" in given else 0.0)
        return np.sin(3 * x) * y

    fit = surefit.fit(slow, "x=-1:1, y=-1:1", method="features", **given)
    assert fit.error.n <= 500 and (asked <= 500 or "data" in given)


@pytest.mark.parametrize(
    ("formula", "box"),
    [
        ("1e6 + 1e-3*sin(3*x)*cos(2*y)", "x=-1:1, y=-1:1"),
        ("300 + exp(-x^2)*y", "x=-2:2, y=0:0.1"),
        ("-5e4 + sin(20*x)", "x=-1:1"),
        ("1e5 + abs(x - 0.3) + y", "x=-1:1, y=-1:1"),
        ("1000 + sin(a*b) + c", "a=0:2, b=0:2, c=0:1"),
    ],
)
@pytest.mark.parametrize("kind", ["formula", "callable"])
def test_an_offset_does_not_count_as_accuracy(formula, box, kind):
    domain = surefit.Domain(box)
    parsed = surefit.parse(formula, domain.names)
    target = formula if kind == "formula" else lambda *x: parsed(*(np.asarray(v, np.float64) for v in x))
    fit = surefit.fit(target, box)
    x = domain.unscale(np.random.default_rng(1).uniform(-1, 1, (50_000, domain.dim)))
    y = parsed.on_points(x)
    assert np.abs(fit.predict(x) - y).max() <= 2e-6 * np.ptp(y)


def test_what_rounding_makes_of_a_removable_singularity_is_no_error():
    """Beside its plane of holes (1-cos(u))/u^2 is 0, 1/2 or 1 in float64; a right fit was called 1/2 off there."""
    fit = surefit.fit("(1-cos(a*(b-c)))/(a*(b-c))^2", "a=1:3, b=1:3, c=1:3", tol=1e-3)
    assert fit.reached and abs(fit.predict([[2.0, 1.5, 1.5]]).item() - 0.5) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("f", "box"), [(special.struve, "v=0:4, x=0:8"), (special.xlogy, "a=0:1, b=1e-3:1")])
def test_of_a_small_error_as_much_is_told_as_of_a_large_one(f, box):
    """Values that change by more than an error within 1e-7 of the box were taken for rounding, however evenly they do:
    nothing was looked at once more, and half of the error was missing beside an end."""
    domain = surefit.Domain(box)
    fit = surefit.fit(lambda *x: f(*(np.asarray(v, np.float64) for v in x)), domain)
    rng = np.random.default_rng(5)
    near = np.where(rng.random((200_000, 2)) < 0.5, rng.random((200_000, 2)), 10.0 ** -rng.uniform(0, 9, (200_000, 2)))
    x = domain.at(np.where(rng.random(near.shape) < 0.5, near, 1.0 - near))
    assert np.abs(fit.predict(x) - f(*x.T)).max() <= 1.05 * fit.error.max


def test_values_that_others_were_fitted_to_count_where_few_can_be_asked_for():
    """The card of what is slow was of two hundred points, of which the fit had been told of hundreds more."""
    asked = []

    def slow(a, b):
        asked.append((a, b))
        return math.sin(3 * a) * math.exp(b) + abs(a - b)

    problem = replace(pose(slow, Domain("a=-1:1, b=-1:1"), None, 0), seconds_per_point=0.01)
    judge = Judge(problem, 0, time=1.0)
    assert judge.pool is not None
    others = np.random.default_rng(12345).uniform(-1.0, 1.0, (50, 2))
    problem.function(others)
    exact = lambda x: (np.sin(3 * x[:, 0]) * np.exp(x[:, 1]) + np.abs(x[:, 0] - x[:, 1]))[:, None]
    bump = lambda x: exact(x) + 10.0 * (np.abs(x - others[7]).max(axis=1) < 1e-12)[:, None]
    first = judge.measured(bump)
    spent = len(asked)
    found = judge.closer(bump, first, 100, problem.train[0])
    assert len(asked) - spent <= judge.effort.disputed  # few further values, for its likely errors
    assert first.max < 1e-9 and found.max == pytest.approx(10.0) and found.n >= first.n + 50
    assert judge.closer(bump, first, 100, others).max < 1e-9  # what it was fitted to tells nothing


@pytest.mark.parametrize(
    ("formulas", "box"),
    [
        ("sin(x); 1000*x^2; 1e-3*cos(x)", "x=0:3"),
        ("cos(3*x1)*x2; 1000*sin(x1*x2)", "x1=-2:2, x2=-2:2"),
        ("1000*sin(x1*x2); cos(3*x1)*x2", "x1=-2:2, x2=-2:2"),
    ],
)
def test_the_largest_error_of_all_is_that_of_an_output(formulas, box):
    """The last look found a larger one, and the line of its output told what was known before."""
    fit = surefit.fit(formulas, box, method="features", model=(60,))
    assert fit.error.max == max(part.max for part in fit.error.outputs)
    worst = max(fit.error.outputs, key=lambda part: part.max)
    place = [[fit.error.at[name] for name in fit.names]]
    off = np.abs(fit.predict(place) - fit.problem.function(np.array(place)))[0]
    assert fit.outputs[int(off.argmax())] == worst.name and worst.at == fit.error.at
    assert off.max() == pytest.approx(fit.error.max, rel=0.05)
