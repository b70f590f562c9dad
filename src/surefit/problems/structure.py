"""What a function is made of: inputs that work together, and sums of parts of these.

Two inputs interact where the change that one brings depends on the other: a mixed difference
f(x + a + b) - f(x + a) - f(x + b) + f(x) is not zero (Sobol 1993 gives the theory: the interactions of an ANOVA
decomposition). Where two inputs do not, f is a sum of a function without the one and a function without the other; so f
is a sum of functions of the largest sets of inputs that all interact with each other.
"""

from __future__ import annotations

import numpy as np

from surefit.data import Domain
from surefit.problems.problem import Function

BASES = 6  # places at which each pair is looked at
MOST_INPUTS = 40  # 5 000 values; of more inputs it is not asked
MOST_PARTS = 60  # that overlap; beyond that they are joined
SILENT = 1e-11  # of the largest value: a mixed difference below this is rounding


def parts_of(function: Function, domain: Domain, generator: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """The inputs of each part, in order; an input may be in several. One part with all where nothing else is sure.

    function: points (n, d) -> values (n, k), NaN where it is not defined. It is asked for 6 (1 + d (d + 1) / 2) values.
    An interaction that is zero at all six places, such as one in a small corner of the box, is not seen: what is made
    of the parts has to be judged as anything else.

    >>> from surefit.formulas import parse
    >>> f = parse("x*y + sin(z)")
    >>> parts_of(lambda p: f.on_points(p)[:, None], Domain("x=0:1, y=0:1, z=0:1"), np.random.default_rng(0))
    ((0, 1), (2,))
    """
    d = domain.dim
    whole = (tuple(range(d)),)
    if d < 2 or d > MOST_INPUTS:
        return whole
    first, second = generator.uniform(domain.low, domain.high, (2, BASES, d))
    pairs = [(i, j) for i in range(d) for j in range(i)]
    changed = [first, *(_with(first, second, (i,)) for i in range(d)), *(_with(first, second, p) for p in pairs)]
    values = function(np.concatenate(changed))
    if not np.isfinite(values).all():
        return whole
    y = values.reshape(len(changed), BASES, -1)  # (1 + d + pairs, bases, k)
    size = np.abs(y).max(axis=(0, 1))
    beside: dict[int, set[int]] = {i: set() for i in range(d)}
    for place, (i, j) in enumerate(pairs, 1 + d):
        mixed = np.abs(y[place] - y[1 + i] - y[1 + j] + y[0]).max(axis=0)
        if (mixed > SILENT * size).any():
            beside[i].add(j)
            beside[j].add(i)
    found = _cliques(beside)
    return found if len(found) <= MOST_PARTS else _connected(beside)


def _cliques(beside: dict[int, set[int]]) -> tuple[tuple[int, ...], ...]:
    """The largest sets of which all are beside each other (Bron and Kerbosch 1973, Communications of the ACM 16)."""
    found: list[tuple[int, ...]] = []

    def grow(inside: set[int], left: set[int], done: set[int]) -> None:
        if len(found) > MOST_PARTS:
            return
        if not left and not done:
            found.append(tuple(sorted(inside)))
            return
        pivot = max(sorted(left | done), key=lambda i: len(beside[i] & left))
        for i in sorted(left - beside[pivot]):
            grow(inside | {i}, left & beside[i], done & beside[i])
            left, done = left - {i}, done | {i}

    grow(set(), set(beside), set())
    return tuple(sorted(found))


def _connected(beside: dict[int, set[int]]) -> tuple[tuple[int, ...], ...]:
    """The sets between which there is nothing."""
    found: list[tuple[int, ...]] = []
    left = set(beside)
    while left:
        part, new = set(), {min(left)}
        while new:
            part |= new
            new = set().union(*(beside[i] for i in new)) - part
        left -= part
        found.append(tuple(sorted(part)))
    return tuple(found)


def _with(base: np.ndarray, other: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    """The points `base` with these columns of `other`."""
    points = base.copy()
    points[:, columns] = other[:, columns]
    return points


__all__ = ["parts_of"]
