"""Curves fitted in blocks of about the same length: scaled, padded, solved; what cannot be fitted has a status."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from surefit.solvers.batched import ITERATIONS, fit_batch

OK, CONSTANT, FEW, NOT_FINITE, ONE_PLACE, NOT_DONE = range(6)
STATUS = ("ok", "constant", "too few rows", "not finite", "one place", "not done")
FEWEST = 6  # finite rows
CACHE = 2**20  # bytes of one Jacobian, that it stays near the processor


class Found(NamedTuple):
    """What came of some groups, one in each row: see `Many`."""

    parameters: np.ndarray
    x_shift: np.ndarray
    x_scale: np.ndarray
    y_shift: np.ndarray
    y_scale: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    effective: np.ndarray
    status: np.ndarray


def weights_of(units: int, dim: int) -> int:
    """How many weights a network has."""
    return units * (dim + 2) + 1


def nothing(count: int, units: int, dim: int) -> Found:
    """Groups of which nothing is known yet."""
    nan = np.full(count, np.nan)
    wide = np.full((count, dim), np.nan)
    weights = np.full((count, weights_of(units, dim)), np.nan)
    status = np.full(count, NOT_DONE, np.uint8)
    return Found(weights, wide, wide.copy(), nan, nan.copy(), nan.copy(), nan.copy(), nan.copy(), status)


def fit_groups(x: np.ndarray, y: np.ndarray, sizes: np.ndarray, units: int, seed: int) -> Found:
    """Fit groups whose rows x (rows, d), y (rows,) lie one behind the other. A plain function, for any executor."""
    found = nothing(len(sizes), units, x.shape[1])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    order = np.argsort(sizes, kind="stable")
    found.status[sizes < FEWEST] = FEW
    order = order[sizes[order] >= FEWEST]
    at = 0
    while at < len(order):
        long = int(sizes[order[at]])
        most = max(1, CACHE // (8 * long * weights_of(units, x.shape[1])))
        block = order[at : at + most]
        block = block[sizes[block] <= 1.25 * long]  # sorted, so that these come first
        _fit_block(x, y, starts[block], sizes[block], block, found, units, seed)
        at += len(block)
    return found


def _fit_block(
    x: np.ndarray, y: np.ndarray, starts: np.ndarray, sizes: np.ndarray, places: np.ndarray, found: Found, units: int,
    seed: int,
) -> None:  # fmt: skip
    """Fit groups of similar sizes, and put what comes of them at these places."""
    span = np.arange(sizes.max())
    there = span < sizes[:, None]
    rows = starts[:, None] + np.minimum(span, sizes[:, None] - 1)  # places beyond the end repeat the last row
    xs, ys = x[rows], y[rows]
    finite = np.isfinite(xs).all(axis=(1, 2)) & np.isfinite(ys).all(axis=1)
    with np.errstate(all="ignore"):
        low, high = xs.min(axis=1), xs.max(axis=1)
        x_shift, x_scale = low / 2 + high / 2, high / 2 - low / 2
        weight = there / sizes[:, None]
        largest = np.abs(ys).max(axis=1, keepdims=True)
        unit = np.where(largest > 0, largest, 1.0)  # squares of large and small values are numbers too
        y_shift = np.sum(ys / unit * weight, axis=1, keepdims=True)
        y_scale = (np.sqrt(np.sum((ys / unit - y_shift) ** 2 * weight, axis=1, keepdims=True)) * unit)[:, 0]
        y_shift = (y_shift * unit)[:, 0]
        flat = ys.max(axis=1) == ys.min(axis=1)
        finite &= np.isfinite(x_scale).all(axis=1) & np.isfinite(y_shift) & np.isfinite(y_scale)
    moved = x_scale > 1e-14 * np.abs(x_shift)
    status = np.select([~finite, flat, ~moved.any(axis=1)], [NOT_FINITE, CONSTANT, ONE_PLACE], OK).astype(np.uint8)
    status[(status == OK) & ~(y_scale > 1e-13 * np.abs(y_shift))] = CONSTANT
    found.status[places] = status
    x_scale = np.where(moved, x_scale, 1.0)
    still = status == CONSTANT
    if still.any():
        i = places[still]
        found.parameters[i] = found.effective[i] = found.error[i] = found.noise[i] = 0.0
        found.x_shift[i], found.x_scale[i] = x_shift[still], x_scale[still]
        found.y_shift[i], found.y_scale[i] = np.where(flat, ys[:, 0], y_shift)[still], 1.0
    go = status == OK
    if not go.any():
        return
    i = places[go]
    u = (xs[go] - x_shift[go, None, :]) / x_scale[go, None, :]
    v = (ys[go] - y_shift[go, None]) / y_scale[go, None]
    batch = fit_batch(u, v, units, weights=there[go].astype(np.float64), iterations=ITERATIONS, seed=seed)
    found.parameters[i], found.effective[i] = batch.theta, batch.effective
    found.error[i], found.noise[i] = batch.error * y_scale[go], batch.noise * y_scale[go]
    found.x_shift[i], found.x_scale[i] = x_shift[go], x_scale[go]
    found.y_shift[i], found.y_scale[i] = y_shift[go], y_scale[go]


__all__ = ["CONSTANT", "FEWEST", "NOT_DONE", "OK", "STATUS", "Found", "fit_groups", "nothing", "weights_of"]
