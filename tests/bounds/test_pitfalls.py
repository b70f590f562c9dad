"""The fifteen ways in which bounds of networks were found to lie, and mutations that must be caught."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import Proved, Undefined, branch, certify, checker, relax, taylor
from surefit.bounds import interval as I
from surefit.bounds.branch import branch_and_bound
from surefit.bounds.interval import Range
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of
from surefit.bounds.relax import Relaxation, gamma
from surefit.core.tensor import Tensor, no_grad

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
    assert found.upper == math.inf
    found = run(Always(np.nan), rtol=1.0, deadline=time.monotonic() + 0.2)
    assert found.upper == math.inf and not found.complete


def test_2_children_cover_their_parents():
    rng = np.random.default_rng(0)
    lo = rng.standard_normal((50, 3))
    hi = lo + rng.random((50, 3)) * rng.choice([1.0, 1e-15], (50, 1)) + 1e-15
    axis = rng.integers(0, 3, 50)
    low, high = branch._halves(lo, hi, axis)
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
    proof = certify(two_layer([1.0, 1.0], [-0.2, -0.4], [5.0, -5.0]), formula, "x=0:1", rtol=0.1, time=5)
    assert isinstance(proof.error, Proved)
    assert proof.upper >= 0.5


def test_7_a_removable_singularity():
    proof = certify(ABS, "sinc(x/pi)", "x=-1:1", rtol=0.05, time=5)  # sin(x) / x
    assert isinstance(proof.error, Proved)
    assert 1.0 <= proof.upper < 1.1
    assert isinstance(certify(ABS, "sin(x)/x", "x=-1:1", time=5).error, Undefined)


@pytest.mark.parametrize("formula", ["1/x", "log(x)", "tan(x*2)", "sqrt(x)", "1/(x - 0.1)^2", "x^0.5", "asin(2*x)"])
def test_8_poles_and_domain_errors_give_no_number(formula):
    proof = certify(ABS, formula, "x=-1:1", time=5)
    assert isinstance(proof.error, Undefined)
    assert proof.upper == math.inf
    (low, high) = proof.error.box["x"]
    assert -1 <= low < high <= 1


@pytest.mark.parametrize("shift", [1e5, 1e7, 1e9])
def test_9_large_arguments(shift):
    net = two_layer([0.0], [0.0], [0.0])
    proof = certify(net, f"sin(x + {shift!r})", "x=0:7", rtol=1e-3, time=5)
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
    real, deployed = (certify(net, "step(x)", "x=0.25:1", mode=m, rtol=0.01, time=3) for m in ("real", "deployed"))
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


# --- mutations: a wrong bound must not go unseen -------------------------------------------------------------------


def violations():
    """How often a bound is wrong: nets, formulas and boxes of all kinds, with NumPy's own values as the truth."""
    rng = np.random.default_rng(5)
    wrong = 0
    with np.errstate(all="ignore"):
        for activation, dtype in (
            ("relu", np.float32),
            ("tanh", np.float64),
            ("gelu", np.float32),
            ("sigmoid", np.float64),
        ):
            net = nn.MLP(2, (10, 8), 1, activation=activation, generator=2, dtype=dtype)
            weights = list(net.parameters())
            weights[0].assign(weights[0].detach().numpy() * np.array(3.0, dtype))
            exact = lowered(program_of(net, 2))
            running = lowered(program_of(net, 2), lambda n, d: 4.0, strict=False)
            width = rng.choice([2.0, 0.3, 1e-3, 0.0], (60, 1)) * rng.random((60, 2))
            middle = rng.uniform(-2, 2, (60, 2))
            lo = (middle - width).astype(np.float32).astype(float)
            hi = (middle + width).astype(np.float32).astype(float)
            t = np.round(rng.random((60, 30, 2)) * 2) / 2
            x = np.clip((lo[:, None] + t * (hi - lo)[:, None]).astype(np.float32), lo[:, None], hi[:, None])
            flat = x.reshape(-1, 2)
            with no_grad():
                y = net(Tensor(flat.astype(dtype))).numpy().reshape(60, 30, 1).astype(float)
            for which, deployed in ((running, True), (exact, False)):
                r = Relaxation(which, deployed)
                states = r.forward(lo, hi)
                linear = r.backward(states)
                slack = 0.0 if deployed else 1e-5 if dtype == np.float32 else 1e-13
                z = states[-1]
                wrong += (~(y >= z.low[:, None] - slack)).sum() + (~(y <= z.high[:, None] + slack)).sum()
                line = np.einsum("bqd,bpd->bpq", linear.a, x) + linear.b[:, None]
                wrong += (~(np.concatenate([y, -y], axis=2) >= line - slack - 1e-13)).sum()
        for text, fn in (
            ("x*y + x^2", lambda x, y: x * y + x * x),
            ("sin(3*x)*y", lambda x, y: np.sin(3 * x) * y),
            ("exp(x) - abs(y)", lambda x, y: np.exp(x) - np.abs(y)),
            ("1/(x + 3) + sqrt(y + 2.5)", lambda x, y: 1 / (x + 3) + np.sqrt(y + 2.5)),
            ("tanh(2*x) + max(x, y)", lambda x, y: np.tanh(2 * x) + np.maximum(x, y)),
            ("1e8*x - 1e8*x + 0*y", lambda x, y: 0 * x),
            ("cos(x) * (x - 0.1)", lambda x, y: np.cos(x) * (x - 0.1)),
        ):
            f = surefit.parse(text)
            width = rng.choice([1.0, 0.1, 1e-3, 1e-8], (60, 1)) * rng.random((60, 2))
            middle = rng.uniform(-1.5, 1.5, (60, 2))
            lo, hi = middle - width / 2, middle + width / 2
            columns = ["xy".index(v) for v in f.variables]
            form = surefit.bounds.affine.form_of(f, lo[:, columns], hi[:, columns])
            B = taylor.basis(2, taylor.DEGREES[2])
            model = taylor.formula(B, f, ("x", "y"), taylor.boxes(B, lo, hi))
            t = np.round(rng.random((60, 40, 2)) * 4) / 4
            x = np.clip(lo[:, None] + t * (hi - lo)[:, None], lo[:, None], hi[:, None])
            y = fn(x[..., 0], x[..., 1])
            rounding = 4e-16 * (1 + np.abs(y)) * (1e8 if "1e8" in text else 4)
            wrong += (y < form.range.low[:, None] - rounding).sum() + (y > form.range.high[:, None] + rounding).sum()
            wrong += (y < model.range.low[:, None] - rounding).sum() + (y > model.range.high[:, None] + rounding).sum()
            e = (x - (lo + hi)[:, None] / 2) / np.maximum((hi - lo)[:, None] / 2, 1e-300)
            line = form.c[:, None] + np.einsum("bd,bpd->bp", form.g, e[..., columns])
            wrong += (~(np.abs(y - line) <= form.rho[:, None] + rounding + 1e-15)).sum()
            p = np.einsum("bm,bpm->bp", model.coef, np.prod(e[:, :, None, :] ** B.exponents, axis=-1))
            wrong += (~(np.abs(y - p) <= model.rho[:, None] + 8 * rounding + 1e-15)).sum()
    return int(wrong)


def test_bounds_are_right_where_nothing_is_mutated():
    assert violations() == 0


def patched(module, name, make):
    return lambda patch: patch.setattr(module, name, make(getattr(module, name)))


def tampered(module, name, change):
    """The result of a function changed."""
    return patched(module, name, lambda old: lambda *a, **k: change(old(*a, **k)))


def lines(change):
    def mutate(found):
        change(found)
        return found

    return mutate


def charge_nothing(state):
    state.charge = state.charge * 0
    state.R = state.R - np.minimum(state.R, 1e30) * 0.5
    return state


def scaled_rest(factor):
    def change(form):
        form.rho = form.rho * factor
        return form

    return change


A = surefit.bounds.affine
MUTATIONS = {
    "relu: chord too low": tampered(relax, "_relu", lines(lambda f: f.off_high.__imul__(0.5))),
    "relu: lower line too high": tampered(relax, "_relu", lines(lambda f: f.off_low.__iadd__(1e-3))),
    "relu: slopes swapped": tampered(
        relax, "_relu", lambda f: relax.Lines(f.lam_high, f.off_low, f.lam_low, f.off_high * 0)
    ),
    "relu: sign of the ends": patched(relax, "_relu", lambda old: lambda low, high: old(-high, -low)),
    "smooth: lower line too high": tampered(
        relax, "_smooth", lambda f: relax.Lines(f.lam_low, f.off_low * 0.7 + f.off_high * 0.3, f.lam_high, f.off_high)
    ),
    "smooth: bounds swapped": tampered(
        relax, "_smooth", lambda f: relax.Lines(f.lam_low, f.off_high, f.lam_high, f.off_low)
    ),
    "smooth: slope of the lines doubled": tampered(
        relax, "_smooth", lambda f: relax.Lines(2 * f.lam_low, f.off_low, 2 * f.lam_high, f.off_high)
    ),
    "rounding of layers dropped": patched(relax, "gamma", lambda old: lambda n, unit=0.0: 0.0),
    "rest of the affine layer halved": tampered(relax.Relaxation, "_affine", charge_nothing),
    "range closed inward": tampered(relax, "_closed", lambda t: (t[0] + 1e-6, t[1] - 1e-6, t[2])),
    "range without the generators": patched(
        relax, "_closed", lambda old: lambda z0, Z, R: (z0 - R, z0 + R, np.abs(z0) + R)
    ),
    "backward: bias forgotten": tampered(relax.Relaxation, "backward", lambda f: relax.Linear(f.a, f.b * 0)),
    "backward: upper for lower": tampered(relax.Relaxation, "backward", lambda f: relax.Linear(-f.a, -f.b)),
    "backward: slopes lost": tampered(relax.Relaxation, "backward", lambda f: relax.Linear(f.a * 0.9, f.b)),
    "box smaller than it is": patched(
        relax.Relaxation, "forward", lambda old: lambda self, a, b: old(self, 0.7 * a + 0.3 * b, 0.3 * a + 0.7 * b)
    ),
    "product: rest dropped": tampered(A, "mul", scaled_rest(0.0)),
    "square: rest dropped": tampered(A, "square", scaled_rest(0.1)),
    "sum: rest dropped": tampered(A, "add", scaled_rest(0.0)),
    "tangent: half of the rest": tampered(A, "_tangent", scaled_rest(0.4)),
    "tangent: shifted": patched(A, "_tangent", lambda old: lambda a, v, s, b, w: old(a, v, s, I.neg(b), w)),
    "chord of |x|": tampered(A, "relu", scaled_rest(0.5)),
    "Taylor: cut terms forgotten": tampered(taylor, "compose", scaled_rest(0.0)),
    "Taylor: product's rest": tampered(taylor, "mul", scaled_rest(0.0)),
    "Taylor: last coefficient of a point": patched(
        taylor, "series_of", lambda old: lambda k, x, w, n: (old(k, x, w, n)[0], Range(x * 0, x * 0))
    ),
    "sine: no peaks": lambda patch: patch.setattr(I, "_holds_multiple", lambda *a: np.zeros(np.shape(a[0]), bool)),
    "absolute value of the ends": patched(
        I, "absolute", lambda old: lambda x: Range(np.abs(x.low), np.maximum(np.abs(x.low), np.abs(x.high)), x.bad)
    ),
    "exponential inward": lambda patch: patch.setattr(I, "above", lambda x, units=8: np.asarray(x) * (1 - 1e-9)),
    "maximum as minimum": tampered(A, "maximum", A.neg),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_bound_is_seen(name, monkeypatch):
    MUTATIONS[name](monkeypatch)
    try:
        found = violations()
    except (AssertionError, ArithmeticError, ValueError):
        return
    assert found > 0, f"{name} goes unseen"
