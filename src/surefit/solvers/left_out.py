"""What a network misses each row by when it is fitted without it, to first order, from one Jacobian.

Leaving a row out moves the weights by a Gauss-Newton step, and so its residual becomes the residual over 1 - the
leverage of the row, the diagonal of J (J^T J + D)^-1 J^T (Allen, "The relationship between variable selection and data
augmentation", 1974; for networks Hansen and Larsen, "Linear unlearning for cross-validation", 1996). J is that of all
weights, so that hidden units which a row has drawn to itself count; D is the ridge that each weight had in the fit. For
features that stay as they are this is exact, and `solvers.features` has it without rounding.

A weight on which J says next to nothing is not moved by a row either: a search would never come to its far minimum. So
D is at least UNDECIDED of the trace of J^T J. Against explicit refits of 20 noisy fits by Levenberg-Marquardt and
variable projection what comes out is then between .5 and 1.2 of the root mean square that refits show; with none of it,
up to 1e4 of it. A refit that ends in another minimum, or runs away where a row stood alone, no first order sees.
"""

from __future__ import annotations

import numpy as np

UNDECIDED = 1e-6  # of the trace of J^T J
LEAST_LEFT = 1e-6  # of 1 - leverage, below which rounding would decide what a row is missed by when it is left out


def leverages(jacobian: np.ndarray, ridge: np.ndarray | float = 0.0) -> np.ndarray:
    """How much of its own residual each row explains, (..., n), from 0 to below 1.

    jacobian (..., n, p) of the weighted residuals; ridge >= 0 (..., p), in units of the sum of their squares.
    """
    turned = np.ascontiguousarray(np.swapaxes(jacobian, -1, -2))
    normal = turned @ jacobian
    places = np.arange(normal.shape[-1])
    trace = np.trace(normal, axis1=-2, axis2=-1)[..., None]
    normal[..., places, places] += ridge + UNDECIDED * np.where(trace > 0, trace, 1.0)
    return np.einsum("...np,...pn->...n", jacobian, np.linalg.solve(normal, turned))


def left_out(residuals: np.ndarray, leverage: np.ndarray, least: float = LEAST_LEFT) -> np.ndarray:
    """Residuals of rows as they are when their row is left out; of one shape with the leverages, or broadcast to it.

    least: of 1 - leverage; more of it where one row that stands alone is not to decide between networks.

    >>> x, y = np.arange(4.0), np.array([0.0, 1.0, 2.0, 6.0])
    >>> a = x[:, None]
    >>> residuals = a @ np.linalg.lstsq(a, y, rcond=None)[0] - y
    >>> without = a[3] @ np.linalg.lstsq(a[:3], y[:3], rcond=None)[0] - y[3]  # fitted again
    >>> bool(abs(left_out(residuals, leverages(a))[3] - without) < 1e-5)
    True
    """
    return np.asarray(residuals / np.maximum(1.0 - leverage, least))


__all__ = ["LEAST_LEFT", "UNDECIDED", "left_out", "leverages"]
