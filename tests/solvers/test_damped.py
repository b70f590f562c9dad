"""The damped linear problem against dense linear algebra of another kind, and boxes against SciPy's bounded solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from surefit.errors import ArgumentError
from surefit.solvers import LineSearch, Marquardt, TrustRegion
from surefit.solvers.damped import Linearised

SHAPES = [(12, 4), (4, 4), (3, 7), (1, 3), (5, 1), (400, 130), (130, 400)]


def problem(shape, seed=0, solver="auto"):
    rng = np.random.default_rng(seed)
    J = rng.normal(size=shape) * 10.0 ** rng.uniform(-2, 2, size=shape[1])
    r = rng.normal(size=shape[0])
    d = np.maximum(np.linalg.norm(J, axis=0), 1e-3)
    return Linearised(J, r, d, solver), J, r, d


def stacked(J, r, d, mu):
    return np.linalg.lstsq(np.vstack([J, np.sqrt(mu) * np.diag(d)]), -np.append(r, np.zeros(len(d))), rcond=None)[0]


@pytest.mark.parametrize("solver", ["auto", "svd", "qr"])
@pytest.mark.parametrize("mu", [1e-6, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_step_solves_the_stacked_system(shape, mu, solver):
    model, J, r, d = problem(shape, solver=solver)
    p, length, slope = model.damped(mu)
    # Cholesky, where mu allows it, keeps half of the digits
    np.testing.assert_allclose(d * p, d * stacked(J, r, d, mu), rtol=1e-6, atol=1e-7 * length)
    assert length == pytest.approx(np.linalg.norm(d * p), rel=1e-9)
    h = 1e-4 * mu
    assert slope == pytest.approx((model.damped(mu + h)[1] - model.damped(mu - h)[1]) / (2 * h), rel=1e-4)
    np.testing.assert_allclose(d * model.again(mu, r @ J), d * p, rtol=1e-5, atol=1e-6 * length)
    Jp = J @ p
    assert model.predicted(p) == pytest.approx(0.5 * r @ r - 0.5 * (Jp + r) @ (Jp + r), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_damping_the_step_is_the_shortest_least_squares_solution(shape):
    model, J, r, d = problem(shape, solver="svd")
    expected = np.linalg.lstsq(J / d, -r, rcond=None)[0]
    np.testing.assert_allclose(d * model.damped(0.0)[0], expected, rtol=1e-7, atol=1e-9 * np.linalg.norm(expected))


def test_rank():
    J = np.outer(np.arange(1.0, 8), [1, 2, 3.0])
    assert Linearised(J, np.ones(7), np.ones(3)).rank() == 1
    assert Linearised(np.zeros((7, 3)), np.ones(7), np.ones(3)).rank() == 0
    assert Linearised(np.eye(150)[:, :120], np.ones(150), np.ones(120)).rank() == 120


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1e-6, 1e-2, 0.3])
def test_the_trust_region_is_met_within_a_tenth(shape, radius):
    model, _, _, d = problem(shape)
    free = model.damped(0.0)[1]
    mu, p = TrustRegion().propose(radius * free, model)
    assert mu > 0
    assert np.linalg.norm(d * p) == pytest.approx(radius * free, rel=0.1001)
    mu, p = TrustRegion().propose(2 * free, model)
    assert mu == 0


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 8), st.sampled_from([0.0, 1e-6, 1e-2, 1.0]))
@settings(max_examples=100, deadline=None)
def test_a_box(seed, m, n, mu):
    """Against SciPy's bounded-variable least squares, on the stacked system."""
    rng = np.random.default_rng(seed)
    J, r, d = rng.normal(size=(m, n)), rng.normal(size=m), rng.uniform(0.5, 2, size=n)
    mu = max(mu, 1e-6) if m < n else mu
    low = -rng.exponential(size=n) * rng.integers(0, 2, size=n) - 1e-9
    high = rng.exponential(size=n) * rng.integers(0, 2, size=n) + 1e-9
    low[rng.random(n) < 0.3], high[rng.random(n) < 0.3] = 0.0, np.inf
    A = np.vstack([J, np.sqrt(mu) * np.diag(d)])
    b = -np.append(r, np.zeros(n))
    p = Linearised(J, r, d).boxed(mu, low, high)
    assert ((p >= low) & (p <= high)).all()
    best = lsq_linear(A, b, (low, high), method="bvls", tol=1e-14)
    value = 0.5 * float(np.sum((A @ p - b) ** 2))
    assert value <= best.cost + 1e-9 * max(1.0, best.cost)


def test_settings_are_checked():
    for wrong in (
        lambda: TrustRegion(factor=0),
        lambda: Marquardt(mu=0),
        lambda: Marquardt(mu_inc=1.0),
        lambda: Marquardt(mu_dec=1.0),
        lambda: Marquardt(mu_max=1e-4),
        lambda: Marquardt(min_grad=-1),
        lambda: LineSearch(armijo=0.5),
    ):
        with pytest.raises(ArgumentError, match="must be"):
            wrong()
