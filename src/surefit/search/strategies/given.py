"""The automatic choice on a network that was given: the solvers that fit it, cheap ones first, then Adam.

Where a tolerance was asked for and a time given for it, this is repeated from other weights until it is reached or the
time is up: small networks end in minima of very different depth, and another start is the cheap way past a poor one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefit import nn
from surefit.attempts.methods import LBFGS, Adam, Features, VarPro
from surefit.attempts.training import plan
from surefit.models.chain import chain_of, is_hidden_layer, output_layer
from surefit.problems.gradients import unlike
from surefit.problems.points import equations
from surefit.problems.problem import ROWS
from surefit.search.cost import of_iteration, of_search
from surefit.search.limits import (
    ADAM_REACHES,
    DEEP_VARPRO,
    ENOUGH,
    ITERATION,
    LM_RESERVE,
    MOST_DOUBLED,
    ROUNDS,
    SOLVER_RESERVE,
    STARTS,
)
from surefit.search.restarts import seeds_of
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import adam, points_of, polishing
from surefit.search.strategies.rounds import rounds
from surefit.sentences import say

KINKED = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.Hardtanh,
)  # whose gradients jump, from which L-BFGS takes curvature


def given_model(s: State, model: Any, jit: bool | None = None, again: bool = True) -> Strategy:
    """What is tried on the network of fit's model=: from its weights, then, with a tolerance and a time, from others.

    again: whether it may be; a Module has the weights that it came with and no others.
    """
    reason = yield from given_network(s, s.built(model), jit)
    asked = s.tol is not None and s.progress.time is not None and s.problem.exact
    if not (again and asked) or isinstance(model, nn.Module):
        return reason
    for number, seed in enumerate(seeds_of(s.seed, STARTS)[1:]):
        if s.progress.out_of_time():
            break
        other = replace(s, seed=seed)  # what is found joins the same candidates
        yield from given_network(other, other.built(model), jit, doubled=min(number, MOST_DOUBLED))
    return reason


def given_network(s: State, network: nn.Module, jit: bool | None = None, doubled: int | None = None) -> Strategy:
    """What is tried on this network; each method that does not go on from another begins with the same weights.

    doubled: of another start, how often Adam takes twice as many steps as it would by itself, to the last.
    """
    d, k, p = s.dim, len(s.problem.outputs), network.num_parameters()
    start = [leaf.detach().numpy() for leaf in (*network.parameters(), *network.buffers())]

    def restore() -> None:
        for leaf, value in zip((*network.parameters(), *network.buffers()), start, strict=True):
            leaf.assign(value)

    problem = s.drawn(min(max(2 * p // k, ROWS * p // (d + 2)) + 2, max(1000 * d * d, 2 * p // k)))
    n = equations(problem)
    if is_hidden_layer(network):
        chain = chain_of(network)
        assert chain is not None
        problem = s.drawn(points_of(s, chain[0][0].out_features))
        found = yield s.attempt(Features(), network, problem)
        if of_search(network, problem) <= ITERATION:
            ridge = 0.0 if found is None else found.details["ridge"]
            yield s.attempt(polishing(s, 100), network, problem, reserve=SOLVER_RESERVE, ridge=ridge)
    elif of_iteration(n, k, p) <= ITERATION:
        yield from rounds(s, network, int(min(200, max(20, ROUNDS / (of_iteration(n, k, p) + 2 * p**3)))), LM_RESERVE)
        separable = s.problem.gradients is None or not len(unlike(s.problem.gradients))
        if output_layer(network) is not None and separable:
            restore()
            yield s.attempt(VarPro(iterations=DEEP_VARPRO), network, problem, reserve=LM_RESERVE)
    elif doubled is None:
        yield say("no-lm", rows=n, parameters=p)
        if not any(isinstance(module, KINKED) for module in network.modules()):
            yield s.attempt(LBFGS(iterations=500), network, problem, reserve=1.0 - (1.0 - SOLVER_RESERVE) / 2)
    best = s.best
    if best is not None and s.problem.exact and best.score <= s.judge.share(ADAM_REACHES):
        yield say("no-adam", share=ADAM_REACHES)
        return None
    restore()
    count, method = min(1000 * d * d, ENOUGH), Adam()
    if doubled is None:
        problem = s.drawn(count)
    else:  # half of the doublings are points: the largest error is between those that are too few
        problem = s.drawn(min(count * 2 ** ((doubled + 1) // 2), ENOUGH))
        steps = plan(method, count)[2] * count * 2**doubled
        method = Adam(epochs=max(1, round(steps / len(problem.train[0]))))
    yield from adam(s, problem, network, jit, method)
    return None


__all__ = ["given_model", "given_network"]
