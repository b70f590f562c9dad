"""Several things beside each other, each with a few values: dots on logarithmic axes, one panel for each quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError

from .canvas import new_figure
from .panels import set_title
from .style import BLUE, GREY, ORANGE, PAGE_WIDTH, in_house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DECADE = 10.0  # largest over smallest value of a panel, above which its axis is logarithmic
LONGEST = 36  # characters of a name


@in_house_style
def dots(
    names: Sequence[str], panels: Sequence[tuple[str, Sequence[ArrayLike]]], *, best: int | None = None,
    title: str | None = None,
) -> Figure:  # fmt: skip
    """A line for each name, from the top, with a dot for each of its values and a stroke at their median.

    Args:
        names: What is compared, (n,).
        panels: (label, values of each name, (n,) arrays); values that are not finite and above 0 are left out.
        best: The place of the name that is marked.
        title: Above the figure.

    Raises:
        ArgumentError: nothing to draw, or values that are not those of the names.

    Example:
        >>> dots(["lm", "adam"], [("max |error|", [[1e-6, 2e-6], [1e-3]])], best=0).axes[0].get_xlabel()
        'max |error|'
    """
    if not names or not panels or any(len(values) != len(names) for _, values in panels):
        raise ArgumentError(f"dots: {len(names)} names need panels of as many lists of values")
    figure = new_figure(PAGE_WIDTH, 0.9 + 0.28 * len(names))
    places = figure.subplots(1, len(panels), squeeze=False, sharey=True).ravel()
    for axes, (label, values) in zip(places, panels, strict=True):
        shown = [np.asarray(each, np.float64).reshape(-1) for each in values]
        shown = [own[np.isfinite(own) & (own > 0)] for own in shown]
        together = np.concatenate(shown)
        if len(together) and together.max() > DECADE * together.min():  # less has no room for the labels of a logarithm
            axes.set_xscale("log")
        for place, own in enumerate(shown):
            colour = ORANGE if place == best else BLUE
            axes.plot(own, np.full(len(own), place), linestyle="none", marker="o", markersize=4.5, color=colour)
            if len(own) > 1:
                axes.plot([np.median(own)], [place], linestyle="none", marker="|", markersize=12, color=colour)
        axes.set_xlabel(label)
        axes.grid(axis="y", color=GREY, alpha=0.25)
    places[0].set_yticks(range(len(names)), [n if len(n) <= LONGEST else n[: LONGEST - 3] + "..." for n in names])
    places[0].set_ylim(len(names) - 0.5, -0.5)
    set_title(figure, title)
    return figure


__all__ = ["dots"]
