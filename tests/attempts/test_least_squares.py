"""Searches of weights by least squares: what they do beside the solver."""

from __future__ import annotations

import pytest

import surefit
from surefit.solvers.damped import Linearised


@pytest.mark.parametrize(("units", "weights"), [((12,), 37), ((10, 10), 141)])
def test_the_rank_of_many_weights_is_not_worked_out(units, weights, monkeypatch):
    """It takes as long as several iterations, which nobody waits for; of few it tells how many the points determine."""
    asked = []
    inner = Linearised.rank
    monkeypatch.setattr(Linearised, "rank", lambda self: asked.append(len(self.scale)) or inner(self))
    found = surefit.fit("x^2", "x=-1:1", model=units, method=surefit.LM(iterations=4), seed=0)
    assert found.network.num_parameters() == weights
    assert asked == ([weights] if weights <= 100 else [])
