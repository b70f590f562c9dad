"""Memory that was freed goes back to the system: a server that many use for long must not seem to grow."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """`malloc_trim` of the C library, where it is one that has it (glibc)."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_back() -> None:
    """Give freed memory back to the system, where that can be asked for; it takes about a millisecond.

    Many threads that come and go leave each a heap with gaps, which the allocator would keep.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


__all__ = ["give_back"]
