"""The matrix products of training steps: surefit's tiles, SciPy's BLAS and NumPy, on one core.

Tiles and BLAS are called from the same compiled loop, so that what is compared is the product alone; NumPy's figure
includes its call from Python. See README.md.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from harness import THREADS, alternate, ratio, report, versions
from typer import Option

NETWORKS = {  # widths and batch
    "E5": ((2, 200, 100, 100, 80, 50, 30, 1), 64),
    "E3-mnist": ((784, 100, 10), 128),
    "E3-deep": ((784, 100, 100, 100, 10), 128),
    "matexp": ((4, 32, 16, 4), 10000),
}
SMALLEST = 5  # thinner products are no work for tiles: they become sums of columns


class Product(NamedTuple):
    """C (m, n) = A (m, k) B (k, n); turned: A is stored by columns; room: rows of C end with whole vectors."""

    name: str
    m: int
    n: int
    k: int
    turned: bool
    room: bool


def products_of(widths: tuple[int, ...], batch: int) -> list[Product]:
    """What a training step multiplies: X W', D W and D' X of every layer but the first one's D W."""
    found = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layer = f"{n_in}-{n_out}"
        found.append(Product(f"{layer} forward", batch, n_out, n_in, False, True))
        if i:
            found.append(Product(f"{layer} to the input", batch, n_in, n_out, False, True))
        found.append(Product(f"{layer} to the weights", n_out, n_in, batch, True, False))
    return [p for p in dict.fromkeys(found) if min(p.m, p.n, p.k) >= SMALLEST]


CONTENDERS = ("surefit", "surefit strict", "BLAS")


def compiled(products: list[Product]) -> tuple[dict[tuple[Product, str], Callable[..., None]], Any]:
    """Loops over each product for each contender: call(a, b, c, times)."""
    from surefit.compiler import engine, gemm
    from surefit.ir.builder import Function, Module

    t, names = engine.target(), {}
    module = Module()
    for p in products:
        for contender in CONTENDERS:
            f = Function(module, f"f{len(names)}", [("a", "ptr"), ("b", "ptr"), ("c", "ptr"), ("times", "i64")])
            a_row, a_col = (1, wide(p.m)) if p.turned else (wide(p.k), 1)
            b_row, c_row = wide(p.n), wide(p.n) if p.room else p.n
            a, b, c = (f.args[x] for x in "abc")
            with f.loop(f.i64(0), f.args["times"]):
                if contender == "BLAS":
                    call_blas(f, (p.m, p.n, p.k), a, a_row, a_col, b, b_row, c, c_row)
                else:
                    gemm.emit_gemm(
                        f, t, m=p.m, n=p.n, k=p.k, kind="f32", a=a, a_row=a_row, a_col=a_col, b=b, b_row=b_row, c=c,
                        c_row=c_row, c_padded=p.room, strict=contender == "surefit strict",
                    )  # fmt: skip
            f.ret()
            f.end()
            names[p, contender] = f.name
    library = engine.Library(engine.object_code(str(module), t), t, list(names.values()))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return {key: kind(library.addresses[name]) for key, name in names.items()}, library


def call_blas(
    f: Any, size: tuple[int, int, int], a: Any, a_row: int, a_col: int, b: Any, b_row: int, c: Any, c_row: int
) -> None:  # fmt: skip
    """C = A B by SciPy's sgemm, which sees the rows of a matrix as columns: it is told to make C' = B' A'."""
    import numpy as np
    from llvmlite import binding
    from scipy.linalg import cython_blas

    from surefit.ir.builder import Value

    m, n, k = size
    name = f.module.declare("benchmark.sgemm", "void", ["ptr"] * 13)
    binding.add_symbol(name[1:], address_of(cython_blas.__pyx_capi__["sgemm"]))
    number = lambda x, dtype: Value(f.module.array(np.array([x], dtype)), "ptr")
    integer, real = lambda x: number(x, np.int32), lambda x: number(x, np.float32)
    plain, turned = number(ord("N"), np.uint8), number(ord("T"), np.uint8)
    a_turned, a_stride = (plain, a_row) if a_col == 1 else (turned, a_col)
    f.call(
        name, plain, a_turned, integer(n), integer(m), integer(k), real(1), b, integer(b_row), a, integer(a_stride),
        real(0), c, integer(c_row),
    )  # fmt: skip


def address_of(capsule: Any) -> int:
    """The C function that a capsule of Cython holds."""
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get_pointer(capsule, get_name(capsule))


def wide(n: int) -> int:
    """Floats of a row that ends with a whole vector."""
    return -(-n // 16) * 16


def measure(p: Product, calls: dict[tuple[Product, str], Callable[..., None]], rounds: int, seconds: float) -> Any:
    """Seconds per product of each contender in each round."""
    import numpy as np

    rng = np.random.default_rng(0)

    def aligned(rows: int, columns: int) -> np.ndarray:
        raw = np.zeros(rows * columns + 32, np.float32)
        raw = raw[(-raw.ctypes.data % 64) // 4 :][: rows * columns].reshape(rows, columns)
        raw[:] = rng.standard_normal(raw.shape)
        return raw

    stored = aligned(p.k, wide(p.m)) if p.turned else aligned(p.m, wide(p.k))
    b, c = aligned(p.k, wide(p.n)), aligned(p.m, wide(p.n) if p.room else p.n)
    b = np.concatenate([b, b[:1]])  # behind a row there is room to read
    a = (stored.T if p.turned else stored)[: p.m, : p.k]
    b_exact, out = b[: p.k, : p.n], np.empty((p.m, p.n), np.float32)
    expected = a.astype(np.float64) @ b_exact.astype(np.float64)

    def turn(name: str) -> float:
        start = time.thread_time()
        if name == "NumPy":
            for _ in range(times):
                np.matmul(a, b_exact, out=out)
        else:
            calls[p, name](stored.ctypes.data, b.ctypes.data, c.ctypes.data, times)
        return (time.thread_time() - start) / times

    times = 1
    for name in CONTENDERS:  # all compute the same
        turn(name)
        np.testing.assert_allclose(c[:, : p.n], expected, atol=1e-4 * p.k**0.5)
    times = max(1, round(seconds / turn("BLAS")))
    return alternate({name: lambda name=name: turn(name) for name in (*CONTENDERS, "NumPy")}, rounds)


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=2, help="Turns of each contender.")] = 40,
    seconds: Annotated[float, Option(help="Length of a turn.")] = 0.002,
    networks: Annotated[list[str], Option(help="Whose products.")] = ["E5", "E3-mnist", "matexp"],  # noqa: B006
) -> None:
    """Print one table: billions of operations a second on one core."""
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy is imported
    products = list(dict.fromkeys(p for name in networks for p in products_of(*NETWORKS[name])))
    begin = time.process_time()
    calls, library = compiled(products)
    compile_seconds = time.process_time() - begin
    rows, shown = [], []
    for p in products:
        taken = measure(p, calls, rounds, seconds)
        rows.append({"product": p._asdict(), "seconds": taken})
        middle, low, high = ratio(taken["surefit"], taken["BLAS"])
        speeds = [f"{2e-9 * p.m * p.n * p.k / statistics.median(taken[name]):.0f}" for name in taken]
        shown.append([f"{p.name}: {p.m} x {p.n} x {p.k}", *speeds, f"{middle:.2f} ({low:.2f} to {high:.2f})"])
    columns = ["product m x n x k", *CONTENDERS, "NumPy", "time, surefit : BLAS (quartiles)"]
    notes = [
        f"GFLOP/s, float32, one core, CPU time; medians of {rounds} alternated turns of {seconds:g} s.",
        "Ratios are within each round.",
        f"All {len(calls)} loops were compiled together in {compile_seconds:.2f} s of CPU time.",
    ]
    data = {"versions": versions(["numpy", "scipy", "llvmlite"]), "rows": rows}
    report("Matrix products", columns, shown, notes, data, json)
    library.close()


if __name__ == "__main__":
    typer.run(main)
