"""Inputs between whose values there is nothing: columns of texts, yes and no, and of what is missing.

A table's column of texts is a 0 or 1 for each text inside a fit. Half a text, or two at once, is no row that could ever
be measured, so what is read off a fit goes through the texts one by one and varies numbers alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from surefit.data import Domain
from surefit.data.columns import ABSENT, BOOLEAN, TEXT, Coded
from surefit.errors import ArgumentError, DomainError
from surefit.readings.surface import Held, Surface

MOST = 256  # combinations of texts that are gone through one by one


class Choice(NamedTuple):
    """One column of a table as an input of which each value is one of a few.

    name: of the column. columns: the inputs that it became. rows: their numbers for each value, (m, len(columns)).
    labels: the values, as `predict` takes them. hidden: whether it only says that a value is missing, and is held at
    "it is there".
    """

    name: str
    columns: list[int]
    rows: np.ndarray
    labels: tuple[Any, ...]
    hidden: bool = False


def choices_of(surface: Surface, box: Domain) -> list[Choice]:
    """The choices of a surface in a part of its domain, in the order of its inputs. DomainError: it allows none."""
    found = []
    for code in surface.coding:
        if not set(code.columns) <= set(surface.names) or (choice := _choice(code, surface.names)) is None:
            continue
        low, high = box.low[choice.columns], box.high[choice.columns]
        fits = np.asarray(((choice.rows >= low) & (choice.rows <= high)).all(axis=1))
        if not fits.any():
            raise DomainError(
                f"box: it leaves no value of {choice.name!r}, which is one of {', '.join(map(str, choice.labels))}; "
                f"hold it by slice({choice.name}={choice.labels[0]!r})"
            )
        labels = tuple(choice.labels[i] for i in np.flatnonzero(fits))
        found.append(choice._replace(rows=choice.rows[fits], labels=labels))
    return sorted(found, key=lambda choice: choice.columns[0])


def _choice(code: Coded, names: Sequence[str]) -> Choice | None:
    columns = [names.index(name) for name in code.columns]
    if code.kind == TEXT:
        rows = np.eye(len(code.categories))
        rows = rows[:, 1:] if len(code.categories) == 2 else rows
        kept = [i for i, text in enumerate(code.categories) if text != ABSENT or len(code.categories) == 1]
        return Choice(code.name, columns, rows[kept], tuple(code.categories[i] for i in kept))
    if code.kind == BOOLEAN:
        rows = np.array([[0.0, 0.0], [1.0, 0.0]]) if code.flagged else np.array([[0.0], [1.0]])
        return Choice(code.name, columns, rows, (0.0, 1.0))
    return Choice(f"{code.name} {ABSENT}", columns[1:], np.zeros((1, 1)), (0.0,), True) if code.flagged else None


def snapped(x: np.ndarray, box: Domain, choices: Sequence[Choice]) -> np.ndarray:
    """Points (n, d) of a box whose choices are made: even points stay even among the values of each."""
    x = x.copy()
    for choice in choices:
        low, width = box.low[choice.columns], box.width[choice.columns]
        unit = ((x[:, choice.columns] - low) / np.where(width > 0, width, 1.0)).sum(axis=1) % 1.0
        x[:, choice.columns] = choice.rows[np.minimum((unit * len(choice.rows)).astype(int), len(choice.rows) - 1)]
    return x


def combinations(what: str, surface: Surface, choices: Sequence[Choice]) -> Iterator[Held | Surface]:
    """The surface with each combination of its choices held, itself where there is none.

    ArgumentError: there are more than `MOST`, or nothing else is left.
    """
    names = ", ".join(choice.name for choice in choices if not choice.hidden)
    if int(np.prod([float(len(choice.rows)) for choice in choices])) > MOST:
        raise ArgumentError(f"{what}: {names} have more than {MOST} combinations; hold some of them with slice(...)")
    if choices and sum(len(choice.columns) for choice in choices) == len(surface.names):
        raise ArgumentError(
            f"{what}: {names} take single values only, and there is no other input; call the fit at each"
        )
    for rows in itertools.product(*(choice.rows for choice in choices)):
        fixed = {
            surface.names[column]: float(value)
            for choice, row in zip(choices, rows, strict=True)
            for column, value in zip(choice.columns, row, strict=True)
        }
        yield Held(surface, fixed) if fixed else surface


def place_of(surface: Surface, x: np.ndarray, choices: Sequence[Choice]) -> dict[str, Any]:
    """A point (d,) by name, as `predict` takes it: texts instead of the numbers that they became."""
    of = {column: choice for choice in choices for column in choice.columns}
    found: dict[str, Any] = {}
    for i, name in enumerate(surface.names):
        if (choice := of.get(i)) is None:
            found[name] = float(x[i])
        elif not choice.hidden:
            which = int(np.abs(choice.rows - x[choice.columns]).sum(axis=1).argmin())
            found[choice.name] = choice.labels[which]
    return found


__all__ = ["Choice", "choices_of", "combinations", "place_of", "snapped"]
