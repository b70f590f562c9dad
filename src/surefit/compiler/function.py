"""`jit`: a function of Tensors as machine code, and the compiled Program behind it."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from surefit.compiler import cache, engine
from surefit.compiler.explain import Explanation
from surefit.compiler.graph import graph_of
from surefit.compiler.lower import Lowering
from surefit.compiler.plan import Place, Plan
from surefit.compiler.text import FAST, Function, Module
from surefit.compiler.threads import pause_instruction, pays, write_helper, write_meeting
from surefit.core import ops
from surefit.core.batching import Batched
from surefit.core.ops import Aval, aval_of
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor, mode, wrap
from surefit.core.tree import flatten
from surefit.errors import ArgumentError, RecordError, ShapeError, SurefitError

MODES = ("fast", "strict")
STEP = "surefit_step"
BODY = "surefit_body"


def check_mode(how: str) -> None:
    """ArgumentError for a mode that does not exist."""
    if how not in MODES:
        raise ArgumentError(f"mode={how!r} is unknown; choose 'fast' (training) or 'strict' (the same bits everywhere)")


class Writing:
    """A Program on its way to machine code: its plan, and the module with its step function.

    threads: 2 for a step that two threads may share (`body(arena, second, alone)` in place of `step(arena)`), where
    the plan says that it could pay.
    """

    def __init__(self, program: Program, how: str, t: engine.Target, threads: int = 1) -> None:
        check_mode(how)
        self.program, self.mode, self.target = program, how, t
        began = time.perf_counter()
        graph, inputs, outputs, state = graph_of(program, how)
        where = {id(leaf): i for i, (leaf, _) in enumerate(program.state_in, len(program.inputs))}
        targets = [where.get(id(leaf), -1) for leaf, _ in program.state_out]
        self.plan = Plan(graph, inputs, outputs, state, targets, t.lanes("f32"))
        self.seconds = {"passes": time.perf_counter() - began}
        began = time.perf_counter()
        self.module = Module()
        self.module.fma = t.fma and how == "fast"
        flags = FAST if how == "fast" else ""
        could, self.why_threads = pays(self.plan)
        self.threads = 2 if could and threads > 1 else 1
        if could and threads == 1:
            self.why_threads = "one core, or several networks at once"
        if self.threads == 1:
            f = Function(self.module, STEP, [("arena", "ptr")], flags=flags)
            lowering = Lowering(self.plan, f, f.args["arena"], t, how == "fast")
        else:
            self.meet = write_meeting(self.module, pause_instruction(engine.triple()))
            f = Function(self.module, BODY, [("arena", "ptr"), ("which", "i64"), ("single", "i64")], flags=flags)
            arena, which = f.args["arena"], f.args["which"]
            alone = f.compare("ne", f.args["single"], 0)

            def meet() -> None:
                with f.when(f.not_(alone)):
                    f.line(f"call void {self.meet}({arena}, {which})")

            lowering = Lowering(self.plan, f, arena, t, how == "fast", (f.compare("ne", which, 0), alone), meet)
        lowering.run()
        f.ret()
        f.end()
        if self.threads == 2:
            write_helper(self.module, "@" + BODY, self.meet)
        self.messages = [(what, f"{n.op} at {n.line}", n) for what, n in lowering.messages]
        self.seconds["IR"] = time.perf_counter() - began


class Arena:
    """Zeroed memory for one run at a time, aligned to 64 bytes; places in it are arrays."""

    def __init__(self, size: int) -> None:
        self._raw = np.zeros(size + 128, np.uint8)
        start = -self._raw.ctypes.data % 64
        self.bytes = self._raw[start : start + size]
        self.address = self.bytes.ctypes.data

    def array(self, place: Place, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """A place as an array that shares its memory."""
        strides = tuple(s * dtype.itemsize for s in place.strides)
        start = place.buffer.start + place.start * dtype.itemsize
        return np.ndarray(shape, dtype, self.bytes.data, start, strides)

    @property
    def error(self) -> int:
        return int(self.bytes[:4].view(np.int32)[0])

    def forget_error(self) -> None:
        self.bytes[:4] = 0


class Compiled:
    """A Program as machine code. `run` is pure; `llvm_ir`, `assembly` and `explain()` show what became of it.

    A Compiled owns one arena: calls from several threads wait for each other.
    """

    def __init__(self, program: Program, how: str = "fast", target: str | None = None, record_seconds: float = 0.0):
        self.program, self.mode = program, how
        self.target = engine.target(target)
        writing = Writing(program, how, self.target)
        self.plan, self.messages = writing.plan, writing.messages
        self.threads, self.why_threads = 1, "a single call runs on one core"
        self.llvm_ir = str(writing.module)
        self._symbols = writing.module.symbols
        began = time.perf_counter()
        self.library, self.cached = cache.load(self.llvm_ir, self.target, [STEP], self._symbols)
        self.seconds = {"record": record_seconds, **writing.seconds, "LLVM": time.perf_counter() - began}
        self.step = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.library.addresses[STEP])
        self.arena = Arena(self.plan.arena)
        names = [*program.inputs, *(v for _, v in program.state_in)]
        self._in = [self._view(n.id, v.aval) for n, v in zip(self.plan.inputs, names, strict=True)]
        self._out = [self._array(p, n) for p, n in zip(self.plan.results, self.plan.outputs, strict=True)]
        self._new = []
        for i, n in enumerate(self.plan.new_state):
            at = self.plan.targets[i]
            place = self.plan.new_places[i] if at < 0 else self.plan.places[self.plan.inputs[at].id]
            self._new.append(self._array(place, n))

    def _view(self, node: int, aval: Aval) -> np.ndarray:
        return self.arena.array(self.plan.places[node], aval.shape, aval.dtype)

    def _array(self, place: Place | None, node: Any) -> np.ndarray:
        return self.arena.array(place, node.shape, node.dtype)  # type: ignore[arg-type]

    @property
    def assembly(self) -> str:
        """The machine code as assembly text."""
        return engine.assembly(self.llvm_ir, self.target)

    def explain(self) -> Explanation:
        """What was compiled, into what, how long each part took: printable, and plain data in its fields."""
        return Explanation.of(self)

    def run(self, inputs: Sequence[Any], state: Sequence[Any] | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(outputs, new state) of arrays in the order of the Program's inputs and state. Pure.

        What fails inside (an index out of range, an integer division by zero) raises the error of the eager call.
        """
        values = [self.program._present(t) for t, _ in self.program.state_in] if state is None else state
        given = [*inputs, *values]
        if len(given) != len(self._in):
            raise ShapeError(f"{self.program.name}: needs {len(self._in)} inputs and state values, got {len(given)}")
        for there, value in zip(self._in, given, strict=True):
            if there.shape != np.shape(value):
                raise ShapeError(f"{self.program.name}: needs an array {there.shape}, got {np.shape(value)}")
            there[...] = value
        self.step(self.arena.address)
        if self.arena.error:
            self._raise(inputs, values)
        return [a.copy() for a in self._out], [a.copy() for a in self._new]

    def _raise(self, inputs: Sequence[Any], state: Sequence[Any]) -> None:
        """The error that the eager call gives for these values."""
        what, where, _ = self.messages[self.arena.error - 1]
        self.arena.forget_error()
        try:
            self.program.replay([np.asarray(a) for a in inputs], [np.asarray(a) for a in state])
        except SurefitError as e:
            raise type(e)(f"{e} ({where})") from None
        raise ArgumentError(f"{self.program.name}: {what} out of range in {where}")


def compile_program(program: Program, mode: str = "fast", target: str | None = None) -> Compiled:
    """A recorded Program as machine code.

    mode: "fast" may reassociate and contract sums; "strict" gives the same bits on every CPU, whatever the vector width
    and the batch. target: "avx512", "avx2", "neon" or "generic" for less than this CPU can do. RecordError names a
    primitive that does not compile and the line that made it.
    """
    return Compiled(program, mode, target)


class Jitted:
    """A compiled function: call it like the original. Made by `surefit.jit`."""

    def __init__(self, f: Callable[..., Any], how: str, target: str | None, max_traces: int | None) -> None:
        check_mode(how)
        if max_traces is not None and max_traces < 1:
            raise ArgumentError(f"jit: max_traces={max_traces} must be at least 1, or None")
        self.f, self.mode, self.target, self.max_traces = f, how, target, max_traces
        self.cache: dict[Any, Compiled] = {}
        self.trace_log: list[str] = []  # why each trace was made
        self._last: list[tuple[str, Aval]] | None = None
        self._newest: Compiled | None = None
        update_wrapper(self, f)

    @property
    def traces(self) -> int:
        """How often the function was recorded and compiled."""
        return len(self.trace_log)

    def __call__(self, *args: Any) -> Any:
        leaves, _ = flatten(args)
        if mode.recorder is not None or any(_inside(a) for a in leaves):
            return self.f(*args)  # a part of something larger, which compiles or batches it as a whole
        avals = [aval_of(a) for a in leaves]
        key = (_structure(args), tuple((a.shape, a.dtype, a.weak) for a in avals))
        compiled = self.cache.get(key)
        if compiled is None or not _at_home(compiled.program):
            compiled = self.cache[key] = self._trace(args, avals)
        program = compiled.program
        inputs = [program._fitting(v, a) for v, a in zip(program.inputs, leaves, strict=True)]
        outputs, state = compiled.run(inputs)
        for (t, _), value in zip(program.state_out, state, strict=True):
            t.assign(value)
        return program.rebuild([wrap(y) for y in outputs])

    def _trace(self, args: tuple[Any, ...], avals: list[Aval]) -> Compiled:
        from surefit.core.program import _argument_names

        now = list(zip(_argument_names(self.f, args), avals, strict=True))
        why = self._difference(now)
        name = getattr(self.f, "__name__", "function")
        if self.max_traces is not None and self.traces >= self.max_traces:
            raise RecordError(
                f"{name}: compiled {self.traces} times already (max_traces={self.max_traces}), and now {why}; "
                f"pad the argument to one shape, or allow more traces"
            )
        self.trace_log.append(why)
        began = time.perf_counter()
        program = record(self.f, *args)
        self._last = now
        self._newest = Compiled(program, self.mode, self.target, time.perf_counter() - began)
        return self._newest

    def _difference(self, now: list[tuple[str, Aval]]) -> str:
        """Which argument is not as it was."""
        if self._last is None:
            return "first call"
        if [n for n, _ in self._last] != [n for n, _ in now]:
            return f"arguments {[n for n, _ in self._last]} became {[n for n, _ in now]}"
        for (name, before), (_, after) in zip(self._last, now, strict=True):
            if before != after:
                return f"argument {name} changed from {_shown(before)} to {_shown(after)}"
        return "parameters moved to another flat vector, or an earlier shape came back"

    def _made(self) -> Compiled:
        if self._newest is None:
            raise RecordError("nothing is compiled yet; call the function once")
        return self._newest

    @property
    def program(self) -> Program:
        """The Program of the latest trace."""
        return self._made().program

    @property
    def llvm_ir(self) -> str:
        """LLVM IR of the latest trace, as it was written (before LLVM's own passes)."""
        return self._made().llvm_ir

    @property
    def assembly(self) -> str:
        """Machine code of the latest trace as assembly text."""
        return self._made().assembly

    def explain(self) -> Explanation:
        """What the latest trace became: passes, fusion groups, memory, operations, times."""
        return self._made().explain()


def _inside(a: Any) -> bool:
    """Whether a value belongs to a batch or recording around this call."""
    value = getattr(a, "_value", a)
    return isinstance(value, Batched) or not isinstance(value, (np.ndarray, np.generic, bool, int, float))


def _shown(a: Aval) -> str:
    return f"a Python {'int' if a.dtype.kind == 'i' else 'number'}" if a.weak else str(a)


def _structure(tree: Any) -> Any:
    """What a tree is made of, without its leaves."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return tuple((k, _structure(v)) for k, v in tree.items())
    if isinstance(tree, (tuple, list)):
        return (type(tree).__name__, *map(_structure, tree))
    return isinstance(tree, Tensor) and tree.requires_grad


def _at_home(program: Program) -> bool:
    """Whether the parameters still live in the vectors that the Program reads."""
    for t, _ in program.state_in:
        at_home = getattr(t, "at_home", None)
        if at_home is not None and not at_home():
            return False
    return True


def jit(
    f: Callable[..., Any] | None = None, *, mode: str = "fast", target: str | None = None, max_traces: int | None = None
) -> Any:
    """f as machine code: recorded and compiled on the first call for each set of shapes and dtypes.

    f: a function of Tensors, arrays and numbers (also in tuples, lists and dicts): a forward pass, a gradient, or a
    whole training step. Leaves that it reads and assigns (parameters, buffers, optimiser state) are state: a call
    reads and assigns them. Results carry no history. Also a decorator.

    mode: "fast" may reassociate sums; "strict" gives the same bits on every CPU, whatever the vector width and batch.
    target: "avx512", "avx2", "neon" or "generic" for less than this CPU can do. max_traces: RecordError beyond.

    The result has `program`, `llvm_ir`, `assembly`, `explain()`, `traces` and `trace_log` (why each trace was made).
    CapturedError, RecordError: as `surefit.record`; RecordError also names a primitive that does not compile, and the
    line that made it. Errors inside (an index out of range) are those of the eager call.

    >>> @jit
    ... def f(x):
    ...     return (x * x).sum()
    >>> f(np.array([3.0, 4.0]))
    tensor(25., dtype=float64)
    """
    if f is None:
        return lambda g: Jitted(g, mode, target, max_traces)
    if not callable(f):
        raise ArgumentError(f"jit: needs a function, got {type(f).__name__}")
    return Jitted(f, mode, target, max_traces)


__all__ = ["Arena", "Compiled", "Jitted", "Writing", "compile_program", "jit", "ops"]
