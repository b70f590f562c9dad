"""What an attempt costs, in floating-point operations: from sizes alone, so that no choice depends on the clock."""

from __future__ import annotations

from surefit import nn
from surefit.attempts.features import FEWEST
from surefit.models.chain import output_layer
from surefit.problems.points import equations, fewer_rows, rows_of
from surefit.problems.problem import Problem


def of_solve(rows: int, units: int) -> float:
    """One least-squares solve for an output layer: a QR decomposition."""
    return 4.0 * rows * units**2


def of_iteration(rows: int, outputs: int, parameters: int) -> float:
    """One iteration of Levenberg-Marquardt or variable projection: the Jacobian and its QR decomposition."""
    return 2.0 * rows * outputs * parameters**2


def of_search(network: nn.Module, problem: Problem, thin: bool = True) -> float:
    """One iteration of a search of this network: of all weights, or by projection of those before the last layer."""
    if thin and problem.exact:
        problem = fewer_rows(problem, max(FEWEST, rows_of(problem) * network.num_parameters()))
    last = output_layer(network)
    body = network.num_parameters() - (0 if last is None else last.num_parameters())
    return of_iteration(equations(problem), len(problem.outputs), body)


def most_rows(flops: float, outputs: int, parameters: int) -> int:
    """Rows with which an iteration costs so much."""
    return int(flops / (2.0 * outputs * parameters**2))


__all__ = ["most_rows", "of_iteration", "of_search", "of_solve"]
