"""Tables in parts, so that all of one is never in memory: Parquet files and folders, CSV files, partitions of Dask.

A part is a `Raw` of some ten thousand rows. Parts come in one order, or in one that is shuffled, each with the number
of its first row, and `Batches.map` applies a function to each of them, on the cores of this machine or where Dask keeps
its partitions.
"""

from __future__ import annotations

import gzip
import io
import os
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import near
from surefit.data.columns import NUMBER, Raw
from surefit.data.csv_text import Text, TextColumn, csv_columns, csv_rows
from surefit.data.sources import BUFFER, arrow_part, kind_of, parquet_files, pyarrow, raw_of
from surefit.data.table import Table, read_table
from surefit.errors import DataError
from surefit.files import regular_file
from surefit.spelling import spelled

BLOCK = 2**16  # rows of a part at least, if there are so many
HEAD = 2**20  # bytes of a text that tell how it is written
READ = 2**24  # bytes of a text at a time
LONGEST = 2**28  # bytes of a line
AT_ONCE, COLUMNS = 4, 64  # pieces of a Parquet file that are read in turn, and columns of all of them, at most
PARSED = 2**22  # bytes of a text that one core parses
LARGE = 2**25  # numbers (rows times columns) of a file, from which on it is read in parts
TEXT_NUMBER = 8  # bytes of a number in a text, about
WAITING = 2  # parts that are read before they are needed, beside one for each core


class Batches:
    """A table in parts. label: what errors call it. rows: how many there are, None if that is not known beforehand."""

    label: str
    rows: int | None = None
    reading: Mapping[str, Any] | None = None  # arguments of `read_table`, where they came with the table

    def parts(self, columns: list[str] | None = None) -> Iterator[Raw]:
        """The parts in order, with these columns (None: all)."""
        raise NotImplementedError

    def shuffled(self, columns: list[str] | None, rng: np.random.Generator) -> Iterator[tuple[int, Raw]]:
        """All parts once, in an order that `rng` draws, each with the number of its first row.

        In their own order where a source can be read from its beginning to its end alone.
        """
        return _numbered(self.parts(columns))

    def check_columns(self, needed: Collection[str], every: bool) -> None:
        """DataError where a file of several lacks one of these columns; every: or has one that the first one lacks."""

    def map(
        self, f: Callable[[int, Any], Any], columns: list[str] | None = None, rng: np.random.Generator | None = None
    ) -> Generator[Any]:
        """f(number of first row, part) for each part, in order or shuffled by `rng`; computed ahead on all cores."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(cores) as pool:
            try:
                for start, part in _numbered(self.parts(columns)) if rng is None else self.shuffled(columns, rng):
                    waiting.append(pool.submit(f, start, part))
                    if len(waiting) >= cores + WAITING:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


class ParquetBatches(Batches):
    """A Parquet file, or all that are in a folder and in folders below it."""

    def __init__(self, path: Path) -> None:
        self.path, self.label = path, path.name or path.resolve().name
        self.rows = self._of_dataset(lambda data: data.count_rows())

    def _of_dataset(self, ask: Callable[[Any], Any]) -> Any:
        arrow, _ = pyarrow()
        options: dict[str, Any] = {"format": "parquet", "partitioning": "hive"}
        source: Any = str(self.path)
        if self.path.is_dir():  # its Parquet files by name: what else lies there (notes, checksums) is not read
            source = [str(file) for file in parquet_files(self.path)]
            options["partition_base_dir"] = str(self.path)
        try:
            return ask(arrow_part("dataset").dataset(source, **options))
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{self.label}: not a readable Parquet dataset ({str(error)[:300]})") from error

    def check_columns(self, needed: Collection[str], every: bool) -> None:
        """See `Batches`. Without it a column that one file lacks would be missing values, or never be seen."""
        known: set[str] | None = None
        for path, own in self._of_dataset(_columns_of_files):
            known = own if known is None else known
            lacking, more = [name for name in needed if name not in own], sorted(own - known) if every else []
            name = os.path.relpath(path, self.path) if self.path.is_dir() else self.label
            if lacking:
                raise DataError(
                    f"{self.label}: {name} has no column {lacking[0]!r}{near(lacking[0], sorted(own))}, which other "
                    "files have; add it there, leave the file out, or name the inputs that all of them have, "
                    f"{spelled('columns', '[...]')}"
                )
            if more:
                raise DataError(
                    f"{self.label}: {name} has a column {more[0]!r}, which the first file lacks; add it there, or name "
                    f"the inputs that all of them have, {spelled('columns', '[...]')}"
                )

    def parts(self, columns: list[str] | None = None) -> Iterator[Raw]:
        """See `Batches`."""
        for _, piece in self._of_dataset(_pieces):
            yield from self._read(piece, columns)

    def shuffled(self, columns: list[str] | None, rng: np.random.Generator) -> Iterator[tuple[int, Raw]]:
        """See `Batches`: row groups, of small ones several together, are shuffled, and some read in turn."""
        pieces = self._of_dataset(_pieces)
        waiting = deque(rng.permutation(len(pieces)).tolist())
        at_once = max(1, min(AT_ONCE, COLUMNS // len(columns))) if columns else 1
        being_read: deque[Iterator[tuple[int, Raw]]] = deque()
        while waiting or being_read:
            if waiting and len(being_read) < at_once:
                start, piece = pieces[waiting.popleft()]
                being_read.append(_numbered(self._read(piece, columns), start))
                continue
            part = next(being_read[0], None)
            if part is None:
                being_read.popleft()
            else:
                being_read.rotate(-1)
                yield part

    def _read(self, piece: Piece, columns: list[str] | None) -> Iterator[Raw]:
        """The parts of some row groups."""
        arrow, _ = pyarrow()
        try:
            yield from _gathered(piece.batches(columns), self.label, arrow, raw_of)
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{self.label}: cannot be read to its end ({str(error)[:300]})") from error


@dataclass(frozen=True)
class Piece:
    """Row groups of a file of a dataset. schema: of the dataset."""

    fragment: Any
    groups: list[int]
    schema: Any

    def batches(self, columns: list[str] | None) -> Iterator[Any]:
        """Record batches of at most BLOCK rows; what was decoded of a row group is no more than that."""
        arrow, parquet = pyarrow()
        names = self.schema.names if columns is None else columns
        dataset = arrow_part("dataset")
        keys = dataset.get_partition_keys(self.fragment.partition_expression)
        own, there = [name for name in names if name not in keys], self.fragment.physical_schema
        alike = all(name in there.names and there.field(name).type == self.schema.field(name).type for name in own)
        if not (alike and own):  # to be brought to the columns of the dataset
            subset = self.fragment.subset(row_group_ids=self.groups)
            yield from subset.scanner(schema=self.schema, columns=columns, batch_size=BLOCK).to_batches()
            return
        with parquet.ParquetFile(self.fragment.path, buffer_size=BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(BLOCK, row_groups=self.groups, columns=own):
                table = arrow.Table.from_batches([batch])
                for name in names:
                    if name in keys:
                        value = arrow.scalar(keys[name], self.schema.field(name).type)
                        table = table.append_column(name, arrow.repeat(value, len(batch)))
                yield from table.select(names).to_batches()


def _columns_of_files(data: Any) -> list[tuple[str, set[str]]]:
    """The path of each file of a dataset and the names of its columns, those of its folders too."""
    keys = arrow_part("dataset").get_partition_keys
    return [(one.path, {*one.physical_schema.names, *keys(one.partition_expression)}) for one in data.get_fragments()]


def _pieces(data: Any) -> list[tuple[int, Piece]]:
    """Row groups of the files of a dataset, of small ones as many as have BLOCK rows, with the number of the first."""
    start, found = 0, []
    for fragment in data.get_fragments():
        groups: list[int] = []
        rows = 0
        for group in fragment.row_groups:
            groups.append(group.id)
            rows += group.num_rows
            if rows >= BLOCK:
                found.append((start, Piece(fragment, groups, data.schema)))
                groups, start, rows = [], start + rows, 0
        if rows:
            found.append((start, Piece(fragment, groups, data.schema)))
        start += rows
    return found


class TextBatches(Batches):
    """A delimited text file; its beginning shows how it is written."""

    def __init__(
        self, path: Path, decimal: str | None = None, delimiter: str | None = None, header: bool | None = None,
        encoding: str | None = None,
    ) -> None:  # fmt: skip
        self.path, self.label, self.decimal = path, path.name, decimal or "."
        if encoding is not None and encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig", "ascii"):
            raise self._refused(f"its encoding is {encoding}, not utf-8")
        try:
            with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
                data = file.read(HEAD)
        except (OSError, EOFError) as error:
            raise DataError(f"{self.label}: cannot be read ({error})") from error
        self.cut = path.suffix.lower() != ".gz" and b"\n" in data  # whether it can be read from the middle
        self.places: list[tuple[int, int, int]] = []  # of each part: first byte, bytes, first row; once all was read
        if len(data) == HEAD:
            data = data[: data.rfind(b"\n") + 1]
        text = Text(data.removeprefix(b"\xef\xbb\xbf"), "utf-8", self.label)
        self.delimiter = csv_rows(text, delimiter, self.decimal, header)[0]
        if self.delimiter in " ，；" or text.separator() is not None:
            raise self._refused(f"its cells are separated by {self.delimiter!r}")
        raw = csv_columns(text, self.delimiter, self.decimal, header)
        assert raw.lines is not None
        self.names, self.skipped = raw.names, int(raw.lines[0]) - 1
        kinds = [column.column(name, raw).kind for name, column in zip(raw.names, raw.columns, strict=True)]
        self.numbers = {name for name, kind in zip(raw.names, kinds, strict=True) if kind == NUMBER}

    def _refused(self, why: str) -> DataError:
        return DataError(
            f"{self.label}: cannot be read in parts, because {why}; write it as Parquet, or read all at once with "
            + spelled("stream", "False", "data=Sampling(stream=False)")
        )

    def parts(self, columns: list[str] | None = None) -> Iterator[Raw]:
        """See `Batches`."""
        if not self.cut:
            yield from self._parsed(lambda csv, **options: csv.open_csv(str(self.path), **options), columns, READ)
            return
        places, row = [], 0
        for first, size in self._pieces():
            for part in self._piece(first, size, columns):
                places.append((first, size, row))
                row += len(part.columns[0])
                yield part
        self.places = places

    def shuffled(self, columns: list[str] | None, rng: np.random.Generator) -> Iterator[tuple[int, Raw]]:
        """See `Batches`; a compressed text has its own order."""
        if not self.cut:
            yield from super().shuffled(columns, rng)
            return
        if not self.places:
            for _ in self.parts(columns):
                pass
        for i in rng.permutation(len(self.places)):
            first, size, row = self.places[i]
            yield from _numbered(self._piece(first, size, columns), row)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """First byte and length of pieces of whole lines, READ bytes long or as long as a line."""
        first, size, end = 0, READ, self.path.stat().st_size
        with self.path.open("rb") as file:
            while first < end:
                file.seek(first)
                length = size if first + size >= end else file.read(size).rfind(b"\n") + 1
                if length:
                    yield first, length
                    first, size = first + length, READ
                elif size < LONGEST:
                    size *= 2
                else:
                    raise self._refused(f"it has a line of more than {LONGEST >> 20} MiB")

    def _piece(self, first: int, size: int, columns: list[str] | None) -> Iterator[Raw]:
        """One of them as a part; none of blank lines alone."""
        with self.path.open("rb") as file:
            file.seek(first)
            text = file.read(size)
        if not text.isspace():
            yield from self._parsed(
                lambda csv, **options: csv.read_csv(io.BytesIO(text), **options).to_batches(), columns, PARSED,
                0 if first else self.skipped, whole=True,
            )  # fmt: skip

    def _parsed(
        self, read: Callable[..., Any], columns: list[str] | None, block: int, skip: int | None = None,
        whole: bool = False,
    ) -> Iterator[Raw]:  # fmt: skip
        """What pyarrow reads, as parts; whole: as one."""
        arrow, _ = pyarrow()
        csv = arrow_part("csv")
        kinds = {name: arrow.float64() if name in self.numbers else arrow.string() for name in self.names}
        options = dict(
            read_options=csv.ReadOptions(
                column_names=self.names, skip_rows=self.skipped if skip is None else skip, block_size=block
            ),
            parse_options=csv.ParseOptions(delimiter=self.delimiter),
            convert_options=csv.ConvertOptions(
                column_types=kinds, include_columns=columns, decimal_point=self.decimal,
                null_values=["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?"], strings_can_be_null=True,
            ),
        )  # fmt: skip
        try:
            yield from _gathered(read(csv, **options), self.label, arrow, self._raw, whole)
        except (arrow.ArrowException, OSError) as error:
            raise self._refused(f"pyarrow says: {str(error)[:300]}") from error

    def _raw(self, table: Any) -> Raw:
        """Columns of numbers as arrays; others as the texts of a CSV file are read elsewhere."""
        columns: list[Any] = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if name in self.numbers:
                columns.append(column.to_numpy())
            else:
                columns.append(cells := TextColumn(self.decimal))
                for cell in column.to_pylist():
                    cells.add("" if cell is None else cell)
        return Raw(self.label, list(table.column_names), columns)


class DaskBatches(Batches):
    """A DataFrame of Dask: functions run where its partitions are, and only what they return comes here."""

    def __init__(self, frame: Any) -> None:
        import dask

        self.frame, self.label = frame, "DataFrame"
        self.lengths = [int(n) for n in dask.compute(*map(dask.delayed(len), frame.to_delayed()))]
        self.rows = sum(self.lengths)

    def _delayed(self, columns: list[str] | None) -> list[Any]:
        chosen = self.frame if columns is None else self.frame[columns]
        parts = chosen.to_delayed()
        return [part for part, rows in zip(parts, self.lengths, strict=True) if rows]

    def parts(self, columns: list[str] | None = None) -> Iterator[Raw]:
        """See `Batches`."""
        for part in self._delayed(columns):
            yield raw_of(part.compute())

    def map(
        self, f: Callable[[int, Any], Any], columns: list[str] | None = None, rng: np.random.Generator | None = None
    ) -> Generator[Any]:
        """See `Batches`; as many partitions at a time as this machine has cores, thrice."""
        import dask

        starts = accumulate((n for n in self.lengths if n), initial=0)
        parts = list(zip(starts, self._delayed(columns), strict=False))
        order = range(len(parts)) if rng is None else rng.permutation(len(parts))
        call = dask.delayed(f)
        tasks = (call(*parts[i]) for i in order)
        while wave := list(islice(tasks, 3 * (os.cpu_count() or 1))):
            yield from dask.compute(*wave)


class TableBatches(Batches):
    """A table that is in memory."""

    def __init__(self, table: Table) -> None:
        self.table, self.label, self.rows = table, "table", len(table)

    def parts(self, columns: list[str] | None = None) -> Iterator[Raw]:
        """See `Batches`."""
        return (self._part(low) for low in range(0, len(self.table), BLOCK))

    def shuffled(self, columns: list[str] | None, rng: np.random.Generator) -> Iterator[tuple[int, Raw]]:
        """See `Batches`."""
        return ((int(i) * BLOCK, self._part(int(i) * BLOCK)) for i in rng.permutation(-(-len(self.table) // BLOCK)))

    def _part(self, low: int) -> Raw:
        whole = self.table
        values = whole.values[low : low + BLOCK]
        return Raw(self.label, list(whole.names), list(values.T), whole.targets, coding=whole.coding)


def batches_of(source: Any, stream: bool | None, reading: Mapping[str, Any]) -> Batches | None:
    """The parts of a table that is to be read in parts; None: of one that is not.

    Folders and partitions of Dask always are, files where they hold more than LARGE numbers or `stream` is True, and
    all else where `stream` is True. reading: arguments of `read_table`.
    """
    if isinstance(source, Batches):
        return source
    if hasattr(source, "to_delayed") and hasattr(source, "npartitions"):
        return DaskBatches(source)
    if isinstance(source, str | os.PathLike) and stream is not False:
        path = Path(source)
        if path.is_dir():
            if not parquet_files(path):
                raise DataError(f"{path.name or path}: a directory without Parquet files; give one of its files")
            return ParquetBatches(path)
        kind, sure = kind_of(path), bool(stream)
        if kind == "parquet":
            regular_file(path)
            if sure or numbers_of_parquet(path) > LARGE:
                return ParquetBatches(path)
        elif kind == "csv":
            size = regular_file(path).stat().st_size * (4 if path.suffix.lower() == ".gz" else 1)
            if sure or size > TEXT_NUMBER * LARGE:
                return TextBatches(path, *(reading.get(key) for key in ("decimal", "delimiter", "header", "encoding")))
    if not stream:
        return None
    return TableBatches(source if isinstance(source, Table) else read_table(source, **reading))


def numbers_of_parquet(path: Path) -> int:
    """Rows times columns of a Parquet file; 0 where that cannot be told."""
    arrow, parquet = pyarrow()
    try:
        about = parquet.read_metadata(path)
    except (arrow.ArrowException, OSError):
        return 0  # whoever reads it says what is wrong
    return about.num_rows * about.num_columns


def _numbered(parts: Iterator[Raw], start: int = 0) -> Iterator[tuple[int, Raw]]:
    """Parts that follow one another, each with the number of its first row."""
    for part in parts:
        yield start, part
        start += len(part.columns[0])


def _gathered(batches: Any, label: str, arrow: Any, raw: Callable[[Any], Raw], whole: bool = False) -> Iterator[Raw]:
    """Record batches as parts of at least BLOCK rows; whole: as one part."""
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        if not whole and sum(len(b) for b in waiting) >= BLOCK:
            yield raw(arrow.Table.from_batches(waiting))._replace(label=label)
            waiting = []
    if waiting and sum(len(b) for b in waiting):
        yield raw(arrow.Table.from_batches(waiting))._replace(label=label)


__all__ = ["BLOCK", "LARGE", "Batches", "batches_of"]
