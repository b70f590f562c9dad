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
        "sin x, one sample at a time",
        "document 003",
        "A 1-10-10-1 sigmoid network on 50 points of sin x, one sample an update, backward written by hand.",
    )
    options.log("the published run, 50 updates an epoch")
    w, x, x_test = draw()
    start = [part.copy() for part in w]
    history = train(w, x, x_test, updates=updates)
    seconds = history["seconds"][-1]

    options.log("surefit's own way")
    began = clock.perf_counter()
    fit = fitting.fit("sin(x)", {"x": (LOW, HIGH)}, method=fitting.Adam(epochs=40) if options.quick else "auto")
    own_seconds = clock.perf_counter() - began
    better_losses = [
        float(0.5 * np.square(fit.predict(points) - np.sin(points[:, 0])).mean()) for points in (x, x_test)
    ]

    for epoch, published in PUBLISHED.items():
        if epoch <= epochs:
            last = epoch == max(e for e in PUBLISHED if e <= epochs)
            for name, source, better in zip(("train", "test"), published, better_losses, strict=True):
                result.rows.append(
                    Row(
                        f"{name} loss, epoch {epoch}",
                        source,
                        round(history[name][epoch - 1], 5),
                        better if last else None,
                        seconds * epoch / epochs,
                        own_seconds if last else None,
                    )
                )

    every = range(100, epochs + 1, 100)
    losses: list[Any] = [(e, history["train"][e - 1], history["test"][e - 1]) for e in every]
    result.grids.append(Grid("Every 100 epochs", ("epoch", "train loss", "test loss"), losses))
    options.log("batches of 1, 8 and all, at equal updates and at equal time")
    by_updates, by_time = {1: history}, {1: history}
    for batch in BATCHES[1:]:
        long = train(_copy(start), x, x_test, batch=batch, updates=updates, seconds=seconds)
        by_updates[batch] = _until(long, "update", updates)
        by_time[batch] = _until(long, "seconds", seconds)
    result.grids.append(_batches(by_updates, by_time))

    result.claims += [
        _digits_met(result.rows),
        _recipe(start, x, x_test, updates),
        _not_linear(w, x),
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
    header = ("batch", f"train, {n} updates", f"test, {n} updates", "seconds", "updates in equal time", "test, then")
    note = f"Learning rate {LR} for all; equal time is what batch 1 took; losses are running medians."
    return Grid("Batch size at equal updates and at equal time", header, rows, note)


# --- the claims ------------------------------------------------------------------------------------------------


def _digits_met(rows: list[Row]) -> Claim:
    met = [row.source == row.faithful for row in rows]
    return Claim(
        "the train and test losses that the document's script prints",
        verdict_of(*met),
        f"{sum(met)} of {len(met)} values are met in every digit given",
        "they come from NumPy's legacy stream with seed 0, in the order W1, W2, W3, training x, test x; the train loss "
        "is the mean of the losses met on the way, each before its update",
        verdict_of(all(met)),
    )


def _recipe(start: Weights, x: Array, x_test: Array, updates: int) -> Claim:
    w = _copy(start)
    its_own = train(w, x, x_test, batch=TRAIN, updates=max(updates // 10, 1000), gradient=averaged_first)["train"][-1]
    return recipe_claim(its_own, loss_of(w, x), float(0.5 * np.var(np.sin(x))))


def recipe_claim(its_own: float, true: float, constant: float) -> Claim:
    """its_own: the recipe's loss at the end; true: that of the samples; constant: that of the best constant."""
    return Claim(
        "for a mini-batch: average predictions and labels, then take one loss",
        verdict_of(true < 0.1 * constant),
        f"its loss ends at {its_own:.1e}, the loss of the samples at {true:.3f}; the best constant has {constant:.3f}",
        "every function with the right mean has the loss 0: average the losses, not the predictions",
        verdict_of(its_own < 1e-6 and true > 0.8 * constant),
    )


def _not_linear(w: Weights, x: Array) -> Claim:
    grid = np.linspace(LOW, HIGH, 200)[:, None]
    p = forward(w, grid)[0]
    line = np.polyval(np.polyfit(grid[:, 0], p[:, 0], 1), grid[:, 0])
    share = float(np.var(p[:, 0] - line) / np.var(p))
    return Claim(
        "the network is 'linear'",
        verdict_of(share < 0.01),
        f"the best straight line leaves {share:.0%} of the variance of the fitted curve",
        "only its output layer is linear",
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
        "linear networks, such as this one, have no local optima",
        verdict_of(ratio < 1.2, tested=tested),
        f"{len(losses)} starts end between {losses[0]:.2g} and {losses[-1]:.2g} after {updates} updates with all "
        f"samples, a factor of {ratio:.2g}",
        "true of networks without activations (Baldi and Hornik 1989); this one ends where its start leads, in optima "
        "or on plateaus, between which gradient descent cannot tell",
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
        "saddle points are rare",
        verdict_of(not any(saddles)),
        f"W2 = 0, W3 = 0, b3 = the mean label, all else drawn: {sum(saddles)} of {len(saddles)} such points are "
        f"saddles, gradient {max(slope for slope, _ in found):.0e} or less, curvatures from {lowest:.2g} to "
        f"{highest:.2g}",
        f"they fill a family of {dimension} dimensions that is written down in a line",
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
        "the noise of single samples helps saturated units",
        verdict_of(single < whole - 0.1, tested=tested),
        f"W2 ten times larger saturates {share:.0%} of the units; after {updates} updates {single:.0%} are saturated "
        f"with batch 1, {whole:.0%} with all samples at once",
        "a flat unit multiplies noise by its slope of nearly 0, as it does anything else",
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
        "larger batches represent the data better",
        verdict_of(nearer, all(falling), tested=tested),
        f"the gradient of 8 samples is {ratio:.1f} times nearer to that of all than one sample's (sqrt 8 = 2.8); test "
        f"loss by batch at equal updates / equal time: {ends}",
        "their gradient is nearer to that of all samples, by the root of their number",
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
        "the document's list of activations is never emptied and grows with every update; nothing of ours does",
        verdict_of(growing > 300, ours < 30),
        f"{growing:.0f} bytes more after each update, {growing * EPOCHS * TRAIN / 1e6:.0f} MB in the whole run; ours "
        f"{max(ours, 0):.0f}",
    )


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(
    w: Weights, x: Array, x_test: Array, history: Any, fit: Any, by_updates: dict[int, Any], by_time: dict[int, Any]
) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    grid = np.linspace(LOW, HIGH, 200)[:, None]
    epochs = np.arange(1, len(history["train"]) + 1)
    curves = [Curve(epochs, history[k], k, colour=c) for k, c in (("train", 0), ("test", 2))]
    shown = [
        Curve(grid[:, 0], np.sin(grid[:, 0]), "sin x", "target"),
        Curve(grid[:, 0], forward(w, grid)[0][:, 0], "network", "fit"),
        Curve(x[:, 0], np.sin(x[:, 0]), "training", "train"),
        Curve(x_test[:, 0], np.sin(x_test[:, 0]), "test", "test"),
    ]
    run_figure = view.chart([
        Panel(curves, "epoch of 50 updates", "mean of ½ (p − y)²", log="y"),
        Panel(shown, "x", "y"),
    ], title="sin x, one sample at a time")  # fmt: skip
    names = {1: "batch 1", 8: "batch 8", TRAIN: f"all {TRAIN}"}
    batch_figure = view.chart(
        [
            Panel(
                [Curve(by_updates[b]["update"], smoothed(by_updates[b]["test"]), names[b]) for b in BATCHES],
                "updates",
                "test loss",
                title="at equal updates",
                log="y",
            ),
            Panel(
                [Curve(by_time[b]["seconds"], smoothed(by_time[b]["test"]), names[b]) for b in BATCHES],
                "seconds",
                "test loss",
                title="at equal time",
                log="y",
            ),
        ],
        share_y=True,
        title="Batches of 1, 8 and all samples",
    )
    errors = [
        Curve(grid[:, 0], np.abs(forward(w, grid)[0] - np.sin(grid))[:, 0], "the document's network"),
        Curve(grid[:, 0], np.abs(fit.predict(grid) - np.sin(grid[:, 0])), "surefit.fit"),
    ]
    error_figure = view.chart(
        [Panel(errors, "x", "|error|", log="y")], title="Error of the document's network and of surefit.fit"
    )
    diagram = view.network_diagram(WIDTHS, title="1-10-10-1: sigmoid, sigmoid, linear").figure()
    return [
        Picture("sine-by-sample-network", "The network: sigmoid hidden layers, a linear output.", diagram),
        Picture("sine-by-sample", "Losses by epoch, and the fit at the end with the points it saw.", run_figure),
        Picture(
            "sine-by-sample-batches",
            "Test loss with batches of 1, 8 and all 50 samples, running medians.",
            batch_figure,
        ),
        Picture("sine-by-sample-errors", "Error of the reproduced network and of surefit's own fit.", error_figure),
    ]
