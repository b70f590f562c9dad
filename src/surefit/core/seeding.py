"""What `generator=` may be: a seed, a NumPy Generator, or None."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.errors import ArgumentError, DtypeError


def numpy_generator(generator: Any = None) -> np.random.Generator:
    """A NumPy Generator from a seed, a Generator (used as it is), or None for fresh entropy."""
    if isinstance(generator, np.random.Generator):
        return generator
    if generator is None or isinstance(generator, (int, np.integer)):
        if generator is not None and generator < 0:
            raise ArgumentError(f"generator={generator}: a seed must be >= 0")
        return np.random.default_rng(generator)
    raise DtypeError(f"generator={generator!r} must be a seed, a numpy Generator or None")
