"""A function of which few values can be had in the time: they were asked for once, and are all that is fitted to.

Such points are like the rows of a table without noise. What learns most from few is tried on them: sums, units placed
at random, few units that are searched for, Gaussian processes that a network learns from, and Levenberg-Marquardt. But
the judge may ask the function itself, at points of its own, and so decides between them.
"""

from __future__ import annotations

from dataclasses import replace

from surefit.attempts.attempt import Outcome
from surefit.attempts.methods import LM, Features, Polynomial, VarPro
from surefit.attempts.polynomial import network_for
from surefit.models.spec import MLPSpec
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.limits import DEEP, LAST_RESERVE, LM_FIRST, MOST_MONOMIALS
from surefit.search.runner import State, Strategy, run
from surefit.search.strategies.tables import taught
from surefit.sentences import say

ROWS_OF_PLACED = 2  # rows for each unit that is placed at random
FIRST_PLACED, MOST_PLACED = 300, 1000  # such units at first, and where these are better than what is searched for
MOST_SEARCHED = 80  # units that are searched for
ROWS_OF_SEARCHED = 2.0  # rows for each parameter of these
ROWS_OF_DEEP = 1.0  # the same of two hidden layers
TAUGHT_ROWS = 600  # from which a Gaussian process is found in the time that their values took
FOR_TEACHER, FOR_SEARCHES, FOR_DEEP = 0.35, 0.7, 0.4  # of the time that is left, what is kept for what follows them


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
