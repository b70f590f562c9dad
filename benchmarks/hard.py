"""Forty hard functions of one to five inputs, fitted in equal time by surefit and by others. See README.md.

Kinks, singular ends, poles nearby, layers, bursts, waves, narrow peaks, and products whose frequency changes. Every
contestant is a process of its own with one BLAS thread, is given the function and as long as surefit, and is measured
at the same points, many of them close to where the function is rough.

`--opaque` takes other functions, of two and three inputs: roots, eigenvalues, integrals, special functions, of which
nothing can be read. What surefit's card says is the largest error stands beside what was measured.
"""

from __future__ import annotations

import json as json_format
import math
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from harness import Contestant, importable, machine, obey, report, versions
from harness.approximators import Predict, by_lbfgs, by_mlp, by_rbf
from harness.opaque import OPAQUE, Opaque, cards_told_too_little, edge_points, values_of
from typer import Option

import surefit
from surefit.data import Domain, default_count, sample

FRESH = 20_000  # points on which errors are measured; a quarter of them where the formula itself is rough
HARD = {
    "kink": ("abs(x)", "x=-1:1"),
    "kinks": ("abs(x-0.3)*exp(x) + abs(sin(5*x))", "x=-1:1"),
    "sqrt": ("sqrt(x)", "x=1e-6:1"),
    "cbrt": ("cbrt(x)", "x=1e-6:1"),
    "log": ("log(x)", "x=1e-6:1"),
    "sqrt of 0": ("sqrt(x)*cos(3*x)", "x=0:1"),
    "root of |x|": ("sqrt(abs(x-0.2))", "x=-1:1"),
    "x log x": ("x*log(x)", "x=1e-9:2"),
    "circle": ("sqrt(1-x^2)", "x=-1:1"),
    "step": ("tanh(1000*x)", "x=-1:1"),
    "layers": ("exp(-500*(1+x)) + exp(-1000*(1-x)) + x", "x=-1:1"),
    "Runge": ("1/(1+1e4*x^2)", "x=-1:1"),
    "peaks": ("exp(-2e4*(x-0.3)^2) + 2*exp(-1e5*(x+0.5)^2) - exp(-3e4*(x-0.7)^2)", "x=-1:1"),
    "wave": ("sin(200*x)", "x=-3:3"),
    "wave in a wave": ("sin(30*x + 4*sin(9*x))", "x=-2:2"),
    "burst": ("exp(-200*x^2)*cos(150*x) + x", "x=-1:1"),
    "chirp": ("sin(40*x^2)", "x=0:2"),
    "1/x inside": ("sin(1/x)", "x=0.03:1"),
    "tan": ("tan(x)", "x=0:1.57"),
    "gamma": ("gamma(x)", "x=0.01:3"),
    "front": ("1/(1+exp(-300*(x-0.37))) * sin(6*x)", "x=-1:1"),
    "|x-y|": ("abs(x-y)", "x=-1:1, y=-1:1"),
    "max": ("max(x, y, 0)", "x=-1:1, y=-1:1"),
    "max of min": ("max(min(x, y), min(x+y, 0.5), -0.3)", "x=-1:1, y=-1:1"),
    "norm": ("sqrt(x^2 + y^2 + 1e-4)", "x=-1:1, y=-1:1"),
    "pole": ("1/(x^2 + y^2 + 0.01)", "x=-1:1, y=-1:1"),
    "peak of two": ("exp(-300*((x-0.3)^2 + (y+0.2)^2)) + x*y", "x=-1:1, y=-1:1"),
    "Ackley": (
        "-20*exp(-0.2*sqrt((x^2+y^2)/2)) - exp((cos(2*pi*x)+cos(2*pi*y))/2) + e + 20", "x=-2:2, y=-2:2",
    ),
    "Rastrigin": ("20 + x^2 - 10*cos(2*pi*x) + y^2 - 10*cos(2*pi*y)", "x=-5.12:5.12, y=-5.12:5.12"),
    "Rastrigin of three": (
        "30 + x^2 - 10*cos(2*pi*x) + y^2 - 10*cos(2*pi*y) + z^2 - 10*cos(2*pi*z)",
        "x=-5.12:5.12, y=-5.12:5.12, z=-5.12:5.12",
    ),
    "ripples": ("cos(30*sqrt(x^2+y^2+0.1))", "x=-1:1, y=-1:1"),
    "waves": ("sin(12*x*y) + cos(15*x)", "x=-1:1, y=-1:1"),
    "Rosenbrock": ("(1-x)^2 + 100*(y-x^2)^2", "x=-2:2, y=-1:3"),
    "beats": ("sin(E*t/(h/(2*pi)))^2", "E=1:5, t=1:5, h=1:5"),
    "front of three": ("tanh(50*(x + 0.5*y - 0.3*z)) * (1 + z)", "x=-1:1, y=-1:1, z=-1:1"),
    "gravity": ("G*m*n/((x-u)^2 + 0.1)", "G=1:2, m=1:2, n=1:2, x=1:3, u=1:3"),
    "planck": ("h*w^3/(exp(h*w/(k*T)) - 1)", "h=1:5, w=1:5, k=1:5, T=1:5"),
    "relativity": ("m/sqrt(1 - v^2/c^2) * (1 + a*v)", "m=1:5, v=1:2, c=3:10, a=0:2"),
    "squares": ("+".join(f"x{i}^2" for i in range(1, 11)), ", ".join(f"x{i}=-1:1" for i in range(1, 11))),
    "interference": ("I + J + 2*sqrt(I*J)*cos(d)", "I=1:5, J=1:5, d=1:5"),
}  # fmt: skip
QUICK = ("kink", "sqrt", "Runge", "max", "pole", "beats")
QUICK_OPAQUE = ("Kepler", "Student", "van der Pol", "incomplete beta of three")


class Task(NamedTuple):
    """A function, its box, seconds for a fit and what is wanted of it, as a share of its range."""

    formula: str  # or the name of a function of which nothing can be read
    box: Domain
    seconds: float
    tol: float
    seed: int
    called: bool  # surefit is given a Python function, which says nothing of what it is made of
    opaque: bool = False

    def values(self, x: np.ndarray) -> np.ndarray:
        if self.opaque:
            return values_of(self.formula)(x)
        return surefit.parse(self.formula, self.box.names).on_points(x)

    def fresh(self) -> np.ndarray:
        """Points that measure the error, corners and rough places among them: the edges, where no others are known."""
        rng = np.random.default_rng(10_000 + self.seed)
        if self.opaque:
            return edge_points(self.box, FRESH, rng)
        even = sample(self.box, FRESH * 3 // 4, "uniform", with_corners=True, generator=rng)
        rough = surefit.formulas.interesting_points(
            [surefit.parse(self.formula, self.box.names)], self.box, FRESH // 4, rng
        )
        return np.concatenate([even, rough])

    def sample(self) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Points in [-1, 1]^d, scaled values (n, 1), and their shift and scale."""
        x = sample(self.box, default_count(self.box.dim), "uniform", with_corners=True, generator=self.seed)
        y = self.values(x)[:, None]
        shift, scale = float(y.mean()), float(y.std()) or 1.0
        return self.box.scale(x), (y - shift) / scale, shift, scale


def by_surefit(task: Task) -> surefit.Fit:
    target: Any = task.formula
    if task.opaque:
        target = Opaque(task.values)
    elif task.called:
        formula = surefit.parse(task.formula, task.box.names)
        target = lambda *columns: formula(*columns)
    span = np.ptp(task.values(sample(task.box, FRESH, "uniform", with_corners=True, generator=1)))
    return surefit.fit(target, task.box, tol=task.tol * float(span), time=task.seconds, seed=task.seed)


def by_aaa(task: Task) -> Predict:
    """SciPy: rational approximation of one input, at points that are graded toward both ends and the middle."""
    from scipy.interpolate import AAA

    x = _graded(task)
    return AAA(x, task.values(x[:, None]), rtol=1e-13, max_terms=200)


def _graded(task: Task) -> np.ndarray:
    """Points of one input: Chebyshev's, and geometric ones about the ends and the middle."""
    low, high = float(task.box.low[0]), float(task.box.high[0])
    even = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.linspace(0, np.pi, 2000))
    near = (high - low) * np.geomspace(1e-14, 0.5, 500)
    middle = 0.5 * (low + high)
    return np.unique(np.clip(np.concatenate([even, low + near, high - near, middle + near, middle - near]), low, high))


def by_chebyshev(task: Task) -> Predict:
    """NumPy: one polynomial through Chebyshev points, of the degree that more degrees do not help, up to 4096."""
    from numpy.polynomial import Chebyshev

    low, high = float(task.box.low[0]), float(task.box.high[0])
    start, best, least = clock.perf_counter(), None, math.inf
    tried = task.fresh()
    truth = task.values(tried)
    for degree in 2 ** np.arange(4, 13):
        found = Chebyshev.interpolate(lambda x: task.values(x[:, None]), int(degree), (low, high))
        error = float(np.abs(found(tried[:, 0]) - truth).max())
        if best is None or error < least:
            best, least = found, error
        if clock.perf_counter() - start > task.seconds:
            break
    assert best is not None
    return lambda x: best(x[:, 0])


CONTESTANTS: dict[str, tuple[str, Callable[[Task], Predict]]] = {
    "SciPy AAA": ("scipy", by_aaa),
    "Chebyshev": ("numpy", by_chebyshev),
    "SciPy RBF": ("scipy", by_rbf),
    "scikit-learn MLP": ("sklearn", by_mlp),
    "PyTorch L-BFGS": ("torch", by_lbfgs),
}
OF_ONE = ("SciPy AAA", "Chebyshev")  # contestants that know functions of one input only


def serve(name: str, called: bool, opaque: bool) -> None:
    """Be a contestant: a line of JSON is a task, the answer its errors and time."""
    act: Callable[[Task], Predict | surefit.Fit] = CONTESTANTS[name][1] if name in CONTESTANTS else by_surefit
    if name.startswith("PyTorch"):
        import torch

        torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    act(Task("sin(x)", Domain((-1, 1)), 0.2, 1e-6, 0, called))  # what a library loads at its first use is not counted

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        box = Domain(order["box"])
        task = Task(order["formula"], box, order["seconds"], order["tol"], order["seed"], called, opaque)
        if name in OF_ONE and task.box.dim > 1:
            return {"error": None, "seconds": 0.0}
        start = clock.perf_counter()
        try:
            found = act(task)
            predict = found.predict if isinstance(found, surefit.Fit) else found
            seconds = clock.perf_counter() - start
            x = task.fresh()
            y = task.values(x)
            error = np.abs(np.ravel(predict(x if task.box.dim > 1 or name not in OF_ONE[:1] else x[:, 0])) - y)
        except Exception as e:  # a contestant that breaks down has lost this one
            return {"error": None, "seconds": clock.perf_counter() - start, "why": f"{type(e).__name__}: {e}"}
        worst = float(error.max() / np.ptp(y))
        told = {"card": float(found.error.max / np.ptp(y))} if isinstance(found, surefit.Fit) else {}
        return {"error": worst if math.isfinite(worst) else None, "seconds": seconds, **told}

    obey(answer, name)


def main(
    time: Annotated[float, Option(min=0.1, help="Seconds for each contestant and function.")] = 8.0,
    tol: Annotated[float, Option(min=0.0, help="The error wanted, as a share of the range.")] = 1e-6,
    only: Annotated[str, Option(help="Names of functions, separated by commas, or a slice such as 0:10.")] = "",
    contestants: Annotated[str, Option(help="Their names, separated by commas.")] = ",".join(("surefit", *CONTESTANTS)),
    called: Annotated[bool, Option("--called", help="surefit is given Python functions instead of formulas.")] = False,
    opaque: Annotated[
        bool, Option("--opaque", help="Instead: functions of two and three inputs of which nothing can be read.")
    ] = False,
    own_time: Annotated[
        bool, Option("--own-time", help="Seconds are of each process's own processor time: for a busy machine.")
    ] = False,
    seed: Annotated[int, Option(help="Of fits and points.")] = 0,
    quick: Annotated[bool, Option("--quick", help="Six functions (four with --opaque) and two seconds.")] = False,
    json: Annotated[Path | None, Option(help="Write the error and time of every run to this file.")] = None,
    beside: Annotated[Path | None, Option(help="Put these into the table of an earlier run: its --json file.")] = None,
    contestant: Annotated[str, Option(hidden=True)] = "",
) -> None:
    """Print one table: the largest error of each function, as a share of its range, and how many are within tol."""
    if contestant:
        serve(contestant, called, opaque)
        return
    functions = _chosen(only, quick, opaque)
    seconds = min(time, 2.0) if quick else time
    wanted = [n for n in contestants.split(",") if not (opaque and n in OF_ONE)]
    if wrong := [n for n in wanted if n != "surefit" and n not in CONTESTANTS]:
        raise SystemExit(f"--contestants: there is no {wrong[0]!r}; there are {', '.join(('surefit', *CONTESTANTS))}")
    have, missing = importable(sorted({CONTESTANTS[n][0] for n in wanted if n != "surefit"}))
    names = [n for n in wanted if n == "surefit" or CONTESTANTS[n][0] in have]
    more = [*(["--called"] if called else []), *(["--opaque"] if opaque else [])]
    runners = {n: Contestant(__file__, "--contestant", n, *more, threads=1, own_time=own_time) for n in names}
    rows = []
    for name in functions:
        formula, box = (name, OPAQUE[name][1]) if opaque else HARD[name]
        order = {"formula": formula, "box": box, "seconds": seconds, "tol": tol, "seed": seed}
        runs = {n: runners[n].turn(order) for n in names}
        rows.append({"name": name, "dim": Domain(box).dim, "runs": runs})
    for runner in runners.values():
        runner.close()
    have_versions = versions(["torch", "scikit-learn", "scipy"])
    figures = {"versions": have_versions, "seconds": seconds, "own_time": own_time, "tol": tol, "rows": rows}
    if beside is not None:
        figures["rows"] = rows = _beside(figures, beside)
        names = list(rows[0]["runs"])
    cells, notes = _table(rows, names, tol, missing, opaque)
    if own_time:
        notes.append("Seconds are of processor time.")
    what = "Functions of which nothing can be read" if opaque else "Hard functions"
    header = ["function (inputs)", *names, "s"]
    if opaque and "surefit" in names:
        header.append("surefit's card")
    report(f"{what}: {seconds:g} s each", header, cells, notes, figures, json)


def _beside(figures: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    """The rows of an earlier run with these contestants in them, too; both must be of one kind."""
    if not file.is_file():
        raise SystemExit(f"--beside: there is no file {file}; name one that a run wrote with --json")
    earlier = json_format.loads(file.read_text(encoding="utf-8"))
    same = ("versions", "seconds", "own_time", "tol")
    rows = zip(earlier["rows"], figures["rows"], strict=False)
    alike = [r["name"] for r in earlier["rows"]] == [r["name"] for r in figures["rows"]]
    if not alike or earlier["machine"] != machine() or any(earlier.get(key) != figures[key] for key in same):
        raise SystemExit(f"--beside: {file} differs in functions, machine, {', '.join(same)}; join runs of one kind")
    return [old | {"runs": old["runs"] | new["runs"]} for old, new in rows]


def _chosen(only: str, quick: bool, opaque: bool) -> list[str]:
    names = list(OPAQUE if opaque else HARD)
    if ":" in only:
        low, _, high = only.partition(":")
        return names[int(low or 0) : int(high or len(names))]
    wanted = only.split(",") if only else list(QUICK_OPAQUE if opaque else QUICK) if quick else names
    if unknown := [n for n in wanted if n not in names]:
        raise SystemExit(f"--only: there is no function {unknown[0]!r}; there are {', '.join(names)}")
    return wanted


def _table(
    rows: list[dict[str, Any]], names: list[str], tol: float, missing: list[str], opaque: bool
) -> tuple[list[list[str]], list[str]]:
    """The cells and the notes below them."""

    def number(error: float | None) -> str:
        return "-" if error is None else f"**{error:.1e}**" if error <= tol else f"{error:.1e}"

    cells, judged = [], opaque and "surefit" in names
    for row in rows:
        own = row["runs"].get("surefit", {})
        took = own.get("seconds")
        last = ["" if took is None else f"{took:.1f}"]
        if judged:
            last.append(f"{own['card']:.1e}" if "card" in own else "-")
        cells.append([f"{row['name']} ({row['dim']})", *(number(row["runs"][n]["error"]) for n in names), *last])
    within = {n: sum((r["runs"][n]["error"] or math.inf) <= tol for r in rows if r["runs"][n]["error"] is not None)
              for n in names}  # fmt: skip
    exact = {n: sum(r["runs"][n]["error"] == 0.0 for r in rows) for n in names}
    reached = [str(max(within[n], exact[n])) for n in names]
    cells.append([f"within {tol:g} of {len(rows)}", *reached, *[""] * (2 if judged else 1)])
    where = "half of them close to the edges" if opaque else "a quarter of them where a function is rough"
    notes = [
        f"Largest error at about {FRESH} points, {where}, as a share of its range.",
        "s: seconds of surefit, which ends at the tolerance.",
    ]
    if judged:
        notes.append(cards_told_too_little({row["name"]: row["runs"]["surefit"] for row in rows}))
    whys = {f"{n} on {row['name']}: {row['runs'][n]['why']}" for row in rows for n in names if "why" in row["runs"][n]}
    return cells, [*notes, *sorted(whys), *(f"Left out, because it cannot be imported: {m}." for m in missing)]


if __name__ == "__main__":
    typer.run(main)
