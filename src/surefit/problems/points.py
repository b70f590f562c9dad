"""Points of a problem: more of them where they are ours to choose, fewer where a part is enough, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from surefit import formulas
from surefit.data import Domain, check_finite, corner_points, face_points, sample
from surefit.errors import ArgumentError, DomainError
from surefit.problems.callables import DROPPING, Failure, failures_at, strictly
from surefit.problems.problem import ROWS, Points, Problem
from surefit.problems.proposals import filling
from surefit.sentences import Sentence, say

LARGEST = 1e150  # squares and their sums stay finite in float64
MANY = 3  # inputs from which the rows that a network was fitted to say little of the error between them
ROWS_OF_MANY = 20  # rows for each parameter of a network that is searched for, with so many inputs; else ROWS
VALIDATED = 0.25  # rows apart, as a share of these, that judge features of so many inputs
CANDIDATES, MOVES = 4, 4  # evaluations for each point that is added: where it starts, and steps it then takes
NEAR, NEIGHBOURS = 0.3, 5  # of a cloud: its part near rows, and how many neighbours of a row that knows
CORNERS = 10  # points for each corner, with fewer of which corners are not looked at by themselves
ON_FACES = 0.2  # of the candidates: a uniform sample has none there


def equations(problem: Problem) -> int:
    """Training rows, each counted with the numbers of its gradient that are known (of the output of which least is)."""
    n = len(problem.train[0])
    return n if problem.gradients is None else n + int(np.isfinite(problem.gradients).sum(axis=(0, 2)).min())


def gradient_weight(problem: Problem) -> float:
    """Of the mean squared error of the gradients beside that of the values."""
    return 1.0 if problem.plan is None else problem.plan.derivative_weight


def rows_of(problem: Problem) -> int:
    """Rows of exact values for each parameter of a network that is searched for."""
    return ROWS if problem.domain.dim < MANY else ROWS_OF_MANY


def fewer_rows(problem: Problem, most: int) -> Problem:
    """The problem with at most so many training rows, evenly spaced, for values without noise, of which few suffice."""
    n = len(problem.train[0])
    return problem if n <= most else with_rows(problem, np.unique(np.linspace(0, n - 1, most).round().astype(int)))


def some_rows(problem: Problem, most: int, seed: int) -> Problem:
    """The problem with at most so many training rows, drawn at random: of very many with noise a part is enough."""
    n = len(problem.train[0])
    return problem if n <= most else with_rows(problem, drawn_rows(n, most, seed))


def drawn_rows(n: int, most: int, seed: int) -> np.ndarray:
    """Numbers of at most so many of n rows, drawn at random, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 0x50E]).choice(n, most, replace=False))


def with_rows(problem: Problem, rows: np.ndarray) -> Problem:
    """The problem with these of its training rows."""
    x, y = problem.train
    weights, gradients = (None if a is None else a[rows] for a in (problem.weights, problem.gradients))
    return replace(problem, train=(x[rows], y[rows]), weights=weights, gradients=gradients)


def drawn(problem: Problem, rows: int, seed: int, drop: bool = False, scattered: bool = False) -> Problem:
    """The problem with so many training points of our choice; as it is where they are not ours to choose.

    Chebyshev's in up to three dimensions, else uniform ones with a fifth more on the faces, and the corners. Of a slow
    function the first of those that were drawn for all attempts: values that are asked for afresh are few. drop:
    whether points where the target is not finite are left out, and noted; else DomainError. scattered: no grid in two
    or three dimensions, which would have few different values of each input.
    """
    function, box = problem.function, problem.domain
    if not problem.free or function is None:
        return problem
    notes = problem.notes
    rng = np.random.default_rng([seed, rows])
    if problem.affordable is not None:  # whose values are known already
        x = for_all(box, problem.affordable, seed)
        x = x if rows >= len(x) else x[np.linspace(0, len(x) - 1, rows).round().astype(int)]
    elif box.dim <= 3 and not scattered:
        x = sample(box, rows, "chebyshev")
    else:
        x = np.concatenate([sample(box, rows, "uniform", generator=rng), face_points(box, rows // 5, rng)])
        x = np.concatenate([x, corner_points(box)])
    drop = drop or (problem.plan is not None and problem.plan.drop_nonfinite)
    (x, y), failures, dropped = finite_values(function, x, problem.names, drop)
    if dropped and not problem.dropped:
        notes = (*notes, *about_dropped(dropped, failures, len(x) + dropped))
    gradients = problem.gradients if problem.gradient_function is None else problem.gradient_function(x)
    return replace(problem, train=(x, y), gradients=gradients, dropped=max(problem.dropped, dropped), notes=notes)


def for_all(box: Domain, count: int, seed: int) -> np.ndarray:
    """Points (count, d) of a slow function, of which all attempts get the same: the more the nearer to the faces.

    A sequence that fills the box, half of the way to the density of Chebyshev's points: between points that are
    spread evenly fits are worst beside the faces, and where all crowd there they are worst in the middle. In one
    dimension Chebyshev's points themselves; the corners, where they are few beside the others.
    """
    if box.dim == 1:
        return sample(box, count, "chebyshev")
    corners = corner_points(box)
    corners = corners[: len(corners) if CORNERS * len(corners) <= count else 0]
    unit = box.scale(filling(box, count - len(corners), seed))
    return np.concatenate([corners, box.unscale(0.5 * (unit + np.sin(0.5 * np.pi * unit)))])


def placed(problem: Problem, x: np.ndarray) -> Problem:
    """The problem of a function with these training points (n, d), as far as it is finite there."""
    assert problem.function is not None
    (x, y), failures, dropped = finite_values(problem.function, x, problem.names, True)
    notes = problem.notes
    if dropped and not problem.dropped:
        notes = (*notes, *about_dropped(dropped, failures, len(x) + dropped))
    return replace(problem, train=(x, y), dropped=max(problem.dropped, dropped), notes=notes)


def few_for_time(problem: Problem) -> Sentence:
    """That the values of a slow function were fewer than they would have been without a limit of time."""
    return say("few-for-time", seconds=problem.seconds_per_point, points=problem.affordable)


def finite_values(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, names: Sequence[str], drop: bool
) -> tuple[Points, list[Failure], int]:
    """A target's points and values, without those where it is not finite; errors that it raised; how many are left out.

    DomainError where it is not finite or not defined, EvaluationError where it raises another error; drop: only where
    nothing is left.
    """
    y = function(x) if drop else strictly(function, x)
    failures = failures_at(function, x) if np.isnan(y).any() else []
    try:
        points, values, dropped = check_finite(x, y, names, drop=drop, python=DROPPING)
    except DomainError as e:
        if not failures:
            raise
        raise DomainError(f"{e}. At {failures[0].where} it raised {failures[0].error}") from None
    check_size(values)
    return (points, values), failures, dropped


def check_size(y: np.ndarray) -> None:
    """DomainError for values whose squares overflow: no error of such a fit could be computed."""
    largest = float(np.abs(y).max(initial=0.0))
    if largest > LARGEST:
        raise DomainError(f"the target is as large as {largest:.3g}, and its squares overflow; fit it in larger units")


def about_dropped(dropped: int, failures: Sequence[Failure], points: int) -> tuple[Sentence, ...]:
    """What the card should say about points that were left out."""
    if failures:
        return (say("points-failed", count=len(failures), where=failures[0].where, error=failures[0].error),)
    return (say("points-dropped", dropped=dropped, points=points),) if dropped else ()


def apart(problem: Problem, rows: int, seed: int) -> Points | None:
    """So many further points of a known function of many inputs, apart from those it is fitted and measured at."""
    function, box = problem.function, problem.domain
    if not problem.free or function is None or box.dim < MANY:
        return None
    if problem.affordable is not None:
        return None
    x = sample(box, rows, "uniform", generator=np.random.default_rng([seed, 0x4E1D]))
    y = function(x)
    good = np.isfinite(y).all(axis=1)
    return x[good], y[good]


def with_worst(
    problem: Problem, predict: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, count: int | None = None
) -> Problem:
    """The problem with more training points, where `predict` is far from the function; None: as many as it plans."""
    function, sampling = problem.function, problem.plan
    if function is None or sampling is None:
        raise ArgumentError("adaptive: needs a function that can be asked for more values")
    scale = np.maximum(problem.train[1].std(axis=0), 1e-300)

    def error(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = function(x)
        size = np.square((predict(x) - y) / scale).sum(axis=1)
        return np.where(np.isfinite(size), size, 0.0), y

    count = sampling.added(problem.domain) if count is None else count
    if problem.affordable is not None:
        count = max(1, min(count, problem.affordable // (CANDIDATES + MOVES)))
    x, y = worst_points(error, problem.domain, count, rng)
    y = sampling.noisy(y, rng)
    return with_points(problem, x, y)


def with_points(problem: Problem, x: np.ndarray, y: np.ndarray) -> Problem:
    """The problem with these training points (n, d) and values (n, k) as well."""
    weights, sampling = problem.weights, problem.plan
    if weights is not None:
        if sampling is None or not callable(sampling.weights):
            raise ArgumentError("weights: an array has none for points that are added; give a function instead")
        more = sampling.row_weights(x, y)
        assert more is not None
        weights = np.concatenate([weights, more])
    gradients = problem.gradients
    if gradients is not None:
        assert problem.gradient_function is not None
        gradients = np.concatenate([gradients, problem.gradient_function(x)])
    train = (np.concatenate([problem.train[0], x]), np.concatenate([problem.train[1], y]))
    return replace(problem, train=train, weights=weights, gradients=gradients, added=(*problem.added, len(x)))


def worst_points(
    error: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], box: Domain, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """About `count` points, all different, with the density of `error`, and the values there.

    error: points (n, d) -> their squared errors (n,), 0 where a point is of no use, and values (n, k).

    Candidates over the box and its faces are drawn again in proportion to their errors, which repeats the worst; then
    each takes a few steps of Metropolis' method, which spreads them over the region where the error is large, however
    small it is. Points on a face stay on it.
    """
    n = CANDIDATES * count
    faces = round(ON_FACES * n) if box.dim > 1 else 0
    x = np.concatenate([sample(box, n - faces, "uniform", generator=rng), face_points(box, faces, rng)])
    size, y = error(x)
    useful = np.isfinite(y).all(axis=1)
    total = size.sum()
    chosen = rng.choice(n, count, p=size / total if total > 0 else useful / useful.sum())
    x, y, size = x[chosen], y[chosen], size[chosen]
    free = (x > box.low) & (x < box.high)
    radius = n ** (-1.0 / box.dim)  # the distance of the candidates from each other, as a share of the box
    for _ in range(MOVES):
        step = rng.uniform(-1.0, 1.0, x.shape) * radius * free
        if box.log.any():
            tried = np.where(free, box.at(np.clip(box.shares(x) + step, 0.0, 1.0)), x)
        else:
            tried = np.clip(x + step * box.width, box.low, box.high)
        there, values = error(tried)
        go = (rng.random(count) * size < there) & (there > 0)
        x, size, y = np.where(go[:, None], tried, x), np.where(go, there, size), np.where(go[:, None], values, y)
    _, first = np.unique(x, axis=0, return_index=True)
    return x[np.sort(first)], y[np.sort(first)]


def cloud(box: Domain, near: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) over a box and near its rows (n, d): on lines between neighbours, and a little beyond.

    Where rows of a table lie on a part of the box only, that part is what a fit is asked for.
    """
    n = len(near)
    spread = sample(box, max(1, count - round(NEAR * count)) if n > 1 else count, "latin_hypercube", generator=rng)
    if n < 2 or count == 1:
        return spread
    from scipy.spatial import cKDTree

    tree = cKDTree(box.scale(near))
    _, places = tree.query(box.scale(near), k=min(n, 1 + NEIGHBOURS))
    first = rng.integers(0, n, count - len(spread))
    second = places[first, rng.integers(1, places.shape[1], len(first))]
    share = rng.uniform(-0.25, 1.0, (len(first), 1))
    between = near[first] + share * (near[second] - near[first])
    return np.concatenate([spread, np.clip(between, box.low, box.high)])


def named_points(problem: Problem, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (n, d), n <= count, that a formula itself names, which no sample need hit."""
    if count == 0:
        return np.empty((0, problem.domain.dim))
    parsed = formulas.parse_many(problem.source["text"], problem.names)
    return formulas.interesting_points(parsed, problem.domain, count, rng)


__all__ = [
    "MANY",
    "VALIDATED",
    "apart",
    "cloud",
    "drawn",
    "equations",
    "fewer_rows",
    "for_all",
    "gradient_weight",
    "named_points",
    "placed",
    "rows_of",
    "with_points",
    "with_rows",
    "with_worst",
    "worst_points",
]  # fmt: skip
