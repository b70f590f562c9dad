"""Gradients as data: where they come from, and their part of the loss (Sobolev training, Czarnecki and others 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit.checking import number_array
from surefit.core import ops
from surefit.core.creation import as_tensor
from surefit.core.functional import grad, vjp
from surefit.core.functions import isnan, stack
from surefit.core.ops import broadcast_to, logical_not, maximum, where
from surefit.core.tensor import Tensor, wrap
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.formulas import Formula
from surefit.sentences import Sentence, say
from surefit.spelling import spelled

Gradients = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> gradients (n, k, d)


class FormulaGradients:
    """The gradients of formulas of the same variables, by one reverse pass each; NaN where one is not finite."""

    def __init__(self, formulas: Sequence[Formula]) -> None:
        self.formulas = tuple(formulas)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        columns = [Tensor(column, np.float64) for column in x.T]
        places = tuple(range(len(columns)))
        rows = [grad(lambda *v, f=f: f(*v).sum(), places)(*columns) for f in self.formulas]
        return known(np.stack([np.stack([g.numpy() for g in row], axis=1) for row in rows], axis=1))


class CalledGradients:
    """Gradients given by a function of points that returns (n, k * d): those of the first output first."""

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], k: int) -> None:
        self.function, self.k = function, k

    def __call__(self, x: np.ndarray) -> np.ndarray:
        g, k = number_array("derivatives", self.function(x)), self.k
        if g.shape != (len(x), k * x.shape[1]):
            raise ShapeError(
                f"derivatives: for {len(x)} points the function returned shape {g.shape}; needed a gradient of "
                f"{x.shape[1]} numbers for {'each of ' + str(k) + ' outputs' if k > 1 else 'each point'}"
            )
        return known(g.reshape(len(x), k, x.shape[1]))


def row_gradients(given: Any, rows: int, k: int, d: int) -> np.ndarray:
    """Gradients given for the rows of a table, (rows, d) or (rows, k, d), as (rows, k, d). ShapeError otherwise."""
    g = number_array("derivatives", given)
    if g.ndim == 1 and d == k == 1:
        g = g[:, None]
    if g.ndim == 2 and k == 1:
        g = g[:, None]
    if g.shape != (rows, k, d):
        wanted = f"({rows}, {d})" if k == 1 else f"({rows}, {k}, {d})"
        raise ShapeError(f"derivatives: expected shape {wanted}, a gradient for each row, got {np.shape(given)}")
    return known(g)


def known(gradients: np.ndarray) -> np.ndarray:
    """Gradients with NaN for all that is not finite."""
    return np.where(np.isfinite(gradients), gradients, np.nan)


def notes(gradients: np.ndarray | None) -> tuple[Sentence, ...]:
    """What the card should say about unknown gradients. DataError when none is known."""
    if gradients is None:
        return ()
    missing = int(np.isnan(gradients).any(axis=(1, 2)).sum())
    if np.isnan(gradients).all():
        raise DataError(f"derivatives: no gradient is finite; leave {spelled('derivatives')} out")
    return (say("gradients-unknown", missing=missing, points=len(gradients)),) if missing else ()


def unlike(gradients: np.ndarray) -> np.ndarray:
    """The rows of gradients (n, k, d) whose outputs differ in which numbers are known."""
    there = ~np.isnan(gradients)
    return np.flatnonzero((there.all(axis=1) != there.any(axis=1)).any(axis=1))


def check_alike(gradients: np.ndarray) -> None:
    """ArgumentError for gradients that variable projection cannot fit: one row of features serves all outputs."""
    rows = unlike(gradients)
    if len(rows):
        raise ArgumentError(
            f"derivatives: at {len(rows)} of {len(gradients)} training points the gradient of one output is known and "
            f"that of another is not, which {spelled('method', repr('varpro'))} cannot fit; use 'lm', or make both "
            "unknown (NaN)"
        )


def refuse(derivatives: Any, what: str, cure: str) -> ArgumentError:
    """The error for derivatives given in a form that this kind of target cannot use."""
    return ArgumentError(f"derivatives={'True' if derivatives is True else '...'}: {what}; {cure}")


# --- the loss ---------------------------------------------------------------------------------------------------


def with_gradients(network: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """A network at x (n, d): what it gives (n, k), and the gradients by x (n, k, d), both differentiable. Records."""
    prediction, pull = vjp(network, x)
    n, k = prediction.shape
    basis = wrap(ops.cast(ops.mask(k, k, ops.eq), dtype=prediction.dtype))  # made where it is recorded, not an array
    return prediction, stack([pull(broadcast_to(basis[i], shape=(n, k)))[0] for i in range(k)], 1)


class GradientLoss:
    """Values and gradients in one loss: `values` of the predictions, plus weight * mean squared error of gradients.

    gradients: (n, k, d) in the units of the network, NaN where unknown.
    """

    def __init__(self, values: Callable[[Any, Any, Any], Any], weight: float) -> None:
        self.values, self.weight = values, weight

    def __call__(self, network: Callable[[Any], Any], x: Any, y: Any, gradients: Any, weights: Any = None) -> Any:
        """x (n, d), y (n, k), weights (n, 1) or None -> one number. Records, so that it compiles."""
        prediction, found = with_gradients(network, x)
        gradients = as_tensor(gradients)
        unknown = isnan(gradients)
        miss = where(unknown, 0.0, found - gradients)
        square = miss * miss
        if weights is not None:
            square = square * weights.reshape(-1, 1, 1)
        count = maximum(logical_not(unknown).to(gradients.dtype).sum(), 1.0)
        return self.values(prediction, y, weights) + square.sum() * self.weight / count


__all__ = [
    "CalledGradients",
    "FormulaGradients",
    "GradientLoss",
    "check_alike",
    "known",
    "notes",
    "refuse",
    "row_gradients",
    "unlike",
    "with_gradients",
]
