"""Scan and solve for values and gradients together: the same hidden layers, more rows in the least-squares problem.

A network with one hidden layer is linear in its output layer, and so are its derivatives by the inputs: a gradient of d
numbers is d further rows for each point. Few points then fix many units, where values are dear and gradients come with
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from surefit.errors import ShapeError

from .features import LEARNED, RCONDS, SCALES, Features, Output, Trial, decompose, place_units
from .result import Callback, Trace

Activation = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # z -> value and slope


def gradient_features(
    x: np.ndarray,
    y: np.ndarray,
    slopes: np.ndarray,
    units: int,
    activation: Activation,
    *,
    weight: float = 1.0,
    scales: Sequence[float] = SCALES,
    beyond: int = 4,
    draws: int = 2,
    generator: np.random.Generator | int = 0,
    bends: np.ndarray | None = None,
    row_weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    dtype: type | np.dtype = np.float64,
    held: tuple[np.ndarray, np.ndarray] | None = None,
    time: float | None = None,
    callback: Callback | None = None,
) -> Features:
    """A network with one hidden layer of `units` for values y (m, k) and gradients slopes (m, k, d) at x (m, d).

    Minimises the mean squared residual of the values plus `weight` times that of the gradients that are known (not
    NaN). The truncation and the steepness are chosen by the largest residual plus roundoff times the magnitude of the
    output weights, or, for noisy values, by the mean squared residual at the rows `held` (x, y). The other arguments
    are those of `linear_features`.
    """
    m, d = x.shape
    if y.ndim != 2 or len(y) != m or slopes.shape != (m, y.shape[1], d):
        raise ShapeError(
            f"gradient_features: x {x.shape}, y {y.shape} and slopes {slopes.shape} must be (m, d), (m, k), (m, k, d)"
        )
    share = np.ones(m) if row_weights is None else row_weights / np.mean(row_weights)
    rng = np.random.default_rng(generator)
    trace = Trace("features", time=time, callback=callback)
    tried: list[Trial] = []
    best: tuple[Output, np.ndarray, np.ndarray, float] | None = None
    plan = [(float(scale), 0) for scale in scales]
    spread = float(np.abs(y - y.mean(axis=0)).max())
    stop: str | None = None
    while plan:
        scale, draw = plan.pop(0)
        hidden, offsets = place_units(d, units, scale, rng, bends)
        hidden, offsets = (a.astype(dtype).astype(np.float64) for a in (hidden, offsets))
        trace.evaluations += 1
        phi, slope = activation(x @ hidden.T + offsets)
        test = None if held is None else (activation(held[0] @ hidden.T + offsets)[0], held[1])
        output = solve_gradient_output(
            phi, slope[:, None, :] * hidden.T, y, slopes, weight=weight, row_weights=row_weights, roundoff=roundoff,
            held=test,
        )  # fmt: skip
        tried.append(Trial(scale, draw, output.score, output.magnitude))
        if best is None or output.score < best[0].score:
            best = output, hidden, offsets, scale
        flat = np.concatenate([a.reshape(-1) for a in (hidden, offsets, output.weights.T, output.constant)])
        cost = 0.5 * float((share[:, None] * output.residuals**2).sum())
        stop = trace.add(flat, cost, damping=scale) or trace.spent()
        if stop is not None:
            break
        if not plan and draw == 0:  # the best at an end of the scale, or nothing learned yet: look beyond it
            seen = [t.scale for t in tried]
            nothing = not best[0].score < LEARNED * spread
            if len(seen) < len(scales) + beyond and (nothing or best[3] in (min(seen), max(seen))):
                plan = [(2.0 * max(seen) if nothing or best[3] == max(seen) else 0.5 * min(seen), 0)]
                continue
        if not plan and draw == 0 and draws > 1:
            plan = [(t.scale, k) for k in range(1, draws) for t in sorted(tried, key=lambda t: t.score)[:2]]
    assert best is not None
    output, hidden, offsets, scale = best
    flat = np.concatenate([a.reshape(-1) for a in (hidden, offsets, output.weights.T, output.constant)])
    return trace.finish(
        flat, 0.5 * float((share[:, None] * output.residuals**2).sum()), stop or "scanned", kind=Features,
        residuals=output.residuals.reshape(-1), rank=output.rank, hidden=hidden, offsets=offsets, output=output,
        scale=scale, tried=tuple(tried),
    )  # fmt: skip


def solve_gradient_output(
    phi: np.ndarray,
    tangents: np.ndarray,
    y: np.ndarray,
    slopes: np.ndarray,
    *,
    weight: float = 1.0,
    row_weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    held: tuple[np.ndarray, np.ndarray] | None = None,
) -> Output:
    """The output layer for values y (m, k) and gradients slopes (m, k, d), NaN where unknown.

    phi (m, h): the features; tangents (m, d, h): their derivatives by each input. held: features and values at other
    rows. What is minimised, how the truncation is chosen, and the other arguments: see `gradient_features`. Outputs are
    solved for one by one, because which gradients are known may differ.
    """
    m, k = y.shape
    share = np.ones(m) if row_weights is None else row_weights / np.mean(row_weights)
    centre = share @ phi / share.sum()  # the constant has rows of values only, so that it leaves by their mean
    level = share @ y / share.sum()
    root = np.sqrt(share)
    values = (phi - centre) * root[:, None]
    moving = tangents * root[:, None, None]
    parts: list[list[tuple[float, np.ndarray, int]]] = []
    for j in range(k):
        mask = np.isfinite(slopes[:, j])  # (m, d)
        factor = math.sqrt(weight * m / max(1, int(mask.sum())))
        a = np.concatenate([values, factor * moving[mask]])
        b = np.concatenate([(y[:, j] - level[j]) * root, factor * (slopes[:, j] * root[:, None])[mask]])
        u, s, vt = decompose(a)
        projected = u.T @ b
        found = []
        for rcond in RCONDS:
            kept = s > rcond * s[0] if len(s) else s > 0
            c = vt[kept].T @ (projected[kept] / s[kept])
            if held is None:
                score = float(np.abs(a @ c - b).max()) + roundoff * float(np.abs(c).sum())
            else:
                score = float(np.sqrt(np.mean((held[0] @ c + (level[j] - centre @ c) - held[1][:, j]) ** 2)))
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
