"""Scripts as they are written for PyTorch run when `torch` is changed to `surefit.torch`, with PyTorch's numbers.

What a script leaves in `result` depends on no random number, and is compared with PyTorch where that is installed.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from surefit.core import entropy, ops

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


@pytest.fixture(autouse=True)
def _no_traces():
    yield
    entropy.unnamed[0] = None
    ops.default.float = ops.float32


def ported(source: str) -> str:
    """The script with its imports changed, and nothing else."""
    source = re.sub(r"^import torch$", "import surefit.torch as torch", source, flags=re.M)
    return re.sub(r"^(import|from) torch\b", r"\1 surefit.torch", source, flags=re.M)


def run(source: str, name: str):
    namespace: dict = {"__name__": "script"}
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 (a file beside this one)
    return namespace.get("result")


def flat(x):
    return [v for item in x for v in flat(item)] if isinstance(x, (list, tuple)) else [x]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_a_script_runs_by_the_changed_import(path):
    source = path.read_text(encoding="utf-8")
    result = run(ported(source), path.name)
    if result is None:
        return
    pytest.importorskip("torch", reason="PyTorch is the oracle of the numbers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = flat(run(source, path.name))
    assert len(flat(result)) == len(expected)
    for a, b in zip(flat(result), expected, strict=True):
        assert a == (b if isinstance(b, str) else pytest.approx(b, rel=2e-4, abs=1e-6))
