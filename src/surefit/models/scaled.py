"""A network in its own units, between the scaling of its inputs and the unscaling of its outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.problems.problem import Points, Problem


class Scaled(nn.Module):
    """A network between a scaling of its inputs and the unscaling of its outputs: (x - shift) / scale and back.

    Scales are buffers in float64, so that large offsets cost no accuracy; the network computes in its own dtype.
    """

    def __init__(self, network: nn.Module, x_shift: Any, x_scale: Any, y_shift: Any, y_scale: Any, dtype: Any) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.dtype = ops.dtype_of(dtype)
        for name, value in (("x_shift", x_shift), ("x_scale", x_scale), ("y_shift", y_shift), ("y_scale", y_scale)):
            self.register_buffer(name, np.array(value, np.float64))

    def inputs(self, x: Any) -> Any:
        """Points in the units of the network."""
        return ops.cast((x - self.x_shift) / self.x_scale, dtype=self.dtype)

    def rows(self, points: Points) -> Points:
        """Points (n, d) and values (n, k) in the units of the network, float64."""
        x, y = points
        u = (x - self.x_shift.numpy()) / self.x_scale.numpy()
        return u, (y - self.y_shift.numpy()) / self.y_scale.numpy()

    def gradients(self, gradients: np.ndarray) -> np.ndarray:
        """Gradients (n, k, d) in the units of the network, float64."""
        return gradients * self.x_scale.numpy() / self.y_scale.numpy()[:, None]

    def forward(self, x: Any) -> Any:
        return ops.cast(self.network(self.inputs(x)), dtype=ops.float64) * self.y_scale + self.y_shift


def scaled(network: nn.Module, problem: Problem, scale: bool, dtype: Any) -> Scaled:
    """The network with the scaling of this problem around it (none when scale is False).

    Inputs of a function: the domain to [-1, 1]; of a table: each column to mean 0 and deviation 1. Outputs: mean 0 and
    deviation 1. A constant column keeps its scale.
    """
    d, k = len(problem.names), len(problem.outputs)
    if not scale:
        return Scaled(network, np.zeros(d), np.ones(d), np.zeros(k), np.ones(k), dtype)
    x, y = problem.train
    if problem.function is not None:
        x_shift = (problem.domain.low + problem.domain.high) / 2
        x_scale = (problem.domain.high - problem.domain.low) / 2
    else:
        x_shift, x_scale = x.mean(axis=0), spread(x)
    return Scaled(network, x_shift, x_scale, y.mean(axis=0), spread(y), dtype)


def spread(columns: np.ndarray) -> np.ndarray:
    """The deviation of each column; of one that is constant but for rounding its size, or 1."""
    size = np.abs(columns).max(axis=0)
    flat = np.ptp(columns, axis=0) <= 4 * np.finfo(np.float64).eps * size
    return np.where(flat, np.where(size > 0, size, 1.0), columns.std(axis=0))


__all__ = ["Scaled", "scaled", "spread"]
