"""What the doctor says of a result: errors that are infinite, large or unseen, warnings by their codes, tolerances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.sentences import Sentence, say

QUICK = dict(method="features", model=(20,))


@pytest.fixture(scope="module")
def good():
    return surefit.fit("sin(x)", "x=-3:3", **QUICK)


def levels(diagnosis):
    return {f.code: f.severity for f in diagnosis if f.severity != "ok"}


def with_error(fit, **more):
    return replace(fit, error=replace(fit.error, **more))


@pytest.mark.parametrize("more", [dict(max=np.inf), dict(rmse=np.inf), dict(max=np.nan, rmse=np.nan)])
def test_an_error_that_is_not_finite_is_found(good, more):
    finding = with_error(good, **more).doctor().find("error-not-finite")[0]
    assert finding.severity == "error"
    assert good.error.where in finding.message


def test_an_error_as_large_as_the_target_is_found(good):
    assert levels(with_error(good, rmse=0.6, relative_l2=0.9, max=2.0).doctor())["large-error"] == "warning"
    assert levels(with_error(good, rmse=0.001, relative_l2=0.0015, max=0.9).doctor())["missed-place"] == "warning"
    asked = replace(with_error(good, rmse=0.6, relative_l2=0.9, max=2.0), tol=3.0)
    assert "large-error" not in levels(asked.doctor())  # so much was asked for


def test_a_jump_is_named_by_its_place():
    fit = surefit.fit("sign(x-0.5) + x", "x=-1:1", **QUICK)
    (finding,) = fit.doctor().find("missed-place")
    assert abs(fit.error.at["x"] - 0.5) < 0.1 and fit.error.where in finding.message


def test_a_logarithm_down_to_its_pole_is_no_good_health():
    plan = surefit.Sampling(drop_nonfinite=True)
    fit = surefit.fit("log(x)", "x=0:1", data=plan, method="features", model=(20,))
    # ln x has no bound at 0; whatever was measured, a fit that is off by more than half its size is not healthy
    assert fit.error.max > 1.0
    assert not fit.doctor().ok, str(fit.doctor())


@pytest.mark.parametrize("split", [(1.0, 0.0, 0.0), (0.8, 0.1, 0.1)], ids=["estimated", "measured"])
def test_a_good_fit_of_rows_of_which_a_few_are_far_off_is_told_as_one(tmp_path, split):
    """Half of the rows are predicted well; what is said of the whole is not that nothing was learned."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (400, 2))
    y = np.sin(3 * x[:, 0]) + 0.05 * rng.standard_normal(400)
    y[:12] *= 100.0  # slipped decimal points
    fit = surefit.fit((x, y), method="features", model=(30,), loss="huber", data=surefit.Sampling(split=split))
    (part,) = fit.error.outputs
    assert fit.error.relative_l2 > 0.5 and part.rmse > 1 and part.median < 0.1 and 0.3 < part.varies < 1.0
    fit.save(tmp_path / "m.safetensors")
    for found in (fit, surefit.load(tmp_path / "m.safetensors")):
        assert "hardly" not in str(found) and "half of the rows are missed by at most 0.0" in str(found)
        codes = levels(found.doctor())
        assert "large-error" not in codes and codes["rows-far-off"] == "warning"
        assert codes.get("residuals", "ok") in ("ok", "note")


@pytest.mark.parametrize("kind", ["noise", "peaks", "heavy noise"])
def test_rows_of_which_nothing_was_learned_are_told_as_such(kind):
    rng = np.random.default_rng(3)
    x, rows = rng.uniform(-1, 1, (400, 2)), np.arange(400)
    y = rng.standard_t(1.5, 400) if kind == "heavy noise" else rng.standard_normal(400)
    if kind == "peaks":  # nothing but rare peaks has any size
        y = np.where(rows % 20 == 0, 100.0 * rng.standard_normal(400), 0.01 * y)
    fit = surefit.fit((x, y), method="features", model=(5,), loss="huber", data=surefit.Sampling(split=(0.7, 0.1, 0.2)))
    assert "hardly" in str(fit) and "rows-far-off" not in levels(fit.doctor())


def test_an_output_of_which_only_the_mean_was_learned_is_named():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "clear": 10 + x[:, 0], "noise": 10 + rng.normal(size=300)}
    fit = surefit.fit(surefit.data.read_table(table, targets=["clear", "noise"]), method="features", model=(10,))
    assert [f.where for f in fit.doctor().find("large-error")] == ["noise"]


def test_an_error_where_it_was_not_trained_is_compared_with_that_where_it_was():
    x = np.random.default_rng(1).uniform(-1, 1, (120, 4))
    fit = surefit.fit((x, np.sin(2 * x).sum(axis=1)), method="features", model=(60,))
    x, y = fit.problem.train
    trained = np.sqrt(np.mean((fit.predict(x) - y[:, 0]) ** 2))
    assert not fit.doctor().find("unseen-error")
    memorised = with_error(fit, rmse=20 * trained, relative_l2=0.3)
    assert memorised.doctor().find("unseen-error")[0].number == pytest.approx(20, rel=1e-6)


CODES = {
    "training-not-finite": ("training-broke-down", "error"),
    "not-compiled": ("training-note", "note"),
    "tolerance": ("training-note", "note"),
}


@pytest.mark.parametrize("code", CODES)
def test_a_warning_is_judged_by_its_code(good, code):
    values = {"training-not-finite": dict(what="the loss became nan"), "not-compiled": dict(why="of no reason")}
    sentence = say(code, **values.get(code, {}))
    fit = replace(good, warnings=[*good.warnings, sentence])
    found, severity = CODES[code]
    (finding,) = fit.doctor().find(found)
    assert finding.severity == severity and finding.message == sentence
    assert finding.said("zh")[1] == sentence.said("zh")
    assert fit.doctor().ok == (severity != "error")


def test_what_words_look_like_decides_nothing(good):
    """Words that speak of numbers that are not finite, in a sentence of another code, or of none."""
    for text in (say("not-compiled", why="the loss became nan"), Sentence("numbers are not finite, NaN or infinite")):
        assert levels(replace(good, warnings=[text]).doctor()) == {"training-note": "note"}


def test_a_tolerance_that_was_just_met_is_noted(good):
    just = replace(good, tol=good.error.max * 1.02)
    assert levels(just.doctor()) == {"tolerance-met-narrowly": "note"}
    assert just.doctor().ok
    assert "tolerance-met-narrowly" not in levels(replace(good, tol=good.error.max * 2).doctor())
    assert levels(replace(good, tol=good.error.max / 2).doctor())["tolerance-missed"] == "warning"


@pytest.mark.parametrize(
    ("last", "low", "high"), [(nn.Sigmoid(), 0.1, 0.9), (nn.ReLU(), 0.5, 3.0), (nn.Tanh(), -0.9, 0.9)]
)
def test_a_last_activation_that_scaled_targets_are_out_of_reach_of(last, low, high):
    """The targets lie within reach until fit scales them: the cure is scale=False."""
    target = f"{(low + high) / 2} + {(high - low) / 2}*sin(2*x)"
    net = nn.Sequential(nn.Linear(1, 16, generator=0), nn.Tanh(), nn.Linear(16, 1, generator=1), last)
    method = surefit.Adam(epochs=20, lr=0.01)
    (finding,) = surefit.fit(target, "x=-2:2", model=net, method=method).doctor().find("targets-out-of-reach")
    assert finding.severity == "error" and "scale=False" in finding.cure
    cured = surefit.fit(target, "x=-2:2", model=net, method=replace(method, scale=False)).doctor()
    assert cured.find("targets-out-of-reach")[0].severity == "ok"


def test_targets_out_of_reach_with_any_scaling_are_told_to_end_in_a_linear_layer():
    net = nn.Sequential(nn.Linear(1, 16, generator=0), nn.Tanh(), nn.Linear(16, 1, generator=1), nn.Sigmoid())
    fit = surefit.fit("5*sin(x)", "x=-2:2", model=net, method=surefit.Adam(epochs=5))
    (finding,) = fit.doctor().find("targets-out-of-reach")
    assert "scale=False" not in finding.cure and "linear layer" in finding.cure


def test_an_input_over_many_decades_is_told_to_take_its_logarithm():
    poor = surefit.fit("log10(p)*sin(4*log10(p))", "p=1e-3:1e6", **QUICK).doctor()
    assert (
        levels(poor)["logarithmic-inputs"] == "warning"
        and "p=0.001:1e+06:log" in poor.find("logarithmic-inputs")[0].cure
    )
    assert not surefit.fit("p^2", "p=1e-3:10", **QUICK).doctor().find("logarithmic-inputs")  # a good fit as it is


def test_where_a_tolerance_is_missed_a_logarithmic_input_is_proposed_however_good_the_fit_is():
    f = lambda e, r: float(f"{(-2 * np.log10(e / 3.7 + 12 / r)) ** -2:.17g}")  # friction in a pipe, known by values
    settings = dict(method="features", model=(40,), tol=1e-6, data=surefit.Sampling(count=300))
    missed = surefit.fit(f, {"e": (0.01, 0.05), "r": (2e4, 1e8)}, **settings)
    assert missed.error.relative_l2 < 0.01 and not missed.reached
    (finding,) = missed.doctor().find("logarithmic-inputs")
    assert finding.severity == "note" and "r=2e+04:1e+08:log" in finding.cure
    assert surefit.fit(f, {"e": (0.01, 0.05), "r": (2e4, 1e8, "log")}, **settings).error.max < 0.03 * missed.error.max


def test_a_good_end_needs_no_alarm_about_the_means():
    """Steep units and a few samples for each oscillation, and an error of 1e-4: nothing is wrong."""
    fit = surefit.fit("sin(30*x)", "x=-3:3", method="features", model=(250,), data=surefit.Sampling(count=360))
    assert fit.error.relative_l2 < 0.01
    assert fit.doctor().ok, str(fit.doctor())
    assert fit.doctor().find("undersampled")[0].number < 15


@pytest.mark.slow
@pytest.mark.parametrize("target", ["1/(x^2+y^2+0.01)", "sqrt(x+1)/(1.001+y)"])
def test_layers_that_were_written_down_are_not_told_to_begin_otherwise(target):
    """What they hand on has the sizes of the parts of a function, and no initial weights could change that."""
    fit = surefit.fit(target, "x=-1:1, y=-1:1", tol=1e-6)
    assert len(fit.layers()) > 3
    assert not [f for f in fit.doctor().findings if f.code.endswith("ing-activations")]
