"""A formula as layers of functions of one variable each, between which there are only sums.

A product is a sum of squares, a b = ((a + b)^2 - (a - b)^2) / 4, or, where its factors keep their signs, the
exponential of a sum of logarithms; a maximum is a sum with a kink. So nearly every formula is made of functions of one
variable and of sums (Kolmogorov 1957 proves it of every continuous function; formulas say how). What depends on one sum
alone is one function of it, however long it is: `sin(E*t/h)^2` is a function of log(E) + log(t) - log(h).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.formulas.exact import Exact, T, Univariate, combined, constant_term, put, steps, term_of
from surefit.formulas.expression import Expression
from surefit.formulas.functions import TABLE
from surefit.formulas.signals import (
    ABOVE,
    ATAN,
    EXP,
    FLOOR,
    SAME_VALUE,
    SOFT,
    SQRT,
    SQUARE,
    Function,
    Multiple,
    Signal,
    Sum,
    Value,
    added,
    affine,
    both,
    called,
    depth_of,
    linear_value,
    logarithm_of,
    power_of,
    product_of_powers,
    scaled,
)

MOST_NODES = 400  # of a formula: each is looked at by a call or two
MOST_SUMS = 300  # different sums in all
SIGNED = 1e-3  # a factor whose values are all of one sign, and at least so large beside the largest, has a logarithm
NEARLY_ALL = 0.9  # of the sample points, where a function is finite that ends at others
PART = 0.02  # the same, where it counts only where a condition holds
BESIDE = 1e-6  # of the largest |sum|: so far beside a place without a value, as of sin(z)/z, there is one
FACTORS = ("mul", "div", "neg", "square")  # nodes whose arguments are factors of what they are a factor of
LOGARITHMS = {"log": 1.0, "log10": 1.0 / math.log(10.0), "log2": 1.0 / math.log(2.0)}  # times the natural one
ROUNDED = 1e-12  # by so much, beside them, exponents may differ that are one
SAME = 12  # digits in which the coefficients of two sums agree that are one
HOLDS = {  # 1 where a difference is so, else 0
    sign: Univariate(f, None) for sign, f in {
        "<": lambda z: 1.0 * (z < 0), "<=": lambda z: 1.0 * (z <= 0), ">": lambda z: 1.0 * (z > 0),
        ">=": lambda z: 1.0 * (z >= 0), "==": lambda z: 1.0 * (z == 0), "!=": lambda z: 1.0 * (z != 0),
    }.items()
}  # fmt: skip


class Unknown(Exception):
    """The formula has something that is no sum, product or function of one variable."""


@dataclass(frozen=True)
class Composition:
    """Formulas as layers. inputs: signals of the points' columns; outputs: a value for each; depth: of the layers.

    assumed: values that were not below 0 at any point; where they are below, the layers may be another function.
    """

    inputs: tuple[Signal, ...]
    outputs: tuple[Value, ...]
    depth: int
    assumed: tuple[Value, ...] = ()

    def wanted(self) -> dict[Sum, list[tuple[Signal | int, Function]]]:
        """The functions of each sum that something needs, of a signal or an output; sums of early layers first."""
        found: dict[Sum, list[tuple[Signal | int, Function]]] = {}
        seen: set[int] = set()

        def ask(signal: Signal) -> None:
            if signal.of is not None and id(signal) not in seen:
                seen.add(id(signal))
                assert signal.function is not None
                need(signal.of, signal, signal.function)

        def need(s: Sum, what: Signal | int, function: Function) -> None:
            for signal, _ in s.terms:
                ask(signal)
            found.setdefault(s, []).append((what, function))

        for j, value in enumerate(self.outputs):
            for s, f in value.parts.items():
                need(s, j, f)
            for signal in value.linear:
                ask(signal)
        return dict(sorted(found.items(), key=lambda item: item[0].layer))


def composition_of(
    formulas: Sequence[Expression], points: np.ndarray, log: np.ndarray | None = None, logarithms: bool = False
) -> Composition | None:
    """The layers of formulas of the same variables, or None where they have something else.

    points (n, d): where their sub-expressions are looked at, for signs and ranges. log (d,): inputs of which the
    network is given the logarithm. logarithms: whether quotients, roots and logarithms of sums of positive terms that
    range over powers of ten are read as those of the terms: log(e^a + e^b) = b + log(1 + e^(a-b)), where the sum would
    be known to a share of its largest value; None where there are none.

    >>> from surefit.formulas import parse
    >>> f = parse("sin(a*b/c)^2")
    >>> composition_of([f], np.random.default_rng(0).uniform(1, 2, (100, 3))).depth
    2
    """
    if sum(len(f.nodes) for f in formulas) > MOST_NODES:
        return None
    if logarithms and all(_sum_below(f, i) is None for f in formulas for i in range(len(f.nodes))):
        return None
    composer = _Composer(points, np.zeros(points.shape[1], bool) if log is None else log, logarithms)
    try:
        values = [composer.read(f) for f in formulas]
        if logarithms and not composer.used:
            return None
        depth = max((s.layer + 1 for v in values for s in v.parts), default=0)
        if not depth:
            return None
        outputs = tuple(composer.at_layer(v, depth) for v in values)
        return Composition(tuple(composer.inputs), outputs, depth, tuple(composer.assumed))
    except (Unknown, RecursionError):
        return None


def _sum_below(formula: Expression, i: int) -> int | None:
    """The node with a sum in it that a node is a logarithm or a negative or broken power of, or is divided by."""
    node = formula.nodes[i]
    if node.op not in ("div", "sqrt", "pow", *LOGARITHMS) or formula.constants[i] is not None:
        return None
    if node.op == "pow":
        power = formula.constants[node.args[1]]
        if power is None or (float(power) > 0 and float(power).is_integer()):
            return None
    of = node.args[1 if node.op == "div" else 0]
    return of if _has_sum(formula, of) else None


def _has_sum(formula: Expression, i: int) -> bool:
    """Whether a node is a sum, or a power, a quotient or a product with one."""
    node = formula.nodes[i]
    if formula.constants[i] is None and node.op in (*FACTORS, "sqrt", "pow"):
        return any(_has_sum(formula, a) for a in node.args)
    return formula.constants[i] is None and node.op == "add"


class _Composer:
    """Reads formulas; sums and signals that are the same are shared."""

    def __init__(self, points: np.ndarray, log: np.ndarray, logarithms: bool = False) -> None:
        self.logarithms, self.used = logarithms, False
        self.inputs: list[Signal] = []
        self.variables: list[Value] = []
        self.sums: dict[Any, Sum] = {}
        self.order: dict[Signal, int] = {}  # in which they were met: places in memory would differ from run to run
        self.signals: dict[tuple[Sum, Any], Signal] = {}
        self.terms: dict[Any, int] = {}
        self.known: dict[Any, Value] = {}
        self.whole: set[Any] = set()  # products that something else is made of
        self.assumed: list[Value] = []  # that are not below 0, as far as was seen
        self.enough = NEARLY_ALL
        for column, is_log in zip(points.T, log, strict=True):
            signal = Signal(0, np.log(column) if is_log else column)
            self.inputs.append(signal)
            self.variables.append(
                self.applied(EXP, linear_value({signal: 1.0})) if is_log else linear_value({signal: 1.0})
            )

    # --- formulas ---

    def read(self, formula: Expression) -> Value:
        """The value of a formula."""
        keys: list[Any] = []
        names = {name: i for i, name in enumerate(formula.variables)}
        for i, node in enumerate(formula.nodes):
            constant = formula.constants[i]
            keys.append(
                ("number", float(constant))
                if constant is not None
                else (node.op, node.value, *(keys[a] for a in node.args))
            )
        self.formula, self.keys, self.names = formula, keys, names
        for node in formula.nodes:
            if node.op not in FACTORS:
                self.whole.update(keys[self.bare(a)] for a in node.args)
        return self.value(len(formula.nodes) - 1)

    def bare(self, i: int) -> int:
        """A node without its sign and numeric factors."""
        node = self.formula.nodes[i]
        if node.op == "neg":
            return self.bare(node.args[0])
        if node.op in ("mul", "div"):
            varying = [a for a in node.args if self.formula.constants[a] is None]
            if len(varying) == 1 and (node.op == "mul" or varying[0] == node.args[0]):
                return self.bare(varying[0])
        return i

    def value(self, i: int) -> Value:
        """The value of a node."""
        key = self.keys[i]
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.made(i)
        return found

    def made(self, i: int) -> Value:
        node, constant = self.formula.nodes[i], self.formula.constants[i]
        if constant is not None:
            if not np.isfinite(float(constant)):
                raise Unknown
            return Value(Exact(float(constant), constant_term(self.formula, i)))
        op, args = node.op, node.args
        if self.logarithms and (found := self.by_logarithms(i)) is not None:
            self.used = True
            return found
        if op in ("compare", "and", "or", "not", "if"):
            chosen = range(1, 3) if op == "if" else ()  # which may be undefined where they are not chosen
            values = []
            for k, a in enumerate(args):
                self.enough = PART if k in chosen else NEARLY_ALL
                values.append(self.value(a))
            self.enough = NEARLY_ALL
            return self.decided(op, values, node.value)
        if op == "variable":
            return self.variables[self.names[node.value]]
        if op == "add":
            return added(self.value(args[0]), self.value(args[1]))
        if op == "sub":
            return added(self.value(args[0]), self.value(args[1]), -1.0)
        if op == "neg":
            return scaled(self.value(args[0]), -1.0)
        power = self.power(i)
        if power is not None and not power.is_integer() and not (self.on_points(self.value(args[0])) >= 0).all():
            return self.applied(SQRT if power == 0.5 else power_of(power), self.value(args[0]))
        if op in ("mul", "div") or power is not None:
            return self.shallower(i)
        if op == "pow":
            known = self.formula.constants[args[0]]
            if known is not None:
                base = Exact(float(known), constant_term(self.formula, args[0]))
                of_base = Univariate(lambda z: float(base) ** z, combined("pow", base.term, T))
                return self.applied(of_base, self.value(args[1]))
            logarithm = self.applied(logarithm_of(1.0), self.positive(args[0]))
            return self.applied(EXP, self.product([(self.value(args[1]), 1.0), (logarithm, 1.0)]))
        if op in ("max", "min"):
            found = self.value(args[0])
            for a in args[1:]:
                sign = 1.0 if op == "max" else -1.0
                more = self.applied(ABOVE, scaled(added(self.value(a), found, -1.0), sign))
                found = added(found, more, sign)
            return found
        if op == "hypot":
            squares = [self.product([(self.value(a), 2.0)]) for a in args]
            return self.applied(SQRT, added(squares[0], squares[1]))
        if op == "logaddexp":
            difference = added(self.value(args[0]), self.value(args[1]), -1.0)
            return added(self.value(args[1]), self.applied(SOFT, difference))
        if op == "atan2":
            return self.applied(ATAN, self.product([(self.value(args[0]), 1.0), (self.positive(args[1]), -1.0)]))
        if op == "mod" and self.formula.constants[args[1]] is None:  # a - b floor(a / b)
            value, step = self.value(args[0]), self.value(args[1])
            whole = self.applied(FLOOR, self.product([(value, 1.0), (step, -1.0)]))
            return added(value, self.product([(step, 1.0), (whole, 1.0)]), -1.0)
        varying = [k for k, a in enumerate(args) if self.formula.constants[a] is None]
        if len(varying) == 1 and op in TABLE:
            known_terms = [None if k in varying else constant_term(self.formula, a) for k, a in enumerate(args)]
            function = called(op, [self.formula.constants[a] for a in args], known_terms)
            return self.applied(function, self.value(args[varying[0]]))
        raise Unknown

    def decided(self, op: str, args: list[Value], signs: Sequence[str]) -> Value:
        """A condition, which is 1 where it holds and else 0, or one of two values by a condition."""
        if op == "compare":
            pairs = zip(signs, args, args[1:], strict=False)
            holds = [self.applied(HOLDS[sign], added(a, b, -1.0)) for sign, a, b in pairs]
            return self.product([(h, 1.0) for h in holds])
        if op == "if":
            chosen = self.product([(args[0], 1.0), (added(args[1], args[2], -1.0), 1.0)])
            return added(args[2], chosen)
        if op == "and":
            return self.product([(a, 1.0) for a in args])
        others = [added(Value(1.0), a, -1.0) for a in args]  # not a
        return others[0] if op == "not" else added(Value(1.0), self.product([(o, 1.0) for o in others]), -1.0)

    def by_logarithms(self, i: int) -> Value | None:
        """A logarithm, quotient or root of sums of positive terms that range far, by the logarithms of these."""
        node, of = self.formula.nodes[i], _sum_below(self.formula, i)
        if of is None:
            return None
        y = self.on_points(self.value(of))
        if not ((y > 0).all() and float(y.min()) < SIGNED * float(y.max())):
            return None
        assumed = len(self.assumed)
        try:
            if node.op in LOGARITHMS:
                return scaled(self.logarithm(of), LOGARITHMS[node.op])
            total, others = self.apart_from(i)
            return self.product([(self.applied(EXP, total), 1.0), *((value, 1.0) for value in others)])
        except Unknown:
            del self.assumed[assumed:]
            return None

    def apart_from(self, i: int) -> tuple[Value, list[Value]]:
        """The logarithm of the factors of a node that have one, and those that have none."""
        node, assumed = self.formula.nodes[i], len(self.assumed)
        if self.formula.constants[i] is None and node.op in ("mul", "div", "neg"):
            total, others = self.apart_from(node.args[0])
            if node.op == "mul":
                more, beside = self.apart_from(node.args[1])
                return added(total, more), others + beside
            if node.op == "div":
                return added(total, self.logarithm(node.args[1]), -1.0), others
            return total, [*others, Value(-1.0)]
        try:
            return self.logarithm(i), []
        except Unknown:
            del self.assumed[assumed:]
            return Value(), [self.value(i)]

    def logarithm(self, i: int) -> Value:
        """The logarithm of a node that is above 0, as are all that it is a product or a sum of."""
        node = self.formula.nodes[i]
        if self.formula.constants[i] is None:
            if node.op == "exp":
                return self.value(node.args[0])
            if node.op in ("mul", "div"):
                a, b = (self.logarithm(a) for a in node.args)
                return added(a, b, 1.0 if node.op == "mul" else -1.0)
            power = self.power(i)
            if power is not None:
                return scaled(self.logarithm(node.args[0]), power)
            if node.op == "add":
                a, b = (self.logarithm(a) for a in node.args)
                return added(b, self.applied(SOFT, added(a, b, -1.0)))
        return self.applied(logarithm_of(1.0), self.positive(i))

    def positive(self, i: int) -> Value:
        """A node that is above 0."""
        value = self.value(i)
        if not (self.on_points(value) > 0).all():
            raise Unknown
        self.assumed.append(value)
        return value

    def power(self, i: int) -> float | None:
        """The exponent of a power that is a number; None of another node."""
        node = self.formula.nodes[i]
        if node.op in ("sqrt", "square"):
            return 0.5 if node.op == "sqrt" else 2.0
        exponent = self.formula.constants[node.args[1]] if node.op == "pow" else None
        return None if exponent is None else Exact(float(exponent), constant_term(self.formula, node.args[1]))

    def shallower(self, i: int) -> Value:
        """A product, of all its factors, or with those together of which something else is made: whichever is simpler.

        So x*y*sin(x*y) is a function of x*y alone.
        """
        split = self.factors(i, 1.0, frozenset())
        together = self.factors(i, 1.0, frozenset(self.whole - {self.keys[i]}))
        found = self.product(split)
        if len(together) == len(split):
            return found
        other = self.product(together)
        return other if depth_of(other) < depth_of(found) else found

    def factors(self, i: int, exponent: float, whole: frozenset[Any]) -> list[tuple[Value, float]]:
        """A product as its factors and their exponents; those of `whole` are not split."""
        node = self.formula.nodes[i]
        if self.formula.constants[i] is None and self.keys[i] not in whole:
            if node.op in ("mul", "div"):
                other = exponent if node.op == "mul" else -exponent
                return self.factors(node.args[0], exponent, whole) + self.factors(node.args[1], other, whole)
            power = self.power(i)
            if power is not None and power.is_integer() and float(exponent).is_integer():
                return self.factors(node.args[0], power * exponent, whole)
            if power is not None and (self.on_points(self.value(node.args[0])) >= 0).all():
                return self.split(node.args[0], power * exponent, whole)
            if node.op == "neg":
                return [(Value(-1.0), exponent), *self.factors(node.args[0], exponent, whole)]
        return [(self.value(i), exponent)]

    def split(self, i: int, exponent: float, whole: frozenset[Any]) -> list[tuple[Value, float]]:
        """The factors of a base that is not below 0, where each of them is not: sqrt(a b) = sqrt(a) sqrt(b)."""
        found = self.factors(i, 1.0, whole)
        self.assumed.append(self.value(i))
        if all((self.on_points(v) >= 0).all() for v, _ in found):
            self.assumed += [v for v, _ in found]
            return [(v, e * exponent) for v, e in found]
        return [(self.value(i), exponent)]

    # --- products ---

    def product(self, factors: list[tuple[Value, float]]) -> Value:
        """The product of powers."""
        constant = 1.0
        groups: dict[Sum, list[tuple[Value, Function, float]]] = {}
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
        for s in [*groups]:
            constant *= self.gathered(s, groups)
        values: list[Value] = []
        for s, several in groups.items():
            if len(several) == 1 and several[0][2] == 1.0:  # what is linear stays linear
                values.append(several[0][0])
            else:
                values.append(Value(parts={s: self.filled(s, product_of_powers([(f, e) for _, f, e in several]))}))
        values += others
        if not values:
            return Value(constant)
        if not np.isfinite(constant):
            raise Unknown
        signed = [v for v in values if self.keeps_sign(v)]
        if len(signed) > 1 and (len(values) > 2 or any(v.parts for v in signed)):
            total, sign = Value(), 1.0
            for v in signed:
                own = float(np.sign(self.on_points(v)[0]))
                sign *= own
                total = added(total, self.applied(logarithm_of(own), v))
            values = [scaled(self.applied(EXP, total), sign), *(v for v in values if v not in signed)]
        while len(values) > 1:
            values = [self.twofold(values[0], values[1]), *values[2:]]
        return scaled(values[0], constant)

    def gathered(self, s: Sum, groups: dict[Sum, list[tuple[Value, Function, float]]]) -> float:
        """Factors whose logarithms make up `s`, of which another factor is a function, join that one; their sign."""
        found: list[tuple[Sum, float]] = []
        sign = 1.0
        wanted = dict(s.terms) if s.layer and s in groups else {}
        for other, several in groups.items():
            value, _, exponent = several[0]
            if not wanted or other is s or len(several) > 1 or not self.keeps_sign(value):
                continue
            own = float(np.sign(self.on_points(value)[0]))
            logarithm = self.handed_on(self.applied(logarithm_of(own), value))
            if len(logarithm.linear) == 1 and not logarithm.constant:
                signal, c = next(iter(logarithm.linear.items()))
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


__all__ = ["Composition", "composition_of"]
