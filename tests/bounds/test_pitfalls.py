"""The fifteen ways in which bounds of networks were found to lie, each with a test. test_mutations.py adds errors."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import Proved, Undefined, branch, certify, checker
from surefit.bounds.branch import branch_and_bound
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of
from surefit.bounds.relax import Relaxation, gamma

from .test_certify import ABS, two_layer


class Always:
    """A bounder that says what it is told."""

    batch = 16
    excess = 1.0

    def __init__(self, value):
        self.value = value

    def look(self, low, high):
        n, d = low.shape
        bound = np.full((n, 1), self.value)
        return branch.Looked(bound, np.ones((n, d)), np.ones(n), np.zeros((n, 1), bool), np.zeros(n), low)

    def at_points(self, x, values=None):
        return np.zeros(len(x)), np.full(len(x), np.nan)


def run(bounder, **more):
    return branch_and_bound(bounder, np.zeros(1), np.ones(1), points=np.zeros((1, 1)), **more)


def test_1_a_nan_bound_is_no_bound():
    found = run(Always(np.nan), deadline=0.0)
    assert found.upper == math.inf and found.boxes == 1
    found = run(Always(np.nan), rtol=1.0, deadline=time.monotonic() + 0.2)
    assert found.upper == math.inf and not found.complete


def test_2_children_cover_their_parents():
    rng = np.random.default_rng(0)
    lo = rng.standard_normal((50, 3))
    hi = lo + rng.random((50, 3)) * rng.choice([1.0, 1e-15], (50, 1)) + 1e-15
    axis = rng.integers(0, 3, 50)
    low, high = branch.halves(lo, hi, axis)
    for i in range(50):
        k = axis[i]
        assert high[i, k] == low[50 + i, k]
        assert lo[i, k] == low[i, k] and hi[i, k] == high[50 + i, k]
    proof = certify(nn.MLP(2, (8,), 1, generator=0), "x*y", "x=-1:1, y=-1:2", rtol=0.01)
    assert checker.covered(proof.leaves[0], proof.leaves[1], list(proof.domain.values()))
    assert not checker.covered(proof.leaves[0][1:], proof.leaves[1][1:], list(proof.domain.values()))


@pytest.mark.parametrize(
    "w, b, c",
    [
        ([1, 1, -1, 1], [0, 0, 0, -5], [1, -2, 0.5, 3]),  # ties, and a knot outside
        ([0, 0, 1], [1, -1, 0], [1, 1, 1]),  # zero weights, one of them dead
        ([1, -1], [-1, -1], [1, 1]),  # knots at the ends of the box
        ([1, 2, 3], [0, 0, 0], [1, -1, 1]),  # the same knot three times
        ([1, 1], [10, -10], [1, 1]),  # always on, always off
    ],
)
def test_3_ties_dead_units_and_knots_at_the_ends(w, b, c):
    net = two_layer(w, b, c)
    x = np.linspace(-1, 1, 20001)
    worst = np.abs(np.maximum(np.outer(x, w) + b, 0) @ np.array(c, float) - x**2).max()
    proof = certify(net, "x^2", "x=-1:1", rtol=1e-3)
    assert worst * (1 - 1e-7) <= proof.upper <= worst * 1.01
    assert proof.lower <= worst * (1 + 1e-6)


def test_4_zeros_subnormals_and_overflow():
    tiny = two_layer([5e-324], [-0.0], [1.0])
    assert certify(tiny, "0*x", "x=0:1").upper < 1e-290
    huge = two_layer([1e200], [0.0], [1e200])
    assert certify(huge, "x", "x=0:1", time=0.5).upper == math.inf
    single = two_layer([1e30], [0.0], [1e30], dtype=np.float32)
    assert certify(single, "x", "x=0:1", mode="deployed", time=0.5).upper == math.inf  # its float32 overflows


def test_5_ends_that_are_no_floats_are_enclosed():
    proof = certify(ABS, "x^2", {"x": ("-2*pi", "2*pi")})
    low, high = proof.domain["x"]
    assert Fraction(high) > Fraction("6.283185307179586476925286766559") > Fraction(2 * math.pi)
    assert low == -high
    assert certify(ABS, "x^2", {"x": ("-2", "0.5")}).domain["x"] == (-2.0, 0.5)
    for box in ("x=-pi:pi", ["x=-pi:pi"], ("-pi", "pi"), [("-pi", "pi")]):
        low, high = certify(ABS, "x^2", box).domain["x"]
        assert low < -math.pi and math.pi < high < 3.1416
    assert certify(ABS, "x^2", "x=-0.5:2").domain["x"] == (-0.5, 2.0)
    assert certify(ABS, "x^2", "x=-0.1:0.1").domain["x"][1] > 0.1  # which is no float


@pytest.mark.parametrize("formula", ["1 if x > 0.3 else 0", "sign(x - 0.3)/2", "floor(x - 0.3)", "step(x - 0.3)"])
def test_6_a_jump_costs_half_its_height(formula):
    proof = certify(two_layer([1.0, 1.0], [-0.2, -0.4], [5.0, -5.0]), formula, "x=0:1", rtol=0.1, time=60)
    assert isinstance(proof.error, Proved)
    assert proof.upper >= 0.5


def test_7_a_removable_singularity():
    proof = certify(ABS, "sinc(x/pi)", "x=-1:1", rtol=0.05, time=60)  # sin(x) / x
    assert isinstance(proof.error, Proved)
    assert 1.0 <= proof.upper < 1.1
    assert isinstance(certify(ABS, "sin(x)/x", "x=-1:1", time=60).error, Undefined)


@pytest.mark.parametrize("formula", ["1/x", "log(x)", "tan(x*2)", "sqrt(x)", "1/(x - 0.1)^2", "x^0.5", "asin(2*x)"])
def test_8_poles_and_domain_errors_give_no_number(formula):
    proof = certify(ABS, formula, "x=-1:1", time=60)
    assert isinstance(proof.error, Undefined)
    assert proof.upper == math.inf
    (low, high) = proof.error.box["x"]
    assert -1 <= low < high <= 1


@pytest.mark.parametrize("shift", [1e5, 1e7, 1e9])
def test_9_large_arguments(shift):
    net = two_layer([0.0], [0.0], [0.0])
    proof = certify(net, f"sin(x + {shift!r})", "x=0:7", rtol=1e-3, time=60)
    assert proof.lower <= 1 <= proof.upper <= 1.01


def test_10_gamma_says_nothing_where_it_says_nothing():
    assert gamma(2**23 + 1, 2.0**-24) == math.inf
    assert gamma(100) >= 100 * 2**-53
    rng = np.random.default_rng(0)
    net = nn.MLP(1, (300,), 1, activation="relu", generator=0)
    running = Relaxation(lowered(program_of(net, 1), lambda n, d: 4.0, strict=False), True)
    x = rng.uniform(-1, 1, (200, 1)).astype(np.float32)
    z = running.forward(x.astype(float), x.astype(float))[-1]
    orders = [rng.permutation(300) for _ in range(10)]
    w1, b1, w2, b2 = (p.detach().numpy() for p in net.parameters())
    for order in orders:  # any order of summation, one float32 addition after the other
        h = np.maximum(x @ w1.T + b1, 0)
        total = np.zeros(200, np.float32)
        for k in order:
            total = total + h[:, k] * w2[0, k]
        y = (total + b2[0]).astype(float)
        assert (z.low[:, 0] <= y).all() and (y <= z.high[:, 0]).all()


def test_11_the_lower_bound_is_of_the_same_object():
    fit = surefit.fit("sin(3*x)", {"x": (-1, 1)}, model=(16,), seed=0, dtype="float32")
    proof = fit.certify(rtol=0.5)
    at = proof.error.at["x"]
    reached = abs(float(fit.predict([at])[0]) - math.sin(3 * at))
    assert proof.lower <= reached * (1 + 1e-9)
    with pytest.raises(AssertionError, match="contradict"):
        run(Liar(1.0))


class Liar(Always):
    def at_points(self, x, values=None):
        return np.full(len(x), 2.0), np.full(len(x), 2.0)


def test_12_a_minimax_network_ends_with_a_bound():
    k = 16
    x = np.linspace(-1, 1, k + 1)
    slopes = np.diff(x**2) / np.diff(x)
    net = two_layer(np.ones(k), -x[:-1], np.diff(slopes, prepend=0.0), d=1.0 - (1.0 / k) ** 2 / 2)
    proof = certify(net, "x^2", "x=-1:1", rtol=0.01)
    assert proof.complete
    assert proof.upper == pytest.approx((1.0 / k) ** 2 / 2, rel=0.02)


def test_13_steep_units_keep_their_rounding():
    net = two_layer([1e6, 1e6], [0.0, -1.0], [1.0, -1.0], dtype=np.float32)
    real, deployed = (certify(net, "step(x)", "x=0.25:1", mode=m, rtol=0.01, time=60) for m in ("real", "deployed"))
    assert deployed.upper > real.upper + 0.01


def test_14_nothing_is_claimed_outside_of_the_box():
    fit = surefit.fit("x^2", {"x": (-1, 1)}, model=(8,), seed=0)
    assert fit.certify(rtol=0.5).domain == {"x": (-1.0, 1.0)}
    with pytest.warns(surefit.OutsideWarning):
        fit.predict([2.0])


def test_15_another_model_has_no_certificate():
    fit = surefit.fit("x^2", {"x": (-1, 1)}, model=(8,), seed=0)
    fit.certify(rtol=0.5)
    assert fit.proved is not None
    p = next(iter(fit.network.parameters()))
    value = p.detach().numpy().copy()
    value.flat[0] = np.nextafter(value.flat[0], 9.0)  # one bit
    p.assign(value)
    assert fit.proved is None
    assert "certificate" not in fit.card()
