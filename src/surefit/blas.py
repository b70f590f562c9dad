"""One BLAS thread inside every solve.

The matrices of small networks gain nothing from several threads, which wait for each other in a loop when the machine
is busy; and another number of threads adds in another order, so that one seed would not be one result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_inside = 0
_limit: Any = None
_controller: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """While inside, also in several threads of Python at once, BLAS uses one thread; afterwards as many as before."""
    global _inside, _limit, _controller
    with _lock:
        if _inside == 0:
            if _controller is None:
                import scipy.linalg  # noqa: F401 - its own BLAS is found only when it is loaded
                from threadpoolctl import ThreadpoolController

                _controller = ThreadpoolController()  # which looks through all libraries, once
            _limit = _controller.limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


__all__ = ["one_thread"]
