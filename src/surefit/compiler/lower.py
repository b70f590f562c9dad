"""From kernels to instructions: loops over an index space, with values in vectors along one of its axes.

A value is computed where it is needed by walking down from it to what is stored; what was computed at the same index
is not computed again, and what does not change in an inner loop is computed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product

import numpy as np

from surefit.compiler import scalars
from surefit.compiler.engine import Target
from surefit.compiler.gemm import BLOCK, emit_gemm, emit_transpose
from surefit.compiler.graph import VIEWS, Node
from surefit.compiler.indexing import (
    ZERO,
    Affine,
    Index,
    aligned,
    contiguous,
    follow,
    offset,
    reshapes_affinely,
    scaled,
    through,
    var,
)
from surefit.compiler.plan import COST, Kernel, Place, Plan, Root
from surefit.compiler.text import BYTES, Function, Value, constant, is_float, vector

WRITTEN = 48  # operations in one body, beyond which nothing is written out several times
UNROLLED = 4  # loops up to so many turns are written out
CHECKED = frozenset(("take", "floor_divide", "remainder", "fmod", "pow"))  # primitives that can fail
DYNAMIC = -1  # the loop axis that stands for an index read from memory


def memory(kind: str) -> int:
    """Bytes of one element."""
    return BYTES["i8" if kind == "i1" else kind]


class Lowering:
    """Writes the kernels of a plan into a function whose first argument is the arena.

    messages: what each error code (from 1) stands for: (kind, node). shared: for a function that one or two threads
    run, the conditions (i1) that this is the second of two and that there is no second: each writes its half of every
    large result, so that no sum is cut in two and the number of threads changes nothing; `meet` emits the code at which
    they wait for each other.
    """

    def __init__(
        self, plan: Plan, f: Function, arena: Value, t: Target, fast: bool, shared: tuple[Value, Value] | None = None,
        meet: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.shared, self.meet = shared, meet
        self.plan, self.f, self.arena, self.t, self.fast = plan, f, arena, t, fast
        self.messages: list[tuple[str, Node]] = []
        self.constants = {
            n.id: f.module.array(n.value) for n in plan.order if n.op == "constant" and n.id in plan.stored
        }

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
                    strict=not self.fast,
                )  # fmt: skip

            if self.shared is None or not large_product(node):
                rows(0, m)
            else:
                half = (m + 1) // 2
                second, alone = self.shared
                with self.f.when(alone):
                    rows(0, m)
                with self.f.when(self.f.not_(self.f.or_(second, alone))):
                    rows(0, half)
                with self.f.when(second):
                    rows(half, m - half)

    def _transposed(self, kernel: Kernel) -> bool:
        """Write a copy that turns the last two axes, by blocks in registers."""
        if len(kernel.roots) != 1 or kernel.roots[0].node.op != "copy" or kernel.roots[0].node.kind == "i1":
            return False
        node, place = kernel.roots[0].node, kernel.roots[0].place
        if len(node.shape) < 2 or min(node.shape[-2:]) == 1:
            return False
        axes = tuple(var(i) for i in range(len(node.shape)))
        if follow(node.args[0], axes, self.plan.stored)[0].id not in self.plan.stored:
            return False  # it is computed here, not copied
        source, start, strides = self.strides(node.args[0])
        if strides[-2] != 1 or place.strides[-1] != 1:
            return False
        with self._nest(node.shape[:-2]) as i:
            emit_transpose(
                self.f, self.t, rows=node.shape[-1], cols=node.shape[-2], kind=node.kind,
                src=self._at(source, start, i, strides[:-2]), src_row=strides[-1],
                dst=self._at(place, 0, i, place.strides[:-2]), dst_row=place.strides[-2],
            )  # fmt: skip
        return True

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
        from surefit.compiler.philox import random_bits

        key, counter = (self._scalar(a) for a in node.args)
        random_bits(self.f, self.pointer(out), node.size, key, counter)

    def _scalar(self, node: Node) -> Value:
        if node.op == "constant":
            return constant(node.value.item(), node.kind)
        place, start, _ = self.strides(node)
        return self.f.load(self.pointer(place, start), node.kind)


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
    copies = any(r.node.op == "copy" for r in kernel.roots)
    return (
        work >= 16_000
        and max(outer, default=1) >= 64
        and not copies
        and not any(n.op in CHECKED for r in kernel.roots for n in _cone(r.node))
    )


def large_product(n: Node) -> bool:
    """Whether a matrix product is worth the meeting of two threads."""
    return n.shape[-2] >= 8 and n.size * n.args[0].shape[-1] >= 60_000


def _cone(node: Node, depth: int = 12) -> Iterator[Node]:
    yield node
    if depth:
        for a in node.args:
            yield from _cone(a, depth - 1)


class LoopWriter:
    """One fusion group: loops over its space that compute all its roots."""

    def __init__(self, low: Lowering, kernel: Kernel) -> None:
        self.low, self.k, self.f = low, kernel, low.f
        self.plan = low.plan
        self.stored = self.plan.stored
        self.space, self.reduced = kernel.space, kernel.reduced
        self.own = {r.node.id for r in kernel.roots if not r.reduce and self.plan.places.get(r.node.id) is r.place}
        self.base: dict[int, Value | int] = {}
        self.scopes: list[dict[tuple[int, Index], Value]] = [{}]
        self.pointers: list[dict[object, Value]] = [{}]
        self.count = 1  # lanes that hold elements
        self.roots = kernel.roots
        self.reducing = [r for r in self.roots if r.reduce]
        self._choose()
        self.cut = -1  # the axis along which two threads share the work
        if low.shared is not None and divisible(kernel):
            free = [a for a in range(len(self.space)) if a not in self.reduced]
            self.cut = max(free, key=lambda a: self.space[a] // (self.width if a == self.v else 1))

    # --- which axis lies along the vector ---

    def _choose(self) -> None:
        loads, self.operations, wide, self.checked = self._survey()
        turns = 1
        for a in self.reduced:
            turns *= self.space[a]
        self.v, self.width, self.smooth = -1, 1, False
        lanes = self.low.t.lanes("f64" if wide else "f32")
        best = float("inf")
        strict_sum = not self.low.fast and any(
            r.node.op in ("sum", "prod") and is_float(r.node.kind) for r in self.reducing
        )
        for v, n in enumerate(self.space):
            if n == 1 or (strict_sum and v in self.reduced):
                continue
            width = min(lanes, 1 << (n - 1).bit_length())
            price = 0.5 * self.operations
            smooth = True
            for strides, weight in loads:
                s = strides.get(v, 0)
                price += weight * (0.2 if s == 0 else 0.5 if s == 1 else 1.0 * width)
                smooth = smooth and s in (0, 1)
            if v in self.reduced and self.reducing:
                price += 4.0 * len(self.reducing) * width.bit_length() / max(1, turns // width)
            price *= -(-n // width) / n
            price *= 1 + 0.02 * (len(self.space) - 1 - v)
            if price < best:
                best, self.v, self.width, self.smooth = price, v, width, smooth
        self.smooth = self.smooth and not self.checked and self.v not in self.reduced

    def _survey(self) -> tuple[list[tuple[dict[int, int], float]], int, bool, bool]:
        """What the loops do: loads and stores, operations, whether any lanes have 8 bytes, whether anything can fail.

        Of loads and stores the strides along the loop axes, and how often they come in one turn of all loops.
        """
        loads: list[tuple[dict[int, int], float]] = []
        turns = 1
        for a in self.reduced:
            turns *= self.space[a]
        operations, wide, checked = 0, False, False
        seen: set[tuple[int, Index]] = set()
        stack: list[tuple[Node, Index]] = []
        for r in self.roots:
            if r.reduce:
                stack.append((r.node.args[0], r.index))
            elif r.node.id in self.own:
                seen.add((r.node.id, r.index))
                operations += COST.get(r.node.op, 1)
                checked = checked or r.node.op in CHECKED
                stack += self._below(r.node, r.index)
            else:
                stack.append((r.node, r.index))
            loads.append((dict(offset(r.target, r.place.strides)[1]), 1 / turns if r.reduce else 1.0))
            wide = wide or memory(r.node.kind) == 8
        while stack:
            n, index = stack.pop()
            if (n.id, index) in seen:
                continue
            seen.add((n.id, index))
            if memory(n.kind) == 8 and any(terms for _, terms in index):
                wide = True
            if n.op == "constant" and n.size == 1:
                continue
            if n.id in self.stored:
                if n.id not in self.own:
                    loads.append((dict(offset(index, self.low.place_of(n).strides)[1]), 1.0))
                continue
            if n.op not in VIEWS:
                operations += COST.get(n.op, 1)
                checked = checked or n.op in CHECKED
            stack += self._below(n, index)
        return loads, operations, wide, checked

    def _below(self, n: Node, index: Index) -> list[tuple[Node, Index]]:
        """What a node at an index is computed from."""
        if n.op in VIEWS:
            if n.op == "reshape" and not reshapes_affinely(n):
                x = n.args[0]
                return [] if x.id in self.stored else [(x, index)]
            return [(n.args[0], through(n, index))]
        if n.op == "take":
            axis = n.params["axis"]
            return [(n.args[1], index[axis : axis + len(n.args[1].shape)])]
        if n.op in ("constant", "iota", "input"):
            return []
        return [(a, aligned(index, a.shape)) for a in n.args]

    # --- values ---

    def find(self, key: tuple[int, Index]) -> Value | None:
        for scope in reversed(self.scopes):
            v = scope.get(key)
            if v is not None:
                return v
        return None

    def value(self, n: Node, index: Index) -> Value:
        """A node's value at an index: a scalar where it is the same in all lanes."""
        if n.op == "constant" and n.size == 1:
            return constant(n.value.reshape(-1)[0].item(), n.kind)
        key = (n.id, index)
        v = self.find(key)
        if v is None:
            v = self.load(n, index) if n.id in self.stored else self.compute(n, index)
            self.scopes[-1][key] = v
        return v

    def compute(self, n: Node, index: Index) -> Value:
        f = self.f
        if n.op in VIEWS:
            base, at, flat = follow(n, index, self.stored - {n.id})
            if flat:
                return self.read(self.low.place_of(base), at[0], base.kind)
            return self.value(base, at)
        if n.op == "constant":
            return self.load(n, index)
        if n.op == "iota":
            return f.convert(self.number(index[0]), n.kind)
        if n.op == "take":
            return self.take(n, index)
        args = [self.value(a, aligned(index, a.shape)) for a in n.args]
        code: list[int] = []

        def check(bad: Value, what: str) -> None:
            self.report(bad, n, what, code)

        return scalars.apply(f, n, args, check)

    def report(self, bad: Value, n: Node, what: str, code: list[int]) -> None:
        """An error where one of the lanes that count is wrong."""
        if bad.width > 1:
            if self.count < bad.width:
                bad = self.f.and_(bad, self.mask(bad.width))
            bits = f"i{bad.width}"
            word = self.f.fresh("b")
            self.f.line(f"{word} = bitcast {bad} to {bits}")
            any_ = self.f.fresh("b")
            self.f.line(f"{any_} = icmp ne {bits} {word}, 0")
            bad = Value(any_, "i1")
        if not code:
            code.append(self.low.check(n, what))
        self.low.fail(bad, code[0])

    def mask(self, width: int) -> Value:
        return vector([i < self.count for i in range(width)], "i1")

    def number(self, a: Affine) -> Value:
        """The number that an affine index is, in every lane."""
        f = self.f
        total, lanes = self.scalar_part(a)
        if not lanes:
            return total
        steps = vector([i * lanes for i in range(self.width)], "i64")
        return f.add(total, steps) if self.width > 1 else total

    def scalar_part(self, a: Affine) -> tuple[Value, int]:
        """An affine index in lane 0, and by how much it grows from lane to lane."""
        f = self.f
        c, terms = a
        total: Value | None = None
        lanes = 0
        for axis, k in terms:
            b = self.base[axis]
            if axis == self.v:
                lanes = k
            if isinstance(b, int):
                c += k * b
                continue
            step = f.mul(b, k) if k != 1 else b
            total = step if total is None else f.add(total, step)
        if total is None:
            return f.i64(c), lanes
        return (f.add(total, c) if c else total), lanes

    def address(self, place: Place, a: Affine) -> tuple[Value, int]:
        """Pointer to lane 0, and the stride from lane to lane, of elements `a` after the place's first."""
        c, terms = a
        lanes, moving = 0, []
        for axis, k in terms:
            b = self.base[axis]
            if axis == self.v:
                lanes = k
            if isinstance(b, int):
                c += k * b
            else:
                moving.append((axis, k, b.name))
        kind = place.buffer.kind
        if not moving:
            return self.low.pointer(place, c), lanes
        key = (id(place.buffer), tuple(moving))
        for scope in reversed(self.pointers):
            p = scope.get(key)
            if p is not None:
                break
        else:
            p = self.low.pointer(place, -place.start)
            for axis, k, _ in moving:
                b = self.base[axis]
                p = self.f.gep(p, self.f.mul(b, k) if k != 1 else b, kind)
            self.pointers[-1][key] = p
        return self.f.gep(p, place.start + c, kind), lanes

    def load(self, n: Node, index: Index) -> Value:
        place = self.low.place_of(n)
        return self.read(place, offset(index, place.strides), n.kind)

    def read(self, place: Place, a: Affine, kind: str) -> Value:
        p, lanes = self.address(place, a)
        return self.lanes(p, lanes, kind)

    def lanes(self, p: Value, stride: int, kind: str) -> Value:
        f = self.f
        if stride == 0 or self.width == 1:
            return f.load(p, kind)
        if stride == 1:
            return f.load(p, kind, self.width)
        each = [f.load(f.gep(p, stride * i, kind), kind) for i in range(self.count)]
        return f.join(each + [each[0]] * (self.width - self.count))

    def take(self, n: Node, index: Index) -> Value:
        f = self.f
        x, i = n.args
        axis, k = n.params["axis"], len(i.shape)
        at = self.value(i, index[axis : axis + k])
        at = f.convert(at, "i64")
        bad = f.compare("uge", at, x.shape[axis])
        self.report(bad, n, "index", [])
        at = f.select(bad, f.const(0, at), at)
        place, start, strides = self.low.strides(x)
        fixed = (*index[:axis], *index[axis + k :])
        along = (*strides[:axis], *strides[axis + 1 :])
        c, terms = offset(fixed, along)
        p, lanes = self.address(place, (c + start, terms))
        if at.width == 1:
            return self.lanes(f.gep(p, f.mul(at, strides[axis]), x.kind), lanes, x.kind)
        steps = f.mul(at, strides[axis])
        if lanes:
            steps = f.add(steps, vector([j * lanes for j in range(self.width)], "i64"))
        each = [f.load(f.gep(p, f.extract(steps, j), x.kind), x.kind) for j in range(self.count)]
        return f.join(each + [each[0]] * (self.width - self.count))

    def write_lanes(self, x: Value, place: Place, target: Index) -> None:
        """Store what the lanes hold."""
        f = self.f
        p, lanes = self.address(place, offset(target, place.strides))
        if self.width == 1 or self.v < 0:
            f.store(x, p)
            return
        x = f.splat(x, self.width)
        if lanes == 1:
            if self.count == self.width or place.roomy:
                f.store(x, p)
            else:
                f.store_masked(x, p, self.mask(self.width))
            return
        for i in range(self.count):
            f.store(f.extract(x, i), f.gep(p, lanes * i, place.buffer.kind))

    # --- loops ---

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        self.pointers.append({})
        yield
        self.scopes.pop()
        self.pointers.pop()

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
        if n.op == "constant" and n.size == 1:
            return
        if n.id in self.own:
            return
        if not any(axis in inner for _, terms in index for axis, _ in terms):
            if n.op not in CHECKED and n.id not in self.own and self._free_of_own(n):
                self.value(n, index)
            return
        if n.id in self.stored:
            return
        if n.op == "take":
            return
        for m, at in self._below(n, index):
            self._hoist(m, at, inner)

    def _free_of_own(self, n: Node) -> bool:
        """Whether nothing below a node is made in this loop, or can fail."""
        if n.id in self.own or (n.op in CHECKED and n.id not in self.stored):
            return False
        return n.id in self.stored or all(map(self._free_of_own, n.args))

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
                    x = f.reduce_lanes(x, partial(scalars.combine, f, r.node.op))
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
            totals = [scalars.combine(f, op, x, y) for op, x, y in zip(names, totals, part, strict=True)]
        for i in range(whole, full):
            self.base[a] = i * w
            with self.scope():
                totals = self.turn(rest, totals, points)
        return totals

    def _identities(self, points: list[dict[int, int]]) -> list[Value]:
        return [
            constant(scalars.identity_of(r.node.op, r.node.kind), r.node.kind, self.width)
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
            return [scalars.combine(f, op, x, y) for op, x, y in zip(names, totals, part, strict=True)]

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
                    identity = constant(scalars.identity_of(r.node.op, r.node.kind), r.node.kind, self.width)
                    x = f.select(self.mask(self.width), x, identity)
                out.append(scalars.combine(f, r.node.op, accs[k], x))
                k += 1
            for r, x in stores:
                self.write_lanes(x, r.place, shifted(r.target, point))
        return out


def shifted(index: Index, point: dict[int, int]) -> Index:
    """An index with loop axes moved by numbers."""
    if not point:
        return index
    return tuple((c + sum(k * point.get(axis, 0) for axis, k in terms), terms) for c, terms in index)


__all__ = ["ZERO", "Lowering", "contiguous", "emit_transpose", "scaled"]
