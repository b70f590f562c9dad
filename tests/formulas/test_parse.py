"""What formulas mean: structure, names, Unicode, several outputs, constants."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from surefit.errors import FormulaError
from surefit.formulas import Formula, constant, parse, parse_many, to_text
from surefit.formulas.functions import NAMES, TABLE

from .strategies import evaluated

# --- precedence and grouping: Python's own arithmetic is the oracle -------------------------------

ARITHMETIC = """
1 + 2*3
(1 + 2)*3
-2**2
(-2)**2
2**-1
2**3**2
(2**3)**2
-3 % 5
3 % -5
7 - 2 - 1
7 - (2 - 1)
8/4/2
8/(4/2)
2*3 % 4
+5 - -5
--5
- -2**2
1e3 + 1.5e-2 + .5 + 2.
007 + 1E+2
1 if 2 > 1 else 3
1 if 1 > 2 else 2 if 3 > 2 else 4
(1 if 1 > 2 else 2) + 10
1 < 2 < 3
1 < 3 < 2
(1 < 2) + (2 < 1)
1 if not 2 > 3 else 0
1 if 1 > 2 or 2 > 1 and 3 > 2 else 0
1 if (1 > 2 or 2 > 1) and 2 > 3 else 0
1 if 1 != 2 == 2 >= 2 <= 3 else 0
""".strip().splitlines()


@pytest.mark.parametrize("text", ARITHMETIC)
def test_arithmetic_is_pythons(text):
    oracle = float(evaluated(text.replace("007", "7"), {}))
    assert constant(text) == oracle


SPELLINGS = [
    ("x1 + x2^2", "x1 + x2**2"),
    ("2^3^2", "2**3**2"),
    ("－x＋２＊（y，）".replace("，", ""), "-x+2*(y)"),
    ("ｓｉｎ（ｘ１）", "sin(x1)"),
    ("max（x，y）", "max(x, y)"),
    ("x − y – z — w", "x - y - z - w"),
    ("a·b × c ⋅ d ∗ f", "a*b*c*d*f"),
    ("x ÷ 2 ∕ y", "x/2/y"),
    ("x² + y³", "x**2 + y**3"),
    ("x⁻¹ + 10⁻²", "x**-1 + 10**-2"),
    ("x¹⁰", "x**10"),
    ("(x+1)²", "(x + 1)**2"),
    ("2*π", "2*pi"),
    ("√(x) + ∛(x)", "sqrt(x) + cbrt(x)"),
    (
        "1 if x ≤ 1 else 2 if x ≥ 2 else 3 if x ≠ 4 else 5",
        "1 if x <= 1 else 2 if x >= 2 else 3 if x != 4 else 5",
    ),
    ("0。5*x", "0.5*x"),
    ("x₁ + x₁₀", "x1 + x10"),
    ("  x\n +\ty ", "x + y"),
    ("\ufeffx\u200b+\u00a0y\u3000", "x + y"),
    ("arcsin(x) + arctan2(x, y) + ln(x) + lg(x)", "asin(x) + atan2(x, y) + log(x) + log10(x)"),
    ("where(x > 0, 1, y)", "1 if x > 0 else y"),
    ("pow(x, 3) + mod(x, 2)", "x**3 + x % 2"),
    ("((x))", "x"),
]


@pytest.mark.parametrize("text, plain", SPELLINGS)
def test_other_spellings_mean_the_same(text, plain):
    assert parse(text).nodes == parse(plain).nodes


def test_superscripts_end_where_they_end():
    with pytest.raises(FormulaError, match="two numbers"):
        parse("x²3")


def test_letters_of_all_scripts_are_variables():
    assert parse("θ + 速度*µ + ü").variables == ("ü", "θ", "μ", "速度")
    assert parse("速度*2", ["速度"])(3.0) == 6.0


# --- names ----------------------------------------------------------------------------------------


def test_variables_in_natural_order():
    assert parse("x10 + x2 + x1 + y1 + a").variables == ("a", "x1", "x2", "x10", "y1")
    assert parse("x_10 + x_9 + x1a10 + x1a9").variables == ("x1a9", "x1a10", "x_9", "x_10")


def test_declared_variables_keep_their_order_and_need_not_be_used():
    f = parse("b - a", ["b", "c", "a"])
    assert f.variables == ("b", "c", "a")
    assert f.used == {"a", "b"}
    assert f(5.0, 0.0, 3.0) == 2.0


@pytest.mark.parametrize("name", ["e", "pi", "gamma", "sin", "max", "where", "inf", "lambda", "True", "step"])
def test_a_declared_variable_wins(name):
    assert parse(f"2*{name} + 1", [name])(3.0) == 7.0


def test_a_declared_name_is_no_function_any_more():
    with pytest.raises(FormulaError, match="'gamma' is a variable here"):
        parse("gamma(x)", ["gamma", "x"])
    assert parse("gamma(x)", ["x"])(4.0) == 6.0


@pytest.mark.parametrize("names", [["2x"], ["x y"], ["if"], [""], ["x", "x"], ["x+"], "xy", ["x", 3]])
def test_names_that_cannot_be_variables(names):
    with pytest.raises(FormulaError):
        parse("x", names)


def test_every_function_name_can_be_called():
    for name, op in NAMES.items():
        count = 3 if op == "if" else TABLE[op].least
        args = ["x > 0", "x", "1"] if op == "if" else ["x"] * count
        assert parse(f"{name}({', '.join(args)})").variables == ("x",)
    assert len(set(NAMES.values())) >= 40


# --- several, constants, the object ---------------------------------------------------------------


@pytest.mark.parametrize("texts", ["sin(x2); x10 + x1", "sin(x2)；x10 + x1;", ["sin(x2)", "x10 + x1"]])
def test_several_formulas_share_their_variables(texts):
    f, g = parse_many(texts)
    assert f.variables == g.variables == ("x1", "x2", "x10")
    assert f(0.0, 1.0, 2.0) == math.sin(1.0)
    assert g(0.5, 1.0, 2.0) == 2.5
    assert f.text == "sin(x2)"


def test_several_formulas_with_declared_variables():
    assert [f.variables for f in parse_many("1; x", ["x", "y"])] == [("x", "y")] * 2


@pytest.mark.parametrize("texts", ["x;;y", "", [], ["x", ""], "x; 2y"])
def test_several_formulas_with_a_mistake(texts):
    with pytest.raises(FormulaError):
        parse_many(texts)


def test_the_faulty_one_of_several_is_named():
    with pytest.raises(FormulaError, match="formula 2 of 3: "):
        parse_many("x; 2y; z")


@pytest.mark.parametrize(
    "text, value",
    [
        ("-2*pi", -2 * math.pi),
        ("π/2", math.pi / 2),
        ("1e-3", 1e-3),
        ("sqrt(2)", 2**0.5),
        (3, 3.0),
        (-0.5, -0.5),
    ],
)
def test_constants(text, value):
    assert constant(text) == value


@pytest.mark.parametrize("text", ["x", "2*x", "", "1/0", "inf", math.inf, math.nan, None, "log(-1)", "e e"])
def test_what_is_no_constant(text):
    with pytest.raises(FormulaError):
        constant(text)


def test_constants_in_formulas_are_folded_in_float64():
    f = parse("x*sin(pi/6)**2 + log(2)/3")
    known = [c for c in f.constants if c is not None]
    assert math.sin(math.pi / 6) ** 2 in known
    assert math.log(2) / 3 in known


def test_a_formula_prints_compares_hashes_and_pickles():
    f = parse("x² + 1")
    assert str(f) == "x² + 1"
    assert repr(f) == "Formula('x² + 1', variables=('x',))"
    assert f == parse("x^2+1") and hash(f) == hash(parse("x^2+1"))
    assert f != parse("x^2+1", ["x", "y"]) and f != parse("x^2-1") and f != "x^2+1"
    g = pickle.loads(pickle.dumps(f))  # noqa: S301
    assert g == f and g(2.0) == 5.0 and g.text == f.text
    assert f._repr_latex_().startswith("$\\displaystyle ")


def test_signature_shows_the_variables():
    import inspect

    assert list(inspect.signature(parse("x2 + x10")).parameters) == ["x2", "x10"]
    assert isinstance(parse("lambda + 1"), Formula)  # no parameter may have this name


def test_long_sums_are_read_evaluated_and_printed():
    text = " + ".join(f"{k}*x" for k in range(1, 400))
    f = parse(text)
    assert f(2.0) == 2.0 * sum(range(1, 400))
    assert to_text(f) == text.replace(" 1*", " 1*")
    np.testing.assert_array_equal(f(np.ones(3)), np.full(3, 79800.0))
