"""Exact bounds where formula and network are both made of straight pieces: |x - y|, max, clip, and ReLU networks.

Each kink is the positive part r_k = max(L_k, 0) of a linear function of the inputs and of kinks before it. Formula and
network are written as linear functions of the inputs and of the *same* r_k: a unit that bends where the formula does,
up to a factor and some rounding, is the formula's kink again, and the two cancel. Nothing depends on how many inputs
there are then.

Kinks that do not cancel are taken apart: the box is cut along the hyperplane of one of them, into cells on which it is
a linear function. What a linear function c is at most on a cell {x in the box: A x + b >= 0} follows from any
multipliers y >= 0, being at most c x + y (A x + b) on the whole box (weak duality). Corners of the cell, in floats,
tell which multipliers; no claim rests on them.

All of it is computed with 64 bits of mantissa where the machine has them, and each form pays for its own rounding.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from surefit.bounds.branch import Lines, Looked
from surefit.bounds.network import Affine, Network
from surefit.bounds.noise import running_noise
from surefit.bounds.reading import read
from surefit.bounds.relax import Relaxation
from surefit.formulas.expression import Expression

REAL = np.longdouble  # 64 bits of mantissa on most machines, 53 on some
U = float(np.finfo(REAL).eps) / 2 if np.finfo(REAL).nmant in (52, 63, 112) else 2.0**-53
SMALL = 1e-290  # more than all that underflow can lose
CONSTANTS = {"pi": REAL("3.14159265358979323846264338327950288"), "e": REAL("2.71828182845904523536028747135266250")}
STRAIGHT = frozenset("number constant variable add sub neg mul div abs min max relu clip if compare and or not".split())
SAME = 2.0**-44  # of a function's size: so far it may be beyond 0 and still be taken for one of one sign
ALIKE = 1e-3  # of a function's size: so near to each other are kinks that are taken for one
NEGLIGIBLE = 0.02  # of a bound, that kinks may add before the box is cut along them
MOST_CORNERS_OF = 5  # inputs; of more, cells have too many corners
MOST_KINKS = {1: 200, 2: 24, 3: 14, 4: 10, 5: 8}  # of which a box may be cut along all
BETTER = 0.2  # of the bound by lines: so good a bound of the whole box says that most kinks cancel
MOST_UNITS, FEW_UNITS = 800, 100  # few are looked at in any case
MOST_CELLS, MOST_WORK = 1200, 30_000  # of one box; cells times kinks
GRAIN = 2.0**-51  # of a value: about so near to each other can kinks in float64 be, and nothing finer is looked for
HYPERPLANE = 1e-13  # of the size of a hyperplane's function: corners so near to it lie on it


class Bent(Exception):
    """Formula or network are not made of straight pieces."""


def _paid(n: int) -> float:
    """More than n roundings, relative."""
    return 2.0 * (n + 4) * U


# --- cells ---


@dataclass(eq=False)
class Cell:
    """The x of a box with A [1, x] >= 0 for each row of A; its corners (v, d) about, and which lie on which face."""

    low: np.ndarray
    high: np.ndarray
    A: np.ndarray
    corners: np.ndarray
    on: np.ndarray  # (v, 2 d + len(A)): the lower and upper faces of the box, then the rows of A

    @classmethod
    def of_box(cls, low: np.ndarray, high: np.ndarray) -> Cell:
        """The whole of a box."""
        d = len(low)
        if d > MOST_CORNERS_OF:
            return cls(low, high, np.zeros((0, 1 + d), REAL), np.zeros((0, d)), np.zeros((0, 2 * d), bool))
        up = np.array(np.meshgrid(*[[False, True]] * d, indexing="ij")).reshape(d, -1).T
        return cls(low, high, np.zeros((0, 1 + d), REAL), np.where(up, high, low), np.concatenate([~up, up], axis=1))

    def most(self, c: np.ndarray) -> Any:
        """At least what c [1, x] is on the cell. c (1 + d,)."""
        bound = self._with(c, np.zeros(len(self.A), REAL))
        if not len(self.A):
            return bound
        from scipy.optimize import nnls

        d = len(self.low)
        steep = c[1:].astype(float)
        corner = self.on[np.argmax(self.corners @ steep)]
        rows = np.flatnonzero(corner[2 * d :])
        if not len(rows) or not np.isfinite(steep).all() or not steep.any():
            return bound
        faces = np.concatenate([np.eye(d), -np.eye(d)])[corner[: 2 * d]]
        normals = np.concatenate([self.A[rows, 1:].astype(float), faces])
        scale = np.abs(steep).max()
        try:
            found = nnls(normals.T, -steep / scale)[0] * scale
        except RuntimeError:
            return bound
        y = np.zeros(len(self.A), REAL)
        y[rows] = np.where(found > 0, found, 0.0)[: len(rows)]
        other = self._with(c, y)
        return other if other < bound else bound

    def _with(self, c: np.ndarray, y: np.ndarray) -> Any:
        """The same with multipliers y >= 0."""
        moved = c + y @ self.A
        size = np.abs(c) + y @ np.abs(self.A)
        low, high = self.low.astype(REAL), self.high.astype(REAL)
        reach = np.maximum(np.abs(low), np.abs(high))
        pay = _paid(len(y) + len(c)) * (size[0] + size[1:] @ reach) + SMALL
        return moved[0] + np.maximum(moved[1:] * low, moved[1:] * high).sum() + pay

    def halves(self, h: np.ndarray) -> list[Cell]:
        """The cell on both sides of h [1, x] = 0; none where it is all on one side, as far as corners tell."""
        if not len(self.corners):
            return []
        f = h.astype(float)
        value = f[0] + self.corners @ f[1:]
        tol = HYPERPLANE * (abs(f[0]) + np.abs(self.corners).max(axis=0) @ np.abs(f[1:]))
        above, below = value > tol, value < -tol
        if not above.any() or not below.any():
            return []
        p, q = np.flatnonzero(above), np.flatnonzero(below)
        shared = self.on[p].astype(int) @ self.on[q].T.astype(int)
        i, j = np.nonzero(shared >= len(self.low) - 1)  # edges, and where corners are degenerate some more
        p, q = p[i], q[j]
        share = (value[p] / (value[p] - value[q]))[:, None]
        new = self.corners[p] + share * (self.corners[q] - self.corners[p])
        new = np.clip(new, self.low, self.high)
        on_new = np.concatenate([self.on[p] & self.on[q], np.ones((len(p), 1), bool)], axis=1)
        on_old = np.concatenate([self.on, ~(above | below)[:, None]], axis=1)
        found = []
        for sign, keep in ((1, ~below), (-1, ~above)):
            corners, on = _merged(
                np.concatenate([self.corners[keep], new]), np.concatenate([on_old[keep], on_new]), self.high - self.low
            )
            found.append(Cell(self.low, self.high, np.concatenate([self.A, sign * h[None]]), corners, on))
        return found


def _merged(corners: np.ndarray, on: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners that are one, once."""
    grid = np.round(corners / np.maximum(width * 1e-11, 1e-300))
    _, first, which = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    together = np.zeros((len(first), on.shape[1]), bool)
    np.logical_or.at(together, which.reshape(-1), on)
    return corners[first], together


# --- linear functions of inputs and kinks ---


@dataclass(eq=False)
class Form:
    """c . (1, inputs, kinks) +- rho."""

    c: np.ndarray
    rho: Any


@dataclass(eq=False)
class Condition:
    """`u > 0` or `u >= 0`; or conditions joined by and, or, not."""

    op: str
    parts: tuple[Any, ...]


@dataclass(eq=False)
class Seen:
    """What is known of |target - model| on a cell: a bound of each output (k,), and along what to cut (1 + d,) or none.

    slope (d,): what the kinks that are left have to do with each input.
    """

    bound: np.ndarray
    cut: np.ndarray | None
    left: int
    slope: np.ndarray


class Reading:
    """Formulas and a network on one cell. It is an `Arithmetic`."""

    def __init__(self, cell: Cell, room: int) -> None:
        d = len(cell.low)
        self.cell, self.d, self.n = cell, d, 1 + d
        self.args = np.zeros((room, 1 + d + room), REAL)  # L_k
        self.matched = np.zeros(room, bool)  # whether r_k is the positive part of L_k
        self.blur = np.zeros(room)  # how far those that were taken for r_k are from it, where that is no rounding
        self.low, self.high = np.zeros(1 + d + room, REAL), np.zeros(1 + d + room, REAL)
        self.low[0] = self.high[0] = 1.0
        self.low[1 : 1 + d], self.high[1 : 1 + d] = cell.low, cell.high

    @property
    def size(self) -> np.ndarray:
        """No number of (1, inputs, kinks) is larger."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def most(self, c: np.ndarray) -> Any:
        """At least c . (1, inputs, kinks)."""
        k = c[1 + self.d :]
        top = np.maximum(k * self.low[1 + self.d :], k * self.high[1 + self.d :]).sum()
        inner = self.cell.most(c[: 1 + self.d])
        return inner + top + _paid(len(c)) * (np.abs(c) @ self.size + abs(inner)) + SMALL

    def bounds(self, a: Form) -> tuple[Any, Any]:
        """Between which numbers a form lies; not numbers where it overflows."""
        pay = 1 + _paid(2)
        return -(self.most(-a.c) + a.rho * pay), self.most(a.c) + a.rho * pay

    def kink(self, arg: np.ndarray, low: Any, high: Any, positive: bool) -> int:
        """A new variable, of which the range is known; positive: it is the positive part of its argument."""
        i, self.n = self.n, self.n + 1
        self.args[i - 1 - self.d], self.matched[i - 1 - self.d] = arg, positive
        self.low[i], self.high[i] = low, high
        return i

    def sum_(self, a: Form, b: Form, factor: Any = 1.0) -> Form:
        """a + factor b, the factor being exact."""
        factor = REAL(factor)
        size = (np.abs(a.c) + abs(factor) * np.abs(b.c)) @ self.size
        return Form(a.c + factor * b.c, (a.rho + abs(factor) * b.rho) * (1 + _paid(4)) + _paid(4) * size + SMALL)

    def blurred(self, a: Form, low: Any, high: Any) -> Form:
        """a + something between low and high."""
        c = a.c.copy()
        c[0] += 0.5 * (low + high)
        return Form(c, (a.rho + 0.5 * (high - low)) * (1 + _paid(4)) + _paid(4) * (abs(c[0]) + high - low) + SMALL)

    def zero(self) -> Form:
        """0."""
        return Form(np.zeros(len(self.low), REAL), REAL(0))

    def relu(self, a: Form) -> Form:
        """The positive part."""
        low, high = self.bounds(a)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise Bent
        size = np.abs(a.c) @ self.size + a.rho
        scale = (np.abs(a.c[1:]) * self.size[1:]).max()
        if not scale > SAME * a.rho:  # a number, or nothing that is known better
            return self.blurred(self.zero(), max(low, REAL(0)), max(high, REAL(0)))
        if low >= -SAME * size:  # relu(z) is between z and z - low
            return self.blurred(a, REAL(0), max(-low, REAL(0)))
        if high <= SAME * size:
            return self.blurred(self.zero(), REAL(0), max(high, REAL(0)))
        c = a.c / scale
        # of r_k exactly the argument c; the division is paid for
        off = a.rho + scale * (_paid(4) * (np.abs(c) @ self.size) + SMALL)
        there = self.n - 1 - self.d
        result = self.zero()
        if there:
            known = self.args[:there]
            apart = np.stack([np.abs(known - c) @ self.size, np.abs(known + c) @ self.size])
            apart = np.where(self.matched[:there], apart, np.inf)
            side, k = divmod(int(np.argmin(apart)), there)
            if apart[side, k] <= ALIKE * (np.abs(c) @ self.size):
                result.c[1 + self.d + k] = scale
                off += scale * apart[side, k]
                if apart[side, k] > SAME * (np.abs(c) @ self.size):
                    self.blur[k] += scale * apart[side, k]
                if side:  # relu(-z) = relu(z) - z
                    result = self.sum_(result, Form(known[k], REAL(0)), -scale)
                return Form(result.c, (result.rho + off) * (1 + _paid(8)))
        i = self.kink(c, REAL(0), max(self.most(c), REAL(0)), True)
        result.c[i] = scale
        return Form(result.c, off * (1 + _paid(8)))

    # --- formulas ---

    def number(self, value: Fraction) -> Form:
        first = float(value)
        if abs(first) > 1e100:
            raise Bent
        near = REAL(first) + REAL(float(value - Fraction(first)))
        form = self.zero()
        form.c[0] = near
        off = abs(value - Fraction(*near.as_integer_ratio()))
        return Form(form.c, REAL(float(off)) * (1 + 2.0**-50) + (SMALL if off else 0))

    def constant(self, name: str) -> Form:
        form = self.zero()
        form.c[0] = CONSTANTS[name]
        return Form(form.c, CONSTANTS[name] * REAL(16 * U))

    def variable(self, i: int) -> Form:
        """An input."""
        form = self.zero()
        form.c[1 + i] = 1.0
        return form

    def scaled(self, a: Form, b: Form) -> Form:
        """a times b, of which one is a number."""
        if b.c[1:].any():
            a, b = b, a
        if b.c[1:].any():
            raise Bent
        size, factor = np.abs(a.c) @ self.size + a.rho, b.c[0]
        rho = abs(factor) * a.rho + b.rho * size + _paid(4) * abs(factor) * size
        return Form(a.c * factor, rho * (1 + _paid(8)) + SMALL)

    def call(self, op: str, args: list[Any], exact: list[Fraction | None]) -> Form:
        if op in ("add", "sub"):
            return self.sum_(args[0], args[1], 1.0 if op == "add" else -1.0)
        if op == "neg":
            return Form(-args[0].c, args[0].rho)
        if op == "mul":
            return self.scaled(args[0], args[1])
        if op == "div" and exact[1]:
            return self.scaled(args[0], self.number(1 / exact[1]))
        if op == "relu":
            return self.relu(args[0])
        if op == "abs":
            return self.sum_(Form(-args[0].c, args[0].rho), self.relu(args[0]), 2.0)
        if op == "clip":
            return self.smaller(self.larger(args[0], args[1]), args[2])
        if op in ("min", "max"):
            found = args[0]
            for other in args[1:]:
                found = (self.larger if op == "max" else self.smaller)(found, other)
            return found
        raise Bent

    def larger(self, a: Form, b: Form) -> Form:
        return self.sum_(b, self.relu(self.sum_(a, b, -1.0)))

    def smaller(self, a: Form, b: Form) -> Form:
        return self.sum_(a, self.relu(self.sum_(a, b, -1.0)), -1.0)

    def compare(self, sign: str, a: Form, b: Form, exact: list[Fraction | None]) -> Condition:
        if sign not in ("<", "<=", ">", ">="):
            raise Bent
        return Condition("compare", (self.sum_(a, b, -1.0) if ">" in sign else self.sum_(b, a, -1.0),))

    def join(self, op: str, args: list[Any]) -> Condition:
        return Condition(op, tuple(args))

    def decided(self, condition: Any) -> bool | None:
        return None

    def as_number(self, condition: Any) -> Form:
        return self.choose(condition, self.number(Fraction(1)), self.number(Fraction(0)))

    def truth(self, c: Condition, doubts: list[tuple[Form, Any]]) -> bool | None:
        """Whether a condition holds on the cell, but for where |u| <= e, (u, e) of the doubts; None: not known."""
        if c.op == "compare":
            (u,) = c.parts
            low, high = self.bounds(u)
            size = SAME * (np.abs(u.c) @ self.size + u.rho) + 1e3 * SMALL
            for end, result in ((low, True), (-high, False)):
                if end >= -size:
                    if not end > 0:
                        doubts.append((u, -end))
                    return result
            return None
        parts = [self.truth(p, doubts) for p in c.parts]
        if c.op == "not":
            return None if parts[0] is None else not parts[0]
        deciding = c.op == "or"
        return deciding if deciding in parts else None if None in parts else not deciding

    def comparisons(self, c: Condition) -> list[Form]:
        """The u of all its comparisons."""
        return list(c.parts) if c.op == "compare" else [u for p in c.parts for u in self.comparisons(p)]

    def multiple(self, a: Form, u: Form) -> tuple[Any, Any]:
        """A factor and how far a is from that multiple of u, at most."""
        i = 1 + int(np.argmax(np.abs(u.c[1:]) * self.size[1:]))
        factor = a.c[i] / u.c[i] if u.c[i] else REAL(0)
        rest = self.sum_(a, u, -factor)
        return factor, (np.abs(rest.c) @ self.size + rest.rho) * (1 + _paid(len(a.c)))

    def choose(self, condition: Condition, then: Any, other: Any) -> Any:
        if isinstance(then, Condition) or isinstance(other, Condition):
            yes = Condition("and", (condition, then))
            return Condition("or", (yes, Condition("and", (Condition("not", (condition,)), other))))
        apart = self.sum_(then, other, -1.0)
        doubts: list[tuple[Form, Any]] = []
        known = self.truth(condition, doubts)
        if known is not None:
            slack = REAL(0)  # where |u| <= e, the other branch may be the one that counts
            for u, e in doubts:
                factor, rest = self.multiple(apart, u)
                slack = max(slack, (abs(factor) * (e + u.rho) + rest) * (1 + _paid(8)))
            return self.blurred(then if known else other, -slack, slack)
        us = self.comparisons(condition)
        if len(us) == 1 and condition.op == "compare":  # where(u > 0, b + factor u, b) = b + factor relu(u)
            factor, rest = self.multiple(apart, us[0])
            if rest <= ALIKE * abs(factor) * (np.abs(us[0].c) @ self.size):
                return self.blurred(self.sum_(other, self.relu(us[0]), factor), -rest, rest)
        lows, highs = zip(*(self.bounds(f) for f in (then, other)), strict=True)
        open_ = next(u for u in us if self.truth(Condition("compare", (u,)), []) is None)
        form = self.zero()
        form.c[self.kink(open_.c, min(lows), max(highs), False)] = 1.0
        return form

    # --- networks ---

    def network(self, net: Network) -> list[Form]:
        """The outputs."""
        d = self.d
        c, rho = np.zeros((d, len(self.low)), REAL), np.zeros(d, REAL)
        c[np.arange(d), 1 + np.arange(d)] = 1.0
        values = [(c, rho)]
        for i, node in enumerate(net.nodes[1:], 1):
            if not isinstance(node, Affine):
                assert node is not None
                c, rho = values[node.source]
                units = [self.relu(Form(*unit)) for unit in zip(c, rho, strict=True)]
                values.append((np.stack([f.c for f in units]), np.array([f.rho for f in units], REAL)))
                continue
            c = np.zeros((node.size, len(self.low)), REAL)
            c[:, 0] = node.b
            size, rho = np.abs(c), np.zeros(node.size, REAL) + (0.0 if node.b_radius is None else node.b_radius)
            fan = 2
            for source, w, radius in node.sources:
                inner, off = values[source]
                w, fan = w.astype(REAL), fan + w.shape[1] + 1
                if i in net.divisors and radius is not None:  # of the reciprocals of floats
                    w, radius = np.where(w != 0, 1 / net.divisors[i].astype(REAL)[:, None], 0), None
                c, size, rho = c + w @ inner, size + np.abs(w) @ np.abs(inner), rho + np.abs(w) @ off
                if radius is not None:
                    rho = rho + radius.astype(REAL) @ (np.abs(inner) @ self.size + off)
            rho = (rho + _paid(fan) * (size @ self.size)) * (1 + _paid(fan + len(self.low))) + SMALL
            values.append((c, rho))
        return [Form(a, r) for a, r in zip(*values[-1], strict=True)]

    # --- their difference ---

    def difference(self, formulas: Sequence[Expression], names: tuple[str, ...], net: Network) -> Seen:
        """What |target - model| is at most."""
        values = {name: self.variable(i) for i, name in enumerate(names)}
        targets = [read(f, values, self) for f in formulas]
        apart = [self.sum_(t, z, -1.0) for t, z in zip(targets, self.network(net), strict=True)]
        ends = [self.bounds(a) for a in apart]
        bound = np.array([max(-low, high) for low, high in ends], REAL)
        bound = np.where(bound < np.inf, bound, np.inf)
        worst = apart[int(np.argmax(bound))]
        start, end = 1 + self.d, self.n
        share = np.abs(worst.c[start:end]) * (self.high - self.low)[start:end]
        slope = np.abs(worst.c[1:start]) + np.abs(worst.c[start:end]) @ np.abs(self.args[: end - start, 1:start])
        wide = (self.cell.high - self.cell.low).astype(float)
        left = int((share > NEGLIGIBLE * bound.max() / max(len(share), 1)).sum())
        cut = self.first(share) if share.sum() > NEGLIGIBLE * bound.max() else None
        if cut is None and worst.rho > 10 * NEGLIGIBLE * bound.max():
            cut = self.first(self.blur[: len(share)])
        return Seen(_raised(bound), cut, left, (slope * wide).astype(float))

    def first(self, share: np.ndarray) -> np.ndarray | None:
        """The hyperplane of the kink that counts most, or of one that this is made of."""
        for k in np.argsort(-share):
            while share[k] > 0:
                inner = np.abs(self.args[k, 1 + self.d :][: len(share)]) * (self.high - self.low)[1 + self.d : self.n]
                if not inner.any():
                    return np.asarray(self.args[k, : 1 + self.d])
                k = int(np.argmax(inner))
        return None


def network_at(net: Network, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The network in points (n, d), and by how much that may be off."""
    values = [(x.astype(REAL), np.zeros(x.shape, REAL))]
    for node in net.nodes[1:]:
        if not isinstance(node, Affine):
            assert node is not None
            v, off = values[node.source]
            values.append((np.maximum(v, 0), off))
            continue
        v = np.zeros((len(x), node.size), REAL) + node.b
        size, off, fan = np.abs(v), np.zeros_like(v) + (0.0 if node.b_radius is None else node.b_radius), 2
        for source, w, radius in node.sources:
            inner, rho = values[source]
            w, fan = w.astype(REAL).T, fan + w.shape[1]
            v, size, off = v + inner @ w, size + np.abs(inner) @ np.abs(w), off + rho @ np.abs(w)
            if radius is not None:
                off = off + (np.abs(inner) + rho) @ radius.astype(REAL).T
        values.append((v, (off + _paid(fan) * size) * (1 + _paid(fan)) + SMALL))
    return values[-1]


def _raised(x: np.ndarray) -> np.ndarray:
    """Long numbers as floats that are not smaller."""
    y = x.astype(float)
    return np.where(y < x, np.nextafter(y, np.inf), y)


class Kinks:
    """Bounds by kinks that cancel and cells; `lines` where a box has too many cells.

    exact: the network in exact arithmetic. noise: the network with the roundings of where it runs, or None.
    """

    def __init__(
        self, exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], lines: Lines,
        noise: Relaxation | None, rtol: float,
    ) -> None:  # fmt: skip
        self.net, self.formulas, self.names, self.lines, self.noise = exact, formulas, names, lines, noise
        self.rtol, self.best = rtol, 0.0
        units = sum(n.size for n in exact.nodes[1:] if n is not None and not isinstance(n, Affine))
        self.formula_kinks = sum(max(len(n.args), 1) for f in formulas for n in f.nodes) + 2
        self.room = units + self.formula_kinks
        self.excess = 3.0 if noise is None else 6.0
        self.cells = int(np.clip(MOST_WORK // self.room, 40, MOST_CELLS))
        self.batch = max(1, min(8, 1200 // self.room))

    def seen(self, cell: Cell) -> Seen:
        """Formulas and network on a cell."""
        with np.errstate(all="ignore"):
            return Reading(cell, self.room).difference(self.formulas, self.names, self.net)

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            if values is None:
                z, off = network_at(self.net, x)
                off = off if self.noise is None else off + running_noise(self.noise, x, x)
            else:
                z, off = values.astype(REAL), np.zeros(values.shape, REAL)
            low, high = (np.stack(ends) for ends in zip(*(self._targets(point) for point in x), strict=True))
            pay = off + _paid(4) * (np.abs(low) + np.abs(high) + np.abs(z)) + SMALL
            least, most = low - z - pay, high - z + pay
            lower = np.maximum(least, -most).max(axis=1).astype(float) * (1 - 2.0**-50)
            upper = np.maximum(most, -least).max(axis=1).astype(float) * (1 + 2.0**-50)
            upper = upper + GRAIN * np.abs(z).max(axis=1).astype(float)
        lower = np.where((lower > 0) & (lower < np.inf), lower, 0.0)
        self.best = max(self.best, float(lower.max(initial=0.0)))
        return lower, np.where(upper < np.inf, upper, np.inf)

    def _targets(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Between which numbers the formulas are in a point (d,)."""
        reading = Reading(Cell.of_box(x, x), self.formula_kinks)
        inputs = {name: reading.variable(i) for i, name in enumerate(self.names)}
        ends = [reading.bounds(read(f, inputs, reading)) for f in self.formulas]
        return np.array([e[0] for e in ends], REAL), np.array([e[1] for e in ends], REAL)

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        seen = self.lines.look(low, high)
        bound, slope = seen.bound.copy(), seen.slope.copy()
        noise = np.zeros(bound.shape) if self.noise is None else running_noise(self.noise, low, high)
        for i in np.flatnonzero(~(bound.max(axis=1) <= self.best * (1 + 0.5 * self.rtol))):
            try:
                mine, slope[i] = self._box(low[i], high[i], noise[i])
            except Bent:
                continue
            bound[i] = np.fmin(bound[i], np.nextafter(mine + noise[i], np.inf))
        return seen._replace(bound=bound, slope=slope)

    def _box(self, low: np.ndarray, high: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of the outputs on a box (k,), and how much they depend on each input (d,)."""
        whole = Cell.of_box(low, high)
        seen = self.seen(whole)
        slope, done, looked = seen.slope, np.zeros(len(noise)), 1
        heap: list[tuple[float, int, Cell, Seen]] = [(-float(seen.bound.max()), 0, whole, seen)]
        if seen.left > MOST_KINKS.get(len(low), 0):
            return seen.bound, slope
        while heap:
            _, _, cell, seen = heapq.heappop(heap)
            enough = (seen.bound + noise).max() <= self.best * (1 + 0.5 * self.rtol)
            parts = [] if seen.cut is None or enough or looked >= self.cells else cell.halves(seen.cut)
            if not parts:
                done = np.maximum(done, seen.bound)
                continue
            for part in parts:
                looked += 1
                inner = self.seen(part)
                inner.bound = np.fmin(inner.bound, seen.bound)
                heapq.heappush(heap, (-float(inner.bound.max()), looked, part, inner))
        return done, slope


def fits(net: Network, formulas: Sequence[Expression]) -> bool:
    """Whether formulas and network may be made of straight pieces."""
    units = sum(n.size for n in net.nodes[1:] if n is not None and not isinstance(n, Affine))
    plain = all(n.op in STRAIGHT for f in formulas for n in f.nodes)
    return plain and net.kinds() <= {"relu"} and units <= MOST_UNITS


def is_paired(net: Network) -> bool:
    """Whether some units that see the inputs alone bend in one place: so are the units of a network and its copy."""
    affine: dict[int, np.ndarray] = {0: np.concatenate([np.zeros((net.inputs, 1)), np.eye(net.inputs)], axis=1)}
    rows = [np.zeros((0, 1 + net.inputs))]
    with np.errstate(all="ignore"):
        for i, node in enumerate(net.nodes):
            if isinstance(node, Affine) and all(j in affine for j, _, _ in node.sources):
                affine[i] = sum((w @ affine[j] for j, w, _ in node.sources), np.zeros((node.size, 1 + net.inputs)))
                affine[i][:, 0] += node.b
            elif node is not None and not isinstance(node, Affine) and node.source in affine:
                rows.append(affine[node.source])
        c = np.concatenate(rows)
        c = c / np.abs(c).max(axis=1, keepdims=True)
        apart = np.minimum(np.abs(c[:, None] - c).max(axis=2), np.abs(c[:, None] + c).max(axis=2))
    return bool(((apart < ALIKE).sum(axis=1) > 1).mean() > 0.3) if len(c) else False


def kinks_of(
    exact: Network, formulas: Sequence[Expression], names: tuple[str, ...], low: np.ndarray, high: np.ndarray,
    lines: Lines, noise: Relaxation | None, rtol: float,
) -> Kinks | None:  # fmt: skip
    """The way to bound them so; None where they are no straight pieces, or where too many kinks do not cancel."""
    units = sum(n.size for n in exact.nodes[1:] if n is not None and not isinstance(n, Affine))
    if not fits(exact, formulas) or (units > FEW_UNITS and not is_paired(exact)):
        return None
    made = Kinks(exact, formulas, names, lines, noise, rtol)
    try:
        seen = made.seen(Cell.of_box(low, high))
    except Bent:
        return None
    few = seen.left <= MOST_KINKS.get(len(low), 0)
    return made if few or seen.bound.max() < BETTER * lines.look(low[None], high[None]).bound.max() else None


__all__ = ["Cell", "Kinks", "fits", "kinks_of"]
