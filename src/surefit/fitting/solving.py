"""The solvers at work on a problem: one stage after another, each leaves a candidate; the best candidate is the fit.

A stage takes a network in float64, solves for its weights at the training rows in scaled units, and tells of its
iterations as events. A candidate is what a stage left, as it will be deployed: a network whose weights are rounded to
the dtype asked for, with an output layer that was solved for anew after the rounding of the layers before it. A known
function judges a candidate by its largest error at fresh points, measured data by the validation rows.
"""

from __future__ import annotations

import copy
import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.attempts.descent import Callback, Epoch, Finished, Started, _scaled_slopes, _tell
from surefit.attempts.methods import LBFGS, LM, Features, Solver, VarPro
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.core.tensor import Tensor, no_grad
from surefit.data import Noise, Sampling, check_finite, corner_points, face_points, sample
from surefit.errors import ArgumentError
from surefit.models.chain import chain_of, is_hidden_layer, output_layer, size_words
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled, scaled
from surefit.models.spec import MLPSpec, network_of
from surefit.problems.gradients import check_alike
from surefit.problems.problem import ROWS, Points, Problem, first_sampling
from surefit.search.judging import Measured, measure
from surefit.solvers.features import PENALTIES, SCALES, Output, linear_features, solve_output
from surefit.solvers.gradients import gradient_features, solve_gradient_output
from surefit.solvers.variable_projection import varpro

if TYPE_CHECKING:
    from surefit.solvers import Iteration, Result

ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}
PLENTY, FEWEST = 20, 2000  # rows for each unit, and in all, beyond which a solve takes a part of them
MANY = 3  # inputs from which the rows that a network was fitted to say little of the error between them
ROWS_OF_MANY = 20  # rows for each parameter of a network that is searched for, with so many inputs; else ROWS
HELD = 0.25  # rows apart, as a share of these, that judge features of so many inputs
DESCRIBED = ("solver", "units", "steepness", "magnitude")  # of a candidate's details, what the method of a fit tells
ROUNDINGS = 16.0  # of the sum of the absolute output weights: what two orders of evaluation may differ by
PATIENT = 30  # iterations of L-BFGS without a lower validation error
JUMP = 0.1  # largest error over the largest value: at a jump it cannot fall below half of the jump
BLOCK = 8192  # rows evaluated at a time
SURE = 2.0  # standard errors by which a candidate must beat the favourite of measured data
FAR = 10.0  # times as small as the favourite's: such an error is no luck, however few and unlike the rows are
FLOAT32 = 5e-7  # of the largest |target|: below this the rounding of a network in float32 hides what is left
PLACED_ANEW = 400  # units at most, so that it takes a second, not a minute
POLISHED = 400  # parameters of the hidden layer at most, likewise

# Damping of Levenberg-Marquardt on networks: milder factors than MATLAB's 10 and 0.1 went further in as many iterations
# on two hidden layers of 10 and 20 units, and a trust region took twice as long for less.
MU: dict[str, float] = {"mu": 1e-2, "mu_inc": 4.0, "mu_dec": 0.2, "min_grad": 1e-14}

# How much steeper than tanh units must be to bend as sharply; those of relu bend the same at every steepness.
STEEPER = {"Sigmoid": 2.0, "Softplus": 2.0, "SiLU": 2.0, "GELU": 1.5, "Mish": 2.0}
KINKED = ("ReLU", "LeakyReLU")
NOISY_SCALES = (1.0, 0.5, 2.0, 0.25, 4.0)


@dataclass(frozen=True)
class Step(Epoch):
    """An iteration of a solver: an `Epoch` whose learning rate is nan. stage: the solver and its network in words."""

    stage: str = ""


@dataclass
class Candidate:
    """What a stage left. judged: the largest error (a known function) or the validation error; the less the better."""

    model: Scaled
    problem: Problem
    stage: str
    judged: float
    error: Measured
    row: int
    details: dict[str, Any]


@dataclass
class Run:
    """One call of fit with a solver: what was asked, and what has been done so far."""

    problem: Problem
    seed: int
    tol: float | None
    time: float | None
    dtype: np.dtype
    callbacks: Sequence[Callback]
    halted: Callable[[], bool] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    evaluations: int = 0
    stopped: str | None = None
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)
    preferred: Candidate | None = None
    limit: int | None = None  # of evaluations

    def __post_init__(self) -> None:
        self.began = clock.perf_counter()
        plan = self.problem.plan
        self.exact = is_exact(self.problem)
        asked = plan and replace(plan, verify=None)  # which says nothing about the training points
        self.free = self.exact and asked in (Sampling(), first_sampling(self.problem.domain.dim))
        self.points = self.problem.verification(self.seed)
        self.size = max(float(np.abs(self.points[1]).max(initial=0.0)), float(np.abs(self.problem.train[1]).max()))

    # --- budget ---

    @property
    def equations(self) -> int:
        """What the training rows say about an output."""
        return equations(self.problem)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return clock.perf_counter() - self.began

    def left(self, share: float = 1.0) -> float | None:
        """Seconds until this share of the time is used up; None without a limit."""
        return None if self.time is None else max(1e-6, share * self.time - self.seconds)

    def out_of_time(self, share: float = 1.0) -> bool:
        """Whether this share of the time is used up."""
        return self.time is not None and self.seconds >= share * self.time

    def evaluations_left(self) -> int | None:
        """How often the solvers may still compute all residuals; None without a limit."""
        return None if self.limit is None else max(1, self.limit - self.evaluations)

    # --- events ---

    def started(self, iterations: int, parameters: int) -> None:
        """Tell that a stage begins."""
        if _tell(self.callbacks, Started(iterations, 1, parameters)):
            self.stopped = "stopped by a callback"

    def step(
        self, stage: str, number: int, of: int, loss: float, held: float | None, best: bool, lr: float | None = None
    ) -> bool:
        """Write an iteration down and tell of it; whether the run should stop."""
        row = dict(
            epoch=len(self.history) + 1, train_loss=loss, validation_loss=held, lr=lr, seconds=self.seconds, stage=stage
        )
        self.history.append(row)
        rate = math.nan if lr is None else lr
        event = Step(number, of, self.evaluations, loss, held, rate, self.seconds, best, stage)
        if _tell(self.callbacks, event):
            self.stopped = "stopped by a callback"
        elif self.halted is not None and self.halted():
            self.stopped = "stopped from outside; the best network so far is kept"
        return self.stopped is not None

    def finished(self, reason: str) -> None:
        """Tell that all is done."""
        _tell(self.callbacks, Finished(reason, self.seconds))

    # --- data and networks ---

    def drawn(self, rows: int) -> Problem:
        """The problem with so many training points of our choice; as it is when the user chose them.

        Chebyshev's in up to three dimensions, else uniform ones with a fifth more on the faces, and the corners.
        """
        problem, function = self.problem, self.problem.function
        if not self.free or function is None:
            return problem
        box, rng = problem.domain, np.random.default_rng([self.seed, rows])
        if box.dim <= 3:
            x = sample(box, rows, "chebyshev")
        else:
            x = np.concatenate([sample(box, rows, "uniform", generator=rng), face_points(box, rows // 5, rng)])
            x = np.concatenate([x, corner_points(box)])
        x, y, dropped = check_finite(x, function(x), problem.names, drop=bool(self.candidates))  # what is found is kept
        if dropped:
            self.warnings.append(
                f"the target is not finite at {dropped} of {len(x) + dropped} points; they were left out"
            )
        return replace(problem, train=(x, y), dropped=problem.dropped + dropped)

    def held(self, rows: int) -> Points | None:
        """So many further points of a known function, apart from those it is fitted and measured at."""
        function, box = self.problem.function, self.problem.domain
        if not self.free or function is None or box.dim < MANY:
            return None
        x = sample(box, rows, "uniform", generator=np.random.default_rng([self.seed, 0x4E1D]))
        y = function(x)
        good = np.isfinite(y).all(axis=1)
        return x[good], y[good]

    def hidden(self, units: int, activation: str = "tanh") -> nn.Module:
        """A network with one hidden layer, in float64."""
        return self.built(MLPSpec((units,), activation))

    def built(self, model: Any) -> nn.Module:
        """The network of fit's model=, in float64; of a Module a copy."""
        model = copy.deepcopy(model) if isinstance(model, nn.Module) else model
        return network_of(model, self.problem, np.random.default_rng([self.seed, 2]), ops.float64)

    # --- candidates ---

    def candidate(
        self, network: nn.Module, problem: Problem, stage: str, details: dict[str, Any], row: int | None = None
    ) -> Candidate:
        """What this network is worth as it would be deployed. row: of the history that it is from; None: the last."""
        model = deploy(network, problem, self.dtype)
        predict = predictor(model)
        error = self.measured(predict)
        if self.near_tolerance(error.max, model, details.get("magnitude")):
            error = self.measured(values_of(model))
        if self.exact:
            judged = error.max
        else:
            x, y = problem.validation or problem.train
            weights = problem.validation_weights if problem.validation else problem.weights
            square = (((predict(x) - y) / model.y_scale.numpy()) ** 2).mean(axis=1)
            judged = math.sqrt(float(np.average(square, weights=weights)))
        if not math.isfinite(judged):
            judged = math.inf
        found = Candidate(model, problem, stage, judged, error, len(self.history) if row is None else row, details)
        self.candidates.append(found)
        return found

    def near_tolerance(self, error: float, model: Scaled, magnitude: float | None) -> bool:
        """Whether rounding decides if an error is within the tolerance, so that it must be that of `predict` itself.

        Candidates in float64 are measured without compiling them, in another order of evaluation.
        """
        if not self.exact or self.tol is None or magnitude is None or model.dtype != ops.float64:
            return False
        rounding = ROUNDINGS * ROUNDOFF["float64"] * (1.0 + magnitude) * float(model.y_scale.numpy().max())
        return self.tol - rounding <= error <= self.tol

    def measured(self, predict: Callable[[np.ndarray], np.ndarray]) -> Measured:
        """The error at fresh points, corners, faces and uphill from the worst."""
        return measure(predict, self.problem, self.seed, self.points)

    def prefer(self, favourite: Candidate) -> None:
        """Take this candidate for the best, unless another is surely better at the validation rows."""
        best, (x, y) = self.best(), self.problem.validation or self.problem.train
        if best is None or best is favourite:
            return
        scale = favourite.model.y_scale.numpy()
        # of sizes, not of squares, whose mean a few rows would decide
        mine, other = (np.abs((predictor(c.model)(x) - y) / scale).mean(axis=1) for c in (favourite, best))
        weights = self.problem.validation_weights if self.problem.validation else self.problem.weights
        if not surely_less(other, mine, weights):
            self.preferred = favourite

    def best(self) -> Candidate | None:
        """The best candidate so far, by what it is judged by; by rmse where no largest error is small, as at a jump."""
        if self.preferred is not None:
            return self.preferred
        least = min((c.judged for c in self.candidates), default=math.inf)
        if self.exact and least > JUMP * self.size:
            return min(self.candidates, key=lambda c: c.error.rmse, default=None)
        return min(self.candidates, key=lambda c: c.judged, default=None)

    def reached(self) -> bool:
        """Whether the best candidate is within the tolerance; the test rows of measured data decide nothing."""
        best = self.best()
        return self.exact and self.tol is not None and best is not None and best.judged <= self.tol


def surely_less(losses: np.ndarray, others: np.ndarray, weights: np.ndarray | None = None) -> bool:
    """Whether losses at rows (n,) are less than others by more than `SURE` standard errors of their mean difference.

    Of many candidates one is the best at a few rows by luck. That says nothing of a mean `FAR` times as small.
    """
    if FAR * float(np.average(losses, weights=weights)) < float(np.average(others, weights=weights)):
        return True
    gain = others - losses
    mean = float(np.average(gain, weights=weights))
    return mean > SURE * math.sqrt(float(np.average((gain - mean) ** 2, weights=weights)) / len(gain))


def predictor(model: Scaled) -> Callable[[np.ndarray], np.ndarray]:
    """The model on points (n, d) -> (n, k), float64: in float32 as it is used later, since its rounding counts."""
    if model.dtype == ops.float32:
        return lambda points: values_of(model)(points)  # which does not keep the model alive

    def predict(points: np.ndarray) -> np.ndarray:
        with no_grad():
            return np.concatenate([model(Tensor(points[i : i + BLOCK])).numpy() for i in range(0, len(points), BLOCK)])

    return predict


def scaled_rows(model: Scaled, points: Points) -> Points:
    """Points in the units of the network, float64."""
    x, y = points
    return (x - model.x_shift.numpy()) / model.x_scale.numpy(), (y - model.y_shift.numpy()) / model.y_scale.numpy()


def deploy(network: nn.Module, problem: Problem, dtype: Any, like: Scaled | None = None) -> Scaled:
    """A copy of a network in a dtype, with its scaling: that of the problem, or of another model.

    In float32 the layers before the last are rounded first, and the last one is solved for anew on what they then give
    (for gradients too, where these are fitted), so that it makes up for their rounding, and its weights are kept as
    small as float32 needs them; where values have noise, all are rounded.
    """
    copied = copy.deepcopy(network)
    copied.eval()
    model = scaled(copied, problem, True, dtype)
    if like is not None:
        model.load_state_dict({n: b for n, b in like.state_dict().items() if "." not in n}, strict=False)
    copied.to(dtype)
    if model.dtype == ops.float64:
        return model
    last = output_layer(copied)
    if last is None or not is_exact(problem):  # or the noise would be fitted
        return model
    x, y = scaled_rows(model, problem.train)
    if problem.slopes is None:
        solved = solve_output(last_inputs(model, x), y, weights=problem.weights, roundoff=ROUNDOFF["float32"])
        replace_output(model, last, solved, lambda: float(np.abs(network_outputs(model, x) - y).max()))
        return model
    slopes = problem.slopes * model.x_scale.numpy() / model.y_scale.numpy()[:, None]
    rows = Residuals(copy.deepcopy(copied), x, y, problem.weights, slopes, slope_weight(problem))  # it is made float64
    phi, tangents = rows.with_tangents(body=True)
    solved = solve_gradient_output(
        phi, tangents, y, slopes, weight=slope_weight(problem), row_weights=problem.weights,
        roundoff=ROUNDOFF["float32"],
    )  # fmt: skip

    def largest() -> float:
        return float(np.abs(rows.residuals(copied.parameter_vector().numpy().astype(np.float64))).max())

    replace_output(model, last, solved, largest)
    return model


def restate(network: nn.Module, before: Problem, now: Problem) -> None:
    """Give the output layer the weights with which the network says the same in the output units of other points."""
    last = output_layer(network)
    if last is None:
        return
    assert last.bias is not None
    old, new = scaled(network, before, True, ops.float64), scaled(network, now, True, ops.float64)
    shift, scale = (old.y_shift - new.y_shift).numpy(), old.y_scale.numpy()
    weight, bias = last.weight.detach().numpy(), last.bias.detach().numpy()
    last.weight.assign(weight * (scale / new.y_scale.numpy())[:, None])
    last.bias.assign((bias * scale + shift) / new.y_scale.numpy())


def network_outputs(model: Scaled, x: np.ndarray) -> np.ndarray:
    """The network inside on rows in its units, computed in its dtype -> float64."""
    with no_grad():
        return model.network(Tensor(x, model.dtype)).numpy().astype(np.float64)


def last_inputs(model: Scaled, x: np.ndarray) -> np.ndarray:
    """What the output layer sees, computed in the model's dtype -> float64."""
    with no_grad():
        return model.network[:-1](Tensor(x, model.dtype)).numpy().astype(np.float64)  # type: ignore[index]


def replace_output(model: Scaled, last: nn.Linear, solved: Output, loss: Callable[[], float]) -> None:
    """Give the output layer these weights, unless the loss is lower with those that it has."""
    assert last.bias is not None
    before, was = loss(), (last.weight.detach().numpy(), last.bias.detach().numpy())
    last.weight.assign(np.ascontiguousarray(solved.weights.T).astype(model.dtype))
    last.bias.assign(solved.constant.astype(model.dtype))
    if not loss() < before:
        last.weight.assign(was[0])
        last.bias.assign(was[1])


# --- stages -----------------------------------------------------------------------------------------------------------


def scan(
    run: Run, network: nn.Module, problem: Problem, method: Features, goal: float | None, scales: Sequence[float] = (),
    beyond: int = 4, share: float = 1.0,
) -> Candidate | None:  # fmt: skip
    """Features: place the units of a network with one hidden layer and solve for its output layer.

    goal: the largest error wanted, in the units of the target. scales: in the order in which they are tried.
    """
    chain = chain_of(network)
    assert chain is not None
    (first, activation), _ = chain
    assert activation is not None
    units, kind = first.out_features, activation.kind
    problem = fewer_rows(problem, max(FEWEST, PLENTY * units)) if run.exact else problem
    model = scaled(network, problem, True, ops.float64)
    x, y = scaled_rows(model, problem.train)
    factor = STEEPER.get(kind, 1.0)
    if kind in KINKED:
        scales, beyond = (1.0,), 0
    elif not scales:
        scales = SCALES if run.exact else NOISY_SCALES
    penalties, draws = penalties_of(method.penalty, run.exact), method.draws
    if run.limit is not None:
        left = max(1, run.limit - run.evaluations)
        scales = scales[:left]
        beyond = min(beyond, left - len(scales))
        draws = min(draws, 1 + (left - len(scales) - beyond) // 2)
    words = f"features, {units} units"
    of = len(scales) + beyond + 2 * (draws - 1)
    run.started(of, network.num_parameters())
    losses = Losses(run, words, of, y.size)
    rows = Residuals(network, x, y, problem.weights)
    common: dict[str, Any] = dict(
        scales=[factor * s for s in scales], beyond=beyond, draws=draws,
        generator=np.random.default_rng([run.seed, 3, units]), bends=None if run.exact else x,
        roundoff=ROUNDOFF[str(run.dtype)], dtype=run.dtype, time=run.left(share), callback=losses,
    )  # fmt: skip
    try:
        if problem.slopes is not None:
            found = gradient_features(
                x, y, _scaled_slopes(model, problem.slopes), units, activation.value_and_slope,
                row_weights=problem.weights,
                weight=slope_weight(problem),
                held=None if run.exact or problem.validation is None else scaled_rows(model, problem.validation),
                **common,
            )  # fmt: skip
        else:
            apart = run.held(round(HELD * len(x)))
            found = linear_features(
                x, y, units, activation=activation.value, weights=problem.weights, penalties=penalties,
                held=None if apart is None else scaled_rows(model, apart),
                goal=None if goal is None else 0.5 * goal / float(model.y_scale.numpy().max()), **common,
            )  # fmt: skip
    except KeyboardInterrupt:
        run.interrupted = True
        if losses.latest is None:
            return None
        rows.assign(losses.latest)
        details = {"solver": "features", "units": units, "penalty": 0.0, "reason": "Interrupted."}
        return run.candidate(network, problem, words, details, losses.row(losses.latest))
    run.evaluations += found.evaluations
    rows.assign(found.x)
    more = " More units come closer." if run.exact and found.status == "scanned" else ""
    details = {
        "solver": "features", "units": units, "steepness": found.scale, "penalty": found.output.penalty,
        "magnitude": found.output.magnitude, "reason": found.reason + more,
    }  # fmt: skip
    return run.candidate(network, problem, words, details, losses.row(found.x))


def equations(problem: Problem) -> int:
    """Training rows, each counted with the numbers of its gradient that are known (of the output of which least is)."""
    n = len(problem.train[0])
    return n if problem.slopes is None else n + int(np.isfinite(problem.slopes).sum(axis=(0, 2)).min())


def slope_weight(problem: Problem) -> float:
    """Of the mean squared error of the gradients beside that of the values."""
    return 1.0 if problem.plan is None else problem.plan.derivative_weight


def fewer_rows(problem: Problem, most: int) -> Problem:
    """The problem with at most so many training rows, evenly spaced, for values without noise, of which few suffice."""
    n = len(problem.train[0])
    if n <= most:
        return problem
    rows = np.unique(np.linspace(0, n - 1, most).round().astype(int))
    x, y = problem.train
    weights, slopes = (None if a is None else a[rows] for a in (problem.weights, problem.slopes))
    return replace(problem, train=(x[rows], y[rows]), weights=weights, slopes=slopes)


def rows_of(problem: Problem) -> int:
    """Rows of exact values for each parameter of a network that is searched for."""
    return ROWS if problem.domain.dim < MANY else ROWS_OF_MANY


def penalties_of(penalty: float | str | None, exact: bool) -> tuple[float, ...] | None:
    """What `solve_output` takes."""
    if penalty == "auto":
        return None if exact else PENALTIES
    return None if penalty in (None, 0) else (float(penalty),)


class Losses:
    """A solver's callback: the mean squared residual of each iteration into the history."""

    def __init__(
        self, run: Run, stage: str, of: int, count: int, check: Callable[[np.ndarray, float], bool] | None = None
    ) -> None:
        self.run, self.stage, self.of, self.count, self.check = run, stage, of, count, check
        self.held: float | None = None
        self.lowest = math.inf
        self.latest: np.ndarray | None = None
        self.reached = False
        self.before = len(run.history)
        self.seen: list[int] = []  # which x each iteration had

    def row(self, x: np.ndarray) -> int:
        """The row of the history with the iteration that found x; the last row where none did."""
        mark = hash(x.tobytes())
        return self.before + self.seen.index(mark) + 1 if mark in self.seen else len(self.run.history)

    def __call__(self, x: np.ndarray, now: Iteration) -> bool:
        self.seen.append(hash(x.tobytes()))
        loss = 2.0 * now.cost / self.count
        deciding = loss if self.held is None else self.held
        best = deciding < self.lowest
        if best:
            self.lowest, self.latest = deciding, x
        stop = self.run.step(self.stage, min(now.number + 1, self.of), self.of, loss, self.held, best)
        if not stop and self.check is not None and best:
            self.reached = self.check(x, math.sqrt(loss))
        return stop or self.reached


def search(
    run: Run,
    network: nn.Module,
    problem: Problem,
    method: VarPro | LM | LBFGS,
    goal: float | None,
    share: float = 1.0,
    penalty: float = 0.0,
    thin: bool = True,
    note: str = "",
) -> Candidate | None:
    """VarPro, LM or LBFGS on a network, from the weights it has, for values and, if they are given, gradients.

    penalty: of VarPro's ridge where it is left open. thin: of many rows of exact values take a part. note: what else is
    to be said of the stage.
    """
    if thin and run.exact and not isinstance(method, LBFGS):
        problem = fewer_rows(problem, max(FEWEST, rows_of(run.problem) * network.num_parameters()))
    model = scaled(network, problem, True, ops.float64)
    x, y = scaled_rows(model, problem.train)
    slopes = None if problem.slopes is None else _scaled_slopes(model, problem.slopes)
    rows = Residuals(network, x, y, problem.weights, slopes, slope_weight(problem))
    held = None if run.exact or problem.validation is None else scaled_rows(model, problem.validation)
    start = rows.theta
    words = f"{method.name}, {size_words(network)}{note}"
    iterations = method.iterations
    run.started(iterations, network.num_parameters())
    scale = float(model.y_scale.numpy().max())

    def validation(outputs: np.ndarray) -> float:
        assert held is not None
        square = ((outputs - held[1]) ** 2).mean(axis=1)
        losses.held = float(np.average(square, weights=problem.validation_weights))
        return losses.held

    def good_enough(theta: np.ndarray, rms: float) -> bool:
        """A look at the error itself, once the mean is small enough for it to be worth the while."""
        if goal is None or (slopes is None and rms * scale > goal):  # with gradients in it, it says nothing of values
            return False
        rows.assign(theta)
        if float(np.abs(rows.outputs() - y).max()) * scale > goal:
            return False
        return run.measured(predictor(deploy(network, problem, run.dtype))).max <= goal

    searched: np.ndarray
    reason = ""
    magnitude: float | None = None
    losses = Losses(run, words, iterations, y.size, good_enough if run.exact else None)
    try:
        if isinstance(method, VarPro):
            losses.check = None  # its score knows
            ridge = penalty if method.penalty == "auto" else float(method.penalty or 0.0)
            found = varpro(
                rows.equations, rows.body_jacobian, start[: rows.body_size], rows.targets, penalty=ridge,
                roundoff=ROUNDOFF[str(run.dtype)], keep="score" if run.exact else "cost",
                goal=None if goal is None else 0.5 * goal / scale, ftol=1e-3 if is_hidden_layer(network) else 1e-6,
                validate=None if held is None else lambda t, c: validation(rows.features(t, held[0]) @ c),
                max_iterations=iterations, max_evaluations=run.evaluations_left(), time=run.left(share),
                callback=losses,
            )  # fmt: skip
            rows.assign_body(found.x)
            rows.assign_output(found.output[:-1], found.output[-1])
            searched, magnitude = rows.theta, found.magnitude
            result: Result = found
        elif isinstance(method, LM):
            result = _marquardt(run, rows, method, losses, share, held, validation)
            searched = result.x
        else:
            from surefit.solvers import lbfgs
            from surefit.solvers.result import STATUSES

            since = 0

            def watched(theta: np.ndarray, now: Iteration) -> bool:
                """The validation error decides; nothing is fitted to it."""
                nonlocal since
                assert held is not None
                rows.assign(theta)
                lowest = losses.lowest
                validation(rows.outputs(held[0]))
                stop = losses(theta, now)
                since = 0 if losses.lowest < lowest else since + 1
                return stop or since >= PATIENT

            result = lbfgs(
                rows.value_and_gradient, start, memory=method.memory, ftol=1e-12, gtol=1e-14,
                max_iterations=iterations, max_evaluations=run.evaluations_left(), time=run.left(share),
                callback=losses if held is None else watched,
            )  # fmt: skip
            searched = result.x if held is None or losses.latest is None else losses.latest
            if since >= PATIENT:
                result = replace(result, status="validation", reason=STATUSES["validation"][1])
        reason = "The tolerance was reached." if losses.reached else result.reason
        row = losses.row(result.x)
        run.evaluations += result.evaluations
    except KeyboardInterrupt:
        run.interrupted = True
        if losses.latest is None:
            return None
        if isinstance(method, VarPro):
            c = np.linalg.lstsq(rows.equations(losses.latest), rows.targets, rcond=1e-14)[0]
            rows.assign_output(c[:-1], c[-1])
            searched = rows.theta
        else:
            searched = losses.latest
        reason, row = "Interrupted.", losses.row(losses.latest)
    rows.assign(searched)
    details = {"solver": method.name, "magnitude": magnitude, "reason": reason}
    return run.candidate(network, problem, words, details, row)


def _marquardt(
    run: Run, rows: Residuals, method: LM, losses: Losses, share: float, held: Points | None,
    validation: Callable[[np.ndarray], float],
) -> Result:  # fmt: skip
    """Levenberg-Marquardt on all weights; a penalty is further residuals, the weights themselves."""
    from surefit.solvers import Marquardt, levenberg_marquardt

    weight = 0.0 if method.penalty in (None, "auto") else float(method.penalty)
    root = math.sqrt(weight * rows.y.size)

    def residuals(theta: np.ndarray) -> np.ndarray:
        r = rows.residuals(theta)
        return r if root == 0.0 else np.concatenate([r, root * theta])

    def jacobian(theta: np.ndarray) -> np.ndarray:
        j = rows.jacobian(theta)
        return j if root == 0.0 else np.concatenate([j, root * np.eye(len(theta))])

    def validate(theta: np.ndarray) -> float:
        assert held is not None
        rows.assign(theta)
        return validation(rows.outputs(held[0]))

    return levenberg_marquardt(
        residuals, rows.theta, jacobian, damping=Marquardt(**MU), ftol=1e-7, xtol=1e-14, gtol=1e-15,
        validate=None if held is None else validate, max_iterations=method.iterations,
        max_evaluations=run.evaluations_left(), time=run.left(share), callback=losses,
    )  # fmt: skip


def placed_anew(network: nn.Module, problem: Problem, seed: int, dtype: Any) -> Candidate | None:
    """The best network of this size for a dtype, its hidden layer placed and polished for it; None where it cannot be.

    Units that lie flat side by side cancel each other with huge output weights. In float64 that is the way to 1e-10; in
    float32 steeper ones with small weights come a hundred times closer.
    """
    if problem.function is None or not is_exact(problem) or problem.slopes is not None or not is_hidden_layer(network):
        return None
    chain = chain_of(network)
    assert chain is not None
    units = chain[0][0].out_features
    run = Run(problem, seed, None, None, ops.dtype_of(dtype), ())
    if units > PLACED_ANEW:
        return None
    goal = FLOAT32 * run.size
    fresh = run.built(network)
    drawn = run.drawn(ROWS * units + 2)
    found = scan(run, fresh, drawn, Features(), goal)
    if found is not None and found.judged > goal and units * (problem.domain.dim + 1) <= POLISHED:
        search(run, fresh, drawn, VarPro(), goal)
    return run.best()


def is_exact(problem: Problem) -> bool:
    """Whether the values come from a known function, without noise."""
    noisy = problem.plan is not None and Noise.read(problem.plan.noise).scale != 0.0
    return problem.function is not None and not noisy


def solve_last(model: Scaled, problem: Problem) -> bool:
    """Solve for the output layer of a model on the training rows, in its own dtype, and keep it if it is better.

    For measured data the penalty is that of the smallest leave-one-out error, and the validation rows decide. Whether
    there is something to solve for: not where gradients are fitted too, which it would forget.
    """
    last, exact = output_layer(model.network), is_exact(problem)
    if last is None or problem.slopes is not None:
        return False
    x, y = scaled_rows(model, problem.train)
    u, v = scaled_rows(model, problem.train if exact or problem.validation is None else problem.validation)
    solved = solve_output(
        last_inputs(model, x), y, weights=problem.weights, roundoff=ROUNDOFF[str(model.dtype)],
        penalties=None if exact else PENALTIES,
    )  # fmt: skip

    def loss() -> float:
        r = network_outputs(model, u) - v
        return float(np.abs(r).max()) if exact else float(np.mean(r**2))

    replace_output(model, last, solved, loss)
    return True


def check_method(method: Solver, network: nn.Module, problem: Problem) -> None:
    """ArgumentError for a network, or for gradients, that the method cannot do anything with."""
    if isinstance(method, Features) and not is_hidden_layer(network):
        raise ArgumentError(
            "model: method='features' needs one hidden layer, model=(units,), of units with a smooth or kinked "
            "activation; use method='lm', 'lbfgs' or 'adam' for deeper networks"
        )
    if isinstance(method, VarPro) and output_layer(network) is None:
        raise ArgumentError(
            "model: method='varpro' needs a network that ends in a Linear layer with a bias; use 'lm' or 'lbfgs'"
        )
    if isinstance(method, VarPro) and problem.slopes is not None:
        check_alike(problem.slopes)


__all__ = [
    "DESCRIBED", "FLOAT32", "Candidate", "Run", "Step", "check_method", "deploy", "equations", "placed_anew",
    "restate", "scan", "search", "solve_last",
]  # fmt: skip
