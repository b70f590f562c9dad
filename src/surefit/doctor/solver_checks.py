"""The doctor's checks of a solve: what is left of the residuals, and the size of the output weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surefit.doctor.findings import Finding, found, severity
from surefit.doctor.observation import Observation
from surefit.models.scaled import Scaled
from surefit.search.record import Solved

# Rounding of one sum costs about its unit times the sum of absolute weights (Higham 2002, section 3.1). What it costs
# is compared with the residuals: below them nobody sees it, above them it is all there is.
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
SEEN, DROWNED = 1.0, 100.0

UNSOLVED = 0.1  # root mean square of the residuals over the deviation of a known function: hardly anything is explained
NOISY, UNEXPLAINED = 0.1, 0.7  # the same of measured data, whose noise stays: worth a word, and hardly anything


def solved(model: Scaled, made: Solved, o: Observation, reached: bool | None, exact: bool) -> Iterator[Finding]:
    """What a solver left. exact: of a known function without noise."""
    if o.targets is None or o.output.shape != o.targets.shape:
        return
    rest = o.output.astype(np.float64) - o.targets
    size = float(np.std(o.targets)) or 1.0
    left = float(np.sqrt(np.mean(rest**2))) / size
    if not exact and left > UNEXPLAINED:  # of most rows, where a few that are far off make it so large
        left = min(left, _typical(rest) / max(_typical(o.targets - np.median(o.targets, axis=0)), 1e-300))
    level = severity(left, UNSOLVED, UNSOLVED) if exact else severity(left, NOISY, UNEXPLAINED)
    level = "ok" if reached else level
    yield found("residuals", level, "training", left, stage=made.stage, left=left)
    norm = made.details.get("output_norm")
    if norm is not None:
        cost = UNIT[str(model.dtype)] * float(norm) / max(left, UNIT[str(model.dtype)])
        level = severity(cost, SEEN, DROWNED)
        values = dict(norm=norm, dtype=str(model.dtype), cost=cost)
        yield found("large-output-weights", level, "output", float(norm), **values)


def _typical(e: np.ndarray) -> float:
    """What half of these numbers are no larger than."""
    return float(np.median(np.abs(e)))


__all__ = ["solved"]
