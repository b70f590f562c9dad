"""What people get wrong: the message, the column it points at, the correction it proposes."""

from __future__ import annotations

import pytest

from surefit.errors import FormulaError
from surefit.formulas import parse

# text, variables, what the carets stand under, words of the message, proposal
MISTAKES = [
    ("x mod 2", ["x"], "mod", "written %", "x % 2"),
    ("1 + if(x > 0, x, 2)", ["x"], "if", "a choice is written", "1 + where(x > 0, x, 2)"),
    ("piecewise(x, x > 0, 0)", ["x"], "piecewise", "a choice is written", None),
    ("int(x)", ["x"], "int", "trunc", "trunc(x)"),
    ("besselj(0, x)", ["x"], "besselj", "a Python function may be fitted as well", None),
    ("sum(k, 1, 3, x)", ["x", "k"], "sum", "a Python function", None),
    ("2x", None, "x", "operator is missing between '2' and 'x'", "2*x"),
    ("3 + 2x*y", None, "x", "operator is missing", "3 + 2*x*y"),
    ("x1 x2", None, "x2", "operator is missing between 'x1' and 'x2'", "x1*x2"),
    ("2(x+1)(x-1)", None, "(", "operator is missing", "2*(x+1)*(x-1)"),
    ("sin(x)cos(y)", None, "cos", "between ')' and 'cos'", "sin(x)*cos(y)"),
    ("x(x+1)", None, "x", "no function 'x'", "x*(x+1)"),
    ("pi(x+1)", None, "(", "between 'pi' and '('", "pi*(x+1)"),
    ("2e", None, "e", "operator is missing", "2*e"),
    ("sin x", None, "sin", "needs its argument in brackets", "sin(x)"),
    ("sin 2x + cos y^2", None, "sin", "in brackets", "sin(2*x) + cos(y^2)"),
    ("sin^2(x) + 1", None, "sin", "in brackets", "sin(x)**2 + 1"),
    ("sin² x", None, "sin", "in brackets", "sin(x)**2"),
    ("sin + 1", None, "sin", "'sin' is a function", None),
    ("log", ["x"], "log", "needs its argument", None),
    ("siin(x)", None, "siin", "no function 'siin'", "sin(x)"),
    ("SIN(x)", None, "SIN", "no function 'SIN'", "sin(x)"),
    ("xsin(x)", None, "xsin", "no function 'xsin'", "x*sin(x)"),
    ("np.exp(-x)", None, "np.", "without 'np.'", "exp(-x)"),
    ("factorial(n)", None, "factorial", "gamma(n + 1)", None),
    ("n!", None, "!", "gamma(n + 1)", None),
    ("sin(x, y)", None, "sin", "sin takes 1 argument, 2 came", None),
    ("sin()", None, "sin", "sin takes 1 argument, none came", None),
    ("atan2(x)", None, "atan2", "takes 2 arguments, 1 came", None),
    ("max(x)", None, "max", "takes 2 or more arguments, 1 came", None),
    ("heaviside(x, 1, 2)", None, "heaviside", "takes 1 or 2 arguments, 3 came", None),
    ("clip(x, 0)", None, "clip", "takes 3 arguments", None),
    ("x = 3", None, "=", "right-hand side", "3"),
    ("f(x, y) = x + y", None, "=", "right-hand side", "x + y"),
    ("1 if x = 3 else 2", None, "=", "'==' does", "1 if x == 3 else 2"),
    ("1 if x =< 3 else 2", None, "=<", "'<='", "1 if x <= 3 else 2"),
    ("1 if x <> 3 else 2", None, "<>", "missing between", "1 if x != 3 else 2"),
    ("(x + 1", None, "(", "never closed", None),
    ("sin(x", None, "(", "never closed", None),
    ("(x + (y)", None, "(", "never closed", None),
    ("(", None, "(", "never closed", None),
    ("x + 1)", None, ")", "closes nothing", None),
    (")", None, ")", "closes nothing", None),
    ("()", None, "()", "nothing between", None),
    ("", None, None, "empty", None),
    ("  \n ", None, None, "empty", None),
    ("x +", None, "+", "missing after '+'", None),
    ("* x", None, "*", "missing before '*'", None),
    ("x + / y", None, "+ /", "missing between '+' and '/'", None),
    ("x * * 2", None, "* *", "without a space", "x ** 2"),
    ("max(x,)", None, ",", "missing after ','", None),
    ("x // 2", None, "//", "floor(a/b)", None),
    ("3,5*x", None, ",", "decimal mark is a point", "3.5*x"),
    ("x, y", None, ",", "';'", None),
    ("x; y", None, ";", "several outputs", None),
    ("|x| + |y|", None, "|", "abs(...)", "abs(x) + abs(y)"),
    ("1 if x > 0 && y > 0 else 0", None, "&", "'and'", "1 if x > 0 and y > 0 else 0"),
    ("1 if x > 0 || y > 0 else 0", None, "|", "'or'", "1 if x > 0 or y > 0 else 0"),
    ("[x + 1]*2", None, "[", "round brackets", "(x + 1)*2"),
    ("x[0]", None, "[", "round brackets", None),
    ("1_000*x", None, "1_000", "not grouped", "1000*x"),
    ("1 2", None, "1 2", "two numbers", None),
    ("x if y > 0", None, "if", "no 'else'", None),
    ("max(x if y > 0, 1)", None, "if", "no 'else'", None),
    ("x else y", None, "else", "no 'if'", None),
    ("1 if x else 2", None, "x", "a condition is needed here, such as x > 0", None),
    ("x and y > 0", None, "x", "a condition is needed", None),
    ("x + not y > 0", None, "not", "needs brackets", None),
    ("a if b > 0 if c > 0 else d else e", None, "if", "brackets around it", None),
    ("True", None, "True", "word of Python", None),
    ("x is y", None, "is", "missing between 'x' and 'is'", None),
    ("inf", None, "inf", "not a number", None),
    ("1e999", None, "1e999", "too large", None),
    ("x + 'a'", None, "'", "holds no text", None),
    ("x.y", None, ".", "dot belongs inside a number", None),
    ("x ? 1 : 2", None, "?", "a if condition else b", None),
    ("x + 1/0", None, "1/0", "divides by zero", None),
    ("x*sqrt(-1)", None, "sqrt(-1)", "not a real number", None),
    ("log(0)", None, "log(0)", "infinite", None),
    ("(-8)**(1/3)", None, "(-8)**(1/3)", "not a real number", None),
    ("x + 10**400", None, "10**400", "infinite", None),
    ("x**(10**9)", None, "10**9", "exponent is larger", None),
    ("xy + 1", ["x", "y"], "xy", "unknown name 'xy'; the variables are x, y", "x*y + 1"),
    ("X1", ["x1", "x2"], "X1", "unknown name", "x1"),
    ("speeed", ["speed", "time"], "speeed", "speed, time", "speed"),
    ("sinx + cosx2", ["x", "x2"], "sinx", "unknown name 'sinx'", "sin(x) + cos(x2)"),
    ("z", ["x"], "z", "the variable is x", None),
    ("sni(x)", None, "sni", "no function 'sni'", "sin(x)"),
    ("csoh(x)", None, "csoh", "no function 'csoh'", "cosh(x)"),
    ("epx(x)", None, "epx", "no function 'epx'", "exp(x)"),
    ("lgo(x)", None, "lgo", "no function 'lgo'", "log(x)"),
    ("2*ip", [], "ip", "unknown name 'ip'", "2*pi"),
    ("x*pupm", ["pump", "x"], "pupm", "unknown name", "x*pump"),
    ("z", [], "z", "no variables are declared", None),
]


def carets(message: str) -> tuple[str, int, int]:
    """The shown line without its indent, and the first and last caret column in it (in characters)."""
    _, shown, marks, *_ = message.split("\n")
    assert shown.startswith("    ") and marks.strip().strip("^") == ""
    return shown[4:], marks.index("^") - 4, len(marks) - 4


@pytest.mark.parametrize("text, variables, under, words, proposal", MISTAKES)
def test_mistake(text, variables, under, words, proposal):
    with pytest.raises(FormulaError) as caught:
        parse(text, variables)
    message = str(caught.value)
    assert words in message.split("\n")[0]
    if under is not None:
        shown, first, last = carets(message)
        assert shown[first:last] == under
        assert shown.strip() == text.strip()
    proposed = message.split("did you mean: ")[1] if "did you mean: " in message else None
    assert proposed == proposal
    if proposal is not None:
        parse(proposal, variables)


def test_the_first_of_two_brackets_that_is_open():
    with pytest.raises(FormulaError) as caught:
        parse("(x + (y)")
    assert carets(str(caught.value))[1] == 0
    with pytest.raises(FormulaError) as caught:
        parse("x1/(x2 + (y) - 1")
    assert carets(str(caught.value))[1] == 3


def test_columns_are_those_of_the_original_under_replacement():
    # ^ and superscripts grow when they become **, full-width characters take two terminal columns
    for text, column in [
        ("x^2^3 y", 6),
        ("x²y", 2),
        ("x²³ y", 4),
        ("√(x)² z", 6),
        ("π² z", 3),
        ("x−y≤ )", 5),
        ("（x＋１）y", 9),
        ("２ｘ", 2),
        ("速度*２ 度", 8),
        ("e\u0301 y", 2),
    ]:
        with pytest.raises(FormulaError) as caught:
            parse(text)
        assert carets(str(caught.value))[1] == column, text


def test_a_fault_far_into_a_long_text_is_shown_in_an_excerpt():
    with pytest.raises(FormulaError) as caught:
        parse("+".join(["x"] * 500) + " y" + "+x" * 500)
    shown, first, last = carets(str(caught.value))
    assert shown.startswith("...") and shown.endswith("...") and len(shown) < 80
    assert shown[first:last] == "y"


def test_characters_that_cannot_be_shown_do_not_break_the_line():
    with pytest.raises(FormulaError) as caught:
        parse("x +\n\x00 y")
    assert "U+0000" in str(caught.value)
    assert carets(str(caught.value))[1] == 4


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_what_is_no_text(text):
    with pytest.raises(FormulaError, match="a formula is a text"):
        parse(text)


def test_it_is_a_value_error():
    with pytest.raises(ValueError, match="missing"):
        parse("2x")
