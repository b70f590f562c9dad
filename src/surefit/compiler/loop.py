"""The loop of training, native: chunks of epochs run without Python.

A step function is recorded for the full batch and, where rows are left over, for the last one. Each becomes a module
with `step(arena)` and `loop(arena, context)`, which gathers rows by index, takes the learning rate of each step from an
array, keeps the loss of each step, and ends at a stop flag, an error, or a loss that is not finite. The runtime around
them is one module for all programs: per epoch it runs the loops, averages the loss, validates, keeps the best state and
ends when patience does. Native code runs in a worker thread, so that Python stays interruptible.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from surefit.compiler import engine
from surefit.compiler import loop_code as code
from surefit.compiler.codegen import HELPER, LOOP, RELEASE, STEP
from surefit.compiler.compiled import Built
from surefit.compiler.explain import Explanation
from surefit.compiler.threads import QUIT
from surefit.core.creation import as_tensor
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor
from surefit.cores import cores
from surefit.errors import ArgumentError, RecordError, ShapeError, SurefitError
from surefit.worker import Background, interruptible

Method = TypeVar("Method", bound=Callable[..., Any])


class Part(Built):
    """A step compiled for one size of batch, with its loop and its arena. Its step and loop stay as long as it does."""

    def __init__(
        self, program: Program, streams: Sequence[int] | None, rate: Tensor | None, mode: str, t: engine.Target,
        record_seconds: float = 0.0, threads: int = 1,
    ) -> None:  # fmt: skip
        leaves = [leaf for leaf, _ in program.state_in]
        place = next((i for i, leaf in enumerate(leaves) if leaf is rate), None)
        self.rated = place is not None
        at = None if place is None else len(program.inputs) + place
        super().__init__(program, mode, t, record_seconds, threads=threads, streams=streams, rate=at)
        self.loss = self.results[0]

    @property
    def threads(self) -> int:
        """How many threads can share a step."""
        return self.layout.threads

    def leaf(self, t: Tensor) -> np.ndarray | None:
        """The array of a leaf in the arena, or None where the step does not read it."""
        return next((a for (leaf, _), a in zip(self.program.state_in, self.state, strict=True) if leaf is t), None)

    def load_state(self) -> None:
        """The leaves' present values into the arena."""
        for (leaf, _), a in zip(self.program.state_in, self.state, strict=True):
            a[...] = self.program._present(leaf)

    def store_state(self) -> None:
        """The state in the arena back into the leaves that the step assigns."""
        arrays = {id(leaf): a for (leaf, _), a in zip(self.program.state_in, self.state, strict=True)}
        for leaf, _ in self.program.state_out:
            a = arrays.get(id(leaf))
            if a is not None:
                leaf.assign(a.copy())

    def context(self, data: Sequence[np.ndarray], losses: np.ndarray, stop: np.ndarray, done: np.ndarray) -> np.ndarray:
        """A loop's context over these arrays."""
        c = np.zeros(code.DATA + len(data), np.int64)
        c[code.LOSSES], c[code.STOP], c[code.DONE] = losses.ctypes.data, stop.ctypes.data, done.ctypes.data
        c[code.ALONE] = 1
        c[code.DATA :] = [a.ctypes.data for a in data]
        return c

    @contextmanager
    def company(self) -> Iterator[None]:
        """The second thread, for the time of a loop that is not alone."""
        helper, release = self.library.function(HELPER), self.library.function(RELEASE)
        flag = self.arena.bytes[QUIT : QUIT + 4].view(np.int32)
        flag[0] = 0
        second = Background(lambda: helper(self.arena.address))
        try:
            second.start()
            yield
        finally:
            if second.begun:
                if not flag[0]:  # else the loop has sent it away
                    release(self.arena.address)
                second.finish()
            flag[0] = 0

    def error(self, rows: np.ndarray | None, data: Sequence[np.ndarray]) -> Exception:
        """What the eager step says about the rows at which an error stopped the loop."""
        what, where = self.failure(self.arena.error)
        self.arena.forget_error()
        n = len(self.program.inputs)
        given = [a[rows] if rows is not None else a for a in data] if data else self.inputs[:n]
        try:
            self.program.replay(given, [a.copy() for a in self.state])
        except SurefitError as e:
            return type(e)(f"{e} ({where})")
        return ArgumentError(f"{self.program.name}: {what} out of range in {where}")


def check_state(program: Program) -> None:
    """RecordError where a step assigns a leaf that it never reads: it has no place between steps."""
    read = {id(leaf) for leaf, _ in program.state_in}
    for leaf, _ in program.state_out:
        if id(leaf) not in read:
            raise RecordError(
                f"{program.name}: assigns a leaf of shape {leaf.shape} that it does not read; read it first"
            )


@dataclass
class Epochs:
    """What a chunk of epochs left: losses of each epoch that was completed, and why it ended.

    ended: "" (all done), "patience", "stopped" (flag or time), or "not finite" (then the last loss is that one).
    last_step: steps of the epoch that was cut off, partial: their mean loss.
    """

    train: np.ndarray
    validation: np.ndarray | None
    ended: str
    best_epoch: int
    best_loss: float
    steps: int
    last_step: int
    partial: float


class Pace:
    """Whether one thread or two is faster, from how long steps took.

    Short runs are not counted, in which the second thread has hardly arrived, nor the first one, which meets cold
    memory. Then each way is tried, two threads are kept where they are clearly faster, and now and then the other way
    is tried again, since the second core may have become busy or free: more and more seldom while that changes nothing.
    """

    AGAIN, SELDOM = 16, 256  # runs after which the way that is not taken is tried once more: at first, and at most
    CLEARLY = 0.95
    SHORT = 5e-3  # seconds

    def __init__(self, free: bool) -> None:
        self.free, self.runs = free, 0
        self.wait, self.trial = self.AGAIN, self.AGAIN  # runs between two trials, and the run that is the next one
        self.best = False
        self.seconds: dict[bool, list[float]] = {False: [], True: []}

    def two(self) -> bool:
        """Whether the next run takes two threads."""
        if not self.free:
            return True
        for way in (False, True):
            if self.runs > 0 and not self.seconds[way]:
                return way
        if self.runs == 0:
            return False
        one, both = (min(self.seconds[way]) for way in (False, True))
        best = both < self.CLEARLY * one
        if best != self.best:
            self.best, self.wait, self.trial = best, self.AGAIN, self.runs + self.AGAIN
        if self.runs == self.trial:
            return not best
        if self.runs > self.trial:
            self.wait = min(2 * self.wait, self.SELDOM)
            self.trial += self.wait
        return best

    def took(self, two: bool, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        if seconds < self.SHORT:
            return
        if self.runs > 0:
            self.seconds[two] = [*self.seconds[two][-1:], seconds / steps]  # of the last two
        self.runs += 1


def _one_at_a_time(method: Method) -> Method:
    """A method that waits while another thread runs one of the same object: there is one arena."""

    @wraps(method)
    def alone(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._running:
            return method(self, *args, **kwargs)

    return alone  # type: ignore[return-value]


class TrainingLoop:
    """A step function in a native loop over batches of data.

    step: a function of one Tensor for each array of `data` (its rows of one batch) that returns the loss: zero_grad,
    backward and optimiser step included, as in PyTorch. data: arrays with the same number of rows. batch_size: rows a
    step; None: all. rate: the leaf that holds the learning rate, if `run` or `epochs` are to set it. validate: a
    function of the arrays in `validation` that returns a loss, called after each epoch. keep: leaves whose values at
    the best epoch are kept in `best`. mode, target: as in `jit`. threads: 1, 2, or None for whichever is faster now:
    large steps can be shared by two threads, which changes no bit of the result but loses time where the second core
    is busy.
    """

    def __init__(
        self, step: Callable[..., Any], data: Sequence[Any], batch_size: int | None = None, *,
        rate: Tensor | None = None, validate: Callable[..., Any] | None = None, validation: Sequence[Any] = (),
        keep: Sequence[Tensor] = (), mode: str = "fast", target: str | None = None, threads: int | None = None,
    ) -> None:  # fmt: skip
        if threads not in (None, 1, 2):
            raise ArgumentError(f"TrainingLoop: threads={threads!r} must be 1, 2 or None (whichever is faster)")
        self.threads = min(2, cores()) if threads is None else threads
        self.pace = Pace(free=threads is None)
        self.data = [np.ascontiguousarray(getattr(a, "_value", a)) for a in data]
        sizes = {len(a) for a in self.data}
        if len(sizes) != 1:
            raise ShapeError(f"TrainingLoop: data have {[len(a) for a in self.data]} rows; they must agree")
        self.count = sizes.pop()
        self.batch = self.count if batch_size is None else min(int(batch_size), self.count)
        if self.batch < 1:
            raise ArgumentError(f"TrainingLoop: batch_size={batch_size} with {self.count} rows: nothing to train on")
        self.rest = self.count % self.batch
        t = engine.target(target)
        self.full = self._part(step, self.batch, rate, mode, t, self.threads)
        self.part = self._part(step, self.rest, rate, mode, t) if self.rest else None
        self.validation: Part | None = None
        if validate is not None:
            arrays = [np.ascontiguousarray(getattr(a, "_value", a)) for a in validation]
            began = time.perf_counter()
            program = record(validate, *map(as_tensor, arrays))
            self.validation = Part(program, None, None, mode, t, time.perf_counter() - began)
            for there, a in zip(self.validation.inputs, arrays, strict=False):
                there[...] = a
        self.keep = list(keep)
        self.stop = np.zeros(1, np.int32)
        self._running = threading.Lock()
        self._runtime = code.runtime(t)
        self.reset()

    def _part(self, step: Callable[..., Any], size: int, rate: Tensor | None, mode: str, t: engine.Target,
              threads: int = 1) -> Part:  # fmt: skip
        began = time.perf_counter()
        program = record(step, *(as_tensor(np.ascontiguousarray(a[:size])) for a in self.data))
        if len(program.outputs) != 1 or program.outputs[0].aval.shape != ():
            raise ArgumentError(f"{program.name}: a training step must return one number, the loss")
        check_state(program)
        return Part(program, range(len(self.data)), rate, mode, t, time.perf_counter() - began, threads)

    def _check_assumed(self) -> None:
        """RecordError where a setting that decided what the step does is another one by now."""
        changed = [a for p in (self.full, self.part) if p is not None for a in p.program.assumed if a.now != a.value]
        if changed:
            owner, field, value = changed[0]
            raise RecordError(
                f"TrainingLoop: {field} of a {type(owner).__name__} was {value} when the step was compiled, and is now "
                f"{changed[0].now}; set it back, or make a new TrainingLoop"
            )

    @property
    def parts(self) -> list[Part]:
        return [p for p in (self.full, self.part, self.validation) if p is not None]

    @property
    def compile_seconds(self) -> float:
        """Time to record, plan, write and compile all steps."""
        return sum(sum(p.seconds.values()) for p in self.parts)

    @property
    def seconds(self) -> dict[str, float]:
        """The same by part: record, passes, IR, LLVM."""
        return {k: sum(p.seconds[k] for p in self.parts) for k in self.full.seconds}

    def explain(self) -> Explanation:
        """What the step for a full batch became."""
        return self.full.explain()

    # --- single steps ---

    @_one_at_a_time
    def run(self, rows: Any = None, steps: int | None = None, rates: Any = None) -> np.ndarray:
        """Steps on given rows: the loss of each.

        rows: (steps, batch) indices into the data; None: the full batch, `steps` times. rates: a learning rate for each
        step (needs `rate`); None: the leaf's own. Ends early, with fewer losses, after a loss that is not finite.
        """
        self._check_assumed()
        p = self.full
        if rows is None:
            if self.batch != self.count:
                raise ArgumentError(
                    f"run: rows are needed, (steps, {self.batch}) indices, since a batch is not all data"
                )
            count = 1 if steps is None else int(steps)
            for there, a in zip(p.inputs, self.data, strict=False):
                there[...] = a
        else:
            rows = np.ascontiguousarray(rows, np.int64)
            if rows.ndim != 2 or rows.shape[1] != self.batch:
                raise ShapeError(f"run: rows must be (steps, {self.batch}), got {rows.shape}")
            if rows.size and (rows.min() < 0 or rows.max() >= self.count):
                raise ArgumentError(f"run: rows go from {rows.min()} to {rows.max()}, but there are {self.count} rows")
            count = len(rows)
        if rates is not None:
            if not p.rated:
                raise ArgumentError("run: rates need the leaf of the learning rate: TrainingLoop(..., rate=leaf)")
            rates = np.ascontiguousarray(rates, np.float64)
            if rates.shape != (count,):
                raise ShapeError(f"run: rates must be ({count},), got {rates.shape}")
        return self._steps(p, self.data, rows, count, rates)

    def _steps(
        self, p: Part, data: Sequence[np.ndarray], rows: np.ndarray | None, count: int, rates: np.ndarray | None,
        halted: Callable[[], bool] | None = None,
    ) -> np.ndarray:  # fmt: skip
        """`count` steps of a part on these rows of the data; the loss of each that was done."""
        losses, done = np.zeros(max(1, count)), np.zeros(1, np.int64)
        context = p.context(data, losses, self.stop, done)
        context[code.STEPS] = count
        context[code.ROWS] = 0 if rows is None else rows.ctypes.data
        context[code.RATES] = 0 if rates is None else rates.ctypes.data
        loop = p.library.function(LOOP, 2)
        self.stop[0] = 0
        p.load_state()
        try:
            with self._company(context, count) if p is self.full else nullcontext():
                interruptible(lambda: loop(p.arena.address, context.ctypes.data), self.stop, halted=halted)
        finally:
            p.store_state()
        ran = int(done[0])
        if p.arena.error:
            raise p.error(None if rows is None else rows[ran - 1], data)
        return losses[:ran]

    # --- rows that are not all there at once ---

    @_one_at_a_time
    def sweep(
        self, data: Sequence[np.ndarray], rows: np.ndarray, rates: np.ndarray, halted: Callable[[], bool] | None = None
    ) -> np.ndarray:
        """Steps on rows of other data, arrays like those that it was made for: the loss of each step.

        rows: (n,) indices, a batch for each step; as many as are left over in an epoch may be the last. rates: one for
        each step. halted: asked every 20 ms whether to stop. Fewer losses: it was stopped, or the last is not finite.
        """
        self._check_assumed()
        data, steps = [np.ascontiguousarray(a) for a in data], len(rows) // self.batch
        rows, rates = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(rates, np.float64)
        if len(rows) and (rows.min() < 0 or rows.max() >= min(map(len, data))):
            raise ArgumentError(f"sweep: rows go from {rows.min()} to {rows.max()}, of {min(map(len, data))}")
        whole = rows[: steps * self.batch].reshape(steps, self.batch)
        losses = self._steps(self.full, data, whole, steps, rates[:steps], halted) if steps else np.zeros(0)
        left = rows[steps * self.batch :]
        if len(losses) < steps or not len(left) or (steps and not math.isfinite(losses[-1])):
            return losses
        if self.part is None or len(left) != self.rest:
            raise ShapeError(f"sweep: {len(left)} rows are left over for the last batch; it was made for {self.rest}")
        return np.concatenate([losses, self._steps(self.part, data, left[None], 1, rates[steps:], halted)])

    @_one_at_a_time
    def validate(self) -> float:
        """The loss of the validation rows, with the values that the leaves have now."""
        self._check_assumed()
        v = self.validation
        if v is None:
            raise ArgumentError("validate: there are no validation rows; TrainingLoop(..., validate=, validation=)")
        v.load_state()
        step = v.library.function(STEP)
        interruptible(lambda: step(v.arena.address), self.stop)
        if v.arena.error:
            raise v.error(None, ())
        return float(v.loss.reshape(-1)[0])

    @contextmanager
    def _company(self, context: np.ndarray, steps: int) -> Iterator[None]:
        """One thread or two for so many steps, and how long they took."""
        two = self.full.threads == 2 and self.pace.two()
        context[code.ALONE] = 0 if two else 1
        began = time.perf_counter()
        with self.full.company() if two else nullcontext():
            yield
        self.pace.took(two, max(1, steps), time.perf_counter() - began)

    # --- epochs ---

    def reset(self) -> None:
        """Forget the best epoch."""
        self.best_loss, self.best_epoch = np.full(1, np.inf), np.zeros(1, np.int64)
        self.best = [np.zeros(leaf.shape, leaf.dtype) for leaf in self.keep]

    def _copies(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        flat = [len(pairs)]
        for a, b in pairs:
            flat += [a.ctypes.data, b.ctypes.data, a.nbytes]
        return np.array(flat, np.int64)

    def _shared(self, a: Part, b: Part) -> list[tuple[np.ndarray, np.ndarray]]:
        """The state that two parts have in common, as pairs of arrays."""
        pairs = []
        for (leaf, _), there in zip(b.program.state_in, b.state, strict=True):
            here = a.leaf(leaf)
            if here is None:
                there[...] = b.program._present(leaf)
            elif here.size:
                pairs.append((here, there))
        return pairs

    @_one_at_a_time
    def epochs(
        self, count: int, order: np.ndarray | None, rates: np.ndarray | None = None, *, first: int = 1,
        patience: int | None = None, seconds: float | None = None, halted: Callable[[], bool] | None = None,
    ) -> Epochs:  # fmt: skip
        """`count` epochs without Python: every row once each, then validation, best state and patience.

        order: (count, rows) permutations; None where a batch is all data. rates: (count, steps an epoch) learning
        rates. first: the number of the first epoch. seconds: sets the stop flag when they are over. halted: asked every
        20 ms whether to stop; whoever calls for one chunk after another asks it between them.
        """
        self._check_assumed()
        p, q, v = self.full, self.part, self.validation
        steps = self.count // self.batch
        c = np.zeros(code.SLOTS, np.int64)
        done, ran, part_ran = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64)
        losses, part_losses = np.zeros(steps), np.zeros(1)
        train, validation = np.zeros(count), np.zeros(count)
        full = p.context(self.data, losses, self.stop, ran)
        full[code.STEPS] = steps
        hold: list[Any] = [full]
        c[code.EPOCHS], c[code.N_ROWS] = count, self.count
        c[code.E_STOP], c[code.E_DONE] = self.stop.ctypes.data, done.ctypes.data
        c[code.FULL_LOOP], c[code.FULL_ARENA] = p.library.addresses[LOOP], p.arena.address
        c[code.FULL_CONTEXT], c[code.FULL_STEPS], c[code.FULL_ROWS] = full.ctypes.data, steps, self.batch
        if q is not None:
            part = q.context(self.data, part_losses, self.stop, part_ran)
            part[code.STEPS] = 1
            forth = self._shared(p, q)
            there, back = self._copies(forth), self._copies([(b, a) for a, b in forth])
            hold += [part, there, back]
            c[code.PART_LOOP], c[code.PART_ARENA] = q.library.addresses[LOOP], q.arena.address
            c[code.PART_CONTEXT], c[code.PART_ROWS] = part.ctypes.data, self.rest
            c[code.TO_PART], c[code.FROM_PART] = there.ctypes.data, back.ctypes.data
        if v is not None:
            seen = self._copies(self._shared(p, v))
            hold.append(seen)
            c[code.VALIDATE], c[code.V_ARENA] = v.library.addresses[STEP], v.arena.address
            c[code.TO_VALIDATION] = seen.ctypes.data
            c[code.V_LOSS], c[code.V_WIDE] = v.loss.ctypes.data, v.loss.dtype.itemsize == 8
        kept = []
        for leaf, best in zip(self.keep, self.best, strict=True):
            here = p.leaf(leaf)
            if here is not None and best.size:
                kept.append((here, best))
        best_list = self._copies(kept)
        c[code.TRAIN_LOSSES], c[code.VALIDATION_LOSSES] = train.ctypes.data, validation.ctypes.data
        c[code.BEST_LOSS], c[code.BEST_EPOCH] = self.best_loss.ctypes.data, self.best_epoch.ctypes.data
        c[code.TO_BEST] = best_list.ctypes.data
        c[code.PATIENCE], c[code.FIRST_EPOCH] = -1 if patience is None else patience, first
        if order is None:
            for there, a in zip(p.inputs, self.data, strict=False):
                there[...] = a
        else:
            order = np.ascontiguousarray(order, np.int64)
            c[code.ROW_INDEX] = order.ctypes.data
        if rates is not None:
            rates = np.ascontiguousarray(rates, np.float64)
            c[code.RATE_ARRAY] = rates.ctypes.data
        self.stop[0] = 0
        p.load_state()
        try:
            with self._company(full, count * steps):
                interruptible(lambda: self._runtime(c.ctypes.data), self.stop, seconds, halted)
        finally:
            p.store_state()
        n = int(done[0])
        for which in (p, q, v):
            if which is not None and which.arena.error:
                raise which.error(None, ())
        if n == count:
            ended = ""
        elif self.stop[0]:
            ended = "stopped"
        elif n and patience is not None and first + n - 1 - int(self.best_epoch[0]) >= patience:
            ended = "patience"
        else:
            ended = "not finite"
        shown = n if ended != "not finite" else min(count, n + 1)
        last = int(ran[0]) + int(part_ran[0]) if n < count and ended in ("stopped", "not finite") else 0
        return Epochs(
            train[:shown], validation[:shown] if v is not None else None, ended, int(self.best_epoch[0]),
            float(self.best_loss[0]), n * (steps + (q is not None)) + last, last,
            float(train[n]) if last else math.nan,
        )  # fmt: skip


__all__ = ["Epochs", "Part", "TrainingLoop"]
