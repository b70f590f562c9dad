"""What asks a command to end: Ctrl-C, SIGTERM (`kill`, a batch system), SIGHUP (a terminal that is closed).

All three act as Ctrl-C does: a fit ends with the best that it has, which is written. The exit code is 128 and the
number of the signal, as shells have it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP

TWICE = 1.0  # seconds within which a second signal is the same wish: a key is easily pressed twice

_number: int = signal.SIGINT  # of the last one
_came_at = -TWICE  # when it interrupted


def exit_code() -> int:
    """128 and the number of the signal that came last: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + _number


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Within the block each of these signals raises KeyboardInterrupt. One that is ignored, as by nohup, stays so."""
    with _handled_by(_interrupt):
        yield


@contextmanager
def held() -> Iterator[None]:
    """A signal that comes within the block interrupts after it: what is written there is written whole."""
    came = False

    def note(number: int, frame: Any) -> None:
        nonlocal came
        global _number
        _number, came = number, True

    with _handled_by(note):
        yield
    if came:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: Any) -> None:
    global _number, _came_at
    now = time.monotonic()
    if now - _came_at >= TWICE:
        _number, _came_at = number, now
        raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # to which alone signals come
        yield
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {n: signal.getsignal(n) for n in numbers}
    mine = [n for n in numbers if before[n] not in (signal.SIG_IGN, None)]
    try:
        for n in mine:
            signal.signal(n, handler)
        yield
    finally:
        for n in mine:
            signal.signal(n, before[n])


__all__ = ["as_interrupts", "exit_code", "held"]
