"""The arithmetic of the checker of certificates: Taylor models of functions, networks and formulas on boxes.

On a box every value is a polynomial in the inputs, which go from -1 to 1, and a bound of how far it may be off (Makino
and Berz 2003, "Taylor models and other validated functional inclusion methods"). The roundings of this arithmetic go
into that bound; it computes with numbers longer than float64 where there are any. It has nothing of the code that
searches for bounds.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

REAL = np.longdouble  # 64 bits of mantissa on most machines, 53 on some
U = float(np.finfo(REAL).eps) / 2
PAD = 16 * U  # eight units in the last place: more than any rounding, and than functions of C may be wrong
UP = 1.0 + 4096 * U  # more than the roundings of a sum of 4000 numbers, none negative
SMALL = 1e-290
PI = REAL("3.14159265358979323846264338327950288")
UNITS = {"float64": (2.0**-53, 2.0**-1022), "float32": (2.0**-24, 2.0**-126)}  # half a unit; what underflow may lose


class Unknown(Exception):
    """What this arithmetic has no rule for."""


class Basis:
    """The products of at most `degree` of d variables, and how they multiply."""

    def __init__(self, d: int, degree: int) -> None:
        terms = [t for k in range(degree + 1) for t in itertools.combinations_with_replacement(range(d), k)]
        place = {t: i for i, t in enumerate(terms)}
        pairs = [(i, j) for i, a in enumerate(terms) for j, b in enumerate(terms) if len(a) + len(b) <= degree]
        pairs.sort(key=lambda p: place[tuple(sorted(terms[p[0]] + terms[p[1]]))])
        at = np.array([place[tuple(sorted(terms[i] + terms[j]))] for i, j in pairs])
        self.degree, self.size, (self.i, self.j) = degree, len(terms), np.array(pairs).T
        self.starts = np.searchsorted(at, range(len(terms)))
        self.rounding = (np.bincount(at) + 1) * U  # of the sums of so many products
        self.degrees = np.searchsorted([len(t) for t in terms], range(degree + 1))
        self.holds = np.array([[i in t for i in range(d)] for t in terms], float)


basis = functools.lru_cache(32)(Basis)


def half_unit(size: Any, unit: float) -> Any:
    """Half a unit in the last place of numbers up to that size."""
    return np.where(size < 1e38, np.ldexp(REAL(unit), np.frexp(np.where(size < 1e38, size * UP, 1.0))[1] - 1), np.inf)


@dataclass
class Taylor:
    """Values on n boxes, at most e (n, ...) from polynomials with coefficients c (n, ..., terms); constants have one.

    In deployed mode they are values of the running model.
    """

    b: Basis
    c: Any
    e: Any

    @property
    def size(self) -> Any:
        return np.abs(self.c).sum(axis=-1) * UP + self.e

    def constant(self, x: Any, e: Any = 0.0) -> Taylor:
        x = np.asarray(x, REAL)
        return Taylor(self.b, x[..., None], np.broadcast_to(e, x.shape))

    def rounded(self, halves: float, dtype: Any) -> Taylor:
        """After a rounding of so many half units in a dtype, or of none in its range; None: exact arithmetic."""
        if dtype is None:
            return self
        if str(dtype) not in UNITS:
            raise Unknown(f"numbers of {dtype}")
        u, tiny = UNITS[str(dtype)]
        own = halves * half_unit(self.size, u) if halves else np.where(self.size < 1e38, 0.0, np.inf)
        return Taylor(self.b, self.c, (self.e + own + tiny) * UP)

    def __neg__(self) -> Taylor:
        return Taylor(self.b, -self.c, self.e)

    def __add__(self, o: Taylor) -> Taylor:
        terms = max(self.c.shape[-1], o.c.shape[-1])
        a, b = (np.concatenate([x, np.zeros((*x.shape[:-1], terms - x.shape[-1]))], -1) for x in (self.c, o.c))
        return Taylor(self.b, a + b, (self.e + o.e + U * np.abs(a + b).sum(axis=-1)) * UP)

    def __mul__(self, o: Taylor) -> Taylor:
        b, x, y = self.b, np.abs(self.c), np.abs(o.c)
        if 1 in (x.shape[-1], y.shape[-1]):
            c, off = self.c * o.c, U * (x * y).sum(axis=-1)
        else:
            products = self.c[..., b.i] * o.c[..., b.j]
            c = np.add.reduceat(products, b.starts, axis=-1)
            off = (np.add.reduceat(np.abs(products), b.starts, axis=-1) * b.rounding).sum(axis=-1)
            p, q = (np.add.reduceat(t, b.degrees, axis=-1) for t in (x, y))
            for k in range(1, b.degree + 1):  # what is of a higher degree
                off = off + p[..., k] * q[..., b.degree + 1 - k :].sum(axis=-1)
        return Taylor(b, c, (off + self.e * (y.sum(axis=-1) + o.e) + o.e * x.sum(axis=-1)) * UP + SMALL)

    def by(self, n: int, d: int = 1) -> Taylor:
        return self * self.constant(REAL(n) / d, U * abs(n) / d)

    def ends(self) -> tuple[Any, Any]:
        """What the values lie between."""
        reach = np.abs(self.c[..., 1:]).sum(axis=-1) * UP + self.e
        reach = (reach + 2 * U * (np.abs(self.c[..., 0]) + reach)) * UP
        return self.c[..., 0] - reach, self.c[..., 0] + reach

    def between(self, low: Any, high: Any, lost: Any = False) -> Taylor:
        """Values between two ends that a function has computed; lost: they may be anything."""
        middle, size = 0.5 * low + 0.5 * high, np.maximum(np.abs(low), np.abs(high))
        half = np.maximum(high - middle, middle - low) + PAD * size + SMALL
        lost = lost | ~(half < np.inf)
        return self.constant(np.where(lost, 0.0, middle), np.where(lost, np.inf, half))

    def wave(self, fn: Any, top: float) -> Taylor:
        """sin or cos, whose first peak is given; peaks are counted, doubtful ones too."""
        low, high = self.ends()
        slack, values = 1e-14 * (np.abs(low) + np.abs(high) + 10.0), (fn(low), fn(high))
        first, last = (low - slack - top) / np.pi, (high + slack - top) / np.pi
        peak = lambda shift: ~(slack < 1e-6) | (np.floor((last - shift) / 2) >= np.ceil((first - shift) / 2))
        return self.between(np.where(peak(1), -1.0, np.minimum(*values)), np.where(peak(0), 1.0, np.maximum(*values)))

    def through(self, f: str) -> Taylor:
        """A function of one number, in exact arithmetic."""
        (low, high), n, first = self.ends(), self.b.degree, self.c[..., 0]
        if f == "relu":  # relu(z) - slope z lies between 0 and twice the band
            slope = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, np.clip(high / (high - low), 0.0, 1.0)))
            band = 0.5 * np.maximum(np.maximum(-slope * low, (1 - slope) * high), 0.0)
            return self * self.constant(slope) + self.constant(band, band * UP)
        h, reach = Taylor(self.b, self.c * (np.arange(self.c.shape[-1]) > 0), self.e * 0.0), high - first
        over, y, e = series(f, self.between(low, high), n + 1), self.constant(first * 0.0), 0.0
        for k, at in reversed(list(enumerate(series(f, self.constant(first), n)))):
            y = y * h + self.constant(at.c[..., 0])
            e = e + at.e * reach**k + k * np.abs(at.c[..., 0]) * reach ** max(k - 1, 0) * self.e
        e = (y.e + e + over[-1].size * (reach * UP) ** (n + 1)) * UP + SMALL
        lost = ~(e < over[0].e)  # the range alone says more
        return Taylor(
            self.b,
            np.where(lost[..., None], over[0].c * (np.arange(y.c.shape[-1]) == 0), y.c),
            np.where(lost, over[0].e, e),
        )

    def product(self, w: Any, dtype: Any, in_blocks: bool) -> Taylor:
        """A matrix product with constants, summed in blocks of 16 or in any order."""
        size, n, terms = np.abs(w), w.shape[0], self.c[..., None, :] * w[..., None]
        if n > 4000:
            raise Unknown("a layer so wide")
        off = self.e @ size + ((n + 2) * U * np.abs(self.c).sum(axis=-1)) @ size
        if dtype is not None:
            (u, tiny), moved = UNITS[str(dtype)], self.size @ size
            nu = u * (min(n, 16) + -(-n // 16) - 1 if in_blocks else n)  # the first of a block is added to nothing
            noise = (nu / (1 - nu) if nu < 0.5 else np.inf) * moved * UP
            if in_blocks:  # half a unit of each product and of each partial sum
                own, total = half_unit(self.size[..., None] * size, u).sum(axis=-2), 0.0
                for i in range(0, n, 16):
                    block = terms[..., i : i + 16, :, :].cumsum(axis=-3)
                    total = total + block[..., -1:, :, :]
                    for part in (block[..., 1:, :, :], total[..., : int(i > 0), :, :]):
                        part = np.abs(part).sum(axis=-1) * UP + 2 * (off + noise)[..., None, :]
                        own = own + half_unit(part, u).sum(axis=-2)
                noise = np.minimum(noise, own)
            off = off + np.where(moved < 1e38, noise, np.inf) + (n + 2) * tiny
        return Taylor(self.b, terms.sum(axis=-3), off * UP + SMALL)

    def moved(self, fn: Any, *shape: int) -> Taylor:
        """Places taken by fn from an array of the shape of a value."""
        at = fn(np.arange(math.prod(shape)).reshape(shape))
        whole = np.broadcast_to(self.e, (len(self.c), *shape)).reshape(len(self.c), -1)
        return Taylor(self.b, self.c.reshape(len(self.c), -1, self.c.shape[-1])[:, at], whole[:, at])


EXACT: dict[str, Any] = {  # functions by others; what is not here is one of `series`
    "neg": lambda x: -x, "square": lambda x: x * x, "abs": lambda x: x.through("relu") + (-x).through("relu"),
    "add": lambda x, y: x + y, "sub": lambda x, y: x + -y, "mul": lambda x, y: x * y,
    "div": lambda x, y: x * y.through("inverse"),
    "tan": lambda x: x.through("sin") * x.through("cos").through("inverse"),
    "max": lambda x, y: y + (x + -y).through("relu"), "min": lambda x, y: y + -(y + -x).through("relu"),
}  # fmt: skip


def value(name: str, args: list[Taylor]) -> Taylor:
    """A function in exact arithmetic."""
    if len(args) > 1 and name not in EXACT:
        raise Unknown(name)
    if len(args) > 1:
        return functools.reduce(EXACT[name], args[1:], args[0])
    return EXACT[name](*args) if name in EXACT else args[0].through(name)


def series(f: str, v: Taylor, n: int) -> list[Taylor]:
    """The Taylor coefficients 0..n of a function of one number on intervals, by its differential equation."""
    (low, high), steps, one = v.ends(), range(1, n + 1), v.constant(1.0)
    rise = lambda fn, lost=False: v.between(fn(low), fn(high), lost)
    if f in ("inverse", "sqrt"):
        inverse = v.between(1.0 / high, 1.0 / low, ~((low > 0) | (high < 0)))
        y = [inverse if f == "inverse" else rise(np.sqrt, ~(low >= 0))]
        for k in steps:
            y.append((y[-1] * inverse).by(*((-1, 1) if f == "inverse" else (3 - 2 * k, 2 * k))))
    elif f == "exp":
        y = [rise(np.exp).by(1, math.factorial(k)) for k in (0, *steps)]
    elif f in ("sin", "cos"):
        y = [v.wave(np.sin, math.pi / 2), v.wave(np.cos, 0.0)]
        y = y if f == "sin" else [y[1], -y[0]]
        for k in steps[1:]:
            y.append(y[-2].by(-1, k * k - k))
    elif f in ("tanh", "sigmoid"):  # y' = 1 - y^2, y' = y - y^2
        y = [rise(np.tanh if f == "tanh" else lambda t: 1 / (1 + np.exp(-t)))]
        for k in steps:
            slope = y[-1] if f == "sigmoid" else v.constant(float(k == 1))
            y.append(sum((-(y[i] * y[k - 1 - i]) for i in range(k)), start=slope).by(1, k))
    elif f in ("log", "softplus"):
        y = [
            rise(np.log, ~(low > 0)) if f == "log" else rise(lambda t: np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t))))
        ]
        y += [g.by(1, k) for k, g in zip(steps, series("inverse" if f == "log" else "sigmoid", v, n), strict=False)]
    elif f in ("erf", "atan"):  # whose slopes have g' = -2 v g and (1 + v^2) g = 1
        bell, round_one = series("exp", -(v * v), 0)[0] * one.by(2) * v.constant(1 / np.sqrt(PI), U), one + v * v
        g = [one.by(0), bell if f == "erf" else series("inverse", round_one, 0)[0]]
        for k in steps:
            twice = (v * g[-1]).by(2)
            g.append((twice + g[-2].by(2)).by(-1, k) if f == "erf" else -(g[1] * (twice + g[-2])))
        y = [rise(np.arctan if f == "atan" else erf)]
        y += [s.by(1, k) for k, s in zip(steps, g[1:], strict=False)]
    else:
        raise Unknown(f)
    y[0].e = y[0].e + 1e-14 * (f == "erf")  # which is SciPy's, in float64
    return y[: n + 1]


def erf(t: Any) -> Any:
    import scipy.special

    return scipy.special.erf(t.astype(np.float64)).astype(REAL)


__all__ = ["PAD", "PI", "REAL", "SMALL", "UNITS", "UP", "Taylor", "Unknown", "basis", "value"]
