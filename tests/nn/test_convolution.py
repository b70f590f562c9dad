"""Convolution and pooling against their definitions written as loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from surefit import nn
from surefit.core.creation import tensor

rng = np.random.default_rng


def numpy(t):
    return t.detach().numpy()


def convolved(x, w, b, stride, padding, dilation, groups, mode="constant"):
    """The definition: for each output place the sum over input channels of the group and kernel places."""
    axes = w.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *padding], mode=mode)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    size = [(n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, stride, strict=True)]
    y = np.zeros((x.shape[0], w.shape[0], *size))
    inputs, outputs = w.shape[1], w.shape[0] // groups
    for n, o, *at in itertools.product(*(range(k) for k in y.shape)):
        for c, *k in itertools.product(*(range(m) for m in w.shape[1:])):
            place = [at[i] * stride[i] + k[i] * dilation[i] for i in range(axes)]
            y[(n, o, *at)] += w[(o, c, *k)] * x[(n, o // outputs * inputs + c, *place)]
    return y + (0 if b is None else b.reshape(1, -1, *(1,) * axes))


CONVOLUTIONS = [
    {},
    {"stride": 2},
    {"padding": 2},
    {"dilation": 2},
    {"groups": 2},
    {"bias": False},
    {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "valid"},
    {"padding": 2, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "replicate"},
    {"padding": 2, "padding_mode": "circular", "stride": 2},
    {"padding": "same", "padding_mode": "reflect", "dilation": 2},
    {"padding": "valid", "padding_mode": "circular"},
]
NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("kwargs", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("kernel", [3, 4])
def test_convolution(axes, kernel, kwargs):
    layer = (nn.Conv1d if axes == 1 else nn.Conv2d)(4, 2, kernel, generator=0, dtype="float64", **kwargs)
    x = rng(1).standard_normal((2, 4, *(9, 8)[:axes]))
    dilation = kwargs.get("dilation", 1)
    padding = kwargs.get("padding", 0)
    if padding == "same":
        total = dilation * (kernel - 1)
        padding = (total // 2, total - total // 2)
    else:
        padding = (0, 0) if padding == "valid" else (padding, padding)
    want = convolved(
        x,
        numpy(layer.weight),
        None if layer.bias is None else numpy(layer.bias),
        (kwargs.get("stride", 1),) * axes,
        [padding] * axes,
        (dilation,) * axes,
        kwargs.get("groups", 1),
        NUMPY_MODES[kwargs.get("padding_mode", "zeros")],
    )
    np.testing.assert_allclose(numpy(layer(tensor(x))), want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(numpy(layer(tensor(x[0]))), want[0], rtol=1e-12, atol=1e-12)  # without a batch


def test_convolution_with_different_sizes_for_each_axis():
    layer = nn.Conv2d(2, 3, (3, 1), (2, 1), (1, 2), (1, 2), generator=0, dtype="float64")
    x = rng(1).standard_normal((1, 2, 5, 6))
    weight, bias = numpy(layer.weight), numpy(layer.bias)
    want = convolved(x, weight, bias, (2, 1), [(1, 1), (2, 2)], (1, 2), 1)
    np.testing.assert_allclose(numpy(layer(tensor(x))), want, rtol=1e-12, atol=1e-12)


def pooled(x, kernel, stride, padding, reduce):
    """Windows over the places of the padded input, and what `reduce` makes of the values inside it."""
    h, w = x.shape[-2:]
    size = [(n + 2 * padding - kernel) // stride + 1 for n in (h, w)]
    y = np.zeros((*x.shape[:-2], *size))
    for i, j in itertools.product(*map(range, size)):
        a, b = i * stride - padding, j * stride - padding
        y[..., i, j] = reduce(x[..., max(a, 0) : min(a + kernel, h), max(b, 0) : min(b + kernel, w)])
    return y


@pytest.mark.parametrize("kernel, stride, padding", [(2, None, 0), (3, 2, 1), (3, 1, 0), (2, 3, 1)])
def test_pooling(kernel, stride, padding):
    x = rng(0).standard_normal((2, 3, 7, 8))
    step = stride or kernel
    largest = pooled(x, kernel, step, padding, lambda v: v.max((-1, -2)))
    mean = pooled(x, kernel, step, padding, lambda v: v.mean((-1, -2)))
    share = pooled(x, kernel, step, padding, lambda v: v.sum((-1, -2)) / kernel**2)
    third = pooled(x, kernel, step, padding, lambda v: v.sum((-1, -2)) / 3)
    cases = [
        (nn.MaxPool2d(kernel, stride, padding), largest),
        (nn.AvgPool2d(kernel, stride, padding, count_include_pad=False), mean),
        (nn.AvgPool2d(kernel, stride, padding), share),
        (nn.AvgPool2d(kernel, stride, padding, divisor_override=3), third),
    ]
    for layer, want in cases:
        np.testing.assert_allclose(numpy(layer(tensor(x))), want, rtol=1e-12)
    row = x[:, :, 0]
    got = numpy(nn.MaxPool1d(kernel, stride, padding)(tensor(row)))
    want = np.stack(
        [
            row[..., max(i * step - padding, 0) : min(i * step - padding + kernel, 8)].max(-1)
            for i in range((8 + 2 * padding - kernel) // step + 1)
        ],
        -1,
    )
    np.testing.assert_allclose(got, want)


def test_max_pooling_says_where():
    x = rng(0).standard_normal((2, 3, 6, 8))
    y, at = nn.MaxPool2d(2, return_indices=True)(tensor(x))
    assert at.dtype == np.int64
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(2, 3, -1), numpy(at).reshape(2, 3, -1), -1).reshape(y.shape), y
    )


def test_ceil_mode_keeps_the_last_partial_window():
    x = tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    assert nn.MaxPool1d(2)(x).tolist() == [[[2, 4]]]
    assert nn.MaxPool1d(2, ceil_mode=True)(x).tolist() == [[[2, 4, 5]]]
    assert nn.AvgPool1d(2, ceil_mode=True)(x).tolist() == [[[1.5, 3.5, 5]]]
    assert nn.AvgPool1d(3, 3, 1, count_include_pad=False)(x).tolist() == [[[1.5, 4]]]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_adaptive_pooling(size):
    x = rng(0).standard_normal((2, 3, 7))
    want = np.stack([x[..., i * 7 // size : -(-(i + 1) * 7 // size)].mean(-1) for i in range(size)], -1)
    np.testing.assert_allclose(numpy(nn.AdaptiveAvgPool1d(size)(tensor(x))), want, rtol=1e-12)
    image = tensor(np.stack([x, 2 * x], 2))  # (2, 3, 2, 7)
    got = numpy(nn.AdaptiveAvgPool2d((None, size))(image))
    np.testing.assert_allclose(got, np.stack([want, 2 * want], 2), rtol=1e-12)
