"""The server of the page: a handful of routes over sessions, on this computer alone unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from surefit.errors import ArgumentError, SurefitError

from .built import PAGE
from .description import description
from .guard import BODY, Guard, failure, parsed
from .said import gap_of, preview_of, proof_of
from .taking import DRAWN, FORMATS, LANGUAGES, file_of
from .watching import RATE, Cursor, Session, summary_of
from .wishes import SLOWEST, FieldError, Reader, csv_of, wish_of

RUNNING, KEPT = 4, 8  # trainings at once; those that are kept for downloads
WAITING = 8  # pictures and reports that are drawn or wait for it, one after the other
SLOW = 10.0  # seconds in which a body must have come
PROOF = 30.0  # seconds of a proof


class Rooms:
    """The sessions: at most `RUNNING` at work and `KEPT` remembered, the oldest are forgotten first."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, Session] = OrderedDict()
        self.proofs = threading.BoundedSemaphore(1)  # one at a time

    def add(self, session: Session) -> None:
        """Remember and start one. ArgumentError when too many are at work."""
        if sum(not s.done.is_set() for s in self._all.values()) >= RUNNING:
            raise ArgumentError(f"{RUNNING} networks are learning already; stop one of them")
        self._all[session.id] = session
        for name in [n for n, s in self._all.items() if s.done.is_set()][: max(0, len(self._all) - KEPT)]:
            del self._all[name]
        session.start()

    def find(self, sent: Any) -> Session:
        """The session that a request names. ArgumentError where it is not known any more."""
        session = self._all.get(Reader(sent).text("session", 40))
        if session is None:
            raise FieldError("session", "session: that network is not here any more; train it again")
        return session

    def close(self) -> None:
        """Stop all."""
        for session in self._all.values():
            session.stop()
        for session in self._all.values():
            session.join(2.0)


async def body_of(request: Request) -> Any:
    """The JSON of a request. ArgumentError where it is none; its message is what the page shows."""
    body = bytearray()
    try:
        async with asyncio.timeout(SLOW):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY:
                    raise ArgumentError(f"at most {BODY} bytes are read")
        return parsed(bytes(body))
    except TimeoutError:
        raise ArgumentError(f"the request took longer than {SLOW:g} s to arrive") from None
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError, ValueError) as error:
        if isinstance(error, SurefitError):
            raise
        raise ArgumentError("the body is not JSON") from None


def said_to(request: Request, message: str, chinese: Callable[[str], str]) -> str:
    """An error in the language of the page."""
    return chinese(message) if request.headers.get("accept-language", "").lower().startswith("zh") else message


def answering(work: Callable[[Request, Any], Any], chinese: Callable[[str], str] = str) -> Callable[[Request], Any]:
    """A route of what takes a request and its JSON; an error of surefit is an answer with status 400."""

    async def route(request: Request) -> Response:
        try:
            answer = await work(request, await body_of(request))
        except ClientDisconnect:
            return Response(status_code=400)
        except (SurefitError, RecursionError, MemoryError) as error:
            message = str(error) if isinstance(error, SurefitError) else "what came is nested too deeply or too large"
            return failure(400, said_to(request, message, chinese), getattr(error, "field", ""))
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return route


def event(kind: str, data: Any) -> str:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps(data, allow_nan=False, separators=(',', ':'))}\n\n"


def streamed(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream")


class Application:
    """The routes. `asgi` is the application behind its guard. chinese: translates errors, for a page in Chinese."""

    def __init__(self, token: str, hosts: list[str], page: Path = PAGE, chinese: Callable[[str], str] = str) -> None:
        self.rooms, self.chinese = Rooms(), chinese
        self.drawing = ThreadPoolExecutor(1, "drawing")  # Matplotlib keeps fonts open for each thread that draws
        self.queue = threading.BoundedSemaphore(WAITING)
        posts = dict(
            check=self.check, table=self.table, train=self.train, control=self.control, export=self.export,
            prove=self.prove,
        )  # fmt: skip
        routes: list[Any] = [
            Route(f"/api/{name}", answering(work, chinese), methods=["POST"]) for name, work in posts.items()
        ]
        routes.append(Route("/api/openapi.json", lambda request: JSONResponse(description()), methods=["GET"]))
        routes.append(Mount("/", StaticFiles(directory=page, html=True, check_dir=False)))
        app = Starlette(routes=routes, lifespan=self.lifespan)
        self.asgi: ASGIApp = Guard(app, hosts, token)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(self.rooms.close)
        self.drawing.shutdown(wait=False, cancel_futures=True)

    async def check(self, request: Request, sent: Any) -> Any:
        """What a wish means: the formula typeset, its values, the same as Python and as a command."""
        return await run_in_threadpool(lambda: preview_of(wish_of(sent)))

    async def table(self, request: Request, sent: Any) -> Any:
        """The columns of a CSV text."""
        return await run_in_threadpool(csv_of, sent)

    async def train(self, request: Request, sent: Any) -> Any:
        """Train, and stream how it goes, until it is done or nobody listens."""
        read = Reader(sent)
        paused, delay = read.truth("paused", False), read.number("delay", 0.0, SLOWEST, 0.0)
        session = Session(await run_in_threadpool(wish_of, sent), paused, delay)
        self.rooms.add(session)

        chinese = self.chinese

        async def events() -> AsyncIterator[str]:
            cursor = Cursor()
            try:
                yield event("session", {"id": session.id})
                while True:
                    done = session.done.is_set()  # before the frame, so that the last one is not missed
                    frame = session.frame(cursor)
                    if frame is not None:
                        yield event("frame", frame)
                    if done:
                        break
                    if await request.is_disconnected():
                        return
                    await asyncio.sleep(1.0 / RATE)
                if session.fit is not None:
                    yield event("done", await run_in_threadpool(summary_of, session.fit))
                else:
                    yield event("failed", {"error": said_to(request, session.error or "", chinese)})
            finally:
                session.leave()

        return streamed(events())

    async def control(self, request: Request, sent: Any) -> Any:
        """Pause, resume, step or stop."""
        read = Reader(sent)
        delay = read.number("delay", 0.0, SLOWEST, 0.0)
        self.rooms.find(sent).control(read.text("action", 20), read.whole("count", 1, 1000, 1), delay)
        return {"ok": True}

    async def export(self, request: Request, sent: Any) -> Any:
        """The network of a session that is done, as a file; several files are packed into one."""
        read = Reader(sent)
        session, to, lang = self.rooms.find(sent), read.choice("to", FORMATS, "c"), read.choice("lang", LANGUAGES, "en")
        fitted = session.fit
        if fitted is None:
            raise FieldError("session", "session: this network is still learning")

        if to not in DRAWN:
            name, content = await run_in_threadpool(file_of, fitted, to, lang)
        else:
            if not self.queue.acquire(blocking=False):
                raise ArgumentError("many pictures are being drawn already; try again in a moment")
            drawn = self.drawing.submit(file_of, fitted, to, lang)
            drawn.add_done_callback(lambda _: self.queue.release())
            waiting = asyncio.wrap_future(drawn)
            while not (await asyncio.wait([waiting], timeout=0.2))[0]:
                if await request.is_disconnected():  # whoever has gone needs no picture: it is not begun
                    waiting.cancel()
                    raise ClientDisconnect
            name, content = waiting.result()
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def prove(self, request: Request, sent: Any) -> Any:
        """Prove the error of a session's network, and stream the closing gap."""
        fitted = self.rooms.find(sent).fit
        if fitted is None:
            raise FieldError("session", "session: this network is still learning")
        if not self.rooms.proofs.acquire(blocking=False):
            raise ArgumentError("a proof is being made already; wait for it")
        gap: list[tuple[float, float]] = []

        def work() -> Any:
            try:
                return proof_of(fitted.certify(time=PROOF, progress=lambda *bounds: gap.append(bounds)))
            except SurefitError as error:
                return {"error": said_to(request, str(error), self.chinese)}
            finally:
                self.rooms.proofs.release()

        task = asyncio.get_running_loop().run_in_executor(None, work)

        async def events() -> AsyncIterator[str]:
            while not task.done():
                if gap:
                    lower, upper = gap[-1]
                    del gap[:-1]
                    yield event("gap", gap_of(lower, upper))
                await asyncio.sleep(0.1)
            yield event("proved", task.result())

        return streamed(events())


__all__ = ["Application"]
