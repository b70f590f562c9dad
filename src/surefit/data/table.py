"""Tables: named float64 columns, read from and written to CSV, Excel, Parquet, NumPy files and frames.

Nothing is guessed silently: a missing, non-numeric or infinite value is an error that says row and column. Columns that
hold no number at all are coded: yes and no, dates and times, texts that name a category; the table knows how.
CSV needs no extra package; Parquet and Excel need those of ``pip install "surefit[table]"``.
"""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import near
from surefit.data.columns import (
    ALIKE,
    CATEGORIES,
    MOST_NUMBERS,
    MOST_TEXTS,
    NUMBER,
    TEXT,
    TIME,
    Categories,
    Coded,
    Column,
    Raw,
    not_a_number,
    typed,
)
from surefit.data.csv_text import (
    TextColumn,
    as_names,
    check_header,
    check_names,
    csv_columns,
    is_decimal_comma,
    is_number,
    leave_out,
    text_of,
)
from surefit.data.sources import pyarrow, raw_of
from surefit.errors import ArgumentError, DataError
from surefit.files import replacing
from surefit.keywords import naming
from surefit.spelling import cure, spelled

FORMATS = ("csv", "parquet", "npz")
FEW = 5  # different texts in a column, which are categories however few rows there are
Wanted = str | int | Iterable[str | int]  # columns by name, or by place from 0


class Table:
    """Named columns of finite float64 numbers, some of which are targets (by default the last one).

    Args:
        names: one name per column.
        values: (n, columns).
        targets: the names of the target columns; None: the last column.

    Attributes:
        names: all columns, in order.
        values: (n, columns) float64, read-only.
        targets, inputs: the names of the target columns, and of all others.
        x, y: their values, (n, inputs) and (n, targets).
        coding: how columns that held no numbers became these; see `Coded`.
        row_numbers: of its rows in what it was read from, where some were left out; else None.

    Raises:
        DataError: names that are empty, repeated, or do not fit the values; a value that is not finite; an
            unknown target.

    >>> table = Table(["x", "y"], [[0, 1], [2, 3]])
    >>> table.inputs, table.y.tolist(), table["x"].tolist()
    (('x',), [[1.0], [3.0]], [0.0, 2.0])
    """

    __slots__ = ("_places", "coding", "inputs", "names", "row_numbers", "targets", "values")

    def __init__(
        self, names: Iterable[str], values: Any, targets: str | Iterable[str] | None = None, *,
        coding: Iterable[Coded] = (),
    ) -> None:  # fmt: skip
        self._fill(names, np.array(values, dtype=np.float64), targets, coding)

    @classmethod
    def of(
        cls, names: Iterable[str], values: np.ndarray, targets: str | Iterable[str] | None = None,
        coding: Iterable[Coded] = (), row_numbers: np.ndarray | None = None,
    ) -> Table:  # fmt: skip
        """The same, with an array of float64 that is not copied: nobody else may write to it."""
        table = cls.__new__(cls)
        table._fill(names, values, targets, coding, row_numbers)
        return table

    def _fill(
        self, names: Iterable[str], array: np.ndarray, targets: str | Iterable[str] | None, coding: Iterable[Coded],
        row_numbers: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.names: tuple[str, ...] = tuple(str(name).strip() for name in names)
        check_names(self.names, "table")
        if array.ndim != 2 or array.shape[1] != len(self.names):
            raise DataError(
                f"table: {len(self.names)} names need values of shape (n, {len(self.names)}), got {array.shape}"
            )
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise DataError(
                f"table: row {row}, column {self.names[column]!r} is {array[row, column]}; every value must be finite"
            )
        if array.flags.owndata:
            array.flags.writeable = False
        self.values: np.ndarray = array
        self.row_numbers = row_numbers
        self._places = {name: i for i, name in enumerate(self.names)}
        wanted = self.names[-1:] if targets is None else as_names(targets)
        self.targets: tuple[str, ...] = tuple(self.names[self._index(name)] for name in wanted)
        outputs = set(self.targets)
        self.inputs: tuple[str, ...] = tuple(name for name in self.names if name not in outputs)
        self.coding: tuple[Coded, ...] = tuple(c for c in coding if set(c.columns) <= self._places.keys())

    @property
    def x(self) -> np.ndarray:
        """The input columns, (n, inputs).

        Raises:
            DataError: every column is a target.
        """
        if not self.inputs:
            raise DataError(f"table: no input columns; all of {', '.join(self.names)} are targets")
        return self._of(self.inputs)

    @property
    def y(self) -> np.ndarray:
        """The target columns, (n, targets)."""
        return self._of(self.targets)

    def _of(self, names: Sequence[str]) -> np.ndarray:
        """These columns, read-only where they stand side by side."""
        index = [self._index(name) for name in names]
        if index == list(range(index[0], index[0] + len(index))):
            return self.values[:, index[0] : index[0] + len(index)]
        return self.values[:, index]

    def raw(self) -> Raw:
        """The table as something to read a table from."""
        return Raw("table", list(self.names), list(self.values.T), self.targets, coding=self.coding)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> np.ndarray:
        """One column, (n,)."""
        return self.values[:, self._index(name)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return (self.names, self.targets) == (other.names, other.targets) and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self.inputs)} -> {', '.join(self.targets)})"

    def select(self, inputs: str | Iterable[str] | None = None, targets: str | Iterable[str] | None = None) -> Table:
        """The table with these inputs and targets only.

        Without `targets` they stay as they are; without `inputs` every column that is no target is one.

        Raises:
            DataError: an unknown column, or one that is both.
        """
        ys = self.targets if targets is None else self._spread(targets)
        outputs = set(ys)
        xs = tuple(name for name in self.names if name not in outputs) if inputs is None else self._spread(inputs)
        both = [name for name in xs if name in outputs]
        if both:
            raise DataError(f"table: column {both[0]!r} is asked for as an input and as a target")
        names = (*xs, *ys)
        return Table(names, self.values[:, [self._index(name) for name in names]], ys, coding=self.coding)

    def rows(self, index: Any) -> Table:
        """The table with these rows: a slice, row numbers or a mask."""
        return Table(self.names, self.values[index], self.targets, coding=self.coding)

    def _spread(self, names: str | Iterable[str]) -> tuple[str, ...]:
        """The names with those of coded columns in the place of the column that they come from."""
        return spread_names(as_names(names), self.coding)

    def _index(self, name: str) -> int:
        if name not in self._places:
            raise DataError(f"table: there is no column {name!r}; it has {', '.join(self.names)}")
        return self._places[name]


# ---- reading


@naming
def read_table(
    source: Any,
    *,
    targets: Wanted | None = None,
    inputs: Wanted | None = None,
    columns: Wanted | None = None,
    names: Iterable[str] | None = None,
    drop_missing: bool = False,
    missing: str | None = None,
    coding: Sequence[Coded] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
) -> Table:
    """A Table from whatever holds one.

    Columns of yes and no, true and false become 1 and 0; dates days since the first of them, moments and times of day
    seconds; a column of texts that repeat a column of 0 and 1 for each of them, `colour=red`. `Table.coding` tells how.

    Args:
        source: a path (``.csv``, ``.tsv``, ``.txt``, ``.dat``, each also with ``.gz``; ``.xlsx``; ``.parquet``;
            ``.npz``; ``.npy``) or an open file of CSV; a DataFrame or lazy frame of pandas or polars, a table or batch
            of pyarrow, a Dataset or DataArray of xarray, a Series (its index is the input), a dict of columns, a list
            of dicts, a structured array; a pair of arrays (X, y), one array (n, columns), or a Table.
        targets: names of the target columns, or their places from 0; None: the last column (all of y for a pair).
        inputs: the other columns to read; None: all of them.
        columns: read these columns only, in this order; the others may hold anything. Without `targets` the last of
            them is the target.
        names: names of the columns, instead of those in the file, or where it has none.
        drop_missing: leave out rows with a missing value (empty, NA, NaN, null, ?) instead of raising. Text
            that is not a number stays an error.
        missing: "median" puts the median of an input in the place of its missing values, and a column of 0 and 1 beside
            it, `age missing`, says where; a missing text is a category of its own. `Table.coding` keeps the medians.
            None, "error": a missing value is an error.
        coding: how columns are coded, instead of finding it out; that of another table.
        delimiter, decimal, header, encoding: of a text file; see `read_csv`. sheet: of an Excel file, its name or its
            number from 0.

    Raises:
        DataError: the source is unreadable; for a value it says row (the line of a text file) and column.
        MissingExtraError: Parquet without pyarrow, Excel without openpyxl.
    """
    raw = raw_of(
        source, names, delimiter=delimiter, decimal=decimal, header=header, encoding=encoding, sheet=sheet
    )  # fmt: skip
    raw = raw._replace(names=[name.strip() for name in raw.names])
    chosen, ys = chosen_columns(raw, columns, inputs, targets)
    if missing not in FILLING:
        raise ArgumentError(f"missing={missing!r} must be 'median', or 'error'")
    return _assembled(raw, chosen, ys, drop_missing, coding, missing == "median")


FILLING = (None, "error", "median")


@naming
def read_csv(
    source: Any,
    *,
    targets: Wanted | None = None,
    columns: Wanted | None = None,
    names: Iterable[str] | None = None,
    drop_missing: bool = False,
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool | None = None,
    encoding: str = "utf-8",
) -> Table:
    """A Table from a delimited text file.

    Lines that begin with ``#`` or ``%`` are remarks; a line ``sep=;`` names the delimiter; a delimiter may end each
    line; numbers may be written as 1.0D+03, with the minus of typographers or in full width.

    Args:
        source: the path of the file, whatever its ending, or an open file.
        targets: see `read_table`, also for the next three.
        columns: read these columns only.
        names: instead of those in the file.
        drop_missing: leave out rows with a missing value.
        delimiter: None: found among tab, ``;``, ``|``, ``,`` (those of full width too) and blanks, as the one that cuts
            all rows alike.
        decimal: ``"."`` or ``","``.
        header: whether the first row holds names; None: it does unless all of it is numbers. Without a header
            the columns are called as in a remark right above, else c1, c2, ...
        encoding: of the text; UTF-8 with or without a byte order mark, and UTF-16 with one, need no word.

    Raises:
        DataError: see `read_table`.
    """
    text = text_of(source if hasattr(source, "read") else Path(source), encoding)
    raw = csv_columns(text, delimiter, decimal, header, names)
    return _assembled(raw, *chosen_columns(raw, columns, None, targets), drop_missing, None)


def spread_names(names: Iterable[str], coding: Iterable[Coded]) -> tuple[str, ...]:
    """Names of columns, those of the numbers that a column was coded by in its place."""
    made = {c.name: c.columns for c in coding}
    return tuple(own for name in names for own in made.get(name, (name,)))


def chosen_columns(
    raw: Raw, columns: Wanted | None, inputs: Wanted | None, targets: Wanted | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the columns to read, in order, and of those that are targets."""
    ys = None if targets is None else _named(raw, targets, "target")
    if columns is not None:
        chosen = _named(raw, columns, "columns")
        default = raw.targets if raw.targets is not None and set(raw.targets) <= set(chosen) else chosen[-1:]
        ys = default if ys is None else ys
        chosen = (*chosen, *(name for name in ys if name not in chosen))
    else:
        ys = ys or raw.targets or tuple(raw.names[-1:])
        xs = raw.names if inputs is None else _named(raw, inputs, "columns")
        chosen = tuple(raw.names) if inputs is None else (*(name for name in xs if name not in ys), *ys)
        if len(chosen) == len(ys) and inputs is not None:
            raise DataError(f"columns: {', '.join(ys)} is the target, and no input is left; name the inputs")
    check_header(raw.names, chosen, raw)
    return chosen, ys


def _named(raw: Raw, wanted: Wanted, what: str) -> tuple[str, ...]:
    """Columns that are wanted by name, or by place from 0."""
    several: list[Any] = [wanted]
    if isinstance(wanted, Iterable) and not isinstance(wanted, str | bytes):
        several = list(wanted)
    found: list[str] = []
    for one in several:
        if isinstance(one, str) and one.strip() not in raw.names and re.fullmatch(r"-?\d+", one.strip()):
            one = int(one)  # as the command line has it
        if isinstance(one, int | np.integer) and not isinstance(one, bool):
            if not -len(raw.names) <= one < len(raw.names):
                raise DataError(f"{what}: {raw.label} has {len(raw.names)} columns, so none with the number {one}")
            one = raw.names[one]
        made = spread_names([str(one).strip()], raw.coding)
        for name in made:
            if name not in raw.names:
                raise DataError(f"{what}: {raw.label} has no column {name!r}{near(name, raw.names)}")
        found += made
    if not found:
        raise DataError(f"{what}: names no column")
    check_names(found, what)
    return tuple(found)


def _assembled(
    raw: Raw,
    chosen: tuple[str, ...],
    targets: tuple[str, ...],
    drop_missing: bool,
    coding: Sequence[Coded] | None,
    fill: bool = False,
) -> Table:
    """The table of these columns of a source. fill: whether missing values of inputs are filled in."""
    fill = fill and not raw.coding  # else it is a Table, which misses nothing
    filled = {c.name for c in coding or () if c.fills}
    texts = {c.name for c in coding or () if c.kind == TEXT}
    places = {name: i for i, name in enumerate(raw.names)}
    found = {name: raw.columns[places[name]] for name in chosen}
    for name, column in found.items():
        if not hasattr(column, "__len__") or isinstance(column, str | bytes) or getattr(column, "ndim", 1) == 0:
            raise DataError(f"{raw.label}: column {name!r} is {column!r}; a table needs a value for each row")
    if len({len(column) for column in found.values()}) > 1:
        sizes = ", ".join(f"{n}: {len(c)}" for n, c in found.items())
        raise DataError(f"{raw.label}: columns of different lengths ({sizes}); a table needs as many rows in each")
    n = len(next(iter(found.values())))
    values = np.empty((n, len(chosen)))
    others: dict[str, Column] = {}  # those that are not numbers
    whole = np.ones(n, dtype=bool)
    for j, (name, own) in enumerate(found.items()):
        column = column_of(own, name, raw, name in texts)
        if name in targets:
            _check_target(column, own, name, raw)
        absent = column.missing()
        own_fill = name not in targets and (name in filled if coding is not None else fill)
        if coding is None and not own_fill and n > 1 and absent.all():
            what = "leave it out" + cure(": name the inputs with {}", "columns", "", "columns=[...]")
            if name in targets:  # which nobody can leave out
                what = "it is to be predicted" + cure(", and another is named with {}", "target", "...")
            raise DataError(f"{raw.label}: column {name!r} holds no value at all; {what}")
        if absent.any() and not own_fill:
            if not drop_missing:
                raise missing_value(
                    raw, int(np.flatnonzero(absent)[0]), name, own, name not in targets and coding is None,
                    name in targets and fill,
                )  # fmt: skip
            whole &= ~absent
        if column.kind == NUMBER:
            values[:, j] = column.values
        else:
            others[name] = column
    row_numbers = None
    if not whole.all():
        row_numbers = np.flatnonzero(whole)
        values = values[whole]
        others = {name: Column(c.kind, c.values[whole]) for name, c in others.items()}
        lines = None if raw.lines is None else np.asarray(raw.lines)[whole]
        raw = raw._replace(lines=lines)
    if len(values) == 0:
        raise DataError(f"{raw.label}: " + ("no row without a missing value" if n else "no rows"))
    codes = raw.coding
    if others or coding or fill:
        chosen, values, codes = _coded(
            raw, chosen, values, others, coding, () if not fill else set(chosen) - set(targets)
        )
    return Table.of(chosen, values, targets, codes, row_numbers)


def column_of(own: Any, name: str, raw: Raw, texts: bool = False) -> Column:
    """A column of a source as one kind, where no number is infinite.

    texts: whether it is known to hold texts, some of which may be written as numbers.
    """
    if texts and isinstance(own, TextColumn):
        own = Categories(own.texts()) if 0 < len(own.odd) < len(own) else own
    elif texts and len(own) > 0 and all(isinstance(v, str) and v.strip() for v in own):  # nothing is missing
        own = Categories(own)
    column = own.column(name, raw) if isinstance(own, TextColumn) else typed(own, name, raw)
    if column.kind not in (TEXT, TIME):
        infinite = np.flatnonzero(np.isinf(column.values))
        if infinite.size:
            i = int(infinite[0])
            raise raw.error(i, f"column {name!r} is {column.values[i]}; every value must be finite")
    return column


def missing_value(raw: Raw, row: int, name: str, own: Any, median: bool = False, target: bool = False) -> DataError:
    """The error for a cell that holds nothing, with what to do about it.

    median: whether one could stand for it. target: it is one, of a table whose missing inputs are filled in.
    """
    cell = f" ({own.odd[row]!r})" if isinstance(own, TextColumn) else ""
    filled = f", by {spelled('missing', repr('median'))}" if median else ""
    todo = "fill it in yourself, medians are for inputs" if target else f"fill it in{filled}"
    return raw.error(row, f"column {name!r} is missing{cell}; {todo}{leave_out()}")


def _check_target(column: Column, own: Any, name: str, raw: Raw) -> None:
    """DataError for a target that is not a number."""
    if column.kind == TIME:
        raise DataError(
            f"{raw.label}: column {name!r} holds times, and a target must be a number; convert it to one, such as "
            f"seconds since the first{cure(', or name another with {}', 'target', '...')}"
        )
    if column.kind == TEXT:
        row = int(np.flatnonzero(~column.missing())[0])
        more = "" if len(raw.names) == 1 else cure(", or name another with {}", "target", "...")
        cell = own.odd[row] if isinstance(own, TextColumn) else str(column.values[row])
        repeated = 2 * len({v for v in column.values if v is not None}) <= len(column.values)
        classes = (
            cure(", or tell classes apart with {}", "task", "'classify'") if repeated and len(raw.names) > 1 else ""
        )
        raise not_a_number(raw, row, name, cell, more=f"a target must be a number; convert the column{more}{classes}")


def _coded(
    raw: Raw,
    chosen: tuple[str, ...],
    values: np.ndarray,
    others: Mapping[str, Column],
    coding: Sequence[Coded] | None,
    fill: Collection[str] = (),
) -> tuple[tuple[str, ...], np.ndarray, tuple[Coded, ...]]:
    """Names, values and codes, with coded columns in the place of those that are not numbers, or are filled in."""
    known = None if coding is None else {c.name: c for c in coding}
    names: list[str] = []
    parts: list[np.ndarray] = []
    codes: list[Coded] = []
    for j, name in enumerate(chosen):
        column = others.get(name)
        code = None
        if known is not None:
            code = known.get(name)
            if code is None and column is not None:
                raise not_a_number(raw, 0, name, str(column.values[0]), more="the fit was made with numbers there")
        elif name in fill:
            code = Coded.filled(name, Column(NUMBER, values[:, j]) if column is None else column, raw)
            check_categories(code, len(values), raw)
        elif column is not None:
            code = Coded.of(name, column)
            assert code is not None
            check_categories(code, len(values), raw)
        if code is None:
            names.append(name)
            parts.append(values[:, j : j + 1])
            continue
        names += code.columns
        parts.append(code.encode(Column(NUMBER, values[:, j]) if column is None else column, raw))
        codes.append(code)
    check_names(names, raw.label)
    return tuple(names), np.concatenate(parts, axis=1), tuple(codes)


def check_categories(code: Coded, rows: int, raw: Raw) -> None:
    """DataError for texts that are no categories: names, remarks, keys."""
    own, count = len(code.categories), len(code.categories) + len(code.rare)
    many = own > CATEGORIES + 1 and (own > ALIKE or own * rows > MOST_NUMBERS)
    if many and 2 * count <= rows:
        raise DataError(
            f"{raw.label}: column {code.name!r} holds {count} different texts in {rows} rows, none much rarer than "
            f"others, and {min(ALIKE, max(CATEGORIES, MOST_NUMBERS // rows))} can be told apart; say instead what they "
            "stand for in numbers (sizes, places), or join them into kinds of which there are fewer, or leave it out"
            + cure(": name the inputs with {}", "columns", "", "columns=[...]")
        )
    if many or count > MOST_TEXTS or (count > FEW and 2 * count > rows):
        raise DataError(
            f"{raw.label}: column {code.name!r} holds {count} different texts in {rows} rows, too many to be "
            f"categories, such as {code.categories[0]!r}; leave it out"
            + cure(": name the inputs with {}", "columns", "", "columns=[...]")
        )


# ---- writing


@naming
def write_table(table: Table, path: str | os.PathLike[str]) -> Path:
    """Write a table to ``.csv``, ``.parquet`` or ``.npz``; float64 values survive exactly. Returns the path.

    A file of that name is replaced, in one step. An npz holds one array per column.

    Raises:
        DataError: another ending, or the file cannot be written.
        MissingExtraError: Parquet without pyarrow.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    writer = {"csv": _write_csv, "parquet": _write_parquet, "npz": _write_npz}.get(kind)
    if writer is None:
        raise DataError(f"cannot write a table to {path.name!r}; expected one of {', '.join('.' + f for f in FORMATS)}")
    with replacing(path) as partial:
        writer(table, partial)
    return path


def _write_csv(table: Table, path: Path) -> None:
    like_data = [name for name in table.names if is_number(name, ".") or is_decimal_comma(name)]
    if like_data:
        raise DataError(f"column {like_data[0]!r}: a header of numbers would be read back as data; rename the column")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.names)
        writer.writerows(table.values.tolist())  # repr of a float: the shortest text that reads back the same


def _write_parquet(table: Table, path: Path) -> None:
    arrow, parquet = pyarrow()
    parquet.write_table(arrow.table({name: table[name] for name in table.names}), path)


def _write_npz(table: Table, path: Path) -> None:
    # np.savez would refuse a column named "file"; a fixed date makes equal tables equal files.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in table.names:
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(table[name]), allow_pickle=False)


__all__ = [
    "FORMATS", "Table", "check_categories", "chosen_columns", "column_of", "missing_value", "read_csv", "read_table",
    "spread_names", "write_table",
]  # fmt: skip
