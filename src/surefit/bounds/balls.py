"""Errors near the rounding of float64: networks of one input and one hidden layer, in ball arithmetic (Arb).

A fit that is good to 1e-13 cannot be proved in float64, whose own rounding is larger. Here formula and network are
expanded at the middle of a box in balls of 128 bits (python-flint, the extra `certify`; Johansson 2017, Arb), and
subtracted there, so that what goes on in float64 is the polynomial of their difference, to its own sixteen digits. What
is cut off is bounded as in taylor.py: the next Taylor coefficient of each unit on the range of its argument, and of the
formula in balls.

How far the running model is from exact arithmetic is added to that (noise.py), unit by unit.

Formulas with branches, kinks or steps are left to the other engines, and so are boxes on which a ball is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds import taylor
from surefit.bounds.affine import Form
from surefit.bounds.branch import Lines, Looked
from surefit.bounds.interval import Range
from surefit.bounds.network import Affine, Network, Unary
from surefit.bounds.noise import running_noise
from surefit.bounds.reading import read
from surefit.bounds.relax import Relaxation, State
from surefit.bounds.written import WRITTEN
from surefit.formulas.expression import Expression

DEGREE = 13
BITS = 128
TINY = 1e-300
LOOSE = 0.5  # of the size of a polynomial, that its remainder may have before lines are asked too
# From there on these are 1, -1 or 0 up to FLAT_REST: 2 exp(-90), exp(-90)
FLAT, FLAT_REST = {"tanh": 45.0, "sigmoid": 90.0}, 2.0**-128
FLAT_SLOPE = 2.0**-127  # and their slopes are at most 4 exp(-90), exp(-90)
MOST_WEIGHTS = 2_000  # of a network that is read in balls: each costs microseconds on each box
MARGIN = 1.0 + 1e-9  # of bounds that are computed in float64 with few roundings
CHECKED = 1.01  # of the noise: with fewer digits than balls have, the checker adds two thirds of a percent to it


def flint() -> Any | None:
    """python-flint, or None where it is not installed."""
    try:
        import flint as found
    except ImportError:
        return None
    return found


@contextmanager
def precision(f: Any, terms: int) -> Iterator[None]:
    """Inside, balls have BITS bits and series so many terms; then python-flint has its own precision again."""
    before = f.ctx.prec, f.ctx.cap
    f.ctx.prec, f.ctx.cap = BITS, terms
    try:
        yield
    finally:
        f.ctx.prec, f.ctx.cap = before


class NotFinite(ArithmeticError):
    """A ball is not finite."""


def _tanh(x: Any) -> Any:
    return 1 - 2 / (1 + (2 * x).exp())


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _through(outer: Any, x: Any) -> Any:
    """A function of a series x, from the series of that function at the first coefficient of x."""
    f: Any = flint()
    rest, y = f.arb_series([0, *(x[k] for k in range(1, f.ctx.cap))]), f.arb_series([])
    for k in range(f.ctx.cap - 1, -1, -1):
        y = y * rest + outer[k]
    return y


def _digamma(x: Any) -> Any:
    """The slope of log gamma, of which one more coefficient is needed."""
    f: Any = flint()
    with precision(f, f.ctx.cap + 1):
        outer = f.arb_series([x[0], 1]).lgamma().derivative()
    return _through(outer, x)


def _erfinv(x: Any) -> Any:
    """The series that erf takes to its argument."""
    f: Any = flint()
    value = x[0].erfinv()
    erf = f.arb_series([value, 1]).erf()
    if f.ctx.cap < 2:
        return f.arb_series([value])
    return _through(f.arb_series([0, *(erf[k] for k in range(1, f.ctx.cap))]).reversion() + value, x)


Rule = Callable[[Any], Any]
FUNCTIONS: dict[str, Rule] = {
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.exp() - 1,
    "log": lambda x: x.log(),
    "log1p": lambda x: (1 + x).log(),
    "sqrt": lambda x: x.sqrt(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "atan": lambda x: x.atan(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: (1 + x.exp()).log(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "gamma": lambda x: x.gamma(),
    "lgamma": lambda x: x.lgamma(),
    "digamma": _digamma,
    "erfinv": _erfinv,
}
UNITS = ("tanh", "sigmoid", "sin", "cos", "exp", "square", "erf", "softplus")
KINKS = {"abs", "relu", "max", "min", "clip"}  # read where a ball lies on one side of each
OPERATIONS = {
    *FUNCTIONS, *WRITTEN, *KINKS, "number", "constant", "variable", "add", "sub", "mul", "div", "pow", "cbrt", "atan2",
}  # fmt: skip


class Series:
    """Formulas read as power series whose coefficients are balls. Every step must be finite, or it is lost."""

    def __init__(self, f: Any) -> None:
        self.f = f

    def number(self, value: Fraction) -> Any:
        return self.f.arb_series([self.f.arb(self.f.fmpq(value.numerator, value.denominator))])

    def constant(self, name: str) -> Any:
        return self.f.arb_series([self.f.arb.pi() if name == "pi" else self.f.arb.const_e()])

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Any:
        try:
            result = self._value(op, args, exact)
        except (ValueError, ZeroDivisionError):  # a divisor that may be 0
            raise NotFinite from None
        if not all(c.is_finite() for c in result):
            raise NotFinite
        return result

    def _value(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Any:
        if op == "add":
            return args[0] + args[1]
        if op == "sub":
            return args[0] - args[1]
        if op == "mul":
            return args[0] * args[1]
        if op == "div":
            return args[0] * self._inverse(args[1])
        if op == "pow":
            return self._power(args[0], args[1], exact[1])
        if op in FUNCTIONS:
            return FUNCTIONS[op](args[0])
        mine: dict[str, Callable[..., Any]]
        mine = {"abs": self._abs, "relu": self._relu, "cbrt": self._cbrt, "atan2": self._atan2}
        return mine[op](*args) if op in mine else WRITTEN[op](self, *args)

    def do(self, op: str, *args: Any) -> Any:
        return self.call(op, list(args), [None] * len(args))

    def _side(self, a: Any) -> int:
        """1 above 0, -1 below, 0 where that is not known; a series without coefficients is 0 itself."""
        if not len(a):
            return 0
        return 1 if a[0] > 0 else -1 if a[0] < 0 else 0

    def _abs(self, a: Any) -> Any:
        side = self._side(a)
        if not side:
            raise NotFinite
        return a if side > 0 else -a

    def _relu(self, a: Any) -> Any:
        return (self._abs(a) + a) / 2

    def _cbrt(self, a: Any) -> Any:
        root = (self.number(Fraction(1, 3)) * self._abs(a).log()).exp()
        return root if self._side(a) > 0 else -root

    def _atan2(self, y: Any, x: Any) -> Any:
        """By the half plane that the values lie in."""
        if self._side(x) > 0:
            return (y * self._inverse(x)).atan()
        side = self._side(y)
        if not side:
            raise NotFinite
        return self.constant("pi") / 2 * side - (x * self._inverse(y)).atan()

    def _inverse(self, a: Any) -> Any:
        if not len(a) or a[0].contains(0):
            raise NotFinite
        return 1 / a

    def _power(self, a: Any, b: Any, p: Fraction | None) -> Any:
        if p is not None and p.denominator == 1 and 0 < abs(p) <= 64:
            result, base, k = None, a, abs(int(p))
            while k:
                if k & 1:
                    result = base if result is None else result * base
                k >>= 1
                base = base * base if k else base
            return self._inverse(result) if p < 0 else result
        if not len(a):
            raise NotFinite
        return a.sqrt() if p == Fraction(1, 2) else (b * a.log()).exp()

    def compare(self, sign: str, a: Any, b: Any, exact: list[Fraction | None]) -> Any:
        raise NotFinite

    def join(self, op: str, args: list[Any]) -> Any:
        raise NotFinite

    def choose(self, condition: Any, then: Any, other: Any) -> Any:
        raise NotFinite

    def decided(self, condition: Any) -> bool | None:
        return None

    def as_number(self, condition: Any) -> Any:
        raise NotFinite


class Bent(Series):
    """Value and slope of formulas that may bend: the second coefficient holds all difference quotients on a ball.

    Almost everywhere a function with kinks has a slope; where |x| has both, it lies between -1 and 1 (Clarke 1983).
    """

    def _abs(self, a: Any) -> Any:
        if self._side(a):
            return super()._abs(a)
        if not len(a):
            return a
        slope = a[1] if len(a) > 1 else self.f.arb(0)
        return self.f.arb_series([abs(a[0]), slope * self.f.arb(0, 1)])


def reads(formulas: Sequence[Expression]) -> bool:
    """Whether formulas are read in balls: python-flint is there, and they are made of functions that it has."""
    return all(n.op in OPERATIONS for f in formulas for n in f.nodes) and flint() is not None


def expanded(f: Any, formula: Expression, m: float, h: float, degree: int) -> tuple[np.ndarray, float]:
    """A formula of one variable on m + h e, |e| <= 1: coefficients (degree + 1,), a remainder; Lost where none is."""
    middle, half = f.arb(m), f.arb(h)
    with precision(f, degree + 2):
        last = _series(f, formula, f.arb(middle, half))[degree + 1]
    with precision(f, degree + 1):
        y, power = _series(f, formula, middle), f.arb(1)
        coef, rest = np.zeros(degree + 1), 0.0
        for a in range(degree + 1):
            value = y[a] * power
            power = power * half
            coef[a] = float(value.mid())
            rest += (float(value.rad()) + 2.0**-52 * abs(coef[a])) * MARGIN + TINY
        rest += float((last * power).abs_upper()) * MARGIN + TINY
    if not (np.isfinite(coef).all() and np.isfinite(rest)):
        raise NotFinite
    return coef, rest


def _series(f: Any, formula: Expression, x: Any) -> Any:
    series = f.arb_series([x, 1])
    return read(formula, dict.fromkeys(formula.variables, series), Series(f))


def fits(net: Network, formulas: Sequence[Expression]) -> bool:
    """Whether a network and its targets are read in balls: one input, one smooth hidden layer, plain formulas."""
    if net.inputs != 1 or not net.kinds() or not net.kinds() <= set(UNITS):
        return False
    linear, weights = {0}, 0
    for i, node in enumerate(net.nodes):
        if isinstance(node, Affine):
            weights += sum(w.size for _, w, _ in node.sources)
            if all(source in linear for source, _, _ in node.sources):
                linear.add(i)
        elif isinstance(node, Unary) and node.source not in linear:
            return False
    return weights <= MOST_WEIGHTS and reads(formulas)


class Balls:
    """Bounds by Taylor models in balls; `lines` where one is not finite, and for the ranges that both rest on.

    exact: the network in exact arithmetic. noise: the network with the roundings of where it runs, or None.
    """

    batch = 64
    excess = 0.02  # the noise of a small box is hardly more than that of a point

    def __init__(self, exact: Network, formulas: Sequence[Expression], lines: Lines, noise: Relaxation | None) -> None:
        self.f: Any = flint()
        self.net, self.formulas, self.lines, self.noise = exact, formulas, lines, noise
        self.real = Relaxation(exact, False)
        self.basis = taylor.basis(1, DEGREE)
        f: Any = self.f
        self.matrices: dict[int, list[Any]] = {}
        for i, node in enumerate(exact.nodes):
            if isinstance(node, Affine):
                self.matrices[i] = [
                    f.arb_mat(w.shape[0], w.shape[1], balls_of(f, w, radius)) for _, w, radius in node.sources
                ]
                self.matrices[i].append(balls_of(f, node.b, node.b_radius))
                if i in exact.divisors:
                    self.matrices[i][0] = divided(f, node.sources[0][1], exact.divisors[i])
        with precision(f, 2):
            rows = self._coefficients(f.arb(0), 2, [n for n in range(len(exact.nodes)) if n in self._linear()])
        self.slopes = {
            i: np.array([float(c[j, 1].abs_upper()) for j in range(c.nrows())]) * MARGIN for i, c in rows.items()
        }

    def _linear(self) -> set[int]:
        linear = {0}
        for i, node in enumerate(self.net.nodes):
            if isinstance(node, Affine) and all(source in linear for source, _, _ in node.sources):
                linear.add(i)
        return linear

    # --- the network ---

    def _coefficients(
        self, m: Any, terms: int, nodes: Sequence[int], flat: Mapping[int, np.ndarray] | None = None
    ) -> dict[int, Any]:
        """For each node a matrix of balls (units, terms): its Taylor coefficients at m.

        flat: of a node with functions the units that are a constant, see `flat`.
        """
        f: Any = self.f
        found: dict[int, Any] = {0: f.arb_mat(1, terms, [m, *([1] * (terms > 1)), *([0] * (terms - 2))])}
        for i in nodes[1:]:
            node = self.net.nodes[i]
            if isinstance(node, Affine):
                *weights, b = self.matrices[i]
                total = None
                for w, (source, _, _) in zip(weights, node.sources, strict=True):
                    part = w * found[source]
                    total = part if total is None else total + part
                if total is None:
                    total = f.arb_mat(node.size, terms, [0] * (node.size * terms))
                for j, value in enumerate(b):
                    total[j, 0] = total[j, 0] + value
                found[i] = total
                continue
            assert isinstance(node, Unary)
            z, entries = found[node.source], []
            still = None if flat is None else flat.get(i)
            for j in range(node.size):
                if still is not None and still[j]:
                    end = 1 if still[j] > 0 else 0 if node.kind == "sigmoid" else -1
                    entries += [f.arb(end, FLAT_REST), *([0] * (terms - 1))]
                    continue
                y = FUNCTIONS[node.kind](f.arb_series([z[j, k] for k in range(min(2, terms))]))
                entries += [y[k] if k < len(y) else 0 for k in range(terms)]
            found[i] = f.arb_mat(node.size, terms, entries)
        return found

    def flat(self, states: Sequence[State]) -> dict[int, np.ndarray]:
        """Of tanh and sigmoid units (n, units): 1 or -1 where they are their limits on a whole box, else 0."""
        found = {}
        for i, node in enumerate(self.net.nodes):
            if isinstance(node, Unary) and node.kind in FLAT:
                z, far = states[node.source], FLAT[node.kind]
                found[i] = (z.low >= far).astype(int) - (z.high <= -far)
        return found

    def still_slopes(self, flat: Mapping[int, np.ndarray]) -> np.ndarray:
        """The slopes (k,) which units that count as constants, see `flat`, may add: of one hidden layer."""
        total = np.zeros(len(self.formulas))
        last = self.net.nodes[-1]
        assert isinstance(last, Affine)
        for source, w, radius in last.sources:
            node = self.net.nodes[source]
            if isinstance(node, Unary) and source in flat:
                size = np.abs(w) if radius is None else np.abs(w) + radius
                total = total + size @ np.where(flat[source] != 0, self.slopes[node.source] * FLAT_SLOPE, 0.0)
        return total * MARGIN

    def remainders(
        self, states: Sequence[State], h: np.ndarray, flat: Mapping[int, np.ndarray] | None = None
    ) -> np.ndarray:
        """What all terms beyond the last are at most on boxes (n, 1) of half width h (n,) -> (n, outputs).

        states: those of the boxes. flat: units that have no such terms, see `flat`.
        """
        n = len(h)
        rest: list[np.ndarray] = [np.zeros((n, 1))]
        for i, node in enumerate(self.net.nodes[1:], 1):
            if isinstance(node, Affine):
                total = np.zeros((n, node.size))
                for source, w, radius in node.sources:
                    total = total + rest[source] @ (np.abs(w) if radius is None else np.abs(w) + radius).T
                rest.append(total * MARGIN)
                continue
            assert isinstance(node, Unary)
            if node.kind == "square":  # a polynomial of degree two
                rest.append(np.zeros((n, node.size)))
                continue
            s = states[node.source]
            mine = np.ones((n, node.size), bool) if flat is None or i not in flat else flat[i] == 0
            z = Range(s.low[mine], s.high[mine])
            _, last = taylor.series_of(node.kind, z.middle, z, DEGREE + 1)
            reach = np.broadcast_to(self.slopes[node.source], (n, node.size))[mine] * np.repeat(h, mine.sum(axis=1))
            beyond = np.zeros((n, node.size))
            beyond[mine] = (last.size * (reach * MARGIN) ** (DEGREE + 1) + TINY) * MARGIN
            rest.append(beyond)
        return rest[-1]

    # --- bounds ---

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n, k = len(low), len(self.formulas)
        B, f = self.basis, self.f
        c = np.clip(0.5 * low + 0.5 * high, low, high)[:, 0]
        h = np.nextafter(np.maximum(high[:, 0] - c, c - low[:, 0]), np.inf)
        coef, rho, bad = np.zeros((n, k, B.M)), np.zeros((n, k)), np.zeros((n, k), bool)
        with np.errstate(all="ignore"):
            states = self.real.forward(low, high)
            flat = self.flat(states)
            rest = self.remainders(states, h, flat)
            forms: list[Form] | None = None
            for i in range(n):
                m = f.arb(float(c[i]))
                rows = self.rows(m, {node: mine[i] for node, mine in flat.items()})
                try:
                    coef[i], rho[i] = self._box(m, f.arb(float(h[i])), rows)
                except NotFinite:
                    forms = self.lines.target(low, high) if forms is None else forms
                    coef[i], rho[i] = self.beside(rows, float(h[i]), forms, i)
                    bad[i] = [form.bad[i] for form in forms]
            rho = (
                rho + rest + (0.0 if self.noise is None else CHECKED * running_noise(self.noise, low, high))
            ) * MARGIN
            shift = 8 * 2.0**-52 * (np.abs(c) + h) / np.maximum(h, TINY)
            bounds, rests, slope = np.full((n, k), np.inf), np.zeros(n), np.zeros((n, 1))
            surely, at = np.zeros(n), np.zeros((n, 1))
            for j in range(k):
                t = taylor.Taylor(B, coef[:, j], rho[:, j])
                least, most, reached, e = taylor.polynomial_range(t, shift)
                bounds[:, j] = np.where(np.isfinite(t.rho), np.maximum(most, -least), np.inf)
                better = (reached > surely) & ~bad.any(axis=1)
                surely, at = np.where(better, reached, surely), np.where(better[:, None], e, at)
                slope[:, 0] += np.abs(t.coef[:, 1:]).sum(axis=1)
                rests += np.where(np.isfinite(t.rho), t.rho, 1.0)
        bounds = np.where(bad | ~(bounds < np.inf), np.inf, bounds)
        # where units bend too much for a polynomial, and where nothing is known of the formula
        lost = bad.any(axis=1) | ~(rho < LOOSE * np.abs(coef).sum(axis=2)).all(axis=1)
        lost &= (low < high).any(axis=1) | bad.any(axis=1)
        if lost.any():
            other = self.lines.look(low[lost], high[lost])
            bounds[lost], bad[lost] = np.fmin(bounds[lost], other.bound), bad[lost] | other.bad
            slope[lost], rests[lost] = other.slope, other.rest
        return Looked(bounds, slope, rests, bad, surely, np.clip(c[:, None] + h[:, None] * at, low, high))

    def rows(self, m: Any, flat: Mapping[int, np.ndarray] | None = None) -> Any:
        """The Taylor coefficients of the outputs at m, a matrix of balls (k, M). flat: see `_coefficients`."""
        last = len(self.net.nodes) - 1
        with precision(self.f, self.basis.M):
            return self._coefficients(m, self.basis.M, range(last + 1), flat)[last]

    def beside(self, rows: Any, h: float, forms: Sequence[Form], i: int) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (k, M) of target - network on m + h e, and a rest (k,), with lines in the place of the formulas.

        rows: those of the network at m. forms: of the formulas on boxes, of which this is number i.
        """
        q, off, _, _ = self.alone(rows, h)
        c, g, rho = (np.array(v) for v in zip(*((x.c[i], x.g[i, 0], x.rho[i]) for x in forms), strict=True))
        coef = -q
        coef[:, 0] += c
        coef[:, 1] += g
        size = np.abs(coef[:, :2]).sum(axis=1) + np.abs(q[:, :2]).sum(axis=1)
        return coef, (off + rho + 2.0**-51 * size) * MARGIN

    def alone(self, rows: Any, h: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The outputs on m + h e, and their slopes, as polynomials of e: coefficients (k, M) and rests (k,) of both.

        Without what all terms beyond the last are; that of the slopes is (M / h) times as much. h: half the width.
        """
        f, B = self.f, self.basis
        coef, rho = np.zeros((2, len(self.formulas), B.M)), np.zeros((2, len(self.formulas)))
        width = f.arb(h)
        with precision(f, B.M):
            for j in range(len(self.formulas)):
                power = f.arb(1)
                for a in range(B.M):
                    values = [rows[j, a] * power]
                    if a + 1 < B.M:
                        values.append((a + 1) * rows[j, a + 1] * power)
                    power = power * width
                    for i, value in enumerate(values):
                        coef[i, j, a] = float(value.mid())
                        rho[i, j] += (float(value.rad()) + 2.0**-52 * abs(coef[i, j, a])) * MARGIN + TINY
        return coef[0], rho[0], coef[1], rho[1]

    def _box(self, m: Any, h: Any, rows: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (k, M) of target - network on m + h e, and a rest without that of the network (k,).

        rows: those of the network at m, where they are known.
        """
        f, B = self.f, self.basis
        coef, rho = np.zeros((len(self.formulas), B.M)), np.zeros(len(self.formulas))
        with precision(f, B.M + 1):
            whole = f.arb(m, h)
            last = [self._formula(e, whole)[B.M] for e in self.formulas]
        with precision(f, B.M):
            rows = self.rows(m) if rows is None else rows
            for j, e in enumerate(self.formulas):
                y, power = self._formula(e, m), f.arb(1)
                for a in range(B.M):
                    value = (y[a] - rows[j, a]) * power
                    power = power * h
                    coef[j, a] = float(value.mid())
                    rho[j] += (float(value.rad()) + 2.0**-52 * abs(coef[j, a])) * MARGIN + TINY
                rho[j] += float((last[j] * power).abs_upper()) * MARGIN + TINY
        if not (np.isfinite(coef).all() and np.isfinite(rho).all()):
            raise NotFinite
        return coef, rho

    def _formula(self, e: Expression, x: Any) -> Any:
        return _series(self.f, e, x)

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        noise = np.zeros((len(x), len(self.formulas)))
        if values is None and self.noise is not None:
            noise = running_noise(self.noise, x, x)

        def target(point: np.ndarray) -> list[Any]:
            m = self.f.arb(float(point[0]))
            return [self._formula(e, m)[0] for e in self.formulas]

        def network(point: np.ndarray) -> list[Any]:
            last = len(self.net.nodes) - 1
            rows = self._coefficients(self.f.arb(float(point[0])), 1, range(last + 1))[last]
            return [rows[j, 0] for j in range(len(self.formulas))]

        return compared(self.f, self.lines, target, network, x, values, noise)


def compared(
    f: Any, lines: Lines, target: Callable[[np.ndarray], list[Any]], network: Callable[[np.ndarray], list[Any]],
    x: np.ndarray, values: np.ndarray | None, noise: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Bounds (n,) of the largest error at points x (n, d): those of `lines`, and nearer ones by balls where they know.

    target, network: balls of the outputs at a point; values (n, k): what the network gives, where that is known; noise
    (n, k): what its rounding may change.
    """
    with np.errstate(all="ignore"):
        lower, upper = lines.at_points(x, values)
        with precision(f, 1):
            for i, point in enumerate(x):
                try:
                    y = target(point)
                except NotFinite:  # of an end like that of sqrt(1 - x^2), where there is a value and no series
                    ends = [form.range for form in lines.target(x[i : i + 1], x[i : i + 1])]
                    if any(r.bad.any() or not np.isfinite(r.size).all() for r in ends):
                        continue
                    y = [f.arb(float(r.middle[0]), float(r.radius(r.middle)[0])) for r in ends]
                if values is None:
                    z = network(point)
                elif np.isfinite(values[i]).all():
                    z = [f.arb(float(v)) for v in values[i]]
                else:
                    continue
                known = distance(y, z, noise[i])
                if known is not None:
                    lower[i], upper[i] = max(lower[i], known[0]), min(upper[i], known[1])
    return lower, upper


def distance(y: list[Any], z: list[Any], noise: np.ndarray) -> tuple[float, float] | None:
    """Bounds of the largest |y - z| of balls, in floats, where each z may be off by its noise (k,); None: unknown."""
    apart = [abs(a - b) for a, b in zip(y, z, strict=True)]
    if not all(a.is_finite() for a in apart):
        return None
    below = max(float(a.abs_lower()) * (1 - 2.0**-50) - e for a, e in zip(apart, noise, strict=True))
    above = max(float(a.abs_upper()) * (1 + 2.0**-50) + e for a, e in zip(apart, noise, strict=True))
    return max(float(np.nextafter(below, -np.inf)), 0.0), float(np.nextafter(above, np.inf) + TINY)


def balls_of(f: Any, middle: np.ndarray, radius: np.ndarray | None) -> list[Any]:
    """The balls of an array, row by row."""
    flat = np.asarray(middle).reshape(-1).tolist()
    if radius is None:
        return [f.arb(v) for v in flat]
    return [f.arb(v, r) for v, r in zip(flat, np.asarray(radius).reshape(-1).tolist(), strict=True)]


def divided(f: Any, w: np.ndarray, divisors: np.ndarray) -> Any:
    """The matrix of a division, whose entries are reciprocals of floats."""
    with precision(f, 1):
        entries = [1 / f.arb(float(d)) if v else 0 for row, d in zip(w, divisors, strict=True) for v in row]
        return f.arb_mat(w.shape[0], w.shape[1], entries)


__all__ = [
    "BITS", "DEGREE", "FUNCTIONS", "MARGIN", "OPERATIONS", "TINY", "Balls", "Bent", "NotFinite", "Series", "balls_of",
    "compared", "divided", "expanded", "fits", "flint", "precision", "reads",
]  # fmt: skip
