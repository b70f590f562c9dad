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


@pytest.mark.parametrize("kind, name", [(FitRegressor, "r2"), (FitClassifier, "accuracy")])
@pytest.mark.parametrize("solver", ["adam", "lm"])
def test_a_monitor_scores_the_fit_and_every_epoch_whose_network_is_known(kind, name, solver):
    from sklearn.callback import ScoringMonitor

    y = X[:, 0] if kind is FitRegressor else np.where(X[:, 0] > 0, "up", "down")
    rate = dict(learning_rate_init=0.05, n_iter_no_change=100)
    model = kind(solver=solver, hidden_layer_sizes=(8,), max_iter=6, random_state=0, **rate)
    monitor = ScoringMonitor(scoring=name)
    model.set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    whole = [row[name] for row in rows if row["task_name"] == "fit"]
    epochs = [row[name] for row in rows if row["task_name"] == "epoch"]
    assert whole == [model.score(X, y)]
    assert len(epochs) == (6 if solver == "adam" else 0)  # which has its network when it is solved
    assert solver != "adam" or epochs[0] < epochs[-1]


@pytest.mark.parametrize("given", [{"solver": "lm"}, {"solver": "auto"}, {"solver": "adam", "restarts": 2}])
def test_max_iter_is_no_bound_of_what_is_heard(given):
    model = FitRegressor(max_iter=2, random_state=0, **given)
    counting = Counting()
    model.set_callbacks(counting).fit(X, np.sin(X[:, 0]))
    assert counting.heard[-1] == "teardown" and model.fit_.error.rmse < 1


def test_true_ends_the_training():
    counting = Counting(most=3)
    model = FitRegressor(solver="adam", max_iter=50, random_state=0).set_callbacks(counting).fit(X, X[:, 0])
    assert model.n_iter_ == 3 and "callback" in str(model.fit_.stop_reason)


def test_a_failure_still_tears_down():
    counting = Counting()
    with pytest.raises(ValueError, match="dtype"):
        FitRegressor(dtype="int").set_callbacks(counting).fit(X, X[:, 0])
    assert counting.heard[-1] == "teardown"
