"""What somebody knows of a target beforehand, as part of a problem: how it depends on an input."""

from __future__ import annotations

from dataclasses import replace

from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.problems.problem import Problem


def rising(problem: Problem, plan: Sampling) -> Problem:
    """The problem of a target that is said to rise or fall with some inputs; the problem itself where it is not.

    ArgumentError: an unknown input, several quantiles, or gradients.
    """
    if not plan.monotone:
        return problem
    signs = dict(plan.monotone)
    unknown = [name for name in signs if name not in problem.names]
    if unknown:
        raise ArgumentError(f"monotone: there is no input {unknown[0]!r}; the inputs are {', '.join(problem.names)}")
    if len(problem.quantiles) > 1:
        raise ArgumentError("monotone: of several quantiles only all, and what is between them, could rise; fit one")
    if problem.gradients is not None:
        raise ArgumentError("monotone: does not go with gradients among the data; leave one of the two out")
    return replace(problem, source=problem.source | {"monotone": signs})


__all__ = ["rising"]
