"""Rows that are far off, such as a slipped decimal point: they count less, so that a few do not decide a fit.

A quick pilot is fitted again and again, each row weighted as Huber's loss does (Huber 1964, Robust estimation of a
location parameter): by 1 up to 1.345 deviations of the residuals, beyond that by the reciprocal. The deviation is that
of the median, which half of the rows could not move. What follows is a weighted fit by whatever method.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from surefit.attempts.methods import Features, Polynomial
from surefit.attempts.polynomial import network_for
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.models.inference import evaluate
from surefit.problems.points import some_rows
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.limits import MOST_MONOMIALS
from surefit.search.runner import State, Strategy, run
from surefit.sentences import Sentence, say

TUNING = 1.345  # deviations from which on a row counts less: 95 % efficiency where there are no outliers
ROUNDS = 3  # pilots, each weighted by the residuals of the one before
UNITS = (10, 30, 100)  # of the pilots, as far as there are rows
MOST_ROWS = 3000  # that a pilot is fitted to
DEVIATION = 1.4826  # of normal noise over its median size
OUTLYING = 10.0  # deviations that no noise is off by
NOTICED = 4.0  # deviations without which the pilot is not fitted again
GROSS = 1.0  # times as far off as the target varies, too: what a pilot cannot follow is nearer
MOSTLY = 0.75  # of the outliers, that are
FEWEST, MOST_SHARE = 2, 0.1  # outliers: of one alone nothing is concluded; of many it is no outlier
CALM = 3.0  # deviations within which the neighbours of an outlier are: else it is a place that the pilot missed
NEIGHBOURS = 4
FEWEST_ROWS = 30
BETTER = 0.9  # times the error at the other rows: what it must fall to when outliers count less


class Pilot(NamedTuple):
    """Sizes of residuals in their deviation, (n,) at training rows, left out where known, and at validation rows."""

    residuals: np.ndarray
    validation: np.ndarray | None
    deviation: float  # in the units of the target


def robust(problem: Problem, seed: int, asked: bool) -> tuple[Problem, Sentence | None]:
    """The problem with weights by which outliers count less, and what the card says of it.

    asked: otherwise the rows are weighted only where a few lie far off all others, alone among their neighbours, and
    the pilot is better at the other rows without them.
    """
    n = len(problem.train[0])
    if problem.gradients is not None or (not asked and (n < FEWEST_ROWS or problem.known)):
        return problem, None
    first = found = _pilot(problem, np.ones(n), seed)
    if found is None:
        return problem, None
    if not asked and not (_gross(problem, found) & (found.residuals > NOTICED)).any():
        return problem, None
    for _ in range(ROUNDS):
        again = _pilot(problem, _huber(found.residuals), seed)
        if again is None:
            break
        found = again
    far = found.residuals > OUTLYING
    assert first is not None
    if not asked and (not _isolated(problem, found, far) or not _better(first, found, ~far)):
        return problem, None
    weights = _huber(found.residuals)
    validation = None if found.validation is None else _huber(found.validation)
    if problem.weights is not None:
        weights = weights * problem.weights
    if problem.validation_weights is not None and validation is not None:
        validation = validation * problem.validation_weights
    word = say("robust-asked" if asked else "robust-found", rows=n, far=int(far.sum()))
    return replace(problem, weights=weights, validation_weights=validation), word


def _huber(size: np.ndarray) -> np.ndarray:
    return np.minimum(1.0, TUNING / np.maximum(size, 1e-300))


def _better(first: Pilot, found: Pilot, calm: np.ndarray) -> bool:
    """Whether rows that are no outliers are predicted better."""
    one, other = (float(np.mean((p.residuals[calm] * p.deviation) ** 2)) for p in (first, found))
    return other <= BETTER**2 * one


def _gross(problem: Problem, found: Pilot) -> np.ndarray:
    """Which rows (n,) are farther off than the target varies."""
    y = problem.coordinates(problem.train[1])
    varies = DEVIATION * np.median(np.abs(y - np.median(y, axis=0)), axis=0).mean()
    return found.residuals * found.deviation >= GROSS * varies


def _isolated(problem: Problem, found: Pilot, outlying: np.ndarray) -> bool:
    """Whether a few rows lie far off, by more than the target varies, and those near each of them do not."""
    size, far = found.residuals, np.flatnonzero(outlying)
    n = len(size)
    gross = _gross(problem, found)[far]
    if gross.sum() < FEWEST or gross.mean() < MOSTLY:
        return False
    if not FEWEST <= len(far) <= MOST_SHARE * n:
        return False
    from scipy.spatial import cKDTree

    x = problem.train[0]
    spread = x.std(axis=0)
    u = x / np.where(spread > 0, spread, 1.0)
    _, near = cKDTree(u).query(u[far], k=min(n, NEIGHBOURS + 1))
    calm = np.median(size[near[:, 1:]], axis=1) <= CALM
    return bool(calm.mean() > 0.5)


def _pilot(problem: Problem, counts: np.ndarray, seed: int) -> Pilot | None:
    """The best of a few quick fits with these weights beside those of the problem."""
    own = np.ones(len(counts)) if problem.weights is None else problem.weights
    free = {name: value for name, value in problem.source.items() if name != "monotone"}
    weighted = replace(problem, source=free, weights=own * counts, validation=None, validation_weights=None, test=None)
    part = some_rows(weighted, MOST_ROWS, seed)
    state = State(part, seed, np.dtype(ops.float64), Judge(part, seed), Progress())
    run(state, _quick(state))
    best: tuple[float, Candidate] | None = None
    for c in state.candidates:
        missed = c.left_out
        if missed is not None and np.isfinite(missed).all():
            middle = float(np.median(np.sqrt(np.mean(missed**2, axis=1))))
            best = (middle, c) if best is None or middle < best[0] else best
    if best is None:
        return None
    c = best[1]
    x, y = problem.train
    missed = c.left_out if len(part.train[0]) == len(x) else c.model.scaling.errors(evaluate(c.model, x), y)
    assert missed is not None
    size = np.sqrt(np.mean(missed**2, axis=1) * own / own.mean())
    deviation = DEVIATION * float(np.median(size))
    if not deviation > 0:
        return None
    validation = None
    if problem.validation is not None:
        miss = c.model.scaling.errors(evaluate(c.model, problem.validation[0]), problem.validation[1])
        validation = np.sqrt(np.mean(miss**2, axis=1)) / deviation
    return Pilot(size / deviation, validation, deviation * float(c.model.scaling.y_scale.mean()))


def _quick(s: State) -> Strategy:
    n, d = len(s.problem.train[0]), s.dim
    for degree in (1, 2):
        if (d if degree == 1 else d * (d + 3) // 2) <= min(n // 2, MOST_MONOMIALS):
            yield s.attempt(Polynomial(degree=degree), s.built(network_for(degree, d)), s.problem)
    for units in UNITS:
        if 3 * units <= n:
            yield s.attempt(Features(draws=1), s.hidden(units), s.problem)
    return None


__all__ = ["robust"]
