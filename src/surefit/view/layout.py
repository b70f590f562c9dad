"""Where the nodes and edges of a directed graph without cycles go: in layers, every edge downwards.

The method of K. Sugiyama, S. Tagawa and M. Toda (1981): give each node a layer, order the layers so that few
edges cross, then set the positions. Layers are longest paths from the sources; sources and nodes with more
consumers than arguments are then moved down towards their consumers. An edge over several layers gets an
invisible node in each of them, which keeps its place free; long edges of one node share theirs, so that a
value used in many places is one line that branches. Orders come from sweeps of barycentres and the best one
seen is kept. Positions come from sweeps that move each node to the weighted mean of its neighbours as far as
the order allows, which is a monotone regression and solved exactly by pooling adjacent violators. No
randomness: the same graph gives the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surefit.errors import ArgumentError

Point = tuple[float, float]
Array = NDArray[np.float64]

_SWEEPS = 24
_STRAIGHTEN = {
    0: 1.0,
    1: 2.0,
    2: 8.0,
}  # weight of an edge by how many of its ends are invisible (Gansner et al. 1993)


@dataclass(frozen=True)
class Layout:
    """Positions, in the units of the sizes given; y grows downwards.

    Attributes:
        centres: Centre of each node.
        routes: For each edge, points from the lower border of its first node to the upper border of its
            second. They come in pairs (arrival, departure): between two pairs the edge crosses the gap
            between two layers, within a pair it runs straight down past the nodes of a layer.
        width: Extent of everything to the right.
        height: Extent of everything downwards.
    """

    centres: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def layered(
    sizes: Sequence[Point],
    edges: Sequence[tuple[int, int]],
    *,
    top: Sequence[int] = (),
    gap: float = 18.0,
    layer_gap: float = 34.0,
) -> Layout:
    """Lay out a graph of nodes 0 ... n-1.

    Args:
        sizes: (width, height) of each node.
        edges: (from, to) pairs of node numbers; an edge given twice is drawn twice.
        top: Nodes that stay in the first layer; they have no edge into them.
        gap: Least distance between neighbours in a layer.
        layer_gap: Least distance between layers; it grows where edges run far to the side.

    Raises:
        ArgumentError: an edge to a node that does not exist; a cycle, named by its nodes.

    Example:
        >>> layout = layered([(40, 20)] * 3, [(0, 2), (1, 2)])
        >>> [round(y) for _, y in layout.centres]
        [10, 10, 64]
    """
    n = len(sizes)
    for a, b in edges:
        if not (0 <= a < n and 0 <= b < n):
            raise ArgumentError(f"edges: ({a}, {b}) names a node that is none of 0 to {n - 1}")
    layer = _layers(n, edges, set(top))
    graph = _with_invisible_nodes(n, edges, layer)
    orders = _orders(graph)
    widths = [size[0] for size in sizes] + [0.0] * (len(graph.layer) - n)
    x = _positions(graph, orders, widths, gap)
    return _place(graph, orders, sizes, x, layer_gap)


# --- layers -------------------------------------------------------------------------------------------------


def _layers(n: int, edges: Sequence[tuple[int, int]], top: set[int]) -> list[int]:
    above: list[list[int]] = [[] for _ in range(n)]
    below: list[list[int]] = [[] for _ in range(n)]
    for a, b in edges:
        above[b].append(a)
        below[a].append(b)
    order = _topological(above, below)
    layer = [0] * n
    for v in order:
        layer[v] = max((layer[u] + 1 for u in above[v]), default=0)
    for v in reversed(order):
        # Going down to its consumers makes edges shorter when they are more than its arguments, or when the
        # arguments can follow.
        can_follow = all(len(below[u]) == 1 and u not in top for u in above[v])
        gain = len(below[v]) - len(above[v])
        if below[v] and v not in top and (gain > 0 or (gain == 0 and can_follow)):
            layer[v] = min(layer[w] for w in below[v]) - 1
    return layer


def _topological(above: list[list[int]], below: list[list[int]]) -> list[int]:
    waiting = [len(u) for u in above]
    ready = [v for v, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        v = ready.pop()
        order.append(v)
        for w in below[v]:
            waiting[w] -= 1
            if waiting[w] == 0:
                ready.append(w)
    if len(order) < len(above):
        stuck = [v for v, count in enumerate(waiting) if count > 0]
        raise ArgumentError(f"edges: nodes {stuck[:10]} lie on a cycle or behind one; a picture needs none")
    return order


@dataclass
class _Graph:
    """The graph with invisible nodes: every edge spans one layer."""

    layer: list[int]  # of every node; the invisible ones come after the n real ones
    above: list[list[int]]  # neighbours in the layer above, one entry for each edge
    below: list[list[int]]
    chains: list[list[int]]  # of every edge: its first node, the invisible ones, its last node
    n: int


def _with_invisible_nodes(n: int, edges: Sequence[tuple[int, int]], layer: list[int]) -> _Graph:
    graph = _Graph(list(layer), [[] for _ in range(n)], [[] for _ in range(n)], [], n)
    invisible: dict[tuple[int, int], int] = {}

    def link(u: int, v: int) -> None:
        graph.below[u].append(v)
        graph.above[v].append(u)

    for a, b in edges:
        chain = [a]
        for depth in range(layer[a] + 1, layer[b]):
            v = invisible.get((a, depth))
            if v is None:
                v = invisible[a, depth] = len(graph.layer)
                graph.layer.append(depth)
                graph.above.append([])
                graph.below.append([])
                link(chain[-1], v)
            chain.append(v)
        link(chain[-1], b)
        graph.chains.append([*chain, b])
    return graph


# --- order --------------------------------------------------------------------------------------------------


def _orders(graph: _Graph) -> list[list[int]]:
    orders = _first_orders(graph)
    best, fewest = [list(o) for o in orders], _crossings(graph, orders)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        neighbours = graph.above if downwards else graph.below
        depths = range(1, len(orders)) if downwards else range(len(orders) - 2, -1, -1)
        for depth in depths:
            fixed = orders[depth - 1 if downwards else depth + 1]
            place = {v: i for i, v in enumerate(fixed)}
            # A node without neighbours there keeps its place; sorting is stable, so ties do too.
            current = {v: float(i) for i, v in enumerate(orders[depth])}
            for v in orders[depth]:
                if neighbours[v]:
                    current[v] = sum(place[u] for u in neighbours[v]) / len(neighbours[v])
            orders[depth].sort(key=lambda v, key=current: key[v])  # type: ignore[misc]
        _swap_neighbours(graph, orders)
        count = _crossings(graph, orders)
        if count < fewest:
            best, fewest = [list(o) for o in orders], count
    return best


def _first_orders(graph: _Graph) -> list[list[int]]:
    """Nodes in the order in which a walk up from the results meets them, first argument first."""
    orders: list[list[int]] = [[] for _ in range(max(graph.layer, default=-1) + 1)]
    seen: set[int] = set()
    stack = [v for v in range(graph.n) if not graph.below[v]][::-1]
    while stack:
        v = stack.pop()
        if v in seen:
            continue
        seen.add(v)
        orders[graph.layer[v]].append(v)
        stack.extend(graph.above[v][::-1])
    return orders


def _crossings(graph: _Graph, orders: list[list[int]]) -> int:
    total = 0
    for upper, lower in pairwise(orders):
        at = {v: i for i, v in enumerate(lower)}
        ends = [place for v in upper for place in sorted(at[w] for w in graph.below[v])]
        total += _inversions(ends, len(lower))
    return total


def _inversions(ends: list[int], size: int) -> int:
    """Pairs out of order, counted with a Fenwick tree: O(edges log nodes)."""
    tree = [0] * (size + 1)
    total = 0
    for seen, end in enumerate(ends):
        at, not_above = end + 1, 0
        while at > 0:
            not_above += tree[at]
            at -= at & -at
        total += seen - not_above
        at = end + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return total


def _swap_neighbours(graph: _Graph, orders: list[list[int]]) -> None:
    """Swap two neighbours in a layer wherever that removes crossings; one pass."""
    for depth, order in enumerate(orders):
        up = {v: i for i, v in enumerate(orders[depth - 1])} if depth else {}
        down = {v: i for i, v in enumerate(orders[depth + 1])} if depth + 1 < len(orders) else {}
        sides = [(graph.above, up), (graph.below, down)]
        for i in range(len(order) - 1):
            a, b = order[i], order[i + 1]
            gain = 0
            for neighbours, place in sides:
                for p in neighbours[a]:
                    for q in neighbours[b]:
                        gain += (place[p] > place[q]) - (place[p] < place[q])
            if gain > 0:
                order[i], order[i + 1] = b, a


# --- positions ----------------------------------------------------------------------------------------------


def _positions(graph: _Graph, orders: list[list[int]], widths: list[float], gap: float) -> list[float]:
    """x of every node's centre."""
    x = [0.0] * len(widths)
    offsets = []  # of each node in its layer when everything is pushed to the left
    for order in orders:
        left = [0.0]
        for a, b in pairwise(order):
            left.append(left[-1] + (widths[a] + widths[b]) / 2 + (gap if a < graph.n or b < graph.n else gap * 0.6))
        offsets.append(np.array(left[: len(order)]))
        for v, position in zip(order, left, strict=False):
            x[v] = position - left[len(order) - 1] / 2
    for sweep in range(2 * _SWEEPS):
        settling = sweep >= 2 * _SWEEPS - 8  # at the end both sides pull
        downwards = sweep % 2 == 0
        up, down = settling or downwards, settling or not downwards
        for depth in range(len(orders)) if downwards else reversed(range(len(orders))):
            order = orders[depth]
            wish, weight = np.empty(len(order)), np.empty(len(order))
            for i, v in enumerate(order):
                sides = [*(graph.above[v] if up else ()), *(graph.below[v] if down else ())]
                pulls = [_STRAIGHTEN[(u >= graph.n) + (v >= graph.n)] for u in sides]
                weight[i] = sum(pulls) or 1e-3
                pull = sum(p * x[u] for p, u in zip(pulls, sides, strict=True))
                wish[i] = pull / weight[i] if pulls else x[v]
            settled = _monotone(wish - offsets[depth], weight) + offsets[depth]
            for v, position in zip(order, settled, strict=True):
                x[v] = float(position)
    return x


def _monotone(wish: Array, weight: Array) -> Array:
    """Nearest non-decreasing sequence in weighted least squares: pool adjacent violators."""
    means: list[float] = []
    weights: list[float] = []
    counts: list[int] = []
    for value, w in zip(wish.tolist(), weight.tolist(), strict=True):
        mean, total, count = value, w, 1
        while means and means[-1] > mean:
            mean = (means[-1] * weights[-1] + mean * total) / (weights[-1] + total)
            total += weights.pop()
            count += counts.pop()
            means.pop()
        means.append(mean)
        weights.append(total)
        counts.append(count)
    return np.repeat(means, counts)


def _place(
    graph: _Graph,
    orders: list[list[int]],
    sizes: Sequence[Point],
    x: list[float],
    layer_gap: float,
) -> Layout:
    """Layers one below the other, everything shifted to the origin, edges through their invisible nodes."""
    left = min((x[v] - sizes[v][0] / 2 for v in range(graph.n)), default=0.0)
    left = min(left, min(x, default=0.0))
    x = [value - left for value in x]
    tops, bottoms, y = [], [], 0.0
    for depth, order in enumerate(orders):
        tops.append(y)
        y += max((sizes[v][1] for v in order if v < graph.n), default=0.0)
        bottoms.append(y)
        reach = max((abs(x[v] - x[w]) for v in order for w in graph.below[v]), default=0.0)
        y += float(np.clip(0.16 * reach, layer_gap, 2.5 * layer_gap)) if depth + 1 < len(orders) else 0.0
    middle = [(top + bottom) / 2 for top, bottom in zip(tops, bottoms, strict=True)]
    centres = [(x[v], middle[graph.layer[v]]) for v in range(graph.n)]

    chains = list(enumerate(graph.chains))
    leaving = _ports(sizes, x, [(e, chain[0], chain[1], chain[1] >= graph.n) for e, chain in chains])
    arriving = _ports(sizes, x, [(e, chain[-1], chain[-2], False) for e, chain in chains])
    routes = []
    for e, chain in enumerate(graph.chains):
        first, last = chain[0], chain[-1]
        start, end = centres[first][1] + sizes[first][1] / 2, centres[last][1] - sizes[last][1] / 2
        route = [(leaving[e], start), (leaving[e], bottoms[graph.layer[first]])]
        for v in chain[1:-1]:
            route += [(x[v], tops[graph.layer[v]]), (x[v], bottoms[graph.layer[v]])]
        routes.append([*route, (arriving[e], tops[graph.layer[last]]), (arriving[e], end)])
    right = max([x[v] + sizes[v][0] / 2 for v in range(graph.n)] + x, default=0.0)
    return Layout(centres, routes, right, y)


def _ports(sizes: Sequence[Point], x: list[float], ends: list[tuple[int, int, int, bool]]) -> dict[int, float]:
    """x at which each edge meets its node: side by side in the order of where the edges come from."""
    by_node: dict[int, set[tuple[float, int]]] = {}
    keys = {}
    for e, node, other, shared in ends:
        keys[e] = (x[other], other if shared else -1 - e)  # one port for all edges that begin as one line
        by_node.setdefault(node, set()).add(keys[e])
    port = {}
    for node, found in by_node.items():
        step = min(14.0, 0.6 * sizes[node][0] / len(found))
        for i, key in enumerate(sorted(found)):
            port[node, key] = x[node] + step * (i - (len(found) - 1) / 2)
    return {e: port[node, keys[e]] for e, node, _, _ in ends}
