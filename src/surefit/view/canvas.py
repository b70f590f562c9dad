"""The kind of figure that the charts are."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from surefit.files import write_atomically

from .style import PAGE_WIDTH, house_style

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure


@functools.cache
def chart_class() -> type[Figure]:
    """The class `Chart`, made when the first chart is drawn: its base is Matplotlib's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Chart(Figure):
        """A Matplotlib figure that is drawn in the house style whatever settings are in force at that time.

        It is not registered with pyplot: nothing shows it and nothing keeps it alive.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            FigureCanvasAgg(self)

        def draw(self, renderer: RendererBase) -> None:
            with house_style():
                super().draw(renderer)

        def savefig(self, fname: Any, **kwargs: Any) -> None:
            """As Matplotlib's; a file is written whole or not at all."""
            if not isinstance(fname, str | os.PathLike):
                super().savefig(fname, **kwargs)
                return
            path, kind = Path(fname), kwargs.pop("format", None)
            if kind is None and not path.suffix:  # as Matplotlib does
                path = path.with_name(f"{path.name}.{self.canvas.get_default_filetype()}")
            if self.canvas.get_supported_filetypes().keys() >= {kind or path.suffix[1:].lower()}:
                buffer = io.BytesIO()
                super().savefig(buffer, format=kind or path.suffix[1:].lower(), **kwargs)
                write_atomically(path, buffer.getvalue())
            else:
                super().savefig(path, format=kind, **kwargs)  # which says what there is

        def _repr_png_(self) -> bytes:
            """What notebooks display; without pyplot they would print the figure's name instead."""
            buffer = io.BytesIO()
            with house_style():
                self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()

    Chart.__qualname__ = "Chart"  # pickle finds it under this name, by __getattr__ below
    return Chart


def new_figure(
    width: float = PAGE_WIDTH, height: float = 4.0, *, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty figure of (width, height) inches, known to nobody but the caller; notebooks display it."""
    return chart_class()(figsize=(width, height), layout=layout)


def __getattr__(name: str) -> Any:
    if name == "Chart":
        return chart_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
