"""Each benchmark runs, in its smallest size, and writes what it says it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import surefit

ROOT = Path(__file__).resolve().parent.parent


def run(file: str, *arguments: str) -> str:
    source = Path(surefit.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / file, *arguments],
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_eager_step(tmp_path):
    out = run(
        "eager_step.py", "--rounds", "2", "--seconds", "0.001", "--workloads", "E2", "--threads", "1",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| E2: 1-512-1 ReLU, batch 32, SGD, MSE | 1 |" in out
    (row,) = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(row["seconds"]["surefit"]) == 2
    assert all(0 < s < 1 for s in row["seconds"]["surefit"])


@pytest.mark.slow
def test_import_time(tmp_path):
    out = run("import_time.py", "--rounds", "1", "--json", str(tmp_path / "figures.json"))
    assert "| `import surefit` |" in out
    assert json.loads((tmp_path / "figures.json").read_text())["loaded"] == []


@pytest.mark.slow
def test_two_ways(tmp_path):
    out = run("two_ways.py", "--quick", "--out", str(tmp_path))
    assert "| surefit, batches of 32 | 25 |" in out
    assert (tmp_path / "two-ways.md").is_file()
