"""What formulas compute, against NumPy, SciPy, mpmath and Python; their gradients; conditionals."""

from __future__ import annotations

import json
import math

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import assume, given, settings

from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.functional import grad, jacobian
from surefit.core.program import record
from surefit.errors import ArgumentError, DtypeError, FormulaError, ShapeError
from surefit.formulas import parse
from surefit.formulas.functions import NAMES, TABLE

from .strategies import VARIABLES, evaluated, formulas, oracle

# --- every function against mpmath ----------------------------------------------------------------

LINE = (-3.7, -1.5, -0.3, -1e-9, 0.0, 1e-3, 0.4, 1.0, 2.5, 30.0)
POSITIVE = (1e-300, 1e-3, 0.4, 1.0, 2.5, 1e10)
UNIT = (-0.999, -0.5, 0.0, 1e-9, 0.3, 0.99)
OVER_ONE = (1.0, 1.5, 7.0, 1e8)
NO_ZERO = (-3.7, -1.5, -0.3, 1e-3, 0.4, 1.0, 2.5)

mp = mpmath
ORACLES = {
    "sin": (mp.sin, LINE),
    "cos": (mp.cos, LINE),
    "tan": (mp.tan, LINE),
    "cot": (mp.cot, NO_ZERO),
    "sec": (mp.sec, LINE),
    "csc": (mp.csc, NO_ZERO),
    "asin": (mp.asin, UNIT),
    "acos": (mp.acos, UNIT),
    "atan": (mp.atan, LINE),
    "sinc": (lambda x: mp.sincpi(x), (*LINE, 0.0499, 0.0501, -0.03)),
    "sinh": (mp.sinh, LINE),
    "cosh": (mp.cosh, LINE),
    "tanh": (mp.tanh, LINE),
    "asinh": (mp.asinh, LINE),
    "acosh": (mp.acosh, OVER_ONE),
    "atanh": (mp.atanh, UNIT),
    "exp": (mp.exp, LINE),
    "exp2": (lambda x: mp.mpf(2) ** x, LINE),
    "expm1": (mp.expm1, LINE),
    "log": (mp.log, POSITIVE),
    "log2": (lambda x: mp.log(x, 2), POSITIVE),
    "log10": (lambda x: mp.log(x, 10), POSITIVE),
    "log1p": (lambda x: mp.log(1 + mp.mpf(x)), (-0.9, *POSITIVE[1:])),
    "sqrt": (mp.sqrt, (0.0, *POSITIVE)),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), LINE),
    "square": (lambda x: mp.mpf(x) ** 2, LINE),
    "abs": (abs, LINE),
    "sign": (mp.sign, LINE),
    "floor": (mp.floor, (*LINE, -2.0, 7.0)),
    "ceil": (mp.ceil, (*LINE, -2.0, 7.0)),
    "round": (mp.nint, (*LINE, 0.5, 1.5, 2.5, -0.5)),
    "trunc": (lambda x: int(x), LINE),
    "heaviside": (lambda x: 0.5 if x == 0 else float(x > 0), LINE),
    "step": (lambda x: float(x >= 0), LINE),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-mp.mpf(x))), LINE),
    "relu": (lambda x: max(x, 0.0), LINE),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), LINE),
    "erf": (mp.erf, LINE),
    "erfc": (mp.erfc, LINE[:-1]),
    "erfinv": (mp.erfinv, UNIT),
    "gamma": (mp.gamma, (-3.7, -1.5, 0.4, 1.0, 2.5, 30.0)),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), (-3.7, -1.5, 0.4, 2.5, 30.0)),
    "digamma": (mp.digamma, (-3.7, -0.3, 0.4, 1.0, 2.5, 30.0)),
}
ORACLES_OF_MORE = {
    "atan2": (mp.atan2, [(1.0, 2.0), (-1.0, -2.0), (0.0, -1.0), (3.0, 0.0)]),
    "hypot": (mp.hypot, [(3.0, 4.0), (1e200, 1e200), (0.0, -2.0)]),
    "logaddexp": (lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), [(1.0, 2.0), (-50.0, 60.0)]),
    "pow": (lambda a, b: mp.mpf(a) ** b, [(2.0, 0.5), (3.0, -2.0), (1.5, 3.0), (0.3, 7.25)]),
    "mod": (lambda a, b: a - b * mp.floor(mp.mpf(a) / b), [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0)]),
    "min": (min, [(1.0, 2.0, -3.0), (5.0, 5.0, 5.0)]),
    "max": (max, [(1.0, 2.0, -3.0), (5.0, 5.0, 5.0)]),
    "clip": (lambda x, a, b: min(max(x, a), b), [(3.0, -1.0, 2.0), (-3.0, -1.0, 2.0), (0.5, -1.0, 2.0)]),
    "polygamma": (lambda n, x: mp.psi(int(n), x), [(1.0, 2.5), (2.0, 0.7)]),
    "if": (lambda c, a, b: a if c > 0 else b, [(1.0, 5.0, 6.0), (-1.0, 5.0, 6.0)]),
}


def test_every_function_has_an_oracle():
    assert set(ORACLES) | set(ORACLES_OF_MORE) == set(NAMES.values())


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_function_of_one_argument(name):
    exact, points = ORACLES[name]
    with mp.workdps(40):
        expected = [float(exact(p)) for p in points]
    np.testing.assert_allclose(parse(f"{name}(x)")(np.array(points)), expected, rtol=4e-15, atol=2e-16)


@pytest.mark.parametrize("name", sorted(ORACLES_OF_MORE))
def test_function_of_more_arguments(name):
    exact, points = ORACLES_OF_MORE[name]
    text = "where(a > 0, b, c)" if name == "if" else f"{name}({', '.join('abc'[: len(points[0])])})"
    with mp.workdps(40):
        expected = [float(exact(*p)) for p in points]
    np.testing.assert_allclose(parse(text).on_points(points), expected, rtol=4e-15)


def test_functions_on_constants_and_on_variables_agree():
    """Folding at reading time gives what evaluation gives."""
    for name, (_, points) in ORACLES.items():
        x = points[len(points) // 2]
        assert parse(f"{name}({x!r}) + 0*x", ["x"])(0.0) == pytest.approx(parse(f"{name}(x)")(x), rel=1e-15)


def test_step_functions_at_zero():
    x = np.array([-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(parse("heaviside(x)")(x), [0, 0.5, 1])
    np.testing.assert_array_equal(parse("heaviside(x, 0.2)")(x), np.heaviside(x, 0.2))
    np.testing.assert_array_equal(parse("heaviside(x, y)")(x, 0.3), np.heaviside(x, 0.3))
    np.testing.assert_array_equal(parse("step(x)")(x), np.heaviside(x, 1.0))
    assert parse("heaviside(0, 0.3)*x")(1.0) == 0.3  # in float64 although the constant is chosen by a condition


def test_conditions_count_as_numbers():
    x = np.array([-1.0, 0.5, 3.0])
    np.testing.assert_array_equal(parse("(x > 0) - (x > 1) + 2*(0 < x < 1)")(x), [0, 3, 0])
    np.testing.assert_array_equal(parse("x > 0")(x), [0.0, 1.0, 1.0])
    assert parse("x > 0")(x).dtype == np.float64
    np.testing.assert_array_equal(parse("1 if (x > 0 if x < 1 else x > 5) else 0")(x), [0, 1, 0])
    np.testing.assert_array_equal(parse("(x > 0) == (x < 1)")(x), [0, 1, 0])


# --- the outside collections ----------------------------------------------------------------------

NUMPY = {
    name: getattr(np, name) for name in "exp sqrt sin cos tan tanh arcsin arccos arctan log sinh cosh abs pi".split()
} | {"ln": np.log}


def boxes(entry):
    if "box" in entry:
        return entry["vars"], [entry["box"][v] for v in entry["vars"]]
    return [v[0] for v in entry["vars"]], [v[1:] for v in entry["vars"]]


@pytest.mark.parametrize("name, count", [("feynman_1_50", 50), ("fpbench_rosa", 29)])
def test_published_formulas(shared_data, name, count):
    entries = json.loads(shared_data(f"functions/{name}.json").read_text())
    assert len(entries) == count
    rng = np.random.default_rng(7)
    for entry in entries:
        names, box = boxes(entry)
        points = np.column_stack([rng.uniform(low, high, 200) for low, high in box])
        f = parse(entry["formula"], names)
        columns = dict(zip(names, points.T, strict=True))
        with np.errstate(all="ignore"):
            expected = evaluated(entry["formula"], {**NUMPY, **columns})
        np.testing.assert_allclose(f.on_points(points), expected, rtol=1e-11, err_msg=entry["name"])
        without = parse(entry["formula"])
        assert set(without.variables) <= set(names) | {"e", "pi"}


def test_slopes_of_published_formulas(shared_data):
    """Every partial derivative against 30-digit central differences of the formula evaluated by mpmath."""
    entries = json.loads(shared_data("functions/feynman_1_50.json").read_text())
    namespace = {n: getattr(mp, n) for n in "exp sqrt sin cos tan tanh log pi".split()}
    namespace |= {"arcsin": mp.asin, "ln": mp.log}
    rng = np.random.default_rng(3)
    for entry in entries:
        names, box = boxes(entry)
        f = parse(entry["formula"], names)
        while True:  # a point of the box where the formula is real
            point = [float(rng.uniform(low, high)) for low, high in box]
            if math.isfinite(f(*point)):
                break
        for k, variable in enumerate(names):
            with mp.workdps(50):
                h = mp.mpf(10) ** -15

                def value(shift, k=k, point=point, names=names, entry=entry, h=h):
                    at = {
                        n: mp.mpf(p) + (shift * h if i == k else 0)
                        for i, (n, p) in enumerate(zip(names, point, strict=True))
                    }
                    return evaluated(entry["formula"], {**namespace, **at})

                expected = (value(1) - value(-1)) / (2 * h)
            slope = f.derivative(variable)
            assert slope.variables == tuple(names)
            assert slope(*point) == pytest.approx(float(expected), rel=1e-9, abs=1e-12), (
                entry["name"],
                variable,
            )


# --- random formulas ------------------------------------------------------------------------------

POINTS = np.array(
    [
        [0.5, -1.25, 2.0, 0.75],
        [0.0, 0.0, 1.0, -0.5],
        [-2.0, 3.0, 0.125, 1.0],
        [1.0, 1.0, 1.0, 1.0],
        [40.0, -7.0, 0.3, 0.0],
    ]
)


def read_or_skip(text):
    """The formula, unless one of its constants is not finite, which only the reader refuses."""
    try:
        return parse(text, VARIABLES)
    except FormulaError as error:
        refusal = str(error)
    assert any(w in refusal for w in ("divides by zero", "not a real number", "infinite"))
    assume(False)
    raise AssertionError


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(formulas)
def test_random_formulas_are_what_python_makes_of_them(text):
    f = read_or_skip(text)
    expected = [oracle(text, dict(zip(VARIABLES, point, strict=True))) for point in POINTS]
    one_by_one = [f(*map(float, point)) for point in POINTS]
    np.testing.assert_array_equal(one_by_one, expected)
    together = f.on_points(POINTS)
    np.testing.assert_array_equal(np.isnan(together), np.isnan(expected))
    finite = np.isfinite(expected)
    # vector and scalar loops of NumPy may round differently in the last place, and a step function shows it
    close = np.isclose(together[finite], np.array(expected)[finite], rtol=1e-9, atol=1e-9)
    assert close.all() or any(step in text for step in ("floor", "ceil", "sign", "%", "if", "<", ">", "=", "tan"))


@settings(deadline=None, max_examples=100)
@given(formulas)
def test_random_formulas_record_as_programs(text):
    f = read_or_skip(text)
    program = f.program()
    program.check()
    for point in POINTS:
        (value,), _ = program.replay([np.asarray(v) for v in point])
        np.testing.assert_array_equal(value, f(*map(float, point)))


# --- conditionals: finite value and gradient everywhere -------------------------------------------


def slope(f, points):
    """The gradient of the sum, which is the derivative at each point."""
    x = tensor(points, requires_grad=True)
    y = f(x)
    y.sum().backward()
    return y.detach().numpy(), x.grad.numpy()


def test_the_promised_example():
    f = parse("x*log(x) if x > 0 else 0")
    x = np.array([-2.0, -1e-320, 0.0, 1e-300, 0.5, 2.0, 1e300])
    value, gradient = slope(f, x)
    positive = x > 0
    np.testing.assert_allclose(value, scipy.special.xlogy(np.where(positive, x, 0), np.where(positive, x, 1)))
    np.testing.assert_allclose(gradient, np.where(positive, np.log(np.where(positive, x, 1.0)) + 1.0, 0.0))


# a branch that is not a number, or has no slope, at the points where the other is taken
GUARDED = [
    "sin(x)/x if x != 0 else 1",
    "1/x if x > 0 else x",
    "sqrt(x) if x > 0 else -x",
    "sqrt(x - 1)*log(x - 1) if x > 1 else x",
    "x**0.5 if x > 0 else 2",
    "x**-3 if abs(x) > 0.1 else 0",
    "abs(x)**x if x != 0 else 1",
    "2**(1/x) if x > 0.01 else 0",
    "asin(x) + acos(x) if -1 < x < 1 else x",
    "atanh(x) if abs(x) < 1 else 0",
    "acosh(x) if x > 1 else 0",
    "log1p(x) if x > -1 else x",
    "log2(x) + log10(x) if x > 0 else 0",
    "gamma(x) + lgamma(x) + digamma(x) if x > 0 else 0",
    "cbrt(x) if x > 0 else 0",
    "exp(-1/x) if x > 0 else 0",
    "exp(x) if x < 50 else 1",
    "expm1(x)*sinh(x)*cosh(x)*exp2(x) if x < 50 else x",
    "hypot(x, x) if x > 0 else 0",
    "atan2(x, x) if x > 0 else 0",
    "x % x if x > 0 else 0",
    "cot(x) + csc(x) if 0 < x < 3 else x",
    "erfinv(x) if -1 < x < 1 else 0",
    "log(log(x)) if x > 1 and log(x) > 0.5 else 0",
    "0 if x <= 0 or 1/x < 0.1 else sqrt(1/x)",
    "(log(x) if x > 0 else 1) * (sqrt(-x) if x < 0 else 1)",
    "log(x) if x > 1 else (sqrt(1 - x)*log(x) if x > 0 else (log(-x) if x < 0 else 3))",
    "sqrt(log(x) if x > 1 else 0.5) if x > 2 else x",
    "where(x > 0, log(x), where(x < 0, log(-x), 0))",
    "x*log(x) if not (x < 0 or x == 0) else 0",
    "1/(1/x) if x != 0 else 5",
    "(1 if 2 > 1 else x)*(log(x) if x > 0 else 0)",
    "max(log(x), -5) if x > 0 else -5",
    "x**3 if x > 0 else 0",
]


@pytest.mark.parametrize("text", GUARDED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_branches_not_taken_do_no_harm(text, dtype):
    f = parse(text)
    x = np.array([-1e4, -30.0, -2.0, -1.0, -0.5, 0.0, 0.05, 0.3, 0.7, 1.4, 1.9, 2.6, 30.0, 2e3, 1e4], dtype)
    value, gradient = slope(f, x)
    second = f.derivative().derivative()(x.astype(np.float64))
    overflow = (np.abs(x) > 20) & any(w in text for w in ("gamma", "sinh", "exp(x)", "abs(x)**x"))
    assert np.isfinite(value[~overflow]).all()
    assert np.isfinite(gradient[~overflow]).all()
    assert np.isfinite(second[~overflow & (np.abs(x) < 1e3)]).all()
    if dtype is np.float32:
        assert value.dtype == gradient.dtype == np.float32
        return
    expected = [oracle_of_branches(text, float(v)) for v in x]
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    h = 1e-6  # where no branch begins and nothing bends sharply, differences agree with the gradient
    smooth = (np.abs(x) < 40) & ~np.isin(x, [-1.0, 0.0, 0.05])
    smooth &= ~overflow
    differences = (f(x[smooth] + h) - f(x[smooth] - h)) / (2 * h)
    np.testing.assert_allclose(gradient[smooth], differences, rtol=2e-5, atol=1e-6)


def oracle_of_branches(text, x):
    """Python takes one branch only."""
    special = {name: getattr(scipy.special, name) for name in "gamma digamma erfinv log1p expm1 exp2 cbrt".split()}
    names = {
        **{n: getattr(np, n) for n in "sin exp log sqrt log2 log10 sinh cosh hypot abs".split()},
        **special,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atanh": np.arctanh,
        "acosh": np.arccosh,
        "atan2": np.arctan2,
        "lgamma": scipy.special.gammaln,
        "cot": lambda v: 1 / np.tan(v),
        "csc": lambda v: 1 / np.sin(v),
        "max": max,
        "x": np.float64(x),
    }
    if text.startswith("where"):
        text = "log(x) if x > 0 else log(-x) if x < 0 else 0"
    with np.errstate(all="ignore"):
        return float(evaluated(text, names))


def test_a_branch_taken_everywhere_is_not_masked():
    assert "where" not in parse("x if 1 < 2 else log(x)").program().primitives()
    assert parse("x > 0 if 1 < 2 else x")(3.0) == 1.0


def test_second_derivative_through_a_conditional():
    f = parse("x**3*log(x) if x > 0 else x**2")
    x = np.array([-1.5, 0.5, 2.0])
    second = f.derivative().derivative()
    np.testing.assert_allclose(second(x), [2.0, *(6 * x[1:] * np.log(x[1:]) + 5 * x[1:])], rtol=1e-12)


# --- calling --------------------------------------------------------------------------------------


def test_values_by_place_and_by_name():
    f = parse("x1 - 2*x2")
    assert f(3.0, 1.0) == f(3.0, x2=1.0) == f(x2=1.0, x1=3.0) == 1.0
    assert type(f(3, 1)) is float
    for wrong in [
        lambda: f(1.0),
        lambda: f(1.0, 2.0, 3.0),
        lambda: f(1.0, x1=2.0),
        lambda: f(1.0, 2.0, y=3.0),
    ]:
        with pytest.raises(ArgumentError, match="x1 - 2"):
            wrong()


def test_broadcasting_and_the_shape_of_the_result():
    f = parse("x + 10*y")
    assert f(np.arange(3.0)[:, None], np.arange(4.0)).shape == (3, 4)
    assert parse("x", ["x", "y"])(np.zeros((3, 1)), np.zeros(4)).shape == (3, 4)
    np.testing.assert_array_equal(parse("2", ["x"])(np.zeros(3)), [2.0, 2.0, 2.0])
    assert parse("2")() == 2.0
    with pytest.raises(ValueError, match="broadcast"):
        f(np.zeros(3), np.zeros(4))


def test_dtypes():
    f = parse("x**2/3 + (1 if x > 1 else 0.1)")
    assert f(np.ones(2, np.float32)).dtype == np.float32
    assert f(np.ones(2)).dtype == np.float64
    np.testing.assert_array_equal(f(np.array([1, 2, 3])), f(np.array([1.0, 2.0, 3.0])))
    assert f(np.array([True, False])).dtype == np.float64
    g = parse("x*y")
    assert g(np.ones(2, np.float32), 0.1).dtype == np.float32
    assert g(np.ones(2, np.float32), np.ones(2)).dtype == np.float64
    assert parse("1", ["x"])(np.ones(2, np.float32)).dtype == np.float32
    assert parse("0.1*x")(0.1) == 0.1 * 0.1


def test_no_warnings_outside_the_domain():
    value = parse("log(x) + 1/x + sqrt(x)")(np.array([-1.0, 0.0]))
    assert np.isnan(value[0])


def test_on_points():
    f = parse("x1 + 10*x2 + 100*x3")
    X = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(f.on_points(X), X @ [1, 10, 100])
    np.testing.assert_array_equal(parse("7", ["a", "b"]).on_points(np.zeros((3, 2))), [7.0, 7.0, 7.0])
    assert f.on_points(np.zeros((0, 3))).shape == (0,)
    assert f.on_points(X.astype(np.float32)).dtype == np.float64
    for bad in [X[0], X[:, :2], X.T]:
        with pytest.raises(ShapeError, match="one column for each of x1, x2, x3"):
            f.on_points(bad)


def test_on_tensors_batches_and_recordings():
    f = parse("sin(x)*y if x > 0 else x*y")
    x, y = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    expected = np.where(x > 0, np.sin(x), x) * y
    np.testing.assert_array_equal(f(tensor(x), tensor(y)).numpy(), expected)
    np.testing.assert_array_equal(batch(f)(x, y).numpy(), expected)
    np.testing.assert_array_equal(record(f, x, y)(x, y).numpy(), expected)
    np.testing.assert_array_equal(batch(grad(f))(x, y).numpy(), np.where(x > 0, np.cos(x), 1.0) * y)
    np.testing.assert_array_equal(jacobian(f)(tensor(x), tensor(y)).numpy(), np.diag(np.where(x > 0, np.cos(x), 1) * y))


def test_on_numbers_being_recorded_and_batched_choices():
    f = parse("x*y + (1 if x > 0 else 0.25)")
    assert record(f, 0.5, 2.0)(0.5, 2.0).item() == 2.0
    assert record(f, 1, 2)(1, 2).item() == 3.0
    values = batch(f)(np.array([0.5, -1.0], np.float32), np.array([2.0, 3.0], np.float32))
    assert values.dtype == np.float32 and values.numpy().tolist() == [2.0, -2.75]


@pytest.mark.parametrize("value", [1j, np.array([1j]), "1", ["a"], None, np.array(["a"]), np.array([object()])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(DtypeError):
        parse("x + 1")(value)


def test_program_names_its_inputs_after_the_variables():
    program = parse("x10*sin(x2)").program((3,), np.float32)
    assert [v.name for v in program.inputs] == ["x2", "x10"]
    assert program.inputs[0].shape == (3,) and program.outputs[0].dtype == np.float32
    assert program.primitives() == {"mul": 1, "sin": 1}


def test_shared_table_is_not_recomputed_for_constants():
    assert parse("x*sin(2)*(1 + 3)").program().primitives() == {"mul": 2}


def test_powers_are_cheap_and_right():
    assert parse("x**2").program().primitives() == {"square": 1}
    assert parse("x**1").program().primitives() == {}
    assert parse("e**x").program().primitives() == {"exp": 1}
    assert parse("e**x", ["e", "x"])(2.0, 3.0) == 8.0
    assert parse("x**3")(-2.0) == -8.0
    assert parse("2**x")(-1.0) == 0.5


def test_derivative_of_several_variables():
    f = parse("ln(x1) + x1*x2 - sin(x2)")
    assert f.derivative("x1")(2.0, 5.0) == pytest.approx(5.5, rel=1e-15)
    assert f.derivative("x2")(2.0, 5.0) == pytest.approx(2.0 - math.cos(5.0), rel=1e-15)
    assert parse("3", ["x"]).derivative()(1.0) == 0.0
    assert parse("x", ["x", "y"]).derivative("y").on_points(np.zeros((2, 2))).tolist() == [0.0, 0.0]
    for wrong in (None, "y"):
        with pytest.raises(ArgumentError, match="x1, x2"):
            f.derivative(wrong)


def test_unsafe_arguments_are_declared():
    """Each safe argument is one where value and slope are finite."""
    for function in TABLE.values():
        if not function.safe:
            continue
        at = [1.0 if s is None else s for s in function.safe]
        for k, s in enumerate(function.safe):
            if s is not None:
                slope = grad(lambda *args, f=function: f.value(*args), k)
                assert np.isfinite(slope(*(np.asarray(v) for v in at)).numpy()), function.name
