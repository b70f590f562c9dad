"""What a function is made of: parts that share no inputs are found, and fitted one by one to what one solve can do."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.methods import Additive
from surefit.data import Domain
from surefit.errors import ArgumentError
from surefit.formulas import parse
from surefit.problems.structure import parts_of

CASES = [
    ("sin(x) - cos(y)", 2, ((0,), (1,))),
    ("x*y + sin(z)", 3, ((0, 1), (2,))),
    ("x*y + y*z + w", 4, ((0, 1), (1, 2), (3,))),  # x and z meet in y, and do not interact
    ("x*y*z + y*w", 4, ((0, 1, 2), (1, 3))),
    ("sin(x*y) + sin(y*z) + sin(z*w) + sin(w*x)", 4, ((0, 1), (0, 3), (1, 2), (2, 3))),
    ("exp(x + y + z)", 3, ((0, 1, 2),)),
    ("1e6*x + 1e-3*y*z", 3, ((0,), (1, 2))),
    ("3", 2, ((0,), (1,))),
]


@pytest.mark.parametrize(("text", "d", "parts"), CASES)
def test_parts_are_those_of_the_formula(text, d, parts):
    names = ("x", "y", "z", "w")[:d]
    formula = parse(text, names)
    box = Domain(dict.fromkeys(names, (0.5, 2.0)))
    assert parts_of(lambda p: formula.on_points(p)[:, None], box, np.random.default_rng(0)) == parts


def test_where_it_is_not_defined_nothing_is_claimed():
    box = Domain("x=-1:1, y=-1:1")
    assert parts_of(lambda p: np.full((len(p), 1), np.nan), box, np.random.default_rng(0)) == ((0, 1),)


def test_parts_of_several_outputs_are_those_of_all():
    box = Domain("x=0:1, y=0:1, z=0:1")
    f = lambda p: np.column_stack([p[:, 0] * p[:, 1], p[:, 1] + p[:, 2]])
    assert parts_of(f, box, np.random.default_rng(0)) == ((0, 1), (2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "domain", "stage", "share"),
    [
        ("20+x^2+y^2-10*cos(2*pi*x)-10*cos(2*pi*y)", "x=-2:2, y=-2:2", "sum of functions of one input", 1e-6),
        ("exp(x1*x2) + sin(x3*x4) + x5^3", [f"x{i}=-1:1" for i in range(1, 6)], "sum of 3 parts", 1e-5),
        ("+".join(f"x{i}^2" for i in range(1, 11)), [f"x{i}=-1:1" for i in range(1, 11)], "quadratic function", 1e-13),
        ("x1 - 2*x2 + x1*x3", [f"x{i}=-1:1" for i in range(1, 4)], "quadratic function", 1e-13),
    ],
)
def test_what_is_made_simply_is_fitted_by_that(text, domain, stage, share):
    fit = surefit.fit(text, domain)
    assert fit.method["stage"].startswith(stage)
    points = np.random.default_rng(1).uniform(fit.domain.low, fit.domain.high, (2000, fit.domain.dim))
    truth = parse(text, fit.names).on_points(points)
    assert np.abs(fit.predict(points) - truth).max() <= share * np.ptp(truth)


def test_groups_of_inputs_get_units_of_their_own():
    method = surefit.Additive(units=6, groups=((0, 1), (2,)))
    fit = surefit.fit("x*y + sin(z)", "x=-1:1, y=-1:1, z=-1:1", method=method)
    weights = fit.network[0].weight.detach().numpy()
    assert weights.shape == (6 * 3 + 6, 3)
    assert (weights[:18, 2] == 0).all() and (weights[18:, :2] == 0).all()


@pytest.mark.parametrize("groups", [((0,),), ((0, 1), (1,)), ((0, 1, 2),)])
def test_groups_without_an_input_or_within_another_are_refused(groups):
    with pytest.raises(ArgumentError, match="must hold each of the 2 inputs, as numbers"):
        Additive(groups=groups).widths(2)


@pytest.mark.slow
def test_parts_that_share_inputs_are_fitted_beside_each_other():
    """The chain of Rosenbrock's function: each term has two inputs, and every input two terms."""
    chain = lambda x: sum(100 * (x[..., i + 1] - x[..., i] ** 2) ** 2 + (1 - x[..., i]) ** 2 for i in range(5))
    rows = np.random.default_rng(2).uniform(-1.0, 1.0, (20_000, 6))
    size = np.ptp(chain(rows))
    fit = surefit.fit(lambda *x: np.apply_along_axis(chain, -1, np.stack(x, axis=-1)), [(-1, 1)] * 6, tol=1e-6 * size)
    assert np.abs(fit.predict(rows) - chain(rows)).max() <= 1e-6 * size
