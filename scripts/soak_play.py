"""Continuous use of `surefit play` by a script: memory and open files of the server over time, and how quick it is.

    python scripts/soak_play.py --minutes 60

Each round trains, pauses, steps, goes on, races two settings, leaves a training, exports, proves, and asks nonsense.
Printed are a line a minute, the seconds from the command to the first learning network, the share of the time of a
training that pictures cost, and whether memory grows: a line is fitted through the second half of the samples (Linux).
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from probe_play import Server, serving

WISHES: tuple[dict[str, Any], ...] = (
    dict(formula="-2/(2 + sin(x))", domain={"x": [-3, 3]}, hidden=[16, 16], epochs=400),
    dict(formula="sin(x1)*x2", domain={"x1": [-2, 2], "x2": [-2, 2]}, hidden=[24], epochs=60, points=400),
    dict(formula="abs(x)", domain={"x": [-2, 2]}, hidden=[8], activation="relu", method="varpro"),
    dict(formula="sin(1/x)", domain={"x": [0.1, 1]}, method="auto"),
    dict(formula="x^2", domain={"x": [-1, 1]}, hidden=[6], method="features"),
    dict(table={"names": ["t", "u"], "rows": [[i / 40, (i / 40) ** 2] for i in range(40)]}, hidden=[8], epochs=80),
    dict(formula="sin(", hidden=[4]),
)


def events(server: Server, path: str, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The events of a stream; closing the iterator hangs up."""
    line = http.client.HTTPConnection(server.host, server.port, timeout=180)
    headers = {"content-type": "application/json", "x-surefit-token": server.token, "connection": "close"}
    try:
        line.request("POST", path, json.dumps(body), headers)
        answer = line.getresponse()
        if answer.status != 200:
            return
        kind = ""
        while raw := answer.readline():
            text = raw.decode().rstrip()
            if text.startswith("event: "):
                kind = text[7:]
            elif text.startswith("data: "):
                yield kind, json.loads(text[6:])
    finally:
        line.close()


def train(server: Server, wish: dict[str, Any], steer: bool = False, leave: int | None = None) -> str | None:
    """Train to the end, or leave after so many frames; the session's name."""
    name, frames = None, 0
    for kind, data in events(server, "/api/train", wish | {"paused": steer}):
        if kind == "session":
            name = data["id"]
            if steer:
                for action in ("step", "step", "resume"):
                    control = json.dumps({"session": name, "action": action}).encode()
                    server.ask("/api/control", control)
        elif kind == "frame":
            frames += 1
            if frames == leave:
                return None
    return name


def round_of(server: Server, turn: int) -> None:
    """One round of use."""
    wish = WISHES[turn % len(WISHES)] | {"seed": turn % 50}
    server.ask("/api/check", json.dumps(wish).encode())
    name = train(server, wish, steer=turn % 3 == 0)
    rivals = [threading.Thread(target=train, args=(server, WISHES[0] | {"seed": k, "epochs": 150})) for k in (0, 1)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    train(server, WISHES[0] | {"epochs": 20_000}, leave=3)
    if name is not None:
        for to in ("c", "numpy", "js", "csv", *(("png", "svg") if turn % 5 == 0 else ())):
            server.ask("/api/export", json.dumps({"session": name, "to": to}).encode())
        if turn % 4 == 2:
            list(events(server, "/api/prove", {"session": name}))
    server.ask("/api/table", b'{"csv": "a,b\\n1,2\\n3,oops\\n"}')
    server.ask("/api/train", b"[[[[")
    server.ask("/../../etc/passwd", None, "GET")


def share_of_pictures() -> float:
    """Seconds in pictures by seconds of training, of the setting that the page opens with."""
    from surefit.play import watching
    from surefit.play.wishes import wish_of

    spent = 0.0
    drawn = watching.picture_of

    def timed(*args: Any) -> Any:
        nonlocal spent
        began = time.perf_counter()
        try:
            return drawn(*args)
        finally:
            spent += time.perf_counter() - began

    wish = WISHES[0] | {"epochs": 4000}
    for trained in (False, True):  # the first compiles
        session = watching.Session(wish_of(wish | {"epochs": 50} if not trained else wish))
        watching.picture_of, spent = timed, 0.0
        began = time.perf_counter()
        session.start()
        session.join(300)
        took = time.perf_counter() - began
    watching.picture_of = drawn
    return spent / took


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    print(f"pictures take {100 * share_of_pictures():.1f} % of the time of a training", flush=True)
    began = time.monotonic()
    with serving() as server:
        up = time.monotonic() - began
        first = next(i for i, (kind, data) in enumerate(events(server, "/api/train", WISHES[0])) if kind == "frame")
        print(
            f"the server answers {up:.2f} s after the command, frame {first} {time.monotonic() - began:.2f} s after it"
        )
        samples, turn, due = [], 0, 0.0
        began = time.monotonic()
        while (now := time.monotonic() - began) < 60 * minutes:
            round_of(server, turn)
            turn += 1
            samples.append((now / 60, server.memory(), server.files(), server.threads()))
            if now >= due:
                due = now + 60
                print(f"{now / 60:5.1f} min  {turn:5} rounds  {samples[-1][1]:6.0f} MB  {samples[-1][2]:3} files  "
                      f"{samples[-1][3]:3} threads", flush=True)  # fmt: skip
        t, memory, files, _ = np.array(samples[len(samples) // 2 :]).T
        slope = np.polyfit(t, memory, 1)[0] if len(t) > 2 else float("nan")
        print(
            f"{turn} rounds; second half: {slope:+.2f} MB a minute, open files {files.min():.0f} to {files.max():.0f}"
        )


if __name__ == "__main__":
    main()
