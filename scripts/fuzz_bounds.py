"""Containment by the million: nets x boxes x points, every activation, float32 and float64; prints the violations.

    python scripts/fuzz_bounds.py --checks 10_000_000 --seed 0

A check is one value of the running model (NumPy, in the model's own dtype) or of its float64 evaluation against a
proved range, or a proved linear bound. The exit code is 1 if one of them fails. `tests/bounds` holds a reduced form.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from surefit import nn
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of
from surefit.bounds.relax import Relaxation
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "sin", "relu6", "hardswish")


def one(rng: np.random.Generator) -> tuple[int, int]:
    """Checks and violations of one random network."""
    d, k = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    hidden = tuple(int(w) for w in rng.integers(2, 40, int(rng.integers(1, 4))))
    dtype = np.float32 if rng.random() < 0.5 else np.float64
    net = nn.MLP(
        d, hidden, k, activation=str(rng.choice(ACTIVATIONS)), generator=int(rng.integers(1 << 30)), dtype=dtype
    )
    for p in net.parameters():
        p.assign((p.detach().numpy() * rng.choice([0.3, 1.0, 3.0])).astype(dtype))
    n, m = 64, 128
    middle = rng.uniform(-3, 3, (n, d))
    width = rng.choice([2.0, 0.3, 1e-2, 1e-4, 0.0], (n, 1)) * rng.random((n, d))
    lo, hi = (middle - width).astype(dtype).astype(float), (middle + width).astype(dtype).astype(float)
    t = rng.random((n, m, d))
    t = np.where(rng.random(t.shape) < 0.3, np.round(t), t)
    x = np.clip((lo[:, None] + t * (hi - lo)[:, None]).astype(dtype), lo[:, None], hi[:, None])
    with no_grad():
        y = net(Tensor(x.reshape(-1, d).astype(dtype))).numpy().reshape(n, m, k).astype(float)
    program = program_of(net, d)
    running = lowered(program, lambda name, kind: 4.0, strict=False)
    exact = lowered(program)
    z = exact(x.reshape(-1, d).astype(float)).reshape(n, m, k)
    checks = wrong = 0
    for which, values, deployed in ((running, y, True), (exact, z, False)):
        relaxation = Relaxation(which, deployed, tighten=bool(rng.random() < 0.5))
        states = relaxation.forward(lo, hi)
        linear = relaxation.backward(states)
        last = states[-1]
        slack = 0.0 if deployed else 1e-13 * (1.0 + np.abs(values))  # of the float64 evaluation itself
        # a bound that is no number claims nothing: the search treats it as infinite
        wrong += int(((values < last.low[:, None] - slack) | (values > last.high[:, None] + slack)).sum())
        line = np.einsum("bqd,bpd->bpq", linear.a, x.astype(float)) + linear.b[:, None]
        both = np.concatenate([values, -values], axis=2)
        wrong += int((both < line - 1e-13 * (1.0 + np.abs(line))).sum())
        checks += int(np.isfinite(last.low).sum() + np.isfinite(linear.b).sum()) * m
    return checks, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    checks = wrong = nets = 0
    started = time.monotonic()
    while checks < arguments.checks:
        more, bad = one(rng)
        checks, wrong, nets = checks + more, wrong + bad, nets + 1
        if bad:
            print(f"network {nets}: {bad} violations")
    print(f"{checks} checks of {nets} networks, {wrong} violations, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
