"""Formulas as MathML, which browsers typeset by themselves: no script, no font, no network.

The same loop as in `printing`: a text is a row of MathML elements and how tightly it binds.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from .expression import Expression, Node
from .printing import (
    AND,
    ATOM,
    CHOICE,
    COMPARE,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Printed,
    _formulas,
    _printed,
    digits,
)

_MINUS = "<mo>\N{MINUS SIGN}</mo>"
_TIMES = "<mo>\N{DOT OPERATOR}</mo>"
_APPLY = "<mo>\N{FUNCTION APPLICATION}</mo>"
_INVISIBLE = "<mo>\N{INVISIBLE TIMES}</mo>"
_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh",
    "log": "ln", "sign": "sgn", "sigmoid": "σ", "relu": "ReLU", "gamma": "Γ", "digamma": "ψ", "log10": "lg",
}  # fmt: skip
_RAISED_NAMES = frozenset("sin cos tan cot sec csc sinh cosh tanh".split())  # sin^2(x) is (sin x)^2
_BRACKETS = {"abs": "||", "floor": "⌊⌋", "ceil": "⌈⌉"}
_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
        "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
        "α β γ δ ε ζ η θ ι κ λ μ ν ξ π ρ σ τ υ φ χ ψ ω Γ Δ Θ Λ Ξ Π Σ Υ Φ Ψ Ω".split(),
        strict=True,
    )
)


def to_mathml(what: Any, *, left: str = "", block: bool = True, otherwise: str = "otherwise") -> str:
    """A Formula or an elementwise Program as a <math> element; several results stand on lines of their own.

    left: names in front, "y" for y = ... (for several results "y1; y2"). block: displayed, not in a line of text.
    otherwise: the word for the last case of a choice.

    >>> from surefit.formulas import parse
    >>> to_mathml(parse("x1/2"), left="y", block=False)
    '<math><mi>y</mi><mo>=</mo><mfrac><msub><mi>x</mi><mn>1</mn></msub><mn>2</mn></mfrac></math>'
    """
    names = [name.strip() for name in left.split(";")] if left else []
    rows = []
    for i, formula in enumerate(_formulas(what)):
        body = _printed(formula, lambda f, n, args: _mathml_of(f, n, args, otherwise))
        rows.append(f"{name_to_mathml(names[i])}<mo>=</mo>{body}" if i < len(names) else body)
    return math(*rows, block=block)


def math(*rows: str, block: bool = True) -> str:
    """Rows of elements as one <math> element, aligned at their left."""
    display = ' display="block"' if block else ""
    if len(rows) == 1:
        return f"<math{display}>{rows[0]}</math>"
    cells = "".join(f'<mtr><mtd style="text-align: left">{row}</mtd></mtr>' for row in rows)
    return f"<math{display}><mtable>{cells}</mtable></math>"


def name_to_mathml(name: str) -> str:
    """A variable's name: x1 with an index, theta as a letter, speed upright."""
    match = re.fullmatch(r"([^\W\d_]+)_*(\w*)", name)
    if match is None:
        return f'<mi mathvariant="normal">{escape(name)}</mi>'
    base, index = match.groups()
    parts = [_word(part) for part in index.split("_") if part]
    if not parts:
        return _word(base)
    return f"<msub>{_word(base)}{_row('<mo>,</mo>'.join(parts), len(parts) > 1)}</msub>"


def number_to_mathml(value: float) -> str:
    """A finite number, 1.5e-7 as a power of ten, as one element: its sign stands close to it."""
    return _one(_number(digits(value))[0])


def _word(word: str) -> str:
    if word.isdigit():
        return f"<mn>{word}</mn>"
    return f"<mi>{escape(_GREEK.get(word, word))}</mi>"  # one letter is set in italics, several upright


def _row(elements: str, several: bool = True) -> str:
    return f"<mrow>{elements}</mrow>" if several else elements


def _one(elements: str) -> str:
    """A row as one element, as fractions, powers and roots need their parts."""
    tag = re.match(r"<(\w+)", elements)
    if tag is not None and elements.endswith(f"</{tag[1]}>") and elements.count(f"<{tag[1]}") == 1:
        return elements
    return f"<mrow>{elements}</mrow>"


def _fenced(elements: str, pair: str = "()") -> str:
    return f'<mrow><mo fence="true">{pair[0]}</mo>{elements}<mo fence="true">{pair[-1]}</mo></mrow>'


def _in(printed: Printed, level: int) -> str:
    text, own = printed
    if own >= level:
        return text
    return _fenced(text, "[]" if OR <= own <= COMPARE and level >= SUM else "()")


def _right(printed: Printed, level: int) -> str:
    return _fenced(printed[0]) if printed[0].startswith(_MINUS) else _in(printed, level)


def _number(text: str) -> Printed:
    sign = _MINUS if text.startswith("-") else ""
    level = SIGN if sign else ATOM
    text = text.removeprefix("-")
    if "e" not in text:
        return f"{sign}<mn>{text}</mn>", level
    mantissa, exponent = text.split("e")
    power = int(exponent)
    raised = _row(f"{_MINUS}<mn>{-power}</mn>") if power < 0 else f"<mn>{power}</mn>"
    ten = f"<msup><mn>10</mn>{raised}</msup>"
    if mantissa == "1":
        return sign + ten, min(level, POWER)
    return f"{sign}<mn>{mantissa}</mn>{_TIMES}{ten}", min(level, PRODUCT)


def _mathml_of(formula: Expression, i: int, args: list[Printed], otherwise: str) -> Printed:
    node = formula.nodes[i]
    match node.op:
        case "number":
            return _number(digits(node.value))
        case "constant":
            return ("<mi>π</mi>" if node.value == "pi" else '<mi mathvariant="normal">e</mi>'), ATOM
        case "variable":
            return name_to_mathml(node.value), ATOM
        case "neg":
            return _MINUS + _right(args[0], PRODUCT), SIGN
        case "add":
            return f"{_in(args[0], SUM)}<mo>+</mo>{_right(args[1], SUM)}", SUM
        case "sub":
            return f"{_in(args[0], SUM)}{_MINUS}{_right(args[1], PRODUCT)}", SUM
        case "mul":
            return _product(_in(args[0], PRODUCT), _right(args[1], PRODUCT)), PRODUCT
        case "div":
            return f"<mfrac>{_one(args[0][0])}{_one(args[1][0])}</mfrac>", POWER
        case "mod":
            body = f"{_in(args[0], PRODUCT)}<mo>mod</mo>{_right(args[1], PRODUCT)}"
            return _fenced(body), ATOM
        case "pow":
            return _power(formula.nodes[node.args[0]], args[0], args[1]), POWER
        case "compare":
            words = _in(args[0], SUM)
            for sign, a in zip(node.value, args[1:], strict=True):
                words += f"<mo>{escape(_SIGNS[sign])}</mo>{_in(a, SUM)}"
            return words, COMPARE
        case "not":
            return "<mo>¬</mo>" + (args[0][0] if args[0][1] == NOT else _fenced(args[0][0])), NOT
        case "and":
            return "<mo>∧</mo>".join(_in(a, NOT) for a in args), AND
        case "or":
            return "<mo>∨</mo>".join(_in(a, AND) for a in args), OR
        case "if":
            return _cases(args, formula.nodes[node.args[2]].op == "if", otherwise), CHOICE
    return _call(node, args), POWER if node.op in ("exp", "exp2", "square") else ATOM


def _product(left: str, right: str) -> str:
    """A point where two numbers would run together, or a number before a fraction would look like 2 1/2."""
    ends_in_digits = left.endswith("</mn>")
    runs_together = right.startswith("<mn>") or (ends_in_digits and right.startswith("<mfrac>"))
    return left + (_TIMES if runs_together else _INVISIBLE) + right


def _power(base: Node, printed: Printed, exponent: Printed) -> str:
    if base.op in _RAISED_NAMES and re.fullmatch(r"<mn>\d+</mn>", exponent[0]):
        name = f"<mi>{base.op}</mi>"
        return printed[0].replace(name, f"<msup>{name}{exponent[0]}</msup>", 1)
    return f"<msup>{_one(_in(printed, ATOM))}{_one(exponent[0])}</msup>"


_CASES = '<mrow><mo fence="true">{</mo><mtable columnalign="left">'
_END = "</mtable></mrow>"


def _cases(args: list[Printed], chained: bool, otherwise: str) -> str:
    """Cases behind a brace; those of a choice that follows `else` join the same list."""
    condition, then, other = (a[0] for a in args)
    if chained:
        rest = other[len(_CASES) : -len(_END)]
    else:
        rest = f"<mtr><mtd>{other}</mtd><mtd><mtext>{escape(otherwise)}</mtext></mtd></mtr>"
    return f"{_CASES}<mtr><mtd>{then}</mtd><mtd>{condition}</mtd></mtr>{rest}{_END}"


def _call(node: Node, args: list[Printed]) -> str:
    first = args[0][0]
    if node.op in _BRACKETS:
        return _fenced(first, _BRACKETS[node.op])
    if node.op in ("exp", "exp2"):
        base = '<mi mathvariant="normal">e</mi>' if node.op == "exp" else "<mn>2</mn>"
        return f"<msup>{base}{_one(first)}</msup>"
    if node.op == "square":
        return f"<msup>{_one(_in(args[0], ATOM))}<mn>2</mn></msup>"
    if node.op == "sqrt":
        return f"<msqrt>{first}</msqrt>"
    if node.op == "cbrt":
        return f"<mroot>{_one(first)}<mn>3</mn></mroot>"
    if node.op == "lgamma":
        return f"<mi>ln</mi>{_APPLY}{_fenced(f'<mi>Γ</mi>{_APPLY}{_fenced(first)}', '||')}"
    name = f"<mi>{escape(_NAMES.get(node.op, node.op))}</mi>"
    if node.op in ("log2", "polygamma"):
        name = (
            "<msub><mi>log</mi><mn>2</mn></msub>" if node.op == "log2" else f"<msup><mi>ψ</mi>{_fenced(first)}</msup>"
        )
        args = args if node.op == "log2" else args[1:]
    return f"{name}{_APPLY}{_fenced('<mo>,</mo>'.join(a[0] for a in args))}"
