"""Which units of a network are which part of a formula: found from its weights and the formula's own sums.

A layer of a network that was made of the parts of a formula has groups of units that see one direction each. Each group
is compared, at points, with the sums that the formula's layer is of, and what is read of it with the functions of that
sum. The points only tell what is to be compared: how far rows are from parallel, and readings from multiples of each
other, is bounded in balls and paid for (composed.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit.bounds.affine import RangeArithmetic
from surefit.bounds.balls import FUNCTIONS, MARGIN, OPERATIONS, TINY, Series, _balls, _divided, _Lost, _precision, flint
from surefit.bounds.cells import Steps
from surefit.bounds.interval import Range, gamma, largest_of
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.reading import read
from surefit.data import Domain, corner_points, face_points, sample
from surefit.formulas import Formula
from surefit.formulas.compositions import Composition, Signal, Sum, Value, composition_of
from surefit.formulas.exact import Term, combined, expression, term_of
from surefit.formulas.expression import Expression

STEEPEST = {"tanh": 1.0, "sigmoid": 0.25, "sin": 1.0, "cos": 1.0}  # the largest slope of a unit; its size is at most 1
POINTS = 3000  # at which the parts of the formula are looked at
SAME = 1e-8  # of a weight: rows that differ by less see one direction
ALIKE = 1e-3  # of a sum's spread: so near to it is the sum that units see
CHECKED = 12  # points at which formula and parts are compared to 30 digits
MOST_WEIGHTS = 400_000
LARGEST = 1.0 + 1e-5  # a unit that runs is no larger, whatever its kernel


class Other(Exception):
    """The network is not made of the parts of this formula."""


@dataclass(eq=False)
class Base:
    """q(T) = sum of weights s(a T + b) + shift over the units of a group, which stands for a function f of the formula.

    to: the sums and outputs that read it, and with what factor.
    """

    function: Expression
    at_points: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    shift: float = 0.0
    to: list[tuple[Any, Range]] = field(default_factory=list)  # of a Group or the number of an output
    error: tuple[Steps, Steps] | None = None  # f - q, and q - f
    noise: Steps | None = None  # what rows that are not parallel, and the rounding of the running network, may add
    slope: tuple[Steps, Steps] | None = None


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
    off: np.ndarray = field(default_factory=lambda: np.zeros(0))  # how far they are from that before they bend
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
        matrix = _divided(f, w, net.divisors[i]) if i in net.divisors else f.arb_mat(*w.shape, _balls(f, w, radius))
        bias = f.arb_mat(node.size, 1, _balls(f, node.b, node.b_radius))
        here = (matrix, bias) if here is None else (matrix * here[0], matrix * here[1] + bias)
    if here is None:
        raise Other
    return next(iter(kinds)), [*layers, here]


def _roundings(net: Network, low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Of each layer how far its running sums are from exact ones of what it is given, and the kernel of its units."""
    found: list[tuple[np.ndarray, float]] = []
    off, most = np.zeros(len(low)), np.maximum(np.abs(low), np.abs(high))
    with np.errstate(all="ignore"):
        for node in net.nodes[1:]:
            if isinstance(node, Affine):
                ((_, w, radius),) = node.sources
                absolute = np.abs(w) if radius is None else np.abs(w) + radius
                moved = absolute @ (most + off) + np.abs(node.b)
                own = np.zeros(node.size) if radius is None else 2.0 * radius @ (most + off)
                own = own + (0.0 if node.b_radius is None else 2.0 * node.b_radius)
                if node.steps:
                    least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022
                    rounding = gamma(node.steps + 1, node.unit) * moved + (w.shape[1] + 2) * least
                    own = own + np.where(moved < largest_of(node.unit), rounding, np.inf)
                off = (absolute @ off + own) * (1 + gamma(w.shape[1] + 32)) + TINY
                most = moved * (1 + gamma(w.shape[1] + 32))
                continue
            assert isinstance(node, Unary)
            found.append((off, node.ulps * 2 * node.unit * MARGIN + (2.0**-126 if node.unit > 2.0**-30 else TINY)))
            off, most = np.zeros(node.size), np.full(node.size, LARGEST)
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
        near = [g for g, other in enumerate(first) if np.abs(row - other).max() <= SAME]
        if near:
            found[near[0]].append(int(i))
        else:
            found.append([int(i)])
            first.append(row)
    return [np.array(g) for g in found]


# --- the formula ---


def value_term(term: Term | None) -> Expression:
    made = None if term is None else expression(term)
    if made is None or not {n.op for n in made.nodes} <= OPERATIONS:
        raise Other
    return made


def factor_range(c: float) -> Range:
    with np.errstate(all="ignore"):
        found: Range = read(value_term(term_of(c)), {}, RangeArithmetic())
    return Range(float(found.low), float(found.high))


class Recognised:
    """A network as the parts of its formulas. Other: it is not made of them."""

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
        running: Network | None,
    ) -> None:  # fmt: skip
        self.f: Any = flint()
        self.low, self.high, self.names = low, high, names
        self.formulas = [Formula(e.nodes, names, getattr(e, "_text", ""), guarded=False) for e in formulas]
        with _precision(self.f, 1):
            self.kind, self.chain = _chain(self.f, exact)
            self.roundings = _roundings(running, low, high) if running is not None else None
            self.composition = self._composition()
            self._compare()
            self._match()

    @property
    def parts(self) -> int:
        """How many functions of one number there are."""
        return sum(len(group.bases) for layer in self.layers for group in layer)

    def _composition(self) -> Composition:
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
        made = self.expressions.get(id(function))
        if made is None:
            made = self.expressions[id(function)] = value_term(getattr(function, "term", None))
        return made

    def _compare(self) -> None:
        """Formula and parts at points, to 27 digits: no proof, which is algebra, but a mistake in it would be seen."""
        f = self.f
        for x in self.points[:: max(1, len(self.points) // CHECKED)]:
            place = [f.arb_series([f.arb(float(v))]) for v in x]
            known: dict[int, Any] = {id(s): z for s, z in zip(self.composition.inputs, place, strict=True)}
            try:
                for value, e in zip(self.composition.outputs, self.formulas, strict=True):
                    y = read(e, dict(zip(self.names, place, strict=True)), Series(f))[0]
                    z = self._in_balls(value, known)[0]
                    if not abs(y - z) <= f.arb(2.0**-90) * (abs(y) + self._size(value)):
                        raise Other
            except _Lost:
                raise Other from None

    @staticmethod
    def _size(value: Value) -> float:
        sizes = [abs(float(c)) * float(np.abs(s.values).max()) for s, c in value.linear.items()]
        sizes += [float(np.abs(g(s.values)).max()) for s, g in value.parts.items()]
        return sum(sizes, abs(float(value.constant))) + 1e-300

    def _in_balls(self, value: Value, known: dict[int, Any]) -> Any:
        series = Series(self.f)
        one = lambda c: read(value_term(term_of(c)), {}, series)

        def signal(s: Signal) -> Any:
            if id(s) not in known:
                assert s.of is not None
                known[id(s)] = read(self._expression(s.function), {"t": total(s.of)}, series)
            return known[id(s)]

        def total(s: Sum) -> Any:
            if id(s) not in known:
                known[id(s)] = sum(one(c) * signal(k) for k, c in s.terms)
            return known[id(s)]

        result = one(value.constant)
        for k, c in value.linear.items():
            result = result + one(c) * signal(k)
        for s, g in value.parts.items():
            result = result + read(self._expression(g), {"t": total(s)}, series)
        return result

    # --- which units are which part ---

    def _match(self) -> None:
        f, hidden = self.f, self.chain[:-1]
        floats = [(_floats(w), _floats(b)[:, 0]) for w, b in self.chain]
        function: dict[str, Any] = {
            "tanh": np.tanh,
            "sin": np.sin,
            "cos": np.cos,
            "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
        }
        h = self.points
        units = [h]
        self.layers: list[list[Group]] = []
        by_sum: dict[int, Group] = {}
        for depth, (w, b) in enumerate(floats[:-1]):
            z = h @ w.T + b
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
            found = [Group(sums[chosen[i]], g) for i, g in enumerate(groups)]
            by_sum |= {id(group.sum): group for group in found}
            self.layers.append(found)
            with np.errstate(all="ignore"):
                h = function[self.kind](z)
            units.append(h)
        for depth in range(len(hidden)):
            self._bases(depth, floats[depth + 1], units[depth + 1], by_sum)
        self._outputs()
        for depth, layer in enumerate(self.layers):
            for group in layer:
                self._directions(depth, group, f)

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

    def _combinations(self, value: Value) -> dict[int, tuple[list[Signal], Any, float]]:
        """What a value reads of each sum: the function as a key, its term, and a factor."""
        found: dict[int, tuple[list[Signal], Any, float]] = {}
        by_sum: dict[int, tuple[Sum, list[tuple[Signal, float]], Any]] = {}
        for k, c in value.linear.items():
            if k.of is None:
                raise Other
            by_sum.setdefault(id(k.of), (k.of, [], None))[1].append((k, c))
        for s, g in value.parts.items():
            signals = by_sum[id(s)][1] if id(s) in by_sum else []
            by_sum[id(s)] = (s, signals, g)
        for place, (_, signals, part) in by_sum.items():
            if part is None and len(signals) == 1:
                found[place] = ([signals[0][0]], signals[0][0].function.term, signals[0][1])  # type: ignore[union-attr]
                continue
            term = None if part is None else part.term
            for k, c in signals:
                assert k.function is not None
                more = combined("mul", term_of(c), k.function.term)
                term = more if term is None else combined("add", term, more)
            if term is None:
                raise Other
            found[place] = ([], term, 1.0)
        return found

    def _bases(self, depth: int, following: tuple[np.ndarray, np.ndarray], h: np.ndarray, by_sum: Any) -> None:
        """What the next layer, or the outputs, read of a layer."""
        w, _ = following
        last = depth == len(self.layers) - 1
        # (who reads, the row of the network, what the formula reads there)
        readers: list[tuple[Any, np.ndarray, Value]] = []
        if last:
            readers += [(j, w[j], v) for j, v in enumerate(self.composition.outputs)]
        else:
            readers += [
                (g, w[g.units[0]], Value(linear=dict(g.sum.terms))) for g in self.layers[depth + 1]
            ]  # fmt: skip
        known: dict[tuple[int, int], Base] = {}
        waiting = list(readers)
        while waiting:
            keyed = [self._keys(v) for _, _, v in waiting]
            ready = [i for i, (who, _, _) in enumerate(waiting) if isinstance(who, int)]
            ready = ready or [i for i, k in enumerate(keyed) if any(key in known for key in k)]
            i = ready[0] if ready else 0
            who, row, _ = waiting.pop(i)
            parts = keyed[i]
            scale_ = 1.0
            if not isinstance(who, int):
                known_parts = [(k, known[k]) for k in parts if k in known]
                if known_parts:
                    k, base = max(known_parts, key=lambda p: float(np.abs(p[1].weights).max() * abs(parts[p[0]][1])))
                    v = base.weights * float(parts[k][1])
                    scale_ = float(row @ v) / float(v @ v)
                else:
                    seen, here = h @ row, who.sum.values
                    here = here - here.mean()
                    scale_ = float(here @ (seen - seen.mean())) / max(float(here @ here), 1e-300)
            if not (np.isfinite(scale_) and scale_ != 0.0):
                raise Other
            for k, (term, factor) in parts.items():
                group = by_sum[k[0]]
                base_ = known.get(k)
                if base_ is None:
                    e = value_term(term)
                    with np.errstate(all="ignore"):
                        y = np.broadcast_to(e(group.sum.values), (len(h),)) if e.used else np.full(len(h), e())
                    weights = np.zeros(len(row))
                    weights[group.units] = row[group.units] / (scale_ * float(factor))
                    base_ = known[k] = Base(e, y, weights)
                    base_.shift = float(np.mean(y - h @ weights))
                    group.bases.append(base_)
                base_.to.append((who, factor_range(factor)))

    def _keys(self, value: Value) -> dict[tuple[int, int], tuple[Term | None, float]]:
        found = {}
        for place, (signals, term, factor) in self._combinations(value).items():
            found[place, id(signals[0]) if signals else id(term)] = (term, factor)
            self.kept.append(term)
        return found

    @property
    def kept(self) -> list[Any]:
        """Terms that were made, kept so that no other gets their place in memory."""
        if not hasattr(self, "_kept"):
            self._kept: list[Any] = []
        return self._kept

    def _arb(self, r: Range) -> Any:
        """A ball that holds a range, however its middle was rounded."""
        middle = 0.5 * float(r.low) + 0.5 * float(r.high)
        return self.f.arb(middle, max(float(r.high) - middle, middle - float(r.low)) * MARGIN)

    def _exact_factor(self, c: float) -> Any:
        return read(value_term(term_of(c)), {}, Series(self.f))[0] if float(c) else self.f.arb(0)

    def _outputs(self) -> None:
        """What is left of the outputs beside the bases that they read."""
        f = self.f
        w, b = self.chain[-1]
        self.left = np.zeros(w.nrows())
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
            rounding = 0.0 if self.roundings is None else float(self.roundings[-1][0][j])
            self.left[j] = (
                float(abs(rest).upper()) + sum(float(abs(r).upper()) for r in row) * LARGEST + rounding
            ) * MARGIN

    def _factor_ball(self, base: Base, who: Any) -> Any:
        return next(self._arb(m) for other, m in base.to if other is who or (isinstance(who, int) and other == who))

    def _directions(self, depth: int, group: Group, f: Any) -> None:
        """The argument of a group in terms of the layer before, and its units as functions of it."""
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
        gains, offsets, off = [], [], []
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
            if self.roundings is not None:
                apart += float(self.roundings[depth][0][int(i)])
            off.append(apart * MARGIN)
        group.gains, group.offsets = np.array(gains), np.array(offsets)
        group.off = np.array(off)
        group.kernel = 0.0 if self.roundings is None else self.roundings[depth][1]

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


__all__ = ["LARGEST", "STEEPEST", "Base", "Group", "Other", "Recognised", "factor_range", "value_term"]
