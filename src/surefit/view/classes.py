"""Pictures of classes: points in the colour of their class, which class is the likeliest where, and which are confused.

A class has a colour of its own, and a name in the legend; the first of many have one, in the order in which they are
given, and the others share grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import Array, grid_axes, name_inputs_and_outputs, on_grid, outputs, span, table, vector
from .canvas import new_figure
from .language import say
from .panels import (
    RASTER_ABOVE,
    add_colour_bar,
    draw_cells,
    draw_line,
    frame_square,
    legend_above,
    logarithmic,
    mark_size,
    over_decades,
    set_title,
    set_x_limits,
)
from .style import GREY, MAGNITUDE, OKABE_ITO, PAGE_WIDTH, in_house_style, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labelled = tuple[ArrayLike, ArrayLike]
"""Points (n, d), and the place of the class of each, (n,) whole numbers."""

COLOURED = 7  # classes with a colour of their own; one colour of the palette is too pale for points
MOST_COUNTED = 12  # classes up to which the counts of a confusion matrix are written into its cells
MOST_INPUTS = 6


def _colour(place: int) -> str:
    return OKABE_ITO[place] if place < COLOURED else GREY


def _labelled(name: str, given: Labelled, d: int | None, k: int) -> tuple[Array, np.ndarray]:
    """Points and the places of their classes, checked."""
    points, labels = table(f"{name}[0]", given[0]), vector(f"{name}[1]", given[1])
    if (d is not None and points.shape[1] != d) or labels.shape != (len(points),):
        raise ShapeError(f"{name}: shapes {points.shape} and {labels.shape}; points (n, d) need a class each, (n,)")
    if len(labels) and (labels.min() < 0 or labels.max() >= k or np.any(labels % 1)):
        raise ArgumentError(f"{name}[1]: the places of {k} classes are whole numbers from 0 to {k - 1}")
    return points, labels.astype(int)


def _groups(labels: np.ndarray, classes: Sequence[Any]) -> list[tuple[str, str, np.ndarray]]:
    """(name, colour, which rows) of each class that has a colour, then of all others."""
    groups = [(str(name), _colour(i), labels == i) for i, name in enumerate(classes[:COLOURED])]
    if len(classes) > COLOURED:
        groups.append((say("{count} more", count=len(classes) - COLOURED), GREY, labels >= COLOURED))
    return groups


def _scatter(axes: Axes, x: Array, y: Array, labels: np.ndarray, classes: Sequence[Any], held: bool) -> None:
    """Dots in the colours of their classes; those of rows held back are diamonds with a dark rim."""
    for name, colour, rows in _groups(labels, classes):
        axes.plot(
            x[rows], y[rows], linestyle="none", marker="D" if held else "o", color=colour,
            markersize=mark_size(len(x)) * (0.9 if held else 1.0), markeredgecolor="black",
            markeredgewidth=0.5 if held else 0.0, rasterized=len(x) > RASTER_ABOVE, zorder=3 + held,
            label=None if held else plain(wrapped(name, 24, 1)),
        )  # fmt: skip


def _parts(data: Labelled, test: Labelled | None, k: int) -> list[tuple[Array, np.ndarray]]:
    first = _labelled("data", data, None, k)
    return [first] if test is None else [first, _labelled("test", test, first[0].shape[1], k)]


@in_house_style
def class_points(
    data: Labelled,
    classes: Sequence[Any],
    *,
    test: Labelled | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """Rows of a table of classes.

    Two inputs: dots in the colours of the classes. Otherwise a panel for each of the first inputs with a line for each
    class.

    Args:
        data: Points (n, d), and the place of the class of each, (n,).
        classes: What the classes are called, (k,).
        test: Rows that were held back, drawn as diamonds.
        names: The d inputs; default x1, x2, ...
        title: Above the figure.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, a class that there is not.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
        >>> figure = class_points((x, x[:, 0] > 0), ["left", "right"])
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['left', 'right']
    """
    parts = _parts(data, test, len(classes))
    every = np.concatenate([points for points, _ in parts])
    d = every.shape[1]
    over = over_decades(decades, every.min(axis=0, initial=np.inf))
    named = name_inputs_and_outputs(None if names is None else [*names, ""], d, 1)[0]
    if d == 2:
        figure = new_figure(5.2, 5.2)
        axes = figure.subplots()
        for held, (points, labels) in enumerate(parts):
            _scatter(axes, points[:, 0], points[:, 1], labels, classes, bool(held))
        for i, side in enumerate("xy"):
            if over[i]:
                logarithmic([axes], side, every[:, i])
        axes.set_box_aspect(1)
        axes.set_xlabel(wrapped(named[0], 36))
        axes.set_ylabel(wrapped(named[1], 34))
        legend_above(axes)
    else:
        figure = _strips(parts, every, classes, named, over)
    set_title(figure, title)
    return figure


def _strips(
    parts: list[tuple[Array, np.ndarray]], every: Array, classes: Sequence[Any], names: list[str], over: Array
) -> Figure:
    """A panel for each input with a line for each class, on which the rows are spread a little."""
    shown = min(every.shape[1], MOST_INPUTS)
    across = 2 if shown == 4 else min(shown, 3)
    down = -(-shown // across)
    lines = _groups(np.zeros(0, int), classes)
    figure = new_figure(PAGE_WIDTH, 0.4 + (0.8 + 0.28 * len(lines)) * down)
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    spread = np.random.default_rng(0)
    for held, (points, labels) in enumerate(parts):
        at = np.minimum(labels, len(lines) - 1) + spread.uniform(-0.25, 0.25, len(labels))
        for i in range(shown):
            _scatter(panels[i], points[:, i], at, labels, classes, bool(held))
    for i, axes in enumerate(panels):
        if i >= shown:
            axes.remove()
            continue
        if over[i]:
            logarithmic([axes], "x", every[:, i])
        else:
            set_x_limits(axes, *span(every[:, i]), margin=0.04)
        axes.set_xlabel(wrapped(names[i], 28))
    panels[0].set_yticks(range(len(lines)), [plain(wrapped(name, 16, 1)) for name, _, _ in lines])
    panels[0].set_ylim(len(lines) - 0.5, -0.5)
    return figure


@in_house_style
def class_curves(
    x: ArrayLike,
    shares: ArrayLike,
    classes: Sequence[Any],
    *,
    data: Labelled | None = None,
    test: Labelled | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: bool = False,
) -> Figure:
    """The probability of each class over one input, and below the rows of each class.

    Args:
        x: Where the probabilities are known, (n,), in any order.
        shares: The probabilities, (n, k).
        classes: What the classes are called, (k,).
        data: Rows (x, places of their classes); test: those that were held back, drawn as diamonds.
        names: The input; default x.
        title: Above the figure.
        decades: Whether the input is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, a class that there is not.

    Example:
        >>> x = np.linspace(0, 1, 20)
        >>> len(class_curves(x, np.stack([x, 1 - x], axis=1), ["a", "b"]).axes[0].lines)
        2
    """
    at = vector("x", x)
    values = outputs("shares", shares, at.shape, "x")
    if values.shape[1] != len(classes):
        raise ShapeError(f"shares: {values.shape[1]} columns; one for each of {len(classes)} classes is needed")
    parts = [] if data is None else _parts(data, test, len(classes))
    name = "x" if names is None else names[0]
    lines = _groups(np.zeros(0, int), classes)
    heights = [2.6, *([0.5 + 0.2 * len(lines)] if parts else [])]
    figure = new_figure(PAGE_WIDTH, 0.8 + sum(heights))
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    order = np.argsort(at, kind="stable")
    for i, (label, colour, _) in enumerate(lines):
        share = values[order, i] if i < COLOURED else values[order, COLOURED:].sum(axis=1)
        draw_line(panels[0], at[order], share, {"color": colour, "linewidth": 1.6, "label": plain(label)})
    panels[0].set_ylabel(say("probability"))
    panels[0].set_ylim(-0.03, 1.03)
    legend_above(panels[0])
    spread = np.random.default_rng(0)
    for held, (points, labels) in enumerate(parts):
        height = np.minimum(labels, len(lines) - 1) + spread.uniform(-0.25, 0.25, len(labels))
        _scatter(panels[1], points[:, 0], height, labels, classes, bool(held))
    if parts:
        panels[1].set_yticks(range(len(lines)), [plain(wrapped(label, 16, 1)) for label, _, _ in lines])
        panels[1].set_ylim(len(lines) - 0.5, -0.5)
    low, high = span(at, *(points for points, _ in parts))
    if over_decades([decades], np.array([low]))[0]:
        logarithmic(list(panels), "x", np.array([low, high]))
    else:
        set_x_limits(panels[-1], low, high, margin=0.02)
    panels[-1].set_xlabel(wrapped(name, 90))
    set_title(figure, title)
    return figure


@in_house_style
def class_map(
    x1: ArrayLike,
    x2: ArrayLike,
    shares: ArrayLike,
    classes: Sequence[Any],
    *,
    data: Labelled | None = None,
    test: Labelled | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """Which class is the likeliest over two inputs, with the rows on it, and how likely it is.

    Args:
        x1, x2: Axes of the inputs, (n,) and (m,).
        shares: The probabilities, (m, n, k): rows follow x2.
        classes: What the classes are called, (k,).
        data: Rows (points, places of their classes); test: those that were held back, drawn as diamonds.
        names: The two inputs; default x1, x2.
        title: Above the figure.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, a class that there is not.

    Example:
        >>> x = np.linspace(0, 1, 20)
        >>> share = np.tile(x, (20, 1))
        >>> figure = class_map(x, x, np.stack([share, 1 - share], axis=-1), ["a", "b"])
        >>> [axes.get_title(loc="left") for axes in figure.axes][:2]
        ['likeliest class', 'its probability']
    """
    from matplotlib.colors import ListedColormap, to_rgb
    from matplotlib.lines import Line2D

    first, second, transposed = grid_axes(x1, x2)
    values = on_grid("shares", shares, (second.size, first.size), transposed)
    if values.shape[2] != len(classes):
        raise ShapeError(f"shares: {values.shape[2]} classes; {len(classes)} are named")
    over = over_decades(decades, np.array([first.min(), second.min()]))
    named = name_inputs_and_outputs(None if names is None else [*names, ""], 2, 1)[0]
    parts = [] if data is None else _parts(data, test, len(classes))
    figure = new_figure(PAGE_WIDTH, 4.3)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    lines = _groups(np.zeros(0, int), classes)
    pale = ListedColormap([tuple(0.35 * c + 0.65 for c in to_rgb(colour)) for _, colour, _ in lines])
    likeliest = np.minimum(values.argmax(axis=2), len(lines) - 1).astype(np.float64)
    likeliest[~np.isfinite(values).all(axis=2)] = np.nan
    draw_cells(panels[0], first, second, likeliest, cmap=pale, vmin=-0.5, vmax=len(lines) - 0.5)
    for held, (points, labels) in enumerate(parts):
        _scatter(panels[0], points[:, 0], points[:, 1], labels, classes, bool(held))
    mesh = draw_cells(panels[1], first, second, values.max(axis=2), cmap=MAGNITUDE, vmin=1 / len(classes), vmax=1.0)
    panels[0].set_title(say("likeliest class"), loc="left")
    panels[1].set_title(say("its probability"), loc="left")
    groups: Any = [("", (points,), {}) for points, _ in parts]
    for axes in panels:
        frame_square(axes, first, second, groups, over)
        axes.set_xlabel(wrapped(named[0], 36))
    panels[0].set_ylabel(wrapped(named[1], 34))
    add_colour_bar(figure, mesh, [panels[1]])
    handles = [
        Line2D([], [], linestyle="none", marker="o", color=c, label=plain(wrapped(n, 24, 1))) for n, c, _ in lines
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=min(len(lines), 4))
    set_title(figure, title)
    return figure


@in_house_style
def class_confusion(counts: ArrayLike, classes: Sequence[Any], *, title: str | None = None, note: str = "") -> Figure:
    """How many rows of each class were given which: the share of a row as colour, the count in each cell.

    Args:
        counts: Rows of class i that were given class j, (k, k).
        classes: What the classes are called, (k,).
        title: Above the figure.
        note: On which rows they were counted.

    Raises:
        ShapeError, DtypeError: counts that are not square, or not those of the classes.

    Example:
        >>> class_confusion([[8, 2], [1, 9]], ["a", "b"]).axes[0].get_xlabel()
        'class given'
    """
    matrix = table("counts", counts)
    k = len(classes)
    if matrix.shape != (k, k):
        raise ShapeError(f"counts: shape {matrix.shape}; ({k}, {k}) for {k} classes is needed")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1.0)
    side = min(2.2 + 0.42 * k, 6.0)
    figure = new_figure(side + 1.0, side + 0.5)
    axes = figure.subplots()
    axes.grid(False)
    axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    if k <= MOST_COUNTED:
        for i in range(k):
            for j in range(k):
                colour = "white" if share[i, j] > 0.55 else "black"
                axes.text(j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    shown = range(0, k, -(-k // 30))
    words = [plain(wrapped(classes[i], 14, 1)) for i in shown]
    upright = max(map(len, words)) * len(words) > 36
    axes.set_xticks(shown, words, rotation=90 if upright else 0)
    axes.set_yticks(shown, words)
    axes.set_xlabel(say("class given"))
    axes.set_ylabel(say("true class"))
    if note:
        axes.set_title(wrapped(note, 46), fontsize=8)
    set_title(figure, title)
    return figure


__all__ = ["class_confusion", "class_curves", "class_map", "class_points"]
