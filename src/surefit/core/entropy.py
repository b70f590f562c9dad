"""Where random numbers come from: a seed, a Generator of surefit or of NumPy, or None."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.errors import ArgumentError, DtypeError

unnamed: list[Any] = [None]  # the stream that generator=None stands for (`random.manual_seed`); None: fresh entropy


def numpy_stream(generator: Any = None) -> np.random.Generator:
    """A NumPy Generator from a seed, a surefit or NumPy Generator, or None for fresh entropy.

    A NumPy Generator is used as it is; a surefit Generator starts one, and its counter moves on.
    """
    generator = unnamed[0] if generator is None else generator
    if isinstance(generator, np.random.Generator):
        return generator
    if generator is None or isinstance(generator, (int, np.integer)):
        if generator is not None and generator < 0:
            raise ArgumentError(f"generator={generator}: a seed must be >= 0")
        return np.random.default_rng(generator)
    if hasattr(generator, "counter") and hasattr(generator, "numpy"):
        return generator.numpy()
    raise DtypeError(f"generator={generator!r} must be a seed, a Generator of surefit or NumPy, or None")


__all__ = ["numpy_stream", "unnamed"]
