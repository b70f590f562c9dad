"""One BLAS thread during a solve.

The matrices of a fit are small. Several BLAS threads gain little on them, and on a machine with other work they wait
for each other in busy loops: a fit of 40 ms then takes seconds. They also add in another order, so that the last digits
of a fit would depend on the number of cores. `one_thread()` therefore stands around every solve; the number that was
set before comes back when the last solve of all threads is over.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import ContextDecorator
from types import ModuleType
from typing import Any


def _scipy_is_here() -> bool:
    """Whether scipy.linalg is imported to the end, which brings a BLAS library of its own beside NumPy's."""
    return hasattr(sys.modules.get("scipy.linalg"), "solve_triangular")


def _set(library: Any, threads: int) -> None:
    """Set the number, from whichever thread.

    threadpoolctl 3.7 and later ignore all threads of Python but the first that ever set a number of OpenBLAS, so that
    they do not undo each other's limits; here they are counted instead.
    """
    getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


class _Libraries:
    """The BLAS libraries of this process, how many threads each had, and how many threads of Python are solving."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here = threading.local()  # .depth: how many blocks this thread of Python is inside of
        self.solving = 0
        self.found: list[Any] = []
        self.scanned: bool | None = None  # whether SciPy's was there when they were looked for
        self.former: list[tuple[Any, int]] = []  # what to give back

    def scan(self) -> None:
        """Find the libraries, again when there may be more of them; under the lock."""
        late = _scipy_is_here()
        if self.scanned == late:
            return
        from threadpoolctl import ThreadpoolController

        known = {library.filepath for library in self.found}
        loaded = ThreadpoolController().select(user_api="blas").lib_controllers
        new = [library for library in loaded if library.filepath not in known]
        self.found, self.scanned = self.found + new, late
        if self.solving:
            self.former += [(library, library.get_num_threads()) for library in new]

    def limit(self) -> None:
        """One thread for each library; under the lock."""
        self.scan()
        if not self.solving:
            self.former = [(library, library.get_num_threads()) for library in self.found]
        for library in self.found:
            _set(library, 1)

    def enter(self) -> None:
        depth = getattr(self.here, "depth", 0)
        if depth == 0:
            with self.lock:
                self.limit()
                self.solving += 1
        self.here.depth = depth + 1

    def leave(self) -> None:
        self.here.depth -= 1
        if self.here.depth == 0:
            with self.lock:
                self.solving -= 1
                if not self.solving:
                    self.restore()

    def restore(self) -> None:
        for library, threads in self.former:
            _set(library, threads)
        self.former = []


_libraries = _Libraries()


def _after_fork() -> None:
    """A child has one thread, and of the solves that were running only the one that forked, if it did."""
    global _libraries
    old, _libraries = _libraries, _Libraries()
    depth = getattr(old.here, "depth", 0)
    _libraries.found, _libraries.scanned, _libraries.former = old.found, old.scanned, old.former
    _libraries.here.depth, _libraries.solving = depth, int(depth > 0)
    if old.solving and not depth:
        _libraries.restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class one_thread(ContextDecorator):
    """Let BLAS compute with one thread inside the block or the decorated function.

    Blocks may be nested and may overlap in several threads: the former number is set when the last of them ends.

    >>> with one_thread():
    ...     pass  # the solve
    """

    def __enter__(self) -> None:
        _libraries.enter()

    def __exit__(self, *exception: object) -> None:
        _libraries.leave()


def scipy_linalg() -> ModuleType:
    """scipy.linalg, whose BLAS gets one thread too if any part of SciPy first loads it inside of a block."""
    import scipy.linalg

    if _libraries.solving and not _libraries.scanned:
        with _libraries.lock:
            _libraries.limit()
    return scipy.linalg


__all__ = ["one_thread", "scipy_linalg"]
