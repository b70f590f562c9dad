"""Networks for tables: perceptrons side by side, each with a scale and periodic features of each input, and their mean.

The architecture is that of RealMLP (Holzmüller, Grinsztajn and Steinwart 2024, Better by default, arXiv 2407.04491):
inputs with the median at 0 and the quartiles 1 apart, smoothly bounded; a learned scale for each input; periodic
features; weights of size 1 divided by the root of the fan-in (neural tangent parametrisation); Mish. The members stand
side by side in arrays with one more axis, as in TabM (Gorishniy et al. 2024, arXiv 2410.24210), so that one program
evaluates all of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import functions as F
from surefit.core import ops
from surefit.models.rising import rising, start_of
from surefit.models.scaled import Scaled

EMBEDDED = 3  # numbers that the periodic features of an input become, beside the input itself
SIGMAS = (0.1, 0.5)  # frequencies of the periodic features, in turn from member to member
FASTER, SLOWER = 6.0, 0.1  # how fast scales of inputs, and biases and frequencies, learn beside weights
BOUND = 3.0  # quartile distances that inputs are bounded by


class Members(nn.Module):
    """The mean of `members` networks with two hidden layers, bounded by the values that were seen.

    x: (n, d) rows in the units of the network, whose medians and quartiles are taken. low, high: (k,) bounds of the
    outputs. periods: periodic features of each input, 0 for none. units: 0 for linear functions of the inputs. rising:
    where the outputs, which rise from one to the next, begin. `each` gives the networks one by one.
    """

    def __init__(
        self, x: np.ndarray, low: np.ndarray, high: np.ndarray, members: int, units: int, periods: int,
        generator: np.random.Generator, rising: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        periods = periods if units else 0
        d, k, m = x.shape[1], len(low), members
        self.members, self.inputs, self.outputs, self.periods = m, d, k, periods
        middle = np.median(x, axis=0)
        quartiles = np.quantile(x, 0.75, axis=0) - np.quantile(x, 0.25, axis=0)
        whole = np.ptp(x, axis=0)
        size = np.where(quartiles > 0, quartiles, whole / 2)
        for name, value in (("middle", middle), ("rate", np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0)),
                            ("low", low), ("high", high)):  # fmt: skip
            self.register_buffer(name, np.asarray(value, np.float32))

        def parameter(*shape: int, value: float | None = None, deviation: float = 1.0) -> nn.Parameter:
            drawn = generator.standard_normal(shape) * deviation if value is None else np.full(shape, value)
            return nn.Parameter(np.asarray(drawn, np.float32))

        self.gain = parameter(m, d, 1, 1, value=1.0 / FASTER)
        if periods:
            sigma = np.resize(np.array(SIGMAS), m)[:, None, None, None] * 2.0 * math.pi / SLOWER
            frequencies = generator.standard_normal((m, d, 1, periods)) * sigma
            phases = generator.uniform(-math.pi, math.pi, (m, d, 1, periods)) / SLOWER
            self.frequencies = nn.Parameter(np.asarray(frequencies, np.float32))
            self.phases = nn.Parameter(np.asarray(phases, np.float32))
            self.embedding = parameter(m, d, periods, EMBEDDED, deviation=1.0 / SLOWER)
            self.shift = parameter(m, d, 1, EMBEDDED, value=0.0)
        width = d * (1 + EMBEDDED) if periods else d
        self.hidden = bool(units)
        if units:
            self.weight1, self.bias1 = parameter(m, width, units), parameter(m, 1, units, deviation=1.0 / SLOWER)
            self.weight2, self.bias2 = parameter(m, units, units), parameter(m, 1, units, deviation=1.0 / SLOWER)
        self.weight3, self.bias3 = parameter(m, units or width, k, value=0.0), parameter(m, 1, k, value=0.0)
        self.ordered = rising is not None and k > 1
        if rising is not None:
            start = np.broadcast_to(start_of(rising) / SLOWER, (m, 1, k))
            self.bias3.assign(np.ascontiguousarray(start, np.float32))
        if self.ordered:
            self.register_buffer("sums", np.triu(np.ones((k, k), np.float32)))

    @property
    def weights(self) -> list[nn.Parameter]:
        """The weights that decay."""
        return [self.weight1, self.weight2, self.weight3] if self.hidden else []

    def each(self, x: Any) -> Any:
        """The outputs of each network at rows (n, d) -> (n, members, k)."""
        m, d, n = self.members, self.inputs, x.shape[0]
        u = (x - self.middle) * self.rate
        u = u / ops.sqrt(1.0 + ops.square(u * (1.0 / BOUND)))
        u = u.permute(1, 0).reshape(1, d, n, 1)
        gain = self.gain * FASTER
        z = u * gain
        if self.periods:
            waves = ops.cos(u * (self.frequencies * SLOWER) + self.phases * SLOWER)
            embedded = ops.matmul(waves, self.embedding * (SLOWER / math.sqrt(self.periods))) + self.shift * SLOWER
            z = F.cat([z, embedded * gain], 3)
        z = z.permute(0, 2, 1, 3).reshape(m, n, -1)
        for weight, bias in ((self.weight1, self.bias1), (self.weight2, self.bias2)) if self.hidden else ():
            z = nn.functional.mish(ops.matmul(z, weight) * (1.0 / math.sqrt(weight.shape[1])) + bias * SLOWER)
        y = ops.matmul(z, self.weight3) * (1.0 / math.sqrt(self.weight3.shape[1])) + self.bias3 * SLOWER
        y = y.permute(1, 0, 2)
        return rising(y, self.sums) if self.ordered else y

    def forward(self, x: Any) -> Any:
        return ops.minimum(ops.maximum(self.each(x).mean(1), self.low), self.high)


class Blend(nn.Module):
    """A weighted mean of two models of the same target, in the units of the first.

    share: of the first one. low, high: (k,) bounds of the outputs, in the units of the first; None: none.
    """

    def __init__(
        self, first: Scaled, second: Scaled, share: float, low: np.ndarray | None = None, high: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.first, self.second, self.share = first.network, second.network, float(share)
        a, b = first.scaling, second.scaling
        for name, value in (
            ("x_rate", a.x_scale / b.x_scale), ("x_move", (a.x_shift - b.x_shift) / b.x_scale),
            ("y_rate", b.y_scale / a.y_scale), ("y_move", (b.y_shift - a.y_shift) / a.y_scale),
        ):  # fmt: skip
            self.register_buffer(name, np.asarray(value, first.dtype))
        self.bounded = low is not None and high is not None
        for name, bound in (("low", low), ("high", high)) if self.bounded else ():
            self.register_buffer(name, np.asarray(bound, first.dtype))

    def forward(self, x: Any) -> Any:
        other = self.second(x * self.x_rate + self.x_move) * self.y_rate + self.y_move
        y = self.first(x) * self.share + other * (1.0 - self.share)
        return ops.minimum(ops.maximum(y, self.low), self.high) if self.bounded else y


__all__ = ["Blend", "Members"]
