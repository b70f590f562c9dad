"""A table that is read in parts as a Problem: its rows are a sample, its counts and ranges those of all rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from surefit.checking import near
from surefit.data import Domain, Noise, Sampling, Table, raw_names, read_table
from surefit.data.batches import Batches, batches_of
from surefit.data.columns import ABSENT, MOST_TEXTS, NUMBER, TEXT, Coded, Raw
from surefit.data.sources import raw_of
from surefit.data.table import check_categories, column_of, spread_names
from surefit.errors import ArgumentError, DataError, DomainError
from surefit.problems import rows as about_rows
from surefit.problems.points import check_size
from surefit.problems.problem import Points, Problem
from surefit.problems.streams import PARTS, Reader, Rows, Stream, hashes
from surefit.sentences import say
from surefit.spelling import spelled

SAMPLE = 100_000  # rows of each part of the data that are kept: they scale, place units, choose, and are drawn
ALONE = {  # fields of a Sampling that need all rows at once
    "groups": "rows of one group",
    "order": "the order of all rows",
    "test": "a table of test rows",
    "folds": "fits without a part of the rows",
    "target_scale": "the logarithm of the target",
    "noise": "the noise of each row",
    "derivatives": "gradients",
    "quantile": "quantiles",
    "monotone": "a network with weights of one sign",
    "periodic": "the sine and cosine of an input",
    "adaptive": "more values",
    "faces": "more values",
    "verify": "more values",
    "extra_box": "more values",
    "count": "more values",
}
Plain = str | int | float | tuple | None


class Parts(Enum):
    """What a method does with a table that is read in parts: nothing, or it needs one or many passes over it."""

    NONE = 0
    ONCE = 1
    OFTEN = 2


def in_parts(target: Any, plan: Sampling, reading: Mapping[str, Any], able: Parts) -> Batches | None:
    """The parts of a table that is read in parts; None: of one that is not. able: what the method does with such a one.

    What goes over a table many times has a large file in memory where it is asked for something that needs all rows.

    ArgumentError: it must be read in parts, and the method cannot.
    """
    must = plan.stream or hasattr(target, "to_delayed") or isinstance(target, Batches)
    must = must or (isinstance(target, str | os.PathLike) and os.path.isdir(target))
    if not must and (able is Parts.NONE or (able is Parts.OFTEN and next(needing_all(plan), None))):
        return None
    found = batches_of(target, plan.stream, _with_weights(plan, reading))
    if found is not None and able is Parts.NONE:
        raise ArgumentError(
            "method: a table in parts is fitted by 'features', which is then also the choice of 'auto', or trained on "
            "by a first-order method such as 'adam'; with another method give a file that fits into memory, and "
            f"{spelled('stream', 'True')} to none"
        )
    return found


def needing_all(plan: Sampling) -> Iterator[str]:
    """The fields of a plan, names in `ALONE`, that ask for something that needs all rows at once."""
    for name in ALONE:
        value = plan.noise_of_rows if name == "noise" else getattr(plan, name)
        nothing = value in (None, False, "error", "linear", ()) if isinstance(value, Plain) else False
        if not nothing and not (isinstance(value, int | float) and value == 0):
            yield name


def _with_weights(plan: Sampling, reading: Mapping[str, Any]) -> dict[str, Any]:
    """How a table is read, its column of weights too."""
    own = dict(reading)
    if plan.weights is not None and own.get("inputs") is not None:
        given = own["inputs"]
        several = [given] if isinstance(given, str | int) else list(given)
        own["inputs"] = several if plan.weights in several else [*several, plan.weights]
    return own


def of_parts(batches: Batches, domain: Any, plan: Sampling, seed: int, reading: Mapping[str, Any]) -> Problem:
    """The Problem of a table in parts: one pass over all rows.

    ArgumentError for what needs all rows at once; DataError, DomainError as for any table.
    """
    _refuse(plan)
    reading = _with_weights(plan, reading if batches.reading is None else batches.reading)
    reader = _reader(batches, plan, seed, reading)
    stream = Stream(batches, reader)
    found = stream.survey(SAMPLE)
    if found is None or not found.counts[0]:
        raise DataError(f"{batches.label}: no rows to train on")
    if found.smallest_weight < 0:
        raise ArgumentError(f"weights: column {reader.weights!r} holds {found.smallest_weight:g}; weights must be >= 0")
    check_size(np.array([found.largest]))
    names = spread_names(reader.inputs, reader.coding)
    box = _box(domain, names, found.low, found.high)
    stream.counts = dict(zip(PARTS, (int(n) for n in found.counts), strict=True))
    stream.sample, stream.digest = len(found.samples[0].numbers), found.digest
    train, validation, test = found.samples
    source = {"kind": "table", "name": batches.label, "rows": int(found.counts.sum()) + found.left_out}
    rows = _points(train)
    assert rows is not None
    notes = (*about_rows.notes(train.x, train.y, names, reader.targets), *about_rows.alike_texts(reader.coding))
    if plan.missing == "median" and int(found.counts.sum()) + found.left_out > SAMPLE:
        notes = (*notes, say("median-of-some", rows=SAMPLE))
    return Problem(
        names=names, outputs=reader.targets, domain=box, train=rows, validation=_points(validation), test=_points(test),
        weights=train.weights, function=None, source=source, rows=stream.counts,
        validation_weights=validation.weights, plan=plan, coding=reader.coding, stream=stream,
        row_numbers={part: own.numbers for part, own in zip(PARTS, found.samples, strict=True)},
        notes=(*notes, say("rows-missing", count=found.left_out)) if found.left_out else notes,
        known=plan.noise is not None and _scale(plan) == 0.0,
    )  # fmt: skip


def _scale(plan: Sampling) -> float:
    """Of the noise; its larger end where it is a range."""
    scale = Noise.read(plan.noise).scale
    return float(np.max(np.abs(scale)))


def _points(rows: Rows) -> Points | None:
    return (rows.x, rows.y) if len(rows.numbers) else None


def _refuse(plan: Sampling) -> None:
    for name in needing_all(plan):
        raise ArgumentError(
            f"{name}: {ALONE[name]} cannot be had of a table that is read in parts; leave it out, or read all at once "
            f"with {spelled('stream', 'False', 'data=Sampling(stream=False)')}"
        )
    if plan.weights is not None and not isinstance(plan.weights, str):
        raise ArgumentError("weights: of a table that is read in parts they are a column; give its name")
    if plan.noise is not None and _scale(plan) > 0.0:
        raise ArgumentError("noise: is added to values of a function; a table in parts stays as it is")


def _reader(batches: Batches, plan: Sampling, seed: int, reading: Mapping[str, Any]) -> Reader:
    """How parts are read: columns and their coding are those of the first part."""
    first = next(batches.parts(), None)
    if first is None:
        raise DataError(f"{batches.label}: no row")
    weights, drop = plan.weights, plan.drop_nonfinite or bool(reading.get("drop_missing"))
    own = {key: value for key, value in reading.items() if key in ("targets", "inputs")}
    fill = plan.missing == "median"
    table: Table = read_table(first, drop_missing=drop, missing=plan.missing, **own)
    if weights is not None and weights not in table.names:
        raise DataError(f"weights: the table has no column {weights!r}{near(weights, table.names)}")
    if weights in table.targets:
        raise DataError(f"weights: {weights!r} is the target; name another with {spelled('target', '...')}")
    inputs = tuple(name for name in raw_names(table.inputs, table.coding) if name != weights)
    if not inputs:
        raise DataError(f"{batches.label}: no input columns")
    if not drop:
        always = [*table.targets, *([] if weights is None else [weights])]  # for which nothing is filled in
        batches.check_columns(always if fill else [*inputs, *always], reading.get("inputs") is None)
    coding = _known(batches, table.coding)
    coding = _filled(batches, inputs, coding, seed) if fill else coding
    return Reader(inputs, table.targets, weights, coding, drop, seed, plan.shares)


class _Values(NamedTuple):
    """Values of inputs at the rows with the smallest hashes, NaN where missing, and in which a value is missing."""

    at: np.ndarray  # (n,) the hashes
    values: np.ndarray  # (n, inputs)
    missing: np.ndarray  # (inputs,)

    @classmethod
    def joined(cls, parts: Sequence[_Values]) -> _Values:
        """Of all parts together, at most `SAMPLE` rows."""
        at, values = (np.concatenate([getattr(part, name) for part in parts]) for name in ("at", "values"))
        few = np.argsort(at, kind="stable")[:SAMPLE]
        return cls(at[few], values[few], np.any([part.missing for part in parts], axis=0))


def _filled(batches: Batches, inputs: Sequence[str], coding: tuple[Coded, ...], seed: int) -> tuple[Coded, ...]:
    """The coding by which missing values are filled in: by medians of all rows, or of `SAMPLE` that the seed draws.

    Another pass over the inputs. DataError for one that holds no value.
    """
    known = {code.name: code for code in coding}
    plain = [replace(known.get(name, Coded(name, NUMBER)), fill=None, flagged=False) for name in inputs]
    found: _Values | None = None
    for part in batches.map(partial(_values, plain, seed), list(inputs)):
        found = part if found is None else _Values.joined([found, part])
    assert found is not None
    filled = []
    for code, column, missing in zip(plain, found.values.T, found.missing.tolist(), strict=True):
        if code.kind == TEXT:
            both = tuple(sorted({*code.categories, ABSENT})) if missing else code.categories
            filled.append(replace(code, categories=both))
        elif np.isnan(column).all():
            raise DataError(
                f"{batches.label}: column {code.name!r} holds no value at all, so it has no median; leave it out"
            )
        else:
            filled.append(replace(code, fill=float(np.nanmedian(column)), flagged=missing))
    return tuple(filled)


def _values(coding: Sequence[Coded], seed: int, start: int, part: Any) -> _Values:
    """Of the part that begins with this row."""
    raw = (part if isinstance(part, Raw) else raw_of(part))._replace(first=start)
    n = len(raw.columns[0])
    values, missing = np.zeros((n, len(coding))), np.zeros(len(coding), bool)
    for j, code in enumerate(coding):
        column = column_of(raw.columns[raw.names.index(code.name)], code.name, raw, code.kind == TEXT)
        absent = column.missing()
        missing[j] = bool(absent.any())
        if code.kind != TEXT:
            values[:, j] = np.nan if absent.all() else code.encode(column, raw)[:, 0]
    return _Values.joined([_Values(hashes(np.arange(start, start + n), seed + 2), values, missing)])


def _known(batches: Batches, coding: tuple[Coded, ...]) -> tuple[Coded, ...]:
    """The coding of the first part with the texts of all parts; it takes a pass over columns of texts.

    DataError where they are too many to be categories.
    """
    names = [code.name for code in coding if code.kind == TEXT]
    if not names:
        return coding
    known = {code.name: code for code in coding}
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for end, texts in batches.map(partial(_texts, names), names):
        for name, some in texts.items():
            before = len(counts[name])
            counts[name].update(some)
            if len(counts[name]) > max(before, MOST_TEXTS):
                check_categories(Coded.of_texts(name, counts[name]), end, Raw(batches.label, [], []))
    for name, found in counts.items():
        known[name] = Coded.of_texts(name, found)
        check_categories(known[name], sum(found.values()), Raw(batches.label, [], []))
    return tuple(known.values())


def _texts(names: list[str], start: int, part: Any) -> tuple[int, dict[str, Counter[str]]]:
    """The number of the row behind a part that begins with this one, and how often each text is in its columns."""
    raw = (part if isinstance(part, Raw) else raw_of(part))._replace(first=start)
    found = {}
    for name in names:
        column = column_of(raw.columns[raw.names.index(name)], name, raw, True)
        found[name] = Counter(v for v in column.values if v is not None) if column.kind == TEXT else Counter()
    return start + len(raw.columns[0]), found


def _box(domain: Any, names: tuple[str, ...], low: np.ndarray, high: np.ndarray) -> Domain:
    """The box of all rows, or the user's own where one is given."""
    own = Domain.around(np.stack([low, high]), names=names)
    if domain is None:
        return own
    given = domain if isinstance(domain, Domain) else Domain(domain, names=None if Domain.is_named(domain) else names)
    if not set(given.names) <= set(names):
        raise DomainError(f"domain: names {', '.join(given.names)}, but the table's inputs are {', '.join(names)}")
    axes = dict(zip(own.names, own.bounds, strict=True)) | dict(zip(given.names, given.axes, strict=True))
    box = Domain({name: axes[name] for name in names})
    if box.log.any() and (low <= 0)[box.log].any():
        raise DomainError("domain: a logarithmic input has values that are not above 0; leave 'log' out, or such rows")
    return box


__all__ = ["ALONE", "SAMPLE", "Parts", "in_parts", "needing_all", "of_parts"]
