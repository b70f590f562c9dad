"""What layers of convolution share: channels in groups, sizes of windows, a weight for each, and their text."""

from __future__ import annotations

from typing import Any

from surefit.core.creation import zeros
from surefit.core.leaves import Parameter
from surefit.errors import ArgumentError
from surefit.nn.arguments import float_dtype, per_axis, positive
from surefit.nn.module import Module

Sizes = int | tuple[int, ...]


class ChannelLayer(Module):
    """A layer from in_channels to out_channels whose weights slide along `axes` axes."""

    axes = 0

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes, dilation: Sizes, groups: int
    ) -> None:
        super().__init__()
        name = type(self).__name__
        positive(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: in_channels={in_channels} and out_channels={out_channels} must be multiples of "
                f"groups={groups}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self.sizes("kernel_size", kernel_size, 1)
        self.stride = self.sizes("stride", stride, 1)
        self.dilation = self.sizes("dilation", dilation, 1)

    def sizes(self, argument: str, value: Any, least: int) -> tuple[int, ...]:
        """A size for each axis, from one integer or one for each."""
        return per_axis(type(self).__name__, argument, value, self.axes, least)

    def make_weights(self, channels: tuple[int, int], bias: bool, dtype: Any) -> None:
        """weight (*channels, *kernel_size) and bias (out_channels,) or None, zeros until they are drawn."""
        dtype = float_dtype(type(self).__name__, dtype)
        self.weight = Parameter(zeros(*channels, *self.kernel_size, dtype=dtype))
        self.bias = Parameter(zeros(self.out_channels, dtype=dtype)) if bias else None

    def described(self, *names: str) -> str:
        """The settings for `extra_repr`: of those named, and of groups and bias, only what is not as usual."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name in names:
            usual = (1,) * self.axes if name == "dilation" else (0,) * self.axes
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else f"{text}, bias=False"


__all__ = ["ChannelLayer", "Sizes"]
