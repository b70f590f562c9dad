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
from surefit.bounds.floats import Floats
from surefit.bounds.interval import up
from surefit.bounds.network import Network
from surefit.bounds.relax import Relaxation, State, gamma
from surefit.formulas.expression import Expression

Target = Callable[[np.ndarray, np.ndarray], list[Form]]  # boxes (n, d) twice -> one form for each output

LEAVES = 200_000  # boxes that a certificate may hold
FEW = 16  # boxes of one input, of which each is cut into eight instead of two
CACHED = 2**17  # boxes times units of which one array stays in the cache
LOOSE = 0.5  # of the size of a polynomial, that its remainder may have before lines are asked too
SCATTERED, POINTS_EACH = 64, 16  # boxes that points are scattered in, and points in each
SETTLED = 4096  # boxes without a bound, that are bounded by lines in the end
AGAIN = 1.1  # times as many boxes, after which points are looked at again
NARROW = 2.0**-40  # of the domain's width: no box is cut finer, but for
SMALLEST = 1e-290
FINER = 400  # boxes of one input that have a bound: a function may be steep at one place, where floats are dense
NEAR_ROUNDING, FEWEST_MARKED = 2.0**-40, 256  # of the size of a target; boxes before it is asked whether bounds move
NEARER = 2.0**-8  # where such a box is cut that ends at 0


@dataclass
class Found:
    """What is known: lower <= max |error| <= upper, and where the lower bound is reached.

    outputs: an upper bound for each output. undefined: a box in which the target has no value, (low, high). leaves: the
    boxes that cover the domain, with the bound of each; None where there were too many. rounding: how far the running
    model may be from exact arithmetic in the box with the largest bound. floats: at how many floats the model was run,
    for an upper bound there.
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
    rounding: float | None = None
    floats: int = 0


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
    error: Callable[[np.ndarray], np.ndarray] | None = None,
    single: bool = False,
    size: float = 0.0,
    to_the_end: bool = False,
) -> Found:
    """The largest |error| on the box low..high (d,) from both sides.

    points: where a lower bound is looked for first. values: what the running model gives at points, where its own
    values are the object of the claim. tol: stop as soon as the error is known to be below it, or above it. cuts: for
    each input the places where the domain is cut first (kinks of the target). deadline: of time.monotonic(). most:
    boxes after which it ends. error: what |error| is at points (n, d), with no claim, to find lower bounds. single:
    whether the values are those that the model gives wherever it runs, and the claim one about floats. size: of the
    target, which tells what is near the rounding of bounds; 0: not known. to_the_end: go on, to the gap, where tol is
    disproved.
    """
    started = time.monotonic()
    search = _Search(bounder, low, high, values, outputs, cuts, error, single)
    search.witness(points[:64])
    history: list[tuple[float, float, float]] = []
    interrupted = False
    try:
        while len(search.open.low):
            if search.boxes and (time.monotonic() > deadline or (most is not None and search.boxes >= most)):
                break  # the whole domain is looked at in any case
            search.round(rtol, tol)
            if search.undefined is not None:
                break
            history.append((time.monotonic() - started, search.lower, search.upper))
            if progress is not None:
                progress(search.lower, search.upper)
            if (tol is not None and search.lower > tol and not to_the_end) or search.stands_still(size):
                break
    except KeyboardInterrupt:
        interrupted = True
    search.settle()
    found = search.found(rtol)
    found.history, found.interrupted = history, interrupted
    return found


class _Boxes(NamedTuple):
    """Boxes with ends (n, d), and a bound (n, k) of each output in each."""

    low: np.ndarray
    high: np.ndarray
    bound: np.ndarray


class _Search:
    """The boxes that are open, what is known of those that are done, and the point with the largest error.

    `open` changes in one step, so that an interrupt at any moment finds boxes that cover the domain.
    """

    def __init__(
        self, bounder: Bounder, low: np.ndarray, high: np.ndarray,
        values: Callable[[np.ndarray], np.ndarray] | None, outputs: int, cuts: Sequence[np.ndarray],
        error: Callable[[np.ndarray], np.ndarray] | None = None, single: bool = False,
    ) -> None:  # fmt: skip
        self.bounder, self.values, self.error = bounder, values, error
        self.floats: Floats | None = None
        if single and values is not None and len(low) == 1:
            self.floats = Floats(bounder, values, float(low[0]), float(high[0]))
        self.width = np.maximum(high - low, 1e-300)
        lows, highs = first_boxes(low, high, cuts)
        self.open = _Boxes(lows, highs, np.full((len(lows), outputs), np.inf))
        self.boxes = 0  # that were looked at
        self.again = 0.0  # how many it must be until points are looked at again
        self.lower, self.at = 0.0, 0.5 * low + 0.5 * high
        self.ceiling = 0.0  # the largest bound at a point: no box is known better
        self.slack = 0.0  # how far apart the bounds at a point are
        self.done, self.outputs = 0.0, np.zeros(outputs)  # the largest bounds of boxes that are done
        self.leaves: list[_Boxes] | None = []
        self.kept = self.finer = 0
        self.mark = (FEWEST_MARKED, 0.0, np.inf)  # boxes that were looked at, and both bounds then
        self.still = False
        self.undefined: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def upper(self) -> float:
        """A bound of everything."""
        return max(self.done, float(self.open.bound.max(initial=0.0)))

    def stands_still(self, size: float) -> bool:
        """Whether three times as many boxes as before have said no more, near the rounding of a target of this size.

        An error of nothing has no share that a bound could come near to, however small the boxes are.
        """
        if self.boxes < 4 * self.mark[0]:
            return False
        _, lower, upper = self.mark
        self.mark = self.boxes, self.lower, self.upper
        near = self.upper <= NEAR_ROUNDING * size
        self.still = near and self.upper > 0.99 * upper and self.lower <= 1.01 * lower
        return self.still

    def witness(self, x: np.ndarray, measured: bool = True) -> None:
        """Look at points (n, d). measured: they also say how far apart bounds at a point are, and so where to stop."""
        below, above = self.bounder.at_points(x, None if self.values is None else self.values(x))
        i = int(np.argmax(below))
        if below[i] > self.lower:
            self.lower, self.at = float(below[i]), x[i]
        if not measured:
            return
        if self.values is not None:  # what the bounds can reach at best is with the rounding that they must allow
            below, above = self.bounder.at_points(x)
            if self.floats is not None:
                self.floats.flattened(x, below, above, max(self.lower, self.ceiling))
        finite = np.isfinite(above)
        if finite.any():
            self.ceiling = max(self.ceiling, float(above[finite].max()))
            slack = float((above - below)[finite & (below > 0)].max(initial=0.0))
            if self.lower <= 0:
                slack = max(slack, float(2.0 * above[finite & (below <= 0)].max(initial=0.0)))
            self.slack = max(self.slack, slack)

    def round(self, rtol: float, tol: float | None) -> None:
        """Look at the boxes with the largest bounds; cut those that are not done."""
        mine = self.urgent()
        low, high, old = (part[mine] for part in self.open)
        seen = self.bounder.look(low, high)
        bound = np.where(seen.bound == seen.bound, seen.bound, np.inf)  # what is not a number bounds nothing
        bound = np.minimum(bound, old)  # what holds for the parent holds for the child
        self.boxes += len(low)
        top = bound.max(axis=1)
        if self.boxes >= self.again:  # one more point among many boxes says nothing new, and costs as much as a round
            worst = np.argsort(-top)[:8]
            self.witness(0.5 * low[worst] + 0.5 * high[worst])
            if self.error is not None:
                self.witness(self.likely(low, high, top), False)
            self.again = AGAIN * self.boxes
        if self.values is None and seen.surely.max() > self.lower:
            i = int(np.argmax(seen.surely))
            self.lower, self.at = float(np.nextafter(seen.surely[i], 0.0)), seen.at[i]
        ok = top <= self.limit(rtol, tol)  # NaN and infinity are not
        if self.floats is not None and not ok.all():
            ok |= self.one_by_one(low, high, bound, ~ok & ~seen.bad.any(axis=1))
        thin = ((high - low) <= NARROW * self.width).all(axis=1)
        without = np.flatnonzero(thin & seen.bad.any(axis=1) & ~ok)
        if len(without):
            self.undefined = low[without[0]], high[without[0]]
            return
        stop = ok | (thin & ~self.may_be_finer(low, high, thin & ~ok))
        go = ~stop
        self.keep(_Boxes(low[stop], high[stop], bound[stop]))
        cut = self.cut(_Boxes(low[go], high[go], bound[go]), seen.slope[go], seen.rest[go])
        self.open = _Boxes(*(np.concatenate([a[~mine], b]) for a, b in zip(self.open, cut, strict=True)))

    def one_by_one(
        self, low: np.ndarray, high: np.ndarray, bound: np.ndarray, wanted: np.ndarray
    ) -> np.ndarray:  # fmt: skip
        """Which of the boxes that are wanted (n,) were looked at float by float; their bounds (n, k) are those then."""
        assert self.floats is not None
        done = np.zeros(len(low), bool)
        for i in np.flatnonzero(wanted & self.floats.few(low, high)):
            if not self.floats.few(low[i : i + 1], high[i : i + 1])[0]:
                break
            above, below, at = self.floats.error(float(low[i, 0]), float(high[i, 0]))
            bound[i], done[i] = np.minimum(bound[i], above), above < np.inf
            if below > self.lower:
                self.lower, self.at = below, np.array([at])
        return done

    def may_be_finer(self, low: np.ndarray, high: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Which of the boxes that are wanted (n,), all thin, are cut further: of one input some, down to two floats."""
        if len(self.width) > 1 or self.finer > FINER:
            return np.zeros(len(low), bool)
        can = wanted & (np.nextafter(low, np.inf) < high)[:, 0] & ((high - low)[:, 0] > SMALLEST)
        self.finer += int(can.sum())
        return np.asarray(can)

    def likely(self, low: np.ndarray, high: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Of points scattered in the boxes with the largest bounds those (8, d) where the error in floats is most."""
        assert self.error is not None
        worst = np.argsort(-top)[:SCATTERED]
        u = np.random.default_rng(self.boxes).random((POINTS_EACH, len(worst), low.shape[1]))
        x = np.clip(low[worst] + u * (high[worst] - low[worst]), low[worst], high[worst]).reshape(-1, low.shape[1])
        return x[np.argsort(-_finite(self.error(x)), kind="stable")[:8]]

    def urgent(self) -> np.ndarray:
        """Which open boxes come next: as many as one look takes."""
        mine = np.ones(len(self.open.low), bool)
        if len(mine) > self.bounder.batch:
            # the largest first; of those without a bound the smallest, so that a pole is found and not surrounded
            bounds = self.open.bound.max(axis=1)
            share = np.prod((self.open.high - self.open.low) / self.width, axis=1)
            order = np.where(np.isinf(bounds), 1e200 / np.maximum(share, 1e-30), bounds)
            mine[:] = False
            mine[np.argpartition(-order, self.bounder.batch)[: self.bounder.batch]] = True
        return mine

    def limit(self, rtol: float, tol: float | None) -> float:
        """The bound at which a box is done: a tolerance that may be proved, however near it is to what is reached."""
        most, slack = max(self.lower, self.ceiling), self.bounder.excess * self.slack
        if tol is not None and most <= tol:
            return max(tol, most + slack)
        return most * (1.0 + rtol) + slack

    def keep(self, boxes: _Boxes) -> None:
        """These are done."""
        if not len(boxes.low):
            return
        self.kept += len(boxes.low)
        self.done = max(self.done, float(boxes.bound.max()))
        self.outputs = np.maximum(self.outputs, boxes.bound.max(axis=0))
        if self.leaves is not None:
            self.leaves.append(boxes)
            if self.kept > LEAVES:
                self.leaves = None

    def cut(self, boxes: _Boxes, slope: np.ndarray, rest: np.ndarray) -> _Boxes:
        """Halves, along the axis on which the bound depends most."""
        low, high, bound = boxes
        share = (high - low) / self.width
        score = slope + rest[:, None] * share / np.maximum(share.max(axis=1, keepdims=True), 1e-300)
        score = np.where((high - low > NARROW * self.width) | (len(self.width) == 1), score + 1e-12 * share, -1.0)
        low, high = halves(low, high, np.argmax(score, axis=1), NARROW * self.width)
        bound = np.concatenate([bound, bound])
        if len(self.width) == 1:  # a round costs as much with few boxes as with more
            for _ in range(2 if len(low) <= FEW else 0):
                low, high = halves(low, high, np.zeros(len(low), int))
                bound = np.concatenate([bound, bound])
        return _Boxes(low, high, bound)

    def settle(self) -> None:
        """Open boxes of which nothing is known are bounded by lines, so that a short time leaves no infinite bound."""
        lines = getattr(self.bounder, "lines", None)
        if lines is None or self.undefined is not None:
            return
        without = np.flatnonzero(~(self.open.bound < np.inf).all(axis=1))
        if len(without) > SETTLED:
            return
        for some in np.array_split(without, -(-len(without) // lines.batch)) if len(without) else ():
            seen = lines.look(self.open.low[some], self.open.high[some]).bound
            self.open.bound[some] = np.fmin(self.open.bound[some], np.where(seen == seen, seen, np.inf))

    def found(self, rtol: float) -> Found:
        """What is known when no more is looked at."""
        complete = not len(self.open.low) and self.undefined is None
        self.keep(self.open)
        upper = self.done if self.undefined is None and np.isfinite(self.done) else np.inf
        outputs = self.outputs if np.isfinite(upper) else np.full(len(self.outputs), np.inf)
        found = Found(self.lower, upper, self.at, outputs, self.boxes, undefined=self.undefined)
        found.floats = 0 if self.floats is None else self.floats.looked
        found.complete = complete and upper <= self.lower * (1.0 + rtol) * (1 + 1e-12)
        reached = self.ceiling + self.slack > self.lower * (1.0 + 0.5 * rtol)
        found.rounding_limited = self.still or (complete and not found.complete and reached)
        if self.leaves is not None and np.isfinite(upper):
            low, high, bound = (np.concatenate(parts) for parts in zip(*self.leaves, strict=True))
            found.leaves = low, high, bound
        if found.lower > found.upper:  # never, or something is wrong: say nothing rather than something false
            raise AssertionError(f"bounds contradict each other: {found.lower} > {found.upper}; please report this")
        return found


def first_boxes(low: np.ndarray, high: np.ndarray, cuts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
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


def halves(
    lo: np.ndarray, hi: np.ndarray, axis: np.ndarray, thin: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of each box along an axis; they share the float that they are cut at, so nothing is lost.

    thin (d,): widths below which a box that ends at 0 is cut much nearer to it.
    """
    rows = np.arange(len(lo))
    a, b = lo[rows, axis], hi[rows, axis]
    cut = 0.5 * a + 0.5 * b
    if thin is not None:
        cut = np.where(((a == 0) | (b == 0)) & (b - a <= thin[axis]), (a + b) * NEARER, cut)
    first_hi, second_lo = hi.copy(), lo.copy()
    first_hi[rows, axis] = cut
    second_lo[rows, axis] = cut
    return np.concatenate([lo, second_lo]), np.concatenate([first_hi, hi])


__all__ = [
    "Bounder",
    "Found",
    "Lines",
    "Polynomials",
    "Target",
    "branch_and_bound",
    "first_boxes",
    "halves",
    "point_bounds",
    "search_points",
]
