"""Pictures of classes and quantiles: names in legends, probabilities, counts; no colour bar of 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import view
from surefit.errors import ArgumentError, ShapeError
from surefit.reports.plots import data_figure


def texts(figure):
    """Every text of a figure that is drawn."""
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


@pytest.fixture(scope="module", params=[1, 2, 3])
def classified(request):
    x = np.random.default_rng(0).uniform(-1, 1, (90, request.param))
    kind = np.where(x[:, 0] > 0.3, "high", np.where(x[:, 0] < -0.3, "low", "middle"))
    table = {f"x{i}": column for i, column in enumerate(x.T)} | {"kind": kind}
    return surefit.fit(table, task="classify", method="polynomial")


def test_a_fit_of_classes_shows_classes(classified):
    for figure in (classified.plot(), data_figure(classified)):
        words = texts(figure)
        assert {"high", "low", "middle"} <= set(words)
        assert not any("kind=" in word for word in words)


def test_the_probabilities_that_are_drawn_are_those_of_predict_proba(classified):
    if len(classified.names) == 1:
        lines = classified.plot().axes[0].get_lines()
        for i, line in enumerate(lines):
            at, drawn = line.get_data()
            assert np.allclose(drawn, classified.predict_proba(np.asarray(at)[:, None])[:, i], atol=1e-12)
    elif len(classified.names) == 2:
        figure = classified.plot()
        mesh = figure.axes[1].collections[0]
        axes = [classified.domain.axis(i, 121) for i in range(2)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        assert np.allclose(np.ravel(mesh.get_array()), classified.predict_proba(grid).max(axis=1), atol=1e-12)
    else:
        counts = [int(t) for t in texts(classified.plot()) if t.isdigit()]
        assert sum(counts) == classified.classified.n


def test_the_report_of_classes_has_no_colour_bars_of_indicators(classified, tmp_path):
    page = classified.report(tmp_path / "r.md").read_text(encoding="utf-8")
    assert "likeliest" in page and "Where the error is large" not in page


def test_many_classes_share_grey_and_are_counted():
    x = np.random.default_rng(0).uniform(0, 1, (200, 3))
    figure = view.class_points((x, np.arange(200) % 9), [f"kind {i}" for i in range(9)])
    assert "2 more" in texts(figure) and "kind 6" in texts(figure) and "kind 7" not in texts(figure)
    share = np.full((200, 9), 1 / 9)
    curves = view.class_curves(x[:, 0], share, list("abcdefghi")).axes[0].get_lines()
    assert np.allclose(sum(line.get_ydata() for line in curves), 1.0)


def test_what_does_not_fit_together_is_refused():
    x = np.linspace(0.1, 1, 6)
    with pytest.raises(ArgumentError, match="0 to 1"):
        view.class_points((x, np.arange(6)), ["a", "b"])
    with pytest.raises(ShapeError, match="for each of 2"):
        view.class_curves(x, np.ones((6, 3)), ["a", "b"])
    with pytest.raises(ShapeError, match="classes"):
        view.class_map(x, x, np.ones((6, 6, 3)), ["a", "b"])
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        view.class_confusion(np.ones((3, 3)), ["a", "b"])
    with pytest.raises(ArgumentError, match="positive"):
        view.class_curves(x - 0.1, np.ones((6, 2)), ["a", "b"], decades=True)


@pytest.mark.slow
def test_quantiles_are_drawn_together_and_their_rows_once(tmp_path):
    x = np.linspace(0.0, 1.0, 80)
    fit = surefit.fit({"x": x, "price": x + 0.1 * np.sin(37 * x)}, quantile=(0.1, 0.9), method="adam", time=2)
    figure = fit.plot()
    assert len(figure.axes) == 1 and {"0.1", "0.9"} <= set(texts(figure))
    assert len(data_figure(fit).axes) == 1 and "price" in texts(data_figure(fit))
    page = fit.report(tmp_path / "r.md").read_text(encoding="utf-8")
    data = page[page.index("## 2.") : page.index("## 3.")]
    assert "price" in data and "price q0.1" not in data
    assert "Pinball loss: " in page[: page.index("## 2.")]
