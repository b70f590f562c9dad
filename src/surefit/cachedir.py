"""Where surefit keeps what it can make or fetch again: one directory per user, one place to switch it off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from surefit.errors import DataError

VARIABLE = "SUREFIT_CACHE"  # a directory, or "off"


def cache_dir(*parts: str, create: bool = False) -> Path | None:
    r"""The user's cache directory of surefit, or None when caching is switched off.

    The environment variable ``SUREFIT_CACHE`` decides first: a path is used as it is, ``off`` means no cache.
    Otherwise each platform's habit: ``$XDG_CACHE_HOME/surefit`` or ``~/.cache/surefit`` on Linux,
    ``~/Library/Caches/surefit`` on macOS, ``%LOCALAPPDATA%\surefit\Cache`` on Windows.

    Args:
        parts: folders below it, such as ``"mnist"``.
        create: make the directory, readable by its owner alone; without it nothing is touched.

    Raises:
        DataError: there is no home directory, or the directory cannot be made.
    """
    base = _base()
    if base is None:
        return None
    path = base.joinpath(*parts)
    if create:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"cannot make the cache directory {str(path)!r} ({error.strerror}); "
                f"set {VARIABLE} to a directory that you may write, or to off"
            ) from error
    return path


def _base() -> Path | None:
    setting = os.environ.get(VARIABLE, "").strip()
    if setting.lower() == "off":
        return None
    if setting:
        return _home_expanded(setting)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
        return _home_expanded(local) / "surefit" / "Cache"
    if sys.platform == "darwin":
        return _home_expanded("~/Library/Caches/surefit")
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(xdg):  # the XDG specification: a relative path is to be ignored
        xdg = "~/.cache"
    return _home_expanded(xdg) / "surefit"


def _home_expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # a service account without a home directory
        raise DataError(f"no home directory to keep a cache in; set {VARIABLE} to a directory, or to off") from error
