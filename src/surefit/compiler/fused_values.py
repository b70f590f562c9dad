"""The values of a fusion group, in vectors along one of its axes: which axis that is, and how a value is found.

A value is computed where it is needed by walking down from it to what is stored; what was computed at the same index
is not computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surefit.compiler.context import Context, memory
from surefit.compiler.indexing import Affine, Index, aligned, follow, offset, reshapes_affinely, through
from surefit.compiler.plan import COST, Kernel, Place
from surefit.ir import elementwise
from surefit.ir.builder import Value, constant, is_float, vector
from surefit.ir.graph import VIEWS, Node

CHECKED = frozenset(("take", "floor_divide", "remainder", "fmod", "pow"))  # primitives that can fail


class Values:
    """Values of one fusion group at indices of its space, where the loops around stand at `base` on each axis."""

    def __init__(self, low: Context, kernel: Kernel) -> None:
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

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten behind it."""
        self.scopes.append({})
        self.pointers.append({})
        yield
        self.scopes.pop()
        self.pointers.pop()

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
        v = self.at_hand(n, index)
        if v is not None:
            return v
        waiting: list[tuple[Node, Index, list[tuple[Node, Index]]]] = [(n, index, self._needs(n, index))]
        while waiting:  # no recursion: a chain may be thousands of operations long
            n, index, needs = waiting[-1]
            args = [self.at_hand(a, at) for a, at in needs]
            if None in args:
                k = args.index(None)
                waiting.append((*needs[k], self._needs(*needs[k])))
            else:
                waiting.pop()
                v = self.scopes[-1][n.id, index] = self._made_of(n, index, args)  # type: ignore[arg-type]
        assert v is not None
        return v

    def at_hand(self, n: Node, index: Index) -> Value | None:
        """A value that costs nothing more: it was computed or loaded before, or is a number."""
        if n.op == "constant" and n.size == 1:
            return constant(n.value.reshape(-1)[0].item(), n.kind)
        return self.find((n.id, index))

    def compute(self, n: Node, index: Index) -> Value:
        """A value that is stored elsewhere too, from what it is made of."""
        return self._made_of(n, index, [self.value(a, at) for a, at in self._needs(n, index, own=True)], own=True)

    def _needs(self, n: Node, index: Index, own: bool = False) -> list[tuple[Node, Index]]:
        """The values that a value is made of, once views are followed; none where it is loaded. own: it is not."""
        if (n.id in self.stored and not own) or n.op in ("constant", "iota", "input"):
            return []
        if n.op in VIEWS:
            base, at, flat = follow(n, index, self.stored - {n.id})
            return [] if flat else [(base, at)]
        if n.op == "take":
            axis = n.params["axis"]
            return [(n.args[1], index[axis : axis + len(n.args[1].shape)])]
        return [(a, aligned(index, a.shape)) for a in n.args]

    def _made_of(self, n: Node, index: Index, args: list[Value], own: bool = False) -> Value:
        """A value, given those of `_needs`."""
        f = self.f
        if (n.id in self.stored and not own) or n.op == "constant":
            return self.load(n, index)
        if n.op in VIEWS:
            if args:
                return args[0]
            base, at, _ = follow(n, index, self.stored - {n.id})
            return self.read(self.low.place_of(base), at[0], base.kind)
        if n.op == "iota":
            return f.convert(self.number(index[0]), n.kind)
        if n.op == "take":
            return self.take(n, index, args[0])
        code: list[int] = []

        def check(bad: Value, what: str) -> None:
            self.report(bad, n, what, code)

        return elementwise.apply(f, n, args, check)

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
        c, lanes, moving = self._known(a)
        total: Value | None = None
        for _, k, b in moving:
            step = f.mul(b, k) if k != 1 else b
            total = step if total is None else f.add(total, step)
        if total is None:
            return f.i64(c), lanes
        return (f.add(total, c) if c else total), lanes

    def _known(self, a: Affine) -> tuple[int, int, list[tuple[int, int, Value]]]:
        """An affine index as what is known now, its stride from lane to lane, and its moving terms (axis, k, base)."""
        c, terms = a
        lanes, moving = 0, []
        for axis, k in terms:
            b = self.base[axis]
            if axis == self.v:
                lanes = k
            if isinstance(b, int):
                c += k * b
            else:
                moving.append((axis, k, b))
        return c, lanes, moving

    def address(self, place: Place, a: Affine) -> tuple[Value, int]:
        """Pointer to lane 0, and the stride from lane to lane, of elements `a` after the place's first."""
        c, lanes, moving = self._known(a)
        kind = place.buffer.kind
        if not moving:
            return self.low.pointer(place, c), lanes
        key = (id(place.buffer), tuple((axis, k, b.name) for axis, k, b in moving))
        for scope in reversed(self.pointers):
            p = scope.get(key)
            if p is not None:
                break
        else:
            p = self.low.pointer(place, -place.start)
            for _, k, b in moving:
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

    def take(self, n: Node, index: Index, at: Value) -> Value:
        f = self.f
        x, i = n.args
        axis, k = n.params["axis"], len(i.shape)
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
