"""Sums of few products of functions of one input: what is one is found to the digits asked for, what is none is not."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.smooth_train import smooth_train_of


def gaussians(p):
    """Three narrow peaks, which uniform points hardly see."""
    centres = np.array([[0.3, -0.5, 0.1, 0.7, -0.2], [-0.6, 0.2, 0.4, -0.3, 0.5], [0.1, 0.6, -0.7, 0.2, 0.0]])
    return np.exp(-6.0 * np.square(p[:, None, :5] - centres).sum(axis=2)) @ np.array([1.0, -0.5, 2.0])


SHORT = [
    (lambda p: 1.0 + (p**2).sum(axis=1) - np.cos(5.0 * p / np.sqrt(np.arange(1, 5))).prod(axis=1), 4, 3),
    (gaussians, 5, 3),
    (lambda p: np.sin(p.sum(axis=1)), 8, 2),
    (lambda p: (p[:, 0] + 2.0 * p[:, 3]) ** 3, 4, 4),
    (lambda p: np.exp(3.0 * p[:, 1]) + 0.0 * p[:, 0], 4, 1),
]


@pytest.mark.parametrize(("function", "d", "rank"), SHORT)
@pytest.mark.parametrize("tol", [1e-6, 1e-11])
def test_a_short_train_is_found(function, d, rank, tol):
    found = smooth_train_of(function, d, tol, np.random.default_rng(0))
    assert max(found.ranks) == rank
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (5000, d))
    x[:2000] = np.where(np.random.default_rng(2).random((2000, d)) < 0.5, np.sign(x[:2000]), x[:2000])
    assert np.abs(found.at(x) - function(x)).max() <= 20.0 * tol * found.size


@pytest.mark.parametrize("function", [
    lambda p: 1.0 / (1.1 + p.sum(axis=1) / 4.0 + p.prod(axis=1)),  # many products
    lambda p: np.abs(p[:, 0] - 0.3) * p[:, 1],  # a kink
    lambda p: np.where(p[:, 0] > 0.9, np.nan, p[:, 1]),
    lambda p: np.zeros(len(p)),
    lambda p: np.random.default_rng(0).random(len(p)),
])  # fmt: skip
def test_what_has_no_short_train_has_none(function):
    assert smooth_train_of(function, 4, 1e-8, np.random.default_rng(0)) is None
