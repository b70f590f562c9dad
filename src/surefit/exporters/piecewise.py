"""A network of one input that is made of straight pieces, as the table of its corners: exact, not sampled.

The graph is read on functions instead of numbers: a value is intercept + slope x on each piece, and where an operation
bends (relu, a maximum, a comparison) the pieces are cut at the places where it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.errors import ExportError
from surefit.exporters.exportable import Exportable, strict_graph
from surefit.ir.graph import VIEWS, Node, reachable

MOST = 100_000  # pieces
COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
               "ne": np.not_equal}  # fmt: skip
LOGIC = {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}


class _Pieces:
    """Functions of x on [low, high], all with the same cuts: of each node (pieces, ...) intercepts and slopes."""

    def __init__(self, model: Exportable) -> None:
        self.low, self.high = float(model.low[0]), float(model.high[0])
        inputs, (self.result,) = strict_graph(model.program)
        self.nodes = reachable([self.result])
        self.cuts = np.array([self.low, self.high])
        self.values: dict[int, np.ndarray] = {}  # node -> (2, pieces, *shape)
        self.fixed: dict[int, np.ndarray] = {}
        state = [np.asarray(model.program._present(t)) for t, _ in model.program.state_in]
        self.fixed |= {n.id: _wide(v) for n, v in zip(inputs[1:], state, strict=True)}
        self.values[inputs[0].id] = np.stack([np.zeros((1, *inputs[0].shape)), np.ones((1, *inputs[0].shape))])
        for n in self.nodes:
            if n.op == "constant":
                self.fixed[n.id] = _wide(n.value)
            elif n.op != "input":
                if all(a.id in self.fixed for a in n.args):
                    made = ops.quietly(ops.primitive(n.op).value, [self.fixed[a.id] for a in n.args], _params(n))
                    self.fixed[n.id] = np.asarray(made)
                else:
                    self.values[n.id] = self.read(n)

    def value_and_slope(self, n: Node) -> np.ndarray:
        """Intercepts and slopes of a node; a number has no slope."""
        if n.id in self.values:
            return self.values[n.id]
        a = np.asarray(self.fixed[n.id], np.float64)
        whole = np.broadcast_to(a, (len(self.cuts) - 1, *a.shape))
        return np.stack([whole, np.zeros_like(whole)])

    def cut(self, difference: np.ndarray) -> None:
        """Cut the pieces where functions (2, pieces, ...) are zero inside."""
        left, right = self.cuts[:-1], self.cuts[1:]
        shape = (-1, *(1,) * (difference.ndim - 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            zeros = -difference[0] / difference[1]
        inside = (zeros > left.reshape(shape)) & (zeros < right.reshape(shape))
        new = np.unique(np.concatenate([self.cuts, zeros[inside]]))
        if len(new) > MOST:
            raise ExportError(f"this network has more than {MOST} straight pieces; choose another format")
        piece = np.clip(np.searchsorted(self.cuts, 0.5 * (new[:-1] + new[1:]), side="right") - 1, 0, len(left) - 1)
        self.values = {k: v[:, piece] for k, v in self.values.items()}
        self.cuts = new

    def at_middle(self, v: np.ndarray) -> np.ndarray:
        """Values in the middle of each piece."""
        middle = (0.5 * (self.cuts[:-1] + self.cuts[1:])).reshape(-1, *(1,) * (v.ndim - 2))
        return v[0] + v[1] * middle

    def compared(self, a: Node, b: Node | float, how: Callable[..., Any]) -> np.ndarray:
        """A comparison that holds on whole pieces, (pieces, ...)."""

        def difference() -> np.ndarray:
            x = self.value_and_slope(a)
            if not isinstance(b, Node):
                return x - np.stack([np.full_like(x[0], b), np.zeros_like(x[0])])
            return np.subtract(*_same_rank(x, self.value_and_slope(b)))

        self.cut(difference())
        return np.asarray(how(self.at_middle(difference()), 0.0))

    def read(self, n: Node) -> np.ndarray:
        op, args = n.op, n.args
        if op == "cast" and n.dtype.kind in "fb":
            return self.value_and_slope(args[0])
        if op in VIEWS or op in ("concatenate", "copy"):
            if op == "copy":
                return self.value_and_slope(args[0])
            f = ops.primitive(op).value
            parts = [self.value_and_slope(a) for a in args]
            pieces = range(len(self.cuts) - 1)
            return np.stack(
                [np.stack([np.array(f(*(p[s, i] for p in parts), **n.params)) for i in pieces]) for s in (0, 1)]
            )
        if op in ("add", "sub"):
            a, b = _same_rank(*map(self.value_and_slope, args))
            return np.add(a, b) if op == "add" else np.subtract(a, b)
        if op == "neg":
            return -self.value_and_slope(args[0])
        if op in ("mul", "div"):
            a, b = _same_rank(*map(self.value_and_slope, args))
            if not b[1].any():  # a number on each piece
                return a * b[0] if op == "mul" else a / b[0]
            if op == "mul" and not a[1].any():
                return b * a[0]
        if op == "matmul" and sum(a.id in self.fixed for a in args):
            x, y = map(self.value_and_slope, args)
            return np.matmul(x, y[0]) if args[0].id in self.values else np.matmul(x[0], y)
        if op == "sum":
            return np.add.reduce(self.value_and_slope(args[0]), tuple(i + 2 for i in n.params["axes"]))
        if op in ("relu", "abs"):
            negative = self.compared(args[0], 0.0, np.less)
            x = self.value_and_slope(args[0])
            return np.where(negative, 0.0 if op == "relu" else -x, x)
        if op in ("maximum", "minimum"):
            first = self.compared(args[0], args[1], np.greater if op == "maximum" else np.less)
            a, b = _same_rank(*map(self.value_and_slope, args))
            return np.where(first, a, b)
        if op in COMPARISONS:
            return _on_pieces(self.compared(args[0], args[1], COMPARISONS[op]))
        if op in LOGIC:
            return _on_pieces(LOGIC[op](*(v[0] != 0 for v in _same_rank(*map(self.value_and_slope, args)))))
        if op == "logical_not":
            return _on_pieces(self.value_and_slope(args[0])[0] == 0)
        if op == "where":
            a, b = _same_rank(*map(self.value_and_slope, args[1:]))
            chosen, a = _same_rank(self.value_and_slope(args[0]), a)
            return np.where(chosen[0] != 0, a, b)
        raise ExportError(
            f"{op!r} of this model is not made of straight pieces, and a table of its corners would not be the model; "
            "fit one of relu units (MLPSpec(activation='relu')), construct one (surefit.construct), or choose another "
            "format"
        )


def _on_pieces(held: np.ndarray) -> np.ndarray:
    """Whether something holds on each piece, as functions."""
    return np.stack([held.astype(np.float64), np.zeros(held.shape)])


def _wide(a: np.ndarray) -> np.ndarray:
    return a.astype(np.float64) if a.dtype.kind == "f" else a


def _params(n: Node) -> dict[str, Any]:
    return {k: np.dtype(np.float64) if isinstance(v, np.dtype) and v.kind == "f" else v for k, v in n.params.items()}


def _same_rank(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes of size 1 behind those of pieces, so that the rest broadcasts from the right."""
    rank = max(a.ndim, b.ndim)
    wide = [v.reshape(*v.shape[:2], *(1,) * (rank - v.ndim), *v.shape[2:]) for v in (a, b)]
    return wide[0], wide[1]


def corners(model: Exportable) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a network of one input: x (n,), ascending, and values (n, k). A jump is two rows with one x.

    ExportError: more than one input, a domain without end, or a primitive that is not made of straight pieces.
    """
    if len(model.inputs) != 1:
        many = len(model.inputs)
        raise ExportError(f"a table of straight pieces is for one input; this model has {many}, choose another format")
    if not (np.isfinite(model.low[0]) and np.isfinite(model.high[0])):
        raise ExportError("a table of straight pieces needs a domain with two ends; choose another format")
    p = _Pieces(model)
    v = p.value_and_slope(p.result).reshape(2, len(p.cuts) - 1, -1)
    left, right = v[0] + v[1] * p.cuts[:-1, None], v[0] + v[1] * p.cuts[1:, None]
    x, y = [p.cuts[0]], [left[0]]
    scale = np.abs(np.concatenate([left, right])).max(initial=1e-300)
    for i in range(1, len(left)):
        jump = np.abs(left[i] - right[i - 1]).max() > 1e-9 * scale
        bend = np.abs(v[1, i] - v[1, i - 1]).max() > 1e-12 * np.abs(v[1]).max(initial=1e-300)
        if jump or bend:
            x.append(p.cuts[i])
            y.append(right[i - 1])
        if jump:
            x.append(p.cuts[i])
            y.append(left[i])
    return np.array([*x, p.cuts[-1]]), np.array([*y, right[-1]])


def table(model: Exportable) -> tuple[str, str]:
    """(CSV, JSON) of the corners; between two of them the network is straight."""
    x, y = corners(model)
    names = [*model.inputs, *model.outputs]
    head = ",".join('"' + n.replace('"', '""') + '"' if set(n) & set(',"\n') else n for n in names)
    rows = [",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist()]
    data = {"about": model.comment(), "inputs": list(model.inputs), "outputs": list(model.outputs), "x": x.tolist(),
            "y": y.tolist()}  # fmt: skip
    return "\n".join([head, *rows, ""]), json.dumps(data, indent=1, ensure_ascii=False) + "\n"


__all__ = ["corners", "table"]
