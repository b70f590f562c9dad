"""Assigning the value of a leaf, the one mutation there is, and the in-place forms, which are such assignments."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Self

import numpy as np

from surefit.core import ops
from surefit.core.entropy import numpy_stream
from surefit.core.modes import mode, no_grad
from surefit.core.node import FREED, Node, Remembering, value_of
from surefit.core.ops import FLOATS, Aval
from surefit.core.shapes import put_at
from surefit.core.values import as_value, numbers_in
from surefit.errors import ArgumentError, CapturedError, DtypeError, GradientError, RecordError, ShapeError

ndarray = np.ndarray


class Assignable(Remembering):
    """How the value of a tensor is changed."""

    __slots__ = ()
    _is_view = False

    def assign(self, value: Any) -> Self:
        """Give this leaf a new value of the same shape and dtype; numbers and lists of numbers take the leaf's dtype.

        GradientError for the result of an operation, ShapeError / DtypeError for another shape or dtype.
        """
        if self._node is not None:
            raise GradientError("only a leaf can be assigned; this tensor is the result of an operation")
        if isinstance(value, Remembering):
            new = value_of(value)
        elif hasattr(value, "aval"):
            new = value
        else:
            new = np.array(value) if isinstance(value, ndarray) else self._weakly(value)
        if getattr(new, "frame", None) is not getattr(self._value, "frame", None):
            raise RecordError(
                f"assign: inside batch() each sample has its own value, so a leaf of shape {self.shape} from outside "
                f"cannot take it; return the value instead (a layer with running statistics: call .eval() first)"
            )
        if new.shape != self.shape:
            raise ShapeError(f"assign: value of shape {new.shape} for a leaf of shape {self.shape}")
        if new.dtype != self.dtype:
            raise DtypeError(f"assign: value of dtype {new.dtype} for a leaf of dtype {self.dtype}; cast it first")
        self._store(new)
        return self

    def _weakly(self, value: Any) -> ndarray:
        """Numbers, or nested lists of them, in this tensor's dtype where promotion allows it, else in their own."""
        own = as_value(value)
        strong = not isinstance(value, np.generic) and numbers_in(value)[1]
        meets, _ = ops.promote((Aval((), own.dtype, weak=True), self.aval))
        return own if strong or meets != self.dtype else ops.as_array(value, self.dtype)

    def _store(self, value: Any) -> None:
        """Take over a value that already has the right shape and dtype."""
        if mode.recorder is not None:
            mode.recorder.assign(self, value)
        else:
            self._value = value

    # --- in place: assignments too ---

    def _changed(self, name: str, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:
        """Assign f(self, ...), as the in-place form `name` of f does."""
        self._check_leaf(name)
        with no_grad() if self.requires_grad else nullcontext():
            new = f(self, *args, **kwargs)
        self._check_history(name, new)
        return self.assign(self._fitting(name, new))

    def _check_leaf(self, name: str) -> None:
        if self._node is not None:
            raise GradientError(
                f"{name}: this tensor is the result of an operation, and only a leaf can be changed in place; make a "
                f"new tensor (x = x + 1, where(mask, a, b), cat, stack), or change x.detach().clone()"
            )

    def _check_history(self, name: str, new: Any) -> None:
        """GradientError where a leaf would take the value of `new` and lose its gradient. A detached one means to."""
        detached = self.requires_grad or (self._is_view and not getattr(self, "path", ()))
        if isinstance(new, Remembering) and new.requires_grad and mode.grad and not detached:
            raise GradientError(
                f"{name}: what is put in requires grad, and a leaf keeps no history; make a new tensor (x = x + y, "
                f"where(mask, a, b), cat, stack), or detach() what is put in"
            )

    def _fitting(self, name: str, new: Any) -> Any:
        """A result in this tensor's dtype: within integers and within floats it is cast, as in PyTorch."""
        have, want = ops.aval_of(new).dtype, self.dtype
        if have == want:
            return new
        kinds = "biuf"
        if kinds.index(have.kind) > kinds.index(want.kind):
            raise DtypeError(f"{name}: the result is {have}, which does not fit into a tensor of {want}; cast it first")
        return ops.cast(new, dtype=want)

    def _cast_value(self, value: Any) -> Any:
        """A value in this tensor's dtype, without its history."""
        return ops.cast(value_of(value) if isinstance(value, Remembering) else as_value(value), dtype=self.dtype)

    def copy_(self, other: Any) -> Self:
        """Assign other, broadcast to this shape and cast to this dtype."""
        self._check_leaf("copy_")
        self._check_history("copy_", other)
        return self.assign(self.made(ops.broadcast_to(self._cast_value(other), shape=self.shape)))

    def fill_(self, value: Any) -> Self:
        """Assign one number everywhere."""
        if ops.shape_of(value) != ():
            raise ShapeError(f"fill_: value must be one number, got shape {ops.shape_of(value)}")
        return self.copy_(value)

    def zero_(self) -> Self:
        """Assign zeros."""
        return self.fill_(0)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Self:
        """Assign normal random numbers; `generator`: a seed, a NumPy Generator, or None for fresh entropy."""
        if not std >= 0.0:
            raise ArgumentError(f"normal_: std={std} must be >= 0")
        return self._drawn("normal_", lambda draw: draw.normal(mean, std, self.shape), generator)

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Self:
        """Assign random numbers that are uniform from a to b."""
        if not a <= b:
            raise ArgumentError(f"uniform_: a={a} must not be above b={b}")
        return self._drawn("uniform_", lambda draw: draw.uniform(a, b, self.shape), generator)

    def _drawn(self, name: str, draw: Callable[[np.random.Generator], Any], generator: Any) -> Self:
        if mode.recorder is not None:
            raise CapturedError(f"{name} inside a recorded function would freeze one draw; call it before")
        if self.dtype not in FLOATS:
            raise DtypeError(f"{name}: needs float32 or float64, got {self.dtype}")
        stream = numpy_stream(generator)
        return self._changed(name, lambda x: np.asarray(draw(stream), self.dtype))

    def _in_place(self, op: Callable[..., Any], other: Any) -> Any:
        """`t += u`: assigns a leaf where no gradient is involved, else makes a new tensor."""
        if self.requires_grad and self._node is None and mode.grad:
            raise GradientError("a leaf that requires grad cannot be changed in place; do it under no_grad()")
        result = op(self, other)
        if self._node is not None or (result.requires_grad and not self._is_view):
            if _is_part_of_another(self):
                raise GradientError(
                    "+= and its kin on a part of a tensor with a history (a slice, a reshape, ...) would not change "
                    "that tensor; write x = x + y, and build the whole with where, cat or stack"
                )
            return result
        self._check_history("+=", result)
        return self.assign(self._fitting("+=", result))

    def __setitem__(self, index: Any, value: Any) -> None:
        """x[index] = value, broadcast and cast: an assignment of the whole leaf."""
        if self.requires_grad and self._node is None and mode.grad:
            raise GradientError("a leaf that requires grad cannot be changed in place; do it under no_grad()")
        self._check_leaf("x[index] = value")
        self._check_history("x[index] = value", value)
        items = index if index.__class__ is tuple else (index,)
        items = tuple(value_of(i) if isinstance(i, Remembering) else i for i in items)
        self.assign(self.made(put_at(value_of(self), items, self._cast_value(value))))


def _holders(node: Node) -> int:
    """How many hold the first tensor that a result was made of, this node among them."""
    return sys.getrefcount(node.parents[0][1])


_ANYTHING: Any = Remembering.__new__(Remembering)
_NOBODY_ELSE = _holders(Node(ops.add, [(0, _ANYTHING, ops.zeros_like)], [], {})) - 1  # _ANYTHING itself is one


def _is_part_of_another(t: Remembering) -> bool:
    """Whether t is a part of a tensor that somebody can still look at: then a change in place would be missed there."""
    while t._node is not None and t._node is not FREED and t._node.op.put is not None:
        if _holders(t._node) > _NOBODY_ELSE:
            return True
        t = t._node.parents[0][1]
    return False


__all__ = ["Assignable"]
