"""How a tensor was made, and what every tensor consists of: a value, its history, a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.core import ops
from surefit.core.modes import mode
from surefit.core.ops import Aval, Op

if TYPE_CHECKING:
    from surefit.core.tensor import Tensor

Parent = tuple[int, "Tensor", Callable[..., Any]]


class Node:
    """How a Tensor was made: primitive, arguments that need gradients (place, Tensor, rule), all values, parameters."""

    __slots__ = ("op", "params", "parents", "values")

    def __init__(self, op: Op, parents: list[Parent], values: list[Any], params: dict[str, Any]) -> None:
        self.op, self.parents, self.values, self.params = op, parents, values, params


class KeptNode(Node):
    """The node of a tensor that keeps its `.grad` though it is not a leaf."""

    __slots__ = ()


FREED = Node(ops.add, [], [], {})  # stands where a graph was freed by backward


class Remembering:
    """A value with a history: what `Tensor` and its parts hold."""

    __slots__ = ("__weakref__", "_birth", "_grad", "_node", "_value", "requires_grad")

    if TYPE_CHECKING:
        _value: Any
        _node: Node | None
        _birth: int
        _grad: Tensor | None
        requires_grad: bool

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> np.dtype: ...
        @property
        def aval(self) -> Aval: ...

    made: Callable[[Any], Tensor]  # a tensor around a value


def value_of(t: Remembering) -> Any:
    """The value that a tensor has now, or its name in the recording in progress."""
    return t._value if mode.recorder is None else mode.recorder.read(t)


__all__ = ["FREED", "KeptNode", "Node", "Parent", "Remembering", "value_of"]
