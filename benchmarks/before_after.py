"""Forty fits before and after a change: the same error or better, the same evaluations or fewer. See README.md.

Errors are measured here, on points that no fit saw, so that they compare across versions that measure otherwise:

    python benchmarks/before_after.py --save before.json            # at the old version
    python benchmarks/before_after.py --against before.json         # at the new one
"""

from __future__ import annotations

import json as json_format
import os
import sys
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: small matrices are not worth two

import numpy as np
import typer
from typer import Option

import surefit

FRESH = 20_000
SAME = 1.05  # errors that differ by less are the same: another order of sums already moves them so far
WAVES = "sin(x1)-cos(x2)", {"x1": (-5.0, 5.0), "x2": (-5.0, 5.0)}
FIVE = {f"x{i}": (0.5, 2.0) for i in range(1, 6)}
QUICK = dict(model=(32,))


def on_function(text: str, box: Any, **options: Any) -> Callable[[], tuple[Any, float]]:
    """A fit of a formula, and its largest error."""

    def run() -> tuple[Any, float]:
        fit = surefit.fit(text, box, **options)
        return fit, largest(fit, text)

    return run


def largest(fit: Any, text: str) -> float:
    """The largest error at fresh points, ends and corners among them."""
    box = fit.domain
    x = np.random.default_rng(99).uniform(box.low, box.high, (FRESH, box.dim))
    ends = np.stack(np.meshgrid(*zip(box.low, box.high, strict=True)), axis=-1).reshape(-1, box.dim)
    x = np.concatenate([x, ends])
    formulas = surefit.formulas.parse_many(text, box.names)
    y = np.stack([f.on_points(x) for f in formulas], axis=1)
    p = fit.predict(x)
    return float(np.abs(p.reshape(len(x), -1) - y).max())


def table(function: Callable[[np.ndarray], np.ndarray], rows: int, dim: int, noise: float) -> Any:
    """Rows of a function with noise, in shares of its deviation."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-2, 2, (rows, dim))
    y = function(x)
    return x, y + noise * y.std() * rng.standard_normal(rows)


def on_table(
    function: Callable[[np.ndarray], np.ndarray], rows: int, dim: int, noise: float, **options: Any
) -> Callable[[], tuple[Any, float]]:
    """A fit of rows, and its distance to the function behind them (root mean square)."""

    def run() -> tuple[Any, float]:
        fit = surefit.fit(table(function, rows, dim, noise), **options)
        x = np.random.default_rng(98).uniform(-2, 2, (FRESH, dim))
        return fit, float(np.sqrt(np.mean((fit.predict(x) - function(x)) ** 2)))

    return run


def smallest(text: str, box: Any, tol: float) -> Callable[[], tuple[Any, float]]:
    """The smallest network for a tolerance; its error is its number of units."""

    def run() -> tuple[Any, float]:
        found = surefit.smallest(text, box, tol, tries=2)
        return found.fit, float(found.units)

    return run


def in_float32(text: str, box: Any, **options: Any) -> Callable[[], tuple[Any, float]]:
    """A fit that is taken to float32."""

    def run() -> tuple[Any, float]:
        fit = surefit.fit(text, box, **options).to("float32")
        return fit, largest(fit, text)

    return run


def ridge(x: np.ndarray) -> np.ndarray:
    """A smooth function of any number of inputs."""
    return np.sin(2 * x[:, 0]) + x.sum(axis=1) ** 2 / 4


def wave(x: np.ndarray) -> np.ndarray:
    """A smooth function of the first input."""
    return np.sin(3 * x[:, 0])


Adam, Sampling = surefit.Adam, surefit.Sampling
FITS: dict[str, Callable[[], tuple[Any, float]]] = {
    "sin": on_function("sin(x)", (-6.28, 6.28), tol=1e-10),
    "square": on_function("x^2", (-6.28, 6.28), tol=4e-9),
    "reciprocal": on_function("-2/(2+sin(x))", (-3, 3), tol=2e-10),
    "polynomial": on_function("x^4-x^3+x^2-x+1", (-10, 10), tol=1e-6),
    "mixed": on_function("sin(x)^2+x^3*cos(x)+4*x+2", (-10, 10), tol=1e-7),
    "sin, no tolerance": on_function("sin(x)", (-3, 3)),
    "sin, float32": on_function("sin(x)", (-6.28, 6.28), tol=2e-6, dtype="float32"),
    "steep": on_function("tanh(50*x)", (-1, 1), tol=1e-6),
    "oscillating": on_function("sin(25*x)", (-3, 3), tol=1e-5),
    "peak": on_function("1/(1+100*x^2)", (-1, 1), tol=1e-7),
    "two outputs": on_function("sin(x); 1000*cos(x)", (-3, 3), tol=1e-6),
    "kink, 250 evaluations": on_function("abs(x)", (-1, 1), tol=1e-9, method=surefit.Auto(evaluations=250)),
    "jump": on_function("floor(2*x)", (-1, 1), method=surefit.Auto(evaluations=100)),
    "waves 1e-5": on_function(*WAVES, tol=1e-5),
    "waves 1e-6": on_function(*WAVES, tol=1e-6),
    "two, peak": on_function("exp(-60*((x1-0.3)^2+(x2-0.2)^2))+sin(3*x1)*x2", "x1=-1:1, x2=-1:1", tol=1e-3),
    "two, kink": on_function("abs(x1+0.3*x2)", "x1=-1:1, x2=-1:1", tol=1e-9, method=surefit.Auto(evaluations=300)),
    "three inputs": on_function("x1*x2+sin(x3)", "x1=-1:1, x2=-1:1, x3=-2:2", tol=1e-4),
    "four inputs": on_function("x1*x2/(x3^2+x4)", "x1=1:2, x2=1:2, x3=1:2, x4=1:2", tol=1e-4),
    "five inputs": on_function("x1*x2/(x3+x4*x5)", FIVE, tol=1e-3),
    "named features": on_function("sin(3*x)", (-3, 3), method="features", **QUICK),
    "named varpro": on_function("sin(3*x)", (-3, 3), method=surefit.VarPro(iterations=40), model=(12,)),
    "named lm": on_function("sin(3*x)", (-3, 3), method=surefit.LM(iterations=60), model=(8, 8)),
    "named lbfgs": on_function("sin(3*x)", (-3, 3), method=surefit.LBFGS(iterations=200), model=(16,)),
    "named adam": on_function("sin(3*x)", (-3, 3), method=Adam(epochs=60), **QUICK),
    "adam, rate found": on_function("sin(3*x)", (-3, 3), method=Adam(epochs=40, lr="auto"), **QUICK),
    "adam, restarts": on_function("sin(3*x)", (-3, 3), method=Adam(epochs=40), restarts=3, **QUICK),
    "adam, adaptive": on_function(
        "tanh(20*x)", (-1, 1), method=Adam(epochs=60), data=Sampling(count=200, adaptive=2), **QUICK
    ),
    "adam, output solved": on_function("sin(3*x)", (-3, 3), method=Adam(epochs=40, solve_output=True), **QUICK),
    "own points": on_function("sin(x)", (-3, 3), tol=1e-8, data=Sampling(count=120, design="uniform")),
    "gradients": on_function("sin(3*x1)*x2", "x1=-1:1, x2=-1:1", data=Sampling(count=60, derivatives=True)),
    "given, one layer": on_function("sin(3*x)", (-3, 3), model=(20,), tol=1e-8),
    "given, two layers": on_function("sin(3*x)", (-3, 3), model=(10, 10), tol=1e-4),
    "to float32": in_float32("sin(x)", (-6.28, 6.28), tol=1e-10),
    "smallest": smallest("sin(x)", (-3, 3), 1e-3),
    "table, clean": on_table(ridge, 300, 2, 0.0),
    "table, 10 % noise": on_table(ridge, 300, 2, 0.1),
    "table, one input": on_table(wave, 100, 1, 0.2),
    "table, five inputs": on_table(ridge, 400, 5, 0.05),
    "table, features": on_table(ridge, 200, 3, 0.1, method="features"),
}


def measured(names: list[str]) -> dict[str, dict[str, Any]]:
    """Error, the tolerance asked for (or None), evaluations, parameters and seconds of each fit."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        began = clock.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit, error = FITS[name]()
        seconds = clock.perf_counter() - began
        found[name] = dict(
            error=error,
            tol=fit.tol,
            evaluations=fit.steps,
            parameters=fit.network.num_parameters(),
            seconds=round(seconds, 2),
        )
        print(f"{name:24} {error:9.2e} {fit.steps:7d} {seconds:7.1f} s", file=sys.stderr, flush=True)
    return found


def main(
    save: Annotated[Path | None, Option(help="Write what was measured into this file.")] = None,
    against: Annotated[Path | None, Option(help="Compare with what was measured before.")] = None,
    only: Annotated[str, Option(help="Fits whose name holds this text.")] = "",
) -> None:
    """Measure, and compare."""
    now = measured([n for n in FITS if only in n])
    if save is not None:
        save.write_text(json_format.dumps(now, indent=1) + "\n", encoding="utf-8")
    if against is None:
        return
    before = json_format.loads(against.read_text(encoding="utf-8"))
    print("| fit | error before | after | evaluations before | after | parameters before | after | |")
    print("|---|---|---|---|---|---|---|---|")
    worse = 0
    for name, a in now.items():
        b = before[name]
        marks = []
        if a["error"] > SAME * b["error"]:
            asked = a["tol"] is not None and max(a["error"], b["error"]) <= a["tol"]
            marks.append("both within the tolerance" if asked else "**worse**")
        elif a["error"] * SAME < b["error"]:
            marks.append("better")
        if a["evaluations"] > b["evaluations"]:
            marks.append("more evaluations")
        elif a["evaluations"] < b["evaluations"]:
            marks.append("fewer evaluations")
        worse += "**worse**" in marks
        print(
            f"| {name} | {b['error']:.2e} | {a['error']:.2e} | {b['evaluations']} | {a['evaluations']} "
            f"| {b['parameters']} | {a['parameters']} | {', '.join(marks)} |"
        )
    print(f"\n{len(now)} fits, {worse} worse")


if __name__ == "__main__":
    typer.run(main)
