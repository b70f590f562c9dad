"""Networks that are chains: linear layers with an elementwise activation behind each, which have closed forms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surefit import nn
from surefit.core.functional import grad, vjp
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.sentences import Sentence, say


class Elementwise:
    """An activation on arrays: value(z), value_and_slope(z), and curved(z): these and the second derivative."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.kind = type(module).__name__

    def value(self, z: np.ndarray) -> np.ndarray:
        """The activation of z."""
        if self.kind == "Tanh":
            return np.tanh(z)
        with no_grad():
            return self.module(Tensor(z)).numpy()

    def value_and_slope(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The activation of z and its derivative."""
        if self.kind == "Tanh":
            y = np.tanh(z)
            return y, 1.0 - y * y
        t = Tensor(z, requires_grad=True)
        y = self.module(t)
        y.sum().backward()
        assert t.grad is not None
        return y.detach().numpy(), t.grad.numpy()

    def curved(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The activation of z, its derivative and its second derivative (0 at a kink)."""
        if self.kind == "Tanh":
            y = np.tanh(z)
            slope = 1.0 - y * y
            return y, slope, -2.0 * y * slope

        def slopes(t: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            y, pull = vjp(self.module, t)
            (slope,) = pull(np.ones(z.shape))
            return slope.sum(), (y, slope)

        bend, (y, slope) = grad(slopes, has_aux=True)(Tensor(z))
        return y.numpy(), slope.numpy(), bend.numpy()


Chain = list[tuple[nn.Linear, Elementwise | None]]  # linear layers, and the activation behind each
ELEMENTWISE = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid,
    nn.SiLU, nn.Sin, nn.Softplus, nn.Softsign, nn.Square, nn.Tanh,
)  # fmt: skip


def chain_of(network: nn.Module) -> Chain | None:
    """The linear layers of a network with the activation behind each, if it is nothing but those; else None."""
    if not isinstance(network, nn.Sequential):
        return None
    chain: Chain = []
    for module in _flat(network):
        if type(module) is nn.Linear:
            chain.append((module, None))
        elif type(module) in ELEMENTWISE and chain and chain[-1][1] is None:
            chain[-1] = (chain[-1][0], Elementwise(module))
        elif not isinstance(module, (nn.Dropout, nn.Identity)):  # which do nothing when a network is not training
            return None
    layers = [layer for layer, _ in chain]
    own = [id(p) for layer in layers for p in layer.parameters()]
    each_once = len(set(own)) == len(own) == len(list(network.parameters()))
    return chain if chain and chain[-1][1] is None and each_once else None


def _flat(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.children():
        if type(module) in (nn.Sequential, nn.MLP):
            yield from _flat(module)
        else:
            yield module


def chain_tangents(chain: Chain, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the layers give (m, n), and its derivatives by each input (m, d, n)."""
    m, d = x.shape
    tangents = np.broadcast_to(np.eye(d), (m, d, d))
    for layer, activation in chain:
        x, tangents = affine(layer, x), tangents @ layer.weight.detach().numpy().T
        if activation is not None:
            x, slope = activation.value_and_slope(x)
            tangents = tangents * slope[:, None, :]
    return x, tangents


def affine(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    y = x @ layer.weight.detach().numpy().T
    return y if layer.bias is None else y + layer.bias.detach().numpy()


def output_layer(network: nn.Module) -> nn.Linear | None:
    """The linear layer with a bias that a network ends in, if it is a Sequential of more than that."""
    if not isinstance(network, nn.Sequential) or len(network) < 2:
        return None
    last = network[-1]
    return last if type(last) is nn.Linear and last.bias is not None else None


def is_hidden_layer(network: nn.Module) -> bool:
    """Whether features can be placed in it: one hidden layer of elementwise units, biases everywhere."""
    chain = chain_of(network)
    if chain is None or len(chain) != 2 or chain[0][1] is None:
        return False
    return all(layer.bias is not None for layer, _ in chain)


def hidden_layer(network: nn.Module) -> tuple[np.ndarray, np.ndarray, Elementwise]:
    """Weights (h, d), biases (h,) and activation of the first layer of a chain, in float64."""
    chain = chain_of(network)
    assert chain is not None
    first, activation = chain[0]
    assert first.bias is not None
    assert activation is not None
    weight, bias = (p.detach().numpy().astype(np.float64) for p in (first.weight, first.bias))
    return weight, bias, activation


def size_words(network: nn.Module) -> Sentence:
    """Widths of a chain, or the number of parameters."""
    chain = chain_of(network)
    if chain is None:
        return say("size-parameters", parameters=network.num_parameters())
    hidden = [str(layer.out_features) for layer, _ in chain[:-1]]
    return say("size-units", units="-".join(hidden)) if hidden else say("size-linear")


__all__ = [
    "Chain", "Elementwise", "affine", "chain_of", "chain_tangents", "hidden_layer", "is_hidden_layer", "output_layer",
    "size_words",
]  # fmt: skip
