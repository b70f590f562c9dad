"""Periodic inputs: a problem in coordinates that come back, the cosine and sine of the angle that an input is.

The inputs without a period keep their order and come first; then come cosine and sine of each periodic one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from surefit.data import Domain
from surefit.problems.points import drawn
from surefit.problems.problem import Points, Problem

ROWS_OF_ONE, ROWS_OF_MORE = 600, 2000  # training points of a function with one input, and with more
WAVES = ("cos", "sin")


def angles(x: np.ndarray, periods: tuple[float, ...]) -> np.ndarray:
    """The cosine and sine of each periodic input of points (n, d), (n, 2 p)."""
    which = [i for i, period in enumerate(periods) if period]
    u = x[:, which] * (2.0 * np.pi / np.array(periods)[which])
    return np.stack([np.cos(u), np.sin(u)], axis=2).reshape(len(x), -1)


def lifted_points(x: np.ndarray, periods: tuple[float, ...]) -> np.ndarray:
    """Points (n, d) in the coordinates of `lifted`, (n, d + p); as they are where nothing is periodic.

    >>> lifted_points(np.array([[90.0, 3.0]]), (360.0, 0.0)).round(9).tolist()
    [[3.0, 0.0, 1.0]]
    """
    if not periods:
        return x
    plain = [i for i, period in enumerate(periods) if not period]
    return np.concatenate([x[:, plain], angles(x, periods)], axis=1)


def lifted_names(problem: Problem) -> list[str]:
    """The names of these coordinates."""
    names = [name for name, period in zip(problem.names, problem.periods, strict=True) if not period]
    taken = set(problem.names)
    for name, period in zip(problem.names, problem.periods, strict=True):
        for wave in WAVES if period else ():
            own = f"{wave} {name}"
            while own in taken:
                own += "'"
            taken.add(own)
            names.append(own)
    return names


def lifted(problem: Problem, seed: int, ours: bool) -> tuple[Problem, Problem]:
    """The problem with the points that are taken, and the same as rows in coordinates that come back.

    ours: whether a method takes points of its own choice, where they may be chosen.
    """
    if ours and problem.free:
        problem = drawn(problem, ROWS_OF_ONE if problem.domain.dim == 1 else ROWS_OF_MORE, seed, scattered=True)
    periods, domain = problem.periods, problem.domain
    axes = [axis for axis, period in zip(domain.axes, periods, strict=True) if not period]
    box = Domain([*axes, *[(-1.0, 1.0)] * (2 * sum(p > 0 for p in periods))], lifted_names(problem))

    def part(points: Points | None) -> Points | None:
        return None if points is None else (lifted_points(points[0], periods), points[1])

    train = part(problem.train)
    assert train is not None
    source = {key: value for key, value in problem.source.items() if key != "periodic"}
    exact = problem.exact or problem.known
    inner = replace(
        problem, names=box.names, domain=box, train=train, validation=part(problem.validation), test=part(problem.test),
        function=None, gradient_function=None, source=source, near=None, exact=False, known=exact, free=False,
        affordable=None, coding=(),
    )  # fmt: skip
    return problem, inner


def lowered(at: Mapping[str, float], problem: Problem, names: tuple[str, ...]) -> dict[str, float]:
    """A point in these coordinates, by names, as one of the problem, angles within its domain where they may be.

    names: of the coordinates.
    """
    values = [at[name] for name in names if name in at]
    if len(values) != len(names):
        return dict(at)
    plain = len(names) - 2 * sum(p > 0 for p in problem.periods)
    rest, waves = iter(values[:plain]), iter(values[plain:])
    found = {}
    for name, period, low in zip(problem.names, problem.periods, problem.domain.low.tolist(), strict=True):
        if period:
            cosine, sine = next(waves), next(waves)
            angle = float(np.arctan2(sine, cosine)) * period / (2.0 * np.pi)
            found[name] = low + (angle - low) % period
        else:
            found[name] = next(rest)
    return found


__all__ = ["lifted", "lifted_names", "lifted_points", "lowered"]
