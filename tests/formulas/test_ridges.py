"""Units that a formula names: the fewest relu units of a piecewise-linear function, the one tanh of a steep step."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Domain
from surefit.formulas import parse, ridge_units

PIECEWISE = [  # formula, domain, units of the smallest relu network
    ("abs(x)", "x=-1:1", 2),
    ("max(x, 0.25)", "x=-1:1", 2),
    ("clip(x, -0.5, 0.2)", "x=-1:1", 3),
    ("x if x > 0 else -2*x", "x=-1:1", 2),
    ("abs(x - y)", "x=-1:1, y=-1:1", 3),
    ("max(x, 0) + abs(y - x) - 3*x", "x=-2:1, y=-1:3", 4),
    ("relu(2*x - 3) - relu(3 - 2*x) + min(x, 1)", "x=-5:5", 3),
]


@pytest.mark.parametrize(("text", "domain", "units"), PIECEWISE)
def test_a_function_that_is_linear_but_for_kinks_is_exact(text, domain, units):
    fit = surefit.fit(text, domain)
    assert fit.layers()[1] == units
    points = np.random.default_rng(0).uniform(fit.domain.low, fit.domain.high, (3000, fit.domain.dim))
    truth = parse(text, fit.names).on_points(points)
    assert np.abs(fit.predict(points) - truth).max() <= 1e-13 * max(1.0, np.abs(truth).max())
    assert fit.error.max <= 1e-12


def test_a_steep_step_is_one_unit_and_may_stand_beside_smooth_ones():
    one = surefit.fit("tanh(1000*x)", "x=-1:1")
    assert one.layers() == [1, 1, 1] and one.error.max < 1e-11
    beside = surefit.fit("tanh(1000*x - 200) + x^2", "x=-1:1")
    assert beside.error.max < 1e-8
    x = np.linspace(0.19, 0.21, 2001)
    np.testing.assert_allclose(beside.predict(x), np.tanh(1000 * x - 200) + x**2, atol=1e-7)


@pytest.mark.parametrize("text", ["abs(x*y)", "tanh(x^2)", "abs(3)", "sin(x)", "max(x^2, 1)"])
def test_what_is_not_a_kink_of_a_linear_function_names_no_unit(text):
    assert ridge_units([parse(text, ("x", "y"))], Domain("x=-1:1, y=-1:1"), 0) == {}


def test_units_of_one_place_are_one():
    formula = parse("abs(x - 1) + abs(2 - 2*x) + relu(1 - x)", ("x",))
    weights, _ = ridge_units([formula], Domain("x=0:3"), 0)["relu"]
    assert len(weights) == 2
