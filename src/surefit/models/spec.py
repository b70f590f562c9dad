"""The network of a fit, built from the `model=` argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from surefit import nn
from surefit.checking import check_memory
from surefit.core import ops
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.models.monotone import NAMES, RISING, Monotone
from surefit.models.rising import Rising, start_of
from surefit.nn.arguments import one_of
from surefit.problems.problem import Problem
from surefit.problems.scaling import Places, Rows, Scaling


@dataclass(frozen=True)
class MLPSpec:
    """A multilayer perceptron to be built when inputs and outputs are known: the `model=` argument of `fit`.

    hidden: widths of the hidden layers; None: those that suit the method, (64, 64) for most.
    activation: "auto" is tanh for up to three hidden layers (smooth, and the most
    accurate there) and relu for deeper ones (where tanh trains slowly); a tuple has one for each hidden layer; a Module
    such as nn.Sin(30.0) is one, too. dropout: probability between hidden layers. bias: whether the layers add one;
    without, relu units all bend at the centre, and an odd activation makes an odd function. init: "auto": weights that
    suit the activation, the units of the first layer spread over the box; a name of `INITS`: weights of all layers
    drawn so, biases 0.
    """

    hidden: tuple[int, ...] | None = None
    activation: str | nn.Module | tuple[str | nn.Module, ...] = "auto"
    dropout: float = 0.0
    bias: bool = True
    init: str = "auto"

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the hidden layers, where no method says any."""
        return HIDDEN if self.hidden is None else tuple(self.hidden)

    def build(
        self, n_in: int, n_out: int, generator: np.random.Generator, dtype: Any, points: Rows | None = None
    ) -> nn.Module:
        """The network. points (n, n_in): where its first units may bend; None: anywhere in [-1, 1]."""
        activation, hidden = self.activation, self.widths
        if activation == "auto":
            activation = "tanh" if len(hidden) <= 3 else "relu"
        one_of("MLPSpec", "init", self.init, ("auto", *INITS))
        if isinstance(activation, list):
            activation = tuple(activation)
        _check_size((n_in, *hidden, n_out), dtype)
        network = nn.MLP(
            n_in,
            hidden,
            n_out,
            activation=activation,
            bias=self.bias,
            dropout=self.dropout,
            generator=generator,
            dtype=dtype,
        )
        first = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
        if self.init != "auto":
            for layer in (m for m in network.modules() if isinstance(m, nn.Linear)):
                INITS[self.init](layer.weight, generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        elif first is not None and hidden:
            kind = activation[0] if isinstance(activation, tuple) else activation
            spread_units(first, kind if isinstance(kind, str) else type(kind).__name__.lower(), generator, points)
        return network


def _check_size(widths: tuple[int, ...], dtype: Any) -> None:
    """ArgumentError for widths with which nothing could be computed here."""
    sizes = [w for w in widths if isinstance(w, (int, np.integer)) and w > 0]
    count = sum((int(a) + 1) * int(b) for a, b in pairwise(sizes))
    if count > MOST_PARAMETERS:
        raise ArgumentError(
            f"model: widths {sizes} make {count:.3g} parameters; at most {MOST_PARAMETERS:.0e} are built"
        )
    size = ops.dtype_of(dtype).itemsize
    check_memory(
        "model", size * (TRAINED * count + EVALUATED * max(sizes)),
        f"a network of widths {sizes}, evaluated at {EVALUATED} points,", "give fewer units",
    )  # fmt: skip


INITS: dict[str, Callable[[Tensor, np.random.Generator], Any]] = {
    "glorot": lambda w, g: nn.init.xavier_uniform_(w, generator=g),  # Glorot and Bengio 2010
    "he": lambda w, g: nn.init.kaiming_normal_(w, generator=g),  # He and others 2015
    "normal": lambda w, g: nn.init.normal_(w, std=1.0, generator=g),
    "small": lambda w, g: nn.init.normal_(w, std=0.01, generator=g),
    "zeros": lambda w, g: nn.init.zeros_(w),  # from which no unit ever differs from another
}
HIDDEN = (64, 64)  # widths where nobody and no method says any
MOST_PARAMETERS = 10**8  # 400 MB in float32, and four times that while it trains
TRAINED = 4  # arrays as large as the weights: they, their gradient, two moments of Adam
EVALUATED = 5000  # points at once; no error is measured at fewer
GAINS = {"tanh": 4.0, "softsign": 4.0, "sigmoid": 8.0}  # a sigmoid is half as steep as tanh


def spread_units(first: nn.Linear, activation: str, generator: np.random.Generator, points: Rows | None = None) -> None:
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
    if activation in GAINS:
        weight *= GAINS[activation] / length[:, None]
        length = np.full_like(length, GAINS[activation])
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
        own = scale and problem.function is None  # units of a table bend at its rows
        points = Places(Scaling.of(problem), problem.train[0]) if own else None
        network = _in_order(model.build(d, k, generator, dtype, points), problem, dtype, scale)
        return _monotone(network, model, problem, generator, dtype, points) if problem.signs else network
    if problem.signs and isinstance(model, nn.Module):
        raise ArgumentError("monotone: the weights of a Module may have any signs; give widths, such as model=(16, 16)")
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
    except ShapeError as error:
        raise ShapeError(
            f"model: it must take points ({d} inputs), shape (n, {d}), and give (n, {k}); it says: {error}"
        ) from None
    finally:
        model.train(was)
    if getattr(y, "shape", None) != (2, k):
        raise ShapeError(
            f"model: for 2 points it returns shape {getattr(y, 'shape', type(y).__name__)}; "
            f"it must map (n, {d}) to (n, {k})"
        )
    return _in_order(model, problem, dtype, scale)


def _monotone(
    network: nn.Module, spec: MLPSpec, problem: Problem, generator: np.random.Generator, dtype: Any,
    points: Rows | None,
) -> nn.Module:  # fmt: skip
    """The network with weights of the signs that make it monotone. ArgumentError: an activation that turns."""
    kinds = [m for m in network.modules() if not isinstance(m, (nn.MLP, nn.Linear, nn.Dropout))]
    turning = next((m for m in kinds if not isinstance(m, RISING)), None)
    if turning is not None or not isinstance(network, nn.MLP) or network.settings() is None:
        raise ArgumentError(
            f"activation: {spec.activation!r} does not rise everywhere, which monotone= needs; choose one of "
            f"{', '.join(NAMES)}"
        )
    made = Monotone(network, problem.signs, generator, points)
    made.to(dtype)
    return made


def _in_order(network: nn.Module, problem: Problem, dtype: Any, scale: bool) -> nn.Module:
    """The network whose outputs cannot cross, where they are quantiles; it begins at those of all rows together."""
    levels = problem.quantiles
    if not levels or isinstance(network, Rising):
        return network
    y = problem.coordinates(problem.train[1])
    y = Scaling.of(problem).outputs(problem.train[1]) if scale else y
    start = np.array([np.quantile(y[:, i], level) for i, level in enumerate(levels)])
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    if linear and linear[-1].bias is not None and linear[-1].out_features == len(levels):
        linear[-1].bias.assign(start_of(start).astype(linear[-1].bias.dtype))
    if len(levels) == 1:
        return network
    ordered = Rising(network, len(levels))
    ordered.to(dtype)
    return ordered


__all__ = ["INITS", "MLPSpec", "network_of", "spread_units"]
