"""FitRegressor beside scikit-learn: its own checks of estimators, and what people do with one."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import surefit
from surefit.errors import ArgumentError, ShapeError
from surefit.sklearn import FitClassifier, FitRegressor

QUICK = dict(solver="adam", max_iter=30, hidden_layer_sizes=(16,), random_state=0)


@parametrize_with_checks(
    [  # the automatic choice is cut short: what estimators promise does not hang on how good a fit is
        FitRegressor(max_iter=30),
        FitRegressor(solver="adam", max_iter=60),
        FitRegressor(solver="features", early_stopping=False),
    ]
)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


@pytest.mark.slow  # of few rows, all of which train, Gaussian processes are solved: a minute in all
@parametrize_with_checks([FitRegressor(early_stopping=False, max_iter=30)])
def test_scikit_learn_finds_nothing_wrong_with_the_automatic_choice_from_all_rows(estimator, check):
    check(estimator)


def waves(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    return x, np.sin(3 * x[:, 0]) * x[:, 1]


@pytest.mark.slow
def test_it_is_as_good_as_a_fit():
    x, y = waves()
    new, truth = waves(1000, seed=1)
    model = FitRegressor(random_state=0).fit(x, y)
    assert r2_score(truth, model.predict(new)) > 0.999
    assert model.score(new, truth) == r2_score(truth, model.predict(new))
    assert isinstance(model.fit_, surefit.Fit) and "x1" in model.fit_.card()


@pytest.mark.slow
def test_noise_is_not_learned():
    x, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(FitRegressor(random_state=0), x, y, cv=3).mean()
    assert ours > cross_val_score(LinearRegression(), x, y, cv=3).mean() - 0.03


def test_pipelines_grids_clones():
    x, y = waves()
    pipe = make_pipeline(StandardScaler(), FitRegressor(**QUICK))
    grid = GridSearchCV(
        pipe, {"fitregressor__alpha": [None, 1.0], "fitregressor__activation": ["tanh", "logistic"]}, cv=2
    )
    assert grid.fit(x, y).best_params_["fitregressor__alpha"] is None
    again = clone(grid.best_estimator_).fit(x, y)
    np.testing.assert_array_equal(again.predict(x), grid.best_estimator_.predict(x))


def test_names_of_features_reach_the_card():
    pandas = pytest.importorskip("pandas", reason="DataFrames are an extra")
    x, y = waves()
    frame = pandas.DataFrame(x, columns=["width", "height"])
    model = FitRegressor(**QUICK).fit(frame, y)
    assert model.fit_.names == ("width", "height") and list(model.feature_names_in_) == ["width", "height"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["height", "width"]])
    clash = pandas.DataFrame(x, columns=["y", " y"])
    assert FitRegressor(**QUICK).fit(clash, y).fit_.names == ("x1", "x2")


@pytest.mark.parametrize("k", [1, 3])
def test_several_outputs_keep_their_shape(k):
    x, y = waves()
    targets = np.stack([y * (i + 1) for i in range(k)], axis=1)
    model = FitRegressor(**QUICK).fit(x, targets)
    assert model.predict(x).shape == targets.shape and model.n_outputs_ == k
    assert FitRegressor(**QUICK).fit(x, targets[:, 0]).predict(x).shape == (len(x),)


def test_weights_are_repetitions_and_order_does_not_matter():
    x, y = waves(60)
    weight = np.random.default_rng(3).integers(0, 4, 60)
    order = np.random.default_rng(4).permutation(weight.sum())
    weighted = FitRegressor(**QUICK).fit(x, y, sample_weight=weight)
    repeated = FitRegressor(**QUICK).fit(x.repeat(weight, axis=0)[order], y.repeat(weight)[order])
    np.testing.assert_array_equal(weighted.predict(x), repeated.predict(x))
    with pytest.raises(ArgumentError, match="sample_weight"):
        FitRegressor(**QUICK).fit(x, y, sample_weight=-weight)


def test_batch_after_batch_it_learns():
    x, y = waves(2000)
    new, truth = waves(500, seed=1)
    model = FitRegressor(solver="adam", hidden_layer_sizes=(32, 32), learning_rate_init=3e-3, random_state=0)
    scores = []
    for _ in range(12):
        for part in np.array_split(np.arange(len(x)), 4):
            model.partial_fit(x[part], y[part])
        scores.append(model.score(new, truth))
    assert scores[-1] > 0.98 and scores[-1] > scores[0]
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    for one in (model, again):
        one.partial_fit(x, y)
    np.testing.assert_array_equal(again.predict(new), model.predict(new))
    assert not hasattr(FitRegressor(solver="lm"), "partial_fit")


def test_partial_fit_goes_on_where_fit_ended():
    x, y = waves(400)
    model = FitRegressor(**QUICK | {"max_iter": 100}).fit(x, y)
    before, fit = model.score(x, y), model.fit_
    kept = fit.predict(x)
    model.partial_fit(x, y)
    assert abs(model.score(x, y) - before) < 0.05
    np.testing.assert_array_equal(fit.predict(x), kept)  # of which others may have a hold
    with pytest.raises(ShapeError, match="columns"):
        model.partial_fit(x, np.stack([y, y], axis=1))


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"solver": "adma"}, "adam"), ({"hidden_layer_sizes": (-1,)}, "hidden_layer_sizes=(-1,) must"),
        ({"hidden_layer_sizes": "ab"}, "hidden_layer_sizes='ab' must"), ({"activation": "relu"}, "sizes"),
        ({"hidden_layer_sizes": (4, 2.5)}, "hidden_layer_sizes=(4, 2.5) must"),
        ({"hidden_layer_sizes": (4,), "activation": "rellu"}, "relu"), ({"max_iter": 0}, "max_iter=0 must be"),
        ({"tol": -1}, "tol"), ({"early_stopping": "yes"}, "early_stopping='yes' must be True or False"),
        ({"early_stopping": True, "validation_fraction": 2}, "validation_fraction"), ({"dtype": "int"}, "dtype"),
        ({"solver": "adam", "learning_rate": "fast"}, "learning_rate='fast' is unknown; choose one of auto, constant"),
        ({"alpha": -1.0, "solver": "lm"}, "alpha=-1.0 must be"), ({"alpha": "x", "solver": "sgd"}, "alpha='x' must be"),
        ({"solver": "adam", "learning_rate_init": -1}, "learning_rate_init=-1 must be"),
        ({"solver": "adam", "n_iter_no_change": 0}, "n_iter_no_change=0 must be"),
        ({"solver": "adam", "batch_size": "all"}, "batch_size='all' must be"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named_as_they_were_given(wrong, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        FitRegressor(**wrong).fit(*waves(40))


@pytest.mark.parametrize("solver", ["adam", "lm", "lbfgs"])
def test_the_identity_as_an_activation_makes_a_linear_function(solver):
    """Scikit-learn's name for no activation; the oracle is its own linear regression."""
    x, y = waves(60)
    y = x @ np.arange(1.0, 1.0 + x.shape[1]) + 0.1 * y
    model = FitRegressor((3,), activation="identity", solver=solver, random_state=0, early_stopping=False).fit(x, y)
    line = LinearRegression().fit(x, y)
    near = 0.02 if solver == "adam" else 1e-4
    np.testing.assert_allclose(model.predict(x), line.predict(x), atol=near * np.ptp(y))
    with pytest.raises(ArgumentError, match="smooth or kinked"):
        FitRegressor((3,), activation="identity", solver="features").fit(x, y)


def test_stopping_early_keeps_rows_apart():
    x, y = waves(100)
    model = FitRegressor(**QUICK | {"early_stopping": True, "validation_fraction": 0.25}).fit(x, y)
    assert model.fit_.problem.sizes()["validation"] == 25
    assert FitRegressor(**QUICK, early_stopping=False).fit(x, y).fit_.problem.sizes()["train"] == 100


def noisy_rows(n=80, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    return x, 2 * x[:, 0] - x[:, 1] ** 3 + rng.normal(size=n)


FEW = dict(hidden_layer_sizes=(5,), solver="adam", max_iter=60, learning_rate_init=0.02, random_state=0)


def test_a_quantile_is_what_is_predicted_and_minus_the_pinball_loss_the_score():
    from sklearn.metrics import mean_pinball_loss

    x, y = noisy_rows(400)
    high = FitRegressor(quantile=0.9, **FEW).fit(x, y)
    assert high.predict(x).shape == (400,)
    assert 0.8 < np.mean(y < high.predict(x)) < 0.97
    assert high.score(x, y) == pytest.approx(-mean_pinball_loss(y, high.predict(x), alpha=0.9))
    weight = np.arange(400.0)
    wanted = -mean_pinball_loss(y, high.predict(x), alpha=0.9, sample_weight=weight)
    assert high.score(x, y, weight) == pytest.approx(wanted)


def test_several_quantiles_are_columns_that_never_cross():
    x, y = noisy_rows(400)
    several = FitRegressor(quantile=(0.1, 0.5, 0.9), **FEW).fit(x, y)
    found = several.predict(x)
    assert found.shape == (400, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.abs(np.mean(y[:, None] < found, axis=0) - [0.1, 0.5, 0.9]) < 0.1).all()


@pytest.mark.parametrize("given", [[1, -1], np.array([1, -1]), {"a": 1, "b": -1}])
def test_directions_of_features_are_kept_at_every_point(given):
    pandas = pytest.importorskip("pandas", reason="names of features come with a DataFrame")
    x, y = noisy_rows()
    frame = pandas.DataFrame(x, columns=["a", "b"]) if isinstance(given, dict) else x
    model = FitRegressor(monotonic_cst=given, **FEW).fit(frame, y)
    rng = np.random.default_rng(1)
    far = rng.uniform(-3, 3, (500, 2))
    for i, sign in enumerate((1, -1)):
        other = far.copy()
        other[:, i] += rng.exponential(size=500)
        both = [pandas.DataFrame(p, columns=["a", "b"]) if isinstance(given, dict) else p for p in (far, other)]
        change = model.predict(both[1]) - model.predict(both[0])
        assert (sign * change >= -1e-6).all()


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"quantile": 1.5}, "between 0 and 1"),
        ({"monotonic_cst": [1]}, "2 features"),
        ({"monotonic_cst": [1, 2]}, "must be 1"),
        ({"monotonic_cst": {"a": 1}}, "names of features"),
        ({"monotonic_cst": [1, 0], "solver": "varpro"}, "solves for weights of either sign"),
        ({"quantile": 0.5, "solver": "lm"}, "minimises squared errors"),
    ],
)
def test_wrong_quantiles_and_directions_are_refused(parameters, error):
    x, y = noisy_rows()
    with pytest.raises(ValueError, match=error):
        FitRegressor(**(FEW | parameters)).fit(x, y)


def test_quantiles_need_one_target_and_no_batches():
    x, y = noisy_rows()
    with pytest.raises(ValueError, match="y has 2 columns"):
        FitRegressor(quantile=0.5, **FEW).fit(x, np.stack([y, y], axis=1))
    with pytest.raises(ValueError, match="partial_fit"):
        FitRegressor(quantile=0.5, **FEW).partial_fit(x, y)


@pytest.mark.parametrize("kind", [FitRegressor, FitClassifier])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("model", "hidden_layer_sizes"), ("hidden", "hidden_layer_sizes"), ("method", "solver"),
        ("seed", "random_state"),
        ("lr", "learning_rate_init"), ("epochs", "max_iter"), ("iterations", "max_iter"), ("ridge", "alpha"),
        ("time", "max_time"), ("patience", "n_iter_no_change"), ("hiden_layer_sizes", "hidden_layer_sizes"),
    ],
)  # fmt: skip
def test_parameters_by_the_names_of_fit_are_told_what_they_are_here(kind, name, meant):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no argument {name!r}; did you mean {meant}\\?"):
        kind(**{name: 1})
