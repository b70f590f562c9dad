"""Taylor models: a polynomial of degree K in the place inside the box, and a rest. For smooth nets with small errors.

On the box x = c + r e, |e_i| <= 1, a value is sum of coef_a e^a over all |a| <= K, +- rho. A smooth function is
expanded at the middle; what is cut off is bounded by its (K + 1)st Taylor coefficient on the range of its argument
(Makino and Berz 2003), for tanh and sigmoid by Cauchy's estimate. A difference of two such polynomials is then known to
K + 1 digits' worth of smoothness: errors of 1e-10 are bounded with a hundred boxes, where lines would need 1e10.

Coefficients are float64. Each operation adds its own rounding to rho.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.affine import CONSTANTS, RangeArithmetic, join, ranged, with_number
from surefit.bounds.interval import RULES, Range, Truth, as_range, gamma, largest_of, up
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.reading import SIGNS, read
from surefit.bounds.written import WRITTEN
from surefit.formulas.expression import Expression

TINY = 1e-300
DEGREES = {1: 13, 2: 9, 3: 6}  # the K of 1, 2 and 3 inputs
# One hidden layer is a sum of functions of linear forms, whose powers cost no products of polynomials: a higher degree
# then needs 30 times fewer boxes in three dimensions, and a tenth of the time (benchmarks/certify.py, doppler3)
SHALLOW = {1: 13, 2: 12, 3: 10, 4: 7}


class Basis:
    """The monomials e^a, |a| <= K, of d variables: exponents (M, d), by degree, and which products stay inside."""

    def __init__(self, d: int, K: int) -> None:
        exponents = sorted((a for a in product(range(K + 1), repeat=d) if sum(a) <= K), key=lambda a: (sum(a), a))
        self.d, self.K, self.M = d, K, len(exponents)
        self.exponents = np.array(exponents).reshape(self.M, d)
        self.degree = self.exponents.sum(axis=1)
        place = {a: i for i, a in enumerate(exponents)}
        self.linear = np.array([place[tuple(int(i == j) for j in range(d))] for i in range(d)])
        pairs = [
            (i, j, place[tuple(x + y for x, y in zip(a, b, strict=True))])
            for i, a in enumerate(exponents)
            for j, b in enumerate(exponents)
            if sum(a) + sum(b) <= K
        ]
        order = np.array(sorted(pairs, key=lambda p: p[2]))
        self.left, self.right, out = order.T
        self.starts = np.searchsorted(out, np.arange(self.M))
        self.by_degree = np.zeros((self.M, K + 1))
        self.by_degree[np.arange(self.M), self.degree] = 1.0
        self.beyond = np.add.outer(np.arange(K + 1), np.arange(K + 1)) > K
        self.multinomial = np.array(
            [math.factorial(sum(a)) // math.prod(math.factorial(k) for k in a) for a in exponents], float
        )


@functools.cache
def basis(d: int, K: int) -> Basis:
    return Basis(d, K)


class Taylor:
    """coef (..., M), rho (...): values in sum coef_a e^a +- rho, and in `range` (...)."""

    __slots__ = ("B", "coef", "range", "rho")

    def __init__(self, B: Basis, coef: np.ndarray, rho: np.ndarray, range_: Range | None = None) -> None:
        fine = np.isfinite(coef).all(axis=-1) & (rho < np.inf)
        self.B = B
        self.coef = np.where(fine[..., None], coef, 0.0)
        self.rho = np.where(fine, rho, np.inf)
        reach = up((np.abs(self.coef[..., 1:]).sum(axis=-1) + self.rho) * (1 + gamma(B.M + 4)) + TINY)
        low, high = -up(-(self.coef[..., 0] - reach)), up(self.coef[..., 0] + reach)
        if range_ is not None:
            low, high = np.fmax(low, range_.low), np.fmin(high, range_.high)
            odd = ~(low <= high)
            low, high = np.where(odd, -np.inf, low), np.where(odd, np.inf, high)
            self.rho = np.where(odd, np.inf, self.rho)
        self.range = Range(low, high, False if range_ is None else range_.bad)

    @property
    def size(self) -> np.ndarray:
        """Above every absolute value."""
        return (np.abs(self.coef).sum(axis=-1) + self.rho) * (1 + gamma(self.B.M + 4)) + TINY

    @property
    def spread(self) -> np.ndarray:
        """How far values lie from the constant term."""
        return (np.abs(self.coef[..., 1:]).sum(axis=-1) + self.rho) * (1 + gamma(self.B.M + 4)) + TINY

    def __getitem__(self, index: Any) -> Taylor:
        r = self.range
        return Taylor(self.B, self.coef[index], self.rho[index], Range(r.low[index], r.high[index], r.bad[index]))


def constant(B: Basis, r: Range, shape: tuple[int, ...]) -> Taylor:
    r = Range(*(np.broadcast_to(v, shape) for v in (r.low, r.high, r.bad)))
    m = r.middle
    coef = np.zeros((*shape, B.M))
    coef[..., 0] = m
    return Taylor(B, coef, r.radius(m), r)


def add(a: Taylor, b: Taylor, sign: float = 1.0) -> Taylor:
    rho = (a.rho + b.rho) * (1 + 4 * 2**-53) + gamma(4) * (a.size + b.size)
    other = b.range if sign > 0 else I.neg(b.range)
    return Taylor(a.B, a.coef + sign * b.coef, rho, I.add(a.range, other))


def scale(a: Taylor, factor: Range) -> Taylor:
    m = factor.middle
    rho = (np.abs(m) * a.rho + factor.radius(m) * a.size) * (1 + gamma(8)) + gamma(8) * np.abs(m) * a.size + TINY
    return Taylor(a.B, m[..., None] * a.coef if np.ndim(m) else m * a.coef, rho, I.mul(a.range, factor))


def _product(B: Basis, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.add.reduceat(a[..., B.left] * b[..., B.right], B.starts, axis=-1)


def mul(a: Taylor, b: Taylor) -> Taylor:
    B = a.B
    by_a, by_b = np.abs(a.coef) @ B.by_degree, np.abs(b.coef) @ B.by_degree  # (..., K + 1)
    cut = np.einsum("...i,ij,...j->...", by_a, B.beyond.astype(float), by_b)
    rest = a.rho * b.size + b.rho * a.size  # each with the whole of the other: at least a rho_b + b rho_a + rho rho
    rho = (cut + rest) * (1 + gamma(4 * B.K + 16)) + gamma(B.M + 8) * (a.size * b.size) + TINY
    whole = I.square(a.range) if a is b else I.mul(a.range, b.range)
    return Taylor(B, _product(B, a.coef, b.coef), rho, whole)


def compose(a: Taylor, terms: list[Range], last: Range, whole: Range) -> Taylor:
    """phi(a): `terms` are the Taylor coefficients of phi at a's constant term, `last` the next one on a's range."""
    B = a.B
    t = Taylor(B, a.coef * (B.degree > 0), a.rho)
    reach = a.spread
    linear = bool((a.coef[..., B.degree > 1] == 0).all())
    mids = [c.middle for c in terms]
    rho = last.size * _power_up(reach, len(terms))
    for k, (c, m) in enumerate(zip(terms, mids, strict=True)):
        rho = rho + c.radius(m) * _power_up(reach, k)
    if linear:  # powers of a linear form are multinomials
        g = a.coef[..., B.linear]
        coef = np.stack(mids, axis=-1)[..., B.degree] * B.multinomial
        for i in range(B.d):
            each = [np.ones_like(reach)]
            for _ in range(B.K):
                each.append(each[-1] * g[..., i])
            coef *= np.stack(each, axis=-1)[..., B.exponents[:, i]]
        ranks = np.abs(coef) @ B.by_degree
        # the constant term is what it was; a term of degree k was multiplied k + d + 2 times
        rho = rho + ranks @ np.array([0.0, *(gamma(k + B.d + 6) for k in range(1, B.K + 1))])
        # the rest of the linear form: phi(t + s) - phi(t), |s| <= rho, by the slopes of the polynomial
        slope = sum(k * np.abs(m) * _power_up(reach, k - 1) for k, m in enumerate(mids) if k)
        rho = rho + np.where(a.rho > 0, slope * a.rho * (1 + 1e-9), 0.0)
        return Taylor(B, coef, rho * (1 + gamma(64)) + TINY, whole)
    result = constant(B, Range(mids[-1], mids[-1]), mids[-1].shape)
    for m in mids[-2::-1]:  # Horner
        result = mul(result, t)
        result.coef[..., 0] += m
        result.rho = result.rho + gamma(2) * (np.abs(result.coef[..., 0]) + np.abs(m))
        result = Taylor(B, result.coef, result.rho)
    return Taylor(B, result.coef, (result.rho + rho) * (1 + gamma(64)) + TINY, whole)


def _power_up(x: np.ndarray, k: int) -> np.ndarray:
    return np.ones_like(x) if k == 0 else np.asarray(x**k * (1 + gamma(8 * k + 8)) + (TINY if k else 0.0))


# --- Taylor coefficients of functions: at points, and on ranges ------------------------------------------------------

Series = Callable[[Range, int], list[Range]]


def _over(x: Range, k: float) -> Range:
    return I.div(x, float(k))


def _exp(x: Range, n: int) -> list[Range]:
    e = I.exp(x)
    out = [e]
    for k in range(1, n):
        out.append(_over(out[-1], k))
    return out


def _waves(x: Range, n: int, shift: int) -> list[Range]:
    s, c = I.sin(x), I.cos(x)
    cycle = [s, c, I.neg(s), I.neg(c)]
    return [I.mul(cycle[(k + shift) % 4], Range.exact(Fraction(1, math.factorial(k)))) for k in range(n)]


def _hyperbolic(x: Range, n: int, shift: int) -> list[Range]:
    both = [I.sinh(x), I.cosh(x)]
    return [I.mul(both[(k + shift) % 2], Range.exact(Fraction(1, math.factorial(k)))) for k in range(n)]


def _power(p: Fraction) -> Series:
    def series(x: Range, n: int) -> list[Range]:
        value = ranged("pow", [x, Range.exact(p)], [None, p])
        out = [value]
        for k in range(1, n):
            out.append(I.mul(I.div(out[-1], x), Range.exact((p - k + 1) / k)))
        return out

    return series


def _log(x: Range, n: int) -> list[Range]:
    out, per = [I.log(x)], I.div(1.0, x)
    step = per
    for k in range(1, n):
        out.append(I.mul(step, Range.exact(Fraction((-1) ** (k - 1), k))))
        step = I.mul(step, per)
    return out


Rule_ = Callable[[Any], Range]


def _riccati(value: Rule_, constant_: float, linear: float, square: float) -> Series:
    """y' = constant + linear y + square y^2: tanh, sigmoid, tan."""

    def series(x: Range, n: int) -> list[Range]:
        out = [value(x)]
        for k in range(n - 1):
            s = I.mul(_convolved(out, k), square)
            if linear:
                s = I.add(s, I.mul(out[k], linear))
            if k == 0:
                s = I.add(s, constant_)
            out.append(_over(s, k + 1))
        return out

    return series


def _convolved(a: list[Range], k: int) -> Range:
    total: Range | None = None
    for j in range(k // 2 + 1):
        term = I.mul(a[j], a[k - j]) if 2 * j != k else I.square(a[j])
        if 2 * j != k:
            term = I.mul(term, 2.0)
        total = term if total is None else I.add(total, term)
    assert total is not None
    return total


def _integrated(value: Rule_, slopes: Series) -> Series:
    def series(x: Range, n: int) -> list[Range]:
        return [value(x), *(_over(s, k + 1) for k, s in enumerate(slopes(x, n - 1)))]

    return series


def _bell(x: Range, n: int) -> list[Range]:
    """exp(-x^2) 2 / sqrt(pi): y' = -2 x y."""
    front = I.div(2.0, I.sqrt(CONSTANTS["pi"]))
    out = [I.mul(front, I.exp(I.neg(I.square(x))))]
    for k in range(n - 1):
        s = I.mul(x, out[k])
        if k:
            s = I.add(s, out[k - 1])
        out.append(I.mul(s, Range.exact(Fraction(-2, k + 1))))
    return out


def _lorentz(x: Range, n: int) -> list[Range]:
    """1 / (1 + x^2)."""
    q = I.add(I.square(x), 1.0)
    out = [I.div(1.0, q)]
    for k in range(1, n):
        s = I.mul(I.mul(x, out[k - 1]), 2.0)
        if k > 1:
            s = I.add(s, out[k - 2])
        out.append(I.neg(I.div(s, q)))
    return out


def _shifted(series: Series, value: Rule_, by: float) -> Series:
    def moved(x: Range, n: int) -> list[Range]:
        return [value(x), *series(I.add(x, by), n)[1:]]

    return moved


def _times(series: Series, value: Rule_, factor: Range) -> Series:
    def scaled(x: Range, n: int) -> list[Range]:
        return [value(x), *(I.mul(s, factor) for s in series(x, n)[1:])]

    return scaled


_sigmoid = _riccati(I.sigmoid, 0.0, 1.0, -1.0)
_per_log2, _per_log10 = (I.div(1.0, I.log(Range.of(b))) for b in (2.0, 10.0))
SERIES: dict[str, Series] = {
    "exp": _exp,
    "expm1": lambda x, n: [RULES["expm1"](x), *_exp(x, n)[1:]],
    "sin": lambda x, n: _waves(x, n, 0),
    "cos": lambda x, n: _waves(x, n, 1),
    "sinh": lambda x, n: _hyperbolic(x, n, 0),
    "cosh": lambda x, n: _hyperbolic(x, n, 1),
    "reciprocal": _power(Fraction(-1)),
    "sqrt": _power(Fraction(1, 2)),
    "log": _log,
    "log1p": _shifted(_log, I.log1p, 1.0),
    "log2": _times(_log, RULES["log2"], _per_log2),
    "log10": _times(_log, RULES["log10"], _per_log10),
    "tanh": _riccati(I.tanh, 1.0, 0.0, -1.0),
    "sigmoid": _sigmoid,
    "tan": _riccati(I.tan, 1.0, 0.0, 1.0),
    "softplus": _integrated(I.softplus, _sigmoid),
    "erf": _integrated(I.erf, _bell),
    "atan": _integrated(I.atan, _lorentz),
}


def _cauchy_tanh(low: np.ndarray, high: np.ndarray, k: int) -> np.ndarray:
    """At least |tanh^(k)(x)| / k! on the range, k >= 1.

    On a disc of radius R < pi/2 about a real point |tanh| <= tan(R) where R >= pi/4; on one of radius R < m about a
    point of size m >= R it differs from +-1 by 2 / (exp(2 (m - R)) - 1) at most. Cauchy divides by R^k.
    """
    R = min(math.pi / 2 * k / (k + 1.0), 1.55)
    R = max(R, 0.79)
    near = math.tan(R) / R**k * (1 + 1e-9)
    m = np.maximum(np.maximum(low, -high), 0.0)
    best = np.full(m.shape, near)
    for share in (0.5, 0.7, 0.85):
        r = np.maximum(share * m, 1e-3)
        with np.errstate(all="ignore"):
            other = 2.0 / np.expm1(2.0 * (m - r)) / r**k * (1 + 1e-9)
        best = np.where((m > 1.0) & (other < best), other, best)
    return best


def series_of(kind: str, x0: np.ndarray, whole: Range, n: int) -> tuple[list[Range], Range]:
    """The first n Taylor coefficients at x0, and the next one on a range."""
    point = Range(x0, x0)
    if kind in ("tanh", "sigmoid"):
        terms = SERIES[kind](point, n)
        if kind == "tanh":
            bound = _cauchy_tanh(whole.low, whole.high, n)
        else:
            bound = _cauchy_tanh(0.5 * whole.low, 0.5 * whole.high, n) * 0.5 ** (n + 1) * (1 + 1e-12)
        return terms, Range(-bound, bound)
    return SERIES[kind](point, n), SERIES[kind](whole, n + 1)[n]


def apply(kind: str, a: Taylor) -> Taylor:
    """A function of one value."""
    with np.errstate(all="ignore"):
        if kind == "square":
            return mul(a, a)
        x0 = np.clip(a.coef[..., 0], a.range.low, a.range.high)
        outside = x0 != a.coef[..., 0]
        terms, last = series_of(kind, x0, a.range, a.B.K + 1)
        rule = RULES.get(kind)
        whole = rule(a.range) if rule is not None else I.div(1.0, a.range)
        bad = whole.bad | last.bad | outside | a.range.bad
        for t in terms:
            bad = bad | t.bad
        result = compose(a, terms, last, Range(whole.low, whole.high, whole.bad | a.range.bad))
        return _flat(Taylor(a.B, result.coef, np.where(bad, np.inf, result.rho), result.range))


def _flat(t: Taylor) -> Taylor:
    """A value as its range, where that is narrower than the rest of its polynomial: of a unit that bends sharply."""
    middle = t.range.middle
    radius = t.range.radius(middle)
    flat = (radius < t.rho) & ~t.range.bad
    if not flat.any():
        return t
    coef = np.where(flat[..., None], 0.0, t.coef)
    coef[..., 0] = np.where(flat, middle, coef[..., 0])
    return Taylor(t.B, coef, np.where(flat, radius, t.rho), t.range)


# --- formulas -------------------------------------------------------------------------------------------------------


class TaylorArithmetic:
    """Formulas read as Taylor models on n boxes."""

    def __init__(self, B: Basis, n: int) -> None:
        self.B, self.n = B, n

    def _range(self, r: Range) -> Taylor:
        return constant(self.B, r, (self.n,))

    def number(self, value: Fraction) -> Taylor:
        return self._range(Range.exact(value))

    def constant(self, name: str) -> Taylor:
        return self._range(CONSTANTS[name])

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Taylor:
        with np.errstate(all="ignore"):
            if op == "neg":
                return scale(args[0], Range.of(-1.0))
            if op in ("add", "sub"):
                return add(args[0], args[1], 1.0 if op == "add" else -1.0)
            if op == "mul":
                for i in (0, 1):
                    if exact[i] is not None:
                        return scale(args[1 - i], Range.exact(exact[i]))  # type: ignore[arg-type]
                return mul(args[0], args[1])
            if op == "div":
                if exact[1] is not None and exact[1] != 0:
                    return scale(args[0], Range.exact(1 / exact[1]))
                return mul(args[0], apply("reciprocal", args[1]))
            if op == "pow":
                return self._power(args[0], args[1], exact[1])
            if op == "square":
                return mul(args[0], args[0])
            if op in SERIES:
                return apply(op, args[0])
            if op == "abs":
                return self._signed(args[0])
            whole = self._range(ranged(op, [a.range for a in args], exact))
            mine: dict[str, Callable[..., Taylor]]
            mine = {"relu": self._relu, "cbrt": self._cbrt, "atan2": self._atan2}
            if op not in mine and op not in WRITTEN:
                return whole
            found = mine[op](*args) if op in mine else WRITTEN[op](self, *args)
            return self._where([(~found.range.bad, found)], whole)

    def do(self, op: str, *args: Any) -> Taylor:
        return self.call(op, list(args), [None] * len(args))

    def _where(self, cases: list[tuple[np.ndarray, Taylor]], whole: Taylor) -> Taylor:
        """In each box the first of these that holds there and is finite, else `whole`, whose range they all have."""
        coef, rho, open_ = whole.coef, whole.rho, np.ones(self.n, bool)
        for holds, t in cases:
            here = open_ & holds & np.isfinite(t.rho)
            coef, rho, open_ = np.where(here[:, None], t.coef, coef), np.where(here, t.rho, rho), open_ & ~here
        return Taylor(self.B, coef, rho, whole.range)

    def _signed(self, a: Taylor) -> Taylor:
        cases = [(a.range.low >= 0, a), (a.range.high <= 0, scale(a, Range.of(-1.0)))]
        return self._where(cases, self._range(I.absolute(a.range)))

    def _relu(self, a: Taylor) -> Taylor:
        none = self.number(Fraction(0))
        return self._where([(a.range.low >= 0, a), (a.range.high <= 0, none)], self._range(RULES["relu"](a.range)))

    def _cbrt(self, a: Taylor) -> Taylor:
        right = self._power(a, a, Fraction(1, 3))
        left = scale(self._power(scale(a, Range.of(-1.0)), a, Fraction(1, 3)), Range.of(-1.0))
        return self._where([(a.range.low > 0, right), (a.range.high < 0, left)], self._range(RULES["cbrt"](a.range)))

    def _atan2(self, y: Taylor, x: Taylor) -> Taylor:
        """By the half plane that a box lies in, and the smaller quotient; the jump, and the point 0, 0, lie in none."""
        pi = self.constant("pi")
        half = scale(pi, Range.of(0.5))
        flat, steep = self.do("atan", self.do("div", y, x)), self.do("atan", self.do("div", x, y))
        right, left, above, below = x.range.low > 0, x.range.high < 0, y.range.low > 0, y.range.high < 0
        wide = np.abs(y.coef[..., 0]) <= np.abs(x.coef[..., 0])
        cases = [
            (right & wide, flat),
            (left & above & wide, add(flat, pi)),
            (left & below & wide, add(flat, pi, -1.0)),
            (above, add(half, steep, -1.0)),
            (below, scale(add(half, steep), Range.of(-1.0))),
            (right, flat),
        ]
        return self._where(cases, self._range(RULES["atan2"](y.range, x.range)))

    def _power(self, a: Taylor, b: Taylor, p: Fraction | None) -> Taylor:
        if p is not None and p.denominator == 1 and 0 < p <= 64:
            result, base, k = None, a, int(p)
            while k:
                if k & 1:
                    result = base if result is None else mul(result, base)
                k >>= 1
                base = mul(base, base) if k else base
            assert result is not None
            return result
        if p is None:
            return apply("exp", mul(b, apply("log", a)))
        x0 = np.clip(a.coef[..., 0], a.range.low, a.range.high)
        whole = ranged("pow", [a.range, Range.exact(p)], [None, p])
        series = _power(p)
        terms, last = series(Range(x0, x0), self.B.K + 1), series(a.range, self.B.K + 2)[-1]
        bad = whole.bad | last.bad | (x0 != a.coef[..., 0]) | a.range.bad
        result_ = compose(a, terms, last, whole)
        return Taylor(self.B, result_.coef, np.where(bad, np.inf, result_.rho), result_.range)

    def compare(self, sign: str, a: Taylor, b: Taylor, exact: list[Fraction | None]) -> Truth:
        if (known := with_number(sign, a.range, b.range, exact)) is not None:
            return known
        rule: Callable[..., Truth] = RULES[SIGNS[sign]]
        return rule(add(a, b, -1.0).range, 0.0)

    def join(self, op: str, args: list[Any]) -> Truth:
        return join(op, args)

    def as_number(self, condition: Any) -> Taylor:
        return self._range(as_range(condition))

    def decided(self, condition: Any) -> bool | None:
        return None

    def choose(self, condition: Truth, then: Any, other: Any) -> Any:
        if isinstance(then, Truth):
            return RangeArithmetic().choose(condition, then, other)
        hull = I.where(condition, then.range, other.range)
        both = condition.can & condition.cannot
        coef = np.where(condition.can[:, None], then.coef, other.coef)
        rho = np.where(both, np.inf, np.where(condition.can, then.rho, other.rho))
        return Taylor(self.B, coef, rho, hull)


# --- networks -------------------------------------------------------------------------------------------------------

KINDS = {"tanh", "sigmoid", "sin", "cos", "exp", "square", "erf", "softplus", "atan"}


def is_smooth(net: Network) -> bool:
    """Whether all its functions have Taylor models here."""
    return bool(net.kinds()) and net.kinds() <= KINDS and degree_of(net) is not None


def degree_of(net: Network) -> int | None:
    """The degree of the polynomials for a network; None for one of too many inputs."""
    linear = {0}
    for i, node in enumerate(net.nodes):
        if isinstance(node, Affine) and all(source in linear for source, _, _ in node.sources):
            linear.add(i)
    shallow = all(node.source in linear for node in net.nodes if isinstance(node, Unary))
    return (SHALLOW if shallow else DEGREES).get(net.inputs)


def network(net: Network, inputs: Taylor, deployed: bool) -> Taylor:
    """A network on boxes: inputs (n, d) -> outputs (n, k). deployed: with the roundings of the running model."""
    B = inputs.B
    values = [inputs]
    with np.errstate(all="ignore"):
        for node in net.nodes[1:]:
            assert node is not None
            if isinstance(node, Affine):
                values.append(_affine(B, node, values, deployed))
                continue
            y = apply(node.kind, values[node.source])
            if deployed and node.ulps:
                off = (node.ulps * 2 * node.unit * y.size + 2.0**-126 * (node.unit > 2.0**-30)) * (1 + 1e-9)
                y = Taylor(B, y.coef, np.where(y.size < largest_of(node.unit), y.rho + off, np.inf))
            values.append(y)
    return values[-1]


# Output weights of many units cancel by six digits and more, so sums of them are taken in the longest floats there are
LONG = np.longdouble if np.finfo(np.longdouble).nmant in (63, 112) else np.float64
LONG_UNIT = float(np.finfo(LONG).eps) / 2


def _long_product(w: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """w (m, n) times coef (b, n, M), in LONG; a row at a time of a matrix that has many."""
    if (np.count_nonzero(w, axis=1) <= 1).all():  # picks and scalings
        places = np.abs(w).argmax(axis=1)
        return w[np.arange(len(w)), places].astype(LONG)[:, None] * coef[:, places]
    used = (coef != 0).any(axis=(0, 1))
    if used.sum() * 4 > len(used):
        return np.asarray(np.matmul(w.astype(LONG), coef.astype(LONG)))
    result = np.zeros((len(coef), len(w), len(used)), LONG)  # of linear forms, which have few coefficients
    result[..., used] = np.matmul(w.astype(LONG), coef[..., used].astype(LONG))
    return result


def _affine(B: Basis, node: Affine, values: list[Taylor], deployed: bool) -> Taylor:
    n = len(values[0].rho)
    coef = np.zeros((n, node.size, B.M), LONG)
    coef[..., 0] = node.b
    rho = np.zeros((n, node.size)) + (0.0 if node.b_radius is None else node.b_radius)
    size = np.broadcast_to(np.abs(node.b), (n, node.size))
    fan = 0
    for source, w, radius in node.sources:
        v = values[source]
        coef = coef + _long_product(w, v.coef)
        absolute = np.abs(w)
        rho = rho + v.rho @ absolute.T
        size = size + v.size @ absolute.T
        fan += w.shape[1]
        if radius is not None:
            rho = rho + v.size @ radius.T
    rho = rho * (1 + gamma(fan + 16)) + 2.0 * gamma(fan + 16, LONG_UNIT) * size + TINY
    coef = coef.astype(np.float64)
    rho = rho + gamma(4) * np.abs(coef).sum(axis=-1)
    if deployed and node.steps:
        rho = rho + gamma(node.steps + 1, node.unit) * size * (1 + 1e-9)
        least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022
        rho = np.where(size < largest_of(node.unit), rho + (fan + 2) * least, np.inf)
    rho = np.where(np.isfinite(rho), rho, np.inf)  # inf @ 0 is NaN
    return Taylor(B, coef, rho)


def boxes(B: Basis, low: np.ndarray, high: np.ndarray) -> Taylor:
    """The inputs on boxes with ends (n, d)."""
    n, d = low.shape
    c = 0.5 * low + 0.5 * high
    coef = np.zeros((n, d, B.M))
    coef[..., 0] = c
    coef[:, np.arange(d), B.linear] = up(np.maximum(high - c, c - low))
    return Taylor(B, coef, np.zeros((n, d)), Range(low, high))


def formula(B: Basis, f: Expression, names: tuple[str, ...], x: Taylor) -> Taylor:
    """A formula on boxes -> (n,)."""
    values = {name: x[:, i] for i, name in enumerate(names)}
    with np.errstate(all="ignore"):
        result: Taylor = read(f, values, TaylorArithmetic(B, len(x.rho)))
    return result


@functools.cache
def _grid(d: int, K: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Points (g, d) of a grid on [-1, 1]^d, the monomials there (M, g), and a square of the spacing over 8."""
    per = {1: 65, 2: 17, 3: 9, 4: 7}[d]
    axis = np.linspace(-1.0, 1.0, per)
    points = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), axis=-1).reshape(-1, d)
    B = basis(d, K)
    values = np.prod(points[None, :, :] ** B.exponents[:, None, :], axis=2)
    return points, values, (2.0 / (per - 1)) ** 2 / 8.0 * (1 + 1e-12)


def polynomial_range(t: Taylor, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of values (n,): least and largest, the largest |value| that is surely reached, and where (n, d), |e| <= 1.

    shift (n,): by how much e may be off where the point is rounded to floats.

    Between the points of a grid a polynomial differs from its multilinear interpolant by the squares of the spacing
    over 8 times the second derivatives.
    """
    B = t.B
    points, monomials, eighth = _grid(B.d, B.K)
    values = t.coef @ monomials
    slack = gamma(B.M + 4 * B.K + 8) * t.size
    a = B.exponents
    bulge = eighth * (np.abs(t.coef) @ (a * (a - 1)).sum(axis=1).astype(float)) * (1 + gamma(B.M + 8))
    most = up(values.max(axis=1) + bulge + t.rho + 2 * slack)
    least = -up(-(values.min(axis=1) - bulge - t.rho - 2 * slack))
    j = np.abs(values).argmax(axis=1)
    surely = np.abs(values[np.arange(len(values)), j]) - t.rho - 2 * slack - shift * B.K * t.size
    return least, most, np.where(np.isfinite(surely), surely, 0.0), points[j]


def ranges_between(t: Taylor, ends: np.ndarray, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Of values (k,) of one place e: the least and the largest on each interval between `ends` (m + 1,) -> (m, k).

    off: by how much an end may be off. Between points a distance of h apart a polynomial leaves its chord by h^2 / 8
    times its second derivative.
    """
    B, steps = t.B, 8
    e = ends[:-1, None] + np.diff(ends)[:, None] * (np.arange(steps + 1) / steps)  # (m, steps + 1)
    powers = e[..., None] ** np.arange(B.K + 1)
    values = np.einsum("msa,ka->mks", powers, t.coef)
    sizes = np.maximum(np.abs(ends).max(), 1.0) ** np.arange(B.K + 1)
    a = np.arange(B.K + 1)
    wide = float(np.diff(ends).max()) / steps + 4 * off
    bend = np.abs(t.coef) @ (sizes * a * (a - 1)) * (wide * wide / 8.0) * (1 + gamma(B.M + 8))
    slope = np.abs(t.coef) @ (sizes * a) * off
    slack = bend + slope + t.rho + 2 * gamma(B.M + 4 * B.K + 8) * t.size * float(sizes[-1])
    return -up(-(values.min(axis=2) - slack)), up(values.max(axis=2) + slack)


__all__ = [
    "Basis",
    "Taylor",
    "TaylorArithmetic",
    "basis",
    "boxes",
    "degree_of",
    "formula",
    "is_smooth",
    "network",
    "polynomial_range",
    "ranges_between",
]
