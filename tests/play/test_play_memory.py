"""Freed memory goes back to the system, where the C library can be asked for that, and nothing happens elsewhere."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from surefit.play import memory

STATM = Path("/proc/self/statm")


@pytest.mark.slow
@pytest.mark.skipif(
    not STATM.exists() or memory._of_c("malloc_trim") is None, reason="needs Linux with the GNU C library"
)
def test_what_was_freed_is_given_back():
    def resident() -> int:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    memory.give_back()
    blocks = [os.urandom(1) * 1000 for _ in range(120_000)]  # too large for Python's own allocator
    last = blocks[-1]  # at the end of the heap: what is before it stays, unless it is asked for
    del blocks
    before = resident()
    memory.give_back()
    assert resident() < before - 50e6 and len(last) == 1000


def test_without_the_function_nothing_is_done(monkeypatch):
    memory._of_c.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    try:
        assert memory._of_c("malloc_trim") is None
        memory.give_back()
    finally:
        memory._of_c.cache_clear()


def test_garbage_in_circles_is_collected():
    class Held:
        pass

    one, other = Held(), Held()
    one.other, other.one = other, one
    seen = weakref.ref(one)
    del one, other
    gc.disable()
    try:
        memory.give_back()
        assert seen() is None
    finally:
        gc.enable()


HEAPS = """
import ctypes, sys, threading
from surefit.play import memory
if sys.argv[1] == "settled":
    memory.settle()
c, gate = ctypes.CDLL(None), threading.Barrier(12)
c.malloc.restype = c.fopen.restype = ctypes.c_void_p
def work():
    gate.wait()
    for _ in range(2000):
        c.malloc(100)
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
file = ctypes.c_void_p(c.fopen(sys.argv[2].encode(), b"w"))
c.malloc_info(0, file)
c.fclose(file)
"""


@pytest.mark.skipif(memory._of_c("mallopt") is None, reason="needs the GNU C library")
def test_the_threads_of_the_server_share_two_heaps(tmp_path):
    count = {}
    for how in ("settled", "else"):
        subprocess.run([sys.executable, "-c", HEAPS, how, str(tmp_path / how)], check=True, timeout=60)
        count[how] = (tmp_path / how).read_text().count("<heap nr=")
    assert count["settled"] <= 2 < count["else"]
