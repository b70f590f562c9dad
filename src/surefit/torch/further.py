"""Functions of `torch` that surefit has no use for itself, each from others."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.core import creation, ops
from surefit.core import functions as F
from surefit.core.node import value_of
from surefit.core.shapes import Found, normalize_axis
from surefit.core.tensor import Tensor
from surefit.errors import ShapeError


def promote_types(type1: Any, type2: Any) -> Any:
    """The dtype of the sum of two tensors: the floating one of two kinds, the wider of one kind.

    >>> from surefit.torch import float32, int64
    >>> str(promote_types(float32, int64))
    'float32'
    """
    a, b = ops.dtype_of(type1), ops.dtype_of(type2)
    if (a in ops.FLOATS) != (b in ops.FLOATS):
        return a if a in ops.FLOATS else b
    return ops.dtype_of(np.promote_types(a, b))


def tensor_split(input: Any, indices_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of almost equal size along dim, or those between indices."""
    axis = normalize_axis("tensor_split", dim, len(F.shape_of(input)))
    length = F.shape_of(input)[axis]
    cuts = np.array_split(np.arange(length), indices_or_sections)
    sizes = [len(cut) for cut in cuts]
    ends = np.cumsum([0, *sizes]).tolist()
    front = (slice(None),) * axis
    return tuple(input[(*front, slice(a, b))] for a, b in itertools.pairwise(ends))


def block_diag(*tensors: Any) -> Tensor:
    """Matrices along a diagonal, zeros elsewhere."""
    rows = []
    blocks = [F.reshape(t, (1, -1)) if len(F.shape_of(t)) < 2 else t for t in tensors]
    width, left = sum(F.shape_of(b)[1] for b in blocks), 0
    for block in blocks:
        own = F.shape_of(block)[1]
        rows.append(F.pad(block, (left, width - left - own)))
        left += own
    return F.cat(rows, 0)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of x (n,) as columns, the highest first unless increasing."""
    powers = range(F.shape_of(x)[0] if N is None else N)
    return F.stack([x**k for k in (powers if increasing else reversed(powers))], dim=1)


def logcumsumexp(input: Any, dim: int) -> Tensor:
    """log(cumsum(exp(input))) along dim, without overflow. O(n^2) in the size of the axis."""
    rows = F.movedim(input, dim, -1)
    n = rows.shape[-1]
    table = F.broadcast_to(F.unsqueeze(rows, -2), (*rows.shape[:-1], n, n))
    table = F.where(creation.tensor(np.tri(n, dtype=bool)), table, -np.inf)
    return F.movedim(F.logsumexp(table, -1), -1, dim)


def _running(name: str, best: np.ufunc) -> Any:
    def running(input: Any, dim: int) -> Any:
        axis = normalize_axis(name, dim, len(F.shape_of(input)))
        values = value_of(input)
        if not values.size:
            raise ShapeError(f"{name}: there is nothing along dim {dim} of shape {values.shape}")
        shape = [1] * values.ndim
        shape[axis] = -1
        places = np.arange(values.shape[axis]).reshape(shape)
        places = np.where(values == best.accumulate(values, axis=axis), places, 0)
        index = creation.tensor(np.maximum.accumulate(places, axis=axis))
        return Found(F.gather(input, axis, index), index)

    running.__name__ = name
    running.__doc__ = f"Running {best.__name__} along dim: values, and where each stands."
    return running


cummax, cummin = _running("cummax", np.maximum), _running("cummin", np.minimum)
FURTHER = {
    "promote_types": promote_types, "tensor_split": tensor_split, "block_diag": block_diag, "vander": vander,
    "logcumsumexp": logcumsumexp, "cummax": cummax, "cummin": cummin,
}  # fmt: skip

__all__ = ["FURTHER"]
