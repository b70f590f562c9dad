"""The automatic choice for a function that is known without noise.

A polynomial, or a sum of parts, where the function is one. Features with more
and more units, each polished by variable projection where that can bring it to the goal. When more units stop helping
(kinks, many inputs): variable projection on a hidden layer that is small enough to be searched, more units where the
error is, Levenberg-Marquardt on two hidden layers with more points where the error is, and Adam on the network that fit
uses by default. Where gradients are fitted too and the points are few, variable projection is tried in any case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefit import nn
from surefit.attempts.methods import LM, Adam, Features, VarPro
from surefit.core import ops
from surefit.models.spec import network_of
from surefit.problems.callables import at_once
from surefit.problems.gradients import unlike
from surefit.problems.points import equations
from surefit.problems.problem import ROWS, Problem
from surefit.search.candidates import Candidate
from surefit.search.cost import of_search
from surefit.search.effort import spread_points
from surefit.search.limits import (
    ADAM_AFTER_LM,
    ADAM_REACHES,
    AGAIN_UNTIL,
    BEFORE_SEPARATED,
    BY_THE_WAY,
    COSTLY,
    ENOUGH,
    FIRST_OF_ONE,
    FIRST_OF_TWO,
    HELPED,
    IN_OTHER_FORMS,
    IN_REACH,
    IN_REACH_OF_MORE,
    LARGE,
    LEARNED,
    LM_REACHES,
    MANY_INPUTS,
    REFINED,
    ROWS_FIX,
    SOLVER_RESERVE,
    SUDDEN,
    SUDDEN_CALLS,
    SUDDEN_OF_TIME,
    SUDDEN_SECONDS,
    UNASKED_PARAMETERS,
    UNITS,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.composed import composed, jumps_alone
from surefit.search.strategies.contracting import Fitting, networks, simpler_steps_of, steps_of
from surefit.search.strategies.graded import graded
from surefit.search.strategies.kinked import kinked
from surefit.search.strategies.layers import seconds_per_value
from surefit.search.strategies.links import linked_numbers
from surefit.search.strategies.refinement import refined
from surefit.search.strategies.rounds import deeper
from surefit.search.strategies.separated import looks_separated, separated
from surefit.search.strategies.structure import named_units, overlapping, parts_seen, quadratic, sum_of
from surefit.sentences import say
from surefit.solvers.features import SCALES


def known_function(s: State, jit: bool | None = None) -> Strategy:
    """What is tried of a known function, until something ends it."""
    asked = s.tol is not None or s.progress.time is not None  # who asks for nothing gets what is good enough, soon
    watch_sudden(s)
    yield from named_units(s)
    yield from kinked(s)
    yield from quadratic(s)
    parts = parts_seen(s)
    later = overlapping(parts)  # after what is simpler, if it is found
    if not later:
        yield from sum_of(s, parts)
    climb, soon, steps = Climb(ladder(s)), False, None
    if s.problem.free:
        yield from more_units(s, climb, FIRST_OF_ONE if s.dim == 1 else FIRST_OF_TWO if s.dim == 2 else 0)
        yield from (graded(s) if s.dim == 1 else composed(s))
        if s.best is not None and jumps_alone(s, s.best):
            yield say("jumps-alone")
            return None
        soon = looks_separated(s)
        if soon:  # to ask that costs less than all that follows
            yield from separated(s, soon=True)
            soon = s.best is not None and s.best.details["solver"] == "separated"
        steps = yield from steps_of(s)
        if steps is not None:
            yield from networks(s, steps, UNASKED_PARAMETERS)
        yield from linked_numbers(s)
        if steps is not None:
            yield from in_simpler_form(s, steps)
            yield from networks(s, steps, math.inf)  # more than one would like, where nothing smaller is near
        if s.dim in BEFORE_SEPARATED:
            yield from more_units(s, climb, BEFORE_SEPARATED[s.dim])
    if later:
        yield from sum_of(s, parts)
    far = s.best is None or s.best.score > IN_REACH_OF_MORE * (s.goal or 0.0)
    if far and not soon:
        yield from separated(s)
    if s.problem.free and steps is None:
        yield from in_simpler_form(s, None)
    yield from more_units(s, climb)
    if not far and not soon:
        yield from separated(s)
    best = s.best
    if best is None:
        return say("nothing")
    by_features = best.details["solver"] == "features" and s.problem.gradients is None
    better = s.tol is not None or best.score > s.judge.share(ADAM_REACHES)  # is asked for
    if s.problem.free and s.dim <= 3 and by_features and better:
        yield from refined(s, best, max(20, min(150, best.details["units"] // 2)), REFINED)
    if s.problem.gradients is not None:
        yield from few_points(s)
    if s.best.score <= s.judge.share(LM_REACHES if asked else ADAM_REACHES):  # type: ignore[union-attr]
        yield say("no-adam", share=ADAM_REACHES)
        return None
    yield from deeper(s)
    if s.best.score <= s.judge.share(ADAM_AFTER_LM):  # type: ignore[union-attr]
        yield say("no-adam-after-lm", share=ADAM_AFTER_LM)
        return None
    yield from adam(s, s.drawn(min(1000 * s.dim**2, ENOUGH)), None, jit)
    return None


def in_simpler_form(s: State, steps: Fitting | None) -> Strategy:
    """The steps of a function, or itself as one, in whatever form is simpler; more finely where that helped."""
    before, near = math.inf, IN_REACH_OF_MORE if s.tol is None else HELPED  # times the goal
    if s.best is not None and s.best.score <= near * (s.goal or 0.0):
        return None
    for share in IN_OTHER_FORMS:
        if before < math.inf and s.progress.out_of_time(AGAIN_UNTIL):
            return None
        simpler = yield from simpler_steps_of(s, steps, share)
        if simpler is None or simpler.score * HELPED > before:
            return None
        before = simpler.score
        yield from networks(s, simpler, math.inf)
        if s.best is None or s.best.details["solver"] != "contracted":
            return None
    return None


def watch_sudden(s: State) -> None:
    """Have all candidates measured so densely that what is narrow is seen, if values of one input cost little.

    A peak a thousandth of the domain wide is missed by some thousand points. The card counts these with the others.
    """
    function = s.problem.function
    if s.dim != 1 or not s.problem.free or function is None or s.problem.affordable is not None:
        return
    if s.problem.plan is not None and s.problem.plan.verify is not None:
        return  # somebody said how many values may be asked for
    each = seconds_per_value(function) or 0.0
    count = SUDDEN if at_once(function) else SUDDEN_CALLS
    if each > 0.0:
        soon = SUDDEN_SECONDS if s.progress.time is None else min(SUDDEN_SECONDS, SUDDEN_OF_TIME * s.progress.time)
        count = min(count, int(soon / each))
    if count > 0:
        s.judge.watch(spread_points(s.problem.domain, count, np.random.default_rng([s.seed, 0x5D])))


@dataclass
class Climb:
    """A ladder of units, how far it was climbed, and what was learned there."""

    rungs: Sequence[int]
    number: int = 0  # of the next rung
    over: bool = False  # no further rung helps
    before: float = math.inf  # score
    searched: bool = False
    scales: tuple[float, ...] = tuple(SCALES)
    rate: float = 0.0  # seconds of a solve over the cube of the units
    last: int = 1  # units


def more_units(s: State, climb: Climb, upto: int | None = None) -> Strategy:
    """Features with more and more units, polished where that is worth it, as long as more units help.

    climb: goes on where it was left; upto: a rung before which it is left.
    """
    upto = len(climb.rungs) if upto is None else min(upto, len(climb.rungs))
    while climb.number < upto and not climb.over:
        units = climb.rungs[climb.number]
        climb.number += 1
        climb.over = True
        fitting = units_in_time(s, units, len(climb.scales), climb.rate)
        if fitting < units and fitting < 1.2 * climb.last:
            yield say("no-time-for-units", units=units)
            return None
        units = fitting
        network, problem = s.hidden(units), s.drawn(points_of(s, units))
        draws, beyond = (1, 0 if units > LARGE else 4) if units > 100 else (2, 4)
        began, known = s.progress.seconds, len(s.progress.history)
        found = yield s.attempt(
            Features(draws=draws), network, problem, scales=climb.scales, beyond=beyond, reserve=SOLVER_RESERVE
        )
        if found is None:
            return None
        climb.rate = (s.progress.seconds - began) / max(1, len(s.progress.history) - known) / units**3
        helped = climb.before / found.score if found.score > 0 else math.inf
        learned = found.score <= s.judge.share(LEARNED)
        stuck = helped < HELPED and not (s.dim == 1 and units < LARGE) and learned  # in 1-D more units cost nothing
        near = found.score <= IN_REACH.get(s.dim, IN_REACH_OF_MORE) * (s.goal or 0.0)
        if (near or (stuck and not climb.searched)) and can_search(network, problem, BY_THE_WAY / (1 if near else 4)):
            climb.searched = True
            yield s.attempt(polishing(s, 30 if near else 60), network, problem, reserve=SOLVER_RESERVE)
        left, following = s.progress.left(), climb.rungs[min(climb.number, len(climb.rungs) - 1)]
        costly = left is not None and len(SCALES) * climb.rate * following**3 > COSTLY * left
        if (why := enough_units(s, units, stuck, found, costly)) is not None:
            yield say(why)
            return None
        centre, climb.last, climb.before = found.details["gain"], units, found.score
        if not learned:
            climb.scales = tuple(SCALES)
        else:
            more = (centre, 2 * centre) if 2 * units > LARGE else (centre, 2 * centre, 4 * centre, centre / 2)
            climb.scales = more
        climb.over = False
    return None


def ladder(s: State) -> Sequence[int]:
    """Units in the order in which they are tried: where the points are given, up to what they can fix."""
    units = UNITS.get(s.dim, MANY_INPUTS)
    if s.problem.free:
        return units
    most = equations(s.problem) // 2
    return (*(h for h in units if 1.3 * h <= most), max(1, min(most, units[-1])))


def units_in_time(s: State, units: int, scales: int, rate: float) -> int:
    """As many units as the time allows that is left; rate: seconds of a solve over the cube of the units."""
    left = s.progress.left()
    if left is None or scales * rate * units**3 <= left:
        return units
    return int((0.8 * left / (scales * rate)) ** (1 / 3))


def enough_units(s: State, units: int, stuck: bool, found: Candidate, costly: bool = False) -> str | None:
    """Why more units are not tried, if so; costly: whether they would take much of the time that is left."""
    if stuck:
        return "no-help"
    if s.dim > 3 and found.score > s.judge.share(ADAM_AFTER_LM) and (units > LARGE or costly):
        return "deep-instead"
    if s.dim == 1 and units > LARGE and found.score > s.judge.share(LEARNED):
        return "learned-nothing"
    return None


def points_of(s: State, units: int) -> int:
    """Training points for so many units."""
    rows = ROWS * units + 2
    return rows if s.dim <= 3 else rows + rows // 2


def can_search(network: nn.Module, problem: Problem, most: float = BY_THE_WAY) -> bool:
    """Whether a search of the hidden layer costs at most so much an iteration, and has rows enough to be fixed by."""
    last = network[-1]  # type: ignore[index]
    searched = network.num_parameters() - last.num_parameters()
    enough = equations(problem) * len(problem.outputs) >= ROWS_FIX * searched
    return enough and of_search(network, problem) <= most


def polishing(s: State, iterations: int) -> VarPro | LM:
    """What searches a hidden layer: variable projection, where one row of features serves all outputs."""
    separable = s.problem.gradients is None or not len(unlike(s.problem.gradients))
    return VarPro(iterations=iterations) if separable else LM(iterations=iterations)


def few_points(s: State) -> Strategy:
    """Search the units that values and gradients of few points can fix: placed at random they were not enough."""
    units = max(1, min(equations(s.problem) // 3, 400 // (s.dim + 2)))
    network = s.hidden(units)
    searched = any(c.details["solver"] in ("varpro", "lm") for c in s.candidates)
    if searched or of_search(network, s.problem) > BY_THE_WAY:
        return None
    yield s.attempt(Features(draws=1), network, s.problem, reserve=SOLVER_RESERVE)
    yield s.attempt(polishing(s, 60), network, s.problem, reserve=SOLVER_RESERVE)
    return None


def adam(
    s: State, problem: Problem, network: nn.Module | None, jit: bool | None, method: Adam | None = None
) -> Strategy:
    """The last rung: Adam in float32, or in the dtype asked for, and a last solve for the output layer."""
    kind = s.first_order_dtype
    if network is None:
        network = network_of(None, problem, np.random.default_rng([s.seed, 2]), kind)
    network.to(kind)
    yield s.attempt(method or Adam(), network, problem, dtype=ops.dtype_of(kind), jit=jit)
    return None


__all__ = ["adam", "can_search", "few_points", "known_function", "more_units", "points_of", "polishing"]
