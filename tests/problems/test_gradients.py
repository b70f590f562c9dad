"""Gradients as data: where they come from, what they change, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.core.creation import from_numpy
from surefit.core.functional import gradients as gradients_of
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.nn import functional as F
from surefit.problems.gradients import GradientLoss
from surefit.problems.posing import pose
from surefit.search.effort import fresh_points

SQUARE = "x1=-1:1, x2=0.5:2"
PLAN = surefit.Sampling(count=50, derivatives=True)


def product(x):
    """(n, 2) -> values (n, 2) and their gradients (n, 2, 2), by hand."""
    a, b = x.T
    values = np.stack([np.sin(a) * b, a / b], axis=1)
    gradients = np.stack([np.stack([np.cos(a) * b, np.sin(a)], 1), np.stack([1 / b, -a / b**2], 1)], 1)
    return values, gradients


def test_gradients_of_formulas_are_exact():
    problem = pose("sin(x1)*x2; x1/x2", SQUARE, PLAN, seed=0)
    for (x, _), gradients in ((problem.train, problem.gradients), (problem.validation, problem.validation_gradients)):
        np.testing.assert_allclose(gradients, product(x)[1], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    "gradient",
    [
        lambda x1, x2: (np.cos(x1) * x2, np.sin(x1), 1 / x2, -x1 / x2**2),
        lambda points: product(np.atleast_2d(points))[1].reshape(-1, 4).reshape(*np.shape(points)[:-1], 4),
    ],
    ids=["columns", "points"],
)
def test_gradients_of_a_callable_are_called_as_it_is(gradient):
    plan = surefit.Sampling(count=50, derivatives=gradient)
    problem = pose(lambda x1, x2: (np.sin(x1) * x2, x1 / x2), SQUARE, plan, seed=0)
    np.testing.assert_allclose(problem.gradients, product(problem.train[0])[1], rtol=1e-13)


def test_gradients_of_rows_follow_their_rows():
    x = np.random.default_rng(0).uniform(0.5, 1, (40, 2))
    y, gradients = product(x)
    problem = pose((x, y), None, surefit.Sampling(derivatives=gradients), seed=1)
    np.testing.assert_array_equal(problem.gradients, product(problem.train[0])[1])
    np.testing.assert_array_equal(problem.validation_gradients, product(problem.validation[0])[1])
    one = pose((x, y[:, 0]), None, surefit.Sampling(derivatives=gradients[:, 0]), seed=1)
    np.testing.assert_array_equal(one.gradients, problem.gradients[:, :1])


def test_the_loss_is_that_of_finite_differences():
    """Value and gradient of the loss by central differences of the network in its inputs."""
    network = nn.MLP(2, (5,), 2, activation="tanh", generator=0, dtype="float64")
    rng = np.random.default_rng(1)
    x, y, gradients = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)), rng.normal(size=(7, 2, 2))
    gradients[3, 1] = gradients[0, 0] = np.nan
    weights = rng.uniform(0.5, 2, (7, 1))
    loss = GradientLoss(lambda p, t, w: (F.mse_loss(p, t, reduction="none") * w).mean(), 0.7)

    def by_differences(h=1e-6):
        value = lambda points: network(Tensor(points)).detach().numpy()
        j = np.stack([(value(x + h * e) - value(x - h * e)) / (2 * h) for e in np.eye(2)], axis=2)  # (n, k, d)
        square = (j - gradients) ** 2 * weights[:, :, None]
        return np.mean((value(x) - y) ** 2 * weights) + 0.7 * np.nansum(square) / np.sum(~np.isnan(square))

    value = loss(network, from_numpy(x), from_numpy(y), gradients, from_numpy(weights))
    assert value.item() == pytest.approx(by_differences(), rel=1e-8)
    value.backward()
    weight = next(network.parameters())
    start, step, ends = weight.detach().numpy(), np.zeros((5, 2)), []
    step[2, 1] = 1e-4
    for sign in (1, -1):
        weight.assign(start + sign * step)
        ends.append(by_differences())
    assert weight.grad.numpy()[2, 1] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-4)


@pytest.mark.parametrize("k", [1, 2])
def test_the_loss_compiles(k):
    """Of 40 rows: more numbers than a recorded function may keep to itself."""
    network = nn.MLP(2, (5,), k, activation="tanh", generator=0, dtype="float64")
    rng = np.random.default_rng(1)
    x, y, gradients = rng.normal(size=(40, 2)), rng.normal(size=(40, k)), rng.normal(size=(40, k, 2))
    loss = GradientLoss(lambda p, t, w: F.mse_loss(p, t), 0.7)

    def step(x, y, gradients):
        value = loss(network, x, y, gradients)
        return value, gradients_of(value, list(network.parameters()))

    value, slopes = step(*map(Tensor, (x, y, gradients)))
    found, compiled = surefit.jit(step)(x, y, gradients)
    assert found.item() == pytest.approx(value.item(), rel=1e-13)
    for have, want in zip(compiled, slopes, strict=True):
        np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-11, atol=1e-14)


def test_gradients_help_where_points_are_few():
    fits = [
        surefit.fit(
            "sin(3*x1)*x2", "x1=-1:1, x2=-1:1", model=(32,), method=surefit.Adam(epochs=400, batch_size=30),
            data=surefit.Sampling(count=60, derivatives=given, verify=2000),
        )
        for given in (None, True)
    ]  # fmt: skip
    assert fits[1].error.rmse < 0.5 * fits[0].error.rmse
    assert "with gradients" in fits[1].card() and "with gradients" not in fits[0].card()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", ["auto", "features", "varpro"])
def test_the_solvers_use_gradients_too(method, dtype):
    errors = [
        surefit.fit(
            "sin(3*x1)*x2", "x1=-1:1, x2=-1:1", method=method, dtype=dtype, time=4.0,
            data=surefit.Sampling(count=60, derivatives=given, verify=2000),
        ).error.max
        for given in (None, True)
    ]  # fmt: skip
    assert errors[1] < 0.1 * errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("method", [surefit.VarPro(), surefit.LM(), surefit.LBFGS(iterations=500)])
@pytest.mark.parametrize(
    ("target", "domain", "count", "units"),
    [("sin(x)", "x=-3:3", 9, 8), ("sin(3*x1)*x2 + exp(x1*x2)", SQUARE, 45, 20)],
    ids=["line", "square"],
)
def test_gradients_help_the_searches_where_points_are_few(method, target, domain, count, units):
    few, with_gradients = (
        surefit.fit(
            target, domain, method=method, model=(units,),
            data=surefit.Sampling(count=count, derivatives=given, verify=2000),
        )
        for given in (None, True)
    )  # fmt: skip
    assert with_gradients.error.max < 0.5 * few.error.max
    x = fresh_points(with_gradients.problem, 0)[0]
    exact = surefit.parse(target)
    gradients = np.stack([exact.derivative(name).on_points(x) for name in exact.variables], axis=1)
    misses = [np.abs(f.derivative(x).reshape(gradients.shape) - gradients).max() for f in (few, with_gradients)]
    assert misses[1] < 0.5 * misses[0]


@pytest.mark.parametrize("weight", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("method", ["lm", "lbfgs"])
def test_a_search_weighs_gradients_as_it_is_told(method, weight):
    """A straight line: values and gradients of a cubic ask for different ones, and linear algebra knows the best."""
    plan = surefit.Sampling(count=30, derivatives=True, derivative_weight=weight)
    fit = surefit.fit("x**3", "x=-1:1", method=method, model=nn.Linear(1, 1), data=plan)
    x, y = fit.problem.train
    a = np.concatenate([np.column_stack([x, np.ones_like(x)]), np.sqrt(weight) * np.eye(1, 2).repeat(len(x), axis=0)])
    best = np.linalg.lstsq(a, np.concatenate([y[:, 0], np.sqrt(weight) * 3 * x[:, 0] ** 2]), rcond=None)[0]
    assert fit.derivative([0.0]).item() == pytest.approx(best[0], rel=1e-6)
    assert fit(0.0) == pytest.approx(best[1], abs=1e-6)


def half_known():
    """A table of two outputs, where the gradient of one is missing in a row."""
    x = np.random.default_rng(0).uniform(0.5, 1, (40, 2))
    y, gradients = product(x)
    gradients[:, 1] = np.nan
    return (x, y), surefit.Sampling(derivatives=gradients, split=(0.7, 0.3, 0))


def test_variable_projection_wants_gradients_of_all_outputs_or_none():
    table, plan = half_known()
    with pytest.raises(ArgumentError, match=r"at 28 of 28 training points.*'varpro' cannot fit; use 'lm'"):
        surefit.fit(table, method="varpro", data=plan)
    fit = surefit.fit(table, method=surefit.LM(iterations=50), model=(8,), data=plan)
    x = fit.problem.validation[0]
    assert np.abs(fit.derivative(x)[:, 0] - product(x)[1][:, 0]).max() < 0.05


@pytest.mark.slow
def test_the_automatic_choice_searches_with_gradients():
    plan = surefit.Sampling(count=60, derivatives=True, verify=2000)
    fit = surefit.fit("sin(3*x1)*x2", "x1=-1:1, x2=-1:1", data=plan)
    assert any(line.startswith("varpro") for line in fit.method["choice"])
    assert fit.error.max < 1e-5
    deep = surefit.fit("sin(3*x1)*x2", "x1=-1:1, x2=-1:1", data=plan, model=(8, 8), time=3.0)
    assert any(line.startswith("lm, 8-8 units") for line in deep.method["choice"])
    table, plan = half_known()
    unlike = surefit.fit(table, data=plan, time=3.0)
    assert any(line.startswith("lm,") for line in unlike.method["choice"])


def test_unknown_gradients_are_left_out_and_said():
    fit = surefit.fit(
        "sqrt(x)", "x=0:1", data=surefit.Sampling(count=20, derivatives=True), method=surefit.Adam(epochs=2), model=(4,)
    )
    assert np.isnan(fit.problem.gradients).sum() == 1  # infinite at 0
    assert any("at 1 of 20 points the gradient is not known" in w for w in fit.warnings)
    assert all(np.isfinite(row["train_loss"]) for row in fit.history)


@pytest.mark.parametrize(
    "target, domain, given, error, message",
    [
        (np.sin, "x=0:1", True, ArgumentError, "not differentiated.*function that returns its gradients"),
        ("sin(x)", "x=0:1", [[1.0]] * 5, ArgumentError, "array is for the rows of a table"),
        (np.sin, "x=0:1", lambda x: (x, x), ShapeError, r"shape \(50, 2\); needed a gradient of 1 numbers"),
        ((np.ones((9, 2)), np.ones(9)), None, True, ArgumentError, "not known.*give them as an array"),
        ((np.ones((9, 2)), np.ones(9)), None, np.ones((9, 3)), ShapeError, r"expected shape \(9, 2\)"),
        ((np.ones((9, 2)), np.ones(9)), None, np.full((9, 2), np.nan), DataError, "no gradient is finite"),
    ],
)
def test_refused(target, domain, given, error, message):
    count = None if domain is None else 50  # a table has its rows
    with pytest.raises(error, match=message):
        pose(target, domain, surefit.Sampling(count=count, derivatives=given, split=(1, 0, 0)), seed=0)


@pytest.mark.parametrize("fields", [{"derivatives": np.ones((2, 2, 2, 2))}, {"derivative_weight": 0}])
def test_refused_fields(fields):
    with pytest.raises(ArgumentError, match=next(iter(fields))):
        surefit.Sampling(**fields)
