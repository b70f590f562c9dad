"""PyTorch's classes of tensors: what they make is a `surefit.Tensor` of a dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.creation import tensor as new_tensor
from surefit.core.creation import zeros
from surefit.core.modes import is_grad_enabled
from surefit.core.modes import mode as modes
from surefit.core.tensor import Tensor as OwnTensor
from surefit.torch.adapt import checked_keywords


class Size(tuple):
    """A shape."""

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)


class _Kind(type):
    dtype: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        left = checked_keywords(cls.__name__, kwargs)
        dtype = cls.dtype or ops.default.float
        sizes = args and all(isinstance(a, int) and not isinstance(a, bool) for a in args)
        if sizes or (len(args) == 1 and isinstance(args[0], Size)):
            t = zeros(*args, dtype=dtype)  # PyTorch leaves the numbers open
        else:
            t = new_tensor(args[0] if args else [], dtype)
        return t.requires_grad_() if left.get("requires_grad") else t

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, OwnTensor) and (cls.dtype is None or x.dtype == cls.dtype)

    def __getattr__(cls, name: str) -> Any:
        return getattr(OwnTensor, name)


class Tensor(metaclass=_Kind):
    """Tensor(data) in the default dtype; Tensor(3, 4) of that size."""

    dtype: Any = None


class FloatTensor(metaclass=_Kind):
    """float32."""

    dtype = ops.float32


class DoubleTensor(metaclass=_Kind):
    """float64."""

    dtype = ops.float64


class LongTensor(metaclass=_Kind):
    """int64."""

    dtype = ops.int64


class IntTensor(metaclass=_Kind):
    """int32."""

    dtype = ops.int32


class BoolTensor(metaclass=_Kind):
    """bool."""

    dtype = ops.bool_


class _VariableKind(_Kind):
    def __call__(cls, data: Any = (), requires_grad: bool = False, volatile: bool = False) -> Any:
        if isinstance(data, OwnTensor) and not requires_grad:
            return data
        t = new_tensor(data.detach() if isinstance(data, OwnTensor) else data)
        return t.requires_grad_(requires_grad and not volatile)


class Variable(metaclass=_VariableKind):
    """A tensor, a new leaf if it requires grad; since 2018 PyTorch has no other variables either."""

    dtype: Any = None


class set_grad_enabled:
    """Switch gradients on or off, at once, and back at the end of a `with` block."""

    def __init__(self, mode: bool) -> None:
        self.before = is_grad_enabled()
        modes.grad = bool(mode)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.before


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor."""
    return isinstance(x, OwnTensor)


finfo, iinfo = np.finfo, np.iinfo

__all__ = [
    "BoolTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "Size", "Tensor", "Variable", "finfo",
    "iinfo", "is_tensor", "set_grad_enabled",
]  # fmt: skip
