"""Functions on short intervals: which are cut, and the largest number on any of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from surefit.bounds import cells as subject
from surefit.bounds import taylor
from surefit.bounds.affine import form_of
from surefit.bounds.balls import Balls
from surefit.bounds.branch import Lines
from surefit.bounds.cells import LOOSE, SHORT, Known, Steps, cells, parts, resolved
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.relax import Relaxation
from surefit.formulas import parse


@pytest.mark.parametrize("low, high", [(320.0, 20300.0), (-1.0, 1.0), (1e6, 1e6 + 1), (-5e-3, 40.0)])
def test_the_cells_at_the_ends_are_cut_as_any_others(monkeypatch, low, high):
    """Those beyond the ends may be so short that few of them are left: the first that counts is not one of them."""

    def differences(balls, a, b, allowed=None):
        near = np.minimum(np.abs(0.5 * a + 0.5 * b - low), np.abs(high - 0.5 * a - 0.5 * b)) + (high - low) / 100
        size = np.repeat((((b - a) / near) ** 2)[:, None, None], SHORT, axis=1)
        return Known(-size, size, -size, size)

    monkeypatch.setattr(subject, "differences", differences)
    monkeypatch.setattr(subject, "reached", lambda balls, a, b: np.zeros((len(a), 1)))
    whole = cells(low, high, 1e-12 * (high - low) + 1e-12 * max(abs(low), abs(high)))
    before = differences(None, whole[:-1], whole[1:]).most[:, 0, 0]
    ends, fine, found = resolved(None, whole, (low, high))
    least, most = found.least, found.most
    assert (fine[::SHORT] == ends).all() and (np.diff(fine) >= 0).all() and len(least) == len(fine) - 1
    least, most = least[::SHORT], most[::SHORT]
    inside = (ends[:-1] >= low) & (ends[1:] <= high)
    assert ends[inside.argmax()] == low and (np.diff(ends) > 0).all() and set(whole) <= set(ends)
    assert before[(whole[:-1] >= low) & (whole[1:] <= high)].max() > 3 * LOOSE * np.median(before)
    assert most[inside, 0].max() <= LOOSE * np.median(before)
    assert (least == -most).all()


def test_the_largest_number_on_an_interval():
    rng = np.random.default_rng(0)
    ends = np.sort(rng.random(38))
    values = rng.random(37)
    steps = Steps(ends, values)
    low, high = np.sort(rng.uniform(ends[0], ends[-1], (2, 400)), axis=0)
    for a, b, found in zip(low, high, steps.largest(low, high), strict=True):
        assert found == values[(ends[1:] > a) & (ends[:-1] < b)].max()
    assert steps.largest(np.array([ends[0] - 1e-9]), np.array([0.5])) == np.inf


@pytest.mark.parametrize("text", ["abs(t - 0.3)", "max(sin(3*t), t)", "sqrt(abs(t))", "min(exp(t), 1) + abs(t)^3"])
def test_functions_with_kinks_are_bounded_on_every_cell(text):
    """The difference, and the slopes of the network, on cells with a kink inside and beside it, at many points each."""
    pytest.importorskip("flint", reason="the balls are those of python-flint")
    rng = np.random.default_rng(0)
    gains, offsets = rng.choice([0.5, 3.0, 60.0, -900.0], 12) * rng.uniform(0.5, 2, 12), rng.standard_normal(12)
    weights, shift = rng.standard_normal((1, 12)), rng.standard_normal(1)
    net = Network(1)
    net.nodes.append(Affine(((0, gains[:, None], None),), offsets))
    net.nodes.append(Unary(1, "tanh", 12))
    net.nodes.append(Affine(((2, weights, None),), shift))
    function = parse(text, ("t",))
    lines = Lines(Relaxation(net, False), lambda a, b: [form_of(function, a, b)])
    ends = np.unique(
        np.concatenate([np.linspace(-1, 1, 40), 0.3 + np.array([-1e-3, -1e-6, 1e-6, 1e-3]), [-1e-9, 1e-9]])
    )
    known = subject.differences(Balls(net, [function], lines, None), ends[:-1], ends[1:])
    edges = parts(ends[:-1], ends[1:])
    t = edges[:, :-1, None] + np.diff(edges)[..., None] * np.append([0.0, 1.0], rng.random(30))
    y = np.tanh(t[..., None] * gains + offsets)
    apart, slope = y @ weights[0] + shift - function(t), (1 - y**2) @ (weights[0] * gains)
    assert (known.least[..., 0] <= apart.min(axis=2) + 1e-13).all()
    assert (apart.max(axis=2) <= known.most[..., 0] + 1e-13).all()
    size = 1e-12 * np.abs(weights[0] * gains).sum()
    assert (known.down[..., 0] <= slope.min(axis=2) + size).all() and (
        slope.max(axis=2) <= known.up[..., 0] + size
    ).all()
    assert np.isfinite(known.size).all()
    kink = np.flatnonzero((ends[:-1] < 0.3) & (ends[1:] > 0.3))
    if "0.3" in text:  # 2e-6 wide
        assert (known.most - known.least)[kink].max() < 1e-2


def _steep(function, places, gains):
    """A network of tanh units with weights of least squares, as balls; and its weights."""
    offsets = -gains * places
    with np.errstate(all="ignore"):
        t = np.unique(np.clip(np.concatenate([places + k / gains for k in np.linspace(-3, 3, 13)]), -1, 1))
        features = np.tanh(np.outer(t, gains) + offsets)
    features = np.append(features, np.ones((len(t), 1)), axis=1)
    w = np.linalg.lstsq(features, function(t), rcond=1e-12)[0]
    net = Network(1)
    net.nodes.append(Affine(((0, gains[:, None], None),), offsets))
    net.nodes.append(Unary(1, "tanh", len(gains)))
    net.nodes.append(Affine(((2, w[None, :-1], None),), w[-1:]))
    return Balls(net, [function], Lines(Relaxation(net, False), lambda a, b: [form_of(function, a, b)]), None), w


def test_cells_are_cut_down_to_the_floats_where_a_function_ends_steeply():
    """asin at 1: the last cell counts too, and none without a width is left."""
    pytest.importorskip("flint", reason="the balls are those of python-flint")
    function = parse("asin(t)", ("t",))
    gains = 2.0 * 1.6 ** np.arange(60)
    balls, _ = _steep(function, np.clip(1 - 3 / gains, -1, 1), gains)
    whole = cells(0.0, 1.0, 1e-12)
    ends, _, known = resolved(balls, whole, (0.0, 1.0))
    inside = (ends[:-1] >= 0.0) & (ends[1:] <= 1.0)
    assert (np.diff(ends) > 0).all()
    bounds = np.maximum(np.abs(known.least), np.abs(known.most)).reshape(len(inside), SHORT).max(axis=1)
    assert bounds[inside].max() <= 1.1 * subject.reached(balls, ends[:-1], ends[1:])[inside].max()


@pytest.mark.parametrize("kind, far", [("tanh", 46.0), ("sigmoid", 92.0)])
def test_units_that_do_not_move_on_a_cell_count_with_all_that_they_might(kind, far):
    """A unit so far from where it bends that it counts as a constant: values and slopes in balls of 500 bits."""
    flint = pytest.importorskip("flint", reason="the balls are those of python-flint")
    gain, weight, function = 2.0**40, 3.0, parse("abs(t)", ("t",))
    net = Network(1)
    net.nodes += [Affine(((0, np.array([[gain]]), None),), np.array([-gain / 4])), Unary(1, kind, 1)]
    net.nodes.append(Affine(((2, np.array([[weight]]), None),), np.zeros(1)))
    lines = Lines(Relaxation(net, False), lambda a, b: [form_of(function, a, b)])
    ends = 0.25 + np.array([far, far + 1.0, far + 3.0]) / gain
    known = subject.differences(Balls(net, [function], lines, None), ends[:-1], ends[1:])
    was, flint.ctx.prec = flint.ctx.prec, 500
    try:
        for i, row in enumerate(parts(ends[:-1], ends[1:])):
            for j, t in enumerate(row[:-1]):
                z = (flint.arb(float(t)) - flint.arb(0.25)) * gain
                y = z.tanh() if kind == "tanh" else 1 / (1 + (-z).exp())
                slope = weight * gain * (1 - y * y if kind == "tanh" else y * (1 - y))
                assert flint.arb(float(known.least[i, j, 0])) < weight * y - float(t) < float(known.most[i, j, 0])
                assert flint.arb(float(known.down[i, j, 0])) < slope < float(known.up[i, j, 0])
                assert float(known.up[i, j, 0]) < 1e-20  # and it is known to be nearly nothing
    finally:
        flint.ctx.prec = was


@pytest.mark.parametrize("seed", range(4))
def test_the_range_on_a_part_holds_the_polynomial_there(seed):
    """In fractions, at places that are on both sides of each end: an end is where it is said to be up to `off`."""
    rng = np.random.default_rng(seed)
    B = taylor.basis(1, 13)
    t = taylor.Taylor(B, rng.standard_normal((2, B.M)) * 0.4 ** np.arange(B.M), np.array([0.0, 1e-3]))
    ends = parts(np.array([-1.0]), np.array([1.0]))[0]
    off = 1e-12 if seed % 2 else 1e-5
    low, high = taylor.ranges_between(t, ends, off)
    assert low.shape == high.shape == (SHORT, 2)
    spread = 0.0
    for j, (a, b) in enumerate(pairwise(ends)):
        places = [a, b, a - off, b + off, *rng.uniform(a, b, 40)]
        for k in range(2):
            at = [sum(Fraction(c) * Fraction(e) ** n for n, c in enumerate(t.coef[k])) for e in places]
            rho = Fraction(t.rho[k])
            assert Fraction(low[j, k]) <= min(at) - rho
            assert max(at) + rho <= Fraction(high[j, k])
            spread += float(high[j, k] - low[j, k]) / float(max(at) - min(at) + 2 * rho)
    assert spread / (2 * SHORT) < 1.3  # and it is near
