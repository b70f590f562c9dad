"""More units where the error is: the adaptive form of scan and solve.

Units spread over the whole box resolve a narrow peak or a kink only when there are very many. So training points are
added where the best network so far is wrong, by the same rule as for the first-order methods, and with them new units
that bend at these points; the old units stay, and one solve finds the output layer of all.
"""

from __future__ import annotations

import numpy as np

from surefit.attempts.methods import Features
from surefit.models.chain import hidden_layer
from surefit.models.inference import predictor
from surefit.problems.points import with_worst
from surefit.problems.problem import ROWS
from surefit.search.candidates import Candidate
from surefit.search.limits import MOST_REFINED, REFINING_SCALES, SOLVER_RESERVE, WORTH_REFINING
from surefit.search.runner import State, Strategy


def refined(s: State, start: Candidate, units: int, rounds: int) -> Strategy:
    """Add `units` units and ROWS times as many points in each of so many rounds, as long as that helps.

    start: a network with one hidden layer.
    """
    problem, now = start.problem, start
    scales: tuple[float, ...] = REFINING_SCALES
    hidden, offsets, activation = hidden_layer(start.model.network)
    rng = np.random.default_rng([s.seed, 0x5EF1])
    each = 0.0  # seconds of a solve, once one was made
    for _ in range(rounds):
        total = len(offsets) + units
        left, needed = s.progress.left(1.0 - SOLVER_RESERVE), each * len(scales) * (total / (total - units)) ** 3
        if total > MOST_REFINED or (left is not None and needed > left):
            break
        problem = with_worst(problem, predictor(now.model), rng, ROWS * units)
        began = s.progress.seconds
        found = yield s.attempt(
            Features(), s.hidden(total, activation.kind.lower()), problem, scales=scales, layer=(hidden, offsets),
            generator=rng, reserve=SOLVER_RESERVE,
        )  # fmt: skip
        if found is None:
            break
        each = (s.progress.seconds - began) / len(scales)
        centre = found.details["gain"]
        scales = (centre, 2 * centre)
        helped = now.score / found.score if found.score > 0 else np.inf
        if helped > 1.0:
            now = found
            hidden, offsets, activation = hidden_layer(found.model.network)
        if helped < WORTH_REFINING:
            break
    return None


__all__ = ["refined"]
