"""Boxes in which an input has one value: slices of a model, and single points."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, certify_pair, certify_slopes, verify
from surefit.bounds.checker import check_certificate, covered
from surefit.cli import main
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DomainError


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "sin"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_a_slice_is_what_samples_of_it_show(activation, dtype, mode, tmp_path):
    net = nn.MLP(2, (8,), 1, activation=activation, generator=0, dtype=dtype)
    proof = certify(net, "x + sin(y)", {"x": (2, 2), "y": (0, 1)}, mode=mode, rtol=0.01)
    assert proof.complete
    x = np.stack([np.full(2001, 2.0), np.linspace(0, 1, 2001)], axis=1).astype(dtype)
    with no_grad():
        error = np.abs(net(Tensor(x)).numpy()[:, 0].astype(float) - x[:, 0] - np.sin(x[:, 1].astype(float))).max()
    assert error * 0.999 <= proof.upper <= error * 1.02
    assert proof.error.at["x"] == 2.0
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is not False


def test_one_dimensional_slices_of_a_product_are_lines():
    """x y at x = 3 is 3 y, whose error as a network that gives 0 is largest at the end."""
    net = nn.MLP(2, (3,), 1, activation="relu", generator=0, dtype=np.float64)
    for p in net.parameters():
        p.assign(np.zeros(p.shape))
    proof = certify(net, "x*y", "x=3:3, y=-1:2", rtol=1e-6)
    assert proof.lower <= 6.0 <= proof.upper <= 6.0001
    assert proof.domain["x"] == (3.0, 3.0)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_point(activation, tmp_path):
    net = nn.MLP(1, (8,), 1, activation=activation, generator=0, dtype=np.float64)
    for x in (0.0, -0.0, 0.5, 1e-310, 1e15):
        proof = certify(net, "x^2", [(x, x)])
        with no_grad():
            error = abs(float(net(Tensor(np.array([[x]]))).numpy()[0, 0]) - x * x)
        assert proof.lower <= error * (1 + 1e-12) + 1e-290
        assert error * (1 - 1e-12) <= proof.upper <= error * (1 + 1e-9) + 1e-290
    proof = certify(net, "x^2", [(0.5, 0.5)])
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is True
    assert certify(net, "1/x", [(0, 0)]).error.status == "undefined"


def test_a_text_that_is_no_float_is_enclosed():
    proof = certify(nn.MLP(1, (4,), 1, generator=0, dtype=np.float64), "x", "x=0.1:0.1")
    low, high = proof.domain["x"]
    assert low < 0.1 < high


def test_relations_slopes_and_pairs_on_a_slice():
    net = nn.MLP(2, (6,), 1, activation="relu", generator=1, dtype=np.float64)
    with no_grad():
        y = net(Tensor(np.stack([np.full(999, 0.5), np.linspace(-1, 1, 999)], axis=1))).numpy()[:, 0]
    box = "p=0.5:0.5, q=-1:1"
    assert verify(net, f"y <= {float(y.max()) + 1e-3!r}", box).holds is True
    assert verify(net, f"y <= {float(y.max()) - 1e-3!r}", box).holds is False
    assert verify(net, f"y <= {float(y.max()) - 1e-3!r}", box).at["p"] == 0.5
    slope = np.abs(np.diff(y)).max() / (2 / 998)
    found = certify_slopes(net, box)
    assert found.high[0, 1] >= slope * (1 - 1e-9) or -found.low[0, 1] >= slope * (1 - 1e-9)
    assert certify_pair(net, net, box, tol=1e-6).proves(1e-6) is True


def test_leaves_that_do_not_hold_the_slice_are_no_cover():
    box = [(2.0, 2.0), (0.0, 1.0)]
    low, high = np.array([[2.0, 0.0], [2.0, 0.5]]), np.array([[2.0, 0.5], [2.0, 1.0]])
    assert covered(low, high, box)
    assert not covered(low[:1], high[:1], box)
    assert not covered(np.nextafter(low, 3), np.nextafter(high, 3), box)
    assert covered(np.array([[2.0]]), np.array([[2.0]]), [(2.0, 2.0)])
    assert not covered(np.array([[3.0]]), np.array([[3.0]]), [(2.0, 2.0)])


@pytest.fixture(scope="module")
def fitted():
    return surefit.fit("sin(a)*b", "a=-1:1, b=0:1", model=(10,), method="varpro", seed=0)


@pytest.mark.slow
def test_of_a_fit_only_what_differs_is_named(fitted):
    whole = fitted.certify()
    part = fitted.certify(domain="a=0.5:0.5")
    assert part.domain == {"a": (0.5, 0.5), "b": (0.0, 1.0)}
    assert part.upper <= whole.upper
    assert fitted.certificate is whole
    assert fitted.certify(domain={"b": (0, 0)}).domain["a"] == (-1.0, 1.0)
    with pytest.raises(ArgumentError, match="'c' of the box c=0:0 is no input; they are a, b"):
        fitted.certify(domain={"c": (0, 0)})
    with pytest.raises(DomainError, match="no width"):
        surefit.fit("x", "x=1:1")


def test_on_the_command_line(fitted, tmp_path, capsys):
    model = str(fitted.save(tmp_path / "m.safetensors"))
    assert main(["certify", model, "--on", "a=0.5:0.5"]) == 0
    assert "a=0.5:0.5, b=0:1" in capsys.readouterr().out
    assert main(["verify", model, "y <= 0.6", "--on", "a=0.5:0.5"]) == 0
    assert main(["verify", model, "y <= 0.6"]) == 3
    capsys.readouterr()
    assert main(["verify", model, "y <= 0.6", "--on", "q=0.5:0.5"]) == 2
    assert "'q'" in capsys.readouterr().err
