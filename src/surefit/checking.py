"""What arguments must be: one check for each kind, with one way to say what came and what was needed."""

from __future__ import annotations

import difflib
import math
import os
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from surefit.errors import ArgumentError, SurefitError


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning of the line that called surefit, however many functions of its own lie between."""
    level, frame, own = 1, sys._getframe(0), ("surefit", "contextlib")  # which enters what is a generator of ours
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in own:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def whole_number(name: str, value: Any, least: int) -> int:
    """The value as an int. ArgumentError when it is not a whole number, or less than `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name}={value!r} must be a whole number >= {least}")
    return int(value)


def is_real(value: Any) -> bool:
    """Whether the value is one real number, of Python or NumPy."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def positive_number(name: str, value: Any) -> float | None:
    """The value as a float, None as None. ArgumentError when it is not a finite number > 0."""
    if value is None:
        return None
    if not (is_real(value) and 0 < value < math.inf):
        raise ArgumentError(f"{name}={value!r} must be a number > 0")
    return float(value)


def number_array(name: str, values: Any, wanted: str = "an array of numbers") -> np.ndarray:
    """Numbers as a float64 array; what is masked is NaN. ArgumentError for times, complex and other things."""
    try:
        array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
        if array.dtype.kind not in "cMm":  # NumPy would count times in whatever unit they have
            masked = isinstance(array, np.ma.MaskedArray)
            return np.ma.filled(array.astype(np.float64), np.nan) if masked else np.asarray(array, np.float64)
    except (TypeError, ValueError, OverflowError):
        came = repr(values) if isinstance(values, str) else type(values).__name__
        raise ArgumentError(f"{name}: expected {wanted}, got {came}") from None
    if array.dtype.kind in "Mm":
        raise ArgumentError(f"{name}: these are times; give numbers, such as seconds since the first")
    raise ArgumentError(f"{name}: these are complex numbers, of which no part may be dropped; give real ones")


def near(name: Any, known: Iterable[Any]) -> str:
    """Half a sentence with what there is, and before it the one that was meant, if one is near in spelling or case.

    >>> near("Degree", ["hours", "degrees"])
    "; did you mean 'degrees'? it has hours, degrees"
    """
    words = [str(word) for word in known]
    lower = {word.lower(): word for word in words}
    close = difflib.get_close_matches(str(name).lower(), lower, 1)
    return (f"; did you mean {lower[close[0]]!r}? it has " if close else "; it has ") + ", ".join(words)


def check_memory(
    name: str, needed: float, purpose: str, cure: str, *, error: type[SurefitError] = ArgumentError
) -> None:
    """An error when so many bytes are more than this process can ever have. name: of the argument or file to blame.

    Asked before anything is computed: the system itself may say no after minutes, or end the process without a word.
    """
    limit = memory_limit()
    if needed > limit:
        sizes = f"{needed / 2**30:.3g} GiB of memory, and there are {limit / 2**30:.3g} here"
        raise error(f"{name}: {purpose} takes {sizes}; {cure}")


def memory_limit() -> float:
    """The bytes that this process may have at most: of the machine, its container, its own limit; inf if unknown."""
    limits = [math.inf]
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max": there is no limit
            limits.append(int(Path(file).read_text(encoding="ascii")))
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        limits.append(math.inf if soft == resource.RLIM_INFINITY else soft)
    return min(limits)


def memory_peak() -> float | None:
    """The most bytes that this process has held so far; None where the system does not tell. It never falls.

    Linux counts in `ru_maxrss` what the process held from which this one was made, a notebook's server for one, and its
    VmHWM may be a little less than it was: the counts of threads are added up now and then.
    """
    now = _told_peak()
    if now is None:
        return None
    _seen[0] = max(_seen[0], now)
    return _seen[0]


_seen = [0.0]


def _told_peak() -> float | None:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024.0 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


__all__ = [
    "check_memory",
    "is_real",
    "memory_limit",
    "memory_peak",
    "near",
    "number_array",
    "positive_number",
    "whole_number",
]
