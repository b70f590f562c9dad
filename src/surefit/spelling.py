"""How an error spells an argument: as in Python, `drop_missing=True`, or as the command line does, `--drop-missing`.

A message that tells what to do about it names arguments by `spelled` or `cure`; whoever called decides how they look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# (argument, value as Python writes it, or "") -> how it is spelled, or None where the caller has no such argument
Way = Callable[[str, str], str | None]

_way: Way | None = None  # None: Python. Not a context variable: threads of one command speak alike


@contextmanager
def spelling(way: Way) -> Iterator[None]:
    """Within the block arguments are spelled this way."""
    global _way
    before, _way = _way, way
    try:
        yield
    finally:
        _way = before


def spelled(name: str, value: str = "", python: str = "") -> str:
    """An argument with a value, as whoever called spells it. python: its text in Python, if not `name=value`.

    >>> spelled("drop_missing", "True")
    'drop_missing=True'
    """
    own = None if _way is None else _way(name, value)
    return own or python or (f"{name}={value}" if value else name)


def cure(text: str, name: str, value: str = "", python: str = "") -> str:
    """The text with {} as the argument; nothing where whoever called has no such argument.

    >>> cure(", or leave such rows out with {}", "drop_missing", "True")
    ', or leave such rows out with drop_missing=True'
    """
    if _way is not None and _way(name, value) is None:
        return ""
    return text.format(spelled(name, value, python))


_SAMPLING = re.compile(r"(?:data=)?(?:surefit\.)?Sampling\((\w+)=((?:[^()]|\([^()]*\))*)\)")


def respelled(text: str) -> str:
    """A text in which arguments of `Sampling` are spelled as whoever called spells them, where it has them.

    >>> respelled("hold out more, data=Sampling(split=(0.6, 0.2, 0.2))")
    'hold out more, data=Sampling(split=(0.6, 0.2, 0.2))'
    >>> with spelling(lambda name, value: f"--{name} {value}"):
    ...     respelled("hold out more, data=Sampling(split=(0.6, 0.2, 0.2))")
    'hold out more, --split (0.6, 0.2, 0.2)'
    """
    way = _way
    return text if way is None else _SAMPLING.sub(lambda found: way(*found.groups()) or found[0], text)


__all__ = ["cure", "respelled", "spelled", "spelling"]
