"""Memory that was freed goes back to the system: a server that many use for long must not seem to grow."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """`malloc_trim` of the C library, where it is one that has it (glibc)."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def settle() -> None:
    """What was imported so far stays: later collections of garbage need not look at it, and take milliseconds."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Collect garbage and give freed memory back to the system, where that can be asked for.

    A training leaves circles of objects, which Python collects only when very many have gathered; and threads that come
    and go leave each a heap with gaps, which the allocator would keep.
    """
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


__all__ = ["give_back", "settle"]
