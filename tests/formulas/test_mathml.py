"""Formulas as MathML: well-formed, with the parts in the right places; a reader of MathML made here is the oracle."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from surefit.errors import FormulaError
from surefit.formulas import parse
from surefit.formulas.mathml import name_to_mathml, number_to_mathml, to_mathml


def value(element, point):
    """The value of presentation MathML as a reader takes it, for the small language of the cases below."""
    text = spell(element)
    names = {k: getattr(math, k) for k in ("sin", "cos", "tan", "sqrt", "exp", "pi", "e")} | {
        "ln": math.log,
        "abs": abs,
    }
    return eval(text, {"__builtins__": {}}, names | point)  # noqa: S307 (the text is made above)


def spell(e):
    """Python text of an element: what the eye does with brackets, fractions, exponents and things side by side."""
    parts = [spell(child) for child in e]
    match e.tag:
        case "math" | "mrow":
            return "".join(parts).replace("|(", "abs(")
        case "mn" | "mi" | "mtext":
            return {"π": "pi", "θ": "theta"}.get(e.text, e.text)
        case "mo":
            spelled = {"−": "-", "⋅": "*", "\N{INVISIBLE TIMES}": "*", "\N{FUNCTION APPLICATION}": "", "=": "=="}
            return spelled.get(e.text, e.text)
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"(({parts[0]})**({parts[1]}))"
        case "msub":
            return parts[0] + parts[1]
        case "msqrt":
            return f"sqrt({''.join(parts)})"
    raise AssertionError(e.tag)


@pytest.mark.parametrize(
    "text",
    [
        "-2/(2 + sin(x))",
        "x**3*cos(x) + 4*x + 2",
        "x1 - (x - x1) - (-x)",
        "(x + 1)**(2*x1)/3/x",
        "x/(x1/3)",
        "-x**2",
        "(-x)**2",
        "2**-x",
        "2**x**x1",
        "(2**x)**x1",
        "1.5e-3*x + 1e5",
        "2*3*x - 2*(1/3)",
        "exp(-x**2)*sin(3*x1)",
        "sqrt(x*x1 + 1)**3",
        "-(x + x1)*x",
        "theta*pi - e",
        "log(x)*x1",
        "x*-x1",
        "(x*x1)**2",
        "(x/x1)**2",
    ],
)
def test_the_eye_reads_the_same_function(text):
    point = {"x": 0.7, "x1": 1.9, "theta": 0.3}
    formula = parse(text)
    read = value(ElementTree.fromstring(to_mathml(formula)), point)
    expected = formula.on_points(np.array([[point[name] for name in formula.variables]]))[0]
    assert read == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("sin(x)**2", "<msup><mi>sin</mi><mn>2</mn></msup>"),
        ("abs(x)", '<mo fence="true">|</mo><mi>x</mi><mo fence="true">|</mo>'),
        ("floor(x)", '<mo fence="true">⌊</mo><mi>x</mi>'),
        ("cbrt(x)", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        ("log2(x)", "<msub><mi>log</mi><mn>2</mn></msub>"),
        ("x < 1", "<mo>&lt;</mo>"),
        ("1 if x > 0 else 2 if x > -1 else 3", "<mtd><mn>3</mn></mtd><mtd><mtext>otherwise</mtext></mtd>"),
        ("not x > 0 and x < 5 or x > 9", "<mo>∧</mo>"),
        ("square(x)", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("min(x, 2)", "<mi>min</mi>"),
        ("x % 2", "<mo>mod</mo>"),
        ("lgamma(x)", "<mi>Γ</mi>"),
        ("polygamma(1, x)", "<mi>ψ</mi>"),
    ],
)
def test_signs(text, shown):
    written = to_mathml(parse(text))
    ElementTree.fromstring(written)
    assert shown in written


def test_a_chain_of_choices_is_one_list():
    cases = to_mathml(parse("1 if x > 0 else 2 if x > -1 else 3"), otherwise="其他")
    assert cases.count("<mtr>") == 3
    assert cases.count("<mtable") == 1
    assert "其他" in cases


def test_several_results_stand_below_each_other():
    formulas = [parse("x"), parse("x**2")]
    assert to_mathml(formulas[0], left="y").startswith('<math display="block"><mi>y</mi><mo>=</mo>')
    assert "display" not in to_mathml(formulas[0], block=False)


def test_names_and_numbers():
    assert name_to_mathml("x12") == "<msub><mi>x</mi><mn>12</mn></msub>"
    assert name_to_mathml("speed") == "<mi>speed</mi>"
    assert name_to_mathml("theta_0") == "<msub><mi>θ</mi><mn>0</mn></msub>"
    assert name_to_mathml("温度") == "<mi>温度</mi>"
    assert number_to_mathml(-2e-7).count("<mo>−</mo>") == 2
    with pytest.raises(FormulaError, match="inf"):
        number_to_mathml(math.inf)
