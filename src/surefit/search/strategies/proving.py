"""Prove while fitting: points where the error is proved to be largest join the training set, until it is small enough.

The runner proves every candidate that seems to be within the tolerance. When all that a strategy had to propose was
refuted, or could not be proved, the best network goes on here with the witnesses and the worst boxes of its proof among
its training points: as with Remez's exchange, the error is pressed down where it is largest.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt
from surefit.attempts.methods import LBFGS, LM, Adam, Auto, Features, FirstOrder, Method, Solver, VarPro
from surefit.attempts.output_layer import rescale
from surefit.models.chain import hidden_layer, is_hidden_layer
from surefit.problems.points import equations, with_points
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.cost import of_iteration
from surefit.search.limits import (
    ITERATION,
    LM_AGAIN,
    MOST_REFINED,
    PROOF_FAILED,
    PROOF_FAILED_ASKED,
    PROOF_ROUNDS,
    PROOF_ROUNDS_ASKED,
    WITNESSES,
    WORTH,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import can_search, polishing
from surefit.sentences import say


def until_proved(s: State, inner: Strategy, method: Method, free: bool) -> Strategy:
    """A strategy, and rounds with more points where the proved error is largest.

    method: that of the fit. free: whether the network may grow.
    """
    reason = yield from inner
    prover = s.prover
    if prover is None or prover.tol is None:
        return reason
    problem, failed = None, 0
    patience = PROOF_FAILED if s.progress.time is None else PROOF_FAILED_ASKED
    for number in range(PROOF_ROUNDS if s.progress.time is None else PROOF_ROUNDS_ASKED):
        best = s.best
        if best is None or prover.impossible is not None or s.problem.function is None or failed >= patience:
            break
        if not prover.is_bounded(best):
            best = s.changed(best, prover.bounded(best))
        x = prover.worst(best)
        if s.over() is not None or not len(x):
            break
        if problem is None or len(problem.train[0]) < len(best.problem.train[0]):
            problem = best.problem
        problem = added(problem, x)
        if problem is None:
            break
        found = yield going_on(s, method, best, problem, number, free)
        if found is None:
            break
        failed = 0 if found.score * WORTH <= best.score else failed + 1
    best = s.best
    return say("not-proved") if best is not None and best.largest <= prover.tol else reason


def added(problem: Problem, x: np.ndarray) -> Problem | None:
    """The problem with these points, each as often as its weight; None where the target has no value at any of them."""
    assert problem.function is not None
    y = problem.function(x)
    good = np.isfinite(y).all(axis=1)
    if not good.any():
        return None
    return with_points(problem, np.repeat(x[good], WITNESSES, axis=0), np.repeat(y[good], WITNESSES, axis=0))


def going_on(s: State, method: Method, best: Candidate, problem: Problem, number: int, free: bool) -> Attempt:
    """The attempt that goes on from a candidate, with more points."""
    why = say("added-where-proved")
    if isinstance(method, FirstOrder) or (isinstance(method, Auto) and best.details["solver"] == "adam"):
        model = copy.deepcopy(best.model)
        again = method if isinstance(method, FirstOrder) else Adam()
        return s.attempt(
            again, model.network, problem, dtype=model.dtype, like=model, goal=s.enough, part=(number + 2, number + 2)
        )
    network = copy.deepcopy(best.model.network)
    network.to("float64")
    if isinstance(method, Auto) and free and number % 2 == 1 and (more := wider(s, network, problem, best)) is not None:
        return replace(more, why=why)
    rescale(network, best.problem, problem)
    return s.attempt(solver_for(s, method, network, problem), network, problem, thin=False, why=why)


def solver_for(s: State, method: Method, network: nn.Module, problem: Problem) -> Solver:
    """What searches these weights further: the method that was named, where it can go on from weights."""
    if isinstance(method, (VarPro, LM, LBFGS)):
        return method
    if is_hidden_layer(network) and can_search(network, problem):
        return polishing(s, 30)
    if of_iteration(equations(problem), len(s.problem.outputs), network.num_parameters()) <= ITERATION:
        return LM(iterations=2 * LM_AGAIN)
    return LBFGS(iterations=200)


def wider(s: State, network: nn.Module, problem: Problem, best: Candidate) -> Attempt | None:
    """The hidden layer with a third more units, which bend where points were added; None for other networks."""
    if not is_hidden_layer(network) or problem.gradients is not None:
        return None
    hidden, offsets, activation = hidden_layer(network)
    total = len(offsets) + max(8, len(offsets) // 3)
    if total > MOST_REFINED:
        return None
    gain = best.details.get("gain") or 4.0
    return s.attempt(
        Features(), s.hidden(total, activation.kind.lower()), problem, scales=(gain, 2 * gain), layer=(hidden, offsets),
        generator=np.random.default_rng([s.seed, 0x9E0F, total]),
    )  # fmt: skip


__all__ = ["going_on", "until_proved"]
