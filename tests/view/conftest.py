"""Helpers that look at a finished figure as a reader does."""

from __future__ import annotations

from unittest import mock

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text


def drawn_texts(figure: Figure) -> list[tuple[str, object]]:
    """(text, bounding box in pixels) of every text that a draw of the figure puts on the page."""
    seen = []
    draw = Text.draw

    def watch(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            seen.append((text.get_text(), text.get_window_extent(renderer)))
        return draw(text, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", watch):
        figure.canvas.draw()
    return seen


@pytest.fixture
def assert_readable():
    """Fail when two texts of a figure overlap or one leaves the page."""

    def check(figure: Figure) -> None:
        texts = drawn_texts(figure)
        assert texts
        page = figure.bbox
        for text, box in texts:
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.width + 1 and box.y1 <= page.height + 1
            assert inside, f"{text!r} leaves the page"
        for i, (text, box) in enumerate(texts):
            for other, its_box in texts[i + 1 :]:
                wide = min(box.x1, its_box.x1) - max(box.x0, its_box.x0)
                high = min(box.y1, its_box.y1) - max(box.y0, its_box.y0)
                # Boxes hold the room for descenders; 2 pixels are a third of a millimetre.
                assert wide <= 2 or high <= 2, f"{text!r} and {other!r} overlap"

    return check


@pytest.fixture
def texts():
    """All texts drawn, joined: for looking up what a figure says."""
    return lambda figure: " | ".join(text for text, _ in drawn_texts(figure))
