"""A function of which few values can be had in the time: they were asked for once, and are all that is fitted to.

Such points are like the rows of a table without noise. What learns most from few is tried on them: sums, a sum of few
products of polynomials that a network learns from as from a function, units placed at random, few units that are
searched for, Gaussian processes that a network learns from, and Levenberg-Marquardt. But the judge may ask the function
itself, at points of its own, and so decides between them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from surefit.attempts.attempt import Outcome
from surefit.attempts.methods import LM, Features, Polynomial, VarPro
from surefit.attempts.polynomial import network_for
from surefit.models.spec import MLPSpec
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.cost import of_search
from surefit.search.judging import Judge
from surefit.search.limits import DEEP, LAST_RESERVE, LM_FIRST, MOST_MONOMIALS
from surefit.search.runner import State, Strategy, run
from surefit.search.strategies.polynomials import polynomials_of
from surefit.search.strategies.separated import separated
from surefit.search.strategies.structure import parts_seen, sum_of
from surefit.search.strategies.tables import taught
from surefit.sentences import say

ROWS_OF_PLACED = 2  # rows for each unit that is placed at random
FIRST_PLACED, MOST_PLACED = 300, 1000  # such units at first, and where these are better than what is searched for
MOST_SEARCHED = 80  # units that are searched for
ROWS_OF_SEARCHED = 2.0  # rows for each parameter of these
ROWS_OF_DEEP = 1.0  # the same of two hidden layers
TAUGHT_ROWS = 600  # from which a Gaussian process is found in the time that their values took
FOR_TEACHER, FOR_SEARCHES, FOR_DEEP = 0.35, 0.7, 0.4  # of the time that is left, what is kept for what follows them
UNITS_SEARCHED, SEARCHING, ROWS_FREE = (80, 60, 40, 20), 30, 2.5  # units, iterations, and points for each parameter
OF_A_STEP, FLOPS = 6e-3, 7e9  # seconds of such an iteration beside its operations, and of these in a second, about
FOR_OTHERS = 0.4  # the same of a network that learns from polynomials
LIKELY, PLACED_UP_TO = 1e-3, 3  # deviations: with a smaller error nothing else is nearer, but of fewer inputs units
POLYNOMIAL = 3e-3  # deviations: with a larger error left out, a sum of polynomials is no likeness of the function


def has_few_values(s: State) -> bool:
    """Whether the function is so slow that its points were asked for once."""
    return s.problem.free and s.problem.affordable is not None and s.problem.gradients is None


def of_few_values(s: State) -> Strategy:
    """What learns most from few values without noise, cheap things first."""
    n, d = s.problem.train[0].shape
    for degree in (1, 2):
        monomials = d if degree == 1 else d * (d + 3) // 2
        if monomials < min(n // 2, MOST_MONOMIALS):
            network = s.built(network_for(degree, d))
            yield s.attempt(Polynomial(degree=degree), network, s.problem, reserve=LAST_RESERVE)
    few, units = n <= TAUGHT_ROWS, max(1, n // ROWS_OF_PLACED)
    placed = yield s.attempt(
        Features(draws=1), s.hidden(min(units, FIRST_PLACED)), s.problem, reserve=FOR_TEACHER if few else FOR_SEARCHES
    )
    yield from of_polynomials(s)
    if few:
        yield from of_a_teacher(s)
    network = s.hidden(max(1, min(MOST_SEARCHED, int(n / (ROWS_OF_SEARCHED * (d + 2))))))
    yield s.attempt(Features(draws=1), network, s.problem, reserve=LAST_RESERVE)
    searched = yield s.attempt(VarPro(iterations=60), network, s.problem, reserve=LAST_RESERVE if few else FOR_DEEP)
    if placed is not None and units > FIRST_PLACED and (searched is None or placed.score <= searched.score):
        gain = placed.details["gain"]
        network = s.hidden(min(units, MOST_PLACED))
        yield s.attempt(Features(draws=1), network, s.problem, scales=(gain, 2 * gain), beyond=0, reserve=LAST_RESERVE)
    deep = s.built(MLPSpec(DEEP))
    if n >= ROWS_OF_DEEP * deep.num_parameters():
        yield s.attempt(LM(iterations=LM_FIRST), deep, s.problem, reserve=LAST_RESERVE, thin=False)
    return say("few-values", points=n)


def of_a_teacher(s: State) -> Strategy:
    """A network that learns from Gaussian processes, of which the judge of the function tells how good it is."""
    rows = as_rows(s.problem)
    inner = State(rows, s.seed, s.dtype, Judge(rows, s.seed), s.progress)
    run(inner, taught(inner, FOR_TEACHER), s.perform)  # type: ignore[arg-type]
    for found in inner.candidates:
        yield s.attempt(None, found.model.network, s.problem, made=outcome_of(found, s.problem), named=True)
    return None


def of_polynomials(s: State) -> Strategy:
    """A network for the sum of few products of polynomials that the values are, if they are one.

    That is a function whose values cost nothing, and is fitted to the error that it may have itself.
    """
    progress, best = s.progress, s.best
    if s.dim == 1:
        return None

    def late() -> bool:
        return progress.out_of_time(1.0 - FOR_OTHERS)

    found = polynomials_of(s.problem.domain, *s.problem.train, POLYNOMIAL, s.goal or 0.0, late)
    if found is None or (best is not None and not found.left_out.max() < best.score):
        return None
    problem = replace(s.problem, function=found, affordable=None, seconds_per_point=None, notes=())
    tol = max(float(found.left_out.max()), s.goal or 0.0)
    inner = State(problem, s.seed, s.dtype, Judge(problem, s.seed), progress, tol=tol)
    left, kept = progress.left(), progress.seconds_after
    likely = s.dim >= PLACED_UP_TO and bool((found.left_out <= LIKELY * found.spread).all())
    progress.seconds_after += 0.0 if left is None else (LAST_RESERVE if likely else FOR_OTHERS) * left
    try:
        run(inner, likeness(inner), s.perform)  # type: ignore[arg-type]
    finally:
        progress.seconds_after = kept
    nearest = inner.best
    if nearest is not None:
        stage = say("stage-student", teacher=found.words, stage=nearest.stage)
        made = outcome_of(replace(nearest, stage=stage), s.problem)
        yield s.attempt(None, nearest.model.network, s.problem, made=made, named=True)
    return None


def likeness(s: State) -> Strategy:
    """A network for polynomials, of what is soon found: parts, products of functions of one input, few units."""
    yield from sum_of(s, parts_seen(s))
    yield from separated(s)
    left = s.progress.left(1.0 - LAST_RESERVE) or math.inf
    for units in UNITS_SEARCHED:
        network = s.hidden(units)
        problem = s.drawn(round(ROWS_FREE * network.num_parameters()))
        if SEARCHING * (OF_A_STEP + of_search(network, problem) / FLOPS) <= left or units == UNITS_SEARCHED[-1]:
            yield s.attempt(Features(draws=1), network, problem, reserve=LAST_RESERVE)
            yield s.attempt(VarPro(iterations=SEARCHING), network, problem, reserve=LAST_RESERVE)
            break
    return None


def as_rows(problem: Problem) -> Problem:
    """The points of a slow function as the rows of a table without noise."""
    return replace(
        problem, function=None, gradient_function=None, exact=False, known=True, free=False, affordable=None,
        validation=None, test=None, plan=None,
    )  # fmt: skip


def outcome_of(found: Candidate, problem: Problem) -> Outcome:
    """What was found of the rows, for the function itself."""
    return Outcome(
        network=found.model.network, problem=problem, stage=found.stage, reason=say("solver-solved"), row=found.row,
        model=found.model, details=found.details,
    )  # fmt: skip


__all__ = ["has_few_values", "of_few_values"]
