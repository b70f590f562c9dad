"""From the shell to a fitted function, against the time in which others are only imported. See README.md."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from harness import alternate, chosen, importable, quartiles, ratio, report, versions
from typer import Option

FIT = ("surefit", "fit", "sin(x)", "--on", "x=-6.28:6.28", "--tol", "1e-8")
IMPORTS = {"torch": "import torch", "jax": "import jax.numpy", "sklearn": "import sklearn.neural_network"}
REACHED, NOT_REACHED = 0, 3  # exit codes of `surefit fit`


def fit() -> tuple[float, int]:
    """Seconds from the shell to the result, with an empty cache of compiled code, and the exit code."""
    with tempfile.TemporaryDirectory(prefix="surefit-cold-") as cache:
        return clocked([sys.executable, "-m", *FIT], os.environ | {"SUREFIT_CACHE": cache}, (REACHED, NOT_REACHED))


def imported(statement: str) -> tuple[float, int]:
    return clocked([sys.executable, "-c", statement], dict(os.environ), (0,))


def clocked(command: list[str], env: dict[str, str], good: tuple[int, ...]) -> tuple[float, int]:
    start = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode not in good:
        raise SystemExit(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return seconds, done.returncode


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=2, help="Fresh processes of each.")] = 7,
    against: Annotated[str, Option(help=f"Libraries to import, with commas between: {', '.join(IMPORTS)}.")] = "",
) -> None:
    """Print one table: shell to result, and imports of others."""
    names, missing = importable(chosen(against, IMPORTS, "--against"))
    turns: dict[str, Any] = {"surefit": fit, **{n: lambda n=n: imported(IMPORTS[n]) for n in names}}
    for turn in turns.values():
        turn()  # writes the byte code and warms the file cache
    seen = alternate(turns, rounds)
    seconds = {name: [s for s, _ in runs] for name, runs in seen.items()}
    reached = all(code == REACHED for _, code in seen["surefit"])
    commands = {"surefit": shlex.join(FIT), **{n: f'python -c "{IMPORTS[n]}"' for n in names}}
    cells, rows = [], []
    for name, times in seconds.items():
        middle, low, high = ratio(seconds["surefit"], times)
        against = "-" if name == "surefit" else f"{middle:.2f} ({low:.2f} to {high:.2f})"
        cells.append([f"`{commands[name]}`", f"{statistics.median(times):.2f} s", against])
        rows.append({"name": name, "command": commands[name], "seconds": times, "quartiles": quartiles(times)})
    notes = [
        f"Seconds of a fresh process from start to end; medians of {rounds} alternated runs, files cached, no compiled "
        "code cached.",
        "The tolerance was reached in every run." if reached else "The tolerance was not reached in every run.",
    ]
    if "torch" in names:
        met = statistics.median(seconds["surefit"]) < statistics.median(seconds["torch"]) and reached
        notes.append(
            f"Target: the fit, tolerance reached, in less time than `import torch`: {'met' if met else 'not met'}."
        )
    notes += [f"Left out, because it cannot be imported: {name}." for name in missing]
    data = {"versions": versions(IMPORTS), "rows": rows, "tolerance_reached": reached}
    report("Cold start", ["", "time", "surefit / this"], cells, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
