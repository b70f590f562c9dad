"""The stubs of `surefit.torch`, whose names are made at run time: functions, layers, losses, optimisers, schedules.

Each function has the arguments of surefit's own and takes PyTorch's further keywords; from tensors it makes tensors.
Written by scripts/signatures.py, which checks them too.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import surefit.torch as torch
from surefit import nn, optim
from surefit.core import functions
from surefit.core.ops import Op

HEAD = '"""Types of {}, for tools. Written by scripts/signatures.py: change that."""\n\n'
IMPORTS = """from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar, overload

import numpy as np

from surefit.core.shapes import Found
from surefit.core.tensor import Tensor

_F = TypeVar("_F", bound=Callable[..., Any])
"""
PAIRS = {"max", "min", "median"}  # one value, or values and places along dim
FOUND = {"sort", "topk", "kthvalue", "mode", "cummax", "cummin"}
MANY = {"split", "chunk", "unbind", "meshgrid", "tensor_split", "broadcast_tensors", "hsplit", "vsplit", "dsplit"}
SCALARS = {
    "allclose": "bool", "equal": "bool", "is_floating_point": "bool", "is_grad_enabled": "bool", "numel": "int",
    "seed": "int", "initial_seed": "int", "get_default_dtype": "np.dtype[Any]", "promote_types": "np.dtype[Any]",
    "result_type": "np.dtype[Any]", "broadcast_shapes": "tuple[int, ...]", "set_default_dtype": "None",
    "set_default_tensor_type": "None", "set_printoptions": "None", "use_deterministic_algorithms": "None",
    "set_rng_state": "None",
}  # fmt: skip
ANY = {
    "var_mean",
    "std_mean",
    "aminmax",
    "slogdet",
    "unique",
    "unique_consecutive",
    "svd",
    "histogram",
    "where",
    "frexp",
}
LEFT = {"Generator", "no_grad", "inference_mode", "enable_grad", "manual_seed"}  # written out
CONTEXTS = """
class _Mode:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...
    def __call__(self, f: _F, /) -> _F: ...

@overload
def no_grad(f: None = None) -> _Mode: ...
@overload
def no_grad(f: _F) -> _F: ...
def enable_grad() -> _Mode: ...
@overload
def inference_mode(mode: bool = True) -> _Mode: ...
@overload
def inference_mode(mode: _F) -> _F: ...
def manual_seed(seed: int) -> Generator: ...
"""


def arguments(f: Any) -> str:
    """The parameters of a function of surefit, all of any type, and further keywords."""
    if isinstance(f, Op):
        return "*args: Any, **kwargs: Any"
    parts: list[str] = []
    kinds = list(inspect.signature(f).parameters.values())
    for i, p in enumerate(kinds):
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        before = [q.kind for q in kinds[:i]]
        if p.kind is p.KEYWORD_ONLY and p.VAR_POSITIONAL not in before and p.KEYWORD_ONLY not in before:
            parts.append("*")
        parts.append(f"{star}{p.name}: Any" + ("" if p.default is p.empty else " = ..."))
    if not any(p.kind is p.VAR_KEYWORD for p in kinds):
        parts.append("**kwargs: Any")
    return ", ".join(parts)


def declared(name: str, f: Any) -> str:
    """A function of tensors."""
    f = inspect.unwrap(f)
    own = getattr(functions, name, None)
    if not isinstance(f, Op) and inspect.isfunction(f) and f.__name__ == "adapted":
        f = own if own is not None else f
    if name in PAIRS:
        return (
            f"@overload\ndef {name}(input: Any, **kwargs: Any) -> Tensor: ...\n@overload\n"
            f"def {name}(input: Any, dim: int, keepdim: bool = False, **kwargs: Any) -> Found[Tensor]: ...\n"
            + (f"@overload\ndef {name}(input: Any, other: Tensor) -> Tensor: ...\n" if name != "median" else "")
        )
    result = SCALARS.get(name) or ("Any" if name in ANY else "Found[Tensor]" if name in FOUND else "")
    result = result or ("tuple[Tensor, ...]" if name in MANY else "Tensor")
    given = "*args: Any, **kwargs: Any" if f is None else arguments(f)
    return f"def {name}({given}) -> {result}: ...\n"


def classes(names: Iterable[str], home: Any, alias: str) -> str:
    """Classes that take further keywords."""
    lines = []
    for name in names:
        lines.append(f"class {name}({alias}.{name}):")
        lines.append(f"    def __init__(self, {arguments(getattr(home, name))}) -> None: ...\n")
    return "\n".join(lines)


def top() -> str:
    """`surefit.torch`."""
    rooms = "autograd backends cuda distributions func linalg nn optim special utils".split()
    kinds = "BoolTensor DoubleTensor FloatTensor IntTensor LongTensor".split()
    lines = [HEAD.format("surefit.torch") + IMPORTS.replace("import Tensor", "import Tensor as Tensor")]
    lines += [f"from surefit.torch import {room} as {room}" for room in rooms]
    lines += [
        "from surefit.core.device import Device as _Device",
        "from surefit.core.ops import bool_ as _bool_, float32 as float32, float64 as float64",
        "from surefit.core.ops import int32 as int32, int64 as int64",
        "from surefit.torch.func import vmap as vmap",
        "from surefit.torch.functions import Generator as Generator",
        "from surefit.torch.serialization import load as load, save as save",
        "from surefit.torch.tensors import Size as Size, finfo as finfo, iinfo as iinfo, is_tensor as is_tensor",
        "from surefit.torch.tensors import set_grad_enabled as set_grad_enabled",
        "from builtins import bool as _bool, float as _float, int as _int",
        "",
        "__version__: str",
        "pi: _float\ne: _float\ninf: _float\nnan: _float",
        "device = _Device\nbool = _bool_\nfloat = float32\ndouble = float64\nint = int32\nlong = int64",
    ]
    lines += [
        f"class {kind}(Tensor):\n    def __init__(self, *args: Any, **kwargs: Any) -> None: ..." for kind in kinds
    ]
    text = "\n".join(lines) + CONTEXTS
    body = "".join(declared(name, f) for name, f in sorted(torch._functions.items()) if name not in LEFT)
    for name in ("bool", "int"):  # of Python: here these are dtypes
        text, body = text.replace(f": {name} ", f": _{name} "), body.replace(f"-> {name}:", f"-> _{name}:")
        body = body.replace(f": {name} ", f": _{name} ").replace(f": {name},", f": _{name},")
    text = text.replace("seed: int)", "seed: _int)")
    return text + body.replace("tuple[int", "tuple[_int")


def layers() -> str:
    """`surefit.torch.nn`."""
    lines = [HEAD.format("surefit.torch.nn") + "from typing import Any\n\nfrom surefit import nn as _own"]
    lines += [f"from surefit.nn import {name} as {name}" for name in torch.nn._PLAIN if name != "Parameter"]
    lines += ["from surefit.core.leaves import Parameter as Parameter"]
    lines += [f"from surefit.torch.nn import {room} as {room}" for room in ("functional", "init", "utils")]
    return "\n".join(lines) + "\n\n" + classes(["Dropout", *torch.nn._names], nn, "_own")


def functional() -> str:
    """`surefit.torch.nn.functional`."""
    own = nn.functional
    text = (
        HEAD.format("surefit.torch.nn.functional")
        + "from typing import Any\n\nfrom surefit.core.tensor import Tensor\n\n"
    )
    return text + "".join(declared(name, getattr(own, name)) for name in own.__all__)


def optimizers() -> str:
    """`surefit.torch.optim`."""
    text = HEAD.format("surefit.torch.optim") + "from typing import Any\n\nfrom surefit import optim as _own\n"
    text += "from surefit.optim import Optimizer as Optimizer\n"
    text += "from surefit.torch.optim import lr_scheduler as lr_scheduler, swa_utils as swa_utils\n\n"
    return text + classes(torch.optim._NAMES, optim, "_own")


def schedules() -> str:
    """`surefit.torch.optim.lr_scheduler`."""
    own = optim.lr_scheduler
    text = HEAD.format("surefit.torch.optim.lr_scheduler")
    text += "from typing import Any\n\nfrom surefit.optim import lr_scheduler as _own\n\n"
    text += "class LRScheduler(_own.LRScheduler):\n    def get_lr(self) -> Any: ...\n\n_LRScheduler = LRScheduler\n\n"
    return text + classes(torch.optim.lr_scheduler._NAMES, own, "_own")


STUBS = {
    "torch/__init__.pyi": top, "torch/nn/__init__.pyi": layers, "torch/nn/functional.pyi": functional,
    "torch/optim/__init__.pyi": optimizers, "torch/optim/lr_scheduler.pyi": schedules,
}  # fmt: skip
