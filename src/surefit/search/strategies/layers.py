"""An attempt that is a network whose weights are known already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.models.chain import chain_of
from surefit.models.inference import evaluate
from surefit.models.scaled import scaled
from surefit.models.spec import MLPSpec
from surefit.problems.callables import CallableFunction, Steady
from surefit.problems.problem import Problem
from surefit.search.judging import FLOPS
from surefit.search.limits import (
    ADAM_REACHES,
    GOOD_ENOUGH,
    LAST_RESERVE,
    MEASURED_IN,
    MOST_UNASKED,
    SOLVER_RESERVE,
    UNASKED_PARAMETERS,
)
from surefit.search.runner import State
from surefit.sentences import Sentence, say

Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # weight and bias of each, in the units of the network


def size_of(layers: Layers) -> int:
    """Weights and biases."""
    return sum(weight.size + bias.size for weight, bias in layers)


def seconds_per_value(function: Any) -> float | None:
    """What a value of a callable costs where many are asked for, if it is one."""
    called = function.function if isinstance(function, Steady) else function
    return called.seconds_of_many if isinstance(called, CallableFunction) else None


def affordable(s: State, share: float) -> float:
    """How many values of the target take this share of the time, where there is a limit."""
    each = seconds_per_value(s.problem.function)
    return math.inf if s.progress.time is None or not each else share * s.progress.time / each


def reserve(s: State) -> float:
    """The share of the time that is kept for what may follow: little where Adam has nothing to add."""
    near = s.best is not None and s.best.score <= s.judge.share(ADAM_REACHES)
    return LAST_RESERVE if near else SOLVER_RESERVE


def most_parameters(s: State) -> float:
    """Of a network whose size follows from the digits it is to have.

    Where no digits were asked for there are more only as long as nothing smaller is near, and with a limit of time no
    more than can be measured in it.
    """
    if s.tol is not None:
        return math.inf
    left = s.progress.left()
    most = math.inf if left is None else MEASURED_IN * left * FLOPS / (2.0 * s.judge.effort.total)
    near = s.best is not None and s.best.score <= s.judge.share(GOOD_ENOUGH)
    return min(most, UNASKED_PARAMETERS if near else MOST_UNASKED)


def of_layers(
    s: State, layers: Layers, activation: str, stage: Sentence, problem: Problem, **details: Any
) -> Attempt | None:  # fmt: skip
    """The attempt that these layers are; None where all is over.

    problem: with points to which the output layer is fitted once more, where the network is rounded. details: of the
    outcome, such as its solver.
    """
    network = s.built(MLPSpec(tuple(len(b) for _, b in layers[:-1]), activation))
    if s.progress.started(1, 1, network.num_parameters()):
        return None
    chain = chain_of(network)
    assert chain is not None
    for (linear, _), (weight, bias) in zip(chain, layers, strict=True):
        assert linear.bias is not None
        linear.weight.assign(weight)
        linear.bias.assign(bias)
    x, y = problem.train
    model = scaled(network, problem, True, np.float64)
    scaling = model.scaling
    loss = float(np.mean((scaling.outputs(evaluate(model, x)) - scaling.outputs(y)) ** 2))
    s.progress.iteration(1, 1, loss, None, True, stage=stage)
    outcome = Outcome(
        network=network, problem=problem, stage=stage, reason=say("solver-solved"), row=len(s.progress.history),
        details={"output_norm": float(np.abs(layers[-1][0]).sum(axis=1).max()), **details},
    )  # fmt: skip
    return s.attempt(None, network, problem, made=outcome, reserve=LAST_RESERVE)  # nothing is left but to measure it


__all__ = ["Layers", "affordable", "most_parameters", "of_layers", "reserve", "seconds_per_value", "size_of"]
