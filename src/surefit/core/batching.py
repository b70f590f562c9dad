"""The batch reading: one leading axis added to any value.

`batch(f)` runs a function of one sample on many at once: inside f a sample is a `Batched` value, which hides its
leading axis, and every primitive has a rule here that says how it treats that axis. This gives per-sample gradients,
Jacobians (a batch of cotangents) and K networks at once. Values that are not batched stay as they are and are shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import as_tensor
from surefit.core.modes import next_birth
from surefit.core.ops import KINDS, Arithmetic, Aval, Op, aval_of, int64, shape_of
from surefit.core.tensor import Tensor, apply_op
from surefit.core.tree import flatten, is_data, tree_map
from surefit.errors import ArgumentError, RecordError, ShapeError, SurefitError

P = ParamSpec("P")
R = TypeVar("R")


class Frame:
    """One `batch`: how many samples, what was born before it, and its level: the later begun, the further outside."""

    __slots__ = ("born", "level", "size")

    def __init__(self, size: int, level: int | None = None) -> None:
        self.size = size
        self.born = next_birth()
        self.level = self.born if level is None else level

    def sum_samples(self, g: Any) -> Any:
        """The sum over this batch's samples."""
        return batch_sum(g, frame=self)

    def __repr__(self) -> str:
        return f"<batch of {self.size}>"


class Batched(Arithmetic):
    """A value for each sample of a batch; `shape` is that of one sample."""

    __slots__ = ("frame", "value")

    def __init__(self, value: Any, frame: Frame) -> None:
        self.value, self.frame = value, frame

    @property
    def aval(self) -> Aval:
        shape, dtype, _ = aval_of(self.value)
        return Aval(shape[1:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return len(self.value.shape) - 1

    def reshape(self, *shape: Any) -> Any:
        return ops.reshape(self, shape=shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    def __repr__(self) -> str:
        return f"batched {self.aval} x {self.frame.size}"

    def __bool__(self) -> bool:
        raise RecordError("a Python branch cannot differ from sample to sample of a batch; use where(...)")


def _apply(op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The innermost batch among the arguments is peeled off; its rule does the rest."""
    frame = max((a.frame for a in args if isinstance(a, Batched)), key=lambda f: f.level)
    inner = [isinstance(a, Batched) and a.frame is frame for a in args]
    raw = [a.value if b else a for a, b in zip(args, inner, strict=True)]
    rule = RULES.get(op.name)
    if rule is None:
        raise RecordError(f"batch: the primitive {op.name} has no rule for a batch of samples; loop over them instead")
    if not (op.category in _ELEMENTWISE or op.name in _CHECKED_LATER):
        op.rule(*(aval_of(a) for a in args), **params)  # errors in the words and shapes of one sample
    try:
        return Batched(rule(op, frame.size, raw, inner, params), frame)
    except SurefitError:
        op.rule(*(aval_of(a) for a in args), **params)  # says it of one sample
        raise


KINDS[Batched] = (2, _apply)
_ELEMENTWISE = ("same", "number", "float", "logical", "where")
_CHECKED_LATER = ("matmul",)

# --- rules: (op, samples, raw arguments, which of them are batched, parameters) -> raw result, samples first ---

Rule = Callable[[Op, int, list[Any], list[bool], dict[str, Any]], Any]
RULES: dict[str, Rule] = {}


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(f: Rule) -> Rule:
        for n in names:
            RULES[n] = f
        return f

    return register


def _lifted(x: Any, batched: bool, ndim: int) -> Any:
    """A batched argument with ones put behind its sample axis, so that it lines up with `ndim` axes a sample."""
    if not batched:
        return x
    shape = x.shape
    missing = ndim - (len(shape) - 1)
    return ops.reshape(x, shape=(shape[0], *(1,) * missing, *shape[1:])) if missing > 0 else x


def _elementwise(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    ndim = max(len(shape_of(a)) - b for a, b in zip(args, on, strict=True))
    return op(*(_lifted(a, b, ndim) for a, b in zip(args, on, strict=True)), **params)


for _op in list(ops.TABLE.values()):
    if _op.category in _ELEMENTWISE and _op.name not in ("matmul", "concatenate"):
        RULES[_op.name] = _elementwise


@_rule("sum", "prod", "amax", "flip")
def _axes(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], axes=tuple(i + 1 for i in params["axes"]))


@_rule("argmax", "cumsum", "argsort")
def _axis(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], **{**params, "axis": params["axis"] + 1})


@_rule("reshape")
def _reshape(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], shape=(n, *params["shape"]))


@_rule("broadcast_to")
def _broadcast(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    shape = params["shape"]
    return op(_lifted(args[0], True, len(shape)), shape=(n, *shape))


@_rule("transpose")
def _transpose(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], axes=(0, *(i + 1 for i in params["axes"])))


@_rule("slice")
def _slice(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    start, stop, step = params["start"], params["stop"], params["step"]
    return op(args[0], start=(0, *start), stop=(n, *stop), step=(1, *step))


@_rule("pad")
def _pad(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    low, high, interior = params["low"], params["high"], params["interior"]
    return op(args[0], low=(0, *low), high=(0, *high), interior=(0, *interior), value=params["value"])


@_rule("window")
def _window(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], **{**params, "axes": tuple(i + 1 for i in params["axes"])})


@_rule("fold")
def _fold(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    moved = {"axes": tuple(i + 1 for i in params["axes"]), "shape": (n, *params["shape"])}
    return op(args[0], **{**params, **moved})


@_rule("cast", "inv", "det", "cofactors", "slogabsdet", "cholesky", "svd")
def _as_it_is(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    return op(args[0], **params)


@_rule("concatenate")
def _concatenate(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    whole = [a if b else ops.broadcast_to(a, shape=(n, *shape_of(a))) for a, b in zip(args, on, strict=True)]
    return op(*whole, axis=params["axis"] + 1)


@_rule("matmul")
def _matmul(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    (a, b), (on_a, on_b) = args, on
    sa, sb = shape_of(a)[on_a:], shape_of(b)[on_b:]
    op.rule(Aval(sa, aval_of(a).dtype), Aval(sb, aval_of(b).dtype))
    if on_a and not on_b and len(sa) == len(sb) == 2:  # one tall product instead of n small ones
        return ops.reshape(op(ops.reshape(a, shape=(n * sa[0], sa[1])), b), shape=(n, sa[0], sb[1]))
    ndim = max(len(sa), len(sb))
    return op(_lifted(a, on_a, ndim), _lifted(b, on_b, ndim))


@_rule("solve")
def _solve(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    ndim = max(len(shape_of(a)) - b for a, b in zip(args, on, strict=True))
    return op(*(_lifted(a, b, ndim) for a, b in zip(args, on, strict=True)))


def _samples_along(n: int, size: int, ndim: int) -> Any:
    """0, size, 2 size, ... for each sample, with `ndim` axes of size 1 behind."""
    return ops.reshape(ops.iota(size=n, dtype=int64) * size, shape=(n, *(1,) * ndim))


@_rule("take")
def _take(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    (x, index), (on_x, on_index), axis = args, on, params["axis"]
    if not on_index:
        return op(x, index, axis=axis + 1)
    if not on_x:  # (lead, n, index, tail): the samples move to the front
        y = op(x, index, axis=axis)
        return ops.transpose(y, axes=(axis, *(i for i in range(y.ndim) if i != axis)))
    k, size = index.ndim - 1, x.shape[axis + 1]
    rest = [i for i in range(1, x.ndim) if i != axis + 1]
    rows = ops.transpose(x, axes=(0, axis + 1, *rest))
    rows = ops.reshape(rows, shape=(n * size, *rows.shape[2:]))
    y = op(rows, index + _samples_along(n, size, k), axis=0)  # (n, index, lead, tail)
    lead = list(range(1 + k, 1 + k + axis))
    return ops.transpose(y, axes=(0, *lead, *range(1, 1 + k), *range(1 + k + axis, y.ndim)))


@_rule("scatter_add")
def _scatter_add(op: Op, n: int, args: list[Any], on: list[bool], params: dict[str, Any]) -> Any:
    (u, index), (on_u, on_index), axis, size = args, on, params["axis"], params["size"]
    if not on_index:
        return op(u, index, axis=axis + 1, size=size)
    if not on_u:
        u = ops.broadcast_to(u, shape=(n, *u.shape))
    k = index.ndim - 1
    place = list(range(axis + 1, axis + 1 + k))
    rest = [i for i in range(1, u.ndim) if i not in place]
    front = ops.transpose(u, axes=(0, *place, *rest))
    y = op(front, index + _samples_along(n, size, k), axis=0, size=n * size)
    y = ops.reshape(y, shape=(n, size, *y.shape[1:]))  # (n, size, lead, tail)
    return ops.transpose(y, axes=(0, *range(2, 2 + axis), 1, *range(2 + axis, y.ndim)))


# --- crossing the border of a batch, differentiably -------------------------------------------------------------------


# A value that is inside several batches is Batched by the highest level outermost, whatever the order of the crossings.


def _above(x: Any, frame: Frame) -> bool:
    return isinstance(x, Batched) and x.frame.level > frame.level


def _exchanged(x: Any) -> Any:
    """The first two axes exchanged."""
    return ops.transpose(x, axes=(1, 0, *range(2, len(shape_of(x)))))


def _enter(x: Any, frame: Frame) -> Any:
    if _above(x, frame):
        return Batched(_enter(_exchanged(x.value), frame), x.frame)
    return Batched(x, frame)


def _leave(x: Any, frame: Frame) -> Any:
    if _above(x, frame):
        return Batched(_exchanged(_leave(x.value, frame)), x.frame)
    if isinstance(x, Batched) and x.frame is frame:
        return x.value
    return ops.broadcast_to(x, shape=(frame.size, *shape_of(x)))


def _sum(x: Any, frame: Frame) -> Any:
    if _above(x, frame):
        return Batched(_sum(x.value, frame), x.frame)
    return ops.sum_(x.value, axes=(0,)) if isinstance(x, Batched) and x.frame is frame else x


def _spread_vjp(g: Any, y: Any, x: Any, frame: Frame) -> Any:
    """Each sample of a sum has the gradient of the sum."""
    return batch_enter(ops.broadcast_to(g, shape=(frame.size, *g.shape)), frame=frame)


class Crossing(Op):
    """An operation on whole batches: nothing is left of it in a recording, and a batch does not look inside it."""

    __slots__ = ()

    def __call__(self, *args: Any, **params: Any) -> Any:
        return apply_op(self, args, params) if isinstance(args[0], Tensor) else self.value(*args, **params)


batch_enter = Crossing(
    "batch_enter", _enter, (lambda g, y, x, frame: batch_leave(g, frame=frame),),
    lambda x, frame: Aval(x.shape[1:], x.dtype), tier="batching",
)  # fmt: skip
batch_leave = Crossing(
    "batch_leave", _leave, (lambda g, y, x, frame: batch_enter(g, frame=frame),),
    lambda x, frame: Aval((frame.size, *x.shape), x.dtype), tier="batching",
)  # fmt: skip
batch_sum = Crossing("batch_sum", _sum, (_spread_vjp,), lambda x, frame: x, tier="batching")


class _Running(threading.local):
    batches = 0


_running = _Running()


def active() -> bool:
    """Whether a `batch` is running (random draws refuse then: would samples share them or not?)."""
    return _running.batches > 0


def batch(f: Callable[P, R], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., R]:
    """f for one sample -> the same for many: PyTorch's and JAX's vmap.

    in_axes: the axis that counts the samples, one for all arguments or one for each (None: the argument is shared).
    out_axes: where that axis stands in the results. Nests, differentiates, records. ShapeError when the numbers of
    samples differ; ArgumentError when no argument is batched.

    >>> batch(lambda row: (row * row).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))
    tensor([ 5., 25.], dtype=float64)
    """
    call: Any = f

    def batched(*args: Any) -> Any:
        axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ArgumentError(f"batch: in_axes has {len(axes)} entries for {len(args)} arguments")
        trees = [tree_map(as_tensor, a, is_data) for a in args]  # a list of numbers is one tensor
        sizes = {
            t.shape[ops.normalize_axis("batch", ax, t.ndim, "in_axes")]
            for tree, ax in zip(trees, axes, strict=True)
            if ax is not None
            for t in flatten(tree)[0]
        }
        if not sizes:
            raise ArgumentError("batch: in_axes is None for every argument, so there is nothing to batch over")
        if len(sizes) > 1:
            raise ShapeError(f"batch: arguments have different numbers of samples: {sorted(sizes)}")
        frame = Frame(sizes.pop())

        def enter(t: Tensor, axis: int) -> Tensor:
            return batch_enter(F.movedim(t, axis, 0) if axis else t, frame=frame)

        def leave(y: Any) -> Any:
            y = batch_leave(as_tensor(y), frame=frame)
            return F.movedim(y, 0, out_axes) if out_axes else y

        inside = [
            tree if ax is None else tree_map(lambda t, ax=ax: enter(t, ax), tree)
            for tree, ax in zip(trees, axes, strict=True)
        ]
        _running.batches += 1
        try:
            return tree_map(leave, call(*inside))
        finally:
            _running.batches -= 1

    return batched


__all__ = ["RULES", "Batched", "Frame", "active", "batch"]
