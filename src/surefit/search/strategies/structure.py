"""Functions that are made simply: of units that a formula names, a polynomial, or a sum of parts of few inputs.

A quadratic is exact with a few units, and each part of a sum has fewer inputs than the whole, so that few units are
enough where many, spread over all inputs, are not.
"""

from __future__ import annotations

import math

import numpy as np

from surefit.attempts.methods import Additive, Features, Polynomial
from surefit.attempts.polynomial import network_for
from surefit.formulas import ridge_units
from surefit.problems.behind import formulas_behind
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.problems.structure import parts_of
from surefit.search.cost import of_solve
from surefit.search.limits import HELPED, MOST_MONOMIALS, PART_UNITS, SOLVE, SOLVER_RESERVE
from surefit.search.runner import State, Strategy
from surefit.sentences import say
from surefit.solvers.features import SCALES

BESIDE = 60  # smooth units beside those that a formula names
Parts = tuple[tuple[int, ...], ...]  # the inputs of each


def quadratic(s: State) -> Strategy:
    """A quadratic of three inputs or more; of very many a plane."""
    if not s.problem.free or s.problem.gradients is not None or s.problem.function is None or s.dim < 3:
        return None
    degree = 2 if s.dim * (s.dim + 3) // 2 <= MOST_MONOMIALS else 1
    network = s.built(network_for(degree, s.dim))
    points = s.drawn(ROWS * network.num_parameters())
    yield s.attempt(Polynomial(degree=degree), network, points, reserve=SOLVER_RESERVE)
    return None


def parts_seen(s: State) -> Parts:
    """The inputs of each part of the sum that differences of the function show it to be; one part where it is none."""
    function = s.problem.function
    known = s.problem.free and s.problem.gradients is None and s.problem.affordable is None  # else values cost too much
    if function is None or not known or s.dim < 2:
        return (tuple(range(s.dim)),)
    return parts_of(function, s.problem.domain, np.random.default_rng([s.seed, 0x9A27]))


def overlapping(parts: Parts) -> bool:
    """Whether parts share inputs and are no simpler than what else may be found of the whole."""
    inputs = [i for part in parts for i in part]
    return len(inputs) > len(set(inputs)) and max(map(len, parts)) > 2


def sum_of(s: State, parts: Parts) -> Strategy:
    """A sum of parts, units of each its own."""
    if len(parts) == 1:
        return None
    shared = sum(map(len, parts)) > s.dim
    yield say("parts-shared" if shared else "parts", parts=len(parts), largest=max(len(p) for p in parts))
    before = math.inf
    for units in PART_UNITS:
        method = Additive(units=units, groups=parts if shared or len(parts) < s.dim else None)
        total = sum(method.widths(s.dim))
        if of_solve(ROWS * total, total) > SOLVE:
            break
        points = s.drawn(ROWS * total + 2, scattered=True)
        found = yield s.attempt(method, s.hidden(total), points, reserve=SOLVER_RESERVE)
        if found is None or found.score * HELPED > before:
            break
        before = found.score
    return None


def named_units(s: State) -> Strategy:
    """The kinks and activations of linear functions that a formula names, and smooth units beside those of tanh."""
    if not s.problem.free or s.problem.gradients is not None:
        return None
    parsed = formulas_behind(s.problem)
    if parsed is None:
        return None
    units = ridge_units(parsed, s.problem.domain, np.random.default_rng([s.seed, 0x21D6]))
    scaling = Scaling.of(s.problem)
    for kind, (weights, offsets) in units.items():
        for more in (0, BESIDE) if kind in ("tanh", "sigmoid") else (0,):
            total = len(offsets) + more
            layer = weights * scaling.x_scale, offsets + weights @ scaling.x_shift
            yield s.attempt(
                Features(), s.hidden(total, kind), s.drawn(ROWS * total + 2), scales=SCALES[:4] if more else (1.0,),
                layer=layer, generator=np.random.default_rng([s.seed, 0x21D6, more]), reserve=SOLVER_RESERVE,
            )  # fmt: skip
    return None


__all__ = ["named_units", "overlapping", "parts_seen", "quadratic", "sum_of"]
