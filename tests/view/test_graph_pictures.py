"""Pictures of graphs and networks: SVG and DOT are read back, places are compared."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from surefit.core import ops
from surefit.core.program import record
from surefit.errors import ArgumentError
from surefit.view import Drawing, Node, draw_graph, draw_program, graph_dot, network_diagram
from surefit.view.drawing import Box, Circle, Curve, Label, arrow_head
from surefit.view.graph import text_width

SVG = "{http://www.w3.org/2000/svg}"
# ln(x1) + x1*x2 - sin(x2), the picture of every textbook on automatic differentiation
NODES = [
    ("x1", "x1", "input", "()"),
    ("x2", "x2", "input", "()"),
    ("v1", "ln", "operation"),
    ("v2", "mul", "operation"),
    ("v3", "sin", "operation"),
    ("v4", "add", "operation"),
    ("v5", "sub", "output", "()"),
]
EDGES = [
    ("x1", "v1"),
    ("x1", "v2"),
    ("x2", "v2"),
    ("x2", "v3"),
    ("v1", "v4"),
    ("v2", "v4"),
    ("v4", "v5"),
    ("v3", "v5"),
]
KINDS = ["input", "parameter", "state", "constant", "operation", "output"]
HOSTILE = "a<b & \"c\" 'd' </text><script>alert(1)</script> \x00\x1b \ud800 é 温度 \\ {x|y} $x$"


def parsed(drawing):
    return ElementTree.fromstring(drawing.svg())


def node_boxes(drawing):
    """Name -> box of every node; the legend has no tips."""
    return {shape.tip.split(" (")[0]: shape for shape in drawing.shapes if isinstance(shape, Box) and shape.tip}


def test_the_textbook_graph():
    drawing = draw_graph(NODES, EDGES, title="ln(x1) + x1*x2 - sin(x2)")
    at = {name: box.centre for name, box in node_boxes(drawing).items()}
    assert set(at) == {"x1", "x2", "ln", "mul", "sin", "add", "sub"}
    assert at["x1"][1] == at["x2"][1] < at["ln"][1] == at["mul"][1] < at["add"][1] < at["sub"][1]
    assert at["x1"][0] < at["x2"][0] and at["ln"][0] < at["mul"][0]  # arguments from left to right
    curves = [shape for shape in drawing.shapes if isinstance(shape, Curve)]
    assert len(curves) == len(EDGES) and all(curve.arrow for curve in curves)
    assert crossings(curves) == 0
    for curve, (a, b) in zip(curves, EDGES, strict=True):
        labels = {node[0]: node[1] for node in NODES}
        start, end = curve.steps[0][1], curve.steps[-1][-1]
        assert at[labels[a]][1] < start[1] < end[1] < at[labels[b]][1]


def crossings(curves):
    """Pairs of drawn curves that cross, by their points at 200 heights."""
    traces = []
    for curve in curves:
        points, last = [], None
        for kind, *ends in curve.steps:
            if kind == "C":
                t = np.linspace(0, 1, 60)[:, None]
                p = np.array([last, *ends])
                points += list(
                    (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
                )
            else:
                points.append(np.array(ends[0]))
            last = ends[-1]
        traces.append(np.array(points))
    count = 0
    for a, b in combinations(traces, 2):
        low, high = max(a[0, 1], b[0, 1]), min(a[-1, 1], b[-1, 1])
        if low < high:
            y = np.linspace(low, high, 200)[1:-1]
            side = np.sign(np.round(np.interp(y, a[:, 1], a[:, 0]) - np.interp(y, b[:, 1], b[:, 0]), 6))
            side = side[side != 0]
            count += int(np.any(side[1:] != side[:-1]))
    return count


def test_a_recorded_program_is_drawn_with_its_names_operations_and_shapes():
    program = record(lambda x1, x2: ops.log(x1) + x1 * x2 - ops.sin(x2), np.float64(2.0), np.float64(5.0))
    drawing = draw_program(program, title="ln(x1) + x1*x2 - sin(x2)")
    words = [shape.text for shape in drawing.shapes if isinstance(shape, Label)]
    assert {"x1", "x2", "log", "mul", "sin", "add", "sub"} < set(words)
    assert len(drawing.edges) == len(EDGES) + 1  # the result has a node of its own
    assert crossings([shape for shape in drawing.shapes if isinstance(shape, Curve)]) == 0
    assert sum("float64" in word for word in words) == len(drawing.nodes)
    np.testing.assert_allclose(program(np.float64(2.0), np.float64(5.0)), np.log(2) + 10 - np.sin(5))


def test_svg_is_a_standalone_accessible_file():
    drawing = draw_graph(NODES, EDGES, title="a graph")
    root = parsed(drawing)
    assert root.tag == SVG + "svg" and root.get("role") == "img"
    assert root[0].tag == SVG + "title" and root[0].text == "a graph"
    assert root[1].tag == SVG + "desc" and root[1].text.startswith("7 nodes, 8 edges. ln from x1; mul from x1, x2")
    width, height = (float(v) for v in root.get("viewBox").split()[2:])
    assert (width, height) == pytest.approx((drawing.width, drawing.height), abs=0.01)
    assert not re.search(r'(href|url\(|src)="?http', drawing.svg())  # nothing is fetched
    texts = [element.text for element in root.iter(SVG + "text")]
    assert {"ln", "mul", "sin", "add", "sub", "x1", "x2"} < set(texts)
    assert len(list(root.iter(SVG + "polygon"))) == len(EDGES)  # arrow heads


def test_labels_are_escaped_everywhere():
    drawing = draw_graph([("n", HOSTILE, "input", HOSTILE)], [], title=HOSTILE)
    root = parsed(drawing)  # well formed
    assert not list(root.iter(SVG + "script")) and "<script" not in drawing.svg()
    assert "alert(1)" in root[0].text and "温度" in root[0].text
    assert "\x00" not in drawing.svg() and "\x1b" not in drawing.svg()
    drawing.svg().encode("utf-8")
    network = network_diagram([1, 1], names=[HOSTILE, "b"], inputs=[HOSTILE], title=HOSTILE)
    assert "<script" not in network.svg() and parsed(network) is not None


def test_long_labels_are_cut_and_stay_readable_in_the_tip():
    name = "a_rather_long_name_of_an_operation_that_nobody_can_read"
    root = parsed(draw_graph([("n", name)], []))
    shown = next(root.iter(SVG + "text")).text
    assert shown.endswith("…") and len(shown) <= 32
    assert any(name in (element.text or "") for element in root.iter(SVG + "title"))


def test_kinds_differ_in_outline_not_only_in_colour():
    drawing = draw_graph([(kind, kind, kind) for kind in KINDS], [])
    looks = [(b.radius > 6, b.dashed, b.double) for b in node_boxes(drawing).values()]
    # What is given, what is fixed, what is computed and what results; a parameter or state is a tinted box.
    assert len(set(looks)) == 4
    assert len({b.fill for b in node_boxes(drawing).values()}) == len(KINDS)


def test_the_legend_names_the_kinds_that_occur():
    words = {shape.text for shape in draw_graph(NODES, EDGES).shapes if isinstance(shape, Label)}
    assert {"input", "operation", "output"} < words and "parameter" not in words
    assert "input" not in {s.text for s in draw_graph(NODES, EDGES, legend=False).shapes if isinstance(s, Label)}


@pytest.mark.parametrize(
    "text", ["WWWWWWWWWW", "iiiiiiiiii", "matmul", "(64, 200)", "温度压力", "broadcast_to", "%@MW…→"]
)
@pytest.mark.parametrize("shape", ["", "(60000, 784) float32"])
def test_texts_fit_into_their_boxes(text, shape):
    drawing = draw_graph([("n", text, "output", shape)], [], legend=False)
    figure = drawing.figure()
    renderer = figure.canvas.get_renderer()
    box = figure.axes[0].patches[0].get_window_extent(renderer)
    for label in figure.axes[0].texts:
        extent = label.get_window_extent(renderer)
        assert box.x0 < extent.x0 and extent.x1 < box.x1
        assert box.y0 < extent.y0 and extent.y1 < box.y1


def test_nodes_are_wide_enough_for_their_labels():
    for node, box in node_boxes(draw_graph(NODES, EDGES)).items():
        assert box.width > text_width(node, 10.0)


@pytest.mark.parametrize("ending, head", [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")])
def test_saving_by_ending(tmp_path, ending, head):
    path = draw_graph(NODES, EDGES).save(tmp_path / f"graph.{ending}")
    assert path.read_bytes().startswith(head)
    assert draw_graph(NODES, EDGES).save(str(tmp_path / f"GRAPH.{ending.upper()}")).exists()


def test_saving_refuses_other_endings(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.gif"):
        draw_graph(NODES, EDGES).save(tmp_path / "graph.gif")
    with pytest.raises(ArgumentError, match=r"\.dot"):
        network_diagram([1, 2]).save(tmp_path / "network.dot")
    assert not list(tmp_path.iterdir())


def test_figure_and_svg_have_one_layout():
    drawing = draw_graph(NODES, EDGES)
    figure = drawing.figure()
    assert figure.get_size_inches() == pytest.approx((drawing.width / 72, drawing.height / 72))
    axes = figure.axes[0]
    assert axes.get_ylim() == (drawing.height, 0.0)  # downwards, as in SVG
    assert {t.get_text() for t in axes.texts} == {s.text for s in drawing.shapes if isinstance(s, Label)}


def test_notebooks_show_the_svg():
    drawing = draw_graph(NODES, EDGES)
    assert drawing._repr_svg_() == drawing.svg()


def test_dot_says_the_same_graph():
    dot = graph_dot(NODES, EDGES, title="t")
    assert re.findall(r'^  "(\w+)" -> "(\w+)";$', dot, re.M) == EDGES
    assert dict(re.findall(r'^  "(\w+)" \[label="(\w+)', dot, re.M)) == {node[0]: node[1] for node in NODES}
    assert draw_graph(NODES, EDGES, title="t").dot() == dot


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_dot():
    nodes = [*NODES, ("odd", HOSTILE.replace("\ud800", ""), "constant", "\\N \\l")]
    done = subprocess.run(
        ["dot", "-Tplain"],
        input=graph_dot(nodes, [*EDGES, ("odd", "v5")]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert sum(row.startswith("node") for row in done.stdout.splitlines()) == len(nodes)
    assert sum(row.startswith("edge") for row in done.stdout.splitlines()) == len(EDGES) + 1


def test_ids_may_be_numbers_and_nodes_may_be_short():
    drawing = draw_graph([(0, "x", "input"), (1, "sin")], [(0, 1)])
    assert drawing.nodes == [Node(0, "x", "input", ""), Node(1, "sin", "operation", "")]


def test_a_program_draws_itself():
    class Program:
        def nodes_and_edges(self):
            return NODES, EDGES

    assert draw_program(Program()).svg() == draw_graph(NODES, EDGES).svg()


@pytest.mark.parametrize(
    "nodes, edges, says",
    [
        ([], [], "none"),
        ([("a", "x"), ("a", "y")], [], "'a' is given twice"),
        ([("a", "x", "layer")], [], "'layer'"),
        ([("a",)], [], "label"),
        ([("a", "x", "input", "", "more")], [], "label"),
        ([("a", "x")], [("a", "b")], "'b'"),
        ([("a", "x"), ("b", "y")], [("a", "b"), ("b", "a")], "cycle"),
    ],
)
def test_refusals(nodes, edges, says):
    for draw in (draw_graph, graph_dot):
        if draw is graph_dot and says == "cycle":
            continue  # Graphviz draws cycles
        with pytest.raises(ArgumentError, match=says):
            draw(nodes, edges)


# --- networks ---------------------------------------------------------------------------------------------

E5 = [2, 200, 100, 100, 80, 50, 30, 1]


def columns(drawing):
    """x -> units of one column, without the dots of an ellipsis."""
    found: dict[float, list[Circle]] = {}
    for shape in drawing.shapes:
        if isinstance(shape, Circle) and shape.radius > 2:
            found.setdefault(round(shape.centre[0], 3), []).append(shape)
    return [found[x] for x in sorted(found)]


def test_network_has_a_column_for_each_layer_and_its_size_below():
    drawing = network_diagram(E5, names=["input", *["ReLU"] * 6, "output"], inputs=["x1", "x2"], outputs=["y"])
    assert [len(units) for units in columns(drawing)] == [2, 8, 8, 8, 8, 8, 8, 1]
    labels = [shape for shape in drawing.shapes if isinstance(shape, Label)]
    bottom = max(label.at[1] for label in labels)
    below = sorted((label.at[0], label.text) for label in labels if label.at[1] == bottom)
    assert [text for _, text in below] == [str(n) for n in E5]
    assert [x for x, _ in below] == pytest.approx([units[0].centre[0] for units in columns(drawing)])
    assert drawing.title == "network 2-200-100-100-80-50-30-1"
    assert drawing.width <= 7.0 * 72


def test_wide_layers_are_shortened_with_dots():
    drawing = network_diagram([3, 10, 9], most=9)
    dots = [shape for shape in drawing.shapes if isinstance(shape, Circle) and shape.radius < 2]
    assert [len(units) for units in columns(drawing)] == [3, 8, 9] and len(dots) == 3
    assert {round(dot.centre[0], 3) for dot in dots} == {round(columns(drawing)[1][0].centre[0], 3)}


def test_every_unit_drawn_is_connected_to_the_next_layer():
    drawing = network_diagram([3, 5, 2])
    lines = [shape for shape in drawing.shapes if isinstance(shape, Curve)]
    assert len(lines) == 3 * 5 + 5 * 2
    assert len({(line.steps[0][1], line.steps[1][1]) for line in lines}) == 25


def test_names_of_ends_stand_beside_their_units():
    drawing = network_diagram([20, 4, 12], inputs=[f"in{i}" for i in range(20)], outputs=[f"out{i}" for i in range(12)])
    at = {shape.text: shape.at for shape in drawing.shapes if isinstance(shape, Label)}
    first, last = columns(drawing)[0], columns(drawing)[-1]
    assert [name for name in at if name.startswith("in")] == [f"in{i}" for i in (0, 1, 2, 3, 16, 17, 18, 19)]
    assert at["in19"][1] == first[-1].centre[1] and at["in19"][0] < first[-1].centre[0]
    assert at["out11"][1] == last[-1].centre[1] and at["out11"][0] > last[-1].centre[0]


@pytest.mark.parametrize(
    "layers, more",
    [
        (E5, {"names": ["input", *["LeakyReLU"] * 6, "output"], "inputs": ["x1", "x2"], "outputs": ["y"]}),
        (
            [1, 50, 1],
            {
                "inputs": ["temperature / K"],
                "outputs": ["pressure / kPa"],
                "names": ["input", "tanh", "output"],
            },
        ),
        (
            [784, 100, 10],
            {"names": ["28 x 28 pixels", "sigmoid", "softmax"], "outputs": [f"digit {i}" for i in range(10)]},
        ),
        ([3, 3], {"names": ["a long name of the inputs", "a long name of the outputs"]}),
        ([1] * 20, {}),
    ],
)
def test_network_texts_and_units_do_not_overlap(layers, more, assert_readable):
    drawing = network_diagram(layers, **more)
    assert_readable(drawing.figure())
    circles = [shape for shape in drawing.shapes if isinstance(shape, Circle)]
    for a, b in combinations(circles, 2):
        assert np.hypot(a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]) >= a.radius + b.radius
    for label in drawing.shapes:
        if not isinstance(label, Label):
            continue
        width = text_width(label.text, label.size)
        left = label.at[0] - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
        for unit in circles:
            beside = left > unit.centre[0] + unit.radius or left + width < unit.centre[0] - unit.radius
            assert beside or abs(label.at[1] - unit.centre[1]) > unit.radius + label.size / 2


@pytest.mark.parametrize(
    "layers, more, says",
    [
        ([3], {}, "layers"),
        ([3, 0], {}, "layers"),
        ([3, 1], {"most": 2}, "most"),
        ([3, 1], {"names": ["a"]}, "names: 1 given, 2 needed"),
        ([3, 1], {"inputs": ["a"]}, "inputs: 1 given, 3 needed"),
        ([3, 1], {"outputs": []}, "outputs: 0 given, 1 needed"),
    ],
)
def test_network_refusals(layers, more, says):
    with pytest.raises(ArgumentError, match=says):
        network_diagram(layers, **more)


# --- drawings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [(10.0, 0.0), (0.0, 10.0), (-3.0, 4.0)])
def test_arrow_heads_point_along_the_curve(end):
    tip, left, right = (np.array(p) for p in arrow_head(Curve((("M", (0.0, 0.0)), ("L", end)))))
    np.testing.assert_allclose(tip, end)
    back = (left + right) / 2 - tip
    np.testing.assert_allclose(back / np.linalg.norm(back), -np.array(end) / np.linalg.norm(end), atol=1e-12)
    assert np.linalg.norm(back) == pytest.approx(6.0) and np.linalg.norm(left - right) == pytest.approx(5.0)


def test_pictures_of_huge_graphs_keep_to_a_size_that_can_be_written(tmp_path):
    drawing = Drawing(100.0, 30_000.0, "tall", "a tall drawing", [Circle((50.0, 50.0), 8.0)])
    data = drawing.save(tmp_path / "tall.png").read_bytes()
    assert int.from_bytes(data[20:24], "big") <= 12_000
