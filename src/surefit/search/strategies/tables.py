"""The automatic choice for measured data: simple candidates first, and nothing is kept that may be better by luck.

A linear and a quadratic function, sums of functions of one input each, ridge regression on features with more and more
units, variable projection, the mean of the best of these, Adam. Where there are many inputs, the same on those that
matter. Each is judged where it was not fitted: at the validation rows and, where the attempt knows
them, at the training rows, each left out in turn.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.inputs import restricted
from surefit.attempts.methods import Adam, Additive, Features, Method, Polynomial
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.polynomial import network_for
from surefit.attempts.training import plan
from surefit.models.chain import hidden_layer
from surefit.problems.points import equations
from surefit.search.candidates import Candidate
from surefit.search.cost import of_search, of_solve
from surefit.search.limits import (
    ADDITIVE_UNITS,
    BY_THE_WAY,
    CLEAN,
    FEWER,
    FIRST_RESERVE,
    MANY_COLUMNS,
    MEAN_OF,
    MEAN_WITHIN,
    MOST_MEAN,
    MOST_MONOMIALS,
    NAMED_UNITS,
    NOISY_UNITS,
    QUICK,
    SOLVE,
    SOLVER_RESERVE,
    WIDE,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import adam, polishing
from surefit.sentences import say


def measured_data(s: State, jit: bool | None = None) -> Strategy:
    """What is tried on the rows of a table, or of a function with noise."""
    n = len(s.problem.train[0])
    every = tuple(range(s.dim))
    matter = yield from inputs_that_matter(s)
    if matter == every or s.dim <= WIDE * n:
        yield from networks(s, every)
    if matter != every:
        yield from networks(s, matter)
    yield from mean(s)
    best = s.best
    if best is not None and best.score <= CLEAN:
        yield say("no-adam-clean")
        return say("clean")
    if s.problem.validation is None and s.problem.slopes is None and best is not None:
        yield say("no-adam-few", rows=n)  # nothing would tell how good it is
    elif best is not None and s.dim > WIDE * n:
        yield say("no-adam-wide", inputs=s.dim, rows=n)
    else:
        epochs = max(1, plan(Adam(), n)[2] // FEWER)
        yield from adam(s, s.problem, None, jit, Adam(epochs=epochs))
    rows_said = "rows left out one by one" if s.problem.validation is None else "validation rows"
    return say("rows-chose", rows=say(rows_said))


def inputs_that_matter(s: State) -> Generator[Attempt, Candidate | None, tuple[int, ...]]:
    """The inputs of the best sparse linear function, where there are many; else all."""
    every = tuple(range(s.dim))
    if s.dim < MANY_COLUMNS or s.problem.slopes is not None or s.problem.function is not None:
        return every
    network = s.built(network_for(1, s.dim))
    found = yield s.attempt(Polynomial(degree=1, sparse=True), network, s.problem, reserve=FIRST_RESERVE)
    matter = every if found is None else tuple(found.details.get("matter", every))
    return every if len(matter) == s.dim else matter


def networks(s: State, inputs: tuple[int, ...]) -> Strategy:
    """What is tried on some or all of the inputs: polynomials, additive units, features, variable projection."""
    problem, d = s.problem, len(inputs)
    every = d == s.dim
    part = problem if every else restricted(problem, inputs)
    n, rows, values_only = len(problem.train[0]), equations(problem), problem.slopes is None

    def on(method: Method, model: Any, **options: Any) -> Attempt:
        network = s.built(model, part)
        return s.attempt(method, network, problem, inputs=None if every else inputs, **options)

    for degree in (1, 2):
        monomials = d if degree == 1 else d * (d + 3) // 2
        if values_only and monomials <= min(n, MOST_MONOMIALS):
            yield on(Polynomial(degree=degree), network_for(degree, d), reserve=FIRST_RESERVE)
    for each in ADDITIVE_UNITS if values_only and d > 1 else ():
        if each * d <= min(n // 3, MOST_MEAN) and of_solve(n, each * d) <= QUICK:
            yield on(Additive(units=each), (each * d,), reserve=FIRST_RESERVE)
    scales: Sequence[float] = ()
    taken = {h: min(rows, enough_rows(h)) for h in NOISY_UNITS}
    affordable = [h for h in NOISY_UNITS if h <= n and of_solve(taken[h], h) <= SOLVE] or [NOISY_UNITS[0]]
    for units in affordable:
        quick = of_solve(taken[units], units) <= QUICK
        draws, beyond = (2, 4) if quick or not scales else (1, 1)
        found = yield on(
            Features(draws=draws), (min(units, max(1, n - 1)),), scales=() if quick else scales, beyond=beyond,
            reserve=FIRST_RESERVE,
        )  # fmt: skip
        if found is None:
            break
        centre = found.details["steepness"]
        scales = (centre, 2 * centre, centre / 2)
    h = max(1, min(NOISY_UNITS[0], rows // (3 * (d + 2))))
    for units in dict.fromkeys((h, 2 * h, max(h, min(NAMED_UNITS.get(d, 60), (2 * rows) // (3 * (d + 2)))))):
        if of_search(s.built((units,), part), part) > BY_THE_WAY:
            break
        found = yield (first := on(Features(draws=1), (units,), reserve=SOLVER_RESERVE))
        penalty = 0.0 if found is None else found.details["penalty"]
        again = replace(first, method=polishing(s, 60), penalty=penalty)
        yield again
    return None


def mean(s: State) -> Strategy:
    """The mean of the best networks with one hidden layer, as one network with all their units.

    What they have learned of the noise differs, and half of it goes (Breiman 1996, Bagging predictors).
    """
    layers = [
        c for c in s.candidates if c.details["solver"] in ("additive", "features", "varpro") and c.left_out is not None
    ]
    whole = [c for c in layers if c.left_out is not None and len(c.left_out) == len(s.problem.train[0])]
    least = min((c.score for c in whole), default=0.0)
    chosen: list[Candidate] = []
    for c in sorted(whole, key=lambda c: c.score)[:MEAN_OF]:
        total = sum(k.model.network[0].out_features for k in (*chosen, c))  # type: ignore[index]
        if c.score <= MEAN_WITHIN * least and total <= MOST_MEAN:
            chosen.append(c)
    if len(chosen) < 2:
        return None
    network = s.hidden(sum(c.model.network[0].out_features for c in chosen))  # type: ignore[index]
    parts = [hidden_layer(c.model.network) for c in chosen]
    lasts = [c.model.network[-1] for c in chosen]  # type: ignore[index]
    first, last = network[0], network[-1]  # type: ignore[index]
    first.weight.assign(np.concatenate([w for w, _, _ in parts]))
    first.bias.assign(np.concatenate([b for _, b, _ in parts]))
    last.weight.assign(np.concatenate([k.weight.detach().numpy() for k in lasts], axis=1) / len(lasts))
    last.bias.assign(np.mean([k.bias.detach().numpy() for k in lasts], axis=0))
    details = {"solver": chosen[0].details["solver"], "penalty": chosen[0].details.get("penalty", 0.0)}
    stage = say("stage-mean", networks=len(chosen), units=first.out_features)
    outcome = Outcome(
        network=network, problem=s.problem, stage=stage,
        reason=say("solver-solved"), row=chosen[0].row, details=details,
        left_out=np.mean(np.stack([c.left_out for c in chosen if c.left_out is not None]), axis=0),
    )  # fmt: skip
    yield s.attempt(None, network, s.problem, made=outcome)
    return None


__all__ = ["measured_data"]
