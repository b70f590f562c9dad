"""What both estimators are: parameters, rows in and out, and a fit of surefit inside."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from surefit.attempts.methods import FirstOrder
from surefit.errors import ArgumentError
from surefit.fitting.api import fit
from surefit.fitting.fitted import Fit
from surefit.models.spec import MLPSpec
from surefit.sklearn.callbacks import CallbackSupportMixin, Task
from surefit.sklearn.incremental import Learner
from surefit.sklearn.settings import distinct, is_incremental, method_of, model_of, sampling_of, table_of


class Estimator(CallbackSupportMixin, BaseEstimator):
    """Base of `FitRegressor` and `FitClassifier`."""

    fit_: Fit
    n_iter_: int

    def __init__(
        self,
        hidden_layer_sizes: Any = None,
        activation: str = "auto",
        *,
        solver: Any = "auto",
        alpha: float | None = None,
        batch_size: int | str = "auto",
        learning_rate: str = "auto",
        learning_rate_init: float | str | None = None,
        max_iter: int | None = None,
        max_time: float | None = None,
        tol: float | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = None,
        restarts: int = 1,
        dtype: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.max_time = max_time
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.restarts = restarts
        self.dtype = dtype
        self.random_state = random_state

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _known(self) -> dict[str, Any]:
        """What else `surefit.fit` is told of the target."""
        return {}

    def _rows(self, X: Any) -> np.ndarray:
        """Rows to predict for, (n, d) float64."""
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64)

    def _fitted(self, x: np.ndarray, y: np.ndarray, weight: Any, outputs: list[str], task: Task) -> Fit:
        """The fit of rows x (n, d), y (n, k), of which the callbacks of the task hear."""
        method, model = method_of(self), model_of(self)
        x, y, weight = distinct(x, y, _check_sample_weight(weight, x, dtype=np.float64))
        if len(x) < 2:
            raise ArgumentError("fit: the rows that count are 1 sample over and over; give at least two that differ")
        found = fit(
            table_of(getattr(self, "feature_names_in_", None), x, outputs, y), method=method, model=model,
            data=sampling_of(self, len(x), weight), seed=self._seed(), tol=self.tol, time=self.max_time,
            dtype=self.dtype, restarts=self.restarts, callbacks=task.listeners(), **self._known(),
        )  # fmt: skip
        self.n_iter_ = max(1, len(found.history))
        self.__dict__.pop("_learner", None)
        return found

    def _learned(self, x: np.ndarray, y: np.ndarray, weight: Any) -> None:
        """One pass over some more rows."""
        method = method_of(self)
        assert isinstance(method, FirstOrder)
        if not hasattr(self, "_learner"):
            spec = model_of(self) or MLPSpec()
            self._learner = Learner(spec, method, x, y, self._seed())
            self.n_iter_ = 0
            if hasattr(self, "fit_"):
                self._learner.begin(copy.deepcopy(self.fit_.model), method)
                del self.fit_
        self.loss_ = self._learner.learn(x, y, _check_sample_weight(weight, x, dtype=np.float64))
        self.n_iter_ += 1

    def _values(self, x: np.ndarray) -> np.ndarray:
        """What the network gives at rows (n, d), (n, k). No warning beyond the rows of the fit: pipelines go there."""
        learner = getattr(self, "_learner", None)
        return self.fit_._predict(x) if learner is None else learner.predict(x)


incremental = available_if(is_incremental)
__all__ = ["Estimator", "incremental"]
