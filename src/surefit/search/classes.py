"""What a fit of classes is worth: probabilities from its values, accuracy, log loss, calibration, confusion.

The values of a least squares fit of indicators are estimates of probabilities, but may lie outside [0, 1] and be too
sure or too timid. They are brought above 0 smoothly and to a power, two numbers that are chosen by the likelihood of
rows the network was not fitted to, as the temperature of Guo, Pleiss, Sun and Weinberger (2017), "On calibration of
modern neural networks", is. Neither changes which class is the likeliest.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.core import functions as F
from surefit.models.inference import evaluate
from surefit.nn import functional as N
from surefit.sentences import Sentence, say

if TYPE_CHECKING:
    from surefit.search.record import Record

FLOORS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
POWERS = (1.0, 0.7, 1.4, 0.5, 2.0, 0.35, 2.8, 4.0, 5.6, 8.0)  # the first one is kept among equals: nothing is changed
BINS = 10  # of the calibration error
SURE = 1.959964  # deviations of a normal variable that 95 % lie within
KINDS = ("groups", "folds", "test", "left-out", "validation", "training")


@dataclass(frozen=True)
class Classified:
    """How values become classes, and how good that was.

    classes: in the order of probabilities and of the confusion matrix. floor, power: see `probabilities`. kind, n: rows
    that were asked: "folds" (all, each by a fit without it; "groups": and without its group), "test", "left-out"
    (training rows, each left out in turn), "validation" or "training". accuracy:
    the share of right answers. low, high: what it may be for new rows, with 95 % (Wilson 1927). base: the accuracy of
    always giving the most frequent class. log_loss: minus the mean logarithm of the probability of the right class, in
    nats. calibration: the expected calibration error in bins of equally many rows. confusion: [true][given] counts.
    """

    classes: tuple[Any, ...]
    floor: float
    power: float
    kind: str
    n: int
    accuracy: float
    low: float
    high: float
    base: float
    log_loss: float
    calibration: float
    confusion: tuple[tuple[int, ...], ...]

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Values of the network (n, 1) or (n, k) -> probabilities of the classes (n, k), each row of sum 1."""
        return probabilities(values, self.floor, self.power)

    def gradients(self, values: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """Gradients (n, k, d) of the probabilities, from values of the network (n, 1) or (n, k) and their gradients."""
        if values.shape[1] == 1:
            gradients = np.concatenate([-gradients, gradients], axis=1)
        shares, ratio = self.probabilities(values), _ratio(values, self.floor)
        inner = (gradients - gradients.mean(axis=1, keepdims=True)) / self.floor
        rate = self.power * np.exp(-np.logaddexp(0.0, -ratio)) / (1.0 + np.logaddexp(0.0, ratio))
        weight = rate[:, :, None] * inner
        return shares[:, :, None] * (weight - (shares[:, :, None] * weight).sum(axis=1, keepdims=True))

    def labels(self, values: np.ndarray) -> np.ndarray:
        """Values of the network (n, 1) or (n, k) -> the likeliest class of each row (n,)."""
        return np.array(self.classes)[self.places(values)]

    @staticmethod
    def places(indicators: np.ndarray) -> np.ndarray:
        """The place in `classes` of the class of each row, (n,), from the indicators of a table, (n, 1) or (n, k)."""
        return _each(indicators).argmax(axis=1)

    def sentence(self) -> Sentence:
        """The accuracy, on which rows, within which limits, and what the most frequent class alone would give."""
        shown = {name: f"{100 * getattr(self, name):.3g}" for name in ("accuracy", "low", "high", "base")}
        return say(f"classes-{self.kind}", n=self.n, **shown)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; `from_dict` reads it."""
        return asdict(self) | {"classes": list(self.classes), "confusion": [list(row) for row in self.confusion]}

    def module(self, model: nn.Module) -> nn.Module:
        """Rows (n, d) -> probabilities (n, classes) as a Module, from that of the values: what is exported."""
        return _Probabilities(model, self.floor, self.power)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Classified:
        """What `to_dict` gave."""
        plain = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**plain | {"classes": tuple(data["classes"]), "confusion": tuple(map(tuple, data["confusion"]))})


def _each(values: np.ndarray) -> np.ndarray:
    """A value for each class: of two there is that of the second."""
    return np.concatenate([1.0 - values, values], axis=1) if values.shape[1] == 1 else values


def _ratio(values: np.ndarray, floor: float) -> np.ndarray:
    """What is brought above 0: a value for each class (n, k), shifted to sum 1, in units of the floor."""
    each = _each(values)
    ratio: np.ndarray = (each + (1.0 - each.sum(axis=1, keepdims=True)) / each.shape[1]) / floor
    return ratio


def probabilities(values: np.ndarray, floor: float, power: float) -> np.ndarray:
    """Values (n, 1) or (n, k) as probabilities (n, k): floor + floor log(1 + exp(value / floor)), to a power, sum 1.

    Before that the values are shifted to sum 1, as those of indicators do anyway but for regularisation.
    """
    with np.errstate(invalid="ignore"):  # of NaN the probabilities are NaN
        soft = floor * (1.0 + np.logaddexp(0.0, _ratio(values, floor)))
    weight = power * np.log(soft)
    shares = np.exp(weight - weight.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


class _Probabilities(nn.Module):
    """`probabilities` in functions of Tensors, around a model."""

    def __init__(self, model: nn.Module, floor: float, power: float) -> None:
        super().__init__()
        self.model, self.floor, self.power = model, floor, power

    def forward(self, x: Any) -> Any:
        values = self.model(x)
        each = F.cat([1.0 - values, values], 1) if values.shape[1] == 1 else values
        ratio = (each + (1.0 - each.sum(1, keepdim=True)) / each.shape[1]) / self.floor
        return N.softmax(self.power * F.log1p(N.softplus(ratio)), 1)  # floor is a factor of all, which means nothing


def classify(fit: Record, classes: tuple[Any, ...]) -> Classified:
    """How a fit of indicators classifies: calibrated and measured on rows it was not fitted to, as far as there are."""
    parts = _rows(fit)
    known = ("folds", "groups") if fit.across is not None else ("validation", "left-out")
    held = [parts[kind] for kind in known if kind in parts] or [parts["training"]]
    values, truth, weights = (np.concatenate([part[i] for part in held]) for i in range(3))
    floor, power = _calibrated(values, truth, weights)
    kind = next(kind for kind in KINDS if kind in parts)
    values, truth, weights = parts[kind]
    shares = probabilities(values, floor, power)
    given = shares.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (truth, given), 1)
    right, n = given == truth, len(truth)
    accuracy = float(right.mean())
    low, high = _wilson(accuracy, n)
    return Classified(
        classes, floor, power, kind, n, accuracy, low, high, float(confusion.sum(axis=1).max() / n),
        _log_loss(shares, truth, np.ones(n)), _calibration_error(shares.max(axis=1), right),
        tuple(map(tuple, confusion.tolist())),
    )  # fmt: skip


def _rows(fit: Record) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Values of the network, the true classes and weights of each part of the rows; training rows left out if known."""
    found = {}
    problem = fit.problem
    weights = {"training": problem.weights, "validation": problem.validation_weights}
    for kind, points in (("training", problem.train), ("validation", problem.validation), ("test", problem.test)):
        if points is None or not len(points[0]):
            continue
        x, y = points
        weight = weights.get(kind)
        values, truth = evaluate(fit.model, x), _each(y).argmax(axis=1)
        found[kind] = values, truth, np.ones(len(x)) if weight is None else weight
        if kind == "training" and fit.left_out is not None and fit.left_out.shape == y.shape:
            size = np.abs(fit.model.scaling.unscaled_errors(fit.left_out, y))
            found["left-out"] = y + np.sign(values - y) * size, truth, found[kind][2]
    if fit.across is not None:
        every = [found[kind] for kind in ("training", "validation") if kind in found]
        truth, counts = (np.concatenate([part[i] for part in every]) for i in (1, 2))
        found[fit.error.kind] = fit.across, truth, counts
    return found


def _calibrated(values: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The floor and the power with the largest likelihood."""
    doubt = 1.0 / (len(truth) + 2.0)  # rows that were all right may have been lucky: as Platt (1999) does

    def loss(floor: float, power: float) -> float:
        shares = probabilities(values, floor, power)
        wrong = -np.log(np.maximum(shares, np.finfo(float).tiny)).mean(axis=1)  # as if a share of rows had any class
        return (1.0 - doubt) * _log_loss(shares, truth, weights) + doubt * float(np.average(wrong, weights=weights))

    losses = {(floor, power): loss(floor, power) for power in POWERS for floor in FLOORS}
    return min(losses, key=lambda pair: losses[pair])


def _log_loss(shares: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    right = shares[np.arange(len(truth)), truth]
    return float(-np.average(np.log(np.maximum(right, np.finfo(float).tiny)), weights=weights))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share of n, with 95 %."""
    z = SURE
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))


def _calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """The mean distance of certainty and accuracy, over bins of equally many rows with like certainty."""
    order = np.argsort(sure, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return float(sum(len(p) * abs(sure[p].mean() - right[p].mean()) for p in bins) / len(sure))


__all__ = ["Classified", "classify", "probabilities"]
