"""Where errors are looked for, and at what cost: points of a known function by their kind, rows of a table.

Of a known function these are points spread evenly over the domain, on its faces, at its corners, and what a search
uphill may ask for; a slow function is asked for fewer.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from surefit.data import Domain, sample
from surefit.problems.problem import Points, Problem

ALL_CORNERS_UP_TO = 12  # inputs: 4096 corners; beyond that the search climbs from corner to corner
SHARE = 0.2  # of the time limit that goes into measuring a slow function
DISPUTED = 0.4  # of what measures an expensive function, where other models say that what is kept may be wrong
NAMED = 1000  # points that a formula names: its kinks, narrow terms and steep places
PER_POINT = 10  # evaluations in all that measure a callable, for each training point the user allowed
FEWEST = 200  # such evaluations, however few points the user allowed


class Effort(NamedTuple):
    """Evaluations of a function that measure an error.

    uniform, corners, faces, named: points that every candidate is measured at; `named` are those that a formula itself
    names. climb: the most that one measurement spends uphill from the worst of them. pool: the most that all
    measurements together spend there; None: no such limit. disputed: where models disagree, of what would be kept.
    """

    uniform: int
    corners: int
    faces: int
    climb: int
    named: int = 0
    pool: int | None = None
    disputed: int = 0

    @property
    def total(self) -> int:
        """Of one measurement."""
        return self.uniform + self.corners + self.faces + self.climb + self.named


def effort_of(problem: Problem, time: float | None = None) -> Effort:
    """What measuring the error of a known function costs.

    `Sampling.verify` evaluations for each measurement if the user named it. Else for a callable of which the user named
    the number of training points, or that is slow where there is a time limit: that much for all measurements together.
    """
    dim, plan = problem.domain.dim, problem.plan
    formula = problem.source["kind"] == "formula"
    whole = default_effort(dim)
    if plan is not None and plan.verify is not None:
        named = plan.verify // 8 if formula else 0
        return shares(plan.verify - named, dim)._replace(named=named)
    if formula:
        return whole._replace(named=NAMED)
    most, timed = math.inf, False
    if problem.source["kind"] == "callable":
        if plan is not None and plan.count is not None and problem.exact and not problem.free:
            count = math.prod(plan.count) if isinstance(plan.count, tuple) else plan.count
            most = max(FEWEST, PER_POINT * count)
        seconds = problem.seconds_per_point
        in_time = SHARE * time / seconds if time is not None and seconds else math.inf
        timed, most = in_time <= most, min(most, in_time)
    if most >= whole.total:
        return whole
    disputed = int(DISPUTED * most) if timed else 0
    part = shares(max(4, int(most) - disputed), dim)
    return part._replace(pool=part.climb, climb=max(1, part.climb // 2), disputed=disputed)


def default_effort(dim: int) -> Effort:
    """15 000 evaluations and the corners; 5 000 in one dimension."""
    if dim == 1:
        return Effort(3000, 2, 0, 1998)
    return Effort(7000, corner_count(dim), 3000, 5000)


def shares(budget: int, dim: int) -> Effort:
    """So many evaluations, divided."""
    corners = min(corner_count(dim), budget // 4)
    faces = budget * 3 // 20 if dim > 1 else 0
    climbing = budget * (4 if dim == 1 else 3) // 10 if budget > 3 else 0
    return Effort(max(1, budget - corners - faces - climbing), corners, faces, climbing)


def corner_count(dim: int) -> int:
    """How many corners are looked at: all up to 12 inputs."""
    return 2**dim if dim <= ALL_CORNERS_UP_TO else 2 * dim + 2


# --- where it is measured ---------------------------------------------------------------------------------------------


def spread_points(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) each of which is uniform over the box, and which leave no gaps as independent ones do.

    In up to three dimensions one in each cell of a grid, and what does not fit into a grid independent; in more a
    Latin hypercube. Means over them are those over the box.
    """
    d = domain.dim
    if d > 3:
        unit = (np.stack([rng.permutation(count) for _ in range(d)], axis=1) + rng.random((count, d))) / max(1, count)
    else:
        side = max(1, round(count ** (1 / d)))
        side -= side**d > count
        cells = np.stack(np.meshgrid(*[np.arange(side)] * d, indexing="ij"), axis=-1).reshape(-1, d)
        unit = (cells + rng.random(cells.shape)) / side
        unit = np.concatenate([unit, rng.random((count - len(unit), d))])
    return domain.at(unit)


def border_points(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) where fits are often worst and uniform ones never fall.

    A quarter on the faces of the box, a quarter on its edges of all dimensions, a quarter near its corners at distances
    of all sizes, and a quarter with every input at an end or in the middle, which is 0 where the box holds it.
    """
    d, quarter = domain.dim, -(-count // 4)
    unit = domain.scale(np.clip(0.0, domain.low, domain.high))
    middle = np.where(np.abs(unit) < 1.0, unit, 0.0)
    if quarter >= 3**d - 2**d - 1:
        lattice = np.array([t for t in itertools.product((0, -1, 1), repeat=d) if 0 in t], dtype=np.float64)
    else:
        lattice = rng.integers(-1, 2, (quarter, d)).astype(np.float64)
        lattice[:1] = 0.0
    lattice = np.where(lattice == 0, middle, lattice)
    near = _near_corners(d, quarter, rng)
    edges = max(0, count - len(lattice) - len(near))  # those on faces, too
    stuck = np.where(np.arange(edges) % 2 == 0, 1, rng.integers(1, d + 1, edges))  # how many inputs are at an end
    order = rng.random((edges, d)).argsort(axis=1).argsort(axis=1)
    ends, inside = rng.choice([-1.0, 1.0], (edges, d)), rng.uniform(-1.0, 1.0, (edges, d))
    return domain.unscale(np.concatenate([lattice, np.where(order < stuck[:, None], ends, inside), near])[:count])


def _near_corners(d: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) of [-1, 1]^d at or near an end in every input, each corner as often as the others."""
    corners = Domain([(-1.0, 1.0)] * d).corners() if d <= ALL_CORNERS_UP_TO else rng.choice([-1.0, 1.0], (count, d))
    corners = corners[rng.permutation(len(corners))][np.arange(count) % len(corners)]
    inward = rng.random((count, d)) * 10.0 ** -rng.uniform(0.0, 2.0, (count, 1))
    return corners * (1.0 - np.where(rng.random((count, d)) < 0.5, inward, 0.0))


def end_points(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) with half of the inputs close to an end, at distances of all sizes from 1e-9 of the box."""
    unit, near = rng.random((count, domain.dim)), 10.0 ** rng.uniform(-9.0, 0.0, (count, domain.dim))
    side = rng.integers(0, 4, unit.shape)
    return domain.at(np.where(side == 0, near, np.where(side == 1, 1.0 - near, unit)))


def some_corners(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """All corners (2**d, d) if count allows, else so many: the lowest, the highest, and random ones."""
    d = domain.dim
    if d <= ALL_CORNERS_UP_TO and count >= 2**d:
        return domain.corners()
    high = rng.random((count, d)) < 0.5
    high[:1], high[1:2] = False, True
    return np.where(high, domain.high, domain.low)


def fresh_points(problem: Problem, seed: int, count: int | None = None) -> Points:
    """Independent uniform points of a known function that were never trained on, where it is finite, and its values."""
    assert problem.function is not None
    rng = np.random.default_rng([seed, 0x7E57])  # a stream of its own: never the training points
    count = effort_of(problem).uniform if count is None else count
    x = sample(problem.domain, count, "uniform", generator=rng)
    y = problem.function(x)
    good = np.isfinite(y).all(axis=1)
    return x[good], y[good]


def judging_rows(problem: Problem) -> tuple[Points, str]:
    """The rows of a table that judge a fit, and their kind: test rows, else validation rows, else training rows."""
    for kind, part in (("test", problem.test), ("validation", problem.validation)):
        if part is not None:
            return part, kind
    return problem.train, "training"


__all__ = [
    "Effort", "border_points", "default_effort", "effort_of", "end_points", "fresh_points", "judging_rows",
    "some_corners", "spread_points",
]  # fmt: skip
