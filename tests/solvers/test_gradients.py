"""Scan and solve with gradients: the least-squares solution, what it is worth, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, ShapeError
from surefit.solvers import linear_features
from surefit.solvers.gradients import gradient_features

RNG = np.random.default_rng(0)


def tanh(z):
    y = np.tanh(z)
    return y, 1.0 - y * y


def target(x):
    """(n, 2) -> values (n, 2), gradients (n, 2, 2)."""
    a, b = x.T
    e = np.exp(a * b)
    values = np.stack([np.sin(3 * a) * b, e], axis=1)
    return values, np.stack([np.stack([3 * np.cos(3 * a) * b, np.sin(3 * a)], 1), np.stack([b * e, a * e], 1)], 1)


def network(found, x):
    return np.tanh(x @ found.hidden.T + found.offsets) @ found.output.weights + found.output.constant


def objective(c, found, x, y, gradients, weight, rows):
    """Mean square of the values plus weight times that of the known gradients, written out."""
    phi, slope = tanh(x @ found.hidden.T + found.offsets)
    r = phi @ c[:-1] + c[-1] - y
    g = np.einsum("mh,hd,hk->mkd", slope, found.hidden, c[:-1]) - gradients
    known = np.isfinite(g)
    return sum(
        (rows * r[:, j] ** 2).mean() + weight * (rows[:, None] * np.nan_to_num(g[:, j]) ** 2).sum() / known[:, j].sum()
        for j in range(y.shape[1])
    )


def test_it_minimises_values_and_gradients_together():
    x = RNG.uniform(-1, 1, (50, 2))
    y, gradients = target(x)
    gradients[3, 1] = gradients[7, 0, 1] = np.nan
    rows = RNG.uniform(0.5, 1.5, 50)
    found = gradient_features(x, y, gradients, 6, tanh, weight=0.3, row_weights=rows, scales=(1.0,), beyond=0, draws=1)
    c = np.concatenate([found.output.weights, found.output.constant[None]])
    rows = rows / rows.mean()
    least = objective(c, found, x, y, gradients, 0.3, rows)
    for step in RNG.normal(0, 1e-3, (40, *c.shape)):  # a quadratic: no direction goes down from its minimum
        assert objective(c + step, found, x, y, gradients, 0.3, rows) > least
    np.testing.assert_allclose(found.output.residuals, network(found, x) - y, atol=1e-12)


def test_gradients_make_few_points_worth_many():
    x, fresh = RNG.uniform(-1, 1, (60, 2)), RNG.uniform(-1, 1, (4000, 2))
    y, gradients = target(x)
    with_gradients = gradient_features(x, y, gradients, 90, tanh)
    without = linear_features(x, y, 30)
    errors = [np.abs(network(found, fresh) - target(fresh)[0]).max() for found in (with_gradients, without)]
    assert errors[0] < 0.05 * errors[1]


def test_held_out_rows_choose_where_values_are_noisy():
    x, held = RNG.uniform(-1, 1, (80, 2)), RNG.uniform(-1, 1, (300, 2))
    y, gradients = target(x)
    noisy = y + RNG.normal(0, 0.1, y.shape), gradients + RNG.normal(0, 0.5, gradients.shape)
    exact = gradient_features(x, *noisy, 110, tanh)
    chosen = gradient_features(x, *noisy, 110, tanh, validation=(held, target(held)[0]))
    fresh = RNG.uniform(-1, 1, (2000, 2))
    errors = [np.sqrt(np.mean((network(found, fresh) - target(fresh)[0]) ** 2)) for found in (chosen, exact)]
    assert errors[0] < 0.5 * errors[1]


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match=r"gradients \(5, 2\) must be"):
        gradient_features(np.ones((5, 2)), np.ones((5, 1)), np.ones((5, 2)), 3, tanh)


def test_arguments_are_checked_under_its_own_name():
    with pytest.raises(ArgumentError, match="gradient_features: units=0 must be"):
        gradient_features(np.ones((5, 2)), np.ones((5, 1)), np.ones((5, 1, 2)), 0, tanh)
    with pytest.raises(ArgumentError, match="gradient_features: weights must be 5"):
        gradient_features(np.ones((5, 2)), np.ones((5, 1)), np.ones((5, 1, 2)), 3, tanh, row_weights=-np.ones(5))
