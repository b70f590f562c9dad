"""Scaling: the units in which a network computes, and the way there and back for inputs, outputs and gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from surefit.data.domain import logarithms
from surefit.problems.problem import Points, Problem

MANY = 1 << 20  # numbers of a table
LARGE = 1e100  # the squares of larger numbers, and of those below its reciprocal, may not be float64


@dataclass(frozen=True, eq=False)
class Scaling:
    """u = (x - x_shift) / x_scale of the inputs and v = (y - y_shift) / y_scale of the outputs, float64.

    Of inputs that are logarithmic (`log`) x is the logarithm, and of outputs that are (`y_log`) y.

    >>> scaling = Scaling(np.array([1.0]), np.array([2.0]), np.array([0.0]), np.array([10.0]))
    >>> scaling.inputs(np.array([[3.0]])).tolist(), scaling.unscaled_outputs(np.array([[0.5]])).tolist()
    ([[1.0]], [[5.0]])
    """

    x_shift: np.ndarray  # (d,)
    x_scale: np.ndarray  # (d,)
    y_shift: np.ndarray  # (k,)
    y_scale: np.ndarray  # (k,)
    log: np.ndarray | None = None  # (d,) bool: which inputs are logarithmic; None: no one
    y_log: bool = False  # whether the outputs are

    @classmethod
    def of(cls, problem: Problem) -> Scaling:
        """Inputs of a function: the domain to [-1, 1], or to as much about its `origin`; of a table: see `of_rows`.

        A constant column keeps its scale. It is computed once for a problem, of which nothing changes.
        """
        known: Scaling | None = vars(problem).get("_scaling")
        if known is None:
            known = cls._of(problem)
            object.__setattr__(problem, "_scaling", known)
        return known

    @classmethod
    def _of(cls, problem: Problem) -> Scaling:
        x, y = problem.train
        y = problem.coordinates(y)
        log = problem.domain.log if problem.domain.log.any() else None
        if problem.function is not None:
            low, high = (_coordinates(end, log) for end in (problem.domain.low, problem.domain.high))
            origin = low / 2 + high / 2 if problem.origin is None else problem.origin
            return cls(origin, (high - low) / 2, mean(y), spread(y), log, problem.log_target)
        found = replace(cls.of_rows(x, y, log), y_log=problem.log_target)
        if problem.weights is None or problem.weights.sum() <= 0:
            return found
        share = problem.weights / problem.weights.sum()  # a slip of the pen that counts little is no unit either
        level = share @ y
        size = np.sqrt(share @ (y - level) ** 2)
        return replace(found, y_shift=level, y_scale=np.where(size > 1e-12 * found.y_scale, size, found.y_scale))

    @classmethod
    def of_rows(cls, x: np.ndarray, y: np.ndarray, log: np.ndarray | None = None) -> Scaling:
        """Each column of x (n, d) and y (n, k) to mean 0 and deviation 1; a constant one keeps its scale."""
        x = _coordinates(x, log)
        return cls(mean(x), spread(x), mean(y), spread(y), log)

    @classmethod
    def none(cls, d: int, k: int, y_log: bool = False) -> Scaling:
        """All in its own units, or outputs as logarithms."""
        return cls(np.zeros(d), np.ones(d), np.zeros(k), np.ones(k), y_log=y_log)

    # --- to the units of the network ---

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Points (n, d)."""
        return (_coordinates(x, self.log) - self.x_shift) / self.x_scale

    def outputs(self, y: np.ndarray) -> np.ndarray:
        """Values (n, k)."""
        return (self._values(y) - self.y_shift) / self.y_scale

    def _values(self, y: np.ndarray) -> np.ndarray:
        if not self.y_log:
            return y
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(y)

    def rows(self, points: Points) -> Points:
        """Points (n, d) and their values (n, k)."""
        return self.inputs(points[0]), self.outputs(points[1])

    def gradients(self, g: np.ndarray, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Gradients (n, k, d) at points x (n, d), the derivatives by inputs of values y, (n, k) where they are log."""
        if self.y_log:
            assert y is not None
            g = g / y[:, :, None]  # dlog(y)/dx = dy/dx / y
        own = g if self.log is None else g * np.where(self.log, x, 1.0)[:, None, :]  # dy/dlog(x) = x dy/dx
        return own * self.x_scale / self.y_scale[:, None]

    def errors(self, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
        """By how much predictions (n, k) are off the values y."""
        if not self.y_log:
            return (predicted - y) / self.y_scale
        return self.outputs(predicted) - self.outputs(y)

    def rescaled(self, e: np.ndarray, other: Scaling) -> np.ndarray:
        """Differences (n, k) in the units of another scaling of the same outputs, which are in these."""
        return e * (self.y_scale / other.y_scale)

    # --- and back ---

    def unscaled_inputs(self, u: np.ndarray) -> np.ndarray:
        """Points (n, d)."""
        x = u * self.x_scale + self.x_shift
        return x if self.log is None else np.where(self.log, np.exp(np.where(self.log, x, 0.0)), x)

    def unscaled_outputs(self, v: np.ndarray) -> np.ndarray:
        """Values (n, k)."""
        y = v * self.y_scale + self.y_shift
        return np.exp(y) if self.y_log else y

    def unscaled_gradients(self, g: np.ndarray, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Gradients (n, k, d) at points x (n, d), of values y, (n, k) where they are logarithmic."""
        own = g / self.x_scale * self.y_scale[:, None]
        if self.y_log:
            assert y is not None
            own = own * y[:, :, None]
        return own if self.log is None else own / np.where(self.log, x, 1.0)[:, None, :]

    def unscaled_errors(self, e: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Prediction minus value, where the values are y (n, k)."""
        e = e * self.y_scale
        with np.errstate(over="ignore"):
            return y * np.expm1(e) if self.y_log else e

    def value_unit(self, size: float) -> float:
        """What one unit of the network is worth at most, in the units of the target; size: the largest |value|."""
        return float(self.y_scale.max()) * (size if self.y_log else 1.0)


class Places:
    """Points (n, d) in the units of a network, each scaled when it is asked for: of many rows few are."""

    def __init__(self, scaling: Scaling, x: np.ndarray) -> None:
        self.scaling, self.x = scaling, x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.scaling.inputs(self.x[rows])


Rows: TypeAlias = np.ndarray | Places  # points (n, d) in the units of a network


def _coordinates(x: np.ndarray, log: np.ndarray | None) -> np.ndarray:
    return x if log is None else logarithms(x, log)


def mean(columns: np.ndarray) -> np.ndarray:
    """The mean of each column, of numbers of any size."""
    size = _size(columns)
    return (columns / size).mean(axis=0) * size if size.max() > LARGE else columns.mean(axis=0)


def spread(columns: np.ndarray) -> np.ndarray:
    """The deviation of each column; of one that is constant but for rounding its size, or 1."""
    size = _largest(columns)
    flat = columns.max(axis=0) / 2 - columns.min(axis=0) / 2 <= 2 * np.finfo(np.float64).eps * size
    unit = _size(columns)
    extreme = (unit > LARGE) | (unit < 1 / LARGE)
    unit = np.where(extreme, unit, 1.0)
    if columns.size > MANY:  # one after the other, or the copies would be larger than the table
        deviation = np.array([(column / one).std() for column, one in zip(columns.T, unit, strict=True)])
    else:
        deviation = (columns / unit).std(axis=0)
    return np.where(flat, np.where(size > 0, size, 1.0), deviation * unit)


def _size(columns: np.ndarray) -> np.ndarray:
    """The largest size in each column, 1 where all are 0."""
    size = _largest(columns)
    return np.where(size > 0, size, 1.0)


def _largest(columns: np.ndarray) -> np.ndarray:
    """The largest size in each column."""
    return np.maximum(columns.max(axis=0), -columns.min(axis=0))


__all__ = ["Places", "Rows", "Scaling", "mean", "spread"]
