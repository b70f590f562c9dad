"""Function: an operation with a gradient of its own, as `torch.autograd.Function`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.functions import cat, narrow, ravel, reshape
from surefit.core.modes import mode, no_grad
from surefit.core.node import Node, value_of
from surefit.core.tensor import Tensor, wrap
from surefit.errors import DtypeError, GradientError, ShapeError


class Context:
    """What `forward` leaves for `backward`: tensors by `save_for_backward`, anything else as attributes."""

    def __init__(self, needs: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs
        self.saved_tensors: tuple[Any, ...] = ()
        self.materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for `backward`, which finds them in `saved_tensors`."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Accepted: results without a float dtype carry no gradient anyway."""

    def set_materialize_grads(self, value: bool) -> None:
        """Accepted: gradients of results that nothing uses are always zeros here."""
        self.materialize = value


class _Made:
    """Stands in a graph where a primitive would."""

    put = None

    def __init__(self, name: str) -> None:
        self.name = name


class Function:
    """Base of operations that bring their gradient: subclasses write `forward(ctx, ...)` and `backward(ctx, grad)`.

    `backward` gets one gradient for each result and returns one for each argument of `forward` (None where there is
    none). It is differentiated in turn where it is made of differentiable operations on `ctx.saved_tensors`.

    >>> class Square(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 2 * x
    >>> x = Tensor([3.0], requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor([6.])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """What the operation computes, from (ctx, ...), or from (...) alone where `setup_context` is written."""
        raise NotImplementedError("write forward(ctx, ...) as a staticmethod of the Function")

    setup_context: Any = None

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients of the arguments, from those of the results."""
        raise NotImplementedError("write backward(ctx, grad) as a staticmethod of the Function")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run `forward`, and remember how to go back."""
        needs = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        ctx = Context(needs)
        with no_grad():
            if cls.setup_context is None:
                out = cls.forward(ctx, *args)
            else:
                out = cls.forward(*args)
                cls.setup_context(ctx, args, out)
            single = not isinstance(out, (tuple, list))
            outs = [out] if single else list(out)
            for o in outs:
                if not isinstance(o, Tensor):
                    raise DtypeError(f"{cls.__name__}.forward must return tensors, got {type(o).__name__}")
            whole = outs[0] if single else cat([ravel(o) for o in outs if o.dtype in ops.FLOATS])
        if not (mode.grad and any(needs)) or whole.dtype not in ops.FLOATS:
            return outs[0] if single else tuple(outs)
        shapes = [o.shape if o.dtype in ops.FLOATS else None for o in outs]
        joint = _with_history(cls, ctx, args, whole, shapes, single)
        if single:
            return joint
        parts, at = [], 0
        for o, shape in zip(outs, shapes, strict=True):
            if shape is not None:
                parts.append(reshape(narrow(joint, 0, at, math.prod(shape)), shape))
                at += math.prod(shape)
            else:
                parts.append(o)
        return tuple(parts)


def _with_history(
    cls: type[Function], ctx: Context, args: tuple[Any, ...], whole: Tensor, shapes: list[Any], single: bool
) -> Tensor:
    """The result (of several, one after the other in a vector) with a node whose rules call `backward`."""
    last: list[Any] = [None, None]  # the gradient that came last, and what `backward` made of it

    def pulled(g: Any) -> list[Any]:
        if last[0] is not g:
            t = g if isinstance(g, Tensor) else wrap(g)
            grads: list[Any] = []
            at = 0
            for shape in shapes:
                if shape is None:
                    grads.append(None)
                elif single:
                    grads.append(t)
                else:
                    grads.append(reshape(narrow(t, 0, at, math.prod(shape)), shape))
                    at += math.prod(shape)
            back = cls.backward(ctx, *grads)
            back = list(back) if isinstance(back, (tuple, list)) else [back]
            if len(back) < len(args):
                raise GradientError(f"{cls.__name__}.backward returned {len(back)} gradients for {len(args)} arguments")
            last[:] = [g, back]
        return last[1]

    def rule(i: int) -> Any:
        def of_argument(g: Any, y: Any, *values: Any) -> Any:
            gi = pulled(g)[i]
            shape = ops.shape_of(values[i])
            if gi is None:
                return ops.broadcast_to(np.zeros((), ops.aval_of(values[i]).dtype), shape=shape)
            if ops.shape_of(gi) != shape:
                raise ShapeError(f"{cls.__name__}.backward: gradient {i} has shape {gi.shape}, the argument {shape}")
            return value_of(gi) if isinstance(gi, Tensor) and not mode.grad else gi

        return of_argument

    t = wrap(value_of(whole))
    values = [value_of(a) if isinstance(a, Tensor) else a for a in args]
    parents = [(i, a, rule(i)) for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    t._node = Node(_Made(cls.__name__), parents, values, {})  # type: ignore[arg-type]
    t.requires_grad = True
    return t


__all__ = ["Context", "Function"]
