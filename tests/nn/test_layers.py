"""Layers against their definitions written as loops, PyTorch's texts, and the errors they promise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from surefit import nn
from surefit.core.batching import batch
from surefit.core.functional import jacobian
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor, no_grad, ones, tensor, zeros
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError

rng = np.random.default_rng


def numpy(t):
    return t.detach().numpy()


# --- representation: PyTorch's texts -----------------------------------------------------------------

TEXTS = {
    "Linear(in_features=2, out_features=3, bias=False)": lambda nn: nn.Linear(2, 3, bias=False),
    "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)": lambda nn: nn.Bilinear(2, 3, 4),
    "Identity()": lambda nn: nn.Identity(3, b=4),
    "Flatten(start_dim=1, end_dim=-1)": lambda nn: nn.Flatten(),
    "Unflatten(dim=1, unflattened_size=(2, 2))": lambda nn: nn.Unflatten(1, (2, 2)),
    "Embedding(3, 4)": lambda nn: nn.Embedding(3, 4),
    "Embedding(3, 4, padding_idx=2)": lambda nn: nn.Embedding(3, 4, padding_idx=-1),
    "Dropout(p=0.5, inplace=False)": lambda nn: nn.Dropout(),
    "ReLU()": lambda nn: nn.ReLU(),
    "ReLU6()": lambda nn: nn.ReLU6(),
    "LeakyReLU(negative_slope=0.01)": lambda nn: nn.LeakyReLU(),
    "PReLU(num_parameters=1)": lambda nn: nn.PReLU(),
    "ELU(alpha=1.0)": lambda nn: nn.ELU(),
    "CELU(alpha=1.0)": lambda nn: nn.CELU(),
    "SELU()": lambda nn: nn.SELU(),
    "GELU(approximate='none')": lambda nn: nn.GELU(),
    "GELU(approximate='tanh')": lambda nn: nn.GELU("tanh"),
    "SiLU()": lambda nn: nn.SiLU(),
    "Mish()": lambda nn: nn.Mish(),
    "Softplus(beta=2.0, threshold=20.0)": lambda nn: nn.Softplus(2.0, 20.0),
    "Softsign()": lambda nn: nn.Softsign(),
    "Sigmoid()": lambda nn: nn.Sigmoid(),
    "LogSigmoid()": lambda nn: nn.LogSigmoid(),
    "Tanh()": lambda nn: nn.Tanh(),
    "Tanhshrink()": lambda nn: nn.Tanhshrink(),
    "Hardtanh(min_val=-1.0, max_val=1.0)": lambda nn: nn.Hardtanh(),
    "Hardshrink(0.5)": lambda nn: nn.Hardshrink(),
    "Hardswish()": lambda nn: nn.Hardswish(),
    "Hardsigmoid()": lambda nn: nn.Hardsigmoid(),
    "Softshrink(0.5)": lambda nn: nn.Softshrink(),
    "Threshold(threshold=1, value=2)": lambda nn: nn.Threshold(1, 2),
    "GLU(dim=-1)": lambda nn: nn.GLU(),
    "Softmax(dim=1)": lambda nn: nn.Softmax(1),
    "LogSoftmax(dim=1)": lambda nn: nn.LogSoftmax(1),
    "Softmin(dim=1)": lambda nn: nn.Softmin(1),
    "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)": (
        lambda nn: nn.BatchNorm1d(3)
    ),
    "BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=False)": (
        lambda nn: nn.BatchNorm2d(3, momentum=None, affine=False, track_running_stats=False)
    ),
    "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)": (
        lambda nn: nn.BatchNorm1d(3, bias=False)
    ),
    "InstanceNorm1d(2, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)": (
        lambda nn: nn.InstanceNorm1d(2)
    ),
    "InstanceNorm2d(2, eps=0.1, momentum=0.2, affine=True, bias=True, track_running_stats=True)": (
        lambda nn: nn.InstanceNorm2d(2, 0.1, 0.2, True, True)
    ),
    "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)": lambda nn: nn.LayerNorm(3),
    "LayerNorm((3, 2), eps=1e-05, elementwise_affine=True, bias=False)": (
        lambda nn: nn.LayerNorm((3, 2), bias=False)
    ),
    "RMSNorm((3,), eps=None, elementwise_affine=True)": lambda nn: nn.RMSNorm(3),
    "GroupNorm(1, 3, eps=1e-05, affine=True, bias=True)": lambda nn: nn.GroupNorm(1, 3),
    "GroupNorm(1, 3, eps=1e-05, affine=False, bias=False)": lambda nn: nn.GroupNorm(1, 3, affine=False),
    "Conv1d(2, 3, kernel_size=(4,), stride=(1,))": lambda nn: nn.Conv1d(2, 3, 4),
    "Conv1d(2, 2, kernel_size=(3,), stride=(1,), padding=(1,), dilation=(2,))": (
        lambda nn: nn.Conv1d(2, 2, 3, padding=1, dilation=2)
    ),
    "Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2), groups=2, bias=False, "
    "padding_mode=reflect)": (
        lambda nn: nn.Conv2d(
            2, 4, 3, padding="same", dilation=2, groups=2, bias=False, padding_mode="reflect"
        )
    ),
    "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)": lambda nn: nn.MaxPool1d(2),
    "MaxPool2d(kernel_size=(2, 3), stride=1, padding=0, dilation=1, ceil_mode=True)": (
        lambda nn: nn.MaxPool2d((2, 3), 1, ceil_mode=True)
    ),
    "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))": lambda nn: nn.AvgPool1d(2),
    "AvgPool2d(kernel_size=2, stride=2, padding=0)": lambda nn: nn.AvgPool2d(2),
    "AdaptiveAvgPool1d(output_size=2)": lambda nn: nn.AdaptiveAvgPool1d(2),
    "AdaptiveAvgPool2d(output_size=(2, None))": lambda nn: nn.AdaptiveAvgPool2d((2, None)),
    "MSELoss()": lambda nn: nn.MSELoss(),
    "CrossEntropyLoss()": lambda nn: nn.CrossEntropyLoss(label_smoothing=0.1),
}


@pytest.mark.parametrize("text", TEXTS)
def test_representation(text):
    assert repr(TEXTS[text](nn)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_representation_and_state_are_pytorchs(text):
    torch = pytest.importorskip("torch")
    ours, theirs = TEXTS[text](nn), TEXTS[text](torch.nn)
    assert repr(ours) == repr(theirs)
    shapes = {n: t.shape for n, t in ours.state_dict().items() if "generator" not in n}
    assert shapes == {n: tuple(t.shape) for n, t in theirs.state_dict().items()}


def test_representation_of_our_own():
    assert repr(nn.Sin(30.0)) == "Sin(omega=30.0)"
    assert repr(nn.QuantileLoss(0.9)) == "QuantileLoss(quantile=0.9)"
    assert repr(nn.Residual(nn.ReLU())) == "Residual(\n  (module): ReLU()\n)"


# --- starting values -----------------------------------------------------------------------------------

DRAWN = {  # layer: the bound of its uniform law
    "Linear": (lambda **kw: nn.Linear(400, 100, **kw), 1 / math.sqrt(400)),
    "Bilinear": (lambda **kw: nn.Bilinear(20, 30, 40, **kw), 1 / math.sqrt(20)),
    "Conv1d": (lambda **kw: nn.Conv1d(40, 80, 5, groups=2, **kw), 1 / math.sqrt(20 * 5)),
    "Conv2d": (lambda **kw: nn.Conv2d(20, 30, (3, 5), **kw), 1 / math.sqrt(20 * 15)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_weights_and_biases_start_uniform(name):
    make, bound = DRAWN[name]
    layer = make(generator=0, dtype="float64")
    law = stats.uniform(-bound, 2 * bound)
    for p in layer.parameters():
        values = numpy(p).ravel()
        assert stats.kstest(values, law.cdf).pvalue > 1e-3
        assert abs(values).max() <= bound


@pytest.mark.parametrize("name", DRAWN)
def test_generator_and_dtype(name):
    make, _ = DRAWN[name]
    a, b = make(generator=1), make(generator=1, dtype="float64")
    assert {p.dtype for p in a.parameters()} == {np.dtype("float32")}
    assert {p.dtype for p in b.parameters()} == {np.dtype("float64")}
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert (numpy(p) == numpy(q).astype(np.float32)).all()
    assert (numpy(make().weight) != numpy(make().weight)).any()  # fresh entropy
    draw = rng(1)
    assert (numpy(make(generator=draw).weight) != numpy(make(generator=draw).weight)).any()  # one stream
    with pytest.raises(DtypeError, match="float32 or float64"):
        make(dtype="int64")
    before = numpy(a.weight).copy()
    a.reset_parameters(generator=2)
    assert (numpy(a.weight) != before).any()
    a.reset_parameters(generator=1)
    assert (numpy(a.weight) == before).all()


def test_embedding_starts_normal_with_padding_at_zero():
    table = numpy(nn.Embedding(500, 40, padding_idx=7, generator=0).weight)
    assert (table[7] == 0).all()
    rest = np.delete(table, 7, axis=0).ravel()
    assert stats.kstest(rest, stats.norm.cdf).pvalue > 1e-3


# --- containers ----------------------------------------------------------------------------------------


def test_sequential_runs_in_order_and_indexes():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, generator=0), nn.Tanh())
    x = ones(3, 2, 2)
    assert (numpy(net(x)) == np.tanh(numpy(net[:2](x)))).all()
    assert len(net) == 3
    assert net[-1] is net[2]
    assert list(net)[1] is net[1]
    assert net[1] in net
    assert isinstance(net[1:], nn.Sequential)
    assert net[1:][0] is net[1]
    assert list(net[1:].state_dict()) == ["1.weight", "1.bias"]
    assert net[::-1][0] is net[2]
    with pytest.raises(AxisError, match="out of range for 3 modules"):
        net[3]
    with pytest.raises(DtypeError, match="must be an integer or a slice"):
        net["0"]


def test_sequential_changes():
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sin(), nn.Identity()
    net = nn.Sequential(a, b)
    assert list(net.append(c)) == [a, b, c]
    assert list(net.insert(0, d)) == [d, a, b, c]
    assert [n for n, _ in net.named_children()] == ["0", "1", "2", "3"]
    assert net.pop(1) is a
    assert list(net) == [d, b, c]
    del net[0]
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    net[0] = a
    assert list(net.extend([d, d])) == [a, c, d, d]
    del net[1:]
    assert list(net) == [a]
    assert nn.Sequential()(5) == 5


def test_sequential_from_a_dictionary():
    net = nn.Sequential(
        {"in": nn.Linear(1, 2, generator=0), "act": nn.ReLU(), "out": nn.Linear(2, 1, generator=1)}
    )
    assert list(net.state_dict()) == ["in.weight", "in.bias", "out.weight", "out.bias"]
    assert net.act is net[1]
    del net[1]
    assert [n for n, _ in net.named_children()] == ["in", "out"]


def test_module_list():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList(nn.Linear(2, 1, generator=i) for i in range(3))

        def forward(self, x):
            return sum(b(x) for b in self.branches)

    net = Sum()
    assert len(list(net.parameters())) == 6
    assert net(ones(4, 2)).shape == (4, 1)
    assert isinstance(net.branches[:2], nn.ModuleList)
    assert len(net.branches.extend([nn.ReLU()])) == 4
    with pytest.raises(NotImplementedError, match="forward"):
        net.branches(1.0)


def test_module_dict():
    d = nn.ModuleDict({"relu": nn.ReLU(), "fc": nn.Linear(1, 1, generator=0)})
    assert list(d) == list(d.keys()) == ["relu", "fc"]
    assert "fc" in d
    assert list(d.state_dict()) == ["fc.weight", "fc.bias"]
    d.update({"tanh": nn.Tanh()})
    assert [n for n, _ in d.items()] == ["relu", "fc", "tanh"]
    relu = d["relu"]
    assert d.pop("relu") is relu
    assert list(d.values()) == [d["fc"], d["tanh"]]
    d["tanh"] = nn.Sin()
    assert isinstance(d["tanh"], nn.Sin)
    del d["tanh"]
    with pytest.raises(KeyError, match="tanh"):
        d["tanh"]
    with pytest.raises(ArgumentError, match="cannot be named 'items'"):
        d["items"] = nn.ReLU()
    d.clear()
    assert not d.state_dict()


def test_residual_adds_and_never_broadcasts():
    block = nn.Residual(nn.Linear(3, 3, generator=0))
    x = tensor(rng(0).standard_normal((5, 3)), dtype="float32")
    assert np.allclose(numpy(block(x)), numpy(x) + numpy(block.module(x)))
    with pytest.raises(ShapeError, match=r"\(5, 3\) into \(5, 1\)"):
        nn.Residual(nn.Linear(3, 1))(x)
    with pytest.raises(ArgumentError, match="needs a Module"):
        nn.Residual([nn.ReLU()])


# --- shapes ----------------------------------------------------------------------------------------------


def test_flatten_and_unflatten_are_inverse():
    x = tensor(np.arange(24.0).reshape(2, 3, 4))
    assert nn.Flatten()(x).shape == (2, 12)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    for sizes in ((3, 4), (-1, 4), (3, -1), (3, 2, -1)):
        back = nn.Unflatten(1, sizes)(nn.Flatten()(x))
        assert (numpy(back).ravel() == np.arange(24)).all()
    assert nn.Unflatten(-1, [2, 2])(x).shape == (2, 3, 2, 2)
    for bad in ((3, 5), (-1, 5), (-1, -1)):
        with pytest.raises(ShapeError, match="cannot be unflattened"):
            nn.Unflatten(1, bad)(nn.Flatten()(x))
    with pytest.raises(ShapeError, match="out of range"):
        nn.Unflatten(3, (1, 2))(x)


def test_identity_takes_and_forgets_anything():
    x = ones(2)
    assert nn.Identity(54, unused=True)(x) is x


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_linear_maps_the_last_axis(shape):
    layer = nn.Linear(3, 4, generator=0, dtype="float64")
    x = rng(1).standard_normal(shape)
    np.testing.assert_allclose(
        numpy(layer(tensor(x))), x @ numpy(layer.weight).T + numpy(layer.bias), rtol=1e-14
    )
    with pytest.raises(ShapeError):
        layer(zeros(5, 4, dtype="float64"))


def test_bilinear():
    layer = nn.Bilinear(2, 3, 4, generator=0, dtype="float64")
    a, b = rng(1).standard_normal((5, 2)), rng(2).standard_normal((5, 3))
    want = np.einsum("ni,kij,nj->nk", a, numpy(layer.weight), b) + numpy(layer.bias)
    np.testing.assert_allclose(numpy(layer(tensor(a), tensor(b))), want, rtol=1e-12)


# --- embedding --------------------------------------------------------------------------------------------


def test_embedding_looks_up_and_counts_repeated_indices():
    layer = nn.Embedding(4, 2, padding_idx=1, generator=0)
    layer(tensor([[0, 0], [1, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[2, 2], [0, 0], [0, 0], [1, 1]]
    with pytest.raises((ArgumentError, AxisError), match="4"):
        layer(tensor([4]))
    with pytest.raises(DtypeError):
        layer(tensor([0.0]))
    with pytest.raises(ArgumentError, match="padding_idx=4"):
        nn.Embedding(4, 2, padding_idx=4)


def test_embedding_from_a_table():
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert layer(tensor([2, 0])).tolist() == [[4, 5], [0, 1]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(ShapeError, match="needs a table"):
        nn.Embedding.from_pretrained([1.0, 2.0])


# --- dropout ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_statistics(p):
    n = 200_000
    y = numpy(nn.Dropout(p, generator=0)(ones(n)))
    kept = y != 0
    assert set(np.unique(y)) == {0, np.float32(1) / np.float32(1 - p)} or np.allclose(
        np.unique(y), [0, 1 / (1 - p)]
    )
    assert abs(kept.mean() - (1 - p)) < 5 * math.sqrt(p * (1 - p) / n)
    pairs = (kept[1:] & kept[:-1]).mean()  # neighbours are independent
    assert abs(pairs - (1 - p) ** 2) < 5 / math.sqrt(n)


def test_dropout_extremes():
    x = ones(50)
    assert (numpy(nn.Dropout(0.0)(x)) == 1).all()
    assert (numpy(nn.Dropout(1.0)(x)) == 0).all()
    assert nn.Dropout(0.7).eval()(x) is x
    for p in (-0.1, 1.1, None, "a"):
        with pytest.raises(ArgumentError, match="probability"):
            nn.Dropout(p)


def test_dropout_gradient_uses_the_same_mask():
    x = ones(1000).requires_grad_()
    y = nn.Dropout(0.3, generator=0)(x)
    y.sum().backward()
    assert (numpy(x.grad) == numpy(y)).all()


def test_dropout_streams():
    x = ones(100)
    a, b, other = nn.Dropout(generator=3), nn.Dropout(generator=3), nn.Dropout(generator=4)
    first, second = numpy(a(x)), numpy(a(x))
    assert (first != second).any()
    assert (numpy(b(x)) == first).all()
    assert (numpy(other(x)) != first).any()
    assert (numpy(nn.Dropout()(x)) != numpy(nn.Dropout()(x))).any()
    shared = Generator(3)
    c, d = nn.Dropout(generator=shared), nn.Dropout(generator=shared)
    assert (numpy(c(x)) == first).all()
    assert (numpy(d(x)) == second).all()


def test_a_checkpoint_resumes_the_stream_of_dropout():
    x = ones(100)
    a, b = nn.Dropout(generator=3), nn.Dropout()
    a(x)
    saved = a.state_dict()
    want = numpy(a(x))
    b.load_state_dict(saved)
    assert (numpy(b(x)) == want).all()


def test_a_recorded_dropout_draws_anew_at_every_replay():
    layer, twin = nn.Dropout(generator=3), nn.Dropout(generator=3)
    x = np.ones(100, np.float32)
    program = record(layer, x)
    for _ in range(3):
        assert (numpy(program(x)) == numpy(twin(Tensor(x)))).all()


def test_dropout_inside_a_batch_is_refused():
    with pytest.raises(ArgumentError, match="eval"):
        batch(nn.Dropout())(ones(3, 2))
    assert batch(nn.Dropout().eval())(ones(3, 2)).shape == (3, 2)


# --- normalisation ----------------------------------------------------------------------------------------


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
    np.testing.assert_allclose(
        numpy(layer(tensor(x))), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), rtol=1e-12
    )
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_batch_norm_inside_a_batch_is_refused_by_name():
    net = nn.Sequential(nn.Linear(2, 3, generator=0), nn.BatchNorm1d(3))
    x = tensor(rng(0).standard_normal((6, 2)), dtype="float32")
    with pytest.raises(
        ArgumentError, match=r"BatchNorm1d mixes the samples of a batch.*\.eval\(\).*LayerNorm"
    ):
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
    np.testing.assert_allclose(
        y, x / np.sqrt((x**2).mean(-1, keepdims=True) + np.finfo(float).eps), rtol=1e-12
    )


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


# --- convolution and pooling, against loops ---------------------------------------------------------------


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


# --- activations ------------------------------------------------------------------------------------------


def test_sin():
    x = np.linspace(-2, 2, 7)
    np.testing.assert_allclose(numpy(nn.Sin(3.0)(tensor(x))), np.sin(3 * x), rtol=1e-15)
    np.testing.assert_array_equal(numpy(nn.Sin()(tensor(x))), np.sin(x))
    with pytest.raises(ArgumentError, match="omega=0"):
        nn.Sin(0)


def test_prelu_learns_its_slope():
    layer = nn.PReLU(2, 0.5)
    x = tensor([[-2.0, 3.0], [-4.0, -1.0]])
    assert layer(x).tolist() == [[-1, 3], [-2, -0.5]]
    layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [-6, -1]
    with no_grad():
        layer.weight.assign(layer.weight * 2)
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.5, 0.5]


def test_softplus_does_not_jump_and_does_not_overflow():
    x = tensor([19.999, 20.001, 800.0, -800.0], dtype="float64")
    want = np.logaddexp(0, numpy(x))
    np.testing.assert_array_equal(numpy(nn.Softplus()(x)), want)
    assert numpy(nn.Softplus(threshold=20.0)(x))[1] == 20.001


# --- losses as modules (their formulas are tested with the functions) --------------------------------------


def test_loss_modules_hold_their_settings():
    x, y = tensor([1.0, -2.0, 0.5]), tensor([0.0, 0.0, 0.0])
    d = numpy(x)
    assert nn.MSELoss(reduction="sum")(x, y).item() == (d**2).sum()
    assert nn.L1Loss(reduction="none")(x, y).tolist() == abs(d).tolist()
    assert nn.HuberLoss(delta=0.5)(x, y).item() == pytest.approx(
        np.where(abs(d) < 0.5, d**2 / 2, 0.5 * (abs(d) - 0.25)).mean()
    )
    assert nn.SmoothL1Loss(beta=2.0)(x, y).item() == pytest.approx(
        np.where(abs(d) < 2, d**2 / 4, abs(d) - 1).mean()
    )
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


# --- sizes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: nn.Linear(0, 1), "Linear: in_features=0 must be an integer >= 1"),
        (lambda: nn.Linear(1, -2), "Linear: out_features=-2"),
        (lambda: nn.Linear(1.5, 2), "Linear: in_features=1.5"),
        (lambda: nn.Linear(True, 2), "Linear: in_features=True"),
        (lambda: nn.Bilinear(1, 0, 2), "Bilinear: in2_features=0"),
        (lambda: nn.Embedding(0, 2), "Embedding: num_embeddings=0"),
        (lambda: nn.PReLU(0), "PReLU: num_parameters=0"),
        (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features=0"),
        (lambda: nn.BatchNorm1d(2, momentum=2.0), "BatchNorm1d: momentum=2.0"),
        (lambda: nn.GroupNorm(2, 3), "num_channels=3 must be a multiple of num_groups=2"),
        (lambda: nn.LayerNorm(()), "normalized_shape must name at least one axis"),
        (lambda: nn.LayerNorm((2, 0)), "normalized_shape=0"),
        (lambda: nn.Conv1d(2, 3, 0), "Conv1d: kernel_size=0 must be an integer >= 1"),
        (lambda: nn.Conv2d(2, 3, (1, 2, 3)), r"Conv2d: kernel_size=\(1, 2, 3\).*got 3"),
        (lambda: nn.Conv2d(2, 3, 1, padding=-1), "padding=-1 must be an integer >= 0"),
        (lambda: nn.Conv2d(2, 3, 1, padding="full"), "padding='full' must be one of 'same', 'valid'"),
        (lambda: nn.Conv2d(2, 4, 3, 2, "same"), "padding='same' needs stride 1"),
        (lambda: nn.Conv2d(2, 3, 1, groups=2), "must be multiples of groups=2"),
        (lambda: nn.Conv2d(2, 3, 1, padding_mode="wrap"), "padding_mode='wrap'"),
        (lambda: nn.MaxPool2d(2, 0), "MaxPool2d: stride=0"),
        (lambda: nn.AvgPool2d((1, 2, 3)), "AvgPool2d: kernel_size"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), "divisor_override"),
        (lambda: nn.Hardtanh(1.0, 1.0), "min_val=1.0 must be below"),
        (lambda: nn.Softshrink(-1.0), "lambd=-1.0"),
        (lambda: nn.CELU(0.0), "alpha"),
        (lambda: nn.GELU("fast"), "approximate='fast'"),
        (lambda: nn.Softplus(0.0), "beta=0.0"),
    ],
)
def test_settings_are_checked_when_a_layer_is_made(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


# --- MLP --------------------------------------------------------------------------------------------------


def linears(net):
    return [m for m in net.modules() if isinstance(m, nn.Linear)]


def test_mlp_structure():
    net = nn.MLP(2, (8, 6), 3, "relu", generator=0)
    assert isinstance(net, nn.Sequential)
    assert [(m.in_features, m.out_features) for m in linears(net)] == [(2, 8), (8, 6), (6, 3)]
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert net(ones(5, 2)).shape == (5, 3)
    assert [type(m).__name__ for m in nn.MLP(1)] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert [m.out_features for m in linears(nn.MLP(1))] == [64, 64, 1]
    assert [type(m) for m in nn.MLP(2, (), 1)] == [nn.Linear]
    assert [m.out_features for m in linears(nn.MLP(1, 5))] == [5, 1]
    full = nn.MLP(2, [4], 1, "gelu", norm="batch", dropout=0.2)
    assert [type(m) for m in full] == [nn.Linear, nn.BatchNorm1d, nn.GELU, nn.Dropout, nn.Linear]
    assert isinstance(nn.MLP(2, [4], norm="layer")[1], nn.LayerNorm)
    assert type(full[1:3]) is nn.Sequential


def test_mlp_residual():
    net = nn.MLP(2, (4, 4, 4, 5), 1, residual=True, generator=0)
    assert [type(m).__name__ for m in net] == [
        "Linear",
        "Tanh",
        "Residual",
        "Residual",
        "Linear",
        "Tanh",
        "Linear",
    ]
    assert net(ones(3, 2)).shape == (3, 1)
    with pytest.raises(ArgumentError, match=r"residual=True.*\[2, 3, 4\]"):
        nn.MLP(2, (3, 4), residual=True)


WIDE = 400
LAWS = {  # activation -> law of the first, the second hidden and the output layer, of widths 400
    "relu": [stats.norm(0, math.sqrt(2 / WIDE))] * 2,
    "gelu": [stats.norm(0, math.sqrt(2 / WIDE))] * 2,
    "leaky_relu": [stats.norm(0, math.sqrt(2 / (1 + 1e-4) / WIDE))] * 2,
    "prelu": [stats.norm(0, math.sqrt(2 / (1 + 0.25**2) / WIDE))] * 2,
    "selu": [stats.norm(0, math.sqrt(1 / WIDE))] * 2,
    "tanh": [stats.uniform(-math.sqrt(6 / 800), 2 * math.sqrt(6 / 800))] * 2,
    "sigmoid": [stats.uniform(-math.sqrt(6 / 800), 2 * math.sqrt(6 / 800))] * 2,
    "sin": [
        stats.uniform(-1 / WIDE, 2 / WIDE),
        stats.uniform(-math.sqrt(6 / WIDE), 2 * math.sqrt(6 / WIDE)),
    ],
}


@pytest.mark.parametrize("activation", LAWS)
def test_mlp_initialisation(activation):
    net = nn.MLP(WIDE, (WIDE, WIDE), WIDE, activation, generator=0, dtype="float64")
    glorot = stats.uniform(-math.sqrt(6 / 800), 2 * math.sqrt(6 / 800))
    last = LAWS["sin"][1] if activation == "sin" else glorot
    for linear, law in zip(linears(net), [*LAWS[activation], last], strict=True):
        assert stats.kstest(numpy(linear.weight).ravel()[:40_000], law.cdf).pvalue > 1e-3
        assert (numpy(linear.bias) == 0).all()


def test_mlp_with_a_module_as_activation():
    net = nn.MLP(1, (300, 300), 1, nn.Sin(30.0), generator=0)
    sines = [m for m in net if isinstance(m, nn.Sin)]
    assert [s.omega for s in sines] == [30.0, 30.0]
    assert sines[0] is not sines[1]
    assert abs(numpy(net[2].weight)).max() <= math.sqrt(6 / 300) / 30


@pytest.mark.parametrize("name", ["relu", "ReLU", "tanh", "sin", "prelu", "softplus", "elu", "mish"])
def test_mlp_trains_every_parameter(name):
    net = nn.MLP(2, (8, 8), 1, name, generator=0)
    net(tensor(rng(0).standard_normal((16, 2)), dtype="float32")).square().sum().backward()
    assert all(p.grad is not None and numpy(p.grad).any() for p in net.parameters())


def test_mlp_is_reproducible():
    a, b, c = (nn.MLP(2, (8,), dropout=0.5, generator=g) for g in (0, 0, 1))
    state = {n: v.tolist() for n, v in a.state_dict().items()}
    assert state == {n: v.tolist() for n, v in b.state_dict().items()}
    assert state != {n: v.tolist() for n, v in c.state_dict().items()}
    d = nn.MLP(2, (8, 8), dropout=0.5, generator=0)
    keys = [v.item() for n, v in d.state_dict().items() if n.endswith("key")]
    assert len(set(keys)) == 2  # each dropout has a stream of its own


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: nn.MLP(0), "MLP: n_in=0"),
        (lambda: nn.MLP(1, (8, 0)), r"MLP: hidden\[1\]=0 must be an integer >= 1"),
        (lambda: nn.MLP(1, (8, -3)), r"hidden\[1\]=-3"),
        (lambda: nn.MLP(1, (8,), 0), "n_out=0"),
        (lambda: nn.MLP(1, activation="rulu"), "did you mean 'relu'"),
        (lambda: nn.MLP(1, activation="nothing"), "known are celu, elu"),
        (lambda: nn.MLP(1, activation=np.tanh), "or give a Module"),
        (lambda: nn.MLP(1, norm="group"), "norm='group' must be one of 'batch', 'layer'"),
        (lambda: nn.MLP(1, dropout=1.5), "dropout=1.5"),
    ],
)
def test_mlp_errors(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
