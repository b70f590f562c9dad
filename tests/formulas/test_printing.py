"""Formulas and Programs as text that reads back, and as LaTeX."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import tensor
from surefit.core.leaves import Parameter
from surefit.core.program import record
from surefit.errors import FormulaError
from surefit.formulas import formulas_of, parse, parse_many, to_latex, to_text
from surefit.formulas.printing import latex_name

from .strategies import VARIABLES, formulas
from .test_values import POINTS, read_or_skip

# --- text -----------------------------------------------------------------------------------------

TEXTS = [
    ("((x1))+((2*x2))", "x1 + 2*x2"),
    ("(x+y)*z", "(x + y)*z"),
    ("x+(y+z)", "x + (y + z)"),
    ("(x+y)+z", "x + y + z"),
    ("x-(y-z)", "x - (y - z)"),
    ("x/(y*z)", "x/(y*z)"),
    ("(x/y)*z", "x/y*z"),
    ("x*(y/z)", "x*(y/z)"),
    ("(x%y)%z", "x % y % z"),
    ("-(x**2)", "-x**2"),
    ("(-x)**2", "(-x)**2"),
    ("(-x)*y", "-x*y"),
    ("-(x*y)", "-(x*y)"),
    ("x--y", "x - (-y)"),
    ("x*-y", "x*(-y)"),
    ("x+-2*y", "x + (-2*y)"),
    ("--x", "--x"),
    ("x**(y**z)", "x**y**z"),
    ("(x**y)**z", "(x**y)**z"),
    ("x**(-y)", "x**-y"),
    ("2**(x+1)", "2**(x + 1)"),
    ("-2", "-2"),
    ("(-2)**x", "(-2)**x"),
    ("-2**x", "-2**x"),
    ("x - 2.50", "x - 2.5"),
    ("1e-7*x + 1e22", "1e-07*x + 1e+22"),
    ("(a if b>0 else c)+1", "(a if b > 0 else c) + 1"),
    ("a if b>0 else (c if d>0 else f)", "a if b > 0 else c if d > 0 else f"),
    ("(a if b>0 else c) if d>0 else f", "(a if b > 0 else c) if d > 0 else f"),
    ("1 if (a>0 if b>0 else c>0) else 2", "1 if (a > 0 if b > 0 else c > 0) else 2"),
    ("sin((a if b>0 else c))", "sin(a if b > 0 else c)"),
    ("where(a>0, b, c)", "b if a > 0 else c"),
    ("1 if (a>0 and b>0) or not (c>0) else 0", "1 if a > 0 and b > 0 or not c > 0 else 0"),
    ("1 if a>0 and (b>0 or c>0) else 0", "1 if a > 0 and (b > 0 or c > 0) else 0"),
    ("1 if (a>0 and b>0) and c>0 else 0", "1 if (a > 0 and b > 0) and c > 0 else 0"),
    ("(x>0)*y", "(x > 0)*y"),
    ("0<(x+1)<=2", "0 < x + 1 <= 2"),
    ("(x>0)==(y>0)", "(x > 0) == (y > 0)"),
    ("arctan2(y,x)+ln(x)", "atan2(y, x) + log(x)"),
    ("2π", None),
    ("π*e", "pi*e"),
]


@pytest.mark.parametrize("text, printed", [t for t in TEXTS if t[1]])
def test_text_has_the_brackets_it_needs(text, printed):
    f = parse(text)
    assert to_text(f) == printed
    assert parse(printed, f.variables) == f


@settings(deadline=None, max_examples=300)
@given(formulas)
def test_printed_formulas_read_back(text):
    f = read_or_skip(text)
    printed = to_text(f)
    assert parse(printed, f.variables) == f
    assert len(printed) <= len(text) + text.count("-") * 2 + text.count("*") + text.count(",") + 8


@settings(deadline=None, max_examples=100)
@given(formulas)
def test_programs_of_formulas_print_and_read_back(text):
    f = read_or_skip(text)
    program = f.program()
    numbers = [n.value for n in formulas_of(program)[0].nodes if n.op == "number"]
    assume(np.isfinite(numbers).all())  # (1 if x < x else 1)/0 is simplified to infinity, which has no print
    again = parse(to_text(program), f.variables)
    for point in POINTS:
        values = dict(zip(VARIABLES, map(float, point), strict=True))
        np.testing.assert_array_equal(again(**values), f(**values))


def test_an_expression_with_infinitely_many_prints_is_cut_off():
    def doubled(x):
        for _ in range(60):
            x = x * x + 1.0
        return x

    with pytest.raises(FormulaError, match="longer than"):
        to_text(record(doubled, 1.0))
    f = formulas_of(record(doubled, 1.0))[0]
    assert f(0.0) == math.inf  # it evaluates all the same
    assert str(f) == "formula of 122 steps"
    assert repr(f) == "Formula('formula of 122 steps', variables=('x',))"


# --- programs -------------------------------------------------------------------------------------


def test_programs_of_every_elementwise_kind():
    def f(x, y):
        a = ops.maximum(x, y) + ops.fmod(x, y) - ops.floor_divide(x, y)
        b = F.where(ops.logical_xor(ops.gt(x, 0.0), ops.gt(y, 0.0)), x / y, ops.pow_(ops.abs_(x), y))
        c = ops.cast(ops.ne(x, y), dtype=ops.float64) * ops.relu(x) + ops.square(x).sum()
        return a * b + c + F.clamp(x, -1.0, 1.0) + F.sinc(x) + ops.minimum(x, 2.0) * -1.0

    program = record(f, np.zeros(()), np.zeros(()))
    formula = parse(to_text(program))
    for x, y in [(1.5, 2.0), (-3.25, 0.5), (0.25, -1.0), (7.0, 7.0)]:
        expected = program(np.asarray(x), np.asarray(y)).item()
        assert formula(x, y) == pytest.approx(expected, rel=1e-15)


def test_arrays_are_elementwise_too():
    program = record(lambda x, y: x * 2.0 + y.reshape(1, 1), np.zeros((2, 3)), np.zeros(()))
    assert to_text(program) == "x*2 + y"
    assert to_text(record(lambda x: x + np.full((3,), 0.5), np.zeros(3))) == "x + 0.5"


def test_several_results_and_awkward_names():
    program = record(lambda pair: (pair[0] + pair[1], pair[0] * 3.0), (1.0, 2.0))
    assert to_text(program) == "pair_0 + pair_1; pair_0*3"
    f, g = formulas_of(program, ["a", "b"])
    assert f.variables == g.variables == ("a", "b")
    assert g(2.0, 0.0) == 6.0
    assert to_latex(program) == r"pair_{0} + pair_{1}; \quad pair_{0} 3".replace("pair", r"\mathrm{pair}").replace(
        " 3", r" \cdot 3"
    )
    with pytest.raises(FormulaError, match="3 names for 2 inputs"):
        formulas_of(program, ["a", "b", "c"])


@pytest.mark.parametrize(
    "f, word",
    [
        (lambda x: x.sum(), "'sum'"),
        (lambda x: ops.matmul(x.reshape(2, 2), x.reshape(2, 2)), "'reshape'"),
        (lambda x: F.cumsum(x, 0), "'cumsum'"),
        (lambda x: x.reshape(4, 1), "'reshape'"),
        (lambda x: F.flip(x, 0), "'flip'"),
        (lambda x: x + np.arange(4.0), "different numbers"),
    ],
)
def test_programs_that_are_no_formula_are_refused_by_name(f, word):
    with pytest.raises(FormulaError, match=word):
        to_text(record(f, np.zeros(4)))


def test_matrix_products_are_refused_by_name():
    with pytest.raises(FormulaError, match="'matmul'"):
        to_text(record(lambda m: m @ m, np.zeros((2, 2))))


def test_programs_with_leaves_are_refused():
    weight = Parameter(tensor([2.0]))
    with pytest.raises(FormulaError, match="reads 1 and assigns 0 leaves"):
        to_text(record(lambda x: x * weight, np.zeros(1, np.float32)))


def test_infinity_has_no_print():
    with pytest.raises(FormulaError, match="cannot be written"):
        to_text(record(lambda x: ops.minimum(x, math.inf), 1.0))


def test_simplifications_are_exact():
    cases = {
        "x": lambda x: (x * 1.0 + 0.0) / 1.0 - 0.0,
        "-x": lambda x: x * -1.0,
        "sin(x)": lambda x: ops.neg(ops.neg(ops.sin(x))),
        "x**2": lambda x: ops.square(x),
        "x*0": lambda x: x * 0.0,  # not 0: x may be infinite
        "x - x": lambda x: x - x,
    }
    for printed, f in cases.items():
        assert to_text(record(f, 1.0)) == printed


def test_derivatives_print():
    assert to_text(parse("sin(x)").derivative()) == "cos(x)"
    assert to_text(parse("exp(2*x)").derivative()) in ("exp(2*x)*2", "2*exp(2*x)")
    assert str(parse("3*x", ["x", "y"]).derivative("y")) == "0"
    d = parse("x1**2*cos(x2)").derivative("x1")
    assert parse(d.text, d.variables)(3.0, 0.5) == pytest.approx(6 * math.cos(0.5), rel=1e-15)


def test_derivatives_of_every_function_read_back():
    from surefit.formulas.functions import NAMES, TABLE

    for op in set(NAMES.values()) - {"if"}:
        names = ["x", "y", "z"][: min(TABLE[op].least, 3)]
        f = parse(f"{op}({', '.join(names)})")
        for name in names:
            if op == "polygamma" and name == "x":
                continue  # its order is a whole number
            d = f.derivative(name)
            at = {"acosh": [1.7], "polygamma": [2.0, 0.7]}.get(op, [0.4, 0.7, 2.0][: len(names)])
            assert parse(d.text, f.variables)(*at) == pytest.approx(d(*at), rel=1e-14), op


# --- LaTeX ----------------------------------------------------------------------------------------

LATEX = [
    ("sin(x1) - cos(x2)", r"\sin\left(x_{1}\right) - \cos\left(x_{2}\right)"),
    ("x1/x2", r"\frac{x_{1}}{x_{2}}"),
    ("(x+1)/2*y", r"\frac{x + 1}{2} y"),
    ("x**10", "x^{10}"),
    ("(x+1)**2", r"\left(x + 1\right)^{2}"),
    ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"),
    ("x**y**z", "x^{y^{z}}"),
    ("(x**y)**z", r"\left(x^{y}\right)^{z}"),
    ("x**-2", "x^{-2}"),
    ("sin(x)**2", r"\sin^{2}\left(x\right)"),
    ("log(x)**2", r"\ln\left(x\right)^{2}"),
    ("sqrt(x)**2", r"\left(\sqrt{x}\right)^{2}"),
    ("exp(-x**2/2)/sqrt(2*pi)", r"\frac{\mathrm{e}^{\frac{-x^{2}}{2}}}{\sqrt{2 \pi}}"),
    ("e**x", r"\mathrm{e}^{x}"),
    ("2*3*x*4", r"2 \cdot 3 x \cdot 4"),
    ("2*(1/3)", r"2 \cdot \frac{1}{3}"),
    ("x*(y+z)", r"x \left(y + z\right)"),
    ("x - (y - z)", r"x - \left(y - z\right)"),
    ("x*-y", r"x \left(-y\right)"),
    ("-x*y", "-x y"),
    ("-(x + y)", r"-\left(x + y\right)"),
    ("1e-5*x", r"10^{-5} x"),
    ("2.5e-10*x", r"2.5 \cdot 10^{-10} x"),
    ("theta1 + omega_0 + Gamma", r"\theta_{1} + \omega_{0} + \Gamma"),
    ("k_spring*m_1_2", r"k_{\mathrm{spring}} m_{1,2}"),
    ("speed + _a", r"\mathrm{speed} + \mathrm{\_a}"),
    ("θ + Ω", r"\theta + \Omega"),
    ("速度", r"\text{速度}"),
    (
        "abs(x) + floor(x) + ceil(x)",
        r"\left|x\right| + \left\lfloor x \right\rfloor + \left\lceil x \right\rceil",
    ),
    ("max(x, 0) + sigmoid(x)", r"\max\left(x, 0\right) + \sigma\left(x\right)"),
    ("expm1(x)", r"\operatorname{expm1}\left(x\right)"),
    ("log2(x) + cbrt(x)", r"\log_{2}\left(x\right) + \sqrt[3]{x}"),
    ("x % 2 * y", r"\left(x \bmod 2\right) y"),
    (
        "x*log(x) if x > 0 else 0",
        r"\begin{cases} x \ln\left(x\right) & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
    ),
    (
        "a if x < 1 else b if 1 <= x < 2 else c",
        r"\begin{cases} a & \text{if } x < 1 \\ b & \text{if } 1 \leq x < 2 \\ c & \text{otherwise} "
        r"\end{cases}",
    ),
    (
        "2*(a if not (x == 1 and y != 2) else c)",
        r"2 \left(\begin{cases} a & \text{if } \lnot \left(x = 1 \land y \neq 2\right) \\ c & "
        r"\text{otherwise} \end{cases}\right)",
    ),
    ("(x > 0)*y", r"\left[x > 0\right] y"),
]


@pytest.mark.parametrize("text, latex", LATEX)
def test_latex(text, latex):
    assert to_latex(parse(text)) == latex


def test_names_of_columns_are_no_markup_in_latex():
    assert latex_name("<script>") == r"\mathrm{{\lt}script{\gt}}"
    assert latex_name("p [kg_m]$5}") == r"\mathrm{p\ [kg\_m]\$5\}}"
    for character in "<>&\"'`$\\{}^~#%|\n\r\t\u2028":
        tex = latex_name(f"a{character}b")
        assert not re.search(r"[<>`\n\r\u2028]|(?<!\\)[$#%&_]", tex), tex
        bare = re.sub(r"\\[{}]", "", tex)
        assert bare.count("{") == bare.count("}")


@settings(deadline=None, max_examples=200)
@given(formulas)
def test_latex_is_balanced(text):
    latex = to_latex(read_or_skip(text))
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") - latex.count(r"\leq") == latex.count(r"\right") or r"\leq" in latex
    assert latex.count(r"\begin{cases}") == latex.count(r"\end{cases}")
    assert "  " not in latex and "None" not in latex


def test_matplotlib_reads_the_latex():
    from matplotlib.mathtext import MathTextParser

    reader = MathTextParser("agg")
    for text, latex in LATEX:
        if "cases" in latex or r"\text" in latex or "bmod" in latex:
            continue  # not in Matplotlib's subset
        reader.parse(f"${latex}$"), text


def test_latex_of_several():
    assert "; ".join(to_latex(f) for f in parse_many("x; y^2")) == "x; y^{2}"
