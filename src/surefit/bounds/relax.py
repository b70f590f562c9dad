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
from surefit.bounds.activations import ACTIVATIONS
from surefit.bounds.interval import Range, down, gamma, largest_of, up
from surefit.bounds.network import Affine, Network, Unary

U = 2.0**-53
TINY = 1e-300  # above all that underflow can lose
PIECES = 4  # of a range, at whose ends a smooth function is looked at


@dataclass
class Lines:
    """lam_low z + off_low <= f(z) <= lam_high z + off_high on each range (n boxes, units)."""

    lam_low: np.ndarray
    off_low: np.ndarray
    lam_high: np.ndarray
    off_high: np.ndarray


@dataclass
class State:
    """One node on all boxes: z0, R, mass (n, units), Z (n, units, d), low, high; charge: the rounding of the node.

    mass: at least |z0| + sum |Z| + R, and so any value of the node, computed or exact.
    """

    z0: np.ndarray
    Z: np.ndarray
    R: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mass: np.ndarray
    charge: np.ndarray | None = None
    lines: Lines | None = None


@dataclass
class Linear:
    """N_j(x) >= b + a . x on each box, for the outputs and then for their negatives. a (n, 2k, d), b (n, 2k)."""

    a: np.ndarray
    b: np.ndarray


def _closed(z0: np.ndarray, Z: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """low, high and mass."""
    d = Z.shape[2]
    reach = (np.abs(Z).sum(axis=2) + R) * (1 + (d + 4) * 2 * U) + TINY
    return down(z0 - reach), up(z0 + reach), (np.abs(z0) + reach) * (1 + 4 * U)


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
        Z = np.zeros((n, d, d))
        Z[:, np.arange(d), np.arange(d)] = r
        states = [State(c, Z, np.zeros((n, d)), low, high, (np.abs(c) + r) * (1 + 4 * U))]
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
        n = len(states[0].z0)
        z0 = np.broadcast_to(node.b, (n, node.size))
        Z: np.ndarray | float = 0.0
        spread: np.ndarray | float = 0.0
        moved = np.broadcast_to(np.abs(node.b), (n, node.size))  # |W| mass + |b|
        extra: np.ndarray | float = 0.0 if node.b_radius is None else node.b_radius
        fan = 0
        for (source, w, radius), size in zip(node.sources, self.absolute[i], strict=True):
            s = states[source]
            z0 = z0 + s.z0 @ w.T
            Z = Z + np.matmul(w, s.Z)
            spread = spread + s.R @ size.T
            moved = moved + s.mass @ size.T
            fan += w.shape[1]
            if radius is not None:
                extra = extra + s.mass @ radius.T
        if isinstance(Z, float):
            Z = np.zeros((n, node.size, states[0].Z.shape[2]))
        own = gamma(fan + 24 + len(self.net.nodes))  # of z0, Z and R here, and of the products on the way back
        charge = 3.0 * own * moved + extra
        if self.deployed and node.steps:
            least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022  # of a sum that underflows, flushed or not
            charge = charge + gamma(node.steps + 1, node.unit) * moved + (fan + 2) * least
            charge = np.where(moved < largest_of(node.unit), charge, np.inf)  # beyond that it may overflow
        charge = charge * (1 + 1e-9) + TINY
        R = (spread + charge) * (1 + 1e-12)
        low, high, mass = _closed(z0, Z, R)
        return State(z0, Z, R, low, high, mass, charge)

    def _tightened(self, i: int, states: list[State], state: State) -> None:
        """Ranges of a node by going backward from it, where they are narrower."""
        linear = self.backward([*states, state], i)
        low, _ = self._least(linear, states[0])
        k = state.z0.shape[1]
        new_low, new_high = np.maximum(state.low, low[:, :k]), np.minimum(state.high, -low[:, k:])
        fine = new_low <= new_high
        state.low, state.high = np.where(fine, new_low, state.low), np.where(fine, new_high, state.high)

    def _unary(self, node: Unary, s: State) -> State:
        if node.kind == "relu":
            lines, least, most = _relu(s.low, s.high), 0.0, np.inf
        else:
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
                        part = A @ w
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
        lam = np.maximum(np.abs(lines.lam_low), np.abs(lines.lam_high))
        off = np.maximum(np.abs(lines.off_low), np.abs(lines.off_high))
        rounding = 3.0 * gamma(node.size + 24 + len(self.net.nodes)) * (lam * s.mass + off) + TINY
        positive, negative = np.maximum(A, 0.0), np.minimum(A, 0.0)
        b = b + np.matmul(positive, (lines.off_low - rounding)[:, :, None])[:, :, 0]
        b = b + np.matmul(negative, (lines.off_high + rounding)[:, :, None])[:, :, 0]
        if lines.lam_low is lines.lam_high:
            return A * lines.lam_low[:, None, :], b
        return positive * lines.lam_low[:, None, :] + negative * lines.lam_high[:, None, :], b

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
    """The state behind a function between two parallel or crossing lines."""
    lam = lines.lam_high
    if lines.lam_low is lines.lam_high:
        below, above = lines.off_low, lines.off_high
    else:  # ReLU: between lam z and lam z + off, whatever line is used on the way back
        below, above = (
            np.minimum(lines.off_high, 0.0) - np.where(lines.off_low < 0, -lines.off_low, 0.0),
            lines.off_high,
        )
    mu = 0.5 * below + 0.5 * above
    half = up(np.maximum(above - mu, mu - below))
    d = s.Z.shape[2]
    pad = (32 + 4 * d) * U * (np.abs(lam) * s.mass + np.abs(mu)) + TINY
    z0, Z = lam * s.z0 + mu, lam[:, :, None] * s.Z
    R = (np.abs(lam) * s.R + half + pad) * (1 + 8 * U)
    low, high, mass = _closed(z0, Z, R)
    return State(z0, Z, R, np.maximum(low, least), np.minimum(high, most), mass, None, lines)


def _relu(low: np.ndarray, high: np.ndarray) -> Lines:
    """Above: the chord; below: 0 or z, whichever leaves less room (Zhang and others 2018)."""
    on, dead = low >= 0, high <= 0
    lam = np.where(on, 1.0, np.where(dead, 0.0, np.clip(high / (high - low), 0.0, 1.0)))
    # relu is convex: a line that is not below it at both ends is above it between them
    off = np.maximum(-lam * low, (1.0 - lam) * high) * (1 + 8 * U)
    off = np.where(on | dead, 0.0, off)
    under = np.where(on, 1.0, np.where(dead, 0.0, (high > -low).astype(float)))
    return Lines(under, np.zeros_like(low), lam, off)


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
    bad |= ~np.isfinite(below) | ~np.isfinite(above)
    return Lines(lam, np.where(bad, -np.inf, below), lam, np.where(bad, np.inf, above))


__all__ = ["Linear", "Lines", "Relaxation", "State", "gamma"]
