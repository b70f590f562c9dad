"""PyTorch: the same layers with the same weights give the same values, both ways."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.interop import from_torch, to_torch

torch = pytest.importorskip("torch", reason="PyTorch is the other side")
T = torch.nn


def values(net, x: np.ndarray) -> np.ndarray:
    with no_grad():
        return net(Tensor(x)).numpy()


def torch_values(net, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return net(torch.from_numpy(x)).numpy()


LAYERS = [
    (lambda: T.Linear(4, 3), (5, 4)), (lambda: T.Linear(4, 3, bias=False), (5, 4)), (lambda: T.ELU(0.3), (5, 4)),
    (lambda: T.CELU(1.3), (5, 4)), (lambda: T.GELU("tanh"), (5, 4)), (lambda: T.LeakyReLU(0.2), (5, 4)),
    (lambda: T.Hardtanh(-2, 0.5), (5, 4)), (lambda: T.Softplus(2.0), (5, 4)), (lambda: T.Softshrink(0.3), (5, 4)),
    (lambda: T.Hardshrink(0.3), (5, 4)), (lambda: T.Threshold(0.1, 2.0), (5, 4)), (lambda: T.PReLU(), (5, 4)),
    (lambda: T.PReLU(4), (5, 4)), (lambda: T.Softmax(1), (5, 4)), (lambda: T.LogSoftmax(1), (5, 4)),
    (lambda: T.GLU(), (5, 4)), (lambda: T.Mish(), (5, 4)), (lambda: T.SiLU(), (5, 4)), (lambda: T.ReLU6(), (5, 4)),
    (lambda: T.Tanhshrink(), (5, 4)), (lambda: T.Hardswish(), (5, 4)), (lambda: T.Hardsigmoid(), (5, 4)),
    (lambda: T.BatchNorm1d(4, eps=0.1), (5, 4)), (lambda: T.LayerNorm(4, eps=0.1), (5, 4)),
    (lambda: T.GroupNorm(2, 4), (5, 4)), (lambda: T.Dropout(0.4), (5, 4)), (lambda: T.Flatten(), (5, 2, 3)),
    (lambda: T.Unflatten(1, (2, 2)), (5, 4)), (lambda: T.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 9)),
    (lambda: T.Conv2d(2, 3, (3, 2), dilation=2, bias=False), (2, 2, 9, 8)), (lambda: T.MaxPool2d(2), (2, 2, 6, 6)),
    (lambda: T.AvgPool1d(3, stride=2, padding=1), (2, 2, 9)), (lambda: T.AdaptiveAvgPool2d(2), (2, 2, 6, 6)),
    (lambda: T.BatchNorm2d(2), (3, 2, 4, 4)), (lambda: T.InstanceNorm1d(2, affine=True), (3, 2, 4)),
    (lambda: T.RMSNorm(4, eps=0.1), (5, 4)),
]  # fmt: skip


@pytest.mark.parametrize("make, shape", LAYERS, ids=[str(make()) for make, _ in LAYERS])
def test_a_layer_comes_in_and_goes_out(make, shape):
    torch.manual_seed(0)
    theirs = make()
    for p in theirs.parameters():
        p.data += 0.1 * torch.randn(p.shape)
    for name, b in theirs.named_buffers():
        if "running" in name:
            b += torch.rand(b.shape)
    theirs.eval()
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    ours = from_torch(theirs)
    assert type(ours).__name__ == type(theirs).__name__
    assert not ours.training
    want = torch_values(theirs, x)
    assert np.allclose(values(ours, x), want, atol=2e-6)
    assert np.allclose(torch_values(to_torch(ours), x), want, atol=1e-6)


def test_a_nested_network_in_float64_keeps_names_and_mode():
    torch.manual_seed(0)
    theirs = T.Sequential(T.Linear(3, 8), T.Sequential(T.Tanh(), T.Linear(8, 8)), T.ReLU(), T.Linear(8, 1)).double()
    x = np.random.default_rng(0).normal(size=(6, 3))
    ours = from_torch(theirs)
    assert ours.training
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert np.allclose(values(ours, x), torch_values(theirs, x), rtol=1e-13)
    back = to_torch(ours)
    assert str(back) == str(theirs)
    assert next(back.parameters()).dtype == torch.float64


def test_an_mlp_goes_to_torch():
    ours = nn.MLP(2, (5, 4), 1, activation="gelu", generator=0)
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    assert np.allclose(torch_values(to_torch(ours), x), values(ours, x), atol=1e-6)


def test_load_state_dict_takes_what_pytorch_wrote():
    theirs = T.Sequential(T.Linear(3, 4), T.BatchNorm1d(4), T.Tanh(), T.Linear(4, 1))
    theirs(torch.randn(9, 3))
    ours = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    assert np.allclose(values(ours.eval(), x), torch_values(theirs.eval(), x), atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True), lambda: T.LSTM(3, 4, proj_size=2),
        lambda: T.GRU(3, 4, bias=False), lambda: T.RNN(3, 4, nonlinearity="relu"), lambda: T.GRUCell(3, 4),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_recurrent_layers_go_both_ways(make):
    theirs = make()
    x = np.random.default_rng(0).normal(size=(2, 3) if "Cell" in type(theirs).__name__ else (2, 5, 3))
    x = x.astype(np.float32)

    def output(layer, x):
        y = layer(x)
        return (y[0] if isinstance(y, tuple) else y).detach().numpy()

    ours = from_torch(theirs)
    assert np.allclose(output(ours, Tensor(x)), output(theirs, torch.tensor(x)), atol=1e-6)
    assert np.allclose(output(to_torch(ours), torch.tensor(x)), output(theirs, torch.tensor(x)), atol=1e-6)


def test_transposed_convolution_and_upsampling_go_both_ways():
    theirs = T.Sequential(
        T.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2), T.Upsample(scale_factor=2)
    )
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 4)).astype(np.float32)
    assert np.allclose(values(from_torch(theirs), x), torch_values(theirs, x), atol=1e-6)
    assert np.allclose(torch_values(to_torch(from_torch(theirs)), x), torch_values(theirs, x), atol=1e-6)


def test_what_is_no_layer_is_named():
    class Own(T.Module):
        def forward(self, x):
            return x

    with pytest.raises(ArgumentError, match=r"'1' of type Own .*from_onnx"):
        from_torch(T.Sequential(T.Linear(2, 2), Own()))
    with pytest.raises(ArgumentError, match="MultiheadAttention"):
        from_torch(T.MultiheadAttention(2, 1))
    with pytest.raises(ArgumentError, match="padding_mode='reflect'"):
        from_torch(T.Conv1d(1, 1, 3, padding_mode="reflect"))
    with pytest.raises(ArgumentError, match="got int"):
        from_torch(3)
    with pytest.raises(ArgumentError, match="Sin is no layer of torch"):
        to_torch(nn.Sequential(nn.Sin()))
