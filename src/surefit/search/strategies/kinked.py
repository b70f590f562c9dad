"""Functions that are linear but for kinks, exactly: relu units at the kinks, or layers of maxima and minima."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from surefit.attempts.methods import Features, Polynomial
from surefit.attempts.polynomial import network_for
from surefit.formulas.ridges import fewest_kinks
from surefit.problems.linear_pieces import LinearPieces, linear_pieces
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.search.limits import MOST_KINKED, MOST_KINKED_INPUTS, SOLVER_RESERVE
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import of_layers
from surefit.sentences import say

EXACT = 1e-9  # of the size: an error below which the kinks were all


def kinked(s: State) -> Strategy:
    """One layer with a unit or two at each kink; where kinks end inside of the box, maxima of minima in layers."""
    function = s.problem.function
    free = s.problem.free and s.problem.gradients is None and s.problem.affordable is None and not s.problem.log_target
    if not free or function is None or len(s.problem.outputs) > 1 or s.dim > MOST_KINKED_INPUTS:
        return None
    if s.best is not None and s.best.score <= s.judge.share(EXACT):
        return None
    pieces = linear_pieces(function, s.problem.domain, np.random.default_rng([s.seed, 0x11EA]))
    if pieces is None:
        return None
    if len(pieces.offsets) == 1:
        network = s.built(network_for(1, s.dim))
        yield s.attempt(Polynomial(degree=1), network, s.drawn(ROWS * (s.dim + 1)), reserve=SOLVER_RESERVE)
        return None
    yield say("linear-pieces", pieces=len(pieces.offsets))
    units = fewest_kinks(list(pieces.kinks))
    found = None
    if len(units) <= MOST_KINKED:
        found = yield s.attempt(
            Features(), s.hidden(len(units), "relu"), s.drawn(ROWS * len(units) + 2, scattered=True), scales=(1.0,),
            layer=(units[:, :-1], units[:, -1]), generator=np.random.default_rng([s.seed, 0x11EA]),
            reserve=SOLVER_RESERVE,
        )  # fmt: skip
    if found is not None and found.score <= s.judge.share(EXACT):
        return None
    layers = maxima_of_minima(pieces, Scaling.of(s.problem))
    widths = tuple(len(b) for _, b in layers[:-1])
    if sum(widths) > MOST_KINKED:
        return None
    stage = say("stage-maxima", units=sum(widths), layers=len(widths))
    attempt = of_layers(s, layers, "relu", stage, s.problem, solver="maxima", units=sum(widths))
    if attempt is not None:
        yield attempt
    return None


def maxima_of_minima(pieces: LinearPieces, scaling: Scaling) -> list[tuple[np.ndarray, np.ndarray]]:
    """Layers of relu units, each of which halves the number of what a maximum or minimum is of.

    max(a, b) = relu(a - b) + b; and b is handed on as relu(b + m) - m where it is never below -m.
    """
    maker = _Maker(pieces)
    terms = maker.halved([list(term) for term in pieces.terms], -1.0)
    total = maker.halved([terms], 1.0)[0]
    row, constant = maker.rows[total]
    scale, shift = scaling.y_scale[0], scaling.y_shift[0]
    return [*maker.layers, (row[None] / scale, np.array([(constant - shift) / scale]))]


class _Maker:
    """Values as linear functions of the layer that was made last: row and constant of each, by number."""

    def __init__(self, pieces: LinearPieces) -> None:
        self.rows = dict(enumerate(zip(pieces.slopes, pieces.offsets, strict=True)))
        self.bounds = {i: float(np.abs(row).sum() + abs(c)) for i, (row, c) in self.rows.items()}
        self.layers: list[tuple[np.ndarray, np.ndarray]] = []
        self.number = len(self.rows)

    def halved(self, groups: list[list[int]], sign: float) -> list[int]:
        """The maximum (sign 1) or minimum (-1) of each group: layer after layer pairs are made one."""
        while any(len(group) > 1 for group in groups):
            pairs: list[list[tuple[int, ...]]] = [
                [tuple(group[k : k + 2]) for k in range(0, len(group), 2)] for group in groups
            ]
            made = self.layer(dict.fromkeys(pair for group in pairs for pair in group), sign)
            groups = [list(dict.fromkeys(made[pair] for pair in group)) for group in pairs]
        return [group[0] for group in groups]

    def layer(self, pairs: Iterable[tuple[int, ...]], sign: float) -> dict[tuple[int, ...], int]:
        """A layer that makes of each pair its maximum (sign 1) or minimum (-1), and hands on what is alone."""
        weight: list[np.ndarray] = []
        bias: list[float] = []
        unit_of: dict[tuple[int, ...], int] = {}

        def unit(key: tuple[int, ...], row: np.ndarray, constant: float) -> int:
            if key not in unit_of:
                unit_of[key] = len(weight)
                weight.append(row)
                bias.append(constant)
            return unit_of[key]

        made: dict[tuple[int, ...], tuple[list[tuple[int, float]], float, float]] = {}
        for pair in pairs:
            a, last = pair[0], pair[-1]
            row, constant = self.rows[last]
            terms: list[tuple[int, float]] = []
            rest = constant
            if row.any():  # a constant needs no unit
                terms.append((unit((last,), row, constant + self.bounds[last]), 1.0))
                rest = -self.bounds[last]
            if len(pair) > 1:
                difference, offset = self.rows[a][0] - row, self.rows[a][1] - constant
                terms.append((unit(pair, sign * difference, sign * offset), sign))
            made[pair] = terms, rest, max(self.bounds[i] for i in pair)
        self.layers.append((np.array(weight), np.array(bias)))
        self.rows, bounds, found = {}, {}, {}
        for pair, (terms, rest, bound) in made.items():
            row = np.zeros(len(weight))
            for place, c in terms:
                row[place] += c
            self.rows[self.number], bounds[self.number], found[pair] = (row, rest), bound, self.number
            self.number += 1
        self.bounds = bounds
        return found


__all__ = ["kinked", "maxima_of_minima"]
