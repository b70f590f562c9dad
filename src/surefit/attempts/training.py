"""A training by a first-order method: a step, an epoch, a validation; and its epochs, until something ends them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np

from surefit import optim
from surefit.attempts.attempt import Attempt, Within
from surefit.attempts.journal import state_of
from surefit.attempts.keeping import Best
from surefit.attempts.methods import FirstOrder
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.core.creation import from_numpy
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.models.chain import size_words
from surefit.models.inference import evaluate
from surefit.models.scaled import Scaled
from surefit.nn import functional as F
from surefit.problems.gradients import GradientLoss
from surefit.problems.points import gradient_weight
from surefit.problems.problem import Points, Problem
from surefit.sentences import Sentence, say

STEPS = 20_000  # steps of a run whose epochs are not given
FEWEST_EPOCHS, MOST_EPOCHS = 50, 5000
ROWS_AT_ONCE = 1 << 14  # that are scaled
VALIDATED_TOGETHER, MOST_BLOCKS = 1 << 13, 8  # validation rows at once, and blocks, each of which is compiled
PATIENCE = 0.15  # share of the epochs without a better loss after which a run of unknown length stops


def loss_function(method: FirstOrder, levels: Sequence[float] = ()) -> Callable[[Any, Any, Any], Any]:
    """The loss as a function of prediction, target and row weights (None: all alike). levels: of quantiles."""
    if method.loss == "quantile":
        return _pinball(levels)
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


def _pinball(levels: Sequence[float]) -> Callable[[Any, Any, Any], Any]:
    """The mean pinball loss of outputs that are quantiles."""

    def weighted(prediction: Any, target: Any, weights: Any) -> Any:
        each = pinball_of(prediction, target, levels)
        return (each if weights is None else each * weights).mean()

    return weighted


def pinball_of(prediction: Any, target: Any, levels: Sequence[float]) -> Any:
    """The pinball losses of Tensors (..., k); see `problems.quantiles.pinball`."""
    above = target - prediction
    tau = np.array(levels, above.dtype)
    return ops.maximum(above * tau, above * (tau - 1.0))


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


class Training:
    """One training: data in the network's units, optimiser, schedule; a step, an epoch, a validation."""

    def __init__(self, model: Scaled, problem: Problem, method: FirstOrder, seed: int = 0) -> None:
        self.network, self.method = model.network, method
        self.x, self.y = in_units(model, problem.train)
        self.validation = None if problem.validation is None else in_units(model, problem.validation)
        self.weights, self.validation_weights = (
            None if w is None or not w.any() else row_weights(w, self.x.dtype)
            for w in (problem.weights, problem.validation_weights)
        )
        self.batch, self.steps_per_epoch, self.epochs, self.patience = plan(method, self.rows)
        self.lr = method.rate
        self.loss = loss_function(method, problem.quantiles)
        self.gradients, self.validation_gradients = (
            None if s is None or part is None else model.gradients(s, part).astype(model.dtype)
            for s, part in ((problem.gradients, problem.train), (problem.validation_gradients, problem.validation))
        )
        self.gradient_loss = GradientLoss(self.loss, gradient_weight(problem))
        self.optimizer = method.optimizer(self.network.parameters(), self.lr)
        self.schedule, self.when = _schedule(method, self.optimizer, self.lr, self.epochs, self.steps_per_epoch)
        self.rng = np.random.default_rng([seed, 1])  # of the permutations, apart from those of data and weights
        self.steps = 0

    def update(self, x: Tensor, y: Tensor, weights: Tensor | None = None, gradients: Tensor | None = None) -> Tensor:
        """Loss of these rows, its gradient, one update; the loss. Records, so that it compiles."""
        self.optimizer.zero_grad()
        loss = self.loss_of(x, y, weights, gradients)
        if not isinstance(loss, Tensor) or loss.shape != ():
            what = f"shape {loss.shape}; take the mean" if isinstance(loss, Tensor) else f"{loss!r}; return a Tensor"
            raise ArgumentError(f"loss: must return one number, got {what}")
        loss.backward()
        if self.method.clip_norm is not None:
            optim.clip_grad_norm_(list(self.network.parameters()), self.method.clip_norm)
        self.optimizer.step()
        return loss

    def loss_of(self, x: Tensor, y: Tensor, weights: Tensor | None, gradients: Tensor | None) -> Tensor:
        """The loss of these rows, with their gradients where those are known."""
        if gradients is None:
            return self.loss(self.network(x), y, weights)
        return self.gradient_loss(self.network, x, y, gradients, weights)

    def validation_loss(self, x: Tensor, y: Tensor, weights: Tensor | None, gradients: Tensor | None) -> Tensor:
        """The loss of validation rows."""
        self.network.eval()
        try:
            with no_grad():
                return self._by_blocks(x, y, weights, gradients)
        finally:
            self.network.train()

    def _by_blocks(self, x: Tensor, y: Tensor, weights: Tensor | None, gradients: Tensor | None) -> Tensor:
        """The loss of many rows from those of blocks, so that no layer holds its values of all rows at once.

        What compiles keeps them in its memory for good. A loss of the user's own need not be a mean, and stays whole.
        """
        n = x.shape[0]
        blocks = min(MOST_BLOCKS, n // VALIDATED_TOGETHER)
        if blocks < 2 or gradients is not None or not isinstance(self.method.loss, str):
            return self.loss_of(x, y, weights, gradients)
        ends = [n * i // blocks for i in range(blocks + 1)]
        total: Any = 0.0
        for low, high in pairwise(ends):
            own = None if weights is None else weights[low:high]
            total = total + self.loss_of(x[low:high], y[low:high], own, None) * ((high - low) / n)
        return cast(Tensor, total)

    @property
    def columns(self) -> list[np.ndarray | None]:
        """What `update` takes, for all training rows: points, values, weights, gradients."""
        return [self.x, self.y, self.weights, self.gradients]

    @property
    def validation_columns(self) -> list[np.ndarray | None]:
        """The same for validation rows; empty without any."""
        return [] if self.validation is None else [*self.validation, self.validation_weights, self.validation_gradients]

    def step(self, rows: np.ndarray) -> float:
        """One update with these rows; their loss."""
        loss = self.update(*(None if c is None else from_numpy(c[rows]) for c in self.columns))  # type: ignore[arg-type]
        self.steps += 1
        return float(loss.item())

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        return len(self.x)

    @property
    def examples(self) -> list[np.ndarray | None]:
        """What `update` takes, of enough rows for a batch and the smaller last one of an epoch."""
        return self.columns

    def epoch(self, over: Callable[[], bool] = lambda: False) -> float:
        """Every row once in random order (fewer when it is over); the mean loss of the rows seen."""
        total, seen = self.batches(self.rng.permutation(len(self.x)), over)
        return total / seen

    def batches(self, order: np.ndarray, over: Callable[[], bool]) -> tuple[float, int]:
        """Steps on these rows, a batch each, until it is over: the sum of the losses of the rows seen, and how many."""
        total, seen = 0.0, 0
        for low in range(0, len(order), self.batch):
            rows = order[low : low + self.batch]
            value = self.step(rows)
            if not math.isfinite(value):
                raise NotFiniteLoss(value, rows)
            total, seen = total + value * len(rows), seen + len(rows)
            if self.when == "step":
                self.schedule.step()
            if over():
                break
        return total, seen

    def validate(self) -> float | None:
        """The loss on the validation data, or None when there is none."""
        if self.validation is None:
            return None
        columns: list[Any] = [None if c is None else from_numpy(c) for c in self.validation_columns]
        loss = float(self.validation_loss(*columns).item())
        if not math.isfinite(loss):
            raise NotFiniteLoss(loss, np.arange(min(self.batch, len(self.x))))
        return loss

    def after_epoch(self, deciding: float) -> None:
        """Let a schedule of epochs go on."""
        if self.when == "epoch":
            self.schedule.step()
        elif self.when == "metric":
            self.schedule.step(deciding)


class Epochs:
    """The epochs of one training: told one by one, the best weights kept, ended by whatever comes first."""

    def __init__(
        self, run: Training, model: Scaled, attempt: Attempt, method: FirstOrder, progress: Progress, within: Within
    ) -> None:
        self.training, self.attempt, self.progress = run, attempt, progress
        self.keep_best = method.best_weights
        self.leaves = [*run.network.parameters(), *run.network.buffers()]
        self.best = Best(run.patience)
        self.stage = say("stage-adam", method=method.name, size=size_words(run.network), dtype=str(attempt.dtype))
        self.before = self.steps_before = self.done = 0
        self.deadline: float | None = None
        self.reached = False
        self.loop: Any = None  # of an eager training none
        self.predict = lambda points: evaluate(model, points)
        self.within = within

    def begin(self) -> None:
        """The epochs come next; of an attempt in parts each gets the same share of the time that is left."""
        self.before, self.steps_before = len(self.progress.history), self.progress.steps
        part, parts = self.attempt.part
        left = self.progress.left(self.attempt.share)
        self.deadline = None if left is None else self.progress.seconds + left / (parts - part + 1)

    @property
    def watched(self) -> bool:
        """Whether each epoch must be seen when it ends."""
        return self.attempt.goal is not None or not self.progress.passive

    def started(self) -> bool:
        """Tell that the epochs begin, or that of all parts the first does; whether to stop."""
        part, parts = self.attempt.part
        if part > 1:
            return False
        run = self.training
        return self.progress.started(parts * run.epochs, run.steps_per_epoch, run.network.num_parameters())

    def left(self) -> float | None:
        """Seconds that are left for this attempt."""
        return None if self.deadline is None else self.deadline - self.progress.seconds

    def over(self) -> bool:
        """Whether the time of this attempt is used up."""
        left = self.left()
        return left is not None and left <= 0.0

    def after(self, train: float, validation: float | None, rate: float, steps: int, seconds: float | None) -> bool:
        """Write an epoch down and tell of it; whether a callback, or somebody outside, wants to stop.

        Whoever runs the epochs has noted before whether it is the best (`take_note`).
        """
        self.done += 1
        attempt, run = self.attempt, self.training
        part, parts = attempt.part
        named = attempt.named
        return self.progress.iteration(
            (part - 1) * run.epochs + self.done if named else self.done, parts * run.epochs, train, validation,
            self.best.number == self.done, stage=None if named else self.stage, lr=rate,
            steps=self.steps_before + steps, seconds=seconds,
        )  # fmt: skip

    def take_note(self, number: int, deciding: float) -> None:
        """Keep the weights when they are the best so far."""
        self.best.after(number, deciding, lambda: [leaf.detach().numpy() for leaf in self.leaves])

    def restore(self, always: bool = False) -> None:
        """Put the best weights back, if they are wanted or needed."""
        if self.best.kept is not None and (self.keep_best or always):
            for leaf, value in zip(self.leaves, self.best.kept, strict=True):
                leaf.assign(value)

    def good_enough(self) -> bool:
        """Whether the last epoch was the best and its error is within the goal."""
        if self.attempt.goal is None or self.best.number != self.done:
            return False
        network = self.training.network
        network.eval()
        try:
            self.reached = self.within(self.predict)
        finally:
            network.train()
        return self.reached

    def ended(self, stop: bool) -> Sentence | None:
        """Why the epochs end after the one that was told last, if they do."""
        if self.good_enough():
            return say("tolerance")
        if stop:
            return self.progress.stopped
        if self.over():
            return say("time", time=self.progress.time)
        if self.best.exhausted(self.done):
            return say("patience", patience=self.best.patience)
        return None

    # --- in the journal: between two epochs, or two chunks of compiled ones ---

    def keep(self) -> None:
        """Keep all that the epochs to come depend on, if it is time."""
        underway, run = self.progress.underway, self.training
        if underway is None or self.done >= run.epochs or not underway.due(self.done):
            return
        best = self.best
        underway.keep({
            "network": state_of(run.network), "optimizer": run.optimizer.state_dict(),
            "schedule": None if run.schedule is None else run.schedule.state_dict(),
            "order": run.rng.bit_generator.state, "steps": run.steps, "done": self.done,
            "best": (best.value, best.number, best.kept),
            "loop": None if self.loop is None else (self.loop.best_loss, self.loop.best_epoch, self.loop.best),
        })  # fmt: skip

    def take(self) -> None:
        """Go on from what was kept, if there is something."""
        compiled = self.loop is not None

        def alike(state: dict[str, Any]) -> bool:  # the compiler may be there, or be gone
            return (state["loop"] is not None) == compiled

        found = None if self.progress.underway is None else self.progress.underway.take(alike)
        if found is None:
            return
        run = self.training
        run.network.load_state_dict(found["network"])
        if run.schedule is not None:
            run.schedule.load_state_dict(found["schedule"])
        run.optimizer.prepare()
        run.optimizer.load_state_dict(found["optimizer"])
        run.rng.bit_generator.state = found["order"]
        run.steps, self.done = found["steps"], found["done"]
        self.best.value, self.best.number, self.best.kept = found["best"]
        if self.loop is not None:
            self.loop.best_loss[...], self.loop.best_epoch[...] = found["loop"][:2]
            for own, kept in zip(self.loop.best, found["loop"][2], strict=True):
                own[...] = kept
            self.best.kept = None if self.best.kept is None else self.loop.best

    def run(self) -> Sentence:
        """Epoch after epoch until something ends them: the reason."""
        run = self.training
        if self.started():
            assert self.progress.stopped is not None
            return self.progress.stopped
        self.take()
        for epoch in range(self.done + 1, run.epochs + 1):
            rate = run.optimizer.param_groups[0]["lr"]
            train, validation = run.epoch(self.over), run.validate()
            deciding = train if validation is None else validation
            self.take_note(epoch, deciding)
            stop = self.after(train, validation, rate, run.steps, None)
            if (reason := self.ended(stop)) is not None:
                return reason
            run.after_epoch(deciding)
            self.keep()
        return say("epochs-done", epochs=run.epochs)


def in_units(model: Scaled, points: Points) -> Points:
    """Points in the units and dtype of the network, some rows at a time: float64 of all would be another table."""
    x, y = points
    u, v = np.empty(x.shape, model.dtype), np.empty(y.shape, model.dtype)
    for low in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(low, low + ROWS_AT_ONCE)
        u[rows], v[rows] = model.rows((x[rows], y[rows]))
    return u, v


def row_weights(weights: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Row weights (n,) as a column with mean 1."""
    return (weights / weights.mean()).astype(dtype)[:, None]


class NotFiniteLoss(Exception):
    """The loss of these rows is not finite."""

    def __init__(self, value: float, rows: np.ndarray) -> None:
        self.value, self.rows = value, rows


__all__ = ["Epochs", "NotFiniteLoss", "Training", "in_units", "loss_function", "pinball_of", "plan", "row_weights"]
