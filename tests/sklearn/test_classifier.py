"""FitClassifier beside scikit-learn: its own checks of estimators, and what people do with one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from surefit.errors import ArgumentError, DataError
from surefit.sklearn import FitClassifier

QUICK = dict(solver="features", random_state=0)


@parametrize_with_checks(
    [
        FitClassifier(max_iter=30),
        FitClassifier(solver="adam", max_iter=60),
        FitClassifier(early_stopping=False, max_iter=30),
    ]
)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


def rings(n=200, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return x, np.array(["in", "out"])[(np.hypot(*x.T) > 0.7).astype(int)]


@pytest.mark.slow
def test_it_beats_a_line_where_there_is_none():
    x, y = rings()
    assert cross_val_score(FitClassifier(random_state=0), x, y, cv=3).mean() > 0.93
    assert cross_val_score(LogisticRegression(), x, y, cv=3).mean() < 0.8


@pytest.mark.parametrize("load, least, most", [(load_iris, 0.93, 0.2), (load_breast_cancer, 0.93, 0.25)])
def test_accuracy_and_probabilities_at_new_rows(load, least, most):
    x, y = load(return_X_y=True)
    shares = cross_val_predict(FitClassifier(**QUICK), x, y, cv=4, method="predict_proba")
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert (shares.argmax(axis=1) == y).mean() > least
    assert log_loss(y, shares) < most


def test_classes_keep_their_names_and_kind():
    x, y = rings()
    model = FitClassifier(**QUICK).fit(x, y)
    assert model.classes_.tolist() == ["in", "out"] and set(model.predict(x)) == {"in", "out"}
    assert model.fit_.classified.classes == ("in", "out") and "accuracy" in model.fit_.card()
    np.testing.assert_array_equal(model.fit_.predict(x), model.predict(x))
    numbers = FitClassifier(**QUICK).fit(x, np.where(y == "in", 7, -2))
    assert numbers.predict(x).dtype.kind == "i" and numbers.classes_.tolist() == [-2, 7]
    truth = FitClassifier(**QUICK).fit(x, y == "in")
    assert truth.predict(x).dtype == bool


def test_pipelines_and_grids():
    x, y = rings()
    pipe = make_pipeline(StandardScaler(), FitClassifier(**QUICK))
    grid = GridSearchCV(pipe, {"fitclassifier__alpha": [None, 1e6]}, cv=3, scoring="neg_log_loss").fit(x, y)
    assert grid.best_params_ == {"fitclassifier__alpha": None}


def test_batch_after_batch_it_learns():
    x, y = rings(1000)
    model = FitClassifier(solver="adam", hidden_layer_sizes=(32,), random_state=0)
    with pytest.raises(ArgumentError, match="classes"):
        model.partial_fit(x, y)
    for _ in range(20):
        model.partial_fit(x, y, classes=["in", "out"])
    new, truth = rings(300, seed=1)
    assert model.score(new, truth) > 0.93
    again = pickle.loads(pickle.dumps(model)).partial_fit(x, y)  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(new), model.partial_fit(x, y).predict_proba(new))
    with pytest.raises(DataError, match="'middle'"):
        model.partial_fit(x[:2], ["middle", "in"])


def test_wrong_input_is_named():
    x, y = rings(40)
    with pytest.raises(DataError, match="only one class"):
        FitClassifier().fit(x, np.repeat("in", 40))
    with pytest.raises(ArgumentError, match="tol"):
        FitClassifier(tol=0.1).fit(x, y)
    with pytest.raises(DataError, match=r"1 class only, 0\.0;"):
        FitClassifier().fit(x, np.zeros(40))
    with pytest.raises(DataError, match=r"several kinds \(int, str\); make all of them texts"):
        FitClassifier().fit(x, np.array(["in", 1] * 20, dtype=object))
    with pytest.raises(ValueError, match="continuous"):
        FitClassifier().fit(x, x[:, 0])
