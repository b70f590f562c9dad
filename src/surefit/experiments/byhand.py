"""Layers written by hand: forward, backward, and nothing between you and the formulas.

Every object computes with `forward`, remembers what its backward formula needs, and turns the gradient of the loss by
its output into the gradient by its input with `backward`. Nothing else is kept: a second `forward` replaces what the
first remembered, so a run of any length uses the memory of one step.

Throughout, n is the number of samples (rows of a batch), L the loss, and a gradient has the shape of what it is the
gradient of. Plain NumPy in the dtype of what comes in. A step of training:

>>> rng = np.random.default_rng(0)
>>> x = np.linspace(-1.0, 1.0, 50)[:, None]
>>> network, loss = Network(Linear(1, 20, rng), ReLU(), Linear(20, 1, rng)), MSE()
>>> for epoch in range(200):
...     value = loss.forward(network.forward(x), x**2)
...     _ = network.backward(loss.backward())
...     network.descend(0.1)
>>> value < 0.01
True
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.errors import ArgumentError, ShapeError

Array = np.ndarray


class Matmul:
    """z = x @ w.

    forward:   x (n, i), w (i, o)  ->  z (n, o),   z_ab = sum_k x_ak w_kb
    backward:  g = dL/dz (n, o)    ->  dL/dx = g w^T (n, i),   dL/dw = x^T g (i, o)

    Why: w_kb enters z_ab for every sample a with the factor x_ak, so dL/dw_kb = sum_a x_ak g_ab; and x_ak enters z_ab
    for every output b with the factor w_kb, so dL/dx_ak = sum_b g_ab w_kb.
    """

    def forward(self, x: Array, w: Array) -> Array:
        if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
            raise ShapeError(f"Matmul: {x.shape} @ {w.shape}; (n, i) @ (i, o) is needed")
        self.x, self.w = x, w
        return x @ w

    def backward(self, g: Array) -> tuple[Array, Array]:
        return g @ self.w.T, self.x.T @ g


class ReLU:
    """z = max(x, 0), elementwise.

    forward:   x (any shape)  ->  z (same shape)
    backward:  g = dL/dz      ->  dL/dx = g where x > 0, else 0 (at the kink, x = 0, the slope is taken as 0)
    """

    def forward(self, x: Array) -> Array:
        self.on = x > 0
        return np.where(self.on, x, x.dtype.type(0))

    def backward(self, g: Array) -> Array:
        return g * self.on


class Sigmoid:
    """z = 1 / (1 + exp(-x)), elementwise.

    forward:   x (any shape)  ->  z (same shape), in (0, 1)
    backward:  g = dL/dz      ->  dL/dx = g z (1 - z)

    Only exp(-|x|) is taken, which never overflows; for x < 0 the fraction is expanded by exp(x).
    """

    def forward(self, x: Array) -> Array:
        e = np.exp(-np.abs(x))
        self.z: Array = np.where(x >= 0, 1, e) / (1 + e)
        return self.z

    def backward(self, g: Array) -> Array:
        return g * self.z * (1 - self.z)


class Softmax:
    """z_c = exp(x_c) / sum_k exp(x_k) over the last axis, whatever the number of axes.

    forward:   x (..., c)         ->  z (..., c), each row positive with sum 1
    backward:  g = dL/dz (..., c) ->  dL/dx = z (g - sum_k g_k z_k), because dz_c/dx_k = z_c (delta_ck - z_k)

    The row's maximum is subtracted first: it cancels in the fraction, and no exponential overflows. Maximum and sum run
    over the same axis; a maximum over another one is another number, and rows far below it become 0 / 0.
    """

    def forward(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.z: Array = e / e.sum(axis=-1, keepdims=True)
        return self.z

    def backward(self, g: Array) -> Array:
        return self.z * (g - (g * self.z).sum(axis=-1, keepdims=True))


class SoftmaxCrossEntropy:
    """L = -(1/n) sum over samples and classes of y log softmax(x): one of c classes for each sample.

    forward:   logits x (n, c), y (n, c) one-hot or probabilities, or class numbers (n,)  ->  L, a number
    backward:  dL/dx = (softmax(x) sum_c(y) - y) / n, (n, c)

    log softmax(x) = x - m - log sum_k exp(x_k - m) with m the row's maximum: the logarithm of a probability that could
    be 0 is never taken, and nothing is added inside a logarithm to prevent it.
    """

    def forward(self, x: Array, y: Array) -> float:
        y = one_hot(y, x.shape[1]) if y.ndim == 1 else y
        _same("SoftmaxCrossEntropy", x, y)
        shifted = x - x.max(axis=-1, keepdims=True)
        self.log_p: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        self.y = y.astype(x.dtype, copy=False)
        return float(-(self.y * self.log_p).sum() / len(x))

    def backward(self) -> Array:
        total = self.y.sum(axis=-1, keepdims=True)
        return (np.exp(self.log_p) * total - self.y) / len(self.y)


class SigmoidCrossEntropy:
    """L = -(1/(n c)) sum of y log s(x) + (1 - y) log(1 - s(x)), s the sigmoid: c yes-or-no questions for each sample.

    forward:   logits x (n, c), y (n, c) in [0, 1]  ->  L, a number
    backward:  dL/dx = (s(x) - y) / (n c), (n, c)

    The sum is max(x, 0) - x y + log(1 + exp(-|x|)), exact where s(x) rounds to 0 or 1.
    """

    def forward(self, x: Array, y: Array) -> float:
        _same("SigmoidCrossEntropy", x, y)
        self.s, self.y = Sigmoid().forward(x), y
        return float((np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))).mean())

    def backward(self) -> Array:
        return (self.s - self.y) / self.y.size


class MSE:
    """L = (1/(n o)) sum of (p - y)^2.

    forward:   prediction p (n, o), y (n, o)  ->  L, a number
    backward:  dL/dp = 2 (p - y) / (n o), (n, o)
    """

    def forward(self, p: Array, y: Array) -> float:
        _same("MSE", p, y)
        self.difference = p - y
        return float(np.square(self.difference).mean())

    def backward(self) -> Array:
        return 2 * self.difference / self.difference.size


class Linear:
    """z = x @ weight + bias.

    weight (i, o), bias (o,) or None
    forward:   x (n, i)          ->  z (n, o)
    backward:  g = dL/dz (n, o)  ->  dL/dx = g weight^T (n, i); kept: weight_gradient = x^T g (i, o),
               bias_gradient = sum of g over the samples (o,), because every sample's z has the bias added once

    Args:
        n_in, n_out: i and o.
        rng: where the weights are drawn; biases begin at 0.
        deviation: of the normal distribution of the weights; None: He's, sqrt(2 / i), which keeps the size of a signal
            through ReLU layers.
        bias: whether there is one.
        dtype: of the parameters.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        rng: np.random.Generator,
        *,
        deviation: float | None = None,
        bias: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        deviation = math.sqrt(2 / n_in) if deviation is None else deviation
        self.weight: Array = (rng.standard_normal((n_in, n_out)) * deviation).astype(dtype)
        self.bias: Array | None = np.zeros(n_out, dtype) if bias else None
        self.matmul = Matmul()

    def forward(self, x: Array) -> Array:
        z = self.matmul.forward(x, self.weight)
        return z if self.bias is None else z + self.bias

    def backward(self, g: Array) -> Array:
        by_x, self.weight_gradient = self.matmul.backward(g)
        self.bias_gradient: Array | None = None if self.bias is None else g.sum(axis=0)
        return by_x


class Network:
    """Layers one after another; `backward` runs through them in reverse, which is the chain rule."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g: Array) -> Array:
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

    def parameters(self) -> list[tuple[Array, Array]]:
        """(parameter, gradient) of every linear layer, weights before biases; gradients are there after `backward`."""
        pairs = []
        for layer in self.linear():
            pairs.append((layer.weight, layer.weight_gradient))
            if layer.bias is not None and layer.bias_gradient is not None:
                pairs.append((layer.bias, layer.bias_gradient))
        return pairs

    def linear(self) -> list[Linear]:
        """The linear layers in order, those inside residual ones too."""
        inside = [layer.inner.linear() if isinstance(layer, Residual) else [layer] for layer in self.layers]
        return [layer for part in inside for layer in part if isinstance(layer, Linear)]

    def descend(self, lr: float) -> None:
        """One step of gradient descent, in place: parameter -= lr * gradient."""
        for parameter, gradient in self.parameters():
            parameter -= lr * gradient


class Residual:
    """z = x + f(x), f some layers that keep the shape.

    forward:   x (n, i)          ->  z (n, i)
    backward:  g = dL/dz (n, i)  ->  dL/dx = g + (dL/df through the layers): the gradient has a way past them
    """

    def __init__(self, *layers: Any) -> None:
        self.inner = Network(*layers)

    @property
    def layers(self) -> tuple[Any, ...]:
        return self.inner.layers

    def forward(self, x: Array) -> Array:
        return x + self.inner.forward(x)

    def backward(self, g: Array) -> Array:
        return g + self.inner.backward(g)


def through(knots: Array, values: Array) -> Network:
    """The network with one hidden layer of ReLUs that draws straight lines from knot to knot: nothing is trained.

    knots (k,) increasing, values (k,)  ->  1 - (k - 1) - 1 network, equal to the line to the left of the last knot and
    exact at every knot. Unit j begins to rise at knot j, with the change of slope that the line has there.

    >>> network = through(np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 0.0]))
    >>> network.forward(np.array([[0.0], [0.5], [1.0], [2.0]]))[:, 0].tolist()
    [1.0, 1.5, 2.0, 1.0]
    """
    if knots.ndim != 1 or knots.shape != values.shape or len(knots) < 2 or not (np.diff(knots) > 0).all():
        raise ArgumentError(f"through: knots {knots.shape} must increase, with one value each, got {values.shape}")
    slopes = np.diff(values) / np.diff(knots)
    first, last = Linear(1, len(slopes), np.random.default_rng(0)), Linear(len(slopes), 1, np.random.default_rng(0))
    first.weight, first.bias = np.ones((1, len(slopes))), -knots[:-1].copy()  # relu(x - knot)
    last.weight, last.bias = np.diff(slopes, prepend=0.0)[:, None], values[:1].copy()
    return Network(first, ReLU(), last)


def one_hot(labels: Array, classes: int) -> Array:
    """Class numbers (n,) as rows of zeros with a one, (n, classes).

    >>> one_hot(np.array([1, 0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ArgumentError(f"labels from {labels.min()} to {labels.max()}; they must be from 0 to {classes - 1}")
    rows: Array = np.zeros((len(labels), classes))
    rows[np.arange(len(labels)), labels] = 1.0
    return rows


def with_ones(x: Array) -> Array:
    """(n, i) -> (n, i + 1): a column of ones whose weights are biases."""
    return np.concatenate([x, np.ones((len(x), 1), x.dtype)], axis=1)


def numeric_gradient(f: Callable[[Array], float], at: Array, h: float = 1e-6) -> Array:
    """The gradient of a function of one array by central differences, one number at a time: slow, and independent."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        gradient[index] = (f(at + step) - f(at - step)) / (2 * h)
    return gradient


def _same(name: str, x: Array, y: Array) -> None:
    """(n,) against (n, 1) would broadcast to (n, n), the commonest silent mistake in this trade."""
    if x.shape != y.shape:
        raise ShapeError(f"{name}: outputs {x.shape} and targets {y.shape}; both need the same shape")


__all__ = [
    "MSE",
    "Linear",
    "Matmul",
    "Network",
    "ReLU",
    "Residual",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "numeric_gradient",
    "one_hot",
    "through",
    "with_ones",
]
