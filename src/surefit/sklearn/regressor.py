"""`FitRegressor`: a function of the features, fitted and measured by surefit, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from surefit.errors import ShapeError
from surefit.sklearn.base import Estimator, incremental
from surefit.sklearn.callbacks import Task, with_callbacks


class FitRegressor(RegressorMixin, Estimator):
    """A regressor that is a fit of surefit, `fit_`, with its card, pictures, report and exports.

    The parameters have the names of `sklearn.neural_network.MLPRegressor` where it has them. Those that a solver has no
    use for are not looked at, as there.

    Args:
        hidden_layer_sizes: widths such as (64, 64); None: what suits the solver.
        activation: "auto", "tanh", "relu", "logistic", "silu", ...; needs `hidden_layer_sizes`.
        solver: "auto" (linear, quadratic, features, variable projection, Adam: the best at rows left out), the name of
            a method of `surefit.fit` ("lm", "varpro", "lbfgs", "features", "adam", "sgd", ...), or a method object,
            whose own settings then count.
        alpha: weight of the L2 penalty: `weight_decay` of first-order methods, `ridge` of solvers; None: their own.
        batch_size: rows a step of first-order methods; "auto": 64, or all of fewer than 128.
        learning_rate: schedule of first-order methods: "auto", "constant", "adaptive", "cosine", ...
        learning_rate_init: a number, "auto" (found by a range test), or None: the method's own.
        max_iter: epochs, iterations, or for "auto" evaluations of all rows; None: the method's own.
        max_time: seconds of training at most.
        tol: the largest |error| that is good enough, in units of y (of `MLPRegressor` it is an improvement instead).
        early_stopping: keep a part of the rows to validate: methods end where the error there rises, and the one that
            is best there counts. False trains on all rows; for data without noise.
        validation_fraction: that part.
        n_iter_no_change: epochs without a better validation loss until a first-order method stops.
        restarts: networks with seeds of their own, of which the best is kept.
        dtype: of the network, "float32" or "float64"; None: what suits the method.
        random_state: an int, a RandomState, or None for another result each time.

    Attributes:
        fit_: the `surefit` Fit; not there after `partial_fit`, which learns without measuring.
        n_features_in_, feature_names_in_, n_outputs_, n_iter_: as everywhere in scikit-learn.
        loss_: mean squared error of the last `partial_fit`, in scaled units.

    A weight counts as so many repetitions of a row. Neither the order of the rows nor that of repetitions matters.

    >>> import numpy as np
    >>> from surefit.sklearn import FitRegressor
    >>> x = np.linspace(0, 1, 40).reshape(-1, 1)
    >>> model = FitRegressor(random_state=0).fit(x, np.exp(x[:, 0]))
    >>> bool(abs(model.predict([[0.5]])[0] - np.exp(0.5)) < 1e-3)
    True
    """

    n_outputs_: int

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FitRegressor:
        """Fit rows X (n, d) with targets y (n,) or (n, k), each with a weight (n,) if they are given."""
        x, targets = self._checked(X, y, reset=True)
        task = Task(self, X, y)
        self.fit_ = self._fitted(x, targets, sample_weight, self._outputs(), task)
        task.end()
        return self

    @incremental
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> FitRegressor:
        """One pass of a first-order method over some rows, in the scale of the first ones, or of a `fit` before."""
        x, targets = self._checked(X, y, reset=not (hasattr(self, "_learner") or hasattr(self, "fit_")))
        self._learned(x, targets, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values at rows X (n, d), in the shape of y: (n,) or (n, k)."""
        y = self._values(self._rows(X))
        return y[:, 0] if self._flat else y

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        x, y = validate_data(
            self, X, y, reset=reset, dtype=np.float64, multi_output=True, y_numeric=True,
            ensure_min_samples=2 if reset else 1,
        )  # fmt: skip
        y = np.asarray(y, np.float64)
        if reset:
            self._flat, self.n_outputs_ = y.ndim == 1, 1 if y.ndim == 1 else y.shape[1]
        y = y.reshape(len(y), -1)
        if y.shape[1] != self.n_outputs_:
            raise ShapeError(f"y has {y.shape[1]} columns, and it had {self.n_outputs_} before")
        return x, y

    def _outputs(self) -> list[str]:
        return ["y"] if self.n_outputs_ == 1 else [f"y{i + 1}" for i in range(self.n_outputs_)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


__all__ = ["FitRegressor"]
