"""Cross-validation: a fit to all rows, whose error is that of fits which left a part of the rows out, each in turn.

What is estimated is the error of the whole procedure, its choices included (Stone 1974; Hastie, Tibshirani and Friedman
2009, The Elements of Statistical Learning, section 7.10). Rows of one group are left out together, and where there are
as many folds as groups, or more, each group alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from surefit.models.inference import evaluate
from surefit.problems.problem import Points, Problem
from surefit.problems.rows import places
from surefit.search.judging import Judge
from surefit.search.limits import FOLDS_OF_MORE
from surefit.search.record import Record
from surefit.search.restarts import at_once
from surefit.sentences import say

FitOne = Callable[..., Record]
# Folds are fitted one after the other below so many rows, for their threads would wait for each other most of the time,
# and above so many numbers in the table, of which each that is under way has a copy.
ROWS_AT_ONCE, LARGE = 200, 10_000_000


def cross_validated(record: Record, fit_one: FitOne, folds: int, halted: Callable[[], bool] | None = None) -> Record:
    """The record with its error estimated by so many fits, each without a part of the rows, at once over the cores.

    `fit_one(problem, halted=)` makes them; they stop where `halted` says so, too.
    """
    problem = record.problem
    x, y, _, labels = _rows(problem)
    place = folds_of(len(x), labels, folds, record.seed)
    count = int(place.max()) + 1

    def one(fold: int, *, halted: Callable[[], bool]) -> Record:
        part = without(problem, place == fold, record.seed)
        return fit_one(part, halted=lambda: halted() or asked())

    asked = halted or (lambda: False)
    calls = [partial(one, fold) for fold in range(count)]
    alone = len(x) < ROWS_AT_ONCE or x.size + y.size > LARGE
    others, interrupted = at_once(calls, 1 if alone else None)
    done = [other for other in others if other is not None and not other.interrupted]
    if interrupted or len(done) < count:
        record.interrupted = True
        record.warnings.append(say("folds-interrupted", done=len(done), folds=count))
        return record
    found = np.full(y.shape, np.nan)
    for fold, other in enumerate(done):
        found[place == fold] = evaluate(other.model, x[place == fold])
    kind = "folds" if labels is None else "groups"
    error = replace(Judge.apart(problem, found, (x, y), kind), folds=count)
    n = len(problem.train[0])  # the training rows come first
    left_out = record.model.scaling.errors(found[:n], y[:n])
    return replace(record, error=error, left_out=left_out, across=found)


def folds_of_places(record: Record, time: float | None) -> int | None:
    """The folds that tell the error of few rows of which several are at one place; else None, and with a limit of time.

    In that the fit itself is made, and nothing is left of it for others.
    """
    places = record.problem.source.get("places")
    chosen = record.error.kind == "estimated"  # not where something else tells it
    return min(FOLDS_OF_MORE, places) if places is not None and chosen and time is None else None


def _rows(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Points, values, weights and groups of all rows, those for training first."""
    parts = [problem.train, *([] if problem.validation is None else [problem.validation])]
    x, y = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    weights = None
    if problem.weights is not None:
        validation = problem.validation_weights
        weights = np.concatenate([problem.weights, *([] if validation is None else [validation])])
    labels = None
    if problem.plan is not None and problem.plan.groups is not None:
        assert problem.row_numbers is not None
        rows = np.concatenate([problem.row_numbers["train"], problem.row_numbers["validation"]])
        labels = np.array(problem.plan.groups)[rows]
    elif "places" in problem.source:
        labels = np.unique(places(x), return_inverse=True)[1].ravel()
    return x, y, weights, labels


def folds_of(n: int, labels: np.ndarray | None, folds: int, seed: int) -> np.ndarray:
    """The fold (n,) of each of n rows, from 0; rows with one label (n,) are in one fold.

    >>> np.bincount(folds_of(10, None, 3, 0)).tolist()
    [4, 3, 3]
    >>> folds_of(4, np.array([7, 3, 7, 3]), 5, 0).tolist()
    [1, 0, 1, 0]
    """
    rng = np.random.default_rng([seed, 0xF01D])
    if labels is None:
        return rng.permutation(n) % min(folds, n)
    _, group = np.unique(labels, return_inverse=True)
    sizes = np.bincount(group)
    if len(sizes) <= folds:
        return group
    fold, filled = np.empty(len(sizes), int), np.zeros(folds, int)
    for g in np.lexsort((rng.permutation(len(sizes)), -sizes)):  # the largest first, into the emptiest
        fold[g] = int(np.argmin(filled))
        filled[fold[g]] += sizes[g]
    return fold[group]


def without(problem: Problem, out: np.ndarray, seed: int) -> Problem:
    """The problem without some of its rows (n,) bool, training rows first, split as the whole one was."""
    x, y, weights, labels = _rows(problem)
    plan = problem.plan
    assert plan is not None
    rest = np.flatnonzero(~out)
    train, validation = np.arange(len(rest)), np.arange(0)
    if problem.validation is not None:
        share = len(problem.validation[0]) / len(x)
        labelled = None if labels is None else labels[rest]
        again = replace(plan, split=(1.0 - share, share, 0.0), groups=labelled, folds=None, test=None)
        train, validation, _ = again.rows(len(rest), np.random.default_rng([seed, 0x5B11]))
    inside, held_out = rest[train], rest[validation]

    def points(rows: np.ndarray) -> Points | None:
        return (x[rows], y[rows]) if len(rows) else None

    whole = points(inside)
    assert whole is not None
    return replace(
        problem, train=whole, validation=points(held_out), test=(x[out], y[out]),
        weights=None if weights is None else weights[inside],
        validation_weights=None if weights is None or not len(held_out) else weights[held_out],
        row_numbers=None, rows=None,
    )  # fmt: skip


__all__ = ["cross_validated", "folds_of", "without"]
