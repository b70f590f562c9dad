"""Networks of squares against polynomials: their difference is known exactly, and so is what is claimed of it."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, residuals
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor

from .test_kinks import rational_network

A, B, C = Fraction(1, 10), Fraction(3, 10), Fraction(1, 3)
FORMULAS = {
    2: [
        ("x*y", lambda x, y: x * y),
        ("x^2 - 0.1*y + 1/3", lambda x, y: x**2 - A * y + C),
        ("(x + y)^3/7", lambda x, y: (x + y) ** 3 / 7),
        ("x*y*(x - 2*y) - 0.3", lambda x, y: x * y * (x - 2 * y) - B),
    ],
    3: [
        ("x*y - 2*y*z - x - z", lambda x, y, z: x * y - 2 * y * z - x - z),
        ("(x + y + z)^2", lambda x, y, z: (x + y + z) ** 2),
        ("x^4/3 - z", lambda x, y, z: x**4 / 3 - z),
    ],
}


def square_net(d, widths, seed, dtype=np.float64):
    net = nn.MLP(d, widths, 1, activation="square", generator=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.assign((rng.normal(size=p.shape) * 0.5).astype(dtype))
    return net


def exactly(net, target, x):
    """formula - network in a point, in rational numbers."""
    return target(*(Fraction(float(v)) for v in x)) - rational_network(net, x, lambda v: v * v)


def wrong_claims(seeds):
    """How many certificates are refuted by a point."""
    wrong = made = 0
    for seed, (d, formulas), mode in itertools.product(seeds, FORMULAS.items(), ("real", "deployed")):
        rng = np.random.default_rng(seed)
        dtype = [np.float64, np.float32][seed % 2]
        net = square_net(d, [(3,), (2, 2)][seed % 3 == 2], seed, dtype)
        text, target = formulas[seed % len(formulas)]
        names = "xyz"[:d]
        low = rng.uniform(-2, 0, d).astype(np.float32).astype(float)
        high = low + np.float32(rng.choice([2.0, 1e-3]))
        box = {k: (float(a), float(b)) for k, a, b in zip(names, low, high, strict=True)}
        try:
            proof = certify(net, text, box, mode=mode, rtol=0.05, boxes=2000, time=None)
        except AssertionError:
            wrong += 1
            continue
        made += "polynomial, expanded" in str(proof.method)
        at = np.array(list(proof.error.at.values()))
        points = np.array([*itertools.product(*zip(low, high, strict=True)), *rng.uniform(low, high, (30, d)), at])
        points = np.clip(points.astype(np.float32).astype(float), low, high)
        if mode == "real":
            errors = [abs(exactly(net, target, x)) for x in points]
            wrong += not errors[-1] >= Fraction(proof.lower) * (1 - Fraction(1, 10**5))  # `at` in float32
        else:
            with no_grad():
                y = net(Tensor(points.astype(dtype))).numpy()[:, 0].astype(float)
            zero = square_net(d, (3,), seed)
            for p in zero.parameters():
                p.assign(np.zeros(p.shape))
            errors = [abs(exactly(zero, target, x) - Fraction(v)) for x, v in zip(points, y.tolist(), strict=True)]
        wrong += not max(errors) <= Fraction(proof.upper)
    return wrong, made


@pytest.mark.slow
def test_no_claim_is_wrong():
    wrong, made = wrong_claims(range(9))
    assert wrong == 0
    assert made == 36


@pytest.mark.slow
def test_a_quadratic_fit_is_bounded_to_the_size_of_its_error():
    fit = surefit.fit("-x*y - 2*y*z - x - z", dict.fromkeys("xyz", (-15, 15)), seed=0)
    proof = surefit.certify(fit.model, "-x*y - 2*y*z - x - z", fit.domain, rtol=0.05)
    assert 0 < proof.lower <= proof.upper <= 1.1 * proof.lower < 1e-11
    assert fit.certify(rtol=0.05).upper < 20 * proof.upper


def test_a_network_that_is_its_formula_has_no_error():
    net = square_net(2, (2,), 0)
    for p, value in zip(net.parameters(), ([[1, 1], [1, -1]], [0, 0], [[0.25, -0.25]], [0]), strict=True):
        p.assign(np.array(value, float))
    proof = certify(net, "x*y", {"x": (-3, 5), "y": (-1, 1)})
    assert proof.upper < 1e-290


def without_a_term(old):
    return lambda a, b, factor=Fraction(1): old(a, dict(list(b.items())[1:]), factor)


def half_a_term(old):
    return lambda a, b: {e: c / 2 if i == 1 else c for i, (e, c) in enumerate(old(a, b).items())}


WRONG = {
    "a term is dropped": ("plus", without_a_term),
    "a product forgets a factor of 2": ("times", half_a_term),
    "the running model is exact": ("running_noise", lambda old: lambda *a: np.zeros((len(a[1]), 1))),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_step_is_noticed(name, monkeypatch):
    attribute, make = WRONG[name]
    monkeypatch.setattr(residuals, attribute, make(getattr(residuals, attribute)))
    if attribute == "running_noise":  # of a network whose exact error is 0, the rounding is all there is
        net = square_net(2, (2,), 1, np.float32)
        for p, value in zip(net.parameters(), ([[1, 1], [1, -1]], [0, 0], [[0.25, -0.25]], [0]), strict=True):
            p.assign(np.array(value, np.float32))
        x = np.random.default_rng(0).uniform(0, 1, (200, 2)).astype(np.float32)
        with no_grad():
            y = net(Tensor(x)).numpy()[:, 0].astype(float)
        off = np.abs(x[:, 0].astype(float) * x[:, 1].astype(float) - y).max()
        assert off > certify(net, "x*y", {"x": (0, 1), "y": (0, 1)}, mode="deployed").upper
    else:
        assert wrong_claims(range(4))[0] > 0


def test_an_error_beyond_all_floats_has_no_bound():
    """The square of 1e200 is no float; its difference from a formula once ended in an OverflowError."""

    class Square(nn.Module):
        def forward(self, x):
            return x * x

    for mode in ("real", "deployed"):
        assert certify(Square(), "5", {"x": (0.0, 1e200)}, mode=mode, boxes=500).upper == np.inf


@pytest.mark.slow
def test_where_it_runs_a_quadratic_is_proved_near_what_is_seen():
    """Boxes are cut until their rounding is that of points, and what rounds nothing is not charged."""
    fit = surefit.fit("-x*y - 2*y*z - x - z", "x=-15:15, y=-15:15, z=-15:15", seed=0)
    assert fit.layers() == [3, 9, 1]
    proof = fit.certify(rtol=0.02, time=None)
    assert proof.method.code == "proof-polynomials"
    assert fit.error.max <= proof.upper <= 2.2 * fit.error.max


def test_coefficients_that_are_the_rounding_of_values_are_none():
    """Of the five monomials that the function does not have nothing is left, so that units without a part are 0."""
    fit = surefit.fit("-x*y - 2*y*z - x - z", "x=-15:15, y=-15:15, z=-15:15", seed=0)
    *_, output, _ = (p.detach().numpy() for p in fit.model.parameters())
    assert np.count_nonzero(output) == 7  # squares of x, y, z, x + 1, z + 1, x + y and y + z
