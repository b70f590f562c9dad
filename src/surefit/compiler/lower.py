"""From kernels to instructions: fusion groups (see `fusion`), matrix products, and the special forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import numpy as np

from surefit.compiler.ahead import Ahead
from surefit.compiler.context import Context, memory
from surefit.compiler.engine import Target
from surefit.compiler.fusion import LoopWriter, divisible, large_product
from surefit.compiler.gemm import emit_gemm, emit_transpose
from surefit.compiler.indexing import follow, var
from surefit.compiler.plan import Kernel, Place, Plan, Root
from surefit.compiler.threads import half_of
from surefit.compiler.turned import emit_turned
from surefit.ir.builder import Function, Value, constant, is_float
from surefit.ir.graph import Node


class Lowering(Context):
    """Writes the kernels of a plan into a function whose first argument is the arena.

    meet: emits the code at which two threads that share the function wait for each other. ahead: what is asked for
    during one of the products.
    """

    def __init__(
        self, plan: Plan, f: Function, arena: Value, t: Target, fast: bool, shared: tuple[Value, Value] | None = None,
        meet: Callable[[], None] = lambda: None, ahead: Ahead | None = None,
    ) -> None:  # fmt: skip
        super().__init__(plan, f, arena, t, fast, shared)
        self.meet, self.ahead = meet, ahead

    def run(self) -> None:
        """All kernels, then what is left of new state goes to its place."""
        if self.shared is not None:
            self._run_shared(self.shared[0])
            return
        for kernel in self.plan.kernels:
            self._one(kernel)
        for source, target, node in self.plan.copies:
            self._memcpy(source, target, node)

    def _one(self, kernel: Kernel) -> None:
        if kernel.kind != "loops":
            assert kernel.node is not None and kernel.place is not None
            if kernel.room is not None:
                self._turned(kernel.node, kernel.place, kernel.room)
            else:
                getattr(self, "_" + kernel.kind)(kernel.node, kernel.place)
        elif 0 not in kernel.space and not self._transposed(kernel):
            LoopWriter(self, kernel).write()

    def _run_shared(self, second: Value) -> None:
        """Runs of small kernels by the first thread, large ones by both, and a meeting between."""
        first = self.f.not_(second)
        small: list[Kernel] = []

        def alone() -> None:
            if small:
                with self.f.when(first):
                    for kernel in small:
                        self._one(kernel)
                small.clear()
                self.meet()

        for kernel in self.plan.kernels:
            if divisible(kernel):
                alone()
                self._one(kernel)
                self.meet()
            else:
                small.append(kernel)
        with self.f.when(first):
            for kernel in small:
                self._one(kernel)
            for source, target, node in self.plan.copies:
                self._memcpy(source, target, node)
        self.meet()

    def _memcpy(self, source: Place, target: Place, node: Node) -> None:
        copy = self.f.module.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1 immarg"])
        size = constant(node.size * memory(node.kind), "i64")
        self.f.line(f"call void {copy}({self.pointer(target)}, {self.pointer(source)}, {size}, i1 false)")

    # --- loops of special forms: scalar, over the axes of a shape ---

    @contextmanager
    def _nest(self, shape: Sequence[int]) -> Iterator[list[Value]]:
        """Loops over a shape without zeros, innermost last; the counters."""
        if not shape:
            yield []
            return
        if shape[0] == 1:
            with self._nest(shape[1:]) as inner:
                yield [self.f.i64(0), *inner]
            return
        with self.f.loop(0, shape[0]) as l, self._nest(shape[1:]) as inner:
            yield [l.i, *inner]

    def _at(self, place: Place, start: int, counters: Sequence[Value], strides: Sequence[int]) -> Value:
        p = self.pointer(place, start)
        total: Value | None = None
        for i, s in zip(counters, strides, strict=True):
            if s == 0 or i.name == "0":
                continue
            step = self.f.mul(i, s) if s != 1 else i
            total = step if total is None else self.f.add(total, step)
        return p if total is None else self.f.gep(p, total, place.buffer.kind)

    def _matmul(self, node: Node, out: Place) -> None:
        a, b = node.args
        c = out
        (pa, a0, sa), (pb, b0, sb) = self.strides(a), self.strides(b)
        lead = node.shape[:-2]
        m, n, k = node.shape[-2], node.shape[-1], a.shape[-1]
        la = [s if size != 1 else 0 for size, s in zip(a.shape[:-2], sa[:-2], strict=True)]
        lb = [s if size != 1 else 0 for size, s in zip(b.shape[:-2], sb[:-2], strict=True)]
        la, lb = [0] * (len(lead) - len(la)) + la, [0] * (len(lead) - len(lb)) + lb
        with self._nest(lead) as i:

            def rows(first: int, count: int) -> None:
                emit_gemm(
                    self.f, self.t, m=count, n=n, k=k, kind=node.kind,
                    a=self._at(pa, a0 + first * sa[-2], i, la), a_row=sa[-2], a_col=sa[-1],
                    b=self._at(pb, b0, i, lb), b_row=sb[-2],
                    c=self._at(c, first * c.strides[-2], i, c.strides[:-2]), c_row=c.strides[-2], c_padded=c.roomy,
                    strict=not self.fast, ahead=self._asked(node, first > 0),
                )  # fmt: skip

            self._halved(rows, m, large_product(node))

    def _asked(self, node: Node, second: bool) -> tuple[Value, int, int] | None:
        """What a product asks for while it runs, or the second thread's half of it: see `emit_gemm`."""
        ahead = self.ahead
        if ahead is None or node.id not in ahead.first:
            return None
        following = [first for first in ahead.first.values() if first > ahead.first[node.id]]
        count = min(following, default=ahead.entries) - ahead.first[node.id]
        start = ahead.first[node.id] + (count // 2 if second else 0)
        return self.f.gep(self.arena, ahead.start + 8 * start, "i8"), count - count // 2 * second, ahead.piece

    def _turned(self, node: Node, out: Place, room: Place) -> None:
        """A product that is computed transposed."""
        a, b = node.args
        (pa, a0, sa), (pb, b0, sb) = self.strides(a), self.strides(b)
        (m, n), k = node.shape, a.shape[1]

        def rows(first: int, count: int) -> None:
            emit_turned(
                self.f, self.t, m=count, n=n, k=k, kind=node.kind, a=self.pointer(pa, a0 + first * sa[0]), a_row=sa[0],
                b=self.pointer(pb, b0), b_row=sb[0], b_col=sb[1], c=self.pointer(out, first * out.strides[0]),
                c_row=out.strides[0], room=self.pointer(room, room.buffer.elements // 2 if first else 0),
                ahead=self._asked(node, first > 0),
            )  # fmt: skip

        self._halved(rows, m, large_product(node))

    def _transposed(self, kernel: Kernel) -> bool:
        """Write copies that turn the last two axes, by blocks in registers."""
        sources = [self._turned_source(r) for r in kernel.roots]
        if None in sources:
            return False
        for root, source in zip(kernel.roots, sources, strict=True):
            assert source is not None
            self._transpose(root.node, root.place, *source, divisible(kernel))
        return True

    def _turned_source(self, root: Root) -> tuple[Place, int, tuple[int, ...]] | None:
        """Where the values of a copy lie that turns the last two axes: place, first element, strides; else None."""
        node, place = root.node, root.place
        if node.op != "copy" or node.kind == "i1" or len(node.shape) < 2 or min(node.shape[-2:]) == 1:
            return None
        axes = tuple(var(i) for i in range(len(node.shape)))
        if follow(node.args[0], axes, self.plan.stored)[0].id not in self.plan.stored:
            return None  # it is computed here, not copied
        source, start, strides = self.strides(node.args[0])
        return (source, start, strides) if strides[-2] == 1 and place.strides[-1] == 1 else None

    def _transpose(
        self, node: Node, place: Place, source: Place, start: int, strides: tuple[int, ...], cut: bool
    ) -> None:  # fmt: skip
        with self._nest(node.shape[:-2]) as i:

            def rows(first: int, count: int) -> None:
                emit_transpose(
                    self.f, self.t, rows=node.shape[-1], cols=count, kind=node.kind,
                    src=self._at(source, start + first, i, strides[:-2]), src_row=strides[-1],
                    dst=self._at(place, first * place.strides[-2], i, place.strides[:-2]), dst_row=place.strides[-2],
                )  # fmt: skip

            self._halved(rows, node.shape[-2], cut)

    def _halved(self, rows: Callable[[int, int], None], n: int, cut: bool) -> None:
        """What rows(first, count) writes for all n: half of it by each thread, where there are two and it is cut."""
        if self.shared is None or not cut:
            rows(0, n)
            return
        half = half_of(n)
        second, alone = self.shared
        with self.f.when(alone):
            rows(0, n)
        with self.f.when(self.f.not_(self.f.or_(second, alone))):
            rows(0, half)
        with self.f.when(second):
            rows(half, n - half)

    def _argmax(self, node: Node, out: Place) -> None:
        f = self.f
        (x,) = node.args
        axis = node.params["axis"] % len(x.shape)
        place, start, strides = self.strides(x)
        rest = [n for i, n in enumerate(x.shape) if i != axis]
        along = [s for i, s in enumerate(strides) if i != axis]
        with self._nest(rest) as i:
            first = self._at(place, start, i, along)
            best = f.load(first, x.kind)
            if x.shape[axis] == 1:
                result = f.i64(0)
            else:
                with f.loop(1, x.shape[axis], carry=[best, f.i64(0)]) as l:
                    y = f.load(f.gep(first, f.mul(l.i, strides[axis]), x.kind), x.kind)
                    better = f.compare("gt", y, l.carried[0])
                    if is_float(x.kind):  # the first NaN wins
                        fresh = f.and_(f.unordered(y, y), f.compare("eq", l.carried[0], l.carried[0]))
                        old = f.unordered(l.carried[0], l.carried[0])
                        better = f.or_(fresh, f.and_(better, f.not_(old)))
                    l.next = [f.select(better, y, l.carried[0]), f.select(better, l.i, l.carried[1])]
                result = l.result[1]
            f.store(result, self._at(out, 0, i, out.strides))

    def _cumsum(self, node: Node, out: Place) -> None:
        f = self.f
        (x,) = node.args
        axis = node.params["axis"] % len(x.shape)
        place, start, strides = self.strides(x)
        keep = [i for i in range(len(x.shape)) if i != axis]
        with self._nest([x.shape[i] for i in keep]) as i:
            source = self._at(place, start, i, [strides[j] for j in keep])
            target = self._at(out, 0, i, [out.strides[j] for j in keep])
            with f.loop(0, x.shape[axis], carry=[constant(0, node.kind)]) as l:
                y = f.convert(f.load(f.gep(source, f.mul(l.i, strides[axis]), x.kind), x.kind), node.kind)
                total = f.add(l.carried[0], y)
                f.store(total, f.gep(target, f.mul(l.i, out.strides[axis]), node.kind))
                l.next = [total]

    def _scatter_add(self, node: Node, out: Place) -> None:
        f = self.f
        u, index = node.args
        axis, size = node.params["axis"], node.params["size"]
        self._zero(node, out)
        pu, u0, su = self.strides(u)
        pi, i0, si = self.strides(index)
        k = len(index.shape)
        code = self.check(node, "index")
        with self._nest(u.shape) as i:
            value = f.load(self._at(pu, u0, i, su), u.kind)
            at = f.convert(f.load(self._at(pi, i0, i[axis : axis + k], si), index.kind), "i64")
            bad = f.compare("uge", at, size)
            self.fail(bad, code)
            at = f.select(bad, f.i64(0), at)
            outer = [*i[:axis], at, *i[axis + k :]]
            p = self._at(out, 0, outer, out.strides)
            old = f.load(p, node.kind)
            f.store(f.or_(old, value) if node.kind == "i1" else f.add(old, value), p)

    def _fold(self, node: Node, out: Place) -> None:
        f = self.f
        (u,) = node.args
        p = node.params
        self._zero(node, out)
        pu, u0, su = self.strides(u)
        n = len(node.shape)
        for where in product(*map(range, p["size"])):
            start = sum(q * s for q, s in zip(where, su[n:], strict=True))
            strides = list(out.strides)
            first = 0
            for a, q, s, d in zip(p["axes"], where, p["stride"], p["dilation"], strict=True):
                first += q * d * out.strides[a]
                strides[a] *= s
            with self._nest(u.shape[:n]) as i:
                value = f.load(self._at(pu, u0 + start, i, su[:n]), u.kind)
                target = self._at(out, first, i, strides)
                old = f.load(target, node.kind)
                f.store(f.or_(old, value) if node.kind == "i1" else f.add(old, value), target)

    def _zero(self, node: Node, place: Place) -> None:
        """Zeros in every element of a value."""
        zero = Node(0, "constant", (), {}, (), node.dtype, node.equation)
        zero.value = np.zeros((), node.dtype)
        index = tuple(var(i) for i in range(len(node.shape)))
        LoopWriter(self, Kernel("loops", space=node.shape, roots=[Root(zero, (), place, index)])).write()

    def _random_bits(self, node: Node, out: Place) -> None:
        from surefit.ir.philox import random_bits

        key, counter = (self._scalar(a) for a in node.args)
        random_bits(self.f, self.pointer(out), node.size, key, counter)

    def _scalar(self, node: Node) -> Value:
        if node.op == "constant":
            return constant(node.value.item(), node.kind)
        place, start, _ = self.strides(node)
        return self.f.load(self.pointer(place, start), node.kind)
