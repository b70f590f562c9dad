"""Rows of a table that is read in parts: which part of the data each belongs to, and a sample that is drawn on the way.

A row's number decides, by a hash that the seed is mixed into: so whoever reads the rows, in whichever parts, holds out
the same ones and draws the same sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from surefit.checking import memory_peak
from surefit.data.batches import Batches
from surefit.data.columns import Coded, Raw
from surefit.data.sources import raw_of
from surefit.data.table import read_table, spread_names

PARTS = ("train", "validation", "test")
WHOLE = 2.0**64


def hashes(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Numbers (n,) uint64 as good as random, one for each number and seed.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA
    2014).
    """
    z = numbers.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True)
class Rows:
    """Numbers of some rows, x (n, d), y (n, k), weights (n,) or None."""

    numbers: np.ndarray
    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None

    def some(self, which: np.ndarray) -> Rows:
        """These of them."""
        return Rows(self.numbers[which], self.x[which], self.y[which], None if self.weights is None
                    else self.weights[which])  # fmt: skip

    @classmethod
    def joined(cls, parts: list[Rows]) -> Rows:
        """All of them behind one another."""
        numbers, x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("numbers", "x", "y"))
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(numbers, x, y, np.concatenate(weights) if weights else None)


@dataclass(frozen=True)
class Reader:
    """How a part of a table becomes rows: which columns, how they are coded, which rows train and which are held out.

    It can be sent to where the parts are. shares: of training, validation and test data.
    """

    inputs: tuple[str, ...]  # as the table names them
    targets: tuple[str, ...]
    weights: str | None
    coding: tuple[Coded, ...]
    drop: bool
    seed: int
    shares: tuple[float, float, float]

    @property
    def columns(self) -> list[str]:
        """All that are read."""
        own = [*self.inputs, *self.targets]
        return own if self.weights is None or self.weights in own else [*own, self.weights]

    def rows(self, start: int, part: Any) -> Rows:
        """The rows of a part that begins with this number. DataError for a value that cannot be read."""
        raw = (part if isinstance(part, Raw) else raw_of(part))._replace(first=start)
        columns = [name for name in self.columns if name in raw.names]
        filled = {code.name for code in self.coding if code.fills}
        if self.drop and _all_missing(raw, [name for name in columns if name not in filled]):
            nothing = np.zeros((0, len(spread_names(self.inputs, self.coding))))
            weights = None if self.weights is None else np.zeros(0)
            return Rows(np.zeros(0, np.int64), nothing, np.zeros((0, len(self.targets))), weights)
        coding = None if raw.coding else self.coding
        table = read_table(raw, columns=columns, targets=self.targets, drop_missing=self.drop, coding=coding)
        numbers = np.arange(len(table)) if table.row_numbers is None else table.row_numbers
        weights = None
        if self.weights is not None:
            weights = table[self.weights]
            table = table.select([name for name in table.inputs if name != self.weights])
        return Rows((start + numbers).astype(np.int64), table.x, table.y, weights)

    def part_of(self, numbers: np.ndarray) -> np.ndarray:
        """Where rows belong, places in PARTS, (n,)."""
        at = hashes(numbers, self.seed)
        test, held = self.shares[2], self.shares[1] + self.shares[2]
        validation = (at < np.uint64(min(held * WHOLE, WHOLE - 2**11))) if held > 0 else np.zeros(len(at), bool)
        tested = (at < np.uint64(min(test * WHOLE, WHOLE - 2**11))) if test > 0 else np.zeros(len(at), bool)
        return np.where(tested, 2, np.where(validation, 1, 0))


def _all_missing(raw: Raw, columns: list[str]) -> bool:
    """Whether each row misses a number."""
    missing = np.zeros(len(raw.columns[0]), bool)
    for name in columns:
        own = raw.columns[raw.names.index(name)]
        if isinstance(own, np.ndarray) and own.dtype.kind == "f":
            missing |= np.isnan(own)
    return bool(missing.all())


@dataclass(frozen=True)
class Survey:
    """What was seen of some rows: how many of each part, their range, how many were left out, and a sample.

    digest: a sum over the rows that any of their numbers changes; modulo 2^64, so in whatever parts they come.
    """

    counts: np.ndarray  # (3,)
    left_out: int
    low: np.ndarray  # (d,) of the inputs
    high: np.ndarray
    largest: float  # |value|
    smallest_weight: float
    samples: tuple[Rows, ...]  # of each part, those with the smallest hashes
    digest: int

    def merged(self, other: Survey, most: int, seed: int) -> Survey:
        """Of both together, with at most so many rows in each sample."""
        samples = tuple(
            least(Rows.joined([a, b]), most, seed) for a, b in zip(self.samples, other.samples, strict=True)
        )
        return Survey(
            self.counts + other.counts, self.left_out + other.left_out, np.minimum(self.low, other.low),
            np.maximum(self.high, other.high), max(self.largest, other.largest),
            min(self.smallest_weight, other.smallest_weight), samples, (self.digest + other.digest) % 2**64,
        )  # fmt: skip


def least(rows: Rows, most: int, seed: int) -> Rows:
    """At most so many of these rows, those with the smallest hashes: a sample that no order of rows changes."""
    if len(rows.numbers) <= most:
        return rows
    at = hashes(rows.numbers, seed + 1)
    return rows.some(np.sort(np.argpartition(at, most)[:most]))


def surveyed(reader: Reader, most: int, cut: float, start: int, part: Any) -> Survey | None:
    """What there is in a part; None: no row. cut: share of the rows that may be in a sample, as far as is known."""
    length = len(part.columns[0]) if isinstance(part, Raw) else len(part)
    rows = reader.rows(start, part)
    if not len(rows.numbers):
        return None
    where = reader.part_of(rows.numbers)
    few = hashes(rows.numbers, reader.seed + 1) <= np.uint64(min(cut * WHOLE, WHOLE - 2**11))
    return Survey(
        np.bincount(where, minlength=3), length - len(rows.numbers), rows.x.min(axis=0), rows.x.max(axis=0),
        float(np.abs(rows.y).max()), np.inf if rows.weights is None else float(rows.weights.min()),
        tuple(least(rows.some((where == i) & few), most, reader.seed) for i in range(3)), _digest(rows),
    )  # fmt: skip


def _digest(rows: Rows) -> int:
    """See `Survey`."""
    found = rows.numbers.astype(np.uint64)
    columns = [*rows.x.T, *rows.y.T, *([] if rows.weights is None else [rows.weights])]
    for i, column in enumerate(columns):
        found = hashes(found ^ np.ascontiguousarray(column, np.float64).view(np.uint64), i)
    return int(found.sum(dtype=np.uint64))


def only(reader: Reader, which: int, start: int, part: Any) -> Rows:
    """The rows of one part of the data in a part of the table."""
    rows = reader.rows(start, part)
    return rows.some(reader.part_of(rows.numbers) == which)


@dataclass
class Stream:
    """A table that is read in parts, and how.

    used: training rows that an output layer was solved for. memory: bytes that the process has held at most, as far as
    is known. digest: of all that is in it.
    """

    batches: Batches
    reader: Reader
    counts: dict[str, int] = field(default_factory=dict)
    sample: int = 0  # training rows that are at hand
    used: int | None = None
    memory: float = 0.0
    digest: int = 0

    def survey(self, most: int) -> Survey | None:
        """One pass over all rows: counts, ranges, and a sample of at most so many rows of each part."""
        total = self.batches.rows
        share = min(s for s in self.reader.shares if s > 0)
        cut = 1.0 if not total else min(1.0, 2.0 * (most + 100) / (share * total))
        found: Survey | None = None
        for one in self.batches.map(partial(surveyed, self.reader, most, cut), self.reader.columns):
            if one is not None:
                found = one if found is None else found.merged(one, most, self.reader.seed)
        return found

    def rows(self, part: str) -> Iterator[Rows]:
        """All rows of a part of the data, in order."""
        for rows in self.batches.map(partial(only, self.reader, PARTS.index(part)), self.reader.columns):
            if len(rows.numbers):
                yield rows

    def largest_error(self, predict: Callable[[np.ndarray], np.ndarray]) -> float:
        """The largest |error| of a prediction (n, d) -> (n, k) at all validation rows, or training rows without any."""
        part = "validation" if self.counts["validation"] else "train"
        largest = [float(np.abs(predict(r.x) - r.y).max()) for r in self.rows(part)]
        return float(np.nan_to_num(np.max(largest, initial=0.0), nan=np.inf, posinf=np.inf))

    def to_dict(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """For the card. details: of the fit, "used" and "window" among them where they are not known here."""
        used, window = details.get("used", self.used), details.get("window")
        own = {} if window is None else {"window": window}
        return {"sample": self.sample, "used": used, "memory": max(self.memory, memory_peak() or 0.0)} | own


__all__ = ["PARTS", "Reader", "Rows", "Stream", "Survey", "hashes", "least", "only", "surveyed"]
