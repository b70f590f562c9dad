"""A figure as the bytes of a picture: SVG whose text is text, or PNG."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from .style import CJK_FONTS, FONT, house_style, text_as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Verdana has the widths of Matplotlib's own font; whoever reads the picture may have neither.
_FAMILIES = ", ".join(f"'{name}'" for name in (FONT, "Bitstream Vera Sans", "Verdana", *CJK_FONTS[:6])) + ", sans-serif"
_DOTS = 144  # an inch, of what is drawn as pixels inside an SVG


def svg_of(figure: Figure) -> str:
    """The figure as one <svg> element. Text stays text: it can be searched, and the reader's own fonts draw it.

    So Chinese needs no font here. The same figure gives the same text.

    >>> from surefit.view import loss_curves
    >>> "learning" in svg_of(loss_curves({"train": [1.0, 0.5], "lr": [0.1, 0.01]}))
    True
    """
    buffer = io.StringIO()
    with text_as_text(), house_style():
        figure.savefig(buffer, format="svg", dpi=_DOTS, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"'DejaVu Sans'(?:, '[^']+')*", _FAMILIES, text)


def png_of(figure: Figure, dpi: float = 150) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
