"""What is proved of a network that was put together from functions of one number: its error as the sum of theirs.

The network is read back from the program that runs, and nothing that built it is trusted. With p the piecewise-linear
function of an atom, g the function it stands for, and e >= |p - g| on the range that the atom's argument S surely does
not leave (proved by `certify` in exact arithmetic), everything follows from one inequality:

    |p(T) - g(S)| <= |p(T) - p(S)| + |p(S) - g(S)| <= L |T - S| + e,    L the steepest slope of p.

T is what the network has in the place of S: a weighted sum of units of the layer before. Of such a sum it is found
how far it is from the weighted sum of atoms that it stands for: each group of hinges is a multiple of p less a
straight line, which is subtracted, units that never bend are straight lines, and what is left is a weighted sum one
layer before, until the inputs are reached, where a linear function is bounded on a box without a doubt. Where a
weight is not the multiple it should be, the difference is paid for. All of this is done in fractions, without
rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from surefit.bounds.interval import up
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.relax import Relaxation, State
from surefit.bounds.structure import Plan
from surefit.errors import ShapeError

Row = dict[int, Fraction]  # unit of a layer, or input -> weight
Owner = tuple[int, int] | None  # the atom's place and which of its hinges, or None: a unit that never bends


@dataclass(frozen=True)
class Part:
    """The piecewise-linear function of an atom: p(t) = offset + slope (t - low) + sum of jump relu(sign (t - knot)).

    error: |p - g| on [low, high] is not larger, proved. at_least: hinges that every such function has, proved.
    links: the knots with both ends, and the values there. windows: (at_least, 3), which prove the number.
    """

    signs: np.ndarray
    knots: np.ndarray
    jumps: np.ndarray
    slope: float
    offset: float
    low: float
    high: float
    error: float
    tol: float = 0.0

    @property
    def hinges(self) -> int:
        return len(self.knots)

    def steepest(self) -> Fraction:
        """The largest |slope| of p, anywhere."""
        order = np.argsort(self.knots, kind="stable")
        first = Fraction(self.slope) - sum((Fraction(float(j)) for j in self.jumps[self.signs < 0]), Fraction(0))
        return max(abs(s) for s in accumulate((Fraction(float(self.jumps[i])) for i in order), initial=first))


@dataclass(frozen=True)
class Layer:
    """Hidden units relu(W h + b), W (m, n), and what each is."""

    W: np.ndarray
    b: np.ndarray
    owners: tuple[Owner, ...]


class Unproved(ShapeError):
    """The network is not what it was to be."""


def layers_of(net: Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of a network that is a chain of layers, exactly as stored; Unproved for another one.

    Affine nodes that follow on each other must be the identity but for one.
    """
    found: list[tuple[np.ndarray, np.ndarray]] = []
    here: tuple[np.ndarray, np.ndarray] | None = None
    for i, node in enumerate(net.nodes[1:], 1):
        if isinstance(node, Unary):
            if node.kind != "relu" or node.source != i - 1 or here is None:
                raise Unproved("certify: this is no chain of ReLU layers")
            found.append(here)
            here = None
            continue
        if not isinstance(node, Affine) or len(node.sources) != 1:
            raise Unproved("certify: this is no chain of ReLU layers")
        source, w, radius = node.sources[0]
        if source != i - 1 or radius is not None or node.b_radius is not None:
            raise Unproved("certify: a weight of this network is not exact")
        if here is None or _identity(*here):
            here = (w, node.b)
        elif not _identity(w, node.b):
            raise Unproved("certify: this is no chain of ReLU layers")
    if here is None:
        raise Unproved("certify: this is no chain of ReLU layers")
    return [*found, here]


def _identity(w: np.ndarray, b: np.ndarray) -> bool:
    return w.shape[0] == w.shape[1] and bool((w == np.eye(len(w))).all()) and not b.any()


def assembled_bound(
    exact: Network, deployed: Network, plan: Plan, parts: Mapping[int, Part], owners: Sequence[Sequence[Owner]],
    low: np.ndarray, high: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """An upper bound of |network - plan| on the box low..high (d,), in exact arithmetic and as the network runs.

    exact, deployed: the network lowered in both modes. parts: of each atom. owners: for each hidden layer what its
    units are; a wrong one makes the bound large or is refused (Unproved), and never makes it false.
    """
    chain = layers_of(exact)
    layers = [Layer(w, b, tuple(o)) for (w, b), o in zip(chain[:-1], owners, strict=True)]
    relaxation = Relaxation(deployed, True)
    states = relaxation.forward(low[None, :], high[None, :])
    proof = _Proof(plan, parts, layers, _ranges(deployed, states), low, high)
    w, b = chain[-1]
    if w.shape[0] != 1:
        raise Unproved("certify: one output is needed")
    real = proof.apart(len(layers), _row(w[0]), Fraction(float(b[0])), dict(plan.terms), plan.const)
    return _up(real), float(up(_up(real) + _rounding(deployed, states)))


def _up(x: Fraction) -> float:
    return float(np.nextafter(float(x), np.inf))


def _row(w: np.ndarray) -> Row:
    return {int(i): Fraction(float(w[i])) for i in np.flatnonzero(w)}


def _ranges(net: Network, states: Sequence[State]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each hidden layer the least pre-activations (m,), and the largest values of the units (m,).

    By plain intervals, since units are never negative, intersected with the ranges of the states. The charge of a layer
    is at least three times the rounding of such a sum here, and at least that of the running network.
    """
    low, high = [states[0].low[0]], [states[0].high[0]]
    found = []
    with np.errstate(all="ignore"):
        for node, state in zip(net.nodes[1:], states[1:], strict=True):
            if isinstance(node, Affine):
                assert state.charge is not None
                least, most = node.b - 2.0 * state.charge[0], node.b + 2.0 * state.charge[0]
                for source, w, _ in node.sources:
                    up_, down_ = np.maximum(w, 0.0), np.minimum(w, 0.0)
                    least = least + up_ @ low[source] + down_ @ high[source]
                    most = most + up_ @ high[source] + down_ @ low[source]
            else:
                assert isinstance(node, Unary)
                found.append((low[node.source], np.maximum(np.fmin(high[node.source], state.high[0]), 0.0)))
                slack = 2.0 * node.ulps * node.unit * state.mass[0] * (1 + 1e-9)
                least, most = np.maximum(low[node.source], 0.0) - slack, np.maximum(high[node.source], 0.0) + slack
            low.append(np.fmax(least, state.low[0]))
            high.append(np.fmin(most, state.high[0]))
    return found


def _rounding(net: Network, states: Sequence[State]) -> float:
    """How far the running network may be from the exact one, anywhere on the box: a ReLU passes on what it gets."""
    off = [np.zeros(net.inputs)]
    with np.errstate(all="ignore"):
        for node, state in zip(net.nodes[1:], states[1:], strict=True):
            if isinstance(node, Affine):
                assert state.charge is not None
                total = state.charge[0].copy()
                for source, w, radius in node.sources:
                    total = total + (np.abs(w) if radius is None else np.abs(w) + radius) @ off[source]
                off.append(total * (1 + 1e-9))
            else:
                assert isinstance(node, Unary)
                kernel = 2.0 * node.ulps * node.unit * state.mass[0] * (1 + 1e-9) + 2.0**-1022
                off.append((off[node.source] + kernel) * (1 + 1e-9))
    worst = float(off[-1].max())
    return worst if worst == worst else float("inf")


class _Proof:
    def __init__(
        self, plan: Plan, parts: Mapping[int, Part], layers: Sequence[Layer],
        ranges: Sequence[tuple[np.ndarray, np.ndarray]], low: np.ndarray, high: np.ndarray,
    ) -> None:  # fmt: skip
        self.plan, self.parts, self.layers, self.ranges = plan, parts, layers, ranges
        self.box = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(low, high, strict=True)]
        arguments = plan.arguments(low, high)
        self.total: dict[int, Fraction] = {}  # atom -> how far its p of what the network has is from g, at most
        self.steepest: dict[int, Fraction] = {}
        self.reads: dict[int, tuple[Row, Fraction]] = {}  # atom -> the sum of units that its hinges look at
        d = len(plan.names)
        for k, (start, end) in enumerate(arguments):
            part = parts[d + k]
            if not (part.low <= start and end <= part.high):
                raise Unproved(f"certify: {plan.atoms[k].text} is proved on {part.low:g}:{part.high:g} alone")
            self.steepest[d + k] = part.steepest()
            if not part.hinges:  # a straight line, of which the argument is written out
                self.total[d + k] = Fraction(part.error)
        for depth, layer in enumerate(layers, 1):
            for k, atom in enumerate(plan.atoms):
                place = d + k
                units = [i for i, o in enumerate(layer.owners) if o is not None and o[0] == place]
                if not units:
                    continue
                if place in self.reads:
                    raise Unproved("certify: an atom has units in two layers")
                row, shift = self.reading(layer, units, parts[place])
                self.reads[place] = row, shift
                delta = self.apart(depth - 1, row, shift, dict(atom.terms), Fraction(0))
                self.total[place] = self.steepest[place] * delta + Fraction(parts[place].error)
        for k in range(len(plan.atoms)):
            if d + k not in self.total:
                raise Unproved(f"certify: {plan.atoms[k].text} has no units")

    def reading(self, layer: Layer, units: Sequence[int], part: Part) -> tuple[Row, Fraction]:
        """T = R h + C of which all hinges of an atom are relu(sign (T - knot)): R must be the same, C that of one."""
        first = units[0]
        hinge = layer.owners[first][1]  # type: ignore[index]
        row = layer.W[first] * part.signs[hinge]
        if [layer.owners[i][1] for i in units] != list(range(part.hinges)):  # type: ignore[index]
            raise Unproved("certify: a hinge is missing")
        for i in units:
            if not np.array_equal(layer.W[i], row * part.signs[layer.owners[i][1]]):  # type: ignore[index]
                raise Unproved("certify: two hinges of an atom look at different sums")
        knot, bias = Fraction(float(part.knots[hinge])), Fraction(float(layer.b[first]))
        return _row(row), knot + int(part.signs[hinge]) * bias

    def apart(self, depth: int, row: Row, bias: Fraction, terms: Mapping[int, Fraction], const: Fraction) -> Fraction:
        """|bias + sum of row over the units of a layer - const - sum of terms over atoms|, at most, on the box."""
        if depth == 0:
            return self.linear(row, bias, terms, const)
        layer, (least, most) = self.layers[depth - 1], self.ranges[depth - 1]
        terms, before, error = dict(terms), Row(), Fraction(0)
        d = len(self.plan.names)
        groups: dict[int, list[int]] = {}
        for i, owner in enumerate(layer.owners):
            if owner is not None:
                groups.setdefault(owner[0], []).append(i)
            elif i in row:
                if not least[i] >= 0:
                    raise Unproved("certify: a unit that should never bend may bend")
                _add(before, _row(layer.W[i]), row[i])
                bias += row[i] * Fraction(float(layer.b[i]))
        for place, units in groups.items():
            part, factor = self.parts[place], terms.pop(place, Fraction(0))
            _, shift = self.reads[place]
            for i in units:
                hinge = layer.owners[i][1]  # type: ignore[index]
                off = abs(row.get(i, Fraction(0)) - factor * Fraction(float(part.jumps[hinge])))
                error += off * _finite(most[i])
                # its own place of bending may be rounded
                bend = Fraction(float(part.knots[hinge])) - shift + int(part.signs[hinge]) * Fraction(float(layer.b[i]))
                error += abs(factor * Fraction(float(part.jumps[hinge])) * bend)
            if not factor:
                continue
            # sum of jump relu(...) = p(T) - offset - slope (T - low), and p(T) is about g(S)
            error += abs(factor) * self.total[place]
            slope, offset, start = Fraction(part.slope), Fraction(part.offset), Fraction(part.low)
            _add(before, self.reads[place][0], -factor * slope)
            bias -= factor * (offset + slope * (shift - start))
        while (place := next((p for p in terms if p >= d and not self.parts[p].hinges), -1)) >= 0:
            part, factor = self.parts[place], terms.pop(place)
            error += abs(factor) * self.total[place]
            for i, c in self.plan.atoms[place - d].terms:
                terms[i] = terms.get(i, Fraction(0)) + factor * Fraction(part.slope) * c
            const += factor * (Fraction(part.offset) - Fraction(part.slope) * Fraction(part.low))
        return error + self.apart(depth - 1, before, bias, terms, const)

    def linear(self, row: Row, bias: Fraction, terms: Mapping[int, Fraction], const: Fraction) -> Fraction:
        left = dict(row)
        _add(left, terms, Fraction(-1))
        if any(i >= len(self.box) for i, c in left.items() if c):
            raise Unproved("certify: an atom is missing in the network")
        low = high = bias - const
        for i, c in left.items():
            a, b = self.box[i]
            low, high = low + min(c * a, c * b), high + max(c * a, c * b)
        return max(abs(low), abs(high))


def _add(to: Row, what: Mapping[int, Fraction], factor: Fraction) -> None:
    for i, c in what.items():
        to[i] = to.get(i, Fraction(0)) + factor * c


def _finite(x: float) -> Fraction:
    if not x < np.inf:
        raise Unproved("certify: a unit may overflow")
    return Fraction(float(x))


__all__ = ["Layer", "Owner", "Part", "Unproved", "assembled_bound", "layers_of"]
