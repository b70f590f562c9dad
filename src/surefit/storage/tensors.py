"""Arrays in a safetensors file, by name, with texts in its header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from surefit.errors import ModelFileError


def to_bytes(tensors: Mapping[str, np.ndarray], texts: Mapping[str, str]) -> bytes:
    """The content of the file."""
    from safetensors.numpy import save

    return save({k: np.asarray(v, order="C") for k, v in tensors.items()}, metadata=dict(texts))


def from_bytes(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and texts of a file. ModelFileError where it is no safetensors file."""
    import json

    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
        size = int.from_bytes(content[:8], "little")
        texts = json.loads(content[8 : 8 + size], object_pairs_hook=_unique).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as e:  # TypeError: a dtype unlike NumPy's
        raise ModelFileError(f"this is not a safetensors file, or a damaged one ({str(e)[:200]})") from None
    return tensors, texts


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ModelFileError("this is not a safetensors file, or a damaged one (a name stands twice in its header)")
    return found


__all__ = ["from_bytes", "to_bytes"]
