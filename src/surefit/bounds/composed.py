"""Networks whose layers are functions of one number each, as the formula's are: proved part by part.

The network is read back from the program that runs, and nothing that built it is trusted. The formula is taken apart
(`formulas.compositions`): f_b are its functions of one number, S_g the sums that they are of. Units of a layer that see
one direction only are a function of one number T_g too, and what the next layer or the output reads of it is a sum of
multiples of q_b(T_g), where q_b should be f_b. With e_b = q_b - f_b, which balls bound on each short interval, all sums
T_c = sum of M_cb q_b(T_g) that are read of a layer are off by

    T_c - S_c = sum of M_cb (e_b(T_g) + f_b'(xi) (T_g - S_g)),    xi between S_g and T_g,

which is linear in the errors of the layer before. So network - formula is a sum of all e_b, each with a factor that is
a range on a box: the product of the slopes of what comes after, added up over all ways (backward). No box has to be so
small that a polynomial follows the error: where the parts of a formula have an error of 1e-12, a few hundred boxes are
enough. Where a weight is not quite the multiple that it should be, the difference is paid for.

The formula and its parts are the same function by the rules of algebra, of exact numbers, where the values under roots
and beside logarithms keep the signs that they had at the points that were looked at, which is proved on each box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds import taylor
from surefit.bounds.affine import AffineArithmetic, Form, RangeArithmetic, add, inputs, of_range, scale
from surefit.bounds.balls import MARGIN, OPERATIONS, TINY, Balls, Series, _balls, _divided, _Lost, _precision, flint
from surefit.bounds.branch import Lines, Looked
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
LOOSE, GAINED = (
    3.0,
    0.9,
)  # bounds so much larger than the usual one are looked at again, in smaller cells, while it helps
ROUNDS, PIECES, MOST_CELLS = 6, 4, 1200
STEP, MUCH = 8, 1500  # units that a step of a function costs as much as; so much of both that half of the cells must do
CELLS, OUTSIDE = 192, 4  # in which each function is bounded, and on each side of what was seen
BEYOND = 0.03  # of its range, by which the argument of a function may leave what was seen
CHECKED = 12  # points at which formula and parts are compared to 30 digits
MOST_WEIGHTS = 400_000
LARGEST = 1.0 + 1e-5  # a unit that runs is no larger, whatever its kernel
FEW = 16
SMALL = 2e-3  # of the domain's width: boxes without a bound are left to lines
FIRST = 600  # boxes that the domain is cut into before anything is known


class _Other(Exception):
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


class Steps:
    """Numbers on cells with ends (n + 1,), rising, of which the largest on any interval is looked up."""

    def __init__(self, ends: np.ndarray, values: np.ndarray) -> None:
        self.ends, self.n = ends, len(values)
        self.levels = [np.where(np.isnan(values), np.inf, values)]
        while 2 ** len(self.levels) <= self.n:
            last, step = self.levels[-1], 2 ** (len(self.levels) - 1)
            self.levels.append(np.maximum(last[:-step], last[step:]))

    def largest(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """At least the largest value on [low, high] (n,); infinite beyond the cells."""
        least, most = self.ends[0], self.ends[-1]
        inside = (low >= least) & (high <= most)
        first = np.clip(np.searchsorted(self.ends, np.where(inside, low, least), "right") - 1, 0, self.n - 1)
        last = np.clip(np.searchsorted(self.ends, np.where(inside, high, least), "left") - 1, first, self.n - 1)
        level = np.frexp((last - first + 1).astype(float))[1] - 1
        found = np.empty(len(low))
        for k in np.unique(level):
            mine = level == k
            table = self.levels[k]
            found[mine] = np.maximum(table[first[mine]], table[last[mine] - 2**k + 1])
        return np.where(inside, found, np.inf)


def cells(low: float, high: float, beyond: float, n: int = CELLS) -> np.ndarray:
    """The ends of cells that cover [low, high] and a little on both sides of it."""
    inner = np.clip(low + (high - low) * (np.arange(n + 1) / n), low, high)
    inner[0], inner[-1] = low, high
    outer = beyond * (np.arange(1, OUTSIDE + 1) / OUTSIDE)
    return np.unique(np.concatenate([low - outer, inner, high + outer]))


# --- the network ---


def _chain(f: Any, net: Network) -> tuple[str, list[tuple[Any, Any]]]:
    """The one kind of units of a chain of layers, and weights and biases (columns) of each in balls."""
    kinds = net.kinds()
    if len(kinds) != 1 or not kinds <= set(STEEPEST):
        raise _Other
    layers: list[tuple[Any, Any]] = []
    here: tuple[Any, Any] | None = None
    for i, node in enumerate(net.nodes[1:], 1):
        if isinstance(node, Unary):
            if node.source != i - 1 or here is None:
                raise _Other
            layers.append(here)
            here = None
            continue
        if not isinstance(node, Affine) or len(node.sources) != 1 or node.sources[0][0] != i - 1:
            raise _Other
        _, w, radius = node.sources[0]
        if w.size > MOST_WEIGHTS:
            raise _Other
        matrix = _divided(f, w, net.divisors[i]) if i in net.divisors else f.arb_mat(*w.shape, _balls(f, w, radius))
        bias = f.arb_mat(node.size, 1, _balls(f, node.b, node.b_radius))
        here = (matrix, bias) if here is None else (matrix * here[0], matrix * here[1] + bias)
    if here is None:
        raise _Other
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


def _steepness(kind: str, group: Any, ends: np.ndarray) -> np.ndarray:
    """At least the slope of each unit on each cell, and a little beyond it: (cells, units)."""
    z = ends[:, None] * group.gains + group.offsets
    slack = group.off + 1e-9 * (1.0 + np.abs(z).max(axis=0))
    low, high = np.minimum(z[:-1], z[1:]) - slack, np.maximum(z[:-1], z[1:]) + slack
    if kind not in ("tanh", "sigmoid"):
        return np.ones(low.shape)
    nearest = np.maximum(np.maximum(low, -high), 0.0)  # to 0, where the slope is largest
    with np.errstate(all="ignore"):
        if kind == "tanh":
            return np.minimum(1.0 / np.cosh(nearest) ** 2 * MARGIN + TINY, 1.0)
        return np.minimum(0.25 / np.cosh(0.5 * nearest) ** 2 * MARGIN + TINY, 0.25)


def _floats(matrix: Any) -> np.ndarray:
    return np.array([[float(matrix[i, j].mid()) for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def _grouped(w: np.ndarray) -> list[np.ndarray]:
    """Units (rows of w) of one direction, together; the first of each has the largest weights."""
    sizes = np.abs(w).max(axis=1)
    if not (sizes > 0).all():
        raise _Other
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


def _value_term(term: Term | None) -> Expression:
    made = None if term is None else expression(term)
    if made is None or not {n.op for n in made.nodes} <= OPERATIONS:
        raise _Other
    return made


def _factor(c: float) -> Range:
    with np.errstate(all="ignore"):
        found: Range = read(_value_term(term_of(c)), {}, RangeArithmetic())
    return Range(float(found.low), float(found.high))


def _resolved(balls: Balls, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells of which those are cut where bounds are much larger than elsewhere: ends, and bounds of q - f (n, k)."""
    least, most = _differences(balls, ends[:-1], ends[1:])
    size = np.maximum(np.abs(least), np.abs(most))
    usual = LOOSE * np.median(size, axis=0)
    active = (size > usual).any(axis=1)
    active[:OUTSIDE], active[-OUTSIDE:] = False, False
    for _ in range(ROUNDS):
        if not active.any() or len(ends) + (PIECES - 1) * active.sum() > MOST_CELLS:
            break
        old = np.flatnonzero(active)
        inner = ends[old, None] + (ends[old + 1] - ends[old])[:, None] * (np.arange(1, PIECES) / PIECES)
        parts = np.concatenate([ends[old, None], inner, ends[old + 1, None]], axis=1)
        low, high = _differences(balls, parts[:, :-1].reshape(-1), parts[:, 1:].reshape(-1))
        now = np.maximum(np.abs(low), np.abs(high))
        again = ((now > usual) & ~(now > GAINED * np.repeat(size[old], PIECES, axis=0))).any(axis=1)
        keep = ~active
        order = np.argsort(np.concatenate([ends[:-1][keep], parts[:, :-1].reshape(-1)]), kind="stable")
        ends = np.concatenate([np.sort(np.concatenate([ends[:-1][keep], parts[:, :-1].reshape(-1)])), ends[-1:]])
        least, most = (np.concatenate([a[keep], b])[order] for a, b in ((least, low), (most, high)))
        size = np.concatenate([size[keep], now])[order]
        active = np.concatenate([np.zeros(keep.sum(), bool), again])[order]
    return ends, least, most


def _differences(balls: Balls, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest network - function on intervals (n,) -> (n, k); infinite where a ball is."""
    n, k = len(low), len(balls.formulas)
    B, f = balls.basis, balls.f
    least, most = np.full((n, k), -np.inf), np.full((n, k), np.inf)
    c = np.clip(0.5 * low + 0.5 * high, low, high)
    h = np.nextafter(np.maximum(high - c, c - low), np.inf)
    with np.errstate(all="ignore"):
        rest = balls._remainders(low[:, None], high[:, None], h)
        for i in range(n):
            try:
                coef, rho = balls._box(f.arb(float(c[i])), f.arb(float(h[i])))
            except _Lost:
                continue
            t = taylor.Taylor(B, coef, (rho + rest[i]) * MARGIN)
            below, above, _, _ = taylor.polynomial_range(t, np.zeros(k))
            fine = np.isfinite(t.rho) & np.isfinite(below) & np.isfinite(above)
            least[i], most[i] = np.where(fine, -above, -np.inf), np.where(fine, -below, np.inf)
    return least, most


class Parts:
    """Bounds of |formula - network| on boxes, through the parts that both are made of; `lines` where they fail."""

    batch = 1024
    excess = 0.1

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
        lines: Lines, running: Network | None,
    ) -> None:  # fmt: skip
        self.f: Any = flint()
        self.lines, self.low, self.high = lines, low, high
        self.formulas = [Formula(e.nodes, names, getattr(e, "_text", ""), guarded=False) for e in formulas]
        self.names = names
        with _precision(self.f, 1):
            self.kind, self.chain = _chain(self.f, exact)
            self.roundings = _roundings(running, low, high) if running is not None else None
            self.composition = self._composition()
            self._compare()
            self._match()
        groups = [group for layer in self.layers for group in layer]
        work = sum(len(g.units) + STEP * sum(len(b.function.nodes) for b in g.bases) for g in groups)
        self.cells = CELLS if work < MUCH else CELLS // 2
        for group in groups:
            self._tabulate(group)

    def cuts(self) -> list[np.ndarray]:
        """Where the domain is cut first."""
        per = max(2, int(FIRST ** (1.0 / len(self.low))))
        return [a + (b - a) * (np.arange(1, per) / per) for a, b in zip(self.low, self.high, strict=True)]

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
            raise _Other
        self.wanted = found.wanted()
        self.expressions: dict[int, Expression] = {}
        self.points = np.stack([s.values for s in found.inputs], axis=1)
        assert self.points.shape[1] == d
        return found

    def _expression(self, function: Any) -> Expression:
        made = self.expressions.get(id(function))
        if made is None:
            made = self.expressions[id(function)] = _value_term(getattr(function, "term", None))
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
                        raise _Other
            except _Lost:
                raise _Other from None

    @staticmethod
    def _size(value: Value) -> float:
        sizes = [abs(float(c)) * float(np.abs(s.values).max()) for s, c in value.linear.items()]
        sizes += [float(np.abs(g(s.values)).max()) for s, g in value.parts.items()]
        return sum(sizes, abs(float(value.constant))) + 1e-300

    def _in_balls(self, value: Value, known: dict[int, Any]) -> Any:
        series = Series(self.f)
        one = lambda c: read(_value_term(term_of(c)), {}, series)

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
                raise _Other
            pairs = [(self._unlike(g, s, w, z, by_sum), i, j) for i, g in enumerate(groups) for j, s in enumerate(sums)]
            chosen: dict[int, int] = {}
            for unlike, i, j in sorted(pairs):
                if unlike < ALIKE and i not in chosen and j not in chosen.values():
                    chosen[i] = j
            if len(chosen) < len(groups):
                raise _Other
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
                raise _Other
            by_sum.setdefault(id(k.of), (k.of, [], None))[1].append((k, c))
        for s, g in value.parts.items():
            signals = by_sum[id(s)][1] if id(s) in by_sum else []
            by_sum[id(s)] = (s, signals, g)
        for place, (_, signals, part) in by_sum.items():
            if part is None and len(signals) == 1:
                found[place] = ([signals[0][0]], signals[0][0].function.term, signals[0][1])  # type: ignore[union-attr]
                continue
            term = None if part is None else part.term
            for s, c in signals:
                assert s.function is not None
                more = combined("mul", term_of(c), s.function.term)
                term = more if term is None else combined("add", term, more)
            if term is None:
                raise _Other
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
                raise _Other
            for k, (term, factor) in parts.items():
                group = by_sum[k[0]]
                base_ = known.get(k)
                if base_ is None:
                    e = _value_term(term)
                    with np.errstate(all="ignore"):
                        y = np.broadcast_to(e(group.sum.values), (len(h),)) if e.used else np.full(len(h), e())
                    weights = np.zeros(len(row))
                    weights[group.units] = row[group.units] / (scale_ * float(factor))
                    base_ = known[k] = Base(e, y, weights)
                    base_.shift = float(np.mean(y - h @ weights))
                    group.bases.append(base_)
                base_.to.append((who, _factor(factor)))

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
        return self.f.arb(0.5 * float(r.low) + 0.5 * float(r.high), 0.5 * (float(r.high) - float(r.low)) * MARGIN + 0.0)

    def _exact_factor(self, c: float) -> Any:
        return read(_value_term(term_of(c)), {}, Series(self.f))[0] if float(c) else self.f.arb(0)

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
            raise _Other
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

    # --- each part by itself ---

    def _tabulate(self, group: Group) -> None:
        """Bounds of |q - f| and of f' on cells."""
        if not group.bases:
            return
        f = self.f
        low, high = float(group.sum.values.min()), float(group.sum.values.max())
        if group.sum.layer == 0:  # linear
            low, high = self._linear(group)
        beyond = (BEYOND if group.sum.layer else 1e-12) * (high - low) + 1e-12 * max(abs(low), abs(high))
        ends = cells(low, high, beyond, self.cells)
        group.low, group.high = float(ends[0]), float(ends[-1])
        m = len(group.units)
        net = Network(1)
        net.nodes.append(Affine(((0, group.gains[:, None], None),), group.offsets))
        net.nodes.append(Unary(1, self.kind, m))
        weights = np.stack([b.weights[group.units] for b in group.bases])
        net.nodes.append(Affine(((2, weights, None),), np.array([b.shift for b in group.bases])))
        functions = [b.function for b in group.bases]
        balls = Balls(net, functions, _Nothing(len(functions)), None)  # type: ignore[arg-type]
        ends, least_error, most_error = _resolved(balls, ends)
        moved = _steepness(self.kind, group, ends) * group.off
        for j, base in enumerate(group.bases):
            base.error = Steps(ends, -least_error[:, j]), Steps(ends, most_error[:, j])
            size = np.abs(base.weights[group.units])
            base.noise = Steps(ends, (moved @ size + group.kernel * size.sum()) * MARGIN)
            least, most = np.full(len(ends) - 1, -np.inf), np.full(len(ends) - 1, np.inf)
            with _precision(f, 3):
                for i, (a, b) in enumerate(pairwise(ends)):
                    least[i], most[i] = self._slope(base.function, float(a), float(b))
            base.slope = Steps(ends, -least), Steps(ends, most)

    def _linear(self, group: Group) -> tuple[float, float]:
        """The range of a sum of inputs."""
        places = {id(s): i for i, s in enumerate(self.composition.inputs)}
        ends = np.array([sorted((float(c) * self.low[i], float(c) * self.high[i]))
                         for i, c in ((places[id(s)], c) for s, c in group.sum.terms)])  # fmt: skip
        return float(ends[:, 0].sum()), float(ends[:, 1].sum())

    def _slope(self, e: Expression, a: float, b: float) -> tuple[float, float]:
        """The range of the derivative on [a, b]."""
        f = self.f
        middle = 0.5 * a + 0.5 * b
        half = float(np.nextafter(max(b - middle, middle - a), np.inf))
        ball = f.arb(middle, half)
        try:
            whole = self._series(e, ball)
            point = self._series(e, f.arb(middle))
        except _Lost:
            return -np.inf, np.inf
        bent = point[1] + 2 * whole[2] * f.arb(0, half)
        low = max(float(whole[1].lower()), float(bent.lower()))
        high = min(float(whole[1].upper()), float(bent.upper()))
        return float(np.nextafter(low, -np.inf)), float(np.nextafter(high, np.inf))

    def _series(self, e: Expression, x: Any) -> Any:
        return read(e, {"t": self.f.arb_series([x, 1])}, Series(self.f))

    # --- bounds ---

    def _forms(self, low: np.ndarray, high: np.ndarray) -> tuple[dict[int, Form], np.ndarray]:
        """Forms of all sums on boxes, and where a value that should not be below 0 may be."""
        n, d = low.shape
        arithmetic = AffineArithmetic(n, d)
        forms: dict[int, Form] = {id(s): x for s, x in zip(self.composition.inputs, inputs(low, high), strict=True)}

        def signal(s: Signal) -> Form:
            if id(s) not in forms:
                assert s.of is not None
                forms[id(s)] = read(self._expression(s.function), {"t": total(s.of)}, arithmetic)
            return forms[id(s)]

        def total(s: Sum) -> Form:
            if id(s) not in forms:
                forms[id(s)] = summed([(signal(k), c) for k, c in s.terms])
            return forms[id(s)]

        def summed(terms: list[tuple[Form, float]]) -> Form:
            found = of_range(Range(0.0, 0.0), n, d)
            for form, c in terms:
                found = add(found, scale(form, _factor(c)))
            return found

        for s in self.wanted:
            total(s)
        lost = np.zeros(n, bool)
        for value in self.composition.assumed:
            form = add(of_range(_factor(value.constant) if float(value.constant) else Range(0.0, 0.0), n, d),
                       summed([(signal(s), c) for s, c in value.linear.items()]))  # fmt: skip
            for s, g in value.parts.items():
                form = add(form, read(self._expression(g), {"t": total(s)}, arithmetic))
            lost |= ~(form.range.low >= 0) | form.bad
        return forms, lost

    def _errors(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Bounds (n, k) of |formula - network|, and of its noise alone; where to cut (n, d); what is lost (n,)."""
        n, d = low.shape
        k = len(self.formulas)
        with np.errstate(all="ignore"):
            forms, lost = self._forms(low, high)
            off: dict[int, np.ndarray] = {}  # of a group: |T - S| at most
            errors: dict[int, Range] = {}
            noises: dict[int, np.ndarray] = {}
            slopes: dict[int, Range] = {}
            slope = np.zeros((n, d))
            for layer in self.layers:
                for group in layer:
                    form, apart = forms[id(group.sum)], off.get(id(group), np.zeros(n))
                    a, b = I.down(form.range.low - apart), I.up(form.range.high + apart)
                    slope += np.abs(form.g) / max(group.high - group.low, 1e-300)
                    for base in group.bases:
                        assert base.error is not None
                        assert base.slope is not None
                        assert base.noise is not None
                        noises[id(base)] = base.noise.largest(a, b)
                        errors[id(base)] = Range(-base.error[0].largest(a, b) - noises[id(base)],
                                                 base.error[1].largest(a, b) + noises[id(base)])  # fmt: skip
                        slopes[id(base)] = Range(-base.slope[0].largest(a, b), base.slope[1].largest(a, b))
                        total = errors[id(base)].size + np.where(apart > 0, slopes[id(base)].size * apart, 0.0)
                        for who, m in base.to:
                            if isinstance(who, Group):
                                old = off.get(id(who), np.zeros(n))
                                off[id(who)] = (old + m.size * total) * MARGIN
            bounds = np.stack([self._output(j, n, errors, slopes) for j in range(k)], axis=1)
            alone = {key: Range(-v, v) for key, v in noises.items()}
            noise = np.stack([self._output(j, n, alone, slopes) for j in range(k)], axis=1)
        return bounds * MARGIN, noise * MARGIN, np.where(np.isfinite(slope), slope, 0.0), lost

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n = len(low)
        bounds, _, slope, lost = self._errors(low, high)
        bad = np.stack([form.bad for form in self.lines.target(low, high)], axis=1)
        bounds = np.where(lost[:, None] | bad | ~(bounds < np.inf), np.inf, bounds)
        # a large box without a bound is cut, which costs less than to look at it in another way
        failed = ~(bounds < np.inf).all(axis=1)
        if failed.sum() > FEW:
            failed &= ((high - low) <= SMALL * (self.high - self.low)).all(axis=1)
        rest = np.zeros(n)
        if failed.any():
            other = self.lines.look(low[failed], high[failed])
            bounds[failed] = np.fmin(bounds[failed], other.bound)
            bad[failed] = other.bad
        return Looked(bounds, slope, rest, bad, np.zeros(n), np.clip(0.5 * low + 0.5 * high, low, high))

    def _output(self, j: int, n: int, errors: dict[int, Range], slopes: dict[int, Range]) -> np.ndarray:
        """|output - formula| at most: all errors of parts, with how much of them reaches the output."""
        zero = np.zeros(n)
        total = Range(zero - self.left[j], zero + self.left[j])
        reach: dict[int, Range] = {}
        for layer in reversed(self.layers):
            for group in layer:
                mine = Range(zero, zero)
                for base in group.bases:
                    factor = Range(zero, zero)
                    for who, m in base.to:
                        if isinstance(who, Group):
                            factor = I.add(factor, I.mul(reach[id(who)], m))
                        elif who == j:
                            factor = I.add(factor, Range(zero + m.low, zero + m.high))
                    total = I.add(total, I.mul(factor, errors[id(base)]))
                    mine = I.add(mine, I.mul(factor, slopes[id(base)]))
                reach[id(group)] = mine
        return np.where(np.isfinite(total.size), total.size, np.inf) * MARGIN

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        n, f = len(x), self.f
        with np.errstate(all="ignore"):
            lower, upper = self.lines.at_points(x, values)
            noise = np.zeros((n, len(self.formulas)))
            if values is None and self.roundings is not None:
                noise = self._errors(x, x)[1]
            with _precision(f, 1):
                for i in range(n):
                    place = {m: f.arb_series([f.arb(float(v))]) for m, v in zip(self.names, x[i], strict=True)}
                    try:
                        y = [read(e, place, Series(f))[0] for e in self.formulas]
                    except _Lost:
                        continue
                    if values is None:
                        z = self._network(x[i])
                    elif np.isfinite(values[i]).all():
                        z = [f.arb(float(v)) for v in values[i]]
                    else:
                        continue
                    apart = [abs(a - b) for a, b in zip(y, z, strict=True)]
                    if not all(a.is_finite() for a in apart):
                        continue
                    below = max(float(a.abs_lower()) * (1 - 2.0**-50) - e for a, e in zip(apart, noise[i], strict=True))
                    above = max(float(a.abs_upper()) * (1 + 2.0**-50) + e for a, e in zip(apart, noise[i], strict=True))
                    lower[i] = max(lower[i], np.nextafter(below, -np.inf), 0.0)
                    upper[i] = min(upper[i], np.nextafter(above, np.inf) + 1e-300)
        return lower, upper

    def _network(self, x: np.ndarray) -> list[Any]:
        """The network at a point (d,), in balls."""
        from surefit.bounds.balls import FUNCTIONS

        f = self.f
        h = f.arb_mat(len(x), 1, [f.arb(float(v)) for v in x])
        for w, b in self.chain[:-1]:
            z = w * h + b
            h = f.arb_mat(z.nrows(), 1, [FUNCTIONS[self.kind](z[i, 0]) for i in range(z.nrows())])
        w, b = self.chain[-1]
        y = w * h + b
        return [y[i, 0] for i in range(y.nrows())]


class _Nothing:
    """In the place of lines: nothing is known of a box."""

    def __init__(self, k: int) -> None:
        self.k = k

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n = len(low)
        return Looked(
            np.full((n, self.k), np.inf),
            np.zeros(low.shape),
            np.zeros(n),
            np.zeros((n, self.k), bool),
            np.zeros(n),
            low,
        )


def parts_of(
    exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
    lines: Lines, running: Network | None,
) -> Parts | None:  # fmt: skip
    """The parts that a network and its formulas are both made of; None where they are not, or without python-flint."""
    if flint() is None or len(low) < 2 or not (low < high).all():
        return None
    if not all(n.op in OPERATIONS for e in formulas for n in e.nodes):
        return None
    try:
        return Parts(exact, formulas, names, low, high, lines, running)
    except (_Other, _Lost):
        return None


__all__ = ["Parts", "Steps", "parts_of"]
