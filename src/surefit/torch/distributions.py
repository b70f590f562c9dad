"""`torch.distributions`: normal, uniform, Bernoulli and categorical, with samples, log probabilities and divergences.

Samples come from the stream of `manual_seed`. A batch of distributions has the shape of its parameters, broadcast.
"""

from __future__ import annotations

import math
from typing import Any

from surefit.core import creation, ops
from surefit.core import functions as fn
from surefit.core.creation import as_tensor
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.torch.adapt import refusal

Shape = tuple[int, ...]


def _together(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape, numbers in the dtype of the tensors."""
    kinds = [v.dtype for v in values if isinstance(v, Tensor)]
    return fn.broadcast_tensors(
        *(v if isinstance(v, Tensor) else as_tensor(v, kinds[0] if kinds else ops.default.float) for v in values)
    )


def _demand(name: str, what: str, holds: Any) -> None:
    if not bool(holds.all()):
        raise ArgumentError(f"{name}: {what}")


class Distribution:
    """What all of them share: `sample`, `batch_shape` and the probability from its logarithm."""

    batch_shape: Shape = ()
    event_shape: Shape = ()
    has_rsample = False

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws, without gradients: (*sample_shape, *batch_shape)."""
        with no_grad():
            return self._draw((*sample_shape, *self.batch_shape)).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws that depend on the parameters differentiably. ArgumentError where there are none."""
        if not self.has_rsample:
            raise ArgumentError(
                f"{type(self).__name__} has no rsample, since its draws are whole numbers; use sample() and log_prob"
            )
        return self._draw((*sample_shape, *self.batch_shape))

    def _draw(self, shape: Shape) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _draw(shape)")

    @property
    def stddev(self) -> Tensor:
        """Standard deviation."""
        return fn.sqrt(self.variance)

    variance: Any
    mean: Any

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={self.batch_shape})"


class Normal(Distribution):
    """Normal with mean loc and standard deviation scale > 0."""

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = _together(loc, scale)
        if validate_args is not False:
            _demand("Normal", "scale must be > 0 everywhere", self.scale > 0)
        self.batch_shape = self.loc.shape

    @property
    def mean(self) -> Tensor:
        """loc."""
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        """scale squared."""
        return self.scale**2

    @property
    def stddev(self) -> Tensor:
        """scale."""
        return self.scale

    def _draw(self, shape: Shape) -> Tensor:
        return self.loc + self.scale * creation.randn(*shape, dtype=self.loc.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """Logarithm of the density."""
        return -(((value - self.loc) / self.scale) ** 2) / 2 - fn.log(self.scale) - math.log(2 * math.pi) / 2

    def cdf(self, value: Any) -> Tensor:
        """Probability of being at most this."""
        return (1 + fn.erf((value - self.loc) / (self.scale * math.sqrt(2)))) / 2

    def icdf(self, value: Any) -> Tensor:
        """The inverse of `cdf`."""
        return self.loc + self.scale * fn.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        """Differential entropy, in nats."""
        return 0.5 + math.log(2 * math.pi) / 2 + fn.log(self.scale)


class Uniform(Distribution):
    """Uniform from low to high, low < high."""

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = _together(low, high)
        if validate_args is not False:
            _demand("Uniform", "low must be < high everywhere", self.low < self.high)
        self.batch_shape = self.low.shape

    @property
    def mean(self) -> Tensor:
        """The middle."""
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        """Squared width / 12."""
        return (self.high - self.low) ** 2 / 12

    def _draw(self, shape: Shape) -> Tensor:
        return self.low + (self.high - self.low) * creation.rand(*shape, dtype=self.low.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """Logarithm of the density; -inf outside."""
        inside = fn.logical_and(fn.ge(value, self.low), fn.lt(value, self.high))
        return fn.where(inside, -fn.log(self.high - self.low), -math.inf)

    def cdf(self, value: Any) -> Tensor:
        """Probability of being at most this."""
        return fn.clamp((value - self.low) / (self.high - self.low), 0.0, 1.0)

    def icdf(self, value: Any) -> Tensor:
        """The inverse of `cdf`."""
        return self.low + value * (self.high - self.low)

    def entropy(self) -> Tensor:
        """Differential entropy, in nats."""
        return fn.log(self.high - self.low)


class Bernoulli(Distribution):
    """1 with probability probs, otherwise 0; or by logits, log(p / (1 - p))."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("Bernoulli: give probs or logits, one of the two")
        if probs is not None:
            (self.probs,) = _together(probs)
            if validate_args is not False:
                _demand("Bernoulli", "probs must be from 0 to 1", (self.probs >= 0) & (self.probs <= 1))
            eps = 1.1920929e-07 if self.probs.dtype == ops.float32 else 2.220446049250313e-16
            p = fn.clamp(self.probs, eps, 1 - eps)  # as PyTorch, so that log(0) does not come
            self.logits = fn.log(p) - fn.log1p(-p)
        else:
            (self.logits,) = _together(logits)
            self.probs = fn.sigmoid(self.logits)
        self.batch_shape = self.probs.shape

    @property
    def mean(self) -> Tensor:
        """probs."""
        return self.probs

    @property
    def variance(self) -> Tensor:
        """probs (1 - probs)."""
        return self.probs * (1 - self.probs)

    def _draw(self, shape: Shape) -> Tensor:
        return (creation.rand(*shape, dtype=self.probs.dtype) < self.probs).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """Logarithm of the probability of 0 or 1."""
        return value * self.logits - fn.logaddexp(self.logits, 0.0 * self.logits)

    def entropy(self) -> Tensor:
        """Entropy, in nats."""
        return fn.logaddexp(self.logits, 0.0 * self.logits) - self.probs * self.logits


class Categorical(Distribution):
    """0 to n - 1 with probabilities in proportion to probs (..., n), or to exp(logits)."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("Categorical: give probs or logits, one of the two")
        given = as_tensor(logits if probs is None else probs)
        if given.ndim < 1:
            raise ArgumentError("Categorical: needs a vector of probabilities, or rows of them; got one number")
        if probs is not None:
            if validate_args is not False:
                _demand("Categorical", "probs must be >= 0", given >= 0)
            self.probs = given / given.sum(-1, keepdim=True)
            eps = 1.1920929e-07 if given.dtype == ops.float32 else 2.220446049250313e-16
            self.logits = fn.log(fn.clamp(self.probs, eps, 1 - eps))  # as PyTorch
        else:
            self.logits = given - fn.logsumexp(given, -1, keepdim=True)
            self.probs = fn.exp(self.logits)
        self.batch_shape = given.shape[:-1]

    def _draw(self, shape: Shape) -> Tensor:
        n = self.probs.shape[-1]
        rows = self.probs.detach().reshape(-1, n)
        count = math.prod(shape) // max(rows.shape[0], 1)
        drawn = creation.multinomial(rows, max(count, 1), replacement=True)  # (rows, count)
        return drawn[:, :count].mT.reshape(shape)

    def log_prob(self, value: Any) -> Tensor:
        """Logarithm of the probability of each number."""
        value = as_tensor(value)
        shape = ops.broadcast_shapes("log_prob", value.shape, self.batch_shape)
        logits = fn.broadcast_to(self.logits, (*shape, self.logits.shape[-1]))
        at = fn.broadcast_to(value, shape).long().unsqueeze(-1)
        return fn.gather(logits, -1, at).squeeze(-1)

    def entropy(self) -> Tensor:
        """Entropy, in nats."""
        return -fn.xlogy(self.probs, self.probs).sum(-1)


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Divergence of Kullback and Leibler of q from p, both of one kind; ArgumentError for other pairs."""
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio = (p.scale / q.scale) ** 2
        return (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - fn.log(ratio)) / 2
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        own, other = (fn.logaddexp(d.logits, 0.0 * d.logits) for d in (p, q))
        return p.probs * (p.logits - q.logits) - own + other
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return (p.probs * (p.logits - q.logits)).sum(-1)
    if isinstance(p, Uniform) and isinstance(q, Uniform):
        inside = fn.logical_and(q.low <= p.low, p.high <= q.high)
        return fn.where(inside, fn.log((q.high - q.low) / (p.high - p.low)), math.inf)
    raise ArgumentError(
        f"kl_divergence: {type(p).__name__} and {type(q).__name__}; it takes two of one kind out of Normal, Uniform, "
        "Bernoulli, Categorical; else take the mean of p.log_prob(x) - q.log_prob(x) over draws x of p"
    )


_WRITE = "write its log probability down, and draw with torch.randn, torch.rand, torch.multinomial"
_ELSEWHERE = dict.fromkeys(
    "Beta Gamma Dirichlet Exponential Laplace LogNormal Poisson Binomial StudentT".split(), _WRITE
)
_ELSEWHERE |= {
    "MultivariateNormal": "use mean + L @ torch.randn(n), L = torch.linalg.cholesky(covariance)",
    "Independent": "sum the log_prob over the last axis: d.log_prob(x).sum(-1)",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.distributions", name, _ELSEWHERE, list(__all__))


__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence"]
