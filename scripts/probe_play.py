"""Random requests to the server of `surefit play`, made by schemathesis from its own description.

    pip install schemathesis
    python scripts/probe_play.py --requests 10000

Half of them fit the description, half break it. Each must be answered with 200 or 4xx and without a traceback; a
training is left as soon as it has begun. Memory and open files of the server are compared before and after (Linux).
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STARTED = 60.0  # seconds until the address must have been printed
PATIENCE = 60.0  # seconds for an answer
FORMULAS = (
    "x",
    "sin(x)",
    "1/x",
    "log(x)",
    "x1*x2",
    "sqrt(-x^2)",
    "exp(exp(exp(x)))",
    "abs(x) + y",
    "x^x",
    "gamma(x)",
    "a/b",
)
TABLES = (
    "x,y\n1,2\n3,4\n",
    "a;b\n1,5;2\n",
    "x\n" * 9,
    "x,y\n" + "1,1\n" * 20,
    "a,b,c\n1,2,\n",
    "\n\n",
    "x,y\n1e999,2\n",
)
LARGE = 100_000  # bytes of a body that the server need not read
HEAD = 4000  # bytes of a stream that are looked at


class Server:
    """`surefit play` in a process of its own."""

    def __init__(self, process: subprocess.Popen, address: str) -> None:
        parts = urlsplit(address)
        self.process, self.address = process, address
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.token = parse_qs(parts.query)["token"][0]

    def ask(self, path: str, body: bytes | None, method: str = "POST", limit: int | None = None) -> tuple[int, bytes]:
        """Status and content of an answer; limit: bytes after which the line is cut."""
        line = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        headers = {"content-type": "application/json", "x-surefit-token": self.token, "connection": "close"}
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read1(limit) if limit is not None else answer.read()
        finally:
            line.close()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def memory(self) -> float:
        """Resident memory in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def files(self) -> int:
        """Open files and sockets."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        """Threads of the process."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port, ended afterwards."""
    command = [sys.executable, "-m", "surefit", "play", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise SystemExit(f"surefit play did not start: {process.stderr.read() if process.stderr else ''}")
        server = Server(process, address)
        end = time.monotonic() + STARTED
        while time.monotonic() < end:
            try:
                server.ask("/", None, "GET")
                break
            except OSError:
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def probe(server: Server, requests: int, seed: int = 0) -> Counter[str]:
    """Send so many requests; counts by route and status. AssertionError for an answer that should not be."""
    import hypothesis
    import schemathesis
    from hypothesis import strategies as st
    from schemathesis import GenerationMode

    _, text = server.ask("/api/openapi.json", None, "GET")
    schema = schemathesis.openapi.from_dict(json.loads(text))
    operations = [found.ok() for found in schema.get_all_operations()]
    seen: Counter[str] = Counter()
    session = ""

    def one(case: schemathesis.Case, draw: Any) -> None:
        nonlocal session
        path, sent = case.path, case.body
        if isinstance(sent, dict) and draw.draw(st.integers(0, 3)):  # a text by chance is neither formula nor session
            sent = dict(sent)
            if path in ("/api/check", "/api/train"):
                sent["formula"] = draw.draw(st.sampled_from(FORMULAS))
                if draw.draw(st.booleans()):
                    sent.pop("table", None)
                    sent.pop("domain", None)
            elif "session" in sent:
                sent["session"] = session
            elif "csv" in sent:
                sent["csv"] = draw.draw(st.sampled_from(TABLES))
        try:
            body = json.dumps(sent).encode("utf-8", "surrogatepass")
        except (TypeError, ValueError):  # what schemathesis leaves out
            body = b""
        try:
            status, content = server.ask(path, body, limit=HEAD if path in ("/api/train", "/api/prove") else None)
        except (ConnectionError, http.client.RemoteDisconnected):  # a body that is too large is not read to its end
            assert len(body) > LARGE and server.alive(), (path, len(body))
            seen[f"{path} hung up on"] += 1
            return
        if path == "/api/train" and status == 200:
            found = re.search(rb'"id":"([0-9a-f]+)"', content)
            session = found[1].decode() if found else session
        assert status == 200 or 400 <= status < 500, (status, path, body[:500], content[:500])
        assert b"Traceback" not in content and b'File "' not in content, (path, body[:500], content[:2000])
        assert server.alive(), ("the server has ended", path, body[:500])
        seen[f"{path} {status}"] += 1

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in operations:
            settings = hypothesis.settings(
                max_examples=max(1, requests // (2 * len(operations))), deadline=None, database=None,
                suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
            )  # fmt: skip
            made = hypothesis.given(operation.as_strategy(generation_mode=mode), st.data())(one)
            hypothesis.seed(seed)(settings(made))()
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with serving() as server:
        probe(server, 300, chosen.seed + 1)  # what is imported and compiled once
        time.sleep(3)
        memory, files, threads = server.memory(), server.files(), server.threads()
        began = time.monotonic()
        seen = probe(server, chosen.requests, chosen.seed)
        seconds = time.monotonic() - began
        time.sleep(5)
        for key, count in sorted(seen.items()):
            print(f"{count:7}  {key}")
        print(f"{sum(seen.values())} requests in {seconds:.0f} s")
        print(f"memory {memory:.0f} MB before, {server.memory():.0f} MB after")
        print(f"open files {files} before, {server.files()} after; threads {threads} and {server.threads()}")


if __name__ == "__main__":
    main()
