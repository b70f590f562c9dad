"""A training step: surefit's compiled loop against NumPy by hand, PyTorch, JAX and scikit-learn.

`harness/workloads.py` lists the steps, `harness/contenders.py` how each contender takes them: each in the fastest form
that its users write. Before the clock starts their first losses are compared. See README.md.
"""

from __future__ import annotations

import math
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import Contestant, alternate, chosen, importable, pin, quartiles, ratio, report, serve_turns, versions
from harness.contenders import CONTENDERS, first_losses
from harness.workloads import WORKLOADS, Workload, draw_rows
from typer import Option

TORCH_BAR = 0.25  # the largest good ratio to the faster of torch-eager and torch-compile
CALIBRATION = 200  # steps of the turn that decides how many steps the others have


def contestant(name: str, threads: int, workload: Workload) -> None:
    pin(threads)
    contender, losses, seconds = first_losses(name, workload, threads)
    rng = np.random.default_rng(3)

    def prepare(steps: int) -> Any:
        rows = contender.prepare(draw_rows(workload, steps, rng))
        return lambda: check_finite(name, contender.run(rows, steps))

    known = contender.compile_seconds
    serve_turns(prepare, {"losses": losses, "compile_s": known() if known else seconds})


def check_finite(name: str, losses: Any) -> None:
    if not math.isfinite(float(losses[-1])):
        raise SystemExit(f"{name}: the loss is {float(losses[-1])}")


def start(stack: ExitStack, name: str, threads: int, workload: Workload, seconds: float) -> tuple[Contestant, int]:
    """A contender in a process of its own, and how many steps make a turn of so many seconds."""
    c = Contestant(__file__, "--contestant", f"{name} {threads} {workload.to_json()}", threads=threads)
    stack.callback(c.close)
    first = max(1, min(CALIBRATION, round(seconds / 1e-4)))
    c.turn(first)  # what compiles for a number of steps has done so
    steps = max(1, round(seconds / c.turn(first)))
    c.turn(steps)
    return c, steps


def measure(workload: Workload, threads: int, names: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """Seconds of a step of each contender in each round, and of compiling."""
    with ExitStack() as stack:
        turns, compiled, losses = {}, {}, {}
        for name in names:
            c, steps = start(stack, name, threads, workload, seconds)
            turns[name] = lambda c=c, steps=steps: c.turn(steps)
            compiled[name], losses[name] = c.hello["compile_s"], c.hello["losses"]
        for name in names[1:]:
            np.testing.assert_allclose(losses[name], losses[names[0]], rtol=1e-3, err_msg=f"{names[0]} and {name}")
        return {"seconds": alternate(turns, rounds), "compile_s": compiled}


def rows_of(key: str, threads: int, seen: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "workload": key,
            "contender": name,
            "threads": threads,
            "us_per_step": statistics.median(seconds) * 1e6,
            "quartiles_us": [q * 1e6 for q in quartiles(seconds)],
            "compile_s": seen["compile_s"][name],
            "rounds_us": [s * 1e6 for s in seconds],
        }
        for name, seconds in seen["seconds"].items()
    ]


def microseconds(s: float) -> str:
    return f"{s * 1e6:.3g}" if s < 1e-4 else f"{s * 1e6:.0f}"


def compared(ours: list[float], theirs: list[float] | None, bar: float | None) -> str:
    """The ratio with its quartiles, and whether it meets the bar."""
    if theirs is None:
        return "-"
    middle, low, high = ratio(ours, theirs)
    text = f"{middle:.2f} ({low:.2f} to {high:.2f})"
    return text if bar is None else f"{text} {'met' if middle <= bar else 'NOT MET'}: {bar:g}"


def shown(key: str, threads: int, seen: dict[str, Any], names: list[str]) -> list[str]:
    seconds = seen["seconds"]
    cells = [key, str(threads), *(microseconds(statistics.median(seconds[n])) for n in names)]
    if "surefit" in names:
        torch = [seconds[n] for n in ("torch-eager", "torch-compile") if n in names]
        best = min(torch, key=statistics.median, default=None)
        cells += [compared(seconds["surefit"], seconds.get("jax-scan"), WORKLOADS[key].bar)]
        cells += [compared(seconds["surefit"], best, TORCH_BAR), f"{seen['compile_s']['surefit']:.2f} s"]
    return cells


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    only: Annotated[str, Option(help=f"Workloads, with commas between: {', '.join(WORKLOADS)}.")] = "",
    contenders: Annotated[str, Option(help=f"Contenders: {', '.join(CONTENDERS)}.")] = "",
    threads: Annotated[str, Option(help="Numbers of threads, the same for all.")] = "1,2",
    rounds: Annotated[int, Option(min=2, help="Turns of each contender.")] = 20,
    seconds: Annotated[float, Option(help="Length of a turn.")] = 0.1,
    quick: Annotated[bool, Option("--quick", help="3 short rounds: does it run, roughly how fast.")] = False,
    one: Annotated[str, Option("--contestant", hidden=True)] = "",
) -> None:
    """Print one table: microseconds of a step, ratios, and the bars they must meet."""
    if one:
        name, n, text = one.split(maxsplit=2)
        return contestant(name, int(n), Workload.from_json(text))
    if quick:
        rounds, seconds = 3, 0.02
    keys, names = chosen(only, WORKLOADS, "--only"), chosen(contenders, CONTENDERS, "--contenders")
    there, missing = importable(dict.fromkeys(CONTENDERS[n][0] for n in names))
    names = [n for n in names if CONTENDERS[n][0] in there]
    rows, cells = [], []
    for key in keys:
        for n in map(int, threads.replace(",", " ").split()):
            print(f"{key}, {n} thread{'s' * (n > 1)} ...", file=sys.stderr, flush=True)
            seen = measure(WORKLOADS[key], n, names, rounds, seconds)
            rows += rows_of(key, n, seen)
            cells.append(shown(key, n, seen, names))
    ratios = ["surefit / jax-scan", "surefit / PyTorch's best", "surefit compiles"] if "surefit" in names else []
    notes = [
        *(f"{key}: {WORKLOADS[key]}." for key in keys),
        f"Microseconds of a step, float32; medians of {rounds} alternated turns of {seconds:g} s; ratios are within "
        "each round, with quartiles.",
        "Every process is kept on as many cores as it may have threads. torch-compile compiles the whole step as one "
        "graph, jax-scan all steps of a turn; compiling is not in the times.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    data = {"versions": versions(["numpy", "torch", "jax", "sklearn", "llvmlite"]), "rows": rows}
    return report("Training step", ["", "threads", *names, *ratios], cells, notes, data, json)


if __name__ == "__main__":
    typer.run(main)
