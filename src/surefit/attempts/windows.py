"""First-order training on a table that is read in parts: the same steps, on rows of one window after another.

An epoch visits the parts of the table in an order drawn for it. As many training rows as a window holds are read, in
the units of the network; they are shuffled, and trained on in batches, while the next window is read. A window that
holds all training rows is read once; training is then what it would be in memory, to the last bit.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.attempts.methods import FirstOrder
from surefit.attempts.training import NotFiniteLoss, Training
from surefit.checking import memory_peak
from surefit.errors import DataError
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.problems.scaling import Scaling
from surefit.problems.streams import Reader, Stream, only
from surefit.sentences import Sentence, say

MEMORY = 2**28  # bytes of the training rows that are in memory at a time, where nobody says how many rows
TICK = 0.05  # seconds between two looks at the clock, while rows are read
BLOCKS = 0xB10C  # of the seeds of the order of the parts

Columns = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # x (n, d), y (n, k), weights (n, 1), in units and dtype


@dataclass(frozen=True)
class InUnits:
    """How a part of a table becomes training rows of a network; can be sent to where the parts are.

    weight: of a row, that counts as 1.
    """

    reader: Reader
    scaling: Scaling
    dtype: np.dtype
    weight: float

    def __call__(self, start: int, part: Any) -> Columns:
        """The training rows of a part that begins with this row."""
        rows = only(self.reader, 0, start, part)
        x, y = (np.ascontiguousarray(column, self.dtype) for column in self.scaling.rows((rows.x, rows.y)))
        weights = None if rows.weights is None else (rows.weights / self.weight).astype(self.dtype)[:, None]
        return x, y, weights


class Windows:
    """The training rows of a table, window after window, each read while the one before is in use.

    rows: of each window but the last of an epoch. seed: of the order of the parts, with the number of the epoch.
    """

    def __init__(self, stream: Stream, units: InUnits, rows: int, seed: int) -> None:
        self.stream, self.units, self.rows, self.seed = stream, units, rows, seed
        self.count = stream.counts["train"]
        self.hurry = threading.Event()  # what was read is to be used now
        self.kept: Columns | None = None  # the only window
        self._windows: Generator[Columns] | None = None  # of all epochs
        self._next: Future[Columns] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def of_epoch(self, number: int, over: Callable[[], bool]) -> Iterator[Columns]:
        """The windows of an epoch; fewer when it is over, but one that there is to be read."""
        if self.kept is not None:
            yield self.kept
            return
        if self._next is None:
            self._pool = ThreadPoolExecutor(1)
            self._windows = self._endless(number)
            self._next = self._pool.submit(self._windows.__next__)
        assert self._pool is not None
        assert self._windows is not None
        seen = 0
        while seen < self.count:
            window = self._waited(over, seen > 0)
            if window is None:
                return
            whole = len(window[0]) == self.count
            if whole:
                self.kept = window
                self.close()
            else:
                self._next = self._pool.submit(self._windows.__next__)
            seen += len(window[0])
            yield window

    def _waited(self, over: Callable[[], bool], any_seen: bool) -> Columns | None:
        """The next window, or as much of it as was read when it is over; then None where others were seen."""
        assert self._next is not None
        while True:
            try:
                return self._next.result(TICK)
            except TimeoutError:
                if self._next.done():
                    raise
                if over():
                    if any_seen:
                        return None
                    self.hurry.set()

    def _endless(self, number: int) -> Generator[Columns]:
        """The windows of this epoch and all that follow."""
        while True:
            yield from self._read(number)
            number += 1

    def _read(self, number: int) -> Generator[Columns]:
        """The windows of an epoch."""
        left, filled, seen = self.count, 0, 0
        window: Columns | None = None
        alone = self.rows >= self.count  # then the order of the parts is of no use
        rng = None if alone else np.random.default_rng([self.seed, BLOCKS, number])
        with closing(self.stream.batches.map(self.units, self.units.reader.columns, rng)) as parts:
            for part in parts:
                seen += len(part[0])
                if seen > self.count:
                    raise self._changed()
                at = 0
                while at < len(part[0]):
                    if window is None:
                        window, filled = _empty(part, min(self.rows, left)), 0
                    some = min(len(part[0]) - at, len(window[0]) - filled)
                    _fill(window, filled, part, at, some)
                    at, filled, left = at + some, filled + some, left - some
                    if filled == len(window[0]):
                        yield window
                        window = None
                if self.hurry.is_set() and window is not None and filled:
                    yield _first(window, filled)
                    window = None
        if seen < self.count and not self.hurry.is_set():
            raise self._changed()

    def _changed(self) -> DataError:
        return DataError(f"{self.stream.batches.label}: has changed while it was read; fit again")

    def close(self) -> None:
        """Read no more."""
        if self._next is not None:
            self.hurry.set()
            self._next.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        if self._windows is not None:
            self._windows.close()
        self._next = self._pool = self._windows = None
        self.hurry.clear()


def _empty(like: Columns, rows: int) -> Columns:
    x, y, weights = (None if c is None else np.empty((rows, *c.shape[1:]), c.dtype) for c in like)
    assert x is not None
    assert y is not None
    return x, y, weights


def _fill(window: Columns, to: int, part: Columns, at: int, count: int) -> None:
    for there, here in zip(window, part, strict=True):
        if there is not None and here is not None:
            there[to : to + count] = here[at : at + count]


def _first(window: Columns, count: int) -> Columns:
    x, y, weights = window
    return x[:count], y[:count], None if weights is None else weights[:count]


class PartsTraining(Training):
    """One training on all training rows of a table of which the problem has a sample.

    halted: asked, as `over` is, whether an epoch is to end. loop: the compiled steps; None: eager ones.
    """

    def __init__(
        self, model: Scaled, problem: Problem, method: FirstOrder, seed: int, halted: Callable[[], bool]
    ) -> None:
        stream = problem.stream
        assert stream is not None
        self.count, self.halted = stream.counts["train"], halted
        self.loop: Any = None
        super().__init__(model, problem, method, seed)
        self.sample = (self.x, self.y, self.weights)
        weight = 1.0 if problem.weights is None else float(problem.weights.mean())
        units = InUnits(stream.reader, model.scaling, model.dtype, weight or 1.0)
        size = self.x.itemsize * (self.x.shape[1] + self.y.shape[1] + (self.weights is not None))
        asked = None if problem.plan is None else problem.plan.window
        window = rows_of_window(self.count, asked, size, self.batch)
        self.memory = MEMORY + (1 if window == self.count else 2) * window * size
        self.windows = Windows(stream, units, window, seed)
        self.most = 0  # rows read in an epoch

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        return self.count

    @property
    def examples(self) -> list[np.ndarray | None]:
        """See `Training`."""
        rows = self.batch + self.count % self.batch
        return [*(None if c is None else np.resize(c, (rows, *c.shape[1:])) for c in self.sample), None]

    def epoch(self, over: Callable[[], bool] = lambda: False) -> float:
        """See `Training`: the rows of one window after another."""
        total, seen = 0.0, 0
        ended = lambda: over() or self.halted()
        for window in self.windows.of_epoch(self.steps // self.steps_per_epoch + 1, ended):
            self.most = max(self.most, seen + len(window[0]))
            self.x, self.y, self.weights = window[0], window[1], None if self.weights is None else window[2]
            alone = self.loop is not None and self.batch == self.count  # as it is in memory
            order = np.arange(self.count) if alone else self.rng.permutation(len(self.x))
            more, rows = (self.batches if self.loop is None else self.compiled)(order, ended)
            total, seen = total + more, seen + rows
            if ended():
                break
        return total / seen if seen else math.inf

    def compiled(self, order: np.ndarray, over: Callable[[], bool]) -> tuple[float, int]:
        """See `batches`."""
        left = len(order) % self.batch
        if left not in (0, self.count % self.batch):  # of a window that was cut short
            order = order[: len(order) - left]
        sizes = np.diff([*range(0, len(order), self.batch), len(order)])
        rates = np.empty(len(sizes))
        group = self.optimizer.param_groups[0]
        for i in range(len(rates)):
            rates[i] = group["lr"]
            if self.when == "step":
                self.schedule.step()
        losses = self.loop.sweep([c for c in self.columns if c is not None], order, rates, over)
        self.steps += len(losses)
        if len(losses) and not math.isfinite(losses[-1]):
            at = (len(losses) - 1) * self.batch
            raise NotFiniteLoss(float(losses[-1]), order[at : at + self.batch])
        done = sizes[: len(losses)]
        return float(losses @ done), int(done.sum())

    def validate(self) -> float | None:
        """See `Training`."""
        if self.loop is None or self.validation is None:
            return super().validate()
        loss: float = self.loop.validate()
        if not math.isfinite(loss):
            raise NotFiniteLoss(loss, np.arange(min(self.batch, len(self.x))))
        return loss

    @property
    def read(self) -> dict[str, int]:
        """How many training rows were used, and how many were in memory at a time, for `Stream.to_dict`."""
        used = self.count if self.steps >= self.steps_per_epoch else self.most
        return {"used": used, "window": self.windows.rows}

    def close(self) -> Sentence | None:
        """Read no more; what is to be said of rows that were never read."""
        self.windows.close()
        self.windows.stream.memory = memory_peak() or self.memory
        used = self.read["used"]
        return None if used == self.count else say("rows-unread", read=used, rows=self.count)


def rows_of_window(count: int, asked: int | None, size: int, batch: int) -> int:
    """Of so many training rows those in memory at a time: whole batches, as asked for, else what `MEMORY` holds.

    size: bytes of a row. While one window is in use the next one is read; one that holds all rows is read alone.
    """
    if asked is None:
        asked = count if count * size <= MEMORY else MEMORY // 2 // size
    return count if asked >= count else min(count, max(1, -(-asked // batch)) * batch)


__all__ = ["InUnits", "PartsTraining", "Windows", "rows_of_window"]
