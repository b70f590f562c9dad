"""Properties of a network, proved or refuted: relations between inputs and outputs, and two networks side by side."""

from __future__ import annotations

import math
import re
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.affine import form_of
from surefit.bounds.certificate import Certificate, Proved
from surefit.bounds.interval import Range
from surefit.bounds.proving import box_of, certify, decided, program_of, recorded
from surefit.bounds.reading import literal
from surefit.bounds.slopes import Derivatives, largest, some_points
from surefit.checking import is_real
from surefit.core import ops
from surefit.core.program import Program
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.errors import ArgumentError, FormulaError, ShapeError
from surefit.formulas import Formula, parse, to_text
from surefit.formulas.expression import Node
from surefit.formulas.printing import digits
from surefit.keywords import naming
from surefit.sentences import Both, Sentence, declare, say

declare(
    {
        "relation-proved": Both("proved: {relation}", "已证明：{relation}"),
        "relation-refuted": Both("refuted: {relation} at {place}", "已否定：{relation}，在 {place} 处"),
        "relation-unknown": Both("unknown: {relation}", "未能判定：{relation}"),
    }
)
LOOSE = 1e6  # gap of the first bound, which is for the size alone


@dataclass(frozen=True)
class Verdict:
    """Whether a property holds at every point of a domain, for a model in exact arithmetic on its stored numbers.

    Attributes:
        relation: as it was written. holds: True is proved; False is refuted, by the point `at`; None is not known.
        at: a point where the property is false, if it was refuted. certificates: of each relation in it, in order.
    """

    relation: str
    holds: bool | None
    at: dict[str, float] | None
    certificates: tuple[Certificate, ...]

    @property
    def status(self) -> str:
        """proved, refuted or unknown."""
        return {True: "proved", False: "refuted", None: "unknown"}[self.holds]

    def __str__(self) -> str:
        return str(self.sentence())

    def sentence(self) -> Sentence:
        """What is known of the relation, and where it is false if it is refuted."""
        place = "" if self.at is None else ", ".join(f"{k}={v!r}" for k, v in self.at.items())
        return say(f"relation-{self.status}", relation=self.relation, place=place)


@naming
def verify(
    model: Any, relation: str, domain: Any = None, *, outputs: Sequence[str] | None = None, time: float | None = 60.0
) -> Verdict:
    """Prove or refute a relation between the inputs and outputs of a network, at every point of a box.

    Args:
        model: as for `certify`.
        relation: `<=`, `>=`, `<` or `>` between formulas of the inputs and outputs, such as `"y - x1*x2 <= 0.1"`, or a
            chain, `"0 <= y <= 1"`. The outputs must come in linearly, with factors that are floats. In the place of
            outputs there may be derivatives, as in `"dy/dx1 >= 0"`.
            A name that is no word, as columns of tables may have, stands there as it is, or in quotes.
        domain: the box, with the names of the inputs, of which some may be held at one value; a fit has its own.
        outputs: names of the outputs; default those of a fit, else "y", or "y1", "y2", ...
        time: seconds after which what is not decided is called unknown.

    Returns:
        A `Verdict`: proved, refuted with a point, or unknown. It is of exact arithmetic on the stored numbers.

    Raises:
        FormulaError: no relation, or outputs that do not come in linearly. Otherwise as `certify`.

    >>> from surefit import nn
    >>> import numpy as np
    >>> net = nn.Sequential(nn.Linear(1, 2, dtype=np.float64), nn.ReLU(), nn.Linear(2, 1, dtype=np.float64))
    >>> for name, p in net.named_parameters():  # |x| = relu(x) + relu(-x)
    ...     _ = p.assign(np.array({"0.weight": [[1.0], [-1.0]], "2.weight": [[1.0, 1.0]]}.get(name, np.zeros(p.shape))))
    >>> print(verify(net, "-0.1 <= y - x^2 <= 0.3", "x=-1:1"))
    proved: -0.1 <= y - x^2 <= 0.3
    >>> verify(net, "y <= 0.9", "x=-1:1").holds
    False
    """
    started = clock.monotonic()
    if hasattr(model, "certify"):  # a fit, which knows its box and its outputs
        model, domain, outputs = model.model, model.domain if domain is None else domain, outputs or model.outputs
    if domain is None:
        raise ArgumentError("verify: domain= is missing; give the box of the claim, such as {'x': (-2, 2)}")
    if time is not None and not (is_real(time) and time > 0):
        raise ArgumentError(f"verify: time={time!r} must be a number above 0")
    box = box_of(domain)
    program = program_of(model, box.dim)
    k = program.outputs[0].aval.shape[-1]
    names = tuple(outputs or (("y",) if k == 1 else tuple(f"y{i + 1}" for i in range(k))))
    if len(names) != k or set(names) & set(box.names):
        raise ArgumentError(f"verify: outputs={list(names)} must be {k} names that no input of {box} has")
    given = (*box.names, *names)
    words = _words_for(given)
    back = dict(zip(words, given, strict=True))
    names, ends = words[box.dim :], dict(zip(words, box.bounds, strict=False))
    box = Domain(ends, fixed=True)
    text, slopes = _with_slopes(_in_words(relation, back), box.names, names)
    parts = _parts(text, box.names, (*names, *slopes), relation)
    verdict: bool | None = True
    at: dict[str, float] | None = None
    proofs: list[Certificate] = []
    for factors, rest, strict in parts:
        left = None if time is None else max(0.05, time - (clock.monotonic() - started))
        if factors[len(names) :].any():
            if factors[: len(names)].any():
                raise FormulaError(f"verify: {relation!r} has outputs and derivatives in one part; ask for one of them")
            holds, point = _slopes_below(model, box, factors[len(names) :], rest, strict, left)
        else:
            proof, holds = _below(model, box, factors[: len(names)], rest, strict, left)
            proofs.append(proof)
            point = dict(proof.error.at) if isinstance(proof.error, Proved) else None
        if holds is False and point is not None:
            verdict, at = False, point
            break
        if holds is not True:
            verdict = None
    return Verdict(relation, verdict, at and {back[name]: value for name, value in at.items()}, tuple(proofs))


def _words_for(names: Sequence[str]) -> tuple[str, ...]:
    """Names that formulas can have, each once: a column may be called 'flow [l/min]' or 'colour=red'.

    >>> _words_for(["x", "flow [l/min]", "2nd", "flow (l/min)"])
    ('x', 'flow_l_min', 'v_2nd', 'flow_l_min_2')
    """
    found: list[str] = []
    for name in names:
        word = name
        if not name.isidentifier() or name in ("if", "else", "and", "or", "not"):
            word = re.sub(r"\W+", "_", name).strip("_")
            word = word if word.isidentifier() else f"v_{word}"
            plain, k = word, 2
            while word in found or word in names:
                word, k = f"{plain}_{k}", k + 1
        found.append(word)
    return tuple(found)


def _in_words(relation: str, names: Mapping[str, str]) -> str:
    """The relation with words in the place of names; names: what each word stands for.

    A name that is a formula of others, such as 'x-y' beside x and y, is meant only in quotes.
    """
    if not isinstance(relation, str):
        return relation
    plain = [word for word, name in names.items() if word == name]
    for word, name in sorted(names.items(), key=lambda each: -len(each[1])):
        if word != name:
            relation = re.sub(rf"""(["'`])(d?){re.escape(name)}\1""", rf"\2{word}", relation)
            try:
                parse(name, plain)
            except FormulaError:
                relation = re.sub(rf"(?<!\w)(d?){re.escape(name)}(?!\w)", rf"\1{word}", relation)
    return relation


def _below(
    model: Any, box: Domain, factors: np.ndarray, rest: Formula, strict: bool, time: float | None
) -> tuple[Certificate, bool | None]:
    """Whether factors . outputs + rest <= 0 on the box.

    With a number M that |factors . outputs + rest| does not exceed, that is |factors . outputs - (-rest - M)| <= M.
    """
    program = _combined(model, box.dim, factors)
    first = certify(program, _shifted(rest, 0.0), box, rtol=LOOSE, time=time)
    if not first.upper < 2.0**1022:
        return first, None
    size = 2.0 ** math.ceil(math.log2(max(first.upper, 1e-200)) + 1e-9)
    assert size >= first.upper
    target = _shifted(rest, size)
    proof = _with_text(decided(program, target, box, rtol=1e-9, tol=size, time=time), target)
    if proof.upper < size or (proof.upper <= size and not strict):
        return proof, True
    return proof, False if proof.lower > size else None


def _with_slopes(relation: str, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The relation with derivatives dy/dx as names of their own, and these names, output by output; () without any."""
    if not isinstance(relation, str):
        return relation, ()
    names = {(y, x): f"d{y}_by_d{x}" for y in outputs for x in inputs}
    text = relation
    for (y, x), name in names.items():
        text = re.sub(rf"\bd{re.escape(y)}\s*/\s*d{re.escape(x)}\b", name, text)
    return text, tuple(names.values()) if text != relation else ()


def _slopes_below(
    model: Any, box: Domain, factors: np.ndarray, rest: Formula, strict: bool, time: float | None
) -> tuple[bool | None, dict[str, float] | None]:
    """Whether factors . derivatives + rest <= 0 on the box; a point where it is not."""
    ranges = Derivatives(model, box.dim)

    def ends(low: np.ndarray, high: np.ndarray) -> Range:
        j = ranges(low, high)
        flat = Range(j.low.reshape(len(low), -1), j.high.reshape(len(low), -1))
        columns = [list(box.names).index(v) for v in rest.variables]
        total = form_of(rest, low[:, columns], high[:, columns]).range
        total = Range(np.where(total.bad, -np.inf, total.low), np.where(total.bad, np.inf, total.high))
        for i in np.flatnonzero(factors):
            total = I.add(total, I.mul(Range(flat.low[:, i], flat.high[:, i]), float(factors[i])))
        return total

    found = largest(
        lambda a, b: ends(a, b).high[:, None], lambda a, b: ends(a, b).low[:, None], box.low, box.high,
        some_points(box.low, box.high),
        enough=lambda lower: np.array([-1e-300 if strict else 0.0]), stop=lambda lower: bool(lower[0] > 0),
        deadline=math.inf if time is None else clock.monotonic() + time,
    )  # fmt: skip
    if found.upper[0] < 0 or (found.upper[0] <= 0 and not strict):
        return True, None
    refuted = found.lower[0] > 0
    return (False if refuted else None), dict(zip(box.names, map(float, found.at[0]), strict=True)) if refuted else None


def _combined(model: Any, d: int, factors: np.ndarray) -> Program:
    if isinstance(model, Program):
        if len(factors) == 1 and factors[0] == 1.0:
            return model
        raise ArgumentError("verify: of a recorded Program only relations y <= ... are taken; give the Module")
    row = Tensor(factors[:, None])
    return recorded(model, d, lambda x: ops.cast(model(x), dtype=ops.float64) @ row)


def _shifted(rest: Formula, by: float) -> Formula:
    """-rest - by, with the numbers of `rest` as they were written."""
    n = len(rest.nodes)
    more = (Node("neg", (n - 1,)), Node("number", (), by), Node("sub", (n, n + 1)))
    return Formula((*rest.nodes, *more), rest.variables, rest.written, guarded=False)


def _with_text(proof: Certificate, f: Formula) -> Certificate:
    """The certificate with the formula that it is about, and not the relation, where it can be written exactly."""
    numbers = [node for node in f.nodes if node.op == "number"]
    try:
        if all(literal(node, f.written) == Fraction(digits(node.value)) for node in numbers):
            return replace(proof, formulas=(to_text(Formula(f.nodes, f.variables, guarded=False)),))
    except FormulaError:  # too long
        pass
    return proof


def _parts(
    text: str, inputs: tuple[str, ...], outputs: tuple[str, ...], relation: str
) -> list[tuple[np.ndarray, Formula, bool]]:
    """Of each relation: factors of the outputs (k,), the rest, and whether it is strict, so that it says sum < 0."""
    if not isinstance(relation, str):
        raise FormulaError(f"verify: relation={relation!r} must be a text such as 'y <= 1'")
    whole = parse(text, (*inputs, *outputs))
    last = whole.nodes[-1]
    if last.op != "compare" or not set(last.value) <= {"<", "<=", ">", ">="}:
        raise FormulaError(f"verify: {relation!r} is no relation; write one with <=, >=, < or >, such as 'y <= 1'")
    found = []
    for sign, a, b in zip(last.value, last.args, last.args[1:], strict=False):
        pair = (a, b) if sign[0] == "<" else (b, a)
        nodes = (*whole.nodes[:-1], Node("sub", pair))
        known = _linear(nodes, text, outputs, relation)
        if not any(known):
            raise FormulaError(f"verify: {relation!r} says nothing about the output{'s' if len(outputs) > 1 else ''} "
                               f"{', '.join(outputs)}")  # fmt: skip
        factors = np.array([_float_of(v) for v in known])
        if any(not math.isfinite(f) or Fraction(f) != v for f, v in zip(factors.tolist(), known, strict=True)):
            raise FormulaError(
                f"verify: a factor of an output in {relation!r} is no float; multiply both sides, say by 10"
            )
        plain = tuple(Node("number", (), 0.0) if n.op == "variable" and n.value in outputs else n for n in nodes)
        found.append((factors, Formula(plain, inputs, text, guarded=False), len(sign) == 1))
    return found


def _float_of(v: Fraction) -> float:
    try:
        return float(v)
    except OverflowError:
        return math.inf


def _linear(nodes: Sequence[Node], text: str, outputs: tuple[str, ...], relation: str) -> list[Fraction]:
    """The factor of each output in the last node, in rational arithmetic. FormulaError where one is not linear."""
    zero = [Fraction(0)] * len(outputs)
    factors: list[list[Fraction]] = []
    numbers: list[Fraction | None] = []
    for node in nodes:
        args = [factors[i] for i in node.args]
        known = [numbers[i] for i in node.args]
        value: list[Fraction] = zero
        number: Fraction | None = None
        if node.op == "number":
            number = literal(node, text)
        elif node.op == "variable" and node.value in outputs:
            value = [Fraction(int(name == node.value)) for name in outputs]
        elif node.op == "neg":
            value = [-v for v in args[0]]
            number = None if known[0] is None else -known[0]
        elif node.op in ("add", "sub"):
            s = 1 if node.op == "add" else -1
            value = [v + s * w for v, w in zip(*args, strict=True)]
        elif node.op == "mul" and known[0] is not None:
            value = [known[0] * v for v in args[1]]
        elif node.op == "mul" and known[1] is not None:
            value = [known[1] * v for v in args[0]]
        elif node.op == "div" and known[1]:
            value = [v / known[1] for v in args[0]]
            if any(args[1]):
                raise _not_linear(relation)
        elif any(any(a) for a in args):
            raise _not_linear(relation)
        factors.append(value)
        numbers.append(number)
    return factors[-1]


def _not_linear(relation: str) -> FormulaError:
    return FormulaError(f"verify: in {relation!r} an output does not come in linearly; only its sums and multiples are")


@naming
def certify_pair(
    student: Any, teacher: Any, domain: Any, *, rtol: float = 0.05, time: float | None = 60.0, tol: float | None = None
) -> Certificate:
    """Prove how far two networks are apart at most, in exact arithmetic on the stored numbers of both.

    student, teacher: Modules of the same inputs and outputs. The rest as for `certify`.

    >>> from surefit import nn
    >>> a, b = nn.MLP(2, (8,), 1, generator=0), nn.MLP(2, (8,), 1, generator=0)
    >>> certify_pair(a, b, {"p": (-1, 1), "q": (-1, 1)}, tol=1e-6).proves(1e-6)
    True
    """
    box = box_of(domain)
    shapes = [program_of(m, box.dim).outputs[0].aval.shape for m in (student, teacher)]
    if shapes[0] != shapes[1]:
        raise ShapeError(f"certify_pair: the networks give {shapes[0][-1]} and {shapes[1][-1]} outputs")
    wide = lambda m, x: ops.cast(m(x), dtype=ops.float64)
    teaching = getattr(teacher, "training", False)
    teacher.eval()
    try:
        program = recorded(student, box.dim, lambda x: wide(student, x) - wide(teacher, x))
    finally:
        teacher.train(teaching)
    return certify(program, ["0"] * shapes[0][-1], box, rtol=rtol, time=time, tol=tol)


__all__ = ["Verdict", "certify_pair", "verify"]
