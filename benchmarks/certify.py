"""What certificates cost and how tight they are: one Markdown table for each part.

    python benchmarks/certify.py --part figures              # the figures of docs/certify.md: half a minute
    python benchmarks/certify.py --part systems --first 4    # systems of arXiv 2505.15497, trained and proved
    python benchmarks/certify.py --part fpbench --seconds 20 # formulas of FPBench: proved over largest sampled error
    python benchmarks/certify.py --part measured             # how far errors of cards are below the proved maximum
    python benchmarks/certify.py --part peer                 # ranges of networks, beside bound-propagation (PyPI)

`--only NAME,...` takes rows by name; `--first N` and `--from N` a part of them; `--seconds` is for each training and
each proof; `--json FILE` keeps the figures. The systems and formulas are in SUREFIT_DATA, which `--data` names as well.
Seconds in the tables are of the processor, except of the cold start.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from harness import machine, versions
from harness.material import data_folder

import surefit
from surefit.bounds.checker import check_certificate, residual
from surefit.bounds.checker_arithmetic import Unknown
from surefit.bounds.proving import program_of
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor

Row = dict[str, Any]
Cases = Iterator[tuple[str, Any]]
TWO_PI = {"x": (-2 * math.pi, 2 * math.pi)}


def gap_of(proof: surefit.Certificate) -> float:
    return proof.upper / proof.lower - 1 if proof.lower else math.inf


def sampled(fit: surefit.Fit, formulas: list[str], n: int = 200_000) -> tuple[float, float]:
    """The largest |error| of many random points, faces and corners, and of more and more closely around the largest.

    In float64, and of the program that runs: near its rounding the error differs from float to float. It is what a
    careful tester would find. The second: of the network in exact arithmetic, at the thousand points where most was
    seen, by the arithmetic of the checker, which says how far its own roundings may be off.
    """
    rng = np.random.default_rng(12345)
    low, high = fit.domain.low, fit.domain.high
    u = rng.random((n, len(low)))
    face = rng.integers(0, len(low), n // 4)
    u[np.arange(n // 4), face] = rng.integers(0, 2, n // 4)
    u[-4096:] = np.round(u[-4096:])
    parsed = surefit.formulas.parse_many(formulas, fit.names)

    def error(u: np.ndarray) -> np.ndarray:
        x = np.clip(low + u * (high - low), low, high)
        values = dict(zip(fit.names, x.T, strict=True))
        with np.errstate(all="ignore"):
            y = np.stack([np.broadcast_to(f(*(values[v] for v in f.variables)), (len(x),)) for f in parsed], axis=1)
            return np.nan_to_num(np.abs(fit.predict(x).reshape(len(x), -1) - y).max(axis=1), nan=0.0, posinf=0.0)

    seen = error(u)
    # where rounding is part of an error, it is the largest at one float of many beside each other
    for scale, often in ((1e-3, 1), (1e-4, 4), (1e-5, 4), (1e-6, 4)):
        best = u[np.argsort(-seen)[:32]]
        near = np.repeat(best, often * n // 32, axis=0)
        near = np.clip(near + rng.normal(scale=scale, size=near.shape), 0.0, 1.0)
        u, seen = np.concatenate([u, near]), np.concatenate([seen, error(near)])
    x = np.clip(low + u[np.argsort(-seen)[:1000]] * (high - low), low, high)
    try:
        exact = residual(program_of(fit.model, len(low)), parsed, list(fit.names), x, x, None)
    except Unknown:
        return float(seen.max()), math.nan
    return float(seen.max()), float(np.nanmax(np.abs(exact.c[..., 0]) * 2 - exact.size, initial=0.0))


# --- the figures of docs/certify.md -----------------------------------------------------------------------------------


def figures() -> Cases:
    reciprocal, box = "-2/(2 + sin(x))", {"x": (-3, 3)}
    two = {"x1": (-5, 5), "x2": (-5, 5)}
    adam = surefit.Adam(epochs=30)
    yield "1-640-1 relu, gap 1e-8", lambda: of_network(reciprocal, box, (640,), "relu", adam, 1e-8)
    yield (
        "200-100-100-80-50-30 relu, gap 1e-2",
        lambda: of_network("sin(x1) - cos(x2)", two, (200, 100, 100, 80, 50, 30), "relu", adam, 1e-2),
    )
    for name, formula, domain in (
        ("60 tanh, reciprocal", reciprocal, box), ("sine", "sin(x)", TWO_PI),
        ("quartic", "x^4-x^3+x^2-x+1", {"x": (-2, 2)}),
    ):  # fmt: skip
        yield f"smooth 1-D: {name}", lambda f=formula, d=domain: of_network(f, d, (60,), "tanh", "auto", 0.05)
    for name, formula, domain in (
        ("reciprocal", reciprocal, "x=-3:3"), ("sine", "sin(x)", "x=-2*pi:2*pi"), ("square", "x^2", "x=-3:3"),
        ("quartic", "x^4-x^3+x^2-x+1", "x=-2:2"),
    ):  # fmt: skip
        yield f"construct at 1e-3: {name}", lambda f=formula, d=domain: of_construction(f, d)
    yield "cold start: shell to proved bound, sine at 1e-6", cold


def of_network(formula: str, box: Any, hidden: tuple[int, ...], activation: str, method: Any, gap: float) -> Row:
    fit = surefit.fit(formula, box, model=surefit.MLPSpec(hidden, activation), method=method, seed=0)
    runs = []
    for _ in range(5):  # the median: a first one reads formulas and imports modules as well
        started = time.process_time()
        proof = surefit.certify(fit.model, formula, fit.domain, rtol=gap)
        runs.append(time.process_time() - started)
    return dict(
        seconds=sorted(runs)[2], measured=fit.error.max, proved=proof.upper, gap=gap_of(proof), boxes=proof.boxes
    )


def of_construction(formula: str, domain: str) -> Row:
    started = time.process_time()
    fit = surefit.construct(formula, domain, tol=1e-3)
    seconds = time.process_time() - started
    made = fit.construction
    assert made is not None
    assert fit.certificate is not None
    return dict(seconds=seconds, proved=fit.certificate.upper, note=f"{made.hinges} hinges, at least {made.at_least}")


def cold() -> Row:
    command = [sys.executable, "-m", "surefit", "fit", "sin(x)", "--on", "x=-6.28:6.28", "--tol", "1e-6", "--prove"]
    runs = []
    for _ in range(3):
        started = time.perf_counter()
        out = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
        runs.append(time.perf_counter() - started)
    error = json.loads(out.stdout)["certificate"]["error"]
    return dict(seconds=sorted(runs)[1], measured=error["lower"], proved=error["upper"])


# --- ten dynamical systems --------------------------------------------------------------------------------------------


def systems(data: Path, seconds: float) -> Cases:
    path = data_folder(data, "approximations") / "systems.json"
    for system in json.loads(path.read_text())["systems"]:
        for net in system["nets"]:
            name = f"{system['name']} {'-'.join(map(str, net['hidden']))}"
            yield name, lambda s=system, n=net: of_system(s, n, seconds)


def of_system(system: Row, net: Row, seconds: float) -> Row:
    box = {k: tuple(v) for k, v in system["inputs"].items()}
    spec = surefit.MLPSpec(tuple(net["hidden"]), system.get("activation", "relu"))
    began = time.process_time()
    kept: surefit.Fit | None = None
    for method in ("adam", "auto"):  # the choice may know better than Adam, and costs as much again
        settings: Row = dict(model=spec, method=method, tol=net["eps"], time=seconds, prove=True, seed=0)
        fit = surefit.fit(system["outputs"], box, **settings)
        kept = fit if kept is None or fit.error.max < kept.error.max else kept
        if fit.stop_reason.code == "tolerance-proved":
            kept = fit
            break
    trained, began = time.process_time() - began, time.process_time()
    assert kept is not None
    proof = surefit.certify(kept.model, system["outputs"], box, tol=net["eps"], rtol=0.05, time=seconds)
    spent = time.process_time() - began
    verdict = {True: "proved", False: "disproved", None: "not known"}[proof.proves(net["eps"])]
    return dict(
        eps=net["eps"], training=trained, method=kept.method["method"], measured=kept.error.max, seconds=spent,
        proved=proof.upper, boxes=proof.boxes, verdict=verdict, ratio=proof.upper / max(proof.lower, kept.error.max),
    )  # fmt: skip


# --- formulas of FPBench ----------------------------------------------------------------------------------------------


def fpbench(data: Path, seconds: float) -> Cases:
    for case in json.loads((data_folder(data, "functions") / "fpbench_rosa.json").read_text()):
        if 1 <= len(case["vars"]) <= 3:
            yield case["name"], lambda c=case: of_formula(c["formula"], c["box"], seconds)


def of_formula(formula: str, box: Row, seconds: float) -> Row:
    for name, (low, high) in box.items():
        if low == high:  # a variable that is a number
            formula = _put(formula, name, low)
    box = {k: tuple(v) for k, v in box.items() if v[0] < v[1]}
    try:
        fit = surefit.fit(formula, box, time=seconds, seed=0)
    except surefit.errors.SurefitError as error:  # a domain error inside of the box
        return dict(verdict=f"no fit: {str(error)[:60]}")
    began = time.process_time()
    gap = 0.005 if len(box) == 1 else 0.02
    proof = fit.certify(rtol=gap, time=seconds)
    spent = time.process_time() - began
    real = surefit.certify(fit.model, formula, fit.domain, rtol=gap, time=seconds)
    most, exact = sampled(fit, [formula])
    most = max(most, fit.error.max)
    verdict = proof.error.status if math.isfinite(proof.upper) else f"{proof.error.status}, no upper bound"
    with tempfile.TemporaryDirectory() as folder:
        checked = check_certificate(proof.save(Path(folder) / "c.json"), fit.model, time=seconds)
    return dict(
        inputs=len(box), network="-".join(map(str, fit.layers())), sampled=most, proved=proof.upper, seconds=spent,
        running=proof.upper / most, exact=real.upper / exact if exact else math.nan, boxes=proof.boxes, verdict=verdict,
        checked={True: "holds", False: "DOES NOT HOLD", None: "not checked"}[checked.holds],
    )  # fmt: skip


def _put(formula: str, name: str, value: float) -> str:
    import re

    return re.sub(rf"\b{name}\b", f"({value!r})", formula)


# --- how far measured errors are below the proved maximum -------------------------------------------------------------

GENERIC = [
    ("sin(x)", "x=-6:6"), ("abs(x)", "x=-1:1"), ("exp(-50*x^2)", "x=-1:1"), ("sqrt(x)", "x=0:1"),
    ("1/(1+25*x^2)", "x=-1:1"),
    ("sin(1/(x+0.2))", "x=0:2"), ("tanh(30*x)", "x=-1:1"), ("x^x", "x=0.1:3"), ("sin(x)^2 + x^3*cos(x)", "x=-10:10"),
    ("max(x, 0.2)", "x=-1:1"), ("cbrt(x)", "x=-1:1"), ("log(x)", "x=0.01:3"),
    ("sin(x)*cos(y)", "x=-3:3, y=-3:3"), ("exp(-x*x)*sin(3*y) + x*y", "x=-2:2, y=-2:2"),
    ("sqrt(1 + x^2 + y^2)", "x=-2:2, y=-2:2"), ("abs(x) + abs(y)", "x=-1:1, y=-1:1"), ("x/(y + 2)", "x=-1:1, y=-1:1"),
    ("max(x, y)", "x=-1:1, y=-1:1"), ("exp(x*y)", "x=-1:1, y=-1:1"), ("tanh(8*(x + y))", "x=-1:1, y=-1:1"),
    ("sin(x*y)", "x=-3:3, y=-3:3"), ("x*y*z", "x=-1:1, y=-1:1, z=-1:1"), ("sin(x) + y*z", "x=-2:2, y=-2:2, z=-2:2"),
    ("sqrt(x^2 + y^2 + z^2 + 0.1)", "x=-1:1, y=-1:1, z=-1:1"), ("exp(-x^2 - y^2 - z^2)", "x=-1:1, y=-1:1, z=-1:1"),
    ("x*y + z*w", "x=-1:1, y=-1:1, z=-1:1, w=-1:1"),
]  # fmt: skip


def measured(data: Path, seconds: float) -> Cases:
    cases = list(GENERIC)
    for case in json.loads((data_folder(data, "functions") / "feynman_1_50.json").read_text()):
        if case["dim"] <= 3 and len(cases) < 40:
            cases.append((case["formula"], ", ".join(f"{n}={a}:{b}" for n, a, b in case["vars"])))
    for formula, domain in cases:
        yield formula, lambda f=formula, d=domain: of_measurement(f, d, seconds)


def of_measurement(formula: str, domain: str, seconds: float) -> Row:
    """A small network, whose error is large enough to be seen, and a tight proof."""
    d = domain.count("=")
    fit = surefit.fit(formula, domain, model=({1: 12, 2: 24, 3: 30, 4: 24}[d],), method="varpro", seed=0)
    proof = fit.certify(rtol=0.02, time=seconds)
    real = surefit.certify(fit.model, formula, fit.domain, rtol=0.02, time=seconds)
    upper = min(proof.upper, real.upper) if math.isfinite(proof.upper) else real.upper
    lower = max(proof.lower, fit.error.max)
    return dict(measured=fit.error.max, proved=upper, share=fit.error.max / upper, missed=1 - fit.error.max / lower,
                gap=upper / lower - 1, seconds=proof.seconds)  # fmt: skip


# --- beside bound-propagation -----------------------------------------------------------------------------------------


def peer() -> Cases:
    for hidden, activation, d in (
        ((64,), "relu", 1), ((64, 64), "relu", 2), ((64, 64), "tanh", 2), ((200, 100, 100, 80, 50, 30), "relu", 2),
        ((64, 64, 64), "relu", 3), ((64, 64), "sigmoid", 5),
    ):  # fmt: skip
        name = f"{d}-{'-'.join(map(str, hidden))}-1 {activation}"
        yield name, lambda h=hidden, a=activation, n=d: of_ranges(h, a, n)


def of_ranges(hidden: tuple[int, ...], activation: str, d: int, boxes: int = 256, points: int = 400) -> Row:
    """Ranges of one network on many boxes: mean width, seconds, and values in float64 outside of them."""
    from surefit.bounds.network import lowered
    from surefit.bounds.proving import program_of
    from surefit.bounds.relax import Relaxation

    net = surefit.nn.MLP(d, hidden, 1, activation=activation, generator=0)
    rng = np.random.default_rng(0)
    middle = rng.uniform(-2, 2, (boxes, d)).astype(np.float32)
    half = (10.0 ** rng.uniform(-5, -0.5, (boxes, 1)) * np.ones((boxes, d))).astype(np.float32)
    low, high = (middle - half).astype(float), (middle + half).astype(float)
    t = np.where(
        rng.random((boxes, points, d)) < 0.3, rng.integers(0, 2, (boxes, points, d)), rng.random((boxes, points, d))
    )
    x = np.clip(low[:, None] + t * (high - low)[:, None], low[:, None], high[:, None])
    weights = [p.detach().numpy().astype(np.float64) for p in net.parameters()]
    h = x.reshape(-1, d)
    act = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}[activation]
    for i in range(0, len(weights), 2):
        h = h @ weights[i].T + weights[i + 1]
        h = act(h) if i + 2 < len(weights) else h
    values = h.reshape(boxes, points)
    with no_grad():
        running = net(Tensor(x.reshape(-1, d).astype(np.float32))).numpy().reshape(boxes, points).astype(float)

    def outside(a: np.ndarray, b: np.ndarray) -> int:
        return int(((values < a[:, None]) | (values > b[:, None])).any(axis=1).sum())

    def outside_running(a: np.ndarray, b: np.ndarray) -> int:
        return int(((running < a[:, None]) | (running > b[:, None])).any(axis=1).sum())

    row: Row = {}
    for mode in ("real", "deployed"):
        relaxation = Relaxation(
            lowered(program_of(net, d), (lambda n, k: 4.0) if mode == "deployed" else None, False), mode == "deployed"
        )
        began = time.process_time()
        states = relaxation.forward(low, high)
        found = relaxation.backward(states)
        least, _ = relaxation._least(found, states[0])
        a = np.maximum(states[-1].low[:, 0], least[:, 0])
        b = np.minimum(states[-1].high[:, 0], -least[:, 1])
        row |= {f"{mode} width": float((b - a).mean()), f"{mode} ms": 1e3 * (time.process_time() - began)}
        row[f"{mode} wrong"] = outside(a, b) if mode == "real" else outside_running(a, b)
    try:
        from bound_propagation import BoundModelFactory, HyperRectangle

        import torch
    except ImportError:
        return row | {"peer": "not installed"}
    torch.set_num_threads(1)
    layers: list[Any] = []
    for i in range(0, len(weights), 2):
        layer = torch.nn.Linear(weights[i].shape[1], weights[i].shape[0])
        layer.weight.data, layer.bias.data = torch.tensor(weights[i]).float(), torch.tensor(weights[i + 1]).float()
        layers += [layer, {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[activation]()]
    other = BoundModelFactory().build(torch.nn.Sequential(*layers[:-1]))
    box = HyperRectangle(torch.tensor(low).float(), torch.tensor(high).float())
    for name in ("ibp", "crown"):
        began = time.process_time()
        with torch.no_grad():
            found = getattr(other, name)(box)
            found = found if name == "ibp" else found.concretize()
        a, b = (v.detach().numpy()[:, 0].astype(float) for v in (found.lower, found.upper))
        row |= {f"{name} width": float((b - a).mean()), f"{name} ms": 1e3 * (time.process_time() - began)}
        row[f"{name} wrong"] = outside(a, b)
        row[f"{name} wrong running"] = outside_running(a, b)
    return row


# --- tables -----------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(cases: Cases, arguments: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    wanted = set(arguments.only.split(",")) if arguments.only else None
    titles: list[str] = []
    for i, (name, run) in enumerate(cases):
        if (wanted and name not in wanted) or not arguments.start <= i < arguments.start + arguments.first:
            continue
        try:
            row = {"case": name, **run()}
        except Exception as error:  # a benchmark goes on and says so
            row = {"case": name, "failed": f"{type(error).__name__}: {error}"[:120]}
        rows.append(row)
        more = [k for k in row if k not in titles]
        if more:
            titles += more
            print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
        print("| " + " | ".join(shown(row.get(k, "")) for k in titles) + " |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["figures", "systems", "fpbench", "measured", "peer"], default="figures")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each training and each proof")
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--from", dest="start", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    data = arguments.data or Path(os.environ.get("SUREFIT_DATA", "../shared/data"))
    parts = {
        "figures": figures, "systems": lambda: systems(data, arguments.seconds), "peer": peer,
        "fpbench": lambda: fpbench(data, arguments.seconds), "measured": lambda: measured(data, arguments.seconds),
    }  # fmt: skip
    rows = table(parts[arguments.part](), arguments)
    if arguments.json is not None:
        titles = list(dict.fromkeys(k for row in rows for k in row))
        cells = [[shown(row.get(k, "")) for k in titles] for row in rows]
        kept = {
            "title": f"Certificates: {arguments.part}, {arguments.seconds:g} s for each training and each proof",
            "machine": machine(), "versions": versions(["numpy", "bound-propagation"]), "rows": rows,
            "table": {"columns": titles, "rows": cells, "notes": []},
        }  # fmt: skip
        arguments.json.write_text(json.dumps(kept, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
