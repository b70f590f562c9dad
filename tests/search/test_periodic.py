"""Periodic inputs: value and slope agree after a period, everywhere, and in what is exported too."""

from __future__ import annotations

import runpy
import shutil

import numpy as np
import pytest

import surefit
from surefit import Sampling
from surefit.data.hints import periods_of
from surefit.errors import ArgumentError
from surefit.problems.periodic import lifted_points

ANGLE = np.array([1.0, 0.0])
TURN = 360.0 * ANGLE
QUICK = dict(model=(12,), method=surefit.VarPro(iterations=30))


def table(n=120, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    angle, b = rng.uniform(0, 360, n), rng.uniform(-1, 1, n)
    y = np.exp(np.sin(np.deg2rad(angle))) * (1 + b) + noise * rng.normal(size=n)
    return {"angle": angle, "b": b, "y": y}


@pytest.fixture(scope="module")
def fit():
    return surefit.fit(table(), periodic={"angle": 360}, **QUICK)


def test_value_and_slope_are_those_of_a_period_later_without_a_warning(fit):
    x = np.column_stack([np.linspace(0, 360, 50), np.linspace(-0.9, 0.9, 50)])
    for turns in (1, -1, 3):
        later = x + turns * TURN
        np.testing.assert_allclose(fit.predict(later), fit.predict(x), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(fit.derivative(later), fit.derivative(x), rtol=1e-9, atol=1e-11)


def test_it_is_near_the_truth_also_across_the_border(fit):
    x = np.column_stack([np.linspace(-30, 30, 61), np.zeros(61)])
    assert np.abs(fit.predict(x) - np.exp(np.sin(np.deg2rad(x[:, 0])))).max() < 0.15
    step = 1e-4
    slope = (fit.predict(x + step * ANGLE) - fit.predict(x - step * ANGLE)) / (2 * step)
    np.testing.assert_allclose(fit.derivative(x)[:, 0], slope, atol=1e-7)


def test_without_it_the_border_is_a_jump():
    plain = surefit.fit(table(), **QUICK)
    with pytest.warns(surefit.OutsideWarning):
        assert abs(plain(360.0, 0.0) - plain(0.0, 0.0)) > 1e-4


def test_the_card_the_file_and_the_largest_error_are_in_the_inputs_of_the_table(fit, tmp_path):
    assert set(fit.error.at) == {"angle", "b"}
    assert "periodic     angle after 360: the network is given cosine and sine of the angle" in str(fit)
    assert "angle 的周期为 360" in fit.card("zh")
    assert fit.domain.bounds[0] == (0.0, 360.0)
    fit.save(tmp_path / "m.safetensors")
    again = surefit.load(tmp_path / "m.safetensors")
    x = np.column_stack([np.linspace(-360, 720, 20), np.zeros(20)])
    np.testing.assert_array_equal(again.predict(x), fit.predict(x))
    assert "angle after 360" in str(again)


def test_an_error_is_where_it_is_said_to_be(fit):
    rows = np.column_stack(list(table().values()))
    at = np.array([fit.error.at[name] for name in ("angle", "b")])
    nearest = np.abs(rows[:, :2] - at).sum(axis=1).argmin()
    np.testing.assert_allclose(rows[nearest, :2], at, rtol=1e-9)
    assert abs(fit.predict(rows[nearest : nearest + 1, :2])[0] - rows[nearest, 2]) == pytest.approx(fit.error.max)


NEEDED = {"c": "gcc", "js": "node", "fortran": "gfortran", "fmu": "gcc", "fmu3": "gcc", "casadi": "gcc"}


@pytest.mark.parametrize("to", ["numpy", "c", "js", "onnx", "fortran"])
def test_what_is_exported_computes_the_same(fit, tmp_path, to):
    if to == "onnx":
        pytest.importorskip("onnxruntime", reason="onnx is an extra")
    elif to in NEEDED and shutil.which(NEEDED[to]) is None:
        pytest.skip(f"no {NEEDED[to]} here")
    assert fit.export(tmp_path / "m", to, verify=40).compared.difference < 1e-11


@pytest.mark.parametrize("to", ["formula", "fmu", "fmu3", "casadi"])
def test_the_other_formats_are_written(fit, tmp_path, to):
    assert all(path.stat().st_size for path in fit.export(tmp_path / "m", to).paths)


def test_what_is_exported_is_periodic(fit, tmp_path):
    x = np.column_stack([np.linspace(0, 360, 7), np.linspace(-0.8, 0.8, 7)])
    fit.export(tmp_path / "m.py")
    evaluate = runpy.run_path(str(tmp_path / "m.py"))["evaluate"]
    for points in (x, x + TURN):
        np.testing.assert_allclose(np.ravel(evaluate(points)), fit.predict(x), rtol=1e-9, atol=1e-10)


def test_single_precision_is_as_good(fit):
    x = np.random.default_rng(0).uniform([0, -0.9], [360, 0.9], (50, 2))
    np.testing.assert_allclose(fit.to("float32").predict(x), fit.predict(x), atol=1e-3)


def test_a_function_is_fitted_precisely_and_measured_on_fresh_points():
    made = surefit.fit("exp(sin(t)) + cos(2*t)", "t=0:2*pi", periodic="t=2*pi", time=30, tol=1e-6)
    assert made.error.kind == "fresh"
    assert made.reached
    t = np.linspace(-7, 14, 200)
    assert np.abs(made.predict(t) - np.exp(np.sin(t)) - np.cos(2 * t)).max() < 1e-6


@pytest.mark.parametrize("method", ["polynomial", "features", "lm", surefit.Adam(epochs=5)])
def test_every_method_makes_periodic_fits_of_functions_and_rows(method):
    for target, domain in ((table(60), None), ("sin(angle*pi/180)*b", "angle=0:360, b=-1:1")):
        model = None if method == "polynomial" else (5,)
        made = surefit.fit(target, domain, periodic={"angle": 360}, method=method, model=model, time=10)
        x = np.array([[10.0, 0.5], [370.0, 0.5]])
        a, b = made.predict(x)
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6)


def test_rows_on_a_part_of_the_circle_leave_the_rest_outside():
    rows = table(200)
    part = {name: values[rows["angle"] < 100] for name, values in rows.items()}
    made = surefit.fit(part, periodic={"angle": 360}, **QUICK)
    assert made.domain.high[0] < 100
    with pytest.warns(surefit.OutsideWarning):
        made.predict([[200.0, 0.0]])


def test_intervals_quantiles_classes_folds_and_directions_go_with_it():
    rows = table(80)
    made = surefit.fit(rows, periodic={"angle": 360}, monotone={"b": 1}, method=surefit.LM(iterations=20), model=(6,))
    x = np.random.default_rng(0).uniform([0, -0.9], [360, 0.9], (200, 2))
    assert (made._predict(x + 0.1 * (1 - ANGLE)) >= made._predict(x)).all()
    assert "rises with b at every point: proved" in str(made)
    folds = surefit.fit(rows, periodic={"angle": 360}, folds=3, method="polynomial")
    assert folds.error.folds == 3
    low, high = folds.interval(x).low, folds.interval(x).high
    assert (low < high).all()
    classes = {"angle": rows["angle"], "b": rows["b"], "y": np.where(rows["y"] > 1, "up", "down")}
    told = surefit.fit(classes, periodic={"angle": 360}, task="classify", method=surefit.Adam(epochs=10), model=(5,))
    np.testing.assert_array_equal(told.predict(x), told.predict(x + TURN))
    levels = surefit.fit(rows, periodic={"angle": 360}, quantile=(0.1, 0.9), method=surefit.Adam(epochs=10), model=(5,))
    assert (np.diff(levels.predict(x), axis=1) >= 0).all()


def test_a_teacher_of_few_rows_tells_intervals_after_loading(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 25)
    made = surefit.fit({"x": x, "y": np.exp(np.sin(2 * np.pi * x)) ** 3}, periodic={"x": 1})
    made.save(tmp_path / "m.safetensors")
    again = surefit.load(tmp_path / "m.safetensors")
    for name in ("low", "high"):
        one, other = (getattr(f.interval([0.1, 0.9]), name) for f in (made, again))
        np.testing.assert_allclose(one, other, rtol=1e-9)
        shifted = getattr(made.interval([1.1, 1.9]), name)
        np.testing.assert_allclose(one, shifted, rtol=1e-4)


def test_coordinates_lie_on_the_circle():
    x = np.random.default_rng(0).normal(size=(10, 3)) * 100
    z = lifted_points(x, (7.0, 0.0, 24.0))
    np.testing.assert_array_equal(z[:, 0], x[:, 1])
    np.testing.assert_allclose(z[:, 1] ** 2 + z[:, 2] ** 2, 1)
    np.testing.assert_allclose(z[:, 1] + 1j * z[:, 2], np.exp(2j * np.pi * x[:, 0] / 7), atol=1e-12)
    np.testing.assert_allclose(z[:, 3] + 1j * z[:, 4], np.exp(2j * np.pi * x[:, 2] / 24), atol=1e-12)


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (None, None), ({}, None), ({"x": 360}, (("x", 360.0),)), ("x=360, y=7", (("x", 360.0), ("y", 7.0))),
        ([None, 24, 0], ((1, 24.0),)), ({"x": "2*pi"}, (("x", 2 * np.pi),)),
    ],
)  # fmt: skip
def test_periods_are_read_in_every_form(given, want):
    assert periods_of(given) == want
    assert periods_of(periods_of(given)) == want


@pytest.mark.parametrize(
    "given", ["x", "", "x=-1", "x=0", "x=inf", "x=a", {"x": 0}, {"x": True}, {"x": None}, {1: 1}, 360, b"x", ["x"]]
)
def test_what_are_no_periods_is_refused(given):
    with pytest.raises(ArgumentError, match=r"^periodic: "):
        Sampling(periodic=given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"periodic": {"q": 1}}, "there is no input 'q'"),
        ({"periodic": [None, None, 3]}, "3 periods for 2 inputs"),
        ({"monotone": {"angle": 1}}, "'angle' is to rise or fall as well"),
        ({"prove": True}, "prove"),
        ({"data": Sampling(derivatives=np.zeros((120, 2)))}, "gradients"),
        ({"data": Sampling(stream=True)}, "periodic"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(table(), **({"periodic": {"angle": 360}} | arguments))


def test_axes_of_functions_that_do_not_go_with_periods_are_refused():
    with pytest.raises(ArgumentError, match="logarithmic"):
        surefit.fit("sin(p)", "p=1:10:log", periodic={"p": 5})
    with pytest.raises(ArgumentError, match="adaptive"):
        surefit.fit("sin(p)", "p=0:10", periodic={"p": 5}, data=Sampling(adaptive=2))


def test_an_update_is_refused(fit):
    with pytest.raises(ArgumentError, match="periodic"):
        fit.update([[0.0, 0.0]], [1.0])
