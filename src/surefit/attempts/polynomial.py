"""Polynomials: the linear or quadratic function of the inputs that fits best, as a network.

A linear function is a network without hidden units. A quadratic one is a network with one hidden layer of squares:
x_i x_j = ((x_i + x_j)^2 - x_i^2 - x_j^2) / 2 and x_i = ((x_i + 1)^2 - x_i^2 - 1) / 2. The coefficients are found by one
ridge regression on the monomials; the ridge is that of the smallest leave-one-out error.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.features import missed_alone, ridges_of
from surefit.attempts.methods import Polynomial
from surefit.attempts.output_layer import ROUNDOFF, enough_rows
from surefit.attempts.progress import Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.scaled import scaled
from surefit.models.spec import MLPSpec
from surefit.problems.points import some_rows
from surefit.sentences import say
from surefit.solvers.features import RIDGES, solve_output

FINE = tuple(sorted({*RIDGES, *(10.0 ** (e / 3) for e in range(-12, 7))}))  # of few columns a factor of 10 is felt


def network_for(degree: int, inputs: int) -> MLPSpec:
    """The network that a polynomial of this degree is."""
    return MLPSpec(()) if degree == 1 else MLPSpec((2 * inputs + inputs * (inputs - 1) // 2,), "square")


def columns_of(degree: int, inputs: int) -> int:
    """How many `monomials` there are."""
    return inputs if degree == 1 else inputs * (inputs + 3) // 2


def monomials(x: np.ndarray, degree: int) -> np.ndarray:
    """x (n, d) -> its columns; of degree 2 then their squares, then the products of each two."""
    if degree == 1:
        return x
    pairs = list(combinations(range(x.shape[1]), 2))
    products = [x[:, i] * x[:, j] for i, j in pairs]
    return np.column_stack([x, x**2, *products])


def as_squares(c: np.ndarray, constant: np.ndarray, inputs: int) -> tuple[np.ndarray, ...]:
    """A quadratic of `monomials` with coefficients c (m, k) as squares of linear functions.

    Hidden weights (h, d) and biases (h,), output weights (h, k) and constant (k,): first the inputs, then the inputs
    plus 1, then the sums of each two.
    """
    d, pairs = inputs, list(combinations(range(inputs), 2))
    linear, square, product = c[:d], c[d : 2 * d].copy(), c[2 * d :] / 2
    weight = np.zeros((2 * d + len(pairs), d))
    weight[:d] = weight[d : 2 * d] = np.eye(d)
    for place, (i, j) in enumerate(pairs):
        weight[2 * d + place, [i, j]] = 1.0
        square[[i, j]] -= product[place]
    bias = np.r_[np.zeros(d), np.ones(d), np.zeros(len(pairs))]
    output = np.concatenate([square - linear / 2, linear / 2, product])
    return weight, bias, output, constant - linear.sum(axis=0) / 2


def _told(c: np.ndarray, phi: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients c (m, k) of columns phi (n, m), without those that change y (n, k) by less than its own rounding.

    They are the rounding of values, which where the network runs is added again with each of them.
    """
    least = np.finfo(float).eps * np.abs(y).max(axis=0)
    return np.where(np.abs(c) * np.abs(phi).max(axis=0)[:, None] <= least, 0.0, c)


def polynomial(attempt: Attempt, method: Polynomial, progress: Progress) -> Outcome | None:
    """Find the coefficients, and give them to the network."""
    network, problem = attempt.network, attempt.problem
    if not problem.exact:
        problem = some_rows(problem, enough_rows(columns_of(method.degree, len(problem.names))), attempt.seed)
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    stage = say("stage-linear" if method.degree == 1 else "stage-quadratic")
    if progress.started(1, 1, network.num_parameters()):
        return None
    phi = monomials(x, method.degree)
    ridges = ridges_of(method.ridge, problem.exact)
    ridges = FINE if ridges is RIDGES else ridges
    solved = solve_output(phi, y, weights=problem.weights, roundoff=ROUNDOFF[str(attempt.dtype)], ridges=ridges)
    progress.evaluations += 1
    rows = Residuals(network, x, y, problem.weights)
    coefficients = _told(solved.weights, phi, y) if problem.exact else solved.weights
    parts: tuple[np.ndarray, ...] = (coefficients.T, solved.constant)
    if method.degree == 2:
        weight, bias, output, constant = as_squares(coefficients, solved.constant, x.shape[1])
        parts = (weight, bias, output.T, constant)
    rows.assign(np.concatenate([part.reshape(-1) for part in parts]))
    progress.iteration(1, 1, float(np.mean(solved.residuals**2)), None, True, stage=stage)
    left_out = None
    if not problem.exact:
        left_out = missed_alone(solved, lambda: phi, y, problem.weights)
    details = {"solver": "polynomial", "ridge": solved.ridge, "output_norm": solved.norm}
    return Outcome(
        network=network, problem=problem, stage=stage, reason=say("solver-solved"), row=len(progress.history),
        details=details, left_out=left_out,
    )  # fmt: skip


__all__ = ["as_squares", "monomials", "network_for", "polynomial"]
