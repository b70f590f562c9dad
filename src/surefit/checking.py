"""What arguments must be: one check for each kind, with one way to say what came and what was needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.errors import ArgumentError


def whole_number(name: str, value: Any, least: int) -> int:
    """The value as an int. ArgumentError when it is not a whole number, or less than `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name}={value!r} must be a whole number >= {least}")
    return int(value)


def positive_number(name: str, value: Any) -> float | None:
    """The value as a float, None as None. ArgumentError when it is not a finite number > 0."""
    if value is None:
        return None
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (number and 0 < value < math.inf):
        raise ArgumentError(f"{name}={value!r} must be a number > 0")
    return float(value)


__all__ = ["positive_number", "whole_number"]
