"""Python functions read as formulas: what is arithmetic gives the same values, what is more gives none."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy import special

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


FURTHER = [  # of SciPy and NumPy, which formulas write with others
    lambda x, y: special.ndtr(3 * x) + special.logit(0.5 + 0.4 * y) + special.log_expit(5 * x),
    lambda x, y: special.exp10(x) + special.exprel(y) + special.cosm1(x),
    lambda x, y: special.xlogy(x, y + 2) + special.xlog1py(x, y + 0.1) + special.entr(x + 1.5) + np.fmod(x, 0.3),
]


@pytest.mark.parametrize("f", FURTHER)
def test_functions_that_are_written_with_others_give_the_same_values(f):
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 200))
    (formula,) = traced(f, ("x", "y"))
    np.testing.assert_allclose(formula.on_points(np.stack([x, y], axis=1)), f(x, y), rtol=1e-12, atol=1e-13)


@pytest.mark.slow
def test_an_option_is_fitted_part_by_part():
    """Black and Scholes' formula, as people write it."""

    def price(s, k, t, v):
        d = (np.log(s / k) + 0.5 * v**2 * t) / (v * np.sqrt(t))
        return s * special.ndtr(d) - k * special.ndtr(d - v * np.sqrt(t))

    box = surefit.Domain("s=50:150, k=50:150, t=0.1:2, v=0.1:0.5")
    x = box.unscale(np.random.default_rng(1).uniform(-1.0, 1.0, (50_000, 4)))
    fit = surefit.fit(price, box, tol=1e-4)
    assert fit.method["solver"] == "composed" and np.abs(fit.predict(x) - price(*x.T)).max() <= 1e-4


def test_points_and_several_outputs():
    f = lambda p: (p[:, 0] * p[..., 1], np.sin(p.T[0]))
    first, second = traced(f, ("a", "b"), "points")
    points = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    np.testing.assert_allclose(first.on_points(points), points[:, 0] * points[:, 1])
    np.testing.assert_allclose(second.on_points(points), np.sin(points[:, 0]))


@pytest.mark.parametrize("f", [
    lambda x, y: np.where(x > y, x, np.sin(y)),
    lambda x, y: np.clip(x, -0.5, y),
    lambda x, y: np.select([x > 0.5, y > 0], [x, y], -1.0),
    lambda x, y: ((x > 0) & (y <= 0.3) | ~(x < -0.5)) * x,
    lambda x, y: x % 0.3 + y // 0.5 + np.floor(x) + np.rint(3 * y) + np.heaviside(y, 0.5),
    lambda x, y: np.sinc(3 * x) + np.polyval([1, 2, 3], y),
    lambda x, y: np.array([1.0, 2.0]) @ np.array([x, y**2]),
    lambda x, y: np.asarray(x) ** 2 + y,
    np.vectorize(lambda x, y: max(x, y, 0.0)),
    lambda x, y: (np.sin(x), np.where(y > 0, 1.0, 0.0)),
])  # fmt: skip
def test_conditions_and_jumps_of_arrays(f):
    x, y = np.random.default_rng(1).uniform(-1, 1, (2, 300))
    found = traced(f, ("x", "y"))
    values = np.stack([g.on_points(np.stack([x, y], axis=1)) for g in found])
    np.testing.assert_allclose(values, np.reshape(f(x, y), values.shape), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("f", [
    lambda p: np.sum(p**2 - 10 * np.cos(2 * np.pi * p), axis=1),
    lambda p: p @ np.array([1.0, -2.0, 3.0]),
    lambda p: np.linalg.norm(p, axis=1) * np.prod(np.sin(p), axis=-1),
    lambda p: np.where(p[:, 0] > 0, p[:, 1], p[:, 2] ** 2),
])  # fmt: skip
def test_points_that_are_computed_with_as_a_whole(f):
    points = np.random.default_rng(2).uniform(-1, 1, (300, 3))
    (formula,) = traced(f, ("x", "y", "z"), "points")
    np.testing.assert_allclose(formula.on_points(points), f(points), rtol=1e-13, atol=1e-14)


ROOT = math.sqrt


def helper(x):
    return ROOT(abs(x) + 1)


def nested(x, y):
    if x > 0 and y > 0:
        return x * y
    elif x > 0:
        return math.exp(y)
    return helper(y) if math.isfinite(x) else 0.5


def series(x, y):
    total = 0.0
    for k in range(1, 5):
        total += math.sin(k * x) / k
    return total * math.erf(y)


class Gain:
    gain = 2.0

    def __call__(self, x, y):
        return self.gain * math.atan2(y, x + 3) + math.log(x + 2, 2) + math.hypot(x, y)

    def method(self, x, y):
        return min(x, y, self.gain) if abs(x) < 0.5 else -x


@pytest.mark.parametrize("f", [
    nested, series, Gain(), Gain().method, functools.partial(nested, y=0.2), lambda x, y: sorted([x, y, 0.1])[1],
    lambda x, y: math.dist((x, y), (0.2, -0.1)) + math.fsum([x, y, 1.0]) * math.prod([x, y, 2]) + math.fmod(x, 0.3),
    lambda x, y: math.floor(3 * x) + round(y) + pow(x, 2) + math.radians(y) + (x if x else 1.0),
])  # fmt: skip
def test_functions_of_numbers_with_conditions_and_math(f):
    points = np.random.default_rng(3).uniform(-1, 1, (300, 1 if isinstance(f, functools.partial) else 2))
    (formula,) = traced(f, ("x", "y")[: points.shape[1]], "values")
    np.testing.assert_allclose(formula.on_points(points), [f(*p) for p in points.tolist()], rtol=1e-13, atol=1e-14)


def test_the_larger_of_several_is_one_step_for_each():
    (formula,) = traced(lambda x, y: max(x, y, 0.5), ("x", "y"), "values")
    assert [node.op for node in formula.nodes] == ["variable", "variable", "number", "max", "max"]


def test_one_point_as_an_array():
    f = lambda p: 100 * (p[1] - p[0] ** 2) ** 2 + np.sum((1 - p) ** 2)
    points = np.random.default_rng(4).uniform(-1, 1, (100, 2))
    (formula,) = traced(f, ("x", "y"), "point")
    np.testing.assert_allclose(formula.on_points(points), [f(p) for p in points], rtol=1e-13)


def converted(x, y):
    return np.asarray(x, dtype=float) + y


def raises(x, y):
    raise RuntimeError("no")


def endless(x, y):
    while x > 1e-3:
        x = x / 2
    return x


def thousands(x, y):
    return sum(x if x > k / 20 else y for k in range(20))


def written_to_a_file(x, y):
    return len(f"run {x}") * y


MORE = [
    converted,
    raises,
    endless,
    thousands,
    written_to_a_file,
    lambda x, y: float(x),
    lambda x, y: {x: y}[x],
    lambda x, y: math.copysign(x, y),
    lambda x, y: x.sum() + y,
    lambda x, y: np.interp(x, [0, 1], [0, 1]),
    lambda x, y: x * np.ones(3),
    lambda x, y: 3.0,
]


@pytest.mark.parametrize("f", MORE)
@pytest.mark.parametrize("way", ["columns", "values", "tensor columns"])
def test_what_is_more_than_arithmetic_has_no_formula(f, way):
    assert traced(f, ("x", "y"), way) is None


def test_math_is_itself_afterwards():
    state = {"asked": []}

    def f(x, y):
        state["asked"].append(math.sin)
        return math.sin(x)

    assert traced(f, ("x", "y"), "values") is not None
    assert f(0.5, 0) == math.sin(0.5) and f.__globals__["math"] is math and state["asked"][-1] is math.sin


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


@pytest.mark.slow
def test_functions_of_numbers_with_conditions_are_fitted_part_by_part():
    def f(x, y):
        if x > 0.2:
            return math.exp(-y) * x
        return max(math.sin(3 * x), y)

    fit = surefit.fit(f, "x=-1:1, y=-1:1", tol=1e-6)
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    assert np.abs(fit.predict(points) - [f(*p) for p in points.tolist()]).max() < 1e-6
    assert "part by part" in str(fit) and fit.problem.source["kind"] == "callable"
    assert fit.jumps == 1 and "the function may jump, and no point was measured there" in str(fit)
