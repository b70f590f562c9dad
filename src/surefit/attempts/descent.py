"""The training loop of the first-order methods: one state machine per epoch, progress as events, nothing lost.

The loop tells what happens as events to callbacks; `Watch` decides after each epoch whether to go on and keeps the best
weights. An interrupt (Ctrl-C) or a number that is not finite ends the loop with the best weights so far.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit import nn, optim
from surefit.attempts.methods import FirstOrder
from surefit.core.creation import from_numpy
from surefit.core.tensor import Tensor, no_grad
from surefit.errors import ArgumentError, NotFiniteError
from surefit.models.observed import observed
from surefit.models.scaled import Scaled
from surefit.nn import functional as F
from surefit.problems.gradients import SlopeLoss
from surefit.problems.problem import Points, Problem

STEPS = 20_000  # steps of a run whose epochs are not given
FEWEST_EPOCHS, MOST_EPOCHS = 50, 5000
PATIENCE = 0.15  # share of the epochs without a better loss after which a run of unknown length stops


@dataclass(frozen=True)
class Started:
    """Training begins: epochs at most, steps of each, parameters of the network."""

    epochs: int
    steps_per_epoch: int
    parameters: int


@dataclass(frozen=True)
class Epoch:
    """An epoch has ended. Losses are means in scaled units; lr is the epoch's; best: it is the best so far."""

    epoch: int
    epochs: int
    step: int
    train_loss: float
    validation_loss: float | None
    lr: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class Finished:
    """Training has ended, for this reason."""

    reason: str
    seconds: float


Callback = Callable[[Any], Any]


def callbacks_from(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks of fit's `callbacks=`: several functions of an event, one, or None. ArgumentError otherwise."""
    if callbacks is None or callable(callbacks):
        return () if callbacks is None else (callbacks,)
    several = tuple(callbacks) if isinstance(callbacks, Iterable) and not isinstance(callbacks, str) else (callbacks,)
    wrong = [c for c in several if not callable(c)]
    if wrong:
        raise ArgumentError(f"callbacks: {wrong[0]!r} is no function of an event; give a function or a list of them")
    return several


@dataclass
class Outcome:
    """What a run of training leaves beside the weights."""

    history: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str = ""
    interrupted: bool = False
    steps: int = 0
    best_epoch: int | None = None
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    compile_seconds: float | None = None  # None: trained without the compiler


class Watch:
    """After each epoch: is it the best, is patience at its end? Keeps the best weights."""

    def __init__(self, network: nn.Module, patience: int | None, keep_best: bool) -> None:
        self.leaves = [*network.parameters(), *network.buffers()]
        self.patience, self.keep_best = patience, keep_best
        self.best_loss = math.inf
        self.best_epoch: int | None = None
        self.best_values: list[np.ndarray] | None = None

    def after(self, epoch: int, loss: float) -> bool:
        """Take note of an epoch's deciding loss; True when it is the best so far."""
        if not loss < self.best_loss:
            return False
        self.best_loss, self.best_epoch = loss, epoch
        self.best_values = [leaf.detach().numpy() for leaf in self.leaves]
        return True

    def exhausted(self, epoch: int) -> bool:
        """Whether patience has ended."""
        return self.patience is not None and epoch - (self.best_epoch or 0) >= self.patience

    def restore(self, always: bool = False) -> None:
        """Put the best weights back, if they are wanted or needed."""
        if self.best_values is not None and (self.keep_best or always):
            for leaf, value in zip(self.leaves, self.best_values, strict=True):
                leaf.assign(value)


def loss_function(method: FirstOrder) -> Callable[[Any, Any, Any], Any]:
    """The loss as a function of prediction, target and row weights (None: all alike)."""
    if callable(method.loss):
        custom = method.loss

        def by_user(prediction: Any, target: Any, weights: Any) -> Any:
            if weights is not None:
                raise ArgumentError(
                    "weights: a loss function of your own cannot be weighted from outside; weigh inside it"
                )
            return custom(prediction, target)

        return by_user
    named = getattr(F, f"{method.loss}_loss")

    def weighted(prediction: Any, target: Any, weights: Any) -> Any:
        if weights is None:
            return named(prediction, target)
        return (named(prediction, target, reduction="none") * weights).mean()

    return weighted


def _schedule(method: FirstOrder, optimizer: optim.Optimizer, lr: float, epochs: int, steps: int) -> tuple[Any, str]:
    """The schedule and when to step it: "epoch", "step", "metric" or "" for a constant rate."""
    kind = method.schedule
    if kind == "auto":
        kind = "constant" if method.lr is not None else "cosine"
    if kind == "cosine":
        return optim.CosineAnnealingLR(optimizer, max(1, epochs - 1), eta_min=lr / 100), "epoch"
    if kind == "onecycle":
        total = max(2, epochs * steps)
        return optim.OneCycleLR(optimizer, lr, total_steps=total, cycle_momentum=False), "step"
    if kind == "plateau":
        return optim.ReduceLROnPlateau(optimizer, factor=0.3, patience=max(5, epochs // 30), min_lr=lr / 1000), "metric"
    if kind == "step":
        return optim.StepLR(optimizer, max(1, epochs // 3), 0.3), "epoch"
    if kind == "exponential":
        return optim.ExponentialLR(optimizer, 0.01 ** (1 / max(1, epochs - 1))), "epoch"
    if kind == "linear":
        return optim.LinearLR(optimizer, 1.0, 0.01, max(1, epochs - 1)), "epoch"
    if kind == "polynomial":
        return optim.PolynomialLR(optimizer, epochs, 2.0), "epoch"
    return None, ""


def plan(method: FirstOrder, rows: int) -> tuple[int, int, int, int | None]:
    """Batch size, steps an epoch, epochs and patience for so many rows."""
    batch = min(method.batch_size or (64 if rows >= 128 else rows), rows)
    steps = -(-rows // batch)
    epochs = method.epochs or max(FEWEST_EPOCHS, min(MOST_EPOCHS, round(STEPS / steps)))
    patience = method.patience
    if patience == "auto":
        patience = None if method.epochs is not None else max(20, round(epochs * PATIENCE))
    return batch, steps, epochs, patience  # type: ignore[return-value]


class Run:
    """One training run: data in the network's units, optimiser, schedule; a step, an epoch, a validation."""

    def __init__(self, model: Scaled, problem: Problem, method: FirstOrder, seed: int, time: float | None) -> None:
        self.network, self.method = model.network, method
        self.x, self.y = _scaled_units(model, problem.train)
        self.held = None if problem.validation is None else _scaled_units(model, problem.validation)
        self.weights, self.held_weights = (
            None if w is None or not w.any() else _weights(w, self.x.dtype)
            for w in (problem.weights, problem.validation_weights)
        )
        self.batch, self.steps_per_epoch, self.epochs, self.patience = plan(method, len(self.x))
        self.lr = method.rate
        self.loss = loss_function(method)
        self.slopes, self.held_slopes = (
            None if s is None else _scaled_slopes(model, s) for s in (problem.slopes, problem.validation_slopes)
        )
        self.slope_loss = SlopeLoss(self.loss, problem.plan.derivative_weight if problem.plan else 1.0)
        self.optimizer = method.optimizer(self.network.parameters(), self.lr)
        self.schedule, self.when = _schedule(method, self.optimizer, self.lr, self.epochs, self.steps_per_epoch)
        self.rng = np.random.default_rng([seed, 1])  # of the permutations, apart from those of data and weights
        self.began = clock.perf_counter()
        self.time, self.steps, self.out_of_time = time, 0, False

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return clock.perf_counter() - self.began

    def update(self, x: Tensor, y: Tensor, weights: Tensor | None = None, slopes: Tensor | None = None) -> Tensor:
        """Loss of these rows, its gradient, one update; the loss. Records, so that it compiles."""
        self.optimizer.zero_grad()
        loss = self.loss_of(x, y, weights, slopes)
        if loss.shape != ():
            raise ArgumentError(f"loss: must return one number, got shape {loss.shape}; take the mean")
        loss.backward()
        if self.method.clip_norm is not None:
            optim.clip_grad_norm_(list(self.network.parameters()), self.method.clip_norm)
        self.optimizer.step()
        return loss

    def loss_of(self, x: Tensor, y: Tensor, weights: Tensor | None, slopes: Tensor | None) -> Tensor:
        """The loss of these rows, with their gradients where those are known."""
        if slopes is None:
            return self.loss(self.network(x), y, weights)
        return self.slope_loss(self.network, x, y, slopes, weights)

    def held_loss(self, x: Tensor, y: Tensor, weights: Tensor | None, slopes: Tensor | None) -> Tensor:
        """The loss of validation rows."""
        self.network.eval()
        try:
            with no_grad():
                return self.loss_of(x, y, weights, slopes)
        finally:
            self.network.train()

    @property
    def columns(self) -> list[np.ndarray | None]:
        """What `update` takes, for all training rows: points, values, weights, gradients."""
        return [self.x, self.y, self.weights, self.slopes]

    @property
    def held_columns(self) -> list[np.ndarray | None]:
        """The same for validation rows; empty without any."""
        return [] if self.held is None else [*self.held, self.held_weights, self.held_slopes]

    def step(self, rows: np.ndarray) -> float:
        """One update with these rows; their loss."""
        loss = self.update(*(None if c is None else from_numpy(c[rows]) for c in self.columns))  # type: ignore[arg-type]
        self.steps += 1
        return float(loss.item())

    def epoch(self) -> float:
        """Every row once in random order (fewer when time runs out); the mean loss of the rows seen."""
        order = self.rng.permutation(len(self.x))
        total, seen = 0.0, 0
        for i in range(self.steps_per_epoch):
            rows = order[i * self.batch : (i + 1) * self.batch]
            value = self.step(rows)
            if not math.isfinite(value):
                raise _NotFinite(value, rows)
            total, seen = total + value * len(rows), seen + len(rows)
            if self.when == "step":
                self.schedule.step()
            if self.time is not None and self.seconds > self.time:
                self.out_of_time = True
                break
        return total / seen

    def validate(self) -> float | None:
        """The loss on the validation data, or None when there is none."""
        if self.held is None:
            return None
        loss = float(self.held_loss(*(None if c is None else from_numpy(c) for c in self.held_columns)).item())  # type: ignore[arg-type]
        if not math.isfinite(loss):
            raise _NotFinite(loss, np.arange(min(self.batch, len(self.x))))
        return loss

    def after_epoch(self, deciding: float) -> None:
        """Let a schedule of epochs go on."""
        if self.when == "epoch":
            self.schedule.step()
        elif self.when == "metric":
            self.schedule.step(deciding)


def train(
    model: Scaled,
    problem: Problem,
    method: FirstOrder,
    *,
    seed: int,
    time: float | None = None,
    good_enough: Callable[[], bool] | None = None,
    callbacks: Sequence[Callback] = (),
    jit: bool | None = None,
    halted: Callable[[], bool] | None = None,
) -> Outcome:
    """Train model.network in place on the problem's training data. `good_enough` is asked after each better epoch.

    jit: compiled (True), eager (False), or compiled where that pays (None). halted: asked now and then whether to stop.

    NotFiniteError when the loss is not finite before any epoch has ended well; later on the best weights are kept and
    the outcome says what happened.
    """
    from surefit.attempts import compiled_loop as native

    run = Run(model, problem, method, seed, time)
    watch = Watch(run.network, run.patience, method.best_weights)
    outcome = Outcome()
    run.network.train()
    try:
        loop = None if jit is False else native.loop_for(run, watch, outcome, jit)
        run.began = clock.perf_counter()  # compiling has its own time
        if loop is None:
            outcome.stop_reason = _epochs(run, watch, outcome, good_enough, callbacks, halted)
        else:
            outcome.stop_reason = native.epochs(run, watch, outcome, good_enough, callbacks, loop, halted)
    except KeyboardInterrupt:
        outcome.interrupted = True
        outcome.stop_reason = f"interrupted in epoch {len(outcome.history) + 1}; the best weights so far are kept"
    except _NotFinite as e:
        epoch = len(outcome.history) + 1
        message = _not_finite_sentence(e, model, run, outcome, epoch)
        if watch.best_values is None:
            raise NotFiniteError(message) from None
        outcome.warnings.append(message)
        outcome.stop_reason = (
            f"the loss was not finite in epoch {epoch}; the best weights (epoch {watch.best_epoch}) are kept"
        )
        watch.restore(always=True)
    watch.restore()
    run.network.eval()
    told = watch.best_epoch is not None and watch.best_epoch <= len(
        outcome.history
    )  # an interrupt may cut the rest off
    outcome.best_epoch, outcome.steps, outcome.seconds = watch.best_epoch if told else None, run.steps, run.seconds
    _tell(callbacks, Finished(outcome.stop_reason, outcome.seconds))
    return outcome


def _tell(callbacks: Sequence[Callback], event: Any) -> bool:
    """Every callback hears of it; whether one of them wants to stop."""
    answers = [callback(event) for callback in callbacks]  # all of them, whatever one says
    return any(answer is True for answer in answers)


def _epochs(
    run: Run, watch: Watch, outcome: Outcome, good_enough: Callable[[], bool] | None, callbacks: Sequence[Callback],
    halted: Callable[[], bool] | None = None,
) -> str:  # fmt: skip
    """Epoch after epoch until something ends it: the reason."""
    if _tell(callbacks, Started(run.epochs, run.steps_per_epoch, run.network.num_parameters())):
        return "stopped by a callback"
    for epoch in range(1, run.epochs + 1):
        rate = run.optimizer.param_groups[0]["lr"]
        train_loss, held_loss = run.epoch(), run.validate()
        deciding = train_loss if held_loss is None else held_loss
        best = watch.after(epoch, deciding)
        row = dict(epoch=epoch, train_loss=train_loss, validation_loss=held_loss, lr=rate, seconds=run.seconds)
        outcome.history.append(row)
        stop = _tell(callbacks, Epoch(epoch, run.epochs, run.steps, train_loss, held_loss, rate, run.seconds, best))
        if best and good_enough is not None and good_enough():
            return "the tolerance was reached"
        if stop:
            return "stopped by a callback"
        if halted is not None and halted():
            return "stopped from outside; the best weights so far are kept"
        if run.out_of_time:
            return f"time={run.time:g} s used up"
        if watch.exhausted(epoch):
            return f"no better loss for {watch.patience} epochs (patience)"
        run.after_epoch(deciding)
    return f"all {run.epochs} epochs done"


def _scaled_units(model: Scaled, points: Points) -> Points:
    """Points in the units and dtype of the network."""
    x, y = points
    u = (x - model.x_shift.numpy()) / model.x_scale.numpy()
    v = (y - model.y_shift.numpy()) / model.y_scale.numpy()
    return np.ascontiguousarray(u, model.dtype), np.ascontiguousarray(v, model.dtype)


def _scaled_slopes(model: Scaled, slopes: np.ndarray) -> np.ndarray:
    """Gradients (n, k, d) in the units and dtype of the network."""
    return (slopes * model.x_scale.numpy() / model.y_scale.numpy()[:, None]).astype(model.dtype)


def _weights(weights: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Row weights (n,) as a column with mean 1."""
    return (weights / weights.mean()).astype(dtype)[:, None]


class _NotFinite(Exception):
    """The loss of these rows is not finite."""

    def __init__(self, value: float, rows: np.ndarray) -> None:
        self.value, self.rows = value, rows


def _not_finite_sentence(e: _NotFinite, model: Scaled, run: Run, outcome: Outcome, epoch: int) -> str:
    """Step, layer and likely cause of a loss that is not finite."""
    where, x, y, lr = _first_not_finite(run, e.rows), run.x, run.y, run.lr
    losses = [r["train_loss"] for r in outcome.history[-3:]]
    largest = max(float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0)))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        cause = f"the data overflows {model.dtype}; use dtype='float64', or scale=True"
    elif not run.method.scale and largest > 100:
        cause = f"data as large as {largest:.3g} without scaling; use scale=True"
    elif "in the loss" in where and callable(run.method.loss):
        cause = "the loss function itself (a logarithm or root of something not positive?)"
    else:
        rising = ", and the loss was rising" if len(losses) >= 2 and losses[-1] > losses[0] else ""
        cause = f"a learning rate that is too high (lr={lr:g}{rising}); try lr={lr / 10:g}, or clip_norm=1"
    return f"the loss became {e.value} at step {run.steps} (epoch {epoch}), {where}. Likely cause: {cause}"


def _first_not_finite(run: Run, rows: np.ndarray) -> str:
    """The first parameter, or else the first layer, that is not finite on these rows."""
    for name, p in run.network.named_parameters():
        if not np.isfinite(p.detach().numpy()).all():
            return f"parameter {name!r} is not finite"
    with observed(run.network) as seen, no_grad():
        run.network(Tensor(run.x[rows]))
    for s in seen:
        if isinstance(s.output, Tensor) and not np.isfinite(s.output.numpy()).all():
            return f"first in the output of layer {s.name!r} ({type(s.module).__name__})"
    return "in the loss; all layers are finite"
