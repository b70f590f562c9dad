"""Places that a formula itself names: kinks, needles, steps, alone and combined."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import Domain
from surefit.formulas import interesting_points, parse

CASES = [
    ("sin(x) + 0.5*exp(-1e8*(x-0.7071)^2)", "x=-3:3", [0.7071]),
    ("x + exp(-1e9*(x-0.1)^2) + exp(-1e9*(x-0.37)^2)", "x=0:1", [0.1]),
    ("x + exp(-1e9*(x-0.1)^2) + exp(-1e9*(x-0.37)^2)", "x=0:1", [0.37]),
    ("abs(x - 0.123456)", "x=0:1", [0.123456]),
    ("tanh(1e5*(x - 0.2))", "x=0:1", [0.2]),
    ("max(x, 1/3)", "x=0:1", None),
    ("exp(-1e6*((x-0.3)^2+(y+0.2)^2))", "x=-1:1, y=-1:1", [0.3, -0.2]),
    ("1/(1 + 1e8*((x-0.25)^2 + (y-0.75)^2))", "x=0:1, y=0:1", [0.25, 0.75]),
]


@pytest.mark.parametrize(("text", "box", "place"), CASES)
def test_the_place_is_named(text, box, place):
    domain = Domain(box)
    points = interesting_points([parse(text, domain.names)], domain, 100, 0)
    assert len(points) <= 100 and domain.contains(points).all()
    if place is not None:
        assert np.abs(points - place).max(axis=1).min() < 1e-6


def test_a_kink_along_a_line_is_met():
    domain = Domain("x=0:1, y=0:1")
    points = interesting_points([parse("abs(x - y)", domain.names)], domain, 50, 0)
    assert (np.abs(points[:, 0] - points[:, 1]) < 1e-6).sum() >= 3


@pytest.mark.parametrize("text", ["3", "x", "x + 1"])
def test_where_nothing_happens_little_is_named(text):
    domain = Domain("x=1:2")
    assert len(interesting_points([parse(text, domain.names)], domain, 50, 0)) == 0
