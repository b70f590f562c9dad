"""surefit behind the contract of the operator vectors: `OPS`, `const` and `vjp`.

The vectors are PyTorch's own test cases (op name, input, arguments, outputs, cotangents, input gradients). An op here
takes PyTorch's arguments. Where the two libraries differ on purpose or in rounding, a waiver says so by name: it
either spells out the difference, so that the rest of the case is still compared, or raises `Waived`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core import functions as F
from surefit.core.creation import as_tensor, tensor
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.nn import functional as N

WAIVERS = {
    "pytorch-random": "dropout_p > 0 draws from PyTorch's own random numbers, which nobody else can draw",
    "losses-never-broadcast": "PyTorch still broadcasts input and target of some losses; here they are expanded first",
    "float32-constants": "PyTorch's gradients of celu and hardsigmoid multiply by constants rounded to float32",
    "poles-of-trigamma": "at a pole PyTorch returns the rounding of pi^2 / sin^2(pi x), about 1e27; surefit infinity",
    "nan-in-vector-loops": "at NaN PyTorch's gradient is 0 in loops over 8 numbers and g in the rest; surefit's is 0",
    "batch-norm-of-nothing": "PyTorch lets an input of shape (0,) pass batch_norm, which has no channel axis",
    "xlogy-at-the-origin": "at x = y = 0 PyTorch's gradient in y is NaN; surefit's is 0, as the value is",
}


class Waived(NotImplementedError):
    """A case that cannot be compared, for the reason of the waiver that it names."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {WAIVERS[name]}")
        self.name = name


# --- the contract --------------------------------------------------------------------------------


def const(a: np.ndarray) -> Tensor:
    return tensor(a)


def vjp(
    fn: Callable[[list[Tensor]], tuple[Any, ...]], leaves: list[np.ndarray], cots: dict[int, np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Outputs of fn at the leaves, and the gradients of sum(output i * cots[i])."""
    xs = [tensor(a, requires_grad=bool(cots)) for a in leaves]
    outs = fn(xs)
    for i, cot in cots.items():
        if isinstance(outs[i], Tensor) and outs[i].requires_grad:
            outs[i].backward(tensor(cot), retain_graph=True)
    grads = [None if x.grad is None else x.grad.numpy() for x in xs]
    return [o.detach().numpy() if isinstance(o, Tensor) else np.asarray(o) for o in outs], grads


# --- waivers -------------------------------------------------------------------------------------


def _plus_slope(y: Tensor, x: Tensor, slope: np.ndarray) -> Tensor:
    """y with a slope added to its derivative in x, its value unchanged."""
    rise = F.where(F.isfinite(x), x - x.detach(), 0.0)
    return y + rise * tensor(slope.astype(x.dtype))


def _expanded(loss: Callable[..., Any], count: int) -> Callable[..., Any]:
    """losses-never-broadcast."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return loss(*F.broadcast_tensors(*args[:count]), *args[count:], **kwargs)

    return call


def _gaussian_nll_loss(input: Any, target: Any, var: Any, **kwargs: Any) -> Any:
    """losses-never-broadcast."""
    if as_tensor(var).shape == input.shape:
        input, target, var = F.broadcast_tensors(input, target, var)
    else:
        input, target = F.broadcast_tensors(input, target)
    return N.gaussian_nll_loss(input, target, var, **kwargs)


def _hardsigmoid(x: Tensor) -> Tensor:
    """float32-constants."""
    value = x.detach().numpy()
    inside = (value > -3) & (value < 3)
    return _plus_slope(N.hardsigmoid(x), x, inside * (float(np.float32(1) / np.float32(6)) - 1 / 6))


def _celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """float32-constants."""
    value = x.detach().numpy().astype(np.float64)
    below, rate = np.where(value <= 0, value, 0.0), 1.0 / float(np.float32(alpha))
    slope = alpha * rate * np.exp(below * rate) - np.exp(below / alpha)
    return _plus_slope(N.celu(x, alpha), x, np.where(value <= 0, slope, 0.0))


def _digamma(x: Tensor) -> Tensor:
    """poles-of-trigamma."""
    value = x.detach().numpy()
    pole = (value < 0) & (value == np.floor(value)) & np.isfinite(value)
    if not pole.any():
        return F.digamma(x)
    with no_grad():
        at_pole = F.digamma(x)
    y = F.where(tensor(pole), at_pole, F.digamma(F.where(tensor(pole), 0.5, x)))
    with np.errstate(divide="ignore"):
        theirs = (math.pi / np.sin(math.pi * np.where(pole, value, 0.5))) ** 2
    return _plus_slope(y, x, np.where(pole, theirs, 0.0))


def _with_scalar_rest(f: Callable[..., Any]) -> Callable[..., Any]:
    """nan-in-vector-loops."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        y, value = f(x, *args, **kwargs), x.detach().numpy()
        rest = np.arange(value.size).reshape(value.shape) >= value.size // 8 * 8
        passes = np.isnan(value) & rest
        return y + F.where(tensor(passes), x - x.detach(), 0.0) if passes.any() else y

    return call


def _batch_norm(input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """batch-norm-of-nothing."""
    return input.clone() if input.shape == (0,) else N.batch_norm(input, *args, **kwargs)


def _xlogy(x: Any, y: Any) -> Any:
    """xlogy-at-the-origin."""
    if isinstance(y, Tensor) and y.requires_grad and bool(((as_tensor(x) == 0) & (y == 0)).any()):
        raise Waived("xlogy-at-the-origin")
    return F.xlogy(x, y)


def _attention(*args: Any, dropout_p: float = 0.0, **kwargs: Any) -> Any:
    """pytorch-random."""
    if dropout_p:
        raise Waived("pytorch-random")
    return N.scaled_dot_product_attention(*args, **kwargs)


# --- the operators -------------------------------------------------------------------------------

_FUNCTIONS = """
abs acos acosh add addmm all amax amin any argmax argmin asin asinh atan atan2 atanh bmm broadcast_to cat ceil clamp
clamp_max clamp_min cos cosh cumprod cumsum diag diagonal div dot eq erf erfc exp exp2 expand expm1 flatten floor fmod
gather ge gt hypot i0 index_select isfinite isinf isnan le lerp lgamma log log10 log1p log2 log_softmax logaddexp logit
logsumexp lt masked_fill matmul max maximum mean min minimum mm movedim mul mv ne neg norm outer permute pow prod ravel
reciprocal remainder repeat reshape roll round rsqrt scatter_add sigmoid sign sin sinc sinh softmax sort split sqrt
square squeeze stack std sum take_along_dim tan tanh tensordot tile trace transpose tril triu true_divide trunc unbind
unsqueeze var vdot view
""".split()

_LAYERS = """
adaptive_avg_pool1d adaptive_avg_pool2d avg_pool1d avg_pool2d bilinear binary_cross_entropy
binary_cross_entropy_with_logits conv1d conv2d cosine_embedding_loss cosine_similarity cross_entropy elu gelu glu
group_norm hardswish instance_norm layer_norm leaky_relu linear logsigmoid max_pool1d max_pool2d mish nll_loss
normalize pad pairwise_distance pixel_shuffle prelu relu rms_norm selu silu softmin softplus softsign tanhshrink
threshold
""".split()

_BROADCASTING_LOSSES = {
    "hinge_embedding_loss": 2, "huber_loss": 2, "kl_div": 2, "l1_loss": 2, "margin_ranking_loss": 3, "mse_loss": 2,
    "poisson_nll_loss": 2, "smooth_l1_loss": 2, "soft_margin_loss": 2,
}  # fmt: skip

OPS: dict[str, Callable[..., Any]] = {name: getattr(F, name) for name in _FUNCTIONS}
OPS.update(
    {
        "__getitem__": lambda x, index: x[index],
        "__radd__": lambda x, other: other + x,
        "__rdiv__": lambda x, other: other / x,
        "__rmatmul__": lambda x, other: other @ x,
        "__rmul__": lambda x, other: other * x,
        "__rpow__": lambda x, other: other**x,
        "__rsub__": lambda x, other: other - x,
        "clone": lambda x, memory_format=None: x.clone(),
        "digamma": _digamma,
        "einsum": lambda operands, equation: F.einsum(equation, *operands),
        "flip": lambda x, dims: F.flip(x, dims),
        "rsub": lambda x, other, alpha=1: other - x * alpha,
        "sub": F.subtract,
        "where": lambda a, condition, b: F.where(condition, a, b),
        "xlogy": _xlogy,
    }
)
OPS.update(
    {f"linalg.{name}": getattr(F, name) for name in "cholesky det inv multi_dot slogdet solve vector_norm".split()}
)
OPS["linalg.norm"] = F.linalg_norm
OPS.update({f"nn.functional.{name}": getattr(N, name) for name in _LAYERS})
OPS.update({f"nn.functional.{name}": _expanded(getattr(N, name), n) for name, n in _BROADCASTING_LOSSES.items()})
OPS.update(
    {
        f"nn.functional.{name}": _with_scalar_rest(getattr(N, name))
        for name in ("hardshrink", "hardtanh", "relu6", "softshrink")
    }
)
OPS.update(
    {
        "nn.functional.batch_norm": _batch_norm,
        "nn.functional.celu": _celu,
        "nn.functional.embedding": lambda weight, indices, **kwargs: N.embedding(indices, weight, **kwargs),
        "nn.functional.gaussian_nll_loss": _gaussian_nll_loss,
        "nn.functional.hardsigmoid": _hardsigmoid,
        "nn.functional.scaled_dot_product_attention": _attention,
    }
)
