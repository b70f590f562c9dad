"""Where the error is large."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError

from .arrays import Array, finite, name_inputs_and_outputs, outputs, span, table
from .canvas import new_figure
from .language import say
from .panels import (
    RASTER_ABOVE,
    Peak,
    cell_edges,
    circle,
    draw_cells,
    logarithmic,
    mark_missing,
    mark_size,
    output_rows,
    over_decades,
    peaks_of,
    set_caption,
    set_note,
    set_row_title,
    set_title,
    set_x_limits,
    worst_point,
)
from .style import (
    GREY,
    MAGNITUDE,
    PAGE_WIDTH,
    PALE,
    VERMILLION,
    in_house_style,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DECADES = 4.0  # of error sizes told apart by colour; below that an error is small next to the largest


FINE = 41  # cells along an axis from which on a map shows the largest error nearby


@in_house_style
def error_map(
    x: ArrayLike,
    error: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    most: int = 5,
    peaks: Sequence[tuple[ArrayLike, float]] | None = None,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """The size of the error over the inputs, on a logarithmic scale, the worst point circled.

    One input: |error| against it. Two inputs: |error| as colour, over the cells of a grid when the points
    form one, else point by point, larger ones on top. More inputs: a triangle of panels, one for each pair; a
    cell shows the largest |error| of all points that fall into it, whatever their other inputs; on the
    diagonal the same for one input.

    Args:
        x: Points, (n, d), or (n,) for one input.
        error: Signed or absolute errors there, (n,) or (n, k).
        names: The d inputs, then the k outputs; default x1, x2, ..., y.
        title: Above the figure.
        most: With more inputs than this only so many are drawn: those along which the error changes most.
        peaks: For each output the point of the largest error known, found by a search, and the error there: it is
            circled and told instead of the largest that is drawn.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, `most` below 2.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, (500, 3))
        >>> len(error_map(x, 1e-3 * x[:, 0] * x[:, 2]).axes)  # 3 pairs, 3 inputs, colour bar
        7
    """
    points = table("x", x)
    errors = outputs("error", error, (len(points),), "x")
    d, k = points.shape[1], errors.shape[1]
    if most < 2:
        raise ArgumentError(f"most: {most}; a map needs 2 inputs or more")
    if not np.all(np.isfinite(points)):
        raise ArgumentError("x: a point is not finite; drop it and its error")
    names_in, names_out = name_inputs_and_outputs(names, d, k)
    tops = peaks_of("peaks", peaks, d, k)
    over = over_decades(decades, points.min(axis=0, initial=np.inf))
    shown = min(d, most)
    height = 3.0 if d == 1 else 4.2 if d == 2 else 0.8 + 6.2 * shown / max(shown, 4)
    figure = new_figure(PAGE_WIDTH if d != 2 else 5.2, 0.3 + height * k)
    for j, row in enumerate(output_rows(figure, k)):
        sizes = np.abs(finite(errors[:, j]))
        if d == 1:
            _map_1d(row, points[:, 0], sizes, names_in, tops[j], over)
        elif d == 2:
            _map_2d(row, points, sizes, names_in, tops[j], over)
        else:
            _map_pairs(row, points, sizes, names_in, shown, tops[j], over)
        set_row_title(row, names_out, j)
    set_title(figure, title)
    return figure


def _map_1d(row: Any, x: Array, sizes: Array, names: list[str], top: Peak | None, over: Array) -> None:
    axes = row.subplots()
    order = np.argsort(x, kind="stable")
    top, text = worst_point(sizes, x[:, None], names, top)
    if top is not None or np.any(sizes > 0):
        axes.set_yscale("log")
        mark_missing(axes, x[sizes == 0], say("exactly 0"), GREY, marker="v")
    if top is not None:
        circle(axes, float(top.place[0]), abs(top.error))
    drawn = np.where(sizes[order] > 0, sizes[order], np.nan) if np.any(sizes > 0) else sizes[order]
    axes.plot(x[order], drawn, color=VERMILLION, linewidth=1.2, marker="." if x.size <= 200 else "")
    mark_missing(axes, x[np.isnan(sizes)], say("error not finite"), VERMILLION)
    axes.set_xlabel(wrapped(names[0], 90))
    axes.set_ylabel(say("|error|"))
    if over[0]:
        logarithmic([axes], "x", x)
    else:
        set_x_limits(axes, *span(x), margin=0.02)
    set_note(axes, text)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")


def _map_2d(row: Any, points: Array, sizes: Array, names: list[str], top: Peak | None, over: Array) -> None:
    axes = row.subplots()
    first, second = np.unique(points[:, 0]), np.unique(points[:, 1])
    label = say("|error|")
    if points.shape[0] == first.size * second.size > 1 and len(np.unique(points, axis=0)) == len(points):
        rows = np.lexsort((points[:, 0], points[:, 1]))
        cells = sizes[rows].reshape(second.size, first.size)
        if min(cells.shape) >= FINE:  # an error that changes its sign would be salt and pepper on a logarithmic scale
            cells, label = _largest_around(cells), say("largest |error| nearby")
        colours, extend = _colours(cells.ravel())
        marks = draw_cells(axes, first, second, _floored(cells, colours), **colours)
    else:
        colours, extend = _colours(sizes)
        floored = _floored(sizes, colours)
        rows = np.argsort(np.where(np.isnan(floored), -1.0, floored), kind="stable")
        marks = axes.scatter(
            *points[rows].T,
            c=floored[rows],
            s=1.6 * mark_size(len(points)) ** 2,
            linewidths=0.0,
            rasterized=len(points) > RASTER_ABOVE,
            plotnonfinite=False,
            **colours,
        )
        missing = np.isnan(sizes)
        if missing.any():
            axes.plot(*points[missing].T, "x", color=VERMILLION, markersize=5)
        axes.set_box_aspect(1)
    top, text = worst_point(sizes, points, names, top)
    if top is not None:
        circle(axes, *top.place)
    for i in np.flatnonzero(over):
        logarithmic([axes], "xy"[i], points[:, i], margin=0.0)
    axes.set_xlabel(wrapped(names[0], 40))
    axes.set_ylabel(wrapped(names[1], 40))
    bar = row.colorbar(marks, ax=axes, aspect=25, extend=extend)
    bar.set_label(label)
    _caption(row, sizes, text)


def _largest_around(cells: Array, reach: int = 2) -> Array:
    """The largest of the cells up to `reach` away in each direction; a cell that is NaN stays so."""
    largest = cells
    for axis in (0, 1):
        padded = np.pad(largest, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], constant_values=np.nan)
        length = cells.shape[axis]
        parts = [np.take(padded, np.arange(k, k + length), axis=axis) for k in range(2 * reach + 1)]
        largest = functools.reduce(np.fmax, parts)
    return np.asarray(np.where(np.isnan(cells), np.nan, largest))


def _map_pairs(
    row: Any, points: Array, sizes: Array, names: list[str], shown: int, top: Peak | None, over: Array
) -> None:
    d = points.shape[1]
    bins = int(np.clip(np.sqrt(len(points) / 4), 5, 40))
    edges = [_bin_edges(points[:, i], bins, over[i]) for i in range(d)]
    cells = np.stack([_cell_of(points[:, i], edges[i]) for i in range(d)], axis=1)  # (n, d)
    profiles = [_largest(sizes, cells[:, i], (len(edges[i]) - 1,)) for i in range(d)]
    kept = sorted(np.argsort([-_decades(profile) for profile in profiles], kind="stable")[:shown].tolist())

    grid = row.subplots(shown, shown, squeeze=False)
    colours, extend = _colours(np.concatenate([profiles[i] for i in kept]))
    top, text = worst_point(sizes, points, names, top)
    mesh = None
    for r, c in ((r, c) for r in range(shown) for c in range(shown)):
        axes = grid[r, c]
        i, j = kept[r], kept[c]
        if c > r:
            axes.remove()
            continue
        if c == r:
            floored = _floored(profiles[i], colours)
            axes.stairs(floored, edges[i], color=VERMILLION, linewidth=1.2, baseline=None)
            if np.any(profiles[i] > 0):
                axes.set_yscale("log")
                axes.set_ylim(colours["norm"].vmin / 1.5, colours["norm"].vmax * 1.5)
            if r == 0:
                axes.set_ylabel(say("|error|"))
        else:
            shape = (len(edges[i]) - 1, len(edges[j]) - 1)
            largest = _largest(sizes, cells[:, i] * shape[1] + cells[:, j], (shape[0] * shape[1],)).reshape(shape)
            axes.grid(False)
            axes.patch.set_facecolor(PALE)  # a cell without points
            shades = np.ma.masked_invalid(_floored(largest, colours))
            mesh = axes.pcolormesh(edges[j], edges[i], shades, rasterized=True, **colours)
            if top is not None:
                circle(axes, float(top.place[j]), float(top.place[i]), markersize=5)
            if over[i]:
                logarithmic([axes], "y", edges[i], margin=0.0)
            axes.set_ylim(edges[i][0], edges[i][-1])
        if over[j]:
            logarithmic([axes], "x", edges[j], margin=0.0)
        else:
            axes.locator_params(axis="x", nbins=4 if shown < 4 else 3, steps=[1, 2, 3, 5, 10])
        axes.set_xlim(edges[j][0], edges[j][-1])
        axes.tick_params(labelbottom=r == shown - 1, labelleft=c == 0, labelsize=7)
        axes.xaxis.get_offset_text().set_visible(r == shown - 1)
        if r == shown - 1:
            axes.set_xlabel(wrapped(names[j], 80 // shown))
        if c == 0 and r > 0:
            axes.set_ylabel(wrapped(names[i], 60 // shown))
    bar = row.colorbar(mesh, ax=list(grid[np.tril_indices(shown)]), aspect=35, shrink=0.8, extend=extend)
    bar.set_label(say("largest |error|"))
    _caption(row, sizes, (say("{shown} of {d} inputs; ", shown=shown, d=d) if shown < d else "") + text)


def _colours(sizes: Array) -> tuple[dict[str, Any], str]:
    """Colour settings for error sizes, logarithmic when there are any, and at which end the scale is open."""
    from matplotlib.colors import LogNorm, Normalize

    positive = sizes[sizes > 1e-300]  # smaller ones have no decades below them in float64
    if positive.size == 0:
        return {"cmap": MAGNITUDE, "norm": Normalize(0.0, float(np.spacing(1.0)))}, "neither"
    high = float(positive.max())
    low = max(float(positive.min()), high * 10.0**-_DECADES)
    if low == high:
        low = high / 10.0
    return {"cmap": MAGNITUDE, "norm": LogNorm(low, high)}, "min" if np.any(sizes < low) else "neither"


def _floored(sizes: Array, colours: dict[str, Any]) -> Array:
    """Sizes that a logarithmic scale can take: what lies below it stands at its lower end; NaN stays."""
    return np.maximum(sizes, float(colours["norm"].vmin))


def _bin_edges(values: Array, bins: int, over: bool) -> Array:
    """Borders of cells that are equal over the range of an input, or over its logarithm; of few values one for each."""
    distinct = np.unique(values)
    if distinct.size <= bins:
        return cell_edges(distinct)
    return (np.geomspace if over else np.linspace)(distinct[0], distinct[-1], bins + 1)


def _cell_of(values: Array, edges: Array) -> Any:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _largest(sizes: Array, cell: Any, shape: tuple[int, ...]) -> Array:
    """Largest size in each cell, NaN where a cell holds no point."""
    out: Array = np.full(shape, np.nan)
    np.fmax.at(out, cell, sizes)
    return out


def _decades(profile: Array) -> float:
    """How much the error changes along an input, in powers of ten."""
    known = profile[profile > 0]
    return float(np.log10(known.max()) - np.log10(known.min())) if known.size else 0.0


def _caption(row: Any, sizes: Array, text: str) -> None:
    missing = int(np.sum(np.isnan(sizes)))
    set_caption(row, text + (say("; {count} not finite", count=missing) if missing else ""))
