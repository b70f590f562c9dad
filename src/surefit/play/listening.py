"""From a command to a page in a browser: the address is taken and opened first, the server is imported meanwhile."""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

from surefit.errors import ArgumentError, DataError, MissingExtraError

from .built import PAGE, UNBUILT
from .memory import settle

NEEDED = ("starlette", "uvicorn")


def loopback(host: str) -> bool:
    """Whether only this computer can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(
    *, host: str = "127.0.0.1", port: int = 0, token: str | None = None, browser: bool = True,
    log: Callable[[str], None] = lambda text: None, page: Path = PAGE, chinese: Callable[[str], str] = str,
    lang: str | None = None,
) -> None:  # fmt: skip
    """Serve the page until Ctrl-C.

    Args:
        host: the address to listen at. port: 0 for one that is free.
        token: what the page must know; None: a fresh one, which the address that is opened carries. An address that
            others can reach needs one of at least 16 characters, chosen by you.
        browser: whether to open the page. log: called with the address. page: the built files. chinese: translates
            errors, for a page in Chinese. lang: of the page, "en" or "zh"; None: that of the browser.

    Raises:
        ArgumentError: a host that others can reach without a token; DataError: the page was not built, or the address
        is taken.
    """
    missing = next((name for name in NEEDED if importlib.util.find_spec(name) is None), None)
    if missing is not None:
        raise MissingExtraError(f'play needs the package {missing}: pip install "surefit[play]"')
    if not (page / "index.html").exists():
        raise DataError(UNBUILT)
    if not loopback(host) and token is None:
        raise ArgumentError(f"--host {host} can be reached by others: give a --token of at least 16 characters")
    if token is not None and not (len(token) >= 16 and token.isascii() and token.isalnum()):
        raise ArgumentError("--token must have at least 16 characters, letters and digits only")
    known = secrets.token_urlsafe(24) if token is None else token
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(128)  # the browser may come at once, and waits
        except (OSError, OverflowError) as error:
            raise DataError(f"cannot listen at {host}:{port} ({error}); give another --port") from None
        taken = listening.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        hosts = [f"{name}:{taken}"]
        if loopback(host):
            hosts += [f"localhost:{taken}", f"127.0.0.1:{taken}"]
        address = f"http://{name}:{taken}/?token={known}{f'#lang={lang}' if lang else ''}"
        log(address)
        if browser:
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):
            import uvicorn

            from .serving import Application

            config = uvicorn.Config(
                Application(known, hosts, page, chinese).asgi, log_level="critical", access_log=False,
                server_header=False,
                limit_concurrency=64, timeout_graceful_shutdown=2, timeout_keep_alive=10,
                h11_max_incomplete_event_size=32768,
            )  # fmt: skip
            settle()
            uvicorn.Server(config).run(sockets=[listening])


__all__ = ["loopback", "serve"]
