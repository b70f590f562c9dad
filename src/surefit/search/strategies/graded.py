"""Functions of one input that are rough somewhere: units and points that are as dense as the function needs them.

Kinks, singular ends, layers, poles nearby, bursts and many waves: pieces that a polynomial resolves say how short the
function's lengths are, place by place. Units of one hidden layer get their centres and gains by these lengths, and one
solve finds the output layer; a finer ladder follows as long as the error is too large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from surefit.attempts.methods import Features
from surefit.formulas import interesting_points
from surefit.problems.behind import formulas_behind
from surefit.problems.points import placed
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
from surefit.solvers.roughness import STEEPEST, Jump, Mesh, Pieces, centre_of, jumps_of, pieces_of, without_jumps

Values = Callable[[np.ndarray], np.ndarray]
NAMED = 24  # places that a formula names
MISSED = 100.0  # times the goal: an error that something narrow may have made, which was not seen
# How well the places of units are known, as a share of them: rounding; in float32, where a kink is only as sharp as the
# units beside it, less than its rounding of 2^-23.
MANY_JUMPS = 2.0**-27  # the same, where pieces are only to tell that there are jumps
RESOLVED = {"float64": 2.0**-52, "float32": 2.0**-27}
ROUNDED = 2.0**-52  # of the values, in which pieces are looked for in every dtype
SAME = 1e-3  # places that differ by less are one


def graded(s: State) -> Strategy:
    """More and more units, placed by the local lengths of the function, as long as that helps."""
    function = s.problem.function
    if s.dim != 1 or not s.problem.free or function is None or s.problem.gradients is not None or s.problem.log_target:
        return None
    scaling, eps = Scaling.of(s.problem), RESOLVED[str(s.dtype)]
    box = s.problem.domain

    def values(u: np.ndarray) -> np.ndarray:
        return function(np.clip(scaling.unscaled_inputs(u[:, None]), box.low, box.high))

    def centre(jump: Jump) -> float:
        ends = scaling.unscaled_inputs(np.array([[jump.before], [jump.after]]))
        before, after = np.clip(ends[:, 0], box.low, box.high)
        values = lambda x: function(x[:, None])
        return centre_of(jump, before, after, values, lambda x: scaling.inputs(x[:, None])[:, 0], s.dtype)

    before, failed, to, looked_at = np.inf, 0, 0.0, places_named(s, scaling)
    for per_piece, growth, share in GRADED:
        if share != to:
            finer, jumps = resolved(s, values, share, eps, looked_at)
            if not finer.settled and not to:
                yield say("too-rough", values=finer.asked)
                return None
            if not finer.settled:
                return None
            pieces, to = finer, share
            several = {"jumps": len(jumps)} if jumps else {}
            yield say("rough" if jumps else "pieces", pieces=len(pieces.ends), **several)
        mesh = Mesh(pieces, per_piece, growth, eps)
        gains, offsets = units_on(mesh)
        places = mesh.points(4, BESIDE_ENDS)
        if work_of(places, gains, offsets) > ITERATION:
            yield say("no-finer", units=len(gains))
            return None
        steepest = np.full(len(jumps), STEEPEST)
        hidden = np.concatenate([gains, steepest])[:, None]
        centres = np.concatenate([offsets, -steepest * [centre(j) for j in jumps]])
        if s.problem.affordable is not None and len(places) > s.problem.affordable:
            return None  # its values cost too much
        points = np.clip(scaling.unscaled_inputs(places[:, None]), box.low, box.high)
        found = yield s.attempt(
            Features(), s.hidden(len(centres)), placed(s.problem, points), layer=(hidden, centres), local=True,
            steps=np.array([j.height for j in jumps]) if jumps else None, reserve=SOLVER_RESERVE,
        )  # fmt: skip
        if found is None:
            return None
        failed = failed + 1 if found.score * HELPED > before else 0
        if failed > 1:
            return None
        before = min(before, found.score)
        worst = float(scaling.inputs(np.array([list(found.error.at.values())]))[0, 0])
        if found.score > MISSED * (s.goal or 0.0) and np.abs(np.subtract(looked_at, worst)).min(initial=1.0) > SAME:
            looked_at, to = [*looked_at, worst], 0.5 * share  # something narrow may be there
    return None


def places_named(s: State, scaling: Scaling) -> list[float]:
    """Where a formula itself does something that few values would miss, in scaled units."""
    formulas = formulas_behind(s.problem)
    if formulas is None:
        return []
    points = interesting_points(formulas, s.problem.domain, NAMED, np.random.default_rng([s.seed, 0x6AD]))
    return np.unique(scaling.inputs(points)[:, 0].round(9)).tolist()


def resolved(
    s: State, values: Values, share: float, eps: float, looked_at: Sequence[float]
) -> tuple[Pieces, list[Jump]]:
    """The pieces of the function without its jumps, and these; share: of the goal, to which they are resolved."""
    most = MOST_CALLED if s.problem.source["kind"] == "callable" else MOST_ASKED
    if s.problem.affordable is not None:
        most = min(most, s.problem.affordable)
    tol = min(max(share * (s.goal or 0.0) / s.size, 4.0 * ROUNDED**0.75), ROUGHEST) if s.size > 0 else ROUGHEST
    pieces = pieces_of(values, tol, most, eps, looked_at)
    if not pieces.settled and tol < ROUGHEST:
        pieces = pieces_of(values, ROUGHEST, most, eps, looked_at)
        tol = ROUGHEST
    rough = eps
    if not pieces.settled:  # many jumps, to whose places the pieces need not lead
        rough = MANY_JUMPS
        pieces = pieces_of(values, tol, most, rough, looked_at)
    if not pieces.settled:
        return pieces, []
    jumps = jumps_of(values, pieces, rough)
    if rough != eps and not jumps:
        return replace(pieces, settled=False), []
    if jumps:
        pieces = pieces_of(without_jumps(values, jumps, ROUNDED), tol, most, eps, looked_at)
    return pieces, jumps


def units_on(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Gains and offsets (h,) of a unit in each local length, and of some beyond both ends."""
    n = max(1, int(np.ceil(mesh.count)))
    centres, lengths = mesh.at((np.arange(n) + 0.5) * mesh.count / n)
    beyond = np.arange(BESIDE_ENDS) + 0.5
    first, last = lengths[0], lengths[-1]
    centres = np.concatenate([-1.0 - first * beyond[::-1], centres, 1.0 + last * beyond])
    lengths = np.concatenate([np.full(BESIDE_ENDS, first), lengths, np.full(BESIDE_ENDS, last)])
    gains = GRADED_GAIN / lengths
    return gains, -gains * centres


__all__ = ["graded", "resolved", "units_on"]
