"""Inputs that matter: which of many a target depends on, and attempts on these alone.

Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993): inputs join one by one, each time the one with
which the residuals fall most, and cross-validation, in which every fold chooses for itself, says how many help. An
input joins with its value alone, or with its value, square and cube, so that a target is seen that bends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.methods import Polynomial
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.polynomial import network_for, polynomial
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.models.inference import evaluate
from surefit.models.scaled import scaled
from surefit.models.spec import network_of
from surefit.problems.points import some_rows, with_rows
from surefit.problems.problem import Problem
from surefit.problems.scaling import Scaling
from surefit.sentences import say
from surefit.solvers.features import triangle

FOLDS = 10
MOST = 20  # inputs that may join
POWERS = (1, 3)  # with its value; with value, square and cube
BOUND = 2.0  # deviations, that inputs are bent to before they are raised to a power
TRIANGULAR = 4  # columns for each input that may join, up to which their triangle is sooner found than it saves
EXACT = 1e-12  # share of the variance below which nothing is left to explain


@dataclass(frozen=True)
class Selected:
    """Inputs that matter, in the order in which they joined. residuals (n, k): of each row by the folds without it.

    fold (n,): which one a row is in. without: the inputs that as many as `inputs` would have been without each fold.
    """

    inputs: tuple[int, ...]
    powers: int
    residuals: np.ndarray
    fold: np.ndarray
    without: tuple[tuple[int, ...], ...]

    @property
    def score(self) -> float:
        """The mean square of the residuals."""
        return float(np.mean(self.residuals**2))

    def details(self) -> dict[str, Any]:
        """It as details of an outcome."""
        return {"matter": list(self.inputs), "fold": self.fold, "without": [list(inputs) for inputs in self.without]}


def selected(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, generator: np.random.Generator
) -> list[Selected]:
    """For each of `POWERS` the inputs of x (n, d), scaled, on which y (n, k) depends; (n,) weights of the rows."""
    n, d = x.shape
    root = np.ones(n) if weights is None else np.sqrt(weights * (n / weights.sum()))
    fold = generator.permutation(n) % min(FOLDS, n)
    found = []
    for powers in POWERS:
        most = min(MOST, d, (n - n // min(FOLDS, n) - 1) // (2 * powers))
        if most < 1:
            continue
        terms = _terms(x, powers)
        left = np.empty((most + 1, *y.shape))  # residuals of rows that had no part in choosing, by number of inputs
        paths = []
        for k in range(fold.max() + 1):
            inside, outside = fold != k, fold == k
            path, missed = _path(terms[inside], y[inside], root[inside], most, (terms[outside], y[outside]))
            left[:, outside] = missed
            paths.append(path)
        squares = np.mean((root[:, None] * left) ** 2, axis=2)  # (most + 1, n)
        means = squares.mean(axis=1)
        best = int(np.argmin(means))
        excess = squares - squares[best]  # at the same rows, so that what they share does not blur the comparison
        luck = excess.std(axis=1) / np.sqrt(n)
        enough = means - means[best] <= np.maximum(luck, EXACT * means[0])
        number = max(1, int(np.argmax(enough)))
        chosen = _path(terms, y, root, number, None)[0]
        without = tuple(tuple(path[:number]) for path in paths)
        found.append(Selected(tuple(chosen), powers, left[number], fold, without))
    return found


def _terms(x: np.ndarray, powers: int) -> np.ndarray:
    """Columns (n, d) -> what each stands for, (n, d, powers), each term with mean 0 and deviation 1."""
    bounded = x if powers == 1 else x / np.sqrt(1.0 + (x / BOUND) ** 2)  # or the cubes of outliers would decide
    terms = np.stack([bounded**p for p in range(1, powers + 1)], axis=2)
    terms = terms - terms.mean(axis=0)
    size = terms.std(axis=0)
    return terms / np.where(size > 0, size, 1.0)


def _path(
    terms: np.ndarray, y: np.ndarray, root: np.ndarray, most: int, others: tuple[np.ndarray, np.ndarray] | None
) -> tuple[list[int], np.ndarray]:
    """The inputs in the order in which they join; residuals (most + 1, m, k) of other rows after each."""
    n, d, powers = terms.shape
    a = terms.reshape(n, -1)
    share = root**2 / np.sum(root**2)
    centre, level = share @ a, share @ y
    whole = np.concatenate([(a - centre) * root[:, None], (y - level) * root[:, None]], axis=1)
    if n > 2 * whole.shape[1] and whole.shape[1] <= TRIANGULAR * most:
        whole, n = triangle(whole), whole.shape[1]  # lengths and angles of columns are all that counts
    rows, target = whole[:, : a.shape[1]], whole[:, a.shape[1] :]
    rest = rows.copy()  # of each term what those that joined do not explain
    far = np.maximum(np.einsum("ij,ij->j", rest, rest), np.finfo(np.float64).tiny)
    chosen: list[int] = []
    residual = target
    m = 0 if others is None else len(others[1])
    out = np.empty((most + 1, m, y.shape[1]))
    if others is not None:
        out[0] = level - others[1]
    for number in range(1, most + 1):
        groups = rest.reshape(n, d, powers)
        cross = np.einsum("ndp,nk->dpk", groups, residual)
        gram = np.einsum("ndp,ndq->dpq", groups, groups)
        floor = 1e-8 * far.reshape(d, powers)
        gram[:, range(powers), range(powers)] += floor
        gain = np.einsum("dpk,dpk->d", cross, np.linalg.solve(gram, cross))
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        for p in range(powers):  # Gram and Schmidt, so that what is explained is explained once
            column = rest[:, chosen[-1] * powers + p].copy()
            size = float(column @ column)
            if size <= 1e-10 * far[chosen[-1] * powers + p]:
                continue
            column /= np.sqrt(size)
            rest -= np.outer(column, column @ rest)
            residual = residual - np.outer(column, column @ residual)
        if others is not None:
            columns = [c * powers + p for c in chosen for p in range(powers)]
            solved = np.linalg.lstsq(rows[:, columns], target, rcond=1e-12)[0]
            there = others[0].reshape(m, -1)[:, columns] - centre[columns]
            out[number] = there @ solved + level - others[1]
    return chosen, out


def restricted(problem: Problem, inputs: Sequence[int]) -> Problem:
    """A problem with these of its inputs; a known function has its others at the centre of the box."""
    columns = list(inputs)

    def part(points: tuple[np.ndarray, np.ndarray] | None) -> tuple[np.ndarray, np.ndarray] | None:
        return None if points is None else (points[0][:, columns], points[1])

    whole, centre = problem.function, (problem.domain.low + problem.domain.high) / 2

    def at_centre(points: np.ndarray) -> np.ndarray:
        assert whole is not None
        every = np.tile(centre, (len(points), 1))
        every[:, columns] = points
        return whole(every)

    function = None if whole is None else at_centre
    names = tuple(problem.names[i] for i in columns)
    x, y = problem.train
    return replace(
        problem, names=names, domain=problem.domain.select(names), train=(x[:, columns], y),
        validation=part(problem.validation), test=part(problem.test), function=function,
    )  # fmt: skip


def widened(network: nn.MLP, inputs: Sequence[int], count: int) -> nn.MLP:
    """A network of these inputs as one of all `count`: it gives the others no weight."""
    settings = network.settings()
    assert settings is not None
    state = network.state_dict()
    first = next(iter(state))  # the weights of the first layer, (units, inputs)
    weight = state[first].detach().numpy()
    wide = np.zeros((len(weight), count), weight.dtype)
    wide[:, list(inputs)] = weight
    whole = nn.MLP(**(settings | {"n_in": count, "dtype": weight.dtype, "generator": 0}))
    whole.load_state_dict({**state, first: wide})
    return whole


def on_inputs(attempt: Attempt, perform: Callable[..., Outcome | None], within: Within) -> Outcome | None:
    """Perform an attempt whose network has some inputs of a problem; what comes of it has all."""
    inputs, problem = attempt.inputs, attempt.problem
    assert inputs is not None
    columns = list(inputs)
    outcome = perform(
        replace(attempt, problem=restricted(problem, inputs), inputs=None),
        lambda predict: within(lambda x: predict(x[:, columns])),
    )
    if outcome is None:
        return None
    assert isinstance(outcome.network, nn.MLP)
    stage = say("stage-inputs", stage=outcome.stage, inputs=len(inputs), of=len(problem.names))
    left_out = outcome.left_out
    if attempt.chosen is not None and left_out is not None:
        left_out = _chosen_again(attempt, *attempt.chosen, left_out, perform)
    return replace(
        outcome, network=widened(outcome.network, inputs, len(problem.names)), problem=problem, stage=stage,
        details=outcome.details | {"inputs": columns}, left_out=left_out,
    )  # fmt: skip


def _chosen_again(
    attempt: Attempt, fold: np.ndarray, without: Sequence[Sequence[int]], left_out: np.ndarray,
    perform: Callable[..., Outcome | None],
) -> np.ndarray:  # fmt: skip
    """What rows are missed by, (n, k), where the inputs are those that would have been chosen without them.

    Inputs that all rows have chosen among many suit these rows better than new ones (Ambroise and McLachlan 2002,
    Selection bias in gene extraction). Where a fold would have chosen the same ones, nothing is changed.
    """
    assert attempt.inputs is not None
    problem, found = attempt.problem, left_out.copy()
    unit = Scaling.of(problem)
    for k, inputs in enumerate(without):
        rows = fold == k
        if set(inputs) == set(attempt.inputs):
            continue
        part = restricted(with_rows(problem, np.flatnonzero(~rows)), inputs)
        network = copy.deepcopy(attempt.network)  # of as many inputs
        again = replace(attempt, problem=part, network=network, inputs=None, chosen=None)
        other = perform(again, lambda _: False, Progress())  # nobody is told of it
        if other is None:
            return left_out
        model = scaled(other.network, part, True, ops.float64)
        x, y = problem.train
        found[rows] = unit.errors(evaluate(model, x[rows][:, list(inputs)]), y[rows])
    return found


def sparse(attempt: Attempt, method: Polynomial, progress: Progress) -> Outcome | None:
    """The linear function of the inputs that matter.

    Of its details "inputs" are its own, and "matter" those for other networks: a target that bends may have others;
    "fold" and "without" say which these would have been without each fold.
    """
    if not attempt.problem.exact:  # of very many rows a part is enough
        rows = enough_rows(len(attempt.problem.names))
        attempt = replace(attempt, problem=some_rows(attempt.problem, rows, attempt.seed))
    problem = attempt.problem
    x, y = scaled(attempt.network, problem, True, ops.float64).rows(problem.train)
    found = selected(x, y, problem.weights, np.random.default_rng([attempt.seed, 9]))
    if not found:  # too few rows to choose by
        return polynomial(attempt, method, progress)
    linear, matter = found[0], min(found, key=lambda s: s.score)
    part = restricted(problem, linear.inputs)
    network = network_of(network_for(1, len(linear.inputs)), part, np.random.default_rng(0), ops.float64)
    small = replace(attempt, network=network, inputs=linear.inputs)
    outcome = on_inputs(small, lambda a, _: polynomial(a, method, progress), lambda _: False)
    if outcome is None:
        return None
    stage = say("stage-sparse", inputs=len(linear.inputs), of=len(problem.names))
    left_out = None if problem.exact else linear.residuals
    return replace(outcome, stage=stage, left_out=left_out, details=outcome.details | matter.details())


__all__ = ["Selected", "on_inputs", "restricted", "selected", "sparse", "widened"]
