"""`torch.nn.functional`: surefit's functions, which also take inplace=, size_average= and a missing dim."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from surefit.checking import warn
from surefit.core import functions as fn
from surefit.core import ops
from surefit.core.ops import shape_of
from surefit.core.random import Generator, shared_stream
from surefit.nn import functional as own
from surefit.torch.adapt import adapted, refusal

_stream: list[Generator] = []  # of dropout, where manual_seed has not been called


def stream() -> Generator:
    """From which dropout draws: that of manual_seed, or one of fresh entropy."""
    shared = shared_stream()
    if shared is not None:
        return shared
    if not _stream:
        _stream.append(Generator())
    return _stream[0]


def reduction_of(size_average: Any, reduce: Any, reduction: str) -> str:
    """PyTorch's older way to say it."""
    if size_average is None and reduce is None:
        return reduction
    return "none" if reduce is False else "sum" if size_average is False else "mean"


_BROADCAST = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}


def _loss(name: str) -> Callable[..., Any]:
    f = getattr(own, name)

    @wraps(f)
    def call(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if "size_average" in kwargs or "reduce" in kwargs:
            kwargs["reduction"] = reduction_of(
                kwargs.pop("size_average", None), kwargs.pop("reduce", None), kwargs.get("reduction", "mean")
            )
        if name in _BROADCAST and shape_of(input) != shape_of(target):
            input, target = _alike(input, target)
        return f(input, target, *args, **kwargs)

    return call


def _alike(input: Any, target: Any) -> tuple[Any, Any]:
    """Both repeated to one shape where one of them has it already; (n, 1) against (n,) is left to be refused."""
    try:
        shape = ops.broadcast_shapes("loss", shape_of(input), shape_of(target))
    except ValueError:
        return input, target
    if shape not in (shape_of(input), shape_of(target)):
        return input, target
    return fn.broadcast_to(input, shape), fn.broadcast_to(target, shape)


def _along(name: str) -> Callable[..., Any]:
    f = getattr(own, name)

    @wraps(f)
    def call(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None:
            warn(f"{name}: no dim is given; it is chosen as PyTorch does")
            dim = implicit_dim(input)
        return f(input, dim, dtype)

    return call


def implicit_dim(input: Any) -> int:
    """The axis that softmax takes where none is given."""
    return 0 if len(shape_of(input)) in (0, 1, 3) else 1


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """In training each element is 0 with probability p and divided by 1 - p otherwise."""
    return own.dropout(input, p, training, stream())


_LOSSES = [name for name in own.__all__ if name.endswith("_loss") or "cross_entropy" in name or name == "kl_div"]
for _name in own.__all__:
    globals()[_name] = _loss(_name) if _name in _LOSSES else adapted(getattr(own, _name), _name)
for _name in ("softmax", "log_softmax", "softmin"):
    globals()[_name] = _along(_name)
globals()["dropout"] = dropout


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.nn.functional", name, {}, list(__all__))


__all__ = list(own.__all__)
