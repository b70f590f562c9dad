"""Layers that are an affine map, a table, a change of shape, or a random mask.

Weights are stored as PyTorch stores them and start as its do: uniform on +-1/sqrt(fan_in) (He and others 2015
with a = sqrt 5), biases too; embeddings standard normal. `generator`: a seed, a NumPy Generator, or None for
fresh entropy. Give several layers one NumPy Generator, not one seed: the same seed gives layers of one shape
the same weights.
"""

from __future__ import annotations

import math
from typing import Any

from surefit.core import functions
from surefit.core import random as streams
from surefit.core.creation import as_tensor, numpy_generator, zeros
from surefit.core.leaves import Parameter
from surefit.core.ops import aval_of, shape_of
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import functional as F
from surefit.nn import init
from surefit.nn.arguments import float_dtype, positive, probability
from surefit.nn.module import Module


class Linear(Module):
    """x W^T + b along the last axis: (..., in_features) -> (..., out_features). weight (out, in).

    >>> from surefit.core.creation import zeros
    >>> Linear(3, 2, generator=0)(zeros(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        positive("Linear", in_features=in_features, out_features=out_features)
        d = float_dtype("Linear", dtype)
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(zeros(out_features, in_features, dtype=d))
        self.bias = Parameter(zeros(out_features, dtype=d)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new weights and biases."""
        draw = numpy_generator(generator)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=draw)
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.in_features)
            init.uniform_(self.bias, -bound, bound, draw)

    def forward(self, input: Any) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y[k] = x1 A[k] x2 + b[k]. x1 (..., in1), x2 (..., in2) -> (..., out); weight (out, in1, in2)."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        positive("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        d = float_dtype("Bilinear", dtype)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(zeros(out_features, in1_features, in2_features, dtype=d))
        self.bias = Parameter(zeros(out_features, dtype=d)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new weights and biases, uniform on +-1/sqrt(in1_features)."""
        draw = numpy_generator(generator)
        bound = 1.0 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound, draw)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, draw)

    def forward(self, input1: Any, input2: Any) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        inputs = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{inputs}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Module):
    """A table of vectors, looked up by index: (...) int -> (..., dim). weight (num_embeddings, dim).

    padding_idx: a row that starts at zero and gets no gradient.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        generator: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ArgumentError(f"Embedding: padding_idx={padding_idx} is not one of the {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = Parameter(zeros(num_embeddings, embedding_dim, dtype=float_dtype("Embedding", dtype)))
        self.reset_parameters(generator)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An Embedding with the given table (num_embeddings, dim); not trained unless freeze=False."""
        table = as_tensor(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: needs a table (rows, dim), got shape {table.shape}")
        layer = cls(table.shape[0], table.shape[1], padding_idx, generator=0, dtype=table.dtype)
        layer.weight.assign(table)
        layer.weight.requires_grad_(not freeze)
        return layer

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw a new table."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            table = self.weight.detach().numpy().copy()
            table[self.padding_idx] = 0.0
            self.weight.assign(table)

    def forward(self, input: Any) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class Identity(Module):
    """x itself. Arguments are accepted and forgotten, so that it can stand for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Tensor:
        return input


class Flatten(Module):
    """Axes start_dim to end_dim as one: (batch, ...) -> (batch, n) as it stands."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        return functions.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Axis dim as several: the inverse of Flatten. One of the sizes may be -1."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Tensor:
        shape = shape_of(input)
        if not -len(shape) <= self.dim < len(shape):
            raise ShapeError(f"Unflatten: dim={self.dim} is out of range for the input {shape}")
        i = self.dim % len(shape)
        return functions.reshape(input, (*shape[:i], *self._sizes(shape[i]), *shape[i + 1 :]))

    def _sizes(self, n: int) -> tuple[int, ...]:
        sizes = self.unflattened_size
        known = math.prod(s for s in sizes if s != -1)
        if sizes.count(-1) == 1 and known and n % known == 0:
            return tuple(n // known if s == -1 else s for s in sizes)
        if math.prod(sizes) != n or -1 in sizes:
            raise ShapeError(f"Unflatten: axis {self.dim} of size {n} cannot be unflattened into {sizes}")
        return sizes

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Dropout(Module):
    """In training each element is zeroed with probability p and the others divided by 1 - p; else nothing.

    `generator`: a surefit Generator (which layers may share), a seed, a NumPy Generator to draw a seed from,
    or None. Its key and counter are part of the state: a checkpoint resumes the same stream, a recorded step
    draws new ones each time.

    >>> from surefit.core.creation import ones
    >>> drop = Dropout(0.5, generator=0)
    >>> sorted(set(drop(ones(100)).tolist())), drop.eval()(ones(2)).tolist()
    ([0.0, 2.0], [1.0, 1.0])
    """

    def __init__(self, p: float = 0.5, *, generator: Any = None) -> None:
        super().__init__()
        probability("Dropout", p=p)
        self.p = p
        self.generator = streams.as_generator(generator)

    def forward(self, input: Any) -> Tensor:
        return F.dropout(input, self.p, self.training, self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace=False"


class _ChannelDropout(Dropout):
    axes = 0

    def forward(self, input: Any) -> Any:
        shape = shape_of(input)
        if len(shape) not in (self.axes + 1, self.axes + 2):
            raise ShapeError(f"{type(self).__name__}: needs (n, channels, ...) with {self.axes + 2} axes, got {shape}")
        if not self.training or self.p == 0.0:
            return input
        ones = zeros(*shape[: -self.axes], *(1,) * self.axes, dtype=aval_of(input).dtype) + 1.0
        return input * F.dropout(ones, self.p, True, self.generator)


class Dropout1d(_ChannelDropout):
    """As Dropout, of whole channels: x (n, channels, length) or (channels, length)."""

    axes = 1


class Dropout2d(_ChannelDropout):
    """As Dropout, of whole channels: x (n, channels, height, width) or (channels, height, width)."""

    axes = 2


__all__ = ["Bilinear", "Dropout", "Dropout1d", "Dropout2d", "Embedding", "Flatten", "Identity", "Linear", "Unflatten"]
