"""PyTorch: the same layers with the same weights give the same values, both ways."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, ShapeError
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


# --- what people have beside plain layers -----------------------------------------------------------------------------


def agrees(theirs, shape=(5, 3)) -> bool:
    """Both ways the same values."""
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    ours, want = from_torch(theirs.eval()), torch_values(theirs, x)
    return np.allclose(values(ours, x), want, atol=2e-6) and np.allclose(
        torch_values(to_torch(ours), x), want, atol=2e-6
    )


def test_subclasses_that_change_nothing_but_how_they_are_built_come_in():
    class Block(T.Sequential):
        def __init__(self, n):
            super().__init__(T.Linear(n, 4), T.Tanh())

    class Wide(T.Linear):
        pass

    class Doubled(T.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    assert agrees(T.Sequential(Block(3), Wide(4, 2)))
    with pytest.raises(ArgumentError, match="'1' of type Doubled is no layer"):
        from_torch(T.Sequential(Block(3), Doubled(4, 2)))


def test_a_layer_that_stands_in_several_places_is_one_layer():
    shared = T.Linear(3, 3)
    theirs = T.Sequential(shared, T.Tanh(), shared, T.Sequential(shared))
    assert agrees(theirs)
    ours = from_torch(theirs)
    assert len(list(ours.parameters())) == 2 and list(ours.state_dict()) == list(theirs.state_dict())
    assert len(list(to_torch(ours).parameters())) == 2


def test_frozen_weights_stay_frozen_both_ways():
    theirs = T.Sequential(T.Linear(3, 4).requires_grad_(False), T.Linear(4, 1))
    ours = from_torch(theirs)
    assert [p.requires_grad for p in ours.parameters()] == [False, False, True, True]
    assert [p.requires_grad for p in to_torch(ours).parameters()] == [False, False, True, True]


@pytest.mark.parametrize("kind", ["half", "bfloat16"])
def test_short_floats_come_in_as_float32(kind):
    theirs = getattr(T.Sequential(T.Linear(3, 2)), kind)()
    ours = from_torch(theirs)
    assert ours[0].weight.dtype == np.float32
    assert (ours[0].weight.detach().numpy() == theirs[0].weight.float().detach().numpy()).all()


def test_what_would_change_the_values_unseen_is_refused():
    hooked = T.Linear(3, 2)
    hooked.register_forward_hook(lambda module, given, made: 2 * made)
    with pytest.raises(ArgumentError, match=r"'0' of type Linear has a forward hook.*onnx"):
        from_torch(T.Sequential(hooked))
    from torch.nn.utils import parametrizations, prune

    pruned = prune.l1_unstructured(T.Linear(3, 2), "weight", 0.5)
    with pytest.raises(ArgumentError, match=r"prune\.remove"):
        from_torch(T.Sequential(pruned))
    assert agrees(T.Sequential(prune.remove(pruned, "weight")))
    with pytest.raises(ArgumentError, match="'0' of type ParametrizedLinear"):
        from_torch(T.Sequential(parametrizations.weight_norm(T.Linear(3, 2))))
    with pytest.raises(DtypeError, match=r"0\.weight cannot be read"):
        from_torch(T.Sequential(T.Linear(3, 2, device="meta")))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["softplus", "gelu", "prelu", "hardtanh", "celu", "mish"])
def test_perceptrons_go_to_torch_with_every_activation_that_it_has(activation, dtype):
    ours = nn.MLP(2, (4, 3), 1, activation=activation, dropout=0.2, generator=0, dtype=dtype).eval()
    x = (30 * np.random.default_rng(0).normal(size=(9, 2))).astype(dtype)
    near = 3e-6 if dtype == np.float32 else 1e-13
    assert np.allclose(torch_values(to_torch(ours), x), values(ours, x), rtol=near, atol=near)


def state():
    return T.Sequential(T.Linear(3, 4), T.Tanh(), T.Linear(4, 1)).state_dict()


def plain():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda s: {f"module.{k}": v for k, v in s.items()}, ArgumentError, r"begin with 'module\.'; give \{k\.remove"),
        (lambda s: {"epoch": 3, "model": s}, ArgumentError, r"they are in state\['model'\]"),
        (lambda s: list(s.items()), ArgumentError, "got list"),
        (lambda s: T.Linear(3, 4), ArgumentError, r"its state_dict\(\)"),
        (lambda s: s | {"0.weight": None}, DtypeError, r"0\.weight holds no real numbers"),
        (lambda s: s | {"0.weight": "abc"}, DtypeError, r"0\.weight holds no real numbers"),
        (lambda s: s | {"0.weight": torch.zeros(4, 3, dtype=torch.complex64)}, DtypeError, "complex64"),
        (lambda s: s | {"0.weight": torch.zeros(4, 3).to_sparse()}, DtypeError, r"0\.weight cannot be read"),
        (lambda s: s | {"0.weight": torch.zeros(3, 4)}, ShapeError, r"\(4, 3\), the state's is \(3, 4\)"),
        (lambda s: s | {f"more{i}": torch.zeros(1) for i in range(100)}, ArgumentError, "and 92 more; pass"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_says_why_and_changes_nothing(change, error, words):
    ours = plain()
    before = {k: v.numpy().copy() for k, v in ours.state_dict().items()}
    with pytest.raises(error, match=words):
        ours.load_state_dict(change(dict(state())))
    assert all((before[k] == v.numpy()).all() for k, v in ours.state_dict().items())


def test_a_state_of_other_floats_and_of_parameters_themselves_is_read():
    theirs = T.Sequential(T.Linear(3, 4), T.Tanh(), T.Linear(4, 1))
    for given in (
        dict(theirs.named_parameters()), {k: v.double() for k, v in theirs.state_dict().items()},
        {k: v.tolist() for k, v in theirs.state_dict().items()},
    ):  # fmt: skip
        ours = plain()
        ours.load_state_dict(given)
        assert (ours[0].weight.detach().numpy() == theirs[0].weight.detach().numpy()).all()
    ours.load_state_dict({k: v.bfloat16() for k, v in theirs.state_dict().items()})
    assert (ours[0].weight.detach().numpy() == theirs[0].weight.bfloat16().float().detach().numpy()).all()


def test_a_fit_is_told_what_to_give():
    import surefit

    fit = surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=1), model=(3,))
    with pytest.raises(ArgumentError, match=r"got Fit; fit\.network"):
        to_torch(fit)
    assert isinstance(to_torch(fit.network), T.Sequential)
