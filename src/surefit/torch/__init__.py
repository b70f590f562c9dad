"""PyTorch's names for surefit: `import surefit.torch as torch` runs common programs written for PyTorch.

Only names and thin adapters stand here; what they name is surefit. What there is not is refused, with what to use
instead. See the page on porting.

    import surefit.torch as torch
    import surefit.torch.nn as nn
    import surefit.torch.optim as optim
    from surefit.torch.utils.data import DataLoader, TensorDataset
"""

import math as _math
import sys as _sys
from typing import Any as _Any

from surefit._version import __version__
from surefit.core.device import Device as device
from surefit.core.ops import bool_ as bool
from surefit.core.ops import float32, float64, int32, int64
from surefit.torch import autograd, backends, cuda, distributions, func, linalg, nn, optim, special, utils
from surefit.torch.adapt import no_module as _no_module
from surefit.torch.adapt import refusal as _refusal
from surefit.torch.func import vmap
from surefit.torch.functions import functions as _own_functions
from surefit.torch.further import FURTHER as _FURTHER
from surefit.torch.serialization import load, save
from surefit.torch.tensors import (
    BoolTensor,
    DoubleTensor,
    FloatTensor,
    IntTensor,
    LongTensor,
    Size,
    Tensor,
    finfo,
    iinfo,
    is_tensor,
    set_grad_enabled,
)

float, double, int, long = float32, float64, int32, int64
pi, e, inf, nan = _math.pi, _math.e, _math.inf, _math.nan
_functions = _own_functions | _FURTHER
globals().update(_functions)

_KINDS = "surefit computes in bool, int32, int64, float32 and float64"
_ELSEWHERE = {
    "uint8": f"{_KINDS}; use bool for masks, int32 for numbers",
    "ByteTensor": f"{_KINDS}; use BoolTensor for masks, IntTensor for numbers",
    **dict.fromkeys(("float16", "half", "bfloat16", "HalfTensor"), f"{_KINDS}; use float32"),
    **dict.fromkeys(("int8", "int16", "short"), f"{_KINDS}; use int32"),
    **dict.fromkeys(("complex", "complex64", "complex128", "fft"), "surefit computes with real numbers alone"),
    "range": "it is deprecated in PyTorch too; use arange(start, end + step, step)",
    "compile": "use surefit.jit(step), step being a function of tensors that makes one training step",
    "jit": "use surefit.jit(f), which compiles a function",
    "autocast": "surefit computes in float32 and float64 alone; leave autocast and GradScaler out",
    "onnx": "use the exports of a surefit fit",
    "hub": "surefit does not download models",
    "distributed": "surefit computes on one machine",
    "multiprocessing": "use Python's multiprocessing",
    "sparse": "surefit has dense tensors alone",
    "amp": "surefit computes in float32 and float64 alone; leave autocast and GradScaler out",
    **dict.fromkeys(("eig", "symeig", "lstsq", "qr"), "see what torch.linalg says"),
    **dict.fromkeys(
        ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"),
        "use &, | and ~ of masks, and NumPy for whole numbers",
    ),
    "gradient": "use surefit.grad(f) for the derivative of a function, numpy.gradient for differences of values",
    "inner": "use x @ y.transpose(-1, -2)",
    "rot90": "use x.transpose(0, 1).flip(0)",
    "randint_like": "use randint(low, high, x.shape)",
    "random": "use manual_seed and rand, randn, randint",
    "embedding": "use nn.functional.embedding",
    "renorm": "use x * (limit / x.norm(dim=1, keepdim=True)).clamp(max=1)",
    **dict.fromkeys(("asarray", "frombuffer", "from_dlpack"), "use as_tensor(array), or from_numpy"),
    **dict.fromkeys(("mps", "xpu"), "surefit computes on the CPU; leave the device out"),
    **dict.fromkeys(("export", "package"), "use save and load, or the exports of a surefit fit"),
    **dict.fromkeys(("quantization", "ao"), "surefit computes in float32 and float64 alone; leave it out"),
    "set_num_threads": "use surefit.jit(f, threads=n), or the variable OPENBLAS_NUM_THREADS",
}


_MODULES = {
    "cuda.amp": _ELSEWHERE["amp"],
    "amp": _ELSEWHERE["amp"],
    "utils.tensorboard": "use surefit.integrations.TensorBoardLogger for a fit, or the SummaryWriter of tensorboardX",
    "utils.checkpoint": "leave it out: checkpoint(f, x) is f(x)",
    "nn.parallel": "leave it out: surefit computes on one machine",
    "distributed": _ELSEWHERE["distributed"],
    "multiprocessing": _ELSEWHERE["multiprocessing"],
    "onnx": _ELSEWHERE["onnx"],
    "jit": _ELSEWHERE["jit"],
    "fft": _ELSEWHERE["fft"],
    "sparse": _ELSEWHERE["sparse"],
    "nn.utils.prune": "surefit.smallest finds the smallest network within a tolerance",
}


class _Absent:
    """The last that Python asks for a module: what there is not is refused, with what to use instead."""

    @staticmethod
    def find_spec(name: str, path: _Any = None, target: _Any = None) -> None:
        """Nothing of others; ModuleNotFoundError of these."""
        short = name.removeprefix("surefit.torch.")
        if short != name:
            cure = _MODULES.get(short, "the page on porting (docs/porting.md) says what there is")
            raise _no_module(name, cure)


_sys.meta_path.append(_Absent)  # type: ignore[arg-type]
cuda.__path__ = []  # type: ignore[attr-defined]  # so that it is asked for what is in it


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise _refusal("surefit.torch", name, _ELSEWHERE, [n for n in globals() if not n.startswith("_")])


__all__ = [
    "BoolTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "Size", "Tensor", "__version__",
    "autograd", "backends", "bool", "cuda", "device", "distributions", "double", "e", "finfo", "float", "float32",
    "float64", "func", "iinfo", "inf", "int", "int32", "int64", "is_tensor", "linalg", "load", "long", "nan", "nn",
    "optim", "pi", "save", "set_grad_enabled", "special", "utils", *_functions,
]  # fmt: skip
