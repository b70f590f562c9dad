"""A function of one smooth number, of which nothing is written down, as a network.

The number is made by units of a first layer, and the function of it by units of a second that are as dense as it needs
them: so a front, a kink, a root or a narrow peak that lies across the box is one of a single number. Where the number
is a sum of functions of one input each, each unit of the first layer sees one input; where that sum is linear there is
no such layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.polynomial.chebyshev import chebval

from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.data import Domain, sample
from surefit.formulas.compositions import Composition
from surefit.formulas.exact import Univariate
from surefit.formulas.signals import SAME_VALUE, Signal, Sum, Value
from surefit.problems.links import Link, Mixed, Number, Values, linked, reduced
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.search.limits import COMPOSED_FIRST, HELPED, MANY_INPUTS, MOST_DEEP, MOST_WIDE, UNITS
from surefit.search.runner import State, Strategy
from surefit.search.strategies.composed import layered
from surefit.search.strategies.layers import Layers, affordable, of_layers, reserve
from surefit.sentences import say
from surefit.solvers.features import SCALES, linear_features
from surefit.solvers.univariate import Units, units_of

OF_TIME = 0.4  # of the time, that values may cost
VALUES = 60_000  # of two inputs that it takes at most to see whether it is one; for each input, one of fewer numbers
LEAST_VALUES = 5000  # with which it is looked for
LOOKED_AT = 4000  # points that tell the range of the sum
MOST_UNITS = 600  # that make the number
NUMBER = 1e-10  # of its half range, to which it is made if that many do
LEAST = 1e-13  # of each function: gradients do not tell them better
KNOWN = 10.0  # times what it is off by: shorter lengths are not resolved

Found = TypeVar("Found")


class _Spent(Exception):
    """No further value may be asked for."""


class AtMost:
    """A function that is asked for so many values at most while something is looked for: rough ones tempt to more."""

    def __init__(self, function: Values) -> None:
        self.function, self.left = function, math.inf

    def __call__(self, points: np.ndarray) -> np.ndarray:
        self.left -= len(points)
        if self.left < 0:
            raise _Spent
        return self.function(points)

    def within(self, most: float, looked_for: Callable[[], Found | None]) -> Found | None:
        """What is found with so many values; None where it takes more."""
        self.left = most
        try:
            return looked_for()
        except _Spent:
            return None
        finally:
            self.left = math.inf


def linked_numbers(s: State) -> Strategy:
    """The network of the number that a function is a function of, to more and more digits."""
    problem, function = s.problem, s.problem.function
    known = problem.free and problem.gradients is None and problem.affordable is None and not problem.log_target
    if not known or function is None or len(problem.outputs) > 1:
        return None
    if affordable(s, OF_TIME) < LEAST_VALUES or (s.candidates and s.progress.out_of_time(1.0 - reserve(s))):
        return None
    scaling = Scaling.of(problem)

    def of_scaled(u: np.ndarray) -> np.ndarray:
        x = np.clip(scaling.unscaled_inputs(u), problem.domain.low, problem.domain.high)
        return np.asarray(function(x))[:, 0]

    rng = np.random.default_rng([s.seed, 0x11C])
    values = AtMost(of_scaled)
    found = values.within(min(VALUES * max(2, s.dim) / 2, affordable(s, OF_TIME)), lambda: linked(values, s.dim, rng))
    if found is None:
        yield from _of_fewer(s, values, scaling, rng)
        return None
    if isinstance(found.inner, Mixed):
        if s.dtype == ops.float64:  # another would round the number by as much as the function is rough
            yield say("linked-mixed", inputs=s.dim, degree=found.inner.degree)
            yield from _of_number(s, found, scaling)
        return None
    yield say("linked", inputs=s.dim)
    inputs = tuple(Number(frozenset({i})) for i in range(s.dim))
    u = _points(s)
    own = _unscaled(scaling)
    yield from layered(s, composition(found, inputs, u), scaling.unscaled_inputs(u), own, "linked", LEAST)
    return None


def _of_fewer(s: State, values: AtMost, scaling: Scaling, rng: np.random.Generator) -> Strategy:
    """The networks of fewer numbers that a function is one of."""
    found = values.within(min(VALUES * s.dim, affordable(s, OF_TIME)), lambda: reduced(values, s.dim, rng))
    if found is None:
        return None
    yield say("fewer-numbers", inputs=s.dim, numbers=1 if found.link else len(found.numbers))
    u = _points(s)
    if found.link is not None:
        made = composition(found.link, found.numbers, u)
        if made.depth <= MOST_DEEP:
            yield from layered(s, made, scaling.unscaled_inputs(u), _unscaled(scaling), "linked", LEAST)
    return None


def _unscaled(scaling: Scaling) -> Scaling:
    """The same of inputs that are in the units of a network already."""
    d = len(scaling.x_shift)
    return replace(scaling, x_shift=np.zeros(d), x_scale=np.ones(d), log=None)


def _points(s: State) -> np.ndarray:
    """Points of [-1, 1]^d, corners among them."""
    box = Domain([(-1.0, 1.0)] * s.dim)
    return sample(box, LOOKED_AT, "uniform", with_corners=True, generator=np.random.default_rng([s.seed, 0x11D]))


def composition(link: Link, numbers: Sequence[Number], points: np.ndarray) -> Composition:
    """The layers of a function of a sum of functions of numbers. points (n, d) of [-1, 1]^d."""
    inputs = tuple(Signal(0, u) for u in points.T)
    total, shift = _sum(Number(frozenset(range(len(inputs))), link, tuple(numbers)), inputs)
    outer = Univariate(lambda t: link.at(t + shift), None)
    return Composition(inputs, (Value(parts={total: outer}),), total.layer + 1)


def _sum(number: Number, inputs: Sequence[Signal]) -> tuple[Sum, float]:
    """A sum of signals that a number is, but for a constant."""
    if number.link is None:
        signal = inputs[min(number.inputs)]
        return Sum(0, ((signal, 1.0),), signal.values), 0.0
    parts = number.inner.parts
    if number.inner.degree == 1 and all(m.link is None for m in number.members):
        signals = [inputs[min(m.inputs)] for m in number.members]
        terms = tuple((k, float(c[1])) for k, c in zip(signals, parts, strict=True) if c[1] != 0.0)
        return Sum(0, terms, np.sum([c * k.values for k, c in terms], axis=0)), float(sum(c[0] for c in parts))
    handed = []
    for member, c in zip(number.members, parts, strict=True):
        if c[1:].any():
            own, shift = _sum(member, inputs)
            of = Univariate(partial(_moved, c, shift), None)
            handed.append(Signal(own.layer + 1, of(own.values), own, of))
    constant = float(sum(c[0] for c in parts if not c[1:].any()))
    layer = max(k.layer for k in handed)
    terms = tuple((_lifted(k, layer), 1.0) for k in handed)
    return Sum(layer, terms, np.sum([k.values for k, _ in terms], axis=0)), constant


def _moved(coefficients: np.ndarray, shift: float, z: np.ndarray) -> np.ndarray:
    return np.asarray(chebval(z + shift, coefficients))


def _lifted(signal: Signal, layer: int) -> Signal:
    """The signal, handed on to a later layer."""
    while signal.layer < layer:
        own = Sum(signal.layer, ((signal, 1.0),), signal.values)
        signal = Signal(signal.layer + 1, signal.values, own, SAME_VALUE)
    return signal


def _of_number(s: State, link: Link, scaling: Scaling) -> Strategy:
    """Networks whose first layer makes the number, with more units as long as that helps."""
    roundoff, before, off = ROUNDOFF[str(s.dtype)], np.inf, np.inf
    tol = COMPOSED_FIRST * (s.goal or 0.0) / s.size if s.size > 0 else 0.0
    for units in UNITS.get(s.dim, MANY_INPUTS):
        if units > MOST_UNITS or (s.candidates and s.progress.out_of_time(1.0 - reserve(s))):
            return None
        number = _number(s, link, units)
        if number is None or number.error.max() * HELPED > off:
            return None
        off = float(number.error.max())
        outer = units_of(lambda t: link.at(t)[:, None], max(tol, roundoff), max(KNOWN * off, roundoff), roundoff)
        if outer is None or len(outer.gains) > MOST_WIDE:
            return None
        layers = _joined(number, outer, scaling)
        total = sum(len(b) for _, b in layers[:-1])
        stage = say("stage-linked", units=total, layers=2)
        attempt = of_layers(s, layers, "tanh", stage, s.problem, solver="linked", units=total)
        if attempt is None:
            return None
        found = yield attempt
        if found is None or off <= NUMBER or found.score * HELPED > before:
            return None
        before = found.score
    return None


def _number(s: State, link: Link, units: int) -> Units | None:
    """So many units of all inputs that make the number."""
    rng, rows = np.random.default_rng([s.seed, 0x11E, units]), ROWS * units + 2
    u = np.concatenate([np.sin(0.5 * np.pi * rng.uniform(-1.0, 1.0, (rows, s.dim))), _points(s)])
    y = link.inner(u)[:, None]
    found = linear_features(
        u[:rows], y[:rows], units, scales=SCALES[:4], beyond=2, draws=1, generator=rng,
        roundoff=ROUNDOFF[str(s.dtype)], validation=(u[rows:], y[rows:]), dtype=s.dtype, goal=NUMBER,
    )  # fmt: skip
    out = found.output
    return Units(found.hidden, found.offsets, out.weights, out.constant, np.array([out.score]))


def _joined(number: Units, outer: Units, scaling: Scaling) -> Layers:
    """The layers of a function of a number that units of a first layer make."""
    gains = outer.gains[:, None]
    second = gains * number.weights[:, 0], outer.gains * float(number.constant[0]) + outer.offsets
    out = outer.weights.T / scaling.y_scale[:, None], (outer.constant - scaling.y_shift) / scaling.y_scale
    return [(number.gains, number.offsets), second, out]


__all__ = ["AtMost", "composition", "linked_numbers"]
