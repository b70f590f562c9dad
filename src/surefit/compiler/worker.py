"""Native code in a thread of its own, so that Python stays interruptible."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# Seconds that the main thread waits at a time. A wait without an end is not woken by Ctrl-C where some library has
# installed a signal handler that restarts system calls (SA_RESTART), as polars does when it is imported.
TICK = 0.1


class Background:
    """A call in a thread of its own.

    Not Thread.join: where Ctrl-C interrupts that, Python 3.11 takes a thread that still runs for one that has ended,
    and the memory under its native code would be freed.
    """

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call, self.over = call, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.begun = False

    def start(self) -> None:
        """Begin. RuntimeError: the system has no more threads."""
        self.begun = True
        try:
            self.thread.start()
        except RuntimeError:
            self.begun = False
            raise

    def _run(self) -> None:
        try:
            self.call()
        finally:
            self.over.set()

    def finish(self) -> None:
        """Wait until it is over, whatever arrives; an interrupt is raised then."""
        interrupted = False
        while self.begun and not self.over.is_set():
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
