"""Values of a fitted network at points, and its derivatives there: `Record` has them from here."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.checking import warn
from surefit.data import Domain, box_words, points_from, raw_names
from surefit.data.columns import Coded, unmasked
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.models.inference import Inference, values_of
from surefit.models.observed import as_text, layer_rows, layer_sizes
from surefit.models.scaled import Scaled
from surefit.problems.known import is_all_around
from surefit.problems.problem import Problem
from surefit.search.classes import Classified
from surefit.search.judging import Measured
from surefit.search.limits import SELDOM

LISTED = 6  # inputs in a warning
PLAIN = (float, int, np.float64)  # what a number of one point mostly is


class OutsideWarning(UserWarning):
    """A fit is asked for values outside the domain it was made on."""


class Predictions:
    """What a record is asked for values by: `predict`, a call, `derivative`."""

    problem: Problem
    model: Scaled
    classified: Classified | None
    error: Measured
    made: Any
    _warned: bool
    _inference: Inference | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.problem.names

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.problem.outputs

    @property
    def domain(self) -> Domain:
        """The box it was fitted on."""
        return self.problem.domain

    @property
    def coding(self) -> tuple[Coded, ...]:
        """How columns of texts, times, yes and no became inputs."""
        names = set(self.names)
        return tuple(code for code in self.problem.coding if names >= set(code.columns))

    @property
    def jumps(self) -> int:
        """How many units go from one float to the next, where the target may jump."""
        return int(self.made.details.get("jumps") or 0) if self.made.solved else 0

    @property
    def only_at_jumps(self) -> bool:
        """Whether the network has units that jump as the target does, and is off by much nowhere else."""
        return self.jumps > 0 and self.error.rmse <= SELDOM * self.error.max

    def layers(self) -> list[int] | None:
        """Sizes of the layers of a multilayer perceptron, inputs first; None for another network."""
        return layer_sizes(self.model.network)

    def layer_rows(self) -> list[tuple[str, ...]]:
        """Rows of `summary`: a heading, one row for each layer, the total."""
        return layer_rows(self.model.network, len(self.names), self.model.dtype)

    def summary(self) -> str:
        """A table of the layers: name, kind, output size, parameters."""
        return as_text(self.layer_rows())

    def predict(self, points: Any) -> np.ndarray:
        """Values at points (n, d), or (n,) for one input -> (n,), or (n, k) for several outputs; float64.

        A fit of classes gives the likeliest class of each point, (n,); see `predict_proba`.
        Columns with names (a DataFrame, a dict, a structured array, a list of dicts) are taken by name, in any order.
        ShapeError for another number of columns, DataError for a missing one. Warns once when points lie outside the
        domain.
        """
        if (row := _one_row(points, len(self.problem.names))) is not None and (found := self._at(row)) is not None:
            return np.array(found if len(found) == 1 else [found])
        y = self._predict(self._points(points))
        if self.classified is not None:
            return self._labels(y)
        return y[:, 0] if y.shape[1] == 1 else y

    def _labels(self, y: np.ndarray) -> np.ndarray:
        """The classes of values (n, k). DataError: a value is NaN, of which no class can be told."""
        assert self.classified is not None
        if (odd := np.isnan(y).any(axis=1)).any():
            raise DataError(
                f"predict: the inputs of row {int(odd.argmax())} are missing or not finite, which tells no class "
                "(first row is 0); leave such rows out, or ask predict_proba, which gives NaN there"
            )
        return self.classified.labels(y)

    def predict_proba(self, points: Any) -> np.ndarray:
        """Probabilities (n, classes) at points (n, d), in the order of `classified.classes`.

        ArgumentError: it is no fit of classes.
        """
        if self.classified is None:
            raise ArgumentError("predict_proba: this fit has no classes; fit with task='classify'")
        return self.classified.probabilities(self._predict(self._points(points, "predict_proba")))

    def _at(self, values: Any) -> list[float] | None:
        """The k values at one point of d plain numbers, where nothing is left to check of them; else None."""
        return self._values().point(values) if self.classified is None and self._inside(values) else None

    def _inside(self, values: Any) -> bool:
        """Whether these are d plain numbers inside the domain, which holds no text: then they need no other check."""
        for value, (low, high) in zip(values, self.problem.domain.bounds, strict=True):
            if type(value) not in PLAIN or not low <= value <= high:
                return False
        return not self.problem.coding

    def _all_inside(self, x: np.ndarray) -> bool:
        """The same of rows (n, d) of floats; false for NaN."""
        if self.problem.coding or not len(x) or x.shape[1] != len(self.problem.names):
            return False
        for column, (low, high) in zip(x.T, self.problem.domain.bounds, strict=True):
            side_by_side = np.ascontiguousarray(column)
            if not (low <= side_by_side.min() and side_by_side.max() <= high):
                return False
        return True

    def _points(self, points: Any, what: str = "predict") -> np.ndarray:
        if type(points) is np.ndarray and points.ndim == 2 and points.dtype == np.float64 and self._all_inside(points):
            return points
        x = points_from(points, self.names, what, self.problem.coding)
        if self.domain.log.any() and (low := (x <= 0) & self.domain.log).any():
            row, column = np.argwhere(low)[0]
            raise DataError(
                f"{what}: {self.names[column]} is {x[row, column]:g} in row {row}, and a logarithmic input must be "
                "above 0 (first row is 0)"
            )
        if not self._warned and len(x) and len(beyond := self._beyond(x)):
            self._warned = True
            names = [self.names[i] for i in beyond]
            more = f" and {len(names) - LISTED} other inputs" if len(names) > LISTED else ""
            warn(
                f"points outside the domain {box_words(self.domain.select(names[:LISTED]))}{more}, "
                "where this fit was made: the values there mean nothing certain",
                OutsideWarning,
            )
        return x

    def _beyond(self, x: np.ndarray) -> np.ndarray:
        """The inputs that are outside the domain in some row; an angle of which it holds a whole turn never is."""
        low, high = self.domain.low, self.domain.high
        around = is_all_around(self.domain, self.problem.periods)
        return np.flatnonzero(np.any(((x < low) | (x > high)) & ~around | np.isnan(x), axis=0))

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self._values()(x)

    def _values(self) -> Inference:
        """The model, compiled where it can be."""
        found = self._inference
        if found is None or found.model is not self.model:
            found = self._inference = values_of(self.model)
        return found

    @property
    def inference(self) -> str:
        """How values are computed: "compiled, strict" (independent of the batch), or "NumPy: " and why."""
        self._predict(self.problem.domain.low[None, :])
        return self._values().how

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Values elementwise, one argument for each input by place or name: fit(0.5), fit(x1=0.5, x2=[1, 2]).

        The arguments broadcast against each other; the result has their shape, with a last axis for several outputs,
        and is a float for plain numbers. A fit of classes gives classes.
        """
        if not named and len(values) == len(self.problem.names) and (found := self._at(values)) is not None:
            return found[0] if len(found) == 1 else np.array(found)
        if len(values) == 1 and not named and isinstance(values[0], dict):
            named, values = dict(values[0]), values[1:]
        names = self.names
        if self.problem.coding:  # a column of texts is one argument, unless its numbers are named one by one
            raw = tuple(raw_names(names, self.problem.coding))
            names = raw if len(values) + len(named) == len(raw) and set(named) <= set(raw) else names
        if len(values) + len(named) != len(names) or set(named) - set(names[len(values) :]):
            by_name = f" and {', '.join(named)} by name" if named else ""
            raise ArgumentError(f"the fit takes {', '.join(names)}; got {len(values)} values by place{by_name}")
        columns = [*values, *(named[n] for n in names[len(values) :])]
        own = [unmasked(column) for column in columns]
        try:
            arrays = np.broadcast_arrays(*own)
        except ValueError:
            shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(names, own, strict=True))
            raise ShapeError(
                f"the arguments do not fit together: {shapes}; give one shape, or single numbers"
            ) from None
        shape = arrays[0].shape
        given: Any = {name: a.reshape(-1) for name, a in zip(names, arrays, strict=True)}
        if all(a.dtype.kind in "biuf" for a in arrays) and names == self.names:
            given = np.stack(list(given.values()), axis=1)
        y = self._predict(self._points(given))
        if self.classified is not None:
            return self._labels(y).reshape(shape)[()]
        k = len(self.outputs)
        y = y.reshape(shape if k == 1 else (*shape, k))
        return float(y) if y.ndim == 0 else y

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients at points (n, d) -> (n, d), or (n, k, d) for several outputs; of the model itself, exact.

        Of classes those of their probabilities, (n, classes, d).
        """
        row = _one_row(points, len(self.problem.names))
        x = self._points(points, "derivative") if row is None or not self._inside(row) else np.array([row], np.float64)
        j = self._values().gradients(x)  # (n, k, d)
        if self.classified is not None:
            return self.classified.gradients(self._predict(x), j)
        return j[:, 0] if len(self.outputs) == 1 else j


def _one_row(points: Any, d: int) -> Any:
    """The d numbers of one point that came as one row of a float64 array or list, None for everything else."""
    if type(points) is np.ndarray:
        one = points.shape == (1, d) and points.dtype == np.float64
        return points[0].tolist() if one else None
    if type(points) is list and len(points) == 1:
        row = points[0]
        return row if type(row) in (list, tuple) and len(row) == d else None
    return None


__all__ = ["OutsideWarning", "Predictions"]
