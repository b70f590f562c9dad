"""`torch.nn.utils`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surefit.core.functions import cat, ravel, reshape
from surefit.core.modes import no_grad
from surefit.optim import clip_grad_norm_, clip_grad_value_
from surefit.torch.adapt import refusal
from surefit.torch.nn.utils import rnn

clip_grad_norm = clip_grad_norm_


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All parameters in one vector."""
    return cat([ravel(p) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Assign the parameters from one vector."""
    at = 0
    with no_grad():
        for p in parameters:
            p.copy_(reshape(vec[at : at + p.numel()], p.shape))
            at += p.numel()


_ELSEWHERE = {
    **dict.fromkeys(
        ("spectral_norm", "weight_norm", "parametrize", "parametrizations"), "divide the weight by its norm in forward"
    ),
    "prune": "set weights to zero in torch.no_grad()",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.nn.utils", name, _ELSEWHERE, list(__all__))


__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
