"""The functions of `torch`: surefit's, which also take PyTorch's keywords."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np

from surefit.core import creation, ops
from surefit.core import functions as F
from surefit.core import random as streams
from surefit.core import tensor as tensors
from surefit.core.device import Device
from surefit.core.modes import enable_grad, is_grad_enabled
from surefit.core.modes import no_grad as own_no_grad
from surefit.core.random import Generator as OwnGenerator
from surefit.errors import ArgumentError, DtypeError
from surefit.torch.adapt import adapted
from surefit.torch.nn import functional as layers

# surefit's own, which torch does not have, or not here
OWN = {
    "cast", "cbrt", "expand", "expit", "gamma", "getitem", "i1", "j0", "j1", "linalg_norm", "matrix_norm", "multi_dot",
    "normalize", "one_hot", "pad", "repeat", "solve", "stop_gradient", "svdvals", "vector_norm", "view",
}  # fmt: skip
CREATION = (
    "arange as_tensor bernoulli eye from_numpy full full_like linspace logspace multinomial normal ones ones_like rand "
    "rand_like randint randn randn_like randperm tensor zeros zeros_like"
).split()

functions: dict[str, Any] = {name: adapted(getattr(F, name), name) for name in F.__all__ if name not in OWN}
functions |= {name: adapted(getattr(creation, name), name) for name in CREATION}
functions["empty"], functions["empty_like"] = functions["zeros"], functions["zeros_like"]
functions |= {"t": lambda x: x.t(), "clone": lambda x: x.clone(), "numel": lambda x: x.numel()}
functions |= {"relu_": lambda x: x.relu_(), "is_floating_point": lambda x: x.is_floating_point()}

for _name in (
    "selu",
    "celu",
    "prelu",
    "dropout",
    "conv1d",
    "conv2d",
    "cosine_similarity",
    "pairwise_distance",
    "layer_norm",
):
    functions[_name] = getattr(layers, _name)


def where(condition: Any, *values: Any) -> Any:
    """Values where the condition holds, others elsewhere; the places where it holds if no values are given."""
    return F.nonzero(condition, as_tuple=True) if not values else F.where(condition, *values)


def no_grad(f: Any = None) -> Any:
    """Without gradients: `with torch.no_grad():`, `@torch.no_grad()` or `@torch.no_grad`."""
    return own_no_grad() if f is None else own_no_grad()(f)


def inference_mode(mode: Any = True) -> Any:
    """`no_grad`, or `enable_grad` for mode=False."""
    return no_grad(mode) if callable(mode) else own_no_grad() if mode else enable_grad()


class Generator(OwnGenerator):
    """A stream of random numbers; `manual_seed` starts it."""

    def __init__(self, device: Any = "cpu") -> None:
        Device(device)
        super().__init__(67280421310721)  # PyTorch's; a new one draws nothing from the stream of manual_seed

    def get_state(self) -> Any:
        """Where the stream stands, as a tensor."""
        return creation.tensor(_place(self))

    def set_state(self, new_state: Any) -> None:
        """Go where `get_state` was called."""
        _go(self, new_state)


def manual_seed(seed: int) -> OwnGenerator:
    """Start the stream from which everything draws that has no generator of its own."""
    return streams.manual_seed(int(seed))


def get_rng_state() -> Any:
    """Where the stream of `manual_seed` stands, as a tensor; `set_rng_state` goes back there."""
    if streams.shared_stream() is None:
        streams.seed_from_entropy()
    return creation.tensor(_place(streams.shared_stream()))


def set_rng_state(new_state: Any) -> None:
    """Go where `get_rng_state` was called."""
    _go(streams.shared_stream() or streams.manual_seed(0), new_state)


def _place(stream: Any) -> list[int]:
    return [stream.initial_seed(), int(stream.counter.item())]


def _go(stream: OwnGenerator, state: Any) -> None:
    places = np.asarray(state.tolist() if hasattr(state, "tolist") else state)
    if places.shape != (2,) or places.dtype.kind != "i" or places.min() < 0:
        raise ArgumentError("set_rng_state: the state must be what get_rng_state has returned here, not in PyTorch")
    stream.key.assign(np.array(places[0], np.int64))
    stream.counter.assign(np.array(places[1], np.int64))


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing to switch: results here depend on the seed alone, whichever mode is asked for."""


def take(input: Any, index: Any) -> Any:
    """Elements by their place in the flattened tensor."""
    return F.take_along_dim(input, F.reshape(index, (-1,))).reshape(ops.shape_of(index))


def searchsorted(sorted_sequence: Any, input: Any, *, right: bool = False) -> Any:
    """Where each number would be put into a sorted vector."""
    return F.bucketize(input, sorted_sequence, right=right)


def cov(input: Any, *, correction: int = 1) -> Any:
    """Covariances of variables, which are rows of observations: (d, n) -> (d, d)."""
    centred = input - input.mean(-1, keepdim=True)
    return centred @ centred.mT / (input.shape[-1] - correction)


def corrcoef(input: Any) -> Any:
    """Correlations of variables, which are rows of observations: (d, n) -> (d, d)."""
    c = cov(input)
    spread = F.sqrt(F.diagonal(c))
    return F.clamp(c / spread[:, None] / spread, -1.0, 1.0)


def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Any:
    """x with L L^T x = input, L (n, n) from `torch.linalg.cholesky`, input (n, k)."""
    low = L.mT if upper else L
    return F.solve(low.mT, F.solve(low, input))


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All choices of r elements of a vector, as rows."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(len(input)), r)), np.int64).reshape(-1, r)
    return input[places]


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """How tensors print: decimals, elements before they are shortened, elements at each end, characters in a line.

    profile is "default", "short" or "full" and is applied before the others. sci_mode=True writes every float with an
    exponent, False none. ArgumentError for another profile.
    """
    profiles: dict[str | None, dict[str, Any]] = {
        None: {}, "default": {"precision": 4, "threshold": 200, "edgeitems": 3, "max_line_width": 75},
        "short": {"precision": 2, "threshold": 200, "edgeitems": 2, "max_line_width": 75},
        "full": {"precision": 4, "threshold": sys.maxsize, "edgeitems": 3, "max_line_width": 75},
    }  # fmt: skip
    if profile not in profiles:
        raise ArgumentError(f"set_printoptions: profile={profile!r} must be 'default', 'short' or 'full'")
    given = {"precision": precision, "edgeitems": edgeitems, "max_line_width": linewidth}
    new = profiles[profile] | {name: value for name, value in given.items() if value is not None}
    if threshold is not None:
        new["threshold"] = sys.maxsize if threshold == float("inf") else int(threshold)
    tensors.printing.update(new)
    if profile == "default" or sci_mode is not None:
        tensors.printing.pop("formatter", None)
        tensors.printing.pop("suppress_small", None)
    if sci_mode is False:
        tensors.printing["suppress_small"] = True
    elif sci_mode:
        tensors.printing["formatter"] = {
            "float_kind": lambda x: np.format_float_scientific(x, precision=tensors.printing["precision"], unique=False)
        }


def seed() -> int:
    """`manual_seed` of a random seed, which is returned."""
    return streams.seed_from_entropy()


def initial_seed() -> int:
    """The seed of `manual_seed`."""
    stream = streams.shared_stream()
    return streams.seed_from_entropy() if stream is None else stream.initial_seed()


def set_default_dtype(dtype: Any) -> None:
    """The dtype of Python's floats, of zeros(3) and of layers, for all of surefit: float32 or float64."""
    d = ops.dtype_of(dtype)
    if d not in ops.FLOATS:
        raise DtypeError(f"set_default_dtype: dtype={d} must be float32 or float64")
    ops.default.float = d


def get_default_dtype() -> Any:
    """What `set_default_dtype` has set; float32 at first."""
    return ops.default.float


def set_default_tensor_type(kind: Any) -> None:
    """The older name of `set_default_dtype`: a class such as DoubleTensor, or its name."""
    names = {"torch.FloatTensor": "float32", "torch.DoubleTensor": "float64"}
    if isinstance(kind, str) and kind not in names:
        raise ArgumentError(f"set_default_tensor_type: {kind!r} must be one of {', '.join(names)}")
    set_default_dtype(names[kind] if isinstance(kind, str) else kind.dtype)


functions |= {
    "get_rng_state": get_rng_state, "set_rng_state": set_rng_state, "take": take, "combinations": combinations,
    "searchsorted": searchsorted, "cholesky_solve": cholesky_solve, "cov": cov, "corrcoef": corrcoef,
    "use_deterministic_algorithms": use_deterministic_algorithms, "set_printoptions": set_printoptions,
    "where": where, "no_grad": no_grad, "inference_mode": inference_mode, "enable_grad": enable_grad,
    "is_grad_enabled": is_grad_enabled, "Generator": Generator, "manual_seed": manual_seed, "seed": seed,
    "initial_seed": initial_seed, "set_default_dtype": set_default_dtype, "get_default_dtype": get_default_dtype,
    "set_default_tensor_type": set_default_tensor_type,
}  # fmt: skip

__all__ = ["Generator", "functions"]
