"""Layers that make signals and pictures larger: transposed convolution and interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core import functions as fn
from surefit.core import ops
from surefit.core.creation import numpy_generator
from surefit.core.ops import aval_of, shape_of
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import init
from surefit.nn.arguments import one_of, per_axis
from surefit.nn.channels import ChannelLayer, Sizes
from surefit.nn.module import Module
from surefit.nn.windows import conv1d, conv2d

# --- transposed convolution -----------------------------------------------------------------------


def _transposed(
    name: str, d: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: int,
    dilation: Any,
) -> Any:  # fmt: skip
    """A convolution, with the kernel turned round, of the input with stride - 1 zeros between its places."""
    stride, dilation = per_axis(name, "stride", stride, d, 1), per_axis(name, "dilation", dilation, d, 1)
    padding = per_axis(name, "padding", padding, d, 0)
    extra = per_axis(name, "output_padding", output_padding, d, 0)
    shape, wshape = shape_of(x), shape_of(weight)
    if len(shape) not in (d + 1, d + 2) or len(wshape) != d + 2 or shape[-d - 1] != wshape[0]:
        raise ShapeError(
            f"{name}: needs an input (n, channels, {'length' if d == 1 else 'height, width'}) or one sample of it, and "
            f"a weight (channels, out / groups, kernel ...), got {shape} and {wshape}"
        )
    if groups < 1 or wshape[0] % groups:
        raise ArgumentError(f"{name}: the {wshape[0]} channels of the input are not divided by groups={groups}")
    if any(e >= max(s, k) for e, s, k in zip(extra, stride, dilation, strict=True)):
        raise ArgumentError(f"{name}: output_padding={extra} must be smaller than stride={stride} or dilation")
    crop: list[int] = []  # low and high of the last axis, of the one before, ...
    for i in reversed(range(d)):
        axis = len(shape) - d + i
        if stride[i] > 1:
            x = _spread(x, axis, stride[i])
        reach = dilation[i] * (wshape[2 + i] - 1)
        crop += [reach - padding[i], reach - padding[i] + extra[i]]
    if any(crop):
        x = fn.pad(x, crop)  # negative ones crop
    per = wshape[0] // groups
    kernel = fn.flip(weight, tuple(range(2, 2 + d)))
    kernel = fn.reshape(kernel, (groups, per, *wshape[1:]))
    kernel = fn.reshape(fn.transpose(kernel, 1, 2), (groups * wshape[1], per, *wshape[2:]))
    return (conv1d if d == 1 else conv2d)(x, kernel, bias, 1, 0, dilation, groups)


def _spread(x: Any, axis: int, stride: int) -> Any:
    """stride - 1 zeros between neighbours along an axis."""
    shape = shape_of(x)
    n, after = shape[axis], len(shape) - axis - 1
    x = fn.pad(fn.unsqueeze(x, axis + 1), (*(0, 0) * after, 0, stride - 1))
    return fn.narrow(fn.reshape(x, (*shape[:axis], n * stride, *shape[axis + 1 :])), axis, 0, (n - 1) * stride + 1)


def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """The adjoint of conv1d: x (n, c, l), weight (c, out / groups, k) -> (n, out, l').

    l' = (l - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1.
    """
    return _transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )  # fmt: skip


def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """As conv_transpose1d over two axes: x (n, c, h, w), weight (c, out / groups, kh, kw) -> (n, out, h', w')."""
    return _transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )  # fmt: skip


class _ConvTranspose(ChannelLayer):
    """weight (in_channels, out_channels / groups, *kernel_size), bias (out_channels,)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        self.padding = self.sizes("padding", padding, 0)
        self.output_padding = self.sizes("output_padding", output_padding, 0)
        self.make_weights((in_channels, out_channels // groups), bias, dtype)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new weights and biases, uniform on +-1/sqrt(fan_in), the fan being counted as PyTorch counts it."""
        draw = numpy_generator(generator)
        bound = 1.0 / math.sqrt(math.prod(self.weight.shape[1:]))
        for p in self.parameters():
            init.uniform_(p, -bound, bound, draw)

    def forward(self, input: Any) -> Any:
        return _transposed(
            type(self).__name__, self.axes, input, self.weight, self.bias, self.stride, self.padding,
            self.output_padding, self.groups, self.dilation,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return self.described("padding", "dilation", "output_padding")


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of `Conv1d`, which makes a signal longer: x (n, in_channels, l) -> (n, out_channels, l').

    l' = (l - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    >>> from surefit.core.creation import zeros
    >>> ConvTranspose1d(2, 4, 4, stride=2, padding=1, generator=0)(zeros(1, 2, 10)).shape
    (1, 4, 20)
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of `Conv2d`: x (n, in_channels, height, width) -> (n, out_channels, height', width')."""

    axes = 2


# --- interpolation --------------------------------------------------------------------------------

_MODES = {"nearest": (3, 4), "linear": (3,), "bilinear": (4,)}


def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """A signal (n, c, l) or picture (n, c, h, w) in another size: `size`, or floor(scale_factor times its own).

    mode: "nearest", "linear" (signals) or "bilinear" (pictures). align_corners=True puts the first and last places of
    input and output on each other; otherwise places are the middles of cells. ArgumentError for another mode.
    """
    one_of("interpolate", "mode", mode, tuple(_MODES))
    shape = shape_of(input)
    if len(shape) not in _MODES[mode]:
        needs = " or ".join("(n, c, l)" if n == 3 else "(n, c, h, w)" for n in _MODES[mode])
        raise ShapeError(f"interpolate: mode={mode!r} needs an input {needs}, got {shape}")
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: give size or scale_factor, one of the two")
    if mode == "nearest" and align_corners is not None:
        raise ArgumentError("interpolate: align_corners is not for mode='nearest'; leave it out")
    d = len(shape) - 2
    if size is not None:
        sizes = per_axis("interpolate", "size", size, d, 1)
        steps = [n / m for n, m in zip(shape[2:], sizes, strict=True)]
    else:
        factors = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * d
        if len(factors) != d or not all(isinstance(f, (int, float)) and f > 0 for f in factors):
            raise ArgumentError(f"interpolate: scale_factor={scale_factor!r} must be a number > 0 or {d} of them")
        sizes = tuple(math.floor(n * f) for n, f in zip(shape[2:], factors, strict=True))
        steps = [1 / f for f in factors]
    if min(sizes) < 1 or min(shape[2:]) < 1:
        raise ShapeError(f"interpolate: {shape} in size {sizes} has no places")
    y = input
    for i in range(d):
        n, m = shape[2 + i], sizes[i]
        if mode == "nearest":
            at = np.minimum(np.floor(np.arange(m) * steps[i]).astype(np.int64), n - 1)
            y = ops.take(y, at.view(ops.Literal), axis=2 + i)
        else:
            table = _linear_weights(n, m, steps[i], bool(align_corners)).astype(aval_of(input).dtype)
            table = table.view(ops.Literal)
            y = ops.matmul(y, table.T) if i == d - 1 else ops.matmul(table, y)
    return y


def _linear_weights(n: int, m: int, step: float, align_corners: bool) -> np.ndarray:
    """(m, n): each of m places as a mean of the two nearest of n."""
    at = np.arange(m) * ((n - 1) / max(m - 1, 1)) if align_corners else np.maximum((np.arange(m) + 0.5) * step - 0.5, 0)
    low = np.minimum(at.astype(np.int64), n - 1)
    part = np.minimum(at - low, 1.0)
    table = np.zeros((m, n))
    np.add.at(table, (np.arange(m), low), 1 - part)
    np.add.at(table, (np.arange(m), np.minimum(low + 1, n - 1)), part)
    return table


class Upsample(Module):
    """`interpolate` as a layer: x (n, c, l) or (n, c, h, w) in another size.

    >>> from surefit.core.creation import zeros
    >>> Upsample(scale_factor=2)(zeros(1, 3, 4, 5)).shape
    (1, 3, 8, 10)
    """

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        super().__init__()
        one_of("Upsample", "mode", mode, tuple(_MODES))
        if (size is None) == (scale_factor is None):
            raise ArgumentError("Upsample: give size or scale_factor, one of the two")
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, input: Any) -> Any:
        return interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


__all__ = ["ConvTranspose1d", "ConvTranspose2d", "Upsample", "conv_transpose1d", "conv_transpose2d", "interpolate"]
