"""The same seed gives the same fit and the same card, bit for bit, in another process, where no time limit decides."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FITS = """
import hashlib, numpy as np, surefit
from scipy import special

opaque = lambda f: lambda *x: f(*(np.asarray(v, np.float64) for v in x))
rng = np.random.default_rng(3)
rows = rng.uniform(-1, 1, (60, 3))
targets = [
    (opaque(lambda x: np.sin(5 * x) / (1 + x * x)), "x=-2:2"),
    (opaque(special.owens_t), "h=-3:3, a=0:2"),
    (opaque(lambda a, b, c, d: (a + b) * np.exp(-c * d)), "a=0:1, b=0:1, c=0:1, d=0:1"),
    ("exp(-x^2)*sin(7*x)", "x=-2:2"),
    ("abs(x - y)*cos(x)", "x=-1:1, y=-1:1"),
    ("sqrt(a^2 + b^2 + 2*a*b*cos(c - d))", "a=1:3, b=1:3, c=0:3, d=0:3"),
    ((rows, np.sin(rows[:, 0]) * rows[:, 1] + rows[:, 2] ** 2), None),
]
for target, domain in targets:
    fit = surefit.fit(target, domain, seed=1)
    weights = b"".join(p.detach().numpy().tobytes() for p in fit.network.parameters())
    print(hashlib.sha256(weights).hexdigest(), repr(fit.error.max), fit.error.n)
"""


@pytest.mark.slow
def test_two_processes_give_the_same_bits():
    runs = []
    for seed in ("1", "2"):  # of the hashes of strings, by which sets are ordered
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-W", "ignore", "-c", FITS]
        runs.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert runs[0] == runs[1] and len(runs[0].splitlines()) == 7
