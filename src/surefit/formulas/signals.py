"""What a node of a formula is: a constant, a linear part and functions of sums; and the arithmetic of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.formulas.exact import T, Term, Univariate, combined, number, term_of
from surefit.formulas.functions import TABLE

Function = Univariate


@dataclass(eq=False)
class Signal:
    """A number that a layer hands on: an input (layer 0, no sum), or `function` of a sum of the layer before."""

    layer: int
    values: np.ndarray = field(repr=False)  # at the sample points
    of: Sum | None = None
    function: Function | None = None


@dataclass(eq=False)
class Sum:
    """sum of coefficient * signal, all of one layer."""

    layer: int
    terms: tuple[tuple[Signal, float], ...]
    values: np.ndarray = field(repr=False)


@dataclass(eq=False)
class Value:
    """constant + sum of coefficient * signal + sum of function(sum): what a node of a formula is."""

    constant: float = 0.0
    linear: dict[Signal, float] = field(default_factory=dict)
    parts: dict[Sum, Function] = field(default_factory=dict)


def logarithm_of(sign: float) -> Function:
    """Of |z| where z has this sign, and of no other."""
    return Univariate(lambda z: np.log(sign * z), combined("log", T if sign > 0 else combined("neg", T)))


def power_of(exponent: float) -> Function:
    return Univariate(lambda z: z ** float(exponent), combined("pow", T, term_of(exponent)))


def affine(constant: float, slope: float) -> Function:
    c, b = float(constant), float(slope)
    if slope == 0.0:
        return Univariate(lambda z: np.full(np.shape(z), c), term_of(constant))
    line = combined("mul", term_of(slope), T)
    return Univariate(lambda z: c + b * z, line if constant == 0.0 else combined("add", term_of(constant), line))


def scaled(value: Value, factor: float) -> Value:
    if factor == 1.0:
        return value
    linear = {k: c * factor for k, c in value.linear.items()}
    return Value(value.constant * factor, linear, {s: times(f, factor) for s, f in value.parts.items()})


class Multiple(Univariate):
    """A multiple of a function; two of one function are handed on as one signal."""

    __slots__ = ("base", "factor")

    def __init__(self, base: Function, factor: float) -> None:
        by = float(factor)
        super().__init__(lambda z: by * base(z), combined("mul", term_of(factor), base.term))
        self.base, self.factor = base, factor


def times(f: Function, factor: float) -> Function:
    return Multiple(f.base, factor * f.factor) if isinstance(f, Multiple) else Multiple(f, factor)


def depth_of(value: Value) -> int:
    """Layers that a value takes."""
    return max((s.layer + 1 for s in value.parts), default=max((k.layer for k in value.linear), default=0))


def added(a: Value, b: Value, factor: float = 1.0) -> Value:
    """a + factor b."""
    b = scaled(b, factor)
    linear, parts = dict(a.linear), dict(a.parts)
    for k, c in b.linear.items():
        linear[k] = linear.get(k, 0.0) + c
    for s, f in b.parts.items():
        parts[s] = both(parts[s], f) if s in parts else f
    return Value(a.constant + b.constant, {k: c for k, c in linear.items() if c != 0.0}, parts)


def both(f: Function, g: Function, op: str = "add") -> Function:
    term = combined(op, f.term, g.term)
    return Univariate((lambda z: f(z) + g(z)) if op == "add" else lambda z: f(z) * g(z), term)


def product_of_powers(several: list[tuple[Function, float]]) -> Function:
    """The product of powers of functions."""

    @ops.silent
    def product(z: np.ndarray) -> np.ndarray:
        total = np.ones(np.shape(z))
        for f, e in several:
            y = f(z)
            total = total * (y if e == 1.0 else y * y if e == 2.0 else np.sqrt(y) if e == 0.5 else y ** float(e))
        return total

    term: Term | None = None
    for f, e in several:
        power = f.term if e == 1.0 else combined("pow", f.term, term_of(e))
        term = power if (f, e) == several[0] else combined("mul", term, power)
    return Univariate(product, term)


def called(op: str, constants: Sequence[Any], terms: Sequence[Term | None]) -> Function:
    """A function of the table of which one argument varies: terms of the others, and None."""

    @ops.silent
    def call(z: np.ndarray) -> np.ndarray:
        return np.asarray(TABLE[op].value(*(z if c is None else float(c) for c in constants)), np.float64)

    varying = next(k for k, c in enumerate(constants) if c is None)
    return Univariate(call, combined(op, *(T if k == varying else t for k, t in enumerate(terms))))


EXP, SQRT = Univariate(np.exp, combined("exp", T)), Univariate(np.sqrt, combined("sqrt", T))
SQUARE = Univariate(np.square, combined("square", T))
ATAN, FLOOR = Univariate(np.arctan, combined("atan", T)), Univariate(np.floor, combined("floor", T))
ABOVE = Univariate(lambda z: np.maximum(z, 0.0), combined("max", T, number(0)))
SOFT = Univariate(lambda z: np.logaddexp(z, 0.0), combined("logaddexp", T, number(0)))
SAME_VALUE = Univariate(lambda z: z, T)

__all__ = [
    "ABOVE", "ATAN", "EXP", "FLOOR", "SAME_VALUE", "SOFT", "SQRT", "SQUARE", "Function", "Multiple", "Signal", "Sum",
    "Value", "added", "affine", "both", "called", "depth_of", "logarithm_of", "power_of",
    "product_of_powers", "scaled", "times",
]  # fmt: skip
