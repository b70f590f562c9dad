"""Tables: named float64 columns, read from and written to CSV, Parquet, NumPy files and DataFrames.

Nothing is guessed silently: a missing, non-numeric or infinite value is an error that says row and column.
CSV needs no extra package; Parquet needs pyarrow (``pip install "surefit[table]"``).
"""

from __future__ import annotations

import csv
import math
import numbers
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.data.csv_text import (
    as_names,
    check_names,
    csv_columns,
    is_decimal_comma,
    is_number,
    leave_out,
    numbered,
    refuse_lost,
)
from surefit.errors import DataError, MissingExtraError, ShapeError
from surefit.files import regular_file, replacing

FORMATS = ("csv", "parquet", "npz")
SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".dat": "csv", ".parquet": "parquet", ".pq": "parquet"}
SUFFIXES |= {".npz": "npz", ".npy": "npy"}
FOREIGN = frozenset(
    ".bz2 .xz .zip .zst .tar .tgz .7z .xls .xlsx .xlsm .ods .json .jsonl .ndjson .feather .arrow .orc .h5 .hdf5 .mat "
    ".pkl .pickle .nc .fits .db .sqlite .html .xml .sav .dta .rds .pt .safetensors".split()
)  # files of others, which are refused by name
WHOLE = 2.0**53  # whole numbers above it have neighbours that are no float64


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

    Raises:
        DataError: names that are empty, repeated, or do not fit the values; a value that is not finite; an
            unknown target.

    >>> table = Table(["x", "y"], [[0, 1], [2, 3]])
    >>> table.inputs, table.y.tolist(), table["x"].tolist()
    (('x',), [[1.0], [3.0]], [0.0, 2.0])
    """

    __slots__ = ("_places", "inputs", "names", "targets", "values")

    def __init__(self, names: Iterable[str], values: Any, targets: str | Iterable[str] | None = None) -> None:
        self.names: tuple[str, ...] = tuple(str(name).strip() for name in names)
        check_names(self.names, "table")
        array = np.array(values, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.names):
            raise DataError(
                f"table: {len(self.names)} names need values of shape (n, {len(self.names)}), got {array.shape}"
            )
        bad = np.argwhere(~np.isfinite(array))
        if bad.size:
            row, column = bad[0]
            raise DataError(
                f"table: row {row}, column {self.names[column]!r} is {array[row, column]}; every value must be finite"
            )
        array.flags.writeable = False
        self.values: np.ndarray = array
        self._places = {name: i for i, name in enumerate(self.names)}
        wanted = self.names[-1:] if targets is None else as_names(targets)
        self.targets: tuple[str, ...] = tuple(self.names[self._index(name)] for name in wanted)
        told = set(self.targets)
        self.inputs: tuple[str, ...] = tuple(name for name in self.names if name not in told)

    @property
    def x(self) -> np.ndarray:
        """The input columns, (n, inputs).

        Raises:
            DataError: every column is a target.
        """
        if not self.inputs:
            raise DataError(f"table: no input columns; all of {', '.join(self.names)} are targets")
        return self.values[:, [self._index(name) for name in self.inputs]]

    @property
    def y(self) -> np.ndarray:
        """The target columns, (n, targets)."""
        return self.values[:, [self._index(name) for name in self.targets]]

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
        ys = self.targets if targets is None else as_names(targets)
        told = set(ys)
        xs = tuple(name for name in self.names if name not in told) if inputs is None else as_names(inputs)
        both = [name for name in xs if name in told]
        if both:
            raise DataError(f"table: column {both[0]!r} is asked for as an input and as a target")
        names = (*xs, *ys)
        return Table(names, self.values[:, [self._index(name) for name in names]], ys)

    def rows(self, index: Any) -> Table:
        """The table with these rows: a slice, row numbers or a mask."""
        return Table(self.names, self.values[index], self.targets)

    def _index(self, name: str) -> int:
        if name not in self._places:
            raise DataError(f"table: there is no column {name!r}; it has {', '.join(self.names)}")
        return self._places[name]


# ---- reading


def read_table(
    source: Any,
    *,
    targets: str | Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
    drop_missing: bool = False,
    **csv_options: Any,
) -> Table:
    """A Table from whatever holds one.

    Args:
        source: a path (``.csv``, ``.tsv``, ``.txt``, ``.dat``, each also with ``.gz``; ``.parquet``;
            ``.npz``; ``.npy``), a DataFrame, a dict of columns, a pair of arrays (X, y), one array (n,
            columns), or a Table.
        targets: names of the target columns; None: the last column (all of y for a pair of arrays).
        columns: read these columns only, in this order; the others may hold anything.
        names: names of the columns, instead of those in the file, or where it has none.
        drop_missing: leave out rows with a missing value (empty, NA, NaN, null, ?) instead of raising. Text
            that is not a number stays an error.
        csv_options: delimiter, decimal, header and encoding of a text file; see `read_csv`.

    Raises:
        DataError: the source is unreadable; for a value it says row (the line of a text file) and column.
        MissingExtraError: Parquet without pyarrow.
    """
    kind = "object"
    if isinstance(source, str | os.PathLike):
        source = Path(source)
        kind = _kind(source)
        regular_file(source)
    if kind == "csv":
        return read_csv(source, targets=targets, columns=columns, names=names, drop_missing=drop_missing, **csv_options)
    if csv_options:
        raise DataError(f"{', '.join(csv_options)}: only a CSV file has such a thing; leave it out")
    read = {"parquet": _from_parquet, "npz": _from_npz, "npy": _from_npy, "object": _from_object}[kind]
    return _assembled(read(source), names, columns, targets, drop_missing)


class _Raw(NamedTuple):
    """Columns as they came: what errors call the source, names, values of any kind, default targets."""

    label: str
    names: list[str]
    columns: list[Any]
    targets: tuple[str, ...] | None = None


def _assembled(
    raw: _Raw,
    names: Iterable[str] | None,
    columns: Iterable[str] | None,
    targets: str | Iterable[str] | None,
    drop_missing: bool,
) -> Table:
    wanted = None if columns is None else as_names(columns)
    own = [name.strip() for name in raw.names]
    default = raw.targets
    if names is not None:
        own = list(as_names(names))
        if len(own) != len(raw.names):
            raise DataError(f"names: {len(own)} names for the {len(raw.names)} columns of {raw.label}")
        default = tuple(own[raw.names.index(name)] for name in default or ()) or None
    chosen = own if wanted is None else list(wanted)
    needed, places = set(chosen), {name: i for i, name in enumerate(own)}
    check_names([n for n in own if n in needed], raw.label)
    for name in chosen:
        if name not in places:
            raise DataError(f"columns: {raw.label} has no column {name!r}; it has {', '.join(own)}")
    numeric = [_numeric(raw.columns[places[name]], name, raw.label, drop_missing) for name in chosen]
    if len({len(column) for column in numeric}) > 1:
        sizes = ", ".join(f"{n}: {len(c)}" for n, c in zip(chosen, numeric, strict=True))
        raise DataError(f"{raw.label}: columns of different lengths ({sizes}); a table needs as many rows in each")
    values = np.stack(numeric, axis=1)
    if drop_missing:
        values = values[~np.isnan(values).any(axis=1)]
    if len(values) == 0:
        raise DataError(f"{raw.label}: no rows{' without a missing value' if drop_missing else ''}")
    if targets is None and default is not None and set(default) <= set(chosen):
        targets = default
    return Table(chosen, values, targets)


def _numeric(column: Any, name: str, label: str, drop_missing: bool) -> np.ndarray:
    """A column of numbers, booleans or objects as float64; NaN stays only where rows are to be dropped."""
    array = _unmasked(column)
    if array.ndim != 1:
        raise DataError(f"{label}: column {name!r} has shape {array.shape}; expected one number per row")
    if array.dtype.kind in "mM":
        raise DataError(
            f"{label}: column {name!r} holds times; convert it to a number, such as seconds since the first, or leave "
            "it out"
        )
    if array.dtype.kind == "c":
        raise DataError(
            f"{label}: column {name!r} holds complex numbers, of which no part may be dropped; give real and imaginary "
            "part as two columns"
        )
    if array.dtype.kind in "biuf":
        out = array.astype(np.float64)
        _check_distinct(array, out, name, label)
    else:
        out = np.array([_number(value, i, name, label) for i, value in enumerate(array.tolist())], dtype=np.float64)
        _check_objects(array.tolist(), out, name, label)
    bad = np.flatnonzero(~np.isfinite(out))
    for i in bad:
        if np.isinf(out[i]):
            raise DataError(f"{label}: row {i}, column {name!r} is {out[i]}; every value must be finite")
        if not drop_missing:
            raise DataError(f"{label}: row {i}, column {name!r} is missing (first row is 0); fill it in{leave_out()}")
    return out


def _unmasked(column: Any) -> np.ndarray:
    """A column as an array; what is masked is missing."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    hidden = np.ma.getmaskarray(column)
    if not hidden.any():
        return np.asarray(column.data)
    if column.dtype.kind in "biuf":
        numbers = column.data.astype(np.float64)
        if column.dtype.kind not in "iu" or np.abs(numbers[~hidden]).max(initial=0.0) < WHOLE:
            return np.where(hidden, np.nan, numbers)
    out = column.data.astype(object)
    out[hidden] = None
    return out


def _check_distinct(exact: np.ndarray, rounded: np.ndarray, name: str, label: str) -> None:
    """DataError where numbers that differ become one in float64, as whole numbers above 2^53 do."""
    if exact.dtype.itemsize < 8 or exact.dtype == np.float64 or not len(exact):
        return
    if np.abs(rounded).max() < WHOLE and exact.dtype.kind != "f":
        return
    refuse_lost(len(np.unique(exact)) - len(np.unique(rounded)), f"{exact.dtype} numbers", rounded, name, label)


def _check_objects(values: Iterable[Any], rounded: np.ndarray, name: str, label: str) -> None:
    """The same of Python's whole numbers, Decimals and Fractions, and of texts of many digits."""
    exact: set[Any] = set()
    floats: set[float] = set()
    for value, number in zip(values, rounded.tolist(), strict=True):
        if math.isfinite(number) and isinstance(value, (numbers.Rational, Decimal)):
            exact.add(value)
            floats.add(number)
    refuse_lost(len(exact) - len(floats), "numbers", rounded, name, label)


def _number(value: Any, row: int, name: str, label: str) -> float:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return np.nan
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{label}: row {row}, column {name!r} is {value!r}, not a number; convert the column, or leave "
            "it out (first row is 0)"
        ) from error


def _from_object(source: Any) -> _Raw:
    if isinstance(source, Table):
        return _Raw("table", list(source.names), list(source.values.T), source.targets)
    if hasattr(source, "collect") and hasattr(source, "collect_schema"):  # a lazy frame of polars
        source = source.collect()
    if hasattr(source, "read_all") and hasattr(source, "schema"):  # a reader of record batches of pyarrow
        source = source.read_all()
    if hasattr(source, "column_names") and hasattr(source, "column"):  # a table or record batch of pyarrow
        names = [str(name) for name in source.column_names]
        return _Raw(type(source).__name__, names, [_of_arrow(source.column(i)) for i in range(len(names))])
    if hasattr(source, "to_frame") and hasattr(source, "name") and not isinstance(source, np.ndarray):
        raise DataError(
            f"table: a {type(source).__name__} is one column; give inputs and target, (X, y), or a DataFrame"
        )
    if isinstance(source, list) and source and all(isinstance(row, Mapping) for row in source):
        return _of_records(source)
    if isinstance(source, Mapping):
        return _Raw("dict", [str(name) for name in source], list(source.values()))
    if hasattr(source, "columns") and hasattr(source, "__getitem__") and not isinstance(source, np.ndarray):
        return _from_dataframe(source)
    pair = isinstance(source, tuple | list) and len(source) == 2
    if pair and (isinstance(source, tuple) or all(isinstance(part, np.ndarray) for part in source)):
        return _from_pair(*source)
    if isinstance(source, tuple) and len(source) > 2 and any(isinstance(part, np.ndarray) for part in source):
        raise DataError(f"table: a tuple of {len(source)} arrays; give a pair (X, y), with all inputs as columns of X")
    array = _array(source, "table")
    if array.dtype.names is not None:  # a structured array
        return _Raw("array", list(array.dtype.names), [array[name] for name in array.dtype.names])
    if array.ndim != 2:
        raise DataError(
            f"table: cannot read a {type(source).__name__} of shape {array.shape}; give a path, a "
            "DataFrame, a dict of columns, a pair (X, y), or an array (n, columns)"
        )
    return _Raw("array", numbered("c", array.shape[1]), list(array.T))


def _of_arrow(column: Any) -> Any:
    """A column of pyarrow as objects where values are missing, else as numbers."""
    return column.to_pylist() if column.null_count else column.to_numpy()


def _of_records(records: Sequence[Mapping[Any, Any]]) -> _Raw:
    """Rows that are dicts: all must have the same keys."""
    names = list(records[0])
    for i, row in enumerate(records):
        if set(row) != set(names):
            odd = sorted(map(str, set(row) ^ set(names)))
            raise DataError(f"list of dicts: row {i} and the first differ in {', '.join(odd)} (first row is 0)")
    return _Raw("list of dicts", [str(n) for n in names], [[row[n] for row in records] for n in names])


def _from_dataframe(frame: Any) -> _Raw:
    """pandas and polars alike: names in .columns, one column by its name, .to_numpy() on it."""
    keys = list(frame.columns)
    names = [str(key) for key in keys]
    check_names(names, "DataFrame")  # before asking for a column: a repeated name would give several
    return _Raw("DataFrame", names, [frame[key].to_numpy() for key in keys])


def _from_pair(x: Any, y: Any) -> _Raw:
    own_x, own_y = _names_of(x), _names_of(y)  # a frame keeps its names
    if own_x and _is_frame(x):
        return _from_frames(_from_object(x), y, own_y)
    x, y = (_matrix(v) for v in (x, y))
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise DataError(
            f"(X, y): expected (n, inputs) and (n,) or (n, outputs) with as many rows, got {x.shape}, {y.shape}"
        )
    if not x.shape[1] or not y.shape[1]:
        raise DataError(f"(X, y): {'X' if not x.shape[1] else 'y'} has no columns; got {x.shape}, {y.shape}")
    xs = own_x or numbered("x", x.shape[1], alone="x")
    ys = own_y or numbered("y", y.shape[1], alone="y")
    return _Raw("(X, y)", xs + ys, [*x.T, *y.T], tuple(ys))


def _from_frames(x: _Raw, y: Any, own_y: list[str]) -> _Raw:
    """Inputs whose columns keep their own types, and a target in any form."""
    columns = _from_object(y).columns if _is_frame(y) else list(_matrix(y).T)
    rows = {len(c) for c in (*x.columns, *columns)}
    if len(rows) > 1 or not columns:
        raise DataError(f"(X, y): expected as many rows in both, and a column in each; got {sorted(rows)} rows")
    ys = own_y or numbered("y", len(columns), alone="y")
    return _Raw("(X, y)", [*x.names, *ys], [*x.columns, *columns], tuple(ys))


def _is_frame(values: Any) -> bool:
    return not isinstance(values, np.ndarray) and (hasattr(values, "columns") or hasattr(values, "column_names"))


def _matrix(values: Any) -> np.ndarray:
    """Values as rows and columns, masks kept. DataError when rows are of different lengths."""
    if _is_frame(values):
        values = np.stack([np.asarray(column) for column in _from_object(values).columns], axis=1)
    array = _array(values.to_numpy() if hasattr(values, "to_numpy") else values, "(X, y)")
    return array[:, None] if array.ndim == 1 else array


def _array(values: Any, label: str) -> np.ndarray:
    """An array of whatever holds numbers: masks inside a list are kept, and whole numbers that are no float64."""
    if isinstance(values, np.ndarray):
        return values
    try:
        if isinstance(values, list | tuple) and any(isinstance(v, np.ma.MaskedArray) for v in values):
            return np.ma.stack(values)
        array = np.asarray(values)
        if array.dtype == np.float64 and array.size and np.nanmax(np.abs(array)) >= WHOLE:
            exact = np.asarray(values, dtype=object)
            return exact if any(isinstance(v, int) for v in exact.flat) else array
    except ValueError as e:
        raise DataError(f"{label}: the rows are of different lengths ({e})") from None
    return array


def _names_of(values: Any) -> list[str]:
    """The names of the columns of a frame, or the name of a series; none of an array."""
    if _is_frame(values):
        return [str(c) for c in getattr(values, "column_names", None) or values.columns]
    name = getattr(values, "name", None)
    return [name] if isinstance(name, str) and hasattr(values, "to_numpy") else []


def points_from(points: Any, names: Sequence[str], what: str = "predict") -> np.ndarray:
    """Places (n, d) float64 from what people have: columns with names are taken by name, others by place.

    points: an array (n, d), or (n,) of one input; or, in any order and beside other columns, a DataFrame, a dict of
    columns or numbers, a structured array, a list of dicts, a table of pyarrow or polars, a `Table`.

    ShapeError: another number of columns. DataError: a column is missing, or holds something that is not a number.
    """
    d = len(names)
    named = isinstance(points, (Table, Mapping)) or hasattr(points, "columns") or hasattr(points, "column_names")
    named = named or getattr(getattr(points, "dtype", None), "names", None) is not None
    if isinstance(points, np.void):  # one row of a structured array
        points = np.array([points], points.dtype)
    if hasattr(points, "index") and hasattr(points, "to_dict") and set(names) <= set(points.index):
        points = {n: points[n] for n in names}  # one row of a frame
        named = True
    if hasattr(points, "iloc") and hasattr(points, "columns") and not any(isinstance(c, str) for c in points.columns):
        points, named = points.to_numpy(), False  # a frame of pandas without names
    named = named or (isinstance(points, list) and bool(points) and all(isinstance(r, Mapping) for r in points))
    if named or (hasattr(points, "collect") and hasattr(points, "collect_schema")):
        if isinstance(points, Mapping):
            points = {k: np.atleast_1d(np.asarray(v)) for k, v in points.items()}
            most = max((len(v) for v in points.values()), default=0)  # a single number holds for all
            points = {k: np.repeat(v, most) if v.shape == (1,) else v for k, v in points.items()}
        raw = _from_object(points)
        missing = [n for n in names if n not in raw.names]
        if missing:
            raise DataError(
                f"{what}: there is no column {', '.join(map(repr, missing))}; the inputs are {', '.join(names)}, and "
                f"the columns that came are {', '.join(raw.names[:12])}"
            )
        columns = [_numeric(raw.columns[raw.names.index(n)], n, raw.label, True) for n in names]
        sizes = {len(c) for c in columns}
        if len(sizes) > 1:
            raise ShapeError(f"{what}: columns of different lengths: {sorted(sizes)}")
        return np.stack(columns, axis=1)
    try:
        x = _unmasked(points.to_numpy() if hasattr(points, "to_numpy") else points)
        if x.dtype.kind == "O" and not any(v is None for v in x.flat):
            x = np.asarray(x, np.float64)
        if x.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        shown = repr(points)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        raise DataError(f"{what}: {shown} are not numbers; give an array (n, {d})") from None
    x = x.astype(np.float64)
    x = x[:, None] if x.ndim == 1 and d == 1 else x
    if x.ndim != 2 or x.shape[1] != d:
        hint = f"; one point is [[{', '.join(names)}]]" if x.shape == (d,) else ""
        raise ShapeError(
            f"{what}: points of shape {x.shape}; needed (n, {d}): one column for each of {', '.join(names)}{hint}"
        )
    return x


def _from_npy(path: Path) -> _Raw:
    array = _loaded(path)
    if array.dtype.names is None and array.ndim != 2:
        raise DataError(f"{path.name}: holds an array of shape {array.shape}; a table needs (n, columns)")
    return _from_object(array)._replace(label=path.name)


def _from_npz(path: Path) -> _Raw:
    names: list[str] = []
    columns: list[Any] = []
    with _loaded(path) as archive:
        for key in archive.files:
            array = _member(archive, key, path)
            if array.ndim == 2:  # X (n, d) becomes X1 ... Xd
                names += numbered(key, array.shape[1], alone=key)
                columns += list(array.T)
            else:
                names.append(key)
                columns.append(array)
    if not names:
        raise DataError(f"{path.name}: holds no arrays")
    return _Raw(path.name, names, columns)


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name}: not a readable NumPy file of numbers ({error})") from error


def _member(archive: Any, key: str, path: Path) -> np.ndarray:
    try:
        return archive[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name}: array {key!r} cannot be read ({error})") from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError('Parquet files need pyarrow: pip install "surefit[table]"') from error
    return pyarrow, pyarrow.parquet


def _from_parquet(path: Path) -> _Raw:
    arrow, parquet = _pyarrow()
    try:
        data = parquet.read_table(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name}: not a readable Parquet file ({error})") from error
    return _Raw(path.name, list(data.column_names), [column.to_numpy() for column in data.columns])


def read_csv(
    source: str | os.PathLike[str],
    *,
    targets: str | Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
    drop_missing: bool = False,
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool | None = None,
    encoding: str = "utf-8",
) -> Table:
    """A Table from a delimited text file.

    Args:
        source: the file.
        targets: see `read_table`, also for the next three.
        columns: read these columns only.
        names: instead of those in the file.
        drop_missing: leave out rows with a missing value.
        delimiter: None: found among tab, ``;``, ``|``, ``,`` and blanks, as the one that cuts all rows alike.
        decimal: ``"."`` or ``","``.
        header: whether the first row holds names; None: it does unless all of it is numbers. Without a header
            the columns are c1, c2, ...
        encoding: of the text; UTF-8 with or without a byte order mark, and UTF-16 with one, need no word.

    Raises:
        DataError: see `read_table`.
    """
    found, values = csv_columns(Path(source), columns, names, drop_missing, delimiter, decimal, header, encoding)
    return Table(found, values, targets)


# ---- writing


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
    arrow, parquet = _pyarrow()
    parquet.write_table(arrow.table({name: table[name] for name in table.names}), path)


def _write_npz(table: Table, path: Path) -> None:
    # np.savez would refuse a column named "file"; a fixed date makes equal tables equal files.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in table.names:
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(table[name]), allow_pickle=False)


# ---- names


def is_table_path(text: str) -> bool:
    """Whether a text names a table rather than a formula: by its ending, also of a file of others, or as a file.

    >>> is_table_path("data.pq"), is_table_path("sheet.xlsx"), is_table_path("sin(x)")
    (True, True, False)
    """
    ending = Path(text.strip()).suffix.lower()
    if ending in SUFFIXES or ending in FOREIGN or ending == ".gz":
        return True
    try:
        return ending != "" and Path(text).is_file()
    except (OSError, ValueError):  # a formula too long for a name of a file
        return False


def _kind(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes]
    last = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]
    if last not in SUFFIXES or (suffixes[-1] == ".gz" and SUFFIXES[last] != "csv"):
        packed = last in SUFFIXES or last in (".bz2", ".xz", ".zip", ".zst", ".tar", ".tgz", ".7z", ".gz")
        hint = "; unpack it first" if packed else ""
        hint = "; save the sheet as CSV" if last in (".xlsx", ".xls", ".xlsm", ".ods") else hint
        hint = hint or ("; read it with pandas, and give the DataFrame" if last in FOREIGN else "")
        raise DataError(f"table: cannot read {path.name!r}; expected one of {', '.join(SUFFIXES)}{hint}")
    return SUFFIXES[last]
