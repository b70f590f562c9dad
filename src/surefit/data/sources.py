"""What holds a table, and its columns as they came: files of several kinds, frames of other libraries, arrays, dicts.

Other libraries are known by what they offer, and none is imported for it.
"""

from __future__ import annotations

import datetime
import difflib
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import check_memory
from surefit.data.columns import WHOLE, Categories, Raw, detached, is_none
from surefit.data.csv_text import Row, check_names, csv_columns, filled_columns, numbered, raw_of_rows, text_of
from surefit.errors import DataError, MissingExtraError
from surefit.files import regular_file
from surefit.spelling import spelled

SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".dat": "csv", ".parquet": "parquet", ".pq": "parquet"}
SUFFIXES |= {".npz": "npz", ".npy": "npy", ".xlsx": "excel", ".xlsm": "excel"}
SUFFIXES |= {".json": "json", ".jsonl": "json", ".ndjson": "json", ".feather": "feather", ".arrow": "feather"}
PACKED = (".gz", ".bz2", ".xz", ".zip")  # each holds one text
FOREIGN = frozenset(
    ".zst .tar .tgz .7z .xls .xlsb .ods .orc .h5 .hdf5 .mat .pkl .pickle .nc .fits .db .sqlite .html .xml .sav .dta "
    ".rds .pt .safetensors .arff .md".split()
)  # files of others, which are refused by name
READERS = {
    ".mat": "scipy.io.loadmat, and give a dict of its columns", ".nc": "xarray.open_dataset, and give the data set",
    ".arff": "scipy.io.arff.loadarff, and give the array", ".fits": "astropy, and give a dict of its columns",
}  # fmt: skip
UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile)
PART = "give a part of its rows or columns"
HELD = {"npz": 3, "parquet": 3, "excel": 8, "json": 12}  # bytes in memory for each byte that is unpacked, at least
BUFFER = 2**18  # bytes of a column of a Parquet file at a time
DECODED = 2**14  # rows of it that are decoded together
NUMBERS = {"double": "f8", "float": "f4", "halffloat": "f2"}  # types of pyarrow, and those of NumPy
NUMBERS |= {f"{sign}int{8 * size}": f"{sign or 'i'}{size}" for sign in ("", "u") for size in (1, 2, 4, 8)}
CSV, EXCEL = ("delimiter", "decimal", "header", "encoding"), ("sheet", "header")  # options of these files


def is_pair(source: Any) -> bool:
    """Whether a source is (X, y), not two rows of a list of dicts."""
    return isinstance(source, (tuple, list)) and len(source) == 2 and not all(isinstance(p, Mapping) for p in source)


def called(source: Any) -> str:
    """What cards call a source: the name of a file, (X, y), "table", or the kind of thing that it is."""
    name = (
        source.label if isinstance(source, Raw) else getattr(source, "name", None) if hasattr(source, "read") else None
    )
    if isinstance(source, (str, os.PathLike)) or (isinstance(name, str) and name and name != "dict"):
        return os.path.basename(str(source if name is None else name))
    if is_pair(source):
        return "(X, y)"
    plain = isinstance(source, Mapping | list | tuple | Raw) or hasattr(source, "read")
    return "table" if plain and not hasattr(source, "dims") else type(source).__name__


def raw_of(source: Any, names: Iterable[str] | None = None, **options: Any) -> Raw:
    """The columns of whatever holds a table, as they came. options: of text files and spreadsheets, None if not given.

    DataError where it cannot be read, or an option is not for it; MissingExtraError without the package it needs.
    """
    try:
        return _read(source, names, {key: value for key, value in options.items() if value is not None})
    except MemoryError:
        label = Path(source).name if isinstance(source, str | os.PathLike) else "table"
        raise DataError(f"{label}: it does not fit into the memory here; {PART}") from None


def _read(source: Any, names: Iterable[str] | None, given: dict[str, Any]) -> Raw:
    kind = "object"
    if isinstance(source, str | os.PathLike):
        source = Path(source)
        kind = kind_of(source)
        regular_file(source)
    elif hasattr(source, "read") and not hasattr(source, "schema"):
        kind = "csv"
    known = {"csv": CSV, "excel": EXCEL}.get(kind, ())
    for key in given:
        if key not in known:
            what = "an Excel file" if key == "sheet" else "a CSV file"
            raise DataError(f"{key}: only {what} has such a thing; leave it out")
    if kind == "csv":
        return csv_columns(text_of(source, given.pop("encoding", "utf-8")), names=names, **given)
    if kind == "excel":
        return _from_excel(source, names=names, **given)
    read = {
        "parquet": _from_parquet, "npz": _from_npz, "npy": _from_npy, "object": _from_object, "json": _from_json,
        "feather": _from_feather,
    }[kind]  # fmt: skip
    raw = read(source)
    if names is None:
        return raw
    own = [str(name).strip() for name in ([names] if isinstance(names, str) else names)]
    if len(own) != len(raw.names):
        raise DataError(f"names: {len(own)} names for the {len(raw.names)} columns of {raw.label}")
    targets = tuple(own[raw.names.index(name)] for name in raw.targets or ()) or None
    return raw._replace(names=own, targets=targets)


# ---- objects


def _from_object(source: Any) -> Raw:
    if isinstance(source, Raw):
        return source
    if hasattr(source, "raw") and hasattr(source, "coding"):  # a Table
        return source.raw()
    if hasattr(source, "collect") and hasattr(source, "collect_schema"):  # a lazy frame of polars
        source = source.collect()
    if hasattr(source, "read_all") and hasattr(source, "schema"):  # a reader of record batches of pyarrow
        source = source.read_all()
    if hasattr(source, "column_names") and hasattr(source, "column"):  # a table or record batch of pyarrow
        names = [str(name) for name in source.column_names]
        return Raw(type(source).__name__, names, [_of_arrow(source.column(i)) for i in range(len(names))])
    if hasattr(source, "dims") and hasattr(source, "coords"):  # of xarray, where a Dataset is a Mapping too
        return _from_xarray(source)
    if hasattr(source, "to_frame") and hasattr(source, "name") and not isinstance(source, np.ndarray):
        return _from_series(source)
    if isinstance(source, list) and source and all(isinstance(row, Mapping) for row in source):
        return _of_records(source)
    if isinstance(source, Mapping):
        series = (hasattr(column, "dtype") and hasattr(column, "to_numpy") for column in source.values())
        columns = [_of_series(c) if own else c for c, own in zip(source.values(), series, strict=True)]
        return Raw("dict", [str(name) for name in source], columns)
    if hasattr(source, "columns") and hasattr(source, "__getitem__") and not isinstance(source, np.ndarray):
        return _from_dataframe(source)
    pair = isinstance(source, tuple | list) and len(source) == 2
    for part in (source, *(source if pair else ())):
        if isinstance(part, Iterator):
            what = type(part).__name__
            raise DataError(f"table: a {what} gives its values once, which is not enough; give list(...) of it")
    if pair and (isinstance(source, tuple) or all(isinstance(part, np.ndarray) for part in source)):
        return _from_pair(*source)
    if isinstance(source, tuple) and len(source) > 2 and any(isinstance(part, np.ndarray) for part in source):
        raise DataError(f"table: a tuple of {len(source)} arrays; give a pair (X, y), with all inputs as columns of X")
    array = _array(source, "table")
    if array.dtype.names is not None:  # a structured array
        return Raw("array", list(array.dtype.names), [array[name] for name in array.dtype.names])
    if array.ndim != 2:
        if hasattr(source, "free_symbols"):  # SymPy's, and what is like it
            raise DataError(
                f"target: a {type(source).__name__} of symbols; make a function of it, sympy.lambdify(symbols, "
                "expression), which is fitted as any other"
            )
        raise DataError(
            f"table: cannot read a {type(source).__name__} of shape {array.shape}; give a path, a "
            "DataFrame, a dict of columns, a pair (X, y), or an array (n, columns)"
        )
    return Raw("array", numbered("c", array.shape[1]), list(array.T))


def _of_arrow(column: Any) -> Any:
    """A column of pyarrow: numbers and times as an array, others, and numbers of which some are missing, as objects."""
    kind = str(getattr(column, "type", ""))
    if kind.startswith("dictionary"):
        return Categories(column.to_pylist())
    if kind.startswith("timestamp") and "tz=" in kind:
        return column.to_pylist()
    if kind in ("string", "large_string", "string_view"):
        return _texts(column)
    if kind.startswith(("decimal", "time32", "time64")):
        return column.to_pylist()
    if column.null_count and not kind.startswith(("timestamp", "date", "duration", "double", "float")):
        return column.to_pylist()
    if kind in NUMBERS:
        return _numbers(getattr(column, "chunks", [column]), np.dtype(NUMBERS[kind]))
    return column.to_numpy() if hasattr(column, "num_chunks") or not kind else column.to_numpy(zero_copy_only=False)


def _texts(column: Any) -> np.ndarray:
    """The texts of an array of pyarrow as objects, None where one is missing: rows with the same text share it."""
    parts = []
    for chunk in getattr(column, "chunks", [column]):
        coded = chunk.dictionary_encode()
        known = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
        parts.append(known[coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(parts) if parts else np.empty(0, dtype=object)


def _numbers(chunks: Sequence[Any], dtype: np.dtype) -> np.ndarray:
    """The numbers of arrays of pyarrow, of which a float may miss some: NaN.

    pyarrow's own way there imports pandas, which takes half a second and as much memory as a large table.
    """
    parts = []
    for chunk in chunks:
        rows, (valid, values) = slice(chunk.offset, chunk.offset + len(chunk)), chunk.buffers()
        part = np.frombuffer(values or b"", dtype)[rows]
        if chunk.null_count:
            there = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[rows]
            part = np.where(there, part, dtype.type(np.nan))
        parts.append(part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, dtype)


def _from_series(series: Any) -> Raw:
    """A series of pandas: its index is the input."""
    kind = type(series).__name__
    if not hasattr(series, "index") or not hasattr(series.index, "to_numpy"):
        raise DataError(f"table: a {kind} is one column; give inputs and target, (X, y), or a DataFrame")
    if getattr(series.index, "nlevels", 1) > 1:
        raise DataError(f"table: the index of this {kind} has several levels; give series.reset_index()")
    names = [str(series.index.name or "index"), str(series.name or "y")]
    return Raw(kind, names, [_of_series(series.index.to_series()), series.to_numpy()], (names[1],))


def _from_xarray(source: Any) -> Raw:
    """A DataArray or Dataset: coordinates along its dimensions, then its variables, of which the last is the target."""
    kind = type(source).__name__
    if hasattr(source, "data_vars"):
        variables = {str(name): source[name] for name in source.data_vars}
    else:
        variables = {str(source.name or "y"): source}
    dims = list(dict.fromkeys(dim for v in variables.values() for dim in v.dims))
    sizes = {dim: length for v in variables.values() for dim, length in zip(v.dims, v.shape, strict=True)}
    axes = [dim for dim in dims if dim in source.coords]  # without a coordinate it counts rows
    if not variables or not dims or len(axes) + len(variables) < 2:
        raise DataError(f"table: this {kind} has no coordinates that could be inputs; give it some (coords=)")
    shape = [sizes[dim] for dim in dims]
    parts = [(source.coords[dim].values, [dim]) for dim in axes]
    parts += [(v.values.transpose(np.argsort([dims.index(dim) for dim in v.dims])), v.dims) for v in variables.values()]
    columns = []
    for values, own in parts:
        wide = np.reshape(values, [sizes[dim] if dim in own else 1 for dim in dims])
        columns.append(np.broadcast_to(wide, shape).reshape(-1))
    return Raw(kind, [*map(str, axes), *variables], columns, (next(reversed(variables)),))


def _of_records(
    records: Sequence[Mapping[Any, Any]], label: str = "list of dicts", lines: Sequence[int] | None = None
) -> Raw:
    """Rows that are dicts: all must have the same keys. lines: where they stand in a file."""
    names = list(records[0])
    for i, row in enumerate(records):
        if set(row) != set(names):
            odd = sorted(map(str, set(row) ^ set(names)))
            if lines is not None:
                raise DataError(f"{label}: line {lines[i]} and the first differ in {', '.join(odd)}")
            raise DataError(f"{label}: row {i} and the first differ in {', '.join(odd)} (first row is 0)")
    return Raw(label, [str(n) for n in names], [[row[n] for row in records] for n in names])


def _from_dataframe(frame: Any) -> Raw:
    """pandas and polars alike: names in .columns, one column by its name, .to_numpy() on it."""
    keys = list(frame.columns)
    names = ["" if is_none(key) else str(key) for key in keys]
    check_names(names, "DataFrame")  # before asking for a column: a repeated name would give several
    levels = [str(name) for name in getattr(getattr(frame, "index", None), "names", ()) if name is not None]
    if len(names) == 1 and levels:
        raise DataError(
            f"DataFrame: one column, {names[0]!r}, and the index {', '.join(levels)}, which is no column; give "
            "frame.reset_index()"
        )
    return Raw("DataFrame", names, [_of_series(frame[key]) for key in keys])


def _of_series(series: Any) -> Any:
    """A column of pandas or polars: categories and time zones are kept, periods are their first moments."""
    dtype: Any = getattr(series, "dtype", None)
    if type(dtype).__name__ == "CategoricalDtype" and dtype.categories.dtype.kind in "iufO":
        return Categories(series.tolist())
    if type(dtype).__name__ == "PeriodDtype":
        return (series.dt if hasattr(series, "dt") else series).to_timestamp().to_numpy()  # an index has no .dt
    if getattr(dtype, "time_zone", None) is not None:  # of polars, whose arrays lose it
        return series.to_list()
    return series.to_numpy()


def _from_pair(x: Any, y: Any) -> Raw:
    _check_labels(x, y)
    own_x, own_y = _names_of(x), _names_of(y)  # a frame keeps its names
    if own_x and is_frame(x):
        return _from_frames(_from_object(x), y, own_y)
    x, y = (matrix_of(v) for v in (x, y))
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise DataError(
            f"(X, y): expected (n, inputs) and (n,) or (n, outputs) with as many rows, got {x.shape}, {y.shape}"
        )
    if not x.shape[1] or not y.shape[1]:
        raise DataError(f"(X, y): {'X' if not x.shape[1] else 'y'} has no columns; got {x.shape}, {y.shape}")
    xs = own_x or numbered("x", x.shape[1], alone="x")
    ys = own_y or numbered("y", y.shape[1], alone="y")
    return Raw("(X, y)", xs + ys, [*x.T, *y.T], tuple(ys))


def _check_labels(x: Any, y: Any) -> None:
    """DataError where rows of pandas have the same labels in another order: taken by place, none would be its own."""
    mine: Any = getattr(x, "index", None)
    other: Any = getattr(y, "index", None)
    if mine is None or other is None or not (hasattr(mine, "isin") and hasattr(other, "isin")):
        return
    if len(mine) != len(other) or mine.equals(other):
        return
    if mine.is_unique and mine.isin(other).all() and other.is_unique:
        raise DataError(
            "(X, y): the rows of X and y have the same labels in another order, and rows are paired by their place; "
            "give y.loc[X.index], or arrays without labels, y.to_numpy(), if the places are right"
        )


def _from_frames(x: Raw, y: Any, own_y: list[str]) -> Raw:
    """Inputs whose columns keep their own types, and a target in any form."""
    columns = _from_object(y).columns if is_frame(y) else list(matrix_of(y).T)
    rows = {len(c) for c in (*x.columns, *columns)}
    if len(rows) > 1 or not columns:
        raise DataError(f"(X, y): expected as many rows in both, and a column in each; got {sorted(rows)} rows")
    ys = own_y or numbered("y", len(columns), alone="y")
    return Raw("(X, y)", [*x.names, *ys], [*x.columns, *columns], tuple(ys))


def is_frame(values: Any) -> bool:
    return not isinstance(values, np.ndarray) and (hasattr(values, "columns") or hasattr(values, "column_names"))


def matrix_of(values: Any) -> np.ndarray:
    """Values as rows and columns, masks kept. DataError when rows are of different lengths."""
    if is_frame(values):
        values = np.stack([np.asarray(column) for column in _from_object(values).columns], axis=1)
    array = _array(values.to_numpy() if hasattr(values, "to_numpy") else values, "(X, y)")
    return array[:, None] if array.ndim == 1 else array


def _array(values: Any, label: str) -> np.ndarray:
    """An array of whatever holds numbers: masks inside a list are kept, and whole numbers that are no float64."""
    values = detached(values)
    if isinstance(values, np.ndarray):
        return np.asarray(values) if isinstance(values, np.matrix) else values
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
    if is_frame(values):
        return ["" if is_none(c) else str(c) for c in getattr(values, "column_names", None) or values.columns]
    name = getattr(values, "name", None)
    return [name] if isinstance(name, str) and hasattr(values, "to_numpy") else []


# ---- files


def _from_npy(path: Path) -> Raw:
    declared = 0
    with suppress(*UNREADABLE):  # which is said where it is read
        declared = _declared_length(path.open("rb"))
    _check_length(path.name, declared, path.stat().st_size)
    array = _loaded(path)
    if array.dtype.names is None and array.ndim != 2:
        raise DataError(f"{path.name}: holds an array of shape {array.shape}; a table needs (n, columns)")
    return _from_object(array)._replace(label=path.name)


def _from_npz(path: Path) -> Raw:
    names: list[str] = []
    columns: list[Any] = []
    _check_archive(path, "npz")
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
    return Raw(path.name, names, columns)


def _check_archive(path: Path, kind: str) -> None:
    """DataError for an archive that would be larger than the memory, as a few bytes of zeros can say that they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            declared = [_declared_length(archive.open(m)) if kind == "npz" else 0 for m in members]
    except UNREADABLE:
        return  # which is said where it is read
    for member, length in zip(members, declared, strict=True):
        _check_length(f"{path.name}: array {member.filename!r}", length, member.file_size)
    check_memory(path.name, HELD[kind] * sum(m.file_size for m in members), "reading it", PART, error=DataError)


def _declared_length(file: Any) -> int:
    """The bytes that an array of NumPy says it holds."""
    with file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return int(math.prod(shape) * dtype.itemsize)


def _check_length(label: str, declared: int, size: int) -> None:
    """DataError where an array tells a shape that so many bytes cannot hold: its memory would be taken at once."""
    if declared > size:
        raise DataError(f"{label} says that it has {declared} bytes of numbers, and holds {size}; it is damaged")


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if "pickled" in str(error):  # NumPy's words, also of anything that is neither an archive nor an array
            raise DataError(
                f"{path.name}: not a readable NumPy file of numbers; pickled objects are not loaded, so write it with "
                "numpy.savez or numpy.save from arrays of numbers"
            ) from error
        raise DataError(f"{path.name}: not a readable NumPy file of numbers ({error})") from error


def _member(archive: Any, key: str, path: Path) -> np.ndarray:
    try:
        found = archive[key]
    except (ValueError, OSError, EOFError, zlib.error, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name}: array {key!r} cannot be read ({error})") from error
    if not isinstance(found, np.ndarray):  # another file in the archive, of which NumPy gives the bytes
        raise DataError(f"{path.name}: holds {key!r}, which is no array of NumPy; write the file with np.savez")
    return found


def pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError('Parquet files need pyarrow: pip install "surefit[table]"') from error
    return pyarrow, pyarrow.parquet


def arrow_part(name: str) -> Any:
    """A module of pyarrow: "csv", "dataset"."""
    pyarrow()
    return import_module(f"pyarrow.{name}")


def _from_parquet(path: Path) -> Raw:
    """Column by column: what pyarrow decodes in between, and keeps, is then that of one column."""
    arrow, parquet = pyarrow()
    try:
        with parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            about, names = file.metadata, list(file.schema_arrow.names)
            needed = HELD["parquet"] * 8 * about.num_rows * about.num_columns
            check_memory(path.name, needed, "reading it", PART, error=DataError)
            if len(set(names)) < len(names):
                columns = [_of_arrow(column) for column in file.read().columns]
            else:
                columns = [_of_parquet(arrow, file, field) for field in file.schema_arrow]
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path.name}: not a readable Parquet file ({error})") from error
    arrow.default_memory_pool().release_unused()
    return Raw(path.name, names, columns)


def _of_parquet(arrow: Any, file: Any, field: Any) -> Any:
    """A column of an open Parquet file, whose name is that of no other."""
    batches = file.iter_batches(DECODED, columns=[field.name], use_threads=False)
    if str(field.type) not in NUMBERS:
        return _of_arrow(arrow.chunked_array([batch.column(field.name) for batch in batches], field.type))
    out, at = np.empty(file.metadata.num_rows, NUMBERS[str(field.type)]), 0
    for batch in batches:
        part = batch.column(field.name)
        if part.null_count and out.dtype.kind != "f":
            return _of_arrow(file.read([field.name], use_threads=False).column(field.name))
        out[at : at + len(part)] = _numbers([part], out.dtype)
        at += len(part)
    return out


def _from_feather(path: Path) -> Raw:
    arrow, _ = pyarrow()
    check_memory(path.name, HELD["parquet"] * path.stat().st_size, "reading it", PART, error=DataError)
    try:
        data = arrow_part("feather").read_table(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name}: not a readable Feather file ({error})") from error
    names, columns = list(data.column_names), [_of_arrow(column) for column in data.columns]
    columns = [column.copy() if isinstance(column, np.ndarray) else column for column in columns]  # not views of it
    del data
    arrow.default_memory_pool().release_unused()
    return Raw(path.name, names, columns)


def _from_json(path: Path) -> Raw:
    """Rows that are objects, one a line or in a list; or columns by name; or names and rows, as pandas splits them."""
    check_memory(path.name, HELD["json"] * path.stat().st_size, "reading it", PART, error=DataError)
    try:
        text = path.read_text(encoding="utf-8-sig")
        data, lines = (json.loads(text), None) if path.suffix.lower() == ".json" else _json_lines(text, path.name)
    except DataError:
        raise
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path.name}: not readable as JSON ({error})") from error
    if isinstance(data, dict) and isinstance(data.get("columns"), list) and isinstance(data.get("data"), list):
        width = len(data["columns"])
        for i, row in enumerate(data["data"]):
            if not isinstance(row, list) or len(row) != width:
                raise DataError(f"{path.name}: row {i} is no list of {width} values, one for each of columns")
        data = [dict(zip(data["columns"], row, strict=True)) for row in data["data"]]
    if isinstance(data, dict) and isinstance(data.get("schema"), dict) and isinstance(data.get("data"), list):
        return _of_schema(data, path.name)
    if isinstance(data, dict):
        inner = [value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        data = inner[0] if len(inner) == 1 else data  # {"rows": [...]} beside other things
    if isinstance(data, dict) and _by_rows(data):
        data = list(data.values())
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        columns = _of_records(data, path.name, lines)
    elif isinstance(data, dict) and data and all(isinstance(value, list | dict) for value in data.values()):
        columns = Raw("", list(data), _columns_of_objects(data, path.name))
    else:
        raise DataError(
            f"{path.name}: holds no table; write a list of rows, [{{'x': 1, 'y': 2}}, ...], or columns by name"
        )
    return columns._replace(label=path.name, lines=lines)


def _of_schema(data: Mapping[str, Any], name: str) -> Raw:
    """The rows of what pandas writes with orient="table", without an index that only counts them."""
    rows = data["data"]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{name}: holds no table; its data are no rows such as {{'x': 1, 'y': 2}}")
    keys = data["schema"].get("primaryKey")
    if isinstance(keys, list) and len(keys) == 1 and [row.get(keys[0]) for row in rows] == list(range(len(rows))):
        rows = [{key: value for key, value in row.items() if key != keys[0]} for row in rows]
    return _of_records(rows, name)


def _by_rows(data: Mapping[str, Any]) -> bool:
    """Whether it is {"0": {"x": 1, "y": 2}, "1": ...}, rows by their labels, as pandas writes with orient="index"."""
    inner = list(data.values())
    if not inner or not all(isinstance(value, dict) and value for value in inner):
        return False
    return all(map(_is_label, data)) and not any(map(_is_label, inner[0]))


def _is_label(key: str) -> bool:
    """Whether a key counts rows."""
    return bool(re.fullmatch(r"-?[0-9]+", key))


def _json_lines(text: str, name: str) -> tuple[list[Any], list[int]]:
    """What stands in each line of JSON lines, and its number in the file. DataError names the line that is not JSON."""
    data, lines = [], []
    for number, line in enumerate(text.split("\n"), 1):  # a text may hold other marks that end a line elsewhere
        if line.strip():
            try:
                data.append(json.loads(line))
            except ValueError as error:
                said = f"{error.msg}: {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
                raise DataError(f"{name}: line {number} is not JSON ({said})") from error
            lines.append(number)
    return data, lines


def _columns_of_objects(data: Mapping[str, Any], name: str) -> list[list[Any]]:
    """The columns {"x": {"0": 1, "1": 2}, ...}, as pandas writes them, or lists; rows are paired by their labels."""
    first = next((value for value in data.values() if isinstance(value, dict)), {})
    for column, value in data.items():
        if isinstance(value, dict) and set(value) != set(first):
            raise DataError(
                f"{name}: column {column!r} has other row labels than the first; give each row in each column"
            )
    return [[value[key] for key in first] if isinstance(value, dict) else value for value in data.values()]


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError('Excel files need openpyxl: pip install "surefit[table]"') from error
    return openpyxl


def _from_excel(path: Path, names: Iterable[str] | None, sheet: Any = None, header: bool | None = None) -> Raw:
    """The cells of a sheet; lines are its rows, counted from 1."""
    import warnings

    openpyxl = _openpyxl()
    _check_archive(path, "excel")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about forms and colours, which say nothing of the numbers
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            sheets = {page.title: [list(row) for row in page.iter_rows(values_only=True)] for page in book.worksheets}
            book.close()
    except Exception as error:  # of zip, XML, or the library itself: it has no class for all
        raise DataError(f"{path.name}: not a readable Excel file ({error})") from error
    title, cells = _sheet(path.name, sheets, sheet)
    label = f"{path.name} [{title}]" if len(sheets) > 1 else path.name
    width = max((i + 1 for row in cells for i, cell in enumerate(row) if cell is not None), default=0)
    first = min((i for row in cells for i, cell in enumerate(row) if cell is not None), default=0)
    texts = [[_cell_text(cell) for cell in (row + [None] * width)[first:width]] for row in cells]
    rows = [Row(i, row) for i, row in enumerate(texts, start=1) if any(map(str.strip, row))]
    if not rows:
        raise DataError(f"{label}: the sheet is empty")
    if (kept := filled_columns(rows)) is not None:
        rows, width = [Row(row.line, [row.cells[i] for i in kept]) for row in rows], len(kept)
    own = rows[0].cells
    if header is None and len(rows) > 1 and width > 1 and sum(map(bool, own)) == 1 < sum(map(bool, rows[1].cells)):
        rows = rows[1:]  # a title above the table
        own = rows[0].cells
    if header is None:
        kinds = {isinstance(cell, str) for cell in cells[rows[0].line - 1] if cell is not None}
        if len(kinds) > 1:
            use = "surefit.data.read_table(path, header={})"
            raise DataError(
                f"{label}: line {rows[0].line} is partly texts and partly not; use "
                f"{spelled('header', 'True', use.format(True))} if it holds names, "
                f"{spelled('header', 'False', use.format(False))} if it is data"
            )
        header = kinds == {True}
    if header:
        return raw_of_rows(label, [name.strip() for name in own], rows[0].line, rows[1:], ".", names)
    return raw_of_rows(label, numbered("c", len(own)), 0, rows, ".", names)


def _sheet(label: str, sheets: dict[str, list[list[Any]]], wanted: Any) -> tuple[str, list[list[Any]]]:
    """The sheet of this name or number (from 0); without one the only sheet that holds something."""
    if wanted is not None:
        titles = list(sheets)
        if isinstance(wanted, str) and wanted not in sheets and wanted.strip().isdigit():
            wanted = int(wanted)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(titles):
            wanted = titles[wanted]
        if not isinstance(wanted, str) or wanted not in sheets:
            raise DataError(f"sheet: {label} has no sheet {wanted!r}; it has {', '.join(titles)}")
        return wanted, sheets[wanted]
    filled = [title for title, cells in sheets.items() if any(c is not None for row in cells for c in row)]
    if len(filled) > 1:
        example = spelled("sheet", repr(filled[0]))
        raise DataError(f"{label}: has several sheets, {', '.join(filled)}; name one, such as {example}")
    title = filled[0] if filled else next(iter(sheets), "")
    return title, sheets.get(title, [])


def _cell_text(cell: Any) -> str:
    """A cell as the text of a CSV file: numbers so that they read back the same."""
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.timedelta):
        return repr(cell.total_seconds())
    return cell.isoformat() if isinstance(cell, datetime.date | datetime.time) else str(cell)


# ---- names of files


def is_table_path(text: str) -> bool:
    """Whether a text names a table rather than a formula: by its ending, also of a file of others, or as a file.

    A folder is a table if there are Parquet files in it, or if the text can only be a path.

    >>> is_table_path("data.pq"), is_table_path("sheet.xlsx"), is_table_path("sin(x)")
    (True, True, False)
    """
    if not text.strip():
        return False  # its path would be the folder one works in
    ending = Path(text.strip()).suffix.lower()
    if ending in SUFFIXES or ending in FOREIGN or ending in PACKED:
        return True
    try:
        if Path(text).is_dir():
            return text.strip().startswith(("/", ".")) or text.endswith(("/", "\\")) or bool(parquet_files(Path(text)))
        return ending != "" and (Path(text).is_file() or _only_a_path(text.strip()))
    except (OSError, ValueError):  # a formula too long for a name of a file
        return False


def _only_a_path(text: str) -> bool:
    """Whether a text that is no file can be no formula either, where a point stands in numbers alone: `runs.cvs`."""
    ending = Path(text).suffix[1:]
    return (
        bool(re.fullmatch("[A-Za-z][A-Za-z0-9]{0,6}", ending))
        and not re.fullmatch("[eE][0-9]+", ending)  # 2.e5
        and not set(text) & set("()[]{}*^+=<>|&,;\0")
        and bool(difflib.get_close_matches("." + ending.lower(), SUFFIXES, 1, 0.7))
        and Path(text).stem not in ("math", "np", "numpy", "torch", "surefit")  # np.pi, on which the parser has a word
    )


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and in folders below it, by name; none that is hidden or begins with `_`."""
    found: list[Path] = []
    for place, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if not name.startswith((".", "_"))]
        seen = (name for name in names if not name.startswith((".", "_")))
        found.extend(Path(place, name) for name in seen if name.lower().endswith((".parquet", ".pq")))
    return sorted(found)


def kind_of(path: Path) -> str:
    """Which kind of table a file holds, by its ending. DataError for one that is none of these."""
    suffixes = [s.lower() for s in path.suffixes]
    packing = suffixes[-1] if suffixes and suffixes[-1] in PACKED else ""
    last = suffixes[-2] if len(suffixes) > 1 and packing else (suffixes or [""])[-1]
    last = ".csv" if packing == ".zip" and len(suffixes) == 1 else last
    if last not in SUFFIXES or (packing and SUFFIXES[last] != "csv"):
        packed = last in SUFFIXES or last in (*PACKED, ".zst", ".tar", ".tgz", ".7z")
        hint = "; unpack it first" if packed else ""
        hint = "; save it as .xlsx or CSV" if last in (".xls", ".xlsb", ".ods", ".md", ".html") else hint
        hint = hint or (f"; read it with {READERS[last]}" if last in READERS else "")
        hint = hint or ("; read it with pandas, and give the DataFrame" if last in FOREIGN else "")
        if not hint and path.suffix:
            regular_file(path)  # a name that was mistyped
        raise DataError(f"table: cannot read {path.name!r}; expected one of {', '.join(SUFFIXES)}{hint}")
    return SUFFIXES[last]


__all__ = [
    "arrow_part",
    "called",
    "is_frame",
    "is_pair",
    "is_table_path",
    "kind_of",
    "matrix_of",
    "parquet_files",
    "pyarrow",
    "raw_of",
]
