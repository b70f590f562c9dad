"""What rows tell that a card cannot: repeats, grids, contradictions, columns that depend on each other; and silence."""

from __future__ import annotations

import numpy as np
import pytest

import surefit

RNG = np.random.default_rng(0)
QUICK = dict(method="features", model=(20,))


def found(target, **more):
    fit = surefit.fit(target, **{**QUICK, **more})
    return {f.code: f for f in fit.doctor()}


def smooth(x):
    return np.sin(2 * x[:, 0]) + x[:, -1] ** 2


def test_repeats_that_were_split_at_random():
    places = RNG.uniform(-1, 1, (12, 2))
    x = np.repeat(places, 20, axis=0)
    seen = found((x, smooth(x) + 0.1 * RNG.normal(size=len(x))))
    assert seen["repeated-places"].severity == "warning" and seen["repeated-places"].number > 0.9
    assert "contradictory-rows" in seen
    floor = seen["contradictory-rows"].message
    assert "0.1" in floor or "0.09" in floor  # the noise that was put in


def test_a_grid():
    axes = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 10), np.linspace(0, 1, 6))
    x = np.stack([a.ravel() for a in axes], axis=1)
    seen = found((x, smooth(x)))
    assert "12 x 10 x 6" in seen["grid"].message or "10 x 12 x 6" in seen["grid"].message
    assert "repeated-places" not in seen


def test_columns_that_depend_on_each_other():
    kind = RNG.integers(0, 3, 200)
    x = np.column_stack([kind == 0, kind == 1, kind == 2, RNG.uniform(-1, 1, 200)]).astype(float)
    seen = found((x, kind + x[:, 3]))
    assert all(name in seen["dependent-inputs"].message for name in ("x1", "x2", "x3"))
    assert "x4" not in seen["dependent-inputs"].message


def test_a_target_that_an_input_gives_away_and_one_of_two_values():
    x = RNG.uniform(-1, 1, (100, 2))
    assert found((x, 3 - 2 * x[:, 1]))["target-among-inputs"].severity == "warning"
    table = {"size": x[:, 0], "red": (x[:, 1] > 0).astype(int)}
    assert "red" in found(table)["two-valued-target"].message


def test_few_rows_apart_are_told():
    x = RNG.uniform(-1, 1, (60, 1))
    assert found((x, smooth(x)))["few-rows-apart"].number == 6
    assert "few-rows-apart" not in found((x, smooth(x)), data=surefit.Sampling(split=(0.4, 0.1, 0.5)))


def test_an_infinite_error_is_an_error():
    fit = surefit.fit("x^2", "x=0:1", **QUICK)
    from dataclasses import replace

    broken = replace(fit, error=replace(fit.error, max=float("inf")))
    assert broken.doctor().find("error-not-finite")[0].severity == "error"
    assert not fit.doctor().find("error-not-finite")


def test_a_warning_that_is_no_breakdown_is_none():
    fit = surefit.fit("sin(x)", "x=-3:3", **QUICK)
    fit.warnings.append(surefit.sentences.say("not-compiled", why="for a reason"))
    assert fit.doctor().ok
    assert fit.doctor().find("training-note") and not fit.doctor().find("training-broke-down")


def noisy(n, d, noise=0.1):
    x = RNG.uniform(-1, 1, (n, d))
    return x, smooth(x) + noise * RNG.normal(size=n)


HEALTHY = {
    "sin": ("sin(x)", "x=-3:3", {}),
    "square": ("x^2", "x=-1:1", {}),
    "exponential": ("exp(x)", "x=-2:2", {}),
    "two inputs": ("sin(x1)-cos(x2)", "x1=-2:2, x2=-2:2", {}),
    "two outputs": ("sin(x); cos(x)", "x=-3:3", {}),
    "large units": ("1000+5*sin(x)", "x=0:6", {}),
    "small units": ("1e-6*sin(x)", "x=0:6", {}),
    "offset": ("sin(x)", "x=1000:1003", {}),
    "three inputs": ("x1*x2+x3", "x1=0:1, x2=0:1, x3=0:1", {}),
    "varpro": ("tanh(3*x)", "x=-1:1", dict(method="varpro", model=(6,))),
    "lm": ("sin(x)", "x=-3:3", dict(method="lm", model=(6, 6))),
    "float32": ("sin(x)", "x=-3:3", dict(dtype="float32")),
    "adam": ("sin(x)", "x=-3:3", dict(method=surefit.Adam(epochs=150), model=(32,))),
    "table": (noisy(200, 2), None, {}),
    "table, one input": (noisy(300, 1), None, {}),
    "clean table": (noisy(200, 2, 0.0), None, {}),
    "sorted table": ((np.linspace(0, 3, 200), np.sin(np.linspace(0, 3, 200))), None, {}),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_a_healthy_fit_raises_no_alarm(case):
    target, domain, options = HEALTHY[case]
    diagnosis = surefit.fit(target, domain, **options).doctor()
    assert diagnosis.ok, str(diagnosis)
