"""Outputs that rise from one to the next: quantiles of one target that cannot cross."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit import nn
from surefit.core import functions as F
from surefit.core import ops

LEAST = 1e-3  # deviations that quantiles begin apart, where those of the target are one


class Rising(nn.Module):
    """Rows (n, d) -> outputs (n, k), each above the one before by the softplus of what the network gives.

    So quantiles do not cross at any input (as in Gasthaus et al. 2019, Probabilistic forecasting with spline quantile
    function RNNs, where quantiles are sums of increments above 0).
    """

    def __init__(self, network: nn.Module, outputs: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("sums", np.triu(np.ones((outputs, outputs))))

    def settings(self) -> dict[str, Any] | None:
        """Those of the network, if it has some."""
        own: dict[str, Any] | None = getattr(self.network, "settings", dict)()
        return own

    def forward(self, x: Any) -> Any:
        return rising(self.network(x), self.sums)


def rising(values: Any, sums: Any) -> Any:
    """Values (..., k) as numbers that rise: the first, and what comes to it. sums: (k, k), 1 on and above the diagonal.

    >>> import numpy as np
    >>> from surefit.core.tensor import Tensor
    >>> rising(Tensor(np.array([[0.5, -9.0, 3.0]])), Tensor(np.triu(np.ones((3, 3))))).numpy().round(3).tolist()
    [[0.5, 0.5, 3.549]]
    """
    steps = nn.functional.softplus(values[..., 1:])
    return ops.matmul(F.cat([values[..., :1], steps], len(values.shape) - 1), ops.cast(sums, dtype=values.dtype))


def start_of(levels: np.ndarray) -> np.ndarray:
    """Values (k,) whose `rising` is levels that do not fall, (k,)."""
    steps = np.maximum(np.diff(levels), LEAST)
    return np.concatenate([levels[:1], steps + np.log(-np.expm1(-steps))])


__all__ = ["Rising", "rising", "start_of"]
