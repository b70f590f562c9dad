"""The parts that long tests come in: together they are all of them, and each is in one part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("search/test_teacher.py", "bounds/test_singular.py")


def collected(*options):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run([*command, *FILES], cwd=HERE, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stdout.splitlines() if "::" in line], done.stderr


def test_each_long_test_is_in_one_part():
    _, slow, _ = collected("-m", "slow")
    first, second = (collected("--part", f"{k}/2")[1] for k in (1, 2))
    assert len(slow) > 10 and sorted(first + second) == sorted(slow) and 0 <= len(first) - len(second) <= 1


@pytest.mark.parametrize("wrong", ["0/4", "5/4", "2", "a/b"])
def test_what_is_no_part_is_refused(wrong):
    code, _, said = collected("--part", wrong)
    assert code == 4 and f"{wrong!r}: a part is such as 2/4" in said
