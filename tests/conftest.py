"""Shared by all tests: where the outside data lives, and clocks that other processes cannot disturb."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import threading
import time
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption("--part", metavar="K/N", type=_part, help="of the tests marked slow alone the K-th of N parts")


def _part(text):
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r}: a part is such as 2/4, the second of four")
    return int(number), int(parts)


def pytest_ignore_collect(collection_path, config):
    """Files without a long test are not even imported for a part of those."""
    if config.getoption("--part") is not None and collection_path.suffix == ".py":
        return "mark.slow" not in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config, items):
    part = config.getoption("--part")
    if part is not None:
        number, parts = part
        slow = [item for item in items if item.get_closest_marker("slow")]
        kept = slow[number - 1 :: parts]  # of each file some, so that the parts take about as long as each other
        chosen = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = kept


def data_root() -> Path:
    """The folder of outside data and test vectors: $SUREFIT_DATA, else ../shared/data beside the repository."""
    return Path(os.environ.get("SUREFIT_DATA", _ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data():
    """shared_data("opinfo/optim_f64.json") -> Path, or skip saying what is missing."""

    def find(name: str) -> Path:
        path = data_root() / name
        if not path.exists():
            pytest.skip(f"outside data {name!r} not found in {data_root()} (set SUREFIT_DATA)")
        return path

    return find


@contextlib.contextmanager
def _own_time(clock=time.thread_time):
    seconds: list[float] = []
    gc.disable()
    before = clock()
    try:
        yield seconds
        seconds.append(clock() - before)
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def own_time():
    """`with own_time() as seconds: ...`, then seconds[0]: processor time of this thread alone.

    Wall seconds are those of all processes, and one collection of garbage looks through all that a thousand tests
    before this one left. own_time(time.process_time) counts the other threads of this process too.
    """
    return _own_time


class FakeClock:
    """In the place of time.sleep, perf_counter and monotonic: sleeping takes no time, and computing next to none.

    A reading moves it by a microsecond, so that what was entered and left has taken some time.
    """

    def __init__(self) -> None:
        self.now, self._lock = 1000.0, threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds

    def read(self) -> float:
        self.sleep(1e-6)
        return self.now


@pytest.fixture
def fake_clock(monkeypatch):
    """All that surefit and the test read or sleep goes by this clock (see FakeClock); threads still run at once."""
    clock = FakeClock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for name in ("perf_counter", "monotonic"):
        monkeypatch.setattr(time, name, clock.read)
    monkeypatch.setattr("surefit.solvers.result.perf_counter", clock.read)
    return clock
