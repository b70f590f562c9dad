"""Fits that are killed (-9) at random moments, and go on: what comes of them must be the same, to the last bit.

    python scripts/kill_fits.py [--kills 20] [--seed 3] [NAME ...]

Every kind of fit in `tests/storage/killed.py`, or those that are named: once without a stop, then so many times killed
twice and resumed until it ends. The exit code is 1 where a weight, a loss or a number of the card differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.storage.killed import KINDS, killed


def main() -> int:
    """Print how often each kind was killed, and how often it came out otherwise."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("names", nargs="*", metavar="NAME", help=", ".join(KINDS))
    about.add_argument("--kills", type=int, default=20)
    about.add_argument("--seed", type=int, default=3)
    given = about.parse_args()
    if unknown := [name for name in given.names if name not in KINDS]:
        about.error(f"there is no {unknown[0]!r}; choose of {', '.join(KINDS)}")
    failed = False
    for name in given.names or KINDS:
        began = time.perf_counter()
        hits, wrong = killed(name, given.kills, given.seed)
        seconds = time.perf_counter() - began
        print(f"{name:9} {given.kills} times, killed {hits} times, {wrong} differ, {seconds:.0f} s", flush=True)
        failed |= wrong > 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
