"""Convolution (in the sense of the field: cross-correlation) and pooling over one or two axes.

Inputs are (n, channels, length) and (n, channels, height, width), or one sample without n. Sizes are one
integer for all axes or one for each. The output has floor((size + 2 padding - dilation (kernel - 1) - 1) /
stride) + 1 places.
"""

from __future__ import annotations

import math
from typing import Any

from surefit.core.creation import numpy_generator
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.nn import functional as F
from surefit.nn import init
from surefit.nn.arguments import one_of, per_axis
from surefit.nn.channels import ChannelLayer, Sizes
from surefit.nn.module import Module

# --- convolution ----------------------------------------------------------------------------------


class _Conv(ChannelLayer):
    """weight (out_channels, in_channels / groups, *kernel_size), bias (out_channels,)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        name = type(self).__name__
        if isinstance(padding, str):
            self.padding: Any = one_of(name, "padding", padding, ("same", "valid"))
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ArgumentError(f"{name}: padding='same' needs stride 1, got {self.stride}")
        else:
            self.padding = self.sizes("padding", padding, 0)
        self.padding_mode = one_of(name, "padding_mode", padding_mode, ("zeros", "reflect", "replicate", "circular"))
        self.make_weights((out_channels, in_channels // groups), bias, dtype)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new weights and biases, uniform on +-1/sqrt(fan_in)."""
        draw = numpy_generator(generator)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=draw)
        if self.bias is not None:
            bound = 1.0 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound, draw)

    def _padded(self, input: Any) -> tuple[Any, Any]:
        """The input with its border put on, where that is not zeros; the padding left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        sides: list[int] = []  # from the last axis to the first, before and after
        for i in reversed(range(self.axes)):
            if self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                sides += [total // 2, total - total // 2]
            else:
                sides += [0, 0] if self.padding == "valid" else [self.padding[i]] * 2
        return F.pad(input, tuple(sides), mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        text = self.described("padding", "dilation")
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class Conv1d(_Conv):
    """Convolution along one axis: x (n, in_channels, length) -> (n, out_channels, length').

    padding: zeros put at both ends, or "same" (keeps the length) or "valid" (none).
    padding_mode: "zeros", "reflect", "replicate" or "circular".

    >>> from surefit.core.creation import zeros
    >>> Conv1d(2, 4, 3, padding="same", generator=0)(zeros(1, 2, 10)).shape
    (1, 4, 10)
    """

    axes = 1

    def forward(self, input: Any) -> Tensor:
        x, padding = self._padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Convolution over two axes: x (n, in_channels, height, width) -> (n, out_channels, height', width')."""

    axes = 2

    def forward(self, input: Any) -> Tensor:
        x, padding = self._padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


# --- pooling --------------------------------------------------------------------------------------


class _MaxPool(Module):
    axes = 0

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode
        per_axis(name, "kernel_size", kernel_size, self.axes, 1)
        per_axis(name, "stride", self.stride, self.axes, 1)
        per_axis(name, "padding", padding, self.axes, 0)
        per_axis(name, "dilation", dilation, self.axes, 1)

    def _settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{sizes}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class MaxPool1d(_MaxPool):
    """The largest value of each window: x (n, c, length) -> (n, c, length').

    stride defaults to kernel_size; padding is with -inf. return_indices=True: also the place of each in the
    input, int64.
    """

    axes = 1

    def forward(self, input: Any) -> Tensor:
        return F.max_pool1d(input, *self._settings())


class MaxPool2d(_MaxPool):
    """The largest value of each window: x (n, c, height, width) -> (n, c, height', width'); see MaxPool1d."""

    axes = 2

    def forward(self, input: Any) -> Tensor:
        return F.max_pool2d(input, *self._settings())


class AvgPool1d(Module):
    """The mean of each window: x (n, c, length) -> (n, c, length').

    stride defaults to kernel_size. count_include_pad: whether the zeros of the padding count as elements.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = per_axis("AvgPool1d", "kernel_size", kernel_size, 1, 1)
        self.stride = self.kernel_size if stride is None else per_axis("AvgPool1d", "stride", stride, 1, 1)
        self.padding = per_axis("AvgPool1d", "padding", padding, 1, 0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window: x (n, c, height, width) -> (n, c, height', width').

    divisor_override: what to divide the sums by instead of the number of elements. Otherwise as AvgPool1d.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        per_axis("AvgPool2d", "kernel_size", kernel_size, 2, 1)
        per_axis("AvgPool2d", "stride", self.stride, 2, 1)
        per_axis("AvgPool2d", "padding", padding, 2, 0)
        if divisor_override == 0:
            raise ArgumentError("AvgPool2d: divisor_override must not be 0")
        self.ceil_mode, self.count_include_pad, self.divisor_override = (
            ceil_mode,
            count_include_pad,
            divisor_override,
        )

    def forward(self, input: Any) -> Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool1d(Module):
    """Means of windows chosen so that the output has output_size places, whatever the length of the input."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(Module):
    """Means of windows chosen so that the output is (..., *output_size); None keeps an axis as it is."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "MaxPool1d",
    "MaxPool2d",
]
