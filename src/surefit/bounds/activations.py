"""Activations as bounds see them: the value at a point with its rounding, and how much they can bend on a range.

A line through the ends of a range misses a smooth function by no more than its second derivative allows; `bend` bounds
that. Composite activations (GELU, SiLU, ELU, clips) are seen from the primitives a model was recorded as.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.interval import RULES, Range
from surefit.core.ops import TABLE
from surefit.core.program import Constant, Equation, Var

Bend = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


class Activation(NamedTuple):
    """value(x, parameter) of points; bend(low, high, parameter): at least |second derivative| on the range.

    least, most: bounds of all its values. rising: whether it never falls. beside: how far below and above max(x, 0) it
    may be, where that is bounded. On wide ranges these say more than its second derivative.
    """

    value: Callable[[Range, float], Range]
    bend: Bend
    least: float = -math.inf
    most: float = math.inf
    rising: bool = False
    beside: tuple[float, float] | None = None


MARGIN = 1.0 + 1e-9  # of bounds that are computed in floats from formulas with few roundings


def _near(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The smallest |x| of each range."""
    return np.maximum(np.maximum(low, -high), 0.0)


def _tanh_bend(low: np.ndarray, high: np.ndarray, _: float) -> np.ndarray:
    """2 t (1 - t^2): rises to 0.7698 at t = 0.577 and falls from there."""
    near, far = _near(low, high), np.maximum(np.abs(low), np.abs(high))
    peak = 0.6584789484624084  # atanh(1 / sqrt 3)

    def at(x: np.ndarray) -> np.ndarray:
        t = np.tanh(x)
        return 2.0 * t * (1.0 - t) * (1.0 + t) * MARGIN + 1e-14  # 1 - t loses digits where t is near 1

    return np.where(near > peak, at(near), np.where(far < peak, at(far), 0.7698003590))


def _sigmoid_bend(low: np.ndarray, high: np.ndarray, _: float) -> np.ndarray:
    return 0.125 * _tanh_bend(0.5 * low, 0.5 * high, 0.0)  # sigmoid(x) = 1/2 + tanh(x/2) / 2


def _softplus_bend(low: np.ndarray, high: np.ndarray, _: float) -> np.ndarray:
    return 0.25 / np.cosh(np.minimum(0.5 * _near(low, high), 300.0)) ** 2 * MARGIN + 1e-300


def _gelu_bend(low: np.ndarray, high: np.ndarray, a: float) -> np.ndarray:
    """|phi(z) (2 - z^2)| times a sqrt 2, z = a sqrt 2 x: 0.798 at most, and falling from |z| = 2 on."""
    k = a * math.sqrt(2.0)
    z = k * _near(low, high)
    tail = (z * z - 2.0) * np.exp(-0.5 * z * z) * 0.3989422804014328
    return k * np.where(z > 2.0, tail, 0.7978845608028655) * (1.0 + 1e-8) + 1e-300


def _silu_bend(low: np.ndarray, high: np.ndarray, _: float) -> np.ndarray:
    """s'(x) |2 - x tanh(x/2)| is at most 1/2, and at most exp(-|x|) (2 + |x|), which falls."""
    near = _near(low, high)
    return np.minimum(0.5, (2.0 + near) * np.exp(-near)) * MARGIN + 1e-300


def _known(name: str) -> Activation:
    """A primitive whose second derivative affine.py knows as a range."""

    def bend(low: np.ndarray, high: np.ndarray, _: float) -> np.ndarray:
        x = Range(low, high)
        with np.errstate(all="ignore"):
            r = BENDS[name](x)
        return np.where(r.bad | ~np.isfinite(r.size), np.inf, r.size)

    rule = RULES[name] if name in RULES else (lambda x: I.div(1.0, x))
    least, most = (-1.0, 1.0) if name in ("sin", "cos", "erf") else (-math.inf, math.inf)
    return Activation(lambda x, _: rule(x), bend, least, most, name in RISING)


def _gelu(x: Range, a: float) -> Range:
    return I.mul(I.mul(x, 0.5), I.add(I.erf(I.mul(x, a)), 1.0))


RISING = ("exp", "expm1", "exp2", "sinh", "atan", "asinh", "erf")
BENDS: dict[str, Callable[[Range], Range]] = {
    "sin": lambda x: I.sin(x),
    "cos": lambda x: I.cos(x),
    "exp": lambda x: I.exp(x),
    "expm1": lambda x: I.exp(x),
    "exp2": lambda x: RULES["exp2"](x),  # times (log 2)^2 < 1
    "square": lambda x: Range(np.full(x.shape, 2.0), np.full(x.shape, 2.0)),
    "log": lambda x: I.div(1.0, I.square(x)),
    "log1p": lambda x: I.div(1.0, I.square(I.add(x, 1.0))),
    "sqrt": lambda x: I.div(0.25, I.mul(x, I.sqrt(x))),
    "reciprocal": lambda x: I.div(2.0, I.whole_power(x, 3)),
    "sinh": lambda x: I.sinh(x),
    "cosh": lambda x: I.cosh(x),
    "atan": lambda x: Range(np.zeros(x.shape), np.full(x.shape, 0.6495190529)),  # 3 sqrt 3 / 8
    "asinh": lambda x: Range(np.zeros(x.shape), np.full(x.shape, 0.3849001795)),  # 2 / (3 sqrt 3)
    "erf": lambda x: Range(np.zeros(x.shape), np.full(x.shape, 0.9678829)),  # at 1/sqrt 2: 2 sqrt(2 / (e pi))
}

ACTIVATIONS: dict[str, Activation] = {name: _known(name) for name in BENDS} | {
    "tanh": Activation(lambda x, _: I.tanh(x), _tanh_bend, -1.0, 1.0, True),
    "sigmoid": Activation(lambda x, _: I.sigmoid(x), _sigmoid_bend, 0.0, 1.0, True),
    "softplus": Activation(lambda x, _: I.softplus(x), _softplus_bend, 0.0, math.inf, True, (0.0, 0.69314719)),
    "gelu": Activation(_gelu, _gelu_bend, -0.170041),
    "silu": Activation(lambda x, _: I.mul(x, I.sigmoid(x)), _silu_bend, -0.278465, beside=(0.278465, 0.0)),
}


def evaluated(kind: str, x: np.ndarray, parameter: float) -> np.ndarray:
    """An activation in float64, without any claim."""
    if kind == "relu":
        return np.maximum(x, 0.0)
    if kind == "reciprocal":
        return 1.0 / x
    if kind == "silu":
        return np.asarray(x * TABLE["sigmoid"].value(x))
    if kind == "gelu":
        return np.asarray(0.5 * x * (1.0 + TABLE["erf"].value(x * parameter)))
    return np.asarray(TABLE[kind].value(x))


# --- slopes on ranges ---


def _relu_slope(x: Range) -> Range:
    return Range(np.where(x.low > 0, 1.0, 0.0), np.where(x.high < 0, 0.0, 1.0))


def _hill(x: Range) -> Range:
    """1 / (4 cosh(x/2)^2) = e / (1 + e)^2 with e = exp(-|x|), to its own digits far out too: it falls with |x|."""
    near, far = _near(x.low, x.high), np.maximum(np.abs(x.low), np.abs(x.high))
    e = I.exp(Range(-far, -near, x.bad))
    ends = [I.div(Range(v, v), I.square(I.add(Range(v, v), 1.0))) for v in (e.low, np.minimum(e.high, 1.0))]
    return Range(ends[0].low, ends[1].high, e.bad)


def _bell(x: Range) -> Range:
    """2 / sqrt(pi) exp(-x^2)."""
    return I.mul(Range(np.float64(1.1283791670955123), np.float64(1.1283791670955128)), I.exp(I.neg(I.square(x))))


def _gelu_slope(x: Range, a: float) -> Range:
    scaled = I.mul(x, a)
    return I.add(I.mul(I.add(I.erf(scaled), 1.0), 0.5), I.mul(I.mul(scaled, 0.5), _bell(scaled)))


def _silu_slope(x: Range) -> Range:
    y = I.sigmoid(x)
    return I.mul(y, I.add(I.mul(x, I.sub(1.0, y)), 1.0))


_LN2 = I.log(Range(np.float64(2.0), np.float64(2.0)))
SLOPES: dict[str, Callable[[Range, float], Range]] = {
    "relu": lambda x, _: _relu_slope(x),
    "tanh": lambda x, _: I.mul(_hill(I.mul(x, 2.0)), 4.0),
    "sigmoid": lambda x, _: _hill(x),
    "softplus": lambda x, _: I.sigmoid(x),
    "sin": lambda x, _: I.cos(x),
    "cos": lambda x, _: I.neg(I.sin(x)),
    "exp": lambda x, _: I.exp(x),
    "expm1": lambda x, _: I.exp(x),
    "exp2": lambda x, _: I.mul(RULES["exp2"](x), _LN2),
    "erf": lambda x, _: _bell(x),
    "atan": lambda x, _: I.div(1.0, I.add(I.square(x), 1.0)),
    "square": lambda x, _: I.mul(x, 2.0),
    "log": lambda x, _: I.div(1.0, x),
    "log1p": lambda x, _: I.div(1.0, I.add(x, 1.0)),
    "sqrt": lambda x, _: I.div(0.5, I.sqrt(x)),
    "reciprocal": lambda x, _: I.neg(I.div(1.0, I.square(x))),
    "sinh": lambda x, _: I.cosh(x),
    "cosh": lambda x, _: I.sinh(x),
    "asinh": lambda x, _: I.div(1.0, I.sqrt(I.add(I.square(x), 1.0))),
    "gelu": _gelu_slope,
    "silu": lambda x, _: _silu_slope(x),
}


# --- what several primitives together are ---------------------------------------------------------------------------


class Seen(NamedTuple):
    """A composite: its kind, the array it is a function of, and its constant."""

    kind: str
    x: Var
    parameter: float = 0.0


class _Any:
    """A constant in a pattern that may be any one number."""

    def __init__(self, name: str) -> None:
        self.name = name


X = "x"
_GELU = ("mul", ("mul", X, 0.5), ("add", ("erf", ("mul", X, math.sqrt(0.5))), 1.0))
_SILU = ("mul", X, ("sigmoid", X))
_LEFT = ("where", ("le", X, 0.0), X, 0.0)
_ELU = ("where", ("le", X, 0.0), ("mul", ("expm1", _LEFT), _Any("alpha")), X)
_CELU = ("where", ("le", X, 0.0), ("mul", ("expm1", ("div", _LEFT, _Any("alpha"))), _Any("alpha")), X)
_CLIP = (
    "where", ("logical_and", ("gt", X, _Any("low")), ("lt", X, _Any("high"))), X,
    ("minimum", ("maximum", X, _Any("low")), _Any("high")),
)  # fmt: skip
_INSIDE = ("where", ("logical_or", ("le", X, -3.0), ("ge", X, 3.0)), 0.0, X)
_HARDSWISH = (
    "where", ("le", X, -3.0), 0.0,
    ("where", ("ge", X, 3.0), X, ("div", ("mul", _INSIDE, ("add", _INSIDE, 3.0)), 6.0)),
)  # fmt: skip
_FROM = ("where", ("ge", X, _Any("low")), X, ("maximum", X, _Any("low")))
_UP_TO = ("where", ("le", X, _Any("high")), X, ("minimum", X, _Any("high")))
COMPOSITE = (
    ("gelu", _GELU), ("silu", _SILU), ("elu", _ELU), ("celu", _CELU), ("clip", _CLIP), ("clip", _FROM),
    ("clip", _UP_TO), ("hardswish", _HARDSWISH),
)  # fmt: skip


def seen(e: Equation, made: Mapping[Var, Equation]) -> tuple[Seen, dict[str, Any]] | None:
    """The composite activation that ends in this equation, and what its constants are."""
    for kind, pattern in COMPOSITE:
        if e.op.name != pattern[0]:
            continue
        found: dict[str, Any] = {}
        if _fits(pattern, e.result, made, found):
            a = found.get("erf", 0.0)
            return Seen(kind, found[X], float(a)), found
    return None


def _fits(pattern: Any, atom: Var | Constant, made: Mapping[Var, Equation], found: dict[str, Any]) -> bool:
    if pattern == X:
        if not isinstance(atom, Var):
            return False
        return found.setdefault(X, atom) is atom
    if isinstance(pattern, (float, _Any)):
        value = _number(atom, made)
        if value is None:
            return False
        if isinstance(pattern, _Any):
            return found.setdefault(pattern.name, value) == value
        if pattern == math.sqrt(0.5):  # its float32 is another number, and the one that counts
            found["erf"] = value
            return abs(value / pattern - 1.0) < 1e-6
        return bool(value == pattern)
    if not isinstance(atom, Var) or atom not in made:
        return False
    e = made[atom]
    if e.op.name in ("broadcast_to", "reshape") and e.op.name != pattern[0]:
        return False
    if e.op.name != pattern[0] or len(e.args) != len(pattern) - 1:
        return False
    return all(_fits(p, a, made, found) for p, a in zip(pattern[1:], e.args, strict=True))


def _number(atom: Var | Constant, made: Mapping[Var, Equation]) -> float | None:
    """The one number that a constant array holds."""
    while isinstance(atom, Var):
        e = made.get(atom)
        if e is None or e.op.name not in ("broadcast_to", "reshape"):
            return None
        atom = e.args[0]
    values = atom.value.reshape(-1)
    return float(values[0]) if values.size and (values == values[0]).all() else None


__all__ = ["ACTIVATIONS", "SLOPES", "Activation", "Seen", "evaluated", "seen"]
