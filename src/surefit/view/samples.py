"""Where training points lie, and which of them were added later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import Array, name_inputs_and_outputs, outputs, span, table, vector
from .canvas import new_figure
from .language import say
from .panels import RASTER_ABOVE, draw_line, legend_above, logarithmic, mark_size, over_decades, set_title, set_x_limits
from .style import GREY, PAGE_WIDTH, TARGET_LINE, in_house_style, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_house_style
def sample_map(
    x: ArrayLike,
    rounds: ArrayLike | None = None,
    *,
    curve: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    most: int = 5,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """The points of a sample over the inputs; those added in later rounds in colours of their own.

    One input: a row of ticks for each round. Two inputs: the square. More: a triangle of panels, one for each pair, and
    on the diagonal how the points of each round are spread along one input.

    Args:
        x: Points, (n, d), or (n,) for one input.
        rounds: The round in which each was added, (n,) whole numbers; 0 is the first sample. None: all 0.
        curve: For one input, (x, y): the function above the ticks.
        names: The d inputs, then the outputs; default x1, x2, ..., y.
        title: Above the figure.
        most: With more inputs than this only the first are drawn.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, `most` below 2.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
        >>> len(sample_map(x, np.repeat([0, 1], 50)).axes)  # 3 pairs and 3 inputs
        6
    """
    points = table("x", x)
    n, d = points.shape
    if most < 2:
        raise ArgumentError(f"most: {most}; a map needs 2 inputs or more")
    if not np.all(np.isfinite(points)):
        raise ArgumentError("x: a point is not finite; drop it")
    of = np.zeros(n) if rounds is None else vector("rounds", rounds)
    if of.shape != (n,):
        raise ShapeError(f"rounds: shape {of.shape}; one for each point, ({n},), is needed")
    if curve is not None and d != 1:
        raise ArgumentError(f"curve: is drawn for one input, and there are {d}")
    groups = [_Group(r, points[of == r]) for r in np.unique(of)]
    for group, colour in zip(groups, _colours(len(groups)), strict=True):
        group.style["color"] = colour
    names_in, names_out = name_inputs_and_outputs(names, d, _outputs_of(curve, names, d))
    over = over_decades(decades, points.min(axis=0, initial=np.inf))
    shown = min(d, most)
    height = (
        (3.0 if curve is not None else 0.6) + 0.35 * len(groups) if d == 1 else 5.0 if d == 2 else 1.8 * shown + 0.6
    )
    figure = new_figure(PAGE_WIDTH if d != 2 else 5.2, 0.6 + height)
    if d == 1:
        _draw_ticks(figure, groups, curve, names_in[0], names_out, bool(over[0]))
    elif d == 2:
        _draw_square(figure, groups, names_in, over)
    else:
        _draw_pairs(figure, groups, names_in, shown, over)
    set_title(figure, title)
    return figure


class _Group:
    """The points of one round."""

    def __init__(self, number: float, points: Array) -> None:
        self.points = points
        name = say("first sample") if number == 0 else say("round {number}", number=f"{number:.0f}")
        self.label = f"{name} ({len(points)})"
        self.style: dict[str, Any] = {"zorder": 2 + number / 100}


def _colours(count: int) -> list[Any]:
    """Grey for the first sample, then from dark to bright, the last round the brightest."""
    import matplotlib

    later = matplotlib.colormaps["plasma"](np.linspace(0.1, 0.85, max(count - 1, 1)))
    return [GREY, *later[: count - 1]]


def _outputs_of(curve: tuple[ArrayLike, ArrayLike] | None, names: Sequence[str] | None, d: int) -> int:
    """How many outputs there are: those of a curve, or those that are named."""
    if curve is None:
        return 1 if names is None or isinstance(names, str) else max(1, len(names) - d)
    return outputs("curve[1]", curve[1], vector("curve[0]", curve[0]).shape, "curve[0]").shape[1]


def _dots(axes: Any, x: Array, y: Array, group: _Group, first: bool) -> None:
    axes.plot(
        x, y, linestyle="none", marker="o", markeredgewidth=0.0, alpha=0.45 if first else 0.9,
        markersize=(0.7 if first else 0.9) * mark_size(len(x)), rasterized=len(x) > RASTER_ABOVE, label=group.label,
        **group.style,
    )  # fmt: skip


def _draw_ticks(
    figure: Figure,
    groups: list[_Group],
    curve: tuple[ArrayLike, ArrayLike] | None,
    name: str,
    names_out: list[str],
    over: bool,
) -> None:
    heights = ([2.4] if curve is not None else []) + [0.3 + 0.35 * len(groups)]
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    if curve is not None:
        at = vector("curve[0]", curve[0])
        values = outputs("curve[1]", curve[1], at.shape, "curve[0]")
        order = np.argsort(at, kind="stable")
        for j in range(values.shape[1]):
            draw_line(panels[0], at[order], values[order, j], TARGET_LINE)
        panels[0].set_ylabel(wrapped(", ".join(names_out), 26))
    rows = panels[-1]
    for i, group in enumerate(groups):
        rows.plot(
            group.points[:, 0], np.full(len(group.points), i), linestyle="none", marker="|", markersize=11,
            markeredgewidth=0.8, rasterized=len(group.points) > RASTER_ABOVE, **group.style,
        )  # fmt: skip
    rows.set_yticks(range(len(groups)), [group.label for group in groups])
    rows.set_ylim(len(groups) - 0.4, -0.6)
    rows.grid(False)
    rows.set_xlabel(wrapped(name, 90))
    ends = [group.points for group in groups]
    if over:
        logarithmic([rows], "x", np.concatenate([*(p.ravel() for p in ends), np.ravel(curve[0] if curve else [])]))
    else:
        set_x_limits(rows, *span(*ends), margin=0.02)


def _draw_square(figure: Figure, groups: list[_Group], names: list[str], over: Array) -> None:
    axes = figure.subplots()
    for i, group in enumerate(groups):
        _dots(axes, group.points[:, 0], group.points[:, 1], group, i == 0)
    for i, side in enumerate("xy"):
        if over[i]:
            logarithmic([axes], side, np.concatenate([group.points[:, i] for group in groups]))
    axes.set_box_aspect(1)
    axes.set_xlabel(wrapped(names[0], 40))
    axes.set_ylabel(wrapped(names[1], 40))
    legend_above(axes)


def _spread(axes: Any, group: _Group, i: int, ends: tuple[float, float], over: bool) -> None:
    """How the points of a round are spread along an input: their density, or that over the decimal logarithm."""
    x, between = group.points[:, i], np.array(ends)
    if over:
        x, between = np.log10(x), np.log10(between)
    density, edges = np.histogram(x, 20, range=tuple(between), density=True)
    axes.stairs(density, 10.0**edges if over else edges, linewidth=1.3, **group.style)


def _draw_pairs(figure: Figure, groups: list[_Group], names: list[str], shown: int, over: Array) -> None:
    grid = figure.subplots(shown, shown, squeeze=False)
    ends = [span(*(group.points[:, i] for group in groups)) for i in range(shown)]
    for r in range(shown):
        for c in range(shown):
            axes = grid[r, c]
            if c > r:
                axes.remove()
                continue
            for i, group in enumerate(groups):
                if c == r:
                    _spread(axes, group, c, ends[c], bool(over[c]))
                else:
                    _dots(axes, group.points[:, c], group.points[:, r], group, i == 0)
            if r > c and over[r]:
                logarithmic([axes], "y", np.array(ends[r]))
            if over[c]:
                logarithmic([axes], "x", np.array(ends[c]))
            else:
                set_x_limits(axes, *ends[c], margin=0.02)
                axes.locator_params(axis="x", nbins=4 if shown < 4 else 3, steps=[1, 2, 5, 10])
            axes.tick_params(labelbottom=r == shown - 1, labelleft=c == 0 and r > 0, labelsize=7)
            if r == shown - 1:
                axes.set_xlabel(wrapped(names[c], 80 // shown))
            if c == 0:
                axes.set_ylabel(wrapped(names[r], 60 // shown) if r > 0 else "density")
    handles, labels = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", bbox_to_anchor=(0.98, 0.92), markerscale=1.5)


__all__ = ["sample_map"]
