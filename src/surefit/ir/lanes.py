"""Arithmetic on the lanes of a vector, written as formulas.

`Lanes` wraps a Value of the builder and gives it operators, so that an elementary function reads as its formula:
`r = (x - k * HIGH) - k * LOW`. Numbers beside it become constants of its kind. Every operation is one instruction;
which of them may be fused is up to the flags of the function being written, see `reading`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from surefit.ir.builder import Function, Value, is_float

MANTISSA = {"f32": 23, "f64": 52}  # bits of it that are stored
BIAS = {"f32": 127, "f64": 1023}
INTEGER = {"f32": "i32", "f64": "i64"}  # of the same size
LARGEST = {"f32": 2.0**128 - 2.0**104, "f64": 2.0**1023 * (2 - 2.0**-52)}


class Lanes:
    """A vector (or a scalar) with operators."""

    __slots__ = ("f", "v")

    def __init__(self, f: Function, v: Value) -> None:
        self.f, self.v = f, v

    @property
    def kind(self) -> str:
        return self.v.kind

    def _with(self, method: Callable[[Any, Any], Value], other: Any, turned: bool = False) -> Lanes:
        b = other.v if isinstance(other, Lanes) else other
        return Lanes(self.f, method(b, self.v) if turned else method(self.v, b))

    def __add__(self, other: Any) -> Lanes:
        return self._with(self.f.add, other)

    def __radd__(self, other: Any) -> Lanes:
        return self._with(self.f.add, other, True)

    def __sub__(self, other: Any) -> Lanes:
        return self._with(self.f.sub, other)

    def __rsub__(self, other: Any) -> Lanes:
        return self._with(self.f.sub, other, True)

    def __mul__(self, other: Any) -> Lanes:
        return self._with(self.f.mul, other)

    def __rmul__(self, other: Any) -> Lanes:
        return self._with(self.f.mul, other, True)

    def __truediv__(self, other: Any) -> Lanes:
        return self._with(self.f.div, other)

    def __rtruediv__(self, other: Any) -> Lanes:
        return self._with(self.f.div, other, True)

    def __neg__(self) -> Lanes:
        return Lanes(self.f, self.f.neg(self.v))

    def __and__(self, other: Any) -> Lanes:
        return self._with(self.f.and_, other)

    def __or__(self, other: Any) -> Lanes:
        return self._with(self.f.or_, other)

    def __xor__(self, other: Any) -> Lanes:
        return self._with(self.f.xor, other)

    def __invert__(self) -> Lanes:
        return Lanes(self.f, self.f.not_(self.v))

    def __lshift__(self, other: Any) -> Lanes:
        return self._with(self.f.shl, other)

    def __rshift__(self, other: Any) -> Lanes:
        """Zeros come in from the left."""
        return self._with(self.f.lshr, other)

    def is_(self, how: str, other: Any) -> Lanes:
        """A comparison, as `Function.compare` names them."""
        b = other.v if isinstance(other, Lanes) else other
        return Lanes(self.f, self.f.compare(how, self.v, b))

    def bits(self) -> Lanes:
        """Floats as the integers that have the same bits."""
        return Lanes(self.f, self.f.bitcast(self.v, INTEGER[self.kind]))

    def as_float(self) -> Lanes:
        """Integers as the floats that have the same bits."""
        return Lanes(self.f, self.f.bitcast(self.v, "f32" if self.kind == "i32" else "f64"))

    def to(self, kind: str) -> Lanes:
        """The same number as another kind."""
        return Lanes(self.f, self.f.convert(self.v, kind))

    def abs(self) -> Lanes:
        return Lanes(self.f, self.f.abs(self.v))

    def sqrt(self) -> Lanes:
        return Lanes(self.f, self.f.sqrt(self.v))

    def sign_of(self, x: Lanes) -> Lanes:
        """This size with the sign of x."""
        return Lanes(self.f, self.f.copysign(self.v, x.v))

    def at_most(self, bound: float) -> Lanes:
        """The smaller of the two; NaN stays NaN."""
        high = self.f.const(bound, self.v)
        return Lanes(self.f, self.f.select(self.f.compare("lt", high, self.v), high, self.v))

    def at_least(self, bound: float) -> Lanes:
        """The larger of the two; NaN stays NaN."""
        low = self.f.const(bound, self.v)
        return Lanes(self.f, self.f.select(self.f.compare("gt", low, self.v), low, self.v))


def where(c: Lanes, a: Any, b: Any) -> Lanes:
    """a where c is true, else b; at least one of the two is not a number."""
    x, y = (v.v if isinstance(v, Lanes) else v for v in (a, b))
    return Lanes(c.f, c.f.select(c.v, x, y))


def polynomial(x: Lanes, c: Sequence[float]) -> Lanes:
    """c[0] + c[1] x + ... by Horner's rule."""
    y: Any = c[-1]
    for a in reversed(c[:-1]):
        y = y * x + a
    return y


def short_polynomial(x: Lanes, c: Sequence[float]) -> Lanes:
    """The same by Estrin's rule: a few more multiplications, and a chain of operations half as long."""
    terms: list[Any] = list(c)
    while len(terms) > 1:
        odd = terms.pop() if len(terms) % 2 else None
        terms = [b * x + a for a, b in zip(terms[::2], terms[1::2], strict=True)]
        if odd is not None:
            terms.append(odd)
        if len(terms) > 1:
            x = x * x
    return terms[0]


@contextmanager
def reading(f: Function, flags: str) -> Iterator[None]:
    """Other flags for a while: "contract " allows fused multiply-add and nothing else, "" not even that.

    What reassociation or a lost -0 would break (compensated arithmetic, argument reduction) is written under these.
    """
    before, f.flags = f.flags, flags
    try:
        yield
    finally:
        f.flags = before


# --- sums and products of two floats, exact: (value, error) ---------------------------------------------------------


def fast_two_sum(a: Any, b: Any) -> tuple[Lanes, Lanes]:
    """a + b exactly, where |a| >= |b| or a = 0 (Dekker 1971)."""
    f = (a if isinstance(a, Lanes) else b).f
    with reading(f, ""):
        s = a + b
        return s, b - (s - a)


def two_sum(a: Any, b: Any) -> tuple[Lanes, Lanes]:
    """a + b exactly (Knuth, TAOCP 2, 4.2.2)."""
    f = (a if isinstance(a, Lanes) else b).f
    with reading(f, ""):
        s = a + b
        t = s - a
        return s, (a - (s - t)) + (b - t)


_SPLIT = {"f32": 2.0**12 + 1, "f64": 2.0**27 + 1}


def split(a: Lanes) -> tuple[Lanes, Lanes]:
    """a as the sum of two numbers of half as many bits (Veltkamp, in Dekker 1971); |a| must leave room above."""
    with reading(a.f, ""):
        t = a * _SPLIT[a.kind]
        high = t - (t - a)
        return high, a - high


def two_product(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a b exactly: with a fused multiply-add where the reading allows it, else Dekker's product. The same numbers."""
    f = a.f
    if "contract" in f.flags:
        with reading(f, ""):
            p = a * b
            return p, Lanes(f, f.exact_fma(a.v, b.v, f.neg(p.v)))
    with reading(f, ""):
        p = a * b
        (ah, al), (bh, bl) = split(a), split(b)
        return p, al * bl - (((p - ah * bh) - al * bh) - ah * bl)


def any_lane(c: Lanes) -> Value:
    """Whether a lane of a boolean vector is true, as a scalar."""
    f, v = c.f, c.v
    if v.width == 1:
        return v
    name = f.module.declare(f"llvm.vector.reduce.or.v{v.width}i1", "i1", [v.type])
    return f.emit("i1", 1, f"call i1 {name}({v})")


def replaced(f: Function, c: Value, new: Callable[[], Sequence[Lanes]], old: Sequence[Lanes]) -> list[Lanes]:
    """new() where the scalar c is true, which is rare, else old: a branch, so that new() costs nothing else."""
    before = f.block
    with f.when(c):
        fresh = new()
        last = f.block
    return [Lanes(f, f.chosen(a.v, last, b.v, before)) for a, b in zip(fresh, old, strict=True)]


def constant_of(x: Lanes) -> float | None:
    """The number that x is in every lane, if it is a constant."""
    bits = re.fullmatch(r"(?:splat \(\w+ )?0x([0-9A-F]{16})\)?", x.v.name)
    return struct.unpack(">d", bytes.fromhex(bits[1]))[0] if bits else None


def check(x: Value) -> Value:
    """x, which must be a float."""
    if not is_float(x.kind):
        raise AssertionError(f"{x} is not a float")
    return x
