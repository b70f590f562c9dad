"""More units where the error is: the adaptive form of scan and solve.

Units spread over the whole box resolve a narrow peak or a kink only when there are very many. So training points are
added where the best network so far is wrong, by the same rule as for the first-order methods, and with them new units
that bend at these points; the old units stay, and one solve finds the output layer of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.fitting.adaptive import with_worst
from surefit.fitting.solving import ROUNDOFF, Candidate, Run, predictor, scaled_rows
from surefit.models.chain import chain_of
from surefit.models.scaled import scaled
from surefit.problems.problem import ROWS, Problem
from surefit.solvers.features import place_units, solve_output

STEEPER = (8.0, 32.0, 16.0, 4.0)  # steepnesses of the new units, in the order in which they are tried
MOST = 1000  # units in all: a solve takes a second
WORTH = 1.2  # a round that lowers the error by less than this is the last


def refine(run: Run, start: Candidate, units: int, rounds: int, goal: float | None, share: float) -> Candidate | None:
    """Add `units` units and ROWS times as many points in each of so many rounds, as long as that helps.

    start: a network with one hidden layer. The best candidate, or None when nothing was better or the time was up.
    """
    best: Candidate | None = None
    problem = start.problem
    layer = _layer(start)
    rng = np.random.default_rng([run.seed, 0x5EF1])
    scales: tuple[float, ...] = STEEPER
    now = start
    each = 0.0  # seconds of a solve, once one was made
    for number in range(1, rounds + 1):
        total = len(layer[1]) + units
        left, needed = run.left(share), each * len(scales) * (total / (total - units)) ** 3
        if run.stopped or (left is not None and needed > left) or total > MOST:
            break
        problem = with_worst(problem, predictor(now.model), rng, ROWS * units)
        began = run.seconds
        found, scales = _round(run, now, layer, problem, units, scales, number, share, rng)
        each = (run.seconds - began) / max(1, len(STEEPER) if number == 1 else len(scales))
        if found is None:
            break
        helped = now.judged / found.judged if found.judged > 0 else np.inf
        if helped > 1.0:
            best, now, layer = found, found, _layer(found)
        if helped < WORTH or (goal is not None and found.judged <= goal):
            break
    return best


def _layer(candidate: Candidate) -> tuple[np.ndarray, np.ndarray]:
    """Weights (h, d) and biases (h,) of the hidden layer."""
    chain = chain_of(candidate.model.network)
    assert chain is not None
    first = chain[0][0]
    assert first.bias is not None
    return first.weight.detach().numpy().astype(np.float64), first.bias.detach().numpy().astype(np.float64)


def _round(
    run: Run, now: Candidate, layer: tuple[np.ndarray, np.ndarray], problem: Problem, units: int,
    scales: tuple[float, ...], number: int, share: float, rng: np.random.Generator,
) -> tuple[Candidate | None, tuple[float, ...]]:  # fmt: skip
    """One round: the best of the steepnesses as a candidate, and the steepnesses for the next round."""
    hidden, offsets = layer
    total = len(offsets) + units
    chain = chain_of(now.model.network)
    assert chain is not None
    activation = chain[0][1]
    assert activation is not None
    network = run.hidden(total, activation.kind.lower())
    x, y = scaled_rows(scaled(network, problem, True, ops.float64), problem.train)
    bends = x[-problem.added[-1] :]
    words = f"features, {total} units, {number * units} of them where the error was"
    run.started(len(scales), total)
    before = len(run.history)
    tried: list[tuple[float, float, Any, np.ndarray, np.ndarray]] = []
    for scale in scales:
        if run.out_of_time(share) and tried:
            break
        more, offset = place_units(x.shape[1], units, scale, rng, bends)
        w, b = np.concatenate([hidden, more]), np.concatenate([offsets, offset])
        w, b = (a.astype(run.dtype).astype(np.float64) for a in (w, b))
        solved = solve_output(
            activation.value(x @ w.T + b), y, weights=problem.weights, roundoff=ROUNDOFF[str(run.dtype)]
        )
        run.evaluations += 1
        tried.append((solved.score, scale, solved, w, b))
        best = solved.score == min(t[0] for t in tried)
        if run.step(words, len(tried), len(scales), float(np.mean(solved.residuals**2)), None, best):
            break
    place = int(np.argmin([t[0] for t in tried]))
    _, scale, solved, w, b = tried[place]
    rows = Residuals(network, x, y, problem.weights)
    rows.assign(np.concatenate([a.reshape(-1) for a in (w, b, solved.weights.T, solved.constant)]))
    details = {
        "solver": "features", "units": total, "steepness": scale, "penalty": 0.0, "magnitude": solved.magnitude,
        "reason": "",
    }  # fmt: skip
    return run.candidate(network, problem, words, details, before + place + 1), (scale, 2 * scale)


__all__ = ["refine"]
