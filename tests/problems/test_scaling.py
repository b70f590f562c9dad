"""Scaling: there and back for points, values and gradients, of numbers of any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import surefit
from surefit.problems.posing import pose
from surefit.problems.scaling import Scaling, mean, spread

RNG = np.random.default_rng(3)
TABLE = (RNG.normal(5.0, 3.0, (50, 2)), RNG.normal(-100.0, 20.0, (50, 3)))


@pytest.mark.parametrize("problem", [pose(TABLE, None, None, 0), pose("a*b; a; b + 7", "a=0:3, b=-9:1", None, 0)])
def test_scaling_there_and_back_is_the_identity(problem):
    scaling, (x, y) = Scaling.of(problem), problem.train
    g = RNG.normal(size=(len(x), 3, 2))
    np.testing.assert_allclose(scaling.unscaled_inputs(scaling.inputs(x)), x, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(scaling.unscaled_outputs(scaling.outputs(y)), y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(scaling.unscaled_gradients(scaling.gradients(g, x), x), g, rtol=1e-14)
    np.testing.assert_allclose(scaling.unscaled_errors(scaling.errors(2 * y, y), y), y, rtol=1e-14)
    np.testing.assert_allclose(scaling.outputs(y).std(axis=0), 1.0, rtol=1e-12)


def test_gradients_are_scaled_as_differences_of_scaled_values_are():
    problem = pose("sin(a)*b", "a=0:3, b=-9:1", None, 0)
    scaling, h = Scaling.of(problem), 1e-6
    x = np.array([[0.7, -2.0], [2.0, 0.5]])
    exact = np.stack([np.cos(x[:, 0]) * x[:, 1], np.sin(x[:, 0])], axis=1)[:, None]
    u = scaling.inputs(x)
    for j in range(2):
        e = h * np.eye(2)[j]
        high, low = (scaling.outputs(problem.function(scaling.unscaled_inputs(u + s * e))) for s in (1, -1))
        np.testing.assert_allclose(scaling.gradients(exact, x)[:, :, j], (high - low) / (2 * h), rtol=1e-8)


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1.0, 1e150, 1e200, 1e307])
def test_columns_of_any_size_have_a_mean_and_a_deviation(size):
    column = np.linspace(-1.0, 2.0, 101)[:, None]
    np.testing.assert_allclose(mean(column * size), size * 0.5, rtol=1e-12)
    np.testing.assert_allclose(spread(column * size) / size, np.std(column), rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1.6e9, -3e12])
def test_a_small_spread_on_a_large_offset_is_no_constant(offset):
    column = offset + 1e-2 * np.linspace(0.0, 1.0, 200)[:, None]
    steps = np.unique(column)  # what float64 makes of it
    assert len(steps) > 1 or offset
    if len(steps) > 5:
        assert spread(column)[0] == pytest.approx(1e-2 / 12**0.5, rel=0.1)
    np.testing.assert_array_equal(spread(np.full((9, 1), offset)), [abs(offset) or 1.0])


@pytest.mark.parametrize(("text", "box"), [
    ("sin(x/1e199)", {"x": (0.0, 1e200)}),
    ("sin(x*1e299)", {"x": (0.0, 1e-299)}),
    ("sin(x/1e307)", {"x": (0.8e308, 1.6e308)}),
    ("sin(3000*(t-1.6e9))", {"t": (1.6e9, 1.6e9 + 1e-3)}),
])  # fmt: skip
def test_a_domain_of_any_size_and_place_is_fitted(text, box):
    assert surefit.fit(text, box, tol=1e-4).reached


def test_logarithmic_outputs_there_and_back():
    rng = np.random.default_rng(0)
    x, y, g = rng.random((20, 3)), np.exp(3 * rng.standard_normal((20, 2))), rng.standard_normal((20, 2, 3))
    problem = replace(pose((x, y), None, None, 0), log_target=True)
    scaling = Scaling.of(problem)
    np.testing.assert_allclose(scaling.unscaled_outputs(scaling.outputs(y)), y, rtol=1e-13)
    np.testing.assert_allclose(scaling.unscaled_gradients(scaling.gradients(g, x, y), x, y), g, rtol=1e-13)
    np.testing.assert_allclose(scaling.unscaled_errors(scaling.errors(1.5 * y, y), y), 0.5 * y, rtol=1e-12)
    train = problem.train[1]
    np.testing.assert_allclose(scaling.outputs(train).std(axis=0), 1.0, rtol=1e-12)
    h = 1e-6  # d log(y) / dx by finite differences of y(x) = exp(x1)
    of_x = lambda x: np.exp(x[:, :1]) * np.ones((1, 2))
    slope = np.zeros((20, 2, 3))
    slope[:, :, 0] = of_x(x)
    up, down = (scaling.outputs(of_x(scaling.unscaled_inputs(scaling.inputs(x) + s * np.eye(3)[0]))) for s in (h, -h))
    np.testing.assert_allclose(scaling.gradients(slope, x, of_x(x))[:, :, 0], (up - down) / (2 * h), rtol=1e-8)
