"""Units of one input with gains of their own, placed by the strategy, and one banded solve for the output layer."""

from __future__ import annotations

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.output_layer import ROUNDOFF
from surefit.attempts.progress import Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.scaled import scaled
from surefit.sentences import say
from surefit.solvers.local_units import DAMPING, solve_local


def local(attempt: Attempt, progress: Progress) -> Outcome | None:
    """Solve for the output layer of the tanh units of `attempt.layer`; the last ones are its jumps, of known height."""
    assert attempt.layer is not None
    network, problem = attempt.network, attempt.problem
    hidden, offsets = (a.astype(attempt.dtype).astype(np.float64) for a in attempt.layer)
    if progress.started(1, 1, network.num_parameters()):
        return None
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    heights = np.empty((0, y.shape[1])) if attempt.steps is None else attempt.steps
    steps = heights / model.scaling.y_scale / 2
    smooth = len(offsets) - len(steps)
    beside = np.tanh(x * hidden[smooth:, 0] + offsets[smooth:]) @ steps
    roundoff = ROUNDOFF[str(attempt.dtype)]
    found = solve_local(
        x[:, 0], y - beside, hidden[:smooth, 0], offsets[:smooth], max(DAMPING, 90.0 * roundoff)
    )  # fmt: skip
    progress.evaluations += 1
    weights = np.concatenate([found.weights, steps])
    rows = Residuals(network, x, y, problem.weights)
    rows.assign(np.concatenate([hidden.reshape(-1), offsets, weights.T.reshape(-1), np.zeros(y.shape[1])]))
    stage = say("stage-local-jumps" if len(steps) else "stage-local", units=len(offsets), jumps=len(steps))
    progress.iteration(1, 1, float(np.mean(found.residuals**2)), None, True, stage=stage)
    details = {
        "solver": "features", "units": len(offsets), "ridge": 0.0, "gain": float(np.median(hidden)),
        "output_norm": float(np.abs(weights).sum(axis=0).max()), "local": True,
    } | ({"jumps": len(steps)} if len(steps) else {})  # fmt: skip
    return Outcome(
        network=network, problem=problem, stage=stage, reason=say("solver-solved"), row=len(progress.history),
        details=details,
    )  # fmt: skip


__all__ = ["local"]
