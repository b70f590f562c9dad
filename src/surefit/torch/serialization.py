"""save and load: tensors, numbers, texts, lists and dicts of them, as safetensors, never as pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from surefit.core.creation import tensor
from surefit.core.device import Device
from surefit.core.tensor import Tensor
from surefit.errors import DtypeError, ModelFileError
from surefit.files import regular_file, write_atomically
from surefit.storage.tensors import from_bytes, to_bytes

KEY = "surefit.torch"  # in the header: how the arrays are put together


def save(obj: Any, f: Any, **kwargs: Any) -> None:
    """Write a state_dict, or nested dicts and lists of tensors, numbers and texts, into a path or an open file.

    DtypeError for anything else, such as a whole network: save its state_dict().
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _taken_apart(obj, "", arrays)
    content = to_bytes(arrays, {KEY: json.dumps(tree)})
    if hasattr(f, "write"):
        f.write(content)
    else:
        write_atomically(f, content, error=ModelFileError)


def load(f: Any, map_location: Any = None, **kwargs: Any) -> Any:
    """What `save` wrote; the arrays of any other safetensors file. ModelFileError for a file of PyTorch's own."""
    if isinstance(map_location, (str, Device)):
        Device(map_location)
    content = f.read() if hasattr(f, "read") else regular_file(f, error=ModelFileError).read_bytes()
    name = "this file" if hasattr(f, "read") else repr(os.fspath(Path(f)))
    if content[:2] in (b"PK", b"\x80\x02"):
        raise ModelFileError(
            f"{name} was written by PyTorch with pickle, which surefit does not read; in PyTorch write "
            "safetensors.torch.save_file(net.state_dict(), path), and load that"
        )
    arrays, texts = from_bytes(content)
    if KEY not in texts:
        return {k: tensor(v) for k, v in arrays.items()}
    try:
        return _put_together(json.loads(texts[KEY]), arrays)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as e:
        raise ModelFileError(f"{name} is damaged: its header does not fit its arrays ({str(e)[:200]})") from None


def _taken_apart(x: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """A description in JSON, the arrays put aside by name."""
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, (Tensor, np.ndarray)):
        name = path or "tensor"
        while name in arrays:
            name += "_"
        arrays[name] = x.detach().numpy() if isinstance(x, Tensor) else x
        return {"tensor" if isinstance(x, Tensor) else "array": name}
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, dict):
        step = f"{path}." if path else ""
        return {"dict": [[k, _taken_apart(v, f"{step}{k}", arrays)] for k, v in x.items()]}
    if isinstance(x, (list, tuple)):
        step, kind = (f"{path}." if path else ""), "list" if isinstance(x, list) else "tuple"
        return {kind: [_taken_apart(v, f"{step}{i}", arrays) for i, v in enumerate(x)]}
    raise DtypeError(
        f"save: a {type(x).__name__} cannot be saved, since no pickle is written; save net.state_dict(), or dicts and "
        "lists of tensors, numbers and texts"
    )


def _put_together(x: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, inside),) = x.items()
    if kind == "tensor":
        return tensor(arrays[inside])
    if kind == "array":
        return arrays[inside]
    if kind == "dict":
        return {k: _put_together(v, arrays) for k, v in inside}
    parts = [_put_together(v, arrays) for v in inside]
    return parts if kind == "list" else tuple(parts)


__all__ = ["load", "save"]
