"""How long it takes to import surefit, and to make a first tensor, against other libraries. See README.md."""

from __future__ import annotations

import json as json_format
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from harness import alternate, importable, report, versions
from typer import Option

# what to import, and the first value that it makes
FIRST = {
    "surefit": "surefit.tensor([1.0])",
    "numpy": "numpy.array([1.0])",
    "torch": "torch.tensor([1.0])",
    "jax.numpy": "jax.numpy.array([1.0])",
    "sklearn.neural_network": "sklearn.neural_network.MLPRegressor()",
}
TARGET = 0.15  # seconds
NOT_LOADED = ("scipy", "matplotlib", "llvmlite")  # by `import surefit`, nor by its first tensor

PROBE = """
import sys, time
start = time.perf_counter()
import {module}
imported = time.perf_counter()
{first}
done = time.perf_counter()
import json
print(json.dumps([imported - start, done - start, sorted(m for m in sys.modules if "." not in m)]))
"""


def probe(module: str) -> tuple[float, float, list[str]]:
    """A fresh interpreter: seconds to import, seconds to have a first value, the modules loaded by then."""
    code = PROBE.format(module=module, first=FIRST[module])
    return json_format.loads(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    )


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=1, help="Fresh interpreters for each library.")] = 9,
) -> None:
    """Print one table: time to import, time to a first value."""
    modules, missing = importable(FIRST)
    for name in modules:
        probe(name)  # writes the byte code and warms the file cache
    seen = alternate({name: lambda name=name: probe(name) for name in modules}, rounds)
    loaded = [name for name in NOT_LOADED if any(name in there for _, _, there in seen["surefit"])]
    rows: list[dict[str, Any]] = [
        {"module": name, "import": [a for a, _, _ in runs], "first": [b for _, b, _ in runs]}
        for name, runs in seen.items()
    ]
    met = "met" if statistics.median(rows[0]["import"]) < TARGET else "not met"
    notes = [
        f"Seconds inside a fresh interpreter; medians of {rounds} alternated runs, files cached.",
        f"Target: import surefit in less than {TARGET} s: {met}.",
        f"Of {', '.join(NOT_LOADED)}, surefit with its first tensor loads {' and '.join(loaded) or 'none'}.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    cells = [
        [
            f"`import {r['module']}`",
            *(f"{statistics.median(r[k]):.3f} s" for k in ("import", "first")),
        ]
        for r in rows
    ]
    data = {"versions": versions(name.split(".")[0] for name in modules[1:]), "rows": rows, "loaded": loaded}
    report("Import", ["", "import", "and first value"], cells, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
