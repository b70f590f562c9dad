"""Products and transpositions in vector IR, against NumPy and against the declared order of sums."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from surefit.compiler import engine
from surefit.compiler.gemm import emit_gemm, emit_transpose
from surefit.compiler.text import Function, Module

LEVELS = ["avx512", "avx2", "neon", "generic"]
DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}
CANARY = 77


def target(level):
    try:
        return engine.target(level)
    except engine.ArgumentError:
        pytest.skip(f"this CPU lacks {level}")


def compiled(t, write, arguments):
    """A function of so many pointers whose body `write` emits."""
    m = Module()
    f = Function(m, "entry", [(f"p{i}", "ptr") for i in range(arguments)])
    write(f, *f.args.values())
    f.ret()
    f.end()
    library = engine.Library(engine.object_code(str(m), t), t, ["entry"])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(library.addresses["entry"])
    return lambda *arrays: (call(*(a.ctypes.data for a in arrays)), library)[0]


def numbers(rng, shape, kind):
    if kind[0] == "f":
        return rng.standard_normal(shape).astype(DTYPES[kind])
    return rng.integers(-1000, 1000, shape).astype(DTYPES[kind])


def product(t, a, b, kind, *, padded, transposed=False, strict=False, after=None, seen=0):
    """A @ B by emit_gemm, its surroundings checked."""
    (m, k), n, lanes, dtype = a.shape, b.shape[1], t.lanes(kind), DTYPES[kind]
    wide = -(-n // lanes) * lanes
    a_memory = np.ascontiguousarray(a.T if transposed else a)
    a_strides = (1, m) if transposed else (k, 1)
    b_memory = np.full(k * (n + 3) + lanes, CANARY, dtype)
    b_memory[: k * (n + 3)].reshape(k, n + 3)[:, :n] = b
    c_row = wide if padded else n + 5
    c_memory = np.full((m + 2, c_row), CANARY, dtype)

    def write(f, pa, pb, pc, ps):
        emit_gemm(
            f, t, m=m, n=n, k=k, kind=kind, a=pa, a_row=a_strides[0], a_col=a_strides[1], b=pb, b_row=n + 3,
            c=f.gep(pc, c_row, kind), c_row=c_row, c_padded=padded, strict=strict,
            after_panel=None if after is None else lambda i0, rows: after(f, pc, ps, c_row, i0, rows),
        )  # fmt: skip

    counts = np.zeros(max(1, seen), np.int64)
    compiled(t, write, 4)(a_memory, b_memory, c_memory, counts)
    assert (c_memory[[0, -1]] == CANARY).all()
    if not padded:
        assert (c_memory[:, n:] == CANARY).all()
    c = c_memory[1:-1, :n]
    return (c, counts) if seen else c


def check(c, a, b, kind):
    if kind[0] == "i":
        np.testing.assert_array_equal(c, a @ b)
    else:
        a, b = a.astype(np.float64), b.astype(np.float64)
        bound = (a.shape[1] + 1) * np.finfo(c.dtype).eps * (abs(a) @ abs(b))
        assert (abs(c - a @ b) <= bound).all()


SHAPES = [(1, 1, 1), (1, 100, 37), (2, 3, 5), (7, 15, 13), (6, 16, 16), (5, 17, 3), (13, 31, 29), (64, 100, 20),
          (67, 113, 7), (23, 200, 11), (100, 10, 33), (130, 4, 3), (50, 1, 9), (3, 129, 4), (97, 64, 65)]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", DTYPES)
def test_products(level, kind):
    t, rng = target(level), np.random.default_rng(0)
    for s, (m, n, k) in enumerate(SHAPES):
        a, b = numbers(rng, (m, k), kind), numbers(rng, (k, n), kind)
        check(product(t, a, b, kind, padded=s % 2 == 0, transposed=s % 3 == 0), a, b, kind)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", DTYPES)
def test_transposition(level, kind):
    t, rng = target(level), np.random.default_rng(1)
    w = t.lanes(kind)
    for rows, cols in [(1, 1), (w, w), (w - 1, w + 1), (3 * w + 1, 2 * w - 1), (5, 4 * w), (40, 23), (1, 50), (50, 1)]:
        for padded in (True, False):
            src = numbers(rng, (rows, cols + 2), kind)
            d_row = -(-rows // w) * w if padded else rows + 3
            dst = np.full((cols + 1, d_row), CANARY, DTYPES[kind])

            def write(f, ps, pd, rows=rows, cols=cols, d_row=d_row, padded=padded):
                emit_transpose(f, t, rows=rows, cols=cols, kind=kind, src=ps, src_row=cols + 2, dst=pd, dst_row=d_row,
                               dst_padded=padded)  # fmt: skip

            compiled(t, write, 2)(src, dst)
            np.testing.assert_array_equal(dst[:cols, :rows], src[:, :cols].T)
            assert (dst[cols] == CANARY).all()
            assert padded or (dst[:, rows:] == CANARY).all()
