"""`FitRegressor`: a function of the features, fitted and measured by surefit, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from surefit.errors import ArgumentError, ShapeError
from surefit.problems.quantiles import pinball
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
        quantile: the level of a quantile of y to predict instead of its mean, such as 0.9, or several, (0.05, 0.5,
            0.95), which are the columns that `predict` then returns and never cross; `score` is then minus the pinball
            loss. Needs y (n,), and `solver` "auto" or a first-order method.
        monotonic_cst: features with which y rises (1) or falls (-1), and 0 where nothing is known: an array with one
            number for each, or a dict by names of features, as in `HistGradientBoostingRegressor`. What is predicted
            then does so at every point.

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
        quantile: float | Sequence[float] | None = None,
        monotonic_cst: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes, activation, solver=solver, alpha=alpha, batch_size=batch_size,
            learning_rate=learning_rate, learning_rate_init=learning_rate_init, max_iter=max_iter, max_time=max_time,
            tol=tol, early_stopping=early_stopping, validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change, restarts=restarts, dtype=dtype, random_state=random_state,
        )  # fmt: skip
        self.quantile = quantile
        self.monotonic_cst = monotonic_cst

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FitRegressor:
        """Fit rows X (n, d) with targets y (n,) or (n, k), each with a weight (n,) if they are given."""
        x, targets = self._checked(X, y, reset=True)
        if self.quantile is not None and self.n_outputs_ > 1:
            raise ShapeError(f"quantile: y has {self.n_outputs_} columns; give one, of shape (n,)")
        task = Task(self, X, y)
        self.fit_ = self._fitted(x, targets, sample_weight, self._outputs(), task)
        task.end()
        return self

    @incremental
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> FitRegressor:
        """One pass of a first-order method over some rows, in the scale of the first ones, or of a `fit` before."""
        for name in ("quantile", "monotonic_cst"):
            if getattr(self, name) is not None:
                raise ArgumentError(f"{name}: partial_fit learns means of any shape; use fit, or leave {name} out")
        x, targets = self._checked(X, y, reset=not (hasattr(self, "_learner") or hasattr(self, "fit_")))
        self._learned(x, targets, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values at rows X (n, d), in the shape of y: (n,) or (n, k); of several quantiles (n, levels)."""
        y = self._values(self._rows(X))
        return y[:, 0] if y.shape[1] == 1 and self._flat else y

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² at rows X (n, d), y; of quantiles minus the pinball loss, the mean over the levels."""
        if self.quantile is None:
            return float(super().score(X, y, sample_weight))
        levels = np.atleast_1d(np.asarray(self.quantile, np.float64))
        found = self.predict(X).reshape(-1, len(levels))
        loss = pinball(found, np.asarray(y, np.float64).reshape(-1, 1), levels.tolist()).mean(axis=1)
        return -float(np.average(loss, weights=sample_weight))

    def _known(self) -> dict[str, Any]:
        given = self.monotonic_cst
        names = getattr(self, "feature_names_in_", None)
        if isinstance(given, Mapping):
            if names is None:
                raise ArgumentError("monotonic_cst: names need an X with names of features; give a number for each")
            odd = [name for name in given if name not in list(names)]
            if odd:
                raise ArgumentError(f"monotonic_cst: there is no feature {odd[0]!r}; there are {', '.join(names)}")
            given = [given.get(name, 0) for name in names]
        elif given is not None:
            given = np.asarray(given)
            if given.shape != (self.n_features_in_,):
                raise ShapeError(
                    f"monotonic_cst: shape {given.shape} for {self.n_features_in_} features; give one number for each"
                )
        return {"quantile": self.quantile, "monotone": given}

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
