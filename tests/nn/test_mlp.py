"""The multilayer perceptron: structure, the laws of its weights, reproducibility, errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from surefit import nn
from surefit.core.creation import ones, tensor
from surefit.errors import ArgumentError

rng = np.random.default_rng


def numpy(t):
    return t.detach().numpy()


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


def test_mlp_settings_build_the_same_network_again():
    net = nn.MLP(2, (np.int64(6), 6), 3, "gelu", dropout=0.1, norm="layer", residual=True, generator=0)
    settings = json.loads(json.dumps(net.settings()))
    again = nn.MLP(**settings)
    assert repr(again) == repr(net)
    again.load_state_dict(net.state_dict())
    assert nn.MLP(1, activation=nn.Tanh()).settings() is None


def test_a_deep_residual_network_keeps_the_size_of_its_signal():
    x = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    net = nn.MLP(2, (64,) * 50, 1, activation="relu", residual=True, generator=0)
    h = tensor(x)
    for layer in list(net)[:-1]:
        h = layer(h)
    assert 0.1 < h.detach().numpy().std() < 100  # without the division: 1.6 ** 50
