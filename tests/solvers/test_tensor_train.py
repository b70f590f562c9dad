"""Sums of products of three functions found from values; the truth is the function itself, at other points."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.tensor_train import train_of

FUNCTIONS = {
    "root at one end": lambda u, v, w: np.sqrt(1 + v) * np.exp(u * w) + w**2,
    "pole at a corner": lambda u, v, w: 1 / (3.05 + u + v + w),
    "layer of the last": lambda u, v, w: np.exp(-1e3 * (1 + w)) * v + np.sin(2 * u * v),
    "one product": lambda u, v, w: np.exp(u) * np.cos(v) / (1.2 - w),
    "of two inputs": lambda u, v, w: np.exp(u * w) + 0 * v,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_train_follows_a_function_up_to_its_edges(name):
    f = FUNCTIONS[name]
    found = train_of(lambda p: f(*p.T), 1e-8, 2_000_000, np.random.default_rng(0))
    assert found is not None and sorted(found.order) == [0, 1, 2]
    rng = np.random.default_rng(1)
    even, near = rng.uniform(-1, 1, (20_000, 3)), 10.0 ** rng.uniform(-9, 0, (20_000, 3))
    x = np.concatenate([even, np.choose(rng.integers(0, 3, even.shape), [even, near - 1, 1 - near])])
    truth = f(*x.T)
    assert np.abs(found.at(x) - truth).max() <= 1e-7 * np.abs(truth).max()


def test_one_product_is_one():
    found = train_of(lambda p: FUNCTIONS["one product"](*p.T), 1e-8, 500_000, np.random.default_rng(0))
    assert found is not None and found.sizes.shape == (1, 1)


def test_what_is_no_such_sum_is_none_and_asks_for_no_more_than_allowed():
    asked = 0

    def diagonal(p: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(p)
        return np.abs(p[:, 0] - p[:, 1] + 0.3 * p[:, 2])

    assert train_of(diagonal, 1e-8, 200_000, np.random.default_rng(0)) is None
    assert asked <= 220_000
