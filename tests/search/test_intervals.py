"""Intervals: the rank is exact, coverage is what was promised, and ensembles are wide where they must be."""

from __future__ import annotations

import math

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.errors import ArgumentError, DataError
from surefit.search.intervals import conformal_radius

METHOD = surefit.Adam(epochs=40, lr=0.02, batch_size=64, schedule="cosine")
PLAN = surefit.Sampling(split=(0.5, 0.1, 0.4))


def noisy(n, seed, low=-2.0, high=2.0):
    """Values with noise of deviation 0.05 on the left and 0.35 on the right."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, (n, 1))
    return x, np.sin(3 * x[:, 0]) + rng.normal(0, 1, n) * np.where(x[:, 0] < 0, 0.05, 0.35)


@pytest.fixture(scope="module")
def fit():
    return surefit.fit(noisy(1000, 0), "x=-2:2", method=METHOD, model=(32,), data=PLAN)


def covered(interval, y):
    low, high = interval
    return (y >= low) & (y <= high)


@pytest.mark.parametrize("n, level", [(19, 0.9), (99, 0.9), (30, 0.5), (9, 0.9), (200, 0.95)])
def test_the_radius_covers_a_new_score_as_often_as_the_ranks_say(n, level):
    """Of n + 1 exchangeable scores the last is within rank k of the others with probability k / (n + 1)."""
    scores = np.random.default_rng(n).exponential(size=(n + 1, 20_000))
    inside = (scores[-1] <= conformal_radius(scores[:-1], level)).mean()
    rank = np.ceil(np.round((n + 1) * level, 9))
    assert rank / (n + 1) >= level
    assert inside == pytest.approx(rank / (n + 1), abs=5 * np.sqrt(level * (1 - level) / 20_000))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("kind", ["conformal", "ensemble"])
def test_new_values_are_covered(fit, kind, level):
    x, y = noisy(20_000, 1)
    interval = fit.interval(x, level, kind=kind, members=4)
    spread = 5 * np.sqrt(level * (1 - level) / 400)  # 400 rows decide the width: a beta distribution
    assert covered(interval, y).mean() == pytest.approx(level, abs=spread)
    assert interval.rows == 400 and interval.low.shape == (20_000,)
    assert f"{100 * level:g} % intervals, statistical" in str(interval)


def test_an_ensemble_sees_where_the_noise_is(fit):
    x, y = noisy(20_000, 2)
    plain, scaled = (fit.interval(x, 0.9, kind=kind, members=4) for kind in ("conformal", "ensemble"))
    left = x[:, 0] < -0.2
    assert covered(plain, y)[left].mean() > 0.99  # far too wide there
    assert 0.8 < covered(scaled, y)[left].mean() < 0.98
    assert np.mean(scaled.high - scaled.low) < 0.9 * np.mean(plain.high - plain.low)


def test_an_ensemble_is_wide_where_there_is_no_data():
    x, y = noisy(800, 3)
    hole = np.abs(x[:, 0] + 1) > 0.5
    fit = surefit.fit((x[hole], y[hole]), "x=-2:2", method=METHOD, model=(32,), data=PLAN)
    low, high = fit.interval(np.array([-1.75, -1.0]), kind="ensemble", members=4)
    assert (high - low)[1] > 1.5 * (high - low)[0]


def test_two_outputs_have_widths_of_their_own():
    x, y = noisy(500, 4)
    fit = surefit.fit((x, np.c_[y, 10 * y]), "x=-2:2", method=METHOD, model=(16,), data=PLAN)
    low, high = fit.interval(x[:7])
    assert low.shape == (7, 2)
    width = (high - low)[0]
    assert 5 < width[1] / width[0] < 20
    np.testing.assert_allclose((low + high) / 2, fit.predict(x[:7]))


def test_an_automatic_choice_is_made_again_by_what_it_chose():
    fit = surefit.fit(noisy(200, 5), "x=-2:2", data=PLAN, time=1.0)
    low, high = fit.interval(np.array([-1.0, 1.0]), kind="ensemble", members=2)
    assert (high > low).all()
    (group,) = fit._ensembles.values()
    assert [f.layers() for f in group.fits] == [fit.layers()] * 2
    assert {f.method["method"] for f in group.fits} == {fit.method["solver"]}


def test_a_function_with_noise_uses_noisy_rows():
    plan = surefit.Sampling(count=600, noise=0.3, split=(0.6, 0.4, 0.0))
    fit = surefit.fit("sin(x)", "x=-3:3", data=plan, method=METHOD, model=(16,))
    low, high = fit.interval(np.linspace(-3, 3, 50))
    assert np.mean(high - low) == pytest.approx(2 * 1.645 * 0.3, rel=0.15)
    exact = surefit.fit("sin(x)", "x=-3:3", method=METHOD, model=(16,), data=surefit.Sampling(count=200))
    x = np.random.default_rng(0).uniform(-3, 3, 5000)
    assert covered(exact.interval(x), np.sin(x)).mean() == pytest.approx(0.9, abs=0.03)
    with pytest.raises(ArgumentError, match="for data with noise"):
        exact.interval(x, kind="ensemble")


def test_a_loaded_fit_gives_the_same(fit, tmp_path):
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    x = np.linspace(-2, 2, 9)
    for a, b in zip(fit.interval(x), again.interval(x), strict=True):
        np.testing.assert_array_equal(a, b)


def hidden(x):
    return math.sin(x) if x > -9 else 0.0


def test_a_loaded_fit_of_a_function_uses_the_rows_that_are_in_the_file(tmp_path):
    """The function stays behind; a function with noise is not to be judged by its test values, which have none."""
    x = np.linspace(-3, 3, 9)
    plan = surefit.Sampling(count=300, noise=0.3)
    for data, wide in ((plan, 2 * 1.645 * 0.3), (None, 0.0)):
        fit = surefit.fit(hidden, "x=-3:3", data=data, method="features")
        again = surefit.load(fit.save(tmp_path / "m.safetensors"))
        assert again.problem.function is None
        low, high = again.interval(x)
        assert np.mean(high - low) == pytest.approx(wide, rel=0.4, abs=1e-3)
        if wide:
            assert (high == fit.interval(x).high).all()
    with pytest.raises(ArgumentError, match="for data with noise"):
        again.interval(x, kind="ensemble")


def test_rows_that_are_too_few_are_said():
    few = surefit.fit(noisy(30, 6), "x=-2:2", method=METHOD, model=(4,), data=surefit.Sampling(split=(0.6, 0.2, 0.2)))
    with pytest.raises(DataError, match=r"level 0\.99 needs 99 held-out rows or more, and there are 12"):
        few.interval(np.zeros(1), 0.99)
    assert "validation rows" in few.interval(np.zeros(1), 0.9).statement  # 6 test rows are not enough, 12 are
    none = surefit.fit(noisy(30, 6), "x=-2:2", method=METHOD, model=(4,), data=surefit.Sampling(split=(1, 0, 0)))
    with pytest.raises(DataError, match="no rows were held out"):
        none.interval(np.zeros(1))
    known = surefit.fit("x", "x=-2:2", method="features")
    with pytest.raises(DataError, match=r"level 0\.9999 needs 10000 points or more.*Sampling\(verify=20000\)"):
        known.interval(np.zeros(1), 0.9999)
    more = surefit.fit("x", "x=-2:2", method="features", data=surefit.Sampling(count=50, verify=20000))
    assert more.interval(np.zeros(1), 0.9999).rows >= 10000


def test_refused(fit):
    for arguments, message in (
        ({"level": 90}, "level=90"),
        ({"kind": "bayes"}, "kind='bayes' must be one of 'conformal', 'ensemble'"),
        ({"kind": "ensemble", "members": 1}, "members=1"),
    ):
        with pytest.raises(ArgumentError, match=message):
            fit.interval(np.zeros(1), **arguments)
    module = nn.Sequential(nn.Linear(1, 3, generator=0), nn.Tanh(), nn.Linear(3, 1, generator=0))
    own = surefit.fit(noisy(100, 0), "x=-2:2", method=METHOD, model=module, data=PLAN)
    with pytest.raises(ArgumentError, match="must be a perceptron"):
        own.interval(np.zeros(1), 0.5, kind="ensemble")
