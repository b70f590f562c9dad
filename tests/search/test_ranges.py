"""Ranges of estimated errors: they hold the true error for about nine fits of ten, and every reading tells them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import surefit
from surefit.search.judging import Estimated, Measured
from surefit.search.limits import UNKNOWN
from surefit.search.ranges import Range, deviation_of_logarithm, range_around


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(0)
    x = rng.random((24, 2))
    y = np.column_stack([np.sin(4 * x[:, 0]) * x[:, 1], 100 * np.exp(x[:, 0])])
    return surefit.fit((x, y), {"a": (0, 1), "b": (0, 1)})


# --- what they promise ---


@pytest.mark.parametrize("rows, heavy", [(20, False), (60, False), (60, True)])
def test_of_noisy_tables_nine_ranges_of_ten_hold_the_true_error_and_say_something(rows, heavy):
    inside, widths = [], []
    for seed in range(40):
        rng = np.random.default_rng([seed, rows])
        x, new = rng.uniform(-1, 1, (rows, 2)), rng.uniform(-1, 1, (4000, 2))
        noise = (lambda n, rng=rng: rng.standard_t(5, n)) if heavy else rng.standard_normal
        line = lambda z: z[:, 0] - 2 * z[:, 1]
        every = surefit.Sampling(split=(1, 0, 0))
        fitted = surefit.fit((x, line(x) + noise(rows)), [(-1, 1)] * 2, method="polynomial", data=every)
        low, high = fitted.error.rmse_range
        inside.append(low <= rms(fitted.predict(new) - line(new) - noise(4000)) <= high)
        widths.append(high / low)
    assert sum(inside) >= 33  # of 40: fewer have a chance of one in 60 where each has nine of ten
    assert np.median(widths) < {20: 3.0, 60: 1.9}[rows]


@pytest.mark.slow
@pytest.mark.parametrize(("inputs", "rows"), [(1, 12), (2, 30)])
def test_so_do_those_of_processes_that_follow_values_without_noise(inputs, rows):
    """With few inputs their errors are made in few places, and rows left out tell them worse than with many."""
    inside = []
    for seed in range(40):
        rng = np.random.default_rng([seed, inputs])
        a, b, c = rng.normal(size=(3, inputs))
        wave = lambda z, a=a, b=b, c=c: np.sin(2 * z @ a + b[0]) + np.exp(z @ b / 2) / (1 + (z @ c) ** 2)
        x, new = rng.uniform(-1, 1, (rows, inputs)), rng.uniform(-1, 1, (2000, inputs))
        fitted = surefit.fit((x, wave(x)), [(-1, 1)] * inputs)
        low, high = fitted.error.rmse_range
        inside.append(low <= rms(fitted.predict(new) - wave(new)) <= high)
    assert sum(inside) >= 33  # of 40: fewer have a chance of one in 60 where each has nine of ten


def test_where_there_is_noise_rows_left_out_tell_an_error_as_well_with_one_input_as_with_many():
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(-1, 1, (120, 1)), axis=0)
    fitted = surefit.fit((x, np.sin(5 * x[:, 0]) + 0.2 * rng.standard_normal(120)), [(-1, 1)])
    assert fitted.taught is not None and fitted.taught.teacher.unlearned[0] < 0.3
    low, high = fitted.error.rmse_range
    assert low <= 0.2 <= high < 2.5 * low


def test_the_part_of_luck_is_that_of_a_mean_of_squares():
    """The logarithm of the root mean square of n normal numbers has the deviation 1 / sqrt(2 n), nearly."""
    drawn = np.random.default_rng(0).standard_normal((2000, 80, 1))
    spread = np.log([rms(each) for each in drawn]).std()
    told = [math.sqrt(deviation_of_logarithm(each) ** 2 - UNKNOWN**2 / 80) for each in drawn]
    assert spread == pytest.approx(1 / math.sqrt(160), rel=0.05) and np.mean(told) == pytest.approx(spread, rel=0.1)


def test_few_rows_that_are_far_off_and_fewer_rows_make_it_wider():
    rng = np.random.default_rng(1)
    even, far = rng.standard_normal((60, 1)), rng.standard_cauchy((60, 1))
    width = lambda misses, taught=None: math.log(np.divide(*reversed([*range_around(1.0, misses, taught)])))
    assert width(even) < 0.6 * width(far) and width(even) < 0.8 * width(even[:20])
    assert width(even) < 0.8 * width(even, (0.0, 5)) < 0.8 * width(even, (1.0, 5)) < 0.8 * width(even, (1.0, 2))


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 7.0, 1e160, 1e300])
def test_it_has_the_unit_of_the_error_however_small_or_large(unit):
    misses = np.random.default_rng(2).standard_normal((30, 2))
    low, high = range_around(0.8, misses, (0.5, 2))
    np.testing.assert_allclose([*range_around(0.8 * unit, unit * misses, (0.5, 2))], [unit * low, unit * high])


@pytest.mark.parametrize("size", [0.0, math.inf, math.nan])
def test_of_no_error_and_of_one_that_is_no_number_there_is_none(size):
    assert range_around(size, np.full((20, 1), size)) is None
    assert (
        range_around(1e308, np.random.default_rng(0).standard_normal((20, 1)), (1.0, 1)) is None
    )  # it would be infinite


# --- where they are told ---


@pytest.mark.slow
def test_each_output_has_its_own_around_its_estimate(fit):
    for part in (*fit.error.outputs, fit.error):
        low, high = part.rmse_range
        assert 0 < low < part.rmse < high < 20 * low and part.rmse_range.level == 0.9


def test_what_is_known_is_not_in_doubt(fit):
    """The distance from the teacher is measured: only the error of the teacher may be off."""
    error, distance = fit.taught.estimate, fit.taught.distance
    for whole, part, away in zip(fit.error.outputs, error.outputs, distance.outputs, strict=True):
        np.testing.assert_allclose([*whole.rmse_range], np.hypot([*part.rmse_range], away.rmse))
        assert away.rmse_range is None


def test_card_data_and_file_hold_it(fit, tmp_path):
    card = json.loads(json.dumps(fit.to_dict()))["error"]
    assert card["rmse_range"] == {"low": fit.error.rmse_range.low, "high": fit.error.rmse_range.high, "level": 0.9}
    assert [part["rmse_range"]["high"] for part in card["outputs"]] == [
        part.rmse_range.high for part in fit.error.outputs
    ]
    loaded = surefit.load(fit.save(tmp_path / "few.surefit"))
    assert loaded.error == fit.error and isinstance(loaded.error.rmse_range, Range)
    for part in (card, *card["outputs"]):  # as an older version wrote it
        del part["rmse_range"]
    older = Measured.from_dict(card)
    assert isinstance(older, Estimated) and older.rmse_range is None and older.rmse == fit.error.rmse


@pytest.mark.slow
def test_card_and_report_say_it_in_both_languages(fit, tmp_path):
    part = fit.error.outputs[0]
    low, high = (f"{end:.2g}" for end in part.rmse_range)
    english, chinese = (dict(fit.card_rows(lang))["  y1"] for lang in ("en", "zh"))
    assert f"rmse {part.rmse:.3g} ({low} to {high} in 90% of such fits)" in english
    assert f"90% 在 {low} 到 {high} 之间" in chinese
    low, high = (f"{end:.3g}" for end in fit.error.rmse_range)
    page = fit.report(tmp_path / "few.md").read_text(encoding="utf-8")
    assert f"The true root mean square lies between {low} and {high} in 90% of such fits." in page
    page = fit.report(tmp_path / "zh.md", lang="zh").read_text(encoding="utf-8")
    assert f"90% 的真实均方根误差在 {low} 到 {high} 之间" in page


def test_a_fit_in_float32_is_farther_by_what_its_values_have_changed(fit):
    error = fit.error.farther(np.full((24, 2), 3.0))
    for own, other in zip((*error.outputs, error), (*fit.error.outputs, fit.error), strict=True):
        np.testing.assert_allclose([*own.rmse_range], np.hypot([*other.rmse_range], 3.0))
    single, x = fit.to("float32"), fit.problem.train[0]
    for j, part in enumerate(single.error.outputs):
        away = rms(single.predict(x)[:, j] - fit.predict(x)[:, j])
        np.testing.assert_allclose([*part.rmse_range], np.hypot([*fit.error.outputs[j].rmse_range], away), rtol=1e-3)


@pytest.mark.parametrize("rows, method, model", [(12, "polynomial", None), (12, "lm", (8,)), (60, "lm", (8,))])
def test_few_test_rows_say_how_far_off_they_may_be(rows, method, model):
    """One or six test rows tell an error badly, and say how badly."""
    inside = []
    for seed in range(40):
        rng = np.random.default_rng([seed, rows])
        x, new = rng.uniform(-1, 1, (rows, 2)), rng.uniform(-1, 1, (2000, 2))
        wave = lambda z: np.sin(2 * z[:, 0]) - z[:, 1]
        table = (x, wave(x) + 0.3 * rng.standard_normal(rows))
        fitted = surefit.fit(table, [(-1, 1)] * 2, method=method, model=model, seed=seed)
        low, high = fitted.error.rmse_range
        inside.append(low <= rms(fitted.predict(new) - wave(new) - 0.3 * rng.standard_normal(2000)) <= high)
    assert sum(inside) >= 33  # of 40: fewer have a chance of one in 60 where each has nine of ten
    assert "in 90% of such fits" in fitted.card()


def test_many_test_rows_folds_and_rows_that_go_together_have_none():
    """Hundreds of rows tell it well; fits in folds have fewer rows; groups and the last rows tell less than as many."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "g": np.repeat(np.arange(40), 10), "y": x[:, 0] + 0.1 * rng.normal(size=400)}
    for plan in (dict(split=(0.5, 0.2, 0.3)), dict(folds=3), dict(groups="g"), dict(order="g")):
        found = surefit.fit(table, method="polynomial", data=surefit.Sampling(**plan))
        assert found.error.rmse_range is None and "such fits" not in found.card()
        assert "rmse_range" not in found.error.to_dict()
