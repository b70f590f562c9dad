"""The layers of a formula while it is taken apart: values as functions of sums, which are shared where they are one.

A `Signal` is a number that a layer hands on, a `Sum` is linear in signals of one layer, and a `Value` is a sum of
functions of sums (signals.py). `Layers` are an arithmetic of values: their product, a function of one, a sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.formulas.exact import Exact, Univariate, put, steps, term_of
from surefit.formulas.signals import (
    EXP,
    SAME_VALUE,
    SQUARE,
    Function,
    Multiple,
    Signal,
    Sum,
    Value,
    added,
    affine,
    both,
    logarithm_of,
    product_of_powers,
    scaled,
)  # fmt: skip

MOST_SUMS = 300  # different sums in all
SIGNED = 1e-3  # a factor whose values are all of one sign, and at least so large beside the largest, has a logarithm
NEARLY_ALL = 0.9  # of the sample points, where a function is finite that ends at others
BESIDE = 1e-6  # of the largest |sum|: so far beside a place without a value, as of sin(z)/z, there is one
ROUNDED = 1e-12  # by so much, beside them, exponents may differ that are one
SAME = 12  # digits in which the coefficients of two sums agree that are one

Groups = dict[Sum, list[tuple[Value, Function, float]]]  # factors, each a function of a sum to a power, by that sum


class Unknown(Exception):
    """The formula has something that is no sum, product or function of one variable."""


class Layers:
    """The arithmetic of values. Sums and signals that are the same are shared."""

    def __init__(self, inputs: list[Signal]) -> None:
        self.inputs = inputs
        self.sums: dict[Any, Sum] = {}
        self.order: dict[Signal, int] = {}  # in which they were met: places in memory would differ from run to run
        self.signals: dict[tuple[Sum, Any], Signal] = {}
        self.terms: dict[Any, int] = {}
        self.enough = NEARLY_ALL

    # --- products ---

    def product(self, factors: list[tuple[Value, float]]) -> Value:
        """The product of powers: of factors and their exponents."""
        constant, groups, others = self.grouped(factors)
        for s in [*groups]:
            constant *= self.gathered(s, groups)
        values: list[Value] = []
        for s, every in groups.items():
            several = self.powers(every)
            if not several:
                continue
            if len(several) == 1 and several[0][2] == 1.0:  # what is linear stays linear
                values.append(several[0][0])
            else:
                values.append(Value(parts={s: self.filled(s, product_of_powers([(f, e) for _, f, e in several]))}))
        values += others
        if not values:
            return Value(constant)
        if not np.isfinite(constant):
            raise Unknown
        values = self.signed_as_one(values)
        while len(values) > 1:
            values = [self.twofold(values[0], values[1]), *values[2:]]
        return scaled(values[0], constant)

    def powers(self, several: list[tuple[Value, Function, float]]) -> list[tuple[Value, Function, float]]:
        """Powers of functions of one sum, each function once: what is divided by itself is 1 without any rounding."""
        found: dict[Any, tuple[Value, Function, float]] = {}
        for value, f, exponent in several:
            value, f, before = found.get(key := self.same(f), (value, f, 0.0))
            found[key] = value, f, before + exponent
        return [each for each in found.values() if each[2] != 0.0]

    def grouped(self, factors: list[tuple[Value, float]]) -> tuple[float, Groups, list[Value]]:
        """The constant of a product, its factors by the sum that each is a function of, and those of several sums."""
        constant = 1.0
        groups: Groups = {}
        others: list[Value] = []
        for value, exponent in factors:
            if not value.linear and not value.parts:
                constant *= value.constant**exponent
                continue
            alone = self.alone(value)
            if alone is None and exponent != 1.0:
                alone = self.alone(self.handed_on(value))
            if alone is None:
                others.append(value)
            else:
                groups.setdefault(alone[0], []).append((value, alone[1], exponent))
        for value in [*others]:  # what is a sum of several functions, and another factor a function of that sum
            alone = self.alone(self.handed_on(value))
            if alone is not None and alone[0] in groups:
                groups[alone[0]].append((value, alone[1], 1.0))
                others.remove(value)
        return constant, groups, others

    def signed_as_one(self, values: list[Value]) -> list[Value]:
        """Factors of which those that keep their signs are one: the exponential of a sum, where that is simpler."""
        signed = [v for v in values if self.keeps_sign(v)]
        if len(signed) <= 1 or not (len(values) > 2 or any(v.parts for v in signed)):
            return values
        total, sign = Value(), 1.0
        for v in signed:
            own = float(np.sign(self.on_points(v)[0]))
            sign *= own
            total = added(total, self.applied(logarithm_of(own), v))
        return [scaled(self.applied(EXP, total), sign), *(v for v in values if v not in signed)]

    def gathered(self, s: Sum, groups: Groups) -> float:
        """Factors whose logarithms make up `s`, of which another factor is a function, join that one; their sign."""
        found: list[tuple[Sum, float]] = []
        sign = 1.0
        wanted = dict(s.terms) if s.layer and s in groups else {}
        for other, several in groups.items():
            value, _, exponent = several[0]
            if not wanted or other is s or len(several) > 1 or not self.keeps_sign(value):
                continue
            own = float(np.sign(self.on_points(value)[0]))
            log = self.handed_on(self.applied(logarithm_of(own), value))
            if len(log.linear) == 1 and not log.constant:
                signal, c = next(iter(log.linear.items()))
                if signal in wanted and (own > 0 or exponent.is_integer()):
                    found.append((other, exponent * c / wanted.pop(signal)))
                    sign *= own if exponent % 2 else 1.0
        if wanted or not found or any(abs(power - found[0][1]) > ROUNDED * abs(power) for _, power in found):
            return 1.0
        for other, _ in found:
            value = groups.pop(other)[0][0]
        groups[s].append((value, EXP, found[0][1]))
        return sign

    def filled(self, s: Sum, function: Function) -> Function:
        """A function of a sum that has a value where it lacks one at a point, as sin(z)/z at 0: that beside it."""
        good = np.isfinite(function(s.values))
        if good.all():
            return function
        if not good.mean() > self.enough:
            raise Unknown
        step = BESIDE * float(np.abs(s.values).max())

        def call(z: np.ndarray) -> np.ndarray:
            y = function(z)
            lost = ~np.isfinite(y)
            return np.where(lost, 0.5 * (function(z - step) + function(z + step)), y) if lost.any() else y

        return Univariate(call, function.term)

    def twofold(self, a: Value, b: Value) -> Value:
        """The product of two, as squares of their sum and difference."""
        one, other = self.alone(a), self.alone(b)
        if one is not None and other is not None and one[0] is other[0]:
            return Value(parts={one[0]: self.filled(one[0], both(one[1], other[1], "mul"))})
        a, b = self.handed_on(a), self.handed_on(b)
        sizes = [float(np.abs(self.on_points(v)).max()) for v in (a, b)]
        if not all(0.0 < size < np.inf for size in sizes):
            raise Unknown
        # powers of two, which are exact, and the same at nearly all other points of the same box
        sizes = [2.0 ** math.ceil(math.log2(size) - 1e-9) for size in sizes]
        # the first coefficient of each above 0: so x*y and -2*x*y are made of the same squares
        sizes = [math.copysign(size, max(v.linear.values(), key=abs)) for v, size in zip((a, b), sizes, strict=True)]
        a, b = (scaled(v, 1.0 / size) for v, size in zip((a, b), sizes, strict=True))
        plus, minus = self.applied(SQUARE, added(a, b)), self.applied(SQUARE, added(a, b, -1.0))
        return scaled(added(plus, minus, -1.0), 0.25 * sizes[0] * sizes[1])

    def keeps_sign(self, value: Value) -> bool:
        """Whether a value keeps its sign, and is never small beside its largest."""
        y = self.on_points(value)
        return bool((y > 0).all() or (y < 0).all()) and float(np.abs(y).min()) > SIGNED * float(np.abs(y).max())

    # --- sums and functions of them ---

    def on_points(self, value: Value) -> np.ndarray:
        """A value at the sample points."""
        total = np.full(len(self.inputs[0].values), value.constant)
        for signal, c in value.linear.items():
            total = total + c * signal.values
        for s, f in value.parts.items():
            total = total + f(s.values)
        if not np.isfinite(total).all():
            raise Unknown
        return total

    def alone(self, value: Value) -> tuple[Sum, Function] | None:
        """The one sum that a value is a function of, and the function; None where there are several."""
        if not (value.parts or value.linear):
            return None
        constant = value.constant
        if not value.parts:
            s, slope = self.sum_of(value.linear)
            return s, affine(constant, slope)
        s = max(value.parts, key=lambda t: t.layer)
        f = value.parts[s]
        others = {t: g for t, g in value.parts.items() if t is not s}
        if not (others or value.linear):
            return s, (f if constant == 0.0 else both(affine(constant, 0.0), f))
        if any(t.layer == s.layer for t in others):
            return None
        rest, slope = self.sum_of(self.handed_on(Value(0.0, value.linear, others)).linear)  # x*y + sin(x*y)
        return (s, both(affine(constant, slope), f)) if rest is s else None

    def applied(self, function: Function, value: Value) -> Value:
        """function(value)."""
        alone = self.alone(value)
        if alone is None:
            if not (value.parts or value.linear):
                term = put(function.term, term_of(value.constant))
                return Value(Exact(float(function(np.array([float(value.constant)]))[0]), term))
            alone = self.alone(self.handed_on(value))
            assert alone is not None
        s, inner = alone
        z = inner(s.values)
        with np.errstate(all="ignore"):
            good = np.isfinite(function(z))
        if good.all():
            return Value(parts={s: Univariate(lambda z: function(inner(z)), put(function.term, inner.term))})
        if not good.mean() > self.enough:
            raise Unknown
        least, most = float(z[good].min()), float(z[good].max())  # at 0 a root may be asked for that of a rounding
        return Value(parts={s: Univariate(lambda z: function(np.clip(inner(z), least, most)), None)})

    def handed_on(self, value: Value) -> Value:
        """A value that is linear in signals: each function of a sum becomes one."""
        linear = dict(value.linear)
        for s, f in value.parts.items():
            factor, f = (f.factor, f.base) if isinstance(f, Multiple) else (1.0, f)
            same = (s, self.same(f))
            signal = self.signals.get(same)
            if signal is None:
                signal = self.signals[same] = Signal(s.layer + 1, f(s.values), s, f)
            linear[signal] = linear.get(signal, 0.0) + factor
        return Value(value.constant, linear)

    def same(self, f: Function) -> Any:
        """A key that functions share which are the same steps, of the same numbers."""
        if f.term is None:
            return f
        places: dict[int, int] = {}
        for step in steps(f.term):
            own = (step.op, tuple(places[id(a)] for a in step.args), step.value)
            places[id(step)] = self.terms.setdefault(own, len(self.terms))
        return places[id(f.term)]

    def sum_of(self, linear: dict[Signal, float]) -> tuple[Sum, float]:
        """The sum that a linear value is a multiple of, and the factor."""
        linear = {k: c for k, c in linear.items() if c != 0.0}
        if not linear:
            raise Unknown
        linear = self.lifted(linear, max(k.layer for k in linear))
        factor = max(linear.values(), key=abs)
        for k in linear:
            self.order.setdefault(k, len(self.order))
        terms = tuple(sorted(((k, c / factor) for k, c in linear.items()), key=lambda t: self.order[t[0]]))
        key = tuple((id(k), float(f"{c:.{SAME}g}")) for k, c in terms)
        found = self.sums.get(key)
        if found is None:
            if len(self.sums) >= MOST_SUMS:
                raise Unknown
            values = np.sum([c * k.values for k, c in terms], axis=0)
            found = self.sums[key] = Sum(terms[0][0].layer, terms, values)
        return found, factor

    def lifted(self, linear: dict[Signal, float], layer: int) -> dict[Signal, float]:
        """A linear value of signals of one layer: those of layers before are summed and handed on."""
        for low in range(layer):
            early = {k: c for k, c in linear.items() if k.layer == low}
            if early:
                s, factor = self.sum_of(early)
                carried = self.handed_on(Value(parts={s: SAME_VALUE})).linear
                linear = {k: c for k, c in linear.items() if k.layer != low}
                for k, c in carried.items():
                    linear[k] = linear.get(k, 0.0) + c * factor
        return linear

    def at_layer(self, value: Value, depth: int) -> Value:
        """An output: functions of sums of the last layer but one, and signals of the last."""
        late = {s: f for s, f in value.parts.items() if s.layer == depth - 1}
        early = self.handed_on(Value(0.0, value.linear, {s: f for s, f in value.parts.items() if s not in late}))
        linear = {k: c for k, c in early.linear.items() if c != 0.0}
        return Value(value.constant, self.lifted(linear, depth) if linear else {}, late)


__all__ = ["NEARLY_ALL", "SIGNED", "Layers", "Unknown"]
