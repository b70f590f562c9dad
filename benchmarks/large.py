"""A table of many rows from a Parquet file: how long, how much memory, and how good, each size in a process of its own.

Five inputs, a smooth function with noise of a tenth of its deviation; `--rows 1e7` is the size that surefit promises to
fit below 2 GiB. "automatic" is what a user gets who says nothing: the whole table in memory, and whichever method is
best on it, "automatic, arrays" the same of arrays in memory, which then count, too, and "automatic, in parts" that of a
table which is too large for that. The memory is that of the whole
process, imports included; a fit of 1e6 rows is to take at most eight times its table. "in parts" solves for the output
layer of one hidden layer in one pass; "at once" reads the whole file and fits the same network, where that fits into
memory. "adam" trains two hidden layers of 64 units for a few epochs on rows that it keeps in memory if 256 MiB hold
them, and "adam, windows" on as many windows as `--windows` says, each read while the one before is trained on. A row is
48 bytes of the table.
"""

from __future__ import annotations

import json as as_json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from harness import report, versions
from typer import Option

NOISE, DEVIATION = 0.1, 0.6307  # of the noise, in deviations of the values; of the values
FIT = """
import json, sys, time
import numpy as np
import surefit
from surefit.checking import memory_peak

path, units, way, epochs, window = sys.argv[1], *map(eval, sys.argv[2:])
target = path
if way == "automatic, arrays":
    rows = np.load(path.replace(".parquet", ".npy"))
    target = rows[:, :5], rows[:, 5]
began = time.perf_counter()
if way.startswith("adam"):
    method, model = surefit.Adam(epochs=epochs, batch_size=256), (64, 64)
    data = surefit.Sampling(stream=True, window=window if way == "adam, windows" else None)
elif way.startswith("automatic"):
    method, model, data = "auto", None, surefit.Sampling(stream=True if way == "automatic, in parts" else None)
else:
    method, model, data = "features", (units,), surefit.Sampling(stream=way == "in parts")
fit = surefit.fit(target, method=method, model=model, data=data)
seconds, processor = time.perf_counter() - began, time.process_time()
peak = memory_peak()
told = fit.problem.source.get("parts", {}).get("memory")
found = {"seconds": seconds, "processor": processor, "peak": peak, "told": told, "rmse": fit.error.rmse}
print(json.dumps(found | {"on": fit.error.n}))
"""


def write(path: Path, rows: int, seed: int = 0, arrays: bool = False) -> None:
    """Five columns and the values, in row groups of 2^17; arrays: and as one array of NumPy beside it."""
    import pyarrow as arrow
    from pyarrow import parquet

    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d", "e", "y"]
    with parquet.ParquetWriter(path, arrow.schema([(name, arrow.float64()) for name in names])) as file:
        for low in range(0, rows, 2**17):
            x = rng.uniform(-1.0, 1.0, (min(2**17, rows - low), 5))
            y = np.sin(2 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2 - x[:, 3] * x[:, 4]
            y += NOISE * DEVIATION * rng.standard_normal(len(y))
            file.write_table(arrow.table([*x.T, y], names=names))
    if arrays:
        np.save(path.with_suffix(".npy"), np.stack([c.to_numpy() for c in parquet.read_table(path).columns], axis=1))


COLUMNS = [
    "rows",
    "how",
    "s",
    "s of processor",
    "GiB at most",
    "tables",
    "as its card says",
    "rmse at held-out rows",
    "of them",
]


WAYS = ("automatic", "automatic, arrays", "at once", "automatic, in parts", "in parts", "adam", "adam, windows")


def main(
    rows: Annotated[str, Option(help="Rows of each table, separated by commas.")] = "1e5,1e6,1e7",
    units: Annotated[int, Option(min=1, help="Of the hidden layer.")] = 50,
    whole: Annotated[str, Option(help="Largest table that is read at once as well.")] = "1e6",
    epochs: Annotated[int, Option(min=1, help="Of Adam.")] = 5,
    windows: Annotated[int, Option(min=1, help="In which Adam reads the rows.")] = 10,
    json: Annotated[Path | None, Option(help="Write the figures to this file.")] = None,
) -> None:
    """Print one table: seconds, peak memory of the process, and the error at held-out rows."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (int(float(n)) for n in rows.split(",")):
            path = Path(folder) / f"{count}.parquet"
            write(path, count, arrays=count <= float(whole))
            for way in WAYS:
                if way in WAYS[:3] and count > float(whole):
                    continue
                given = [str(path), str(units), repr(way), str(epochs), str(max(1, count // windows))]
                done = subprocess.run([sys.executable, "-c", FIT, *given], capture_output=True, check=True, text=True)
                found.append({"count": count, "how": way} | as_json.loads(done.stdout))
                print(f"{count:.0e} {way}: {found[-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
    cells = [
        [
            f"{r['count']:.0e}".replace("e+0", "e"), r["how"], f"{r['seconds']:.1f}", f"{r['processor']:.1f}",
            f"{r['peak'] / 2**30:.2f}", f"{r['peak'] / (48 * r['count']):.1f}",
            "" if r["told"] is None else f"{r['told'] / 2**30:.2f}", f"{r['rmse']:.5f}", str(r["on"]),
        ]
        for r in found
    ]  # fmt: skip
    notes = [
        "GiB: of the process with all that it imports, and in tables of 48 bytes a row. "
        "automatic: the whole table in memory, and the method chosen; arrays: they are in memory before; in parts: the "
        "units chosen by a sample, and one pass. "
        f"Features of 5-{units}-1 in one pass, or with all rows read at once; Adam on 5-64-64-1, {epochs} epochs in "
        f"batches of 256, its rows in memory or in windows of one in {windows}. The noise is {NOISE * DEVIATION:.4f}, "
        "below which no error at held-out rows can lie."
    ]
    figures = {"versions": versions(["numpy", "pyarrow"]), "rows": found}
    report("Large tables of five inputs", COLUMNS, cells, notes, figures, json)


if __name__ == "__main__":
    typer.run(main)
