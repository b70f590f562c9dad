"""Test errors where the target is known to rise or fall with some inputs, beside histogram boosting. See README.md.

Two measured tables (concrete of UCI, stronger with more cement, less water and more age; diabetes of scikit-learn, that
rises with body mass, blood pressure and a serum measurement) and noisy rows of three functions, with noise of three
tenths of the deviation of the target. scikit-learn's boosting is told the same (`monotonic_cst`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import importable, report, versions
from harness.material import data_folder
from typer import Option

import surefit

NOISE, FRESH = 0.3, 4000
Function = Callable[[np.ndarray], np.ndarray]
FUNCTIONS: dict[str, tuple[Function, tuple[int, ...]]] = {
    "product": (lambda x: np.exp(x[:, 0]) * (1 + x[:, 1]) + np.tanh(4 * x[:, 2]) + np.sin(3 * x[:, 3]), (1, 1, 1, 0)),
    "steps": (
        lambda x: (x[:, 0] > 0.2) + np.floor(3 * x[:, 1] + 3) / 3 * (1 + x[:, 3] ** 2) - 2 * x[:, 2] ** 3,
        (1, 1, -1, 0),
    ),
    "logistic": (
        lambda x: 3 / (1 + np.exp(-3 * x[:, 0] - 2 * x[:, 1] + 4 * x[:, 2] * (1.5 + x[:, 3]) / 2)),
        (1, 1, -1, 0),
    ),
}
MEASURED = {"concrete": (1, 0, 0, -1, 0, 0, 0, 1), "diabetes": (0, 0, 1, 1, 0, 0, 0, 0, 1, 0)}
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # inputs and targets to train on, and to test on


def rows_of(name: str, count: int, division: int, folder: Path) -> Rows:
    """Rows of a table, one of its divisions, or so many noisy ones of a function and fresh ones without noise."""
    rng = np.random.default_rng([division, 7])
    if name == "concrete":
        table = np.loadtxt(folder / name / "data.csv.gz", delimiter=",")
        test = np.loadtxt(folder / name / "test_mask.csv.gz", delimiter=",").astype(bool)[:, division]
        return table[~test, :-1], table[~test, -1], table[test, :-1], table[test, -1]
    if name == "diabetes":
        from sklearn.datasets import load_diabetes

        x, y = load_diabetes(return_X_y=True)
        order, held = rng.permutation(len(x)), len(x) // 10
        return x[order[held:]], y[order[held:]], x[order[:held]], y[order[:held]]
    f, _ = FUNCTIONS[name]
    x = rng.uniform(-1, 1, (count + FRESH, 4))
    y = f(x)
    noisy = y[:count] + NOISE * y.std() * rng.normal(size=count)
    return x[:count], noisy, x[count:], y[count:]


def by_surefit(x: np.ndarray, y: np.ndarray, signs: tuple[int, ...], seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """surefit.fit, told the directions; the tenth that it keeps for testing stays in training, for fairness."""
    split = surefit.Sampling(split=(0.9, 0.1, 0.0))
    return surefit.fit((x, y), data=split, monotone=signs if any(signs) else None, seed=seed)._predict


def by_surefit_untold(
    x: np.ndarray, y: np.ndarray, signs: tuple[int, ...], seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """surefit.fit, which is told nothing."""
    return by_surefit(x, y, (0,) * len(signs), seed)


def by_boosting(x: np.ndarray, y: np.ndarray, signs: tuple[int, ...], seed: int) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(monotonic_cst=list(signs), random_state=seed).fit(x, y).predict  # type: ignore[no-any-return]


CONTESTANTS: dict[str, Any] = {
    "surefit, monotone": by_surefit,
    "histogram boosting, monotone": by_boosting,
    "surefit, not told": by_surefit_untold,
}


def main(
    data: Annotated[
        Path | None, Option(help="Folder that holds uci/; default $SUREFIT_DATA or ../shared/data.")
    ] = None,
    only: Annotated[str, Option(help="Targets, separated by commas.")] = ",".join([*MEASURED, *FUNCTIONS]),
    rows: Annotated[str, Option(help="Rows of each function, separated by commas.")] = "100,300,1000",
    divisions: Annotated[int, Option(min=1, max=10, help="Divisions of each table, draws of each function.")] = 3,
    json: Annotated[Path | None, Option(help="Write the error and time of every run to this file.")] = None,
) -> None:
    """Print one table: root mean squared test errors, means over the divisions."""
    have, missing = importable(["sklearn"])
    names = [n for n in CONTESTANTS if have or n.startswith("surefit")]
    cases = []
    for name in only.split(","):
        cases += [(name, 0)] if name in MEASURED else [(name, int(count)) for count in rows.split(",")]
    cells, found = [], []
    for name, count in cases:
        signs = MEASURED[name] if name in MEASURED else FUNCTIONS[name][1]
        errors: dict[str, list[float]] = {n: [] for n in names}
        seconds: dict[str, list[float]] = {n: [] for n in names}
        for k in range(divisions):
            x, y, x_test, y_test = rows_of(name, count, k, data_folder(data, "uci") if name == "concrete" else Path())
            for n in names:
                start = time.process_time()
                predict = CONTESTANTS[n](x, y, signs, k)
                seconds[n].append(time.process_time() - start)
                errors[n].append(float(np.sqrt(np.mean((predict(x_test).ravel() - y_test) ** 2))))
        found.append({"target": name, "rows": len(x), "rmse": errors, "seconds": seconds})
        best = min(statistics.mean(e) for e in errors.values())
        row = [f"{name} ({len(x)} rows)"]
        for n in names:
            mean = statistics.mean(errors[n])
            row.append(
                (f"**{mean:.3g}**" if mean == best else f"{mean:.3g}") + f" ({statistics.median(seconds[n]):.1f} s)"
            )
        cells.append(row)
    notes = [
        f"Root mean squared error, mean over {divisions} divisions: on the test rows of tables; of functions from the "
        "truth. In brackets the median processor time of a fit.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    title = "Targets that rise or fall with some inputs"
    report(title, ["", *names], cells, notes, {"versions": versions(["scikit-learn"]), "rows": found}, json)


if __name__ == "__main__":
    typer.run(main)
