"""Rows left out to first order, against networks that were fitted again without each row."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Sampling
from surefit.solvers.batched import fit_batch, outputs
from surefit.solvers.left_out import left_out, leverages

scipy = pytest.importorskip("scipy.optimize", reason="the refits are SciPy's")


def network(theta, x, units):
    w, b, c = np.split(theta[:-1], 3)
    return np.tanh(np.outer(x, w) + b) @ c + theta[-1]


def jacobian(theta, x, units):
    w, b, c = np.split(theta[:-1], 3)
    z = np.tanh(np.outer(x, w) + b)
    slope = (1.0 - z**2) * c
    return np.hstack([slope * x[:, None], slope, z, np.ones((len(x), 1))])


def refit(x, y, start, root_ridge, units):
    """Least squares with a ridge on each weight, from where the fit of all rows ended."""
    fun = lambda t: np.concatenate([network(t, x, units) - y, root_ridge * t])
    jac = lambda t: np.vstack([jacobian(t, x, units), np.diag(root_ridge)])
    return scipy.least_squares(fun, start, jac, xtol=1e-9, ftol=1e-9, gtol=1e-9).x


@pytest.mark.parametrize("noise, ridge", [(0.1, 1e-3), (0.3, 1e-2), (0.2, 1e-4)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_regularised_network_is_missed_as_refits_miss_it(noise, ridge, seed):
    units, rng = 4, np.random.default_rng(seed)
    x = rng.uniform(-1, 1, 30)
    y = np.sin(3 * x) + noise * rng.normal(size=30)
    root = np.sqrt(np.append(np.full(3 * units, ridge * 30), 0.0))
    theta = refit(x, y, rng.normal(size=3 * units + 1), root, units)
    found = left_out(network(theta, x, units) - y, leverages(jacobian(theta, x, units), root**2))
    rows = np.arange(30)
    true = np.array([
        network(refit(x[rows != i], y[rows != i], theta, root, units), x[i : i + 1], units)[0] - y[i] for i in rows
    ])  # fmt: skip
    size = lambda a: np.sqrt(np.mean(np.square(a)))
    assert size(found) == pytest.approx(size(true), rel=0.12)
    assert np.corrcoef(found, true)[0, 1] > 0.97
    assert size(found) > 1.05 * size(network(theta, x, units) - y)  # the rows it was fitted to say less


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_linear_rows_are_left_out_exactly(shape):
    rng = np.random.default_rng(2)
    a, y, ridge = rng.normal(size=(*shape, 12, 4)), rng.normal(size=(*shape, 12)), np.array([2.0, 0.5, 1.0, 3.0])
    solve = lambda a, y: np.linalg.solve(a.T @ a + np.diag(ridge), a.T @ y)
    for at in np.ndindex(*shape):
        residuals = a[at] @ solve(a[at], y[at]) - y[at]
        found = left_out(residuals, leverages(a, ridge)[at])
        rows = np.arange(12)
        true = [a[at][i] @ solve(a[at][rows != i], y[at][rows != i]) - y[at][i] for i in rows]
        np.testing.assert_allclose(found, true, rtol=1e-4)


def test_weights_that_no_row_decides_explain_none():
    """Of a column of zeros, and of two that are one: what the others explain."""
    a = np.random.default_rng(3).normal(size=(9, 3))
    more = np.hstack([a, np.zeros((9, 1)), a[:, :1]])
    np.testing.assert_allclose(leverages(more), leverages(a), atol=1e-5)
    assert (leverages(np.zeros((4, 2))) == 0).all()


def many(n, units, noise, seed, alone):
    """The error that networks of one batch tell, and that of refits without each row."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    if alone:
        x = np.append(1.0, rng.uniform(-1, 0.2, n - 1))
    y = np.sin(3 * x) + noise * rng.normal(size=n)
    x, y = x[None, :, None], ((y - y.mean()) / y.std())[None]
    whole = fit_batch(x, y, units)
    x, y = np.repeat(x, n, 0), np.repeat(y, n, 0)
    again = fit_batch(x, y, units, weights=np.ones((n, n)) - np.eye(n))
    missed = np.diagonal(outputs(again.theta, x, units) - y)
    return whole.error[0], np.sqrt(np.mean(missed**2))


@pytest.mark.parametrize("n, units, noise", [(20, 4, 0.3), (30, 6, 0.1), (12, 3, 0.1), (30, 4, 0.02)])
def test_many_small_networks_are_missed_as_refits_miss_them(n, units, noise):
    told, true = many(n, units, noise, n, alone=False)
    assert told == pytest.approx(true, rel=0.35)


@pytest.mark.parametrize("n, units, seed", [(8, 4, 16), (20, 3, 18), (20, 4, 22), (24, 5, 32), (20, 5, 33)])
def test_a_row_that_stands_alone_is_not_said_to_be_known_by_the_others(n, units, seed):
    """Without noise each fit goes through it; refits miss it by .3 to 1.7, of which .0004 to .02 was told."""
    told, true = many(n, units, 0.0, seed, alone=True)
    assert true > 0.25 and 0.2 * true < told < 5 * true


@pytest.mark.slow
@pytest.mark.parametrize("method", [surefit.VarPro, surefit.LM])
def test_what_a_fit_says_of_rows_left_out_is_near_what_refits_show(method):
    """Steep targets, of which rows at the step hold a weight alone: they were told 9 to 15 times too large.

    A refit that ends in another minimum no first order sees: that may be the largest of one table of six.
    """
    usual = lambda a: np.sqrt(np.mean(np.sort(np.square(a))[:-3]))  # but for rows whose refits found another minimum
    largest, rows = [], np.arange(24)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, (24, 1))
        y = np.tanh(5 * x[:, 0]) + 0.2 * rng.normal(size=24)
        options = dict(method=method(iterations=40), model=(3,), data=Sampling(split=(1, 0, 0)), seed=1)
        fit = surefit.fit((x, y), **options)
        again = [surefit.fit((x[rows != i], y[rows != i]), **options) for i in rows]
        missed = [f._predict(x[i : i + 1])[0, 0] - y[i] for i, f in enumerate(again)]
        told = np.abs(fit.left_out[:, 0]) * fit.model.y_scale.numpy()[0]
        assert 0.4 < usual(told) / usual(missed) < 1.8
        largest.append(told.max() / np.abs(missed).max())
    assert sorted(largest)[-2] < 2
