"""Rounds: Levenberg-Marquardt on few points, on many, then on more where the error is, as long as that helps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from surefit import nn
from surefit.attempts.methods import LM
from surefit.attempts.output_layer import rescale
from surefit.models.inference import predictor
from surefit.problems.points import CANDIDATES, MOVES, equations, with_worst
from surefit.search.cost import most_rows, of_iteration
from surefit.search.limits import (
    ADAM_AFTER_LM,
    DEEP,
    DEEPER,
    ITERATION,
    LAST_RESERVE,
    LM_ADDED,
    LM_AGAIN,
    LM_FEW,
    LM_FIRST,
    LM_MANY,
    LM_RESERVE,
    LM_ROUNDS,
    LM_ROUNDS_ASKED,
    MOST_NUMBERS,
    MOST_VALUES,
    OF_DEEPER,
    ROUNDS,
    WORTH,
)
from surefit.search.runner import State, Strategy
from surefit.sentences import say


def deeper(s: State) -> Strategy:
    """Rounds on two hidden layers; where a time is given, soon on the widest of `DEEPER` that it allows."""
    fitting: list[tuple[nn.Module, float]] = []

    def wider(pace: float) -> bool:
        """Whether one fits into the time, after an iteration took so many seconds for each operation."""
        left = s.progress.left(1.0 - LM_RESERVE)
        if left is None:
            return False
        flops, k = OF_DEEPER * left / (LM_FIRST * pace), len(s.problem.outputs)
        for network in (s.built(widths) for widths in DEEPER):
            p = network.num_parameters()
            if of_iteration(LM_FEW * p, k, p) <= min(flops, 2.0 * p * MOST_NUMBERS):
                fitting.append((network, flops))
        return bool(fitting)

    yield from rounds(s, s.built(DEEP), reserve=LM_RESERVE, wider=wider)
    if fitting:
        yield from rounds(s, fitting[-1][0], reserve=LM_RESERVE, flops=fitting[-1][1])
    return None


def rounds(
    s: State, network: nn.Module, iterations: int = LM_FIRST, reserve: float = 0.0, flops: float = ITERATION,
    wider: Callable[[float], bool] | None = None,
) -> Strategy:  # fmt: skip
    """Levenberg-Marquardt on all weights of a network, with more points from round to round where they are ours.

    flops: of an iteration, about. wider: told, when there are many points, how many seconds an operation took; where it
    says so, a wider network takes the place of further rounds.
    """
    p, k = network.num_parameters(), len(s.problem.outputs)
    most = max(2 * p // k, min(most_rows(flops, k, p), MOST_NUMBERS // (p * k)))
    problem = s.drawn(min(LM_FEW * p, most))
    if of_iteration(n := equations(problem), k, p) > 2 * flops:
        yield say("no-lm", rows=n, parameters=p)
        return None
    began, known = s.progress.seconds, len(s.progress.history)
    best = yield s.attempt(LM(iterations=iterations), network, problem, reserve=reserve, thin=False)
    if best is None or not s.problem.free:
        return None
    done = max(1, len(s.progress.history) - known) * of_iteration(n, k, p)
    pace = (s.progress.seconds - began) / done
    asked = s.tol is not None or s.progress.time is not None
    rng, failed, work, values = np.random.default_rng([s.seed, 0xADD]), 0, 0.0, 0
    for number in range(LM_ROUNDS_ASKED if asked else LM_ROUNDS):
        work += LM_AGAIN * of_iteration(n, k, p)
        if failed > 1 or (s.progress.time is None and work > ROUNDS):
            break
        if best.score <= s.judge.share(ADAM_AFTER_LM):
            reserve = LAST_RESERVE  # nothing follows
        before, added = problem, max(1, round(LM_ADDED * n))
        if number == 0:
            problem = s.drawn(min(LM_MANY * p, most))
            n = len(problem.train[0])
        else:
            values += added * (CANDIDATES + MOVES)
            if s.problem.source["kind"] == "callable" and values > MOST_VALUES:
                break
            if (len(problem.train[0]) + added) * p * k > MOST_NUMBERS:
                break
            problem = with_worst(problem, predictor(best.model), rng, added)
        rescale(network, before, problem)
        found = yield s.attempt(
            LM(iterations=LM_AGAIN), network, problem, reserve=reserve, thin=False,
            note=say("points-now", points=len(problem.train[0])), why=say("added-where-worst") if number else None,
        )  # fmt: skip
        if found is None:
            break
        gains = (best.score / found.score, best.error.rmse / found.error.rmse) if found.score > 0 else (math.inf,)
        failed = 0 if number == 0 or max(gains) >= WORTH else failed + 1
        best = found if found.score < best.score else best
        if number == 0 and wider is not None and wider(pace):
            break
    return None


__all__ = ["deeper", "rounds"]
