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


@pytest.mark.slow
@pytest.mark.parametrize("c", [None, (0.0, 1.0)])
@pytest.mark.parametrize("kind", ["fit", "samples", "error"])
def test_pictures_of_several_inputs_are_over_the_decades_of_each(kind, c):
    """Two inputs, one over decades, and three: every panel of p is logarithmic, those of the others are not."""
    text, box = (
        ("q*p/(1 + p)", {**DECADES, "q": (1.0, 2.0)}) if c is None else ("c*q*p/(1 + p)", {**DECADES, "q": c, "c": c})
    )
    fit = surefit.fit(text, box, method=surefit.Adam(epochs=1), model=(4,))
    seen = set()
    for axes in fit.plot(kind).axes:
        for side in "xy":
            name = getattr(axes, f"get_{side}label")()
            if name in fit.names:
                assert getattr(axes, f"get_{side}scale")() == ("log" if name == "p" else "linear")
                low, high = getattr(axes, f"get_{side}lim")()
                seen.add(name)
                assert name != "p" or (5e-4 < low <= 1e-3 and 1e3 <= high < 2e3)
    assert seen == set(fit.names)
    plt.close("all")


def test_a_surface_over_decades_is_even_in_the_logarithm():
    fit = surefit.fit("q*p/(1 + p)", {**DECADES, "q": (1.0, 8.0, "log")}, method=surefit.Adam(epochs=1), model=(4,))
    axes = fit.plot("surface").axes[0]
    ticks, labels = axes.get_xticks(), [t.get_text() for t in axes.get_xticklabels()]
    assert {float(label): tick for label, tick in zip(labels, ticks, strict=True)}[10.0] == pytest.approx(1.0)
    assert axes.get_xlim3d()[0] == pytest.approx(-3.0, abs=0.5)  # with the margin of a box in space
    assert [t.get_text() for t in axes.get_yticklabels()] == ["1", "2", "5"]
    plt.close("all")


def test_decades_of_what_is_not_positive_are_refused():
    from surefit import view
    from surefit.errors import ArgumentError, ShapeError

    x = np.linspace(0.0, 1.0, 5)
    with pytest.raises(ArgumentError, match="goes down to 0"):
        view.surface(x, x, np.outer(x, x), decades=(True, False))
    with pytest.raises(ArgumentError, match="positive"):
        view.slice_points([-1.0, 0.0], [1.0, 1.0], decades=(True, False))
    with pytest.raises(ShapeError, match="decades"):
        view.error_map(x, x, decades=(True, False))


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


@pytest.mark.slow
def test_the_loss_of_quantiles_is_named(tmp_path):
    x = np.linspace(0.0, 1.0, 60)
    fit = surefit.fit((x, x + 0.1 * np.sin(37 * x)), quantile=0.9, time=1)
    assert loss_of(fit) == "pinball"
    page = fit.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "pinball" in page and "mean squared error" not in page and ">mse<" not in page


@pytest.mark.slow
@pytest.mark.parametrize("two", [False, True])
def test_a_label_over_decades_has_no_power_of_ten(two, tmp_path):
    """The ticks of a logarithm are whole numbers: 'p (×10⁶)' beside a tick of 10⁶ is a million times too much."""
    from surefit.reports.plots import data_figure

    box = {"p": (1e-3, 1e6, "log")} | ({"q": (1e-9, 1e-8)} if two else {})
    text = "log10(p) + 1e8*q" if two else "log10(p)"
    fit = surefit.fit(text, box, method="features", model=(8,))
    for figure in (fit.plot(), data_figure(fit), *([] if two else [fit.plot("units")])):
        for axes in figure.axes:
            if "p" in axes.get_xlabel():
                assert axes.get_xlabel() == "p" and axes.get_xscale() == "log"
    if two:
        assert "×10" in fit.plot().axes[0].get_ylabel() or fit.plot().axes[0].yaxis.get_offset_text().get_text()
    plt.close("all")


@pytest.mark.slow
def test_units_of_each_output_add_up_to_it():
    from surefit.reports.plots import units

    fit = surefit.fit("sin(3*x); 5*exp(x)", "x=0:1", method="features")
    figure = fit.plot("units")
    labels = [axes.get_ylabel() for axes in figure.axes]
    for k, name in enumerate(fit.outputs):
        x, parts = units(fit, k)
        rest = fit.predict(x[:, None])[:, k] - parts.sum(axis=1)
        assert np.ptp(rest) <= 1e-9 * np.abs(parts).sum(axis=1).max()  # what is left is the bias of the output
        assert f"what each unit adds to {name}" in labels and name in labels
    many = surefit.fit("; ".join(f"sin({k}*x)" for k in range(1, 9)), "x=0:1", method="features")
    figure = many.plot("units")
    assert len(figure.axes) == 12 and "the first 6 of 8 outputs" in figure.get_suptitle()
