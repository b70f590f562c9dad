"""What every request must be before anything looks at it: from this page, of this server, with the token, and small.

A page elsewhere in the browser could send requests here, and a name that its owner lets point to 127.0.0.1 could even
read the answers (DNS rebinding). Against the first stand the token and the content type, against the second the Host.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surefit.errors import ArgumentError

BODY = 1_000_000  # bytes
SECURE = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def failure(status: int, message: str, field: str = "") -> JSONResponse:
    """An error as the page reads it. field: the name of the field that is wrong; empty where it is no single one."""
    return JSONResponse({"error": message, "field": field}, status_code=status)


class Guard:
    """Wraps the application. hosts: what the Host header may be, as `127.0.0.1:8000`; token: what pages must know."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], token: str) -> None:
        self.app, self.hosts, self.token = app, frozenset(h.lower() for h in hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self.refused(scope) or self.app
            await answer(scope, receive, secured(send))
        elif scope["type"] == "websocket":  # there are none here
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    def refused(self, scope: Scope) -> JSONResponse | None:
        """Why this request goes no further, as an answer."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self.hosts or len(headers.getlist("host")) != 1:
            return failure(421, "this server does not answer under that name")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}":
            return failure(403, "another page may not ask")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return failure(403, "another page may not ask")
        if not scope["path"].startswith("/api/"):
            return None
        if not secrets.compare_digest(headers.get("x-surefit-token", "").encode(), self.token.encode()):
            return failure(401, "the token is missing or wrong; open the address that surefit play printed")
        if scope["method"] == "POST":
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return failure(415, "only application/json is read")
            length = headers.get("content-length", "0")
            if not length.isascii() or not length.isdigit() or int(length[:20]) > BODY:
                return failure(413, f"at most {BODY} bytes are read")
        return None


def secured(send: Send) -> Send:
    """A `send` that adds the headers every answer carries."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(k.encode(), v.encode()) for k, v in SECURE.items()]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return sending


def parsed(body: bytes) -> Any:
    """JSON without NaN and infinities, which it does not have. ValueError or RecursionError for other things."""

    def no_number(text: str) -> Any:
        raise ArgumentError(f"{text} is not JSON")

    return json.loads(body.decode("utf-8"), parse_constant=no_number)


__all__ = ["BODY", "Guard", "failure", "parsed"]
