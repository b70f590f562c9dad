"""The learning rate that suits a network and its data: a range test.

Smith (2017), "Cyclical learning rates for training neural networks", section 3.3: the rate grows from step to step; the
loss first stays, then falls, then the training breaks down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from surefit.attempts.methods import FirstOrder
from surefit.attempts.training import Training
from surefit.errors import NotFiniteError
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 300  # of a range test
LOWEST, HIGHEST = 1e-6, 10.0
SMOOTH = 0.93  # of the moving average of the losses: about the last 15
BROKEN = 4.0  # times the smallest loss: the training has broken down
# A range test alone is not enough: the rate of the smallest loss is 10 times too high for one hidden layer of 16 units
# and about right for deep networks; the one where the loss has fallen by half (in logarithms) is too low for those. So
# a few rates around the middle of the two are tried, each with a short training that cools down.
BELOW = 0.25  # a safe share of the rate of the smallest loss
TRIED = (1 / 3, 1.0, 3.0)
TRIAL = 200  # steps


@dataclass(frozen=True, eq=False)
class RateTest:
    """What a range test saw.

    lr: the rate to take. rates, losses: of each step, losses as a moving average. method: the optimiser's name.
    """

    lr: float
    rates: np.ndarray
    losses: np.ndarray
    method: str

    def __str__(self) -> str:
        best = int(np.argmin(self.losses))
        return (
            f"{self.method}: lr={self.lr:.2g}; the loss was smallest, {self.losses[best]:.3g}, at lr="
            f"{self.rates[best]:.2g}, and training broke down at lr={self.rates[-1]:.2g}"
        )

    def plot(self) -> Figure:
        """The loss against the rate, the chosen one marked."""
        from surefit import view

        return view.rate_curve(self.rates, self.losses, self.lr, title=f"learning rates of {self.method}")


def range_test(model: Scaled, problem: Problem, method: FirstOrder, seed: int) -> RateTest:
    """Train with a rate that grows from step to step until the loss breaks down, then try a few rates around the best.

    The network is left as it was. NotFiniteError when the loss is not finite from the start.
    """
    trial = _Trial(model, problem, method)
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    raw = trial.losses(rates, [seed, 0x17E])
    if not len(raw):
        raise NotFiniteError("find_lr: the loss is not finite at the first step; check the data and the loss")
    rates, seen = rates[: len(raw)], _smooth(raw)
    lowest = int(np.argmin(seen))
    middle = (np.log(np.median(seen[: STEPS // 5])) + np.log(seen[lowest])) / 2 if seen.min() > 0 else -np.inf
    half = int(np.argmax(np.log(np.maximum(seen, 1e-300)) <= middle))  # 0 when it is nowhere so low
    start = math.sqrt(BELOW * rates[lowest] * rates[half or lowest])
    ends = {}
    for factor in TRIED:
        rate = float(f"{factor * start:.2g}")  # more digits mean nothing
        losses = trial.losses(rate * np.linspace(1.0, 0.01, TRIAL), [seed, 0x721])
        ends[rate] = float(np.mean(losses[-TRIAL // 10 :])) if len(losses) == TRIAL else math.inf
    return RateTest(min(ends, key=lambda rate: ends[rate]), rates, seen, method.name)


def _smooth(losses: np.ndarray) -> np.ndarray:
    """The moving average of losses, corrected at its beginning as Adam corrects his."""
    average, out = 0.0, []
    for i, loss in enumerate(losses):
        average = SMOOTH * average + (1 - SMOOTH) * loss
        out.append(average / (1 - SMOOTH ** (i + 1)))
    return np.array(out)


class _Trial:
    """Short trainings from the same start."""

    def __init__(self, model: Scaled, problem: Problem, method: FirstOrder) -> None:
        self.model, self.problem, self.method = model, problem, method

    def losses(self, rates: np.ndarray, seed: list[int]) -> np.ndarray:
        """The loss before each step of a training with these rates; fewer when it breaks down."""
        network = self.model.network
        leaves = [*network.parameters(), *network.buffers()]
        before = [leaf.detach().numpy().copy() for leaf in leaves]
        run = Training(self.model, self.problem, replace(self.method, lr=float(rates[0])))
        rng = np.random.default_rng(seed)
        order, losses, lowest = np.empty(0, int), [], math.inf
        network.train()
        try:
            for i, rate in enumerate(rates):
                while len(order) < run.batch:
                    order = np.concatenate([order, rng.permutation(len(run.x))])
                rows, order = order[: run.batch], order[run.batch :]
                run.optimizer.param_groups[0]["lr"] = float(rate)
                value = run.step(rows)
                if not math.isfinite(value):
                    break
                losses.append(value)
                if i % 5 == 0:  # the moving average is what counts
                    average = _smooth(np.array(losses[-60:]))[-1]
                    lowest = min(lowest, average)
                    if average > BROKEN * lowest:
                        break
        finally:
            for leaf, array in zip(leaves, before, strict=True):
                leaf.assign(array)
            network.eval()
        return np.array(losses)


def with_found_rate(model: Scaled, problem: Problem, method: FirstOrder, seed: int) -> FirstOrder:
    """The method with the rate that a range test finds in the place of lr="auto"."""
    if method.lr != "auto":
        return method
    schedule = "cosine" if method.schedule == "auto" else method.schedule
    return replace(method, lr=range_test(model, problem, method, seed).lr, schedule=schedule)


__all__ = ["RateTest", "range_test", "with_found_rate"]
