"""Which units of a network are which part of a formula: found from its weights and the formula's own sums.

A layer of a network that was made of the parts of a formula has groups of units that see one direction each. Each group
is compared, at points, with the sums that the formula's layer is of, and what is read of it with the functions of that
sum. The points only tell what is to be compared: how far rows are from parallel, and readings from multiples of each
other, is bounded in balls and paid for (composed.py).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.bounds.affine import RangeArithmetic
from surefit.bounds.balls import (
    FUNCTIONS,
    MARGIN,
    OPERATIONS,
    TINY,
    NotFinite,
    Series,
    balls_of,
    divided,
    flint,
    precision,
)
from surefit.bounds.cells import Steps, slopes_of
from surefit.bounds.interval import Range, gamma
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.noise import rounding_of_sizes, size_of_result
from surefit.bounds.partial_sums import CELLS, PartialSums, Units, any_units, partial_sums, units_on
from surefit.bounds.reading import read
from surefit.data import Domain, corner_points, face_points, sample
from surefit.formulas import Formula
from surefit.formulas.compositions import Composition, composition_of
from surefit.formulas.exact import Term, combined, expression, term_of
from surefit.formulas.expression import Expression
from surefit.formulas.signals import Signal, Sum, Value

STEEPEST = {"tanh": 1.0, "sigmoid": 0.25, "sin": 1.0, "cos": 1.0}  # the largest slope of a unit; its size is at most 1
POINTS = 3000  # at which the parts of the formula are looked at
SAME = 1e-8  # of a weight: rows that differ by less see one direction
ALIKE = 1e-3  # of a sum's spread: so near to it is the sum that units see
CHECKED = 12  # points at which formula and parts are compared to 30 digits
MOST_WEIGHTS = 400_000
FINE = 4096  # places at which the slopes of units are looked at
LARGEST = 1.0 + 1e-5  # a unit that runs is no larger, whatever its kernel
UNITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # values at points, with no claim
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
}  # fmt: skip
Readings = dict[tuple[int, int], tuple[Term | None, float]]  # of a value: which sum and function -> term and factor


class Other(Exception):
    """The network is not made of the parts of this formula."""


@dataclass(eq=False)
class Base:
    """q(T) = sum of weights s(a T + b) + shift over the units of a group, which stands for a function f of the formula.

    to: the sums and outputs that read it, and with what factor.
    """

    function: Expression
    weights: np.ndarray = field(repr=False)
    shift: float = 0.0
    to: list[tuple[Any, Range]] = field(default_factory=list)  # of a Group or the number of an output
    error: tuple[Steps, Steps] | None = None  # of f - q, and q - f
    noise: Steps | None = None  # what rows that are not parallel, and the rounding of the running network, may add
    slope: tuple[Steps, Steps] | None = None  # of f, and that of q
    own: tuple[Steps, Steps] | None = None
    value: tuple[Steps, Steps] | None = None  # of -f and f
    bent: bool = False  # whether f has a kink, or a slope that is infinite or unknown


@dataclass(eq=False)
class Group:
    """The units of a layer that see one sum."""

    sum: Sum
    units: np.ndarray
    bases: list[Base] = field(default_factory=list)
    low: float = 0.0
    high: float = 0.0
    gains: np.ndarray = field(default_factory=lambda: np.zeros(0))  # of the units, as functions of the sum
    offsets: np.ndarray = field(default_factory=lambda: np.zeros(0))
    unlike: np.ndarray = field(default_factory=lambda: np.zeros(0))  # how far they are from that before they bend,
    off: np.ndarray = field(default_factory=lambda: np.zeros(0))  # and where they run
    kernel: float = 0.0  # and after


# --- the network ---


def _chain(f: Any, net: Network) -> tuple[str, list[tuple[Any, Any]]]:
    """The one kind of units of a chain of layers, and weights and biases (columns) of each in balls."""
    kinds = net.kinds()
    if len(kinds) != 1 or not kinds <= set(STEEPEST):
        raise Other
    layers: list[tuple[Any, Any]] = []
    here: tuple[Any, Any] | None = None
    for i, node in enumerate(net.nodes[1:], 1):
        if isinstance(node, Unary):
            if node.source != i - 1 or here is None:
                raise Other
            layers.append(here)
            here = None
            continue
        if not isinstance(node, Affine) or len(node.sources) != 1 or node.sources[0][0] != i - 1:
            raise Other
        _, w, radius = node.sources[0]
        if w.size > MOST_WEIGHTS:
            raise Other
        matrix = divided(f, w, net.divisors[i]) if i in net.divisors else f.arb_mat(*w.shape, balls_of(f, w, radius))
        bias = f.arb_mat(node.size, 1, balls_of(f, node.b, node.b_radius))
        here = (matrix, bias) if here is None else (matrix * here[0], matrix * here[1] + bias)
    if here is None:
        raise Other
    return next(iter(kinds)), [*layers, here]


def roundings_of(
    net: Network, low: np.ndarray, high: np.ndarray, known: Sequence[PartialSums] = ()
) -> list[tuple[np.ndarray, float]]:  # fmt: skip
    """Of each layer how far its running sums are from exact ones of what it is given, and the kernel of its units.

    known: of each layer but the first what is known of its partial sums.
    """
    found: list[tuple[np.ndarray, float]] = []
    off, most = np.zeros(len(low)), np.maximum(np.abs(low), np.abs(high))
    sums = None
    with np.errstate(all="ignore"):
        for i, node in enumerate(net.nodes[1:], 1):
            if isinstance(node, Affine):
                ((_, w, radius),) = node.sources
                sums = sums if radius is None and node.b_radius is None else None
                absolute = np.abs(w) if radius is None else np.abs(w) + radius
                moved = absolute @ (most + off) + np.abs(node.b)
                own = np.zeros(node.size) if radius is None or i in net.divisors else 2.0 * radius @ (most + off)
                own = own + (0.0 if node.b_radius is None else 2.0 * node.b_radius)
                if node.steps:
                    own = own + rounding_of_sizes(node, most + off, sums)
                off = (absolute @ off + own) * (1 + gamma(w.shape[1] + 32)) + TINY
                if sums is not None:
                    moved = np.minimum(moved, size_of_result(node, sums) * MARGIN)
                most, sums = moved * (1 + gamma(w.shape[1] + 32)), None
                continue
            assert isinstance(node, Unary)
            found.append((off, node.ulps * 2 * node.unit * MARGIN + (2.0**-126 if node.unit > 2.0**-30 else TINY)))
            off, most = np.zeros(node.size), np.full(node.size, LARGEST)
            sums = known[len(found) - 1] if len(found) <= len(known) else None
    return [*found, (off, 0.0)]


def _floats(matrix: Any) -> np.ndarray:
    return np.array([[float(matrix[i, j].mid()) for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def _grouped(w: np.ndarray) -> list[np.ndarray]:
    """Units (rows of w) of one direction, together; the first of each has the largest weights."""
    sizes = np.abs(w).max(axis=1)
    if not (sizes > 0).all():
        raise Other
    found: list[list[int]] = []
    first: list[np.ndarray] = []
    for i in np.argsort(-sizes, kind="stable"):
        row = w[i] / w[i, np.abs(w[i]).argmax()]
        # of two weights of one size, rounding decides which is the largest, and so which sign the row has
        near = [g for g, other in enumerate(first) if min(np.abs(row - other).max(), np.abs(row + other).max()) <= SAME]
        if near:
            found[near[0]].append(int(i))
        else:
            found.append([int(i)])
            first.append(row)
    return [np.array(g) for g in found]


# --- the formula ---


def formula_of(term: Term | None) -> Expression:
    """A term as a formula of t. Other: nothing is known of it, or it has a function without balls."""
    made = None if term is None else expression(term)
    if made is None or not {n.op for n in made.nodes} <= OPERATIONS:
        raise Other
    return made


def factor_range(c: float) -> Range:
    """The numbers that a factor may be, of which it is a rounding."""
    with np.errstate(all="ignore"):
        found: Range = read(formula_of(term_of(c)), {}, RangeArithmetic())
    return Range(float(found.low), float(found.high))


class Evaluated:
    """Sums and values of a composition in an arithmetic, each computed once.

    number: of a constant. times: a result by a factor. plus: of two. call: a function of one number of a result.
    """

    def __init__(
        self, composition: Composition, inputs: Sequence[Any], number: Callable[[float], Any],
        times: Callable[[Any, float], Any], plus: Callable[[Any, Any], Any], call: Callable[[Any, Any], Any],
    ) -> None:  # fmt: skip
        self.known = {id(s): x for s, x in zip(composition.inputs, inputs, strict=True)}
        self.number, self.times, self.plus, self.call = number, times, plus, call

    def signal(self, s: Signal) -> Any:
        """What a layer hands on."""
        if id(s) not in self.known:
            assert s.of is not None
            self.known[id(s)] = self.call(s.function, self.total(s.of))
        return self.known[id(s)]

    def total(self, s: Sum) -> Any:
        """A sum."""
        if id(s) not in self.known:
            self.known[id(s)] = self.summed(s.terms)
        return self.known[id(s)]

    def summed(self, terms: Iterable[tuple[Signal, float]]) -> Any:
        """The sum of multiples of signals."""
        multiples = (self.times(self.signal(s), c) for s, c in terms)
        return functools.reduce(self.plus, multiples, self.number(0.0))

    def value(self, v: Value) -> Any:
        """A value."""
        found = self.plus(self.number(v.constant), self.summed(v.linear.items()))
        for s, g in v.parts.items():
            found = self.plus(found, self.call(g, self.total(s)))
        return found


class Recognised:
    """A network as the parts of its formulas. Other: it is not made of them."""

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
        running: Network | None,
    ) -> None:  # fmt: skip
        self.f: Any = flint()
        self.low, self.high, self.names = low, high, names
        self.formulas = [Formula(e.nodes, names, e.written, guarded=False) for e in formulas]
        with precision(self.f, 1):
            self.kind, self.chain = _chain(self.f, exact)
            self.running, self.roundings = running, None if running is None else roundings_of(running, low, high)
            self.composition = self._composition()
            self._compare()
            self._match()

    @property
    def parts(self) -> int:
        """How many functions of one number there are."""
        return sum(len(group.bases) for layer in self.layers for group in layer)

    def _composition(self) -> Composition:
        """The layers of the formulas, as many as the network has."""
        d = len(self.names)
        box = Domain({n: (float(a), float(b)) for n, a, b in zip(self.names, self.low, self.high, strict=True)})
        rng = np.random.default_rng(0)
        points = np.concatenate(
            [sample(box, POINTS, "uniform", generator=rng), face_points(box, POINTS // 4, rng), corner_points(box)]
        )
        found = composition_of(self.formulas, points)
        if found is None or found.depth != len(self.chain) - 1 or len(found.outputs) != self.chain[-1][0].nrows():
            raise Other
        self.wanted = found.wanted()
        self.expressions: dict[int, Expression] = {}
        self.points = np.stack([s.values for s in found.inputs], axis=1)
        assert self.points.shape[1] == d
        return found

    def _expression(self, function: Any) -> Expression:
        """A function of one number as a formula of t, read once."""
        made = self.expressions.get(id(function))
        if made is None:
            made = self.expressions[id(function)] = formula_of(getattr(function, "term", None))
        return made

    def _compare(self) -> None:
        """Formula and parts at points, to 27 digits: no proof, which is algebra, but a mistake in it would be seen."""
        f = self.f
        known = 0
        for x in self.points[:: max(1, len(self.points) // CHECKED)]:
            place = [f.arb_series([f.arb(float(v))]) for v in x]
            parts = self._in_balls(place)
            try:
                for value, e in zip(self.composition.outputs, self.formulas, strict=True):
                    y = read(e, dict(zip(self.names, place, strict=True)), Series(f))[0]
                    z = parts.value(value)[0]
                    if not abs(y - z) <= f.arb(2.0**-90) * (abs(y) + self._size(value)):
                        raise Other
                known += 1
            except NotFinite:  # at a kink, where a corner of the domain may lie
                continue
        if known < CHECKED // 2:
            raise Other

    @staticmethod
    def _size(value: Value) -> float:
        """How large the terms of a value are in all, about: its rounding is a share of that."""
        sizes = [abs(float(c)) * float(np.abs(s.values).max()) for s, c in value.linear.items()]
        sizes += [float(np.abs(g(s.values)).max()) for s, g in value.parts.items()]
        return sum(sizes, abs(float(value.constant))) + 1e-300

    def _in_balls(self, inputs: Sequence[Any]) -> Evaluated:
        """The composition where its inputs are these series of balls."""
        series = Series(self.f)
        one = lambda c: read(formula_of(term_of(c)), {}, series)
        call = lambda g, t: read(self._expression(g), {"t": t}, series)
        return Evaluated(self.composition, inputs, one, lambda z, c: one(c) * z, operator.add, call)

    # --- which units are which part ---

    def _match(self) -> None:
        """Find `layers`: groups of units, what is read of them, and how far that is from the formula's parts."""
        floats = [(_floats(w), _floats(b)[:, 0]) for w, b in self.chain]
        h = self.points
        units: list[np.ndarray] = []  # of each layer, their values at the points
        self.layers: list[list[Group]] = []
        by_sum: dict[int, Group] = {}
        for depth, (w, b) in enumerate(floats[:-1]):
            z = h @ w.T + b
            found = self._groups(depth, w, z, by_sum)
            by_sum |= {id(group.sum): group for group in found}
            self.layers.append(found)
            with np.errstate(all="ignore"):
                h = UNITS[self.kind](z)
            units.append(h)
        for depth, values in enumerate(units):
            self._bases(depth, floats[depth + 1][0], values, by_sum)
        self._outputs()
        for depth, layer in enumerate(self.layers):
            for group in layer:
                self._directions(depth, group)
        self._rounded()

    def _groups(self, depth: int, w: np.ndarray, z: np.ndarray, by_sum: dict[int, Group]) -> list[Group]:
        """The units of a layer that see one direction each, and the sums of the formula that they see."""
        sums = [s for s in self.wanted if s.layer == depth]
        groups = _grouped(w)
        if len(groups) != len(sums):
            raise Other
        pairs = [(self._unlike(g, s, w, z, by_sum), i, j) for i, g in enumerate(groups) for j, s in enumerate(sums)]
        chosen: dict[int, int] = {}
        for unlike, i, j in sorted(pairs):
            if unlike < ALIKE and i not in chosen and j not in chosen.values():
                chosen[i] = j
        if len(chosen) < len(groups):
            raise Other
        return [Group(sums[chosen[i]], g) for i, g in enumerate(groups)]

    def _unlike(self, units: np.ndarray, s: Sum, w: np.ndarray, z: np.ndarray, by_sum: dict[int, Group]) -> float:
        """How little what units see is a multiple of a sum, which reads the same groups; the wrong sign counts half."""
        seen, here = z[:, units[0]] - z[:, units[0]].mean(), s.values - s.values.mean()
        factor = float(here @ seen) / max(float(here @ here), 1e-300)
        off = float(np.abs(seen - factor * here).max() / max(float(np.abs(seen).max()), 1e-300))
        if s.layer:
            read = {id(k.of) for k, _ in s.terms}
            row = w[units[0]]
            if read != {key for key, g in by_sum.items() if g.sum.layer == s.layer - 1 and row[g.units].any()}:
                off += 0.25 * ALIKE
        return off + (0.0 if factor > 0 else 0.5 * ALIKE)

    @staticmethod
    def _readings(value: Value) -> Readings:
        """What a value reads of each sum, by the places in memory of the sum and of a signal or a term."""
        signals: dict[int, list[tuple[Signal, float]]] = {}
        for k, c in value.linear.items():
            if k.of is None:
                raise Other
            signals.setdefault(id(k.of), []).append((k, c))
        parts = {id(s): g.term for s, g in value.parts.items()}
        found: Readings = {}
        for place in dict.fromkeys([*signals, *parts]):
            own = signals.get(place, [])
            if place not in parts and len(own) == 1:
                signal, factor = own[0]
                assert signal.function is not None
                found[place, id(signal)] = signal.function.term, factor
                continue
            terms = [parts[place]] if place in parts else []
            terms += [combined("mul", term_of(c), k.function.term) for k, c in own if k.function is not None]
            term = functools.reduce(lambda a, b: combined("add", a, b), terms)
            if term is None:
                raise Other
            found[place, id(term)] = term, 1.0
        return found

    def _bases(self, depth: int, w: np.ndarray, h: np.ndarray, by_sum: dict[int, Group]) -> None:
        """What the next layer, or the outputs, read of a layer. w: their weights; h: the units at points."""
        last = depth == len(self.layers) - 1
        # (who reads, the row of the network, what the formula reads there)
        readers: list[tuple[Group | int, np.ndarray, Readings]] = []
        if last:
            readers += [(j, w[j], self._readings(v)) for j, v in enumerate(self.composition.outputs)]
        else:
            readers += [
                (g, w[g.units[0]], self._readings(Value(linear=dict(g.sum.terms)))) for g in self.layers[depth + 1]
            ]
        known: dict[tuple[int, int], Base] = {}
        waiting = list(readers)
        while waiting:
            # those first that read something known, from which their scale follows
            scaled = (i for i, (_, _, parts) in enumerate(waiting) if not last and any(key in known for key in parts))
            who, row, parts = waiting.pop(next(scaled, 0))
            scale = self._scale(who, row, parts, known, h)
            if not (np.isfinite(scale) and scale != 0.0):
                raise Other
            for key, (term, factor) in parts.items():
                if key not in known:
                    known[key] = self._base(term, by_sum[key[0]], row / (scale * float(factor)), h)
                known[key].to.append((who, factor_range(factor)))

    @staticmethod
    def _scale(
        who: Group | int, row: np.ndarray, parts: Readings, known: dict[tuple[int, int], Base], h: np.ndarray
    ) -> float:
        """What a row of the network reads, as a multiple of what the formula reads there; of an output it is that."""
        if isinstance(who, int):
            return 1.0
        shared = [key for key in parts if key in known]
        if shared:
            key = max(shared, key=lambda k: float(np.abs(known[k].weights).max() * abs(parts[k][1])))
            v = known[key].weights * float(parts[key][1])
            return float(row @ v) / float(v @ v)
        seen, here = h @ row, who.sum.values
        here = here - here.mean()
        return float(here @ (seen - seen.mean())) / max(float(here @ here), 1e-300)

    @staticmethod
    def _base(term: Term | None, group: Group, row: np.ndarray, h: np.ndarray) -> Base:
        """The function of a group that a row reads, with the shift that suits the points."""
        function = formula_of(term)
        with np.errstate(all="ignore"):
            values = group.sum.values
            y = np.broadcast_to(function(values), (len(h),)) if function.used else np.full(len(h), function())
        weights = np.zeros(len(row))
        weights[group.units] = row[group.units]
        base = Base(function, weights, float(np.mean(y - h @ weights)))
        group.bases.append(base)
        return base

    def _arb(self, r: Range) -> Any:
        """A ball that holds a range, however its middle was rounded."""
        middle = 0.5 * float(r.low) + 0.5 * float(r.high)
        return self.f.arb(middle, max(float(r.high) - middle, middle - float(r.low)) * MARGIN)

    def _exact_factor(self, c: float) -> Any:
        """A factor in balls."""
        return read(formula_of(term_of(c)), {}, Series(self.f))[0] if float(c) else self.f.arb(0)

    def _outputs(self) -> None:
        """What is left of the outputs beside the bases that they read."""
        f = self.f
        w, b = self.chain[-1]
        self.bare = np.zeros(w.nrows())
        moved: set[int] = set()
        for j, value in enumerate(self.composition.outputs):
            rest = b[j, 0] - self._exact_factor(value.constant)
            row = [w[j, i] for i in range(w.ncols())]
            mine = [(base, m) for g in self.layers[-1] for base in g.bases for who, m in base.to if who == j]
            factors = [self._factor_ball(base, j) for base, _ in mine]
            for (base, _), m in zip(mine, factors, strict=True):
                if id(base) not in moved:  # so that nothing is left
                    others = sum((m2 * f.arb(b2.shift) for (b2, _), m2 in zip(mine, factors, strict=True)), f.arb(0))
                    base.shift += float(((rest - others) / m).mid())
                    moved.add(id(base))
                    break
            for (base, _), m in zip(mine, factors, strict=True):
                rest = rest - m * f.arb(base.shift)
                for i in np.flatnonzero(base.weights):
                    row[i] = row[i] - m * f.arb(float(base.weights[i]))
            self.bare[j] = (float(abs(rest).upper()) + sum(float(abs(r).upper()) for r in row) * LARGEST) * MARGIN

    def _factor_ball(self, base: Base, who: Any) -> Any:
        """How much of a base a group or an output reads."""
        return next(self._arb(m) for other, m in base.to if other is who or (isinstance(who, int) and other == who))

    def _directions(self, depth: int, group: Group) -> None:
        """The argument of a group in terms of the layer before, and its units as functions of it."""
        f = self.f
        w, b = self.chain[depth]
        n = w.ncols()
        if depth == 0:
            places = {id(s): i for i, s in enumerate(self.composition.inputs)}
            row = [f.arb(0)] * n
            for s, c in group.sum.terms:
                row[places[id(s)]] = self._exact_factor(c)
            shift = f.arb(0)
            most = np.maximum(np.abs(self.low), np.abs(self.high))
        else:
            row, shift, most = [f.arb(0)] * n, f.arb(0), np.full(n, LARGEST)
            for other in self.layers[depth - 1]:
                for base in other.bases:
                    if any(who is group for who, _ in base.to):
                        m = self._factor_ball(base, group)
                        shift = shift + m * f.arb(base.shift)
                        for i in np.flatnonzero(base.weights):
                            row[i] = row[i] + m * f.arb(float(base.weights[i]))
        middle = np.array([float(r.mid()) for r in row])
        size = float(middle @ middle)
        if not size > 0:
            raise Other
        gains, offsets, unlike = [], [], []
        for i in group.units:
            own = np.array([float(w[int(i), k].mid()) for k in range(n)])
            a = float(own @ middle) / size
            c = float((b[int(i), 0] - f.arb(a) * shift).mid())
            apart = float(abs(b[int(i), 0] - f.arb(a) * shift - f.arb(c)).upper())
            ball = f.arb(a)
            for k in range(n):
                apart += float(abs(w[int(i), k] - ball * row[k]).upper()) * float(most[k]) * MARGIN
            gains.append(a)
            offsets.append(c)
            unlike.append(apart * MARGIN)
        group.gains, group.offsets, group.unlike = np.array(gains), np.array(offsets), np.array(unlike)

    def _rounded(self) -> None:
        """Pay for the roundings of the running network."""
        self.left = self.bare if self.roundings is None else (self.bare + self.roundings[-1][0]) * MARGIN
        for depth, layer in enumerate(self.layers):
            for group in layer:
                group.off = group.unlike
                if self.roundings is not None:
                    off, group.kernel = self.roundings[depth]
                    group.off = (group.unlike + off[group.units]) * MARGIN

    def _nearer(self) -> None:
        """Bound the roundings of the running network by its partial sums, where sums stay in the cells of groups."""
        if self.running is None:
            return
        known = []
        readers = [n for a, n in pairwise(self.running.nodes) if isinstance(a, Unary) and isinstance(n, Affine)]
        for layer, node in zip(self.layers, readers, strict=True):
            units = [self._units(g) if g.bases else any_units(g.units, LARGEST) for g in layer]
            known.append(partial_sums(node.sources[0][1], units))
        self.roundings = roundings_of(self.running, self.low, self.high, known)
        self._rounded()

    def _units(self, g: Group) -> Units:
        """The units of a group where its sum is in its cells."""
        fine = np.linspace(g.low, g.high, FINE + 1)
        bent = np.abs(slopes_of(self.kind, g, fine) * g.gains).sum(axis=1)  # short cells where units bend
        share = np.append(0.0, np.cumsum(bent + bent.mean() + TINY))
        ends = np.interp(share[-1] * (np.arange(CELLS + 1) / CELLS), share, fine)
        ends[0], ends[-1] = g.low, g.high
        off = STEEPEST[self.kind] * g.off + g.kernel
        return units_on(UNITS[self.kind], g.units, ends, g.gains, g.offsets, slopes_of(self.kind, g, ends), off)

    def _linear(self, group: Group) -> tuple[float, float]:
        """The range of a sum of inputs."""
        places = {id(s): i for i, s in enumerate(self.composition.inputs)}
        ends = np.array([sorted((float(c) * self.low[i], float(c) * self.high[i]))
                         for i, c in ((places[id(s)], c) for s, c in group.sum.terms)])  # fmt: skip
        return float(ends[:, 0].sum()), float(ends[:, 1].sum())

    def _network(self, x: np.ndarray) -> list[Any]:
        """The network at a point (d,), in balls."""
        f = self.f
        h = f.arb_mat(len(x), 1, [f.arb(float(v)) for v in x])
        for w, b in self.chain[:-1]:
            z = w * h + b
            h = f.arb_mat(z.nrows(), 1, [FUNCTIONS[self.kind](z[i, 0]) for i in range(z.nrows())])
        w, b = self.chain[-1]
        y = w * h + b
        return [y[i, 0] for i in range(y.nrows())]


__all__ = ["LARGEST", "STEEPEST", "Base", "Evaluated", "Group", "Other", "Recognised", "factor_range", "formula_of"]
