"""How long a training loop takes to compile, in a fresh process: cold, and from the disk cache. See README.md."""

from __future__ import annotations

import json as json_format
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from harness import chosen, quartiles, report, versions
from harness.contenders import training_loop
from harness.workloads import WORKLOADS
from typer import Option

PARTS = ("record", "passes", "IR", "LLVM")
TARGETS = {"cold": 0.5, "cached": 0.05}  # seconds, for E5


def once(key: str) -> None:
    """Compile in this process and say how long each part took."""
    loop = training_loop(WORKLOADS[key])
    explained = loop.explain()
    print(json_format.dumps({**loop.seconds, "cached": explained.cached, "kernels": len(explained.kernels)}))


def compiled(key: str, cache: str) -> dict[str, Any]:
    """The same in a fresh process, with a directory of compiled code."""
    command = [sys.executable, __file__, "--once", key]
    done = subprocess.run(command, env=os.environ | {"SUREFIT_CACHE": cache}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json_format.loads(done.stdout)


def measure(key: str, rounds: int) -> dict[str, Any]:
    """Parts of each round, cold and then from what the cold one left."""
    seen: dict[str, list[dict[str, Any]]] = {"cold": [], "cached": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="surefit-compile-") as cache:
            for how, runs in seen.items():
                runs.append(compiled(key, cache))
                if runs[-1]["cached"] != (how == "cached"):
                    raise SystemExit(f"{key}: the {how} run had cached={runs[-1]['cached']}")
    return {"workload": key, **seen}


def cells(key: str, how: str, runs: list[dict[str, Any]]) -> list[str]:
    totals = [sum(r[p] for p in PARTS) for r in runs]
    low, high = quartiles(totals)
    middle = statistics.median(totals)
    text = f"{1e3 * middle:.0f} ms ({1e3 * low:.0f} to {1e3 * high:.0f})"
    parts = [f"{1e3 * statistics.median(r[p] for r in runs):.1f}" for p in PARTS]
    target = f"<= {1e3 * TARGETS[how]:.0f} ms: {'met' if middle <= TARGETS[how] else 'not met'}" if key == "E5" else ""
    return [key, how, text, *parts, target]


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    only: Annotated[str, Option(help=f"Workloads, with commas between: {', '.join(WORKLOADS)}.")] = "E5",
    rounds: Annotated[int, Option(min=2, help="Fresh processes of each kind.")] = 5,
    one: Annotated[str, Option("--once", hidden=True)] = "",
) -> None:
    """Print one table: milliseconds of recording, passes, writing IR, and LLVM."""
    if one:
        return once(one)
    rows = [measure(key, rounds) for key in chosen(only, WORKLOADS, "--only")]
    table = [cells(r["workload"], how, r[how]) for r in rows for how in TARGETS]
    notes = [
        *(f"{r['workload']}: {WORKLOADS[r['workload']]}; {r['cold'][0]['kernels']} kernels." for r in rows),
        f"Milliseconds in a fresh process; medians of {rounds} runs, quartiles of the total.",
    ]
    data = {"versions": versions(["numpy", "llvmlite"]), "rows": rows}
    return report("Compile time", ["", "", "total", *PARTS, "target"], table, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
