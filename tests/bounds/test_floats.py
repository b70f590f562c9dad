"""Proofs of running models float by float, beside jumps and steep ends; comparisons with numbers that are no floats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from surefit import nn
from surefit.bounds import certify
from surefit.bounds.affine import RangeArithmetic, form_of, range_of
from surefit.bounds.certificate import Proved
from surefit.bounds.floats import AWAY, MOST, Floats, at_places, places
from surefit.bounds.interval import Range
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.formulas import parse
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled

from .test_singular import narrowing

mpmath = pytest.importorskip("mpmath", reason="the truth")


def running(net):
    """The network as a fit has it, and what the compiled program gives."""
    one, none = np.ones(1), np.zeros(1)
    model = Scaled(net, none, one, none, one, np.dtype(np.float64))
    values = values_of(model)
    values(np.zeros((1, 1)))
    assert values.how.startswith("compiled")
    return model, values


def with_units_that_cancel(net, gain=2.1e13):
    """The network and four units at x = 1 whose third difference is hardly anything, with weights of 100 and 300."""
    weights = [p.detach().numpy() for p in net.parameters()]
    n = len(weights[1])
    more = nn.MLP(1, (n + 4,), 1, activation="tanh", generator=0, dtype=np.float64)
    offsets = (0.7 - gain) + np.arange(4) * np.spacing(gain)
    joined = [
        np.concatenate([weights[0], np.full((4, 1), gain)]),
        np.concatenate([weights[1], offsets]),
        np.concatenate([weights[2], [[100.0, -300.0, 300.0, -100.0]]], axis=1),
        weights[3],
    ]
    for p, v in zip(more.parameters(), joined, strict=True):
        p.assign(v)
    return more


def test_floats_have_places_in_order():
    x = np.array([-np.inf, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, np.nextafter(1.0, 2.0), 1e308])
    i = places(x)
    assert (np.diff(i) >= 0).all()
    assert i[3] == i[4] == 0
    assert i[7] - i[6] == 1
    assert (at_places(i) == x).all()
    rng = np.random.default_rng(0)
    y = rng.normal(size=1000) * 10.0 ** rng.uniform(-300, 300, 1000)
    assert (at_places(places(y) + 1) == np.nextafter(y, np.inf)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, function",
    [
        ("sqrt(1 - x)", lambda x: np.sqrt(1 - x)),
        ("sqrt(1 - x^2)", lambda x: np.sqrt(1 - x * x)),
        ("asin(x)", np.arcsin),
        ("acos(x)", np.arccos),
    ],
)
def test_a_steep_end_is_proved_as_near_as_the_model_runs(text, function):
    """Units with gains of 1e13 are rounded to whole steps: what they do together is seen float by float."""
    pytest.importorskip("flint", reason="values near 0 by balls")
    net, x = narrowing(function, 1.0, 10.0 ** -np.arange(0, 13.5, 0.5), 0.0, 1.0)
    model, values = running(with_units_that_cancel(net))
    proof = certify(model, text, {"x": (0.0, 1.0)}, mode="deployed", values=values, rtol=0.05, time=60, boxes=6000)
    assert isinstance(proof.error, Proved)
    near = np.concatenate([x, at_places(places(np.array([1.0])) - np.arange(3000))])
    truth = getattr(mpmath, text[:4], None) if text[0] == "a" else None
    with mpmath.workdps(40):
        one = mpmath.mpf(1)
        exact = [truth(v) if truth else mpmath.sqrt(one - mpmath.mpf(v) ** (2 if "^" in text else 1)) for v in near]
        seen = max(abs(mpmath.mpf(float(y)) - e) for y, e in zip(values(near[:, None])[:, 0], exact, strict=True))
    assert seen <= proof.upper <= 1.3 * max(seen, proof.lower)


@pytest.mark.slow
def test_a_jump_is_proved_at_the_floats_on_both_sides():
    """A unit that is steeper than floats are dense: no float lies between its two values."""
    net = nn.MLP(1, (1,), 1, activation="tanh", generator=0, dtype=np.float64)
    for p, v in zip(net.parameters(), ([[1e17]], [-3e16], [[0.75]], [1.0]), strict=True):
        p.assign(np.array(v))
    model, values = running(net)
    for text in ("0.25 if x < 0.3 else 1.75", "where(x >= 0.3, 1.75, 0.25)", "0.25 if 0.3 > x else 1.75"):
        proof = certify(model, text, {"x": (0.0, 1.0)}, mode="deployed", values=values, rtol=0.05, time=60)
        x = at_places(places(np.array([0.3])) + np.arange(-50, 51))
        exact = np.array([0.25 if Fraction(v) < Fraction(3, 10) else 1.75 for v in x.tolist()])
        seen = np.abs(values(x[:, None])[:, 0] - exact).max()
        assert seen * (1 - 1e-12) <= proof.upper <= 1.01 * proof.lower
        assert any("one by one" in str(line) for line in proof.assuming)


def test_what_runs_elsewhere_in_another_order_is_not_looked_at_here():
    net, _ = narrowing(lambda x: np.sqrt(1 - x), 1.0, 10.0 ** -np.arange(0, 13.5, 0.5), 0.0, 1.0)
    calls = []

    def values(x):
        calls.append(len(x))
        with no_grad():
            return np.asarray(net(Tensor(x)).numpy())

    settings = dict(mode="deployed", values=values, rtol=0.05, boxes=300)
    proof = certify(net, "sqrt(1 - x)", {"x": (0.0, 1.0)}, strict=False, **settings)
    assert not any("one by one" in str(line) for line in proof.assuming)
    assert max(calls) <= 64


def test_only_so_many_floats_are_looked_at():
    class Bounds:
        def at_points(self, x, values=None):
            return np.zeros(len(x)), np.ones(len(x))

    floats = Floats(Bounds(), lambda x: x, 1.0, 2.0)
    step = 2.0**-52
    low = np.array([[1.0], [1.5], [1.0], [-step], [0.0]])
    high = np.array([[1.0 + 500 * step], [1.5 + 5000 * step], [2.0], [step], [1e-300]])
    assert floats.few(low, high).tolist() == [True, False, False, False, False]
    for _ in range(MOST // 500 + 2):
        if floats.few(low[:1], high[:1])[0]:
            assert floats.error(1.0, 1.0 + 500 * step) == (1.0, 0.0, 1.0)
    assert floats.looked <= MOST
    below, above = np.zeros(2), np.array([1.0, 0.1])
    floats.flattened(np.array([[1.5], [1.2]]), below, above, 0.2)  # beside it the bound is the same
    assert above.tolist() == [1.0, 0.1]
    assert AWAY * 2 <= MOST


@pytest.mark.parametrize("number", ["0.3", "1/3", "0.5", "-0.1", "1e-320", "1e-400", "0", "2/7"])
@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_floats_are_on_their_side_of_a_number_that_is_none(sign, number):
    value = Fraction(number)
    holds = {"<": value.__gt__, "<=": value.__ge__, ">": value.__lt__, ">=": value.__le__}[sign]
    near = places(np.array([float(value)]))[0]
    x = at_places(near + np.arange(-3, 4))
    truth = np.array([holds(Fraction(v)) for v in x.tolist()])
    turned = sign.translate({60: 62, 62: 60})
    for text in (f"1 if x {sign} {number} else 0", f"1 if {number} {turned} x else 0"):
        f = parse(text)
        found = range_of(f, x[:, None], x[:, None]), form_of(f, x[:, None], x[:, None]).range
        for r in found:
            assert (r.low == truth).all()
            assert (r.high == truth).all()
    for i in range(6):  # between two floats both may be, just where the number lies there
        r = RangeArithmetic().compare(sign, Range(x[i], x[i + 1]), Range.exact(value), [None, value])
        inside = Fraction(float(x[i])) <= value <= Fraction(float(x[i + 1]))
        assert bool(r.can & r.cannot) <= inside
        assert bool(r.can) >= bool(truth[i : i + 2].any())
        assert bool(r.cannot) >= bool(not truth[i : i + 2].all())
