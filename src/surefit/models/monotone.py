"""Perceptrons that rise or fall with an input at every point, by the signs of their weights.

A network whose activations rise, whose weights behind the first layer are not negative, and whose weights of an input
in the first layer have one sign, is monotone in that input everywhere: a composition of functions that rise. Two hidden
layers of saturating units come as near to any continuous monotone function as one likes, where some inputs are free as
well (Sill 1998, Monotonic networks; Daniels and Velikova 2010, Monotone and partially monotone neural networks). Where
there are free inputs, some units see these alone, and their weights may be anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.problems.scaling import Rows

RISING = (nn.ReLU, nn.Sigmoid, nn.Softplus, nn.Tanh)
NAMES = tuple(kind.__name__.lower() for kind in RISING)
SPREAD = 2.0  # of what the units of a later layer see at first, and of their biases
LEAST = 1e-6  # of a weight at the beginning, so that it may grow
FREE = 3  # one unit in so many sees the free inputs alone
ANY, POSITIVE, NONE = 0, 1, 2  # what a weight may be


class Monotone(nn.Module):
    """A perceptron while it is trained: its weights, where they must have a sign, are the softplus of free numbers.

    signs: (d,) of the inputs: 1 rises, -1 falls, 0 free. `plain` is the same network with ordinary weights, which is
    what is shipped. points (n, d): where the units of the first layer bend.
    """

    def __init__(
        self, free: nn.MLP, signs: Sequence[int], generator: np.random.Generator, points: Rows | None = None
    ) -> None:
        super().__init__()
        self.free = free
        direction = np.array(signs, np.float64)
        layers = self._layers()
        before = np.where(direction == 0, ANY, POSITIVE)  # of the numbers that come into a layer: what they depend on
        for i, layer in enumerate(layers):
            units, last = layer.out_features, i == len(layers) - 1
            loose = (direction == 0).any() and not last
            alone = np.arange(units) >= units - units // FREE if loose else np.zeros(units, bool)
            kind = np.where(alone[:, None], np.where(before == ANY, ANY, NONE), before)
            factor = np.where(direction < 0, -1.0, 1.0) if i == 0 else np.ones(len(before))
            self.register_buffer(f"positive{i}", np.where(kind == POSITIVE, factor, 0.0))
            self.register_buffer(f"any{i}", np.where(kind == ANY, 1.0, 0.0))
            self._begin(layer, kind, factor, i, last, generator, points)
            before = np.where(alone, ANY, POSITIVE)

    @staticmethod
    def _begin(
        layer: nn.Linear, kind: np.ndarray, factor: np.ndarray, i: int, last: bool, generator: np.random.Generator,
        points: Rows | None,
    ) -> None:  # fmt: skip
        """The weights at first."""
        own = np.where(kind == NONE, 0.0, layer.weight.detach().numpy().astype(np.float64))
        bias = np.zeros(len(own)) if layer.bias is None else layer.bias.detach().numpy()
        if i == 0 and not last:
            place = generator.uniform(-1.0, 1.0, own.shape)
            if points is not None:
                place = points[generator.integers(0, len(points), len(own))]
            bias = -np.sum(np.where(kind == POSITIVE, np.abs(own) * factor, own) * place, axis=1)
        elif i > 0:
            size = (1.0 if last else SPREAD) * 2.0 / own.shape[1]
            own = np.where(kind == POSITIVE, generator.uniform(0.0, size, own.shape), own)
            bias = bias if last else generator.uniform(-SPREAD, SPREAD, len(own))
        if layer.bias is not None:
            layer.bias.assign(bias.astype(layer.bias.dtype))
        numbers = np.where(kind == POSITIVE, np.log(np.expm1(np.maximum(np.abs(own), LEAST))), own)
        layer.weight.assign(numbers.astype(layer.weight.dtype))

    def _layers(self) -> list[nn.Linear]:
        return [m for m in self.free.modules() if isinstance(m, nn.Linear)]

    def _weight(self, layer: nn.Linear, i: int) -> Any:
        dtype = layer.weight.dtype
        positive, free = (ops.cast(getattr(self, f"{name}{i}"), dtype=dtype) for name in ("positive", "any"))
        return nn.functional.softplus(layer.weight) * positive + layer.weight * free

    def forward(self, x: Any) -> Any:
        i = 0
        for module in self.free.children():
            if isinstance(module, nn.Linear):
                x = nn.functional.linear(x, self._weight(module, i), module.bias)
                i += 1
            else:
                x = module(x)
        return x

    def settings(self) -> dict[str, Any] | None:
        """Those of the perceptron."""
        return self.free.settings()

    def plain(self) -> nn.MLP:
        """The perceptron with the weights that this one has at present."""
        settings: dict[str, Any] = self.free.settings() or {}
        layers = self._layers()
        network = nn.MLP(**settings, generator=0, dtype=layers[0].weight.dtype)
        own = [m for m in network.modules() if isinstance(m, nn.Linear)]
        with no_grad():
            for i, (layer, target) in enumerate(zip(layers, own, strict=True)):
                target.weight.assign(self._weight(layer, i).numpy())
                if layer.bias is not None and target.bias is not None:
                    target.bias.assign(layer.bias.detach().numpy())
        network.eval()
        return network


__all__ = ["NAMES", "RISING", "Monotone"]
