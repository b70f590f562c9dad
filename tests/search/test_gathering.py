"""A budget is never exceeded, what was evaluated is never lost, and failures are told."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError
from surefit.problems.proposals import disagreement, filling, next_points

BOX = {"x1": (-1, 1), "x2": (0, 2)}
QUICK = {"method": "polynomial"}


class Counting:
    """A function that counts its calls; thread-safe."""

    def __init__(self, f):
        self.f, self.calls, self.points, self.lock = f, 0, [], threading.Lock()
        self.__name__ = "counting"

    def __call__(self, x1, x2):
        with self.lock:
            self.calls += 1
            self.points.append((x1, x2))
        return self.f(x1, x2)


def product(x1, x2):
    return x1 * x2


def dies(x1, x2):
    if x1 > 0.5:
        os._exit(3)
    return x1 * x2


def sizes(fit):
    return sum(fit.problem.sizes().values())


@pytest.mark.parametrize("budget", [5, 17, 40])
@pytest.mark.parametrize("method", ["polynomial", "auto", "varpro", "adam"])
def test_a_function_is_called_as_often_as_the_budget_says(budget, method):
    f = Counting(product)
    method = surefit.Adam(epochs=2) if method == "adam" else method
    fit = surefit.fit(f, BOX, budget=budget, method=method)
    fit.doctor(), fit.interval, str(fit)
    assert f.calls == budget == len(set(f.points)) == sizes(fit)
    assert f"{budget} of {budget} evaluations" in fit.card()
    assert fit.domain.contains(np.array(f.points)).all()


def test_it_is_not_exceeded_with_eight_workers_and_all_are_busy():
    most, now, lock = 0, 0, threading.Lock()

    def f(x1, x2):
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return x1 * x2

    counting = Counting(f)
    with ThreadPoolExecutor(8) as pool:
        fit = surefit.fit(counting, BOX, budget=61, executor=pool, **QUICK)
    assert counting.calls == 61 == sizes(fit)
    assert most == 8
    assert fit.error.max < 1e-12


def test_processes_evaluate():
    with ProcessPoolExecutor(2) as pool:
        fit = surefit.fit(product, BOX, budget=12, executor=pool, **QUICK)
        with pytest.raises(ArgumentError, match="cannot be sent"):
            surefit.fit(lambda x1, x2: x1, BOX, budget=12, executor=pool)
    assert sizes(fit) == 12


def died(log):
    """Evaluations in a log, and those that ended with the process that made them."""
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    return len(lines), sum("died" in (line.get("error") or "") for line in lines)


class Mine(ProcessPoolExecutor):
    """A pool of somebody else, of which nobody knows how it is made again."""


def test_after_a_worker_died_the_rest_is_evaluated_by_another_one(tmp_path):
    log = tmp_path / "runs.jsonl"
    with ProcessPoolExecutor(1) as pool:
        fit = surefit.fit(dies, BOX, budget=30, executor=pool, log=log, **QUICK)
        again = surefit.fit(product, BOX, budget=8, executor=pool, **QUICK)  # the pool is broken from the beginning
    evaluated, lost = died(log)
    assert evaluated == 30 and 3 <= lost <= 12
    assert sizes(fit) == 30 - lost
    assert any(f"worker processes that died ({lost})" in w for w in fit.warnings)
    assert sizes(again) == 8


def test_a_worker_of_somebody_elses_pool_that_dies_ends_the_evaluations_and_says_how_to_go_on(tmp_path):
    log = tmp_path / "runs.jsonl"
    with Mine(1) as pool:
        fit = surefit.fit(dies, BOX, budget=30, executor=pool, log=log, **QUICK)
    evaluated, lost = died(log)
    assert lost == 1 and sizes(fit) == evaluated - 1 < 29
    told = next(w for w in fit.warnings if "a worker process died" in w)
    assert f"after {evaluated} of 30 evaluations" in told and f"{30 - evaluated} were not made" in told
    assert "goes on from runs.jsonl" in told
    with ProcessPoolExecutor(1) as pool:
        surefit.fit(dies, BOX, budget=30, executor=pool, log=log, **QUICK)
    assert died(log)[0] == 30
    with Mine(1) as pool:
        fit = surefit.fit(dies, BOX, budget=30, executor=pool, **QUICK)
    assert any("With a log file (log=) the same call goes on" in w for w in fit.warnings)


def no_start():
    os._exit(5)


def test_pools_whose_workers_never_live_are_given_up():
    with ProcessPoolExecutor(2, initializer=no_start) as pool, pytest.raises((DomainError, DataError)):
        surefit.fit(product, BOX, budget=40, executor=pool, **QUICK)


def test_arguments_get_the_inputs_whose_names_they_have():
    fit = surefit.fit(lambda b, a: a - 10 * b, {"a": (0, 1), "b": (-1, 1)}, budget=12)
    assert fit(a=1.0, b=0.5) == pytest.approx(-4.0, abs=1e-6)


@pytest.mark.parametrize(
    "points",
    [
        lambda p: p[0] * p[1],
        lambda p: np.atleast_2d(p)[:, 0] * np.atleast_2d(p)[:, 1],
        lambda p: p[:, 0] * p[:, 1],
        lambda *p: p[0] * p[1],
    ],
)
def test_ways_of_calling_are_found_within_the_budget(points):
    calls = 0

    def f(*p):
        nonlocal calls
        calls += 1
        return points(*p)

    wrapped = f if points.__code__.co_flags & 4 else (lambda p: f(p))
    fit = surefit.fit(wrapped, BOX, budget=20, **QUICK)
    assert calls <= 20
    assert sizes(fit) >= 19
    assert fit.error.max < 1e-12


def test_a_log_remembers_how_a_function_is_called(tmp_path):
    calls = 0

    def f(p):
        nonlocal calls
        calls += 1
        return p[:, 0] * p[:, 1]  # of a matrix of points, which is tried last

    for budget in (20, 21, 22):
        fit = surefit.fit(f, BOX, budget=budget, log=tmp_path / "runs.csv", **QUICK)
        assert calls <= budget + 1  # the call that failed in the first run is no evaluation, and not in the log
        assert fit.problem.source["evaluated"]["failed"] == 0


def test_failures_are_left_out_told_and_count():
    def f(x1, x2):
        if x1 > 0.6:
            raise RuntimeError("no mesh")
        return math.nan if x2 > 1.9 else x1 * x2

    counting = Counting(f)
    fit = surefit.fit(counting, BOX, budget=50, **QUICK)
    failed = sum(x1 > 0.6 or x2 > 1.9 for x1, x2 in counting.points)
    assert counting.calls == 50
    assert failed > 0
    assert sizes(fit) == 50 - failed
    assert f"50 of 50 evaluations, {failed} failed" in fit.card()
    assert any(f"failed and were left out: {failed};" in w for w in fit.warnings)
    assert fit.error.max < 1e-12


def test_a_function_that_never_works_is_given_up_soon():
    def f(x1, x2):
        raise RuntimeError("no licence")

    counting = Counting(f)
    with pytest.raises(DomainError, match=r"none of the first 20 evaluations gave a value.*no licence"):
        surefit.fit(counting, BOX, budget=500)
    assert counting.calls == 20


def test_a_call_beyond_its_time_limit_has_failed():
    release, waited = threading.Event(), []

    def f(x1, x2):
        if x1 > 0.7:
            waited.append(release.wait(60))
        return x1 * x2

    with ThreadPoolExecutor(4) as pool:
        try:
            fit = surefit.fit(f, BOX, budget=30, executor=pool, timeout=0.1, **QUICK)
            assert not waited  # the calls still wait while the fit is there
        finally:
            release.set()
    assert fit.problem.source["evaluated"]["failed"] > 0
    assert any("longer than 0.1 s" in w for w in fit.warnings)


def test_time_ends_the_evaluations_and_is_told(fake_clock):
    counting, began = Counting(lambda x1, x2: time.sleep(0.02) or x1 * x2), fake_clock.now
    fit = surefit.fit(counting, BOX, budget=5000, time=1.0, **QUICK)
    assert fake_clock.now - began < 1.0
    assert 10 < counting.calls < 50
    assert any("of 5000 evaluations; give more time" in w for w in fit.warnings)


def test_a_callback_hears_of_each_and_may_end_them():
    heard = []

    def callback(event):
        if isinstance(event, surefit.Evaluated):
            heard.append((event.count, event.budget))
            return event.count == 12
        return None

    f = Counting(product)
    fit = surefit.fit(f, BOX, budget=40, callbacks=callback, **QUICK)
    assert heard == [(i + 1, 40) for i in range(12)]
    assert f.calls == 12 == sizes(fit)


def test_ctrl_c_keeps_what_was_evaluated():
    def f(x1, x2):
        if len(counting.points) == 15:
            raise KeyboardInterrupt
        return x1 * x2

    counting = Counting(f)
    fit = surefit.fit(counting, BOX, budget=40, **QUICK)
    assert sizes(fit) == 14
    assert any("interrupted after 14 of 40" in w for w in fit.warnings)


def test_one_seed_gives_one_result():
    one, other = (surefit.fit(product, BOX, budget=30, seed=3, method="varpro") for _ in range(2))
    assert np.array_equal(one.problem.train[0], other.problem.train[0])
    assert one(0.3, 0.7) == other(0.3, 0.7)


def test_restarts_and_ensembles_share_the_evaluations():
    f = Counting(product)
    surefit.fit(f, BOX, budget=20, restarts=2, method=surefit.Adam(epochs=2))
    assert f.calls == 20
    surefit.ensemble(f, BOX, budget=20, members=2, method=surefit.Adam(epochs=2))
    assert f.calls == 40


def test_a_formula_has_a_budget_too():
    fit = surefit.fit("x1*x2", BOX, budget=25, **QUICK)
    assert sizes(fit) == 25
    assert fit.target == "x1*x2"


def test_several_outputs(tmp_path):
    fit = surefit.fit(lambda x1, x2: (x1, x2), BOX, budget=20, log=tmp_path / "runs.csv", **QUICK)
    assert fit.predict([[0.25, 0.5]]).shape == (1, 2)
    again = surefit.Experiment(BOX, log=tmp_path / "runs.csv")
    assert again.width == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"budget": 4}, "budget=4 must be a whole number >= 5"),
        ({"budget": 20.0}, "budget=20.0"),
        ({"executor": ThreadPoolExecutor(1)}, "executor: goes with budget"),
        ({"log": "runs.csv"}, "log: goes with budget"),
        ({"budget": 20, "executor": 8}, "executor=8"),
        ({"budget": 20, "executor": ThreadPoolExecutor}, "executor=<class"),
        ({"budget": 20, "timeout": 1.0}, "timeout: a call that runs here"),
        ({"budget": 20, "log": "runs.parquet"}, "cannot be appended"),
        ({"budget": 20, "log": "runs.txt"}, "must end in .csv or .jsonl"),
        ({"budget": 20, "data": surefit.Sampling(count=50)}, "chooses its points itself"),
    ],
)
def test_what_cannot_be_is_refused_before_a_call(arguments, said):
    f = Counting(product)
    with pytest.raises(ArgumentError, match=said):
        surefit.fit(f, BOX, **arguments)
    assert f.calls == 0


def test_a_table_has_no_budget():
    with pytest.raises(ArgumentError, match="budget: goes with a function"):
        surefit.fit({"x": [1.0, 2.0], "y": [1.0, 2.0]}, "x=1:2", budget=20)


def test_an_executor_that_was_shut_down_is_refused():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ArgumentError, match="takes no calls"):
        surefit.fit(product, BOX, budget=20, executor=pool)


def test_an_executor_of_another_kind_is_enough():
    """Only `submit` of the standard interface is needed: that of Dask, mpi4py and loky."""

    class Bare(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            threading.Thread(target=lambda: future.set_result(fn(*args, **kwargs))).start()
            return future

    f = Counting(product)
    surefit.fit(f, BOX, budget=23, executor=Bare(), **QUICK)
    assert f.calls == 23


# --- logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_log_goes_on_and_its_values_are_exact(tmp_path, ending):
    log = tmp_path / f"runs.{ending}"

    def f(x1, x2):
        if x1 > 0.8:
            raise ValueError("bad,\n'mesh' \"here\"")
        return x1 * x2 / 3

    first = Counting(f)
    surefit.fit(first, BOX, budget=20, log=log, **QUICK)
    second = Counting(f)
    fit = surefit.fit(second, BOX, budget=30, log=log, **QUICK)
    assert (first.calls, second.calls) == (20, 10)
    assert not set(first.points) & set(second.points)
    assert "20 from the log" in fit.card()
    third = Counting(f)
    again = surefit.fit(third, BOX, budget=30, log=log, **QUICK)
    assert third.calls == 0
    assert np.array_equal(fit.problem.train[0], again.problem.train[0])
    assert fit(0.1, 0.2) == again(0.1, 0.2)
    again = surefit.Experiment(BOX, log=log)
    assert {run.x for run in again.runs} == {*first.points, *second.points}
    assert all(run.failed or run.y == (run.x[0] * run.x[1] / 3,) for run in again.runs)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_cut_off_is_dropped(tmp_path, ending, cut):
    log = tmp_path / f"runs.{ending}"
    surefit.fit(product, BOX, budget=20, log=log, **QUICK)
    whole = log.read_bytes()
    log.write_bytes(whole[:-cut])
    surefit.fit(product, BOX, budget=20, log=log, **QUICK)
    runs = surefit.Experiment(BOX, log=log).runs
    assert len(runs) == 20 == len({run.x for run in runs})
    log.write_bytes(whole[:cut])  # killed in the first line
    assert surefit.Experiment(BOX, log=log).runs == []


def test_the_log_of_another_function_or_domain_is_refused(tmp_path):
    log = tmp_path / "runs.csv"

    def sim(x1, x2):
        return x1 + x2

    surefit.fit(sim, BOX, budget=10, log=log, **QUICK)
    before = log.read_bytes()

    def other(x1, x2):
        return x1 + x2

    with pytest.raises(DataError, match="evaluations of sim, not of other"):
        surefit.fit(other, BOX, budget=10, log=log)

    def sim(x1, x2):
        # a remark is no change
        return x1 + x2

    surefit.fit(sim, BOX, budget=10, log=log, **QUICK)

    def sim(x1, x2):
        return x1 - x2

    with pytest.raises(DataError, match="as its source was before"):
        surefit.fit(sim, BOX, budget=10, log=log)
    with pytest.raises(DataError, match="x2=0:2, not on"):
        surefit.fit(sim, BOX | {"x2": (0, 3)}, budget=10, log=log)
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n", "hello", "{}\n", "\x00\x01", "[" * 10**5 + "\n"],
    ids=["rows", "a word", "an object", "bytes", "deep"],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, text, ending):
    log = tmp_path / f"runs.{ending}"
    log.write_text(text)
    if ending == "jsonl" and "\n" not in text:
        pytest.skip("what a kill leaves of a first line looks like this")
    with pytest.raises(DataError, match="is not a log of evaluations"):
        surefit.fit(product, BOX, budget=10, log=log)
    assert log.read_text() == text


def test_two_runs_do_not_write_one_log(tmp_path):
    pytest.importorskip("fcntl", reason="the system has no such locks")
    log = tmp_path / "runs.csv"
    with surefit.Experiment(BOX, log=log).held(), pytest.raises(DataError, match="another run is writing"):
        surefit.fit(product, BOX, budget=10, log=log)


KILLED = """
import sys, time, surefit
def sim(x1, x2):
    time.sleep(0.01)
    return x1 * x2
print("ready", flush=True)
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(3) as pool:
    surefit.fit(sim, {"x1": (-1, 1), "x2": (0, 2)}, budget=%d, log=sys.argv[1], executor=pool, method="polynomial",
                callbacks=lambda e: print(e.count, flush=True) if isinstance(e, surefit.Evaluated) else None)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(tmp_path):
    log, script = tmp_path / "runs.csv", tmp_path / "run.py"
    script.write_text(KILLED % 2000)
    with subprocess.Popen([sys.executable, script, log], stdout=subprocess.PIPE, text=True) as process:
        printed = 0
        for line in process.stdout:
            printed = int(line) if line.strip().isdigit() else 0
            if printed >= 25:
                process.send_signal(signal.SIGKILL)
                break
    kept = surefit.Experiment(BOX, log=log).runs
    assert len(kept) >= printed >= 25
    assert all(run.y == (run.x[0] * run.x[1],) for run in kept)
    script.write_text(KILLED % (len(kept) + 10))
    done = subprocess.run([sys.executable, script, log], capture_output=True, text=True, check=True)
    numbers = [int(line) for line in done.stdout.split() if line.isdigit()]
    assert numbers == list(range(len(kept) + 1, len(kept) + 11))


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_more_points_than_memory_holds_are_not_begun():
    with pytest.raises(ArgumentError, match=r"count.*100000000000 points.*GiB.*ask for fewer"):
        surefit.Experiment({"a": (0, 1), "b": (0, 2)}).ask(10**11)


def test_ask_and_tell(tmp_path):
    log = tmp_path / "runs.csv"
    experiment = surefit.Experiment(BOX, log=log)
    first = experiment.ask(4)
    second = experiment.ask(3)
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 7  # those on their way are not asked again
    experiment.tell(first, first[:, 0] * first[:, 1])
    experiment.tell(second[0], second[0].prod())
    experiment.tell([0.5, 0.5], math.nan)  # a point of our own, where it failed
    again = surefit.Experiment(BOX, log=log)
    assert (len(again.runs), len(again.failed)) == (6, 1)
    more = again.ask(30)
    assert again.box.contains(more).all()
    again.tell(more, more.prod(axis=1))
    fit = again.fit(method="polynomial")
    assert fit(0.5, 0.5) == pytest.approx(0.25, abs=1e-9)
    assert "36 evaluations, 1 failed" in fit.card()


def test_one_input_takes_numbers():
    experiment = surefit.Experiment("x=0:1")
    assert experiment.ask(2).ravel().tolist() == [0.0, 1.0]  # both ends first
    experiment.tell([0.0, 1.0], [1.0, 2.0])
    experiment.tell(0.5, 1.5)
    assert [run.x for run in experiment.runs] == [(0.0,), (1.0,), (0.5,)]


@pytest.mark.parametrize(
    "x, y", [([0.0], 1.0), ([[0.0, 1.0, 2.0]], [1.0]), ([[0.0, 1.0]], [1.0, 2.0, 3.0]), ("a", 1.0), ([0.0, 1.0], "b")]
)
def test_what_does_not_fit_together_is_not_told(x, y):
    experiment = surefit.Experiment(BOX)
    with pytest.raises(ShapeError, match="tell"):
        experiment.tell(x, y)
    assert not experiment.runs


def test_another_number_of_outputs_is_refused():
    experiment = surefit.Experiment(BOX)
    experiment.tell([0.0, 1.0], [1.0, 2.0])
    with pytest.raises(ShapeError, match="1 values where others have 2"):
        experiment.tell([0.5, 1.0], 1.0)


def test_nothing_told_is_nothing_to_fit():
    with pytest.raises(DataError, match="no evaluation has ended yet"):
        surefit.Experiment(BOX).fit()


# --- where to look ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_filling_points_are_spread_and_go_on(dim):
    box = surefit.Domain([(0, 1)] * dim)
    points = filling(box, 64, 0)
    assert np.array_equal(points[:20], filling(box, 20, 0))
    counts = [np.histogram(column, 8, (0, 1))[0] for column in points.T]
    assert all(c.min() >= 6 for c in counts)  # 8 each, but for the two ends of one input


def test_models_disagree_where_the_function_is_steep_and_points_keep_apart():
    rng = np.random.default_rng(0)
    box = surefit.Domain("x=0:1")
    x = filling(box, 25, 0)
    y = np.tanh(50 * (x - 0.3))
    at = rng.random((2000, 1))
    size = disagreement(box.scale(x), y, box.scale(at), rng)
    steep = np.abs(at[:, 0] - 0.3) < 0.1
    assert size[steep].mean() > 1.5 * size[~steep].mean()
    box = surefit.Domain("x1=0:1, x2=0:1")
    x = filling(box, 60, 0)
    new = next_points(box, x, np.tanh(50 * (x[:, :1] - 0.3)), 20, rng)
    gaps = np.sqrt(np.square(new[:, None] - np.concatenate([new, x])).sum(axis=-1))
    assert np.sort(gaps, axis=1)[:, 1].min() > 0.03  # the first is the point itself


def test_a_model_with_deviations_may_say_where():
    class Model:
        def predict(self, x, return_std):
            assert return_std
            return x[:, 0], np.where(x[:, 0] > 0.5, 1.0, 0.0)

    experiment = surefit.Experiment("x1=0:1, x2=0:1")
    points = experiment.ask(20)
    experiment.tell(points, points[:, 0])
    assert (experiment.ask(10, model=Model())[:, 0] > 0.5).mean() > 0.7


def test_a_time_that_was_spent_on_starting_leaves_some_for_evaluating():
    """As in a process that has yet to import SciPy: a limit of time that is over is no reason to have nothing."""
    fit = surefit.fit(lambda x: x, (0, 1), budget=20, time=1e-3, method=surefit.Polynomial(degree=1))
    assert 1 <= fit.problem.source["evaluated"]["evaluations"] <= 20


def test_an_experiment_takes_points_by_their_names():
    """A frame with its columns in another order had been taken by place."""
    import pandas as pd

    box = {"angle": (0, 1), "speed": (0, 10)}
    frame = pd.DataFrame({"speed": [7.0, 8.0], "angle": [0.1, 0.2], "note": ["a", "b"]})
    told = [
        ({"speed": 7.0, "angle": 0.1}, 1.0),
        ({"speed": [7.0, 8.0], "angle": [0.1, 0.2]}, [1.0, 2.0]),
        (frame, [1.0, 2.0]),
        (frame.iloc[0], 1.0),
        (frame.iloc[:1], 1.0),
        ([0.1, 7.0], 1.0),
    ]
    for x, y in told:
        experiment = surefit.Experiment(box)
        experiment.tell(x, y)
        assert [(run.x, run.y) for run in experiment.runs] == [((0.1, 7.0), (1.0,)), ((0.2, 8.0), (2.0,))][: np.size(y)]
    with pytest.raises(DataError, match=r"tell: .*'speed'"):
        surefit.Experiment(box).tell({"angle": 0.1}, 1.0)


def test_what_is_wrong_with_a_call_is_told_with_its_cure():
    with pytest.raises(DataError, match="return real and imaginary part"):
        surefit.fit(lambda a, b: a + 1j * b, {"a": (0, 1), "b": (0, 1)}, budget=10)


def test_an_error_is_told_to_its_end_or_to_the_end_of_a_word():
    from surefit.problems.runs import SHOWN, Run, Runs

    runs = Runs({"x": (0, 1)})
    for error in ("short", "word " * SHOWN, "x" * 2 * SHOWN):
        told = runs.where(Run(np.array([0.5]), (), error=error)).removeprefix("x=0.5: ")
        assert told == error or (told.endswith(" ...") and error.startswith(told.removesuffix(" ...")))
        assert len(told) <= SHOWN + 4
        assert told == error or error == "x" * 2 * SHOWN or told.split()[-2] == "word"
