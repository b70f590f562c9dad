"""The networks of `digits`: by hand with what may be fixed, of surefit's own parts, and what is measured of them."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from surefit import data, fitting, nn, optim
from surefit.core import functions as fn
from surefit.core.creation import tensor
from surefit.core.modes import no_grad
from surefit.errors import DataError
from surefit.nn import functional as F
from surefit.sentences import both

from .byhand import (
    Linear,
    Network,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    one_hot,
    with_ones,
)
from .digits_settings import (
    AS_PRINTED,
    BATCH,
    BATCH_LR,
    EPS,
    FINAL_LR,
    FOR_RELU,
    LR,
    MOMENTUM,
    PUBLISHED_SHALLOW,
    SCALE,
)
from .result import Options
from .stepping import compiled_step

Array = np.ndarray


@dataclass(frozen=True)
class Digits:
    """Images (n, 784) float32 in [0, 1] and labels (n,), for training and for testing."""

    x: Array
    labels: Array
    x_test: Array
    labels_test: Array


def load(options: Options) -> Digits:
    """The MNIST images. DataError, with the ways to get them, where they are not."""
    try:
        raw = data.mnist(options.mnist, options.download)
    except DataError as error:
        found = str(error).partition("; name the directory")[0]
        raise DataError(
            f"digits needs the MNIST images: {found}\nGive the directory of the four files (--mnist DIR), or have them "
            "fetched once, 11 MB with checksums (--download; in Python surefit.data.mnist(download=True))"
        ) from None
    train, test = (6000, 2000) if options.quick else (len(raw.train_images), len(raw.test_images))
    x, x_test = (
        (images.reshape(len(images), -1) / SCALE).astype(np.float32)
        for images in (raw.train_images[:train], raw.test_images[:test])
    )
    return Digits(x, raw.train_labels[:train], x_test, raw.test_labels[:test])


# --- the network by hand, with what may be fixed ------------------------------------------------------------------


class PrintedLoss:
    """-(1/n) sum of y log(p + eps), p taken for probabilities; by p: -y / (p + eps) / n. As printed, but averaged."""

    def forward(self, p: Array, y: Array) -> float:
        self.p, self.y = p, one_hot(y, p.shape[1]).astype(p.dtype)
        return float(-(self.y * np.log(p + p.dtype.type(EPS))).sum() / len(p))

    def backward(self) -> Array:
        return -self.y / (self.p + self.p.dtype.type(EPS)) / len(self.p)


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained; the defaults are the printed class.

    softmax: on the last layer's outputs, in place of its ReLU. he: weights by He, sqrt(2 / inputs), instead of N(0, 1).
    bias: in every layer, instead of a column of ones at the first only. batches: mini-batches. residual: x + f(x)
    around the layers that keep the width.
    """

    name: str = AS_PRINTED
    softmax: bool = False
    he: bool = False
    bias: bool = False
    batches: bool = False
    residual: bool = False

    def network(self, sizes: tuple[int, ...], seed: int) -> Network:
        """The network, float32."""
        rng = np.random.default_rng(seed)
        sizes = sizes if self.bias else (sizes[0] + 1, *sizes[1:])  # 785: the ones
        layers: list[Any] = []
        for number, (n_in, n_out) in enumerate(pairwise(sizes), 1):
            deviation = None if self.he else 1.0
            linear = Linear(n_in, n_out, rng, deviation=deviation, bias=self.bias, dtype=np.float32)
            last = number == len(sizes) - 1
            block = [linear] if last and self.softmax else [linear, ReLU()]
            layers += [Residual(*block)] if self.residual and n_in == n_out else block
        return Network(*layers)

    def inputs(self, x: Array) -> Array:
        """(n, 784) -> (n, 785) where ones stand for biases."""
        return x if self.bias else with_ones(x)

    def loss(self) -> Any:
        """A new loss object."""
        return SoftmaxCrossEntropy() if self.softmax else PrintedLoss()


@dataclass
class Run:
    """A trained network and its numbers after each epoch; `seconds` of all of them."""

    recipe: Recipe
    network: Network
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def last(self, name: str) -> float:
        return self.history[name][-1]


def train(recipe: Recipe, sizes: tuple[int, ...], digits: Digits, epochs: int, seed: int = 0) -> Run:
    """Gradient descent by hand, over all rows at once or in mini-batches; losses and accuracies after each epoch."""
    network, loss = recipe.network(sizes, seed), recipe.loss()
    x, x_test = recipe.inputs(digits.x), recipe.inputs(digits.x_test)
    order = np.random.default_rng([seed, 1])
    run = Run(recipe, network, {name: [] for name in PUBLISHED_SHALLOW})
    began = clock.perf_counter()
    with np.errstate(all="ignore"):  # what overflows is seen in the loss
        for _ in range(epochs):
            if recipe.batches:
                rows = order.permutation(len(x))
                for start in range(0, len(rows), BATCH):
                    batch = rows[start : start + BATCH]
                    loss.forward(network.forward(x[batch]), digits.labels[batch])
                    network.backward(loss.backward())
                    network.descend(BATCH_LR)
            else:
                loss.forward(network.forward(x), digits.labels)
                network.backward(loss.backward())
                network.descend(LR)
            for part, inputs, labels in (("train", x, digits.labels), ("test", x_test, digits.labels_test)):
                outputs = network.forward(inputs)
                run.history[f"{part}_loss"].append(loss.forward(outputs, labels))
                run.history[f"{part}_accuracy"].append(float((outputs.argmax(axis=1) == labels).mean()))
    run.seconds = clock.perf_counter() - began
    return run


# --- the fixed networks: surefit's own parts, an ordinary training loop ------------------------------------------


def fixed(sizes: tuple[int, ...], digits: Digits, epochs: int, seed: int) -> tuple[nn.Module, dict[str, float]]:
    """Softmax on logits, He's initialisation, biases, mini-batches; momentum and a falling rate on top."""
    network = nn.MLP(sizes[0], sizes[1:-1], sizes[-1], activation="relu", generator=seed)
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=seed)
    optimizer = optim.SGD(network.parameters(), lr=FINAL_LR, momentum=MOMENTUM)
    rows = data.TensorDataset(digits.x, digits.labels)
    loader = data.DataLoader(rows, batch_size=BATCH, shuffle=True, generator=seed)
    schedule = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, epochs * len(loader))

    step = compiled_step(network, optimizer, F.cross_entropy)

    began = clock.perf_counter()
    for _ in range(epochs):
        for x, y in loader:
            step(x, y)
            schedule.step()
    numbers = {"seconds": clock.perf_counter() - began}
    with no_grad():
        for part, x, labels in (
            ("train", digits.x, digits.labels),
            ("test", digits.x_test, digits.labels_test),
        ):
            logits = network(tensor(x))
            numbers[f"{part}_loss"] = float(F.cross_entropy(logits, tensor(labels)).item())
            numbers[f"{part}_accuracy"] = float((logits.numpy().argmax(axis=1) == labels).mean())
    return network, numbers


# --- the suspects, measured ----------------------------------------------------------------------------------------


def suspects(recipe: Recipe, network: Network, x: Array, labels: Array) -> dict[str, float]:
    """What the document blames, and what it does not, as numbers on a sample. A network without residual layers."""
    loss = recipe.loss()
    with np.errstate(all="ignore"):
        a, hidden = recipe.inputs(x), []
        for layer in network.layers:
            a = layer.forward(a)
            if isinstance(layer, ReLU):
                hidden.append(a)
        hidden = hidden if recipe.softmax else hidden[:-1]
        value = loss.forward(a, labels)
        push = loss.backward()
        if not recipe.softmax:
            push = push * (a > 0)  # what comes through the last ReLU
        network.backward(loss.backward())
    sizes = [float(np.sqrt(h.var(axis=0).mean())) for h in hidden]
    gradients = [
        float(np.linalg.norm(p.weight_gradient) / np.linalg.norm(p.weight)) for p in (network.layers[0], _last(network))
    ]
    wrong = np.maximum(push, 0).sum() / max(np.abs(push).sum(), 1e-30)
    return {
        both("loss", "损失"): value,
        both("dead hidden units", "死亡的隐藏单元"): max(float((h <= 0).all(axis=0).mean()) for h in hidden),
        both("dead outputs", "死亡的输出"): 0.0 if recipe.softmax else float((a <= 0).all(axis=0).mean()),
        both("signal, first layer", "信号，首层"): sizes[0],
        both("signal, last", "信号，末层"): sizes[-1],
        both("gradient, first / last layer", "梯度，首层 / 末层"): gradients[0] / gradients[1],
        both("gradient that lowers wrong outputs", "使错误输出降低的梯度"): float(wrong),
        both("sum of the outputs", "各输出之和"): float(a.sum(axis=1).mean()),
    }


def _last(network: Network) -> Linear:
    return network.linear()[-1]


class AsModule(nn.Module):
    """A network by hand as a Module, so that the doctor can examine it."""

    def __init__(self, network: Network, recipe: Recipe) -> None:
        super().__init__()
        self.count, self.recipe = len(network.linear()), recipe
        for i, layer in enumerate(network.linear(), 1):
            setattr(self, f"W{i}", nn.Parameter(layer.weight))
            setattr(self, f"b{i}", None if layer.bias is None else nn.Parameter(layer.bias))

    def forward(self, x: Any) -> Any:
        for i in range(1, self.count + 1):
            x = x @ getattr(self, f"W{i}")
            x = x if getattr(self, f"b{i}") is None else x + getattr(self, f"b{i}")
            x = x if i == self.count and self.recipe.softmax else F.relu(x)
        return x


def printed_loss(p: Any, y: Any) -> Any:
    """The printed loss on tensors: y one-hot."""
    return -(y * fn.log(p + EPS)).sum(dim=-1).mean()


def examined(recipe: Recipe, network: Network, x: Array, labels: Array, history: Any = None) -> fitting.Diagnosis:
    """What `doctor` says of a network by hand."""
    inputs = recipe.inputs(x)
    if recipe.softmax:
        return fitting.examine(AsModule(network, recipe), inputs, labels, loss="cross_entropy", history=history)
    y = one_hot(labels, 10)
    return fitting.examine(AsModule(network, recipe), inputs, y, loss=printed_loss, history=history)


PRINTED = Recipe()
SOFTMAX = Recipe(FOR_RELU, softmax=True)
ALONE = [
    PRINTED,
    replace(SOFTMAX, name=both("softmax alone", "仅 softmax")),
    Recipe(both("He's initialisation alone", "仅 He 初始化"), he=True),
    Recipe(both("biases alone", "仅偏置"), bias=True),
    Recipe(both("mini-batches alone", "仅小批量"), batches=True),
    Recipe(both("residual layers alone", "仅残差层"), residual=True),
]
TOGETHER = [
    Recipe(both("+ He's initialisation", "+ He 初始化"), softmax=True, he=True),
    Recipe(both("+ biases", "+ 偏置"), softmax=True, he=True, bias=True),
    Recipe(both("+ mini-batches", "+ 小批量"), softmax=True, he=True, bias=True, batches=True),
    Recipe(both("+ residual layers", "+ 残差层"), softmax=True, he=True, bias=True, batches=True, residual=True),
]
