"""Features for a table that is read in parts: as many units as help on the sample, and then one pass over all rows."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

from surefit.attempts.attempt import Attempt
from surefit.attempts.methods import Features
from surefit.attempts.output_layer import enough_rows
from surefit.problems.points import equations
from surefit.search.candidates import Candidate
from surefit.search.cost import of_solve
from surefit.search.limits import FIRST_RESERVE, HELPED_NOISY, LARGE, NOISY_UNITS, PASS, QUICK, SOLVE, SURELY_HELPED
from surefit.search.runner import State, Strategy


def of_all_rows(s: State, method: Features) -> Strategy:
    """Features of a size that suits the table, where nobody says one. method: as it was asked for.

    The sizes are those of a table in memory. Each is solved for on the sample, by whose left-out rows it is judged;
    the first that is hardly better than a smaller one ends it, and the best is solved for on all rows. The largest,
    which costs most, is tried where the one before it helped much, with the gain that was best there.
    """
    found = yield from _on_the_sample(s, method)
    units = max(1, min(NOISY_UNITS[0], equations(s.problem) // 3))  # of a handful of rows
    scales: tuple[float, ...] = ()
    if found is not None:
        units, scales = found.details["units"], (found.details["gain"],)
    last = replace(method, draws=1) if scales else method
    best = yield s.attempt(last, s.hidden(units), s.problem, scales=scales, beyond=0 if scales else 4, named=True)
    return None if best is None else best.reason


def _on_the_sample(s: State, method: Features) -> Generator[Attempt, Candidate | None, Candidate | None]:
    """The best of the sizes on the sample, none of which is a result."""
    stream, part = s.problem.stream, replace(s.problem, stream=None)
    assert stream is not None
    n, rows, best = stream.counts["train"], equations(part), None
    scales: tuple[float, ...] = ()
    before = math.inf
    for units in NOISY_UNITS:
        taken, large = min(rows, enough_rows(units)), units > LARGE and best is not None
        if units > rows // 3 or of_solve(n, units) > PASS or (of_solve(taken, units) > SOLVE and not large):
            break
        if large and best is not None and before < HELPED_NOISY * best.score:
            break
        quick = of_solve(taken, units) <= QUICK
        draws, beyond = (min(2, method.draws), 4) if quick or not scales else (1, 0 if large else 1)
        scales = scales[:1] if large else scales
        network = s.hidden(units)
        found = yield s.attempt(
            replace(method, draws=draws), network, part, scales=() if quick else scales, beyond=beyond,
            reserve=FIRST_RESERVE, provisional=True,
        )  # fmt: skip
        if found is None:
            break
        if best is not None and not found.score <= SURELY_HELPED * best.score:
            return found if found.score < best.score else best
        before, best = math.inf if best is None else best.score, found
        centre = found.details["gain"]
        scales = (centre, 2 * centre, centre / 2)
    return best


__all__ = ["of_all_rows"]
