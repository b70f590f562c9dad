"""Sums of few products of polynomials from few values, beside quadrature, known sums and rows that are left out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from surefit.solvers.sparse_polynomial import products, sparse_polynomial


def design(d, n, seed=0):
    return 2.0 * qmc.LatinHypercube(d, rng=np.random.default_rng(seed)).random(n) - 1.0


def standard(values):
    return (values - values.mean()) / values.std()


def ishigami(u):
    a, b, c = np.pi * u.T
    return np.sin(a) + 7.0 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def test_products_have_a_mean_square_of_1_and_are_orthogonal():
    t, w = np.polynomial.legendre.leggauss(8)
    u = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.outer(w, w).reshape(-1) / 4.0
    degrees = np.array([(0, 0), (1, 0), (0, 3), (2, 2), (5, 1)])
    b = products(u, degrees)
    np.testing.assert_allclose((b * weight[:, None]).T @ b, np.eye(5), atol=1e-13)


@pytest.mark.parametrize("d, n", [(2, 40), (5, 60), (12, 120)])
def test_a_sum_of_few_products_is_found_again(d, n):
    rng = np.random.default_rng(d)
    u, degrees = design(d, n), np.zeros((7, d), int)
    for row in degrees[1:]:
        row[rng.choice(d, 2, replace=False)] = rng.integers(1, 4, 2)
    values = products(u, degrees) @ rng.uniform(0.5, 2.0, 7)
    found = sparse_polynomial(u, values)
    assert {tuple(row) for row in degrees.tolist()} == {tuple(row) for row in found.degrees.tolist()}
    np.testing.assert_allclose(found(u), values, atol=1e-10)


def test_fifty_runs_tell_a_function_that_is_a_sum_of_pairs():
    """No Gaussian process comes below half a deviation here (benchmarks/simulators.py)."""
    u, fresh = design(3, 50), np.random.default_rng(1).uniform(-1.0, 1.0, (5000, 3))
    y = ishigami(u)
    found = sparse_polynomial(u, standard(y))
    off = found(fresh) * y.std() + y.mean() - ishigami(fresh)
    assert np.sqrt(np.mean(off**2)) < 1e-3 * ishigami(fresh).std()


def test_the_error_left_out_is_that_of_fits_without_each_row():
    """Of the products that were chosen, by leaving the rows out; times the factor for few rows and many products."""
    u = design(2, 40)
    y = standard(np.exp(u[:, 0]) * np.abs(u[:, 1] - 0.3))
    found = sparse_polynomial(u, y)
    b, n = products(u, found.degrees), len(u)
    k = b.shape[1]
    missed = []
    for i in range(n):
        rest = np.arange(n) != i
        missed.append(b[i] @ np.linalg.lstsq(b[rest], y[rest], rcond=None)[0] - y[i])
    counts = k * (1 + 0.5 * np.log(found.of / k))  # each was the best of many
    assert found.left_out == pytest.approx(np.mean(np.square(missed)) * n / (n - counts) * (1 + counts / n), rel=1e-6)


@pytest.mark.parametrize("noise", [0.1, 1.0])
@pytest.mark.parametrize("n, d", [(100, 4), (500, 8)])
def test_the_error_left_out_is_not_less_than_the_noise(n, d, noise):
    """Of thousands of products many follow the noise by chance, where it is not counted how many there were."""
    u, rng = design(d, n), np.random.default_rng(1)
    values = np.sin(3 * u[:, 0] * u[:, 1]) + np.exp(u[:, 2]) * np.cos(u[:, -1]) + noise * rng.normal(size=n)
    found = sparse_polynomial(u, standard(values))
    assert 0.8 < np.sqrt(found.left_out) * values.std() / noise < 2.0


def test_noise_is_not_followed():
    u, rng = design(3, 200), np.random.default_rng(0)
    y = standard(u[:, 0] * u[:, 1] + 0.5 * rng.normal(size=200))
    found = sparse_polynomial(u, y)
    assert (1, 1, 0) in {tuple(row) for row in found.degrees.tolist()}
    signal, fresh = 1.0 / 9.0, np.random.default_rng(1).uniform(-1.0, 1.0, (5000, 3))
    unit = (u[:, 0] * u[:, 1] + 0.5 * np.random.default_rng(0).normal(size=200)).std()
    off = found(fresh) * unit - fresh[:, 0] * fresh[:, 1]
    assert np.var(off) < 0.5 * signal  # a sum that followed the noise would be off by its square, .25


def test_it_ends_with_what_is_enough_and_when_it_is_told():
    u = design(3, 150)
    y = standard(ishigami(u))
    near, rough = sparse_polynomial(u, y), sparse_polynomial(u, y, enough=1e-4)
    assert len(rough.degrees) < len(near.degrees) and near.left_out < rough.left_out <= 1e-4
    assert sparse_polynomial(u, y, stop=lambda: True) is None


def test_few_levels_tell_no_more_than_they_can():
    """At -1, 0 and 1 all odd Legendre polynomials are the same: nothing but the degree says which one is meant."""
    levels = np.array([-1.0, 0.0, 1.0])
    u = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    values = u[:, 0] + 2.0 * u[:, 1] * u[:, 2] + u[:, 2] ** 2
    found, fresh = sparse_polynomial(u, values), np.random.default_rng(0).uniform(-1.0, 1.0, (1000, 3))
    assert found.degrees.max() <= 2
    right = fresh[:, 0] + 2.0 * fresh[:, 1] * fresh[:, 2] + fresh[:, 2] ** 2
    np.testing.assert_allclose(found(fresh), right, atol=1e-10)


def test_between_even_values_nothing_swings():
    """Runge's function at 11 even places is off by 2 between them where all of these are met."""
    t = np.linspace(-1.0, 1.0, 11)
    u = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
    found = sparse_polynomial(u, 1.0 / (1.0 + 25.0 * u[:, 0] ** 2))
    fresh = np.random.default_rng(0).uniform(-1.0, 1.0, (2000, 2))
    assert np.abs(found(fresh) - 1.0 / (1.0 + 25.0 * fresh[:, 0] ** 2)).max() < 0.6
