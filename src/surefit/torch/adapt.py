"""How a function or class of surefit takes the keywords that PyTorch has besides: device, out, inplace, axis, ..."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dis import opmap
from functools import wraps
from typing import Any

from surefit.core.device import Device
from surefit.core.primitive import Op
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError

NUMPY = {"axis": "dim", "keepdims": "keepdim"}
NOTHING = ("layout", "pin_memory", "memory_format", "non_blocking")  # there is one memory, in one order


def checked_keywords(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords without those about memory and devices. ArgumentError for another device, and for out=."""
    left = {k: v for k, v in kwargs.items() if k not in (*NOTHING, "device", "out")}
    if kwargs.get("device") is not None:
        Device(kwargs["device"])
    if kwargs.get("out") is not None:
        raise ArgumentError(f"{name}: out= is not taken; write y = {name}(...), or y.copy_({name}(...))")
    return left


def adapted(f: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """f, which also takes PyTorch's and NumPy's keywords, and requires_grad= where it makes a new tensor."""
    if isinstance(f, Op):
        parameters: list[str] = []
    else:
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = [p.name for p in inspect.signature(f).parameters.values() if p.kind in named]
    name = name or getattr(f, "name", "") or getattr(f, "__name__", "")

    @wraps(f if inspect.isfunction(f) else adapted)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return f(*args)
        left = checked_keywords(name, {NUMPY.get(k, k): v for k, v in kwargs.items()})
        grad = left.pop("requires_grad", False)
        for place, key in enumerate(("input", "other")):  # PyTorch's names of the first two arguments
            if key in left and key not in parameters and len(args) == place:
                args = (*args, left.pop(key))
        if "inplace" not in parameters:
            left.pop("inplace", None)
        if "size" in left and "size" not in parameters:
            args = (*args, left.pop("size"))
        y = f(*args, **left)
        return y.requires_grad_() if grad and isinstance(y, Tensor) else y

    call.__name__ = call.__qualname__ = name
    call.__doc__ = inspect.getdoc(f) if inspect.isfunction(f) else f"The primitive {name}."
    return call


def described(cls: type) -> str:
    """The description of a class without its examples, which use surefit's own names."""
    return (cls.__doc__ or "").partition(">>>")[0]


def adapted_class(cls: type, module: str, drop: tuple[str, ...] = ()) -> type:
    """The class, whose constructor also takes keywords that change nothing here, such as inplace= and device="cpu"."""
    takes = list(inspect.signature(cls).parameters.values())
    positional = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in takes)
    open_ended = any(p.kind == p.VAR_POSITIONAL for p in takes)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        left = checked_keywords(cls.__name__, kwargs)
        for key in drop:
            left.pop(key, None)
        if drop and drop[0] == "inplace" and not open_ended and len(args) == positional + 1:
            args = args[:-1]  # ReLU(True)
        cls.__init__(self, *args, **left)  # type: ignore[misc]

    return type(
        cls.__name__,
        (cls,),
        {"__init__": __init__, "__module__": module, "__doc__": described(cls)},
    )


def refusal(module: str, name: str, elsewhere: dict[str, str], have: list[str]) -> AttributeError | ImportError:
    """The error for a name that is not here: what to use, or the nearest name.

    An ImportError for `from module import name`, since Python would replace the text of an AttributeError.
    """
    asked = sys._getframe(2)
    kind = ImportError if asked.f_code.co_code[asked.f_lasti] == opmap["IMPORT_FROM"] else AttributeError
    if name in elsewhere:
        return kind(f"{module} has no {name}: {elsewhere[name]}")
    near = near_name(name, have)
    cure = f"; the nearest name is {near}" if near else "; the page on porting (docs/porting.md) says what there is"
    return kind(f"{module} has no {name}{cure}")


def near_name(name: str, have: Iterable[str]) -> str | None:
    """The name that was meant, if a slip of the fingers or a part left out is all that is between them.

    A name that shares letters is something else: who asks for `gradient` is not helped by `randint`.

    >>> near_name("Lienar", ["Linear", "ReLU"]), near_name("gradient", ["randint"]), near_name("mse", ["mse_loss"])
    ('Linear', None, 'mse_loss')
    """
    asked, words = name.lower().strip("_"), _parts(name)
    allowed = 1 if len(asked) < 9 else 2
    best: tuple[float, str] | None = None
    for known in sorted(have):
        plain, parts = known.lower().strip("_"), _parts(known)
        if words and parts == words:
            slips = 0.0  # Relu -> ReLU
        elif words and parts and (parts[: len(words)] == words or _ends(words, parts)):
            slips = 3.0  # mse -> mse_loss, new_zeros -> zeros
        elif len(asked) < 4 and len(plain) != len(asked) + 1:
            continue  # of three letters all must be there: ops is no cos
        elif abs(len(plain) - len(asked)) <= allowed and (found := _slips(asked, plain)) <= allowed:
            slips = found + 0.5 * (len(plain) != len(asked))  # tahn is tanh, and not tan
        else:
            continue
        if best is None or slips < best[0]:
            best = slips, known
    return None if best is None else best[1]


def _ends(words: list[str], parts: list[str]) -> bool:
    """Whether the words of a known name are the end of those that were asked for, and half of them or more."""
    return words[-len(parts) :] == parts and 2 * len(parts) >= len(words)


def _parts(name: str) -> list[str]:
    """The words of a name: CrossEntropyLoss and cross_entropy_loss are three."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def _slips(a: str, b: str) -> int:
    """Letters that are wrong, missing, too many, or in the place of their neighbour (Damerau 1964)."""
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and other == a[i - 2]:
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def no_module(name: str, cure: str) -> ModuleNotFoundError:
    """The error for a module that is not here, of the class that Python's import asks for."""
    return ModuleNotFoundError(f"there is no {name}: {cure}", name=name)


__all__ = ["adapted", "adapted_class", "checked_keywords", "described", "near_name", "no_module", "refusal"]
