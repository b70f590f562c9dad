"""Fusion groups as loops over an index space, with values in vectors along one of its axes.

A value is computed where it is needed by walking down from it to what is stored; what was computed at the same index
is not computed again, and what does not change in an inner loop is computed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from surefit.compiler import scalars
from surefit.compiler.graph import VIEWS, Node
from surefit.compiler.indexing import Affine, Index, aligned, follow, offset, reshapes_affinely, through
from surefit.compiler.plan import COST, Kernel, Place, Root
from surefit.compiler.text import BYTES, Value, constant, is_float, vector
from surefit.core.order import BLOCK

if TYPE_CHECKING:
    from surefit.compiler.lower import Lowering

WRITTEN = 48  # operations in one body, beyond which nothing is written out several times
UNROLLED = 4  # loops up to so many turns are written out
CHECKED = frozenset(("take", "floor_divide", "remainder", "fmod", "pow"))  # primitives that can fail


def memory(kind: str) -> int:
    """Bytes of one element."""
    return BYTES["i8" if kind == "i1" else kind]


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
