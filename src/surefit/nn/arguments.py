"""Checks of arguments that layers share; errors name layer, argument, what came and what was needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.core.ops import default, dtype_of, float32, float64
from surefit.errors import ArgumentError, DtypeError


def positive(layer: str, **sizes: Any) -> None:
    """ArgumentError unless every size is an integer >= 1."""
    for name, n in sizes.items():
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise ArgumentError(f"{layer}: {name}={n!r} must be an integer >= 1")


def probability(layer: str, **values: Any) -> None:
    """ArgumentError unless every value is a number from 0 to 1."""
    for name, p in values.items():
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0.0 <= p <= 1.0:
            raise ArgumentError(f"{layer}: {name}={p!r} must be a probability from 0 to 1")


def one_of(layer: str, name: str, value: Any, choices: tuple[str, ...]) -> Any:
    """The value, or ArgumentError when it is not among the choices."""
    if value not in choices:
        raise ArgumentError(f"{layer}: {name}={value!r} must be one of {', '.join(map(repr, choices))}")
    return value


def float_dtype(layer: str, dtype: Any) -> np.dtype:
    """float32 or float64 as an np.dtype, the default one for None; DtypeError for any other."""
    d = default.float if dtype is None else dtype_of(dtype)
    if d not in (float32, float64):
        raise DtypeError(f"{layer}: dtype={d} must be float32 or float64")
    return d


def per_axis(layer: str, name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    """One integer, or one for each axis, as a tuple; ArgumentError below `least` or for another count."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    for v in values:
        if isinstance(v, bool) or not isinstance(v, (int, np.integer)) or v < least:
            raise ArgumentError(f"{layer}: {name}={value!r} must be an integer >= {least} or {axes} of them")
    if len(values) != axes:
        raise ArgumentError(f"{layer}: {name}={value!r} must be one integer or {axes} of them, got {len(values)}")
    return tuple(int(v) for v in values)
