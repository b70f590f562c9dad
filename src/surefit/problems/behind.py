"""What is behind a problem: the formulas that it was given as or that a Python function computes, and known values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surefit.formulas import parse_many
from surefit.formulas.expression import Expression
from surefit.problems.callables import CallableFunction, Steady
from surefit.problems.problem import Points, Problem

SAME = 1e-11  # of the largest value


def formulas_behind(problem: Problem) -> Sequence[Expression] | None:
    """The formulas of all outputs; None where they are not known.

    A Python function is called with names in place of numbers, once for each way through its conditions; what it
    writes down counts where it gives the values that the problem has of the function.
    """
    if problem.source["kind"] == "formula":
        return parse_many(problem.source["text"], problem.names)
    function = _callable_of(problem)
    if function is None:
        return None
    found = function.formulas
    if found is None or len(found) != len(problem.outputs):
        return None
    known = [part for part in (problem.train, problem.validation, problem.test) if part is not None]
    x, truth = (np.concatenate(rows) for rows in zip(*known, strict=True))  # no value is asked for again
    own = np.stack([f.on_points(x) for f in found], axis=1)
    good = np.isfinite(truth)
    if isinstance(problem.function, Steady):  # which has values where a formula has a limit alone
        good &= np.isfinite(own)
    if not (np.isfinite(own) == good).all() or not good.any():
        return None
    size = np.abs(truth[good]).max()
    return found if np.abs(own[good] - truth[good]).max() <= SAME * size else None


def asked_for_formulas(problem: Problem) -> bool:
    """Whether formulas can be had without a Python function being called for them."""
    function = _callable_of(problem)
    return problem.source["kind"] == "formula" or (function is not None and "formulas" in function.__dict__)


def known_values(problem: Problem) -> Points | None:
    """The points of the domain at which a Python function has told its values, as far as it was remembered."""
    function = _callable_of(problem)
    if function is None or not function.known:
        return None
    x = np.stack([np.frombuffer(key, np.float64) for key in function.known])
    y = np.stack(list(function.known.values()))
    inside = ((x >= problem.domain.low) & (x <= problem.domain.high)).all(axis=1) & np.isfinite(y).all(axis=1)
    return x[inside], y[inside]


def _callable_of(problem: Problem) -> CallableFunction | None:
    """The Python function that is fitted, if it is one."""
    function = problem.function.function if isinstance(problem.function, Steady) else problem.function
    return function if isinstance(function, CallableFunction) else None


__all__ = ["asked_for_formulas", "formulas_behind", "known_values"]
