"""New tensors: from data, filled, counted, or drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.ops import dtype_of, float32, float64, int64, plain_array
from surefit.core.shapes import size_tuple
from surefit.core.tensor import Tensor, as_value, mode, wrap
from surefit.errors import ArgumentError, CapturedError, DtypeError, ShapeError


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new leaf from numbers, nested lists, arrays or another tensor (copied).

    Python floats become float32; arrays keep their dtype. DtypeError for text, objects or complex numbers.

    >>> tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    t = wrap(as_value(data, dtype))
    return t.requires_grad_() if requires_grad else t


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """A tensor as it is, anything else through `tensor`."""
    return data if isinstance(data, Tensor) and dtype in (None, data.dtype) else tensor(data, dtype)


def from_numpy(array: np.ndarray) -> Tensor:
    """A leaf that shares the array's memory: do not write into the array while the tensor is in use.

    What is changed in place in the tensor does not reach the array.
    """
    if not isinstance(array, np.ndarray):
        raise DtypeError(f"from_numpy: needs a NumPy array, got {type(array).__name__}; use tensor(...)")
    dtype_of(array.dtype)
    return wrap(plain_array(array))


def _sizes(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = size_tuple(name, size)
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: sizes must be >= 0, got {shape}")
    return shape


def full(size: Any, fill_value: float, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One number everywhere."""
    shape = _sizes("full", (size,) if not isinstance(size, (tuple, list)) else tuple(size))
    t = wrap(np.broadcast_to(as_value(fill_value, dtype), shape))  # one number in memory; nothing large to record
    return t.requires_grad_() if requires_grad else t


def zeros(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    """Zeros: zeros(2, 3) or zeros((2, 3))."""
    return full(_sizes("zeros", size), 0, dtype=dtype, requires_grad=requires_grad)


def ones(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    """Ones."""
    return full(_sizes("ones", size), 1, dtype=dtype, requires_grad=requires_grad)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return full(ops.aval_of(x).shape, 0, dtype=dtype or ops.aval_of(x).dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return full(ops.aval_of(x).shape, 1, dtype=dtype or ops.aval_of(x).dtype)


def full_like(x: Any, fill_value: float, dtype: Any = None) -> Tensor:
    """One number everywhere, in x's shape and dtype."""
    return full(ops.aval_of(x).shape, fill_value, dtype=dtype or ops.aval_of(x).dtype)


def arange(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None) -> Tensor:
    """start, start + step, ... below end (as range); int64 for integers, else float32."""
    if end is None:
        start, end = 0, start
    if step == 0:
        raise ArgumentError("arange: step must not be 0")
    if dtype is None and all(isinstance(v, int) for v in (start, end, step)):
        dtype = int64
    dtype = dtype_of(dtype or float32)
    if start == 0 and step == 1:
        return wrap(ops.iota(size=max(0, -int(-end // 1)), dtype=dtype))
    numbers = np.arange(start, end, step)
    if mode.recorder is None or numbers.size < 2:
        return Tensor(numbers, dtype)
    apart = (start + step) - start  # as NumPy has it
    return wrap(ops.cast(_counted(numbers.size, numbers.dtype, apart) + start, dtype=dtype))


def linspace(start: float, end: float, steps: int, *, dtype: Any = float32) -> Tensor:
    """`steps` evenly spaced numbers from start to end, both included."""
    if steps < 0:
        raise ArgumentError(f"linspace: steps={steps} must be >= 0")
    if mode.recorder is None or steps < 2:
        return Tensor(np.linspace(start, end, steps), dtype)
    numbers = _counted(steps, float64, (end - start) / (steps - 1)) + float(start)
    last = ops.eq(ops.iota(size=steps, dtype=int64), steps - 1)
    return wrap(ops.cast(ops.where(last, float(end), numbers), dtype=dtype_of(dtype)))


def _counted(size: int, dtype: np.dtype, apart: float) -> Any:
    """0, apart, 2 apart, ... as a recorded name: an array would be frozen into the program."""
    return ops.iota(size=size, dtype=dtype) * apart


def eye(n: int, m: int | None = None, *, dtype: Any = float32) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    rows, columns = _sizes("eye", (n, n if m is None else m))
    return wrap(ops.cast(ops.mask(rows, columns, ops.eq), dtype=dtype_of(dtype)))


def numpy_generator(generator: Any = None) -> np.random.Generator:
    """A NumPy Generator from a seed, a Generator (used as it is), or None for fresh entropy."""
    if isinstance(generator, np.random.Generator):
        return generator
    if generator is None:
        _no_recording("a generator from fresh entropy")
    if generator is None or isinstance(generator, (int, np.integer)):
        if generator is not None and generator < 0:
            raise ArgumentError(f"generator={generator}: a seed must be >= 0")
        return np.random.default_rng(generator)
    raise DtypeError(f"generator={generator!r} must be a seed, a numpy Generator or None")


def rand(*size: Any, generator: Any = None, dtype: Any = float32) -> Tensor:
    """Uniform on [0, 1)."""
    _no_recording("rand()")
    return Tensor(numpy_generator(generator).random(_sizes("rand", size)), dtype)


def randn(*size: Any, generator: Any = None, dtype: Any = float32) -> Tensor:
    """Standard normal."""
    _no_recording("randn()")
    return Tensor(numpy_generator(generator).standard_normal(_sizes("randn", size)), dtype)


def randint(low: int, high: Any = None, size: Any = (), *, generator: Any = None) -> Tensor:
    """Uniform integers low <= i < high; randint(high, size) starts from 0."""
    if isinstance(high, (tuple, list)):
        high, size = None, high
    _no_recording("randint()")
    low, high = (0, low) if high is None else (low, high)
    if low >= high:
        raise ArgumentError(f"randint: no integer is >= low={low} and < high={high}")
    return Tensor(numpy_generator(generator).integers(low, high, size), int64)


def randperm(n: int, *, generator: Any = None) -> Tensor:
    """0 .. n-1 in random order."""
    _no_recording("randperm()")
    (n,) = _sizes("randperm", (n,))
    return Tensor(numpy_generator(generator).permutation(n), int64)


def _no_recording(name: str) -> None:
    if mode.recorder is not None:
        raise CapturedError(
            f"{name} inside a recorded function would freeze one draw into the program; make a surefit.Generator "
            f"outside, whose counter is state (Generator.uniform, .normal, Dropout(generator=)), or pass the numbers "
            f"as an argument"
        )


__all__ = [
    "arange", "as_tensor", "eye", "from_numpy", "full", "full_like", "linspace", "numpy_generator", "ones", "ones_like",
    "rand", "randint", "randn", "randperm", "tensor", "zeros", "zeros_like",
]  # fmt: skip
