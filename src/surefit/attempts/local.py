"""Units of one input with gains of their own, placed by the strategy, and one banded solve for the output layer."""

from __future__ import annotations

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.progress import Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.scaled import scaled
from surefit.sentences import say
from surefit.solvers.local_units import DAMPING, SMALLEST, solve_local
from surefit.solvers.roughness import BESIDE

# Of the weights, as they are tried: in float32 more of it costs accuracy, and less of it leaves large weights that
# cancel each other, with the rounding of each.
DAMPINGS = {"float64": (DAMPING,), "float32": (5e-6, 5e-7, 5e-8)}
LEAST = {"float64": SMALLEST, "float32": 1e-3}  # change of the values that counts there
NEAR = 4.0  # roundings
PART = 2048  # rows at a time


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
    if len(steps):  # so near to a jump, rounding decides on which side a row is
        bends = -offsets[smooth:] / hidden[smooth:, 0]
        near = np.abs(x - bends) <= NEAR * np.finfo(attempt.dtype).eps * np.abs(bends) + BESIDE
        x, y = x[~near.any(axis=1)], y[~near.any(axis=1)]
    beside = np.tanh(x * hidden[smooth:, 0] + offsets[smooth:]) @ steps
    rest = y - beside
    level = 0.5 * (rest.min(axis=0) + rest.max(axis=0))  # which many bumps are, but not exactly
    best, least = None, np.inf
    for damping in DAMPINGS[str(attempt.dtype)]:
        found = solve_local(
            x[:, 0], rest - level, hidden[:smooth, 0], offsets[:smooth], damping, LEAST[str(attempt.dtype)]
        )
        progress.evaluations += 1
        weights = np.concatenate([found.weights, steps])
        off = _off(x, y - level, hidden, offsets, weights, attempt.dtype)
        if best is None or off < least:
            best, least = (found, weights), off
    assert best is not None
    found, weights = best
    rows = Residuals(network, *model.rows(problem.train), problem.weights)
    rows.assign(np.concatenate([hidden.reshape(-1), offsets, weights.T.reshape(-1), level]))
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


def _off(
    x: np.ndarray, y: np.ndarray, hidden: np.ndarray, offsets: np.ndarray, weights: np.ndarray, dtype: np.dtype
) -> float:
    """The largest residual of the network where it runs."""
    x, hidden, offsets, weights = (a.astype(dtype) for a in (x, hidden, offsets, weights))
    parts = (slice(i, i + PART) for i in range(0, len(x), PART))
    return max(float(np.abs(np.tanh(x[p] * hidden[:, 0] + offsets) @ weights - y[p]).max()) for p in parts)


__all__ = ["local"]
