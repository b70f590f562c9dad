"""Activations as modules, under PyTorch's names. All keep the shape, but GLU, which halves an axis."""

from __future__ import annotations

from typing import Any

from surefit.core import ops
from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.nn import functional as F
from surefit.nn import init
from surefit.nn.arguments import float_dtype, one_of, positive
from surefit.nn.module import Module

# --- without settings -------------------------------------------------------------------------------


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, input: Any) -> Tensor:
        return F.relu(input)


class ReLU6(Module):
    """min(max(x, 0), 6)."""

    def forward(self, input: Any) -> Tensor:
        return F.relu6(input)


class SELU(Module):
    """1.0507 (x for x > 0, 1.6733 (exp(x) - 1) below) (Klambauer and others 2017)."""

    def forward(self, input: Any) -> Tensor:
        return F.selu(input)


class SiLU(Module):
    """x sigmoid(x), also called swish."""

    def forward(self, input: Any) -> Tensor:
        return F.silu(input)


class Mish(Module):
    """x tanh(softplus(x))."""

    def forward(self, input: Any) -> Tensor:
        return F.mish(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Any) -> Tensor:
        return ops.sigmoid(input)


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x))), without overflow."""

    def forward(self, input: Any) -> Tensor:
        return F.logsigmoid(input)


class Tanh(Module):
    """tanh(x)."""

    def forward(self, input: Any) -> Tensor:
        return ops.tanh(input)


class Square(Module):
    """x^2."""

    def forward(self, input: Any) -> Tensor:
        return ops.square(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Any) -> Tensor:
        return F.tanhshrink(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Tensor:
        return F.softsign(input)


class Hardswish(Module):
    """x min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Any) -> Tensor:
        return F.hardswish(input)


class Hardsigmoid(Module):
    """min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Any) -> Tensor:
        return F.hardsigmoid(input)


# --- with settings ----------------------------------------------------------------------------------


class LeakyReLU(Module):
    """x for x > 0, negative_slope * x below."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Tensor:
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """Leaky ReLU with a learned slope, one for all or for each channel (axis 1). weight (num_parameters,)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        super().__init__()
        positive("PReLU", num_parameters=num_parameters)
        self.init = init
        self.weight = Parameter([init] * num_parameters, float_dtype("PReLU", dtype))

    def reset_parameters(self) -> None:
        """Back to the slope it was made with."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.weight.shape[0]}"


class ELU(Module):
    """x for x > 0, alpha (exp(x) - 1) below."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, input: Any) -> Tensor:
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(Module):
    """x for x > 0, alpha (exp(x / alpha) - 1) below."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        if alpha == 0:
            raise ArgumentError("CELU: alpha must not be 0")
        self.alpha = alpha

    def forward(self, input: Any) -> Tensor:
        return F.celu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class GELU(Module):
    """x times the normal distribution function of x; approximate="tanh" for the tanh formula."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = one_of("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, input: Any) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, without overflow; with a threshold, x itself where beta x > threshold.

    PyTorch's threshold is 20, where the function then jumps by 2e-9; here there is none unless it is given.
    """

    def __init__(self, beta: float = 1.0, threshold: float | None = None) -> None:
        super().__init__()
        if not beta > 0:
            raise ArgumentError(f"Softplus: beta={beta} must be > 0")
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardtanh(Module):
    """x limited to [min_val, max_val]."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__()
        if not min_val < max_val:
            raise ArgumentError(f"Hardtanh: min_val={min_val} must be below max_val={max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Any) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Hardshrink(Module):
    """x where |x| > lambd, else 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 where |x| <= lambd."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        if not lambd >= 0:
            raise ArgumentError(f"Softshrink: lambd={lambd} must be >= 0")
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Threshold(Module):
    """x where x > threshold, else value."""

    def __init__(self, threshold: float, value: float) -> None:
        super().__init__()
        self.threshold, self.value = threshold, value

    def forward(self, input: Any) -> Tensor:
        return F.threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


class Sin(Module):
    """sin(omega x), the activation of SIREN networks (Sitzmann and others 2020; they take omega = 30)."""

    def __init__(self, omega: float = 1.0) -> None:
        super().__init__()
        if not omega > 0:
            raise ArgumentError(f"Sin: omega={omega} must be > 0")
        self.omega = omega

    def forward(self, input: Any) -> Tensor:
        return ops.sin(input if self.omega == 1 else input * self.omega)

    def extra_repr(self) -> str:
        return f"omega={self.omega}"


# --- along an axis ------------------------------------------------------------------------------------


class _AlongAxis(Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongAxis):
    """exp(x) / sum(exp(x)) along dim."""

    def forward(self, input: Any) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(_AlongAxis):
    """log(softmax(x)) along dim, without overflow."""

    def forward(self, input: Any) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(_AlongAxis):
    """softmax(-x) along dim."""

    def forward(self, input: Any) -> Tensor:
        return F.softmin(input, self.dim)


class GLU(_AlongAxis):
    """a sigmoid(b), where a and b are the halves of x along dim."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim)

    def forward(self, input: Any) -> Tensor:
        return F.glu(input, self.dim)


__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Sin",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]
