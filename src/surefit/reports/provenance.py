"""How a fit was made: the arguments of `fit` as Python text, and where it ran, so that it can be repeated.

A text is written down only where it makes the same argument again; what has none (a function, a network built by hand)
is recorded as None and has to be supplied by whoever repeats the fit.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit._version import __version__

if TYPE_CHECKING:
    from surefit.search.record import Record

_PUBLIC = {"Noise": "surefit.Noise", "Sampling": "surefit.Sampling", "MLPSpec": "surefit.MLPSpec"}
_LONGEST = 400  # characters of an argument; weights of a thousand rows are no text that anyone would copy


def call_of(**arguments: Any) -> dict[str, str | None]:
    """The arguments that were given, each as Python text, or None where it has none; those left at None are left out.

    >>> call_of(model=(64, 64), tol=None, seed=3)
    {'model': '(64, 64)', 'seed': '3'}
    """
    return {name: text_of(value) for name, value in arguments.items() if value is not None}


def text_of(value: Any) -> str | None:
    """Python text that makes the value again, or None."""
    text = _text(value)
    return None if text is None or len(text) > _LONGEST else text


def _text(value: Any) -> str | None:
    if isinstance(value, np.generic):  # a float64 is a float too, and its repr is no Python
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (np.dtype, type)):
        return repr(np.dtype(value).name) if _is_dtype(value) else None
    if isinstance(value, tuple):
        parts = [_text(v) for v in value]
        return _joined(parts, "(", ",)" if len(parts) == 1 else ")")
    if isinstance(value, list):
        return _joined([_text(v) for v in value], "[", "]")
    if isinstance(value, Mapping):
        pairs = [(_text(k), _text(v)) for k, v in value.items()]
        if any(k is None or v is None for k, v in pairs):
            return None
        return "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    if hasattr(value, "bounds") and hasattr(value, "names"):  # a Domain
        return _text(dict(zip(value.names, getattr(value, "axes", value.bounds), strict=True)))
    if is_dataclass(value):
        return _dataclass_text(value)
    return None


def _is_dtype(value: Any) -> bool:
    try:
        return np.dtype(value).kind == "f"
    except TypeError:
        return False


def _joined(parts: list[str | None], left: str, right: str) -> str | None:
    if any(part is None for part in parts):
        return None
    return left + ", ".join(str(part) for part in parts) + right


def _dataclass_text(value: Any) -> str | None:
    """surefit.Adam(epochs=3): the fields that differ from their defaults."""
    words = []
    for f in fields(value):
        own = getattr(value, f.name)
        if not f.init or _is_default(f, own):
            continue
        if type(own).__name__ == "Noise" and not own.scale:  # how Sampling keeps "no noise"
            continue
        text = _text(own)
        if text is None:
            return None
        words.append(f"{f.name}={text}")
    name = type(value).__name__
    return f"{_PUBLIC.get(name, f'surefit.{name}')}({', '.join(words)})"


def _is_default(f: Field[Any], own: Any) -> bool:
    default = f.default_factory() if f.default_factory is not MISSING else f.default
    return default is not MISSING and type(own) is type(default) and bool(own == default)


def environment() -> dict[str, str]:
    """Versions and the kind of machine, which may matter in the last digits."""
    return {
        "surefit": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def python_code(fit: Record) -> tuple[str, list[str]]:
    """The call of `fit` again, and which of its names the reader has to supply.

    `call` is empty in files of older versions: then what the file does hold is used, and what it does not is left out.
    """
    source, call = fit.problem.source, dict(fit.call)
    missing: list[str] = []
    if source["kind"] == "formula":
        texts = source["text"]
        target = repr(texts[0] if len(texts) == 1 else list(texts))
    elif source["kind"] == "table" and "." in source["name"]:
        target = repr(source["name"])
    else:
        target = source["name"] if source["kind"] == "callable" and source["name"].isidentifier() else "target"
        missing.append(target)
    if source["kind"] != "table":
        call["domain"] = _text(fit.domain)
    lines = [f"    {target},"]
    for name, text in call.items():
        if text is None:
            missing.append(name)
        lines.append(f"    {name}={name if text is None else text},")
    return "\n".join(["import surefit", "", "fit = surefit.fit(", *lines, ")"]), missing


__all__ = ["call_of", "environment", "python_code", "text_of"]
