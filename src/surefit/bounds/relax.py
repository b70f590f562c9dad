"""Bounds of a network on many boxes at once: affine forms forward, linear bounds backward.

Forward, every node is z0 + Z e +- R on the box x = c + r e, |e_i| <= 1; a function of one number is replaced by a line
and a rest (Singh and others 2018, DeepZ). Backward, the outputs are written as a linear function of x plus a constant
by going through the layers from the last to the first, with the lower or the upper line of each unit as its sign asks
(Zhang and others 2018, CROWN). Both are float64, and both pay for their own rounding: with u = 2^-53, a product of
matrices is wrong by no more than gamma_n = n u / (1 - n u) times the product of the absolute values (Higham 2002,
section 3.5, in any order of summation, with or without fused multiply-add). The roundings of the model where it runs
are paid in the same currency, with its own unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.activations import ACTIVATIONS, Activation
from surefit.bounds.interval import Range, down, gamma, largest_of, up
from surefit.bounds.network import Affine, Network, Unary

U = 2.0**-53
TINY = 1e-300  # above all that underflow can lose
PIECES = 4  # of a range, at whose ends a smooth function is looked at


@dataclass
class Lines:
    """lam_low z + off_low <= f(z) <= lam_high z + off_high on each range (n boxes, units).

    flushed: what the running function may be off beyond that. One slope above and below, or those of a ReLU.
    """

    lam_low: np.ndarray
    off_low: np.ndarray
    lam_high: np.ndarray
    off_high: np.ndarray
    flushed: float = 0.0


@dataclass
class State:
    """One node on all boxes: z0, R, mass (n, units), Z (n, units, d), low, high; charge: the rounding of the node.

    form (n, 1 + d, units) holds z0 and Z, and sizes (n, 2, units) R and mass: a layer takes each through one product of
    matrices. low and high hold the values of exact arithmetic and, in deployed mode, those of the running model.
    mass: at least |z0| + sum |Z| + R, and so any value of the node, computed or exact.
    """

    form: np.ndarray
    sizes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    charge: np.ndarray | None = None
    lines: Lines | None = None

    @property
    def z0(self) -> np.ndarray:
        """The values in the middle."""
        return self.form[:, 0]

    @property
    def Z(self) -> np.ndarray:
        """By how much each unit changes from the middle of a box to its ends, for each input."""
        return self.form[:, 1:].swapaxes(1, 2)

    @property
    def R(self) -> np.ndarray:
        """How far a value may be from the affine form."""
        return self.sizes[:, 0]

    @property
    def mass(self) -> np.ndarray:
        """No value is larger."""
        return self.sizes[:, 1]


@dataclass
class Linear:
    """N_j(x) >= b + a . x on each box, for the outputs and then for their negatives. a (n, 2k, d), b (n, 2k)."""

    a: np.ndarray
    b: np.ndarray


def _closed(form: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sizes, low and high. The d + 1 additions in a sum, and those that follow, are paid with units of the mass."""
    d = form.shape[1] - 1
    pay = (d + 8) * 2 * U
    sizes = np.empty((len(R), 2, R.shape[1]))
    sizes[:, 0] = R
    reach = R.copy()
    for j in range(1, d + 1):
        reach += np.abs(form[:, j])
    mass = np.abs(form[:, 0])
    mass += reach
    mass *= 1 + pay
    mass += TINY
    sizes[:, 1] = mass
    mass *= pay
    reach += mass
    return sizes, form[:, 0] - reach, form[:, 0] + reach


def _through_matrix(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Rows (n, r, k) times W^T (k, m), as one product."""
    n, r, k = rows.shape
    return np.asarray(rows.reshape(n * r, k) @ w.T).reshape(n, r, len(w))


class Relaxation:
    """A network, ready to be bounded on boxes. deployed: whether the roundings of the running model count.

    tighten: whether ranges of hidden units are improved by going backward from each layer as well.
    """

    def __init__(self, net: Network, deployed: bool, tighten: bool = False) -> None:
        self.net, self.deployed, self.tighten = net, deployed, tighten
        self.absolute: dict[int, list[np.ndarray]] = {
            i: [np.abs(w) for _, w, _ in node.sources] for i, node in enumerate(net.nodes) if isinstance(node, Affine)
        }

    def forward(self, low: np.ndarray, high: np.ndarray) -> list[State]:
        """All nodes on boxes with ends (n, d)."""
        n, d = low.shape
        c = 0.5 * low + 0.5 * high
        r = up(np.maximum(high - c, c - low))
        form = np.zeros((n, 1 + d, d))
        form[:, 0] = c
        form[:, 1 + np.arange(d), np.arange(d)] = r
        sizes = np.zeros((n, 2, d))
        sizes[:, 1] = (np.abs(c) + r) * (1 + 4 * U)
        states = [State(form, sizes, low, high)]
        with np.errstate(all="ignore"):
            for i, node in enumerate(self.net.nodes[1:], 1):
                assert node is not None
                if isinstance(node, Affine):
                    state = self._affine(i, node, states)
                    if self.tighten and i < len(self.net.nodes) - 1:
                        self._tightened(i, states, state)
                else:
                    state = self._unary(node, states[node.source])
                states.append(state)
        return states

    def _affine(self, i: int, node: Affine, states: list[State]) -> State:
        n, parts, _ = states[0].form.shape
        running = self.deployed and node.steps > 0
        form: np.ndarray | None = None
        sizes: np.ndarray | None = None  # R, mass and, where it is needed, the largest value, through |W|
        extra: np.ndarray | float = 0.0 if node.b_radius is None else node.b_radius
        fan = 0
        for (source, w, radius), absolute in zip(node.sources, self.absolute[i], strict=True):
            s = states[source]
            moved = _through_matrix(s.form, w)
            form = moved if form is None else form + moved
            rows = s.sizes
            if running:
                rows = np.concatenate([rows, np.maximum(np.abs(s.low), np.abs(s.high))[:, None]], axis=1)
            moved = _through_matrix(rows, absolute)
            sizes = moved if sizes is None else sizes + moved
            fan += w.shape[1]
            if radius is not None:
                extra = extra + s.mass @ radius.T
        if form is None or sizes is None:
            form, sizes = np.zeros((n, parts, node.size)), np.zeros((n, 2 + running, node.size))
        form[:, 0] += node.b
        sizes[:, 1:] += np.abs(node.b)
        own = gamma(fan + 24 + len(self.net.nodes))  # of z0, Z and R here, and of the products on the way back
        charge = sizes[:, 1] * (3.0 * own * (1 + 1e-9))
        charge += extra * (1 + 1e-9) + TINY if isinstance(extra, np.ndarray) else TINY
        if running:
            least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022  # of a sum that underflows, flushed or not
            values = sizes[:, 2] * (1 + own)
            rounding = (gamma(node.steps + 1, node.unit) * values + (fan + 2) * least) * (1 + 1e-9)
            charge = np.where(values < largest_of(node.unit), charge + rounding, np.inf)  # beyond, it may overflow
        R = sizes[:, 0] + charge
        R *= 1 + 1e-12
        state = State(form, *_closed(form, R), charge)
        known = self._of_one(node, states, charge)
        if known is not None:
            state.low, state.high = np.fmax(state.low, known[0]), np.fmin(state.high, known[1])
        return state

    def _of_one(self, node: Affine, states: list[State], charge: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The ranges of units that see one number each, w x + b, to a few units in the last place.

        The gain of a later layer may be 1e13, and then the rounding of the form above would be its whole range. A
        rounded product and a rounded sum in float64 rise or fall with their arguments: they stay between rounded ends.
        """
        running = self.deployed and node.steps > 0
        if len(node.sources) != 1 or (running and node.steps > 2):
            return None
        source, w, radius = node.sources[0]
        if (np.count_nonzero(w, axis=1) > 1).any() or (radius is not None and (radius[w == 0] != 0).any()):
            return None
        rows, place = np.arange(node.size), np.argmax(np.abs(w), axis=1)
        factor, off = w[rows, place], np.zeros(node.size) if radius is None else radius[rows, place]
        s = states[source]
        x = Range(s.low[:, place], s.high[:, place])
        y = I.mul(x, Range(factor, factor) if radius is None else Range(down(factor - off), up(factor + off)))
        power = (np.abs(np.frexp(factor)[0]) == 0.5) & (off == 0.0) & (y.size < 1e290)
        ends = factor * x.low, factor * x.high
        exact = power & ((np.abs(ends[0]) > 1e-290) | (x.low == 0)) & ((np.abs(ends[1]) > 1e-290) | (x.high == 0))
        y = Range(np.where(exact, np.minimum(*ends), y.low), np.where(exact, np.maximum(*ends), y.high))
        b = Range(node.b, node.b) if node.b_radius is None else Range(node.b - node.b_radius, node.b + node.b_radius)
        if node.b_radius is not None:
            b = Range(down(b.low), up(b.high))
        z = I.add(y, b)
        low, high = z.low, z.high
        if running:
            least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022
            rounded = node.unit == 2.0**-53 and (node.steps == 1 or node.in_blocks)
            moved = np.zeros(z.shape) if rounded else gamma(2, node.unit) * (y.size + b.size)
            rest = np.where(charge < np.inf, (3.0 * least + moved) * (1 + 1e-9), np.inf)
            low, high = down(low - rest), up(high + rest)
        unknown = np.isnan(x.low) | np.isnan(x.high)  # ranges of products take 0 for what is not a number
        return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)

    def _tightened(self, i: int, states: list[State], state: State) -> None:
        """Ranges of a node by going backward from it, where they are narrower."""
        linear = self.backward([*states, state], i)
        low, _ = self._least(linear, states[0])
        k = state.z0.shape[1]
        new_low, new_high = np.maximum(state.low, low[:, :k]), np.minimum(state.high, -low[:, k:])
        fine = new_low <= new_high
        state.low, state.high = np.where(fine, new_low, state.low), np.where(fine, new_high, state.high)

    def _unary(self, node: Unary, s: State) -> State:
        if node.kind == "relu":  # exact where it runs, but for numbers that are flushed to 0
            flushed = 2.0**-126 if self.deployed and node.ulps and node.unit > 2.0**-30 else 0.0
            return _through_relu(s, flushed)
        f = ACTIVATIONS[node.kind]
        lines, least, most = _smooth(node, s.low, s.high), f.least, f.most
        slack = self._kernel(node, s, lines)
        if slack is not None:
            lines.off_low, lines.off_high = lines.off_low - slack, lines.off_high + slack
            least = least - np.max(slack, initial=0.0)
            most = most + np.max(slack, initial=0.0)
        return _through(lines, s, least, most)

    def _kernel(self, node: Unary, s: State, lines: Lines) -> np.ndarray | None:
        """How much the kernel of the running model may be off."""
        if not self.deployed or not node.ulps:
            return None
        size = np.maximum(np.abs(s.low), np.abs(s.high))
        value = np.maximum(
            np.abs(lines.lam_low) * size + np.abs(lines.off_low), np.abs(lines.lam_high) * size + np.abs(lines.off_high)
        )
        if node.kind == "gelu":
            value = np.maximum(value, size)
        slack = (node.ulps * 2 * node.unit * value + 2.0**-126 * (node.unit > 2.0**-30)) * (1 + 1e-9) + TINY
        return np.where(value < largest_of(node.unit), slack, np.inf)  # exp(90) is infinite in float32

    def backward(self, states: list[State], last: int | None = None) -> Linear:
        """The outputs from below, and their negatives, as linear functions of the input."""
        end = len(self.net.nodes) - 1 if last is None else last
        n = len(states[0].z0)
        k = states[end].z0.shape[1]
        one = np.concatenate([np.eye(k), -np.eye(k)])
        rows: dict[int, np.ndarray] = {end: np.broadcast_to(one, (n, 2 * k, k))}
        b = np.zeros((n, 2 * k))
        with np.errstate(all="ignore"):
            for i in range(end, 0, -1):
                A = rows.pop(i, None)
                if A is None:
                    continue
                node, state = self.net.nodes[i], states[i]
                if isinstance(node, Affine):
                    assert state.charge is not None
                    b = b + A @ node.b - np.matmul(np.abs(A), state.charge[:, :, None])[:, :, 0]
                    for source, w, _ in node.sources:
                        part = _through_matrix(A, w.T)
                        rows[source] = rows[source] + part if source in rows else part
                else:
                    assert isinstance(node, Unary)
                    part, b = self._back_unary(node, states, state, A, b)
                    rows[node.source] = rows[node.source] + part if node.source in rows else part
        a = rows.get(0)
        return Linear(np.zeros((n, 2 * k, states[0].z0.shape[1])) if a is None else a, b)

    def _back_unary(
        self, node: Unary, states: list[State], state: State, A: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        lines = state.lines
        assert lines is not None
        s = states[node.source]
        parallel = lines.lam_low is lines.lam_high
        if parallel:
            lam, off = np.abs(lines.lam_low), np.maximum(np.abs(lines.off_low), np.abs(lines.off_high))
        else:  # of a ReLU: slopes from 0 to 1
            lam, off = np.maximum(lines.lam_low, lines.lam_high), lines.off_high + lines.flushed
        rounding = lam * s.mass
        rounding += off
        rounding *= 3.0 * gamma(node.size + 24 + len(self.net.nodes))
        rounding += 2 * TINY
        positive = np.maximum(A, 0.0)
        negative = A - positive
        if parallel:
            b = b + np.matmul(positive, (lines.off_low - rounding)[:, :, None])[:, :, 0]
            b = b + np.matmul(negative, (lines.off_high + rounding)[:, :, None])[:, :, 0]
            return A * lines.lam_low[:, None, :], b
        rounding += lines.flushed
        b = b + np.matmul(negative, (lines.off_high + rounding)[:, :, None])[:, :, 0]
        b = b + np.matmul(positive, (lines.off_low - rounding)[:, :, None])[:, :, 0]
        positive *= lines.lam_low[:, None, :]
        negative *= lines.lam_high[:, None, :]
        positive += negative
        return positive, b

    @staticmethod
    def _least(linear: Linear, x: State) -> tuple[np.ndarray, np.ndarray]:
        """The least value of the linear functions on the box, rounded down, and the sizes of what was added."""
        d = x.z0.shape[1]
        r = x.Z[:, np.arange(d), np.arange(d)]
        middle = np.matmul(linear.a, x.z0[:, :, None])[:, :, 0]
        reach = np.matmul(np.abs(linear.a), r[:, :, None])[:, :, 0]
        size = np.matmul(np.abs(linear.a), x.mass[:, :, None])[:, :, 0] + np.abs(linear.b)
        low = linear.b + middle - reach - 3.0 * gamma(d + 8) * size - TINY
        return np.where(np.isnan(low), -np.inf, low), size


def _through(lines: Lines, s: State, least: float, most: float) -> State:
    """The state behind a function between two parallel lines."""
    lam = lines.lam_high
    mu = 0.5 * lines.off_low + 0.5 * lines.off_high
    half = up(np.maximum(lines.off_high - mu, mu - lines.off_low))
    form = lam[:, None, :] * s.form
    form[:, 0] += mu
    pad = (32 + 4 * (form.shape[1] - 1)) * U * (np.abs(lam) * s.mass + np.abs(mu)) + TINY
    R = (np.abs(lam) * s.R + half + pad) * (1 + 8 * U)
    sizes, low, high = _closed(form, R)
    return State(form, sizes, np.maximum(low, least), np.minimum(high, most), None, lines)


def _relu(low: np.ndarray, high: np.ndarray) -> Lines:
    """Above: the chord; below: 0 or z, whichever leaves less room (Zhang and others 2018).

    With the computed slope the upper line is below the ReLU by no more than 8 U (lam mass + off) + TINY, which is less
    than what both ways pay for rounding.
    """
    lam = high - low
    lam += TINY  # 0 / 0
    np.divide(high, lam, out=lam)
    np.clip(lam, 0.0, 1.0, out=lam)
    off = lam * low
    np.negative(off, out=off)
    np.maximum(off, 0.0, out=off)
    return Lines((high > -low).astype(float), np.zeros(()), lam, off)


def _through_relu(s: State, flushed: float) -> State:
    """The state behind a ReLU: lam z <= relu(z) <= lam z + off for any lam in [0, 1] and the offset of the chord."""
    lines = _relu(s.low, s.high)
    lines.flushed = flushed
    lam, mu = lines.lam_high, 0.5 * lines.off_high
    form = lam[:, None, :] * s.form
    form[:, 0] += mu
    sizes = lam[:, None, :] * s.sizes
    pad = (40 + 4 * (form.shape[1] - 1)) * U
    rest = pad * sizes[:, 1]
    rest += (1 + pad) * mu
    rest += 2 * TINY + flushed
    sizes += rest[:, None, :]  # R, and with mu more |lam z0 + mu| + lam sum |Z| + R
    sizes[:, 1] += mu
    sizes *= 1 + 8 * U
    low, high = np.maximum(s.low, 0.0) - flushed, np.maximum(s.high, 0.0) + flushed
    return State(form, sizes, low, high, None, lines)


def _smooth(node: Unary, low: np.ndarray, high: np.ndarray) -> Lines:
    """Two lines with the slope of the chord.

    f(z) - lam z is looked at in PIECES + 1 points; between two of them it leaves the straight line by no more than
    sup |f''| times the square of their distance over 8.
    """
    f = ACTIVATIONS[node.kind]
    wide = high - low
    points = [low + wide * (j / PIECES) for j in range(1, PIECES)]
    points = [low, *(np.clip(p, low, high) for p in points), high]
    values = [f.value(Range(p, p), node.parameter) for p in points]
    bad = values[0].bad.copy()
    for v in values[1:]:
        bad |= v.bad
    lam = (values[-1].middle - values[0].middle) / wide
    lam = np.where(np.isfinite(lam), lam, 0.0)
    narrow = wide < 1e-6 * np.maximum(1.0, np.abs(low))  # where the chord is mostly rounding
    lam = np.where(narrow & (np.abs(lam) > 1e3), 0.0, lam)
    gaps = [I.sub(v, I.mul(Range(lam, lam), Range(p, p))) for v, p in zip(values, points, strict=True)]
    step = np.max([up(b - a) for a, b in pairwise(points)], axis=0)
    curve = f.bend(low, high, node.parameter) * step * step * 0.125 * (1 + 1e-12) + TINY
    below = down(np.min([g.low for g in gaps], axis=0) - curve)
    above = up(np.max([g.high for g in gaps], axis=0) + curve)
    lowest, highest = _beyond(f, lam, points, values)
    below, above = np.fmax(below, lowest), np.fmin(above, highest)
    bad |= ~np.isfinite(below) | ~np.isfinite(above) | ~(low <= high)  # of what is not a number nothing is known
    return Lines(lam, np.where(bad, -np.inf, below), lam, np.where(bad, np.inf, above))


def _beyond(
    f: Activation, lam: np.ndarray, points: list[np.ndarray], values: list[Range]
) -> tuple[np.ndarray, np.ndarray]:
    """Between which f(z) - lam z lies by what is known of all values of f, for ranges that are wide."""
    lines = [I.mul(Range(lam, lam), Range(p, p)) for p in points]
    low = np.minimum(lines[0].low, lines[-1].low)
    high = np.maximum(lines[0].high, lines[-1].high)
    below, above = down(f.least - high), up(f.most - low)
    if f.rising:  # between two points no value is outside of those at the points
        sides = list(zip(pairwise(values), pairwise(lines), strict=True))
        steps = [(v.low - np.maximum(a.high, b.high), w.high - np.minimum(a.low, b.low)) for (v, w), (a, b) in sides]
        below = np.fmax(below, down(np.min([s[0] for s in steps], axis=0)))
        above = np.fmin(above, up(np.max([s[1] for s in steps], axis=0)))
    if f.beside is not None:  # max(z, 0) - lam z is largest at an end, and least there or at 0
        hinge = [I.sub(I.relu(Range(points[i], points[i])), lines[i]) for i in (0, -1)]
        least = np.minimum(hinge[0].low, hinge[1].low)
        least = np.where((points[0] < 0) & (points[-1] > 0), np.minimum(least, 0.0), least)
        below = np.fmax(below, down(least - f.beside[0]))
        above = np.fmin(above, up(np.maximum(hinge[0].high, hinge[1].high) + f.beside[1]))
    return below, above


__all__ = ["Linear", "Lines", "Relaxation", "State", "gamma"]
