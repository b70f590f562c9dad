"""Memory that was freed goes back to the system: a server that many use for long must not seem to grow."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache

MOST_HEAPS = -8  # M_ARENA_MAX of malloc.h


@cache
def _of_c(name: str) -> Callable[..., int] | None:
    """A function of the C library, where it has it (`malloc_trim` and `mallopt` are glibc's)."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None


def settle() -> None:
    """Before the first request: what was imported stays, and threads share two heaps.

    Later collections of garbage need not look at what was imported, and take milliseconds. glibc would give each of
    many threads a heap of its own, as many as eight for each core, and each keeps what lies between its gaps.
    """
    option = _of_c("mallopt")
    if option is not None:
        option(MOST_HEAPS, 2)
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Collect garbage and give freed memory back to the system, where that can be asked for.

    A training leaves circles of objects, which Python collects only when very many have gathered; and threads that come
    and go leave each a heap with gaps, which the allocator would keep.
    """
    gc.collect()
    trim = _of_c("malloc_trim")
    if trim is not None:
        trim(0)


__all__ = ["give_back", "settle"]
