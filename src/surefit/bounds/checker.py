"""An independent checker of certificates: no search, no relaxation, nothing of the code that made them.

It reads the certificate, the recorded model and the formula, and proves the bound in its own way: the mean value form.
On a box with middle m, g = target - model satisfies |g| <= |g(m)| + sum sup |dg/dx_i| r_i, with values and derivatives
as float64 intervals, every one of them moved outward by PAD of itself. Boxes where that is not enough are cut, up to a
budget. It checks

- that the certificate speaks of this model: the bytes of all its numbers;
- that the lower bound is reached at the point that is given, inside the box;
- that the boxes of the file cover the domain without a gap, in exact rational arithmetic;
- that the upper bound holds on each of them.

Limits: real mode in full; in deployed mode the rounding of the model is bounded layer by layer, so that only well
conditioned models pass. What it cannot prove again it calls "not checked"; it never calls that a proof.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

PAD = 2.0**-49  # eight units in the last place: more than any rounding, and than NumPy's functions may be wrong
SMALL = 1e-290
Pair = tuple[np.ndarray, np.ndarray]  # low and high


@dataclass(frozen=True)
class Verdict:
    """holds: True (proved again), False (wrong), None (not checked to the end). why: in words."""

    holds: bool | None
    why: str
    boxes: int = 0

    def __str__(self) -> str:
        words = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}[self.holds]
        return f"certificate {words}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        return {"holds": self.holds, "why": self.why, "boxes": self.boxes}


def out(low: np.ndarray, high: np.ndarray) -> Pair:
    """Rounded outward; what is not a number is everything."""
    low, high = low - np.abs(low) * PAD - SMALL, high + np.abs(high) * PAD + SMALL
    return np.where(low == low, low, -np.inf), np.where(high == high, high, np.inf)


def times(a: Pair, b: Pair) -> Pair:
    products = [np.nan_to_num(x * y, nan=0.0) for x in a for y in b]
    infinite = ~np.isfinite(a[0] + a[1] + b[0] + b[1] + products[0])
    low, high = np.minimum.reduce(products), np.maximum.reduce(products)
    return out(np.where(infinite, -np.inf, low), np.where(infinite, np.inf, high))


def plus(a: Pair, b: Pair) -> Pair:
    return out(a[0] + b[0], a[1] + b[1])


def minus(a: Pair) -> Pair:
    return -a[1], -a[0]


class Jet:
    """Values (n, ...) and derivatives by the d inputs (d, n, ...), both as pairs; noise: what rounding may add."""

    def __init__(self, v: Pair, g: Pair) -> None:
        self.v, self.g = v, g

    def map(self, v: Pair, slope: Pair) -> Jet:
        return Jet(v, times(self.g, slope))


def point(x: Any) -> Jet:
    """A constant, which has no derivatives."""
    value, nothing = np.asarray(x, np.float64), np.zeros(())
    return Jet((value, value), (nothing, nothing))


def rise(fn: Any, x: Pair) -> Pair:
    return out(fn(x[0]), fn(x[1]))


def exp(x: Pair) -> Pair:
    low, high = rise(np.exp, x)
    return np.maximum(low, 0.0), high


def wave(x: Pair, shift: float) -> Pair:
    """sin(x + shift), by counting peaks; doubtful ones are counted."""
    lo, hi = x[0] + shift, x[1] + shift
    a, b = np.sin(lo), np.sin(hi)
    slack = 1e-14 * (np.abs(lo) + np.abs(hi) + 10.0)
    turn = 2 * math.pi
    top = np.floor((hi + slack - math.pi / 2) / turn) >= np.ceil((lo - slack - math.pi / 2) / turn)
    bottom = np.floor((hi + slack + math.pi / 2) / turn) >= np.ceil((lo - slack + math.pi / 2) / turn)
    wide = ~(np.abs(lo) + np.abs(hi) < 1e8)
    low, high = np.minimum(a, b) - slack, np.maximum(a, b) + slack
    return np.where(bottom | wide, -1.0, low), np.where(top | wide, 1.0, high)


def square(x: Pair) -> Pair:
    near = np.maximum(np.maximum(x[0], -x[1]), 0.0)
    far = np.maximum(np.abs(x[0]), np.abs(x[1]))
    low, high = out(near * near, far * far)
    return np.maximum(low, 0.0), high


def inverse(x: Pair) -> Pair:
    pole = ~((x[0] > 0) | (x[1] < 0))
    with np.errstate(all="ignore"):
        low, high = out(1.0 / x[1], 1.0 / x[0])
    return np.where(pole, -np.inf, low), np.where(pole, np.inf, high)


def shrink(x: Pair, least: float, most: float) -> Pair:
    return np.clip(x[0], least, most), np.clip(x[1], least, most)


ONE = (np.array(1.0), np.array(1.0))


def sigmoid(x: Pair) -> Pair:
    return inverse(plus(ONE, exp(minus(x))))


def unary(name: str, x: Jet) -> Jet:
    v = x.v
    if name == "neg":
        return Jet(minus(v), minus(x.g))
    if name == "sin":
        return x.map(wave(v, 0.0), wave(v, math.pi / 2))
    if name == "cos":
        return x.map(wave(v, math.pi / 2), minus(wave(v, 0.0)))
    if name == "exp":
        return x.map(exp(v), exp(v))
    if name == "tanh":
        y = shrink(rise(np.tanh, v), -1.0, 1.0)
        return x.map(y, shrink(plus(ONE, minus(square(y))), 0.0, 1.0))
    if name == "sigmoid":
        y = shrink(sigmoid(v), 0.0, 1.0)
        return x.map(y, times(y, plus(ONE, minus(y))))
    if name == "softplus":
        return x.map(rise(lambda t: np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t))), v), sigmoid(v))
    if name == "square":
        return x.map(square(v), times(v, (np.array(2.0), np.array(2.0))))
    if name == "relu":
        slope = (np.where(v[0] >= 0, 1.0, 0.0), np.where(v[1] <= 0, 0.0, 1.0))
        return x.map((np.maximum(v[0], 0.0), np.maximum(v[1], 0.0)), slope)
    if name == "abs":
        slope = (np.where(v[0] >= 0, 1.0, -1.0), np.where(v[1] <= 0, -1.0, 1.0))
        far = np.maximum(np.abs(v[0]), np.abs(v[1]))
        return x.map((np.maximum(np.maximum(v[0], -v[1]), 0.0), far), slope)
    if name == "log":
        with np.errstate(all="ignore"):
            low, high = rise(np.log, v)
        lost = ~(v[0] > 0)
        return x.map((np.where(lost, -np.inf, low), np.where(lost, np.inf, high)), inverse(v))
    if name == "sqrt":
        with np.errstate(all="ignore"):
            y = rise(np.sqrt, v)
        lost = ~(v[0] >= 0)
        y = np.where(lost, -np.inf, np.maximum(y[0], 0.0)), np.where(lost, np.inf, y[1])
        return x.map(y, times((np.array(0.5), np.array(0.5)), inverse(y)))
    if name == "erf":
        import scipy.special

        low, high = scipy.special.erf(v[0]) - 1e-14, scipy.special.erf(v[1]) + 1e-14
        bell = times(exp(minus(square(v))), (np.array(1.1283791670955125), np.array(1.1283791670955128)))
        return x.map((low, high), bell)
    raise NotImplementedError(name)


def binary(name: str, a: Jet, b: Jet) -> Jet:
    if name in ("add", "sub"):
        other = b if name == "add" else unary("neg", b)
        return Jet(plus(a.v, other.v), plus(a.g, other.g))
    if name == "mul":
        return Jet(times(a.v, b.v), plus(times(a.g, b.v), times(b.g, a.v)))
    if name == "div":
        one = inverse(b.v)
        return binary("mul", a, b.map(one, minus(square(one))))
    raise NotImplementedError(name)


MOVES = ("reshape", "transpose", "broadcast_to", "slice", "flip")


def model_jet(program: Any, x: Jet) -> Jet:
    """The recorded model on n boxes: x holds (n, ...) for its input (1, d); axis 0 is the boxes throughout."""
    n = x.v[0].shape[0]
    env: dict[str, Jet | np.ndarray] = {program.inputs[0].name: x}
    for t, v in program.state_in:
        env[v.name] = np.asarray(program._present(t), np.float64)

    def jet(a: Jet | np.ndarray) -> Jet:
        return a if isinstance(a, Jet) else point(a)

    for e in program.equations:
        name = e.op.name
        args = [env[a.name] if hasattr(a, "name") else np.asarray(a.value, np.float64) for a in e.args]
        if all(isinstance(a, np.ndarray) for a in args):
            if name not in MOVES and name != "cast":
                raise NotImplementedError(f"{name} of constants")
            env[e.result.name] = args[0] if name == "cast" else np.asarray(e.op.value(args[0], **e.params))
        elif name in MOVES:

            def moved(v: np.ndarray, lead: int, e: Any = e, full: Any = args[0]) -> np.ndarray:
                flat = v.reshape(-1, *v.shape[lead:])
                return np.stack([e.op.value(f, **e.params) for f in flat]).reshape(*v.shape[:lead], *e.result.shape)

            a = args[0]
            env[e.result.name] = Jet(tuple(moved(v, 1) for v in a.v), tuple(moved(v, 2) for v in a.g))  # type: ignore
        elif name == "cast":
            env[e.result.name] = args[0]
        elif name == "matmul":
            a, w = args
            if not isinstance(a, Jet) or isinstance(w, Jet):
                raise NotImplementedError("a product of this kind")
            positive, negative = np.maximum(w, 0.0), np.minimum(w, 0.0)
            pad = (w.shape[-2] + 4) * PAD

            def product(v: Pair, p: Any = positive, q: Any = negative, w: Any = w, pad: float = pad) -> Pair:
                size = np.maximum(np.abs(v[0]), np.abs(v[1])) @ np.abs(w) * pad + SMALL
                return v[0] @ p + v[1] @ q - size, v[1] @ p + v[0] @ q + size

            env[e.result.name] = Jet(product(a.v), product(a.g))
        elif len(args) == 1:
            env[e.result.name] = unary(name, jet(args[0]))
        else:
            env[e.result.name] = binary(name, jet(args[0]), jet(args[1]))
    y = env[program.outputs[0].name]
    assert isinstance(y, Jet)
    return Jet(tuple(v.reshape(n, -1) for v in y.v), tuple(v.reshape(len(v), n, -1) for v in y.g))  # type: ignore


def formula_jet(formula: Any, names: list[str], x: Jet) -> Jet:
    """A formula on boxes: variables are columns of x (n, d)."""
    values: list[Jet] = []
    for node in formula.nodes:
        args = [values[a] for a in node.args]
        if node.op == "variable":
            j = names.index(node.value)
            value = Jet(tuple(v[:, j] for v in x.v), tuple(v[:, :, j] for v in x.g))  # type: ignore[arg-type]
        elif node.op in ("number", "constant"):
            number = node.value if node.op == "number" else {"pi": math.pi, "e": math.e}[node.value]
            value = point([number])
            value.v = out(*value.v)  # the number that was written lies within a unit of its float
        elif node.op == "pow":
            n = formula.nodes[node.args[1]].value
            if formula.nodes[node.args[1]].op != "number" or round(n) != n or not 1 <= round(n) <= 8:
                raise NotImplementedError("a power that is not whole")
            value = args[0]
            for _ in range(round(n) - 1):
                value = binary("mul", value, args[0])
            if round(n) == 2:
                value = unary("square", args[0])
        elif len(args) == 1:
            value = unary(node.op, args[0])
        elif len(args) == 2:
            value = binary(node.op, *args)
        else:
            raise NotImplementedError(node.op)
        values.append(value)
    return values[-1]


def residual(program: Any, formulas: list[Any], names: list[str], low: np.ndarray, high: np.ndarray) -> Jet:
    """target - model on boxes (n, d): values (n, k), derivatives (d, n, k)."""
    n, d = low.shape
    g = np.broadcast_to(np.eye(d)[:, None, :], (d, n, d))
    x = Jet((low, high), (g, g))
    flat = Jet(tuple(v.reshape(n, 1, d) for v in x.v), tuple(v.reshape(d, n, 1, d) for v in x.g))  # type: ignore
    y = model_jet(program, flat)
    fs = [formula_jet(f, names, x) for f in formulas]
    shape_v, shape_g = y.v[0].shape[:1], y.g[0].shape[:2]
    f_v = tuple(np.stack([np.broadcast_to(f.v[i], shape_v) for f in fs], axis=-1) for i in (0, 1))
    f_g = tuple(np.stack([np.broadcast_to(f.g[i], shape_g) for f in fs], axis=-1) for i in (0, 1))
    return binary("sub", Jet(f_v, f_g), y)  # type: ignore[arg-type]


def covered(low: np.ndarray, high: np.ndarray, box: list[tuple[float, float]]) -> bool:
    """Whether boxes tile the domain: inside it, their volumes add up to it, and no two overlap."""

    def volume(ends: Any) -> Fraction:
        return math.prod((Fraction(b) - Fraction(a) for a, b in ends), start=Fraction(1))

    inside = all((low[:, i] >= a).all() and (high[:, i] <= b).all() for i, (a, b) in enumerate(box))
    if not inside or not (low < high).all():
        return False
    total = sum((volume(zip(a, b, strict=True)) for a, b in zip(low.tolist(), high.tolist(), strict=True)), Fraction(0))
    order = np.argsort(low[:, 0], kind="stable")
    low, high = low[order], high[order]
    for i in range(len(low)):
        j = i + 1
        end = np.searchsorted(low[:, 0], high[i, 0])
        if j < end and ((low[j:end] < high[i]) & (high[j:end] > low[i])).all(axis=1).any():
            return False
    return total == volume(box)


def check_certificate(path: str | Path, model: Any, budget: int = 400_000) -> Verdict:
    """Check a certificate file against a model. budget: boxes that are looked at before it is left unchecked."""
    from surefit.bounds.certificate import fingerprint, read_certificate  # files and bytes, no bounds
    from surefit.bounds.proving import program_of
    from surefit.formulas import parse

    data = read_certificate(path)
    names = list(data["domain"])
    box = [(float(a), float(b)) for a, b in data["domain"].values()]
    program = program_of(model, len(names))
    if fingerprint(program) != data["model_sha256"]:
        return Verdict(False, "it speaks of another model: the numbers of this one have another SHA-256")
    if data["error"]["status"] != "proved":
        return Verdict(None, "it claims no bound")
    upper, lower = float(data["error"]["upper"]), float(data["error"]["lower"])
    if not lower <= upper < math.inf:
        return Verdict(False if not lower <= upper else None, f"its bounds are {lower} and {upper}")
    formulas = [parse(text) for text in data["formulas"]]
    at = np.array([[data["error"]["at"][name] for name in names]])
    with np.errstate(all="ignore"):
        try:
            return _checked(data, program, formulas, names, box, lower, upper, at, budget)
        except NotImplementedError as missing:
            return Verdict(None, f"the checker does not know {missing}")


def _checked(
    data: Any, program: Any, formulas: Any, names: Any, box: Any, lower: float, upper: float, at: Any, budget: int
) -> Verdict:
    deployed = data["mode"] == "deployed"
    g = residual(program, formulas, names, at, at).v
    reached = np.maximum(np.abs(g[0]), np.abs(g[1])).max()  # the largest that the error may be there
    inside = all(a <= x <= b for x, (a, b) in zip(at[0], box, strict=True))
    if not inside or (not deployed and not reached >= lower):
        return Verdict(False, f"the error at the point that it gives is not {lower:.6g} but at most {reached:.6g}")
    if deployed:
        return Verdict(None, "its numbers are those of this model, but the rounding of the running one is not checked")
    if "leaves" in data:
        low, high = np.array(data["leaves"]["low"]), np.array(data["leaves"]["high"])
        if not covered(low, high, box):
            return Verdict(False, "its boxes do not cover the domain")
    else:
        low, high = np.array([[a for a, _ in box]]), np.array([[b for _, b in box]])
    looked, goal = 0, upper * (1.0 + 1e-12)
    while len(low):
        a, b = low[:256], high[:256]
        looked += len(a)
        m = np.clip(0.5 * a + 0.5 * b, a, b)
        whole, middle = residual(program, formulas, names, a, b), residual(program, formulas, names, m, m).v
        r = np.maximum(b - m, m - a).T[:, :, None] * (1 + PAD)
        reach = (np.maximum(np.abs(whole.g[0]), np.abs(whole.g[1])) * r).sum(axis=0) * (1 + 8 * PAD) + SMALL
        bound = np.maximum(np.abs(middle[0]), np.abs(middle[1])) + reach
        plain = np.maximum(np.abs(whole.v[0]), np.abs(whole.v[1]))
        ok = (np.fmin(bound, plain) <= goal).all(axis=1)  # NaN is not ok
        worse = (np.maximum(middle[0], -middle[1]) > goal).any(axis=1)
        if worse.any():
            return Verdict(False, f"the error near {m[worse][0].tolist()} is above its upper bound", looked)
        a, b, m = a[~ok], b[~ok], m[~ok]
        axis = np.argmax((b - a) * np.max(np.maximum(np.abs(whole.g[0]), np.abs(whole.g[1])), axis=2).T[~ok], axis=1)
        rows = np.arange(len(a))
        b1, a2 = b.copy(), a.copy()
        b1[rows, axis] = a2[rows, axis] = m[rows, axis]
        low, high = np.concatenate([low[256:], a, a2]), np.concatenate([high[256:], b1, b])
        if looked > budget or (len(a) and (b - a).max() < 1e-13):
            return Verdict(None, f"{len(low)} boxes were not proved again within {looked}", looked)
    return Verdict(True, f"the upper bound {upper:.6g} is proved again on {looked} boxes", looked)


__all__ = ["Verdict", "check_certificate"]
