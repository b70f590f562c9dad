"""What a fit may cost, what it has cost so far, and who hears of it: handed from the runner to every attempt."""

from __future__ import annotations

import hashlib
import math
import time as clock
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from surefit.attempts.events import Callback, Epoch, Finished, Started, Step, notify
from surefit.attempts.journal import Journal, Underway
from surefit.attempts.keeping import Best
from surefit.sentences import Sentence, say

Found = TypeVar("Found")


class Progress:
    """One call of fit: its clock, its limits, its history and its callbacks.

    time: seconds for everything, None without a limit. evaluations: how often all residuals may be computed. halted:
    asked after each iteration whether to stop. began: when the clock started (`time.perf_counter`), if before now.
    journal: of a fit that can be gone on with after it was killed.
    """

    def __init__(
        self, *, time: float | None = None, evaluations: int | None = None, callbacks: Sequence[Callback] = (),
        halted: Callable[[], bool] | None = None, began: float | None = None, journal: Journal | None = None,
    ) -> None:  # fmt: skip
        self.time, self.limit, self.callbacks, self.halted = time, evaluations, callbacks, halted
        self.journal = journal
        self.underway: Underway | None = None  # the attempt that is being made, in the journal
        self.begun: tuple[int, int, int] | None = None  # what was told of it when it began
        self.epoch_log: list[tuple[int, int, int, bool]] = []  # of each row of the history, for the journal
        self.began = clock.perf_counter() if began is None else began
        self.data_seconds = 0.0  # of these, until there were data to fit: shares are of what is left after them
        self.seconds_after = 0.0  # kept for what follows when everything was tried
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
        return None if self.time is None else max(1e-6, self._until(share, self.time) - self.seconds)

    def out_of_time(self, share: float = 1.0) -> bool:
        """Whether this share of the time is used up."""
        return self.time is not None and self.seconds >= self._until(share, self.time)

    def _until(self, share: float, time: float) -> float:
        """Seconds at which a share of the time is used up that was left when there were data."""
        time = max(0.0, time - self.seconds_after)
        data = min(self.data_seconds, time)
        return data + share * (time - data)

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

    def twice(self, look: Callable[[], Found]) -> Found:
        """What `look` finds, which is looked at once more after an interrupt: a second one ends it."""
        try:
            return look()
        except KeyboardInterrupt:  # what was found before is not lost for that, and its error is told as it is
            self.interrupted = True
            return look()

    # --- events ---

    @property
    def passive(self) -> bool:
        """Whether no callback needs to see each epoch when it ends."""
        return all(getattr(c, "passive", False) for c in self.callbacks)

    def started(self, epochs: int, steps_per_epoch: int, parameters: int) -> bool:
        """Tell that an attempt begins; whether to stop."""
        self.begun = (epochs, steps_per_epoch, parameters)
        if notify(self.callbacks, Started(epochs, steps_per_epoch, parameters)):
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
        if self.journal is not None:
            self.epoch_log.append((number, of, done, best))
        values = (number, of, done, loss, validation, rate, spent, best)
        if notify(self.callbacks, Epoch(*values) if stage is None else Step(*values, stage)):
            self.stopped = say("callback")
        return self.halt()

    # --- in the journal ---

    @property
    def mark(self) -> tuple[int, int, int, int]:
        """Where it stands, for `since`."""
        return len(self.history), self.evaluations, self.steps, len(self.warnings)

    def since(self, mark: tuple[int, int, int, int]) -> dict[str, Any]:
        """What has happened since then, as plain data and arrays."""
        rows, evaluations, steps, warnings = mark
        return {
            "history": columns(self.history[rows:]),
            "epoch_log": columns([dict(enumerate(values)) for values in self.epoch_log[rows:]]),
            "evaluations": self.evaluations - evaluations, "steps": self.steps - steps,
            "warnings": list(self.warnings[warnings:]), "compile_seconds": self.compile_seconds,
            "seconds": self.seconds, "begun": self.begun,
        }  # fmt: skip

    def again(self, happened: dict[str, Any], begun: bool = False) -> None:
        """Let it have happened: the clock stands where it stood, and callbacks that need no weights hear of it.

        begun: that the attempt began, too.
        """
        listening = [c for c in self.callbacks if getattr(c, "passive", False)]
        if begun and happened["begun"] is not None:
            notify(listening, Started(*happened["begun"]))
        log = [tuple(row.values()) for row in rows_of(happened["epoch_log"])]
        for row, (number, of, done, best) in zip(rows_of(happened["history"]), log, strict=True):
            row["epoch"] = len(self.history) + 1
            self.history.append(row)
            self.epoch_log.append((number, of, done, best))
            rate = math.nan if row["lr"] is None else row["lr"]
            event = (number, of, done, row["train_loss"], row["validation_loss"], rate, row["seconds"], best)
            notify(listening, Step(*event, row["stage"]) if "stage" in row else Epoch(*event))
        self.evaluations += happened["evaluations"]
        self.steps += happened["steps"]
        self.warnings += happened["warnings"]
        self.compile_seconds = happened["compile_seconds"]
        self.began = clock.perf_counter() - happened["seconds"]

    def finished(self, reason: str) -> None:
        """Tell that all is done."""
        notify(self.callbacks, Finished(reason, self.seconds))


def columns(rows: list[dict[Any, Any]]) -> list[Any]:
    """Rows with the same keys as columns: [how many, [key, values], ...].

    Of values that are one object that stands alone, in a tuple.
    """
    out: list[Any] = [len(rows)]
    for key in rows[0] if rows else ():
        values = [row[key] for row in rows]
        kinds = {type(v) for v in values}
        if all(v is values[0] for v in values):
            out.append([key, (values[0],)])
        elif kinds in ({float}, {int}, {bool}):
            out.append([key, np.array(values)])
        else:
            out.append([key, values])
    return out


def rows_of(columns: list[Any]) -> list[dict[Any, Any]]:
    """What `columns` was given."""
    count, *rest = columns
    lists = {
        key: list(values) * count if isinstance(values, tuple) else np.asarray(values).tolist()
        if isinstance(values, np.ndarray) else values
        for key, values in rest
    }  # fmt: skip
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


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
        self.rows: dict[str, int] = {}  # the row of the history with the iteration that found some parameters

    @property
    def latest(self) -> np.ndarray | None:
        """The best parameters so far."""
        return self.best.kept

    def row(self, x: np.ndarray) -> int:
        """The row of the history with the iteration that found x; the last row where none did."""
        return self.rows.get(_known_by(x), len(self.progress.history))

    # --- in the journal ---

    def due(self, number: int) -> bool:
        """Whether a solver is to keep its state after so many iterations."""
        return self.progress.underway is not None and self.progress.underway.due(number)

    def keep(self, state: dict[str, Any]) -> None:
        """Keep the state of a solver, and what is known here."""
        if self.progress.underway is not None:
            best = (self.best.value, self.best.number, self.best.kept)
            self.progress.underway.keep({"solver": state, "best": best, "rows": dict(self.rows)})

    def take(self) -> dict[str, Any] | None:
        """The state of the solver from which to go on, once; None where there is none."""
        found = None if self.progress.underway is None else self.progress.underway.take()
        if found is None:
            return None
        self.best.value, self.best.number, self.best.kept = found["best"]
        self.rows = found["rows"]
        solver: dict[str, Any] = found["solver"]
        return solver

    def __call__(self, x: np.ndarray, now: Any) -> bool:
        number = len(self.progress.history) - self.before + 1
        self.rows.setdefault(_known_by(x), self.before + number)
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


def _known_by(x: np.ndarray) -> str:
    return hashlib.blake2b(x.tobytes(), digest_size=8).hexdigest()


__all__ = ["Losses", "Progress"]
