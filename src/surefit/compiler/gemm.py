"""Matrix multiply and transposition as vector IR.

C = A B is cut into register tiles: a few rows by a few vectors of C whose sums stay in registers while k runs. Tiles
are private functions with strides and k as arguments, shared by all products of a module, since most of the time that
LLVM takes goes into them; what is written for one product is only the loops that call them. A small cost model chooses
the tiles from the extents.

Every element of C is one sum over ascending k whatever the tile, so the choice of tiles does not change a bit.

No BLAS is called, whose threads and order of sums would be its own: on one core of a Zen 4 the tiles were as fast as
OpenBLAS or faster up to 1024 x 1024 x 1024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from surefit.compiler.engine import Target
from surefit.core.order import BLOCK  # strict sums: so many consecutive k, then the sums of the blocks in order
from surefit.ir.builder import BYTES, Function, Module, Value, constant, is_float, vector

_B_BYTES = 24 * 1024  # of B under one tile: what a small L1 cache holds
_A_BYTES = 128 * 1024  # of A, read again for every tile of columns: what an L2 cache holds beside B
_MAX_ROWS, _MAX_VECTORS = 10, 8  # of a tile; more rows would run out of address registers
_PAGE = 4096
_DEPTH = 512  # of k at once, so that the rows of B that a tile reads stay near; a multiple of BLOCK
_LATENCY = 8.0  # operations that can begin before a sum is ready for the next one
_NEW = 160.0  # cycles that a tile must save for each of its sums to be worth its compile time


class Tile(NamedTuple):
    """Rows by vectors of C in registers.

    edge: the last vector is stored in part; half: and only half as wide; onto: sums go on from what C holds; ahead:
    memory that is needed later is asked for meanwhile.
    """

    rows: int
    vectors: int
    edge: bool = False
    half: bool = False
    onto: bool = False
    ahead: bool = False


class Columns(NamedTuple):
    """`tiles` side by side from column `start`, and the rows of each as (rows of a tile, number of tiles)."""

    start: int
    tiles: int
    shape: Tile  # but for its rows
    rows: tuple[tuple[int, int], ...]


# --- the choice of tiles ---


def _most_rows(t: Target, vectors: int, strict: bool = False) -> int:
    """Rows whose sums, with a row of B and one number of A, fit the registers (0: none).

    strict sums need a register for the block and one for the total, and one for the product, rounded apart.
    """
    free = t.registers - vectors - (1 if t.fma and not strict else 2)
    return min(free // (vectors * (2 if strict else 1)), _MAX_ROWS)


def _cycles(tile: Tile, k: int, row_bytes: int, vector_bytes: int) -> float:
    """What one tile takes, in slots of an arithmetic unit: arithmetic, loads or latency, whichever is longest; waiting.

    row_bytes: of a row of B. Fitted to 24 shapes of tiles in six products on a Xeon with AVX-512: few sums leave the
    units waiting, and so do few rows where B comes from L2, or where each of its rows lies in another page of memory.
    """
    wide = tile.vectors - 0.5 * tile.half
    loads = wide + tile.rows
    far = k * tile.vectors * vector_bytes > _B_BYTES or row_bytes > _PAGE // 2
    sums = tile.rows * tile.vectors
    waits = max(0.0, 1.6 - 0.08 * sums) + 0.1 * loads + far * wide * max(0.15, 0.9 - 0.09 * tile.rows)
    return k * (max(tile.rows * wide, 1.17 * loads, _LATENCY) + waits) + sums


@lru_cache(maxsize=1024)
def _covers(m: int, most: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Ways to cover m rows by tiles of at most two heights, none above `most`: ((rows, tiles), ...) each."""
    ways: list[tuple[tuple[int, int], ...]] = []
    for a in range(min(m, most), min(m, most) // 2, -1):
        if m % a == 0:
            ways.append(((a, m // a),))
            continue
        for b in range(a - 1, 0, -1):
            for x in range(m // a, max(0, m // a - b), -1):
                if (m - a * x) % b == 0:
                    ways.append(((a, x), (b, (m - a * x) // b)))
                    break
    return tuple(ways)


@lru_cache(maxsize=1024)
def plan(
    t: Target,
    kind: str,
    m: int,
    n: int,
    k: int,
    padded: bool,
    strict: bool = False,
    known: frozenset[Tile] = frozenset(),
) -> tuple[Columns, ...]:
    """Tiles that cover m rows and n columns exactly once. known: tiles that the module has already."""
    lanes = t.lanes(kind)
    masks = t.vector_bytes == 64  # storing a part of a vector costs no more than all of it; nor does half of one
    total, tail = -(-n // lanes), n % lanes
    half = masks and 0 < tail <= lanes // 2
    edge = half or (tail > 0 and not padded)
    sizes = [v for v in range(1, min(total, _MAX_VECTORS) + 1) if _most_rows(t, v, strict) >= min(m, 4)]
    if strict and m >= 4:  # numbers of A go straight from memory into products, which measured 1.3 times faster
        sizes = [1]
    found: dict[tuple[int, int, bool], tuple[float, tuple[tuple[int, int], ...]]] = {}

    def rows_of(vectors: int, tiles: int, last: bool) -> tuple[float, tuple[tuple[int, int], ...]]:
        key = (vectors, tiles, last)
        if key not in found:
            price = []
            most = _most_rows(t, vectors, strict)
            for rows in range(most + 1):
                tile = Tile(rows, vectors, last and edge, last and half)
                cycles = _cycles(tile, k, n * BYTES[kind], t.vector_bytes)
                price.append((cycles * tiles, 0.0 if tile in known else _NEW * (1 + rows * vectors)))
            found[key] = min((sum(price[r][0] * x + price[r][1] for r, x in way), way) for way in _covers(m, most))
        return found[key]

    best: tuple[float, list[tuple[int, int, bool]]] = (float("inf"), [])
    for last in sizes if edge else [0]:
        for vectors in sizes:
            wide, rest = divmod(total - last, vectors)
            if total > last and not wide:
                break
            ways = [[(vectors, wide, False), (rest, 1, False)]]
            if wide and 0 < rest < vectors - 1:  # or two as equal as can be
                both = vectors + rest
                ways.append([(vectors, wide - 1, False), ((both + 1) // 2, 1, False), (both // 2, 1, False)])
            for way in ways:
                way = [p for p in (*way, (last, 1, True)) if p[0] and p[1]]
                cost = sum(rows_of(*p)[0] for p in way)
                if cost < best[0]:
                    best = cost, way
    columns, start = [], 0
    for vectors, tiles, last in best[1]:
        shape = Tile(0, vectors, last and edge, last and half)
        columns.append(Columns(start, tiles, shape, rows_of(vectors, tiles, last)[1]))
        start += vectors * tiles * lanes
    return tuple(columns)


# --- tiles ---


def _at_least_once(g: Function, count: Value, carry: list[Value], body: Callable[[list[Value]], list[Value]]) -> list:
    """`count` >= 1 times body(carried) -> carried; what is left of them, without phis behind the loop."""
    before, head, done = g.block, g.label("each"), g.label("done")
    g.branch(head)
    g.start(head)
    at = len(g.lines)
    left = Value(g.fresh("k"), "i64")
    carried = [Value(g.fresh("c"), v.kind, v.width) for v in carry]
    after = body(carried)
    less = g.sub(left, 1)
    last = g.block
    g.lines[at:at] = [
        f"  {p.name} = phi {p.type} [{first.name}, %{before}], [{new.name}, %{last}]"
        for p, first, new in zip([left, *carried], [count, *carry], [less, *after], strict=True)
    ]
    g.branch_if(g.compare("gt", less, 0), head, done)
    g.start(done)
    return after


_ARGUMENTS = (
    "a:ptr b:ptr c:ptr k:i64 a_row:i64 a_col:i64 b_row:i64 c_row:i64 row_tiles:i64 col_tiles:i64 lanes:i64 "
    "later:ptr pace:i64"
)


def _tile_function(module: Module, t: Target, kind: str, tile: Tile, strict: bool) -> str:
    """A rectangle of equal tiles as a private function of _ARGUMENTS, all counts >= 1; its name with @."""
    key = ("gemm", kind, strict, tile)
    if key in module.shared:
        return module.shared[key]
    exact = strict and is_float(kind)
    flags = "" if exact or not is_float(kind) else "contract "
    name = f"gemm.{kind}.{tile.rows}x{tile.vectors}{'e' * tile.edge}{'h' * tile.half}{'o' * tile.onto}"
    name += ".strict" * exact + ".ahead" * tile.ahead
    arguments = [(x, k) for x, _, k in (word.partition(":") for word in _ARGUMENTS.split())]
    g = Function(module, name, arguments, flags=flags, private=True, inline="noinline")
    x = g.args
    lanes = t.lanes(kind)
    widths = [lanes] * tile.vectors
    if tile.half:
        widths[-1] //= 2
    zeros = [constant(0, kind, w) for w in widths] * tile.rows
    # Frozen: if LLVM knew that these are multiples, it would reach one row from another, a chain of additions.
    offsets = [g.emit("i64", 1, f"freeze {g.mul(x['a_row'], r)}") for r in range(tile.rows)]
    if tile.edge:
        word = "i32" if BYTES[kind] == 4 else "i64"
        mask = g.compare("lt", vector(range(widths[-1]), word), g.convert(x["lanes"], word))

    def step(carried: list[Value]) -> list[Value]:
        a, b, *sums = carried
        later = []
        if tile.ahead:
            p = sums.pop()
            g.prefetch(p, near=False)
            later = [g.gep(p, x["pace"], "i8")]
        bs = [g.load(g.gep(b, v * lanes, kind), kind, w) for v, w in enumerate(widths)]
        out = [g.gep(a, x["a_col"], kind), g.gep(b, x["b_row"], kind)]
        for r in range(tile.rows):
            one = g.load(g.gep(a, offsets[r], kind) if r else a, kind)
            if not tile.half:
                one = g.splat(one, lanes)
            out += [g.fma(one, bs[v], sums[r * tile.vectors + v]) for v in range(tile.vectors)]
        return out + later

    def sums_of(a: Value, b: Value, begin: list[Value], later: list[Value]) -> list[Value]:
        if not exact:
            return _at_least_once(g, x["k"], [a, b, *begin, *later], step)[2:]

        def block(carried: list[Value]) -> list[Value]:
            left, a, b, *total = carried
            size = g.select(g.compare("lt", left, BLOCK), left, BLOCK)
            a, b, *sums = _at_least_once(g, size, [a, b, *zeros], step)
            return [g.sub(left, BLOCK), a, b, *(g.add(p, q) for p, q in zip(total, sums, strict=True))]

        blocks = g.lshr(g.add(x["k"], BLOCK - 1), BLOCK.bit_length() - 1)
        return _at_least_once(g, blocks, [x["k"], a, b, *begin], block)[3:]

    def row_tile(carried: list[Value], b: Value) -> list[Value]:
        a, c, *places_later = carried
        later = [g.load(p, "ptr") for p in places_later]
        rows = [g.gep(c, g.mul(x["c_row"], r), kind) if r else c for r in range(tile.rows)]
        places = [(g.gep(row, v * lanes, kind), v, w) for row in rows for v, w in enumerate(widths)]
        part = [tile.edge and v == tile.vectors - 1 for _, v, _ in places]
        begin = zeros
        if tile.onto:
            begin = [
                g.load_masked(p, kind, mask) if cut else g.load(p, kind, w)
                for (p, _, w), cut in zip(places, part, strict=True)
            ]
        for s, (p, _, _), cut in zip(sums_of(a, b, begin, later), places, part, strict=False):
            if cut:
                g.store_masked(s, p, mask)
            else:
                g.store(s, p)
        below = [g.gep(a, g.mul(x["a_row"], tile.rows), kind), g.gep(c, g.mul(x["c_row"], tile.rows), kind)]
        return below + [g.gep(p, 1, "i64") for p in places_later]

    def col_tile(carried: list[Value]) -> list[Value]:
        b, c, *later = carried
        _, _, *later = _at_least_once(g, x["row_tiles"], [x["a"], c, *later], lambda rows: row_tile(rows, b))
        return [g.gep(b, tile.vectors * lanes, kind), g.gep(c, tile.vectors * lanes, kind), *later]

    begin = [x["b"], x["c"]] + [x["later"]] * tile.ahead
    if tile.edge:
        col_tile(begin)
    else:
        _at_least_once(g, x["col_tiles"], begin, col_tile)
    g.ret()
    module.shared[key] = g.end()
    return module.shared[key]


# --- products ---


def repeat(f: Function, start: int, step: int, count: int) -> Iterator[Value]:
    """start, start + step, ...: a loop in the code, or nothing but the number where there is one."""
    if count == 1:
        yield f.i64(start)
    elif count > 1:
        with f.loop(start, start + step * count, step) as l:
            yield l.i


def _panel(m: int, k: int, kind: str) -> int:
    """Rows of A that are multiplied with all columns of B before the next ones."""
    rows = min(m, max(64, _A_BYTES // (min(k, _DEPTH) * BYTES[kind]) // 8 * 8))
    return m if rows * 5 >= m * 4 else rows  # nearly all


def _slices(k: int) -> int:
    """Parts in which sums over k are taken."""
    return 1 if k <= 2 * _DEPTH else -(-k // _DEPTH)


def visits(t: Target, kind: str, m: int, n: int, k: int, padded: bool) -> int:
    """About how many tiles such a product has, if each can ask for memory ahead; else 0."""
    if _panel(m, k, kind) < m or _slices(k) > 1:
        return 0
    return sum(part.tiles * count for part in plan(t, kind, m, n, k, padded) for _, count in part.rows)


def emit_gemm(
    f: Function, t: Target, *, m: int, n: int, k: int, kind: str, a: Value, a_row: int, a_col: int, b: Value,
    b_row: int, c: Value, c_row: int, c_padded: bool, strict: bool = False, onto: bool = False,
    ahead: tuple[Value, int, int] | None = None,
) -> None:  # fmt: skip
    """C = A B: C[i, j] at c + i c_row + j, A[i, k] at a + i a_row + k a_col, B[k, j] at b + k b_row + j (in elements).

    A may have any strides. Of every row of B up to one vector beyond its end is read. c_padded: rows of C have room for
    whole vectors, what is written behind their end is not defined; otherwise nothing is written there.
    strict: sums in blocks of BLOCK, each from 0 in order, block sums added in order, products rounded.
    onto: C = C + A B, of which the sums go on from C.
    ahead: where addresses are listed, how many, and so many bytes behind each will be needed after this product: they
    are asked for while it runs, one address a tile. Only for a product with `visits`.
    """
    known = frozenset(key[3]._replace(ahead=False) for key in f.module.shared if key[:3] == ("gemm", kind, strict))
    lanes = t.lanes(kind)
    rows = _panel(m, k, kind)
    slices = _slices(k)
    deep = k if slices == 1 else -(-k // (slices * BLOCK)) * BLOCK
    pace = 0 if ahead is None else -(-ahead[2] // k)
    seen = 0  # tiles that asked for something

    def slice_of(i0: Value, rows: int, k0: Value, depth: int, onto: bool) -> None:
        """C's rows from i0: the part of the sums from k0, onto what they are already or not."""
        nonlocal seen
        for part in plan(t, kind, rows, n, k, c_padded, strict, known):
            j, i = part.start, i0
            inside = n - j - (part.shape.vectors - 1) * lanes  # lanes of an edge
            for high, count in part.rows:
                asks = ahead is not None and seen + count * part.tiles <= ahead[1]
                shape = part.shape._replace(rows=high, onto=onto, ahead=asks)
                tile = _tile_function(f.module, t, kind, shape, strict)
                pa = f.gep(a, f.add(f.mul(i, a_row), f.mul(k0, a_col)), kind)
                pb = f.gep(b, f.add(f.mul(k0, b_row), j), kind)
                pc = f.gep(c, f.add(f.mul(i, c_row), j), kind)
                numbers = (depth, a_row, a_col, b_row, c_row, count, part.tiles, inside)
                later = Value("null", "ptr")
                if ahead is not None and asks:
                    later = f.gep(ahead[0], seen, "i64")
                    seen += count * part.tiles
                f.call(tile, pa, pb, pc, *map(f.i64, numbers), later, f.i64(pace))
                i = f.add(i, high * count)

    def panel(i0: Value, rows: int) -> None:
        slice_of(i0, rows, f.i64(0), deep, onto)
        for k0 in repeat(f, deep, deep, k // deep - 1):
            slice_of(i0, rows, k0, deep, True)
        if k % deep:
            slice_of(i0, rows, f.i64(k - k % deep), k % deep, True)

    for i0 in repeat(f, 0, rows, m // rows):
        panel(i0, rows)
    if m % rows:
        panel(f.i64(m - m % rows), m % rows)


# --- transposition ---


_TRANSPOSE = (
    ("src", "ptr"), ("src_row", "i64"), ("dst", "ptr"), ("dst_row", "i64"), ("rows", "i64"), ("cols", "i64"),
)  # fmt: skip


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


def _transpose_blocks(module: Module, t: Target, kind: str) -> str:
    """A matrix of at least W rows and columns, as a private function of _TRANSPOSE; its name with @.

    The last blocks of W rows or columns overlap the ones before, where the extents are no multiples of W.
    """
    key = ("transpose", kind)
    if key not in module.shared:
        g = Function(module, f"transpose.{kind}", _TRANSPOSE, private=True, inline="noinline")
        x, w = g.args, t.lanes(kind)
        last_row, last_col = g.sub(x["rows"], w), g.sub(x["cols"], w)
        with g.loop(0, x["rows"], w) as down:
            i = g.select(g.compare("lt", down.i, last_row), down.i, last_row)
            strip, column = g.gep(x["src"], g.mul(i, x["src_row"]), kind), g.gep(x["dst"], i, kind)
            with g.loop(0, x["cols"], w, carry=[strip, column]) as along:
                src, dst = along.carried
                block = [g.load(g.gep(src, g.mul(x["src_row"], r), kind), kind, w) for r in range(w)]
                for r, row in enumerate(_transposed(g, block)):
                    g.store(row, g.gep(dst, g.mul(x["dst_row"], r), kind))
                left = g.sub(last_col, along.i)
                step = g.select(g.compare("lt", left, w), left, w)
                along.next = [g.gep(src, step, kind), g.gep(dst, g.mul(step, x["dst_row"]), kind)]
        g.ret()
        module.shared[key] = g.end()
    return module.shared[key]


def _transpose_thin(module: Module, kind: str) -> str:
    """Elements copied one by one, for fewer than W rows or columns, as a private function; its name with @."""
    key = ("transpose thin", kind)
    if key not in module.shared:
        names = "src:ptr s_row:i64 s_col:i64 dst:ptr d_row:i64 d_col:i64 rows:i64 cols:i64"
        arguments = [(x, k) for x, _, k in (word.partition(":") for word in names.split())]
        g = Function(module, f"transpose.thin.{kind}", arguments, private=True, inline="noinline")
        x = g.args
        with g.loop(0, x["rows"], carry=[x["src"], x["dst"]]) as outer:
            src, dst = outer.carried
            with g.loop(0, x["cols"], carry=[src, dst]) as inner:
                s, d = inner.carried
                g.store(g.load(s, kind), d)
                inner.next = [g.gep(s, x["s_col"], kind), g.gep(d, x["d_col"], kind)]
            outer.next = [g.gep(src, x["s_row"], kind), g.gep(dst, x["d_row"], kind)]
        g.ret()
        module.shared[key] = g.end()
    return module.shared[key]


def emit_transpose(
    f: Function, t: Target, *, rows: int, cols: int, kind: str, src: Value, src_row: int, dst: Value, dst_row: int
) -> None:  # fmt: skip
    """dst[j, i] = src[i, j]: src (rows, cols) at src + i src_row + j, dst (cols, rows) at dst + j dst_row + i.

    Nothing outside src is read, and nothing outside dst is written.
    """
    w = t.lanes(kind)
    if rows >= w and cols >= w:
        f.call(_transpose_blocks(f.module, t, kind), src, f.i64(src_row), dst, f.i64(dst_row), f.i64(rows), f.i64(cols))
        return
    strides = (src_row, 1), (1, dst_row)  # of a row and a column of src, in src and in dst
    if rows > cols:  # the long way inside
        rows, cols, strides = cols, rows, ((1, src_row), (dst_row, 1))
    (s_row, s_col), (d_row, d_col) = strides
    thin = _transpose_thin(f.module, kind)
    f.call(thin, src, f.i64(s_row), f.i64(s_col), dst, f.i64(d_row), f.i64(d_col), f.i64(rows), f.i64(cols))
