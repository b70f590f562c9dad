"""What rows that were left out tell of several models: whether one is surely better, with which shares to mix them."""

from __future__ import annotations

import math

import numpy as np

from surefit.search.limits import FAR, LEAST_SHARE, STACK_RIDGE, SURE


def surely_less(losses: np.ndarray, others: np.ndarray, weights: np.ndarray | None = None, sure: float = SURE) -> bool:
    """Whether losses at rows (n,) are less than others by more than `sure` standard errors of their mean difference.

    Of many candidates one is the best at a few rows by luck. That says nothing of a mean `FAR` times as small.
    """
    if not np.isfinite(others).all():
        return bool(np.isfinite(losses).all())
    if FAR * float(np.average(losses, weights=weights)) < float(np.average(others, weights=weights)):
        return True
    gain = others - losses
    mean = float(np.average(gain, weights=weights))
    return mean > sure * math.sqrt(float(np.average((gain - mean) ** 2, weights=weights)) / len(gain))


def shares(misses: list[np.ndarray]) -> np.ndarray:
    """The shares (m,) of the mean of m models that misses rows least, of what each misses them by, (n,).

    They are not negative and their sum is 1 (Breiman 1996, Stacked regressions). A ridge keeps those of models that are
    nearly alike near each other. A share below `LEAST_SHARE` is none.

    >>> shares([np.array([1.0, -1.0, 1.0]), np.array([-1.0, 1.0, 1.0])]).round(3).tolist()
    [0.5, 0.5]
    """
    from scipy.optimize import nnls

    errors, m = np.array(misses), len(misses)
    gram = errors @ errors.T / max(1, errors.shape[1])
    size = float(np.trace(gram))
    if m == 1 or not 0.0 < size < np.inf:
        return np.full(m, 1.0 / m)
    gram = gram / size
    gram[np.diag_indices(m)] *= 1.0 + STACK_RIDGE
    root = np.linalg.cholesky(gram + 1e-12 * np.eye(m)).T
    one = 1e4  # the weight of the equation that says that they are 1 in all
    found, _ = nnls(np.vstack([root, np.full((1, m), one)]), np.r_[np.zeros(m), one])
    found = np.where(found >= LEAST_SHARE * found.sum(), found, 0.0)
    return np.asarray(found / found.sum())


__all__ = ["shares", "surely_less"]
