"""Logarithmic targets: the fit of the logarithm, told in the units of the target, in every reading."""

import numpy as np
import pytest

import surefit
from surefit.data import Sampling
from surefit.errors import ArgumentError, DataError
from surefit.fitting import load

RNG = np.random.default_rng(0)
X = RNG.random((60, 2))
LOG = 6.0 * X[:, 0] - 3.0 * X[:, 1] ** 2 + 0.05 * RNG.standard_normal(60)
Y = np.exp(LOG)
ADAM = surefit.Adam(epochs=5)


@pytest.fixture(scope="module")
def taught():
    """A fit of few rows by the automatic choice, to values that no polynomial has."""
    y = np.exp(np.sin(7 * X[:, 0]) * 4 + 3 * X[:, 1] + 0.1 * RNG.standard_normal(60))
    return y, surefit.fit((X, y), target_scale="log")


@pytest.mark.parametrize(
    "options",
    [
        {"method": "polynomial"},
        {"method": surefit.VarPro(iterations=5)},
        {"method": surefit.LM(iterations=5), "model": (6,)},
        {"method": ADAM, "model": (6,), "dtype": "float64"},
        {"method": ADAM, "model": (6,), "dtype": "float64", "jit": False},
        {"method": surefit.Adam(epochs=3, scale=False), "model": (6,), "dtype": "float64"},
    ],
    ids=lambda o: str(o["method"])[:20],
)
def test_it_is_the_exponential_of_the_fit_of_the_logarithm(options):
    logs = surefit.fit((X, LOG), **options)
    fit = surefit.fit((X, Y), target_scale="log", **options)
    np.testing.assert_allclose(fit.predict(X), np.exp(logs.predict(X)), rtol=1e-9)
    assert fit.score == pytest.approx(logs.score, rel=1e-9)
    expected = fit.predict(X)[:, None] * logs.derivative(X)
    np.testing.assert_allclose(fit.derivative(X), expected, rtol=1e-7, atol=1e-9)


def test_gradients_of_the_rows_are_those_of_the_target():
    gradients = np.stack([np.full(60, 6.0), -6.0 * X[:, 1]], axis=1)
    options = dict(method=surefit.VarPro(iterations=5), model=(6,))
    logs = surefit.fit((X, LOG), data=Sampling(derivatives=gradients), **options)
    plan = Sampling(derivatives=gradients * Y[:, None], target_scale="log")
    fit = surefit.fit((X, Y), data=plan, **options)
    np.testing.assert_allclose(fit.predict(X), np.exp(logs.predict(X)), rtol=1e-7)


@pytest.mark.slow
def test_errors_are_in_the_units_of_the_target_and_relative(taught):
    fit = surefit.fit((X, Y), target_scale="log", data=Sampling(split=(0.5, 0.25, 0.25)), method="polynomial")
    x, y = fit.problem.test
    miss = fit.predict(x) - y[:, 0]
    assert fit.error.max == pytest.approx(np.abs(miss).max())
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean(miss**2)))
    relative = np.sqrt(np.mean(np.log(fit.predict(x) / y[:, 0]) ** 2))
    assert fit.error.log_rmse == pytest.approx(relative)
    assert (
        f"{relative:.3g} (root mean square of the difference" in fit.card() and "fitted in its logarithm" in fit.card()
    )
    assert "拟合其对数" in fit.card("zh")


def test_what_rows_are_missed_by_when_left_out_is_told_in_both_units():
    a = np.column_stack([np.ones(60), X])  # ordinary least squares of the logarithm, one row left out at a time
    refit = [a[i] @ np.linalg.lstsq(np.delete(a, i, 0), np.delete(LOG, i), rcond=None)[0] for i in range(60)]
    method = surefit.Polynomial(degree=1, ridge=0.0)
    fit = surefit.fit((X, Y), target_scale="log", method=method, data=Sampling(split=(1, 0, 0)))
    assert fit.error.status == "estimated"
    assert fit.error.log_rmse == pytest.approx(np.sqrt(np.mean((refit - LOG) ** 2)), rel=1e-6)
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean((np.exp(refit) - Y) ** 2)), rel=1e-6)


def test_a_teacher_learns_the_logarithm(taught):
    _, fit = taught
    assert fit.taught is not None
    assert fit.error.log_rmse < 0.3
    np.testing.assert_allclose(np.log(fit.predict(X)), fit.taught.teacher.predict(X)[:, 0], atol=0.1)
    assert fit.taught.estimate.rmse > 1.0 > fit.error.log_rmse  # the one in units of y, the other of its logarithm


def test_intervals_are_factors_and_cover(taught):
    _, fit = taught
    found = fit.interval(X, 0.8)
    assert (found.low > 0).all()
    p, centre = fit.predict(X), np.exp(fit.taught.teacher.predict(X)[:, 0])
    assert ((found.low <= p) & (p <= found.high)).all()
    inside = (found.low < p) & (p < found.high)  # else the prediction is one of the ends
    assert inside.sum() > 40
    np.testing.assert_allclose((found.high / centre)[inside], (centre / found.low)[inside], rtol=1e-9)
    split = surefit.fit((X, Y), target_scale="log", data=Sampling(split=(0.5, 0.25, 0.25)), method="polynomial")
    x, held = split.problem.test
    low, high = split.interval(x, 0.8)
    assert np.mean((low <= held[:, 0]) & (held[:, 0] <= high)) >= 0.8  # the rows that it was made of


def test_a_file_gives_it_back(taught, tmp_path):
    _, fit = taught
    again = load(fit.save(tmp_path / "fit.surefit"))
    np.testing.assert_array_equal(again.predict(X), fit.predict(X))
    np.testing.assert_allclose(again.interval(X, 0.8).low, fit.interval(X, 0.8).low, rtol=1e-12)
    assert again.problem.log_target and again.error == fit.error


@pytest.mark.parametrize("suffix", [".py", ".c", ".js", ".onnx"])
def test_exports_hold_the_exponential(suffix, tmp_path):
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    fit = surefit.fit((X, Y), target_scale="log", method="polynomial")
    fit.export(tmp_path / f"model{suffix}", verify=20)


def test_new_rows_must_be_above_zero_too():
    fit = surefit.fit((X, Y), target_scale="log", method=surefit.VarPro(iterations=3))
    with pytest.raises(DataError, match="in new row 1"):
        fit.update(X[:2], [1.0, 0.0])
    assert (fit.update(X[:20], Y[:20]).predict(X) > 0).all()


@pytest.mark.parametrize("bad", [0.0, -2.0])
def test_values_that_have_no_logarithm_are_named(bad):
    y = Y.copy()
    y[7] = bad
    with pytest.raises(DataError, match=rf"'log' needs values above 0, and y is {bad:g} in row 7 .*1 of 60"):
        surefit.fit((X, y), target_scale="log")


def test_other_mistakes_are_named():
    with pytest.raises(ArgumentError, match="target_scale='lg' must be 'log'"):
        surefit.fit((X, Y), target_scale="lg")
    with pytest.raises(ArgumentError, match="of a function fit the logarithm itself"):
        surefit.fit("exp(x)", "x=0:1", target_scale="log")
    with pytest.raises(ArgumentError, match="classes have no logarithm"):
        surefit.fit((X, Y > 1), target_scale="log", task="classify")
    with pytest.raises(ArgumentError, match="give it once"):
        surefit.fit((X, Y), target_scale="log", data=Sampling(target_scale="linear"))


def test_the_doctor_names_it_where_it_helps_and_not_where_it_is_used():
    y = np.exp(np.linspace(-6, 6, 60))
    plain = surefit.fit((X, y), method="polynomial").doctor()
    logs = surefit.fit((X, y), method="polynomial", target_scale="log").doctor()
    assert "target_scale='log'" in next(f.cure for f in plain.findings if f.code == "logarithmic-targets")
    assert "logarithmic-targets" not in [f.code for f in logs.findings]
