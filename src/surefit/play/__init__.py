"""The playground: a page on this computer, to watch a network learn your function.

`surefit play` serves it. What travels from the page are formulas, numbers and choices from lists, never Python.
"""

from __future__ import annotations

from typing import Any

from .built import PAGE, UNBUILT, export


def serve(**settings: Any) -> None:
    """Serve the page until Ctrl-C; the arguments are those of `surefit.play.listening.serve`.

    MissingExtraError where Starlette or uvicorn is not installed; ArgumentError and DataError as described there.
    """
    from .listening import serve as run

    run(**settings)


__all__ = ["PAGE", "UNBUILT", "export", "serve"]
