"""Losses as modules: that their settings arrive (the formulas are tested with the functions)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from surefit import nn
from surefit.core.creation import tensor, zeros
from surefit.errors import ArgumentError, ShapeError


def numpy(t):
    return t.detach().numpy()


def test_loss_modules_hold_their_settings():
    x, y = tensor([1.0, -2.0, 0.5]), tensor([0.0, 0.0, 0.0])
    d = numpy(x)
    assert nn.MSELoss(reduction="sum")(x, y).item() == (d**2).sum()
    assert nn.L1Loss(reduction="none")(x, y).tolist() == abs(d).tolist()
    assert nn.HuberLoss(delta=0.5)(x, y).item() == pytest.approx(
        np.where(abs(d) < 0.5, d**2 / 2, 0.5 * (abs(d) - 0.25)).mean()
    )
    assert nn.SmoothL1Loss(beta=2.0)(x, y).item() == pytest.approx(np.where(abs(d) < 2, d**2 / 4, abs(d) - 1).mean())
    assert nn.LogCoshLoss()(x, y).item() == pytest.approx(np.log(np.cosh(d)).mean())
    e = -d  # target - input
    assert nn.QuantileLoss(0.9)(x, y).item() == pytest.approx(np.maximum(0.9 * e, -0.1 * e).mean())
    weighted = nn.CrossEntropyLoss(np.array([1.0, 3.0]))
    assert list(weighted.state_dict()) == ["weight"]
    logits = tensor([[1e4, -1e4], [0.0, 0.0]], dtype="float64")
    assert weighted(logits, tensor([1, 0])).item() == pytest.approx((3 * 2e4 + math.log(2)) / 4)


@pytest.mark.parametrize(
    "make",
    [
        nn.MSELoss,
        nn.L1Loss,
        nn.HuberLoss,
        nn.SmoothL1Loss,
        nn.LogCoshLoss,
        nn.QuantileLoss,
        nn.PoissonNLLLoss,
        nn.BCELoss,
        nn.BCEWithLogitsLoss,
        nn.KLDivLoss,
        nn.SoftMarginLoss,
        nn.HingeEmbeddingLoss,
    ],
)
def test_losses_never_broadcast(make):
    with pytest.raises(ShapeError, match=r"\(4,\).*\(4, 1\)|\(4, 1\).*\(4,\)"):
        make()(zeros(4) + 0.5, zeros(4, 1) + 0.5)


def test_unknown_reductions():
    with pytest.raises(ArgumentError, match="reduction='average' must be one of 'mean', 'sum', 'none'"):
        nn.MSELoss(reduction="average")
    with pytest.raises(ArgumentError, match="batchmean"):
        nn.MSELoss(reduction="batchmean")
    nn.KLDivLoss(reduction="batchmean")
