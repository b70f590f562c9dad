"""Recurrent layers: RNN (Elman 1990), LSTM (Hochreiter and Schmidhuber 1997, with forget gates), GRU (Cho 2014).

Weights have PyTorch's names, shapes and order of gates, so that a state_dict passes between the two. Sequences are
(length, n, features), (n, length, features) with batch_first, or (length, features) for one sample. All sequences of a
batch have one length.
"""

from __future__ import annotations

import math
from typing import Any

from surefit.core import functions as fn
from surefit.core import random as streams
from surefit.core.creation import numpy_generator, zeros
from surefit.core.leaves import Parameter
from surefit.core.ops import aval_of, relu, shape_of, sigmoid, tanh
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import functional as F
from surefit.nn import init
from surefit.nn.arguments import float_dtype, one_of, positive, probability
from surefit.nn.module import Module

State = tuple[Any, ...]  # (h,), or (h, c) of an LSTM
Weights = tuple[Any, Any, Any, Any]  # of the input, of the state, and the two biases or None

_ACTIVATIONS = {"tanh": tanh, "relu": relu}
_GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _next_rnn(activation: Any, x: Any, state: State, weights: Weights) -> State:
    """h' = f(W x + b + U h + d)."""
    w, u, b, d = weights
    return (activation(F.linear(x, w, b) + F.linear(state[0], u, d)),)


def _next_lstm(_: Any, x: Any, state: State, weights: Weights) -> State:
    """c' = f c + i g, h' = o tanh(c'), with the gates i, f, o = sigmoid and g = tanh of W x + b + U h + d."""
    w, u, b, d = weights
    i, f, g, o = fn.chunk(F.linear(x, w, b) + F.linear(state[0], u, d), 4, -1)
    c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def _next_gru(_: Any, x: Any, state: State, weights: Weights) -> State:
    """h' = (1 - z) n + z h, n = tanh(W x + b + r (U h + d)): the reset gate r acts after the product, as in PyTorch."""
    w, u, b, d = weights
    (h,) = state
    xr, xz, xn = fn.chunk(F.linear(x, w, b), 3, -1)
    hr, hz, hn = fn.chunk(F.linear(h, u, d), 3, -1)
    z = sigmoid(xz + hz)
    n = tanh(xn + sigmoid(xr + hr) * hn)
    return (n + z * (h - n),)


_STEPS = {"RNN": _next_rnn, "LSTM": _next_lstm, "GRU": _next_gru}


class _Weighted(Module):
    """What layers and cells share: weights, their start, and the step from one state to the next."""

    kind = ""
    nonlinearity = "tanh"

    def _make(self, suffix: str, inputs: int, hidden: int, bias: bool, dtype: Any, proj_size: int = 0) -> None:
        rows = _GATES[self.kind] * hidden
        setattr(self, f"weight_ih{suffix}", Parameter(zeros(rows, inputs, dtype=dtype)))
        setattr(self, f"weight_hh{suffix}", Parameter(zeros(rows, proj_size or hidden, dtype=dtype)))
        if bias:
            setattr(self, f"bias_ih{suffix}", Parameter(zeros(rows, dtype=dtype)))
            setattr(self, f"bias_hh{suffix}", Parameter(zeros(rows, dtype=dtype)))
        if proj_size:
            setattr(self, f"weight_hr{suffix}", Parameter(zeros(proj_size, hidden, dtype=dtype)))

    def _weights(self, suffix: str) -> Weights:
        own = self._parameters
        w, u = own[f"weight_ih{suffix}"], own[f"weight_hh{suffix}"]
        return w, u, own.get(f"bias_ih{suffix}"), own.get(f"bias_hh{suffix}")

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new weights and biases, uniform on +-1/sqrt(hidden_size)."""
        draw = numpy_generator(generator)
        bound = 1.0 / math.sqrt(self.hidden_size)
        for p in self._parameters.values():
            init.uniform_(p, -bound, bound, draw)

    def _start(self, x: Any, given: Any, before: tuple[int, ...]) -> State:
        """The state to begin with, zeros unless given; its shapes begin with `before`."""
        name, names = type(self).__name__, ("h", "c") if self.kind == "LSTM" else ("h",)
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        if given is None:
            return tuple(zeros(*before, n, dtype=aval_of(x).dtype) for n in widths[: len(names)])
        if self.kind == "LSTM" and not (isinstance(given, (tuple, list)) and len(given) == 2):
            raise ArgumentError(f"{name}: the state must be a tuple (h, c), got a {type(given).__name__}")
        state = tuple(given) if self.kind == "LSTM" else (given,)
        for what, s, n in zip(names, state, widths[: len(names)], strict=True):
            if shape_of(s) != (*before, n):
                raise ShapeError(f"{name}: the state {what} must have shape {(*before, n)}, got {shape_of(s)}")
        return state

    def _step(self, x: Any, state: State, suffix: str) -> State:
        new = _STEPS[self.kind](_ACTIVATIONS[self.nonlinearity], x, state, self._weights(suffix))
        return (F.linear(new[0], self._parameters[f"weight_hr{suffix}"]), *new[1:]) if self.proj_size else new

    input_size: int
    hidden_size: int
    proj_size = 0  # of an LSTM whose outputs are made narrower


class _Recurrent(_Weighted):
    """Layers of one kind above each other, each read in one direction or in both."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        positive(name, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        probability(name, dropout=dropout)
        d = float_dtype(name, dtype)
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, float(dropout), bidirectional
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else (self.proj_size or hidden_size) * len(self._directions())
            for direction in self._directions():
                self._make(f"_l{layer}{direction}", inputs, hidden_size, bias, d, self.proj_size)
        draw = numpy_generator(generator)
        self.reset_parameters(draw)
        if dropout and num_layers > 1:
            self.generator = streams.as_generator(draw)

    def flatten_parameters(self) -> None:
        """Accepted, as PyTorch's programs call it: the weights need no order in memory here."""

    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(outputs of the last layer at every step, the last state of every layer and direction).

        input (length, n, input_size); outputs (length, n, hidden_size), twice as wide when bidirectional. A state is
        (num_layers * directions, n, hidden_size): h, or (h, c) of an LSTM; it starts at zero without hx.
        """
        name, shape = type(self).__name__, shape_of(input)
        if len(shape) not in (2, 3) or shape[-1] != self.input_size:
            first = "n, length" if self.batch_first else "length, n"
            raise ShapeError(
                f"{name}: needs an input ({first}, {self.input_size}) or (length, {self.input_size}), got {shape}"
            )
        time = 1 if self.batch_first and len(shape) == 3 else 0
        if shape[time] == 0:
            raise ShapeError(f"{name}: the input {shape} has no steps")
        samples = tuple(n for i, n in enumerate(shape[:-1]) if i != time)
        rows = self.num_layers * len(self._directions())
        start = self._start(input, hx, (rows, *samples))
        steps = list(fn.unbind(input, time))
        ends: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                steps = [F.dropout(x, self.dropout, True, self.generator) for x in steps]
            outputs = []
            for direction in self._directions():
                state = tuple(s[len(ends)] for s in start)
                hidden = []
                for x in reversed(steps) if direction else steps:
                    state = self._step(x, state, f"_l{layer}{direction}")
                    hidden.append(state[0])
                ends.append(state)
                outputs.append(hidden[::-1] if direction else hidden)
            steps = outputs[0] if len(outputs) == 1 else [fn.cat(pair, -1) for pair in zip(*outputs, strict=True)]
        last = tuple(fn.stack(parts) for parts in zip(*ends, strict=True))
        return fn.stack(steps, time), (last if self.kind == "LSTM" else last[0])

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", proj_size={self.proj_size}" if self.proj_size else ""
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        return text + "".join(f", {k}={getattr(self, k)}" for k, v in usual.items() if getattr(self, k) != v)


class RNN(_Recurrent):
    """h' = tanh(W x + b + U h + d) at each step, or relu with nonlinearity="relu"; see `LSTM` for the arguments.

    >>> y, h = RNN(3, 5, generator=0)(zeros(7, 2, 3))
    >>> y.shape, h.shape
    ((7, 2, 5), (1, 2, 5))
    """

    kind = "RNN"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        one_of("RNN", "nonlinearity", nonlinearity, tuple(_ACTIVATIONS))
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            generator=generator, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(_Recurrent):
    """A recurrence with a memory c that gates open and close; called as (x) or (x, (h, c)), gives (y, (h, c)).

    num_layers: so many above each other, with dropout between them in training. bidirectional: each layer also reads
    the sequence backwards, and gives both outputs side by side. proj_size: a matrix makes h this narrow
    (Sak and others 2014). batch_first: x is (n, length, input_size).

    >>> y, (h, c) = LSTM(3, 5, num_layers=2, batch_first=True, generator=0)(zeros(2, 7, 3))
    >>> y.shape, h.shape, c.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    kind = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        if isinstance(proj_size, bool) or not isinstance(proj_size, int) or not 0 <= proj_size < max(hidden_size, 1):
            raise ArgumentError(f"LSTM: proj_size={proj_size!r} must be an integer from 0 to hidden_size - 1")
        self.__dict__["proj_size"] = proj_size  # before the weights, whose shapes depend on it
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            generator=generator, dtype=dtype,
        )  # fmt: skip


class GRU(_Recurrent):
    """A recurrence that mixes the old state with a new one; see `LSTM` for the arguments. Gives (y, h).

    >>> y, h = GRU(3, 5, bidirectional=True, generator=0)(zeros(7, 3))
    >>> y.shape, h.shape
    ((7, 10), (2, 5))
    """

    kind = "GRU"


class _Cell(_Weighted):
    """One step: x (n, input_size) or (input_size), and the state (n, hidden_size), zero unless given."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, generator: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        name = type(self).__name__
        positive(name, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._make("", input_size, hidden_size, bias, float_dtype(name, dtype))
        self.reset_parameters(generator)

    def forward(self, input: Any, hx: Any = None) -> Any:
        shape = shape_of(input)
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: needs an input (n, {self.input_size}) or ({self.input_size}), got {shape}"
            )
        state = self._step(input, self._start(input, hx, shape[:-1]), "")
        return state if self.kind == "LSTM" else state[0]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of `RNN`: (x, h) -> h'.

    >>> RNNCell(3, 5, generator=0)(zeros(2, 3)).shape
    (2, 5)
    """

    kind = "RNN"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *,
        generator: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        one_of("RNNCell", "nonlinearity", nonlinearity, tuple(_ACTIVATIONS))
        super().__init__(input_size, hidden_size, bias, generator=generator, dtype=dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """One step of `LSTM`: (x, (h, c)) -> (h', c')."""

    kind = "LSTM"


class GRUCell(_Cell):
    """One step of `GRU`: (x, h) -> h'."""

    kind = "GRU"


__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
