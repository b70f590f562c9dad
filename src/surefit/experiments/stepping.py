"""The training step that the experiments share, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefit import nn, optim
from surefit.compiler import jit
from surefit.nn import functional as F


def compiled_step(
    network: nn.Module, optimizer: optim.Optimizer, loss_of: Callable[[Any, Any], Any] = F.mse_loss
) -> Callable[[Any, Any], Any]:
    """(x, y) -> the loss of one update with the gradient of loss_of(network(x), y); machine code."""
    optimizer.prepare()

    @jit
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(network(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


__all__ = ["compiled_step"]
