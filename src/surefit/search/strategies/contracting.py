"""A function that takes its inputs together, step by step: each step is fitted by itself, and all are one network.

Units spread over a box of many inputs see little of each. Where a function has some of its inputs only together
(`problems.contractions`), it is made of functions of two or three numbers, each of which few units fit to many digits;
nothing of it has to be known but values. What the layers hand on are the numbers that the inputs make together.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from surefit.attempts.attempt import Attempt
from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.problems.contractions import Contraction, Values, contracted
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.search.candidates import Candidate
from surefit.search.limits import (
    CONTRACTED,
    HELPED,
    LEARNED,
    MANY_INPUTS,
    UNASKED_PARAMETERS,
    UNITS,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import Layers, affordable, most_parameters, of_layers, reserve
from surefit.sentences import Sentence, say
from surefit.solvers.features import SCALES, linear_features

POOL, FIRST_POOL = 4000, 300  # points that tell the range of a number, and from which others are taken evenly over it
PLACES = 4  # where the others are held for a first solve, of which the easiest is kept
VALUES = 10_000  # of the function that a step takes about, all in all
OF_TIME = 0.4  # of the time, that values may cost
AT_END = 0.2  # of the points evenly over the numbers, how many are at an end of each
SOON = 300  # units that are solved for at once; more when the network is not good enough
THROUGH = 2e-5  # gain of a unit that hands a number on: it is off by a third of the square, and rounds the less
SEEN = 0.5  # of the points are taken evenly over the numbers, the others over the inputs


@dataclass
class _Number:
    """An input, or what several make together: (value - middle) / half is what the network has of it."""

    pool: np.ndarray  # points (n, d), of which its own inputs count
    values: np.ndarray  # (n,) there, scaled
    middle: float
    half: float


@dataclass
class _Step:
    """A function of numbers as one hidden layer: weights (h, m), offsets (h,), output weights (h,), constant."""

    hidden: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    constant: float
    score: float  # of half the range of its values


def contracting(s: State) -> Strategy:
    """The network of the functions that a function is found to be made of; once more with more units, if that helps."""
    fitting = yield from steps_of(s)
    if fitting is not None:
        yield from networks(s, fitting, math.inf)
    return None


def steps_of(s: State) -> Generator[Attempt | Sentence, Candidate | None, Fitting | None]:
    """The steps that a function is made of, each fitted with few units; None where there are none."""
    problem = s.problem
    known = problem.free and problem.gradients is None and problem.affordable is None and not problem.log_target
    function = problem.function
    if not known or function is None or len(problem.outputs) > 1 or not problem.domain.dim > 2:
        return None
    if s.dtype != ops.float64:
        return None  # what a layer hands on would be rounded by as much as the weights are large
    if affordable(s, OF_TIME) < VALUES * s.dim:
        return None
    scaling = Scaling.of(problem)

    def values(u: np.ndarray) -> np.ndarray:
        return np.asarray(function(scaling.unscaled_inputs(u)))[:, 0]

    rng = np.random.default_rng([s.seed, 0xC0DE])
    whole = contracted(values, s.dim, rng)
    if whole is None:
        return None
    yield say("taken-together", steps=len(list(whole.all())), numbers=whole.arity, inputs=s.dim)
    fitting = Fitting(s, values, rng, whole)
    return fitting if fitting.begun() else None


def networks(s: State, fitting: Fitting, most: float) -> Strategy:
    """The networks of these steps, with more and more units of those that need them: `most` parameters at most.

    Goes on where it was left.
    """
    while not fitting.joined or fitting.better(most):
        layers = fitting.layers(Scaling.of(s.problem))
        units = sum(len(bias) for _, bias in layers[:-1])
        stage = say("stage-contracted", units=units, layers=len(layers) - 1)
        attempt = of_layers(s, layers, "tanh", stage, s.problem, solver="contracted", units=units)
        if attempt is None:
            return None
        found = yield attempt
        if found is None or found.score > s.judge.share(LEARNED):
            fitting.given_up = True
            return None
    return None


class Fitting:
    """The steps of one function, fitted one after the other.

    All values are of points of [-1, 1]^d. A step that is of the whole has the target as its number.
    """

    def __init__(self, s: State, function: Values, rng: np.random.Generator, whole: Contraction) -> None:
        self.state, self.function, self.rng, self.whole = s, function, rng, whole
        self.roundoff = ROUNDOFF[str(s.dtype)]
        self.goal = max(CONTRACTED * (s.goal or 0.0) / s.size if s.size > 0 else 0.0, 10.0 * self.roundoff)
        self.steps = list(whole.all())
        self.numbers: dict[int | Contraction, _Number] = {}
        self.held: dict[Contraction, np.ndarray] = {}  # (d,)
        self.fitted: dict[Contraction, _Step] = {}
        self.joined = False  # whether there was a network of them
        self.given_up = False  # whether that was of no use
        self.seconds = 0.0  # of a solve, over the cube of the units
        self.number_of_rung = dict.fromkeys(self.steps, 0)  # of the next

    # --- fitting ---

    def begun(self) -> bool:
        """Fit all steps with as many units as are soon solved for; whether all could be."""
        d = self.state.dim
        for i in self.whole.inputs:
            pool = np.linspace(-1.0, 1.0, POOL)[:, None] * np.ones(d)
            self.numbers[i] = _Number(pool, pool[:, i], 0.0, 1.0)
        for c in self.steps:
            if not self.place(c):
                return False
            while self.number_of_rung[c] < len(self.rungs(c)) and self.fitted[c].score > self.goal:
                if self.rungs(c)[self.number_of_rung[c]] > SOON or not self.more(c, UNASKED_PARAMETERS):
                    break
        return True

    def better(self, most: float) -> bool:
        """More units for the step that needs them most; whether that helped. most: parameters."""
        if self.given_up:
            return False
        worst = max(self.steps, key=lambda c: self.fitted[c].score)
        if self.fitted[worst].score <= self.goal or self.number_of_rung[worst] == len(self.rungs(worst)):
            return False
        return not self.state.progress.out_of_time(1.0 - reserve(self.state)) and self.more(worst, most)

    def rungs(self, c: Contraction) -> Sequence[int]:
        """Units, in the order in which they are tried."""
        return UNITS.get(max(2, len(c.parts)), MANY_INPUTS)

    def place(self, c: Contraction) -> bool:
        """Hold the other inputs where the step is the easiest; whether its values are finite somewhere."""
        best = np.inf
        for held in c.held[:PLACES] if len(c.held) > 1 else ():
            number = self.number(c, held, FIRST_POOL)
            found = None if number is None else self.solved(c, held, number, self.rungs(c)[0])
            if found is not None and found.score < best:
                best, self.held[c] = found.score, held
        held = self.held.setdefault(c, c.held[0])
        number = self.number(c, held, POOL)
        found = None if number is None else self.solved(c, held, number, self.rungs(c)[0])
        if number is None or found is None:
            return False
        self.fitted[c], self.numbers[c], self.number_of_rung[c] = found, number, 1
        return True

    def number(self, c: Contraction, held: np.ndarray, count: int) -> _Number | None:
        """What these inputs make together, all over its range; None where that is not finite or does not change."""
        each = (count // 3, self.state.dim)
        inside = self.rng.uniform(-1.0, 1.0, each)
        ends = np.where(self.rng.random(each) < 0.5, np.sign(inside), inside)
        pool = np.concatenate([inside, ends, np.sign(self.rng.uniform(-1.0, 1.0, each))])
        values = self.function(self.at(c, held, pool))
        if not np.isfinite(values).all() or np.ptp(values) == 0.0:
            return None
        low, high = float(values.min()), float(values.max())
        middle, half = low / 2 + high / 2, (high - low) / 2
        return _Number(pool, (values - middle) / half, middle, half)

    def at(self, c: Contraction, held: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The points (n, d) with the inputs of c of these, and the others where they are held."""
        return np.where(np.isin(np.arange(self.state.dim), sorted(c.inputs)), points, held)

    def points(self, c: Contraction, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d), and the numbers (n, m) that the parts are there.

        Evenly over the numbers and denser to their ends, where all are at times, as polynomials need them; and evenly
        over the inputs.
        """
        x, z = np.zeros((count, self.state.dim)), np.empty((count, len(c.parts)))
        even = int(SEEN * count)
        for j, part in enumerate(c.parts):
            number = self.numbers[part]
            order = np.argsort(number.values)
            low, high = number.values[order[[0, -1]]]
            share = 0.5 * (1.0 - np.cos(np.pi * self.rng.random(even)))
            share = np.where(self.rng.random(even) < AT_END, np.round(share), share)
            share[: 2 ** len(c.parts)] = np.arange(2 ** len(c.parts)) >> j & 1  # all corners
            near = np.searchsorted(number.values[order], low + (high - low) * share).clip(0, len(order) - 1)
            rows = np.concatenate([order[near], self.rng.integers(0, len(order), count - even)])
            own = [part] if isinstance(part, int) else sorted(part.inputs)
            x[:, own], z[:, j] = number.pool[rows][:, own], number.values[rows]
        return x, z

    def more(self, c: Contraction, most: float = math.inf) -> bool:
        """Fit a step with the next more units; whether that helped. most: parameters of the network."""
        units = self.rungs(c)[self.number_of_rung[c]]
        left = self.state.progress.left(1.0 - reserve(self.state))
        if left is not None and self.seconds * units**3 > left:
            return False
        if self.size(c, units) > min(most, most_parameters(self.state)):
            return False
        self.number_of_rung[c] += 1
        found = self.solved(c, self.held[c], self.numbers[c], units)
        if found is None or HELPED * found.score > self.fitted[c].score:
            self.number_of_rung[c] = len(self.rungs(c))
        if found is None or found.score >= self.fitted[c].score:
            return False
        self.fitted[c] = found
        return True

    def size(self, changed: Contraction, units: int) -> int:
        """Parameters of the network, about, with so many units for a step; those not known yet have the fewest."""
        widths = [len(self.whole.inputs)]
        for depth in range(1, self.whole.depth + 1):
            steps = [c for c in self.steps if c.depth == depth and c is not changed]
            own = sum(len(self.fitted[c].offsets) if c in self.fitted else self.rungs(c)[0] for c in steps)
            widths.append(own + units * (changed.depth == depth))
        return sum(a * b for a, b in pairwise(widths)) + sum(widths)

    def solved(self, c: Contraction, held: np.ndarray, number: _Number, units: int) -> _Step | None:
        """The function of its parts that a number is, by so many units; None where it is not finite."""
        rows = ROWS * units + 2 if len(c.parts) <= 3 else (ROWS * units + 2) * 3 // 2
        x, z = self.points(c, rows + rows // 4)
        y = ((self.function(self.at(c, held, x)) - number.middle) / number.half)[:, None]
        if not np.isfinite(y).all():
            return None
        began = self.state.progress.seconds
        found = linear_features(
            z[:rows], y[:rows], units, scales=SCALES[:4] if units <= SOON else SCALES[:2], beyond=2, draws=1,
            generator=self.rng, roundoff=self.roundoff, validation=(z[rows:], y[rows:]), dtype=self.state.dtype,
            goal=self.goal,
        )  # fmt: skip
        if units > SOON // 2:  # of fewer other things take the time
            self.seconds = (self.state.progress.seconds - began) / units**3
        out = found.output
        return _Step(found.hidden, found.offsets, out.weights[:, 0], float(out.constant[0]), out.score)

    # --- the network ---

    def layers(self, scaling: Scaling) -> Layers:
        """All steps as layers, each as soon as its parts are known; what is wanted later is handed on."""
        self.joined, d, whole = True, self.state.dim, self.whole
        rows: dict[int | Contraction, tuple[np.ndarray, float]] = {i: (np.eye(d)[i], 0.0) for i in whole.inputs}
        wanted = {p: max(c.depth for c in self.steps if p in c.parts) for c in self.steps for p in c.parts}
        layers: list[tuple[np.ndarray, np.ndarray]] = []
        for depth in range(1, whole.depth + 1):
            weight, bias = [], []
            spans: list[tuple[int | Contraction, np.ndarray, float]] = []
            for c in self.steps:
                if c.depth == depth:
                    step = self.fitted[c]
                    weight.append(step.hidden @ np.stack([rows[p][0] for p in c.parts]))
                    bias.append(step.offsets + step.hidden @ np.array([rows[p][1] for p in c.parts]))
                    spans.append((c, step.weights, step.constant))
            for p, (row, constant) in rows.items():
                if wanted.get(p, 0) > depth:
                    weight.append(THROUGH * row[None])
                    bias.append(np.array([THROUGH * constant]))
                    spans.append((p, np.array([1.0 / THROUGH]), 0.0))
            layers.append((np.concatenate(weight), np.concatenate(bias)))
            rows, start = {}, 0
            for p, read, constant in spans:
                row = np.zeros(len(layers[-1][1]))
                row[start : start + len(read)] = read
                rows[p], start = (row, constant), start + len(read)
        row, constant = rows[whole]
        last, unit = self.numbers[whole], scaling.y_scale
        layers.append(
            (last.half * row[None] / unit[:, None], (last.half * constant + last.middle - scaling.y_shift) / unit)
        )
        return layers


__all__ = ["Fitting", "contracting", "networks", "steps_of"]
