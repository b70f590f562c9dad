"""Networks that rise or fall with an input at every point, by the signs of their weights.

A network whose activations rise, whose weights behind the first layer are positive, and whose weights of an input in
the first layer have one sign, is monotone in that input everywhere: a composition of functions that rise. Two hidden
layers of saturating units come as near to any continuous monotone function as one likes, where some inputs are free as
well (Sill 1998, Monotonic networks; Daniels and Velikova 2010, Monotone and partially monotone neural networks).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.tensor import no_grad
from surefit.models.chain import chain_of

RISING = (
    nn.CELU, nn.ELU, nn.Hardtanh, nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip
NAMES = tuple(kind.__name__.lower() for kind in RISING)
SPREAD = 2.0  # of what the units of a later layer see at first, and of their biases
LEAST = 1e-6  # of a weight at the beginning, so that it may grow


class Monotone(nn.Module):
    """A perceptron while it is trained: its weights, where they must have a sign, are the softplus of free numbers.

    signs: (d,) of the inputs: 1 rises, -1 falls, 0 free. `plain` is the same network with ordinary weights, which is
    what is shipped. points (n, d): where the units of the first layer bend.
    """

    def __init__(
        self, free: nn.MLP, signs: Sequence[int], generator: np.random.Generator, points: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.free = free
        self.register_buffer("signs", np.array(signs, np.float64)[None, :])
        layers = self._layers()
        for i, layer in enumerate(layers):
            weight = layer.weight.detach().numpy().astype(np.float64)
            if i == 0 and len(layers) > 1:
                own = np.where(np.array(signs) == 0, weight, np.array(signs) * np.abs(weight))
                place = generator.uniform(-1.0, 1.0, (len(own), own.shape[1]))
                if points is not None:
                    place = points[generator.integers(0, len(points), len(own))]
                if layer.bias is not None:
                    layer.bias.assign((-np.sum(own * place, axis=1)).astype(layer.bias.dtype))
            elif i == 0:
                own = weight
            else:
                size = (SPREAD if i < len(layers) - 1 else 1.0) * 2.0 / weight.shape[1]
                own = generator.uniform(0.0, size, weight.shape)
                if layer.bias is not None and i < len(layers) - 1:
                    bias = generator.uniform(-SPREAD, SPREAD, len(own))
                    layer.bias.assign(bias.astype(layer.bias.dtype))
            free_numbers = np.log(np.expm1(np.maximum(np.abs(own), LEAST)))
            if i == 0:
                free_numbers = np.where(np.array(signs) == 0, own, free_numbers)
            layer.weight.assign(free_numbers.astype(layer.weight.dtype))

    def _layers(self) -> list[nn.Linear]:
        return [m for m in self.free.modules() if isinstance(m, nn.Linear)]

    def _weight(self, layer: nn.Linear, first: bool) -> Any:
        positive = nn.functional.softplus(layer.weight)
        if not first:
            return positive
        signs = ops.cast(self.signs, dtype=layer.weight.dtype)
        return positive * signs + layer.weight * (1.0 - ops.square(signs))

    def forward(self, x: Any) -> Any:
        first = True
        for module in self.free.children():
            if isinstance(module, nn.Linear):
                x = nn.functional.linear(x, self._weight(module, first), module.bias)
                first = False
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
                target.weight.assign(self._weight(layer, i == 0).numpy())
                if layer.bias is not None and target.bias is not None:
                    target.bias.assign(layer.bias.detach().numpy())
        network.eval()
        return network


def is_monotone(network: nn.Module, signs: Sequence[int]) -> bool:
    """Whether the signs of the weights prove that a network rises (1) or falls (-1) with its inputs; 0: not asked.

    >>> from surefit import nn
    >>> network = nn.MLP(1, (2,), 1, generator=0)
    >>> for p in network.parameters():
    ...     p.assign(abs(p.detach().numpy()))
    >>> is_monotone(network, [1]), is_monotone(network, [-1])
    (True, False)
    """
    chain = chain_of(network)
    if chain is None:
        return False
    for i, (layer, activation) in enumerate(chain):
        weight = layer.weight.detach().numpy()
        if activation is not None and not isinstance(activation.module, RISING):
            return False
        if i == 0:
            weight = weight * np.array(signs)
        if not (weight >= 0).all():
            return False
    return all(a.out_features == b.in_features for (a, _), (b, _) in pairwise(chain))


__all__ = ["NAMES", "RISING", "Monotone", "is_monotone"]
