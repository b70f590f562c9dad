"""Normalisation against NumPy's means and variances; what it does inside batch() and recordings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from surefit import nn
from surefit.core.batching import batch
from surefit.core.creation import ones, tensor, zeros
from surefit.core.functional import jacobian
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError

rng = np.random.default_rng


def numpy(t):
    return t.detach().numpy()


@pytest.mark.parametrize("shape", [(20, 3), (5, 3, 4), (5, 3, 2, 4)])
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_batch_norm(shape, momentum):
    make = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    layer = make(3, momentum=momentum, dtype="float64")
    axes = tuple(i for i in range(len(shape)) if i != 1)
    place = (1, 3) + (1,) * (len(shape) - 2)
    mean, var = np.zeros(3), np.ones(3)
    for k in range(1, 4):
        x = rng(k).normal(2.0, 3.0, shape)
        y = numpy(layer(tensor(x)))
        m, v = x.mean(axes), x.var(axes)
        np.testing.assert_allclose(y, (x - m.reshape(place)) / np.sqrt(v.reshape(place) + 1e-5), rtol=1e-12)
        share = 1 / k if momentum is None else momentum
        mean = (1 - share) * mean + share * m
        var = (1 - share) * var + share * x.var(axes, ddof=1)
        np.testing.assert_allclose(numpy(layer.running_mean), mean, rtol=1e-12)
        np.testing.assert_allclose(numpy(layer.running_var), var, rtol=1e-12)
        assert layer.num_batches_tracked.item() == k
    layer.eval()
    y = numpy(layer(tensor(x)))
    np.testing.assert_allclose(y, (x - mean.reshape(place)) / np.sqrt(var.reshape(place) + 1e-5), rtol=1e-12)
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]
    layer.weight.assign(np.full(3, 2.0))
    layer.reset_parameters()
    assert layer.weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("track", [True, False])
def test_batch_norm_of_an_empty_batch_moves_nothing(track):
    layer = nn.BatchNorm1d(3, track_running_stats=track)
    y = layer(zeros(0, 3))
    y.sum().backward()
    assert y.shape == (0, 3)
    assert layer.weight.grad.tolist() == [0, 0, 0]
    if track:
        assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]


def test_batch_norm_without_running_statistics_uses_the_batch_also_in_evaluation():
    layer = nn.BatchNorm1d(3, track_running_stats=False, dtype="float64").eval()
    x = rng(0).normal(2.0, 3.0, (20, 3))
    np.testing.assert_allclose(numpy(layer(tensor(x))), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), rtol=1e-12)
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_batch_norm_inside_a_batch_is_refused_by_name():
    net = nn.Sequential(nn.Linear(2, 3, generator=0), nn.BatchNorm1d(3))
    x = tensor(rng(0).standard_normal((6, 2)), dtype="float32")
    with pytest.raises(ArgumentError, match=r"BatchNorm1d mixes the samples of a batch.*\.eval\(\).*LayerNorm"):
        batch(lambda row: net(row[None])[0])(x)
    assert net[1].num_batches_tracked.item() == 0
    with pytest.raises(ArgumentError, match="BatchNorm1d mixes"):
        batch(nn.BatchNorm1d(3, track_running_stats=False).eval())(ones(4, 2, 3))
    net(x)
    net.eval()
    rows = batch(lambda row: net(row[None])[0])(x)
    np.testing.assert_allclose(numpy(rows), numpy(net(x)), rtol=1e-6)


def test_batch_norm_inside_a_jacobian_is_not():
    layer = nn.BatchNorm1d(2, dtype="float64")
    x = rng(0).standard_normal((3, 2))
    got = numpy(jacobian(layer)(tensor(x)))

    def plain(x):
        return (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)

    h = 1e-6
    for i, j in itertools.product(range(3), range(2)):
        step = np.zeros((3, 2))
        step[i, j] = h
        np.testing.assert_allclose(got[:, :, i, j], (plain(x + step) - plain(x - step)) / (2 * h), atol=1e-8)


def test_instance_norm_inside_a_batch():
    tracking = nn.InstanceNorm1d(2, track_running_stats=True)
    with pytest.raises(ArgumentError, match=r"InstanceNorm1d: its running statistics"):
        batch(tracking)(ones(4, 2, 5))
    layer = nn.InstanceNorm1d(2)
    x = tensor(rng(0).standard_normal((4, 2, 5)), dtype="float32")
    np.testing.assert_allclose(numpy(batch(layer)(x)), numpy(layer(x)), atol=1e-6)


@pytest.mark.parametrize("make", [lambda: nn.LayerNorm(4), lambda: nn.RMSNorm(4), lambda: nn.GroupNorm(2, 4)])
def test_per_sample_normalisation_batches(make):
    layer = make()
    x = tensor(
        rng(0).standard_normal((6, 3, 4) if not isinstance(layer, nn.GroupNorm) else (6, 1, 4)),
        dtype="float32",
    )
    whole = numpy(layer(x if not isinstance(layer, nn.GroupNorm) else x[:, 0]))
    rows = numpy(batch(layer)(x))
    np.testing.assert_allclose(rows.reshape(whole.shape), whole, atol=1e-6)


def test_layer_norm_and_rms_norm():
    x = rng(0).normal(1.0, 2.0, (5, 3, 4))
    y = numpy(nn.LayerNorm((3, 4), dtype="float64")(tensor(x)))
    m, v = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    np.testing.assert_allclose(y, (x - m) / np.sqrt(v + 1e-5), rtol=1e-12)
    y = numpy(nn.RMSNorm(4, dtype="float64")(tensor(x)))
    np.testing.assert_allclose(y, x / np.sqrt((x**2).mean(-1, keepdims=True) + np.finfo(float).eps), rtol=1e-12)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: nn.BatchNorm1d(3), (4, 2)),
        (lambda: nn.BatchNorm1d(3), (3,)),
        (lambda: nn.BatchNorm1d(3), (4, 3, 2, 2)),
        (lambda: nn.BatchNorm2d(3), (4, 3, 2)),
        (lambda: nn.InstanceNorm1d(3), (4, 2, 5)),
        (lambda: nn.InstanceNorm2d(3), (2, 4, 5)),
        (lambda: nn.LayerNorm(3), (4, 2)),
        (lambda: nn.GroupNorm(1, 3), (4, 2)),
        (lambda: nn.BatchNorm1d(3), (1, 3)),  # one sample has no variance
    ],
)
def test_wrong_inputs_of_normalisation(layer, shape):
    with pytest.raises(ShapeError):
        layer()(zeros(*shape))


@pytest.mark.parametrize("momentum", [0.3, None])
def test_batch_norm_records_its_statistics(momentum):
    layer, twin = (nn.BatchNorm1d(3, momentum=momentum) for _ in range(2))
    program = record(layer, np.zeros((8, 3), np.float32))
    for k in range(4):
        x = rng(k).normal(1.0, 2.0, (8, 3)).astype(np.float32)
        assert (numpy(program(x)) == numpy(twin(Tensor(x)))).all()
        for name, value in layer.state_dict().items():
            assert (numpy(value) == numpy(twin.state_dict()[name])).all()
