"""Few rows: all are fitted, Gaussian processes teach, small networks learn, and the error is estimated."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import surefit
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.data import Domain
from surefit.errors import DataError
from surefit.problems.points import cloud
from surefit.problems.posing import pose
from surefit.search.candidates import Candidate, best_of
from surefit.search.judging import Estimated, Judge, Measured
from surefit.search.limits import FOLDS_OF_MORE
from surefit.search.runner import State
from surefit.search.strategies.students import hidden_units, students, two_layers
from surefit.search.teacher import (
    Process,
    Processes,
    _refitted,
    beyond_ends,
    can_teach,
    fills_its_box,
    spread_evenly,
    teacher_of,
    unrelated,
)  # fmt: skip
from surefit.sentences import say
from surefit.solvers.gaussian_process import GaussianProcess

RNG = np.random.default_rng(0)
X, NEW = RNG.random((40, 2)), RNG.random((2000, 2))
BOX = {"a": (0, 1), "b": (0, 1)}


def smooth(x):
    return np.sin(5 * x[:, 0]) * np.exp(x[:, 1])


Y = smooth(X)


@pytest.fixture(scope="module")
def fit():
    return surefit.fit((X, Y), BOX)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_all_rows_are_fitted_and_the_card_says_that_the_error_is_estimated(fit):
    assert fit.problem.sizes() == {"train": 40, "validation": 0, "test": 0}
    assert isinstance(fit.error, Estimated) and fit.error.kind == "estimated" and fit.error.n == 40
    rows = dict(fit.card_rows())
    assert "(estimated by leave-one-out: the largest of 40 rows)" in rows["max |error|"]
    assert rows["status"].startswith("estimated")
    assert "Gaussian process" in rows["teacher"] and "(estimated by leave-one-out from 40 rows)" in rows["teacher"]
    assert fit.network.num_parameters() <= 500
    assert "adam" not in fit.method["choice"][-2]


def test_the_network_is_near_its_teacher_and_the_estimate_is_near_the_error(fit):
    teacher = fit.taught.teacher
    away = rms(fit.predict(NEW) - teacher.predict(NEW)[:, 0])
    assert away <= 2 * fit.taught.distance.rmse
    assert away <= 0.2 * fit.taught.estimate.rmse
    true = rms(fit.predict(NEW) - smooth(NEW))
    assert true < 0.01 * smooth(NEW).std()
    assert true / 3 < fit.error.rmse < 3 * true
    assert fit.error.rmse == pytest.approx(np.hypot(fit.taught.estimate.rmse, fit.taught.distance.rmse))


def test_a_network_learns_better_than_one_that_is_fitted_to_a_part_of_the_rows(fit):
    other = surefit.fit((X, Y), BOX, method="varpro", data=surefit.Sampling(split=(0.8, 0.2, 0)))
    assert 5 * rms(fit.predict(NEW) - smooth(NEW)) < rms(other.predict(NEW) - smooth(NEW))


def test_the_card_as_data_and_the_file_hold_the_teacher(fit, tmp_path):
    card = json.loads(json.dumps(fit.to_dict()))
    assert card["error"]["status"] == "estimated"
    assert card["teacher"]["error"]["status"] == "estimated" and card["teacher"]["distance"]["status"] == "measured"
    loaded = surefit.load(fit.save(tmp_path / "few.safetensors"))
    assert isinstance(loaded.error, Estimated) and not isinstance(loaded.taught.distance, Estimated)
    np.testing.assert_allclose(loaded.taught.teacher.predict(NEW), fit.taught.teacher.predict(NEW), rtol=1e-9)
    for own, other in zip(loaded.interval(NEW), fit.interval(NEW), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6)
    assert loaded.card() == fit.card()


@pytest.mark.slow
def test_pages_say_it_in_both_languages(fit, tmp_path):
    assert "留一法估计" in fit.taught.sentence().said("zh") and "估计" in fit.error.sentence().said("zh")
    english = fit.report(tmp_path / "few.md").read_text(encoding="utf-8")
    assert "is estimated as" in english and "nothing was measured on new rows" in english
    assert "估计" in fit.report(tmp_path / "zh.md", lang="zh").read_text(encoding="utf-8")
    assert not [f for f in fit.doctor().findings if f.code in ("no-rows-apart", "unseen-error")]


@pytest.mark.slow
def test_intervals_cover_and_are_wide_where_no_row_is():
    covered, x = [], np.random.default_rng(5).random((500, 2))
    for seed in range(4):
        rng = np.random.default_rng([9, seed])
        rows = rng.random((30, 2))
        y = smooth(rows) + 0.1 * rng.normal(size=30)
        fit = surefit.fit((rows, y), BOX, seed=seed)
        interval = fit.interval(x)
        values = smooth(x) + 0.1 * rng.normal(size=500)
        covered.append(np.mean((interval.low <= values) & (values <= interval.high)))
        assert "30 rows left out one by one" in interval.statement
    assert 0.8 < np.mean(covered) < 0.99
    hole = X[(X[:, 0] < 0.3) | (X[:, 0] > 0.8)]
    low, high = surefit.fit((hole, smooth(hole)), BOX).interval(np.array([[0.55, 0.5], [0.1, 0.5]]))
    assert (high - low)[0] > 3 * (high - low)[1]


def test_a_level_that_the_rows_cannot_tell_is_refused(fit):
    with pytest.raises(DataError, match="needs 99 rows or more, and there are 40"):
        fit.interval(NEW, level=0.99)


@pytest.mark.parametrize(
    "plan, sizes, kind",
    [
        (surefit.Sampling(split=(0.6, 0.2, 0.2)), (24, 8, 8), "test"),
        (surefit.Sampling(split=(0.8, 0.2, 0)), (32, 8, 0), "validation"),
        (surefit.Sampling(test={"x1": NEW[:50, 0], "x2": NEW[:50, 1], "y": smooth(NEW[:50])}), (40, 0, 50), "test"),
    ],
)
def test_a_split_that_was_asked_for_is_kept(plan, sizes, kind):
    fit = surefit.fit((X, Y), data=plan)
    assert tuple(fit.problem.sizes().values()) == sizes
    assert fit.error.kind == kind and not isinstance(fit.error, Estimated)
    assert fit.taught is not None and fit.error.rmse < 0.05


@pytest.mark.slow
def test_several_outputs_weights_and_other_types():
    y = np.column_stack([Y, 1000 + 1e4 * np.cos(3 * X[:, 0])])
    fit = surefit.fit((X, y), BOX, dtype="float32", data=surefit.Sampling(weights=np.linspace(0, 1, 40)))
    assert fit.predict(NEW).shape == (2000, 2) and fit.dtype == np.float32
    right = np.column_stack([smooth(NEW), 1000 + 1e4 * np.cos(3 * NEW[:, 0])])
    assert (np.sqrt(np.mean((fit.predict(NEW) - right) ** 2, axis=0)) < 0.03 * right.std(axis=0)).all()
    low, high = fit.interval(NEW[:5])
    assert low.shape == (5, 2) and (low < high).all()


def test_a_fit_in_another_dtype_keeps_its_estimate(fit):
    single = fit.to("float32")
    assert isinstance(single.error, Estimated) and single.taught is fit.taught
    x = fit.problem.train[0]
    changed = single.predict(x) - fit.predict(x)  # units that cancel each other lose digits
    assert single.error.rmse == pytest.approx(np.hypot(fit.error.rmse, rms(changed)), rel=1e-3)
    crude = fit.error.farther(np.full((40, 1), 3.0))
    assert crude.rmse == pytest.approx(np.hypot(fit.error.rmse, 3)) and crude.max == pytest.approx(fit.error.max + 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_was_learned_from_a_teacher_outlives_float32(seed):
    """Weights of hundreds of thousands that cancel do not: the network then says other things between the rows."""
    rng = np.random.default_rng(seed)
    f = lambda x: np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2]
    x, t = rng.uniform(-1, 1, (50, 3)), rng.uniform(-0.95, 0.95, (2000, 3))
    fit = surefit.fit((x, f(x)), "a=-1:1, b=-1:1, c=-1:1", seed=seed)
    single = fit.to("float32")
    far = rms(fit.predict(t) - f(t))
    rounding = 50 * np.finfo(np.float32).eps  # of values of 1 that tens of units add up to
    assert rms(single.predict(t) - f(t)) < max(4 * far, rounding)
    assert single.error.rmse > 0.5 * rms(single.predict(t) - f(t))


@pytest.mark.slow
@pytest.mark.parametrize("loaded", [False, True])
def test_what_was_learned_from_noisy_rows_is_kept_in_float32(loaded, tmp_path):
    """Units that cancel each other, rounded alone, were off by ten deviations of the noise."""
    x = np.linspace(-1, 1, 200)[:, None]
    fit = surefit.fit((x, np.sin(3 * x[:, 0]) + np.random.default_rng(0).normal(0, 0.3, 200)))
    if loaded:
        fit = surefit.load(fit.save(tmp_path / "m.safetensors"))
    single, t = fit.to("float32"), np.linspace(-1, 1, 2001)
    assert single.dtype == np.float32 and rms(single.predict(t) - fit.predict(t)) < 1e-3
    assert single.error.rmse == pytest.approx(fit.error.rmse, rel=1e-4)


def test_many_outputs_share_hyperparameters():
    y = np.column_stack([np.sin((j + 1) * X[:, 0] / 2) + X[:, 1] for j in range(6)])
    fit = surefit.fit((X, y), BOX)
    assert len({p.outputs for p in fit.taught.teacher.parts}) == 1
    right = np.column_stack([np.sin((j + 1) * NEW[:, 0] / 2) + NEW[:, 1] for j in range(6)])
    assert (np.sqrt(np.mean((fit.predict(NEW) - right) ** 2, axis=0)) < 0.05 * right.std(axis=0)).all()


@pytest.mark.slow
def test_a_linear_table_stays_linear_and_tells_its_error():
    rng = np.random.default_rng(3)
    x = rng.random((30, 3))
    fit = surefit.fit((x, x @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=30)))
    assert fit.layers() == [3, 1] and fit.taught is None
    assert 0.06 < fit.error.rmse < 0.2
    low, high = fit.interval(x)
    np.testing.assert_allclose(high - low, (high - low)[0])


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_very_few_rows_are_fitted_too(rows):
    fit = surefit.fit((X[:rows], Y[:rows]))
    assert np.isfinite(fit.predict(X[:rows])).all()


def test_noise_of_zero_says_that_rows_are_exact():
    assert pose((X, Y), None, surefit.Sampling(noise=0), 0).known
    assert not pose((X, Y), None, surefit.Sampling(), 0).known
    rough = np.where(X[:, 0] > 0.5, 1.0, 0.0)
    problem = pose((X, rough), None, surefit.Sampling(noise=0, split=(1, 0, 0)), 0)
    exact = teacher_of(problem, 0, lambda: False)
    assert np.abs(exact.predict(X)[:, 0] - rough).max() < 1e-3


@pytest.mark.slow
def test_a_seed_gives_one_network():
    one, two = (surefit.fit((X, Y), BOX, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.predict(NEW), two.predict(NEW))


@pytest.mark.slow
def test_a_time_limit_holds_and_leaves_a_network(own_time):
    rng = np.random.default_rng(8)
    x = rng.random((400, 6))
    with own_time(time.process_time) as seconds:
        fit = surefit.fit((x, np.sin(x.sum(axis=1) * 3)), time=2.0)
    assert seconds[0] < 4.0 and fit.error.rmse < 0.7


def test_which_problems_have_teachers():
    assert can_teach(pose((X, Y), None, None, 0))
    assert not can_teach(pose((X[:4], Y[:4]), None, surefit.Sampling(split=(0.5, 0.5, 0)), 0))
    assert not can_teach(pose("sin(x)", "x=0:1", None, 0))
    gradients = surefit.Sampling(derivatives=np.zeros((40, 2)))
    assert not can_teach(pose((X, Y), None, gradients, 0))


def test_rows_of_a_design_are_told_from_rows_of_the_world():
    box = Domain("a=0:1, b=0:1")
    assert spread_evenly(X, box)
    heaped = X**4
    assert not spread_evenly(heaped, box)
    together = np.column_stack([X[:, 0], np.clip(X[:, 0] + 0.05 * X[:, 1], 0, 1)])
    assert not spread_evenly(together, box)
    assert not spread_evenly(np.column_stack([X[:, 0], np.ones(40)]), Domain("a=0:1, b=0.5:1.5"))


def test_of_few_rows_columns_that_go_together_are_seen_all_at_once():
    """Of 15 rows no two correlate by more than 4 / sqrt(15), which is above 1."""
    rng = np.random.default_rng(1)
    even = np.column_stack([rng.permutation(15) + rng.random(15) for _ in range(4)]) / 15
    box = Domain([(0.0, 1.0)] * 4)
    assert spread_evenly(even, box)
    sums = even.copy()
    sums[:, 3] = (np.argsort(np.argsort(even[:, :3].sum(axis=1))) + 0.5) / 15  # in the order of a sum of the others
    assert np.abs(np.corrcoef(sums.T) - np.eye(4)).max() < 0.9
    assert not spread_evenly(sums, box)


def test_how_probable_correlations_are_by_chance():
    from scipy.stats import pearsonr

    rng = np.random.default_rng(2)
    pairs = rng.normal(size=(60, 2, 24)) + 0.3 * rng.normal(size=(60, 1, 24))
    for a, b in pairs:
        exact = pearsonr(a, b)
        found = unrelated(np.array([[1.0, exact.statistic], [exact.statistic, 1.0]]), 24)
        assert found == pytest.approx(exact.pvalue, rel=0.12)
    for rows, columns in ((20, 5), (20, 10)):  # by the determinant, by the squares
        chance = [unrelated(np.corrcoef(rng.normal(size=(rows, columns)).T), rows) for _ in range(1000)]
        assert 0.02 < np.mean(np.array(chance) < 0.05) < 0.09
    assert unrelated(np.ones((2, 2)), 30) < 1e-10  # the same column twice


def test_a_cloud_is_in_the_box_and_near_its_rows():
    box = Domain("a=0:1, b=0:1")
    line = np.column_stack([X[:, 0], X[:, 0]])
    points = cloud(box, line, 1000, np.random.default_rng(0))
    assert points.shape == (1000, 2) and box.contains(points).all()
    assert 0.28 < np.mean(np.abs(points[:, 0] - points[:, 1]) < 0.01) < 0.36
    assert cloud(box, line[:1], 10, np.random.default_rng(0)).shape == (10, 2)


@pytest.mark.parametrize("inputs, outputs, most", [(1, 1, 500), (8, 1, 500), (3, 4, 200), (100, 1, 500), (2, 1, 5)])
def test_networks_have_no_more_parameters_than_they_may(inputs, outputs, most):
    count = lambda widths: sum((a + 1) * b for a, b in pairwise(widths))
    units = hidden_units(inputs, outputs, most)
    assert units == sorted(set(units)) and all(count([inputs, h, outputs]) <= most for h in units)
    width = two_layers(inputs, outputs, most)
    assert width < 2 or count([inputs, width, width, outputs]) <= most


def test_an_estimate_is_read_back_as_one():
    error = Estimated(1.0, {"x": 0.0}, 0.5, 0.1, 10, "estimated")
    assert Measured.from_dict(error.to_dict()) == error and isinstance(Measured.from_dict(error.to_dict()), Estimated)


@pytest.mark.slow
def test_a_teacher_of_two_outputs_is_made_again_from_its_parts():
    problem = pose((X, np.column_stack([Y, X[:, 0]])), None, surefit.Sampling(split=(1, 0, 0)), 0)
    teacher = teacher_of(problem, 0, lambda: False)
    again = Processes.from_dict(*json_and_arrays(teacher))
    np.testing.assert_allclose(again.predict(NEW), teacher.predict(NEW), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(again.deviation(NEW), teacher.deviation(NEW), rtol=1e-6, atol=1e-9)


def json_and_arrays(teacher):
    data, arrays = teacher.to_dict()
    return json.loads(json.dumps(data)), arrays


def test_a_fit_that_was_taught_goes_through_pickle_and_copies(fit):
    points = np.random.default_rng(5).uniform(fit.domain.low, fit.domain.high, (7, fit.domain.dim))
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):  # noqa: S301
        np.testing.assert_array_equal(again.predict(points), fit.predict(points))
        np.testing.assert_array_equal(again.interval(points).low, fit.interval(points).low)


def test_an_indicator_of_a_class_is_not_taught_by_a_gaussian_process():
    x = np.random.default_rng(0).normal(size=(60, 2))
    found = surefit.fit((x, (x[:, 0] > 0).astype(float)), method=surefit.Auto(evaluations=40))
    assert found.taught is None


def test_shares_of_a_mean_are_those_of_a_quadratic_programme():
    from scipy.optimize import minimize

    from surefit.search.comparing import shares

    rng = np.random.default_rng(5)
    common = rng.standard_normal(60)
    misses = [
        common + 0.3 * rng.standard_normal(60),
        common + 0.4 * rng.standard_normal(60),
        3 * rng.standard_normal(60),
    ]
    found = shares(misses)
    errors = np.array(misses)
    gram = errors @ errors.T / 60
    gram[np.diag_indices(3)] *= 1.2
    best = minimize(
        lambda w: w @ gram @ w, np.full(3, 1 / 3), bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    )  # fmt: skip
    assert found.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found, best.x, atol=0.06)  # a share below a twentieth is none
    assert shares([np.zeros(4), np.zeros(4)]).tolist() == [0.5, 0.5]


def test_of_more_rows_the_hyperparameters_are_found_again_without_a_fold(monkeypatch):
    rng = np.random.default_rng(5)
    x = rng.random((130, 2))
    y = (smooth(x) + 0.1 * rng.standard_normal(130))[:, None]
    process = GaussianProcess("rbf", starts=1).fit(x, y)
    part = Process((0,), "rbf", "constant", tuple(process.theta.tolist()))
    teacher = Processes(x, y, None, None, (part,), None, (process,))
    mean, deviation = _refitted(teacher, np.random.default_rng(1), lambda: False)
    fold = np.array_split(np.random.default_rng(1).permutation(130), FOLDS_OF_MORE)[3]
    rest = np.setdiff1d(np.arange(130), fold)
    converged = GaussianProcess("rbf").fit(x[rest], y[rest])  # by a search of its own, to the end
    expected, spread = converged.predict(x[fold], return_std=True)
    np.testing.assert_allclose(mean[fold], expected, atol=0.02)
    np.testing.assert_allclose(deviation[fold], spread, rtol=0.05)
    monkeypatch.setattr("surefit.search.teacher.SPOILT", 0.0)  # as if each fold were: what was known before stays
    for found, known in zip(_refitted(teacher, rng, lambda: False), teacher.left_out(), strict=True):
        np.testing.assert_array_equal(found, known)


def test_the_estimate_has_the_units_of_the_values_and_is_that_of_the_rows_where_they_are_heaped():
    box = Domain("a=0:1, b=0:1")

    def teacher(x, y):
        process = GaussianProcess("rbf", noise=0.0, starts=1).fit(x, y[:, None])
        return Processes(x, y[:, None], None, 0.0, (Process((0,), "rbf", "constant", tuple(process.theta)),))

    unit = 2.0**20  # so that nothing is rounded otherwise
    small, large = teacher(X, Y), teacher(X, unit * Y)
    np.testing.assert_allclose(large.error(box, 0), unit * small.error(box, 0), rtol=1e-6)
    missed = rms(small.left_out()[0][:, 0] - Y)
    assert small.error(box, 0)[0] <= missed
    heaped = teacher(X**4, smooth(X**4))
    assert heaped.error(box, 0)[0] == pytest.approx(rms(heaped.left_out()[0][:, 0] - smooth(X**4)), rel=1e-12)


@pytest.mark.slow
def test_estimates_err_to_both_sides_and_by_little():
    ratios = []
    for seed in range(8):  # another function and other rows each time
        rng = np.random.default_rng([seed, 77])
        w, b = rng.normal(0, 3, (2, 6)), rng.uniform(0, 6, 6)
        target = lambda u, w=w, b=b: np.sin(u @ w + b).sum(axis=1)
        x = surefit.data.sample(Domain("a=0:1, b=0:1"), 30, "latin_hypercube", generator=rng)
        teacher = teacher_of(pose((x, target(x)), BOX, None, 0), 0, lambda: False)
        true = rms(teacher.predict(NEW)[:, 0] - target(NEW))
        ratios.append(teacher.error(Domain("a=0:1, b=0:1"), 0)[0] / true)
    assert 0.7 < np.median(ratios) < 1.4 and np.mean(np.abs(np.log(ratios))) < np.log(2)


@pytest.mark.slow
def test_a_teacher_tells_noise_from_what_it_misses():
    x = surefit.data.sample(Domain("a=0:1, b=0:1"), 40, "latin_hypercube", generator=3)[:25]
    clean = smooth(x)
    noise = np.random.default_rng(1).standard_normal(25)

    def without_noise(y):
        return teacher_of(pose((x, y), BOX, None, 0), 0, lambda: False).without_noise

    assert without_noise(clean)
    assert not without_noise(clean + 0.3 * noise)
    assert not without_noise(noise)  # rows left out are missed by no less than by their mean


def piston(u):
    """The seconds of a cycle of a piston (Kenett and Zacks 1998), of u (n, 7) in [0, 1]; the last two hardly matter."""
    low, high = np.array([[30, 0.005, 0.002, 1000, 90000, 290, 340], [60, 0.02, 0.01, 5000, 110000, 296, 360]])
    m, s, v0, k, p0, ta, t0 = (low + u * (high - low)).T
    a = p0 * s + 19.62 * m - k * v0 / s
    v = s / (2 * k) * (np.sqrt(a**2 + 4 * k * p0 * v0 / t0 * ta) - a)
    return 2 * np.pi * np.sqrt(m / (k + s**2 * p0 * v0 / t0 * ta / v**2))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_runs_without_noise_a_teacher_keeps_inputs_with_a_small_effect(seed):
    box = {f"x{i}": (0, 1) for i in range(7)}
    x = surefit.data.sample(Domain(box), 20, "latin_hypercube", generator=np.random.default_rng(seed))
    whole = surefit.Sampling(split=(1.0, 0.0, 0.0))
    assert teacher_of(pose((x, piston(x)), box, whole, 0), 0, lambda: False).inputs is None


def test_of_runs_with_noise_a_teacher_has_the_inputs_that_take_part():
    box = {f"x{i}": (0, 1) for i in range(7)}
    rng = np.random.default_rng(2)
    x = surefit.data.sample(Domain(box), 60, "latin_hypercube", generator=rng)
    y = x[:, 0] + np.sin(3 * x[:, 1]) + 0.3 * rng.standard_normal(60)
    inputs = teacher_of(pose((x, y), box, None, 0), 0, lambda: False).inputs
    assert inputs is not None and len(inputs) < 7


def test_deviations_are_told_as_larger_for_each_number_that_the_rows_told():
    for n in (12, 40):
        teacher = teacher_of(pose((X[:n], Y[:n]), BOX, None, 0), 0, lambda: False)
        assert teacher.doubt[0] ** 2 == pytest.approx(1 + 4 / len(teacher.x))  # size, two lengths, noise


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows, inputs", [(50, 10), (20, 6), (12, 1)])
def test_an_exact_linear_function_is_not_told_as_nearer_than_rounding(rows, inputs, dtype):
    covered = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, new, slopes = rng.random((rows, inputs)), rng.random((1000, inputs)), 0.2 / 2.0 ** np.arange(inputs)
        line = surefit.fit((x, 1e6 * (x @ slopes + 3)), [(0.0, 1.0)] * inputs, dtype=dtype)
        right = 1e6 * (new @ slopes + 3)
        low, high = line.interval(new, 0.8)
        assert line.error.rmse > 0.4 * rms(line.predict(new) - right)
        covered.append(np.mean((low <= right) & (right <= high)))
    assert np.mean(covered) > 0.5


@pytest.mark.parametrize("noisy, share, kept", [(False, 0.9, 1), (False, 0.7, 0), (True, 1.04, 0), (True, 1.2, 1)])
def test_a_polynomial_must_be_clearly_better_than_what_was_taught_without_noise(fit, noisy, share, kept):
    taught = fit.taught
    if noisy:
        teacher = copy.copy(taught.teacher)
        teacher.noise, teacher._made = 10 * rms(Y), ()
        teacher.__dict__.pop("made", None)
        teacher.left_out_rows = (taught.teacher.left_out()[0] * 0 + Y.mean(), np.ones((40, 1)))
        taught = replace(taught, teacher=teacher)

    def candidate(solver, score, taught=None):
        residuals = np.full(40, score)
        return Candidate(
            model=fit.model, problem=fit.problem, stage=say("stage-linear"), reason=say("clean"), score=score,
            error=fit.error, largest=score, row=1, details={"solver": solver}, by=say("what-left-out"),
            residuals=residuals, taught=taught,
        )  # fmt: skip

    both = [candidate("polynomial", share), candidate("varpro", 1.0, taught)]
    assert best_of(both, 1.0, cautious=True) is both[kept]


@pytest.mark.parametrize(
    "mean, solver, kept", [("stacked", "polynomial", 1), ("stacked", "features", 1), (None, "features", 0)]
)
def test_a_mean_that_was_proposed_for_being_better_is_kept_before_a_polynomial(fit, mean, solver, kept):
    """A single model has to be 5 % better, of which a polynomial that is nearly as good would be the simpler one."""

    def candidate(solver, score, **details):
        return Candidate(
            model=fit.model, problem=fit.problem, stage=say("stage-linear"), reason=say("clean"), score=score,
            error=fit.error, largest=score, row=1, details={"solver": solver} | details, by=say("what-left-out"),
            residuals=np.full(40, score),
        )  # fmt: skip

    both = [candidate("polynomial", 1.0), candidate(solver, 0.98, **({mean: True} if mean else {}))]
    assert best_of(both, 1.0, cautious=True) is both[kept]


@pytest.mark.parametrize("power", [-700, -300, 490])
def test_what_few_rows_tell_does_not_depend_on_the_units(power):
    """In units that are a power of two nothing is rounded otherwise, so only searches end elsewhere by a little."""
    x = np.linspace(0, 1, 25)
    y = np.sin(5 * x) + x**3
    plain, scaled = surefit.fit((x, y)), surefit.fit((x, np.ldexp(y, power)))
    assert np.ldexp(plain.error.max, power) == pytest.approx(scaled.error.max, rel=1e-3, abs=0)
    assert np.ldexp(plain.error.rmse, power) == pytest.approx(scaled.error.rmse, rel=1e-3, abs=0)
    assert scaled.layers() == plain.layers()
    at = np.linspace(0, 1, 333)
    true = np.abs(np.ldexp(scaled.predict(at), -power) - np.sin(5 * at) - at**3)
    assert true.max() < 10 * np.ldexp(scaled.error.max, -power)
    assert [f.code for f in scaled.doctor().findings] == [f.code for f in plain.doctor().findings]


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [1, 2])
def test_a_logarithmic_input_is_learned_as_its_logarithm(inputs, tmp_path):
    """The fit of a table over p whose domain is logarithmic is that of the same table over log(p)."""
    rng = np.random.default_rng(7)
    p, q = 10 ** rng.uniform(-3, 6, 90), rng.uniform(-1, 1, 90)
    rows = {"p": p, "q": q, "y": p / (1 + p) + (inputs - 1) * q**2}
    if inputs == 1:
        del rows["q"]
    fit = surefit.fit(rows, {"p": (1e-3, 1e6, "log")})
    other = surefit.fit(rows | {"p": np.log(p)}, {"p": (np.log(1e-3), np.log(1e6))})
    assert fit.error.rmse < 3 * other.error.rmse + 1e-12 and fit.error.r2 > 0.9999
    new = 10 ** rng.uniform(-2.9, 5.9, 500)
    points = np.column_stack([new, rng.uniform(-0.9, 0.9, 500)])[:, :inputs]
    right = new / (1 + new) + (inputs - 1) * points[:, -1] ** 2
    assert np.abs(fit.predict(points) - right).max() < 1e-2
    loaded = surefit.load(fit.save(tmp_path / "log.safetensors"))
    assert (loaded.predict(points) == fit.predict(points)).all()
    if fit.taught is not None:
        assert loaded.taught.teacher.parts == fit.taught.teacher.parts
        assert loaded.taught.teacher.predict(points) == pytest.approx(fit.taught.teacher.predict(points), abs=1e-9)


def test_inputs_that_the_teacher_does_not_have_count_as_parameters_too():
    problem = pose(lambda x, y: np.sin(6 * x) * (1 + 2 * y), {"x": (0, 1), "y": (0, 1)}, None, 0)
    state = State(problem, 0, ops.float64, Judge(problem, 0), Progress())
    proposed = students(state, 500, [1e-9], None, 12)  # of a network that has 10 more inputs
    sizes = []
    with contextlib.suppress(StopIteration):
        attempt = next(proposed)
        while True:
            sizes.append(attempt.network.num_parameters() + 10 * attempt.network[0].out_features)
            attempt = proposed.send(None)
    assert len(sizes) > 3 and 400 < max(sizes) <= 500


def test_of_more_inputs_than_a_linear_mean_can_have_a_fold_has_a_constant_one(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.random((15, 20)), rng.normal(size=(15, 1))
    process = GaussianProcess("rbf", "linear", starts=1).fit(x[:, :2], y)
    part = Process((0,), "rbf", "linear", tuple(process.theta), 1.0, (0, 1))
    teacher = Processes(x, y, None, None, (part,), None, (process,))
    monkeypatch.setattr("surefit.search.teacher._steep", lambda p: tuple(range(14)))
    mean, deviation = _refitted(teacher, rng, lambda: False)
    assert np.isfinite(mean).all() and (deviation > 0).all()


def power_law(x):
    return 10.0 ** (3 * x[:, 0] - 4 * x[:, 1] + x[:, 2] ** 2)


@pytest.mark.slow
def test_what_multiplies_is_taught_by_its_logarithm(tmp_path):
    x, new = RNG.random((40, 3)), RNG.random((2000, 3))
    fit = surefit.fit((x, power_law(x)), [(0, 1)] * 3)
    teacher = fit.taught.teacher
    assert all(p.multiplies for p in teacher.parts) and "of the logarithm" in dict(fit.card_rows())["teacher"]
    plain = GaussianProcess("rbf", "linear").fit(x, power_law(x))
    true = rms(fit.predict(new) - power_law(new))
    assert 10 * true < rms(plain.predict(new) - power_law(new))
    low, high = fit.interval(new, 0.9)
    assert 0.75 < np.mean((low <= power_law(new)) & (power_law(new) <= high)) <= 1.0
    fit.save(tmp_path / "law.safetensors")
    again = surefit.load(tmp_path / "law.safetensors")
    assert np.array_equal(again.taught.teacher.predict(new), teacher.predict(new))
    assert np.array_equal([*again.interval(new, 0.9)], [low, high])
    assert "对数的高斯过程" in again.card("zh")


@pytest.mark.slow
def test_values_and_logarithms_are_told_apart_by_how_probable_the_values_are():
    x = RNG.random((40, 3))
    noisy = power_law(x) * np.exp(0.3 * RNG.normal(size=40))
    adding = 0.4 + x.sum(axis=1) + 0.05 * RNG.normal(size=40)
    assert adding.max() > 2 * adding.min() > 0

    def kinds(y, data=None):
        parts = teacher_of(pose((x, y), [(0, 1)] * 3, data or surefit.Sampling(split=(1, 0, 0)), 0), 0, bool).parts
        return {p.multiplies for p in parts}

    assert kinds(noisy) == {True}
    assert kinds(adding) == kinds(-noisy) == {False}
    # Of what no input tells either is as probable, but for luck.
    lots = [np.random.default_rng(seed).random((20, 5)) for seed in range(8)]
    for lot in lots:
        problem = pose((lot[:, 1:], 1 + 2 * lot[:, 0]), None, surefit.Sampling(split=(1, 0, 0)), 0)
        assert not any(p.multiplies for p in teacher_of(problem, 0, bool).parts)
    # A noise that is known is one of values.
    assert kinds(noisy, surefit.Sampling(noise=0.1, split=(1, 0, 0))) == {False}


@pytest.mark.slow
def test_errors_of_rows_that_ended_the_box_are_looked_for_a_little_beyond_them():
    rng = np.random.default_rng(5)
    points = rng.uniform(-1, 1, (20_000, 2))
    # The range of n numbers from [0, 1] is (n - 1) / (n + 1) of it on average: points are as far on average.
    ends = []
    for _ in range(400):
        x = rng.random((12, 2))
        box = Domain.around(x)
        if not fills_its_box(x):  # which of so few is chance now and then, whatever their range
            ends.append(np.ptp(beyond_ends(box.unscale(points), x, box), axis=0))
    assert len(ends) > 300
    assert np.mean(ends) == pytest.approx(1.0, abs=0.02)
    # A box that was said, levels with several rows at an end, and a design have their ends where they are.
    x = rng.random((12, 2))
    said, levels = Domain([(-1, 2), (-1, 2)]), np.repeat(np.linspace(0, 1, 4), 3)[:, None]
    design = (np.array([rng.permutation(12) for _ in range(2)]).T + 0.5) / 12
    for rows, box in ((x, said), (levels, Domain.around(levels)), (design, Domain.around(design))):
        inside = box.unscale(points[:, : rows.shape[1]])
        assert np.allclose(beyond_ends(inside, rows, box), inside, rtol=0, atol=1e-12)
