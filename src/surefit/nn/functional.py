"""Layers as functions, under `torch.nn.functional`'s names and arguments.

Each is composed of primitives, so that it works on Tensors, arrays, names being recorded and batched values,
and its gradients of every order come from the table. Kinks follow PyTorch. Convolution and pooling stand in
`windows`, losses in `losses`; both are re-exported here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.core import functions as fn
from surefit.core import ops
from surefit.core.batching import Batched
from surefit.core.modes import mode, no_grad
from surefit.core.ops import aval_of, int32, int64, shape_of
from surefit.core.random import Generator, as_generator
from surefit.core.shapes import checked
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, CapturedError, DtypeError, ShapeError
from surefit.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cross_entropy,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    log_cosh_loss,
    margin_ranking_loss,
    mse_loss,
    nll_loss,
    poisson_nll_loss,
    quantile_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from surefit.nn.resizing import conv_transpose1d, conv_transpose2d, interpolate
from surefit.nn.windows import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    conv1d,
    conv2d,
    max_pool1d,
    max_pool2d,
)

# --- activations: elementwise unless they say otherwise -----------------------------------------------

if TYPE_CHECKING:
    from surefit.core.signatures import log_softmax, normalize, pad, relu, sigmoid, sin, softmax, tanh
else:
    from surefit.core.functions import log_softmax, normalize, pad, relu, sigmoid, sin, softmax, tanh


def softplus(input: Any, beta: float = 1.0, threshold: float | None = None) -> Tensor:
    """log(1 + exp(beta x)) / beta, without overflow.

    With a threshold, x itself where beta x is above it: PyTorch does so at 20, to avoid an overflow that
    does not happen here. ArgumentError for beta <= 0.
    """
    if beta <= 0:
        raise ArgumentError(f"softplus: beta={beta} must be positive")
    y = ops.softplus(input) if beta == 1 else ops.softplus(input * beta) / beta
    return y if threshold is None else ops.where(ops.gt(input, threshold / beta), input, y)


def logsigmoid(input: Any) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return -ops.softplus(-input)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Tensor:
    """x for x > 0, negative_slope x below."""
    return ops.where(ops.gt(input, 0.0), input, input * negative_slope)


def prelu(input: Any, weight: Any) -> Tensor:
    """x for x > 0, weight x below; weight is one number, or one for each channel (axis 1 of the input)."""
    shape, wshape = shape_of(input), shape_of(weight)
    if len(wshape) > 1:
        raise ShapeError(f"prelu: weight must have no axis or one, got shape {wshape}")
    if math.prod(wshape) != 1:
        channels = shape[1] if len(shape) > 1 else 1
        if channels != wshape[0]:
            raise ShapeError(f"prelu: {wshape[0]} weights for the {channels} channels of an input {shape}")
        weight = _along_channels(weight, shape)
    else:
        weight = ops.reshape(weight, shape=())
    return ops.where(ops.gt(input, 0.0), input, input * weight)


def elu(input: Any, alpha: float = 1.0) -> Tensor:
    """x for x > 0, alpha (exp(x) - 1) below."""
    below = ops.le(input, 0.0)
    return ops.where(below, ops.expm1(ops.where(below, input, 0.0)) * alpha, input)


def celu(input: Any, alpha: float = 1.0) -> Tensor:
    """x for x > 0, alpha (exp(x / alpha) - 1) below."""
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be 0")
    below = ops.le(input, 0.0)
    return ops.where(below, ops.expm1(ops.where(below, input, 0.0) / alpha) * alpha, input)


_SELU_ALPHA = 1.6732632423543772  # the fixed point (mean 0, variance 1) of Klambauer and others 2017, eq. 14
_SELU_SCALE = 1.0507009873554805


def selu(input: Any) -> Tensor:
    """1.0507 x for x > 0, 1.0507 * 1.6733 (exp(x) - 1) below (Klambauer and others 2017)."""
    return elu(input, _SELU_ALPHA) * _SELU_SCALE


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x Phi(x), Phi the normal distribution; "tanh" approximates it (Hendrycks and Gimpel 2016)."""
    if approximate == "none":
        return input * 0.5 * (ops.erf(input * math.sqrt(0.5)) + 1.0)
    if approximate == "tanh":
        inner = (input + ops.square(input) * input * 0.044715) * math.sqrt(2.0 / math.pi)
        return input * 0.5 * (ops.tanh(inner) + 1.0)
    raise ArgumentError(f"gelu: approximate={approximate!r} must be 'none' or 'tanh'")


def silu(input: Any) -> Tensor:
    """x sigmoid(x), also called swish."""
    return input * ops.sigmoid(input)


def mish(input: Any) -> Tensor:
    """x tanh(softplus(x))."""
    return input * ops.tanh(ops.softplus(input))


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|)."""
    return input / (ops.abs_(input) + 1.0)


def tanhshrink(input: Any) -> Tensor:
    """x - tanh(x)."""
    return input - ops.tanh(input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x within [min_val, max_val]; the gradient is 0 at both ends."""
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val={min_val} is above max_val={max_val}")
    inside = ops.logical_and(ops.gt(input, min_val), ops.lt(input, max_val))
    flat = ops.minimum(ops.maximum(fn.stop_gradient(input), float(min_val)), float(max_val))
    return ops.where(inside, input, flat)


def relu6(input: Any) -> Tensor:
    """x within [0, 6]; the gradient is 0 at both ends."""
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input: Any) -> Tensor:
    """x / 6 + 1/2 within [0, 1]."""
    return hardtanh(input, -3.0, 3.0) / 6.0 + 0.5


def hardswish(input: Any) -> Tensor:
    """x hardsigmoid(x)."""
    low, high = ops.le(input, -3.0), ops.ge(input, 3.0)
    inside = ops.where(ops.logical_or(low, high), 0.0, input)  # so that infinity does not meet 0 in the gradient
    return ops.where(low, 0.0, ops.where(high, input, inside * (inside + 3.0) / 6.0))


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0."""
    return ops.where(ops.gt(ops.abs_(input), lambd), input, fn.stop_gradient(input) * 0.0)


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 within lambd of it."""
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd={lambd} must be >= 0")
    moved = ops.where(ops.lt(input, 0.0), input + lambd, input - lambd)
    return ops.where(ops.gt(ops.abs_(input), lambd), moved, fn.stop_gradient(input) * 0.0)


def threshold(input: Any, threshold: float, value: float) -> Tensor:
    """x where x > threshold, else value."""
    return ops.where(ops.le(input, threshold), value, input)


def glu(input: Any, dim: int = -1) -> Tensor:
    """a sigmoid(b), where a and b are the two halves of x along dim."""
    shape = shape_of(input)
    axis = ops.normalize_axis("glu", dim, len(shape))
    if shape[axis] % 2:
        raise ShapeError(f"glu: dim {dim} of {shape} has odd size {shape[axis]} and cannot be halved")
    half = shape[axis] // 2
    return fn.narrow(input, axis, 0, half) * ops.sigmoid(fn.narrow(input, axis, half, half))


def softmin(input: Any, dim: int, dtype: Any = None) -> Tensor:
    """softmax(-x) along dim."""
    return fn.softmax(-input, dim, dtype)


# --- affine maps and tables ------------------------------------------------------------------------


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """x W^T + b along the last axis. x (..., n_in), weight (n_out, n_in), bias (n_out) -> (..., n_out).

    A weight (n_in) with a scalar bias gives (...). ShapeError where sizes do not fit.
    """
    shape, wshape = shape_of(input), shape_of(weight)
    if not shape or not 1 <= len(wshape) <= 2 or shape[-1] != wshape[-1]:
        raise ShapeError(
            f"linear: input {shape} and weight {wshape} do not fit: the last axis of the input must have the size of "
            "the last axis of a weight (n_out, n_in)"
        )
    if bias is not None and shape_of(bias) != wshape[:-1]:
        raise ShapeError(f"linear: bias must have shape {wshape[:-1]} for a weight {wshape}, got {shape_of(bias)}")
    if len(wshape) == 1:
        y = fn.matmul(input, weight)
    elif len(shape) == 2:
        y = ops.matmul(input, ops.transpose(weight, axes=(1, 0)))
    else:  # all leading axes as the rows of one product
        rows = ops.reshape(input, shape=(math.prod(shape[:-1]), shape[-1]))
        y = ops.matmul(rows, ops.transpose(weight, axes=(1, 0)))
        y = ops.reshape(y, shape=(*shape[:-1], wshape[0]))
    return y if bias is None else y + bias


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """y[k] = x1 W[k] x2 + b[k].

    x1 (..., n1), x2 (..., n2), weight (n_out, n1, n2), bias (n_out) -> (..., n_out).
    """
    s1, s2, wshape = shape_of(input1), shape_of(input2), shape_of(weight)
    if len(wshape) != 3 or not s1 or not s2 or s1[:-1] != s2[:-1] or (s1[-1], s2[-1]) != wshape[1:]:
        raise ShapeError(
            f"bilinear: inputs {s1} and {s2} do not fit a weight {wshape}: needs (..., n1), (..., n2) and (n_out, "
            "n1, n2)"
        )
    if bias is not None and shape_of(bias) != wshape[:1]:
        raise ShapeError(f"bilinear: bias must have shape {wshape[:1]}, got {shape_of(bias)}")
    n, (out, n1, n2) = math.prod(s1[:-1]), wshape
    maps = ops.reshape(ops.transpose(weight, axes=(1, 0, 2)), shape=(n1, out * n2))
    left = ops.reshape(ops.matmul(ops.reshape(input1, shape=(n, n1)), maps), shape=(n, out, n2))
    y = ops.matmul(left, ops.reshape(input2, shape=(n, n2, 1)))
    y = ops.reshape(y, shape=(*s1[:-1], out))
    return y if bias is None else ops.add(y, bias)


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """Rows of a table by index. input (...) integers, weight (rows, n) -> (..., n).

    Row padding_idx gets no gradient. ArgumentError for an index that is not a row.
    """
    shape = shape_of(weight)
    if len(shape) != 2:
        raise ShapeError(f"embedding: weight must be a table (rows, n), got shape {shape}")
    if aval_of(input).dtype not in (int32, int64):
        raise DtypeError(f"embedding: input must hold int64 or int32 indices, got {aval_of(input).dtype}; use .long()")
    known = ops.known(input)
    if known is not None and known.size and not 0 <= known.min() <= known.max() < shape[0]:
        bad = known.min() if known.min() < 0 else known.max()
        raise ArgumentError(f"embedding: index {bad} is not one of the {shape[0]} rows of the table")
    y = ops.take(weight, input, axis=0)
    if padding_idx is None:
        return y
    row = ops.normalize_axis("embedding", padding_idx, shape[0], "padding_idx")
    return ops.where(ops.eq(fn.unsqueeze(input, -1), row), fn.stop_gradient(y), y)


def one_hot(labels: Any, num_classes: int = -1) -> Tensor:
    """Class indices (...) -> zeros and ones (..., num_classes), int64; -1: the largest index plus one."""
    if aval_of(labels).dtype not in (int32, int64):
        raise DtypeError(f"one_hot: labels must be int64 or int32, got {aval_of(labels).dtype}; use .long()")
    known = ops.known(labels)
    if num_classes == -1:
        if known is None or not known.size:
            raise ArgumentError(
                "one_hot: give num_classes: it cannot be read off labels that are empty or not known yet"
            )
        num_classes = int(known.max()) + 1
    if num_classes < 1:
        raise ArgumentError(f"one_hot: num_classes={num_classes} must be >= 1")
    if known is not None and known.size and not 0 <= known.min() <= known.max() < num_classes:
        bad = known.min() if known.min() < 0 else known.max()
        raise ArgumentError(f"one_hot: label {bad} is not one of {num_classes} classes")
    return fn.one_hot(checked(labels, num_classes), num_classes)


def dropout(input: Any, p: float = 0.5, training: bool = True, generator: Any = None) -> Tensor:
    """In training each element is 0 with probability p and divided by 1 - p otherwise; else the input itself.

    generator: a surefit Generator, a seed, a NumPy Generator, or None for fresh entropy. CapturedError where
    a recorded function would draw from anything but a Generator: it would repeat one draw each time.
    """
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"dropout: p={p} must be a probability from 0 to 1")
    if not training or p == 0.0:
        return input
    if mode.recorder is not None and not isinstance(generator, Generator):
        raise CapturedError(
            f"dropout: generator={generator!r} inside a recorded function would freeze one draw; pass a "
            "surefit.Generator made outside, whose counter is state"
        )
    keep = as_generator(generator).bernoulli(1.0 - p, shape_of(input))
    return ops.where(keep, input if p == 1.0 else input * (1.0 / (1.0 - p)), 0.0)


# --- normalisation -------------------------------------------------------------------------------


def _along_channels(v: Any, shape: tuple[int, ...]) -> Any:
    """One number for each channel, laid along axis 1 of a shape."""
    return ops.reshape(v, shape=(1, shape[1], *(1,) * (len(shape) - 2)))


def _centred(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Mean, x - mean, and (biased) variance over axes, which stay with size 1."""
    mean = fn.mean(x, axes, keepdim=True)
    d = x - mean
    return mean, d, fn.mean(ops.square(d), axes, keepdim=True)


def _affine(y: Any, weight: Any, bias: Any) -> Any:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _trailing(name: str, shape: tuple[int, ...], normalized_shape: Any, **given: Any) -> tuple[int, ...]:
    """The axes of the last sizes `normalized_shape`, which weight and bias must have too."""
    many = isinstance(normalized_shape, (tuple, list))
    want = tuple(normalized_shape) if many else (normalized_shape,)
    if not want or shape[len(shape) - len(want) :] != want:
        raise ShapeError(f"{name}: normalized_shape={want} must be the last sizes of the input, which is {shape}")
    for what, v in given.items():
        if v is not None and shape_of(v) != want:
            raise ShapeError(f"{name}: {what} must have shape {want}, got {shape_of(v)}")
    return tuple(range(len(shape) - len(want), len(shape)))


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(var + eps) over the last axes, of sizes normalized_shape, times weight plus bias."""
    axes = _trailing("layer_norm", shape_of(input), normalized_shape, weight=weight, bias=bias)
    _, d, var = _centred(input, axes)
    return _affine(d / ops.sqrt(var + eps), weight, bias)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last axes, times weight; eps=None is the dtype's machine epsilon."""
    shape, dtype, _ = aval_of(input)
    axes = _trailing("rms_norm", shape, normalized_shape, weight=weight)
    square = fn.mean(ops.square(input), axes, keepdim=True)  # DtypeError for integers
    eps = float(np.finfo(dtype).eps) if eps is None else eps
    return _affine(input / ops.sqrt(square + eps), weight, None)


def _channels(name: str, shape: tuple[int, ...], **given: Any) -> None:
    """ShapeError unless there is a channel axis and every value given has one number for each channel."""
    if len(shape) < 2:
        raise ShapeError(
            f"{name}: needs an input (n, channels, ...), got {shape}; inside batch() a function sees one sample, "
            "without the batch axis"
        )
    for what, v in given.items():
        if v is not None and shape_of(v) != (shape[1],):
            raise ShapeError(
                f"{name}: {what} must have shape ({shape[1]},), one number for each channel of an input {shape}, got "
                f"{shape_of(v)}"
            )


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Each sample normalised over the places of a group of channels: x (n, channels, ...)."""
    shape = shape_of(input)
    _channels("group_norm", shape, weight=weight, bias=bias)
    if num_groups < 1 or shape[1] % num_groups:
        raise ShapeError(f"group_norm: {shape[1]} channels cannot be divided into num_groups={num_groups}")
    groups = ops.reshape(input, shape=(shape[0], num_groups, math.prod(shape[1:]) // num_groups))
    _, d, var = _centred(groups, (2,))
    y = ops.reshape(d / ops.sqrt(var + eps), shape=shape)
    return _affine(y, *(None if v is None else _along_channels(v, shape) for v in (weight, bias)))


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel normalised over the batch and all places (Ioffe and Szegedy 2015). x (n, channels, ...).

    training: with the batch's own mean and biased variance; the running ones (leaves, or None) are assigned
    (1 - momentum) running + momentum new, with the unbiased variance. Otherwise with the running ones.
    ShapeError in training with one value per channel; ArgumentError in training inside `batch()`, where the
    running statistics of the samples would differ.
    """
    shape = shape_of(input)
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _channels("batch_norm", shape, **given)
    axes = (0, *range(2, len(shape)))
    if training:
        n = math.prod(shape[i] for i in axes)
        if n == 0:  # nothing has no statistics, and moves none
            return _affine(input, *(None if v is None else _along_channels(v, shape) for v in (weight, bias)))
        if n == 1:
            raise ShapeError(
                f"batch_norm: training needs more than one value per channel, an input {shape} has {n}: use a larger "
                "batch, evaluation mode, or layer_norm or group_norm; per-sample gradients and batch() show it one "
                "sample at a time, and its statistics cannot mix those"
            )
        d, var = _by_its_own("batch_norm", input, axes, n, running_mean, running_var, momentum)
    else:
        d, var = _by_the_running("batch_norm", input, running_mean, running_var, "training")
    return _scaled(d, var, weight, bias, eps)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised over its places. x (n, channels, places ...).

    use_input_stats: with its own mean and biased variance, and the running ones (leaves, or None) move
    towards their means over the batch (the variance unbiased). Otherwise with the running ones, the same for
    all samples. ShapeError for fewer than two places.
    """
    shape = shape_of(input)
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _channels("instance_norm", shape, **given)
    if use_input_stats:
        n = math.prod(shape[2:])
        if len(shape) < 3 or n < 2:
            raise ShapeError(f"instance_norm: needs more than one place per channel, an input {shape} has {n}")
        axes = tuple(range(2, len(shape)))
        d, var = _by_its_own("instance_norm", input, axes, n, running_mean, running_var, momentum)
    else:
        d, var = _by_the_running("instance_norm", input, running_mean, running_var, "use_input_stats")
    return _scaled(d, var, weight, bias, eps)


def _by_its_own(
    name: str, x: Any, axes: tuple[int, ...], n: int, running_mean: Any, running_var: Any, momentum: Any
) -> tuple[Any, Any]:
    """x - mean and biased variance over axes, n numbers each; the running statistics follow, the variance unbiased."""
    mean, d, var = _centred(x, axes)
    _move(name, "running_mean", running_mean, mean, momentum)
    _move(name, "running_var", running_var, var * (n / (n - 1)), momentum)
    return d, var


def _by_the_running(name: str, x: Any, running_mean: Any, running_var: Any, switch: str) -> tuple[Any, Any]:
    """x - running mean, and the running variance. switch: the argument whose being False asks for them."""
    if running_mean is None or running_var is None:
        raise ArgumentError(f"{name}: running_mean and running_var are needed when {switch}=False")
    shape = shape_of(x)
    return x - _along_channels(running_mean, shape), _along_channels(running_var, shape)


def _scaled(d: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """d / sqrt(var + eps) * weight + bias, the small factors first."""
    scale = 1.0 / ops.sqrt(var + eps)
    weight, bias = (None if v is None else _along_channels(v, shape_of(d)) for v in (weight, bias))
    return _affine(d * (scale if weight is None else scale * weight), None, bias)


def _move(name: str, what: str, running: Any, new: Any, momentum: Any) -> None:
    """Assign a running statistic: (1 - momentum) old + momentum new, new a mean over samples."""
    if running is None:
        return
    if not isinstance(running, Tensor):
        raise DtypeError(
            f"{name}: {what} is assigned, so it must be a leaf (surefit.tensor), got {type(running).__name__}"
        )
    if isinstance(getattr(new, "_value", new), Batched):
        raise ArgumentError(
            f"{name}: inside batch() each sample would move {what} its own way; use evaluation mode there, or "
            "layer_norm or group_norm, which keep no running statistics"
        )
    with no_grad():
        new = fn.mean(new, (0, *range(2, new.ndim)))
        running.assign(ops.cast(running * (1.0 - momentum) + new * momentum, dtype=running.dtype))


# --- similarity, attention, rearrangement ----------------------------------------------------------


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle between vectors along dim (shapes broadcast); norms are taken as eps at least."""
    x1, x2 = fn.broadcast_tensors(x1, x2)
    a = x1 / fn.clamp(fn.vector_norm(x1, 2, dim, keepdim=True), min=eps)
    b = x2 / fn.clamp(fn.vector_norm(x2, 2, dim, keepdim=True), min=eps)
    return fn.sum(a * b, dim)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """p-norm of x1 - x2 + eps along the last axis (shapes broadcast)."""
    return fn.vector_norm(x1 - x2 + eps, p, -1, keepdim)


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: Any = None,
) -> Tensor:
    """softmax(scale Q K^T + mask) V. query (..., l, e), key (..., s, e), value (..., s, v) -> (..., l, v).

    attn_mask: added where it is float; where it is bool, True takes part. A row in which nothing takes part
    gives 0. is_causal: place i sees the places up to i. scale=None is 1/sqrt(e). enable_gqa: groups of query
    heads (axis -3) share a key and value head. dropout_p: weights are dropped with this probability, drawn
    from `generator`.
    """
    sq, sk, sv = (shape_of(x) for x in (query, key, value))
    if min(len(sq), len(sk), len(sv)) < 2 or sq[-1] != sk[-1] or sk[-2] != sv[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: needs query (..., l, e), key (..., s, e), value (..., s, v), got {sq}, "
            f"{sk}, {sv}"
        )
    if is_causal and attn_mask is not None:
        raise ArgumentError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
    if enable_gqa:
        key, value = (_shared_heads(x, sq) for x in (key, value))
    scale = 1.0 / math.sqrt(sq[-1]) if scale is None else scale
    logits = ops.matmul(query * scale, ops.swap_last(key))  # (..., l, s)
    if is_causal:
        attn_mask = ops.mask(sq[-2], sk[-2], ops.le)
    if attn_mask is None:
        weights = fn.softmax(logits, -1)
    else:
        of_bool = aval_of(attn_mask).dtype == ops.bool_
        logits = ops.where(attn_mask, logits, -math.inf) if of_bool else logits + attn_mask
        top = fn.stop_gradient(fn.amax(logits, -1, keepdim=True))
        e = ops.exp(logits - ops.where(fn.isfinite(top), top, 0.0))
        total = fn.sum(e, -1, keepdim=True)
        weights = e / ops.where(ops.eq(total, 0.0), 1.0, total)
    if dropout_p:
        weights = dropout(weights, dropout_p, True, generator)
    return ops.matmul(weights, value)


def _shared_heads(x: Any, query: tuple[int, ...]) -> Any:
    """Each head of x (..., heads, s, n) repeated next to itself, until there are as many as in the query."""
    shape = shape_of(x)
    if len(shape) < 3 or len(query) < 3 or query[-3] % shape[-3]:
        raise ShapeError(f"scaled_dot_product_attention: heads of query {query} are not a multiple of those of {shape}")
    k = query[-3] // shape[-3]
    lead, (heads, s, n) = shape[:-3], shape[-3:]
    wide = ops.broadcast_to(ops.reshape(x, shape=(*lead, heads, 1, s, n)), shape=(*lead, heads, k, s, n))
    return ops.reshape(wide, shape=(*lead, heads * k, s, n))


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """Channels spread over places: (..., c r^2, h, w) -> (..., c, h r, w r) with r the upscale_factor."""
    shape, r = shape_of(input), upscale_factor
    if r < 1:
        raise ArgumentError(f"pixel_shuffle: upscale_factor={r} must be >= 1")
    if len(shape) < 3 or shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: needs (..., c * {r * r}, height, width), got {shape}")
    lead, (c, h, w) = shape[:-3], (shape[-3] // (r * r), *shape[-2:])
    k = len(lead)
    y = ops.reshape(input, shape=(*lead, c, r, r, h, w))
    y = ops.transpose(y, axes=(*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return ops.reshape(y, shape=(*lead, c, h * r, w * r))


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm", "bilinear",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "conv1d", "conv2d", "conv_transpose1d",
    "conv_transpose2d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "dropout", "elu", "embedding",
    "gaussian_nll_loss", "gelu", "glu", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "linear", "log_cosh_loss", "log_softmax", "logsigmoid", "margin_ranking_loss", "max_pool1d",
    "max_pool2d", "mish", "mse_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pixel_shuffle",
    "poisson_nll_loss", "prelu", "quantile_loss", "relu", "relu6", "rms_norm", "scaled_dot_product_attention", "selu",
    "sigmoid", "silu", "sin", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip
