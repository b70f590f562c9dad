"""What the rows of a table are like before anything is fitted: columns that say nothing, rows that contradict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surefit.data.columns import TEXT, Coded
from surefit.sentences import Sentence, say

if TYPE_CHECKING:
    from surefit.problems.problem import Problem

MOST = 20_000  # rows looked at
FEWEST = 8  # rows, of which fewer are alike by chance
DISAGREE = 0.05  # of the target's deviation: what rows at the same place may differ by without a word
ROUNDING = 1e-12  # of the largest value, in a mean of equal ones
COPIED = 0.1  # of the rows, from which on copies of others are told
REPLICATED = 0.1  # of the target's deviation: rows at the same place that differ by no more say what the others are
OWN_VALUE = 0.5  # of the places, as many as the values of an input that is no level or category
MARKS = (-999.0, 999.0, -9999.0, 9999.0, -99999.0, 99999.0, -999999.0, 999999.0, -1e20, 1e20, 9.96921e36, 1e30)
FAR = 5.0  # sizes of the other values
NAMED = 8  # columns that are named; of more the number


def places(x: np.ndarray) -> np.ndarray:
    """Points (n, d) as bytes (n,), so that equal ones are found."""
    return np.ascontiguousarray(x + 0.0).view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()


def disagreement(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """By how much rows at the same place differ in each output, their standard deviation there, (k,); 0 without any.

    No function of these inputs can come closer to them.

    >>> disagreement(np.array([[0.0], [0.0], [1.0]]), np.array([[1.0], [3.0], [9.0]])).round(3).tolist()
    [1.414]
    """
    _, place, times = np.unique(places(x), return_inverse=True, return_counts=True)
    free = len(x) - len(times)
    if free == 0:
        return np.zeros(y.shape[1])
    mean = np.stack([np.bincount(place, column, len(times)) / times for column in y.T], axis=1)
    return np.sqrt(np.square(y - mean[place]).sum(axis=0) / free)


def copies(x: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (column, an earlier one) of which one is the other in other units: a linear function of it.

    >>> copies(np.array([[0.0, 5.0, 32.0], [10.0, 1.0, 50.0], [20.0, 2.0, 68.0]]))  # Celsius and Fahrenheit
    [(2, 0)]
    """
    first: dict[bytes, int] = {}
    found = []
    for j, column in enumerate(x.T):
        low, width = column.min(), np.ptp(column)
        if width > 0:
            unit = (column - low) / width
            ends = np.flatnonzero((unit == 0) | (unit == 1))
            key = np.round(unit if unit[ends[0]] == 0 else 1 - unit, 9) + 0.0
            if (other := first.setdefault(key.tobytes(), j)) != j:
                found.append((j, other))
    return found


def marked(column: np.ndarray) -> float | None:
    """The number by which a column seems to say that a value is missing, far from all others; None without one.

    >>> marked(np.array([3.0, 5.0, -9999.0, 4.0])), marked(np.array([-9999.0, -4000.0, 0.0, 4000.0]))
    (-9999.0, None)
    """
    for mark in MARKS:
        others = column[column != mark]
        if len(others) < len(column) and len(others) > 1:
            far = max(others.min() - mark, mark - others.max())
            if far > FAR * max(np.ptp(others), abs(others).max()):
                return mark
    return None


def distinct(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """The rows that are no copies of an earlier one, in order, where many are; else None.

    Of rows at the same place that all have the same values one says all that can be learned there. With the others a
    row that is left out, or held out, is known from its copy: a network that goes through all rows, and is right
    nowhere else, then seems to have no error. Where values differ at any place, rows are measurements of their own;
    where the target has two values, they may be classes, whose frequencies count; and where no input has about as many
    values as there are places, as with categories and levels, new rows are at the same places. Of more than MOST rows
    none are looked for.
    """
    if not FEWEST <= len(x) <= MOST or all(len(np.unique(column)) <= 2 for column in y.T):
        return None
    _, first = np.unique(places(x), return_index=True)
    if len(x) - len(first) < COPIED * len(x) or not _agree(disagreement(x, y), y):
        return None
    values = max(len(np.unique(column)) for column in x[first].T)
    return np.sort(first) if values >= max(FEWEST, OWN_VALUE * len(first)) else None


def replicated(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Of each row (n,) the number of its place, where many share one and differ there by next to nothing; else None.

    A row that is left out is then known from its neighbour at the same place, however wrong a fit is between them. As
    for `distinct`, some input must have about as many values as there are places, or new rows are at the same ones.
    Where rows differ by more, noise is most of what any of them is missed by.
    """
    if not FEWEST <= len(x) <= MOST:
        return None
    _, first, place = np.unique(places(x), return_index=True, return_inverse=True)
    if len(x) - len(first) < COPIED * len(x) or (disagreement(x, y) > REPLICATED * y.std(axis=0)).any():
        return None
    values = max(len(np.unique(column)) for column in x[first].T)
    return np.ravel(place) if values >= max(FEWEST, OWN_VALUE * len(first)) else None


def telling(problem: Problem) -> np.ndarray:
    """Training rows (n,) bool whose texts other rows have, too; all, where that is none of them.

    Without the one row that has a text nobody would know of it, nor ever be asked: what it is missed by when it is left
    out says nothing of new rows, whose texts are all known.
    """
    x = problem.train[0]
    found = np.ones(len(x), bool)
    for code in problem.coding:
        columns = [problem.names.index(name) for name in code.columns if name in problem.names]
        if code.kind != TEXT or len(columns) != len(code.columns):
            continue
        _, which, counts = np.unique(x[:, columns], axis=0, return_inverse=True, return_counts=True)
        found &= counts[np.ravel(which)] > 1
    return found if found.any() else ~found


def _agree(differ: np.ndarray, y: np.ndarray) -> bool:
    """Whether rows at the same place differ by rounding alone."""
    return bool((differ <= ROUNDING * np.abs(y).max(axis=0)).all())


def notes(x: np.ndarray, y: np.ndarray, names: Sequence[str], outputs: Sequence[str]) -> tuple[Sentence, ...]:
    """What the card should say about the rows of a table, of which the first MOST are looked at."""
    x, y = x[:MOST], y[:MOST]
    said = [
        say("constant-target", name=name, value=float(column[0]) + 0.0)
        for name, column in zip(outputs, y.T, strict=True)
        if len(y) > 1 and np.ptp(column) == 0
    ]
    if len(x) < FEWEST:
        return tuple(said)
    flat = [name for name, column in zip(names, x.T, strict=True) if np.ptp(column) == 0]
    if flat:
        said.append(say("constant-inputs", names=_listed(flat)))
    if twice := copies(x):
        said.append(say("copied-inputs", pairs=_listed([f"{names[j]} ({names[i]})" for j, i in twice])))
    for name, column in zip((*names, *outputs), (*x.T, *y.T), strict=True):
        if (mark := marked(column)) is not None:
            said.append(say("missing-mark", name=name, mark=mark, count=int((column == mark).sum())))
    differ, deviation = disagreement(x, y), y.std(axis=0)
    for name, by, whole in zip(outputs, differ, deviation, strict=True):
        if by > DISAGREE * whole:
            said.append(say("rows-contradict", name=name, by=float(by)))
    if _agree(differ, y) and (count := len(x) - len(np.unique(places(x)))) >= COPIED * len(x):
        said.append(say("rows-copied", count=count, rows=len(x)))
    return tuple(said)


def alike_texts(coding: Sequence[Coded]) -> tuple[Sentence, ...]:
    """Texts of one column that differ in capital letters, blanks or stops alone, as slips of the pen do.

    >>> [str(s) for s in alike_texts([Coded("colour", "text", ("Red", "blue", "red"))])]
    ['texts of colour that are categories of their own and differ in letters or blanks alone: Red and red']
    """
    said = []
    for code in coding:
        groups: dict[str, list[str]] = {}
        for text in code.categories:
            groups.setdefault("".join(text.casefold().split()).strip(".,;:"), []).append(text)
        if alike := [" and ".join(group) for group in groups.values() if len(group) > 1]:
            said.append(say("texts-alike", name=code.name, texts=_listed(alike)))
    return tuple(said)


def _listed(words: Sequence[str]) -> str:
    more = f", ... ({len(words)})" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more


__all__ = ["alike_texts", "copies", "disagreement", "distinct", "marked", "notes", "places", "replicated", "telling"]
