"""The formulas behind a problem: those that it was given as, or those that a Python function computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surefit.formulas import parse_many
from surefit.formulas.expression import Expression
from surefit.problems.callables import CallableFunction, Steady
from surefit.problems.problem import Problem

SAME = 1e-11  # of the largest value


def formulas_behind(problem: Problem) -> Sequence[Expression] | None:
    """The formulas of all outputs; None where they are not known.

    A Python function is called with names in place of numbers, once for each way through its conditions; what it
    writes down counts where it gives the values that the problem has of the function.
    """
    if problem.source["kind"] == "formula":
        return parse_many(problem.source["text"], problem.names)
    function = problem.function.function if isinstance(problem.function, Steady) else problem.function
    if not isinstance(function, CallableFunction):
        return None
    found = function.formulas
    if found is None or len(found) != len(problem.outputs):
        return None
    known = [part for part in (problem.train, problem.validation, problem.test) if part is not None]
    x, truth = (np.concatenate(rows) for rows in zip(*known, strict=True))  # no value is asked for again
    own = np.stack([f.on_points(x) for f in found], axis=1)
    good = np.isfinite(truth)
    if not (np.isfinite(own) == good).all() or not good.any():
        return None
    size = np.abs(truth[good]).max()
    return found if np.abs(own[good] - truth[good]).max() <= SAME * size else None


__all__ = ["formulas_behind"]
