"""A network that is constructed and not trained: the fewest hinges within a tolerance, with a proof of both."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Outcome
from surefit.attempts.progress import Progress
from surefit.bounds.affine import form_of
from surefit.bounds.assembly import Owner, Part, assembled_bound
from surefit.bounds.certificate import Certificate, Undefined
from surefit.bounds.minlink import (
    MOST,
    Construction,
    Function,
    Late,
    Links,
    Piece,
    TooMany,
    bent_triples,
    fewest_links,
    finite_values,
    links_on,
    points_of,
    proved_triples,
)
from surefit.bounds.network import lowered
from surefit.bounds.proving import Subject, decided, of_structure, subject_of
from surefit.bounds.structure import plan_of
from surefit.core import ops
from surefit.data import Domain
from surefit.errors import ArgumentError, DomainError, FormulaError
from surefit.formulas import parse
from surefit.formulas.expression import Expression
from surefit.formulas.landmarks import interesting_points
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.assembling import Builder, shares
from surefit.search.judging import Judge
from surefit.search.record import Record, Solved
from surefit.search.runner import State, recorded, run
from surefit.sentences import say

LESS = 2e-4  # of the tolerance, that is left for the proof
PASSES = 12
CLOSE = 1e-3  # gap of a certificate without a tolerance
TINY = 1e-6  # gap of one with a tolerance, which is what ends it
KINKS = 64
FEW, EXACT = 4, 1e-6  # with so few hinges a part is tried with so much less of its tolerance
FLOATS = 1e-12  # of the largest number, below which the rounding of float64 is most of an error
ROOM = 1e-9  # of the same, of which a proof in float64 needs less than LESS
POLES = 64  # boxes at first, and times as many at most, in which a place without a value is looked for
NEAR = 1.01  # times what the points say, that a proved error may be
SPARE = 0.97  # of a tolerance, which a network of nested parts uses at least


def constructed(problem: Problem, tol: float | None, units: int | None, time: float | None, began: float) -> Record:
    """The record of the network with the fewest hinges for a tolerance, or the least error for so many hidden units.

    problem: of one formula of one input. began: when the clock of `time` started.
    The record holds its certificate, and in `extra` the `Construction`.
    """
    try:
        return _constructed(problem, tol, units, time, began)
    except Late:
        raise DomainError(
            f"construct: nothing was found in time={time:g} seconds; give more time, or ask for less"
        ) from None


def _constructed(problem: Problem, tol: float | None, units: int | None, time: float | None, began: float) -> Record:
    formula = _formula(problem)
    if problem.domain.dim > 1:
        return _of_several(problem, formula, tol, units, time, began)
    if (where := _without_value(formula, *problem.domain.bounds[0])) is not None:
        box = Undefined({problem.names[0]: where})
        raise DomainError(f"construct: {box}; choose a domain without it")
    maker = _Maker(problem.domain, formula, began, time, problem.outputs)
    if tol is not None:
        links, model, certificate = maker.within(tol)
    else:
        assert units is not None
        links, model, certificate = maker.of_size(units - 1)
        tol = certificate.upper
    windows = maker.windows(tol)
    made = Construction(tol, links.hinges, len(windows), links.knots, links.values, windows)
    return _record(problem, model, certificate, made, links.hinges + 1, time, began)


def _without_value(formula: Expression, low: float, high: float) -> tuple[float, float] | None:
    """A small interval in which a formula of one input may have no value; None where none was found."""
    ends = np.linspace(low, high, POLES + 1)
    a, b = np.clip(ends[:-1], low, high), np.clip(ends[1:], low, high)
    while 0 < len(a) <= POLES * POLES:
        found = form_of(formula, a[:, None], b[:, None]).range if formula.variables else None
        if found is None:
            return None
        bad = np.broadcast_to(found.bad, a.shape)
        a, b = a[bad], b[bad]
        thin = b - a <= 2.0**-40 * (high - low)
        if thin.any():
            i = int(np.argmax(thin))
            return float(a[i]), float(b[i])
        middle = 0.5 * a + 0.5 * b
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
    return None


def _of_several(
    problem: Problem, formula: Expression, tol: float | None, units: int | None, time: float | None, began: float
) -> Record:
    """The record for a formula of several inputs: functions of one number, put together."""
    assembly = _Assembly(problem, formula, began, time)
    if tol is not None:
        model, certificate = assembly.within(tol)
    else:
        assert units is not None
        model, certificate = assembly.of_size(units)
        tol = certificate.upper
    pieces = tuple(assembly.piece(i) for i in sorted(assembly.parts))
    empty = np.empty(0)
    hinges = sum(p.hinges for p in pieces)
    made = Construction(tol, hinges, 0, empty, empty, np.empty((0, 3)), pieces)
    return _record(problem, model, certificate, made, assembly.units, time, began)


def _record(
    problem: Problem, model: Scaled, certificate: Certificate, made: Construction, units: int, time: float | None,
    began: float,
) -> Record:  # fmt: skip
    state = State(problem, 0, ops.float64, Judge(problem, 0, time), Progress(time=time, began=began), made.tol)
    stage = say("stage-constructed", hinges=made.hinges, units=units)
    outcome = Outcome(
        network=model.network, problem=problem, stage=stage, reason=say("constructed"), row=None, model=model,
        details={"solver": "construct", "units": units},
    )  # fmt: skip

    def strategy() -> Any:
        yield state.attempt(None, model.network, problem, made=outcome)
        return outcome.reason

    reason = run(state, strategy())
    settings = {"method": "construct", "hinges": made.hinges, "at_least": made.at_least}
    record = recorded(state, reason, lambda best: Solved(settings, stage, details=dict(best.details)))
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
    if len(source["text"]) != 1:
        raise FormulaError(
            f"construct: one formula is needed, and this has {len(source['text'])} outputs; surefit.fit takes several"
        )
    return parse(source["text"][0], problem.names)


class _Maker:
    """Finds links of a formula of one input, makes them a network, and proves it.

    outputs: names of the outputs, for a network that runs as it is; None for one that becomes part of another, of which
    exact arithmetic is proved.
    """

    def __init__(
        self,
        domain: Domain,
        formula: Expression,
        began: float,
        time: float | None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        self.domain, self.formula, self.outputs = domain, formula, outputs
        self.low, self.high = float(domain.low[0]), float(domain.high[0])
        self.deadline = None if time is None else began + time
        self.points: tuple[np.ndarray, np.ndarray] = (np.empty(0), np.empty(0))
        seen = interesting_points([formula], domain, KINKS, 0)
        self.more: list[float] = sorted({float(v) for v in seen.ravel()})

    def f(self, x: np.ndarray) -> np.ndarray:
        """The formula in floats, (n,) -> (n,)."""
        return np.broadcast_to(np.asarray(self.formula(x), np.float64), x.shape)

    def links(self, tol: float, most: int = MOST) -> Links:
        """The fewest links; the points they were computed at are kept."""
        function: Function = self.f
        try:
            links, *points = fewest_links(function, self.low, self.high, tol, self.more, most, self._is_late)
        except TooMany:
            raise ArgumentError(
                f"construct: tol={tol:.3g} needs more than {most} straight pieces; choose a larger one, or "
                "surefit.fit, whose smooth units reach small errors with few"
            ) from None
        self.points = (points[0], points[1])
        return links

    def _few(self, tol: float, hinges: int) -> Links | None:
        """The same, or None where there are more hinges than so many."""
        try:
            return self.links(tol, min(hinges + 1, MOST))
        except ArgumentError:
            return None

    def size(self) -> float:
        """About the largest number that the network of links has: an end of the domain, or a value."""
        y = self.f(np.linspace(self.low, self.high, 101))
        return max(abs(self.low), abs(self.high), float(np.abs(y[np.isfinite(y)]).max(initial=0.0)))

    def straight(self, tol: float) -> bool:
        """Whether a far smaller tolerance needs no more hinges, and there are few."""
        try:
            rough = fewest_links(self.f, self.low, self.high, tol, self.more, FEW + 1)[0].hinges
            return fewest_links(self.f, self.low, self.high, tol * EXACT, self.more, FEW + 1)[0].hinges <= rough
        except TooMany:
            return False

    def prove(self, model: Scaled, tol: float | None) -> Certificate:
        """The certificate of a network as it runs."""
        left = None if self.deadline is None else max(0.05, self.deadline - clock.perf_counter())
        gap = CLOSE if tol is None else TINY
        if self.outputs is None:
            return decided(model, self.formula, self.domain, rtol=gap, time=left, tol=tol)
        values = values_of(model)
        values(np.array([[self.low]]))
        return decided(
            model, self.formula, self.domain, rtol=gap, time=left, tol=tol, mode="deployed",
            strict=values.how.startswith("compiled"), values=values, outputs=self.outputs,
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
            if self._is_late():
                break
            known = len(self.more)
            self.more = sorted({*self.more, *self._worst(proof, tol)})
            if len(self.more) == known or proof.lower <= tol * (1 + LESS):
                aim *= min(0.9999, max(0.9, tol / proof.upper)) if np.isfinite(proof.upper) else 0.999
        raise self._refused(proof, tol)

    def _refused(self, proof: Certificate, tol: float) -> DomainError:
        """What is said where a tolerance was not proved."""
        at = "; ".join(f"{k}={v:.9g}" for k, v in getattr(proof.error, "at", {}).items())
        if isinstance(proof.error, Undefined):
            return DomainError(f"construct: {proof.error}; choose a domain without it")
        if self._is_late():
            least = f" (the bound is {proof.upper:.3g})" if np.isfinite(proof.upper) else ""
            return DomainError(
                f"construct: |error| <= {tol:g} was not proved in time{least}; give more time, or a larger tolerance"
            )
        known = (
            f"it is {proof.lower:.3g} at {at}" if proof.lower > tol else f"the bound is {proof.upper:.3g}, near {at}"
        )
        return DomainError(
            f"construct: |error| <= {tol:g} is not proved: {known}. No continuous function comes closer to a jump than "
            "half its height, and numbers in float64 have 16 digits; choose a larger tolerance"
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
        above, below = max(float(np.ptp(self.f(x))), 1e-300), 0.0
        made: tuple[Links, Scaled, Certificate] | None = None
        try:
            for _ in range(PASSES // 2):
                while (
                    links := self._few(above, hinges)
                ) is None or links.hinges > hinges:  # it varies more between these points
                    spread = float(np.ptp(self.points[1])) if len(self.points[1]) else 0.0
                    above = 2.0 * max(above, 0.5 * spread)
                least, links = self._least(hinges, below, above, links)
                now = self._proved(links, least * (1.0 + 10 * LESS))
                made = now if made is None or now[2].upper < made[2].upper else made
                known = len(self.more)
                self.more = sorted({*self.more, *self._worst(now[2], NEAR * least)})
                if now[2].upper <= NEAR * least or len(self.more) == known:
                    break
                below, above = 0.5 * least, max(above, least)
            assert made is not None
            if not made[2].upper <= 1.1 * least:
                made = self._flatter(made, hinges)
        except Late:
            if made is None:
                raise
        assert made is not None
        proof = made[2]
        if isinstance(proof.error, Undefined):
            raise DomainError(f"construct: {proof.error}; choose a domain without it")
        if not np.isfinite(proof.upper):
            raise DomainError(
                f"construct: no bound of the error with units={hinges + 1} was proved; is there a pole in "
                f"{self.domain}? Else give more time"
            )
        return made

    def _least(self, hinges: int, below: float, above: float, links: Links) -> tuple[float, Links]:
        """The least tolerance that so many hinges keep at the points, between two, and the links that do."""
        best = (above, links)
        size = float(np.abs(self.points[1]).max())
        for _ in range(60):
            if above - below <= 1e-4 * above or above < FLOATS * size:
                break
            spread = above / below if below > 0 else 16.0
            middle = above / 4.0 if below == 0 else above / float(np.sqrt(spread))
            try:
                links = links_on(*self._dense(links), middle, hinges + 1, self._is_late)
                fits = links.hinges <= hinges
            except TooMany:
                fits = False
            if fits:
                above, best = middle, (middle, links)
            else:
                below = middle
        for shrink in (1.0, 1.0002, 1.001, 1.005):  # the points may have been too few
            found = self._few(best[0] * shrink, hinges)
            if found is not None and found.hinges <= hinges:
                return best[0], found
        return best

    def _flatter(self, made: tuple[Links, Scaled, Certificate], hinges: int) -> tuple[Links, Scaled, Certificate]:
        """Beside a jump a link between two points is as steep as floats allow, and no nearer: flatter ones may be."""
        for share in (0.26, 0.505, 0.7, 0.9):
            tol = share * made[2].upper
            if np.isfinite(tol):
                links = self._few(tol, hinges)
                if links is None:
                    continue
                other = self._proved(links, tol)
                if other[0].hinges <= hinges and other[2].upper < made[2].upper:
                    made = other
        return made

    def _proved(self, links: Links, tol: float) -> tuple[Links, Scaled, Certificate]:
        """The network of links, and how large its error is where it is above a tolerance."""
        model = model_of(links, self.low)
        proof = self.prove(model, tol)
        return links, model, proof if proof.proves(tol) else self.prove(model, None)

    def _is_late(self) -> bool:
        return self.deadline is not None and clock.perf_counter() > self.deadline

    def _dense(self, links: Links) -> tuple[np.ndarray, np.ndarray]:
        x = points_of(self.low, self.high, links, self.more)
        x = np.union1d(x, self.points[0]) if len(self.points[0]) < 40_000 else x
        return x, finite_values(self.f, x)

    def windows(self, tol: float) -> np.ndarray:
        """Triples that prove how many hinges are needed, (n, 3)."""
        found = bent_triples(self.f, *self.points, tol)
        return proved_triples(self.formula, found, tol)


class _Assembly:
    """Finds the parts of a formula of several inputs, puts them together, and proves the whole."""

    def __init__(self, problem: Problem, formula: Expression, began: float, time: float | None) -> None:
        self.problem, self.formula, self.began, self.time = problem, formula, began, time
        self.low, self.high = problem.domain.low, problem.domain.high
        self.plan = plan_of(formula, problem.names, self.low, self.high)
        self._agree()
        self.arguments = self.plan.arguments(self.low, self.high)
        self.shares = shares(self.plan, self.arguments)
        self.parts: dict[int, Part] = {}
        self.windows: dict[int, np.ndarray] = {}
        self.knots: dict[int, Links] = {}
        self.units = 0
        self.makers = [
            _Maker(Domain({"t": self._wide(a, b)}), atom.function, began, time)
            for atom, (a, b) in zip(self.plan.atoms, self.arguments, strict=True)
        ]

    @staticmethod
    def _wide(low: float, high: float) -> tuple[float, float]:
        """The same, or the next floats, where it is one point alone."""
        return (low, high) if low < high else (float(np.nextafter(low, -np.inf)), float(np.nextafter(high, np.inf)))

    def _agree(self) -> None:
        """The plan is the formula: seen at points, lest a slip in its algebra be believed."""
        rng = np.random.default_rng(1)
        x = self.low + rng.random((2000, len(self.low))) * (self.high - self.low)
        places, found = self.plan.values(x)
        with np.errstate(all="ignore"):
            y = self.problem.function(x)[:, 0] if self.problem.function is not None else found
        size = np.max([np.abs(p) for p in places], axis=0) + np.abs(y) + 1.0
        both = np.isfinite(y) & np.isfinite(found)
        if not (np.abs(found - y)[both] <= 1e-9 * (size * size)[both]).all():
            raise AssertionError(f"construct: {self.formula} was taken apart wrongly; please report this")

    def made(self, tol: float) -> tuple[Scaled, list[list[Owner]]]:
        """A network whose parts have their shares of a tolerance, each proved."""
        d = len(self.problem.names)
        for k, maker in enumerate(self.makers):
            aim = tol * self.shares[d + k]
            if d + k in self.parts and self.parts[d + k].tol == aim:
                continue
            if maker.straight(aim):  # nothing but corners, which cost no more when they are where they should be
                aim = min(aim, max(aim * EXACT, ROOM * maker.size()))
            try:
                links, model, proof = maker.within(aim)
            except DomainError as error:
                words = f"{error} (the part g{k + 1} = {self.plan.atoms[k].text} of t = {self.argument(d + k)})"
                raise DomainError(words) from None
            self.parts[d + k] = _part(model, maker, proof.upper, tol * self.shares[d + k])
            self.windows[d + k] = maker.windows(aim)
            self.knots[d + k] = links
        return self.network()

    def network(self) -> tuple[Scaled, list[list[Owner]]]:
        model, owners = Builder(self.plan, self.parts, self.low, self.high).built()
        self.units = sum(len(o) for o in owners)
        return model, owners

    def within(self, tol: float) -> tuple[Scaled, Certificate]:
        """A network of which it is proved that it keeps a tolerance."""
        aim, upper = tol * (1.0 - LESS), np.inf
        for k in range(PASSES):
            model, owners = self.made(aim)
            subject, upper = self.bound(model, owners)
            enough = self.plan.depth <= 1 or upper >= SPARE * tol or k > PASSES // 2
            if upper <= tol and enough:
                break
            if k < PASSES - 1 and self.plan.depth > 1:  # now the slopes of nested functions are known
                self.shares = shares(self.plan, self.arguments, {i: float(p.steepest()) for i, p in self.parts.items()})
                aim = tol * (1.0 - LESS) * (1.0 if k < 4 else 0.9 ** (k - 3))
            else:
                aim *= 0.999 * min(1.0, tol / upper) if upper < np.inf else 0.1
        if not upper <= tol:
            raise DomainError(
                f"construct: |error| <= {tol:g} is not proved: the bound is {upper:.3g}; choose a larger tolerance"
            )
        return model, self.certificate(model, subject, upper, tol)

    def of_size(self, units: int) -> tuple[Scaled, Certificate]:
        """About the least error with so many hidden units at most."""
        above = below = max(float(np.ptp(self.problem.train[1])), 1e-300)
        while not self.fits(above, units):
            if above > 1e9 * below:
                raise ArgumentError(
                    f"construct: units={units} is too few for this formula, which needs {self.units} at the least"
                )
            above *= 16.0
        most = above
        try:
            below = above / 4.0
            while self.fits(below, units) and below > 1e-12 * most:
                above, below = below, below / 4.0
            while above > 1.005 * below:
                middle = float(np.sqrt(above * below))
                above, below = (middle, below) if self.fits(middle, units) else (above, middle)
        except Late:  # what fits by now is made and proved, however long that takes
            for maker in self.makers:
                maker.deadline = None
        while True:
            model, owners = self.made(above)
            if self.units <= units:
                break
            above *= 1.005  # the points of the search were too few
        subject, upper = self.bound(model, owners)
        return model, self.certificate(model, subject, upper, None)

    def fits(self, tol: float, units: int) -> bool:
        """Whether so many units are about enough for a tolerance; nothing is proved yet."""
        d = len(self.problem.names)
        try:
            for k, maker in enumerate(self.makers):
                aim = tol * self.shares[d + k]
                self.parts[d + k] = _part(model_of(maker.links(aim), maker.low), maker, aim, -1.0)
            self.network()
        except ArgumentError:
            return False
        return self.units <= units

    def bound(self, model: Scaled, owners: list[list[Owner]]) -> tuple[Subject, float]:
        """What is proved of a network as it runs."""
        strict = values_of(model).how.startswith("compiled")
        subject = subject_of(model, self.formula, self.problem.domain, "deployed", strict, self.problem.outputs)
        exact = lowered(subject.program)
        _, upper = assembled_bound(exact, subject.net, self.plan, self.parts, owners, subject.low, subject.high)
        return subject, upper

    def certificate(self, model: Scaled, subject: Subject, upper: float, tol: float | None) -> Certificate:
        values = values_of(model)
        values(self.low[None, :])
        return of_structure(
            subject, upper, values, strict=values.how.startswith("compiled"), tol=tol, parts=len(self.parts),
            seconds=clock.perf_counter() - self.began,
        )  # fmt: skip

    def piece(self, place: int) -> Piece:
        """One part, as the record keeps it."""
        d = len(self.problem.names)
        atom, part, links = self.plan.atoms[place - d], self.parts[place], self.knots[place]
        return Piece(
            text=atom.text, argument=self.argument(place), tol=part.tol, error=part.error, hinges=part.hinges,
            at_least=len(self.windows[place]), knots=links.knots, values=links.values,
        )  # fmt: skip

    def argument(self, place: int) -> str:
        """What t is, in words: inputs by their names, other parts by their numbers."""
        d = len(self.problem.names)
        names = [*self.problem.names, *(f"g{k}" for k in range(1, len(self.plan.atoms) + 1))]
        words = [
            (f"{c}*" if c not in (1, -1) else "-" if c == -1 else "") + names[i]
            for i, c in self.plan.atoms[place - d].terms
        ]
        return " + ".join(words).replace("+ -", "- ")


def _part(model: Scaled, maker: _Maker, error: float, tol: float) -> Part:
    """The numbers of a network of one input that `model_of` made."""
    first, last = [m for m in model.modules() if isinstance(m, nn.Linear)]
    assert first.bias is not None
    assert last.bias is not None
    sign, bias = first.weight.detach().numpy()[:-1, 0], first.bias.detach().numpy()[:-1]
    out = last.weight.detach().numpy()[0]
    return Part(
        signs=sign.copy(), knots=-sign * bias, jumps=out[:-1].copy(), slope=float(out[-1]),
        offset=float(last.bias.detach().numpy()[0]), low=maker.low, high=maker.high, error=error, tol=tol,
    )  # fmt: skip


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
