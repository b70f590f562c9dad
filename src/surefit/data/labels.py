"""Classes: a column of labels as one indicator column for each class, which a network can be fitted to.

The least squares fit of an indicator is an estimate of the probability of its class, and classifies as well as one that
was fitted by its likelihood (Hui and Belkin 2021, "Evaluation of neural architectures trained with square loss vs
cross-entropy in classification tasks").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from surefit.data.columns import MISSING, WORDS, Raw, is_none
from surefit.data.csv_text import TextColumn, leave_out
from surefit.data.sampling import Sampling
from surefit.data.sources import called, is_pair, raw_of
from surefit.data.table import Table, chosen_columns
from surefit.errors import ArgumentError, DataError
from surefit.spelling import spelled

MOST = 1000  # classes
FEWEST_ROWS = 2  # of a class, on the average: with fewer, the labels are measured numbers


class Labelled(NamedTuple):
    """Rows with classes: the columns of inputs and indicators as they came, the classes, and the source's name.

    target: the column that held the classes.
    """

    raw: Raw
    classes: tuple[Any, ...]
    name: str
    target: str


def labelled(
    source: Any, target: Any = None, *, classes: tuple[Any, ...] | None = None, drop_missing: bool = False,
    **options: Any,
) -> Labelled:  # fmt: skip
    """The columns of a source of which one holds classes (texts, whole numbers, True and False), that as indicators.

    Two classes have one indicator, that of the second; k > 2 have k. Classes are in order.

    Args:
        source: what `read_table` takes; in a pair (X, y) y holds the classes. options: how it is read.
        target: the column of the classes, by name or place from 0. None: the last.
        classes: those there are, for rows beside others. None: those that are found.
        drop_missing: whether rows without a class stay, to be left out when they are read, and are no error.

    Raises:
        DataError: a label is missing, there is one class only, or so many that the column holds measured numbers.

    >>> found = labelled({"x": [0.0, 1.0, 2.0, 3.0], "kind": ["a", "b", "b", "a"]})
    >>> found.classes, found.raw.targets, found.raw.columns[-1].tolist()
    (('a', 'b'), ('kind=b',), [0.0, 1.0, 1.0, 0.0])
    """
    if callable(source) and not hasattr(source, "columns") and not isinstance(source, Table):
        raise ArgumentError("task='classify': a function has no classes; give a table, one column of which holds them")
    raw, name = _columns(source, options)
    raw = raw._replace(names=[n.strip() for n in raw.names])
    names = chosen_columns(raw, None, None, target)[1]
    if len(names) > 1:
        raise DataError(f"{', '.join(names)}: classes are those of one column; name it with {spelled('target', '...')}")
    (column,) = names
    if len(raw.names) < 2:
        raise DataError("table: classes need at least one input column beside them")
    at = raw.names.index(column)
    values = labels_of(raw.columns[at], column)
    found, place = _classes(values, column, raw, drop_missing, classes)
    shown = range(1, 2) if len(found) == 2 else range(len(found))
    outputs = [f"{column}={found[i]}" for i in shown]
    missing = place < 0
    indicators = [np.where(missing, np.nan, (place == i).astype(np.float64)) for i in shown]
    others = [i for i in range(len(raw.names)) if i != at]
    raw = raw._replace(
        names=[*(raw.names[i] for i in others), *outputs], columns=[*(raw.columns[i] for i in others), *indicators],
        targets=tuple(outputs),
    )  # fmt: skip
    return Labelled(raw, found, name, column)


def _columns(source: Any, options: Mapping[str, Any]) -> tuple[Raw, str]:
    """The columns of a source as they came, and what it is called."""
    if isinstance(source, Raw):
        return source, source.label
    if not is_pair(source):
        return raw_of(source, **options), called(source)
    x, y = source
    label = getattr(y, "name", None)
    if hasattr(y, "columns") and hasattr(y, "__getitem__") and len(y.columns) == 1:  # a frame of one column
        label = y.columns[0]
        y = y[label]
    labels = _array(y)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != len(x):
        raise DataError(f"{label or 'y'}: expected one class for each of {len(x)} rows, got shape {labels.shape}")
    raw = raw_of((x, np.zeros(len(labels))), **options)
    return raw._replace(names=[*raw.names[:-1], str(label or "y")], columns=[*raw.columns[:-1], labels],
                        targets=(str(label or "y"),)), called(source)  # fmt: skip


class Classes(NamedTuple):
    """The columns of a table with an indicator for each class, the classes, its name, and how its rows are split."""

    raw: Raw
    classes: tuple[Any, ...]
    name: str
    data: Sampling | None


def classes_of(
    what: Any,
    task: str,
    data: Sampling | None,
    tol: float | None,
    target_scale: Any,
    quantile: Any,
    monotone: Any,
    *,
    target: Any,
    **reading: Any,
) -> Classes | None:
    """The rows with their classes where classes are to be told apart, else None; reading: how the table is read."""
    if task not in ("regress", "classify"):
        raise ArgumentError(f"task={task!r} must be 'regress' or 'classify'")
    if task == "regress":
        return None
    if tol is not None:
        raise ArgumentError("tol: classes have no largest error; leave it out")
    plan = data if isinstance(data, Sampling) else Sampling()
    if target_scale is not None or plan.target_scale is not None:
        raise ArgumentError("target_scale: classes have no logarithm; leave it out")
    if quantile is not None or plan.quantile is not None:
        raise ArgumentError("quantile: classes have none; leave it out")
    if monotone is not None or plan.monotone is not None:
        raise ArgumentError("monotone: classes have no order in which a target could rise; leave it out")
    if plan.noise is not None:
        raise ArgumentError("noise: classes have none; leave it out")
    options = {name: value for name, value in reading.items() if value is not None}
    found = labelled(what, target, drop_missing=plan.drop_nonfinite, **options)
    if plan.test is not None:
        rows = labelled(plan.test, None if target is None else found.target, classes=found.classes, **options)
        data = replace(plan, test=rows.raw)
    return Classes(found.raw, found.classes, found.name, data)


def labels_of(column: Any, name: str) -> list[Any]:
    """What the rows of a column are called, as texts where one is a text, and None where it is missing.

    DataError for a column of several numbers a row.
    """
    if isinstance(column, TextColumn):
        odd, floats = column.odd, column.floats
        texts = any(not _is_missing(cell) for cell in odd.values())
        return [
            (None if _is_missing(odd[i]) else odd[i].strip()) if i in odd else _word(v) if texts else v
            for i, v in enumerate(floats)
        ]
    array = _array(column)
    if array.ndim != 1:
        raise DataError(f"{name}: expected one class for each row, got shape {array.shape}")
    if array.dtype.kind == "M":
        return [None if np.isnat(v) else str(v) for v in array]
    if np.ma.isMaskedArray(column):
        return [None if hidden else v for v, hidden in zip(array.tolist(), np.ma.getmaskarray(column), strict=True)]
    return [None if v == "" or is_none(v) else v for v in array.tolist()]


def _is_missing(cell: str) -> bool:
    word = cell.strip().lower()
    return word in MISSING and word not in WORDS


def _word(value: float) -> str:
    """A number among labels that are texts."""
    return str(int(value)) if value.is_integer() else repr(value)


def _classes(
    values: list[Any], target: str, raw: Raw, drop_missing: bool, known: tuple[Any, ...] | None
) -> tuple[tuple[Any, ...], np.ndarray]:
    """The classes in order, and which one each row is of; -1: it is missing."""
    missing = next((i for i, v in enumerate(values) if v is None), None)
    if missing is not None and not drop_missing:
        raise DataError(f"{target}: the class of {raw.row(missing)} is missing{raw.counted}; fill it in{leave_out()}")
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    present = [v for v in values if v is not None]
    kinds = {type(v) for v in present}
    if not all(issubclass(kind, (str, int, float)) for kind in kinds) or (str in kinds and len(kinds) > 1):
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"{target}: classes must be texts, or numbers, or True and False; these are {shown}")
    classes = tuple(sorted(set(present))) if known is None else known
    if known is not None and (others := sorted(set(present) - set(known), key=str)):
        raise DataError(f"{target}: {others[0]!r} is none of the classes {', '.join(map(str, known))}")
    if len(classes) < 2:
        words = f"1 class only, {classes[0]!r}" if classes else "no class at all"
        raise DataError(f"{target}: {words}; there is nothing to tell apart")
    if len(classes) > MOST or (float in kinds and FEWEST_ROWS * len(classes) > len(present)):
        raise DataError(
            f"{target}: {len(classes)} classes in {len(present)} rows; these are measured numbers, not classes: leave "
            f"{spelled('task', repr('classify'))} out"
        )
    at = {c: i for i, c in enumerate(classes)} | {None: -1}
    return classes, np.array([at[v] for v in values])


def _array(column: Any) -> np.ndarray:
    if isinstance(column, (list, tuple)):  # which NumPy would make texts of where one is a text
        return np.array(column, dtype=object)
    return np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)


__all__ = ["Classes", "Labelled", "classes_of", "labelled", "labels_of"]
