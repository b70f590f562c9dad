"""Initialisation: each function gives a leaf new values and returns it, under PyTorch's names.

`generator` is a seed, a NumPy Generator (to draw several leaves from one stream), or None for fresh entropy.
Numbers are drawn in float64 and rounded to the leaf's dtype, so that one seed means one network in either
precision.

A weight is (out, in, *kernel): fan_in = in * size of the kernel, fan_out = out * size of the kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core.creation import numpy_generator
from surefit.core.modes import mode as running
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, CapturedError, DtypeError, ShapeError
from surefit.nn.arguments import one_of


def _generator(name: str, generator: Any) -> np.random.Generator:
    if running.recorder is not None:
        raise CapturedError(f"init.{name} inside a recorded function would freeze one draw; call it before")
    return numpy_generator(generator)


def _assign(name: str, leaf: Tensor, values: Any) -> Tensor:
    if not isinstance(leaf, Tensor):
        raise DtypeError(f"init.{name}: needs a Tensor (a leaf) to assign, got {type(leaf).__name__}")
    return leaf.assign(np.asarray(values).astype(leaf.dtype))


def _fans(name: str, leaf: Tensor) -> tuple[int, int]:
    if leaf.ndim < 2:
        raise ShapeError(f"init.{name}: needs a weight with at least two axes (out, in, ...), got shape {leaf.shape}")
    kernel = math.prod(leaf.shape[2:])
    return max(1, leaf.shape[1] * kernel), max(1, leaf.shape[0] * kernel)  # 1: an empty leaf has nothing to draw


def _fan(name: str, leaf: Tensor, which: str) -> int:
    one_of(f"init.{name}", "mode", which, ("fan_in", "fan_out"))
    return _fans(name, leaf)[which == "fan_out"]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on the standard deviation that goes with an activation (`param`: leaky_relu's slope, 0.01).

    1 for linear, conv and sigmoid, 5/3 for tanh, sqrt 2 for relu, sqrt(2 / (1 + slope^2)) for leaky_relu, 3/4
    for selu.

    >>> calculate_gain("relu") == calculate_gain("leaky_relu", 0.0) == 2**0.5
    True
    """
    one = ("linear", "conv1d", "conv2d", "sigmoid")
    one_of("init.calculate_gain", "nonlinearity", nonlinearity, (*one, "tanh", "relu", "leaky_relu", "selu"))
    if nonlinearity in one:
        return 1.0
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ArgumentError(f"init.calculate_gain: param={slope!r} must be the slope of leaky_relu, a number")
        return math.sqrt(2.0 / (1.0 + slope * slope))
    return {"tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}[nonlinearity]


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere.

    >>> from surefit.core.creation import zeros
    >>> constant_(zeros(3), 0.5)
    tensor([0.5, 0.5, 0.5])
    """
    return _assign("constant_", tensor, np.full(tensor.shape, val))


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b]."""
    if not a <= b:
        raise ArgumentError(f"init.uniform_: a={a} must not be above b={b}")
    drawn = _generator("uniform_", generator).uniform(a, b, tensor.shape)
    return _assign("uniform_", tensor, drawn)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    if not std >= 0.0:
        raise ArgumentError(f"init.normal_: std={std} must be >= 0")
    drawn = _generator("normal_", generator).normal(mean, std, tensor.shape)
    return _assign("normal_", tensor, drawn)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Normal(mean, std) restricted to [a, b] (values, not multiples of std), by the inverse of its cdf."""
    if not (std > 0.0 and a < b):
        raise ArgumentError(f"init.trunc_normal_: needs std > 0 and a < b, got std={std}, a={a}, b={b}")
    from scipy.special import ndtr, ndtri

    low, high = (a - mean) / std, (b - mean) / std
    side = -1.0 if low > 0 else 1.0  # work in the left tail, where the cdf keeps its relative accuracy
    low, high = (low, high) if side > 0 else (-high, -low)
    u = _generator("trunc_normal_", generator).uniform(ndtr(low), ndtr(high), tensor.shape)
    return _assign("trunc_normal_", tensor, np.clip(mean + std * side * ndtri(u), a, b))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on +-gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / sum(_fans("xavier_uniform_", tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans("xavier_normal_", tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Uniform on +-gain sqrt(3 / fan) (He, Zhang, Ren, Sun 2015); `a` is the slope of leaky_relu."""
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _fan("kaiming_uniform_", tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with standard deviation gain / sqrt(fan) (He and others 2015); `a` is leaky_relu's slope."""
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan("kaiming_normal_", tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """gain times a random matrix with orthonormal rows or columns, whichever are fewer.

    Saxe, McClelland, Ganguli 2014. Axes after the first count as one. Uniform over such matrices: QR of a
    normal matrix, with the signs of R's diagonal taken out (Mezzadri 2007).
    """
    _fans("orthogonal_", tensor)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = _generator("orthogonal_", generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return _assign("orthogonal_", tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def siren_uniform_(tensor: Tensor, omega: float = 1.0, first: bool = False, generator: Any = None) -> Tensor:
    """For sin(omega (w x + b)): +-1 / fan_in in the first layer, +-sqrt(6 / fan_in) / omega in others.

    Sitzmann, Martel, Bergman, Lindell, Wetzstein 2020, section 3.2: keeps the distribution of the activations
    from layer to layer.
    """
    if not omega > 0:
        raise ArgumentError(f"init.siren_uniform_: omega={omega} must be > 0")
    fan_in = _fan("siren_uniform_", tensor, "fan_in")
    bound = 1.0 / fan_in if first else math.sqrt(6.0 / fan_in) / omega
    return uniform_(tensor, -bound, bound, generator)


__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "siren_uniform_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
