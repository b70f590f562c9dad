"""Delimited text: files to rows of strings, rows to numbers; every error says line and column."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.errors import DataError
from surefit.files import regular_file
from surefit.spelling import cure, spelled

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a", "<na>", "?", "-"})  # compared in lower case
LONGEST_LINE = 1 << 26  # bytes; a hundred thousand columns have 2 MB
DIGITS = 16  # of a number in a text: with fewer, numbers that differ stay different
COMMENT = r"(?m)^[ \t]*[#%][^\r\n]*"  # a line that begins with such a sign is a remark


class Row(NamedTuple):
    """One record of a CSV file: the line it starts on, counted from 1, and its cells."""

    line: int
    cells: list[str]


def read_rows(source: str | os.PathLike[str], delimiter: str = ",", encoding: str = "utf-8") -> list[Row]:
    """The records of a delimited text file as strings, as RFC 4180 has them; empty lines are left out.

    Quotes may hold delimiters, doubled quotes and line ends (kept as they are); lines end in LF, CRLF or CR;
    a byte order mark is removed; ``.gz`` is unpacked. A blank as delimiter stands for any run of blanks.

    Raises:
        DataError: the file is missing, not text of this encoding, or a quote is never closed.
    """
    path = Path(source)
    return list(_rows(_text(path, encoding), delimiter, path.name))


def csv_columns(
    path: Path, columns: Iterable[str] | None, names: Iterable[str] | None, drop_missing: bool, delimiter: str | None,
    decimal: str, header: bool | None, encoding: str,
) -> tuple[list[str], list[list[float]]]:  # fmt: skip
    """Names and rows of numbers of a delimited text file; the arguments are those of `read_csv`."""
    if decimal not in (".", ","):
        raise DataError(f"decimal: expected '.' or ',', got {decimal!r}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or delimiter == decimal):
        raise DataError(f"delimiter: expected one character other than a quote and the decimal mark, got {delimiter!r}")
    text = re.sub(COMMENT, "", _text(path, encoding))
    if (first := re.match(r"sep=([^\r\n])[ \t]*\r?\n", text)) is not None:  # as Excel writes it
        delimiter, text = delimiter or first[1], "\n" + text[first.end() :]
    rows = _without_empty_column(list(_rows(text, delimiter or _found_delimiter(text, decimal), path.name)))
    if not rows:
        raise DataError(f"{path.name}: the file is empty")
    if header is None:
        header = _is_header(rows[0], decimal, path.name)
        if not header:
            _check_years(rows, decimal, path.name)
    own = [cell.strip() for cell in rows[0].cells] if header else numbered("c", len(rows[0].cells))
    body = rows[1:] if header else rows
    own = _csv_names(own, names, rows[0].line, path.name)
    if not body:
        raise DataError(f"{path.name}: only a header, no rows")
    wanted = None if columns is None else as_names(columns)
    chosen = _csv_columns(own, wanted, rows[0].line, path.name)
    values = _csv_values(body, own, chosen, decimal, drop_missing, path.name)
    return [own[i] for i in chosen], values


def _without_empty_column(rows: list[Row]) -> list[Row]:
    """The rows without a last column that is empty everywhere: each line ends in a delimiter."""
    widths = {len(row.cells) for row in rows}
    if len(rows) < 2 or max(widths) < 2 or len(widths) > 2 or (len(widths) == 2 and max(widths) - min(widths) != 1):
        return rows
    width = max(widths)
    if any(len(row.cells) == width and row.cells[-1].strip() for row in rows):
        return rows
    if len(widths) == 2 and len(rows[0].cells) == width:  # only the header ends in one: a cell is missing below
        return rows
    return [Row(row.line, row.cells[: width - 1]) for row in rows]


def _text(path: Path, encoding: str) -> str:
    regular_file(path)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = _bounded(file, path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name}: cannot be read ({error})") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise DataError(f"encoding: {encoding!r} is unknown; try utf-8, gbk or latin-1") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}: line {line} is not {encoding} text (byte {data[error.start]:#04x}); "
            f"name its encoding, such as {spelled('encoding', repr('gbk'))} or {spelled('encoding', repr('latin-1'))}"
        ) from error


def _bounded(file: Any, label: str) -> bytes:
    """All bytes of a file. DataError as soon as a line is too long to be one of a table."""
    parts: list[bytes] = []
    line = 0
    while part := file.read(1 << 20):
        end = max(part.rfind(b"\n"), part.rfind(b"\r"))
        line = line + len(part) if end < 0 else len(part) - end
        if line > LONGEST_LINE:
            raise DataError(
                f"{label}: a line is longer than {LONGEST_LINE >> 20} MiB; a table has one line for each row"
            )
        parts.append(part)
    return b"".join(parts)


def _rows(text: str, delimiter: str, label: str) -> Iterator[Row]:
    if delimiter == " ":
        for number, words in enumerate(text.splitlines(), start=1):
            if words.strip():
                yield Row(number, words.split())
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{label}: the row that starts on line {line} cannot be read ({error}); check its quotes"
            ) from error
        if cells:
            yield Row(line, cells)


def _found_delimiter(text: str, decimal: str) -> str:
    """The delimiter that cuts the first 50 rows into equally many cells, most of them numbers."""
    candidates = [c for c in "\t;|, " if c != decimal]  # in a draw the first: a decimal comma cuts evenly too
    shares = {c: _number_share(_first_rows(text, c, 50), decimal) for c in candidates}
    if shares[" "] < 1.0:
        shares[" "] = 0.0  # words have blanks between them as well
    best = max(candidates, key=shares.__getitem__)
    if shares[best] > 0.0:
        return best
    line = text.lstrip().split("\n", 1)[0]  # nothing cuts evenly: the most frequent, for a good message
    return max(candidates[:-1], key=line.count) if any(c in line for c in candidates[:-1]) else ","


def _number_share(rows: list[Row], decimal: str) -> float:
    """The share of numbers in cells below the first row, a bit more than 0; 0 when rows differ in width."""
    widths = {len(row.cells) for row in rows}
    if len(widths) != 1 or widths == {1}:
        return 0.0
    cells = [cell for row in rows[1:] or rows for cell in row.cells]
    numbers = sum(is_number(cell, decimal) or is_decimal_comma(cell) for cell in cells)
    return (numbers + 1e-9) / (len(cells) + 1e-9)


def _first_rows(text: str, delimiter: str, count: int) -> list[Row]:
    rows: list[Row] = []
    try:
        for row in _rows(text, delimiter, ""):
            rows.append(row)
            if len(rows) == count:
                break
    except DataError:
        pass
    return rows


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


def _check_years(rows: list[Row], decimal: str, label: str) -> None:
    """DataError where a first row of numbers may be names: years in sequence, far from all that is below them."""
    first = rows[0].cells
    if len(first) < 2 or len(rows) < 2 or not all(re.fullmatch(r"\s*(1[5-9]|2[01])\d\d\s*", cell) for cell in first):
        return
    years = [int(cell) for cell in first]
    below = [float(_to_float(c, decimal)) for row in rows[1:] for c in row.cells if is_number(c, decimal)]
    if len({b - a for a, b in itertools.pairwise(years)} - {1}) or any(1500 <= v < 2200 for v in below):
        return
    raise DataError(
        f"{label}: line {rows[0].line} holds the years {years[0]} to {years[-1]} above other numbers; use "
        f"{_header('True')} if they are names, {_header('False')} if they are data"
    )


def _csv_names(own: list[str], names: Iterable[str] | None, line: int, label: str) -> list[str]:
    if names is None:
        return own
    given = list(as_names(names))
    if len(given) != len(own):
        raise DataError(f"names: {len(given)} names for the {len(own)} columns of {label} (line {line})")
    check_names(given, "names")
    return given


def _csv_columns(own: list[str], wanted: tuple[str, ...] | None, line: int, label: str) -> list[int]:
    places = {name: i for i, name in enumerate(own)}
    needed = None if wanted is None else set(wanted)
    for name in wanted or ():
        if name not in places:
            raise DataError(f"columns: {label} has no column {name!r}; it has {', '.join(own)}")
    times = Counter(own)
    for i, name in enumerate(own):
        if needed is not None and name not in needed:
            continue
        if not name:
            raise DataError(
                f"{label}: line {line}: column {i + 1} has no name in the header; give it one (the index "
                "that pandas writes is left out by index=False)"
                + cure(", or read others with {}", "columns", "", _READ_COLUMNS)
            )
        if times[name] > 1:
            twice = ", ".join(str(j + 1) for j, other in enumerate(own) if other == name)
            raise DataError(f"{label}: line {line}: the name {name!r} stands over columns {twice}; names must differ")
    return list(range(len(own))) if wanted is None else [places[name] for name in wanted]


def _csv_values(
    body: list[Row], names: list[str], chosen: list[int], decimal: str, drop_missing: bool, label: str
) -> list[list[float]]:
    values: list[list[float]] = []
    long: dict[int, dict[str, float]] = {}  # cells of many digits, which may be more exact than float64
    for row in body:
        if len(row.cells) != len(names):
            raise DataError(
                f"{label}: line {row.line} has {len(row.cells)} cells, expected {len(names)} ({', '.join(names)})"
            )
        try:
            numbers = [_to_float(row.cells[i], decimal) for i in chosen]
        except ValueError:
            for i in chosen:
                _check_cell(row.cells[i], f"{label}: line {row.line}, column {names[i]!r}", decimal, drop_missing)
            continue  # a row with missing values, which the caller wants dropped
        values.append(numbers)
        for i, number in zip(chosen, numbers, strict=True):
            if len(row.cells[i]) >= DIGITS:
                long.setdefault(i, {})[row.cells[i]] = number
    for i, cells in long.items():
        _check_digits(cells, names[i], decimal, label)
    if not values:
        raise DataError(f"{label}: no row without a missing value")
    return values


def _check_digits(cells: Mapping[str, float], name: str, decimal: str, label: str) -> None:
    """DataError where texts of different numbers are one float64 each, and not by the noise of their last digits."""
    if len(cells) == len(set(cells.values())):
        return
    exact: dict[float, list[Decimal]] = {}
    for cell, number in cells.items():
        digits = cell.strip().replace(decimal, ".").replace("\N{MINUS SIGN}", "-").replace("D", "E").replace("d", "e")
        exact.setdefault(number, []).append(Decimal(digits))
    lost = sum(len(set(values)) - 1 for values in exact.values())
    if lost * 10 > len(cells):  # a table of noise printed with twenty digits loses a few by chance
        refuse_lost(lost, "numbers", np.array(list(cells.values())), name, label)


def _to_float(cell: str, decimal: str) -> float:
    """The finite number a cell holds, or ValueError."""
    if "_" in cell:  # float() takes Python's 1_000, which no table means
        raise ValueError
    if decimal == ",":
        if "." in cell:
            raise ValueError
        cell = cell.replace(",", ".")
    number = float(cell.replace("\N{MINUS SIGN}", "-").replace("D", "E").replace("d", "e"))
    if number - number != 0.0:  # NaN or infinite
        raise ValueError
    return number


def is_number(cell: str, decimal: str) -> bool:
    try:
        _to_float(cell, decimal)
    except ValueError:
        return False
    return True


def is_decimal_comma(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell) is not None


_READ_COLUMNS = "surefit.data.read_table(path, columns=[...])"


def _header(value: str) -> str:
    return spelled("header", value, f"surefit.data.read_table(path, header={value})")


def leave_out() -> str:
    read = "read_table(..., drop_missing=True)"
    return cure(", or leave such rows out with {}", "drop_missing", "True", read)


def _check_cell(cell: str, where: str, decimal: str, drop_missing: bool) -> None:
    if is_number(cell, decimal):
        return
    if cell.strip().lower() in MISSING:
        if drop_missing:
            return
        raise DataError(f"{where} is missing ({cell!r}); fill it in{leave_out()}")
    if decimal == "." and is_decimal_comma(cell):
        read = "surefit.data.read_table(path, decimal=',') and fit the table"
        hint = (
            f"if the comma is a decimal mark, read it with {spelled('decimal', repr(','), read)}; if it separates "
            "thousands, remove it"
        )
    elif re.fullmatch(r"\s*[+-]?\d{1,3}([ ,.']\d{3})+([.,]\d+)?\s*", cell):
        hint = "remove the thousands separators"
    elif re.fullmatch(r"\s*[+-]?inf(inity)?\s*", cell, re.IGNORECASE):
        hint = "every value must be finite"
    else:
        hint = "correct it" + cure(
            ", or read other columns with {}", "columns", "", f"{_READ_COLUMNS} and fit the table"
        )
    raise DataError(f"{where} is {cell!r}, not a number; {hint}")


def refuse_lost(lost: int, kind: str, rounded: np.ndarray, name: str, label: str) -> None:
    if lost > 0:
        raise DataError(
            f"{label}: column {name!r} holds {kind} as large as {np.nanmax(np.abs(rounded)):.6g}, of which "
            f"{lost} fall together with others in float64; subtract the first one, or use a larger unit"
        )


def numbered(stem: str, count: int, alone: str | None = None) -> list[str]:
    return [alone] if alone is not None and count == 1 else [f"{stem}{i + 1}" for i in range(count)]


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(str(name) for name in names)


def check_names(names: Sequence[str], label: str) -> None:
    if not names:
        raise DataError(f"{label}: no columns")
    times = Counter(names)
    for i, name in enumerate(names):
        if not name.strip():
            raise DataError(f"{label}: column {i + 1} has no name")
        if times[name] > 1:
            raise DataError(f"{label}: the name {name!r} stands over {times[name]} columns; names must differ")


__all__ = [
    "Row", "as_names", "check_names", "csv_columns", "is_decimal_comma", "is_number", "leave_out",
    "numbered", "read_rows", "refuse_lost",
]  # fmt: skip
