"""Affine forms with a remainder: what a formula is on a box, up to a small rest. Many boxes at once.

On the box x = centre + r e, |e_i| <= 1, a form (c, g, rho) says that the value lies in c + g . e +- rho. Sums are
exact, a product leaves the product of the parts that vary, and a smooth function leaves half its second derivative
times the square of its argument's reach: so rho falls with the square of the box, where a plain range falls with its
size (Makino and Berz 2003, Taylor models of order 1; Stolfi and de Figueiredo 1997, affine arithmetic).

Every form carries the plain range of its value as well, and takes of both what is narrower. Roundings of the form's own
arithmetic are bounded by ROUND u times the sizes of what was added, and go into rho.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.interval import RULES, Range, Truth, as_range, up
from surefit.bounds.reading import SIGNS, read
from surefit.bounds.written import WRITTEN
from surefit.formulas.expression import Expression

U = 2.0**-53
TINY = 1e-300  # above any underflow


class Form:
    """value in c + g . e +- rho and in `range`. c (n,), g (n, d), rho (n,): n boxes of d inputs."""

    __slots__ = ("c", "g", "range", "rho")

    def __init__(self, c: np.ndarray, g: np.ndarray, rho: np.ndarray, range_: Range) -> None:
        """Keeps what is narrower: the form or its range; a form that overflowed is its range."""
        fine = np.isfinite(c) & np.isfinite(g).all(axis=1) & np.isfinite(rho)
        c, g, rho = np.where(fine, c, 0.0), np.where(fine[:, None], g, 0.0), np.where(fine, rho, np.inf)
        reach = up((np.abs(g).sum(axis=1) + rho) * (1 + (g.shape[1] + 4) * 2 * U) + TINY)
        low, high = np.nextafter(c - reach, -np.inf), np.nextafter(c + reach, np.inf)
        range_ = Range(np.maximum(range_.low, low), np.minimum(range_.high, high), range_.bad)
        # two enclosures of one value that do not meet cannot be: keep the wider truth rather than nothing
        odd = range_.low > range_.high
        range_ = Range(np.where(odd, -np.inf, range_.low), np.where(odd, np.inf, range_.high), range_.bad | odd)
        middle = range_.middle
        radius = range_.radius(middle)
        flat = radius < rho
        self.c = np.where(flat, middle, c)
        self.g = np.where(flat[:, None], 0.0, g)
        self.rho = np.where(flat, radius, rho)
        self.range = range_

    @property
    def size(self) -> np.ndarray:
        """|c| + |g| + rho, rounded up: above every absolute value."""
        return (np.abs(self.c) + np.abs(self.g).sum(axis=1) + self.rho) * (1 + (self.g.shape[1] + 4) * 2 * U)

    @property
    def spread(self) -> np.ndarray:
        """|g|, the sum over the inputs, rounded up."""
        return np.abs(self.g).sum(axis=1) * (1 + (self.g.shape[1] + 2) * 2 * U)

    @property
    def bad(self) -> np.ndarray:
        return self.range.bad


def _pad(form: Form) -> float:
    return (32 + 4 * form.g.shape[1]) * U


def inputs(low: np.ndarray, high: np.ndarray) -> list[Form]:
    """The variables on boxes with ends (n, d)."""
    n, d = low.shape
    c = 0.5 * low + 0.5 * high
    r = up(np.maximum(high - c, c - low))
    forms = []
    for i in range(d):
        g = np.zeros((n, d))
        g[:, i] = r[:, i]
        forms.append(Form(c[:, i], g, np.zeros(n), Range(low[:, i], high[:, i])))
    return forms


def of_range(r: Range, n: int, d: int) -> Form:
    """A form without slopes."""
    r = Range(np.broadcast_to(r.low, (n,)), np.broadcast_to(r.high, (n,)), np.broadcast_to(r.bad, (n,)))
    m = r.middle
    return Form(m, np.zeros((n, d)), r.radius(m), r)


def neg(a: Form) -> Form:
    return Form(-a.c, -a.g, a.rho, I.neg(a.range))


def add(a: Form, b: Form) -> Form:
    rho = (a.rho + b.rho) * (1 + 4 * U) + _pad(a) * (a.size + b.size) + TINY
    return Form(a.c + b.c, a.g + b.g, rho, I.add(a.range, b.range))


def sub(a: Form, b: Form) -> Form:
    return add(a, neg(b))


def mul(a: Form, b: Form) -> Form:
    if a is b:
        return square(a)
    rest = np.abs(a.c) * b.rho + np.abs(b.c) * a.rho + (a.spread + a.rho) * (b.spread + b.rho)
    rho = rest * (1 + 16 * U) + _pad(a) * (a.size * b.size) + TINY
    g = a.c[:, None] * b.g + b.c[:, None] * a.g
    return Form(a.c * b.c, g, rho, I.mul(a.range, b.range))


def scale(a: Form, factor: Range) -> Form:
    """Times a constant."""
    m = factor.middle
    rho = np.abs(m) * a.rho + factor.radius(m) * a.size
    rho = rho * (1 + 8 * U) + _pad(a) * (np.abs(m) * a.size) + TINY
    return Form(m * a.c, m * a.g, rho, I.mul(a.range, factor))


def _tangent(a: Form, value: Range, slope: Range, bend: Range, whole: Range) -> Form:
    """phi(a) by Taylor's theorem: value and slope at a.c, bend a range of phi'' over a's range, whole one of phi."""
    reach = up(a.spread + a.rho)
    square_ = I.square(Range(np.zeros_like(reach), reach))
    rest = I.mul(I.mul(bend, 0.5), square_)  # phi''/2 t^2, t^2 anywhere in [0, reach^2]
    lam = slope.middle
    shift = I.add(value, rest)
    c = shift.middle
    rho = shift.radius(c) + np.abs(lam) * a.rho + slope.radius(lam) * reach
    rho = rho * (1 + 16 * U) + _pad(a) * (np.abs(c) + np.abs(lam) * a.size) + TINY
    whole = Range(whole.low, whole.high, whole.bad | a.bad)
    return Form(c, lam[:, None] * a.g, rho, whole)


def _point(a: Form) -> Range:
    return Range(a.c, a.c)


def _smooth(phi: Callable[..., Range], slope: Callable[..., Range], bend: Callable[..., Range]) -> Callable[..., Form]:
    """slope(x, y) and bend(x, y) give phi' and phi'' from the argument and the value."""

    def rule(a: Form) -> Form:
        with np.errstate(all="ignore"):
            at = np.clip(a.c, a.range.low, a.range.high)
            x = Range(at, at)
            shifted = at != a.c  # the centre of the form may lie outside of the range that is known: no tangent then
            y, whole = phi(x), phi(a.range)
            result = _tangent(a, y, slope(x, y), bend(a.range, whole), whole)
            ok = ~(y.bad | whole.bad | shifted)
            return _either(ok, result, of_range(whole, *a.g.shape))

    return rule


def _either(ok: np.ndarray, first: Form, second: Form) -> Form:
    """The first form where it may be used, else the second; both have the same range."""
    return Form(
        np.where(ok, first.c, second.c),
        np.where(ok[:, None], first.g, second.g),
        np.where(ok, first.rho, second.rho),
        second.range if not ok.any() else Range(
            np.where(ok, np.maximum(first.range.low, second.range.low), second.range.low),
            np.where(ok, np.minimum(first.range.high, second.range.high), second.range.high),
            first.range.bad | second.range.bad,
        ),
    )  # fmt: skip


def square(a: Form) -> Form:
    with np.errstate(all="ignore"):
        x = _point(a)
        two = Range(np.full(len(a.c), 2.0), np.full(len(a.c), 2.0))
        return _tangent(a, I.square(x), I.mul(x, 2.0), two, I.square(a.range))


def whole_power(a: Form, n: int) -> Form:
    """a to a whole power."""
    if n == 1:
        return a
    if n == 2:
        return square(a)
    with np.errstate(all="ignore"):
        x, whole = _point(a), I.whole_power(a.range, n)
        y = I.whole_power(x, n)
        slope = I.mul(I.whole_power(x, n - 1), float(n))
        bend = I.mul(I.whole_power(a.range, n - 2), float(n * (n - 1)))
        result = _tangent(a, y, slope, bend, whole)
        inside = (a.range.low <= a.c) & (a.c <= a.range.high)  # else the remainder would reach out of the range
        ok = inside & ~(y.bad | whole.bad | bend.bad | slope.bad)
        return _either(ok, result, of_range(whole, *a.g.shape))


def _per(x: Any) -> Range:
    return I.div(1.0, x)


def _one_minus(x: Range) -> Range:
    return I.sub(1.0, x)


def _twice(x: Range, factor: float = 2.0) -> Range:
    return I.mul(x, factor)


def _tanh_bend(x: Range, y: Range) -> Range:
    """-2 y (1 - y^2), which has its extremes 0.7698 at y = +-1 / sqrt 3."""
    raw = I.mul(_twice(y, -2.0), _one_minus(I.square(y)))
    return raw.intersect(Range(np.full(y.shape, -0.76981), np.full(y.shape, 0.76981)))


def _sigmoid_bend(x: Range, y: Range) -> Range:
    raw = I.mul(I.mul(y, _one_minus(y)), _one_minus(_twice(y)))
    return raw.intersect(Range(np.full(y.shape, -0.096226), np.full(y.shape, 0.096226)))


def _log_rules(name: str, base: float) -> Callable[..., Form]:
    per = _per(I.log(Range(np.array(base), np.array(base))))
    return _smooth(
        RULES[name], lambda x, y: I.mul(_per(x), per), lambda x, y: I.mul(I.neg(_per(I.square(x))), per)
    )  # fmt: skip


_ERF = I.div(2.0, I.sqrt(Range(np.array(3.141592653589793), np.array(3.1415926535897936))))
_LN2 = I.log(Range(np.array(2.0), np.array(2.0)))


def _erf_slope(x: Range, y: Range) -> Range:
    return I.mul(_ERF, I.exp(I.neg(I.square(x))))


def _erfinv_slope(x: Range, y: Range) -> Range:
    return I.div(I.exp(I.square(y)), _ERF)


def _root_slope(x: Range, y: Range) -> Range:
    return _per(_twice(y))


def _under_root(x: Range, sign: float) -> Range:
    """1 / sqrt(1 + sign x^2)."""
    return _per(I.sqrt(I.add(1.0, I.mul(I.square(x), sign))))


UNARY: dict[str, Callable[..., Form]] = {
    "exp": _smooth(I.exp, lambda x, y: y, lambda x, y: y),
    "expm1": _smooth(RULES["expm1"], lambda x, y: I.exp(x), lambda x, y: I.exp(x)),
    "exp2": _smooth(RULES["exp2"], lambda x, y: I.mul(y, _LN2), lambda x, y: I.mul(y, I.square(_LN2))),
    "log": _smooth(I.log, lambda x, y: _per(x), lambda x, y: I.neg(_per(I.square(x)))),
    "log2": _log_rules("log2", 2.0),
    "log10": _log_rules("log10", 10.0),
    "log1p": _smooth(I.log1p, lambda x, y: _per(I.add(x, 1.0)), lambda x, y: I.neg(_per(I.square(I.add(x, 1.0))))),
    "sin": _smooth(I.sin, lambda x, y: I.cos(x), lambda x, y: I.neg(y)),
    "cos": _smooth(I.cos, lambda x, y: I.neg(I.sin(x)), lambda x, y: I.neg(y)),
    "tan": _smooth(I.tan, lambda x, y: I.add(I.square(y), 1.0), lambda x, y: I.mul(_twice(y), I.add(I.square(y), 1.0))),
    "tanh": _smooth(I.tanh, lambda x, y: _one_minus(I.square(y)), _tanh_bend),
    "sigmoid": _smooth(I.sigmoid, lambda x, y: I.mul(y, _one_minus(y)), _sigmoid_bend),
    "softplus": _smooth(
        I.softplus, lambda x, y: I.sigmoid(x), lambda x, y: I.mul(I.sigmoid(x), _one_minus(I.sigmoid(x)))
    ),
    "sinh": _smooth(I.sinh, lambda x, y: I.cosh(x), lambda x, y: y),
    "cosh": _smooth(I.cosh, lambda x, y: I.sinh(x), lambda x, y: y),
    "atan": _smooth(
        I.atan,
        lambda x, y: _per(I.add(I.square(x), 1.0)),
        lambda x, y: I.div(_twice(x, -2.0), I.square(I.add(I.square(x), 1.0))),
    ),
    "asin": _smooth(
        RULES["asin"], lambda x, y: _under_root(x, -1.0), lambda x, y: I.mul(x, I.whole_power(_under_root(x, -1.0), 3))
    ),
    "acos": _smooth(
        RULES["acos"],
        lambda x, y: I.neg(_under_root(x, -1.0)),
        lambda x, y: I.neg(I.mul(x, I.whole_power(_under_root(x, -1.0), 3))),
    ),
    "asinh": _smooth(
        RULES["asinh"],
        lambda x, y: _under_root(x, 1.0),
        lambda x, y: I.neg(I.mul(x, I.whole_power(_under_root(x, 1.0), 3))),
    ),
    "erf": _smooth(I.erf, _erf_slope, lambda x, y: I.mul(_twice(x, -2.0), _erf_slope(x, y))),
    "erfc": _smooth(
        RULES["erfc"],
        lambda x, y: I.neg(_erf_slope(x, y)),
        lambda x, y: I.mul(_twice(x, 2.0), _erf_slope(x, y)),
    ),
    "erfinv": _smooth(RULES["erfinv"], _erfinv_slope, lambda x, y: I.mul(_twice(y), I.square(_erfinv_slope(x, y)))),
    "gamma": _smooth(
        I.gamma_,
        lambda x, y: I.mul(y, I.digamma(x)),
        lambda x, y: I.mul(y, I.add(I.square(I.digamma(x)), I.polygamma(1, x))),
    ),
    "lgamma": _smooth(I.lgamma, lambda x, y: I.digamma(x), lambda x, y: I.polygamma(1, x)),
    "digamma": _smooth(I.digamma, lambda x, y: I.polygamma(1, x), lambda x, y: I.polygamma(2, x)),
    "reciprocal": _smooth(_per, lambda x, y: I.neg(I.square(y)), lambda x, y: _twice(I.whole_power(y, 3))),
    "square": square,
    "neg": neg,
}


def sqrt(a: Form) -> Form:
    """Near 0, where the second derivative is not bounded, the chord: sqrt lies above it by no more than this."""
    with np.errstate(all="ignore"):
        tangent = _smooth(I.sqrt, _root_slope, lambda x, y: I.mul(_per(I.mul(x, y)), -0.25))(a)
        lo, hi = np.maximum(a.range.low, 0.0), np.maximum(a.range.high, 0.0)
        s_lo, s_hi = I.sqrt(Range(lo, lo)), I.sqrt(Range(hi, hi))
        both = I.add(s_lo, s_hi)
        lam = _per(both).middle  # any slope would do; this one is the chord's
        # sqrt x - lam x on [lo, hi]: concave, least at an end, largest where 1 / (2 sqrt x) = lam: at most 1 / (4 lam)
        at_ends = [I.sub(s, I.mul(Range(x, x), Range(lam, lam))) for s, x in ((s_lo, lo), (s_hi, hi))]
        top = I.div(0.25, Range(lam, lam))
        span = Range(np.minimum(at_ends[0].low, at_ends[1].low), np.maximum(top.high, at_ends[0].high))
        chord = _line(a, lam, span, I.sqrt(a.range))
        better = chord.rho < tangent.rho
        usable = better & ~a.bad & ~chord.bad & np.isfinite(lam)
        return _either(usable, chord, tangent)


def _line(a: Form, lam: np.ndarray, span: Range, whole: Range) -> Form:
    """A value that is lam a plus something in span."""
    c0 = span.middle
    c = lam * a.c + c0
    rho = (np.abs(lam) * a.rho + span.radius(c0)) * (1 + 8 * U)
    rho = rho + _pad(a) * (np.abs(lam) * a.size + np.abs(c0)) + TINY
    return Form(c, lam[:, None] * a.g, rho, Range(whole.low, whole.high, whole.bad | a.bad))


def relu(a: Form) -> Form:
    """Where the sign is not known, between the lines lam x and lam (x - low)."""
    with np.errstate(all="ignore"):
        low, high = a.range.low, a.range.high
        zeros = np.zeros_like(low)
        lam = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, np.clip(high / (high - low), 0.0, 1.0)))
        # max(x, 0) - lam x: 0 at 0, -lam low at low, (1 - lam) high at high, linear between
        ends = [I.mul(Range(-lam, -lam), Range(low, low)), I.mul(I.sub(1.0, Range(lam, lam)), Range(high, high))]
        top = np.where((low >= 0) | (high <= 0), 0.0, np.maximum(ends[0].high, ends[1].high))
        top = np.where(np.isfinite(top), top, np.inf)
        return _line(a, lam, Range(zeros, np.maximum(top, 0.0)), I.relu(a.range))


def _abs(a: Form) -> Form:
    twice = scale(relu(a), Range(np.array(2.0), np.array(2.0)))
    form = sub(twice, a)
    whole = I.absolute(a.range)
    return Form(form.c, form.g, form.rho, form.range.intersect(whole))


def maximum(a: Form, b: Form) -> Form:
    form = add(b, relu(sub(a, b)))
    return Form(form.c, form.g, form.rho, form.range.intersect(I.maximum(a.range, b.range)))


def minimum(a: Form, b: Form) -> Form:
    return neg(maximum(neg(a), neg(b)))


def _sinc_slope(x: Range, y: Range) -> Range:
    """Of sin(t) / t at t = pi x: (cos(t) - sin(t) / t) / t, and near 0 between -t / 3 and -t / 3 + t^3 / 30."""
    pi = CONSTANTS["pi"]
    t = I.mul(x, pi)
    apart = I.div(I.sub(I.cos(t), y), t)
    first, third = I.div(t, -3.0), I.div(I.whole_power(t, 3), 30.0)
    near = Range(np.minimum(first.low, I.add(first, third).low), np.maximum(first.high, I.add(first, third).high))
    small = t.size < 0.25
    low, high = np.where(small, near.low, apart.low), np.where(small, near.high, apart.high)
    return I.mul(Range(low, high, np.where(small, False, apart.bad)), pi)


def _sinc_bend(x: Range, y: Range) -> Range:
    """sin(t) / t is the mean of cos(t s), 0 <= s <= 1: its second derivative in t is at most 1/3, pi^2 / 3 in x."""
    raw = np.full(x.shape, 3.2899)
    return Range(-raw, raw)


SINC = _smooth(lambda x: _sinc(x), _sinc_slope, _sinc_bend)


class AffineArithmetic:
    """Formulas read on n boxes of d inputs."""

    def __init__(self, n: int, d: int) -> None:
        self.n, self.d = n, d

    def _range(self, r: Range) -> Form:
        return of_range(r, self.n, self.d)

    def number(self, value: Fraction) -> Form:
        return self._range(Range.exact(value))

    def constant(self, name: str) -> Form:
        return self._range(CONSTANTS[name])

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Form:
        rule = _RULES.get(op)
        if rule is not None:
            return rule(*args)
        if op == "mul":
            for i in (0, 1):
                if exact[i] is not None:
                    return scale(args[1 - i], Range.exact(exact[i]))  # type: ignore[arg-type]
            return mul(*args)
        if op == "div":
            if exact[1] is not None and exact[1] != 0:
                form = scale(args[0], Range.exact(1 / exact[1]))  # and the ends of x/3 on -3:3 are whole
                return Form(form.c, form.g, form.rho, form.range.intersect(I.div(args[0].range, args[1].range)))
            per = UNARY["reciprocal"](args[1])
            if exact[0] is not None:
                return scale(per, Range.exact(exact[0]))
            form = mul(args[0], per)
            return Form(form.c, form.g, form.rho, form.range.intersect(I.div(args[0].range, args[1].range)))
        if op == "pow":
            return self._power(args[0], args[1], exact[1])
        if op == "clip":
            return minimum(maximum(args[0], args[1]), args[2])
        if op in ("min", "max"):
            join = maximum if op == "max" else minimum
            form = args[0]
            for other in args[1:]:
                form = join(form, other)
            return form
        whole = self._range(ranged(op, [a.range for a in args], exact))
        if op == "cbrt":
            return self._cbrt(args[0], whole)
        if op == "sinc":
            return self._where([(np.ones(self.n, bool), SINC(args[0]))], whole)
        return self._where([(np.ones(self.n, bool), WRITTEN[op](self, *args))], whole) if op in WRITTEN else whole

    def do(self, op: str, *args: Any) -> Form:
        """A function of forms, as the functions that are written as others ask for it."""
        return self.call(op, list(args), [None] * len(args))

    def _where(self, cases: list[tuple[np.ndarray, Form]], whole: Form) -> Form:
        """In each box the first of these forms that holds and has values there; all have the range of `whole` too."""
        c, g, rho, low, high = whole.c, whole.g, whole.rho, whole.range.low, whole.range.high
        open_ = np.ones(self.n, bool)
        for holds, form in cases:
            here = open_ & holds & ~form.range.bad & np.isfinite(form.rho)
            c, g, rho = np.where(here, form.c, c), np.where(here[:, None], form.g, g), np.where(here, form.rho, rho)
            low = np.where(here, np.maximum(form.range.low, low), low)
            high = np.where(here, np.minimum(form.range.high, high), high)
            open_ &= ~here
        return Form(c, g, rho, Range(low, high, whole.range.bad))

    def _cbrt(self, a: Form, whole: Form) -> Form:
        """Of a value that keeps its sign: exp(log(|x|) / 3), and its range else."""
        third = Range.exact(Fraction(1, 3))
        root = lambda x: UNARY["exp"](scale(UNARY["log"](x), third))
        return self._where([(a.range.low > 0, root(a)), (a.range.high < 0, neg(root(neg(a))))], whole)

    def _power(self, a: Form, b: Form, n: Fraction | None) -> Form:
        if n is not None and n.denominator == 1 and 0 < abs(n) <= 64:
            k = int(n)
            return whole_power(a, k) if k > 0 else UNARY["reciprocal"](whole_power(a, -k))
        if n is not None and n == Fraction(1, 2):
            return sqrt(a)
        whole = self._range(ranged("pow", [a.range, b.range], [None, n]))
        positive = ~a.range.bad & (a.range.low > 0)  # a^b = exp(b log a)
        if not positive.any():
            return whole
        return self._where([(positive, UNARY["exp"](mul(b, UNARY["log"](a))))], whole)

    def compare(self, sign: str, a: Form, b: Form, exact: list[Fraction | None]) -> Truth:
        if (known := with_number(sign, a.range, b.range, exact)) is not None:
            return known
        rule: Callable[..., Truth] = RULES[SIGNS[sign]]
        difference = sub(a, b).range  # narrower than two ranges of values that vary together
        return rule(difference, 0.0)

    def join(self, op: str, args: list[Any]) -> Truth:
        return join(op, args)

    def as_number(self, condition: Any) -> Form:
        return self._range(as_range(condition))

    def decided(self, condition: Any) -> bool | None:
        return None

    def choose(self, condition: Truth, then: Any, other: Any) -> Any:
        if isinstance(then, Truth):
            return RangeArithmetic().choose(condition, then, other)
        both = condition.can & condition.cannot
        hull = I.where(condition, then.range, other.range)
        only = np.where(condition.can, 1, 0)
        c = np.where(only == 1, then.c, other.c)
        g = np.where((only == 1)[:, None], then.g, other.g)
        rho = np.where(both, np.inf, np.where(only == 1, then.rho, other.rho))
        return Form(c, g, rho, hull)


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def with_number(sign: str, a: Range, b: Range, exact: list[Fraction | None]) -> Truth | None:
    """A comparison of a value with a number, of which one side is exact; None for others.

    0.3 lies between two floats, and each of them is surely on its side of it.
    """
    if sign not in _TURNED or (exact[0] is None) == (exact[1] is None):
        return None
    x, number, sign = (a, exact[1], sign) if exact[0] is None else (b, exact[0], _TURNED[sign])
    near = Range.exact(number)  # type: ignore[arg-type]
    below, above = float(near.low), float(near.high)  # the number itself, if it is a float
    if sign == "<":
        return Truth(x.low < above, x.high >= above, x.bad)
    if sign == "<=":
        return Truth(x.low <= below, x.high > below, x.bad)
    if sign == ">":
        return Truth(x.high > below, x.low <= below, x.bad)
    return Truth(x.high >= above, x.low < above, x.bad)


def join(op: str, args: list[Any]) -> Truth:
    """and, or, not; what is undefined behind a condition that already decides does not matter."""
    if op == "not":
        return I.logical_not(args[0])
    result = args[0]
    for a in args[1:]:
        matters = result.can if op == "and" else result.cannot
        a = Truth(*np.broadcast_arrays(a.can, a.cannot, a.bad & matters))
        result = I.logical_and(result, a) if op == "and" else I.logical_or(result, a)
    return result


CONSTANTS = {
    "pi": Range(np.array(3.141592653589793), np.array(3.1415926535897936)),
    "e": Range(np.array(2.718281828459045), np.array(2.7182818284590455)),
}
_RULES: dict[str, Callable[..., Form]] = UNARY | {
    "add": add, "sub": sub, "sqrt": sqrt, "relu": relu, "abs": _abs,
}  # fmt: skip
del _RULES["reciprocal"]


def _sinc(x: Range) -> Range:
    """sin(pi x) / (pi x), 1 at 0: even, and between 1 - (pi x)^2 / 6 and 1 where |x| <= 1."""
    z = I.mul(x, CONSTANTS["pi"])
    apart = I.div(I.sin(z), z)
    near = I.sub(1.0, I.div(I.square(z), 6.0))
    small = (z.low <= 0) & (z.high >= 0)
    low = np.where(small, np.maximum(near.low, -0.21724), np.maximum(apart.low, -0.21724))
    return Range(low, np.where(small, 1.0, np.minimum(apart.high, 1.0)), x.bad)


def ranged(op: str, args: list[Range], exact: list[Fraction | None]) -> Range:
    """A function of formulas on plain ranges."""
    with np.errstate(all="ignore"):
        if op == "pow":
            n = exact[1]
            if n is not None and n.denominator == 1 and abs(n) <= 4096:
                return I.whole_power(args[0], int(n))
            if n is not None and n == Fraction(1, 2):
                return I.sqrt(args[0])
            return I.power(args[0], args[1])
        if op == "sinc":
            return _sinc(args[0])
        if op in ("heaviside", "step"):
            at_zero = Range.of(1.0) if op == "step" else args[1] if len(args) == 2 else Range.of(0.5)
            x = args[0]
            other = I.where(RULES["gt"](x, 0.0), Range.of(1.0), Range.of(0.0))
            return I.where(I.eq(x, 0.0), at_zero, other)
        if op in ("cot", "csc", "sec"):
            inner = {"cot": I.tan, "csc": I.sin, "sec": I.cos}[op](args[0])
            return I.div(I.cos(args[0]), I.sin(args[0])) if op == "cot" else _per(inner)
        if op == "mod":
            return RULES["remainder"](*args)
        if op in ("min", "max"):
            result = args[0]
            for a in args[1:]:
                result = (I.maximum if op == "max" else I.minimum)(result, a)
            return result
        if op == "clip":
            return I.minimum(I.maximum(args[0], args[1]), args[2])
        rule = RULES.get(op)
        if rule is None:
            from surefit.errors import FormulaError

            raise FormulaError(f"{op}() has no bounds, so nothing can be proved of a formula with it")
        return rule(*args)


class RangeArithmetic:
    """Formulas read on plain ranges."""

    def number(self, value: Fraction) -> Range:
        return Range.exact(value)

    def constant(self, name: str) -> Range:
        return CONSTANTS[name]

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Range:
        return ranged(op, args, exact)

    def compare(self, sign: str, a: Any, b: Any, exact: list[Fraction | None]) -> Truth:
        if (known := with_number(sign, a, b, exact)) is not None:
            return known
        rule: Callable[..., Truth] = RULES[SIGNS[sign]]
        return rule(a, b)

    def join(self, op: str, args: list[Any]) -> Truth:
        return join(op, args)

    def as_number(self, condition: Any) -> Range:
        return as_range(condition)

    def decided(self, condition: Any) -> bool | None:
        return None

    def choose(self, condition: Truth, then: Any, other: Any) -> Any:
        if isinstance(then, Truth):
            yes, no = I.logical_and(condition, then), I.logical_and(I.logical_not(condition), other)
            return I.logical_or(yes, no)
        return I.where(condition, then, other)


def form_of(formula: Expression, low: np.ndarray, high: np.ndarray) -> Form:
    """A formula on boxes with ends (n, d), a column for each of its variables -> its affine form.

    >>> from surefit.formulas import parse
    >>> f = form_of(parse("x^2"), np.array([[0.9]]), np.array([[1.1]]))
    >>> float(f.c[0]), float(f.g[0, 0]), float(f.rho[0])
    (1.005..., 0.2..., 0.005...)
    """
    n, d = low.shape
    with np.errstate(all="ignore"):
        values = dict(zip(formula.variables, inputs(low, high), strict=True))
        result: Form = read(formula, values, AffineArithmetic(n, d))
    return result


def range_of(formula: Expression, low: np.ndarray, high: np.ndarray) -> Range:
    """A formula on boxes with ends (n, d) -> its plain range (n,)."""
    with np.errstate(all="ignore"):
        values = {v: Range(low[:, i], high[:, i]) for i, v in enumerate(formula.variables)}
        r = as_range(read(formula, values, RangeArithmetic()))
    n = len(low)
    return Range(*(np.broadcast_to(v, (n,)) for v in (r.low, r.high, r.bad)))


__all__ = ["AffineArithmetic", "Form", "RangeArithmetic", "form_of", "range_of", "with_number"]
