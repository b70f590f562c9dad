"""A sum of few products of functions of one input each, of four inputs and more, as hidden layers.

A tensor train (`solvers.smooth_train`) is a row times a matrix for each input. One hidden layer makes one such product:
a b = A B (2 ((a/A + b/B) / 2)^2 - (a/A)^2 / 2 - (b/B)^2 / 2), with units that make squares. Beside these are the units
of the functions of the input that comes next, and one unit for each of the inputs that come later, which hands it on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from surefit.search.strategies.layers import Layers
from surefit.search.strategies.separated import Blocks, itself, side_of, square_of
from surefit.solvers.smooth_train import SmoothTrain, Values, smooth_train_of
from surefit.solvers.univariate import Units

THROUGH = 2e-5  # gain of a unit that hands an input on: it is off by a third of the square, and rounds the less
PLACES, DIRECTIONS, KEPT = 65, 40, 4  # of each input, that tell how large numbers are; of rows, and rows along each
ABOVE = 1.1  # times the largest that was seen
SHORT = 3  # numbers at most between two inputs, with which no other order of the inputs is tried
ORDERS = 6  # that are tried else
LEAST = 8000  # values for each input, of which a train can be told

Row = tuple[np.ndarray, float]  # weights of units, and a constant


def short_train_of(
    values: Values, d: int, tol: float, most: int, generator: np.random.Generator
) -> tuple[SmoothTrain, np.ndarray] | None:
    """A train of a function of d inputs with the inputs in the order that makes it short, and that order (d,).

    most: values that it may be asked for.
    """
    if most < LEAST * d:
        return None
    best = None
    for number in range(1 + min(ORDERS, most // (LEAST * d) - 1)):
        order = generator.permutation(d) if number else np.arange(d)
        found = smooth_train_of(_in_order(values, order), d, tol, generator)
        if found is not None and (best is None or sum(found.ranks) < sum(best[0].ranks)):
            best = found, order
        if best is None or max(best[0].ranks) <= SHORT:
            break
    return best


def _in_order(values: Values, order: np.ndarray) -> Values:
    back = np.argsort(order)
    return lambda points: values(points[:, back])


def layers_of_smooth_train(train: SmoothTrain, order: np.ndarray, tol: float, roundoff: float) -> Layers | None:
    """Weights and bias of each layer of a network for a train, to `tol`; None where functions could not be fitted.

    order: of the inputs, as they come in the train.
    """
    d = len(train.cores)
    grid = np.concatenate([[-1.0, 1.0], np.cos(np.pi * (np.arange(PLACES) + 0.5) / PLACES)])
    matrices = [train.core(k, grid) for k in range(d)]  # (places, r, r')
    sizes = [ABOVE * size for size in _largest(matrices)]  # (r,) of the row that is handed on
    rest = _largest([np.swapaxes(m, 1, 2) for m in matrices[::-1]])[-2::-1]  # (r,) of what follows
    most = [ABOVE * np.abs(matrix).max(axis=0) for matrix in matrices]  # (r, r')
    # by how much each number of a row may be off
    within = [tol / (d * len(size) * r) for size, r in zip(sizes, [*rest, np.ones(1)], strict=True)]
    sides = [_side(train, k, sizes, most, within, roundoff) for k in range(d)]
    if any(side is None for side in sides):
        return None
    units = [side for side in sides if side is not None]
    inputs: list[Row] = [(np.eye(d)[order[k]], 0.0) for k in range(d)]
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    row: list[Row] = []
    read: dict[int, list[Row]] = {}
    for k in range(d):  # the layer that makes the row after input k, and reads the next one
        width = len(inputs[0][0])
        weights, biases, start = [], [], 0
        if k:
            made = _product(k, row, read[k], read[0] if k == 1 else [], width, sizes, most, within, roundoff)
            if made is None:
                return None
            blocks, row = made
            weight, bias = blocks.layer()
            weights.append(weight)
            biases.append(bias)
            start = len(bias)
        new: dict[int, tuple[int, Units]] = {}
        for i in [0, 1] if k == 0 else [k + 1] if k + 1 < d else []:
            weights.append(units[i].gains[:, None] * inputs[i][0])
            biases.append(units[i].gains * inputs[i][1] + units[i].offsets)
            new[i] = (start, units[i])
            start += len(units[i].gains)
        later = range(max(new, default=d) + 1, d)
        for i in later:
            weights.append(THROUGH * inputs[i][0][None])
            biases.append(np.array([THROUGH * inputs[i][1]]))
        total = start + len(later)
        layers.append((np.concatenate(weights), np.concatenate(biases)))
        row = [(_padded(w, 0, total), c) for w, c in row]
        read = {i: [(_padded(w, at, total), float(c)) for w, c in zip(own.weights.T, own.constant, strict=True)]
                for i, (at, own) in new.items()}  # fmt: skip
        if k == 0:
            row = read[0][: len(sizes[0])]
            read[0] = read[0][len(sizes[0]) :]
        passed = {i: (_padded(np.array([1.0 / THROUGH]), start + n, total), 0.0) for n, i in enumerate(later)}
        inputs = [passed.get(i, (np.zeros(total), 0.0)) for i in range(d)]
    return [*layers, (row[0][0][None], np.array([row[0][1]]))]


def _largest(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """How large each number of a row of products is at most, about: (r',) after each matrix (places, r, r').

    What is large along some direction is kept from each row to the next.
    """
    rng = np.random.default_rng(0)
    rows = matrices[0][:, 0]
    found = [np.abs(rows).max(axis=0)]
    for matrix in matrices[1:]:
        rows = np.einsum("ni,gij->ngj", rows, matrix).reshape(-1, matrix.shape[2])
        size = np.abs(rows).max(axis=0)
        found.append(size)
        scale = np.where(size > 0.0, size, 1.0)
        along = np.concatenate([np.eye(len(size)), rng.standard_normal((DIRECTIONS, len(size)))])
        order = np.argsort(-np.abs((rows / scale) @ along.T), axis=0)[:KEPT]
        rows = rows[np.unique(order)]
    return found


def _padded(weights: np.ndarray, at: int, total: int) -> np.ndarray:
    found = np.zeros(total)
    found[at : at + len(weights)] = weights
    return found


def _side(
    train: SmoothTrain, k: int, sizes: list[np.ndarray], most: list[np.ndarray], within: list[np.ndarray],
    roundoff: float,
) -> Units | None:  # fmt: skip
    """Units of one input for the functions of its matrix, and for what the squares miss."""
    first = k == 0

    def values(t: np.ndarray) -> np.ndarray:
        own = train.core(k, t)
        if first:  # the squares of the row, for each number of the next one
            missed = np.square(own[:, 0] / sizes[0]) @ (0.5 * sizes[0][:, None] * most[1])
            return np.concatenate([own[:, 0], -missed], axis=1)
        scale = np.where(most[k] > 0.0, most[k], 1.0)
        missed = np.einsum("nij,ij->nj", np.square(own / scale), 0.5 * sizes[k - 1][:, None] * most[k])
        return np.concatenate([own.reshape(len(t), -1), -missed], axis=1)

    if first:
        allowed = np.concatenate([(within[1] / (most[1] * len(sizes[0]) + _TINY)).min(axis=1), within[1]])
    else:
        each = within[k] / (sizes[k - 1][:, None] * len(sizes[k - 1]) + _TINY)
        allowed = np.concatenate([np.broadcast_to(each, most[k].shape).reshape(-1), within[k]])
    seen = np.abs(values(np.linspace(-1.0, 1.0, 101))).max(axis=0)
    share = float((allowed / (seen + _TINY)).min())
    scale = allowed / share
    found = side_of(lambda t: values(t) / scale, 1.0, share, roundoff)
    if found is None:
        return None
    return Units(found.gains, found.offsets, found.weights * scale, found.constant * scale, found.error * scale)


_TINY = 1e-300


def _product(
    k: int, row: list[Row], read: list[Row], first: list[Row], width: int, sizes: list[np.ndarray],
    most: list[np.ndarray], within: list[np.ndarray], roundoff: float,
) -> tuple[Blocks, list[Row]] | None:  # fmt: skip
    """Units for the row times the matrix of an input, and what the new row is of them.

    read: the functions of the matrix, and what the squares miss of them; first: the same of the first row.
    """
    r, q = most[k].shape
    blocks = Blocks(width, 0.0, roundoff)

    def add(
        function: Callable[[np.ndarray], np.ndarray], row: np.ndarray, constant: float, size: float, off: float
    ) -> int:
        blocks.within = off
        blocks.add(function, row, constant, size)
        return len(blocks.parts) - 1

    squares: dict[int, int] = {}
    if k > 1:  # of the first row functions of one input tell them
        for i in range(r):
            (a, a0), size = row[i], sizes[k - 1][i]
            weight = 0.5 * size * most[k][i].max()
            squares[i] = add(square_of, a / size, a0 / size, weight, float(within[k].min()) / (2 * r))
    made: list[tuple[list[int], list[float]]] = []
    for j in range(q):
        parts, signs, off = [], [], float(within[k][j]) / (2 * r)
        for i in range(r):
            reach = sizes[k - 1][i] * most[k][i, j]
            if not reach > 1e-3 * off:
                continue
            (a, a0), (b, b0), half = row[i], read[i * q + j], 0.5 / most[k][i, j]
            own = 0.5 / sizes[k - 1][i]
            parts.append(add(square_of, own * a + half * b, own * a0 + half * b0, 2.0 * reach, off))
            signs.append(1.0)
            if k > 1:
                parts.append(squares[i])
                signs.append(-float(most[k][i, j] / most[k][i].max()))
        rest, missed = read[r * q + j]
        total = 0.5 * float(sizes[k - 1] @ most[k][:, j])
        if first:
            rest, missed, total = rest + first[j][0], missed + first[j][1], 2.0 * total
        parts.append(add(itself, rest / total, missed / total, total, off))
        signs.append(1.0)
        made.append((parts, signs))
    return None if blocks.failed else (blocks, [blocks.output(parts, signs) for parts, signs in made])


__all__ = ["layers_of_smooth_train", "short_train_of"]
