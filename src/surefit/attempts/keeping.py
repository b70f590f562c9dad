"""The best so far, and for how long nothing has been better."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


class Best:
    """The smallest value so far, its number, and what was kept of it.

    patience: how many numbers may follow without a smaller value; None: as many as there are.
    """

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.value = math.inf
        self.number: int | None = None
        self.kept: Any = None

    def after(self, number: int, value: float, keep: Callable[[], Any]) -> bool:
        """Take note of a value; True, and `keep()` is kept, when it is smaller than all before. NaN never is."""
        if not value < self.value:
            return False
        self.value, self.number, self.kept = value, number, keep()
        return True

    def exhausted(self, number: int) -> bool:
        """Whether patience has ended."""
        return self.patience is not None and number - (self.number or 0) >= self.patience


__all__ = ["Best"]
