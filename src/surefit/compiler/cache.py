"""Machine code kept on disk, so that the second process need not wait for LLVM.

A file is a mark, the SHA-256 of what follows, and an object file. Its name is the SHA-256 of all that decides the code:
the module's text, the CPU and its features, the versions and our own source. A file that is cut off, altered or foreign
is ignored and written again. Nothing is unpickled; only the owner may read or write.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from surefit._version import __version__
from surefit.cachedir import cache_dir
from surefit.compiler import engine
from surefit.errors import DataError

MARK = b"surefit object 1\n"
MOST = 400  # files; beyond, the longest unused go


@lru_cache(maxsize=1)
def makers() -> str:
    """Who writes the code: surefit, down to the source of its compiler (half a millisecond), llvmlite and LLVM.

    A version alone would not do: whoever changes the compiler would go on running the code of the one before.
    """
    source = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source.update(path.read_bytes())
    return f"surefit {__version__} {source.hexdigest()}, {engine.versions()}"


def key(text: str, t: engine.Target) -> str:
    """The name of a module's file."""
    return hashlib.sha256("\0".join((makers(), t.cpu, t.features, text)).encode()).hexdigest()


def _folder(create: bool) -> Path | None:
    try:
        return cache_dir("code", create=create)
    except DataError:
        return None  # a machine without a home: compile every time


def read(name: str) -> bytes | None:
    """Object code by name, or None where there is none that is whole."""
    folder = _folder(create=False)
    if folder is None:
        return None
    path = folder / name
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    head = len(MARK) + 32
    if not raw.startswith(MARK) or hashlib.sha256(raw[head:]).digest() != raw[len(MARK) : head]:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return raw[head:]


def write(name: str, code: bytes) -> None:
    """Keep object code; a disk that is full or read-only is no error."""
    folder = _folder(create=True)
    if folder is None:
        return
    with contextlib.suppress(OSError):
        descriptor, temporary = tempfile.mkstemp(dir=folder)  # 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(MARK + hashlib.sha256(code).digest() + code)
        os.replace(temporary, folder / name)
        _prune(folder)


def _prune(folder: Path) -> None:
    files = list(folder.iterdir())
    if len(files) > MOST:
        files.sort(key=lambda p: p.stat().st_mtime)
        for path in files[: len(files) - MOST]:
            path.unlink(missing_ok=True)


def load(text: str, t: engine.Target, names: Sequence[str]) -> tuple[engine.Library, bool]:
    """A module in memory, ready to run, and whether its code came from the disk."""
    name = key(text, t)
    code = read(name)
    if code is not None:
        return engine.Library(code, t, names), True
    code = engine.object_code(text, t)
    write(name, code)
    return engine.Library(code, t, names), False
