"""Recording: a function of Tensors, run once on names instead of numbers, becomes a Program.

A Program is inputs, equations (result, primitive, arguments, parameters) and outputs. State is explicit: every leaf
that the function reads becomes a further input, every leaf that it assigns a further output. So an ordinary training
step (zero_grad, backward, optimiser step) records into a pure function of data and state that any reading can run.
What changes from step to step must therefore be a leaf or an argument: a Python number is frozen into the Program.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from surefit.core import ops
from surefit.core.draws import Streams
from surefit.core.leaves import FlatVector, Parameter, State
from surefit.core.modes import mode, next_birth
from surefit.core.node import value_of
from surefit.core.ops import KINDS, Arithmetic, Aval, Op, aval_of, operand_dtype
from surefit.core.tensor import Tensor, View, wrap
from surefit.core.tree import flatten
from surefit.errors import ArgumentError, CapturedError, DtypeError, RecordError, ShapeError

SMALL = 16  # elements: a captured array up to this size is a constant, a larger one was surely meant as an argument
_INSIDE = tuple(  # frames of this package and of NumPy are not the user's
    os.path.dirname(os.path.abspath(f)) + os.sep for f in (os.path.dirname(os.path.abspath(__file__)), np.__file__)
)


class Var(Arithmetic):
    """A name in a Program: shape and dtype are known, the value is not."""

    __slots__ = ("aval", "name", "recorder")

    def __init__(self, name: str, aval: Aval, recorder: Recorder | None) -> None:
        self.name, self.aval, self.recorder = name, aval, recorder

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype:
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        return len(self.aval.shape)

    def reshape(self, *shape: Any) -> Any:
        return ops.reshape(self, shape=shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    def __repr__(self) -> str:
        return f"{self.name}: {self.aval}"

    def __bool__(self) -> bool:
        raise RecordError(
            f"a Python branch needs the value of {self!r}, which is not known while recording; use where(...)"
        )


class Constant(NamedTuple):
    """A small array written into a Program."""

    value: np.ndarray

    @property
    def aval(self) -> Aval:
        return Aval(self.value.shape, self.value.dtype)

    def __repr__(self) -> str:
        if self.value.size > SMALL:
            return f"<{self.aval}>"
        return repr(self.value.item()) if self.value.ndim == 0 else str(self.value.tolist())


class Equation(NamedTuple):
    """result = op(*args, **params); `line` is where in the user's code it was made."""

    result: Var
    op: Op
    args: tuple[Var | Constant, ...]
    params: dict[str, Any]
    line: str

    def __repr__(self) -> str:
        shown = list(map(_short, self.args))
        shown += [f"{k}={str(v) if isinstance(v, np.dtype) else v}" for k, v in self.params.items()]
        return f"{self.result!r} = {self.op.name}({', '.join(shown)})"


def _short(a: Var | Constant) -> str:
    return a.name if isinstance(a, Var) else repr(a)


class Made(NamedTuple):
    """How an array came about: op(*args, **params), from arrays and numbers alone."""

    array: ref[np.ndarray]
    op: Op
    args: tuple[Any, ...]
    params: dict[str, Any]


class Assumed(NamedTuple):
    """A field of an object that decided what was recorded: it holds while the field has this value."""

    owner: Any
    field: str
    value: Any

    @property
    def now(self) -> Any:
        """The field's present value."""
        return getattr(self.owner, self.field)


class GraphNode(NamedTuple):
    """A node for drawing: kind is input, state, constant, operation or output."""

    id: str
    label: str
    kind: str
    shape: str


class Recorder:
    """A recording in progress: hands out names, keeps the equations, and knows the present value of every leaf."""

    def __init__(self) -> None:
        self.equations: list[Equation] = []
        self.names: set[str] = set()
        self.count = 0
        self.born = next_birth()  # leaves younger than this were made inside the recording
        self.inputs: dict[int, tuple[Tensor, Var]] = {}
        self.current: dict[int, Any] = {}
        self.assigned: dict[int, Tensor] = {}
        self.views: dict[int, tuple[Any, Any]] = {}
        self.grads: dict[int, tuple[Tensor, Tensor | None]] = {}
        self.added: dict[int, Tensor] = {}
        self.arguments: dict[int, str] = {}
        self.made: dict[int, Made] = {}  # by id: larger arrays that were computed inside, from small ones
        self.written: dict[int, tuple[np.ndarray, Var]] = {}
        self.assumed: dict[tuple[int, str], Assumed] = {}
        self.closed = False

    def name(self, wish: str) -> str:
        name, k = wish, 1
        while name in self.names:
            k += 1
            name = f"{wish}_{k}"
        self.names.add(name)
        return name

    def var(self, aval: Aval, wish: str | None = None) -> Var:
        if wish is None:
            self.count += 1
            wish = f"t{self.count}"
        return Var(self.name(wish), aval, self)

    # --- leaves ---

    def read(self, t: Tensor) -> Any:
        """The value of a tensor as this recording sees it."""
        if t._birth > self.born or t.__class__ is View:  # a view reads what it is a view of
            return t._value
        if isinstance(t._value, Var) and (t._value.recorder is None or t._value.recorder.closed):
            raise RecordError(f"{t._value!r} escaped from a finished recording; return it from the function instead")
        if t._node is not None:
            raise CapturedError(
                f"a tensor of shape {t.shape} that was computed before the recording is used inside it, with its "
                f"history; pass it as an argument, or detach() it before"
            )
        if isinstance(t, Parameter) and mode.grad:
            self.assume(t, "requires_grad", t.requires_grad)
        if isinstance(t, Parameter) and t.owner is not None:
            vector = self.read(t.owner)
            seen = self.views.get(id(t))
            if seen is None or seen[0] is not vector:
                seen = self.views[id(t)] = (vector, t.owner.view_of(t, vector))
            return seen[1]
        value = self.current.get(id(t))
        if value is None:
            var = self.var(ops.aval_of(t._value), _label(t))
            self.inputs[id(t)] = (t, var)
            value = self.current[id(t)] = var
        return value

    def assign(self, t: Tensor, value: Any) -> None:
        """A leaf's new value: only inside this recording until the Program runs."""
        if id(t) in self.arguments:
            raise RecordError(
                f"the argument {self.arguments[id(t)]} is changed in place inside a recorded function, which its "
                f"caller would not see; make a new tensor (x = x + 1), or change a leaf that is no argument"
            )
        if t._birth > self.born:
            t._value = value
            return
        self.current[id(t)] = value
        self.assigned[id(t)] = t

    def remember_grad(self, t: Tensor) -> None:
        self.grads.setdefault(id(t), (t, t.grad))

    def add_grad(self, t: Tensor) -> None:
        """`backward` is about to add to t's gradient."""
        if t._birth <= self.born and id(t) not in self.grads:
            self.added[id(t)] = t

    def check_grads(self) -> None:
        """RecordError where a gradient from an earlier call would count: it is no state, so calls could not add up."""
        for k, t in self.added.items():
            if t.grad is not None or self.grads[k][1] is not None:
                raise RecordError(
                    f"backward() adds to the .grad of a leaf of shape {t.shape} which the recorded function never "
                    f"clears, so that repeated calls would add up; call zero_grad() before backward()"
                )

    def assume(self, owner: Any, field: str, value: Any) -> None:
        """What is recorded depends on a field of an object, or the field is about to change: its value so far."""
        self.assumed.setdefault((id(owner), field), Assumed(owner, field, value))

    # --- equations ---

    def remember(self, a: np.ndarray, op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> None:
        """An array was computed from arrays and numbers: if it is needed as a constant, this is what to write down."""
        key, made = id(a), self.made
        made[key] = Made(ref(a, lambda _: made.pop(key, None)), op, args, params)

    def known(self, a: Any) -> bool:
        """Whether an array was computed inside this recording."""
        made = self.made.get(id(a))
        return made is not None and made.array() is a

    def again(self, a: np.ndarray) -> Var:
        """The name of an array that was computed inside this recording, by the equations that compute it."""
        stack = [a]
        while stack:
            x = stack[-1]
            if id(x) in self.written:
                stack.pop()
                continue
            _, op, args, params = self.made[id(x)]
            missing = [b for b in args if self.known(b) and id(b) not in self.written]
            if missing:
                stack += missing
                continue
            names = [self.written[id(b)][1] if id(b) in self.written else b for b in args]
            self.written[id(x)] = (x, self.apply(op, names, params))
        return self.written[id(a)][1]

    def is_too_large(self, a: Any) -> bool:
        """Whether a value is an array that would not be frozen: then it has to be recorded how it came about."""
        return a.__class__ is np.ndarray and a.size > SMALL and not _one_number(a)

    def named(self, a: Any) -> Any:
        """Any value as a name, so that what is computed from it is recorded; of a batch what all its samples are."""
        if hasattr(a, "frame"):
            return type(a)(self.named(a.value), a.frame)
        atom = self.atom(a)
        if isinstance(atom, Var):
            return atom
        return self.emit(ops.broadcast_to, [atom], {"shape": atom.aval.shape})

    def constant(self, a: Any) -> Var | Constant:
        """An array that is not a name: a small one is written down, a repeated number is broadcast, else an error.

        One that was computed inside from such is computed again by the Program.
        """
        given, literal, a = a, isinstance(a, ops.Literal), np.asarray(a)
        if a.size > SMALL and not literal:
            if _one_number(a):
                one = Constant(np.array(a[(0,) * a.ndim]))
                return self.emit(ops.broadcast_to, [one], {"shape": a.shape})
            if self.known(given):
                return self.again(given)
            raise CapturedError(
                f"the recorded function would freeze an array {a.shape} of {a.dtype} into the program "
                f"(at {_user_line()}); pass it as an argument, or make it a leaf with surefit.tensor(...) outside"
            )
        return Constant(np.array(a))

    def atom(self, a: Any) -> Var | Constant:
        if isinstance(a, Var):
            if a.recorder is not self:
                raise RecordError(f"{a!r} escaped from another recording; return it from the function instead")
            return a
        return self.constant(a)

    def emit(self, op: Op, args: Sequence[Var | Constant], params: dict[str, Any], weak: bool = False) -> Var:
        aval = op.rule(*(a.aval for a in args), **params)
        result = self.var(aval._replace(weak=weak))
        self.equations.append(Equation(result, op, tuple(args), params, _user_line()))
        return result

    def apply(self, op: Op, args: Sequence[Any], params: dict[str, Any]) -> Var:
        """Write down one primitive, with the casts that promotion asks for."""
        if self.closed:
            raise RecordError(
                f"{op.name}: a name escaped from a finished recording; return it from the function instead"
            )
        weak = False
        if op.category != "structural":
            args, weak = self._promoted(op, list(args))
        return self.emit(op, [self.atom(a) for a in args], params, weak)

    def _promoted(self, op: Op, args: list[Any]) -> tuple[list[Any], bool]:
        choice = args[:1] if op.category == "where" else []
        rest = args[len(choice) :]
        kind = "same" if op.category == "where" else op.category
        avals = [aval_of(a) for a in rest]
        dtype, weak = operand_dtype(op.name, avals, kind)
        if weak and op.category == "where" and dtype == ops.float64:
            dtype, weak = ops.default.float, False
        choice = [self._cast(c, ops.bool_, "logical") for c in choice]
        return choice + [self._cast(a, dtype, kind) for a in rest], weak

    def _cast(self, a: Any, dtype: np.dtype, kind: str) -> Any:
        if not isinstance(a, Var) and self.known(a) and a.dtype != dtype:
            a = self.again(a)
        if not isinstance(a, Var):
            array = np.not_equal(a, 0) if kind == "logical" else ops.as_array(a, dtype)
            return array.view(ops.Literal) if isinstance(a, ops.Literal) else array
        if a.dtype == dtype:
            return a
        if kind == "logical":
            return self.emit(ops.ne, [a, Constant(np.zeros((), a.dtype))], {})
        return self.emit(ops.cast, [a], {"dtype": dtype})


def _one_number(a: np.ndarray) -> bool:
    """Whether all elements have the same bits: -0.0 is not 0.0 here, and NaN is NaN."""
    bits = a.view(f"u{a.itemsize}")
    return bool((bits == bits[(0,) * a.ndim]).all())


def _apply_var(op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    recorder = next(a.recorder for a in args if isinstance(a, Var))
    if recorder is None:
        raise RecordError(f"{op.name}: a name of a finished Program is not a value; use Program.replay")
    return recorder.apply(op, args, params)


KINDS[Var] = (1, _apply_var)


class _Recordings:
    """How many recordings are in progress in all threads: meanwhile arrays are a kind of value as well.

    So an operation on arrays alone, which is computed at once, can be remembered, and costs nothing at other times.
    """

    def __init__(self) -> None:
        self.count, self.lock = 0, threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            self.count += 1
            KINDS[np.ndarray] = (0.5, _apply_array)  # any other kind decides before it

    def __exit__(self, *exc: object) -> None:
        with self.lock:
            self.count -= 1
            if not self.count:
                del KINDS[np.ndarray]


def _apply_array(op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """A primitive of arrays and numbers while something is recorded: computed at once, and remembered."""
    y = op.computed(args, params)
    if mode.recorder is not None and y.__class__ is np.ndarray and y.size > SMALL:
        mode.recorder.remember(y, op, args, params)
    return y


_recordings = _Recordings()


def _label(t: Tensor) -> str:
    if isinstance(t, State):
        return t.label
    return "parameters" if isinstance(t, FlatVector) else "parameter" if isinstance(t, Parameter) else "leaf"


def _user_line() -> str:
    """Where outside this package the present operation was asked for."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    if frame is None:
        return "surefit"
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


@dataclass(frozen=True)
class Program:
    """A recorded function: printable, checkable, and replayable through any kind of value.

    inputs: names of the explicit arguments (leaves of the argument tree, left to right); state_in: (leaf, name) of
    every leaf that was read; equations; outputs: names or constants; state_out: (leaf, name or constant) of every leaf
    assigned; assumed: fields of modules and parameters that decided what was recorded.
    """

    name: str
    inputs: tuple[Var, ...]
    state_in: tuple[tuple[Tensor, Var], ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Var | Constant, ...]
    state_out: tuple[tuple[Tensor, Var | Constant], ...]
    rebuild: Callable[[list[Any]], Any] = field(repr=False)
    assumed: tuple[Assumed, ...] = field(default=(), repr=False)

    def holds(self) -> bool:
        """Whether what decided its course still is as it was: modules in training or not, parameters that learn."""
        return all(a.now == a.value for a in self.assumed)

    @ops.silent
    def replay(self, inputs: Sequence[Any], state: Sequence[Any] | None = None) -> tuple[list[Any], list[Any]]:
        """Run the equations on any values: (outputs, new state). Pure: no leaf is touched.

        `inputs` go with `self.inputs`, `state` with `self.state_in` (default: the leaves' present values).
        """
        values = [self._present(t) for t, _ in self.state_in] if state is None else state
        names = [v for _, v in self.state_in]
        for what, have, want in (("inputs", inputs, self.inputs), ("state values", values, names)):
            if len(have) != len(want):
                raise ShapeError(f"{self.name}: needs {len(want)} {what}, got {len(have)}")
            for v, a in zip(want, have, strict=True):
                if getattr(a, "shape", v.shape) != v.shape:
                    raise ShapeError(f"{self.name}: {v!r} was given a value of shape {a.shape}; record again")
        env: dict[Var, Any] = dict(zip((*self.inputs, *names), (*inputs, *values), strict=True))

        def value(a: Var | Constant) -> Any:
            return env[a] if isinstance(a, Var) else a.value

        for eq in self.equations:
            env[eq.result] = eq.op(*map(value, eq.args), **eq.params)
        return [value(a) for a in self.outputs], [value(a) for _, a in self.state_out]

    def __call__(self, *args: Any) -> Any:
        """Run on arguments like those it was recorded with: reads the leaves, assigns the leaves, returns the results.

        The results carry no history; to differentiate a Program, replay it on Tensors.
        """
        leaves, _ = flatten(args)
        if len(leaves) != len(self.inputs):
            raise ShapeError(f"{self.name}: needs {len(self.inputs)} inputs, got {len(leaves)}")
        outputs, state = self.replay([self._fitting(v, a) for v, a in zip(self.inputs, leaves, strict=True)])
        for (t, _), value in zip(self.state_out, state, strict=True):
            t.assign(value)
        return self.rebuild([wrap(y if hasattr(y, "aval") else np.asarray(y)) for y in outputs])

    def _fitting(self, v: Var, a: Any) -> Any:
        """An argument as the value that v stands for."""
        if v.aval.weak and isinstance(a, (int, float)):
            if v.dtype == ops.int64:
                ops.as_array(a, v.dtype)  # or an error, where it is too large
            return a
        have = aval_of(a)
        if have.shape != v.shape:
            raise ShapeError(f"{self.name}: argument {v.name} was recorded as {v.aval}, got {have}; record again")
        if have.weak and ops.promote((have, v.aval._replace(weak=False)))[0] == v.dtype:
            return ops.as_array(a, v.dtype)
        if have.dtype != v.dtype:
            raise DtypeError(
                f"{self.name}: argument {v.name} was recorded as {v.aval}, got {have}; cast it or record again"
            )
        return value_of(a) if isinstance(a, Tensor) else a

    def _present(self, t: Tensor) -> Any:
        """The present value of a leaf."""
        if isinstance(t, FlatVector) and not t.at_home():
            raise RecordError(
                f"{self.name}: parameters have moved to another flat vector since the recording (another optimiser "
                f"took them over); record again"
            )
        return value_of(t)

    # --- reading it ---

    def __str__(self) -> str:
        head = ", ".join(map(repr, self.inputs))
        if self.state_in:
            head += "; " + ", ".join(repr(v) for _, v in self.state_in)
        lines = [f"{self.name}({head}):", *(f"    {eq!r}" for eq in self.equations)]
        names = {id(t): v.name for t, v in self.state_in}
        for t, a in self.state_out:
            lines.append(f"    {names.get(id(t), _label(t))} <- {_short(a)}")
        shown = ", ".join(map(_short, self.outputs))
        return "\n".join([*lines, f"    return {shown}"])

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(str(self))}</pre>"

    def check(self) -> None:
        """RecordError unless every name is defined once, before its use, with the shape and dtype of its rule."""
        defined: dict[str, Aval] = {}
        for v in (*self.inputs, *(v for _, v in self.state_in)):
            self._define(defined, v)
        for eq in self.equations:
            self._used(defined, eq.args, repr(eq))
            want = eq.op.rule(*(a.aval for a in eq.args), **eq.params)
            if (want.shape, want.dtype) != (eq.result.shape, eq.result.dtype):
                raise RecordError(f"{eq!r} (line {eq.line}): the rule of {eq.op.name} gives {want}")
            self._define(defined, eq.result)
        self._used(defined, self.outputs, "return")
        self._used(defined, [a for _, a in self.state_out], "state out")

    def _define(self, defined: dict[str, Aval], v: Var) -> None:
        if v.name in defined:
            raise RecordError(f"{self.name}: {v.name} is defined twice")
        defined[v.name] = v.aval

    def _used(self, defined: dict[str, Aval], args: Sequence[Var | Constant], where: str) -> None:
        for a in args:
            if isinstance(a, Var) and defined.get(a.name) != a.aval:
                raise RecordError(f"{self.name}: {a!r} is used in {where!r} but not defined before with that type")

    def nodes_and_edges(self) -> tuple[list[GraphNode], list[tuple[str, str]]]:
        """The computation graph for drawing (see `view.graph`): nodes, and edges (from id, to id)."""
        nodes = [GraphNode(v.name, v.name, "input", _size_text(v)) for v in self.inputs]
        nodes += [GraphNode(v.name, v.name, "state", _size_text(v)) for _, v in self.state_in]
        edges: list[tuple[str, str]] = []
        constants = 0

        def source(a: Var | Constant) -> str:
            nonlocal constants
            if isinstance(a, Var):
                return a.name
            constants += 1
            nodes.append(GraphNode(f"constant_{constants}", repr(a), "constant", _size_text(a)))
            return nodes[-1].id

        for eq in self.equations:
            sources = [source(a) for a in eq.args]
            nodes.append(GraphNode(eq.result.name, eq.op.name, "operation", _size_text(eq.result)))
            edges += [(s, eq.result.name) for s in sources]
        for i, a in enumerate(self.outputs):
            s = source(a)
            nodes.append(GraphNode(f"output_{i + 1}", "output", "output", _size_text(a)))
            edges.append((s, nodes[-1].id))
        names = {id(t): v.name for t, v in self.state_in}
        for t, a in self.state_out:
            s, label = source(a), names.get(id(t), _label(t))
            nodes.append(GraphNode(f"new_{label}", f"new {label}", "output", _size_text(a)))
            edges.append((s, nodes[-1].id))
        return nodes, edges

    def primitives(self) -> dict[str, int]:
        """How often each primitive occurs."""
        counts: dict[str, int] = {}
        for eq in self.equations:
            counts[eq.op.name] = counts.get(eq.op.name, 0) + 1
        return dict(sorted(counts.items()))


def _size_text(a: Var | Constant) -> str:
    return str(a.aval)


def record(f: Callable[..., Any], *args: Any) -> Program:
    """Run f once on names instead of numbers and return what it did as a Program.

    args: Tensors, arrays or numbers (also nested in tuples, lists, dicts): only their shapes and dtypes matter.
    Leaves that f reads or assigns (parameters, optimiser state, counters) become state in and state out, and keep
    their values. CapturedError: f uses a larger array that is neither an argument nor a leaf, or draws random numbers
    from NumPy or Python. RecordError: f needs a value (a Python branch, item(), numpy()).

    >>> from surefit.core import ops
    >>> print(record(lambda x, y: ops.sin(x) * y, 1.0, 2.0))
    <lambda>(x: float64[], y: float64[]):
        t1: float64[] = sin(x)
        t2: float64[] = mul(t1, y)
        return t2
    """
    recorder, before = Recorder(), mode.recorder
    leaves, rebuild = flatten(args)
    avals = argument_avals(f, args, leaves)
    inputs = [recorder.var(aval, wish) for wish, aval in zip(argument_names(f, args), avals, strict=True)]
    values = [wrap(v) for v in inputs]
    for t, leaf in zip(values, leaves, strict=True):
        t.requires_grad = isinstance(leaf, Tensor) and leaf.requires_grad
    recorder.arguments = {id(t): v.name for t, v in zip(values, inputs, strict=True)}
    streams = Streams(f)
    mode.recorder = recorder
    try:
        with _recordings:
            results, rebuild_out = flatten(f(*rebuild(values)))
            outputs = tuple(recorder.atom(_result(recorder, r)) for r in results)
            state_out = tuple((t, recorder.atom(recorder.current[k])) for k, t in recorder.assigned.items())
        recorder.check_grads()
        _check_draws(streams, f)
    finally:
        mode.recorder = before
        recorder.closed = True
        recorder.made.clear()
        recorder.written.clear()
        for t, grad in recorder.grads.values():
            t.grad = grad
    return Program(
        name=getattr(f, "__name__", type(f).__name__),
        inputs=tuple(inputs),
        state_in=tuple(recorder.inputs.values()),
        equations=tuple(recorder.equations),
        outputs=outputs,
        state_out=state_out,
        rebuild=rebuild_out,
        # a parameter that the function itself switches does not depend on its callers
        assumed=tuple(a for a in recorder.assumed.values() if a.field != "requires_grad" or a.now == a.value),
    )


def _check_draws(streams: Streams, f: Callable[..., Any]) -> None:
    """CapturedError where the function has drawn from a stream of random numbers that is no state."""
    drawn = streams.drawn()
    if drawn:
        raise CapturedError(
            f"{getattr(f, '__name__', 'the function')} draws random numbers from {' and '.join(drawn)} while it is "
            f"recorded; one draw would be frozen into the program. Use a surefit.Generator, whose counter is state "
            f"(Generator.uniform, .normal), or pass the numbers as an argument"
        )


def _result(recorder: Recorder, r: Any) -> Any:
    if isinstance(r, Tensor):
        return recorder.read(r)
    if isinstance(r, (Var, np.ndarray, np.generic, int, float, bool)):
        return r
    raise RecordError(f"a recorded function must return tensors, arrays or numbers, got {type(r).__name__}")


def argument_avals(f: Callable[..., Any], args: tuple[Any, ...], leaves: Sequence[Any]) -> list[Aval]:
    """Shapes and dtypes of the leaves of arguments. DtypeError or ArgumentError names the argument that has none."""
    try:
        return [_argument_aval(a) for a in leaves]
    except (DtypeError, ArgumentError):
        for name, a in zip(argument_names(f, args), leaves, strict=True):
            try:
                _argument_aval(a)
            except (DtypeError, ArgumentError) as e:
                raise type(e)(f"{getattr(f, '__name__', 'function')}: argument {name}: {e}") from None
        raise


def _argument_aval(a: Any) -> Aval:
    aval = aval_of(a)
    if isinstance(a, np.ndarray):
        ops.dtype_of(aval.dtype)
        ops.plain_array(a)
    return aval


def argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> Iterator[str]:
    """A name for every leaf of the arguments: the parameter's own, with the place inside it where it is nested."""
    try:
        params = [p for p in inspect.signature(f).parameters.values() if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    except (TypeError, ValueError):
        params = []
    for i, a in enumerate(args):
        if i < len(params) and params[i].kind is not params[i].VAR_POSITIONAL:
            base = params[i].name
        else:
            base = f"x{i + 1}"
        yield from _paths(base, a)


def _paths(base: str, tree: Any) -> Iterator[str]:
    if tree is None:
        return
    if isinstance(tree, dict):
        for k, v in tree.items():
            yield from _paths(f"{base}.{k}", v)
    elif isinstance(tree, (tuple, list)):
        for i, v in enumerate(tree):
            yield from _paths(f"{base}.{i}", v)
    else:
        yield base
