"""`torch.autograd`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core.creation import tensor, zeros_like
from surefit.core.custom import Function
from surefit.core.functional import gradients as _gradients
from surefit.core.modes import enable_grad, no_grad
from surefit.core.ops import float64
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, GradientError
from surefit.torch.adapt import refusal
from surefit.torch.autograd import functional
from surefit.torch.tensors import Variable, set_grad_enabled


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Gradients of outputs with respect to inputs, as a tuple.

    materialize_grads=True: zeros, not None, for inputs that no output depends on. ArgumentError for is_grads_batched.
    """
    if is_grads_batched:
        raise ArgumentError("grad: is_grads_batched is not taken; use surefit.batch, or surefit.jacobian")
    unused = materialize_grads if allow_unused is None else allow_unused
    found = _gradients(outputs, inputs, grad_outputs, retain_graph, create_graph, unused)
    if not materialize_grads:
        return found
    ins = [inputs] if isinstance(inputs, Tensor) else inputs
    return tuple(zeros_like(x) if g is None else g for x, g in zip(ins, found, strict=True))


def gradcheck(
    func: Callable[..., Any], inputs: Any, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Whether the gradients of func, which returns one tensor, are those of central differences.

    inputs: float64 tensors, those with requires_grad being looked at. GradientError where they differ, or False with
    raise_exception=False.
    """
    xs = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    for i, x in enumerate(xs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            continue
        if x.dtype != float64:
            raise DtypeError(f"gradcheck: input {i} is {x.dtype}; differences need float64 (x.double())")
        y = func(*xs)
        at, shape = x.detach().numpy().ravel(), x.shape
        table = np.zeros((y.numel(), x.numel()))
        for j in range(x.numel()):
            ends = []
            for sign in (1, -1):
                moved = at.copy()
                moved[j] += sign * eps
                others = [tensor(moved.reshape(shape)) if k == i else v for k, v in enumerate(xs)]
                ends.append(func(*others).detach().numpy().ravel())
            table[:, j] = (ends[0] - ends[1]) / (2 * eps)
        for row, part in enumerate(y.reshape(-1)):
            (g,) = _gradients(part, x, retain_graph=True, allow_unused=True)
            mine = np.zeros(x.numel()) if g is None else g.detach().numpy().ravel()
            if not np.allclose(mine, table[row], rtol, atol):
                if not raise_exception:
                    return False
                raise GradientError(
                    f"gradcheck: the gradient of output {row} by input {i} is {mine.tolist()}, by differences "
                    f"{table[row].tolist()}"
                )
    return True


_ELSEWHERE = {
    "profiler": "use cProfile",
    "set_detect_anomaly": "leave it out",
    "detect_anomaly": "leave it out; torch.isfinite(p.grad).all() finds where NaN comes from",
    "forward_ad": "use torch.autograd.functional.jvp",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.autograd", name, _ELSEWHERE, list(__all__))


__all__ = ["Function", "Variable", "enable_grad", "functional", "grad", "gradcheck", "no_grad", "set_grad_enabled"]
