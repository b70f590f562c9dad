"""Sums of functions of one input each: units that see one input, and an output layer that is solved for."""

from __future__ import annotations

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.features import GAIN, leave_one_out, penalties_of
from surefit.attempts.methods import Additive
from surefit.attempts.output_layer import ROUNDOFF
from surefit.attempts.progress import Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.chain import chain_of
from surefit.models.scaled import scaled
from surefit.sentences import say
from surefit.solvers.features import OVERHANG, solve_output

SCALES = (1.0, 2.0, 0.5, 4.0)  # steepnesses, in the units of scaled inputs
STEEPER = 64.0  # at most, where steeper ones have been better each time


def centres(column: np.ndarray, units: int, spread: bool) -> np.ndarray:
    """Where the units of an input bend: at quantiles of its values (n,), or evenly over [-1, 1] and a little more."""
    if spread:
        return np.linspace(-OVERHANG, OVERHANG, units)
    values = np.unique(column)
    if len(values) <= units:  # between its few values, again and again
        values = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values
        return np.resize(values, units)
    return np.quantile(column, (np.arange(units) + 0.5) / units)


def additive(attempt: Attempt, method: Additive, progress: Progress) -> Outcome | None:
    """Place the units for a few steepnesses, and keep the best."""
    network, problem, exact = attempt.network, attempt.problem, attempt.problem.exact
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    d = x.shape[1]
    chain = chain_of(network)
    assert chain is not None
    activation, total = chain[0][1], chain[0][0].out_features
    assert activation is not None
    units = total // d
    stage = say("stage-additive", units=total)
    if progress.started(len(SCALES), 1, network.num_parameters()):
        return None
    rows = Residuals(network, x, y, problem.weights)
    where = np.concatenate([centres(x[:, j], units, problem.function is not None) for j in range(d)])  # (d units,)
    directions = np.repeat(np.eye(d), units, axis=0)
    factor = GAIN.get(activation.kind, 1.0)
    penalties, roundoff = penalties_of(method.penalty, exact), ROUNDOFF[str(attempt.dtype)]
    best, plan, tried, before = None, list(SCALES), 0, len(progress.history)
    while plan:
        if best is not None and (progress.out_of_time(attempt.share) or progress.evaluations_left() == 0):
            break
        scale = plan.pop(0)
        tried += 1
        gains = np.full(total, factor * scale)
        hidden, offsets = directions * gains[:, None], -where * gains
        hidden, offsets = (a.astype(attempt.dtype).astype(np.float64) for a in (hidden, offsets))
        phi = activation.value(x @ hidden.T + offsets)
        solved = solve_output(phi, y, weights=problem.weights, roundoff=roundoff, penalties=penalties)
        progress.evaluations += 1
        better = best is None or solved.score < best[0].score
        if better:
            best = solved, scale, hidden, offsets, phi, before + tried
        loss = float(np.mean(solved.residuals**2))
        if progress.iteration(tried, tried + len(plan), loss, None, better, stage=stage):
            break
        if not plan and better and scale < STEEPER:
            plan = [2.0 * scale]
    assert best is not None
    solved, scale, hidden, offsets, phi, row = best
    rows.assign(np.concatenate([a.reshape(-1) for a in (hidden, offsets, solved.weights.T, solved.constant)]))
    details = {
        "solver": "additive", "units": total, "steepness": scale, "penalty": solved.penalty,
        "magnitude": solved.magnitude,
    }  # fmt: skip
    left_out = None if exact else leave_one_out(phi, solved.residuals, problem.weights, solved.penalty)
    return Outcome(
        network=network, problem=problem, stage=stage, reason=say("solver-solved"), row=row, details=details,
        left_out=left_out,
    )  # fmt: skip


__all__ = ["additive", "centres"]
