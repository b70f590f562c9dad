"""A function of two inputs of which nothing is written down: a sum of products of functions of one, as a network.

Units spread over a square follow a function badly that is rough along an edge or varies over powers of ten. Such a
function is often a sum of few products (`solvers.low_rank`), and a product is a difference of squares,
a b = ((a + b)^2 - a^2 - b^2) / 2. So the units of a first hidden layer see one input each, as densely as the function
needs them there; those of a second make the squares of sums of two functions, and what is left, functions of one input.
"""

from __future__ import annotations

import numpy as np

from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.problems.points import placed
from surefit.problems.scaling import Scaling
from surefit.search.limits import (
    MOST_SEPARATED,
    MOST_WIDE,
    SEPARATED,
    SEPARATED_FIRST,
    SEPARATED_LEAST,
    SOLVER_RESERVE,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import Layers, of_layers
from surefit.sentences import say
from surefit.solvers.low_rank import Products, products_of
from surefit.solvers.roughness import Pieces
from surefit.solvers.univariate import SMOOTH, Units, units_of

LADDER = (3, 4, 5, 6, *SMOOTH)  # units of a square: a product that counts little needs few digits of it
LEAST = 3.0  # roundings, to which functions are fitted at best
PARTS = 0.25  # of the tolerance of the products, for the units of each of the two layers


def separated(s: State) -> Strategy:
    """A sum of products to more and more digits, as long as the function is one."""
    function, problem = s.problem.function, s.problem
    plain = problem.free and problem.gradients is None and not problem.log_target and len(problem.outputs) == 1
    if s.dim != 2 or function is None or not plain or not s.size > 0:
        return None
    most = MOST_SEPARATED if problem.affordable is None else min(MOST_SEPARATED, problem.affordable)
    scaling, box, goal = Scaling.of(problem), problem.domain, s.goal or 0.0

    def values(u: np.ndarray) -> np.ndarray:
        y = function(np.clip(scaling.unscaled_inputs(u), box.low, box.high))[:, 0]
        return (y - scaling.y_shift[0]) / scaling.y_scale[0]

    unit = float(scaling.y_scale[0])
    tol = SEPARATED_FIRST * goal / unit  # in the units of the network
    rng = np.random.default_rng([s.seed, 0x5E9])
    for _ in range(SEPARATED):
        if s.candidates and s.progress.out_of_time(1.0 - SOLVER_RESERVE):
            return None
        tol = max(tol, SEPARATED_LEAST * s.size / unit)
        products = products_of(values, tol * unit / s.size, most, rng)
        if products is None:
            yield say("not-separated")
            return None
        layers = layers_of(products, tol, ROUNDOFF[str(s.dtype)])
        if layers is None:
            return None
        units = sum(len(b) for _, b in layers[:-1])
        stage = say("stage-separated", products=len(products.sizes), units=units)
        where = problem if s.dtype == ops.float64 else placed(problem, points_on(products, scaling, rng))
        attempt = of_layers(s, layers, "tanh", stage, SOLVER_RESERVE, where, solver="separated", units=units)
        if attempt is None:
            return None
        found = yield attempt
        if found is None or tol <= SEPARATED_LEAST * s.size / unit:
            return None
        tol *= 0.1 * min(1.0, goal / found.score)
    return None


def layers_of(products: Products, tol: float, roundoff: float) -> Layers | None:
    """Weights and bias of each layer of a network for a sum of products, to `tol`; None where it would be too wide."""
    first = _side(products.first, products.sizes, tol, roundoff)
    second = _side(products.second, products.sizes, tol, roundoff)
    if first is None or second is None:
        return None
    n, rank = len(first.gains), len(products.sizes)
    hidden = np.zeros((n + len(second.gains), 2))
    hidden[:n, 0], hidden[n:, 1] = first.gains, second.gains
    read = np.concatenate(
        [first.weights, second.weights]
    )  # (units, rank + 1): half of what squares are of, and squares
    constant = first.constant + second.constant
    share = PARTS * tol / (rank + 1)
    rows, biases, out, bias = [], [], [], 0.0
    for k in range(rank + 1):
        scale = float(products.sizes[0] / products.sizes[k]) if k < rank else 1.0
        size = 2.0 * products.sizes[k] if k < rank else _most(products)
        part = units_of(
            _square if k < rank else _itself, max(share / size, LEAST * roundoff), roundoff=roundoff, ladder=LADDER
        )
        if part is None:
            return None
        # t = (first_k + second_k) / 2, whose square is 2 sizes_k times in the sum; at last t is what all squares miss
        reach = 0.5 * scale if k < rank else products.sizes[0] / size
        rows.append(part.gains[:, None] * reach * read[:, k])
        biases.append(part.gains * reach * constant[k] + part.offsets)
        out.append(size * part.weights[:, 0])
        bias += size * float(part.constant[0])
    if sum(map(len, biases)) > MOST_WIDE:
        return None
    return [
        (hidden, np.concatenate([first.offsets, second.offsets])),
        (np.concatenate(rows), np.concatenate(biases)),
        (np.concatenate(out)[None, :], np.array([bias])),
    ]


def _square(t: np.ndarray) -> np.ndarray:
    return np.square(t)[:, None]


def _itself(t: np.ndarray) -> np.ndarray:
    return t[:, None]


def _most(products: Products) -> float:
    """What the squares of single functions come to at most."""
    return float(products.sizes.sum())


def _side(pieces: Pieces, sizes: np.ndarray, tol: float, roundoff: float) -> Units | None:
    """Units of one input for sizes_k / sizes_0 times function k, and for minus half of the sum of their squares."""
    share = sizes / sizes[0]

    def values(t: np.ndarray) -> np.ndarray:
        y = pieces.at(t)
        return np.column_stack([y * share, -0.5 * np.square(y) @ share])

    within = PARTS * tol / (sizes[0] * np.sqrt(len(sizes)))
    largest = np.full(len(sizes) + 1, max(1.0, 0.5 * float(share.sum())))
    units = units_of(values, max(within / largest[0], LEAST * roundoff), roundoff=roundoff, sizes=largest)
    return None if units is None or len(units.gains) > MOST_WIDE else units


def points_on(products: Products, scaling: Scaling, rng: np.random.Generator) -> np.ndarray:
    """Points as dense as the pieces are, for the output layer of a network that is rounded."""
    columns = []
    for pieces in (products.first, products.second):
        low, high = pieces.ends[rng.integers(0, len(pieces.ends), 20_000)].T
        columns.append(rng.uniform(low, high))
    return scaling.unscaled_inputs(np.stack(columns, axis=1))


__all__ = ["layers_of", "separated"]
