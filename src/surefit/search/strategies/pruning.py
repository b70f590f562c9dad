"""Pruning: units are taken away from a hidden layer, the least important first, and the others polished.

A network that has learned with more units ends far below one that begins with few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from surefit.attempts.methods import VarPro
from surefit.models.chain import hidden_layer
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.runner import State, Strategy
from surefit.solvers.features import solve_output

CHUNK = 6  # at first this part of the units is taken away at once
REMOVED = 4  # units that are tried as the one to go, before a size counts as too small to be pruned to
POINTS = {1: 200, 2: 900}  # training points at least while units are pruned
MANY_POINTS = 1500


def pruned(s: State, start: Candidate, method: VarPro, tol: float, note: Callable[[int, Candidate], None]) -> Strategy:
    """Take units away as long as the error stays within tol: several at once while that goes well, then one by one.

    note: told of each candidate with its number of units.
    """
    problem = s.drawn(max(len(s.problem.train[0]), POINTS.get(s.dim, MANY_POINTS)))
    kept, units = start, len(hidden_layer(start.model.network)[1])
    chunk = max(1, units // CHUNK)
    while units > 1:
        weight, bias, kind, order = importance(kept, problem)
        ways = [order[:chunk]] if chunk > 1 else [[one] for one in order[:REMOVED]]
        smaller = None
        for gone in ways:
            stay = np.delete(np.arange(units), gone)
            network = s.hidden(len(stay), kind)
            first = network[0]  # type: ignore[index]
            first.weight.assign(weight[stay])
            first.bias.assign(bias[stay])
            found = yield s.attempt(method, network, problem, goal=None)
            if found is None:
                return None
            note(units - chunk, found)
            if found.largest <= tol:
                smaller = found
                break
        if smaller is not None:
            kept, units = smaller, units - chunk
            chunk = min(chunk, max(1, units // CHUNK))
        elif chunk > 1:
            chunk //= 2
        else:
            break
    return None


def importance(candidate: Candidate, problem: Problem) -> tuple[np.ndarray, np.ndarray, str, np.ndarray]:
    """The hidden layer, its activation, and its units in the order in which they can be missed."""
    weight, bias, activation = hidden_layer(candidate.model.network)
    x, y = candidate.model.rows(problem.train)
    phi = activation.value(x @ weight.T + bias)
    losses = [
        float(np.mean(solve_output(np.delete(phi, i, 1), y, weights=problem.weights).residuals ** 2))
        for i in range(len(bias))
    ]
    return weight, bias, activation.kind.lower(), np.argsort(losses)


__all__ = ["pruned"]
