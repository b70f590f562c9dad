"""Branch and bound: the largest |target - model| over a box, from both sides.

A box whose bound is not above what some point reaches already (times 1 + rtol) is done; the others are cut in two, the
one with the largest bound first. Whenever it stops, the largest bound of what is left and of what is done is a bound of
everything: an interrupt or the end of the time costs tightness, never truth (Moore 1966; Skelboe 1974).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from surefit.bounds import taylor
from surefit.bounds.affine import Form
from surefit.bounds.interval import up
from surefit.bounds.network import Network
from surefit.bounds.relax import Relaxation, State, gamma
from surefit.formulas.expression import Expression

Target = Callable[[np.ndarray, np.ndarray], list[Form]]  # boxes (n, d) twice -> one form for each output

LEAVES = 200_000  # boxes that a certificate may hold
FEW = 16  # boxes of one input, of which each is cut into eight instead of two
CACHED = 2**17  # boxes times units of which one array stays in the cache
LOOSE = 0.5  # of the size of a polynomial, that its remainder may have before lines are asked too
NARROW = 2.0**-40  # of the domain's width: no box is cut finer


@dataclass
class Found:
    """What is known: lower <= max |error| <= upper, and where the lower bound is reached.

    outputs: an upper bound for each output. undefined: a box in which the target has no value, (low, high). leaves: the
    boxes that cover the domain, with the bound of each; None where there were too many.
    """

    lower: float
    upper: float
    at: np.ndarray
    outputs: np.ndarray
    boxes: int = 0
    complete: bool = False
    interrupted: bool = False
    rounding_limited: bool = False
    undefined: tuple[np.ndarray, np.ndarray] | None = None
    leaves: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    history: list[tuple[float, float, float]] = field(default_factory=list)  # seconds, lower, upper


class Looked(NamedTuple):
    """What a look at boxes gave: bounds (n, k) of |error|; slopes (n, d) and a rest (n,) tell where to cut; bad.

    surely (n,): what |error| reaches at the points `at` (n, d), 0 where nothing is known.
    """

    bound: np.ndarray
    slope: np.ndarray
    rest: np.ndarray
    bad: np.ndarray
    surely: np.ndarray
    at: np.ndarray


class Bounder(Protocol):
    """A way to bound |target - model| on boxes."""

    batch: int
    excess: float  # by how much more than at a point rounding may count on a small box

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        """Boxes with ends (n, d)."""

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """|error| at points (n, d) from below and above, the largest of the outputs."""


class Lines:
    """Bounds by affine forms and linear bounds, for any network."""

    excess = 3.0

    def __init__(self, relaxation: Relaxation, target: Target) -> None:
        self.relaxation, self.target = relaxation, target
        widest = max(relaxation.net.size_of(i) for i in range(len(relaxation.net.nodes)))
        self.batch = int(np.clip(CACHED // widest, 256, 1024))

    def look(self, low: np.ndarray, high: np.ndarray) -> Looked:
        ub, slope, rest, bad = box_bounds(self.relaxation, self.target, low, high)
        return Looked(ub, slope, rest, bad, np.zeros(len(low)), 0.5 * low + 0.5 * high)

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        return point_bounds(self.relaxation, self.target, x, values)


class Polynomials:
    """Bounds by Taylor models, for smooth networks of few inputs; where they fail, those by lines."""

    excess = 1.0

    def __init__(
        self, net: Network, formulas: Sequence[Expression], names: tuple[str, ...], deployed: bool, lines: Lines
    ) -> None:
        self.net, self.formulas, self.names, self.deployed, self.lines = net, formulas, names, deployed, lines
        degree = taylor.degree_of(net)
        assert degree is not None
        self.basis = taylor.basis(net.inputs, degree)
        widest = max(net.size_of(i) for i in range(len(net.nodes)))
        self.batch = int(np.clip(2_000_000 // (widest * self.basis.M), 8, 256))

    def look(self, low: np.ndarray, high: np.ndarray, basis: taylor.Basis | None = None) -> Looked:
        n, d = low.shape
        B = self.basis if basis is None else basis
        with np.errstate(all="ignore"):
            x = taylor.boxes(B, low, high)
            z = taylor.network(self.net, x, self.deployed)
            r = x.coef[:, np.arange(d), B.linear]
            wide = low < high
            shift = np.where(wide, 8 * 2.0**-52 * (np.abs(x.coef[..., 0]) + r) / np.maximum(r, 1e-300), 0.0).sum(axis=1)
            bounds, bads = np.full((n, len(self.formulas)), np.inf), np.zeros((n, len(self.formulas)), bool)
            surely, at = np.zeros(n), np.zeros((n, d))
            slope, rest, loose = np.zeros((n, d)), np.zeros(n), np.zeros(n, bool)
            a = B.exponents
            for j, f in enumerate(self.formulas):
                t = taylor.formula(B, f, self.names, x)
                apart = taylor.add(t, z[:, j], -1.0)
                least, most, reached, e = taylor.polynomial_range(apart, shift)
                bads[:, j] = t.range.bad
                ub = np.where(t.range.bad | ~np.isfinite(apart.rho), np.inf, np.maximum(most, -least))
                bounds[:, j] = np.where(ub < np.inf, ub, np.inf)
                better = (reached > surely) & ~t.range.bad
                surely = np.where(better, reached, surely)
                at = np.where(better[:, None], e, at)
                top = np.abs(apart.coef) + np.abs(z.coef[:, j]) * (B.degree == B.K)
                slope += top @ (a * a).astype(float)
                loose = loose | ~(apart.rho < LOOSE * np.abs(apart.coef).sum(axis=1))
                rest += np.where(np.isfinite(apart.rho), apart.rho, 1.0)
            points = np.clip(x.coef[..., 0] + r * at, low, high)
        # a remainder as large as the polynomial says that the box is too large for one: a steep unit bends in it
        lost: np.ndarray = ~(bounds < np.inf).all(axis=1) | (loose & (low < high).any(axis=1))
        if lost.any():
            other = self.lines.look(low[lost], high[lost])
            better = np.any(~(bounds[lost] <= other.bound), axis=1)
            bounds[lost] = np.fmin(bounds[lost], other.bound)
            slope[lost] = np.where(better[:, None], other.slope, slope[lost])
            rest[lost] = np.where(better, other.rest, rest[lost])
            bads[lost] = other.bad
        return Looked(bounds, slope, rest, bads, surely, points)

    def at_points(self, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        if values is not None:
            return self.lines.at_points(x, values)
        seen = self.look(x, x, taylor.basis(x.shape[1], 1))  # in a point all polynomials are constant
        upper = np.where(seen.bad.any(axis=1), np.inf, seen.bound.max(axis=1))
        return np.maximum(np.nextafter(seen.surely, -np.inf), 0.0), upper


def box_bounds(
    relaxation: Relaxation, target: Target, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, d) -> upper bounds (n, k) of |error|, slopes (n, d) and a rest (n,) for cutting, bad (n, k).

    A NaN anywhere makes a bound infinite.
    """
    with np.errstate(all="ignore"):
        states = relaxation.forward(low, high)
        linear = relaxation.backward(states)
        x, z = states[0], states[-1]
        forms = target(low, high)
        d, k = low.shape[1], z.z0.shape[1]
        r = x.Z[:, np.arange(d), np.arange(d)]
        f0 = np.stack([f.c for f in forms], axis=1)
        fg = np.stack([f.g for f in forms], axis=1)  # (n, k, d)
        rho = np.stack([f.rho for f in forms], axis=1)
        f_low = np.stack([f.range.low for f in forms], axis=1)
        f_high = np.stack([f.range.high for f in forms], axis=1)
        bad = np.stack([f.bad for f in forms], axis=1)
        # forward: f - N = (f0 - z0) + (Fg - Z) e +- (rho + R)
        reach = np.abs(fg - z.Z).sum(axis=2) + rho + z.R
        size = np.abs(f0) + np.abs(fg).sum(axis=2) + rho + z.mass
        pad = 1.1 * gamma(2 * d + 12) * size + 1e-300
        high_1, low_1 = (f0 - z.z0) + reach + pad, (f0 - z.z0) - reach - pad
        # backward: N >= b + a x, and -N >= b' + a' x
        a, b = linear.a, linear.b
        ac = np.matmul(a, x.z0[:, :, None])[:, :, 0]
        size = size + (np.matmul(np.abs(a), x.mass[:, :, None])[:, :, 0] + np.abs(b)).reshape(len(low), 2, k).sum(
            axis=1
        )
        pad = 1.1 * gamma(2 * d + 12) * size + 1e-300
        ar = a * r[:, None, :]
        high_2 = f0 - (b + ac)[:, :k] + np.abs(fg - ar[:, :k]).sum(axis=2) + rho + pad
        low_2 = f0 + (b + ac)[:, k:] - np.abs(fg + ar[:, k:]).sum(axis=2) - rho - pad
        # ranges alone
        high_3, low_3 = up(f_high - z.low), -up(-(f_low - z.high))
        most = np.fmin(np.fmin(high_1, high_2), high_3)
        least = np.fmax(np.fmax(low_1, low_2), low_3)
        nothing = bad | np.isnan(most) | np.isnan(least)
        ub = np.maximum(most, -least)
        ub = np.where(nothing, np.inf, ub)
        ok = ub < np.inf  # written so that a NaN is not ok
        ub = np.where(ok, ub, np.inf)
        worst = np.argmax(ub, axis=1)
        rows = np.arange(len(low))
        slope = np.abs(fg - z.Z)[rows, worst]
        rest = (rho + z.R)[rows, worst]
    return ub, np.where(np.isfinite(slope), slope, 0.0), np.where(np.isfinite(rest), rest, 1.0), bad


def point_bounds(
    relaxation: Relaxation, target: Target, x: np.ndarray, values: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """|error| at points (n, d) from below and above, the largest of the outputs. values: what the model gave there."""
    with np.errstate(all="ignore"):
        forms = target(x, x)
        bad = np.any([f.bad for f in forms], axis=0)
        f_low = np.stack([f.range.low for f in forms], axis=1)
        f_high = np.stack([f.range.high for f in forms], axis=1)
        if values is None:
            z: State = relaxation.forward(x, x)[-1]
            z_low, z_high = z.low, z.high
        else:
            z_low = z_high = values
        apart = np.maximum(-up(-(f_low - z_high)), -up(-(z_low - f_high)))
        lower = np.nextafter(np.max(np.maximum(apart, 0.0), axis=1), -np.inf)
        upper = np.max(np.maximum(up(f_high - z_low), up(z_high - f_low)), axis=1)
    lower = np.where(bad | ~(lower > 0), 0.0, lower)
    return np.where(np.isfinite(lower), lower, 0.0), np.where(bad | ~(upper < np.inf), np.inf, upper)


def search_points(
    error: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, n: int, seed: int = 0
) -> np.ndarray:
    """Points (m, d) where a function of points is large: corners, faces, random ones, and uphill from the best.

    error: (n, d) -> (n,), with no claim about its rounding.
    """
    rng = np.random.default_rng(seed)
    d = len(low)
    u = rng.random((n, d))
    faces = rng.random((n // 4, d))
    faces[np.arange(len(faces)), rng.integers(0, d, len(faces))] = rng.integers(0, 2, len(faces))
    corners = rng.integers(0, 2, (min(256, 2 ** min(d, 8)), d)).astype(float) if d > 8 else _corners(d)
    grid = np.linspace(0, 1, 1025)[:, None] if d == 1 else np.empty((0, d))
    u = np.concatenate([corners, np.full((1, d), 0.5), grid, faces, u])

    def at(v: np.ndarray) -> np.ndarray:
        return np.clip(low + v * (high - low), low, high)

    value = _finite(error(at(u)))
    best = np.argsort(-value)[:48]
    u, value = u[best], value[best]
    step = np.full(len(u), 0.02 if d > 1 else 2.0 / n)
    for _ in range(60):
        moves = np.concatenate([np.eye(d), -np.eye(d), rng.standard_normal((d, d)) / np.sqrt(d)])
        trial = np.clip(u[:, None, :] + step[:, None, None] * moves[None], 0.0, 1.0)
        found = _finite(error(at(trial.reshape(-1, d)))).reshape(len(u), -1)
        j = found.argmax(axis=1)
        better = found[np.arange(len(u)), j] > value
        u = np.where(better[:, None], trial[np.arange(len(u)), j], u)
        value = np.where(better, found[np.arange(len(u)), j], value)
        step = np.where(better, step * 1.3, step * 0.5)
        if (step < 1e-12).all():
            break
    return at(u[np.argsort(-value)])


def _corners(d: int) -> np.ndarray:
    return np.array(np.meshgrid(*[[0.0, 1.0]] * d)).reshape(d, -1).T


def _finite(v: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(v), v, -1.0)


def branch_and_bound(
    bounder: Bounder,
    low: np.ndarray,
    high: np.ndarray,
    *,
    points: np.ndarray,
    values: Callable[[np.ndarray], np.ndarray] | None = None,
    rtol: float = 0.01,
    tol: float | None = None,
    outputs: int = 1,
    deadline: float = np.inf,
    most: int | None = None,
    cuts: Sequence[np.ndarray] = (),
    progress: Callable[[float, float], None] | None = None,
) -> Found:
    """The largest |error| on the box low..high (d,) from both sides.

    points: where a lower bound is looked for first. values: what the running model gives at points, where its own
    values are the object of the claim. tol: stop as soon as the error is known to be below it, or above it. cuts: for
    each input the places where the domain is cut first (kinks of the target). deadline: of time.monotonic(). most:
    boxes after which it ends.
    """
    started = time.monotonic()
    lows, highs = _first_boxes(low, high, cuts)
    lower, at, ceiling, slack = 0.0, 0.5 * low + 0.5 * high, 0.0, 0.0

    def witness(x: np.ndarray) -> None:
        nonlocal lower, at, ceiling, slack
        below, above = bounder.at_points(x, None if values is None else values(x))
        i = int(np.argmax(below))
        if below[i] > lower:
            lower, at = float(below[i]), x[i]
        if values is not None:  # what the bounds can reach at best is with the rounding that they must allow
            below, above = bounder.at_points(x)
        finite = np.isfinite(above)
        if finite.any():
            ceiling = max(ceiling, float(above[finite].max()))
            slack = max(slack, float((above - below)[finite & (below > 0)].max(initial=0.0)))
            slack = max(slack, float(2.0 * above[finite & (below <= 0)].max(initial=0.0)) if lower <= 0 else 0.0)

    witness(points[:64])
    k = outputs
    done, parts, boxes = 0.0, np.zeros(k), 0
    leaves: list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None = []
    count = 0
    found = Found(lower, np.inf, at, np.full(k, np.inf))
    bounds = np.full(len(lows), np.inf)
    each = np.full((len(lows), k), np.inf)
    width = np.maximum(high - low, 1e-300)

    def keep(lo: np.ndarray, hi: np.ndarray, ub: np.ndarray) -> None:
        nonlocal leaves, count, done, parts
        if not len(lo):
            return
        count += len(lo)
        done = max(done, float(ub.max()))
        parts = np.maximum(parts, ub.max(axis=0))
        if leaves is not None:
            leaves.append((lo, hi, ub))
            if count > LEAVES:
                leaves = None

    try:
        while len(lows):
            if boxes and (time.monotonic() > deadline or (most is not None and boxes >= most)):
                break  # the whole domain is looked at in any case
            many = len(bounds) > bounder.batch
            # the largest first; of those without a bound the smallest, so that a pole is found and not surrounded
            share = np.prod((highs - lows) / width, axis=1)
            urgent = np.where(np.isinf(bounds), 1e200 / np.maximum(share, 1e-30), bounds) if many else bounds
            chosen = np.argpartition(-urgent, bounder.batch)[: bounder.batch] if many else np.arange(len(bounds))
            mine = np.zeros(len(lows), bool)
            mine[chosen] = True
            lo, hi, old = lows[mine], highs[mine], each[mine]
            seen = bounder.look(lo, hi)
            slope, rest, bad = seen.slope, seen.rest, seen.bad
            bound = np.where(seen.bound == seen.bound, seen.bound, np.inf)  # what is not a number bounds nothing
            ub = np.minimum(bound, old)  # what holds for the parent holds for the child
            boxes += len(lo)
            top = ub.max(axis=1)
            worst = np.argsort(-top)[:8]
            middle = 0.5 * lo[worst] + 0.5 * hi[worst]
            witness(middle)
            if values is None and seen.surely.max() > lower:
                i = int(np.argmax(seen.surely))
                lower, at = float(np.nextafter(seen.surely[i], 0.0)), seen.at[i]
            limit = max(lower, ceiling) * (1.0 + rtol) + bounder.excess * slack  # no box is known better
            if tol is not None and lower <= tol:
                limit = max(tol, limit) if ceiling <= tol else limit
            ok = top <= limit  # NaN and infinity are not
            thin = ((hi - lo) <= NARROW * width).all(axis=1)
            if (thin & bad.any(axis=1) & ~ok).any():
                i = int(np.flatnonzero(thin & bad.any(axis=1) & ~ok)[0])
                found.undefined = (lo[i], hi[i])
                break
            stop = ok | thin
            keep(lo[stop], hi[stop], ub[stop])
            go = ~stop
            share = (hi - lo) / width
            score = slope[go] + rest[go, None] * share[go] / np.maximum(share[go].max(axis=1, keepdims=True), 1e-300)
            score = np.where((hi - lo)[go] > NARROW * width, score + 1e-12 * share[go], -1.0)
            axis = np.argmax(score, axis=1)
            c_lo, c_hi = _halves(lo[go], hi[go], axis)
            child = np.concatenate([ub[go], ub[go]])
            if len(low) == 1:  # a round costs as much with few boxes as with more
                for _ in range(2 if len(c_lo) <= FEW else 0):
                    c_lo, c_hi = _halves(c_lo, c_hi, np.zeros(len(c_lo), int))
                    child = np.concatenate([child, child])
            lows = np.concatenate([lows[~mine], c_lo])
            highs = np.concatenate([highs[~mine], c_hi])
            each = np.concatenate([each[~mine], child])
            bounds = each.max(axis=1)
            upper = max(done, float(bounds.max(initial=0.0)))
            found.history.append((time.monotonic() - started, lower, upper))
            if progress is not None:
                progress(lower, upper)
            if tol is not None and lower > tol:
                break
    except KeyboardInterrupt:
        found.interrupted = True
    complete = not len(lows) and found.undefined is None
    keep(lows, highs, each)
    found.lower, found.at, found.boxes = lower, at, boxes
    found.upper = np.inf if found.undefined is not None else done
    if not np.isfinite(found.upper):
        found.upper = np.inf
    found.outputs = parts if np.isfinite(found.upper) else np.full(k, np.inf)
    found.complete = complete and found.upper <= lower * (1.0 + rtol) * (1 + 1e-12)
    found.rounding_limited = complete and not found.complete and ceiling + slack > lower * (1.0 + 0.5 * rtol)
    if leaves is not None and np.isfinite(found.upper):
        found.leaves = tuple(np.concatenate([leaf[i] for leaf in leaves]) for i in range(3))  # type: ignore[assignment]
    if found.lower > found.upper:  # never, or something is wrong: say nothing rather than something false
        raise AssertionError(f"bounds contradict each other: {found.lower} > {found.upper}; please report this")
    return found


def _first_boxes(low: np.ndarray, high: np.ndarray, cuts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The domain, cut along the given places."""
    lows, highs = low[None, :], high[None, :]
    for i, places in enumerate(cuts):
        inside = np.unique([p for p in places if low[i] < p < high[i]])
        if not len(inside) or len(inside) * len(lows) > 4096:
            continue
        edges = np.concatenate([[low[i]], inside, [high[i]]])
        m = len(edges) - 1
        lows, highs = np.repeat(lows, m, axis=0), np.repeat(highs, m, axis=0)
        lows[:, i] = np.tile(edges[:-1], len(lows) // m)
        highs[:, i] = np.tile(edges[1:], len(highs) // m)
    return lows.copy(), highs.copy()


def _halves(lo: np.ndarray, hi: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of each box along an axis; they share the float that they are cut at, so nothing is lost."""
    rows = np.arange(len(lo))
    cut = 0.5 * lo[rows, axis] + 0.5 * hi[rows, axis]
    first_hi, second_lo = hi.copy(), lo.copy()
    first_hi[rows, axis] = cut
    second_lo[rows, axis] = cut
    return np.concatenate([lo, second_lo]), np.concatenate([first_hi, hi])


__all__ = ["Bounder", "Found", "Lines", "Polynomials", "Target", "branch_and_bound", "point_bounds", "search_points"]
