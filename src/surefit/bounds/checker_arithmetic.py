"""The arithmetic of the checker of certificates: what formulas and networks are on boxes.

On a box every value is a polynomial in the inputs, which go from -1 to 1, plus multiples of symbols, and a bound of how
far it may be off (Makino and Berz 2003, "Taylor models and other validated functional inclusion methods"). A symbol is
something unknown between -1 and 1 that several values share, so that it can cancel: what a kink adds to its line, the
high powers of a sum that many units see, the rounding of an input. The roundings of this arithmetic go into the bound;
it computes with numbers longer than float64 where there are any. It has nothing of the code that searches for bounds.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.bounds.checker_rounding import REAL, UNITS, UP, U, half_unit, of_sums

PAD = 16 * U  # eight units in the last place: more than any rounding, and than functions of C may be wrong
SMALL = np.finfo(REAL).tiny * REAL(2.0) ** 100  # more than all that underflow can lose
PI = REAL("3.14159265358979323846264338327950288")
HIGH = 14  # degree in a sum that many units see
ALIKE, SAME = 1e-6, 1e-9  # how near multiples of one sum are: where that is looked for, and where it counts as one


class Unknown(Exception):
    """What this arithmetic has no rule for."""


class Basis:
    """The products of at most `degree` of d variables, by degree, and how they multiply."""

    def __init__(self, d: int, degree: int) -> None:
        self.terms = [t for k in range(degree + 1) for t in itertools.combinations_with_replacement(range(d), k)]
        self.d, self.degree, self.size = d, degree, len(self.terms)
        self.of = np.array([len(t) for t in self.terms])
        self.starts = np.searchsorted(self.of, range(degree + 1))
        self.holds = np.array([[i in t for i in range(d)] for t in self.terms], float)

    @functools.cache  # noqa: B019
    def products(self, p: int, q: int) -> tuple[Any, ...]:
        """Pairs of terms of degrees 1 to p and 1 to q, where those of each product start, it, and its rounding."""
        place, (a, b) = {t: i for i, t in enumerate(self.terms)}, (np.searchsorted(self.of, [p + 1, q + 1]))
        pairs = itertools.product(enumerate(self.terms[1:a], 1), enumerate(self.terms[1:b], 1))
        found = [(place[tuple(sorted(s + t))], i, j) for (i, s), (j, t) in pairs if len(s) + len(t) <= self.degree]
        at, i, j = np.array(sorted(found), int).reshape(-1, 3).T
        at, starts, counts = np.unique(at, return_index=True, return_counts=True)
        return i, j, starts, at, (counts + 4) * U


basis = functools.lru_cache(32)(Basis)


@dataclass
class Space:
    """A basis, whether many symbols are made, how many columns there are, and kinks: what bends, what it becomes."""

    basis: Basis
    shares: bool
    columns: int
    kinks: tuple[Taylor, Taylor] | None = None


def grown(*arrays: Any) -> list[Any]:
    """Each with zeros behind, as long as the longest."""
    k = max(x.shape[-1] for x in arrays)
    pads = [np.zeros((*x.shape[:-1], k - x.shape[-1]), REAL) for x in arrays]
    return [np.concatenate([x, pad], axis=-1) if pad.size else x for x, pad in zip(arrays, pads, strict=True)]


@dataclass
class Taylor:
    """Values on n boxes, at most e (n, ...) from what coefficients c (n, ..., terms and symbols) say.

    What is left out at the end of c is 0. In deployed mode they are values of the running model.
    """

    b: Space
    c: Any
    e: Any

    @property
    def size(self) -> Any:
        return np.abs(self.c).sum(axis=-1) * UP + self.e

    def constant(self, x: Any, e: Any = 0.0) -> Taylor:
        x = np.asarray(x, REAL)
        return Taylor(self.b, x[..., None], np.broadcast_to(e, x.shape))

    def each(self, fn: Any) -> Taylor:
        """A function of arrays of places, for both parts."""
        return type(self)(self.b, fn(self.c), fn(self.e[..., None])[..., 0])

    def some(self, i: Any) -> Taylor:
        """Of values (n, m) those that i says."""
        return self.each(lambda t: t[:, i])

    def shaped(self, *shape: int) -> Taylor:
        return self.each(lambda t: t.reshape(len(t), *shape, t.shape[-1]))

    def moved(self, fn: Any, *shape: int) -> Taylor:
        """Places taken by fn from an array of the shape of a value."""
        at, n = fn(np.arange(math.prod(shape)).reshape(shape)), len(self.c)
        return self.each(lambda t: np.broadcast_to(t, (n, *shape, t.shape[-1])).reshape(n, -1, t.shape[-1])[:, at])

    def freed(self) -> Taylor:
        """Values (n, m), with a symbol in the place of what each may be off by."""
        live = np.flatnonzero((self.e > 0).any(axis=0))
        c = np.zeros((*self.e.shape, self.b.columns + len(live)), REAL)
        c[..., : self.c.shape[-1]] = self.c
        c[:, live, self.b.columns + np.arange(len(live))] = self.e[:, live]
        self.b.columns += len(live)
        return Taylor(self.b, c, self.e * 0.0)

    def rounded(self, halves: Any, dtype: Any) -> Taylor:
        """After a rounding of so many half units in a dtype, or of none in its range; None: exact arithmetic."""
        if dtype is None:
            return self
        if str(dtype) not in UNITS:
            raise Unknown(f"numbers of {dtype}")
        u, tiny = UNITS[str(dtype)]
        own = np.where(self.size < 1e38, halves * half_unit(self.size, u), np.inf)
        return Taylor(self.b, self.c, (self.e + own + tiny) * UP)

    def __neg__(self) -> Taylor:
        return Taylor(self.b, -self.c, self.e)

    def __add__(self, o: Taylor) -> Taylor:
        c = np.add(*grown(self.c, o.c))
        return Taylor(self.b, c, (self.e + o.e + U * np.abs(c).sum(axis=-1)) * UP)

    def __sub__(self, o: Taylor) -> Taylor:
        return self + -o

    def __mul__(self, o: Taylor) -> Taylor:
        b, x, y = self.b.basis, self.c, o.c
        off = self.e * (np.abs(y).sum(axis=-1) + o.e) + o.e * np.abs(x).sum(axis=-1)
        if 1 in (x.shape[-1], y.shape[-1]):
            c = x * y
            return Taylor(self.b, c, (off + U * np.abs(c).sum(axis=-1)) * UP + SMALL)
        x, y, _ = grown(x, y, b.holds[:, 0])
        c = x[..., :1] * y + y[..., :1] * x
        c[..., 0] = x[..., 0] * y[..., 0]
        top = [b.of[t[..., : b.size].reshape(-1, b.size).any(axis=0)].max(initial=0) for t in (x, y)]
        i, j, starts, at, rounding = b.products(*top)
        if len(at):
            products = x[..., i] * y[..., j]
            c[..., at] += np.add.reduceat(products, starts, axis=-1)
            off = off + np.add.reduceat(np.abs(products), starts, axis=-1) @ rounding
        p, q = (np.add.reduceat(np.abs(t), b.starts, axis=-1) for t in (x, y))  # by degree, symbols with the highest
        off = off + 4 * U * (p[..., 0] * q.sum(axis=-1) + q[..., 0] * p.sum(axis=-1))
        for k in range(1, b.degree + 1):  # what is of a higher degree
            off = off + p[..., k] * q[..., b.degree + 1 - k :].sum(axis=-1)
        return Taylor(self.b, c, off * UP * UP + SMALL)

    def by(self, n: int, d: int = 1) -> Taylor:
        return self * self.constant(REAL(n) / d, U * abs(n) / d)

    def ends(self) -> tuple[Any, Any]:
        """What the values lie between."""
        reach = np.abs(self.c[..., 1:]).sum(axis=-1) * UP + self.e
        reach = (reach + 2 * U * (np.abs(self.c[..., 0]) + reach)) * UP
        return self.c[..., 0] - reach, self.c[..., 0] + reach

    def between(self, low: Any, high: Any, lost: Any = False) -> Taylor:
        """What a function of these values has computed for its least and largest; lost: it may be undefined."""
        middle, size = 0.5 * low + 0.5 * high, np.maximum(np.abs(low), np.abs(high))
        half = np.maximum(high - middle, middle - low) + PAD * size + SMALL
        lost = lost | ~(half + self.size < np.inf)
        return self.constant(np.where(lost, 0.0, middle), np.where(lost, np.inf, half))

    def product(self, w: Any, dtype: Any, in_blocks: bool) -> Taylor:
        """A matrix product with constants, summed in blocks of 16 or in any order."""
        if len(w) > 4000:
            raise Unknown("a layer so wide")
        x, size, n = self, np.abs(w), len(w)
        gains, at = np.unique(size, return_inverse=True)
        if in_blocks and dtype is not None and n == x.e[0].size == 1 and len(gains) < min(8, w.size):
            y = self.product(gains[None], dtype, True).shaped(len(gains)).freed()  # each product is rounded once
            return (y.some(at.ravel()) * self.constant(np.sign(w[0]))).shaped(*x.e.shape[1:-1], w.size)
        if n <= 8 or self.b.shares:
            x = self.shaped(self.e[0].size).freed().shaped(*self.e.shape[1:])
        off = (x.e + (n + 2) * U * (x.size - x.e)) @ size
        if dtype is not None:
            (u, tiny), moved = UNITS[str(dtype)], x.size @ size
            nu = u * (min(n, 16) + -(-n // 16) - 1 if in_blocks else n)  # the first of a block is added to nothing
            noise = (nu / (1 - nu) if nu < 0.5 else np.inf) * moved * UP
            if in_blocks:
                line = x.c[..., : 1 + self.b.basis.d]
                rest = (x.size - np.abs(line).sum(axis=-1))[..., None, None] * size[..., None]
                terms = np.concatenate([line[..., None, :] * w[..., None], rest], axis=-1)
                low, high = x.ends()
                noise = np.minimum(noise, of_sums(w, terms, x.size, np.maximum(low, -high), 2 * (off + noise), u))
            off = off + np.where(moved < 1e38, noise, np.inf) + (n + 2) * tiny
        return Taylor(self.b, w.T @ x.c, off * UP + SMALL)

    def relu(self) -> Taylor:
        """The positive part of values (n, m): a line, and a symbol for the rest that all their multiples share."""
        (low, high), b = self.ends(), self.b
        slope = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, np.clip(high / (high - low), 0.0, 1.0)))
        band = 0.5 * np.maximum(np.maximum(-slope * low, (1 - slope) * high), 0.0)
        y = self * self.constant(slope) + self.constant(band, band * UP)
        if not b.shares:
            return y
        y = y.freed()
        if b.kinks:
            apart = np.abs(mark(self.c)[..., None] - mark(b.kinks[0].c)[:, None])
            near = np.argmin(np.nan_to_num(apart, nan=np.inf), axis=2)[..., None]
            known, made = (t.each(lambda t: np.take_along_axis(t, near, axis=1)) for t in b.kinks)
            a = ratio(self, known)
            off = self - known * self.constant(a)
            same = made * self.constant(np.abs(a)) + known * self.constant(np.minimum(a, 0.0))  # relu(-z) = relu(z) - z
            same = same + off * self.constant(0.5)  # between nothing and all of it
            y = choose(off.size < band, Taylor(b, same.c, same.e + 0.5 * UP * off.size), y)
        b.kinks = (joined(b.kinks[0], self), joined(b.kinks[1], y)) if b.kinks else (self, y)
        return y

    def through(self, f: str) -> Taylor:
        """A function of one number, in exact arithmetic."""
        flat = self.shaped(self.e[0].size)
        return (flat.relu() if f == "relu" else flat.smooth(f)).shaped(*self.e.shape[1:])

    def smooth(self, f: str) -> Taylor:
        """The same of values (n, m), by derivatives."""
        h = Taylor(self.b, self.c * (np.arange(self.c.shape[-1]) > 0), self.e * 0.0)
        marks = mark(h.c[:1])[0] if self.b.shares else np.zeros(0)
        near = (np.abs(marks[:, None] - marks) <= ALIKE * np.abs(marks)).sum(axis=0)
        if near.max(initial=0) > 2:
            lead = h.some([np.argmax(near)])
            a = ratio(h, lead)
            off = (h - lead * self.constant(a)).size
            same = (off <= SAME * h.size).all(axis=0)
            if same.sum() > 2:  # units that see multiples of one sum, whose high powers may cancel in what they add to
                y = self.some(same).expanded(f, lead, a[:, same], (self.e + off)[:, same], HIGH)
                if same.all():
                    return y
                return joined(y, self.some(~same).smooth(f)).some(np.argsort(np.argsort(~same, kind="stable")))
        return self.expanded(f, h, 1.0, self.e, self.b.basis.degree)

    def expanded(self, f: str, h: Taylor, a: Any, off: Any, n: int) -> Taylor:
        """The same by derivatives up to n; without their constant these values are a h, but for off."""
        (low, high), middle = self.ends(), self.c[..., 0]
        reach = np.maximum(high - middle, middle - low) + off
        over, at = series(f, self.between(low, high), n + 1), series(f, self.constant(middle), n)
        y, e, power = self.constant(at[0].c[..., 0]), at[0].e, h
        for k in range(1, n + 1):
            power = power if k == 1 else power * h
            shared = power if h.e.shape == self.e.shape else power.freed()
            size, factor = np.abs(at[k].c[..., 0]), at[k].c[..., 0] * a**k
            y.c = np.add(*grown(y.c, factor[..., None] * shared.c))
            e = e + at[k].e * reach**k + k * size * reach ** (k - 1) * off
            e = e + np.abs(factor) * ((n * U + 2 * PAD) * power.size + shared.e)
        y.e = (e + over[-1].size * (reach * UP) ** (n + 1)) * UP + SMALL
        symbols = np.abs(y.c[..., self.b.basis.size :]).sum(axis=-1)
        return choose(y.e + symbols < over[0].e, y, over[0])  # the range alone may say more


def joined(x: Taylor, y: Taylor) -> Taylor:
    """Values (n, m) and (n, k) as (n, m + k)."""
    n, parts = max(len(x.e), len(y.e)), (grown(x.c, y.c), (x.e, y.e))
    return Taylor(x.b, *(np.concatenate([np.broadcast_to(t, (n, *t.shape[1:])) for t in p], axis=1) for p in parts))


def choose(where: Any, x: Taylor, y: Taylor) -> Taylor:
    """x in some places, else y."""
    return Taylor(x.b, np.where(where[..., None], *grown(x.c, y.c)), np.where(where, x.e, y.e))


def ratio(x: Taylor, y: Taylor) -> Any:
    """Of which multiple of y x is nearest, without their constants."""
    v, w = (t[..., 1:] for t in grown(x.c, y.c))
    return np.nan_to_num((v * w).sum(axis=-1) / (w * w).sum(axis=-1), posinf=0.0, neginf=0.0)


def mark(c: Any) -> Any:
    """A number that only multiples of one have in common, as good as surely."""
    k = np.arange(c.shape[-1])
    return c @ np.cos(1.0 + k) / (c @ np.cos(2.0 + 3.0 * k))


class Condition(Taylor):
    """Holds where it is above 0, and does not below."""


def where(c: Condition, x: Taylor, y: Taylor) -> Taylor:
    """x where c holds, else y; where that is open, y and a part of what x - y is beside a multiple of the kink of c."""
    (low, high), rest = c.ends(), x - y
    a = y.constant(ratio(rest, c))
    rest, z = rest - c * a, y + c.through("relu") * a
    ends = rest.ends()
    z = z + rest.between(np.minimum(ends[0], 0.0), np.maximum(ends[1], 0.0))
    return choose(low > 0, x, choose(high < 0, y, z))


def series(f: str, v: Taylor, n: int) -> list[Taylor]:
    """The Taylor coefficients 0..n of a function of one number on intervals, by its differential equation."""
    (low, high), steps, middle = v.ends(), range(1, n + 1), v.c[..., 0]
    rise = lambda fn, lost=False: v.between(fn(low), fn(high), lost)
    swing = lambda fn: v.between(np.maximum(fn(middle) - v.e, -1.0), np.minimum(fn(middle) + v.e, 1.0))
    if f in ("reciprocal", "sqrt", "cbrt"):  # x^(p / q), of which the roots of positive numbers
        p, q = {"reciprocal": (-1, 1), "sqrt": (1, 2), "cbrt": (1, 3)}[f]
        inverse = v.between(1.0 / high, 1.0 / low, ~((low > 0) | (high < 0)))
        y = [inverse if p < 0 else rise(getattr(np, f), ~(low >= 0))]
        for k in steps:
            y.append((y[-1] * inverse).by(p - q * (k - 1), q * k))
    elif f == "exp":
        y = [rise(np.exp).by(1, math.factorial(k)) for k in (0, *steps)]
    elif f == "log":
        y = [rise(np.log, ~(low > 0))]
        y += [g.by(1, k) for k, g in zip(steps, series("reciprocal", v, n), strict=False)]
    elif f in ("sin", "cos"):
        y = [swing(np.sin), swing(np.cos)] if f == "sin" else [swing(np.cos), -swing(np.sin)]
        for k in steps[1:]:
            y.append(y[-2].by(-1, k * k - k))
    elif f == "tanh":  # y' = 1 - y^2
        y = [rise(np.tanh)]
        for k in steps:
            y.append((v.constant(float(k == 1)) - folded(y)).by(1, k))
    elif f in ("erf", "atan"):  # whose slopes have g' = -2 v g and (1 + v^2) g = 1
        bell = series("exp", -(v * v), 0)[0] * v.constant(2 / np.sqrt(PI), U)
        g = [v.constant(0.0), bell if f == "erf" else series("reciprocal", v.constant(1.0) + v * v, 0)[0]]
        y = [rise(np.arctan) if f == "atan" else rise(erf)]
        for k in steps:
            y.append(g[-1].by(1, k))
            twice = (v * g[-1]).by(2)
            g.append((twice + g[-2].by(2)).by(-1, k) if f == "erf" else -(g[1] * (twice + g[-2])))
        y[0].e = y[0].e + 1e-14 * (f == "erf")  # which is SciPy's, in float64
    else:
        raise Unknown(f)
    return y


def folded(y: list[Taylor]) -> Taylor:
    """The sum of all y[i] y[-1 - i], of constants."""
    c, e = np.stack([t.c[..., 0] for t in y]), np.stack([t.e for t in y])
    size = np.abs(c)
    off = (2 * size * e[::-1] + e * e[::-1] + (len(y) + 2) * U * size * size[::-1]).sum(axis=0)
    return y[0].constant((c * c[::-1]).sum(axis=0), off * UP + SMALL)


def erf(t: Any) -> Any:
    import scipy.special

    return scipy.special.erf(t.astype(np.float64)).astype(REAL)


__all__ = [
    "PAD", "PI", "REAL", "SMALL", "UP", "Condition", "Space", "Taylor", "Unknown", "basis", "joined", "where",
]  # fmt: skip
