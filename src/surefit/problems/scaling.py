"""Scaling: the units in which a network computes, and the way there and back for inputs, outputs and gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surefit.problems.problem import Points, Problem

LARGE = 1e100  # the squares of larger numbers, and of those below its reciprocal, may not be float64


@dataclass(frozen=True, eq=False)
class Scaling:
    """u = (x - x_shift) / x_scale of the inputs and v = (y - y_shift) / y_scale of the outputs, float64.

    >>> scaling = Scaling(np.array([1.0]), np.array([2.0]), np.array([0.0]), np.array([10.0]))
    >>> scaling.inputs(np.array([[3.0]])).tolist(), scaling.unscaled_outputs(np.array([[0.5]])).tolist()
    ([[1.0]], [[5.0]])
    """

    x_shift: np.ndarray  # (d,)
    x_scale: np.ndarray  # (d,)
    y_shift: np.ndarray  # (k,)
    y_scale: np.ndarray  # (k,)

    @classmethod
    def of(cls, problem: Problem) -> Scaling:
        """Inputs of a function: the domain to [-1, 1]; of a table: each column to mean 0 and deviation 1, as outputs.

        A constant column keeps its scale.
        """
        x, y = problem.train
        if problem.function is not None:
            low, high = problem.domain.low, problem.domain.high
            return cls(low / 2 + high / 2, (high - low) / 2, mean(y), spread(y))
        return cls.of_rows(x, y)

    @classmethod
    def of_rows(cls, x: np.ndarray, y: np.ndarray) -> Scaling:
        """Each column of x (n, d) and y (n, k) to mean 0 and deviation 1; a constant one keeps its scale."""
        return cls(mean(x), spread(x), mean(y), spread(y))

    @classmethod
    def none(cls, d: int, k: int) -> Scaling:
        """All in its own units."""
        return cls(np.zeros(d), np.ones(d), np.zeros(k), np.ones(k))

    # --- to the units of the network ---

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Points (n, d)."""
        return (x - self.x_shift) / self.x_scale

    def outputs(self, y: np.ndarray) -> np.ndarray:
        """Values (n, k)."""
        return (y - self.y_shift) / self.y_scale

    def rows(self, points: Points) -> Points:
        """Points (n, d) and their values (n, k)."""
        return self.inputs(points[0]), self.outputs(points[1])

    def gradients(self, g: np.ndarray) -> np.ndarray:
        """Gradients (n, k, d), the derivatives of values by inputs."""
        return g * self.x_scale / self.y_scale[:, None]

    def errors(self, e: np.ndarray) -> np.ndarray:
        """Differences of values (n, k), which no shift changes."""
        return e / self.y_scale

    # --- and back ---

    def unscaled_inputs(self, u: np.ndarray) -> np.ndarray:
        """Points (n, d)."""
        return u * self.x_scale + self.x_shift

    def unscaled_outputs(self, v: np.ndarray) -> np.ndarray:
        """Values (n, k)."""
        return v * self.y_scale + self.y_shift

    def unscaled_gradients(self, g: np.ndarray) -> np.ndarray:
        """Gradients (n, k, d)."""
        return g / self.x_scale * self.y_scale[:, None]

    def unscaled_errors(self, e: np.ndarray) -> np.ndarray:
        """Differences of values (n, k)."""
        return e * self.y_scale


def mean(columns: np.ndarray) -> np.ndarray:
    """The mean of each column, of numbers of any size."""
    size = _size(columns)
    return (columns / size).mean(axis=0) * size if size.max() > LARGE else columns.mean(axis=0)


def spread(columns: np.ndarray) -> np.ndarray:
    """The deviation of each column; of one that is constant but for rounding its size, or 1."""
    size = np.abs(columns).max(axis=0)
    flat = np.ptp(columns / 2, axis=0) <= 2 * np.finfo(np.float64).eps * size
    unit = _size(columns)
    extreme = (unit > LARGE) | (unit < 1 / LARGE)
    unit = np.where(extreme, unit, 1.0)
    return np.where(flat, np.where(size > 0, size, 1.0), (columns / unit).std(axis=0) * unit)


def _size(columns: np.ndarray) -> np.ndarray:
    """The largest size in each column, 1 where all are 0."""
    size = np.abs(columns).max(axis=0)
    return np.where(size > 0, size, 1.0)


__all__ = ["Scaling", "mean", "spread"]
