"""Error maps: what a cell shows is the largest error in it, compared with a slow count."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.view import error_map

rng = np.random.default_rng(3)


def mesh(axes):
    return next(c for c in axes.collections if hasattr(c, "get_coordinates"))


def ring(axes):
    (one,) = [one for one in axes.get_lines() if one.get_markerfacecolor() == "none"]
    return one.get_xdata()[0], one.get_ydata()[0]


def test_one_input_is_a_curve_of_sizes():
    x = rng.permutation(np.linspace(-1.0, 1.0, 300))
    error = 1e-3 * np.sin(5 * x)
    axes = error_map(x, error, names=("t", "y")).axes[0]
    assert axes.get_yscale() == "log" and axes.get_xlabel() == "t"
    curve = max(axes.get_lines(), key=lambda one: len(one.get_xdata()))
    order = np.argsort(x)
    np.testing.assert_array_equal(curve.get_xdata(), x[order])
    np.testing.assert_array_equal(curve.get_ydata(), np.abs(error[order]))
    at = np.argmax(np.abs(error))
    assert ring(axes) == (x[at], abs(error[at]))


def test_one_input_zeros_and_gaps_are_counted():
    error = np.array([0.0, 1e-3, np.nan, -2e-3, 0.0])
    axes = error_map(np.arange(5.0), error).axes[0]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {
        "exactly 0 (2)",
        "error not finite (1)",
    }
    assert error_map(np.arange(5.0), np.zeros(5)).axes[0].get_yscale() == "linear"


def test_two_inputs_on_a_grid_are_cells():
    a, b = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(0, 3, 9))
    points = np.stack([a.ravel(), b.ravel()], axis=1)
    error = np.exp(a + b).ravel() * np.where(np.arange(a.size) % 2, 1, -1)
    order = rng.permutation(a.size)
    axes = error_map(points[order], error[order], names=("a", "b", "y")).axes[0]
    np.testing.assert_array_equal(mesh(axes).get_array(), np.abs(error.reshape(a.shape)))
    assert ring(axes) == (1.0, 3.0)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def test_two_inputs_off_a_grid_are_points_with_the_largest_on_top():
    points, error = rng.normal(size=(200, 2)), rng.normal(size=200)
    marks = error_map(points, error).axes[0].collections[0]
    drawn = np.asarray(marks.get_array())
    assert np.all(np.diff(drawn) >= 0)
    np.testing.assert_array_equal(marks.get_offsets()[-1], points[np.argmax(np.abs(error))])
    low, high = marks.get_clim()
    assert high == np.abs(error).max() and low == max(np.abs(error).min(), 1e-4 * high)


def test_the_colour_scale_spans_four_decades_and_says_that_it_goes_on():
    points = rng.normal(size=(50, 2))
    marks = error_map(points, np.geomspace(1e-12, 1.0, 50)).axes[0].collections[0]
    assert marks.get_clim() == pytest.approx((1e-4, 1.0))
    assert marks.colorbar.extend == "min"
    assert error_map(points, np.geomspace(0.1, 1.0, 50)).axes[0].collections[0].colorbar.extend == "neither"


@pytest.mark.parametrize("error", [np.zeros(50), np.full(50, 2.0), np.full(50, np.nan), np.zeros(50) + 5e-324])
def test_two_inputs_with_equal_errors(error):
    marks = error_map(rng.normal(size=(50, 2)), error).axes[0].collections[0]
    low, high = marks.get_clim()
    assert low < high


def test_pairs_show_the_largest_error_in_each_cell():
    points = rng.uniform(-1, 1, (900, 3)) * [1, 1e4, 1e-6]
    error = rng.normal(size=900) * np.exp(points[:, 0])
    figure = error_map(points, error, names=["a", "b", "c", "y"])
    panels = [axes for axes in figure.axes if any(hasattr(c, "get_coordinates") for c in axes.collections)][:3]
    pairs = [(1, 0), (2, 0), (2, 1)]  # (row, column) of the lower triangle
    floor = mesh(panels[0]).get_clim()[0]
    for axes, (i, j) in zip(panels, pairs, strict=True):
        shown = mesh(axes)
        corners = shown.get_coordinates()
        across, up = corners[0, :, 0], corners[:, 0, 1]
        assert across[0] == points[:, j].min() and up[-1] == points[:, i].max()
        cells = np.ma.masked_invalid(np.full((len(up) - 1, len(across) - 1), np.nan))
        for r in range(len(up) - 1):
            for c in range(len(across) - 1):
                last_r, last_c = r == len(up) - 2, c == len(across) - 2
                inside = (points[:, i] >= up[r]) & ((points[:, i] < up[r + 1]) | last_r)
                inside &= (points[:, j] >= across[c]) & ((points[:, j] < across[c + 1]) | last_c)
                if inside.any():
                    cells[r, c] = max(np.abs(error[inside]).max(), floor)
        np.testing.assert_array_equal(np.ma.filled(shown.get_array(), -1), np.ma.filled(cells, -1))
        at = np.argmax(np.abs(error))
        assert ring(axes) == (points[at, j], points[at, i])


def test_pairs_keep_the_inputs_that_matter(texts):
    points = rng.uniform(0, 1, (4000, 6))
    error = np.exp(6 * points[:, 2]) * (0.01 + points[:, 4] ** 3)
    figure = error_map(points, error, most=2, names=[f"in{i}" for i in range(6)] + ["y"])
    assert {axes.get_xlabel() for axes in figure.axes} - {""} == {"in2", "in4"}
    assert "2 of 6 inputs" in texts(figure)


def test_an_input_of_few_values_has_a_cell_for_each():
    points = np.c_[rng.uniform(size=(500, 2)), rng.integers(0, 3, 500)]
    figure = error_map(points, rng.normal(size=500), names=["a", "b", "day", "y"])
    below = next(axes for axes in figure.axes if axes.get_ylabel() == "day")
    assert mesh(below).get_array().shape[0] == 3


def test_each_output_has_its_row():
    figure = error_map(np.linspace(0, 1, 20), np.stack([np.ones(20), 2 * np.ones(20)], axis=1), names=("x", "u", "v"))
    assert [row._suptitle.get_text() for row in figure.subfigs] == ["u", "v"]
    assert "max |error| 2" in figure.subfigs[1].axes[0].get_title(loc="right")


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: error_map(np.zeros((4, 2)), np.zeros(5)), ShapeError, "error"),
        (lambda: error_map([[np.nan, 0.0]], [1.0]), ArgumentError, "x: a point is not finite"),
        (lambda: error_map(np.zeros((4, 3)), np.zeros(4), most=1), ArgumentError, "most"),
        (lambda: error_map(np.zeros((4, 2)), ["a"] * 4), DtypeError, "error"),
        (lambda: error_map(np.zeros((4, 2)), np.zeros(4), names=("x", "y")), ArgumentError, "names"),
    ],
)
def test_refusals(call, error, says):
    with pytest.raises(error, match=says):
        call()


CONCRETE = [
    "cement",
    "blast furnace slag",
    "fly ash",
    "water",
    "superplasticizer",
    "coarse aggregate",
    "fine",
    "age",
    "y",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "x, error, names",
    [
        (np.linspace(0, 1e6, 50), 1e-9 * np.arange(50.0), ("time / s", "y")),
        (
            rng.uniform(size=(100, 2)) * [1e5, 1e-5],
            rng.normal(size=100),
            ("temperature / K", "pressure / kPa", "y"),
        ),
        (rng.uniform(size=(2000, 3)) * [1, 1e5, 1e-6], rng.normal(size=2000), None),
        (rng.uniform(-5, 5, (500, 8)), rng.normal(size=500), CONCRETE),
        (np.zeros((1, 3)), [0.0], None),
        (np.zeros((1, 2)), [1.0], None),
        (rng.uniform(size=(100, 3)), rng.normal(size=(100, 2)), None),
    ],
    ids=["1", "2", "3", "8", "one point of 3", "one point of 2", "two outputs"],
)
def test_nothing_overlaps_or_leaves_the_page(x, error, names, assert_readable):
    assert_readable(error_map(x, error, names=names, title="errors"))


# --- the largest error that is known --------------------------------------------------------------------------------


def texts(figure):
    from matplotlib.text import Text

    return "\n".join(t.get_text() for t in figure.findobj(Text))


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_known_peak_is_told_and_not_the_largest_that_is_drawn(d):
    points = np.random.default_rng(0).uniform(-1, 1, (200, d))
    figure = error_map(points, 0.1 * points[:, 0], peaks=[(np.full(d, 0.25), -0.375)])
    assert "max |error| 0.375 at" in texts(figure) and "0.25" in texts(figure)
    plain = error_map(points, 0.1 * points[:, 0])
    assert "0.375" not in texts(plain)


def test_a_peak_that_is_not_finite_is_told_without_a_ring():
    x = np.linspace(0, 1, 20)
    assert "max |error| inf at" in texts(error_map(x, 0.1 * x, peaks=[([0.5], np.inf)]))


@pytest.mark.parametrize("peaks", [[], [([0.0], 1.0)], [([0.0, 0.0], 1.0)] * 2])
def test_peaks_that_do_not_fit_are_refused(peaks):
    with pytest.raises(ShapeError, match="peaks: needs a point of 2 inputs and its error for each of 1 outputs"):
        error_map(np.zeros((4, 2)), np.zeros(4), peaks=peaks)
