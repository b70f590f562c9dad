"""The history of a training as columns: numbers as arrays, so that a long one stays small, and texts as places."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.errors import ModelFileError


def columns_of(history: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Rows as (what the columns are, arrays by name); `rows_of` makes rows of them. None and NaN become one.

    >>> about, arrays = columns_of([{"epoch": 1, "lr": None}, {"epoch": 2, "lr": 0.5}])
    >>> about, arrays["lr"]
    ({'rows': 2, 'columns': {'epoch': 'int', 'lr': 'float'}}, array([nan, 0.5]))
    """
    about: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(name for row in history for name in row):
        values = [row.get(name) for row in history]
        if any(isinstance(v, str) for v in values):
            texts = list(dict.fromkeys(str(v) for v in values if v is not None))
            at = {text: i for i, text in enumerate(texts)}
            about[name], arrays[name] = texts, np.array([-1 if v is None else at[str(v)] for v in values], np.int32)
        elif all(type(v) is int for v in values):
            about[name], arrays[name] = "int", np.array(values, np.int64)
        else:
            about[name], arrays[name] = "float", np.array([np.nan if v is None else v for v in values], np.float64)
    return {"rows": len(history), "columns": about}, arrays


def rows_of(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The rows that `columns_of` was given, from arrays named "history.*". ModelFileError: they do not fit."""
    count, columns = about["rows"], about["columns"]
    needed = {"epoch": "int", "train_loss": "float", "validation_loss": "float", "lr": "float", "seconds": "float"}
    missing = [name for name in needed if count and name not in columns]
    if missing:
        raise ModelFileError(f"its history has no column {missing[0]!r}")
    lists = {}
    for name, kind in columns.items():
        dtype = {"int": "int64", "float": "float64"}.get(kind, "int32") if isinstance(kind, str) else "int32"
        value = tensors.get(f"history.{name}")
        wrong = value is None or value.shape != (count,) or value.dtype != dtype
        if wrong or (name in needed and kind not in ("float", needed[name], "int")):
            raise ModelFileError(f"its history has no proper column {name[:40]!r}")
        assert value is not None
        if isinstance(kind, list):
            if count and not (value.min() >= -1 and value.max() < len(kind)):
                raise ModelFileError(f"column {name[:40]!r} of its history tells of texts that are not there")
            lists[name] = [None if i < 0 else kind[i] for i in value.tolist()]
        else:
            lists[name] = [None if v != v or abs(v) == float("inf") else v for v in value.tolist()]
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


__all__ = ["columns_of", "rows_of"]
