"""What an elementary function costs, compiled by surefit in both readings, against NumPy. See README.md."""

from __future__ import annotations

import ctypes
import inspect
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import alternate, ratio, report, versions
from typer import Option

from surefit.compiler import engine
from surefit.core.primitive import TABLE
from surefit.ir.builder import FAST, Function, Module
from surefit.ir.mathlib import FUNCTIONS, MAX_ULP

KINDS = {"float32": "f32", "float64": "f64"}
COUNT = 4096  # numbers: they stay in the first cache
POSITIVE = ("log", "pow")  # in the first argument
UNIT = ("asin", "acos", "atanh")  # from -1 to 1


def taken(name: str) -> int:
    """How many numbers the function takes."""
    return sum(p.default is p.empty for p in inspect.signature(FUNCTIONS[name]).parameters.values())


def arguments(name: str, dtype: str) -> list[np.ndarray]:
    """Everyday numbers that the function is defined for."""
    rng = np.random.default_rng(0)
    x, y = 2 * rng.normal(size=(2, COUNT))
    x = np.abs(x) if name in POSITIVE else np.abs(x) + 1 if name == "acosh" else np.tanh(x) if name in UNIT else x
    return [a.astype(dtype) for a in (x, y)[: taken(name)]]


def compiled(names: list[str], kind: str, flags: str) -> tuple[engine.Library, dict[str, Callable[..., Any]]]:
    """A loop over vectors for each function: f(x, y, out, n) of addresses."""
    target, module = engine.target(), Module()
    for name in names:
        f = Function(module, f"loop_{name}", [(a, "ptr") for a in ("x", "y", "out")] + [("n", "i64")], flags=flags)
        with f.loop(0, f.args["n"], target.lanes(kind)) as l:
            at = [f.gep(f.args[a], l.i, kind) for a in ("x", "y", "out")]
            args = [f.load(p, kind, target.lanes(kind)) for p in at[: taken(name)]]
            f.store(FUNCTIONS[name](f, *args), at[2])
        f.ret()
        f.end()
    code = engine.object_code(str(module), target)
    library = engine.Library(code, target, [f"loop_{name}" for name in names])
    of = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    return library, {name: of(library.addresses[f"loop_{name}"]) for name in names}


def timed(run: Callable[[], Any], seconds: float) -> Callable[[], float]:
    """A turn of about so many seconds; it answers with nanoseconds per number."""
    run()
    start = time.perf_counter()
    run()
    times = max(1, int(seconds / (time.perf_counter() - start)))

    def turn() -> float:
        start = time.perf_counter()
        for _ in range(times):
            run()
        return (time.perf_counter() - start) / times / COUNT * 1e9

    return turn


def measure(name: str, dtype: str, codes: dict[str, Callable[..., Any]], rounds: int, seconds: float) -> dict[str, Any]:
    """One row: all contestants on the same numbers, in turn."""
    args, out = arguments(name, dtype), np.empty(COUNT, dtype)
    places = [a.ctypes.data for a in (args[0], args[-1], out)]
    turns = {mode: timed(lambda code=code: code(*places, COUNT), seconds) for mode, code in codes.items()}
    turns["numpy"] = timed(lambda: TABLE[name](*args), seconds)
    return {"function": name, "dtype": dtype, "ns": alternate(turns, rounds)}


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=2, help="Turns of each contestant.")] = 61,
    seconds: Annotated[float, Option(min=0, help="Length of a turn: shorter than a slice of the scheduler.")] = 0.0003,
    functions: Annotated[str, Option(help="Names with commas between; all of them if empty.")] = "",
) -> None:
    """Print one table: nanoseconds per number."""
    names = functions.split(",") if functions else list(FUNCTIONS)
    rows: list[dict[str, Any]] = []
    for dtype, kind in KINDS.items():
        built = {mode: compiled(names, kind, flags) for mode, flags in (("fast", FAST), ("strict", ""))}
        for name in names:
            codes = {mode: table[name] for mode, (_, table) in built.items()}
            rows.append(measure(name, dtype, codes, rounds, seconds))
        for library, _ in built.values():
            library.close()
    cells = []
    for r in rows:
        fast, strict, numpy = (statistics.median(r["ns"][m]) for m in ("fast", "strict", "numpy"))
        middle, low, high = ratio(r["ns"]["fast"], r["ns"]["numpy"])
        bound = MAX_ULP[r["function"]][KINDS[r["dtype"]]]
        cells.append(
            [f"{r['function']}, {r['dtype']}", *(f"{t:.2f}" for t in (fast, strict, numpy)),
             f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{bound:g}"]
        )  # fmt: skip
    notes = [
        f"Nanoseconds per number on one core, {COUNT} numbers; medians of {rounds} alternated turns.",
        "NumPy's time is that of the primitive as surefit evaluates it eagerly; the errors are what surefit promises.",
    ]
    columns = ["function", "fast", "strict", "NumPy", "fast / NumPy (quartiles)", "error, ulp"]
    report(
        "Elementary functions", columns, cells, notes, {"versions": versions(["numpy", "scipy"]), "rows": rows}, json
    )


if __name__ == "__main__":
    typer.run(main)
