"""Where the elements of a view lie in the value that it is a view of, as NumPy and PyTorch count it.

Strides are in elements. They decide whether a reshape is a view or has to copy, which is all that is asked here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Strides = tuple[int, ...]


def contiguous(shape: Sequence[int]) -> Strides:
    """The strides of elements that lie side by side.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def after(name: str, params: dict[str, Any], shape: Sequence[int], strides: Strides | None) -> Strides | None:
    """The strides after a primitive that makes views, None where it has to copy."""
    have = contiguous(shape) if strides is None else strides
    if name == "transpose":
        return tuple(have[i] for i in params["axes"])
    if name == "slice":
        return tuple(s * k for s, k in zip(have, params["step"], strict=True))
    if name == "broadcast_to":
        new = params["shape"]
        lead = len(new) - len(shape)
        return (0,) * lead + tuple(s if n == m else 0 for s, n, m in zip(have, shape, new[lead:], strict=True))
    if name == "diagonal":
        a, b = params["dim1"], params["dim2"]
        return (*(s for i, s in enumerate(have) if i not in (a, b)), have[a] + have[b])
    if name == "unfold":
        axis = params["axis"]
        return (*(s * params["step"] if i == axis else s for i, s in enumerate(have)), have[axis])
    return reshaped(shape, have, params["shape"])


def reshaped(shape: Sequence[int], strides: Strides, new: Sequence[int]) -> Strides | None:
    """The strides of a reshape that copies nothing; None where there are none.

    >>> reshaped((4, 6), (6, 1), (2, 2, 6)), reshaped((6, 4), (1, 6), (24,))
    ((12, 6, 1), None)
    """
    if 0 in shape:
        return contiguous(new)
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    out: list[int] = []
    i = j = 0
    while i < len(old) and j < len(new):  # a group of old axes and one of new axes with as many elements
        have, want, first, start = old[i][0], new[j], i, j
        while have != want:
            if have < want:
                i += 1
                have *= old[i][0]
            else:
                j += 1
                want *= new[j]
        if any(old[k][1] != old[k + 1][0] * old[k + 1][1] for k in range(first, i)):
            return None  # they do not lie side by side
        out += [s * old[i][1] for s in contiguous(new[start : j + 1])]
        i, j = i + 1, j + 1
    return (*out, *(1 for _ in new[j:]))
