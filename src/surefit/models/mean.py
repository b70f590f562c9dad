"""The mean of several models of the same inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefit import nn


class Mean(nn.Module):
    """Rows (n, d) -> the mean (n, k) of what the models give, added in their order, as NumPy's mean does."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x: Any) -> Any:
        total, *others = (model(x) for model in self.models)
        for values in others:
            total = total + values
        return total / len(self.models)


__all__ = ["Mean"]
