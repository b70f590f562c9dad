"""Nested tuples, lists and dicts of values: taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def is_data(node: Any) -> bool:
    """Whether a node is a list or tuple of numbers, nested or not: one tensor then, and no branch.

    >>> is_data([[1, 2.0], (3, 4)]), is_data([1.0, np.ones(2)]), is_data([])
    (True, False, False)
    """
    if not isinstance(node, (list, tuple)) or hasattr(node, "_fields"):
        return False
    return len(node) > 0 and all(isinstance(x, (int, float, np.generic)) or is_data(x) for x in node)


def flatten(tree: Any, leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of a tree, left to right, and the function that rebuilds the tree from as many leaves.

    Tuples (also named ones), lists and dicts are branches, unless leaf(node) says otherwise; None is an empty branch;
    all else is a leaf.

    >>> leaves, rebuild = flatten({"a": (1, 2), "b": [3]})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'a': (10, 20), 'b': [30]})
    """
    leaves: list[Any] = []

    def take(node: Any) -> Callable[[Any], Any]:
        if node is None:
            return lambda it: None
        if leaf is not None and leaf(node):
            leaves.append(node)
            return lambda it: next(it)
        if isinstance(node, dict):
            parts = {k: take(v) for k, v in node.items()}
            return lambda it: {k: p(it) for k, p in parts.items()}
        if isinstance(node, (tuple, list)):
            items = [take(v) for v in node]
            kind = type(node)
            if hasattr(kind, "_fields"):
                return lambda it: kind(*(p(it) for p in items))
            return lambda it: kind(p(it) for p in items)
        leaves.append(node)
        return lambda it: next(it)

    build = take(tree)
    return leaves, lambda values: build(iter(values))


def tree_map(f: Callable[..., Any], tree: Any, leaf: Callable[[Any], bool] | None = None) -> Any:
    """The same tree with f applied to each leaf (of those that `flatten` finds)."""
    leaves, rebuild = flatten(tree, leaf)
    return rebuild([f(x) for x in leaves])
