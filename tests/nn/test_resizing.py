"""Transposed convolution, interpolation, channel dropout and similarities beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.core.creation import ones, tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def both(ours, theirs, *arrays):
    """Results and gradients of two functions of the same arrays."""
    a, b = ([make(x) for x in arrays] for make in (lambda x: tensor(x, requires_grad=True), _leaf))
    y, z = ours(*a), theirs(*b)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-12)
    (y * y.sin()).sum().backward()
    (z * z.sin()).sum().backward()
    for p, q in zip(a, b, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-8, atol=1e-11)


def _leaf(x):
    return torch.tensor(x, requires_grad=True)


TRANSPOSED = [
    {},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"padding": 2},
    {"stride": 3, "dilation": 2, "padding": 1, "output_padding": 2},
    {"groups": 2, "stride": 2},
    {"bias": False, "dilation": 2},
]


@pytest.mark.parametrize("kwargs", TRANSPOSED, ids=str)
@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolution(axes, kwargs):
    name = f"ConvTranspose{axes}d"
    ours = getattr(nn, name)(4, 6, 3, generator=0, dtype="float64", **kwargs)
    theirs = getattr(torch.nn, name)(4, 6, 3, **kwargs).double()
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((2, 4, *(5, 4)[:axes]))
    both(ours, theirs, x)
    both(ours, theirs, x[0])
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-8, atol=1e-11)


def test_transposed_convolution_is_the_adjoint():
    rng = np.random.default_rng(1)
    w, x, y = rng.standard_normal((3, 2, 4)), rng.standard_normal((1, 2, 11)), rng.standard_normal((1, 3, 5))
    forth = (F.conv1d(tensor(x), tensor(w), stride=2, padding=1) * tensor(y)).sum().item()
    back = (F.conv_transpose1d(tensor(y), tensor(w), stride=2, padding=1, output_padding=1) * tensor(x)).sum().item()
    assert forth == pytest.approx(back)


INTERPOLATIONS = [
    {"size": 7},
    {"scale_factor": 2},
    {"scale_factor": 1.7},
    {"scale_factor": 0.5},
    {"size": 3, "mode": "linear"},
    {"size": 9, "mode": "linear", "align_corners": True},
    {"scale_factor": 1.6, "mode": "linear", "align_corners": False},
    {"size": 1, "mode": "linear", "align_corners": True},
    {"scale_factor": (2.0, 0.5), "mode": "nearest"},
    {"size": (3, 9), "mode": "bilinear"},
    {"scale_factor": 2, "mode": "bilinear", "align_corners": True},
]


@pytest.mark.parametrize("kwargs", INTERPOLATIONS, ids=str)
def test_interpolation(kwargs):
    flat = kwargs.get("mode") == "linear" or not isinstance(next(iter(kwargs.values())), tuple)
    x = np.random.default_rng(2).standard_normal(
        (2, 3, 5) if flat and kwargs.get("mode") != "bilinear" else (2, 3, 5, 6)
    )
    both(
        lambda t: F.interpolate(t, **kwargs),
        lambda t: torch.nn.functional.interpolate(t, **kwargs),
        x,
    )
    both(nn.Upsample(**kwargs), torch.nn.Upsample(**kwargs), x)


@pytest.mark.parametrize(
    "name, kwargs, count",
    [
        ("CosineSimilarity", {}, 2), ("CosineSimilarity", {"dim": 0}, 2), ("PairwiseDistance", {}, 2),
        ("PairwiseDistance", {"p": 1.0, "keepdim": True}, 2), ("TripletMarginLoss", {}, 3),
        ("TripletMarginLoss", {"margin": 0.3, "swap": True, "reduction": "sum"}, 3),
        ("TripletMarginLoss", {"p": 1.0, "reduction": "none"}, 3),
    ],
)  # fmt: skip
def test_similarities(name, kwargs, count):
    arrays = np.random.default_rng(3).standard_normal((count, 4, 3))
    both(getattr(nn, name)(**kwargs), getattr(torch.nn, name)(**kwargs), *arrays)


@pytest.mark.parametrize("axes", [1, 2])
def test_channels_are_dropped_whole(axes):
    layer = (nn.Dropout1d if axes == 1 else nn.Dropout2d)(0.25, generator=0)
    y = layer(ones(50, 40, *(3,) * axes)).numpy().reshape(50, 40, -1)
    assert (y == y[..., :1]).all()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03
    assert (layer.eval()(ones(2, 2, *(3,) * axes)).numpy() == 1).all()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: F.interpolate(ones(1, 1, 3)), "size or scale_factor"),
        (lambda: F.interpolate(ones(1, 1, 3), size=2, mode="bicubic"), "bicubic"),
        (lambda: F.interpolate(ones(1, 1, 3), size=2, mode="bilinear"), r"\(n, c, h, w\)"),
        (lambda: F.interpolate(ones(1, 1, 3), size=2, align_corners=True), "align_corners"),
        (lambda: F.interpolate(ones(1, 1, 3), scale_factor=-1), "scale_factor"),
        (lambda: nn.ConvTranspose2d(3, 4, 2, groups=2), "groups"),
        (lambda: nn.ConvTranspose1d(3, 4, 2, output_padding=1)(ones(1, 3, 4)), "output_padding"),
        (lambda: nn.ConvTranspose1d(3, 4, 2)(ones(1, 2, 4)), "channels"),
        (lambda: nn.TripletMarginLoss(margin=0), "margin"),
        (lambda: nn.Dropout2d(0.5)(ones(3)), "Dropout2d"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises((ArgumentError, ShapeError), match=words):
        call()
