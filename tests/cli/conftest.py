"""Commands run in this process, by the function that the console script calls."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from surefit.cli import main

QUICK = "--hidden 4 --epochs 2 -q"
SMALL = f"{QUICK} --num 40"


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def json(self):
        """Its stdout, which must be one JSON object as the standard has it (no NaN) and nothing else."""

        def refuse(word):
            raise AssertionError(f"{word} is not JSON")

        record = json.loads(self.out, parse_constant=refuse)
        assert isinstance(record, dict)
        return record


@pytest.fixture
def surefit(capsys, tmp_path, monkeypatch):
    """surefit("fit 'sin(x)' --on x=0:1") runs that in an empty directory; {small}, {quick}: a short training of a
    formula, or of a table."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> Ran:
        capsys.readouterr()
        code = main(shlex.split(line.replace("{small}", SMALL).replace("{quick}", QUICK)))
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A directory with two.safetensors, y = x1 * x2, and one.safetensors, y1 = sin(t), y2 = cos(t), trained a bit."""
    folder = tmp_path_factory.mktemp("models")
    for name, words in {
        "two": ["x1*x2", "--on", "x1=-1:1", "--on", "x2=0:2"],
        "one": ["sin(t); cos(t)", "--on", "t=-2:2"],
    }.items():
        out = folder / name
        assert main(["fit", *words, *shlex.split(SMALL), "--out", str(out)]) == 0
        (out / "model.safetensors").rename(folder / f"{name}.safetensors")
    return folder
