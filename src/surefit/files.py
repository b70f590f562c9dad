"""Files: written whole or not at all, and read only where they are files.

A new content is written under another name, or under none, brought to the disk, and then takes the place of the file
in one step (rename of POSIX). Whoever reads meanwhile sees the old file or the new one. Each writer locks what it
writes, so that what a killed one left behind is told from what is being written now, and goes with the next write.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from surefit.errors import ArgumentError, DataError, SurefitError

# As short as names must be, and with the ending of the file, by which some writers choose the format.
_PART = re.compile(r"\.surefit-[0-9a-f]{16}\.part(\..{0,15})?", re.DOTALL)
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM)  # file systems without O_TMPFILE
MOST_NAMES, ALIKE = 10_000, 0.75  # files of a folder that are looked at for one with a name like a missing one's
_NO_SYNC = (errno.EINVAL, errno.EOPNOTSUPP, errno.EACCES, errno.EBADF)  # of a directory, where that is no such thing


@contextmanager
def replacing(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError) -> Iterator[Path]:
    """A path beside this one to write to; what was written there takes the place of the file when the block ends.

    Whoever reads the file meanwhile sees the old one or the new one, whole, and an error or an interrupt leaves the old
    one as it was. A link stays a link, to the new file; the new file has the permissions of the old one. Programs
    may write the same file at once: the last one to finish wins. `write_atomically` does the same with a content that
    is known.

    Args:
        path: the file. Its directory must exist.
        error: raised when the file cannot be written, with the reason that the system gives.
    """
    with _place(path, error) as place:
        lock, part = _named(place)
        if os.name == "nt":  # which renames no open file
            os.close(lock)
        try:
            yield part
            written = os.open(part, os.O_RDWR | _NO_LINK | _BINARY)  # by whom it was asked, perhaps as another file
            try:
                _keep_rights(written, place)
                os.fsync(written)
            finally:
                os.close(written)
            os.replace(part, place.target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        finally:
            if os.name != "nt":
                os.close(lock)


def write_atomically(
    path: str | os.PathLike[str], content: bytes | str, *, error: type[SurefitError] = DataError
) -> Path:
    """Write a whole file, or leave the one that is there as it is; a text in UTF-8. See `replacing`.

    While it is written it has no name, where the system can do that (Linux): not even a killed program leaves a trace.
    """
    with _place(path, error) as place:
        descriptor, part = _opened(place)
        try:
            _fill(descriptor, content)
            _keep_rights(descriptor, place)
            os.fsync(descriptor)
            if part is None:
                part = _name(descriptor, place)
            if os.name == "nt":
                os.close(descriptor)
                descriptor = -1
            os.replace(part, place.target)
        except BaseException:
            if part is not None:
                with suppress(OSError):
                    part.unlink()
            raise
        finally:
            if descriptor >= 0:
                os.close(descriptor)
    return Path(path)


def write_together(
    contents: Mapping[str | os.PathLike[str], bytes | str], *, error: type[SurefitError] = DataError
) -> list[Path]:
    """Write several files that belong together: all of them, or none; texts in UTF-8. See `replacing`.

    No file system moves several files in one step. So all are on the disk before the first takes its place, the old
    ones keep a second name meanwhile, and when one cannot be moved, those that were are put back. Who is killed just
    then leaves some new and some old ones, each whole.

    Args:
        contents: path -> what is to be in the file. Their directories must exist.
        error: raised when a file cannot be written; it says so where an old one could not be put back.
    """
    parts: list[_Part] = []
    try:
        for path, content in contents.items():
            place = _cleared(path, error)
            with _refusing(path, error):
                parts.append(_Part(Path(path), place, *_opened(place)))
                _fill(parts[-1].descriptor, content)
                _keep_rights(parts[-1].descriptor, place)
                os.fsync(parts[-1].descriptor)
        with _one_at_a_time(parts):
            for part in parts:
                with _refusing(part.path, error):
                    part.make_ready()
            try:
                for part in parts:
                    with _refusing(part.path, error):
                        part.move()
            except BaseException as e:
                lost = [said for part in reversed(parts) if (said := part.undo())]
                if lost:
                    raise error(f"{reason(e)}; moreover {'; '.join(lost)}") from e
                raise
    finally:
        for part in parts:
            part.clear()
    for folder, path in {part.place.target.parent: part.path for part in parts}.items():
        _sync_after(folder, path, error)
    return [part.path for part in parts]


def check_writable(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError) -> None:
    """Raise now what `replacing` would raise later; the file is not touched, its directory is made if needed."""
    make_directory(Path(path).parent, error=error)
    with _place(path, error, sync=False) as place:
        descriptor, part = _opened(place)
        os.close(descriptor)
        if part is not None:
            part.unlink()


def path_of(name: str, path: Any) -> Path:
    """A path that an argument gives. ArgumentError for what is none, and for an empty one, which would mean here."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise ArgumentError(f"{name}: expected a path, got {path!r}") from None
    if not text:
        raise ArgumentError(f"{name}: the path is empty; give a name")
    return Path(text)


def regular_file(path: str | os.PathLike[str], what: str = "file", *, error: type[SurefitError] = DataError) -> Path:
    """The path, if it is that of a file; `what` names it, such as "model file".

    A pipe or a device under that name is refused: reading it could wait without end.
    """
    file = Path(path)
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        text = re.sub(r"^(https?|ftp|s3|gs):/+", r"\1://", str(path))  # of which a path has one slash
        raise error(f"there is no {what} {text!r}{_near(file)}") from None
    except (OSError, ValueError) as e:  # ValueError: a null character in the name
        raise error(f"cannot read the {what} {str(path)!r} ({reason(e)})") from None
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{str(path)!r} is a directory; a {what} is needed")
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{str(path)!r} is a pipe or a device, not a {what}; save what comes out of it, and give that file")
    return file


def _near(missing: Path) -> str:
    """Half a sentence with the file that may have been meant: one beside it whose name is spelled much like it."""
    if missing.parts[:1] and re.fullmatch(r"(https?|ftp|s3|gs):", missing.parts[0]):
        return "; an address is not fetched; download it, and give the file"
    if set(missing.name) & set("*?") or "**" in missing.parts:
        return "; a pattern is not looked up; give one file, or a folder of Parquet files"
    if (home := os.path.expanduser(missing)) != str(missing):  # a shell would have replaced ~
        return f"; write {home!r}"
    with suppress(OSError, ValueError):
        names = list(islice((entry.name for entry in os.scandir(missing.parent)), MOST_NAMES))
        if close := difflib.get_close_matches(missing.name, names, 1, ALIKE):
            return f"; did you mean {str(missing.with_name(close[0]))!r}?"
    return ""


def make_directory(path: str | os.PathLike[str], *, error: type[SurefitError] = DataError, argument: str = "") -> Path:
    """The directory, made if needed with those above it. argument: which one named it, for the error."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as e:
        named = f"{argument}: " if argument else ""
        raise error(f"{named}cannot make the directory {str(path)!r} ({reason(e)})") from None
    return folder


def reason(error: BaseException) -> str:
    """What the system says about a failure, without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def held_lock(path: str | os.PathLike[str], busy: str, *, error: type[SurefitError] = DataError) -> Iterator[None]:
    """Hold the lock of a file, which is made if needed and stays; an error that begins with `busy` where another does.

    Where the system has no such locks, nothing is held.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | _BINARY, 0o666)
    except (OSError, ValueError) as e:
        raise error(f"cannot write {str(path)!r} ({reason(e)})") from None
    try:
        if _lock(descriptor) is False:
            raise error(f"{busy}; wait for its end, or give another name")
        yield
    finally:
        os.close(descriptor)


# --- one write --------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a content goes: the file itself, where the path is a link, and what is there now."""

    target: Path
    before: os.stat_result | None

    @property
    def mode(self) -> int:
        """The permissions to begin with: never more than the file has that is there."""
        return 0o666 if self.before is None else stat.S_IMODE(self.before.st_mode)


@contextmanager
def _place(path: str | os.PathLike[str], error: type[SurefitError], sync: bool = True) -> Iterator[_Place]:
    """The place of a file, in a directory without remains of killed writers; what the system refuses is an `error`."""
    place = _cleared(path, error)
    with _refusing(path, error):
        yield place
    if sync:
        _sync_after(place.target.parent, path, error)


def _cleared(path: str | os.PathLike[str], error: type[SurefitError]) -> _Place:
    """The place of a file, whose directory is rid of remains."""
    try:
        target = Path(os.path.realpath(path))
        place = _Place(target, _status_of(target))
        _take_remains(target.parent)
    except (OSError, ValueError) as e:  # ValueError: a null character in the name
        raise error(f"cannot write {str(path)!r} ({reason(e)})") from None
    return place


@contextmanager
def _refusing(path: str | os.PathLike[str], error: type[SurefitError]) -> Iterator[None]:
    """What the system refuses is an `error` that names the path."""
    try:
        yield
    except OSError as e:
        raise error(f"cannot write {str(path)!r} ({reason(e)})") from e


def _sync_after(folder: Path, path: str | os.PathLike[str], error: type[SurefitError]) -> None:
    try:
        _sync_directory(folder)
    except OSError as e:
        raise error(
            f"{str(path)!r} was written, but its directory cannot be brought to the disk ({reason(e)}): a power "
            "failure may undo it"
        ) from e


def _fill(descriptor: int, content: bytes | str) -> None:
    """Write all of a content."""
    rest = memoryview(content.encode("utf-8", "replace") if isinstance(content, str) else content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


PATIENCE = 2.0  # seconds that files wait for others to take their places


@contextmanager
def _one_at_a_time(parts: Sequence[_Part]) -> Iterator[None]:
    """Let nobody else move several files in this directory meanwhile, so that those of two writers are never mixed.

    Only where the system has locks, and nobody holds them for long.
    """
    try:
        descriptor = os.open(parts[0].place.target.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)) if parts else -1
    except OSError:  # Windows, or a directory that may be written to and not be read
        descriptor = -1
    try:
        until = time.monotonic() + PATIENCE
        while descriptor >= 0 and _lock(descriptor) is False and time.monotonic() < until:
            time.sleep(0.002)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


@dataclass
class _Part:
    """One of several files that are written together: what is new, under another name, and then what was old."""

    path: Path  # as it was given
    place: _Place
    descriptor: int  # of the new file; it holds the lock that tells it from remains
    new: Path | None  # its name until it takes its place
    old: Path | None = None  # the file that was there, under another name
    holding: int = -1  # descriptor with the lock of that one

    def make_ready(self) -> None:
        """Do all that may fail for lack of space: the new file gets a name, and that which is there a second one."""
        if self.new is None:
            self.new = _name(self.descriptor, self.place)
        if self.place.before is not None:
            self._keep_old()

    def _keep_old(self) -> None:
        with suppress(OSError):  # one that may be written to and not be read
            self.holding = os.open(self.place.target, os.O_RDONLY | _NO_LINK | _BINARY)
            _lock(self.holding)
        name = _part_of(self.place)
        try:
            os.link(self.place.target, name)
            self.old = name
        except (OSError, NotImplementedError):  # a file system without second names
            copy, self.old = _named(self.place)
            if self.holding >= 0:
                os.close(self.holding)
            self.holding = copy
            shutil.copy2(self.place.target, self.old)
            os.fsync(copy)

    def move(self) -> None:
        """The new file takes the place of the old one."""
        if os.name == "nt":  # which renames no open file
            self._close()
        assert self.new is not None
        os.replace(self.new, self.place.target)

    def undo(self) -> str:
        """Put the old file back, if the new one has its place; why that cannot be done, in words."""
        if self.new is not None and os.path.lexists(self.new):
            return ""
        try:
            if self.old is None:
                self.place.target.unlink(missing_ok=True)
            else:
                if os.name == "nt":
                    self._close()
                os.replace(self.old, self.place.target)
                self.old = None
        except OSError as e:
            kept = "" if self.old is None else f"; copy it from {self.old.name!r} before anything else is written there"
            self.old = None  # not removed
            return f"{str(self.path)!r} is the new file and the old one cannot be put back ({reason(e)}){kept}"
        return ""

    def clear(self) -> None:
        """Remove the other names."""
        for name in (self.new, self.old):
            if name is not None:
                with suppress(OSError):
                    name.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        for descriptor in (self.descriptor, self.holding):
            if descriptor >= 0:
                os.close(descriptor)
        self.descriptor = self.holding = -1


class _NotAFile(OSError):
    """Something that cannot be written as a file stands there; whoever asked makes an error of its own of it."""


def _status_of(target: Path) -> os.stat_result | None:
    """What is known of the file that is there; None when there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise _NotAFile(0, "it is a directory; give the name of a file")
    if not stat.S_ISREG(status.st_mode):
        raise _NotAFile(0, "it is a device or a pipe, not a file")
    if not os.access(target, os.W_OK):  # its directory would let us, but somebody closed the file
        raise _NotAFile(0, "it is write-protected")
    return status


def _opened(place: _Place) -> tuple[int, Path | None]:
    """A new file for a content, and its name if it has one."""
    descriptor = _unnamed(place)
    return _named(place) if descriptor is None else (descriptor, None)


def _unnamed(place: _Place) -> int | None:
    """A file without a name, open to be written and locked; None where the system has no such thing."""
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        descriptor = os.open(place.target.parent, os.O_TMPFILE | os.O_RDWR | _BINARY, place.mode)
    except OSError as e:
        if e.errno in _UNNAMED:  # if there is no such directory, that is said where a name is tried
            return None
        raise
    _lock(descriptor)
    if Path(f"/proc/self/fd/{descriptor}").exists():  # by which it will get a name
        return descriptor
    os.close(descriptor)
    return None


def _name(descriptor: int, place: _Place) -> Path:
    """Give a file of `_unnamed` a name beside its target: only a file with a name can take the place of another."""
    part = _part_of(place)
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)  # any: with one, os.link follows the link to the open file
    try:
        os.link(f"/proc/self/fd/{descriptor}", part, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
    return part


def _named(place: _Place) -> tuple[int, Path]:
    """A new file beside the target, locked as long as the descriptor is open, where there are locks."""
    while True:
        part = _part_of(place)
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, place.mode)
        _lock(descriptor, wait=True)
        try:
            if os.fstat(descriptor).st_nlink:
                return descriptor, part
        except BaseException:
            part.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        os.close(descriptor)  # another writer took it for remains before it was locked


def _part_of(place: _Place) -> Path:
    return place.target.with_name(f".surefit-{secrets.token_hex(8)}.part{place.target.suffix[:16]}")


def _lock(descriptor: int, wait: bool = False) -> bool | None:
    """Whether the file is now locked by us; None where the system has no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        return None
    return True


def _take_remains(folder: Path) -> None:
    """Remove what killed writers left in a directory: nobody holds the lock of such a file."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(".surefit-") and _PART.fullmatch(name):
                with suppress(OSError):
                    _take(folder / name)


def _take(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY | _NO_LINK | _BINARY)
    try:
        about = os.fstat(descriptor)
        ours = stat.S_ISREG(about.st_mode) and (os.name == "nt" or about.st_uid == os.geteuid())
        if ours and _lock(descriptor) and os.path.samestat(about, os.lstat(part)):
            part.unlink()
    finally:
        os.close(descriptor)


def _keep_rights(descriptor: int, place: _Place) -> None:
    """The new file belongs to whom the old one belonged, as far as we may say that, and has its permissions."""
    before = place.before
    if before is None or os.name == "nt":
        return
    now = os.fstat(descriptor)
    with suppress(OSError):
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    with suppress(OSError):
        os.fchmod(descriptor, place.mode)  # the umask does not count for a file that was there


def _sync_directory(folder: Path) -> None:
    """Make the system keep the new name, too."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _BINARY)
    except OSError:  # one that may be written to and not be read
        return
    try:
        os.fsync(descriptor)
    except OSError as e:
        if e.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


__all__ = [
    "check_writable", "held_lock", "make_directory", "path_of", "reason", "regular_file", "replacing",
    "write_atomically", "write_together",
]  # fmt: skip
