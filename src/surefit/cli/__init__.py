"""The command line: `surefit fit`, `predict`, `info`, `data`, `doctor`. The library never imports it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Matrices of small networks are too small to share between cores: on a busy machine two BLAS threads wait for each
# other and a step can take many times longer. What is set already stays. NumPy reads these when it is loaded.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 2 wrong input, 3 tolerance not reached, 130 interrupted.

    args: the words after `surefit`; None: those of the shell. 1 means a fault of surefit itself.
    """
    if "numpy" not in sys.modules:
        for name in _ONE_THREAD:
            os.environ.setdefault(name, "1")
    try:
        from .app import run

        return run(args)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
