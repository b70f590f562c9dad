"""Charts of several curves and points in one or more panels, for results that are not those of one fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import finite, vector
from .canvas import new_figure
from .language import drawn
from .panels import draw_line, legend_above, mark_size, set_title
from .style import (
    FIT_LINE,
    GREY,
    OKABE_ITO,
    ORANGE,
    PAGE_WIDTH,
    TARGET_LINE,
    in_house_style,
    plain,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("line", "steps", "target", "fit", "points", "train", "test", "marks")


@dataclass(frozen=True)
class Curve:
    """Values y against x, both (n,), under a label ("" has no entry in the legend).

    kind: "line"; "target" (a pale band beneath the others) or "fit" (solid blue); "points", "train" or "test" (dots);
    "marks", a line with a dot at each value. colour: a number of the palette; None: the next one. strength: opacity.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    kind: str = "line"
    colour: int | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class Panel:
    """Curves on one pair of axes.

    log: "", "x", "y" or "xy", the logarithmic axes. limits: of y, None for all. kinds: the words that x = 0, 1, ...
    stand for, where these are words.
    """

    curves: Sequence[Curve]
    x: str
    y: str
    title: str = ""
    log: str = ""
    limits: tuple[float | None, float | None] | None = None
    kinds: Sequence[str] = ()


@in_house_style
def chart(
    given: Sequence[Panel], *, across: int = 2, height: float = 2.6, share_y: bool = False, title: str | None = None
) -> Figure:
    """Panels in rows of `across`, each `height` inches high, with a legend above each that has labels.

    share_y: one scale for all, so that panels can be compared. When all panels have the same labels one legend stands
    above the first.

    Raises:
        ArgumentError: no panel, an unknown kind of curve.
        ShapeError, DtypeError: x and y of a curve do not fit together.

    Example:
        >>> x = np.linspace(0, 6, 50)
        >>> curves = [Curve(x, np.sin(x), "sin", "target"), Curve(x, x - x**3 / 6, "Taylor")]
        >>> chart([Panel(curves, "x", "y", limits=(-2, 2))]).axes[0].get_ylabel()
        'y'
    """
    if not given:
        raise ArgumentError("chart: no panels; a picture needs one or more")
    across = min(across, len(given))
    down = -(-len(given) // across)
    width = PAGE_WIDTH if across > 1 else 0.85 * PAGE_WIDTH
    figure = new_figure(width, 0.3 + height * down)
    places = figure.subplots(down, across, squeeze=False, sharey=share_y).ravel()
    labels = [[c.label for c in panel.curves if c.label] for panel in given]
    one_legend = len(given) > 1 and all(each == labels[0] for each in labels)
    for i, axes in enumerate(places):
        if i >= len(given):
            axes.remove()
            continue
        _draw(axes, given[i], legend=bool(labels[i]) and not one_legend, columns=int(84 / across))
    if one_legend and labels[0]:
        handles = places[0].get_legend_handles_labels()
        where: Any = f"outside {'lower' if title else 'upper'} center"  # above it would run into the title
        figure.legend(*handles, loc=where, ncols=min(len(labels[0]), 5))
    set_title(figure, drawn(title) if title else title)
    return figure


def _draw(axes: Axes, panel: Panel, legend: bool, columns: int) -> None:
    colours = iter(OKABE_ITO * (1 + len(panel.curves) // len(OKABE_ITO)))
    for name in panel.log:
        getattr(axes, f"set_{name}scale")("log")
    for curve in panel.curves:
        x = vector("x", curve.x)
        y = vector("y", curve.y)
        if x.shape != y.shape:
            raise ShapeError(f"x, y: shapes {x.shape} and {y.shape}; both need the same")
        if curve.kind not in KINDS:
            raise ArgumentError(f"kind={curve.kind!r} must be one of {', '.join(KINDS)}")
        _draw_curve(axes, curve, x, y, colours)
    axes.set_xlabel(wrapped(drawn(panel.x), columns))
    if "x" not in panel.log and all(_whole(curve.x) for curve in panel.curves):
        axes.locator_params(axis="x", integer=True)  # there is no epoch 1.5
    if panel.kinds:
        axes.set_xticks(range(len(panel.kinds)), [drawn(kind) for kind in panel.kinds])
        axes.set_xlim(-0.5, len(panel.kinds) - 0.5)
    axes.set_ylabel(wrapped(drawn(panel.y), 34))
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
    if legend:
        legend_above(axes)
    heading = axes.get_legend()
    if panel.title and heading is not None:  # beside a legend of several rows there is no room for a title
        heading.set_title(wrapped(drawn(panel.title), columns))
        heading.get_title().set_fontsize(9)
    elif panel.title:
        axes.set_title(wrapped(drawn(panel.title), columns), loc="left", fontsize=9, pad=4)


def _whole(values: Any) -> bool:
    """Whether all of these are whole numbers, as those of epochs, steps and units."""
    x = np.asarray(values, np.float64)
    return bool((x == np.floor(x)).all())


_FIXED: Mapping[str, Mapping[str, Any]] = {
    "target": TARGET_LINE,
    "fit": FIT_LINE,
    "train": {"color": GREY, "marker": "o", "zorder": 2},
    "test": {"color": ORANGE, "marker": "D", "zorder": 5},
}


def _draw_curve(axes: Axes, curve: Curve, x: np.ndarray, y: np.ndarray, colours: Any) -> None:
    style = dict(_FIXED.get(curve.kind, {}))
    if not style or curve.colour is not None:
        style["color"] = OKABE_ITO[curve.colour % len(OKABE_ITO)] if curve.colour is not None else next(colours)
    common: dict[str, Any] = {
        "label": plain(drawn(curve.label)) if curve.label else None,
        "alpha": curve.strength,
        **style,
    }
    if curve.kind in ("points", "train", "test"):
        marker = {"marker": "o", **common}
        axes.plot(x, finite(y), linestyle="none", markersize=mark_size(x.size), markeredgewidth=0.0, **marker)
    elif curve.kind == "marks":
        axes.plot(x, finite(y), linewidth=1.4, marker="o", markersize=4, **common)
    else:
        draw_line(axes, x, y, {"linewidth": 1.4, **common})


__all__ = ["KINDS", "Curve", "Panel", "chart"]
