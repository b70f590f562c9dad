"""LLVM IR as text: a small builder, one method an instruction.

Values know their kind ("f32", "f64", "i1", "i8", "i32", "i64", "ptr") and width (1: a scalar, else a vector of so many
lanes). Arithmetic wants equal kinds; where widths differ, the scalar is spread over the lanes. Python numbers are
constants of the kind they meet. Text is written at once, since objects for every instruction would cost more time than
LLVM's own parser does.

`flags` are the fast-math flags of floating-point arithmetic in this function: "" is strict, FAST allows contraction
and reassociation. NaN and infinity keep their meaning in both.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

FAST = "reassoc nsz contract "

_TYPES = {"f32": "float", "f64": "double", "i1": "i1", "i8": "i8", "i32": "i32", "i64": "i64", "ptr": "ptr"}
_SUFFIX = {"f32": "f32", "f64": "f64", "i1": "i1", "i8": "i8", "i32": "i32", "i64": "i64"}
BYTES = {"f32": 4, "f64": 8, "i8": 1, "i32": 4, "i64": 8, "ptr": 8}
KIND_OF = {"float32": "f32", "float64": "f64", "bool": "i1", "int32": "i32", "int64": "i64"}  # of a dtype, in registers


def is_float(kind: str) -> bool:
    """Whether arithmetic of this kind is floating point."""
    return kind[0] == "f"


def type_text(kind: str, width: int = 1) -> str:
    """The type as LLVM writes it: float, <16 x float>, ..."""
    return _TYPES[kind] if width == 1 else f"<{width} x {_TYPES[kind]}>"


class Value:
    """A result or a constant: its text, kind and width."""

    __slots__ = ("kind", "name", "width")

    def __init__(self, name: str, kind: str, width: int = 1) -> None:
        self.name, self.kind, self.width = name, kind, width

    @property
    def type(self) -> str:
        return type_text(self.kind, self.width)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    __repr__ = __str__


def literal(x: Any, kind: str) -> str:
    """A number as a constant of this kind; floats in hexadecimal, so that no bit is lost."""
    if kind == "f32":
        x = float(np.float32(x))
    if is_float(kind):
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(x)))[0]:016X}"
    if kind == "i1":
        return "true" if x else "false"
    bits = {"i8": 8, "i32": 32, "i64": 64}[kind]
    x = int(x) & ((1 << bits) - 1)
    return str(x - (1 << bits) if x >> (bits - 1) else x)


def constant(x: Any, kind: str, width: int = 1) -> Value:
    """A number, in every lane."""
    text = literal(x, kind)
    return Value(text if width == 1 else f"splat ({_TYPES[kind]} {text})", kind, width)


def vector(xs: Sequence[Any], kind: str) -> Value:
    """A constant with a number of its own in each lane."""
    t = _TYPES[kind]
    return Value("<" + ", ".join(f"{t} {literal(x, kind)}" for x in xs) + ">", kind, len(xs))


class Module:
    """The text of one LLVM module: functions, constants and declarations."""

    def __init__(self, attributes: str = "") -> None:
        self.functions: dict[str, str] = {}
        self.declarations: dict[str, str] = {}
        self.constants: dict[bytes, str] = {}
        self.globals: list[str] = []
        self.attributes = attributes
        self.shared: dict[Any, Any] = {}  # key -> function already written, for code that several places call

    def declare(self, name: str, ret: str, args: Sequence[str]) -> str:
        """An external function or intrinsic; its name with @."""
        self.declarations.setdefault(name, f"declare {ret} @{name}({', '.join(args)})")
        return "@" + name

    def array(self, a: np.ndarray) -> str:
        """A constant array in memory (64-byte aligned, with 64 bytes of slack behind it); its name with @."""
        a = np.ascontiguousarray(a)
        raw = a.tobytes() + bytes(64)
        name = self.constants.get(raw)
        if name is None:
            name = self.constants[raw] = f"@constant.{len(self.constants)}"
            text = "".join(f"\\{b:02X}" for b in raw)
            self.globals.append(f'{name} = private unnamed_addr constant [{len(raw)} x i8] c"{text}", align 64')
        return name

    def __str__(self) -> str:
        attributes = [f"attributes #0 = {{ nounwind {self.attributes} }}"]
        return "\n".join([*self.globals, *self.declarations.values(), *self.functions.values(), *attributes, ""])


class Function:
    """A function being written: `with module function: ...` is not needed, call `end()` when it is complete.

    args: (name, kind) of each; pointers are noalias where `noalias` says so.
    """

    def __init__(
        self, module: Module, name: str, args: Sequence[tuple[str, str]], ret: str = "void", flags: str = "",
        private: bool = False, inline: str = "", noalias: bool = True,
    ) -> None:  # fmt: skip
        self.module, self.name, self.flags = module, name, flags
        self.count, self.blocks = 0, 0
        self.args = {n: Value(f"%{n}", k) for n, k in args}
        alias = " noalias" if noalias else ""
        shown = ", ".join(f"{_TYPES[k]}{alias if k == 'ptr' else ''} %{n}" for n, k in args)
        linkage = "internal " if private else ""
        head = f"define {linkage}{_TYPES.get(ret, ret)} @{name}({shown}) {inline} #0 {{"
        self.lines = [head, "entry:"]
        self.block = "entry"
        self.allocas = 2  # where the next one goes: all stand at the top of the entry

    def end(self) -> str:
        """Close the function and put it into the module; its name with @."""
        self.module.functions[self.name] = "\n".join([*self.lines, "}"])
        return "@" + self.name

    # --- the raw level ---

    def fresh(self, stem: str = "t") -> str:
        self.count += 1
        return f"%{stem}{self.count}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def emit(self, kind: str, width: int, text: str) -> Value:
        """One instruction with a result."""
        self.count += 1
        name = f"%t{self.count}"
        self.lines.append(f"  {name} = {text}")
        return Value(name, kind, width)

    def label(self, stem: str) -> str:
        self.blocks += 1
        return f"{stem}{self.blocks}"

    def start(self, label: str) -> None:
        """Begin a block; the one before must have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def branch(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch_if(self, c: Value, yes: str, no: str) -> None:
        self.line(f"br i1 {c.name}, label %{yes}, label %{no}")

    def ret(self, x: Value | None = None) -> None:
        self.line("ret void" if x is None else f"ret {x}")

    # --- constants and widths ---

    def const(self, x: Any, like: Value) -> Value:
        """A number of the kind and width of another value."""
        return constant(x, like.kind, like.width)

    def i64(self, x: int) -> Value:
        return constant(x, "i64")

    def splat(self, x: Value, width: int) -> Value:
        """A scalar in every lane (itself when it is as wide already)."""
        if x.width == width:
            return x
        if x.width != 1:
            raise AssertionError(f"{x} has {x.width} lanes, not {width}")
        if x.name[0] not in "%@":
            return Value(f"splat ({x})", x.kind, width)
        one = self.emit(x.kind, width, f"insertelement {type_text(x.kind, width)} poison, {x}, i64 0")
        mask = f"<{width} x i32> zeroinitializer"
        return self.emit(x.kind, width, f"shufflevector {one}, {type_text(x.kind, width)} poison, {mask}")

    def shuffle(self, a: Value, b: Value | None, lanes: Sequence[int]) -> Value:
        """Chosen lanes of a, or of a and b side by side."""
        other = f"{a.type} poison" if b is None else str(b)
        mask = ", ".join(f"i32 {i}" for i in lanes)
        return self.emit(a.kind, len(lanes), f"shufflevector {a}, {other}, <{len(lanes)} x i32> <{mask}>")

    def extract(self, x: Value, lane: int) -> Value:
        return x if x.width == 1 else self.emit(x.kind, 1, f"extractelement {x}, i64 {lane}")

    def insert(self, x: Value, y: Value, lane: int) -> Value:
        return self.emit(x.kind, x.width, f"insertelement {x}, {y}, i64 {lane}")

    def join(self, xs: Sequence[Value]) -> Value:
        """Scalars as the lanes of one vector."""
        if len(xs) == 1:
            return xs[0]
        v = Value("poison", xs[0].kind, len(xs))
        for i, x in enumerate(xs):
            v = self.insert(v, x, i)
        return v

    def _pair(self, a: Any, b: Any) -> tuple[Value, Value]:
        if not isinstance(a, Value):
            a = self.const(a, b)
        elif not isinstance(b, Value):
            b = self.const(b, a)
        if a.width != b.width:
            a, b = (self.splat(a, b.width), b) if a.width == 1 else (a, self.splat(b, a.width))
        if a.kind != b.kind:
            raise AssertionError(f"{a} and {b} differ in kind")
        return a, b

    # --- arithmetic ---

    def _two(self, f: str, i: str, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        op = f"{f} {self.flags}" if is_float(a.kind) else i + " "
        return self.emit(a.kind, a.width, f"{op}{a}, {b.name}")

    def add(self, a: Any, b: Any) -> Value:
        return self._two("fadd", "add", a, b)

    def sub(self, a: Any, b: Any) -> Value:
        return self._two("fsub", "sub", a, b)

    def mul(self, a: Any, b: Any) -> Value:
        return self._two("fmul", "mul", a, b)

    def div(self, a: Any, b: Any) -> Value:
        """Floats: IEEE division; integers: truncated, undefined for a divisor of 0 or an overflow."""
        a, b = self._pair(a, b)
        return self.emit(a.kind, a.width, f"{'fdiv' if is_float(a.kind) else 'sdiv'} {a}, {b.name}")

    def rem(self, a: Any, b: Any) -> Value:
        """The truncated remainder of integers."""
        return self._two("frem", "srem", a, b)

    def neg(self, a: Value) -> Value:
        return self.emit(a.kind, a.width, f"fneg {a}") if is_float(a.kind) else self.sub(self.const(0, a), a)

    def fma(self, a: Any, b: Any, c: Any) -> Value:
        """a * b + c: rounded once where the target has that and flags allow it, else two operations."""
        if "contract" not in self.flags:
            return self.add(self.mul(a, b), c)
        a, b = self._pair(a, b)
        c, a = self._pair(c, a)
        c, b = self._pair(c, b)
        return self.call_intrinsic("fmuladd", a, b, c)

    def exact_fma(self, a: Any, b: Any, c: Any) -> Value:
        """a * b + c rounded once, always: for kernels whose accuracy rests on it (needs a target with FMA)."""
        a, b = self._pair(a, b)
        c, a = self._pair(c, a)
        c, b = self._pair(c, b)
        return self.call_intrinsic("fma", a, b, c)

    def and_(self, a: Any, b: Any) -> Value:
        return self._two("and", "and", a, b)

    def or_(self, a: Any, b: Any) -> Value:
        return self._two("or", "or", a, b)

    def xor(self, a: Any, b: Any) -> Value:
        return self._two("xor", "xor", a, b)

    def not_(self, a: Value) -> Value:
        return self.xor(a, self.const(-1 if a.kind != "i1" else 1, a))

    def shl(self, a: Any, b: Any) -> Value:
        return self._two("shl", "shl", a, b)

    def lshr(self, a: Any, b: Any) -> Value:
        return self._two("lshr", "lshr", a, b)

    def ashr(self, a: Any, b: Any) -> Value:
        return self._two("ashr", "ashr", a, b)

    def compare(self, how: str, a: Any, b: Any) -> Value:
        """how: eq ne lt le gt ge; floats: false with NaN, but ne is true; integers: signed (also ult, uge)."""
        a, b = self._pair(a, b)
        if is_float(a.kind):
            op = "fcmp " + ("une" if how == "ne" else "o" + how)
        elif a.kind == "i1" and how not in ("eq", "ne"):
            op = "icmp u" + how
        else:
            op = "icmp " + (how if how in ("eq", "ne") or how[0] == "u" else "s" + how)
        return self.emit("i1", a.width, f"{op} {a}, {b.name}")

    def unordered(self, a: Value, b: Value) -> Value:
        """Where one of the two is NaN."""
        return self.emit("i1", a.width, f"fcmp uno {a}, {b.name}")

    def select(self, c: Value, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        if c.width != a.width:
            if c.width == 1:
                return self.emit(a.kind, a.width, f"select {c}, {a}, {b}")
            a, b = self.splat(a, c.width), self.splat(b, c.width)
        return self.emit(a.kind, a.width, f"select {c}, {a}, {b}")

    def bitcast(self, x: Value, kind: str) -> Value:
        """The same bits as another kind of the same size (f32 and i32, f64 and i64)."""
        return self.emit(kind, x.width, f"bitcast {x} to {type_text(kind, x.width)}")

    def convert(self, x: Value, kind: str) -> Value:
        """The same number as another kind; a float that no integer is near, as NaN, becomes the smallest integer."""
        if x.kind == kind:
            return x
        a, b = is_float(x.kind), is_float(kind)
        t = type_text(kind, x.width)
        if kind == "i1":
            return self.compare("ne", x, self.const(0, x))
        if a and b:
            return self.emit(kind, x.width, f"{'fpext' if kind == 'f64' else 'fptrunc'} {x} to {t}")
        if a:
            least = -(2 ** (8 * BYTES[kind] - 1))
            inside = self.and_(self.compare("ge", x, float(least)), self.compare("lt", x, -float(least)))
            y = self.emit(kind, x.width, f"fptosi {self.select(inside, x, self.const(0, x))} to {t}")
            return self.select(inside, y, self.const(least, y))
        if b and x.kind == "i1":
            return self.select(x, constant(1, kind, x.width), constant(0, kind, x.width))
        if b:
            return self.emit(kind, x.width, f"sitofp {x} to {t}")
        if x.kind == "i1":
            return self.emit(kind, x.width, f"zext {x} to {t}")
        sizes = {"i8": 1, "i32": 4, "i64": 8}
        return self.emit(kind, x.width, f"{'trunc' if sizes[kind] < sizes[x.kind] else 'sext'} {x} to {t}")

    def call_intrinsic(self, name: str, *args: Value) -> Value:
        """llvm.NAME of arguments that all have the type of the result."""
        a = args[0]
        full = f"llvm.{name}.{f'v{a.width}' if a.width > 1 else ''}{_SUFFIX[a.kind]}"
        f = self.module.declare(full, a.type, [x.type for x in args])
        flags = self.flags if is_float(a.kind) else ""
        return self.emit(a.kind, a.width, f"call {flags}{a.type} {f}({', '.join(map(str, args))})")

    def sqrt(self, x: Value) -> Value:
        return self.call_intrinsic("sqrt", x)

    def abs(self, x: Value) -> Value:
        if is_float(x.kind):
            return self.call_intrinsic("fabs", x)
        return self.select(self.compare("lt", x, 0), self.neg(x), x)

    def floor(self, x: Value) -> Value:
        return self.call_intrinsic("floor", x)

    def ceil(self, x: Value) -> Value:
        return self.call_intrinsic("ceil", x)

    def trunc(self, x: Value) -> Value:
        return self.call_intrinsic("trunc", x)

    def round_even(self, x: Value) -> Value:
        return self.call_intrinsic("roundeven", x)

    def copysign(self, x: Value, sign: Value) -> Value:
        return self.call_intrinsic("copysign", x, sign)

    def call(self, f: str, *args: Value) -> None:
        """A function without a result; f with @."""
        self.line(f"call void {f}({', '.join(map(str, args))})")

    # --- memory: offsets in elements ---

    def gep(self, p: Value, offset: Value | int, kind: str) -> Value:
        """p + offset elements of this kind in memory (booleans are bytes)."""
        if isinstance(offset, int):
            if offset == 0:
                return p
            offset = self.i64(offset)
        kind = "i8" if kind == "i1" else kind
        return self.emit("ptr", 1, f"getelementptr {_TYPES[kind]}, {p}, {offset}")

    def load(self, p: Value, kind: str, width: int = 1, align: int = 0, volatile: bool = False) -> Value:
        """Lanes that lie side by side, at any address that suits one element."""
        if kind == "i1":
            x = self.load(p, "i8", width)
            return self.compare("ne", x, self.const(0, x))
        word = "load volatile" if volatile else "load"
        return self.emit(kind, width, f"{word} {type_text(kind, width)}, {p}, align {align or BYTES[kind]}")

    def store(self, x: Value, p: Value, align: int = 0) -> None:
        if x.kind == "i1":
            x = self.convert(x, "i8")
        self.line(f"store {x}, {p}, align {align or BYTES[x.kind]}")

    def prefetch(self, p: Value, near: bool = True) -> None:
        """Ask for the memory around p, to be read soon (near) or later; any address is allowed."""
        f = self.module.declare("llvm.prefetch.p0", "void", ["ptr", "i32 immarg", "i32 immarg", "i32 immarg"])
        self.line(f"call void {f}({p}, i32 0, i32 {3 if near else 2}, i32 1)")  # data, into the first or second cache

    def store_masked(self, x: Value, p: Value, mask: Value) -> None:
        """Only the lanes where mask is true are written."""
        if x.kind == "i1":
            x = self.convert(x, "i8")
        f = self.module.declare(
            f"llvm.masked.store.v{x.width}{_SUFFIX[x.kind]}.p0", "void",
            [x.type, "ptr", "i32 immarg", f"<{x.width} x i1>"],
        )  # fmt: skip
        self.line(f"call void {f}({x}, {p}, i32 {BYTES[x.kind]}, {mask})")

    def load_masked(self, p: Value, kind: str, mask: Value) -> Value:
        """Lanes where mask is true; the others are 0 and their memory is not touched."""
        memory = "i8" if kind == "i1" else kind
        t = type_text(memory, mask.width)
        f = self.module.declare(
            f"llvm.masked.load.v{mask.width}{_SUFFIX[memory]}.p0", t, ["ptr", "i32 immarg", mask.type, t]
        )
        x = self.emit(memory, mask.width, f"call {t} {f}({p}, i32 {BYTES[memory]}, {mask}, {t} zeroinitializer)")
        return self.compare("ne", x, self.const(0, x)) if kind == "i1" else x

    def alloca(self, kind: str, count: int = 1, align: int = 64) -> Value:
        name = self.fresh("a")
        self.lines.insert(self.allocas, f"  {name} = alloca [{count} x {_TYPES[kind]}], align {align}")
        self.allocas += 1
        return Value(name, "ptr")

    # --- loops ---

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: int = 1, carry: list[Value] | None = None,
             stem: str = "loop") -> Iterator[Loop]:  # fmt: skip
        """`with f.loop(0, n, carry=[...]) as l:` runs the body for l.i = start, start + step, ... < stop.

        l.carried are the carried values at the top of the body; assign l.next = [...] in it; after the block l.result
        are their last values. With constant bounds it must run at least once; otherwise zero times are possible.
        """
        start = self.i64(start) if isinstance(start, int) else start
        stop = self.i64(stop) if isinstance(stop, int) else stop
        head, done = self.label(stem), self.label("done")
        before = self.block
        known = all(v.name.lstrip("-").isdigit() for v in (start, stop))
        if known:
            self.branch(head)
        else:
            self.branch_if(self.compare("lt", start, stop), head, done)
        self.start(head)
        at = len(self.lines) - self.allocas  # those that the body adds move it
        i = Value(self.fresh("i"), "i64")
        carried = [Value(self.fresh("c"), v.kind, v.width) for v in carry or ()]
        lp = Loop(i, carried)
        yield lp
        after = self.add(i, self.i64(step))
        last = self.block
        phis = [f"  {i.name} = phi i64 [{start.name}, %{before}], [{after.name}, %{last}]"]
        for c, first, new in zip(carried, carry or (), lp.next, strict=True):
            phis.append(f"  {c.name} = phi {c.type} [{first.name}, %{before}], [{new.name}, %{last}]")
        self.lines[at + self.allocas : at + self.allocas] = phis
        self.branch_if(self.compare("lt", after, stop), head, done)
        self.start(done)
        if known:
            lp.result = list(lp.next)
        else:
            lp.result = []
            for first, new in zip(carry or (), lp.next, strict=True):
                text = f"phi {new.type} [{first.name}, %{before}], [{new.name}, %{last}]"
                lp.result.append(self.emit(new.kind, new.width, text))

    @contextmanager
    def when(self, c: Value) -> Iterator[None]:
        """The body runs where the scalar c is true."""
        yes, done = self.label("then"), self.label("done")
        self.branch_if(c, yes, done)
        self.start(yes)
        yield
        self.branch(done)
        self.start(done)

    def chosen(self, a: Value, last: str, b: Value, before: str) -> Value:
        """Behind `when`: a where its body has run, which ended in the block `last`, else b, known in `before`."""
        return self.emit(b.kind, b.width, f"phi {b.type} [{a.name}, %{last}], [{b.name}, %{before}]")

    def reduce_lanes(self, x: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """All lanes of a vector combined in a tree."""
        n = x.width
        while n > 1:
            if n % 2:
                raise AssertionError(f"{n} lanes are not a power of two")
            n //= 2
            low, high = self.shuffle(x, None, range(n)), self.shuffle(x, None, range(n, 2 * n))
            if n == 1:
                low, high = self.extract(x, 0), self.extract(x, 1)
            x = combine(low, high)
        return x


class Loop:
    """A loop being written: its counter, the values it carries, what they become, and what is left of them."""

    def __init__(self, i: Value, carried: list[Value]) -> None:
        self.i, self.carried = i, carried
        self.next: list[Value] = []
        self.result: list[Value] = []
