"""Sums of functions of one input each: units that see one input, and an output layer that is solved for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.features import GAIN, missed_alone, ridges_of
from surefit.attempts.methods import Additive
from surefit.attempts.output_layer import ROUNDOFF, enough_rows
from surefit.attempts.progress import Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.chain import chain_of
from surefit.models.scaled import scaled
from surefit.problems.points import some_rows
from surefit.sentences import say
from surefit.solvers.features import OVERHANG, Output, place_units, solve_output

SCALES = (1.0, 2.0, 0.5, 4.0)  # gains, in the units of scaled inputs
STEEPER = 64.0  # at most, where steeper ones have been better each time
VARIED = 400  # units at most of networks whose parts get gains of their own


@dataclass(frozen=True)
class _Tried:
    """A solve for the output layer: gain of each part, hidden layer (h, d) and (h,), features (n, h), its row."""

    solved: Output
    scales: np.ndarray
    hidden: np.ndarray
    offsets: np.ndarray
    phi: np.ndarray
    row: int


def centres(column: np.ndarray, units: int, spread: bool) -> np.ndarray:
    """Where the units of an input bend: at quantiles of its values (n,), or evenly over [-1, 1] and a little more."""
    if spread:
        return np.linspace(-OVERHANG, OVERHANG, units)
    values = np.unique(column)
    if len(values) <= units:  # between its few values, again and again
        values = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values
        return np.resize(values, units)
    return np.quantile(column, (np.arange(units) + 0.5) / units)


def placed(
    x: np.ndarray, group: Sequence[int], units: int, generator: np.random.Generator, spread: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (units, d) and offsets (units,) of units of gain 1 that see these inputs of rows x (n, d) only."""
    columns = list(group)
    hidden = np.zeros((units, x.shape[1]))
    if len(columns) == 1:
        hidden[:, columns[0]] = 1.0
        return hidden, -centres(x[:, columns[0]], units, spread)
    part, offsets = place_units(len(columns), units, 1.0, generator, None if spread else x[:, columns])
    hidden[:, columns] = part
    return hidden, offsets


def additive(attempt: Attempt, method: Additive, progress: Progress) -> Outcome | None:
    """Place the units for a few gains, and keep the best."""
    network, problem, exact = attempt.network, attempt.problem, attempt.problem.exact
    if not exact:  # of very many rows a part is enough
        problem = some_rows(problem, enough_rows(network.num_parameters() // (len(problem.names) + 2)), attempt.seed)
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    d = x.shape[1]
    chain = chain_of(network)
    assert chain is not None
    activation = chain[0][1]
    assert activation is not None
    widths = method.widths(d)
    groups = [(i,) for i in range(d)] if method.groups is None else method.groups
    stage = say("stage-additive" if method.groups is None else "stage-groups", units=sum(widths), parts=len(widths))
    if progress.started(len(SCALES), 1, network.num_parameters()):
        return None
    rows = Residuals(network, x, y, problem.weights)
    generator, spread = np.random.default_rng([attempt.seed, 4]), problem.function is not None
    parts = [placed(x, group, w, generator, spread) for group, w in zip(groups, widths, strict=True)]
    hidden, offsets = np.concatenate([h for h, _ in parts]), np.concatenate([b for _, b in parts])
    part = np.repeat(np.arange(len(widths)), widths)  # of each unit
    factor = GAIN.get(activation.kind, 1.0)
    ridges, roundoff = ridges_of(method.ridge, exact), max(attempt.calm, ROUNDOFF[str(attempt.dtype)])
    best: _Tried | None = None
    before = len(progress.history)
    plan = [np.full(len(widths), scale) for scale in SCALES]  # the gain of each part
    varied = len(widths) < 2 or sum(widths) > VARIED
    tried = 0
    while plan:
        if best is not None and (progress.out_of_time(attempt.share) or progress.evaluations_left() == 0):
            break
        scales = plan.pop(0)
        tried += 1
        gains = factor * scales[part]
        w, b = (a.astype(attempt.dtype).astype(np.float64) for a in (hidden * gains[:, None], offsets * gains))
        phi = activation.value(x @ w.T + b)
        solved = solve_output(phi, y, weights=problem.weights, roundoff=roundoff, ridges=ridges)
        progress.evaluations += 1
        better = best is None or solved.score < best.solved.score
        if better:
            best = _Tried(solved, scales, w, b, phi, before + tried)
        loss = float(np.mean(solved.residuals**2))
        if progress.iteration(tried, tried + len(plan), loss, None, better, stage=stage):
            break
        assert best is not None
        if not plan and better and tried >= len(SCALES) and np.ptp(scales) == 0 and scales[0] < STEEPER:
            plan = [2.0 * scales]
        elif not plan and not varied:  # parts may bend more or less sharply than the others
            varied = True
            plan = [
                np.where(np.arange(len(widths)) == g, f * best.scales, best.scales)
                for g in range(len(widths))
                for f in (2.0, 0.5)
            ]
    assert best is not None
    solved, scale, phi, row = best.solved, float(np.median(best.scales)), best.phi, best.row
    rows.assign(np.concatenate([a.reshape(-1) for a in (best.hidden, best.offsets, solved.weights.T, solved.constant)]))
    details = {
        "solver": "additive", "units": sum(widths), "gain": scale, "ridge": solved.ridge,
        "output_norm": solved.norm,
    }  # fmt: skip
    left_out = None if exact else missed_alone(solved, lambda: phi, y, problem.weights)
    return Outcome(
        network=network, problem=problem, stage=stage, reason=say("solver-solved"), row=row, details=details,
        left_out=left_out,
    )  # fmt: skip


__all__ = ["additive", "centres"]
