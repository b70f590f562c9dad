"""`jit`: a function of Tensors as machine code, and the compiled Program behind it."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from surefit.compiler import engine
from surefit.compiler.codegen import STEP, check_mode
from surefit.compiler.compiled import Built
from surefit.compiler.explain import Explanation
from surefit.core.batching import Batched
from surefit.core.creation import as_tensor
from surefit.core.modes import mode
from surefit.core.ops import Aval
from surefit.core.program import Program, Var, argument_avals, argument_names, record
from surefit.core.tensor import Tensor, wrap
from surefit.core.tree import flatten, is_data
from surefit.errors import ArgumentError, GradientError, RecordError, ShapeError, SurefitError
from surefit.keywords import naming

P = ParamSpec("P")
R = TypeVar("R")


class Compiled(Built):
    """A Program as machine code. `run` is pure; `llvm_ir`, `assembly` and `explain()` show what became of it.

    A Compiled owns one arena: calls from several threads wait for each other. State stays there between calls: what a
    step leaves is where the next one reads it, and only a leaf that was given another value in between is copied in.
    """

    def __init__(
        self, program: Program, how: str = "fast", target: str | None = None, record_seconds: float = 0.0,
        blocks: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(program, how, engine.target(target), record_seconds, blocks=blocks)
        self.step = self.library.function(STEP)
        self._lock = threading.Lock()
        self._lies: list[Any] = [None] * len(self.state)  # the leaves' arrays whose values lie in the arena
        place = {id(leaf): i for i, (leaf, _) in enumerate(program.state_in)}
        self._assigned = [
            (i, j) for j, (leaf, _) in enumerate(program.state_out) if (i := place.get(id(leaf))) is not None
        ]

    def run(
        self, inputs: Sequence[Any], state: Sequence[Any] | None = None
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(outputs, new state) of arrays in the order of the Program's inputs and state. Pure.

        What fails inside (an index out of range, an integer division by zero) raises the error of the eager call.
        """
        values = [self.program._present(t) for t, _ in self.program.state_in] if state is None else list(state)
        count = len(inputs) + len(values)
        if count != len(self.inputs) or len(values) != len(self.state):
            raise ShapeError(f"{self.program.name}: needs {len(self.inputs)} inputs and state values, got {count}")
        with self._lock:
            lies = self._lies if state is None else [None] * len(values)  # an array of the caller's may have changed
            given = [*zip(self.inputs[: len(inputs)], inputs, strict=True)]
            given += [
                pair for pair, lie in zip(zip(self.state, values, strict=True), lies, strict=True) if pair[1] is not lie
            ]
            for there, value in given:
                if there.shape != np.shape(value):
                    raise ShapeError(f"{self.program.name}: needs an array {there.shape}, got {np.shape(value)}")
            self._lies = [None] * len(values)  # until it is known how this ends
            for there, value in given:
                there[...] = value
            self.step(self.arena.address)
            if code := self.arena.error:
                self.arena.forget_error()
                self.fail(code, inputs, values)
            new = [a.copy() for a in self.new]
            if state is None:
                for i, j in self._assigned:
                    values[i] = new[j]
                self._lies = list(values)
            return [a.copy() for a in self.results], new

    def fail(self, code: int, inputs: Sequence[Any], state: Sequence[Any]) -> None:
        """Raise the error that the eager call gives for these values, at which the code left an error code."""
        what, where = self.failure(code)
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


class Jitted(Generic[P, R]):
    """A compiled function: call it like the original. Made by `surefit.jit`."""

    def __init__(self, f: Callable[P, R], how: str, target: str | None, max_traces: int | None) -> None:
        check_mode(how)
        if max_traces is not None and max_traces < 1:
            raise ArgumentError(f"jit: max_traces={max_traces} must be at least 1, or None")
        self.f, self.mode, self.target, self.max_traces = f, how, target, max_traces
        self.cache: dict[Any, list[Compiled]] = {}  # by the arguments; of several the first that holds
        self._lock = threading.RLock()  # of several threads one traces, and one at a time changes state
        self.trace_log: list[str] = []  # why each trace was made
        self._last: list[tuple[str, Aval]] | None = None
        self._newest: Compiled | None = None
        update_wrapper(self, f)

    @property
    def traces(self) -> int:
        """How often the function was recorded and compiled."""
        return len(self.trace_log)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = self._positional(args, kwargs) if kwargs else args
        if any(isinstance(a, (list, tuple, dict)) for a in given):
            given = _with_tensors(given)
        leaves, _ = flatten(given)
        if mode.recorder is not None or any(map(_inside, leaves)):
            f: Any = self.f
            return f(*given)  # a part of something larger, which compiles or batches it as a whole
        if mode.grad and any(isinstance(a, Tensor) and a.requires_grad for a in leaves):
            raise GradientError(
                f"jit: {getattr(self.f, '__name__', 'the function')} was given a tensor that requires a gradient, but "
                f"compiled results carry no history; compile the gradient, jit(grad(f)), or pass x.detach()"
            )
        avals = argument_avals(self.f, given, leaves)
        key = (_structure(given), tuple((a.shape, a.dtype, a.weak) for a in avals))
        with self._lock:
            known = self.cache.setdefault(key, [])
            compiled = next((c for c in known if c.program.holds() and _at_home(c.program)), None)
            if compiled is None:
                known[:] = [c for c in known if _at_home(c.program)]
                compiled = self._trace(given, avals)
                known.append(compiled)
        program = compiled.program
        inputs = [program._fitting(v, a) for v, a in zip(program.inputs, leaves, strict=True)]
        with self._lock if program.state_out else nullcontext():
            outputs, state = compiled.run(inputs)
            for (t, _), value in zip(program.state_out, state, strict=True):
                t.assign(wrap(value))  # as it is, without a copy: it is nobody else's
        return program.rebuild([wrap(y) for y in outputs])

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments in the order of the signature. ArgumentError for names that have no place."""
        try:
            bound = inspect.signature(self.f).bind(*args, **kwargs)
        except (TypeError, ValueError) as e:
            raise ArgumentError(f"jit: {getattr(self.f, '__name__', 'function')}: {e}") from None
        if bound.kwargs:
            raise ArgumentError(
                f"jit: {sorted(bound.kwargs)} can be given by name only; make them positional arguments"
            )
        return bound.args

    def _trace(self, args: tuple[Any, ...], avals: list[Aval]) -> Compiled:
        now = list(zip(argument_names(self.f, args), avals, strict=True))
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
        changed = [] if self._newest is None else [a for a in self._newest.program.assumed if a.now != a.value]
        if changed:
            owner, field, value = changed[0]
            return f"{field} of a {type(owner).__name__} changed from {value} to {changed[0].now}"
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


def _with_tensors(tree: Any) -> Any:
    """Arguments in which every list of numbers is a tensor; what is not a list of numbers stays what it is."""
    if isinstance(tree, list) and is_data(tree):
        return as_tensor(tree)
    if isinstance(tree, dict):
        return {k: _with_tensors(v) for k, v in tree.items()}
    if isinstance(tree, (tuple, list)) and not hasattr(tree, "_fields"):
        return type(tree)(map(_with_tensors, tree))
    return tree


def _inside(a: Any) -> bool:
    """Whether a value belongs to a batch or recording around this call."""
    return isinstance(getattr(a, "_value", a), (Batched, Var))


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


@overload
def jit(
    f: Callable[P, R], *, mode: str = "fast", target: str | None = None, max_traces: int | None = None
) -> Jitted[P, R]: ...
@overload
def jit(
    f: None = None, *, mode: str = "fast", target: str | None = None, max_traces: int | None = None
) -> Callable[[Callable[P, R]], Jitted[P, R]]: ...
@naming
def jit(
    f: Callable[..., Any] | None = None, *, mode: str = "fast", target: str | None = None, max_traces: int | None = None
) -> Any:
    """f as machine code: recorded and compiled on the first call for each set of shapes and dtypes.

    f: a function of Tensors, arrays and numbers (also in tuples, lists and dicts; a list of numbers is one tensor): a
    forward pass, a gradient, or a whole training step. Leaves that it reads and assigns (parameters, buffers, optimiser
    state) are state: a call reads and assigns them. Results carry no history. Also a decorator.

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


__all__ = ["Compiled", "Jitted", "compile_program", "jit"]
