"""What a fit may cost, what it has cost so far, and who hears of it: handed from the runner to every attempt."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit.attempts.events import Callback, Epoch, Finished, Started, Step, tell
from surefit.attempts.keeping import Best
from surefit.sentences import Sentence, say


class Progress:
    """One call of fit: its clock, its limits, its history and its callbacks.

    time: seconds for everything, None without a limit. evaluations: how often all residuals may be computed. halted:
    asked after each iteration whether to stop. began: when the clock started (`time.perf_counter`), if before now.
    """

    def __init__(
        self, *, time: float | None = None, evaluations: int | None = None, callbacks: Sequence[Callback] = (),
        halted: Callable[[], bool] | None = None, began: float | None = None,
    ) -> None:  # fmt: skip
        self.time, self.limit, self.callbacks, self.halted = time, evaluations, callbacks, halted
        self.began = clock.perf_counter() if began is None else began
        self.history: list[dict[str, Any]] = []
        self.evaluations = 0  # of all residuals
        self.steps = 0  # of first-order methods
        self.stopped: Sentence | None = None
        self.interrupted = False
        self.warnings: list[str] = []
        self.compile_seconds: float | None = None
        self.shown = False  # whether the callbacks know which model they hear of

    # --- limits ---

    @property
    def seconds(self) -> float:
        """Since the fit began."""
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

    @property
    def over(self) -> Sentence | None:
        """Why nothing more may be spent, if so."""
        if self.interrupted:
            return say("interrupted")
        if self.stopped is not None:
            return self.stopped
        if self.time is not None and self.out_of_time():
            return say("time", time=self.time)
        if self.limit is not None and self.evaluations >= self.limit:
            return say("evaluations", evaluations=self.limit)
        return None

    def halt(self) -> bool:
        """Whether somebody outside wants to stop."""
        if self.stopped is None and self.halted is not None and self.halted():
            self.stopped = say("halted")
        return self.stopped is not None

    # --- events ---

    @property
    def passive(self) -> bool:
        """Whether no callback needs to see each epoch when it ends."""
        return all(getattr(c, "passive", False) for c in self.callbacks)

    def started(self, epochs: int, steps_per_epoch: int, parameters: int) -> bool:
        """Tell that an attempt begins; whether to stop."""
        if tell(self.callbacks, Started(epochs, steps_per_epoch, parameters)):
            self.stopped = say("callback")
        return self.stopped is not None

    def iteration(
        self, number: int, of: int, loss: float, validation: float | None, best: bool, *, stage: str | None = None,
        lr: float | None = None, steps: int | None = None, seconds: float | None = None,
    ) -> bool:  # fmt: skip
        """Write an epoch or an iteration down and tell of it; whether to stop.

        stage: of which attempt, where there may be several; None: of the only one. steps: all updates so far.
        """
        spent = self.seconds if seconds is None else seconds
        row: dict[str, Any] = dict(
            epoch=len(self.history) + 1, train_loss=loss, validation_loss=validation, lr=lr, seconds=spent
        )
        self.history.append(row if stage is None else row | {"stage": stage})
        rate, done = math.nan if lr is None else lr, self.evaluations if steps is None else steps
        told = (number, of, done, loss, validation, rate, spent, best)
        if tell(self.callbacks, Epoch(*told) if stage is None else Step(*told, stage)):
            self.stopped = say("callback")
        return self.halt()

    def finished(self, reason: str) -> None:
        """Tell that all is done."""
        tell(self.callbacks, Finished(reason, self.seconds))


class Losses:
    """The callback of a solver: writes each iteration down, keeps the best parameters, and says when to stop.

    count: numbers in the residuals, so that losses are means. check: asked at each better iteration, with the
    parameters and the root mean square, whether that is good enough.
    """

    def __init__(
        self, progress: Progress, stage: str, of: int, count: int, *, patience: int | None = None,
        check: Callable[[np.ndarray, float], bool] | None = None,
    ) -> None:  # fmt: skip
        self.progress, self.stage, self.of, self.count, self.check = progress, stage, of, count, check
        self.validation: float | None = None  # of the iteration to come, set by whoever computes it
        self.best = Best(patience)
        self.reached = self.exhausted = False
        self.before = len(progress.history)
        self.rows: dict[int, int] = {}  # the row of the history with the iteration that found some parameters

    @property
    def latest(self) -> np.ndarray | None:
        """The best parameters so far."""
        return self.best.kept

    def row(self, x: np.ndarray) -> int:
        """The row of the history with the iteration that found x; the last row where none did."""
        return self.rows.get(hash(x.tobytes()), len(self.progress.history))

    def __call__(self, x: np.ndarray, now: Any) -> bool:
        number = len(self.progress.history) - self.before + 1
        self.rows.setdefault(hash(x.tobytes()), self.before + number)
        loss = 2.0 * now.cost / self.count
        best = self.best.after(number, loss if self.validation is None else self.validation, lambda: x)
        stop = self.progress.iteration(
            min(now.number + 1, self.of), self.of, loss, self.validation, best, stage=self.stage
        )
        if not stop and self.check is not None and best:
            self.reached = self.check(x, math.sqrt(loss))
        self.exhausted = self.best.exhausted(number)
        return stop or self.reached or self.exhausted

    def solve(self, solver: Callable[[], Any]) -> Any:
        """What a solver returns; None after Ctrl-C, when `latest` is what there is."""
        try:
            return solver()
        except KeyboardInterrupt:
            self.progress.interrupted = True
            return None


__all__ = ["Losses", "Progress"]
