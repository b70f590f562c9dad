"""Where a formula does something that samples miss: kinks, jumps, and the centres of narrow terms.

`exp(-1e8*(x - 0.7071)^2)` is zero at almost every sample, but its argument is a parabola whose vertex any coarse line
shows. So every step of a formula is looked at, not only its result: along lines through the box, where it changes its
sign, its branch or its integer, and where it turns round. These places are then found exactly, by bisection and by
Newton's method on finite differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from surefit.core import ops

from .expression import Expression

ON_LINE = 1000  # points on a line in several dimensions; a line alone has more
ON_ONLY_LINE = 8000
LINES = 8  # lines parallel to each axis, and as many in random directions
MOST_LINES = 96
HALVINGS = 60  # bisections: from a spacing of 1e-3 of the box down to the last bit
GOLDEN = 45  # golden sections: 0.618^45 = 4e-10 of the spacing
NEWTON = 30  # steps at most
NEWTON_STARTS = 1200  # divided by d^2
NEWTON_DIM = 8  # a Hessian by differences takes 2 d^2 values
WORK = 4_000_000  # values of steps on one line at most, so that a long formula gets coarser lines
LOCATED = 200_000  # values in each step of locating at most, so that a long formula gets fewer places
LOCATED_STEPS = 1500  # steps of all sub-expressions located at most: each costs a call, however few its places are
ROUNDED = 3  # evaluations with other last bits
UNSOUND = 1e-7  # of its size: a quotient that depends on last bits by more is no value of a function
FOUND = 0.7  # of the points are places found on lines; the rest is made of them
SAME = 1e-7  # of the width of the box: coordinates this near are one plane

_KINKS = ("abs", "relu", "max", "min", "clip", "mod", "sqrt", "cbrt", "compare")
_STEPS = ("floor", "ceil", "round", "trunc", "sign", "heaviside", "step")
_SAME_TURNS = ("mul", "div", "pow", "neg", "exp", "exp2", "expm1")  # of one varying argument: it turns where that does


class Box(Protocol):
    """What is needed of a Domain."""

    @property
    def low(self) -> np.ndarray: ...
    @property
    def high(self) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class _Bracket:
    """A stretch of a line on which step `node` of formula `formula` does something.

    sign 0: its label changes there; 1: it has a maximum; -1: a minimum.
    """

    formula: int
    node: int
    sign: int
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


def interesting_points(
    formulas: Sequence[Expression], domain: Box, count: int, generator: int | np.random.Generator | None = None
) -> np.ndarray:
    """Points (n, d), n <= count, of a box that a search for the largest error of a fit should look at.

    First kinks and jumps (both sides), zeros and turning points of all sub-expressions; then places where several of
    them meet; then points about all these at distances from 1e-1 to 1e-8 of the box. All formulas are finite there, and
    no quotient is mostly rounding.
    What is finer than the spacing of the lines in every sub-expression stays unseen.

    >>> from surefit.data import Domain
    >>> from surefit.formulas import parse
    >>> f = parse("sin(x) + 0.5*exp(-1e8*(x - 0.7071)^2)")
    >>> points = interesting_points([f], Domain("x=-3:3"), 100, np.random.default_rng(0))
    >>> bool(abs(points - 0.7071).min() < 1e-12)
    True
    """
    rng = np.random.default_rng(generator)
    low, high = np.asarray(domain.low, np.float64), np.asarray(domain.high, np.float64)
    none = np.empty((0, len(low)))
    watched = [_watched(f) for f in formulas]
    if count < 1 or not any(watched):
        return none
    most = max(1, int(FOUND * count))
    size = sum(len(f.nodes) for f in formulas)
    lines = _lines(low, high, rng, max(1, WORK // size))
    groups: dict[tuple[int, int, int], list[_Bracket]] = {}
    for line in lines:
        for bracket in _brackets(formulas, watched, line):
            groups.setdefault((bracket.formula, bracket.node, bracket.sign), []).append(bracket)
    chosen = _in_turn(formulas, groups, most, rng)
    if not chosen:
        return none
    pairs = _located(formulas, chosen)  # (n, 2, d): the two sides of a jump, or twice the same
    vertices = _newton(formulas, chosen, pairs, low, high)
    meetings = _meetings(chosen, pairs, low, high, count - most, rng)
    origin = np.where(np.sign(pairs[:, 0]) * np.sign(pairs[:, 1]) < 0.0, 0.0, pairs[:, 1])  # which no bisection gets to
    exact = _distinct([vertices, *pairs.swapaxes(0, 1), origin, meetings], low, high)
    exact = _sound(formulas, exact, rng)[:count]
    if not len(exact):
        return none
    around = _around(exact, low, high, count - len(exact), rng)
    return np.concatenate([exact, _sound(formulas, around, rng)])


# --- which steps are looked at, and what of them ----------------------------------------------------------------------


def _watched(formula: Expression) -> list[int]:
    """The nodes with places of their own: no repetition, no part of a longer sum or product, no other scale of one."""
    seen: dict[tuple[object, ...], int] = {}
    first: list[int] = []
    found: list[int] = []
    part: set[int] = set()
    for node in formula.nodes:
        for chain in (("add", "sub"), ("mul", "div")):
            if node.op in chain:
                part.update(a for a in node.args if formula.nodes[a].op in chain)
    for i, node in enumerate(formula.nodes):
        key = (node.op, tuple(first[a] for a in node.args), repr(node.value))
        first.append(seen.setdefault(key, i))
        varying = [a for a in node.args if formula.constants[a] is None]
        repeats = first[i] != i or (node.op in _SAME_TURNS and len(varying) == 1)
        if formula.constants[i] is None and node.op != "variable" and not repeats and i not in part:
            found.append(i)
        if node.op in ("abs", "relu", "sqrt", "cbrt") and formula.nodes[node.args[0]].op == "variable":
            found.append(first[node.args[0]])  # abs(x): the variable itself
    return sorted(set(found))


@ops.silent
def _label(formula: Expression, i: int, steps: list[np.ndarray]) -> np.ndarray:
    """What changes at a kink or a jump of a node: its sign, its branch, the integer it is in."""
    node = formula.nodes[i]
    value, args = steps[i], [steps[a] for a in node.args]
    if node.op == "compare":  # on which side: an equation holds where sides change, between any two samples
        return sum((3.0**k * np.sign(a - b) for k, (a, b) in enumerate(pairwise(args))), np.zeros(len(value)))
    if formula.conditions[i]:
        return value.astype(np.float64)
    label = np.sign(value)
    if node.op in _STEPS:
        label = value
    elif node.op == "mod":
        label = np.floor(args[0] / args[1])
    elif node.op in ("max", "min"):
        label = (np.argmax if node.op == "max" else np.argmin)(np.stack(args), axis=0).astype(np.float64)
    elif node.op == "clip":
        label = np.sign(args[0] - args[1]) + np.sign(args[0] - args[2])
    return np.where(np.isnan(value), np.inf, label)


@ops.silent
def _height(formula: Expression, i: int, steps: list[np.ndarray]) -> np.ndarray:
    """What turns round at a vertex: the node; of a product its logarithm, in which narrow factors do not vanish."""
    node = formula.nodes[i]
    if formula.conditions[i] or node.op in _STEPS:
        return np.zeros(len(steps[i]))
    return _log(formula, i, steps) if node.op in ("mul", "div") else steps[i]


def _log(formula: Expression, i: int, steps: list[np.ndarray]) -> np.ndarray:
    """log |node|, taken apart as far as products, powers and exponentials go."""
    total = np.zeros(len(steps[i]))
    waiting = [(i, 1.0)]
    while waiting:  # a long product is a deep tree
        k, power = waiting.pop()
        node = formula.nodes[k]
        exponent = formula.constants[node.args[1]] if node.op == "pow" else None
        if node.op in ("mul", "div"):
            waiting += [(node.args[0], power), (node.args[1], power if node.op == "mul" else -power)]
        elif node.op == "neg":
            waiting.append((node.args[0], power))
        elif exponent is not None:
            waiting.append((node.args[0], power * float(exponent)))
        elif node.op == "exp" or (node.op == "pow" and formula.constants[node.args[0]] is not None):
            base = 1.0 if node.op == "exp" else float(np.log(np.abs(steps[node.args[0]][0])))
            total = total + power * base * steps[node.args[-1]]
        else:
            total = total + power * np.log(np.abs(steps[k]))
    return total


# --- lines, and what is seen on them ----------------------------------------------------------------------------------


def _lines(low: np.ndarray, high: np.ndarray, rng: np.random.Generator, most: int) -> list[np.ndarray]:
    """Lines (n, d) from face to face: parallel to each axis, and in random directions through random points."""
    d = len(low)
    each = ON_ONLY_LINE if d == 1 else ON_LINE
    each = max(16, min(each, most))
    if d == 1:
        return [_line(low, high, each, rng)]
    lines: list[np.ndarray] = []
    per_axis = max(1, min(LINES, MOST_LINES // d))
    for axis in range(d) if d <= MOST_LINES else rng.choice(d, MOST_LINES, replace=False):
        for _ in range(per_axis):
            start = low + rng.random(d) * (high - low)
            end = start.copy()
            start[axis], end[axis] = low[axis], high[axis]
            lines.append(_line(start, end, each, rng))
    for _ in range(LINES):
        through, direction = rng.random(d), rng.standard_normal(d)
        with np.errstate(divide="ignore"):
            hits = np.stack([-through / direction, (1.0 - through) / direction])
        back, forth = hits.min(axis=0).max(), hits.max(axis=0).min()
        ends = [np.clip(through + t * direction, 0.0, 1.0) for t in (back, forth)]
        lines.append(_line(low + ends[0] * (high - low), low + ends[1] * (high - low), each, rng))
    return lines


def _line(start: np.ndarray, end: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    t = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / (count - 1)  # an even grid can agree with a period
    t[0], t[-1] = 0.0, 1.0
    return np.where(start == end, start, start * (1.0 - t[:, None]) + end * t[:, None])


def _brackets(formulas: Sequence[Expression], watched: Sequence[list[int]], line: np.ndarray) -> list[_Bracket]:
    found: list[_Bracket] = []
    for f, formula in enumerate(formulas):
        steps = formula.steps_on(line)
        for i in watched[f]:
            label = _label(formula, i, steps) if formula.nodes[i].op != "variable" else np.sign(steps[i])
            changes = np.flatnonzero(label[1:] != label[:-1])
            found += [_Bracket(f, i, 0, line[k], line[k], line[k + 1]) for k in changes]
            height = _height(formula, i, steps)
            for sign in (1, -1):
                h = sign * height
                with np.errstate(invalid="ignore"):
                    least = np.minimum(h[:-2], h[2:])
                    clear = h[1:-1] - least > 8 * np.finfo(float).eps * np.abs(h[1:-1])
                    turns = (h[1:-1] >= h[:-2]) & (h[1:-1] > h[2:]) & clear & np.isfinite(h[1:-1])
                found += [_Bracket(f, i, sign, line[k], line[k + 1], line[k + 2]) for k in np.flatnonzero(turns)]
    return found


def _in_turn(
    formulas: Sequence[Expression],
    groups: dict[tuple[int, int, int], list[_Bracket]],
    most: int,
    rng: np.random.Generator,
) -> list[_Bracket]:
    """At most so many brackets, one of each group after the other, so that a wave does not crowd out a kink.

    Of more groups than can be located kinks and jumps come first, then short sub-expressions.
    """

    def kink(group: tuple[int, int, int]) -> bool:
        op = formulas[group[0]].nodes[group[1]].op
        return group[2] == 0 and (op in _KINKS or op in _STEPS)

    sizes = {(f, i): len(_upto(formulas[f], i).nodes) for f, i, _ in groups}
    order = sorted(groups, key=lambda g: (not kink(g), sizes[g[:2]]))
    steps = 0
    kept: list[tuple[int, int, int]] = []
    for group in order:
        steps += sizes[group[:2]]
        if kept and steps > LOCATED_STEPS:
            break
        kept.append(group)
    mixed = [(sizes[g[:2]], [groups[g][k] for k in rng.permutation(len(groups[g]))]) for g in kept]
    chosen: list[_Bracket] = []
    work = turn = 0
    while len(chosen) < most and work < LOCATED and any(len(brackets) > turn for _, brackets in mixed):
        for size, brackets in mixed:
            if len(brackets) > turn:
                chosen.append(brackets[turn])
                work += size
        turn += 1
    return chosen[:most]


# --- exact places -----------------------------------------------------------------------------------------------------


class _Quantity:
    """What each bracket looks at, its label or its height, at one point or several for each."""

    def __init__(self, formulas: Sequence[Expression], brackets: Sequence[_Bracket]) -> None:
        rows: dict[tuple[int, int, int], list[int]] = {}
        for k, b in enumerate(brackets):
            rows.setdefault((b.formula, b.node, b.sign), []).append(k)
        self.parts = [(_upto(formulas[f], i), sign, of) for (f, i, sign), of in rows.items()]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """points (n, ..., d), n brackets -> (n, ...)."""
        values = np.empty(points.shape[:-1])
        for formula, sign, rows in self.parts:
            there = points[rows]
            steps = formula.steps_on(there.reshape(-1, there.shape[-1]))
            last = len(formula.nodes) - 1
            is_variable = formula.nodes[last].op == "variable"
            if sign:
                value = sign * _height(formula, last, steps)
            else:
                value = np.sign(steps[last]) if is_variable else _label(formula, last, steps)
            values[rows] = value.reshape(there.shape[:-1])
        return values


def _upto(formula: Expression, last: int) -> Expression:
    """The sub-expression that ends in a node, without the steps it does not need."""
    needed = {last}
    for i in range(last, -1, -1):
        if i in needed:
            needed.update(formula.nodes[i].args)
    order = sorted(needed)
    place = {old: k for k, old in enumerate(order)}
    nodes = [type(n)(n.op, tuple(place[a] for a in n.args), n.value) for n in (formula.nodes[i] for i in order)]
    return Expression(nodes, formula.variables, guarded=False)


def _located(formulas: Sequence[Expression], brackets: Sequence[_Bracket]) -> np.ndarray:
    """The two sides (n, 2, d) of each change of a label, and each vertex on its line, twice."""
    low, middle, high = (np.stack([getattr(b, end) for b in brackets]) for end in ("low", "middle", "high"))
    pairs = np.stack([middle, middle], axis=1)
    changes = np.array([b.sign == 0 for b in brackets])
    if changes.any():
        label = _Quantity(formulas, [b for b in brackets if b.sign == 0])
        a, b = low[changes], high[changes]
        before = label(a)
        for _ in range(HALVINGS):
            half = 0.5 * a + 0.5 * b
            same = (label(half) == before)[:, None]
            if ((half == a) | (half == b)).all():
                break
            a, b = np.where(same, half, a), np.where(same, b, half)
        pairs[changes] = np.stack([a, b], axis=1)
    if not changes.all():
        height = _Quantity(formulas, [b for b in brackets if b.sign])
        start, way = low[~changes], (high - low)[~changes]
        g = (np.sqrt(5.0) - 1.0) / 2.0
        left, right = np.zeros(len(start)), np.ones(len(start))
        for _ in range(GOLDEN):
            p, q = right - g * (right - left), left + g * (right - left)
            values = height(start[:, None] + np.stack([p, q], axis=1)[..., None] * way[:, None])
            down = values[:, 0] > values[:, 1]
            left, right = np.where(down, left, p), np.where(down, q, right)
        vertex = start + (0.5 * (left + right))[:, None] * way
        pairs[~changes] = np.stack([vertex, vertex], axis=1)
    return pairs


@ops.silent
def _newton(
    formulas: Sequence[Expression], brackets: Sequence[_Bracket], pairs: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """From vertices on lines to vertices in the box (n, d), uphill by Newton's method on central differences."""
    d = len(low)
    kept = [k for k, b in enumerate(brackets) if b.sign][: NEWTON_STARTS // d**2]
    if d == 1 or d > NEWTON_DIM or not kept:
        return np.empty((0, d))
    height = _Quantity(formulas, [brackets[k] for k in kept])
    x = (pairs[kept, 0] - low) / (high - low)  # in the unit box
    around = np.concatenate([np.zeros((1, d)), np.eye(d), -np.eye(d)])
    corners = [(i, j) for i in range(d) for j in range(i)]
    crossed = [a * np.eye(d)[i] + b * np.eye(d)[j] for i, j in corners for a in (1, -1) for b in (1, -1)]
    stencil = np.concatenate([around, np.array(crossed).reshape(-1, d)])
    trial = np.array([1.0, 0.25, 0.05])[:, None]
    h = np.full(len(x), 1e-3)
    for _ in range(NEWTON):
        v = height(low + (high - low) * np.clip(x[:, None] + h[:, None, None] * stencil, 0.0, 1.0))
        plus, minus, mixed = v[:, 1 : d + 1], v[:, d + 1 : 2 * d + 1], v[:, 2 * d + 1 :].reshape(len(x), -1, 4)
        slope = (plus - minus) / (2.0 * h[:, None])
        bend = np.zeros((len(x), d, d))
        bend[:, range(d), range(d)] = (plus + minus - 2.0 * v[:, :1]) / h[:, None] ** 2
        for c, (i, j) in enumerate(corners):
            cross = (mixed[:, c, 0] - mixed[:, c, 1] - mixed[:, c, 2] + mixed[:, c, 3]) / (4.0 * h**2)
            bend[:, i, j] = bend[:, j, i] = cross
        good = np.isfinite(slope).all(axis=1) & np.isfinite(bend).all(axis=(1, 2))
        w, axes = np.linalg.eigh(np.where(good[:, None, None], bend, 0.0))
        w = np.maximum(np.abs(w), 1e-9 * np.abs(w).max(axis=1, keepdims=True) + np.finfo(float).tiny)
        along = np.einsum("nij,ni->nj", axes, np.where(good[:, None], slope, 0.0)) / w
        step = np.einsum("nij,nj->ni", axes, along)
        longest = np.abs(step).max(axis=1, keepdims=True)
        step = step * np.minimum(1.0, 0.2 / np.maximum(longest, 1e-300))
        tried = np.clip(x[:, None] + trial * step[:, None], 0.0, 1.0)
        values = height(low + (high - low) * tried)
        best = np.argmax(np.where(np.isnan(values), -np.inf, values), axis=1)
        row = np.arange(len(x))
        better = values[row, best] > v[:, 0]
        moved = np.abs(tried[row, best] - x).max(axis=1)
        x = np.where(better[:, None], tried[row, best], x)
        h = np.where(better, np.clip(moved, 1e-7, 1e-3), np.maximum(h / 8.0, 1e-7))
        if not better.any() and (h <= 1e-7).all():
            break
    return low + (high - low) * x


# --- what is made of them ---------------------------------------------------------------------------------------------


def _meetings(
    brackets: Sequence[_Bracket],
    pairs: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    most: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Points (n, d) where planes meet that stand across the axes: coordinates found on two parallel lines or more."""
    d = len(low)
    if d == 1 or most < 1:
        return np.empty((0, d))
    varies = np.stack([b.low != b.high for b in brackets])
    pools: list[np.ndarray] = []
    for axis in range(d):
        places = pairs[varies[:, axis] & (varies.sum(axis=1) == 1), 0, axis]
        near = np.round((places - low[axis]) / ((high[axis] - low[axis]) * SAME))
        _, first, times = np.unique(near, return_index=True, return_counts=True)
        pools.append(places[first[times > 1]])
    if not any(len(p) for p in pools):
        return np.empty((0, d))
    points = low + rng.random((most, d)) * (high - low)
    number = 1
    for axis, pool in enumerate(pools):
        if len(pool):
            pick = (
                np.arange(most) // min(number, most) % len(pool)
                if number < most
                else rng.integers(len(pool), size=most)
            )
            points[:, axis] = pool[pick]
            number *= len(pool)
    return points


def _distinct(parts: list[np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The points of all parts in order, without those that are the same to the last bits."""
    points = np.clip(np.concatenate(parts), low, high)
    _, first = np.unique(points, axis=0, return_index=True)
    return points[np.sort(first)]


def _around(points: np.ndarray, low: np.ndarray, high: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) about these, at distances from 1e-1 to 1e-8 of the box in random directions."""
    if count < 1:
        return np.empty((0, len(low)))
    centres = points[np.arange(count) % len(points)]
    size = 10.0 ** -rng.uniform(1.0, 8.0, (count, 1))
    way = rng.standard_normal(centres.shape)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return np.clip(centres + size * way * (high - low), low, high)


@ops.silent
def _sound(formulas: Sequence[Expression], points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The points where all formulas are finite, and no quotient is mostly rounding, as (exp(x) - 1)/x is at 1e-15.

    Rounding is seen by rounding otherwise: each step is moved at random by a few of its last bits.
    """
    good = np.ones(len(points), bool)
    last_bits = 4.0 * np.finfo(float).eps
    for f in formulas:
        steps = f.steps_on(points)
        good &= np.isfinite(f.on_points(points))
        quotients = [i for i, n in enumerate(f.nodes) if n.op in ("div", "pow") and f.constants[i] is None]
        if not quotients or not len(points):
            continue
        for _ in range(ROUNDED):
            moved = f.steps_on(points, lambda v: v * (1.0 + last_bits * rng.uniform(-1.0, 1.0, np.shape(v))))
            for i in quotients:
                size = np.maximum(np.abs(steps[i]), np.nanmedian(np.abs(steps[i])))
                good &= ~(np.abs(moved[i] - steps[i]) > UNSOUND * size)
    return points[good]


__all__ = ["interesting_points"]
