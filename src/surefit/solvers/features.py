"""Scan and solve: hidden units spread over the box for a few gains, the output layer by one least-squares solve.

A network with one hidden layer is linear in its output layer, and for a smooth function of few variables almost any
hidden layer will do whose units bend all over the box with about the right gain. So nothing is trained: units are
placed, `solve_output` finds the best output layer by a singular value decomposition (normal equations would square a
condition number of 1e14), and the best of a few gains is kept.

The size of the output weights is part of the choice. A network whose error is 1e-12 and whose weights are 1e11 is
worthless in floating point, so a candidate is judged by its largest residual plus `roundoff` times the sum of its
absolute weights, which is what rounding may cost where the network runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from surefit.blas import one_thread, scipy_linalg
from surefit.cores import each, free
from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.keywords import naming

from .left_out import LEAST_LEFT
from .many_rows import MANY, best_ridge
from .problem import real_numbers
from .result import Callback, Result, Trace

SCALES = (2.0, 4.0, 1.0, 8.0, 0.5, 16.0, 32.0)  # gains in the order of how often they are the best
RCONDS = tuple(10.0**-e for e in (14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4))
RIDGES = tuple(10.0**e for e in range(-14, 4))
LEARNED = 0.5  # score over the largest deviation of a target from its mean, above which only steeper units can help
EXPLAINED = 1e-13  # of a row that lies outside of what the features span: rounding
AT_ONCE = 8192  # rows that are decomposed, or whose leverages are found, together
CACHED = 1024  # rows whose features stay in a core's cache
WORTH = 1e8  # operations of a solve from which others are made beside it: some ten milliseconds
BESIDE = 2**24  # numbers that the features of a solve may be for that: 128 MiB
OVERHANG = 1.05  # in one dimension the outermost units bend a little outside of the box


@dataclass(frozen=True, eq=False)
class Output:
    """An output layer: phi (m, h) -> phi @ weights + constant, (m, k).

    m samples, h features, k outputs.
    """

    weights: np.ndarray  # (h, k)
    constant: np.ndarray  # (k,)
    residuals: np.ndarray = field(repr=False)  # phi @ weights + constant - y, (m, k), unweighted
    rank: int  # how many singular values were kept
    rcond: float  # those below this share of the largest were left out
    ridge: float  # relative to the mean square of the features; 0 without one
    norm: float  # the largest 1-norm of the weights of an output
    score: float  # what it was chosen by, see `solve_output`
    left_out: np.ndarray | None = field(default=None, repr=False)  # residuals of rows that are left out, with `ridges`


@naming
@one_thread()
def solve_output(
    phi: np.ndarray,
    y: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    rconds: Sequence[float] = RCONDS,
    ridges: Sequence[float] | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> Output:
    """The output layer that fits y (m, k) best as a linear function of phi (m, h) and a constant.

    For exact values: truncated singular values, and of `rconds` that with the smallest score, the largest weighted
    residual plus roundoff times the norm; the residuals of `validation`, (phi, y) of other rows, count there too. For
    noisy values: `ridges`, a regression on phi with each of them, whose score is the root mean square of the
    leave-one-out residuals, exact and without refitting, which the result has too; the constant is not penalised. A
    ridge is relative to the mean square of the features.

    weights (m,): of the rows, >= 0.

    ShapeError, DtypeError, ArgumentError: shapes do not fit, something is no real number, y or the features are not
    finite, or rconds or ridges are empty or below 0.
    """
    phi, y = _real("solve_output", "phi", phi), _real("solve_output", "y", y)
    if phi.ndim != 2 or y.ndim != 2 or len(phi) != len(y) or len(y) == 0:
        raise ShapeError(f"solve_output: phi {phi.shape} and y {y.shape} must be (m, h) and (m, k) with m >= 1 rows")
    _finite("solve_output", "y", y)
    rconds = _numbers("solve_output", "rconds", rconds)
    ridges = None if ridges is None else _numbers("solve_output", "ridges", ridges)
    share = shares(weights, len(y), "solve_output")
    root = np.sqrt(share)[:, None]
    many = ridges is not None and len(y) >= MANY and phi.shape[1] > 0
    sure = best_ridge(phi, y, share, ridges) if many and ridges is not None else None
    if sure is not None and ridges is not None:
        residuals = phi @ sure.weights + sure.constant - y
        norm = float(np.abs(sure.weights).sum(axis=0).max())
        return Output(
            sure.weights, sure.constant, residuals, sure.rank, 1e-14, ridges[sure.number], norm, sure.score,
            residuals / sure.left[:, None],
        )  # fmt: skip
    centre, level, a, b = centred(phi, y, share)
    square, right = a, b
    if len(a) > a.shape[1]:  # the triangle is enough, a third of the work
        assert a.base is not None  # both, side by side
        joined = triangle(a.base)
        square, right = joined[: a.shape[1], : a.shape[1]], joined[: a.shape[1], a.shape[1] :]
    u, s, vt = decompose(square)
    layer = _Layer(phi, y, centre, level, s, vt, u.T @ right)
    if ridges is not None:
        return layer.with_best_ridge(a, b, share, ridges)
    tried = [layer.output(s > rcond * s[0] if len(s) else s > 0, rcond=rcond) for rcond in rconds]
    largest = [float(np.abs(o.residuals * root).max()) for o in tried]
    if validation is not None:
        others = [float(np.abs(validation[0] @ o.weights + o.constant - validation[1]).max(initial=0.0)) for o in tried]
        largest = [max(a, b) for a, b in zip(largest, others, strict=True)]
    scores = [residual + roundoff * o.norm for residual, o in zip(largest, tried, strict=True)]
    i = _least(scores)
    return replace(tried[i], score=scores[i])


def _real(what: str, name: str, given: Any) -> np.ndarray:
    """What came as a float64 array."""
    a = real_numbers(given)
    if a is None:
        raise DtypeError(f"{what}: {name} must be real numbers")
    return a


def _finite(what: str, name: str, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        where = ", ".join(str(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ArgumentError(f"{what}: {name}[{where}] is not finite; leave such rows out")


def _numbers(what: str, name: str, given: Any, positive: bool = False) -> list[float]:
    """Several finite numbers >= 0, or > 0, as a list."""
    try:
        a = np.asarray(given)
    except ValueError:
        a = np.empty(0)
    least = np.nextafter(0.0, 1.0) if positive else 0.0
    if a.ndim != 1 or not a.size or a.dtype.kind not in "iuf" or not ((a >= least) & (a < np.inf)).all():
        raise ArgumentError(f"{what}: {name}={given!r} must be numbers {'>' if positive else '>='} 0, at least one")
    return [float(v) for v in a]


def centred(phi: np.ndarray, y: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The weighted means of phi (m, h) and y (m, k), then both less those and times the root of their row's share.

    So the constant leaves the problem: it is not penalised, and has no rows but these.
    """
    root = np.sqrt(share)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        centre, level = share @ phi / share.sum(), share @ y / share.sum()
        both = np.empty((len(phi), phi.shape[1] + y.shape[1]))  # side by side, for one triangle of both
        a, b = both[:, : phi.shape[1]], both[:, phi.shape[1] :]
        np.subtract(phi, centre, out=a)
        np.subtract(y, level, out=b)
        both *= root
        return centre, level, a, b


def _least(scores: Sequence[float]) -> int:
    """The place of the smallest score, those that are not numbers last."""
    return int(np.argmin(np.where(np.isfinite(scores), scores, math.inf)))


@dataclass
class _Layer:
    """A decomposed least-squares problem: features phi and values y, centred at centre and level, = u diag(s) vt."""

    phi: np.ndarray
    y: np.ndarray
    centre: np.ndarray
    level: np.ndarray
    s: np.ndarray
    vt: np.ndarray
    projected: np.ndarray  # u^T y

    def output(self, kept: np.ndarray, damping: float = 0.0, rcond: float = 0.0, ridge: float = 0.0) -> Output:
        """From the singular values that are kept, with this ridge."""
        s = self.s[kept]
        c = self.vt[kept].T @ (self.projected[kept] * (s / (s * s + damping))[:, None])
        constant = self.level - self.centre @ c
        residuals = self.phi @ c + constant - self.y
        norm = float(np.abs(c).sum(axis=0).max(initial=0.0))
        return Output(c, constant, residuals, int(kept.sum()), rcond, ridge, norm, math.nan)

    def with_best_ridge(self, a: np.ndarray, b: np.ndarray, share: np.ndarray, ridges: Sequence[float]) -> Output:
        """With the ridge of the smallest leave-one-out error; a (m, h), b (m, k): centred and weighted.

        A residual when its row is left out is the residual over 1 - its leverage, of which the constant has the row's
        share. With a v = s u neither needs u, and so nothing is divided by a small s.
        """
        kept = self.s > 1e-14 * self.s[0] if len(self.s) else self.s > 0
        s = self.s[kept]
        along = a @ self.vt[kept].T  # (m, r), the columns s u
        size = float((self.s**2).sum()) / max(1, min(a.shape))
        damping = np.array(ridges) * size
        inverse = 1.0 / (s[:, None] ** 2 + np.where(size > 0, damping, 1.0))  # (r, ridges)
        left = 1.0 - (share / share.sum())[:, None] - leverages(along, inverse)  # (m, ridges)
        weights = self.projected[kept][:, None, :] * (s[:, None] * inverse)[:, :, None]  # (r, ridges, k)
        m, k = b.shape
        rest = (along @ weights.reshape(len(s), len(damping) * k)).reshape(m, len(damping), k) - b[:, None, :]
        missed = rest / np.where(left < LEAST_LEFT, 1.0, left)[:, :, None]
        if (left < LEAST_LEFT).any():
            for j in np.flatnonzero((left < LEAST_LEFT).any(axis=0)):
                rows = left[:, j] < LEAST_LEFT
                missed[rows, j] = alone(a, b, share, float(damping[j]))[rows]
        scores = np.sqrt(np.mean(missed**2, axis=(0, 2))).tolist()
        i = _least(scores)
        found = self.output(kept, float(damping[i]), 1e-14, float(ridges[i]))
        root, near = np.sqrt(share), left[:, i] < LEAST_LEFT
        left_out = found.residuals / np.where(near, 1.0, left[:, i])[:, None]
        left_out[near] = missed[near, i] / root[near, None]
        return replace(found, score=scores[i], left_out=left_out)


def triangle(a: np.ndarray) -> np.ndarray:
    """R of the QR decomposition of a (m, n), m > n; of many rows in blocks, whose triangles are decomposed together.

    See `reduction`; the copies that a decomposition makes then are those of a block.
    """
    step = max(AT_ONCE, 4 * a.shape[1])
    if len(a) > 2 * step:
        blocks = [a[low : low + step] for low in range(0, len(a), step)]
        a = np.concatenate(each(lambda block: np.linalg.qr(block, mode="r"), blocks))
    return np.asarray(np.linalg.qr(a, mode="r"))


def leverages(along: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """along^2 @ inverse (m, ridges), some rows at a time: all squares would take as much memory as the features."""
    out = np.empty((len(along), inverse.shape[1]))
    for low in range(0, len(along), AT_ONCE):
        np.matmul(along[low : low + AT_ONCE] ** 2, inverse, out=out[low : low + AT_ONCE])
    return out


def alone(a: np.ndarray, b: np.ndarray, share: np.ndarray, damping: float) -> np.ndarray:
    """Residuals (m, k) of a ridge regression, each when its row is left out, where a fit goes through its rows.

    There a residual and 1 - its leverage both are rounding, and so is their quotient. Both are taken apart by singular
    vectors, and of rows that the features explain whole, the damping, which both have as a factor, is left away: then
    the quotient is exact, also in the limit of no damping. Infinite for a row without which nothing is known.
    a (m, h), b (m, k): centred and weighted; share (m,): weights of the rows.
    """
    u, s, _ = decompose(a)
    kept = s > 1e-14 * s[0] if len(s) else s > 0
    u, s = u[:, kept], s[kept]
    along = u.T @ b
    outside = np.maximum(1.0 - share / share.sum() - np.sum(u**2, axis=1), 0.0)
    rest = b - u @ along
    whole = outside < EXPLAINED
    outside[whole], rest[whole] = 0.0, 0.0
    shrunk = 1.0 / (s**2 + damping)
    factor = np.where(whole, 1.0, damping)[:, None]
    left = outside + (factor * u**2) @ shrunk
    missed = rest + factor * (u @ (shrunk[:, None] * along))
    lonely = left <= 0.0
    return np.asarray(np.where(lonely[:, None], np.inf, -missed / np.where(lonely, 1.0, left)[:, None]))


def decompose(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Singular value decomposition u (m, r), s (r,), vt (r, n); the slower, surer routine where the fast one fails."""
    if not np.isfinite(a).all():
        raise ArgumentError("features: they hold NaN or infinity; use smaller weights, or a bounded activation")
    try:
        return np.linalg.svd(a, full_matrices=False)
    except np.linalg.LinAlgError:
        return scipy_linalg().svd(a, full_matrices=False, lapack_driver="gesvd")


def shares(weights: np.ndarray | None, m: int, what: str) -> np.ndarray:
    """Row weights with mean 1, (m,)."""
    if weights is None:
        return np.ones(m)
    w = real_numbers(weights)
    w = np.empty(0) if w is None else w.reshape(-1)
    if w.shape != (m,) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ArgumentError(f"{what}: weights must be {m} finite numbers >= 0 that are not all 0")
    return w / w.mean()


@dataclass(frozen=True)
class Trial:
    """One hidden layer that was tried: its gain, the number of the draw, and what `solve_output` made of it."""

    scale: float
    draw: int
    score: float
    norm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Features(Result):
    """What `linear_features` found: phi = activation(x @ hidden.T + offsets), then `output`.

    hidden (h, d), offsets (h,). scale: its gain. tried: all hidden layers in the order they were tried. x holds
    hidden, offsets, output weights (k, h) and constant, flat.
    """

    hidden: np.ndarray
    offsets: np.ndarray
    output: Output
    scale: float
    tried: tuple[Trial, ...]

    @property
    def _columns(self) -> int:
        return len(self.output.weights)


@naming
@one_thread()
def linear_features(
    x: np.ndarray,
    y: np.ndarray,
    units: int,
    *,
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
    scales: Sequence[float] = SCALES,
    beyond: int = 4,
    draws: int = 2,
    generator: np.random.Generator | int = 0,
    centres: np.ndarray | None = None,
    stretch: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    roundoff: float = 2.0**-53,
    ridges: Sequence[float] | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    dtype: Any = np.float64,
    goal: float | None = None,
    time: float | None = None,
    callback: Callback | None = None,
) -> Features:
    """A network with one hidden layer of `units` for y (m, k) at x (m, d), by placing its units and one solve for each.

    x is expected in [-1, 1]^d (or with deviation 1), y of size 1. Every scale is tried once, and up to `beyond` further
    ones, steeper while nothing is learned, else while the best is the smallest or the largest; then the best two again
    with fresh draws, `draws` in all. See `place_units` for centres and stretch, `solve_output` for weights, roundoff,
    ridges.
    validation: x and y of other rows, by which exact values are judged too: in many dimensions steep units pass through
    all points and are wrong everywhere else.

    dtype: what the hidden layer will run in: its weights are rounded to that before the solve, so that the output layer
    makes up for it. callback(x, iteration) is told of every hidden layer that was tried, whatever it was worth. goal: a
    score that is good enough to stop at; time: seconds after which no further scale is tried.

    ShapeError, DtypeError, ArgumentError: shapes do not fit, something is no real number, x or y are not finite, or an
    option is outside its range.
    """
    x, y = _real("linear_features", "x", x), _real("linear_features", "y", y)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or 0 in x.shape or 0 in y.shape:
        raise ShapeError(f"linear_features: x {x.shape} and y {y.shape} must be (m, d) and (m, k), m, d, k >= 1")
    _finite("linear_features", "x", x)
    _finite("linear_features", "y", y)
    if ridges is not None:
        ridges = _numbers("linear_features", "ridges", ridges)

    def solve(hidden: np.ndarray, offsets: np.ndarray) -> Output:
        phi = _layer_values(x, hidden, offsets, activation)
        others = None
        if validation is not None:
            others = _layer_values(validation[0], hidden, offsets, activation), validation[1]
        return solve_output(phi, y, weights=weights, roundoff=roundoff, ridges=ridges, validation=others)

    return scan(
        "linear_features", solve, x.shape[1], units, shares(weights, len(y), "linear_features"),
        float(np.abs(y - y.mean(axis=0)).max()), scales=scales, beyond=beyond, draws=draws, generator=generator,
        centres=centres, stretch=stretch, dtype=dtype, goal=goal, time=time, callback=callback,
    )  # fmt: skip


def _layer_values(
    x: np.ndarray, hidden: np.ndarray, offsets: np.ndarray, activation: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What a hidden layer gives at x (m, d) -> (m, h); of many rows a block at a time, and no copy beside it."""
    if len(x) <= AT_ONCE:
        return activation(x @ hidden.T + offsets)
    phi = np.empty((len(x), len(hidden)))
    for low in range(0, len(x), CACHED):
        z = x[low : low + CACHED] @ hidden.T
        z += offsets
        phi[low : low + CACHED] = activation(z)
    return phi


def scan(
    what: str,
    solve: Callable[[np.ndarray, np.ndarray], Output],
    dim: int,
    units: int,
    share: np.ndarray,
    spread: float,
    *,
    scales: Sequence[float],
    beyond: int,
    draws: int,
    generator: np.random.Generator | int,
    centres: np.ndarray | None,
    dtype: Any,
    goal: float | None,
    time: float | None,
    callback: Callback | None,
    stretch: np.ndarray | None = None,
) -> Features:
    """The best of several hidden layers; `solve(hidden, offsets)` says what each, (units, dim) and (units,), is worth.

    what: the caller, for errors. share (m,): the row weights of the cost that the callback and the result tell.
    spread: the largest deviation of a target from its mean, the score of a network that has learned nothing. The other
    arguments are those of `linear_features`.
    """
    for name, value, least in (("units", units, 1), ("beyond", beyond, 0), ("draws", draws, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ArgumentError(f"{what}: {name}={value!r} must be a whole number >= {least}")
    scales = _numbers(what, "scales", scales, positive=True)
    if goal is not None and not isinstance(goal, (int, float, np.integer, np.floating)):
        raise ArgumentError(f"{what}: goal={goal!r} must be a number, or None")
    rng = np.random.default_rng(generator)
    trace = Trace("features", time=time, callback=callback)
    tried: list[Trial] = []
    best: tuple[Output, np.ndarray, np.ndarray, float] | None = None
    plan = [(scale, 0) for scale in scales]
    stop: str | None = None
    large = len(share) * units**2 >= WORTH and len(share) * units <= BESIDE

    def placed(scale: float) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        layer = place_units(dim, units, scale, rng, centres, stretch)
        hidden, offsets = (a.astype(dtype).astype(np.float64) for a in layer)
        return hidden, offsets, dict(rng.bit_generator.state)

    ready: list[tuple[np.ndarray, np.ndarray, dict[str, Any], Output]] = []
    while plan:
        if not ready:  # those that come next whatever comes of the first of them
            layers = [placed(scale) for scale, _ in plan[: free() if large else 1]]
            solved = each(lambda layer: solve(layer[0], layer[1]), layers)
            ready = [(*layer, output) for layer, output in zip(layers, solved, strict=True)]
        scale, draw = plan.pop(0)
        hidden, offsets, state, output = ready.pop(0)
        trace.evaluations += 1
        tried.append(Trial(scale, draw, output.score, output.norm))
        if best is None or output.score < best[0].score:
            best = output, hidden, offsets, scale
        stop = trace.add(_flat(output, hidden, offsets), _cost(output, share), damping=scale) or trace.spent()
        if goal is not None and best[0].score <= goal:
            stop = "goal"
        if stop is not None:
            rng.bit_generator.state = state  # as if no further one had been placed
            break
        if not plan and draw == 0:  # the best at an end of the scale, or nothing learned yet: look beyond it
            seen = [t.scale for t in tried]
            flat = not best[0].score < LEARNED * spread
            if len(seen) < len(scales) + beyond and (flat or best[3] in (min(seen), max(seen))):
                plan = [(2.0 * max(seen) if flat or best[3] == max(seen) else 0.5 * min(seen), 0)]
                continue
        if not plan and draw == 0 and draws > 1:
            leading = sorted(tried, key=lambda t: t.score)[:2]
            plan = [(t.scale, d) for d in range(1, draws) for t in leading]
    assert best is not None
    output, hidden, offsets, scale = best
    return trace.finish(
        _flat(output, hidden, offsets), _cost(output, share), stop or "scanned", kind=Features,
        residuals=output.residuals.reshape(-1), rank=output.rank, hidden=hidden, offsets=offsets, output=output,
        scale=scale, tried=tuple(tried),
    )  # fmt: skip


def _flat(output: Output, hidden: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return np.concatenate([a.reshape(-1) for a in (hidden, offsets, output.weights.T, output.constant)])


def _cost(output: Output, share: np.ndarray) -> float:
    return 0.5 * float((share[:, None] * output.residuals**2).sum())


@naming
def place_units(
    dim: int, units: int, scale: float, generator: np.random.Generator | int, centres: np.ndarray | None = None,
    stretch: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Weights (units, dim) and offsets (units,) of units that bend, where weights @ x + offset = 0, all over the box.

    The gain of each is `scale` times a random factor from 0.5 to 1.5, its direction random. In one dimension the
    places where they bend are evenly spaced over a little more than [-1, 1]; in more they lie at random distances from
    the centre, up to the corners, or, if `centres` (n, dim) are given, each goes through one of these points: for data
    that does not fill its box. stretch (dim,) >= 0, not all 0: how fast the target changes along each input, where that
    is known; the units change as much faster along these inputs.

    ShapeError, ArgumentError: stretch is no such numbers.

    >>> weights, offsets = place_units(2, 1000, 1.0, 0, stretch=np.array([10.0, 1.0]))
    >>> bool(np.median(np.abs(weights[:, 0])) > 5 * np.median(np.abs(weights[:, 1])))
    True
    """
    rng = np.random.default_rng(generator)
    gain = scale * rng.uniform(0.5, 1.5, units)
    direction = rng.standard_normal((units, dim))
    if stretch is not None:
        stretch = np.asarray(stretch, np.float64)
        if stretch.shape != (dim,):
            raise ShapeError(f"place_units: stretch {stretch.shape} must be one number for each input, ({dim},)")
        if not (np.isfinite(stretch).all() and (stretch >= 0).all() and stretch.any()):
            raise ArgumentError(f"place_units: stretch={stretch.tolist()} must be numbers >= 0, not all 0")
        direction *= stretch
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    if centres is not None:
        distance = (direction * centres[rng.integers(0, len(centres), units)]).sum(axis=1)
    elif dim == 1:
        distance = np.linspace(-OVERHANG, OVERHANG, units) * direction[:, 0]
    else:
        distance = rng.uniform(-1.0, 1.0, units) * math.sqrt(dim)
    return direction * gain[:, None], -distance * gain


__all__ = ["RIDGES", "SCALES", "Features", "Output", "Trial", "linear_features", "place_units", "solve_output"]
