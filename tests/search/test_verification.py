"""How much measuring an error costs, and where points lie that a uniform sample never has."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError
from surefit.problems.posing import pose


@pytest.mark.parametrize("names", ["x", "xy", "abcdefg"])
@pytest.mark.parametrize("verify", [3, 40, 500, 1000, 20_000])
def test_verify_counts_the_evaluations(names, verify):
    asked = []

    def counted(*columns):
        asked.append(np.size(columns[0]))
        return sum(columns)

    plan = surefit.Sampling(count=20, verify=verify, split=(1, 0, 0))
    posed = pose(counted, dict.fromkeys(names, (0.0, 1.0)), plan, seed=0)
    before = sum(asked)
    fit = surefit.fit(counted, posed.domain, data=plan, method=surefit.Adam(epochs=1), model=(3,))
    spent = sum(asked) - before - before  # posing costs the same twice
    assert spent == fit.error.n
    assert 0.97 * verify <= spent <= verify or spent == verify


def test_points_on_faces():
    plan = surefit.Sampling("uniform", 1000, faces=0.2, with_corners=False)
    box = surefit.Domain("a=0:1, b=-2:2, c=5:6")
    x = plan.points(box, 0)
    on = ((x == box.low) | (x == box.high)).sum(axis=1)
    assert len(x) == 1200
    assert (on[:1000] == 0).all() and (on[1000:] == 1).all()
    which = [((x == end)[1000:, axis]).sum() for axis in range(3) for end in (box.low, box.high)]
    assert min(which) > 15  # of 33 on average
    assert len(plan.points(surefit.Domain((0, 1)), 0)) == 1000  # an interval has only its ends
    sizes = {design: len(surefit.Sampling(design, 1000).points(box, 0)) for design in ("uniform", "sobol", "grid")}
    assert sizes == {"uniform": 1208, "sobol": 1208, "grid": 1000}  # a grid has points on the faces already


@pytest.mark.parametrize("fields", [{"faces": -0.1}, {"verify": 0}, {"adaptive": -1}, {"adaptive_ratio": 0.0}])
def test_refused_fields(fields):
    with pytest.raises(ArgumentError, match=next(iter(fields))):
        surefit.Sampling(**fields)


@pytest.mark.parametrize("fields", [{"faces": 0.1}, {"verify": 100}, {"adaptive": 1}])
def test_a_table_cannot_be_asked_for_more(fields):
    with pytest.raises(ArgumentError, match=f"{next(iter(fields))}: needs a function"):
        pose((np.ones((20, 1)), np.arange(20.0)), None, surefit.Sampling(**fields), seed=0)


def test_verify_leaves_the_solvers_their_points():
    asked = []

    def counted(x, y):
        asked.append(np.size(x))
        return np.sin(x) - np.cos(y)

    box = {"x": (-2, 2), "y": (-2, 2)}
    fits = [surefit.fit(counted, box, tol=1e-4, data=data) for data in (None, surefit.Sampling(verify=600))]
    assert fits[0].problem.sizes() == fits[1].problem.sizes()
    assert fits[1].reached and fits[1].error.n <= 600
    asked.clear()
    surefit.fit(counted, box, tol=1e-4, data=surefit.Sampling(verify=600))
    assert sum(asked) < 3000  # 15 000 and more without it


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["asin(a/(b*c))", "sqrt(1 - a/(b*c))"])
def test_where_layers_make_much_of_rounding_the_card_tells_the_error_of_predict(formula):
    box = surefit.data.Domain("a=1:2, b=2:5, c=1:5")  # a corner is where the root begins
    fit = surefit.fit(formula, box)
    x = box.corners()
    error = np.abs(fit.predict(x) - surefit.parse(formula, box.names).on_points(x)).max()
    assert error <= fit.error.max * (1 + 1e-9)
