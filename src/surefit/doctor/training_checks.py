"""The doctor's checks of a run: what the losses of the epochs and the size of the steps say about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.doctor.findings import Finding, found, percent, severity
from surefit.doctor.graph import norm
from surefit.doctor.observation import Observation
from surefit.doctor.words import tell

RATIO = 1e-3  # update over weight of a healthy step (Karpathy, Stanford CS231n, neural networks 3)
RATIO_HIGH, RATIO_LOW = 100.0, 0.01  # factors that are far from it
FEWEST_EPOCHS = 10  # fewer show no trend
ROSE = 3.0  # loss at the end over the lowest, both smoothed; noise of small batches stays below 2
SPIKE, SPIKES = 10.0, 0.02  # loss of an epoch over the median of the ten before; share of epochs that may be so

# Median |step| of log10(loss), a factor of 1.6 up and down, and the share of changes of direction, which is 2/3 in pure
# noise. The noise of small batches is 0.02 to 0.1.
ZIGZAG, ALTERNATING = 0.2, 0.6
GOOD_FALL = 100.0  # a loss that has fallen by more than this learns: unrest at its end costs only the last bit
ASTRAY = 0.5  # loss over that of the best constant: hardly anything is learned
POOR = 0.1  # loss over that of the best constant, an error of a third: seldom all that can be had
FALLING = 0.03  # decline of log10(loss) over the last fifth of the epochs (7 %) that is still a fall
STEADY = 0.25  # share of changes of direction of a loss that falls steadily
CRAWL, PACE = 10.0, 0.2  # a loss that fell by less than this in all, and at the end at this share of its pace or more
UNFINISHED = 1e-2  # loss over that of the best constant (10 % error): worth more epochs
OVERFITTED = 4.0  # validation over training loss: twice the error
HARMLESS = 1e-4  # validation loss over that of the best constant (1 % error): over-fitting nobody minds

# Loss over that of the best constant, for a network that is not trained yet and should guess about as well. Classes far
# worse are guessed with much too much confidence; squared errors so much larger come from outputs 10 times too large.
WORSE_CLASSES, WORSE_NUMBERS = 4.0, 100.0

# Deviation of a layer's weights times the root of its inputs: the factor by which it enlarges a signal. He's is 1.4 and
# Glorot's about 1; trained layers stay below 4. Few inputs (units placed over a box) may have any.
UNSCALED, MANY_INPUTS = 5.0, 16


@dataclass(frozen=True)
class Training:
    """What is known of a run.

    train, validation: losses by epoch. lr: the rate of each epoch. chance: the loss of the best constant, where it is
    known. keeps_best: the weights are those of the epoch with the best validation loss. done: nobody wants it better (a
    tolerance was reached).
    """

    train: np.ndarray
    validation: np.ndarray | None = None
    lr: np.ndarray | None = None
    chance: float | None = None
    keeps_best: bool = False
    done: bool = False

    @property
    def annealed(self) -> bool:
        """Whether the rate was lowered towards the end; then the loss may well fall until the end."""
        return self.lr is not None and bool(self.lr[-1] < 0.3 * self.lr.max())

    @property
    def tail(self) -> int:
        """How many epochs are the end."""
        return max(3, len(self.train) // 10)

    @property
    def end(self) -> float:
        """The loss at the end, smoothed."""
        return float(np.median(self.train[-self.tail :]))

    @property
    def fell(self) -> float:
        """By what factor the loss fell."""
        return float(self.train[0] / self.end)

    @property
    def readable(self) -> bool:
        """Whether there are enough losses, all positive, to speak of factors."""
        return len(self.train) >= FEWEST_EPOCHS and bool(np.isfinite(self.train).all() and (self.train > 0).all())


def rate_too_high(t: Training) -> Iterator[Finding]:
    """A loss that is not finite, rises, jumps or zig-zags."""
    seen = _unrest(t)
    if seen is not None:
        level, number, case, values = seen
        rate = tell("unnamed") if t.lr is None else tell("such-as", lr=t.lr.max(), better=t.lr.max() / 10)
        yield found("learning-rate-too-high", level, "training", number, case, rate=rate, **values)


def _unrest(t: Training) -> tuple[str, float, str, dict[str, Any]] | None:
    """Severity, number, case and values; None when there is nothing to say."""
    loss = t.train
    if not np.isfinite(loss).all():
        epoch = int(np.argmin(np.isfinite(loss))) + 1
        return "error", epoch, "not-finite", dict(value=loss[epoch - 1], epoch=epoch)
    if not t.readable:
        return None
    calm = "note" if t.fell > GOOD_FALL else "warning"
    rose = t.end / float(_smooth(loss, 5).min())
    if rose >= ROSE:
        return "error" if t.fell < 1 else calm, rose, "rose", dict(rose=rose)
    steps = np.diff(np.log10(loss[len(loss) // 2 :]))
    factor = 10 ** float(np.median(np.abs(steps)))
    if factor >= 10**ZIGZAG and _alternating(steps) >= ALTERNATING:
        return calm, factor, "zigzag", dict(factor=factor)
    spikes = sum(loss[i] > SPIKE * np.median(loss[max(0, i - 10) : i]) for i in range(3, len(loss)))
    if spikes > max(2, SPIKES * len(loss)):
        return calm, spikes, "spikes", dict(spike=SPIKE, spikes=spikes, epochs=len(loss))
    return "ok", rose, "", dict(rose=rose)


def progress(t: Training) -> Iterator[Finding]:
    """Whether anything was learned, and whether the loss was still falling when training ended."""
    if not t.readable:
        return
    left = None if t.chance is None else t.end / t.chance
    unfinished = (left is None or left > UNFINISHED) and not t.done
    decades = np.log10(t.train)
    recent = decades[-max(5, len(decades) // 5) :]
    fall = -float(np.polyfit(np.linspace(0, 1, len(recent)), recent, 1)[0])
    usual = (decades[0] - decades[-1]) / 5  # the fall of a fifth of the epochs, on average
    words = percent(1 - 10**-fall)
    calm = _alternating(np.diff(decades)) <= STEADY and not t.annealed
    if unfinished and calm and fall >= PACE * usual > 0 and t.fell < CRAWL:
        rate = tell("unnamed") if t.lr is None else tell("such-as-higher", lr=t.lr.max(), better=3 * t.lr.max())
        yield found("learning-rate-too-low", "warning", "training", t.fell, fall=words, fell=t.fell, rate=rate)
    elif left is not None and left > ASTRAY:
        yield found("nothing-learned", "error", "training", left, left=percent(left))
    elif fall >= FALLING and _alternating(np.diff(recent)) <= STEADY and not t.annealed and not t.done:
        yield found("not-converged", "warning" if unfinished else "note", "training", fall, fall=words)
    elif left is None:
        yield found("progress", "ok", "training", fall, "settled")
    else:
        level = "note" if left > POOR and not t.done else "ok"
        yield found("progress", level, "training", left, left=percent(left))


def overfitting(t: Training) -> Iterator[Finding]:
    """Whether the validation loss is far above the training loss."""
    unseen = t.validation
    if unseen is None or len(unseen) != len(t.train) or not t.readable:
        return
    if not (np.isfinite(unseen).all() and (unseen > 0).all()):
        return
    last = float(np.median(unseen[-t.tail :]))
    ratio = last / t.end
    given_back = float(_smooth(unseen, 3).min()) if t.keeps_best else last
    harmless = t.chance is not None and given_back / t.chance <= HARMLESS
    level = severity(ratio, note=OVERFITTED, warning=math.inf if harmless else OVERFITTED)
    case = "ok" if level == "ok" else "kept" if t.keeps_best else ""
    best = int(np.argmin(unseen)) + 1
    yield found("overfitting", level, "training", ratio, case, ratio=ratio, best=best, epochs=len(unseen))


def step_sizes(o: Observation, lr: float, sign_like: bool, t: Training | None) -> Iterator[Finding]:
    """The size of a step over that of the weights. sign_like: about lr in each weight (Adam), not lr * gradient."""
    ratios = {}
    for layer in o.layers:
        size = norm(layer.weight)
        if layer.trained and layer.gradient is not None and size > 0:
            ratios[layer.name] = lr * (math.sqrt(layer.weight.size) if sign_like else norm(layer.gradient)) / size
    if not ratios:
        return
    name = max(ratios, key=lambda n: ratios[n])
    ratio, left = ratios[name], _left(o)
    code, level = "step-size", "ok"
    if ratio >= RATIO * RATIO_HIGH:
        code, level = "step-too-large", "note" if t is not None and t.fell > GOOD_FALL else "warning"
    elif 0 < ratio <= RATIO * RATIO_LOW and left is not None and left > ASTRAY:
        code, level = "step-too-small", "warning"
    usual = lr * RATIO / ratio if ratio else 0.0
    values = dict(lr=lr, ratio=percent(ratio), low=usual, high=10 * usual)
    yield found(code, level, name, ratio, "", "step-size", **values)


def worse_than_constant(o: Observation) -> Iterator[Finding]:
    """A loss far above that of the best constant: the outputs are too large, as those of unscaled weights are."""
    left = _left(o)
    if left is not None:
        limit = WORSE_CLASSES if o.classes and o.softmax_in_loss else WORSE_NUMBERS
        level = severity(left, note=limit, warning=limit)
        yield found("worse-than-constant", level, "loss", left, loss=o.loss, left=left)


def unscaled_weights(o: Observation) -> Iterator[Finding]:
    """Weights whose size does not know how many inputs they add up, as N(0, 1) ones, in a network that is no good."""
    gains = {}
    for layer in o.layers:
        rows = layer.per_unit()
        inputs = rows.shape[1] - (layer.bias is not None and layer.bias.size == len(rows))
        if inputs >= MANY_INPUTS:
            gains[layer.name] = float(layer.weight.std()) * math.sqrt(inputs), inputs, float(layer.weight.std())
    if not gains:
        return
    name = max(gains, key=lambda n: gains[n][0])
    gain, inputs, deviation = gains[name]
    left = _left(o)
    if o.labels is None:
        good = left is not None and left <= ASTRAY
    else:  # a loss that is not a likelihood may be low by the size of the outputs alone
        good = float((o.output.argmax(axis=1) == o.labels).mean()) > 1 - ASTRAY
    level = "warning" if gain >= UNSCALED and not good else "ok"
    values = dict(deviation=deviation, inputs=inputs, gain=gain, usual=math.sqrt(2 / inputs))
    yield found("unscaled-weights", level, name, gain, **values)


def _left(o: Observation) -> float | None:
    """The loss over that of the best constant output."""
    best = chance(o)
    return None if o.loss is None or best is None else o.loss / best


def chance(o: Observation) -> float | None:
    """The loss of the best constant output: the mean or median target, the classes' frequencies or their logarithms."""
    if o.targets is None:
        return None
    if o.labels is not None:
        share = np.maximum(np.bincount(o.labels, minlength=o.output.shape[1]) / len(o.labels), 1e-7)
        constants = [share, np.log(share)]
    elif o.targets.shape == o.output.shape:
        constants = [o.targets.mean(axis=0), np.median(o.targets, axis=0)]
    else:
        return None
    losses = [o.loss_at(np.broadcast_to(c, o.output.shape)) for c in constants]
    values = [v[0] for v in losses if v is not None and math.isfinite(v[0])]
    return min(values) if values and min(values) > 0 else None


def _alternating(steps: np.ndarray) -> float:
    """Share of neighbouring steps of opposite sign."""
    return float(np.mean(np.sign(steps[1:]) * np.sign(steps[:-1]) < 0)) if len(steps) > 1 else 0.0


def _smooth(loss: np.ndarray, width: int) -> np.ndarray:
    """Running median over `width` epochs, (n - width + 1,)."""
    return np.median(np.lib.stride_tricks.sliding_window_view(loss, min(width, len(loss))), axis=1)


__all__ = [
    "Training",
    "chance",
    "overfitting",
    "progress",
    "rate_too_high",
    "step_sizes",
    "unscaled_weights",
    "worse_than_constant",
]
