"""Fits to be killed at random moments: `python killed.py NAME DIRECTORY` makes one, and prints what came of it.

`test_checkpoint.py` kills a few of them, `scripts/kill_fits.py` all as often as wanted.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import surefit

BOX = {"x": (-2, 2), "y": (0, 1)}
DEEP = surefit.MLPSpec((16, 16), dropout=0.1)


def rows(n: int, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(1)
    x = r.uniform(-1, 1, (n, 2))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + noise * r.normal(size=n)


def classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = rows(n)
    return x, np.where(y > 0.3, "high", "low")


def expensive(x: float, y: float) -> float:
    """A function of which each value has its price."""
    time.sleep(0.01)
    return math.sin(2 * x) * y


KINDS: dict[str, dict[str, Any]] = {
    "adam": dict(a=("sin(x)*y", BOX), method=surefit.Adam(epochs=100), model=DEEP, jit=False),
    "compiled": dict(a=("sin(x)*y", BOX), method=surefit.Adam(epochs=4000), model=DEEP, jit=True),
    "lm": dict(a=("abs(sin(3*x))*y", BOX), method=surefit.LM(iterations=60), model=(10, 10)),
    "auto": dict(a=("abs(sin(2*x))", (-2, 2)), tol=1e-4),
    "table": dict(a=(rows(80),)),
    "teacher": dict(a=(rows(30, 0.0),), data=surefit.Sampling(noise=0)),
    "members": dict(a=(rows(260),)),
    "classes": dict(a=(classes(60),), task="classify"),
    "folds": dict(a=(rows(60),), folds=3, method="varpro", model=(6,)),
    "budget": dict(a=(expensive, BOX), budget=40),
    "prove": dict(a=("sin(x)", (-1, 1)), prove=True, tol=1e-3),
    "ensemble": dict(
        of="ensemble", a=("sin(x)*y", BOX), members=3, method=surefit.Adam(epochs=60), model=(8,), jit=False
    ),
    "smallest": dict(of="smallest", a=("abs(x)", (-1, 1)), tol=0.1, tries=1),
    "parts": dict(a=("exp(-100*(x*y-1)^2)*sin(9*x)", BOX), tol=1e-4),
}  # fmt: skip


def traits(fit: surefit.Fit) -> str:
    """All that must be the same, to the last bit, and nothing that the clock decides."""
    numbers = [v.detach().numpy().tobytes().hex() for v in fit.network.state_dict().values()]
    scaling = [v.detach().numpy().tobytes().hex() for v in fit.model.buffers()]
    losses = [(r["train_loss"], r["validation_loss"]) for r in fit.history]
    more = [fit.error.max, fit.error.rmse, fit.score, fit.steps, str(fit.dtype), None if fit.certificate is None else (
        fit.certificate.to_dict() | {"seconds": 0}
    )]  # fmt: skip
    known = None if fit.classified is None else fit.classified.to_dict()
    return repr((numbers, scaling, losses, more, known, str(fit.stop_reason)))


def made(name: str, place: str) -> str:
    options = dict(KINDS[name])
    call = getattr(surefit, options.pop("of", "fit"))
    if place != "-":
        options |= dict(checkpoint=surefit.Checkpoint(place, seconds=0.02), resume=place)
    found = call(*options.pop("a"), **options)
    fits = getattr(found, "fits", None) or [getattr(found, "fit", found)]
    return "\n".join(traits(fit) for fit in fits)


def child(name: str, place: str, seconds: float | None = None) -> str | None:
    """What a process prints; None where it was killed so many seconds after its fit had begun."""
    environment = os.environ | {"PYTHONPATH": str(Path(surefit.__file__).parents[1])}
    with subprocess.Popen([sys.executable, __file__, name, place], stdout=-1, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        if seconds is not None:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return None
        text = process.stdout.read()
    assert process.returncode == 0, f"{name} in {place} ended with {process.returncode}"
    return text


def killed(name: str, times: int, seed: int = 3) -> tuple[int, int]:
    """Kill a fit twice at random moments and let it end, so many times: how often it was hit, and how often it differs.

    Of the two kills of a round the second finds what the first one left.
    """
    began = time.perf_counter()
    whole = child(name, "-")
    seconds = time.perf_counter() - began
    rng = np.random.default_rng(seed)
    hits = wrong = 0
    for _ in range(times):
        with TemporaryDirectory() as place:
            folder = str(Path(place) / "kept")
            hits += sum(child(name, folder, float(rng.uniform(0.0, 0.6 * seconds))) is None for _ in range(2))
            wrong += child(name, folder) != whole
    return hits, wrong


if __name__ == "__main__":
    print("begins", flush=True)
    print(made(sys.argv[1], sys.argv[2]))
