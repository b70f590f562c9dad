"""A drawing: boxes, circles, curves and texts at fixed places, as SVG or through Matplotlib from one list.

Units are points, y grows downwards. An SVG is a standalone file with a title and a description for screen
readers.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from surefit.errors import ArgumentError
from surefit.files import write_atomically

from .canvas import new_figure
from .style import BLACK, FONT, house_style, in_house_style, plain

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from matplotlib.figure import Figure

Point = tuple[float, float]

_SVG_FONTS = f"{FONT}, Verdana, Helvetica, Arial, sans-serif"
_MAX_PIXELS = 12_000  # along the longer side of a picture made of pixels


@dataclass(frozen=True)
class Box:
    """A rectangle with rounded corners around a centre, with an outline, which may be dashed or double."""

    centre: Point
    width: float
    height: float
    radius: float = 0.0
    fill: str = "white"
    stroke: str = BLACK
    dashed: bool = False
    double: bool = False
    tip: str = ""


@dataclass(frozen=True)
class Circle:
    centre: Point
    radius: float
    fill: str = "white"
    stroke: str = BLACK
    tip: str = ""


@dataclass(frozen=True)
class Curve:
    """A path of straight lines and cubic Bezier curves: ("M", p), ("L", p), ("C", p, q, r)."""

    steps: tuple[tuple[Any, ...], ...]
    stroke: str = BLACK
    width: float = 1.0
    opacity: float = 1.0
    arrow: bool = False


@dataclass(frozen=True)
class Label:
    """One line of text, its middle at the point."""

    at: Point
    text: str
    size: float = 10.0
    colour: str = BLACK
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False


Shape = Box | Circle | Curve | Label


@dataclass(frozen=True)
class Drawing:
    """Shapes in the order in which they are drawn; displays itself in notebooks.

    Example:
        >>> shapes = [Box((20, 10), 30, 15), Label((20, 10), "a < b")]
        >>> drawing = Drawing(40, 20, "one box", "a box with a name", shapes)
        >>> "a &lt; b" in drawing.svg()
        True
    """

    width: float
    height: float
    title: str
    description: str
    shapes: list[Shape] = field(default_factory=list)

    def svg(self) -> str:
        """The drawing as the text of an SVG file."""
        from xml.etree.ElementTree import Element, SubElement, indent, tostring

        root = Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": f"{self.width:.0f}pt",
                "height": f"{self.height:.0f}pt",
                "viewBox": f"0 0 {_n(self.width)} {_n(self.height)}",
                "role": "img",
                "font-family": _SVG_FONTS,
            },
        )
        SubElement(root, "title").text = printable(self.title)
        SubElement(root, "desc").text = printable(self.description)
        SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "white"})
        for shape in self.shapes:
            _add_svg(root, shape)
        indent(root)
        return tostring(root, encoding="unicode") + "\n"

    def _repr_svg_(self) -> str:
        return self.svg()

    def figure(self) -> Figure:
        """The drawing as a Matplotlib figure of the same size."""
        return _figure(self)

    def save(self, path: str | Path) -> Path:
        """Write the drawing; the name's ending (.svg, .png or .pdf) says how.

        Raises:
            ArgumentError: another ending.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending == ".svg":
            write_atomically(target, self.svg())
        elif ending in (".png", ".pdf"):
            dots = min(200.0, 72.0 * _MAX_PIXELS / max(self.width, self.height))
            buffer = io.BytesIO()
            with house_style():
                self.figure().savefig(buffer, dpi=dots, format=ending[1:])
            write_atomically(target, buffer.getvalue())
        else:
            raise ArgumentError(f"path: {target.name!r} ends in {ending!r}; .svg, .png or .pdf is needed")
        return target


# --- SVG ----------------------------------------------------------------------------------------------------


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(
        c if c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff" else "\ufffd" for c in text
    )


def _add_svg(parent: Element, shape: Shape) -> None:
    from xml.etree.ElementTree import SubElement

    if isinstance(shape, Label):
        at = {"x": _n(shape.at[0]), "y": _n(shape.at[1]), "font-size": _n(shape.size), "fill": shape.colour}
        # A shift of 0.35 em sets the middle of the letters on the line in every viewer; dominant-baseline
        # does not.
        more = {
            "text-anchor": shape.anchor,
            "dy": "0.35em",
            **({"font-weight": "bold"} if shape.bold else {}),
        }
        SubElement(parent, "text", {**at, **more}).text = printable(shape.text)
    elif isinstance(shape, Curve):
        path = " ".join(step[0] + " ".join(f"{_n(x)} {_n(y)}" for x, y in step[1:]) for step in shape.steps)
        line = {"fill": "none", "stroke": shape.stroke, "stroke-width": _n(shape.width)}
        if shape.opacity < 1.0:
            line["stroke-opacity"] = _n(shape.opacity)
        SubElement(parent, "path", {"d": path, **line})
        if shape.arrow:
            corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in arrow_head(shape))
            SubElement(parent, "polygon", {"points": corners, "fill": shape.stroke})
    else:
        paint = {"fill": shape.fill, "stroke": shape.stroke}
        if isinstance(shape, Circle):
            place = {"cx": _n(shape.centre[0]), "cy": _n(shape.centre[1]), "r": _n(shape.radius)}
            element = SubElement(parent, "circle", {**place, **paint})
        else:
            if shape.dashed:
                paint["stroke-dasharray"] = "3 2"
            element = SubElement(parent, "rect", {**_rect(shape, 0.0), **paint})
            if shape.double:
                SubElement(parent, "rect", {**_rect(shape, 2.5), "fill": "none", "stroke": shape.stroke})
        if shape.tip:
            SubElement(element, "title").text = printable(shape.tip)


def _rect(box: Box, inset: float) -> dict[str, str]:
    return {
        "x": _n(box.centre[0] - box.width / 2 + inset),
        "y": _n(box.centre[1] - box.height / 2 + inset),
        "width": _n(box.width - 2 * inset),
        "height": _n(box.height - 2 * inset),
        "rx": _n(max(box.radius - inset, 0.0)),
    }


def arrow_head(curve: Curve, length: float = 6.0, width: float = 5.0) -> list[Point]:
    """Corners of the triangle at the end of a curve, along its last direction."""
    points = [point for step in curve.steps for point in step[1:]]
    x, y = points[-1]
    before = next((p for p in reversed(points[:-1]) if p != points[-1]), (x, y - 1.0))
    dx, dy = x - before[0], y - before[1]
    size = (dx * dx + dy * dy) ** 0.5
    dx, dy = dx / size, dy / size
    back = (x - length * dx, y - length * dy)
    return [
        (x, y),
        (back[0] - width / 2 * dy, back[1] + width / 2 * dx),
        (back[0] + width / 2 * dy, back[1] - width / 2 * dx),
    ]


# --- Matplotlib ---------------------------------------------------------------------------------------------


@in_house_style
def _figure(drawing: Drawing) -> Figure:
    figure = new_figure(drawing.width / 72.0, drawing.height / 72.0, layout=None)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, drawing.width)
    axes.set_ylim(drawing.height, 0.0)
    axes.set_axis_off()
    for depth, shape in enumerate(drawing.shapes):
        _add_artist(axes, shape, depth)
    return figure


def _add_artist(axes: Any, shape: Shape, depth: int) -> None:
    from matplotlib import patches
    from matplotlib.path import Path as Outline

    if isinstance(shape, Label):
        axes.text(
            *shape.at,
            plain(shape.text),
            fontsize=shape.size,
            color=shape.colour,
            ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
            va="center_baseline",
            weight="bold" if shape.bold else "normal",
            zorder=depth,
        )
    elif isinstance(shape, Curve):
        codes = {"M": [Outline.MOVETO], "L": [Outline.LINETO], "C": [Outline.CURVE4] * 3}
        outline = Outline(
            [p for step in shape.steps for p in step[1:]], [c for step in shape.steps for c in codes[step[0]]]
        )
        axes.add_patch(
            patches.PathPatch(
                outline,
                facecolor="none",
                edgecolor=shape.stroke,
                linewidth=shape.width,
                alpha=shape.opacity,
                zorder=depth,
            )
        )
        if shape.arrow:
            axes.add_patch(patches.Polygon(arrow_head(shape), facecolor=shape.stroke, edgecolor="none", zorder=depth))
    elif isinstance(shape, Circle):
        axes.add_patch(
            patches.Circle(
                shape.centre,
                shape.radius,
                facecolor=shape.fill,
                edgecolor=shape.stroke,
                linewidth=1.0,
                zorder=depth,
            )
        )
    else:
        for inset in (0.0, 2.5) if shape.double else (0.0,):
            x, y = shape.centre[0] - shape.width / 2 + inset, shape.centre[1] - shape.height / 2 + inset
            axes.add_patch(
                patches.FancyBboxPatch(
                    (x, y),
                    shape.width - 2 * inset,
                    shape.height - 2 * inset,
                    boxstyle=f"round,pad=0,rounding_size={max(shape.radius - inset, 1e-3)}",
                    facecolor=shape.fill if inset == 0.0 else "none",
                    edgecolor=shape.stroke,
                    linestyle=(0, (3, 2)) if shape.dashed else "-",
                    linewidth=1.0,
                    zorder=depth,
                )
            )
