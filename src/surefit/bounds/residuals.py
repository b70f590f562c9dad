"""Networks of squares and formulas that are polynomials: their difference is a polynomial, known exactly.

A quadratic fit is good to the last digits, so that bounds of formula and network, each with its rounding, are a hundred
times their difference. In rational numbers both are expanded, and subtracted, before anything is rounded: what is left
has coefficients of the size of the error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds import taylor
from surefit.bounds.branch import Lines, Looked
from surefit.bounds.interval import Range
from surefit.bounds.network import Affine, Network
from surefit.bounds.noise import running_noise
from surefit.bounds.reading import read
from surefit.bounds.relax import Relaxation
from surefit.formulas.expression import Expression

Polynomial = dict[tuple[int, ...], Fraction]  # exponents of the inputs -> coefficient

OPERATIONS = frozenset("number variable add sub neg mul div pow".split())
MOST_DEGREE, MOST_MONOMIALS, MOST_UNITS, MOST_TERMS = 8, 300, 300, 60_000
ENOUGH = 1.05  # times the rounding in a point: so near to it is that of a box of which no more is looked for
GRIDS = 4  # inputs of which the range of a polynomial is looked at on a grid


class NoPolynomial(Exception):
    """Formula or network are no polynomials, or of too many terms."""


def plus(a: Polynomial, b: Polynomial, factor: Fraction = Fraction(1)) -> Polynomial:
    """a + factor b."""
    found = dict(a)
    for e, c in b.items():
        found[e] = found.get(e, Fraction(0)) + factor * c
    return {e: c for e, c in found.items() if c}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """The product."""
    found: Polynomial = {}
    if len(a) * len(b) > MOST_TERMS:
        raise NoPolynomial
    for e, c in a.items():
        for f, d in b.items():
            place = tuple(i + j for i, j in zip(e, f, strict=True))
            found[place] = found.get(place, Fraction(0)) + c * d
    found = {e: c for e, c in found.items() if c}
    if len(found) > MOST_MONOMIALS or max(map(sum, found), default=0) > MOST_DEGREE:
        raise NoPolynomial
    return found


class Polynomials:
    """Formulas read as polynomials; an `Arithmetic`."""

    def __init__(self, d: int) -> None:
        self.d = d

    def number(self, value: Fraction) -> Polynomial:
        return {(0,) * self.d: value} if value else {}

    def variable(self, i: int) -> Polynomial:
        """An input."""
        return {tuple(int(i == j) for j in range(self.d)): Fraction(1)}

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Polynomial:
        a, b = args[0], args[-1]
        if op in ("add", "sub"):
            return plus(a, b, Fraction(1 if op == "add" else -1))
        if op == "neg":
            return plus({}, a, Fraction(-1))
        if op == "mul":
            return times(a, b)
        if op == "div" and exact[1]:
            return plus({}, a, 1 / exact[1])
        n = exact[1] if op == "pow" else None
        if n is None or n.denominator != 1 or not 0 < n <= MOST_DEGREE:
            raise NoPolynomial
        found = a
        for _ in range(int(n) - 1):
            found = times(found, a)
        return found

    def _none(self, *args: Any) -> Any:
        raise NoPolynomial

    constant = compare = join = choose = decided = as_number = _none


def of_network(net: Network, arithmetic: Polynomials) -> list[Polynomial]:
    """The outputs of a network in exact arithmetic."""
    values: list[list[Polynomial]] = [[arithmetic.variable(i) for i in range(net.inputs)]]
    for i, node in enumerate(net.nodes[1:], 1):
        if not isinstance(node, Affine):
            assert node is not None
            values.append([times(v, v) for v in values[node.source]])
            continue
        if node.b_radius is not None:
            raise NoPolynomial
        rows = [arithmetic.number(Fraction(b)) for b in node.b.tolist()]
        for source, w, radius in node.sources:
            if radius is not None and i not in net.divisors:
                raise NoPolynomial
            for k, row in enumerate(w.tolist()):
                for c, inner in zip(row, values[source], strict=True):
                    if c:
                        factor = Fraction(c) if radius is None else 1 / Fraction(float(net.divisors[i][k]))
                        rows[k] = plus(rows[k], inner, factor)
        values.append(rows)
    return values[-1]


class Residuals:
    """Bounds by the exact difference; `lines` give the point where nothing is known.

    noise: the network with the roundings of where it runs, or None.
    """

    excess = 0.0
    batch = 256

    def __init__(
        self, targets: list[Polynomial], apart: list[Polynomial], low: np.ndarray, high: np.ndarray, lines: Lines,
        noise: Relaxation | None,
    ) -> None:  # fmt: skip
        self.targets, self.apart, self.lines, self.noise = targets, apart, lines, noise
        top = [max(abs(Fraction(a)), abs(Fraction(b))) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        self.monomials = sorted({e for p in apart for e in p} | {(0,) * len(low)})
        degree = max(map(sum, self.monomials))
        self.basis = taylor.basis(len(low), max(degree, 1))
        self.coef = np.array([[float(p.get(e, 0)) for e in self.monomials] for p in apart])
        if not np.isfinite(self.coef).all():
            raise NoPolynomial
        self.rest = []  # what the floats leave out
        for p, row in zip(apart, self.coef.tolist(), strict=True):
            sizes = [math.prod((t**k for t, k in zip(top, e, strict=True)), start=Fraction(1)) for e in self.monomials]
            missing = sum(
                abs(p.get(e, Fraction(0)) - Fraction(c)) * s for e, c, s in zip(self.monomials, row, sizes, strict=True)
            )
            self.rest.append(float(missing) * (1 + 2.0**-50) + taylor.TINY)

    def _models(self, x: taylor.Taylor) -> list[taylor.Taylor]:
        """The differences on boxes, of which x holds the inputs (n, d)."""
        n, d = x.rho.shape
        powers: list[list[taylor.Taylor]] = []
        for i in range(d):
            each = [x[:, i]]
            while len(each) < max(e[i] for e in self.monomials):
                each.append(taylor.mul(each[-1], x[:, i]))
            powers.append(each)
        made: list[taylor.Taylor | None] = []
        for e in self.monomials:
            parts = [powers[i][k - 1] for i, k in enumerate(e) if k]
            made.append(None if not parts else parts[0])
            for part in parts[1:]:
                made[-1] = taylor.mul(made[-1], part)  # type: ignore[arg-type]
        found = []
        for row, rest in zip(self.coef, self.rest, strict=True):
            total = taylor.constant(self.basis, Range(np.array(-rest), np.array(rest)), (n,))
            for c, m in zip(row, made, strict=True):
                one = Range(np.array(c), np.array(c))
                total = taylor.add(total, taylor.constant(x.B, one, (n,)) if m is None else taylor.scale(m, one))
            found.append(total)
        return found

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        n, d = low.shape
        k = len(self.apart)
        with np.errstate(all="ignore"):
            x = taylor.boxes(self.basis, low, high)
            r = x.coef[:, np.arange(d), self.basis.linear]
            wide = low < high
            shift = np.where(wide, 8 * 2.0**-52 * (np.abs(x.coef[..., 0]) + r) / np.maximum(r, 1e-300), 0.0).sum(axis=1)
            noise = np.zeros((n, k)) if self.noise is None else running_noise(self.noise, low, high)
            bound, surely, at = np.full((n, k), np.inf), np.zeros(n), np.zeros((n, d))
            slope = np.zeros((n, d))
            for j, t in enumerate(self._models(x)):
                least, most = t.range.low, t.range.high
                if d <= GRIDS:
                    small, large, reached, e = taylor.polynomial_range(t, shift)
                    least, most = np.fmax(least, small), np.fmin(most, large)
                    reached = reached - noise[:, j] * (1 + 2.0**-50)
                    better = reached > surely
                    surely, at = np.where(better, reached, surely), np.where(better[:, None], e, at)
                bound[:, j] = np.nextafter(np.maximum(most, -least) + noise[:, j], np.inf)
                slope += np.abs(t.coef) @ (self.basis.exponents**2).astype(float)
            points = np.clip(x.coef[..., 0] + r * at, low, high)
        bound = np.where(bound < np.inf, bound, np.inf)
        return Looked(bound, slope, np.zeros(n), np.zeros((n, k), bool), surely, points)

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        of = self.apart if values is None else self.targets
        lower, upper = np.zeros(len(x)), np.zeros(len(x))
        off = np.zeros((len(x), len(of)))
        if values is None and self.noise is not None:
            off = running_noise(self.noise, x, x)
        if values is not None and not np.isfinite(values).all():
            return self.lines.at_points(x, values)
        for i, point in enumerate(x.tolist()):
            place = [Fraction(v) for v in point]
            for j, p in enumerate(of):
                y = sum((c * math.prod(v**k for v, k in zip(place, e, strict=True)) for e, c in p.items()), Fraction(0))
                try:
                    apart = float(abs(y if values is None else y - Fraction(float(values[i, j]))))
                except OverflowError:  # beyond all floats
                    upper[i] = np.inf
                    continue
                lower[i] = max(lower[i], apart * (1 - 2.0**-50) - off[i, j])
                upper[i] = max(upper[i], apart * (1 + 2.0**-50) + ENOUGH * off[i, j] + 1e6 * taylor.TINY)
        return np.maximum(lower, 0.0), np.where(upper < np.inf, upper, np.inf)


def residuals_of(
    exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
    lines: Lines, noise: Relaxation | None,
) -> Residuals | None:  # fmt: skip
    """The way to bound them so; None where one of them is no polynomial, or one of many terms."""
    units = sum(n.size for n in exact.nodes[1:] if n is not None and not isinstance(n, Affine))
    plain = all(n.op in OPERATIONS for f in formulas for n in f.nodes)
    if exact.kinds() != {"square"} or not plain or units > MOST_UNITS:
        return None
    arithmetic = Polynomials(len(names))
    try:
        values = {name: arithmetic.variable(i) for i, name in enumerate(names)}
        targets = [read(f, values, arithmetic) for f in formulas]
        apart = [plus(f, z, Fraction(-1)) for f, z in zip(targets, of_network(exact, arithmetic), strict=True)]
        return Residuals(targets, apart, low, high, lines, noise)
    except (NoPolynomial, OverflowError):
        return None


__all__ = ["Polynomials", "Residuals", "of_network", "residuals_of"]
