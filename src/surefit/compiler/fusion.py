"""Fusion groups as loops over an index space; what does not change in an inner loop is computed before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from surefit.compiler.context import Context
from surefit.compiler.fused_values import CHECKED, Values
from surefit.compiler.indexing import Index, offset
from surefit.compiler.plan import Kernel, Root
from surefit.core.order import BLOCK
from surefit.ir import elementwise
from surefit.ir.builder import Value, constant, is_float
from surefit.ir.graph import Node

WRITTEN = 48  # operations in one body, beyond which nothing is written out several times
UNROLLED = 4  # loops up to so many turns are written out


def divisible(kernel: Kernel) -> bool:
    """Whether two threads write a kernel's results in less time than one: from its sizes alone."""
    if kernel.kind == "matmul":
        return kernel.node is not None and large_product(kernel.node)
    if kernel.kind != "loops":
        return False
    work = 1
    for n in kernel.space:
        work *= n
    outer = [n for a, n in enumerate(kernel.space) if a not in kernel.reduced]
    copies = any(r.node.op == "copy" for r in kernel.roots) and not large_copy(kernel)
    return (
        work >= 16_000
        and max(outer, default=1) >= 64
        and not copies
        and not any(n.op in CHECKED for r in kernel.roots for n in _cone(r.node))
    )


def large_copy(kernel: Kernel) -> bool:
    """Whether a kernel only copies a matrix that two threads copy sooner."""
    if len(kernel.roots) != 1 or kernel.roots[0].node.op != "copy":
        return False
    n = kernel.roots[0].node
    return len(n.shape) == 2 and min(n.shape) >= 64 and n.size >= 32_000


def large_product(n: Node) -> bool:
    """Whether a matrix product is worth the meeting of two threads."""
    return n.shape[-2] >= 8 and n.size * n.args[0].shape[-1] >= 60_000


def _cone(node: Node, depth: int = 12) -> Iterator[Node]:
    """What a node is made of, up to so many operations away; each once."""
    seen, level = {node.id}, [node]
    for _ in range(depth + 1):
        yield from level
        level = list({a.id: a for n in level for a in n.args if a.id not in seen}.values())
        seen.update(a.id for a in level)


class LoopWriter(Values):
    """One fusion group: loops over its space that compute all its roots."""

    def __init__(self, low: Context, kernel: Kernel) -> None:
        super().__init__(low, kernel)
        self.free: dict[int, bool] = {}  # see _free_of_own
        self.cut = -1  # the axis along which two threads share the work
        if low.shared is not None and divisible(kernel):
            free = [a for a in range(len(self.space)) if a not in self.reduced]
            self.cut = max(free, key=lambda a: self.space[a] // (self.width if a == self.v else 1))

    def hoist(self, inner: set[int], points: list[dict[int, int]]) -> None:
        """Compute now what does not change in the inner loops."""
        for point in points:
            for r in self.roots:
                if r.reduce:
                    self._hoist(r.node.args[0], shifted(r.index, point), inner)
                elif r.node.id not in self.own:
                    self._hoist(r.node, shifted(r.index, point), inner)
                else:
                    for n, index in self._below(r.node, shifted(r.index, point)):
                        self._hoist(n, index, inner)

    def _hoist(self, n: Node, index: Index, inner: set[int]) -> None:
        seen: set[tuple[int, Index]] = set()
        stack = [(n, index)]
        while stack:
            n, index = stack.pop()
            if (n.id, index) in seen or n.id in self.own or (n.op == "constant" and n.size == 1):
                continue
            seen.add((n.id, index))
            if not any(axis in inner for _, terms in index for axis, _ in terms):
                if self._free_of_own(n):
                    self.value(n, index)
            elif n.id not in self.stored and n.op != "take":
                stack += reversed(self._below(n, index))

    def _free_of_own(self, n: Node) -> bool:
        """Whether nothing that a node is computed from is made in this loop, or can fail."""
        stack = [n]
        while stack:
            n = stack[-1]
            if n.id in self.free:
                stack.pop()
            elif n.id in self.own or (n.op in CHECKED and n.id not in self.stored):
                self.free[n.id] = False
            elif n.id in self.stored or all(self.free.get(a.id) for a in n.args):
                self.free[n.id] = True
            elif any(self.free.get(a.id) is False for a in n.args):
                self.free[n.id] = False
            else:
                stack += [a for a in n.args if a.id not in self.free]
        return self.free[n.id]

    def write(self) -> None:
        outer = [a for a in range(len(self.space)) if a not in self.reduced and a != self.v]
        self.order = outer
        if not self.reducing:
            axes = self.order = [a for a in range(len(self.space)) if a != self.v]
            self.outer(axes, [{}], self.elementwise if self.v < 0 else self.along)
        elif self.v in self.reduced or self.v < 0:
            self.outer(outer[:-1], [{}], lambda points: self.rows(outer[-1:], points))
        else:
            self.outer(outer, [{}], self.columns)

    def outer(
        self, axes: list[int], points: list[dict[int, int]], body: Callable[[list[dict[int, int]]], None]
    ) -> None:
        """Loops over axes that no reduction runs along; short ones are written out in one body."""
        if not axes:
            body(points)
            return
        a, rest = axes[0], axes[1:]
        n = self.space[a]
        if n <= UNROLLED and len(points) * n <= 8 and self.reducing and a != self.cut:
            self.base[a] = 0
            self.outer(rest, [{**p, a: i} for p in points for i in range(n)], body)
            return
        if n <= 2 and self.operations < 20 and a != self.cut:
            for i in range(n):
                self.base[a] = i
                with self.scope():
                    self.outer(rest, points, body)
            return
        with self.f.loop(*self.turns(a, n)) as l, self.scope():
            self.base[a] = l.i
            if rest or self.v >= 0 or self.reducing:
                self.hoist(set(range(len(self.space))) - set(self.order[: self.order.index(a) + 1]), points)
            self.outer(rest, points, body)

    def turns(self, a: int, n: int, step: int = 1) -> tuple[Value | int, Value | int, int]:
        """Start, end and step of a loop of n turns over an axis: of half of them where two threads share it."""
        start, stop = self.low.halves(n) if a == self.cut else (0, n)
        if step == 1:
            return start, stop, 1
        first = self.f.mul(start, step) if isinstance(start, Value) else start * step
        return first, self.f.mul(stop, step) if isinstance(stop, Value) else stop * step, step

    def elementwise(self, points: list[dict[int, int]]) -> None:
        """All roots at one index."""
        for point in points:  # all is read before anything is written: new state may lie on the old
            values = [self.made(r, shifted(r.index, point)) for r in self.roots]
            for r, x in zip(self.roots, values, strict=True):
                self.write_lanes(x, r.place, shifted(r.target, point))

    def made(self, r: Root, index: Index) -> Value:
        """The value that a root stores: computed where this loop is its author, else what it copies."""
        key = (r.node.id, index)
        x = self.find(key)
        if x is None and r.node.id in self.own:
            x = self.scopes[-1][key] = self.compute(r.node, index)
        return self.value(r.node, index) if x is None else x

    def along(self, points: list[dict[int, int]]) -> None:
        """The vector axis of a group without reductions: whole vectors, then what is left."""
        n, w = self.space[self.v], self.width
        full, tail = divmod(n, w)
        if tail and self.smooth and all(r.place.roomy for r in self.roots):
            full, tail = full + 1, 0
        self.count = w
        cut = self.v == self.cut
        if full * self.operations <= 24 and full <= UNROLLED and not cut:
            for i in range(full):
                self.base[self.v] = i * w
                with self.scope():
                    self.elementwise(points)
        elif full:
            with self.f.loop(*self.turns(self.v, full, w)) as l, self.scope():
                self.base[self.v] = l.i
                self.elementwise(points)
        if tail:
            self.base[self.v], self.count = full * w, tail
            with self.low.last(cut), self.scope():
                self.elementwise(points)
            self.count = w

    # --- reductions along the vector, or without one ---

    def rows(self, axes: list[int], points: list[dict[int, int]]) -> None:
        """The last axis that is not reduced, several of its places at a time, so that they share loads."""
        if not axes:
            self.sums(points)
            return
        a = axes[0]
        n = self.space[a]
        most = max(1, (8 if self.low.t.registers > 16 else 4) // len(self.reducing) // len(points))
        most = max(1, min(most, WRITTEN // max(1, self.operations)))
        u = min(n, most)
        whole = n - n % u
        if whole:
            if whole == u and a != self.cut:
                self.base[a] = 0
                with self.scope():
                    self.sums([{**p, a: i} for p in points for i in range(u)])
            else:
                with self.f.loop(*self.turns(a, whole // u, u)) as l, self.scope():
                    self.base[a] = l.i
                    self.sums([{**p, a: i} for p in points for i in range(u)])
        if n % u:
            self.base[a] = whole
            with self.low.last(a == self.cut), self.scope():
                self.sums([{**p, a: i} for p in points for i in range(n % u)])

    def columns(self, points: list[dict[int, int]]) -> None:
        """Reductions across the vector: several vectors at a time."""
        v, w, n = self.v, self.width, self.space[self.v]
        full, tail = divmod(n, w)
        budget = 8 if self.low.t.registers > 16 else 4
        u = max(1, min(4, budget // len(self.reducing) // len(points), full, WRITTEN // max(1, self.operations)))
        whole = full - full % u
        self.count = w
        if whole:
            if whole == u and v != self.cut:
                self.base[v] = 0
                with self.scope():
                    self.sums([{**p, v: i * w} for p in points for i in range(u)])
            else:
                with self.f.loop(*self.turns(v, whole // u, u * w)) as l, self.scope():
                    self.base[v] = l.i
                    self.sums([{**p, v: i * w} for p in points for i in range(u)])
        if full - whole:
            self.base[v] = whole * w
            with self.low.last(v == self.cut), self.scope():
                self.sums([{**p, v: i * w} for p in points for i in range(full - whole)])
        if tail:
            self.base[v], self.count = full * w, tail
            with self.low.last(v == self.cut), self.scope():
                self.sums(points)
            self.count = w

    def sums(self, points: list[dict[int, int]]) -> None:
        """The loops over the reduced axes, and the results."""
        f = self.f
        inner = list(self.reduced)
        if self.v in inner:  # the vector innermost
            inner = [a for a in inner if a != self.v] + [self.v]
        self.hoist(set(inner), points)
        totals = self.turn(inner, self._identities(points), points)
        k = 0
        for point in points:
            for r in self.reducing:
                x = totals[k]
                k += 1
                if self.v in self.reduced and x.width > 1:
                    x = f.reduce_lanes(x, partial(elementwise.combine, f, r.node.op))
                if self.v in self.reduced or self.v < 0:
                    p, _ = self.address(r.place, offset(shifted(r.target, point), r.place.strides))
                    f.store(x, p)
                else:
                    self.write_lanes(x, r.place, shifted(r.target, point))

    def turn(self, axes: list[int], accs: list[Value], points: list[dict[int, int]]) -> list[Value]:
        """The reductions over `axes`, from accumulators to accumulators."""
        if not axes:
            return self.step(accs, points)
        a, rest = axes[0], axes[1:]
        n = self.space[a]
        if a != self.v and not self.low.fast and not rest and self._blocked():
            return self.blocks(a, accs, points)
        w = self.width if a == self.v else 1
        full, tail = divmod(n, w)
        if a == self.v:
            self.count = w
        if full <= UNROLLED and full * len(points) * max(1, self.operations) <= 96:
            for i in range(full):
                self.base[a] = i * w
                with self.scope():
                    accs = self.turn(rest, accs, points)
        elif full:
            accs = self.cycle(a, full, w, rest, accs, points)
        if tail:
            self.base[a], self.count = full * w, tail
            with self.scope():
                accs = self.turn(rest, accs, points)
            self.count = w
        return accs

    def cycle(
        self, a: int, full: int, w: int, rest: list[int], accs: list[Value], points: list[dict[int, int]]
    ) -> list[Value]:
        """A loop over one reduced axis.

        Few accumulators are doubled or quadrupled, since an addition takes longer than the loop's turn.
        """
        f = self.f
        copies = 1
        if self.low.fast and not rest:
            while copies < 4 and copies * 2 * len(accs) <= 8 and full >= 8 * copies:
                copies *= 2
        whole = full - full % copies
        more = []
        for _ in range(copies - 1):
            more += self._identities(points)
        with f.loop(0, whole * w, copies * w, carry=[*accs, *more]) as l, self.scope():
            self.base[a] = l.i
            out: list[Value] = []
            for c in range(copies):
                part = l.carried[c * len(accs) : (c + 1) * len(accs)]
                there = [{**p, a: p.get(a, 0) + c * w} for p in points] if c else points
                if rest:
                    self.hoist(set(rest), there)
                out += self.turn(rest, part, there)
            l.next = out
        totals = l.result[: len(accs)]
        for c in range(1, copies):
            part = l.result[c * len(accs) : (c + 1) * len(accs)]
            names = [r.node.op for _ in points for r in self.reducing]
            totals = [elementwise.combine(f, op, x, y) for op, x, y in zip(names, totals, part, strict=True)]
        for i in range(whole, full):
            self.base[a] = i * w
            with self.scope():
                totals = self.turn(rest, totals, points)
        return totals

    def _identities(self, points: list[dict[int, int]]) -> list[Value]:
        return [
            constant(elementwise.identity_of(r.node.op, r.node.kind), r.node.kind, self.width)
            for _ in points
            for r in self.reducing
        ]

    def _blocked(self) -> bool:
        """Whether sums are taken in blocks: strict sums of floats."""
        return any(r.node.op == "sum" and is_float(r.node.kind) for r in self.reducing)

    def blocks(self, a: int, accs: list[Value], points: list[dict[int, int]]) -> list[Value]:
        """A strict sum over one axis: blocks of 16 one after the other, each begun at zero, then added in order."""
        f = self.f
        n = self.space[a]
        names = [r.node.op for _ in points for r in self.reducing]

        def one(start: Value | int, size: int, totals: list[Value]) -> list[Value]:
            fresh = self._identities(points)
            if size == 1:
                self.base[a] = start
                with self.scope():
                    part = self.step(fresh, points)
            else:
                first = start if isinstance(start, Value) else f.i64(start)
                stop = f.add(start, size) if isinstance(start, Value) else f.i64(start + size)
                with f.loop(first, stop, carry=fresh) as l, self.scope():
                    self.base[a] = l.i
                    l.next = self.step(l.carried, points)
                part = l.result
            return [elementwise.combine(f, op, x, y) for op, x, y in zip(names, totals, part, strict=True)]

        whole = n - n % BLOCK
        if whole == BLOCK:
            accs = one(0, BLOCK, accs)
        elif whole:
            with f.loop(0, whole, BLOCK, carry=accs) as l:
                l.next = one(l.i, BLOCK, l.carried)
            accs = l.result
        if n % BLOCK:
            accs = one(whole, n % BLOCK, accs)
        return accs

    def step(self, accs: list[Value], points: list[dict[int, int]]) -> list[Value]:
        """One turn of the innermost loop: everything at this index, added to the accumulators."""
        f, out, k = self.f, [], 0
        for point in points:
            stores = []
            for r in self.roots:
                index = shifted(r.index, point)
                if not r.reduce:
                    stores.append((r, self.made(r, index)))
                    continue
                x = f.convert(self.value(r.node.args[0], index), r.node.kind)
                x = f.splat(x, self.width)
                if self.v in self.reduced and self.count < self.width:
                    identity = constant(elementwise.identity_of(r.node.op, r.node.kind), r.node.kind, self.width)
                    x = f.select(self.mask(self.width), x, identity)
                out.append(elementwise.combine(f, r.node.op, accs[k], x))
                k += 1
            for r, x in stores:
                self.write_lanes(x, r.place, shifted(r.target, point))
        return out


def shifted(index: Index, point: dict[int, int]) -> Index:
    """An index with loop axes moved by numbers."""
    if not point:
        return index
    return tuple((c + sum(k * point.get(axis, 0) for axis, k in terms), terms) for c, terms in index)
