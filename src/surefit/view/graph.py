"""Pictures of structure: a computation graph, and the layers of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from surefit.errors import ArgumentError
from surefit.files import write_atomically

from .drawing import Box, Circle, Curve, Drawing, Label, Point, Shape, printable
from .language import say
from .layout import layered
from .style import BLUE, GREEN, GREY, ORANGE, columns

Id = str | int
Nodes = Iterable[Sequence[Any]]
Edges = Iterable[Sequence[Id]]


class Node(NamedTuple):
    """One node of a computation graph: `kind` is input, parameter, state, constant, operation or output."""

    id: Id
    label: str
    kind: str = "operation"
    shape: str = ""


class HasGraph(Protocol):
    """What can say its own graph, as a Program can."""

    def nodes_and_edges(self) -> tuple[Nodes, Edges]: ...


class _Look(NamedTuple):
    fill: str
    stroke: str
    round: bool  # corners: half circles, or slight
    dashed: bool
    double: bool
    dot: str  # Graphviz's name of the shape


# Kinds differ in outline as well as colour, for readers who do not see the colour.
_LOOKS = {
    "input": _Look("#DDEFFA", BLUE, True, False, False, "box"),
    "parameter": _Look("#D9F0E8", GREEN, False, False, False, "box"),
    "state": _Look("#F5E4EE", "#A8477E", False, False, False, "box"),
    "constant": _Look("#F0F0F0", GREY, False, True, False, "box"),
    "operation": _Look("white", "#262626", False, False, False, "box"),
    "output": _Look("#FCEFD2", "#B87A00", True, False, True, "box"),
}
_LINE = "#404040"
_SIZE, _SMALL = 10.0, 7.5  # type, in points
_LONGEST = 32  # columns of a label before it is cut; the whole text shows when the pointer rests on the node


@dataclass(frozen=True)
class GraphDrawing(Drawing):
    """A drawing of a computation graph, which can also be written in Graphviz's language (.dot)."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[Id, Id]] = field(default_factory=list)

    def dot(self) -> str:
        """The graph in Graphviz's DOT language."""
        return graph_dot(self.nodes, self.edges, title=self.title)

    def save(self, path: str | Path) -> Path:
        """Write the drawing; the name's ending (.svg, .png, .pdf or .dot) says how.

        Raises:
            ArgumentError: another ending.
        """
        target = Path(path)
        if target.suffix.lower() != ".dot":
            return super().save(target)
        return write_atomically(target, self.dot())


def draw_program(program: HasGraph, *, title: str = "computation graph") -> GraphDrawing:
    """The computation graph of a Program: see `draw_graph`."""
    return draw_graph(*program.nodes_and_edges(), title=title)


def draw_graph(
    nodes: Nodes,
    edges: Edges,
    *,
    title: str = "computation graph",
    legend: bool = True,
) -> GraphDrawing:
    """A graph without cycles, drawn downwards: inputs at the top, results at the bottom.

    Args:
        nodes: (id, label, kind, shape) for each; kind is input, parameter, state, constant, operation (the
            default) or output; shape is a small second line, which may be left out or empty.
        edges: (from, to) for each argument of each node, by id; a value used twice has two edges. The order
            of the edges into a node is the order of its arguments.
        title: Names the picture for screen readers.
        legend: Explain the kinds in a line below.

    Raises:
        ArgumentError: no node, an id given twice, an unknown kind, an edge to an unknown id, a cycle.

    Example:
        >>> drawing = draw_graph([("x", "x", "input"), ("y", "sin", "operation")], [("x", "y")])
        >>> drawing.svg().startswith("<svg"), drawing.dot().startswith("digraph")
        (True, True)
    """
    given, links = _checked(nodes, edges)
    index = {node.id: i for i, node in enumerate(given)}
    sizes = [_size(node) for node in given]
    pairs = [(index[a], index[b]) for a, b in links]
    has_arguments = {b for _, b in pairs}
    top = [i for i, node in enumerate(given) if node.kind == "input" and i not in has_arguments]
    layout = layered(sizes, pairs, top=top)

    margin = 12.0
    kinds = [kind for kind in _LOOKS if any(node.kind == kind for node in given)] if legend else []
    width = max(layout.width, _legend_width(kinds)) + 2 * margin
    height = layout.height + 2 * margin + (30.0 if kinds else 0.0)
    dx = (width - layout.width) / 2
    shapes: list[Shape] = [Curve(_curve(route, dx, margin), _LINE, arrow=True) for route in layout.routes]
    for node, (x, y), size in zip(given, layout.centres, sizes, strict=True):
        shapes += _node_shapes(node, (x + dx, y + margin), size)
    shapes += _legend_shapes(kinds, width / 2, height - margin - 6.0)
    count = f"{len(given)} nodes, {len(links)} edges"
    listing = "; ".join(
        f"{given[i].label} from {', '.join(given[a].label for a, b in pairs if b == i)}"
        for i in range(min(len(given), 40))
        if i in has_arguments
    )
    description = f"{count}. {listing}" if len(given) <= 40 else count
    return GraphDrawing(width, height, title, description, shapes, nodes=given, edges=links)


def graph_dot(nodes: Nodes, edges: Edges, *, title: str = "computation graph") -> str:
    """A graph in Graphviz's DOT language; arguments and errors as `draw_graph`.

    Example:
        >>> print(graph_dot([("x", "x", "input"), ("y", "sin")], [("x", "y")]))  # doctest: +ELLIPSIS
        digraph "computation graph" {
        ...
          "x" -> "y";
        }
        <BLANKLINE>
    """
    given, links = _checked(nodes, edges)
    lines = [f"digraph {_quoted(title)} {{"]
    lines.append('  node [fontname="Helvetica", fontsize=11, height=0.3, margin="0.12,0.05"];')
    lines.append(f'  edge [color="{_LINE}", arrowsize=0.7];')
    for node in given:
        look = _LOOKS[node.kind]
        style = ",".join(["filled"] + ["rounded"] * look.round + ["dashed"] * look.dashed)
        label = node.label + (f"\n{node.shape}" if node.shape else "")
        rings = ", peripheries=2" if look.double else ""
        lines.append(
            f"  {_quoted(node.id)} [label={_quoted(label)}, shape={look.dot}, "
            f'style="{style}", fillcolor="{look.fill}", color="{look.stroke}"{rings}];'
        )
    lines += [f"  {_quoted(a)} -> {_quoted(b)};" for a, b in links]
    return "\n".join([*lines, "}", ""])


def network_diagram(
    layers: Sequence[int],
    *,
    names: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    title: str | None = None,
    most: int = 9,
) -> Drawing:
    """A layered network, units as circles from left to right; a wide layer is shortened, its size below.

    Args:
        layers: Units of each layer, inputs first, such as (2, 200, 100, 1).
        names: A text above each layer, such as ("input", "ReLU", "ReLU", "output").
        inputs: Names of the inputs, written at their units.
        outputs: Names of the outputs, written at their units.
        title: Names the picture for screen readers; default the sizes, 2-200-100-1.
        most: Units drawn in a layer, 3 or more; a wider layer shows two fewer and an ellipsis.

    Raises:
        ArgumentError: fewer than two layers, a layer without units, names that do not fit, `most` below 3.

    Example:
        >>> network_diagram([2, 200, 1]).title
        'network 2-200-1'
    """
    sizes = [int(n) for n in layers]
    if len(sizes) < 2 or min(sizes) < 1:
        raise ArgumentError(f"layers: {list(layers)}; two layers or more, each of 1 unit or more, are needed")
    if most < 3:
        raise ArgumentError(f"most: {most}; 3 or more is needed to show where units are left out")
    expected = (("names", names, len(sizes)), ("inputs", inputs, sizes[0]), ("outputs", outputs, sizes[-1]))
    for name, given, needed in expected:
        if given is not None and len(given) != needed:
            raise ArgumentError(f"{name}: {len(given)} given, {needed} needed")
    return _NetworkPicture(sizes, names, inputs, outputs, title, most).drawing()


# --- graphs -------------------------------------------------------------------------------------------------


def _checked(nodes: Nodes, edges: Edges) -> tuple[list[Node], list[tuple[Id, Id]]]:
    given = []
    for node in nodes:
        if not 2 <= len(node) <= 4:
            raise ArgumentError(f"nodes: {tuple(node)!r}; (id, label, kind, shape) is needed, the last two optional")
        given.append(Node(node[0], *map(str, node[1:])))
    if not given:
        raise ArgumentError("nodes: none; a picture needs one or more")
    known = set()
    for node in given:
        if node.id in known:
            raise ArgumentError(f"nodes: the id {node.id!r} is given twice")
        if node.kind not in _LOOKS:
            raise ArgumentError(f"nodes: {node.id!r} is of kind {node.kind!r}; needed: {', '.join(_LOOKS)}")
        known.add(node.id)
    links = [(edge[0], edge[1]) for edge in edges]
    for a, b in links:
        for end in (a, b):
            if end not in known:
                raise ArgumentError(f"edges: ({a!r}, {b!r}) names {end!r}, which is none of the nodes")
    return given, links


def _cut(text: str) -> str:
    line = " ".join(str(text).split())
    if columns(line) <= _LONGEST:
        return line
    while columns(line) > _LONGEST - 1:
        line = line[:-1]
    return line + "…"


def text_width(text: str, size: float) -> float:
    """Room a line of text takes, in points: never less than in the fonts a viewer is likely to have."""
    return sum(_letter_width(c) for c in text) * size


def _letter_width(c: str) -> float:
    if c in "iljftI.,:;'|!()[] ":
        return 0.42
    if c in "mwMW@%\u2026\u2192" or columns(c) == 2:
        return 1.02
    return 0.8 if c.isupper() else 0.65


def _size(node: Node) -> Point:
    text = max(text_width(_cut(node.label), _SIZE), text_width(_cut(node.shape), _SMALL))
    return max(text + (24.0 if _LOOKS[node.kind].round else 16.0), 34.0), 36.0 if node.shape else 24.0


def _node_shapes(node: Node, centre: Point, size: Point) -> list[Shape]:
    look = _LOOKS[node.kind]
    x, y = centre
    radius = min(size[1] / 2, 14.0) if look.round else 4.0
    tip = f"{node.label} ({node.kind}{', ' + node.shape if node.shape else ''})"
    box = Box(centre, *size, radius, look.fill, look.stroke, look.dashed, look.double, tip)
    if not node.shape:
        return [box, Label(centre, _cut(node.label), _SIZE)]
    return [
        box,
        Label((x, y - 6.0), _cut(node.label), _SIZE),
        Label((x, y + 8.0), _cut(node.shape), _SMALL, GREY),
    ]


def _curve(route: list[Point], dx: float, dy: float) -> tuple[tuple[Any, ...], ...]:
    """Straight down past the nodes of a layer, an S from one layer to the next."""
    points = [(x + dx, y + dy) for x, y in route]
    steps: list[tuple[Any, ...]] = [("M", points[0])]
    for i, (a, b) in enumerate(pairwise(points)):
        if i % 2 == 0:  # within a layer
            if a != b:
                steps.append(("L", b))
        elif a[0] == b[0]:
            steps.append(("L", b))
        else:
            half = (a[1] + b[1]) / 2
            steps.append(("C", (a[0], half), (b[0], half), b))
    return tuple(steps)


def _legend_width(kinds: list[str]) -> float:
    return sum(text_width(say(kind), _SMALL) + 34.0 for kind in kinds)


def _legend_shapes(kinds: list[str], middle: float, y: float) -> list[Shape]:
    shapes: list[Shape] = []
    x = middle - _legend_width(kinds) / 2
    for kind in kinds:
        look = _LOOKS[kind]
        radius = 5.0 if look.round else 2.0
        shapes.append(Box((x + 10.0, y), 18.0, 10.0, radius, look.fill, look.stroke, look.dashed, look.double))
        shapes.append(Label((x + 23.0, y), say(kind), _SMALL, GREY, "start"))
        x += text_width(say(kind), _SMALL) + 34.0
    return shapes


def _quoted(text: object) -> str:
    """A DOT string: quotes, backslashes and line breaks kept as they are."""
    safe = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{printable(safe)}"'


# --- networks -----------------------------------------------------------------------------------------------


_Unit = tuple[Point, int]  # where it is, and which of its layer it is
_Anchor = Literal["start", "end"]


class _NetworkPicture:
    """Places and shapes of a network diagram: columns of equal distance over the width of a page."""

    _RADIUS, _STEP, _MARGIN = 8.0, 24.0, 12.0
    _PAGE = 504.0  # points: 7 inches

    def __init__(
        self,
        sizes: list[int],
        names: Sequence[str] | None,
        inputs: Sequence[str] | None,
        outputs: Sequence[str] | None,
        title: str | None,
        most: int,
    ) -> None:
        self.sizes, self.names, self.most = sizes, names, most
        self.inputs, self.outputs = inputs, outputs
        self.title = title or f"network {'-'.join(map(str, sizes))}"
        self.left = self._MARGIN + self._names_width(inputs)
        self.right = self._MARGIN + self._names_width(outputs)
        columns_needed = max([0.0, *(text_width(_cut(name), 9.0) + 8.0 for name in names or ())])
        room = (self._PAGE - self.left - self.right - 2 * self._RADIUS) / (len(sizes) - 1)
        self.step = max(min(room, 110.0), columns_needed, 40.0)
        # Half a column name sticks out on either side of the outermost columns.
        overhang = max(columns_needed / 2 - self._RADIUS, 10.0)
        self.left, self.right = max(self.left, overhang + 4.0), max(self.right, overhang + 4.0)
        self.width = self.left + self.right + 2 * self._RADIUS + self.step * (len(sizes) - 1)
        self.head = self._MARGIN + (22.0 if names is not None else 0.0)
        self.tall = max(self._slots(n) for n in sizes) * self._STEP
        self.height = self.head + self.tall + 26.0 + self._MARGIN

    def _names_width(self, names: Sequence[str] | None) -> float:
        if names is None:
            return 0.0
        return max(text_width(_cut(name), 9.0) for name in names) + 8.0

    def _slots(self, n: int) -> int:
        return min(n, self.most)

    def _units(self, column: int) -> tuple[list[_Unit], Point | None]:
        """(place, number) of each unit drawn, and the place of the ellipsis."""
        n = self.sizes[column]
        slots = self._slots(n)
        x = self.left + self._RADIUS + column * self.step
        top = self.head + self.tall / 2 - (slots - 1) / 2 * self._STEP
        places = [(x, top + i * self._STEP) for i in range(slots)]
        if n <= self.most:
            return list(zip(places, range(n), strict=True)), None
        above = (slots - 1 + 1) // 2
        below = slots - 1 - above
        numbers = [*range(above), *range(n - below, n)]
        return list(zip(places[:above] + places[above + 1 :], numbers, strict=True)), places[above]

    def drawing(self) -> Drawing:
        columns_drawn = [self._units(i) for i in range(len(self.sizes))]
        shapes: list[Shape] = []
        for (units, _), (following, _) in pairwise(columns_drawn):
            for (x, y), _ in units:
                for (u, v), _ in following:
                    ends = (("M", (x + self._RADIUS, y)), ("L", (u - self._RADIUS, v)))
                    shapes.append(Curve(ends, GREY, 0.6, 0.45))
        last = len(self.sizes) - 1
        for i, (units, ellipsis) in enumerate(columns_drawn):
            fill = "#DDEFFA" if i == 0 else "#FCEFD2" if i == last else "white"
            stroke = BLUE if i == 0 else ORANGE if i == last else GREY
            shapes += [Circle(place, self._RADIUS, fill, stroke) for place, _ in units]
            if ellipsis is not None:
                dots = [(ellipsis[0], ellipsis[1] + shift) for shift in (-5.0, 0.0, 5.0)]
                shapes += [Circle(dot, 1.3, GREY, GREY) for dot in dots]
            x = self.left + self._RADIUS + i * self.step
            shapes.append(Label((x, self.head + self.tall + 10.0), str(self.sizes[i]), 9.0))
            if self.names is not None:
                shapes.append(Label((x, self._MARGIN + 4.0), _cut(self.names[i]), 9.0, GREY))
        shapes += self._end_names(columns_drawn[0][0], self.inputs, "end")
        shapes += self._end_names(columns_drawn[-1][0], self.outputs, "start")
        sizes = ", ".join(map(str, self.sizes))
        description = f"{len(self.sizes)} layers of {sizes} units, each unit connected to all of the next layer"
        return Drawing(self.width, self.height, self.title, description, shapes)

    def _end_names(self, units: list[_Unit], names: Sequence[str] | None, anchor: _Anchor) -> list[Shape]:
        if names is None:
            return []
        shift = self._RADIUS + 5.0 if anchor == "start" else -self._RADIUS - 5.0
        return [Label((x + shift, y), _cut(names[i]), 9.0, anchor=anchor) for (x, y), i in units]
