"""Formulas and elementwise Programs as text that reads back to the same function, and as LaTeX.

Both are one loop over the nodes: each node's text is made from those of its arguments, in brackets where
they bind too loosely.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from surefit.errors import FormulaError

from .expression import Expression, Node
from .functions import TABLE
from .programs import expressions_of

# How tightly a text binds, loosest first.
CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)

_LONGEST = 200_000  # a Program may use one value many times, and its text would double each time

Printed = tuple[str, int]  # a text and how tightly it binds


def to_text(what: Any) -> str:
    """A Formula or an elementwise Program as text; `parse(to_text(f), f.variables)` is the same function.

    Several results are separated by ';'. Raises FormulaError where a Program does more than arithmetic on
    each element, or holds an infinity.

    >>> from surefit.formulas import parse
    >>> to_text(parse("(x1^2+x2)*(3)"))
    '(x1**2 + x2)*3'
    """
    return "; ".join(_printed(formula, _text_of) for formula in _formulas(what))


def to_latex(what: Any) -> str:
    r"""A Formula or an elementwise Program as LaTeX, for mathematics mode. ';' separates several results.

    >>> from surefit.formulas import parse
    >>> print(to_latex(parse("sin(x1)/2 - theta^2")))
    \frac{\sin\left(x_{1}\right)}{2} - \theta^{2}
    """
    return r"; \quad ".join(_printed(formula, _latex_of) for formula in _formulas(what))


def _formulas(what: Any) -> tuple[Expression, ...]:
    if isinstance(what, Expression):
        return (what,)
    return expressions_of(what)


def _printed(formula: Expression, print_node: Callable[[Expression, int, list[Printed]], Printed]) -> str:
    texts: list[Printed] = []
    for i in range(len(formula.nodes)):
        printed = print_node(formula, i, [texts[a] for a in formula.nodes[i].args])
        if len(printed[0]) > _LONGEST:
            raise FormulaError(f"this formula is longer than {_LONGEST} characters when written out")
        texts.append(printed)
    return texts[-1][0]


# --- plain text -----------------------------------------------------------------------------------


def _in(printed: Printed, level: int) -> str:
    """In brackets unless it binds at least this tightly."""
    return printed[0] if printed[1] >= level else f"({printed[0]})"


def _right(printed: Printed, level: int) -> str:
    """The same for an operand after a sign: a - (-b), though a - -b could be read."""
    return f"({printed[0]})" if printed[0].startswith("-") else _in(printed, level)


def _text_of(formula: Expression, i: int, args: list[Printed]) -> Printed:
    node = formula.nodes[i]
    match node.op:
        case "number":
            return digits(node.value), SIGN if math.copysign(1.0, node.value) < 0 else ATOM
        case "constant" | "variable":
            return node.value, ATOM
        case "neg":
            return "-" + _in(args[0], SIGN), SIGN
        case "add" | "sub":
            sign = " + " if node.op == "add" else " - "
            return _in(args[0], SUM) + sign + _right(args[1], PRODUCT), SUM
        case "mul" | "div" | "mod":
            sign = {"mul": "*", "div": "/", "mod": " % "}[node.op]
            return _in(args[0], PRODUCT) + sign + _right(args[1], SIGN), PRODUCT
        case "pow":
            return f"{_in(args[0], ATOM)}**{_in(args[1], SIGN)}", POWER
        case "compare":
            words = [_in(args[0], SUM)]
            for sign, a in zip(node.value, args[1:], strict=True):
                words += [sign, _in(a, SUM)]
            return " ".join(words), COMPARE
        case "not":
            return "not " + _in(args[0], NOT), NOT
        case "and":
            return " and ".join(_in(a, NOT) for a in args), AND
        case "or":
            return " or ".join(_in(a, AND) for a in args), OR
        case "if":
            condition, then, other = args
            return f"{_in(then, OR)} if {_in(condition, OR)} else {other[0]}", CHOICE
    return f"{node.op}({', '.join(a[0] for a in args)})", ATOM


def digits(value: float) -> str:
    """The shortest text that reads back as this number: 2, not 2.0."""
    if not math.isfinite(value):
        raise FormulaError(f"{value} cannot be written in a formula")
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


# --- LaTeX ----------------------------------------------------------------------------------------

_SIGNS = {"<": "<", "<=": r"\leq", ">": ">", ">=": r"\geq", "==": "=", "!=": r"\neq"}
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
_RAISED_NAMES = frozenset("sin cos tan cot sec csc sinh cosh tanh".split())  # sin^2(x) is (sin x)^2
_LOOKS_LIKE_POWER = frozenset("exp exp2 sqrt cbrt".split())


def _grouped(text: str) -> str:
    return rf"\left({text}\right)"


def _tex_in(printed: Printed, level: int) -> str:
    text, own = printed
    if own >= level:
        return text
    if OR <= own <= COMPARE and level >= SUM:  # a condition counted as a number: Iverson's bracket
        return rf"\left[{text}\right]"
    return _grouped(text)


def _tex_right(printed: Printed, level: int) -> str:
    return _grouped(printed[0]) if printed[0].startswith("-") else _tex_in(printed, level)


def _latex_of(formula: Expression, i: int, args: list[Printed]) -> Printed:
    node = formula.nodes[i]
    match node.op:
        case "number":
            return _latex_number(node.value)
        case "constant":
            return (r"\pi" if node.value == "pi" else r"\mathrm{e}"), ATOM
        case "variable":
            return latex_name(node.value), ATOM
        case "neg":
            return "-" + _tex_right(args[0], PRODUCT), SIGN
        case "add":
            return f"{_tex_in(args[0], SUM)} + {_tex_right(args[1], SUM)}", SUM
        case "sub":
            return f"{_tex_in(args[0], SUM)} - {_tex_right(args[1], PRODUCT)}", SUM
        case "mul":
            return _latex_product(_tex_in(args[0], PRODUCT), _tex_right(args[1], PRODUCT)), PRODUCT
        case "div":
            return rf"\frac{{{args[0][0]}}}{{{args[1][0]}}}", POWER
        case "mod":
            return rf"\left({_tex_in(args[0], PRODUCT)} \bmod {_tex_right(args[1], PRODUCT)}\right)", ATOM
        case "pow":
            return _latex_power(formula.nodes[node.args[0]], args[0], args[1]), POWER
        case "compare":
            words = [_tex_in(args[0], SUM)]
            for sign, a in zip(node.value, args[1:], strict=True):
                words += [_SIGNS[sign], _tex_in(a, SUM)]
            return " ".join(words), COMPARE
        case "not":
            return r"\lnot " + (args[0][0] if args[0][1] == NOT else _grouped(args[0][0])), NOT
        case "and":
            return r" \land ".join(_tex_in(a, NOT) for a in args), AND
        case "or":
            return r" \lor ".join(_tex_in(a, AND) for a in args), OR
        case "if":
            return _latex_cases(args, formula.nodes[node.args[2]].op == "if"), CHOICE
    return _latex_call(node, args), POWER if node.op in _LOOKS_LIKE_POWER else ATOM


def _latex_number(value: float) -> Printed:
    text = digits(value)
    level = SIGN if text.startswith("-") else ATOM
    if "e" not in text:
        return text, level
    mantissa, exponent = text.split("e")
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return mantissa[:-1] + power, min(level, POWER)
    return rf"{mantissa} \cdot {power}", min(level, PRODUCT)


def _latex_product(left: str, right: str) -> str:
    # A point where two digits would run together, or a number before a fraction look like 2 1/2.
    runs_together = right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac"))
    return left + (r" \cdot " if runs_together else " ") + right


def _latex_power(base: Node, base_text: Printed, exponent: Printed) -> str:
    if base.op in _RAISED_NAMES and exponent[0].isdigit():
        return base_text[0].replace(r"\left(", rf"^{{{exponent[0]}}}\left(", 1)
    return f"{_tex_in(base_text, ATOM)}^{{{exponent[0]}}}"


_CASES, _END, _OTHERWISE = r"\begin{cases} ", r" \end{cases}", r" & \text{otherwise}"


def _latex_cases(args: list[Printed], chained: bool) -> str:
    """Cases in braces; those of a choice that follows `else` join the same list."""
    condition, then, other = (a[0] for a in args)
    rest = other[len(_CASES) : -len(_END)] if chained else other + _OTHERWISE
    return rf"{_CASES}{then} & \text{{if }} {condition} \\ {rest}{_END}"


def _latex_call(node: Node, args: list[Printed]) -> str:
    joined = ", ".join(a[0] for a in args)
    if node.op in ("min", "max"):
        return rf"\{node.op}\left({joined}\right)"
    template = TABLE[node.op].latex
    if not template:
        return rf"\operatorname{{{node.op}}}\left({joined}\right)"
    return template.replace("#1", args[0][0])


# Characters of the names of columns that mean something to LaTeX, or to a browser that shows it.
_MEANING = {c: "\\" + c for c in "_$%&#{}"} | {
    "<": r"{\lt}", ">": r"{\gt}", "\\": r"{\backslash}", "^": r"{\hat{}}", "~": r"{\sim}", " ": r"\ ",
    "`": r"{\grave{}}",
}  # fmt: skip


def latex_name(name: str) -> str:
    r"""A variable's name: x1 -> x_{1}, theta_0 -> \theta_{0}, speed -> \mathrm{speed}."""
    match = re.fullmatch(r"([^\W\d_]+)_*(\w*)", name)
    if match is None:
        return rf"\mathrm{{{''.join(_MEANING.get(c, ' ' if c.isspace() else c) for c in name)}}}"
    base, index = match.groups()
    parts = [_latex_word(part) for part in index.split("_") if part]
    return _latex_word(base) + (f"_{{{','.join(parts)}}}" if parts else "")


def _latex_word(word: str) -> str:
    if word in _GREEK:
        return "\\" + word
    if len(word) == 1 and not word.isascii():
        _, _, letter = unicodedata.name(word, "").partition("GREEK SMALL LETTER ")
        _, _, capital = unicodedata.name(word, "").partition("GREEK CAPITAL LETTER ")
        if letter.lower() in _GREEK:
            return "\\" + letter.lower()
        if capital.capitalize() in _GREEK:
            return "\\" + capital.capitalize()
    if word.isdigit() or (len(word) == 1 and word.isascii()):
        return word
    return rf"\mathrm{{{word}}}" if word.isascii() else rf"\text{{{word}}}"
