"""The network of a fit, its scaling, and a way to look at every layer while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.problems.problem import Problem


@dataclass(frozen=True)
class MLPSpec:
    """A multilayer perceptron to be built when inputs and outputs are known: the `model=` argument of `fit`.

    hidden: widths of the hidden layers. activation: "auto" is tanh for up to three hidden layers (smooth, and the most
    accurate there) and relu for deeper ones (where tanh trains slowly). dropout: probability between hidden layers.
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str = "auto"
    dropout: float = 0.0

    def build(
        self, n_in: int, n_out: int, generator: np.random.Generator, dtype: Any, points: np.ndarray | None = None
    ) -> nn.Module:
        """The network. points (n, n_in): where its first units may bend; None: anywhere in [-1, 1]."""
        activation = self.activation
        if activation == "auto":
            activation = "tanh" if len(self.hidden) <= 3 else "relu"
        sizes = [n_in, *(w for w in self.hidden if isinstance(w, (int, np.integer)) and w > 0), n_out]
        count = sum((a + 1) * b for a, b in pairwise(sizes))
        if count > MOST_PARAMETERS:
            raise ArgumentError(
                f"model: widths {sizes} make {count:.3g} parameters; at most {MOST_PARAMETERS:.0e} are built"
            )
        network = nn.MLP(
            n_in,
            tuple(self.hidden),
            n_out,
            activation=activation,
            dropout=self.dropout,
            generator=generator,
            dtype=dtype,
        )
        first = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
        if first is not None and self.hidden:
            place_units(first, activation, generator, points)
        return network


MOST_PARAMETERS = 10**8  # 400 MB in float32, and four times that while it trains
SLOPES = {"tanh": 4.0, "softsign": 4.0, "sigmoid": 8.0}  # a sigmoid is half as steep as tanh


def place_units(
    first: nn.Linear, activation: str, generator: np.random.Generator, points: np.ndarray | None = None
) -> None:
    """Spread the units of the first layer over the box [-1, 1]^d, instead of bending all of them at its centre.

    Each bends at one of the points, if there are any: in the units of a table, whose columns have deviation 1, a box
    would leave the outer rows without a bend.

    Nguyen and Widrow (1990) with one change: smooth units get weights of length 4, whatever their number H. Over six
    functions of one and two inputs that was better with Adam than 2, lengths mixed from 1 to 8, or their 0.7 H^(1/d),
    which makes a staircase of steep units. Other activations keep their weights; biases put the bend of each unit
    inside the box. A sine keeps everything (its biases are phases already).
    """
    if first.bias is None or activation == "sin":
        return
    weight = first.weight.detach().numpy().astype(np.float64)  # (units, d)
    length = np.linalg.norm(weight, axis=1)
    if activation in SLOPES:
        weight *= SLOPES[activation] / length[:, None]
        length = np.full_like(length, SLOPES[activation])
        first.weight.assign(weight.astype(first.weight.dtype))
    if points is None:
        bias = generator.uniform(-1.0, 1.0, len(length)) * length
    else:
        bias = -np.sum(weight * points[generator.integers(0, len(points), len(length))], axis=1)
    first.bias.assign(bias.astype(first.bias.dtype))


def network_of(
    model: Any, problem: Problem, generator: np.random.Generator, dtype: Any, scale: bool = True
) -> nn.Module:
    """The network of fit's `model=`: None, widths, an MLPSpec, or a Module (used as it is, in place).

    ArgumentError for anything else, or for a Module without parameters; ShapeError when a Module does not map
    (n, inputs) to (n, outputs).
    """
    d, k = len(problem.names), len(problem.outputs)
    if model is None:
        model = MLPSpec()
    if isinstance(model, int) and not isinstance(model, bool):
        model = (model,)
    if isinstance(model, (tuple, list)):
        model = MLPSpec(tuple(model))
    if isinstance(model, MLPSpec):
        x = problem.train[0]
        points = (x - x.mean(axis=0)) / _spread(x) if scale and problem.function is None else None
        return model.build(d, k, generator, dtype, points)
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model={model!r} must be widths such as (64, 64), an MLPSpec or a surefit.nn.Module")
    if not model.num_parameters():
        raise ArgumentError(
            f"model: this {type(model).__name__} has no parameters, so there is nothing to fit; give it layers that "
            "have some, such as nn.Linear"
        )
    model.to(dtype)
    was = model.training
    try:
        y = model.eval()(Tensor(np.zeros((2, d)), dtype))
    finally:
        model.train(was)
    if getattr(y, "shape", None) != (2, k):
        raise ShapeError(
            f"model: for 2 points it returns shape {getattr(y, 'shape', type(y).__name__)}; "
            f"it must map (n, {d}) to (n, {k})"
        )
    return model


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
        x_shift, x_scale = x.mean(axis=0), _spread(x)
    return Scaled(network, x_shift, x_scale, y.mean(axis=0), _spread(y), dtype)


def _spread(columns: np.ndarray) -> np.ndarray:
    """The deviation of each column; of a constant one its size, or 1."""
    deviation = columns.std(axis=0)
    size = np.abs(columns).max(axis=0)
    flat = deviation <= 1e-12 * size
    return np.where(flat, np.where(size > 0, size, 1.0), deviation)


class Seen(NamedTuple):
    """What one leaf module got and gave."""

    name: str
    module: nn.Module
    inputs: tuple[Any, ...]
    output: Any


@contextmanager
def observed(network: nn.Module) -> Iterator[list[Seen]]:
    """While inside, every call of a module without submodules is appended to the list; nothing is left behind."""
    seen: list[Seen] = []
    leaves = [(name, m) for name, m in network.named_modules() if not m._modules]

    def watch(name: str, module: nn.Module) -> None:
        forward = module.forward

        def watched(*args: Any, **kwargs: Any) -> Any:
            y = forward(*args, **kwargs)
            seen.append(Seen(name, module, args, y))
            return y

        object.__setattr__(module, "forward", watched)

    for name, module in leaves:
        watch(name, module)
    try:
        yield seen
    finally:
        for _, module in leaves:
            module.__dict__.pop("forward", None)
