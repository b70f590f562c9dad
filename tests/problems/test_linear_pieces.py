"""Functions that are linear but for kinks: their pieces, and networks of few relu units that are they, exactly."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Domain
from surefit.problems.linear_pieces import linear_pieces

PIECEWISE = [  # function, domain, most units
    (lambda x: np.abs(x - 0.3), "x=-1:1", 2),
    (lambda x, y: np.abs(x - y), "x=-1:1, y=-1:1", 3),
    (lambda x, y: np.maximum(np.maximum(x, y), 0), "x=-1:1, y=-1:1", 3),
    (lambda x, y: np.maximum(x, y) - np.maximum(-x, 2 * y + 0.3), "x=-1:1, y=-1:1", 4),
    (lambda x, y: np.maximum(np.minimum(x, y), np.minimum(x + y, 0.5)), "x=-1:1, y=-1:1", 8),
    (lambda x, y, z: np.median(np.stack([x, y, z]), axis=0), "x=-1:1, y=-1:1, z=-1:1", 12),
    (lambda a, b, c, d: np.sort(np.stack([a, b, c, d]), axis=0)[2], "a=0:1, b=0:1, c=0:1, d=0:1", 24),
]


@pytest.mark.parametrize(("f", "domain", "most"), PIECEWISE)
def test_a_function_that_is_linear_but_for_kinks_is_exact(f, domain, most):
    box = Domain(domain)
    fit = surefit.fit(f, box)
    points = np.random.default_rng(1).uniform(box.low, box.high, (20_000, box.dim))
    assert np.abs(fit.predict(points) - f(*points.T)).max() < 1e-12
    assert sum(fit.layers()[1:-1]) <= most


@pytest.mark.parametrize("text", ["max(x, y, 0)", "max(min(x, y), min(x+y, 0.5), -0.3)", "abs(abs(x)-abs(y))"])
def test_formulas_too_where_kinks_end_inside(text):
    fit = surefit.fit(text, "x=-1:1, y=-1:1")
    points = np.random.default_rng(1).uniform(-1, 1, (20_000, 2))
    assert np.abs(fit.predict(points) - surefit.parse(text, ("x", "y")).on_points(points)).max() < 1e-12


def test_a_linear_function_has_no_units():
    fit = surefit.fit(lambda x, y: 2 * x - y + 3, "x=-1:1, y=-1:5")
    assert fit.layers() == [2, 1] and fit.error.max < 1e-13


def test_what_is_curved_is_asked_for_little():
    asked = 0

    def curved(points):
        nonlocal asked
        asked += len(points)
        return np.sin(points).sum(axis=1, keepdims=True)

    assert linear_pieces(curved, Domain("x=-1:1, y=-1:1"), np.random.default_rng(0)) is None
    assert asked < 100


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.abs(p[:, :1]) + 1e-5 * p[:, 1:] ** 2,
        lambda p: np.where(p[:, :1] > 0, p[:, 1:], 1.0),  # it jumps
        lambda p: np.maximum(p[:, :1], p[:, 1:] ** 2),
        lambda p: np.abs(np.sin(40 * p[:, :1])),
    ],
)
def test_what_is_not_made_of_linear_pieces_has_none(f):
    assert linear_pieces(f, Domain("x=-1:1, y=-1:1"), np.random.default_rng(0)) is None


def test_a_maximum_of_minima_gives_the_values():
    f = lambda p: np.minimum(np.maximum(p[:, :1], -p[:, 1:]), np.maximum(0.3, p[:, :1] + p[:, 1:]))
    found = linear_pieces(f, Domain("x=-1:1, y=-1:1"), np.random.default_rng(0))
    u = np.random.default_rng(1).uniform(-1, 1, (5000, 2))
    values = u @ found.slopes.T + found.offsets
    lattice = np.max([values[:, list(term)].min(axis=1) for term in found.terms], axis=0)
    np.testing.assert_allclose(lattice, f(u)[:, 0], atol=1e-13)
