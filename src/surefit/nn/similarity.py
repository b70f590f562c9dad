"""How near vectors are, as modules: cosine, distance, and the loss of triplets."""

from __future__ import annotations

from typing import Any

from surefit.core import functions as fn
from surefit.core import ops
from surefit.errors import ArgumentError
from surefit.nn import functional as F
from surefit.nn.arguments import one_of
from surefit.nn.module import Module


class CosineSimilarity(Module):
    """Cosine of the angle between vectors along dim: called as (x1, x2)."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """p-norm of x1 - x2 + eps along the last axis: called as (x1, x2)."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class TripletMarginLoss(Module):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0): called as (anchor, positive, negative), (n, d) each.

    d is the p-norm. swap: the distance of positive and negative counts where it is smaller (Balntas and others 2016).
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if margin <= 0:
            raise ArgumentError(f"TripletMarginLoss: margin={margin} must be > 0")
        self.margin, self.norm, self.eps, self.swap = margin, p, eps, swap
        self.reduction = one_of("TripletMarginLoss", "reduction", reduction, ("mean", "sum", "none"))

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        far = F.pairwise_distance(anchor, negative, self.norm, self.eps)
        if self.swap:
            far = ops.minimum(far, F.pairwise_distance(positive, negative, self.norm, self.eps))
        loss = fn.clamp(F.pairwise_distance(anchor, positive, self.norm, self.eps) - far + self.margin, min=0.0)
        return loss if self.reduction == "none" else getattr(fn, self.reduction)(loss)


__all__ = ["CosineSimilarity", "PairwiseDistance", "TripletMarginLoss"]
