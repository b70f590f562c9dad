"""Numbers and one JSON text in one file, with a checksum over all of it: safetensors, read with suspicion.

The file is an ordinary safetensors file. Its metadata hold the text ("surefit") and the SHA-256 of the whole file
("sha256"), computed with zeros in the place of its own 64 digits. So no bit can change unseen: not in the numbers, nor
in the text, nor in names, lengths or padding. A checksum tells accidents; it is no signature.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.checking import memory_limit
from surefit.errors import ModelFileError
from surefit.files import make_directory, reason, regular_file, write_atomically

LARGEST_HEADER = 2**25  # bytes of all texts, which take twenty times as much memory once they are read
COPIES = 3  # of the file in memory while it is read
UNSIGNED = "0" * 64
ITEMS = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
_SIGNATURE = re.compile(rb'"sha256":"([0-9a-f]{64})"')


class Contents(NamedTuple):
    """What a file holds: the text as plain data, the arrays by name, and whether a checksum covers them."""

    header: dict[str, Any]
    tensors: dict[str, np.ndarray]
    signed: bool


def write_container(path: Path, header: dict[str, Any], tensors: dict[str, np.ndarray]) -> Path:
    """Write a file, whole or not at all. ModelFileError when it cannot be written, or could not be read."""
    from safetensors.numpy import save as to_bytes

    text = json.dumps(header, allow_nan=False)
    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    raw = bytearray(to_bytes(arrays, metadata={"surefit": text, "sha256": UNSIGNED}))
    length = int.from_bytes(raw[:8], "little")
    if length > LARGEST_HEADER:
        raise ModelFileError(
            f"cannot write {str(path)!r}: its texts take {length / 2**20:.0f} MiB, and {LARGEST_HEADER >> 20} are read"
        )
    start, end = _signature(raw, length)
    raw[start:end] = hashlib.sha256(raw).hexdigest().encode()
    make_directory(path.parent, error=ModelFileError)
    return write_atomically(path, bytes(raw), error=ModelFileError)


def read_container(path: Path, newest: int) -> Contents:
    """Read what `write_container` wrote, of a format up to `newest`; lengths and checksum come before all else.

    Raises:
        ModelFileError: no such file, cut off, changed, larger than it says or than the memory, of something else, or
            of a newer surefit.
    """
    regular_file(path, "model file", error=ModelFileError)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > size - 8:
                if size > 8 and _is_text(start + file.read(92)):
                    cure = "`fit.save` and `surefit fit --out` write such files"
                    raise ModelFileError(f"{str(path)!r} is a text, not a model file; {cure}")
                raise _damaged(path, "it is too short for what it should begin with, or something else")
            if length > LARGEST_HEADER:
                raise _damaged(path, f"its texts would take {length / 2**20:.0f} MiB")
            top = file.read(length)
            header, table = _header(path, top)
            _check_format(path, header, newest)
            _check_table(path, table, size - 8 - length)
            if COPIES * size > memory_limit():
                raise ModelFileError(f"{str(path)!r} has {size / 2**30:.3g} GiB, too much for the memory here")
            raw = start + top + file.read(size - 8 - length + 1)
    except OSError as e:
        raise ModelFileError(f"cannot read the model file {str(path)!r} ({reason(e)})") from None
    if len(raw) != size:
        raise _damaged(path, "it has another length than a moment ago")
    signed = header["format"] > 1
    if signed:
        _check_sum(path, raw, length)
    return Contents(header, _arrays(path, raw), signed)


# --- checks -----------------------------------------------------------------------------------------------------------


def _damaged(path: Path, what: str) -> ModelFileError:
    return ModelFileError(f"{str(path)!r} is damaged or not a model file: {what}")


def _is_text(start: bytes) -> bool:
    """Whether a file that begins so is a text, such as a table: of UTF-8, perhaps cut within a letter."""
    try:
        letters = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n" for letter in letters)


def _plain_json(path: Path, text: str | bytes) -> Any:
    """JSON without doubled keys, NaN and numbers beyond float64, at any depth that Python reads."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _damaged(path, "a name stands twice in its header")
        return found

    def finite(number: str) -> float:
        value = float(number)
        if not math.isfinite(value):
            raise _damaged(path, f"the number {number[:40]} in its header is too large")
        return value

    def none(name: str) -> Any:
        raise _damaged(path, f"{name} in its header is not JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=none)
    except RecursionError:
        raise _damaged(path, "its header is nested too deeply") from None
    except ModelFileError:
        raise
    except ValueError as e:  # UnicodeDecodeError and JSONDecodeError are some
        raise _damaged(path, f"its header is not readable ({str(e)[:200]})") from None


def _header(path: Path, top: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The text of surefit as plain data, and what the file says of its tensors."""
    table = _plain_json(path, top)
    if not isinstance(table, dict):
        raise _damaged(path, "its header is not readable")
    about = table.pop("__metadata__", {})
    if not isinstance(about, dict) or not isinstance(about.get("surefit"), str):
        raise ModelFileError(f"{str(path)!r} is a safetensors file, but not one that surefit wrote")
    header = _plain_json(path, about["surefit"])
    if not isinstance(header, dict) or type(header.get("format")) is not int:
        raise _damaged(path, "its header tells no format")
    known = {"surefit"} if header["format"] == 1 else {"surefit", "sha256"}
    if set(about) != known and header["format"] <= 3:
        raise _damaged(path, f"its metadata are {', '.join(sorted(about))[:200]}")
    return header, table


def _check_format(path: Path, header: dict[str, Any], newest: int) -> None:
    form = header["format"]
    if form > newest:
        raise ModelFileError(f"{str(path)!r} has format {form}, this surefit reads up to {newest}; upgrade surefit")
    if form < 1:
        raise _damaged(path, f"there is no format {form}")


def _check_table(path: Path, table: dict[str, Any], size: int) -> None:
    """The tensors lie one behind the other, as long as their shapes say, and fill the file."""
    parts = []
    for name, entry in table.items():
        about: dict[str, Any] = entry if isinstance(entry, dict) else {}
        shape, ends = (about.get(key, ()) for key in ("shape", "data_offsets"))
        if not (_counts(shape) and _counts(ends) and len(ends) == 2):
            raise _damaged(path, f"the entry of {name[:60]!r} is not one of a tensor")
        dtype = about.get("dtype")
        if not isinstance(dtype, str) or dtype not in ITEMS:
            raise _damaged(path, f"{name[:60]!r} holds {str(dtype)[:20]}, which no model of surefit has")
        if ends[1] - ends[0] != math.prod(shape) * ITEMS[dtype]:
            raise _damaged(path, f"{name[:60]!r} is not as long as its shape {tuple(shape)} says")
        parts.append(tuple(ends))
    at = 0
    for begin, end in sorted(parts):
        if begin != at:
            raise _damaged(path, "its tensors do not lie one behind the other")
        at = end
    if at != size:
        raise _damaged(path, f"it holds {size} bytes of numbers where its header tells of {at}")


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**48 for n in value)


def _signature(raw: bytes | bytearray, length: int) -> tuple[int, int]:
    """Where the digits of the checksum are. There is one such place: in other texts the quotes are escaped."""
    found = _SIGNATURE.search(raw, 8, 8 + length)
    return (0, 0) if found is None else found.span(1)


def _check_sum(path: Path, raw: bytes, length: int) -> None:
    start, end = _signature(raw, length)
    digest = hashlib.sha256(raw[:start])
    digest.update(UNSIGNED.encode())
    digest.update(raw[end:])
    if end == 0 or digest.hexdigest().encode() != raw[start:end]:
        raise ModelFileError(
            f"{str(path)!r} is damaged: its checksum does not fit what it holds; take a copy of the file, or fit again"
        )


def _arrays(path: Path, raw: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(raw)
    except (SafetensorError, ValueError, KeyError, TypeError) as e:
        raise _damaged(path, str(e)[:200]) from None


__all__ = ["Contents", "read_container", "write_container"]
