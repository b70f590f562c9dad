"""The parts of every panel: lines with gaps, marks, cells, colour bars, notes, legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import Array, finite, outputs, span, symmetric_limit, table, worst
from .language import say
from .style import GREEN, MINUS, ORANGE, PALE, VERMILLION, WORST_POINT, columns, number, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = tuple[ArrayLike, ...]
"""(x, y), or (x, y, prediction) where the model's own values at x are known."""

RASTER_ABOVE = 2000  # more marks than this become pixels inside a vector file, which would otherwise take megabytes

DATA_MARKS: dict[str, Any] = {"color": ORANGE, "marker": "o", "zorder": 2}
TEST_MARKS: dict[str, Any] = {"color": GREEN, "marker": "D", "zorder": 2}

Group = tuple[str, tuple[Array, ...], dict[str, Any]]


# What the points are that were held back: in a legend, and in a title.
HELD = {
    "test": ("test data", "data (test: \N{WHITE DIAMOND})"),
    "validation": ("validation data", "data (validation: \N{WHITE DIAMOND})"),
    "left out": ("data, left out", "data (left out: \N{WHITE DIAMOND})"),
}


def point_groups(data: Points | None, test: Points | None, d: int, k: int, held: str = "test") -> list[Group]:
    """Labelled points, checked: (x (n, d), y (n, k)) or with predictions (n, k) as a third."""
    check_held(held)
    groups: list[Group] = []
    for name, label, given, marks in (
        ("data", say("data" if test is None else "training data"), data, DATA_MARKS),
        ("test", say(HELD[held][0]), test, TEST_MARKS),
    ):
        if given is None:
            continue
        if len(given) not in (2, 3):
            raise ArgumentError(f"{name}: {len(given)} arrays; (x, y) or (x, y, prediction) is needed")
        x = table(f"{name}[0]", given[0])
        if x.shape[1] != d:
            raise ShapeError(
                f"{name}[0]: shape {x.shape}; points of {d} input{'s' if d > 1 else ''}, (n, {d}), are needed"
            )
        values = [outputs(f"{name}[{i}]", given[i], (len(x),), f"{name}[0]") for i in range(1, len(given))]
        if any(v.shape[1] != k for v in values):
            raise ShapeError(f"{name}: {', '.join(str(v.shape[1]) for v in values)} outputs; {k} needed")
        groups.append((label, (x, *values), marks))
    return groups


def check_held(held: str) -> None:
    if held not in HELD:
        raise ArgumentError(f"held={held!r} must be one of {', '.join(map(repr, HELD))}")


def matching_outputs(name: str, values: ArrayLike, model: Array) -> Array:
    truth = outputs(name, values, model.shape[:-1], "fit")
    if truth.shape != model.shape:
        raise ShapeError(f"{name}: {truth.shape[-1]} outputs, fit: {model.shape[-1]}; both need the same")
    return truth


def matching_pair(name: str, values: ArrayLike, other_name: str, others: ArrayLike) -> tuple[Array, Array]:
    first, second = table(name, values), table(other_name, others)
    if first.shape != second.shape:
        raise ShapeError(f"{name}, {other_name}: shapes {first.shape} and {second.shape}; both need the same")
    return first, second


def output_rows(figure: Figure, k: int) -> list[Any]:
    """One row for each output; the figure itself when there is one."""
    return [figure] if k == 1 else list(np.ravel(figure.subfigures(k, 1, squeeze=False)))


def set_row_title(row: Any, names: list[str], j: int) -> None:
    if len(names) > 1:
        row.suptitle(wrapped(names[j], 80), fontsize=9, fontweight="normal")


def draw_line(axes: Axes, x: Array, y: Array, style: dict[str, Any]) -> None:
    axes.plot(x, finite(y), **style)
    # A value between two gaps has no line through it; a dot shows that it is there.
    known = np.isfinite(y)
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    if alone.any():
        axes.plot(x[alone], y[alone], ".", color=style["color"], zorder=style.get("zorder", 2))


def draw_marks(axes: Axes, x: Array, y: Array, label: str, marks: dict[str, Any]) -> None:
    axes.plot(
        x,
        finite(y),
        linestyle="none",
        markersize=mark_size(x.size),
        markeredgewidth=0.0,
        alpha=0.9 if x.size <= 300 else 0.5,
        rasterized=x.size > RASTER_ABOVE,
        label=label,
        **marks,
    )


def mark_size(count: int) -> float:
    """Diameter in points: 5 for a handful, 2 for thousands."""
    return float(np.clip(5.0 * (30 / max(count, 30)) ** 0.22, 1.8, 5.0))


def circle(axes: Axes, x: float, y: float, **more: Any) -> None:
    """Ring the worst (or best) point, with a pale rim so that it shows on dark colours."""
    from matplotlib.patheffects import withStroke

    rim = withStroke(linewidth=2.6, foreground="white")
    axes.plot([x], [y], path_effects=[rim], **{**WORST_POINT, **more})


def mark_missing(axes: Axes, x: Array, label: str, color: str, marker: str = "x") -> None:
    """Crosses on the axis where there is no value to draw."""
    if x.size:
        axes.plot(
            x,
            np.zeros_like(x),
            marker=marker,
            markersize=5,
            color=color,
            linestyle="none",
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            zorder=5,
            label=f"{label} ({x.size})",
        )


NEAR = 1e-2  # of its size, within which places on an axis are told apart by more than three digits


def worst_text(error: Array, at: int | None, where: str | None) -> str:
    if at is None:
        return say("no finite error")
    size = abs(float(error.flat[at]))
    if size == 0.0 or where is None:
        return say("max |error| {size}", size=number(size))
    return say("max |error| {size} at {where}", size=number(size), where=where)


class Peak(NamedTuple):
    """The largest error of an output that is known, found by a search of which no point need be drawn."""

    place: Array  # (d,)
    error: float  # signed


def peaks_of(name: str, given: Sequence[tuple[ArrayLike, float]] | None, d: int, k: int) -> list[Peak | None]:
    """One for each output, or None."""
    if given is None:
        return [None] * k
    peaks: list[Peak | None] = [Peak(np.asarray(place, np.float64), float(error)) for place, error in given]
    if len(peaks) != k or any(p is not None and p.place.shape != (d,) for p in peaks):
        raise ShapeError(f"{name}: needs a point of {d} inputs and its error for each of {k} outputs")
    return peaks


def worst_point(error: Array, places: Array, names: Sequence[str], peak: Peak | None) -> tuple[Peak | None, str]:
    """The largest of the errors at places (n, d), or the one that is known, to be circled; and what is said of it."""
    if peak is None:
        at = worst(error)
        if at is None:
            return None, say("no finite error")
        peak = Peak(places[at], float(error.flat[at]))
    spans = np.ptp(places.reshape(-1, len(names)), axis=0) if len(places) else np.zeros(len(names))
    where = ", ".join(place_text(*each) for each in zip(names, peak.place, spans, strict=True))
    if peak.error == 0.0:
        return None, say("max |error| {size}", size=number(0.0))
    text = say("max |error| {size} at {where}", size=number(abs(peak.error)), where=where)
    return peak if np.isfinite(peak.error) else None, text


def place_text(name: str, value: float, span: float = 0.0) -> str:
    return f"{name} = {place_number(value, span)}" if columns(name) <= 24 else place_number(value, span)


def place_number(value: float, span: float = 0.0) -> str:
    """A place in three digits, or in as many as tell it from others on an axis of this span, whatever its offset."""
    if not (np.isfinite(value) and np.isfinite(span)) or span <= 0.0 or span > NEAR * abs(value):
        return number(value)
    digits = min(17, 3 + int(np.ceil(np.log10(abs(value) / span))))
    text = f"{value:.{digits}g}"
    return (text if "e" not in text else f"{value:.{digits - 1}e}").replace("-", MINUS)


def set_note(axes: Axes, text: str) -> None:
    """A line above the panel, at its right end: the left belongs to the power of ten of the axis."""
    axes.set_title(plain(text), loc="right", fontsize=8, pad=3)


def legend_above(axes: Axes) -> None:
    """The legend outside, right-aligned: in one row if the panel is wide enough, else in several."""
    width = 14.5 * axes.bbox.width / axes.figure.dpi  # columns of text at 8 points
    entries = [columns(label) + 7 for label in axes.get_legend_handles_labels()[1]]
    across = len(entries) if sum(entries) <= width else max(int(width / max(entries)), 1)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=across, borderaxespad=0.1, handletextpad=0.5)


def set_title(figure: Figure, title: str | None) -> None:
    if title:
        figure.suptitle(wrapped(title, 88))


def set_x_limits(axes: Axes, low: float, high: float, margin: float) -> None:
    room = margin * (high - low) or 0.5 * max(abs(low), 1.0)
    axes.set_xlim(low - room, high + room)


def over_decades(decades: Sequence[bool] | None, low: Array) -> Array:
    """For each input whether it is drawn over its logarithm, (d,) bool; low: the least value of each."""
    over = np.zeros(low.size, bool) if decades is None else np.array(decades, bool)
    if over.shape != low.shape:
        raise ShapeError(f"decades: shape {over.shape}; one for each of {low.size} inputs is needed")
    if (below := low[over & (low <= 0.0)]).size:
        raise ArgumentError(f"decades: an input goes down to {below[0]:g}; only positive numbers have a logarithm")
    return over


def logarithmic(panels: Sequence[Axes], side: str, x: Array, margin: float = 0.02) -> None:
    """Axes over the logarithm of what they show, with a margin in decades: that of a linear axis goes below 0."""
    low, high = span(x)
    room = (high / low) ** margin if high > low else 10.0
    for axes in panels:
        getattr(axes, f"set_{side}scale")("log")
        getattr(axes, f"set_{side}lim")(low / room, high * room)


def centre_on_zero(axes: Axes, error: Array) -> None:
    limit = 1.15 * symmetric_limit(error)
    axes.set_ylim(-limit, limit)


def cell_edges(axis: Array) -> Array:
    """Borders of the cells around sorted grid points: half way between neighbours."""
    if axis.size == 1:
        half = 0.5 * max(abs(float(axis[0])), 1.0)
        return np.array([axis[0] - half, axis[0] + half])
    inner = axis[:-1] / 2 + axis[1:] / 2
    return np.concatenate([[axis[0]], inner, [axis[-1]]])


def draw_cells(axes: Axes, x1: Array, x2: Array, values: Array, **colours: Any) -> Any:
    """Coloured cells; the outermost end at the first and last grid point: the picture is the domain."""
    order1, order2 = np.argsort(x1), np.argsort(x2)
    shown = np.ma.masked_invalid(values[np.ix_(order2, order1)])
    if shown.mask.any():
        axes.patch.set(facecolor="white", hatch="xxxx", edgecolor=PALE)
    axes.grid(False)
    return axes.pcolormesh(cell_edges(x1[order1]), cell_edges(x2[order2]), shown, rasterized=True, **colours)


def count_missing(name: str, values: Array) -> str:
    missing = int(np.sum(~np.isfinite(values)))
    return name + say(", {count} not finite", count=missing) if missing else name


def frame_square(axes: Axes, x1: Array, x2: Array, groups: list[Group], over: Array) -> None:
    """A square panel that ends where grid and points end; over: which inputs are drawn over their logarithms, (2,)."""
    edges1, edges2 = cell_edges(np.sort(x1)), cell_edges(np.sort(x2))
    for i, (side, edges) in enumerate(zip("xy", (edges1, edges2), strict=True)):
        ends = span(edges, *(points[0][:, i] for _, points, _ in groups))
        if over[i]:
            logarithmic([axes], side, np.array(ends), margin=0.0)
        else:
            getattr(axes, f"set_{side}lim")(*ends)
    axes.set_box_aspect(1)
    if not over[0]:  # Steps of 1, 2, 5: labels at both ends of neighbouring panels would touch.
        axes.locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)


def draw_dots(axes: Axes, x: Array) -> None:
    """Where points lie, over a coloured panel: rimmed dots, or specks through which it shows when many."""
    few = len(x) <= 300
    axes.plot(
        x[:, 0],
        x[:, 1],
        linestyle="none",
        marker="o",
        markersize=0.6 * mark_size(len(x)) if few else 0.9,
        markerfacecolor="white" if few else "black",
        markeredgecolor="black",
        markeredgewidth=0.3 if few else 0.0,
        alpha=0.8 if few else 0.5,
        rasterized=len(x) > RASTER_ABOVE,
    )


def draw_coloured(
    axes: Axes,
    groups: list[Group],
    values: list[Array],
    cmap: str,
    low: float,
    high: float,
    *,
    legend: bool = False,
) -> Any:
    marks = None
    for (label, points, style), y in zip(groups, values, strict=True):
        x = points[0]
        known = np.isfinite(y)
        is_test = style is TEST_MARKS
        marks = axes.scatter(
            x[known, 0],
            x[known, 1],
            c=y[known],
            s=mark_size(len(x)) ** 2 * (1.6 if is_test else 1.3),
            marker=style["marker"],
            cmap=cmap,
            vmin=low,
            vmax=high,
            edgecolors="black" if is_test else "none",
            linewidths=0.6 if is_test else 0.0,
            rasterized=len(x) > RASTER_ABOVE,
            label=f"{label} ({len(x)})",
        )
        if not known.all():
            axes.plot(
                x[~known, 0],
                x[~known, 1],
                "x",
                color=VERMILLION,
                markersize=5,
                label=f"{say('not finite')} ({np.sum(~known)})",
            )
    if legend and (len(groups) > 1 or len(axes.get_lines())):
        legend_above(axes)
    return marks


def set_caption(row: Any, text: str) -> None:
    row.supxlabel(wrapped(text, 110), x=0.985, ha="right", fontsize=8)


def add_colour_bar(row: Any, mesh: Any, panels: list[Any], *, extend: str = "neither", label: str = "") -> None:
    bar = row.colorbar(mesh, ax=panels, location="bottom", extend=extend, aspect=18 * len(panels), shrink=0.9, pad=0.04)
    bar.locator.set_params(nbins=4 if len(panels) == 1 else 8, steps=[1, 2, 5, 10])
    bar.update_ticks()
    bar.ax.xaxis.label.set_size(8)
    if label:
        bar.set_label(wrapped(label, 60))
