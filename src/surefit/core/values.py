"""Anything that a tensor can be made of, as its value."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.node import Remembering, value_of
from surefit.core.ops import FLOATS, default, dtype_of, float32, float64, int32, int64
from surefit.errors import DtypeError, ShapeError

ndarray = np.ndarray


def float_lists(data: Any) -> Any:
    """The value of Tensor(data): as of `tensor`, but lists of integers are float32, as PyTorch's class has it."""
    value = as_value(data)
    whole = isinstance(data, (list, tuple, range)) and value.dtype not in FLOATS
    return value.astype(default.float) if whole else value


def as_value(data: Any, dtype: Any = None) -> Any:
    """Anything a Tensor can be made of, as an array of one of our dtypes (copied), or as the value it already is."""
    if isinstance(data, Remembering):
        data = value_of(data)
    if hasattr(data, "aval"):
        return data if dtype is None else ops.cast(data, dtype=dtype_of(dtype))
    own = hasattr(data, "__array__")  # arrays and NumPy's scalars have a dtype of their own
    if isinstance(data, (list, tuple)):
        data, own = numbers_in(data)
    elif isinstance(data, ndarray):
        data = ops.plain_array(data)
    try:
        v = np.array(data)
    except ValueError as e:
        raise ShapeError(f"tensor: data is ragged: {e}") from None
    if v.dtype.kind not in "fiub":
        raise DtypeError(f"tensor: data of dtype {v.dtype} is not numeric; surefit computes with real numbers")
    if v.dtype == np.uint64 and v.size and v.max() > np.iinfo(np.int64).max:
        raise DtypeError(f"tensor: {v.max()} does not fit into int64; cast the data to float first")
    if dtype is not None:
        return v.astype(dtype_of(dtype))
    if v.dtype == float64 and not own:
        return v.astype(default.float)  # Python floats become the default dtype, as in PyTorch
    if not v.dtype.isnative:
        v = v.astype(v.dtype.newbyteorder("="))
    if v.dtype.kind in "iu" and v.dtype not in (int32, int64):
        return v.astype(int32 if v.dtype.itemsize < 4 else int64)
    if v.dtype == np.float16:
        return v.astype(float32)
    dtype_of(v.dtype)
    return v


def numbers_in(data: Any) -> tuple[Any, bool]:
    """Nested lists with the Tensors inside as arrays, and whether one with a dtype of its own is among them."""
    if isinstance(data, (list, tuple)):
        if set(map(type, data)) <= {float, int, bool}:
            return data, False
        pairs = [numbers_in(x) for x in data]
        return [v for v, _ in pairs], any(own for _, own in pairs)
    if isinstance(data, Remembering):
        return np.asarray(data), True
    return data, hasattr(data, "__array__")


__all__ = ["as_value", "float_lists", "numbers_in"]
