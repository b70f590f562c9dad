"""Models become small networks, and the distance between them is measured."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, DomainError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.random((80, 3))
Y = np.sin(4 * X[:, 0]) + X[:, 1] * X[:, 2]
BOX = {"a": (0, 1), "b": (0, 1), "c": (0, 1)}
NEW = RNG.random((1000, 3))


class Model:
    """Anything with a predict."""

    def __init__(self, f=lambda x: np.sin(4 * x[:, 0]) + x[:, 1]):
        self.f = f

    def predict(self, x):
        return self.f(x)


def test_a_gaussian_process_and_boosting_of_scikit_learn():
    pytest.importorskip("sklearn", reason="its models are distilled")
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF

    process = GaussianProcessRegressor(RBF([0.5, 1, 1]), alpha=1e-6, normalize_y=True, optimizer=None).fit(X, Y)
    small = surefit.distil(process, BOX, max_parameters=200)
    away = np.sqrt(np.mean((small.predict(NEW) - process.predict(NEW)) ** 2))
    assert small.network.num_parameters() <= 200 and small.names == ("a", "b", "c")
    assert away < 0.01 * Y.std() and small.error.rmse == pytest.approx(away, rel=0.5)
    assert small.error.kind == "fresh" and small.error.status == "measured"
    boosted = HistGradientBoostingRegressor(max_iter=50).fit(X, Y)
    steps = surefit.distil(boosted, X, max_parameters=100)
    away = np.sqrt(np.mean((steps.predict(X) - boosted.predict(X)) ** 2))
    assert away < 0.25 * Y.std() and steps.error.rmse == pytest.approx(away, rel=0.7)
    assert steps.network.num_parameters() <= 100


def test_a_model_of_a_dataframe_is_asked_by_its_names():
    pd = pytest.importorskip("pandas", reason="a DataFrame is given")
    pytest.importorskip("sklearn", reason="its model is distilled")
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame(X, columns=["u", "v", "w"])
    model = LinearRegression().fit(frame, Y)  # which warns when it is asked with an array
    small = surefit.distil(model, frame, max_parameters=60)
    assert small.names == ("u", "v", "w")
    np.testing.assert_allclose(small.predict(X), model.predict(frame), atol=0.05)


def test_a_fit_becomes_a_smaller_one_over_its_own_domain():
    large = surefit.fit("sin(x)*y", "x=-3:3, y=-1:1", method="features", model=(300,), tol=1e-3)
    small = surefit.distil(large, tol=0.02)
    assert small.reached and small.names == ("x", "y") and small.outputs == large.outputs
    assert small.network.num_parameters() < 300
    assert np.abs(small.predict([[1.0, 0.5]]) - large.predict([[1.0, 0.5]])).max() < 0.02


def test_callables_and_several_outputs():
    small = surefit.distil(lambda x, y: (x * y, x + 100 * y), "x=0:1, y=0:1")
    assert small.predict(NEW[:, :2]).shape == (1000, 2)
    right = np.column_stack([NEW[:, 0] * NEW[:, 1], NEW[:, 0] + 100 * NEW[:, 1]])
    assert (np.abs(small.predict(NEW[:, :2]) - right).max(axis=0) < 0.02 * right.std(axis=0)).all()
    two = surefit.distil(Model(lambda x: x[:, :2]), BOX, max_parameters=80)
    assert two.outputs == ("y1", "y2")


def test_the_smallest_size_that_is_near_enough_is_taken():
    easy = surefit.distil(Model(lambda x: x[:, 0]), BOX)
    hard = surefit.distil(Model(lambda x: np.sin(20 * x[:, 0]) * x[:, 1]), BOX, max_parameters=150)
    assert easy.network.num_parameters() < 150 and easy.stop_reason.code == "student-close"
    assert hard.stop_reason.code == "student-full" and hard.network.num_parameters() <= 150


@pytest.mark.parametrize(
    "model, where, options, error, words",
    [
        (Model(), None, {}, DomainError, "say where the model is wanted"),
        (3, BOX, {}, ArgumentError, "int has no predict"),
        (Model(lambda x: np.full(len(x), "yes")), BOX, {}, ArgumentError, "gives values of type <U3, such as"),
        (Model(lambda x: np.zeros(3)), BOX, {}, ShapeError, r"gives shape \(3,\)"),
        (Model(lambda x: 1 / (x[:, 0] > 0.5)), BOX, {}, DomainError, "not finite at"),
        (Model(), np.full((5, 3), np.nan), {}, DomainError, "X: some"),
        (Model(), BOX, {"max_parameters": 0}, ArgumentError, "max_parameters=0"),
        (Model(), BOX, {"tol": -1}, ArgumentError, "tol=-1"),
        (Model(), BOX, {"dtype": "int64"}, ArgumentError, "dtype"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_wrong_arguments_are_named(model, where, options, error, words):
    with pytest.raises(error, match=words):
        surefit.distil(model, where, **options)


def test_a_domain_of_other_inputs_is_refused():
    fit = surefit.fit("x+y", "x=0:1, y=0:1", method="polynomial")
    with pytest.raises(ShapeError, match="the model takes 2"):
        surefit.distil(fit, "x=0:1")


def test_what_comes_out_is_a_fit(tmp_path):
    small = surefit.distil(Model(), BOX, max_parameters=100)
    loaded = surefit.load(small.save(tmp_path / "small.safetensors"))
    np.testing.assert_array_equal(loaded.predict(NEW), small.predict(NEW))
    assert "Model" in small.card()
