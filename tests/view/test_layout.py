"""The layered layout: its promises hold on random graphs, its parts agree with slow or foreign ones."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefit.errors import ArgumentError
from surefit.view import layout as module
from surefit.view.layout import layered


@st.composite
def graphs(draw):
    """Sizes and edges of a graph without cycles, several edges between two nodes allowed."""
    n = draw(st.integers(1, 18))
    sizes = draw(st.lists(st.tuples(st.integers(10, 120), st.integers(10, 40)), min_size=n, max_size=n))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, max_size=30)) if n > 1 else []
    names = draw(st.permutations(range(n)))  # numbers need not follow the order of computation
    return sizes, [(names[a], names[b]) for a, b in edges]


def boxes(sizes, layout):
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (w, h), (x, y) in zip(sizes, layout.centres, strict=True)]


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_nodes_do_not_touch(graph):
    sizes, edges = graph
    for a, b in combinations(boxes(sizes, layered(sizes, edges, gap=18.0)), 2):
        apart = max(b[0] - a[2], a[0] - b[2])
        above = max(b[1] - a[3], a[1] - b[3])
        assert apart >= 18.0 * 0.59 or above >= 0.0


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_edges_run_downwards_from_border_to_border(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    around = boxes(sizes, layout)
    assert len(layout.routes) == len(edges)
    for (a, b), route in zip(edges, layout.routes, strict=True):
        heights = [y for _, y in route]
        assert heights == sorted(heights) and heights[0] < heights[-1]
        assert route[0][1] == pytest.approx(around[a][3]) and around[a][0] < route[0][0] < around[a][2]
        assert route[-1][1] == pytest.approx(around[b][1]) and around[b][0] < route[-1][0] < around[b][2]


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_edges_pass_beside_the_nodes_in_between(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    for (a, b), route in zip(edges, layout.routes, strict=True):
        for i, box in enumerate(boxes(sizes, layout)):
            if i in (a, b):
                continue
            for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(route)):
                if y0 >= box[3] or y1 <= box[1]:
                    continue
                # Between layers the route is free; along a node's height it is vertical and beside the node.
                assert k % 2 == 0 and x0 == x1 and not box[0] < x0 < box[2]


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_everything_lies_on_the_page_and_comes_out_the_same_again(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    points = [p for route in layout.routes for p in route]
    points += [(x, y) for box in boxes(sizes, layout) for x, y in (box[:2], box[2:])]
    assert all(-1e-6 <= x <= layout.width + 1e-6 and -1e-6 <= y <= layout.height + 1e-6 for x, y in points)
    assert layout == layered(sizes, edges)


def prepared(edges, n):
    graph = module._with_invisible_nodes(n, edges, module._layers(n, edges, set()))
    return graph, module._orders(graph)


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_crossings_are_counted_right(graph):
    sizes, edges = graph
    full, orders = prepared(edges, len(sizes))
    slow = 0
    for upper, lower in pairwise(orders):
        links = [(upper.index(u), lower.index(v)) for u in upper for v in full.below[u]]
        slow += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(links, 2))
    assert module._crossings(full, orders) == slow


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_every_edge_spans_one_layer_and_no_layer_is_empty(graph):
    sizes, edges = graph
    full, orders = prepared(edges, len(sizes))
    assert all(full.layer[v] == full.layer[u] + 1 for u in range(len(full.layer)) for v in full.below[u])
    assert sorted(v for order in orders for v in order) == list(range(len(full.layer)))
    assert all(orders)


@pytest.mark.parametrize(
    "edges, n, crossings",
    [
        ([(0, 3), (1, 2)], 4, 0),  # two strands
        ([(0, 4), (1, 3), (2, 5), (0, 5), (1, 4)], 6, 0),  # a path zigzagging between two layers
        (
            [(a, b) for a in range(3) for b in range(3, 6)],
            6,
            9,
        ),  # K(3,3) in two layers: 9, whatever the order
        ([(0, i) for i in range(1, 8)] + [((i - 1) // 2, i) for i in range(3, 7)], 8, None),
    ],
)
def test_known_graphs_have_the_fewest_crossings(edges, n, crossings):
    full, orders = prepared(edges, n)
    if crossings is not None:
        assert module._crossings(full, orders) == crossings


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 10)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_pooling_is_isotonic_regression(pairs):
    from scipy.optimize import isotonic_regression

    wish, weight = (np.array(column) for column in zip(*pairs, strict=True))
    expected = isotonic_regression(wish, weights=weight).x
    np.testing.assert_allclose(module._monotone(wish, weight), expected, atol=1e-9)


def test_a_chain_is_straight():
    layout = layered([(40, 20)] * 5, [(i, i + 1) for i in range(4)])
    assert len({round(x, 6) for x, _ in layout.centres}) == 1


def test_a_parent_stands_over_the_middle_of_its_children():
    layout = layered([(40, 20)] * 4, [(0, 1), (0, 2), (0, 3)])
    xs = [x for x, _ in layout.centres]
    assert xs[0] == pytest.approx(np.mean(xs[1:]), abs=1e-6)


def test_sources_go_down_to_their_consumers_unless_kept_at_the_top():
    chain = [(0, 1), (1, 2), (2, 3), (4, 3)]
    free, kept = layered([(40, 20)] * 5, chain), layered([(40, 20)] * 5, chain, top=[4])
    assert free.centres[4][1] == free.centres[2][1]
    assert kept.centres[4][1] == kept.centres[0][1]


def test_a_source_and_what_only_prepares_it_go_down_together():
    layout = layered([(40, 20)] * 6, [(0, 1), (1, 2), (2, 3), (4, 5), (5, 3)])
    y = [centre[1] for centre in layout.centres]
    assert y[4] == y[1] and y[5] == y[2]


def test_long_edges_of_one_node_share_their_way():
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (0, 3)]
    layout = layered([(40, 20)] * 5, edges)
    far, near = layout.routes[4], layout.routes[5]
    assert near[:4] == far[:4]


def test_an_edge_given_twice_arrives_twice():
    first, second = layered([(40, 20)] * 2, [(0, 1), (0, 1)]).routes
    assert first[-1][0] != second[-1][0]


@pytest.mark.parametrize("edges", [[(0, 1), (1, 2), (2, 0)], [(1, 1)]])
def test_cycles_are_refused(edges):
    with pytest.raises(ArgumentError, match="cycle"):
        layered([(10, 10)] * 3, edges)


def test_unknown_nodes_are_refused():
    with pytest.raises(ArgumentError, match=r"\(0, 7\)"):
        layered([(10, 10)] * 3, [(0, 7)])


@pytest.mark.slow
def test_deep_and_wide_graphs_are_laid_out():
    n = 3000
    layout = layered([(40, 20)] * n, [(i, i + 1) for i in range(n - 1)])
    assert layout.centres[-1][1] > layout.centres[0][1]
    layered([(40, 20)] * 501, [(0, i) for i in range(1, 501)])
