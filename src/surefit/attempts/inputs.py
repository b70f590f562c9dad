"""Inputs that matter: which of many a target depends on, and attempts on these alone.

Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993): inputs join one by one, each time the one with
which the residuals fall most, and cross-validation, in which every fold chooses for itself, says how many help. An
input joins with its value alone, or with its value, square and cube, so that a target is seen that bends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.methods import Polynomial
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.polynomial import network_for, polynomial
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.models.scaled import scaled
from surefit.models.spec import network_of
from surefit.problems.points import some_rows
from surefit.problems.problem import Problem
from surefit.sentences import say

FOLDS = 10
MOST = 20  # inputs that may join
POWERS = (1, 3)  # with its value; with value, square and cube
BOUND = 2.0  # deviations, that inputs are bent to before they are raised to a power
EXACT = 1e-12  # share of the variance below which nothing is left to explain


@dataclass(frozen=True)
class Selected:
    """Inputs that matter, in the order in which they joined. residuals (n, k): of each row by the folds without it."""

    inputs: tuple[int, ...]
    powers: int
    residuals: np.ndarray

    @property
    def score(self) -> float:
        """The mean square of the residuals."""
        return float(np.mean(self.residuals**2))


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
        for k in range(fold.max() + 1):
            inside, outside = fold != k, fold == k
            left[:, outside] = _path(terms[inside], y[inside], root[inside], most, (terms[outside], y[outside]))[1]
        squares = np.mean((root[:, None] * left) ** 2, axis=2)  # (most + 1, n)
        means = squares.mean(axis=1)
        best = int(np.argmin(means))
        excess = squares - squares[best]  # at the same rows, so that what they share does not blur the comparison
        luck = excess.std(axis=1) / np.sqrt(n)
        enough = means - means[best] <= np.maximum(luck, EXACT * means[0])
        number = max(1, int(np.argmax(enough)))
        chosen = _path(terms, y, root, number, None)[0]
        found.append(Selected(tuple(chosen), powers, left[number]))
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
    rest = (a - centre) * root[:, None]  # of each term what those that joined do not explain
    target = (y - level) * root[:, None]
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
            solved = np.linalg.lstsq((a[:, columns] - centre[columns]) * root[:, None], target, rcond=1e-12)[0]
            there = others[0].reshape(m, -1)[:, columns] - centre[columns]
            out[number] = there @ solved + level - others[1]
    return chosen, out


def restricted(problem: Problem, inputs: Sequence[int]) -> Problem:
    """Measured data with these of their inputs."""
    columns = list(inputs)

    def part(points: tuple[np.ndarray, np.ndarray] | None) -> tuple[np.ndarray, np.ndarray] | None:
        return None if points is None else (points[0][:, columns], points[1])

    names = tuple(problem.names[i] for i in columns)
    x, y = problem.train
    return replace(
        problem, names=names, domain=problem.domain.select(names), train=(x[:, columns], y),
        validation=part(problem.validation), test=part(problem.test), function=None,
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


def on_inputs(attempt: Attempt, perform: Callable[[Attempt, Within], Outcome | None], within: Within) -> Outcome | None:
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
    return replace(
        outcome, network=widened(outcome.network, inputs, len(problem.names)), problem=problem, stage=stage,
        details=outcome.details | {"inputs": columns},
    )  # fmt: skip


def sparse(attempt: Attempt, method: Polynomial, progress: Progress) -> Outcome | None:
    """The linear function of the inputs that matter.

    Of its details "inputs" are its own, and "matter" those for other networks: a target that bends may have others.
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
    return replace(outcome, stage=stage, left_out=left_out, details=outcome.details | {"matter": list(matter.inputs)})


__all__ = ["Selected", "on_inputs", "restricted", "selected", "sparse", "widened"]
