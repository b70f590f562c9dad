"""How large an error is: found where it is largest, told of what it was measured on, at an honest price.

Oracles: maxima known by calculus, all corners tried by brute force, SciPy's differential evolution, scikit-learn's R².
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import differential_evolution
from sklearn.metrics import r2_score

import surefit
from surefit import formulas
from surefit.data import Sampling
from surefit.problems.posing import pose
from surefit.search.effort import NAMED, default_effort, effort_of, fresh_points, judging_rows, spread_points
from surefit.search.judging import Judge, Measured
from surefit.storage.model_file import finite_json


def box(dim, low=-1.0, high=1.0):
    return {f"x{i + 1}": (low, high) for i in range(dim)}


def posed(function, dim, data=None, **ends):
    """The problem of a function of points (n, d)."""

    def called(*columns):
        return function(np.stack(columns, axis=1))

    return pose(called, box(dim, **ends), data, 0)


def zero(x):
    return np.zeros((len(x), 1))


def found(error, dim, seed=0, **ends):
    """The largest |error| that a judge finds for a fit that gives 0 everywhere."""
    return Judge(posed(error, dim, **ends), seed).measured(zero)


def perceptron(dim, seed, units=12):
    rng = np.random.default_rng(seed)
    inner, shift, outer = rng.normal(size=(dim, units)), rng.normal(size=units), rng.normal(size=units)
    return lambda x: np.tanh(x @ inner + shift) @ outer / units


# --- the largest error is found -------------------------------------------------------------------------------------


@pytest.mark.parametrize("centre", [0.3, -0.987, 0.0])
def test_peak_of_a_narrow_bump(centre):
    assert found(lambda x: np.exp(-1000 * (x[:, 0] - centre) ** 2), 1).max == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_smooth_oscillation_with_a_known_maximum(dim):
    # 1 + cos(pi (x - c)) factors: 1 at c alone
    centre = np.linspace(-0.61, 0.53, dim)
    error = found(lambda x: np.prod(0.5 + 0.5 * np.cos(np.pi * (x - centre)), axis=1), dim)
    assert error.max == pytest.approx(1.0, rel=1e-6)
    assert list(error.at.values()) == pytest.approx(centre.tolist(), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dim", [2, 4, 9])
def test_error_between_two_networks_is_that_of_a_global_search(dim, seed):
    one, other = perceptron(dim, seed), perceptron(dim, 100 + seed)
    oracle = differential_evolution(
        lambda x: -np.abs(one(x.T) - other(x.T)), [(-1, 1)] * dim, rng=0, vectorized=True, updating="deferred",
        maxiter=150, popsize=20, polish=False,
    )  # fmt: skip
    error = Judge(posed(one, dim), 0).measured(lambda x: other(x)[:, None])
    assert error.max >= -oracle.fun * (1 - 1e-3)


@pytest.mark.parametrize("dim", [3, 10, 12])
def test_every_corner_is_looked_at_up_to_12_inputs(dim):
    rng = np.random.default_rng(dim)
    for _ in range(5):
        corner = rng.choice([-1.0, 1.0], dim)
        error = found(lambda x, c=corner: np.exp(-30 * np.sum((x - c) ** 2, axis=1)), dim)
        assert error.max == 1.0
        assert list(error.at.values()) == corner.tolist()


def test_sum_of_squares_of_ten_inputs_with_one_bad_corner_in_sixty_four():
    bad = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])

    def miss(x):  # 0.15 at 16 of the 1024 corners
        return 0.15 * np.prod(np.maximum(0.0, x[:, :6] * bad), axis=1) ** 4

    problem = pose("+".join(f"x{i}^2" for i in range(1, 11)), box(10), None, 0)
    judge = Judge(problem, 0)
    predict = lambda x: (np.sum(x * x, axis=1) + miss(x))[:, None]
    assert judge.measured(predict).max == pytest.approx(0.15, rel=1e-6)
    assert not judge.within(predict, 0.1)


@pytest.mark.parametrize("seed", range(3))
def test_the_search_climbs_from_corner_to_corner_beyond_12_inputs(seed):
    dim, rng = 14, np.random.default_rng(seed)
    pairs, single = np.triu(rng.normal(size=(dim, dim)), 1), rng.normal(size=dim)

    def form(x):  # multilinear: its extremes are at corners
        return np.einsum("ni,ij,nj->n", x, pairs, x) + x @ single

    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=dim)))
    assert found(form, dim).max >= 0.97 * np.abs(form(corners)).max()


def test_separable_error_of_twenty_inputs_ends_at_its_corner():
    weights = np.linspace(-1.0, 1.3, 20)
    assert found(lambda x: x @ weights, 20).max == pytest.approx(np.abs(weights).sum(), rel=1e-9)


@pytest.mark.parametrize("dim", [2, 5, 9])
def test_an_error_near_a_corner_and_on_an_edge(dim):
    near = found(lambda x: np.exp(-60 * np.sum((x + 0.93) ** 2, axis=1)), dim)
    edge = found(lambda x: np.exp(-40 * (np.sum((x[:, 1:] - 1) ** 2, axis=1) + (x[:, 0] - 0.37) ** 2)), dim)
    assert near.max == pytest.approx(1.0, rel=1e-3)
    assert edge.max == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("dim", [1, 3, 6])
def test_a_kink_at_the_middle(dim):
    error = found(lambda x: np.exp(-20 * np.sqrt(np.sum(x * x, axis=1))), dim)
    assert error.max > 0.99


def test_domains_that_are_not_symmetric():
    error = found(lambda x: np.abs(x[:, 0] * x[:, 1] / 1e6), 2, low=1e3, high=3e3)
    assert error.max == 9.0


def test_points_that_a_formula_names_are_looked_at(monkeypatch):
    asked = []

    def interesting_points(found, domain, count, generator):
        asked.append(([f.text for f in found], domain.names, count))
        return np.array([[0.70711], [-0.5]])

    monkeypatch.setattr(formulas, "interesting_points", interesting_points, raising=False)
    problem = pose("sin(t) + 0.5*exp(-1e8*(t-0.7071)^2)", "t=-3:3", None, 0)
    measured = Judge(problem, 0).measured(np.sin)
    assert measured.max == pytest.approx(0.5, rel=1e-9) and measured.at["t"] == pytest.approx(0.7071)
    texts, names, count = asked[0]
    assert len(texts) == 1 and names == ("t",) and count == NAMED
    callable_problem = pose(lambda t: np.sin(t), "t=-3:3", None, 0)
    Judge(callable_problem, 0).measured(np.sin)
    assert len(asked) == 1


@pytest.mark.skipif(not hasattr(formulas, "interesting_points"), reason="no formula tells of its narrow places here")
@pytest.mark.parametrize("place", [0.7071, -2.345678])
def test_a_needle_in_a_formula_is_found(place):
    problem = pose(f"sin(x) + 0.5*exp(-1e8*(x-({place}))^2)", "x=-3:3", None, 0)
    assert Judge(problem, 0).measured(np.sin).max == pytest.approx(0.5, rel=1e-6)


# --- averages are those over the box --------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 3, 7, 12])
def test_rmse_is_the_mean_over_the_box_and_corners_do_not_count(dim):
    """The mean of (sum x_i^2)^2 over [-1, 1]^d is d/5 + d (d - 1)/9."""
    error = found(lambda x: np.sum(x * x, axis=1), dim)
    assert error.rmse == pytest.approx(math.sqrt(dim / 5 + dim * (dim - 1) / 9), rel=0.01)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_spread_points_are_uniform_and_leave_no_gap(dim, count):
    domain = surefit.Domain(box(dim, low=2.0, high=6.0))
    x = spread_points(domain, count, np.random.default_rng(0))
    assert x.shape == (count, dim) and domain.contains(x).all()
    if count == 1000:
        np.testing.assert_allclose(x.mean(axis=0), 4.0, atol=0.1)
        assert np.diff(np.sort(x[:, 0])).max() < (4 * 2 / 1000 if dim == 1 else 0.2)


# --- points without a target, models without a value ----------------------------------------------------------------


@pytest.mark.parametrize(
    "formula, domain", [("log(x)", "x=0:1"), ("1/x", "x=0:1"), ("sqrt(x)", "x=-1:1"), ("1/(x*y)", "x=0:1, y=0:1")]
)
def test_where_the_target_is_not_finite_there_is_no_error(formula, domain):
    problem = pose(formula, domain, Sampling(count=200, drop_nonfinite=True), 0)
    judge = Judge(problem, 0)
    exact = judge.measured(problem.function)
    assert exact.max == exact.rmse == 0.0
    assert exact.left_out > 0 and f"{exact.left_out} more, where the target is not finite" in str(exact)
    off = judge.measured(lambda x: problem.function(x) + 0.25)
    assert off.max == pytest.approx(0.25)
    assert judge.within(lambda x: problem.function(x) + 0.25, 0.5)


def test_a_model_without_a_value_is_infinitely_wrong():
    problem = pose("x", "x=-1:1", None, 0)
    measured = Judge(problem, 0).measured(lambda x: np.where(x > 0.9, np.nan, x))
    assert measured.max == math.inf and measured.at["x"] > 0.9
    assert not Judge(problem, 0).within(lambda x: np.where(x > 0.9, np.nan, x), 1.0)


# --- what was measured ----------------------------------------------------------------------------------------------


def two_outputs():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 2))
    y = np.stack([1e5 * x[:, 0], 1e-3 * x[:, 1]], axis=1)
    return x, y, y + rng.normal(size=y.shape) * [3e3, 4e-5]


def test_each_output_has_its_errors_in_its_own_units():
    x, y, predicted = two_outputs()
    problem = pose((x, y), None, Sampling(split=(0.8, 0.1, 0.1)), 0)
    problem = replace(problem, test=(x, y))
    measured = Judge(problem, 0).measured(lambda _: predicted)
    miss = np.abs(predicted - y)
    for j, part in enumerate(measured.outputs):
        assert part.name == problem.outputs[j]
        assert part.max == miss[:, j].max()
        assert list(part.at.values()) == x[miss[:, j].argmax()].tolist()
        assert part.rmse == pytest.approx(np.sqrt(np.mean(miss[:, j] ** 2)))
        assert part.r2 == pytest.approx(r2_score(y[:, j], predicted[:, j]))
    assert measured.r2 == pytest.approx(r2_score(y, predicted))
    assert measured.max == miss.max()


def test_r2_of_a_constant_output_is_not_a_number():
    x, y, predicted = two_outputs()
    y = np.concatenate([y, np.full((60, 1), 7.0)], axis=1)
    problem = pose((x, y), None, Sampling(split=(1, 0, 0)), 0)
    measured = Judge(problem, 0).measured(lambda _: np.concatenate([predicted, y[:, 2:]], axis=1)[:60])
    assert math.isnan(measured.outputs[2].r2) and not math.isnan(measured.r2)
    flat = Judge(pose("7 + 0*x", "x=0:1", None, 0), 0).measured(lambda x: np.full((len(x), 1), 7.0))
    assert math.isnan(flat.r2) and flat.max == 0.0


@pytest.mark.parametrize("unit", [1e-170, 1e-300, 1e140])
def test_errors_have_their_size_where_squares_vanish_or_overflow(unit):
    """With exactly representable factors every error is `unit` times that of unit 1."""
    unit = 2.0 ** round(math.log2(unit))
    fits = [surefit.fit(f"{u}*sin(x)", "x=-3:3", method="features", model=(4,)) for u in (1.0, unit)]
    one, other = (fit.error for fit in fits)
    assert one.max > 0 and other.max == pytest.approx(one.max * unit, rel=1e-6)
    assert other.rmse == pytest.approx(one.rmse * unit, rel=1e-6)
    assert other.r2 == pytest.approx(one.r2, rel=1e-6) and other.relative_l2 == pytest.approx(one.relative_l2, rel=1e-6)


@pytest.mark.parametrize(
    "split, kind, words, chose",
    [
        ((0.6, 0.2, 0.2), "test", "largest of 10 test rows: of 11 new rows one is expected to exceed it", False),
        ((0.8, 0.2, 0.0), "validation", "largest of 10 validation rows, which also chose the network", True),
        ((1.0, 0.0, 0.0), "training", "largest of 50 training rows, which it was fitted to", True),
    ],
)
def test_rows_are_named_by_their_kind_and_whether_they_chose(split, kind, words, chose):
    x = np.linspace(-1, 1, 50)
    problem = pose((x, np.sin(x)), None, Sampling(split=split), 0)
    judge = Judge(problem, 0)
    measured = judge.measured(zero)
    assert (judge.kind, measured.kind, measured.chose) == (kind, kind, chose)
    assert words in str(measured) and f"{kind} rows" == measured.on
    assert measured.n == len(judging_rows(problem)[0][0])


def test_test_rows_do_not_say_whether_a_fit_is_good_enough():
    x = np.linspace(-1, 1, 50)
    problem = pose((x, x), None, Sampling(split=(0.6, 0.2, 0.2)), 0)
    held = {float(v) for v in problem.test[0][:, 0]}
    spoiled = lambda p: np.where(np.isin(p, list(held)), p + 1.0, p)
    judge = Judge(problem, 0)
    assert judge.within(spoiled, 0.1)  # wrong at the test rows alone
    assert judge.measured(spoiled).max == pytest.approx(1.0)


def test_all_of_it_survives_a_file_and_old_files_are_read():
    x, y, predicted = two_outputs()
    problem = replace(pose((x, y), None, None, 0), test=(x, y))
    for measured in (Judge(problem, 0).measured(lambda _: predicted), found(lambda x: x[:, 0], 1)):
        assert Measured.from_dict(json.loads(json.dumps(finite_json(measured.to_dict())))) == measured
    old = {"max": 0.5, "at": {"x": 1.0}, "rmse": 0.1, "relative_l2": None, "points": 9, "on": "test rows"}
    read = Measured.from_dict(old)
    assert (read.max, read.kind, read.n, read.outputs) == (0.5, "test", 9, ()) and math.isnan(read.relative_l2)


def test_validation_rows_that_an_old_file_calls_training_rows(tmp_path, monkeypatch):
    from surefit.storage import model_file

    x = np.linspace(-1, 1, 50)
    fit = surefit.fit((x, np.sin(x)), data=Sampling(split=(0.8, 0.2, 0)), method="features")
    old = {"max": 0.5, "at": {"x": 1.0}, "rmse": 0.1, "relative_l2": 0.1, "points": 10, "on": "training rows"}
    card = fit.to_dict() | {"error": old}
    assert model_file._measured(card).kind == "validation"
    assert model_file._measured(card | {"error": old | {"points": 40}}).kind == "training"


# --- what it costs --------------------------------------------------------------------------------------------------


class Counted:
    def __init__(self):
        self.asked = 0

    def __call__(self, x1, x2):
        self.asked += np.size(x1)
        return np.sin(3 * x1) * np.cos(2 * x2)


def counted(data, **fields):
    function = Counted()
    problem = replace(pose(function, box(2), data, 0), **fields)
    function.asked = 0
    return function, problem


def test_fresh_points_are_asked_for_once():
    function, problem = counted(None)
    judge = Judge(problem, 0)
    first = judge.measured(zero)
    once = function.asked
    assert once == judge.spent == first.n
    assert judge.measured(zero) == first  # the same prediction, the same answer
    assert function.asked - once <= effort_of(problem).climb


def test_verify_is_the_price_of_one_measurement():
    for verify in (3, 50, 999, 20_000):
        function, problem = counted(Sampling(count=20, verify=verify))
        measured = Judge(problem, 0, time=1e-9).measured(zero)  # the number is the user's, whatever the time
        assert 0.97 * verify <= function.asked == measured.n <= verify


@pytest.mark.parametrize("count, most", [(5, 200), (50, 500), (300, 3000), ((6, 6), 360)])
def test_a_callable_of_few_points_is_measured_at_few(count, most):
    design = "grid" if isinstance(count, tuple) else "auto"
    function, problem = counted(Sampling(design, count))
    judge = Judge(problem, 0)
    for _ in range(20):
        measured = judge.measured(zero)
        assert measured.max > 0.9
    assert 0.8 * most <= function.asked == judge.spent <= most
    assert effort_of(pose("x1 + x2", box(2), Sampling(design, count), 0)).total > 10_000  # a formula costs nothing


def test_few_points_are_not_limited_by_more_than_the_default():
    assert effort_of(counted(Sampling(count=4000))[1]) == effort_of(counted(None)[1])


def slow_problem(data, seconds):
    return counted(data, seconds_per_point=seconds)


def test_a_slow_callable_is_measured_within_a_fifth_of_the_time():
    function, problem = slow_problem(None, 5e-3)
    judge = Judge(problem, 0, time=5.0)
    for _ in range(20):
        measured = judge.measured(zero)
    assert 90 <= function.asked <= 0.6 * 0.2 * 5.0 / 5e-3  # the rest is for where models of it disagree
    measured = judge.closer(zero, measured, 10, None, [lambda x: 0.01 * x])
    assert 150 <= function.asked <= 0.2 * 5.0 / 5e-3
    assert measured.max > 0.95 and f"measured on {measured.n} fresh points" in str(measured)
    assert Judge(problem, 0).effort == effort_of(counted(None)[1])  # without a limit the clock decides nothing
    assert Judge(slow_problem(None, 1e-7)[1], 0, time=5.0).effort == effort_of(counted(None)[1])


def test_points_that_are_known_already_cost_nothing():
    function, problem = slow_problem(None, 1.0)
    judge = Judge(problem, 0, time=0.1)  # no time for a single point
    assert function.asked <= 4
    assert len(judge.points[0]) >= len(problem.test[0])


def test_what_an_expensive_function_said_is_kept_for_later_candidates():
    _, problem = counted(Sampling(count=30))
    judge = Judge(problem, 0)
    before = len(judge.points[0])
    first = judge.measured(zero)
    assert len(judge.points[0]) == before + effort_of(problem).climb
    assert judge.measured(zero).max >= first.max


def test_fresh_points_are_independent_and_never_trained_on():
    problem = pose("x1 + x2", box(2), Sampling("uniform", 200, with_corners=False), 0)
    x, y = fresh_points(problem, 0)
    assert not {tuple(p) for p in x.tolist()} & {tuple(p) for p in problem.train[0].tolist()}
    np.testing.assert_allclose(y[:, 0], x.sum(axis=1))
    assert len(fresh_points(problem, 0, 37)[0]) == 37
    assert len(x) == default_effort(2).uniform
