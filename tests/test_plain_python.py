"""Fits where a browser's Python would run them: without llvmlite, typer, rich, matplotlib, and without threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading

BLOCKED = {"llvmlite", "typer", "rich", "matplotlib", "pandas", "pyarrow", "safetensors", "starlette", "uvicorn"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())

def start(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = start

import numpy as np
import surefit

x = np.linspace(-3, 3, 101)
for method in ("features", "varpro", "lm", surefit.Adam(epochs=60, lr=0.02), surefit.SGD(epochs=5)):
    fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(12,), data=surefit.Sampling(count=100))
    error = np.max(np.abs(fit.predict(x) - np.sin(x)))
    assert error < (1e-2 if isinstance(method, str) else 1.0), (method, error)
    print(fit)
auto = surefit.fit("1/(1 + 25*x^2)", "x=-1:1")
assert auto.error.max < 1e-3
assert surefit.fit((x, x**2)).predict([1.0]).shape == (1,)
quick = dict(method=surefit.Adam(epochs=2), model=(4,))
assert surefit.fit("sin(x)", "x=-3:3", restarts=2, **quick).predict([0.0]).shape == (1,)
assert len(surefit.ensemble("x", "x=0:1", members=2, **quick).fits) == 2
table = {"curve": np.repeat([0, 1], 40), "x": np.tile(x[:40], 2), "y": np.sin(np.tile(x[:40], 2))}
assert len(surefit.fit_many(table, by="curve", x="x", y="y").error) == 2
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
print("all done")
"""


@pytest.mark.slow
def test_without_compiler_command_line_and_threads():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.rstrip().endswith("all done")
