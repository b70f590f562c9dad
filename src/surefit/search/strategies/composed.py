"""A formula made of functions of one variable and sums: each is fitted by itself, and all together are one network.

Units spread over a box of four inputs see little of each; a formula says of which sums its values are functions. So a
network gets a hidden layer for each step of the formula (`formulas.compositions`), the units of a layer see one sum
each, and what the layers hand on are the functions of these, fitted to many digits on the range that their sum has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.data import corner_points, face_points, sample
from surefit.formulas import interesting_points
from surefit.formulas.compositions import Composition, composition_of
from surefit.formulas.expression import Expression
from surefit.formulas.signals import Function, Signal, Sum
from surefit.problems.behind import formulas_behind
from surefit.problems.points import placed
from surefit.problems.scaling import Scaling
from surefit.search.candidates import Candidate
from surefit.search.limits import (
    COMPOSED,
    COMPOSED_FIRST,
    COMPOSED_LEAST,
    LEARNED,
    MOST_DEEP,
    MOST_WIDE,
    UNASKED_PARAMETERS,
    WORTH_REFINING,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import most_parameters, of_layers, reserve, size_of
from surefit.sentences import say
from surefit.solvers.roughness import NEAR_ZERO, short_number
from surefit.solvers.univariate import Units, units_of

ALL_CORNERS = 12  # inputs, up to which all corners are looked at
LOOKED_AT = 4000  # points at which sub-expressions are looked at, for signs and ranges
FINE = 1001  # places that tell the range of a function on an interval
SAFE = 1.15  # times the range that was seen: a sum of ranges that is no wider is taken as it is
MARGINS = (0.02, 2e-3, 2e-4, 0.0)  # of half of the range that was seen, by which it may be wider
BEYOND = 1e-7  # of half of the range, the same where a function ends, with its value at the end
AROUND = 4.0  # roundings, by which a unit that jumps bends beside the number on whose side it is
KNOWN = 1e4  # roundings, of half of the range: so well a sum of what a layer hands on is known
NOTICED = 1e-7  # of the size of a target: a root mean square beside its jumps that is good enough
LEAST = 30.0  # roundings, to which functions are fitted at best
COARSER = 30.0  # times the tolerance, where a network would be larger than anybody asked for
GROWS = 2.0  # times its size inside, that a function may reach in such a margin


@dataclass
class Block:
    """The units that see one sum: on [middle - half, middle + half], for functions in order of `of`."""

    middle: float
    half: float
    units: Units
    of: list[Signal | int]  # what its functions are: signals, or outputs


def composed(s: State) -> Strategy:
    """The network that a formula says, to more and more digits."""
    if not s.problem.free or s.problem.gradients is not None or s.problem.log_target:
        return None
    formulas = formulas_behind(s.problem)
    if formulas is None:
        return None
    if s.problem.source["kind"] != "formula":
        yield say("written-down")
    points = points_on(s, formulas)
    for logarithms in (True, False):
        composition = composition_of(formulas, points, s.problem.domain.log, logarithms)
        if composition is not None and composition.depth <= MOST_DEEP:
            yield from layered(s, composition, points)
    return None


def layered(
    s: State, composition: Composition, points: np.ndarray, scaling: Scaling | None = None, made: str = "composed",
    least: float = COMPOSED_LEAST,
) -> Strategy:  # fmt: skip
    """The network of these layers, to more and more digits.

    points (n, d): to which the output layer of a rounded network is fitted. scaling: from the units of a network to
    those of the composition, if these are not the problem's. made: of what it says that the network is. least: of the
    functions' tolerances, where they are not known better.
    """
    roundoff = ROUNDOFF[str(s.dtype)]
    problem = s.problem if s.dtype == ops.float64 else placed(s.problem, points)
    scaling = Scaling.of(problem) if scaling is None else scaling
    goal = s.goal or 0.0
    tol = COMPOSED_FIRST * goal / s.size if s.size > 0 else 0.0
    before, too_fine, last = np.inf, 0.0, np.inf
    for tried in range(COMPOSED):
        if s.candidates and s.progress.out_of_time(1.0 - reserve(s)):
            return None
        found_layers = fitted(composition, max(tol, LEAST * roundoff), scaling, roundoff)
        if found_layers is None:
            return None
        layers, jumps = found_layers
        if s.tol is None and size_of(layers) > UNASKED_PARAMETERS and not (tried and s.candidates):
            too_fine = max(too_fine, tol)
            tol = _coarser(tol, last)  # fewer digits may do
            continue
        if size_of(layers) > most_parameters(s):
            too_fine = max(too_fine, tol)
            tol = _coarser(tol, last)
            if s.best is not None and s.best.score <= tol * s.size:
                return None
            continue
        units = sum(len(b) for _, b in layers[:-1])
        stage = say(f"stage-{made}", units=units, layers=len(layers) - 1)
        attempt = of_layers(
            s,
            layers,
            "tanh",
            stage,
            problem,
            solver=made,
            units=units,
            **({"jumps": jumps} if jumps else {}),
        )
        if attempt is None:
            return None
        found = yield attempt
        if found is None or tol <= least or jumps_alone(s, found):
            return None
        if least > COMPOSED_LEAST and found.score * WORTH_REFINING > before:
            return None
        if s.best is not found and found.score > s.judge.share(LEARNED):
            return None  # large numbers that cancel: more digits of them do not help
        before, last = found.score, tol
        tol = max(least, 0.1 * tol * min(1.0, (goal / found.score) ** 2))  # a root makes of an error its root
        if tol <= too_fine:
            tol = _coarser(tol, last, too_fine)
    return None


def _coarser(tol: float, last: float, too_fine: float = 0.0) -> float:
    """A tolerance for which a network is smaller than for `tol`, and larger than for the last one that was tried.

    too_fine: one for which it is too large, if known.
    """
    tol = max(tol, too_fine, COMPOSED_LEAST)
    return COARSER * tol if COARSER * tol < last else float(np.sqrt(tol * last))


def jumps_alone(s: State, found: Candidate) -> bool:
    """Whether a network is only off where the target jumps, which no network does: nothing else can be better."""
    within = max(s.goal or 0.0, NOTICED * s.size)
    return found.only_at_jumps and found.error.rmse <= within


def points_on(s: State, formulas: Sequence[Expression]) -> np.ndarray:
    """Points all over the box, on its faces, at its corners, and where the formula does something."""
    rng, box = np.random.default_rng([s.seed, 0xC03]), s.problem.domain
    inside, edge = sample(box, LOOKED_AT, "uniform", generator=rng), face_points(box, LOOKED_AT // 4, rng)
    corners = box.corners() if box.dim <= ALL_CORNERS else corner_points(box)
    return np.concatenate([inside, edge, corners, interesting_points(formulas, box, LOOKED_AT // 4, rng)])


def fitted(
    composition: Composition, tol: float, scaling: Scaling, roundoff: float = 2.0**-53
) -> tuple[list[tuple[np.ndarray, np.ndarray]], int] | None:
    """Weights and bias of each layer, in the units of the network, and how many units are jumps.

    None where a part could not be fitted.

    tol: of each function of one variable, as a share of its size. roundoff: of the network, where it will run.
    """
    wanted = composition.wanted()
    ranges = {signal: (shift - scale, shift + scale) for signal, shift, scale in
              zip(composition.inputs, scaling.x_shift, scaling.x_scale, strict=True)}  # fmt: skip
    d = len(composition.inputs)
    rows: Rows = {signal: (scaling.x_scale[i] * np.eye(d)[i], float(scaling.x_shift[i]))
                  for i, signal in enumerate(composition.inputs)}  # fmt: skip
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    jumps = 0
    for depth in range(composition.depth):
        blocks: list[tuple[Sum, Block]] = []
        for s, functions in wanted.items():
            if s.layer == depth:
                block = _block(s, functions, ranges, tol, roundoff)
                if block is None:
                    return None
                blocks.append((s, block))
        if sum(len(block.units.gains) for _, block in blocks) > MOST_WIDE:
            return None
        jumps += sum(block.units.jumps for _, block in blocks)
        layers.append(_hidden(blocks, rows))
        rows = _handed_on(blocks)
    width = len(layers[-1][1])
    weight, bias = np.zeros((len(composition.outputs), width)), np.zeros(len(composition.outputs))
    for j, value in enumerate(composition.outputs):
        weight[j], bias[j] = rows.get(j, (weight[j], 0.0))
        bias[j] += value.constant
        for signal, c in value.linear.items():
            weight[j] += c * rows[signal][0]
            bias[j] += c * rows[signal][1]
    bias = (bias - scaling.y_shift) / scaling.y_scale
    return [*layers, (weight / scaling.y_scale[:, None], bias)], jumps


# signals, or what an output has of functions, as linear functions of the units of a layer: row and constant
Rows = dict[Signal | int, tuple[np.ndarray, float]]


def _hidden(blocks: Sequence[tuple[Sum, Block]], rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of the layer of these blocks. rows: of the layer before."""
    weight, bias = [], []
    for s, block in blocks:
        row = np.sum([c * rows[signal][0] for signal, c in s.terms], axis=0)
        constant = sum(c * rows[signal][1] for signal, c in s.terms)
        gains = block.units.gains / block.half
        weight.append(gains[:, None] * row)
        bias.append(gains * (constant - block.middle) + block.units.offsets)
    return np.concatenate(weight), np.concatenate(bias)


def _handed_on(blocks: Sequence[tuple[Sum, Block]]) -> Rows:
    """What the units of these blocks are read as."""
    found: Rows = {}
    width, start = sum(len(block.units.gains) for _, block in blocks), 0
    for _, block in blocks:
        part = slice(start, start + len(block.units.gains))
        for j, what in enumerate(block.of):
            row, constant = found.get(what, (np.zeros(width), 0.0))
            row[part] += block.units.weights[:, j]
            found[what] = row, constant + float(block.units.constant[j])
        start = part.stop
    return found


def _block(
    s: Sum, functions: list[tuple[Signal | int, Function]],
    ranges: dict[Signal, tuple[float, float]], tol: float, roundoff: float,
) -> Block | None:  # fmt: skip
    """The units of a sum for functions of it; the ranges of what they hand on are added to `ranges`."""
    reached, (low, high), sharp = _range(s, [f for _, f in functions], ranges)
    middle, half = 0.5 * (low + high), max(0.5 * (high - low), 1e-300)
    if sharp:
        half *= 1.0 + min(BEYOND, 30.0 * tol)  # what is before makes small errors

    def values(t: np.ndarray) -> np.ndarray:
        z = np.clip(middle + half * t, low, high)
        with np.errstate(all="ignore"):
            return np.stack([f(z) for _, f in functions], axis=1)

    known = 2.0 * roundoff * (abs(middle) / half + 1.0)  # so well t is known where the network runs

    def centre(after: float, left: np.ndarray, right: np.ndarray) -> float:
        number = short_number(middle + half * after, 4.0 * 2.0**-52 * (abs(middle) + half))
        if number is None:
            return after
        here = np.array([f(np.array([number]))[0] for _, f in functions])
        side = int(np.argmin([np.abs(here - value).max() for value in (left, 0.5 * (left + right), right)])) - 1
        return (number - middle) / half - side * AROUND * known

    units = units_of(values, tol, max(tol, KNOWN * roundoff) if s.layer else NEAR_ZERO, roundoff, centre)
    if units is None:
        return None
    fine = values(
        (np.linspace(reached[0], reached[1], FINE) - middle) / half
    )  # without the margins, which would add up
    for (what, f), column in zip(functions, fine.T, strict=True):
        if isinstance(what, Signal):
            seen = f(s.values)
            ranges[what] = min(float(column.min()), float(seen.min())), max(float(column.max()), float(seen.max()))
    return Block(middle, half, units, [what for what, _ in functions])


def _range(
    s: Sum, functions: list[Function], ranges: dict[Signal, tuple[float, float]]
) -> tuple[tuple[float, float], tuple[float, float], bool]:
    """Where a sum lies: between the sums of the ends of its terms, or where it was seen to be; and a little beyond.

    And whether a function ends there, as a root does at 0. Terms of different inputs reach their ends together, which
    samples of many inputs do not show.
    """
    low, high = float(s.values.min()), float(s.values.max())
    spans = [sorted((c * ranges[signal][0], c * ranges[signal][1])) for signal, c in s.terms]
    least, most = sum(a for a, _ in spans), sum(b for _, b in spans)
    inside = _sizes(functions, np.linspace(low, high, FINE))
    apart = _apart(s)
    if inside is not None and (apart or most - least <= SAFE * (high - low)):
        outside = [np.linspace(a, b, FINE) for a, b in ((least, low), (high, most))]  # a pole is between two of many
        whole = _sizes(functions, np.concatenate([np.linspace(least, most, FINE), *outside]))
        if whole is not None and (apart or (whole <= GROWS * inside).all()):
            low, high = min(least, low), max(most, high)
    half, reached = 0.5 * (high - low), (low, high)
    ends, sharp = [], False
    for end, way, limit in ((low, -1.0, least), (high, 1.0, most)):
        for margin in MARGINS:
            beyond = end + way * margin * half
            grown = _sizes(functions, np.linspace(end, beyond, FINE))
            if grown is not None and (inside is None or (grown <= GROWS * inside).all()):
                break
        sharp |= margin == 0.0
        ends.append(beyond if margin > MARGINS[-2] else max(beyond, limit) if way < 0 else min(beyond, limit))
    return reached, (ends[0], ends[1]), sharp


def _apart(s: Sum) -> bool:
    """Whether no two terms of a sum depend on one input."""
    seen: set[Signal] = set()
    for signal, _ in s.terms:
        own = _inputs(signal)
        if seen & own:
            return False
        seen |= own
    return True


def _inputs(signal: Signal) -> set[Signal]:
    """The inputs that a signal depends on."""
    return {signal} if signal.of is None else set().union(*(_inputs(k) for k, _ in signal.of.terms))


def _sizes(functions: list[Function], z: np.ndarray) -> np.ndarray | None:
    """The largest size of each function; None where one is not finite."""
    with np.errstate(all="ignore"):
        sizes = np.array([np.abs(f(z)).max() for f in functions])
    return sizes if np.isfinite(sizes).all() else None


__all__ = ["composed", "fitted", "jumps_alone", "layered", "points_on"]
