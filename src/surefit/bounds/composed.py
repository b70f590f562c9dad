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
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.affine import AffineArithmetic, Form, add, form_of, inputs, of_range, range_of, scale
from surefit.bounds.balls import (
    KINKS,
    MARGIN,
    OPERATIONS,
    TINY,
    Balls,
    Bent,
    NotFinite,
    Series,
    compared,
    flint,
    precision,
)
from surefit.bounds.branch import Lines, Looked, first_boxes, halves
from surefit.bounds.cells import (
    ALWAYS,
    CELLS,
    MOST_CELLS,
    SHORT,
    Allowance,
    Late,
    Steps,
    cells,
    parts,
    resolved,
    slopes_of,
)
from surefit.bounds.interval import Range, up
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.reading import read
from surefit.bounds.recognised import STEEPEST, Base, Evaluated, Group, Other, Recognised, factor_range
from surefit.bounds.relax import Relaxation
from surefit.formulas.expression import Expression

STEP, MUCH = 8, 1500  # units that a step of a function costs as much as; so much of both that half of the cells must do
BEYOND = 0.03  # of its range, by which the argument of a function may leave what was seen
NEAR, FARTHEST = 0.01, 0.05  # of its range: what is near, and how far cells go at most
MOST_REACHED, ROUNDS = 80_000, 24  # boxes times sums that are looked at for that, and how often they are cut
FEW = 16
SMALL = 2e-3  # of the domain's width: boxes without a bound are left to lines
FIRST = 600  # boxes that the domain is cut into before anything is known
MONOTONE = {"tanh", "sigmoid"}
Ends = tuple[float, float]


def _beside(end: float, other: float) -> float:
    """An end that an argument may be seen beyond: not as far as 0, where many functions have a pole."""
    return 0.9 * end if end * (other - 0.9 * end) < 0 else other


def _times(slope: Range, apart: Range) -> Range:
    """How much a part changes where its argument does; nothing where that does not, however steep it is."""
    moved, still = I.mul(slope, apart), apart.size == 0
    return Range(np.where(still, 0.0, moved.low), np.where(still, 0.0, moved.high))


def _told(base: Base, at: Range, hull: Range, apart: Range, noise: np.ndarray) -> tuple[Range, Range]:
    """An error and slopes with q(T) - f(S) in error + slopes (T - S): S in `at`, both in `hull`, T - S in `apart`.

    Three ways lead from f(S) to q(T): by f(T), with the slopes of f; by q(S), with those of q, which has none that is
    infinite, and no kink; and by f(T), of which no more is known than its values. On each box the nearest is taken.
    """
    assert base.error is not None
    assert base.slope is not None
    assert base.own is not None
    assert base.value is not None
    a, b, zero = hull.low, hull.high, np.zeros(len(noise))
    error = _range_of(base.error, a, b)
    ways = [(error, _range_of(base.slope, a, b))]
    if base.bent and apart.size.any():  # of a smooth one the slopes of both are nearly the same
        spread = up(base.value[0].largest(a, b) + base.value[1].largest(a, b))
        ways += [
            (_range_of(base.error, at.low, at.high), _range_of(base.own, a, b)),
            (Range(error.low - spread, error.high + spread), Range(zero, zero)),
        ]
    best, slopes = ways[0]
    least = I.add(best, _times(slopes, apart)).size
    for other, steep in ways[1:]:
        size = I.add(other, _times(steep, apart)).size
        less = (size < least) | ~(least < np.inf)
        least = np.where(less, size, least)
        best = Range(np.where(less, other.low, best.low), np.where(less, other.high, best.high))
        slopes = Range(np.where(less, steep.low, slopes.low), np.where(less, steep.high, slopes.high))
    return Range(I.down(best.low - noise), I.up(best.high + noise)), slopes


def _range_of(steps: tuple[Steps, Steps], low: np.ndarray, high: np.ndarray) -> Range:
    return Range(-steps[0].largest(low, high), steps[1].largest(low, high))


class Parts(Recognised):
    """Bounds of |formula - network| on boxes, through the parts that both are made of; `lines` where they fail.

    allowed: the time for tables of the parts; Late where it is over before they are done.
    """

    batch = 4096
    excess = 0.1

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
        lines: Lines, running: Network | None, allowed: Allowance = ALWAYS,
    ) -> None:  # fmt: skip
        super().__init__(exact, formulas, names, low, high, running)
        self.lines, self.allowed = lines, allowed
        groups = [group for layer in self.layers for group in layer]
        work = sum(len(g.units) + STEP * sum(len(b.function.nodes) for b in g.bases) for g in groups)
        self.cells = CELLS if work < MUCH else CELLS // 2
        self.most_cells = MOST_CELLS if work < MUCH else MOST_CELLS // 2
        reached = self._reach([g for g in groups if g.sum.layer])
        ends = [self._cells(g, reached.get(id(g))) for g in groups]
        self._nearer()
        for group, (low_high, cut) in zip(groups, ends, strict=True):
            self._tabulate(group, low_high, cut)

    def cuts(self) -> list[np.ndarray]:
        """Where the domain is cut first."""
        per = max(2, int(FIRST ** (1.0 / len(self.low))))
        return [a + (b - a) * (np.arange(1, per) / per) for a, b in zip(self.low, self.high, strict=True)]

    # --- each part by itself ---

    def _reach(self, groups: Sequence[Group]) -> dict[int, Ends]:
        """Between which values the sums of groups lie: forms say so, and where they are near what was seen.

        The domain is cut where a form reaches farther than values at points, until few do. A box whose argument is in
        no cell has no bound, and points alone miss the corner where an argument is largest.
        """
        seen = {id(g): (float(g.sum.values.min()), float(g.sum.values.max())) for g in groups}
        reached = dict(seen)
        low, high = first_boxes(self.low, self.high, self.cuts())
        looked = rounds = 0
        while groups and len(low):
            self.allowed.check()
            rounds += 1
            forms = self._forms(low, high)[0]
            middle = np.clip(0.5 * low + 0.5 * high, low, high)
            points = self._forms(middle, middle)[0]
            looked += len(low)
            cut, slope = np.zeros(len(low), bool), np.zeros(low.shape)
            for g in groups:
                r, at = forms[id(g.sum)].range, points[id(g.sum)]
                fine = np.isfinite(at.rho)
                a, b = (float(v) for v in seen[id(g)])
                a, b = min(a, at.c.min(where=fine, initial=a)), max(b, at.c.max(where=fine, initial=b))
                seen[id(g)] = a, b
                far = ~((r.low >= _beside(a, a - NEAR * (b - a))) & (r.high <= _beside(b, b + NEAR * (b - a))))
                cut |= far
                slope += np.where(far[:, None], np.abs(forms[id(g.sum)].g), 0.0) / max(b - a, 1e-300)
            enough = looked * len(groups) >= MOST_REACHED or rounds >= ROUNDS or self.allowed.rough()
            done = np.ones(len(cut), bool) if enough else ~cut
            for g in groups:
                r, (a, b), (low_seen, high_seen) = forms[id(g.sum)].range, reached[id(g)], seen[id(g)]
                a, b = (min(a, r.low.min(where=done, initial=a)), max(b, r.high.max(where=done, initial=b)))
                room = FARTHEST * (high_seen - low_seen)
                reached[id(g)] = max(a, low_seen - room), min(b, high_seen + room)
            low, high = low[~done], high[~done]
            share = (high - low) / np.maximum(self.high - self.low, 1e-300)
            low, high = halves(low, high, np.argmax(np.nan_to_num(slope[~done]) + 1e-9 * share, axis=1))
        return reached

    def _cells(self, group: Group, reached: Ends | None) -> tuple[Ends, np.ndarray]:
        """Between which values the sum of a group lies, and the ends of cells for it, which go a little further.

        reached: these values, of a sum that is not linear.
        """
        low, high = self._linear(group) if reached is None else reached
        beyond = (1e-12 if reached is None else BEYOND) * (high - low) + 1e-12 * max(abs(low), abs(high))
        ends = cells(low, high, beyond, self.cells)
        group.low, group.high = float(ends[0]), float(ends[-1])
        return (low, high), ends

    def _tabulate(self, group: Group, seen: Ends, ends: np.ndarray) -> None:
        """Bounds of |q - f| and of f' on cells."""
        if not group.bases:
            return
        f = self.f
        m = len(group.units)
        net = Network(1)
        net.nodes.append(Affine(((0, group.gains[:, None], None),), group.offsets))
        net.nodes.append(Unary(1, self.kind, m))
        weights = np.stack([b.weights[group.units] for b in group.bases])
        net.nodes.append(Affine(((2, weights, None),), np.array([b.shift for b in group.bases])))
        functions = [b.function for b in group.bases]
        lines = Lines(Relaxation(net, False), lambda a, b: [form_of(e, a, b) for e in functions])
        balls = Balls(net, functions, lines, None)
        ends, fine, known = resolved(balls, ends, seen, self.most_cells, self.allowed)
        steep = slopes_of(self.kind, group, ends)  # of each unit at most, and at least 0 or the same with a minus
        moved = steep * group.off
        for j, base in enumerate(group.bases):
            base.error = Steps(fine, -known.least[:, j]), Steps(fine, known.most[:, j])
            each = base.weights[group.units] * group.gains
            rising, falling = np.maximum(each, 0.0), np.maximum(-each, 0.0)
            if self.kind not in MONOTONE:
                rising = falling = np.abs(each)
            most, least = (np.repeat(steep @ v, SHORT) * MARGIN + TINY for v in (rising, falling))
            base.own = (
                Steps(fine, np.fmin(-known.down[:, j], least)), Steps(fine, np.fmin(known.up[:, j], most)),
            )  # fmt: skip
            size = np.abs(base.weights[group.units])
            base.noise = Steps(ends, (moved @ size + group.kernel * size.sum()) * MARGIN)
            with precision(f, 4):
                slopes = [self._slopes(base.function, float(a), float(b)) for a, b in pairwise(ends)]
            least, most = (np.concatenate(v) for v in zip(*slopes, strict=True))
            base.slope = Steps(fine, -least), Steps(fine, most)
            base.bent = bool({n.op for n in base.function.nodes} & KINKS) or not np.isfinite([least, most]).all()
            values = range_of(base.function, fine[:-1, None], fine[1:, None])
            base.value = Steps(fine, -values.low), Steps(fine, np.where(values.bad, np.inf, values.high))

    def _slopes(self, e: Expression, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest derivative on each of the parts of [a, b]."""
        self.allowed.check()
        f = self.f
        middle = float(np.clip(0.5 * a + 0.5 * b, a, b))
        half = float(np.nextafter(max(b - middle, middle - a), np.inf))
        try:
            whole = self._series(e, f.arb(middle, half))
            point = self._series(e, f.arb(middle))
        except NotFinite:
            return self._any_slope(e, f.arb(middle, half))
        with np.errstate(all="ignore"):
            ends = parts(np.array([a]), np.array([b]))[0] - middle
            t = Range(I.down(ends[:-1]), I.up(ends[1:]))
            first, second, third = (Range(float(c.lower()), float(c.upper())) for c in (point[1], point[2], whole[3]))
            bent = I.add(I.mul(second, 2.0), I.mul(I.mul(third, t), 3.0))
            found = I.add(first, I.mul(bent, t))
            plain = Range(float(whole[1].lower()), float(whole[1].upper()))
            low, high = I.down(np.fmax(found.low, plain.low)), I.up(np.fmin(found.high, plain.high))
        return np.where(low <= high, low, -np.inf), np.where(low <= high, high, np.inf)

    def _any_slope(self, e: Expression, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The same of a function that may bend: between which all its difference quotients on a ball lie."""
        low, high = -np.inf, np.inf
        with precision(self.f, 2), suppress(NotFinite):
            found = read(e, {"t": self.f.arb_series([x, 1])}, Bent(self.f))
            low, high = float(np.nextafter(float(found[1].lower()), -np.inf)), float(found[1].upper())
        return np.full(SHORT, low), np.full(SHORT, np.nextafter(high, np.inf))

    def _series(self, e: Expression, x: Any) -> Any:
        return read(e, {"t": self.f.arb_series([x, 1])}, Series(self.f))

    # --- bounds ---

    def _forms(self, low: np.ndarray, high: np.ndarray) -> tuple[dict[int, Form], np.ndarray]:
        """Forms of all sums on boxes, and where a value that should not be below 0 may be."""
        n, d = low.shape
        arithmetic = AffineArithmetic(n, d)
        number = lambda c: of_range(factor_range(c) if float(c) else Range(0.0, 0.0), n, d)
        call = lambda g, t: read(self._expression(g), {"t": t}, arithmetic)
        parts = Evaluated(
            self.composition, inputs(low, high), number, lambda form, c: scale(form, factor_range(c)), add, call
        )
        forms = {id(s): parts.total(s) for s in self.wanted}
        lost = np.zeros(n, bool)
        for value in self.composition.assumed:
            form = parts.value(value)
            lost |= ~(form.range.low >= 0) | form.bad
        return forms, lost

    def _errors(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Bounds (n, k) of |formula - network|, and of its noise alone; where to cut (n, d); what is lost (n,)."""
        n, d = low.shape
        k = len(self.formulas)
        with np.errstate(all="ignore"):
            forms, lost = self._forms(low, high)
            off: dict[int, Range] = {}  # of a group: T - S
            errors: dict[int, Range] = {}
            noises: dict[int, np.ndarray] = {}
            slopes: dict[int, Range] = {}
            slope = np.zeros((n, d))
            zero, beyond = np.zeros(n), np.zeros(n, bool)
            forward = [Range(zero - left, zero + left) for left in self.left]
            for layer in self.layers:
                for group in layer:
                    form, apart = forms[id(group.sum)], off.get(id(group), Range(zero, zero))
                    a, b = form.range.low, form.range.high  # at an end, as 0 of a root, the next float is outside
                    a = np.where(apart.low >= 0, a, I.down(a + apart.low))  # also where nothing is known of it
                    b = np.where(apart.high <= 0, b, I.up(b + apart.high))
                    if group.bases:  # beyond its cells nothing is known, not even of roundings
                        beyond |= ~((a >= group.low) & (b <= group.high))
                    slope += np.abs(form.g) / max(group.high - group.low, 1e-300)
                    for base in group.bases:
                        assert base.noise is not None
                        noise = noises[id(base)] = base.noise.largest(a, b)
                        error, steep = _told(base, form.range, Range(a, b), apart, noise)
                        errors[id(base)], slopes[id(base)] = error, steep
                        total = I.add(error, _times(steep, apart))
                        for who, m in base.to:
                            mine = I.mul(total, m)
                            if isinstance(who, Group):
                                off[id(who)] = I.add(off[id(who)], mine) if id(who) in off else mine
                            else:
                                forward[who] = I.add(forward[who], mine)
            bounds = np.stack([self._output(j, n, errors, slopes) for j in range(k)], axis=1)
            bounds = np.fmin(bounds, np.stack([total.size for total in forward], axis=1))
            alone = {key: Range(-v, v) for key, v in noises.items()}
            noise = np.stack([self._output(j, n, alone, slopes) for j in range(k)], axis=1)
            bounds[beyond] = noise[beyond] = np.inf
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

    def rounding(self, low: np.ndarray, high: np.ndarray) -> float:
        """How far the running network may be from exact arithmetic on boxes (n, d)."""
        return float(self._errors(low, high)[1].max())

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
        f = self.f
        noise = np.zeros((len(x), len(self.formulas)))
        if values is None and self.roundings is not None:
            with np.errstate(all="ignore"):
                noise = self._errors(x, x)[1]

        def target(point: np.ndarray) -> list[Any]:
            place = {m: f.arb_series([f.arb(float(v))]) for m, v in zip(self.names, point, strict=True)}
            return [read(e, place, Series(f))[0] for e in self.formulas]

        return compared(f, self.lines, target, self._network, x, values, noise)


def parts_of(
    exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
    lines: Lines, running: Network | None, allowed: Allowance = ALWAYS,
) -> Parts | None:  # fmt: skip
    """The parts that a network and its formulas are both made of.

    None where they are not, without python-flint, or where the time for their tables is over.
    """
    if flint() is None or len(low) < 2 or not (low < high).all():
        return None
    ops = {n.op for e in formulas for n in e.nodes}
    if not ops <= OPERATIONS:
        return None
    try:
        return Parts(exact, formulas, names, low, high, lines, running, allowed)
    except (Other, NotFinite, Late):
        return None


__all__ = ["STEEPEST", "Parts", "parts_of"]
