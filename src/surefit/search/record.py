"""The record of a fit: the best candidate, how it came about, and how good it is. All readings take a record."""

from __future__ import annotations

import copy
import pickle
import warnings as python_warnings
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit._version import __version__
from surefit.core.tensor import Tensor, no_grad
from surefit.data import Domain, box_words, points_from, raw_names
from surefit.errors import ArgumentError, DataError
from surefit.models.inference import Inference, values_of
from surefit.models.observed import observed
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.classes import Classified
from surefit.search.judging import Measured
from surefit.search.teacher import Taught
from surefit.search.timings import Timings
from surefit.sentences import Sentence

if TYPE_CHECKING:
    from surefit.bounds.certificate import Certificate
    from surefit.bounds.minlink import Construction
    from surefit.view.animation import Film

LISTED = 6  # inputs in a warning
PLAIN = (float, int, np.float64)  # what a number of one point mostly is


class OutsideWarning(UserWarning):
    """A fit is asked for values outside the domain it was made on."""


@dataclass(frozen=True)
class Trained:
    """Made by one first-order method, epoch by epoch. settings: of the method, with its choices filled in."""

    settings: dict[str, Any]
    unit = "epoch"
    solved = False


@dataclass(frozen=True)
class Solved:
    """Made by a solver or the automatic choice. stage: the attempt that was kept; choice: what was tried, in order.

    details: what is known of the network: solver, units, steepness, magnitude. rounded: to float32 afterwards.
    """

    settings: dict[str, Any]
    stage: Sentence
    choice: tuple[Sentence, ...] | None = None  # None: the method was named
    details: dict[str, Any] = field(default_factory=dict)
    rounded: bool = False
    unit = "iteration"
    solved = True


Made = Trained | Solved


@dataclass
class Record:
    """A fitted network and how it came about.

    Attributes:
        names, outputs, domain: of the inputs and outputs, and where it was fitted.
        model: the network with its scaling, points (n, d) -> (n, k), a Module. network: the part inside.
        made: `Trained` by a first-order method or `Solved`. method: its settings as plain data.
        history: one dict an epoch (epoch, train_loss, validation_loss, lr, seconds), losses in scaled units.
        error: `Measured` on fresh points. tol, reached: the tolerance asked for and whether error.max is within it.
        stop_reason: a sentence. interrupted: by Ctrl-C. warnings: sentences. steps, seconds, seed, dtype.
        score: what it was chosen by among candidates and restarts, the less the better.
        problem: the data and the function it was made from, as far as they are known.
        compile_seconds: part of `seconds` that went into compiling; None: trained without the compiler.
        restarts: the scores of all networks of which this one was the best, where there were several.
        call: the arguments that `fit` was called with as Python text, None where an argument has no text.
        environment: versions and machine of the training. film: its frames, if a `Snapshots` callback took some.
        taught: the teacher that the network learned from, if it did, its estimated error and how near the network is.
        classified: of a fit of classes: how values become probabilities, and how good that is.
        left_out: (n, k), in the units of the network: errors at the training rows of measured data, each left out in
            turn, if known.
        extra: plain data that other readings keep with the fit, by name, such as the reference of a certificate.
        config: the run.toml beside a model that was loaded from its directory.
        certificate: what `Fit.certify` proved last; `proved` is it while the model is the one it speaks of.
    """

    problem: Problem
    model: Scaled
    made: Made
    error: Measured
    history: list[dict[str, Any]]
    stop_reason: Sentence
    seed: int
    steps: int
    seconds: float
    tol: float | None = None
    interrupted: bool = False
    best_epoch: int | None = None
    warnings: list[str] = field(default_factory=list)
    score: float = float("nan")
    version: str = __version__
    call: dict[str, str | None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    film: Film | None = None
    config: str | None = None
    compile_seconds: float | None = None
    restarts: list[float] = field(default_factory=list)
    taught: Taught | None = None
    classified: Classified | None = None
    left_out: np.ndarray | None = field(default=None, repr=False, compare=False)
    certificate: Certificate | None = field(default=None, compare=False)
    extra: dict[str, Any] = field(default_factory=dict)
    _warned: bool = field(default=False, repr=False)
    _ensembles: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)  # by number of members
    _inference: Inference | None = field(default=None, init=False, repr=False, compare=False)  # of the model, at hand

    # --- copies ---

    def __getstate__(self) -> dict[str, Any]:
        """For pickle. A callable that cannot be pickled (a lambda, say) stays behind, as it does in a model file."""
        problem = self.problem
        if not (_pickles(problem.function) and _pickles(problem.slope_function)):
            problem = replace(problem, function=None, slope_function=None)
        return vars(self) | {"problem": problem, "_inference": None}

    def __copy__(self) -> Any:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = memo[id(self)] = object.__new__(type(self))
        vars(twin).update(copy.deepcopy(vars(self) | {"_inference": None}, memo))
        return twin

    # --- what it is ---

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
    def network(self) -> Any:
        """The network inside the scaling, a Module."""
        return self.model.network

    @property
    def dtype(self) -> np.dtype:
        """What the network computes in."""
        return self.model.dtype

    @property
    def reached(self) -> bool | None:
        """Whether the measured error is within tol; None when no tolerance was asked for."""
        return None if self.tol is None else bool(self.error.max <= self.tol)

    @property
    def proved(self) -> Certificate | None:
        """The certificate of this very model; None where nothing was proved, or the model has changed since."""
        if self.certificate is None:
            return None
        from surefit.bounds.certificate import fingerprint
        from surefit.bounds.proving import program_of

        same = fingerprint(program_of(self.model, len(self.names))) == self.certificate.model
        return self.certificate if same else None

    @property
    def timings(self) -> Timings:
        """Where the seconds went, by phase; empty where a file does not tell."""
        return Timings(self.extra.get("timings"))

    @property
    def construction(self) -> Construction | None:
        """How the network was constructed, and the proof that none has fewer hinges; None where it was trained."""
        from surefit.bounds.minlink import Construction

        data = self.extra.get("construction")
        return None if data is None else Construction.from_dict(data)

    @property
    def target(self) -> str:
        """What was fitted, in words."""
        source = self.problem.source
        if source["kind"] == "formula":
            return "; ".join(source["text"])
        if source["kind"] == "table":
            return f"{source['name']} ({source['rows']} rows)"
        return f"{source['name']}()"

    # --- values ---

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
            return self.classified.labels(y)
        return y[:, 0] if y.shape[1] == 1 else y

    def predict_proba(self, points: Any) -> np.ndarray:
        """Probabilities (n, classes) at points (n, d), in the order of `classified.classes`.

        ArgumentError: it is no fit of classes.
        """
        if self.classified is None:
            raise ArgumentError("predict_proba: this fit has no classes; fit with task='classify'")
        return self.classified.probabilities(self._predict(self._points(points)))

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

    def _points(self, points: Any) -> np.ndarray:
        if type(points) is np.ndarray and points.ndim == 2 and points.dtype == np.float64 and self._all_inside(points):
            return points
        x = points_from(points, self.names, coding=self.problem.coding)
        if self.domain.log.any() and (low := (x <= 0) & self.domain.log).any():
            row, column = np.argwhere(low)[0]
            raise DataError(
                f"predict: {self.names[column]} is {x[row, column]:g} in row {row}, and a logarithmic input must be "
                "above 0 (first row is 0)"
            )
        if not self._warned and len(x) and not self.domain.contains(x).all():
            self._warned = True
            low, high = self.domain.low, self.domain.high
            beyond = np.flatnonzero(np.any((x < low) | (x > high) | np.isnan(x), axis=0))
            names = [self.names[i] for i in beyond]
            more = f" and {len(names) - LISTED} other inputs" if len(names) > LISTED else ""
            python_warnings.warn(
                f"points outside the domain {box_words(self.domain.select(names[:LISTED]))}{more}, "
                "where this fit was made: the values there mean nothing certain",
                OutsideWarning,
                stacklevel=3,
            )
        return x

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
            own = tuple(raw_names(names, self.problem.coding))
            names = own if len(values) + len(named) == len(own) and set(named) <= set(own) else names
        if len(values) + len(named) != len(names) or set(named) - set(names[len(values) :]):
            by_name = f" and {', '.join(named)} by name" if named else ""
            raise ArgumentError(f"the fit takes {', '.join(names)}; got {len(values)} values by place{by_name}")
        columns = [*values, *(named[n] for n in names[len(values) :])]
        arrays = np.broadcast_arrays(*map(np.asarray, columns))
        shape = arrays[0].shape
        given: Any = {name: a.reshape(-1) for name, a in zip(names, arrays, strict=True)}
        if all(a.dtype.kind in "biuf" for a in arrays) and names == self.names:
            given = np.stack(list(given.values()), axis=1)
        y = self._predict(self._points(given))
        if self.classified is not None:
            return self.classified.labels(y).reshape(shape)[()]
        k = len(self.outputs)
        y = y.reshape(shape if k == 1 else (*shape, k))
        return float(y) if y.ndim == 0 else y

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients at points (n, d) -> (n, d), or (n, k, d) for several outputs; of the model itself, exact."""
        row = _one_row(points, len(self.problem.names))
        x = self._points(points) if row is None or not self._inside(row) else np.array([row], np.float64)
        j = self._values().slopes(x)  # (n, k, d)
        return j[:, 0] if len(self.outputs) == 1 else j

    @property
    def method(self) -> dict[str, Any]:
        """The settings of the method as plain data, and what came of it."""
        made = self.made
        if isinstance(made, Trained):
            return dict(made.settings)
        named = made.settings | {"loss": "mse", "scale": True, "best_weights": True, "stage": str(made.stage)}
        named |= made.details
        if made.choice is not None:
            named["choice"] = [str(sentence) for sentence in made.choice]
        return named | {"rounded": made.rounded}

    def layers(self) -> list[int] | None:
        """Sizes of the layers of a multilayer perceptron, inputs first; None for another network."""
        linear = [m for m in self.network.modules() if isinstance(m, nn.Linear)]
        chain = all(a.out_features == b.in_features for a, b in pairwise(linear))
        others = any(isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Residual, nn.Embedding)) for m in self.network.modules())
        if not linear or not chain or others:
            return None
        return [linear[0].in_features, *(m.out_features for m in linear)]

    def layer_rows(self) -> list[tuple[str, ...]]:
        """Rows of `summary`: a heading, one row for each layer, the total."""
        d = len(self.names)
        with observed(self.network) as seen, no_grad():
            self.network(Tensor(np.zeros((1, d)), self.dtype))
        rows = [("layer", "kind", "output", "parameters")]
        for s in seen:
            own = sum(p.numel() for p in s.module.parameters())
            rows.append((s.name or "network", type(s.module).__name__, str(tuple(s.output.shape[1:])), f"{own}"))
        return [*rows, ("total", "", "", f"{self.network.num_parameters()}")]

    def summary(self) -> str:
        """A table of the layers: name, kind, output size, parameters."""
        rows = self.layer_rows()
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = [
            "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _one_row(points: Any, d: int) -> Any:
    """The d numbers of one point that came as one row of a float64 array or list, None for everything else."""
    if type(points) is np.ndarray:
        one = points.shape == (1, d) and points.dtype == np.float64
        return points[0].tolist() if one else None
    if type(points) is list and len(points) == 1:
        row = points[0]
        return row if type(row) in (list, tuple) and len(row) == d else None
    return None


def _pickles(function: Any) -> bool:
    """Whether a function goes into a pickle."""
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, TypeError, AttributeError):
        return False
    return True


__all__ = ["Made", "OutsideWarning", "Record", "Solved", "Trained"]
