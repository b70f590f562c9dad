"""Charts of panels: what was asked for is drawn, under its labels; what cannot be drawn is refused."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, ShapeError
from surefit.view import Curve, Panel, chart
from surefit.view.charts import KINDS
from surefit.view.style import OKABE_ITO

X = np.linspace(1, 2, 11)


def panel(*labels, **more):
    return Panel([Curve(X, (i + 1) * X, label) for i, label in enumerate(labels)], "x", "loss", **more)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_its_values(kind):
    (axes,) = chart([Panel([Curve(X, X**2, "square", kind)], "x", "y")]).axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xydata(), np.column_stack([X, X**2]))
    assert (line.get_linestyle() == "None") == (kind in ("points", "train", "test"))


def test_labels_scales_limits_and_titles():
    figure = chart([panel("a", "b", log="xy", limits=(0.5, 8), title="one"), panel("c", title="two")], title="all")
    one, two = figure.axes
    assert (one.get_xscale(), one.get_yscale(), two.get_yscale()) == ("log", "log", "linear")
    assert one.get_ylim() == (0.5, 8)
    assert (one.get_xlabel(), one.get_ylabel()) == ("x", "loss")
    assert [t.get_text() for t in one.get_legend().get_texts()] == ["a", "b"]
    assert one.get_legend().get_title().get_text() == "one"  # it heads the legend, where it would meet it otherwise
    assert figure.get_suptitle() == "all"


def test_equal_legends_are_one():
    figure = chart([panel("a", "b", title="one"), panel("a", "b", title="two"), panel("a", "b", title="three")])
    assert len(figure.axes) == 3 and len(figure.legends) == 1
    assert all(axes.get_legend() is None for axes in figure.axes)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "two", "three"]


def test_colours_follow_the_palette_unless_given():
    curves = [Curve(X, X), Curve(X, X), Curve(X, X, colour=5), Curve(X, X, "t", "target"), Curve(X, X)]
    colours = [line.get_color() for line in chart([Panel(curves, "x", "y")]).axes[0].lines]
    assert colours[:3] == [OKABE_ITO[0], OKABE_ITO[1], OKABE_ITO[5]] and colours[4] == OKABE_ITO[2]


def test_shared_scales_and_rows():
    figure = chart([panel("a"), panel("a", limits=(0, 9)), panel("a")], share_y=True, across=3)
    assert {axes.get_ylim() for axes in figure.axes} == {(0, 9)}
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 1


def ticks(*x, **settings):
    axes = chart([Panel([Curve(each, each) for each in x], "epoch", "loss", **settings)]).axes[0]
    low, high = axes.get_xlim()
    return [tick for tick in axes.get_xticks() if low <= tick <= high]


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 7, 100])
def test_what_is_counted_has_ticks_at_whole_numbers(epochs):
    found = ticks(np.arange(1, epochs + 1), np.arange(0, epochs + 1))
    assert len(found) > 1 and all(tick == round(tick) for tick in found)


def test_what_is_measured_has_ticks_wherever_they_fit():
    assert any(tick != round(tick) for tick in ticks(np.linspace(0, 2, 9)))
    assert any(tick != round(tick) for tick in ticks(np.array([0, 1, 2]), np.linspace(0, 2, 9)))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ArgumentError, match="no panels"):
        chart([])
    with pytest.raises(ArgumentError, match="kind='bars'"):
        chart([Panel([Curve(X, X, "a", "bars")], "x", "y")])
    with pytest.raises(ShapeError):
        chart([Panel([Curve(X, X[:-1], "a")], "x", "y")])
