"""The playground: a page on this computer, to watch a network learn your function.

`surefit play` serves it. What travels from the page are formulas, numbers and choices from lists, never Python.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from surefit.errors import DataError

PAGE = Path(__file__).parent / "page"
UNBUILT = "the page was not built: run `make play` in a clone of surefit, or install a wheel of it"


def serve(**settings: Any) -> None:
    """Serve the page until Ctrl-C; the arguments are those of `surefit.play.listening.serve`.

    MissingExtraError where Starlette or uvicorn is not installed; ArgumentError and DataError as described there.
    """
    from .listening import serve as run

    run(**settings)


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


__all__ = ["PAGE", "UNBUILT", "export", "serve"]
