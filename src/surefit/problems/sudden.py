"""Places where a function of one input does something that few values would miss, such as a peak a thousandth wide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MANY, MANY_CALLS = 50_000, 5000  # places that are asked, at once or one by one
FEW = 300  # of these that are told
NEIGHBOURS = (1, 8, 64)  # how far on both sides are the places between which a value is expected


def sudden_places(values: Callable[[np.ndarray], np.ndarray], count: int, generator: np.random.Generator) -> np.ndarray:
    """Places in [-1, 1] at which a function is farthest from what those beside it let expect.

    values: places (n,) -> values (n, k), NaN where there are none; it is asked for `count` of them.

    >>> narrow = lambda u: np.exp(-((u - 0.3) ** 2) / 1e-7)[:, None] + u[:, None]
    >>> found = sudden_places(narrow, 20_000, np.random.default_rng(0))
    >>> bool(np.mean(np.abs(found - 0.3) < 2e-3) > 0.5)
    True
    """
    u = (2.0 * (np.arange(count) + generator.random(count)) - count) / count
    y = values(u)
    off = np.zeros(count)
    for k in NEIGHBOURS:
        if count <= 2 * k:
            break
        share = ((u[k:-k] - u[: -2 * k]) / (u[2 * k :] - u[: -2 * k]))[:, None]
        here = np.abs(y[k:-k] - (1.0 - share) * y[: -2 * k] - share * y[2 * k :]).max(axis=1)
        off[k:-k] = np.maximum(off[k:-k], np.where(np.isfinite(here), here, 0.0))
    return u[np.argsort(-off, kind="stable")[:FEW]]


__all__ = ["MANY", "MANY_CALLS", "sudden_places"]
