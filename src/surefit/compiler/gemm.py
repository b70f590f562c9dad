"""Matrix multiply and transposition as vector IR.

C = A B is cut into register tiles: a few rows by a few vectors of C whose sums stay in registers while k runs. Tiles
are private functions with strides and k as arguments, shared by all products of a module, since most of the time that
LLVM takes goes into them; what is written for one product is only the loops that call them. A small cost model chooses
the tiles from the extents.

Every element of C is one sum over ascending k whatever the tile, so the choice of tiles does not change a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from surefit.compiler.engine import Target
from surefit.compiler.text import BYTES, Function, Module, Value, constant, is_float, vector

BLOCK = 16  # strict sums: so many consecutive k, then the sums of the blocks in order
_PANEL_BYTES = 24 * 1024  # of C, between two calls of after_panel: what a small L1 cache holds
_A_BYTES = 256 * 1024  # of A, read again for every tile of columns: what an L2 cache holds beside B
_MAX_ROWS, _MAX_VECTORS = 14, 8  # of a tile; more rows would run out of address registers
_CALL = 40.0  # cycles to call, begin and end a tile
_NEW = 0.01  # a tile the module does not have yet must save this share of the product


class Tile(NamedTuple):
    """Rows by vectors of C in registers; `half`: the last vector is half as wide; `masked`: and stored in part."""

    rows: int
    vectors: int
    half: bool = False
    masked: bool = False


class Columns(NamedTuple):
    """`tiles` of them side by side from column `start`, and for each the rows as (rows of a tile, number of tiles)."""

    start: int
    tiles: int
    vectors: int
    half: bool
    masked: bool
    rows: tuple[tuple[int, int], ...]


# --- the choice of tiles ---


def _most_rows(t: Target, vectors: int) -> int:
    """Rows whose sums, with a row of B and one number of A, fit the registers (0: none)."""
    free = t.registers - vectors - (1 if t.fma else 2)
    return min(free // vectors, _MAX_ROWS)


def _cycles(rows: int, vectors: int, half: bool, k: int, vector_bytes: int) -> float:
    """A rough count for one tile: arithmetic, loads or latency, whichever is longest, and what it takes to begin."""
    wide = vectors - 0.5 * half
    arithmetic = rows * wide
    loads = wide + 0.5 * rows
    spill = vectors * vector_bytes / 20 if k * vectors * vector_bytes > _PANEL_BYTES else 0.0  # B comes from L2
    return k * (max(arithmetic, loads, spill, 8.0) + 0.05 * loads) + _CALL + rows * vectors


def _row_tiles(m: int, most: int, cost: Callable[[int], float]) -> tuple[float, tuple[tuple[int, int], ...]]:
    """The cheapest way to cover m rows by tiles of at most two heights."""
    best: tuple[float, tuple[tuple[int, int], ...]] = (float("inf"), ())
    prices = [cost(r) for r in range(most + 1)]
    for a in range(min(most, m), 0, -1):
        for x in range(m // a, max(0, m // a - 6), -1):
            rest = m - a * x
            if not rest:
                best = min(best, (x * prices[a], ((a, x),)))
            for b in range(1, min(a - 1, rest) + 1):
                if rest % b == 0:
                    best = min(best, (x * prices[a] + rest // b * prices[b], ((a, x), (b, rest // b))))
    return best


@lru_cache(maxsize=512)
def plan(
    t: Target, kind: str, m: int, n: int, k: int, padded: bool, known: frozenset[Tile] = frozenset()
) -> tuple[Columns, ...]:
    """Tiles that cover m rows and n columns exactly once. known: tiles that the module has already."""
    lanes = t.lanes(kind)
    narrow = lanes // 2 if t.vector_bytes == 64 else lanes  # half a vector costs less only where vectors are split
    full, tail = divmod(n, lanes)
    half = 0 < tail <= narrow < lanes
    masked = not padded and tail not in (0, narrow)
    total = full + (tail > 0)
    new = _NEW * m * total * k

    def price(tile: Tile) -> float:
        return _cycles(tile.rows, tile.vectors, tile.half, k, t.vector_bytes)

    def column(start: int, count: int, vectors: int, last: bool) -> tuple[float, Columns]:
        h, c = half and last, masked and last
        shape = lambda rows: Tile(rows, vectors, h, c)
        most = _most_rows(t, vectors)
        cost, rows = _row_tiles(m, most, lambda r: price(shape(r)) + (new if shape(r) not in known else 0.0) / m * r)
        return cost * count, Columns(start * lanes, count, vectors, h, c, rows)

    best: tuple[float, tuple[Columns, ...]] | None = None
    for vectors in range(1, min(total, _MAX_VECTORS) + 1):
        if _most_rows(t, vectors) < 1:
            break
        special = half or masked  # the last tile of the row is unlike the others
        for wide in range((total - special) // vectors, max(-1, (total - special) // vectors - 3), -1):
            rest = total - wide * vectors
            parts = [column(0, wide, vectors, False)] if wide else []
            if rest > vectors:  # two more tiles, as equal as can be
                first = (rest + 1) // 2
                if first > vectors:
                    continue
                parts += [column(wide * vectors, 1, first, False), column(total - rest + first, 1, rest - first, True)]
            elif rest:
                parts.append(column(wide * vectors, 1, rest, True))
            cost = sum(c for c, _ in parts)
            if best is None or cost < best[0]:
                best = cost, tuple(p for _, p in parts)
    assert best is not None
    return best[1]


# --- tiles ---


def _tile_function(module: Module, t: Target, kind: str, tile: Tile, strict: bool) -> str:
    """The tile as a private function (a, a_row, a_col, b, b_row, c, c_row, k, lanes); its name with @."""
    key = ("gemm", kind, strict, tile)
    if key in module.shared:
        return module.shared[key]
    exact = strict and is_float(kind)
    flags = "" if exact or not is_float(kind) else "contract "
    name = f"gemm.{kind}.{tile.rows}x{tile.vectors}{'h' * tile.half}{'m' * tile.masked}{'.strict' * exact}"
    args = [("a", "ptr"), ("a_row", "i64"), ("a_col", "i64"), ("b", "ptr"), ("b_row", "i64")]
    args += [("c", "ptr"), ("c_row", "i64"), ("k", "i64"), ("lanes", "i64")]
    g = Function(module, name, args, flags=flags, private=True, inline="noinline")
    x = g.args
    lanes = t.lanes(kind)
    widths = [lanes] * tile.vectors
    if tile.half:
        widths[-1] = lanes // 2
    zeros = [constant(0, kind, w) for w in widths]
    offsets = [g.mul(x["a_row"], r) for r in range(tile.rows)]

    def step(a: Value, b: Value, sums: list[Value]) -> list[Value]:
        bs = [g.load(g.gep(b, v * lanes, kind), kind, w) for v, w in enumerate(widths)]
        out = []
        for r in range(tile.rows):
            one = g.load(g.gep(a, offsets[r], kind) if r else a, kind)
            out += [g.fma(bs[v], one, sums[r * tile.vectors + v]) for v in range(tile.vectors)]
        return out

    def run(a: Value, b: Value, count: Value, sums: list[Value]) -> list[Value]:
        with g.loop(0, count, carry=[a, b, *sums]) as l:
            a, b, *acc = l.carried
            l.next = [g.gep(a, x["a_col"], kind), g.gep(b, x["b_row"], kind), *step(a, b, acc)]
        return l.result

    begin = zeros * tile.rows
    if exact:
        with g.loop(0, x["k"], BLOCK, carry=[x["a"], x["b"], *begin]) as outer:
            a, b, *total = outer.carried
            left = g.sub(x["k"], outer.i)
            left = g.select(g.compare("lt", left, BLOCK), left, BLOCK)
            a, b, *sums = run(a, b, left, begin)
            outer.next = [a, b, *(g.add(p, q) for p, q in zip(total, sums, strict=True))]
        sums = outer.result[2:]
    else:
        sums = run(x["a"], x["b"], x["k"], begin)[2:]
    if tile.masked:
        word = "i32" if BYTES[kind] == 4 else "i64"
        mask = g.compare("lt", vector(range(widths[-1]), word), g.convert(x["lanes"], word))
    for r in range(tile.rows):
        row = g.gep(x["c"], g.mul(x["c_row"], r), kind) if r else x["c"]
        for v in range(tile.vectors):
            s, p = sums[r * tile.vectors + v], g.gep(row, v * lanes, kind)
            if tile.masked and v == tile.vectors - 1:
                g.store_masked(s, p, mask)
            else:
                g.store(s, p)
    g.ret()
    module.shared[key] = g.end()
    return module.shared[key]


# --- products ---


def _repeat(f: Function, start: int, step: int, count: int) -> Iterator[Value]:
    """start, start + step, ...: a loop in the code, or nothing but the number where there is one."""
    if count == 1:
        yield f.i64(start)
    elif count > 1:
        with f.loop(start, start + step * count, step) as l:
            yield l.i


def emit_gemm(
    f: Function, t: Target, *, m: int, n: int, k: int, kind: str, a: Value, a_row: int, a_col: int, b: Value,
    b_row: int, c: Value, c_row: int, c_padded: bool, strict: bool = False,
    after_panel: Callable[[Value, int], None] | None = None,
) -> None:  # fmt: skip
    """C = A B: C[i, j] at c + i c_row + j, A[i, k] at a + i a_row + k a_col, B[k, j] at b + k b_row + j (in elements).

    A may have any strides. Of every row of B up to one vector beyond its end is read. c_padded: rows of C have room for
    whole vectors, what is written behind their end is not defined; otherwise nothing is written there.
    strict: sums in blocks of BLOCK, each from 0 in order, block sums added in order, products rounded.
    after_panel: called with the first row (a value) and the number of rows of each panel of C that is complete, to
    write code that works on those rows while they are in the cache.
    """
    known = frozenset(key[3] for key in f.module.shared if key[:3] == ("gemm", kind, strict))
    lanes = t.lanes(kind)
    row_bytes = -(-n // lanes) * t.vector_bytes
    rows = m if after_panel is None else max(48, _PANEL_BYTES // row_bytes // 24 * 24)
    rows = min(rows, max(48, _A_BYTES // (k * BYTES[kind]) // 24 * 24))
    if rows * 5 >= m * 4:  # nearly all
        rows = m

    def panel(i0: Value, rows: int) -> None:
        for part in plan(t, kind, rows, n, k, c_padded, known):
            step = part.vectors * lanes
            for j in _repeat(f, part.start, step, part.tiles):
                at = 0
                for high, count in part.rows:
                    tile = _tile_function(f.module, t, kind, Tile(high, part.vectors, part.half, part.masked), strict)
                    for r in _repeat(f, at, high, count):
                        i = f.add(i0, r) if rows != m else r
                        f.call(
                            tile,
                            f.gep(a, f.mul(i, a_row), kind), f.i64(a_row), f.i64(a_col),
                            f.gep(b, j, kind), f.i64(b_row),
                            f.gep(c, f.add(f.mul(i, c_row), j), kind), f.i64(c_row),
                            f.i64(k), f.i64(n % lanes),
                        )  # fmt: skip
                    at += high * count
        if after_panel is not None:
            after_panel(i0, rows)

    for i0 in _repeat(f, 0, rows, m // rows):
        panel(i0, rows)
    if m % rows:
        panel(f.i64(m - m % rows), m % rows)


# --- transposition ---


def _transposed(g: Function, block: list[Value]) -> list[Value]:
    """W vectors of W lanes, transposed: within 128-bit parts first, then whole parts: x86's cheapest shuffles."""
    w = len(block)
    part = max(1, min(w, 16 // BYTES[block[0].kind]))  # lanes of a part
    groups = [block[i : i + part] for i in range(0, w, part)]
    half = part // 2
    low = [i for at in range(0, w, part) for p in range(at, at + half) for i in (p, w + p)]
    high = [i + half for i in low]
    for _ in range(part.bit_length() - 1):  # rows r and r + half of a group are woven together
        groups = [
            [g.shuffle(rows[r], rows[r + half], lanes) for r in range(half) for lanes in (low, high)] for rows in groups
        ]
    parts = w // part
    even = [i for p in range(0, 2 * parts, 2) for i in range(p * part, (p + 1) * part)]
    odd = [i + part for i in even]
    columns = []
    for rows in zip(*groups, strict=True):  # the same lane of all parts: parts p of a and b come together
        row = list(rows)
        for _ in range(parts.bit_length() - 1):
            row = [g.shuffle(row[p], row[p + 1], lanes) for lanes in (even, odd) for p in range(0, parts, 2)]
        columns.append(row)
    return [columns[i % part][i // part] for i in range(w)]


def _transpose_strip(module: Module, t: Target, kind: str) -> str:
    """W rows, `count` times W columns, as a private function (src, src_row, dst, dst_row, count); its name with @."""
    key = ("transpose", kind)
    if key not in module.shared:
        args = [("src", "ptr"), ("src_row", "i64"), ("dst", "ptr"), ("dst_row", "i64"), ("count", "i64")]
        g = Function(module, f"transpose.{kind}", args, private=True, inline="noinline")
        x, w = g.args, t.lanes(kind)
        into = g.mul(x["dst_row"], w)
        with g.loop(0, x["count"], carry=[x["src"], x["dst"]]) as l:
            src, dst = l.carried
            block = [g.load(g.gep(src, g.mul(x["src_row"], r), kind), kind, w) for r in range(w)]
            for r, row in enumerate(_transposed(g, block)):
                g.store(row, g.gep(dst, g.mul(x["dst_row"], r), kind))
            l.next = [g.gep(src, w, kind), g.gep(dst, into, kind)]
        g.ret()
        module.shared[key] = g.end()
    return module.shared[key]


def _transpose_edge(module: Module, t: Target, kind: str, padded: bool) -> str:
    """At most W rows and columns, as a private function (src, src_row, dst, dst_row, rows, cols); its name with @.

    Rows that are not there are read from the last one; rows of the result are stored from last to first, those that
    are not there in the place of the last one, before it.
    """
    key = ("transpose edge", kind, padded)
    if key not in module.shared:
        args = [
            ("src", "ptr"),
            ("src_row", "i64"),
            ("dst", "ptr"),
            ("dst_row", "i64"),
            ("rows", "i64"),
            ("cols", "i64"),
        ]
        name = f"transpose.edge.{kind}{'' if padded else '.m'}"
        g = Function(module, name, args, private=True, inline="noinline")
        x, w = g.args, t.lanes(kind)
        word = "i32" if BYTES[kind] == 4 else "i64"

        def first(count: Value) -> Value:
            return g.compare("lt", vector(range(w), word), g.convert(count, word))

        def clamped(r: int, count: Value, stride: Value) -> Value:
            last = g.sub(count, 1)
            return g.mul(g.select(g.compare("lt", last, r), last, g.i64(r)), stride)

        inside, written = first(x["cols"]), first(x["rows"])
        block = [
            g.load_masked(g.gep(x["src"], clamped(r, x["rows"], x["src_row"]), kind), kind, inside) for r in range(w)
        ]
        rows = _transposed(g, block)
        for r in reversed(range(w)):
            p = g.gep(x["dst"], clamped(r, x["cols"], x["dst_row"]), kind)
            if padded:
                g.store(rows[r], p)
            else:
                g.store_masked(rows[r], p, written)
        g.ret()
        module.shared[key] = g.end()
    return module.shared[key]


def emit_transpose(
    f: Function, t: Target, *, rows: int, cols: int, kind: str, src: Value, src_row: int, dst: Value, dst_row: int,
    dst_padded: bool,
) -> None:  # fmt: skip
    """dst[j, i] = src[i, j]: src (rows, cols) at src + i src_row + j, dst (cols, rows) at dst + j dst_row + i.

    dst_padded: rows of dst have room for whole vectors; otherwise nothing is written behind their end. Nothing outside
    src is read.
    """
    w = t.lanes(kind)
    strides = f.i64(src_row), f.i64(dst_row)

    def corner(i: Value, j: Value) -> tuple[Value, Value, Value, Value]:
        s = f.gep(src, f.add(f.mul(i, src_row), j), kind)
        d = f.gep(dst, f.add(f.mul(j, dst_row), i), kind)
        return s, strides[0], d, strides[1]

    if rows >= w and cols >= w:
        strip = _transpose_strip(f.module, t, kind)
        for i in _repeat(f, 0, w, rows // w):
            f.call(strip, *corner(i, f.i64(0)), f.i64(cols // w))
    if cols % w and rows >= w:
        edge = _transpose_edge(f.module, t, kind, dst_padded)
        for i in _repeat(f, 0, w, rows // w):
            f.call(edge, *corner(i, f.i64(cols - cols % w)), f.i64(w), f.i64(cols % w))
    if rows % w:
        edge = _transpose_edge(f.module, t, kind, dst_padded)
        i = f.i64(rows - rows % w)
        for j in _repeat(f, 0, w, cols // w):
            f.call(edge, *corner(i, j), f.i64(rows % w), f.i64(w))
        if cols % w:
            f.call(edge, *corner(i, f.i64(cols - cols % w)), f.i64(rows % w), f.i64(cols % w))
