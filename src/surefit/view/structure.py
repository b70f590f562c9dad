"""The parts of a training and how they hang together: data, layers, network, loss, optimiser."""

from __future__ import annotations

from collections.abc import Sequence

from surefit.errors import ArgumentError

from .drawing import Box, Curve, Drawing, Label, Shape
from .graph import text_width
from .language import say
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE

_LINE, _ROW, _MARGIN = "#404040", 22.0, 12.0
_BODY, _SMALL = 9.0, 7.5
_GAP = 62.0  # between the boxes of a row: an arrow and its word
_MOST = 9  # layers shown; of more, the first and last ones


def structure_diagram(
    layers: Sequence[str], *, data: str, loss: str, optimizer: str, title: str | None = None
) -> Drawing:
    """How a network is trained: data through its layers to a prediction, a loss, gradients, and new weights.

    Args:
        layers: One text each, first layer first, such as "Linear 2 → 200, ReLU".
        data: What it is trained on, such as "4000 rows, batches of 64".
        loss: The loss, such as "mean squared error".
        optimizer: The optimiser, such as "Adam, lr 3e-4".
        title: Names the picture for screen readers.

    Raises:
        ArgumentError: no layer.

    Example:
        >>> drawing = structure_diagram(["Linear 1 → 8, tanh", "Linear 8 → 1"], data="100 rows", loss="mse",
        ...                             optimizer="Adam")
        >>> drawing.description
        'data (100 rows) -> network (Linear 1 → 8, tanh; Linear 8 → 1) -> loss (mse) -> optimiser (Adam) -> network'
    """
    if not layers:
        raise ArgumentError("layers: none; a network has one or more")
    shown = list(layers) if len(layers) <= _MOST else [*layers[:4], f"⋮ ({len(layers) - 8})", *layers[-4:]]
    words = {name: say(name) for name in ("data", "network", "loss", "optimiser", "prediction", "gradients")}
    width_of = {
        "data": _width(words["data"], data),
        "network": max(_width(words["network"], ""), *(text_width(text, _BODY) for text in shown)) + 24.0,
        "loss": _width(words["loss"], loss),
    }
    left = _MARGIN
    middle = left + width_of["data"] + _GAP
    right = middle + width_of["network"] + _GAP + 14.0
    width = right + width_of["loss"] + _MARGIN
    tall = 28.0 + _ROW * len(shown)
    centre_y = _MARGIN + tall / 2
    below = _MARGIN + tall + 46.0

    shapes: list[Shape] = []
    net_x = middle + width_of["network"] / 2
    shapes.append(Box((net_x, centre_y), width_of["network"], tall, 8.0, "#F7FBFD", BLUE))
    shapes.append(Label((net_x, _MARGIN + 12.0), words["network"], _BODY, bold=True))
    for i, text in enumerate(shown):
        y = _MARGIN + 24.0 + _ROW * (i + 0.5)
        shapes.append(Box((net_x, y), width_of["network"] - 14.0, _ROW - 5.0, 3.0, "white", GREY))
        shapes.append(Label((net_x, y), text, _BODY))
    data_x, loss_x = left + width_of["data"] / 2, right + width_of["loss"] / 2
    shapes += _named_box((data_x, centre_y), width_of["data"], words["data"], data, "#D9F0E8", GREEN)
    shapes += _named_box((loss_x, centre_y), width_of["loss"], words["loss"], loss, "#FCEFD2", ORANGE)
    wide = _width(words["optimiser"], optimizer)
    shapes += _named_box((net_x, below), wide, words["optimiser"], optimizer, "#F5E4EE", PURPLE)

    shapes += _arrow((left + width_of["data"], centre_y), (middle, centre_y), say("input"))
    shapes += _arrow((middle + width_of["network"], centre_y), (right, centre_y), words["prediction"])
    corner = Curve((("M", (loss_x, centre_y + 17.0)), ("L", (loss_x, below)), ("L", (net_x + wide / 2, below))), _LINE)
    shapes.append(Curve(corner.steps, _LINE, arrow=True))
    shapes.append(Label(((loss_x + net_x + wide / 2) / 2, below - 7.0), words["gradients"], _SMALL, GREY))
    shapes.append(Curve((("M", (net_x, below - 17.0)), ("L", (net_x, _MARGIN + tall))), _LINE, arrow=True))
    shapes.append(Label((net_x + 5.0, below - 31.0), say("new weights"), _SMALL, GREY, "start"))
    roof = below + 27.0  # the true values go to the loss too, under everything
    ends = ((data_x, centre_y + 17.0), (data_x, roof), (loss_x + 12.0, roof), (loss_x + 12.0, centre_y + 17.0))
    path = tuple(("L" if i else "M", point) for i, point in enumerate(ends))
    shapes.append(Curve(path, _LINE, arrow=True))
    shapes.append(Label(((data_x + net_x - wide / 2) / 2, roof - 7.0), say("true values"), _SMALL, GREY))
    description = (
        f"data ({data}) -> network ({'; '.join(layers)}) -> loss ({loss}) -> optimiser ({optimizer}) -> network"
    )
    return Drawing(width, roof + _MARGIN, title or say("network"), description, shapes)


def _width(head: str, text: str) -> float:
    return max(text_width(head, _BODY), text_width(text, _SMALL), 56.0) + 18.0


def _named_box(centre: tuple[float, float], width: float, head: str, text: str, fill: str, stroke: str) -> list[Shape]:
    x, y = centre
    return [
        Box(centre, width, 34.0, 6.0, fill, stroke),
        Label((x, y - 6.0), head, _BODY, bold=True),
        Label((x, y + 8.0), text, _SMALL, GREY),
    ]


def _arrow(start: tuple[float, float], end: tuple[float, float], word: str) -> list[Shape]:
    middle = ((start[0] + end[0]) / 2, start[1] - 7.0)
    return [Curve((("M", start), ("L", end)), _LINE, arrow=True), Label(middle, word, _SMALL, GREY)]
