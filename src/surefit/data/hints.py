"""What somebody knows of a target beforehand, said input by input: {"x": 1, "z": -1}, "x=+1,z=-1", or (1, 0, -1)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from surefit.errors import ArgumentError
from surefit.spelling import spelled

Signs = tuple[tuple[str | int, int], ...]
SIGNS = {"+1": 1, "1": 1, "+": 1, "-1": -1, "-": -1, "−1": -1, "−": -1, "0": 0}


def signs_of(given: Any) -> Signs | None:
    """Pairs of an input, its name or its place, and 1 where the target rises with it, -1 where it falls.

    given: a dict by names; a text; a sequence with a number for each input, 0 where nothing is known, as
    scikit-learn's `monotonic_cst`; or such pairs. None where nothing is said. ArgumentError: anything else.

    >>> signs_of("x=+1, z=-1"), signs_of([0, -1])
    ((('x', 1), ('z', -1)), ((1, -1),))
    """
    if given is None:
        return None
    example = spelled("monotone", '{"x": 1, "z": -1}')
    if isinstance(given, str):
        pairs: list[tuple[Any, Any]] = _of_text(given, example)
    elif isinstance(given, Mapping):
        pairs = list(given.items())
        odd = next((name for name, _ in pairs if not isinstance(name, str)), None)
        if odd is not None:
            raise ArgumentError(f"monotone: {odd!r} is no name of an input; write {example}")
    elif isinstance(given, np.ndarray) or (isinstance(given, Iterable) and not isinstance(given, bytes)):
        each = list(np.atleast_1d(given)) if isinstance(given, np.ndarray) else list(given)
        paired = bool(each) and all(isinstance(e, tuple) and len(e) == 2 for e in each)
        pairs = each if paired else list(enumerate(each))
    else:
        raise ArgumentError(f"monotone: {given!r} must be the directions of inputs, such as {example}")
    found: dict[str | int, int] = {}
    for name, sign in pairs:
        whole = _sign(sign)
        if whole is None:
            raise ArgumentError(
                f"monotone: {sign!r} for {name!r} must be 1, where the target rises with it, -1, where it falls, or 0"
            )
        if name in found:
            raise ArgumentError(f"monotone: {name!r} is given twice; leave one out")
        found[name] = whole
    told = isinstance(given, (str, Mapping)) or all(isinstance(name, str) for name in found)
    if told:
        return tuple((name, sign) for name, sign in found.items() if sign) or None
    return tuple(found.items()) if any(found.values()) else None


def _sign(given: Any) -> int | None:
    """1, -1 or 0; None for anything else."""
    if isinstance(given, str):
        return SIGNS.get(given.strip())
    if isinstance(given, (bool, np.bool_)):
        return None
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    return int(number) if number in (1.0, -1.0, 0.0) else None


def _of_text(text: str, example: str) -> list[tuple[str, str]]:
    """Pairs of a text such as x=+1,z=-1; a name with a comma stands in quotes."""
    parts = next(csv.reader([text], skipinitialspace=True), [])
    pairs = []
    for part in parts:
        name, equals, value = part.rpartition("=")
        if not equals or not name.strip():
            raise ArgumentError(f"monotone: cannot read {text!r}; write {example}")
        pairs.append((name.strip(), value))
    if not pairs:
        raise ArgumentError(f"monotone: cannot read {text!r}; write {example}")
    return pairs


__all__ = ["Signs", "signs_of"]
