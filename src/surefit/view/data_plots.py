"""The points of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError

from .arrays import name_inputs_and_outputs, outputs, table
from .canvas import new_figure
from .panels import draw_marks, legend_above, logarithmic, over_decades, point_groups, set_title
from .style import PAGE_WIDTH, in_house_style, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_house_style
def data_panels(
    x: ArrayLike,
    y: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    most: int = 6,
    decades: Sequence[bool] | None = None,
) -> Figure:
    """The points of a data set, each output against each input; the first `most` inputs. For two, see `scatter_2d`.

    Args:
        x: Inputs, (n, d), or (n,) for one.
        y: Values, (n,) or (n, k).
        test: Test points (x, y), drawn as diamonds.
        names: The d inputs, then the k outputs; default x1, x2, ..., y.
        title: Above the figure.
        most: Inputs that are drawn.
        decades: For each input, whether it is drawn over its logarithm.

    Raises:
        ShapeError, DtypeError, ArgumentError: arrays that do not fit together, `most` below 1; decades of an input
            that is not positive.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 4))
        >>> len(data_panels(x, x[:, 0] * x[:, 1]).axes)
        4
    """
    if most < 1:
        raise ArgumentError(f"most: {most}; 1 or more is needed")
    points = table("x", x)
    d, k = points.shape[1], outputs("y", y, (len(points),), "x").shape[1]
    groups = point_groups((points, y), test, d, k)
    names_in, names_out = name_inputs_and_outputs(names, d, k)
    every = np.concatenate([given[0] for _, given, _ in groups])
    over = over_decades(decades, every.min(axis=0, initial=np.inf))
    shown = min(d, most)
    across = 2 if shown == 4 else min(shown, 3)
    down = -(-shown // across)
    height = 2.5 if shown == 1 else 1.75 * down
    figure = new_figure(PAGE_WIDTH, 0.4 + height * k)
    panels = figure.subplots(down * k, across, squeeze=False, sharey="row")
    for j in range(k):
        block = panels[down * j : down * (j + 1)].ravel()
        for i in range(shown):
            for label, given, marks in groups:
                draw_marks(block[i], given[0][:, i], given[1][:, j], label, marks)
            if over[i]:
                logarithmic([block[i]], "x", every[:, i])
            block[i].set_xlabel(wrapped(names_in[i], 28))
            if i % across == 0:
                block[i].set_ylabel(wrapped(names_out[j], 22))
        for unused in block[shown:]:
            unused.remove()
    if len(groups) > 1:
        legend_above(panels[0, min(across, shown) - 1])
    set_title(figure, title)
    return figure
