"""Robust losses: how much a squared residual counts, so that a few wrong measurements do not decide the fit.

With f_scale C, a residual r and z = (r / C)^2, the cost is 1/2 sum of C^2 rho(z): the definitions and names of
`scipy.optimize.least_squares`. Residuals far below C count as in least squares; far above it

    linear    rho = z                     like r^2: ordinary least squares
    soft_l1   rho = 2 (sqrt(1 + z) - 1)   like |r|, smoothly
    huber     rho = z, from z = 1 on 2 sqrt(z) - 1: like |r|
    cauchy    rho = log(1 + z)            hardly any more; has local minima
    arctan    rho = arctan(z)             no more than C^2 pi / 2; has local minima

Each function gives value, first and second derivative together, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import numpy as np

from surefit.checking import number_array
from surefit.errors import ArgumentError, ShapeError

# z (m,) -> rho, rho', rho'' (m,) each
Rho = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def linear(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rho(z) = z."""
    return z, np.ones_like(z), np.zeros_like(z)


def soft_l1(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rho(z) = 2 (sqrt(1 + z) - 1), written without cancellation for small z."""
    root = np.sqrt(1.0 + z)
    return 2.0 * z / (root + 1.0), 1.0 / root, -0.5 / root**3


def huber(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rho(z) = z up to 1, then 2 sqrt(z) - 1."""
    far = z > 1.0
    root = np.sqrt(np.where(far, z, 1.0))
    return np.where(far, 2.0 * root - 1.0, z), 1.0 / root, np.where(far, -0.5 / root**3, 0.0)


def cauchy(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rho(z) = log(1 + z)."""
    slope = 1.0 / (1.0 + z)
    return np.log1p(z), slope, -(slope**2)


def arctan(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rho(z) = arctan(z)."""
    slope = 1.0 / (1.0 + z * z)
    return np.arctan(z), slope, -2.0 * z * slope**2


LOSSES: dict[str, Rho] = {f.__name__: f for f in (linear, soft_l1, huber, cauchy, arctan)}

# The curvature rho' + 2 z rho'' of a far residual is zero or negative; the model keeps this part of rho' instead.
LEAST_CURVATURE = 1e-2


class Loss:
    """A loss with its scale: `cost(r)`, and `weighted(r, J)` for a solver of least squares."""

    def __init__(self, solver: str, loss: str | Rho, f_scale: float) -> None:
        if isinstance(loss, str) and loss not in LOSSES:
            near = get_close_matches(loss, LOSSES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(LOSSES)}"
            raise ArgumentError(f"{solver}: loss={loss!r} is unknown; {hint}")
        if not isinstance(loss, str) and not callable(loss):
            raise ArgumentError(f"{solver}: loss={loss!r} must be a name or a function z -> (rho, rho', rho'')")
        if not (isinstance(f_scale, (int, float, np.number)) and 0 < f_scale < np.inf):
            raise ArgumentError(f"{solver}: f_scale={f_scale!r} must be a number > 0")
        self.rho = LOSSES[loss] if isinstance(loss, str) else loss
        self.scale = float(f_scale)
        self.linear = self.rho is linear
        self.solver = solver

    def _at(self, residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        z = (residuals / self.scale) ** 2
        rho, first, second = (number_array("loss", part) for part in self.rho(z))
        if not rho.shape == first.shape == second.shape == z.shape:
            shapes = f"{rho.shape}, {first.shape}, {second.shape}"
            raise ShapeError(f"{self.solver}: loss gave shapes {shapes} for z {z.shape}; all must be the same")
        return z, rho, first, second

    def cost(self, residuals: np.ndarray) -> float:
        """Residuals (m,) -> 1/2 sum of C^2 rho((r / C)^2)."""
        if self.linear:
            return 0.5 * float(residuals @ residuals)
        return 0.5 * self.scale**2 * float(np.sum(self._at(residuals)[1]))

    def weighted(self, residuals: np.ndarray, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (m,), Jacobian (m, n) -> those of the least-squares problem with the same gradient and curvature.

        Triggs, McLauchlan, Hartley and Fitzgibbon (2000), Bundle adjustment, section 4.3: rows of J by
        sqrt(rho' + 2 z rho''), residuals so that the gradient J^T rho' r stays.
        """
        if self.linear:
            return residuals, jacobian
        z, _, first, second = self._at(residuals)
        root = np.sqrt(np.maximum(first + 2.0 * z * second, LEAST_CURVATURE * first))
        safe = np.where(root > 0.0, root, 1.0)
        return residuals * first / safe, jacobian * root[:, None]
