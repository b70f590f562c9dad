"""Noisy tables: how far the automatic choice and each method end from the truth. See README.md.

Twenty tables are drawn from functions that are known, so that the distance of a fit to the function without noise can
be measured, in deviations of the noise: a fit that keeps the noise is about one away. Slices of four measured tables of
the UCI repository join them where they lie; there the distance is the root mean squared error on other rows, in
deviations of the target. Nothing that a named method reaches with its own settings should be out of reach of the
automatic choice.
"""

from __future__ import annotations

import os
import statistics
import sys
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np
import typer
from harness import report, versions
from harness.material import NEARBY
from typer import Option

import surefit

METHODS = ("auto", "features", "varpro", "lm", "lbfgs", "adam")
DENSE = 4000  # points on which the distance to the truth is measured
TARGET = 1.1  # the automatic choice is at most so many times as far away as the best named method
UCI = {"yacht": 150, "energy": 200, "concrete": 300, "airfoil": 400}  # rows to fit
Values = Callable[[np.ndarray], np.ndarray]


class Made(NamedTuple):
    """A table to be drawn: truth (n, d) -> (n,) on [0, 1]^d, rows, deviation of the noise over that of the truth."""

    truth: Values
    inputs: int
    rows: int
    noise: float


class Drawn(NamedTuple):
    """Rows to fit, points to look at, what is right there, and the unit of the distance."""

    x: np.ndarray
    y: np.ndarray
    at: np.ndarray
    right: np.ndarray
    unit: float


def line(x: np.ndarray) -> np.ndarray:
    return 3 * x[:, 0] - 1


def wave(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * x[:, 0])


def waves(x: np.ndarray) -> np.ndarray:
    return np.sin(6 * np.pi * x[:, 0]) + 0.5 * np.cos(9 * x[:, 0])


def decay(x: np.ndarray) -> np.ndarray:
    return np.exp(-6 * x[:, 0])


def step(x: np.ndarray) -> np.ndarray:
    return np.tanh(20 * (x[:, 0] - 0.4))


def peak(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + 100 * (x[:, 0] - 0.6) ** 2)


def kink(x: np.ndarray) -> np.ndarray:
    return np.abs(x[:, 0] - 0.3)


def plane(x: np.ndarray) -> np.ndarray:
    return 2 * x[:, 0] - x[:, 1] + 0.5


def product(x: np.ndarray) -> np.ndarray:
    return (x[:, 0] - 0.3) * (x[:, 1] - 0.6)


def ripples(x: np.ndarray) -> np.ndarray:
    return np.sin(5 * x[:, 0]) - np.cos(4 * x[:, 1])


def franke(x: np.ndarray) -> np.ndarray:
    a, b = 9 * x[:, 0], 9 * x[:, 1]
    return (
        0.75 * np.exp(-((a - 2) ** 2 + (b - 2) ** 2) / 4)
        + 0.75 * np.exp(-((a + 1) ** 2) / 49 - (b + 1) / 10)
        + 0.5 * np.exp(-((a - 7) ** 2 + (b - 3) ** 2) / 4)
        - 0.2 * np.exp(-((a - 4) ** 2) - (b - 7) ** 2)
    )


def sum_of_three(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + x[:, 2]


def ratio_of_three(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * np.exp(-x[:, 1]) / (0.5 + x[:, 2])


def linear_4(x: np.ndarray) -> np.ndarray:
    return x @ np.array([1.0, -2.0, 0.5, 0.0])


def quadratic_4(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] + (x[:, 2] - 0.5) ** 2 - x[:, 3]


def friedman(x: np.ndarray) -> np.ndarray:
    return 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]


TABLES = {
    "line": Made(line, 1, 100, 0.3),
    "wave, few rows": Made(wave, 1, 40, 0.2),
    "wave": Made(wave, 1, 200, 0.3),
    "waves": Made(waves, 1, 150, 0.1),
    "decay": Made(decay, 1, 80, 0.05),
    "step": Made(step, 1, 200, 0.1),
    "peak": Made(peak, 1, 300, 0.1),
    "kink": Made(kink, 1, 100, 0.1),
    "plane": Made(plane, 2, 100, 0.2),
    "product": Made(product, 2, 150, 0.1),
    "ripples": Made(ripples, 2, 100, 0.05),
    "ripples, more rows": Made(ripples, 2, 400, 0.2),
    "franke": Made(franke, 2, 300, 0.1),
    "sum of three": Made(sum_of_three, 3, 150, 0.1),
    "ratio of three": Made(ratio_of_three, 3, 300, 0.05),
    "linear in four": Made(linear_4, 4, 100, 0.3),
    "quadratic in four": Made(quadratic_4, 4, 200, 0.1),
    "friedman, few rows": Made(friedman, 5, 100, 0.1),
    "friedman": Made(friedman, 5, 200, 0.2),
    "friedman, more rows": Made(friedman, 5, 400, 0.02),
}
QUICK = ("line", "wave, few rows", "step", "product", "ripples", "linear in four", "friedman")


def drawn(name: str, seed: int) -> Drawn:
    """Rows and noise of a seed."""
    made = TABLES[name]
    rng = np.random.default_rng([seed, list(TABLES).index(name)])
    x = rng.random((made.rows, made.inputs))
    y = made.truth(x)
    at = rng.random((DENSE, made.inputs))
    sigma = made.noise * float(made.truth(at).std())
    return Drawn(x, y + sigma * rng.standard_normal(len(y)), at, made.truth(at), sigma)


def measured(folder: Path, name: str, seed: int) -> Drawn:
    """A slice of a measured table, drawn by the seed; the other rows are looked at."""
    table = np.loadtxt(folder / name / "data.csv.gz", delimiter=",")
    order = np.random.default_rng(seed).permutation(len(table))
    fitted, other = table[order[: UCI[name]]], table[order[UCI[name] :]]
    return Drawn(fitted[:, :-1], fitted[:, -1], other[:, :-1], other[:, -1], float(other[:, -1].std()))


def distance(table: Drawn, method: str, seed: int) -> tuple[float, float]:
    """How far a fit ends from what is right, in the table's unit, and its seconds."""
    began = clock.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = surefit.fit((table.x, table.y), method=method, seed=seed)
        seconds = clock.perf_counter() - began
        off = found.predict(table.at) - table.right
    return float(np.sqrt(np.mean(off**2))) / table.unit, seconds


def main(
    data: Annotated[
        Path | None, Option(help="Folder that holds uci/; default $SUREFIT_DATA or ../shared/data.")
    ] = None,
    only: Annotated[str, Option(help="Tables, separated by semicolons, or the beginning of their names.")] = "",
    methods: Annotated[str, Option(help="Methods, separated by commas.")] = ",".join(METHODS),
    seeds: Annotated[int, Option(min=1, help="Draws of each table, each with a fit of its own.")] = 3,
    quick: Annotated[bool, Option("--quick", help="Seven of the tables, one seed.")] = False,
    json: Annotated[Path | None, Option(help="Write the figures of every run to this file.")] = None,
) -> None:
    """Print one table: distances to the truth, medians over the seeds, and the automatic choice over the best named."""
    folder = (data or Path(os.environ.get("SUREFIT_DATA", NEARBY))) / "uci"
    everything = [*TABLES, *(n for n in UCI if (folder / n).exists())]
    names = [n for n in everything if any(n.startswith(part.strip()) for part in only.split(";"))]
    if quick:
        names, seeds = [n for n in names if n in QUICK], 1
    tried = methods.split(",")
    if not names:
        raise typer.BadParameter(f"{only!r} begins no name; names: {'; '.join(everything)}", param_hint="--only")
    cells: list[list[str]] = []
    rows: list[dict[str, Any]] = []
    for name in names:
        tables = [drawn(name, s) if name in TABLES else measured(folder, name, s) for s in range(seeds)]
        runs = {m: [distance(t, m, s) for s, t in enumerate(tables)] for m in tried}
        middle = {m: statistics.median(d for d, _ in r) for m, r in runs.items()}
        named = {m: d for m, d in middle.items() if m != "auto"}
        best = min(named, key=named.__getitem__) if named else "auto"
        over = middle["auto"] / middle[best] if "auto" in middle else float("nan")
        rows.append({"table": name, "runs": runs, "ratio": over})
        made = TABLES.get(name)
        words = f"{made.rows} rows, {made.inputs}-D, noise {made.noise:.0%}" if made else f"{UCI[name]} rows, UCI"
        distances = [f"**{d:.3g}**" if m == best else f"{d:.3g}" for m, d in middle.items()]
        taken = statistics.median(s for _, s in runs[tried[0]])
        cells.append([f"{name} ({words})", *distances, f"{over:.2f}{'' if over <= TARGET else ' !'}", f"{taken:.1f}"])
        print(f"{name}: auto / {best} {over:.2f}", file=sys.stderr, flush=True)
    ratios = [row["ratio"] for row in rows]
    above = sum(not r <= TARGET for r in ratios)
    notes = [
        f"Distances to the truth in deviations of the noise (UCI: error on other rows in deviations of the target), "
        f"medians of {seeds} seeds; the best named method in bold; seconds of the first column.",
        f"auto / best named: median {statistics.median(ratios):.2f}, largest {max(ratios):.2f}; above {TARGET:g} on "
        f"{above} of {len(ratios)} (target: none).",
    ]
    columns = ["table", *tried, "auto / best", "seconds"]
    report("Noisy tables", columns, cells, notes, {"versions": versions(["numpy", "scipy"]), "rows": rows}, json)


if __name__ == "__main__":
    typer.run(main)
