"""Callbacks of scikit-learn hear of every epoch and can end a training."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")
pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from version 1.9 on")

from sklearn.base import clone

from surefit.sklearn import FitClassifier, FitRegressor

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))


class Counting:
    """Counts what it hears, and ends after so many epochs."""

    def __init__(self, most=10**9):
        self.most, self.heard = most, []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.heard.append(f"end {context.task_name}")
        return self.heard.count("end epoch") >= self.most


@pytest.mark.parametrize("kind", [FitRegressor, FitClassifier])
def test_each_epoch_is_told(kind):
    y = X[:, 0] if kind is FitRegressor else X[:, 0] > 0
    model = kind(solver="adam", max_iter=7, n_iter_no_change=100, random_state=0)
    counting = Counting()
    model.set_callbacks(counting).fit(X, y)
    assert counting.heard[:2] == ["setup", "begin fit"] and counting.heard[-2:] == ["end fit", "teardown"]
    assert counting.heard.count("end epoch") == counting.heard.count("begin epoch") == 7
    quiet = clone(kind(solver="adam", max_iter=7, n_iter_no_change=100, random_state=0)).fit(X, y)
    np.testing.assert_array_equal(quiet.predict(X), model.predict(X))


def test_true_ends_the_training():
    counting = Counting(most=3)
    model = FitRegressor(solver="adam", max_iter=50, random_state=0).set_callbacks(counting).fit(X, X[:, 0])
    assert model.n_iter_ == 3 and "callback" in str(model.fit_.stop_reason)


def test_a_failure_still_tears_down():
    counting = Counting()
    with pytest.raises(ValueError, match="dtype"):
        FitRegressor(dtype="int").set_callbacks(counting).fit(X, X[:, 0])
    assert counting.heard[-1] == "teardown"
