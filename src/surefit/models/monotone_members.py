"""Networks for tables that rise with some inputs at every point, side by side, and their mean.

They are `Members` with two kinds of units. *Rising* units see all inputs and pass on through weights that are not below
0, their absolute values, from the inputs with which the network rises to the output; *free* units see the other inputs
alone, so that their weights may be anything. A rising unit is convex, or concave as its reflection at the origin, in
turn (Runje and Shankaranarayana 2023, Constrained Monotonic Neural Networks, arXiv 2205.11775): positive weights behind
units of one curvature could make convex functions only. What periodic features are for a free input, steps (hyperbolic
tangents of several places and slopes) are for one with a direction, and beside the hidden layers goes a linear function
of all of these features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import functions as F
from surefit.core import ops
from surefit.models.members import BOUND, EMBEDDED, FASTER, SIGMAS, SLOWER

SMALL = 0.1  # deviation of the last weights of rising units at first: at 0 an absolute value would never leave it
POSITIVE = 2.0  # sum of weights that are not negative, in units of their mean size
STEEPEST, FLATTEST = 3.0, 0.5  # slopes of steps


class MonotoneMembers(nn.Module):
    """The mean of `members` networks, bounded by the values that were seen; the arguments are those of `Members`.

    signs: (d,) of the inputs: 1 rises, -1 falls, 0 free. start: (k,) where the outputs begin.
    """

    def __init__(
        self, x: np.ndarray, low: np.ndarray, high: np.ndarray, members: int, units: int, periods: int,
        generator: np.random.Generator, signs: Sequence[int], start: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        periods = periods if units else 0
        d, k, m = x.shape[1], len(low), members
        self.members, self.inputs, self.periods = m, d, periods
        middle = np.median(x, axis=0)
        quartiles = np.quantile(x, 0.75, axis=0) - np.quantile(x, 0.25, axis=0)
        size = np.where(quartiles > 0, quartiles, np.ptp(x, axis=0) / 2)
        direction = np.asarray(signs)
        rate = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0) * np.where(direction < 0, -1.0, 1.0)
        order = np.concatenate([np.flatnonzero(direction), np.flatnonzero(direction == 0)])
        self.rising = r = int(np.count_nonzero(direction))
        f = d - r
        turned = np.zeros((d, d))  # inputs that rise come first, those that fall turned round
        turned[order, np.arange(d)] = rate[order]
        for name, value in (("middle", middle), ("turned", turned), ("low", low), ("high", high)):
            self.register_buffer(name, np.asarray(value, np.float32))

        def parameter(*shape: int, value: float | None = None, deviation: float = 1.0) -> nn.Parameter:
            drawn = generator.standard_normal(shape) * deviation if value is None else np.full(shape, value)
            return nn.Parameter(np.asarray(drawn, np.float32))

        def given(value: np.ndarray) -> nn.Parameter:
            return nn.Parameter(np.asarray(value / SLOWER, np.float32))

        def bias(n: int) -> nn.Parameter:
            return parameter(m, 1, n, deviation=1.0 / SLOWER)

        self.gain = parameter(m, d, 1, 1, value=1.0 / FASTER)
        if periods:
            rows = BOUND * np.tanh((x - middle) @ turned / BOUND)
            places = rows[generator.integers(0, len(rows), (m, r, 1, periods)), np.arange(r)[None, :, None, None]]
            self.slopes = given(np.abs(generator.standard_normal((m, r, 1, periods))) * STEEPEST + FLATTEST)
            self.places = given(places)
            self.steps = parameter(m, r, periods, EMBEDDED, deviation=1.0 / SLOWER)
            self.step_shift = parameter(m, r, 1, EMBEDDED, value=0.0)
        if periods and f:
            sigma = np.resize(np.array(SIGMAS), m)[:, None, None, None] * 2.0 * math.pi
            self.frequencies = given(generator.standard_normal((m, f, 1, periods)) * sigma)
            self.phases = given(generator.uniform(-math.pi, math.pi, (m, f, 1, periods)))
            self.embedding = parameter(m, f, periods, EMBEDDED, deviation=1.0 / SLOWER)
            self.shift = parameter(m, f, 1, EMBEDDED, value=0.0)
        each = 1 + EMBEDDED if periods else 1
        self.units, self.beside = units, units // 2 if f else 0
        decaying = []
        if units:
            self.first, self.bias1 = parameter(m, r * each, units), bias(units)
            self.second, self.bias2 = parameter(m, units, units), bias(units)
            self.third = parameter(m, units, k, deviation=SMALL)
            curved = np.where(np.arange(units) % 2 == 0, 1.0, -1.0)
            self.register_buffer("curved", np.asarray(curved, np.float32))
            decaying += [self.first, self.second, self.third]
        if self.beside:
            h = self.beside
            self.free1, self.free_bias1 = parameter(m, f * each, h), bias(h)
            self.free2, self.free_bias2 = parameter(m, h, h), bias(h)
            self.across1, self.across2 = parameter(m, f * each, units), parameter(m, h, units)
            self.free3 = parameter(m, h, k, value=0.0)
            decaying += [self.free1, self.free2, self.across1, self.across2, self.free3]
        self.weights = decaying
        self.linear = parameter(m, r * each, k, deviation=SMALL)
        if f:
            self.free_linear = parameter(m, f * each, k, value=0.0)
        self.bias3 = given(np.broadcast_to(np.zeros(k) if start is None else start, (m, 1, k)))

    def _features(self, x: Any) -> tuple[Any, Any]:
        """Features of the inputs that rise and of the free ones, each (members, n, features)."""
        m, n, r = self.members, x.shape[0], self.rising
        u = ops.tanh(ops.matmul(x - self.middle, self.turned) * (1.0 / BOUND)) * BOUND
        u = u.permute(1, 0).reshape(1, self.inputs, n, 1)
        gain = ops.abs_(self.gain) * FASTER
        z, u_rising, u_free = u * gain, u[:, :r], u[:, r:]
        z_rising, z_free = z[:, :r], z[:, r:]
        size = SLOWER / math.sqrt(max(1, self.periods))
        if self.periods:
            waves = ops.tanh((u_rising - self.places * SLOWER) * ops.abs_(self.slopes * SLOWER))
            steps = ops.matmul(waves, ops.abs_(self.steps) * size) + self.step_shift * SLOWER
            z_rising = F.cat([z_rising, steps * gain[:, :r]], 3)
        if self.periods and r < self.inputs:
            waves = ops.cos(u_free * (self.frequencies * SLOWER) + self.phases * SLOWER)
            embedded = ops.matmul(waves, self.embedding * size) + self.shift * SLOWER
            z_free = F.cat([z_free, embedded * gain[:, r:]], 3)
        z_rising = z_rising.permute(0, 2, 1, 3).reshape(m, n, -1)
        return z_rising, z_free.permute(0, 2, 1, 3).reshape(m, n, -1) if r < self.inputs else None

    def _curved(self, z: Any) -> Any:
        """What rising units make of their sums: convex, or concave, in turn."""
        return (nn.functional.softplus(z * self.curved) - math.log(2.0)) * self.curved

    def each(self, x: Any) -> Any:
        """The outputs of each network at rows (n, d) -> (n, members, k)."""
        z, free = self._features(x)
        y = _positive(z, self.linear) + self.bias3 * SLOWER
        if free is not None:
            y = y + _any(free, self.free_linear)
        if self.units:
            one = _positive(z, self.first) + self.bias1 * SLOWER
            if self.beside:
                one = one + _any(free, self.across1)
            two = _positive(self._curved(one), self.second) + self.bias2 * SLOWER
            if self.beside:
                own = nn.functional.mish(_any(free, self.free1) + self.free_bias1 * SLOWER)
                two = two + _any(own, self.across2)
                own = nn.functional.mish(_any(own, self.free2) + self.free_bias2 * SLOWER)
                y = y + _any(own, self.free3)
            y = y + _positive(self._curved(two), self.third)
        return y.permute(1, 0, 2)

    def forward(self, x: Any) -> Any:
        return ops.minimum(ops.maximum(self.each(x).mean(1), self.low), self.high)


def _positive(z: Any, weight: Any) -> Any:
    """Sums of z (m, n, a) by the absolute values of weights (m, a, b)."""
    return ops.matmul(z, ops.abs_(weight) * (POSITIVE / weight.shape[1]))


def _any(z: Any, weight: Any) -> Any:
    """Sums of z (m, n, a) by weights (m, a, b) of either sign."""
    return ops.matmul(z, weight) * (1.0 / math.sqrt(weight.shape[1]))


__all__ = ["MonotoneMembers"]
