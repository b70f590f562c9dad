"""Files: written whole or not at all, and read only where they are files."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from surefit.errors import DataError, SurefitError


@contextmanager
def replacing(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError) -> Iterator[Path]:
    """A path beside this one to write to; what was written there takes the place of the file when the block ends.

    Whoever reads the file meanwhile sees the old one or the new one, whole, and an error or an interrupt leaves the old
    one as it was. A link stays a link, to the new file; the new file has the permissions of the old one. Two programs
    may write the same file at once: the last one to finish wins.

    Args:
        path: the file. Its directory must exist.
        error: raised when the file cannot be written, with the reason that the system gives.
    """
    target, part, mode = _begun(path, error)
    try:
        if mode is not None:
            with suppress(OSError):
                part.chmod(mode)  # the umask does not count for a file that was there
        yield part
        _to_disk(part)
        part.replace(target)
    except OSError as e:
        with suppress(OSError):
            part.unlink()
        raise error(f"cannot write {str(path)!r} ({reason(e)})") from e
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def write_atomically(
    path: str | os.PathLike[str], content: bytes | str, *, error: type[SurefitError] = DataError
) -> Path:
    """Write a whole file, or leave the one that is there as it is; a text in UTF-8. See `replacing`."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with replacing(path, error=error) as part:
        part.write_bytes(data)
    return Path(path)


def check_writable(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError) -> None:
    """Raise now what `replacing` would raise later; the file is not touched, its directory is made if needed."""
    make_directory(Path(path).parent, error=error)
    _begun(path, error)[1].unlink()


def regular_file(path: str | os.PathLike[str], what: str = "file", *, error: type[SurefitError] = DataError) -> Path:
    """The path, if it is that of a file; `what` names it, such as "model file".

    A pipe or a device under that name is refused: reading it could wait without end.
    """
    file = Path(path)
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise error(f"there is no {what} {str(path)!r}") from None
    except (OSError, ValueError) as e:  # ValueError: a null character in the name
        raise error(f"cannot read the {what} {str(path)!r} ({reason(e)})") from None
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{str(path)!r} is a directory; a {what} is needed")
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{str(path)!r} is a pipe or a device, not a {what}; save what comes out of it, and give that file")
    return file


def make_directory(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError) -> Path:
    """The directory, made if needed with those above it."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as e:
        raise error(f"cannot make the directory {str(path)!r} ({reason(e)})") from None
    return folder


def reason(error: Exception) -> str:
    """What the system says about a failure, without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _begun(path: str | os.PathLike[str], error: type[SurefitError]) -> tuple[Path, Path, int | None]:
    """The file itself, an empty one beside it, and the permissions that it has now."""
    try:
        target = Path(os.path.realpath(path))  # the file itself, where the path is a link
        mode = _mode_of(target)
        # As short as names must be, and with the same ending, by which some writers choose the format.
        part = target.with_name(f".{secrets.token_hex(8)}.part{target.suffix[:16]}")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode))
    except (OSError, ValueError) as e:  # ValueError: a null character in the name
        raise error(f"cannot write {str(path)!r} ({reason(e)})") from None
    return target, part, mode


class _NotAFile(OSError):
    """Something that cannot be written as a file stands there; whoever asked makes an error of its own of it."""


def _mode_of(target: Path) -> int | None:
    """The permissions of the file that is there; None when there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise _NotAFile(0, "it is a directory; give the name of a file")
    if not stat.S_ISREG(status.st_mode):
        raise _NotAFile(0, "it is a device or a pipe, not a file")
    return stat.S_IMODE(status.st_mode)


def _to_disk(part: Path) -> None:
    """Make the system keep what was written, before the name points to it: else a crash may leave an empty file."""
    file = os.open(part, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


__all__ = ["check_writable", "make_directory", "reason", "regular_file", "replacing", "write_atomically"]
