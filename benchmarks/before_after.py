"""The same fits before and after a change of surefit: errors, evaluations, networks, side by side. See README.md.

    python benchmarks/before_after.py --save before.json      # in the old state
    python benchmarks/before_after.py --against before.json   # in the new one

Seeds are fixed and BLAS has one thread, so that a fit whose figures differ was changed (on the same machine; another
processor rounds in another way). Only where time= is given may two runs differ. --rounds 2 fits each of them twice,
names those that do, and compares the worst figures. Errors are measured here, on points of our own; the card of the fit
is not asked.
"""

from __future__ import annotations

import json as json_format
import math
import os
import sys
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: rounding depends on it

import numpy as np
import typer
from harness import report, versions
from typer import Option

import surefit
from surefit import LBFGS, LM, SGD, Adam, Features, MLPSpec, Sampling, VarPro, nn

FRESH = 20_001  # points on which errors are measured
SAME, NO_WORSE, MORE = 1.01, 1.05, 1.05  # ratios of errors that are the same, no worse; of evaluations that are more
ROUNDING = 1e-13  # of the largest value: differences below that are rounding
Values = Callable[[np.ndarray], np.ndarray]


class Case(NamedTuple):
    """A fit: run() -> Fit, Ensemble or Smallest; truth: points (n, d) -> (n,) or (n, k) on the box; tol asked for."""

    run: Callable[[], Any]
    truth: Values
    box: surefit.Domain
    tol: float | None = None


def known(text: str, box: str, **arguments: Any) -> Case:
    """A formula, through surefit.fit."""
    domain, formulas = surefit.Domain(box), [surefit.parse(t) for t in text.split(";")]
    columns = [surefit.parse(f.text, domain.names) for f in formulas]

    def truth(x: np.ndarray) -> np.ndarray:
        return np.stack([f.on_points(x) for f in columns], axis=1)

    return Case(lambda: surefit.fit(text, box, **arguments), truth, domain, arguments.get("tol"))


def called(function: Callable[..., Any], truth: Values, box: str, **arguments: Any) -> Case:
    """A callable, through surefit.fit."""
    return Case(lambda: surefit.fit(function, box, **arguments), truth, surefit.Domain(box), arguments.get("tol"))


def table(truth: Values, box: str, rows: int, noise: float = 0.0, seed: int = 0, **arguments: Any) -> Case:
    """Rows drawn over a box, with normal noise of so much of the deviation of the values."""
    domain, rng = surefit.Domain(box), np.random.default_rng([seed, rows])
    x = rng.uniform(domain.low, domain.high, (rows, domain.dim))
    y = truth(x)
    y = y + noise * y.std(axis=0) * rng.standard_normal(y.shape)
    return Case(lambda: surefit.fit((x, y), seed=seed, **arguments), truth, domain, arguments.get("tol"))


def changed(case: Case, run: Callable[[], Any]) -> Case:
    """The same target through another call."""
    return case._replace(run=run)


# --- targets ----------------------------------------------------------------------------------------------------------


def bump(x: np.ndarray) -> np.ndarray:
    return np.exp(-(x[:, 0] ** 2)) * np.sin(3 * x[:, 0])


def plane_waves(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) - np.cos(x[:, 1])


def rosenbrock(x: np.ndarray) -> np.ndarray:
    return (1 - x[:, 0]) ** 2 + 5 * (x[:, 1] - x[:, 0] ** 2) ** 2


def friedman(x: np.ndarray) -> np.ndarray:
    return 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]


def pair(x: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(x[:, 0]), 100 * np.cos(2 * x[:, 0])], axis=1)


TWO_PI = "x=-6.283:6.283"
PLANE = "x1=-5:5, x2=-5:5"
UNIT5 = "a=0:1, b=0:1, c=0:1, d=0:1, e=0:1"
WAVES = "sin(x1) - cos(x2)"


def own_network() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 24, generator=1), nn.Tanh(), nn.Linear(24, 1, generator=2))


CASES: dict[str, Case] = {
    # auto, one input
    "auto sin 1e-10": known("sin(x)", TWO_PI, tol=1e-10),
    "auto gauss": known("exp(-x^2)", "x=-3:3"),
    "auto quartic": known("x^4-x^3+x^2-x+1", "x=-10:10", tol=1e-6),
    "auto runge": known("1/(1+25*x^2)", "x=-1:1", tol=1e-8),
    "auto fast sine": known("sin(40*x)", "x=-3:3", tol=1e-4),
    "auto step": known("tanh(30*x)", "x=-1:1", tol=1e-5),
    "auto kink": known("abs(x)", "x=-1:1", tol=1e-2),
    "auto root": known("sqrt(x)", "x=0:1", tol=1e-3),
    "auto float32": known("sin(x)", TWO_PI, tol=2e-6, dtype="float32"),
    "auto two outputs": known("sin(x); cos(2*x)", "x=-3:3", tol=1e-7),
    # auto, more inputs
    "auto waves": known(WAVES, PLANE),
    "auto waves 1e-4": known(WAVES, PLANE, tol=1e-4),
    "auto product": known("x1*exp(-x1^2-x2^2)", "x1=-2:2, x2=-2:2", tol=1e-4),
    "auto 3-D": known("x1*x2+sin(x3)", "x1=-1:1, x2=-1:1, x3=-2:2", tol=1e-3),
    "auto 4-D": known("(x1-x2)/(x3+x4)", "x1=0:1, x2=0:1, x3=1:2, x4=1:2", tol=1e-3),
    "auto 5-D": known("a*b + c^2 - sin(d) + e", UNIT5, tol=1e-2),
    "auto callable": called(
        lambda x: abs(x) ** 0.5 * x, lambda x: np.abs(x[:, 0]) ** 0.5 * x[:, 0], "x=-1:1", tol=1e-4
    ),
    "auto callable 2-D": called(
        lambda x1, x2: x1 / (1 + x2 * x2), lambda x: x[:, 0] / (1 + x[:, 1] ** 2), "x1=-2:2, x2=-2:2", tol=1e-4
    ),
    "auto ripples": known("sin(x1*x2)", "x1=-3:3, x2=-3:3", tol=1e-3),
    "auto kink 2-D": known("abs(x1-x2)", "x1=-1:1, x2=-1:1", tol=5e-2),
    "auto bell 3-D": known("exp(-x1^2-2*x2^2)*cos(x3)", "x1=-2:2, x2=-2:2, x3=-2:2", tol=1e-3),
    "auto few evaluations": known("sin(x1*x2)", "x1=-4:4, x2=-4:4", method=surefit.Auto(evaluations=30), tol=1e-9),
    "auto time": known("abs(sin(3*x1)+x2)", "x1=-1:1, x2=-1:1", tol=1e-6, time=3.0),
    "auto seed 1": known("exp(-x^2)*sin(3*x)", "x=-3:3", tol=1e-9, seed=1),
    "auto seed 2, 2-D": known(WAVES, PLANE, tol=1e-6, seed=2),
    "auto restarts": known("tanh(10*x)", "x=-1:1", tol=1e-5, restarts=2),
    # auto, a network or points given
    "auto one layer given": known("exp(-x^2)*sin(3*x)", "x=-3:3", model=(25,), tol=1e-6),
    "auto two layers given": known("exp(-x^2)*sin(3*x)", "x=-3:3", model=(12, 12), tol=1e-4),
    "auto few points": known("sin(3*x)", "x=-2:2", data=Sampling(count=60), tol=1e-5),
    "auto gradients": known(WAVES, PLANE, data=Sampling(count=60, derivatives=True), tol=1e-3),
    # named solvers
    "features": known("exp(-x^2)*sin(3*x)", "x=-3:3", method="features"),
    "features 2-D": known(WAVES, PLANE, method=Features(draws=1), model=(200,)),
    "features gradients": known("sin(3*x)", "x=-2:2", method="features", data=Sampling(count=40, derivatives=True)),
    "varpro": known("exp(-x^2)*sin(3*x)", "x=-3:3", method="varpro", model=(15,)),
    "varpro 2-D": known("x1*exp(-x1^2-x2^2)", "x1=-2:2, x2=-2:2", method=VarPro(iterations=40), model=(25,)),
    "varpro deep": known("exp(-x^2)*sin(3*x)", "x=-3:3", method=VarPro(iterations=40), model=(8, 8)),
    "lm": known("exp(-x^2)*sin(3*x)", "x=-3:3", method=LM(iterations=80), model=(12, 12)),
    "lm 2-D": known(WAVES, PLANE, method=LM(iterations=40), model=(12, 12), tol=1e-3),
    "lm gradients": known(
        WAVES, PLANE, method=LM(iterations=40), model=(10, 10), data=Sampling(count=80, derivatives=True)
    ),
    "lbfgs": known("exp(-x^2)*sin(3*x)", "x=-3:3", method=LBFGS(iterations=300), model=(16, 16)),
    "lbfgs 2-D": known(WAVES, PLANE, method=LBFGS(iterations=150), model=(24, 24)),
    # first-order methods
    "adam": known("exp(-x^2)*sin(3*x)", "x=-3:3", method=Adam(epochs=150), model=(32, 32)),
    "adam 2-D, output solved": known(WAVES, PLANE, method=Adam(epochs=15, solve_output=True), model=(48, 48)),
    "adam eager": known("sin(x)", "x=-3:3", method=Adam(epochs=40), model=(16,), jit=False),
    "adam lr auto": known("sin(2*x)", "x=-3:3", method=Adam(lr="auto", epochs=60), model=(32, 32)),
    "adam float64 l1": known("sin(2*x)", "x=-3:3", method=Adam(epochs=60, loss="l1"), model=(32,), dtype="float64"),
    "adam adaptive": known("tanh(20*x)", "x=-1:1", method=Adam(epochs=90), data=Sampling(count=300, adaptive=2)),
    "adam gradients": known(
        "sin(3*x)", "x=-2:2", method=Adam(epochs=60), model=(32, 32), data=Sampling(count=200, derivatives=True)
    ),
    "adam own module": changed(
        known("sin(2*x)", "x=-3:3"),
        lambda: surefit.fit("sin(2*x)", "x=-3:3", method=Adam(epochs=60), model=own_network()),
    ),
    "sgd": known("sin(2*x)", "x=-3:3", method=SGD(epochs=80), model=MLPSpec((32, 32), activation="relu")),
    # several networks, sizes, other dtypes
    "restarts varpro": known("exp(-x^2)*sin(3*x)", "x=-3:3", method="varpro", model=(10,), restarts=3),
    "restarts adam": known("sin(2*x)", "x=-3:3", method=Adam(epochs=60), model=(16, 16), restarts=3),
    "ensemble": changed(
        known("exp(-x^2)*sin(3*x)", "x=-3:3"),
        lambda: surefit.ensemble("exp(-x^2)*sin(3*x)", "x=-3:3", members=3, method="features", model=(40,)),
    ),
    "smallest": changed(known("sin(x)", TWO_PI), lambda: surefit.smallest("sin(x)", TWO_PI, 1e-4))._replace(tol=1e-4),
    "smallest 2-D": changed(
        known(WAVES, PLANE), lambda: surefit.smallest(WAVES, PLANE, 0.03, largest=24, tries=2)
    )._replace(tol=0.03),
    "to float32": changed(
        known("exp(-x^2)*sin(3*x)", "x=-3:3"),
        lambda: surefit.fit("exp(-x^2)*sin(3*x)", "x=-3:3", method="features").to("float32"),
    ),
    # tables
    "table clean": table(bump, "x=-3:3", 60),
    "table clean 2-D": table(rosenbrock, "x1=-1.5:1.5, x2=-1:2", 200, tol=0.05),
    "table clean 5-D": table(friedman, UNIT5, 300),
    "table noisy": table(bump, "x=-3:3", 120, 0.1),
    "table noisy few": table(bump, "x=-3:3", 40, 0.2, seed=1),
    "table noisy 2-D": table(plane_waves, PLANE, 250, 0.1),
    "table noisy 5-D": table(friedman, UNIT5, 200, 0.2),
    "table two outputs": table(pair, "x=-3:3", 150, 0.05),
    "table without validation": table(rosenbrock, "x1=-1.5:1.5, x2=-1:2", 60, data=Sampling(split=(1.0, 0.0, 0.0))),
    "table varpro": table(bump, "x=-3:3", 120, 0.1, method="varpro"),
    "table adam": table(plane_waves, PLANE, 250, 0.1, method=Adam(epochs=60)),
}


# --- one fit ----------------------------------------------------------------------------------------------------------


def points(box: surefit.Domain) -> np.ndarray:
    """Fresh points: a grid of one input, else uniform ones and the corners."""
    if box.dim == 1:
        return np.linspace(box.low, box.high, FRESH)
    drawn = np.random.default_rng(987).uniform(box.low, box.high, (FRESH, box.dim))
    return np.concatenate([drawn, box.corners()])


def figures(case: Case) -> dict[str, Any]:
    """One fit: its errors, its cost and its network, as plain data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = clock.perf_counter()
        found = case.run()
        seconds = clock.perf_counter() - began
        x = points(case.box)
        y = case.truth(x).reshape(len(x), -1)
        predict = found.fit.predict if isinstance(found, surefit.Smallest) else found.predict
        errors = np.abs(np.asarray(predict(x)).reshape(len(x), -1) - y)
    if isinstance(found, surefit.Ensemble):
        fits = found.fits
    else:
        fits = [found.fit] if isinstance(found, surefit.Smallest) else [found]
    return {
        "max": float(errors.max()),
        "rmse": float(np.sqrt((errors**2).mean())),
        "size": float(np.abs(y).max()),
        "steps": sum(f.steps for f in fits),
        "smallest": isinstance(found, surefit.Smallest),
        "parameters": sum(f.network.num_parameters() for f in fits),
        "network": fits[0].layers(),
        "by": fits[0].method.get("stage", fits[0].method.get("method", "")),
        "stopped": fits[0].stop_reason,
        "seconds": seconds,
    }


# --- before and after -------------------------------------------------------------------------------------------------


def worst(runs: list[dict[str, Any]], key: str) -> float:
    return max(run[key] for run in runs)


def errors_judged(before: list[dict[str, Any]], after: list[dict[str, Any]], tol: float | None) -> str:
    """ "same", "better", "worse"; "within tol" where an error grew and is still what was asked for."""
    ratios = []
    for key in ("max", "rmse"):
        floor = ROUNDING * worst(before, "size")
        ratios.append((worst(after, key) + floor) / (worst(before, key) + floor))
    if not all(math.isfinite(r) for r in ratios):
        return "worse"
    if tol is not None and worst(after, "max") <= tol and max(ratios) > NO_WORSE:
        return "within tol"
    if max(ratios) > NO_WORSE:
        return "worse"
    return "better" if min(ratios) < 1 / SAME else "same"


def steps_judged(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """The same of the evaluations, and of the parameters where the smallest network was wanted."""
    if before[0]["smallest"] and worst(after, "parameters") > worst(before, "parameters"):
        return "more"
    was, now = worst(before, "steps"), worst(after, "steps")
    if now == was:
        return "same"
    return "more" if now > MORE * was + 1 else "fewer" if now < was else "same"


def compared(name: str, before: list[dict[str, Any]], after: list[dict[str, Any]], tol: float | None) -> list[str]:
    """A row of the table."""
    cells = [name]
    for key, pattern in (
        ("max", "{:.2e}"),
        ("rmse", "{:.2e}"),
        ("steps", "{:.0f}"),
        ("parameters", "{:.0f}"),
        ("seconds", "{:.1f}"),
    ):
        was, now = pattern.format(worst(before, key)), pattern.format(worst(after, key))
        cells.append(now if was == now else f"{was} -> {now}")
    return [*cells, errors_judged(before, after, tol), steps_judged(before, after)]


def varying(runs: list[dict[str, Any]]) -> bool:
    """Whether one seed gave two results."""
    return any(run[key] != runs[0][key] for run in runs for key in ("max", "steps", "parameters"))


def main(
    save: Annotated[Path | None, Option(help="Write the figures to this file.")] = None,
    against: Annotated[Path | None, Option(help="Figures of another state to compare with.")] = None,
    only: Annotated[str, Option(help="Fits, separated by commas, or the beginning of their names.")] = "",
    rounds: Annotated[int, Option(min=1, help="How often each is fitted; the worst figures are compared.")] = 1,
) -> None:
    """Print one table: errors, evaluations, parameters and seconds of each fit; exit code 1 when something is worse."""
    stored = json_format.loads(against.read_text(encoding="utf-8"))["fits"] if against else {}
    names = [n for n in CASES if any(n.startswith(part.strip()) for part in only.split(","))]
    if not names:
        raise typer.BadParameter(f"{only!r} begins no name; names: {', '.join(CASES)}", param_hint="--only")
    fits: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):  # all of them, then all once more: the same process, and what came before differs
        for name in names:
            fits[name].append(figures(CASES[name]))
            print(f"{name}: {fits[name][-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
    rows = [compared(n, stored.get(n, fits[n]), fits[n], CASES[n].tol) for n in names]
    worse = [row[0] for row in rows if row[-2] == "worse" or row[-1] == "more"]
    notes = ["Errors: on fresh points, against the function without noise."]
    if rounds > 1:
        notes.append(f"Not the same twice: {', '.join(n for n in names if varying(fits[n])) or 'none'}.")
    if against:
        notes += [f"Not in {against.name}: {n}." for n in names if n not in stored]
        notes.append(f"Worse: {', '.join(worse)}." if worse else "Nothing is worse.")
    columns = ["fit", "max |error|", "rmse", "evaluations", "parameters", "seconds", "error", "cost"]
    report("Before and after", columns, rows, notes, {"versions": versions(["numpy", "scipy"]), "fits": fits}, save)
    raise typer.Exit(1 if worse and against else 0)


if __name__ == "__main__":
    typer.run(main)
