"""Where a formula itself says that something happens: kinks, narrow peaks, steps; places that no sample need hit.

exp(-1e8*(x - 0.7071)^2) is flat but for a ten-thousandth of its box, yet its argument is a parabola, whose lowest point
a coarse look finds. So the parts of a formula are looked at, not the formula: on a grid, if one variable takes part,
else along lines, each sign change and each extremum is followed to its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from .expression import Expression, Node
from .formula import Formula

GRID = 257  # values of a variable at which a part is looked at
LINES, STEPS = 8, 65  # lines through the box for parts of several variables, and places on each
HALVINGS = 45  # of a bracket: to its 1e-13th part
MOST_PARTS, MOST_PLACES = 60, 24  # of a formula that are looked at, and places kept of each variable


def interesting_points(formulas: Sequence[Formula], domain: Any, count: int, generator: Any = None) -> np.ndarray:
    """At most `count` points (n, d) of a box at which parts of the formulas have zeros or extrema.

    Where several variables have such places, their combinations come first; variables that have none are drawn.
    """
    rng = np.random.default_rng(generator)
    low, high = (np.asarray(end, np.float64) for end in (domain.low, domain.high))
    names, d = list(domain.names), len(domain.names)
    places: list[list[float]] = [[] for _ in range(d)]
    found: list[np.ndarray] = []
    for part in (p for f in formulas for p in _parts(f)):
        used = sorted(names.index(n) for n in part.used if n in names)
        if len(used) == 1:
            j = used[0]
            there = _critical(lambda t, part=part, j=j: _along(part, low, high, j, t), low[j], high[j])
            places[j] += [v for v in there if all(abs(v - w) > 1e-9 * (high[j] - low[j]) for w in places[j])]
        elif len(used) > 1:
            for _ in range(LINES):
                a, b = rng.uniform(low, high), rng.uniform(low, high)
                line = lambda t, part=part, a=a, b=b: part.on_points(a + np.atleast_1d(t)[:, None] * (b - a))
                found += [a + t * (b - a) for t in _critical(line, 0.0, 1.0, STEPS)]
    kept = [p[:MOST_PLACES] for p in places]
    crossed: list[np.ndarray] = []
    if any(kept):
        choices: list[list[float | None]] = [[*p] if p else [None] for p in kept]
        for combination in product(*choices):
            drawn = rng.uniform(low, high)
            crossed.append(np.array([drawn[j] if v is None else v for j, v in enumerate(combination)]))
            if len(crossed) == count:
                break
    points = [*crossed, *found][:count]
    return np.clip(np.stack(points), low, high) if points else np.empty((0, d))


def _parts(formula: Formula) -> list[Expression]:
    """The sub-expressions of a formula that are numbers and have a variable in them, the smallest first."""
    parts = []
    for i, node in enumerate(formula.nodes[:MOST_PARTS]):
        if node.op in ("number", "constant", "variable") or formula.conditions[i] or formula.constants[i] is not None:
            continue
        parts.append(Expression(_needed(formula, i), formula.variables, guarded=False))
    return parts


def _needed(formula: Formula, i: int) -> list[Node]:
    """The nodes that node i is made of, itself the last."""
    wanted, waiting = set(), [i]
    while waiting:
        place = waiting.pop()
        if place not in wanted:
            wanted.add(place)
            waiting.extend(formula.nodes[place].args)
    new = {place: n for n, place in enumerate(sorted(wanted))}
    return [replace(formula.nodes[p], args=tuple(new[a] for a in formula.nodes[p].args)) for p in sorted(wanted)]


def _along(part: Expression, low: np.ndarray, high: np.ndarray, j: int, t: np.ndarray) -> np.ndarray:
    x = np.tile((low + high) / 2, (len(np.atleast_1d(t)), 1))
    x[:, j] = t
    return part.on_points(x)


def _critical(f: Any, low: float, high: float, count: int = GRID) -> list[float]:
    """Zeros and extrema of a function of one number, each followed into its bracket."""
    t = np.linspace(low, high, count)
    with np.errstate(all="ignore"):
        v = np.asarray(f(t), np.float64)
        if not np.isfinite(v).any() or np.ptp(v[np.isfinite(v)]) == 0:
            return []
        out = []
        turns = np.flatnonzero((v[:-1] < 0) != (v[1:] < 0))
        for i in turns[:MOST_PLACES]:
            a, b, positive = t[i], t[i + 1], v[i] >= 0
            for _ in range(HALVINGS):
                middle = (a + b) / 2
                a, b = (middle, b) if (f(np.array([middle]))[0] >= 0) == positive else (a, middle)
            out.append(float((a + b) / 2))
        peaks = np.flatnonzero((v[1:-1] - v[:-2]) * (v[1:-1] - v[2:]) > 0) + 1
        for i in peaks[:MOST_PLACES]:
            sign = np.sign(v[i] - v[i - 1])
            a, b = t[i - 1], t[i + 1]
            for _ in range(HALVINGS):  # thirds of the bracket
                p, q = a + (b - a) / 3, b - (b - a) / 3
                at = f(np.array([p, q]))
                a, b = (a, q) if sign * at[0] > sign * at[1] else (p, b)
            out.append(float((a + b) / 2))
    return out


__all__ = ["interesting_points"]
