"""The builder of `ir.builder` with C behind it: what writes LLVM IR there writes C99 here, a statement an instruction.

So the elementary functions of strict mode and their C have one source, `ir.mathlib`, and the same bits: each operation
is rounded on its own, in the same order. Integers are unsigned, since C leaves the overflow of signed ones open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from surefit.ir import coefficients
from surefit.ir.builder import Function, Loop, Module, Value, is_float
from surefit.ir.lanes import Lanes, constant_of
from surefit.ir.mathlib import FUNCTIONS

TYPES = {"f32": "float", "f64": "double", "i1": "int", "i8": "unsigned char", "i32": "uint32_t", "i64": "uint64_t"}
SIGNED = {"i32": "int32_t", "i64": "int64_t"}
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^", "shl": "<<", "lshr": ">>"
}  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "ult": "<", "uge": ">="}
ROUNDING = {"sqrt": "sqrt", "fabs": "fabs", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "roundeven": "rint",
            "copysign": "copysign", "fma": "fma"}  # fmt: skip


def number(x: float, kind: str) -> str:
    """A float in hexadecimal, so that no bit is lost."""
    suffix = "f" if kind == "f32" else ""
    x = float(np.float32(x)) if kind == "f32" else float(x)
    if x != x:
        return "NAN" if kind == "f32" else "(double)NAN"
    if x in (float("inf"), float("-inf")):
        return ("-" if x < 0 else "") + ("INFINITY" if kind == "f32" else "(double)INFINITY")
    if x == int(x) and abs(x) < 1e6:
        return f"{x:.1f}{suffix}"
    text = x.hex()  # 0x1.8000000000000p+1
    mantissa, _, exponent = text.partition("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}{suffix}"


def text_of(v: Value) -> str:
    """A value where it is used: the name of a variable, or a number."""
    if v.kind in ("f32", "f64"):
        x = constant_of(Lanes(None, v))  # type: ignore[arg-type]
        if x is not None:
            word = number(x, v.kind)
            return f"({word})" if word[0] == "-" else word
    elif v.name in ("true", "false"):
        return "1" if v.name == "true" else "0"
    elif v.kind in SIGNED and v.name.lstrip("-").isdigit():
        bits = 32 if v.kind == "i32" else 64
        value = int(v.name) % 2**bits
        return f"UINT{bits}_C({value})"
    return v.name


def used(lines: Sequence[str]) -> list[str]:
    """Statements without the constants that none of those behind them names."""
    kept: list[str] = []
    names: set[str] = set()
    for line in reversed(lines):
        made = re.match(r"\s*(?:[\w ]+ )?(t\d+) = ", line)
        if made is None or made[1] in names:
            kept.append(line)
            names |= set(re.findall(r"\bt\d+\b", line))
    return kept[::-1]


class CModule(Module):
    """Static functions in C; `kernel` writes an elementary function when it is first needed. prefix: of all names."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix
        self.shared["angles", "f64"] = f"{prefix}_reduce"  # what ir.range_reduction calls for huge angles
        self.used: set[str] = set()  # helpers written by hand
        self.cost: dict[str, int] = {}  # operations of each kernel

    @staticmethod
    def numbers(args: Sequence[Value]) -> list[float | None]:
        """The arguments of an elementary function that are written into it: numbers behind the first."""
        return [None, *(constant_of(Lanes(None, a)) for a in args[1:])]  # type: ignore[arg-type]

    def kernel(self, name: str, args: Sequence[Value]) -> str:
        """The C function for a primitive of `FUNCTIONS`, with arguments that are numbers written into it."""
        kind = args[0].kind
        numbers = self.numbers(args)[1:]
        key = ("kernel", name, kind, *map(str, numbers))
        if key not in self.shared:
            same = sum(k[0] == "kernel" and k[1:3] == (name, kind) for k in self.shared)
            c_name = f"{self.prefix}_{name}{'f' if kind == 'f32' else ''}{same or ''}"
            open_ = [("x", kind), *(("y", kind) for n in numbers if n is None)]
            f = CFunction(self, c_name, open_, kind)
            given = [f.args["x"], *(f.args["y"] if n is None else a for n, a in zip(numbers, args[1:], strict=True))]
            f.ret(FUNCTIONS[name](f, *given))
            self.shared[key] = f.end()
            self.cost[c_name] = f.operations
        return str(self.shared[key])

    def text(self) -> str:
        """All functions, those that are called first."""
        helpers = [HELPERS[name].replace("@", self.prefix) for name in HELPERS if name in self.used]
        return "\n\n".join([*helpers, *self.functions.values()])


class CFunction(Function):
    """A function, or a body of statements, being written in C. Widths are 1, and sums are never contracted."""

    module: CModule

    def __init__(
        self, module: CModule, name: str = "", args: Sequence[tuple[str, str]] = (), ret: str = "void", depth: int = 1
    ) -> None:
        self.module, self.name, self.flags, self.count, self.depth = module, name, "", 0, depth
        self.block, self.operations = "", 0
        self.args = {n: Value(n, k) for n, k in args}
        shown = ", ".join(f"{TYPES[k]} {n}" for n, k in args)
        self.lines = [f"static {TYPES.get(ret, ret)} {name}({shown or 'void'})", "{"] if name else []
        self.opened: list[int] = []  # lines of the ifs that are closed, last first

    def end(self) -> str:
        """Close the function and put it into the module; its name."""
        self.module.functions[self.name] = "\n".join([*used(self.lines), "}"])
        return self.name

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def emit(self, kind: str, width: int, text: str) -> Value:
        """One operation with a result."""
        self.count += 1
        self.operations += 1
        self.line(f"const {TYPES[kind]} t{self.count} = {text};")
        return Value(f"t{self.count}", kind)

    def ret(self, x: Value | None = None) -> None:
        self.line("return;" if x is None else f"return {text_of(x)};")

    def splat(self, x: Value, width: int) -> Value:
        return x

    def _two(self, f: str, i: str, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        x, y = text_of(a), text_of(b)
        if i == "ashr":
            return self.emit(a.kind, 1, f"({TYPES[a.kind]})(({SIGNED[a.kind]}){x} >> {y})")
        if i == "srem":
            if is_float(a.kind):
                return self.emit(a.kind, 1, f"fmod{'f' * (a.kind == 'f32')}({x}, {y})")
            return self.emit(a.kind, 1, f"({TYPES[a.kind]})(({SIGNED[a.kind]}){x} % ({SIGNED[a.kind]}){y})")
        return self.emit(a.kind, 1, f"{x} {OPERATORS[i]} {y}")

    def div(self, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        x, y = text_of(a), text_of(b)
        if is_float(a.kind):
            return self.emit(a.kind, 1, f"{x} / {y}")
        return self.emit(a.kind, 1, f"({TYPES[a.kind]})(({SIGNED[a.kind]}){x} / ({SIGNED[a.kind]}){y})")

    def neg(self, a: Value) -> Value:
        return self.emit(a.kind, 1, f"-{text_of(a)}") if is_float(a.kind) else self.sub(self.const(0, a), a)

    def not_(self, a: Value) -> Value:
        return self.emit("i1", 1, f"!{text_of(a)}") if a.kind == "i1" else super().not_(a)

    def compare(self, how: str, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        x, y = text_of(a), text_of(b)
        if a.kind in SIGNED and how not in ("eq", "ne") and how[0] != "u":
            x, y = f"({SIGNED[a.kind]}){x}", f"({SIGNED[a.kind]}){y}"
        return self.emit("i1", 1, f"{x} {COMPARISONS[how]} {y}")

    def unordered(self, a: Value, b: Value) -> Value:
        x, y = text_of(a), text_of(b)
        return self.emit("i1", 1, f"({x} != {x}) | ({y} != {y})")

    def select(self, c: Value, a: Any, b: Any) -> Value:
        a, b = self._pair(a, b)
        return self.emit(a.kind, 1, f"{text_of(c)} ? {text_of(a)} : {text_of(b)}")

    def bitcast(self, x: Value, kind: str) -> Value:
        helper = f"{x.kind}_as_{kind}"
        self.module.used.add(helper)
        return self.emit(kind, 1, f"{self.module.prefix}_{helper}({text_of(x)})")

    def convert(self, x: Value, kind: str) -> Value:
        a, b = is_float(x.kind), is_float(kind)
        word = text_of(x)
        if x.kind == kind:
            return x
        if kind == "i1":
            return self.compare("ne", x, self.const(0, x))
        if x.kind == "i1":
            return self.emit(kind, 1, f"({TYPES[kind]}){word}")
        if a and not b:
            least = -(2 ** (31 if kind == "i32" else 63))
            inside = self.and_(self.compare("ge", x, float(least)), self.compare("lt", x, -float(least)))
            safe = self.select(inside, x, self.const(0, x))
            y = self.emit(kind, 1, f"({TYPES[kind]})({SIGNED[kind]}){text_of(safe)}")
            return self.select(inside, y, self.const(least, y))
        if b and not a:
            return self.emit(kind, 1, f"({TYPES[kind]})({SIGNED[x.kind]}){word}")
        if not a and kind == "i64" and x.kind == "i32":
            return self.emit(kind, 1, f"(uint64_t)(int64_t)(int32_t){word}")
        return self.emit(kind, 1, f"({TYPES[kind]}){word}")

    def call_intrinsic(self, name: str, *args: Value) -> Value:
        kind = args[0].kind
        suffix = "f" if kind == "f32" else ""
        return self.emit(kind, 1, f"{ROUNDING[name]}{suffix}({', '.join(map(text_of, args))})")

    def abs(self, x: Value) -> Value:
        if is_float(x.kind):
            return self.call_intrinsic("fabs", x)
        return self.select(self.compare("lt", x, 0), self.neg(x), x)

    def call(self, f: str, *args: Value) -> None:
        self.module.used |= {"angles"} if f.endswith("_reduce") else set()
        self.line(f"{f}({', '.join(map(text_of, args[:-1]))});")

    # --- memory ---

    def alloca(self, kind: str, count: int = 1, align: int = 64) -> Value:
        self.count += 1
        self.line(f"{TYPES[kind]} a{self.count}[1];")
        return Value(f"a{self.count}", "ptr")

    def load(self, p: Value, kind: str, width: int = 1, align: int = 0, volatile: bool = False) -> Value:
        return self.emit(kind, 1, f"*{p.name}")

    def store(self, x: Value, p: Value, align: int = 0) -> None:
        self.line(f"*{p.name} = {text_of(x)};")

    # --- branches and loops ---

    @contextmanager
    def when(self, c: Value) -> Iterator[None]:
        self.line(f"if ({text_of(c)}) {{")
        at = len(self.lines) - 1
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")
        self.opened.append(at)

    def chosen(self, a: Value, last: str, b: Value, before: str) -> Value:
        self.count += 1
        name, pad = f"t{self.count}", "    " * self.depth
        self.lines.insert(len(self.lines) - 1, f"{pad}    {name} = {text_of(a)};")
        self.lines.insert(self.opened[-1], f"{pad}{TYPES[b.kind]} {name} = {text_of(b)};")
        self.opened[-1] += 1
        return Value(name, b.kind)

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: int = 1, carry: list[Value] | None = None,
             stem: str = "loop") -> Iterator[Loop]:  # fmt: skip
        names = []
        for v in carry or ():
            self.count += 1
            names.append(Value(f"c{self.count}", v.kind))
            self.line(f"{TYPES[v.kind]} {names[-1].name} = {text_of(v)};")
        self.count += 1
        i = f"i{self.count}"
        self.line(f"for (int {i} = {start}; {i} < {stop}; {i} += {step}) {{")
        self.depth += 1
        lp = Loop(Value(i, "i64"), [self.emit(v.kind, 1, v.name) for v in names])
        yield lp
        for v, new in zip(names, lp.next, strict=True):
            self.line(f"{v.name} = {text_of(new)};")
        self.depth -= 1
        self.line("}")
        lp.result = names


def _table() -> str:
    """2/pi as bytes, the last ones first."""
    raw = coefficients.TWO_OVER_PI.to_bytes(coefficients.TABLE_BITS // 8 + 8, "little") + bytes(32)
    rows = [", ".join(map(str, raw[i : i + 24])) for i in range(0, len(raw), 24)]
    return ",\n    ".join(rows)


def _pun(a: str, b: str) -> str:
    x, y = TYPES[a], TYPES[b]
    body = f"    union {{ {x} from; {y} to; }} u;\n    u.from = x;\n    return u.to;"
    return f"static {y} @_{a}_as_{b}({x} x)\n{{\n{body}\n}}"


HIGH, LOW = coefficients.HALF_PI_TWO
HELPERS = {  # in the order in which they call each other; @ is the prefix
    **{f"{a}_as_{b}": _pun(a, b) for a, b in (("f32", "i32"), ("i32", "f32"), ("f64", "i64"), ("i64", "f64"))},
    "angles": """/* Angles beyond 1e5 modulo pi/2 (Payne and Hanek 1983): the 192 bits of 2/pi that matter. */
static const unsigned char @_two_over_pi[] = {
    """ + _table() + """
};

static void @_reduce(const double *at, double *rest, uint64_t *quadrant, double *lost)
{
    union { double from; uint64_t to; } u;
    const double x = *at;
    uint32_t w[6], p[6];
    uint64_t bits, mantissa, carry = 0, k;
    int exponent, offset, byte, shift, i, j, minus;
    double digit[5], high, low, s, t, q, q_low, ah, al, bh, bl, r;
    u.from = x;
    bits = u.to;
    exponent = (int)((bits >> 52) & 0x7FF) - 1075;
    if (exponent > 0x7FE - 1075)
        exponent = 0x7FE - 1075; /* infinity ends as NaN anyway */
    mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | (UINT64_C(1) << 52);
    offset = """ + str(coefficients.TABLE_BITS - 190) + """ - exponent;
    byte = offset >> 3;
    shift = offset & 7;
    for (i = 0; i < 6; i++) {
        uint64_t v = 0;
        for (j = 4; j >= 0; j--)
            v = (v << 8) | @_two_over_pi[byte + 4 * i + j];
        w[i] = (uint32_t)(v >> shift);
        p[i] = 0;
    }
    for (j = 0; j < 2; j++) { /* modulo 2^192 */
        const uint64_t m = j ? mantissa >> 32 : mantissa & 0xFFFFFFFFu;
        carry = 0;
        for (i = j; i < 6; i++) {
            const uint64_t v = m * w[i - j] + p[i] + carry;
            p[i] = (uint32_t)v;
            carry = v >> 32;
        }
    }
    k = ((uint64_t)p[5] + (UINT64_C(1) << 29)) >> 30 & 3; /* the nearest quarter turn */
    for (i = 5; i > 0; i--)
        p[i] = (p[i] << 2) | (p[i - 1] >> 30);
    p[0] <<= 2;
    minus = (int)(p[5] >> 31);
    if (minus) {
        carry = 1;
        for (i = 0; i < 6; i++) {
            const uint64_t v = (uint64_t)(uint32_t)~p[i] + carry;
            p[i] = (uint32_t)v;
            carry = v >> 32;
        }
    }
    for (i = 0; i < 5; i++)
        digit[i] = ldexp((double)p[5 - i], -32 * (i + 1));
    high = digit[0] + digit[1];
    low = digit[1] - (high - digit[0]);
    low = low + (digit[2] + (digit[3] + digit[4]));
    s = high + low;
    low = low - (s - high);
    high = s;
    q = high * """ + number(HIGH, "f64") + """; /* times pi/2, the product exactly (Dekker 1971) */
    t = high * 134217729.0;
    ah = t - (t - high);
    al = high - ah;
    t = """ + number(HIGH, "f64") + """ * 134217729.0;
    bh = t - (t - """ + number(HIGH, "f64") + """);
    bl = """ + number(HIGH, "f64") + """ - bh;
    q_low = al * bl - (((q - ah * bh) - al * bh) - ah * bl);
    q_low = q_low + (high * """ + number(LOW, "f64") + """ + low * """ + number(HIGH, "f64") + """);
    r = q + q_low;
    low = q_low - (r - q);
    if ((x < 0.0) != minus) {
        r = -r;
        low = -low;
    }
    *rest = fabs(x) < (double)INFINITY ? r : (double)NAN;
    *lost = low;
    *quadrant = x < 0.0 ? UINT64_C(0) - k : k;
}""",
}  # fmt: skip
