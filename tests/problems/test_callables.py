"""Functions as people have them: how they want to be called, where they fail, what they may not give."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import time
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, EvaluationError, ShapeError
from surefit.problems.callables import FormulaFunction, Steady, vectorised
from surefit.problems.points import drawn
from surefit.problems.posing import pose
from surefit.search.judging import Judge

ONE, TWO = surefit.Domain("x=0:1"), surefit.Domain("a=0:1, b=-1:1")
POINTS = np.random.default_rng(0).uniform(0, 1, (7, 2))


def on_matrix_only(X):
    """As every estimator of scikit-learn predicts."""
    if np.ndim(X) != 2:
        raise ValueError("Expected 2D array")
    return X[:, 0] ** 2


WAYS = [
    (ONE, np.sin, np.sin),
    (ONE, math.sin, np.sin),
    (ONE, on_matrix_only, np.square),
    (ONE, lambda x: x**2 if x > 0.5 else x, lambda x: np.where(x > 0.5, x**2, x)),
    (ONE, lambda x: 3, lambda x: np.full_like(x, 3.0)),
    (ONE, lambda X: [[v**2] for v in np.atleast_1d(X)], np.square),
]


def keywords(*, a, b):
    return a - 10 * b


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a - 10 * b,
        lambda b, a: a - 10 * b,
        lambda b, a, c=0: a - 10 * b + c,
        lambda c=0, b=0, a=0: a - 10 * b + c,
        keywords,
        lambda b, a: float(a) - 10 * float(b),
        lambda x, y: x - 10 * y,  # names of its own: by place
        lambda p, q, a=0: p - 10 * q + 0 * a,
    ],
)
def test_arguments_get_the_inputs_whose_names_they_have(f):
    if f.__code__.co_varnames[:3] == ("p", "q", "a"):
        with pytest.raises(ArgumentError, match="'a' is in another place"):
            vectorised(f, TWO)
        return
    function, _ = vectorised(f, TWO)
    np.testing.assert_allclose(function(POINTS)[:, 0], POINTS[:, 0] - 10 * POINTS[:, 1], rtol=1e-12)
    fit = surefit.fit(f, {"b": (-1, 1), "a": (0, 1)}, method="polynomial")  # another order of the domain
    if f.__code__.co_varnames[0] != "x":
        assert fit(a=1.0, b=0.5) == pytest.approx(-4.0)


def test_a_function_by_name_goes_through_pickle():
    function, _ = vectorised(keywords, TWO)
    again = pickle.loads(pickle.dumps(function))  # noqa: S301
    np.testing.assert_array_equal(again(POINTS), function(POINTS))


def test_a_function_that_exits_fails_at_that_point_only():
    def simulator(x):
        if 0.4 < x < 0.6:
            sys.exit("did not converge")
        return x**2

    with pytest.raises(EvaluationError, match=r"raised SystemExit at x=.*did not converge"):
        surefit.fit(simulator, "x=0:1")
    fit = surefit.fit(simulator, "x=0:1", data=surefit.Sampling(drop_nonfinite=True), method="polynomial")
    assert any("SystemExit" in w for w in fit.warnings) and fit(0.9) == pytest.approx(0.81)


def test_what_a_function_masks_has_no_value():
    function, _ = vectorised(lambda x: np.ma.masked_array(x + 1e6 * (x > 0.5), x > 0.5), ONE)
    x = np.array([[0.25], [0.75]])
    np.testing.assert_array_equal(function(x), [[0.25], [np.nan]])
    with pytest.raises(ValueError, match="not finite"):
        surefit.fit(lambda x: np.ma.masked_where(x > 0.5, x), "x=0:1")


@pytest.mark.parametrize(("box", "f", "truth"), WAYS)
def test_one_input_is_given_as_the_function_wants_it(box, f, truth):
    function, k = vectorised(f, box)
    x = POINTS[:, :1]
    np.testing.assert_allclose(function(x), truth(x), rtol=1e-15)
    assert k == 1


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a * b,
        lambda X: X[:, 0] * X[:, 1],
        lambda p: p[0] * p[1],
        lambda a, b: float(a) * float(b),
        lambda a, b: math.prod((a, b)),
    ],
)
def test_two_inputs_are_given_as_the_function_wants_them(f):
    function, _ = vectorised(f, TWO)
    np.testing.assert_allclose(function(POINTS)[:, 0], POINTS.prod(axis=1), rtol=1e-15)


@pytest.mark.parametrize("f", [lambda x: (x, x**2), lambda x: [math.sqrt(x), 2], lambda x: np.stack([x, -x], axis=-1)])
def test_several_values_are_several_outputs(f):
    function, k = vectorised(f, ONE)
    assert k == 2
    one = np.ravel(np.asarray(f(0.25), float))
    np.testing.assert_allclose(function(np.array([[0.25]]))[0], one)


def test_a_function_is_asked_for_few_values_to_find_out():
    asked = []
    vectorised(lambda x: asked.append(np.size(x)) or np.asarray(x) ** 2, ONE)
    assert sum(asked) <= 8


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sqrt(x - 0.5 + 0j),
        lambda x: complex(x, 1.0),
        lambda x: [complex(v) for v in np.atleast_1d(x)],
        lambda x: (x, 1j * x),
        lambda x: complex(float(x)),
    ],
)
def test_complex_values_are_refused_with_the_cure(f):
    with pytest.raises(ArgumentError, match=r"complex numbers.*real and imaginary part as two outputs"):
        surefit.fit(f, (0, 1))


class Scaled:
    """Something with a method."""

    def called(self, x):
        return 2 * x


@pytest.mark.parametrize(
    "f",
    [
        lambda **inputs: inputs["b"] - 2 * inputs["a"],
        lambda b, **others: b - 2 * others["a"],
        lambda *, b, **others: b - 2 * others["a"],
        lambda a, b, **unused: b - 2 * a,
        lambda *both, **unused: both[1] - 2 * both[0],
    ],
)
def test_keywords_take_inputs_by_name(f):
    function, outputs = vectorised(f, surefit.Domain("a=0:1, b=0:1"))
    points = np.random.default_rng(0).random((5, 2))
    assert outputs == 1
    np.testing.assert_allclose(function(points)[:, 0], points[:, 1] - 2 * points[:, 0], rtol=1e-12)


def test_what_an_expensive_function_lacks_is_told_too():
    with pytest.raises(ArgumentError, match=r"nor one point; it takes x, y: name as many"):
        surefit.fit(lambda x, y: x, "a=0:1, b=0:1, c=0:1", budget=5)
    with pytest.raises(ArgumentError, match=r"'k' needs a value, too"):
        surefit.fit(lambda x, *, k: x, (0, 1), budget=5)


@pytest.mark.parametrize(("f", "words"), [
    (lambda x: None, "gives None; does it lack a return"),
    (lambda x: print, "could not be evaluated"),
    (lambda x: "a", "not numbers"),
    (lambda x: {"y": x}, "dict, not numbers"),
    (lambda x, y: x, r"not take 1 argument.*it takes x, y: name as many in the domain, or give functools\.partial"),
    (lambda x, *, k: x, r"'k' needs a value, too: functools\.partial\(f, k=\.\.\.\)"),
    (Scaled.called, "its first argument is self: give the method of an object"),
    (lambda x: np.zeros(np.shape(x))[:-1], "for one point it returns no value"),
    (lambda x: [], "for one point it returns no value"),
    (lambda x: (), "for one point it returns no value"),
])  # fmt: skip
def test_what_is_no_number_is_named(f, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(f, (0, 1))


def fails(x):
    if 0.30 < x < 0.31:
        raise RuntimeError("the mesh failed")
    return math.exp(x)


def test_a_point_at_which_it_raises_is_named_and_what_was_computed_is_kept():
    with pytest.raises(
        EvaluationError, match=r"raised RuntimeError at x=0\.30\d*: the mesh failed.*drop_nonfinite"
    ) as e:
        surefit.fit(fails, (0, 1))
    assert len(e.value.values) == len(e.value.points) > 0
    np.testing.assert_allclose(e.value.values, np.exp(e.value.points))


def test_points_at_which_it_raises_are_left_out_on_request():
    fit = surefit.fit(fails, (0, 1), data=surefit.Sampling(drop_nonfinite=True))
    assert fit.error.max < 1e-6
    assert any("raised an error" in w and "the mesh failed" in w for w in fit.warnings)
    x = np.linspace(0, 1, 200)
    np.testing.assert_allclose(fit.predict(x), np.exp(x), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "box", "at", "value"),
    [
        ("sin(x)/x", "x=0:3", [0.0], 1.0),
        ("(exp(x)-1)/x", "x=-1:1", [0.0], 1.0),
        ("(x^2-1)/(x-1)", "x=1:3", [1.0], 2.0),
        ("sin(x*y)/(x*y)", "x=0:1, y=-1:1", [0.0, -1.0], 1.0),
    ],
)
def test_a_removable_singularity_is_stepped_round(text, box, at, value):
    problem = pose(text, box, None, 0)
    assert problem.function(np.array([at]))[0, 0] == pytest.approx(value, rel=1e-7)
    assert surefit.fit(text, box, tol=1e-4, time=60).reached


@pytest.mark.parametrize(("text", "box"), [("1/x", "x=0:1"), ("log(x)", "x=0:1"), ("x*y/(x^2+y^2)", "x=0:1, y=0:1")])
def test_what_has_no_limit_is_still_refused(text, box):
    problem_box = surefit.Domain(box)
    steady = Steady(FormulaFunction([text], problem_box.names), problem_box)
    points = np.concatenate([np.zeros((1, problem_box.dim)), POINTS[:, : problem_box.dim]])
    assert not np.isfinite(steady(points)[0]).any()


@pytest.mark.parametrize("target", ["sin(x) + 2", math.sin, [("sin(x)"), ("x^2")]])
def test_a_fit_of_a_function_pickles_and_copies(target):
    fit = surefit.fit(target, {"x": (-1, 1)}, data=surefit.Sampling(count=40))
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):  # noqa: S301
        np.testing.assert_array_equal(again.predict([0.1, 0.2]), fit.predict([0.1, 0.2]))
        x = np.array([[0.3]])
        np.testing.assert_array_equal(again.problem.function(x), fit.problem.function(x))
        assert again.card() == fit.card()
        assert again.stop_reason.code == fit.stop_reason.code


@pytest.mark.parametrize("text", ["0", "floor(x)", "max(x-1, 0)", "x-x", "exp(-(x+30)^2)"])
def test_a_target_that_is_zero_is_fitted(text):
    fit = surefit.fit(text, {"x": (0, 0.9)})
    assert fit.error.max <= 1e-12
    assert any("nothing to learn" in w for w in fit.warnings) or text.startswith("exp")


@pytest.mark.parametrize("name", ["gamma", "step", "sign", "sec", "mod", "e", "pi", "sinc", "log"])
def test_a_domain_may_name_a_variable_like_a_function(name):
    fit = surefit.fit(f"{name}*x + {name}", {name: (0, 1), "x": (0, 1)}, tol=1e-6)
    assert fit.reached and set(fit.names) == {name, "x"}
    assert fit(**{name: 0.5, "x": 0.25}) == pytest.approx(0.625, abs=2e-6)


@pytest.mark.parametrize(
    "plan",
    [
        dict(drop_nonfinite=True),
        dict(split=(0.7, 0.2, 0.1)),
        dict(derivatives=True, derivative_weight=2.0),
        dict(verify=500),
    ],
)
def test_what_says_nothing_about_points_leaves_them_to_the_solver(plan):
    assert pose("sin(x)", "x=0:1", surefit.Sampling(**plan), 0, solver=True).free
    assert not pose("sin(x)", "x=0:1", surefit.Sampling(count=30, **plan), 0, solver=True).free
    assert len(pose("sin(x)", "x=0:1", surefit.Sampling(**plan), 0, solver=True).train[0]) < 100


# --- numbers of other libraries, and functions that do more than they should ---


@pytest.mark.parametrize("kind", [Decimal, Fraction, mpmath.mpf, np.float64, float])
def test_numbers_of_other_libraries_are_numbers(kind):
    function, k = vectorised(lambda x: kind(float(x)) * kind(float(x)), ONE)
    np.testing.assert_allclose(function(POINTS[:, :1]), POINTS[:, :1] ** 2, rtol=1e-12)
    assert k == 1
    several, k = vectorised(lambda x: [kind(float(x)), 2], ONE)
    assert several(POINTS[:, :1]).shape == (7, k) == (7, 2)


@pytest.mark.parametrize("f", [
    lambda x: mpmath.sqrt(x - 2),
    lambda x: [mpmath.mpc(x, 1)],
    lambda x: x + 1j if x > 0.5 else x,
])  # fmt: skip
def test_complex_numbers_of_other_libraries_are_refused(f):
    with pytest.raises(ArgumentError, match="complex numbers"):
        pose(f, (0, 1), None, 0)


def test_complex_values_at_some_points_name_the_point():
    with pytest.raises(ArgumentError, match=r"at x=0\.9\d* the function .* complex numbers"):
        pose(lambda x: (0.97 - x) ** 0.5 if x < 2 else 1.0, {"x": (0, 1)}, None, 0)


def test_tensors_of_pytorch_go_in_and_come_out():
    torch = pytest.importorskip("torch")
    x = POINTS[:, :1]
    function, _ = vectorised(lambda x: torch.sin(x), ONE)
    np.testing.assert_allclose(function(x), np.sin(x), rtol=1e-14)
    network = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    function, k = vectorised(network, TWO)
    with torch.no_grad():
        truth = network(torch.tensor(POINTS, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(function(POINTS), truth, rtol=1e-6)
    assert k == 3
    assert [n.code for n in pose(network, TWO, surefit.Sampling(count=20), 0).notes] == ["single-precision"]


@pytest.mark.parametrize("k", [2, 4, 5])
def test_outputs_in_rows_are_turned(k):
    function, outputs = vectorised(lambda x: np.array([x ** (i + 1) for i in range(k)]), ONE)
    assert function.way == "turned columns" and outputs == k
    np.testing.assert_allclose(function(POINTS[:, :1]), POINTS[:, :1] ** np.arange(1, k + 1))


def writes_columns(a, b):
    a *= 2
    b[:] = 0
    return a


def writes_points(X):
    X[:, 0] = np.nan
    return X[:, 1]


@pytest.mark.parametrize("f", [writes_columns, writes_points, lambda p: p.sort() or p[0]])
def test_a_function_that_writes_into_its_arguments_changes_no_points(f):
    points = POINTS.copy()
    vectorised(f, TWO)[0](points)
    np.testing.assert_array_equal(points, POINTS)


def test_a_result_that_is_the_same_array_each_time_is_copied():
    out = np.zeros(1)

    def into(x):
        out[0] = math.sin(x)
        return out

    np.testing.assert_allclose(vectorised(into, ONE)[0](POINTS[:, :1]), np.sin(POINTS[:, :1]))


def test_the_second_argument_of_a_ufunc_is_not_where_it_writes():
    function, _ = vectorised(np.arctan2, TWO)
    np.testing.assert_allclose(function(POINTS)[:, 0], np.arctan2(POINTS[:, 0], POINTS[:, 1]))
    function, _ = vectorised(np.sin, TWO)  # elementwise: two outputs
    np.testing.assert_allclose(function(POINTS), np.sin(POINTS))


# --- what is asked, and what it costs ---


class Counted:
    """math.sin that counts, and takes its time."""

    def __init__(self, seconds=0.0):
        self.points, self.seconds = [], seconds

    def __call__(self, x):
        self.points.append(float(x))
        time.sleep(self.seconds)
        return math.sin(x)


def test_a_function_of_single_points_is_not_asked_twice_for_the_same():
    f = Counted()
    problem = pose(f, (0, 3), None, 0, solver=True)
    for rows in (82, 163, 82, 163):
        again = drawn(problem, rows, 0)
        np.testing.assert_allclose(again.train[1], np.sin(again.train[0]))
    asked = f.points[f.points.index(0.0) :]  # after the few that tell how it wants to be called
    assert len(asked) == len(set(asked))


def test_posing_asks_for_no_more_than_the_points_that_were_wanted():
    f = Counted()
    problem = pose(f, (0, 3), surefit.Sampling(count=50), 0, solver=True)
    assert len(f.points) <= sum(problem.sizes().values()) + 5 <= 2.5 * 50


SLOW = 2e-3  # seconds of a value


@pytest.mark.parametrize("f", [Counted(SLOW), lambda x: (time.sleep(SLOW * np.size(x)), np.sin(x))[1]])
@pytest.mark.parametrize("data", [
    None, surefit.Sampling(count=3000), surefit.Sampling("grid", (2000,), split=(1, 0, 0)),
])  # fmt: skip
def test_a_limit_of_time_bounds_the_values_of_a_slow_function(f, data, fake_clock):
    began = fake_clock.now
    problem = pose(f, (0, 3), data, 0, solver=True, time=0.5)
    for rows in (82, 163, 400, 2000):
        problem = drawn(problem, rows, 0)
    assert fake_clock.now - began < 0.5
    assert problem.seconds_per_point == pytest.approx(SLOW, rel=1e-2)
    (note,) = problem.notes
    assert note.code == "few-for-time" and note.values["points"] == len(problem.train[0]) <= 0.5 * 0.5 / SLOW
    np.testing.assert_allclose(problem.train[1], np.sin(problem.train[0]))


@pytest.mark.parametrize("overhead, each, slow", [(1.5e-3, 0.0, False), (3e-3, 0.0, False), (1e-3, 1e-3, True)])
def test_a_function_that_is_slow_to_call_is_not_slow_for_many_points(overhead, each, slow, fake_clock):
    """Of 64 points at once each takes 23 us where the call alone takes 1.5 ms, of 2000 not one."""

    def f(x):
        time.sleep(overhead + each * np.size(x))
        return np.sin(x)

    problem = pose(f, (0, 3), None, 0, solver=True, time=5.0)
    assert (problem.affordable is not None) == slow


def test_without_a_limit_of_time_the_clock_decides_nothing():
    slow, fast = (pose(Counted(s), (0, 1), surefit.Sampling(count=30), 0, solver=True) for s in (2e-3, 0.0))
    for a, b in zip((*slow.train, *slow.validation), (*fast.train, *fast.validation), strict=True):
        np.testing.assert_array_equal(a, b)
    assert slow.affordable is fast.affordable is None and slow.notes == fast.notes == ()


def test_a_fast_function_is_not_limited_by_a_time():
    problem = pose(np.sin, (0, 3), surefit.Sampling(count=4000), 0, time=10.0)
    assert problem.affordable is None and len(problem.train[0]) == 4000


def test_a_slow_simulator_is_fitted_within_its_time(fake_clock):
    began = fake_clock.now
    fit = surefit.fit(Counted(5e-3), (0, 3), time=4)
    assert fake_clock.now - began < 4
    assert fit.error.max < 1e-6


# --- errors and holes ---


@pytest.mark.slow
def test_what_was_computed_before_an_error_can_be_fitted():
    with pytest.raises(EvaluationError) as caught:
        pose(fails, (0, 1), None, 0)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    np.testing.assert_array_equal(again.values, caught.value.values)
    assert isinstance(caught.value.__cause__, RuntimeError)
    fit = surefit.fit((again.points, again.values), data=surefit.Sampling(split=(0.8, 0.2, 0)))
    assert fit.error.max < 1e-3


def test_an_error_where_it_is_only_measured_costs_no_fit():
    def rarely(x):
        if 0.2 < x < 0.9 and x not in known:
            raise RuntimeError("no convergence")
        return math.cos(x)

    known = set(np.linspace(0, 1, 1000))
    plan = surefit.Sampling(count=1000, split=(1, 0, 0))
    fit = surefit.fit(rarely, (0, 1), method="features", model=(20,), data=plan)
    assert fit.error.max < 1e-6 and fit.error.left_out > 100


@pytest.mark.parametrize("f", [lambda x: math.sin(x) / x, lambda x: np.sin(x) / x, lambda X: np.sin(X[:, 0]) / X[:, 0]])
def test_a_hole_of_a_callable_is_filled(f):
    problem = pose(f, (0, 2), None, 0, solver=True)
    assert problem.train[1][np.flatnonzero(problem.train[0] == 0)] == pytest.approx(1.0, abs=1e-12)
    assert [n.code for n in problem.notes] == ["stepped-round"]


@pytest.mark.parametrize(
    ("text", "box", "value"),
    [
        ("(1-cos(x))/x^2", "x=-1:1", 0.5),
        ("(x-sin(x))/x^3", "x=-1:1", 1 / 6),
        ("(exp(x)-1-x)/x^2", "x=0:2", 0.5),
        ("x*sin(x)/x", "x=-1:1", 0.0),
        ("sin(50*x)/x", "x=-1:1", 50.0),
        ("(sqrt(1+x)-1)/x", "x=0:1", 0.5),
    ],
)
def test_the_value_at_a_hole_is_its_limit(text, box, value):
    function = pose(text, box, surefit.Sampling(count=40), 0).function
    assert function(np.array([[0.0]] + [[0.3]] * 5))[0, 0] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("x/x^2", "x=-1:1"),
        ("sin(x)/x^2", "x=-1:1"),
        ("x/abs(x)", "x=-1:1"),
        ("abs(x)^1.5/abs(x)", "x=-1:1"),
        ("x*log(x)", "x=0:1"),
        ("x*sin(x/x^2)", "x=-1:1"),
        ("x*y/(x^2+y^2)", "x=-1:1, y=-1:1"),
        ("(x^2-y^2)/(x^2+y^2)", "x=-1:1, y=-1:1"),
    ],
)
def test_a_pole_a_jump_and_a_kink_are_no_holes(text, box):
    domain = surefit.Domain(box)
    steady = Steady(FormulaFunction([text], domain.names), domain)
    points = np.concatenate([np.zeros((1, domain.dim)), POINTS[:, : domain.dim]])
    assert np.isnan(steady(points)[0, 0])


@pytest.mark.slow
def test_three_faces_of_holes_and_a_limit_that_rounding_hides_are_filled():
    """log(1+u)/u on a grid of a cube, of which 217 of 729 points have u = 0; (1-cos(u))/u^2 loses digits near u = 0."""
    fit = surefit.fit("log(1+x*y*z)/(x*y*z)", "x=0:1, y=0:1, z=0:1", time=10, tol=1e-3)
    assert abs(fit.predict([[0.0, 0.5, 0.5]]).item() - 1.0) < 1e-3
    fit = surefit.fit("(1-cos(a*(b-c)))/(a*(b-c))^2", "a=1:3, b=1:3, c=1:3", time=10, tol=1e-3)
    assert abs(fit.predict([[2.0, 1.5, 1.5]]).item() - 0.5) < 1e-3


def test_a_plane_of_holes_on_a_grid_is_filled():
    problem = pose("sin(x)/x*y + z", "x=-1:1, y=-1:1, z=-1:1", None, 0, solver=True)
    x, y = problem.train
    holes = x[:, 0] == 0
    assert holes.sum() > 50
    np.testing.assert_allclose(y[holes, 0], x[holes, 1] + x[holes, 2], atol=1e-12)


@pytest.mark.parametrize("text", ["log(x)", "1/x", "log(x)*cos(x)", "1/sqrt(x)"])
def test_an_infinite_end_that_is_left_out_counts_nowhere(text):
    problem = pose(text, "x=0:1", surefit.Sampling(drop_nonfinite=True), 0, solver=True)
    judge = Judge(problem, 0)
    assert problem.dropped == 1 and judge.left_out >= 1
    assert np.isfinite(judge.points[1]).all() and np.isfinite(judge.measured(lambda x: 0.0 * x).max)


# --- values that are not the same twice ---


class Drifting:
    """A function with a memory: each value is larger than the one before."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return np.sin(x) + 1e-4 * self.calls


class Noisy:
    """sin(x) with noise, of arrays or of one number at a time."""

    def __init__(self, one_by_one):
        self.rng, self.one_by_one = np.random.default_rng(0), one_by_one

    def __call__(self, x):
        if self.one_by_one:
            return math.sin(x) + self.rng.normal(0, 0.02)
        return np.sin(x) + self.rng.normal(0, 0.02, np.shape(x))


@pytest.mark.parametrize("f", [Drifting(), Noisy(False), Noisy(True)])
def test_a_function_whose_values_differ_is_fitted_as_noisy_and_says_so(f):
    fit = surefit.fit(f, "x=-2:2", method=surefit.Features(), model=(30,))
    assert [w.code for w in fit.warnings] == ["differing-values"]
    assert not fit.problem.exact and len(fit.problem.train[0]) == 1000  # not the few points of an exact function
    assert "narrow peak" not in fit.card()
    if isinstance(f, Noisy):
        x = np.linspace(-2, 2, 401)
        assert np.sqrt(np.mean((fit.predict(x) - np.sin(x)) ** 2)) < 0.02 / 3
        assert fit.error.rmse == pytest.approx(0.02, rel=0.1)  # the scatter counts


@pytest.mark.parametrize("f", [math.sin, lambda x: float(np.float32(np.sin(x))), lambda x: math.nan if x > 1 else x])
def test_a_function_whose_values_are_the_same_is_not_called_noisy(f):
    plan = surefit.Sampling(drop_nonfinite=True)
    problem = pose(f, "x=-2:2", plan, 0)
    assert problem.exact and "differing-values" not in [n.code for n in problem.notes]


@pytest.mark.slow
def test_a_matrix_at_a_point_is_refused():
    """Its entries as outputs would be a guess at what was meant."""
    for f in (lambda x: np.zeros((3, 3)), lambda x: np.full((2, 2), float(x))):
        with pytest.raises(ArgumentError, match=r"for one point it returns shape \(., .\); needed is a number"):
            surefit.fit(f, "x=0:1")
    for row in (lambda x: np.full((1, 2), float(x)), lambda x: np.full((2, 1), float(x)), lambda x: [[float(x)]]):
        assert surefit.fit(row, "x=0:1", method="features").outputs


def test_a_function_is_not_read_in_parts():
    with pytest.raises(ArgumentError, match=r"^stream: is for a table that is read in parts"):
        surefit.fit("x", "x=0:1", data=surefit.Sampling(stream=True), method="features")


def test_an_own_network_that_does_not_take_the_points_is_blamed():
    with pytest.raises(ShapeError, match=r"model: it must take points \(1 inputs\).*linear: input"):
        surefit.fit("x", "x=0:1", model=surefit.nn.Linear(3, 1))
