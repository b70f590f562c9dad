"""digits: MNIST by hand with two and four layers, and why the deep one of document 002 fails (document 002).

The document prints a class whose last layer is a ReLU and takes the logarithm of its output as if that were a
probability. With four layers it ends at chance with a loss of -10, and the document blames the depth. Here the printed
class, a variant with a softmax, and the published numbers stand side by side; each suspect is measured; then the
causes are removed one at a time, and both shapes learn.
"""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from surefit import data, fitting, nn, optim, view
from surefit.core import functions as fn
from surefit.core.creation import tensor
from surefit.core.modes import no_grad
from surefit.errors import DataError
from surefit.nn import functional as F
from surefit.sentences import both, joined, zh

from .byhand import (
    Linear,
    Network,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    one_hot,
    with_ones,
)
from .exercises import PrintedBackward, cannot_run, exercises, printed_class_fails
from .result import Claim, Grid, Options, Picture, Result, Row, own, verdict_of
from .stepping import compiled_step

# --- settings ---------------------------------------------------------------------------------------------------

SHALLOW = (784, 100, 10)  # given, with a column of ones for 785
DEEP = (784, 100, 100, 100, 10)  # given, with the ones too
EPOCHS = 50  # given
SCALE = 255  # not given; pixels from 0 to 1
LR = 1e-5 * 60_000  # given: 1e-5 of a sum over the batch (not given; the published slope is that of all rows)
EPS = 1e-12  # given: added inside the logarithm
FIXING_EPOCHS = 12  # passes for each line of the table of fixes; enough to tell 0.1 from 0.9
BATCH, BATCH_LR = 128, 0.1  # of the mini-batches in the table of fixes; usual sizes
FINAL_EPOCHS, FINAL_LR, MOMENTUM = 6, 0.1, 0.9  # of the fixed nets: past 0.975 in about 4 epochs, so 6 leave room
SEEDS = (0, 1, 2)  # of the fixed nets; their median counts
DEEP_SEEDS = (0, 1)  # of the deep printed net: the level of its loss depends on the seed, its failure does not
PUBLISHED_SHALLOW = dict(
    train_loss=1.3081, train_accuracy=0.6387, test_loss=1.2449, test_accuracy=0.6483
)  # document 002
PUBLISHED_DEEP = {46: -10.11, 47: -10.13, 48: -10.16, 49: -10.18}  # document 002, by epoch
GOAL = 0.975  # test accuracy that both shapes must pass, median of the seeds

AS_PRINTED, FOR_RELU = both("as printed", "原样"), both("softmax for the last ReLU", "末层 ReLU 换成 softmax")
ACCURACIES, NOTHING = both("0.0784 to 0.0984", "0.0784 至 0.0984"), both("nothing", "没有")
NUMBERS = {
    "train_loss": both("train loss", "训练损失"),
    "train_accuracy": both("train accuracy", "训练准确率"),
    "test_loss": both("test loss", "测试损失"),
    "test_accuracy": both("test accuracy", "测试准确率"),
}  # what is measured after each epoch

REASONS_IN_CHINESE = {
    "SHALLOW": "文献给出，加一列 1 为 785",
    "DEEP": "文献给出，同样加一列 1",
    "SCALE": "文献未给出；像素取 0 到 1",
    "LR": "文献给出：对批量求和的 1e-5（批量未给出；文献中下降的速度相当于全部样本）",
    "EPS": "文献给出：加在对数里面",
    "FIXING_EPOCHS": "修正表中每一行遍历数据的次数；足以区分 0.1 与 0.9",
    "BATCH, BATCH_LR": "修正表中的小批量；常用的大小",
    "FINAL_EPOCHS, FINAL_LR, MOMENTUM": "修正后的网络所用：约 4 轮超过 0.975，6 轮留有余地",
    "SEEDS": "修正后的网络所用；取中位数",
    "DEEP_SEEDS": "文献所印的深层网络所用：损失的数值取决于种子，失败与种子无关",
    "PUBLISHED_DEEP": "文献 002，按轮次",
    "GOAL": "两种网络都须超过的测试准确率，各种子的中位数",
}

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


# --- the run ---------------------------------------------------------------------------------------------------

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


def run(options: Options) -> Result:
    """Exercises, the published nets in two readings, the suspects, the fixes, the fixed nets."""
    digits = load(options)
    epochs, passes, final = (10, 4, 5) if options.quick else (EPOCHS, FIXING_EPOCHS, FINAL_EPOCHS)
    seeds, deep_seeds = (SEEDS[:1], DEEP_SEEDS[:1]) if options.quick else (SEEDS, DEEP_SEEDS)
    result = Result(
        "digits",
        both("MNIST by hand, and the deep net that fails", "手写的 MNIST，以及失败的深层网络"),
        both("document 002", "文献 002"),
        both(
            "Two and four layers by hand on the real images; what "
            "the document's failing network fails of, cause by cause.",
            "在真实图像上手写两层和四层网络；逐一找出文献中失败的网络败在哪里。",
        ),
    )
    options.log(both(f"two layers, as printed, {epochs} epochs", f"两层，按文献原样，{epochs} 轮"))
    shallow = train(PRINTED, SHALLOW, digits, epochs)
    options.log(both("two layers, softmax for the last ReLU", "两层，末层 ReLU 换成 softmax"))
    shallow_softmax = train(SOFTMAX, SHALLOW, digits, epochs)
    deep = []
    for seed in deep_seeds:
        options.log(both(f"four layers, as printed, seed {seed}", f"四层，按文献原样，种子 {seed}"))
        deep.append(train(PRINTED, DEEP, digits, epochs, seed))
    finals: dict[tuple[int, ...], list[dict[str, float]]] = {SHALLOW: [], DEEP: []}
    networks: dict[tuple[int, ...], nn.Module] = {}
    for sizes, numbers in finals.items():
        for seed in seeds:
            options.log(
                both(
                    f"{'-'.join(map(str, sizes))} with the fixes, seed {seed}",
                    f"{'-'.join(map(str, sizes))} 加上各项修正，种子 {seed}",
                )
            )
            network, measured = fixed(sizes, digits, final, seed)
            networks[sizes] = network
            numbers.append(measured)

    result.rows += _shallow_rows(shallow, shallow_softmax, finals[SHALLOW], seeds)
    result.rows += _deep_rows(deep, finals[DEEP], deep_seeds, seeds)
    runs = []
    for recipe in (*ALONE, *TOGETHER):
        options.log(both(f"fixes: {recipe.name}", f"修正：{zh(recipe.name)}"))
        runs.append(train(recipe, DEEP, digits, passes))
    result.grids.append(_side_by_side(shallow, shallow_softmax, deep[0]))
    result.grids.append(_fixes(runs, passes))
    sample, labels = digits.x_test[:1000], digits.labels_test[:1000]
    table, seen = _suspects_table(shallow, deep[0], runs, sample, labels)
    result.grids.append(table)
    healthy = fitting.examine(networks[DEEP], sample, labels, loss="cross_entropy")
    diagnosis, named = _doctor_table(seen, shallow, deep[0], runs, healthy, sample, labels)
    result.grids.append(diagnosis)
    result.claims += [*exercises(), cannot_run(printed_class_fails(PrintedBackward()))]
    result.claims += _claims(not options.quick, shallow, shallow_softmax, deep, runs, seen, named, healthy, finals)
    result.pictures += _pictures(shallow, shallow_softmax, deep[0], runs, networks[DEEP], digits)
    return result


def _shallow_rows(printed: Run, softmax: Run, finals: list[dict[str, float]], seeds: tuple[int, ...]) -> Iterator[Row]:
    for reading, run in ((AS_PRINTED, printed), (FOR_RELU, softmax)):
        for name, source in PUBLISHED_SHALLOW.items():
            note = {
                (AS_PRINTED, "train_loss"): both(
                    "what is printed cannot give the published numbers: without a softmax the loss falls below 0",
                    "文献所印的类得不到文献的数值：没有 softmax，损失会降到 0 以下",
                ),
                (FOR_RELU, "train_loss"): both(
                    "the family of the published numbers: they need a softmax "
                    "that the printed class lacks; batch, rate and pixel "
                    "scale are not given (full batch, 0.6 averaged, "
                    "0 to 1)",
                    "与文献数值同类：它们需要文献所印的类所缺少的 softmax；批量、学习率和像素缩放未给出（全批"
                    "量，平均后为 0.6，0 到 1）",
                ),
            }.get((reading, name), "")
            yield Row(
                both(
                    f"784-100-10, {name.replace('_', ' ')}, {reading}",
                    f"784-100-10，{NUMBERS[name].said('zh')}，{zh(reading)}",
                ),
                source,
                run.last(name),
                float(np.median([f[name] for f in finals])),
                run.seconds,
                float(np.median([f["seconds"] for f in finals])),
                note=note,
                better_seeds=seeds,
            )


def _deep_rows(
    deep: list[Run], finals: list[dict[str, float]], seeds: tuple[int, ...], better_seeds: tuple[int, ...]
) -> Iterator[Row]:
    first, better = deep[0], float(np.median([f["seconds"] for f in finals]))

    def median(name: str) -> float:
        return float(np.median([f[name] for f in finals]))

    losses = first.history["train_loss"]
    for epoch, source in PUBLISHED_DEEP.items():
        if epoch < len(losses):
            yield Row(
                both(f"784-100-100-100-10, train loss, epoch {epoch}", f"784-100-100-100-10，训练损失，第 {epoch} 轮"),
                source,
                losses[epoch],
                None,
                first.seconds,
            )
    slopes = [(run.history["train_loss"][-4] - run.last("train_loss")) / 3 for run in deep]
    others = ", ".join(f"{run.last('train_loss'):.2f}" for run in deep[1:])
    yield Row(
        both("784-100-100-100-10, fall of the loss an epoch, at the end", "784-100-100-100-10，最后每轮损失的下降"),
        (PUBLISHED_DEEP[46] - PUBLISHED_DEEP[49]) / 3,
        float(np.median(slopes)),
        None,
        first.seconds,
        None,
        seeds,
        both(
            f"the level depends on the seed (the other one ends at {others})",
            f"具体数值取决于种子（另一个终止于 {others}）",
        )
        if others
        else "",
    )
    accuracies = ", ".join(f"{run.last('test_accuracy'):.2f}" for run in deep)
    sources: dict[str, float | str] = {
        "train_loss": PUBLISHED_DEEP[49],
        "train_accuracy": ACCURACIES,
        "test_loss": -10.214,
        "test_accuracy": 0.0986,
    }
    for name, published in sources.items():
        note = (
            both(
                f"which class wins is an accident of the start ({accuracies} by seed)",
                f"哪一类胜出取决于起点（各种子为 {accuracies}）",
            )
            if name == "test_accuracy"
            else ""
        )
        yield Row(
            both(
                f"784-100-100-100-10, {name.replace('_', ' ')}, end",
                f"784-100-100-100-10，{NUMBERS[name].said('zh')}，结束时",
            ),
            published,
            first.last(name),
            median(name),
            first.seconds,
            better,
            note=note,
            better_seeds=better_seeds,
        )


def _side_by_side(shallow: Run, softmax: Run, deep: Run) -> Grid:
    names = list(PUBLISHED_SHALLOW)
    rows: list[Any] = [
        (both("two layers, document", "两层，文献"), *PUBLISHED_SHALLOW.values()),
        (both("two layers, class as printed", "两层，文献所印的类"), *(shallow.last(n) for n in names)),
        (
            both("two layers, softmax for the last ReLU", "两层，末层 ReLU 换成 softmax"),
            *(softmax.last(n) for n in names),
        ),
        (both("four layers, document", "四层，文献"), PUBLISHED_DEEP[49], ACCURACIES, -10.214, 0.0986),
        (both("four layers, class as printed", "四层，文献所印的类"), *(deep.last(n) for n in names)),
    ]
    header = ("", *(NUMBERS[n] for n in names))
    note = both(
        "The printed class fails with two layers as with four; the document's two-layer numbers are not its own.",
        "文献所印的类两层和四层都失败；文献中两层的数值不是由它得到的。",
    )
    return Grid(
        both("The document, its printed class and a softmax, side by side", "文献、文献所印的类与 softmax 的对照"),
        header,
        rows,
        note,
    )


def _fixes(runs: list[Run], epochs: int) -> Grid:
    header = (
        both("784-100-100-100-10 with", "784-100-100-100-10 加上"),
        both("train loss", "训练损失"),
        both("train accuracy", "训练准确率"),
        both("test accuracy", "测试准确率"),
        both("seconds", "秒"),
    )
    rows: list[Any] = [
        (r.recipe.name, r.last("train_loss"), r.last("train_accuracy"), r.last("test_accuracy"), r.seconds)
        for r in runs
    ]
    note = both(
        f"After {epochs} passes over the data, full batch with rate {LR:g}, mini-batches of {BATCH} with {BATCH_LR:g}. "
        "The lines with + begin with the softmax and add one fix each. All rows at once take only as many steps as "
        "passes, at a rate where the accuracy still swings. Residual layers alone are a copy of the failure: depth is "
        "not it.",
        f"遍历数据 {epochs} 次之后，全批量的学习率为 {LR:g}，批量 {BATCH} 的小批量为 {BATCH_LR:g}。"
        "带 + 的各行从 softmax 开始，每行再加一项修正。全部样本一起时，步数只等于遍历次数，且在该"
        "学习率下准确率仍在摆动。仅加残差层只是重复失败：原因不在深度。",
    )
    return Grid(both("Fixes, each alone and then together", "各项修正：单独使用与依次叠加"), header, rows, note)


def _suspects_table(
    shallow: Run, deep: Run, runs: list[Run], x: Array, labels: Array
) -> tuple[Grid, dict[str, dict[str, float]]]:
    good = _by_name(runs, "+ mini-batches")
    seen: dict[str, dict[str, float]] = {
        both("two layers as printed, start", "两层，原样，开始时"): suspects(
            PRINTED, PRINTED.network(SHALLOW, 0), x, labels
        ),
        both("two layers as printed, end", "两层，原样，结束时"): suspects(PRINTED, shallow.network, x, labels),
        both("four layers as printed, start", "四层，原样，开始时"): suspects(
            PRINTED, PRINTED.network(DEEP, 0), x, labels
        ),
        both("four layers as printed, end", "四层，原样，结束时"): suspects(PRINTED, deep.network, x, labels),
        both("four layers with softmax, start", "四层，加 softmax，开始时"): suspects(
            SOFTMAX, SOFTMAX.network(DEEP, 0), x, labels
        ),
        both("four layers fixed, start", "四层，修正后，开始时"): suspects(
            good.recipe, good.recipe.network(DEEP, 0), x, labels
        ),
        both("four layers fixed, end", "四层，修正后，结束时"): suspects(good.recipe, good.network, x, labels),
    }
    names = list(next(iter(seen.values())))
    rows: list[Any] = [(who, *(numbers[n] for n in names)) for who, numbers in seen.items()]
    note = both(
        "On 1 000 test images. Signal: deviation between images. Few units die, no output does, the gradient of the "
        "first layer is of the last one's order; but no gradient lowers a wrong output, so all ten rise together.",
        "在 1 000 张测试图像上。信号：图像之间的标准差。死亡的隐藏单元很少，没有死亡的输出，首层的"
        "梯度与末层同一数量级；但没有梯度使错误的输出降低，所以十个输出一起上升。",
    )
    return Grid(both("The suspects", "可疑的原因"), ("", *names), rows, note), seen


def _doctor_table(
    seen: Iterable[str], shallow: Run, deep: Run, runs: list[Run], healthy: fitting.Diagnosis, x: Array, labels: Array
) -> tuple[Grid, dict[str, set[str]]]:
    start_2, end_2, start_4, end_4, start_softmax, *_, end_fixed = seen
    patients = {
        start_2: (PRINTED, PRINTED.network(SHALLOW, 0), None),
        end_2: (PRINTED, shallow.network, shallow),
        start_4: (PRINTED, PRINTED.network(DEEP, 0), None),
        end_4: (PRINTED, deep.network, deep),
        start_softmax: (SOFTMAX, SOFTMAX.network(DEEP, 0), None),
    }
    named, rows = {}, []
    for who, (recipe, network, run) in patients.items():
        history = None if run is None else run.history["train_loss"]
        problems = examined(recipe, network, x, labels, history).problems
        named[who] = {finding.code for finding in problems}
        rows.append((who, ", ".join(dict.fromkeys(f.code for f in problems)) or NOTHING))
    rows.append((end_fixed, ", ".join(f.code for f in healthy.problems) or NOTHING))
    return Grid(
        both("What the doctor says by itself", "诊断自己的结论"),
        ("", both("errors and warnings", "错误与警告")),
        list(rows),
    ), named


def _by_name(runs: list[Run], name: str) -> Run:
    return next(run for run in runs if run.recipe.name == name)


def _claims(
    tested: bool,
    shallow: Run,
    softmax: Run,
    deep: list[Run],
    runs: list[Run],
    seen: dict[str, dict[str, float]],
    named: dict[str, set[str]],
    healthy: fitting.Diagnosis,
    finals: dict[tuple[int, ...], list[dict[str, float]]],
) -> list[Claim]:
    """tested: whether the runs were long enough for sentences about accuracies."""
    start, end = seen["four layers as printed, start"], seen["four layers as printed, end"]
    accuracy = {r.recipe.name: r.last("test_accuracy") for r in runs}
    medians = {
        "-".join(map(str, sizes)): float(np.median([f["test_accuracy"] for f in f_all]))
        for sizes, f_all in finals.items()
    }
    slopes = [(run.history["train_loss"][-4] - run.last("train_loss")) / 3 for run in deep]
    shapes = ", ".join(f"{k} {v:.4f}" for k, v in medians.items())
    alone = joined(both(f"{r.name} {accuracy[r.name]:.2f}", f"{zh(r.name)} {accuracy[r.name]:.2f}") for r in ALONE[2:])
    most, all_of_them = accuracy["+ mini-batches"], accuracy["+ residual layers"]
    return [
        shallow_claim(_numbers(shallow), _numbers(softmax), tested=tested),
        deep_claim(slopes, [run.last("test_accuracy") for run in deep], tested=tested),
        gradients_claim(start, end, tested=tested),
        depth_claim(shallow.last("train_loss"), shallow.last("train_accuracy"), accuracy, tested=tested),
        cross_entropy_claim(
            [r.history["train_loss"][0] for r in (shallow, *deep)],
            [r.last("train_loss") for r in (shallow, *deep)],
            end,
        ),
        own(
            both(
                "N(0, 1) weights are too large for a deep net: after the softmax, He's initialisation is what it needs",
                "N(0, 1) 的权重对深层网络过大：有了 softmax 之后，它需要的是 He 初始化",
            ),
            verdict_of(
                start["signal, last"] > 20 * start["signal, first layer"],
                accuracy[TOGETHER[0].name] > accuracy["softmax alone"] + 0.2,
                tested=tested,
            ),
            both(
                f"the signal grows from {start['signal, first layer']:.3g} to {start['signal, last']:.3g} within the "
                "hidden layers at the start; test accuracy with the "
                f"softmax alone {accuracy['softmax alone']:.2f}, with "
                f"He's initialisation too {accuracy[TOGETHER[0].name]:.2f}",
                f"开始时信号在隐藏层中从 {start['signal, first layer']:.3g} 增大到 {start['signal, last']:.3g}"
                f"；测试准确率：仅 softmax 为 {accuracy['softmax alone']:.2f}，"
                f"再加 He 初始化为 {accuracy[TOGETHER[0].name]:.2f}",
            ),
        ),
        own(
            both(
                "without the softmax no other fix helps; with it, He's initialisation, biases and mini-batches do",
                "没有 softmax，其他修正都无效；有了它，He 初始化、偏置和小批量都有效",
            ),
            verdict_of(
                max(accuracy[r.name] for r in ALONE[2:]) < 0.5, accuracy["+ mini-batches"] > 0.95, tested=tested
            ),
            both(
                f"{alone}; all but residual layers {most:.3f}, with them {all_of_them:.3f}",
                f"{zh(alone)}；除残差层外全部 {most:.3f}，加上残差层 {all_of_them:.3f}",
            ),
        ),
        doctor_claim(named, healthy.ok),
        own(
            both(
                f"with the fixes both shapes pass {GOAL} on the test images",
                f"加上各项修正后，两种网络在测试图像上都超过 {GOAL}",
            ),
            verdict_of(*(value >= GOAL for value in medians.values()), tested=tested),
            both(f"test accuracy, median of the seeds: {shapes}", f"测试准确率，各种子的中位数：{shapes}"),
        ),
    ]


def _numbers(run: Run) -> dict[str, float]:
    return {name: run.last(name) for name in PUBLISHED_SHALLOW}


def shallow_claim(printed: dict[str, float], softmax: dict[str, float], *, tested: bool) -> Claim:
    """Losses and accuracies at the end: of the printed class, and with a softmax in the place of its last ReLU."""

    def near(numbers: dict[str, float], name: str) -> bool:
        return abs(numbers[name] - PUBLISHED_SHALLOW[name]) < (0.5 if "loss" in name else 0.1)

    return Claim(
        both(
            "two layers end at a loss of 1.31 and an accuracy of 0.64 (test 1.24 and 0.65)",
            "两层网络终止于损失 1.31、准确率 0.64（测试 1.24 和 0.65）",
        ),
        verdict_of(*(near(printed, name) for name in PUBLISHED_SHALLOW), tested=tested),
        both(
            f"as printed {printed['train_loss']:.2f} and {printed['train_accuracy']:.2f}; with a softmax "
            f"{softmax['train_loss']:.2f} and {softmax['train_accuracy']:.2f}, test {softmax['test_loss']:.2f} and "
            f"{softmax['test_accuracy']:.2f}",
            f"原样为 {printed['train_loss']:.2f} 和 {printed['train_accuracy']:.2f}；"
            f"加 softmax 为 {softmax['train_loss']:.2f}"
            f" 和 {softmax['train_accuracy']:.2f}，测试 {softmax['test_loss']:.2f} 和 {softmax['test_accuracy']:.2f}",
        ),
        both(
            "these numbers need a softmax, which the printed class lacks: with it they are met within 0.5 and 0.1",
            "这些数值需要 softmax，而文献所印的类没有：加上它，损失与准确率分别在 0.5 和 0.1 以内吻合",
        ),
        verdict_of(*(near(softmax, name) for name in PUBLISHED_SHALLOW), tested=tested),
    )


def deep_claim(slopes: list[float], accuracies: list[float], *, tested: bool) -> Claim:
    """Fall of the loss an epoch at the end, and test accuracies, by seed."""
    published = (PUBLISHED_DEEP[46] - PUBLISHED_DEEP[49]) / 3
    falls, ends = ", ".join(f"{s:.3f}" for s in slopes), ", ".join(f"{a:.2f}" for a in accuracies)
    return Claim(
        both(
            f"four layers end at chance while the loss falls by {published:.3f} an epoch",
            f"四层网络终止于随机猜测的水平，而损失每轮下降 {published:.3f}",
        ),
        verdict_of(
            0.5 < float(np.median(slopes)) / published < 2, all(0.05 < a < 0.2 for a in accuracies), tested=tested
        ),
        both(
            f"fall of the loss by seed {falls}; test accuracy {ends}", f"各种子下损失的下降 {falls}；测试准确率 {ends}"
        ),
    )


def gradients_claim(start: dict[str, float], end: dict[str, float], *, tested: bool) -> Claim:
    """What `suspects` says of the deep printed net."""
    ratios = [s["gradient, first / last layer"] for s in (start, end)]
    return Claim(
        both("the deep network fails by vanishing or exploding gradients", "深层网络因梯度消失或爆炸而失败"),
        verdict_of(any(not 1e-3 < ratio < 1e3 for ratio in ratios), tested=tested),
        both(
            f"its first layer's gradient over its weights is {ratios[0]:.2g} of the last layer's at the start and "
            f"{ratios[1]:.2g} at the end; {end['dead hidden units']:.0%} "
            f"of a hidden layer and {end['dead outputs']:.0%} "
            f"of the outputs are dead at the end",
            f"首层梯度与权重之比，开始时是末层的 {ratios[0]:.2g} 倍，结束时是 {ratios[1]:.2g} 倍；结束"
            f"时一个隐藏层中有 {end['dead hidden units']:.0%}、输出中有 {end['dead outputs']:.0%} 死亡",
        ),
        both("they neither vanish nor explode, and few units die", "梯度既没有消失也没有爆炸，死亡的单元很少"),
        verdict_of(
            all(1e-3 < ratio < 1e3 for ratio in ratios),
            end["dead hidden units"] < 0.3,
            end["dead outputs"] == 0,
            tested=tested,
        ),
    )


def depth_claim(loss: float, train_accuracy: float, accuracy: dict[str, float], *, tested: bool) -> Claim:
    """loss, train_accuracy: of the printed class with two layers; accuracy: of the deep net, by fix."""
    shallow_fails, residual_fails = train_accuracy < 0.5, accuracy["residual layers alone"] < 0.5
    return Claim(
        both("the deep network fails by its depth (degradation)", "深层网络因深度而失败（退化）"),
        verdict_of(not shallow_fails, not residual_fails, tested=tested),
        both(
            f"two layers of the same class end at a loss of {loss:.2f} with accuracy {train_accuracy:.2f}; four with "
            f"residual layers at {accuracy['residual layers alone']:.2f}",
            f"同一个类的两层网络终止于损失 {loss:.2f}、准确率 {train_accuracy:.2f}；带残差层的四层网络"
            f"为 {accuracy['residual layers alone']:.2f}",
        ),
        both(
            "two layers fail alike, and the cure for depth, residual layers, does not help",
            "两层网络同样失败，而针对深度的办法（残差层）没有帮助",
        ),
        verdict_of(shallow_fails, residual_fails, tested=tested),
    )


def cross_entropy_claim(first: list[float], last: list[float], end: dict[str, float]) -> Claim:
    """Losses at the first and the last epoch, by run, and what `suspects` says at the end."""
    return Claim(
        both("the loss that ends at -10.18 is a cross-entropy", "终止于 -10.18 的损失是交叉熵"),
        verdict_of(min(last) >= 0),
        both(
            f"it ends at {', '.join(f'{v:.2f}' for v in last)}; the outputs of an image sum to "
            f"{end['sum of the outputs']:.3g}, and "
            f"{end['gradient that lowers wrong outputs']:.0%} of the gradient lowers "
            f"wrong outputs",
            f"它终止于 {'、'.join(f'{v:.2f}' for v in last)}；一张图像的各输出之和为 {end['sum of the outputs']:.3g}"
            f"，梯度中有 {end['gradient that lowers wrong outputs']:.0%} 使错误的输出降低",
        ),
        both(
            "no cross-entropy is negative: the outputs are no "
            "probabilities, nothing lowers the wrong ones, and the loss "
            "can fall without end",
            "交叉熵不会为负：这些输出不是概率，没有什么使错误的输出降低，损失可以无止境地下降",
        ),
        verdict_of(
            max(last) < 0,
            all(a > b for a, b in zip(first, last, strict=True)),
            end["gradient that lowers wrong outputs"] == 0,
            end["sum of the outputs"] > 2,
        ),
    )


def doctor_claim(named: dict[str, set[str]], healthy: bool) -> Claim:
    """named: codes of the doctor's errors and warnings, by network."""
    causes = {"outputs-do-not-compete", "unscaled-weights"}
    return own(
        both(
            "the doctor names the causes by itself: outputs that do "
            "not compete, the negative loss, unscaled weights and "
            "what they do to a deep net; and finds nothing wrong with the fixed one",
            "诊断自己就指出了原因：输出之间没有竞争、损失为负、权重未缩放及其对深层网络的影响；对修正"
            "后的网络没有发现问题",
        ),
        verdict_of(
            all(causes <= codes for who, codes in named.items() if "printed" in who),
            all("negative-loss" in codes for who, codes in named.items() if who.endswith("printed, end")),
            all("exploding-activations" in codes for who, codes in named.items() if "four" in who and "start" in who),
            healthy,
        ),
        both(
            f"in the table above; the fixed one is {'healthy' if healthy else 'not healthy'}",
            f"见上表；修正后的网络{'没有问题' if healthy else '有问题'}",
        ),
    )


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(
    shallow: Run, softmax: Run, deep: Run, runs: list[Run], network: nn.Module, digits: Digits
) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    readings = {
        both("2 layers, printed", "2 层，原样"): shallow,
        both("2 layers, softmax", "2 层，softmax"): softmax,
        both("4 layers, printed", "4 层，原样"): deep,
    }
    epochs = np.arange(1, len(deep.history["train_loss"]) + 1)
    curves = view.chart(
        [
            Panel(
                [Curve(epochs, r.history["train_loss"], n) for n, r in readings.items()],
                both("epoch", "轮次"),
                both("train loss (cut at 12)", "训练损失（截于 12）"),
                limits=(-12, 12),
            ),
            Panel(
                [Curve(epochs, r.history["test_accuracy"], n) for n, r in readings.items()],
                both("epoch", "轮次"),
                both("test accuracy", "测试准确率"),
                limits=(0, 1),
            ),
        ],
        title=both(
            "The printed class, and a softmax in the place of its last ReLU", "文献所印的类，以及末层 ReLU 换成 softmax"
        ),
    )
    passes = np.arange(1, len(runs[0].history["train_loss"]) + 1)
    parts = {
        both("each fix alone", "每项修正单独使用"): runs[: len(ALONE)],
        both("softmax, and one fix more each", "softmax，再逐项叠加修正"): [runs[1], *runs[len(ALONE) :]],
    }
    fixes = view.chart(
        [
            Panel(
                [Curve(passes, r.history["test_accuracy"], r.recipe.name, "marks") for r in part],
                both("passes over the data", "遍历数据的次数"),
                both("test accuracy", "测试准确率"),
                title=title,
                limits=(0, 1.02),
            )
            for title, part in parts.items()
        ],
        height=4.4,
        title=both(
            "784-100-100-100-10: each fix alone, and one after the other",
            "784-100-100-100-10：每项修正单独使用，以及依次叠加",
        ),
    )
    return [
        Picture(
            "digits-readings",
            both(
                "The printed class falls below 0 with two layers and with four.",
                "文献所印的类两层和四层都降到 0 以下。",
            ),
            curves,
        ),
        Picture(
            "digits-fixes",
            both(
                "Four layers: without a softmax nothing helps; with it He's weights and mini-batches do.",
                "四层：没有 softmax 什么都无效；有了它，He 初始化和小批量有效。",
            ),
            fixes,
        ),
    ]
