"""C: bit for bit the values of strict mode, whatever compiles it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surefit import nn
from surefit.compiler import compile_program
from surefit.exporters import compared, write
from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable, identifier

from .networks import exportable, layers, random_networks

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


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """One file with every activation and layer, float32 or float64, and some random networks; what they must give."""
    models = [
        exportable(net, d, f"{name} {i}", ("float32", "float64")[i % 2])
        for i, (name, (net, d)) in enumerate(layers().items())
    ]
    models += [exportable(net, d, name, "float64") for name, net, d in random_networks(8)]
    folder = tmp_path_factory.mktemp("everything")
    return sources(models, folder), models, {m.name: strict_values(m) for m in models}


@pytest.mark.slow  # gcc at -O2 and clang at -O3; the others compile three networks below
@pytest.mark.parametrize("compiler, flags", COMPILERS[1::4], ids=lambda v: v if isinstance(v, str) else " ".join(v))
def test_every_network_has_the_bits_of_strict_mode(everything, compiler, flags):
    path, models, wanted = everything
    assert not wrong_entries(built(path, compiler, flags), models, wanted)


def test_every_layer_that_there_is_is_tried():
    known = {type(m).__name__ for net, _ in layers().values() for m in net.modules()}
    there = {n for n in nn.__all__ if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    containers = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
    assert {n for n in there - known if not n.endswith("Loss")} == containers


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The same of three networks, which compile in a moment."""
    found = layers()
    models = [exportable(*found[name], name, dtype) for name, dtype in (("GELU", "float32"), ("Sin", "float64"))]
    models += [exportable(net, d, name) for name, net, d in random_networks(2, seed=5)]
    folder = tmp_path_factory.mktemp("few")
    return sources(models, folder), models, {m.name: strict_values(m) for m in models}


@pytest.mark.slow
@pytest.mark.skipif(not COMPILERS, reason="no C compiler on this machine")
def test_a_network_has_the_bits_of_strict_mode(few):
    path, models, wanted = few
    for compiler, flags in COMPILERS:
        assert not wrong_entries(built(path, compiler, flags), models, wanted), (compiler, flags)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc on this machine")
def test_contraction_is_switched_off_where_gcc_would_have_it(few):
    path, models, wanted = few
    gnu = ("-std=gnu99", "-O2", "-march=native", "-ffp-contract=fast")
    assert not wrong_entries(built(path, "gcc", gnu), models, wanted)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc on this machine")
@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast"])
def test_flags_that_change_results_do_not_compile(few, flag):
    done = subprocess.run(
        ["gcc", flag, "-c", "all.c", "-o", "no.o"], cwd=few[0].parent, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "compile without -ffast-math" in done.stderr


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc on this machine")
def test_an_object_needs_the_mathematical_library_alone_and_changes_nothing(few):
    done = subprocess.run(["gcc", "-O2", "-c", "all.c", "-o", "all.o"], cwd=few[0].parent, check=False)
    assert done.returncode == 0
    functions = ("sqrt", "fabs", "floor", "ceil", "trunc", "rint", "copysign", "ldexp", "fmod")
    symbols = subprocess.run(["nm", "all.o"], cwd=few[0].parent, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in symbols.splitlines()]
    needed = {row[-1] for row in rows if row[-2] == "U"}
    allowed = {f"{name}{f}" for name in functions for f in ("", "f")}
    assert needed <= allowed | {"__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_", "memset", "memcpy"}
    assert not [row for row in rows if row[-2] in "dDbBC"]  # no data that could be written


def test_names_of_users_stay_in_comments(tmp_path):
    net, d = layers()["Tanh"]
    m = replace(
        exportable(net, d, "模型 #error", derivative=False), inputs=("x*/ int main(){", "β\\n"),
        outputs=("??/", '"""'), about=("target: a */ b /* c", "second\nline"),
    )  # fmt: skip
    for to in ("c", "js", "fortran", "numpy"):
        paths = write(m, tmp_path / m.name, to)
        assert compared(m, paths, to, 5).ulp < 10
