"""A formula of several inputs as functions of one number each, applied to sums of others.

Every formula of the table but conditionals of several inputs can be written so:

    sums            f(x) + g(y)         are sums already
    ridges          g(a x + b y + c)    one function of one number, a linear one of the inputs
    products        u v = ((u + s v)^2 - (u - s v)^2) / (4 s), quarter squares: two functions of one number
    linear factors  u v w = sum of signs (u +- v +- w)^3 / 24, and so on for more (Fischer 1994): ridges again
    waves           sin u cos v = (sin(u + v) + sin(u - v)) / 2, exp u exp v = exp(u + v)
    the larger one  max(u, v) = v + max(u - v, 0)
    compositions    h(f(x) + g(y))      a function of a sum

What comes out is a `Plan`: the inputs, then *atoms*, each a function of a sum of earlier ones, and at the end a sum.
All factors are rational, so a plan is the formula, exactly. The depth of an atom is how many of them are nested.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds.affine import AffineArithmetic, Form, add, inputs, of_range, scale
from surefit.bounds.interval import Range
from surefit.bounds.reading import literal, read
from surefit.errors import DomainError, FormulaError
from surefit.formulas import parse
from surefit.formulas.expression import Expression

Terms = dict[int, Fraction]  # place of an input or an atom -> its factor
LINEAR_FACTORS = 6  # of a product, that are written as powers of sums and not as nested squares
CELLS = 4096  # boxes that ranges are looked at in


@dataclass(frozen=True)
class Atom:
    """A function of one number t, given as a text, of the sum of terms."""

    terms: tuple[tuple[int, Fraction], ...]
    text: str

    @functools.cached_property
    def function(self) -> Expression:
        """The function of t."""
        return parse(self.text, ("t",))


@dataclass(frozen=True)
class Plan:
    """A formula as atoms over inputs: value = const + sum of terms. Places 0..d-1 are inputs, then come the atoms."""

    names: tuple[str, ...]
    atoms: tuple[Atom, ...]
    terms: tuple[tuple[int, Fraction], ...]
    const: Fraction

    @functools.cached_property
    def depths(self) -> tuple[int, ...]:
        """How deep each place is nested: 0 for an input."""
        found = [0] * len(self.names)
        for atom in self.atoms:
            found.append(1 + max((found[i] for i, _ in atom.terms), default=0))
        return tuple(found)

    @property
    def depth(self) -> int:
        return max(self.depths)

    def values(self, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Values at points (n, d) in float64: of all places, and of the formula; no claim about rounding."""
        places = [np.asarray(c, np.float64) for c in x.T]
        with np.errstate(all="ignore"):
            for atom in self.atoms:
                t = _weighted(atom.terms, places, len(x))
                places.append(np.broadcast_to(np.asarray(atom.function(t), np.float64), t.shape))
            return places, _weighted(self.terms, places, len(x)) + float(self.const)

    def arguments(self, low: np.ndarray, high: np.ndarray) -> list[tuple[float, float]]:
        """For each atom a range that its argument surely does not leave on the box low..high (d,).

        DomainError: an atom has no value somewhere, or none could be shown.
        """
        lows, highs = _cells(low, high)
        n, d = lows.shape
        places: list[Form] = list(inputs(lows, highs))
        found: list[tuple[float, float]] = []
        with np.errstate(all="ignore"):
            for atom in self.atoms:
                t = of_range(Range.exact(Fraction(0)), n, d)
                for i, factor in atom.terms:
                    t = add(t, scale(places[i], Range.exact(factor)))
                value = read(atom.function, {"t": t}, AffineArithmetic(n, d))
                wrong = value.bad | ~np.isfinite(value.range.low) | ~np.isfinite(value.range.high)
                if wrong.any():
                    i = int(np.argmax(wrong))
                    where = ", ".join(
                        f"{k} in [{a:.6g}, {b:.6g}]" for k, a, b in zip(self.names, lows[i], highs[i], strict=True)
                    )
                    raise DomainError(
                        f"construct: {atom.text} of t in [{t.range.low[i]:.6g}, {t.range.high[i]:.6g}] has no finite "
                        f"value, or none could be shown, at {where}; choose a domain without it"
                    )
                found.append((float(t.range.low.min()), float(t.range.high.max())))
                places.append(value)
        return found


def _weighted(terms: Sequence[tuple[int, Fraction]], places: Sequence[np.ndarray], n: int) -> np.ndarray:
    total = np.zeros(n)
    for i, factor in terms:
        total = total + float(factor) * places[i]
    return total


def _cells(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The box, cut into at most CELLS boxes."""
    d = len(low)
    parts = max(1, int(CELLS ** (1.0 / d) + 1e-9))
    edges = []
    for a, b in zip(low, high, strict=True):
        inner = np.clip(a + (b - a) * (np.arange(1, parts) / parts), a, b)
        edges.append(np.concatenate([[a], inner, [b]]))
    index = np.array(list(itertools.product(range(parts), repeat=d))).reshape(-1, d)
    lows = np.stack([edges[k][index[:, k]] for k in range(d)], axis=1)
    highs = np.stack([edges[k][index[:, k] + 1] for k in range(d)], axis=1)
    return lows, highs


# --- values while a formula is read ---


@dataclass(frozen=True)
class _Sum:
    """const + sum of terms."""

    terms: tuple[tuple[int, Fraction], ...]
    const: Fraction = Fraction(0)


Base = tuple[tuple[int, Fraction], ...]  # terms of which the first has the factor 1; empty: a constant


@dataclass(frozen=True)
class _Mono:
    """A function, the text, of one number t: the sum of the terms of `base`. sum: the same as a sum, where it is one.

    wave: of sin, cos and exp the name and what they are of. power: of a power the sum and the exponent.
    """

    base: Base
    text: str
    sum: _Sum | None = None
    wave: tuple[str, _Sum] | None = None
    power: tuple[_Sum, int] | None = None
    condition: bool = False


@dataclass(frozen=True)
class _Product:
    """factor times a product, which is not written out before it has to be."""

    factor: Fraction
    parts: tuple[_Mono, ...] = field(default_factory=tuple)


_Value = _Mono | _Product | _Sum


def _number(q: Fraction) -> str:
    return f"({q.numerator})" if q.denominator == 1 else f"({q.numerator}/{q.denominator})"


def plan_of(formula: Expression, names: Sequence[str], low: np.ndarray, high: np.ndarray) -> Plan:
    """The plan of a formula on a box low..high (d,), whose sizes decide the scales of quarter squares.

    FormulaError: a conditional, or a function of several numbers such as atan2, whose arguments depend on different
    combinations of inputs.
    """
    return _Planner(formula, tuple(names), low, high).run()


class _Planner:
    def __init__(self, formula: Expression, names: tuple[str, ...], low: np.ndarray, high: np.ndarray) -> None:
        self.formula, self.names = formula, names
        rng = np.random.default_rng(0)
        u = np.concatenate([rng.random((500, len(low))), rng.integers(0, 2, (64, len(low)))])
        self.points = low + u * (high - low)
        self.places: list[np.ndarray] = list(self.points.T)
        self.atoms: list[Atom] = []
        self.known: dict[Atom, int] = {}

    def run(self) -> Plan:
        results: list[_Value] = []
        for i, node in enumerate(self.formula.nodes):
            args = [results[a] for a in node.args]
            if node.op == "number":
                value: _Value = self.sum_value(_Sum((), literal(node, self.formula.written)))
            elif node.op == "constant":
                value = _Mono((), str(node.value))
            elif node.op == "variable":
                value = self.sum_value(_Sum(((self.names.index(node.value), Fraction(1)),)))
            elif node.op in ("compare", "and", "or", "not", "if"):
                value = self.conditional(node, args, self.formula.conditions[i])
            else:
                value = self.call(node.op, args)
            results.append(value)
        total = self.merged(self.as_sum(results[-1]))
        return self.pruned(total)

    # --- the three kinds of values ---

    def sum_value(self, s: _Sum) -> _Value:
        """A sum as a function of one number, where it is one; every sum is one of its own direction."""
        if not s.terms:
            return _Mono((), _number(s.const), s)
        first = s.terms[0][1]
        base = tuple((i, c / first) for i, c in s.terms)
        text = "t" if first == 1 else f"{_number(first)}*t"
        return _Mono(base, text if not s.const else f"({text}+{_number(s.const)})", s)

    def mono(self, v: _Value) -> _Mono:
        """A value as a function of one number."""
        if isinstance(v, _Mono):
            return v
        if isinstance(v, _Product) and len(v.parts) == 1:
            return _Mono(v.parts[0].base, f"({_number(v.factor)}*({v.parts[0].text}))")
        m = self.sum_value(self.merged(self.as_sum(v)))
        assert isinstance(m, _Mono)
        return m

    def as_sum(self, v: _Value) -> _Sum:
        if isinstance(v, _Sum):
            return v
        if isinstance(v, _Product):
            return self.expanded(v)
        if v.sum is not None:
            return v.sum
        return _Sum(((self.atom(v.base or ((0, Fraction(1)),), v.text), Fraction(1)),))

    def atom(self, base: Base, text: str) -> int:
        made = Atom(base, text)
        if made not in self.known:
            with np.errstate(all="ignore"):
                t = _weighted(base, self.places, len(self.points))
                self.places.append(np.broadcast_to(np.asarray(made.function(t), np.float64), t.shape))
            self.atoms.append(made)
            self.known[made] = len(self.names) + len(self.atoms) - 1
        return self.known[made]

    def merged(self, s: _Sum) -> _Sum:
        """Atoms of one argument as one function."""
        d, by_base = len(self.names), dict[Base, list[tuple[int, Fraction]]]()
        plain: list[tuple[int, Fraction]] = []
        for i, c in s.terms:
            if i < d:
                plain.append((i, c))
            else:
                by_base.setdefault(self.atoms[i - d].terms, []).append((i, c))
        for base, group in by_base.items():
            if len(group) == 1:
                plain.append(group[0])
                continue
            text = "+".join(f"{_number(c)}*({self.atoms[i - d].text})" for i, c in group)
            plain.append((self.atom(base, text), Fraction(1)))
        return _Sum(tuple(sorted(plain)), s.const)

    def range_of(self, s: _Sum) -> tuple[float, float]:
        """About the middle and the half width of a sum; no claim."""
        y = _weighted(s.terms, self.places, len(self.points)) + float(s.const)
        y = y[np.isfinite(y)]
        return (float(0.5 * (y.max() + y.min())), float(0.5 * (y.max() - y.min()))) if len(y) else (0.0, 1.0)

    def shallow(self, s: _Sum | None) -> bool:
        """Whether a sum is linear in the inputs."""
        return s is not None and all(i < len(self.names) for i, _ in s.terms)

    # --- operations ---

    def call(self, op: str, args: list[_Value]) -> _Value:
        if op == "neg":
            return self.times(args[0], Fraction(-1))
        if op in ("add", "sub"):
            return self.added(args[0], args[1], 1 if op == "add" else -1)
        if op == "mul":
            return self.product(args[0], args[1])
        if op == "div":
            return self.product(args[0], self.inverse(args[1]))
        if op == "square":
            return self.power(args[0], 2)
        if op == "pow":
            exponent = args[1].sum if isinstance(args[1], _Mono) else None
            if exponent is not None and not exponent.terms and exponent.const.denominator == 1:
                return self.power(args[0], int(exponent.const))
        if len(args) == 1:
            return self.one(op, args[0])
        monos = [self.mono(a) for a in args]
        bases = {m.base for m in monos if m.base}
        if len(bases) <= 1:
            base = bases.pop() if bases else ()
            texts = [m.text for m in monos]
            text = f"(({texts[0]})^({texts[1]}))" if op == "pow" else f"{op}({','.join(texts)})"
            return _Mono(base, text)
        if op in ("min", "max"):
            return functools.reduce(lambda a, b: self.larger(a, b, op == "max"), args)
        if op == "clip":
            return self.larger(self.larger(args[0], args[1], True), args[2], False)
        if op == "hypot":
            return self.one("sqrt", self.added(self.power(args[0], 2), self.power(args[1], 2), 1))
        if op == "pow":
            return self.one("exp", self.product(args[1], self.one("log", args[0])))
        raise FormulaError(
            f"construct: {op}() of different combinations of inputs is no sum, product or composition of functions of "
            "one number; surefit.fit takes it"
        )

    def one(self, op: str, a: _Value) -> _Mono:
        m = self.mono(a)
        wave = (op, m.sum) if op in ("sin", "cos", "exp") and m.sum is not None else None
        return _Mono(m.base, f"{op}({m.text})", wave=wave)

    def times(self, a: _Value, factor: Fraction) -> _Value:
        if isinstance(a, _Product):
            return _Product(a.factor * factor, a.parts)
        if isinstance(a, _Sum) or a.sum is not None:
            s = a if isinstance(a, _Sum) else a.sum
            assert s is not None
            return self.sum_value(_Sum(tuple((i, c * factor) for i, c in s.terms if factor), s.const * factor))
        if a.wave is not None or a.power is not None:
            return _Product(factor, (a,))
        return _Mono(a.base, f"({_number(factor)}*({a.text}))")

    def added(self, a: _Value, b: _Value, sign: int) -> _Value:
        one, two = (self.mono(v) if isinstance(v, _Product) and len(v.parts) == 1 else v for v in (a, b))
        if isinstance(one, _Mono) and isinstance(two, _Mono) and (one.sum is None or two.sum is None):
            alike = one.base == two.base or not one.base or not two.base
            if alike:
                return _Mono(one.base or two.base, f"({one.text}{'+' if sign > 0 else '-'}({two.text}))")
        first, second = self.as_sum(a), self.as_sum(b)
        terms: Terms = dict(first.terms)
        for i, c in second.terms:
            terms[i] = terms.get(i, Fraction(0)) + sign * c
        s = _Sum(tuple(sorted((i, c) for i, c in terms.items() if c)), first.const + sign * second.const)
        return self.sum_value(s)

    def inverse(self, a: _Value) -> _Value:
        if isinstance(a, _Product) and a.factor:
            return _Product(1 / a.factor, tuple(self.mono(self.inverse(p)) for p in a.parts))
        m = self.mono(a)
        if m.sum is not None and not m.sum.terms and m.sum.const:
            return self.sum_value(_Sum((), 1 / m.sum.const))
        if m.wave is not None and m.wave[0] == "exp":
            return self.one("exp", self.times(m.wave[1], Fraction(-1)))
        return _Mono(m.base, f"(1/({m.text}))")

    def power(self, a: _Value, n: int) -> _Value:
        if n < 0:
            return self.inverse(self.power(a, -n))
        if n == 0:
            return self.sum_value(_Sum((), Fraction(1)))
        if n == 1:
            return a
        if isinstance(a, _Product):
            return _Product(a.factor**n, tuple(self.mono(self.power(p, n)) for p in a.parts))
        m = self.mono(a)
        if m.sum is not None and not m.sum.terms:
            return self.sum_value(_Sum((), m.sum.const**n))
        power = (m.sum, n) if m.sum is not None else None
        return _Mono(m.base, f"(({m.text})^{n})", power=power)

    def larger(self, a: _Value, b: _Value, largest: bool) -> _Value:
        """max(a, b) = b + max(a - b, 0), min(a, b) = b - max(b - a, 0)."""
        above = self.one("relu", self.added(a, b, -1) if largest else self.added(b, a, -1))
        return self.added(b, above, 1 if largest else -1)

    def conditional(self, node: Any, args: list[_Value], condition: bool) -> _Value:
        monos = [self.mono(a) for a in args]
        bases = {m.base for m in monos if m.base}
        if len(bases) > 1:
            raise FormulaError(
                "construct: a condition on one combination of inputs and values of another are no sum, product or "
                "composition of functions of one number; surefit.fit takes conditionals"
            )
        texts = [f"({m.text})" for m in monos]
        if node.op == "compare":
            text = texts[0] + "".join(f"{sign}{t}" for sign, t in zip(node.value, texts[1:], strict=True))
        elif node.op == "not":
            text = f"not {texts[0]}"
        elif node.op == "if":
            text = f"{texts[1]} if {texts[0]} else {texts[2]}"
        else:
            text = f" {node.op} ".join(texts)
        return _Mono(bases.pop() if bases else (), f"({text})", condition=condition)

    # --- products ---

    def product(self, a: _Value, b: _Value) -> _Value:
        for x, y in ((a, b), (b, a)):
            if isinstance(x, _Mono) and x.sum is not None and not x.sum.terms:
                return self.times(y, x.sum.const)
        factor, parts = Fraction(1), list[_Mono]()
        for v in (a, b):
            if isinstance(v, _Product):
                factor *= v.factor
                parts += v.parts
            else:
                parts.append(self.mono(v))
        joined: list[_Mono] = []
        for p in parts:
            for k, q in enumerate(joined):
                both = self.joined(q, p)
                if both is not None:
                    joined[k] = both
                    break
            else:
                joined.append(p)
        if len(joined) == 1:
            return self.times(joined[0], factor)
        return _Product(factor, tuple(joined))

    def joined(self, a: _Mono, b: _Mono) -> _Mono | None:
        """The product of two functions as one function of one number, where it is one."""
        if a.wave is not None and b.wave is not None and a.wave[0] == b.wave[0] == "exp":
            inner = self.added(a.wave[1], b.wave[1], 1)
            return self.one("exp", inner)
        if a.base == b.base or not a.base or not b.base:
            power = None
            first, second = (m.power or ((m.sum, 1) if m.sum is not None else None) for m in (a, b))
            if first is not None and second is not None and first[0] == second[0]:
                power = (first[0], first[1] + second[1])
            return _Mono(a.base or b.base, f"(({a.text})*({b.text}))", power=power)
        return None

    def expanded(self, p: _Product) -> _Sum:
        """A product as a sum of functions of one number."""
        parts = list(p.parts)
        if len(parts) == 1:
            part = self.as_sum(parts[0])
            return _Sum(tuple((i, c * p.factor) for i, c in part.terms), part.const * p.factor)
        waves = [m.wave for m in parts]
        if len(parts) == 2 and all(w is not None and w[0] != "exp" and self.shallow(w[1]) for w in waves):
            return self.scaled(self.of_waves(waves[0], waves[1]), p.factor)  # type: ignore[arg-type]
        linear: list[_Sum] = []
        for m in parts:
            s, n = m.power or (m.sum, 1)
            if not self.shallow(s):
                break
            linear += [s] * n  # type: ignore[list-item]
        else:
            if len(linear) <= LINEAR_FACTORS:
                return self.scaled(self.polarised(linear), p.factor)
        sums = [self.as_sum(m) for m in parts]
        while len(sums) > 1:  # the shallowest first
            sums.sort(key=self.depth_of)
            sums = [self.squares(sums[0], sums[1]), *sums[2:]]
        return self.scaled(sums[0], p.factor)

    def depth_of(self, s: _Sum) -> int:
        deep = Plan(self.names, tuple(self.atoms), (), Fraction(0)).depths
        return max((deep[i] for i, _ in s.terms), default=0)

    def scaled(self, s: _Sum, factor: Fraction) -> _Sum:
        return _Sum(tuple((i, c * factor) for i, c in s.terms), s.const * factor)

    def combined(self, parts: Sequence[tuple[Fraction, _Value]]) -> _Sum:
        terms: Terms = {}
        const = Fraction(0)
        for factor, v in parts:
            s = self.as_sum(v)
            const += factor * s.const
            for i, c in s.terms:
                terms[i] = terms.get(i, Fraction(0)) + factor * c
        return _Sum(tuple(sorted((i, c) for i, c in terms.items() if c)), const)

    def of_waves(self, a: tuple[str, _Sum], b: tuple[str, _Sum]) -> _Sum:
        if a[0] == "cos" and b[0] == "sin":
            a, b = b, a
        plus, minus = self.added(a[1], b[1], 1), self.added(a[1], b[1], -1)
        half = Fraction(1, 2)
        if a[0] == "sin" and b[0] == "cos":
            return self.combined([(half, self.one("sin", plus)), (half, self.one("sin", minus))])
        sign = half if a[0] == "cos" else -half
        return self.combined([(half, self.one("cos", minus)), (sign, self.one("cos", plus))])

    def squares(self, u: _Sum, v: _Sum) -> _Sum:
        """u v by quarter squares; s makes both as wide as each other."""
        widths = [max(half, 1e-3 * abs(middle), 1e-300) for middle, half in (self.range_of(s) for s in (u, v))]
        s = _power_of_two(widths[0] / widths[1])
        v = self.scaled(v, s)
        plus, minus = self.power(self.added(u, v, 1), 2), self.power(self.added(u, v, -1), 2)
        quarter = 1 / (4 * s)
        return self.combined([(quarter, plus), (-quarter, minus)])

    def polarised(self, factors: list[_Sum]) -> _Sum:
        """A product of n sums as powers n of 2^(n - 1) sums of them."""
        n = len(factors)
        widths = [max(sum(abs(t) for t in self.range_of(s)), 1e-300) for s in factors]
        scales = [_power_of_two(widths[0] / w) for w in widths]
        parts: list[tuple[Fraction, _Value]] = []
        front = 1 / (Fraction(2 ** (n - 1) * math.factorial(n)) * math.prod(scales))
        for signs in itertools.product((1, -1), repeat=n - 1):
            total: _Value = factors[0]
            for sign, s, scale_ in zip(signs, factors[1:], scales[1:], strict=True):
                total = self.added(total, self.scaled(s, scale_), sign)
            m = self.mono(total)
            assert m.sum is not None
            odd = False  # t^n and (-t)^n are one function
            if m.sum.terms and m.sum.terms[0][1] < 0:
                m, odd = self.mono(self.times(m, Fraction(-1))), n % 2 == 1
            parts.append((front * math.prod(signs) * (-1 if odd else 1), self.power(m, n)))
        return self.combined(parts)

    def pruned(self, total: _Sum) -> Plan:
        d = len(self.names)
        needed: set[int] = set()
        waiting = [i for i, _ in total.terms]
        while waiting:
            i = waiting.pop()
            if i not in needed:
                needed.add(i)
                if i >= d:
                    waiting += [j for j, _ in self.atoms[i - d].terms]
        order = [i for i in range(d, d + len(self.atoms)) if i in needed]
        new: Mapping[int, int] = {i: i for i in range(d)} | {old: d + k for k, old in enumerate(order)}

        def moved(terms: Sequence[tuple[int, Fraction]]) -> tuple[tuple[int, Fraction], ...]:
            return tuple((new[i], c) for i, c in terms)

        atoms = tuple(Atom(moved(self.atoms[i - d].terms), self.atoms[i - d].text) for i in order)
        return Plan(self.names, atoms, moved(total.terms), total.const)


def _power_of_two(ratio: float) -> Fraction:
    exponent = max(-60, min(60, round(math.log2(ratio))))
    return Fraction(2) ** exponent


__all__ = ["Atom", "Plan", "plan_of"]
