"""The automatic choice for measured data: simple candidates first, and nothing is kept that may be better by luck.

Ridge regression on features with more and more units, variable projection, Adam. Each is judged where it was not
fitted; a later one replaces an earlier one only when it is surely better (`candidates.best_of`).
"""

from __future__ import annotations

from collections.abc import Sequence

from surefit.attempts.methods import Adam, Features
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.training import plan
from surefit.problems.points import equations
from surefit.search.cost import of_search, of_solve
from surefit.search.limits import (
    BY_THE_WAY,
    CLEAN,
    FEWER,
    FIRST_RESERVE,
    NOISY_UNITS,
    QUICK,
    SOLVE,
    SOLVER_RESERVE,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import adam, polishing
from surefit.sentences import say


def measured_data(s: State, jit: bool | None = None) -> Strategy:
    """What is tried on the rows of a table, or of a function with noise."""
    n, rows = len(s.problem.train[0]), equations(s.problem)
    scales: Sequence[float] = ()
    taken = {h: min(rows, enough_rows(h)) for h in NOISY_UNITS}
    affordable = [h for h in NOISY_UNITS if h <= n and of_solve(taken[h], h) <= SOLVE] or [NOISY_UNITS[0]]
    for units in affordable:
        quick = of_solve(taken[units], units) <= QUICK
        draws, beyond = (2, 4) if quick or not scales else (1, 1)
        found = yield s.attempt(
            Features(draws=draws), s.hidden(min(units, max(1, n - 1))), s.problem, scales=() if quick else scales,
            beyond=beyond, reserve=FIRST_RESERVE,
        )  # fmt: skip
        if found is None:
            break
        centre = found.details["steepness"]
        scales = (centre, 2 * centre, centre / 2)
    for units in (h := max(1, min(NOISY_UNITS[0], rows // (3 * (s.dim + 2)))), 2 * h):
        network = s.hidden(units)
        if of_search(network, s.problem) > BY_THE_WAY:
            break
        found = yield s.attempt(Features(draws=1), network, s.problem, reserve=SOLVER_RESERVE)
        penalty = 0.0 if found is None else found.details["penalty"]
        yield s.attempt(polishing(s, 60), network, s.problem, reserve=SOLVER_RESERVE, penalty=penalty)
    best = s.best
    if best is not None and best.score <= CLEAN:
        yield say("no-adam-clean")
        return say("clean")
    if s.problem.validation is None and s.problem.slopes is None and best is not None:
        yield say("no-adam-few", rows=n)  # nothing would tell how good it is
    else:
        epochs = max(1, plan(Adam(), n)[2] // FEWER)
        yield from adam(s, s.problem, None, jit, Adam(epochs=epochs))
    rows_said = "rows left out one by one" if s.problem.validation is None else "validation rows"
    return say("rows-chose", rows=say(rows_said))


__all__ = ["measured_data"]
