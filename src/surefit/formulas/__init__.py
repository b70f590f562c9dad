"""Formulas: text to functions and back, never executing the text.

Functions: abs acos acosh asin asinh atan atan2 atanh cbrt ceil clip cos cosh cot csc digamma erf erfc
erfinv exp exp2 expm1 floor gamma heaviside hypot lgamma log (natural; ln) log10 (lg) log1p log2 logaddexp
max min mod polygamma pow relu round sec sigmoid sign sin sinc (sin(pi x)/(pi x)) sinh softplus sqrt square
step tan tanh trunc where; also arcsin and the like, clamp, sgn. heaviside(0) is 0.5, or its second
argument; step(0) is 1.
"""

from .formula import Formula, formulas_of
from .landmarks import interesting_points
from .parser import constant, parse, parse_many
from .printing import to_latex, to_text
from .ridges import ridge_units

__all__ = [
    "Formula",
    "constant",
    "formulas_of",
    "interesting_points",
    "parse",
    "parse_many",
    "ridge_units",
    "to_latex",
    "to_text",
]
