"""A function of which nothing is written down: a sum of products of functions of one input, as a network.

Units spread over a box follow a function badly that is rough along an edge or varies over powers of ten. Such a
function is often a sum of few products (`solvers.low_rank`, `solvers.tensor_train`), and a product is a difference of
squares, a b = ((a + b)^2 - a^2 - b^2) / 2. So the units of a first hidden layer see one input each, as densely as the
function needs them there; those of a second make the squares of sums of two functions, and what is left, functions of
one input. Of three inputs a third layer makes the products of the functions of one with those sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.problems.points import placed
from surefit.problems.scaling import Scaling
from surefit.search.limits import (
    ADAM_AFTER_LM,
    LAST_RESERVE,
    MOST_SEPARATED,
    MOST_WIDE,
    SEPARATED,
    SEPARATED_FIRST,
    SEPARATED_LEAST,
    UNASKED_PARAMETERS,
    VALUES_OF_TIME,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import Layers, most_parameters, of_layers, reserve, seconds_per_value, size_of
from surefit.sentences import say
from surefit.solvers.low_rank import Products, on_pieces, products_of
from surefit.solvers.roughness import NEAR_ZERO, Pieces
from surefit.solvers.tensor_train import Train, train_of
from surefit.solvers.univariate import SMOOTH, Units, units_of

Function = Callable[[np.ndarray], np.ndarray]

LADDER = (3, 4, 5, 6, 7, 8, 10, *SMOOTH[1:])  # units of a square: a product that counts little needs few digits of it
SHORTEST = 2.0  # roundings: so well an input is known where the network runs, if that is in float32
LEAST = 3.0  # roundings, to which functions are fitted at best
LOOKED_AT = 2000  # half of the points at which such a network and all that follow are measured, too
COARSER = 3  # times that less is asked for where a network would be too large
COARSEST = 0.1  # tolerance of a function of size 1, however little it counts
PLACED_ON = 10_000  # half of the points that the output layer of a rounded network is fitted to
GRID, FEW = 40, 25  # places of each input that tell whether a function is a sum of products, and how many at most
MOST_SOON = 40_000  # values, with which it is tried before what else a function may be
PARTS = 0.25  # of the tolerance of the products, for the units of each of the two layers


class _Late(Exception):
    """Raised by the target when no time is left for a network of the products."""


def looks_separated(s: State) -> bool:
    """Whether values on a small grid of two inputs are those of a sum of few products, to the digits that are wanted.

    That costs less than to find the products, or anything else that the function may be.
    """
    values = _values(s) if s.dim == 2 else None
    if values is None or _most_values(s) < GRID**2:
        return False
    rng, unit = np.random.default_rng([s.seed, 0x5EA]), float(Scaling.of(s.problem).y_scale[0])
    near = 1.0 - 10.0 ** rng.uniform(-4.0, 0.0, (2, GRID))
    u, v = np.where(np.arange(GRID) % 2, rng.uniform(-1.0, 1.0, (2, GRID)), near * rng.choice([-1.0, 1.0], (2, GRID)))
    found = values(np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)).reshape(GRID, GRID)
    if not np.isfinite(found).all():
        return False
    sizes = np.linalg.svd(found, compute_uv=False)
    return bool(sizes[FEW] <= max(SEPARATED_FIRST * (s.goal or 0.0) / unit, SEPARATED_LEAST * sizes[0]))


def _values(s: State) -> Function | None:
    """The target as a function of points of [-1, 1]^d in the units of a network; None where it is none of the kind."""
    function, problem = s.problem.function, s.problem
    plain = problem.free and problem.gradients is None and not problem.log_target and len(problem.outputs) == 1
    if s.dim not in MOST_SEPARATED or function is None or not plain or not s.judge.spread > 0:
        return None
    scaling, box = Scaling.of(problem), problem.domain

    def values(u: np.ndarray) -> np.ndarray:
        y = function(np.clip(scaling.unscaled_inputs(u), box.low, box.high))[:, 0]
        return np.asarray((y - scaling.y_shift[0]) / scaling.y_scale[0])

    return values


def _most_values(s: State) -> int:
    """How many values the products may take."""
    left, each = s.progress.left(), seconds_per_value(s.problem.function)
    most = MOST_SEPARATED[s.dim]
    return most if left is None or not each else min(most, int(VALUES_OF_TIME * left / each))


def separated(s: State, soon: bool = False) -> Strategy:
    """A sum of products to more and more digits, as long as the function is one.

    soon: only where few values tell the products, for other things may be tried before they take more.
    """
    values, problem = _values(s), s.problem
    if values is None:
        return None
    most, scaling, goal = _most_values(s), Scaling.of(problem), s.goal or 0.0
    most = min(most, MOST_SOON) if soon else most
    unit = float(scaling.y_scale[0])
    tol = SEPARATED_FIRST * goal / unit  # in the units of the network
    rng, tried = np.random.default_rng([s.seed, 0x5E9]), 0
    coarser = 0 if s.tol is not None else COARSER

    def in_time(u: np.ndarray) -> np.ndarray:
        if s.candidates and s.progress.out_of_time(1.0 - LAST_RESERVE):
            raise _Late
        return values(u)

    while tried < SEPARATED:
        if s.candidates and s.progress.out_of_time(1.0 - reserve(s)):
            return None
        tol = max(tol, SEPARATED_LEAST * s.judge.spread / unit)
        found: Products | Train | None
        layers: Layers | None = None
        accuracy, roundoff = tol * unit / s.judge.spread, ROUNDOFF[str(s.dtype)]
        began = s.progress.seconds
        try:
            if s.dim == 2:
                found = products_of(in_time, accuracy, most, rng, 0.0 if soon else ADAM_AFTER_LM)
            else:
                found = train_of(in_time, accuracy, most, rng)
        except _Late:
            return None
        left = s.progress.left(1.0 - LAST_RESERVE)
        if s.candidates and left is not None and s.progress.seconds - began > left:
            return None  # units for them take as long again
        if isinstance(found, Products):
            if found.tol > accuracy:  # its values tell no more
                tol = max(tol, found.tol * s.judge.spread / unit)
            layers = layers_of(found, tol, roundoff)
        elif found is not None:
            layers = layers_of_train(found, tol, roundoff)
        if found is None and soon:
            return None
        if found is None:
            yield say("not-separated")
            return None
        if s.tol is None and tried == 0 and (layers is None or size_of(layers) > UNASKED_PARAMETERS) and coarser:
            tol, coarser = 30.0 * tol, coarser - 1  # nobody has asked for as many digits as cost a network of that size
            continue
        if layers is None or size_of(layers) > most_parameters(s):
            return None
        tried += 1
        s.judge.watch(points_on(found, scaling, LOOKED_AT, rng))  # close to edges, where uniform points are not
        units = sum(len(b) for _, b in layers[:-1])
        stage = say("stage-separated", products=np.count_nonzero(found.sizes), units=units, layers=len(layers) - 1)
        where = problem if s.dtype == ops.float64 else placed(problem, points_on(found, scaling, PLACED_ON, rng))
        attempt = of_layers(s, layers, "tanh", stage, where, solver="separated", units=units)
        if attempt is None:
            return None
        candidate = yield attempt
        if candidate is None or tol <= SEPARATED_LEAST * s.judge.spread / unit:
            return None
        if isinstance(found, Products) and found.tol > accuracy:
            return None  # its values tell no more
        if 2 * size_of(layers) > most_parameters(s):
            return None
        tol *= 0.1 * min(1.0, goal / candidate.score)
    return None


def layers_of(products: Products, tol: float, roundoff: float) -> Layers | None:
    """Weights and bias of each layer of a network for a sum of products, to `tol`; None where it would be too wide."""
    sizes, unit = products.sizes, float(products.sizes[0])
    half = 0.5 * sizes / unit
    within = PARTS * tol / np.sqrt(len(sizes))

    def shapes(pieces: Pieces) -> Function:
        def values(t: np.ndarray) -> np.ndarray:
            y = pieces.at(t)
            return np.column_stack([y * half, -np.square(y) @ half])

        return values

    sides = [side_of(shapes(p), float(half.sum()), within / unit, roundoff) for p in (products.first, products.second)]
    if sides[0] is None or sides[1] is None:
        return None
    hidden = _first_layer(((0, sides[0]), (1, sides[1])), 2)
    read = _Read.of([side for side in sides if side is not None])
    second = Blocks(read.width, PARTS * tol / np.sqrt(len(sizes) + 1), roundoff)
    one, other = (read.signal(i, slice(None)) for i in (0, 1))
    for k, size in enumerate(sizes):  # t = (first_k + second_k) / 2
        reach = unit / size
        second.add(square_of, reach * (one[0][:, k] + other[0][:, k]), reach * (one[1][k] + other[1][k]), 2.0 * size)
    rest, total = one[0][:, -1] + other[0][:, -1], float(2.0 * half.sum())
    second.add(itself, rest / total, float(one[1][-1] + other[1][-1]) / total, total * unit)
    if second.failed or second.width > MOST_WIDE:
        return None
    weight, bias = second.output(range(len(sizes) + 1), [1.0] * (len(sizes) + 1))
    return [hidden, second.layer(), (weight[None, :], np.array([bias]))]


def layers_of_train(train: Train, tol: float, roundoff: float) -> Layers | None:
    """The same of a tensor train, with a third layer for the products with functions of its first input."""
    sizes, unit, rank = train.sizes, float(train.sizes.max()), len(train.sums)
    pairs = [(int(k), int(j)) for k, j in np.argwhere(sizes > 0)]
    within = PARTS * tol / np.sqrt(len(pairs))
    half = 0.5 * sizes / unit  # (r, q)
    kept = np.array([k * sizes.shape[1] + j for k, j in pairs])
    own = half.reshape(-1)[kept]

    def first(t: np.ndarray) -> np.ndarray:
        return train.first.at(t) * (train.sums / train.sums[0])

    def middle(t: np.ndarray) -> np.ndarray:
        y = train.middle.at(t)
        return np.hstack([y[:, kept] * own, -np.einsum("nkj,kj->nk", np.square(y).reshape(-1, *sizes.shape), half)])

    def last(t: np.ndarray) -> np.ndarray:
        y = train.last.at(t)
        return np.hstack([y * half.max(axis=0), -np.square(y) @ half.T])

    most = float(half.sum(axis=1).max())
    sides = [
        side_of(first, 1.0, PARTS * tol / np.sqrt(rank) / float(train.sums[0]), roundoff),
        side_of(middle, most, within / unit, roundoff),
        side_of(last, most, within / unit, roundoff),
    ]
    if any(side is None for side in sides):
        return None
    known = [side for side in sides if side is not None]
    hidden = _first_layer(tuple(zip(train.order, known, strict=True)), 3)
    read = _Read.of(known)
    (u, u0), (v, v0), (w, w0) = (read.signal(i, slice(None)) for i in range(3))
    q = sizes.shape[1]
    second = Blocks(read.width, PARTS * tol / np.sqrt(len(pairs) + 2 * rank), roundoff)
    for n, (k, j) in enumerate(pairs):  # t = (middle_kj + last_j) / 2
        a, b = 0.5 / own[n], 0.5 / half[:, j].max()
        second.add(square_of, a * v[:, n] + b * w[:, j], a * v0[n] + b * w0[j], 2.0 * float(sizes[k, j]))
    for k in range(rank):  # what these squares miss
        total = float(2.0 * half[k].sum())
        rest, missed = v[:, len(pairs) + k] + w[:, q + k], float(v0[len(pairs) + k] + w0[q + k])
        second.add(itself, rest / total, missed / total, total * unit)
    for k in range(rank):
        reach = float(train.sums[0] / train.sums[k])
        second.add(itself, reach * u[:, k], reach * u0[k], float(train.sums[k]))
    if second.failed or second.width > MOST_WIDE:
        return None
    third = Blocks(second.width, PARTS * tol / np.sqrt(2 * rank), roundoff)
    for k in range(rank):
        parts = [n for n, pair in enumerate(pairs) if pair[0] == k] + [len(pairs) + k]
        total_row, constant = second.output(parts, [1.0] * len(parts))
        alone, beside = second.output([len(pairs) + rank + k], [1.0])
        for sign in (1.0, -1.0):  # t = (first_k +- sum_k) / 2
            scale = 0.5 / float(train.sums[k])
            third.add(
                square_of, scale * (alone + sign * total_row), scale * (beside + sign * constant), float(train.sums[k])
            )
    if third.failed or third.width > MOST_WIDE:
        return None
    weight, bias = third.output(range(2 * rank), [1.0, -1.0] * rank)
    return [hidden, second.layer(), third.layer(), (weight[None, :], np.array([bias]))]


def side_of(values: Function, size: float, within: float, roundoff: float) -> Units | None:
    """Units of one input for functions of it of about this size, all to `within`."""
    columns = values(np.zeros(1)).shape[1]
    size = max(1.0, size)
    tol = max(within / size, LEAST * roundoff)
    shortest = NEAR_ZERO if roundoff < 2.0**-50 else SHORTEST * roundoff
    units = units_of(values, tol, shortest, roundoff, sizes=np.full(columns, size))
    return None if units is None or len(units.gains) > MOST_WIDE else units


def _first_layer(sides: Sequence[tuple[int, Units]], inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of units that see one input each."""
    rows = []
    for i, side in sides:
        row = np.zeros((len(side.gains), inputs))
        row[:, i] = side.gains
        rows.append(row)
    return np.concatenate(rows), np.concatenate([side.offsets for _, side in sides])


@dataclass(frozen=True)
class _Read:
    """What functions of several inputs are of the units of a first layer."""

    sides: Sequence[Units]
    starts: np.ndarray

    @classmethod
    def of(cls, sides: Sequence[Units]) -> _Read:
        return cls(sides, np.append(0, np.cumsum([len(side.gains) for side in sides])))

    @property
    def width(self) -> int:
        return int(self.starts[-1])

    def signal(self, i: int, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """Weights (width, k) and constants (k,) of functions of side i."""
        weights = np.zeros((self.width, self.sides[i].weights.shape[1]))
        weights[self.starts[i] : self.starts[i + 1]] = self.sides[i].weights
        return weights[:, columns], self.sides[i].constant[columns]


class Blocks:
    """A hidden layer of which some units make one function of one sum each. within: of each, in the units of all."""

    def __init__(self, inputs: int, within: float, roundoff: float) -> None:
        self.inputs, self.within, self.roundoff = inputs, within, roundoff
        self.rows: list[np.ndarray] = []
        self.biases: list[np.ndarray] = []
        self.parts: list[tuple[np.ndarray, float]] = []  # weights of its units and constant, of each function
        self.failed = False
        self.known: dict[tuple[Function, int], Units | None] = {}

    @property
    def width(self) -> int:
        return sum(map(len, self.biases))

    def add(self, function: Function, row: np.ndarray, constant: float, size: float) -> None:
        """size times a function of t = row @ values + constant, which is in [-1, 1]."""
        tol = max(min(self.within / size, COARSEST), LEAST * self.roundoff)
        step = int(np.floor(np.log2(tol)))  # one for tolerances that are nearly the same
        units = self.known.get((function, step))
        if units is None:
            units = units_of(function, 2.0**step, roundoff=self.roundoff, ladder=LADDER)
            self.known[function, step] = units
        if units is None:
            self.failed = True
            return
        self.rows.append(units.gains[:, None] * row)
        self.biases.append(units.gains * constant + units.offsets)
        self.parts.append((size * units.weights[:, 0], size * float(units.constant[0])))

    def layer(self) -> tuple[np.ndarray, np.ndarray]:
        """Its weights and bias."""
        return np.concatenate(self.rows), np.concatenate(self.biases)

    def output(self, parts: Iterable[int], signs: Sequence[float]) -> tuple[np.ndarray, float]:
        """Weights (width,) and constant of a sum of some of its functions."""
        weights, constant = np.zeros(self.width), 0.0
        starts = np.append(0, np.cumsum([len(b) for b in self.biases]))
        for n, sign in zip(parts, signs, strict=True):
            weights[starts[n] : starts[n + 1]] += sign * self.parts[n][0]
            constant += sign * self.parts[n][1]
        return weights, constant


def points_on(found: Products | Train, scaling: Scaling, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (2 count, d): half all over the box, half as dense as the pieces are."""
    pieces = [found.first, found.second] if isinstance(found, Products) else [found.first, found.middle, found.last]
    x = on_pieces(pieces, count, rng)
    return scaling.unscaled_inputs(x if isinstance(found, Products) else x[:, np.argsort(found.order)])


def square_of(t: np.ndarray) -> np.ndarray:
    return np.square(t)[:, None]


def itself(t: np.ndarray) -> np.ndarray:
    return t[:, None]


__all__ = ["Blocks", "itself", "layers_of", "layers_of_train", "separated", "side_of", "square_of"]
