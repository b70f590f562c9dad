"""Places at which a fit is asked for values, from what people have: by name where they have names, else by place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surefit.data.columns import NUMBER, TEXT, Coded, Column, Raw, detached, unmasked
from surefit.data.sources import is_frame, raw_of
from surefit.data.table import Table, column_of, missing_value
from surefit.errors import DataError, ShapeError


def points_from(
    points: Any, names: Sequence[str], what: str = "predict", coding: Sequence[Coded] = ()
) -> np.ndarray:  # fmt: skip
    """Places (n, d) float64 from what people have: columns with names are taken by name, others by place.

    points: an array (n, d), or (n,) of one input; or, in any order and beside other columns, a DataFrame, a dict of
    columns or numbers, a structured array, a list of dicts, a table of pyarrow or polars, a `Table`. coding: how
    columns that hold no numbers were coded; rows of texts and numbers in their order will do too.

    ShapeError: another number of columns. DataError: a column is missing, or holds something that is not a number.
    """
    d = len(names)
    if isinstance(points, np.void):  # one row of a structured array
        points = np.array([points], points.dtype)
    own = raw_names(names, coding)
    if is_row(points):
        keys = {str(key) for key in points.index}
        if set(own) <= keys or set(names) <= keys:
            points = points.to_dict()  # one row of a frame
        elif _stands_over(points, own):
            points = {own[0]: points.index.to_series()}
    if hasattr(points, "iloc") and hasattr(points, "columns") and not any(isinstance(c, str) for c in points.columns):
        labels = [str(label) for label in points.columns]  # numbers, or levels: names where it was fitted with them
        points = points.set_axis(labels, axis=1) if set(own) <= set(labels) else points.to_numpy()
    if hasattr(points, "data_vars") and not (points.data_vars and points.coords):  # places alone, and no values there
        points = points.to_dataframe().reset_index()
    if has_names(points):
        single = isinstance(points, Mapping) and all(np.ndim(unmasked(v)) == 0 for v in points.values())
        if isinstance(points, Mapping) and not hasattr(points, "dims"):
            points = {k: np.atleast_1d(unmasked(v)) for k, v in points.items()}
            most = max((len(v) for v in points.values()), default=0)  # a single number holds for all
            points = {k: np.repeat(v, most) if v.shape == (1,) else v for k, v in points.items()}
        raw = raw_of(points)._replace(single=single)
        return points_of(raw._replace(label=what) if what.startswith("--") else raw, names, what, coding)
    numbers = bool(coding) and all(c.kind == NUMBER for c in coding) and own != list(names)
    if len(own) != len(names) and any(c.kind == TEXT and _are_numbers(c.categories) for c in coding):
        numbers = True  # categories such as 1010, beside columns of numbers
    if coding and (rows := _rows_of(points, len(own), numbers)) is not None:
        return points_of(Raw(what, own, list(rows.T)), names, what, coding)
    points = detached(points)
    try:
        x = unmasked(points.to_numpy() if hasattr(points, "to_numpy") else points)
        if x.dtype.kind == "O" and not any(v is None for v in x.flat):
            x = np.asarray(x, np.float64)
        if x.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError, OverflowError):
        shown = repr(points)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        raise DataError(f"{what}: {shown} are not numbers; give an array (n, {len(own)})") from None
    x = x.astype(np.float64)
    x = x[:, None] if x.ndim == 1 and d == 1 else x
    if x.ndim != 2 or x.shape[1] != d:
        hint = f"; one point is [[{', '.join(names)}]]" if x.shape == (d,) or (d == 1 and x.ndim == 0) else ""
        raise ShapeError(
            f"{what}: points of shape {x.shape}; needed (n, {d}): one column for each of {', '.join(names)}{hint}"
        )
    return x


def points_of(
    raw: Raw, names: Sequence[str], what: str = "predict", coding: Sequence[Coded] = (), strict: bool = False
) -> np.ndarray:
    """Places (n, d) from the columns of a source, by name. strict: a missing value is an error, not NaN."""
    here = {name.strip(): i for i, name in enumerate(raw.names)}
    codes = {c.name: c for c in coding if c.name in here}
    made = {column for c in codes.values() for column in c.columns}
    missing = raw_names([n for n in names if n not in here and n not in made], coding)
    if missing:
        label = what if raw.lines is None else raw.label
        raise DataError(
            f"{label}: there is no column {', '.join(map(repr, missing))}; the inputs are "
            f"{', '.join(raw_names(names, coding))}, and the columns that came are {', '.join(raw.names[:12])}"
        )
    found: dict[str, np.ndarray] = {}
    for name in [*codes, *(n for n in names if n not in made)]:
        own = raw.columns[here[name]]
        column = column_of(own, name, raw, name in codes and codes[name].kind == TEXT)
        absent = np.flatnonzero(column.missing())
        if strict and absent.size and not (name in codes and codes[name].fills):
            raise missing_value(raw, int(absent[0]), name, own)
        if name in codes:
            found |= zip(codes[name].columns, codes[name].encode(column, raw).T, strict=True)
            continue
        if len(absent) == len(column.values):
            column = Column(NUMBER, np.full(len(absent), np.nan))  # nothing tells the kind
        if column.kind not in (NUMBER, "boolean"):
            first = column.values[~column.missing()][0]
            row = int(np.flatnonzero(~column.missing())[0])
            kind = "a text" if column.kind == TEXT else "a time"
            raise raw.error(row, f"column {name!r} is {str(first)!r}, {kind} and not a number")
        found[name] = column.values
    sizes = {len(c) for c in found.values()}
    if len(sizes) > 1:
        raise ShapeError(f"{what}: columns of different lengths: {sorted(sizes)}")
    return np.stack([found[name] for name in names], axis=1)


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether some text reads as a number."""
    return any(re.fullmatch(r"[-+]?[\d.]+", text) for text in texts)


def raw_names(names: Sequence[str], coding: Sequence[Coded]) -> list[str]:
    """The names of inputs, with a coded column instead of the numbers that it became.

    >>> raw_names(["size", "colour=blue", "colour=green", "colour=red"],
    ...           [Coded("colour", "text", ("blue", "green", "red"))])
    ['size', 'colour']
    """
    of = {column: c.name for c in coding for column in c.columns}
    return list(dict.fromkeys(of.get(name, name) for name in names))


def _stands_over(series: Any, own: Sequence[str]) -> bool:
    """Whether the index of a Series is the only input, as it is where a fit is made of a Series.

    Its values are places where it has the name of the input, or neither it nor its index has a name.
    """
    if len(own) != 1 or (series.name is not None and str(series.name) == own[0]):
        return False
    label = getattr(series.index, "name", None)
    return str(label or "index") == own[0] and not (label is None and series.name is None)


def is_row(points: Any) -> bool:
    """Whether it is a Series of pandas, which may be a row of a frame."""
    return hasattr(points, "index") and hasattr(points, "to_dict") and not hasattr(points, "columns")


def place_said(at: Mapping[str, float], coding: Sequence[Coded]) -> dict[str, Any]:
    """A place by the names and values of a table's columns: texts and times where these became numbers.

    >>> place_said({"size": 2.0, "colour=blue": 0.0, "colour=green": 1.0, "colour=red": 0.0},
    ...            [Coded("colour", "text", ("blue", "green", "red"))])
    {'size': 2.0, 'colour': 'green'}
    """
    of = {column: c for c in coding if all(column in at for column in c.columns) for column in c.columns}
    return {
        of[name].name if name in of else name: of[name].said([at[k] for k in of[name].columns]) if name in of else value
        for name, value in at.items()
    }


def has_names(points: Any) -> bool:
    """Whether the columns of places have names."""
    if isinstance(points, (Table, Mapping)) or is_frame(points):
        return True
    if hasattr(points, "dims") and hasattr(points, "coords"):  # of xarray
        return hasattr(points, "data_vars") or bool(points.coords)
    if getattr(getattr(points, "dtype", None), "names", None) is not None:
        return True
    if isinstance(points, list) and points and all(isinstance(row, Mapping) for row in points):
        return True
    return hasattr(points, "collect") and hasattr(points, "collect_schema")


def _rows_of(points: Any, width: int, numbers: bool = False) -> np.ndarray | None:
    """Rows (n, width) of objects, where some are not numbers, or `numbers` may stand alone; else None."""
    if isinstance(points, str | bytes) or not hasattr(points, "__len__"):
        return None
    try:
        rows = np.array(points, dtype=object)
    except ValueError:
        return None
    if rows.ndim == 1 and width == 1:
        rows = rows[:, None]
    plain = getattr(points, "dtype", np.dtype(object)).kind in "biuf"
    if rows.ndim != 2 or rows.shape[1] != width:
        return None
    if not numbers and (plain or all(isinstance(v, int | float) for v in rows.flat)):
        return None
    return rows


__all__ = ["has_names", "is_row", "place_said", "points_from", "points_of", "raw_names"]
