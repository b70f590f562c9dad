"""Layers: PyTorch's texts and starting values, shapes, tables, dropout, activations, settings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from surefit import nn
from surefit.core.batching import batch
from surefit.core.creation import ones, tensor, zeros
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
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
    "LayerNorm((3, 2), eps=1e-05, elementwise_affine=True, bias=False)": (lambda nn: nn.LayerNorm((3, 2), bias=False)),
    "RMSNorm((3,), eps=None, elementwise_affine=True)": lambda nn: nn.RMSNorm(3),
    "GroupNorm(1, 3, eps=1e-05, affine=True, bias=True)": lambda nn: nn.GroupNorm(1, 3),
    "GroupNorm(1, 3, eps=1e-05, affine=False, bias=False)": lambda nn: nn.GroupNorm(1, 3, affine=False),
    "Conv1d(2, 3, kernel_size=(4,), stride=(1,))": lambda nn: nn.Conv1d(2, 3, 4),
    "Conv1d(2, 2, kernel_size=(3,), stride=(1,), padding=(1,), dilation=(2,))": (
        lambda nn: nn.Conv1d(2, 2, 3, padding=1, dilation=2)
    ),
    "Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2), groups=2, bias=False, "
    "padding_mode=reflect)": (
        lambda nn: nn.Conv2d(2, 4, 3, padding="same", dilation=2, groups=2, bias=False, padding_mode="reflect")
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
    np.testing.assert_allclose(numpy(layer(tensor(x))), x @ numpy(layer.weight).T + numpy(layer.bias), rtol=1e-14)
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
    assert set(np.unique(y)) == {0, np.float32(1) / np.float32(1 - p)} or np.allclose(np.unique(y), [0, 1 / (1 - p)])
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


def test_a_recorded_dropout_draws_again_at_every_replay():
    layer, twin = nn.Dropout(generator=3), nn.Dropout(generator=3)
    x = np.ones(100, np.float32)
    program = record(layer, x)
    for _ in range(3):
        assert (numpy(program(x)) == numpy(twin(Tensor(x)))).all()


def test_dropout_inside_a_batch_is_refused():
    with pytest.raises(ArgumentError, match="eval"):
        batch(nn.Dropout())(ones(3, 2))
    assert batch(nn.Dropout().eval())(ones(3, 2)).shape == (3, 2)


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


# --- every layer, in every way of running -------------------------------------------------------------------

EVERY = {  # layer, shape of one sample
    "Linear": (lambda: nn.Linear(4, 3, generator=0), (4,)),
    "Identity": (nn.Identity, (4,)),
    "Flatten": (lambda: nn.Flatten(0), (2, 3)),
    "Unflatten": (lambda: nn.Unflatten(-1, (2, -1)), (4,)),
    "Residual": (lambda: nn.Residual(nn.Linear(4, 4, generator=0)), (4,)),
    "MLP": (lambda: nn.MLP(4, (8, 8), 2, "gelu", residual=True, norm="layer", generator=0), (4,)),
    "LayerNorm": (lambda: nn.LayerNorm(4), (4,)),
    "RMSNorm": (lambda: nn.RMSNorm(4), (4,)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (1, 4, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(2, affine=True), (2, 5)),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(2), (2, 3, 3)),
    "BatchNorm1d evaluated": (lambda: nn.BatchNorm1d(4).eval(), (1, 4)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular", generator=0), (2, 7)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, 2, 1, groups=2, generator=0), (2, 6, 7)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 3, 2, 1, 1, generator=0), (2, 7)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 4, 3, 2, groups=2, generator=0), (2, 3, 4)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), (2, 3, 4)),
    "Upsample between places": (lambda: nn.Upsample(7, mode="linear"), (2, 3, 4)),
    "MaxPool1d": (lambda: nn.MaxPool1d(2, ceil_mode=True), (2, 7)),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1), (2, 7, 6)),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, 1), (2, 7)),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 7, 6)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), (2, 7)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 2)), (2, 7, 6)),
    "PReLU": (nn.PReLU, (4,)),
    "GLU": (nn.GLU, (4,)),
    "Threshold": (lambda: nn.Threshold(0.1, 5.0), (4,)),
    "Softmax": (lambda: nn.Softmax(-1), (4,)),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), (4,)),
    "Softmin": (lambda: nn.Softmin(-1), (4,)),
    "Sin": (lambda: nn.Sin(3.0), (4,)),
    "Softplus with a threshold": (lambda: nn.Softplus(2.0, 1.0), (4,)),
    "GELU by tanh": (lambda: nn.GELU("tanh"), (4,)),
    **{
        name: (getattr(nn, name), (4,))
        for name in (
            "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish ReLU ReLU6 "
            "SELU SiLU Sigmoid Softplus Softshrink Softsign Square Tanh Tanhshrink"
        ).split()
    },
}
ELSEWHERE = {  # tested by themselves: they take indices or two inputs, draw, mix samples, or hold modules
    *("Bilinear", "Embedding", "Dropout", "Dropout1d", "Dropout2d", "BatchNorm2d"),
    *("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "CosineSimilarity", "PairwiseDistance"),
    *("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Module"),
}


def test_every_layer_is_run_in_every_way():
    classes = {n: getattr(nn, n) for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    layers = {n for n, c in classes.items() if issubclass(c, nn.Module) and not n.endswith("Loss")}
    assert layers == {n.split()[0] for n in EVERY} | ELSEWHERE


@pytest.mark.parametrize("name", EVERY)
def test_the_dtype_of_the_input_is_kept(name):
    make, shape = EVERY[name]
    for dtype in ("float32", "float64"):
        layer = make().to(dtype)
        x = tensor(rng(0).standard_normal(shape), dtype=dtype, requires_grad=True)
        y = layer(x)
        assert y.dtype == dtype
        y.sum().backward()
        assert {str(t.grad.dtype) for t in (x, *layer.parameters())} == {dtype}


@pytest.mark.parametrize("name", EVERY)
def test_every_layer_records(name):
    make, shape = EVERY[name]
    layer = make()
    x, z = rng(0).standard_normal((2, *shape)).astype(np.float32)
    program = record(layer, x)
    program.check()
    assert (numpy(program(z)) == numpy(layer(Tensor(z)))).all()


@pytest.mark.parametrize("name", EVERY)
def test_every_layer_batches(name):
    make, shape = EVERY[name]
    layer = make()
    x = rng(0).standard_normal((5, *shape)).astype(np.float32)
    want = np.stack([numpy(layer(Tensor(row))) for row in x])
    np.testing.assert_allclose(numpy(batch(layer)(Tensor(x))), want, rtol=2e-6, atol=1e-6)
