"""What is written to memory, by which loops, in which order, and where.

Values that several places need, that a product reads, or that a sum makes are *stored*; everything else is computed
where it is used. What is stored is written by kernels: loops over one index space that write several values at once
(fusion groups), matrix products, and a few special forms. The order of kernels is that of first need, and the arena
gives the same bytes to values that do not live at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit.compiler.indexing import Index, aligned, contiguous, follow, identity, offset, var
from surefit.compiler.turned import better_turned, room_of
from surefit.ir.builder import BYTES, is_float
from surefit.ir.graph import REDUCTIONS, SPECIAL, VIEWS, Graph, Node, reachable

HEADER = 256  # bytes at the arena's beginning: error code, end flag, where two threads meet
ALIGN = 64  # bytes; also the slack behind every buffer, so that whole vectors may be read at its end
COST = {
    "exp": 12, "log": 14, "tanh": 16, "sigmoid": 14, "softplus": 30, "sin": 16, "cos": 16, "tan": 30, "erf": 20,
    "pow": 40, "div": 4, "sqrt": 6, "expm1": 16, "log1p": 18, "atan": 20, "asin": 20, "acos": 20, "sinh": 20,
    "cosh": 20, "asinh": 30, "acosh": 30, "atanh": 30, "atan2": 25, "fmod": 30, "remainder": 30, "floor_divide": 30,
    "exp2": 12, "log2": 20, "log10": 20, "erfc": 50, "cbrt": 30, "hypot": 20, "logaddexp": 32,
    "take": 4, "iota": 0, "cast": 1,
}  # fmt: skip
MADE = REDUCTIONS | SPECIAL | {"input", "matmul", "copy"}  # always in memory
CHEAP = 5  # operations up to which computing a value again is better than storing and loading it


@dataclass(eq=False)
class Buffer:
    """A stretch of the arena. `tail`: bytes behind each row's end may be overwritten (a row may be a whole vector)."""

    name: str
    kind: str
    elements: int
    fixed: bool = False  # an argument, result or state: it keeps its place
    constant: str = ""  # the name of a constant array, which is not in the arena
    start: int = -1  # bytes from the arena's beginning
    first: int = -1
    last: int = -1

    @property
    def bytes(self) -> int:
        return -(-self.elements * BYTES["i8" if self.kind == "i1" else self.kind] // ALIGN) * ALIGN + ALIGN


@dataclass(eq=False)
class Place:
    """Where a value's elements lie: buffer, first element, strides. `roomy`: rows end in room for a whole vector."""

    buffer: Buffer
    start: int
    strides: tuple[int, ...]
    roomy: bool

    def lies_at(self, other: Place) -> bool:
        """Whether both are the same elements."""
        mine, its = (self.start, self.strides), (other.start, other.strides)
        return self.buffer is other.buffer and mine == its


@dataclass(eq=False)
class Root:
    """A value that a kernel writes: `node` at `index` (over the kernel's axes) goes to `place` at `target`."""

    node: Node
    index: Index
    place: Place
    target: Index
    reduce: bool = False


@dataclass(eq=False)
class Kernel:
    """kind: "loops", "matmul" or a special primitive."""

    kind: str
    node: Node | None = None
    space: tuple[int, ...] = ()
    reduced: tuple[int, ...] = ()
    roots: list[Root] = field(default_factory=list)
    reads: dict[int, bool] = field(default_factory=dict)  # stored node -> read at the loop's own index only
    place: Place | None = None
    room: Place | None = None  # for a product that is computed transposed: one half for each of two threads


class Plan:
    """The kernels and places of one graph.

    inputs: arguments, then state in; outputs; new_state: what becomes of the state `targets` (positions in inputs; -1
    where the state was not an input). lanes: elements of a float32 vector of the target.
    """

    def __init__(
        self, graph: Graph, inputs: Sequence[Node], outputs: Sequence[Node], new_state: Sequence[Node],
        targets: Sequence[int], lanes: int,
    ) -> None:  # fmt: skip
        self.graph, self.lanes = graph, lanes
        self.inputs, self.outputs, self.new_state = list(inputs), list(outputs), list(new_state)
        self.targets = list(targets)
        self.order = reachable([*outputs, *new_state])
        self.consumers: dict[int, list[Node]] = {}
        for n in self.order:
            for a in n.args:
                self.consumers.setdefault(a.id, []).append(n)
        self.contiguous: set[int] = set()  # stored without padding
        self._pack()
        self.copied: set[int] = set()  # concatenations whose parts are copied, since their authors write elsewhere
        self._settle()
        self._allocate()
        self._check_memory()

    def _settle(self) -> None:
        """Arrange until nothing changes any more.

        What is stored decides the kernels, and from the kernels one sees what else had better be stored: values that
        several of them would compute, and parts that must be copied. Both sets of nodes only grow, so that it ends
        after at most as many rounds as there are nodes; two or three are usual.
        """
        extra: set[int] = set()
        for _ in range(2 * len(self.order) + 2):
            self.contiguous = set()
            self.stored = self._stored() | extra
            before = len(self.copied)
            self._arrange()
            self._check_order()
            more = self._needed_twice() - extra
            if not more and len(self.copied) == before:
                return
            extra |= more
        raise AssertionError("the plan does not settle")

    # --- is the plan sound? ---

    def _check_order(self) -> None:
        """AssertionError unless every value is complete before a kernel reads it, or at hand in the same loop."""
        for k, kernel in enumerate(self.kernels):
            for r, own in kernel.reads.items():
                if not (self.ready[r] < k or (own and self.ready[r] == k)):
                    raise AssertionError(f"kernel {k} reads n{r}, which kernel {self.ready[r]} completes")
        for node in (*self.outputs, *self.new_state):
            if node.id in self.stored and node.id not in self.ready:
                raise AssertionError(f"nobody computes {node}")

    def _check_memory(self) -> None:
        """AssertionError where two values that live at the same time share bytes, or one lies outside the arena."""
        alive: list[Buffer] = []
        for b in sorted(self.buffers, key=lambda b: b.first):
            alive = [a for a in alive if a.last >= b.first]
            for a in alive:
                if a.start < b.start + b.bytes and b.start < a.start + a.bytes:
                    raise AssertionError(f"{a.name} and {b.name} share bytes")
            if not HEADER <= b.start <= self.arena - b.bytes or b.start % ALIGN:
                raise AssertionError(f"{b.name} lies at {b.start} of {self.arena}")
            alive.append(b)

    # --- what is stored ---

    def _pack(self) -> None:
        """Copies of second operands whose rows do not lie side by side; or their products are computed transposed."""
        self.turned: set[int] = set()
        everything: set[int] = {n.id for n in self.order if n.op not in VIEWS}
        added = False
        products = [n for n in self.order if n.op == "matmul"]
        uses = Counter(n.args[1].id for n in products)
        for n in products:
            a, b = n.args
            if b.shape[-1] == 1 or _step(b, everything) == 1:
                continue
            lanes = max(1, self.lanes * 4 // BYTES[n.kind])
            plain = self.graph.fast and is_float(n.kind) and len(n.shape) == len(a.shape) == len(b.shape) == 2
            if (
                plain
                and _step(a, everything) == 1
                and better_turned(lanes, n.shape[0], n.shape[1], a.shape[1], uses[b.id])
            ):
                self.turned.add(n.id)
            else:
                n.args = (a, self.graph.copy(b))
                added = True
        if added:
            self.order = reachable([*self.outputs, *self.new_state])
            self.consumers = {}
            for n in self.order:
                for a in n.args:
                    self.consumers.setdefault(a.id, []).append(n)

    def _base(self, node: Node, stored: set[int]) -> None:
        """Store what an operand is a view of."""
        index = tuple(var(i) for i in range(len(node.shape)))
        base, _, flat = follow(node, index, stored)
        if flat:
            self.contiguous.add(base.id)
        stored.add(base.id)

    def _delegated(self) -> set[int]:
        """Views between a concatenation and the author of its part, who writes it in place: nobody reads them."""
        views: set[int] = set()
        for n in self.order:
            if n.op != "concatenate" or len(n.shape) != 1 or n.id in self.copied:
                continue
            for a in n.args:
                chain = []
                while a.op in ("reshape", "transpose") and len(self.consumers[a.id]) == 1:
                    chain.append(a.id)
                    a = a.args[0]
                if a.elementwise or a.op in REDUCTIONS or a.op == "matmul":
                    views.update(chain)
        return views

    def _stored(self) -> set[int]:
        stored: set[int] = set()
        delegated = self._delegated()
        costs: dict[int, int] = {}
        for n in self.order:
            if n.op in MADE or (n.op == "constant" and n.size > 1):
                stored.add(n.id)
            if n.op == "random_bits":
                self.contiguous.add(n.id)
        for n in self.order:
            if n.op in ("matmul", "argmax", "cumsum", "scatter_add", "fold", "random_bits"):
                for a in n.args:
                    self._base(a, stored)
            elif n.op == "take":
                self._base(n.args[0], stored)
            elif n.op == "reshape" and n.size > 0 and n.id not in delegated:
                index = tuple(var(i) for i in range(len(n.shape)))
                base, _, flat = follow(n, index, stored)
                if flat:
                    stored.add(base.id)
                    self.contiguous.add(base.id)
        for n in self.order:  # a small value, spread over a large one, is computed once
            costs[n.id] = self._cost(n, costs, stored)
            for a in n.args:
                size = n.args[0].size if n.op in REDUCTIONS else n.size
                base = a
                while base.op in VIEWS and base.id not in stored:
                    base = base.args[0]
                if base.elementwise and base.id not in stored and size >= 4 * base.size and costs[base.id] >= 2:
                    stored.add(base.id)
                    costs[base.id] = 1
        return stored

    def _cost(self, n: Node, costs: dict[int, int], stored: set[int]) -> int:
        """Operations to compute one element of n from what is stored."""
        if n.op in ("input", "constant"):
            return 0
        if n.id in stored:
            return 1
        own = 0 if n.op in VIEWS else COST.get(n.op, 1)
        return min(10_000, own + sum(costs.get(a.id, 0) if a.id not in stored else 0 for a in n.args))

    def _needed_twice(self) -> set[int]:
        """Expensive values that more than one kernel would compute."""
        users: dict[int, set[int]] = {}
        for k, kernel in enumerate(self.kernels):
            for root in kernel.roots:
                seen: set[int] = set()
                stack = [root.node.args[0]] if root.reduce else [root.node]
                top = None if root.reduce else root.node.id
                while stack:
                    n = stack.pop()
                    if n.id in seen:
                        continue
                    seen.add(n.id)
                    if n.id in self.stored and n.id != top:
                        continue
                    users.setdefault(n.id, set()).add(k)
                    stack += n.args
        costs: dict[int, int] = {}
        again: set[int] = set()
        for n in self.order:
            costs[n.id] = self._cost(n, costs, self.stored | again)
            shared = len(users.get(n.id, ())) > 1
            if shared and n.id not in self.stored and n.elementwise and costs[n.id] > CHEAP:
                again.add(n.id)
        return again

    # --- kernels ---

    def _arrange(self) -> None:
        self.kernels: list[Kernel] = []
        self.places: dict[int, Place] = {}
        self.ready: dict[int, int] = {}  # stored node -> the kernel that completes it
        self.copies: list[tuple[Place, Place, Node]] = []
        for n in self.order:
            if n.op == "input":
                self.places[n.id] = self._place(n, f"in {n.params['name']}", fixed=True)
                self.ready[n.id] = -1
            elif n.op == "constant" and n.id in self.stored:
                buffer = Buffer("constant", n.kind, n.size, fixed=True, constant=str(n.id))
                self.places[n.id] = Place(buffer, 0, contiguous(n.shape), True)
                self.ready[n.id] = -1
        for n in self.inputs:
            if n.id not in self.places:  # nothing reads it, but it has a place for its caller
                self.places[n.id] = self._place(n, f"in {n.params['name']}", fixed=True)
                self.ready[n.id] = -1
        self.results: list[Place] = []
        claimed: dict[int, Place] = {}
        late: list[tuple[Node, Place]] = []
        for i, n in enumerate(self.outputs):
            place = self._place(n, f"out {i}", fixed=True)
            self.results.append(place)
            if n.id in claimed or n.op in VIEWS or n.op in ("input", "constant"):
                late.append((n, place))
            else:
                claimed[n.id] = place
                self.stored.add(n.id)
        self.new_places: list[Place | None] = []
        self.pending: list[tuple[int, Node]] = []
        for i, n in enumerate(self.new_state):
            repeated = any(m.id == n.id for _, m in self.pending)
            plain = n.op in VIEWS or n.op in ("input", "constant") or n.id in claimed or repeated
            if self.targets[i] < 0 or plain:
                place = self._place(n, f"new {i}", fixed=True)
                late.append((n, place))
                self.new_places.append(place)
            else:
                self.stored.add(n.id)
                self.contiguous.add(n.id)
                self.pending.append((i, n))
                self.new_places.append(None)
        self._destinations(claimed)
        self.places.update(claimed)
        for n in self.order:
            if n.id in self.stored and n.id not in self.ready:
                self._schedule(n)
        for n, place in late:
            index, space = identity(n.shape)
            self._loops(Root(n, index, place, index), space, ())
        self._settle_state()

    def _place(self, n: Node, name: str, fixed: bool = False) -> Place:
        """A new buffer for a value: rows padded to whole vectors where that pays."""
        shape, strides = n.shape, contiguous(n.shape)
        lanes = max(1, self.lanes * 4 // max(4, BYTES["i8" if n.kind == "i1" else n.kind]))
        rows = n.size // shape[-1] if shape and shape[-1] else 1
        roomy = rows <= 1
        elements = n.size
        if not fixed and n.id not in self.contiguous and rows > 1 and shape[-1] * 2 >= lanes:
            wide = -(-shape[-1] // lanes) * lanes
            strides = (*contiguous((*shape[:-1], wide))[:-1], 1)
            elements, roomy = rows * wide, True
        return Place(Buffer(name, n.kind, max(1, elements), fixed), 0, strides, roomy)

    def _destinations(self, claimed: dict[int, Place]) -> None:
        """Pieces of a concatenation are written where they end up, if their author can and other readers allow it."""
        multiplied: set[int] = set()  # of which products read rows whose elements lie side by side
        for n in self.order:
            if n.op == "matmul":
                for a in n.args:
                    multiplied.add(follow(a, tuple(var(i) for i in range(len(a.shape))), self.stored)[0].id)
        for n in reversed(self.order):  # outer ones first
            if n.op != "concatenate" or n.id not in self.stored:
                continue
            if n.id not in self.places and n.id not in claimed:
                self.places[n.id] = self._place(n, f"n{n.id}")
            whole = claimed.get(n.id) or self.places[n.id]
            for a, part in zip(n.args, self._parts(n, whole), strict=True):
                base, wish = self._author(a, part)
                if wish is None or base.size == 0:
                    continue
                free = base.id not in self.places and base.id not in claimed and base.id not in self.ready
                pending = any(m.id == base.id for _, m in self.pending)
                able = base.elementwise or base.op in REDUCTIONS or base.op == "matmul" or base.op == "concatenate"
                if not free or not able or pending:
                    continue
                by_rows = base.op in ("matmul", "concatenate") or base.id in multiplied
                if by_rows and wish.strides[-1] != 1 and base.shape[-1] > 1:
                    continue
                if base.id in self.contiguous and not self._solid(base, wish):
                    continue
                self.places[base.id] = wish
                self.stored.add(base.id)

    def _author(self, a: Node, part: Place) -> tuple[Node, Place | None]:
        """What computes a part, and where it would write it (None: it cannot)."""
        place: Place | None = part
        while a.op in ("reshape", "transpose"):
            x = a.args[0]
            if place is None:
                pass
            elif a.op == "transpose":
                strides = [0] * len(x.shape)
                for axis, s in zip(a.params["axes"], place.strides, strict=True):
                    strides[axis] = s
                place = Place(place.buffer, place.start, tuple(strides), False)
            elif self._solid(a, place):
                place = Place(place.buffer, place.start, contiguous(x.shape), False)
            else:
                place = None
            a = x
        return a, place

    @staticmethod
    def _solid(a: Node, part: Place) -> bool:
        """Whether a part's elements lie side by side in order."""
        want = contiguous(a.shape)
        return all(n == 1 or s == w for n, s, w in zip(a.shape, part.strides, want, strict=True))

    @staticmethod
    def _parts(n: Node, whole: Place) -> list[Place]:
        """Where each argument of a concatenation or padding lies in the result."""
        if n.op == "pad":
            low, inner = n.params["low"], n.params["interior"]
            start = whole.start + sum(a * s for a, s in zip(low, whole.strides, strict=True))
            strides = tuple(s * (i + 1) for s, i in zip(whole.strides, inner, strict=True))
            return [Place(whole.buffer, start, strides, False)]
        axis, at, parts = n.params["axis"] % len(n.shape), 0, []
        for a in n.args:
            parts.append(Place(whole.buffer, whole.start + at * whole.strides[axis], whole.strides, False))
            at += a.shape[axis]
        return parts

    def _schedule(self, n: Node) -> None:
        """Put the kernel that writes a stored value into the order."""
        if n.op in ("concatenate", "pad"):
            self._assemble(n)
            return
        if n.id not in self.places:
            self.places[n.id] = self._place(n, f"n{n.id}")
        place = self.places[n.id]
        if n.op in REDUCTIONS:
            (x,) = n.args
            index, space = identity(x.shape)
            axes = {a for a in n.params["axes"] if x.shape[a] != 1}
            target = tuple(index[i] for i in range(len(x.shape)) if i not in n.params["axes"])
            reduced = tuple(i for i, a in enumerate(j for j in range(len(x.shape)) if x.shape[j] != 1) if a in axes)
            self.ready[n.id] = self._loops(Root(n, index, place, target, True), space, reduced)
        elif n.op == "matmul" or n.op in SPECIAL:
            kernel = Kernel(n.op, n, place=place)
            if n.id in self.turned:
                lanes = max(1, self.lanes * 4 // BYTES[n.kind])
                size = 2 * room_of(lanes, n.shape[1], n.args[0].shape[1])
                kernel.room = Place(Buffer(f"room of n{n.id}", n.kind, size), 0, (1,), False)
            for a in n.args:
                self._reads(a, tuple(var(i) for i in range(len(a.shape))), kernel.reads, None)
            self.kernels.append(kernel)
            self.ready[n.id] = len(self.kernels) - 1
        else:
            index, space = identity(n.shape)
            self.ready[n.id] = self._loops(Root(n, index, place, index), space, ())

    def _assemble(self, n: Node) -> None:
        """A concatenation or padding: fill what no part covers, copy the parts that are not written there already."""
        if n.id not in self.places:
            self.places[n.id] = self._place(n, f"n{n.id}")
        whole, last = self.places[n.id], -1
        if n.op == "pad" and n.size > n.args[0].size:
            last = self._fill(n, whole, n.params["value"])
        for a, part in zip(n.args, self._parts(n, whole), strict=True):
            base, want = self._author(a, part)
            there = self.places.get(base.id)
            if there is not None and want is not None and there.lies_at(want):
                last = max(last, self.ready[base.id])
            elif a.size:
                index, space = identity(a.shape)
                if a.op in VIEWS and n.id not in self.copied:
                    self.copied.add(n.id)  # the views may not be readable: arrange once more
                    continue
                last = max(last, self._loops(Root(a, index, part, index), space, (), after=last))
        self.ready[n.id] = last

    def _fill(self, n: Node, place: Place, number: float) -> int:
        """A kernel that writes one number everywhere; its position."""
        one = self.graph.constant(np.full((), number, n.dtype))
        index, space = identity(n.shape)
        self.kernels.append(Kernel("loops", space=space, roots=[Root(one, (), place, index)]))
        return len(self.kernels) - 1

    def _reads(self, n: Node, index: Index, reads: dict[int, bool], top: int | None) -> None:
        """The stored values that computing n at an index reads, and whether each is read at the loop's own index."""
        seen: set[tuple[int, Index]] = set()
        stack = [(n, index)]
        while stack:
            n, index = stack.pop()
            if (n.id, index) in seen:
                continue
            seen.add((n.id, index))
            if n.op == "constant":
                continue
            if n.id in self.stored and n.id != top:
                own = index == identity(n.shape)[0]
                reads[n.id] = reads.get(n.id, True) and own
            elif n.op in VIEWS:
                base, at, flat = follow(n, index, self.stored - {n.id} if n.id == top else self.stored)
                if flat:
                    reads[base.id] = False
                else:
                    stack.append((base, at))
            elif n.op == "take":
                x, i = n.args
                axis = n.params["axis"]
                stack.append((i, index[axis : axis + len(i.shape)]))
                base, _, _ = follow(x, tuple(var(j) for j in range(len(x.shape))), self.stored)
                reads[base.id] = False
            else:
                stack += [(a, aligned(index, a.shape)) for a in n.args]

    def _loops(self, root: Root, space: tuple[int, ...], reduced: tuple[int, ...], after: int = -1) -> int:
        """Add a root to the first kernel that can write it, or to a new one; the kernel's position."""
        reads: dict[int, bool] = {}
        start = root.node.args[0] if root.reduce else root.node
        author = not root.reduce and self.places.get(root.node.id) is root.place
        self._reads(start, root.index, reads, root.node.id if author else None)
        first = after + 1
        for r, own in reads.items():
            at = self.ready[r]
            if at >= 0 and own and self._in_loop(r, at, space):
                first = max(first, at)
            else:
                first = max(first, at + 1)
        for k in range(first, len(self.kernels)):
            kernel = self.kernels[k]
            if kernel.kind != "loops" or kernel.space != space:
                continue
            if reduced and kernel.reduced and reduced != kernel.reduced:
                continue
            kernel.reduced = kernel.reduced or reduced
            break
        else:
            kernel = Kernel("loops", space=space, reduced=reduced)
            self.kernels.append(kernel)
            k = len(self.kernels) - 1
        kernel.roots.append(root)
        for r, own in reads.items():
            kernel.reads[r] = kernel.reads.get(r, True) and own
        return k

    def _in_loop(self, stored: int, at: int, space: tuple[int, ...]) -> bool:
        """Whether a stored value is at hand, in a register, inside the loop that writes it."""
        kernel = self.kernels[at]
        return (
            kernel.kind == "loops"
            and kernel.space == space
            and any(r.node.id == stored and not r.reduce and r.target == r.index for r in kernel.roots)
        )

    def _settle_state(self) -> None:
        """New state is written over the old where nothing reads the old later; elsewhere it is copied at the end."""
        for i, n in self.pending:
            old = self.inputs[self.targets[i]]
            at = self.ready[n.id]
            safe = old.shape == n.shape and old.dtype == n.dtype and self._movable(n)
            for k, kernel in enumerate(self.kernels):
                if old.id in kernel.reads and (k > at or (k == at and not kernel.reads[old.id])):
                    safe = False
            others = (self.places.get(m.id) for m in self.order if m.id not in (n.id, old.id))
            written = any(p is self.places[old.id] for p in others)
            if safe and not written and self.kernels[at].kind == "loops":
                new, have = self.places[old.id], self.places[n.id]
                for kernel in self.kernels:
                    for root in kernel.roots:
                        if root.place is have:
                            root.place = new
                self.places[n.id] = new
            else:
                self.copies.append((self.places[n.id], self.places[old.id], n))
                self.places[n.id].buffer.fixed = True
        for i, n in enumerate(self.new_state):
            place = self.new_places[i]
            if place is not None and self.targets[i] >= 0:
                self.copies.append((place, self.places[self.inputs[self.targets[i]].id], n))

    def _movable(self, n: Node) -> bool:
        """Whether a value has a buffer of its own (it is no part of a larger one)."""
        return self.places[n.id].buffer.name == f"n{n.id}" and n.op not in ("concatenate", "pad")

    # --- the arena ---

    def _allocate(self) -> None:
        """Places in the arena by the time of life: first fixed buffers, then the largest first, where there is room."""
        used: dict[int, Buffer] = {}

        def touch(p: Place, k: int) -> None:
            b = p.buffer
            used[id(b)] = b
            b.first = k if b.first < 0 else min(b.first, k)
            b.last = max(b.last, k)

        for k, kernel in enumerate(self.kernels):
            for root in kernel.roots:
                touch(root.place, k)
            for place in (kernel.place, kernel.room):
                if place is not None:
                    touch(place, k)
            for r in kernel.reads:
                touch(self.places[r], k)
        for p in (*self.results, *(self.places[n.id] for n in self.inputs)):
            touch(p, 0)
        for source, target, _ in self.copies:
            touch(source, len(self.kernels))
            touch(target, len(self.kernels))
        buffers = self.buffers = [b for b in used.values() if not b.constant]
        top = HEADER
        for b in buffers:
            if b.fixed:
                b.start, top = top, top + b.bytes
        placed: list[Buffer] = []
        self.arena = top
        for b in sorted((b for b in buffers if not b.fixed), key=lambda b: -b.bytes):
            at = top
            for other in sorted((o for o in placed if o.first <= b.last and b.first <= o.last), key=lambda o: o.start):
                if at + b.bytes <= other.start:
                    break
                at = max(at, other.start + other.bytes)
            b.start = at
            placed.append(b)
            self.arena = max(self.arena, at + b.bytes)


def _step(x: Node, stored: set[int]) -> int:
    """Elements from one to the next along the last axis of a value, as it would be stored."""
    base, at, flat = follow(x, tuple(var(i) for i in range(len(x.shape))), stored)
    _, terms = offset(at, (1,) if flat else contiguous(base.shape))
    return dict(terms).get(len(x.shape) - 1, 0)


def kernel_row(plan: Plan, kernel: Kernel) -> tuple[str, str, str, int, int]:
    """A kernel as (kind, space, what it writes, operations, equation)."""
    if kernel.node is not None:
        n = kernel.node
        count = n.size * (2 * n.args[0].shape[-1] if n.op == "matmul" else 1)
        sizes = " @ ".join(str(a.shape) for a in n.args) if n.op == "matmul" else str(n.shape)
        return kernel.kind, sizes, f"{n.op} n{n.id}", count, n.equation
    size = 1
    for extent in kernel.space:
        size *= extent
    seen: set[int] = set()
    operations = 0
    stack: list[Any] = [r.node.args[0] if r.reduce else r.node for r in kernel.roots]
    tops = {n.id for n in stack}
    while stack:
        n = stack.pop()
        if n.id in seen:
            continue
        seen.add(n.id)
        if n.id in plan.stored and n.id not in tops:
            continue
        operations += n.op not in VIEWS and n.op not in ("input", "constant")
        stack += n.args
    operations += sum(r.reduce for r in kernel.roots)
    space = str(kernel.space) + (f" over {kernel.reduced}" if kernel.reduced else "")
    writes = ", ".join(f"{r.node.op} n{r.node.id}" for r in kernel.roots)
    return "loops", space, writes, size * operations, kernel.roots[0].node.equation
