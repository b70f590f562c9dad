"""Native code in another thread, so that Python stays interruptible."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

# Seconds that the main thread waits at a time. A wait without an end is not woken by Ctrl-C where some library has
# installed a signal handler that restarts system calls (SA_RESTART), as polars does when it is imported.
TICK = 0.1


class _Hand:
    """A thread that waits for the next call: waking it costs the caller a few microseconds, starting one some sixty."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[Background] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="surefit-native", daemon=True)
        self.thread.start()
        self.cores: set[int] = set()  # on which it was last told to run

    def keep_away_from(self, core: int | None) -> None:
        """Let this thread run on all other cores that the process may use, if there are any; None: on all of them.

        Who is woken often begins on the core of who wakes it, and waits there until that one is done: as if there were
        no second core. Moving it takes the scheduler milliseconds. What the process may use is asked for each time, as
        a new thread would inherit it.
        """
        if not hasattr(os, "sched_setaffinity") or self.thread.native_id is None:
            return
        with suppress(OSError):  # where it is forbidden, or the thread is gone
            may = os.sched_getaffinity(os.getpid())
            if (wanted := may - {core} or may) != self.cores:
                os.sched_setaffinity(self.thread.native_id, wanted)
                self.cores = wanted

    def _work(self) -> None:
        while self._do(self.tasks.get()):
            pass

    def _do(self, task: Background) -> bool:
        """Call what is to be called, once; whether this thread is to wait for more."""
        if task.over.is_set():
            return True
        try:
            task.call()
        except BaseException:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
        stays = len(_waiting) < MOST
        if stays:
            _waiting.append(self)  # before the task is over: who waited for it finds this one free
        task.over.set()
        return stays


_waiting: list[_Hand] = []
MOST = 4  # threads that are kept waiting


def _after_fork() -> None:
    _waiting.clear()  # no thread of the parent lives in a child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def _asking_for_the_core() -> Callable[[], int] | None:
    """sched_getcpu of the C library; None where threads are kept on no core, or nobody tells on which they are."""
    try:
        return ctypes.CDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else None
    except (AttributeError, OSError, TypeError):
        return None


def _current_core() -> int | None:
    """The core that runs this thread now, where the system tells."""
    ask = _asking_for_the_core()
    core = -1 if ask is None else ask()
    return None if core < 0 else core


class Background:
    """A call in another thread. beside: the thread that starts it works as well, and each wants a core to itself.

    Not Thread.join: where Ctrl-C interrupts that, Python 3.11 takes a thread that still runs for one that has ended,
    and the memory under its native code would be freed.
    """

    def __init__(self, call: Callable[[], Any], beside: bool = False) -> None:
        self.call, self.over, self.beside = call, threading.Event(), beside
        self.hand: _Hand | None = None

    @property
    def begun(self) -> bool:
        """Whether it was started."""
        return self.hand is not None

    def start(self) -> None:
        """Begin. RuntimeError: the system has no more threads."""
        try:
            self.hand = _waiting.pop()
        except IndexError:
            self.hand = _Hand()
        self.hand.keep_away_from(_current_core() if self.beside else None)
        self.hand.tasks.put(self)

    def finish(self) -> None:
        """Wait until it is over, whatever arrives; an interrupt is raised then."""
        interrupted = False
        if self.hand is None:
            return
        if not self.over.is_set():
            self.hand.tasks.put(self)  # again, should an interrupt have come just before the first time
        while not self.over.is_set():
            try:
                self.over.wait(TICK)
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt


def interruptible(
    call: Callable[[], Any], stop: np.ndarray, seconds: float | None = None, halted: Callable[[], bool] | None = None
) -> None:
    """Run native code in a thread, so that it can be stopped.

    The stop flag is set on Ctrl-C (raised again afterwards), after `seconds`, or when `halted` (asked every 20 ms) says
    so. Outside the main thread no Ctrl-C arrives, and no other thread is needed.
    """
    if threading.current_thread() is not threading.main_thread() and seconds is None and halted is None:
        call()
        return
    worker = Background(call)
    end = None if seconds is None else time.monotonic() + seconds
    try:
        worker.start()
        while not worker.over.is_set():
            left = TICK if end is None else max(0.0, end - time.monotonic())
            worker.over.wait(min(TICK if halted is None else 0.02, left))
            if (end is not None and time.monotonic() >= end) or (halted is not None and halted()):
                stop[0] = 1
                worker.finish()
    except BaseException:
        stop[0] = 1
        worker.finish()
        raise


__all__ = ["TICK", "Background", "interruptible"]
