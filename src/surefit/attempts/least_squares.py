"""Variable projection, Levenberg-Marquardt and L-BFGS on the residuals of a network at the points of a problem."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.features import FEWEST
from surefit.attempts.methods import LBFGS, LM, VarPro
from surefit.attempts.output_layer import ROUNDOFF, deploy
from surefit.attempts.progress import Losses, Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.chain import is_hidden_layer, size_words
from surefit.models.inference import predictor
from surefit.models.scaled import scaled
from surefit.problems.points import fewer_rows, gradient_weight, rows_of
from surefit.sentences import say
from surefit.solvers.left_out import left_out, leverages

PATIENT = 30  # iterations of L-BFGS without a lower validation error
# Damping of Levenberg-Marquardt on networks: milder factors than MATLAB's 10 and 0.1 went further in as many iterations
# on two hidden layers of 10 and 20 units, and a trust region took twice as long for less.
MU: dict[str, float] = {"mu": 1e-2, "mu_inc": 4.0, "mu_dec": 0.2, "min_grad": 1e-14}
RANKED = 100  # weights up to which it is said how many of them the residuals determine
MOST_LEFT_OUT = 2**24  # numbers in a Jacobian from which leave-one-out residuals are computed


def search(attempt: Attempt, method: VarPro | LM | LBFGS, progress: Progress, within: Within) -> Outcome | None:
    """Search the weights of a network from where they are, for values and, if they are given, gradients."""
    network, problem = attempt.network, attempt.problem
    if attempt.thin and problem.exact and not isinstance(method, LBFGS):
        problem = fewer_rows(problem, max(FEWEST, rows_of(problem) * network.num_parameters()))
    at_work = _Search(replace(attempt, problem=problem), method, progress, within)
    if progress.started(method.iterations, 1, network.num_parameters()):
        return None
    return at_work.run()


class _Search:
    """A network at its rows, what a solver asks of it, and what is told of that."""

    def __init__(self, attempt: Attempt, method: VarPro | LM | LBFGS, progress: Progress, within: Within) -> None:
        self.attempt, self.method, self.progress, self.within = attempt, method, progress, within
        network, problem = attempt.network, attempt.problem
        self.model = scaled(network, problem, True, ops.float64)
        x, y = self.model.rows(problem.train)
        gradients = problem.gradients
        gradients = None if gradients is None else self.model.gradients(gradients, problem.train)
        self.rows = Residuals(
            network, x, y, problem.weights, gradients, gradient_weight(problem), jacobians=method.iterations
        )
        self.validation = None if problem.exact or problem.validation is None else self.model.rows(problem.validation)
        self.scale = self.model.value_unit(problem)
        self.stage = say("stage-solver", method=method.name, size=size_words(network), note=attempt.note)
        patience = PATIENT if isinstance(method, LBFGS) and self.validation is not None else None
        check = self.good_enough if problem.exact and not isinstance(method, VarPro) else None  # its score knows
        self.losses = Losses(progress, self.stage, method.iterations, y.size, patience=patience, check=check)
        self.common: dict[str, Any] = dict(
            max_iterations=method.iterations, max_evaluations=progress.evaluations_left(),
            time=progress.left(attempt.share), callback=self.losses, keeper=self.losses,
        )  # fmt: skip

    def run(self) -> Outcome | None:
        """Solve; the network has the best weights afterwards."""
        solver = {VarPro: self.projected, LM: self.marquardt, LBFGS: self.quasi_newton}[type(self.method)]
        start = self.rows.theta
        result, losses = self.losses.solve(lambda: solver(start)), self.losses
        details: dict[str, Any] = {"solver": self.method.name, "output_norm": None}
        if result is None:
            if losses.latest is None:
                return None
            reason, found = say("interrupted"), losses.latest
            theta = self.with_output(found) if isinstance(self.method, VarPro) else found
        else:
            self.progress.evaluations += result.evaluations
            reason, found = result.reason, result.x
            if isinstance(self.method, VarPro):
                self.rows.assign_body(found)
                self.rows.assign_output(result.output[:-1], result.output[-1])
                theta, details["output_norm"] = self.rows.theta, result.norm
            elif isinstance(self.method, LBFGS) and self.validation is not None and losses.latest is not None:
                theta = found = losses.latest
                reason = say("solver-validation") if losses.exhausted else reason
            else:
                theta = found
            if losses.reached:
                reason = say("solver-tolerance")
        self.rows.assign(theta)
        problem = self.attempt.problem
        left_out = None if problem.exact or problem.gradients is not None else self.left_out(theta)
        return Outcome(
            network=self.attempt.network, problem=problem, stage=self.stage, reason=reason, row=losses.row(found),
            details=details, left_out=left_out,
        )  # fmt: skip

    # --- what is asked while it goes on ---

    def good_enough(self, theta: np.ndarray, rms: float) -> bool:
        """A look at the error itself, once the mean is small enough for it to be worth the while."""
        goal, rows = self.attempt.goal, self.rows
        if goal is None or (rows.gradients is None and rms * self.scale > goal):  # with gradients, it tells no values
            return False
        rows.assign(theta)
        if float(np.abs(rows.outputs() - rows.y).max()) * self.scale > goal:
            return False
        return self.within(predictor(deploy(self.attempt.network, self.attempt.problem, self.attempt.dtype)))

    def validate(self, outputs: np.ndarray) -> float:
        """The mean squared error of these outputs at the validation rows, which the iteration to come is told with."""
        assert self.validation is not None
        square = ((outputs - self.validation[1]) ** 2).mean(axis=1)
        self.losses.validation = float(np.average(square, weights=self.attempt.problem.validation_weights))
        return self.losses.validation

    def validate_theta(self, theta: np.ndarray) -> float:
        """The same of these weights."""
        assert self.validation is not None
        self.rows.assign(theta)
        return self.validate(self.rows.outputs(self.validation[0]))

    # --- the solvers ---

    def projected(self, start: np.ndarray) -> Any:
        """Variable projection on all layers but the last."""
        from surefit.solvers.variable_projection import varpro

        rows, method, validation = self.rows, self.method, self.validation
        assert isinstance(method, VarPro)
        goal, exact = self.attempt.goal, self.attempt.problem.exact
        return varpro(
            rows.equations, rows.body_jacobian, start[: rows.body_size], rows.targets,
            ridge=self.output_ridge,
            roundoff=max(self.attempt.calm, ROUNDOFF[str(self.attempt.dtype)]), keep="score" if exact else "cost",
            goal=None if goal is None else 0.5 * goal / self.scale,
            ftol=1e-3 if is_hidden_layer(self.attempt.network) else 1e-6,
            validate=None if validation is None else lambda t, c: self.validate(rows.features(t, validation[0]) @ c),
            **self.common,
        )  # fmt: skip

    def with_output(self, body: np.ndarray) -> np.ndarray:
        """All weights, those of the last layer solved for."""
        c = np.linalg.lstsq(self.rows.equations(body), self.rows.targets, rcond=1e-14)[0]
        self.rows.assign_output(c[:-1], c[-1])
        return self.rows.theta

    def marquardt(self, start: np.ndarray) -> Any:
        """Levenberg-Marquardt on all weights; a ridge is further residuals, the weights themselves."""
        from surefit.solvers import Marquardt, levenberg_marquardt

        rows, root = self.rows, math.sqrt(self.weight_ridge * self.rows.y.size)

        def residuals(theta: np.ndarray) -> np.ndarray:
            r = rows.residuals(theta)
            return r if root == 0.0 else np.concatenate([r, root * theta])

        def jacobian(theta: np.ndarray) -> np.ndarray:
            j = rows.jacobian(theta)
            return j if root == 0.0 else np.concatenate([j, root * np.eye(len(theta))])

        return levenberg_marquardt(
            residuals, start, jacobian, damping=Marquardt(**MU), ftol=1e-7, xtol=1e-14, gtol=1e-15,
            validate=None if self.validation is None else self.validate_theta, rank=len(start) <= RANKED,
            **self.common,
        )  # fmt: skip

    @property
    def output_ridge(self) -> float:
        """Of variable projection, on the weights of the output layer; see `varpro`."""
        assert isinstance(self.method, VarPro)
        open_one = max(self.attempt.ridge, self.attempt.calm**2)
        return open_one if self.method.ridge == "auto" else float(self.method.ridge or 0.0)

    @property
    def weight_ridge(self) -> float:
        """Of all weights, which Levenberg-Marquardt takes."""
        ridge = self.method.ridge if isinstance(self.method, LM) else None
        return 0.0 if ridge in (None, "auto") else float(ridge)

    def quasi_newton(self, start: np.ndarray) -> Any:
        """L-BFGS on the sum of squares; of measured data the validation error decides which iteration is kept."""
        from surefit.solvers import lbfgs

        losses = self.losses

        def validated(theta: np.ndarray, now: Any) -> bool:
            self.validate_theta(theta)
            return losses(theta, now)

        assert isinstance(self.method, LBFGS)
        common = self.common | ({} if self.validation is None else {"callback": validated})
        return lbfgs(self.rows.value_and_gradient, start, memory=self.method.memory, ftol=1e-12, gtol=1e-14, **common)

    # --- how good it is where it was not fitted ---

    def left_out(self, theta: np.ndarray) -> np.ndarray | None:
        """Residuals (n, k), each when its row is left out, to first order; None where that says nothing.

        See `solvers.left_out`. With as many weights as residuals nothing is left to tell by: then all are infinite.
        None where the Jacobian is too large, and of targets of two values each, such as indicators of classes: units
        become steps there that part all rows, and with them the tangents are 0 whatever a row that is left out does.
        """
        rows = self.rows
        n, k = rows.y.shape
        p = len(theta)
        if n * k * p > MOST_LEFT_OUT or all(_two_valued(column) for column in rows.y.T):
            return None
        if p >= n * k:
            return np.full((n, k), np.inf)
        ridge = np.full(p, self.weight_ridge * rows.y.size)
        if isinstance(self.method, VarPro):  # on the weights of the output layer, in the units of its features
            phi = rows.equations(theta[: rows.body_size])
            ridge[rows.body_size : p - k] = self.output_ridge * float((phi * phi).sum()) / max(1, min(phi.shape))
        return left_out(rows.outputs() - rows.y, leverages(rows.jacobian(theta), ridge).reshape(n, k))


def _two_valued(column: np.ndarray) -> bool:
    return bool(((column == column.min()) | (column == column.max())).all()) and column.min() < column.max()


__all__ = ["search"]
