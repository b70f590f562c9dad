"""Ridge regression on very many rows: against refits without a row, and against the decomposition of fewer rows."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError
from surefit.solvers import features, solve_output
from surefit.solvers.features import RIDGES

ROWS = 17_000


def problem(units, gain, noise, outputs=1, seed=0):
    """Features of units with a gain, small gains of which are nearly dependent, and values."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (ROWS, 2))
    phi = np.tanh(x @ (gain * rng.standard_normal((2, units))) + gain * rng.uniform(-1, 1, units))
    y = np.sin(3 * x[:, :1]) * x[:, 1:] * np.arange(1, outputs + 1) + noise * rng.standard_normal((ROWS, outputs))
    return phi, y


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ridge", [1e-8, 0.1])
def test_rows_left_out_are_missed_as_by_refits(ridge, weighted):
    phi, y = problem(12, 1.0, 0.1, outputs=2)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0, 2, ROWS) * (rng.random(ROWS) < 0.9) if weighted else None
    found = solve_output(phi, y, weights=weights, ridges=[ridge])
    share = np.ones(ROWS) if weights is None else weights / weights.mean()
    root = np.sqrt(share)[:, None]
    centred = (phi - share @ phi / ROWS) * root
    damping = np.diag([ridge * (centred**2).sum() / 12] * 12 + [0.0])
    whole = np.hstack([phi, np.ones((ROWS, 1))])
    gram, right = (whole * root).T @ (whole * root), (whole * root).T @ (y * root)
    for i in (0, 5, 777, ROWS - 1):
        own = whole[i] * root[i]
        refit = np.linalg.solve(gram + damping - np.outer(own, own), right - np.outer(own, y[i] * root[i]))
        np.testing.assert_allclose(found.left_out[i], whole[i] @ refit - y[i], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.residuals, phi @ found.weights + found.constant - y, atol=1e-12)
    assert found.score == pytest.approx(float(np.sqrt(np.mean((root * found.left_out) ** 2))), rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("units", "gain", "noise", "outputs"), [
    (40, 1.0, 0.3, 1), (60, 0.2, 0.1, 2), (60, 0.2, 1e-6, 1), (60, 0.5, 0.0, 2), (80, 0.02, 0.0, 1),
])  # fmt: skip
def test_it_is_as_good_as_a_decomposition(units, gain, noise, outputs, weighted, monkeypatch):
    phi, y = problem(units, gain, noise, outputs)
    weights = np.random.default_rng(2).uniform(0.1, 2, ROWS) if weighted else None
    found = solve_output(phi, y, weights=weights, ridges=RIDGES)
    monkeypatch.setattr(features, "MANY", ROWS + 1)
    wanted = solve_output(phi, y, weights=weights, ridges=RIDGES)
    assert found.score == pytest.approx(wanted.score, rel=1e-4)
    size = float(np.sqrt(np.mean(wanted.residuals**2)))
    np.testing.assert_allclose(found.residuals, wanted.residuals, atol=1e-2 * size)
    np.testing.assert_allclose(found.left_out, wanted.left_out, atol=1e-2 * size)


def test_a_row_that_a_feature_stands_for_alone_goes_the_sure_way():
    phi, y = problem(10, 1.0, 0.1)
    phi = np.hstack([phi, np.eye(ROWS, 1)])  # the last feature is 0 but in the first row
    found = solve_output(phi, y, ridges=[0.0, 1e-14])
    without = solve_output(phi[1:, :-1], y[1:], ridges=[0.0])
    missed = phi[0, :-1] @ without.weights + without.constant - y[0]
    np.testing.assert_allclose(found.left_out[0], missed, rtol=1e-3)


def test_features_that_are_not_finite_are_refused():
    phi, y = problem(5, 1.0, 0.1)
    phi[3, 2] = np.inf
    with pytest.raises(ArgumentError, match="NaN or infinity"):
        solve_output(phi, y, ridges=RIDGES)


def test_constant_features_leave_the_mean():
    y = problem(5, 1.0, 0.1)[1]
    found = solve_output(np.ones((ROWS, 3)), y, ridges=RIDGES)
    np.testing.assert_allclose(found.residuals, y.mean() - y, atol=1e-12)
