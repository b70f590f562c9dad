"""One attempt: a method on a network, at the points of a problem; and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.methods import Method
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.sentences import Sentence

Within = Callable[[Callable[[np.ndarray], np.ndarray]], bool]  # whether the error of a prediction is within the goal


@dataclass(kw_only=True)
class Attempt:
    """A method on a network at points. The network begins with the weights it has and is changed in place."""

    method: Method | None  # None: the network as it is
    network: nn.Module
    problem: Problem  # with the training points of this attempt
    seed: int
    dtype: np.dtype  # in which the network will be used
    goal: float | None = None  # the largest error that is good enough, in the units of the target
    reserve: float = 0.0  # share of the time that is kept for what follows
    why: Sentence | None = None  # told on the card beside what came of it
    note: str = ""  # what is to be said of the stage beside method and network
    named: bool = False  # the method was asked for by name: its epochs are those of the fit
    like: Scaled | None = None  # a model whose scaling is to be kept
    ridge: float = 0.0  # of VarPro, where it is left open
    calm: float = 0.0  # what an output weight of 1 costs Features, VarPro and Additive, in deviations, beside rounding
    thin: bool = True  # of many rows of exact values a part is enough
    scales: Sequence[float] = ()  # of Features, in the order in which they are tried; (): the usual ones
    beyond: int = 4  # of Features: further ones
    stretch: np.ndarray | None = None  # of Features, (d,): how fast the target changes along each input, if known
    layer: tuple[np.ndarray, np.ndarray] | None = None  # of Features: weights and biases of units that stay
    local: bool = False  # of Features: that layer is all there is, of one input, its units in order of their bends
    steps: np.ndarray | None = None  # (j, k) of such a layer: heights of jumps, which its last units are
    provisional: bool = False  # what comes of it counts only as long as nothing comes of a later one
    generator: np.random.Generator | None = None  # of the units beside `layer`
    inputs: tuple[int, ...] | None = None  # of the problem, which the network has; None: all
    chosen: tuple[np.ndarray, Sequence[Sequence[int]]] | None = None  # fold of each row, and inputs without each fold
    part: tuple[int, int] = (1, 1)  # of a first-order method that goes on: which part of how many
    jit: bool | None = None
    clip: bool = False  # of measured data: whether its inputs are clipped far beyond rows with long tails
    made: Outcome | None = None  # of no method: what the network is, and what is known of it

    @property
    def share(self) -> float:
        """Of the time, until which it may go on."""
        return 1.0 - self.reserve


@dataclass(kw_only=True)
class Outcome:
    """What an attempt leaves: a network, still in float64, or a model as it will be used."""

    network: nn.Module
    problem: Problem  # with the points that it was fitted to
    stage: Sentence  # the method and its network in words
    reason: Sentence  # why it ended
    row: int | None  # of the history, that the network is from
    model: Scaled | None = None  # where it was trained as it will be used
    details: dict[str, Any] = field(default_factory=dict)  # solver, units, gain, output_norm, ridge
    taught: Any = None  # whom a network learned from, if it did
    left_out: np.ndarray | None = None  # (n, k), scaled: residuals of the training rows, each when it is left out


__all__ = ["Attempt", "Outcome", "Within"]
