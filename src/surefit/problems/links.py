"""Functions of one smooth number: f(x) = g(h(x)), seen from values, however rough g is.

A distance, a product of powers, a front across the box, a function of one linear combination are functions of a sum,
h(x) = a_1(x_1) + ... + a_d(x_d): a generalised additive model without noise, whose link is the inverse of g (Hastie and
Tibshirani 1990, Generalized Additive Models). A narrow peak that lies across the axes, or what bends along a curve, is
one of a polynomial h of all inputs. The gradient of f has the direction of that of h everywhere, which is a linear
equation for the coefficients of h, whatever g is: they are the smallest singular vector of a matrix. So g may have
kinks, jumps and fronts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations_with_replacement

import numpy as np
from numpy.polynomial import chebyshev

from surefit.blas import one_thread
from surefit.problems.contractions import LEAST_INPUTS, held_at, sets_of
from surefit.problems.contractions import MOST_INPUTS as SETS_OF

Values = Callable[[np.ndarray], np.ndarray]  # points (n, d) of [-1, 1]^d -> values (n,)

MOST_INPUTS = 12
DEGREES = (0, 1, 2, 4, 8, 16, 24, 40, 64)  # of the a_i', the least of which that fulfils the equation is taken
STEPS = (
    3e-2,
    8e-3,
    2e-3,
    5e-4,
    1.2e-4,
    3e-5,
    8e-6,
    2e-6,
)  # of half a range, of differences; believed where the next one agrees
MIXED = ((), (), (2, 3, 4, 6, 8, 10, 13), (2, 3, 4, 5), (2, 3, 4), (2, 3), (2,))  # of h of all inputs, by their number
PLACES, EACH = 30, 3  # at which gradients are taken, and more for each unknown number
FEWEST = 8  # of them that must be known
MOST_PLACES, MOST_UNKNOWN = 500, 300
STARTS = 6  # of a search for the least value of h
POOL, STEEP = 3000, 400  # pairs of points, and of those that differ most, between which it is steep
HALVED, MOST_OF = 20, 0.75  # times at most, and the share of the change that a half must have
AGREE = 1e-6  # of a gradient, to which differences with two steps agree that are believed
ENOUGH = 1e-9  # of it, with which no other step is tried
KNOWN = 1e-10  # the same, below which it counts no more
FULFILLED = 1e-6  # the smallest singular value, of the size of the equations
FALLS = 0.5  # to so much of it two degrees before it must fall
APART = 30.0  # times as large is the next one
BETTER = 30.0  # times smaller it must be with a higher degree, where it is small already
CHECKED, TYPICAL, OFF = 300, 0.9, 1e-5  # points that are looked at; of these, which share must be within, of the size
HELD = 2  # places at most, at which the others are held while some are looked at
TABLE = 2001  # places on the way
ROOTS, EXACT = 90, 2.0**-52  # steps to find a sum on the way, at most; to which it is found


@dataclass(frozen=True)
class Parts:
    """a_1(x_1) + ... + a_d(x_d): Chebyshev coefficients (n,) of each a_i."""

    parts: tuple[np.ndarray, ...]

    @property
    def degree(self) -> int:
        return max(len(c) for c in self.parts) - 1

    def part(self, i: int, u: np.ndarray) -> np.ndarray:
        """a_i at places (n,)."""
        return np.asarray(chebyshev.chebval(u, self.parts[i]))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.sum([self.part(i, u) for i, u in enumerate(points.T)], axis=0)


@dataclass(frozen=True)
class Mixed:
    """A polynomial of all inputs: degrees (m, d) of products of Chebyshev polynomials, coefficients (m,), constant."""

    exponents: np.ndarray
    coefficients: np.ndarray
    constant: float = 0.0

    @property
    def degree(self) -> int:
        return int(self.exponents.sum(axis=1).max())

    def __call__(self, points: np.ndarray) -> np.ndarray:
        own = [chebyshev.chebvander(u, int(self.exponents.max())) for u in points.T]
        total = np.full(len(points), self.constant)
        for powers, c in zip(self.exponents, self.coefficients, strict=True):
            if c != 0.0:
                total += c * np.prod([own[i][:, p] for i, p in enumerate(powers) if p], axis=0)
        return total


def crossings(
    off: Callable[[np.ndarray, np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, below: np.ndarray,
    above: np.ndarray, exact: float,
) -> np.ndarray:  # fmt: skip
    """Where functions of one number are 0, each between two places (n,), by Illinois' method, with halves in between.

    below, above: their values at these places; where they have no other sign there, the place that is nearer to 0 is
    taken. off(i, u): the values of those of index i at the places u. exact: how near to 0 a value is enough, and how
    near the places.
    """
    low, high, below, above = low.copy(), high.copy(), below.copy(), above.copy()
    found = np.where(above <= 0.0, high, low)
    open_ = np.flatnonzero((below < 0.0) & (above > 0.0))
    for step in range(ROOTS):
        if not len(open_):
            break
        a, b, p, q = low[open_], high[open_], below[open_], above[open_]
        guess = 0.5 * (a + b) if step % 3 == 2 else np.clip((a * q - b * p) / (q - p), a, b)
        value = off(open_, guess)
        found[open_] = guess
        up = value < 0.0
        low[open_], below[open_] = np.where(up, guess, a), np.where(up, value, 0.5 * p)
        high[open_], above[open_] = np.where(up, b, guess), np.where(up, 0.5 * q, value)
        done = (np.abs(value) <= exact) | (high[open_] - low[open_] <= exact * np.abs(high[open_]))
        open_ = open_[~done]
    return found


@dataclass(frozen=True)
class Link:
    """f(x) = g(h(x)) on [-1, 1]^d.

    inner: h, whose values are in [-1, 1]. low, high (d,): where it is least and most.
    """

    function: Values
    inner: Parts | Mixed
    low: np.ndarray
    high: np.ndarray

    def at(self, t: np.ndarray) -> np.ndarray:
        """g (n,) at values of h (n,): f on the way from where h is least to where it is most."""
        return self.function(self.places(t))

    def places(self, t: np.ndarray) -> np.ndarray:
        """Points (n, d) on that way with such values of h."""
        total = self._along
        if len(total) == 2:
            return self.way(np.clip(0.5 + 0.5 * (t - total[0]) / total[1], 0.0, 1.0))
        grid, known = self._table
        i = np.clip(np.searchsorted(known, t), 1, len(known) - 1)
        low, high = grid[i - 1], grid[i]
        below, above = known[i - 1] - t, known[i] - t  # h less t at both ends
        off = lambda among, share: self._close_to(i[among], share) - t[among]
        share = crossings(off, low, high, below, above, EXACT)
        return self.way(share)

    @cached_property
    def _along(self) -> np.ndarray:
        """Chebyshev coefficients of h on the way."""
        degree = self.inner.degree
        nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        values = self.inner(self.way(0.5 + 0.5 * nodes))
        return np.asarray(np.linalg.solve(chebyshev.chebvander(nodes, degree), values))

    def _close_to(self, i: np.ndarray, share: np.ndarray) -> np.ndarray:
        """h (n,) at shares of the way between the places i - 1 and i of the table: by its derivatives in the middle."""
        if len(self._table[0]) < TABLE:
            return np.asarray(chebyshev.chebval(2.0 * share - 1.0, self._along))
        derivatives, middle = self._derivatives
        z, own = share - middle[i - 1], derivatives[:, i - 1]
        value = own[-1]
        for c in own[-2::-1]:
            value = value * z + c
        return value

    @cached_property
    def _derivatives(self) -> tuple[np.ndarray, np.ndarray]:
        """Taylor coefficients (k, m) of h in the share of the way, in the middle of each part of the table."""
        grid, _ = self._table
        middle, c = 0.5 * (grid[1:] + grid[:-1]), self._along
        found, reach = [], 0.5 / (len(grid) - 1)
        for k in range(len(c)):
            own = chebyshev.chebval(2.0 * middle - 1.0, c) * 2.0**k / math.factorial(k)
            found.append(own)
            if np.abs(own).max() * reach**k < 0.01 * EXACT:
                break
            c = chebyshev.chebder(c)
        return np.array(found), middle

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the way, and h there, which rises; the two ends alone where it falls on the way."""
        grid = np.linspace(0.0, 1.0, TABLE)
        known = chebyshev.chebval(2.0 * grid - 1.0, self._along)
        ends = [0, -1]
        return (grid, known) if (np.diff(known) > 0.0).all() else (grid[ends], known[ends])

    def way(self, share: np.ndarray) -> np.ndarray:
        """Points (n, d) so far on that way."""
        return self.low + share[:, None] * (self.high - self.low)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value of h."""
        least, most = self.inner(np.stack([self.low, self.high]))
        return float(least), float(most)


@one_thread()
def linked(f: Values, d: int, generator: np.random.Generator, mixed: bool = True) -> Link | None:
    """The smooth number that a function of two inputs or more is a function of; None where it is none.

    It is asked for some ten thousand values. A sum is preferred to other polynomials, and of these one of low degree;
    mixed: whether these are looked for.

    >>> f = lambda p: np.abs(p[:, 0] ** 2 + np.exp(p[:, 1]) - 1.0)
    >>> found = linked(f, 2, np.random.default_rng(0))
    >>> points = np.random.default_rng(1).uniform(-1.0, 1.0, (1000, 2))
    >>> bool(np.abs(found.at(found.inner(points)) - f(points)).max() < 1e-6)
    True
    >>> linked(lambda p: np.sin(9.0 * p[:, 0]) * p[:, 1] + np.exp(p[:, 0]), 2, np.random.default_rng(0)) is None
    True
    """
    if not 2 <= d <= MOST_INPUTS:
        return None
    known = _Known(f, d, generator)
    best: Link | None = None
    least = np.inf
    residuals: list[float] = []
    for degree in DEGREES:
        if d * (degree + 1) > MOST_UNKNOWN:
            break
        found = known.solved(_of_parts(degree))
        residuals.append(known.residual)
        if len(residuals) > 3 and residuals[-1] > FALLS * residuals[-3] and residuals[-1] > FULFILLED:
            break  # no higher degree fulfils it
        if found is None or found[0] * BETTER > least:
            if best is not None:
                return best
            continue
        link = _link(f, Parts(tuple(chebyshev.chebint(c) for c in found[1].reshape(d, degree + 1))), d, generator)
        if link is not None and _holds(link, known.points, generator):
            best, least = link, found[0]
        if best is not None and least <= 1e-3 * FULFILLED:
            return best
    if best is not None:
        return best
    for degree in MIXED[min(d, len(MIXED) - 1)] if mixed else ():
        exponents = _exponents(d, degree)
        found = known.solved(_of_products(exponents))
        if found is not None:
            link = _link(f, Mixed(exponents, found[1]), d, generator)
            if link is not None and _holds(link, known.points, generator):
                return link
    return None


@dataclass(frozen=True)
class Number:
    """An input, or a number that some of these make: h of `members`, in the order of its inputs."""

    inputs: frozenset[int]
    link: Link | None = None
    members: tuple[Number, ...] = ()

    @property
    def inner(self) -> Parts:
        """The sum that a number is."""
        assert self.link is not None and isinstance(self.link.inner, Parts)
        return self.link.inner

    def put(self, t: np.ndarray, points: np.ndarray) -> None:
        """Write inputs (n, d) with which it is t (n,) into points."""
        if self.link is None:
            points[:, min(self.inputs)] = t
            return
        for member, own in zip(self.members, self.link.places(t).T, strict=True):
            member.put(own, points)

    def of(self, points: np.ndarray) -> np.ndarray:
        """Its values (n,) at points (n, d)."""
        if self.link is None:
            return points[:, min(self.inputs)]
        return self.inner(np.stack([member.of(points) for member in self.members], axis=1))


@dataclass(frozen=True)
class Reduced:
    """f(x) = function(numbers), all of [-1, 1]; link: of these numbers, where it is one of a single number."""

    function: Values
    numbers: tuple[Number, ...]
    link: Link | None


@one_thread()
def reduced(f: Values, d: int, generator: np.random.Generator) -> Reduced | None:
    """A function of fewer numbers, each a sum of functions of some inputs or such numbers; None where there are none.

    It is asked for some ten thousand values for each number.
    """
    numbers = tuple(Number(frozenset({i})) for i in range(d))
    function = f
    while LEAST_INPUTS <= len(numbers) <= SETS_OF:
        found = _joined(function, numbers, generator)
        if found is None:
            break
        numbers = found
        function = partial(_of_numbers, f, d, numbers)
        whole = linked(function, len(numbers), generator, mixed=False) if len(numbers) > 1 else None
        if whole is not None and isinstance(whole.inner, Parts):
            return Reduced(function, numbers, whole)
    return Reduced(function, numbers, None) if len(numbers) < d else None


def _of_numbers(f: Values, d: int, numbers: Sequence[Number], t: np.ndarray) -> np.ndarray:
    points = np.zeros((len(t), d))
    for number, own in zip(numbers, t.T, strict=True):
        number.put(own, points)
    return f(points)


def _joined(f: Values, numbers: tuple[Number, ...], generator: np.random.Generator) -> tuple[Number, ...] | None:
    """The numbers with some of them made one; the more of them the better."""
    m = len(numbers)
    sets, _ = sets_of(f, m, generator)
    for own in sorted((sorted(s) for s in sets), key=lambda s: (-len(s), s)):
        held = held_at(f, m, frozenset(own), generator)
        for place in [] if held is None else held[:HELD]:
            link = linked(partial(_beside, f, place, own), len(own), generator, mixed=False)
            if link is not None and isinstance(link.inner, Parts):
                members = tuple(numbers[i] for i in own)
                one = Number(frozenset().union(*(n.inputs for n in members)), link, members)
                return (*(n for i, n in enumerate(numbers) if i not in own), one)
    return None


def _beside(f: Values, place: np.ndarray, own: Sequence[int], points: np.ndarray) -> np.ndarray:
    """f with some inputs of points (n, k), and the others held."""
    whole = np.repeat(place[None], len(points), axis=0)
    whole[:, own] = points
    return f(whole)


Derivatives = Callable[[np.ndarray], list[np.ndarray]]  # points (n, d) -> of each input (n, unknown numbers)


class _Known:
    """Gradients of a function, of which more are asked for when more numbers are unknown."""

    def __init__(self, f: Values, d: int, generator: np.random.Generator) -> None:
        self.f, self.d, self.generator = f, d, generator
        self.points, self.slopes = np.empty((0, d)), np.empty((0, d))
        self.asked = 0
        self.residual = np.inf  # of the equation that was solved last

    def _more(self, points: np.ndarray) -> bool:
        """Take the gradients at these points that differences tell; whether those were half of them."""
        known, slopes = _believed(self.f, points)
        self.points, self.slopes = np.concatenate([self.points, known]), np.concatenate([self.slopes, slopes])
        return 2 * len(known) >= len(points)

    def solved(self, derivatives: Derivatives) -> tuple[float, np.ndarray] | None:
        """How well h with some derivatives has the directions of f, and its coefficients; None where none has them."""
        unknown = derivatives(np.zeros((1, self.d)))[0].shape[1]
        wanted = min(MOST_PLACES, PLACES + EACH * unknown // max(1, self.d - 1))
        if self.asked < wanted:
            flat = not self._more(_spread(self.d, wanted - self.asked, self.generator))
            self.asked = wanted
            if flat:  # at most places; no more are asked for than once
                ends = self.generator.uniform(-1.0, 1.0, (2, POOL, self.d))
                self._more(_steep(self.f, ends, STEEP))
                self.asked = MOST_PLACES
        if len(self.points) * (self.d - 1) < max(1.5 * unknown, FEWEST):
            return None
        own = derivatives(self.points)
        pairs = [(i, j) for i in range(self.d) for j in range(i)]
        matrix = np.concatenate([self.slopes[:, [i]] * own[j] - self.slopes[:, [j]] * own[i] for i, j in pairs])
        _, s, vt = np.linalg.svd(np.linalg.qr(matrix, mode="r"))
        s = s / np.linalg.norm(self.slopes)
        self.residual = float(s[-1])
        if len(s) < unknown or s[-1] > FULFILLED or (unknown > 1 and s[-2] < APART * s[-1]):
            return None
        return float(s[-1]), vt[-1]


def _of_parts(degree: int) -> Derivatives:
    """Of sums of functions of one input each, whose derivatives have this degree."""

    def derivatives(points: np.ndarray) -> list[np.ndarray]:
        n, d = points.shape
        found = []
        for i, u in enumerate(points.T):
            own = np.zeros((n, d, degree + 1))
            own[:, i] = chebyshev.chebvander(u, degree)
            found.append(own.reshape(n, -1))
        return found

    return derivatives


def _exponents(d: int, degree: int) -> np.ndarray:
    """Of all products of so many factors at most, and one at least, (m, d)."""
    found = [np.bincount(c, minlength=d + 1)[:d] for c in combinations_with_replacement(range(d + 1), degree)]
    return np.array(found[:-1])


def _of_products(exponents: np.ndarray) -> Derivatives:
    """Of polynomials of these products."""
    most = int(exponents.max())

    def derivatives(points: np.ndarray) -> list[np.ndarray]:
        own = [chebyshev.chebvander(u, most)[:, exponents[:, i]] for i, u in enumerate(points.T)]
        slope = chebyshev.chebder(np.eye(most + 1))  # of each polynomial, (most, most + 1)
        found = []
        for i, u in enumerate(points.T):
            parts = [*own]
            parts[i] = (chebyshev.chebvander(u, most - 1) @ slope)[:, exponents[:, i]]
            found.append(np.prod(parts, axis=0))
        return found

    return derivatives


def _link(f: Values, inner: Parts | Mixed, d: int, generator: np.random.Generator) -> Link | None:
    """The link with h in [-1, 1]."""
    if isinstance(inner, Parts):
        low, high = np.zeros(d), np.zeros(d)
        for i, c in enumerate(inner.parts):
            places = _turns(c)
            y = chebyshev.chebval(places, c)
            low[i], high[i] = places[y.argmin()], places[y.argmax()]
    else:
        low, high = _least(inner, d, generator), _least(lambda x: -inner(x), d, generator)
    least, most = inner(np.stack([low, high]))
    half, middle = 0.5 * (most - least), 0.5 * (most + least)
    if not half > 0.0:
        return None
    if isinstance(inner, Mixed):
        inner = Mixed(inner.exponents, inner.coefficients / half, float((inner.constant - middle) / half))
        return Link(f, inner, low, high)
    parts = []
    for i, c in enumerate(inner.parts):
        c = c.copy()
        c[0] -= chebyshev.chebval(np.array([low[i], high[i]]), c).mean()
        parts.append(c / half)
    return Link(f, Parts(tuple(parts)), low, high)


def _turns(c: np.ndarray) -> np.ndarray:
    """Places of [-1, 1] in which a polynomial may be least or most, and others."""
    fine = np.linspace(-1.0, 1.0, 2001)
    slope = np.trim_zeros(chebyshev.chebder(c), "b")
    if len(slope) < 2:
        return fine
    roots = chebyshev.chebroots(slope)
    turns = roots[np.abs(roots.imag) < 1e-9].real
    return np.concatenate([fine, turns[np.abs(turns) <= 1.0]])


def _least(f: Values, d: int, generator: np.random.Generator) -> np.ndarray:
    """A point (d,) of the box at which a smooth function is least, as far as a search from several points tells."""
    from scipy.optimize import minimize

    inside, corners = generator.uniform(-1.0, 1.0, (POOL, d)), generator.uniform(-1.0, 1.0, (2 ** min(d, 10), d))
    points = np.concatenate([inside, np.sign(corners)])
    best = points[np.argsort(f(points))[:STARTS]]
    steps = 1e-6 * np.eye(d)

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        y = f(np.concatenate([x[None], x + steps, x - steps]))
        return float(y[0]), (y[1 : d + 1] - y[d + 1 :]) / 2e-6

    found = [minimize(value, x, jac=True, method="L-BFGS-B", bounds=[(-1.0, 1.0)] * d, tol=1e-15).x for x in best]
    found = np.clip(np.concatenate([found, best]), -1.0, 1.0)
    return np.asarray(found[f(found).argmin()])


def _holds(link: Link, steep: np.ndarray, generator: np.random.Generator) -> bool:
    """Whether the function is the same at points with the same value of h, all over the box and where it is steep."""
    size = 0.0
    for points in (generator.uniform(-1.0, 1.0, (CHECKED, len(link.low))), steep[-CHECKED:]):
        truth, found = link.function(points), link.at(link.inner(points))
        if not (np.isfinite(truth).all() and np.isfinite(found).all()):
            return False
        size = max(size, float(np.abs(truth - np.median(truth)).max()))
        if not np.quantile(np.abs(truth - found), TYPICAL) <= OFF * size:
            return False
    return True


def _spread(d: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Points (count, d), half of them as dense at the ends as polynomials need them."""
    points = generator.uniform(-1.0, 1.0, (count, d))
    points[::2] = np.sin(0.5 * np.pi * points[::2])
    return points


def _steep(f: Values, pairs: np.ndarray, wanted: int) -> np.ndarray:
    """Points (n, d) between those of the pairs (2, n, d) whose values differ most, where they change.

    Each is halved until one half has hardly more of the change than the other, as on the flank of a front.
    """
    low, high = pairs
    first, last = f(low), f(high)
    change = np.where(np.isfinite(first) & np.isfinite(last), np.abs(last - first), 0.0)
    top = np.argsort(-change, kind="stable")[:wanted]
    low, high, first, last = low[top], high[top], first[top], last[top]
    for _ in range(HALVED):
        middle = 0.5 * (low + high)
        y = f(middle)
        up = np.abs(last - y) > np.abs(y - first)
        open_ = np.maximum(np.abs(last - y), np.abs(y - first)) > MOST_OF * np.abs(last - first)
        low, first = np.where((up & open_)[:, None], middle, low), np.where(up & open_, y, first)
        high, last = np.where((~up & open_)[:, None], middle, high), np.where(~up & open_, y, last)
    return 0.5 * (low + high)


def _believed(f: Values, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of these at which differences with two steps agree, and the directions of the gradients there.

    They are as long as they count.
    """
    best, slopes = np.full(len(points), np.inf), np.zeros(points.shape)
    coarse = np.full(points.shape, np.inf)
    left = np.arange(len(points))  # those that a finer step may tell better
    for step in STEPS:
        fine = _differences(f, points[left], step)
        with np.errstate(all="ignore"):
            off = np.linalg.norm(fine - coarse[left], axis=1) / np.linalg.norm(fine, axis=1)
        better = np.where(np.isfinite(off), off, np.inf) < best[left]
        best[left[better]], slopes[left[better]] = off[better], fine[better]
        coarse[left] = fine
        left = left[best[left] > ENOUGH]
        if not len(left):
            break
    good = best <= AGREE
    count = KNOWN / (KNOWN + best[good])
    sizes = np.linalg.norm(slopes[good], axis=1)
    return points[good], slopes[good] * (count / np.maximum(sizes, np.finfo(float).tiny))[:, None]


def _differences(f: Values, points: np.ndarray, step: float) -> np.ndarray:
    """Gradients (n, d) by differences of the order 6, with places that are moved inward beside the ends."""
    n, d = points.shape
    room = (1.0 - np.abs(points)) / step
    moved = np.clip(np.ceil(3.0 - room), 0.0, 3.0) * -np.sign(points)
    at = np.arange(-3, 4) + moved[:, :, None]  # (n, d, 7)
    where = np.repeat(points[:, None, None, :], d, axis=1).repeat(7, axis=2)
    own = np.arange(d)
    where[:, own, :, own] = np.clip(points.T[:, :, None] + step * at.transpose(1, 0, 2), -1.0, 1.0)
    y = f(where.reshape(-1, d)).reshape(n, d, 7)
    return np.asarray((y * WEIGHTS[(moved + 3.0).astype(int)]).sum(axis=2) / step)


def _weights(moved: int) -> np.ndarray:
    """Of values at moved - 3, ..., moved + 3 for the derivative at 0."""
    powers = (np.arange(-3, 4) + moved)[None, :] ** np.arange(7)[:, None]
    return np.linalg.solve(powers.astype(float), np.eye(7)[1])


WEIGHTS = np.array([_weights(moved) for moved in range(-3, 4)])

__all__ = ["Link", "Mixed", "Number", "Parts", "Reduced", "crossings", "linked", "reduced"]
