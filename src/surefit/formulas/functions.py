"""The functions a formula may call: their arguments, their primitives, and where they are safe to evaluate.

`safe` serves conditionals. In `x*log(x) if x > 0 else 0` every point goes through both branches, and a branch
that is not taken must still be finite in value and gradient there, or 0 * inf = NaN spoils the gradient of
the other. So inside a branch each argument of a function whose domain is restricted, or that overflows, is
replaced by its safe value wherever the branch is not taken.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from surefit.core import functions as F
from surefit.core import ops

MANY = 1000
CONSTANTS = {"pi": math.pi, "e": math.e}


@dataclass(frozen=True)
class Function:
    """One function: its value on any kind of value, how many arguments, safe ones, LaTeX (#1 an argument)."""

    name: str
    value: Callable[..., Any]
    least: int = 1
    most: int = 1
    safe: tuple[float | None, ...] = ()
    latex: str = ""

    @property
    def arity(self) -> str:
        """How many arguments, in words."""
        if self.most == MANY:
            return f"{self.least} or more arguments"
        if self.least != self.most:
            return f"{self.least} or {self.most} arguments"
        return f"{self.least} argument" + ("s" if self.least > 1 else "")


def _power(base: Any, exponent: Any) -> Any:
    if exponent.__class__ is float and exponent == 1.0:
        return base
    if base.__class__ is float and base == math.e:
        return ops.exp(exponent)
    return F.pow(base, exponent)


def _sinc(x: Any) -> Any:
    """sin(pi x) / (pi x) as NumPy and PyTorch have it; near 0 its series, whose derivatives do not cancel."""
    near = ops.lt(ops.abs_(x), 0.05)
    far = ops.mul(math.pi, ops.where(near, 1.0, x))
    z = ops.square(ops.mul(math.pi, ops.where(near, x, 0.0)))
    series = 1.0 / 362880.0  # 1 - z/3! + z^2/5! - z^3/7! + z^4/9!; the next term is below 2e-16
    for coefficient in (-1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0, 1.0):
        series = ops.add(ops.mul(series, z), coefficient)
    return ops.where(near, series, ops.div(ops.sin(far), far))


def _heaviside(x: Any, at_zero: Any = 0.5) -> Any:
    half = ops.mul(0.5, ops.add(ops.sign(x), 1.0))
    if at_zero.__class__ is float and at_zero == 0.5:
        return half
    return ops.where(ops.eq(x, 0.0), at_zero, half)


def _nested(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: functools.reduce(op, args)


def _reciprocal(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: ops.div(1.0, op(x))


_DECLARED = (
    # operators
    Function("neg", ops.neg),
    Function("add", ops.add, 2, 2),
    Function("sub", ops.sub, 2, 2),
    Function("mul", ops.mul, 2, 2),
    Function("div", ops.div, 2, 2, safe=(None, 1.0)),
    Function("mod", ops.remainder, 2, 2, safe=(None, 1.0)),
    Function("pow", _power, 2, 2, safe=(1.0, 1.0)),
    # trigonometry
    Function("sin", ops.sin, latex=r"\sin\left(#1\right)"),
    Function("cos", ops.cos, latex=r"\cos\left(#1\right)"),
    Function("tan", ops.tan, latex=r"\tan\left(#1\right)"),
    Function("cot", _reciprocal(ops.tan), safe=(1.0,), latex=r"\cot\left(#1\right)"),
    Function("sec", _reciprocal(ops.cos), safe=(0.0,), latex=r"\sec\left(#1\right)"),
    Function("csc", _reciprocal(ops.sin), safe=(1.0,), latex=r"\csc\left(#1\right)"),
    Function("asin", ops.asin, safe=(0.0,), latex=r"\arcsin\left(#1\right)"),
    Function("acos", ops.acos, safe=(0.0,), latex=r"\arccos\left(#1\right)"),
    Function("atan", ops.atan, latex=r"\arctan\left(#1\right)"),
    Function("atan2", ops.atan2, 2, 2, safe=(1.0, 1.0)),
    Function("hypot", ops.hypot, 2, 2, safe=(1.0, 1.0)),
    Function("sinc", _sinc),
    # hyperbolic
    Function("sinh", ops.sinh, safe=(0.0,), latex=r"\sinh\left(#1\right)"),
    Function("cosh", ops.cosh, safe=(0.0,), latex=r"\cosh\left(#1\right)"),
    Function("tanh", ops.tanh, latex=r"\tanh\left(#1\right)"),
    Function("asinh", ops.asinh, latex=r"\operatorname{arsinh}\left(#1\right)"),
    Function("acosh", ops.acosh, safe=(2.0,), latex=r"\operatorname{arcosh}\left(#1\right)"),
    Function("atanh", ops.atanh, safe=(0.0,), latex=r"\operatorname{artanh}\left(#1\right)"),
    # exponentials, logarithms, roots
    Function("exp", ops.exp, safe=(0.0,), latex=r"\mathrm{e}^{#1}"),
    Function("exp2", ops.exp2, safe=(0.0,), latex=r"2^{#1}"),
    Function("expm1", ops.expm1, safe=(0.0,)),
    Function("log", ops.log, safe=(1.0,), latex=r"\ln\left(#1\right)"),
    Function("log2", ops.log2, safe=(1.0,), latex=r"\log_{2}\left(#1\right)"),
    Function("log10", ops.log10, safe=(1.0,), latex=r"\log_{10}\left(#1\right)"),
    Function("log1p", ops.log1p, safe=(0.0,)),
    Function("logaddexp", ops.logaddexp, 2, 2),
    Function("sqrt", ops.sqrt, safe=(1.0,), latex=r"\sqrt{#1}"),
    Function("cbrt", ops.cbrt, safe=(1.0,), latex=r"\sqrt[3]{#1}"),
    Function("square", ops.square),
    # steps, kinks and choices
    Function("abs", ops.abs_, latex=r"\left|#1\right|"),
    Function("sign", ops.sign, latex=r"\operatorname{sgn}\left(#1\right)"),
    Function("floor", ops.floor, latex=r"\left\lfloor #1 \right\rfloor"),
    Function("ceil", ops.ceil, latex=r"\left\lceil #1 \right\rceil"),
    Function("round", ops.round_),
    Function("trunc", ops.trunc),
    Function("min", _nested(ops.minimum), 2, MANY),
    Function("max", _nested(ops.maximum), 2, MANY),
    Function("clip", F.clamp, 3, 3),
    Function("heaviside", _heaviside, 1, 2),
    Function("step", functools.partial(_heaviside, at_zero=1.0)),
    # activations and special functions
    Function("sigmoid", ops.sigmoid, latex=r"\sigma\left(#1\right)"),
    Function("relu", ops.relu, latex=r"\operatorname{ReLU}\left(#1\right)"),
    Function("softplus", ops.softplus),
    Function("erf", ops.erf),
    Function("erfc", ops.erfc),
    Function("erfinv", ops.erfinv, safe=(0.0,)),
    Function("gamma", ops.gamma, safe=(1.0,), latex=r"\Gamma\left(#1\right)"),
    Function("lgamma", ops.lgamma, safe=(1.0,), latex=r"\ln\left|\Gamma\left(#1\right)\right|"),
    Function("digamma", ops.digamma, safe=(1.0,), latex=r"\psi\left(#1\right)"),
    Function("polygamma", ops.polygamma, 2, 2, safe=(None, 1.0)),
)
TABLE: dict[str, Function] = {f.name: f for f in _DECLARED}

_NOT_NAMES = ("neg", "add", "sub", "mul", "div")
_ALIASES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "tg": "tan",
    "arctg": "atan",
    "ctg": "cot",
    "ln": "log",
    "lg": "log10",
    "sgn": "sign",
    "clamp": "clip",
    "minimum": "min",
    "maximum": "max",
    "gammaln": "lgamma",
}
# What may be written in front of a bracket, and the table entry it means. `where(c, a, b)` is a conditional.
NAMES: dict[str, str] = {
    **{name: name for name in TABLE if name not in _NOT_NAMES},
    **_ALIASES,
    "where": "if",
}


def arity_of(op: str) -> tuple[int, int, str]:
    """Fewest and most arguments of a callable table entry, and the same in words."""
    if op == "if":
        return 3, 3, "3 arguments"
    f = TABLE[op]
    return f.least, f.most, f.arity
