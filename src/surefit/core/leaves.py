"""Leaves with a part to play in training: parameters, named state, and the flat vector that parameters are views of."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.modes import mode
from surefit.core.node import value_of
from surefit.core.ops import float32
from surefit.core.tensor import Tensor, wrap
from surefit.core.values import as_value
from surefit.errors import DtypeError, RecordError


class Parameter(Tensor):
    """A leaf that a Module trains: it requires a gradient unless told otherwise.

    An optimiser lays the parameters it trains into one flat vector (see `FlatVector`); each is then a view of it.
    """

    __slots__ = ("owner",)

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = True) -> None:
        self.owner: FlatVector | None = None
        super().__init__(data, dtype, requires_grad)

    def _store(self, value: Any) -> None:
        if self.owner is not None:
            self.owner.store_part(self, value)
        else:
            super()._store(value)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = Parameter(self._concrete("deepcopy"), requires_grad=self.requires_grad)
        twin.grad = None if self.grad is None else wrap(value_of(self.grad))
        memo[id(self)] = twin
        return twin


class State(Tensor):
    """A named leaf that a step reads and assigns: a moment, a counter, a learning rate, a running mean."""

    __slots__ = ("label",)

    def __init__(self, data: Any, label: str, dtype: Any = None) -> None:
        super().__init__(as_value(data, dtype))
        self.label = label

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = State(self._concrete("deepcopy"), self.label)
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> Any:
        return State, (self._concrete("pickling"), self.label)


class FlatVector(Tensor):
    """One vector that holds parameters side by side; they are named views of it, refreshed when it is assigned.

    The vector is the state: recording reads and assigns it whole, and the parameters are slices of it.
    """

    __slots__ = ("params", "parts")

    def __init__(self, params: Sequence[Parameter]) -> None:
        if mode.recorder is not None:
            raise RecordError(
                "parameters cannot be laid into a flat vector while recording; call optimizer.prepare() once before"
            )
        pieces = [p._value.reshape(-1) if p.numel() else p._value.reshape(0) for p in params]
        super().__init__(np.concatenate(pieces) if pieces else np.zeros(0, float32))
        self.params = list(params)
        ends = np.cumsum([p.numel() for p in params])
        self.parts = [(p, int(e) - p.numel(), int(e), p.shape) for p, e in zip(params, ends, strict=True)]
        for p in params:
            p.owner = self
        self._refresh()

    def _refresh(self) -> None:
        v = self._value
        for p, a, b, shape in self.parts:
            if p.owner is self:
                p._value = v[a:b].reshape(shape)

    def _store(self, value: Any) -> None:
        super()._store(value)
        if mode.recorder is None:
            self._refresh()

    @property
    def value(self) -> Any:
        """The vector's value, as it is read now."""
        return value_of(self)

    def holds(self, params: Sequence[Parameter]) -> bool:
        """Whether these parameters, in this order and no others, live here."""
        same = len(params) == len(self.params) and all(map(operator.is_, params, self.params))
        return same and all(map(operator.is_, [p.owner for p in params], itertools.repeat(self)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return wrap(self._concrete("deepcopy"))  # the numbers alone: copied parameters are owned by no vector

    def __reduce__(self) -> Any:
        return Tensor, (self._concrete("pickling"),)

    def at_home(self) -> bool:
        """Whether all its parameters still live here."""
        return all(p.owner is self for p, *_ in self.parts)

    def part(self, p: Parameter) -> tuple[int, int]:
        """Where a parameter begins and ends in the vector."""
        return next((a, b) for q, a, b, _ in self.parts if q is p)

    def store_part(self, p: Parameter, value: Any) -> None:
        """Assign one parameter: the vector with that slice replaced."""
        a, b = self.part(p)
        if mode.recorder is None:
            vector = self._value.copy()
            vector[a:b] = value.reshape(-1)
        else:
            whole = mode.recorder.read(self)
            piece = ops.reshape(value, shape=(b - a,))
            ends = [whole_slice(whole, 0, a), piece, whole_slice(whole, b, whole.shape[0])]
            vector = ops.concatenate(*ends, axis=0)
        self._store(vector)

    def view_of(self, p: Parameter, vector: Any) -> Any:
        """The parameter's view of a given vector (an array or a recorded name)."""
        a, b = self.part(p)
        return ops.reshape(whole_slice(vector, a, b), shape=p._value.shape)


class Gathered:
    """Leaves that are no Parameters, for an optimiser: what `FlatVector` is for parameters, without moving them."""

    def __init__(self, params: Sequence[Tensor]) -> None:
        ends = np.cumsum([p.numel() for p in params])
        self.parts = [(p, int(e) - p.numel(), int(e), p.shape) for p, e in zip(params, ends, strict=True)]

    @property
    def value(self) -> Any:
        """All elements in one vector."""
        pieces = [ops.reshape(value_of(p), shape=(b - a,)) for p, a, b, _ in self.parts]
        return np.concatenate(pieces) if mode.recorder is None else ops.concatenate(*pieces, axis=0)

    def _store(self, value: Any) -> None:
        for p, a, b, shape in self.parts:
            p._store(ops.reshape(whole_slice(value, a, b), shape=shape))


def whole_slice(vector: Any, a: int, b: int) -> Any:
    """vector[a:b] as a primitive, for any kind of value."""
    return ops.slice_(vector, start=(a,), stop=(b,), step=(1,))


def flatten_parameters(params: Iterable[Parameter]) -> FlatVector:
    """The flat vector of exactly these parameters; made (and the parameters moved into it) where there is none.

    DtypeError when their dtypes differ.
    """
    ps = list(params)
    owner = ps[0].owner if ps else None
    if owner is not None and owner.holds(ps):
        return owner
    kinds = sorted({str(p.dtype) for p in ps})
    if len(kinds) > 1:
        raise DtypeError(f"parameters of different dtypes ({', '.join(kinds)}) cannot share one flat vector")
    return FlatVector(ps)


__all__ = ["FlatVector", "Gathered", "Parameter", "State", "flatten_parameters", "whole_slice"]
