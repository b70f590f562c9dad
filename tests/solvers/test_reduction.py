"""Rows in parts: against NumPy on all rows at once, scikit-learn's ridge, and features of a large condition number."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.solvers import Reduction


def rows(m: int, h: int, k: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    phi = rng.standard_normal((m, h)) * rng.uniform(0.1, 10.0, h) + rng.standard_normal(h)
    return phi, phi @ rng.standard_normal((h, k)) + 3.0 + 0.1 * rng.standard_normal((m, k))


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=6), seed=st.integers(0, 99), pairs=st.booleans())
def test_any_split_is_all_rows_at_once(cuts, seed, pairs):
    phi, y = rows(300, 7, 2)
    order = np.random.default_rng(seed).permutation(300)
    parts = [Reduction(7, 2).update(phi[i], y[i]) for i in np.split(order, sorted(cuts))]
    while len(parts) > 1:  # as a tree, or one after the other
        last = parts.pop()
        parts[len(parts) // 2 if pairs else 0].merge(last)
    found = parts[0].solve(ridges=[0.0])
    right = np.linalg.lstsq(np.column_stack([np.ones(300), phi]), y, rcond=None)[0]
    np.testing.assert_allclose(found.constant, right[0], rtol=1e-9)
    np.testing.assert_allclose(found.weights, right[1:], rtol=1e-9, atol=1e-11)
    residuals = phi @ right[1:] + right[0] - y
    np.testing.assert_allclose(found.rmse, np.sqrt(np.mean(residuals**2, axis=0)), rtol=1e-8)
    assert parts[0].rows == 300 and found.effective == pytest.approx(8.0)


def test_weights_and_ridge_are_those_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model", reason="the oracle")
    phi, y = rows(200, 5, 1)
    w = np.random.default_rng(1).uniform(0.0, 2.0, 200)
    reduction = Reduction(5).update(phi[:90], y[:90, 0], w[:90]).update(phi[90:], y[90:, 0], w[90:])
    ridge = 0.01
    centred = (phi - w @ phi / w.sum()) * np.sqrt(w)[:, None]
    right = linear.Ridge(alpha=ridge * np.sum(centred**2) / 5).fit(phi, y[:, 0], sample_weight=w)
    found = reduction.solve(ridges=[ridge])
    np.testing.assert_allclose(found.weights[:, 0], right.coef_, rtol=1e-9)
    assert found.constant[0] == pytest.approx(right.intercept_, rel=1e-9)


def test_cross_validation_is_its_formula_and_chooses_well():
    rng = np.random.default_rng(0)
    phi = rng.standard_normal((60, 50))
    held = Reduction(50).update(phi, phi[:, :1] + rng.standard_normal((60, 1)))
    new = rng.standard_normal((2000, 50))

    def off(layer):
        return float(np.sqrt(np.mean((new @ layer.weights + layer.constant - new[:, :1]) ** 2)))

    assert off(held.solve()) < 0.8 * off(held.solve(ridges=[0.0]))
    y = rng.standard_normal((60, 1))
    one = Reduction(50).update(phi, y).solve(ridges=[0.5])
    a = phi - phi.mean(axis=0)
    hat = a @ np.linalg.solve(a.T @ a + 0.5 * np.sum(a**2) / 50 * np.eye(50), a.T) + 1 / 60
    score = np.sqrt(np.mean((y - hat @ y) ** 2)) / (1 - np.trace(hat) / 60)
    assert one.score == pytest.approx(score, rel=1e-9)


def test_a_condition_that_normal_equations_would_square():
    x = np.linspace(-1.0, 1.0, 2000)
    phi = np.tanh(np.outer(x, np.full(30, 2.0)) + np.linspace(-2.0, 2.0, 30))
    y = np.sin(3 * x)
    reduction = Reduction(30)
    for part in np.array_split(np.arange(2000), 7):
        reduction.update(phi[part], y[part])
    found = reduction.solve(ridges=[0.0])
    assert found.condition > 1e10
    full = np.column_stack([np.ones(2000), phi])

    def missed(c):
        return float(np.sqrt(np.mean((full @ c - y) ** 2)))

    best = missed(np.linalg.lstsq(full, y, rcond=None)[0])
    assert missed(np.concatenate([found.constant, found.weights[:, 0]])) < 1.05 * best
    assert missed(np.linalg.lstsq(full.T @ full, full.T @ y, rcond=None)[0]) > 5 * best


def test_fewer_rows_than_columns_and_columns_that_are_the_same():
    phi, y = rows(4, 7, 1)
    found = Reduction(7).update(phi, y).solve(ridges=[0.0])
    np.testing.assert_allclose(phi @ found.weights + found.constant, y, rtol=1e-9)
    phi, y = rows(50, 3, 1)
    twice = Reduction(6).update(np.hstack([phi, phi]), y).solve(ridges=[0.0])
    once = Reduction(3).update(phi, y).solve(ridges=[0.0])
    np.testing.assert_allclose(twice.rmse, once.rmse, rtol=1e-8)
    assert twice.rank == 3
    constant = Reduction(2).update(np.ones((5, 2)), np.arange(5.0)).solve()
    assert constant.constant[0] + constant.weights.sum() == pytest.approx(2.0)


def test_it_travels():
    phi, y = rows(50, 3, 1)
    one = Reduction(3).update(phi, y)
    for twin in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):  # noqa: S301
        np.testing.assert_array_equal(twin.solve().weights, one.solve().weights)
    assert repr(one) == "Reduction(3, 1) of 50 rows"


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda r: Reduction(0), ArgumentError, "features=0"),
        (lambda r: r.update(np.ones((3, 2)), np.ones(3)), ShapeError, r"\(m, 3\)"),
        (lambda r: r.update(np.ones((3, 3)), np.ones(2)), ShapeError, "y"),
        (lambda r: r.update(np.ones((3, 3)), ["a", "b", "c"]), DtypeError, "real numbers"),
        (lambda r: r.update(np.ones((2, 3)), [1.0, np.nan]), ArgumentError, "row 1"),
        (lambda r: r.update(np.ones((2, 3)), np.ones(2), weights=[1.0, -1.0]), ArgumentError, "weights"),
        (lambda r: r.merge(Reduction(2)), ShapeError, "merge"),
        (lambda r: r.solve(), ArgumentError, "no rows"),
        (lambda r: r.update(np.ones((2, 3)), np.ones(2)).solve(ridges=[]), ArgumentError, "ridges"),
    ],
)
def test_wrong_calls(call, error, words):
    with pytest.raises(error, match=words):
        call(Reduction(3))
