"""A Program for any number of points: two recordings, for two numbers, tell what depends on it.

The graphs of both are walked side by side. Where a size is m times the one number here and m times the other there, it
is m n. So languages that have arrays can take all points at once, without a second way to record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.program import Program
from surefit.errors import RecordError
from surefit.exporters.exportable import Exportable, strict_graph
from surefit.exporters.loops import EXACT
from surefit.ir.graph import Node, reachable

FIRST, SECOND = 7, 11  # points of the two recordings


class Size(int):
    """A size that is `times` the number of points; as an int, what it is for FIRST points."""

    times: int

    def __new__(cls, times: int, first: int) -> Size:
        size = super().__new__(cls, times * first)
        size.times = times
        return size


class Batched:
    """The nodes of a Program for n points, arguments first; shapes and parameters may hold `Size`s.

    Attributes:
        nodes: all that have to be computed. result: the last one. points: the input.
        known: what does not depend on the input and is rounded in one way everywhere, by node id.
        free: whether any number of points will do; otherwise the Program is for one.
    """

    def __init__(self, model: Exportable) -> None:
        both = None if model.batch is None else self._both(model.batch)
        self.free = both is not None
        self.program, self.inputs, self.result, self.order = both or self._graph(model.program)
        self.points = self.inputs[0]
        self.known: dict[int, np.ndarray] = {}
        state = [np.asarray(self.program._present(t)) for t, _ in self.program.state_in]
        for node, value in zip(self.inputs[1:], state, strict=True):
            self.known[node.id] = value
        for n in self.order:
            if n.op == "constant":
                self.known[n.id] = n.value
            elif n.args and n.op in EXACT | {"transpose", "reshape", "slice", "flip"} and not self._grows(n):
                args = [self.known.get(a.id) for a in n.args]
                if all(a is not None for a in args):
                    self.known[n.id] = np.asarray(ops.quietly(ops.primitive(n.op).value, args, n.params), n.dtype)
        wanted = {self.result.id}
        for n in reversed(self.order):
            if n.id in wanted and n.id not in self.known:
                wanted |= {a.id for a in n.args}
        self.nodes = [n for n in self.order if n.id in wanted and n.id not in self.known and n.op != "input"]
        self.users: dict[int, int] = {}
        for n in self.nodes:
            for a in n.args:
                self.users[a.id] = self.users.get(a.id, 0) + 1

    @staticmethod
    def _grows(n: Node) -> bool:
        return any(isinstance(s, Size) for s in n.shape)

    @staticmethod
    def _graph(program: Program) -> tuple[Program, list[Node], Node, list[Node]]:
        inputs, outputs = strict_graph(program)
        return program, inputs, outputs[0], reachable(outputs)

    def _both(self, batch: Callable[[int], Program]) -> tuple[Program, list[Node], Node, list[Node]] | None:
        """The graph for FIRST points with its Sizes; None where the other one is another kind of graph."""
        try:
            first, second = batch(FIRST), batch(SECOND)
            a, b = self._graph(first), self._graph(second)
        except RecordError:
            return None
        if len(a[3]) != len(b[3]) or len(a[1]) != len(b[1]):
            return None
        same = {x.id: y.id for x, y in zip(a[3], b[3], strict=True)}
        for x, y in zip(a[3], b[3], strict=True):
            if x.op != y.op or x.dtype != y.dtype or [same.get(i.id) for i in x.args] != [i.id for i in y.args]:
                return None
            if x.op == "constant":
                if x.shape != y.shape or not np.array_equal(x.value, y.value, equal_nan=True):
                    return None
                continue
            try:
                x.shape, x.params = _merged(x.shape, y.shape), _merged(x.params, y.params)
            except ValueError:
                return None
        return a


def _merged(a: Any, b: Any) -> Any:
    """A parameter for n points, from that for FIRST and that for SECOND. ValueError: they have nothing in common."""
    if isinstance(a, dict):
        return {k: _merged(v, b[k]) for k, v in a.items() if k != "name"}
    if isinstance(a, (tuple, list)) and len(a) == len(b):
        return tuple(map(_merged, a, b))
    if isinstance(a, np.dtype) or a == b:
        if a == b:
            return a
        raise ValueError
    if isinstance(a, int) and isinstance(b, int) and a % FIRST == 0 and a // FIRST * SECOND == b:
        return Size(a // FIRST, FIRST)
    raise ValueError


__all__ = ["FIRST", "Batched", "Size"]
