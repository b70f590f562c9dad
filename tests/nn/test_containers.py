"""Containers: order, places, names, and no broadcasting around a skip connection."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.core.creation import ones, tensor
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError

rng = np.random.default_rng


def numpy(t):
    return t.detach().numpy()


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
    net = nn.Sequential({"in": nn.Linear(1, 2, generator=0), "act": nn.ReLU(), "out": nn.Linear(2, 1, generator=1)})
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
