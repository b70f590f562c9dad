"""Proofs beside places where the formula has no derivative, or an infinite one.

The networks have units ever narrower towards such a place, as the fits of such functions have.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify
from surefit.bounds.certificate import Proved, Undefined
from surefit.core import ops

pytest.importorskip("flint", reason="networks of one input are read in balls")
mpmath = pytest.importorskip("mpmath", reason="the truth")


def narrowing(function, place: float, scales: np.ndarray, low: float, high: float, activation: str = "tanh"):
    """A network whose units narrow towards a place, by least squares at points that do as well."""
    near = np.concatenate([scales[-1] / 4 * 2.0 ** np.arange(0, 200, 0.25)])
    x = np.unique(np.clip(np.concatenate([[low, high, place], place + near, place - near]), low, high))
    gains = np.concatenate([1 / scales, 1 / scales])
    offsets = -place * gains + np.repeat([0.9, -0.9], len(scales))
    net = nn.MLP(1, (len(gains),), 1, activation=activation, generator=0, dtype=np.float64)
    first, last = [m for m in net.modules() if isinstance(m, nn.Linear)]
    z = x[:, None] * gains + offsets
    units = np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-np.clip(z, -700, 700)))
    A = np.column_stack([units, np.ones(len(x))])
    c = np.linalg.lstsq(A, function(x), rcond=1e-7)[0]
    first.weight.assign(gains[:, None])
    first.bias.assign(offsets)
    last.weight.assign(c[None, :-1])
    last.bias.assign(c[-1:])
    return net, x


@pytest.mark.slow
@pytest.mark.parametrize("activation, mode", [("tanh", "deployed"), ("sigmoid", "real")])
@pytest.mark.parametrize(
    "text, function, low, digits",
    [("cbrt(x)", np.cbrt, 0.0, 18), ("sqrt(x)", np.sqrt, 0.0, 12), ("x^0.3", lambda x: x**0.3, 0.0, 18),
     ("abs(x)^0.3", lambda x: np.abs(x) ** 0.3, -1.0, 18), ("x^1.5", lambda x: x**1.5, 0.0, 6)],
)  # fmt: skip
def test_a_steep_end_where_floats_are_dense_is_proved(text, function, low, digits, activation, mode):
    """Boxes are cut further there than elsewhere, and what is rounded is small: the bound is a tight one."""
    net, x = narrowing(function, 0.0, 10.0 ** -np.arange(0, digits, 0.5), low, 1.0, activation)
    seen = float(np.abs(net(x[:, None]).detach().numpy()[:, 0] - function(x)).max())
    proof = certify(net, text, {"x": (low, 1.0)}, mode=mode, rtol=0.1, time=20)
    assert isinstance(proof.error, Proved)
    assert seen * (1 - 1e-9) <= proof.upper <= 1.3 * max(seen, proof.lower)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, function",
    [
        ("asin(x)", np.arcsin),
        ("sqrt(1 - x)", lambda x: np.sqrt(1 - x)),
        ("sqrt(1 - x^2)", lambda x: np.sqrt(1 - x * x)),
    ],
)
def test_a_steep_end_elsewhere_is_proved(text, function):
    net, x = narrowing(function, 1.0, 10.0 ** -np.arange(0, 9, 0.5), 0.0, 1.0)
    seen = float(np.abs(net(x[:, None]).detach().numpy()[:, 0] - function(x)).max())
    for mode in ("real", "deployed"):
        proof = certify(net, text, {"x": (0.0, 1.0)}, mode=mode, rtol=0.1, time=20)
        assert seen * (1 - 1e-9) <= proof.upper <= 1.3 * max(seen, proof.lower)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["x*log(x)", "log(x)", "1/sqrt(x)", "sin(x)/x"])
def test_an_end_without_a_value_is_named(text):
    net, _ = narrowing(np.sqrt, 0.0, 10.0 ** -np.arange(0, 6, 0.5), 0.0, 1.0)
    proof = certify(net, text, {"x": (0.0, 1.0)}, time=10)
    assert isinstance(proof.error, Undefined)
    low, high = proof.error.box["x"]
    assert low == 0.0 < high < 1e-9


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_slopes_of_flat_units_are_as_small_as_they_are(kind):
    """1 - tanh^2 would leave 1e-16 of them, which a gain of 1e25 makes large."""
    from surefit.bounds.activations import SLOPES
    from surefit.bounds.interval import Range

    x = np.array([-800.0, -60.0, -20.0, -0.3, 0.0, 1e-9, 2.0, 31.0, 45.0, 300.0])
    for width in (0.0, 1e-3, 2.0, 1e3):
        low, high = x - width, x + width
        r = SLOPES[kind](Range(low, high), 0.0)
        with mpmath.workdps(60):
            f = (lambda t: mpmath.sech(t) ** 2) if kind == "tanh" else (lambda t: 1 / (4 * mpmath.cosh(t / 2) ** 2))
            for i in range(len(x)):
                points = [low[i], high[i], x[i], *([0.0] if low[i] < 0 < high[i] else [])]
                values = [f(mpmath.mpf(float(p))) for p in points]
                assert r.low[i] <= min(values)
                assert max(values) <= r.high[i] <= max(values) * (1 + mpmath.mpf("1e-12")) + mpmath.mpf("1e-300")


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "softplus", "silu", "gelu", "sin", "erf", "atan"])
def test_lines_beside_an_activation_hold_on_wide_ranges(kind):
    """And are no farther from it than all of its values: the second derivative alone would say 1e40 there."""
    from surefit.bounds.activations import evaluated
    from surefit.bounds.network import Unary
    from surefit.bounds.relax import _smooth

    rng = np.random.default_rng(0)
    low, high = -(10.0 ** rng.uniform(-3, 20, 200)), 10.0 ** rng.uniform(-3, 20, 200)
    low[:60], high[60:120] = -high[:60] * 1e-3, -low[60:120] * 1e-3
    parameter = math.sqrt(0.5)
    lines = _smooth(Unary(0, kind, 1, parameter), low, high)
    t = np.concatenate([rng.random((400, 200)), np.zeros((1, 200)), np.ones((1, 200))])
    z = np.concatenate(
        [low + t * (high - low), 10.0 ** rng.uniform(-4, 3, (200, 200)) * rng.choice([-1, 1], (200, 200))]
    )
    z = np.clip(z, low, high)
    with np.errstate(over="ignore"):
        y = evaluated(kind, z, parameter)
    size = 1e-14 * (1 + np.abs(lines.lam_low * z) + np.abs(y))
    assert (y >= lines.lam_low * z + lines.off_low - size).all()
    assert (y <= lines.lam_high * z + lines.off_high + size).all()
    if kind != "gelu":
        chord = 0.26 * (high - low) if kind in ("softplus", "silu") else 1e-12 * (high - low)  # that of max(z, 0)
        assert (lines.off_high - lines.off_low < 6.0 + chord).all()


def behind(kind: str, factor: float, b: float, steps: int = 0):
    """factor * kind(x) + b, of which the function may have no finite range."""
    from surefit.bounds.network import Affine, Network, Unary

    net = Network(1)
    net.nodes.append(Affine(((0, np.eye(1), None),), np.zeros(1)))
    net.nodes.append(Unary(1, kind, 1))
    net.nodes.append(Affine(((2, np.array([[factor]]), None),), np.array([b]), None, steps))
    return net


@pytest.mark.parametrize("deployed", [False, True])
@pytest.mark.parametrize("kind, low, high", [("exp", 0.0, 800.0), ("log", 0.0, 1.0), ("cosh", -900.0, 2.0)])
def test_no_range_comes_of_a_unit_that_has_none(kind, low, high, deployed):
    """A product of ranges takes 0 for what is not a number; a unit of one number once was its bias there."""
    from surefit.bounds.relax import Relaxation

    with np.errstate(all="ignore"):
        for factor, steps in [(2.0, 0), (-1.0, 0), (-3.0, 1), (1.0, 2)]:
            last = Relaxation(behind(kind, factor, 5.0, steps), deployed).forward(np.array([[low]]), np.array([[high]]))
            least, most = last[-1].low[0, 0], last[-1].high[0, 0]
            assert not np.isfinite(least) or not np.isfinite(most)


@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_a_network_without_a_largest_value_has_no_bound(mode):
    """2 log(x) + 5 is beyond every number at 0: its largest error is not what it is a little farther on."""

    class Logarithm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = (nn.Linear(1, 1, generator=0, dtype=np.float64) for _ in range(2))
            self.first.weight.assign(np.eye(1))
            self.first.bias.assign(np.zeros(1))
            self.last.weight.assign(np.array([[2.0]]))
            self.last.bias.assign(np.array([5.0]))

        def forward(self, x):
            return self.last(ops.log(self.first(x)))

    proof = certify(Logarithm(), "x - 10", {"x": (0.0, 1.0)}, mode=mode, boxes=3000)
    assert not isinstance(proof.error, Proved) or proof.upper == math.inf


def test_the_range_of_a_tiny_multiple_is_not_nothing():
    """2^-900 of 1e-200 is below all floats, and above 0."""
    from surefit.bounds.relax import Relaxation

    net = behind("tanh", 2.0**-900, 0.0)
    states = Relaxation(net, False).forward(np.array([[-1e-200]]), np.array([[1e-200]]))
    assert states[-1].low[0, 0] < 0.0 < states[-1].high[0, 0]


@pytest.mark.slow
def test_both_ends_of_a_domain_may_be_where_a_root_ends():
    """1 - x^2 is 0 at both ends, which ranges that are moved outward do not see; nothing is undefined there."""
    fit = surefit.fit("sqrt(1-x^2)", "x=-1:1", seed=0, tol=1e-4)
    real = fit.certify(mode="real", time=None)
    assert fit.error.max <= real.upper * (1 + 1e-9) <= 1.06 * max(fit.error.max, real.lower)
    running = fit.certify(time=None)  # at 1 the formula has a value and no series, of which balls know nothing
    assert fit.error.max <= running.upper * (1 + 1e-9) <= 1.3 * max(fit.error.max, running.lower)
