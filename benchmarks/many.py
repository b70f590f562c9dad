"""Many small fits at once: how long, and how near to the truth, beside scikit-learn's MLP with lbfgs on a part of them.

Curves of five kinds (sines, steps, bumps, decays, kinks), each at 50 random places with noise. Distances are root mean
squares at 101 places inside, in deviations of the curve; the peer gets the same rows, standardised.
"""

from __future__ import annotations

import json as as_json
import os
import time as clock
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import versions
from typer import Option

ROWS, PLACES = 50, 101


def curves(count: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y (count, ROWS) and the truth (count, PLACES) at even places of [-1, 1]."""
    rng = np.random.default_rng(seed)
    p, q = rng.uniform(-1.0, 1.0, (2, count, 1))
    kinds = np.arange(count) % 5

    def values(t: np.ndarray) -> np.ndarray:
        every = (
            lambda t, p, q: np.sin((2.5 + 2 * p) * t + 3 * q),
            lambda t, p, q: 1 / (1 + np.exp(-(5 + 4 * p) * (t - 0.5 * q))),
            lambda t, p, q: np.exp(-(((t - 0.5 * p) / (0.35 + 0.2 * q)) ** 2)),
            lambda t, p, q: np.exp(-(2 + 1.5 * p) * (t + 1)),
            lambda t, p, q: np.abs(t - 0.5 * p),
        )
        out = np.empty(t.shape)
        for kind, f in enumerate(every):
            own = kinds == kind
            out[own] = f(t[own], p[own], q[own])
        return out

    x = np.sort(rng.uniform(-1.0, 1.0, (count, ROWS)), axis=1)
    truth = values(np.broadcast_to(np.linspace(-1.0, 1.0, PLACES), (count, PLACES)))
    size = truth.std(axis=1, keepdims=True)
    return x, values(x) / size + noise * rng.standard_normal(x.shape), truth / size


def peer(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.neural_network import MLPRegressor

    grid = np.linspace(-1.0, 1.0, PLACES)[:, None]
    out = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it might go on
        for u, v in zip(x, y, strict=True):
            mean, deviation = v.mean(), v.std()
            net = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", max_iter=500, random_state=0)
            out.append(net.fit(u[:, None], (v - mean) / deviation).predict(grid) * deviation + mean)
    return np.array(out)


def over_dask(x: np.ndarray, y: np.ndarray, many: Any) -> float:
    """Seconds of the same fits over workers that Dask has started; they must be the same bit for bit."""
    from dask.distributed import Client

    import surefit

    with Client(n_workers=os.cpu_count(), threads_per_worker=1, dashboard_address=None) as client:
        client.run(lambda: __import__("surefit").fit_many)  # imported, too: a cluster is started once
        began = clock.perf_counter()
        spread = surefit.fit_many(x=x, y=y, executor=client.get_executor())
        seconds = clock.perf_counter() - began
    np.testing.assert_array_equal(spread.parameters, many.parameters)
    return seconds


def main(
    count: Annotated[int, Option(min=10, help="Fits of surefit for each noise.")] = 2000,
    against: Annotated[int, Option(min=1, help="How many of them scikit-learn repeats.")] = 100,
    noises: Annotated[str, Option(help="Noise in deviations of a curve, separated by commas.")] = "0.3,0.1,0.03",
    seeds: Annotated[int, Option(min=1, help="Draws of the curves.")] = 1,
    dask: Annotated[bool, Option("--dask", help="The same fits over a local cluster of Dask as well.")] = False,
    json: Annotated[Path | None, Option(help="Write the figures to this file.")] = None,
) -> None:
    """Print one table: seconds for 100 000 fits, of the clock and of all cores, and median distances to the truth."""
    import sklearn.neural_network  # noqa: F401  before one_thread(), which limits the BLAS libraries that are loaded

    import surefit
    from surefit.blas import one_thread

    print(f"{versions(['surefit', 'numpy', 'scikit-learn'])}, {os.cpu_count()} cores, {count} curves of {ROWS} rows\n")
    print(
        "| noise | s per 1e5 fits | of processor | distance | scikit-learn, of the same curves: ours | its | "
        f"its s per 1e5 fits |{' through Dask |' * dask}\n|---|---|---|---|---|---|---|{'---|' * dask}"
    )
    rows = []
    for noise in map(float, noises.split(",")):
        figures = []
        for seed in range(seeds):
            x, y, truth = curves(count, noise, seed)
            began, busy = clock.perf_counter(), clock.process_time()
            many = surefit.fit_many(x=x, y=y)
            seconds, busy = clock.perf_counter() - began, clock.process_time() - busy
            grid = np.linspace(-1.0, 1.0, PLACES)
            ours = np.sqrt(np.mean((many.predict(grid) - truth) ** 2, axis=1))
            part = slice(0, against)
            began = clock.perf_counter()
            with one_thread():
                theirs = np.sqrt(np.mean((peer(x[part], y[part]) - truth[part]) ** 2, axis=1))
            its = (clock.perf_counter() - began) / len(theirs)
            distances = map(float, map(np.median, (ours, ours[part], theirs)))
            shared = [1e5 * over_dask(x, y, many) / count] if dask else []
            figures.append((1e5 * seconds / count, 1e5 * busy / count, *distances, 1e5 * its, *shared))
        a, p, b, c, d, e, *shared = np.mean(figures, axis=0)
        print(f"| {noise:g} | {a:.0f} | {p:.0f} | {b:.4f} | {c:.4f} | {d:.4f} | {e:.0f} |", end="")
        print("".join(f" {s:.0f} |" for s in shared))
        found = {"noise": noise, "seconds": a, "processor": p, "distance": b, "ours": c, "theirs": d}
        rows.append(found | {"their_seconds": e} | ({"dask_seconds": shared[0]} if dask else {}))
    if json is not None:
        json.write_text(as_json.dumps({"rows": rows}), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
