"""The piecewise-linear function with the fewest corners in a tube around a function of one variable, and why fewest.

A line that stays in the tube f - tol <= y <= f + tol as far to the right as possible is drawn, then another one, and so
on: the window greedy of Imai and Iri (1988, "Polygonal approximations of a curve") for tubes over an axis, which is
optimal for continuous functions. It is computed on points, so it proves nothing: that the result keeps the tolerance is
for `certify` to show.

That no function has fewer corners is proved apart. Take x1 < x2 < x3 with |f(x2) - chord(x2)| > 2 tol, the chord being
the line through f at x1 and x3. No straight line is within tol of f at all three, so every piecewise-linear function
within tol has a corner strictly between x1 and x3. Triples that do not overlap need corners of their own: their number
is a lower bound. Each is checked in rational arithmetic on proved ranges of f.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.bounds.affine import range_of
from surefit.errors import DomainError
from surefit.formulas.expression import Expression

Function = Callable[[np.ndarray], np.ndarray]  # (n,) -> (n,)

FIRST = 2001  # points that the tube is first looked at
EACH = 256  # points of each straight piece afterwards
MARGIN = 1e-9  # of the tolerance, by which a triple is more than it must be, so that rounding does not spoil its proof
MOST = 20_000  # straight pieces


@dataclass(frozen=True, eq=False)
class Links:
    """A continuous piecewise-linear function: straight between the points (knots, values), which include both ends."""

    knots: np.ndarray
    values: np.ndarray

    @property
    def hinges(self) -> int:
        """Corners inside of the interval."""
        return len(self.knots) - 2

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at points (n,)."""
        return np.interp(x, self.knots, self.values)


@dataclass(frozen=True)
class Piece:
    """One function of one number in a network of several inputs.

    Attributes:
        text: the function of t. argument: what t is, inputs by name and other pieces as g1, g2, ...
        tol: its share of the tolerance. error: what is proved of it. hinges: its corners. at_least: corners that every
            continuous piecewise-linear function within tol of it has on the range of t, proved.
        knots, values: (hinges + 2,), the corners with both ends of the range of t.
    """

    text: str
    argument: str
    tol: float
    error: float
    hinges: int
    at_least: int
    knots: np.ndarray
    values: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Piece:
        """From the data of `to_dict`."""
        return cls(**dict(data) | {k: np.array(data[k], np.float64) for k in ("knots", "values")})


@dataclass(frozen=True)
class Construction:
    """How a network was constructed, and why no smaller one would do.

    Attributes:
        tol: the tolerance that is spoken of.
        hinges: corners of the network. at_least: corners that every continuous piecewise-linear function within tol has
            on the domain, proved. Where the two are equal, there is none with fewer.
        knots, values: (hinges + 2,), the corners with both ends of the domain: the network as a table.
        windows: (at_least, 3), for each of these corners x1 < x2 < x3: it lies between x1 and x3.
        pieces: of several inputs the functions of one number that the network is made of. Then hinges counts those of
            all, at_least is 0 (nothing is proved of the whole), and knots, values and windows are empty.
    """

    tol: float
    hinges: int
    at_least: int
    knots: np.ndarray
    values: np.ndarray
    windows: np.ndarray
    pieces: tuple[Piece, ...] = ()

    @property
    def minimal(self) -> bool:
        """Whether it is proved that no piecewise-linear function within tol has fewer corners."""
        return self.at_least >= self.hinges and not self.pieces

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}
        return plain | {"pieces": [p.to_dict() for p in self.pieces]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Construction:
        """From the data of `to_dict`."""
        arrays = {k: np.array(data[k], np.float64) for k in ("knots", "values")}
        windows = np.array(data["windows"], np.float64).reshape(-1, 3)
        pieces = tuple(Piece.from_dict(p) for p in data.get("pieces", ()))
        return cls(
            float(data["tol"]), int(data["hinges"]), int(data["at_least"]), **arrays, windows=windows, pieces=pieces
        )


class TooMany(Exception):
    """More straight pieces than are allowed are needed."""


class Late(Exception):
    """The time is over."""


def _never() -> bool:
    return False


def _steepest(x: np.ndarray, low: np.ndarray, high: np.ndarray, il: int, iu: int, sign: int) -> tuple[float, int, int]:
    """Of the lines above `low` from il on and below `high` from iu on: the largest slope, or the smallest (sign -1).

    Returns the slope and the points at which such a line touches low and high; (nan, a, b) where no line exists, and
    then no line is above low at a and below high at b with a third one. Newton's method on the convex piecewise-linear
    function phi(s) = max(low - s x) - min(high - s x), from that side: it ends after a few steps.
    """
    with np.errstate(all="ignore"):  # a line that is not finite is none
        return _steepest_line(x, low, high, il, iu, sign)


def _steepest_line(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, il: int, iu: int, sign: int
) -> tuple[float, int, int]:
    xl, l = x[il:], low[il:]
    xu, u = x[iu:], high[iu:]
    span = max(x[-1] - min(xl[0], xu[0]), 1e-300)
    s = sign * 4.0 * (max(u.max(), l.max()) - min(u.min(), l.min()) + 1e-300) / span * len(x)
    a = b = 0
    for _ in range(200):
        a, b = int(np.argmax(l - s * xl)), int(np.argmin(u - s * xu))
        gap = (l[a] - u[b]) - s * (xl[a] - xu[b])
        run = xl[a] - xu[b]
        if gap <= 1e-13 * (abs(l[a]) + abs(u[b])):
            return s, a + il, b + iu
        if run * sign >= 0:  # phi rises further on: its least value is above 0
            return np.nan, a + il, b + iu
        new = (l[a] - u[b]) / run
        if (new - s) * sign >= 0:
            return s, a + il, b + iu
        s = new
    return np.nan, a + il, b + iu


def _reach(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, il: int, iu: int, guess: int
) -> tuple[int, tuple[float, int, int], int]:
    """The farthest point that a line reaches, the line that reaches it, and the side it leaves by (-1: low, 1: high).

    A line is (slope, touched low, touched high). At the last point of all the side is 0.
    """
    n = len(x)
    first = max(il, iu)

    def steepest(j: int, sign: int) -> tuple[float, int, int]:
        return _steepest(x[: j + 1], low[: j + 1], high[: j + 1], il, iu, sign)

    good, bad = first, n
    if first >= n - 1:
        return first, (np.nan, first, first), 0
    lines: tuple[tuple[float, int, int], tuple[float, int, int]] | None = None
    j = min(max(first + 1, guess), n - 1)
    step = max(8, (j - first) // 8)
    while bad - good > 1:
        top = steepest(j, 1)
        if np.isnan(top[0]):
            bad = j
        else:
            bottom = steepest(j, -1)
            good, lines = j, (top, bottom)
            if good == n - 1:
                break
            ahead = slice(j + 1, min(bad, j + 1 + 4 * step + 64))
            xs = x[ahead]
            over = top[0] * (xs - x[top[2]]) + high[top[2]] < low[ahead]
            under = bottom[0] * (xs - x[bottom[1]]) + low[bottom[1]] > high[ahead]
            out = over | under
            if out.any():
                bad = min(bad, j + 1 + int(np.argmax(out)))
        if bad - good <= 1:
            break
        j = min(good + step, n - 1) if bad == n else (good + bad) // 2
        step *= 2 if bad == n else 1
    if good == n - 1:
        return good, (lines[0] if lines else (np.nan, first, first)), 0
    # where the next point is out of reach already: a line that crosses the last one and turns again at once
    top, bottom = lines if lines is not None else (steepest(good, 1), steepest(good, -1))
    # of the lines that get here the steepest is highest at the next point: where it is below the tube there, all are
    over = top[0] * (x[good + 1] - x[top[2]]) + high[top[2]] - low[good + 1]
    under = high[good + 1] - (bottom[0] * (x[good + 1] - x[bottom[1]]) + low[bottom[1]])
    return (good, top, -1) if over <= under else (good, bottom, 1)


def links_on(x: np.ndarray, y: np.ndarray, tol: float, most: int = MOST, late: Callable[[], bool] = _never) -> Links:
    """The fewest links within tol of the values y at the points x (both (m,), x rising), with state as in the greedy.

    late: whether the time is over, asked after each link.

    The next line crosses the last one somewhere between where that last touched and where it left the tube. So the side
    it touched counts from there on, and the side it left by from the exit on.
    """
    x, low, high = x.copy(), y - tol, y + tol
    il = iu = 0
    guess = max(2, len(x) // 64)
    lines: list[tuple[float, float, float]] = []  # slope, and a point on it
    while True:
        first = max(il, iu)
        j, (slope, a, b), side = _reach(x, low, high, il, iu, first + guess)
        if np.isnan(slope):  # one point is left
            lines.append((0.0 if not lines else lines[-1][0], x[j], y[j]))
            break
        if side == 0:  # the end is reached: of all lines that do the middle one
            down = _steepest(x[: j + 1], low[: j + 1], high[: j + 1], il, iu, -1)[0]
            middle = 0.5 * (slope + down)
            v = 0.5 * ((low[il:] - middle * (x[il:] - x[-1])).max() + (high[iu:] - middle * (x[iu:] - x[-1])).min())
            lines.append((middle, x[-1], v))
            break
        lines.append((slope, x[b], high[b]) if side < 0 else (slope, x[a], low[a]))
        guess = max(2, j - first)
        exit_ = j + 1
        if j > max(a, b):  # it leaves between j and j + 1: the point j, which nothing needs any more, moves there
            _, p, v = lines[-1]
            edge = low if side < 0 else high
            inside, outside = (abs(v + slope * (x[i] - p) - edge[i]) for i in (j, j + 1))
            share = inside / (inside + outside) if inside + outside > 0 else 0.0
            for array in (x, low, high):
                array[j] += share * (array[j + 1] - array[j])
            exit_ = j
        if side < 0:
            iu, il = b, exit_
        else:
            il, iu = a, exit_
        if len(lines) > most:
            raise TooMany
        if late():
            raise Late
    return _joined(x, lines)


def _joined(x: np.ndarray, lines: list[tuple[float, float, float]]) -> Links:
    knots, values = [x[0]], [lines[0][2] + lines[0][0] * (x[0] - lines[0][1])]
    for (s, p, v), (t, q, w) in pairwise(lines):
        at = p + (w - v - t * (q - p)) / (s - t) if s != t else q
        at = min(max(at, knots[-1]), x[-1])
        if at > knots[-1]:
            knots.append(at)
            values.append(v + s * (at - p))
    s, p, v = lines[-1]
    if knots[-1] >= x[-1] and len(knots) > 1:
        knots.pop()
        values.pop()
    knots.append(x[-1])
    values.append(v + s * (x[-1] - p))
    return Links(np.array(knots), np.array(values))


def points_of(low: float, high: float, links: Links | None, more: Sequence[float]) -> np.ndarray:
    """Points that the tube is looked at: evenly in the interval, and in each straight piece where there are some."""
    x = np.linspace(low, high, FIRST)
    if links is not None:
        steps = np.linspace(0.0, 1.0, EACH + 1)[:-1]
        x = (links.knots[:-1, None] + np.diff(links.knots)[:, None] * steps).ravel()
        x = np.append(x, high)
    x = np.unique(np.concatenate([x, [p for p in more if low < p < high]]))
    least = 1e-14 * (high - low)
    x = x[np.append(True, np.diff(x) > least)]
    return np.concatenate([[low], x[(x > low) & (x < high - least)], [high]])  # both ends, whatever is beside them


def fewest_links(
    f: Function, low: float, high: float, tol: float, more: Sequence[float] = (), most: int = MOST,
    late: Callable[[], bool] = _never,
) -> tuple[Links, np.ndarray, np.ndarray]:  # fmt: skip
    """The links, and the points and values (m,) they were computed at. more: points to be looked at in any case.

    DomainError: the function has no finite value at some point. TooMany: more than `most` pieces. Late: see `links_on`.
    """
    links = None
    for _ in range(3):
        x = points_of(low, high, links, more)
        y = finite_values(f, x)
        new = links_on(x, y, tol, most, late)
        if links is not None and abs(new.hinges - links.hinges) <= 1 + links.hinges // 100:
            return new, x, y
        links = new
    assert links is not None
    return links, x, y


def finite_values(f: Function, x: np.ndarray) -> np.ndarray:
    """The values of a function, which must be finite."""
    with np.errstate(all="ignore"):
        y = np.asarray(f(x), np.float64)
    if not np.isfinite(y).all():
        where = float(x[np.argmin(np.isfinite(y))])
        raise DomainError(f"construct: the function has no finite value at {where:.9g}; choose a domain without it")
    return y


# --- no function has fewer ---


def bent_triples(f: Function, x: np.ndarray, y: np.ndarray, tol: float) -> np.ndarray:
    """Triples (n, 3) of points that do not overlap, in each of which f is farther than 2 tol from its chord.

    They share ends at most. As many as a greedy search from the left finds.
    """
    tol = tol * (1.0 + MARGIN)
    x, y = x.copy(), y.copy()
    found: list[tuple[float, float, float]] = []
    guess = max(2, len(x) // 64)
    i = 0
    while True:
        low, high = y[i:] - tol, y[i:] + tol
        j, (_, a, b), side = _reach(x[i:], low, high, 0, 0, guess)
        if side == 0:
            return np.array(found).reshape(-1, 3)
        guess = max(2, j)
        first, second = min(a, b) + i, max(a, b) + i
        sign = 1.0 if side < 0 else -1.0  # it leaves by the low side: f bends up, its middle is below the chord
        p, q = float(x[first]), float(x[second])
        end = _exit(f, x[i + j], x[i + j + 1], p, q, y[first], y[second], sign, tol)
        found.append((p, q, end))
        k = i + j + 1
        i = k
        if end < x[k]:  # the next window begins where this one ended: the point before, which is done, moves there
            i = k - 1
            x[i], y[i] = end, finite_values(f, np.array([end]))[0]


def _exit(
    f: Function, left: float, right: float, p: float, q: float, fp: float, fq: float, sign: float, tol: float
) -> float:
    """The least place right of which, on points, f at q is 2 tol from the chord of p and that place."""
    if not p < q < right:
        return float(right)

    def apart(z: np.ndarray) -> np.ndarray:
        chord = fp + (finite_values(f, z) - fp) * (q - p) / (z - p)
        return sign * (chord - fq) - 2.0 * tol

    left = max(left, q)
    for _ in range(3):  # by parts of 16, all at once
        z = np.linspace(left, right, 17)[1:]
        ok = apart(z) > 0
        if not ok.any():
            return float(right)
        at = int(np.argmax(ok))
        left, right = (left if at == 0 else float(z[at - 1])), float(z[at])
    return right


def proved_triples(formula: Expression, triples: np.ndarray, tol: float) -> np.ndarray:
    """Those of the triples (n, 3) that are proved: by proved ranges of f at the points, then in rational arithmetic.

    Each proves that a function within tol of f has a corner strictly inside, as far as they do not overlap.
    """
    if not len(triples):
        return triples
    points = triples.reshape(-1, 1)
    r = range_of(formula, points, points)
    shape = (len(points),)
    low = np.broadcast_to(r.low, shape).reshape(-1, 3)
    high = np.broadcast_to(r.high, shape).reshape(-1, 3)
    bad = np.broadcast_to(r.bad, shape).reshape(-1, 3)
    twice = 2 * Fraction(tol)
    kept: list[np.ndarray] = []
    end = -np.inf
    for t, lo, hi, wrong in zip(triples, low, high, bad, strict=True):
        if wrong.any() or not (np.isfinite(lo).all() and np.isfinite(hi).all()) or not end <= t[0] < t[1] < t[2]:
            continue
        places, least, most = ([Fraction(float(v)) for v in part] for part in (t, lo, hi))
        if _bends(places, least, most, twice):
            kept.append(t)
            end = t[2]
    return np.array(kept).reshape(-1, 3)


def _bends(x: list[Fraction], low: list[Fraction], high: list[Fraction], twice: Fraction) -> bool:
    """Whether f is surely more than 2 tol from its chord in the middle of three points; low <= f(x) <= high there."""
    (x1, x2, x3), (l1, l2, l3), (h1, h2, h3) = x, low, high
    right, left, whole = x2 - x1, x3 - x2, x3 - x1
    below = (l1 * left + l3 * right) - h2 * whole  # (chord - f) times the width, at least
    above = l2 * whole - (h1 * left + h3 * right)
    return below > twice * whole or above > twice * whole


__all__ = [
    "Construction",
    "Late",
    "Links",
    "Piece",
    "TooMany",
    "bent_triples",
    "fewest_links",
    "finite_values",
    "proved_triples",
]
