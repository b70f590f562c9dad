"""Distillation: the values of a teacher, wherever they are wanted, become a small network (Hinton, Vinyals and Dean 2015).

The teacher is a known function without noise. Its points lie over the box and near the rows, if there are rows; they are
ours to choose, and fresh ones of the same kind tell how near the network is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.data import Domain, Sampling
from surefit.errors import DomainError
from surefit.problems.points import cloud
from surefit.problems.problem import Function, Problem
from surefit.search.limits import CLOUD, LOOKED_AT

EXTRA = 200  # points beside those for each parameter


def lesson(
    teacher: Function, names: Sequence[str], outputs: Sequence[str], box: Domain, near: np.ndarray, seed: int,
    most: int, source: dict[str, Any],
) -> Problem:  # fmt: skip
    """The problem of a network with at most so many parameters that learns from a teacher.

    near: rows (n, d), which are among its points. DomainError: the teacher is not finite somewhere.
    """
    rng = np.random.default_rng([seed, 0x7EAC])
    x = np.concatenate([cloud(box, near, CLOUD * most + EXTRA, rng)])
    x = x[rng.permutation(len(x))]
    x = np.concatenate([near[:most], x])
    y = teacher(x)
    bad = ~np.isfinite(y).all(axis=1)
    if bad.any():
        place = ", ".join(f"{n}={v:.6g}" for n, v in zip(names, x[bad][0], strict=True))
        raise DomainError(f"the teacher is not finite at {place}, and at {int(bad.sum()) - 1} more of {len(x)} points")
    return Problem(
        tuple(names), tuple(outputs), box, (x, y), None, None, None, teacher, source,
        plan=Sampling(verify=LOOKED_AT), exact=True, near=near,
    )  # fmt: skip


__all__ = ["lesson"]
