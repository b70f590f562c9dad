"""A small network that learns from a teacher, whose values cost little: the smallest size that is near enough.

One hidden layer, placed and then searched by variable projection, with more and more units; then two hidden layers, by
Levenberg-Marquardt, where one was not enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from surefit.attempts.methods import LBFGS, LM, Features, VarPro
from surefit.core import ops
from surefit.models.spec import MLPSpec
from surefit.problems.points import with_rows
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.cost import of_iteration, of_search
from surefit.search.limits import CLOUD, FLOAT32
from surefit.search.runner import State, Strategy
from surefit.sentences import say

SEARCH, DEEP_SEARCH, LONG_SEARCH = 25, 40, 1000  # iterations
SEARCHED = 4e9  # operations of an iteration at most
RESERVE = 0.1  # of the time, where it is given: the network is to be judged yet
FIRST_CLOUD = 2.5  # points for each parameter, with which the search begins
FAR_OFF = 5.0  # times as far as it need be: then it is the network that is missed, more than its teacher is
NEARLY = 2.5  # times as far as it need be, with which the largest hidden layer is enough: 3 % of the error
ENOUGH = 3.5  # times as far as it need be, with which two layers are not tried
AGAIN, GAINED = 4, 0.6  # times the largest is searched, as long as each comes so much nearer
CALM, CALMEST = 1e-4, 2.0**-22  # an output weight of 1000 costs a tenth of what is aimed at: float32 bears that
LARGEST = 6.0  # the largest error over the root mean square, about


def students(
    s: State, most: int, aims: Sequence[float], stretch: np.ndarray | None = None, inputs: int | None = None
) -> Strategy:
    """What is tried for a network of at most so many parameters, until one is near enough.

    aims: the rmse from the teacher, of each output, that is near enough; where there is a tolerance, that tells alone.
    stretch (d,): how fast the teacher changes along each input, if it is known: units are placed by that. inputs: of
    the network in the end, where those that the teacher does not have are to be added; they count as parameters.
    """
    d, k = inputs or s.dim, len(s.problem.outputs)

    def near(found: Candidate | None) -> bool:
        return s.tol is None and found is not None and farness(found, aims) <= 1.0

    sizes = s.problem.train[1].std(axis=0)
    if s.dtype == ops.float32:  # which cannot come nearer
        aims = np.maximum(aims, FLOAT32 * np.abs(s.problem.train[1]).max(axis=0)).tolist()
    share = nearness(s, aims)
    goal = s.tol or LARGEST * share * float(sizes.max()) or None  # of the largest error, in the units of the largest
    calm = 0.0 if s.tol is not None else calm_for(share)
    widths = hidden_units(d, k, most)
    far = 0.0
    for units in widths:
        if s.tol is None and far > FAR_OFF and units < widths[-1]:  # twice the units come a few times nearer
            continue
        network = s.hidden(units)
        problem = first_rows(s, CLOUD * network.num_parameters() // k)
        found = yield s.attempt(
            Features(draws=1), network, problem, beyond=2, goal=goal, reserve=RESERVE, stretch=stretch, calm=calm
        )
        if near(found):
            return say("student-close")
        if of_search(network, problem) > SEARCHED:
            break
        for again in range(AGAIN if units == widths[-1] else 1):  # it goes on from there
            some = problem if again else first_rows(s, int(FIRST_CLOUD * network.num_parameters()) // k)
            found = yield s.attempt(VarPro(iterations=SEARCH), network, some, goal=goal, reserve=RESERVE, calm=calm)
            if near(found):
                return say("student-close")
            before, far = far, math.inf if found is None else farness(found, aims)
            if far > GAINED * before > 0.0 or (units == widths[-1] and s.tol is None and far <= NEARLY):
                break
    width = two_layers(d, k, most) if s.tol is not None or not 0.0 < far <= ENOUGH else 0  # they seldom come nearer
    if width > 1:
        network = s.built(MLPSpec((width, width), "tanh"))
        p = network.num_parameters()
        problem = first_rows(s, CLOUD * p // k)
        costly = of_iteration(len(problem.train[0]), k, p) > SEARCHED
        method = LBFGS(iterations=LONG_SEARCH) if costly else LM(iterations=DEEP_SEARCH)
        found = yield s.attempt(method, network, problem, goal=goal, reserve=RESERVE)
        reached = math.inf if found is None else farness(found, aims)
        if found is not None and not costly and FAR_OFF < reached < (far or math.inf):  # it goes on from there
            found = yield s.attempt(method, network, problem, goal=goal, reserve=RESERVE)
        if near(found):
            return say("student-close")
    return say("student-full", most=most)


def nearness(s: State, aims: Sequence[float]) -> float:
    """What is aimed at in deviations of the teacher's values, of the output where it is the least."""
    sizes = s.problem.train[1].std(axis=0)
    return min((aim / size for aim, size in zip(aims, sizes, strict=True) if size > 0), default=0.0)


def calm_for(share: float) -> float:
    """What output weights may cost a network that is to be so near, in deviations."""
    return min(CALMEST, CALM * share)


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


__all__ = ["calm_for", "farness", "hidden_units", "nearness", "students", "two_layers"]
