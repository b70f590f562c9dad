"""A small network that learns from a teacher, whose values cost little: the smallest of a few sizes that is near enough.

One hidden layer, placed and then searched by variable projection, with more and more units; then two hidden layers, by
Levenberg-Marquardt, where one was not enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from surefit.attempts.methods import LM, Features, VarPro
from surefit.models.spec import MLPSpec
from surefit.problems.points import with_rows
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.limits import CLOUD
from surefit.search.runner import State, Strategy
from surefit.sentences import say

SEARCH, DEEP_SEARCH = 25, 40  # iterations
LARGEST = 6.0  # the largest error over the root mean square, about


def students(s: State, most: int, aims: Sequence[float]) -> Strategy:
    """most: parameters. aims: of each output, the rmse from the teacher at which it is near enough."""
    d, k = s.dim, len(s.problem.outputs)

    def near(found: Candidate | None) -> bool:
        return found is not None and farness(found, aims) <= 1.0

    goal = LARGEST * min(aims) or None  # of the largest error
    for units in hidden_units(d, k, most):
        network = s.hidden(units)
        problem = first_rows(s, CLOUD * network.num_parameters())
        found = yield s.attempt(Features(draws=1), network, problem, beyond=2, goal=goal)
        if near(found):
            return say("student-close")
        found = yield s.attempt(VarPro(iterations=SEARCH), network, problem, goal=goal)
        if near(found):
            return say("student-close")
    width = two_layers(d, k, most)
    if width > 1:
        network = s.built(MLPSpec((width, width), "tanh"))
        problem = first_rows(s, CLOUD * network.num_parameters())
        found = yield s.attempt(LM(iterations=DEEP_SEARCH), network, problem, goal=goal)
        if near(found):
            return say("student-close")
    return say("student-full", most=most)


def farness(found: Candidate, aims: Sequence[float]) -> float:
    """The distance from the teacher, of the output where it is the largest, in what is aimed at."""
    return max(
        (part.rmse / aim if aim > 0 else math.inf if part.rmse > 0 else 0.0)
        for part, aim in zip(found.error.outputs, aims, strict=True)
    )


def hidden_units(inputs: int, outputs: int, most: int) -> list[int]:
    """Units of one hidden layer: a quarter, a half, all of what so many parameters allow."""
    largest = max(1, (most - outputs) // (inputs + 1 + outputs))
    return sorted({max(1, math.ceil(largest / 4)), max(1, math.ceil(largest / 2)), largest})


def two_layers(inputs: int, outputs: int, most: int) -> int:
    """The width of two hidden layers with at most so many parameters."""
    b = inputs + 2 + outputs
    return int((-b + math.sqrt(b * b + 4 * max(0, most - outputs))) / 2)


def first_rows(s: State, count: int) -> Problem:
    """The problem with so many of its points, which were drawn in no order."""
    n = len(s.problem.train[0])
    return s.problem if count >= n else with_rows(s.problem, np.arange(count))


__all__ = ["farness", "hidden_units", "students", "two_layers"]
