"""What certificates cost and how tight they are: figures for docs and issues, one table on stdout.

    python benchmarks/certify.py                      # networks of one kind each
    python benchmarks/certify.py --systems 10 --train 10 --prove 60

`--systems` trains the small networks of the ten dynamical systems of arXiv 2505.15497 (`approximations/systems.json` in
SUREFIT_DATA) and proves them against the tolerance of the paper.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import surefit

RECIPROCAL = "-2/(2 + sin(x))"


def line(name: str, seconds: float, measured: float, proof: surefit.Certificate, more: str = "") -> None:
    gap = proof.upper / proof.lower - 1 if proof.lower else float("inf")
    print(
        f"{name:42} {seconds:6.2f} s  measured {measured:.4g}  proved {proof.upper:.4g}  gap {gap:.1e} {more}",
        flush=True,
    )


def networks() -> None:
    adam = surefit.Adam(epochs=30)
    cases = [
        ("1-640-1 relu, reciprocal, gap 1e-8", RECIPROCAL, {"x": (-3, 3)}, surefit.MLPSpec((640,), "relu"), adam, 1e-8),
        ("200-100-100-80-50-30 relu, 2-D, gap 1e-2", "sin(x1) - cos(x2)", {"x1": (-5, 5), "x2": (-5, 5)},
         surefit.MLPSpec((200, 100, 100, 80, 50, 30), "relu"), adam, 1e-2),
        ("60 tanh, reciprocal, gap 5e-2", RECIPROCAL, {"x": (-3, 3)}, (60,), "auto", 5e-2),
        ("tanh, sin(x1) - cos(x2), gap 0.25", "sin(x1) - cos(x2)", {"x1": (-5, 5), "x2": (-5, 5)}, None, "auto", 0.25),
    ]  # fmt: skip
    for name, formula, box, model, method, gap in cases:
        fit = surefit.fit(formula, box, model=model, method=method, seed=0)
        started = time.perf_counter()
        proof = surefit.certify(fit.model, formula, fit.domain, rtol=gap)
        line(name, time.perf_counter() - started, fit.error.max, proof, proof.note)


def systems(count: int, train: float, prove: float) -> None:
    data = Path(os.environ.get("SUREFIT_DATA", "shared/data")) / "approximations" / "systems.json"
    for system in json.loads(data.read_text())["systems"][:count]:
        net = system["nets"][0]
        box = {k: tuple(v) for k, v in system["inputs"].items()}
        spec = surefit.MLPSpec(tuple(net["hidden"]), net.get("activation", "relu"))
        fit = surefit.fit(system["outputs"], box, model=spec, method="adam", time=train, seed=0)
        started = time.perf_counter()
        proof = surefit.certify(fit.model, system["outputs"], fit.domain, rtol=0.05, time=prove)
        verdict = {True: "proved", False: "disproved", None: "not known"}[proof.proves(net["eps"])]
        seconds = time.perf_counter() - started
        line(f"{system['name']} {net['hidden']}", seconds, fit.error.max, proof, f"eps {net['eps']}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=0)
    parser.add_argument("--train", type=float, default=5.0)
    parser.add_argument("--prove", type=float, default=20.0)
    arguments = parser.parse_args()
    if arguments.systems:
        systems(arguments.systems, arguments.train, arguments.prove)
    else:
        networks()


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
