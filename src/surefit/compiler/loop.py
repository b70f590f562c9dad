"""The loop of training, native: chunks of epochs run without Python.

A step function is recorded for the full batch and, where rows are left over, for the last one. Each becomes a module
with `step(arena)` and `loop(arena, context)`, which gathers rows by index, takes the learning rate of each step from an
array, keeps the loss of each step, and ends at a stop flag, an error, or a loss that is not finite. The runtime around
them is one module for all programs: per epoch it runs the loops, averages the loss, validates, keeps the best state and
ends when patience does. Native code runs in a worker thread, so that Python stays interruptible.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.compiler import cache, engine
from surefit.compiler.build import BODY, HELPER, LOOP, RELEASE, STEP, Built, Writing
from surefit.compiler.explain import Explanation
from surefit.compiler.text import BYTES, Function, Module, Value, constant
from surefit.compiler.threads import QUIT, cores
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor, as_tensor
from surefit.errors import ArgumentError, RecordError, ShapeError, SurefitError

ROWS, STEPS, LOSSES, RATES, STOP, DONE, ALONE, DATA = range(8)  # places in a loop's context, 8 bytes each


def write_loop(w: Writing, streams: Sequence[int], rate: int | None) -> None:
    """`loop(arena, context)` beside a step.

    streams: which inputs get gathered rows, in the order of the context's data pointers; rate: the input that is the
    learning rate.
    """
    f = Function(w.module, LOOP, [("arena", "ptr"), ("context", "ptr")], noalias=False)
    arena, context = f.args["arena"], f.args["context"]

    def slot(i: int, kind: str) -> Value:
        return f.load(f.gep(context, i, "i64"), kind)

    rows, steps, losses, rates = slot(ROWS, "ptr"), slot(STEPS, "i64"), slot(LOSSES, "ptr"), slot(RATES, "ptr")
    stop, done = slot(STOP, "ptr"), slot(DONE, "ptr")
    data = [slot(DATA + k, "ptr") for k in range(len(streams))]
    places = [w.plan.places[w.plan.inputs[i].id] for i in streams]
    shapes = [w.plan.inputs[i].shape for i in streams]
    kinds = [p.buffer.kind for p in places]
    batch = shapes[0][0] if streams else 0
    given = f.emit("i1", 1, f"icmp ne {rows}, null")
    paced = f.emit("i1", 1, f"icmp ne {rates}, null")
    out = w.plan.results[0]
    out_kind = out.buffer.kind
    finish = f.label("finish")
    f.store(f.i64(0), done)
    with f.when(f.compare("le", steps, 0)):
        f.ret()
        f.start(f.label("dead"))
    with f.loop(0, steps) as l:
        on = f.emit("i32", 1, f"load volatile i32, {stop}, align 4")
        halted, go = f.label("halted"), f.label("go")
        f.branch_if(f.compare("ne", on, 0), halted, go)
        f.start(halted)
        f.branch(finish)
        f.start(go)
        with f.when(given):
            first = f.mul(l.i, batch)
            for source, place, shape, kind in zip(data, places, shapes, kinds, strict=True):
                _gather(f, source, rows, first, f.gep(arena, place.buffer.start, "i8"), shape, kind, w.target)
        if rate is not None:
            leaf = w.plan.inputs[rate]
            with f.when(paced):
                x = f.load(f.gep(rates, l.i, "f64"), "f64")
                at = f.gep(arena, w.plan.places[leaf.id].buffer.start, "i8")
                f.store(f.convert(x, leaf.kind), at)
        if w.threads == 1:
            f.call("@" + STEP, arena)
        else:
            alone = slot(ALONE, "i64")
            with f.when(f.compare("eq", alone, 0)):
                f.line(f"call void {w.meet}({arena}, i64 0)")
            f.line(f"call void @{BODY}({arena}, i64 0, {alone})")
        loss = f.load(f.gep(arena, out.buffer.start + out.start * BYTES[out_kind], "i8"), out_kind)
        loss = f.convert(loss, "f64")
        f.store(loss, f.gep(losses, l.i, "f64"))
        f.store(f.add(l.i, 1), done)
        error = f.load(arena, "i32")
        wrong = f.compare("ne", error, 0)
        size = f.emit("f64", 1, f"call double {f.module.declare('llvm.fabs.f64', 'double', ['double'])}({loss})")
        wild = f.not_(f.compare("lt", size, float("inf")))
        bad, fine = f.label("bad"), f.label("fine")
        f.branch_if(f.or_(wrong, wild), bad, fine)
        f.start(bad)
        f.branch(finish)
        f.start(fine)
    f.branch(finish)
    f.start(finish)
    f.ret()
    f.end()


def _gather(
    f: Function, source: Value, rows: Value, first: Value, target: Value, shape: tuple[int, ...], kind: str,
    t: engine.Target,
) -> None:  # fmt: skip
    """Rows of a contiguous array, chosen by index, side by side."""
    memory = "i8" if kind == "i1" else kind
    size = 1
    for n in shape[1:]:
        size *= n
    if size == 0 or shape[0] == 0:
        return
    lanes = t.vector_bytes // BYTES[memory]

    def row(r: Value) -> None:
        i = f.load(f.gep(rows, f.add(first, r), "i64"), "i64")
        p = f.gep(source, f.mul(i, size), memory)
        q = f.gep(target, f.mul(r, size), memory)
        full = size // lanes
        if full:
            with f.loop(0, full * lanes, lanes) as l:
                f.store(f.load(f.gep(p, l.i, memory), memory, lanes), f.gep(q, l.i, memory))
        at, rest = full * lanes, size - full * lanes
        while rest:
            width = 1 << (rest.bit_length() - 1)
            f.store(f.load(f.gep(p, at, memory), memory, width), f.gep(q, at, memory))
            at, rest = at + width, rest - width

    if shape[0] == 1:
        row(f.i64(0))
    else:
        with f.loop(0, shape[0]) as l:
            row(l.i)


# --- the runtime around the loops: one module for all programs ------------------------------------------------------

(
    EPOCHS, E_STOP, E_DONE, N_ROWS, FULL_LOOP, FULL_ARENA, FULL_CONTEXT, FULL_STEPS, FULL_ROWS, PART_LOOP, PART_ARENA,
    PART_CONTEXT, PART_ROWS, TO_PART, FROM_PART, VALIDATE, V_ARENA, TO_VALIDATION, V_LOSS, V_WIDE, TRAIN_LOSSES,
    HELD_LOSSES, BEST_LOSS, BEST_EPOCH, TO_BEST, PATIENCE, FIRST_EPOCH, ROW_INDEX, RATE_ARRAY,
) = range(29)  # fmt: skip
RUNTIME = "surefit_epochs"


def _runtime() -> Module:
    """`epochs(context)`: see the module's first lines. Lists of copies are (count, then from, to, bytes of each)."""
    m = Module()
    copy = Function(m, "surefit_copies", [("list", "ptr")], private=True, noalias=False)
    memcpy = m.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1 immarg"])
    count = copy.load(copy.args["list"], "i64")
    with copy.loop(0, count) as l:
        at = copy.add(copy.mul(l.i, 3), 1)
        a, b = (copy.load(copy.gep(copy.args["list"], copy.add(at, j), "i64"), "ptr") for j in (0, 1))
        size = copy.load(copy.gep(copy.args["list"], copy.add(at, 2), "i64"), "i64")
        copy.line(f"call void {memcpy}({b}, {a}, {size}, i1 false)")
    copy.ret()
    copies = copy.end()

    f = Function(m, RUNTIME, [("c", "ptr")], noalias=False)

    def slot(i: int, kind: str = "ptr") -> Value:
        return f.load(f.gep(f.args["c"], i, "i64"), kind)

    def put(context: Value, i: int, x: Value) -> None:
        f.store(x, f.gep(context, i, "i64"))

    def some(p: Value) -> Value:
        return f.emit("i1", 1, f"icmp ne {p}, null")

    finish = f.label("finish")

    def leave_if(c: Value) -> None:
        out, on = f.label("out"), f.label("on")
        f.branch_if(c, out, on)
        f.start(out)
        f.branch(finish)
        f.start(on)

    epochs, rows, stop = slot(EPOCHS, "i64"), slot(N_ROWS, "i64"), slot(E_STOP)
    full_context, part_context = slot(FULL_CONTEXT), slot(PART_CONTEXT)
    steps, row_index, rates = slot(FULL_STEPS, "i64"), slot(ROW_INDEX), slot(RATE_ARRAY)
    has_part = some(slot(PART_LOOP))
    per_epoch = f.add(steps, f.convert(has_part, "i64"))
    f.store(f.i64(0), slot(E_DONE))
    with f.loop(0, epochs) as l:
        first_row = f.mul(l.i, rows)
        with f.when(some(row_index)):
            put(full_context, ROWS, f.gep(row_index, first_row, "i64"))
        with f.when(some(rates)):
            put(full_context, RATES, f.gep(rates, f.mul(l.i, per_epoch), "f64"))
        f.line(f"call void {slot(FULL_LOOP).name}({slot(FULL_ARENA)}, {full_context})")
        done = f.load(f.load(f.gep(full_context, DONE, "i64"), "ptr"), "i64")
        losses = f.load(f.gep(full_context, LOSSES, "i64"), "ptr")
        total = f.alloca("f64")
        f.store(constant(0.0, "f64"), total)
        with f.loop(0, done) as s:
            f.store(f.add(f.load(total, "f64"), f.load(f.gep(losses, s.i, "f64"), "f64")), total)
        size = f.convert(slot(FULL_ROWS, "i64"), "f64")
        f.store(f.mul(f.load(total, "f64"), size), total)
        seen = f.alloca("f64")
        f.store(f.mul(f.convert(done, "f64"), size), seen)
        short = f.compare("lt", done, steps)
        with f.when(f.and_(has_part, f.not_(short))):
            f.line(f"call void {copies}({slot(TO_PART)})")
            with f.when(some(row_index)):
                put(part_context, ROWS, f.gep(row_index, f.add(first_row, f.mul(steps, slot(FULL_ROWS, "i64"))), "i64"))
            with f.when(some(rates)):
                put(part_context, RATES, f.gep(rates, f.add(f.mul(l.i, per_epoch), steps), "f64"))
            f.line(f"call void {slot(PART_LOOP).name}({slot(PART_ARENA)}, {part_context})")
            ran = f.load(f.load(f.gep(part_context, DONE, "i64"), "ptr"), "i64")
            with f.when(f.compare("gt", ran, 0)):
                loss = f.load(f.load(f.gep(part_context, LOSSES, "i64"), "ptr"), "f64")
                part = f.convert(slot(PART_ROWS, "i64"), "f64")
                f.store(f.add(f.load(total, "f64"), f.mul(loss, part)), total)
                f.store(f.add(f.load(seen, "f64"), part), seen)
            f.line(f"call void {copies}({slot(FROM_PART)})")
        mean = f.div(f.load(total, "f64"), f.load(seen, "f64"))
        f.store(mean, f.gep(slot(TRAIN_LOSSES), l.i, "f64"))
        halted = f.compare("ne", f.emit("i32", 1, f"load volatile i32, {stop}, align 4"), 0)
        finite = f.compare("lt", f.abs(mean), float("inf"))
        leave_if(f.or_(halted, f.not_(finite)))
        deciding = f.alloca("f64")
        f.store(mean, deciding)
        with f.when(some(slot(VALIDATE))):
            f.line(f"call void {copies}({slot(TO_VALIDATION)})")
            f.line(f"call void {slot(VALIDATE).name}({slot(V_ARENA)})")
            p = slot(V_LOSS)
            wide = f.load(p, "f64")
            narrow = f.convert(f.load(p, "f32"), "f64")
            held = f.select(f.compare("ne", slot(V_WIDE, "i64"), 0), wide, narrow)
            f.store(held, f.gep(slot(HELD_LOSSES), l.i, "f64"))
            f.store(held, deciding)
        value = f.load(deciding, "f64")
        leave_if(f.not_(f.compare("lt", f.abs(value), float("inf"))))
        epoch = f.add(l.i, slot(FIRST_EPOCH, "i64"))
        with f.when(f.compare("lt", value, f.load(slot(BEST_LOSS), "f64"))):
            f.store(value, slot(BEST_LOSS))
            f.store(epoch, slot(BEST_EPOCH))
            f.line(f"call void {copies}({slot(TO_BEST)})")
        f.store(f.add(l.i, 1), slot(E_DONE))
        patience = slot(PATIENCE, "i64")
        since = f.sub(epoch, f.load(slot(BEST_EPOCH), "i64"))
        leave_if(f.and_(f.compare("ge", patience, 0), f.compare("ge", since, patience)))
    f.branch(finish)
    f.start(finish)
    f.ret()
    f.end()
    return m


_runtimes: dict[engine.Target, engine.Library] = {}


def runtime(t: engine.Target) -> Any:
    """The runtime as a C function of one pointer."""
    library = _runtimes.get(t)
    if library is None:
        library = _runtimes[t] = cache.load(str(_runtime()), t, [RUNTIME])[0]
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.addresses[RUNTIME])


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
        c = np.zeros(DATA + len(data), np.int64)
        c[LOSSES], c[STOP], c[DONE] = losses.ctypes.data, stop.ctypes.data, done.ctypes.data
        c[ALONE] = 1
        c[DATA:] = [a.ctypes.data for a in data]
        return c

    @contextmanager
    def company(self) -> Iterator[None]:
        """The second thread, for the time of a loop that is not alone."""
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        helper, release = (kind(self.library.addresses[n]) for n in (HELPER, RELEASE))
        flag = self.arena.bytes[QUIT : QUIT + 4].view(np.int32)
        flag[0] = 0
        second = Background(lambda: helper(self.arena.address))
        try:
            second.start()
            yield
        finally:
            if second.begun:
                release(self.arena.address)
                second.finish()
            flag[0] = 0

    def error(self, rows: np.ndarray | None, data: Sequence[np.ndarray]) -> Exception:
        """What the eager step says about the rows at which an error stopped the loop."""
        what, where = self.failure()
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


class Background:
    """A call in a thread of its own.

    Not Thread.join: where Ctrl-C interrupts that, Python 3.11 takes a thread that still runs for one that has ended,
    and the memory under its native code would be freed.
    """

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call, self.over = call, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.begun = False

    def start(self) -> None:
        """Begin. RuntimeError: the system has no more threads."""
        self.begun = True
        try:
            self.thread.start()
        except RuntimeError:
            self.begun = False
            raise

    def _run(self) -> None:
        try:
            self.call()
        finally:
            self.over.set()

    def finish(self) -> None:
        """Wait until it is over, whatever arrives; an interrupt is raised then."""
        interrupted = False
        while self.begun and not self.over.is_set():
            try:
                self.over.wait()
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt


def interruptible(
    call: Callable[[], Any], stop: np.ndarray, seconds: float | None = None, halted: Callable[[], bool] | None = None
) -> None:
    """Run native code in a thread, so that it can be stopped.

    The stop flag is set on Ctrl-C (raised again afterwards), after `seconds`, or when `halted` (asked every 20 ms) says
    so. Outside the main thread no Ctrl-C arrives, and no other thread is needed.
    """
    if threading.current_thread() is not threading.main_thread() and seconds is None and halted is None:
        call()
        return
    worker = Background(call)
    end = None if seconds is None else time.monotonic() + seconds
    try:
        worker.start()
        while not worker.over.is_set():
            left = None if end is None else max(0.0, end - time.monotonic())
            worker.over.wait(left if halted is None else min(0.02, math.inf if left is None else left))
            if (end is not None and time.monotonic() >= end) or (halted is not None and halted()):
                stop[0] = 1
                worker.finish()
    except BaseException:
        stop[0] = 1
        worker.finish()
        raise


@dataclass
class Epochs:
    """What a chunk of epochs left: losses of each epoch that was completed, and why it ended.

    ended: "" (all done), "patience", "stopped" (flag or time), or "not finite" (then the last loss is that one).
    last_step: steps of the epoch that was cut off, partial: their mean loss.
    """

    train: np.ndarray
    held: np.ndarray | None
    ended: str
    best_epoch: int
    best_loss: float
    steps: int
    last_step: int
    partial: float


class Pace:
    """Whether one thread or two is faster, from how long steps took.

    Short runs are not counted, in which the second thread has hardly arrived, nor the first one, which meets cold
    memory. Then each way is tried, two threads are kept where they are
    clearly faster, and now and then the other way is tried again, since the second core may have become busy or free.
    """

    AGAIN = 16  # runs after which the way that is not taken is tried once more
    CLEARLY = 0.95
    SHORT = 5e-3  # seconds

    def __init__(self, free: bool) -> None:
        self.free, self.runs = free, 0
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
        return not best if self.runs % self.AGAIN == 0 else best

    def took(self, two: bool, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        if seconds < self.SHORT:
            return
        if self.runs > 0:
            self.seconds[two] = [*self.seconds[two][-1:], seconds / steps]  # of the last two
        self.runs += 1


class TrainingLoop:
    """A step function in a native loop over batches of data.

    step: a function of one Tensor for each array of `data` (its rows of one batch) that returns the loss: zero_grad,
    backward and optimiser step included, as in PyTorch. data: arrays with the same number of rows. batch_size: rows a
    step; None: all. rate: the leaf that holds the learning rate, if `run` or `epochs` are to set it. validate: a
    function of the arrays in `held` that returns a loss, called after each epoch. keep: leaves whose values at the best
    epoch are kept in `best`. mode, target: as in `jit`. threads: 1, 2, or None for whichever is faster now: large steps
    can be shared by two threads, which changes no bit of the result but loses time where the second core is busy.
    """

    def __init__(
        self, step: Callable[..., Any], data: Sequence[Any], batch_size: int | None = None, *,
        rate: Tensor | None = None, validate: Callable[..., Any] | None = None, held: Sequence[Any] = (),
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
            arrays = [np.ascontiguousarray(getattr(a, "_value", a)) for a in held]
            began = time.perf_counter()
            program = record(validate, *map(as_tensor, arrays))
            self.validation = Part(program, None, None, mode, t, time.perf_counter() - began)
            for there, a in zip(self.validation.inputs, arrays, strict=False):
                there[...] = a
        self.keep = list(keep)
        self.stop = np.zeros(1, np.int32)
        self._runtime = runtime(t)
        self.reset()

    def _part(self, step: Callable[..., Any], size: int, rate: Tensor | None, mode: str, t: engine.Target,
              threads: int = 1) -> Part:  # fmt: skip
        began = time.perf_counter()
        program = record(step, *(as_tensor(np.ascontiguousarray(a[:size])) for a in self.data))
        if len(program.outputs) != 1 or program.outputs[0].aval.shape != ():
            raise ArgumentError(f"{program.name}: a training step must return one number, the loss")
        check_state(program)
        return Part(program, range(len(self.data)), rate, mode, t, time.perf_counter() - began, threads)

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
        return Explanation.of(self.full)

    # --- single steps ---

    def run(self, rows: Any = None, steps: int | None = None, rates: Any = None) -> np.ndarray:
        """Steps on given rows: the loss of each.

        rows: (steps, batch) indices into the data; None: the full batch, `steps` times. rates: a learning rate for each
        step (needs `rate`); None: the leaf's own. Ends early, with fewer losses, after a loss that is not finite.
        """
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
        losses, done = np.zeros(max(1, count)), np.zeros(1, np.int64)
        context = p.context(self.data, losses, self.stop, done)
        context[STEPS] = count
        context[ROWS] = 0 if rows is None else rows.ctypes.data
        context[RATES] = 0 if rates is None else rates.ctypes.data
        loop = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(p.library.addresses[LOOP])
        self.stop[0] = 0
        p.load_state()
        try:
            with self._company(context, count):
                interruptible(lambda: loop(p.arena.address, context.ctypes.data), self.stop)
        finally:
            p.store_state()
        ran = int(done[0])
        if p.arena.error:
            raise p.error(None if rows is None else rows[ran - 1], self.data)
        return losses[:ran]

    @contextmanager
    def _company(self, context: np.ndarray, steps: int) -> Iterator[None]:
        """One thread or two for so many steps, and how long they took."""
        two = self.full.threads == 2 and self.pace.two()
        context[ALONE] = 0 if two else 1
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

    def epochs(
        self, count: int, order: np.ndarray | None, rates: np.ndarray | None = None, *, first: int = 1,
        patience: int | None = None, seconds: float | None = None, halted: Callable[[], bool] | None = None,
    ) -> Epochs:  # fmt: skip
        """`count` epochs without Python: every row once each, then validation, best state and patience.

        order: (count, rows) permutations; None where a batch is all data. rates: (count, steps an epoch) learning
        rates. first: the number of the first epoch. seconds: sets the stop flag when they are over. halted: asked now
        and then whether to stop.
        """
        p, q, v = self.full, self.part, self.validation
        steps = self.count // self.batch
        c = np.zeros(29, np.int64)
        done, ran, part_ran = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64)
        losses, part_losses = np.zeros(steps), np.zeros(1)
        train, held = np.zeros(count), np.zeros(count)
        full = p.context(self.data, losses, self.stop, ran)
        full[STEPS] = steps
        hold: list[Any] = [full]
        c[[EPOCHS, E_STOP, E_DONE, N_ROWS]] = count, self.stop.ctypes.data, done.ctypes.data, self.count
        c[[FULL_LOOP, FULL_ARENA, FULL_CONTEXT]] = p.library.addresses[LOOP], p.arena.address, full.ctypes.data
        c[[FULL_STEPS, FULL_ROWS]] = steps, self.batch
        if q is not None:
            part = q.context(self.data, part_losses, self.stop, part_ran)
            part[STEPS] = 1
            forth = self._shared(p, q)
            there, back = self._copies(forth), self._copies([(b, a) for a, b in forth])
            hold += [part, there, back]
            c[[PART_LOOP, PART_ARENA, PART_CONTEXT]] = q.library.addresses[LOOP], q.arena.address, part.ctypes.data
            c[[PART_ROWS, TO_PART, FROM_PART]] = self.rest, there.ctypes.data, back.ctypes.data
        if v is not None:
            seen = self._copies(self._shared(p, v))
            hold.append(seen)
            c[[VALIDATE, V_ARENA, TO_VALIDATION]] = v.library.addresses[STEP], v.arena.address, seen.ctypes.data
            c[[V_LOSS, V_WIDE]] = v.loss.ctypes.data, v.loss.dtype.itemsize == 8
        kept = []
        for leaf, best in zip(self.keep, self.best, strict=True):
            here = p.leaf(leaf)
            if here is not None and best.size:
                kept.append((here, best))
        best_list = self._copies(kept)
        c[[TRAIN_LOSSES, HELD_LOSSES]] = train.ctypes.data, held.ctypes.data
        c[[BEST_LOSS, BEST_EPOCH, TO_BEST]] = [a.ctypes.data for a in (self.best_loss, self.best_epoch, best_list)]
        c[PATIENCE], c[FIRST_EPOCH] = -1 if patience is None else patience, first
        if order is None:
            for there, a in zip(p.inputs, self.data, strict=False):
                there[...] = a
        else:
            order = np.ascontiguousarray(order, np.int64)
            c[ROW_INDEX] = order.ctypes.data
        if rates is not None:
            rates = np.ascontiguousarray(rates, np.float64)
            c[RATE_ARRAY] = rates.ctypes.data
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
            train[:shown], held[:shown] if v is not None else None, ended, int(self.best_epoch[0]),
            float(self.best_loss[0]), n * (steps + (q is not None)) + last, last,
            float(train[n]) if last else math.nan,
        )  # fmt: skip


__all__ = ["Epochs", "Part", "TrainingLoop"]
