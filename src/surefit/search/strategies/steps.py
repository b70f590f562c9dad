"""One step of a function that takes its inputs together: a function of a few numbers, as hidden layers of its own.

Units spread over the box of the numbers follow it where it is smooth. Where it is rough, a sum of products of functions
of one number each often follows it; and a resonance, a root, an exponential is often far smoother as its reciprocal,
its square, its logarithm (`FORMS`). What a step hands on is a number that those after it read, so that any of these
serves them as well; of the last step it is undone by units of one number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.problems.contractions import Values
from surefit.problems.links import crossings
from surefit.search.strategies.layers import Layers
from surefit.search.strategies.separated import layers_of, layers_of_train
from surefit.search.strategies.trains import layers_of_smooth_train, short_train_of
from surefit.sentences import Sentence, say
from surefit.solvers.low_rank import products_of
from surefit.solvers.roughness import pieces_of
from surefit.solvers.tensor_train import train_of

THROUGH = 2e-5  # gain of a unit that hands a number on: it is off by a third of the square, and rounds the less
GRID, RANK = {2: 40, 3: 16}, 1e-9  # places of each number that tell how many products there are, to that of the largest
FINEST = (1e-6, 1e-9, 1e-12)  # tolerances of sums of products, of the size of the number
ALONG = 1001  # places on a way, at which a number is known
RESOLVED, MOST_ON_WAY = 1e-13, 4000  # of the number, to which pieces follow it on the way, and values that these take
NEARBY, AROUND, TURNS = 0.02, 30, 30  # of half the box, points and turns of a search for the ends of a way
EXACT = 4e-15  # of the number, to which the place is found at which it is a given one
LEAST_SHARE = 1e-12  # of the largest value, that the least must be where something is divided by it

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Step:
    """A function of m numbers: hidden layers, of which the first has weights (h, m), output weights (h,), constant."""

    hidden: Layers
    weights: np.ndarray
    constant: float
    score: float  # of half the range of its values

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Its values (n,) at numbers (n, m)."""
        for weight, bias in self.hidden:
            z = np.tanh(z @ weight.T + bias)
        return np.asarray(z @ self.weights + self.constant)

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(len(bias) for _, bias in self.hidden)


@dataclass(frozen=True)
class Form:
    """Another number in place of a value: forth (n,) -> (n,), back, and whether values may be as small as 0."""

    name: Sentence
    forth: Function
    back: Function
    divides: bool = True

    def serves(self, y: np.ndarray) -> bool:
        """Whether all values (n,) have one sign, and are as large as it takes."""
        size = np.abs(y)
        return bool((y.min() >= 0.0 or y.max() <= 0.0) and (not self.divides or size.min() > LEAST_SHARE * size.max()))


@np.errstate(divide="ignore", over="ignore", invalid="ignore")
def _inverse(z: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / z)


@np.errstate(divide="ignore", over="ignore", invalid="ignore")
def _inverse_root(z: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / np.sqrt(np.maximum(z, 0.0)))


@np.errstate(over="ignore")
def _exponential(z: np.ndarray) -> np.ndarray:
    return np.exp(z)


def _kept(z: np.ndarray) -> np.ndarray:
    return z


ITSELF = Form(say("form-itself"), _kept, _kept, False)
FORMS = (
    Form(say("form-square"), np.square, lambda z: np.sqrt(np.maximum(z, 0.0)), False),
    Form(say("form-reciprocal"), np.reciprocal, _inverse),
    Form(say("form-inverse-square"), lambda y: 1.0 / np.square(y), _inverse_root),
    Form(say("form-logarithm"), np.log, _exponential),
)  # of the size of a value


class Way:
    """Points between two at which a number is the least and the most: a place on the way for each of its values.

    Pieces of polynomials follow the number there, so that no further value is asked for. rises: whether they do, and
    the number never falls.
    """

    def __init__(self, number: Values, low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> None:
        self.low, self.high = _top(lambda x: -number(x), low, rng), _top(number, high, rng)
        self.pieces = pieces_of(lambda u: number(self.at(u))[:, None], RESOLVED, MOST_ON_WAY)
        self.table = np.linspace(-1.0, 1.0, ALONG)
        self.known = self._number(self.table)
        self.rises = self.pieces.settled and bool((np.diff(self.known) > 0.0).all())

    def at(self, u: np.ndarray) -> np.ndarray:
        """Points (n, d) at places (n,) of [-1, 1] on the way."""
        return self.low + (0.5 + 0.5 * u[:, None]) * (self.high - self.low)

    def _number(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(self.pieces.at(u)[:, 0])

    def places(self, z: np.ndarray) -> np.ndarray:
        """Points (n, d) at which the number is z (n,)."""
        z = np.clip(z, self.known[0], self.known[-1])
        i = np.clip(np.searchsorted(self.known, z), 1, ALONG - 1)
        off = lambda among, u: self._number(u) - z[among]
        below, above = self.known[i - 1] - z, self.known[i] - z
        return self.at(crossings(off, self.table[i - 1], self.table[i], below, above, EXACT))


def _top(number: Values, point: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A point (d,) close to this one, at which a number is larger still, if there is one."""
    height, radius = float(number(point[None])[0]), NEARBY
    for _ in range(TURNS):
        near = np.clip(point + radius * rng.uniform(-1.0, 1.0, (AROUND, len(point))), -1.0, 1.0)
        y = np.where(np.isfinite(found := number(near)), found, -np.inf)
        if y.max() > height:
            point, height = near[y.argmax()], float(y.max())
        else:
            radius *= 0.3
    return point


def rank_of(values: Values, m: int, most: int, rng: np.random.Generator) -> float:
    """How many products of functions of one number each values of some numbers are sums of; infinite where many.

    On a grid of two or three numbers; of more, between two of them.
    """
    if m not in GRID:
        short = short_train_of(values, m, RANK, most, rng)
        return np.inf if short is None else float(max(short[0].ranks))
    places = np.sin(0.5 * np.pi * rng.uniform(-1.0, 1.0, (m, GRID[m])))
    y = values(np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, m)).reshape((GRID[m],) * m)
    if not np.isfinite(y).all():
        return np.inf
    sizes = [np.linalg.svd(np.moveaxis(y, i, 0).reshape(GRID[m], -1), compute_uv=False) for i in range(m)]
    return float(max((s > RANK * s[0]).sum() for s in sizes))


def of_products(
    values: Values, m: int, tol: float, most: int, rng: np.random.Generator, roundoff: float
) -> Step | None:
    """A function of m numbers of [-1, 1] as a sum of products, to tol; None where it is none of few."""
    if m == 2:
        products = products_of(values, tol, most, rng)
        layers = None if products is None else layers_of(products, tol * products.size, roundoff)
    elif m == 3:
        train = train_of(values, tol, most, rng)
        layers = None if train is None else layers_of_train(train, tol * train.size, roundoff)
    else:
        short = short_train_of(values, m, min(tol, RANK), most, rng)  # its functions cost next to nothing
        layers = None if short is None else layers_of_smooth_train(*short, tol * short[0].size, roundoff)
    return None if layers is None else Step(layers[:-1], layers[-1][0][0], float(layers[-1][1][0]), tol)


@dataclass(frozen=True)
class Placed:
    """A step of a network: which parts it reads, by their keys, and when all of them are known."""

    key: Any
    step: Step
    parts: Sequence[Any]
    start: int  # hidden layers before its first

    @property
    def end(self) -> int:
        return self.start + len(self.step.hidden)


def placed(steps: Sequence[tuple[Any, Step, Sequence[Any]]], inputs: Sequence[Any]) -> list[Placed]:
    """Each step as soon as its parts are known. steps: key, step and keys of parts, those before that others read."""
    ends, found = dict.fromkeys(inputs, 0), []
    for key, step, parts in steps:
        found.append(Placed(key, step, parts, max(ends[p] for p in parts)))
        ends[key] = found[-1].end
    return found


def widths_of(steps: Sequence[Placed], inputs: Sequence[Any]) -> list[int]:
    """Units of the inputs and of each hidden layer, those that hand on what is wanted later among them."""
    wanted = _wanted(steps)
    ends = dict.fromkeys(inputs, 0) | {s.key: s.end for s in steps}
    widths = [len(inputs)]
    for layer in range(1, max(s.end for s in steps) + 1):
        own = sum(s.step.widths[layer - s.start - 1] for s in steps if s.start < layer <= s.end)
        widths.append(own + sum(ends[key] < layer <= last for key, last in wanted.items()))
    return widths


def _wanted(steps: Sequence[Placed]) -> dict[Any, int]:
    """The layer after which each number is read for the last time."""
    wanted: dict[Any, int] = {}
    for s in steps:
        for p in s.parts:
            wanted[p] = max(wanted.get(p, 0), s.start)
    return wanted


def joined(steps: Sequence[Placed], inputs: dict[Any, np.ndarray]) -> tuple[list[tuple[np.ndarray, np.ndarray]], Any]:
    """The hidden layers of all steps, and what the last one is: weights of the last units (h,), and a constant.

    inputs: the row (d,) that each is.
    """
    wanted = _wanted(steps)
    rows: dict[Any, tuple[np.ndarray, float]] = {i: (row, 0.0) for i, row in inputs.items()}
    spans: dict[Any, slice] = {}  # of steps that are under way
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    for layer in range(1, max(s.end for s in steps) + 1):
        weight, bias, now, later = [], [], {}, {}
        before, width = (len(layers[-1][1]) if layers else len(next(iter(inputs.values())))), 0
        for s in steps:
            if s.start < layer <= s.end:
                own, offsets = s.step.hidden[layer - s.start - 1]
                if layer == s.start + 1:
                    weight.append(own @ np.stack([rows[p][0] for p in s.parts]))
                    bias.append(offsets + own @ np.array([rows[p][1] for p in s.parts]))
                else:
                    whole = np.zeros((len(own), before))
                    whole[:, spans[s.key]] = own
                    weight.append(whole)
                    bias.append(offsets)
                now[s.key] = slice(width, width + len(offsets))
                width += len(offsets)
                if layer == s.end:
                    later[s.key] = (now[s.key], s.step.weights, s.step.constant)
        for p, (row, constant) in rows.items():
            if wanted.get(p, 0) >= layer:
                weight.append(THROUGH * row[None])
                bias.append(np.array([THROUGH * constant]))
                later[p] = (slice(width, width + 1), np.array([1.0 / THROUGH]), 0.0)
                width += 1
        layers.append((np.concatenate(weight), np.concatenate(bias)))
        rows, spans = {}, now
        for p, (where, read, constant) in later.items():
            row = np.zeros(width)
            row[where] = read
            rows[p] = (row, constant)
    return layers, rows[steps[-1].key]


__all__ = [
    "FINEST",
    "FORMS",
    "ITSELF",
    "Form",
    "Placed",
    "Step",
    "Way",
    "joined",
    "of_products",
    "placed",
    "rank_of",
    "widths_of",
]
