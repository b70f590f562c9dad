"""An independent checker of certificates: no search, no relaxation, nothing of the code that made them.

It reads the certificate, the recorded model and the formula, and proves the bound in its own way: the mean value form.
On a box with middle m, g = target - model satisfies |g| <= |g(m)| + sum sup |dg/dx_i| r_i, with values and derivatives
as float64 intervals, every one of them moved outward by PAD of itself. In deployed mode every value has a noise too: by
how much the running model may be off there, from the unit of its dtype and the slopes that it goes through.
Boxes where that is not enough are cut, up to a budget. It checks

- that the certificate speaks of this model: the bytes of all its numbers;
- that the error may be as large as the lower bound at the point that is given, inside the box;
- that the boxes of the file cover the domain without a gap, in exact rational arithmetic;
- that the upper bounds of all outputs, or a tolerance that is asked for, hold on each of them.

Nothing else in it is checked, such as the bounds of single boxes or its note. What it cannot prove again (an operation
that it does not know, errors near the rounding, too many boxes) it calls "not checked"; it never calls that a proof.
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
UNITS = {"float64": (2.0**-53, 2.0**-1022), "float32": (2.0**-24, 2.0**-126)}  # half a unit; what underflow may lose


@dataclass(frozen=True)
class Verdict:
    """holds: True (proved again), False (wrong), None (not checked to the end). why: in words."""

    holds: bool | None
    why: str
    boxes: int = 0

    def __str__(self) -> str:
        words = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}[self.holds]
        return f"certificate {words}: {self.why}"


class Span:
    """Intervals [low, high], arrays of them; what is not a number is everything. Results are rounded outward."""

    def __init__(self, low: Any, high: Any = None) -> None:
        self.low = np.asarray(low, np.float64)
        self.high = self.low if high is None else np.asarray(high, np.float64)

    def out(self) -> Span:
        low, high = self.low - np.abs(self.low) * PAD - SMALL, self.high + np.abs(self.high) * PAD + SMALL
        return Span(np.where(low == low, low, -np.inf), np.where(high == high, high, np.inf))

    def each(self, fn: Any) -> Span:
        return Span(fn(self.low), fn(self.high))

    def rise(self, fn: Any, least: float = -math.inf, greatest: float = math.inf) -> Span:
        return self.each(fn).out().each(lambda t: np.clip(t, least, greatest))

    @property
    def most(self) -> Any:
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def least(self) -> Any:
        return np.maximum(np.maximum(self.low, -self.high), 0.0)

    def __neg__(self) -> Span:
        return Span(-self.high, -self.low)

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high).out()

    def __mul__(self, other: Span) -> Span:
        a, b = self, other
        products = [np.nan_to_num(x * y, nan=0.0) for x in (a.low, a.high) for y in (b.low, b.high)]
        infinite = ~np.isfinite(a.low + a.high + b.low + b.high + products[0])
        low, high = np.minimum.reduce(products), np.maximum.reduce(products)
        return Span(np.where(infinite, -np.inf, low), np.where(infinite, np.inf, high)).out()

    def where(self, lost: Any) -> Span:
        return Span(np.where(lost, -np.inf, self.low), np.where(lost, np.inf, self.high))

    def inverse(self) -> Span:
        return Span(1.0 / self.high, 1.0 / self.low).out().where(~((self.low > 0) | (self.high < 0)))

    def square(self) -> Span:
        return Span(self.least**2, self.most**2).out().each(lambda t: np.maximum(t, 0.0))

    def exp(self) -> Span:
        return self.rise(np.exp, 0.0)

    def sigmoid(self) -> Span:
        return (ONE + (-self).exp()).inverse().rise(lambda t: t, 0.0, 1.0)

    def sin(self, shift: float = 0.0) -> Span:
        """sin(x + shift), by counting peaks; doubtful ones are counted."""
        lo, hi, turn = self.low + shift, self.high + shift, 2 * math.pi
        ends, slack = (np.sin(lo), np.sin(hi)), 1e-14 * (np.abs(lo) + np.abs(hi) + 10.0)
        top, bottom = (np.floor((hi + slack - p) / turn) >= np.ceil((lo - slack - p) / turn) for p in PEAKS)
        wide = ~(np.abs(lo) + np.abs(hi) < 1e8)
        low, high = np.minimum(*ends) - slack, np.maximum(*ends) + slack
        return Span(np.where(bottom | wide, -1.0, low), np.where(top | wide, 1.0, high))


ONE, TWO, PEAKS = Span(1.0), Span(2.0), (math.pi / 2, -math.pi / 2)


def function(name: str, v: Span) -> tuple[Span, Span]:
    """The value of a function of one number, and its slope, on intervals."""
    if name in ("neg", "square"):
        return (-v, -ONE) if name == "neg" else (v.square(), v * TWO)
    if name in ("sin", "cos"):
        return (v.sin(), v.sin(math.pi / 2)) if name == "sin" else (v.sin(math.pi / 2), -v.sin())
    if name == "exp":
        return v.exp(), v.exp()
    if name == "tanh":
        y = v.rise(np.tanh, -1.0, 1.0)
        return y, (ONE + -y.square()).rise(lambda t: t, 0.0, 1.0)
    if name == "sigmoid":
        return v.sigmoid(), v.sigmoid() * (ONE + -v.sigmoid())
    if name == "softplus":
        return v.rise(lambda t: np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t))), 0.0), v.sigmoid()
    if name in ("relu", "abs"):
        left = 0.0 if name == "relu" else -1.0  # the slope there
        slope = Span(np.where(v.low >= 0, 1.0, left), np.where(v.high <= 0, left, 1.0))
        return (v.each(lambda t: np.maximum(t, 0.0)) if name == "relu" else Span(v.least, v.most)), slope
    if name == "log":
        return v.rise(np.log).where(~(v.low > 0)), v.inverse()
    if name == "sqrt":
        y = v.rise(np.sqrt, 0.0).where(~(v.low >= 0))
        return y, Span(0.5) * y.inverse()
    if name == "erf":
        import scipy.special

        y = v.each(scipy.special.erf)
        return Span(y.low - 1e-14, y.high + 1e-14), (-v.square()).exp() * Span(1.1283791670955125, 1.1283791670955128)
    raise NotImplementedError(name)


HALVES = {"neg": 0.0, "relu": 0.0, "abs": 0.0, "square": 1.0, "sqrt": 1.0}  # half units of rounding; else `kernel`


@dataclass
class Jet:
    """v (n, ...): exact values; g (d, n, ...): derivatives by inputs; e (n, ...): how far running values are off."""

    v: Span
    g: Span
    e: Any = 0.0

    def rounded(self, halves: float, dtype: Any) -> Jet:
        """After a rounding of so many half units in a dtype; None: exact arithmetic."""
        if dtype is None or not halves:
            return self
        (u, tiny), size = UNITS[str(dtype)], self.v.most + self.e
        return Jet(self.v, self.g, np.where(size < 1e38, (self.e + halves * u * size) * (1 + PAD) + tiny, np.inf))

    def through(self, name: str, dtype: Any = None, kernel: float = 8.0) -> Jet:
        value, slope = function(name, self.v)
        result = Jet(value, self.g * slope)
        if np.any(self.e != 0):
            e = function(name, Span(self.v.low - self.e, self.v.high + self.e).out())[1].most * self.e * (1 + PAD)
            result.e = np.where(e == e, e, np.inf)
        return result.rounded(HALVES.get(name, kernel), dtype)

    def with_other(self, name: str, b: Jet, dtype: Any = None) -> Jet:
        a = self
        if name in ("add", "sub"):
            b = b if name == "add" else Jet(-b.v, -b.g, b.e)
            return Jet(a.v + b.v, a.g + b.g, (a.e + b.e) * (1 + PAD)).rounded(1.0, dtype)
        if name == "div":
            one, wide = b.v.inverse(), Span(b.v.low - b.e, b.v.high + b.e).out().inverse()
            e = one.most * wide.most * b.e * (1 + 4 * PAD) if np.any(b.e != 0) else 0.0
            b, name = Jet(one, b.g * -one.square(), e), "mul"
        if name == "mul":
            e = (a.v.most * b.e + b.v.most * a.e + a.e * b.e) * (1 + 4 * PAD)
            return Jet(a.v * b.v, a.g * b.v + b.g * a.v, np.where(e == e, e, np.inf)).rounded(1.0, dtype)
        raise NotImplementedError(name)

    def product(self, w: Any, dtype: Any, in_blocks: bool) -> Jet:
        """A matrix product with constants, summed in blocks of 16 or in any order."""
        up, down, n = np.maximum(w, 0.0), np.minimum(w, 0.0), w.shape[-2]

        def of(v: Span) -> Span:
            size = v.most @ np.abs(w) * ((n + 4) * PAD) + SMALL
            return Span(v.low @ up + v.high @ down - size, v.high @ up + v.low @ down + size)

        result = Jet(of(self.v), of(self.g))
        if dtype is not None:
            u, tiny = UNITS[str(dtype)]
            nu = u * (min(n, 16) + -(-n // 16) - 1 if in_blocks else n)  # the first of a block is added to nothing
            size, e = self.v.most + self.e, np.broadcast_to(self.e, self.v.low.shape)
            e = (e + (nu / (1 - nu) if nu < 0.5 else np.inf) * size) @ np.abs(w) * (1 + (n + 4) * PAD) + (n + 2) * tiny
            result.e = np.where(size @ np.abs(w) < 1e38, e, np.inf)
        return result

    def each(self, fn: Any) -> Jet:
        """fn(array, how many axes come before those of the value)."""
        e = fn(np.broadcast_to(self.e, self.v.low.shape), 1)
        return Jet(self.v.each(lambda t: fn(t, 1)), self.g.each(lambda t: fn(t, 2)), e)


def constant(x: Any) -> Jet:
    return Jet(Span(x), Span(0.0))


MOVES = ("reshape", "transpose", "broadcast_to", "slice", "flip")


def model_jet(program: Any, x: Jet, running: str | None) -> Jet:
    """The recorded model on n boxes: x holds (n, ...) for its input (1, d). running: its order of sums."""
    env: Any = {v.name: np.asarray(program._present(t), float) for t, v in program.state_in}
    env[program.inputs[0].name] = x
    kernel = 4.0 if running == "blocks" else 8.0  # two units in the last place of a compiled one, four of NumPy's
    for e in program.equations:
        name, dtype = e.op.name, None if running is None else e.result.dtype
        args: Any = [env[a.name] if hasattr(a, "name") else np.asarray(a.value, np.float64) for a in e.args]
        narrower = name == "cast" and e.result.dtype.itemsize < e.args[0].aval.dtype.itemsize

        def moved(t: Any, lead: int, e: Any = e) -> Any:
            if t.ndim <= lead:
                return t
            places = e.op.value(np.arange(math.prod(t.shape[lead:])).reshape(t.shape[lead:]), **e.params)
            return t.reshape(*t.shape[:lead], -1)[..., places]

        if all(isinstance(a, np.ndarray) for a in args):
            if name not in MOVES and (name != "cast" or (narrower and running is not None)):
                raise NotImplementedError(f"{name} of constants")
            result: Any = args[0] if name == "cast" else np.asarray(e.op.value(args[0], **e.params))
        elif name in MOVES:
            result = args[0].each(moved)
        elif name == "cast":
            result = args[0].rounded(float(narrower), dtype)
        elif name == "matmul" and isinstance(args[0], Jet) and isinstance(args[1], np.ndarray):
            result = args[0].product(args[1], dtype, running == "blocks")
        else:
            first, *others = (a if isinstance(a, Jet) else constant(a) for a in args)
            result = first.with_other(name, others[0], dtype) if others else first.through(name, dtype, kernel)
        env[e.result.name] = result
    return env[program.outputs[0].name].each(lambda t, lead: t.reshape(*t.shape[:lead], -1))


def formula_jet(formula: Any, names: list[str], x: Jet) -> Jet:
    """A formula on boxes: variables are columns of x (n, d)."""
    values: list[Jet] = []
    for node in formula.nodes:
        args = [values[a] for a in node.args]
        if node.op == "variable":
            j = names.index(node.value)
            value = Jet(x.v.each(lambda t, j=j: t[:, j]), x.g.each(lambda t, j=j: t[:, :, j]))
        elif node.op in ("number", "constant"):
            value = constant([node.value if node.op == "number" else {"pi": math.pi, "e": math.e}[node.value]])
            value.v = value.v.out()  # the number that was written lies within a unit of its float
        elif node.op == "pow":
            n = formula.nodes[node.args[1]].value if formula.nodes[node.args[1]].op == "number" else math.nan
            value = args[0].through("sqrt" if n == 0.5 else "square") if n in (0.5, 2) else args[0]
            if n not in (0.5, 1, 2, 3, 4, 5, 6, 7, 8):
                raise NotImplementedError("a power that is not whole")
            for _ in range(0 if n <= 2 else round(n) - 1):
                value = value.with_other("mul", args[0])
        else:
            value = args[0].through(node.op) if len(args) == 1 else args[0].with_other(node.op, args[1])
        values.append(value)
    return values[-1]


def residual(program: Any, formulas: list[Any], names: list[str], low: Any, high: Any, running: str | None) -> Jet:
    """target - model on boxes (n, d)."""
    n, d = low.shape
    x = Jet(Span(low, high), Span(np.broadcast_to(np.eye(d)[:, None, :], (d, n, d))))
    y = model_jet(program, x.each(lambda t, lead: t.reshape(*t.shape[:lead], 1, d)), running)
    fs = [formula_jet(f, names, x).each(lambda t, lead: np.broadcast_to(t, (d, n)[2 - lead :])) for f in formulas]
    v, g = (Span(*(np.stack([getattr(getattr(f, p), s) for f in fs], axis=-1) for s in ("low", "high"))) for p in "vg")
    return Jet(v, g).with_other("sub", y)


# --- the certificate ---


def covered(low: np.ndarray, high: np.ndarray, box: list[tuple[float, float]]) -> bool:
    """Whether boxes tile the domain: inside it, their volumes add up to it, and no two overlap."""

    def volume(ends: Any) -> Fraction:
        return math.prod((Fraction(b) - Fraction(a) for a, b in ends), start=Fraction(1))

    inside = all(((a <= u) & (u <= v) & (v <= b)).all() for u, v, (a, b) in zip(low.T, high.T, box, strict=True))
    wide = [i for i, (a, b) in enumerate(box) if a < b]  # the others have one value
    low, high, box = low[:, wide], high[:, wide], [box[i] for i in wide]
    if not inside or not wide or not (low < high).all():
        return inside and not wide and len(low) == 1
    total = sum((volume(zip(a, b, strict=True)) for a, b in zip(low.tolist(), high.tolist(), strict=True)), Fraction(0))
    order = np.argsort(low[:, 0], kind="stable")
    low, high = low[order], high[order]
    for i in range(len(low)):
        j, end = i + 1, np.searchsorted(low[:, 0], high[i, 0])
        if j < end and ((low[j:end] < high[i]) & (high[j:end] > low[i])).all(axis=1).any():
            return False
    return total == volume(box)


def check_certificate(path: str | Path, model: Any, budget: int = 400_000, tol: float | None = None) -> Verdict:
    """Check a certificate file against a model. budget: of boxes. tol: proved in the place of a smaller upper bound."""
    from surefit.bounds.certificate import fingerprint, read_certificate  # files and bytes, no bounds
    from surefit.bounds.proving import program_of
    from surefit.formulas import parse

    data = read_certificate(path)
    names, box = list(data["domain"]), [(float(a), float(b)) for a, b in data["domain"].values()]
    program = program_of(model, len(names))
    if fingerprint(program) != data["model_sha256"]:
        return Verdict(False, "it speaks of another model: the numbers of this one have another SHA-256")
    if data["error"]["status"] != "proved" or data["mode"] not in ("real", "deployed"):
        return Verdict(None, "it claims no bound that is known here")
    upper, lower = float(data["error"]["upper"]), float(data["error"]["lower"])
    if not lower <= upper < math.inf:
        return Verdict(None if lower <= upper else False, f"its bounds are {lower} and {upper}")
    formulas, each = [parse(text) for text in data["formulas"]], list(map(float, data["error"]["outputs"].values()))
    outputs, foreign = math.prod(program.outputs[0].aval.shape), {v for f in formulas for v in f.variables} - set(names)
    if foreign or not (len(formulas) == len(each) == outputs and max(each) <= upper):
        return Verdict(False, "its formulas or the bounds of its outputs are not those of such a model")
    try:
        with np.errstate(all="ignore"):
            return _checked(data, program, formulas, names, box, np.fmax(each, tol or 0.0), budget)
    except NotImplementedError as missing:
        return Verdict(None, f"the checker does not know {missing}")


def _checked(data: Any, program: Any, formulas: Any, names: Any, box: Any, goals: Any, budget: int) -> Verdict:
    at, lower = np.array([[float(data["error"]["at"][n]) for n in names]]), float(data["error"]["lower"])
    running = ("blocks" if data.get("in_blocks") else "any") if data["mode"] == "deployed" else None
    g = residual(program, formulas, names, at, at, running)
    reached = (g.v.most + g.e).max()  # the largest that the error may be there
    if not all(a <= x <= b for x, (a, b) in zip(at[0], box, strict=True)) or not reached >= lower:
        return Verdict(False, f"the error at the point that it gives is not {lower:.6g} but at most {reached:.6g}")
    low, high = np.array([[a for a, _ in box]]), np.array([[b for _, b in box]])
    if data.get("leaves") is not None:
        low, high = np.array(data["leaves"]["low"]), np.array(data["leaves"]["high"])
        if not covered(low, high, box):
            return Verdict(False, "its boxes do not cover the domain")
    looked, goal, upper = 0, goals * (1.0 + 1e-12), goals.max()
    while len(low):
        a, b = low[:256], high[:256]
        looked += len(a)
        m = np.clip(0.5 * a + 0.5 * b, a, b)
        whole, middle = (residual(program, formulas, names, u, v, running) for u, v in ((a, b), (m, m)))
        r = np.maximum(b - m, m - a).T[:, :, None]
        reach = (whole.g.most * r).sum(axis=0) * (1 + (2 * len(r) + 8) * PAD) + SMALL
        bound = np.fmin(middle.v.most + reach, whole.v.most) + whole.e
        ok = (bound * (1 + PAD) <= goal).all(axis=1)  # NaN is not ok
        if (worse := (middle.v.least - middle.e > goal).any(axis=1)).any():
            return Verdict(False, f"the error near {m[worse][0].tolist()} is above its upper bound", looked)
        a, b, m = a[~ok], b[~ok], m[~ok]
        axis = np.argmax((b - a) * np.max(whole.g.most, axis=2).T[~ok], axis=1)
        rows, b1, a2 = np.arange(len(a)), b.copy(), a.copy()  # which share the float that they are cut at
        b1[rows, axis] = a2[rows, axis] = m[rows, axis]
        low, high = np.concatenate([low[256:], a, a2]), np.concatenate([high[256:], b1, b])
        hopeless = (len(a) and (b - a).max() < 1e-13) or (middle.v.least + middle.e > goal).any()  # however it is cut
        if looked > budget or hopeless:
            return Verdict(None, f"{upper:.6g} was not proved on {looked} boxes; ask for a larger --tol", looked)
    what = "tolerance" if upper > float(data["error"]["upper"]) else "upper bound"
    words = f"{upper:.6g} is proved again on {looked} boxes{', with the rounding of the running model' * bool(running)}"
    return Verdict(True, f"the {what} {words}", looked)


__all__ = ["Verdict", "check_certificate"]
