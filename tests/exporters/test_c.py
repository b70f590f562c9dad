"""C: bit for bit the values of strict mode, whatever compiles it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from surefit.compiler import compile_program
from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable, identifier

COMPILERS = [
    (compiler, flags)
    for compiler in ("gcc", "clang")
    if shutil.which(compiler)
    for flags in (("-O0",), ("-O2",), ("-O3", "-march=native"))
]
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror")


def sources(models: list[Exportable], folder: Path) -> Path:
    """All models in one file of C."""
    whole = []
    for m in models:
        head, source = c_code(m, f"{identifier(m.name)}.h")
        (folder / f"{identifier(m.name)}.h").write_text(head)
        whole.append(source)
    path = folder / "all.c"
    path.write_text("\n".join(whole))
    return path


def built(path: Path, compiler: str, flags: tuple[str, ...]) -> ctypes.CDLL:
    out = path.with_name(f"{compiler}{''.join(flags)}.so")
    command = [compiler, *flags, *WARNINGS, "-shared", "-fPIC", path.name, "-o", str(out), "-lm"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(out))


def called(function, *args: np.ndarray, count: int | None = None) -> None:
    function.restype = None
    more = [] if count is None else [ctypes.c_size_t(count)]
    function(*(ctypes.c_void_p(a.ctypes.data) for a in args), *more)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal bits, where NaN is NaN."""
    return (
        a.dtype == b.dtype
        and np.array_equal(a, b, equal_nan=True)
        and bool((np.signbit(a) == np.signbit(b))[a == a].all())
    )


def wrong_entries(library: ctypes.CDLL, models: list[Exportable], wanted: dict[str, list]) -> list[str]:
    """The functions that give other numbers than strict mode."""
    wrong = []
    for m in models:
        p, d, k, dtype = identifier(m.name), len(m.inputs), len(m.outputs), m.dtype
        for x, (values, product, weights, direction) in zip(m.points, wanted[m.name], strict=True):
            y, j, h = np.zeros(k, dtype), np.zeros((k, d), dtype), np.zeros(d, dtype)
            called(library[f"{p}_eval"], x, y)
            if not same(y, values[0].reshape(k)):
                wrong.append(f"{m.name} eval {y} {values[0]}")
            called(library[f"{p}_jacobian"], x, y, j)
            if not (same(y, values[0].reshape(k)) and same(j, values[1].reshape(k, d))):
                wrong.append(f"{m.name} jacobian")
            called(library[f"{p}_hessian_product"], x, weights, direction, h)
            if not same(h, product.reshape(d)):
                wrong.append(f"{m.name} hessian {h} {product}")
        batch = np.zeros((len(m.points), k), dtype)
        called(library[f"{p}_batch"], m.points, batch, count=len(batch))
        if not same(batch, m.reference(m.points)[0]):
            wrong.append(f"{m.name} batch")
        if library[f"{p}_self_test"]():
            wrong.append(f"{m.name} self test")
    return wrong


def strict_values(m: Exportable) -> list:
    """Of each point: value and Jacobian, a Hessian product, and with which weights and direction."""
    rng = np.random.default_rng(2)
    both, curvature = compile_program(m.derivative, mode="strict"), compile_program(m.curvature, mode="strict")
    found = []
    for x in m.points:
        weights, direction = rng.normal(size=len(m.outputs)), rng.normal(size=len(m.inputs))
        (product,) = curvature.run([x[None], weights, direction])[0]
        found.append((both.run([x[None]])[0], product, weights, direction))
    return found
