"""Many small tables in one: rows of all groups behind one another, from a long table, from arrays or from xarray."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from surefit.data import raw_of
from surefit.data.columns import NUMBER, TEXT, TIME, Categories, Coded, Column, Raw, typed
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.solvers.problem import real_numbers


class Groups(NamedTuple):
    """Rows sorted by group: x (rows, d), y (rows,); group i has those from starts[i] to starts[i + 1].

    keys: one array (groups,) for each of `by`, numbers or texts. inputs, output: names. left_out (groups,): rows
    without a value (NaN), which are not among the others; nowhere: rows of which no one knows the group.
    """

    x: np.ndarray
    y: np.ndarray
    starts: np.ndarray
    by: tuple[str, ...]
    keys: tuple[np.ndarray, ...]
    inputs: tuple[str, ...]
    output: str
    left_out: np.ndarray
    nowhere: int = 0
    coded: tuple[Coded | None, ...] = ()  # of inputs that are times, how they are numbers; (): all are numbers

    @property
    def number(self) -> int:
        """How many groups there are."""
        return len(self.starts) - 1


def groups_of(table: Any, by: Any, x: Any, y: Any) -> Groups:
    """The groups of what `fit_many` was given."""
    if table is None:
        if by is not None:
            raise ArgumentError("by: only a table has columns to group by; give the table first, or leave it out")
        if x is None or y is None:
            raise ArgumentError("fit_many: give a table with by=, x=, y=, or arrays x= and y= of shape (groups, n)")
        return _of_arrays(x, y)
    if hasattr(table, "dims") and hasattr(table, "coords") and not hasattr(table, "data_vars"):
        return _of_xarray(table, by, x, y)
    if by is None:
        raise ArgumentError('by=None: name the column that tells the groups apart, such as by="sensor"')
    return _of_table(table, _names("by", by), _names("x", x), y)


def _names(argument: str, given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{argument}={given!r} must be the name of a column, or a list of names")
    return tuple(names)


# --- times ---


def numbers_of(name: str, column: Column, raw: Raw) -> tuple[np.ndarray, Coded | None]:
    """An input as numbers (n,), and how its times became such: dates by the first of them. DataError for texts."""
    if column.kind == TEXT:
        raise DataError(f"{raw.label}: column {name!r} holds texts; convert it to numbers, such as seconds")
    there = column._replace(values=column.values[~column.missing()])
    if not len(there.values):
        return np.full(len(column.values), np.nan), None
    code = Coded.of(name, there)
    return (column.values, None) if code is None else (code.encode(column, raw)[:, 0], code)


def _are_times(given: Any) -> bool:
    """Whether an array, a Series, or a list of arrays holds dates or durations, whose numbers are of no unit."""
    with suppress(ValueError, TypeError):  # a list of lists of several lengths
        return np.asarray(given).dtype.kind in "Mm"
    return False


def points_of(x: Any, name: str, code: Coded | None) -> np.ndarray | None:
    """Points of one input as numbers, of any shape; times as they came with the rows. None for what is neither."""
    timed = _are_times(x)
    found = None if timed else real_numbers(x)
    if found is not None or code is None:
        return found
    given = np.asarray(x)
    if given.dtype.kind not in "OMmUS":
        return None
    raw = Raw(name, [], [])
    return code.encode(typed(given.ravel(), name, raw), raw)[:, 0].reshape(given.shape)


# --- arrays -----------------------------------------------------------------------------------------------------------


def _of_arrays(x: Any, y: Any) -> Groups:
    (xs, code), ys = _times("x", x), _numbers("y", y)
    if ys.ndim != 2:
        raise ShapeError(
            f"y: its shape is {ys.shape}; (groups, n) is needed, one row for each curve, NaN where it ends"
        )
    if xs.ndim == 1:
        xs = np.broadcast_to(xs, (len(ys), len(xs)))
    if xs.ndim not in (2, 3) or xs.shape[:2] != ys.shape or 0 in xs.shape[2:]:
        raise ShapeError(
            f"x: its shape is {xs.shape} and that of y {ys.shape}; x must be (n,) for all groups, (groups, n), or "
            "(groups, n, inputs)"
        )
    xs = xs.reshape(*ys.shape, xs.shape[2] if xs.ndim == 3 else 1)
    keys = (np.arange(len(ys)),)
    inputs = ("x",) if xs.shape[2] == 1 else tuple(f"x{j + 1}" for j in range(xs.shape[2]))
    number = np.repeat(np.arange(len(ys)), ys.shape[1])
    found = _sorted(xs.reshape(-1, xs.shape[2]), ys.reshape(-1), number, ("group",), keys, inputs, "y")
    return found if code is None else found._replace(coded=(code,) * len(inputs))


def _times(name: str, given: Any) -> tuple[np.ndarray, Coded | None]:
    """An array of numbers, or of dates and durations, as numbers."""
    if not _are_times(given):
        return _numbers(name, given), None
    array, raw = np.asarray(given), Raw(name, [], [])
    numbers, code = numbers_of(name, typed(array.ravel(), name, raw), raw)
    return numbers.reshape(array.shape), code


def _numbers(name: str, given: Any) -> np.ndarray:
    if isinstance(given, str):
        raise ArgumentError(f"{name}={given!r} names a column, and there is no table; give the table first")
    found = real_numbers(given)
    if found is None:
        raise DataError(f"{name}: it does not hold real numbers in rows of equal length; pad shorter curves with NaN")
    return found


def _of_xarray(array: Any, by: Any, x: Any, y: Any) -> Groups:
    """A DataArray: one dimension is the input, each place of the others a group (as `apply_ufunc` has core dims)."""
    if by is not None or y is not None:
        raise ArgumentError('by, y: a DataArray is its own y, and has a group at each place; give x="time" alone')
    dims = [str(dim) for dim in array.dims]
    if x not in dims:
        raise ArgumentError(f"x={x!r} must be a dimension of the DataArray; it has {', '.join(dims)}")
    others = [dim for dim in dims if dim != x]
    if not others:
        raise DataError(f"table: this DataArray has no dimension besides {x!r}, so it is one curve; use surefit.fit")
    values = np.asarray(array.transpose(*others, x).values)
    if values.dtype.kind not in "biuf":
        raise DataError(f"table: this DataArray holds {values.dtype}; numbers are needed")
    places = []
    for dim, length in ((dim, array.sizes[dim]) for dim in (*others, x)):
        own = np.asarray(array.coords[dim].values) if dim in array.coords else np.arange(length)
        places.append(own if own.dtype.kind in "iuf" or dim == x else own.astype(str))
    if places[-1].dtype.kind not in "biufMm":
        raise DataError(f"x: the coordinate {x!r} holds {places[-1].dtype}; convert it to numbers, such as seconds")
    found = _of_arrays(places[-1], values.reshape(-1, values.shape[-1]).astype(np.float64))
    keys = tuple(grid.reshape(-1) for grid in np.meshgrid(*places[:-1], indexing="ij"))
    coded = tuple(None if code is None else replace(code, name=x) for code in found.coded)
    return found._replace(by=tuple(others), keys=keys, inputs=(x,), output=str(array.name or "y"), coded=coded)


# --- tables -----------------------------------------------------------------------------------------------------------


def _of_table(table: Any, by: tuple[str, ...], inputs: tuple[str, ...], output: Any) -> Groups:
    if not isinstance(output, str):
        raise ArgumentError(f"y={output!r} must be the name of a column")
    wanted = (*by, *inputs, output)
    twice = next((name for name in wanted if wanted.count(name) > 1), None)
    if twice is not None:
        raise ArgumentError(f"by, x, y: {twice!r} stands twice; each names other columns")
    raw = raw_of(_counted(table, wanted))
    columns = dict(zip((name.strip() for name in raw.names), raw.columns, strict=True))
    for name in wanted:
        if name not in columns:
            raise DataError(f"{raw.label}: there is no column {name!r}; it has {', '.join(columns)}")

    def read(name: str) -> Any:
        own = columns[name]
        if hasattr(own, "column"):
            return own.column(name, raw)
        return typed(list(own) if isinstance(own, Categories) else own, name, raw)  # numbers stay numbers

    numbers, coded = [], []
    for name in inputs:
        values, code = numbers_of(name, read(name), raw)
        numbers.append(values)
        coded.append(code)
    column = read(output)
    if column.kind in (TEXT, TIME):
        what = "texts" if column.kind == TEXT else "times"
        raise DataError(f"{raw.label}: column {output!r} holds {what}; convert it to numbers, such as seconds")
    numbers.append(column.values)
    if not len(numbers[-1]):
        raise DataError(f"{raw.label}: no row")
    places = [read(name) for name in by]
    known = ~np.any([column.missing() for column in places], axis=0)
    if not known.any():
        raise DataError(
            f"{raw.label}: {', '.join(by)} is missing in every row, so no group is known; name another column"
        )
    keys, codes = [], []
    for column in (Column(c.kind, c.values[known]) for c in places):
        values = column.values if column.kind == NUMBER else np.asarray(column.values).astype(str)
        if column.kind == NUMBER and (values == np.round(values)).all() and np.abs(values).max(initial=0.0) < 2.0**53:
            values = values.astype(np.int64)
        own, inverse = np.unique(values, return_inverse=True)
        keys.append(own)
        codes.append(inverse.reshape(-1))
    number = codes[0]
    for own, place in zip(keys[1:], codes[1:], strict=True):
        number = np.unique(number, return_inverse=True)[1].reshape(-1) * len(own) + place
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    found = tuple(own[place[first]] for own, place in zip(keys, codes, strict=True))
    x, values = np.stack(numbers[:-1], axis=1)[known], numbers[-1][known]
    groups = _sorted(x, values, number.reshape(-1), by, found, inputs, output)
    return groups._replace(nowhere=int((~known).sum()), coded=tuple(coded) if any(coded) else ())


def _counted(table: Any, wanted: tuple[str, ...]) -> Any:
    """A Dataset of xarray whose dimensions of these names have coordinates: without one their places count."""
    if not (hasattr(table, "data_vars") and hasattr(table, "assign_coords")):
        return table
    bare = [dim for dim in table.sizes if dim in wanted and dim not in table.coords]
    return table.assign_coords({dim: np.arange(table.sizes[dim]) for dim in bare}) if bare else table


def _sorted(
    x: np.ndarray, y: np.ndarray, number: np.ndarray, by: tuple[str, ...], keys: tuple[np.ndarray, ...],
    inputs: tuple[str, ...], output: str,
) -> Groups:  # fmt: skip
    count = len(keys[0])
    there = ~(np.isnan(x).any(axis=1) | np.isnan(y))
    left_out = np.bincount(number[~there], minlength=count)
    rows = np.flatnonzero(there)
    rows = rows[np.argsort(number[rows], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(number[rows], minlength=count))])
    return Groups(x[rows], y[rows], starts, by, keys, inputs, output, left_out)


__all__ = ["Groups", "groups_of", "points_of"]
