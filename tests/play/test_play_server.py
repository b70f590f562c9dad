"""The server of the page: who may ask, how much, and what is said to nonsense. Nothing but 4xx, and no traceback."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the server of surefit play is made of Starlette")
pytest.importorskip("uvicorn", reason="the server of surefit play runs in uvicorn")

import uvicorn

import surefit
from surefit.errors import ArgumentError, DataError, FormulaError, SurefitError
from surefit.play import serving
from surefit.play.listening import loopback, serve
from surefit.play.said import command_of, python_of
from surefit.play.serving import KEPT, RUNNING, WAITING, Application
from surefit.play.taking import DRAWN
from surefit.play.watching import Cursor, Session
from surefit.play.wishes import wish_of

TOKEN = "0123456789abcdef"
QUICK = dict(formula="sin(x)", domain={"x": [-2, 2]}, hidden=[8], epochs=20, points=100)
ENDLESS = QUICK | dict(epochs=20_000, hidden=[64, 64])


class Answer:
    def __init__(self, text: bytes) -> None:
        head, _, self.body = text.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}

    def json(self):
        return json.loads(self.body)


class Server:
    """The real server in a thread, asked with bytes over a socket, so that any header can be sent."""

    def __init__(self, page: Path, chinese: Callable[[str], str] = str) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.application = Application(TOKEN, [f"127.0.0.1:{self.port}"], page, chinese)
        config = uvicorn.Config(self.application.asgi, log_level="critical", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.listening.close()

    def connect(self, path: str, body: bytes | None = b"{}", method: str = "POST", **changes: str | None):
        headers = {
            "host": f"127.0.0.1:{self.port}", "connection": "close", "x-surefit-token": TOKEN,
            "content-type": "application/json", "content-length": str(len(body or b"")),
        }  # fmt: skip
        headers |= {k.replace("_", "-"): v for k, v in changes.items()}
        lines = [f"{k}: {v}" for k, v in headers.items() if v is not None]
        to = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        to.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + (body or b""))
        return to

    def ask(self, path: str, body=None, method: str = "POST", **changes: str | None) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        with self.connect(path, raw, method, **changes) as to:
            return Answer(b"".join(iter(lambda: to.recv(65536), b"")))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    page = tmp_path_factory.mktemp("page")
    (page / "index.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
    (page.parent / "secret.txt").write_text("secret", encoding="utf-8")
    running = Server(page)
    yield running
    running.close()


def events_of(answer: Answer) -> list[tuple[str, dict]]:
    text = answer.body.decode()
    found = []
    for block in text.replace("\r", "").split("\n\n"):
        lines = [line for line in block.split("\n") if line.startswith(("event: ", "data: "))]
        if len(lines) == 2:
            found.append((lines[0][7:], json.loads(lines[1][6:])))
    return found


# --- who may ask ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, status",
    [
        ({"x_surefit_token": None}, 401),
        ({"x_surefit_token": "0123456789abcdee"}, 401),
        ({"x_surefit_token": "ünïcode"}, 401),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": None}, 400),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": None}, 415),
        ({"content_length": "2000000"}, 413),
    ],
)
def test_who_may_not_ask_is_refused(server, changes, status):
    answer = server.ask("/api/check", QUICK, **changes)
    assert answer.status == status
    assert b"Traceback" not in answer.body


def test_the_page_itself_may_ask_and_nobody_else_reads(server):
    answer = server.ask("/api/check", QUICK, origin=f"http://127.0.0.1:{server.port}", sec_fetch_site="same-origin")
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_carries_its_policy(server):
    answer = server.ask("/", method="GET", x_surefit_token=None)
    assert answer.status == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/a/../../secret.txt", "/%00"]
)
def test_no_path_leads_out_of_the_page(server, path):
    answer = server.ask(path, method="GET")
    assert 400 <= answer.status < 500
    assert b"secret" not in answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_asked(server, method):
    assert server.ask("/api/train", method=method).status in (404, 405)


# --- what is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"formula": NaN}',
        b'{"formula": "x", "lr": Infinity}',
        b'{"formula": 7}', b'{"formula": ""}', b'{"formula": "\\ud800"}', b'{"formula": "x", "points": 1e400}',
        b'{"formula": "x", "points": 5001}', b'{"formula": "x", "points": 10.5}', b'{"formula": "x", "points": true}',
        b'{"formula": "x", "hidden": []}', b'{"formula": "x", "hidden": [0]}', b'{"formula": "x", "hidden": [1e9]}',
        b'{"formula": "x", "hidden": [256,256,256,256,256,256]}', b'{"formula": "x", "hidden": "16"}',
        b'{"formula": "x", "activation": ["tanh", "relu"]}',
        b'{"formula": "x", "activation": [3]}', b'{"formula": "x", "bias": "no"}', b'{"formula": "x", "init": "big"}',
        b'{"formula": "x", "method": "features", "bias": false}', b'{"formula": "x", "design": "line"}',
        b'{"formula": "x*y", "method": "construct"}', b'{"formula": "x", "method": "construct", "hidden": [4, 4]}',
b'{"formula": "x", "domain": {"x": [0, 1' + b"0" * 400 + b"]}}", b'{"formula": "x", "method": "__class__"}',
        b'{"formula": "x", "domain": {"x": [1, 1]}}', b'{"formula": "x", "domain": {"x": [0, "1"]}}',
        b'{"formula": "x", "domain": [1]}', b'{"formula": "x", "domain": {"x": [-1e300, 1e300]}}',
        b'{"formula": "x", "epochs": 20001}', b'{"formula": "x", "seed": -1}', b'{"formula": "3"}',
        b'{"formula": "x + y + z"}', b'{"formula": "x", "method": "lm", "hidden": [100, 100]}',
        b'{"table": {"names": ["x", "y"], "rows": [[1, 2]]}}', b'{"table": {"names": ["x", "y"], "rows": 1}}',
        b'{"table": {"names": ["x", "y"], "rows": [[1],[1],[1],[1],[1],[1],[1],[1]]}}',
        b'{"table": {"names": ["x", "y"], "rows": [[1,null],[1,2],[1,2],[1,2],[1,2],[1,2],[1,2],[1,2]]}}',
    ],
)  # fmt: skip
def test_nonsense_is_answered_with_one_sentence(server, body):
    for route in ("check", "train"):
        answer = server.ask(f"/api/{route}", body)
        assert answer.status == 400
        assert 5 < len(answer.json()["error"]) < 400
        assert b"Traceback" not in answer.body


ROWS_OF_TWO = [[1, 2]] * 8


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("check", [], ""), ("check", {}, "formula"), ("check", {"formula": "sin("}, "formula"),
        ("check", {"formula": "abcd(x)"}, "formula"), ("check", {"formula": "x+y+z"}, "formula"),
        ("check", QUICK | {"domain": {"x": [3, 1]}}, "domain"), ("check", QUICK | {"domain": 1}, "domain"),
        ("check", QUICK | {"hidden": [0]}, "hidden"), ("check", QUICK | {"hidden": 3}, "hidden"),
        ("check", QUICK | {"activation": ["tanh", "relu"]}, "activation"), ("check", QUICK | {"init": "he?"}, "init"),
        ("check", QUICK | {"lr": "fast"}, "lr"), ("check", QUICK | {"seed": 1.5}, "seed"),
        ("check", QUICK | {"bias": 1}, "bias"), ("check", QUICK | {"method": "magic"}, "method"),
        ("check", QUICK | {"method": "features", "hidden": [9, 9]}, "hidden"),
        ("check", {"table": {"names": ["x", "y"], "rows": [[1, 2]]}}, "table"),
        ("check", {"table": {"names": ["x", "x"], "rows": ROWS_OF_TWO}}, "table"),
        ("table", {"csv": "a,b\n1,2\n3,oops\n"}, "csv"), ("table", {}, "csv"), ("table", {"csv": 3}, "csv"),
        ("train", QUICK | {"delay": 99}, "delay"), ("control", {"session": "gone", "action": "stop"}, "session"),
        ("export", {}, "session"), ("prove", {"session": "gone"}, "session"),
    ],
)  # fmt: skip
def test_an_error_names_its_field_and_nothing_else(server, route, body, field):
    answer = server.ask(f"/api/{route}", body)
    assert answer.status == 400 and answer.json()["field"] == field, answer.body


@pytest.mark.parametrize("field", [{"paused": 1}, {"delay": -1}, {"delay": 3}])
def test_nonsense_about_the_run_is_answered(server, field):
    assert server.ask("/api/train", QUICK | field).status == 400


@pytest.mark.parametrize("route", ["control", "export", "prove"])
@pytest.mark.parametrize("body", [{}, {"session": 3}, {"session": "none"}, {"session": "../../etc/passwd"}])
def test_an_unknown_session_is_said(server, route, body):
    assert server.ask(f"/api/{route}", body).status == 400


def test_a_body_that_grows_is_cut(server):
    with server.connect("/api/check", b"", content_length=None, transfer_encoding="chunked") as to:
        block = b"10000\r\n" + b" " * 65536 + b"\r\n"
        status = None
        try:
            for _ in range(64):
                to.sendall(block)
            status = Answer(to.recv(65536)).status
        except OSError:  # the server has hung up already
            status = 400
    assert status == 400


def test_a_formula_is_typeset_and_a_fault_has_its_caret(server):
    found = server.ask("/api/check", QUICK).json()
    assert found["mathml"].startswith("<math") and "sin" in found["mathml"]
    x = np.array(found["axes"][0])
    np.testing.assert_allclose(np.array(found["target"]), np.sin(x), atol=2e-5)
    assert found["parameters"] == 8 * 2 + 8 + 1
    wrong = server.ask("/api/check", QUICK | {"formula": "sin(x"}).json()["error"]
    assert wrong.splitlines()[1].index("(") == wrong.splitlines()[2].index("^")


def test_a_name_cannot_be_markup(server):
    answer = server.ask("/api/check", QUICK | {"formula": "<img src=x onerror=alert(1)>"})
    assert answer.status == 400


def test_hostile_formulas_are_only_text(server, tmp_path, monkeypatch, own_time):
    root = os.environ.get("SUREFIT_DATA")
    path = Path(root or "") / "functions" / "hostile_formulas.json"
    if root is None or not path.exists():
        pytest.skip("SUREFIT_DATA has no functions/hostile_formulas.json")
    monkeypatch.chdir(tmp_path)
    listed = [t for texts in json.loads(path.read_text(encoding="utf-8")).values() for t in texts]
    whole = [t if isinstance(t, str) else (t["head"] * t["length"])[: min(t["length"], 300_000)] for t in listed]
    for text in [*whole, *(t[:999] for t in whole if len(t) > 1000)]:
        with own_time(time.process_time) as seconds:  # of the thread that serves
            answer = server.ask("/api/check", {"formula": text})
        assert answer.status in (200, 400)
        assert b"Traceback" not in answer.body
        assert seconds[0] < 3
    assert not list(tmp_path.iterdir())


def test_a_csv_is_read_and_a_wrong_one_is_said(server):
    found = server.ask("/api/table", {"csv": "t;u\n0,5;1\n1,5;2\n2,5;3\n", "decimal": ","}).json()
    assert found["names"] == ["t", "u"] and found["rows"] == [[0.5, 1], [1.5, 2], [2.5, 3]]
    assert server.ask("/api/table", {"csv": "a,b\n1,oops"}).status == 400
    assert server.ask("/api/table", {"csv": "\x00"}).status == 400
    assert server.ask("/api/table", {"csv": "/etc/passwd"}).status == 400


# --- training -------------------------------------------------------------------------------------------


def test_a_training_streams_and_its_network_goes_home(server, tmp_path):
    found = events_of(server.ask("/api/train", QUICK | {"epochs": 60, "lr": 0.03}))
    assert found[0][0] == "session" and found[-1][0] == "done"
    frames = [data for kind, data in found if kind == "frame"]
    assert sum("axes" in f for f in frames) == 1  # what does not change is sent once
    last = frames[-1]
    assert [row for f in frames for row in f["losses"]][-1][0] == 60  # each frame has those that are new
    x = np.array(frames[0]["axes"][0])
    assert np.max(np.abs(np.array(last["fit"]) - np.sin(x))) < 0.5
    session = found[0][1]["id"]
    namespace: dict = {}
    text = server.ask("/api/export", {"session": session, "to": "numpy"}).body.decode()
    exec(compile(text, "model.py", "exec"), namespace)  # noqa: S102
    written = namespace["evaluate"](x[:, None])
    np.testing.assert_allclose(np.ravel(written), last["fit"], atol=1e-4)
    packed = zipfile.ZipFile(io.BytesIO(server.ask("/api/export", {"session": session, "to": "c"}).body))
    assert set(packed.namelist()) == {"model.c", "model.h"}
    assert server.ask("/api/export", {"session": session, "to": "pickle"}).status == 400


@pytest.mark.slow
def test_a_fit_is_proved(server):
    wish = dict(formula="x", domain={"x": [-1, 1]}, hidden=[2], activation="relu", method="features", points=50)
    found = events_of(server.ask("/api/train", wish))
    assert found[-1][0] == "done", found[-1]
    proof = events_of(server.ask("/api/prove", {"session": found[0][1]["id"]}))[-1]
    assert proof[0] == "proved"
    assert float(proof[1]["lower"]) <= float(proof[1]["upper"]) < 1
    assert found[-1][1]["max"] <= float(proof[1]["upper"]) * (1 + 1e-5)


def test_a_target_that_is_nowhere_finite_fails_in_words(server):
    found = events_of(server.ask("/api/train", QUICK | {"formula": "log(-1 - x^2)"}))
    assert found[-1][0] == "failed"
    assert "finite" in found[-1][1]["error"]


def test_whoever_hangs_up_stops_the_training(server):
    to = server.connect("/api/train", json.dumps(ENDLESS).encode())
    text = b""
    while b"event: frame" not in text:
        text += to.recv(65536)
    name = json.loads(text.partition(b"event: session\ndata: ")[2].partition(b"\n")[0])["id"]
    session = server.application.rooms._all[name]
    assert not session.done.is_set()
    to.close()
    assert session.join(8)


@pytest.mark.slow
def test_what_was_watched_is_forgotten_and_the_fit_is_kept(server):
    """Of dozens of trainings, watched to the end or left, a few fits stay and nothing of what was shown."""
    for i in range(KEPT + 4):
        with server.connect("/api/train", json.dumps(QUICK | {"hidden": [3 + i]}).encode()) as to:
            to.recv(4096)
            while i % 2 and to.recv(65536):
                pass
    end = time.monotonic() + 60
    sessions = server.application.rooms._all.values()
    while any(not s.done.is_set() or s._losses for s in sessions) and time.monotonic() < end:
        time.sleep(0.02)
    assert len(sessions) <= KEPT + RUNNING
    assert all(s.fit is not None for s in sessions)
    assert not any(s._losses or s._picture or s._scene or s.model or s.problem for s in sessions)


def test_a_slow_picture_holds_up_no_code_and_is_not_drawn_for_who_has_gone(server, monkeypatch):
    name = events_of(server.ask("/api/train", QUICK))[0][1]["id"]
    go, drawn = threading.Event(), []

    def slow(fitted, to, lang="en"):
        if to in DRAWN:
            drawn.append(to)
            assert go.wait(30)
        return "file", to.encode()

    monkeypatch.setattr(serving, "file_of", slow)
    wish = {"session": name, "to": "report"}
    lines = [server.connect("/api/export", json.dumps(wish).encode()) for _ in range(WAITING)]
    end = time.monotonic() + 30
    while not drawn and time.monotonic() < end:
        time.sleep(0.01)
    assert server.ask("/api/export", {"session": name, "to": "c"}).body == b"c"
    while (refused := server.ask("/api/export", wish | {"to": "png"})).status == 200:
        assert time.monotonic() < end
    assert "try again" in refused.json()["error"]
    for line in lines:
        line.close()
    while server.application.queue._value < WAITING - 1:  # all but the one that is being drawn
        assert time.monotonic() < end
        time.sleep(0.02)
    go.set()
    assert server.ask("/api/export", wish | {"to": "svg"}).body == b"svg"
    assert drawn == ["report", "svg"], "the reports of those who had gone were drawn"


@pytest.mark.slow
def test_too_many_at_once_are_refused(server):
    held = []
    try:
        for _ in range(RUNNING):
            to = server.connect("/api/train", json.dumps(ENDLESS | {"paused": True}).encode())
            to.recv(4096)
            held.append(to)
        assert server.ask("/api/train", QUICK).status == 400
    finally:
        for to in held:
            to.close()
    assert all(s.join(8) for s in server.application.rooms._all.values())


def session_at(epoch: int, session: Session) -> None:
    cursor, until = Cursor(), time.monotonic() + 60
    while cursor.losses < epoch and time.monotonic() < until:
        session.frame(cursor)
        time.sleep(0.01)
    assert cursor.losses == epoch


def test_pause_step_resume_stop():
    session = Session(wish_of(ENDLESS), paused=True)
    session.start()
    session.control("step")
    session.control("step", 2)
    session_at(3, session)
    time.sleep(0.2)
    session_at(3, session)
    session.control("resume")
    time.sleep(0.2)
    session.control("stop")
    assert session.join(8)
    assert session.fit is not None and session.fit.stop_reason.code == "callback"
    with pytest.raises(ArgumentError, match="action"):
        session.control("explode")


# --- what is said ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["adam", "sgd", "lm", "varpro", "features", "auto"])
def test_the_call_as_python_is_the_call(method, monkeypatch):
    wish = wish_of(QUICK | {"method": method, "noise": 0.1})
    heard = {}
    monkeypatch.setattr(surefit, "fit", lambda *args, **named: heard.update(named, args=args))
    monkeypatch.setattr("builtins.print", lambda *args: None)
    exec(python_of(wish), {})  # noqa: S102
    assert heard.pop("args") == (wish.target, wish.domain)
    expected = {k: v for k, v in wish.arguments().items() if v is not None}
    assert heard == expected


@pytest.mark.slow
def test_the_call_as_a_command_is_the_call(tmp_path):
    import shlex

    from surefit.cli.app import run

    words = shlex.split(command_of(wish_of(QUICK | {"epochs": 3})))
    assert words[0] == "surefit"
    assert run([*words[1:], "--out", str(tmp_path / "fit"), "--quiet"]) == 0
    assert surefit.load(tmp_path / "fit").call["domain"] is not None


@pytest.mark.parametrize(
    "host, own", [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False)]
)
def test_which_addresses_are_this_computer_only(host, own):
    assert loopback(host) is own


def test_what_others_can_reach_needs_a_token(tmp_path):
    (tmp_path / "index.html").touch()
    with pytest.raises(ArgumentError, match="--token"):
        serve(host="0.0.0.0", page=tmp_path)
    with pytest.raises(ArgumentError, match="16"):
        serve(token="short", page=tmp_path)


@pytest.mark.parametrize(
    "words, locale, ends",
    [
        (["--lang", "zh"], "C", "#lang=zh"),
        (["--lang=en"], "zh_CN.UTF-8", "#lang=en"),
        ([], "zh_CN.UTF-8", "#lang=zh"),
        ([], "C", None),  # the browser knows better
    ],
)
def test_the_page_is_opened_in_the_language_of_the_command(words, locale, ends, tmp_path, monkeypatch):
    from surefit.cli.app import run

    (tmp_path / "index.html").touch()
    addresses = []

    def served(**given):
        def log(address):
            addresses.append(address)
            raise KeyboardInterrupt

        serve(**given | {"log": log, "page": tmp_path})

    monkeypatch.setattr("surefit.play.serve", served)
    monkeypatch.setenv("LC_ALL", locale)
    run(["play", "--no-browser", *words])
    (address,) = addresses
    assert address.rpartition("?token=")[2].partition("#")[1:] == (("#", ends[1:]) if ends else ("", ""))


def test_a_page_that_was_not_built_is_said(tmp_path):
    with pytest.raises(DataError, match="make play"):
        serve(page=tmp_path)


def test_errors_are_those_of_surefit():
    with pytest.raises(FormulaError):
        wish_of({"formula": "sin("})
    with pytest.raises(SurefitError):
        wish_of({"formula": "x", "lr": float("nan")})


@pytest.mark.slow
@pytest.mark.parametrize("file", ["", "a table.csv"])
def test_a_table_as_python_and_as_a_command_is_the_call(file, tmp_path, monkeypatch, server):
    import shlex

    from surefit.cli.app import run

    names, rows = ["wind, max", "价格"], [[i / 20, (i / 20) ** 2] for i in range(40)]
    table = {"names": names, "rows": rows} | ({"file": file} if file else {})
    wish = wish_of({"table": table, "hidden": [4], "epochs": 3, "seed": 5})
    monkeypatch.chdir(tmp_path)
    text = '"wind, max",价格\n' + "\n".join(f"{a},{b}" for a, b in rows)
    (tmp_path / (file or "drawn.csv")).write_text(text, encoding="utf-8")
    space: dict = {}
    monkeypatch.setattr("builtins.print", lambda *args: None)
    exec(python_of(wish), space)  # noqa: S102
    words = shlex.split(command_of(wish))
    assert run([*words[1:], "--out", str(tmp_path / "fit"), "--quiet"]) == 0
    direct = surefit.fit(wish.target, **wish.arguments()).predict([[0.5]])
    np.testing.assert_array_equal(space["fit"].predict([[0.5]]), direct)
    np.testing.assert_array_equal(surefit.load(tmp_path / "fit").predict([[0.5]]), direct)


def test_rows_of_a_long_sorted_file_are_chosen_over_all_of_it(server):
    found = server.ask("/api/table", {"csv": "a,b\n" + "\n".join(f"{i},{i}" for i in range(12_000))}).json()
    first = [row[0] for row in found["rows"]]
    assert found["total"] == 12_000 and len(first) <= 5000
    assert first[0] == 0 and first[-1] > 11_990 and max(np.diff(first)) == min(np.diff(first))


def test_small_changes_of_large_values_are_not_rounded_away():
    from surefit.reports.pictures import numbers

    values = 1e9 + 1e3 * np.sin(np.linspace(-3, 3, 301))
    np.testing.assert_allclose(numbers(values), values, atol=0.1)


def test_errors_are_said_in_the_language_of_the_page(tmp_path):
    (tmp_path / "index.html").touch()
    from surefit.cli.playing import in_chinese

    running = Server(tmp_path, in_chinese)
    try:
        wrong = QUICK | {"domain": {"x": [1, 0]}}
        assert "范围" in running.ask("/api/check", wrong, accept_language="zh-CN").json()["error"]
        assert "domain" in running.ask("/api/check", wrong, accept_language="en").json()["error"]
    finally:
        running.close()
