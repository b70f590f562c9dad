"""Functions whose values take up to 50 ms, within a limit of time, beside a budget of as many values. See README.md.

Values take no real time: a clock adds what they would have taken to the processor time of the process. So the figures
are the same however busy a machine is, and a dozen fits of five seconds take less than half a minute.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

_SLEPT = [0.0]
time.perf_counter = lambda: time.process_time() + _SLEPT[0]  # before surefit is imported, which may keep it

import typer  # noqa: E402
from harness import report, versions  # noqa: E402
from harness.opaque import cards_told_too_little  # noqa: E402
from typer import Option  # noqa: E402

import surefit  # noqa: E402
from surefit.data import Domain  # noqa: E402

FRESH = 20_000  # points on which errors are measured, half of them on faces
STEPS = 400  # of Runge and Kutta's method


class Case(NamedTuple):
    """A function of arrays, its box, and milliseconds of a value; of a call, where it takes many points at once."""

    function: Callable[..., np.ndarray]
    box: str
    value: float
    call: float | None = None


def pendulum(angle: np.ndarray, until: np.ndarray) -> np.ndarray:
    """The angle of a pendulum that was let go, by Runge and Kutta's method."""
    x, v, h = angle + 0.0 * until, np.zeros_like(angle + until), until / STEPS
    for _ in range(STEPS):
        k1 = v, -np.sin(x)
        k2 = v + h / 2 * k1[1], -np.sin(x + h / 2 * k1[0])
        k3 = v + h / 2 * k2[1], -np.sin(x + h / 2 * k2[0])
        k4 = v + h * k3[1], -np.sin(x + h * k3[0])
        x = x + h / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
        v = v + h / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
    return x


def kepler(e: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The eccentric anomaly, by Newton's method."""
    x = m + e * np.sin(m)
    for _ in range(60):
        x = x - (x - e * np.sin(x) - m) / (1 - e * np.cos(x))
    return x


def branin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def ishigami(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def friedman(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    return 10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d


CASES = {
    "damped wave": Case(lambda x: np.sin(6 * x) * np.exp(-x), "x=0:3", 50),
    "kink": Case(lambda x: np.abs(x - 0.3) + x**2, "x=-1:1", 5),
    "front": Case(lambda x: np.tanh(60 * (x - 0.37)) + x, "x=0:1", 10),
    "pendulum": Case(pendulum, "angle=0.2:2.8, until=0.5:6", 20),
    "pendulum, faster": Case(pendulum, "angle=0.2:2.8, until=0.5:6", 5),
    "Branin": Case(branin, "x=-5:10, y=0:15", 20),
    "Runge of two": Case(lambda x, y: 1 / (1 + 5 * (x * x + y * y)), "x=-1:1, y=-1:1", 10),
    "Kepler": Case(kepler, "e=0:0.8, m=0:3.14", 1),
    "Ishigami": Case(ishigami, "a=-3.14:3.14, b=-3.14:3.14, c=-3.14:3.14", 5),
    "real gas": Case(
        lambda p, t, v, n: n * 8.314 * t / (v - 0.03 * n) - n * n * p / v**2,
        "p=0.1:0.5, t=250:400, v=0.5:2, n=1:3",
        10,
    ),
    "Friedman": Case(friedman, "a=0:1, b=0:1, c=0:1, d=0:1", 2),
    "few of four": Case(lambda a, b, c, d: np.exp(-a * b) * np.cos(c + d), "a=0:1.5, b=0:1.5, c=0:1.5, d=0:1.5", 50),
    "pendulum, many at once": Case(pendulum, "angle=0.2:2.8, until=0.5:6", 1, 5),
    "Kepler, many at once": Case(kepler, "e=0:0.8, m=0:3.14", 0.3, 20),
}


class Slow:
    """A function of points, one at a time or many at once, that takes its time, says nothing else, and counts."""

    def __init__(self, case: Case) -> None:
        self.case, self.values = case, 0

    def __call__(self, *columns: Any) -> Any:
        numbers = [np.asarray(c, np.float64) for c in columns]
        if self.case.call is None and numbers[0].ndim:
            raise TypeError("one point at a time")
        self.values += numbers[0].size
        _SLEPT[0] += 1e-3 * (self.case.value * numbers[0].size + (self.case.call or 0.0))
        found = self.case.function(*numbers)
        return float(found) if self.case.call is None else found


def errors_of(fit: surefit.Fit, case: Case, box: Domain) -> dict[str, float]:
    """The largest error and what the card says, as shares of the range."""
    rng = np.random.default_rng(0)
    unit = rng.random((FRESH, box.dim))
    unit[np.arange(FRESH // 2), rng.integers(0, box.dim, FRESH // 2)] = rng.integers(0, 2, FRESH // 2)
    unit = np.concatenate([unit, np.array(list(itertools.product((0.0, 1.0), repeat=box.dim)))])
    x = box.at(unit)
    y = case.function(*x.T)
    worst = np.abs(np.ravel(fit.predict(x)) - y).max()
    return {"error": float(worst / np.ptp(y)), "card": float(fit.error.max / np.ptp(y))}


def main(
    time_: Annotated[float, Option("--time", min=0.5, help="Seconds of each fit.")] = 5.0,
    only: Annotated[str, Option(help="Names of functions, separated by semicolons.")] = "",
    seeds: Annotated[int, Option(min=1, help="Fits of each; medians are shown.")] = 3,
    no_budget: Annotated[bool, Option("--no-budget", help="Without the fit of a budget of as many values.")] = False,
    json: Annotated[Path | None, Option(help="Write the figures of every run to this file.")] = None,
) -> None:
    """Print one table: errors within a limit of time, values that were asked for, and errors of a budget of as many."""
    names = [n.strip() for n in only.split(";")] if only else list(CASES)
    if wrong := [n for n in names if n not in CASES]:
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {'; '.join(CASES)}", param_hint="--only")
    warnings.simplefilter("ignore")
    surefit.fit("sin(x)", "x=-1:1", time=0.2)  # what is loaded at a first use is not counted
    rows, cells, runs = [], [], {}
    for name in names:
        case = CASES[name]
        box = Domain(case.box)
        found: list[dict[str, float]] = []
        for seed in range(seeds):
            slow, began = Slow(case), time.perf_counter()
            fit = surefit.fit(slow, box, time=time_, seed=seed)
            run = {"seconds": time.perf_counter() - began, "values": slow.values, **errors_of(fit, case, box)}
            if not no_budget and case.call is None:
                fit = surefit.fit(Slow(case), box, budget=slow.values, seed=seed)
                run["budget"] = errors_of(fit, case, box)["error"]
            found.append(run)
            runs[f"{name} (seed {seed})"] = run
        rows.append({"name": name, "runs": found})
        middle = {key: float(np.median([r[key] for r in found])) for key in found[0]}
        each = f"{case.value:g} ms" if case.call is None else f"{case.value:g} ms, {case.call:g} ms a call"
        cells.append([
            f"{name} ({box.dim})", each, f"{middle['error']:.1e}", f"{max(r['error'] for r in found):.1e}",
            f"{middle['card']:.1e}", f"{middle['values']:.0f}", f"{middle['seconds']:.1f}",
            f"{middle['budget']:.1e}" if "budget" in middle else "",
        ])  # fmt: skip
    title = f"Slow functions: {time_:g} s each"
    columns = ["function (inputs)", "a value", "error", "largest of the seeds", "card", "values", "s", "budget"]
    notes = [
        f"Largest error at {FRESH} points, half of them on faces, as a share of the range: medians of {seeds} seeds.",
        "Seconds are of processor time, and those that values would have taken. budget: the error with as many values "
        "and no limit of time.",
        cards_told_too_little(runs),
    ]
    report(title, columns, cells, notes, {"versions": versions(["scipy"]), "seconds": time_, "rows": rows}, json)


if __name__ == "__main__":
    typer.run(main)
