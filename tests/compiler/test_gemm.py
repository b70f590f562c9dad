"""Products and transpositions in vector IR, against NumPy and against the declared order of sums.

Matrices end where memory ends, so that reading behind them is noticed; results lie among canaries.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from surefit.compiler import engine
from surefit.compiler.gemm import BLOCK, emit_gemm, emit_transpose, plan
from surefit.compiler.turned import emit_turned, room_of
from surefit.errors import ArgumentError
from surefit.ir.builder import Function, Module

LEVELS = ["avx512", "avx2", "neon", "generic"]
DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}
CANARY = 77


def target(level: str) -> engine.Target:
    try:
        return engine.target(level)
    except ArgumentError:
        pytest.skip(f"this CPU lacks {level}")


class Code:
    """Functions of pointers, written one after the other and compiled together."""

    def __init__(self, t: engine.Target) -> None:
        self.t, self.module, self.names = t, Module(), []

    def write(self, count: int, body: Callable[..., None]) -> str:
        """A function of `count` pointers whose body is body(f, *pointers); its name."""
        f = Function(self.module, f"entry{len(self.names)}", [(f"p{i}", "ptr") for i in range(count)])
        body(f, *f.args.values())
        f.ret()
        f.end()
        self.names.append(f.name)
        return f.name

    def build(self) -> Callable[..., None]:
        """call(name, *arrays)."""
        library = engine.Library(engine.object_code(str(self.module), self.t), self.t, self.names)

        def call(name: str, *arrays: np.ndarray) -> None:
            pointers = [ctypes.c_void_p] * len(arrays)
            ctypes.CFUNCTYPE(None, *pointers)(library.addresses[name])(*(a.ctypes.data for a in arrays))

        return call


def numbers(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    if kind[0] == "f":
        return rng.standard_normal(shape).astype(DTYPES[kind])
    return rng.integers(-(2**20), 2**20, shape).astype(DTYPES[kind])


def at_the_end(x: np.ndarray, slack: int = 0) -> np.ndarray:
    """A flat copy of x behind which so many elements may be read, and nothing more."""
    page = mmap.PAGESIZE
    size = x.nbytes + slack * x.itemsize
    whole = -(-size // page) * page
    memory = mmap.mmap(-1, whole + page)
    raw = np.frombuffer(memory, np.uint8)
    if sys.platform != "win32":
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mprotect(ctypes.c_void_p(raw.ctypes.data + whole), ctypes.c_size_t(page), 0) == 0
    flat = raw[whole - size : whole].view(x.dtype)
    flat[: x.size] = x.ravel()
    flat[x.size :] = CANARY
    return flat


class Case(NamedTuple):
    """One product: A plain, turned or every second element; rows of C with room for whole vectors, or not."""

    m: int
    n: int
    k: int
    a: str = "plain"
    padded: bool = True
    strict: bool = False


class Product:
    """A case written into code, with its matrices."""

    def __init__(self, code: Code, case: Case, kind: str, seed: int = 0) -> None:
        self.case, self.kind, self.dtype = case, kind, DTYPES[kind]
        m, n, k, rng, lanes = case.m, case.n, case.k, np.random.default_rng(seed), code.t.lanes(kind)
        self.a, self.b = numbers(rng, (m, k), kind), numbers(rng, (k, n), kind)
        if case.a == "turned":
            stored, self.a_row, self.a_col = np.ascontiguousarray(self.a.T), 1, m
        elif case.a == "spread":
            stored = np.full((m, 2 * k - 1), CANARY, self.dtype)
            stored[:, ::2], self.a_row, self.a_col = self.a, 2 * k - 1, 2
        elif case.a == "one row":  # the same for all
            self.a[:] = self.a[:1]
            stored, self.a_row, self.a_col = self.a[:1], 0, 1
        else:
            stored, self.a_row, self.a_col = self.a, k, 1
        self.a_memory = at_the_end(stored)
        self.b_memory = at_the_end(self.b, lanes)
        self.c_row = -(-n // lanes) * lanes if case.padded else n + 5
        self.c_memory = np.full((m + 2, self.c_row), CANARY, self.dtype)
        self.name = code.write(3, self.body(code.t))

    def body(self, t: engine.Target) -> Callable[..., None]:
        case = self.case

        def write(f: Function, a: Any, b: Any, c: Any) -> None:
            c = f.gep(c, self.c_row, self.kind)
            emit_gemm(
                f, t, m=case.m, n=case.n, k=case.k, kind=self.kind, a=a, a_row=self.a_row, a_col=self.a_col, b=b,
                b_row=case.n, c=c, c_row=self.c_row, c_padded=case.padded, strict=case.strict,
            )  # fmt: skip

        return write

    def result(self, call: Callable[..., None]) -> np.ndarray:
        call(self.name, self.a_memory, self.b_memory, self.c_memory)
        n = self.case.n
        assert (self.c_memory[[0, -1]] == CANARY).all()
        assert self.case.padded or (self.c_memory[:, n:] == CANARY).all()
        return self.c_memory[1:-1, :n]

    def check(self, call: Callable[..., None]) -> None:
        c = self.result(call)
        if self.kind[0] == "i":
            np.testing.assert_array_equal(c, self.a @ self.b)
            return
        a, b = self.a.astype(np.longdouble), self.b.astype(np.longdouble)
        bound = (self.case.k + 1) * np.finfo(self.dtype).eps * (abs(a) @ abs(b))
        assert (abs(c - a @ b) <= bound).all(), self.case


CASES = [
    Case(1, 1, 1), Case(1, 1, 1, padded=False), Case(1, 100, 37), Case(2, 3, 5, padded=False),
    Case(7, 15, 13, "turned"), Case(6, 16, 16), Case(5, 17, 3, "spread", padded=False), Case(64, 100, 20),
    Case(13, 31, 29, "turned", padded=False), Case(67, 113, 7, "spread"), Case(23, 200, 11, padded=False),
    Case(100, 10, 33), Case(130, 4, 3), Case(50, 1, 9), Case(31, 1, 40, "turned", padded=False), Case(3, 129, 4),
    Case(97, 64, 65), Case(11, 8, 6, "one row", padded=False), Case(9, 20, 1100, "turned", padded=False),
    Case(4, 33, 2065),
]  # fmt: skip


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", DTYPES)
def test_products(level, kind, strict):
    code = Code(target(level))
    cases = CASES if kind[0] == "f" or not strict else CASES[:4]
    products = [Product(code, case._replace(strict=strict), kind) for case in cases]
    call = code.build()
    for p in products:
        p.check(call)


def declared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A B in the order that strict sums have: blocks of consecutive k, each from 0, then the blocks."""
    total = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for k0 in range(0, a.shape[1], BLOCK):
        part = np.zeros_like(total)
        for k in range(k0, min(k0 + BLOCK, a.shape[1])):
            part = part + a[:, k, None] * b[k]
        total = total + part
    return total


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_strict_sums_have_the_declared_order(level, kind):
    code = Code(target(level))
    cases = [
        Case(m, n, k, strict=True) for m, n, k in [(1, 1, 16), (9, 37, 50), (64, 20, 100), (5, 100, 17), (3, 9, 1030)]
    ]
    products = [Product(code, case, kind) for case in cases]
    call = code.build()
    for p in products:
        np.testing.assert_array_equal(p.result(call), declared(p.a, p.b))


@pytest.mark.parametrize("strict", [False, True])
def test_an_element_does_not_depend_on_how_many_there_are(strict):
    code = Code(engine.target())
    whole = Product(code, Case(61, 71, 1100, strict=strict), "f32")
    parts = [Product(code, Case(m, n, 1100, strict=strict), "f32") for m, n in [(1, 71), (4, 71), (61, 5), (7, 30)]]
    for p in parts:
        m, n = p.case.m, p.case.n
        p.a_memory, p.b_memory = at_the_end(whole.a[:m]), at_the_end(whole.b[:, :n], 16)
    call = code.build()
    c = whole.result(call)
    for p in parts:
        np.testing.assert_array_equal(p.result(call), c[: p.case.m, : p.case.n])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_a_product_whose_transpose_is_computed_has_the_same_bits(level, kind, strict):
    code = Code(target(level))
    lanes, plain, written = code.t.lanes(kind), [], []
    for m, n, k in [
        (1, 1, 1),
        (5, 3, 7),
        (lanes - 1, 9, 40),
        (2 * lanes, 2 * lanes, 128),
        (33, 50, 129),
        (100, 20, 300),
    ]:
        product = Product(code, Case(m, n, k, strict=strict), kind)
        room, row = np.full(room_of(lanes, n, k) + lanes, CANARY, DTYPES[kind]), n + 3

        def write(f: Function, a: Any, b: Any, c: Any, room: Any, m=m, n=n, k=k, row=row) -> None:
            emit_turned(
                f, code.t, m=m, n=n, k=k, kind=kind, a=a, a_row=k, b=b, b_row=1, b_col=k, c=f.gep(c, row, kind),
                c_row=row, room=room, strict=strict,
            )  # fmt: skip

        written.append((code.write(4, write), room, np.full((m + 2, row), CANARY, DTYPES[kind])))
        plain.append(product)
    call = code.build()
    for product, (name, room, c) in zip(plain, written, strict=True):
        n = product.case.n
        call(name, at_the_end(product.a), at_the_end(np.ascontiguousarray(product.b.T)), c, room)
        np.testing.assert_array_equal(c[1:-1, :n], product.result(call))
        assert (c[[0, -1]] == CANARY).all() and (c[:, n:] == CANARY).all() and (room[-lanes:] == CANARY).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("strict", [True, False])
def test_tiles_cover_every_element_once_and_fit_the_registers(level, padded, strict):
    t, rng = target(level), np.random.default_rng(5)
    lanes = t.lanes("f32")
    for m, n, k in [(1, 1, 1), (128, 784, 100), *rng.integers(1, 260, (40, 3)).tolist()]:
        room = -(-n // lanes) * lanes
        seen = np.zeros((m, room), int)
        for part in plan(t, "f32", m, n, k, padded, strict):
            vectors = part.shape.vectors
            for start in range(part.start, part.start + part.tiles * vectors * lanes, vectors * lanes):
                i = 0
                for rows, count in part.rows:
                    assert rows * vectors * (1 + strict) + vectors + 1 <= t.registers
                    seen[i : i + rows * count, start : start + vectors * lanes] += 1
                    i += rows * count
                assert i == m
            assert part.shape.edge or padded or part.start + part.tiles * vectors * lanes <= n
        assert (seen == 1).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", DTYPES)
def test_transposition(level, kind):
    code, rng = Code(target(level)), np.random.default_rng(1)
    w, written = code.t.lanes(kind), []
    for rows, cols in [(1, 1), (w, w), (w - 1, w + 1), (3 * w + 1, 2 * w - 1), (5, 4 * w), (40, 23), (1, 50), (50, 2)]:
        src = numbers(rng, (rows, cols), kind)
        dst = np.full((cols + 1, rows + 3), CANARY, DTYPES[kind])
        name = code.write(
            2,
            lambda f, s, d, rows=rows, cols=cols: emit_transpose(
                f, code.t, rows=rows, cols=cols, kind=kind, src=s, src_row=cols, dst=d, dst_row=rows + 3
            ),
        )
        written.append((name, src, dst))
    call = code.build()
    for name, src, dst in written:
        rows, cols = src.shape
        call(name, at_the_end(src), dst)
        np.testing.assert_array_equal(dst[:cols, :rows], src.T)
        assert (dst[cols] == CANARY).all() and (dst[:, rows:] == CANARY).all()
