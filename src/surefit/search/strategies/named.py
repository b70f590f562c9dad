"""One method that was asked for by name, on the network that was asked for, or on one of a size that suits it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefit import nn
from surefit.attempts.methods import LBFGS, LM, Additive, Features, Polynomial, Solver, VarPro
from surefit.attempts.performing import check_method
from surefit.attempts.polynomial import network_for
from surefit.errors import ArgumentError
from surefit.models.chain import is_hidden_layer
from surefit.models.spec import MLPSpec
from surefit.problems.points import MANY, equations, rows_of
from surefit.problems.problem import ROWS, Problem
from surefit.search.cost import most_rows
from surefit.search.limits import DEEP, ENOUGH, ITERATION, NAMED_UNITS
from surefit.search.runner import State, Strategy
from surefit.sentences import say
from surefit.spelling import spelled


def named(s: State, method: Solver, model: Any) -> Strategy:
    """The attempts of a solver: variable projection of one hidden layer begins with features."""
    d, n, free = s.dim, equations(s.problem), s.problem.free
    if isinstance(method, Polynomial):
        if model is not None:
            raise ArgumentError(
                f"model: {spelled('method', repr('polynomial'))} makes its own network; leave {spelled('model')} out"
            )
        model = network_for(method.degree, d)
    if isinstance(method, Additive):
        if model is not None:
            raise ArgumentError(
                f"model: {spelled('method', repr('additive'))} makes its own network, {method.units} units for each "
                f"input; leave {spelled('model')} out, or give surefit.Additive(units=...)"
            )
        model = (sum(method.widths(d)),)
    if model is None or (isinstance(model, MLPSpec) and model.hidden is None):
        units = {1: 100, 2: 400}.get(d, 800) if isinstance(method, Features) else NAMED_UNITS.get(d, 60)
        one = (units if free else max(1, min(units, n // 3)),)
        widths = one if isinstance(method, (Features, VarPro)) else DEEP if isinstance(method, LM) else None
        model = replace(model or MLPSpec(), hidden=widths)
    network = s.built(model)
    check_method(method, network, s.problem)
    p = network.num_parameters()
    if s.problem.function is None and not s.problem.known and unbound(method) and p >= n * len(s.problem.outputs):
        s.problem = replace(s.problem, notes=(*s.problem.notes, say("more-weights", weights=p, rows=n)))
    problem, ridge, goal = points_for(s, method, network), 0.0, s.enough if s.problem.exact else None
    start = isinstance(method, VarPro) and not s.problem.exact  # noise may make its beginning look better
    found = None
    if isinstance(method, Features) or (isinstance(method, VarPro) and is_hidden_layer(network)):
        first = method if isinstance(method, Features) else Features(draws=method.draws, ridge=method.ridge)
        found = yield s.attempt(first, network, problem, goal=goal, provisional=start)
        ridge = 0.0 if found is None else found.details["ridge"]
    if isinstance(method, (Polynomial, Additive)):
        found = yield s.attempt(method, network, problem, goal=goal)
    elif not isinstance(method, Features):
        found = yield s.attempt(method, network, problem, ridge=ridge, goal=goal)
    return None if found is None else found.reason


def unbound(method: Solver) -> bool:
    """Whether a method goes through all rows where weights allow it, because nothing keeps these small."""
    return isinstance(method, LBFGS) or (isinstance(method, LM) and method.ridge in (None, "auto", 0.0))


def points_for(s: State, method: Solver, network: nn.Module) -> Problem:
    """Training points for a solver on a network, where they are ours to choose."""
    d, p, k = s.dim, network.num_parameters(), len(s.problem.outputs)
    rows = ROWS * p // (d + 2) + 2 if not isinstance(method, (Polynomial, Additive)) else ROWS * p
    if not isinstance(method, Features) and d >= MANY:
        rows = max(rows, min(rows_of(s.problem) * p, most_rows(ITERATION, k, p), ENOUGH))
    if isinstance(method, (LM, LBFGS)):
        rows = max(rows, min(2 * p, 1000 * d))
    return s.drawn(rows, scattered=isinstance(method, Additive))


__all__ = ["named", "points_for", "unbound"]
