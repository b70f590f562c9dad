"""The page as the build leaves it, and as files of its own."""

from __future__ import annotations

import os
from pathlib import Path

from surefit.errors import DataError

PAGE = Path(__file__).parent / "page"
UNBUILT = "the page was not built: run `make play` in a clone of surefit, or install a wheel of it"


def export(directory: str | os.PathLike[str], page: Path = PAGE) -> Path:
    """Write the page as files that need no server: it trains in the browser, with the lessons. The folder's path.

    The folder is made; one that holds other files is refused. It opens from any web space, and from a disk.

    DataError: the page was not built, or the folder is not empty.
    """
    import shutil

    if not (page / "index.html").exists():
        raise DataError(UNBUILT)
    folder = Path(directory)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise DataError(f"--export {folder}: there are files in it; give the name of a new folder")
        shutil.copytree(page, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("view.js"))
        index = folder / "index.html"
        text = index.read_text(encoding="utf-8")
        index.write_text(text.replace("<html ", "<html data-static ", 1), encoding="utf-8")
    except OSError as error:
        raise DataError(f"--export {folder}: it cannot be written ({error.strerror or error})") from None
    return folder


__all__ = ["PAGE", "UNBUILT", "export"]
