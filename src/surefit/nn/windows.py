"""Convolution and pooling: functions of the windows that slide over one or two axes.

A convolution is a matrix times the windows laid out as columns; a largest value is looked up again where it
was found, so that the gradient goes to that place (the first, where several are equal).
"""

from __future__ import annotations

import math
from typing import Any

from surefit.core import functions as fn
from surefit.core import ops
from surefit.core.ops import aval_of, float32, float64, int64, shape_of
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.nn.arguments import per_axis

# --- convolution ---------------------------------------------------------------------------------


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Sliding products along one axis.

    x (n, c, l) or (c, l), weight (out, c / groups, k), bias (out) -> (n, out, l') or (out, l').
    padding: zeros at both ends, "valid" (none) or "same" (keeps l; stride 1 only). l' = (l + 2 padding -
    dilation (k - 1) - 1) // stride + 1.
    """
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """As conv1d over two axes: x (n, c, h, w), weight (out, c / groups, kh, kw) -> (n, out, h', w')."""
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def _convolution(
    name: str, d: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    shape, wshape = shape_of(x), shape_of(weight)
    if len(shape) == d + 1 and len(wshape) == d + 2:  # one sample without a batch axis
        y = _convolution(name, d, fn.unsqueeze(x, 0), weight, bias, stride, padding, dilation, groups)
        return fn.squeeze(y, 0)
    _check_convolution(name, d, x, weight, bias, groups)
    stride, dilation = _per_axis(name, "stride", stride, d, 1), _per_axis(name, "dilation", dilation, d, 1)
    kernel, places = wshape[2:], tuple(range(2, d + 2))
    low, high = _convolution_padding(name, d, kernel, stride, padding, dilation)
    for i, k in enumerate(kernel):
        n, span = shape[2 + i] + low[i] + high[i], (k - 1) * dilation[i] + 1
        if n < span:
            raise ShapeError(
                f"{name}: a kernel that spans {span} places does not fit axis {2 + i} of {n} (with padding)"
            )
    x = _padded(x, low, high, 0.0)
    x = ops.window(x, axes=places, size=kernel, stride=stride, dilation=dilation)  # (n, c, places', kernel)
    count, (batch, channels), out = x.shape[2 : 2 + d], shape[:2], wshape[0]
    split = () if groups == 1 else (groups,)
    columns = channels // groups * math.prod(kernel)
    # the windows as columns: each row of them is a stretch of the input, so that they are copied fast
    x = ops.transpose(x, axes=(0, 1, *(i + d for i in places), *places))
    x = ops.reshape(x, shape=(batch, *split, columns, math.prod(count)))
    weight = ops.reshape(weight, shape=(*split, out // groups, columns))
    y = ops.reshape(ops.matmul(weight, x), shape=(batch, out, *count))
    return y if bias is None else y + ops.reshape(bias, shape=(out, *(1,) * d))


def _check_convolution(name: str, d: int, x: Any, weight: Any, bias: Any, groups: int) -> None:
    (shape, dtype, _), (wshape, wdtype, _) = aval_of(x), aval_of(weight)
    axes = "length" if d == 1 else "height, width"
    if len(shape) != d + 2 or len(wshape) != d + 2:
        raise ShapeError(
            f"{name}: needs an input (n, channels, {axes}) or (channels, {axes}) and a weight (out, channels / "
            f"groups, kernel ...) with {d + 2} axes, got {shape} and {wshape}"
        )
    for what, kind in (("input", dtype), ("weight", wdtype)):
        if kind not in (float32, float64):
            raise DtypeError(f"{name}: {what} must be float32 or float64, got {kind}; cast first (x.float())")
    if groups < 1:
        raise ArgumentError(f"{name}: groups={groups} must be >= 1")
    if wshape[0] % groups or wshape[0] < groups:
        raise ShapeError(
            f"{name}: the {wshape[0]} output channels of weight {wshape} are not divided by groups={groups}"
        )
    if shape[1] != wshape[1] * groups:
        raise ShapeError(
            f"{name}: weight {wshape} with groups={groups} needs {wshape[1] * groups} channels, the input {shape} "
            f"has {shape[1]}"
        )
    if min(wshape[2:]) < 1:
        raise ShapeError(f"{name}: weight {wshape} has an empty kernel")
    if bias is not None and shape_of(bias) != wshape[:1]:
        raise ShapeError(f"{name}: bias must have shape {wshape[:1]}, got {shape_of(bias)}")


def _per_axis(name: str, what: str, value: Any, d: int, least: int) -> tuple[int, ...]:
    """One integer for each axis; PyTorch also takes a tuple of one for all."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    return per_axis(name, what, value, d, least)


def _convolution_padding(
    name: str,
    d: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Any,
    dilation: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Zeros below and above each axis."""
    if padding == "same":
        if max(stride) > 1:
            raise ArgumentError(f"{name}: padding='same' needs stride 1, got {stride}")
        total = [s * (k - 1) for k, s in zip(kernel, dilation, strict=True)]
        return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    if padding == "valid":
        return (0,) * d, (0,) * d
    if isinstance(padding, str):
        raise ArgumentError(f"{name}: padding={padding!r} must be 'same', 'valid', an integer or {d} of them")
    low = _per_axis(name, "padding", padding, d, 0)
    return low, low


def _padded(x: Any, low: tuple[int, ...], high: tuple[int, ...], value: float) -> Any:
    """A value put around the last axes."""
    if not any((*low, *high)):
        return x
    lead = (0,) * (x.ndim - len(low))
    return ops.pad(x, low=lead + low, high=lead + high, interior=(0,) * x.ndim, value=value)


# --- pooling -------------------------------------------------------------------------------------


class _Windows:
    """Where the windows of a pooling lie: checked sizes, one for each axis."""

    def __init__(
        self,
        name: str,
        d: int,
        x: Any,
        kernel: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        ceil_mode: bool,
    ) -> None:
        shape, dtype, _ = aval_of(x)
        axes = "length" if d == 1 else "height, width"
        if len(shape) not in (d + 1, d + 2) or 0 in shape[-d - 1 :]:
            raise ShapeError(f"{name}: needs an input (n, channels, {axes}) or (channels, {axes}), got {shape}")
        if dtype not in (float32, float64):
            raise DtypeError(f"{name}: needs float32 or float64, got {dtype}; cast first (x.float())")
        if stride is None or (isinstance(stride, (tuple, list)) and not stride):
            stride = kernel
        self.kernel = _per_axis(name, "kernel_size", kernel, d, 1)
        self.stride = _per_axis(name, "stride", stride, d, 1)
        self.padding = _per_axis(name, "padding", padding, d, 0)
        self.dilation = _per_axis(name, "dilation", dilation, d, 1)
        self.sizes, self.axes = shape[-d:], tuple(range(len(shape) - d, len(shape)))
        self.spans = tuple((k - 1) * s + 1 for k, s in zip(self.kernel, self.dilation, strict=True))
        if any(2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise ArgumentError(f"{name}: padding={padding} must be at most half of kernel_size={kernel}")
        self.counts = tuple(self._count(i, ceil_mode) for i in range(d))
        if min(self.counts) < 1:
            raise ShapeError(
                f"{name}: windows that span {self.spans} places do not fit {self.sizes} (padding {self.padding})"
            )
        # above an axis: the padding, as far as windows reach into it, and what ceil_mode adds
        self.high = tuple(
            max(0, (c - 1) * s + span - n - p)
            for c, s, span, n, p in zip(self.counts, self.stride, self.spans, self.sizes, self.padding, strict=True)
        )

    def _count(self, i: int, ceil_mode: bool) -> int:
        n, p, s = self.sizes[i], self.padding[i], self.stride[i]
        room = n + 2 * p - self.spans[i]
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:  # the last window would begin beyond the input and its padding
            count -= 1
        return count

    def of(self, x: Any, outside: float) -> Any:
        """(..., places) -> (..., windows, the places of a window); `outside` stands in the padding."""
        x = _padded(x, self.padding, self.high, outside)
        y = ops.window(x, axes=self.axes, size=self.kernel, stride=self.stride, dilation=self.dilation)
        return ops.reshape(y, shape=(*y.shape[: -len(self.kernel)], math.prod(self.kernel)))


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The largest value of each window: x (n, c, l) or (c, l) -> (n, c, l').

    stride=None is the kernel size; -inf is put into the padding; ceil_mode keeps a last window that is cut
    off. return_indices: (values, where along l each was found).
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """As max_pool1d over two axes: x (n, c, h, w) -> (n, c, h', w'); indices count row by row."""
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    name: str,
    d: int,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    indices: bool,
) -> Any:
    w = _Windows(name, d, x, kernel, stride, padding, dilation, ceil_mode)
    _check_seen(name, w)
    found = fn.argmax(w.of(fn.stop_gradient(x), -math.inf), -1)  # the place inside the window
    steps = [found]
    if d == 2:
        row = ops.floor_divide(found, w.kernel[1])
        steps = [row, found - row * w.kernel[1]]
    place: Any = 0
    for i, step in enumerate(steps):
        line = ops.iota(size=w.counts[i], dtype=int64) * w.stride[i] - w.padding[i]
        at = ops.reshape(line, shape=(w.counts[i], *(1,) * (d - 1 - i))) + step * w.dilation[i]
        if w.padding[i]:  # where all is -inf the padding was found: the first place inside stands for it
            at = ops.where(ops.lt(at, 0), ops.remainder(at, w.dilation[i]), at)
        place = place * w.sizes[i] + at
    lead = place.shape[:-d]
    rows = ops.reshape(x, shape=(*lead, math.prod(w.sizes)))
    y = fn.gather(rows, -1, ops.reshape(place, shape=(*lead, math.prod(w.counts))))
    y = ops.reshape(y, shape=place.shape)
    return (y, place) if indices else y


def _check_seen(name: str, w: _Windows) -> None:
    """With a dilation, a window can step over all of a short axis and see nothing but padding."""
    for n, c, k, s, p, step in zip(w.sizes, w.counts, w.kernel, w.stride, w.padding, w.dilation, strict=True):
        for first in range(-p, c * s - p, s) if step > 1 else ():
            if not any(0 <= first + j * step < n for j in range(k)):
                raise ArgumentError(
                    f"{name}: the window from place {first} in steps of dilation {step} sees none of the {n} places"
                )


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: x (n, c, l) or (c, l) -> (n, c, l').

    stride=None is the kernel size; count_include_pad: the zeros of the padding count as elements.
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """As avg_pool1d over two axes: x (n, c, h, w) -> (n, c, h', w'). divisor_override replaces the count."""
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _avg_pool(
    name: str,
    d: int,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    include: bool,
    divisor: Any,
) -> Any:
    if divisor == 0:
        raise ArgumentError(f"{name}: divisor_override must not be 0")
    w = _Windows(name, d, x, kernel, stride, padding, 1, ceil_mode)
    total = fn.sum(w.of(x, 0.0), -1)
    if divisor is None:
        divisor = math.prod(_elements(w, i, include, aval_of(x).dtype, d) for i in range(d))
    return total / divisor


def _elements(w: _Windows, i: int, include: bool, dtype: Any, d: int) -> Any:
    """How many elements of axis i each window counts: one number where all count the same."""
    n, k, s, p, c = w.sizes[i], w.kernel[i], w.stride[i], w.padding[i], w.counts[i]
    low, high = (-p, n + p) if include else (0, n)
    if low <= -p and (c - 1) * s - p + k <= high:
        return k
    first = ops.iota(size=c, dtype=int64) * s - p
    count = ops.minimum(first + k, high) - ops.maximum(first, low)
    return ops.reshape(ops.cast(count, dtype=dtype), shape=(c, *(1,) * (d - 1 - i)))


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """Means over windows that cover the axis evenly: x (n, c, l) or (c, l) -> (n, c, output_size)."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """As adaptive_avg_pool1d over two axes; output_size is one number or two, None keeps a size."""
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def _adaptive_avg_pool(name: str, d: int, x: Any, output_size: Any) -> Any:
    shape = shape_of(x)
    if len(shape) not in (d + 1, d + 2) or 0 in shape[-d - 1 :]:
        raise ShapeError(
            f"{name}: needs an input with a channel axis and {d} more (and maybe a batch axis), got {shape}"
        )
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * d
    if len(sizes) != d:
        raise ArgumentError(f"{name}: output_size={output_size!r} must be one integer or {d}")
    sizes = tuple(n if m is None else m for m, n in zip(sizes, shape[-d:], strict=True))
    sizes = per_axis(name, "output_size", sizes, d, 0)
    for i, m in enumerate(sizes):
        x = _bins(x, len(shape) - d + i, m)
    return x


def _bins(x: Any, axis: int, m: int) -> Any:
    """Means over m bins of an axis: bin i reaches from floor(i n / m) to ceil((i + 1) n / m)."""
    shape = x.shape
    n = shape[axis]
    if m == n:
        return x
    if m == 0:
        return fn.narrow(x, axis, 0, 0)
    if n % m == 0:
        return fn.mean(ops.reshape(x, shape=(*shape[:axis], m, n // m, *shape[axis + 1 :])), axis + 1)
    ends = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    return fn.cat([fn.mean(fn.narrow(x, axis, a, b - a), axis, keepdim=True) for a, b in ends], axis)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "conv1d", "conv2d",
    "max_pool1d", "max_pool2d",
]  # fmt: skip
