"""What the pictures of a fit say: the numbers in them are looked up and compared."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.view import fit_1d, fit_2d, fit_scatter, scatter_2d, slice_points, slices, style, surface

MINUS = "\N{MINUS SIGN}"
rng = np.random.default_rng(7)
X = np.linspace(-2.0, 3.0, 101)
Y = np.sin(X)
ERROR = 1e-3 * np.cos(5 * X) * X
X1, X2 = np.linspace(-1.0, 2.0, 31), np.linspace(0.0, 4.0, 21)
Z = np.sin(X1) - np.cos(X2)[:, None]
E2 = 0.01 * X1 * (X2[:, None] - 1.0)


def line(axes, label):
    return next(one for one in axes.get_lines() if one.get_label() == label)


def circle(axes):
    """The mark of the worst point: the one hollow circle."""
    found = [one for one in axes.get_lines() if one.get_marker() == "o" and one.get_markerfacecolor() == "none"]
    assert len(found) == 1
    return float(found[0].get_xdata()[0]), float(found[0].get_ydata()[0])


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


# --- fit_1d -----------------------------------------------------------------------------------------------


def test_fit_1d_shows_target_fit_and_signed_residual():
    figure = fit_1d(X, Y, Y + ERROR, names=("time / s", "height / m"), title="a throw")
    upper, lower = figure.axes
    np.testing.assert_array_equal(line(upper, "target").get_ydata(), Y)
    np.testing.assert_array_equal(line(upper, "fit").get_ydata(), Y + ERROR)
    residual = next(one for one in lower.get_lines() if len(one.get_xdata()) == X.size)
    np.testing.assert_allclose(residual.get_ydata(), ERROR, atol=1e-15)
    assert upper.get_ylabel() == "height / m" and lower.get_xlabel() == "time / s"
    assert lower.get_ylabel() == f"fit {MINUS} target"
    assert figure._suptitle.get_text() == "a throw"


def test_fit_1d_styles_follow_the_house():
    upper = fit_1d(X, Y, Y + ERROR).axes[0]
    target, fit = line(upper, "target"), line(upper, "fit")
    assert not target.is_dashed() and not fit.is_dashed()
    assert target.get_zorder() < fit.get_zorder() and target.get_linewidth() > fit.get_linewidth()
    r, g, b = matplotlib.colors.to_rgb(target.get_color())
    assert r == g == b
    assert to_hex(fit.get_color()).upper() == style.BLUE
    assert legend(upper) == ["fit", "target"]


def test_fit_1d_marks_and_writes_the_worst_point():
    lower = fit_1d(X, Y, Y + ERROR).axes[1]
    at = np.argmax(np.abs(ERROR))
    assert circle(lower) == pytest.approx((X[at], ERROR[at]))
    assert lower.get_title(loc="right") == f"max |error| {number_text(abs(ERROR[at]))} at x = {number_text(X[at])}"
    low, high = lower.get_ylim()
    assert low == -high and high > abs(ERROR[at])


def number_text(value):
    text = f"{value:.3g}" if 1e-3 <= abs(value) < 1e3 else f"{value:.2e}"
    return text.replace("-", MINUS)


@pytest.mark.slow
def test_fit_1d_panels_share_x_and_show_all_of_it():
    upper, lower = fit_1d(X, Y, Y, data=([-4.0, 5.0], [0.0, 0.0])).axes
    assert upper.get_xlim() == lower.get_xlim()
    low, high = upper.get_xlim()
    assert low < -4.0 and high > 5.0
    assert lower in upper.get_shared_x_axes().get_siblings(upper)


def test_fit_1d_sorts_points():
    order = rng.permutation(X.size)
    figure = fit_1d(X[order], Y[order], (Y + ERROR)[order])
    np.testing.assert_array_equal(line(figure.axes[0], "fit").get_xdata(), X)
    np.testing.assert_array_equal(line(figure.axes[0], "fit").get_ydata(), Y + ERROR)


def test_fit_1d_draws_training_and_test_points():
    data, test = (X[::9], Y[::9] + 0.1), (X[4::9], Y[4::9] - 0.1)
    upper = fit_1d(X, Y, Y, data=data, test=test).axes[0]
    assert legend(upper) == ["training data", "test data", "fit", "target"]
    np.testing.assert_array_equal(line(upper, "training data").get_ydata(), data[1])
    np.testing.assert_array_equal(line(upper, "test data").get_xdata(), test[0])
    assert line(upper, "training data").get_marker() != line(upper, "test data").get_marker()
    assert legend(fit_1d(X, Y, Y, data=data).axes[0]) == ["data", "fit", "target"]


def test_fit_1d_without_target_shows_the_errors_at_the_data():
    x, y, predicted = X[::10], Y[::10], Y[::10] + ERROR[::10]
    figure = fit_1d(X, None, Y + ERROR, data=(x, y, predicted))
    lower = figure.axes[1]
    assert lower.get_ylabel() == f"fit {MINUS} data"
    np.testing.assert_allclose(line(lower, "data").get_ydata(), ERROR[::10], atol=1e-15)
    assert circle(lower)[0] == x[np.argmax(np.abs(ERROR[::10]))]
    assert len(fit_1d(X, None, Y, data=(x, y)).axes) == 1  # nothing is known of the error


def test_fit_1d_marks_what_is_not_finite():
    target, fit = Y.copy(), Y + ERROR
    target[10:13], fit[40:45], fit[70] = np.nan, np.nan, np.inf
    figure = fit_1d(X, target, fit, bad=[3.5])
    upper, lower = figure.axes
    np.testing.assert_array_equal(line(upper, "fit not finite (6)").get_xdata(), [*X[40:45], X[70]])
    np.testing.assert_array_equal(line(upper, "target not finite (4)").get_xdata(), [*X[10:13], 3.5])
    assert upper.get_xlim()[1] > 3.5
    assert np.isnan(line(upper, "fit").get_ydata()[[40, 44, 70]]).all()  # a gap, not a bridge
    at = np.nanargmax(np.where(np.isfinite(target + fit), np.abs(ERROR), np.nan))
    assert circle(lower)[0] == X[at]


def test_fit_1d_shows_a_value_between_two_gaps_as_a_dot():
    fit = np.where(np.arange(X.size) == 50, Y, np.nan)
    upper = fit_1d(X, Y, fit).axes[0]
    dots = [one for one in upper.get_lines() if one.get_marker() == "."]
    assert [(one.get_xdata()[0], one.get_ydata()[0]) for one in dots] == [(X[50], Y[50])]


def test_fit_1d_without_any_finite_fit_says_so():
    lower = fit_1d(X, Y, np.full_like(Y, np.nan)).axes[1]
    assert lower.get_title(loc="right") == "no finite error"


def test_fit_1d_zero_error_is_called_zero_and_nothing_is_circled():
    lower = fit_1d(X, np.full_like(X, 1e6), np.full_like(X, 1e6)).axes[1]
    assert lower.get_title(loc="right") == "max |error| 0"
    assert not [one for one in lower.get_lines() if one.get_marker() == "o"]
    low, high = lower.get_ylim()
    assert low == -high and high > 0


def test_fit_1d_has_panels_for_each_output():
    target = np.stack([Y, 1e-7 * np.cos(X)], axis=1)
    figure = fit_1d(X, target, target * 1.01, names=("x", "a", "b"))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "a",
        f"fit {MINUS} target",
        "b",
        f"fit {MINUS} target",
    ]
    np.testing.assert_array_equal(line(figure.axes[2], "target").get_ydata(), target[:, 1])
    assert [axes.get_ylabel() for axes in fit_1d(X, target, target).axes][::2] == ["y1", "y2"]


def test_fit_1d_float32_errors_are_those_of_the_float32_values():
    target, fit = np.float64([0.1, 0.2]), np.float32([0.1, 0.2])
    lower = fit_1d([0.0, 1.0], target, fit).axes[1]
    residual = next(one for one in lower.get_lines() if one.get_color() == style.VERMILLION)
    np.testing.assert_array_equal(residual.get_ydata(), fit.astype(float) - target)


# --- fit_2d -----------------------------------------------------------------------------------------------


def meshes(figure):
    """The three images: target, fit, error."""
    return [next(c for c in axes.collections if hasattr(c, "get_coordinates")) for axes in figure.axes[:3]]


def test_fit_2d_shows_target_fit_and_error_on_fair_scales():
    figure = fit_2d(X1, X2, Z, Z + E2, names=("a", "b", "c"))
    target, fit, error = meshes(figure)
    np.testing.assert_array_equal(target.get_array(), Z)
    np.testing.assert_array_equal(fit.get_array(), Z + E2)
    np.testing.assert_allclose(error.get_array(), E2, atol=1e-15)
    assert target.get_clim() == fit.get_clim()
    assert target.get_clim()[0] <= Z.min() and target.get_clim()[1] >= Z.max()
    low, high = error.get_clim()
    assert low == -high and high == pytest.approx(np.abs(E2).max())
    assert (target.get_cmap().name, error.get_cmap().name) == (style.SEQUENTIAL, style.DIVERGING)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["target", "fit", f"fit {MINUS} target"]
    assert figure.axes[0].get_xlabel() == "a" and figure.axes[0].get_ylabel() == "b"


@pytest.mark.parametrize("n", [50, 3000])
def test_fit_2d_shows_where_the_data_lies(n):
    x = rng.uniform([-1, 0], [2, 4], (n, 2))
    axes = fit_2d(X1, X2, Z, Z, data=(x, np.zeros(n))).axes[0]
    np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), x)
    assert axes.get_title() == "target (dots: data)"


def test_fit_2d_zero_error_is_white():
    """The middle of the diverging map is light and neutral, its ends are dark and of two hues."""
    colours = matplotlib.colormaps[style.DIVERGING]([0.0, 0.5, 1.0])[:, :3]
    assert colours[1].min() > 0.95
    assert colours[0][2] > 2 * colours[0][0] and colours[2][0] > 2 * colours[2][2]  # blue below, red above


def test_fit_2d_covers_the_domain_and_no_more():
    figure = fit_2d(X1, X2, Z, Z)
    for axes in figure.axes[:3]:
        assert axes.get_xlim() == (-1.0, 2.0) and axes.get_ylim() == (0.0, 4.0)


def test_fit_2d_circles_and_writes_the_worst_point(texts):
    figure = fit_2d(X1, X2, Z, Z + E2)
    i, j = np.unravel_index(np.argmax(np.abs(E2)), E2.shape)
    assert circle(figure.axes[2]) == (X1[j], X2[i])
    assert f"max |error| 0.06 at x1 = {number_text(X1[j])}, x2 = {number_text(X2[i])}" in texts(figure)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_fit_2d_takes_what_meshgrid_gives(indexing):
    a, b = np.meshgrid(X1, X2, indexing=indexing)
    target = np.sin(a) - np.cos(b)
    np.testing.assert_array_equal(meshes(fit_2d(a, b, target, target))[0].get_array(), Z)


@pytest.mark.parametrize("n, m", [(1, 3), (3, 1), (1, 1)])
@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_fit_2d_grids_of_one_row_or_column(n, m, indexing):
    a, b = np.meshgrid(np.arange(n) + 1.0, np.arange(m) + 5.0, indexing=indexing)
    shown = meshes(fit_2d(a, b, a + 10 * b, a + 10 * b))[0].get_array()
    np.testing.assert_array_equal(shown, np.arange(n) + 1.0 + 10 * (np.arange(m) + 5.0)[:, None])


@pytest.mark.slow
def test_fit_2d_sorts_axes():
    order1, order2 = rng.permutation(X1.size), rng.permutation(X2.size)
    shuffled = Z[np.ix_(order2, order1)]
    np.testing.assert_array_equal(meshes(fit_2d(X1[order1], X2[order2], shuffled, shuffled))[0].get_array(), Z)


def test_fit_2d_hatches_and_counts_what_is_not_finite():
    fit = Z + E2
    fit[:2, :3] = np.nan
    fit[5, 5] = -np.inf
    figure = fit_2d(X1, X2, Z, fit)
    assert figure.axes[1].get_title() == "fit, 7 not finite"
    assert np.ma.getmaskarray(meshes(figure)[1].get_array()).sum() == 7
    assert figure.axes[1].patch.get_hatch() and not figure.axes[0].patch.get_hatch()


def test_fit_2d_an_outlier_of_the_fit_does_not_flatten_the_target():
    fit = Z.copy()
    fit[3, 3] = 1e6
    target, shown, _ = meshes(fit_2d(X1, X2, Z, fit))
    assert target.get_clim() == shown.get_clim() and target.get_clim()[1] < 2 * Z.max()
    assert shown.colorbar.extend == "max"
    assert meshes(fit_2d(X1, X2, Z, Z * 1.01))[1].colorbar.extend == "neither"


def test_fit_2d_constant_target_and_zero_error():
    figure = fit_2d(X1, X2, np.full_like(Z, 7.0), np.full_like(Z, 7.0))
    target, fit, error = meshes(figure)
    assert target.get_clim() == fit.get_clim()
    low, high = target.get_clim()
    assert low < 7.0 < high
    assert error.get_clim()[0] == -error.get_clim()[1] < 0
    assert len(figure.axes[2].get_lines()) == 0  # no worst point to circle


def test_fit_2d_has_a_row_for_each_output():
    target = np.stack([Z, 100 * Z], axis=-1)
    figure = fit_2d(X1, X2, target, target + 1, names=("x1", "x2", "u", "v"))
    rows = figure.subfigs
    assert [row._suptitle.get_text() for row in rows] == ["u", "v"]
    second = next(c for c in rows[1].axes[0].collections if hasattr(c, "get_coordinates"))
    np.testing.assert_array_equal(second.get_array(), 100 * Z)


def test_fit_2d_of_a_table_shows_data_and_its_errors():
    x = rng.uniform([-1, 0], [2, 4], (50, 2))
    y = np.sin(x[:, 0])
    figure = fit_2d(X1, X2, None, Z, data=(x, y, y + 0.01 * x[:, 1]))
    points, errors = figure.axes[0].collections[0], figure.axes[2].collections[0]
    np.testing.assert_array_equal(points.get_offsets(), x)
    np.testing.assert_array_equal(points.get_array(), y)
    np.testing.assert_allclose(errors.get_array(), 0.01 * x[:, 1])
    assert errors.get_clim()[0] == -errors.get_clim()[1]
    assert circle(figure.axes[2]) == tuple(x[np.argmax(x[:, 1])])
    assert fit_2d(X1, X2, None, Z, data=(x, y)).axes[2].get_title() == "error unknown: no predictions"


# --- fit_scatter ------------------------------------------------------------------------------------------


def test_fit_scatter_compares_and_counts(texts):
    y = rng.normal(size=400) * 3 + 10
    predicted = y + 0.3 * rng.normal(size=400)
    figure = fit_scatter(y, predicted, names=("strength / MPa",))
    left, right = figure.axes
    points = line(left, "data (400)")
    np.testing.assert_array_equal(points.get_xdata(), y)
    np.testing.assert_array_equal(points.get_ydata(), predicted)
    assert left.get_xlim() == left.get_ylim()
    assert (left.get_xlabel(), left.get_ylabel()) == ("true strength / MPa", "predicted strength / MPa")
    assert sum(bar.get_height() for bar in right.patches) == 400
    error = predicted - y
    r2 = 1 - np.sum(error**2) / np.sum((y - y.mean()) ** 2)
    said = texts(figure)
    assert f"RMSE {number_text(np.sqrt(np.mean(error**2)))}" in said
    assert f"max |error| {number_text(np.abs(error).max())}" in said
    shown = float(said.split("R² ")[1].split(" ")[0])
    assert r2 > 0.97 and shown == pytest.approx(r2, abs=(1 - r2) * 0.6)


def test_fit_scatter_diagonal_is_exact():
    left = fit_scatter([0.0, 1.0], [0.1, 1.1]).axes[0]
    diagonal = line(left, "exact")
    assert diagonal.get_slope() == 1.0 and diagonal.get_xy1()[0] == diagonal.get_xy1()[1]


def test_fit_scatter_keeps_test_points_apart(texts):
    y = rng.normal(size=100)
    figure = fit_scatter(y, y + 0.1, test=(y[:20], y[:20] - 0.2))
    assert legend(figure.axes[0]) == ["training (100)", "test (20)", "exact"]
    said = texts(figure)
    assert "training: RMSE 0.1," in said and "test: RMSE 0.2," in said


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e190])
def test_fit_scatter_numbers_hold_at_every_size(scale, texts):
    y = np.linspace(-1.0, 1.0, 11)
    said = texts(fit_scatter(y * scale, y * scale * 1.1))
    rmse = 0.1 * np.sqrt(np.mean(y**2))
    assert f"RMSE {number_text(rmse * scale)}" in said and "R² 0.99" in said


@pytest.mark.slow
def test_fit_scatter_r2_never_rounds_up_to_one(texts):
    y = np.linspace(0.0, 1.0, 50)
    assert "R² 0.99999" in texts(fit_scatter(y, y + 1e-3 * np.sin(9 * y)))
    tiny = texts(fit_scatter(y, y + 1e-7 * np.sin(9 * y)))
    assert f"R² 1 {MINUS} " in tiny
    assert "R² 1" in texts(fit_scatter(y, y)) and MINUS + " " not in texts(fit_scatter(y, y)).split("R²")[1][:4]
    assert "R²" not in texts(fit_scatter(np.ones(5), np.ones(5)))  # a constant has no variance to explain


def test_fit_scatter_counts_what_is_not_finite(texts):
    said = texts(fit_scatter([1.0, 2.0, 3.0], [1.0, np.nan, 3.5]))
    assert "1 not finite" in said and "max |error| 0.5" in said


# --- slices -----------------------------------------------------------------------------------------------


def test_slice_points_move_one_input():
    points = slice_points([0, -1, 2], [1, 1, 5], centre=[0.25, 0, 4], n=7)
    assert points.shape == (3, 7, 3)
    for i in range(3):
        others = [j for j in range(3) if j != i]
        np.testing.assert_array_equal(points[i][:, others], np.tile(np.array([0.25, 0, 4])[others], (7, 1)))
        np.testing.assert_allclose(points[i][:, i], np.linspace([0, -1, 2][i], [1, 1, 5][i], 7))


@pytest.mark.parametrize(
    "arguments",
    [
        ([0, 0], [1], None, 5),
        ([0, 0], [1, 0], None, 5),
        ([0, 0], [1, np.inf], None, 5),
        ([0, 0], [1, 1], [0, 2], 5),
        ([0, 0], [1, 1], [0, 0, 0], 5),
        ([0, 0], [1, 1], None, 1),
    ],
)
def test_slice_points_refuses(arguments):
    with pytest.raises(ValueError, match=r"lower|centre|n:"):
        slice_points(*arguments)


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7])
def test_slices_have_a_fit_and_an_error_panel_for_each_input(d, texts):
    points = slice_points(np.zeros(d), np.arange(1.0, d + 1), n=31)
    target = np.sin(points).sum(axis=-1)
    error = 1e-3 * np.cos(points).prod(axis=-1)
    figure = slices(points, target, target + error, names=[f"in{i}" for i in range(d)] + ["out"])
    assert len(figure.axes) == 2 * d
    upper = [axes for axes in figure.axes if any(one.get_label() == "fit" for one in axes.get_lines())]
    for i, axes in enumerate(upper):
        np.testing.assert_array_equal(line(axes, "target").get_xdata(), points[i, :, i])
        np.testing.assert_array_equal(line(axes, "fit").get_ydata(), (target + error)[i])
    assert len({axes.get_ylim() for axes in upper}) == 1  # comparable
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert sorted(labels) == sorted(f"in{i}" for i in range(d))
    assert f"in0 = {number_text(0.5 if d > 1 else 0.0).replace('0.00e+00', '0')}" in texts(figure)


def test_slices_without_target_show_the_fit():
    points = slice_points([0, 0, 0], [1, 1, 1], n=5)
    figure = slices(points, None, points.sum(axis=-1))
    assert len(figure.axes) == 3


# --- data and surfaces ------------------------------------------------------------------------------------


def test_scatter_2d_colours_training_and_test_alike():
    x, y = rng.normal(size=(80, 2)), rng.normal(size=80)
    test = rng.normal(size=(20, 2)), 3 * rng.normal(size=20)
    figure = scatter_2d(x, y, test=test, names=("a", "b", "c"))
    first, second = figure.axes[0].collections
    assert first.get_clim() == second.get_clim() == (min(y.min(), test[1].min()), max(y.max(), test[1].max()))
    np.testing.assert_array_equal(second.get_offsets(), test[0])
    assert figure.axes[1].get_ylabel() == "c"  # the colour bar


def test_scatter_2d_shows_points_that_have_no_value():
    x = np.arange(8.0).reshape(4, 2)
    axes = scatter_2d(x, [1.0, np.nan, 3.0, np.inf]).axes[0]
    np.testing.assert_array_equal(line(axes, "not finite (2)").get_xdata(), [2.0, 6.0])


def test_surface_draws_the_values():
    figure = surface(X1, X2, Z, names=("a", "b", "c"))
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("a", "b", "c")
    assert axes.collections[0].get_clim() == (Z.min(), Z.max())
    low, high = axes.get_zlim()
    assert low <= Z.min() and high >= Z.max()


def test_surface_leaves_a_hole_where_nothing_is_known():
    holed = Z.copy()
    holed[:5, :5] = np.nan
    whole, rest = (surface(X1, X2, z).axes[0].collections[0].get_array() for z in (Z, holed))
    assert len(whole) == 30 * 20
    assert len(rest) == 30 * 20 - 4 * 4  # the cells that have no known corner


def test_surface_view_is_the_one_asked_for():
    axes = surface(X1, X2, Z, elevation=70.0, azimuth=10.0).axes[0]
    assert (axes.elev, axes.azim) == (70.0, 10.0)


# --- refusals, and readability of everything ---------------------------------------------------------------


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: fit_1d(X, Y[:-1], Y), ShapeError, "target"),
        (lambda: fit_1d(X, Y, Y[:-1]), ShapeError, "fit"),
        (lambda: fit_1d(X.reshape(1, -1), Y, Y), ShapeError, "x"),
        (lambda: fit_1d([], [], []), ShapeError, "x"),
        (lambda: fit_1d(X, np.stack([Y, Y], 1), Y), ShapeError, "2 outputs"),
        (lambda: fit_1d(["a", "b"], [0, 1], [0, 1]), DtypeError, "x"),
        (lambda: fit_1d(X, Y * 1j, Y), DtypeError, "target"),
        (lambda: fit_1d(X, Y, Y, data=(X,)), ArgumentError, "data"),
        (lambda: fit_1d(X, Y, Y, test=(X, Y[:3])), ShapeError, r"test\[1\]"),
        (lambda: fit_1d(X, Y, Y, names="xy"), ArgumentError, "names"),
        (lambda: fit_1d(X, Y, Y, names=("x", "y", "z")), ArgumentError, "names"),
        (lambda: fit_2d(X1, X2, Z.T, Z.T), ShapeError, "transpose"),
        (lambda: fit_2d(X1, X2, Z, Z[:, :-1]), ShapeError, "fit"),
        (lambda: fit_2d(X1, X2, None, Z), ArgumentError, "target"),
        (lambda: fit_2d(X1, [0.0, 0.0], Z[:2], Z[:2]), ArgumentError, "x2"),
        (lambda: fit_2d(Z, Z, Z, Z), ShapeError, "meshgrid"),
        (lambda: fit_2d(X1, X2, Z, Z, data=(np.zeros((4, 3)), np.zeros(4))), ShapeError, r"data\[0\]"),
        (lambda: fit_scatter([1.0, 2.0], [1.0]), ShapeError, "y_true, y_pred"),
        (lambda: fit_scatter([1.0], [1.0], test=(np.ones((3, 2)), np.ones((3, 2)))), ShapeError, "test"),
        (lambda: slices(np.zeros((3, 5, 2)), None, np.zeros((3, 5))), ShapeError, "slice_points"),
        (lambda: scatter_2d(np.zeros((5, 3)), np.zeros(5)), ShapeError, "2 inputs"),
        (lambda: surface([0.0], X2, np.zeros((21, 1))), ArgumentError, "2 points"),
    ],
)
def test_refusals_name_the_argument(call, error, says):
    with pytest.raises(error, match=says):
        call()


LONG = ("a very long name of an input column with its unit / (kg m s)", "another long name of an input / mol")
POINTS4 = slice_points([0, 0, 0, 1], [1, 2, 3, 1e5])
NASTY = {
    "fit_1d": lambda: fit_1d(X, Y, Y + ERROR, data=(X[::9], Y[::9]), test=(X[::8], Y[::8]), title="sin(x)"),
    "fit_1d long": lambda: fit_1d(1e6 * X, 1e7 * Y, 1e7 * Y + ERROR, names=LONG, title="a title " * 30, bad=[9e6]),
    "fit_1d nan": lambda: fit_1d(X, np.where(X > 2, np.nan, Y), np.where(X < -1, np.nan, Y * 1e-9), data=(X, Y, Y)),
    "fit_1d table": lambda: fit_1d(X, None, Y, data=(X, Y, Y + ERROR), test=(X, Y, Y - ERROR), names=LONG),
    "fit_1d three": lambda: fit_1d(X, np.stack([Y, Y * 1e9, 0 * Y], 1), np.stack([Y, Y * 1e9 + 1, 0 * Y], 1)),
    "fit_1d point": lambda: fit_1d([1.0], [2.0], [2.5]),
    "fit_1d huge": lambda: fit_1d(X * 1e300, Y * 1.7e308, -Y * 1.7e308),
    "fit_1d tiny": lambda: fit_1d(X * 1e-300, Y * 1e-300, 1.1e-300 * Y),
    "fit_2d": lambda: fit_2d(X1, X2, Z, Z + E2, title="sin(x1) - cos(x2)"),
    "fit_2d long": lambda: fit_2d(1e6 * X1, 1e-5 * X2, 1e-7 * Z, 1e-7 * (Z + E2), names=(*LONG, "y"), title="t " * 90),
    "fit_2d two": lambda: fit_2d(X1, X2, np.stack([Z, 1e9 * Z], 2), np.stack([Z, Z], 2), title="two"),
    "fit_2d point": lambda: fit_2d([1.0], [2.0], [[3.0]], [[3.0]]),
    "fit_2d nan": lambda: fit_2d(X1, X2, Z, np.full_like(Z, np.nan)),
    "fit_scatter": lambda: fit_scatter(Y, Y + ERROR, test=(Y, Y), names=("an output / (kg m s)",), title="t"),
    "fit_scatter two": lambda: fit_scatter(np.stack([Y, Y * 1e-9], 1), np.stack([Y, Y * 2e-9], 1)),
    "fit_scatter point": lambda: fit_scatter([1.0], [1.0]),
    "slices": lambda: slices(POINTS4, np.sin(POINTS4).sum(-1), 1e-4 + np.sin(POINTS4).sum(-1), title="four"),
    "slices long": lambda: slices(POINTS4[:3, :, :3] * 1e7, None, 1e9 * POINTS4[:3, :, 0], names=[*LONG, *LONG]),
    "scatter_2d": lambda: scatter_2d(np.c_[Y, X] * 1e6, Y * 1e-9, test=(np.c_[X, Y], Y), names=(*LONG, "y")),
    "surface": lambda: surface(X1, X2, Z, title="sin(x1) - cos(x2)"),
    "surface two": lambda: surface(X1, X2, np.stack([Z, 1e-6 * Z], 2), names=("time / s", "a", "b", "energy")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY)
def test_nothing_overlaps_or_leaves_the_page(name, assert_readable):
    figure = NASTY[name]()
    assert figure.get_figwidth() <= 7.0
    assert_readable(figure)


def test_sizes_beyond_what_a_chart_can_hold_are_marked_not_crashed():
    upper = fit_1d([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 1e301, -1e301]).axes[0]
    np.testing.assert_array_equal(line(upper, "fit not finite (2)").get_xdata(), [1.0, 2.0])
