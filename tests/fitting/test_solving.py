"""fit by solvers and by the automatic choice: how good, how it ends, what it says."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.attempts.output_layer import deploy, rescale
from surefit.attempts.progress import Progress
from surefit.errors import ArgumentError, DomainError
from surefit.fitting import Epoch, Finished, Started
from surefit.fitting.api import fit_problem
from surefit.models.inference import predictor
from surefit.models.scaled import scaled
from surefit.problems.posing import pose
from surefit.search.comparing import surely_less
from surefit.search.judging import Judge
from surefit.search.limits import GOAL
from surefit.search.runner import State, run

WAVE, BOX = "sin(x)", "x=-3:3"


def sup(fit, function, low, high):
    x = np.linspace(low, high, 4001)
    return np.abs(fit.predict(x) - function(x)).max()


# --- the automatic choice on functions ------------------------------------------------------------------------------

ONE_INPUT = [
    ("sin(x)", np.sin, 2 * np.pi, 1.0),
    ("x^2", np.square, 2 * np.pi, 4 * np.pi**2),
    ("-2/(2+sin(x))", lambda x: -2 / (2 + np.sin(x)), 3.0, 2.0),
    ("x^4-x^3+x^2-x+1", lambda x: x**4 - x**3 + x**2 - x + 1, 10.0, 11111.0),
    ("sin(x)^2+x^3*cos(x)+4*x+2", lambda x: np.sin(x) ** 2 + x**3 * np.cos(x) + 4 * x + 2, 10.0, 841.8),
]


@pytest.mark.parametrize(("text", "function", "end", "largest"), ONE_INPUT)
def test_ten_digits_with_at_most_a_hundred_units_and_what_float32_holds(text, function, end, largest):
    fit = surefit.fit(text, (-end, end), tol=1e-10 * largest)
    assert fit.reached
    assert sup(fit, function, -end, end) <= 1.01e-10 * largest
    assert fit.layers()[1] <= 100
    assert fit.dtype == np.float64
    single = surefit.fit(text, (-end, end), tol=2e-6 * largest, dtype="float32")
    assert single.reached
    assert single.dtype == np.float32
    assert single.layers()[1] <= 100
    assert sup(single, function, -end, end) <= 2.01e-6 * largest


def test_two_inputs():
    fit = surefit.fit("sin(x1)-cos(x2)", {"x1": (-5, 5), "x2": (-5, 5)}, tol=1e-5)
    assert fit.reached
    points = np.random.default_rng(0).uniform(-5, 5, (5000, 2))
    assert np.abs(fit.predict(points) - np.sin(points[:, 0]) + np.cos(points[:, 1])).max() <= 1e-5
    tighter = surefit.fit("sin(x1)-cos(x2)", {"x1": (-5, 5), "x2": (-5, 5)}, tol=1e-7)
    assert tighter.reached
    assert tighter.layers()[1] > fit.layers()[1]  # no more units than are needed


def test_it_climbs_until_the_tolerance_is_reached_and_writes_down_how():
    fits = [surefit.fit(WAVE, BOX, tol=tol) for tol in (1e-2, 1e-9, 1e-12)]
    assert all(f.reached for f in fits)
    assert [len(f.method["choice"]) for f in fits] == sorted(len(f.method["choice"]) for f in fits)
    assert len(fits[0].history) < len(fits[2].history)
    last = fits[2].method["choice"]
    assert last[0].startswith("features, 20 units: max |error|")
    assert f"(tried: {last[0]}; " in fits[2].card()
    assert "auto: " in fits[2].card()
    json.dumps(fits[2].to_dict(), allow_nan=False)


def test_without_a_tolerance_it_stops_where_float32_would():
    fit = surefit.fit(WAVE, BOX)
    assert fit.reached is None
    assert fit.error.max <= GOAL
    assert f"{GOAL:g}" in fit.stop_reason


def test_float32_is_not_asked_for_more_than_it_holds():
    fit = surefit.fit(WAVE, BOX, tol=1e-12, dtype="float32")
    assert fit.reached is False
    assert fit.error.max < 1e-6
    assert "float64" in fit.stop_reason
    assert surefit.fit(WAVE, BOX, dtype="float32").error.max < 1e-6


def test_of_very_many_points_a_part_is_enough():
    plan = surefit.Sampling(count=50_000, design="uniform")
    fit = surefit.fit(WAVE, BOX, tol=1e-9, data=plan)
    assert fit.reached
    assert fit.seconds < 20
    assert fit.problem.sizes()["train"] == 2000  # what it was solved on
    assert surefit.fit("tanh(9*x)", BOX, data=plan, method="varpro", model=(20,)).error.max < 1e-5


def test_a_deep_network_too_large_for_a_jacobian(monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.given.ITERATION", 1000)
    fit = surefit.fit(WAVE, BOX, model=(8, 8), tol=0.05, time=60)
    assert fit.reached
    assert fit.method["solver"] == "lbfgs"
    assert "left out" in fit.method["choice"][0]


def test_many_oscillations_and_a_steep_step():
    fit = surefit.fit("sin(25*x)", (-3, 3), tol=1e-5)
    assert fit.reached
    assert fit.layers()[1] >= 100
    assert surefit.fit("tanh(50*x)", (-1, 1), tol=1e-6).reached


def test_several_outputs_of_different_sizes():
    fit = surefit.fit("sin(x); 1000*cos(x)", (-3, 3), tol=1e-6)
    x = np.linspace(-3, 3, 999)
    np.testing.assert_allclose(fit.predict(x), np.stack([np.sin(x), 1000 * np.cos(x)], axis=1), atol=1e-6)


def test_a_constant_and_a_target_that_is_not_finite():
    fit = surefit.fit(lambda x: 5.0 + 0 * x, (-1, 1), tol=1e-12)
    assert fit.reached
    assert fit(0.3) == pytest.approx(5.0, abs=1e-12)
    with pytest.raises(DomainError, match="not finite"):
        surefit.fit("log(x)", (-1, 1))


@pytest.mark.slow
def test_a_kink_goes_on_to_two_hidden_layers_and_points_where_it_is():
    def bent(x, y):  # along a curve, and a function of no one number; one that wants real numbers is not read by parts
        x, y = np.asarray(x, float), np.asarray(y, float)
        z = x**2 - y
        return np.where(z > 0, z * np.cos(x), -2 * z * np.exp(x * y / 2))

    fit = surefit.fit(bent, "x=-1:1, y=-1:1", tol=1e-9, method=surefit.Auto(evaluations=250))
    assert not fit.reached
    assert fit.error.max < 0.1
    assert fit.stop_reason == "all 250 evaluations were used"
    assert fit.steps <= 260
    choice = " ".join(fit.method["choice"])
    assert "features" in choice and "lm, 16-16 units" in choice and "added where it was worst" in choice


@pytest.mark.slow
def test_more_points_do_not_change_what_a_network_says():
    rng = np.random.default_rng(0)
    few, many = (surefit.fit("exp(3*x)", BOX, data=surefit.Sampling(count=n), model=(4,)).problem for n in (9, 200))
    net = nn.Sequential(nn.Linear(1, 4, generator=rng), nn.Tanh(), nn.Linear(4, 1, generator=rng)).to("float64")
    x = np.linspace(-3, 3, 50)[:, None]
    before = predictor(scaled(net, few, True, np.dtype("float64")))(x)
    rescale(net, few, many)
    now = scaled(net, many, True, np.dtype("float64"))
    assert abs(float(now.y_scale.numpy()[0]) / few.train[1].std() - 1) > 1e-3  # the units have changed
    np.testing.assert_allclose(predictor(now)(x), before, rtol=1e-12)


def test_many_inputs_are_judged_between_the_points():
    box = {f"x{i}": (-2, 2) for i in range(1, 5)}
    fit = surefit.fit("exp(x1*x2/2)/(1+x4^2)+x3*x4", box, method="features", model=(200,))
    assert fit.method["gain"] <= 4.0  # steeper units pass through the points and are wrong between them
    x = np.random.default_rng(7).uniform(-2, 2, (5000, 4))
    f = np.exp(x[:, 0] * x[:, 1] / 2) / (1 + x[:, 3] ** 2) + x[:, 2] * x[:, 3]
    assert np.sqrt(np.mean((fit.predict(x) - f) ** 2)) < 0.3 * f.std()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lm", "varpro"])
def test_three_inputs_get_enough_points_to_fix_the_weights(method):
    fit = surefit.fit("x1*x2*x3", {f"x{i}": (-2, 2) for i in (1, 2, 3)}, method=method, model=(16,), seed=2)
    assert fit.error.max < 0.05
    assert len(fit.problem.train[0]) >= 10 * fit.network.num_parameters()


def test_lbfgs_stops_before_it_fits_the_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (400, 2))
    y = np.sin(x[:, 0]) * x[:, 1] + 0.3 * rng.normal(size=400)
    fit = surefit.fit((x, y), method="lbfgs", model=(32, 32))
    u = rng.uniform(-2.9, 2.9, (4000, 2))
    assert "validation" in fit.stop_reason
    assert np.sqrt(np.mean((fit.predict(u) - np.sin(u[:, 0]) * u[:, 1]) ** 2)) < 0.3


@pytest.mark.slow
def test_a_pole_costs_no_result():
    fit = surefit.fit("1/x", "x=-1:1", method=surefit.Auto(evaluations=120))
    assert np.isfinite(fit.predict([0.5])).all()


@pytest.mark.slow
def test_a_given_deep_network_is_solved_by_variable_projection_where_the_rest_stalls():
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(1, 10, generator=rng), nn.BatchNorm1d(10), nn.Tanh(), nn.Linear(10, 1, generator=rng)
    )  # fmt: skip
    fit = surefit.fit("sin(2*x)", "x=-2:2", model=net, tol=1e-6)
    assert fit.reached
    assert fit.method["stage"].startswith("varpro")


def test_at_a_jump_the_mean_error_decides():
    fit = surefit.fit("floor(2*x)", (-1, 1), time=2.0)
    assert fit.error.max > 0.4  # half of a jump, whatever one does
    assert fit.error.rmse < 0.1


def test_an_expensive_function_is_asked_for_few_points():
    asked = 0

    def expensive(x):
        nonlocal asked
        asked += np.size(x)
        return np.sin(x)

    fit = surefit.fit(expensive, (-3, 3), tol=1e-5, data=None)
    assert fit.reached
    assert asked <= fit.error.n + sum(fit.problem.sizes().values()) + 100


def test_points_of_the_users_own_are_kept():
    plan = surefit.Sampling(count=120, design="uniform")
    fit = surefit.fit(WAVE, BOX, tol=1e-6, data=plan)
    assert fit.problem.sizes()["train"] == 122
    assert fit.reached
    few = surefit.fit(WAVE, BOX, data=surefit.Sampling(count=11), tol=1e-12, time=1.0)
    assert not few.reached
    assert few.layers()[1] <= 6


@pytest.mark.parametrize("time", [1e-4, 0.05])
def test_time_ends_it_with_the_best_so_far(time):
    fit = surefit.fit("abs(sin(9*x))", (-3, 3), tol=1e-12, time=time)
    assert f"time={time:g} s" in fit.stop_reason
    assert np.isfinite(fit.predict([0.0])).all()


@pytest.mark.slow
def test_evaluations_end_it_the_same_way_every_time():
    fits = [surefit.fit("abs(x^2 - 0.3)", (-1, 1), tol=1e-12, method=surefit.Auto(evaluations=20)) for _ in range(2)]
    assert "20 evaluations" in fits[0].stop_reason
    assert fits[0].predict([0.3]).tobytes() == fits[1].predict([0.3]).tobytes()
    assert fits[0].predict([0.3]) != surefit.fit(
        "abs(x^2 - 0.3)", (-1, 1), method=surefit.Auto(evaluations=20), seed=1
    )(0.3)


@pytest.mark.slow
def test_where_solvers_learn_little_adam_has_its_turn(monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.functions.UNITS", {1: (3,)})
    monkeypatch.setattr("surefit.search.strategies.rounds.DEEP", (2, 2))
    monkeypatch.setattr("surefit.search.strategies.functions.graded", lambda *_: iter(()), raising=True)
    fit = surefit.fit("sin(40*x)*x", (-3, 3), tol=1e-9, time=2.0)
    stages = list(dict.fromkeys(row["stage"] for row in fit.history))
    kinds = list(dict.fromkeys(s.split(",")[0] for s in stages))
    assert kinds == ["features", "lm", "adam"]
    assert fit.plot("loss").axes
    assert [row["epoch"] for row in fit.history] == list(range(1, len(fit.history) + 1))


# --- a network that was given ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_network_that_was_given_keeps_its_shape():
    assert surefit.fit(WAVE, BOX, model=(30,), tol=1e-8).layers() == [1, 30, 1]
    assert surefit.fit(WAVE, BOX, model=surefit.MLPSpec(), tol=0.5).layers() == [1, 64, 64, 1]
    deep = surefit.fit(WAVE, BOX, model=(10, 10), tol=1e-4)
    assert deep.layers() == [1, 10, 10, 1]
    assert deep.reached
    assert deep.method["solver"] == "lm"


def test_a_module_of_the_users_own_stays_as_it_is():
    net = nn.Sequential(nn.Linear(1, 8, generator=0), nn.Tanh(), nn.Residual(nn.Linear(8, 8)), nn.Linear(8, 1))
    before = [p.detach().numpy() for p in net.parameters()]
    fit = surefit.fit(WAVE, BOX, model=net, tol=1e-3)
    assert fit.reached
    assert isinstance(fit.network[2], nn.Residual)
    for p, value in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), value)
        assert p.dtype == np.float32


# --- measured data --------------------------------------------------------------------------------------------------


def noisy_table(n=150, noise=0.2):
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (n, 1))
    return x, np.sin(2 * x) + noise * rng.standard_normal((n, 1))


@pytest.mark.parametrize("method", ["features", "varpro", "lm"])
def test_noise_is_not_interpolated(method):
    x, y = noisy_table()
    fit = surefit.fit((x, y), method=method)
    t = np.linspace(-2.8, 2.8, 500)
    assert np.sqrt(np.mean((fit.predict(t) - np.sin(2 * t)) ** 2)) < 0.15  # below the noise
    train_x, train_y = fit.problem.train
    assert np.sqrt(np.mean((fit.predict(train_x) - train_y[:, 0]) ** 2)) > 0.12  # its noise was left alone


def test_rows_that_were_not_fitted_choose():
    x, y = noisy_table(80)
    fit = surefit.fit((x, y), time=3.0, data=surefit.Sampling(split=(0.8, 0.1, 0.1)))
    assert "rmse at validation and left-out rows" in fit.method["choice"][0]
    held = fit.problem.validation
    mine = np.sqrt(np.mean((fit.predict(held[0]) - held[1][:, 0]) ** 2))
    assert mine < 0.6 * y.std()
    assert fit.stop_reason.code in ("rows-chose", "time")


@pytest.mark.slow
def test_where_all_rows_train_each_left_out_in_turn_chooses():
    """Rosenbrock's function, which the training error gave to Adam (0.28)."""
    rosenbrock = lambda x: (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2
    x = np.random.default_rng(1).uniform(-2, 2, (60, 2))
    fit = surefit.fit((x, rosenbrock(x)), data=surefit.Sampling(split=(1, 0, 0)))
    inside = np.random.default_rng(2).uniform(-1.8, 1.8, (2000, 2))
    apart = fit.predict(inside) - rosenbrock(inside)
    assert np.linalg.norm(apart) < 0.01 * np.linalg.norm(rosenbrock(inside))
    assert fit.error.kind == "estimated"


@pytest.mark.parametrize(
    "better, scatter, sure", [(0.1, 0.3, True), (0.1, 0.9, False), (-0.1, 0.3, False), (0, 0, False)]
)
def test_a_favourite_gives_way_only_to_what_is_better_by_more_than_chance(better, scatter, sure):
    """The mean difference of 100 losses has the standard error scatter / 10."""
    noise = np.tile([1.0, -1.0], 50) * scatter
    assert surely_less(np.ones(100) - better + noise, np.ones(100)) is sure
    heavy = np.where(np.arange(200) < 100, 1.0, 0.0)  # rows of weight 0 say nothing
    rest = np.full(100, -5.0)
    assert surely_less(np.r_[np.ones(100) - better, rest], np.ones(200), heavy) is (better > 0)


def test_an_error_ten_times_as_small_is_no_luck():
    uneven = np.array([0.8, 0, 0, 0, 0, 0, 0, 0])  # its mean is 0.1, and so is the standard error of that
    assert surely_less(np.full(8, 0.0099), uneven)
    assert not surely_less(np.full(8, 0.0101), uneven)
    weights = np.array([0.0, 1, 1, 1, 1, 1, 1, 1])
    assert not surely_less(np.full(8, 0.0099), uneven, weights)


def test_few_rows_without_noise_do_not_keep_a_poor_first_candidate():
    """The poor one misses a peak that one of the rows sees, so that its mean error is no surer than it is large."""
    x = np.linspace(-2, 2, 80)
    problem = pose((x, x + 3 * np.exp(-40 * (x - 1) ** 2)), None, None, 3, solver=True)
    state = State(problem, 3, np.dtype("float64"), Judge(problem, 3), Progress())

    def two(s):
        yield s.attempt(surefit.LM(iterations=30), s.hidden(1), problem)
        yield s.attempt(surefit.VarPro(iterations=200), s.hidden(10), problem)

    run(state, two(state))
    poor, good = state.candidates
    assert len(problem.validation[0]) == 8 and 5 * good.score < poor.score
    assert state.best is good


@pytest.mark.slow
def test_a_table_without_noise_is_recognised():
    x = np.random.default_rng(0).uniform(-2, 2, (300, 2))
    fit = surefit.fit((x, np.sin(x[:, 0]) * x[:, 1]))
    assert fit.error.max < 1e-3
    assert "next to nothing" in fit.stop_reason


def test_noise_on_a_formula_counts_as_measured():
    fit = surefit.fit(WAVE, BOX, data=surefit.Sampling(count=200, noise=0.1), method="features")
    assert fit.method["ridge"] > 0
    assert sup(fit, np.sin, -3, 3) < 0.15


def test_weights_decide_which_rows_matter():
    x = np.linspace(-1, 1, 100)[:, None]
    even = np.arange(100) % 2 == 0
    plan = surefit.Sampling(split=(1.0, 0.0, 0.0), weights=np.where(even, 1.0, 0.0))
    for method in ("features", "varpro", "lm", "lbfgs"):
        fit = surefit.fit((x, np.where(even, 1.0, -1.0)), data=plan, method=method, model=(5,))
        np.testing.assert_allclose(fit.predict(x), 1.0, atol=1e-3)


# --- solvers by name ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "model", "within"),
    [
        ("features", None, 1e-9),
        ("varpro", None, 1e-11),
        (surefit.LM(iterations=40), None, 1e-2),
        ("lbfgs", (20,), 1e-2),
        (surefit.Features(draws=1), (40,), 1e-8),
        (surefit.VarPro(iterations=20), (15,), 1e-6),
        (surefit.VarPro(iterations=60), (8, 8), 1e-2),
        ("lm", (8,), 1e-2),
        (surefit.LBFGS(iterations=300, memory=5), (10,), 0.1),
        ("features", surefit.fitting.MLPSpec((40,), "sigmoid"), 1e-7),
        ("features", surefit.fitting.MLPSpec((40,), "sin"), 1e-6),
        ("features", surefit.fitting.MLPSpec((100,), "relu"), 1e-2),
    ],
)
def test_each_solver_fits(method, model, within):
    fit = surefit.fit(WAVE, BOX, method=method, model=model)
    assert sup(fit, np.sin, -3, 3) <= within
    name = method if isinstance(method, str) else method.name
    assert fit.method["method"] == name
    assert name in fit.card()
    assert fit.dtype == np.float64
    assert fit.stop_reason
    assert fit.steps >= 1
    assert len(fit.history) >= 1
    assert {"epoch", "train_loss", "validation_loss", "lr", "seconds", "stage"} == fit.history[0].keys()


@pytest.mark.slow
def test_settings_do_something():
    def fitted(method, **more):
        return surefit.fit(WAVE, BOX, method=method, **more)

    assert len(fitted(surefit.LM(iterations=3)).history) <= 4
    assert len(fitted(surefit.LBFGS(iterations=5), model=(5,)).history) <= 6
    once, thrice = (fitted(surefit.Features(draws=n), model=(30,)) for n in (1, 3))
    assert len(thrice.history) == len(once.history) + 4
    assert thrice.error.max <= once.error.max
    few, many = (fitted(surefit.LBFGS(iterations=200, memory=n), model=(5,)) for n in (1, 30))
    assert many.history[-1]["train_loss"] < few.history[-1]["train_loss"]
    for kind in (surefit.Features, surefit.VarPro):
        plain, held = (fitted(kind(ridge=p), model=(20,)) for p in (None, 1e-3))
        assert held.method["output_norm"] < 0.1 * plain.method["output_norm"]
        assert held.method["ridge"] == 1e-3
    loose, tight = (fitted(surefit.LM(ridge=p), model=(5,)) for p in (None, 1e-2))
    size = [sum(float((p.detach().numpy() ** 2).sum()) for p in f.network.parameters()) for f in (loose, tight)]
    assert size[1] < size[0]


@pytest.mark.parametrize("method", ["varpro", "lm", "lbfgs"])
def test_a_tolerance_ends_a_solver_early(method):
    loose, tight = (surefit.fit(WAVE, BOX, method=method, model=(12,), tol=tol) for tol in (0.5, 1e-14))
    assert loose.reached
    assert "tolerance" in loose.stop_reason
    assert len(loose.history) < len(tight.history)
    assert tight.reached is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(method="features", model=(8, 8)), "one hidden layer"),
        (dict(method="varpro", model=nn.Sequential(nn.Linear(1, 1), nn.Tanh())), "ends in a Linear layer"),
        (dict(method="varpo"), "did you mean 'varpro'"),
        (dict(method="features", data=surefit.Sampling(adaptive=1)), "first-order"),
    ],
)
def test_what_a_solver_cannot_do_is_said(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(WAVE, BOX, **arguments)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (surefit.Features, dict(draws=0)),
        (surefit.VarPro, dict(iterations=2.5)),
        (surefit.LM, dict(ridge=-1)),
        (surefit.LBFGS, dict(memory=0)),
        (surefit.Auto, dict(evaluations=True)),
        (surefit.LM, dict(ridge=True)),
        (surefit.Adam, dict(lr=True)),
        (surefit.Adam, dict(epochs=True)),
        (surefit.Adam, dict(patience=True)),
        (surefit.Adam, dict(clip_norm="a")),
        (surefit.Adam, dict(weight_decay="a")),
        (surefit.Adam, dict(weight_decay=float("inf"))),
        (surefit.Adam, dict(scale="no")),
        (surefit.Adam, dict(loss=3)),
        (surefit.Adam, dict(loss=lambda prediction: prediction.mean())),
        (surefit.Adam, dict(betas=0.9)),
    ],
)
def test_settings_are_checked(kind, setting):
    with pytest.raises(ArgumentError, match=f"{kind.__name__}: {next(iter(setting))}="):
        kind(**setting)


def test_numbers_of_numpy_are_numbers():
    assert surefit.Adam(lr=np.float32(0.5), epochs=np.int64(3)) == surefit.Adam(lr=0.5, epochs=3)
    assert type(surefit.LM(iterations=np.int32(3)).iterations) is int
    assert surefit.VarPro(ridge=np.float64(0.25)).settings()["ridge"] == 0.25


def test_a_class_is_not_a_method():
    with pytest.raises(ArgumentError, match=r"method=LM is a class; give an object, LM\(\)"):
        surefit.fit(WAVE, BOX, method=surefit.LM)


def test_added_points_are_for_first_order_methods():
    plan = surefit.Sampling(count=40, adaptive=1)
    fit = surefit.fit(WAVE, BOX, data=plan, model=(8,), time=0.3)
    assert fit.method["method"] == "adam"


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", ["features", "varpro", "lm", "lbfgs", "auto"])
def test_the_best_iteration_is_that_of_the_network(method):
    fit = surefit.fit("sin(3*x)", BOX, method=method, model=(12,), tol=1e-9, time=3)
    x, y = fit.problem.train
    rest = (fit.predict(x) - y[:, 0]) / fit.model.y_scale.numpy()[0]
    row = fit.history[fit.best_epoch - 1]
    assert row["stage"] == fit.method["stage"]
    assert np.mean(rest**2) == pytest.approx(row["train_loss"], rel=1e-6)
    assert f"best iteration {fit.best_epoch}" in fit.card()
    if method == "auto":  # which goes on from one attempt to the next
        assert len({step["stage"] for step in fit.history}) > 1
    else:
        assert fit.best_epoch < len(fit.history) or method in ("lm", "lbfgs")
    assert "best epoch" not in fit.card()


@pytest.mark.parametrize("method", ["varpro", "lm"])
def test_the_best_iteration_of_measured_data_is_that_of_the_validation_rows(method):
    fit = surefit.fit(noisy_table(60), method=method, model=(12,))
    held = [row["validation_loss"] for row in fit.history if row["validation_loss"] is not None]
    assert fit.history[fit.best_epoch - 1]["validation_loss"] == min(held) < held[-1]
    x, y = fit.problem.validation
    rest = (fit.predict(x) - y[:, 0]) / fit.model.y_scale.numpy()[0]
    assert np.mean(rest**2) == pytest.approx(min(held), rel=1e-9)


def test_more_units_are_advised_only_where_they_help():
    exact = surefit.fit(WAVE, BOX, method="features", model=(8,))
    noisy = surefit.fit(noisy_table(), method=surefit.Features(ridge=0), model=(8,))
    assert exact.stop_reason == "Every scale was tried; this is the best of them. More units come closer."
    assert noisy.stop_reason == "Every scale was tried; this is the best of them."


def test_a_network_whose_weights_do_nothing():
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(1, 1, generator=0)

        def forward(self, x):
            return 0.0 * self.inner(x)

    fit = surefit.fit(WAVE, BOX, method="lm", model=Cut())
    assert fit.stop_reason.startswith("The Jacobian is zero: at x the residuals do not depend on any variable")


def test_restarts_of_a_solver_are_errors():
    plan = surefit.Sampling("uniform", 30)
    fit = surefit.fit("abs(x)", "x=-1:1", method=surefit.LM(iterations=5), model=(3,), restarts=2, data=plan)
    assert "the best of 2 networks, errors" in fit.card()


def test_columns_that_are_constant(tmp_path):
    x = np.linspace(-1, 1, 40)
    flat = surefit.fit({"t": x, "c": np.full(40, 1e12), "y": x**2}, method="features", model=(8,))
    assert dict(flat.card_rows())["domain"] == "t=-1:1, c=1e+12 (constant)"
    near = surefit.fit({"t": 1e12 + np.arange(40.0), "y": x**2}, method="features", model=(8,))
    assert dict(near.card_rows())["domain"] == "t=1e+12:1.00000000004e+12"
    given = surefit.fit({"c": np.full(40, 0.5), "y": x**2}, "c=0:2", method="features", model=(2,))
    assert dict(given.card_rows())["domain"] == "c=0:2"
    target = surefit.fit({"t": x, "y": x**3, "z": np.full(40, 7.5)}, method="features", model=(4,))
    loaded = surefit.load(target.save(tmp_path / "m.safetensors"))
    for fit in (target, loaded):
        assert fit.to_dict()["warnings"] == ["z is 7.5 in every row: there is nothing to learn"]
        assert [f.message for f in fit.doctor().find("data-note")] == fit.warnings
        assert not fit.doctor().find("training-broke-down")


@pytest.mark.slow
def test_the_time_that_is_told_is_the_time_that_was_asked_for(monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.functions.ADAM_REACHES", 0.0)
    monkeypatch.setattr("surefit.search.strategies.functions.ADAM_AFTER_LM", 0.0)
    monkeypatch.setattr("surefit.search.strategies.functions.UNITS", {1: (3,)})
    monkeypatch.setattr("surefit.search.strategies.rounds.DEEP", (2, 2))
    monkeypatch.setattr("surefit.search.strategies.rounds.ROUNDS", 0)
    monkeypatch.setattr("surefit.search.strategies.functions.graded", lambda s: iter(()))
    monkeypatch.setattr("surefit.attempts.training.STEPS", 10**9)  # nothing but the time ends it, on any machine
    monkeypatch.setattr("surefit.attempts.training.MOST_EPOCHS", 10**9)
    fit = surefit.fit("floor(3*x)", "x=-1:1", time=1.5, method="auto")
    (sentence,) = [words for words in fit.method["choice"] if words.startswith("adam")]
    assert sentence.endswith("; time=1.5 s used up")


# --- events, interrupts, one sample ---------------------------------------------------------------------------------


def test_events_tell_of_every_iteration():
    events = []
    fit = surefit.fit(WAVE, BOX, tol=1e-9, callbacks=[events.append])
    steps = [e for e in events if isinstance(e, Epoch)]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(e, Finished) for e in events) == 1
    assert len(steps) == len(fit.history)
    assert [e.train_loss for e in steps] == [row["train_loss"] for row in fit.history]
    assert all(math.isnan(e.lr) and e.stage for e in steps)
    assert all(1 <= e.epoch <= e.epochs for e in steps)


@pytest.mark.parametrize("method", ["auto", "features", "varpro", "lm", "lbfgs"])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_callback_and_an_interrupt_keep_the_best_so_far(method, interrupted):
    seen = []

    def callback(event):
        if isinstance(event, Epoch):
            seen.append(event)
            if len(seen) == 3 and interrupted:
                raise KeyboardInterrupt
            return len(seen) == 3
        return None

    fit = surefit.fit(WAVE, BOX, method=method, model=(8,), tol=1e-15, callbacks=[callback])
    assert len(fit.history) == 3
    assert fit.interrupted is interrupted
    assert ("interrupted" if interrupted else "callback") in fit.stop_reason
    assert np.isfinite(fit.error.max)
    if method != "lbfgs":
        assert fit.error.max < 1.0


@pytest.mark.parametrize("method", ["auto", "features", "varpro", "lm", "lbfgs"])
def test_a_halted_run_ends_with_the_iteration_and_keeps_its_best(method):
    asked = []

    def halted():
        asked.append(True)
        return len(asked) >= 3

    problem = pose(WAVE, BOX, None, 0, solver=True)
    fit = fit_problem(problem, method=method, model=(8,), tol=1e-15, halted=halted)
    assert len(fit.history) == 3
    assert fit.stop_reason == "stopped from outside; the best so far is kept"
    assert not fit.interrupted
    assert np.isfinite(fit.error.max)


INTERRUPTED = {
    "networks": """
def callback(event):
    if isinstance(event, surefit.Epoch) and event.epoch == 3:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # to the thread that waits for them
fit = surefit.fit("exp(-x)*sin(9*x)", "x=-5:5", method=surefit.LM(iterations=5000), restarts=3, callbacks=[callback])
assert fit.interrupted and fit.stop_reason.startswith("stopped from outside"), fit.stop_reason
assert 1 <= len(fit.history) < 500 and fit.error.max == min(fit.restarts)
""",
    "evaluations": """
def f(x):
    seen.append(x)
    if len(seen) == 40:
        later(0.3)
    if len(seen) >= 40:
        time.sleep(90.0)
        slept.append(x)
    return np.sin(x)
seen, slept = [], []
fit = surefit.fit(f, "x=0:3", budget=60, executor=ThreadPoolExecutor(2))
assert any("interrupt" in note.code for note in fit.problem.notes), fit.problem.notes
assert 38 <= fit.problem.source["evaluated"]["evaluations"] < 42 and not slept
os._exit(0)  # the calls that sleep are not waited for
""",
    "native code": """
late = []
def callback(event):
    if isinstance(event, surefit.Epoch) and not late:
        late.append(later(0.3))
fit = surefit.fit("sin(x) + x", "x=-5:5", method=surefit.Adam(epochs=10**8, patience=None), callbacks=[callback])
assert fit.interrupted and fit.history[-1]["epoch"] < 10**8
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("restarting", [False, True], ids=["waits are woken", "waits are restarted"])
@pytest.mark.parametrize("what", INTERRUPTED)
def test_an_interrupt_ends_every_wait(what, restarting):
    """In a fresh process; some libraries, polars for one, install handlers that restart a wait that a signal ends."""
    code = "import os, signal, threading, time\nfrom concurrent.futures import ThreadPoolExecutor\nimport numpy as np\n"
    code += "import surefit\ndef later(seconds):\n"
    code += "    threading.Timer(seconds, signal.raise_signal, (signal.SIGINT,)).start()\n"
    code += f"signal.siginterrupt(signal.SIGINT, {not restarting})\n{INTERRUPTED[what]}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_interrupt_before_anything_is_known():
    def callback(event):
        if isinstance(event, Started):
            raise KeyboardInterrupt

    fit = surefit.fit(WAVE, BOX, callbacks=[callback])
    assert fit.interrupted
    assert np.isfinite(fit.predict([0.0])).all()


@pytest.mark.parametrize("method", ["auto", "features", "varpro", "lm", "lbfgs"])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_handful_of_rows(method, rows):
    x = np.linspace(0, 1, rows)[:, None]
    plan = surefit.Sampling(split=(1.0, 0.0, 0.0))
    fit = surefit.fit((x, 2 * x + 1), data=plan, method=method, time=1.0)
    assert np.abs(fit.predict(x) - (2 * x[:, 0] + 1)).max() < 0.5
    if rows == 5:
        assert fit.error.max < 0.5
    elif fit.error.kind == "estimated":  # without the one the other says nothing of it
        assert fit.error.max >= 1.0
    assert fit.stop_reason


# --- what is done with the fit --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_saving_pictures_doctor_and_words(tmp_path):
    fit = surefit.fit(WAVE, BOX, tol=1e-9)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.card() == fit.card()
    assert again.method == fit.method
    np.testing.assert_array_equal(again.predict([0.1, 0.2]), fit.predict([0.1, 0.2]))
    for f in (fit, again):
        assert f.doctor().ok, str(f.doctor())
        assert f.doctor().find("residuals")[0].number < 1e-8
        assert f.plot("loss").axes[0].get_xlabel() == "iteration"
    assert (tmp_path / "out").exists() is False
    assert {p.name for p in fit.save_outputs(tmp_path / "out")} >= {"history.csv", "loss.png"}


def test_the_doctor_of_a_solve_that_explains_nothing():
    fit = surefit.fit("sin(60*x)", (-3, 3), method="features", model=(5,))
    assert [f.severity for f in fit.doctor().find("residuals")] == ["warning"]


def test_weights_too_large_for_float32_are_seen_by_the_doctor():
    fit = surefit.fit(WAVE, (-6, 6), method="features", model=(25,))
    assert fit.method["output_norm"] > 1e3
    (finding,) = fit.to("float32").doctor().find("large-output-weights")
    assert finding.severity in ("note", "warning")


@pytest.mark.parametrize("method", ["features", surefit.Adam(epochs=5)])
def test_to_another_dtype(method):
    fit = surefit.fit(WAVE, BOX, method=method, model=(60,), dtype="float64")
    single = fit.to("float32")
    assert fit.to("float64") is fit
    assert ("rounded to float32" in single.card()) == (method == "features")
    assert "rounded" not in fit.card()
    assert (fit.dtype, single.dtype) == (np.float64, np.float32)
    cast = [p.detach().numpy().astype(np.float32) for p in fit.network.parameters()]
    naive = np.tanh(np.linspace(-1, 1, 2001, dtype=np.float32)[:, None] @ cast[0].T + cast[1]) @ cast[2].T + cast[3]
    shift, scale = fit.model.y_shift.numpy(), fit.model.y_scale.numpy()
    careless = np.abs(naive * scale + shift - np.sin(np.linspace(-3, 3, 2001))[:, None]).max()
    assert single.error.max <= careless
    assert 0.5 * single.error.max <= sup(single, np.sin, -3, 3) <= 1.05 * single.error.max
    with pytest.raises(ArgumentError, match="dtype"):
        fit.to("int32")


@pytest.mark.parametrize("method", ["lm", "lbfgs", "varpro"])
def test_a_tolerance_is_looked_for_in_float32_too(method):
    fit = surefit.fit(WAVE, BOX, method=method, model=(12,), dtype="float32", tol=1e-3)
    assert fit.dtype == np.float32
    assert fit.reached
    assert sup(fit, np.sin, -3, 3) <= 1e-3


@pytest.mark.parametrize(("f", "end"), [(np.sin, 2 * np.pi), (lambda x: x**4 - x**3 + x**2 - x + 1, 10.0)])
def test_a_tight_fit_is_placed_again_for_float32(f, end):
    fit = surefit.fit(f, (-end, end), tol=1e-10 * max(1.0, f(-end)))
    single = fit.to("float32")
    x = np.linspace(-end, end, 5001)
    cast = predictor(deploy(fit.network, fit.problem, np.dtype("float32"), like=fit.model))(x[:, None])[:, 0]
    error = np.abs(single.predict(x) - f(x)).max()
    assert error < np.abs(cast - f(x)).max() / 4
    # what is left is rounding, which no search can follow: over seeds a dense grid
    # finds .86 to 1.19 of the card's error
    assert 0.5 * single.error.max <= error <= 1.25 * single.error.max
    place = single.error.at["x"]
    assert abs(single(place) - f(place)) == pytest.approx(single.error.max, rel=1e-9)  # and there it is that large
    assert single.layers() == fit.layers()
    assert "placed for float32" in single.method["stage"]
    assert single.method["output_norm"] < fit.method["output_norm"]
    assert None not in (single.method[k] for k in ("solver", "output_norm"))
    assert single.method.get("units", 0) in (0, fit.layers()[1])  # told of features only, and then of these


# --- the output layer at the end of first-order training ------------------------------------------------------------


def test_the_output_layer_is_solved_for_at_the_end():
    plain, solved = (
        surefit.fit(WAVE, BOX, method=surefit.Adam(epochs=20, solve_output=last), model=(40,)) for last in (False, True)
    )
    assert plain.history[-1]["train_loss"] == solved.history[-1]["train_loss"]  # the training is the same
    assert solved.error.max < 0.1 * plain.error.max
    assert "output layer solved" in solved.card()
    np.testing.assert_array_equal(plain.network[0].weight.detach().numpy(), solved.network[0].weight.detach().numpy())


def test_the_validation_rows_decide_whether_it_is_kept():
    x, y = noisy_table(60)
    fits = [
        surefit.fit((x, y), method=surefit.Adam(epochs=300, solve_output=last), model=(50,)) for last in (False, True)
    ]
    (u, v), scale = fits[0].problem.validation, fits[0].model.y_scale.numpy()[0]
    plain, solved = (np.mean((f.predict(u) - v[:, 0]) ** 2) / scale**2 for f in fits)
    assert solved <= plain * (1 + 1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(model=nn.Sequential(nn.Linear(1, 1), nn.Tanh())), "ends in a linear layer"),
        (dict(data=surefit.Sampling(count=20, derivatives=True)), "no gradients"),
    ],
)
def test_where_there_is_nothing_to_solve_for(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(WAVE, BOX, method=surefit.Adam(epochs=1, solve_output=True), **arguments)
    with pytest.raises(ArgumentError, match="loss='mse'"):
        surefit.Adam(solve_output=True, loss="l1")
