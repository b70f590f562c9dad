"""Quantiles: a problem whose outputs are levels of one target, and the loss that they make least.

The level-tau quantile of y given x is the function q with the least expected pinball loss, tau (y - q) where y is
above q and (1 - tau) (q - y) where it is below (Koenker and Bassett 1978, Regression Quantiles). A problem of quantiles
has an output for each level, all with the values of the target, so that everything else is as for several outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from surefit.errors import ArgumentError
from surefit.problems.problem import Points, Problem
from surefit.spelling import spelled


def in_levels(problem: Problem, levels: Sequence[float]) -> Problem:
    """The problem with an output for each level of its target; the problem itself where there are none.

    ArgumentError: several targets, or gradients.
    """
    if not levels:
        return problem
    if len(problem.outputs) > 1:
        raise ArgumentError(
            f"quantile: the table has {len(problem.outputs)} targets, {', '.join(problem.outputs)}; name one with "
            f"{spelled('target', repr(problem.outputs[0]))}"
        )
    if problem.gradients is not None:
        raise ArgumentError("quantile: gradients tell of the mean; leave one of the two out")
    target = problem.outputs[0]

    def repeated(part: Points | None) -> Points | None:
        return None if part is None else (part[0], np.repeat(part[1], len(levels), axis=1))

    train = repeated(problem.train)
    assert train is not None
    return replace(
        problem, outputs=tuple(f"{target} q{level:g}" for level in levels), train=train,
        validation=repeated(problem.validation), test=repeated(problem.test),
        source=problem.source | {"quantiles": list(levels)},
    )  # fmt: skip


def pinball(found: np.ndarray, y: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The pinball loss (n, k) of quantiles that were found (n, k) at values y, (n, k) or (n, 1).

    >>> pinball(np.array([[1.0], [1.0]]), np.array([[3.0], [0.0]]), [0.9]).round(9).tolist()
    [[1.8], [0.1]]
    """
    above = y - found
    tau = np.array(levels)
    loss: np.ndarray = np.maximum(tau * above, (tau - 1.0) * above)
    return loss


__all__ = ["in_levels", "pinball"]
