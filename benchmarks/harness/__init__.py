"""What the benchmarks share: contestants in processes of their own that take turns, and one table.

A busy machine slows whoever runs at that moment. So contestants alternate in short turns, every figure is a
median over turns, and a ratio is the median of the ratios within each round.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

OWN_TIME = "SUREFIT_BENCHMARK_OWN_TIME"  # set for a contestant whose seconds are of its own processor time
if os.environ.get(OWN_TIME):
    time.perf_counter = time.process_time  # before surefit is imported, which may keep the clock under another name

import surefit  # noqa: E402

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# Fresh processes find byte code, as those of an installed package do: translating surefit each time takes a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def importable(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Which of these modules can be imported, and which cannot; each is tried in a process of its own."""
    tried = {n: subprocess.run([sys.executable, "-c", f"import {n}"], capture_output=True) for n in names}
    return [n for n, t in tried.items() if not t.returncode], [n for n, t in tried.items() if t.returncode]


def machine() -> dict[str, Any]:
    """Processor, number of cores, system and Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """surefit's version, and those of the installed distributions among these."""
    have = {"surefit": surefit.__version__}
    for name in packages:
        try:
            have[name] = importlib.metadata.version("scikit-learn" if name == "sklearn" else name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return have


class Contestant:
    """A process that runs `file arguments...` and answers orders: `serve` takes numbers of steps, `obey` plain data."""

    def __init__(self, file: str, *arguments: str, threads: int, own_time: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, file, *arguments],
            env=os.environ | dict.fromkeys(THREADS, str(threads)) | ({OWN_TIME: "1"} if own_time else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hello = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a contestant ended: {' '.join(map(str, self.process.args))}")
        return json.loads(line)

    def turn(self, order: Any) -> Any:
        """Its answer to an order: for `serve` the seconds per step over so many steps."""
        assert self.process.stdin is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def serve(step: Callable[[], Any], hello: Any) -> None:
    """The other side of `Contestant`: say hello, then time as many steps as each line asks for."""

    def turn(steps: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(steps):
                step()

        return run

    serve_turns(turn, hello)


def serve_turns(prepare: Callable[[int], Callable[[], Any]], hello: Any) -> None:
    """The same for steps that run together: prepare(steps), before the clock starts, gives what takes them."""
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        run = prepare(int(line))
        start = time.perf_counter()
        run()
        print(json.dumps((time.perf_counter() - start) / int(line)), flush=True)


def pin(threads: int) -> None:
    """Keep this process on so many cores, where the system can: some libraries take all that they see."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])


def obey(act: Callable[[Any], Any], hello: Any) -> None:
    """The other side of `Contestant`: say hello, then answer each line with what `act` makes of it."""
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        print(json.dumps(act(json.loads(line))), flush=True)


PAUSE = float(os.environ.get("SUREFIT_BENCHMARK_PAUSE", "0.2"))  # seconds; 0 where nobody reads the times


def alternate(turns: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """What each contestant measured, round by round; who begins changes from round to round.

    Between two turns is a pause: threads of PyTorch, JAX and ONNX Runtime wait for their next work by spinning, which
    takes a core from whoever comes next.
    """
    names, seen = list(turns), {name: [] for name in turns}
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            time.sleep(PAUSE)
            seen[name].append(turns[name]())
    return seen


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Median and quartiles of the ratio within each round."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)], n=4)
    return middle, low, high


def chosen(given: str, known: Iterable[str], option: str) -> list[str]:
    """Names with commas between, all of them where none is given."""
    names = [n for n in given.replace(",", " ").split() if n] or list(known)
    if wrong := [n for n in names if n not in known]:
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {', '.join(known)}", param_hint=option)
    return names


def quartiles(seconds: Sequence[float]) -> list[float]:
    """The two quartiles around the median."""
    low, _, high = statistics.quantiles(seconds, n=4)
    return [low, high]


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
    data: dict[str, Any],
    file: Path | None,
) -> None:
    """Print one Markdown table with machine and versions; write them and the figures to a JSON file if asked.

    data: the figures, with "versions", and "machine" where they were measured before.
    """
    here = data.get("machine") or machine()
    print(f"## {title}\n")
    print(f"{here['processor']}, {here['cores']} cores, {here['system']}, Python {here['python']}; ", end="")
    print(", ".join(f"{k} {v}" for k, v in data["versions"].items()) + ".\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|---{'|---:' * (len(columns) - 1)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()
    for note in notes:
        print(note)
    if file is not None:
        table = {"columns": list(columns), "rows": [list(row) for row in rows], "notes": list(notes)}
        kept = {"title": title, "machine": here, **data, "table": table}
        file.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
