"""Functions as people have them: how they want to be called, where they fail, what they may not give."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, DomainError
from surefit.problems.callables import vectorised
from surefit.problems.posing import pose

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


@pytest.mark.parametrize(("f", "words"), [
    (lambda x: None, "gives None; does it lack a return"),
    (lambda x: print, "could not be evaluated"),
    (lambda x: "a", "not numbers"),
    (lambda x: {"y": x}, "dict, not numbers"),
    (lambda x, y: x, "does not take 1 argument"),
])  # fmt: skip
def test_what_is_no_number_is_named(f, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit(f, (0, 1))


def fails(x):
    if 0.30 < x < 0.31:
        raise RuntimeError("the mesh failed")
    return math.exp(x)


def test_a_point_at_which_it_raises_is_named_and_what_was_computed_is_kept():
    with pytest.raises(DomainError, match=r"raised RuntimeError at x=0\.30\d*: the mesh failed.*drop_nonfinite") as e:
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
    assert surefit.fit(text, box, tol=1e-4, time=10).reached


@pytest.mark.parametrize(("text", "box"), [("1/x", "x=0:1"), ("log(x)", "x=0:1"), ("x*y/(x^2+y^2)", "x=0:1, y=0:1")])
def test_what_has_no_limit_is_still_refused(text, box):
    problem_box = surefit.Domain(box)
    from surefit.problems.callables import FormulaFunction, Steady

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
    "plan", [dict(drop_nonfinite=True), dict(split=(0.7, 0.2, 0.1)), dict(derivative_weight=2.0), dict(verify=500)]
)
def test_what_says_nothing_about_points_leaves_them_to_the_solver(plan):
    assert pose("sin(x)", "x=0:1", surefit.Sampling(**plan), 0, solver=True).free
    assert not pose("sin(x)", "x=0:1", surefit.Sampling(count=30, **plan), 0, solver=True).free
    assert len(pose("sin(x)", "x=0:1", surefit.Sampling(**plan), 0, solver=True).train[0]) < 100
