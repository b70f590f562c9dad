"""Where the seconds went: phases within phases, what a fit tells, and what its file keeps."""

from __future__ import annotations

import time

import numpy as np
import pytest

import surefit
from surefit.search import timings
from surefit.search.timings import Timings


class Clock:
    """A clock that goes on only when told to."""

    now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timings, "clock", clock)
    return clock


def test_each_second_belongs_to_the_innermost_phase(clock):
    spent = Timings()
    clock.now += 7.0  # before anything
    with spent.phase("choosing"):
        clock.now += 1.0
        with spent.phase("lm"):
            clock.now += 2.0
            try:
                with spent.phase("judging"):
                    clock.now += 4.0
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
            clock.now += 8.0
        clock.now += 16.0
    clock.now += 32.0  # between
    with spent.phase("judging"):
        clock.now += 64.0
    assert dict(spent) == {"choosing": 17.0, "lm": 10.0, "judging": 68.0}
    assert spent.total == 95.0
    spent.moved(3.0, "lm", "compiling")
    spent.moved(1e9, "judging", "compiling")
    spent.moved(1.0, "none", "compiling")
    assert dict(spent) == {"choosing": 17.0, "lm": 7.0, "judging": 0.0, "compiling": 71.0}
    assert str(spent).splitlines()[0].split() == ["compiling", "71.00", "s", "75", "%"]


def test_a_slow_function_is_seen_in_data_and_judging(fake_clock):
    def slow(x):
        time.sleep(0.002 * len(x))
        return np.sin(x)

    plan = surefit.Sampling(count=40, verify=60)
    fit = surefit.fit(slow, "x=0:3", data=plan, method="features")
    assert fit.timings["data"] >= 0.08
    assert fit.timings["judging"] >= 0.04
    assert fit.timings["features"] > 0.0
    assert fit.timings.total == pytest.approx(fit.seconds, abs=1e-3)


def test_a_fit_keeps_them_in_its_file(tmp_path):
    fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), jit=True, model=(8,))
    assert fit.timings["compiling"] == pytest.approx(fit.compile_seconds, rel=1e-6)
    assert {"data", "adam", "compiling", "judging"} <= set(fit.timings)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert dict(again.timings) == dict(fit.timings)
