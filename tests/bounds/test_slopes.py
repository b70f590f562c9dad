"""Derivatives on boxes: finite differences lie between the proved bounds; relations with derivatives are decided."""

from __future__ import annotations

import math

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify_slopes, slopes, taylor, verify
from surefit.bounds.interval import Range
from surefit.bounds.relax import Relaxation
from surefit.cli import main
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, FormulaError

from .test_certify import ABS, ACTIVATIONS, two_layer


def differences(net, x, h=1e-6):
    """Central differences (n, k, d)."""
    with no_grad():
        at = [net(Tensor(x + s * h * e)).numpy() for e in np.eye(x.shape[1]) for s in (1, -1)]
    return np.stack([(a - b) / (2 * h) for a, b in zip(at[::2], at[1::2], strict=True)], axis=2)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_finite_differences_lie_within(activation):
    """On boxes of all sizes, and as proved for the whole domain."""
    net = nn.MLP(2, (7, 5), 2, activation=activation, generator=1, dtype=np.float64)
    rng = np.random.default_rng(0)
    middle, width = rng.uniform(-2, 2, (40, 2)), rng.choice([1.0, 0.1, 1e-3], (40, 1)) * rng.random((40, 2)) + 1e-5
    j = slopes.jacobian_ranges(Relaxation(slopes.network_of(net, 2), False), middle - width, middle + width)
    both = slopes.Derivatives(net, 2)
    assert (both.smooth is not None) == (activation in taylor.KINDS)
    both = both(middle - width, middle + width)
    assert (both.low >= j.low).all() and (both.high <= j.high).all()
    t = rng.uniform(-1, 1, (30, 40, 2))
    for u in t:
        g = differences(net, middle + 0.9 * u * width)
        assert (g >= both.low - 1e-8).all() and (g <= both.high + 1e-8).all()
    found = certify_slopes(net, "x=-1:1, y=-1:2", rtol=0.3, time=1.0)
    x = rng.uniform((-1, -1), (1, 2), (4000, 2))
    g = differences(net, x)
    assert (g >= found.low - 1e-8).all() and (g <= found.high + 1e-8).all()
    assert np.sqrt((g**2).sum(axis=(1, 2))).max() <= found.lipschitz[1] + 1e-8
    assert (found.low <= found.reached_low + 1e-12).all() and (found.reached_high <= found.high + 1e-12).all()
    assert found.lipschitz[0] <= found.lipschitz[1]


@pytest.mark.slow
def test_slopes_of_units_that_cancel():
    """Output weights of 1e5 and more, from least squares: slopes against mpmath's of the network, and calculus."""
    mpmath = pytest.importorskip("mpmath", reason="mpmath is the oracle of derivatives")
    fit = surefit.fit("x^2*exp(-y)", "x=-1:1, y=0:2", model=(60,), method=surefit.Features())
    model, net = fit.model, slopes.network_of(fit.model, 2)
    assert max(np.abs(w).max() for node in net.nodes[1:] for _, w, _ in getattr(node, "sources", ())) > 1e5
    rng = np.random.default_rng(1)
    middle = rng.uniform((-1, 0), (1, 2), (6, 2))
    found = slopes.Derivatives(model, 2)(middle - 1e-3, middle + 1e-3)
    assert (found.high - found.low < 0.02).all()
    state = {name: t.numpy() for name, t in fit.network.state_dict().items()}
    (w, c), (v, _) = ((state[n], state[n.replace("weight", "bias")]) for n in state if n.endswith("weight"))
    shift, scale, height = model.x_shift.numpy(), model.x_scale.numpy(), model.y_scale.item()
    mpmath.mp.dps = 40
    for i in range(6):
        at = middle[i] + rng.uniform(-1e-3, 1e-3, 2)
        u = [(mpmath.mpf(at[k]) - shift[k]) / scale[k] for k in range(2)]
        bells = [mpmath.sech(w[j, 0] * u[0] + w[j, 1] * u[1] + c[j]) ** 2 for j in range(60)]
        for k in range(2):
            exact = height / scale[k] * mpmath.fsum(v[0, j] * mpmath.mpf(w[j, k]) * bells[j] for j in range(60))
            assert found.low[i, 0, k] <= exact <= found.high[i, 0, k]
    whole = certify_slopes(model, "x=-1:1, y=0:2", time=30)
    assert whole.complete
    np.testing.assert_allclose([whole.low, whole.high], [[[-2, -1]], [[2, 0]]], atol=0.12)
    assert verify(model, "-2.0001 <= dz/dx <= 2.0001", "x=-1:1, y=0:2", outputs=["z"]).holds
    assert verify(model, "dz/dx <= 1.99", "x=-1:1, y=0:2", outputs=["z"]).holds is False


@pytest.mark.parametrize("kind", [k for k in slopes.SLOPES if k not in ("relu", "gelu")])
def test_slopes_of_functions(kind):
    """Against mpmath's derivative."""
    mpmath = pytest.importorskip("mpmath", reason="mpmath is the oracle of derivatives")
    own = {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
           "silu": lambda x: x / (1 + mpmath.exp(-x)), "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
           "exp2": lambda x: mpmath.mpf(2) ** x}  # fmt: skip
    fn = own.get(kind) or getattr(mpmath, kind)
    rng = np.random.default_rng(0)
    positive = kind in ("log", "sqrt", "reciprocal")
    low = rng.uniform(0.1, 2, 25) if positive else rng.uniform(-0.9, 2, 25)
    high = low + rng.choice([1e-6, 0.1, 1.0], 25)
    found = slopes.slope_of(kind, Range(low, high), 0.0)
    for i in range(25):
        for t in (0.0, 0.3, 1.0):
            x = low[i] + t * (high[i] - low[i])
            exact = mpmath.diff(fn, mpmath.mpf(min(x, high[i])))
            assert found.low[i] - 1e-12 <= exact <= found.high[i] + 1e-12


def test_what_is_known_by_calculus():
    found = certify_slopes(ABS, "x=-1:2", time=60)
    assert found.low == pytest.approx(-1) and found.high == pytest.approx(1) and found.lipschitz[1] == pytest.approx(1)
    assert found.increasing("x") is False and found.decreasing("x") is False
    right = certify_slopes(ABS, "x=0.5:2")
    assert right.increasing("x") is True and right.low == pytest.approx(1)
    assert "proved: Lipschitz constant <= 1" in str(right)
    rising = two_layer([1.0, 2.0], [0.0, 0.3], [0.5, 0.25], activation="tanh")
    assert certify_slopes(rising, "x=-1:1").lipschitz[1] == pytest.approx(
        max(0.5 / math.cosh(x) ** 2 + 0.5 / math.cosh(2 * x + 0.3) ** 2 for x in np.linspace(-1, 1, 9999)), rel=0.06
    )
    late = certify_slopes(nn.MLP(3, (30, 30), 1, generator=0), "x=-9:9, y=-9:9, z=-9:9", time=1e-9)
    assert not late.complete and late.lipschitz[1] >= late.lipschitz[0]
    with pytest.raises(ArgumentError, match="rtol=0"):
        certify_slopes(ABS, "x=0:1", rtol=0)


@pytest.mark.slow
def test_relations_of_derivatives_are_decided():
    net = two_layer([1.0, 2.0], [0.0, 0.3], [0.5, 0.25], activation="tanh")
    assert verify(net, "dy/dx >= 0", "x=-2:2").status == "proved"
    assert verify(net, "0 <= dy/dx <= 1", "x=-2:2").holds is True
    assert verify(net, "dy/dx <= 1 + x^2", "x=-2:2").holds is True
    wrong = verify(net, "dy/dx <= 0.5", "x=-2:2")
    assert wrong.holds is False
    assert differences(net, np.array([[wrong.at["x"]]]))[0, 0, 0] > 0.5
    assert verify(net, "2*dy/dx - 1 <= 1.1", "x=-2:2").holds is True
    assert verify(ABS, "dy/dx >= -1", "x=-1:1", time=0.3).holds is not False
    assert verify(ABS, "dy/dx > -1", "x=-1:1", time=0.3).holds is not True
    two = nn.MLP(2, (4,), 2, activation="tanh", generator=0, dtype=np.float64)
    bound = certify_slopes(two, "a=-1:1, b=-1:1", outputs=["p", "q"])
    edge = float(bound.high[1, 0]) + 0.05
    assert verify(two, f"dq/da <= {edge!r}", "a=-1:1, b=-1:1", outputs=["p", "q"]).holds is True
    with pytest.raises(FormulaError, match="outputs and derivatives in one part"):
        verify(net, "y + dy/dx <= 1", "x=-2:2")
    with pytest.raises(FormulaError, match="does not come in linearly"):
        verify(net, "(dy/dx)^2 <= 1", "x=-2:2")


def test_the_command_takes_derivatives(tmp_path, capsys):
    fit = surefit.fit("exp(u) + v", {"u": (-1, 1), "v": (0, 1)}, model=(6,), method="features", seed=0)
    path = str(fit.save(tmp_path / "m.safetensors"))
    y = fit.outputs[0]
    assert main(["verify", path, f"d{y}/du >= -5"]) == 0
    assert main(["verify", path, f"d{y}/du >= 100"]) == 3
    assert "refuted" in capsys.readouterr().out
