"""Proofs of candidates: whether an error that was measured holds at every point, and where it is largest if not.

A `Prover` belongs to one fit of a formula. Every candidate whose measured error is within the tolerance is proved, or
refuted by a point, before it counts as reaching it; that point is then part of what is measured of all later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.progress import Progress
from surefit.bounds.certificate import Certificate, Undefined
from surefit.bounds.network import Unsupported
from surefit.bounds.proving import decided, with_ends
from surefit.errors import ArgumentError, FormulaError
from surefit.formulas import parse, to_text
from surefit.formulas.expression import Expression
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.limits import (
    FINAL_OF_TIME,
    LEAST_MARGIN,
    MARGIN,
    MOST_BOXES,
    PROOF_GAP,
    PROOF_OF_TIME,
    PROOF_WORK,
    STRICTER,
    WORST_BOXES,
)
from surefit.sentences import Sentence, say
from surefit.spelling import spelled

if TYPE_CHECKING:
    from surefit.search.record import Record

CERTIFY = "fit.certify('sin(x)')"


def check_provable(problem: Problem) -> None:
    """ArgumentError for a target that is not a formula: of all others only values at points are known."""
    if problem.source["kind"] != "formula":
        what = "a table" if problem.source["kind"] == "table" else "a Python function"
        raise ArgumentError(
            f"{spelled('prove', 'True')}: the target is {what}, known at points only, so nothing can be proved between "
            f"them; give a formula, or leave {spelled('prove')} out"
        )
    if not problem.exact:
        raise ArgumentError(
            f"{spelled('prove', 'True')}: the values have noise, of which nothing can be proved; leave one out"
        )


def certified(
    model: Scaled, problem: Problem, target: Any = None, domain: Any = None,
    progress: Callable[[float, float], None] | None = None, *, mode: str = "deployed", to_the_end: bool = True,
    **limits: Any,
) -> Certificate:  # fmt: skip
    """The certificate of a model: of the program that `predict` runs, or of exact arithmetic.

    target: a formula for each output; None: what was fitted. domain: another box; inputs that it does not name keep
    their ends. limits: rtol, tol, time, boxes, as for `certify`. to_the_end: go on where tol
    is disproved.
    ArgumentError: the target is known at points only. Unsupported: an operation that no bound goes through.
    """
    source = problem.source
    if isinstance(target, (int, float)):
        raise ArgumentError(
            f"certify: target={target!r} must be a formula; the largest error to prove is tol={target!r}"
        )
    if target is None and source["kind"] != "formula":
        name = source["name"] if source["kind"] == "table" else f"{source['name']}()"
        raise ArgumentError(
            f"certify: {name} is known at points only, so nothing can be proved between them; "
            f"give the formula that it should be, {spelled('formula', repr('sin(x)'), CERTIFY)}"
        )
    box = problem.domain if domain is None else with_ends(problem.domain, domain)
    values, strict = values_of(model), True
    if mode == "deployed":
        values(problem.domain.low[None, :])  # which tells how values are computed
        strict = values.how.startswith("compiled")
    return decided(
        model, source["text"] if target is None else target, box, mode=mode, strict=strict, values=values,
        outputs=problem.outputs, progress=progress, to_the_end=to_the_end, **limits,
    )  # fmt: skip


def proof_of_target(fit: Record) -> Certificate | None:
    """`fit.proved`, if it is about what was fitted, on all of its domain; only this one decides on the tolerance.

    None of a certificate of another formula or of a part of the domain, and of tables and callables.
    """
    proof, problem = fit.proved, fit.problem
    source, domain = problem.source, problem.domain
    if proof is None or source["kind"] != "formula" or set(proof.domain) != set(domain.names):
        return None
    for name, low, high in zip(domain.names, domain.low, domain.high, strict=True):
        if not (proof.domain[name][0] <= low and high <= proof.domain[name][1]):
            return None
    given = [source["text"]] if isinstance(source["text"], (str, Expression)) else source["text"]
    same = tuple(map(str, given)) == proof.formulas
    return proof if same or _written(given, domain.names) == _written(proof.formulas, domain.names) else None


def _written(formulas: Sequence[Any], names: tuple[str, ...]) -> list[Any]:
    """The formulas without what only looks different: blanks, brackets."""
    try:
        return [to_text(parse(str(f), names)) for f in formulas]
    except FormulaError:
        return [object()]


class Prover:
    """Proves the candidates of one fit.

    Attributes:
        tol: what is to be proved; None: nothing in particular.
        margin: share of the tolerance that attempts aim at, so that room is left for a proof. It falls when one fails.
        impossible: why nothing can be proved of this target or network, once that is known.
    """

    def __init__(self, problem: Problem, judge: Judge, progress: Progress, tol: float | None) -> None:
        check_provable(problem)
        self.problem, self.judge, self.progress, self.tol = problem, judge, progress, tol
        self.margin = MARGIN
        self.impossible: Sentence | None = None

    def proves(self, found: Candidate) -> bool:
        """Whether the tolerance is proved of a candidate, or nothing can be proved so that measuring must do."""
        if self.impossible is not None:
            return True
        return self.tol is not None and found.certificate is not None and found.certificate.proves(self.tol) is True

    def scored(self, found: Candidate) -> Candidate:
        """A candidate with its certificate, where its measured error is within the tolerance.

        Where a point refutes the tolerance, the error is the one at that point.
        """
        if self.tol is None or self.impossible is not None or not found.largest <= self.tol:
            return found
        proof = self._proof(found.model, tol=self.tol)
        if proof is None:
            return found
        if proof.proves(self.tol) is not True:
            self.margin = max(LEAST_MARGIN, STRICTER * self.margin)
        return self._with(found, proof)

    def bounded(self, found: Candidate) -> Candidate:
        """A candidate with a certificate that says how large its error is from both sides."""
        if self.impossible is not None:
            return found
        proof = self._proof(found.model, FINAL_OF_TIME, rtol=PROOF_GAP)
        return found if proof is None else self._with(found, proof)

    def is_bounded(self, found: Candidate) -> bool:
        """Whether the certificate of a candidate says how large its error is, and not only that it is too large."""
        proof = found.certificate
        return proof is not None and (isinstance(proof.error, Undefined) or proof.error.gap <= 1.5 * PROOF_GAP)

    def worst(self, found: Candidate) -> np.ndarray:
        """Points (n, d) where the error is largest, or may be: the witness, and the middles of the worst boxes."""
        proof = found.certificate
        if proof is None or isinstance(proof.error, Undefined):
            return np.empty((0, self.problem.domain.dim))
        points = [np.array([list(proof.error.at.values())])]
        if proof.leaves is not None:
            low, high, bound = proof.leaves
            order = np.argsort(-bound.max(axis=1))[:WORST_BOXES]
            points.append(np.clip(0.5 * low[order] + 0.5 * high[order], low[order], high[order]))
        return np.concatenate(points)

    def _with(self, found: Candidate, proof: Certificate) -> Candidate:
        found = replace(found, certificate=proof)
        if isinstance(proof.error, Undefined):
            where = ", ".join(f"{k}={a:.6g}:{b:.6g}" for k, (a, b) in proof.error.box.items())
            self._impossible(say("unprovable-undefined", where=where))
            return found
        self.judge.watch(np.array([list(proof.error.at.values())]))
        error = found.error.witnessed(proof.lower, proof.error.at)
        return replace(found, error=error, score=max(found.score, error.max), largest=max(found.largest, error.max))

    def _impossible(self, why: Sentence) -> None:
        self.impossible = why
        self.progress.warnings.append(why)

    def _proof(self, model: Scaled, least: float = 0.02, **how: Any) -> Certificate | None:
        """A certificate within what a proof may cost; None where no bound goes through the network.

        least: share of the whole time that it gets even when that is over.
        """
        left = self.progress.left()
        size, d = model.network.num_parameters(), self.problem.domain.dim
        if left is None:  # no clock decides anything
            limits: dict[str, Any] = {"time": None, "boxes": int(min(MOST_BOXES, PROOF_WORK / (3 * size * (d + 1))))}
        else:
            assert self.progress.time is not None
            limits = {"time": max(PROOF_OF_TIME * left, least * self.progress.time)}
        try:
            proof = certified(model, self.problem, to_the_end=False, **how, **limits)
        except Unsupported as error:
            self._impossible(say("unprovable", why=str(error)))
            return None
        self.progress.interrupted |= getattr(proof.note, "code", "") == "proof-interrupted"
        return proof


__all__ = ["Prover", "certified", "check_provable", "proof_of_target"]
