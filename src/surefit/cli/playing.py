"""`surefit play`: a page on this computer, to watch a network learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .language import spoken
from .report import Lang


def play(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen there. What others can reach needs --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="NUMBER", min=0, max=65535, help="0: one that is free.")] = 0,
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT", show_default=False, help="What the page must know. Default: a fresh one."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    export: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Write a page that trains in the browser, and end."),
    ] = None,
    lang: Lang = None,
) -> None:
    """Open a page on which a network learns your function.

    It is served on this computer only, until Ctrl-C. With --export the page is written as files that need neither
    Python nor a server, for any web space: the lessons, with training in the browser.

    surefit play --port 8000
    """
    from surefit import play as page

    if export is not None:
        print(page.export(export) / "index.html")
        return
    page.serve(
        host=host, port=port, token=token, browser=browser, log=lambda address: print(address, flush=True),
        chinese=in_chinese, lang=lang or ("zh" if spoken() == "zh" else None),
    )  # fmt: skip


def in_chinese(message: str) -> str:
    """An error in Chinese, for a page in that language; the table is read at the first one."""
    from .chinese_errors import in_chinese as found

    said = found(message)
    return f"表格：{said.removeprefix('table：')}" if said.startswith("table：") else said


COMMANDS = (play,)
