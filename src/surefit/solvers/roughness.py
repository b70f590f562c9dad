"""Where a function of one input is rough, seen from its values: pieces that a polynomial resolves, and jumps.

The interval is split until on each piece the last Chebyshev coefficients of degree 16 are small, as Chebfun does
(Pachon, Platte and Trefethen 2010, IMA Journal of Numerical Analysis 30: piecewise-smooth chebfuns). Pieces are then
small where the function has a kink, a singular end, a layer or a pole nearby, and as long as they may be elsewhere.
They give a local length, by which units and points are placed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

Values = Callable[[np.ndarray], np.ndarray]  # places (n,) in [-1, 1] -> values (n, k), NaN where there are none
Taken = Callable[[np.ndarray], np.ndarray]  # places (n,) -> those at which values are taken of them, which are rounded

DEGREE = 16  # of the polynomial on each piece
TAIL = 4  # coefficients that must be small
SLOWEST = 0.9  # factor from one to the next that is believed
CHECKED = 400  # places at which pieces that seem to be resolved are looked at
MISSED = 100.0  # times the tolerance, by which a polynomial is off where something narrow lies between its points
CLOSE = 3e-4  # half of the length of a piece about such a place
MOVED = 0.01  # of half a piece, by which places may be rounded: with more, a polynomial through them tells little
SPACED = 0.1  # of their distance, that two of its points must have when rounded: none through two at one place
SPLIT = 0.4871  # where a piece is split: not in the middle, which symmetric functions like for their kinks
FLOOR = 128.0  # roundings of its ends, which no piece is shorter than
NEAR_ZERO = 1e-40  # the same about 0, where floats lie densely
LENGTHS = 64.0  # roundings, which no local length is shorter than
JUMP = 1e-3  # of the largest value: a change within the shortest piece that is a jump, and no steep root
MOST_JUMPS = 200
STEEPEST = 2.0**60  # gain of a unit that jumps from one float to the next
BESIDE = 2.0**-55  # from its centre to where it is 1 but for rounding
SHARP = 0.9  # of the height, about which is left of a jump within a few floats: what is less is steep


@dataclass(frozen=True)
class Pieces:
    """Pieces of [-1, 1] in order: ends (n, 2), the degree (n,) that resolves each; size: the largest |value|.

    coefficients (n, 17, k): of Chebyshev polynomials on each piece.
    settled: whether all were resolved, or are as short as floats allow. asked: values that this took.
    """

    ends: np.ndarray
    degrees: np.ndarray
    coefficients: np.ndarray
    size: float
    settled: bool
    asked: int

    @property
    def shortest(self) -> float:
        """The middle of the shortest piece."""
        return float(self.ends[np.argmin(np.diff(self.ends, axis=1)[:, 0])].mean())

    def unresolved(self, longer: float = 0.0) -> float:
        """What further coefficients would add where they add most, as a share of the size; of pieces so long alone."""
        rest = _rest(np.abs(self.coefficients).max(axis=2))
        rest = rest[np.diff(self.ends, axis=1)[:, 0] >= longer]
        return float(rest.max(initial=0.0)) / self.size if self.size > 0 else 0.0

    @property
    def jumping(self) -> np.ndarray:
        """Which pieces (n,) are as short as floats allow, and hold a jump."""
        height = 2.0 * np.abs(self.coefficients[:, 1::2].sum(axis=1)).max(axis=1)
        short = np.diff(self.ends, axis=1)[:, 0] <= FLOOR * 2.0**-52 * np.abs(self.ends).max(axis=1) + NEAR_ZERO
        return np.asarray(short & (height > JUMP * self.size))

    def piece_of(self, places: np.ndarray) -> np.ndarray:
        """The number of the piece (n,) that each place lies on."""
        return np.clip(np.searchsorted(self.ends[:, 0], places, side="right") - 1, 0, len(self.ends) - 1)

    def at(self, places: np.ndarray) -> np.ndarray:
        """The polynomials (n, k) at places (n,)."""
        piece = self.piece_of(places)
        low, high = self.ends[piece].T
        t = (2.0 * places - low - high) / np.maximum(high - low, np.finfo(float).tiny)
        return np.einsum("nj,njk->nk", np.polynomial.chebyshev.chebvander(t, DEGREE), self.coefficients[piece])


@dataclass(frozen=True)
class Jump:
    """A jump between two neighbouring places `before` and `after`, by `height` (k,) from `left` (k,)."""

    before: float
    after: float
    height: np.ndarray
    left: np.ndarray


def pieces_of(
    values: Values, tol: float, most: int, eps: float = 2.0**-52, looked_at: Sequence[float] = (),
    shortest: float = NEAR_ZERO, ends: tuple[float, float] = (-1.0, 1.0), taken_at: Taken | None = None,
) -> Pieces:  # fmt: skip
    """Split an interval until a polynomial of degree 16 resolves each piece to `tol` of the largest value.

    most: places at which values may be asked for, about; with few fewer are looked at. eps: the rounding of places.
    looked_at: places where something narrow may be, which few values would miss. shortest: length of a piece at which
    it is left as it is, and which may be near 0 alone, where floats are dense. taken_at: where values are taken of
    places, which are rounded.

    >>> found = pieces_of(lambda u: np.abs(u - 0.25)[:, None], 1e-9, 10_000)
    >>> shortest = found.ends[np.argmin(np.diff(found.ends, axis=1))]
    >>> bool(abs(shortest - 0.25).max() < 1e-6)
    True
    """
    found = _resolved(values, tol, most, eps, np.array(ends), shortest, taken_at)
    if not found.settled:
        return found
    checked = max(2, min(CHECKED, (most - found.asked) // 4))
    even = np.linspace(-1.0, 1.0, checked)
    even += 0.3 / checked * np.sin(70.0 * even)  # a grid can agree with a period
    even = ends[0] + (ends[1] - ends[0]) * (0.5 + 0.5 * even) if ends != (-1.0, 1.0) else even
    places = np.sort(np.clip(np.concatenate([even, looked_at]), *ends))
    truth = values(places)
    known = np.asarray(np.isfinite(truth).all(axis=1))
    off = np.abs(found.at(places) - np.where(known[:, None], truth, 0.0)).max(axis=1)
    width = np.diff(found.ends, axis=1)[found.piece_of(places), 0]
    missed = places[known & (off > MISSED * tol * found.size) & (width > CLOSE)]
    if not len(missed):
        return replace(found, asked=found.asked + len(places))
    edges = np.unique(np.clip(np.concatenate([ends, missed - CLOSE, missed + CLOSE]), *ends))
    again = _resolved(values, tol, most - found.asked - len(places), eps, edges, shortest, taken_at)
    return replace(again, asked=found.asked + len(places) + again.asked)


def _resolved(
    values: Values, tol: float, most: int, eps: float, edges: np.ndarray, shortest: float, taken_at: Taken | None
) -> Pieces:  # fmt: skip
    """The pieces that come of those between `edges`."""
    nodes = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    to_coefficients = np.linalg.inv(np.polynomial.chebyshev.chebvander(nodes, DEGREE))
    low, high = edges[:-1], edges[1:]
    done: list[tuple[np.ndarray, ...]] = []
    size, asked, settled = 0.0, 0, True
    while len(low):
        x = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * nodes
        x[:, 0], x[:, -1] = low, high
        y = values(x.reshape(-1))
        asked += x.size
        y = y.reshape(*x.shape, -1)
        known = np.isfinite(y)
        size = max(size, float(np.abs(y[known]).max(initial=0.0)))
        y = np.where(known, y, 0.0)
        c = np.einsum("ji,nik->njk", to_coefficients, y)
        apart = np.ones(len(low), bool)
        if taken_at is not None:
            t = (2.0 * taken_at(x.reshape(-1)).reshape(x.shape) - (low + high)[:, None]) / (high - low)[:, None]
            moved = np.abs(t - nodes).max(axis=1)
            apart = (moved <= MOVED) & (np.diff(t, axis=1) > SPACED * np.diff(nodes)).all(axis=1)
            own = np.flatnonzero(apart & (moved > 0.0))
            c[own] = np.linalg.solve(np.polynomial.chebyshev.chebvander(t[own], DEGREE), y[own])
        sizes = np.abs(c).max(axis=2)
        fine = (_rest(sizes) <= tol * size) & known.all(axis=(1, 2)) & apart
        ends = np.maximum(np.abs(low), np.abs(high))
        stop = fine | (high - low <= FLOOR * eps * ends + shortest)
        if asked + 2 * x.size > most and not stop.all():
            settled, stop = False, np.ones(len(low), bool)
        degree = np.where(sizes > tol * size, np.arange(DEGREE + 1), 0).max(axis=1)
        done.append((low[stop], high[stop], np.maximum(degree[stop], 3), c[stop]))
        low, high = low[~stop], high[~stop]
        middle = low + SPLIT * (high - low)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    low, high, degrees, c = (np.concatenate(part) for part in zip(*done, strict=True))
    order = np.argsort(low)
    return Pieces(np.column_stack([low, high])[order], degrees[order], c[order], size, settled, asked)


def _rest(c: np.ndarray) -> np.ndarray:
    """About how much further coefficients would add to these |coefficients| (n, 17).

    They fall by a factor at a smooth piece. At a kink or a root they fall so slowly that their sum counts.
    """
    tail, before = c[:, -TAIL:].max(axis=1), c[:, -2 * TAIL : -TAIL].max(axis=1)
    ratio = np.minimum((tail / np.maximum(before, np.maximum(tail, 1e-300))) ** (1.0 / TAIL), SLOWEST)
    return tail / (1.0 - ratio) ** 2


@np.errstate(invalid="ignore", over="ignore")
def jumps_of(
    values: Values, pieces: Pieces, eps: float = 2.0**-52, shortest: float = NEAR_ZERO
) -> list[Jump]:  # fmt: skip
    """The jumps within pieces that are as short as floats allow, found to neighbouring floats.

    shortest: of the pieces.
    """
    found: list[Jump] = []
    first, last = pieces.ends[0, 0], pieces.ends[-1, 1]
    widths = np.diff(pieces.ends, axis=1)[:, 0]
    short = widths <= FLOOR * eps * np.abs(pieces.ends).max(axis=1) + shortest
    for low, high in pieces.ends[short]:
        left, right = values(np.array([low, high]))
        height = right - left  # what the value is at the jump itself is another thing
        if not JUMP * pieces.size < np.abs(height).max() < np.inf or len(found) == MOST_JUMPS:
            continue
        while True:
            middle = 0.5 * low + 0.5 * high
            if not low < middle < high:
                break
            here = values(np.array([middle]))[0]
            if np.abs(here - left).max() > np.abs(right - here).max():
                high, right = middle, here
            else:
                low, left = middle, here
        size, at = float(np.abs(height).max()), max(abs(low), abs(high))
        for away in (4.0 * 2.0**-52 * at, 4.0 * eps * at, 4.0 * eps):  # places may be known no better than the last
            near = values(np.clip(np.array([low - away, high + away]), first, last))
            if SHARP * size <= np.abs(near[1] - near[0]).max() <= size / SHARP:
                found.append(Jump(float(low), float(high), near[1] - near[0], near[0]))
                break
    return found


def short_number(x: float, within: float) -> float | None:
    """The number with few digits, or the fraction of small numbers, that x is but for rounding; None if there is none.

    >>> short_number(0.30000000000000004, 1e-15), short_number(1 / 3, 1e-15), short_number(0.1234567891234, 1e-15)
    (0.3, 0.3333333333333333, None)
    """
    if abs(x) <= within:
        return 0.0
    for found in (*(float(f"{x:.{digits}g}") for digits in (1, 3, 6)), float(Fraction(x).limit_denominator(1000))):
        if abs(found - x) <= within:
            return found
    return None


@np.errstate(invalid="ignore", over="ignore")
def centre_of(
    jump: Jump, before: float, after: float, values: Values, units: Values, dtype: Any = np.float64
) -> float:  # fmt: skip
    """Where a unit bends that jumps, in the units of a network, which computes in `dtype`.

    Of the two neighbouring numbers between which a jump lies, the shorter one is that of which people know on which
    side it is, as 1 of floor(x): the unit has its value, on one side, on the other or half way.

    jump: with the values on both sides. before, after: two places between which it is. units: places (n,) -> those in
    the units of the network.

    >>> jump = Jump(0.5, 1.5, np.array([1.0]), np.array([0.0]))
    >>> centre = centre_of(jump, 0.5, 1.5, lambda x: np.floor(x)[:, None], lambda x: x)
    >>> bool(0.999999 < centre < 1.0)
    True
    """
    left, right = jump.left, jump.left + jump.height
    while before < (middle := 0.5 * before + 0.5 * after) < after:
        here = values(np.array([middle]))[0]
        if np.abs(here - left).max() > np.abs(right - here).max():
            after = middle
        else:
            before = middle
    known, other = sorted((before, after), key=lambda x: len(repr(float(x))))
    here = values(np.array([known]))[0]
    u, beyond = (float(v) for v in units(np.array([known, other])).astype(dtype))
    side = int(np.argmin([np.abs(here - value).max() for value in (left, 0.5 * (left + right), right)])) - 1
    step = max(float(np.spacing(np.asarray(abs(u), dtype))), BESIDE)
    if (u - beyond) * side <= step:  # there is no place for it between them
        return u - side * step
    return float(np.asarray(0.5 * (u + beyond), dtype))


def without_jumps(
    values: Values, jumps: list[Jump], eps: float = 2.0**-52, shortest: float = NEAR_ZERO
) -> Values:  # fmt: skip
    """The function less its jumps, where values at the jumps themselves are those beside them."""

    def continuous(u: np.ndarray) -> np.ndarray:
        for jump in jumps:
            beside = FLOOR * eps * abs(jump.after) + shortest
            near = np.abs(u - jump.after) <= beside
            u = np.where(near, jump.after + np.where(u < jump.after, -beside, beside), u)
        return values(u) - sum(np.where(u[:, None] >= j.after, j.height, 0.0) for j in jumps)

    return continuous


class Mesh:
    """A local length h(u), piecewise linear: small where pieces are, and growing slowly away from there.

    per_piece: local lengths on a piece that takes degree 16. growth: how fast h may grow with the distance.
    count: the integral of 1/h, the number of local lengths in all.
    """

    def __init__(
        self, pieces: Pieces, per_piece: float, growth: float, eps: float = 2.0**-52, shortest: float = NEAR_ZERO
    ) -> None:
        low, high = pieces.ends.T
        width = high - low
        h = np.minimum(width / (per_piece * pieces.degrees / DEGREE), 2.0)
        h = np.maximum(h, LENGTHS * eps * np.maximum(np.abs(low), np.abs(high)) + 0.5 * shortest)
        at_ends = np.minimum(np.append(np.inf, h), np.append(h, np.inf))
        for i in range(1, len(at_ends)):
            at_ends[i] = min(at_ends[i], at_ends[i - 1] + growth * width[i - 1])
        for i in range(len(at_ends) - 2, -1, -1):
            at_ends[i] = min(at_ends[i], at_ends[i + 1] + growth * width[i])
        nodes, lengths = [], []
        for a, b, first, last, flat in zip(low, high, at_ends[:-1], at_ends[1:], h, strict=True):
            nodes.append(a)
            lengths.append(first)
            up, down = a + (flat - first) / growth, b - (flat - last) / growth  # where it is as long as it may be
            turns = [(up, flat), (down, flat)] if up < down else []
            if not turns:
                middle = 0.5 * (a + b) + 0.5 * (last - first) / growth
                turns = [(middle, first + growth * (middle - a))]
            for node, length in turns:
                if a < node < b:
                    nodes.append(node)
                    lengths.append(length)
        self.nodes, self.lengths = np.append(nodes, high[-1]), np.append(lengths, at_ends[-1])
        a, b, step = self.lengths[:-1], self.lengths[1:], np.diff(self.nodes)
        with np.errstate(divide="ignore", invalid="ignore"):
            counts = np.where(np.abs(b - a) < 1e-9 * a, step / a, step * np.log(b / a) / (b - a))
        self.counts = np.append(0.0, np.cumsum(counts))

    @property
    def count(self) -> float:
        """The number of local lengths from the first end to the last."""
        return float(self.counts[-1])

    def at(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places (n,) that lie so many local lengths from the first end, and the local lengths there."""
        i = np.clip(np.searchsorted(self.counts, counts, side="right") - 1, 0, len(self.counts) - 2)
        a, step = self.lengths[i], self.nodes[i + 1] - self.nodes[i]
        slope, beyond = (self.lengths[i + 1] - a) / step, counts - self.counts[i]
        with np.errstate(divide="ignore", invalid="ignore"):
            way = np.where(np.abs(slope) < 1e-9, beyond * a, a * np.expm1(slope * beyond) / slope)
        way = np.clip(way, 0.0, step)
        return self.nodes[i] + way, a + slope * way

    def points(self, each: int, beside: float) -> np.ndarray:
        """Places in order: `each` to a local length, and more within `beside` of them of both ends."""
        n = max(2, int(np.ceil(each * self.count)))
        near = min(beside, 0.5 * self.count)
        dense = near * (1.0 - np.cos(np.linspace(0.0, 0.5 * np.pi, int(1.5 * each * beside))))
        counts = np.concatenate([np.linspace(0.0, self.count, n), dense, self.count - dense])
        return np.unique(np.clip(self.at(counts)[0], self.nodes[0], self.nodes[-1]))


__all__ = [
    "BESIDE", "FLOOR", "NEAR_ZERO", "STEEPEST", "Jump", "Mesh", "Pieces", "Taken", "Values", "centre_of", "jumps_of",
    "pieces_of", "short_number", "without_jumps",
]  # fmt: skip
