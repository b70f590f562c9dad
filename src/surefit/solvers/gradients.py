"""Scan and solve for values and gradients together: the same hidden layers, more rows in the least-squares problem.

A network with one hidden layer is linear in its output layer, and so are its derivatives by the inputs: a gradient of d
numbers is d further rows for each point. Few points then fix many units, where values are expensive and gradients come
with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from surefit.blas import one_thread
from surefit.errors import ShapeError

from .features import RCONDS, SCALES, Features, Output, centred, decompose, scan, shares
from .result import Callback

Activation = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # z -> value and slope


@one_thread()
def gradient_features(
    x: np.ndarray,
    y: np.ndarray,
    gradients: np.ndarray,
    units: int,
    activation: Activation,
    *,
    weight: float = 1.0,
    scales: Sequence[float] = SCALES,
    beyond: int = 4,
    draws: int = 2,
    generator: np.random.Generator | int = 0,
    centres: np.ndarray | None = None,
    row_weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    dtype: type | np.dtype = np.float64,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    time: float | None = None,
    callback: Callback | None = None,
) -> Features:
    """A network with one hidden layer of `units` for values y (m, k) and gradients (m, k, d) at x (m, d).

    Minimises the mean squared residual of the values plus `weight` times that of the gradients that are known (not
    NaN). The truncation and the gain are chosen by the largest residual plus roundoff times the norm of the output
    weights, or, for noisy values, by the mean squared residual at the rows `validation` (x, y). The other arguments are
    those of `linear_features`.
    """
    m, d = x.shape
    if y.ndim != 2 or len(y) != m or gradients.shape != (m, y.shape[1], d):
        raise ShapeError(
            f"gradient_features: x {x.shape}, y {y.shape} and gradients {gradients.shape} "
            "must be (m, d), (m, k), (m, k, d)"
        )
    share = shares(row_weights, m, "gradient_features")

    def solve(hidden: np.ndarray, offsets: np.ndarray) -> Output:
        phi, slope = activation(x @ hidden.T + offsets)
        test = None if validation is None else (activation(validation[0] @ hidden.T + offsets)[0], validation[1])
        return solve_gradient_output(
            phi, slope[:, None, :] * hidden.T, y, gradients, weight=weight, row_weights=row_weights, roundoff=roundoff,
            validation=test,
        )  # fmt: skip

    return scan(
        "gradient_features", solve, d, units, share, float(np.abs(y - y.mean(axis=0)).max()), scales=scales,
        beyond=beyond, draws=draws, generator=generator, centres=centres, dtype=dtype, goal=None, time=time,
        callback=callback,
    )  # fmt: skip


@one_thread()
def solve_gradient_output(
    phi: np.ndarray,
    tangents: np.ndarray,
    y: np.ndarray,
    gradients: np.ndarray,
    *,
    weight: float = 1.0,
    row_weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> Output:
    """The output layer for values y (m, k) and gradients (m, k, d), NaN where unknown.

    phi (m, h): the features; tangents (m, d, h): their derivatives by each input. validation: features and values at
    other rows. What is minimised, how the truncation is chosen, and the other arguments: see `gradient_features`.
    Outputs are solved for one by one, because which gradients are known may differ.
    """
    m, k = y.shape
    share = shares(row_weights, m, "solve_gradient_output")
    centre, level, values, targets = centred(phi, y, share)  # the constant has no rows of gradients
    root = np.sqrt(share)
    moving = tangents * root[:, None, None]
    parts: list[list[tuple[float, np.ndarray, int]]] = []
    for j in range(k):
        mask = np.isfinite(gradients[:, j])  # (m, d)
        factor = math.sqrt(weight * m / max(1, int(mask.sum())))
        a = np.concatenate([values, factor * moving[mask]])
        b = np.concatenate([targets[:, j], factor * (gradients[:, j] * root[:, None])[mask]])
        u, s, vt = decompose(a)
        projected = u.T @ b
        found = []
        for rcond in RCONDS:
            kept = s > rcond * s[0] if len(s) else s > 0
            c = vt[kept].T @ (projected[kept] / s[kept])
            if validation is None:
                score = float(np.abs(a @ c - b).max()) + roundoff * float(np.abs(c).sum())
            else:
                score = float(
                    np.sqrt(np.mean((validation[0] @ c + (level[j] - centre @ c) - validation[1][:, j]) ** 2))
                )
            found.append((score if math.isfinite(score) else math.inf, c, int(kept.sum())))
        parts.append(found)
    chosen = [int(np.argmin([score for score, _, _ in found])) for found in parts]
    c = np.stack([found[i][1] for found, i in zip(parts, chosen, strict=True)], axis=1)  # (h, k)
    constant = level - centre @ c
    residuals = phi @ c + constant - y
    return Output(
        c, constant, residuals, min(found[i][2] for found, i in zip(parts, chosen, strict=True)),
        max(RCONDS[i] for i in chosen), 0.0, float(np.abs(c).sum(axis=0).max(initial=0.0)),
        max(found[i][0] for found, i in zip(parts, chosen, strict=True)),
    )  # fmt: skip


__all__ = ["gradient_features", "solve_gradient_output"]
