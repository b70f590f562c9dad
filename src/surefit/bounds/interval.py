"""Ranges: the table of primitives read on intervals [low, high], rounded outward, arrays of them at once.

    x = Range.of([0.0, 1.0], [0.5, 2.0])          # two boxes of one variable
    y = ops.sin(x) / x                            # what the primitives give on every point of each box

Sums, products, quotients and square roots are those of IEEE 754, moved outward by one float. Elementary functions are
NumPy's and SciPy's, which promise 4 units in the last place; here they are trusted to TRUST units, and a certificate
that rests on them says so. `bad` marks the boxes in which something may be undefined: a pole, the logarithm of a
number below zero. Bounds are then those of the points where everything is defined, and no claim may be made of them.

Tests: the cases of ITF1788 (libieeep1788, Nehmeier 2015), and random points in random boxes against mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.core.ops import KINDS, Arithmetic, Aval, Op, float64
from surefit.errors import RecordError

TRUST = 8  # units in the last place by which NumPy's elementary functions may be wrong (documented: 4; seen: 1.2)
TRUST_SPECIAL = 64  # the same of scipy.special, which documents nothing (seen of erf and erfc: 4, of gamma: 5)
TINY = 5e-324
EPS = 2.0**-52
FAR = 2.0**30  # beyond this a periodic function is bounded by its extremes: its argument has too few digits
_INF = np.inf
_LARGE = float(np.finfo(float).max) * (1.0 - 2.0**-40)  # a function that overflows may be this small in truth


def down(x: Any) -> Any:
    """The next float below."""
    return np.nextafter(x, -_INF)


def up(x: Any) -> Any:
    """The next float above."""
    return np.nextafter(x, _INF)


def below(x: Any, units: Any = TRUST) -> Any:
    """A number below everything that is within so many units in the last place of x."""
    x = np.asarray(x, np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(x), np.where(x > 0, _LARGE, x), down(x - (units * EPS) * np.abs(x) - units * TINY))


def above(x: Any, units: Any = TRUST) -> Any:
    """A number above everything that is within so many units in the last place of x."""
    return -below(-np.asarray(x, np.float64), units)


def gamma(n: float, unit: float = 2.0**-53) -> float:
    """n u / (1 - n u), rounded up; infinite where it says nothing."""
    nu = n * unit
    return _INF if nu >= 0.5 else nu / (1.0 - nu) * (1.0 + 1e-12)


def largest_of(unit: float) -> float:
    """A size below which nothing overflows where it is computed with this unit: in float32 or in float64."""
    return 1e38 if unit > 2.0**-30 else 1e307


class Range(Arithmetic):
    """Intervals [low, high], float64 arrays of one shape; `bad` where a point of the box may have no value."""

    __slots__ = ("bad", "high", "low")

    def __init__(self, low: Any, high: Any, bad: Any = False) -> None:
        self.low, self.high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self.bad = np.broadcast_to(np.asarray(bad, bool), self.low.shape)

    @classmethod
    def of(cls, low: Any, high: Any | None = None) -> Range:
        """Boxes with these ends; points, where there is one argument."""
        a = np.asarray(low, np.float64)
        low, high = np.broadcast_arrays(a, a if high is None else np.asarray(high, np.float64))
        nan = np.isnan(low) | np.isnan(high) | (low > high)
        return cls(np.where(nan, -_INF, low), np.where(nan, _INF, high), nan)

    @classmethod
    def exact(cls, value: Fraction | float) -> Range:
        """The narrowest box of a rational number."""
        try:
            x = float(value)
        except OverflowError:
            big = np.finfo(float).max
            return cls(big, _INF) if value > 0 else cls(-_INF, -big)
        if not math.isfinite(x):
            return cls(-_INF, _INF, True)
        near = Fraction(x)
        return cls(down(x) if near > value else x, up(x) if near < value else x)

    @property
    def aval(self) -> Aval:
        return Aval(self.low.shape, float64)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.low.shape

    @property
    def ndim(self) -> int:
        return self.low.ndim

    @property
    def dtype(self) -> np.dtype:
        return float64

    @property
    def middle(self) -> np.ndarray:
        """A point of each box; 0 of one without ends."""
        with np.errstate(all="ignore"):
            m = 0.5 * self.low + 0.5 * self.high
        return np.where(np.isfinite(m), np.clip(m, self.low, self.high), np.clip(0.0, self.low, self.high))

    @property
    def size(self) -> np.ndarray:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def least(self) -> np.ndarray:
        """The smallest absolute value."""
        return np.maximum(np.maximum(self.low, -self.high), 0.0)

    def radius(self, middle: np.ndarray) -> np.ndarray:
        """How far the box reaches from a point, rounded up."""
        return up(np.maximum(self.high - middle, middle - self.low))

    def intersect(self, other: Range) -> Range:
        """What is in both; `bad` of either."""
        return Range(np.maximum(self.low, other.low), np.minimum(self.high, other.high), self.bad | other.bad)

    def hull(self, other: Range) -> Range:
        """What is in one of them; `bad` of either."""
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high), self.bad | other.bad)

    def contains(self, x: Any) -> np.ndarray:
        return (self.low <= x) & (x <= self.high)

    def __repr__(self) -> str:
        return f"Range({self.low}, {self.high}{', bad' if self.bad.any() else ''})"


class Truth(Arithmetic):
    """Conditions on boxes: whether they hold at some point, and whether they fail at some point."""

    __slots__ = ("bad", "can", "cannot")

    def __init__(self, can: Any, cannot: Any, bad: Any = False) -> None:
        self.can, self.cannot = np.asarray(can, bool), np.asarray(cannot, bool)
        self.bad = np.broadcast_to(np.asarray(bad, bool), self.can.shape)

    @property
    def aval(self) -> Aval:
        return Aval(self.can.shape, np.dtype(bool))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.can.shape

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(bool)

    def __repr__(self) -> str:
        return f"Truth(can={self.can}, cannot={self.cannot})"


Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}  # name of a primitive -> what it does to ranges


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def enter(f: Rule) -> Rule:
        for name in names:
            RULES[name] = f
        return f

    return enter


def as_range(a: Any) -> Range:
    """A value as a range: a number or an array is a point, a condition counts 0 or 1."""
    if isinstance(a, Range):
        return a
    if isinstance(a, Truth):
        return Range(np.where(a.cannot, 0.0, 1.0), np.where(a.can, 1.0, 0.0), a.bad)
    x = np.asarray(a)
    return Range.of(x.astype(np.float64)) if x.dtype.kind == "f" else _of_integers(x)


def _of_integers(x: np.ndarray) -> Range:
    y = x.astype(np.float64)
    wide = np.abs(y) >= 2.0**53
    return Range(np.where(wide, down(y), y), np.where(wide, up(y), y))


def as_truth(a: Any) -> Truth:
    if isinstance(a, Truth):
        return a
    if isinstance(a, Range):
        zero, only = (a.low <= 0) & (a.high >= 0), (a.low == 0) & (a.high == 0)
        return Truth(~only, zero, a.bad)
    held = np.asarray(a) != 0
    return Truth(held, ~held)


def _apply(op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    rule = RULES.get(op.name)
    if rule is None:
        raise RecordError(f"the primitive {op.name!r} has no bounds, so nothing can be proved of a function with it")
    with np.errstate(all="ignore"):
        return rule(*args, **params)


KINDS[Range] = (3, _apply)
KINDS[Truth] = (3, _apply)

# --- arithmetic -----------------------------------------------------------------------------------------------------


def _sum_low(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + b rounded down: the sum itself where it is exact (Knuth's two-sum gives the error)."""
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return np.where((error >= 0) & np.isfinite(s), s, down(s))


@_rule("neg")
def neg(x: Any) -> Range:
    x = as_range(x)
    return Range(-x.high, -x.low, x.bad)


@_rule("add")
def add(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    low, high = _sum_low(a.low, b.low), -_sum_low(-a.high, -b.high)
    return Range(np.where(np.isnan(low), -_INF, low), np.where(np.isnan(high), _INF, high), a.bad | b.bad)


@_rule("sub")
def sub(a: Any, b: Any) -> Range:
    return add(a, neg(b))


def _short(x: Any) -> np.ndarray:
    """Whether numbers have so few digits (those of float32) that their products are exact."""
    with np.errstate(over="ignore"):
        return np.asarray(np.asarray(x, np.float32) == x)


def _of_ends(a: Range, b: Range, op: Callable[..., Any], exact: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """The least and largest of op of two ends, rounded outwards but where they are short and exact."""
    pairs = [np.broadcast_arrays(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    each = np.stack([op(x, y) for x, y in pairs])
    found = []
    for end, rounded in ((each.min(axis=0), down), (each.max(axis=0), up)):
        outer, short = rounded(end), _short(end)
        if short.any():
            short &= np.all([exact(x, y) | (z != end) for (x, y), z in zip(pairs, each, strict=True)], axis=0)
            outer = np.where(short, end, outer)
        found.append(outer)
    return found[0], found[1]


def _times(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    z = x * y
    return np.where(np.isnan(z), 0.0, z)  # 0 times an end at infinity: the points of the box are finite


@_rule("mul")
def mul(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    low, high = _of_ends(a, b, _times, lambda x, y: (_short(x) & _short(y)) | (x == 0) | (y == 0))
    nothing = ((a.low == 0) & (a.high == 0)) | ((b.low == 0) & (b.high == 0))
    same = (a.low == 1) & (a.high == 1), (b.low == 1) & (b.high == 1)
    low = np.where(same[0], b.low, np.where(same[1], a.low, np.where(nothing, 0.0, low)))
    high = np.where(same[0], b.high, np.where(same[1], a.high, np.where(nothing, 0.0, high)))
    return Range(low, high, a.bad | b.bad)


@_rule("div")
def div(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    pole = (b.low <= 0) & (b.high >= 0)
    # one-sided divisors [0, h] and [l, 0] still have a sign; the pole itself is marked
    low_b = np.where((b.low == 0) & (b.high > 0), 0.0, b.low)
    high_b = np.where((b.high == 0) & (b.low < 0), -0.0, b.high)

    def quotient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = x / y
        return np.where(np.isnan(z), 0.0, z)

    def whole(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = x / y  # the product of two short numbers, which has no rounding, is x again: so is x/3 at the ends of -3:3
        return (_short(z) & _short(y) & (z * y == x)) | ((x == 0) & (y != 0))

    low, high = _of_ends(a, Range(low_b, high_b), quotient, whole)
    nothing = (a.low == 0) & (a.high == 0)
    both = ((b.low < 0) & (b.high > 0)) | ((b.low == 0) & (b.high == 0))
    by_one = (b.low == 1) & (b.high == 1)
    low = np.where(nothing, 0.0, np.where(both, -_INF, np.where(by_one, a.low, low)))
    high = np.where(nothing, 0.0, np.where(both, _INF, np.where(by_one, a.high, high)))
    one_sided = pole & ~both & ~nothing
    low, high = _one_sided(a, b, low, high, one_sided)
    return Range(low, high, a.bad | b.bad | pole)


def _one_sided(a: Range, b: Range, low: Any, high: Any, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quotients by [0, h] or [l, 0], where 0 itself is left out: the ends that are finite."""
    positive = b.high > 0
    far = np.where(positive, b.high, b.low)  # the end that is not zero
    ends = np.stack(np.broadcast_arrays(a.low / far, a.high / far))
    ends = np.where(np.isnan(ends), 0.0, ends)
    # for b in (0, h]: a/b >= a.low/h where a.low >= 0, else down to -inf; and so on by signs
    lows = np.where(positive, a.low >= 0, a.high <= 0)
    highs = np.where(positive, a.high <= 0, a.low >= 0)
    low = np.where(where, np.where(lows, down(ends.min(axis=0)), -_INF), low)
    high = np.where(where, np.where(highs, up(ends.max(axis=0)), _INF), high)
    return low, high


@_rule("abs")
def absolute(x: Any) -> Range:
    x = as_range(x)
    return Range(x.least, x.size, x.bad)


@_rule("square")
def square(x: Any) -> Range:
    x = as_range(x)
    low, high = x.least * x.least, x.size * x.size
    low = np.where(_short(x.least), low, np.maximum(down(low), 0.0))
    return Range(low, np.where(_short(x.size), high, up(high)), x.bad)


@_rule("relu")
def relu(x: Any) -> Range:
    x = as_range(x)
    return Range(np.maximum(x.low, 0.0), np.maximum(x.high, 0.0), x.bad)


@_rule("maximum")
def maximum(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    return Range(np.maximum(a.low, b.low), np.maximum(a.high, b.high), a.bad | b.bad)


@_rule("minimum")
def minimum(a: Any, b: Any) -> Range:
    return neg(maximum(neg(a), neg(b)))


def whole_power(x: Any, n: int) -> Range:
    """x to a whole power."""
    x = as_range(x)
    if n == 0:
        return Range(np.ones(x.shape), np.ones(x.shape), x.bad)
    if n < 0:
        return div(1.0, whole_power(x, -n))
    if n == 1:
        return x

    def of(t: np.ndarray, rounded: Callable[..., Any]) -> np.ndarray:
        """t^n for t >= 0 by repeated squaring, every product that is not exact rounded the same way."""
        result, base, k = None, t, n
        product = lambda x, y: np.where(_short(x) & _short(y), x * y, rounded(x * y))
        while True:
            if k & 1:
                result = base if result is None else product(result, base)
            k >>= 1
            if not k:
                return np.asarray(result)
            base = product(base, base)

    def floor_(t: Any) -> Any:
        return np.maximum(down(t), 0.0)

    def ceil_(t: Any) -> Any:
        return np.where(t == 0, TINY, up(t))

    def power_low(t: np.ndarray) -> np.ndarray:
        return np.where(t == 0, 0.0, of(t, floor_))

    def power_high(t: np.ndarray) -> np.ndarray:
        return np.where(t == 0, 0.0, of(t, ceil_))

    if n % 2 == 0:
        return Range(power_low(x.least), power_high(x.size), x.bad)
    low = np.where(x.low >= 0, power_low(np.abs(x.low)), -power_high(np.abs(x.low)))
    high = np.where(x.high >= 0, power_high(np.abs(x.high)), -power_low(np.abs(x.high)))
    return Range(low, high, x.bad)


@_rule("pow")
def power(a: Any, b: Any) -> Range:
    """a^b on a >= 0, and on all a where b is one whole number."""
    if not isinstance(b, (Range, Truth)) and np.ndim(b) == 0:
        n = float(b)
        if n == round(n) and abs(n) <= 4096:
            return whole_power(a, int(n))
        if n == 0.5:
            return sqrt(a)
    a, b = as_range(a), as_range(b)
    wrong = (a.low < 0) | ((a.low <= 0) & (b.low <= 0))  # 0^0 is 1, and 0^-1 has no value: neither is claimed
    base = Range(np.maximum(a.low, 0.0), np.maximum(a.high, 0.0))
    logs = Range(below(np.log(base.low)), above(np.log(base.high)))
    logs = Range(np.where(base.low == 0, -_INF, logs.low), np.where(base.high == 0, -_INF, logs.high))
    ones = (base.low == 1) & (base.high == 1)
    result = exp(mul(Range(np.where(ones, 0.0, logs.low), np.where(ones, 0.0, logs.high)), b))
    at_zero = (base.low <= 0) & (b.high >= 0)  # 0^b is 0 for b > 0, 1 for b = 0
    low = np.where((base.low <= 0) & (b.high > 0), 0.0, result.low)
    high = np.where(at_zero & (b.low <= 0), np.maximum(result.high, 1.0), result.high)
    high = np.where(at_zero, np.maximum(high, 0.0), high)
    return Range(low, high, a.bad | b.bad | wrong)


@_rule("sum")
def total(x: Any, axes: tuple[int, ...]) -> Range:
    x = as_range(x)
    moved = [np.moveaxis(v, axes, range(len(axes))).reshape(-1, *_without(v.shape, axes)) for v in (x.low, x.high)]
    bad = x.bad.any(axis=axes) if axes else x.bad
    result = Range(np.zeros(moved[0].shape[1:]), np.zeros(moved[0].shape[1:]))
    for low, high in zip(*moved, strict=True):
        result = add(result, Range(low, high))
    return Range(result.low, result.high, bad)


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@_rule("matmul")
def matmul(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    each = mul(
        Range(a.low[..., :, :, None], a.high[..., :, :, None], a.bad[..., :, :, None]),
        Range(b.low[..., None, :, :], b.high[..., None, :, :], b.bad[..., None, :, :]),
    )
    return total(each, axes=(each.ndim - 2,))


# --- monotone functions ---------------------------------------------------------------------------------------------


def _special(name: str) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(x)

    return call


def _rising(
    fn: Callable[..., Any], least: float = -_INF, most: float = _INF, start: float = -_INF, stop: float = _INF,
    units: float = TRUST, open_start: bool = False, open_stop: bool = False,
    exact: tuple[float, float] | None = (0.0, 0.0),
) -> Rule:  # fmt: skip
    """A function that rises on [start, stop] and has values in [least, most]; outside of it, it has none.

    exact: a place and the value there, which is no rounded one.
    """

    def rule(x: Any) -> Range:
        x = as_range(x)
        lo, hi = np.clip(x.low, start, stop), np.clip(x.high, start, stop)
        wrong = (x.low < start) | (x.high > stop)
        wrong |= (x.low <= start) & open_start
        wrong |= (x.high >= stop) & open_stop
        low, high = below(fn(lo), units), above(fn(hi), units)
        low = np.where(fn(lo) == -_INF, -_INF, low)
        high = np.where(fn(hi) == _INF, _INF, high)
        low, high = np.clip(low, least, most), np.clip(high, least, most)
        if exact is not None:
            low, high = (np.where(end == exact[0], exact[1], value) for end, value in ((lo, low), (hi, high)))
        return Range(np.where(np.isnan(low), least, low), np.where(np.isnan(high), most, high), x.bad | wrong)

    return rule


def _sigmoid(x: Any) -> Any:
    return np.where(x >= 0, 1.0 / (1.0 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1.0 + np.exp(-np.abs(x))))


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


_erf, _erfinv = _special("erf"), _special("erfinv")

_exp = _rising(np.exp, least=0.0, exact=(0.0, 1.0))
RULES["exp2"] = _rising(np.exp2, least=0.0, exact=(0.0, 1.0))
RULES["expm1"] = _rising(np.expm1, least=-1.0)
log = RULES["log"] = _rising(np.log, start=0.0, open_start=True, exact=(1.0, 0.0))
RULES["log2"] = _rising(np.log2, start=0.0, open_start=True, exact=(1.0, 0.0))
RULES["log10"] = _rising(np.log10, start=0.0, open_start=True, exact=(1.0, 0.0))
log1p = RULES["log1p"] = _rising(np.log1p, start=-1.0, open_start=True)
sqrt = RULES["sqrt"] = _rising(np.sqrt, start=0.0, least=0.0, units=1)
RULES["cbrt"] = _rising(np.cbrt)
RULES["asin"] = _rising(np.arcsin, start=-1.0, stop=1.0)
atan = RULES["atan"] = _rising(np.arctan, least=-1.5707963267948968, most=1.5707963267948968)
sinh = RULES["sinh"] = _rising(np.sinh)
tanh = RULES["tanh"] = _rising(np.tanh, least=-1.0, most=1.0)
RULES["asinh"] = _rising(np.arcsinh)
RULES["acosh"] = _rising(np.arccosh, start=1.0, least=0.0, exact=(1.0, 0.0))
RULES["atanh"] = _rising(np.arctanh, start=-1.0, stop=1.0, open_start=True, open_stop=True)
sigmoid = RULES["sigmoid"] = _rising(_sigmoid, least=0.0, most=1.0, units=3 * TRUST, exact=(0.0, 0.5))
softplus = RULES["softplus"] = _rising(_softplus, least=0.0, units=3 * TRUST, exact=None)
erf = RULES["erf"] = _rising(_erf, least=-1.0, most=1.0, units=TRUST_SPECIAL)


@_rule("exp")
def exp(x: Any) -> Range:
    """Beside 0 the roundings of exp(x) hide on which side of 1 it is; 1 + x <= exp(x) <= 1/(1 - x) do not."""
    x = as_range(x)
    r, below_one = _exp(x), _sum_low(np.asarray(1.0), -x.high)
    with np.errstate(divide="ignore"):
        high = np.where(below_one > 0, up(1.0 / below_one), _INF)
    return Range(np.maximum(r.low, _sum_low(np.asarray(1.0), x.low)), np.minimum(r.high, high), r.bad)


@_rule("acos")
def acos(x: Any) -> Range:
    x = as_range(x)
    lo, hi = np.clip(x.low, -1, 1), np.clip(x.high, -1, 1)
    high = np.minimum(above(np.arccos(lo)), 3.1415926535897936)
    low = np.where(hi == 1, 0.0, np.maximum(below(np.arccos(hi)), 0.0))
    return Range(low, np.where(lo == 1, 0.0, high), x.bad | (x.low < -1) | (x.high > 1))


@_rule("erfc")
def erfc(x: Any) -> Range:
    x = as_range(x)
    fn = _special("erfc")
    # exp(-x^2) of a rounded square: seen to be off by x^2 / 2 units, 256 of them at x = 23
    units = [TRUST_SPECIAL + 2.0 * np.minimum(np.square(end), 2000.0) for end in (x.high, x.low)]
    low, high = below(fn(x.high), units[0]), above(fn(x.low), units[1])
    return Range(np.clip(low, 0.0, 2.0), np.clip(high, 0.0, 2.0), x.bad)


RULES["erfinv"] = _rising(_erfinv, start=-1.0, stop=1.0, units=TRUST_SPECIAL, open_start=True, open_stop=True)

# Where gamma and log gamma are least, between two floats, and what they are there at least
LEAST_AT = 1.4616321449683622, 1.4616321449683625
LEAST = {"gamma": 0.8856031944108886, "lgamma": -0.12148629053584965}


def _lgamma(x: Any) -> Any:
    """SciPy's is infinite below 1e-308; so near to 0 it is -log x, to far less than a rounding."""
    near = np.asarray(x) < 1e-300
    return np.where(near, -np.log(np.where(near, x, 1.0)), _special("gammaln")(np.where(near, 1.0, x)))


def _of_gamma(name: str, fn: Callable[..., Any]) -> Rule:
    """gamma, log gamma or digamma above 0. Their zeros are no floats: a rounding there is one of 1 + |y|."""
    least, own = LEAST.get(name, -_INF), 0.0 if name == "gamma" else TRUST_SPECIAL * EPS

    def rule(x: Any) -> Range:
        x = as_range(x)
        inside = np.clip(x.low, TINY, _INF), np.clip(x.high, TINY, _INF)
        ends = [(below(v, TRUST_SPECIAL) - own, above(v, TRUST_SPECIAL) + own) for v in map(fn, inside)]
        low, high = down(np.minimum(ends[0][0], ends[1][0])), up(np.maximum(ends[0][1], ends[1][1]))
        if name in LEAST:
            holds = (x.low <= LEAST_AT[1]) & (x.high >= LEAST_AT[0])
            low = np.maximum(np.where(holds, least, low), least)
        nowhere = x.low <= 0
        lost = nowhere | np.isnan(low) | np.isnan(high)
        return Range(np.where(lost, -_INF, low), np.where(lost, _INF, high), x.bad | nowhere)

    return rule


gamma_, lgamma, digamma = (
    RULES.setdefault(name, _of_gamma(name, of))
    for name, of in (("gamma", _special("gamma")), ("lgamma", _lgamma), ("digamma", _special("digamma")))
)


def polygamma(n: int, x: Any) -> Range:
    """The nth derivative of digamma above 0, n > 0, which has one sign and falls in size."""
    x, sign = as_range(x), 1.0 if n % 2 else -1.0
    import scipy.special

    size = [sign * scipy.special.polygamma(n, np.clip(end, TINY, _INF)) for end in (x.high, x.low)]
    low, high = np.maximum(below(size[0], TRUST_SPECIAL), 0.0), above(size[1], TRUST_SPECIAL)
    nowhere = (x.low <= 0) | np.isnan(low) | np.isnan(high)
    low, high = np.where(nowhere, 0.0, low), np.where(nowhere, _INF, high)
    return Range(low if sign > 0 else -high, high if sign > 0 else -low, x.bad | nowhere)


@_rule("cosh")
def cosh(x: Any) -> Range:
    x = as_range(x)
    high = np.where(np.isinf(np.cosh(x.size)), _INF, above(np.cosh(x.size)))
    low = np.where(x.least == 0, 1.0, np.maximum(below(np.cosh(x.least)), 1.0))
    return Range(low, np.where(x.size == 0, 1.0, high), x.bad)


@_rule("logaddexp")
def logaddexp(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    return add(maximum(a, b), softplus(neg(absolute(sub(a, b)))))


@_rule("hypot")
def hypot(a: Any, b: Any) -> Range:
    a, b = as_range(a), as_range(b)
    low, high = below(np.hypot(a.least, b.least)), above(np.hypot(a.size, b.size))
    high = np.where((a.size == 0) & (b.size == 0), 0.0, np.where(np.isinf(np.hypot(a.size, b.size)), _INF, high))
    return Range(np.maximum(low, 0.0), high, a.bad | b.bad)


# --- periodic functions ---------------------------------------------------------------------------------------------


def _holds_multiple(low: np.ndarray, high: np.ndarray, step: float, start: float) -> np.ndarray:
    """Whether start + k step, k whole, may lie in [low, high]: yes wherever rounding leaves a doubt."""
    a, b = (low - start) / step, (high - start) / step
    slack = 8 * EPS * (np.abs(a) + np.abs(b) + np.abs(start / step) + 1.0)
    return np.floor(b + slack) >= np.ceil(a - slack)


def _wave(fn: Callable[..., Any], peak: float) -> Rule:
    """sin or cos, which are 1 at peak + 2 pi k and -1 half a period from there."""

    def rule(x: Any) -> Range:
        x = as_range(x)
        ends = np.stack([fn(x.low), fn(x.high)])
        ends = np.where(np.isfinite(ends), ends, 0.0)
        least, most = ends.min(axis=0), ends.max(axis=0)
        # of floats, 0 alone has a sine of 0
        low, high = np.where(least == 0, 0.0, below(least)), np.where(most == 0, 0.0, above(most))
        wide = (x.size > FAR) | ~np.isfinite(x.size) | (x.high - x.low >= 6.3)
        high = np.where(wide | _holds_multiple(x.low, x.high, 2 * math.pi, peak), 1.0, high)
        low = np.where(wide | _holds_multiple(x.low, x.high, 2 * math.pi, peak - math.pi), -1.0, low)
        return Range(np.maximum(low, -1.0), np.minimum(high, 1.0), x.bad)

    return rule


sin = RULES["sin"] = _wave(np.sin, math.pi / 2)
cos = RULES["cos"] = _wave(np.cos, 0.0)


@_rule("tan")
def tan(x: Any) -> Range:
    x = as_range(x)
    wide = (x.size > FAR) | ~np.isfinite(x.size) | (x.high - x.low >= 3.2)
    pole = wide | _holds_multiple(x.low, x.high, math.pi, math.pi / 2)
    low, high = np.where(x.low == 0, 0.0, below(np.tan(x.low))), np.where(x.high == 0, 0.0, above(np.tan(x.high)))
    return Range(np.where(pole, -_INF, low), np.where(pole, _INF, high), x.bad | pole)


@_rule("atan2")
def atan2(y: Any, x: Any) -> Range:
    y, x = as_range(y), as_range(x)
    cut = (y.low <= 0) & (y.high >= 0) & (x.low <= 0)  # the jump at y = 0, x < 0, and the origin
    corners = np.stack(np.broadcast_arrays(*(np.arctan2(v, u) for v in (y.low, y.high) for u in (x.low, x.high))))
    most = 3.1415926535897936
    low, high = below(corners.min(axis=0)), above(corners.max(axis=0))
    low, high = np.where(cut, -most, np.maximum(low, -most)), np.where(cut, most, np.minimum(high, most))
    return Range(low, high, y.bad | x.bad | cut)


# --- steps ----------------------------------------------------------------------------------------------------------


def _step(fn: Callable[..., Any]) -> Rule:
    def rule(x: Any) -> Range:
        x = as_range(x)
        return Range(fn(x.low), fn(x.high), x.bad)

    return rule


for _name, _fn in (("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc), ("round", np.round), ("sign", np.sign)):
    RULES[_name] = _step(_fn)


@_rule("remainder")
def remainder(a: Any, b: Any) -> Range:
    """a - b floor(a / b), and within [0, b) for b > 0."""
    a, b = as_range(a), as_range(b)
    q = RULES["floor"](div(a, b))
    result = sub(a, mul(b, q))
    low = np.where(b.low > 0, 0.0, np.where(b.high < 0, b.low, -b.size))
    high = np.where(b.low > 0, b.high, np.where(b.high < 0, 0.0, b.size))
    return Range(np.maximum(result.low, low), np.minimum(result.high, high), result.bad)


@_rule("floor_divide")
def floor_divide(a: Any, b: Any) -> Range:
    return RULES["floor"](div(a, b))


@_rule("fmod")
def fmod(a: Any, b: Any) -> Range:
    return sub(a, mul(b, RULES["trunc"](div(a, b))))


# --- conditions -----------------------------------------------------------------------------------------------------


@_rule("lt")
def lt(a: Any, b: Any) -> Truth:
    a, b = as_range(a), as_range(b)
    return Truth(a.low < b.high, a.high >= b.low, a.bad | b.bad)


@_rule("le")
def le(a: Any, b: Any) -> Truth:
    a, b = as_range(a), as_range(b)
    return Truth(a.low <= b.high, a.high > b.low, a.bad | b.bad)


RULES["gt"] = lambda a, b: lt(b, a)
RULES["ge"] = lambda a, b: le(b, a)


@_rule("eq")
def eq(a: Any, b: Any) -> Truth:
    a, b = as_range(a), as_range(b)
    same = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
    return Truth((a.low <= b.high) & (b.low <= a.high), ~same, a.bad | b.bad)


@_rule("ne")
def ne(a: Any, b: Any) -> Truth:
    return logical_not(eq(a, b))


@_rule("logical_not")
def logical_not(c: Any) -> Truth:
    c = as_truth(c)
    return Truth(c.cannot, c.can, c.bad)


@_rule("logical_and")
def logical_and(a: Any, b: Any) -> Truth:
    a, b = as_truth(a), as_truth(b)
    return Truth(a.can & b.can, a.cannot | b.cannot, a.bad | b.bad)


@_rule("logical_or")
def logical_or(a: Any, b: Any) -> Truth:
    return logical_not(logical_and(logical_not(a), logical_not(b)))


@_rule("where")
def where(c: Any, a: Any, b: Any) -> Range:
    """The hull of the branches that may be taken; what is undefined in the other one does not matter."""
    c, a, b = as_truth(c), as_range(a), as_range(b)
    low = np.where(c.can & c.cannot, np.minimum(a.low, b.low), np.where(c.can, a.low, b.low))
    high = np.where(c.can & c.cannot, np.maximum(a.high, b.high), np.where(c.can, a.high, b.high))
    return Range(low, high, c.bad | (a.bad & c.can) | (b.bad & c.cannot))


# --- structure ------------------------------------------------------------------------------------------------------


def _structural(name: str) -> None:
    from surefit.core.ops import TABLE

    op = TABLE[name]

    def rule(x: Any, *rest: Any, **params: Any) -> Any:
        if isinstance(x, Truth):
            return Truth(*(op.value(np.asarray(v), *rest, **params) for v in (x.can, x.cannot, x.bad)))
        x = as_range(x)
        parts = (x.low, x.high, np.asarray(x.bad).astype(np.float64))
        low, high, bad = (op.value(v, *rest, **params) for v in parts)
        return Range(low, high, np.asarray(bad) != 0)

    RULES[name] = rule


for _name in ("reshape", "transpose", "broadcast_to", "flip", "slice", "take", "window"):
    _structural(_name)


@_rule("cast")
def cast(x: Any, dtype: np.dtype) -> Any:
    """The same numbers: bounds are those of exact arithmetic. To an integer, truncated."""
    if dtype == np.dtype(bool):
        return as_truth(x)
    x = as_range(x)
    return RULES["trunc"](x) if dtype.kind == "i" else x


@_rule("concatenate")
def concatenate(*xs: Any, axis: int) -> Range:
    each = [as_range(x) for x in xs]
    return Range(*(np.concatenate([getattr(x, part) for x in each], axis=axis) for part in ("low", "high", "bad")))


@_rule("pad")
def pad(x: Any, low: Any, high: Any, interior: Any, value: float) -> Range:
    from surefit.core.ops import TABLE

    x = as_range(x)
    lows, highs = (TABLE["pad"].value(v, low, high, interior, value) for v in (x.low, x.high))
    return Range(lows, highs, TABLE["pad"].value(np.asarray(x.bad), low, high, interior, False))


@_rule("amax")
def amax(x: Any, axes: tuple[int, ...]) -> Range:
    x = as_range(x)
    return Range(x.low.max(axis=axes), x.high.max(axis=axes), x.bad.any(axis=axes))


__all__ = [
    "EPS", "RULES", "TRUST", "Range", "Truth", "above", "as_range", "as_truth", "below", "down", "gamma", "largest_of",
    "up",
]  # fmt: skip
