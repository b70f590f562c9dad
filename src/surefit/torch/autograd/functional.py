"""`torch.autograd.functional`: derivatives of a function at one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefit.core import functional as own


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """All derivatives of func at a tensor (at a tuple of them: one result for each)."""
    if isinstance(inputs, tuple):
        return tuple(own.jacobian(func, i)(*inputs) for i in range(len(inputs)))
    y = own.jacobian(func)(inputs)
    return y if create_graph else y.detach()


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """All second derivatives of func, which returns one number, at a tensor."""
    y = own.hessian(func)(inputs)
    return y if create_graph else y.detach()


__all__ = ["hessian", "jacobian"]
