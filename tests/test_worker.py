"""Calls in another thread: the threads stay and are used again, whatever a call does."""

import os
import threading
import weakref

import pytest

from surefit import worker
from surefit.worker import Background


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    monkeypatch.setattr(worker, "_waiting", [])


def run(call):
    task = Background(call)
    task.start()
    task.finish()
    return task


def test_one_thread_serves_call_after_call():
    seen = []
    for _ in range(50):
        run(lambda: seen.append(threading.get_ident()))
    assert len(seen) == 50 and len(set(seen)) == 1 and seen[0] != threading.get_ident()


def test_calls_side_by_side_have_threads_of_their_own_of_which_few_stay():
    meet = threading.Barrier(worker.MOST + 4)
    tasks = [Background(meet.wait) for _ in range(worker.MOST + 3)]
    for task in tasks:
        task.start()
    meet.wait(60)
    for task in tasks:
        task.finish()
    assert len(worker._waiting) <= worker.MOST + 1  # two may have looked at the same time
    assert len({id(hand) for hand in worker._waiting}) == len(worker._waiting)


def test_an_error_in_a_call_is_told_and_the_next_call_runs(monkeypatch):
    told, seen = [], []
    monkeypatch.setattr(threading, "excepthook", lambda e: told.append(e.exc_value))
    assert run(lambda: 1 / 0).over.is_set()
    run(lambda: seen.append(1))
    assert seen == [1] and isinstance(told[0], ZeroDivisionError) and len(worker._waiting) == 1


def test_an_interrupt_just_before_the_call_is_handed_over_loses_nothing():
    seen = []
    run(lambda: None)
    task = Background(lambda: seen.append(1))
    task.hand = worker._waiting.pop()  # as `start` does, which is cut off here
    task.finish()
    task.finish()
    assert seen == [1]
    run(lambda: seen.append(2))
    assert seen == [1, 2]


def test_what_a_call_refers_to_is_not_kept_by_the_thread():
    class Large:
        pass

    gone = threading.Event()

    def begin():
        large = Large()
        weakref.finalize(large, gone.set)
        task = Background(lambda: large)
        task.start()
        task.finish()

    begin()
    assert gone.wait(10)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs os.sched_setaffinity")
def test_who_works_beside_the_caller_is_kept_on_other_cores_while_it_does(monkeypatch):
    every = os.sched_getaffinity(os.getpid())
    own = min(every)
    monkeypatch.setattr(worker, "_current_core", lambda: own)
    seen = []

    def ask():
        seen.append(os.sched_getaffinity(0))

    for beside in (False, True, True, False):
        task = Background(ask, beside)
        task.start()
        task.finish()
    assert seen == [every, every - {own} or every, every - {own} or every, every]
    assert os.sched_getaffinity(os.getpid()) == every
    monkeypatch.setattr(worker, "_current_core", lambda: None)  # nobody tells
    task = Background(ask, True)
    task.start()
    task.finish()
    assert seen[-1] == every


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs os.sched_setaffinity")
def test_a_thread_that_waits_follows_the_cores_that_the_process_is_left():
    """As a new one inherits them: who limits a process after its first call has limited it."""
    every, seen = os.sched_getaffinity(0), []
    run(lambda: seen.append(os.sched_getaffinity(0)))
    try:
        os.sched_setaffinity(0, {max(every)})
        run(lambda: seen.append(os.sched_getaffinity(0)))
    finally:
        os.sched_setaffinity(0, every)
    run(lambda: seen.append(os.sched_getaffinity(0)))
    assert seen == [every, {max(every)}, every] and len(worker._waiting) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs os.sched_setaffinity")
def test_the_core_that_runs_a_thread_is_one_that_it_may_use():
    core = worker._current_core()
    assert core is None or core in os.sched_getaffinity(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_process_starts_threads_of_its_own():
    run(lambda: None)
    child = os.fork()
    if not child:
        seen = []
        run(lambda: seen.append(1))
        os._exit(0 if seen == [1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
