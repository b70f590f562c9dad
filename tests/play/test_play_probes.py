"""The description of the server is true, and random requests made from it are answered with 200 or 4xx."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the server of surefit play is made of Starlette")
pytest.importorskip("uvicorn", reason="the server of surefit play runs in uvicorn")

from surefit.errors import ArgumentError, SurefitError
from surefit.play.description import ACTIONS, BODIES, description
from surefit.play.serving import Application
from surefit.play.watching import Session
from surefit.play.wishes import wish_of

from .test_play_server import QUICK, Server

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "probe_play.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    page = tmp_path_factory.mktemp("page")
    (page / "index.html").write_text("<!doctype html>", encoding="utf-8")
    running = Server(page)
    yield running
    running.close()


def test_every_route_is_described_and_no_other(server):
    said = server.ask("/api/openapi.json", method="GET").json()
    assert said == json.loads(json.dumps(description()))
    routes = {r.path for r in server.application.asgi.app.routes if r.path.startswith("/api/")}
    assert set(said["paths"]) == routes - {"/api/openapi.json"}
    assert server.ask("/api/openapi.json", method="GET", x_surefit_token=None).status == 401


def beyond(schema: dict) -> list:
    """Values that do not fit a schema of one field."""
    found: list = [{"a": 1}, None]
    if "enum" in schema:
        found += ["none of them", 7]
    if "maximum" in schema:
        found += [schema["maximum"] * 2 + 1, schema["minimum"] - 1, "7", True]
    if schema.get("type") == "boolean":
        found += ["yes", 1]
    if schema.get("type") == "integer":
        found.append(schema["minimum"] + 0.5)
    if "maxLength" in schema:
        found.append("x" * (schema["maxLength"] + 1))
    if schema.get("type") == "array":
        found += [[], [schema["items"].get("minimum", 1) - 1], [1] * (schema["maxItems"] + 1)]
    return found


WHOLE = {"domain", "table"}  # objects, which have tests of their own


@pytest.mark.parametrize("field", [name for name in BODIES["check"]["properties"] if name not in WHOLE])
def test_limits_are_those_of_the_server(field):
    schema = BODIES["check"]["properties"][field]
    base = dict(formula="x", method="adam")
    if field == "exact":
        base = dict(table={"names": ["x", "y"], "rows": [[i, i] for i in range(9)]})
    for value in beyond(schema):
        with pytest.raises(ArgumentError, match=field):
            wish_of(base | {field: value})
    ends = [schema[k] for k in ("minimum", "maximum", "default") if k in schema] + schema.get("enum", [])
    for value in ends:
        try:
            wish_of(base | {field: value})
        except SurefitError as error:  # that the whole would take too long, or another field does not suit it
            assert not str(error).startswith(f"{field} must")  # noqa: PT017


def test_actions_are_those_of_a_session():
    session = Session(wish_of(QUICK), paused=True)
    for action in ACTIONS:
        session.control(action)
    with pytest.raises(ArgumentError, match=", ".join(ACTIONS[:3])):
        session.control("explode")


class Asked:
    """The server in this process as the script sees it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(self, path: str, body: bytes | None, method: str = "POST", limit: int | None = None) -> tuple[int, bytes]:
        with self.server.connect(path, body, method) as to:
            text = b""
            with contextlib.suppress(OSError):
                while (limit is None or len(text) < limit) and (part := to.recv(65536)):
                    text += part
                    if limit is not None and b"event: session" in text:
                        break
        head, _, content = text.partition(b"\r\n\r\n")
        return int(head.split()[1]), content

    def alive(self) -> bool:
        return self.server.thread.is_alive()


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts are not part of a wheel")
def test_random_requests_are_answered_or_refused(server):
    pytest.importorskip("schemathesis", reason="requests are made by schemathesis")
    spec = importlib.util.spec_from_file_location("probe_play", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    seen = script.probe(Asked(server), 150)
    assert sum(seen.values()) >= 100
    assert len({key.split()[0] for key in seen}) == len(BODIES)
    end = time.monotonic() + 60
    while any(t.name.startswith("play-") for t in threading.enumerate()):
        assert time.monotonic() < end, "a training goes on although nobody listens"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="open files are counted by Linux")
def test_trainings_that_are_left_leave_nothing_behind(server):
    def once() -> None:
        for _ in range(5):
            with server.connect("/api/train", json.dumps(QUICK | {"epochs": 2000}).encode()) as to:
                to.recv(4096)
        end = time.monotonic() + 60
        while any(t.name.startswith("play-") for t in threading.enumerate()) and time.monotonic() < end:
            time.sleep(0.02)

    once()
    gc.collect()
    files = len(os.listdir("/proc/self/fd"))
    once()
    once()
    assert len(os.listdir("/proc/self/fd")) <= files + 1
    assert len(server.application.rooms._all) <= 12


def test_a_fresh_application_needs_no_page(tmp_path):
    assert Application("0" * 16, ["127.0.0.1:1"], tmp_path / "none") is not None
