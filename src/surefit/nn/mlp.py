"""The multilayer perceptron in one line, with the initialisation that goes with its activation."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.core.creation import numpy_generator
from surefit.errors import ArgumentError
from surefit.nn import activations as A
from surefit.nn import init
from surefit.nn.arguments import one_of, positive, probability
from surefit.nn.containers import Residual, Sequential
from surefit.nn.layers import Dropout, Linear
from surefit.nn.module import Module
from surefit.nn.normalisation import BatchNorm1d, LayerNorm

ACTIVATIONS: dict[str, type[Module]] = {
    "celu": A.CELU,
    "elu": A.ELU,
    "gelu": A.GELU,
    "hardswish": A.Hardswish,
    "hardtanh": A.Hardtanh,
    "leaky_relu": A.LeakyReLU,
    "mish": A.Mish,
    "prelu": A.PReLU,
    "relu": A.ReLU,
    "relu6": A.ReLU6,
    "selu": A.SELU,
    "sigmoid": A.Sigmoid,
    "silu": A.SiLU,
    "sin": A.Sin,
    "softplus": A.Softplus,
    "softsign": A.Softsign,
    "square": A.Square,
    "tanh": A.Tanh,
}
_RELU_LIKE = (
    A.ReLU,
    A.ReLU6,
    A.LeakyReLU,
    A.PReLU,
    A.ELU,
    A.CELU,
    A.GELU,
    A.SiLU,
    A.Mish,
    A.Softplus,
    A.Hardswish,
)


def activation_module(activation: str | Module, dtype: Any = None) -> Module:
    """A new activation from its name, or a copy of the one given; ArgumentError proposes the nearest name."""
    if isinstance(activation, Module):
        return copy.deepcopy(activation)
    key = activation.lower() if isinstance(activation, str) else None
    if key in ACTIVATIONS:
        return A.PReLU(dtype=dtype) if key == "prelu" else ACTIVATIONS[key]()
    near = difflib.get_close_matches(key or "", ACTIVATIONS, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ArgumentError(
        f"activation={activation!r} is unknown; {meant}known are {', '.join(ACTIVATIONS)}, or give a Module "
        f"such as nn.Sin(30.0)"
    )


class MLP(Sequential):
    """Linear, activation, ..., Linear: (n, n_in) -> (n, n_out), a hidden layer for each width in `hidden`.

    activation: a name ("tanh", "relu", "silu", "sin", ...) or a Module, or one for each hidden layer. bias: whether the
    layers add one. norm: None, "batch" or "layer",
    before each activation. dropout: its probability, after each activation. residual=True: every hidden layer
    that keeps the width adds its input to its output. generator: a seed, a NumPy Generator or None; it sets
    the weights and the dropout streams.

    Weights: He's normal for relu and its kin, LeCun's normal for selu, SIREN's uniform for sin, Glorot's
    uniform for the others and for the output layer; those of n residual branches are divided by sqrt(n), so that a deep
    network keeps the size of its signal (Zhang, Dauphin and Ma 2019 say more). Biases are 0.

    >>> MLP(2, (16, 16), 1, activation="relu", generator=0)
    MLP(
      (0): Linear(in_features=2, out_features=16, bias=True)
      (1): ReLU()
      (2): Linear(in_features=16, out_features=16, bias=True)
      (3): ReLU()
      (4): Linear(in_features=16, out_features=1, bias=True)
    )
    """

    def __init__(
        self,
        n_in: int,
        hidden: Sequence[int] | int = (64, 64),
        n_out: int = 1,
        activation: str | Module | Sequence[str | Module] = "tanh",
        *,
        bias: bool = True,
        dropout: float = 0.0,
        norm: str | None = None,
        residual: bool = False,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        widths = [hidden] if isinstance(hidden, (int, np.integer)) else list(hidden)
        positive("MLP", n_in=n_in, n_out=n_out, **{f"hidden[{i}]": w for i, w in enumerate(widths)})
        n_in, n_out, widths = int(n_in), int(n_out), [int(w) for w in widths]
        probability("MLP", dropout=dropout)
        if norm is not None:
            one_of("MLP", "norm", norm, ("batch", "layer"))
        if residual and not any(a == b for a, b in zip([n_in, *widths], widths, strict=False)):
            raise ArgumentError(
                f"MLP: residual=True needs a hidden layer as wide as the one before it, got widths {[n_in, *widths]}"
            )
        several = isinstance(activation, (list, tuple))
        kinds: list[Any] = list(activation) if several else [activation] * len(widths)
        if len(kinds) != len(widths):
            raise ArgumentError(f"MLP: {len(kinds)} activations for {len(widths)} hidden layers; give one for each")
        draw = numpy_generator(generator)
        layers: list[Module] = []
        branches = sum(a == b for a, b in zip([n_in, *widths], widths, strict=False))
        wide = n_in
        for i, width in enumerate(widths):
            block: list[Module] = [Linear(wide, width, bias, generator=draw, dtype=dtype)]
            if norm is not None:
                block.append((BatchNorm1d if norm == "batch" else LayerNorm)(width, dtype=dtype))
            block.append(activation_module(kinds[i], dtype))
            _initialise(block[0], block[-1], first=i == 0, draw=draw)  # type: ignore[arg-type]
            if dropout > 0.0:
                block.append(Dropout(dropout, generator=draw))
            if residual and wide == width:  # so many sums of a signal and a branch must not let it grow
                block[0].weight.assign(block[0].weight.detach() * branches**-0.5)
                block = [Residual(Sequential(*block))]
            layers += block
            wide = width
        last = Linear(wide, n_out, bias, generator=draw, dtype=dtype)
        if not kinds and isinstance(activation, (str, Module)):
            activation_module(activation)  # whose name is checked all the same
        end = activation_module(kinds[-1]) if kinds else None
        _initialise(last, end if isinstance(end, A.Sin) else None, first=False, draw=draw)
        super().__init__(*layers, last)
        self._settings: dict[str, Any] | None = None
        if all(isinstance(kind, str) for kind in kinds) and (kinds or isinstance(activation, str)):
            self._settings = {
                "n_in": n_in,
                "hidden": widths,
                "n_out": n_out,
                "activation": activation if isinstance(activation, str) else kinds,
                "dropout": float(dropout),
                "norm": norm,
                "residual": bool(residual),
            }
            if not bias:
                self._settings["bias"] = False

    def settings(self) -> dict[str, Any] | None:
        """The arguments that build such a network again, as plain data; None if activation was a Module."""
        return None if self._settings is None else dict(self._settings)


def _initialise(linear: Linear, activation: Module | None, first: bool, draw: np.random.Generator) -> None:
    """Weights for the activation that follows (None: the output); bias 0."""
    w = linear.weight
    if isinstance(activation, A.Sin):
        init.siren_uniform_(w, activation.omega, first, draw)
    elif isinstance(activation, A.SELU):
        init.kaiming_normal_(w, nonlinearity="linear", generator=draw)
    elif isinstance(activation, _RELU_LIKE):
        init.kaiming_normal_(w, a=_slope(activation), generator=draw)
    else:
        init.xavier_uniform_(w, generator=draw)
    if linear.bias is not None:
        init.zeros_(linear.bias)


def _slope(activation: Module) -> float:
    if isinstance(activation, A.LeakyReLU):
        return activation.negative_slope
    return activation.init if isinstance(activation, A.PReLU) else 0.0


__all__ = ["ACTIVATIONS", "MLP", "activation_module"]
