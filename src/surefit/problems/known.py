"""What somebody knows of a target beforehand, as part of a problem: how it depends on an input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from surefit.data import Domain, Sampling
from surefit.errors import ArgumentError
from surefit.problems.problem import Problem

CLOSED = 8  # gaps of rows of at most such a part of a period: the rows are all around


def known(problem: Problem, plan: Sampling) -> Problem:
    """The problem with what the plan says of its inputs: directions and periods.

    ArgumentError: an unknown input, a number of directions or periods that is not that of the inputs, or what these do
    not go with.
    """
    signs = {
        name: sign for name, sign in _by_name("monotone", "directions", plan.monotone, problem.names).items() if sign
    }
    periods = _by_name("periodic", "periods", plan.periodic, problem.names)
    if signs:
        if len(problem.quantiles) > 1:
            raise ArgumentError("monotone: several quantiles are kept apart, which leaves no room for it; fit one")
        if problem.gradients is not None:
            raise ArgumentError("monotone: does not go with gradients among the data; leave one of the two out")
        problem = replace(problem, source=problem.source | {"monotone": signs})
    if not periods:
        return problem
    both = next((name for name in signs if name in periods), None)
    if both is not None:
        raise ArgumentError(f"periodic: {both!r} is to rise or fall as well, and a periodic target does neither")
    if problem.gradients is not None:
        raise ArgumentError("periodic: does not go with gradients among the data; leave one of the two out")
    if plan.adaptive:
        raise ArgumentError(
            "periodic: does not go with adaptive, which adds points as it goes; leave one of the two out"
        )
    log = next((name for name in periods if name in problem.domain.logarithmic), None)
    if log is not None:
        raise ArgumentError(f"periodic: {log!r} has a logarithmic axis; write its ends without log")
    problem = replace(problem, source=problem.source | {"periodic": periods})
    return problem if problem.function is not None else _all_around(problem)


def _by_name(what: str, kind: str, given: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What is said of inputs, by name."""
    if not given:
        return {}
    places = [key for key, _ in given if isinstance(key, int)]
    if (what == "monotone" and places and len(places) != len(names)) or any(place >= len(names) for place in places):
        raise ArgumentError(
            f"{what}: {max(len(given), max(places) + 1)} {kind} for {len(names)} inputs; give one for each of "
            f"{', '.join(names)}, 0 where nothing is known, or name them"
        )
    found = {names[key] if isinstance(key, int) else key: value for key, value in given}
    unknown = [name for name in found if name not in names]
    if unknown:
        raise ArgumentError(f"{what}: there is no input {unknown[0]!r}; the inputs are {', '.join(names)}")
    return found


def _all_around(problem: Problem) -> Problem:
    """The problem of rows, with the domain of a periodic input a whole period where its rows lie all around."""
    axes: list[tuple[Any, ...]] = list(problem.domain.axes)
    for i, period in enumerate(problem.periods):
        low, high = problem.domain.low[i], problem.domain.high[i]
        if not period or high - low >= period:
            continue
        places = np.unique(problem.train[0][:, i] % period)
        gaps = np.diff(places, append=places[0] + period)
        if gaps.max() <= period / CLOSED:
            start = np.floor(low / period) * period
            start = start if high <= start + period else low
            axes[i] = (float(start), float(start + period))
    return replace(problem, domain=Domain(axes, problem.names))


def is_all_around(domain: Domain, periods: tuple[float, ...]) -> np.ndarray:
    """Of each input whether the domain holds a whole period of it, (d,) bool."""
    size = np.array(periods, np.float64) if periods else np.zeros(domain.dim)
    found: np.ndarray = (size > 0) & (domain.high - domain.low >= size * (1.0 - 1e-9))
    return found


__all__ = ["is_all_around", "known"]
