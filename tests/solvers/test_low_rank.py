"""Sums of products found from values; the truth is the function itself, at points that were not asked for."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.low_rank import products_of

FUNCTIONS = {
    "root at two ends": lambda u, v: np.sqrt(1 + u) * np.cos(v) + np.sqrt(1 - v) * u,
    "pole at a corner": lambda u, v: 1 / (2.001 + u + v),
    "logarithm at a corner": lambda u, v: np.log(2 + 1e-6 + u + v),
    "layer": lambda u, v: np.exp(-1e4 * (1 + u)) * v + np.sin(3 * u * v),
    "narrow peak inside": lambda u, v: np.exp(-900 * ((u - 0.3) ** 2 + (v + 0.2) ** 2)),
    "one product": lambda u, v: np.exp(u) / (1.1 - v),
}


def points(n: int = 20_000) -> np.ndarray:
    """Points everywhere and near the edges."""
    rng = np.random.default_rng(1)
    even, near = rng.uniform(-1, 1, (n, 2)), 10.0 ** rng.uniform(-9, 0, (n, 2))
    side = rng.integers(0, 3, (n, 2))
    return np.concatenate([even, np.choose(side, [even, near - 1, 1 - near])])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_products_follow_a_function_up_to_its_edges(name):
    f = FUNCTIONS[name]
    found = products_of(lambda p: f(p[:, 0], p[:, 1]), 1e-8, 200_000, np.random.default_rng(0))
    assert found is not None and (np.diff(found.sizes) <= 0).all()
    x = points()
    truth = f(x[:, 0], x[:, 1])
    assert np.abs(found.at(x) - truth).max() <= 1e-7 * np.abs(truth).max()


def test_one_product_is_one():
    found = products_of(lambda p: np.exp(p[:, 0]) / (1.1 - p[:, 1]), 1e-9, 200_000, np.random.default_rng(0))
    assert found is not None and len(found.sizes) == 1


def test_no_more_values_are_asked_for_than_allowed_and_what_is_no_such_sum_is_none():
    asked = 0

    def diagonal(p: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(p)
        return np.abs(p[:, 0] - p[:, 1])

    assert products_of(diagonal, 1e-8, 60_000, np.random.default_rng(0)) is None
    assert asked <= 70_000


@pytest.mark.parametrize("f", [lambda p: np.zeros(len(p)), lambda p: np.full(len(p), np.nan)])
def test_nothing_to_follow(f):
    assert products_of(f, 1e-8, 60_000, np.random.default_rng(0)) is None


JUMPS = {
    "regimes": lambda u, v: np.where(u > 0.3123, np.sin(u * v), 2 + np.cos(v - u)),
    "both inputs": lambda u, v: np.where(u > 0.1, 1.0, 2.0) * np.where(v < -0.77, np.exp(u), v),
    "a kink beside it": lambda u, v: np.where(u > -0.4, np.abs(u - 0.2), 1 + u) * np.exp(v),
}


@pytest.mark.parametrize("name", JUMPS)
def test_jumps_that_lie_along_an_axis_are_those_of_functions_of_one_input(name):
    f = JUMPS[name]
    found = products_of(lambda p: f(p[:, 0], p[:, 1]), 1e-8, 200_000, np.random.default_rng(0))
    assert found is not None
    x = np.random.default_rng(1).uniform(-1, 1, (50_000, 2))
    truth = f(x[:, 0], x[:, 1])
    assert np.abs(found.at(x) - truth).max() <= 1e-7 * np.abs(truth).max()


@pytest.mark.parametrize("noise", [1e-8, 1e-6, 1e-4])
def test_products_of_values_with_noise_are_as_good_as_these_where_that_is_enough(noise):
    smooth = lambda p: np.sin(2 * p[:, 0] + p[:, 1] ** 2)
    noisy = lambda p: smooth(p) + noise * np.sin(1e9 * p[:, 0] * p[:, 1] + 1e7 * p[:, 1])  # the same each time
    found = products_of(noisy, 1e-10, 200_000, np.random.default_rng(0), coarsest=1e-2)
    assert found is not None and 1e-10 < found.tol <= 100 * noise
    x = points()
    assert np.abs(found.at(x) - smooth(x)).max() <= max(10 * noise, found.tol)
    assert products_of(noisy, 1e-10, 200_000, np.random.default_rng(0)) is None
    assert products_of(noisy, 1e-10, 200_000, np.random.default_rng(0), coarsest=0.1 * noise) is None


@pytest.mark.parametrize("most", [100, 700, 2000, 30_000])
@pytest.mark.parametrize("name", ["smooth", "front", "noise"])
def test_no_more_values_are_asked_for_than_may_be(name, most):
    noise = np.random.default_rng(5)
    f = {
        "smooth": lambda p: np.exp(p[:, 0] * p[:, 1]),
        "front": lambda p: np.tanh(300 * (p[:, 0] + p[:, 1] ** 2)),
        "noise": lambda p: noise.normal(size=len(p)),
    }[name]
    asked = 0

    def counted(p):
        nonlocal asked
        asked += len(p)
        return f(p)

    found = products_of(counted, 1e-7, most, np.random.default_rng(0), coarsest=1e-2)
    assert asked <= most
    assert (found is not None) == (name == "smooth" and most >= 700)


@pytest.mark.parametrize("power", [0.1, 0.05])
def test_products_of_a_root_that_no_float_resolves_are_as_good_as_may_be_elsewhere(power):
    """Beside -1 the next float changes (u + 1)^0.1 by 0.02: no tolerance is reached there, and others elsewhere are."""
    f = lambda p: (1.0 + p[:, 0]) ** (power * (2.0 + p[:, 1]))
    found = products_of(f, 1e-8, 300_000, np.random.default_rng(0), coarsest=1e-2)
    assert found is not None and found.tol <= 1e-3
    x = points()
    assert np.abs(found.at(x) - f(x)).max() <= 3.0 * found.tol * 2.0**0.3
