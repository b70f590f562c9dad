"""What everything that writes kernels needs: the function being written, where values lie, and how errors are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surefit.compiler.engine import Target
from surefit.compiler.indexing import follow, offset, var
from surefit.compiler.plan import Place, Plan
from surefit.ir.builder import BYTES, Function, Value, constant
from surefit.ir.graph import Node


def memory(kind: str) -> int:
    """Bytes of one element."""
    return BYTES["i8" if kind == "i1" else kind]


class Context:
    """A plan on its way into a function whose first argument is the arena.

    messages: what each error code (from 1) stands for: (kind, node). shared: for a function that one or two threads
    run, the conditions (i1) that this is the second of two and that there is no second: each writes its half of every
    large result, so that no sum is cut in two and the number of threads changes nothing.
    """

    def __init__(
        self, plan: Plan, f: Function, arena: Value, t: Target, fast: bool, shared: tuple[Value, Value] | None = None
    ) -> None:
        self.plan, self.f, self.arena, self.t, self.fast, self.shared = plan, f, arena, t, fast, shared
        self.messages: list[tuple[str, Node]] = []
        self.constants = {
            n.id: f.module.array(n.value) for n in plan.order if n.op == "constant" and n.id in plan.stored
        }

    # --- two threads ---

    def halves(self, n: int) -> tuple[Value | int, Value | int]:
        """The turns of a loop that are this thread's."""
        if self.shared is None:
            return 0, n
        second, alone = self.shared
        middle = self.f.i64((n + 1) // 2)
        start = self.f.select(second, middle, self.f.i64(0))
        return start, self.f.select(self.f.or_(second, alone), self.f.i64(n), middle)

    @contextmanager
    def last(self, cut: bool) -> Iterator[None]:
        """Code for what is left over at the end of a loop that is cut: of the thread that has its end."""
        if self.shared is None or not cut:
            yield
        else:
            with self.f.when(self.f.or_(*self.shared)):
                yield

    # --- addresses ---

    def pointer(self, place: Place, element: int = 0) -> Value:
        """Where an element of a place lies, counted from its first."""
        kind = place.buffer.kind
        if place.buffer.constant:
            base = Value(self.constants[int(place.buffer.constant)], "ptr")
            return self.f.gep(base, place.start + element, kind)
        return self.f.gep(self.arena, place.buffer.start + (place.start + element) * memory(kind), "i8")

    def place_of(self, node: Node) -> Place:
        return self.plan.places[node.id]

    def strides(self, node: Node) -> tuple[Place, int, tuple[int, ...]]:
        """A value that is stored, or a view of one: its place, its first element there, and its strides."""
        axes = tuple(var(i) for i in range(len(node.shape)))
        base, index, flat = follow(node, axes, self.plan.stored)
        place = self.place_of(base)
        c, terms = offset(index, (1,) if flat else place.strides)
        along = dict(terms)
        return place, c, tuple(along.get(i, 0) for i in range(len(node.shape)))

    def check(self, node: Node, what: str) -> int:
        """An error code for a failure of this node."""
        self.messages.append((what, node))
        return len(self.messages)

    def fail(self, bad: Value, code: int) -> None:
        """Remember an error where a scalar is true."""
        old = self.f.load(self.arena, "i32")
        self.f.store(self.f.select(bad, constant(code, "i32"), old), self.arena)
