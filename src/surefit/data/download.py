"""Fetch one file over HTTP: several addresses, resumed where a connection broke, checked before use."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surefit.errors import DataError

_CHUNK = 1 << 16
_RESUMES = 20  # per address, each of which must have brought new bytes


def fetch(urls: Sequence[str], path: Path, sha256: str, *, timeout: float = 15.0) -> Path:
    """Download a file to `path` from the first of `urls` that delivers it whole and unaltered.

    What has arrived stays beside it as ``*.part`` and is resumed (HTTP Range), also by a later call. The file
    takes its name only when its checksum is right.

    Args:
        urls: addresses of the same file, tried in order.
        path: where it goes; the directory exists.
        sha256: of the content, which for a name ending in ``.gz`` means unpacked: mirrors pack the same data
            again.
        timeout: seconds without an answer or a byte after which an address is given up.

    Raises:
        DataError: no address delivered it; the message says why for each.
    """
    part = path.with_name(path.name + ".part")
    failures: list[str] = []
    for url in urls:
        for _ in range(_RESUMES):
            before = _size(part)
            problem = _receive(url, part, before, timeout)
            if problem is None:
                problem = _mismatch(part, path.suffix == ".gz", sha256)
                if problem is None:
                    os.replace(part, path)
                    return path
                part.unlink()
                if before:  # it may have been the older part that was wrong: once more from the start
                    continue
            elif _size(part) > before:
                continue
            failures.append(f"{url}: {problem}")
            break
        else:
            failures.append(f"{url}: broke off {_RESUMES} times")
    raise DataError(f"download of {path.name} failed:\n  " + "\n  ".join(failures))


def _receive(url: str, part: Path, have: int, timeout: float) -> str | None:
    """Append to `part` what is missing; what went wrong, or None when the server has sent everything."""
    headers = {"User-Agent": "surefit"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as response:
            resumed = have > 0 and _range_start(response) == have
            length = response.headers.get("Content-Length")
            start = have if resumed else 0
            with part.open("ab" if resumed else "wb") as file:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
        if length is not None and _size(part) < start + int(length):
            return f"ended after {_size(part)} of {start + int(length)} bytes"
        return None
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing beyond what we have: it is whole, or it is not this file
            if error.headers.get("Content-Range", "").endswith(f"/{have}"):
                return None
            part.unlink()
            return _receive(url, part, 0, timeout)
        return f"HTTP status {error.code} ({error.reason})"
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
        return str(getattr(error, "reason", "") or error) or type(error).__name__


def _range_start(response: Any) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if response.status == 206 and match else None


def _mismatch(path: Path, packed: bool, sha256: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        return f"not a whole gzip file ({error})"
    found = digest.hexdigest()
    return None if found == sha256 else f"wrong checksum (sha256 {found[:12]}..., expected {sha256[:12]}...)"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
