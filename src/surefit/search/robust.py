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
from surefit.models.scaled import Scaled
from surefit.problems.points import drawn_rows, with_rows
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.limits import MOST_MONOMIALS
from surefit.search.runner import State, Strategy, run
from surefit.sentences import Sentence, say

TUNING = 1.345  # deviations from which on a row counts less: 95 % efficiency where there are no outliers
ROUNDS = 3  # pilots, each weighted by the residuals of the one before
UNITS = (10, 30, 100)  # of the pilots, as far as there are rows
MOST_ROWS, MOST_FAR = 3000, 300  # that a pilot is fitted to; of these, such as lie far out
DEVIATION = 1.4826  # of normal noise over its median size
OUTLYING = 10.0  # deviations that no noise is off by
NOTICED = 4.0  # deviations without which the pilot is not fitted again
GROSS = 1.0  # times as far off as the target varies, too: what a pilot cannot follow is nearer
MOSTLY = 0.75  # of the outliers, that are
MOST_SHARE = 0.1  # outliers at most: of many it is no outlier
LONE = 25.0  # deviations that one alone must be off by, between other rows: at an end the target may rise steeply
CALM = 3.0  # deviations within which the neighbours of an outlier are: else it is a place that the pilot missed
NEIGHBOURS = 4
FEWEST_ROWS = 30
BETTER = 0.9  # times the error at the other rows: what it must fall to when outliers count less


class Pilot(NamedTuple):
    """A quick fit to some of the training rows, and the sizes of its residuals there, each row left out, (rows,)."""

    model: Scaled
    size: np.ndarray  # in the units of the network, of rows that count as their weights say

    @property
    def deviation(self) -> float:
        """Of the residuals, which half of the rows could not move."""
        return DEVIATION * float(np.median(self.size))

    def off(self) -> np.ndarray:
        """The same in the units of the target."""
        return self.size * float(self.model.scaling.y_scale.mean())


class Missed(NamedTuple):
    """Sizes of a pilot's residuals in their deviation, (n,) at all training rows and at validation rows."""

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
    rows, stands_for = _rows_of_pilots(problem, seed)
    first = pilot = _pilot(problem, rows, stands_for, seed)
    if first is None or pilot is None or not first.deviation > 0:
        return problem, None
    size = first.size / first.deviation
    gross = first.off() >= GROSS * _varies(problem)
    if not asked and not (gross & (size > NOTICED)).any():
        return problem, None  # outliers that no pilot has met are none that it is better without
    for _ in range(ROUNDS):
        again = _pilot(problem, rows, stands_for * _huber(size), seed)
        if again is None or not again.deviation > 0:
            break
        pilot, size = again, again.size / again.deviation
    before, found = _missed(problem, rows, first), _missed(problem, rows, pilot)  # all rows
    if before is None or found is None:
        return problem, None
    far = found.residuals > OUTLYING
    if not asked and (not _isolated(problem, found, far) or not _better(before, found, ~far)):
        return problem, None
    if not asked and _follow_in_logarithms(problem, rows, stands_for, far, found.deviation, seed):
        return problem, None
    weights = _huber(found.residuals)
    validation = None if found.validation is None else _huber(found.validation)
    if problem.weights is not None:
        weights = weights * problem.weights
    if problem.validation_weights is not None and validation is not None:
        validation = validation * problem.validation_weights
    code = "robust-asked" if asked else "robust-found" if far.sum() > 1 else "robust-found-one"
    word = say(code, rows=n, far=int(far.sum()))
    return replace(problem, weights=weights, validation_weights=validation), word


def _rows_of_pilots(problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the rows that pilots are fitted to, and how many rows each stands for, as a share of the most.

    Of very many rows a part, drawn at random, and those whose values lie farthest out: a few mistakes would seldom be
    drawn, and a pilot that never met them is none that is better without them.
    """
    n = len(problem.train[0])
    rows = drawn_rows(n, MOST_ROWS, seed)
    if len(rows) == n:
        return rows, np.ones(n)
    y = problem.coordinates(problem.train[1])
    off = np.abs(y - np.median(y, axis=0))
    unit = DEVIATION * np.median(off, axis=0)
    size = (off / np.where(unit > 0, unit, np.inf)).max(axis=1)
    far = np.argpartition(size, n - MOST_FAR)[n - MOST_FAR :]
    far = far[size[far] > NOTICED]
    both = np.union1d(rows, far)
    return both, np.where(np.isin(both, far), len(rows) / n, 1.0)


def _huber(size: np.ndarray) -> np.ndarray:
    return np.minimum(1.0, TUNING / np.maximum(size, 1e-300))


def _better(first: Missed, found: Missed, calm: np.ndarray) -> bool:
    """Whether rows that are no outliers are predicted better."""
    one, other = (float(np.mean((p.residuals[calm] * p.deviation) ** 2)) for p in (first, found))
    return other <= BETTER**2 * one


def _varies(problem: Problem) -> float:
    """The deviation of the target, which half of the rows could not move."""
    y = problem.coordinates(problem.train[1])
    return float(DEVIATION * np.median(np.abs(y - np.median(y, axis=0)), axis=0).mean())


def _isolated(problem: Problem, found: Missed, outlying: np.ndarray) -> bool:
    """Whether a few rows lie far off, by more than the target varies, and those near each of them do not."""
    size, far = found.residuals, np.flatnonzero(outlying)
    n = len(size)
    gross = size[far] * found.deviation >= GROSS * _varies(problem)  # farther off than the target varies
    if not gross.any() or gross.mean() < MOSTLY or len(far) > MOST_SHARE * n:
        return False
    from scipy.spatial import cKDTree

    x = problem.train[0]
    if len(far) == 1 and (size[far[0]] <= LONE or _at_an_end(x, int(far[0]))):
        return False
    spread = x.std(axis=0)
    u = x / np.where(spread > 0, spread, 1.0)
    _, near = cKDTree(u).query(u[far], k=min(n, NEIGHBOURS + 1))
    calm = np.median(size[near[:, 1:]], axis=1) <= CALM
    return bool(calm.mean() > 0.5)


def _at_an_end(x: np.ndarray, row: int) -> bool:
    """Whether no other row of x (n, d) goes as far as one does in some input."""
    others, own = np.delete(x, row, axis=0), x[row]
    return bool(((own > others.max(axis=0)) | (own < others.min(axis=0))).any())


def _follow_in_logarithms(
    problem: Problem, rows: np.ndarray, counts: np.ndarray, far: np.ndarray, deviation: float, seed: int
) -> bool:
    """Whether a pilot of the logarithms of the values misses no row by much, and the others by no more.

    The largest values of a power law are far off all that a polynomial follows, and no mistakes.
    """
    x, y = problem.train
    if problem.log_target or not (y > 0).all():
        return False
    logs = replace(problem, train=(x, np.log(y)), validation=None, validation_weights=None, test=None)
    pilot = _pilot(logs, rows, counts, seed)
    found = None if pilot is None else _missed(logs, rows, pilot)
    if found is None or not (found.residuals[far] <= OUTLYING).all():
        return False
    size = y.mean(axis=1) * found.residuals * found.deviation  # to first order, in the units of the target
    return DEVIATION * float(np.median(size[~far])) <= deviation


def _pilot(problem: Problem, rows: np.ndarray, counts: np.ndarray, seed: int) -> Pilot | None:
    """The best of a few quick fits to these rows, with weights `counts` beside those of the problem."""
    own = np.ones(len(rows)) if problem.weights is None else problem.weights[rows]
    free = {name: value for name, value in problem.source.items() if name != "monotone"}
    part = replace(with_rows(problem, rows), source=free, validation=None, validation_weights=None, test=None)
    part = replace(part, weights=own * counts)
    state = State(part, seed, np.dtype(ops.float64), Judge(part, seed), Progress())
    run(state, _quick(state))
    best: tuple[float, Candidate, np.ndarray] | None = None
    for c in state.candidates:
        if c.left_out is not None and np.isfinite(c.left_out).all():
            size = np.sqrt(np.mean(c.left_out**2, axis=1))
            middle = float(np.median(size))
            best = (middle, c, size) if best is None or middle < best[0] else best
    return None if best is None else Pilot(best[1].model, best[2] * np.sqrt(own / own.mean()))


def _missed(problem: Problem, rows: np.ndarray, pilot: Pilot) -> Missed | None:
    """What a pilot misses all rows by; None where that is nothing."""
    model, n = pilot.model, len(problem.train[0])
    if len(rows) == n:
        size = pilot.size
    else:
        x, y = problem.train
        size = np.sqrt(np.mean(model.scaling.errors(evaluate(model, x), y) ** 2, axis=1))
        size = size if problem.weights is None else size * np.sqrt(problem.weights / problem.weights.mean())
    deviation = DEVIATION * float(np.median(size))
    if not deviation > 0:
        return None
    validation = None
    if problem.validation is not None:
        miss = model.scaling.errors(evaluate(model, problem.validation[0]), problem.validation[1])
        validation = np.sqrt(np.mean(miss**2, axis=1)) / deviation
    return Missed(size / deviation, validation, deviation * float(model.scaling.y_scale.mean()))


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
