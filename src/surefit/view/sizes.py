"""What accuracy costs: the error of networks of several sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import vector
from .canvas import new_figure
from .language import say
from .panels import circle, legend_above, set_title
from .style import BLUE, ORANGE, PAGE_WIDTH, VERMILLION, in_house_style, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_house_style
def tradeoff(
    units: ArrayLike, errors: ArrayLike, *, tol: float, chosen: int | None = None, title: str | None = None
) -> Figure:
    """The largest error against the number of units, both logarithmic, with the tolerance and the chosen size.

    Args:
        units: Sizes, (n,), above 0.
        errors: The largest error of each, (n,).
        tol: The tolerance.
        chosen: The size to mark.
        title: Above the figure.

    Raises:
        ShapeError, ArgumentError: arrays that do not fit together, a size or tolerance that is not above 0, a chosen
            size that is none of them.

    Example:
        >>> figure = tradeoff([1, 2, 4, 8], [1.0, 0.3, 1e-3, 1e-6], tol=1e-4, chosen=8)
        >>> figure.axes[0].get_ylabel()
        'largest |error|'
    """
    x, y = vector("units", units), vector("errors", errors)
    if x.shape != y.shape:
        raise ShapeError(f"units, errors: shapes {x.shape} and {y.shape}; both need the same")
    if not (np.all(x > 0) and tol > 0):
        raise ArgumentError("units, tol: must be above 0")
    if chosen is not None and chosen not in x:
        raise ArgumentError(f"chosen: {chosen} is none of the sizes")
    order = np.argsort(x, kind="stable")
    x, y = x[order], np.where(np.isfinite(y[order]) & (y[order] > 0), y[order], np.nan)
    figure = new_figure(PAGE_WIDTH, 3.6)
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.axhline(tol, color=VERMILLION, linestyle="--", linewidth=1.2, label=say("tolerance {size}", size=number(tol)))
    axes.plot(x, y, color=BLUE, linewidth=1.2, marker="o", markersize=4, label=say("beyond it"))
    good = y <= tol
    marks: dict[str, Any] = dict(linestyle="none", color=ORANGE, marker="o", markersize=5, zorder=4)
    axes.plot(x[good], y[good], label=say("within it"), **marks)
    if chosen is not None:
        circle(axes, chosen, y[x == chosen][0], markersize=11, label=f"smallest: {chosen} units")
    axes.set_xlabel(say("units"))
    axes.set_ylabel(say("largest |error|"))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    legend_above(axes)
    set_title(figure, title)
    return figure


__all__ = ["tradeoff"]
