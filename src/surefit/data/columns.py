"""Columns of a table as they come, and as numbers: yes and no, dates and times, texts that name a category.

A column is of one kind. One that holds a number holds nothing but numbers, so that a slip of the pen never turns it
into categories. What is not a number is coded, and the `Coded` of a column is kept with a fit:
later rows are coded alike.
"""

from __future__ import annotations

import datetime
import itertools
import math
import numbers
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from surefit.data.times import OddTime, has_zone, times
from surefit.errors import DataError
from surefit.sentences import Both, Sentence, declare, say
from surefit.spelling import cure, spelled

MISSING = frozenset(
    {"", *"na n/a n.a. nan -nan null none <na> ? - -- --- \N{EN DASH} \N{EM DASH} . 无 空 缺失".split()}
)
MISSING |= {"#n/a", "#na", "#div/0!", "#num!", "#value!", "#ref!", "#null!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
WORDS = frozenset({"none", "-", "--", "无", "."})  # of these, what may be a category among texts; all in lower case
YES_NO = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "是": 1.0, "否": 0.0}  # compared in lower case
WHOLE = 2.0**53  # whole numbers above it have neighbours that are no float64
FINE = 1e-4  # of half the range of a column: what its numbers may lose when they become float64
LOOKED = 10_000  # numbers that are compared with what float64 makes of them
CATEGORIES = 100  # texts that are a column of numbers each; of more the rare ones share one
ALIKE = 300  # texts that have a column each where none is twice as frequent as another, so that none is rare
MOST_NUMBERS = 2**25  # in all these columns: 268 MB
MOST_TEXTS = 10_000  # that a column may hold, all of which a fit keeps
CODES, CODE_SHARE = 20, 0.05  # texts at most of which some are numbers; rows that hold such a number, of all, at least
LISTED = 8  # texts that an error lists
NUMBER, BOOLEAN, TEXT, TIME, DURATION, CLOCK = "number", "boolean", "text", "time", "duration", "clock"
ABSENT = "missing"  # what is called what is not there
OTHER = "other"  # what rare texts are together
SUMS = frozenset("total totals sum average avg mean max min 合计 总计 平均 summe mittelwert".split())  # below a table
CODED = (BOOLEAN, TEXT, TIME, DURATION, CLOCK)
declare(
    {
        "column-boolean": Both("1 for yes, 0 for no", "1 为是，0 为否"),
        "column-text": Both("one of {known}", "取值为 {known}"),
        "column-text-rare": Both(
            "one of {known}; other: any of {count} rarer texts", "取值为 {known}；other 为其余 {count} 个少见的文本"
        ),
        "column-more": Both("{shown} and {count} more", "{shown} 等，另有 {count} 个"),
        "column-time-days": Both("days since {origin}", "自 {origin} 起的天数"),
        "column-time-seconds": Both("seconds since {origin}", "自 {origin} 起的秒数"),
        "column-clock-seconds": Both("seconds since midnight", "自零点起的秒数"),
        "column-duration-seconds": Both("seconds", "秒"),
        "column-filled": Both("{fill:.6g} (median) where missing", "缺失处为 {fill:.6g}（中位数）"),
        "column-filled-too": Both(
            "{plain}, {fill:.6g} (median) where missing", "{plain}，缺失处为 {fill:.6g}（中位数）"
        ),
    }
)


class Raw(NamedTuple):
    """Columns as they came: what errors call the source, names, values of any kind, default targets, lines of rows."""

    label: str
    names: list[str]
    columns: list[Any]
    targets: tuple[str, ...] | None = None
    lines: Sequence[int] | np.ndarray | None = None  # of a file, counted from 1
    header: int = 0  # the line on which the names stand
    coding: tuple[Any, ...] = ()  # of columns that are numbers already, as those of a Table
    first: int = 0  # the number of its first row, in a part of a table
    single: bool = False  # whether it is one point, given by itself: its only row has no number

    def row(self, i: int) -> str:
        """Where a row is, in words."""
        return f"row {self.first + i}" if self.lines is None else f"line {self.lines[i]}"

    def error(self, i: int, words: str) -> DataError:
        """What is wrong in a row: the source, where in it, and the words."""
        where = "" if self.single else f"{self.row(i)}, "
        return DataError(f"{self.label}: {where}{words}{self.counted}")

    @property
    def counted(self) -> str:
        """How rows are counted, where that is not known from the file."""
        return " (first row is 0)" if self.lines is None and not self.single else ""


class Column(NamedTuple):
    """A column of one kind. values: float64 with NaN, datetime64 with NaT, or objects with None, where missing.

    zoned: of times, whether they had a time zone, and are in UTC here.
    """

    kind: str
    values: np.ndarray
    zoned: bool = False

    def missing(self) -> np.ndarray:
        """Which rows have no value, (n,) bool."""
        if self.kind == TEXT:
            return np.array([value is None for value in self.values], dtype=bool)
        return np.isnat(self.values) if self.kind == TIME else np.isnan(self.values)


@dataclass(frozen=True)
class Coded:
    """How a column that is not numbers becomes numbers.

    name: of the column. kind: "boolean" (0 and 1), "text" (a column of 0 and 1 for each category; of two categories one
    column), "time" (dates, since `origin`), "clock" (times of day, since midnight), "duration", or "number" of one
    whose missing values are filled in. categories: the texts, in order; a missing one is `ABSENT` where that is among
    them. rare: further texts, too many for a column each, all of which count as `OTHER`. unit: "days" or "seconds".
    fill: of numbers, what stands for a missing one; None: nothing does. flagged: whether a further column says where a
    value was missing, 1, or not, 0. zoned: of times, whether they have a time zone; None: not known, as of older files.

    >>> Coded("colour", "text", ("blue", "green", "red")).columns
    ('colour=blue', 'colour=green', 'colour=red')
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    unit: str = ""
    origin: str = ""
    fill: float | None = None
    flagged: bool = False
    zoned: bool | None = None
    rare: tuple[str, ...] = ()

    @classmethod
    def of_texts(cls, name: str, counts: Mapping[str, int]) -> Coded:
        """The code of texts, each with the number of rows that hold it: of many the frequent ones are kept.

        Those that are as frequent as one that is left out are left out, too, so that no order decides. Where none is
        twice as frequent as another, all are kept.

        >>> Coded.of_texts("site", {f"s{i}": 1 + i // 50 for i in range(150)}).rare[:2]
        ('s0', 's1')
        """
        texts, most = tuple(sorted(counts)), max(counts.values(), default=0)
        if len(counts) <= CATEGORIES or most < 2 * min(counts.values()):  # of those alike nothing tells which to keep
            return cls(name, TEXT, texts)
        enough = sorted(counts.values())[-CATEGORIES] + 1
        if enough > most:
            return cls(name, TEXT, texts)
        kept = {text for text, count in counts.items() if count >= enough or text == OTHER}
        return cls(name, TEXT, tuple(sorted({*kept, OTHER})), rare=tuple(t for t in texts if t not in kept))

    @classmethod
    def of(cls, name: str, column: Column) -> Coded | None:
        """The code of a column without missing values; None of numbers."""
        if column.kind == TEXT:
            return cls.of_texts(name, Counter(column.values.tolist()))
        if column.kind == TIME:
            days = column.values.astype("M8[D]")
            whole = bool((days == column.values).all())
            first = column.values.min()
            origin = str(first.astype("M8[D]") if whole else first)
            return cls(name, TIME, (), "days" if whole else "seconds", origin, zoned=column.zoned)
        return (
            None if column.kind == NUMBER else cls(name, column.kind, (), "" if column.kind == BOOLEAN else "seconds")
        )

    @classmethod
    def filled(cls, name: str, column: Column, raw: Raw) -> Coded:
        """The code of a column in which missing values are filled in by the median of the others.

        Where some are missing, a further column says which: that one is missing may tell something itself (Little and
        Rubin, Statistical Analysis with Missing Data). A missing text is a category of its own. DataError where all
        are missing.
        """
        absent = column.missing()
        if absent.all():
            raise DataError(f"{raw.label}: column {name!r} holds no value at all, so it has no median; leave it out")
        there = column._replace(values=column.values[~absent])
        code = cls.of(name, there) or cls(name, NUMBER)
        if column.kind == TEXT:
            return replace(code, categories=tuple(sorted({*code.categories, ABSENT}))) if absent.any() else code
        return replace(code, fill=float(np.median(code.encode(there, raw))), flagged=bool(absent.any()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of numbers."""
        if self.kind != TEXT:
            return (self.name, f"{self.name} {ABSENT}") if self.flagged else (self.name,)
        shown = self.categories[1:] if len(self.categories) == 2 else self.categories
        return tuple(f"{self.name}={text}" for text in shown)

    def encode(self, column: Column, raw: Raw) -> np.ndarray:
        """The columns of numbers, (n, len(columns)) float64; NaN where a value is missing and nothing stands for it.

        DataError for a category that is not known, or a column of another kind.
        """
        if self.fill is not None:
            absent = column.missing()
            plain = replace(self, fill=None, flagged=False)
            one = np.full((len(absent), 1), np.nan) if absent.all() else plain.encode(column, raw)
            one = np.where(np.isnan(one), self.fill, one)
            return np.column_stack([one, absent]) if self.flagged else one
        values = column.values
        if self.kind == TEXT:
            if column.missing().all():  # of which nothing tells the kind
                values = np.full(len(values), None, dtype=object)
            elif column.kind in (NUMBER, BOOLEAN) and any(word_of(v) in self.categories for v in values.tolist()):
                values = np.array([word_of(v) for v in values.tolist()], dtype=object)
            elif column.kind != TEXT:
                raise DataError(
                    f"{raw.label}: column {self.name!r} holds numbers; when this was fitted it held the texts "
                    f"{self.known()}"
                )
            return self._one_hot(values, raw)
        if self.kind == TIME and column.kind == TIME:
            self._check_zone(column, raw)
            unit = np.timedelta64(1, "D") if self.unit == "days" else np.timedelta64(1, "s")
            return _in_units(values - np.datetime64(self.origin), unit)[:, None]
        if column.kind in (NUMBER, self.kind) or (self.kind in (DURATION, CLOCK) and column.kind in (DURATION, CLOCK)):
            return np.asarray(values, np.float64)[:, None]
        first = int(np.flatnonzero(~column.missing())[0]) if not column.missing().all() else 0
        raise raw.error(
            first,
            f"column {self.name!r} is {str(values[first])!r}, expected {self.words()}"
            + (f", as a number or a date such as {self.origin[:10]}" if self.kind == TIME else ""),
        )

    def _check_zone(self, column: Column, raw: Raw) -> None:
        """DataError where moments with a time zone meet such without one: nobody knows how many hours lie between."""
        there = column.values[~column.missing()]
        if self.zoned is None or self.zoned == column.zoned or not len(there):
            return
        if self.unit == "days" and bool((there.astype("M8[D]") == there).all()):
            return
        row, shown = int(np.flatnonzero(~column.missing())[0]), str(there[0].astype("M8[s]"))
        example = np.datetime64(self.origin).astype("M8[s]")
        own, former = f"no time zone ({shown})", f"one, such as {example}Z"
        if not self.zoned:
            own, former = f"a time zone ({shown}Z)", f"none, such as {example}"
        raise raw.error(row, f"column {self.name!r} has {own}; when this was fitted it had {former}: write both alike")

    def _one_hot(self, values: np.ndarray, raw: Raw) -> np.ndarray:
        place: dict[str | None, int] = {text: i for i, text in enumerate(self.categories)}
        if self.rare:
            place |= dict.fromkeys(self.rare, place[OTHER])
        if ABSENT in place:
            place[None] = place[ABSENT]
        index = np.array([place.get(v, -1 if v is None else -2) for v in values], dtype=np.int64)
        if (index == -2).any():
            row = int(np.flatnonzero(index == -2)[0])
            raise raw.error(
                row,
                f"column {self.name!r} is {values[row]!r}, which is none of the known "
                f"{self.known()}" + (f"; {OTHER!r} stands for rare ones" if self.rare else ""),
            )
        out = np.zeros((len(values), len(self.categories)))
        out[np.arange(len(values)), index] = 1.0
        out[index == -1] = np.nan
        return out[:, 1:] if len(self.categories) == 2 else out

    @property
    def fills(self) -> bool:
        """Whether a missing value may stand in the column."""
        return self.fill is not None or ABSENT in self.categories

    def said(self, values: Sequence[float]) -> str | float:
        """What stood in the column where its columns of numbers have these values, in the order of `columns`.

        >>> Coded("when", "time", unit="days", origin="2024-01-01").said([31.0])
        '2024-02-01'
        >>> Coded("colour", "text", ("blue", "green", "red")).said([0.0, 0.0, 1.0])
        'red'
        """
        if self.kind == TEXT:
            shares = [1.0 - values[0], *values] if len(self.categories) == 2 else list(values)
            return self.categories[int(np.argmax(shares))]
        if self.flagged and values[1] > 0.5:
            return ABSENT
        if self.kind != TIME or not math.isfinite(values[0]):
            return values[0]
        seconds = values[0] * (86_400 if self.unit == "days" else 1)
        moment = np.datetime64(self.origin, "us") + np.timedelta64(round(seconds * 1e6), "us")
        if self.unit == "days" and moment == moment.astype("M8[D]"):
            return str(moment.astype("M8[D]"))
        return str(moment).rstrip("0").rstrip(".").replace("T", " ") + "Z" * bool(self.zoned)

    def known(self) -> str:
        """The categories, the first of many."""
        shown, more = ", ".join(self.categories[:LISTED]), len(self.categories) - LISTED
        return say("column-more", shown=shown, count=more) if more > 0 else shown

    def words(self) -> Sentence:
        """What the numbers are, in words."""
        origin = self.origin.replace("T", " ")
        origin = origin.rstrip("0").rstrip(".") if "." in origin else origin
        origin += " UTC" if self.zoned and self.unit == "seconds" else ""
        if self.fill is not None and self.kind == NUMBER:
            return say("column-filled", fill=self.fill)
        if self.fill is not None:
            return say("column-filled-too", plain=replace(self, fill=None).words(), fill=self.fill)
        if self.rare:
            return say("column-text-rare", known=self.known(), count=len(self.rare))
        if self.kind in (BOOLEAN, TEXT):
            return say(f"column-{self.kind}", known=self.known())
        return say(f"column-{self.kind}-{self.unit}", origin=origin)

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON; `from_dict` reads it."""
        return {
            "name": self.name, "kind": self.kind, "categories": list(self.categories), "unit": self.unit,
            "origin": self.origin, **({} if self.fill is None else {"fill": self.fill, "flagged": self.flagged}),
            **({} if self.zoned is None else {"zoned": self.zoned}),
            **({"rare": list(self.rare)} if self.rare else {}),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Coded:
        """What `to_dict` wrote. DataError where a field is missing or of another kind."""
        try:
            texts = [record[key] for key in ("name", "kind", "unit", "origin")]
            categories = tuple(record["categories"])
            fill, flagged = record.get("fill"), bool(record.get("flagged", False))
            zoned, rare = record.get("zoned"), tuple(record.get("rare", ()))
            if rare and OTHER not in categories:
                raise ValueError
            if not all(isinstance(t, str) for t in (*texts, *categories, *rare)) or not (
                zoned is None or zoned in (0, 1)
            ):
                raise TypeError
            if texts[1] not in CODED and not (texts[1] == NUMBER and fill is not None):
                raise TypeError
            if fill is not None and not math.isfinite(fill := float(fill)):
                raise ValueError
            if texts[1] == TIME:
                np.datetime64(texts[3])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"coded column: cannot read {record!r}") from error
        name, kind, unit, origin = texts
        return cls(name, kind, categories, unit, origin, fill, flagged, None if zoned is None else bool(zoned), rare)


def _in_units(difference: np.ndarray, unit: np.timedelta64) -> np.ndarray:
    """Differences of times as float64, NaN where there is none."""
    return np.where(np.isnat(difference), np.nan, difference / unit)


# ---- columns of objects


class Categories(list[Any]):
    """A column whose source says that it holds categories, be they numbers; None where one is missing."""


def word_of(value: Any) -> str | None:
    """What a category is called: 3 for 3.0; None of what is missing."""
    if is_none(value):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < WHOLE:
        value = int(value)
    return str(value).strip()


def typed(values: Any, name: str, raw: Raw) -> Column:
    """A column of whatever holds one value a row, as one kind. DataError where a value does not fit the others."""
    if isinstance(values, Categories):
        texts = np.empty(len(values), dtype=object)
        texts[:] = [word_of(v) for v in values]
        return Column(TEXT, texts)
    array = unmasked(values)
    if array.ndim != 1:
        raise DataError(f"{raw.label}: column {name!r} has shape {array.shape}; expected one number per row")
    if array.dtype.kind == "M":
        return Column(TIME, array if np.datetime_data(array.dtype)[0] in ("ns", "ps", "fs", "as") else _micro(array))
    if array.dtype.kind == "m":
        return Column(DURATION, _in_units(array, np.timedelta64(1, "s")))
    if array.dtype.kind == "c":
        raise DataError(
            f"{raw.label}: column {name!r} holds complex numbers, of which no part may be dropped; give real and "
            "imaginary part as two columns"
        )
    if array.dtype.kind in "biuf":
        out = array.astype(np.float64)
        _check_distinct(array, out, name, raw.label)
        return Column(NUMBER, out)
    return _of_objects(array.tolist(), name, raw)


def _micro(array: np.ndarray) -> np.ndarray:
    return array.astype("M8[us]")


def _of_objects(values: list[Any], name: str, raw: Raw) -> Column:
    """A column of Python objects: texts, times, or numbers of any type."""
    values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
    values = [None if is_none(v) else _plain(v) for v in values]
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, str) for v in present):
        return of_cells(["" if v is None else v for v in values], name, raw, ".", numeric=False)
    if present and all(isinstance(v, datetime.date) for v in present):  # of which datetime is one
        zoned = [getattr(v, "tzinfo", None) is not None for v in present]
        if any(zoned) and not all(zoned):
            raise DataError(f"{raw.label}: column {name!r}: some times have a time zone, some not; write all alike")
        return Column(TIME, np.array([_naive(v) for v in values], dtype="M8[us]"), zoned[0])
    if present and all(isinstance(v, datetime.time) for v in present):
        return Column(CLOCK, np.array([np.nan if v is None else _of_day(v) for v in values]))
    if present and all(isinstance(v, datetime.timedelta) for v in present):
        return Column(DURATION, np.array([np.nan if v is None else v.total_seconds() for v in values]))
    out = np.array([_number(value, i, name, raw) for i, value in enumerate(values)], dtype=np.float64)
    _check_objects(values, out, name, raw.label)
    return Column(NUMBER, out)


def _plain(value: Any) -> Any:
    """A moment or a duration of NumPy as one of Python, None for one that is missing; any other value as it is."""
    if isinstance(value, np.datetime64):
        return value.astype("M8[us]").item()
    return value.astype("m8[us]").item() if isinstance(value, np.timedelta64) else value


def is_none(value: Any) -> bool:
    """Whether a value of a column of objects stands for nothing: None, NaN, NA, NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _naive(value: datetime.date | None) -> datetime.datetime | None:
    """A date or a moment as a moment, of a time zone in UTC."""
    if value is None:
        return None
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return datetime.datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
    )  # one of pandas is a datetime too


def _of_day(value: datetime.time) -> float:
    return 3600.0 * value.hour + 60.0 * value.minute + value.second + 1e-6 * value.microsecond


def _number(value: Any, row: int, name: str, raw: Raw) -> float:
    if value is None:
        return np.nan
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except OverflowError:
        raise raw.error(row, f"column {name!r} is larger than any float64; use a larger unit") from None
    except (TypeError, ValueError) as error:
        raise raw.error(
            row, f"column {name!r} is {value!r}, not a number; convert the column, or leave it out"
        ) from error


def detached(values: Any) -> Any:
    """The values of a tensor without its history, which NumPy takes; of anything else itself. DataError: sparse."""
    if hasattr(values, "detach") and hasattr(values, "requires_grad"):
        return values.detach().cpu() if hasattr(values, "cpu") else values.detach()
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise DataError(f"this {type(values).__name__} is sparse; give .toarray(), which has all its zeros")
    return values


def unmasked(column: Any) -> np.ndarray:
    """A column as an array; what is masked is missing."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(detached(column))
    hidden = np.ma.getmaskarray(column)
    if not hidden.any():
        return np.asarray(column.data)
    if column.dtype.kind in "biuf":
        floats = column.data.astype(np.float64)
        if column.dtype.kind not in "iu" or np.abs(floats[~hidden]).max(initial=0.0) < WHOLE:
            return np.where(hidden, np.nan, floats)
    out = column.data.astype(object)
    out[hidden] = None
    return out


def _check_distinct(exact: np.ndarray, rounded: np.ndarray, name: str, label: str) -> None:
    """DataError where numbers that differ become one in float64, as whole numbers above 2^53 do."""
    if exact.dtype.itemsize < 8 or exact.dtype == np.float64 or not len(exact):
        return
    if np.abs(rounded).max() < WHOLE and exact.dtype.kind != "f":
        return
    kind = f"{exact.dtype} numbers"
    refuse_lost(len(np.unique(exact)) - len(np.unique(rounded)), kind, rounded, name, label)
    finite = np.isfinite(rounded)
    if exact.dtype.kind == "f":
        refuse_rounded(float(np.abs(exact - rounded)[finite].max(initial=0.0)), kind, rounded, name, label)
    elif is_coarse(rounded):
        pairs = zip(exact[:LOOKED].tolist(), rounded[:LOOKED].tolist(), strict=True)
        refuse_rounded(float(max(abs(one - int(other)) for one, other in pairs)), kind, rounded, name, label)


def _check_objects(values: Iterable[Any], rounded: np.ndarray, name: str, label: str) -> None:
    """The same of Python's whole numbers, Decimals and Fractions."""
    exact: set[Any] = set()
    floats: set[float] = set()
    for value, number in zip(values, rounded.tolist(), strict=True):
        if math.isfinite(number) and isinstance(value, (numbers.Rational, Decimal)):
            exact.add(value)
            floats.add(number)
    refuse_lost(len(exact) - len(floats), "numbers", rounded, name, label)
    if exact and is_coarse(rounded):
        some = [(one, float(one)) for one in itertools.islice(exact, LOOKED)]
        misses = [abs(Fraction(one) - Fraction(number)) for one, number in some if math.isfinite(number)]
        refuse_rounded(float(max(misses, default=0)), "numbers", rounded, name, label)


def half_range(numbers: np.ndarray) -> float:
    """Half the range of numbers (n,), NaN left out, which never overflows; 0 where there is none."""
    there = numbers[np.isfinite(numbers)]
    return float(there.max() / 2 - there.min() / 2) if len(there) else 0.0


def is_coarse(numbers: np.ndarray) -> bool:
    """Whether neighbours in float64 are so far apart, beside the range of numbers, that rounding may move them."""
    size = np.nanmax(np.abs(numbers), initial=0.0)
    return bool(np.nextafter(size, 0.0) < size - FINE / 2 * half_range(numbers) if size > 0 else False)


def refuse_rounded(lost: float, kind: str, rounded: np.ndarray, name: str, label: str) -> None:
    """DataError where rounding to float64 moves numbers by so much that their differences are no longer those."""
    spread = half_range(rounded)
    if lost > FINE * spread > 0.0:  # one number alone is not moved beside others
        raise DataError(
            f"{label}: column {name!r} holds {kind} as large as {np.nanmax(np.abs(rounded)):.6g}, which float64 rounds "
            f"by up to {lost:.3g}, beside a range of {2 * spread:.3g}; subtract the first one, or use a larger unit"
        )


def refuse_lost(lost: int, kind: str, rounded: np.ndarray, name: str, label: str) -> None:
    """DataError where so many numbers have become equal to others."""
    if lost > 0:
        raise DataError(
            f"{label}: column {name!r} holds {kind} as large as {np.nanmax(np.abs(rounded)):.6g}, of which "
            f"{lost} fall together with others in float64; subtract the first one, or use a larger unit"
        )


# ---- columns of texts

_AMOUNT = re.compile(r"[-+\N{MINUS SIGN}]?\s*(?P<money>[$€£¥]?)\s*\.?\d[\d.,' ]*([eEdD][-+]?\d+)?\s*(?P<unit>\D*)")
_ODD = re.compile(r"[-+]?(inf(inity)?|0[xob][0-9a-f]+|[\d.]+(e[-+]?\d+)?[-+]?[\d.]*(e[-+]?\d+)?[ij])", re.IGNORECASE)

Cells = Sequence[str]
Check = Callable[[str, int], None]


def of_cells(cells: Cells, name: str, raw: Raw, decimal: str, numeric: bool = True) -> Column:
    """A column of texts none of which is a number, as one kind. numeric: whether texts like 5 have been tried as such.

    DataError where they look like amounts, or are not all of one kind; the first that is not is named.
    """
    words = [cell.strip() for cell in cells]
    lowered = {word: word.lower() for word in set(words)}  # of categories a few, which all rows share
    lower = [lowered[word] for word in words]
    present = [i for i, word in enumerate(lower) if word not in MISSING or word in WORDS]
    if not present or all(lower[i] in WORDS for i in present):
        return Column(NUMBER, np.full(len(words), np.nan))
    first = present[0]
    if lower[first] in YES_NO:
        values = [YES_NO.get(word, np.nan) for word in lower]
        odd = next((i for i in present if lower[i] not in YES_NO and lower[i] not in WORDS), None)
        if odd is None:
            return Column(BOOLEAN, np.array(values))
        if _is_amount(words[odd]):
            raise _mixed(raw, odd, name, words[odd], "yes and no")
    elif (moments := _times(words, present, name, raw)) is not None:
        return moments
    like_amounts = {word for word in lowered if _is_amount(word)}
    if like_amounts and are_codes(Counter(words[i] for i in present)):
        like_amounts = set()
    amounts = [i for i in present if words[i] in like_amounts]
    if not numeric and amounts and re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", words[amounts[0]], re.IGNORECASE):
        more = "numbers among texts" if len(amounts) < len(present) else "numbers that are texts"
        raise not_a_number(
            raw, amounts[0], name, cells[amounts[0]], more=f"{more}: convert the column, or leave it out"
        )
    if amounts and (len(amounts) == len(present) or not numeric):
        units = {_AMOUNT.fullmatch(words[i]) and _AMOUNT.fullmatch(words[i])["unit"] for i in amounts}  # type: ignore[index]
        if len(units) == 1 or len(amounts) < len(present):
            raise not_a_number(raw, amounts[0], name, cells[amounts[0]], decimal)
    odd_ones = {word for word in lowered if _ODD.fullmatch(word)}
    if others := [i for i in present if words[i] in odd_ones]:
        raise not_a_number(raw, others[0], name, cells[others[0]], decimal)
    out = np.empty(len(words), dtype=object)
    out[:] = None
    out[present] = np.array(words, dtype=object)[present]
    return Column(TEXT, out)


def are_codes(counts: Mapping[str, int]) -> bool:
    """Whether texts, each with the number of rows that hold it, are a few codes of which some are numbers, as 4, f, r.

    Whole numbers that are fewer than the texts among them, and of which none is a slip of the pen, for each is in many
    rows.

    >>> are_codes({"4": 100, "f": 90, "r": 10}), are_codes({"4": 1, "f": 100, "r": 99})
    (True, False)
    """
    figures = [word for word in counts if re.fullmatch("[0-9]{1,4}", word)]
    others = [word for word in counts if not re.search("[0-9]", word)]
    few = len(counts) <= CODES and len(figures) + len(others) == len(counts)
    enough = CODE_SHARE * sum(counts.values())
    return few and 0 < len(figures) < len(others) and all(counts[word] >= max(enough, 3) for word in figures)


def _is_amount(word: str) -> bool:
    """Whether a text looks like an amount: 5 %, 1,5, $3, 12 kg."""
    match = _AMOUNT.fullmatch(word)
    return match is not None and len(match["unit"]) <= 6


def _times(words: Cells, present: Sequence[int], name: str, raw: Raw) -> Column | None:
    """The column as dates or times of day, where the first of these texts is one."""
    try:
        found = times(words, present)
    except OddTime as odd:
        if odd.others:
            raise _mixed(raw, odd.i, name, words[odd.i], odd.others) from None
        raise raw.error(odd.i, f"column {name!r} is {words[odd.i]!r}{odd.wrong}") from None
    if found is None:
        return None
    return Column(TIME if found.dtype.kind == "M" else CLOCK, found, has_zone(words[present[0]]))


def _is_beyond(word: str) -> bool:
    """Whether a text is a number that is too large to be one in float64, as 1e400 is."""
    written = re.fullmatch(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eEdD]([+-]?[0-9]+))?", word)
    return written is not None and math.isinf(float(f"{written[1]}e{written[2] or 0}"))


def _mixed(raw: Raw, row: int, name: str, cell: str, others: str) -> DataError:
    return raw.error(
        row,
        f"column {name!r} is {cell!r}, but the column holds {others}; correct it"
        + cure(", or read other columns with {}", "columns", "", "columns=[...]"),
    )


def not_a_number(raw: Raw, row: int, name: str, cell: str, decimal: str = ".", more: str = "") -> DataError:
    """The error for a cell that is not a number, with what to do about it."""
    word = cell.strip()
    if _is_beyond(word.replace(decimal, ".")):
        return raw.error(
            row,
            f"column {name!r} is {cell!r}, and numbers in float64 end at 1.8e308; correct it, or use a larger unit",
        )
    if decimal == "." and re.fullmatch(r"[+-]?\d+,\d+", word):
        hint = (
            f"if the comma is a decimal mark, say {spelled('decimal', repr(','))}; if it separates thousands, remove it"
        )
    elif re.fullmatch(r"[+-]?\d{1,3}([ ,.']\d{3})+([.,]\d+)?", word):
        hint = "remove the thousands separators"
    elif re.fullmatch(r"[+-]?(inf(inity)?|∞)", word, re.IGNORECASE):
        hint = "every value must be finite"
    elif (match := _AMOUNT.fullmatch(word)) is not None and match["unit"].strip():
        hint = f"leave out {match['unit'].strip()!r}, or put it into the column's name"
        if match["unit"].strip()[0] in "#%" and len(match["unit"].strip()) > 1:
            hint = "give a remark a line of its own"
    elif match is not None and match["money"]:
        hint = f"leave out {match['money']!r}, or put it into the column's name"
    elif word.lower().rstrip(":") in SUMS:
        hint = "this row sums up others; remove it, or begin it with #"
    elif raw.header and row == 0 and not re.search(r"\d", word):
        hint = "remove this row if it holds units, or begin it with #"
    else:
        hint = "correct it" + cure(", or read other columns with {}", "columns", "", "columns=[...]")
    return raw.error(row, f"column {name!r} is {cell!r}, not a number; {more or hint}")


__all__ = [
    "ABSENT",
    "ALIKE",
    "BOOLEAN",
    "CATEGORIES",
    "MISSING",
    "MOST_NUMBERS",
    "MOST_TEXTS",
    "NUMBER",
    "OTHER",
    "TEXT",
    "TIME",
    "WHOLE",
    "WORDS",
    "YES_NO",
    "Categories",
    "Coded",
    "Column",
    "Raw",
    "are_codes",
    "is_coarse",
    "is_none",
    "not_a_number",
    "of_cells",
    "refuse_lost",
    "refuse_rounded",
    "typed",
    "unmasked",
    "word_of",
]  # fmt: skip
