"""Reading the graph behind a tensor: what made it, from what, and everything before it.

Only what a gradient flows through is remembered: under `no_grad`, and for what needs no gradient, a tensor is a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefit.core.tensor import Tensor


def op_of(t: Tensor) -> str:
    """The name of the primitive that made a tensor; "" for a leaf.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> op_of(x * 2.0), op_of(x)
    ('mul', '')
    """
    return "" if t._node is None else t._node.op.name


def arguments(t: Tensor) -> list[tuple[int, Tensor]]:
    """The tensors that a gradient flows to from t, each with its place among the arguments of t's primitive."""
    return [] if t._node is None else [(i, p) for i, p, _ in t._node.parents]


def parents(t: Tensor) -> list[Tensor]:
    """The tensors that a gradient flows to from t; none for a leaf."""
    return [p for _, p in arguments(t)]


def constants(t: Tensor) -> list[Any]:
    """The arguments of t's primitive, arrays and numbers, that no gradient flows to; none for a leaf."""
    if t._node is None:
        return []
    flowing = {i for i, _ in arguments(t)}
    return [v for i, v in enumerate(t._node.values) if i not in flowing and not hasattr(v, "frame")]


def birth(t: Tensor) -> int:
    """A number that only this tensor has; what was made later has a larger one, so that results follow arguments."""
    return t._birth


def ancestors(t: Tensor, stop: Sequence[Tensor] = ()) -> list[Tensor]:
    """All tensors that t was computed from, itself included, oldest first; not beyond those of `stop`, left out.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> [op_of(a) for a in ancestors((x * x).sum())]
    ['', 'mul', 'sum']
    """
    ends = {birth(s) for s in stop}
    found = {birth(t): t} if birth(t) not in ends else {}
    stack = list(found.values())
    while stack:
        for p in parents(stack.pop()):
            if birth(p) not in found and birth(p) not in ends:
                found[birth(p)] = p
                stack.append(p)
    return [found[b] for b in sorted(found)]


__all__ = ["ancestors", "arguments", "birth", "constants", "op_of", "parents"]
