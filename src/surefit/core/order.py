"""The order of floating-point sums in strict mode: declared here, read by the compiler, the exporters and the bounds.

A sum over k is taken in blocks of BLOCK consecutive k: each block one after the other from its first element, then the
blocks' sums in order. A sum over several axes is taken axis by axis, the last first. Multiplication and addition are
rounded apart. So a result does not depend on vector width, threads, or how a batch is split.
"""

from __future__ import annotations

import numpy as np

BLOCK = 16


def strict_sum(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The sum of x along an axis in that order: the slow definition of it.

    >>> float(strict_sum(np.array([1e8, 1.0, -1e8], np.float32)))
    0.0
    """
    rows = np.moveaxis(x, axis, 0)
    total = np.zeros(rows.shape[1:], x.dtype)
    for start in range(0, len(rows), BLOCK):
        part = np.zeros(rows.shape[1:], x.dtype)
        for row in rows[start : start + BLOCK]:
            part = part + row
        total = total + part
    return total
