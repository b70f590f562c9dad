"""Where an element of a view lies in what it is a view of: index arithmetic.

An index along one axis is affine in loop counters: (constant, ((axis, coefficient), ...)). A value at an index is
followed through slices, transposes, broadcasts, ... down to the memory it comes from, so that views cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from surefit.ir.graph import VIEWS, Node

Affine = tuple[int, tuple[tuple[int, int], ...]]
Index = tuple[Affine, ...]
ZERO: Affine = (0, ())


def var(axis: int, offset: int = 0) -> Affine:
    """The counter of a loop axis, plus a number."""
    return (offset, ((axis, 1),))


def scaled(a: Affine, factor: int, shift: int = 0) -> Affine:
    """factor * a + shift."""
    c, terms = a
    return (c * factor + shift, tuple((x, k * factor) for x, k in terms) if factor else ())


def plus(a: Affine, b: Affine) -> Affine:
    """a + b."""
    if not b[1]:
        return (a[0] + b[0], a[1])
    if not a[1]:
        return (a[0] + b[0], b[1])
    terms = dict(a[1])
    for x, k in b[1]:
        terms[x] = terms.get(x, 0) + k
    return (a[0] + b[0], tuple(sorted((x, k) for x, k in terms.items() if k)))


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in elements, the last axis side by side."""
    strides, n = [], 1
    for size in reversed(shape):
        strides.append(n)
        n *= size
    return tuple(reversed(strides))


def offset(index: Index, strides: Sequence[int]) -> Affine:
    """The place of an element: sum of index times stride."""
    total = ZERO
    for a, s in zip(index, strides, strict=True):
        total = plus(total, scaled(a, s))
    return total


@lru_cache(maxsize=4096)
def _groups(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] | None:
    """Axes of x and y (those of size 1 left out) in runs of equal products; None where a run of x meets one of y."""
    a = [i for i, n in enumerate(x) if n != 1]
    b = [i for i, n in enumerate(y) if n != 1]
    out = []
    while a or b:
        left, right = [a.pop(0)], [b.pop(0)]
        p, q = x[left[0]], y[right[0]]
        while p != q:
            if p < q:
                left.append(a.pop(0))
                p *= x[left[-1]]
            else:
                right.append(b.pop(0))
                q *= y[right[-1]]
        if len(left) > 1:
            return None
        out.append((tuple(left), tuple(right)))
    return tuple(out)


def reshapes_affinely(node: Node) -> bool:
    """Whether each axis of a reshape's argument is a sum of its own axes: none is merged into a larger one."""
    x = node.args[0]
    return x.size > 0 and _groups(x.shape, node.shape) is not None


def through(node: Node, index: Index) -> Index:
    """The index into a view's argument of the element at `index` of the view."""
    x, p = node.args[0], node.params
    if node.op == "transpose":
        out = [ZERO] * len(index)
        for a, i in zip(p["axes"], index, strict=True):
            out[a] = i
        return tuple(out)
    if node.op == "broadcast_to":
        lead = len(index) - len(x.shape)
        return tuple(ZERO if n == 1 else i for n, i in zip(x.shape, index[lead:], strict=True))
    if node.op == "slice":
        return tuple(scaled(i, s, a) for i, a, s in zip(index, p["start"], p["step"], strict=True))
    if node.op == "flip":
        return tuple(scaled(i, -1, n - 1) if k in p["axes"] else i for k, (i, n) in enumerate(
            zip(index, x.shape, strict=True)))  # fmt: skip
    if node.op == "window":
        out = list(index[: len(x.shape)])
        for q, (a, s, d) in enumerate(zip(p["axes"], p["stride"], p["dilation"], strict=True)):
            out[a] = plus(scaled(index[a], s), scaled(index[len(x.shape) + q], d))
        return tuple(out)
    if node.op == "reshape":
        groups = _groups(x.shape, node.shape)
        if groups is None:
            raise AssertionError(f"{node} merges axes")
        out = [ZERO] * len(x.shape)
        for (left,), right in groups:
            strides = contiguous([node.shape[r] for r in right])
            out[left] = offset(tuple(index[r] for r in right), strides)
        return tuple(out)
    raise AssertionError(node.op)


def aligned(index: Index, shape: tuple[int, ...]) -> Index:
    """The index into an argument of an elementwise operation: from the right, with size 1 spread."""
    lead = len(index) - len(shape)
    return tuple(ZERO if n == 1 else i for n, i in zip(shape, index[lead:], strict=True))


def follow(node: Node, index: Index, stop: set[int]) -> tuple[Node, Index, bool]:
    """Down through views to the first node that is not one, or is in `stop`: (node, index, flat).

    flat: the way ended at a reshape that merges axes, and `index` has one entry, the place in its contiguous argument,
    which is the node given.
    """
    while node.op in VIEWS and node.id not in stop:
        if node.op == "reshape" and not reshapes_affinely(node):
            return node.args[0], (offset(index, contiguous(node.shape)),), True
        index = through(node, index)
        node = node.args[0]
    return node, index, False


def identity(shape: Sequence[int]) -> tuple[Index, tuple[int, ...]]:
    """The index of a whole value over the loop axes of its squeezed shape, and that shape."""
    space = tuple(n for n in shape if n != 1)
    index, k = [], 0
    for n in shape:
        if n == 1:
            index.append(ZERO)
        else:
            index.append(var(k))
            k += 1
    return tuple(index), space
