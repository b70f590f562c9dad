"""The command line: `surefit fit`, `predict`, `info`, `data`, `doctor`. The library never imports it."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 2 wrong input, 3 tolerance not reached, 130 interrupted.

    args: the words after `surefit`; None: those of the shell. 1 means a fault of surefit itself.
    """
    try:
        from .app import run

        return run(args)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
