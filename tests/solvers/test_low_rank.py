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
