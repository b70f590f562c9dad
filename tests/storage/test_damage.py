"""`scripts/fuzz_files.py --quick`: files of every kind, damaged in every way, and savers that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz_files.py"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills and forks of POSIX")
def test_no_damaged_file_loads_and_every_killed_saver_leaves_a_whole_one():
    done = subprocess.run([sys.executable, str(SCRIPT), "--quick"], capture_output=True, text=True, check=False)
    counts = dict(line.rsplit(None, 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(counts.pop("left beside it")) <= 1 and counts.pop("left after the next save") == "0"
    assert int(counts.pop("whole")) == 3 and int(counts["flip: refused"]) >= 100
    assert set(counts) == {f"{what}: refused" for what in ("cut", "flip", "hole", "more", "swap")}
