"""Layers that subtract a mean and divide by a spread, and differ in what the mean is taken over.

With x (n, c, ...): BatchNorm over all but c; LayerNorm and RMSNorm over the last axes; GroupNorm over the
channels of a group and the rest of one sample; InstanceNorm over the rest of one sample and channel. `eps` is
added to the variance. Weights start at 1, biases at 0.
"""

from __future__ import annotations

from typing import Any

from surefit.core import batching
from surefit.core.creation import ones, zeros
from surefit.core.leaves import Parameter
from surefit.core.modes import no_grad
from surefit.core.ops import shape_of
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import functional as F
from surefit.nn import init
from surefit.nn.arguments import float_dtype, positive
from surefit.nn.module import Module


class _Normalisation(Module):
    """weight and bias of a given shape, each of which may be absent."""

    weight: Parameter | None
    bias: Parameter | None

    def _make_affine(self, shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any) -> None:
        d = float_dtype(type(self).__name__, dtype)
        self.weight = Parameter(ones(*shape, dtype=d)) if weight else None
        self.bias = Parameter(zeros(*shape, dtype=d)) if bias else None

    def reset_parameters(self) -> None:
        """Back to weight 1 and bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _WithStatistics(_Normalisation):
    """Normalisation over samples or places, which may keep running means and variances for evaluation."""

    ndims: tuple[int, ...] = ()
    expected = ""
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: Any,
    ) -> None:
        super().__init__()
        positive(type(self).__name__, num_features=num_features)
        if momentum is not None and not 0.0 <= momentum <= 1.0:
            raise ArgumentError(
                f"{type(self).__name__}: momentum={momentum} must be from 0 to 1, or None for the mean of all"
            )
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._make_affine((num_features,), affine, affine and bias, dtype)
        tracked = track_running_stats
        d = float_dtype(type(self).__name__, dtype)
        self.register_buffer("running_mean", zeros(num_features, dtype=d) if tracked else None)
        self.register_buffer("running_var", ones(num_features, dtype=d) if tracked else None)
        self.register_buffer("num_batches_tracked", 0 if tracked else None)

    def reset_running_stats(self) -> None:
        """Back to running mean 0 and variance 1, of no batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Back to weight 1, bias 0 and no statistics."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check(self, input: Any, axis: int = 1) -> None:
        shape = shape_of(input)
        if len(shape) not in self.ndims:
            raise ShapeError(f"{type(self).__name__}: needs an input {self.expected}, got shape {shape}")
        if shape[axis] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: made for {self.num_features} channels, the input {shape} has "
                f"{shape[axis]} (needs {self.expected})"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_WithStatistics):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, input: Any) -> Tensor:
        self._check(input)
        of_batch = self.training or not self.track_running_stats
        if of_batch and batching.active():
            raise ArgumentError(
                f"{type(self).__name__} mixes the samples of a batch, so it has no value for one sample "
                f"inside batch(); call .eval() first (with track_running_stats=True), or use LayerNorm or "
                f"GroupNorm"
            )
        mean, var, moves = self.running_mean, self.running_var, self.training and self.track_running_stats
        momentum = self._count() if moves else 0.0
        if of_batch and 0 in shape_of(input):  # an empty batch has no statistics and moves none
            of_batch = False
            if mean is None:
                mean, var = (f(self.num_features, dtype=input.dtype) for f in (zeros, ones))
        elif of_batch and not moves:
            mean = var = None
        return F.batch_norm(input, mean, var, self.weight, self.bias, of_batch, momentum, self.eps)

    def _count(self) -> Any:
        """One more batch; the weight of the new batch in the running statistics."""
        with no_grad():
            n = self.num_batches_tracked + 1
            self.num_batches_tracked.assign(n)
            return self.momentum if self.momentum is not None else 1.0 / n.to(self.running_mean.dtype)


class BatchNorm1d(_BatchNorm):
    """Each feature over the batch: x (n, c) or (n, c, length) (Ioffe and Szegedy 2015).

    In training the mean and (biased) variance of the batch are used, and the running ones move towards them
    by `momentum` (the unbiased variance; momentum=None: the mean over all batches so far); in evaluation the
    running ones are used. ArgumentError in training inside `batch()`, where a sample has no batch.
    """

    ndims, expected = (2, 3), "(n, channels) or (n, channels, length)"


class BatchNorm2d(_BatchNorm):
    """Each channel over the batch and all places: x (n, c, height, width). Otherwise as BatchNorm1d."""

    ndims, expected = (4,), "(n, channels, height, width)"


class _InstanceNorm(_WithStatistics):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, input: Any) -> Tensor:
        single = len(shape_of(input)) == self.ndims[0]  # one sample without a batch axis
        self._check(input, axis=0 if single else 1)
        of_instance = self.training or not self.track_running_stats
        if self.training and self.track_running_stats and batching.active():
            raise ArgumentError(
                f"{type(self).__name__}: its running statistics mix the samples of a batch in training mode; "
                f"inside batch() call .eval() first, or make it with track_running_stats=False"
            )
        y = F.instance_norm(
            input[None] if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            of_instance,
            self.momentum,
            self.eps,
        )
        return y[0] if single else y


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample over its places: x (n, c, length) or (c, length)."""

    ndims, expected = (2, 3), "(n, channels, length) or (channels, length)"


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample over its places: x (n, c, height, width) or (c, height, width)."""

    ndims, expected = (3, 4), "(n, channels, height, width) or (channels, height, width)"


class _OverLastAxes(_Normalisation):
    def _shape(self, normalized_shape: Any) -> tuple[int, ...]:
        sizes = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
        if not sizes:
            raise ArgumentError(f"{type(self).__name__}: normalized_shape must name at least one axis")
        for n in sizes:
            positive(type(self).__name__, normalized_shape=n)
        return tuple(int(n) for n in sizes)


class LayerNorm(_OverLastAxes):
    """Over the last axes of each sample, whose sizes are normalized_shape (Ba, Kiros, Hinton 2016)."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = self._shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._make_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, input: Any) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(_OverLastAxes):
    """x / sqrt(mean(x^2) + eps) over the last axes (Zhang, Sennrich 2019). eps=None: x's machine epsilon."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = self._shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._make_affine(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, input: Any) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Normalisation):
    """Over the channels of a group and all places of a sample: x (n, num_channels, ...) (Wu and He 2018)."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ArgumentError(f"GroupNorm: num_channels={num_channels} must be a multiple of num_groups={num_groups}")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._make_affine((num_channels,), affine, affine and bias, dtype)

    def forward(self, input: Any) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        head = f"{self.num_groups}, {self.num_channels}, eps={self.eps}"
        return f"{head}, affine={self.affine}, bias={self.bias is not None}"


__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "RMSNorm",
]
