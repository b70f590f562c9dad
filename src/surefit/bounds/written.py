"""Functions of formulas written as others: one table for Taylor models and for balls, which have rules for few.

Where one of the others has no value although the function has (1 / sqrt(1 - x^2) at x = 1, for asin), nothing is known
from here, and whoever reads it falls back to the range.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol


class Does(Protocol):
    """An arithmetic on values: functions by name, and numbers."""

    def do(self, op: str, *args: Any) -> Any:
        """A function of values."""

    def number(self, value: Fraction) -> Any:
        """An exact constant."""

    def constant(self, name: str) -> Any:
        """pi or e."""


def _asinh(a: Does, x: Any) -> Any:
    """2 atanh(v), v = x / (1 + sqrt(1 + x^2)), as logarithms; log(x + sqrt(1 + x^2)) would cancel for x < 0."""
    one = a.number(Fraction(1))
    v = a.do("div", x, a.do("add", one, a.do("sqrt", a.do("add", one, a.do("mul", x, x)))))
    return a.do("sub", a.do("log1p", v), a.do("log1p", a.do("neg", v)))


def _asin(a: Does, x: Any) -> Any:
    rest = a.do("sqrt", a.do("sub", a.number(Fraction(1)), a.do("mul", x, x)))
    return a.do("atan", a.do("div", x, rest))


def _half_pi(a: Does) -> Any:
    return a.do("mul", a.number(Fraction(1, 2)), a.constant("pi"))


def _per_log(base: int) -> Callable[[Does, Any], Any]:
    return lambda a, x: a.do("div", a.do("log", x), a.do("log", a.number(Fraction(base))))


def _larger(a: Does, x: Any, y: Any) -> Any:
    return a.do("add", y, a.do("relu", a.do("sub", x, y)))


def _smaller(a: Does, x: Any, y: Any) -> Any:
    return a.do("sub", y, a.do("relu", a.do("sub", y, x)))


def _of_many(two: Callable[[Does, Any, Any], Any]) -> Callable[..., Any]:
    def many(a: Does, first: Any, *more: Any) -> Any:
        for x in more:
            first = two(a, first, x)
        return first

    return many


def _per(op: str) -> Callable[[Does, Any], Any]:
    return lambda a, x: a.do("div", a.number(Fraction(1)), a.do(op, x))


def _sinc(a: Does, x: Any) -> Any:
    t = a.do("mul", x, a.constant("pi"))
    return a.do("div", a.do("sin", t), t)


WRITTEN: dict[str, Callable[..., Any]] = {
    "hypot": lambda a, x, y: a.do("sqrt", a.do("add", a.do("mul", x, x), a.do("mul", y, y))),
    "exp2": lambda a, x: a.do("exp", a.do("mul", x, a.do("log", a.number(Fraction(2))))),
    "log2": _per_log(2),
    "log10": _per_log(10),
    "logaddexp": lambda a, x, y: a.do("add", y, a.do("softplus", a.do("sub", x, y))),
    "asinh": _asinh,
    "acosh": lambda a, x: a.do(
        "log", a.do("add", x, a.do("sqrt", a.do("sub", a.do("mul", x, x), a.number(Fraction(1)))))
    ),
    "atanh": lambda a, x: a.do(
        "mul", a.number(Fraction(1, 2)), a.do("sub", a.do("log1p", x), a.do("log1p", a.do("neg", x)))
    ),
    "asin": _asin,
    "acos": lambda a, x: a.do("sub", _half_pi(a), _asin(a, x)),
    "erfc": lambda a, x: a.do("sub", a.number(Fraction(1)), a.do("erf", x)),
    "sec": _per("cos"),
    "csc": _per("sin"),
    "sinc": _sinc,
    "cot": lambda a, x: a.do("div", a.do("cos", x), a.do("sin", x)),
    "max": _of_many(_larger),
    "min": _of_many(_smaller),
    "clip": lambda a, x, low, high: _smaller(a, _larger(a, x, low), high),
}  # fmt: skip


__all__ = ["WRITTEN", "Does"]
