"""Columns of a table that say which rows belong together, or which come first: what `Sampling.rows` splits by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from surefit.checking import near
from surefit.data import Sampling, raw_names
from surefit.data.columns import TEXT, Raw
from surefit.data.labels import labels_of
from surefit.data.sources import raw_of
from surefit.data.table import column_of, missing_value
from surefit.errors import ArgumentError, DataError

_OF_FILES = ("names", "delimiter", "decimal", "header", "encoding", "sheet")


def split_by_columns(target: Any, plan: Sampling, reading: Mapping[str, Any]) -> tuple[Any, Sampling, dict[str, Any]]:
    """What is left to be read of a table, its plan with a label for each row, and how it is read.

    The column of the groups is no input; it may hold any texts. That of the order stays one, unless inputs are named.

    DataError: there is no such column, it misses a value, or it is the target.
    """
    name, what = (plan.groups, "groups") if isinstance(plan.groups, str) else (plan.order, "order")
    options = dict(reading)
    if not isinstance(name, str):
        return target, plan, options
    raw = raw_of(target, options.get("names"), **{k: v for k, v in options.items() if k in _OF_FILES and k != "names"})
    raw = raw._replace(names=[n.strip() for n in raw.names])
    labels = _labels(raw, name, what)
    plan = replace(plan, groups=labels) if what == "groups" else replace(plan, order=labels)
    if hasattr(target, "read") and not hasattr(target, "schema"):  # an open file, which has now been read
        target.seek(0)
    if what == "order":
        return target, plan, options
    known = raw_names(raw.names, raw.coding)
    own = [n for n in known if n != name]
    targets = options.get("targets")
    wanted = [targets] if isinstance(targets, str | int) else list(targets or ())
    if name in wanted or (not wanted and name in (raw.targets or known[-1:])):
        raise DataError(f"groups: {name!r} is the target, which its rows do not share; name another column")
    if own and set(own) <= set(wanted or raw.targets or known[-1:]):
        raise DataError(f"groups: {name!r} is then no input, and no other column is left but the target; add one")
    if "inputs" not in options:
        options["columns" if "columns" not in options else "inputs"] = own
    return target, plan, options


def _labels(raw: Raw, name: str, what: str) -> np.ndarray:
    """The values of a column, one for each row."""
    if name not in raw.names:
        coded = [c for c in raw.coding if c.name == name]
        if not coded:
            raise DataError(f"{what}: the table has no column {name!r}{near(name, raw.names)}")
        columns = [raw.columns[raw.names.index(n)] for n in coded[0].columns]
        return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].ravel()
    own = raw.columns[raw.names.index(name)]
    if what == "groups":
        found = labels_of(own, name)
        missing = [i for i, value in enumerate(found) if value is None]
        if missing:
            raise missing_value(raw, missing[0], name, own)
        return np.unique([str(value) for value in found], return_inverse=True)[1]
    column = column_of(own, name, raw)
    absent = column.missing()
    if absent.any():
        raise missing_value(raw, int(np.flatnonzero(absent)[0]), name, own)
    if column.kind == TEXT:
        raise ArgumentError(
            f"order: column {name!r} holds texts, which have no order in time; name one of numbers or times"
        )
    return column.values


__all__ = ["split_by_columns"]
