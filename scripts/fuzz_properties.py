"""Attacks on what is claimed of networks: relations, derivatives, pairs, errors. Prints every claim that is false.

    python scripts/fuzz_properties.py --networks 1000 --seed 0
    python scripts/fuzz_properties.py --networks 1000 --seconds 600  # a network takes a second and more

Half of the networks are ReLU networks of one input whose weights are short binary fractions: their maxima, slopes and
bends are known exactly, in fractions, and thresholds lie exactly at them or one float beside. The others have any
activation, one to four inputs and one to six layers; the truth is what a dense sample and a local search find, in
digits of mpmath where it is near. Every fifth is made of the parts of a random formula (search/strategies/composed.py),
with units or weights changed or another formula claimed, and is certified as real and as deployed. "Not known" is no
fault; a proof or a refutation that is false is one. The exit code is 1 if there is one. `tests/bounds/test_attacks.py`
holds a reduced form.
"""

from __future__ import annotations

import argparse
import copy
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import scipy.optimize
import scipy.special

from surefit import nn
from surefit.bounds import certify, certify_pair, certify_slopes, verify
from surefit.core.tensor import Tensor
from surefit.data import Domain, face_points, sample
from surefit.formulas import parse
from surefit.formulas.compositions import composition_of
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.problems.scaling import Scaling
from surefit.search.strategies.composed import fitted

SECONDS = 0.3  # for a claim; unknown is no fault
STEEP = 6  # points at which all derivatives are computed by mpmath
SAMPLE = 3000
Layers = list[tuple[np.ndarray, np.ndarray]]

# --- broken lines, exactly ---


def broken_line(layers: Layers, low: Fraction, high: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    """Places where a ReLU network of one input may bend, with both ends, and its values there."""
    places = [low, high] if low < high else [low]
    values = [[x] for x in places]
    for depth, (w, b) in enumerate(layers):
        rows = [[Fraction(float(v)) for v in row] for row in w]
        offsets = [Fraction(float(v)) for v in b]
        z = [[sum(a * v for a, v in zip(row, h, strict=True)) + c for row, c in zip(rows, offsets, strict=True)]
             for h in values]  # fmt: skip
        if depth == len(layers) - 1:
            return places, [row[0] for row in z]
        new = {}
        for (x0, z0), (x1, z1) in pairwise(zip(places, z, strict=True)):
            for a, c in zip(z0, z1, strict=True):
                if a * c < 0:
                    t = a / (a - c)
                    new[x0 + (x1 - x0) * t] = [u + (v - u) * t for u, v in zip(z0, z1, strict=True)]
        both = sorted({**dict(zip(places, z, strict=True)), **new}.items())
        places = [x for x, _ in both]
        values = [[max(v, Fraction(0)) for v in row] for _, row in both]
    raise AssertionError


def short_network(rng: np.random.Generator, ends: tuple[float, float]) -> Layers:
    """Random short binary fractions; units that are dead, twice there, and that bend at the ends of the box."""
    widths = [1, *rng.integers(1, 5, int(rng.integers(1, 4))), 1]
    layers = []
    for n, m in pairwise(widths):
        w = rng.integers(-8, 9, (m, n)) / rng.choice([1.0, 2.0, 4.0])
        b = rng.integers(-8, 9, m) / rng.choice([1.0, 4.0])
        if n == 1 and m > 1:
            for i in range(m):
                if rng.random() < 0.4:
                    b[i] = -float(w[i, 0]) * float(rng.choice(ends))
            if rng.random() < 0.2:
                w[0], b[0] = w[-1], b[-1]
        if rng.random() < 0.1:
            w[0] = 0.0
        layers.append((w, b))
    return layers


def relu_network(layers: Layers, dtype: Any = np.float64) -> nn.Module:
    net = nn.MLP(
        layers[0][0].shape[1], [len(b) for _, b in layers[:-1]], len(layers[-1][1]), activation="relu", generator=0,
        dtype=dtype,
    )  # fmt: skip
    for p, v in zip(net.parameters(), (v for layer in layers for v in layer), strict=True):
        p.assign(np.asarray(v, dtype))
    return net


BOXES = [
    *((-1.0, 1.0), (0.0, 2.0), (-0.5, 0.25), (1.0, 1.0), (0.0, 0.0), (-(2.0**20), 2.0**20), (0.0, 2.0**-30)),
    *((0.1, 0.7), (-(2.0**300), 2.0**299), (2.0**-1000, 2.0**-999), (-3.0, -1.0), (1.0, 1.0 + 2.0**-52)),
]


def beside(exact: Fraction) -> list[float]:
    """Floats at and next to a number, and a little further."""
    near = float(exact)
    step = abs(near) * 1e-9 + 1e-12
    return [near, float(np.nextafter(near, -np.inf)), float(np.nextafter(near, np.inf)), near - step, near + step,
            near - 0.1 * abs(near) - 0.1, near + 0.1 * abs(near) + 0.1]  # fmt: skip


HOLDS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": lambda a, b: a <= b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, ">": lambda a, b: a > b
}  # fmt: skip


class Faults(Counter[str]):
    """How many claims of each kind were made; the false ones are printed and counted."""

    def claim(self, kind: str, said: bool | None, truth: bool, words: Any) -> None:
        self[f"{kind}: {said}"] += 1
        if said is not None and said is not truth:
            self["FALSE"] += 1
            print(f"FALSE {kind}: {said}, but {truth}: {words}", flush=True)

    def inside(self, kind: str, low: Any, truth: Any, high: Any, words: Any) -> None:
        self.claim(kind, True, bool(low <= truth <= high), (words, low, float(truth), high))


def exactly(rng: np.random.Generator, faults: Faults, wrap: Callable[[Layers, Any], Any] = relu_network) -> None:
    """All claims of one broken line."""
    box = BOXES[rng.integers(len(BOXES))]
    low, high = Fraction(box[0]), Fraction(box[1])
    layers = short_network(rng, box)
    dtype = np.float64 if rng.random() < 0.5 or not all(float(np.float32(v)) == v for v in box) else np.float32
    net = wrap(layers, dtype)
    places, y = broken_line(layers, low, high)
    c = Fraction(int(rng.integers(-4, 5)), 4) if rng.random() < 0.7 else Fraction(0)
    gap = [v - c * x for v, x in zip(y, places, strict=True)]
    where = {"x": box}
    words = ([(w.tolist(), b.tolist()) for w, b in layers], box, str(c), dtype.__name__)
    left = f"y - {float(c)!r}*x".replace("- -", "+ ")

    for sign in rng.choice(list(HOLDS), 2, replace=False):
        most = max(gap) if sign[0] == "<" else min(gap)
        for threshold in rng.choice(beside(most), 3, replace=False).tolist():
            if not np.isfinite(threshold):
                continue
            relation = f"{left} {sign} {threshold!r}"
            found = verify(net, relation, where, time=SECONDS)
            faults.claim("relation", found.holds, HOLDS[sign](most, Fraction(threshold)), (relation, words))
            if found.holds is False:
                assert found.at is not None
                at = Fraction(found.at["x"])
                value = broken_line(layers, at, at)[1][0] - c * at
                fine = low <= at <= high and not HOLDS[sign](value, Fraction(threshold))
                faults.claim("witness", fine, True, (relation, found.at, words))
    top = max(abs(v) for v in gap)
    for mode in ("real", "deployed"):
        proof = certify(net, f"{float(c)!r}*x", where, rtol=1e-3, time=SECONDS, mode=mode)
        if mode == "real":
            faults.inside("error", proof.lower, top, proof.upper, words)
            for tol in beside(top)[:5]:
                if tol > 0:
                    faults.claim("tolerance", proof.proves(tol), top <= Fraction(tol), (tol, words))
        elif max(abs(v) for v in box) < 1e30:
            x = np.array([[float(p)] for p in places]).clip(*box).astype(dtype)
            running = np.asarray(net(x).detach().numpy() if hasattr(net(x), "detach") else net(x), float)[:, 0]
            apart = np.abs(running - float(c) * x[:, 0].astype(float)).max()
            faults.inside("running error", 0.0, apart * (1 - 1e-12), proof.upper, words)
    if low == high:
        return
    slopes = [(v1 - v0) / (x1 - x0) for (x0, v0), (x1, v1) in pairwise(zip(places, y, strict=True))]
    least, most = min(slopes), max(slopes)
    found = certify_slopes(net, where, time=SECONDS)
    faults.inside("slope", float(found.low[0, 0]), least, float(found.reached_low[0, 0]), words)
    faults.inside("slope", float(found.reached_high[0, 0]), most, float(found.high[0, 0]), words)
    faults.inside("lipschitz", found.lipschitz[0], max(abs(least), abs(most)), found.lipschitz[1], words)
    faults.claim("increasing", found.increasing("x"), least >= 0, words)
    faults.claim("decreasing", found.decreasing("x"), most <= 0, words)
    sign = str(rng.choice(list(HOLDS)))
    end = most if sign[0] == "<" else least
    for threshold in rng.choice(beside(end), 2, replace=False).tolist():
        relation = f"dy/dx {sign} {threshold!r}"
        verdict = verify(net, relation, where, time=SECONDS)
        faults.claim("derivative", verdict.holds, HOLDS[sign](end, Fraction(threshold)), (relation, words))
    other = [(w.copy(), b.copy()) for w, b in layers]
    k = int(rng.integers(len(other)))
    other[k][0][0, 0] += rng.choice([0.0, 2.0**-20, 0.5])
    places = sorted({*places, *broken_line(other, low, high)[0]})
    apart = max(abs(broken_line(layers, x, x)[1][0] - broken_line(other, x, x)[1][0]) for x in places)
    proof = certify_pair(net, wrap(other, np.float64), where, time=SECONDS)
    faults.inside("pair", proof.lower, apart, proof.upper, (words, k))


# --- any network ---

FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {  # of arrays, and of numbers of mpmath
    "relu": (lambda z: np.maximum(z, 0), lambda z: max(z, mpmath.mpf(0))),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: z if z > 0 else mpmath.mpf(0.01) * z),
    "tanh": (np.tanh, mpmath.tanh),
    "sigmoid": (scipy.special.expit, lambda z: 1 / (1 + mpmath.exp(-z))),
    "gelu": (lambda z: z * scipy.special.ndtr(z), lambda z: z * mpmath.ncdf(z)),
    "silu": (lambda z: z * scipy.special.expit(z), lambda z: z / (1 + mpmath.exp(-z))),
    "softplus": (lambda z: np.logaddexp(z, 0), lambda z: mpmath.log1p(mpmath.exp(z))),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: z if z > 0 else mpmath.expm1(z)),
    "sin": (np.sin, mpmath.sin),
    "relu6": (lambda z: np.clip(z, 0, 6), lambda z: min(max(z, mpmath.mpf(0)), mpmath.mpf(6))),
}
NEAR = 1e-6  # of the size: constants of an activation that float32 rounds (0.01, sqrt 1/2) count as much in float32


class Sampled:
    """A random network, and its values by arrays and by mpmath, which know nothing of surefit but the numbers."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.d, self.k = int(rng.integers(1, 5)), int(rng.integers(1, 3))
        self.activation = str(rng.choice(list(FUNCTIONS)))
        hidden = [int(w) for w in rng.integers(1, 9, int(rng.integers(1, 7)))]
        self.dtype = np.float32 if rng.random() < 0.4 else np.float64
        net: Any = nn.MLP(
            self.d, hidden, self.k, activation=self.activation, generator=int(rng.integers(1 << 30)), dtype=self.dtype
        )
        for p in net.parameters():
            v = p.detach().numpy() * rng.choice([0.3, 1.0, 3.0]) + rng.normal(size=p.shape) * rng.choice([0.0, 0.5])
            if rng.random() < 0.1:
                v[rng.integers(len(v))] = 0.0
            p.assign(np.asarray(v, self.dtype))
        flat = [np.asarray(p.detach().numpy(), float) for p in net.parameters()]
        self.layers = list(zip(flat[::2], flat[1::2], strict=True))
        self.scaling: Any = None
        if rng.random() < 0.5:
            self.scaling = [rng.normal(size=n) if i % 2 == 0 else 2.0 ** rng.uniform(-3, 3, n)
                            for i, n in enumerate((self.d, self.d, self.k, self.k))]  # fmt: skip
            net = Scaled(net, *self.scaling, self.dtype)
        self.net = net
        middle = rng.uniform(-2, 2, self.d)
        width = rng.choice([0.0, 1e-6, 0.1, 1.0, 1.0, 3.0, 1e4], p=[0.05, 0.1, 0.25, 0.2, 0.2, 0.15, 0.05])
        half = width * rng.uniform(0.3, 1, self.d)
        if self.scaling is not None:
            half = half * self.scaling[1]
        ends = [(middle - half).astype(np.float32), (middle + half).astype(np.float32)]
        self.low, self.high = (np.asarray(e, float) for e in ends)
        self.names = [f"x{i + 1}" for i in range(self.d)]
        self.box = {n: (a, b) for n, a, b in zip(self.names, self.low.tolist(), self.high.tolist(), strict=True)}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        h = x if self.scaling is None else (x - self.scaling[0]) / self.scaling[1]
        for i, (w, b) in enumerate(self.layers):
            h = h @ w.T + b
            h = h if i == len(self.layers) - 1 else FUNCTIONS[self.activation][0](h)
        return h if self.scaling is None else h * self.scaling[3] + self.scaling[2]

    def exact(self, x: list[Any]) -> list[Any]:
        """The outputs at one point, to the digits of mpmath."""
        f, m = FUNCTIONS[self.activation][1], mpmath.mpf
        h = [m(v) if isinstance(v, float) else v for v in x]
        if self.scaling is not None:
            h = [
                (v - m(a)) / m(s) for v, a, s in zip(h, self.scaling[0].tolist(), self.scaling[1].tolist(), strict=True)
            ]
        for i, (w, b) in enumerate(self.layers):
            h = [mpmath.fdot(map(m, row), h) + m(c) for row, c in zip(w.tolist(), b.tolist(), strict=True)]
            h = h if i == len(self.layers) - 1 else [f(v) for v in h]
        if self.scaling is not None:
            h = [v * m(s) + m(a) for v, a, s in zip(h, self.scaling[2].tolist(), self.scaling[3].tolist(), strict=True)]
        return h

    def points(self, rng: np.random.Generator, n: int) -> np.ndarray:
        t = rng.random((n, self.d))
        t[: n // 3] = np.where(rng.random((n // 3, self.d)) < 0.7, np.round(t[: n // 3]), t[: n // 3])
        return np.clip(self.low + t * (self.high - self.low), self.low, self.high)

    def uphill(self, f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
        """The best of some points, and what a local search makes of it."""
        values = f(x)
        best = x[np.argsort(-values)[:3]]
        width = np.maximum(self.high - self.low, 1e-300)

        def inside(t: np.ndarray) -> np.ndarray:
            return np.clip(self.low + np.clip(t, 0, 1) * width, self.low, self.high)

        found = [scipy.optimize.minimize(lambda t: -float(f(inside(t)[None])[0]), (b - self.low) / width,
                                         method="Nelder-Mead", options={"maxfev": 150, "xatol": 1e-12, "fatol": 0}).x
                 for b in best]  # fmt: skip
        both = np.concatenate([best, *(inside(t)[None] for t in found)])
        return both[int(np.argmax(f(both)))]


def anything(rng: np.random.Generator, faults: Faults) -> None:
    """All claims of one random network."""
    s = Sampled(rng)
    x = s.points(rng, SAMPLE)
    factors = [1.0] if s.k == 1 else [1.0, float(rng.choice([0.0, -1.0, 0.5]))]
    i, j = int(rng.integers(s.d)), int(rng.integers(s.d))
    m = mpmath.mpf
    poly: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "0": (lambda p: 0 * p[..., 0], lambda p: 0),
        f"x{i + 1}*x{j + 1}": (lambda p: p[..., i] * p[..., j], lambda p: m(p[i]) * m(p[j])),
        f"x{i + 1}^3 - 0.25*x{j + 1}": (
            lambda p: p[..., i] ** 3 - 0.25 * p[..., j], lambda p: m(p[i]) ** 3 - m(p[j]) / 4,
        ),
    }  # fmt: skip
    text = str(rng.choice(list(poly)))
    names = ["y"] if s.k == 1 else ["y1", "y2"]
    left = " + ".join(f"({f!r})*{n}" for f, n in zip(factors, names, strict=True)) + f" - ({text})"

    def gap(p: np.ndarray) -> np.ndarray:
        return s(p) @ np.array(factors) - poly[text][0](p)

    def exact(p: np.ndarray) -> Any:
        return mpmath.fdot(map(mpmath.mpf, factors), s.exact(p.tolist())) - poly[text][1](p.tolist())

    words = (s.activation, s.dtype.__name__, [w.shape for w, _ in s.layers], s.scaling is not None, s.box)
    top = s.uphill(gap, x)
    reached = exact(top)
    size = float(abs(reached)) + float(np.abs(gap(x)).max())
    rounded = s.dtype == np.float32 and s.activation in ("gelu", "leaky_relu")  # whose constants are rounded
    slack = NEAR * size if rounded else 1e-25 * size
    for step in rng.choice([0.0, 1e-13, -1e-13, 1e-6, -1e-6, 0.1, -0.1, 1.0], 3, replace=False):
        threshold = float(reached) + float(step) * size
        sign = str(rng.choice(["<=", "<"]))
        relation = f"{left} {sign} {threshold!r}"
        found = verify(s.net, relation, s.box, time=SECONDS)
        if found.holds is True:
            faults.claim("relation", True, bool(reached - slack <= threshold), (relation, top, words))
        elif found.holds is False:
            assert found.at is not None
            at = np.array([found.at[n] for n in s.names])
            inside = bool((at >= s.low).all() and (at <= s.high).all())
            faults.claim("witness", inside and bool(exact(at) + slack > threshold), True, (relation, at, words))
        else:
            faults["relation: None"] += 1
    ends = float(min(gap(x))) - 0.1 * size, float(reached) + 0.1 * size
    both = f"{ends[0]!r} <= {left} <= {ends[1]!r}"
    found = verify(s.net, both, s.box, time=SECONDS)
    outside = found.at is not None and not ends[0] <= exact(np.array([found.at[n] for n in s.names])) <= ends[1]
    faults.claim("chain", found.holds, not outside, (both, found.at, words))
    # errors as it runs, and the distance of another network
    some = np.asarray(x, np.float64 if s.scaling is not None else s.dtype)
    running = np.abs(
        np.asarray(s.net(Tensor(some)).detach().numpy(), float) - poly[text][0](some.astype(float))[:, None]
    )
    proof = certify(s.net, [text] * s.k, s.box, mode="deployed", strict=False, time=SECONDS, boxes=200)
    inside = (some.astype(float) >= s.low).all(axis=1) & (some.astype(float) <= s.high).all(axis=1)
    faults.claim("running error", True, bool(running[inside].max() * (1 - 1e-13) <= proof.upper), words)
    other, moved = copy.deepcopy(s.net), copy.copy(s)
    w = list(other.parameters())[-2]
    w.assign(w.detach().numpy() * s.dtype(1.25))
    moved.layers = [*s.layers[:-1], (np.asarray(w.detach().numpy(), float), s.layers[-1][1])]
    proof = certify_pair(s.net, other, s.box, time=SECONDS)
    apart = float(np.abs(s(x) - moved(x)).max())
    pad = (NEAR if rounded else 1e-12) * float(np.abs(s(x)).max() + np.abs(moved(x)).max() + 1)
    faults.claim("pair", True, apart - pad <= proof.upper, (apart, proof.upper, words))
    # derivatives
    slopes = certify_slopes(s.net, s.box, time=SECONDS)
    steep = [
        np.array([[mpmath.diff(lambda t, p=p, a=a, k=k: s.exact([*p[:a], t, *p[a + 1 :]])[k], mpmath.mpf(p[a]))
                   for a in range(s.d)] for k in range(s.k)], float)
        for p in (p.tolist() for p in [top, *x[:STEEP]][:STEEP])
    ]  # fmt: skip
    for j_ in steep:
        near = 1e-6 * (1 + np.abs(j_)) if rounded else 1e-9 * (1 + np.abs(j_))
        fine = bool((j_ >= slopes.low - near).all() and (j_ <= slopes.high + near).all())
        faults.claim("slopes", True, fine, (j_, slopes.low, slopes.high, words))
        norm = float(np.sqrt((j_**2).sum()))
        faults.claim(
            "lipschitz", True, norm <= slopes.lipschitz[1] * (1 + 1e-6) + 1e-9, (norm, slopes.lipschitz, words)
        )
    p, q = s.points(rng, 2000), s.points(rng, 2000)
    q[1000:] = np.clip(p[1000:] + 1e-3 * (s.high - s.low) * rng.normal(size=(1000, s.d)), s.low, s.high)
    moved, apart = np.linalg.norm(s(p) - s(q), axis=1), np.linalg.norm(p - q, axis=1)
    pad = 1e-12 * (1 + np.abs(s(p)).max())  # of these values in float64, whose size may come of parts that cancel
    steepest = min(slopes.lipschitz[1], 1e300)  # infinity times 0 is no number
    faults.claim("lipschitz", True, bool((moved <= steepest * apart * (1 + 1e-6) + pad).all()), words)
    for a, name in enumerate(s.names):
        for k in range(s.k):
            rising = slopes.increasing(name, slopes.outputs[k])
            falling = slopes.decreasing(name, slopes.outputs[k])
            q = x.copy()
            q[:, a] = np.clip(x[:, a] + rng.random(len(x)) * (s.high[a] - s.low[a]), s.low[a], s.high[a])
            moved = s(q)[:, k] - s(x)[:, k]
            pad = 1e-9 * (1 + np.abs(s(x)[:, k]))
            if rising is True:
                faults.claim("increasing", True, bool((moved >= -pad).all()), words)
            if falling is True:
                faults.claim("decreasing", True, bool((moved <= pad).all()), words)


# --- networks that are made of the parts of a formula ---

TERMS = (
    "x*exp({c}*y)", "sin({c}*x + y)", "(x + {c}*y)^2", "x*y", "1/(x^2 + y^2 + {c})", "sqrt(x^2 + y + 4)",
    "log(x + {c}*y + 9)", "tanh(x - {c}*y)", "x*sin(pi*y + z)", "exp(-(x^2 + y^2)/2)", "x^2*y/(z + 5)", "cos(x*y)",
    "(x + 3)^1.5*(y + 4)^(-0.5)", "atan(x*y + {c})", "(x - y)*(z + {c}*x)",
)  # fmt: skip
CHANGES = ("none", "none", "ulp", "factor", "small", "swapped", "zero", "bias", "sign", "row", "formula")


def random_formula(rng: np.random.Generator) -> tuple[str, dict[str, tuple[float, float]]]:
    """A sum of one or two terms, sometimes inside a function, and a box."""
    letters = "xyzuvw"[: int(rng.choice([2, 2, 3, 4, 6]))]

    def term() -> str:
        found = str(rng.choice(TERMS)).format(c=rng.choice(["0.1", "0.3", "1.7", "pi", "1/3"]))
        to = dict(zip("xyz", rng.choice(list(letters), 3), strict=True))
        return re.sub(r"\b[xyz]\b", lambda m: to[m[0]], found)

    text = " + ".join(f"{rng.choice(['0.1', '1/3', '2'])}*({term()})" for _ in range(int(rng.integers(1, 3))))
    text = f"sin({text})" if rng.random() < 0.2 else text
    starts = {name: float(rng.choice([-1, -2, 0, 0.5])) for name in parse(text).variables}
    return text, {name: (a, a + float(rng.choice([0.5, 1, 2]))) for name, a in starts.items()}


def exact_formula(text: str, values: dict[str, Any]) -> Any:
    """Python's own reading of a formula, in numbers of mpmath."""
    functions = {n: getattr(mpmath, n) for n in ("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "pi")}
    written = re.sub(r"(?<![\w.])\d+(\.\d+)?(e-?\d+)?", lambda m: f"number('{m[0]}')", text).replace("^", "**")
    return eval(written, {**functions, "number": mpmath.mpf, "__builtins__": {}}, values)  # noqa: S307 - made here


def parts(rng: np.random.Generator, faults: Faults, digits: tuple[float, float] = (3, 12), boxes: int = 300) -> None:
    """The bound of a network that is made of the parts of a formula, or nearly so."""
    text, box = random_formula(rng)
    names, domain = list(box), Domain(box)
    if len(names) < 2:
        return
    f = parse(text, tuple(names))
    points = np.concatenate([sample(domain, 2000, "uniform", generator=rng), face_points(domain, 500, rng)])
    low, high = domain.low, domain.high
    with np.errstate(all="ignore"):
        made_of = composition_of([f], points)
        y = np.broadcast_to(f(*points.T), (len(points),))
        if made_of is None or made_of.depth > 5 or not np.isfinite(y).all():
            return
        scaling = [low / 2 + high / 2, (high - low) / 2, np.array([y.mean()]), np.array([max(y.std(), 1e-3)])]
        found = fitted(made_of, 10.0 ** -rng.uniform(*digits), Scaling(*scaling))
    if found is None or sum(len(b) for _, b in found[0]) > 400:
        return
    change, layers = str(rng.choice(CHANGES)), [(w.copy(), b.copy()) for w, b in found[0]]
    w, b = layers[rng.integers(len(layers))]
    at, small = tuple(rng.integers(n) for n in w.shape), 10.0 ** -rng.uniform(2, 12)
    if change == "ulp":
        w[at] = np.nextafter(w[at], np.inf)
    elif change == "swapped":
        w[[0, -1]], b[[0, -1]] = w[[-1, 0]], b[[-1, 0]]
    elif change == "bias":
        b[at[0]] += small
    elif change in ("sign", "row"):
        w[at[0]] *= -1 if change == "sign" else 1 + small
    elif change in ("factor", "small", "zero"):
        w[at] *= {"factor": 1.001, "small": 1 + small, "zero": 0.0}[change]
    elif change == "formula":
        text = f"{text} + {small!r}*{names[0]}"
        f = parse(text, tuple(names))
    s: Any = Sampled.__new__(Sampled)
    s.d, s.k, s.activation, s.layers, s.scaling = len(names), 1, "tanh", layers, scaling
    s.low, s.high, s.names, s.dtype = low, high, names, np.float32 if rng.random() < 0.3 else np.float64
    net: Any = nn.MLP(s.d, [len(b) for _, b in layers[:-1]], 1, activation="tanh", generator=0, dtype=s.dtype)
    for p, v in zip(net.parameters(), (v for layer in layers for v in layer), strict=True):
        p.assign(np.asarray(v, s.dtype))
    s.layers = [(np.asarray(w, s.dtype).astype(float), np.asarray(b, s.dtype).astype(float)) for w, b in layers]
    model = Scaled(net, *scaling, s.dtype)
    running = values_of(model)
    x = np.concatenate([s.points(rng, 3000), domain.corners()[:64]])
    places = {mode: s.uphill(lambda p, v=v: np.abs(v(p)[:, 0] - f(*p.T)), x)
              for mode, v in (("real", s), ("deployed", running))}  # fmt: skip
    for mode, place in places.items():
        proof = certify(model, text, domain, mode=mode, boxes=boxes, time=10 * SECONDS, rtol=0.05)
        point = [float(v) for v in place]
        value = s.exact(point)[0] if mode == "real" else mpmath.mpf(float(running(place[None])[0, 0]))
        error = abs(value - exact_formula(text, dict(zip(names, map(mpmath.mpf, point), strict=True))))
        code = getattr(proof.method, "code", "")
        faults.claim(
            f"{code} {change} {mode}", True, bool(error <= proof.upper), (text, box, s.dtype, error, proof.upper)
        )
        if proof.leaves is not None and proof.upper < np.inf and mode == "deployed":
            i = rng.integers(len(proof.leaves[0]))
            a, b, bound = (v[i] for v in proof.leaves)
            corners = np.clip(a + rng.integers(0, 3, (30, s.d)) / 2 * (b - a), a, b)
            near = np.abs(running(corners)[:, 0] - f(*corners.T)) - 1e-13 * (1 + np.abs(running(corners)[:, 0]))
            faults.claim("box", True, bool((near <= bound[0]).all()), (text, box, near.max(), bound))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no other network is begun")
    arguments = parser.parse_args()
    mpmath.mp.dps = 40
    for number in (signal.SIGINT, signal.SIGTERM):  # a proof takes Ctrl-C for itself: what is known by then is told
        signal.signal(number, lambda *_: sys.exit())
    faults = Faults()
    started = time.monotonic()
    done = 0
    with suppress(SystemExit):
        for i in range(arguments.networks):
            if time.monotonic() - started > arguments.seconds:
                break
            rng = np.random.default_rng([arguments.seed, i])
            (parts if i % 5 == 4 else exactly if i % 2 else anything)(rng, faults)
            done += 1
    print(*(f"{kind} {n}" for kind, n in sorted(faults.items())), sep="\n")
    asked = f" of {arguments.networks}" if done < arguments.networks else ""
    print(f"{done}{asked} networks, {faults['FALSE']} false claims, {time.monotonic() - started:.0f} s")
    return 1 if faults["FALSE"] else 0


if __name__ == "__main__":
    sys.exit(main())
