"""Fifty equations of the Feynman lectures, fitted in equal time by surefit and by others. See README.md.

Every contestant is a process of its own with one BLAS thread. The others get as many points as surefit takes when
nobody says how many, inputs and outputs scaled, two hidden layers of 64 tanh units, and as long as surefit; the RBF
interpolator takes as many of the points as it can solve for in that time.

`--opaque` gives surefit functions of which nothing can be read, and tells what became of them by number of inputs.
"""

from __future__ import annotations

import json as json_format
import math
import statistics
import sys
import time as clock
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from harness import Contestant, importable, obey, report, versions
from harness.approximators import Predict, by_lbfgs, by_mlp, by_rbf, torch_net, unscaled
from harness.material import data_folder
from harness.opaque import Opaque, cards_told_too_little
from typer import Option

import surefit
from surefit.data import Domain, default_count, sample
from surefit.search import limits

FILE = "functions/feynman_1_50.json"
QUICK = (
    "I.6.2a",
    "I.6.2",
    "I.6.2b",
    "I.8.14",
    "I.9.18",
    "I.10.7",
    "I.12.1",
    "I.13.4",
    "I.15.3x",
    "I.16.6",
    "I.29.16",
    "I.40.1",
)
FAILED = 0.1  # of the range of the target: an error above that is called a failure
FRESH = 10_000  # points on which errors are measured
MANY = 200_000  # points on which what a card says of an opaque function is tried
POOR = 5e-3  # of the range: an error of an opaque function above that is counted


class Task(NamedTuple):
    """An equation, its box, seconds, and training points in [-1, 1]^d with values of mean 0 and deviation 1."""

    formula: str
    box: Domain
    seconds: float
    seed: int
    opaque: bool = False  # surefit is given a function of which nothing can be read

    def sample(self) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Points in [-1, 1]^d, scaled values (n, 1), and their shift and scale."""
        x = sample(self.box, default_count(self.box.dim), "uniform", with_corners=True, generator=self.seed)
        y = self.values(x)[:, None]
        shift, scale = float(y.mean()), float(y.std()) or 1.0
        return self.box.scale(x), (y - shift) / scale, shift, scale

    def values(self, x: np.ndarray) -> np.ndarray:
        return surefit.parse(self.formula, self.box.names).on_points(x)


def by_surefit(task: Task, method: str) -> surefit.Fit:
    target = Opaque(task.values) if task.opaque else task.formula
    return surefit.fit(target, task.box, method=method, time=task.seconds, seed=task.seed)


def by_adam(task: Task) -> Predict:
    """PyTorch: float32, batch 256, rate 5e-3 down a cosine that ends with the time."""
    import torch

    x, y, shift, scale = task.sample()
    start = clock.perf_counter()
    torch.manual_seed(task.seed)
    net = torch_net(x.shape[1])
    xs, ys = (torch.tensor(v, dtype=torch.float32) for v in (x, y))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    while (part := (clock.perf_counter() - start) / task.seconds) < 1:
        optimizer.param_groups[0]["lr"] = 5e-3 * (0.01 + 0.99 * (1 + math.cos(math.pi * part)) / 2)
        rows = torch.randint(len(xs), (256,))
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(xs[rows]), ys[rows]).backward()
        optimizer.step()
    return unscaled(task, shift, scale, lambda p: net(torch.tensor(p, dtype=torch.float32)).detach().numpy())


CONTESTANTS: dict[str, tuple[str, Callable[[Task], Predict]]] = {
    "PyTorch Adam": ("torch", by_adam),
    "PyTorch L-BFGS": ("torch", by_lbfgs),
    "scikit-learn MLP": ("sklearn", by_mlp),
    "SciPy RBF": ("scipy", by_rbf),
}


def serve(name: str, method: str, opaque: bool) -> None:
    """Be a contestant: a line of JSON is a task, the answer its errors and time."""
    act: Callable[[Task], Predict | surefit.Fit]
    act = CONTESTANTS[name][1] if name in CONTESTANTS else lambda task: by_surefit(task, method)
    if name.startswith("PyTorch"):
        import torch

        torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    act(Task("sin(x)", Domain((-1, 1)), 0.2, 0))  # what a library loads at its first use is not counted

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        box = Domain({n: (low, high) for n, low, high in order["vars"]})
        task = Task(order["formula"], box, order["seconds"], order["seed"], opaque)
        start = clock.perf_counter()
        try:
            found = act(task)
            seconds = clock.perf_counter() - start
            predict = found.predict if isinstance(found, surefit.Fit) else found
            x = sample(box, FRESH, "uniform", with_corners=True, generator=10_000 + task.seed)
            y = task.values(x)
            error = np.abs(predict(x) - y)
            told: dict[str, float] = {}
            if opaque and isinstance(found, surefit.Fit):
                many = sample(box, MANY, "uniform", with_corners=True, generator=20_000 + task.seed)
                largest = float(np.abs(predict(many) - task.values(many)).max())
                told = {"card": float(found.error.max / np.ptp(y)), "at many": max(largest, error.max()) / np.ptp(y)}
        except Exception as e:  # a contestant that breaks down has lost this one
            return {"error": None, "seconds": clock.perf_counter() - start, "why": f"{type(e).__name__}: {e}"}
        worst = float(error.max() / np.ptp(y))
        return {"error": worst if math.isfinite(worst) else None, "seconds": seconds, **told}

    obey(answer, name)


@contextmanager
def changed(name: str, value: Any) -> Iterator[None]:
    """Within the block a number of `search/limits.py` is another, wherever it was imported."""
    old = getattr(limits, name)
    places = [m for key, m in list(sys.modules.items()) if key.startswith("surefit.") and vars(m).get(name) is old]
    for module in places:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module in places:
            setattr(module, name, old)


def scaled(value: Any, factor: float) -> Any:
    """A number, or those of a tuple or dict, times a factor; whole numbers stay whole and above 0."""
    if isinstance(value, dict):
        return {k: scaled(v, factor) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(scaled(v, factor) for v in value)
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor


def sensitivity(
    equations: list[dict[str, Any]], seconds: float, seed: int, names: list[str], json: Path | None
) -> None:
    """What becomes of errors and seconds when each number of `search/limits.py` is halved and doubled."""

    def fitted() -> tuple[np.ndarray, np.ndarray]:
        errors, times = [], []
        for equation in equations:
            box = Domain({n: (low, high) for n, low, high in equation["vars"]})
            task = Task(equation["formula"], box, seconds, seed)
            start = clock.perf_counter()
            predict = by_surefit(task, "auto").predict
            times.append(clock.perf_counter() - start)
            x = sample(box, FRESH, "uniform", with_corners=True, generator=10_000 + seed)
            y = task.values(x)
            errors.append(float(np.abs(predict(x) - y).max() / np.ptp(y)))
        return np.array(errors), np.array(times)

    fitted()  # what is loaded and compiled at a first use is not counted
    error, took = fitted()
    rows, cells = [], []
    for name in names:
        row: dict[str, Any] = {"name": name, "value": repr(getattr(limits, name))}
        for label, factor in (("halved", 0.5), ("doubled", 2.0)):
            with changed(name, scaled(getattr(limits, name), factor)):
                e, t = fitted()
            row[label] = float(np.exp(np.mean(np.log((e + 1e-16) / (error + 1e-16)))))
            row[f"{label}, seconds"] = float(t.sum() / took.sum())
            row[f"{label}, differ"] = int((np.abs(e - error) > 1e-6 * error).sum())
        rows.append(row)
        cells.append([name, row["value"][:30], *(f"{row[k]:.3g}" for k in list(row)[2:])])
        print(" | ".join(cells[-1]), flush=True)
    title = f"Numbers of search/limits.py, halved and doubled: {len(equations)} equations, {seconds:g} s each"
    heads = ["error", "seconds", "fits that differ"]
    header = ["number", "value", *(f"{label}: {head}" for label in ("halved", "doubled") for head in heads)]
    notes = ["Errors: geometric mean of the ratios to those with the numbers as they are. Seconds: ratio of the sums."]
    used = [equation["name"] for equation in equations]
    figures = {"versions": versions(["scipy"]), "rows": rows, "seconds": seconds, "equations": used}
    report(title, header, cells, notes, figures, json)


def main(
    data: Annotated[
        Path | None, Option(help="Folder that holds functions/; default $SUREFIT_DATA or ../shared/data.")
    ] = None,
    time: Annotated[float, Option(min=0.1, help="Seconds for each contestant and equation.")] = 10.0,
    only: Annotated[str, Option(help="Names of equations, separated by commas, or a slice such as 0:10.")] = "",
    contestants: Annotated[str, Option(help="Their names, separated by commas.")] = ",".join(("surefit", *CONTESTANTS)),
    method: Annotated[str, Option(help="Of surefit.")] = "auto",
    seeds: Annotated[int, Option(min=1, help="Runs of each; medians are shown.")] = 1,
    opaque: Annotated[
        bool, Option("--opaque", help="surefit is given functions of which nothing can be read, not formulas.")
    ] = False,
    own_time: Annotated[
        bool, Option("--own-time", help="Seconds are of each process's own processor time: for a busy machine.")
    ] = False,
    quick: Annotated[bool, Option("--quick", help="A dozen equations and two seconds.")] = False,
    json: Annotated[Path | None, Option(help="Write the error and time of every run to this file.")] = None,
    sensitive: Annotated[
        str, Option("--sensitivity", help="Instead: halve and double these numbers of search/limits.py, or all.")
    ] = "",
    joined: Annotated[
        str, Option(help="Print one table of earlier runs instead, such as slices: their --json files, by commas.")
    ] = "",
    contestant: Annotated[str, Option(hidden=True)] = "",
) -> None:
    """Print one table: the largest errors, as a share of the range of each function, medians and failures."""
    if contestant:
        serve(contestant, method, opaque)
        return
    if joined:
        _join([Path(file) for file in joined.split(",")], method, json)
        return
    equations = _chosen(json_format.loads(data_folder(data, FILE).read_text(encoding="utf-8")), only, quick)
    seconds = 2.0 if quick else time
    if sensitive:
        known = [name for name in dir(limits) if name.isupper() and getattr(limits, name) is not None]
        names = known if sensitive == "all" else sensitive.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SystemExit(f"--sensitivity: there is no number {unknown[0]!r}; there are {', '.join(known)}")
        warnings.simplefilter("ignore")
        sensitivity(equations, seconds, 0, names, json)
        return
    have, missing = importable(sorted({module for module, _ in CONTESTANTS.values()}))
    names = [n for n in contestants.split(",") if n == "surefit" or CONTESTANTS[n][0] in have]
    more = ["--method", method, *(["--opaque"] if opaque else [])]
    runners = {n: Contestant(__file__, "--contestant", n, *more, threads=1, own_time=own_time) for n in names}
    rows = []
    for equation in equations:
        runs: dict[str, list[dict[str, Any]]] = {n: [] for n in names}
        for seed in range(seeds):
            for n in names:
                order = {"formula": equation["formula"], "vars": equation["vars"], "seconds": seconds, "seed": seed}
                runs[n].append(runners[n].turn(order))
        rows.append({"name": equation["name"], "dim": equation["dim"], "runs": runs})
    for runner in runners.values():
        runner.close()
    have_versions = versions(["torch", "scikit-learn", "scipy"])
    figures = {"versions": have_versions, "seconds": seconds, "seeds": seeds, "opaque": opaque, "own_time": own_time}
    figures["rows"] = rows
    _print(figures, method, missing, json)


def _print(figures: dict[str, Any], method: str, missing: list[str], json: Path | None) -> None:
    title = f"Equations of the Feynman lectures: {figures['seconds']:g} s each, surefit with method={method!r}"
    rows = figures["rows"]
    names = list(rows[0]["runs"])
    cells, notes = _table(rows, names, missing)
    if figures.get("opaque"):
        title += ", given as functions of which nothing can be read"
        by_inputs, said = _opaque(rows, names)
        cells, notes = cells + by_inputs, notes + said
    if figures.get("own_time"):
        notes = [*notes, "Seconds are of processor time."]
    report(title, ["equation (inputs)", *names], cells, notes, figures, json)


def _opaque(rows: list[dict[str, Any]], names: list[str]) -> tuple[list[list[str]], list[str]]:
    """Cells by number of inputs, and what the cards say beside what was measured."""
    cells = []
    for dim in sorted({row["dim"] for row in rows}):
        of = {n: [_median(row, n) for row in rows if row["dim"] == dim] for n in names}
        what = f"{dim} input{'s' if dim > 1 else ''} ({len(of[names[0]])}): median, largest"
        cells.append([what, *(f"{_number(statistics.median(of[n]))}, {_number(max(of[n]))}" for n in names)])
    poor = {n: sum(_median(row, n) > POOR for row in rows) for n in names}
    cells.append([f"above {POOR:g}", *(str(poor[n]) for n in names)])
    if "surefit" not in names:
        return cells, []
    runs = {f"{row['name']} (seed {i})": r for row in rows for i, r in enumerate(row["runs"]["surefit"])}
    if all(len(row["runs"]["surefit"]) == 1 for row in rows):
        runs = {row["name"]: row["runs"]["surefit"][0] for row in rows}
    return cells, [f"At {MANY} more points: {cards_told_too_little(runs, 'at many')}"]


def _join(files: list[Path], method: str, json: Path | None) -> None:
    """One table of runs of several equations each, which must be of one kind."""
    for file in files:
        if not file.is_file():
            raise SystemExit(f"--joined: there is no file {file}; name those that runs wrote with --json")
    runs = [json_format.loads(file.read_text(encoding="utf-8")) for file in files]
    same = ("machine", "versions", "seconds", "seeds", "opaque", "own_time")
    kinds = {str([*(r.get(key) for key in same), *r["rows"][0]["runs"]]) for r in runs}
    if len(kinds) > 1:
        raise SystemExit(f"--joined: the files differ in {', '.join(same)} or contestants; join runs of one kind")
    _print({**runs[0], "rows": [row for r in runs for row in r["rows"]]}, method, [], json)


def _chosen(equations: list[dict[str, Any]], only: str, quick: bool) -> list[dict[str, Any]]:
    names = [e["name"] for e in equations]
    if ":" in only:
        low, _, high = only.partition(":")
        if part := equations[int(low or 0) : int(high or len(equations))]:
            return part
        raise SystemExit(f"--only: {only!r} takes none of the {len(equations)} equations")
    wanted = only.split(",") if only else [n for n in QUICK if n in names] if quick else names
    unknown = [n for n in wanted if n not in names]
    if unknown:
        raise SystemExit(f"--only: there is no equation {unknown[0]!r}; there are {', '.join(names)}")
    return [e for e in equations if e["name"] in wanted]


def _median(row: dict[str, Any], name: str) -> float:
    return statistics.median(math.inf if r["error"] is None else r["error"] for r in row["runs"][name])


def _number(error: float) -> str:
    return f"{error:.1e}" if math.isfinite(error) else "none"


def _table(rows: list[dict[str, Any]], names: list[str], missing: list[str]) -> tuple[list[list[str]], list[str]]:
    """The cells and the notes below them."""
    found = {n: [_median(row, n) for row in rows] for n in names}
    cells = []
    for i, row in enumerate(rows):
        best = min(found[n][i] for n in names)
        marks = [f"**{_number(found[n][i])}**" if found[n][i] == best else _number(found[n][i]) for n in names]
        cells.append([f"{row['name']} ({row['dim']})", *marks])
    took = {n: statistics.median(r["seconds"] for row in rows for r in row["runs"][n]) for n in names}
    cells.append(["median of all", *(_number(statistics.median(found[n])) for n in names)])
    cells.append(["largest of all", *(_number(max(found[n])) for n in names)])
    cells.append([f"failures (> {FAILED:g})", *(str(sum(e > FAILED for e in found[n])) for n in names)])
    cells.append(["median seconds", *(f"{took[n]:.1f}" for n in names)])
    notes = [f"Largest error on {FRESH} fresh points and the corners, as a share of the range of the function."]
    if "surefit" in names:
        for n in names:
            worse = [row["name"] for row, a, b in zip(rows, found["surefit"], found[n], strict=True) if a > b]
            if n != "surefit":
                which = f": {', '.join(worse)}" if worse else ""
                notes.append(f"surefit is worse than {n} on {len(worse)} of {len(rows)}{which}.")
    whys = {f"{n} on {row['name']}: {r['why']}" for row in rows for n in names for r in row["runs"][n] if "why" in r}
    return cells, [*notes, *sorted(whys), *(f"Left out, because it cannot be imported: {m}." for m in missing)]


if __name__ == "__main__":
    typer.run(main)
