"""Compiled against replayed, on as many random Programs as there is time for.

    python scripts/fuzz_compiler.py --count 10000 --seed 0

Every Program is compiled in fast and in strict mode, for a vector width that its seed chooses. What differs is made
small and printed with its seed. The work is done in a process of its own: when that dies, the Program that killed it
is named and the next one is tried. The exit code is 1 when anything failed.
"""

from __future__ import annotations

import faulthandler
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "compiler"))

from programs import difference, explained, random_sample

MODES = ("fast", "strict")


def targets() -> list[str]:
    """The vector widths that this CPU can run."""
    from surefit.compiler import engine
    from surefit.errors import ArgumentError

    def runs(level: str) -> bool:
        try:
            engine.target(level)
        except ArgumentError:
            return False
        return True

    return [level for level in engine.LEVELS if runs(level)]


def examine(seed: int, levels: list[str], steps: int | None, small: bool) -> bool:
    """Whether the Program of a seed runs as it should in every mode."""
    sample = random_sample(random.Random(seed), steps)
    level = levels[seed % len(levels)]
    for mode in MODES:
        if text := difference(sample, mode, level):
            print(f"\nseed {seed}, {mode}, {level}: {text}", flush=True)
            print(explained(sample, mode, level, small), flush=True)
            return False
    return True


def work(first: int, count: int, levels: list[str], steps: int | None, small: bool) -> None:
    """The process that does it: says which seed it is at, and how many failed."""
    faulthandler.enable()
    failed = 0
    for seed in range(first, first + count):
        print(f"@{seed} {failed}", file=sys.stderr, flush=True)
        failed += not examine(seed, levels, steps, small)
    print(f"@{first + count} {failed}", file=sys.stderr, flush=True)


def watch(first: int, count: int, arguments: list[str]) -> tuple[int, int]:
    """Run `work` in a process: (the seed it came to, how many failed)."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--worker", "--seed", str(first), "--count", str(count), *arguments],
        env=os.environ | {"SUREFIT_CACHE": "off"},
        stderr=subprocess.PIPE,
        text=True,
    )
    at, failed, last = first, 0, []
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith("@"):
            at, failed = map(int, line[1:].split())
        else:
            last.append(line)
    if child.wait():
        print(f"\nseed {at}: the process died with {child.returncode}\n{''.join(last[-25:])}", flush=True)
        return at + 1, failed + 1
    return at, failed


def main(
    count: Annotated[int, Option(min=1, help="How many Programs.")] = 1000,
    seed: Annotated[int, Option(help="The seed of the first; the next one has the next.")] = 0,
    steps: Annotated[int | None, Option(help="Primitives in each (default: 1 to 12).")] = None,
    target: Annotated[str, Option(help="One vector width instead of all that this CPU has.")] = "",
    small: Annotated[bool, Option(help="Make what fails small.")] = True,
    worker: Annotated[bool, Option("--worker", hidden=True)] = False,
) -> None:
    """Compare compiled with replayed Programs."""
    levels = [target] if target else targets()
    if worker:
        return work(seed, count, levels, steps, small)
    arguments = ["--target", target] if target else []
    arguments += ["--steps", str(steps)] if steps is not None else []
    arguments += [] if small else ["--no-small"]
    start, at, failed = time.perf_counter(), seed, 0
    while at < seed + count:
        at, more = watch(at, seed + count - at, arguments)
        failed += more
    print(
        f"{count} Programs from seed {seed}, {', '.join(levels)}: {failed} failed; {time.perf_counter() - start:.0f} s"
    )
    raise typer.Exit(bool(failed))


if __name__ == "__main__":
    typer.run(main)
