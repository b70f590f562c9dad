"""A Program as a graph of values, simplified while it is built.

Every node is one primitive applied to nodes; equal nodes are one node (common subexpressions), what depends on
constants alone is a constant, and what nothing needs is never reached. `Graph.make` is the only way to a node, so that
each simplification stands at one place. In fast mode a few rewrites may change a result by a rounding; in strict mode
none does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.ops import Aval
from surefit.core.program import Constant, Program
from surefit.errors import RecordError
from surefit.ir.builder import KIND_OF
from surefit.ir.mathlib import FUNCTIONS

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "slice", "flip", "window"))
REDUCTIONS = frozenset(("sum", "prod", "amax"))
SPECIAL = frozenset(("argmax", "cumsum", "scatter_add", "fold", "random_bits", "concatenate", "pad"))
LEAVES = frozenset(("input", "constant"))
_OTHERS = VIEWS | REDUCTIONS | SPECIAL | LEAVES | {"matmul"}
SMALL = 4  # a product with an extent up to this is written as multiplications and sums, which fuse
FOLDED = 4096  # elements of the largest constant that folding makes


class Node:
    """A value: shape and dtype are known, `equation` is the place in the Program of what it was made for."""

    __slots__ = ("args", "dtype", "equation", "id", "kind", "op", "params", "shape", "size", "value")

    def __init__(
        self, id: int, op: str, args: tuple[Node, ...], params: dict[str, Any], shape: tuple[int, ...], dtype: Any,
        equation: int,
    ) -> None:  # fmt: skip
        self.id, self.op, self.args, self.params = id, op, args, params
        self.shape, self.dtype, self.equation = shape, dtype, equation
        self.kind = KIND_OF[dtype.name]
        self.size = math.prod(shape)
        self.value: Any = None

    @property
    def elementwise(self) -> bool:
        """Computed for each index from its arguments at related indices."""
        return self.op not in _OTHERS

    def __repr__(self) -> str:
        shown = ", ".join(f"n{a.id}" for a in self.args)
        return f"n{self.id}: {self.dtype}[{','.join(map(str, self.shape))}] = {self.op}({shown}) {self.params or ''}"


def _frozen(v: Any) -> Any:
    return tuple(map(_frozen, v)) if isinstance(v, (tuple, list)) else str(v) if isinstance(v, np.dtype) else v


class Graph:
    """The nodes of one Program. mode: "fast" or "strict"."""

    def __init__(self, mode: str) -> None:
        self.fast = mode == "fast"
        self.known: dict[Any, Node] = {}
        self.count = 0
        self.equation = 0

    # --- making nodes ---

    def _node(self, op: str, args: tuple[Node, ...], params: dict[str, Any], shape: Any, dtype: Any) -> Node:
        self.count += 1
        return Node(self.count, op, args, params, tuple(shape), dtype, self.equation)

    def input(self, name: str, aval: Aval) -> Node:
        return self._node("input", (), {"name": name}, aval.shape, aval.dtype)

    def constant(self, a: Any) -> Node:
        a = np.ascontiguousarray(a).reshape(np.shape(a))
        key = ("constant", a.dtype, a.shape, a.tobytes())
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = self._node("constant", (), {}, a.shape, a.dtype)
            node.value = a
        return node

    def make(self, op: str, *args: Node, **params: Any) -> Node:
        """The node for a primitive applied to nodes, in its simplest form."""
        if any(a.size == 0 for a in args):
            node = self._empty(op, args, params)
            if node is not None:
                return node
        simple = SIMPLIFY.get(op)
        if simple is not None:
            node = simple(self, args, params)
            if node is not None:
                return node
        primitive = ops.TABLE[op]
        aval = primitive.rule(*(Aval(a.shape, a.dtype) for a in args), **params)
        if (
            args
            and all(a.op == "constant" for a in args)
            and math.prod(aval.shape) <= FOLDED
            and op not in ("random_bits", "broadcast_to")
        ):
            return self.constant(np.asarray(ops.quietly(primitive.value, [a.value for a in args], params), aval.dtype))
        key = (op, tuple(a.id for a in args), tuple(sorted((k, _frozen(v)) for k, v in params.items())))
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = self._node(op, args, params, aval.shape, aval.dtype)
        return node

    def _empty(self, op: str, args: tuple[Node, ...], params: dict[str, Any]) -> Node | None:
        """A value that nothing flows into: empty, or one number everywhere. So no loop ever has zero turns."""
        aval = ops.TABLE[op].rule(*(Aval(a.shape, a.dtype) for a in args), **params)
        if 0 in aval.shape:
            return self.constant(np.zeros(aval.shape, aval.dtype))
        if op == "concatenate":
            return self.make(op, *(a for a in args if a.size), **params)
        number = {"prod": 1, "pad": params.get("value", 0)}.get(op, 0)
        return self.make("broadcast_to", self.constant(np.full((), number, aval.dtype)), shape=aval.shape)

    # --- short forms ---

    def reshape(self, x: Node, *shape: int) -> Node:
        return self.make("reshape", x, shape=shape)

    def copy(self, x: Node) -> Node:
        """The same values, stored with the last axis side by side."""
        key = ("copy", x.id)
        if key not in self.known:
            self.known[key] = self._node("copy", (x,), {}, x.shape, x.dtype)
        return self.known[key]

    def swap(self, x: Node) -> Node:
        n = len(x.shape)
        return self.make("transpose", x, axes=(*range(n - 2), n - 1, n - 2))


def _same(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    """A reshape or broadcast that changes nothing."""
    (x,) = args
    return x if tuple(params["shape"]) == x.shape else None


def _reshape(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    (x,) = args
    if x.op == "reshape":
        return g.make("reshape", x.args[0], shape=tuple(params["shape"]))
    return _same(g, args, params)


def _transpose(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    (x,) = args
    axes = tuple(params["axes"])
    if axes == tuple(range(len(axes))):
        return x
    if x.op == "transpose":
        return g.make("transpose", x.args[0], axes=tuple(x.params["axes"][i] for i in axes))
    moved = [i for i in axes if x.shape[i] != 1]
    if moved == sorted(moved):  # only axes of size 1 change place
        return g.make("reshape", x, shape=tuple(x.shape[i] for i in axes))
    if x.op == "matmul" and len(axes) == 2:  # (A B)^T = B^T A^T, of which the rows lie as the result wants them
        a, b = x.args
        return g.make("matmul", g.swap(b), g.swap(a))
    return None


def _slice(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    (x,) = args
    whole = all(a == 0 and b == n and s == 1 for a, b, s, n in zip(
        params["start"], params["stop"], params["step"], x.shape, strict=True))  # fmt: skip
    return x if whole else None


def _flip(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    (x,) = args
    return x if all(x.shape[a] == 1 for a in params["axes"]) else None


def _cast(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    return args[0] if args[0].dtype == np.dtype(params["dtype"]) else None


def _reduction(op: str, g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    (x,) = args
    axes = params["axes"]
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    if all(x.shape[a] == 1 for a in axes):  # nothing is added up
        wide = ops.TABLE[op].rule(Aval(x.shape, x.dtype), axes=axes).dtype
        return g.make("reshape", g.make("cast", x, dtype=wide), shape=kept)
    if not g.fast and op == "sum" and x.dtype.kind == "f":
        long = [a for a in axes if x.shape[a] != 1]
        if len(long) > 1:  # axis by axis, the last first: the order that `core.order` declares
            part = g.make("sum", x, axes=(long[-1],))
            return g.make("sum", part, axes=tuple(a if a < long[-1] else a - 1 for a in axes if a != long[-1]))
    return None


def _is(x: Node, number: float) -> bool:
    """Whether a node is this number in every element."""
    while x.op in ("broadcast_to", "reshape"):
        x = x.args[0]
    return x.op == "constant" and x.size == 1 and x.value.reshape(-1)[0] == number


def _mul(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    for x, y in (args, args[::-1]):
        if _is(y, 1) and np.broadcast_shapes(x.shape, y.shape) == x.shape:
            return x
        if g.fast and y.op == "cast" and x.dtype.kind == "f":
            mask = y.args[0]  # a gradient past a relu: 0 where it is flat, whatever comes from above, as in PyTorch
            if mask.op == "ne" and mask.args[0].op == "relu" and _is(mask.args[1], 0):
                return g.make("where", mask, x, g.constant(np.zeros((), x.dtype)))
    return None


def _div(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    x, y = args
    if _is(y, 1) and np.broadcast_shapes(x.shape, y.shape) == x.shape:
        return x
    if g.fast and y.size * 8 <= x.size:  # one division for many products
        one = g.make("div", g.constant(np.ones((), y.dtype)), y)
        return g.make("mul", x, one)
    return None


def _pow(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    x, y = args
    if _is(y, 2) and np.broadcast_shapes(x.shape, y.shape) == x.shape:
        return g.make("square", x)
    if _is(y, 1) and np.broadcast_shapes(x.shape, y.shape) == x.shape:
        return x
    return None


def _turned(x: Node) -> bool:
    """Whether the second-last axis is the one whose elements lie side by side."""
    return x.op == "transpose" and x.params["axes"][-2] == len(x.shape) - 1


def _matmul(g: Graph, args: Sequence[Node], params: dict[str, Any]) -> Node | None:
    """Products with a small extent become multiplications and sums."""
    a, b = args
    if a.dtype != b.dtype:
        return None
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if k <= SMALL and a.dtype.kind == "f" and (g.fast or k == 1):
        if k > 1 and m > 1 and _turned(b):  # its rows are read again and again: lay them side by side
            b = g.copy(b)

        def column(i: int) -> Node:
            at = (*(0 for _ in a.shape[:-1]), i)
            return g.make("slice", a, start=at, stop=(*a.shape[:-1], i + 1), step=(1,) * len(a.shape))

        def row(i: int) -> Node:
            at = (*(0 for _ in b.shape[:-2]), i, 0)
            return g.make("slice", b, start=at, stop=(*b.shape[:-2], i + 1, n), step=(1,) * len(b.shape))

        total = g.make("mul", column(0), row(0))
        for i in range(1, k):
            total = g.make("add", total, g.make("mul", column(i), row(i)))
        return total
    if not g.fast or a.dtype.kind != "f":
        return None
    if n <= 2 or (n <= SMALL and k >= 64):
        if _turned(a) and m > SMALL:  # the long axis of a lies along m: sum its rows
            return g.make("transpose", _rows(g, g.swap(b), g.swap(a)), axes=(*range(len(lead)), *_last_two(lead)))
        x = g.reshape(a, *a.shape[:-2], m, 1, k)
        y = g.reshape(g.swap(b), *b.shape[:-2], 1, n, k)
        return g.make("sum", g.make("mul", x, y), axes=(len(lead) + 2,))
    if m <= 2 and (len(lead) == 0):
        return _rows(g, a, b)
    return None


def _last_two(lead: Sequence[int]) -> tuple[int, int]:
    return len(lead) + 1, len(lead)


def _rows(g: Graph, a: Node, b: Node) -> Node:
    """(m, k) @ (k, n) for a small m, as sums over k of rows of b."""
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    x = g.reshape(g.swap(a), *a.shape[:-2], k, m, 1)
    y = g.reshape(b, *b.shape[:-2], k, 1, n)
    lead = len(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]))
    return g.make("sum", g.make("mul", x, y), axes=(lead,))


SIMPLIFY: dict[str, Callable[[Graph, Sequence[Node], dict[str, Any]], Node | None]] = {
    "reshape": _reshape, "broadcast_to": _same, "transpose": _transpose, "slice": _slice, "flip": _flip,
    "cast": _cast, "mul": _mul, "div": _div, "pow": _pow, "matmul": _matmul,
    **{op: partial(_reduction, op) for op in ("sum", "prod", "amax")},
}  # fmt: skip


def graph_of(program: Program, mode: str) -> tuple[Graph, list[Node], list[Node], list[Node]]:
    """A Program's graph, its inputs (arguments, then state in), outputs and new state.

    RecordError names the primitive and the line that made it when it is neither of the core tier nor in FUNCTIONS.
    """
    g = Graph(mode)
    env: dict[str, Node] = {}
    inputs = []
    for v in (*program.inputs, *(v for _, v in program.state_in)):
        env[v.name] = g.input(v.name, v.aval)
        inputs.append(env[v.name])

    def node(a: Any) -> Node:
        return g.constant(a.value) if isinstance(a, Constant) else env[a.name]

    for i, eq in enumerate(program.equations):
        if eq.op.tier != "core" and eq.op.name not in FUNCTIONS:
            raise RecordError(
                f"{program.name}: the primitive {eq.op.name!r} (line {eq.line}) does not compile; "
                f"compute it outside the compiled function, or call the function without jit"
            )
        g.equation = i
        env[eq.result.name] = g.make(eq.op.name, *map(node, eq.args), **eq.params)
    outputs = [node(a) for a in program.outputs]
    state = [node(a) for _, a in program.state_out]
    return g, inputs, outputs, state


def reachable(roots: Sequence[Node]) -> list[Node]:
    """All nodes that the roots need, arguments first."""
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node.id not in seen:
            seen.add(node.id)
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.args) if a.id not in seen]
    return order
