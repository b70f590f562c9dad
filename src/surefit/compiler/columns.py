"""A network on a batch of points, with the points as columns instead of rows.

In vectors along the points every lane counts, however few units a layer has, and weights are read as they lie. Every
number is made of the same numbers in the same order, so no bit changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from surefit.ir.graph import Graph, Node, reachable

FEWEST = 32  # points


def by_columns(g: Graph, x: Node, outputs: Sequence[Node]) -> list[Node] | None:
    """The outputs once more, from a transposed x of points (n, d); None where they are not made of layers alone.

    That is: products with matrices in which x has no part, and elementwise operations, on arrays of n rows.
    """
    if len(x.shape) != 2 or x.shape[0] < FEWEST:
        return None
    n = x.shape[0]
    turned = {x.id: g.swap(x)}  # what is made of x, transposed
    order = reachable(outputs)
    made_of_x = {x.id}
    for node in order:
        if any(a.id in made_of_x for a in node.args):
            made_of_x.add(node.id)
    for node in order:
        if node.id not in made_of_x or node is x:
            continue
        if len(node.shape) != 2 or node.shape[0] != n:
            return None
        if node.op == "matmul" and node.args[1].id not in made_of_x:
            args = [g.swap(node.args[1]), turned[node.args[0].id]]
        elif node.elementwise and node.op != "take":  # which reads anywhere
            args = []
            for a in node.args:
                if a.id in made_of_x:
                    args.append(turned[a.id])
                elif len(a.shape) == 2:
                    args.append(g.swap(a))
                else:  # () or (k,)
                    args.append(g.reshape(a, *a.shape, 1) if a.shape else a)
        else:
            return None
        g.equation = node.equation
        turned[node.id] = g.make(node.op, *args, **node.params)
    if any(node.id not in turned for node in outputs):
        return None
    return [g.swap(turned[node.id]) for node in outputs]


__all__ = ["by_columns"]
