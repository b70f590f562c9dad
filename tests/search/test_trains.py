"""Functions of many inputs that are sums of few products, as networks; NumPy tells the truth."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.search.strategies.trains import layers_of_smooth_train, short_train_of


class Opaque:
    """A function of columns that refuses all but numbers."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *columns):
        numbers = np.broadcast_arrays(*(np.asarray(c, np.float64) for c in columns))
        found = self.function(*(np.ravel(c) for c in numbers))
        return np.reshape(found, numbers[0].shape)


def peaks(*x):
    """Two narrow peaks in five inputs: few points see how large the products become there."""
    points = np.stack(x, axis=1)
    one = np.square(points - np.array([0.2, 0.8, 0.5, 0.3, 0.6])) @ np.array([9.0, 3.0, 15.0, 4.0, 8.0])
    other = np.square(points - np.array([0.7, 0.4, 0.9, 0.6, 0.1])) @ np.array([2.0, 14.0, 8.0, 10.0, 3.0])
    return np.exp(-one) + 2.0 * np.exp(-other)


def bowl_and_product(*x):
    return 1.0 + sum(v**2 for v in x) / 400.0 - np.prod([np.cos(v / np.sqrt(i + 1)) for i, v in enumerate(x)], axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("tol", [1e-4, 1e-8])
@pytest.mark.parametrize(("function", "low", "high", "d"), [
    (peaks, 0.0, 1.0, 5), (bowl_and_product, -8.0, 8.0, 4), (lambda *x: np.sin(sum(x)), -1.0, 1.0, 8),
    (lambda a, b, c, d: a * d + b * c, -1.0, 1.0, 4),
])  # fmt: skip
def test_a_network_is_the_train_it_is_made_of(function, low, high, d, tol):
    def values(u):
        return function(*(low + (high - low) * (u.T + 1.0) / 2.0))

    train, order = short_train_of(values, d, 1e-10, 500_000, np.random.default_rng(0))
    layers = layers_of_smooth_train(train, order, tol * train.size, 2.0**-53)
    assert len(layers) == d + 1
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (20_000, d))
    x = np.where(np.random.default_rng(2).random(x.shape) < 0.1, np.sign(x), x)
    z = x
    for weight, bias in layers[:-1]:
        z = np.tanh(z @ weight.T + bias)
    found = (z @ layers[-1][0].T + layers[-1][1])[:, 0]
    assert np.abs(found - values(x)).max() <= 3.0 * tol * np.abs(values(x)).max() + 2e-9


def test_inputs_are_taken_in_the_order_that_makes_a_train_short():
    twisted = lambda u: u[:, 0] * u[:, 3] + u[:, 1] * u[:, 4] + u[:, 2] * u[:, 5]  # as they come four at a time
    train, _ = short_train_of(twisted, 6, 1e-8, 900_000, np.random.default_rng(0))
    assert max(train.ranks) <= 4
    assert short_train_of(twisted, 6, 1e-8, 10_000, np.random.default_rng(0)) is None  # too few values


@pytest.mark.slow
@pytest.mark.parametrize(("function", "box"), [
    (bowl_and_product, "a=-8:8, b=-8:8, c=-8:8, d=-8:8"),
    (lambda a, b, c, d: 1.0 / (1.5 + np.sin(a * b) + c * np.cos(b) + d * d * a), "a=0:1, b=0:2, c=-0.4:0.4, d=0:1"),
])  # fmt: skip
def test_a_sum_of_few_products_of_four_inputs_is_fitted(function, box):
    domain = surefit.Domain(box)
    fit = surefit.fit(Opaque(function), domain, tol=1e-6)
    x = domain.at(np.random.default_rng(3).random((20_000, 4)))
    assert fit.reached and np.abs(np.ravel(fit.predict(x)) - function(*x.T)).max() <= 1.05e-6
