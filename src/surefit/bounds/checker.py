"""An independent checker of certificates: no search, no relaxation, nothing of the code that made them.

It reads the certificate, the recorded model and the formula, and proves the bound in its own way: on a box, target -
model is a Taylor model (checker_arithmetic.py), at most the sum of its absolute coefficients and its remainder, into
which the roundings of the running model (checker_rounding.py) go in deployed mode. Boxes where that is not enough are
cut, until time is over. It checks

- that the certificate speaks of this model: the bytes of all its numbers;
- that the error may be as large as the lower bound at the point that is given, inside the box;
- that the boxes of the file cover the domain without a gap;
- that the upper bounds of all outputs, or a tolerance that is asked for, hold on each of them.

Nothing else in it is checked, such as the bounds of single boxes or its note. What it cannot prove again (an operation
that it does not know, errors near the rounding, too little time) it calls "not checked"; it never calls that a proof.
"""

from __future__ import annotations

import functools
import itertools
import math
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic as clock
from typing import Any

import numpy as np

from surefit.bounds.checker_arithmetic import PAD, PI, Condition, Space, Taylor, Unknown, basis, joined, where
from surefit.bounds.checker_rounding import REAL, UP, halves_of
from surefit.formulas import parse
from surefit.formulas.exact import literal


@dataclass(frozen=True)
class Verdict:
    """holds: True (proved again), False (wrong), None (not checked to the end). why: in words."""

    holds: bool | None
    why: str
    boxes: int = 0

    def __str__(self) -> str:
        words = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}[self.holds]
        return f"certificate {words}: {self.why}"


DEFINED = {  # functions by other ones, of x, y and z
    "abs": "relu(x) + relu(-x)", "square": "x*x", "max": "y + relu(x - y)", "min": "y - relu(y - x)",
    "clip": "min(max(x, y), z)", "pow": "exp(y*log(x))", "hypot": "sqrt(x*x + y*y)", "sinc": "sin(pi*x)/(pi*x)",
    "tan": "sin(x)/cos(x)", "cot": "cos(x)/sin(x)", "sec": "1/cos(x)", "csc": "1/sin(x)", "acos": "pi/2 - asin(x)",
    "asin": "atan(x/sqrt(1 - x*x))", "atan2": "2*atan(x/(hypot(x, y) + y))", "sinh": "(exp(x) - exp(-x))/2",
    "cosh": "(exp(x) + exp(-x))/2", "asinh": "log(x + sqrt(x*x + 1))", "acosh": "log(x + sqrt(x*x - 1))",
    "atanh": "(log(1 + x) - log(1 - x))/2", "exp2": "exp(x*log(2))", "expm1": "exp(x) - 1", "log1p": "log(1 + x)",
    "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "sigmoid": "(1 + tanh(x/2))/2", "softplus": "log(1 + exp(x))",
    "logaddexp": "y + softplus(x - y)", "erfc": "1 - erf(x)", "lt": "y - x", "le": "y - x", "gt": "x - y",
    "ge": "x - y", "and": "min(x, y)", "or": "max(x, y)", "not": "-x",
}  # fmt: skip
ALIASES = {"maximum": "max", "minimum": "min", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "if": "where"}
BENDS = {"relu", "abs", "max", "min", "clip", "where"}
COMPARING, JOINING, STEPS = ("lt", "le", "gt", "ge"), ("and", "or", "not"), ("floor", "ceil", "trunc", "sign")
MOVES = ("reshape", "transpose", "broadcast_to", "slice", "flip")


def plain(name: str) -> str:
    return ALIASES.get(name, name).removeprefix("logical_")


def value(name: str, args: Any) -> Taylor:
    """A function in exact arithmetic."""
    name = plain(name)
    if name == "where" and [isinstance(a, Condition) for a in args] == [True, False, False]:
        return where(*args)
    if any(isinstance(a, Condition) != (name in JOINING) for a in args):
        raise Unknown(f"{name} of a condition")
    if name in ("add", "sub", "mul", "neg"):
        return getattr(Taylor, f"__{name}__")(*args)
    if name == "div":
        return args[0] * args[1].through("reciprocal")
    if name in STEPS:
        return args[0].between(*map(getattr(np, name), args[0].ends()))
    if name not in DEFINED:
        return args[0].through(name)
    given = [Taylor(a.b, a.c, a.e) for a in args]
    if len(given) > 2 and name != "clip":
        given = [value(name, given[:-1]), given[-1]]
    result = formula_on(parse(DEFINED[name]), dict(zip("xyz", given, strict=False)))
    return Condition(result.b, result.c, result.e) if name in COMPARING + JOINING else result


def model_on(program: Any, x: Taylor, running: str | None) -> Taylor:
    """The recorded model on n boxes: x holds (n, 1, d). running: its order of sums."""
    env: Any = {v.name: np.asarray(program._present(t), REAL) for t, v in program.state_in}
    env[program.inputs[0].name] = x
    for e in program.equations:
        name, dtype = e.op.name, None if running is None else e.result.dtype
        args: Any = [env[a.name] if hasattr(a, "name") else np.asarray(a.value, REAL) for a in e.args]
        narrower = name == "cast" and e.result.dtype.itemsize < e.args[0].aval.dtype.itemsize
        first, constant = args[0], all(isinstance(a, np.ndarray) for a in args)
        if constant and name in MOVES:
            result: Any = np.asarray(e.op.value(first, **e.params))
        elif constant and name == "cast" and not (narrower and running):
            result = first
        elif name in MOVES and isinstance(first, Taylor):
            result = first.moved(lambda t, e=e: e.op.value(t, **e.params), *e.args[0].aval.shape)
        elif name == "cast" and type(first) is Taylor:
            result = first.rounded(float(narrower), dtype)
        elif name == "matmul" and type(first) is Taylor and isinstance(args[1], np.ndarray):
            result = first.product(args[1], dtype, running == "blocks")
        elif constant or e.params:
            raise Unknown(f"{name} here")
        else:
            result = value(name, [a if isinstance(a, Taylor) else x.constant(a) for a in args])
            if type(result) is Taylor and dtype is not None:
                result = result.rounded(halves_of(name, args, result, dtype, running), dtype)
        env[e.result.name] = result
    return env[program.outputs[0].name]


def constant_of(node: Any, text: str) -> tuple[Any, float]:
    """A number as it was written, and by how much it may be off."""
    exact = literal(node, text) if node.op == "number" else Fraction(0)
    first = float(exact)
    number = {"pi": PI, "e": np.exp(REAL(1))}.get(node.value, REAL(first) + REAL(float(exact - Fraction(first))))
    return [[number]], float(abs(number)) * PAD if exact != first or node.op == "constant" else 0.0


def formula_on(formula: Any, x: dict[str, Taylor]) -> Taylor:
    """A formula on boxes, its variables as (n, 1)."""
    values: list[Taylor] = []
    text = formula._text or ""
    for node in formula.nodes:
        args = [values[a] for a in node.args]
        power = formula.nodes[node.args[1]] if node.op == "pow" else node
        written = literal(power, text) if power.op == "number" else Fraction(0)
        if node.op == "variable":
            result = x[node.value]
        elif node.op in ("number", "constant"):
            result = next(iter(x.values())).constant(*constant_of(node, text))
        elif node.op == "compare":
            parts = [value(s, pair) for s, pair in zip(node.value, itertools.pairwise(args), strict=True)]
            result = functools.reduce(lambda p, q: value("and", (p, q)), parts)
        elif node.op == "pow" and written in range(1, 65):
            result = functools.reduce(Taylor.__mul__, args[:1] * int(written))
        elif node.op == "pow" and written in (-1, 0.5):
            result = args[0].through("reciprocal" if written < 0 else "sqrt")
        else:
            result = value(node.op, args)
        values.append(result)
    return values[-1]


def residual(
    program: Any, formulas: list[Any], names: list[str], low: Any, high: Any, running: str | None, degree: int = 1,
    shares: bool = False,
) -> Taylor:  # fmt: skip
    """target - model on boxes (n, d): (n, outputs)."""
    n, d = low.shape
    m, b = np.clip(0.5 * low + 0.5 * high, low, high), basis(d, degree)
    c = np.zeros((n, d, 1 + d), REAL)
    c[..., 0], c[:, np.arange(d), 1 + np.arange(d)] = m, np.maximum(high - m, m - low) * (1 + 2.0**-50)
    x = Taylor(Space(b, shares, b.size), c, np.zeros((n, d)))
    columns = {name: x.some([j]) for j, name in enumerate(names)}
    fs = [value("add", (formula_on(f, columns), columns[names[0]] * x.constant(0.0))) for f in formulas]
    y = model_on(program, x.shaped(1, d), running)
    return functools.reduce(joined, fs) - y.shaped(y.e[0].size)


def covered(low: np.ndarray, high: np.ndarray, box: list[tuple[float, float]]) -> bool:
    """Whether boxes tile the domain: just then their corners cancel, but for those of the domain.

    A corner counts 1 or -1, as the number of its lower ends is even or odd. So counted, they are the derivative of the
    indicator function of the box by all inputs, which no two functions have in common that are 0 far away.
    """
    a, b = np.array(box).T
    held = ~(a < b)  # inputs of one value
    if not ((low <= high).all() and (low[:, held] == a[held]).all() and (high[:, held] == b[held]).all()):
        return False
    if low.size << len(box) > 50_000_000:
        raise Unknown("so many boxes of so many inputs")
    sides: tuple[list[Any], list[Any]] = ([], [])
    for upper in itertools.product(*[(False,) if h else (False, True) for h in held]):
        sides[sum(upper) % 2].append(np.where(upper, high, low))
        sides[(sum(upper) + 1) % 2].append(np.where(upper, b, a)[None])
    one, other = (np.concatenate(s) for s in sides) if not held.all() else (low, a[None])
    return np.array_equal(one[np.lexsort(one.T)], other[np.lexsort(other.T)])


def check_certificate(path: str | Path, model: Any, tol: float | None = None, time: float | None = 60.0) -> Verdict:
    """Check a certificate file against a model.

    tol: proved in the place of a smaller upper bound. time: seconds after which it is left unchecked; None: none.
    """
    from surefit.bounds.certificate import described, fingerprint, read_certificate  # files and bytes, no bounds
    from surefit.bounds.proving import program_of

    data = read_certificate(path)
    names, box = list(data["domain"]), [(float(a), float(b)) for a, b in data["domain"].values()]
    program = program_of(model, len(names))
    if fingerprint(program) != data["model_sha256"]:
        return Verdict(False, "it speaks of another model: the numbers of this one have another SHA-256")
    if data.get("operations") and tuple(data["operations"]) != described(program):
        return Verdict(False, "it describes other operations than those of this model")
    if data["error"]["status"] != "proved" or data["mode"] not in ("real", "deployed"):
        return Verdict(None, "it claims no bound that is known here")
    upper, lower = float(data["error"]["upper"]), float(data["error"]["lower"])
    if not lower <= upper < math.inf:
        return Verdict(None if lower <= upper else False, f"its bounds are {lower} and {upper}")
    each, outputs = list(map(float, data["error"]["outputs"].values())), math.prod(program.outputs[0].aval.shape)
    formulas: list[Any] = []
    with suppress(ValueError):  # no formula of these inputs
        formulas = [parse(text, names) for text in data["formulas"]]
    if not (len(formulas) == len(each) == outputs and max(each) <= upper):
        return Verdict(False, "its formulas or the bounds of its outputs are not those of such a model")
    try:
        with np.errstate(all="ignore"):
            return _checked(data, program, formulas, names, box, np.fmax(each, tol or 0.0), time)
    except Unknown as missing:
        return Verdict(None, f"the checker does not know {missing}")


def _checked(data: Any, program: Any, formulas: Any, names: Any, box: Any, claims: Any, time: float | None) -> Verdict:
    until, d = math.inf if time is None else clock() + time, len(names)
    running = ("blocks" if data.get("in_blocks") else "any") if data["mode"] == "deployed" else None
    at, lower = np.array([[float(data["error"]["at"][n]) for n in names]]), float(data["error"]["lower"])
    size = [abs(float(f(*(at[0, names.index(v)] for v in f.variables)))) for f in formulas]
    degree, shares, rows = effort(program, formulas, d, claims.min() / max(1.0, *size))
    look = functools.partial(residual, program, formulas, names, running=running, shares=shares)
    reached = look(at, at).size.max()  # the largest that the error may be there
    if not all(a <= x <= b for x, (a, b) in zip(at[0], box, strict=True)) or not reached >= lower:
        return Verdict(False, f"the error at the point that it gives is not {lower:.6g} but at most {reached:.6g}")
    low, high = (np.array([[ends[i] for ends in box]]) for i in (0, 1))
    if data.get("leaves") is not None:
        low, high = np.array(data["leaves"]["low"]), np.array(data["leaves"]["high"])
        if not covered(low, high, box):
            return Verdict(False, "its boxes do not cover the domain")
    looked, claimed, domain = 0, claims * (1 + 1e-12), high.max(axis=0) - low.min(axis=0) + 1e-300
    goal = claimed  # rises where it cannot be proved
    while len(low):
        first, last = low[:rows], high[:rows]
        looked += len(first)
        g = look(first, last, degree=degree)
        ok = (g.size * UP <= goal).all(axis=1)  # NaN is not ok
        low, high, first, last, c, e = low[rows:], high[rows:], first[~ok], last[~ok], np.abs(g.c[~ok]), g.e[~ok]
        if ok.all():
            continue
        m = np.clip(0.5 * first + 0.5 * last, first, last)
        point = look(m, m)
        least = 2 * np.abs(point.c[..., 0]) - point.size
        if (worse := (least > claimed).any(axis=1)).any():
            return Verdict(False, f"the error near {m[worse][0].tolist()} is above the bound", looked)
        # cut where most of the polynomial comes from
        holds, wide = g.b.basis.holds[: c.shape[-1]], (last - first) / domain
        rest = (e + c[..., len(holds) :].sum(axis=-1)).max(axis=1)[:, None] * wide
        share = (c[..., : len(holds)] @ holds).max(axis=1) + rest
        axis = np.argmax(np.where(share < np.inf, share, wide), axis=1)
        i, b1, a2 = np.arange(len(first)), last.copy(), first.copy()  # which share the float that they are cut at
        b1[i, axis] = a2[i, axis] = m[i, axis]
        low, high = np.concatenate([low, first, a2]), np.concatenate([high, b1, last])
        most = point.size.max(axis=0)
        goal = np.where(most > goal, 1.01 * most, goal)  # however it is cut: see what can be proved
        if clock() > until or (last - first).max() < 1e-13 or not goal.max() < math.inf:
            return Verdict(None, f"{claims.max():.6g} was not proved on {looked} boxes; ask for a larger --tol", looked)
    words = f"is proved again on {looked} boxes{', with the rounding of the running model' * bool(running)}"
    if (higher := goal > claimed).any():
        claim, proved = claims[higher][0], goal[higher][0]
        return Verdict(None, f"not {claim:.6g} but {proved:.6g} {words}; ask for a larger --tol", looked)
    what = "tolerance" if claims.max() > float(data["error"]["upper"]) else "upper bound"
    return Verdict(True, f"the {what} {claims.max():.6g} {words}", looked)


def few_directions(program: Any, d: int) -> bool:
    """Whether the units of a first layer (h, d) see multiples of a few sums of the inputs."""
    for t, _ in program.state_in:
        w = np.asarray(program._present(t), np.float64)
        if w.ndim == 2 and w.shape[1] == d and len(w) > 4 * d and w.any(axis=1).all():
            rows = w / np.take_along_axis(w, np.abs(w).argmax(axis=1)[:, None], 1)
            return len(np.unique(np.round(rows, 6), axis=0)) <= len(w) // 4
    return False


def effort(program: Any, formulas: Any, d: int, claim: float) -> tuple[int, bool, int]:
    """What is fast, of the degree of polynomials, of whether many symbols are made, and of how many boxes at a time."""
    shapes = [e.args[1].aval.shape for e in program.equations if e.op.name == "matmul"]
    bends = {plain(e.op.name) for e in program.equations} & BENDS
    meets = {plain(n.op) for f in formulas for n in f.nodes} & BENDS or not any(f.variables for f in formulas)
    shares = bool(meets) if bends else d > 1 and (len(shapes) > 2 or few_directions(program, d))
    degree = max(2, int(2 - math.log10(min(1.0, max(1e-30, claim)))))  # one more for a digit more
    degree = min(degree, {1: 4 if bends else 14}.get(d, 2 if bends else 12))
    while math.comb(d + degree, d) > (100 if shares and d > 2 else 300) and degree > 1:
        degree -= 1
    work = [math.prod(s) * (2 + d) + s[-1] * (math.comb(d + degree, d) + 200 * shares) for s in shapes]
    return degree, shares, int(np.clip(2_000_000 // max(work, default=1), 1, 10_000))


__all__ = ["Verdict", "check_certificate"]
