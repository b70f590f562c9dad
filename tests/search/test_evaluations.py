"""How often a function was evaluated: what the card says is what the function itself counts, and it is bounded."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import surefit
from surefit.search.strategies.links import VALUES, AtMost


class Counting:
    """A function of numbers, or of arrays of them, that counts the points it was asked for, by several threads too."""

    def __init__(self, f, scalar=False):
        self.f, self.scalar, self.count, self.lock = f, scalar, 0, threading.Lock()

    def __call__(self, *columns):
        columns = [np.asarray(c, dtype=np.float64) for c in columns]
        with self.lock:
            self.count += np.broadcast(*columns).size
        return self.f(*(float(c) for c in columns)) if self.scalar else self.f(*columns)


class OfPoints(Counting):
    """The same of points (n, d)."""

    def __call__(self, points):
        points = np.asarray(points, dtype=np.float64)
        with self.lock:
            self.count += len(points) if points.ndim == 2 else 1
        return self.f(*np.atleast_2d(points).T)


def sometimes(x, y):
    if x + y < -1.5:
        raise RuntimeError("no convergence")
    return x * y


CASES = {
    "one input": (Counting(np.abs), "x=-1:1", {}),
    "two inputs": (Counting(lambda x, y: np.hypot(x, y)), "x=-1:1, y=-1:1", {}),
    "numbers": (Counting(lambda x, y: x * y, scalar=True), "x=-1:1, y=-1:1", {}),
    "points": (OfPoints(lambda x, y: np.exp(x * y)), "x=-1:1, y=-1:1", {}),
    "three inputs": (Counting(lambda x, y, z: np.abs(x * y - z)), "x=-1:1, y=-1:1, z=-1:1", {}),
    "failing": (Counting(sometimes, scalar=True), "x=-1:1, y=-1:1", {"data": surefit.Sampling(drop_nonfinite=True)}),
    "restarts": (Counting(lambda x, y: x * np.exp(y)), "x=-1:1, y=-1:1", {"restarts": 3}),
    "named method": (Counting(lambda x, y: x * np.exp(y)), "x=-1:1, y=-1:1", {"method": "features"}),
    "periodic": (Counting(lambda x, y: np.sin(x) * y), "x=0:6, y=-1:1", {"periodic": {"x": 2 * np.pi}}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_card_counts_every_value(case, tmp_path):
    f, box, more = CASES[case]
    fit = surefit.fit(f, box, time=1.0, **more)
    assert fit.problem.source["evaluated"]["evaluations"] == f.count
    assert f"{f.count} evaluations" in str(fit) and f"求值 {f.count} 次" in fit.card(lang="zh")
    fit.save(tmp_path / "fit.safetensors")
    assert f"{f.count} evaluations" in str(surefit.load(tmp_path / "fit.safetensors"))


def test_a_formula_has_no_such_count():
    assert "evaluated" not in surefit.fit("x*y", "x=-1:1, y=-1:1").problem.source


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 4])
def test_what_looks_for_one_number_asks_a_rough_function_for_no_more_than_it_may(dim, monkeypatch):
    most = []
    within = AtMost.within

    def watched(self, count, looked_for):
        own = self.function
        asked = [0]

        def counted(points):
            asked[0] += len(points)
            return own(points)

        self.function = counted
        try:
            return within(self, count, looked_for)
        finally:
            self.function = own
            most.append((asked[0], count))

    monkeypatch.setattr(AtMost, "within", watched)
    rough = lambda *x: np.sin(1e6 * sum((i + 1.3) * v for i, v in enumerate(x)))
    surefit.fit(Counting(rough), ", ".join(f"x{i}=-1:1" for i in range(dim)), time=2.0)
    assert most and most[0][1] == VALUES * dim / 2 and all(asked <= count for asked, count in most)


@pytest.mark.parametrize(("dim", "seconds"), [(2, 4e-3), (3, 8e-3)])
def test_a_slow_function_is_not_asked_for_longer_than_there_is_time(dim, seconds, monkeypatch):
    clock = time.perf_counter
    waited = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + waited)

    def slow(*x):
        nonlocal waited
        waited += seconds
        return float(np.sin(2 * x[0]) * np.exp(-(x[1] ** 2))) + float(sum(x[2:]))

    began = time.perf_counter()
    surefit.fit(slow, ", ".join(f"x{i}=-1:1" for i in range(dim)), time=4.0)
    assert waited <= 4.0 * 1.1 and time.perf_counter() - began >= waited


def test_what_many_values_cost_at_once_is_not_what_a_few_cost():
    """Of calls that cost a millisecond each, however many values they give."""
    from surefit.problems.callables import called
    from surefit.search.strategies.separated import seconds_per_value

    def costly(x, y):
        time.sleep(1e-3)
        return x * y

    function, _ = called(costly, surefit.Domain("x=0:1, y=0:1"))
    for _ in range(20):
        function(np.random.default_rng(0).uniform(size=(2, 2)))
    assert seconds_per_value(function) > 1e-4
    function(np.random.default_rng(0).uniform(size=(10_000, 2)))
    assert seconds_per_value(function) < 1e-5
