"""New tensors: from data, filled, counted, or drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.entropy import numpy_stream
from surefit.core.modes import mode
from surefit.core.ops import default, dtype_of, float64, int64, plain_array
from surefit.core.shapes import size_tuple
from surefit.core.tensor import Tensor, wrap
from surefit.core.values import as_value
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


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros: zeros(2, 3) or zeros((2, 3))."""
    return full(_sizes("zeros", size), 0, dtype=dtype or default.float, requires_grad=requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones."""
    return full(_sizes("ones", size), 1, dtype=dtype or default.float, requires_grad=requires_grad)


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
    dtype = dtype_of(dtype or default.float)
    if start == 0 and step == 1:
        return wrap(ops.iota(size=max(0, -int(-end // 1)), dtype=dtype))
    numbers = np.arange(start, end, step)
    if mode.recorder is None or numbers.size < 2:
        return Tensor(numbers, dtype)
    apart = (start + step) - start  # as NumPy has it
    return wrap(ops.cast(_counted(numbers.size, numbers.dtype, apart) + start, dtype=dtype))


def linspace(start: float, end: float, steps: int, *, dtype: Any = None) -> Tensor:
    """`steps` evenly spaced numbers from start to end, both included."""
    dtype = dtype or default.float
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


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None) -> Tensor:
    """base ** `linspace(start, end, steps)`."""
    return Tensor(np.power(float(base), np.linspace(start, end, steps)), dtype or default.float)


def eye(n: int, m: int | None = None, *, dtype: Any = None) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    rows, columns = _sizes("eye", (n, n if m is None else m))
    return wrap(ops.cast(ops.mask(rows, columns, ops.eq), dtype=dtype_of(dtype or default.float)))


def numpy_generator(generator: Any = None) -> np.random.Generator:
    """A NumPy Generator as of `entropy.numpy_stream`, outside of recorded functions unless it is one already."""
    if not isinstance(generator, (np.random.Generator, int, np.integer)):
        _no_recording("a generator from fresh entropy")
    return numpy_stream(generator)


def _drawn(name: str, draw: Callable[[np.random.Generator], Any], generator: Any, dtype: Any, grad: bool) -> Tensor:
    _no_recording(f"{name}()")
    t = Tensor(draw(numpy_generator(generator)), dtype or default.float)
    return t.requires_grad_() if grad else t


def rand(*size: Any, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1)."""
    shape = _sizes("rand", size)
    return _drawn("rand", lambda g: g.random(shape), generator, dtype, requires_grad)


def randn(*size: Any, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal."""
    shape = _sizes("randn", size)
    return _drawn("randn", lambda g: g.standard_normal(shape), generator, dtype, requires_grad)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal: mean and std are numbers with a size, or tensors, whose shapes broadcast."""
    m, s = (np.asarray(v.detach().numpy() if isinstance(v, Tensor) else v) for v in (mean, std))
    if (s < 0).any():
        raise ArgumentError(f"normal: std must be >= 0, its smallest element is {s.min()}")
    own = next((v.dtype for v in (mean, std) if isinstance(v, Tensor)), None)
    shape = ops.broadcast_shapes("normal", m.shape, s.shape) if size is None else _sizes("normal", (size,))
    return _drawn("normal", lambda g: g.normal(m, s, shape), generator, dtype or own, requires_grad)


def rand_like(x: Any, *, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1), in x's shape and dtype."""
    shape, own, _ = ops.aval_of(x)
    return rand(shape, generator=generator, dtype=dtype or own, requires_grad=requires_grad)


def randn_like(x: Any, *, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal, in x's shape and dtype."""
    shape, own, _ = ops.aval_of(x)
    return randn(shape, generator=generator, dtype=dtype or own, requires_grad=requires_grad)


def randint(low: int, high: Any = None, size: Any = (), *, generator: Any = None, dtype: Any = None) -> Tensor:
    """Uniform integers low <= i < high; randint(high, size) starts from 0."""
    if isinstance(high, (tuple, list)):
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    if low >= high:
        raise ArgumentError(f"randint: no integer is >= low={low} and < high={high}")
    return _drawn("randint", lambda g: g.integers(low, high, tuple(size)), generator, dtype or int64, False)


def randperm(n: int, *, generator: Any = None) -> Tensor:
    """0 .. n-1 in random order."""
    (n,) = _sizes("randperm", (n,))
    return _drawn("randperm", lambda g: g.permutation(n), generator, int64, False)


def bernoulli(p: Any, *, generator: Any = None) -> Tensor:
    """1 with the probability that stands in the same place of p, else 0; in p's dtype."""
    probability = as_tensor(p).detach().numpy()
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ArgumentError("bernoulli: probabilities must be from 0 to 1")
    return _drawn("bernoulli", lambda g: g.random(probability.shape) < probability, generator, probability.dtype, False)


def multinomial(weights: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Places drawn in proportion to weights: (n,) or (rows, n) -> (num_samples,) or (rows, num_samples).

    ArgumentError for weights that are negative, not finite or all 0, or for more samples than weights without
    replacement.
    """
    w = np.asarray(as_tensor(weights).detach().numpy(), np.float64)
    if w.ndim not in (1, 2):
        raise ShapeError(f"multinomial: weights must be (n,) or (rows, n), got {w.shape}")
    if not (np.isfinite(w).all() and (w >= 0).all() and (w.sum(-1) > 0).all()):
        raise ArgumentError("multinomial: weights must be finite and >= 0, with one above 0 in each row")
    if not replacement and (num_samples > (w > 0).sum(-1)).any():
        raise ArgumentError(f"multinomial: {num_samples} samples without replacement need as many weights above 0")

    def draw(g: np.random.Generator) -> np.ndarray:
        rows = np.atleast_2d(w / w.sum(-1, keepdims=True))
        picked = [g.choice(rows.shape[1], num_samples, replace=replacement, p=row) for row in rows]
        return np.reshape(picked, (*w.shape[:-1], num_samples))

    return _drawn("multinomial", draw, generator, int64, False)


def _no_recording(name: str) -> None:
    if mode.recorder is not None:
        raise CapturedError(
            f"{name} inside a recorded function would freeze one draw into the program; make a surefit.Generator "
            f"outside, whose counter is state (Generator.uniform, .normal, Dropout(generator=)), or pass the numbers "
            f"as an argument"
        )


__all__ = [
    "arange", "as_tensor", "bernoulli", "eye", "from_numpy", "full", "full_like", "linspace", "logspace", "multinomial",
    "normal", "numpy_generator", "ones", "ones_like", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
    "tensor", "zeros", "zeros_like",
]  # fmt: skip
