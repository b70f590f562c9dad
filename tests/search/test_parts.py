"""Adaptive sampling: where points are added, that they help, and that several parts of training look like one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError
from surefit.fitting.api import fit_problem
from surefit.problems.points import with_worst, worst_points
from surefit.problems.posing import pose

PEAK = "exp(-200*((x1-0.3)^2+(x2-0.2)^2)) + x1"
SQUARE = "x1=-1:1, x2=-1:1"


def fitted(rounds, **more):
    plan = surefit.Sampling(count=400, adaptive=rounds, verify=3000)
    options = {"method": surefit.Adam(epochs=12, batch_size=32), "model": (16,), "data": plan, **more}
    return surefit.fit(PEAK, SQUARE, **options)


def test_points_go_where_the_error_is():
    problem = pose(PEAK, SQUARE, surefit.Sampling("uniform", 2000, adaptive=1), seed=0)
    more = with_worst(problem, lambda x: x[:, :1], np.random.default_rng(0))  # all but the peak is right
    x, y = (part[len(problem.train[0]) :] for part in more.train)
    assert more.added == (len(x),) and 200 < len(x) <= 250
    distance = np.hypot(x[:, 0] - 0.3, x[:, 1] - 0.2)
    assert (distance < 0.2).all()  # a thirtieth of the square
    # its squared error is a bell of deviation 1/sqrt(800) in each direction
    assert np.median(distance) == pytest.approx(np.sqrt(2 * np.log(2) / 800), rel=0.25)
    np.testing.assert_allclose(y[:, 0], np.exp(-200 * distance**2) + x[:, 0])


def test_the_density_is_that_of_the_error():
    def error(x):
        return np.where(x[:, 0] < 0.5, 1.0, 4.0), x**2

    x, y = worst_points(error, surefit.Domain((0, 1)), 500, np.random.default_rng(0))
    assert len(np.unique(x)) == len(x) > 400
    assert (x > 0.5).mean() == pytest.approx(0.8, abs=5 * np.sqrt(0.8 * 0.2 / 500))
    np.testing.assert_array_equal(y, x**2)


def test_points_on_a_face_stay_there_and_where_nothing_is_wrong_they_go_anywhere():
    box = surefit.Domain("a=0:1, b=0:1, c=2:3")
    x, _ = worst_points(lambda x: (np.zeros(len(x)), x), box, 400, np.random.default_rng(0))
    assert ((x == box.low) | (x == box.high)).any(axis=1).mean() == pytest.approx(0.2, abs=0.1)
    only_faces = lambda x: (((x == box.low) | (x == box.high)).any(axis=1).astype(float), x)
    x, _ = worst_points(only_faces, box, 400, np.random.default_rng(0))
    assert ((x == box.low) | (x == box.high)).any(axis=1).all() and len(x) > 350


def test_points_where_the_function_is_not_finite_are_not_added():
    def error(x):
        y = np.log(x - 0.5)
        return np.where(np.isfinite(y[:, 0]), 1.0, 0.0), y

    with np.errstate(all="ignore"):
        x, y = worst_points(error, surefit.Domain((0, 1)), 100, np.random.default_rng(0))
    assert (x > 0.5).all() and np.isfinite(y).all()


@pytest.mark.slow
def test_it_finds_a_peak_that_a_uniform_sample_hardly_sees():
    plain, refined = (
        fitted(
            rounds, method=surefit.Adam(epochs=60, batch_size=64), model=(64, 64),
            data=surefit.Sampling(count=1500, adaptive=rounds, verify=3000),
        )
        for rounds in (0, 3)
    )  # fmt: skip
    assert refined.error.max < 0.5 * plain.error.max


def test_parts_look_like_one_training():
    events = []
    fit = fitted(2, callbacks=[events.append])
    kinds = [type(e).__name__ for e in events]
    assert kinds == ["Started", *["Epoch"] * 12, "Finished"]
    assert events[0].epochs == 12 and [e.epoch for e in events[1:-1]] == list(range(1, 13))
    assert [row["epoch"] for row in fit.history] == list(range(1, 13))
    assert all(a.seconds <= b.seconds and a.step < b.step for a, b in pairwise(events[1:-1]))
    assert fit.steps == events[-2].step
    assert "all 12 epochs" in fit.stop_reason
    assert len(fit.problem.train[0]) == 400 + 4 + 80 + sum(fit.problem.added)
    assert f"{sum(fit.problem.added)} added where the error was largest" in fit.card()
    assert 1 <= fit.best_epoch <= 12


@pytest.mark.parametrize("stop, at", [(lambda e: getattr(e, "epoch", 0) == 6, 6), (lambda e: True, 0)])
def test_a_callback_ends_all_parts(stop, at):
    fit = fitted(2, callbacks=[stop])
    assert len(fit.history) == at
    assert fit.stop_reason == "stopped by a callback"


def test_the_tolerance_ends_all_parts():
    fit = fitted(3, tol=5.0)
    assert fit.reached and len(fit.history) == 1


@pytest.mark.slow
def test_the_time_is_that_of_all_parts():
    fit = fitted(2, method=surefit.Adam(epochs=100_000), time=4.0)
    assert fit.stop_reason == "time=4 s used up"
    assert len(fit.problem.added) == 2  # each part had its share
    assert 3.9 <= fit.history[-1]["seconds"] < 9


def test_weights_and_gradients_follow_the_new_points():
    plan = surefit.Sampling(count=100, adaptive=2, derivatives=True, weights=lambda x, y: x[:, 0] + 2)
    fit = surefit.fit("x1*x2", SQUARE, data=plan, method=surefit.Adam(epochs=3), model=(4,))
    (x, _), problem = fit.problem.train, fit.problem
    np.testing.assert_array_equal(problem.weights, x[:, 0] + 2)
    np.testing.assert_allclose(problem.gradients[:, 0], x[:, ::-1])
    listed = surefit.Sampling(count=10, adaptive=1, weights=np.ones(10))
    with pytest.raises(ArgumentError, match="give a function instead"):
        surefit.fit("sin(x)", "x=0:1", data=listed, method=surefit.Adam(epochs=2), model=(4,))


def test_one_seed_one_result():
    x = np.linspace(-1, 1, 14).reshape(7, 2)
    assert fitted(2).predict(x).tobytes() == fitted(2).predict(x).tobytes()


def test_the_picture_shows_the_rounds():
    fit = fitted(2)
    (axes,) = fit.plot("samples").axes
    sizes = {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()}
    a, b = fit.problem.added
    assert sizes == {"first sample (484)": 484, f"round 1 ({a})": a, f"round 2 ({b})": b}


@pytest.mark.slow
def test_a_loaded_fit_still_says_it(tmp_path):
    plan = surefit.Sampling(count=200, adaptive=2, derivatives=True)
    fit = surefit.fit("x1*x2", SQUARE, data=plan, method=surefit.Adam(epochs=3), model=(4,))
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.card() == fit.card()
    assert again.problem.added == fit.problem.added
    labels = [[line.get_label() for line in f.plot("samples").axes[0].get_lines()] for f in (fit, again)]
    assert labels[0] == labels[1]
    assert "samples.png" in {path.name for path in fit.save_outputs(tmp_path / "out")}


@pytest.mark.parametrize("jit", [True, False])
def test_what_is_halted_ends_with_its_part(jit):
    plan = surefit.Sampling(count=400, adaptive=2, verify=3000)
    problem = pose(PEAK, SQUARE, plan, seed=0)
    asked = []

    def halted():
        asked.append(True)
        return True

    fit = fit_problem(problem, method=surefit.Adam(epochs=600, batch_size=32), model=(8,), jit=jit, halted=halted)
    assert asked and len(fit.history) <= 200  # as many as a part has
    assert "stopped from outside" in fit.stop_reason
