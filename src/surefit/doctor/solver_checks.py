"""The doctor's checks of a solve: what is left of the residuals, and the size of the output weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from surefit.doctor.findings import Finding, severity
from surefit.doctor.observation import Patient
from surefit.models.scaled import Scaled

# Rounding of one sum costs about its unit times the sum of absolute weights (Higham 2002, section 3.1). What it costs
# is compared with the residuals: below them nobody sees it, above them it is all there is.
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
SEEN, DROWNED = 1.0, 100.0

UNSOLVED = 0.1  # root mean square of the residuals over the deviation of a known function: hardly anything is explained
NOISY, UNEXPLAINED = 0.1, 0.7  # the same of measured data, whose noise stays: worth a word, and hardly anything


def solved(
    model: Scaled, method: dict[str, Any], patient: Patient, reached: bool | None, exact: bool
) -> Iterator[Finding]:
    """What a solver left. exact: of a known function without noise."""
    if patient.targets is None or patient.output.shape != patient.targets.shape:
        return
    rest = patient.output.astype(np.float64) - patient.targets
    size = float(np.std(patient.targets)) or 1.0
    left = float(np.sqrt(np.mean(rest**2))) / size
    level = severity(left, UNSOLVED, UNSOLVED) if exact else severity(left, NOISY, UNEXPLAINED)
    level = "ok" if reached else level
    message = f"{method['stage']} left residuals of {left:.2g} of the target's deviation at the training rows"
    cure = "more units, another method, or more samples, unless the rest is noise"
    yield Finding("residuals", level, "training", left, message, cure)
    magnitude = method.get("magnitude")
    if magnitude is not None:
        cost = UNIT[str(model.dtype)] * float(magnitude) / max(left, UNIT[str(model.dtype)])
        level = severity(cost, SEEN, DROWNED)
        message = (
            f"the absolute output weights sum to {magnitude:.3g} of the target's deviation; rounding in {model.dtype} "
            f"may cost {cost:.2g} times what the residuals are"
        )
        cure = "dtype='float64', a penalty, or more units, whose weights are smaller"
        yield Finding("large-output-weights", level, "output", float(magnitude), message, cure)


__all__ = ["solved"]
