"""Pictures of an input of which the logarithm counts, and of quantiles."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import surefit
from surefit.reports.plots import loss_of
from surefit.view.animation import even_in_decades

DECADES = {"p": (1e-3, 1e3, "log")}


@pytest.mark.parametrize("kind", ["fit", "samples", "error", "units"])
def test_decades_fill_the_picture(kind):
    fit = surefit.fit("p/(1 + p)", DECADES, method="features", model=(8,))
    for axes in fit.plot(kind).axes:
        assert axes.get_xscale() == "log"
        low, high = axes.get_xlim()
        assert 5e-4 < low <= 1e-3 and 1e3 <= high < 2e3


def test_rows_outside_of_the_decades_are_in_the_picture():
    p = np.geomspace(1e-4, 10, 40)
    fit = surefit.fit((p, p / (1 + p)), {"x": (1e-2, 1e2, "log")}, method="features", model=(8,))
    low, high = fit.plot().axes[0].get_xlim()
    assert 5e-5 < low < 1e-4 and 1e2 < high < 2e2


def test_a_film_over_decades():
    fit = surefit.fit("p/(1 + p)", DECADES, method=surefit.Adam(epochs=2), model=(4,), callbacks=surefit.Snapshots())
    grid = fit.film.axes[0]
    assert even_in_decades(grid) and not even_in_decades(np.linspace(1.0, 9.0, 50))
    assert np.median(grid) == pytest.approx(1.0, rel=0.1)
    from surefit.view.animation import snapshots

    panels = [axes for axes in snapshots(fit.film).axes if axes.get_xlabel() == "p"]
    assert panels and all(axes.get_xscale() == "log" for axes in panels)
    plt.close("all")


def test_the_loss_of_quantiles_is_named(tmp_path):
    x = np.linspace(0.0, 1.0, 60)
    fit = surefit.fit((x, x + 0.1 * np.sin(37 * x)), quantile=0.9, time=1)
    assert loss_of(fit) == "pinball"
    page = fit.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "pinball" in page and "mean squared error" not in page and ">mse<" not in page
