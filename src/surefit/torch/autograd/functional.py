"""`torch.autograd.functional`: derivatives of a function at one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefit.core import functional as own
from surefit.core.creation import ones_like


def _given(func: Callable[..., Any], inputs: Any) -> tuple[tuple[Any, ...], bool]:
    """The inputs as a tuple, and whether they came as one."""
    several = isinstance(inputs, (tuple, list))
    return (tuple(inputs) if several else (inputs,)), several


def _plain(y: Any, create_graph: bool) -> Any:
    if isinstance(y, tuple):
        return tuple(_plain(part, create_graph) for part in y)
    return y if create_graph else y.detach()


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """All derivatives of func at a tensor (at a tuple of them: one result for each)."""
    xs, several = _given(func, inputs)
    parts = tuple(own.jacobian(func, i)(*xs) for i in range(len(xs)))
    return _plain(parts if several else parts[0], create_graph)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """All second derivatives of func, which returns one number, at a tensor (at a tuple: a block for each pair)."""
    xs, several = _given(func, inputs)
    every = range(len(xs))
    blocks = tuple(tuple(own.jacobian(own.grad(func, i), j)(*xs) for j in every) for i in every)
    return _plain(blocks if several else blocks[0][0], create_graph)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times its Jacobian); v is 1 where func returns one number."""
    xs, several = _given(func, inputs)
    value, pull = own.vjp(func, *xs)
    back = pull(ones_like(value) if v is None else v)
    back = back if isinstance(back, (tuple, list)) else (back,)
    return _plain(value, create_graph), _plain(tuple(back) if several else back[0], create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """(func(inputs), its Jacobian times v); func returns one tensor. v is 1 where the input is one number."""
    xs, _ = _given(func, inputs)
    vs = tuple(ones_like(x) for x in xs) if v is None else _given(func, v)[0]
    value = func(*xs)
    parts = []
    for i, (x, w) in enumerate(zip(xs, vs, strict=True)):
        table = own.jacobian(func, i)(*xs)
        parts.append((table.reshape(-1, x.numel()) @ w.reshape(-1)).reshape(value.shape))
    return _plain(value, create_graph), _plain(sum(parts[1:], parts[0]), create_graph)


def hvp(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool = False) -> tuple[Any, Any]:
    """(func(x), its Hessian times v) at one tensor."""
    (x,), several = _given(func, inputs)
    (w,), _ = _given(func, v)
    product = _plain(own.hvp(func, x, w), create_graph)
    return _plain(func(x), create_graph), ((product,) if several else product)


vhp = hvp  # the Hessian is symmetric

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
