"""Simulators: how far fits of 20 to 200 runs end from the truth, beside Gaussian processes and others. See README.md.

Ten functions that papers on surrogates use, sampled by a Latin hypercube without noise. surefit trains on all runs and
says itself how good it is; what it says is compared with the truth, and so is what its intervals cover.
"""

from __future__ import annotations

import importlib.util
import math
import os
import statistics
import sys
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np
import typer
from harness import report, versions
from harness.unseen_simulators import UNSEEN, Values, between
from noisy_tables import franke, friedman
from typer import Option

import surefit

DENSE = 3000  # points at which the distance to the truth is measured
NEAR, FACTOR = 1.3, 1.5  # times the best error, and by what the estimate may be off
LEVEL = 0.9


def branin(u: np.ndarray) -> np.ndarray:
    x, y = between(u, [-5, 0], [10, 15])
    bend = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
STEEP_3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
CENTRES_3 = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
STEEP_6 = np.array([
    [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14],
])  # fmt: skip
CENTRES_6 = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip


def hartmann_3(x: np.ndarray) -> np.ndarray:
    return -np.exp(-(((x[:, None] - CENTRES_3) ** 2) * STEEP_3).sum(axis=2)) @ HEIGHTS


def hartmann_6(x: np.ndarray) -> np.ndarray:
    return -np.exp(-(((x[:, None] - CENTRES_6) ** 2) * STEEP_6).sum(axis=2)) @ HEIGHTS


def ishigami(u: np.ndarray) -> np.ndarray:
    a, b, c = np.pi * (2 * u.T - 1)
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def otl(u: np.ndarray) -> np.ndarray:
    b1, b2, f, c1, c2, beta = between(u, [50, 25, 0.5, 1.2, 0.25, 50], [150, 70, 3, 2.5, 1.2, 300])
    gain = beta * (c2 + 9)
    return (
        (12 * b2 / (b1 + b2) + 0.74) * gain / (gain + f) + 11.35 * f / (gain + f) + 0.74 * f * gain / ((gain + f) * c1)
    )


def piston(u: np.ndarray) -> np.ndarray:
    m, s, v0, k, p0, ta, t0 = between(
        u, [30, 0.005, 0.002, 1000, 90000, 290, 340], [60, 0.02, 0.01, 5000, 110000, 296, 360]
    )
    a = p0 * s + 19.62 * m - k * v0 / s
    v = s / (2 * k) * (np.sqrt(a**2 + 4 * k * p0 * v0 / t0 * ta) - a)
    return 2 * np.pi * np.sqrt(m / (k + s**2 * p0 * v0 / t0 * ta / v**2))


def borehole(u: np.ndarray) -> np.ndarray:
    rw, r, tu, hu, tl, hl, length, kw = between(
        u, [0.05, 100, 63070, 990, 63.1, 700, 1120, 9855], [0.15, 50000, 115600, 1110, 116, 820, 1680, 12045]
    )
    g = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (g * (1 + 2 * length * tu / (g * rw**2 * kw) + tu / tl))


def wing_weight(u: np.ndarray) -> np.ndarray:
    s, fuel, a, sweep, q, taper, t, n, weight, paint = between(
        u, [150, 220, 6, -10, 16, 0.5, 0.08, 2.5, 1700, 0.025], [200, 300, 10, 10, 45, 1, 0.18, 6, 2500, 0.08]
    )
    c = np.cos(np.deg2rad(sweep))
    return (
        0.036 * s**0.758 * fuel**0.0035 * (a / c**2) ** 0.6 * q**0.006 * taper**0.04
        * (100 * t / c) ** -0.3 * (n * weight) ** 0.49 + s * paint
    )  # fmt: skip


SIMULATORS: dict[str, tuple[Values, int]] = {
    "branin": (branin, 2),
    "franke": (franke, 2),
    "hartmann-3": (hartmann_3, 3),
    "hartmann-6": (hartmann_6, 6),
    "ishigami": (ishigami, 3),
    "otl": (otl, 6),
    "piston": (piston, 7),
    "borehole": (borehole, 8),
    "friedman": (friedman, 5),
    "wing weight": (wing_weight, 10),
}


def peers(x: np.ndarray, y: np.ndarray, kriging: bool) -> dict[str, Callable[[], Values]]:
    """What is fitted beside, by name; SMT's kriging where it is wanted and installed."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels
    from sklearn.linear_model import RidgeCV
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    n, d = x.shape

    def process(kernel: Any) -> Values:
        whole = kernels.ConstantKernel(1.0, (1e-4, 1e6)) * kernel
        model = GaussianProcessRegressor(whole, normalize_y=True, n_restarts_optimizer=2, random_state=0)
        return model.fit(x, y).predict

    def ridge() -> Values:
        features = PolynomialFeatures(2 if n < 100 else 3)
        return make_pipeline(features, StandardScaler(), RidgeCV(np.logspace(-8, 2, 21))).fit(x, y).predict

    def network() -> Values:
        model = MLPRegressor(hidden_layer_sizes=(32, 32), solver="lbfgs", alpha=1e-4, max_iter=1000, random_state=0)
        scaled = make_pipeline(StandardScaler(), model)
        return TransformedTargetRegressor(scaled, transformer=StandardScaler()).fit(x, y).predict

    def smt() -> Values:
        from smt.surrogate_models import KRG

        model = KRG(print_global=False, seed=0)
        model.set_training_values(x, y)
        model.train()
        return lambda z: model.predict_values(z)[:, 0]

    length, bounds = np.ones(d), (1e-2, 1e3)
    found: dict[str, Callable[[], Values]] = {
        "GP Matern": lambda: process(kernels.Matern(length, bounds, nu=2.5)),
        "GP RBF": lambda: process(kernels.RBF(length, bounds)),
        "ridge": ridge,
        "MLP lbfgs": network,
    }
    return found | ({"SMT KRG": smt} if kriging and importlib.util.find_spec("smt") else {})


def cell(name: str, runs: int, seed: int, beside: bool, kriging: bool) -> dict[str, Any]:
    """Errors in deviations of the function, seconds, and what surefit says of itself."""
    from scipy.stats import qmc

    f, d = (SIMULATORS | UNSEEN)[name]
    x = qmc.LatinHypercube(d, rng=np.random.default_rng([seed, runs])).random(runs)
    y = f(x)
    at = np.random.default_rng([seed, 99]).random((DENSE, d))
    right = f(at)
    unit = float(right.std())
    errors: dict[str, tuple[float, float]] = {}

    def timed(label: str, fitted: Callable[[], Values]) -> None:
        began = clock.process_time()
        try:
            predict = fitted()
        except Exception as e:  # a peer that fails has no error, and is told
            print(f"{label}: {e!r}"[:200], file=sys.stderr)
            return
        seconds = clock.process_time() - began
        errors[label] = (float(np.sqrt(np.mean((predict(at) - right) ** 2))) / unit, seconds)

    fits: list[surefit.Fit] = []

    def ours() -> Values:
        fits.append(surefit.fit((x, y), [(0.0, 1.0)] * d, seed=seed))
        return fits[0].predict

    timed("surefit", ours)
    if beside:
        for label, fitted in peers(x, y, kriging).items():
            timed(label, fitted)
    fit = fits[0]
    low, high = fit.interval(at, LEVEL)
    others = [error for label, (error, _) in errors.items() if label != "surefit"]
    own = errors["surefit"][0]
    least, most = fit.error.rmse_range or (math.nan, math.nan)
    return {
        "simulator": name, "runs": runs, "seed": seed, "errors": errors, "parameters": fit.network.num_parameters(),
        "ratio": own / min([own, *others]), "estimate": fit.error.rmse / unit / own,
        "range": [least / unit / own, most / unit / own],
        "covered": float(np.mean((low <= right) & (right <= high))), "stage": str(fit.made.stage),
    }  # fmt: skip


def main(
    only: Annotated[str, Option(help="Simulators, separated by semicolons, or the beginning of their names.")] = "",
    runs: Annotated[str, Option(help="Runs of each, separated by commas.")] = "20,50,100,200",
    seeds: Annotated[int, Option(min=1, help="Designs of each simulator.")] = 3,
    unseen: Annotated[bool, Option("--unseen", help="Others, to which nothing was tuned.")] = False,
    alone: Annotated[bool, Option("--alone", help="surefit only.")] = False,
    kriging: Annotated[bool, Option(help="SMT's kriging beside, which takes most of the time.")] = True,
    json: Annotated[Path | None, Option(help="Write the figures of every run to this file.")] = None,
) -> None:
    """Print one table: errors over the deviation of the function, medians over the seeds."""
    warnings.simplefilter("ignore")
    every = UNSEEN if unseen else SIMULATORS
    names = [n for n in every if any(n.startswith(part.strip()) for part in only.split(";"))]
    if not names:
        raise typer.BadParameter(f"{only!r} begins no name; names: {'; '.join(every)}", param_hint="--only")
    rows: list[dict[str, Any]] = []
    cells: list[list[str]] = []
    columns: list[str] = []
    medians: list[dict[str, float]] = []
    for name in names:
        for count in map(int, runs.split(",")):
            drawn = [cell(name, count, s, not alone, kriging) for s in range(seeds)]
            rows += drawn
            columns = list(drawn[0]["errors"])
            errors = {c: statistics.median(r["errors"].get(c, (np.inf, 0))[0] for r in drawn) for c in columns}
            best = min(errors.values())
            told = {
                "ratio": errors["surefit"] / best,
                "estimate": statistics.median(r["estimate"] for r in drawn),
                "in range": sum(r["range"][0] <= 1 <= r["range"][1] for r in drawn),
                "covered": statistics.mean(r["covered"] for r in drawn),
                "parameters": max(r["parameters"] for r in drawn),
                "seconds": statistics.median(r["errors"]["surefit"][1] for r in drawn),
            }
            medians.append(told)
            shown = [f"**{e:.2g}**" if e == best else f"{e:.2g}" for e in errors.values()]
            told_words = [
                f"{told['ratio']:.2f}{'' if told['ratio'] <= NEAR else ' !'}", f"{told['estimate']:.2f}",
                f"{told['in range']} of {seeds}",
                f"{told['covered']:.0%}", f"{told['parameters']:.0f}", f"{told['seconds']:.1f}",
            ]  # fmt: skip
            cells.append([f"{name}, {count}", *shown, *told_words])
            print(f"{name}, {count}: {' '.join(told_words)}", file=sys.stderr, flush=True)
    near = sum(m["ratio"] <= NEAR for m in medians)
    inside = sum(m["in range"] for m in medians) / len(rows)
    honest = sum(1 / FACTOR <= m["estimate"] <= FACTOR for m in medians)
    notes = [
        f"Root mean square errors at {DENSE} points over the deviation of the function, medians of {seeds} designs. "
        "estimate: the error that the card tells over the true one. in range: how often the true one is in the range "
        "that the card tells. covered: by the 90 % intervals.",
        f"Within {NEAR:g} of the best on {near} of {len(medians)}; estimates within a factor of {FACTOR:g} on "
        f"{honest}, and {inside:.1%} of the true errors in the ranges that are told; intervals cover "
        f"{statistics.mean(m['covered'] for m in medians):.1%}; at most "
        f"{max(m['parameters'] for m in medians):.0f} parameters, "
        f"{max(m['seconds'] for m in medians):.1f} s of one processor core.",
    ]
    heads = ["runs", *columns, "over best", "estimate", "in range", "covered", "parameters", "seconds"]
    report("Simulators", heads, cells, notes, {"versions": versions(["numpy", "scipy"]), "rows": rows}, json)


if __name__ == "__main__":
    typer.run(main)
