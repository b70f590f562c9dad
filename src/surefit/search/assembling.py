"""A network of several inputs that is constructed: functions of one number each, put together, with a proof.

The formula becomes a plan of such functions (bounds/structure.py). Each gets a share of the tolerance, the fewest
hinges for it (search/constructing.py), and the network holds them side by side, one hidden layer for each level of
nesting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from surefit import nn
from surefit.bounds.assembly import Owner, Part
from surefit.bounds.structure import Plan
from surefit.core import ops
from surefit.errors import ArgumentError
from surefit.models.scaled import Scaled

MOST_UNITS = 20_000
LEAST = 1e-6  # of the largest bending, that each function is said to have: a kink alone has none
SAMPLES = 2001

Terms = dict[int, Fraction]
Unit = tuple[
    str, int, int
]  # ("hinge", place, number), ("carry", number, 0), or ("input", number, 0) where all are kept


@dataclass
class _Sum:
    """bias + sum of weights times units of one layer."""

    weights: dict[Unit, Fraction] = field(default_factory=dict)
    const: Fraction = Fraction(0)

    def add(self, unit: Unit, weight: Fraction) -> None:
        self.weights[unit] = self.weights.get(unit, Fraction(0)) + weight


def shares(
    plan: Plan, arguments: list[tuple[float, float]], slopes: Mapping[int, float] | None = None
) -> dict[int, float]:
    """For each atom how large its own error may be, for an error of 1 of the whole: few hinges in all.

    With a bending C = integral of sqrt |g''| / 4 a function needs C / sqrt(e) hinges for an error e. If e counts w
    times in the whole, the sum of the hinges is least where e is as (C / w)^(2/3). slopes: the steepest of functions
    that are known already, which near a place of infinite slope are steeper than samples show.
    """
    d = len(plan.names)
    bending, steepest = {}, {}
    for k, (low, high) in enumerate(arguments):
        t = np.linspace(low, high, SAMPLES)
        with np.errstate(all="ignore"):
            y = np.nan_to_num(np.broadcast_to(np.asarray(plan.atoms[k].function(t), np.float64), t.shape))
        # of corners and infinite slopes the samples see what they can
        bending[d + k] = 0.25 * float(np.sqrt(np.abs(np.diff(y, 2))).sum())
        steepest[d + k] = float(np.abs(np.diff(y)).max(initial=0.0)) / max((high - low) / (SAMPLES - 1), 1e-300)
    counts = sensitivities(plan, steepest if slopes is None else steepest | dict(slopes))
    floor = LEAST * max(bending.values(), default=1.0) + 1e-300
    parts = {i: (max(bending[i], floor) / max(counts[i], 1e-300)) ** (2 / 3) for i in bending}
    total = sum(counts[i] * parts[i] for i in parts)
    return {i: e / total for i, e in parts.items()}


def sensitivities(plan: Plan, steepest: Mapping[int, float]) -> dict[int, float]:
    """How often the error of each atom counts in that of the whole, with the steepest slopes of the atoms above it."""
    d = len(plan.names)
    counts = {d + k: 0.0 for k in range(len(plan.atoms))}
    for i, c in plan.terms:
        if i >= d:
            counts[i] += abs(float(c))
    for place in reversed(range(d, d + len(plan.atoms))):  # atoms stand after what they depend on
        for i, c in plan.atoms[place - d].terms:
            if i >= d:
                counts[i] += counts[place] * steepest[place] * abs(float(c))
    return counts


class Builder:
    """Writes a plan with its parts as one network, layers from the last to the first, then biases from the first on."""

    def __init__(self, plan: Plan, parts: Mapping[int, Part], low: np.ndarray, high: np.ndarray) -> None:
        self.plan, self.parts, self.low, self.high = plan, parts, low, high
        self.d, self.depth = len(plan.names), max(1, plan.depth)
        self.keep_inputs = False
        self.carried: dict[int, list[Terms]] = {}
        if not self.laid_out():
            self.keep_inputs = True
            self.laid_out()

    def laid_out(self) -> bool:
        """What every layer has to hold, from the last one on; False where the first had more sums than inputs."""
        self.carried = {depth: [] for depth in range(1, self.depth + 1)}
        self.rows: dict[Unit | tuple[str, int, int, int], _Sum] = {}
        self.last = self.expressed(self.depth, dict(self.plan.terms), self.plan.const)
        for depth in range(self.depth, 0, -1):
            for place in self.at(depth):
                terms = dict(self.plan.atoms[place - self.d].terms)
                self.rows["hinge", place, 0] = self.expressed(depth - 1, terms, Fraction(0))
            if depth > 1 or not self.keep_inputs:
                for k, terms in enumerate(self.carried[depth]):
                    self.rows["carry", k, 0, depth] = self.expressed(depth - 1, terms, Fraction(0))
        return self.keep_inputs or len(self.carried[1]) <= self.d

    def at(self, depth: int) -> list[int]:
        """Atoms whose hinges are in a layer."""
        return [
            i for i in range(self.d, len(self.plan.depths)) if self.plan.depths[i] == depth and self.parts[i].hinges
        ]

    def expressed(self, depth: int, terms: Terms, const: Fraction) -> _Sum:
        """A sum over atoms as a sum over the units of a layer; what comes from before is carried by a unit."""
        found, rest = _Sum(const=const), Terms()
        if depth == 0:
            for i, c in terms.items():
                found.add(("input", i, 0), c)
            return found
        waiting = list(terms.items())
        while waiting:
            i, c = waiting.pop()
            if not c:
                continue
            part = self.parts.get(i)
            if part is None or (part.hinges and self.plan.depths[i] < depth):
                rest[i] = rest.get(i, Fraction(0)) + c
                continue
            for k, jump in enumerate(part.jumps):
                found.add(("hinge", i, k), c * Fraction(float(jump)))
            slope = c * Fraction(part.slope)
            found.const += c * Fraction(part.offset) - slope * Fraction(part.low)
            waiting += [(j, slope * factor) for j, factor in self.plan.atoms[i - self.d].terms]
        rest = {i: c for i, c in rest.items() if c}
        if not rest:
            return found
        if depth == 1 and self.keep_inputs:
            for i, c in rest.items():
                found.add(("input", i, 0), c)
            return found
        if rest not in self.carried[depth]:
            self.carried[depth].append(rest)
        found.add(("carry", self.carried[depth].index(rest), 0), Fraction(1))
        return found

    def built(self) -> tuple[Scaled, list[list[Owner]]]:
        """The network, in float64, and what its hidden units are."""
        weights: list[tuple[np.ndarray, np.ndarray]] = []
        owners: list[list[Owner]] = []
        place: dict[Unit, int] = {("input", i, 0): i for i in range(self.d)}
        shift: dict[Unit, Fraction] = {}  # what must be added to a unit that never bends
        low, high = self.low, self.high
        for depth in range(1, self.depth + 1):
            W, b, mine, new, moved = list[Any](), list[Any](), list[Owner](), dict[Unit, int](), dict[Unit, Fraction]()
            n = len(low)
            for i in self.at(depth):
                row, const = self.numbers(self.rows["hinge", i, 0], place, shift, n)
                part = self.parts[i]
                for k, (sign, knot) in enumerate(zip(part.signs, part.knots, strict=True)):
                    new["hinge", i, k] = len(W)
                    W.append(sign * row)
                    b.append(float(int(sign) * (const - Fraction(float(knot)))))
                    mine.append((i, k))
            for unit, s in self.straight(depth):
                row, const = self.numbers(s, place, shift, n)
                least, size = (
                    np.where(row > 0, row * low, row * high),
                    np.abs(row) * np.maximum(np.abs(low), np.abs(high)),
                )
                start = float(least.sum() - 1e-9 * size.sum() - 1e-12)  # with room for what rounding may do
                new[unit] = len(W)
                moved[unit] = const + Fraction(start)
                W.append(row)
                b.append(-start)
                mine.append(None)
            if not W:  # a constant
                W, b, mine = [np.zeros(n)], [0.0], [None]
            weights.append((np.array(W), np.array(b)))
            owners.append(mine)
            place, shift = new, moved
            w, c = weights[-1]
            high = np.maximum(np.where(w > 0, w * high, w * low).sum(axis=1) + c, 0.0) * (1 + 1e-9) + 1e-12
            low = np.zeros(len(high))
        row, const = self.numbers(self.last, place, shift, len(low))
        weights.append((row[None, :], np.array([float(const)])))
        return self.module(weights), owners

    def straight(self, depth: int) -> list[tuple[Unit, _Sum]]:
        if depth == 1 and self.keep_inputs:
            return [(("input", i, 0), _Sum({("input", i, 0): Fraction(1)})) for i in range(self.d)]
        return [(("carry", k, 0), self.rows["carry", k, 0, depth]) for k in range(len(self.carried[depth]))]

    def numbers(
        self, s: _Sum, place: Mapping[Unit, int], shift: Mapping[Unit, Fraction], n: int
    ) -> tuple[np.ndarray, Fraction]:
        """Weights (n,) as floats, and the constant."""
        row, const = np.zeros(n), s.const
        for unit, c in s.weights.items():
            w = float(c)
            row[place[unit]] = w
            if unit in shift:
                const += Fraction(w) * shift[unit]
        return row, const

    def module(self, weights: list[tuple[np.ndarray, np.ndarray]]) -> Scaled:
        widths = tuple(len(b) for _, b in weights[:-1])
        if max(widths) > MOST_UNITS:
            raise ArgumentError(
                f"construct: {max(widths)} units in one layer are more than {MOST_UNITS}; choose a larger tolerance, "
                "or surefit.fit, whose smooth units reach small errors with few"
            )
        rng = np.random.default_rng(0)
        network = nn.MLP(self.d, widths, 1, activation="relu", generator=rng, dtype=ops.float64)
        layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
        for layer, (w, b) in zip(layers, weights, strict=True):
            assert layer.bias is not None
            layer.weight.assign(w)
            layer.bias.assign(b)
        zero, one = np.zeros(self.d), np.ones(self.d)
        return Scaled(network, zero, one, np.zeros(1), np.ones(1), ops.float64)


__all__ = ["Builder", "sensitivities", "shares"]
