"""An independent checker of certificates: no search, no relaxation, nothing of the code that made them.

It reads the certificate, the recorded model and the formula, and proves the bound in its own way: on a box, target -
model is a Taylor model (checker_arithmetic.py), at most the sum of its absolute coefficients and its remainder, into
which the roundings of the running model go in deployed mode. Boxes where that is not enough are cut, until time is
over. It checks

- that the certificate speaks of this model: the bytes of all its numbers;
- that the error may be as large as the lower bound at the point that is given, inside the box;
- that the boxes of the file cover the domain without a gap, in exact rational arithmetic;
- that the upper bounds of all outputs, or a tolerance that is asked for, hold on each of them.

Nothing else in it is checked, such as the bounds of single boxes or its note. What it cannot prove again (an operation
that it does not know, errors near the rounding, too little time) it calls "not checked"; it never calls that a proof.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic as clock
from typing import Any

import numpy as np

from surefit.bounds.checker_arithmetic import PAD, PI, REAL, SMALL, UNITS, UP, Taylor, Unknown, basis, value
from surefit.formulas.exact import literal
from surefit.ir.mathlib import MAX_ULP


@dataclass(frozen=True)
class Verdict:
    """holds: True (proved again), False (wrong), None (not checked to the end). why: in words."""

    holds: bool | None
    why: str
    boxes: int = 0

    def __str__(self) -> str:
        words = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}[self.holds]
        return f"certificate {words}: {self.why}"


HALVES = {"neg": 0.0, "relu": 0.0, "abs": 0.0, "square": 1.0, "sqrt": 1.0}  # half units of rounding
MOVES = ("reshape", "transpose", "broadcast_to", "slice", "flip")


def halves_of(name: str, dtype: Any, running: str | None) -> float:
    """Half units of rounding of a function: what the tests of a compiled one found, or four units of NumPy's."""
    known: Any = MAX_ULP.get(name, {})
    tested = known.get("f32" if dtype == np.float32 else "f64", 4.0)
    return HALVES.get(name, 2 * max(1.0, tested) if running == "blocks" else 8.0)


def harmless(name: str, by: Any) -> bool:
    """Whether nothing is rounded that does not leave the range: 0 is added, or the exponent alone is moved."""
    if isinstance(by, Taylor):
        return False
    return bool((by == 0).all() if name in ("add", "sub") else (np.abs(np.frexp(by)[0]) == 0.5).all())


def model_on(program: Any, x: Taylor, spare: Any, running: str | None) -> tuple[Taylor, Any]:
    """The recorded model on n boxes: x holds (n, 1, d). running: its order of sums.

    With it: how far (n, d) the inputs that it computes with may be from those that were given, at most `spare`.
    """
    off: Any = None
    env: Any = {v.name: np.asarray(program._present(t), REAL) for t, v in program.state_in}
    env[program.inputs[0].name] = x
    for k, e in enumerate(program.equations):
        name, dtype = e.op.name, None if running is None else e.result.dtype
        args: Any = [env[a.name] if hasattr(a, "name") else np.asarray(a.value, REAL) for a in e.args]
        narrower = name == "cast" and e.result.dtype.itemsize < e.args[0].aval.dtype.itemsize
        if all(isinstance(a, np.ndarray) for a in args):
            if name not in MOVES and (name != "cast" or (narrower and running is not None)):
                raise Unknown(f"{name} of constants")
            result: Any = args[0] if name == "cast" else np.asarray(e.op.value(args[0], **e.params))
        elif name in MOVES:
            result = args[0].moved(lambda t, e=e: e.op.value(t, **e.params), *e.args[0].aval.shape)
        elif name == "cast":
            result = args[0].rounded(float(narrower), dtype)
        elif name == "matmul" and isinstance(args[0], Taylor) and isinstance(args[1], np.ndarray):
            if off is None:  # the inputs that are meant are others than those that something else reads
                later = {getattr(a, "name", "") for q in program.equations[k:] for a in q.args} - {e.args[0].name}
                once = not any(isinstance(env.get(name), Taylor) for name in later)
                off, args[0] = meant(x, args[0], spare) if once else (np.zeros(spare.shape), args[0])
            result = args[0].product(args[1], dtype, running == "blocks")
        else:
            halves = halves_of(name, dtype, running) if len(args) == 1 else float(not harmless(name, args[1]))
            args = [a if isinstance(a, Taylor) else x.constant(a) for a in args]
            result = value(name, args).rounded(halves, dtype)
        env[e.result.name] = result
    return env[program.outputs[0].name], np.zeros(spare.shape) if off is None else off


def meant(x: Taylor, u: Taylor, spare: Any) -> tuple[Any, Taylor]:
    """Scaled inputs u, moved by rounding, are those of other inputs exactly: how far off these are, and u of them.

    So this rounding counts with the slope of the formula, and not with that of each unit.
    """
    i = np.arange(spare.shape[1])
    if u.c.shape == x.c.shape and spare.any():
        own = np.abs(u.c[:, 0, i, 1 + i])
        off = u.e[:, 0] * x.c[:, 0, i, 1 + i] / own * UP
        if (np.abs(u.c[..., 1:]).sum(axis=-1)[:, 0] == own).all() and (off <= spare).all():
            return off, Taylor(u.b, u.c, np.zeros_like(u.e))
    return np.zeros(spare.shape), u


def constant_of(node: Any, text: str) -> tuple[Any, float]:
    """A number as it was written, and by how much it may be off."""
    exact = literal(node, text) if node.op == "number" else Fraction(0)
    first = float(exact)
    number = {"pi": PI, "e": np.exp(REAL(1))}.get(node.value, REAL(first) + REAL(float(exact - Fraction(first))))
    return [number], float(abs(number)) * PAD if exact != first or node.op == "constant" else 0.0


def formula_on(formula: Any, x: dict[str, Taylor]) -> Taylor:
    """A formula on boxes: the values of its variables are (n, 1)."""
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
        elif node.op != "pow":
            result = value(node.op, args)
        elif written in range(1, 17):
            result = functools.reduce(Taylor.__mul__, args[:1] * int(written))
        elif written in (-1, 0.5):
            result = args[0].through("inverse" if written < 0 else "sqrt")
        else:
            result = (args[0].through("log") * args[1]).through("exp")
        values.append(result)
    return values[-1]


def residual(
    program: Any, formulas: list[Any], names: list[str], low: Any, high: Any, running: str | None, degree: int = 1
) -> Taylor:
    """target - model on boxes (n, d): (n, outputs)."""
    n, d = low.shape
    b, m = basis(d, degree), np.clip(0.5 * low + 0.5 * high, low, high)
    unit = max((UNITS.get(str(e.result.dtype), (0.0,))[0] for e in program.equations), default=0.0)
    spare = np.maximum(np.abs(low), np.abs(high)) * (32 * unit if running else 0.0)
    c, r = np.zeros((n, d, b.size), REAL), (np.maximum(high - m, m - low) + spare) * (1 + 2.0**-50)
    c[..., 0], c[:, np.arange(d), 1 + np.arange(d)] = m, r
    x = Taylor(b, c, np.zeros((n, d)))
    y, x.e = model_on(program, x.moved(lambda t: t.reshape(1, d), d), spare, running)
    columns = {name: x.moved(lambda t, j=j: t[j : j + 1], d) for j, name in enumerate(names)}
    fs = [formula_on(f, columns) + columns[names[0]] * x.constant(0.0) for f in formulas]
    f = Taylor(b, np.concatenate([f.c for f in fs], axis=1), np.concatenate([f.e for f in fs], axis=1))
    return f + -y.moved(np.ravel, *program.outputs[0].aval.shape)


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


def check_certificate(path: str | Path, model: Any, tol: float | None = None, time: float | None = 60.0) -> Verdict:
    """Check a certificate file against a model.

    tol: proved in the place of a smaller upper bound. time: seconds after which it is left unchecked; None: none.
    """
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
            return _checked(data, program, formulas, names, box, np.fmax(each, tol or 0.0), time)
    except Unknown as missing:
        return Verdict(None, f"the checker does not know {missing}")


def _checked(data: Any, program: Any, formulas: Any, names: Any, box: Any, claims: Any, time: float | None) -> Verdict:
    until = math.inf if time is None else clock() + time
    at, lower = np.array([[float(data["error"]["at"][n]) for n in names]]), float(data["error"]["lower"])
    running = ("blocks" if data.get("in_blocks") else "any") if data["mode"] == "deployed" else None
    look = functools.partial(residual, program, formulas, names, running=running)
    reached = look(at, at).size.max()  # the largest that the error may be there
    if not all(a <= x <= b for x, (a, b) in zip(at[0], box, strict=True)) or not reached >= lower:
        return Verdict(False, f"the error at the point that it gives is not {lower:.6g} but at most {reached:.6g}")
    low, high = np.array([[a for a, _ in box]]), np.array([[b for _, b in box]])
    if data.get("leaves") is not None:
        low, high = np.array(data["leaves"]["low"]), np.array(data["leaves"]["high"])
        if not covered(low, high, box):
            return Verdict(False, "its boxes do not cover the domain")
    d, kinks = len(names), any(e.op.name in ("relu", "abs") for e in program.equations)
    degree = max(k for k in range(1, 3 if kinks else 9) if k == 1 or math.comb(d + k, d) <= 36)
    b, values = basis(d, degree), [v for e in program.equations for v in (e.result, *(a.aval for a in e.args))]
    rows = max(1, 1_000_000 // (max((math.prod(v.shape) for v in values), default=1) * len(b.i)))
    looked, claimed, domain = 0, claims * (1 + 1e-12), high.max(axis=0) - low.min(axis=0) + SMALL
    goal = claimed  # rises where it cannot be proved
    while len(low):
        first, last = low[:rows], high[:rows]
        looked += len(first)
        g = look(first, last, degree=degree)
        ok = (g.size * UP <= goal).all(axis=1)  # NaN is not ok
        low, high, first, last = low[rows:], high[rows:], first[~ok], last[~ok]
        if ok.all():
            continue
        m = np.clip(0.5 * first + 0.5 * last, first, last)
        point = look(m, m)
        least = 2 * np.abs(point.c[..., 0]) - point.size
        if (worse := (least > claimed).any(axis=1)).any():
            return Verdict(False, f"the error near {m[worse][0].tolist()} is above the bound", looked)
        # cut where most of the polynomial comes from
        share = (np.abs(g.c[~ok]) @ b.holds).max(axis=1) + g.e[~ok].max(axis=1)[:, None] * (last - first) / domain
        axis = np.argmax(np.where(share < np.inf, share, (last - first) / domain), axis=1)
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


__all__ = ["Verdict", "check_certificate"]
