"""ReLU networks of one input, piece by piece: straight lines against a polynomial of the target.

Between two neighbouring `places` (where units bend, in floats) the network is a straight line but for a rest that is
bounded: a function that stays within D of the chord through its ends stays within D of the chord of its ReLU if both
ends have one sign, and else within D + |a b| / (|a| + |b|), which is tiny where the place of the bend was rounded to a
float and only loose where a bend was missed. That holds layer by layer, for any depth and whatever the places are.

The target is a polynomial with a remainder on each box (in balls of 128 bits where python-flint is installed, else in
float64, taylor.py), and differs between two points from its chord by at most an eighth of the square of their distance
times its second derivative. So max |target - network| on a piece is what it is at the ends and that, and pieces where
this is not enough are cut into as many parts as the square asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.bounds import balls, taylor
from surefit.bounds.branch import Lines, Looked
from surefit.bounds.interval import gamma
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.noise import running_noise
from surefit.bounds.relax import Relaxation
from surefit.formulas.expression import Expression

DEGREE = 13  # of a target in balls
DEGREE_FLOATS = 9
FIRST = 16  # boxes that a domain is cut into at once
MOST_PLACES = 32_768
MOST_ENTRIES, MOST_WORK = 8_000_000, 200_000_000  # places times units: of one array, and looked at in parts
BLOCK = 65_536  # places times units that are worked on at once
MOST_PARTS = 64  # of a piece, each time that it is cut
MOST_OPEN = 50_000  # parts that are looked at in one box
ROUNDS = 6
FAR_ABOVE = 1e3  # times what is reached
MARGIN = 1.0 + 1e-9
TINY = 1e-300


@dataclass
class Chords:
    """A network of one input: values and their errors (m, k) at places (m,), rests (m - 1, k) between them."""

    places: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    rests: np.ndarray


def chords(net: Network, low: float, high: float) -> Chords:
    """The network on [low, high]; places are added where its units bend, as far as they are found."""
    places = np.unique([low, high])
    units = sum(n.size for n in net.nodes[1:] if n is not None)
    bends = [i for i, node in enumerate(net.nodes) if isinstance(node, Unary)]
    with np.errstate(all="ignore"):
        for i in bends:
            z = _at(net, places, net.nodes[i].source)[net.nodes[i].source][0]  # type: ignore[union-attr]
            a, b = z[:-1], z[1:]
            row, unit = np.nonzero((a < 0) != (b < 0))
            share = np.abs(a[row, unit]) / (np.abs(a[row, unit]) + np.abs(b[row, unit]))
            new = np.unique(places[row] + (places[row + 1] - places[row]) * share)
            new = new[(new > low) & (new < high)]
            more = np.union1d(places, new)
            most = MOST_WORK if i == bends[-1] else MOST_ENTRIES
            if len(more) > MOST_PLACES or len(more) * units > most:
                break
            places = more
        some, last = max(BLOCK // units, 8), len(net.nodes) - 1  # places at once, with arrays that stay in the cache
        parts = [_at(net, places[i : i + some + 1], last, True)[-1] for i in range(0, len(places) - 1, some)]
    values, errors = (np.concatenate([parts[0][j][:1], *(p[j][1:] for p in parts)]) for j in (0, 1))
    rests = np.concatenate([np.zeros((len(p[0]) - 1, net.outputs)) + p[2] for p in parts])
    return Chords(places, values, errors, rests)


Values = tuple[np.ndarray, np.ndarray, Any]  # values (m, u), errors (m, u), rests (m - 1, u) or 0


def _at(net: Network, x: np.ndarray, last: int, whole: bool = False) -> list[Values]:
    """All nodes up to one at places x (m,). whole: with errors and rests, else with zeros in their place."""
    found: list[Values] = [(x[:, None], np.zeros((len(x), 1)), 0.0)]
    for node in net.nodes[1 : last + 1]:
        if isinstance(node, Affine):
            found.append(_affine(node, found, len(x), whole))
            continue
        assert isinstance(node, Unary)
        v, e, rest = found[node.source]
        found.append((np.maximum(v, 0.0), e, _kinked(v, e, rest) if whole else 0.0))  # NaN stays one
    return found


def _affine(node: Affine, found: list[Values], m: int, whole: bool) -> Values:
    value, rest = np.zeros((m, node.size)), 0.0
    value += node.b
    if not whole:
        for source, w, _ in node.sources:
            value += found[source][0] @ w.T
        return value, value, 0.0
    size, error = np.zeros_like(value), np.zeros_like(value)
    size += np.abs(node.b)
    fan = 1
    for source, w, radius in node.sources:
        v, e, d = found[source]
        value += v @ w.T
        absolute = np.abs(w)
        fan += w.shape[1]
        size += np.abs(v) @ absolute.T
        if radius is not None:
            error += (np.abs(v) + e) @ radius.T
            absolute = absolute + radius
        if e.any():
            error += e @ absolute.T
        if not np.isscalar(d):
            rest = rest + d @ absolute.T * MARGIN
    if node.b_radius is not None:
        error += node.b_radius
    size *= gamma(fan + 8)
    error += size
    error *= MARGIN
    error += TINY
    return value, error, rest


def _kinked(v: np.ndarray, e: np.ndarray, rest: Any) -> Any:
    """Rests behind a ReLU, of values that may change their sign between two places."""
    below, above = v < e, v > -e  # which both hold for 0, and neither for what is not a number
    change = np.flatnonzero((below[:-1] & above[1:]) | (above[:-1] & below[1:]))
    row, unit = np.divmod(change, v.shape[1])
    result = np.zeros((len(v) - 1, v.shape[1])) + rest
    a, b = (np.abs(v[r, unit]) + e[r, unit] for r in (row, row + 1))
    result[row, unit] += a * (b / (a + b)) * MARGIN + TINY
    return result


OPERATIONS = {*balls.OPERATIONS, *taylor.SERIES, "abs"}


def fits(net: Network, formulas: Sequence[Expression]) -> bool:
    """Whether a network is one of straight pieces, of one input, and the targets have polynomials on small boxes."""
    plain = all(n.op in OPERATIONS for f in formulas for n in f.nodes)
    return plain and net.inputs == 1 and net.kinds() == {"relu"}


class Pieces:
    """Bounds by straight pieces; `lines` where a target has no polynomial, and in points for the running model.

    exact: the network in exact arithmetic. noise: the network with the roundings of where it runs, or None.
    """

    batch = 256
    excess = 0.02

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], lines: Lines,
        noise: Relaxation | None, low: float, high: float, rtol: float,
    ) -> None:  # fmt: skip
        self.formulas, self.names, self.lines, self.noise, self.rtol = formulas, names, lines, noise, rtol
        self.f: Any = balls.flint() if balls.reads(formulas) else None
        self.degree = DEGREE_FLOATS if self.f is None else DEGREE
        self.chords = chords(exact, low, high)
        self.best = 0.0

    # --- the target ---

    def _polynomials(self, low: np.ndarray, high: np.ndarray, c: np.ndarray, h: np.ndarray) -> tuple[Any, Any]:
        """Of each output on boxes c +- h: coefficients (k, n, degree + 1), and remainders (k, n), infinite if none."""
        k, n = len(self.formulas), len(c)
        coef, rho = np.zeros((k, n, self.degree + 1)), np.full((k, n), np.inf)
        if self.f is None:
            B = taylor.basis(1, self.degree)
            for j, formula in enumerate(self.formulas):
                x = taylor.boxes(B, low, high)
                t = taylor.formula(B, formula, self.names, x)
                coef[j][:, B.exponents[:, 0]] = t.coef
                other = (x.coef[:, 0, 0] != c) | (x.coef[:, 0, B.linear[0]] != h)
                rho[j] = np.where(t.range.bad | other, np.inf, t.rho)
            return coef, rho
        for i in range(n):
            for j, formula in enumerate(self.formulas):
                with suppress(balls.NotFinite):
                    coef[j, i], rho[j, i] = balls.expanded(self.f, formula, float(c[i]), float(h[i]), self.degree)
        return coef, rho

    # --- bounds ---

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        C = self.chords
        piece = np.clip(np.searchsorted(C.places, x[:, 0], "right") - 1, 0, len(C.places) - 2)
        p, q = C.places[piece], C.places[piece + 1]
        if values is not None or not ((p <= x[:, 0]) & (x[:, 0] <= q)).all():
            return self.lines.at_points(x, values)
        with np.errstate(all="ignore"):
            a, b = C.values[piece], C.values[piece + 1]
            z = a + (b - a) * ((x[:, 0] - p) / (q - p))[:, None]
            off = np.maximum(C.errors[piece], C.errors[piece + 1]) + C.rests[piece]
            if self.noise is not None:
                off = off + running_noise(self.noise, x, x)
            off = (off + 20 * 2.0**-53 * np.maximum(np.abs(a), np.abs(b))) * MARGIN + TINY
            if self.f is not None:
                return self._in_balls(x[:, 0], z, off)
            lower, upper = self.lines.at_points(x, z)
            wide = off.max(axis=1)
            lower, upper = np.maximum(lower - wide, 0.0) * (1 - 2.0**-52), (upper + wide) * (1 + 2.0**-52)
        return np.where(lower == lower, lower, 0.0), np.where(upper < np.inf, upper, np.inf)

    def _in_balls(self, x: np.ndarray, z: np.ndarray, off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lower, upper = np.zeros(len(x)), np.full(len(x), np.inf)
        for i, point in enumerate(x.tolist()):
            try:
                y, wide = zip(*(balls.expanded(self.f, e, point, 0.0, 0) for e in self.formulas), strict=True)
            except balls.NotFinite:
                continue
            apart = np.abs(np.concatenate(y) - z[i])
            rest = (off[i] + wide + 4 * 2.0**-53 * (apart + np.abs(z[i]))) * MARGIN
            lower[i], upper[i] = max((apart - rest).max(), 0.0), (apart + rest).max()
        return lower, np.where(upper < np.inf, upper, np.inf)

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n, k = len(low), len(self.formulas)
        low_, high_ = low[:, 0], high[:, 0]
        c = np.clip(0.5 * low_ + 0.5 * high_, low_, high_)
        h = np.nextafter(np.maximum(high_ - c, c - low_), np.inf)
        with np.errstate(all="ignore"):
            coef, rho = self._polynomials(low, high, c, h)
            noise = np.zeros((n, k)) if self.noise is None else running_noise(self.noise, low, high)
            bounds, surely, at = np.full((n, k), np.inf), np.zeros(n), c.copy()
            a, b, box, piece = self._parts(low_, high_)
            for j in range(k):
                bound, reached, place = self._output(j, coef[j], rho[j] + noise[:, j], c, h, a, b, box, piece)
                bounds[:, j] = bound
                better = reached > surely
                surely, at = np.where(better, reached, surely), np.where(better, place, at)
            self.best = max(self.best, float(surely.max()))
        # a bound far above what is reached is that of a target that no polynomial follows on such a box
        lost = ~(bounds < FAR_ABOVE * self.best).all(axis=1) | ~(low_ < high_)
        bad = np.zeros((n, k), bool)
        slope, rest = np.ones((n, 1)), np.ones(n)
        if lost.any():
            other = self.lines.look(low[lost], high[lost])
            none = ~(bounds < np.inf).all(axis=1) | ~(low_ < high_)
            surely[none] = 0.0
            nearer = np.fmin(bounds[lost], other.bound)
            bounds[lost], bad[lost] = np.where(none[lost, None], other.bound, nearer), other.bad
            slope[lost], rest[lost] = other.slope, other.rest
        return Looked(bounds, slope, rest, bad, surely, np.clip(at, low_, high_)[:, None])

    def _parts(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The parts [a, b] between neighbouring places and ends of boxes, the box of each and its piece."""
        places = self.chords.places
        points = np.unique(np.concatenate([places[(places >= low.min()) & (places <= high.max())], low, high]))
        a, b = points[:-1], points[1:]
        order = np.argsort(low)
        nearest = np.clip(np.searchsorted(low[order], a, "right") - 1, 0, None)
        box = order[nearest]
        inside = (a >= low[box]) & (b <= high[box])
        a, b, box = a[inside], b[inside], box[inside]
        piece = np.clip(np.searchsorted(places, a, "right") - 1, 0, len(places) - 2)
        return a, b, box, piece

    def _output(
        self, j: int, coef: np.ndarray, rho: np.ndarray, c: np.ndarray, h: np.ndarray,
        a: np.ndarray, b: np.ndarray, box: np.ndarray, piece: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """Bounds, what is surely reached, and where, of one output on boxes (n,)."""
        n, M = coef.shape
        C = self.chords
        order = np.arange(M)
        size, steep = np.abs(coef).sum(axis=1), np.abs(coef) @ order
        bent = (np.abs(coef) @ (order * (order - 1.0))) * MARGIN
        # Horner's rule, and an argument that is wrong by some units, |e| <= 1
        slack = (rho + gamma(4 * M + 16) * size + 8 * 2.0**-53 * steep) * MARGIN
        p, q = C.places[:-1], C.places[1:]
        v, dv = C.values[:-1, j], C.values[1:, j] - C.values[:-1, j]
        largest = np.maximum(np.abs(C.values[:-1, j]), np.abs(C.values[1:, j]))
        off = np.maximum(C.errors[:-1, j], C.errors[1:, j]) + 16 * 2.0**-53 * largest + C.rests[:, j]
        bounds, surely, at = np.full(n, -np.inf), np.zeros(n), c.copy()
        np.maximum.at(bounds, np.setdiff1d(np.arange(n), box), np.inf)  # a box without a part is not covered
        if not len(box):
            return bounds, surely, at
        best = self.best
        for again in range(ROUNDS - 1, -1, -1):
            ends = []
            for x in (a, b):
                e = (x - c[box]) / h[box]
                y = coef[box, M - 1]
                for i in range(M - 2, -1, -1):
                    y = y * e + coef[box, i]
                t = (x - p[piece]) / (q[piece] - p[piece])
                ends.append(np.abs(y - (v[piece] + dv[piece] * t)))
            top = np.maximum(*ends)
            rest = (slack[box] + off[piece]) * MARGIN + 4 * 2.0**-53 * (size[box] + largest[piece]) + TINY
            bulge = 0.125 * bent[box] * np.square((b - a) / h[box] * (1 + 1e-12)) * MARGIN
            least = top - rest
            k = np.lexsort((least, box))
            last = np.append(np.flatnonzero(np.diff(box[k])), len(k) - 1)
            here, most, most_at = box[k][last], least[k][last], np.where(ends[0] >= ends[1], a, b)[k][last]
            better = most > surely[here]
            surely[here] = np.where(better, most, surely[here])
            at[here] = np.where(better, most_at, at[here])
            best = max(best, float(surely.max()))
            above = (top + rest + bulge) * (1 + 4 * 2.0**-53)
            above = np.where(above < np.inf, above, np.inf)  # what is not a number bounds nothing
            allowed = best * (1.0 + 0.5 * self.rtol)
            room = allowed - top - rest
            wish = np.sqrt(bulge / np.maximum(room, 0.25 * self.rtol * best))
            parts = np.clip(np.ceil(np.where(wish > 1, wish, 2)), 2, MOST_PARTS).astype(int)
            # to cut it helps as long as the bulge is what is too much
            cut = (above > allowed) & (above < np.inf) & (bulge > 0.5 * np.abs(room)) & (b > a)
            if not again or parts[cut].sum() > MOST_OPEN:
                cut[:] = False
            np.maximum.at(bounds, box[~cut], above[~cut])
            if not cut.any():
                break
            many = parts[cut]
            step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            count, left, right = (np.repeat(u, many) for u in (many, a[cut], b[cut]))
            box, piece = np.repeat(box[cut], many), np.repeat(piece[cut], many)
            a = np.where(step == 0, left, left + (right - left) * (step / count))
            b = np.where(step + 1 == count, right, left + (right - left) * ((step + 1) / count))
        return bounds, np.maximum(surely, 0.0), at


__all__ = ["Chords", "Pieces", "chords", "fits"]
