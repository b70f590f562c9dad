"""Candidates: what an attempt left, as it will be shipped, judged in one way, where it was not fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.output_layer import ROUNDOFF, deploy
from surefit.core import ops
from surefit.models.chain import chain_of
from surefit.models.clipped import clipped
from surefit.models.inference import evaluate, predictor, values_of
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.problems.quantiles import pinball
from surefit.problems.scaling import Scaling
from surefit.search.comparing import surely_less
from surefit.search.judging import Judge, Measured
from surefit.search.limits import (
    CLEARLY,
    ENOUGH_ROWS,
    FAINTER,
    FINER,
    JUMP,
    NUDGED,
    ROUNDED,
    ROUNDING,
    ROUNDINGS,
    SELDOM,
    SIMPLER,
    SMALLER,
    SMOOTHER,
)  # fmt: skip
from surefit.search.teacher import Taught, fills_its_box
from surefit.search.timings import Timings
from surefit.sentences import Sentence, say

LARGE = {"trees": SMOOTHER, "tabular": SMALLER}  # solvers whose models are large, and times their score: others that
# have such a score are preferred to them

RIVALS = 2  # candidates beside the best
SUMS = ("polynomial", "additive")  # solvers whose models are sums that cannot follow every target

if TYPE_CHECKING:
    from surefit.bounds.certificate import Certificate


@dataclass
class Candidate:
    """A model as it will be shipped, and how good it is."""

    model: Scaled
    problem: Problem  # with the points it was fitted to
    stage: Sentence  # method and network in words
    reason: Sentence  # why the attempt ended
    score: float  # the less the better: the largest error of a known function, else the root mean square `residuals`
    error: Measured  # what the card tells
    largest: float  # error at the rows by which it is judged
    row: int | None  # of the history, that the network is from
    details: dict[str, Any]  # solver, units, gain, output_norm, ridge
    by: Sentence  # what the score is, in words
    provisional: bool = False  # counts only as long as there is no later one
    unit: float = 1.0  # of the score, in the units of the target
    residuals: np.ndarray | None = field(default=None, repr=False)  # (n,) of measured data, by which it is compared
    left_out: np.ndarray | None = field(default=None, repr=False)  # (n, k) of the attempt: see `Outcome`
    taught: Taught | None = field(default=None, repr=False)
    scaling: Scaling | None = field(default=None, repr=False)  # of `left_out`
    validated: int = 0  # how many of these, the first, are at validation rows
    at_validation: np.ndarray | None = field(default=None, repr=False)  # (validated, k), what the model says there
    certificate: Certificate | None = field(default=None, repr=False)  # what is proved of it

    @property
    def missed(self) -> np.ndarray | None:
        """What each training row is missed by when it is left out, (n, k), in the units of the network, if known."""
        if self.left_out is None or self.scaling is None or not np.isfinite(self.left_out).all():
            return None
        return self.scaling.rescaled(self.left_out, self.model.scaling)

    @property
    def only_at_jumps(self) -> bool:
        """Whether the network has units that jump as the target does, and is off by much nowhere else."""
        return (self.details.get("jumps") or 0) > 0 and self.error.rmse <= SELDOM * self.error.max

    @property
    def score_in_units(self) -> float:
        """The score in the units of the target."""
        return self.score * self.unit

    def tried(self, why: Sentence | None) -> Sentence:
        """What the card says of it among what was tried, and why it was tried or ended."""
        code = "untold" if self.by.code == "what-untold" else "tried"
        values: dict[str, Any] = dict(stage=self.stage, what=self.by, score=self.score_in_units)
        return say(code, **values) if why is None else say(f"{code}-why", **values, why=why)


def scored(attempt: Attempt, outcome: Outcome, judge: Judge, tol: float | None) -> Candidate:
    """The candidate of an outcome: deployed, measured, scored.

    A known function is scored by its largest error at fresh points. Measured data are scored by the validation rows
    and, where the attempt knows them, by the training rows, each left out in turn: few validation rows tell good luck
    from a good network badly.
    """
    problem = outcome.problem
    apart = problem.plan is not None and problem.plan.apart
    if problem.validation is not None and (apart or problem.signs):
        # a row left out has relatives among the others; or the tangents, by which it is left out, know of no signs
        outcome = replace(outcome, left_out=None)
    solved = outcome.details.get("jumps") or (outcome.details.get("local") and outcome.details["units"] > FINER)
    model = outcome.model or deploy(outcome.network, problem, attempt.dtype, attempt.like, again=not solved)
    if attempt.clip and goes_on_steeply(model.network):
        model = clipped(model, *problem.train)
    trained = outcome.model is not None
    predict = predictor(model) if not trained else lambda points: evaluate(model, points)
    error = judge.measured(predict)
    rounding = model.dtype == ops.float32 and trained and error.max <= ROUNDING * judge.size
    if (
        rounding
        or (not trained and _steep(model, error, problem))
        or _near(error.max, model, outcome.details.get("output_norm"), tol, problem)
    ):
        error = judge.measured(values_of(model))  # as it is used later
    good = attempt.goal if tol is None else tol
    if problem.exact and good is not None and error.max <= good:
        error = judge.closer(values_of(model), error, model.num_parameters(), problem.train[0])
    scaling = model.scaling if outcome.taught is None else Scaling.of(problem)  # it has that of its lessons
    known = outcome.left_out is not None and np.isfinite(outcome.left_out).all()
    if judge.kind == "validation" and problem.validation is None and outcome.left_out is not None and known:
        x, y = problem.train  # its rows are among them, each left out by some networks
        found = y + scaling.unscaled_errors(outcome.left_out, y)
        error = replace(Judge.apart(problem, found, (x, y), "folds"), folds=int(outcome.details.get("folds", 0)))
    elif judge.kind == "training" and known and (problem.quantiles or problem.signs) and outcome.left_out is not None:
        found = problem.train[1] + scaling.unscaled_errors(outcome.left_out, problem.train[1])
        folds = int(outcome.details.get("folds", 0))
        error = replace(Judge.apart(problem, found, problem.train, "folds"), folds=folds)
    elif judge.kind == "training" and outcome.left_out is not None and known:
        outcome = replace(outcome, left_out=_above_rounding(outcome, model, scaling))
        assert outcome.left_out is not None
        known = () if outcome.taught is None else outcome.taught.parts
        error = judge.estimated(scaling.unscaled_errors(outcome.left_out, problem.train[1]), *known)
        error = replace(error, folds=int(outcome.details.get("folds", 0)))
        error = error if outcome.details.get("ranged", True) else error.without_range()
    common: dict[str, Any] = dict(
        model=model, problem=problem, stage=outcome.stage, reason=outcome.reason, error=error, row=outcome.row,
        details=outcome.details, provisional=attempt.provisional, taught=outcome.taught, scaling=scaling,
    )  # fmt: skip
    if problem.exact:
        score = error.max if math.isfinite(error.max) else math.inf
        return Candidate(score=score, largest=score, by=say("what-largest"), **common)
    units = Scaling.of(problem)  # a network that was taught has its own, and so has a mean that begins with it
    at_validation = None if problem.validation is None else evaluate(model, problem.validation[0])
    residuals, weights, largest, by = _unseen(problem, at_validation, outcome, scaling, units)
    largest = largest if problem.function is None else error.max  # at fresh points, whose values have no noise
    if problem.stream is not None and tol is not None and largest <= tol:
        largest = max(largest, problem.stream.largest_error(predict))
    known = bool(np.isfinite(residuals).all())
    score = math.sqrt(float(np.average(residuals**2, weights=weights))) if known else math.inf
    return Candidate(
        score=score, largest=largest, by=by, residuals=residuals, left_out=outcome.left_out,
        validated=0 if problem.validation is None else len(problem.validation[0]), at_validation=at_validation,
        unit=float(units.y_scale[0]) if len(problem.outputs) == 1 else 1.0, **common,
    )  # fmt: skip


def goes_on_steeply(network: nn.Module) -> bool:
    """Whether it is a perceptron with hidden units, which far from all rows says anything."""
    return type(network) is nn.MLP and len(chain_of(network) or ()) > 1


def error_told(
    found: Candidate, judge: Judge, goal: float | None, timings: Timings, others: Sequence[Candidate] = ()
) -> Measured:
    """The error that a record tells; of one that is good enough it was looked at once more before it was.

    others: candidates, of which the best say where an expensive function may have another value.
    """
    if found.score <= (goal or 0.0) and not judge.disputes:
        return found.error
    with timings.phase("judging"):
        trained = found.problem.train[0]
        best = sorted((c for c in others if c is not found), key=lambda c: c.score)[:RIVALS]
        rivals = [values_of(c.model) for c in best]
        return judge.closer(values_of(found.model), found.error, found.model.num_parameters(), trained, rivals)


def _unseen(
    problem: Problem, found: np.ndarray | None, outcome: Outcome, scaling: Scaling, units: Scaling
) -> tuple[np.ndarray, Any, float, Sentence]:
    """Of rows that a model was not fitted to: root mean square over the outputs, weights, largest.

    found (n, k): values at the validation rows. scaling: of what is left out. units: of the root mean square, the same
    for all candidates.

    Of quantiles it is the root of the mean pinball loss, so that all that compares squares compares these losses.
    """
    parts: list[np.ndarray] = []
    weights: list[np.ndarray | None] = []
    largest = math.inf
    if problem.validation is not None and found is not None:
        y = problem.validation[1]
        largest = float(np.abs(found - y).max())
        parts.append(units.errors(found, y))
        weights.append(problem.validation_weights)
    by = say("what-validation")
    if outcome.left_out is not None or problem.validation is None:
        left_out = outcome.left_out
        if left_out is None:  # nothing is known of rows it was not fitted to
            left_out = np.full(problem.train[1].shape, np.inf)
        parts.append(scaling.rescaled(left_out, units))
        weights.append(problem.weights)
        alone = say("what-folds") if "folds" in outcome.details else say("what-left-out")
        by = alone if problem.validation is None else say("what-both")
        if problem.validation is None:
            largest = float(np.abs(scaling.unscaled_errors(left_out, problem.train[1])).max())
    levels = problem.quantiles
    loss = [pinball(p, np.zeros(p.shape), levels) if levels else p**2 for p in parts]
    square = np.concatenate([each.mean(axis=1) for each in loss])
    by = say("what-pinball") if levels else by
    if not all(np.isfinite(p).all() for p in parts):
        by = say("what-untold")
    both = None
    if any(w is not None for w in weights):
        both = np.concatenate([np.ones(len(p)) if w is None else w for p, w in zip(parts, weights, strict=True)])
    return np.sqrt(square), both, largest, by


def _above_rounding(outcome: Outcome, model: Scaled, scaling: Scaling) -> np.ndarray | None:
    """What rows are missed by when they are left out, (n, k), not less than what the model misses them by as it is.

    A row that was fitted is not missed by more than without it (of least squares by h / (1 - h) more, where h > 0 is
    its leverage), but for the rounding of the model: an exact fit has that error, whatever equations say of less.
    """
    (x, y), left_out = outcome.problem.train, outcome.left_out
    if left_out is None or outcome.taught is not None:
        return left_out
    fitted = scaling.errors(evaluate(model, x), y)
    below = np.sqrt(np.mean(fitted**2, axis=0)) > np.sqrt(np.mean(left_out**2, axis=0))
    return np.where(below, np.copysign(np.maximum(np.abs(left_out), np.abs(fitted)), left_out), left_out)


def _steep(model: Scaled, error: Measured, problem: Problem) -> bool:
    """Whether layers make so much of rounding, where the error is the largest, that `predict` may be off by more.

    Where a root begins, units are so steep that another order of evaluation has another error.
    """
    if (
        not problem.exact
        or problem.function is None
        or model.dtype != ops.float64
        or len(error.at) != len(problem.names)
    ):
        return False
    if model.num_parameters() == 0 or len(chain_of(model.network) or ()) < 3:  # one hidden layer adds up, and no more
        return False
    worst = np.array([[error.at[name] for name in problem.names]])
    ways = np.random.default_rng(0).integers(-1, 2, (NUDGED, worst.shape[1]))
    nudged = np.clip(worst + ways * np.spacing(np.abs(worst)), problem.domain.low, problem.domain.high)
    return bool(np.ptp(evaluate(model, np.concatenate([worst, nudged])), axis=0).max() > ROUNDED * error.max)


def _near(error: float, model: Scaled, output_norm: float | None, tol: float | None, problem: Problem) -> bool:
    """Whether rounding decides if an error is within the tolerance, so that it must be that of `predict` itself.

    Candidates in float64 are measured without compiling them, in another order of evaluation.
    """
    if not problem.exact or tol is None or output_norm is None or model.dtype != ops.float64:
        return False
    rounding = ROUNDINGS * ROUNDOFF["float64"] * (1.0 + output_norm) * model.value_unit(problem)
    return tol - rounding <= error <= tol


def best_of(candidates: list[Candidate], size: float, cautious: bool = False) -> Candidate | None:
    """The best candidate: by its score; of a known function by rmse where no largest error is small, as at a jump.

    Where only points at jumps are missed, by half of a jump, another network without such units is no better for being
    off by less at the points of a jump that happened to be measured.

    cautious: of measured data see `_of_measured_data`.
    """
    candidates = [c for c in candidates if not c.provisional] or candidates[-1:]
    if not candidates:
        return None
    if candidates[0].residuals is None:
        least = min(c.score for c in candidates)
        if least > JUMP * size:
            return min(candidates, key=lambda c: c.error.rmse)
        sharp = [c for c in candidates if c.only_at_jumps and c.score <= FAINTER * least]
        return min(sharp, key=lambda c: c.error.rmse) if sharp else min(candidates, key=lambda c: c.score)
    if not cautious:
        return min(candidates, key=lambda c: c.score)
    return _of_measured_data(candidates)


def _of_measured_data(candidates: list[Candidate]) -> Candidate:
    """The candidate with the smallest score, but a simpler one that is nearly as good; Adam's only if surely better.

    A polynomial has few coefficients, so that its score is the least a matter of luck, and it goes on where rows end.
    Adam is judged by the validation rows alone, of which few tell little.

    Where a teacher finds no noise, a polynomial or a sum has no such advantage: it misses what it cannot follow, and of
    few rows its score is small by luck as often as for a reason. Then it must be clearly better than what was taught.
    Of noisy rows, too, few may let a process follow all of them. Where nobody spread the rows over their box, as those
    of a simulator are, a line, which has the least to learn, must be better, and need not be so clearly.
    """
    for c in candidates:
        if c.details.get("hedge"):
            return c  # the last that a strategy proposes, where the best is not surely better than a line
    clean = [c for c in candidates if c.taught is not None and c.taught.teacher.without_noise]
    if clean:
        least = min(c.score for c in clean)
        designed = fills_its_box(clean[0].problem.domain.scale(clean[0].problem.train[0]))
        candidates = [c for c in candidates if c.score < _enough(c, designed) * least]
    simple = [c for c in candidates if c.details["solver"] == "polynomial" and not stacked(c)]
    others = [c for c in candidates if c.details["solver"] not in ("polynomial", "adam") or stacked(c)]
    best = min(others or simple or candidates, key=lambda c: c.score)
    if stacked(best):
        simple = []  # it was proposed for being better than the one of these that is chosen without it
    for c in others if best.details["solver"] not in LARGE and not stacked(best) else ():
        if c.stage.code == "stage-mean" and c.score <= SIMPLER * best.score:
            best = c  # of which it is one: what makes one better than their mean is luck
    least, passed = best.score, set[str]()
    for kind, times in LARGE.items():
        passed.add(kind)
        if best.details["solver"] == kind:
            smaller = [c for c in others if c.details["solver"] not in passed and not searched(c)]
            smaller = [c for c in smaller if c.score <= times * least]
            best = min(smaller, key=lambda c: c.score, default=best)
    tables = [c for c in candidates if c.details["solver"] in LARGE]
    if tables and searched(best) and best.validated >= ENOUGH_ROWS:
        rival, n = min(tables, key=lambda c: c.score), best.validated
        one, other = best.residuals, rival.residuals  # the validation rows, which came first, may have ended its search
        if one is not None and other is not None and not surely_less(one[:n] ** 2, other[:n] ** 2):
            best = rival
    for c in sorted(simple, key=lambda c: c.model.network.num_parameters(), reverse=True):
        best = c if c.score <= SIMPLER * best.score else best
    for c in candidates:
        told = max(len(c.residuals) if c.residuals is not None else 0, c.validated) >= ENOUGH_ROWS
        if c.details["solver"] == "adam" and c is not best and told and surely_better(c, best):
            best = c
    return best


def _enough(c: Candidate, designed: bool) -> float:
    """Times the score of what learned from a teacher that found no noise, below which a candidate stays."""
    if c.details["solver"] not in SUMS or stacked(c):
        return math.inf
    line = len(list(c.model.network.parameters())) == 2  # with or without the choice of its inputs
    return 1.0 if line and not designed else CLEARLY


def searched(c: Candidate) -> bool:
    """Whether the rows that are left out have moved the hidden units of a network, so that they tell too little."""
    return (c.details["solver"] == "varpro" and c.taught is None) or c.stage.code == "stage-mean"


def stacked(c: Candidate) -> bool:
    """Whether it is a mean of models none of which is large, which a strategy proposes where that is better."""
    return bool(c.details.get("stacked"))


def surely_better(one: Candidate, other: Candidate) -> bool:
    """Whether one candidate of measured data is better than another by more than luck can be.

    Rows by which both are judged are compared; where one knows of the validation rows only, these.
    """
    a, b = one.residuals, other.residuals
    assert a is not None
    assert b is not None
    n = len(a) if len(a) == len(b) else one.validated or min(len(a), len(b))
    return surely_less(a[:n], b[:n])


__all__ = ["Candidate", "best_of", "error_told", "scored", "searched", "surely_better"]
