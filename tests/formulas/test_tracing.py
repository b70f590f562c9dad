"""Python functions read as formulas: what is arithmetic gives the same values, what is more gives none."""

from __future__ import annotations

import math

import numpy as np
import pytest

import surefit
from surefit.formulas.tracing import traced

ARITHMETIC = [
    lambda x, y: x + 2 * y - 3,
    lambda x, y: np.sin(x) * np.exp(-(y**2)) / (1 + x**2),
    lambda x, y: abs(x) ** 1.5 + np.maximum(x, y) - np.minimum(0.3, -y),
    lambda x, y: np.hypot(x, y) + np.arctan2(y, x + 3) + 2.0**x,
    lambda x, y: np.float64(2.5) * x + np.pi / (y + 3) + np.reciprocal(x + 5) - np.array(0.5),
    lambda x, y: np.square(x) + np.cbrt(y) + +x,
    lambda x, y: sum(k * x**k for k in range(4)) * y,
    np.hypot,
]


@pytest.mark.parametrize("f", ARITHMETIC)
def test_what_is_written_down_gives_the_same_values(f):
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 200))
    (formula,) = traced(f, ("x", "y"))
    np.testing.assert_allclose(formula.on_points(np.stack([x, y], axis=1)), f(x, y), rtol=1e-13, atol=1e-14)


def test_points_and_several_outputs():
    f = lambda p: (p[:, 0] * p[..., 1], np.sin(p.T[0]))
    first, second = traced(f, ("a", "b"), points=True)
    points = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    np.testing.assert_allclose(first.on_points(points), points[:, 0] * points[:, 1])
    np.testing.assert_allclose(second.on_points(points), np.sin(points[:, 0]))


def branch(x, y):
    return x if x > 0 else y


def converted(x, y):
    return np.asarray(x, dtype=float) + y


def raises(x, y):
    raise RuntimeError("no")


MORE = [
    branch,
    converted,
    raises,
    lambda x, y: math.sin(x),
    lambda x, y: np.where(x > y, x, y),
    lambda x, y: x.sum() + y,
    lambda x, y: np.interp(x, [0, 1], [0, 1]),
    lambda x, y: x * np.ones(3),
    lambda x, y: 3.0,
    lambda x, y: np.floor(x),
    lambda x, y: np.add.reduce([x, y]) if len(x) else y,
]


@pytest.mark.parametrize("f", MORE)
def test_what_is_more_than_arithmetic_has_no_formula(f):
    assert traced(f, ("x", "y")) is None


def test_a_function_that_remembers_is_not_believed():
    state = {"calls": 0}

    def moody(x, y):
        state["calls"] += 1
        return x * y if isinstance(x, np.ndarray) else x + y

    fit = surefit.fit(moody, "x=-1:1, y=-1:1", time=60)
    points = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    assert np.abs(fit.predict(points) - points[:, 0] * points[:, 1]).max() < 1e-4


def test_python_functions_are_fitted_part_by_part():
    f = lambda p: 1 / (p[:, 0] ** 2 + p[:, 1] ** 2 + 0.01)
    fit = surefit.fit(f, "x=-1:1, y=-1:1", tol=1e-4)
    points = np.random.default_rng(0).uniform(-1, 1, (5000, 2))
    assert np.abs(fit.predict(points) - f(points)).max() < 1e-4
    assert "part by part" in str(fit) and fit.problem.source["kind"] == "callable"
