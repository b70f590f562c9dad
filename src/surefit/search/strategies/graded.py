"""Functions of one input that are rough somewhere: units and points that are as dense as the function needs them.

Kinks, singular ends, layers, poles nearby, bursts and many waves: pieces that a polynomial resolves say how short the
function's lengths are, place by place. Units of one hidden layer get their centres and gains by these lengths, and one
solve finds the output layer; a finer ladder follows as long as the error is too large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surefit.attempts.methods import Features
from surefit.formulas import interesting_points
from surefit.problems.behind import formulas_behind
from surefit.problems.points import placed
from surefit.problems.problem import Problem
from surefit.problems.scaling import Scaling
from surefit.search.limits import (
    BESIDE_ENDS,
    GRADED,
    GRADED_GAIN,
    HELPED,
    ITERATION,
    MOST_ASKED,
    MOST_CALLED,
    ROUGHEST,
    SOLVER_RESERVE,
)
from surefit.search.runner import State, Strategy
from surefit.sentences import say
from surefit.solvers.local_units import work_of
from surefit.solvers.roughness import (
    FLOOR,
    NEAR_ZERO,
    STEEPEST,
    Jump,
    Mesh,
    Pieces,
    Taken,
    centre_of,
    jumps_of,
    pieces_of,
    short_number,
    without_jumps,
)

Values = Callable[[np.ndarray], np.ndarray]
NAMED = 24  # places that a formula names
MISSED = 100.0  # times the goal: an error that something narrow may have made, which was not seen
# How well the places of units are known, as a share of them: rounding; in float32, where a kink is only as sharp as the
# units beside it, less than its rounding of 2^-23.
MANY_JUMPS = 2.0**-27  # the same, where pieces are only to tell that there are jumps
RESOLVED = {"float64": 2.0**-52, "float32": 2.0**-27}
ROUNDED = 2.0**-52  # of the values, in which pieces are looked for in every dtype
BESIDE_ORIGIN = 1e-9  # of half the box: so close to it pieces shrink and errors lie, and so close the origin is
CLOSEST = 1e-200  # of half the box, about an origin that is 0: pieces need be no shorter
WATCHED = 1000  # places on the pieces at which candidates are measured
GROWING = 1.5  # times the seconds of so much work that more units may take, which fit into caches less well
SAME = 1e-3  # places that differ by less are one


def graded(s: State) -> Strategy:
    """More and more units, placed by the local lengths of the function, as long as that helps.

    Where what is left lies at one place to which its pieces shrink, as at 0 of the cube root, that place becomes the
    origin of the network's input: floats are dense there, and nowhere else.
    """
    function = s.problem.function
    if s.dim != 1 or not s.problem.free or function is None or s.problem.gradients is not None or s.problem.log_target:
        return None
    line = Line.of(s.problem, str(s.dtype))
    before, failed, to, looked_at, rate = np.inf, 0, 0.0, places_named(s, line.scaling), 0.0
    ladder = list(GRADED)
    while ladder:
        per_piece, growth, share = ladder.pop(0)
        if share != to:
            finer, jumps = resolved(s, line, share, looked_at)
            if not finer.settled:
                if not to:
                    yield say("too-rough", values=finer.asked)
                return None
            pieces, to = finer, share
            several = {"jumps": len(jumps)} if jumps else {}
            yield say("rough" if jumps else "pieces", pieces=len(pieces.ends), **several)
            s.judge.watch(line.inputs(between(pieces, s.seed)))  # where it is rough uniform points are not
        mesh = Mesh(pieces, per_piece, growth, line.eps, line.shortest)
        gains, offsets = units_on(mesh)
        places = mesh.points(4, BESIDE_ENDS)
        work = work_of(places, gains, offsets)
        if work > ITERATION:
            origin = line.singular(pieces.shortest, pieces, jumps)
            if origin is None:
                yield say("no-finer", units=len(gains))
                return None
            line, before, failed, to, ladder = line.about(origin), np.inf, 0, 0.0, list(GRADED)
            looked_at = places_named(s, line.scaling)
            yield say("origin", name=s.problem.names[0], at=origin)
            continue
        steepest = np.full(len(jumps), STEEPEST)
        hidden = np.concatenate([gains, steepest])[:, None]
        centres = np.concatenate([offsets, -steepest * [line.centre(j, s.dtype) for j in jumps]])
        if s.problem.affordable is not None and len(places) > s.problem.affordable:
            return None  # its values cost too much
        left, began = s.progress.left(), s.progress.seconds
        if left is not None and GROWING * rate * work > left:
            yield say("no-time-for-units", units=len(centres))
            return None
        found = yield s.attempt(
            Features(), s.hidden(len(centres)), placed(line.problem, line.inputs(places)), layer=(hidden, centres),
            local=True, steps=np.array([j.height for j in jumps]) if jumps else None, reserve=SOLVER_RESERVE,
        )  # fmt: skip
        rate = (s.progress.seconds - began) / work  # with what measuring it costs
        if found is None:
            return None
        failed = failed + 1 if found.score * HELPED > before else 0
        worst = float(line.scaling.inputs(np.array([list(found.error.at.values())]))[0, 0])
        origin = line.singular(worst, pieces, jumps)
        if origin is not None and found.score > (s.goal or 0.0):
            line, before, failed, to, ladder = line.about(origin), np.inf, 0, 0.0, list(GRADED)
            looked_at = places_named(s, line.scaling)
            yield say("origin", name=s.problem.names[0], at=origin)
            continue
        if failed > 1:
            return None
        before = min(before, found.score)
        if found.score > MISSED * (s.goal or 0.0) and np.abs(np.subtract(looked_at, worst)).min(initial=1.0) > SAME:
            looked_at, to = [*looked_at, worst], 0.5 * share  # something narrow may be there
    return None


@dataclass(frozen=True)
class Line:
    """A function of one input in the units of a network, whose input is 0 in the middle, or at another origin.

    eps: how well a place is known, as a share of it; shortest: how well close to the origin.
    """

    problem: Problem
    scaling: Scaling
    ends: tuple[float, float]
    eps: float
    shortest: float

    @classmethod
    def of(cls, problem: Problem, dtype: str) -> Line:
        """Of a problem, for a network in this dtype."""
        scaling = Scaling.of(problem)
        shift = float(scaling.x_shift[0])
        beside = float(np.spacing(abs(shift)) / scaling.x_scale[0]) if shift else 0.0
        if problem.origin is None:
            return cls(problem, scaling, (-1.0, 1.0), RESOLVED[dtype], max(NEAR_ZERO, beside))
        low, high = (float(end) for end in scaling.inputs(np.stack([problem.domain.low, problem.domain.high]))[:, 0])
        return cls(problem, scaling, (low, high), RESOLVED[dtype], max(CLOSEST, beside))

    def inputs(self, u: np.ndarray) -> np.ndarray:
        """Points (n, 1) at places (n,)."""
        box = self.problem.domain
        return np.clip(self.scaling.unscaled_inputs(u[:, None]), box.low, box.high)

    @property
    def taken_at(self) -> Taken | None:
        """Where a value is taken of a place, if floats about the origin are too far apart to tell."""
        return (lambda u: self.scaling.inputs(self.inputs(u))[:, 0]) if self.scaling.x_shift[0] else None

    def values(self, u: np.ndarray) -> np.ndarray:
        """Values (n, k) at places (n,)."""
        assert self.problem.function is not None
        return self.problem.function(self.inputs(u))

    def centre(self, jump: Jump, dtype: Any) -> float:
        """Where a unit bends that jumps there."""
        before, after = self.inputs(np.array([jump.before, jump.after]))[:, 0]
        function = self.problem.function
        assert function is not None
        values = lambda x: function(x[:, None])
        return centre_of(jump, before, after, values, lambda x: self.scaling.inputs(x[:, None])[:, 0], dtype)

    def singular(self, worst: float, pieces: Pieces, jumps: Sequence[Jump]) -> float | None:
        """The input at which floats are too far apart for the function, if that is where it is off most."""
        if self.problem.origin is not None or self.problem.domain.log.any():
            return None
        widths = np.diff(pieces.ends, axis=1)[:, 0]
        beside = max(BESIDE_ORIGIN, 2.0 * FLOOR * self.eps)
        near = np.abs(pieces.ends - worst).min(axis=1) <= beside
        if not near.any() or widths[near].min() > beside:
            return None
        i = int(np.argmin(np.where(near, widths, np.inf)))
        if any(np.abs(np.subtract((j.before, j.after), worst)).min() <= beside for j in jumps):
            return None
        low, high = self.problem.domain.low[0], self.problem.domain.high[0]
        at = float(self.inputs(np.array([pieces.ends[i].mean()]))[0, 0])
        for end in (low, high):
            if abs(at - end) <= beside * (high - low):
                return float(end)
        number = short_number(at, 4.0 * float(np.diff(pieces.ends[i])[0]) * float(self.scaling.x_scale[0]))
        return at if number is None else number

    def about(self, origin: float) -> Line:
        """The same with the input of the network 0 there."""
        dtype = next(name for name, eps in RESOLVED.items() if eps == self.eps)
        return Line.of(replace(self.problem, origin=np.array([origin])), dtype)


def places_named(s: State, scaling: Scaling) -> list[float]:
    """Where a formula itself does something that few values would miss, in scaled units."""
    formulas = formulas_behind(s.problem)
    if formulas is None:
        return []
    points = interesting_points(formulas, s.problem.domain, NAMED, np.random.default_rng([s.seed, 0x6AD]))
    return np.unique(scaling.inputs(points)[:, 0].round(9)).tolist()


def resolved(s: State, line: Line, share: float, looked_at: Sequence[float]) -> tuple[Pieces, list[Jump]]:
    """The pieces of the function without its jumps, and these; share: of the goal, to which they are resolved."""
    most = MOST_CALLED if s.problem.source["kind"] == "callable" else MOST_ASKED
    if s.problem.affordable is not None:
        most = min(most, s.problem.affordable)
    tol = min(max(share * (s.goal or 0.0) / s.size, 4.0 * ROUNDED**0.75), ROUGHEST) if s.size > 0 else ROUGHEST
    values, eps = line.values, line.eps

    def split(values: Values, tol: float, eps: float) -> Pieces:
        return pieces_of(values, tol, most, eps, looked_at, line.shortest, line.ends, line.taken_at)

    pieces = split(values, tol, eps)
    if not pieces.settled and tol < ROUGHEST:
        pieces = split(values, ROUGHEST, eps)
        tol = ROUGHEST
    rough = eps
    if not pieces.settled:  # many jumps, to whose places the pieces need not lead
        rough = MANY_JUMPS
        pieces = split(values, tol, rough)
    if not pieces.settled:
        return pieces, []
    jumps = jumps_of(values, pieces, rough, line.shortest)
    if rough != eps and not jumps:
        return replace(pieces, settled=False), []
    if jumps:
        pieces = split(without_jumps(values, jumps, ROUNDED, line.shortest), tol, eps)
    return pieces, jumps


def between(pieces: Pieces, seed: int) -> np.ndarray:
    """Places (n,) of which as many lie on one piece as on another."""
    rng = np.random.default_rng([seed, 0xBE])
    low, high = pieces.ends[rng.integers(0, len(pieces.ends), WATCHED)].T
    return rng.uniform(low, high)


def units_on(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Gains and offsets (h,) of a unit in each local length, and of some beyond both ends."""
    n = max(1, int(np.ceil(mesh.count)))
    centres, lengths = mesh.at((np.arange(n) + 0.5) * mesh.count / n)
    beyond = np.arange(BESIDE_ENDS) + 0.5
    first, last = lengths[0], lengths[-1]
    centres = np.concatenate([mesh.nodes[0] - first * beyond[::-1], centres, mesh.nodes[-1] + last * beyond])
    lengths = np.concatenate([np.full(BESIDE_ENDS, first), lengths, np.full(BESIDE_ENDS, last)])
    gains = GRADED_GAIN / lengths
    return gains, -gains * centres


__all__ = ["graded", "resolved", "units_on"]
