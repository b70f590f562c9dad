"""Boosted trees, many models side by side: each tree asks the same question of all its nodes of a level.

Gradient boosting of squared errors (Friedman 2001, Greedy function approximation; 2002, Stochastic gradient boosting)
with oblivious trees (Prokhorenkova, Gusev, Vorobev, Dorogush and Gulin 2018, CatBoost, arXiv 1706.09516, section 4):
of depth D they have D thresholds and 2^D leaves. Values of an input are sorted into bins once. What a threshold gains
is read from sums over the bins of each node, which are taken for all models and all inputs at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Boosted:
    """Trees that were grown, of m models.

    start (m,): what the models begin with. inputs, low, high (t, m, depth): the input that each level asks for, and the
    neighbouring values between which its threshold is. leaves (t, m, 2^depth): what is added; the first level is the
    highest bit of the place of a leaf.
    """

    start: np.ndarray
    inputs: np.ndarray
    low: np.ndarray
    high: np.ndarray
    leaves: np.ndarray


def thresholds(column: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring values (b,) and (b,) of a column (n,) between which thresholds are; of many some, at quantiles.

    >>> thresholds(np.array([3.0, 1.0, 2.0, 1.0]), 9)
    (array([1., 2.]), array([2., 3.]))
    """
    values = np.unique(column)
    places = np.arange(len(values) - 1)
    if len(places) > most:
        chosen = np.quantile(column, np.arange(1, most + 1) / (most + 1), method="lower")
        places = np.unique(np.minimum(np.searchsorted(values, chosen), len(values) - 2))
    return values[places], values[places + 1]


def boost(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, generator: np.random.Generator, *, trees: int, depth: int = 6,
    rate: float = 0.1, rows: int, columns: int, bins: int = 64, ridge: float = 1.0,
    after: Callable[[int, np.ndarray], bool] = lambda number, values: False,
) -> Boosted | None:  # fmt: skip
    """Grow trees for m models at once; None where no input varies.

    Args:
        x: (n, d) rows.
        y: (n, m) values of each model.
        counts: (n, m) what a row counts for a model; 0: it has no part in it.
        generator: of the rows and inputs that each tree sees.
        trees: how many for each model.
        depth: levels of a tree.
        rate: share of its residuals that a tree takes away.
        rows, columns: how many rows and inputs each tree sees, drawn for each.
        bins: of an input at most.
        ridge: added to the count of a leaf, so that few rows say less.
        after: called with the number of trees and the values (n, m) of the models, which are not to be kept; whether to
            stop.

    >>> x = np.arange(8.0)[:, None]
    >>> grown = boost(x, 1.0 * (x > 3), np.ones((8, 1)), np.random.default_rng(0), trees=1, depth=1, rate=1.0,
    ...               rows=8, columns=1, ridge=0.0)
    >>> float(grown.low[0, 0, 0]), (grown.start + grown.leaves[0]).tolist()
    (3.0, [[0.0, 1.0]])
    """
    between = [thresholds(column, bins - 1) for column in x.T]
    varies = np.array([j for j, (low, _) in enumerate(between) if len(low)], int)
    if not len(varies):
        return None
    n, m = y.shape
    between, d = [between[j] for j in varies], len(varies)
    width = 1 + max(len(low) for low, _ in between)
    code = np.stack([np.searchsorted(high, x[:, j], "right") for j, (_, high) in zip(varies, between, strict=True)], 1)
    low, high = np.zeros((d, width)), np.zeros((d, width))
    exists = np.zeros((d, width), bool)
    for j, (a, b) in enumerate(between):
        low[j, : len(a)], high[j, : len(b)], exists[j, : len(a)] = a, b, True
    rows, columns = min(n, max(1, rows)), min(d, max(1, columns))
    alike = bool(((counts == 0) | (counts == 1)).all())  # then counting is enough
    start = (counts * y).sum(axis=0) / np.maximum(counts.sum(axis=0), 1e-300)
    values = np.tile(start, (n, 1))
    inputs, places = np.zeros((trees, m, depth), int), np.zeros((trees, m, depth), int)
    leaves = np.zeros((trees, m, 2**depth))
    models, size = np.arange(m), columns * width
    done = 0
    for number in range(trees):
        seen = np.sort(generator.permutation(n)[:rows]) if rows < n else np.arange(n)
        asked = np.sort(generator.permutation(d)[:columns]) if columns < d else np.arange(d)
        of_row, of_model = np.nonzero(counts[seen])
        of_row = seen[of_row]
        weight = None if alike else counts[of_row, of_model]
        rest = y[of_row, of_model] - values[of_row, of_model]
        rest = rest if weight is None else rest * weight
        sums, whole = np.repeat(rest, columns), None if weight is None else np.repeat(weight, columns)
        cells = (np.arange(columns) * width + code[:, asked])[of_row]
        possible = exists[asked].reshape(-1)
        node, own = np.zeros((n, m), np.int64), np.zeros(len(of_row), np.int64)
        for level in range(depth):
            nodes = m * 2**level
            cell = (cells + ((of_model * 2**level + own) * size)[:, None]).reshape(-1)
            total, count = (
                np.bincount(cell, w, nodes * size).astype(np.float32).reshape(nodes, columns, width)
                for w in (sums, whole)
            )
            gain = _gains(total, count, ridge).reshape(m, 2**level, size).sum(axis=1)
            gain[:, ~possible] = -1.0
            best = gain.argmax(axis=1)
            column, place = asked[best // width], best % width
            inputs[number, :, level], places[number, :, level] = column, place
            node = 2 * node + (code[:, column] > place)
            own = node[of_row, of_model]
        leaf = of_model * 2**depth + own
        missed, counted = (np.bincount(leaf, w, m * 2**depth).reshape(m, -1) for w in (rest, weight))
        leaves[number] = rate * missed / np.maximum(counted + ridge, 1e-300)
        values += leaves[number][models, node]
        done = number + 1
        if after(done, values):
            break
    inputs, places = inputs[:done], places[:done]
    return Boosted(start, varies[inputs], low[inputs, places], high[inputs, places], leaves[:done])


def _gains(total: np.ndarray, count: np.ndarray, ridge: float) -> np.ndarray:
    """What squared errors fall by at a threshold after each bin, from the sums in the bins (nodes, inputs, bins).

    The arrays are used up.
    """
    ridge_, tiny = np.float32(ridge), np.float32(1e-30)
    np.cumsum(total, axis=2, out=total)
    np.cumsum(count, axis=2, out=count)
    above = total[..., -1:] - total
    above *= above
    above /= np.maximum(count[..., -1:] - count + ridge_, tiny)
    total *= total
    count += ridge_
    total /= np.maximum(count, tiny, out=count)
    above += total
    return above


__all__ = ["Boosted", "boost", "thresholds"]
