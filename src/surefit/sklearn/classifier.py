"""`FitClassifier`: classes and their probabilities, fitted and measured by surefit, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from surefit.errors import ArgumentError, DataError
from surefit.search.classes import Classified, classify, probabilities
from surefit.sklearn.base import Estimator, incremental
from surefit.sklearn.callbacks import Task, with_callbacks

PLAIN = (0.001, 1.0)  # floor and power of a network that learns batch after batch, of which no row is left out


class FitClassifier(ClassifierMixin, Estimator):
    """A classifier that is a fit of surefit, `fit_`, with its card, pictures, report and exports.

    A network is fitted to a column for each class that is 1 for its rows and 0 for the others. Its values are made
    probabilities on rows that it was not fitted to; see `surefit.fit(task="classify")`.

    The parameters are those of `FitRegressor`, and have the names of `sklearn.neural_network.MLPClassifier` where it
    has them. `tol` must be None: classes have no largest error.

    Attributes:
        classes_: in the order of `predict_proba`.
        fit_: the `surefit` Fit; not there after `partial_fit`, which learns without measuring.
        n_features_in_, feature_names_in_, n_iter_: as everywhere in scikit-learn.
        loss_: mean squared error of the last `partial_fit`, in scaled units.

    >>> import numpy as np
    >>> from surefit.sklearn import FitClassifier
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> kind = np.where(np.hypot(*x.T) < 0.7, "inside", "outside")
    >>> model = FitClassifier(random_state=0).fit(x, kind)
    >>> model.predict([[0.0, 0.1], [0.9, -0.9]]).tolist()
    ['inside', 'outside']
    """

    classes_: np.ndarray

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> FitClassifier:
        """Fit rows X (n, d) with classes y (n,), each with a weight (n,) if they are given."""
        x, labels = self._checked(X, y, reset=True)
        if self.tol is not None:
            raise ArgumentError("tol: classes have no largest error; leave it out")
        self.classes_ = _classes(labels)
        if len(self.classes_) < 2:
            raise DataError(
                f"y: 1 class only, {self.classes_.tolist()[0]!r}; a classifier cannot be trained when only one class "
                "is present"
            )
        task = Task(self, X, y)
        found = self._fitted(x, self._indicators(labels), sample_weight, self._outputs(), task)
        found.classified = classify(found, tuple(self.classes_.tolist()))
        found.problem.source["name"] = "(X, y)"
        self.fit_ = found
        task.end()
        return self

    @incremental
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> FitClassifier:
        """One pass of a first-order method over some rows; the first call needs all `classes` there will ever be."""
        first = not (hasattr(self, "_learner") or hasattr(self, "fit_"))
        if first and classes is None:
            raise ArgumentError("partial_fit: classes must be given in the first call: all there will ever be")
        x, labels = self._checked(X, y, reset=first)
        if first:
            self.classes_ = _classes(classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ArgumentError(f"partial_fit: classes={classes!r} are not those of the call before: {self.classes_!r}")
        unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()), key=str)
        if unknown:
            raise DataError(
                f"partial_fit: y holds {unknown[0]!r}, which is none of the classes {self.classes_.tolist()}"
            )
        self._learned(x, self._indicators(labels), sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row of X (n, d), (n,)."""
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes) of rows X (n, d), each row of sum 1."""
        values = self._values(self._rows(X))
        fitted = getattr(self, "fit_", None)
        known: Classified | None = None if fitted is None else fitted.classified
        return probabilities(values, *PLAIN) if known is None else known.probabilities(values)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        x, y = validate_data(self, X, y, reset=reset, dtype=np.float64, ensure_min_samples=2 if reset else 1)
        y = column_or_1d(y, warn=True)
        if y.dtype == object:
            _classes(y)
        check_classification_targets(y)
        return x, y

    def _indicators(self, labels: np.ndarray) -> np.ndarray:
        """A column for each class; of two classes that of the second."""
        each = (labels[:, None] == self.classes_[None, :]).astype(np.float64)
        return each[:, 1:] if len(self.classes_) == 2 else each

    def _outputs(self) -> list[str]:
        names = [f"y={name}" for name in self.classes_.tolist()]
        return names[1:] if len(names) == 2 else names

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fit_") or hasattr(self, "_learner")


def _classes(labels: Any) -> np.ndarray:
    """The classes in their order; DataError where they have none."""
    try:
        return np.asarray(unique_labels(labels))
    except TypeError:
        kinds = sorted({type(label).__name__ for label in np.asarray(labels, dtype=object).tolist()})
        raise DataError(f"y: its classes are of several kinds ({', '.join(kinds)}); make all of them texts") from None


__all__ = ["FitClassifier"]
