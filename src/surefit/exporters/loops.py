"""A Program as loops over numbers: what every language without arrays of its own is written from.

The nodes are those of the compiler's strict mode (`ir.graph`), and sums are taken in the order of `core.order`, so that
where a language rounds each operation on its own (C99 does), the numbers are those of `predict`. Weights are tables.
What depends on weights alone, and is rounded in one way everywhere, is computed now. Views cost nothing: an element of
a slice, transpose or window is found in what it is a view of. Memory is a few arrays that values use one after another.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from surefit.core import ops
from surefit.core.order import BLOCK
from surefit.core.program import Program
from surefit.core.strides import contiguous, reshaped
from surefit.errors import ExportError
from surefit.exporters.exportable import strict_graph
from surefit.ir.graph import REDUCTIONS, VIEWS, Node, reachable

# rounded in one way on every machine, or not at all
EXACT = frozenset(
    "add sub mul div neg abs square sqrt maximum minimum relu cast where eq ne lt le gt ge logical_and logical_or "
    "logical_xor logical_not floor ceil round trunc sign".split()
)
DEPTH = 12  # operations in one expression at most
COUNTERS = "ijlmnpqrs"


class Access(NamedTuple):
    """Where a value's elements are: an array, and offset and strides in it."""

    array: str
    kind: str
    start: int
    strides: tuple[int, ...]

    def at(self, index: Sequence[str], shape: Sequence[int], more: str = "") -> str:
        """The place of an element as text; counters of axes of size 1 do not count."""
        terms = [more] if more else []
        for i, s, n in zip(index, self.strides, shape, strict=True):
            if n != 1 and s and i != "0":
                terms.append(i if s == 1 else f"{i} * {s}" if s > 0 else f"{i} * ({s})")
        if self.start or not terms:
            terms.append(str(self.start))
        return " + ".join(terms)


class Words(ABC):
    """A language: statements are written in order, values are whatever the language takes them for."""

    @abstractmethod
    def loop(self, counter: str, start: str, stop: str, step: int = 1) -> AbstractContextManager[None]:
        """Statements for each counter = start, start + step, ... < stop."""

    @abstractmethod
    def block_end(self, start: str, size: int, stop: int) -> str:
        """The smaller of start + size and stop, as text."""

    @abstractmethod
    def load(self, array: str, kind: str, at: str) -> Any:
        """An element."""

    @abstractmethod
    def store(self, array: str, kind: str, at: str, value: Any) -> None:
        """An element gets a value."""

    @abstractmethod
    def number(self, x: Any, kind: str) -> Any:
        """A constant."""

    @abstractmethod
    def counter(self, text: str, kind: str) -> Any:
        """A counter as a number."""

    @abstractmethod
    def apply(self, node: Node, args: list[Any]) -> Any:
        """An elementwise primitive; ExportError where the language has no reading of it."""

    @abstractmethod
    def combine(self, op: str, kind: str, a: Any, b: Any) -> Any:
        """Two numbers added, multiplied, or the larger one, of which a NaN wins."""

    @abstractmethod
    def better(self, kind: str, a: Any, b: Any) -> Any:
        """Whether a, which comes later, is larger than b: the first NaN is larger than everything."""

    @abstractmethod
    def variable(self, kind: str, value: Any) -> str:
        """A new variable that can be assigned; its name."""

    @abstractmethod
    def assign(self, name: str, kind: str, value: Any) -> None:
        """A variable gets a value."""

    @abstractmethod
    def value(self, name: str, kind: str) -> Any:
        """What a variable holds."""

    @abstractmethod
    def choose(self, condition: Any, kind: str, a: Any, b: Any) -> Any:
        """a where the condition holds, else b."""

    @abstractmethod
    def taken(self, array: str, kind: str, at: str, place: Any, stride: int, size: int) -> Any:
        """An element at a place that is computed; where that is outside, NaN (0 for integers)."""

    @abstractmethod
    def place(self, place: Any, size: int) -> str:
        """A computed place as text, 0 where it is outside."""


class Tables:
    """Arrays of weights by name; equal ones have one name."""

    def __init__(self, prefix: str = "w") -> None:
        self.prefix = prefix
        self.arrays: dict[str, np.ndarray] = {}
        self._known: dict[Any, str] = {}

    def name(self, value: np.ndarray) -> str:
        """The name of an array, which is entered if it is new."""
        flat = np.ascontiguousarray(value).reshape(-1)
        key = (flat.dtype, flat.size, flat.tobytes())
        if key not in self._known:
            self._known[key] = f"{self.prefix}{len(self.arrays)}"
            self.arrays[self._known[key]] = flat
        return self._known[key]


class Loops:
    """A Program of one point, prepared: tables, arrays, and in `write` its statements.

    tables: where its weights go. arguments: how each input of the Program is called, outputs: each result.
    """

    def __init__(self, program: Program, arguments: Sequence[str], outputs: Sequence[str], tables: Tables) -> None:
        inputs, results = strict_graph(program)
        state = [np.asarray(program._present(t)) for t, _ in program.state_in]
        self.tables = tables
        self.known: dict[int, np.ndarray] = {}
        self.at: dict[int, Access] = {}
        for node, name in zip(inputs, arguments, strict=False):
            self.at[node.id] = Access(name, node.kind, 0, contiguous(node.shape))
        for node, value in zip(inputs[len(arguments) :], state, strict=True):
            self.known[node.id] = value
        self.results, self.outputs = results, list(outputs)
        self.order = reachable(results)
        for n in self.order:
            if n.op == "constant":
                self.known[n.id] = n.value
            elif n.id not in self.known and n.args and n.op in EXACT | VIEWS:
                args = [self.known.get(a.id) for a in n.args]
                if all(a is not None for a in args):
                    value = ops.quietly(ops.primitive(n.op).value, args, n.params)
                    self.known[n.id] = np.asarray(value, n.dtype).reshape(n.shape)
        self._choose()
        self._arrange()

    # --- what is stored, and where ---

    def _choose(self) -> None:
        """Values that are computed where they are used: elementwise, used once, by what visits each element once."""
        users: dict[int, list[Node]] = {}
        needed = self._needed()
        for n in needed:
            for a in n.args:
                users.setdefault(a.id, []).append(n)
        self.inside: set[int] = set()
        depth: dict[int, int] = {}
        kept = {n.id for n in self.results}
        for n in needed:
            if not n.elementwise or n.id in self.known:
                continue
            depth[n.id] = 1 + max((depth.get(a.id, 0) if a.id in self.inside else 0 for a in n.args), default=0)
            used = users.get(n.id, [])
            if len(used) != 1 or n.id in kept or depth[n.id] >= DEPTH:
                continue
            (by,) = used
            same = by.elementwise and by.shape == n.shape and not (by.op == "take" and by.args[0] is n)
            if same or by.op in REDUCTIONS:
                self.inside.add(n.id)
        self.needed = needed

    def _needed(self) -> list[Node]:
        """Nodes that have to be computed, arguments first: not those behind what is known."""
        wanted = {n.id for n in self.results}
        for n in reversed(self.order):
            if n.id in wanted and (n.id not in self.known or self._is_part(n)):
                wanted |= {a.id for a in n.args}
        return [n for n in self.order if n.id in wanted]

    def _is_part(self, n: Node) -> bool:
        """Whether a value is a view of a table, which need not be written down once more."""
        return n.id in self.known and n.size > 1 and n.op in VIEWS

    def _copied(self, n: Node) -> bool:
        """Whether a view has to be copied: a reshape of what does not lie side by side."""
        return n.op in VIEWS and n.id not in self.at and view(n, self.at[n.args[0].id]) is None

    def _arrange(self) -> None:
        """An array for each stored value: that of an earlier one which nobody reads any more, if there is one."""
        own: dict[int, str] = {}
        for n, name in zip(self.results, self.outputs, strict=True):
            if n.id not in self.known and n.op not in VIEWS and n.op != "input":
                own.setdefault(n.id, name)
        self.owner: dict[int, int] = {}  # node -> the stored node whose elements it reads
        self.stored: list[Node] = []
        for n in self.needed:  # first everything in an array of its own
            part = view(n, self.at[n.args[0].id]) if self._is_part(n) else None
            if part is not None:
                self.at[n.id], self.owner[n.id] = part, self.owner[n.args[0].id]
            elif n.id in self.known:
                self.at[n.id] = Access(f"?{n.id}", n.kind, 0, contiguous(n.shape))
                self.owner[n.id] = n.id
            elif n.op == "input":
                self.owner[n.id] = n.id
            elif n.id in self.inside:
                continue
            elif n.op in VIEWS and not self._copied(n):
                found = view(n, self.at[n.args[0].id])
                assert found is not None
                self.at[n.id], self.owner[n.id] = found, self.owner[n.args[0].id]
            else:
                self.at[n.id] = Access(f"?{n.id}", n.kind, 0, contiguous(n.shape))
                self.owner[n.id] = n.id
                self.stored.append(n)
        last: dict[int, int] = {}
        for k, n in enumerate(self.stored):
            for r in self._reads(n):
                last[r] = k
        for n in self.results:
            last[self.owner[n.id]] = len(self.stored)
        names: dict[int, str] = {}
        self.arrays: dict[str, tuple[str, int]] = {}  # name -> kind, elements
        free: dict[str, list[str]] = {}
        ends: dict[int, list[int]] = {}
        for k, n in enumerate(self.stored):
            if n.id in own:
                names[n.id] = own[n.id]
            else:
                pool = free.setdefault(n.kind, [])
                pool.sort(key=lambda a: abs(self.arrays[a][1] - n.size))
                name = pool.pop(0) if pool else f"a{len(self.arrays)}"
                names[n.id] = name
                self.arrays[name] = (n.kind, max(n.size, self.arrays.get(name, ("", 0))[1]))
                ends.setdefault(last.get(n.id, k), []).append(n.id)
            for done in ends.pop(k, []):
                free[self.at[done].kind].append(names[done])
        self._named(names)

    def _reads(self, n: Node) -> set[int]:
        """The stored values that computing n reads."""
        found: set[int] = set()
        stack = list(n.args)
        while stack:
            a = stack.pop()
            if a.id in self.inside:
                stack += a.args
            else:
                found.add(self.owner[a.id])
        return found

    def _named(self, names: dict[int, str]) -> None:
        """Accesses with the names of their arrays; tables get theirs here, equal ones the same."""
        for n in self.needed:
            a = self.at.get(n.id)
            if a is None or a.array[0] != "?":
                continue
            base = int(a.array[1:])
            if base in self.known:
                if self.known[base].size == 1:
                    continue  # a number is written where it is used
                names[base] = self.tables.name(self.known[base])
            self.at[n.id] = a._replace(array=names[base])

    # --- statements ---

    def write(self, w: Words) -> None:
        """All statements, in the words of a language."""
        self.w = w
        for n in self.stored:
            if n.size == 0:
                continue
            if n.op in REDUCTIONS:
                self._reduction(n)
            elif n.op == "copy" or n.op in VIEWS:
                x = n.args[0]
                self._copy(x, self.at[n.id]._replace(strides=contiguous(x.shape)), x.shape)
            elif n.elementwise:
                self._elementwise(n)
            else:
                method = getattr(self, "_" + n.op, None)
                if method is None:
                    raise ExportError(f"the primitive {n.op!r} has no reading in this language")
                method(n)
        done: set[str] = set()
        for n, name in zip(self.results, self.outputs, strict=True):
            if n.id not in self.at or self.at[n.id].array != name or name in done:
                self._copy(n, Access(name, n.kind, 0, contiguous(n.shape)), n.shape)
            done.add(name)

    def _over(self, shape: Sequence[int], counters: str = COUNTERS) -> _Nest:
        return _Nest(self.w, shape, counters)

    def _value(self, n: Node, index: Sequence[str]) -> Any:
        """The value of a node at an index."""
        if n.id in self.known and n.size == 1:
            return self.w.number(self.known[n.id].reshape(-1)[0], n.kind)
        a = self.at.get(n.id)
        if a is not None and a.array[0] != "?":
            return self.w.load(a.array, n.kind, a.at(index, n.shape))
        if a is not None:  # a view of one number
            base = self.known[int(a.array[1:])]
            return self.w.number(base.reshape(-1)[0], n.kind)
        return self._made(n, index)

    def _made(self, n: Node, index: Sequence[str]) -> Any:
        if n.op == "iota":
            return self.w.counter(index[0] if n.shape[0] != 1 else "0", n.kind)
        if n.op == "take":
            x, i = n.args
            axis, k = n.params["axis"], len(i.shape)
            place = self._value(i, index[axis : axis + k])
            rest = [*index[:axis], "0", *index[axis + k :]]
            return self._element(x, rest, place, axis)
        return self.w.apply(n, [self._value(a, _aligned(index, a.shape)) for a in n.args])

    def _element(self, x: Node, index: Sequence[str], place: Any, axis: int) -> Any:
        if x.id in self.known and x.size == 1:
            return self._value(x, index)
        a = self.at[x.id]
        return self.w.taken(a.array, x.kind, a.at(index, x.shape), place, a.strides[axis], x.shape[axis])

    def _elementwise(self, n: Node) -> None:
        with self._over(n.shape) as index:
            value = self._made(n, index)
            self.w.store(self.at[n.id].array, n.kind, self.at[n.id].at(index, n.shape), value)

    def _copy(self, x: Node, target: Access, shape: tuple[int, ...]) -> None:
        """The elements of x to their places."""
        with self._over(shape) as index:
            self.w.store(target.array, x.kind, target.at(index, shape), self._value(x, index))

    def _sum(self, count: int, kind: str, term: Any) -> Any:
        """A sum over a counter k, in blocks where it is of floats."""
        w = self.w
        if kind[0] != "f" or count <= BLOCK:
            total = w.variable(kind, w.number(0, kind))
            with w.loop("k", "0", str(count)):
                w.assign(total, kind, w.combine("sum", kind, w.value(total, kind), term("k")))
            return w.value(total, kind)
        total = w.variable(kind, w.number(0, kind))
        with w.loop("b", "0", str(count), BLOCK):
            part = w.variable(kind, w.number(0, kind))
            with w.loop("k", "b", w.block_end("b", BLOCK, count)):
                w.assign(part, kind, w.combine("sum", kind, w.value(part, kind), term("k")))
            w.assign(total, kind, w.combine("sum", kind, w.value(total, kind), w.value(part, kind)))
        return w.value(total, kind)

    def _matmul(self, n: Node) -> None:
        a, b = n.args
        lead = len(n.shape) - 2
        with self._over(n.shape) as index:
            *front, i, j = index

            def term(k: str) -> Any:
                x = self._value(a, [*_aligned(front, a.shape[:-2]), i if a.shape[-2] != 1 else "0", k])
                y = self._value(b, [*_aligned(front, b.shape[:-2]), k, j if b.shape[-1] != 1 else "0"])
                return self.w.combine("prod", n.kind, x, y)

            assert lead == len(front)
            total = self._sum(a.shape[-1], n.kind, term)
            self.w.store(self.at[n.id].array, n.kind, self.at[n.id].at(index, n.shape), total)

    def _reduction(self, n: Node) -> None:
        (x,) = n.args
        w, axes = self.w, n.params["axes"]
        long = [a for a in axes if x.shape[a] != 1]
        with self._over(n.shape) as index:
            names = iter(index)
            full = [next(names) if a not in axes else "0" for a in range(len(x.shape))]

            def term(k: str, axis: int) -> Any:
                at = [k if a == axis else i for a, i in enumerate(full)]
                return w.apply(_cast_to(n, x), [self._value(x, at)]) if x.kind != n.kind else self._value(x, at)

            if n.op == "sum" and len(long) == 1:
                total = self._sum(x.shape[long[0]], n.kind, lambda k: term(k, long[0]))
            else:
                least = {"i1": 0, "i32": -(2**31), "i64": -(2**63)}
                start = {"sum": 0, "prod": 1, "amax": least.get(x.kind, -math.inf)}[n.op]
                name = w.variable(n.kind, w.number(start, n.kind))
                with self._over([x.shape[a] for a in long], "kbcd") as inner:
                    for a, counter in zip(long, inner, strict=True):
                        full[a] = counter
                    w.assign(name, n.kind, w.combine(n.op, n.kind, w.value(name, n.kind), term("", -1)))
                total = w.value(name, n.kind)
            w.store(self.at[n.id].array, n.kind, self.at[n.id].at(index, n.shape), total)

    def _argmax(self, n: Node) -> None:
        (x,) = n.args
        w, axis = self.w, n.params["axis"] % len(x.shape)
        with self._over(n.shape) as index:

            def at(k: str) -> Any:
                return self._value(x, [*index[:axis], k, *index[axis:]])

            best, where = w.variable(x.kind, at("0")), w.variable("i64", w.number(0, "i64"))
            if x.shape[axis] > 1:
                with w.loop("k", "1", str(x.shape[axis])):
                    wins = w.better(x.kind, at("k"), w.value(best, x.kind))
                    w.assign(where, "i64", w.choose(wins, "i64", w.counter("k", "i64"), w.value(where, "i64")))
                    w.assign(best, x.kind, w.choose(wins, x.kind, at("k"), w.value(best, x.kind)))
            w.store(self.at[n.id].array, n.kind, self.at[n.id].at(index, n.shape), w.value(where, "i64"))

    def _cumsum(self, n: Node) -> None:
        (x,) = n.args
        w, axis = self.w, n.params["axis"] % len(x.shape)
        rest = [s for i, s in enumerate(x.shape) if i != axis]
        with self._over(rest) as outer:
            total = w.variable(n.kind, w.number(0, n.kind))
            with w.loop("k", "0", str(x.shape[axis])):
                index = [*outer[:axis], "k", *outer[axis:]]
                y = self._value(x, index)
                y = w.apply(_cast_to(n, x), [y]) if x.kind != n.kind else y
                w.assign(total, n.kind, w.combine("sum", n.kind, w.value(total, n.kind), y))
                w.store(self.at[n.id].array, n.kind, self.at[n.id].at(index, n.shape), w.value(total, n.kind))

    def _filled(self, n: Node, number: Any) -> None:
        out = self.at[n.id]
        with self._over(n.shape) as index:
            self.w.store(out.array, n.kind, out.at(index, n.shape), self.w.number(number, n.kind))

    def _added(self, n: Node, at: str, value: Any) -> None:
        array = self.at[n.id].array
        op = "amax" if n.kind == "i1" else "sum"
        self.w.store(array, n.kind, at, self.w.combine(op, n.kind, self.w.load(array, n.kind, at), value))

    def _scatter_add(self, n: Node) -> None:
        u, i = n.args
        axis, k, out = n.params["axis"], len(i.shape), self.at[n.id]
        self._filled(n, 0)
        with self._over(u.shape) as index:
            place = self.w.place(self._value(i, index[axis : axis + k]), n.shape[axis])
            full = [*index[:axis], "0", *index[axis + k :]]
            at = out.at(full, n.shape, f"{place} * {out.strides[axis]}")
            self._added(n, at, self._value(u, index))

    def _fold(self, n: Node) -> None:
        (u,) = n.args
        p, out, lead = n.params, self.at[n.id], len(n.shape)
        self._filled(n, 0)
        for where in product(*map(range, p["size"])):
            start, strides = 0, list(out.strides)
            for a, q, s, d in zip(p["axes"], where, p["stride"], p["dilation"], strict=True):
                start += q * d * out.strides[a]
                strides[a] *= s
            place = Access(out.array, n.kind, start, tuple(strides))
            with self._over(u.shape[:lead]) as index:
                value = self._value(u, [*index, *map(str, where)])
                self._added(n, place.at(index, u.shape[:lead]), value)

    def _concatenate(self, n: Node) -> None:
        axis, start, out = n.params["axis"] % len(n.shape), 0, self.at[n.id]
        for x in n.args:
            if x.size:
                self._copy(x, out._replace(start=start * out.strides[axis]), x.shape)
            start += x.shape[axis]

    def _pad(self, n: Node) -> None:
        (x,) = n.args
        out, p = self.at[n.id], n.params
        if n.size != x.size:
            self._filled(n, p["value"])
        start = sum(a * s for a, s in zip(p["low"], out.strides, strict=True))
        strides = tuple(s * (i + 1) for s, i in zip(out.strides, p["interior"], strict=True))
        self._copy(x, Access(out.array, n.kind, start, strides), x.shape)


class _Nest:
    """Loops over a shape; entering gives the counter of each axis, "0" where its size is 1."""

    def __init__(self, w: Words, shape: Sequence[int], counters: str) -> None:
        self.w, self.shape, self.counters = w, shape, counters
        self.open: list[AbstractContextManager[None]] = []

    def __enter__(self) -> list[str]:
        index = []
        names = iter(self.counters)
        for n in self.shape:
            if n == 1:
                index.append("0")
                continue
            name = next(names)
            manager = self.w.loop(name, "0", str(n))
            manager.__enter__()
            self.open.append(manager)
            index.append(name)
        return index

    def __exit__(self, *exc: Any) -> None:
        for manager in reversed(self.open):
            manager.__exit__(None, None, None)


def _aligned(index: Sequence[str], shape: Sequence[int]) -> list[str]:
    """The index of a value that broadcasts: the last axes."""
    return [i if n != 1 else "0" for i, n in zip(index[len(index) - len(shape) :], shape, strict=True)]


def _cast_to(n: Node, x: Node) -> Node:
    """A node that stands for the conversion of x's elements to n's kind."""
    return Node(0, "cast", (x,), {"dtype": n.dtype}, x.shape, n.dtype, n.equation)


def view(n: Node, x: Access) -> Access | None:
    """Where the elements of a view lie; None where a reshape has to copy."""
    shape, p = n.args[0].shape, n.params
    s = x.strides
    if n.op == "transpose":
        return x._replace(strides=tuple(s[i] for i in p["axes"]))
    if n.op == "broadcast_to":
        lead = len(n.shape) - len(shape)
        spread = (a if k == m else 0 for a, k, m in zip(s, shape, n.shape[lead:], strict=True))
        return x._replace(strides=(*(0,) * lead, *spread))
    if n.op == "slice":
        start = sum(a * b for a, b in zip(p["start"], s, strict=True))
        return x._replace(start=x.start + start, strides=tuple(a * b for a, b in zip(s, p["step"], strict=True)))
    if n.op == "flip":
        start = sum((shape[a] - 1) * s[a] for a in p["axes"])
        return x._replace(start=x.start + start, strides=tuple(-a if i in p["axes"] else a for i, a in enumerate(s)))
    if n.op == "window":
        outer = list(s)
        for a, k in zip(p["axes"], p["stride"], strict=True):
            outer[a] *= k
        inner = (s[a] * d for a, d in zip(p["axes"], p["dilation"], strict=True))
        return x._replace(strides=(*outer, *inner))
    strides = reshaped(shape, s, n.shape)
    return None if strides is None else x._replace(strides=strides)
