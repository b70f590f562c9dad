"""Classes: a column of labels as one indicator column for each class, which a network can be fitted to.

The least squares fit of an indicator is an estimate of the probability of its class, and classifies as well as one that
was fitted by its likelihood (Hui and Belkin 2021, "Evaluation of neural architectures trained with square loss vs
cross-entropy in classification tasks").
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.data.csv_text import read_rows
from surefit.data.table import Table, read_table
from surefit.errors import ArgumentError, DataError

MOST = 1000  # classes
FEWEST_ROWS = 2  # of a class, on the average: with fewer, the labels are measured numbers
TEXTS = (".csv", ".tsv", ".txt", ".dat")


class Labelled(NamedTuple):
    """Rows with classes: the table of inputs and indicators, the classes, and what the source is called."""

    table: Table
    classes: tuple[Any, ...]
    name: str


def labelled(source: Any) -> Labelled:
    """The indicator table of a source whose last column holds classes: texts, whole numbers, True and False.

    Two classes have one indicator, that of the second; k > 2 have k. Classes are in order. source: a path, a DataFrame,
    a dict of columns, a pair (X, y), a `Table`.

    Raises:
        DataError: a label is missing, there is one class only, or so many that the column holds measured numbers.

    >>> found = labelled({"x": [0.0, 1.0, 2.0, 3.0], "kind": ["a", "b", "b", "a"]})
    >>> found.classes, found.table.targets, found.table.y[:, 0].tolist()
    (('a', 'b'), ('kind=b',), [0.0, 1.0, 1.0, 0.0])
    """
    if callable(source) and not isinstance(source, Table):
        raise ArgumentError("task='classify': a function has no classes; give a table whose last column holds them")
    names, x, target, labels = _columns(source)
    if labels.ndim != 1 or len(labels) != len(x):
        raise DataError(f"{target}: expected one class for each of {len(x)} rows, got shape {labels.shape}")
    classes, place = _classes(labels, target)
    shown = range(1, 2) if len(classes) == 2 else range(len(classes))
    outputs = [f"{target}={classes[i]}" for i in shown]
    indicators = np.stack([place == i for i in shown], axis=1).astype(np.float64)
    name = os.path.basename(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
    return Labelled(Table([*names, *outputs], np.concatenate([x, indicators], axis=1), outputs), classes, name)


def classes_of(
    what: Any, task: str, tol: float | None, target_scale: Any, missing: Any, folds: Any, quantile: Any, **reading: Any
) -> Labelled | None:
    """The rows with their classes where classes are to be told apart, else None; reading: arguments about columns."""
    if task not in ("regress", "classify"):
        raise ArgumentError(f"task={task!r} must be 'regress' or 'classify'")
    if task == "regress":
        return None
    if tol is not None:
        raise ArgumentError("tol: classes have no largest error; leave it out")
    if target_scale is not None:
        raise ArgumentError("target_scale: classes have no logarithm; leave it out")
    if quantile is not None:
        raise ArgumentError("quantile: classes have none; leave it out")
    if folds is not None:
        raise ArgumentError("folds: of classes the accuracy is measured on test rows; leave it out")
    if missing is not None:
        raise ArgumentError("missing: with classes, fill missing inputs in beforehand, or leave such rows out")
    named = next((name for name, value in reading.items() if value is not None), None)
    if named is not None:
        raise ArgumentError(f"{named}: classes are those of the last column; choose and order the columns beforehand")
    return labelled(what)


def _classes(labels: np.ndarray, target: str) -> tuple[tuple[Any, ...], np.ndarray]:
    """The classes in order, and which one each row is of."""
    values = labels.tolist()
    missing = next((i for i, v in enumerate(values) if v is None or v != v or v == ""), None)
    if missing is not None:
        raise DataError(
            f"{target}: the class of row {missing} is missing (first row is 0); fill it in, or leave it out"
        )
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    kinds = {type(v) for v in values}
    if not all(issubclass(kind, (str, int, float)) for kind in kinds) or (str in kinds and len(kinds) > 1):
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"{target}: classes must be texts, or numbers, or True and False; these are {shown}")
    classes = tuple(sorted(set(values)))
    if len(classes) < 2:
        raise DataError(f"{target}: 1 class only, {classes[0]!r}; there is nothing to tell apart")
    if len(classes) > MOST or (float in kinds and FEWEST_ROWS * len(classes) > len(values)):
        raise DataError(
            f"{target}: {len(classes)} classes in {len(values)} rows; these are measured numbers, not classes: leave "
            "task='classify' out"
        )
    at = {c: i for i, c in enumerate(classes)}
    return classes, np.array([at[v] for v in values])


def _columns(source: Any) -> tuple[list[str], np.ndarray, str, np.ndarray]:
    """Names and values of the inputs, the name of the column of labels, and the labels."""
    if isinstance(source, (str, os.PathLike)) and (found := _of_text(Path(source))) is not None:
        return found
    if isinstance(source, Mapping) or (hasattr(source, "columns") and not isinstance(source, (np.ndarray, Table))):
        keys = list(source) if isinstance(source, Mapping) else list(source.columns)
        if len(keys) < 2:
            raise DataError("table: classes need at least one input column beside them")
        inputs = read_table({str(key): source[key] for key in keys[:-1]})
        return list(inputs.names), inputs.values, str(keys[-1]), _array(source[keys[-1]])
    if isinstance(source, (tuple, list)) and len(source) == 2:
        x, y = source
        labels = _array(y)
        labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
        inputs = read_table((x, np.zeros(len(labels))))
        return list(inputs.inputs), inputs.x, str(getattr(y, "name", None) or "y"), labels
    whole = read_table(source)
    return list(whole.names[:-1]), whole.values[:, :-1], whole.names[-1], whole.values[:, -1]


def _array(column: Any) -> np.ndarray:
    if isinstance(column, (list, tuple)):  # which NumPy would make texts of where one is a text
        return np.array(column, dtype=object)
    return np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)


def _of_text(path: Path) -> tuple[list[str], np.ndarray, str, np.ndarray] | None:
    """A text file with a header and texts in its last column; None of any other."""
    if path.suffix.lower() not in TEXTS or not path.is_file():
        return None
    for delimiter in ",;\t|":
        header, *rows = read_rows(path, delimiter)
        width = len(header.cells)
        if width > 1 and rows and all(len(row.cells) == width for row in rows):
            names = [cell.strip() for cell in header.cells]
            labels = [row.cells[-1].strip() for row in rows]
            try:
                [float(label) for label in labels]
            except ValueError:
                inputs = read_table(path, columns=names[:-1], delimiter=delimiter)
                return names[:-1], inputs.values, names[-1], np.array(labels, dtype=object)
            return None
    return None


__all__ = ["Labelled", "classes_of", "labelled"]
