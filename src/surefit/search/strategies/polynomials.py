"""A sum of few products of polynomials of the inputs, found from few values without noise, as a teacher of networks.

Where a function is smooth, or inputs go together in pairs at most, such a sum often knows it far better than a Gaussian
process does; where it is not, rows that are left out tell that. It is no network: one learns from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefit.attempts.attempt import Outcome
from surefit.attempts.methods import Additive, VarPro
from surefit.attempts.performing import perform
from surefit.data import Domain, sample
from surefit.models.inference import evaluate
from surefit.problems.scaling import Scaling
from surefit.search.distilling import lesson
from surefit.search.judging import Judge, root_mean_square
from surefit.search.limits import CLOSE, LAST_RESERVE, LOOKED_AT, MOST_PARAMETERS
from surefit.search.runner import State, Strategy, run
from surefit.search.strategies.students import calm_for, farness, nearness, students
from surefit.search.teacher import spread_evenly
from surefit.sentences import Sentence, say
from surefit.solvers.sparse_polynomial import EXACT, LEAST_LEFT, SparsePolynomial, products, sparse_polynomial

PARTS, FEW_ROWS_LEFT = 20, 150  # of the rows, each of which is left out once; of more rows half as many
FEWEST_ROWS, MOST_INPUTS = 20, 20  # with fewer rows, and of more inputs, nothing is found in this way
LESS = 0.8  # of what others miss rows left out by: a smaller gain may be luck
FAR_LESS = 0.005  # of that: a network that is as near to the polynomials need not be nearer
LESS_ANYWAY, HARD = 0.3, 3e-5  # of that, too, but not below so many deviations, which small networks seldom reach
FEWEST_UNITS, POLISH = 5, 25  # of each input of a sum of parts, and iterations of the search that follows
CALMER = 10.0  # times as much an output weight costs there: units that see one input cancel each other the more
NO_LOSS = 0.3  # of the square of the error, that products may count together which are left out
OF_GOAL = 0.1  # of the largest error that is good enough, the root mean square one with which polynomials end


@dataclass(frozen=True)
class Polynomials:
    """A sum of products for each output. left_out (k,): their root mean square errors at rows left out, as they say."""

    box: Domain
    parts: tuple[SparsePolynomial, ...]
    middle: np.ndarray
    spread: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        """Root mean square errors at rows left out, (k,), too low where many products were chosen from."""
        return np.sqrt([part.left_out for part in self.parts]) * self.spread

    @property
    def words(self) -> Sentence:
        """What it is."""
        return say("teacher-polynomials", terms=sum(len(part.degrees) for part in self.parts))

    def groups(self, error: np.ndarray) -> tuple[tuple[int, ...], ...]:
        """Inputs that go together in products, each group in no other; without what counts less than errors (k,)."""
        found = {frozenset([i]) for i in range(self.box.dim)}
        for part, size in zip(self.parts, error / self.spread, strict=True):
            order = np.argsort(np.abs(part.coefficients))
            told = np.cumsum(np.square(part.coefficients[order])) > NO_LOSS * size**2
            found |= {frozenset(np.flatnonzero(row).tolist()) for row in part.degrees[order[told]]}
        return tuple(sorted(tuple(sorted(group)) for group in found if not any(group < other for other in found)))

    def emptier(self, x: np.ndarray, points: np.ndarray) -> np.ndarray:
        """By how much more errors are at points (m, d) than those of rows x (n, d) left out, (k,), but not less than 1.

        By the deviations that predictions of these products have from values with errors alike: where rows are few,
        as at the border of a box, the coefficients leave much open.
        """
        found = np.ones(len(self.parts))
        for k, part in enumerate(self.parts):
            q, r = np.linalg.qr(products(self.box.scale(x), part.degrees))
            own, there = (q * q).sum(axis=1), products(self.box.scale(points), part.degrees)
            open_ = np.mean(1.0 + np.square(np.linalg.solve(r.T, there.T)).sum(axis=0))
            found[k] = np.sqrt(open_ / np.mean(1.0 / np.maximum(1.0 - own, LEAST_LEFT)))
        return np.maximum(1.0, found)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values (m, k) at points (m, d)."""
        at = self.box.scale(points)
        return np.column_stack([part(at) for part in self.parts]) * self.spread + self.middle


def polynomials_of(
    box: Domain, x: np.ndarray, y: np.ndarray, most: float = np.inf, goal: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
) -> Polynomials | None:  # fmt: skip
    """Those of values y (n, k) at points x (n, d); None where they miss rows left out by more than `most` deviations.

    goal: the largest error that is good enough. stop: asked now and then whether to end with what there is.
    """
    middle = y.mean(axis=0)
    spread = root_mean_square(y - middle)
    if not (spread > 0).all():
        return None
    u, found = box.scale(x), []
    for column, size in zip(((y - middle) / spread).T, spread, strict=True):
        part = sparse_polynomial(u, column, stop, max(EXACT, (OF_GOAL * goal / size) ** 2))
        if part is None or not part.left_out <= most**2:
            return None
        found.append(part)
    return Polynomials(box, tuple(found), middle, spread)


def learned_from_polynomials(s: State) -> Strategy:
    """A small network that learns from the polynomials of a design without noise, where these miss rows less.

    What tells that are rows left out in parts, of which nothing was known when the products were chosen.
    """
    problem, best = s.problem, s.best
    x, y = problem.train
    box, unit = problem.domain, Scaling.of(problem).y_scale
    plain = problem.weights is None and problem.gradients is None and not problem.log_target
    free = plain and problem.validation is None and problem.function is None
    fits = 2 <= s.dim <= MOST_INPUTS and len(x) >= FEWEST_ROWS
    if best is None or not free or not fits or not spread_evenly(x, box):
        return None

    def size(missed: np.ndarray) -> float:
        return root_mean_square((missed / unit).reshape(-1, 1))[0]

    whole = polynomials_of(box, x, y)
    if whole is None or not size(whole.left_out) < LESS * best.score:
        return None
    parts = PARTS if len(x) <= FEW_ROWS_LEFT else PARTS // 2
    fold = np.random.default_rng([s.seed, 0x90F]).permutation(len(x)) % parts
    left_out = np.empty_like(y)
    for part in range(parts):
        inside = fold != part
        others = polynomials_of(box, x[inside], y[inside])
        if others is None or s.progress.out_of_time():
            return None
        left_out[~inside] = others(x[~inside]) - y[~inside]
    points = sample(box, LOOKED_AT, "latin_hypercube", generator=np.random.default_rng([s.seed, 0xB0C5]))
    left_out *= whole.emptier(x, points)
    if not size(left_out) < LESS * best.score:
        yield say("no-polynomials", teacher=whole.words, error=size(left_out) * best.unit)
        return None
    error = root_mean_square(left_out)
    enough = max(FAR_LESS * best.score, min(LESS_ANYWAY * best.score, HARD))
    aims = np.maximum(CLOSE * error, enough * unit).tolist()
    source = {"kind": "callable", "name": str(whole.words)}
    learned = lesson(whole, problem.names, problem.outputs, box, x, s.seed, MOST_PARAMETERS, source)
    inner = State(learned, s.seed, s.dtype, Judge(learned, s.seed), s.progress)
    reason = run(inner, pupils(inner, whole.groups(error), aims), s.perform or perform)
    if not inner.candidates:
        return None
    found = min(inner.candidates, key=lambda c: farness(c, aims))
    at_rows, apart = (evaluate(found.model, at) - whole(at) for at in (x, points))
    more = root_mean_square(apart) / np.maximum(root_mean_square(at_rows), np.finfo(float).tiny)
    left_out = left_out + np.maximum(1.0, more) * at_rows
    outcome = Outcome(
        network=found.model.network, problem=problem, reason=reason, row=found.row, model=found.model,
        stage=say("stage-student", teacher=whole.words, stage=found.stage),
        details=found.details | {"folds": parts, "ranged": False}, left_out=left_out / found.model.scaling.y_scale,
    )  # fmt: skip
    yield s.attempt(None, found.model.network, problem, made=outcome, named=True)
    return None


def pupils(s: State, groups: tuple[tuple[int, ...], ...], aims: Sequence[float]) -> Strategy:
    """What is tried for a network of few parameters: a sum of parts where it is one, then as for any teacher."""
    weights, k = sum(max(1, len(group) ** 2 - 1) for group in groups), len(s.problem.outputs)
    units = (MOST_PARAMETERS - k) // (s.dim + 1 + k) // weights
    if len(groups) > 1 and units >= FEWEST_UNITS and max(map(len, groups)) <= 2:
        network, calm = s.hidden(units * weights), CALMER * calm_for(nearness(s, aims))
        for method in (Additive(units=units, groups=groups), VarPro(iterations=POLISH)):
            found = yield s.attempt(method, network, s.problem, calm=calm, reserve=LAST_RESERVE)
            if found is not None and farness(found, aims) <= 1.0:
                return say("student-close")
    return (yield from students(s, MOST_PARAMETERS, aims))


__all__ = ["Polynomials", "learned_from_polynomials", "polynomials_of"]
