"""What scikit-learn's parameters are in surefit: a method, a network, and how the rows are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.methods import METHODS, Additive, FirstOrder, Method, Polynomial, Solver, nearest
from surefit.data import Sampling, Table
from surefit.errors import ArgumentError, DataError
from surefit.keywords import cure_of
from surefit.models.spec import MLPSpec

ACTIVATIONS: dict[str, Any] = {"logistic": "sigmoid", "identity": nn.Identity()}  # scikit-learn's word and ours
SCHEDULES = {"adaptive": "plateau"}
COUNTED = ("epochs", "iterations", "evaluations")  # what `max_iter` counts, by method
RIDGES = ("ridge", "weight_decay")  # what `alpha` is
PARAMETERS = {  # of an estimator, by what they are in a method
    "lr": "learning_rate_init", "batch_size": "batch_size", "schedule": "learning_rate", "patience": "n_iter_no_change",
    **dict.fromkeys(COUNTED, "max_iter"), **dict.fromkeys(RIDGES, "alpha"),
}  # fmt: skip
FIT_NAMES = {  # of `surefit.fit`, by what they are here
    "model": "hidden_layer_sizes", "hidden": "hidden_layer_sizes", "method": "solver", "time": "max_time",
    "seed": "random_state", "monotone": "monotonic_cst",
}  # fmt: skip


def cure_of_parameter(name: str, known: Sequence[str]) -> str:
    """What to write instead of a parameter of this name, which may be that of `surefit.fit` or of a method.

    >>> cure_of_parameter("method", ["solver", "alpha"]), cure_of_parameter("alhpa", ["solver", "alpha"])
    ('did you mean solver?', 'did you mean alpha?')
    """
    meant = (FIT_NAMES | PARAMETERS).get(name)
    return f"did you mean {meant}?" if meant in known else cure_of(name, known)


def method_of(estimator: Any) -> Method:
    """The method of an estimator: its `solver` with those of its parameters that this one has."""
    solver = estimator.solver
    if isinstance(solver, (FirstOrder, Solver)):
        return solver
    kind = METHODS.get(solver.lower()) if isinstance(solver, str) else None
    if kind is None:
        raise ArgumentError(f"solver={solver!r} is unknown; {nearest(solver, METHODS)}")
    known = {f.name for f in fields(kind)}
    given = {
        "lr": estimator.learning_rate_init,
        "batch_size": None if estimator.batch_size == "auto" else estimator.batch_size,
        "schedule": SCHEDULES.get(estimator.learning_rate, estimator.learning_rate),
        "patience": estimator.n_iter_no_change if estimator.early_stopping else None,
    }
    given |= dict.fromkeys(COUNTED, estimator.max_iter) | dict.fromkeys(RIDGES, estimator.alpha)
    chosen = {k: v for k, v in given.items() if k in known and v is not None}
    with _named(estimator, chosen):
        return kind(**chosen)


@contextmanager
def _named(estimator: Any, chosen: Mapping[str, Any]) -> Iterator[None]:
    """An error about a setting of a method names the parameter of the estimator, which is what the user gave."""
    try:
        yield
    except ArgumentError as e:
        said = str(e)
        for setting, value in chosen.items():
            if f"{setting}={value!r}" in said and (name := PARAMETERS.get(setting)) is not None:
                given = getattr(estimator, name)
                raise ArgumentError(f"{name}={given!r} {_end(said)}") from None
        raise


def _end(said: str) -> str:
    """What an error says after its argument and value."""
    for words in (" must be ", " is unknown; "):
        if words in said:
            return said[said.index(words) + 1 :]
    return said


def model_of(estimator: Any) -> MLPSpec | None:
    """The network of an estimator; None: what suits the method."""
    widths, activation = estimator.hidden_layer_sizes, estimator.activation
    solver = estimator.solver
    kind = METHODS.get(solver.lower()) if isinstance(solver, str) else type(solver)
    if kind is not None and issubclass(kind, (Polynomial, Additive)):
        return None  # which make their own network: in a grid of solvers they have no use for widths
    if widths is None:
        if activation != "auto":
            raise ArgumentError(
                f"activation={activation!r} is that of a network of given widths; give hidden_layer_sizes too, such as "
                "(64, 64)"
            )
        return None
    widths = np.atleast_1d(np.asarray(widths, dtype=object)).tolist()
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in widths):
        raise ArgumentError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r} must be a whole number >= 1, or several such as "
            "(64, 64)"
        )
    return MLPSpec(tuple(map(int, widths)), ACTIVATIONS.get(activation, activation))


def is_incremental(estimator: Any) -> bool:
    """Whether an estimator can learn batch after batch: with a first-order method. AttributeError otherwise."""
    solver = estimator.solver
    kind = METHODS.get(solver.lower()) if isinstance(solver, str) else type(solver)
    if kind is None or not issubclass(kind, FirstOrder):
        raise AttributeError(
            f"partial_fit needs a method that learns batch after batch, such as solver='adam'; {solver!r} solves for "
            "all rows at once"
        )
    return True


def distinct(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The rows that differ, in an order of their own, with the sum of their weights; None: all weigh the same.

    So a weight is a number of repetitions, a weight of zero no row, and neither the order of the rows nor the way in
    which repetitions are told changes a fit.
    """
    if (weight < 0).any():
        raise ArgumentError("sample_weight: must be >= 0")
    used = weight > 0
    if not used.any():
        raise ArgumentError("sample_weight: all weights are zero; give at least two rows a weight > 0")
    rows, place = np.unique(np.concatenate([x, y], axis=1)[used], axis=0, return_inverse=True)
    total = np.bincount(place.reshape(-1), weights=weight[used], minlength=len(rows))
    return rows[:, : x.shape[1]], rows[:, x.shape[1] :], None if np.ptp(total) == 0 else total


def table_of(names: Any, x: np.ndarray, outputs: list[str], y: np.ndarray) -> Table:
    """The rows as a table with the names of the features; x1, x2, ... where they have none, or some that clash."""
    plain = [f"x{i + 1}" for i in range(x.shape[1])]
    values = np.concatenate([x, y], axis=1)
    try:
        return Table([*(plain if names is None else names), *outputs], values, outputs)
    except DataError:
        if names is None:
            raise
        return Table([*plain, *outputs], values, outputs)


def sampling_of(estimator: Any, rows: int, weight: np.ndarray | None) -> Sampling:
    """How so many rows are used: all to train on, or a part, at least one, to validate if it shall stop early."""
    share = estimator.validation_fraction
    if not isinstance(estimator.early_stopping, (bool, np.bool_)):
        raise ArgumentError(f"early_stopping={estimator.early_stopping!r} must be True or False")
    if estimator.early_stopping and not (isinstance(share, (int, float)) and 0 < share < 1):
        raise ArgumentError(f"validation_fraction={share!r} must be a number between 0 and 1")
    validation = max(1, round(rows * share)) / rows if estimator.early_stopping else 0.0
    split = (1.0 - validation, validation, 0.0)
    return Sampling(split=split, weights=weight)


__all__ = ["cure_of_parameter", "distinct", "is_incremental", "method_of", "model_of", "sampling_of", "table_of"]
