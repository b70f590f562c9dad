"""The playground: a page on this computer, to watch a network learn your function.

`surefit play` serves it. What travels from the page are formulas, numbers and choices from lists, never Python.
"""

from __future__ import annotations

from typing import Any


def serve(**settings: Any) -> None:
    """Serve the page until Ctrl-C; the arguments are those of `surefit.play.serving.serve`.

    MissingExtraError where Starlette or uvicorn is not installed; ArgumentError and DataError as described there.
    """
    from surefit.errors import MissingExtraError

    try:
        from .serving import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'play needs the package {error.name}: pip install "surefit[play]"') from None
    run(**settings)


__all__ = ["serve"]
