"""A network that is constructed and not trained: the fewest hinges within a tolerance, with a proof of both."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Outcome
from surefit.attempts.progress import Progress
from surefit.bounds.certificate import Certificate, Undefined
from surefit.bounds.minlink import (
    MOST,
    Construction,
    Function,
    Links,
    TooMany,
    bent_triples,
    fewest_links,
    finite_values,
    links_on,
    points_of,
    proved_triples,
)
from surefit.bounds.proving import certify
from surefit.core import ops
from surefit.errors import ArgumentError, DomainError, FormulaError
from surefit.formulas import parse
from surefit.formulas.expression import Expression
from surefit.formulas.landmarks import interesting_points
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.judging import Judge
from surefit.search.record import Record, Solved
from surefit.search.runner import State, recorded, run
from surefit.sentences import say

LESS = 2e-4  # of the tolerance, that is left for the proof
PASSES = 12
CLOSE = 1e-3  # gap of a certificate without a tolerance
TINY = 1e-6  # gap of one with a tolerance, which is what ends it
KINKS = 64


def constructed(problem: Problem, tol: float | None, units: int | None, time: float | None, began: float) -> Record:
    """The record of the network with the fewest hinges for a tolerance, or the least error for so many hidden units.

    problem: of one formula of one input. began: when the clock of `time` started.
    The record holds its certificate, and in `extra` the `Construction`.
    """
    formula = _formula(problem)
    low, high = float(problem.domain.low[0]), float(problem.domain.high[0])
    maker = _Maker(problem, formula, low, high, began, time)
    if tol is not None:
        links, model, certificate = maker.within(tol)
    else:
        assert units is not None
        links, model, certificate = maker.of_size(units - 1)
        tol = certificate.upper
    windows = maker.windows(tol)
    state = State(problem, 0, ops.float64, Judge(problem, 0, time), Progress(time=time, began=began), tol)
    hinges = links.hinges
    stage = say("stage-constructed", hinges=hinges, units=hinges + 1)
    outcome = Outcome(
        network=model.network, problem=problem, stage=stage, reason=say("constructed"), row=None, model=model,
        details={"solver": "construct", "units": hinges + 1},
    )  # fmt: skip

    def strategy() -> Any:
        yield state.attempt(None, model.network, problem, made=outcome)
        return outcome.reason

    reason = run(state, strategy())
    settings = {"method": "construct", "hinges": hinges, "at_least": len(windows)}
    record = recorded(state, reason, lambda best: Solved(settings, stage, details=dict(best.details)))
    made = Construction(tol, hinges, len(windows), links.knots, links.values, windows)
    return replace(
        record,
        certificate=certificate,
        stop_reason=outcome.reason,
        extra=record.extra | {"construction": made.to_dict()},
    )


def _formula(problem: Problem) -> Expression:
    source = problem.source
    if source["kind"] != "formula":
        raise FormulaError("construct: it needs a formula; of a table or a Python function nothing can be proved")
    if len(source["text"]) != 1 or problem.domain.dim != 1:
        raise FormulaError(
            f"construct: one formula of one input is needed, and this has {len(source['text'])} outputs and "
            f"{problem.domain.dim} inputs; surefit.fit takes several"
        )
    return parse(source["text"][0], problem.names)


class _Maker:
    """Finds links, makes them a network, and proves it."""

    def __init__(
        self, problem: Problem, formula: Expression, low: float, high: float, began: float, time: float | None
    ) -> None:
        self.problem, self.formula, self.low, self.high = problem, formula, low, high
        self.deadline = None if time is None else began + time
        self.points: tuple[np.ndarray, np.ndarray] = (np.empty(0), np.empty(0))
        seen = interesting_points([formula], problem.domain, KINKS, 0)
        self.more: list[float] = sorted({float(v) for v in seen.ravel()})

    def f(self, x: np.ndarray) -> np.ndarray:
        """The formula in floats, (n,) -> (n,)."""
        return np.broadcast_to(np.asarray(self.formula(x), np.float64), x.shape)

    def links(self, tol: float) -> Links:
        """The fewest links; the points they were computed at are kept."""
        function: Function = self.f
        try:
            links, *points = fewest_links(function, self.low, self.high, tol, self.more)
        except TooMany:
            raise ArgumentError(
                f"construct: tol={tol:.3g} needs more than {MOST} straight pieces; choose a larger one, or "
                "surefit.fit, whose smooth units reach small errors with few"
            ) from None
        self.points = (points[0], points[1])
        return links

    def prove(self, model: Scaled, tol: float | None) -> Certificate:
        """The certificate of a network as it runs."""
        left = None if self.deadline is None else max(0.05, self.deadline - clock.perf_counter())
        values = values_of(model)
        values(np.array([[self.low]]))
        return certify(
            model, self.formula, self.problem.domain, rtol=CLOSE if tol is None else TINY, time=left, tol=tol,
            mode="deployed", strict=values.how.startswith("compiled"), values=values, outputs=self.problem.outputs,
        )  # fmt: skip

    def within(self, tol: float) -> tuple[Links, Scaled, Certificate]:
        """The fewest hinges of which it is proved that they keep a tolerance."""
        aim = tol * (1.0 - LESS)
        for _ in range(PASSES):
            links = self.links(aim)
            model = model_of(links, self.low)
            proof = self.prove(model, tol)
            if proof.proves(tol):
                return links, model, proof
            if self.deadline is not None and clock.perf_counter() > self.deadline:
                break
            known = len(self.more)
            self.more = sorted({*self.more, *self._worst(proof, tol)})
            if len(self.more) == known or proof.lower <= tol * (1 + LESS):
                aim *= min(0.9999, max(0.9, tol / proof.upper)) if np.isfinite(proof.upper) else 0.999
        at = "; ".join(f"{k}={v:.9g}" for k, v in getattr(proof.error, "at", {}).items())
        if isinstance(proof.error, Undefined):
            raise DomainError(f"construct: {proof.error}; choose a domain without it")
        if self.deadline is not None and clock.perf_counter() > self.deadline:
            least = f" (the bound is {proof.upper:.3g})" if np.isfinite(proof.upper) else ""
            raise DomainError(
                f"construct: |error| <= {tol:g} was not proved in time{least}; give more time, or a larger tolerance"
            )
        raise DomainError(
            f"construct: |error| <= {tol:g} is not proved: the bound is {proof.upper:.3g}, near {at}. No continuous "
            "function comes closer to a jump than half its height; else give more time or a larger tolerance"
        )

    def _worst(self, proof: Certificate, tol: float) -> list[float]:
        """Places where a bound is above the tolerance."""
        found = list(getattr(proof.error, "at", {}).values())
        if proof.leaves is not None:
            low, high, bound = proof.leaves
            bad = np.flatnonzero(~(bound.max(axis=1) <= tol))[:200]
            found += [float(v) for v in (0.5 * low[bad, 0] + 0.5 * high[bad, 0])]
        return found

    def of_size(self, hinges: int) -> tuple[Links, Scaled, Certificate]:
        """The least error with so many hinges at most."""
        x = np.linspace(self.low, self.high, 101)
        above = max(float(np.ptp(self.f(x))), 1e-300)
        links = self.links(above)
        below = 0.0
        best = (above, links)
        for _ in range(60):
            if above - below <= 1e-4 * above:
                break
            spread = above / below if below > 0 else 16.0
            middle = above / 4.0 if below == 0 else above / np.sqrt(spread)
            try:
                links = links_on(*self._dense(links), middle, hinges + 1)
                fits = links.hinges <= hinges
            except TooMany:
                fits = False
            if fits:
                above, best = middle, (middle, links)
            else:
                below = middle
            if above < 1e-14 * max(1.0, float(np.abs(self.f(x)).max())):
                break
        for shrink in (1.0, 1.0002, 1.001, 1.005):  # the points may have been too few
            found = self.links(best[0] * shrink)
            if found.hinges <= hinges:
                break
        else:
            found = best[1]
        model = model_of(found, self.low)
        proof = self.prove(model, best[0] * (1.0 + 10 * LESS))
        return found, model, proof if np.isfinite(proof.upper) else self.prove(model, None)

    def _dense(self, links: Links) -> tuple[np.ndarray, np.ndarray]:
        x = points_of(self.f, self.low, self.high, links, self.more)
        x = np.union1d(x, self.points[0]) if len(self.points[0]) < 40_000 else x
        return x, finite_values(self.f, x)

    def windows(self, tol: float) -> np.ndarray:
        """Triples that prove how many hinges are needed, (n, 3)."""
        found = bent_triples(self.f, *self.points, tol)
        return proved_triples(self.formula, found, tol)


def model_of(links: Links, low: float) -> Scaled:
    """The network of links, one hidden layer of ReLU units, in float64.

    Centre-out: a hinge right of the middle piece is relu(x - t), one left of it relu(t - x), so that what units add
    does not cancel far from the middle; one more unit, relu(x - low), is the middle piece itself.
    """
    t, v = links.knots, links.values
    slopes = np.diff(v) / np.diff(t)
    jumps = np.diff(slopes)
    inner = t[1:-1]
    middle = len(slopes) // 2  # piece
    right = np.arange(len(inner)) >= middle
    sign = np.where(right, 1.0, -1.0)
    network = nn.MLP(1, (len(inner) + 1,), 1, activation="relu", generator=np.random.default_rng(0), dtype=ops.float64)
    first, last = [m for m in network.modules() if isinstance(m, nn.Linear)]
    offset = v[middle] - slopes[middle] * (t[middle] - low)
    numbers = {
        first: (np.append(sign, 1.0)[:, None], np.append(-sign * inner, -low)),
        last: (np.append(jumps, slopes[middle])[None, :], np.array([offset])),
    }
    for layer, (weight, bias) in numbers.items():
        assert layer.bias is not None
        layer.weight.assign(weight)
        layer.bias.assign(bias)
    zero, one = np.zeros(1), np.ones(1)
    return Scaled(network, zero, one, zero, one, ops.float64)


__all__ = ["constructed", "model_of"]
