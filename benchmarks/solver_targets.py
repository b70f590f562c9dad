"""How far and how fast fit(tol=...) gets on the functions of the project's experiments. See README.md.

Every function is fitted with a tolerance relative to its largest value, in float64 and for deployment in float32; the
error is measured on points that the fit never saw. The command line is timed against the import of PyTorch.
"""

from __future__ import annotations

import json as json_format
import os
import statistics
import subprocess
import sys
import time as clock
from pathlib import Path
from typing import Annotated, Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: small matrices are not worth two

import numpy as np
import typer
from harness import alternate, importable, report, versions
from typer import Option

import surefit

FRESH = 20_001  # points on which the error is measured
UNITS = 100  # at most, for one input
COMMAND = [sys.executable, "-m", "surefit", "fit", "sin(x)", "--on", "x=-6.28:6.28", "--tol", "1e-8", "-q"]


class Target(NamedTuple):
    """A function, its box, the error relative to its largest value, and the seconds it may take."""

    formula: str
    box: dict[str, tuple[float, float]]
    relative: float
    seconds: float
    dtype: str = "float64"


PI = float(np.pi)
ONE = [
    ("sin(x)", 2 * PI),
    ("x^2", 2 * PI),
    ("-2/(2+sin(x))", 3.0),
    ("x^4-x^3+x^2-x+1", 10.0),
    ("sin(x)^2+x^3*cos(x)+4*x+2", 10.0),
]
TWO = ("sin(x1)-cos(x2)", {"x1": (-5.0, 5.0), "x2": (-5.0, 5.0)})
TARGETS = [
    *(Target(f, {"x": (-e, e)}, 1e-10, 1.0) for f, e in ONE),
    *(Target(f, {"x": (-e, e)}, 2e-6, 1.0, "float32") for f, e in ONE),
    Target(*TWO, 1e-5 / 2, 1.0),  # 1e-5 absolute: the largest value is 2
    Target(*TWO, 1e-6 / 2, 5.0),
]


def points(target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Fresh points, ends and corners among them, and the values there (n,)."""
    box = surefit.Domain(target.box)
    if box.dim == 1:
        x = np.linspace(box.low, box.high, FRESH)
    else:
        x = np.concatenate([np.random.default_rng(12345).uniform(box.low, box.high, (FRESH, box.dim)), box.corners()])
    return x, surefit.parse(target.formula, box.names).on_points(x)


def fit(target: Target, seed: int) -> dict[str, Any]:
    """One fit: seconds, relative error, units, what was done."""
    x, y = points(target)
    size = float(np.abs(y).max())
    began = clock.perf_counter()
    found = surefit.fit(target.formula, target.box, tol=target.relative * size, dtype=target.dtype, seed=seed)
    seconds = clock.perf_counter() - began
    layers = found.layers()
    return {
        "seconds": seconds,
        "error": float(np.abs(found.predict(x) - y).max()) / size,
        "units": None if layers is None else layers[1],
        "stage": found.method["stage"],
        "dtype": str(found.dtype),
    }


def run(command: list[str]) -> float:
    """Seconds of a process."""
    began = clock.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return clock.perf_counter() - began


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every run to this file.")] = None,
    seeds: Annotated[int, Option(min=1, help="Fits of each function.")] = 5,
    rounds: Annotated[int, Option(min=1, help="Starts of the command line.")] = 5,
) -> None:
    """Print one table: relative error, seconds, units and method of each fit, and the command line's time."""
    fit(TARGETS[0], 0)  # what is imported when it is first used
    rows, cells = [], []
    for target in TARGETS:
        runs = [fit(target, seed) for seed in range(seeds)]
        error, seconds = (max(r[k] for r in runs) for k in ("error", "seconds"))
        units = max(r["units"] for r in runs)
        met = error <= target.relative and seconds <= target.seconds and (len(target.box) > 1 or units <= UNITS)
        rows.append({**target._asdict(), "runs": runs})
        cells.append(
            [
                f"{target.formula} on {', '.join(f'{n}={a:.4g}:{b:.4g}' for n, (a, b) in target.box.items())}",
                target.dtype,
                f"{target.relative:.1g} in {target.seconds:g} s",
                f"{error:.1e}",
                f"{statistics.median(r['seconds'] for r in runs):.2f} s ({seconds:.2f} s)",
                f"{units}",
                runs[0]["stage"].split(",")[0],
                "met" if met else "not met",
            ]
        )
    torch = importable(["torch"])[0]
    turns = {"surefit": lambda: run(COMMAND)}
    if torch:
        turns["torch"] = lambda: run([sys.executable, "-c", "import torch"])
    started = alternate(turns, rounds)
    times = {name: statistics.median(seen) for name, seen in started.items()}
    notes = [
        f"Error and time: the worst of {seeds} seeds, in brackets for the time, whose median stands before it; error: "
        f"max |fit - f| / max |f| on {FRESH} points that the fit never saw.",
        f"`surefit fit {' '.join(json_format.dumps(w) for w in COMMAND[4:-1])}`, shell to result: "
        f"{times['surefit']:.2f} s" + (f"; `import torch`: {times['torch']:.2f} s." if torch else "."),
    ]
    columns = ["function", "network", "target", "error", "time", "units", "by", ""]
    data = {"versions": versions(["numpy", "torch"]), "rows": rows, "command": started}
    report("Solvers: the targets", columns, cells, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
