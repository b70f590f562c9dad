"""Machine code kept on disk, so that the second process need not wait for LLVM.

A file is a mark, the SHA-256 of its name and of what follows, and an object file. Its name is the SHA-256 of all that
decides the code: the module's text, the CPU and its features, the versions and our own source. A file that is cut off,
altered, renamed or foreign is ignored and written again. Nothing is unpickled.

What is read here is run, so the folder is a border: code is taken from it only when the folder and the file belong to
this user and nobody else may write to them, and only from a regular file, never through a link.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from surefit._version import __version__
from surefit.cachedir import cache_dir
from surefit.compiler import engine
from surefit.errors import DataError

MARK = b"surefit object 2\n"
MOST = 400  # files; beyond, the longest unused go


@lru_cache(maxsize=1)
def makers() -> str:
    """Who writes the code: surefit, down to the source of its compiler (half a millisecond), llvmlite and LLVM.

    A version alone would not do: whoever changes the compiler would go on running the code of the one before.
    """
    source = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *(here.parent / "ir").glob("*.py")]):
        source.update(path.read_bytes())
    return f"surefit {__version__} {source.hexdigest()}, {engine.versions()}"


def key(text: str, t: engine.Target) -> str:
    """The name of a module's file."""
    return hashlib.sha256("\0".join((makers(), t.cpu, t.features, text)).encode()).hexdigest()


def _folder(create: bool) -> Path | None:
    """The folder, if there is one that only we can write to."""
    try:
        folder = cache_dir("code", create=create)
    except DataError:
        return None  # a machine without a home: compile every time
    if folder is None:
        return None
    try:
        about = os.lstat(folder)
    except OSError:
        return None
    return folder if stat.S_ISDIR(about.st_mode) and _ours(about) else None


def _ours(about: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else may write to it."""
    if os.name == "nt":  # whose home directories are closed to others, and which has no such bits
        return True
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(name: str, code: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + code).digest()


def _contents(path: Path) -> bytes | None:
    """All bytes of a regular file of ours; None of anything else. Never waits for a pipe, never follows a link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or not _ours(about):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def read(name: str) -> bytes | None:
    """Object code by name, or None where there is none that is whole and ours."""
    folder = _folder(create=False)
    raw = None if folder is None else _contents(folder / name)
    head = len(MARK) + 32
    if raw is None or not raw.startswith(MARK) or _digest(name, raw[head:]) != raw[len(MARK) : head]:
        return None
    assert folder is not None
    with contextlib.suppress(OSError):
        os.utime(folder / name)
    return raw[head:]


def write(name: str, code: bytes) -> None:
    """Keep object code; a disk that is full or read-only is no error."""
    folder = _folder(create=True)
    if folder is None:
        return
    with contextlib.suppress(OSError):
        descriptor, temporary = tempfile.mkstemp(dir=folder)  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(MARK + _digest(name, code) + code)
            os.replace(temporary, folder / name)
        except BaseException:
            os.unlink(temporary)
            raise
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
