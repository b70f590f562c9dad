"""ReLU networks of one input by straight pieces: against rational arithmetic, in which all of their bends are exact."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from surefit import nn
from surefit.bounds import balls, certify, pieces
from surefit.bounds.branch import Lines
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of, subject_of
from surefit.bounds.relax import Relaxation
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor

SHAPES = [(5,), (40,), (6, 5), (5, 4, 4)]
PLENTY = pieces.MOST_PLACES


def network(hidden, seed, dtype=np.float64, scale=1.0):
    net = nn.MLP(1, hidden, 1, activation="relu", generator=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.assign((scale * rng.normal(size=p.shape)).astype(dtype))
    return net


def numbers(net):
    return [np.vectorize(Fraction, otypes=[object])(p.detach().numpy().astype(float)) for p in net.parameters()]


def straight(net, low, high):
    """Exact pieces of a network: (a, b, slope, offset), rational numbers."""
    weights = numbers(net)
    found = [(Fraction(low), Fraction(high), np.array([Fraction(1)]), np.array([Fraction(0)]))]
    for i in range(0, len(weights), 2):
        w, b = weights[i], weights[i + 1]
        behind = []
        for lo, hi, slope, offset in found:
            s, o = w @ slope, w @ offset + b
            if i + 2 == len(weights):
                behind.append((lo, hi, s, o))
                continue
            cuts = sorted({-q / p for p, q in zip(s, o, strict=True) if p and lo < -q / p < hi} | {lo, hi})
            for u, v in pairwise(cuts):
                on = np.array([p * (u + v) / 2 + q > 0 for p, q in zip(s, o, strict=True)])
                behind.append((u, v, np.where(on, s, Fraction(0)), np.where(on, o, Fraction(0))))
        found = behind
    return [(lo, hi, s[0], o[0]) for lo, hi, s, o in found]


def largest(net, low, high):
    """max |x^2 - N|, exactly: at ends of pieces, and where the slope is that of x^2."""
    most = Fraction(0)
    for lo, hi, s, o in straight(net, low, high):
        for x in (lo, hi, s / 2):
            if lo <= x <= hi:
                most = max(most, abs(x * x - s * x - o))
    return most


@pytest.fixture(params=["balls", "floats"])
def engine(request, monkeypatch):
    if request.param == "floats":
        monkeypatch.setattr(balls, "flint", lambda: None)
    else:
        pytest.importorskip("flint", reason="the balls are those of python-flint, the extra certify")
    return request.param


@pytest.mark.parametrize("hidden", SHAPES)
def test_the_largest_error_is_enclosed_to_nine_digits(hidden, engine):
    for seed in range(4):
        net = network(hidden, seed)
        proof = certify(net, "x^2", "x=-2:1.5", rtol=1e-9)
        assert proof.method.code == "proof-pieces"
        assert proof.complete
        assert Fraction(proof.lower) <= largest(net, -2, 1.5) <= Fraction(proof.upper)
        assert proof.upper <= proof.lower * (1 + 1e-9)
        assert any("Arb" in a for a in proof.assuming) is (engine == "balls")


@pytest.mark.parametrize("ends", [(0.0, 5e-324), (1.0, 1.0 + 2**-52), (-1e-300, 1e-300), (1e15, 1e15 + 1), (0.0, 1e8)])
def test_narrow_and_far_boxes(ends):
    for seed in range(3):
        net = network((12,), seed)
        proof = certify(net, "x^2", [ends], rtol=1e-6)
        assert Fraction(proof.lower) <= largest(net, *ends) <= Fraction(proof.upper)
        assert proof.upper <= proof.lower * 1.001


def value(net, x):
    h = np.array([x])
    weights = numbers(net)
    for i in range(0, len(weights), 2):
        h = weights[i] @ h + weights[i + 1]
        h = np.array([max(v, Fraction(0)) for v in h]) if i + 2 < len(weights) else h
    return h[0]


@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("places", [2, 8, PLENTY])
def test_chords_and_rests_hold_the_network_also_where_bends_were_missed(hidden, places, monkeypatch):
    monkeypatch.setattr(pieces, "MOST_PLACES", places)
    rng = np.random.default_rng(0)
    for seed in range(3):
        net = network(hidden, seed, scale=10.0 ** rng.uniform(-2, 2))
        c = pieces.chords(lowered(program_of(net, 1)), -3.0, 2.0)
        assert len(c.places) <= places
        for x in [*rng.uniform(-3, 2, 20), *c.places[1:-1][:20], *np.nextafter(c.places[1:-1][:20], 9)]:
            j = int(np.clip(np.searchsorted(c.places, x, "right") - 1, 0, len(c.places) - 2))
            p, q = Fraction(c.places[j]), Fraction(c.places[j + 1])
            t = (Fraction(x) - p) / (q - p)
            chord = Fraction(c.values[j, 0]) * (1 - t) + Fraction(c.values[j + 1, 0]) * t
            allowed = Fraction(max(c.errors[j, 0], c.errors[j + 1, 0])) + Fraction(c.rests[j, 0])
            assert abs(value(net, Fraction(x)) - chord) <= allowed
        if places == PLENTY:
            assert c.rests.max() <= 1e-12 * np.abs(c.values).max() + 1e-290


TARGETS = ["sin(3*x)", "1/(3 + x)", "abs(x) + exp(-x^2)", "sqrt(x + 2.5)*log(x + 3)", "sin(x)/x", "x^2.5", "tanh(9*x)"]


@pytest.mark.parametrize("text", TARGETS)
def test_other_targets_are_not_above_their_bound(text, engine):
    rng = np.random.default_rng(4)
    low = 0.1 if text in ("sin(x)/x", "x^2.5") else -2.0
    for seed in range(2):
        net = network((8, 6), seed)
        subject = subject_of(net, text, [(low, 2.0)], "real")
        proof = certify(net, text, [(low, 2.0)], rtol=1e-4)
        error = subject.residual(np.concatenate([rng.uniform(low, 2, 20_000), [low, 2.0]])[:, None]).max()
        assert error <= proof.upper * (1 + 1e-12)
        assert subject.residual(np.array([[proof.error.at["x"]]]))[0] >= proof.lower * (1 - 1e-12)
        assert proof.complete
        assert error >= 0.99 * proof.lower


def test_a_pole_is_found():
    assert certify(network((8,), 0), "1/(x - 0.3)", "x=-1:1").error.status == "undefined"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_running_model_is_covered(dtype):
    rng = np.random.default_rng(5)
    for seed in range(4):
        net = network((30,), seed, dtype, scale=10.0 ** rng.uniform(-1, 1))
        x = np.sort(rng.uniform(-2, 2, (20_000, 1))).astype(dtype)
        with no_grad():
            y = net(Tensor(x)).numpy()[:, 0].astype(float)
        proof = certify(net, "x^2", "x=-2:2", mode="deployed", strict=False, rtol=1e-3)
        assert proof.method.code == "proof-pieces"
        error = np.abs(y - x[:, 0].astype(float) ** 2).max()
        assert error * 0.999 <= proof.upper <= error * 1.02


def test_weights_that_are_zero_or_hardly_more():
    for w in (0.0, -0.0, 5e-324, -1e-310, 1e-200):
        net = network((4,), 1)
        first = net.get_parameter("0.weight") if hasattr(net, "get_parameter") else next(iter(net.parameters()))
        first.assign(np.full(first.shape, w))
        proof = certify(net, "x^2", "x=-1:1", rtol=1e-8)
        assert Fraction(proof.lower) <= largest(net, -1, 1) <= Fraction(proof.upper)
        assert proof.complete


def test_values_beyond_the_largest_float_prove_nothing():
    net = network((4,), 1, scale=1e200)
    assert certify(net, "x^2", "x=-1:1", rtol=0.1, boxes=64).upper > 1e300


def test_parts_cover_their_boxes():
    """Every box of a look is covered by its parts, whatever order the boxes are in and whether they touch."""
    net = lowered(program_of(network((20,), 2), 1))
    subject = subject_of(network((20,), 2), "x^2", "x=-3:3", "real")
    engine = pieces.Pieces(
        net, subject.formulas, subject.names, Lines(Relaxation(net, False), subject.target), None, -3.0, 3.0, 1e-3
    )
    low, high = np.array([1.0, -3.0, -1.0, 2.5]), np.array([1.5, -2.0, 1.0, 3.0])
    a, b, box, piece = engine._parts(low, high)
    for i in range(4):
        mine = np.sort(a[box == i]), np.sort(b[box == i])
        assert mine[0][0] == low[i]
        assert mine[1][-1] == high[i]
        assert (mine[0][1:] == mine[1][:-1]).all()
    assert (engine.chords.places[piece] <= a).all()
    assert (engine.chords.places[piece + 1] >= b).all()


def test_a_network_of_thousands_of_pieces_is_one_of_straight_pieces():
    """Those of exp on 0:10 within 1e-3, as a construction has them: on a box without their places nothing is known."""
    t = np.linspace(0.0, 10.0, 3001)
    y = np.exp(t)
    slopes = np.diff(y) / np.diff(t)
    net = nn.MLP(1, (3000,), 1, activation="relu", generator=0, dtype=np.float64)
    values = [np.ones((3000, 1)), -t[:-1], np.diff(slopes, prepend=0.0)[None], y[:1]]
    for p, v in zip(net.parameters(), values, strict=True):
        p.assign(v)
    proof = certify(net, "exp(x)", {"x": (0.0, 10.0)}, rtol=1e-3, time=None)
    most = np.exp(10.0) * (10.0 / 3000) ** 2 / 8  # of a chord
    assert 0.99 * most <= proof.lower <= proof.upper <= 1.01 * most
