"""Tables that no setting was chosen with: is surefit ever worse than the mean, or than ridge regression? See README.md.

Measured tables of scikit-learn and of `pydataset` (those of R), each part predicted from the others; and kinds of
difficulty that are drawn: noise alone, more columns than rows allow, categories, gaps, rows far out, and others. All
have the same rows; texts are 0 and 1 for each, and gaps medians with a column that says where, for those of
scikit-learn. A loss counts where it is more than 2 %, and as sure where it is more than two standard errors of the
differences between splits.

One division into five parts says little of a table with few rows: `--repeats` divides it again and again, and a loss is
then sure where it is more than two standard errors of the differences between such divisions. That is the luck of the
divisions; the rows stay the same.

The better of mean and ridge is known only afterwards. How much of a loss is luck is told by ridge regressions that
differ in nothing but the penalties they choose from, or in how: `--luck`. They, too, are worse by more than 2 % on some
tables.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import chosen, report, versions
from harness.unseen import DRAWN, LISTS, MORE_ROWS, Split, Table, divided, drawn, measured
from tables import forest, gaussian_process, histogram_boosting
from typer import Option

import surefit

WORSE = 1.02
FAR_OFF = 1.5  # times the test error, from which on, in either direction, an estimate is called far off


def coded(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """The inputs of both parts as numbers, (n, d) and (m, d)."""
    inside: list[np.ndarray] = []
    outside: list[np.ndarray] = []
    for name, column in split.train.inputs.items():
        other = split.test.columns[name]
        if column.dtype.kind != "f":
            for text in sorted(set(column.tolist())):
                inside.append((column == text).astype(float))
                outside.append((other == text).astype(float))
            continue
        if np.isnan(column).any() or np.isnan(other).any():
            inside.append(np.isnan(column).astype(float))
            outside.append(np.isnan(other).astype(float))
            middle = np.nanmedian(column)
            column, other = np.where(np.isnan(column), middle, column), np.where(np.isnan(other), middle, other)
        inside.append(column)
        outside.append(other)
    return np.column_stack(inside), np.column_stack(outside)


def by_surefit(split: Split, seed: int) -> tuple[np.ndarray, float]:
    """What surefit.fit predicts, and its own estimate of the root mean squared error."""
    options: dict[str, Any] = {"missing": "median"} if split.train.missing else {}
    if split.train.order is not None:
        options["data"] = surefit.Sampling(order=split.train.order)
    fit = surefit.fit(split.train.columns, target=split.train.target, seed=seed, **options)
    return np.ravel(fit.predict(split.test.inputs)), fit.error.rmse


def by_regressor(split: Split, seed: int) -> np.ndarray:
    """The same as an estimator of scikit-learn, of numbers alone."""
    from surefit.sklearn import FitRegressor

    x, new = coded(split)
    return np.asarray(FitRegressor(random_state=seed).fit(x, split.train.y).predict(new))


def by_mean(split: Split, seed: int) -> np.ndarray:
    return np.full(len(split.test.y), split.train.y.mean())


def by_sklearn(make: Callable[[int, int], Any]) -> Callable[[Split, int], np.ndarray]:
    """A scikit-learn regressor behind a StandardScaler."""

    def predicted(split: Split, seed: int) -> np.ndarray:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        x, new = coded(split)
        return np.asarray(make_pipeline(StandardScaler(), make(seed, x.shape[1])).fit(x, split.train.y).predict(new))

    return predicted


def ridge(seed: int, inputs: int) -> Any:
    """The ridge of the smallest leave-one-out error."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-3, 4, 15))


def ridge_of_more(seed: int, inputs: int) -> Any:
    """The same of more penalties."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-4, 4, 25))


def ridge_by_folds(seed: int, inputs: int) -> Any:
    """The ridge of the smallest error in ten folds."""
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold

    return RidgeCV(np.logspace(-3, 4, 15), cv=KFold(10, shuffle=True, random_state=seed))


def by_choice(split: Split, seed: int) -> np.ndarray:
    """The mean or ridge regression, whichever has the smaller error in ten folds of the rows to fit."""
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, new = coded(split)
    y = split.train.y
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 4, 15)))
    folds = KFold(min(10, len(y)), shuffle=True, random_state=seed)
    means = np.empty(len(y))
    for rest, fold in folds.split(y):
        means[fold] = y[rest].mean()
    if np.sum((cross_val_predict(model, x, y, cv=folds) - y) ** 2) < np.sum((means - y) ** 2):
        return np.asarray(model.fit(x, y).predict(new))
    return by_mean(split, seed)


PEERS: dict[str, Callable[[Split, int], np.ndarray]] = {
    "mean": by_mean,
    "ridge": by_sklearn(ridge),
    "histogram boosting": by_sklearn(histogram_boosting),
    "random forest": by_sklearn(forest),
    "Gaussian process": by_sklearn(gaussian_process),
    "FitRegressor": by_regressor,
    "ridge of 25 penalties": by_sklearn(ridge_of_more),
    "ridge by ten folds": by_sklearn(ridge_by_folds),
    "mean or ridge by ten folds": by_choice,
}
LUCK = ("mean", "ridge", "ridge of 25 penalties", "ridge by ten folds", "mean or ridge by ten folds")
BESIDE = ("mean", "ridge", "histogram boosting", "random forest", "Gaussian process")


def tables(kinds: list[str], folds: int, seeds: int, repeats: int) -> dict[str, list[list[Split]]]:
    """The splits of each table, those of one division together; of what is drawn each alone."""
    found: dict[str, list[list[Split]]] = {}
    for kind in kinds:
        if kind in LISTS:
            for name, table in measured(kind):
                found[name] = [list(divided(table, folds, repeat)) for repeat in range(repeats)]
        else:
            every = DRAWN if kind == "drawn" else MORE_ROWS
            found |= {name: [[drawn(draw, rows, k) for k in range(seeds)]] for name, (draw, rows) in every.items()}
    return found


def compared(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Root mean squared error over another's, and by how many standard errors it is above `WORSE`.

    Both: mean squared errors (r, m) of m splits of each of r divisions. Divisions are compared where there are several,
    else splits; of one split no standard error is known.
    """
    ours, theirs = (e.mean(axis=1) if len(e) > 1 else e[0] for e in (ours, theirs))
    ratio = math.sqrt(float(ours.mean()) / max(float(theirs.mean()), 1e-300))
    excess = ours - WORSE**2 * theirs
    if len(ours) < 2:
        return ratio, math.nan
    return ratio, float(excess.mean()) / max(float(excess.std(ddof=1)) / math.sqrt(len(ours)), 1e-300)


def main(
    only: Annotated[str, Option(help="Tables, separated by semicolons, or the beginning of their names.")] = "",
    kinds: Annotated[str, Option(help="Of measured, seen, kept, drawn, more (rows).")] = "measured,drawn",
    peers: Annotated[str, Option(help="Peers, separated by semicolons.")] = ";".join(BESIDE),
    folds: Annotated[int, Option(min=2, help="Parts of a measured table.")] = 5,
    seeds: Annotated[int, Option(min=1, help="Draws of each kind.")] = 5,
    repeats: Annotated[int, Option(min=1, help="Divisions of a measured table into these parts.")] = 1,
    luck: Annotated[bool, Option("--luck", help="Other ridge regressions beside, instead of these peers.")] = False,
    json: Annotated[Path | None, Option(help="Write the figures of every run to this file.")] = None,
) -> None:
    """Print one table: test errors over surefit's, its own over the better of mean and ridge, its estimate."""
    names = list(LUCK) if luck else [n.strip() for n in peers.split(";")]
    if wrong := [n for n in names if n not in PEERS]:
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {'; '.join(PEERS)}", param_hint="--peers")
    some = tables(chosen(kinds, ("measured", "seen", "kept", "drawn", "more"), "--kinds"), folds, seeds, repeats)
    starts = tuple(part.strip() for part in only.split(";"))
    cells: list[list[str]] = []
    rows: list[dict[str, Any]] = []
    worse = dict.fromkeys(names, 0)
    for name, divisions in some.items():
        if not name.startswith(starts):
            continue
        splits = [split for division in divisions for split in division]
        squares: dict[str, list[float]] = {n: [] for n in ("surefit", *names)}
        estimates, seconds = [], []
        for k, split in enumerate(splits):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # searches that end before they converge, points outside of the rows
                began = time.process_time()
                found, estimate = by_surefit(split, k)
                seconds.append(time.process_time() - began)
                estimates.append(estimate)
                every = {"surefit": found} | {n: PEERS[n](split, k) for n in names}
            for n, values in every.items():
                squares[n].append(float(np.mean((values - split.test.y) ** 2)))
        by_division = {n: np.reshape(e, (len(divisions), -1)) for n, e in squares.items()}
        ours = by_division["surefit"]
        against = {n: compared(ours, by_division[n]) for n in names}
        simple = [against[n] for n in names if n in ("mean", "ridge")]
        worst = max(simple, default=(math.nan, math.nan))
        for n in names:
            others = [compared(by_division[n], by_division[m]) for m in ("mean", "ridge") if m in names]
            worse[n] += max(others, default=(0.0, 0.0))[0] > WORSE
        told = float(np.sqrt(np.mean(np.square(estimates)) / ours.mean()))
        rows.append({"table": name, "squares": squares, "estimates": estimates, "seconds": seconds})
        rows[-1]["divisions"] = len(divisions)
        mark = " !!" if worst[0] > WORSE and worst[1] > 2 else " !" if worst[0] > WORSE else ""
        far = " !" if not 1 / FAR_OFF <= told <= FAR_OFF else ""
        train: Table = splits[0].train
        cells.append([
            f"{name} ({len(train.y)} rows, {len(train.inputs)} columns)", f"{math.sqrt(ours.mean()):.4g}",
            *(f"{1 / against[n][0]:.2f}" for n in names), f"{worst[0]:.3f}{mark}", f"{told:.2f}{far}",
            f"{np.median(seconds):.1f}",
        ])  # fmt: skip
        print(f"{name}: {worst[0]:.3f}{mark}", file=sys.stderr, flush=True)
    above = [cell for cell in cells if cell[-3].endswith("!")]
    sure = [cell for cell in above if cell[-3].endswith("!!")]
    notes = [
        "Root mean squared errors on rows that were left out, all splits together; of the peers over surefit's: above "
        "1 surefit is better. Then surefit's over the better of mean and ridge (! above 1.02, !! by more than two "
        "standard errors), its own estimate over its error (! farther off than 1.5), processor seconds of a fit.",
        f"Worse than mean or ridge by more than 2 %: {len(above)} of {len(cells)}, surely {len(sure)}. Of the others, "
        "whatever luck there is in it: " + ", ".join(f"{n} {count}" for n, count in worse.items()) + ".",
    ]
    columns = ["table", "surefit", *names, "over mean, ridge", "estimate", "seconds"]
    report("Tables not seen", columns, cells, notes, {"versions": versions(["scikit-learn"]), "rows": rows}, json)


if __name__ == "__main__":
    typer.run(main)
