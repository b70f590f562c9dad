"""A function of one smooth number, of which nothing is written down, as a network.

The number is made by units of a first layer, and the function of it by units of a second that are as dense as it needs
them: so a front, a kink, a root or a narrow peak that lies across the box is one of a single number. Where the number
is a sum of functions of one input each, each unit of the first layer sees one input; where that sum is linear there is
no such layer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.data import Domain, sample
from surefit.formulas.compositions import Composition
from surefit.formulas.exact import Univariate
from surefit.formulas.signals import Signal, Sum, Value
from surefit.problems.links import Link, Mixed, Parts, linked
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.search.limits import COMPOSED_FIRST, HELPED, MANY_INPUTS, MOST_WIDE, SOLVER_RESERVE, UNITS
from surefit.search.runner import State, Strategy
from surefit.search.strategies.composed import layered
from surefit.search.strategies.layers import Layers, of_layers
from surefit.sentences import say
from surefit.solvers.features import SCALES, linear_features
from surefit.solvers.univariate import Units, units_of

OF_TIME = 0.2  # of the time, that values may cost
VALUES = 60_000  # of the function that it takes about to see whether it is one
LOOKED_AT = 4000  # points that tell the range of the sum
MOST_UNITS = 600  # that make the number
NUMBER = 1e-10  # of its half range, to which it is made if that many do
KNOWN = 10.0  # times what it is off by: shorter lengths are not resolved


def linked_numbers(s: State) -> Strategy:
    """The network of the number that a function is a function of, to more and more digits."""
    problem, function = s.problem, s.problem.function
    known = problem.free and problem.gradients is None and problem.affordable is None and not problem.log_target
    if not known or function is None or len(problem.outputs) > 1:
        return None
    if s.progress.time is not None and (problem.seconds_per_point or 0.0) * VALUES > OF_TIME * s.progress.time:
        return None
    scaling = Scaling.of(problem)

    def values(u: np.ndarray) -> np.ndarray:
        x = np.clip(scaling.unscaled_inputs(u), problem.domain.low, problem.domain.high)
        return np.asarray(function(x))[:, 0]

    found = linked(values, s.dim, np.random.default_rng([s.seed, 0x11C]))
    if found is None:
        return None
    if isinstance(found.inner, Mixed):
        if s.dtype == ops.float64:  # another would round the number by as much as the function is rough
            yield say("linked-mixed", inputs=s.dim, degree=found.inner.degree)
            yield from _of_number(s, found, scaling)
        return None
    yield say("linked", inputs=s.dim)
    u = _points(s)
    own = replace(scaling, x_shift=np.zeros(s.dim), x_scale=np.ones(s.dim), log=None)
    yield from layered(s, composition(found, found.inner, u), scaling.unscaled_inputs(u), own, "linked")
    return None


def _points(s: State) -> np.ndarray:
    """Points of [-1, 1]^d, corners among them."""
    box = Domain([(-1.0, 1.0)] * s.dim)
    return sample(box, LOOKED_AT, "uniform", with_corners=True, generator=np.random.default_rng([s.seed, 0x11D]))


def composition(link: Link, inner: Parts, points: np.ndarray) -> Composition:
    """The layers of a function of a sum: one where the sum is linear, else two. points (n, d) of [-1, 1]^d."""
    inputs = tuple(Signal(0, u) for u in points.T)
    if inner.degree == 1:
        slopes = [float(c[1]) for c in inner.parts]
        terms = tuple((signal, c) for signal, c in zip(inputs, slopes, strict=True) if c != 0.0)
        shift = float(sum(c[0] for c in inner.parts))
        total = Sum(0, terms, points @ np.array(slopes))
        return Composition(inputs, (Value(parts={total: Univariate(lambda t: link.at(t + shift), None)}),), 1)
    signals = []
    for i, signal in enumerate(inputs):
        if inner.parts[i][1:].any():
            own = Sum(0, ((signal, 1.0),), signal.values)
            signals.append(Signal(1, inner.part(i, signal.values), own, Univariate(partial(inner.part, i), None)))
    total = Sum(1, tuple((signal, 1.0) for signal in signals), np.sum([k.values for k in signals], axis=0))
    return Composition(inputs, (Value(parts={total: Univariate(link.at, None)}),), 2)


def _of_number(s: State, link: Link, scaling: Scaling) -> Strategy:
    """Networks whose first layer makes the number, with more units as long as that helps."""
    roundoff, before, off = ROUNDOFF[str(s.dtype)], np.inf, np.inf
    tol = COMPOSED_FIRST * (s.goal or 0.0) / s.size if s.size > 0 else 0.0
    for units in UNITS.get(s.dim, MANY_INPUTS):
        if units > MOST_UNITS or (s.candidates and s.progress.out_of_time(1.0 - SOLVER_RESERVE)):
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
        attempt = of_layers(s, layers, "tanh", stage, SOLVER_RESERVE, s.problem, solver="linked", units=total)
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


__all__ = ["composition", "linked_numbers"]
