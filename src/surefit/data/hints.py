"""What somebody knows of a target beforehand, said input by input: {"x": 1, "z": -1}, "x=+1,z=-1", or (1, 0, -1)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from surefit.data.domain import Domain
from surefit.errors import ArgumentError, DomainError
from surefit.spelling import spelled

Signs = tuple[tuple[str | int, int], ...]
Periods = tuple[tuple[str | int, float], ...]
SIGNS = {"+1": 1, "1": 1, "+": 1, "-1": -1, "-": -1, "−1": -1, "−": -1, "0": 0}


def signs_of(given: Any) -> Signs | None:
    """Pairs of an input, its name or its place, and 1 where the target rises with it, -1 where it falls.

    given: a dict by names; a text; a sequence with a number for each input, 0 where nothing is known, as
    scikit-learn's `monotonic_cst`; or such pairs. None where nothing is said. ArgumentError: anything else.

    >>> signs_of("x=+1, z=-1"), signs_of([0, -1])
    ((('x', 1), ('z', -1)), ((0, 0), (1, -1)))
    """
    if given is None:
        return None
    pairs = _pairs("monotone", given, spelled("monotone", '"x=+1,z=-1"'), "directions")
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


def periods_of(given: Any) -> Periods | None:
    """Pairs of an input, its name or its place, and its period, above 0.

    given: a dict by names; a text; a sequence with a period for each input, None or 0 where it has none; or such pairs.
    A period may be a text such as "2*pi". None where nothing is said. ArgumentError: anything else.

    >>> periods_of({"angle": 360}), periods_of("day=7")
    ((('angle', 360.0),), (('day', 7.0),))
    """
    if given is None:
        return None
    found: dict[str | int, float] = {}
    for name, period in _pairs("periodic", given, spelled("periodic", '"angle=360"'), "periods"):
        if isinstance(name, int) and (period is None or period == 0):
            continue
        try:
            size = math.nan if isinstance(period, (bool, np.bool_)) else float(Domain({"p": (0.0, period)}).high[0])
        except (DomainError, ArgumentError, TypeError, ValueError):
            size = math.nan
        if not 0 < size < math.inf:
            raise ArgumentError(f"periodic: {period!r} for {name!r} must be its period, a number above 0 such as 360")
        if name in found:
            raise ArgumentError(f"periodic: {name!r} is given twice; leave one out")
        found[name] = size
    return tuple(found.items()) or None


def _pairs(what: str, given: Any, example: str, kind: str) -> list[tuple[Any, Any]]:
    """Pairs of an input and what is said of it."""
    if isinstance(given, str):
        return _of_text(what, given, example)
    if isinstance(given, Mapping):
        odd = next((name for name in given if not isinstance(name, str)), None)
        if odd is not None:
            raise ArgumentError(f"{what}: {odd!r} is no name of an input; write {example}")
        return list(given.items())
    if isinstance(given, np.ndarray) or (isinstance(given, Iterable) and not isinstance(given, bytes)):
        each = list(np.atleast_1d(given)) if isinstance(given, np.ndarray) else list(given)
        paired = bool(each) and all(isinstance(e, tuple) and len(e) == 2 for e in each)
        return each if paired else list(enumerate(each))
    raise ArgumentError(f"{what}: {given!r} must be the {kind} of inputs, such as {example}")


def _of_text(what: str, text: str, example: str) -> list[tuple[str, str]]:
    """Pairs of a text such as x=+1,z=-1; a name with a comma stands in quotes."""
    pairs: list[tuple[str, str]] = []
    for part in next(csv.reader([text], skipinitialspace=True), []):
        name, equals, value = part.rpartition("=")
        if not equals or not name.strip():
            pairs = []
            break
        pairs.append((name.strip(), value))
    if not pairs:
        raise ArgumentError(f"{what}: cannot read {text!r}; write {example}")
    return pairs


__all__ = ["Periods", "Signs", "periods_of", "signs_of"]
