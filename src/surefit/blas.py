"""One BLAS thread inside every solve.

The matrices of small networks gain nothing from several threads, which wait for each other in a loop when the machine
is busy; and another number of threads adds in another order, so that one seed would not be one result.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


class _Switch:
    """How many solves run now, and the number of threads that BLAS had before the first.

    The number is one for the process, and threadpoolctl lets only the thread set it that was the first to do so. So one
    thread, made for it, sets it for all.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.hand: ThreadPoolExecutor | None = None
        self.controller: Any = None
        self.limit: Any = None

    def enter(self) -> None:
        """One more solve; BLAS has one thread from the first on."""
        with self.lock:
            if self.inside == 0:
                if self.hand is None:
                    self.hand = ThreadPoolExecutor(1, thread_name_prefix="surefit-blas")
                self.limit = self.hand.submit(self._set).result()
            self.inside += 1

    def leave(self) -> None:
        """One less; after the last BLAS has as many threads as before."""
        with self.lock:
            self.inside -= 1
            if self.inside == 0 and self.hand is not None:
                self.hand.submit(self.limit.restore_original_limits).result()

    def _set(self) -> Any:
        if self.controller is None:
            import scipy.linalg  # noqa: F401 - its own BLAS is found only when it is loaded
            from threadpoolctl import ThreadpoolController

            self.controller = ThreadpoolController()  # which looks through all libraries, once
        return self.controller.limit(limits=1, user_api="blas")


_switch = _Switch()


def _after_fork() -> None:
    """A child process has none of its parent's threads."""
    global _switch
    _switch = _Switch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_thread() -> Iterator[None]:
    """While inside, also in several threads of Python at once, BLAS uses one thread; afterwards as many as before."""
    switch = _switch
    switch.enter()
    try:
        yield
    finally:
        switch.leave()


__all__ = ["one_thread"]
