"""How the cost of a training step grows: with width, depth, batch, data and number of networks. See README.md.

One picture, one panel for each. The step is that of 2-64-64-1 tanh, batch 64, Adam, float32, and one of its sizes
changes; every contender is timed beside surefit in a process of its own, in turns.
"""

from __future__ import annotations

import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import Contestant, chosen, importable, pin, quartiles, report, serve_turns, versions
from harness.contenders import CONTENDERS, training_loop
from harness.workloads import Workload, draw_rows
from training_step import measure
from typer import Option

BASE = Workload((2, 64, 64, 1), "tanh", "mse", 4_096, 64, "Adam", 1e-3)
CURVES: dict[str, tuple[str, dict[int, Workload]]] = {
    "width": (
        "hidden units in each of two layers",
        {n: BASE._replace(widths=(2, n, n, 1)) for n in (8, 16, 32, 64, 128, 256, 512)},
    ),
    "depth": ("hidden layers of 64", {n: BASE._replace(widths=(2, *[64] * n, 1)) for n in (1, 2, 4, 8, 16)}),
    "batch": ("rows of a batch", {n: BASE._replace(batch=n) for n in (1, 4, 16, 64, 256, 1024, 4096)}),
    "data": ("rows of the data", {n: BASE._replace(rows=n) for n in (256, 4_096, 65_536, 1_048_576)}),
    "networks": ("networks trained at once", dict.fromkeys((1, 2, 4, 8, 16), BASE)),
}


def many(networks: int, threads: int, workload: Workload) -> None:
    """A contestant that trains so many networks at once, spread over the threads."""
    pin(threads)
    loops = [training_loop(workload, 1) for _ in range(networks)]
    rng, pool = np.random.default_rng(3), ThreadPoolExecutor(threads)

    def prepare(steps: int) -> Any:
        rows = [draw_rows(workload, steps, rng) for _ in loops]
        return lambda: list(pool.map(lambda pair: pair[0].run(pair[1]), zip(loops, rows, strict=True)))

    serve_turns(prepare, None)


def measure_many(networks: int, threads: int, rounds: int, seconds: float) -> list[float]:
    """Seconds of one step of all networks, in each round."""
    c = Contestant(__file__, "--contestant", f"{networks} {threads} {BASE.to_json()}", threads=threads)
    c.turn(100)
    steps = max(1, round(seconds / c.turn(100)))
    seen = [c.turn(steps) for _ in range(rounds)]
    c.close()
    return seen


def draw(rows: list[dict[str, Any]], names: list[str], file: Path) -> None:
    """The curves, one panel each, with the quartiles as bands."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    colours = dict(zip(CONTENDERS, ["#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9"], strict=True))
    curves = [c for c in CURVES if any(r["curve"] == c for r in rows)]
    figure, panels = plt.subplots(1, len(curves), figsize=(3.4 * len(curves), 3.6), layout="constrained", squeeze=False)
    for panel, curve in zip(panels[0], curves, strict=True):
        for name in names:
            points = [r for r in rows if (r["curve"], r["contender"]) == (curve, name)]
            if not points:
                continue
            x = [r["value"] for r in points]
            panel.plot(x, [r["us_per_step"] for r in points], "o-", color=colours[name], label=name, ms=4)
            panel.fill_between(
                x, *zip(*(r["quartiles_us"] for r in points), strict=True), color=colours[name], alpha=0.2
            )
        panel.set(xscale="log", yscale="log", xlabel=CURVES[curve][0], title=curve)
        low, high = panel.get_ylim()
        panel.set_ylim(low / 1.5, max(1.5 * high, 10 * low))  # so that noise looks like noise
        panel.set_xticks(x, [f"{v:,}" for v in x], rotation=45 if max(x) > 999 else 0)
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("microseconds of a step")
    panels[0][0].legend(frameon=False)
    figure.savefig(file, dpi=130)


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    picture: Annotated[Path | None, Option(help="Draw the curves into this file.")] = None,
    only: Annotated[str, Option(help=f"Curves, with commas between: {', '.join(CURVES)}.")] = "",
    contenders: Annotated[str, Option(help=f"Contenders: {', '.join(CONTENDERS)}.")] = "surefit,jax-scan,torch-eager",
    threads: Annotated[int, Option(min=1, help="Threads of everybody.")] = 1,
    rounds: Annotated[int, Option(min=2, help="Turns of each contender at each point.")] = 7,
    seconds: Annotated[float, Option(help="Length of a turn.")] = 0.05,
    quick: Annotated[bool, Option("--quick", help="Two points of each curve, 3 short rounds.")] = False,
    one: Annotated[str, Option("--contestant", hidden=True)] = "",
) -> None:
    """Print one table, and draw one picture if asked."""
    if one:
        networks, n, text = one.split(maxsplit=2)
        return many(int(networks), int(n), Workload.from_json(text))
    if quick:
        rounds, seconds = 3, 0.01
    curves, names = chosen(only, CURVES, "--only"), chosen(contenders, CONTENDERS, "--contenders")
    there, missing = importable(dict.fromkeys(CONTENDERS[n][0] for n in names))
    names = [n for n in names if CONTENDERS[n][0] in there]
    rows: list[dict[str, Any]] = []
    for curve in curves:
        points = list(CURVES[curve][1].items())
        for value, workload in points[:: len(points) - 1] if quick else points:
            print(f"{curve} {value} ...", file=sys.stderr, flush=True)
            if curve == "networks":
                seen = {"surefit": measure_many(value, threads, rounds, seconds)} if "surefit" in names else {}
            else:
                seen = measure(workload, threads, names, rounds, seconds)["seconds"]
            rows += [
                {
                    "curve": curve,
                    "value": value,
                    "contender": name,
                    "threads": threads,
                    "us_per_step": statistics.median(times) * 1e6,
                    "quartiles_us": [q * 1e6 for q in quartiles(times)],
                    "rounds_us": [s * 1e6 for s in times],
                }
                for name, times in seen.items()
            ]
    table = []
    for curve, value in dict.fromkeys((r["curve"], r["value"]) for r in rows):
        at = {r["contender"]: f"{r['us_per_step']:.3g}" for r in rows if (r["curve"], r["value"]) == (curve, value)}
        table.append([curve, f"{value:,}", *(at.get(name, "-") for name in names)])
    if picture is not None:
        draw(rows, names, picture)
    notes = [
        f"{BASE}; one size changes. Microseconds of a step, {threads} thread{'s' * (threads > 1)}; medians of {rounds} "
        f"turns of {seconds:g} s. networks: a step of all of them, spread over the threads.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    data = {"versions": versions(["numpy", "torch", "jax", "sklearn", "llvmlite"]), "rows": rows}
    return report("Scaling of a training step", ["", "size", *names], table, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
