"""Pictures of a fit (target, fit and the error between them) for one, two and more inputs; and of the data.

Every function takes arrays, returns a Matplotlib `Figure`, shows nothing and writes nothing;
`figure.savefig(path)` writes it. Outputs stand on the last axis: values at n points are (n,) or (n, k), and
each of k outputs gets panels of its own. The error is signed, fit - target, and its largest size is always
written out, because eyes miss a narrow peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import (
    Array,
    colour_limits,
    difference,
    finite,
    grid_axes,
    name_inputs_and_outputs,
    on_grid,
    outputs,
    real,
    span,
    symmetric_limit,
    table,
    vector,
    worst,
)
from .canvas import new_figure
from .language import say
from .panels import (
    DATA_MARKS,
    HELD,
    TEST_MARKS,
    Group,
    Peak,
    Points,
    add_colour_bar,
    centre_on_zero,
    check_held,
    circle,
    count_missing,
    draw_cells,
    draw_coloured,
    draw_dots,
    draw_line,
    draw_marks,
    frame_square,
    legend_above,
    logarithmic,
    mark_missing,
    matching_outputs,
    matching_pair,
    output_rows,
    over_decades,
    peaks_of,
    place_number,
    point_groups,
    set_caption,
    set_note,
    set_row_title,
    set_title,
    set_x_limits,
    worst_point,
    worst_text,
)
from .style import (
    DIVERGING,
    ERROR_LINE,
    FIT_LINE,
    GREY,
    MINUS,
    PAGE_WIDTH,
    SEQUENTIAL,
    TARGET_LINE,
    VERMILLION,
    ZERO_LINE,
    in_house_style,
    number,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


FIT_MINUS_TARGET, FIT_MINUS_DATA = f"fit {MINUS} target", f"fit {MINUS} data"


# --- one input ----------------------------------------------------------------------------------------------


@in_house_style
def fit_1d(
    x: ArrayLike,
    target: ArrayLike | None,
    fit: ArrayLike,
    *,
    data: Points | None = None,
    test: Points | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    bad: ArrayLike | None = None,
    peaks: Sequence[tuple[ArrayLike, float]] | None = None,
    held: str = "test",
    decades: bool = False,
) -> Figure:
    """A function of one input, its fit, and the signed error in a panel below.

    Args:
        x: Where the curves are known, (n,), in any order.
        target: The function, (n,) or (n, k), or None when only data is known.
        fit: The model, as `target`.
        data: Training points (x, y), or (x, y, prediction); without a target the error is that of the
            predictions.
        test: Test points, as `data`.
        names: The input, then the outputs; default x and y (y1, y2, ... for several).
        title: Above the figure.
        bad: x of further points to mark on the axis as having no finite target. Points of `x` where target or
            fit is not finite are marked in any case.
        peaks: For each output the point of the largest error known, found by a search, and the signed error there:
            it is circled and told instead of the largest that is drawn. Only with a target.
        held: What the points of `test` are called: "test" or "validation".
        decades: Whether the input is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together; decades of an input that is not
            positive.

    Example:
        >>> x = np.linspace(0.0, 3.0, 50)
        >>> figure = fit_1d(x, np.sin(x), np.sin(x) + 0.01 * np.cos(5 * x), title="sin(x)")
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['y', 'fit \N{MINUS SIGN} target']
    """
    x = vector("x", x)
    model = outputs("fit", fit, x.shape, "x")
    order = np.argsort(x, kind="stable")
    k = model.shape[1]
    truth = None if target is None else matching_outputs("target", target, model)
    groups = point_groups(data, test, 1, k, held)
    tops = peaks_of("peaks", peaks, 1, k)
    left_out = x[:0] if bad is None or np.size(bad) == 0 else vector("bad", bad)
    names_in, names_out = name_inputs_and_outputs(names, 1, k)
    has_residuals = truth is not None or any(len(points) == 3 for _, points, _ in groups)

    rows = [3.0, 1.1] * k if has_residuals else [3.0] * k
    figure = new_figure(PAGE_WIDTH, 0.55 + sum(rows))
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=rows)[:, 0]
    per_output = len(rows) // k
    for j in range(k):
        upper = axes[per_output * j]
        curve = model[order, j]
        for label, points, marks in groups:
            draw_marks(upper, points[0][:, 0], points[1][:, j], label, marks)
        draw_line(upper, x[order], curve, {**FIT_LINE, "label": say("fit")})
        undefined = [left_out]
        if truth is not None:
            draw_line(upper, x[order], truth[order, j], {**TARGET_LINE, "label": say("target")})
            undefined.append(x[~np.isfinite(truth[:, j])])
        mark_missing(upper, np.unique(np.concatenate(undefined)), say("target not finite"), GREY)
        mark_missing(upper, x[~np.isfinite(model[:, j])], say("fit not finite"), VERMILLION)
        upper.set_ylabel(wrapped(names_out[j], 26))
        legend_above(upper)
        if has_residuals:
            lower = axes[per_output * j + 1]
            if truth is not None:
                _residual_line(lower, x[order], difference(curve, truth[order, j]), names_in[0], tops[j])
            else:
                _residual_points(lower, groups, j)
        axes[per_output * (j + 1) - 1].tick_params(labelbottom=True)
    axes[-1].set_xlabel(wrapped(names_in[0], 90))
    low, high = span(x, left_out, *(points[0] for _, points, _ in groups))
    if over_decades([decades], np.array([low]))[0]:
        logarithmic(list(axes), "x", np.array([low, high]))
    else:
        set_x_limits(axes[-1], low, high, margin=0.02)
    figure.align_ylabels(list(axes))
    set_title(figure, title)
    return figure


def _residual_line(axes: Axes, x: Array, error: Array, x_name: str, top: Peak | None) -> None:
    axes.axhline(0.0, **ZERO_LINE)
    draw_line(axes, x, error, ERROR_LINE)
    axes.set_ylabel(say(FIT_MINUS_TARGET))
    top, text = worst_point(error, x[:, None], [x_name], top)
    if top is not None:
        circle(axes, float(top.place[0]), top.error)
    set_note(axes, text)
    centre_on_zero(axes, error if top is None else np.append(error, top.error))


def _residual_points(axes: Axes, groups: list[Group], j: int) -> None:
    axes.axhline(0.0, **ZERO_LINE)
    axes.set_ylabel(say(FIT_MINUS_DATA))
    notes, errors = [], []
    for label, points, marks in groups:
        if len(points) != 3:
            continue
        x, error = points[0][:, 0], difference(points[2][:, j], points[1][:, j])
        draw_marks(axes, x, error, label, marks)
        at = worst(error)
        if at is not None and error[at] != 0.0:
            circle(axes, x[at], error[at])
        notes.append(f"{label}: {worst_text(error, at, None if at is None else place_number(x[at], np.ptp(x)))}")
        errors.append(error)
    set_note(axes, "     ".join(notes))
    centre_on_zero(axes, np.concatenate(errors))


# --- two inputs ---------------------------------------------------------------------------------------------


@in_house_style
def fit_2d(
    x1: ArrayLike,
    x2: ArrayLike,
    target: ArrayLike | None,
    fit: ArrayLike,
    *,
    data: Points | None = None,
    test: Points | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    peaks: Sequence[tuple[ArrayLike, float]] | None = None,
    held: str = "test",
    decades: Sequence[bool] | None = None,
) -> Figure:
    """A function of two inputs on a grid: target, fit, signed error; one row of panels for each output.

    Target and fit share one colour scale; the error's scale is symmetrical about 0. The worst point is
    circled. Cells that are not finite are hatched.

    Args:
        x1: Axis of the first input, (n,), drawn to the right.
        x2: Axis of the second input, (m,), drawn upwards. (The two arrays of `numpy.meshgrid` are accepted
            too.)
        target: The function, (m, n) or (m, n, k): rows follow x2. None when only data is known: then the data
            is drawn in its place, and its error needs predictions.
        fit: The model, as `target`.
        data: Training points (x, y) with x (p, 2), or (x, y, prediction); drawn as dots when a target is
            given.
        test: Test points, as `data`.
        names: The two inputs, then the outputs; default x1, x2, y.
        title: Above the figure.
        peaks: For each output the point of the largest error known, found by a search, and the signed error there:
            it is circled and told instead of the largest that is drawn.
        held: What the points of `test` are called: "test" or "validation".
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together; decades of an axis that is not
            positive.

    Example:
        >>> x1, x2 = np.linspace(-1, 1, 40), np.linspace(0, 2, 30)
        >>> z = np.sin(x1) - np.cos(x2)[:, None]
        >>> figure = fit_2d(x1, x2, z, z + 0.01)
        >>> [axes.get_title() for axes in figure.axes][:3]
        ['target', 'fit', 'fit \N{MINUS SIGN} target']
    """
    first, second, transposed = grid_axes(x1, x2)
    shape = (second.size, first.size)
    model = on_grid("fit", fit, shape, transposed)
    k = model.shape[2]
    truth = None if target is None else on_grid("target", target, shape, transposed)
    if truth is not None and truth.shape != model.shape:
        raise ShapeError(f"target: {truth.shape[2]} outputs, fit: {k}; both need the same")
    groups = point_groups(data, test, 2, k, held)
    tops = peaks_of("peaks", peaks, 2, k)
    if truth is None and not groups:
        raise ArgumentError("target: None, and no data; fit_2d compares a fit with one of the two (see surface())")
    names_in, names_out = name_inputs_and_outputs(names, 2, k)
    over = over_decades(decades, np.array([first.min(), second.min()]))

    figure = new_figure(PAGE_WIDTH, 0.25 + 3.4 * k)
    rows = output_rows(figure, k)
    for j, row in enumerate(rows):
        panels = row.subplots(1, 3, sharex=True, sharey=True)
        if truth is not None:
            _grid_row(row, panels, first, second, truth[..., j], model[..., j], groups, names_in, tops[j], names_out[j])
        else:
            _points_row(row, panels, first, second, model[..., j], groups, j, names_in, held, tops[j], names_out[j])
        set_row_title(row, names_out, j)
        for axes in panels:
            frame_square(axes, first, second, groups, over)
            axes.set_xlabel(wrapped(names_in[0], 28))
        panels[0].set_ylabel(wrapped(names_in[1], 26))
    set_title(figure, title)
    return figure


def _grid_row(
    row: SubFigure,
    panels: Any,
    x1: Array,
    x2: Array,
    truth: Array,
    model: Array,
    groups: list[Group],
    names: list[str],
    top: Peak | None,
    value: str,
) -> None:
    low, high, extend = _shared_limits(truth, model)
    first = say("target (dots: data)") if groups else say("target")
    for axes, values, name in ((panels[0], truth, first), (panels[1], model, say("fit"))):
        mesh = draw_cells(axes, x1, x2, values, cmap=SEQUENTIAL, vmin=low, vmax=high)
        axes.set_title(count_missing(name, values))
    for _, points, _ in groups:
        draw_dots(panels[0], points[0])
    add_colour_bar(row, mesh, list(panels[:2]), extend=extend, label=value)

    error = difference(model, truth)
    limit = symmetric_limit(error, truth, model)
    mesh = draw_cells(panels[2], x1, x2, error, cmap=DIVERGING, vmin=-limit, vmax=limit)
    panels[2].set_title(count_missing(say(FIT_MINUS_TARGET), error))
    places = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    top, text = worst_point(error, places, names, top)
    if top is not None:
        circle(panels[2], *top.place)
    add_colour_bar(row, mesh, [panels[2]], label=value)
    set_caption(row, text)


def _points_row(
    row: SubFigure,
    panels: Any,
    x1: Array,
    x2: Array,
    model: Array,
    groups: list[Group],
    j: int,
    names: list[str],
    held: str,
    top: Peak | None,
    value: str,
) -> None:
    """Data, fit, and the error at the data: the row of a table, whose function nobody knows."""
    values = [points[1][:, j] for _, points, _ in groups]
    low, high, extend = _shared_limits(np.concatenate(values), model)
    draw_coloured(panels[0], groups, values, SEQUENTIAL, low, high)
    mesh = draw_cells(panels[1], x1, x2, model, cmap=SEQUENTIAL, vmin=low, vmax=high)
    panels[0].set_title(say("data") if len(groups) == 1 else say(HELD[held][1]))
    panels[1].set_title(count_missing(say("fit"), model))
    add_colour_bar(row, mesh, list(panels[:2]), extend=extend, label=value)
    known = [group for group in groups if len(group[1]) == 3]
    if not known:
        panels[2].set_title(say("error unknown: no predictions"))
        return
    errors = [difference(points[2][:, j], points[1][:, j]) for _, points, _ in known]
    error = np.concatenate(errors)
    limit = symmetric_limit(error, *values)
    marks = draw_coloured(panels[2], known, errors, DIVERGING, -limit, limit)
    panels[2].set_title(say(FIT_MINUS_DATA))
    places = np.concatenate([points[0] for _, points, _ in known])
    top, text = worst_point(error, places, names, top)
    if top is not None:
        circle(panels[2], *top.place)
    add_colour_bar(row, marks, [panels[2]], label=value)
    set_caption(row, text)


def _shared_limits(truth: Array, model: Array) -> tuple[float, float, str]:
    """Colour limits of target and fit; what leaves the target's range by more than a tenth is off it."""
    low, high = span(truth)
    fit_low, fit_high = span(model)
    if not np.any(np.isfinite(truth)) or low == high:
        return *colour_limits(truth, model), "neither"
    room = 0.1 * (high / 2 - low / 2) * 2  # halves: the difference of two huge numbers overflows
    under, over = fit_low < low - room, fit_high > high + room
    low, high = min(low, max(fit_low, low - room)), max(high, min(fit_high, high + room))
    return low, high, {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[under, over]


# --- three and more inputs, tables --------------------------------------------------------------------------


@in_house_style
def fit_scatter(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    held: str = "test",
    fitted: bool = False,
) -> Figure:
    """Predicted against true values, and how the errors are distributed; one row of panels for each output.

    For tables and for functions of three and more inputs.

    Args:
        y_true: Values that should come out, (n,) or (n, k).
        y_pred: Values of the model, the same shape.
        test: Test points (y_true, y_pred), drawn and counted apart.
        names: The outputs; default y, or y1, y2, ...
        title: Above the figure.
        held: What the points of `test` are called: "test", "validation" or "left out".
        fitted: Whether the model was fitted to the values, whose errors then say little of others; the picture says so.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together.

    Example:
        >>> y = np.linspace(0.0, 1.0, 20)
        >>> figure = fit_scatter(y, y**1.01)
        >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
        ('true y', 'predicted y')
    """
    check_held(held)
    known = matching_pair("y_true", y_true, "y_pred", y_pred)
    k = known[0].shape[1]
    own = "training" if fitted or test is not None else "data"
    groups: list[Group] = [(say(own), known, DATA_MARKS)]
    if test is not None:
        groups.append((say(held), matching_pair("test[0]", test[0], "test[1]", test[1]), TEST_MARKS))
        if groups[1][1][0].shape[1] != k:
            raise ShapeError(f"test: {groups[1][1][0].shape[1]} outputs, y_true: {k}; both need the same")
    _, names_out = name_inputs_and_outputs(names, 0, k)

    figure = new_figure(PAGE_WIDTH, 0.25 + 3.3 * k)
    panels = figure.subplots(k, 2, squeeze=False)
    for j in range(k):
        columns_j: list[Group] = [
            (label, (true[:, j], predicted[:, j]), marks) for label, (true, predicted), marks in groups
        ]
        _predicted_against_true(panels[j, 0], columns_j, names_out[j])
        _error_histogram(panels[j, 1], columns_j, named=fitted or len(groups) > 1)
    set_title(figure, title)
    return figure


def _predicted_against_true(axes: Axes, groups: list[Group], name: str) -> None:
    low, high = span(*(values for _, pair, _ in groups for values in pair))
    for label, (true, predicted), marks in groups:
        draw_marks(axes, finite(true), finite(predicted), f"{label} ({len(true)})", marks)
    axes.axline((low, low), slope=1.0, color=GREY, linestyle=(0, (4, 2.5)), linewidth=1.2, zorder=4, label=say("exact"))
    set_x_limits(axes, low, high, margin=0.04)
    axes.set_ylim(axes.get_xlim())
    axes.set_box_aspect(1)
    axes.set_xlabel(wrapped(say("true {name}", name=name), 40))
    axes.set_ylabel(wrapped(say("predicted {name}", name=name), 40))
    axes.legend(loc="upper left")  # empty as soon as the fit is any good


def _error_histogram(axes: Axes, groups: list[Group], named: bool) -> None:
    errors = [difference(predicted, true) for _, (true, predicted), _ in groups]
    limit = symmetric_limit(np.concatenate(errors), *(true for _, (true, _), _ in groups))
    bins = int(np.clip(2 * np.sqrt(max(e.size for e in errors)), 11, 61)) | 1  # odd: one bar stands on 0
    notes = []
    for (label, (true, _), marks), error in zip(groups, errors, strict=True):
        axes.hist(
            error[np.isfinite(error)],
            bins=bins,
            range=(-limit, limit),
            color=marks["color"],
            alpha=0.7,
            label=label,
        )
        notes.append((f"{label}: " if named else "") + _quality(true, error))
    axes.axvline(0.0, **ZERO_LINE)
    axes.set_xlim(-1.05 * limit, 1.05 * limit)
    axes.set_xlabel(say("predicted \N{MINUS SIGN} true"))
    axes.set_ylabel(say("points"))
    axes.locator_params(axis="y", integer=True)
    axes.set_box_aspect(1)
    set_note(axes, "\n".join(notes))


def _quality(true: Array, error: Array) -> str:
    """RMSE, largest error and R² (1 - residual sum / total sum) of the rows where both values are finite."""
    good = np.isfinite(error)
    if not good.any():
        return say("no finite error")
    largest = float(np.abs(error[good]).max())
    scaled = error[good] / (largest or 1.0)  # squares of tiny or huge errors would leave the range of float64
    rmse = number(largest * float(np.sqrt(np.mean(scaled**2))))
    text = say("RMSE {rmse}, max |error| {size}", rmse=rmse, size=number(largest))
    centred = true[good] / 2 - np.mean(true[good] / 2)
    size = float(np.abs(centred).max())
    if size > 0.0:
        unexplained = np.sum((error[good] / 2 / size) ** 2) / np.sum((centred / size) ** 2)
        text += say(", R² {share}", share=_share(1.0 - float(unexplained)))
    return text + ("" if good.all() else say(", {count} not finite", count=np.sum(~good)))


def _share(value: float) -> str:
    """R² with as many nines as it has: 0.99997 must not be printed as 1."""
    if value == 1.0 or value < 0.99:
        return number(value) if value < 0.99 else "1"
    digits = int(np.ceil(-np.log10(1.0 - value))) + 1
    return f"{value:.{digits}f}" if digits <= 9 else f"1 {MINUS} {number(1.0 - value)}"


def slice_points(
    lower: ArrayLike,
    upper: ArrayLike,
    centre: ArrayLike | None = None,
    n: int = 201,
    decades: Sequence[bool] | None = None,
) -> Array:
    """Points on straight lines through a centre of a box, one line along each input: -> (d, n, d).

    Args:
        lower: Lower corner of the box, (d,).
        upper: Upper corner, (d,).
        centre: Point inside the box, (d,); default its middle.
        n: Points on each line, 2 or more.
        decades: For each input, whether it is one over decades: its points and its middle are even in the logarithm.

    Raises:
        ShapeError: corners, centre and decades of different lengths.
        ArgumentError: an upper bound that is not above the lower, a centre outside, n < 2, decades of an input that is
            not positive.

    Example:
        >>> slice_points([0.0, 0.0], [1.0, 2.0], n=3)[1]
        array([[0.5, 0. ],
               [0.5, 1. ],
               [0.5, 2. ]])
    """
    low, high = vector("lower", lower), vector("upper", upper)
    middle = low / 2 + high / 2 if centre is None else vector("centre", centre)
    if not low.shape == high.shape == middle.shape:
        raise ShapeError(
            f"lower, upper, centre: shapes {low.shape}, {high.shape}, {middle.shape}; all need to be the same"
        )
    over = over_decades(decades, low)
    if centre is None:
        middle[over] = np.sqrt(low[over]) * np.sqrt(high[over])
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high)) and np.all(low < high)):
        raise ArgumentError(f"lower, upper: each bound must be finite and lower < upper, not {low} and {high}")
    if not np.all((low <= middle) & (middle <= high)):
        raise ArgumentError(f"centre: {middle} lies outside the box {low} to {high}")
    if n < 2:
        raise ArgumentError(f"n: {n}; a line needs 2 points or more")
    points = np.broadcast_to(middle, (low.size, n, low.size)).copy()
    for i in range(low.size):
        points[i, :, i] = (np.geomspace if over[i] else np.linspace)(low[i], high[i], n)
    return points


@in_house_style
def slices(
    points: ArrayLike,
    target: ArrayLike | None,
    fit: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """A function of many inputs, cut along each through one centre: target, fit, the signed error below.

    Args:
        points: Lines of `slice_points`, (d, n, d).
        target: The function there, (d, n) or (d, n, k), or None.
        fit: The model there, as `target`.
        names: The d inputs, then the outputs; default x1, x2, ..., y.
        title: Above the figure.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together.

    Example:
        >>> points = slice_points([0, 0, 0], [1, 1, 1], n=20)
        >>> y = np.sum(np.sin(points), axis=-1)
        >>> len(slices(points, y, y + 0.001).axes)
        6
    """
    lines = real("points", points)
    d = lines.shape[0] if lines.ndim == 3 else 0
    if d == 0 or lines.shape[2] != d or lines.shape[1] == 0:
        raise ShapeError(f"points: shape {lines.shape}; the (d, n, d) of slice_points is needed")
    model = outputs("fit", fit, lines.shape[:2], "points")
    truth = None if target is None else matching_outputs("target", target, model)
    k = model.shape[2]
    names_in, names_out = name_inputs_and_outputs(names, d, k)
    over = over_decades(decades, lines.min(axis=(0, 1)))
    # Columns per row: three, or two when that leaves no panel alone in the last row.
    across = d if d <= 3 else 2 if d == 4 else 3
    blocks = -(-d // across)
    heights = [1.9, 0.8] if truth is not None else [1.9]

    figure = new_figure(PAGE_WIDTH, 0.5 + k * (blocks * (sum(heights) + 0.45) + 0.25 * (k > 1)))
    for j, part in enumerate(output_rows(figure, k)):
        rows = len(heights)
        grid = part.subplots(rows * blocks, across, squeeze=False, height_ratios=heights * blocks)
        panels = [grid[rows * (i // across) : rows * (i // across + 1), i % across] for i in range(across * blocks)]
        for unused in np.ravel(panels[d:]):
            unused.remove()
        for i, column in enumerate(panels[:d]):
            at = lines[i, :, i]
            order = np.argsort(at, kind="stable")
            truth_ij = None if truth is None else truth[i, order, j]
            _draw_slice(column, panels[0], at[order], truth_ij, model[i, order, j])
            if over[i]:
                logarithmic(column, "x", at[order])
            column[-1].set_xlabel(wrapped(names_in[i], 28))
            if i % across == 0:
                column[0].set_ylabel(wrapped(names_out[j], 22))
        if truth is not None:
            centre_on_zero(panels[0][1], difference(model[..., j], truth[..., j]))
        legend_above(panels[0][0])
        part.align_ylabels()
        set_row_title(part, names_out, j)
    where = ", ".join(f"{name} = {number(c)}" for name, c in zip(names_in, _centre_of(lines), strict=True))
    caption = say("each panel moves one input; the others stay at {where}", where=where)
    figure.supxlabel(wrapped(caption, 105, lines=2), fontsize=8)
    set_title(figure, title)
    return figure


def _draw_slice(column: Any, first: Any, x: Array, truth: Array | None, model: Array) -> None:
    """One slice, and its error below when the target is known; all slices share the scales of the first."""
    upper = column[0]
    draw_line(upper, x, model, {**FIT_LINE, "label": say("fit")})
    mark_missing(upper, x[~np.isfinite(model)], say("fit not finite"), VERMILLION)
    if column is not first:
        upper.sharey(first[0])
    if truth is None:
        return
    draw_line(upper, x, truth, {**TARGET_LINE, "label": say("target")})
    upper.tick_params(labelbottom=False)
    upper.xaxis.get_offset_text().set_visible(False)
    lower = column[1]
    lower.sharex(upper)
    if column is not first:
        lower.sharey(first[1])
    error = difference(model, truth)
    lower.axhline(0.0, **ZERO_LINE)
    draw_line(lower, x, error, ERROR_LINE)
    at = worst(error)
    if at is not None and error[at] != 0.0:
        circle(lower, x[at], error[at])
    set_note(lower, worst_text(error, at, None))
    lower.set_ylabel(say("error"))


def _centre_of(lines: Array) -> Array:
    """The centre of slice lines: input i is constant on every line but its own."""
    d = lines.shape[0]
    return np.array([lines[(i + 1) % d, 0, i] for i in range(d)]) if d > 1 else lines[0, :1, 0]


# --- data and surfaces --------------------------------------------------------------------------------------


@in_house_style
def scatter_2d(
    x: ArrayLike,
    y: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """The points of a data set of two inputs, coloured by value; one panel for each output.

    Args:
        x: Inputs, (n, 2).
        y: Values, (n,) or (n, k).
        test: Test points (x, y), drawn as diamonds with a dark rim on the same colour scale.
        names: The two inputs, then the outputs; default x1, x2, y.
        title: Above the figure.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together; decades of an input that is not
            positive.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
        >>> scatter_2d(x, x[:, 0] * x[:, 1]).axes[0].get_xlabel()
        'x1'
    """
    k = outputs("y", y, (len(table("x", x)),), "x").shape[1]
    groups = point_groups((x, y), test, 2, k)
    names_in, names_out = name_inputs_and_outputs(names, 2, k)
    every = np.concatenate([points[0] for _, points, _ in groups])
    over = over_decades(decades, every.min(axis=0, initial=np.inf))
    across = min(k, 2)
    down = -(-k // across)
    figure = new_figure(PAGE_WIDTH if across == 2 else 5.0, 0.25 + (3.2 if across == 2 else 4.2) * down)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for j, axes in enumerate(panels):
        if j >= k:
            axes.remove()
            continue
        values = [points[1][:, j] for _, points, _ in groups]
        marks = draw_coloured(axes, groups, values, SEQUENTIAL, *colour_limits(*values), legend=True)
        bar = figure.colorbar(marks, ax=axes, aspect=25)
        bar.set_label(wrapped(names_out[j], 34))
        for side, values_in, logs in zip("xy", every.T, over, strict=True):
            if logs:
                logarithmic([axes], side, values_in)
        axes.set_xlabel(wrapped(names_in[0], 36))
        axes.set_ylabel(wrapped(names_in[1], 34))
    set_title(figure, title)
    return figure


@in_house_style
def surface(
    x1: ArrayLike,
    x2: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: Sequence[bool] | None = None,
    elevation: float = 28.0,
    azimuth: float = -58.0,
) -> Figure:
    """Values on a grid as a surface in space; one panel for each output.

    Args:
        x1: Axis of the first input, (n,).
        x2: Axis of the second input, (m,).
        y: Values, (m, n) or (m, n, k): rows follow x2. Values that are not finite leave a hole.
        names: The two inputs, then the outputs; default x1, x2, y.
        title: Above the figure.
        decades: For each input, whether it is drawn over its logarithm.
        elevation: Degrees of the viewer above the plane of the inputs.
        azimuth: Degrees by which the viewer is turned about the vertical axis.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together; an axis of one point; decades of an
            axis that is not positive.

    Example:
        >>> x = np.linspace(-2, 2, 30)
        >>> surface(x, x, np.exp(-x**2 - x[:, None]**2)).axes[0].get_zlabel()
        'y'
    """
    first, second, transposed = grid_axes(x1, x2)
    if min(first.size, second.size) < 2:
        raise ArgumentError(
            f"x1, x2: a surface needs 2 points or more on each axis, not {first.size} and {second.size}"
        )
    over = over_decades(decades, np.array([first.min(), second.min()]))
    values = on_grid("y", y, (second.size, first.size), transposed)
    k = values.shape[2]
    names_in, names_out = name_inputs_and_outputs(names, 2, k)
    order1, order2 = np.argsort(first), np.argsort(second)
    # The box in space has no logarithmic axes: it is drawn over the logarithms, which the ticks turn back.
    sides = zip((first[order1], second[order2]), over, strict=True)
    plane = np.meshgrid(*(np.log10(x) if logs else x for x, logs in sides))
    across = min(k, 2)
    down = -(-k // across)
    width, height = (PAGE_WIDTH, 3.0 * down + 0.35) if across == 2 else (5.5, 4.2)
    # Placed by hand: the automatic layout does not see how far a box in space reaches.
    figure = new_figure(width, height, layout=None)
    top = 1.0 - 0.35 / height
    for j in range(k):
        column, row = j % across, j // across
        left, bottom = column / across, top * (1.0 - (row + 1) / down)
        axes: Any = figure.add_axes(
            (left, bottom, (0.8 if across == 1 else 0.76) / across, top / down), projection="3d"
        )
        values_j = finite(values[np.ix_(order2, order1)][..., j])
        low, high = colour_limits(values_j)
        drawn = axes.plot_surface(
            *plane,
            np.ma.masked_invalid(values_j),
            cmap=SEQUENTIAL,
            vmin=low,
            vmax=high,
            rcount=120,
            ccount=120,
            linewidth=0.0,
            rasterized=True,  # thousands of patches take megabytes in a vector file
            antialiased=False,  # antialiased patches show hairlines between them
        )
        axes.view_init(elevation, azimuth)
        axes.set_box_aspect((1.0, 1.0, 0.75), zoom=0.95 if across == 1 else 0.85)
        for axis, name in ((axes.xaxis, names_in[0]), (axes.yaxis, names_in[1]), (axes.zaxis, names_out[j])):
            axis.set_label_text(wrapped(name, 24, lines=2))
            axis.get_major_locator().set_params(nbins=5, steps=[1, 2, 5, 10])
        for axis, x, logs in zip((axes.xaxis, axes.yaxis), (first, second), over, strict=True):
            if logs:
                _tick_decades(axis, float(x.min()), float(x.max()))
        axes.tick_params(pad=0)
        bar_axes = figure.add_axes(
            (
                left + 0.87 / across,
                bottom + 0.2 * top / down,
                0.022 if across == 1 else 0.014,
                0.6 * top / down,
            )
        )
        bar: Any = figure.colorbar(drawn, cax=bar_axes)
        if across == 1:  # beside two there is no room, and the axis has the name
            bar.set_label(wrapped(names_out[j], 34))
        bar.locator.set_params(nbins=5, steps=[1, 2, 5, 10])
        bar.update_ticks()
    set_title(figure, title)
    return figure


def _tick_decades(axis: Any, low: float, high: float) -> None:
    """Ticks of an axis of decimal logarithms: at powers of ten, of fewer than two decades at 1, 2 and 5 of each."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator

    subs = (1.0,) if high >= 100.0 * low else (1.0, 2.0, 5.0)
    at = np.array([t for t in LogLocator(subs=subs, numticks=6).tick_values(low, high) if low <= t <= high])
    if at.size < 2:
        at = np.array([low, high])
    plain = low >= 1e-3 and high <= 1e4
    labels = [f"{t:g}" for t in at] if plain or subs != (1.0,) else LogFormatterSciNotation().format_ticks(at.tolist())
    axis.set_ticks(np.log10(at), labels)
