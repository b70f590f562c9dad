"""Fits that are told with which inputs the target rises: they do so everywhere, fit well, and say what is proved."""

from __future__ import annotations

import runpy
import warnings

import numpy as np
import pytest

import surefit
from surefit import Sampling
from surefit.data.hints import signs_of
from surefit.errors import ArgumentError

SIGN = {"a": 1, "c": -1}


def rows(n=60, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 3))
    y = np.tanh(3 * x[:, 0]) + np.sin(4 * x[:, 1]) - np.exp(x[:, 2]) + noise * rng.normal(size=n)
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y}


def assert_monotone(fit, d, signs, seed=0):
    """On pairs of points, far outside too."""

    def predict(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", surefit.OutsideWarning)
            return fit.predict(x)

    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, (2000, d))
    for i, sign in enumerate(signs):
        if sign:
            other = x.copy()
            other[:, i] += rng.exponential(size=len(x))
            assert (sign * (np.asarray(predict(other)) - np.asarray(predict(x))) >= -1e-6).all()


def test_a_network_of_ones_own_is_monotone_where_the_noise_is_not_and_survives_its_file(tmp_path):
    fit = surefit.fit(rows(), monotone=SIGN, model=(6, 6), method=surefit.LM(iterations=40))
    assert_monotone(fit, 3, (1, 0, -1))
    card = str(fit)
    assert "monotone     rises with a; falls with c at every point: proved by the signs of all weights" in card
    assert "随 a 上升" in fit.card(lang="zh")
    fit.save(tmp_path / "m.safetensors")
    again = surefit.load(tmp_path / "m.safetensors")
    assert "falls with c at every point: proved" in str(again)
    x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    np.testing.assert_array_equal(again.predict(x), fit.predict(x))
    with pytest.raises(ArgumentError, match="monotone"):
        fit.update(x, np.zeros(5))


def test_the_same_rows_without_it_are_not_monotone():
    fit = surefit.fit(rows(), model=(6, 6), method=surefit.LM(iterations=40))
    with pytest.raises(AssertionError):
        assert_monotone(fit, 3, (1, 0, -1))
    assert "monotone" not in str(fit)


@pytest.mark.parametrize("method", ["lbfgs", surefit.Adam(epochs=20), surefit.SGD(epochs=5, lr=0.01)])
def test_other_methods_are_monotone_too(method):
    assert_monotone(surefit.fit(rows(), monotone="a=+1,c=-1", model=(5,), method=method), 3, (1, 0, -1))


def test_a_function_that_rises_is_fitted_precisely():
    fit = surefit.fit("x^3 + x", "x=-1:1", monotone={"x": 1}, model=(4, 4), method=surefit.LM(iterations=60))
    assert fit.error.max < 2e-3
    assert_monotone(fit, 1, (1,))


@pytest.mark.slow
def test_a_table_is_fitted_by_networks_for_tables_that_are_monotone_and_exported(tmp_path):
    table, clean = rows(200), rows(2000, 0.0, 1)
    fit = surefit.fit(table, monotone=SIGN)
    assert_monotone(fit, 3, (1, 0, -1))
    x = np.stack([clean[name] for name in "abc"], axis=1)
    inside = (np.abs(x) < 0.9).all(axis=1)
    x, y = x[inside], clean["y"][inside]
    rmse = np.sqrt(np.mean((fit.predict(x) - y) ** 2))
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is an extra")
    trees = ensemble.HistGradientBoostingRegressor(monotonic_cst=[1, 0, -1], random_state=0)
    known = np.stack([table[name] for name in "abc"], axis=1)
    assert rmse < 0.6 * np.sqrt(np.mean((trees.fit(known, table["y"]).predict(x) - y) ** 2))
    assert "proved by the signs of all weights" in str(fit)
    fit.export(tmp_path / "m.py")
    evaluate = runpy.run_path(str(tmp_path / "m.py"))["evaluate"]
    np.testing.assert_allclose(
        np.asarray(evaluate(x[:20])).reshape(-1), fit.predict(x[:20]).reshape(-1), rtol=1e-4, atol=1e-5
    )
    fit.save(tmp_path / "m.safetensors")
    assert "proved by the signs of all weights" in str(surefit.load(tmp_path / "m.safetensors"))


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (None, None), ({}, None), ("x=+1,z=-1", (("x", 1), ("z", -1))), ("x=+, z=−1", (("x", 1), ("z", -1))),
        ('"a, b"=-1', (("a, b", -1),)), ("a=b=1", (("a=b", 1),)), ({"x": 1.0, "y": 0}, (("x", 1),)),
        ([1, 0, -1], ((0, 1), (1, 0), (2, -1))), (np.array([0, 1]), ((0, 0), (1, 1))), ([0, 0], None),
        ((("x", 1), ("z", -1)), (("x", 1), ("z", -1))),
    ],
)  # fmt: skip
def test_directions_are_read_in_every_form(given, want):
    assert signs_of(given) == want
    assert signs_of(signs_of(given)) == want


@pytest.mark.parametrize(
    "given", ["x", "", "x=2", "x=+1,x=-1", {"x": 2}, {"x": True}, {"x": None}, {1: 1}, [1, 3], 1, 1.5, b"x=1", ["x"]]
)
def test_what_are_no_directions_is_refused(given):
    with pytest.raises(ArgumentError, match=r"^monotone: "):
        Sampling(monotone=given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"monotone": {"q": 1}}, "there is no input 'q'; the inputs are a, b, c"),
        ({"monotone": {"y": 1}}, "there is no input 'y'"),
        ({"monotone": [1, 0]}, "2 directions for 3 inputs"),
        ({"method": "varpro"}, "solves for weights of either sign"),
        ({"method": "features"}, "solves for weights of either sign"),
        ({"method": "polynomial"}, "solves for weights of either sign"),
        ({"method": surefit.Adam(solve_output=True)}, "solve_output"),
        ({"prove": True}, "prove"),
        ({"quantile": (0.1, 0.9)}, "several quantiles"),
        ({"task": "classify"}, "classes"),
        ({"model": surefit.nn.Linear(3, 1)}, "Module"),
        ({"model": surefit.MLPSpec((4,), "silu")}, "activation: 'silu' does not rise everywhere"),
        ({"data": Sampling(derivatives=np.zeros((60, 3)))}, "gradients"),
        ({"data": Sampling(stream=True)}, "monotone"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(rows(), **({"monotone": SIGN} | arguments))


def test_a_budget_and_folds_keep_the_directions():
    fit = surefit.fit(
        lambda a, b: a - b, {"a": (0, 1), "b": (0, 1)}, budget=20, monotone=[1, -1], model=(3,),
        method=surefit.LM(iterations=10),
    )  # fmt: skip
    assert "rises with a; falls with b" in str(fit)
    table = {k: v[:30] for k, v in rows().items()}
    fit = surefit.fit(table, monotone=SIGN, model=(3,), method=surefit.LM(iterations=5), folds=3)
    assert_monotone(fit, 3, (1, 0, -1))
