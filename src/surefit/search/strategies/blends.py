"""Means of models of measured data, weighted as the rows left out tell, and when a mean is better than one alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome
from surefit.models.clipped import FARTHER, stays_within
from surefit.models.members import Blend
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.problems.scaling import Scaling
from surefit.search.candidates import Candidate, searched
from surefit.search.comparing import shares, surely_less
from surefit.search.limits import (
    BESIDE_LINE,
    HEDGED,
    LEAST_NOISE,
    LEAST_SHARE,
    LEAST_TAUGHT,
    MOST_BLENDED,
    MOST_PARAMETERS,
    OF_LINE,
    ROWS_THAT_TELL,
    SMOOTH,
    STACKED,
    STACKED_LARGE,
)
from surefit.search.runner import State, Strategy
from surefit.search.teacher import Processes, fills_its_box, spread_evenly
from surefit.sentences import Sentence, say

BLEND = "stage-blend"

Part = tuple[Candidate, np.ndarray]  # of a mean, and what it misses rows by
# makes a network of at most so many parameters learn from a teacher
Student = Callable[[State, Processes, int], Generator[Attempt, Candidate | None, Candidate | None]]


def blended(
    s: State, found: Candidate, others: Sequence[Candidate]
) -> Generator[Attempt, Candidate | None, Candidate | None]:
    """The mean of a candidate and another, whichever is best with the weight that least squares gives."""
    mine, counts = unseen(s.problem, found), row_counts(s.problem)
    best: tuple[float, float, Candidate, np.ndarray] | None = None
    for c in others:
        theirs = unseen(s.problem, c)
        if mine is None or theirs is None or theirs.shape != mine.shape:
            continue
        apart = mine - theirs
        square, along = (float(np.average(np.mean(e * apart, axis=1), weights=counts)) for e in (apart, theirs))
        share = min(1.0, max(0.0, -along / max(square, 1e-300)))
        mixed = share * mine + (1.0 - share) * theirs
        score = float(np.average(np.mean(mixed**2, axis=1), weights=counts))
        best = (score, share, c, mixed) if best is None or score < best[0] else best
    if best is None or not LEAST_SHARE <= best[1] <= 1.0 - LEAST_SHARE:
        return None
    _, share, other, mixed = best
    return (
        yield s.attempt(
            None, found.model.network, s.problem, made=blend(s.problem, found, other, share, mixed), named=True
        )
    )


def blend(
    problem: Problem, first: Candidate, second: Candidate | Outcome, share: float, left_out: np.ndarray
) -> Outcome:
    """The weighted mean of two models. share: of the first; left_out (n, k): what it misses rows by, of `unseen`."""
    assert second.model is not None
    model, own = first.model, first.model.scaling
    rows = len(first.problem.train[0])  # validation rows come first
    missed = None if first.left_out is None else Scaling.of(problem).rescaled(left_out[-rows:], own)
    stage = mean_of([(share, first.stage), (1.0 - share, second.stage)])
    common: dict[str, Any] = dict(
        problem=first.problem, stage=stage, reason=first.reason, row=first.row, details=first.details, left_out=missed
    )
    mixed = linear_mean(model, second.model, share)
    if mixed is not None:
        return Outcome(network=mixed.network, model=mixed, **common)
    if stays_within(model.network) and stays_within(second.model.network):  # a line goes on where rows end
        network = Blend(model, second.model, share)
    else:
        y = own.outputs(first.problem.train[1])  # parts may go anywhere there
        low, high = y.min(axis=0), y.max(axis=0)
        network = Blend(model, second.model, share, low - FARTHER * (high - low), high + FARTHER * (high - low))
    network.eval()
    model = Scaled(network, own.x_shift, own.x_scale, own.y_shift, own.y_scale, model.dtype, own.log, own.y_log)
    return Outcome(network=network, model=model, **common)


def mean_of(parts: Sequence[tuple[float, Sentence]]) -> Sentence:
    """What a mean of models is called: each model once, with its share of the whole, the largest first."""
    each: dict[Sentence, float] = {}
    for share, stage in parts:
        while stage.code == BLEND:  # which holds its parts one in the other
            part, stage = stage.values["first"], stage.values["rest"]
            each[part.values["stage"]] = each.get(part.values["stage"], 0.0) + share * part.values["share"]
        if stage.code == "stage-share":
            share, stage = share * stage.values["share"], stage.values["stage"]
        each[stage] = each.get(stage, 0.0) + share
    *before, whole = (
        say("stage-share", share=share, stage=stage) for stage, share in sorted(each.items(), key=lambda p: -p[1])
    )
    for part in reversed(before):
        whole = say(BLEND, first=part, rest=whole)
    return whole


def linear_mean(first: Scaled, second: Scaled, share: float) -> Scaled | None:
    """The weighted mean of two linear functions of the same scaled inputs, which is one; None of others."""
    one, other = first.network, second.network
    same = all(
        np.array_equal(a, b)
        for a, b in zip(
            (first.scaling.x_shift, first.scaling.x_scale, first.scaling.y_shift, first.scaling.y_scale),
            (second.scaling.x_shift, second.scaling.x_scale, second.scaling.y_shift, second.scaling.y_scale),
            strict=True,
        )
    )
    if not same or any(type(n) is not nn.MLP or len(list(n.parameters())) != 2 for n in (one, other)):
        return None
    mixed = copy.deepcopy(first)
    for p, a, b in zip(mixed.network.parameters(), one.parameters(), other.parameters(), strict=True):
        p.assign(share * a.detach().numpy() + (1.0 - share) * b.detach().numpy())
    return mixed


def mixture(parts: Sequence[Part], root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shares of a mean of candidates, and what it misses rows by; root (n, 1): of what the rows count."""
    found = shares([(root * misses).ravel() for _, misses in parts])
    return found, np.asarray(sum(share * misses for share, (_, misses) in zip(found, parts, strict=True)))


def within(s: State, parts: list[Part], student: Student) -> Generator[Attempt, Candidate | None, list[Part]]:
    """Parts of a mean that have no more parameters together than what was taught may have alone.

    It is taught again with what the others leave, and those that leave too little are left out. The linear function,
    of which there may be some in the end, has room yet. Where nothing was taught all stay.
    """
    taught = next((c for c, _ in parts if c.taught is not None), None)
    if taught is None or taught.taught is None:
        return parts
    room = MOST_PARAMETERS - len(s.problem.outputs) * (s.dim + 1)
    others = sorted((p for p in parts if p[0] is not taught), key=lambda p: p[0].model.network.num_parameters())
    if sum(c.model.network.num_parameters() for c, _ in parts) <= room:
        return parts
    while others and sum(c.model.network.num_parameters() for c, _ in others) > room - LEAST_TAUGHT * MOST_PARAMETERS:
        others.pop()
    left = room - sum(c.model.network.num_parameters() for c, _ in others)
    again: Candidate | None = taught
    if taught.model.network.num_parameters() > left:
        again = yield from student(s, taught.taught.teacher, left)
    misses = None if again is None else unseen(s.problem, again)
    return others if again is None or misses is None else [(again, misses), *others]


def stacked(s: State, student: Student) -> Strategy:
    """The weighted mean of a few candidates, where rows left out say that it is better than the best alone.

    What is chosen among many is what luck favours, the more so the fewer the rows; a mean is hardly ever much worse
    than the best of its parts (Breiman 1996, Stacked regressions; van der Laan, Polley and Hubbard 2007, Super
    learner).

    student: teaches a network of so many parameters again, so that the mean has no more than one alone may have.
    """
    best = s.best
    if best is None or not noisy(s, best):
        return None
    root = np.sqrt(row_counts(s.problem))[:, None]
    parts: list[Part] = []
    for c in s.candidates:
        misses = None if searched(c) or c.stage.code == BLEND else unseen(s.problem, c)
        if misses is not None and len(misses) == len(root):
            parts.append((c, misses))
    for _ in range(2):  # of all, and of those with the largest shares
        found = shares([(root * misses).ravel() for _, misses in parts]) if parts else np.zeros(0)
        order = np.argsort(-found, kind="stable")[:MOST_BLENDED]
        parts = [parts[i] for i in order if found[i] > 0]
    alone = unseen(s.problem, best)
    if len(parts) < 2 or alone is None or len(alone) != len(root):
        return None
    kinds = ("trees", "tabular")  # which come first, in whose dtype all is computed
    large = any(c.details["solver"] in kinds for c, _ in parts)
    enough = (STACKED_LARGE if large else STACKED) * float(np.sqrt(np.mean((root * alone) ** 2)))
    found, mixed = mixture(parts, root)
    if float(np.sqrt(np.mean((root * mixed) ** 2))) > enough:
        return None
    if not large:
        fitting = yield from within(s, parts, student)
        if fitting is not parts:
            parts = fitting
            found, mixed = mixture(parts, root)
            if len(parts) < 2 or float(np.sqrt(np.mean((root * mixed) ** 2))) > enough:
                return None
    placed = sorted(
        zip(found, parts, strict=True),
        key=lambda each: [*kinds, each[1][0].details["solver"]].index(each[1][0].details["solver"]),
    )
    whole: Candidate | Outcome = placed[-1][1][0]
    total, misses = placed[-1][0], placed[-1][1][1]
    for share, (c, own) in reversed(placed[:-1]):
        misses = (share * own + total * misses) / (share + total)
        whole = blend(s.problem, c, whole, share / (share + total), misses)
        total += share
    assert isinstance(whole, Outcome)
    if not large:
        whole.details = whole.details | {"stacked": True}
    yield s.attempt(None, whole.network, s.problem, made=whole, named=True)
    return None


def hedged(s: State, student: Student) -> Strategy:
    """The best candidate with more than half of the linear function, where the best is not surely the better one.

    A linear function with a ridge has the least to learn, and goes on evenly where rows end. Rows left out do not tell
    how others behave there, and of few rows they tell little at all: of the best of many candidates they tell too much
    good, for it is the best of them at these very rows. student: as in `stacked`.
    """
    best = s.best
    line = next((c for c in s.candidates if c.stage.code == "stage-linear"), None)
    if best is None or line is None or best is line or not noisy(s, best):
        return None
    mine, theirs, counts = unseen(s.problem, best), unseen(s.problem, line), row_counts(s.problem)
    if mine is None or theirs is None or not len(mine) == len(theirs) == len(counts):
        return None
    one, other = (np.mean(e**2, axis=1) for e in (mine, theirs))
    if surely_less(one, other, counts, HEDGED):
        return None
    both = yield from within(s, [(best, mine)], student)
    if not both:
        return None
    best, mine = both[0]
    whole = blend(s.problem, best, line, 1.0 - OF_LINE, (1.0 - OF_LINE) * mine + OF_LINE * theirs)
    whole.details = whole.details | {"hedge": True}
    yield s.attempt(None, whole.network, s.problem, made=whole, named=True)
    return None


def noisy(s: State, best: Candidate) -> bool:
    """Whether means of models are in place: not of smooth values without noise, such as those of a simulator's runs."""
    if best.score <= SMOOTH or s.problem.gradients is not None or s.problem.known or s.problem.function is not None:
        return False
    teacher = next((c.taught.teacher for c in s.candidates if c.taught is not None), None)
    x, box = s.problem.train[0], s.problem.domain
    if teacher is None or not spread_evenly(x, box):
        return True
    line = next((c for c in s.candidates if c.stage.code == "stage-linear"), None)
    if line is not None and line.score**2 <= BESIDE_LINE * best.score**2 and not fills_its_box(box.scale(x)):
        few = len(x) < ROWS_THAT_TELL * (s.dim + 1)  # which a process follows, whatever noise they have
        if few or not teacher.surely_without_noise:
            return best is not line
    return teacher.noise_share >= LEAST_NOISE


def unseen(problem: Problem, c: Candidate) -> np.ndarray | None:
    """What a candidate misses rows by that it was not fitted to, (m, k), in the units of scaled rows.

    The validation rows come first; where they are whole groups, or the last ones, they come alone.
    """
    own, parts = Scaling.of(problem), []
    if problem.validation is not None and c.at_validation is not None:
        parts.append(own.errors(c.at_validation, problem.validation[1]))
    if not (parts and problem.plan is not None and problem.plan.apart):
        if c.left_out is None or c.scaling is None or not np.isfinite(c.left_out).all():
            return None
        parts.append(c.scaling.rescaled(c.left_out, own))
    return np.concatenate(parts)


def row_counts(problem: Problem) -> np.ndarray:
    """What the rows of `unseen` count."""
    parts = []
    if problem.validation is not None:
        validation = problem.validation_weights
        parts.append(np.ones(len(problem.validation[0])) if validation is None else validation)
    if not (parts and problem.plan is not None and problem.plan.apart):
        parts.append(np.ones(len(problem.train[0])) if problem.weights is None else problem.weights)
    return np.concatenate(parts)


__all__ = ["BLEND", "blended", "hedged", "stacked"]
