"""Formulas as layers of functions of one variable: the layers give the formula's values, and are few."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.data import Domain
from surefit.formulas import parse
from surefit.formulas.compositions import composition_of

FORMULAS = [  # formula, domain, layers
    ("x*y", "x=-1:1, y=-1:1", 1),
    ("x*y*z", "x=1:2, y=1:2, z=1:2", 2),
    ("1/(x^2+y^2+0.01)", "x=-1:1, y=-1:1", 2),
    ("sin(E*t/(h/(2*pi)))^2", "E=1:5, t=1:5, h=1:5", 2),
    ("exp(-x^2-y^2)*cos(3*x)", "x=-1:1, y=-1:1", 3),
    ("sqrt(1-v^2/c^2)", "v=1:2, c=3:9", 2),
    ("max(x, y, 0)", "x=-1:1, y=-1:1", 2),
    ("min(x*y, x) + clip(y, -0.2, 0.3)", "x=-1:1, y=-1:1", 2),
    ("hypot(x, y) + atan2(y, x)", "x=1:2, y=-1:1", 3),
    ("x^y + 2^x", "x=0.5:2, y=-1:1", 3),
    ("logaddexp(x, 3*y) + log1p(exp(x))", "x=-2:2, y=-1:1", 1),
    ("-x*y + 3*x - 2", "x=-1:1, y=-1:1", 1),
    ("sqrt(x*y)/(x+y)", "x=1:5, y=1:5", None),
    # what depends on one product or sum alone is a function of it, wherever its copies stand, and whatever their signs
    ("1/(exp(x/y)+exp(-x/y))", "x=1:3, y=1:3", 2),
    ("n/(exp(m*b/(k*t))+exp(-m*b/(k*t)))", "n=1:3, m=1:3, b=1:3, k=1:3, t=1:3", 3),
    ("x*y*sin(x*y)", "x=-1:1, y=-1:1", 2),
    ("x*y/(exp(-2*x*y)+x*y)", "x=0.1:1, y=0.1:1", 2),
    ("k*p/(1+k*p)", "k=0.5:3, p=0.1:2", 2),
    ("-a*b^2/c*exp(-a*b^2/c)", "a=1:3, b=1:3, c=1:3", 2),
    ("sin((a-b)*t/2)^2/((a-b)*t/2)^2", "a=1:5, b=1:5, t=1:3", 2),
    ("(x+sin(y))*exp(-(x+sin(y))/3)", "x=-1:1, y=-1:1", 2),
    ("(x^2+y^2)*cos(sqrt(x^2+y^2))/(x^2+y^2+1)", "x=-1:1, y=-1:1", 2),
    ("c/f*(1-exp(-y*t))/(y/f)", "c=0.1:1, f=1:12, y=0.1:1, t=1:3", None),
    ("gamma(x)*erf(y)^3 - abs(x-2*y)", "x=1:3, y=-1:1", None),
    ("exp(x*y)^2 - sinh(x)*tanh(y)/(2+cos(x))", "x=-1:1, y=-1:1", None),
]


def evaluated(composition, j=0):
    """An output from its signals, each computed from the sums before."""

    def of(signal):
        return signal.values if signal.of is None else signal.function(total(signal.of))

    def total(s):
        return sum(c * of(signal) for signal, c in s.terms)

    value = composition.outputs[j]
    linear = sum(c * of(k) for k, c in value.linear.items())
    return value.constant + linear + sum(f(total(s)) for s, f in value.parts.items())


@pytest.mark.parametrize(("text", "domain", "depth"), FORMULAS)
def test_the_layers_give_the_values_of_the_formula(text, domain, depth):
    box = Domain(domain)
    points = np.random.default_rng(0).uniform(box.low, box.high, (300, box.dim))
    formula = parse(text, box.names)
    found = composition_of([formula], points)
    truth = formula.on_points(points)
    np.testing.assert_allclose(evaluated(found), truth, atol=1e-11 * np.abs(truth).max())
    assert depth is None or found.depth == depth


@pytest.mark.parametrize("text", ["sin(x*y)/(x*y)", "x*y/(exp(x*y)-1)", "log(1+(x-y)/4)/(x-y)"])
def test_a_place_without_a_value_has_that_beside_it(text):
    """0/0 at the corners and wherever a product vanishes; the warnings of NumPy are errors here."""
    points = np.concatenate([np.random.default_rng(0).uniform(-1, 1, (300, 2)), [[0.0, 0.5], [0.25, 0.25], [0.0, 0.0]]])
    beside = parse(text, ("x", "y")).on_points(points + np.array([1e-5, 2.1e-5]))
    found = composition_of([parse(text, ("x", "y"))], points)
    np.testing.assert_allclose(evaluated(found), beside, rtol=1e-4)


def test_signals_come_from_the_layer_before():
    box = Domain("a=1:2, b=1:2, c=0:1")
    points = np.random.default_rng(0).uniform(box.low, box.high, (100, 3))
    found = composition_of([parse("a + sin(b*cos(c*a)) * exp(c)", box.names), parse("b", box.names)], points)
    waiting = [*found.outputs]
    assert all(k.layer == found.depth for v in waiting for k in v.linear)
    sums = [s for v in waiting for s in v.parts] + [k.of for v in waiting for k in v.linear]
    seen = 0
    while sums:
        s = sums.pop()
        assert all(k.layer == s.layer for k, _ in s.terms)
        seen += 1
        sums += [k.of for k, _ in s.terms if k.of is not None]
    assert seen > found.depth
    np.testing.assert_allclose(evaluated(found, 1), points[:, 1], rtol=1e-12)


@pytest.mark.parametrize("text", [
    "floor(3*x)*y", "x if x > y else y^2", "mod(x, 0.3) + y", "mod(x, y)", "sign(x*y)", "x > y",
    "1 if x > 0 and not (y > 0.5 or x + y < 0) else x*y", "x if 0 < x < y else -1", "log(x) if x > 0.1 else y",
])  # fmt: skip
def test_what_jumps_is_layers_of_functions_that_jump(text):
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    points[:, 1] = np.abs(points[:, 1]) + 0.1
    formula = parse(text, ("x", "y"))
    found = composition_of([formula], points)
    np.testing.assert_allclose(evaluated(found, 0), formula.on_points(points), atol=1e-11)


def test_a_long_formula_is_left_alone():
    text = " + ".join(f"sin({k}*x)*y" for k in range(1, 200))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    assert composition_of([parse(text, ("x", "y"))], points) is None


def test_the_order_of_terms_is_that_of_the_formula_and_not_of_the_memory():
    text, x = "exp(a+b*c+d)*sin(a-2*d+b) + (a+b+c+d)^2", np.random.default_rng(0).uniform(1, 2, (50, 4))

    def terms(number):
        waste = [np.empty(int(n)) for n in np.random.default_rng(number).integers(1, 2000, 40)]
        del waste[::2]
        found = composition_of([parse(text)], x)
        return [[(c, signal.values.tobytes()) for signal, c in s.terms] for v in found.outputs for s in v.parts]

    first = terms(0)
    assert all(terms(number) == first for number in range(1, 30))


@pytest.mark.parametrize(
    ("text", "low", "high", "far"),
    [
        ("exp(a)/(exp(a) + exp(b))", -9.0, 9.0, True), ("log10(a^4 + b^4)", 0.01, 9.0, True),
        ("1/sqrt(a^6 + b^6)", 0.01, 9.0, True), ("a/(a + b)", 1.0, 2.0, False), ("1/(a*b)", 0.001, 2.0, False),
        ("log(exp(a) - exp(b)/9)", 0.0, 1.0, False), ("sin(a + b)", -9.0, 9.0, False),
    ],
)  # fmt: skip
def test_logarithms_of_sums_are_taken_where_these_range_far(text, low, high, far):
    points = np.random.default_rng(0).uniform(low, high, (1000, 2))
    formula = parse(text, ["a", "b"])
    found = composition_of([formula], points, logarithms=True)
    assert (found is not None) == far
    if found is not None:
        assert np.allclose(evaluated(found), formula(*points.T), rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("text, domain", [
    ("c/f*(1-exp(-y*t))/(y/f)", "c=0.1:1, f=1:12, y=0.1:1, t=1:3"),
    ("a*b^2*x/(b*a*(x+y)*b)", "a=1:3, b=1:3, x=1:3, y=1:3"),
    ("sqrt(k)*x*sin(y)/sqrt(k)", "k=1:5, x=1:2, y=1:2"),
    ("c/f*(1-(1+y/f)^(-f*t))/(y/f)+(1+y/f)^(-f*t)", "c=0:0.1, f=1:12, y=0.005:0.1, t=1:30"),
])  # fmt: skip
def test_what_is_divided_by_itself_is_one_and_no_rounding_is_fitted(text, domain):
    box = Domain(domain)
    points = np.random.default_rng(0).uniform(box.low, box.high, (300, box.dim))
    found = composition_of([parse(text, box.names)], points)
    for s, functions in found.wanted().items():
        for _, f in functions:
            y = f(s.values)
            assert np.ptp(y) > 1e-12, (text, s)
    size = parse(text, box.names).on_points(points)
    np.testing.assert_allclose(evaluated(found), size, rtol=1e-12)
