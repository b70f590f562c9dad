"""A training step, written the ordinary way, with surefit and with PyTorch, both eager.

Both run the same source below, since surefit's names are PyTorch's, from the same weights on the same data;
their losses are compared before the clock starts. See README.md.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from harness import Contestant, alternate, importable, ratio, report, serve, versions
from typer import Option


class Workload(NamedTuple):
    """A network, its batch and its optimiser; `target`: the largest good ratio to PyTorch's time."""

    widths: tuple[int, ...]
    batch: int
    optimizer: str
    lr: float
    target: float

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))} ReLU, batch {self.batch}, {self.optimizer}, MSE"


WORKLOADS = {
    "E2": Workload((1, 512, 1), 32, "SGD", 1e-3, target=1.0),
    "E5": Workload((2, 200, 100, 100, 80, 50, 30, 1), 64, "Adam", 3e-4, target=2.0),
}
WARM_UP = 200  # steps


def training_step(lib: Any, w: Workload) -> Callable[[], Any]:
    """One step of the workload with a library: `torch` or `surefit`."""
    rng = np.random.default_rng(0)
    layers = []
    for n_in, n_out in zip(w.widths, w.widths[1:], strict=False):
        layers += [lib.nn.Linear(n_in, n_out), lib.nn.ReLU()]
    model = lib.nn.Sequential(*layers[:-1])
    for p in model.parameters():
        p.data = lib.tensor(rng.normal(0.0, 0.5 / np.sqrt(p.shape[-1]), p.shape).astype(np.float32))
    x = lib.tensor(rng.uniform(-1.0, 1.0, (w.batch, w.widths[0])).astype(np.float32))
    y = lib.tensor(rng.uniform(-1.0, 1.0, (w.batch, 1)).astype(np.float32))
    loss_of = lib.nn.MSELoss()
    optimizer = getattr(lib.optim, w.optimizer)(model.parameters(), lr=w.lr)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def contestant(library: str, workload: str, threads: int) -> None:
    lib = import_module(library)
    if library == "torch":
        lib.set_num_threads(threads)
    step = training_step(lib, WORKLOADS[workload])
    losses = [step().item() for _ in range(WARM_UP)]
    serve(step, hello=losses)


def measure(workload: str, threads: int, libraries: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """One row: seconds per step of each library in each round."""
    with ExitStack() as stack:
        turns, losses = {}, {}
        for library in libraries:
            c = Contestant(__file__, "--contestant", f"{library} {workload} {threads}", threads=threads)
            stack.callback(c.close)
            steps = max(1, round(seconds / c.turn(100)))
            turns[library], losses[library] = lambda c=c, steps=steps: c.turn(steps), c.hello
        for library in libraries[1:]:
            np.testing.assert_allclose(losses[library], losses[libraries[0]], rtol=1e-3)  # both do the same work
        return {"workload": workload, "threads": threads, "seconds": alternate(turns, rounds)}


def shown(row: dict[str, Any], libraries: list[str]) -> list[str]:
    w, seconds = WORKLOADS[row["workload"]], row["seconds"]
    cells = [f"{row['workload']}: {w}", str(row["threads"])]
    cells += [f"{statistics.median(seconds[name]) * 1e6:.0f} us" for name in libraries]
    if "torch" in libraries:
        middle, low, high = ratio(seconds["surefit"], seconds["torch"])
        cells += [f"{middle:.2f} ({low:.2f} to {high:.2f})"]
        cells += [f"<= {w.target:g}: {'met' if middle <= w.target else 'not met'}"]
    return cells


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=2, help="Turns of each contestant.")] = 40,
    seconds: Annotated[float, Option(help="Length of a turn.")] = 0.05,
    threads: Annotated[list[int], Option(help="Numbers of threads, the same for both.")] = [1, 2],  # noqa: B006
    workloads: Annotated[list[str], Option(help="Which training steps.")] = list(WORKLOADS),  # noqa: B006
    one: Annotated[str, Option("--contestant", hidden=True)] = "",
) -> None:
    """Print one table: surefit against PyTorch eager."""
    if one:
        library, workload, n = one.split()
        return contestant(library, workload, int(n))
    libraries, missing = importable(["surefit", "torch"])
    rows = [measure(w, n, libraries, rounds, seconds) for w in workloads for n in threads]
    names = ["surefit", "PyTorch eager"][: len(libraries)]
    columns = ["training step", "threads", *names, *(["ratio (quartiles)", "target"] if not missing else [])]
    notes = [
        f"float32; medians of {rounds} alternated turns of {seconds:g} s; ratios are within each round.",
        "Threads: OPENBLAS_NUM_THREADS and its kin for both, torch.set_num_threads for PyTorch.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    data = {"versions": versions(["numpy", "torch"]), "rows": rows}
    return report("Training step, eager", columns, [shown(r, libraries) for r in rows], notes, data, json)


if __name__ == "__main__":
    typer.run(main)
