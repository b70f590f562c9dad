"""Places that a formula itself names: kinks, jumps, centres of narrow terms. The oracle is where they were written."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Domain
from surefit.formulas import interesting_points, parse_many

NARROW = [
    ("sin(x) + 0.5*exp(-1e8*(x-0.7071)^2)", "x=-3:3", [[0.7071]]),
    ("exp(-1e10*(x-.1)^2) + exp(-1e10*(x+1.7)^2) - exp(-1e10*(x-2.9)^2)", "x=-3:3", [[0.1], [-1.7], [2.9]]),
    ("1/((x-.3)^2 + 1e-9) + exp(-1e8*(x^2-.5)^2)", "x=-1:1", [[0.3], [0.5**0.5], [-(0.5**0.5)]]),
    ("x + exp(-1e9*(x-0.1)^2) + exp(-1e9*(x-0.37)^2)", "x=0:1", [[0.1], [0.37]]),
    ("1/(1 + 1e8*((x-0.25)^2 + (y-0.75)^2))", "x=0:1, y=0:1", [[0.25, 0.75]]),
    ("exp(-1e9*(sin(3*x)-.5)^2)", "x=-3:3", [[np.arcsin(0.5) / 3]]),
    ("exp(-1e8*abs(x-.7071)^1.5)*x^2", "x=-3:3", [[0.7071]]),
    ("tanh(1e6*(x-.123))", "x=-1:1", [[0.123]]),
    ("exp(-1e6*((x-.3)^2 + (y+.2)^2))", "x=-1:1, y=-1:1", [[0.3, -0.2]]),
    ("exp(-1e6*(x-.3)^2)*exp(-1e6*(y+.2)^2)", "x=-1:1, y=-1:1", [[0.3, -0.2]]),
    ("exp(-1e6*(x-.3)^2)*exp(-1e6*(y-x)^2)", "x=-1:1, y=-1:1", [[0.3, 0.3]]),
    ("exp(-1e6*((1-x)^2 + 100*(y-x^2)^2))", "x=-2:2, y=-2:3", [[1.0, 1.0]]),
    ("1/(1 + 1e8*((x-.3)^2 + (y-.1*x-.2)^2 + (z-.5)^2))", "x=-1:1, y=-1:1, z=-1:1", [[0.3, 0.23, 0.5]]),
]


def near(found: np.ndarray, place: list[float]) -> float:
    return float(np.abs(found - place).max(axis=1).min())


@pytest.mark.parametrize("text, box, centres", NARROW)
def test_centres_of_narrow_terms(text, box, centres):
    domain = Domain(box)
    found = interesting_points(parse_many(text.split(";"), domain.names), domain, 500, np.random.default_rng(3))
    assert len(found) <= 500
    assert ((domain.low <= found) & (found <= domain.high)).all()
    for centre in centres:
        assert near(found, centre) < 1e-6


@pytest.mark.parametrize(
    "text, places",
    [
        ("abs(x-.5)", [0.5]),
        ("abs(x)", [0.0]),
        ("relu(x-.25) + max(x, .75)", [0.25, 0.75]),
        ("floor(3*x)", [-2 / 3, -1 / 3, 1 / 3, 2 / 3]),
        ("mod(x, .3)", [-0.9, -0.6, -0.3, 0.3, 0.6, 0.9]),
        ("step(x-.1) + sign(x+.1) + clip(x, -.6, .6)", [0.1, -0.1, -0.6, 0.6]),
        ("1 if x < .77 else 0", [0.77]),
        ("where(x > 0.2 and x < 0.4, x, -x)", [0.2, 0.4]),
        ("sin(1000*x) + abs(x-.5)", [0.5]),
        ("x; abs(x-.3)", [0.3]),
        ("x == 0", [0.0]),
        ("3 if x != 0.7 else 0", [0.7]),
        ("sin(x)*(x^2 == 0.25)", [0.5, -0.5]),
        ("1 if -.9 < x < .9 else 0", [0.9, -0.9]),
    ],
)
def test_kinks_and_both_sides_of_jumps(text, places):
    domain = Domain("x=-1:1.01")
    found = interesting_points(parse_many(text.split(";"), domain.names), domain, 400, np.random.default_rng(0))[:, 0]
    for place in places:
        assert -1e-9 < (found[found <= place + 1e-15] - place).max() <= 1e-15
        assert -1e-15 <= (found[found >= place - 1e-15] - place).min() < 1e-9


@pytest.mark.parametrize("text, place", [("x == 0", 0.0), ("x != 1/3", 1 / 3), ("2*x == 0.5", 0.25)])
def test_an_equation_is_looked_at_where_it_holds(text, place):
    domain = Domain("x=-1:1.01")
    assert place in interesting_points(parse_many([text], ("x",)), domain, 100, np.random.default_rng(0))
    assert surefit.fit(text, domain, method="features", model=(5,)).error.max == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("text", ["x", "3", "exp(x)", "2*x + 1e-9"])
def test_nothing_is_made_up_where_nothing_happens(text):
    domain = Domain("x=0.5:1")
    assert interesting_points(parse_many([text], domain.names), domain, 100, np.random.default_rng(0)).shape == (0, 1)


def test_a_kink_along_a_line_is_met():
    domain = Domain("x=0:1, y=0:1")
    points = interesting_points(parse_many(["abs(x - y)"], domain.names), domain, 50, 0)
    assert (np.abs(points[:, 0] - points[:, 1]) < 1e-6).sum() >= 3


def test_points_are_where_the_formula_is_finite():
    domain = Domain("x=-1:1")
    formulas = parse_many(["sqrt(x)", "1/(x-.5)"], domain.names)
    found = interesting_points(formulas, domain, 100, np.random.default_rng(0))
    assert len(found) and all(np.isfinite(f.on_points(found)).all() for f in formulas)


@pytest.mark.parametrize(
    "text, limit",
    [("(exp(x)-1)/x", 1.0), ("(1-cos(x))/x^2", 0.5), ("log(1+x)/x", 1.0), ("sin(x)/x", 1.0), ("(sqrt(1+x)-1)/x", 0.5)],
)
def test_rounding_is_no_feature(text, limit):
    """About a removable singularity computed values leave the function, by rounding: such points are not named."""
    domain = Domain("x=-0.5:0.7")
    formulas = parse_many([text], domain.names)
    found = interesting_points(formulas, domain, 300, np.random.default_rng(0))
    near_zero = found[np.abs(found[:, 0]) < 1e-4]
    assert np.allclose(formulas[0].on_points(near_zero), limit, atol=1e-4)


def test_one_generator_gives_one_answer_and_a_count_bounds_it():
    domain = Domain("x=-1:1, y=-1:1")
    formulas = parse_many(["sin(50*x*y) + abs(x-y)"], domain.names)
    for count in (0, 1, 7, 300):
        a, b = (interesting_points(formulas, domain, count, np.random.default_rng(5)) for _ in range(2))
        assert np.array_equal(a, b) and len(a) <= count


@pytest.mark.slow
def test_long_formulas_and_many_variables_stay_quick():
    domain = Domain("x=-1:1")
    long = parse_many(["+".join(f"sin({k}*x)" for k in range(1, 200))], domain.names)
    assert len(interesting_points(long, domain, 200, np.random.default_rng(0)))
    box = Domain({f"x{k}": (0, 1) for k in range(9)})
    many = parse_many(["+".join(f"exp(-1e4*(x{k}-.{k + 1})^2)" for k in range(9))], box.names)
    found = interesting_points(many, box, 500, np.random.default_rng(0))
    assert near(found, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) < 1e-6
