"""Test errors on four measured tables of the UCI repository, beside those of scikit-learn's regressors. See README.md.

Ten official divisions of each table into 90 % training and 10 % test rows. Everybody gets the same rows, inputs scaled
to deviation 1, and the library's own settings.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import importable, report, versions
from harness.material import data_folder
from typer import Option

import surefit

TABLES = ("yacht", "energy", "concrete", "airfoil")
OURS, LEVEL = "surefit", 0.9  # its intervals are of this level
Regressor = Callable[[np.ndarray, np.ndarray, int], Callable[[np.ndarray], np.ndarray]]


def fitted(x: np.ndarray, y: np.ndarray, seed: int) -> surefit.Fit:
    """surefit.fit of a table as it comes; the tenth that it keeps for testing stays in training, for fairness."""
    return surefit.fit((x, y), data=surefit.Sampling(split=(0.9, 0.1, 0.0)), seed=seed)


def coverage(fit: surefit.Fit, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The share of rows x (n, d), y (n,) that lie within the intervals, and how wide these are, in deviations of y."""
    low, high = (np.ravel(end) for end in fit.interval(x, LEVEL))
    return float(np.mean((low <= y) & (y <= high))), float(np.mean(high - low) / y.std())


def by_sklearn(make: Callable[[int, int], Any]) -> Regressor:
    """A scikit-learn regressor behind a StandardScaler."""

    def train(x: np.ndarray, y: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the defaults end before they converge, and say so
            return make_pipeline(StandardScaler(), make(seed, x.shape[1])).fit(x, y).predict

    return train


def mlp(seed: int, inputs: int) -> Any:
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(random_state=seed)


def boosting(seed: int, inputs: int) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=seed)


def many_trees(seed: int, inputs: int) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(
        n_estimators=1000, max_depth=4, learning_rate=0.05, subsample=0.7, random_state=seed
    )


def histogram_boosting(seed: int, inputs: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=seed)


def forest(seed: int, inputs: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(random_state=seed)


def gaussian_process(seed: int, inputs: int) -> Any:
    """A length for each input, and noise, all by maximum likelihood."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = ConstantKernel() * RBF(np.ones(inputs)) + WhiteKernel(0.1)
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)


REGRESSORS: dict[str, Regressor] = {
    "scikit-learn MLP": by_sklearn(mlp),
    "gradient boosting": by_sklearn(boosting),
    "boosting, 1 000 trees": by_sklearn(many_trees),
    "histogram boosting": by_sklearn(histogram_boosting),
    "random forest": by_sklearn(forest),
    "Gaussian process": by_sklearn(gaussian_process),
}


def read(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (n, d), targets (n,) and test masks (n, 10) of a table."""
    table = np.loadtxt(folder / name / "data.csv.gz", delimiter=",")
    mask = np.loadtxt(folder / name / "test_mask.csv.gz", delimiter=",").astype(bool)
    return table[:, :-1], table[:, -1], mask


def main(
    data: Annotated[
        Path | None, Option(help="Folder that holds uci/; default $SUREFIT_DATA or ../shared/data.")
    ] = None,
    only: Annotated[str, Option(help="Tables, separated by commas.")] = ",".join(TABLES),
    splits: Annotated[int, Option(min=1, max=10, help="Divisions of each table.")] = 10,
    json: Annotated[Path | None, Option(help="Write the error and time of every run to this file.")] = None,
) -> None:
    """Print one table: root mean squared test errors, means over the divisions, and what intervals cover."""
    folder = data_folder(data, "uci")
    have, missing = importable(["sklearn"])
    names = [OURS, *(REGRESSORS if have else ())]
    cells, rows = [], []
    for table in only.split(","):
        x, y, masks = read(folder, table)
        errors: dict[str, list[float]] = {n: [] for n in names}
        seconds: dict[str, list[float]] = {n: [] for n in names}
        covered: list[float] = []
        wide: list[float] = []
        for k in range(splits):
            test = masks[:, k]
            for n in names:
                start = time.perf_counter()
                fit = fitted(x[~test], y[~test], k) if n == OURS else None
                predict = REGRESSORS[n](x[~test], y[~test], k) if fit is None else fit.predict
                seconds[n].append(time.perf_counter() - start)
                errors[n].append(float(np.sqrt(np.mean((predict(x[test]).ravel() - y[test]) ** 2))))
                if fit is not None:
                    share, width = coverage(fit, x[test], y[test])
                    covered.append(share)
                    wide.append(width)
        rows.append({"table": table, "rmse": errors, "seconds": seconds, "covered": covered, "wide": wide})
        best = min(statistics.mean(e) for e in errors.values())
        row = [f"{table} ({len(x)} rows, {x.shape[1]} inputs)"]
        for n in names:
            mean = statistics.mean(errors[n])
            text = f"{mean:.3g}"
            if splits > 1:
                text += f" ± {statistics.stdev(errors[n]) / splits**0.5:.1g}"
            row.append((f"**{text}**" if mean == best else text) + f" ({statistics.median(seconds[n]):.1f} s)")
        row += [f"{statistics.mean(covered):.1%}", f"{statistics.mean(wide):.2f}"]
        cells.append(row)
    notes = [
        "Root mean squared error on the test rows: "
        + (f"mean over {splits} divisions ± its standard error; " if splits > 1 else "the first division; ")
        + "in brackets the median time of a fit.",
        f"covered: test rows within surefit's {LEVEL:.0%} intervals; wide: these, in deviations of the test values.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    figures = {"versions": versions(["scikit-learn"]), "rows": rows}
    report("Measured tables", ["", *names, "covered", "wide"], cells, notes, figures, json)


if __name__ == "__main__":
    typer.run(main)
