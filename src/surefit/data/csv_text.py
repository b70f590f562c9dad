"""Delimited text: bytes to rows of cells, rows to columns of one kind; every error says line and column."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import os
import re
import unicodedata
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.checking import memory_limit
from surefit.data.columns import (
    LOOKED,
    MISSING,
    NUMBER,
    WORDS,
    Categories,
    Column,
    Raw,
    are_codes,
    is_coarse,
    not_a_number,
    of_cells,
    refuse_lost,
    refuse_rounded,
    typed,
    word_of,
)
from surefit.errors import DataError
from surefit.files import regular_file
from surefit.spelling import cure, spelled

LONGEST_LINE = 1 << 26  # bytes; a hundred thousand columns have 2 MB
HELD = 4  # bytes in memory for each byte of a text while it is read, at least
DIGITS = 16  # of a number in a text: with fewer, numbers that differ stay different
SEEN = 50  # rows by which the delimiter is found
WIDE = {"，": ",", "；": ";"}  # delimiters of a Chinese keyboard, alone or beside those of ASCII
DELIMITERS = ("\t", ";", "|", ",", "，", "；", " ")  # in a draw the first: a decimal comma cuts evenly too
_ERROR = re.compile(r"\s*#(n/?a|div/0!|num!|value!|ref!|null!|name\?)(?![^\s,;|])", re.IGNORECASE)  # of spreadsheets
# What the packings raise of a damaged file; zipfile says NotImplementedError of a compression that it does not know.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
SIGNS = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "D": "E", "d": "e"})  # 1.0D+03 is Fortran's


class Row(NamedTuple):
    """One record of a CSV file: the line it starts on, counted from 1, and its cells."""

    line: int
    cells: list[str]


class Text(NamedTuple):
    """A delimited text: its bytes, encoding and name. `lines` may be asked for several times.

    Remarks begin with #, % or //.
    """

    data: bytes
    encoding: str
    label: str
    remarks: bool = True  # whether they are left out
    above: int = 0  # lines of titles over the table, which are left out too

    def lines(self) -> Iterator[str]:
        """Its lines with their ends; remarks, and the line sep=; of Excel, as empty ones."""
        stream = io.TextIOWrapper(io.BytesIO(self.data), encoding=self.encoding, newline="")
        try:
            for number, line in enumerate(stream):
                title = number < self.above
                if self.remarks and (title or _is_remark(line) or (number == 0 and _separator(line))):
                    line = "\n"
                yield line
        except UnicodeDecodeError as error:
            raise self._not_text(error) from error

    def _not_text(self, error: UnicodeDecodeError) -> DataError:
        start = error.start
        try:
            self.data.decode(self.encoding)
        except UnicodeDecodeError as whole:  # the other one counts from the block it was found in
            start = whole.start
        line = self.data.count(b"\n", 0, start) + 1
        return DataError(
            f"{self.label}: line {line} is not {self.encoding} text (byte {self.data[start]:#04x}); "
            f"name its encoding, such as {_encoding('gbk')} or {_encoding('latin-1')}"
        )

    def separator(self) -> str | None:
        """The delimiter that a first line such as sep=; names."""
        first = next(iter(self._replace(remarks=False).lines()), "")
        return _separator(first)


def _is_remark(line: str) -> bool:
    """Whether a line is one for readers; #N/A, with which a row of a spreadsheet may begin, is none."""
    return line.lstrip().startswith(("#", "%", "//")) and not _ERROR.match(line)


def _separator(line: str) -> str | None:
    match = re.fullmatch(r"\"?sep=([^\r\n])\"?\s*", line)
    return None if match is None else match[1]


def _encoding(name: str) -> str:
    return spelled("encoding", repr(name), f"surefit.data.read_table(path, encoding={name!r})")


def read_rows(source: str | os.PathLike[str], delimiter: str = ",", encoding: str = "utf-8") -> list[Row]:
    """The records of a delimited text file as strings, as RFC 4180 has them; empty lines are left out.

    Quotes may hold delimiters, doubled quotes and line ends (kept as they are); lines end in LF, CRLF or CR;
    a byte order mark is removed; ``.gz`` is unpacked. A blank as delimiter stands for any run of blanks.

    Raises:
        DataError: the file is missing, not text of this encoding, or a quote is never closed.
    """
    return list(_rows(text_of(Path(source), encoding)._replace(remarks=False), delimiter, blank=True))


def csv_rows(
    text: Text, delimiter: str | None, decimal: str, header: bool | None
) -> tuple[str, list[str], int, Iterator[Row]]:
    """The delimiter of a text, the names over its columns, the line they stand on, and its rows.

    DataError where the text is empty, or nothing tells whether its first row holds names.
    """
    if decimal not in (".", ","):
        raise DataError(f"decimal: expected '.' or ',', got {decimal!r}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or delimiter == decimal):
        raise DataError(f"delimiter: expected one character other than a quote and the decimal mark, got {delimiter!r}")
    mark = delimiter or text.separator() or _found_delimiter(text, decimal)
    if header is None:
        text, mark = _below_titles(text, mark, decimal, delimiter is None and text.separator() is None)
    rows, kept = _rows(text, mark), filled_columns(_rows(text, mark))
    if kept is not None:
        rows = (row._replace(cells=[row.cells[i] for i in kept]) for row in rows)
    first = next(rows, None)
    if first is None and any(line.strip("\r\n") for line in text.lines()):
        raise _blank(text.label)
    if first is None:
        raise DataError(f"{text.label}: the file is empty")
    if header is None:
        header = _is_header(first, decimal, text.label)
    if header:
        return mark, [re.sub(r"\s*[\r\n]+\s*", " ", cell.strip()) for cell in first.cells], first.line, rows
    names = _names_above(text, first, mark, decimal) or numbered("c", len(first.cells))
    return mark, names, 0, itertools.chain([first], rows)


def csv_columns(
    text: Text, delimiter: str | None = None, decimal: str = ".", header: bool | None = None,
    names: Iterable[str] | None = None,
) -> Raw:  # fmt: skip
    """The columns of a delimited text; the arguments are those of `read_csv`."""
    mark, own, line, rows = csv_rows(text, delimiter, decimal, header)
    raw = raw_of_rows(text.label, own, line, rows, decimal, names)
    if header is None and line == 0:
        _check_years(raw)
    for name, column in zip(raw.names, raw.columns, strict=True):
        floats = np.frombuffer(column.floats, np.float64)
        if column.long and (is_coarse(floats) or len(np.unique(floats)) < len(floats)):
            place = raw.names.index(name) if raw.names.count(name) == 1 else None
            body = csv_rows(text, mark, decimal, line > 0)[3]
            column.check_digits(name, () if place is None else (row.cells[place] for row in body), raw.label)
    return raw


def raw_of_rows(
    label: str, own: list[str], line: int, rows: Iterable[Row], decimal: str, names: Iterable[str] | None
) -> Raw:
    """The columns of rows of texts with these names over them, which stand on a line (0: nowhere)."""
    if names is not None:
        own = _given_names(list(as_names(names)), own, line, label)
    columns = [TextColumn(decimal) for _ in own]
    lines = array("q")
    width = len(own)
    rows = iter(rows)
    for row in rows:
        if len(row.cells) != width:
            below = next(rows, row) if line and not lines else None
            if below is not None and len(below.cells) == len(row.cells) > width:
                raise DataError(
                    f"{label}: line {line} has {width} cells ({', '.join(own)}), and line {row.line} below it has "
                    f"{len(row.cells)}; complete it where it holds names, and begin it with # where it is a title"
                )
            raise DataError(
                f"{label}: line {row.line} has {len(row.cells)} cells, expected {width} ({', '.join(own)}); complete "
                "or remove it, and begin lines that are no data with #"
            )
        lines.append(row.line)
        for column, cell in zip(columns, row.cells, strict=True):
            column.add(cell)
    if not lines:
        if not any(name.strip(" \t\0\ufeff") for name in own):
            raise _blank(label)
        raise DataError(f"{label}: only a header, no rows")
    return Raw(label, own, columns, None, lines, line)


def _blank(label: str) -> DataError:
    return DataError(f"{label}: holds no text, only blanks or zero bytes; it may be cut off or damaged")


class TextColumn:
    """The cells of one column: those that are numbers as such, the others beside them."""

    __slots__ = ("decimal", "floats", "long", "odd", "words")

    def __init__(self, decimal: str) -> None:
        self.decimal = decimal
        self.floats = array("d")
        self.odd: dict[int, str] = {}  # row -> a cell that is not a number
        self.words: dict[str, str] = {}  # each text once
        self.long = False  # whether a cell may be more exact than float64

    def __len__(self) -> int:
        return len(self.floats)

    def add(self, cell: str) -> None:
        """One more cell."""
        try:
            number = float(cell)
            plain = number - number == 0.0 and "_" not in cell and self.decimal == "."
        except ValueError:
            plain = False
        if not plain:
            try:
                number = _to_float(cell, self.decimal)
            except ValueError:
                self.odd[len(self.floats)] = self.words.setdefault(cell, cell)
                number = np.nan
        self.floats.append(number)
        if len(cell) >= DIGITS and number == number:
            self.long = True

    def column(self, name: str, raw: Raw) -> Column:
        """As a column of one kind. DataError where some are numbers and others are not."""
        if len(self.odd) < len(self.floats) or not self.odd:
            if self.odd and are_codes(Counter(text for text in self.texts() if text is not None)):
                return typed(Categories(self.texts()), name, raw)
            for i, cell in self.odd.items():
                if cell.strip().lower() not in MISSING:
                    raise not_a_number(raw, i, name, cell, self.decimal)
            return Column(NUMBER, np.frombuffer(self.floats, np.float64))
        return of_cells(list(self.odd.values()), name, raw, self.decimal)

    def texts(self) -> list[str | None]:
        """The cells as texts: 3 of a number that was written 3.0; None where one is missing."""
        found: list[str | None] = [word_of(number) for number in self.floats]
        for i, cell in self.odd.items():
            word = cell.strip()
            found[i] = word if word.lower() not in MISSING or word.lower() in WORDS else None
        return found

    def check_digits(self, name: str, cells: Iterable[str], label: str) -> None:
        """DataError where texts of different numbers are one float64 each, and not by noise in their last digits."""
        floats, times = np.unique(self.floats, return_counts=True)
        twice = set(floats[times > 1].tolist())
        exact: dict[float, set[Decimal]] = {}
        seen: set[str] = set()
        count, far = 0, Decimal(0)
        for cell, number in zip(cells, self.floats, strict=False):
            if len(cell) >= DIGITS and number == number:
                count += 1
                if count <= LOOKED:
                    far = max(far, abs(Decimal(_plain(cell, self.decimal)) - Decimal(number)))
                if number in twice and cell not in seen:
                    seen.add(cell)
                    exact.setdefault(number, set()).add(Decimal(_plain(cell, self.decimal)))
        lost = sum(len(values) - 1 for values in exact.values())
        if lost * 10 > count:  # a table of noise printed with twenty digits loses a few by chance
            refuse_lost(lost, "numbers", np.array(self.floats), name, label)
        refuse_rounded(float(far), "numbers", np.array(self.floats), name, label)


def text_of(source: Any, encoding: str = "utf-8") -> Text:
    """The text of a path, or of a stream of bytes or text. DataError where it cannot be read."""
    if hasattr(source, "read"):
        label = getattr(source, "name", "text")
        label = "standard input" if label in ("<stdin>", 0) else os.path.basename(str(label))
        data = _bounded(source, label)
    else:
        label = regular_file(source).name
        try:
            with _unpacked(source) as file:
                data = _bounded(file, label)
        except DAMAGED as error:
            raise DataError(f"{label}: cannot be read ({error})") from error
    if wide := _wide_encoding(data[:4096]):
        return Text(data, wide, label)
    if (kind := next((kind for start, kind in _OTHERS.items() if data.startswith(start)), None)) is not None:
        raise DataError(f"{label}: this is {kind}, not a text; give it the ending of its kind")
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise DataError(f"encoding: {encoding!r} is unknown; try utf-8, gbk or latin-1") from error
    return Text(data.removeprefix(codecs.BOM_UTF8), encoding, label)


def _unpacked(path: Path) -> Any:
    """A file opened for reading, unpacked where its ending says that it is packed; of a zip the one file in it."""
    ending = path.suffix.lower()
    if ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
            if len(names) != 1:
                raise DataError(f"{path.name}: holds {len(names)} files, and one is read; unpack it first")
            return archive.open(names[0])
    readers: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return readers[ending](path) if ending in readers else path.open("rb")


_OTHERS = {
    b"PK\x03\x04": "an Excel or zip file",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy file",
    b"\x89PNG": "a picture",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"ARROW1": "a Feather file",
    b"SQLite format 3": "a database",
}  # by their first bytes


def _wide_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32, by a byte order mark or by the zeros that it puts between letters of ASCII."""
    for mark, encoding in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
        if start.startswith(mark):
            return encoding
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if len(start) < 4 or max(even, odd) < 0.3 * len(start) / 2 or min(even, odd) > 0:
        return None
    return "utf-16-le" if odd else "utf-16-be"


def _bounded(file: Any, label: str) -> bytes:
    """All bytes of a file. DataError as soon as a line is too long to be one of a table, or all for the memory."""
    parts: list[bytes] = []
    line = size = 0
    most = memory_limit() / HELD
    while part := file.read(1 << 20):
        part = part.encode() if isinstance(part, str) else part
        end = max(part.rfind(b"\n"), part.rfind(b"\r"))
        line = line + len(part) if end < 0 else len(part) - end
        if line > LONGEST_LINE:
            raise DataError(
                f"{label}: a line is longer than {LONGEST_LINE >> 20} MiB; a table has one line for each row"
            )
        parts.append(part)
        size += len(part)
        if size > most:
            raise DataError(f"{label}: it does not fit into the memory here; give a part of its rows")
    return b"".join(parts)


def _rows(text: Text, delimiter: str, blank: bool = False) -> Iterator[Row]:
    """The records of a text, without empty lines, and without those that hold delimiters alone unless `blank`."""
    lines = text.lines()
    if delimiter == " ":
        for number, line in enumerate(lines, start=1):
            if words := line.split():
                yield Row(number, words)
        return
    if delimiter in WIDE:
        lines = (text_line.replace(delimiter, WIDE[delimiter]) for text_line in lines)
    reader = csv.reader(lines, delimiter=WIDE.get(delimiter, delimiter), strict=True, skipinitialspace=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{text.label}: the row that starts on line {start} cannot be read ({error}); check its quotes"
            ) from error
        if cells and (blank or any(cell and not cell.isspace() for cell in cells)):
            yield Row(start, cells)


def filled_columns(rows: Iterable[Row]) -> list[int] | None:
    """The columns that have a name or a value somewhere; None: all, or nothing tells.

    Empty ones come of spreadsheets, and of lines that end in delimiters. A table of which the header alone ends in one
    lacks a cell in each row.
    """
    widths: set[int] = set()
    filled: set[int] = set()
    first = count = width = 0
    for row in rows:
        count += 1
        first = first or len(row.cells)
        widths.add(len(row.cells))
        width = max(widths)
        if len(filled) < width:
            filled.update(i for i, cell in enumerate(row.cells) if cell.strip())
        if len(widths) > 2:
            return None
    if count < 2 or not filled or len(filled) == width:
        return None
    if len(widths) == 2 and (first == width or max(filled) >= min(widths)):
        return None
    return sorted(filled)


def _found_delimiter(text: Text, decimal: str) -> str:
    """The delimiter that cuts the first rows into equally many cells, most of them numbers."""
    candidates = [c for c in DELIMITERS if c != decimal]
    seen = {c: _first_rows(text, c) for c in candidates}
    shares = {c: _number_share(rows, decimal) for c, rows in seen.items()}
    others = max(share for c, share in shares.items() if c != " ")
    if shares[" "] < 1.0 and (others > 0.0 or not _is_steady(seen[" "], decimal)):
        shares[" "] = 0.0  # words have blanks between them as well
    best = max(candidates, key=shares.__getitem__)
    if shares[best] > 0.0:
        return best
    line = next((line for line in text.lines() if line.strip()), "")
    found = [c for c in candidates[:-1] if c in line]  # nothing cuts evenly: the most frequent, for a good message
    return max(found, key=line.count) if found else ","


def _below_titles(text: Text, mark: str, decimal: str, free: bool) -> tuple[Text, str]:
    """The text without titles over its table, and its delimiter; free: whether that may be another one.

    A title is a line of one text, over rows of several cells, as many in each; where a title has as many, the others
    empty, names must follow.
    """
    free = free and _number_share(_first_rows(text, mark), decimal) == 0.0  # else it cuts all rows alike
    for candidate in dict.fromkeys((mark, *(c for c in DELIMITERS if free and c not in (decimal, " ")))):
        rows = _first_rows(text, candidate)
        filled = [[cell for cell in row.cells if cell.strip()] for row in rows]
        numbers = [any(is_number(cell, decimal) for cell in cells) for cells in filled]
        title = [len(cells) < 2 and not number for cells, number in zip(filled, numbers, strict=True)]
        count = title.index(False) if False in title else len(rows)
        if not 0 < count < len(rows) - 1 or _number_share(rows[count:], decimal) == 0.0:
            continue
        narrow = all(len(row.cells) < len(rows[count].cells) for row in rows[:count])
        if narrow or not numbers[count]:
            return text._replace(above=rows[count].line - 1), candidate
    return text, mark


def _number_share(rows: list[Row], decimal: str) -> float:
    """The share of numbers in cells below the first row, a bit more than 0; 0 when rows differ in width."""
    widths = {len(row.cells) for row in rows}
    if len(widths) == 2 and max(widths) - min(widths) == 1:  # some lines end in a delimiter
        rows = [Row(r.line, r.cells[:-1]) if len(r.cells) == max(widths) and not r.cells[-1] else r for r in rows]
        widths = {len(row.cells) for row in rows}
    if len(widths) != 1 or widths == {1}:
        return 0.0
    cells = [cell for row in rows[1:] or rows for cell in row.cells]
    numbers = sum(is_number(cell, decimal) or is_decimal_comma(cell) for cell in cells)
    return (numbers + 1e-9) / (len(cells) + 1e-9)


def _is_steady(rows: list[Row], decimal: str) -> bool:
    """Whether each column holds numbers in all rows but the first, or in none, and some column does."""
    kinds = [{is_number(c, decimal) for c in column} for column in zip(*(r.cells for r in rows[1:]), strict=False)]
    return len(rows) > 1 and all(len(kind) == 1 for kind in kinds) and {True} in kinds


def _first_rows(text: Text, delimiter: str) -> list[Row]:
    try:
        return list(itertools.islice(_rows(text, delimiter), SEEN))
    except DataError:
        return []


def _is_header(row: Row, decimal: str, label: str) -> bool:
    kinds = [is_number(cell, decimal) or is_decimal_comma(cell) for cell in row.cells]
    if not any(kinds):
        return True
    if all(kind or cell.strip().lower() in MISSING for kind, cell in zip(kinds, row.cells, strict=True)):
        return False
    odd = row.cells[kinds.index(False)]
    raise DataError(
        f"{label}: line {row.line} is partly numbers ({row.cells[kinds.index(True)]!r}) and partly not "
        f"({odd!r}); use {_header('True')} if it holds names, {_header('False')} if it is data"
    )


def _names_above(text: Text, first: Row, delimiter: str, decimal: str) -> list[str]:
    """Names in the remark right above a first row of numbers, as `numpy.savetxt` writes them; [] where there are none.

    It must have as many cells as the row, all different and none a number.
    """
    if first.line < 2:
        return []
    lines = text._replace(remarks=False).lines()
    line = next(itertools.islice(lines, first.line - 2, None), "").strip()
    if line[:1] not in ("#", "%"):
        return []
    line = line.lstrip("#% \t")
    words = line.split() if delimiter == " " else next(csv.reader([line], delimiter=WIDE.get(delimiter, delimiter)), [])
    words = [word.strip() for word in words]
    plain = all(word and not is_number(word, decimal) for word in words)
    return words if plain and len(words) == len(first.cells) == len(set(words)) else []


def _check_years(raw: Raw) -> None:
    """DataError where a first row of numbers may be names: years in sequence, far from all that is below them."""
    columns = [np.asarray(column.floats) for column in raw.columns]
    if len(columns) < 2 or len(columns[0]) < 2:
        return
    first, below = np.array([c[0] for c in columns]), np.array([c[1:] for c in columns])
    if not ((first >= 1500) & (first < 2200) & (first == np.floor(first))).all() or (np.diff(first) != 1).any():
        return
    if ((below >= 1500) & (below < 2200)).any():
        return
    raise DataError(
        f"{raw.label}: {raw.row(0)} holds the years {first[0]:.0f} to {first[-1]:.0f} above other numbers; use "
        f"{_header('True')} if they are names, {_header('False')} if they are data"
    )


def _given_names(given: list[str], own: list[str], line: int, label: str) -> list[str]:
    if len(given) != len(own):
        raise DataError(f"names: {len(given)} names for the {len(own)} columns of {label} (line {max(line, 1)})")
    check_names(given, "names")
    return given


def check_header(names: Sequence[str], needed: Iterable[str], raw: Raw) -> None:
    """DataError where a column that is needed has no name, or shares it with another."""
    times, needed = Counter(names), set(needed)
    where = f"{raw.label}: line {raw.header}" if raw.header else raw.label
    if not names:
        raise DataError(f"{raw.label}: no columns")
    for i, name in enumerate(names):
        if name not in needed:
            continue
        if not name:
            raise DataError(
                f"{where}: column {i + 1} has no name in the header; give it one (the index "
                "that pandas writes is left out by index=False)"
                + cure(", or read others with {}", "columns", "", "columns=[...]")
            )
        if times[name] > 1:
            twice = ", ".join(str(j + 1) for j, other in enumerate(names) if other == name)
            raise DataError(f"{where}: the name {name!r} stands over columns {twice}; names must differ")


def _plain(cell: str, decimal: str) -> str:
    """A cell in ASCII as Python writes numbers."""
    if not cell.isascii():
        cell = unicodedata.normalize("NFKC", cell)
    return cell.strip().replace(decimal, ".").translate(SIGNS)


def _to_float(cell: str, decimal: str) -> float:
    """The finite number a cell holds, or ValueError."""
    if "_" in cell or (decimal == "," and "." in cell):  # float() takes Python's 1_000, which no table means
        raise ValueError
    number = float(_plain(cell, decimal))
    if number - number != 0.0:  # NaN or infinite
        raise ValueError
    return number


def is_number(cell: str, decimal: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        _to_float(cell, decimal)
    except ValueError:
        return False
    return True


def is_decimal_comma(cell: str) -> bool:
    """Whether a cell holds a number with a comma, which may be its decimal mark."""
    return re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell) is not None


def _header(value: str) -> str:
    return spelled("header", value, f"surefit.data.read_table(path, header={value})")


def leave_out() -> str:
    """What to do about rows that miss a value."""
    read = "data=Sampling(drop_nonfinite=True) of fit, or read_table(..., drop_missing=True)"
    return cure(", or leave such rows out with {}", "drop_missing", "True", read)


def numbered(stem: str, count: int, alone: str | None = None) -> list[str]:
    """x1, x2, ...; alone: what one of them is called."""
    return [alone] if alone is not None and count == 1 else [f"{stem}{i + 1}" for i in range(count)]


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (names,) if isinstance(names, str) else tuple(str(name) for name in names)


def check_names(names: Sequence[str], label: str) -> None:
    """DataError where a name is empty or repeated, or there is none."""
    if not names:
        raise DataError(f"{label}: no columns")
    times = Counter(names)
    for i, name in enumerate(names):
        if not name.strip():
            raise DataError(f"{label}: column {i + 1} has no name")
        if times[name] > 1:
            raise DataError(f"{label}: the name {name!r} stands over {times[name]} columns; names must differ")


__all__ = [
    "Row", "TextColumn", "as_names", "check_header", "check_names", "csv_columns", "csv_rows", "filled_columns",
    "is_decimal_comma", "is_number", "leave_out", "numbered", "raw_of_rows", "read_rows", "text_of",
]  # fmt: skip
