"""A network in its own units, between the scaling of its inputs and the unscaling of its outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.problems.problem import Points, Problem
from surefit.problems.scaling import Scaling


class Scaled(nn.Module):
    """A network between a scaling of its inputs and the unscaling of its outputs: (x - shift) / scale and back.

    Of inputs that are logarithmic (x_log is 1) x is the logarithm; without any there is no such buffer. With `y_log`
    that of the outputs is scaled, and the last step is the exponential.
    Scales are buffers in float64, so that large offsets cost no accuracy; the network computes in its own dtype.
    """

    def __init__(
        self, network: nn.Module, x_shift: Any, x_scale: Any, y_shift: Any, y_scale: Any, dtype: Any, x_log: Any = None,
        y_log: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.network: nn.Module = network
        self.dtype = ops.dtype_of(dtype)
        for name, value in (("x_shift", x_shift), ("x_scale", x_scale), ("y_shift", y_shift), ("y_scale", y_scale)):
            self.register_buffer(name, np.array(value, np.float64))
        self.has_log = x_log is not None and bool(np.any(x_log))
        if self.has_log:
            self.register_buffer("x_log", np.array(x_log, np.float64))
        self.y_log = bool(y_log)

    def inputs(self, x: Any) -> Any:
        """Points in the units of the network."""
        if self.has_log:  # a factor of 0 or 1, so that it is the same arithmetic for all inputs
            x = ops.log(x * self.x_log + (1.0 - self.x_log)) + x * (1.0 - self.x_log)
        return ops.cast((x - self.x_shift) / self.x_scale, dtype=self.dtype)

    @property
    def scaling(self) -> Scaling:
        """The scaling as arrays."""
        log = self.x_log.numpy() > 0 if self.has_log else None
        shifts = (self.x_shift.numpy(), self.x_scale.numpy(), self.y_shift.numpy(), self.y_scale.numpy())
        return Scaling(*shifts, log, self.y_log)

    def rows(self, points: Points) -> Points:
        """Points (n, d) and values (n, k) in the units of the network, float64."""
        return self.scaling.rows(points)

    def gradients(self, gradients: np.ndarray, points: Points) -> np.ndarray:
        """Gradients (n, k, d) at points (n, d) with their values (n, k), in the units of the network, float64."""
        return self.scaling.gradients(gradients, *points)

    def value_unit(self, problem: Problem) -> float:
        """What one unit of the network is worth at most in the units of the target."""
        return self.scaling.value_unit(float(np.abs(problem.train[1]).max()))

    def forward(self, x: Any) -> Any:
        y = ops.cast(self.network(self.inputs(x)), dtype=ops.float64) * self.y_scale + self.y_shift
        return ops.exp(y) if self.y_log else y


def scaled(network: nn.Module, problem: Problem, scale: bool, dtype: Any) -> Scaled:
    """The network with the scaling of this problem around it (none when scale is False)."""
    s = Scaling.of(problem) if scale else Scaling.none(len(problem.names), len(problem.outputs), problem.log_target)
    return Scaled(network, s.x_shift, s.x_scale, s.y_shift, s.y_scale, dtype, s.log, s.y_log)


__all__ = ["Scaled", "scaled"]
