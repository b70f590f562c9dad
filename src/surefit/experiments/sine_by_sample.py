"""sine-by-sample: a three-layer sigmoid network that learns sin x one sample at a time (document 003).

    y = s(s(x W1 + b1) W2 + b2) W3 + b3,   s the sigmoid;   loss of a sample 1/2 (y - sin x)^2

Forward and backward are written out below, every shape beside its line. The published run can be met to the digit,
because its random stream is known. Then the document's sentences about batches, noise, optima and saddles are measured.
"""

from __future__ import annotations

import time as clock
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from surefit import fitting, view
from surefit.core import functions as fn
from surefit.core.creation import tensor
from surefit.core.functional import grad, hessian
from surefit.sentences import both, zh
from surefit.view.language import drawn

from .byhand import Sigmoid
from .result import Claim, Grid, Options, Picture, Result, Row, own, verdict_of

# --- settings ---------------------------------------------------------------------------------------------------

SEED = 0  # the published stream: W1, W2, W3 normal, then training x, then test x
WIDTHS = (1, 10, 10, 1)  # given
TRAIN, TEST = 50, 10  # given
LR = 0.1  # given
EPOCHS = 2000  # given: 100 000 updates of one sample each, in the order of the data, no shuffling
PUBLISHED = {
    100: (0.05917, 0.07770),
    500: (0.02777, 0.02598),
    1000: (0.01122, 0.00591),
    2000: (0.00146, 0.00044),
}  # train and test loss by epoch, as the document's script prints them with its seed: its only random stream is known
BATCHES = (1, 8, 50)  # the document's one sample; eight; all
SMOOTH = 41  # records (of 50 updates) in a running median: batches of 8 in a fixed order never settle within a round
SADDLES = 20  # random members of the family of saddle points that is written down
STARTS = 10  # other starting weights, to see whether the end depends on the start
LOW, HIGH = -2 * np.pi, 2 * np.pi  # given

REASONS_IN_CHINESE = {
    "SEED": "文献的随机流：先是正态的 W1、W2、W3，然后训练 x，再是测试 x",
    "EPOCHS": "文献给出：100 000 次更新，每次一个样本，按数据的顺序，不打乱",
    "BATCHES": "文献的单个样本；八个；全部",
    "SMOOTH": "滑动中位数所含的记录数（每条 50 次更新）：顺序固定的批量 8 在一遍之内不会稳定",
    "SADDLES": "从写出的鞍点族中随机抽取的个数",
    "STARTS": "其他起始权重，看看结局是否取决于起点",
}

Array = np.ndarray
Weights = list[Array]  # W1 (1, 10), b1 (10,), W2 (10, 10), b2 (10,), W3 (10, 1), b3 (1,)
sigmoid = Sigmoid().forward


def draw(seed: int = SEED) -> tuple[Weights, Array, Array]:
    """Weights, training x (50, 1), test x (10, 1), in the order of the published stream (NumPy's legacy generator)."""
    stream = np.random.RandomState(seed)
    matrices = [stream.randn(i, o) for i, o in pairwise(WIDTHS)]
    x, x_test = (LOW + (HIGH - LOW) * stream.random_sample((n, 1)) for n in (TRAIN, TEST))
    weights = [part for w in matrices for part in (w, np.zeros(w.shape[1]))]  # biases 0
    return weights, x, x_test


# --- the network, by hand ------------------------------------------------------------------------------------------


def forward(w: Weights, x: Array) -> tuple[Array, Array, Array]:
    """The prediction, and the two hidden activations that the way back needs: nothing else is remembered."""
    W1, b1, W2, b2, W3, b3 = w
    a1 = sigmoid(x @ W1 + b1)  # (n, 1) @ (1, 10) + (10,) -> (n, 10)
    a2 = sigmoid(a1 @ W2 + b2)  # (n, 10) @ (10, 10) + (10,) -> (n, 10)
    p = a2 @ W3 + b3  # (n, 10) @ (10, 1) + (1,) -> (n, 1), linear
    return p, a1, a2


def backward(w: Weights, x: Array, y: Array) -> tuple[Weights, float]:
    """Gradients of the mean of 1/2 (p - y)^2, in the order and shapes of the weights, and that mean."""
    _, _, W2, _, W3, _ = w
    p, a1, a2 = forward(w, x)
    g3 = (p - y) / len(x)  # (n, 1): dL/dp
    g2 = (g3 @ W3.T) * a2 * (1 - a2)  # (n, 1) @ (1, 10) -> (n, 10), through the second sigmoid
    g1 = (g2 @ W2.T) * a1 * (1 - a1)  # (n, 10) @ (10, 10) -> (n, 10), through the first
    gradients = [
        x.T @ g1,  # (1, n) @ (n, 10) -> (1, 10)
        g1.sum(axis=0),  # (10,)
        a1.T @ g2,  # (10, n) @ (n, 10) -> (10, 10)
        g2.sum(axis=0),  # (10,)
        a2.T @ g3,  # (10, n) @ (n, 1) -> (10, 1)
        g3.sum(axis=0),  # (1,)
    ]
    return gradients, float(0.5 * np.square(p - y).mean())


def loss_of(w: Weights, x: Array) -> float:
    """Mean of 1/2 (p - sin x)^2."""
    return float(0.5 * np.square(forward(w, x)[0] - np.sin(x)).mean())


def train(
    w: Weights,
    x: Array,
    x_test: Array,
    *,
    batch: int = 1,
    updates: int,
    seconds: float = 0.0,
    gradient: Callable[[Weights, Array, Array], tuple[Weights, float]] = backward,
) -> dict[str, list[float]]:
    """SGD in place, in the order of the data, for so many updates and seconds at least; losses every 50 updates.

    The train loss is the mean of the losses met on the way, as the document has it.
    """
    history: dict[str, list[float]] = {"update": [], "train": [], "test": [], "seconds": []}
    y, n, began, count = np.sin(x), len(x), clock.perf_counter(), 0
    met: list[float] = []
    while True:
        for start in range(0, n, batch):
            gradients, value = gradient(w, x[start : start + batch], y[start : start + batch])
            met.append(value)
            for parameter, g in zip(w, gradients, strict=True):
                parameter -= LR * g
            count += 1
            if count % TRAIN == 0:
                row = (float(count), float(np.mean(met)), loss_of(w, x_test), clock.perf_counter() - began)
                for column, number in zip(history.values(), row, strict=True):
                    column.append(number)
                met.clear()
                if count >= updates and row[-1] >= seconds:
                    return history


def averaged_first(w: Weights, x: Array, y: Array) -> tuple[Weights, float]:
    """The document's recipe for mini-batches: average predictions and labels, then one loss 1/2 (mean p - mean y)^2.

    Its gradient by every p is the same number, (mean p - mean y) / n: the network is told only that it is too high or
    too low on the whole, and any function with the right mean has loss 0.
    """
    p, _, _ = forward(w, x)
    off = float((p - y).mean())
    gradients, _ = backward(w, x, p - off)  # dL/dp = (p - (p - off)) / n = off / n for every sample
    return gradients, 0.5 * off**2


# --- the run ---------------------------------------------------------------------------------------------------


def run(options: Options) -> Result:
    """The published run, surefit's own way, batches, and the document's sentences measured."""
    epochs = 100 if options.quick else EPOCHS
    updates = epochs * TRAIN
    result = Result(
        "sine-by-sample",
        both("sin x, one sample at a time", "逐个样本学习 sin x"),
        both("document 003", "文献 003"),
        both(
            "A 1-10-10-1 sigmoid network on 50 points of sin x, one sample an update, backward written by hand.",
            "sin x 的 50 个点上的 1-10-10-1 sigmoid 网络，每次更新用一个样本，反向传播手写。",
        ),
    )
    options.log(both("the published run, 50 updates an epoch", "文献的训练，每轮 50 次更新"))
    w, x, x_test = draw()
    start = [part.copy() for part in w]
    history = train(w, x, x_test, updates=updates)
    seconds = history["seconds"][-1]

    options.log(both("surefit's own way", "surefit 自己的做法"))
    began = clock.perf_counter()
    fit = fitting.fit("sin(x)", {"x": (LOW, HIGH)}, method=fitting.Adam(epochs=40) if options.quick else "auto")
    own_seconds = clock.perf_counter() - began
    better_losses = [
        float(0.5 * np.square(fit.predict(points) - np.sin(points[:, 0])).mean()) for points in (x, x_test)
    ]

    for epoch, published in PUBLISHED.items():
        if epoch <= epochs:
            last = epoch == max(e for e in PUBLISHED if e <= epochs)
            for name, source, better in zip(
                (both("train", "训练"), both("test", "测试")), published, better_losses, strict=True
            ):
                result.rows.append(
                    Row(
                        both(f"{name} loss, epoch {epoch}", f"{zh(name)}损失，第 {epoch} 轮"),
                        source,
                        round(history[name][epoch - 1], 5),
                        better if last else None,
                        seconds * epoch / epochs,
                        own_seconds if last else None,
                    )
                )

    every = range(100, epochs + 1, 100)
    losses: list[Any] = [(e, history["train"][e - 1], history["test"][e - 1]) for e in every]
    result.grids.append(
        Grid(
            both("Every 100 epochs", "每 100 轮"),
            (both("epoch", "轮次"), both("train loss", "训练损失"), both("test loss", "测试损失")),
            losses,
        )
    )
    options.log(
        both("batches of 1, 8 and all, at equal updates and at equal time", "批量 1、8 与全部，更新次数相同与时间相同")
    )
    by_updates, by_time = {1: history}, {1: history}
    for batch in BATCHES[1:]:
        long = train(_copy(start), x, x_test, batch=batch, updates=updates, seconds=seconds)
        by_updates[batch] = _until(long, "update", updates)
        by_time[batch] = _until(long, "seconds", seconds)
    result.grids.append(_batches(by_updates, by_time))

    result.claims += [
        _digits_met(result.rows),
        _recipe(start, x, x_test, updates),
        _not_linear(w),
        _starts(x, options),
        _saddles(x),
        _saturated(x, x_test, options),
        _representation(start, x, by_updates, by_time, tested=not options.quick),
        _memory(start, x),
    ]
    result.pictures += _pictures(w, x, x_test, history, fit, by_updates, by_time)
    return result


def _copy(w: Weights) -> Weights:
    return [part.copy() for part in w]


def smoothed(values: list[float]) -> Array:
    """A running median over the last SMOOTH values, (n,)."""
    padded = np.concatenate([np.full(SMOOTH - 1, values[0]), values])
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTH), axis=1))


def _until(history: dict[str, list[float]], column: str, end: float) -> dict[str, list[float]]:
    """The part of a history in which a column has not passed its end."""
    count = max(1, int(np.searchsorted(history[column], end, side="right")))
    return {name: values[:count] for name, values in history.items()}


def _batches(by_updates: dict[int, Any], by_time: dict[int, Any]) -> Grid:
    rows: list[Any] = []
    for batch in BATCHES:
        a, b = by_updates[batch], by_time[batch]
        ends = (float(smoothed(values)[-1]) for values in (a["train"], a["test"], b["test"]))
        train_end, test_end, then = ends
        rows.append((batch, train_end, test_end, a["seconds"][-1], b["update"][-1], then))
    n = int(by_updates[1]["update"][-1])
    header = (
        both("batch", "批量"),
        both(f"train, {n} updates", f"训练，{n} 次更新"),
        both(f"test, {n} updates", f"测试，{n} 次更新"),
        both("seconds", "秒"),
        both("updates in equal time", "相同时间内的更新次数"),
        both("test, then", "此时的测试损失"),
    )
    note = both(
        f"Learning rate {LR} for all; equal time is what batch 1 took; losses are running medians.",
        f"学习率都是 {LR}；相同时间指批量 1 所用的时间；损失取滑动中位数。",
    )
    return Grid(
        both("Batch size at equal updates and at equal time", "批量大小：更新次数相同与时间相同"), header, rows, note
    )


# --- the claims ------------------------------------------------------------------------------------------------


def _digits_met(rows: list[Row]) -> Claim:
    met = [row.source == row.faithful for row in rows]
    return Claim(
        both("the train and test losses that the document's script prints", "文献的脚本打印出的训练和测试损失"),
        verdict_of(*met),
        both(
            f"{sum(met)} of {len(met)} values are met in every digit given",
            f"{len(met)} 个数值中有 {sum(met)} 个与给出的每一位都吻合",
        ),
        both(
            "they come from NumPy's legacy stream with seed 0, in "
            "the order W1, W2, W3, training x, test x; the train loss "
            "is the mean of the losses met on the way, each before its update",
            "它们来自 NumPy 旧式随机流，种子为 0，依次取 W1、W2、W3、训练 x、测试 x；训练损失是途中所"
            "遇损失的平均，每个都在更新之前",
        ),
        verdict_of(all(met)),
    )


def _recipe(start: Weights, x: Array, x_test: Array, updates: int) -> Claim:
    w = _copy(start)
    its_own = train(w, x, x_test, batch=TRAIN, updates=max(updates // 10, 1000), gradient=averaged_first)["train"][-1]
    return recipe_claim(its_own, loss_of(w, x), float(0.5 * np.var(np.sin(x))))


def recipe_claim(its_own: float, true: float, constant: float) -> Claim:
    """its_own: the recipe's loss at the end; true: that of the samples; constant: that of the best constant."""
    return Claim(
        both(
            "for a mini-batch: average predictions and labels, then take one loss",
            "对一个小批量：先把预测和标签分别平均，再算一个损失",
        ),
        verdict_of(true < 0.1 * constant),
        both(
            f"its loss ends at {its_own:.1e}, the loss of the samples "
            f"at {true:.3f}; the best constant has {constant:.3f}",
            f"它自己的损失终止于 {its_own:.1e}，各样本的损失终止于 {true:.3f}；最好的常数为 {constant:.3f}",
        ),
        both(
            "every function with the right mean has the loss 0: average the losses, not the predictions",
            "凡平均值正确的函数损失都是 0：应当平均损失，而不是平均预测",
        ),
        verdict_of(its_own < 1e-6 and true > 0.8 * constant),
    )


def _not_linear(w: Weights) -> Claim:
    grid = np.linspace(LOW, HIGH, 200)[:, None]
    p = forward(w, grid)[0]
    line = np.polyval(np.polyfit(grid[:, 0], p[:, 0], 1), grid[:, 0])
    share = float(np.var(p[:, 0] - line) / np.var(p))
    return Claim(
        both("the network is 'linear'", "这个网络是“线性”的"),
        verdict_of(share < 0.01),
        both(
            f"the best straight line leaves {share:.0%} of the variance of the fitted curve",
            f"最好的直线剩下拟合曲线方差的 {share:.0%}",
        ),
        both("only its output layer is linear", "只有它的输出层是线性的"),
        verdict_of(share > 0.3),
    )


def _starts(x: Array, options: Options) -> Claim:
    """Several networks at once: one leading axis for the start, matrix products over the last two."""
    count, updates = (4, 200) if options.quick else (STARTS, 20_000)
    drawn = [draw(seed)[0] for seed in range(count)]
    w = [np.stack(parts) if parts[0].ndim == 2 else np.stack(parts)[:, None, :] for parts in zip(*drawn, strict=True)]
    y = np.sin(x)
    for _ in range(updates):
        W1, b1, W2, b2, W3, b3 = w
        a1 = sigmoid(x @ W1 + b1)  # (starts, 50, 10)
        a2 = sigmoid(a1 @ W2 + b2)
        g3 = (a2 @ W3 + b3 - y) / len(x)  # (starts, 50, 1)
        g2 = (g3 @ W3.swapaxes(1, 2)) * a2 * (1 - a2)
        g1 = (g2 @ W2.swapaxes(1, 2)) * a1 * (1 - a1)
        pairs = ((x.T, g1), (a1.swapaxes(1, 2), g2), (a2.swapaxes(1, 2), g3))
        for k, (a, g) in enumerate(pairs):
            w[2 * k] -= LR * (a @ g)
            w[2 * k + 1] -= LR * g.sum(axis=1, keepdims=True)
    W1, b1, W2, b2, W3, b3 = w
    p = sigmoid(sigmoid(x @ W1 + b1) @ W2 + b2) @ W3 + b3
    losses = np.sort(0.5 * np.square(p - y).mean(axis=(1, 2)))
    return starts_claim(losses, updates, tested=not options.quick)


def starts_claim(losses: Array, updates: int, *, tested: bool) -> Claim:
    """losses: at the end of each start, sorted."""
    ratio = float(losses[-1] / losses[0])
    return Claim(
        both("linear networks, such as this one, have no local optima", "像这样的线性网络没有局部最优"),
        verdict_of(ratio < 1.2, tested=tested),
        both(
            f"{len(losses)} starts end between {losses[0]:.2g} and {losses[-1]:.2g} after {updates} updates with all "
            f"samples, a factor of {ratio:.2g}",
            f"{len(losses)} 个起点用全部样本更新 {updates} 次后，终止于 {losses[0]:.2g} 与 {losses[-1]:.2g}"
            f" 之间，相差 {ratio:.2g} 倍",
        ),
        both(
            "true of networks without activations (Baldi and Hornik "
            "1989); this one ends where its start leads, in optima "
            "or on plateaus, between which gradient descent cannot tell",
            "对没有激活函数的网络成立（Baldi 与 Hornik，1989）；这个网络终止于何处取决于起点，可能在最"
            "优处，也可能在平坦区，梯度下降分辨不了两者",
        ),
        verdict_of(ratio > 1.2, tested=tested),
    )


def saddle(x: Array, rng: np.random.Generator) -> tuple[float, Array]:
    """The largest gradient and the curvatures at W2 = 0, W3 = 0, b3 = the mean label, everything else drawn.

    There the output is the mean label whatever W1, b1 and b2 are: a family of as many dimensions as these have numbers.
    """
    w = [rng.standard_normal(part.shape) for part in draw()[0]]
    w[2][:], w[4][:], w[5][:] = 0.0, 0.0, np.sin(x).mean()
    sizes = [part.shape for part in w]
    ends = np.cumsum([part.size for part in w])
    inputs, labels = tensor(x), tensor(np.sin(x))

    def loss(v: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = (
            v[end - int(np.prod(shape)) : end].reshape(shape) for end, shape in zip(ends.tolist(), sizes, strict=True)
        )
        a2 = fn.sigmoid(fn.sigmoid(inputs @ W1 + b1) @ W2 + b2)
        return 0.5 * fn.square(a2 @ W3 + b3 - labels).mean()

    at = tensor(np.concatenate([part.ravel() for part in w]))
    return float(np.abs(grad(loss)(at).numpy()).max()), np.linalg.eigvalsh(hessian(loss)(at).numpy())


def _saddles(x: Array) -> Claim:
    rng = np.random.default_rng(SEED)
    return saddles_claim([saddle(x, rng) for _ in range(SADDLES)])


def saddles_claim(found: list[tuple[float, Array]]) -> Claim:
    """found: gradient and curvatures at points drawn from the family."""
    saddles = [bool(slope < 1e-12 and c[0] < -1e-8 and c[-1] > 1e-3) for slope, c in found]
    lowest, highest = min(c[0] for _, c in found), max(c[-1] for _, c in found)
    dimension = 3 * WIDTHS[1]  # W1, b1 and b2
    return Claim(
        both("saddle points are rare", "鞍点很少见"),
        verdict_of(not any(saddles)),
        both(
            f"W2 = 0, W3 = 0, b3 = the mean label, all else drawn: {sum(saddles)} of {len(saddles)} such points are "
            f"saddles, gradient {max(slope for slope, _ in found):.0e} or less, curvatures from {lowest:.2g} to "
            f"{highest:.2g}",
            f"W2 = 0，W3 = 0，b3 = 标签均值，其余随机：{len(saddles)} 个这样的点中有 {sum(saddles)} 个"
            f"是鞍点，梯度不超过 {max(slope for slope, _ in found):.0e}，曲率从 {lowest:.2g} 到 {highest:.2g}",
        ),
        both(
            f"they fill a family of {dimension} dimensions that is written down in a line",
            f"它们构成一个 {dimension} 维的族，一行就能写出",
        ),
        verdict_of(all(saddles)),
    )


def saturated(w: Weights, x: Array) -> float:
    """Share of the hidden units that are flat (slope below 2 % of the steepest) on 90 % of the samples or more."""
    _, a1, a2 = forward(w, x)
    flat = [(4 * a * (1 - a) < 0.02).mean(axis=0) >= 0.9 for a in (a1, a2)]
    return float(np.concatenate(flat).mean())


def _saturated(x: Array, x_test: Array, options: Options) -> Claim:
    """Weights ten times too large in the second layer: do single samples free its units?"""
    seeds, updates = (1, 2000) if options.quick else (3, 20_000)
    before, after = [], {1: [], TRAIN: []}  # type: ignore[var-annotated]
    for seed in range(seeds):
        start, _, _ = draw(seed)
        start[2] *= 10.0
        before.append(saturated(start, x))
        for batch, shares in after.items():
            w = _copy(start)
            train(w, x, x_test, batch=batch, updates=updates)
            shares.append(saturated(w, x))
    share, single, whole = (float(np.mean(v)) for v in (before, after[1], after[TRAIN]))
    return saturated_claim(share, single, whole, updates, tested=not options.quick)


def saturated_claim(share: float, single: float, whole: float, updates: int, *, tested: bool) -> Claim:
    """Shares of flat units: at the start, at the end with single samples, at the end with all samples at once."""
    return Claim(
        both("the noise of single samples helps saturated units", "单个样本的噪声有助于饱和的单元"),
        verdict_of(single < whole - 0.1, tested=tested),
        both(
            f"W2 ten times larger saturates {share:.0%} of the units; "
            f"after {updates} updates {single:.0%} are saturated "
            f"with batch 1, {whole:.0%} with all samples at once",
            f"W2 放大十倍使 {share:.0%} 的单元饱和；{updates} 次更新后，批量 1 时 {single:.0%} 饱和，全"
            f"部样本一起时 {whole:.0%} 饱和",
        ),
        both(
            "a flat unit multiplies noise by its slope of nearly 0, as it does anything else",
            "平坦的单元把噪声乘以自己接近 0 的斜率，对其他一切也是如此",
        ),
        verdict_of(share > 0.1 and abs(single - whole) <= 0.1, tested=tested),
    )


def _representation(
    start: Weights, x: Array, by_updates: dict[int, Any], by_time: dict[int, Any], *, tested: bool
) -> Claim:
    y, rng = np.sin(x), np.random.default_rng(SEED)
    whole = np.concatenate([g.ravel() for g in backward(start, x, y)[0]])
    off = {}
    for batch in (1, 8):
        errors = []
        for _ in range(200):
            rows = rng.integers(0, len(x), batch)
            errors.append(np.concatenate([g.ravel() for g in backward(start, x[rows], y[rows])[0]]) - whole)
        off[batch] = float(np.sqrt(np.mean(np.square(errors).sum(axis=1))) / np.linalg.norm(whole))
    ends = [{b: float(smoothed(runs[b]["test"])[-1]) for b in BATCHES} for runs in (by_updates, by_time)]
    return representation_claim(off[1] / off[8], *ends, tested=tested)


def representation_claim(
    ratio: float, by_updates: dict[int, float], by_time: dict[int, float], *, tested: bool
) -> Claim:
    """ratio: how much nearer the gradient of 8 samples is to that of all; then the test loss at the end, by batch."""
    ends = ", ".join(f"{b}: {by_updates[b]:.2g} / {by_time[b]:.2g}" for b in BATCHES)
    falling = [by_time[BATCHES[i + 1]] < by_time[BATCHES[i]] for i in range(len(BATCHES) - 1)]
    nearer = 2.2 < ratio < 3.6  # sqrt 8 = 2.83
    return Claim(
        both("larger batches represent the data better", "更大的批量更能代表数据"),
        verdict_of(nearer, all(falling), tested=tested),
        both(
            f"the gradient of 8 samples is {ratio:.1f} times nearer "
            "to that of all than one sample's (sqrt 8 = 2.8); test "
            f"loss by batch at equal updates / equal time: {ends}",
            f"8 个样本的梯度与全部样本的梯度之差，是单个样本的 1/{ratio:.1f}（sqrt 8 = 2.8）；各批量的"
            f"测试损失，更新次数相同 / 时间相同：{ends}",
        ),
        both(
            "their gradient is nearer to that of all samples, by the root of their number",
            "它们的梯度更接近全部样本的梯度，差距按样本数的平方根缩小",
        ),
        verdict_of(nearer, tested=tested),
    )


def _memory(start: Weights, x: Array) -> Claim:
    def held(remember: bool) -> float:
        w, kept = _copy(start), []
        tracemalloc.start()
        for i in range(1000):
            row = x[i % TRAIN : i % TRAIN + 1]
            gradients, _ = backward(w, row, np.sin(row))
            if remember:
                kept.append(forward(w, row))  # what the document's list of activations does
            for parameter, g in zip(w, gradients, strict=True):
                parameter -= LR * g
        used = tracemalloc.get_traced_memory()[0] / 1000
        tracemalloc.stop()
        return used

    return memory_claim(held(True), held(False))


def memory_claim(growing: float, ours: float) -> Claim:
    """Bytes held more after each update: with the document's list, and without."""
    return own(
        both(
            "the document's list of activations is never emptied and grows with every update; nothing of ours does",
            "文献中保存激活值的列表从不清空，每次更新都增长；我们没有这样的东西",
        ),
        verdict_of(growing > 300, ours < 30),
        both(
            f"{growing:.0f} bytes more after each update, "
            f"{growing * EPOCHS * TRAIN / 1e6:.0f} MB in the whole run; ours "
            f"{max(ours, 0):.0f}",
            f"每次更新多占 {growing:.0f} 字节，整个训练 {growing * EPOCHS * TRAIN / 1e6:.0f} MB；我们的"
            f"为 {max(ours, 0):.0f}",
        ),
    )


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(
    w: Weights, x: Array, x_test: Array, history: Any, fit: Any, by_updates: dict[int, Any], by_time: dict[int, Any]
) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    grid = np.linspace(LOW, HIGH, 200)[:, None]
    epochs = np.arange(1, len(history["train"]) + 1)
    curves = [
        Curve(epochs, history[k], k, colour=c) for k, c in ((both("train", "训练"), 0), (both("test", "测试"), 2))
    ]
    shown = [
        Curve(grid[:, 0], np.sin(grid[:, 0]), "sin x", "target"),
        Curve(grid[:, 0], forward(w, grid)[0][:, 0], both("network", "网络"), "fit"),
        Curve(x[:, 0], np.sin(x[:, 0]), both("training", "训练"), "train"),
        Curve(x_test[:, 0], np.sin(x_test[:, 0]), both("test", "测试"), "test"),
    ]
    run_figure = view.chart(
        [
            Panel(
                curves,
                both("epoch of 50 updates", "轮次（每轮 50 次更新）"),
                both("mean of ½ (p − y)²", "½ (p − y)² 的平均"),
                log="y",
            ),
            Panel(shown, "x", "y"),
        ],
        title=both("sin x, one sample at a time", "逐个样本学习 sin x"),
    )
    names = {
        1: both("batch 1", "批量 1"),
        8: both("batch 8", "批量 8"),
        TRAIN: both(f"all {TRAIN}", f"全部 {TRAIN} 个"),
    }
    batch_figure = view.chart(
        [
            Panel(
                [Curve(by_updates[b]["update"], smoothed(by_updates[b]["test"]), names[b]) for b in BATCHES],
                both("updates", "更新次数"),
                both("test loss", "测试损失"),
                title=both("at equal updates", "更新次数相同"),
                log="y",
            ),
            Panel(
                [Curve(by_time[b]["seconds"], smoothed(by_time[b]["test"]), names[b]) for b in BATCHES],
                both("seconds", "秒"),
                both("test loss", "测试损失"),
                title=both("at equal time", "时间相同"),
                log="y",
            ),
        ],
        share_y=True,
        title=both("Batches of 1, 8 and all samples", "批量 1、8 与全部样本"),
    )
    errors = [
        Curve(
            grid[:, 0], np.abs(forward(w, grid)[0] - np.sin(grid))[:, 0], both("the document's network", "文献的网络")
        ),
        Curve(grid[:, 0], np.abs(fit.predict(grid) - np.sin(grid[:, 0])), "surefit.fit"),
    ]
    error_figure = view.chart(
        [Panel(errors, "x", both("|error|", "|误差|"), log="y")],
        title=both("Error of the document's network and of surefit.fit", "文献的网络与 surefit.fit 的误差"),
    )
    diagram = view.network_diagram(
        WIDTHS, title=drawn(both("1-10-10-1: sigmoid, sigmoid, linear", "1-10-10-1：sigmoid、sigmoid、线性"))
    ).figure()
    return [
        Picture(
            "sine-by-sample-network",
            both("The network: sigmoid hidden layers, a linear output.", "网络：sigmoid 隐藏层，线性输出。"),
            diagram,
        ),
        Picture(
            "sine-by-sample",
            both(
                "Losses by epoch, and the fit at the end with the points it saw.",
                "各轮的损失，以及最终的拟合和它见过的点。",
            ),
            run_figure,
        ),
        Picture(
            "sine-by-sample-batches",
            both(
                "Test loss with batches of 1, 8 and all 50 samples, running medians.",
                "批量 1、8 与全部 50 个样本的测试损失，滑动中位数。",
            ),
            batch_figure,
        ),
        Picture(
            "sine-by-sample-errors",
            both(
                "Error of the reproduced network and of surefit's own fit.", "复现的网络与 surefit 自己的拟合的误差。"
            ),
            error_figure,
        ),
    ]
