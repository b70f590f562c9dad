"""Matrix products of which the transpose is computed: C = A B as C' = B' A'.

Where B lies transposed, as the weights of a layer do in its forward product, tiles could only read a copy of it. So
either all of B is transposed, which takes a tenth of the product that reads it, or A is: a panel of its rows at a time,
which stays in the first cache, and so does the panel of C' that is made of it. And what is left over of a vector is
along the rows of A, of which a batch usually has a multiple of 16, instead of the units of a layer.

Every element is the same sum in the same order either way.
"""

from __future__ import annotations

from surefit.compiler.engine import Target
from surefit.compiler.gemm import emit_gemm, emit_transpose, repeat, visits
from surefit.core.order import BLOCK
from surefit.ir.builder import BYTES, Function, Value

_DEPTH = 128  # of k at once
_LEAST = 60_000  # multiplications from which it is thought about
_TURN = 1800.0  # multiplications of vectors that take as long as a panel's beginning and end
_CLEARLY = 0.95


def _panels(lanes: int, k: int) -> tuple[int, int]:
    """Rows of A that are transposed together, and how many k of them."""
    parts = -(-k // _DEPTH)
    return 2 * lanes, min(k, -(-k // (parts * BLOCK)) * BLOCK)


def room_of(lanes: int, n: int, k: int) -> int:
    """Elements of memory that `emit_turned` needs beside its matrices."""
    rows, depth = _panels(lanes, k)
    return rows * (n + depth)


def better_turned(lanes: int, m: int, n: int, k: int, uses: int = 1) -> bool:
    """Whether C (m, n) = A (m, k) B takes less time this way than with a copy of B, made for so many `uses`.

    Counted in multiplications of vectors, of which a Xeon with AVX-512 begins two in a cycle.
    """
    if m < lanes or n < lanes or m * n * k < _LEAST:
        return False
    across, down = -(-n // lanes), -(-m // lanes)
    rows, depth = _panels(lanes, k)
    far, near = 2 + lanes, (1 + lanes) / 2  # for a vector that is transposed into L2 or L1
    plain = k * m * across + far * k * n / lanes / uses
    turned = k * n * down + near * (k + n) * down + _TURN * -(-m // rows) * -(-k // depth)
    return turned < _CLEARLY * plain


def turned_visits(t: Target, kind: str, m: int, n: int, k: int) -> int:
    """As `visits` of the products of panels, all of them; 0 where one of them has none."""
    width, depth = _panels(t.lanes(kind), k)
    panels = [(width, m // width), (_last(m, width), m % width > 0)]
    parts = [(depth, k // depth), (k % depth, k % depth > 0)]
    each = [(visits(t, kind, n, w, d, True), x * y) for w, x in panels if x for d, y in parts if y]
    return sum(v * times for v, times in each) if all(v for v, _ in each) else 0


def _last(m: int, width: int) -> int:
    """Rows of the last panel where m is no multiple of the width: a vector at least, some of them computed again."""
    return max(m % width, min(m, width // 2))


def emit_turned(
    f: Function, t: Target, *, m: int, n: int, k: int, kind: str, a: Value, a_row: int, b: Value, b_row: int,
    b_col: int, c: Value, c_row: int, room: Value, strict: bool = False,
    ahead: tuple[Value, int, int] | None = None,
) -> None:  # fmt: skip
    """C = A B: C[i, j] at c + i c_row + j, A[i, k] at a + i a_row + k, B[k, j] at b + k b_row + j b_col (in elements).

    Nothing outside A and B is read, and nothing outside C is written. room: memory for `room_of` elements. strict,
    ahead: as in `emit_gemm`, and as many addresses are listed as `turned_visits`.
    """
    width, depth = _panels(t.lanes(kind), k)
    clear = f.module.declare("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1 immarg"])
    packed = f.gep(room, width * n, kind)
    asks = ahead is not None and turned_visits(t, kind, m, n, k) > 0
    if asks:  # how many addresses have been taken
        taken = f.alloca("i64")
        f.store(f.i64(0), taken)

    def part(i: Value, rows: int, k0: Value, deep: int, onto: bool) -> None:
        later = None
        if ahead is not None and asks:
            count, seen = visits(t, kind, n, rows, deep, True), f.load(taken, "i64")
            later = f.gep(ahead[0], seen, "i64"), count, ahead[2]
            f.store(f.add(seen, count), taken)
        source = f.gep(a, f.add(f.mul(i, a_row), k0), kind)
        emit_transpose(f, t, rows=rows, cols=deep, kind=kind, src=source, src_row=a_row, dst=packed, dst_row=width)
        emit_gemm(
            f, t, m=n, n=rows, k=deep, kind=kind, a=f.gep(b, f.mul(k0, b_row), kind), a_row=b_col, a_col=b_row,
            b=packed, b_row=width, c=room, c_row=width, c_padded=True, strict=strict, onto=onto,
            ahead=later,
        )  # fmt: skip

    def panel(i: Value, rows: int) -> None:
        if depth < k:  # all parts alike, since every other tile is one more function
            f.line(f"call void {clear}({room}, i8 0, i64 {width * n * BYTES[kind]}, i1 false)")
        for k0 in repeat(f, 0, depth, k // depth):
            part(i, rows, k0, depth, depth < k)
        if k % depth:
            part(i, rows, f.i64(k - k % depth), k % depth, True)
        place = f.gep(c, f.mul(i, c_row), kind)
        emit_transpose(f, t, rows=n, cols=rows, kind=kind, src=room, src_row=width, dst=place, dst_row=c_row)

    for i in repeat(f, 0, width, m // width):
        panel(i, width)
    if m % width:
        rest = _last(m, width)
        panel(f.i64(m - rest), rest)


__all__ = ["better_turned", "emit_turned", "room_of", "turned_visits"]
