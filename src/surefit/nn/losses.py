"""Losses as functions: how far predictions are from targets, under PyTorch's names and arguments.

Losses never broadcast: `input` and `target` must have one shape, because (n,) against (n, 1) would silently
compare everything with everything. Each takes reduction="mean" (the default), "sum" or "none" (no
reduction).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core import functions as fn
from surefit.core import ops
from surefit.core.ops import aval_of, float32, float64, int32, int64, shape_of
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, ShapeError

# --- what all losses share -----------------------------------------------------------------------


def _reduced(loss: Any, reduction: str) -> Any:
    if reduction == "none":
        return loss
    return fn.mean(loss) if reduction == "mean" else fn.sum(loss)


def _check_reduction(name: str, reduction: str, *more: str) -> None:
    choices = ("mean", "sum", "none", *more)
    if reduction not in choices:
        raise ArgumentError(f"{name}: reduction={reduction!r} must be one of {', '.join(map(repr, choices))}")


def _check_pair(name: str, input: Any, target: Any, reduction: str, what: str = "target") -> None:
    """ArgumentError for an unknown reduction, ShapeError unless the two have one shape."""
    _check_reduction(name, reduction)
    _check_shapes(name, input, target, what)


def _check_shapes(name: str, input: Any, target: Any, what: str = "target") -> None:
    a, b = shape_of(input), shape_of(target)
    if a == b:
        return
    if b == (*a, 1):
        fix = f"use {what}.squeeze(-1)"
    elif a == (*b, 1):
        fix = f"use input.squeeze(-1), or {what}.unsqueeze(-1)"
    elif math.prod(a) == math.prod(b):
        fix = f"use {what}.reshape{a}"
    else:
        fix = f"each element of the input needs its own {what}"
    raise ShapeError(f"{name}: input {a} and {what} {b} must have one shape, since losses never broadcast; {fix}")


def _weighted(name: str, loss: Any, weight: Any, reduction: str, mean_of_weights: bool) -> Any:
    """A loss with a weight for each element; the mean is over the elements, or over the weights."""
    if weight is None:
        return _reduced(loss, reduction)
    if shape_of(weight) != shape_of(loss):
        raise ShapeError(f"{name}: weight must have shape {shape_of(loss)}, got {shape_of(weight)}")
    loss = loss * weight
    if reduction == "mean" and mean_of_weights:
        return ops.div(fn.sum(loss), fn.sum(weight))
    return _reduced(loss, reduction)


# --- regression ----------------------------------------------------------------------------------


@ops.silent
def mse_loss(input: Any, target: Any, *, weight: Any = None, reduction: str = "mean") -> Tensor:
    """(input - target)^2. With a weight for each element, the mean is divided by the sum of the weights.

    >>> import numpy as np
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    _check_pair("mse_loss", input, target, reduction)
    return _weighted("mse_loss", ops.square(input - target), weight, reduction, True)


@ops.silent
def l1_loss(input: Any, target: Any, *, weight: Any = None, reduction: str = "mean") -> Tensor:
    """|input - target|. With a weight for each element, the mean is divided by the sum of the weights."""
    _check_pair("l1_loss", input, target, reduction)
    return _weighted("l1_loss", ops.abs_(input - target), weight, reduction, True)


@ops.silent
def smooth_l1_loss(input: Any, target: Any, *, beta: float = 1.0, reduction: str = "mean") -> Tensor:
    """d^2 / (2 beta) for |d| < beta, |d| - beta / 2 beyond, with d = input - target; beta = 0 is l1_loss."""
    _check_pair("smooth_l1_loss", input, target, reduction)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta={beta} must be >= 0")
    d = input - target
    size = ops.abs_(d)
    if beta == 0:
        return _reduced(size, reduction)
    near = ops.square(d) * (0.5 / beta)
    return _reduced(ops.where(ops.lt(size, beta), near, size - 0.5 * beta), reduction)


@ops.silent
def huber_loss(input: Any, target: Any, *, delta: float = 1.0, weight: Any = None, reduction: str = "mean") -> Tensor:
    """d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond, with d = input - target (Huber 1964).

    With a weight for each element, the mean is still over the elements.
    """
    _check_pair("huber_loss", input, target, reduction)
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta={delta} must be positive")
    d = input - target
    size = ops.abs_(d)
    loss = ops.where(ops.le(size, delta), ops.square(d) * 0.5, (size - 0.5 * delta) * delta)
    return _weighted("huber_loss", loss, weight, reduction, False)


@ops.silent
def log_cosh_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """log(cosh(input - target)): d^2 / 2 near 0, |d| - log 2 far away, and smooth; exact at both ends."""
    _check_pair("log_cosh_loss", input, target, reduction)
    d = input - target
    far = ops.gt(ops.abs_(d), 1.0)
    # near 0 the difference of two numbers near log 2 would lose all digits: cosh d = 1 + 2 sinh^2(d/2)
    near = ops.log1p(ops.square(ops.sinh(ops.where(far, 0.0, d) * 0.5)) * 2.0)
    return _reduced(ops.where(far, d + ops.softplus(d * -2.0) - math.log(2.0), near), reduction)


@ops.silent
def quantile_loss(input: Any, target: Any, quantile: float = 0.5, *, reduction: str = "mean") -> Tensor:
    """The pinball loss max(q e, (q - 1) e) with e = target - input, whose minimiser is the q-quantile.

    Koenker and Bassett 1978. ArgumentError unless 0 < quantile < 1.
    """
    _check_pair("quantile_loss", input, target, reduction)
    if not 0.0 < quantile < 1.0:
        raise ArgumentError(f"quantile_loss: quantile={quantile} must lie between 0 and 1")
    e = target - input
    return _reduced(ops.maximum(e * quantile, e * (quantile - 1.0)), reduction)


@ops.silent
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    *,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts: exp(x) - t x, or x - t log(x + eps) for log_input=False.

    full adds Stirling's t log t - t + log(2 pi t) / 2 for targets above 1.
    """
    _check_pair("poisson_nll_loss", input, target, reduction)
    loss = ops.exp(input) - target * input if log_input else input - target * ops.log(input + eps)
    if full:
        large = ops.gt(target, 1.0)
        t = ops.where(large, target, 1.0)
        loss = loss + ops.where(large, t * ops.log(t) - t + ops.log(t * (2.0 * math.pi)) * 0.5, 0.0)
    return _reduced(loss, reduction)


@ops.silent
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log var + (input - target)^2 / var) / 2, and log(2 pi) / 2 if full; var is taken as eps at least.

    var: a number, or the input's shape, or that shape with one axis of size 1 or without the last axis (one
    variance for all of it). Below eps its gradient is that at eps (Nix and Weigend 1994).
    """
    _check_pair("gaussian_nll_loss", input, target, reduction)
    shape, vshape = shape_of(input), shape_of(var)
    known = np.asarray(var) if isinstance(var, (int, float)) else ops.known(var)
    if known is not None and (known < 0).any():
        raise ArgumentError(f"gaussian_nll_loss: var must not be negative, its smallest element is {known.min()}")
    if vshape not in (shape, ()):
        if vshape == shape[:-1]:
            var = fn.unsqueeze(var, -1)
        elif len(vshape) != len(shape) or [n for m, n in zip(shape, vshape, strict=True) if m != n] != [1]:
            raise ShapeError(
                f"gaussian_nll_loss: var {vshape} must have the input's shape {shape}, or that with one axis of size "
                "1, or that without the last axis"
            )
    var = var + ops.maximum(eps - fn.stop_gradient(var), 0.0)
    loss = (ops.log(var) + ops.square(input - target) / var) * 0.5
    return _reduced(loss + 0.5 * math.log(2.0 * math.pi) if full else loss, reduction)


# --- classification ------------------------------------------------------------------------------


@ops.silent
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target], finite for all finite logits. input (n, c), (n, c, places ...) or (c).

    target: class indices, the input's shape without c; or probabilities, the input's shape. weight (c): one
    for each class; with indices the mean is divided by the weights of the targets. ignore_index: targets
    that do not count. label_smoothing s: targets are mixed with s times the even distribution.

    >>> import numpy as np
    >>> float(cross_entropy(np.array([[1e4, 0.0, -1e4]]), np.array([2])))
    20000.0
    """
    name = "cross_entropy"
    _check_reduction(name, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"{name}: label_smoothing={label_smoothing} must be from 0 to 1")
    axis = _class_axis(name, input, weight)
    log_p = fn.log_softmax(input, axis)
    (shape, _, _), (tshape, tdtype, _) = aval_of(input), aval_of(target)
    if tdtype not in (float32, float64):
        return _of_indices(name, log_p, target, weight, ignore_index, reduction, label_smoothing)
    if tshape != shape:
        raise ShapeError(
            f"{name}: probabilities must have the input's shape {shape}, got {tshape}; class indices must be "
            "integers (target.long())"
        )
    classes = shape[axis]
    if label_smoothing:
        target = target * (1.0 - label_smoothing) + label_smoothing / classes
    loss = target * log_p
    loss = -fn.sum(loss if weight is None else loss * _by_class(weight, axis, len(shape)), axis)
    if reduction == "mean":
        return fn.sum(loss) / float(math.prod(shape) // classes)  # the weights are no part of the divisor
    return _reduced(loss, reduction)


@ops.silent
def nll_loss(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """-input[target], for log probabilities (n, c), (n, c, places ...) or (c); otherwise as cross_entropy."""
    _check_reduction("nll_loss", reduction)
    _class_axis("nll_loss", input, weight)
    return _of_indices("nll_loss", input, target, weight, ignore_index, reduction, 0.0)


def _class_axis(name: str, input: Any, weight: Any) -> int:
    """The axis of the classes, after a check of the input and of the weights."""
    shape, dtype, _ = aval_of(input)
    if not shape:
        raise ShapeError(f"{name}: input must have a class axis: (n, classes), (n, classes, ...) or (classes,), got ()")
    if dtype not in (float32, float64):
        raise DtypeError(f"{name}: input must be float32 or float64, got {dtype}; cast first (x.float())")
    axis = 1 if len(shape) > 1 else 0
    if shape[axis] == 0:
        raise ShapeError(f"{name}: input {shape} has no classes")
    if weight is not None and shape_of(weight) != (shape[axis],):
        raise ShapeError(
            f"{name}: weight must have shape ({shape[axis]},), one number for each class of an input {shape}, got "
            f"{shape_of(weight)}"
        )
    return axis


def _by_class(weight: Any, axis: int, ndim: int) -> Any:
    return ops.reshape(weight, shape=(*(1,) * axis, shape_of(weight)[0], *(1,) * (ndim - axis - 1)))


def _of_indices(
    name: str, log_p: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Any:
    """The losses of class indices, given log probabilities."""
    (shape, dtype, _), (tshape, tdtype, _) = aval_of(log_p), aval_of(target)
    axis = 1 if len(shape) > 1 else 0
    classes = shape[axis]
    if tdtype not in (int32, int64):
        raise DtypeError(f"{name}: target must hold int64 or int32 class indices, got {tdtype}; use target.long()")
    if tshape != shape[:axis] + shape[axis + 1 :]:
        raise ShapeError(
            f"{name}: class indices for an input {shape} must have shape {shape[:axis] + shape[axis + 1 :]}, got "
            f"{tshape}" + (f"; use target.squeeze({len(tshape) - 1})" if tshape == (*shape[:1], 1) else "")
        )
    target = _checked_classes(name, target, classes, ignore_index)
    counts = ops.ne(target, ignore_index)
    target = ops.where(counts, target, 0)
    picked = fn.squeeze(fn.gather(log_p, axis, fn.unsqueeze(target, axis)), axis)
    weights = None if weight is None else ops.where(counts, ops.take(weight, target, axis=0), 0.0)
    loss = ops.where(counts, -picked if weights is None else -picked * weights, 0.0)
    if smoothing:
        spread = -fn.sum(log_p if weight is None else log_p * _by_class(weight, axis, len(shape)), axis)
        loss = loss * (1.0 - smoothing) + ops.where(counts, spread, 0.0) * (smoothing / classes)
    if reduction == "mean":
        return ops.div(fn.sum(loss), fn.sum(ops.cast(counts, dtype=dtype) if weights is None else weights))
    return _reduced(loss, reduction)


def _checked_classes(name: str, target: Any, classes: int, ignore_index: int) -> Any:
    """The targets, checked where they are known; as plain numbers then, which nothing needs to differentiate."""
    known = ops.known(target)
    if known is None:
        return target
    wrong = (known != ignore_index) & ((known < 0) | (known >= classes))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ArgumentError(
            f"{name}: target {known[place]} at place {place} is not one of the {classes} classes 0 to {classes - 1}"
        )
    return known


@ops.silent
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """-(t log x + (1 - t) log(1 - x)) for probabilities x; logarithms are taken as -100 at least.

    At x = 0 and 1 the slope of the logarithm is taken as 1e12. Prefer binary_cross_entropy_with_logits,
    which is exact.
    """
    _check_pair("binary_cross_entropy", input, target, reduction)
    known = ops.known(input)
    if known is not None and ((known < 0) | (known > 1)).any():
        raise ArgumentError(
            f"binary_cross_entropy: input must be probabilities from 0 to 1, got {known.min()} to {known.max()}; use "
            "binary_cross_entropy_with_logits for logits"
        )
    loss = -(
        target * _log_at_least(input, ops.log, input) + (1.0 - target) * _log_at_least(1.0 - input, ops.log1p, -input)
    )
    return _reduced(_broadcast_weight("binary_cross_entropy", loss, weight), reduction)


def _log_at_least(p: Any, log: ops.Op, x: Any) -> Any:
    """log(x), which is the logarithm of p, but -100 with slope 1e12 where p is below exp(-100)."""
    tiny = ops.lt(p, math.exp(-100.0))
    return ops.where(tiny, p * 1e12 - 100.0, log(ops.where(tiny, 0.5, x)))


def _broadcast_weight(name: str, loss: Any, weight: Any) -> Any:
    """A loss times a weight whose shape may be repeated to that of the loss (never the other way round)."""
    if weight is None:
        return loss
    if ops.broadcast_shapes(name, shape_of(loss), shape_of(weight)) != shape_of(loss):
        raise ShapeError(f"{name}: weight {shape_of(weight)} does not broadcast to the input's {shape_of(loss)}")
    return loss * weight


@ops.silent
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """-(p t log s(x) + (1 - t) log(1 - s(x))) with the sigmoid s and pos_weight p; finite for all logits x.

    weight and pos_weight may be of any shape that broadcasts to the input's.
    """
    name = "binary_cross_entropy_with_logits"
    _check_pair(name, input, target, reduction)
    one = target if pos_weight is None else _broadcast_weight(name, target, pos_weight)
    loss = one * ops.softplus(-input) + (1.0 - target) * ops.softplus(input)  # the logarithms of s(x) and 1 - s(x)
    return _reduced(_broadcast_weight(name, loss, weight), reduction)


@ops.silent
def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """t (log t - x), for log probabilities x = input and probabilities t = target.

    log_target: the target holds logarithms too.
    reduction="batchmean" (the sum divided by the first size) is the divergence itself; "mean" is over all
    elements.
    """
    _check_reduction("kl_div", reduction, "batchmean")
    _check_shapes("kl_div", input, target)
    loss = ops.exp(target) * (target - input) if log_target else fn.xlogy(target, target) - target * input
    if reduction != "batchmean":
        return _reduced(loss, reduction)
    shape = shape_of(input)
    return fn.sum(loss) / float(shape[0]) if shape else loss


# --- margins -------------------------------------------------------------------------------------


@ops.silent
def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-t x)), target t = +1 or -1."""
    _check_pair("soft_margin_loss", input, target, reduction)
    return _reduced(ops.softplus(-target * input), reduction)


@ops.silent
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """x where the target is 1, max(margin - x, 0) where it is -1."""
    _check_pair("hinge_embedding_loss", input, target, reduction)
    apart = ops.where(ops.ne(target, 1), fn.clamp(margin - input, min=0.0), 0.0)
    return _reduced(apart + ops.where(ops.ne(target, -1), input, 0.0), reduction)


@ops.silent
def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """max(margin - t (x1 - x2), 0): target t = 1 wants x1 above x2, -1 below."""
    _check_pair("margin_ranking_loss", input1, input2, reduction, "input2")
    _check_shapes("margin_ranking_loss", input1, target)
    return _reduced(fn.clamp(-target * (input1 - input2) + margin, min=0.0), reduction)


@ops.silent
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x1, x2) where the target is 1, max(cos(x1, x2) - margin, 0) where it is -1.

    input1, input2 (n, d) or (d), target (n) or ().
    """
    name = "cosine_embedding_loss"
    _check_pair(name, input1, input2, reduction, "input2")
    shape, tshape = shape_of(input1), shape_of(target)
    if len(shape) not in (1, 2) or tshape != shape[:-1]:
        raise ShapeError(f"{name}: needs inputs (n, d) with a target (n), or (d) with (), got {shape} and {tshape}")
    tiny = 1e-12  # PyTorch's
    norms = [fn.sum(ops.square(x), -1) + tiny for x in (input1, input2)]
    cos = fn.sum(input1 * input2, -1) / ops.sqrt(norms[0] * norms[1])
    near = ops.where(ops.eq(target, 1), 1.0 - cos, 0.0)
    return _reduced(near + ops.where(ops.eq(target, -1), fn.clamp(cos - margin, min=0.0), 0.0), reduction)


__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "log_cosh_loss",
    "margin_ranking_loss", "mse_loss", "nll_loss", "poisson_nll_loss", "quantile_loss", "smooth_l1_loss",
    "soft_margin_loss",
]  # fmt: skip
