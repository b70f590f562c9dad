"""A table of many rows from a Parquet file: how long, how much memory, and how good, each size in a process of its own.

Five inputs, a smooth function with noise of a tenth of its deviation; `--rows 1e7` is the size that surefit promises to
fit below 2 GiB. `whole` reads the file at once and fits the same network, where that fits into memory.
"""

from __future__ import annotations

import json as as_json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from harness import versions
from typer import Option

NOISE = 0.1
FIT = """
import json, resource, sys, time
import numpy as np
import surefit

began = time.perf_counter()
fit = surefit.fit(
    sys.argv[1], method="features", model=(int(sys.argv[2]),), data=surefit.Sampling(stream=sys.argv[3] == "parts")
)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
told = fit.problem.source.get("parts", {}).get("memory")
print(json.dumps({"seconds": seconds, "peak": peak, "told": told, "rmse": fit.error.rmse, "on": fit.error.n}))
"""


def write(path: Path, rows: int, seed: int = 0) -> None:
    """Five columns and the values, in row groups of 2^17."""
    import pyarrow as arrow
    from pyarrow import parquet

    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d", "e", "y"]
    with parquet.ParquetWriter(path, arrow.schema([(name, arrow.float64()) for name in names])) as file:
        for low in range(0, rows, 2**17):
            x = rng.uniform(-1.0, 1.0, (min(2**17, rows - low), 5))
            y = np.sin(2 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2 - x[:, 3] * x[:, 4]
            y += NOISE * y.std() * rng.standard_normal(len(y))
            file.write_table(arrow.table([*x.T, y], names=names))


def main(
    rows: Annotated[str, Option(help="Rows of each table, separated by commas.")] = "1e5,1e6,1e7",
    units: Annotated[int, Option(min=1, help="Of the hidden layer.")] = 200,
    whole: Annotated[str, Option(help="Largest table that is read at once as well.")] = "1e6",
    json: Annotated[Path | None, Option(help="Write the figures to this file.")] = None,
) -> None:
    """Print one table: seconds, peak memory of the process, and the error at held-out rows in deviations of noise."""
    print(f"{versions(['surefit', 'numpy', 'pyarrow'])}, {os.cpu_count()} cores, 5-{units}-1\n")
    print("| rows | read | seconds | peak, GiB | of the fit as its card says, GiB | rmse at held-out rows | of them |")
    print("|---|---|---|---|---|---|---|")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (int(float(n)) for n in rows.split(",")):
            path = Path(folder) / f"{count}.parquet"
            write(path, count)
            for way in ("parts", "whole") if count <= float(whole) else ("parts",):
                done = subprocess.run(
                    [sys.executable, "-c", FIT, str(path), str(units), way], capture_output=True, check=True, text=True
                )
                row = {"rows": count, "read": way} | as_json.loads(done.stdout)
                told = "" if row["told"] is None else f"{row['told'] / 2**30:.2f}"
                print(
                    f"| {count:.0e} | {way} | {row['seconds']:.1f} | {row['peak'] / 2**30:.2f} | {told} | "
                    f"{row['rmse']:.5f} | {row['on']} |",
                    flush=True,
                )
                found.append(row)
    if json is not None:
        json.write_text(as_json.dumps({"rows": found}), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
