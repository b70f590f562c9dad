"""What somebody knows of a target beforehand, as part of a problem: how it depends on an input."""

from __future__ import annotations

from dataclasses import replace

from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.problems.problem import Problem


def rising(problem: Problem, plan: Sampling) -> Problem:
    """The problem of a target that is said to rise or fall with some inputs; the problem itself where it is not.

    ArgumentError: an unknown input, a number of directions that is not that of the inputs, several quantiles, or
    gradients.
    """
    if not plan.monotone:
        return problem
    names = problem.names
    if any(isinstance(key, int) for key, _ in plan.monotone) and len(plan.monotone) != len(names):
        raise ArgumentError(
            f"monotone: {len(plan.monotone)} directions for {len(names)} inputs; give one for each of "
            f"{', '.join(names)}, 0 where nothing is known, or name them"
        )
    signs = {names[key] if isinstance(key, int) else key: sign for key, sign in plan.monotone}
    unknown = [name for name in signs if name not in names]
    if unknown:
        raise ArgumentError(f"monotone: there is no input {unknown[0]!r}; the inputs are {', '.join(names)}")
    if len(problem.quantiles) > 1:
        raise ArgumentError("monotone: several quantiles are kept apart, which leaves no room for it; fit one")
    if problem.gradients is not None:
        raise ArgumentError("monotone: does not go with gradients among the data; leave one of the two out")
    signs = {name: sign for name, sign in signs.items() if sign}
    return replace(problem, source=problem.source | {"monotone": signs}) if signs else problem


__all__ = ["rising"]
