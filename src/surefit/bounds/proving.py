"""`certify`: the largest error of a model over a box, proved from both sides."""

from __future__ import annotations

import copy
import math
import time as clock
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from surefit.bounds import balls, composed, kinks, pieces, residuals, taylor
from surefit.bounds.affine import Form, form_of
from surefit.bounds.branch import (
    Bounder,
    Found,
    Lines,
    Polynomials,
    branch_and_bound,
    point_bounds,
    search_points,
)
from surefit.bounds.cells import Allowance
from surefit.bounds.certificate import Certificate, Proved, Undefined, described, fingerprint, named
from surefit.bounds.interval import TRUST, TRUST_SPECIAL
from surefit.bounds.network import Network, lowered
from surefit.bounds.noise import running_noise
from surefit.bounds.relax import Relaxation
from surefit.checking import is_real
from surefit.core.modes import no_grad
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.errors import ArgumentError, FormulaError, ShapeError
from surefit.formulas import Formula, parse
from surefit.formulas.expression import Expression
from surefit.keywords import naming
from surefit.sentences import Sentence, say

MODES = ("real", "deployed")
PLAIN = frozenset(
    "number constant variable add sub mul div neg abs sqrt square min max pow compare if and or not".split()
)


@dataclass(frozen=True)
class Subject:
    """What is to be proved: a network, its targets, and the box."""

    program: Program
    net: Network
    formulas: tuple[Expression, ...]  # of the variables of the domain, in its order
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def target(self, low: np.ndarray, high: np.ndarray) -> list[Form]:
        """The formulas on boxes (n, d)."""
        return [_form(f, self.names, low, high) for f in self.formulas]

    def residual(self, x: np.ndarray) -> np.ndarray:
        """|target - model| at points (n, d) in float64, the largest of the outputs; no claim."""
        with np.errstate(all="ignore"):
            return np.asarray(np.abs(self.values(x) - self.net(x)).max(axis=1))

    @np.errstate(all="ignore")
    def values(self, x: np.ndarray) -> np.ndarray:
        """The formulas (n, k) at points (n, d) in float64; no claim."""
        of = dict(zip(self.names, x.T, strict=True))
        return np.stack([np.broadcast_to(f(*(of[v] for v in f.variables)), (len(x),)) for f in self.formulas], axis=1)


def _form(f: Expression, names: tuple[str, ...], low: np.ndarray, high: np.ndarray) -> Form:
    columns = [names.index(v) for v in f.variables]
    if columns == list(range(len(names))):
        return form_of(f, low, high)
    form = form_of(f, low[:, columns], high[:, columns])
    g = np.zeros((len(low), len(names)))
    for j, column in enumerate(columns):
        g[:, column] = form.g[:, j]
    return Form(form.c, g, form.rho, form.range)


@naming
def certify(
    model: Any,
    target: Any = None,
    domain: Any = None,
    *,
    rtol: float = 0.01,
    time: float | None = 60.0,
    boxes: int | None = None,
    tol: float | None = None,
    mode: str = "real",
    values: Callable[[np.ndarray], np.ndarray] | None = None,
    strict: bool = True,
    outputs: Sequence[str] | None = None,
    progress: Callable[[float, float], None] | None = None,
    seed: int = 0,
) -> Certificate:
    """Prove how large the error of a model is: lower <= max |target - model| <= upper, for every point of the box.

    Args:
        model: a surefit Module that maps points (n, d) to values (n, k), or the Program of one evaluation, (1, d) ->
            (1, k). Linear maps and any elementwise ReLU, leaky ReLU, ELU, clip, abs, max, tanh, sigmoid, softplus,
            GELU, SiLU, sine, ...; whatever else is refused by name.
        target: a formula (text or Formula) for each output. Its numbers are meant as they are written: 0.1 is a
            tenth.
        domain: the box, in any form that `Domain` takes. An end given as a text that is not a float (2*pi) is enclosed.
            An input may be held at one value, as x in "x=2:2, y=0:1".
        rtol: the search ends when upper <= lower (1 + rtol).
        time: seconds after which it ends with what is proved by then. None: when it is done.
        boxes: how many are looked at, after which it ends too; unlike seconds the same on every machine.
        tol: a tolerance to decide: the search ends as soon as it is proved. Where a point disproves it, the bounds are
            brought together as without one.
        mode: "real", the model in exact arithmetic on its stored numbers; "deployed", the floating-point program that
            runs, with the rounding of every operation, in the order of sums of strict mode (`strict`), or any order.
        values: what the running model gives at points, for the lower bound of the deployed mode, and in strict mode for
            the upper bound where there are few floats.
        progress: called with (lower, upper) after every round.

    Returns:
        A `Certificate`; its `error` is `Proved` or, where the target has no value, `Undefined`.

    Raises:
        Unsupported: the model has an operation that no bound goes through. FormulaError, DomainError, ArgumentError.

    >>> from surefit import nn
    >>> import numpy as np
    >>> net = nn.Sequential(nn.Linear(1, 2, dtype=np.float64), nn.ReLU(), nn.Linear(2, 1, dtype=np.float64))
    >>> for name, p in net.named_parameters():  # |x| = relu(x) + relu(-x)
    ...     _ = p.assign(np.array({"0.weight": [[1.0], [-1.0]], "2.weight": [[1.0, 1.0]]}.get(name, np.zeros(p.shape))))
    >>> proof = certify(net, "x^2", "x=-1:1")
    >>> print(proof.error)
    proved: max |error| <= 0.25..., and >= 0.2... at x=...
    """
    limits: dict[str, Any] = dict(rtol=rtol, time=time, boxes=boxes, tol=tol, progress=progress, seed=seed)
    return decided(
        model, target, domain, mode=mode, values=values, strict=strict, outputs=outputs, to_the_end=True, **limits
    )


def decided(
    model: Any, target: Any, domain: Any, *, rtol: float = 0.01, time: float | None = 60.0, boxes: int | None = None,
    tol: float | None = None, mode: str = "real", values: Callable[[np.ndarray], np.ndarray] | None = None,
    strict: bool = True, outputs: Sequence[str] | None = None, progress: Callable[[float, float], None] | None = None,
    seed: int = 0, to_the_end: bool = False,
) -> Certificate:  # fmt: skip
    """What `certify` gives, which ends as soon as a point disproves the tolerance too, unless it goes on to the end."""
    started = clock.monotonic()
    _check(rtol, time, tol, mode, boxes)
    if progress is not None and not callable(progress):
        raise ArgumentError(f"certify: progress={progress!r} must be a function of (lower, upper), or None")
    subject = subject_of(model, target, domain, mode, strict, outputs)
    deadline = math.inf if time is None else started + time
    found, method, arb = _prove(subject, mode, rtol, tol, deadline, boxes, values, progress, seed, strict, to_the_end)
    return _certificate(subject, found, method, mode, strict, rtol, tol, clock.monotonic() - started, arb)


def _check(rtol: float, time: float | None, tol: float | None, mode: str, boxes: int | None) -> None:
    if mode not in MODES:
        raise ArgumentError(f"certify: mode={mode!r} must be 'real' or 'deployed'")
    for name, value in (("rtol", rtol), ("time", time), ("tol", tol), ("boxes", boxes)):
        if value is not None and not (is_real(value) and value > 0):
            raise ArgumentError(f"certify: {name}={value!r} must be a number above 0")


def subject_of(
    model: Any, target: Any, domain: Any, mode: str, strict: bool = True, outputs: Sequence[str] | None = None
) -> Subject:
    """What is to be proved, with everything checked."""
    if domain is None:
        own = " (a fit has its own: fit.certify())" if hasattr(model, "certify") else ""
        raise ArgumentError(f"certify: domain= is missing{own}; give the box of the claim, such as {{'x': (-2, 2)}}")
    formulas = _formulas(target, _named_inputs(domain))
    box, low, high = _box(domain, formulas)
    foreign = sorted({v for f in formulas for v in f.used} - set(box.names))
    if foreign:
        raise ArgumentError(
            f"certify: the target depends on {', '.join(foreign)}, which the domain {box} does not name"
        )
    program = program_of(model, box.dim)
    net = lowered(program, None if mode != "deployed" else _compiled_ulps if strict else _any_ulps, strict)
    if net.inputs != box.dim:
        raise ShapeError(f"certify: the model takes {net.inputs} inputs, the domain {box} has {box.dim}")
    if net.outputs != len(formulas):
        raise ShapeError(f"certify: the model gives {net.outputs} outputs for {len(formulas)} formulas")
    names = tuple(outputs or (("y",) if len(formulas) == 1 else tuple(f"y{i + 1}" for i in range(len(formulas)))))
    return Subject(program, net, formulas, box.names, names, low, high)


def _named_inputs(domain: Any) -> tuple[str, ...] | None:
    """The names that a domain gives to its inputs; None where it gives none."""
    if isinstance(domain, Domain):
        return domain.names
    return Domain(domain, fixed=True).names if Domain.is_named(domain) else None


def _read(text: str, names: tuple[str, ...] | None) -> Formula:
    """A formula of these inputs, which win over constants of the same name, as e."""
    try:
        return parse(text, names)
    except FormulaError:
        if names is None:
            raise
        return parse(text)  # of other inputs, which are named in an error of their own


def _formulas(target: Any, names: tuple[str, ...] | None = None) -> tuple[Expression, ...]:
    if target is None:
        raise ArgumentError("certify: what should the model be? Give a formula, such as 'sin(x)'")
    if isinstance(target, (str, Expression)):
        target = [target]
    found: list[Expression] = []
    for f in target:
        if isinstance(f, Formula):
            found.append(f)
        elif isinstance(f, str):
            found.append(_read(f, names))
        elif isinstance(f, Expression):
            found.append(f)
        else:
            raise FormulaError(f"certify: target={f!r} must be a formula; of a Python function nothing can be proved")
    return tuple(found)


def _box(domain: Any, formulas: Sequence[Expression]) -> tuple[Domain, np.ndarray, np.ndarray]:
    """The domain, and its ends: where one was given as a text that is no float exactly, the next float outside."""
    used = sorted({v for f in formulas for v in f.variables})
    box = box_of(domain, used)
    low, high = box.low.copy(), box.high.copy()
    for i, (a, b) in enumerate(_given_ends(domain, box)):
        low[i], high[i] = _enclosed(a, low[i], -math.inf), _enclosed(b, high[i], math.inf)
    return box, low, high


def box_of(domain: Any, names: Sequence[str] = ()) -> Domain:
    """The box of a claim, its ends in floats; an input may be held at one value.

    names: of the inputs where the domain names none; else x.
    """
    if isinstance(domain, Domain):
        return domain
    return Domain(domain, None if Domain.is_named(domain) else list(names) or ["x"], fixed=True)


def with_ends(domain: Domain, other: Any) -> Domain:
    """The domain with the ends of some of its inputs as another box has them.

    >>> print(with_ends(Domain("x=0:1, y=0:1"), "y=0.5:0.5"))
    x=0:1, y=0.5:0.5
    """
    changed = box_of(other, domain.names)
    if unknown := sorted(set(changed.names) - set(domain.names)):
        raise ArgumentError(
            f"certify: {unknown[0]!r} of the box {changed} is no input; they are {', '.join(domain.names)}"
        )
    ends = dict(zip(domain.names, domain.bounds, strict=True)) | dict(zip(changed.names, changed.bounds, strict=True))
    return Domain(ends, fixed=True)


def _given_ends(domain: Any, box: Domain) -> list[tuple[Any, Any]]:
    """The ends as they were given: numbers, or texts such as -2*pi."""
    if isinstance(domain, Domain):
        return list(box.bounds)
    if isinstance(domain, Mapping):
        return [(domain[name][0], domain[name][1]) for name in box.names]
    if isinstance(domain, str):
        domain = domain.split(",")
    if len(domain) == 2 and box.dim == 1 and not all(isinstance(e, str) and ":" in e for e in domain):
        return [tuple(domain)]  # one pair
    pairs = [p.rpartition("=")[2].split(":") if isinstance(p, str) else p for p in domain]
    return [tuple(p) for p in pairs if len(p) == 2] if len(pairs) == box.dim else [("?", "?")] * box.dim


def _enclosed(end: Any, value: float, outward: float) -> float:
    """The float an end stands for, where it is that; else one that lies further out than what was written."""
    if not isinstance(end, str):
        return value
    try:
        if Fraction(end.strip()) == Fraction(value):
            return value
    except ValueError:
        pass
    return math.nextafter(math.nextafter(value, outward), outward)


def program_of(model: Any, d: int) -> Program:
    """The Program of one evaluation, (1, d) -> (1, k).

    It is the same, and has the same hash, whether an optimiser keeps the parameters in one vector or not.
    """
    if isinstance(model, Program):
        return model
    if not callable(model) or not hasattr(model, "parameters"):
        inside = "; of a fit that is its .model" if hasattr(model, "model") else ""
        raise ArgumentError(
            f"certify: model={type(model).__name__} must be a surefit Module or a recorded Program{inside}"
        )
    if any(getattr(p, "owner", None) is not None for p in model.parameters()):
        with suppress(TypeError):  # of an attribute that cannot be copied, such as a lock
            model = copy.deepcopy(model)  # whose parameters are no slices of a vector, as those of a file are not
    dtype = np.dtype(np.float64)
    if not hasattr(model, "x_shift"):  # a bare network takes points in its own dtype
        dtype = next((np.dtype(p.dtype) for p in model.parameters()), dtype)
    training = getattr(model, "training", False)
    model.eval()
    try:
        with no_grad():
            return record(lambda x: model(x), Tensor(np.zeros((1, d)), dtype))
    finally:
        model.train(training)


def recorded(model: Any, d: int, function: Callable[[Any], Any]) -> Program:
    """The Program of a function of points (1, d) that a model has a part in, as it is when it predicts."""
    inputs = program_of(model, d).inputs[0]
    training = getattr(model, "training", False)
    model.eval()
    try:
        with no_grad():
            return record(function, Tensor(np.zeros((1, d)), inputs.dtype))
    finally:
        model.train(training)


def _compiled_ulps(name: str, dtype: np.dtype) -> float:
    """The error of the compiler's kernel of a primitive, in units in the last place; 4 where it has none."""
    from surefit.ir.mathlib import STRICT_ULP

    known = STRICT_ULP.get(name)
    return 4.0 if known is None else known["f32" if dtype == np.float32 else "f64"]


def _any_ulps(name: str, dtype: np.dtype) -> float:
    """The same where NumPy may take the place of the compiled program: it documents 4."""
    return max(4.0, _compiled_ulps(name, dtype))


def _prove(
    s: Subject, mode: str, rtol: float, tol: float | None, deadline: float, boxes: int | None,
    values: Callable[[np.ndarray], np.ndarray] | None, progress: Callable[[float, float], None] | None, seed: int,
    strict: bool, to_the_end: bool,
) -> tuple[Found, str, bool]:  # fmt: skip
    """What is found, how, and whether balls were used."""
    d, deployed = len(s.low), mode == "deployed"
    widest = max((n.size for n in s.net.nodes[1:-1] if n is not None), default=1)
    deep = sum(1 for n in s.net.nodes if n is not None and hasattr(n, "kind")) > 1
    relaxation = Relaxation(s.net, deployed, tighten=d >= 3 and deep and widest <= 128)
    points = np.stack([s.low, 0.5 * s.low + 0.5 * s.high, s.high])
    interrupted = False
    try:
        if not _is_by_pieces(s):  # which looks at all of them
            points = search_points(s.residual, s.low, s.high, 4096 * min(d, 8) if d > 1 else 1024, seed)
        way = _way(s, deployed, relaxation, rtol, tol is not None, Allowance.until(deadline))
    except KeyboardInterrupt:  # the whole domain is looked at once, by what is there without tables
        interrupted = True
        way, boxes = _Way(Lines(relaxation, s.target), say("proof-affine")), 1
    known = s.values(points[:64])
    size = float(np.abs(known[np.isfinite(known)]).max(initial=0.0))
    found = branch_and_bound(
        way.bounder, s.low, s.high, points=points, values=values if deployed else None, rtol=rtol, tol=tol,
        outputs=s.net.outputs, deadline=deadline, most=boxes, progress=progress, cuts=way.cuts, error=s.residual,
        single=strict, size=size, to_the_end=to_the_end,
    )  # fmt: skip
    found.interrupted |= interrupted
    found.rounding = _rounding(s, found, way.bounder) if deployed else None
    return found, way.method, way.arb


class _Way(NamedTuple):
    """How the error is bounded, in words too, where the domain is cut first, and whether balls are used."""

    bounder: Bounder
    method: Sentence
    cuts: Sequence[np.ndarray] = ()
    arb: bool = False


def _is_by_pieces(s: Subject) -> bool:
    return pieces.fits(s.net, s.formulas) and bool(s.low < s.high)


def _way(
    s: Subject, deployed: bool, relaxation: Relaxation, rtol: float, decides: bool, allowed: Allowance
) -> _Way:  # fmt: skip
    """The tightest way that fits network and formulas. decides: whether there is a tolerance to be decided."""
    lines, noise = Lines(relaxation, s.target), relaxation if deployed else None
    d = len(s.low)
    if d > 1 and s.net.kinds() <= set(composed.STEEPEST):
        exact = lowered(s.program) if deployed else s.net
        running = s.net if deployed else None
        made_of = composed.parts_of(exact, s.formulas, s.names, s.low, s.high, lines, running, allowed)
        if made_of is not None:
            method = say("proof-parts", parts=made_of.parts, bits=balls.BITS)
            return _Way(made_of, method, made_of.cuts(), True)
    if _is_by_pieces(s):
        exact = lowered(s.program) if deployed else s.net
        low, high = float(s.low[0]), float(s.high[0])
        straight = pieces.Pieces(exact, s.formulas, s.names, lines, noise, low, high, rtol)
        cuts = (np.linspace(low, high, pieces.FIRST + 1)[1:-1],)
        return _Way(straight, say("proof-pieces", degree=straight.degree), cuts, straight.f is not None)
    exact = lowered(s.program) if deployed else s.net
    polynomial = residuals.residuals_of(exact, s.formulas, s.names, s.low, s.high, lines, noise)
    if polynomial is not None:
        return _Way(polynomial, say("proof-polynomials"))
    straight_too = kinks.kinks_of(exact, s.formulas, s.names, s.low, s.high, lines, noise, rtol)
    if straight_too is not None:
        return _Way(straight_too, say("proof-kinks"))
    # to decide, the whole box must be looked at closely
    bends = (s.net.breakpoints(),) if d == 1 and decides else ()
    if taylor.is_smooth(s.net) and balls.fits(s.net, s.formulas):
        method = say("proof-balls", degree=balls.DEGREE, bits=balls.BITS)
        return _Way(balls.Balls(exact, s.formulas, lines, noise), method, bends, True)
    if taylor.is_smooth(s.net):
        smooth = Polynomials(s.net, s.formulas, s.names, deployed, lines)
        return _Way(smooth, say("proof-taylor", degree=taylor.degree_of(s.net)), bends)
    return _Way(lines, say("proof-affine"), bends)


def of_structure(
    s: Subject, upper: float, values: Callable[[np.ndarray], np.ndarray], *, strict: bool, tol: float | None,
    parts: int, seconds: float, seed: int = 0,
) -> Certificate:  # fmt: skip
    """The certificate, in deployed mode, of a network whose error was proved to be at most upper as a sum of parts.

    The lower bound is the largest error that a search finds, of the values that the network gives where it runs.
    """
    points = search_points(s.residual, s.low, s.high, 4096 * min(len(s.low), 8), seed)[:64]
    below, _ = point_bounds(Relaxation(s.net, True), s.target, points, values(points))
    i = int(np.argmax(below))
    lower = float(below[i])
    if lower > upper:
        raise AssertionError(f"bounds contradict each other: {lower} > {upper}; please report this")
    found = Found(lower, upper, points[i], np.array([upper]), boxes=parts, complete=True)
    return _certificate(s, found, say("proof-structure"), "deployed", strict, 0.01, tol, seconds)


def _certificate(
    s: Subject, found: Found, method: str, mode: str, strict: bool, rtol: float, tol: float | None, seconds: float,
    arb: bool = False,
) -> Certificate:  # fmt: skip
    box = {n: (float(a), float(b)) for n, a, b in zip(s.names, s.low, s.high, strict=True)}
    error: Proved | Undefined
    note = ""
    if found.undefined is not None:
        low, high = found.undefined
        error = Undefined({n: (float(a), float(b)) for n, a, b in zip(s.names, low, high, strict=True)})
    else:
        uppers = dict(zip(s.outputs, found.outputs.tolist(), strict=True))
        error = Proved(found.lower, found.upper, named(s.names, found.at), uppers)
        if found.interrupted:
            note = say("proof-interrupted")
        elif found.rounding_limited:
            note = say("proof-rounding")
        elif tol is not None and found.lower <= tol and not found.upper <= tol:
            note = say("proof-undecided", tol=tol)
        elif not found.complete and (tol is None or found.lower > tol):
            note = say("proof-gap", rtol=rtol)
    return Certificate(
        error, box, tuple(str(f) for f in s.formulas), s.outputs, mode, method, found.complete, note,
        assumptions(s, mode, strict, arb, found.floats), fingerprint(s.program),
        found.boxes, seconds, tol, found.leaves,
        in_blocks=mode == "deployed" and strict, operations=described(s.program),
        rounding=found.rounding,
    )  # fmt: skip


def _rounding(s: Subject, found: Found, bounder: Bounder) -> float | None:
    """How far the running model may be from exact arithmetic in the box with the largest bound."""
    if found.leaves is None or found.undefined is not None:
        return None
    low, high, bounds = found.leaves
    k = [int(np.argmax(bounds.max(axis=1)))]
    noise = float(running_noise(Relaxation(s.net, True, tighten=False), low[k], high[k]).max())
    return min(noise, bounder.rounding(low[k], high[k])) if isinstance(bounder, composed.Parts) else noise


def assumptions(s: Subject, mode: str, strict: bool, arb: bool = False, floats: int = 0) -> tuple[str, ...]:
    """What a proof in float64 rests on. floats: at how many the model was run, for an upper bound there."""
    found = [say("assuming-ieee")]
    functions = sorted({n.op for f in s.formulas for n in f.nodes} - PLAIN)
    smooth = sorted(s.net.kinds() - {"relu", "square", "sqrt", "reciprocal"})
    if functions or smooth:
        words = ", ".join(dict.fromkeys([*functions, *smooth]))
        found.append(say("assuming-functions", names=words, units=TRUST, special=TRUST_SPECIAL))
    if arb:
        found.append(say("assuming-arb"))
    if mode == "deployed":
        found.append(say("assuming-blocks" if strict else "assuming-any-order"))
        if smooth:
            found.append(say("assuming-kernels" if strict else "assuming-numpy-kernels", names=", ".join(smooth)))
        if floats:
            found.append(say("assuming-floats", count=floats))
    return tuple(found)


__all__ = [
    "Subject",
    "box_of",
    "certify",
    "decided",
    "of_structure",
    "program_of",
    "recorded",
    "subject_of",
    "with_ends",
]
