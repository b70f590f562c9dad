"""Mutations: deliberately wrong bounds, each of which must be noticed, and the harnesses that notice them.

Three harnesses look for violations: bounds of single layers and formulas against NumPy, whole certificates against
samples and the checker, and the arithmetic of ranges against rational numbers.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import Proved, branch, certificate, certify, checker, network, pieces, proving, relax, taylor
from surefit.bounds import interval as I
from surefit.bounds.interval import Range
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of
from surefit.bounds.relax import Relaxation
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor

from .test_certify import two_layer


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
    state.sizes[:, 0] -= np.minimum(state.R, 1e30) * 0.5
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
    "range closed inward": tampered(relax, "_closed", lambda t: (t[0], t[1] + 1e-6, t[2] - 1e-6)),
    "range without the generators": patched(
        relax, "_closed", lambda old: lambda form, R: (old(form, R)[0], form[:, 0] - R, form[:, 0] + R)
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
    "gelu does not bend": lambda patch: patch.setitem(
        relax.ACTIVATIONS, "gelu", relax.ACTIVATIONS["gelu"]._replace(bend=lambda a, b, p: np.zeros_like(a))
    ),
}  # fmt: skip

# --- whole certificates ---

DOUBLES = two_layer([1.0, -1.0, 2.0], [0.0, 0.25, -1.0], [1.0, 0.5, -0.75], 0.1)
CANCELS = two_layer([1e3, 1e3], [0.1, 0.7], [1e3, -1e3], dtype=np.float32)  # a constant, but for its rounding
WIDE = nn.Sequential(nn.Linear(2, 1, generator=0), CANCELS)  # of two inputs, of which it takes the first
for _p, _v in zip(WIDE[0].parameters(), ([[1.0, 0.0]], [0.0]), strict=True):
    _p.assign(np.array(_v, np.float32))
CLIPPED = nn.MLP(2, (6,), 1, activation="relu6", generator=3, dtype=np.float64)
BENT = nn.MLP(2, (6,), 1, activation="tanh", generator=1, dtype=np.float64)
LINES = nn.MLP(2, (6, 4), 1, activation="gelu", generator=1, dtype=np.float64)
for _p in (*CLIPPED.parameters(), *LINES.parameters()):
    _p.assign(2.0 * _p.detach().numpy())
C = 1e3 * (Fraction(float(np.float32(0.1))) - Fraction(float(np.float32(0.7))))
CASES = {
    "relu": (DOUBLES, "x^2 - x", {"x": (-1, 2)}, "real"),
    "relu deployed": (CANCELS, f"0*x + {float(C)!r}", {"x": (0.5, 1)}, "deployed"),
    "wide deployed": (WIDE, f"0*x + 0*y + {float(C)!r}", {"x": (0.5, 1), "y": (0, 1)}, "deployed"),
    "clip": (CLIPPED, "x*y", {"x": (-2, 2), "y": (-2, 1)}, "real"),
    "taylor": (BENT, "x*y + sin(x)", {"x": (-1, 1), "y": (-1, 2)}, "real"),
    "lines": (LINES, "x*y - x", {"x": (-1, 1), "y": (-1, 2)}, "real"),
}


def values_of(net, x):
    dtype = next(iter(net.parameters())).dtype
    with no_grad():
        return net(Tensor(x.astype(dtype))).numpy().astype(float)[:, 0]


def false_claims(names=tuple(CASES)):
    """How much of some certificates is false: by samples, by their own boxes, by the checker."""
    rng, wrong = np.random.default_rng(1), 0
    for name in names:
        net, formula, box, mode = CASES[name]
        low, high = (np.array([e[i] for e in box.values()], float) for i in (0, 1))
        x = rng.uniform(low, high, (20_000, len(box)))
        x[:256] = np.where(rng.random((256, len(box))) < 0.5, low, high)
        x = x.astype(np.float32).astype(float)
        f = surefit.parse(formula)
        target = lambda u, f=f, box=box: np.broadcast_to(f(*(u[:, list(box).index(v)] for v in f.variables)), (len(u),))
        error = np.abs(target(x) - values_of(net, x))
        proof = certify(net, formula, box, rtol=0.05, boxes=3000, time=None, mode=mode, strict=False)
        assert isinstance(proof.error, Proved)
        at = np.array([list(proof.error.at.values())])
        wrong += bool((at < low).any() or (at > high).any())
        reached = np.abs(target(at) - values_of(net, at))[0]
        wrong += mode == "real" and not proof.lower <= reached * (1 + 1e-6) + 1e-9
        wrong += int((error > proof.upper * (1 + 1e-9)).sum())
        wrong += not proof.lower <= proof.upper
        wrong += not proof.leaves[2].max() <= proof.upper * (1 + 1e-12)
        ends = list(box.values())
        wrong += list(proof.domain.values()) != [tuple(map(float, e)) for e in ends]
        wrong += not checker.covered(proof.leaves[0], proof.leaves[1], ends)
        inside = (x[:, None] >= proof.leaves[0]).all(axis=2) & (x[:, None] <= proof.leaves[1]).all(axis=2)
        bound = np.where(inside, proof.leaves[2].max(axis=1), np.inf).min(axis=1)
        wrong += int((error > bound * (1 + 1e-9) + 1e-12).sum())
        wrong += proof.proves(np.nextafter(proof.upper, 0)) is True or proof.proves(math.nan) is not None
        wrong += float(str(proof.error).split("<= ")[1].split(",")[0]) < proof.upper
        wrong += proof.model != certify(net, formula, box, boxes=1, time=None).model
    return int(wrong)


def inexact():
    """How often the arithmetic of ranges does not hold the exact result of rational numbers."""
    rng, wrong = np.random.default_rng(2), 0
    a, b = rng.standard_normal(300), rng.standard_normal(300) * 10.0 ** rng.integers(-3, 4, 300)
    lo, hi = np.minimum(a, b), np.maximum(a, b)
    x, y = Range(lo, hi), Range(-hi, np.abs(lo) + 1)
    ends = lambda i: [(Fraction(p), Fraction(q)) for p in (lo[i], hi[i], (lo[i] + hi[i]) / 2)
                      for q in (y.low[i], y.high[i])]  # fmt: skip
    rules = {
        "add": (I.add(x, y), lambda p, q: p + q), "sub": (I.sub(x, y), lambda p, q: p - q),
        "mul": (I.mul(x, y), lambda p, q: p * q), "square": (I.square(x), lambda p, q: p * p),
        "cube": (I.whole_power(x, 3), lambda p, q: p**3), "max": (I.maximum(x, y), lambda p, q: max(p, q)),
        "abs": (I.absolute(x), lambda p, q: abs(p)),
    }  # fmt: skip
    for result, exact in rules.values():
        for i in range(300):
            for p, q in ends(i):
                wrong += not Fraction(result.low[i]) <= exact(p, q) <= Fraction(result.high[i])
        wrong += sum(0 < v < 1e-300 for v in result.high.tolist())
    tenth = Range.exact(Fraction(1, 10))
    wrong += not Fraction(float(tenth.low)) <= Fraction(1, 10) <= Fraction(float(tenth.high))
    thirds = I.div(Range.of(np.ones(50)), Range.of(np.arange(3.0, 53.0)))
    wrong += sum(not Fraction(a) <= Fraction(1, n) <= Fraction(b)
                 for a, b, n in zip(thirds.low, thirds.high, range(3, 53), strict=True))  # fmt: skip
    return wrong


@pytest.mark.slow
def test_whole_certificates_are_right_where_nothing_is_mutated():
    assert false_claims() == 0
    assert inexact() == 0


def renewed(node, **changes):
    return dataclasses.replace(node, **changes)


def on_affine(change, which=1):
    """A lowered network with one of its affine nodes changed, of which the model itself knows nothing."""

    def mutate(net):
        places = [i for i, n in enumerate(net.nodes) if isinstance(n, network.Affine)]
        net.nodes[places[which]] = change(net.nodes[places[which]])
        return net

    return tampered(proving, "lowered", mutate)


def weights(change):
    return lambda n: renewed(n, sources=tuple((s, change(w.copy()), r) for s, w, r in n.sources))


def without_first_row(w):
    w[0] = 0.0
    return w


def without_curvature(t):
    return taylor.Taylor(t.B, t.coef * (t.B.degree < 2), t.rho, t.range)


def shrunk(found):
    found.lower, found.upper = found.lower, found.lower
    return found


def half_of_look(seen):
    return seen._replace(bound=seen.bound * 0.8)


def moved_point(seen):
    return seen[0] * 1.2 + 0.01, seen[1]


CLAIMS = {
    "split: a gap between the children": (
        patched(branch, "halves", lambda old: lambda lo, hi, axis, *_: (old(lo, hi, axis)[0], np.concatenate([
            0.99 * old(lo, hi, axis)[1][: len(lo)] + 0.01 * lo, hi]))), ["lines"]),
    "split: one child twice": (
        patched(branch, "halves", lambda old: lambda lo, hi, axis, *_: tuple(
            np.concatenate([v[: len(lo)], v[: len(lo)]]) for v in old(lo, hi, axis))), ["relu", "taylor"]),
    "split: along the wrong axis": (
        patched(branch, "halves", lambda old: lambda lo, hi, axis, *_: (
            old(lo, hi, axis)[0], old(lo, hi, (axis + 1) % lo.shape[1])[1])), ["clip"]),
    "bound of a box made smaller": (tampered(branch.Lines, "look", half_of_look), ["relu", "lines"]),
    "bound of a Taylor box made smaller": (tampered(branch.Polynomials, "look", half_of_look), ["taylor"]),
    "lower bound from no point": (tampered(branch.Lines, "at_points", moved_point), ["relu", "lines"]),
    "upper bound replaced by the lower": (tampered(proving, "branch_and_bound", shrunk), ["lines", "clip"]),
    "witness outside of the box": (tampered(proving, "search_points", lambda x: x + 3.0), ["relu", "taylor"]),
    "domain smaller than it was given": (
        tampered(proving, "_box", lambda t: (t[0], t[1] + 0.1, t[2] - 0.1)), ["relu"]),
    "stale weight": (on_affine(weights(lambda w: w * 1.01)), ["relu", "lines"]),
    "bias dropped": (on_affine(lambda n: renewed(n, b=n.b * 0.0), 0), ["relu", "taylor"]),
    "a unit forgotten": (on_affine(weights(without_first_row), 0), ["relu", "lines"]),
    "two outputs swapped": (on_affine(weights(lambda w: w[::-1].copy()), 0), ["relu", "clip"]),
    "sign of a layer": (on_affine(weights(lambda w: -w)), ["relu", "taylor"]),
    "rounding of the running model dropped": (
        patched(proving, "Relaxation", lambda old: lambda net, deployed, tighten: old(net, False, tighten)),
        ["wide deployed"]),
    "rounding of the running model dropped between pieces": (
        tampered(pieces, "running_noise", lambda noise: noise * 0.0), ["relu deployed"]),
    "bound of straight pieces made smaller": (tampered(pieces.Pieces, "look", half_of_look), ["relu"]),
    "bends between places forgotten": (
        lambda patch: [patch.setattr(pieces, "MOST_PLACES", 2),
                       tampered(pieces, "_kinked", lambda rest: rest * 0.0)(patch)], ["relu"]),
    "straight pieces of the neighbours": (
        tampered(pieces.Pieces, "_parts", lambda t: (*t[:3], np.maximum(t[3] - 1, 0))), ["relu"]),
    "target between two ends forgotten": (
        tampered(pieces.Pieces, "_polynomials", lambda t: (t[0] * (np.arange(t[0].shape[-1]) < 2), t[1])), ["relu"]),
    "float32 taken for float64": (
        tampered(proving, "lowered", lambda net: network.Network(net.inputs, [
            n if n is None else renewed(n, unit=2.0**-53) for n in net.nodes])), ["relu deployed"]),
    "clip with its ends swapped": (
        patched(network._Lowering, "do_minimum", lambda old: network._Lowering.do_maximum), ["clip"]),
    "ReLU where it is switched off": (
        tampered(relax, "_relu", lambda f: relax.Lines(f.lam_low * 0, f.off_low, f.lam_high, f.off_high * 0)),
        ["relu", "clip"]),
    "polynomial only looked at on its grid": (
        patched(taylor, "polynomial_range", lambda old: lambda t, s: (
            old(t, s)[0] * 0.9, old(t, s)[1] * 0.9, *old(t, s)[2:])), ["taylor"]),
    "Taylor: curvature of the network lost": (tampered(taylor, "network", without_curvature), ["taylor"]),
    "target's remainder dropped": (tampered(proving, "_form", scaled_rest(0.0)), ["relu", "lines"]),
    "printed bound rounded to nearest": (
        lambda patch: patch.setattr(certificate, "ceil_words", certificate.floor_words), ["relu"]),
    "a NaN proves": (
        lambda patch: patch.setattr(surefit.bounds.Certificate, "proves", lambda self, tol: not self.upper > tol),
        ["relu"]),
    "a bound below the tolerance is taken for enough": (
        lambda patch: patch.setattr(surefit.bounds.Certificate, "proves", lambda self, tol: self.lower <= tol),
        ["lines"]),
    "hash of the shapes alone": (
        patched(proving, "fingerprint", lambda old: lambda program, n=[0]: str(n.append(0) or len(n))), ["relu"]),
}  # fmt: skip

ARITHMETIC = {
    "sum rounded to nearest": lambda patch: patch.setattr(I, "_sum_low", lambda a, b: a + b),
    "lower ends not moved down": lambda patch: patch.setattr(I, "down", lambda x: x),
    "upper ends not moved up": lambda patch: patch.setattr(I, "up", lambda x: x),
    "products of two ends only": lambda patch: patch.setattr(
        I, "_of_ends", lambda a, b, op, exact: (I.down(op(a.low, b.low)), I.up(op(a.high, b.high)))
    ),
    "every number taken for a short one": lambda patch: patch.setattr(
        I, "_short", lambda x: np.ones(np.shape(x), bool)
    ),
    "square of an interval around 0": lambda patch: patch.setattr(
        I, "square", lambda x: Range(np.minimum(x.low**2, x.high**2), np.maximum(x.low**2, x.high**2))
    ),
    "difference of lower and lower": lambda patch: patch.setattr(I, "neg", lambda x: Range(-x.low, -x.high, x.bad)),
}


def test_there_are_enough_of_them():
    assert len(MUTATIONS) + len(CLAIMS) + len(ARITHMETIC) >= 60


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_bound_is_seen(name, monkeypatch):
    MUTATIONS[name](monkeypatch)
    try:
        found = violations()
    except (AssertionError, ArithmeticError, ValueError):
        return
    assert found > 0, f"{name} goes unseen"


@pytest.mark.parametrize("name", CLAIMS)
def test_a_false_certificate_is_seen(name, monkeypatch):
    mutate, cases = CLAIMS[name]
    mutate(monkeypatch)
    try:
        found = false_claims(cases)
    except (AssertionError, ArithmeticError, ValueError, IndexError):
        return
    assert found > 0, f"{name} goes unseen"


@pytest.mark.parametrize("name", ARITHMETIC)
def test_wrong_arithmetic_is_seen(name, monkeypatch):
    ARITHMETIC[name](monkeypatch)
    assert inexact() > 0, f"{name} goes unseen"
