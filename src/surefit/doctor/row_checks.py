"""The doctor's checks of the rows of a table: whether rows that were set aside say what their error is taken for.

An error at rows that were left out at random tells of new rows of the same kind. It tells nothing of new places where
rows repeat their places, lie on a grid, or follow each other in time. A card cannot see that; the rows can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from surefit.doctor.findings import Finding, percent, severity
from surefit.problems.problem import Problem

SHARED = 0.2  # of the rows set aside: at places that are trained on too
FULL = 0.9  # of all places of a grid that are there
FEWEST = 30  # rows set aside, below which their largest error is one of few
LEVELS = 0.25  # of the rows: a column with more values than that is no axis of a grid
DEPENDENT = 1e-10  # share of a column's square that the others leave unexplained
FLOOR = 0.05  # of the target's deviation: what rows at the same place differ by, which no fit can explain
MOST = 20_000  # rows looked at


def rows(problem: Problem, sizes: dict[str, int]) -> Iterator[Finding]:
    """Findings about the rows of a table. sizes: of its parts, of which only a sample may be at hand."""
    parts = {"train": problem.train, "validation": problem.validation, "test": problem.test}
    known = {name: part for name, part in parts.items() if part is not None}
    x, y = (np.concatenate([part[i] for part in known.values()])[:MOST] for i in (0, 1))
    apart = known.get("test") or known.get("validation")
    if apart is not None:
        yield from _repeated(problem.train[0], apart[0])
        yield from _few(sizes["test"] or sizes["validation"], "test" if "test" in known else "validation")
    yield from _grid(x)
    yield from _contradictions(x, y, problem.outputs)
    yield from _dependent(x, problem.names)
    yield from _given_away(x, y, problem)


def _places(x: np.ndarray) -> np.ndarray:
    """Rows as bytes, so that equal ones are found."""
    return np.ascontiguousarray(x + 0.0).view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()


def _repeated(train: np.ndarray, apart: np.ndarray) -> Iterator[Finding]:
    """Rows set aside that stand at places which are trained on."""
    share = float(np.isin(_places(apart), _places(train)).mean())
    if share == 0.0:
        return
    yield Finding(
        "repeated-places", severity(share, 0.0, SHARED), "data", share,
        f"{percent(share)} of the rows that were set aside stand at places that are trained on too: their error tells "
        "of new measurements there, not of new places",
        "set whole places aside: give the rows of some places as Sampling(test=...)",
    )  # fmt: skip


def _few(count: int, part: str) -> Iterator[Finding]:
    """Few rows set aside."""
    if 0 < count < FEWEST:
        yield Finding(
            "few-rows-apart", "note", "data", count,
            f"the error was measured at {count} {part} rows: of as many new rows the largest error is as likely to be "
            "larger as smaller",
            "set more rows aside, Sampling(split=(0.6, 0.2, 0.2)), or fit with several seeds and compare",
        )  # fmt: skip


def _grid(x: np.ndarray) -> Iterator[Finding]:
    """Inputs that form a grid: rows left out at random lie between their neighbours on its lines."""
    if x.shape[1] < 2 or len(x) < 16:
        return
    levels = [len(np.unique(column)) for column in x.T]
    axes = [n for n in levels if n > 1]
    if len(axes) < 2 or max(axes) > LEVELS * len(x):
        return
    places = len(np.unique(_places(x)))
    if places < FULL * float(np.prod(axes, dtype=float)):
        return
    shape = " x ".join(map(str, axes))
    yield Finding(
        "grid", "note", "data", min(axes),
        f"the inputs form a grid of {shape} places: rows set aside at random have all their neighbours in training, "
        "and between the lines of the grid nothing was measured",
        "set whole lines of the grid aside as Sampling(test=...), or measure some rows between them",
    )  # fmt: skip


def _contradictions(x: np.ndarray, y: np.ndarray, names: Any) -> Iterator[Finding]:
    """Rows at the same place that differ in the target by more than a little."""
    _, place, times = np.unique(_places(x), return_inverse=True, return_counts=True)
    again = times[place] > 1
    if not again.any():
        return
    count = len(times)
    for name, column in zip(names, y.T, strict=True):
        mean = np.bincount(place, column, count) / times
        spread = column - mean[place]
        free = max(1, int(again.sum()) - int((times > 1).sum()))
        floor = float(np.sqrt(np.sum(spread[again] ** 2) / free))
        share = floor / float(column.std() or 1.0)
        if share > FLOOR:
            yield Finding(
                "contradictory-rows", "note", name, share,
                f"rows at the same place differ in {name} by {floor:.3g} (standard deviation), {percent(share)} of its "
                "own: no function of these inputs can do better",
                "expect an rmse of about that; if it is more than the noise should be, an input is missing",
            )  # fmt: skip


def _dependent(x: np.ndarray, names: Any) -> Iterator[Finding]:
    """Inputs that are linear functions of the others, as the last of a set of dummy columns is."""
    varies = np.ptp(x, axis=0) > 0
    columns = np.flatnonzero(varies)
    if len(columns) < 3 or len(x) <= 2 * len(columns) or len(columns) > 200:
        return
    z = (x[:, columns] - x[:, columns].mean(axis=0)) / x[:, columns].std(axis=0)
    _, s, vt = np.linalg.svd(z, full_matrices=False)
    if s[-1] ** 2 > DEPENDENT * s[0] ** 2:
        return
    involved = [names[columns[i]] for i in np.flatnonzero(np.abs(vt[-1]) > 1e-6)]
    if len(involved) < 3:  # two columns that repeat each other have a finding of their own
        return
    yield Finding(
        "dependent-inputs", "note", "inputs", float(s[-1] / s[0]),
        f"{', '.join(involved[:8])} depend on each other: one is a linear function of the others",
        "leave one of them out; of a set of dummy columns one is always too many",
    )  # fmt: skip


def _given_away(x: np.ndarray, y: np.ndarray, problem: Problem) -> Iterator[Finding]:
    """Targets that an input gives away, or that have two values only."""
    for name, column in zip(problem.outputs, y.T, strict=True):
        if np.ptp(column) == 0 or len(column) < 8:
            continue
        v = (column - column.mean()) / column.std()
        for other, values in zip(problem.names, x.T, strict=True):
            if x.shape[1] > 1 and np.ptp(values) > 0:
                u = (values - values.mean()) / values.std()
                if min(np.abs(u - v).max(), np.abs(u + v).max()) < 1e-9:
                    yield Finding(
                        "target-among-inputs", "warning", name, None,
                        f"the input {other} is the target {name} in other units: the fit has nothing to find",
                        f"leave {other} out, or name another target",
                    )  # fmt: skip
        if len(np.unique(column)) == 2:
            yield Finding(
                "two-valued-target", "note", name, 2,
                f"the target {name} has two values only, {column.min():g} and {column.max():g}",
                "see whether it is the column that you mean: without a word the last one is the target; for classes "
                "train a network of surefit.nn with a loss for classes",
            )  # fmt: skip


__all__ = ["rows"]
