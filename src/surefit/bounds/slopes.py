"""Derivatives of a network on boxes: proved ranges of all of them, Lipschitz constants, and relations between them.

The ranges of the units (relax.py) give a range of the slope of each; the chain rule in interval arithmetic gives one of
each derivative. Of a network with kinks they hold Clarke's generalised derivatives, so that every difference quotient
on the box lies in them (Clarke 1983, theorem 2.3.7). Boxes are cut until what is asked is known; the bounds shrink with
the width of the boxes, and not with its square, so that this is for networks of moderate size and a few inputs.

Where the units of a smooth network cancel, as those of one that a least-squares problem solved do by six digits and
more, that is nothing. Then Taylor models are taken (taylor.py) of the derivatives as a network of their own: what the
engine records of a gradient is one, in which slopes of tanh are squares, and products differences of squares.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds import taylor
from surefit.bounds.activations import ACTIVATIONS, SLOPES
from surefit.bounds.interval import Range, up
from surefit.bounds.network import Affine, Network, Unsupported, lowered
from surefit.bounds.proving import box_of, program_of, recorded
from surefit.bounds.relax import Relaxation, gamma
from surefit.core import ops, shapes
from surefit.core.functional import grad
from surefit.core.program import Program
from surefit.errors import ArgumentError
from surefit.keywords import naming

BATCH = 256
NARROW = 2.0**-30  # of the domain's width: no box is cut finer


@dataclass(frozen=True)
class Slopes:
    """Every derivative of a model on a box, between two bounds; the model is in exact arithmetic on its stored numbers.

    Attributes:
        inputs, outputs: names. low, high: (k, d), between which dy_j/dx_i lies everywhere: proved.
        reached_low, reached_high: (k, d), values that it has at points, so that the bounds cannot be much narrower.
        lipschitz: (lower, upper) of the largest length of the gradient, sqrt(sum (dy_j/dx_i)^2); |f(x) - f(z)| is at
            most the upper one times |x - z|. complete: whether the gap that was asked for is reached.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    reached_low: np.ndarray
    reached_high: np.ndarray
    lipschitz: tuple[float, float]
    complete: bool
    status = "proved"

    def increasing(self, name: str, output: str | None = None) -> bool | None:
        """Whether an output never falls when an input grows: True is proved, False refuted, None not known."""
        j, i = self.outputs.index(output or self.outputs[0]), self.inputs.index(name)
        return True if self.low[j, i] >= 0 else False if self.reached_low[j, i] < 0 else None

    def decreasing(self, name: str, output: str | None = None) -> bool | None:
        """Whether an output never grows when an input grows; as `increasing`."""
        j, i = self.outputs.index(output or self.outputs[0]), self.inputs.index(name)
        return True if self.high[j, i] <= 0 else False if self.reached_high[j, i] > 0 else None

    def __str__(self) -> str:
        rows = [
            f"proved: {self.low[j, i]:.6g} <= d{y}/d{x} <= {self.high[j, i]:.6g}"
            for j, y in enumerate(self.outputs)
            for i, x in enumerate(self.inputs)
        ]
        low, high = self.lipschitz
        return "\n".join([*rows, f"proved: Lipschitz constant <= {high:.6g}, and >= {low:.6g}"])


# --- ranges of derivatives ---


def slope_of(kind: str, x: Range, parameter: float) -> Range:
    """The slope of a function on ranges: in interval arithmetic, and by the mean value from the middle."""
    plain = SLOPES[kind](x, parameter)
    if kind == "relu":
        return plain
    nowhere = ACTIVATIONS[kind].value(x, parameter).bad  # 1 / x is finite where log(x) has no value
    m = x.middle
    at = SLOPES[kind](Range(m, m), parameter)
    spread = up(ACTIVATIONS[kind].bend(x.low, x.high, parameter) * x.radius(m))
    near = I.add(at, Range(-spread, spread))
    bad = plain.bad & ~(np.isfinite(near.low) & np.isfinite(near.high) & ~near.bad)
    return Range(np.fmax(plain.low, near.low), np.fmin(plain.high, near.high), bad | nowhere)


def jacobian_ranges(relaxation: Relaxation, low: np.ndarray, high: np.ndarray) -> Range:
    """Derivatives of the outputs by the inputs on boxes with ends (n, d) -> (n, k, d); at poles they are everything."""
    net: Network = relaxation.net
    states = relaxation.forward(low, high)
    n, d = low.shape
    one = np.broadcast_to(np.eye(d), (n, d, d))
    found: list[Range] = [Range(one, one)]
    with np.errstate(all="ignore"):
        for node in net.nodes[1:]:
            assert node is not None
            if isinstance(node, Affine):
                found.append(_through_affine(node, found, n, d))
                continue
            s = states[node.source]
            slope = slope_of(node.kind, Range(s.low, s.high), node.parameter)
            wide = Range(slope.low[:, :, None], slope.high[:, :, None], slope.bad[:, :, None])
            found.append(I.mul(found[node.source], wide))
    last = found[-1]
    lost = last.bad | np.isnan(last.low) | np.isnan(last.high)
    return Range(np.where(lost, -np.inf, last.low), np.where(lost, np.inf, last.high))


def _through_affine(node: Affine, found: list[Range], n: int, d: int) -> Range:
    middle, radius, fan = np.zeros((n, node.size, d)), np.zeros((n, node.size, d)), 0
    size, bad = np.zeros((n, node.size, d)), np.zeros((n, node.size, d), bool)
    for source, w, spread in node.sources:
        j = found[source]
        m = 0.5 * j.low + 0.5 * j.high
        r = up(np.maximum(j.high - m, m - j.low))
        absolute = np.abs(w) if spread is None else np.abs(w) + spread
        middle, radius = middle + np.matmul(w, m), radius + np.matmul(absolute, r)
        if spread is not None:
            radius = radius + np.matmul(spread, np.abs(m))
        size, fan = size + np.matmul(absolute, np.abs(m) + r), fan + w.shape[1]
        bad |= (np.matmul((absolute > 0).astype(float), j.bad.astype(float)) > 0) if j.bad.any() else False
    reach = (radius + 3.0 * gamma(fan + 12) * size) * (1 + 1e-12) + 1e-300
    return Range(I.down(middle - reach), up(middle + reach), bad)


def length(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds (n,) of the lengths of rows (n, m) of numbers from 0 on, which may be as small as floats are."""
    power = np.frexp(rows.max(axis=1))[1]  # squares would underflow or overflow
    with np.errstate(all="ignore"):
        near, pay = np.sqrt((np.ldexp(rows, -power[:, None]) ** 2).sum(axis=1)), (rows.shape[1] + 4) * 2.0**-52
        return np.maximum(I.down(np.ldexp(near * (1 - pay), power)), 0.0), up(np.ldexp(near * (1 + pay), power))


class Derivatives:
    """Ranges of the derivatives of a model by its inputs: (n, d) ends of boxes -> (n, k, d)."""

    def __init__(self, model: Any, d: int) -> None:
        self.relaxation = Relaxation(network_of(model, d), False)
        self.outputs = self.relaxation.net.outputs
        self.smooth = _of_derivatives(model, d, self.outputs)

    def __call__(self, low: np.ndarray, high: np.ndarray) -> Range:
        by_chain = jacobian_ranges(self.relaxation, low, high)
        if self.smooth is None:
            return by_chain
        degree = taylor.degree_of(self.smooth)
        assert degree is not None
        n, d = low.shape
        x = taylor.boxes(taylor.basis(d, degree if (low < high).any() else 1), low, high)
        z = taylor.network(self.smooth, x, False)
        ends = [taylor.polynomial_range(z[:, j], np.zeros(n))[:2] for j in range(self.smooth.outputs)]
        least, most = (np.stack(each, axis=1).reshape(by_chain.low.shape) for each in zip(*ends, strict=True))
        lost = np.isnan(least) | np.isnan(most)
        least, most = np.where(lost, -np.inf, least), np.where(lost, np.inf, most)
        return Range(np.fmax(by_chain.low, least), np.fmin(by_chain.high, most), by_chain.bad)


def _of_derivatives(model: Any, d: int, k: int) -> Network | None:
    """The network (k * d outputs) of the derivatives of a smooth model of few inputs; None where there is none."""
    if isinstance(model, Program):
        return None

    def derivatives(x: Any) -> Any:
        return shapes.cat([grad(lambda x, j=j: ops.cast(model(x), dtype=ops.float64)[0, j])(x) for j in range(k)], 1)

    try:
        net = lowered(recorded(model, d, derivatives))
    except Unsupported:  # such as a slope that jumps
        return None
    return net if taylor.is_smooth(net) else None


# --- branch and bound of several objectives at once ---


def some_points(low: np.ndarray, high: np.ndarray, count: int = 256) -> np.ndarray:
    """Points (m, d) of a box from which lower bounds begin: corners, the middle, and some at random."""
    d = len(low)
    rng = np.random.default_rng(0)
    unit = np.concatenate([rng.integers(0, 2, (min(64, 2**d), d)), np.full((1, d), 0.5), rng.random((count, d))])
    return np.clip(low + unit * (high - low), low, high)


Objectives = Callable[[np.ndarray, np.ndarray], np.ndarray]  # boxes (n, d) twice -> upper bounds (n, m)


@dataclass
class Bounded:
    """upper, lower: (m,) of each objective's maximum; at: (m, d) where the lower ones are reached.

    complete: whether all upper bounds are as good as was asked for.
    """

    upper: np.ndarray
    lower: np.ndarray
    at: np.ndarray
    complete: bool


@np.errstate(all="ignore")
def largest(
    upper: Objectives, at_points: Objectives, low: np.ndarray, high: np.ndarray, points: np.ndarray, *,
    enough: Callable[[np.ndarray], np.ndarray], deadline: float, stop: Callable[[np.ndarray], bool],
) -> Bounded:  # fmt: skip
    """The maxima of m functions on a box, from both sides.

    at_points: lower bounds of the functions at points. enough: from the lower bounds (m,), upper bounds that need not
    be better. stop: from the lower bounds, whether nothing more need be known.
    """
    seen = at_points(points, points)
    rows = seen.argmax(axis=0)
    lower, at = seen[rows, np.arange(seen.shape[1])], points[rows]
    done = np.full(seen.shape[1], -np.inf)
    lows, highs, bounds = low[None, :], high[None, :], np.full((1, len(lower)), np.inf)
    width = np.maximum(high - low, 1e-300)
    while len(lows) and clock.monotonic() < deadline and not stop(lower):
        goal = enough(lower)
        excess = np.where(bounds > goal, bounds - goal, 0.0).max(axis=1)
        order = np.argsort(-np.where(np.isnan(excess), np.inf, excess), kind="stable")
        mine, rest = order[:BATCH], order[BATCH:]
        lo, hi = lows[mine], highs[mine]
        found = np.fmin(upper(lo, hi), bounds[mine])
        found = np.where(np.isnan(found), np.inf, found)
        middle = np.clip(0.5 * lo + 0.5 * hi, lo, hi)
        seen = at_points(middle, middle)
        rows = np.nanargmax(np.where(np.isnan(seen), -np.inf, seen), axis=0)
        best = seen[rows, np.arange(len(lower))]
        better = best > lower  # NaN is not
        lower, at = np.where(better, best, lower), np.where(better[:, None], middle[rows], at)
        ok = (found <= enough(lower)).all(axis=1) | ((hi - lo) <= NARROW * width).all(axis=1)
        if ok.any():
            done = np.maximum(done, found[ok].max(axis=0))
        lo, hi, found = lo[~ok], hi[~ok], found[~ok]
        axis = np.argmax((hi - lo) / width, axis=1)
        cut = np.arange(len(lo)), axis
        first, second = hi.copy(), lo.copy()
        first[cut] = second[cut] = 0.5 * lo[cut] + 0.5 * hi[cut]
        lows = np.concatenate([lows[rest], lo, second])
        highs = np.concatenate([highs[rest], first, hi])
        bounds = np.concatenate([bounds[rest], found, found])
    if len(lows):
        done = np.maximum(done, bounds.max(axis=0))
    slack = np.where(np.isfinite(lower), 1e-12 * np.abs(lower), 0.0)
    return Bounded(done, lower, at, bool((done <= enough(lower) + slack).all()))


@naming
def certify_slopes(
    model: Any, domain: Any, *, rtol: float = 0.05, time: float | None = 60.0, outputs: Sequence[str] | None = None
) -> Slopes:
    """Prove between which numbers every derivative of a model lies on a box, and bound its Lipschitz constant.

    Args:
        model: as for `certify`. domain: the box, with the names of the inputs.
        rtol: the search ends when no bound is further from what is reached than this share of the largest derivative.
        time: seconds after which it ends with what is proved by then. outputs: their names; default y, or y1, y2, ...

    Returns:
        `Slopes`, of the model in exact arithmetic on its stored numbers.

    Raises:
        Unsupported: the model has an operation that no bound goes through. ArgumentError, DomainError.

    >>> from surefit import nn
    >>> import numpy as np
    >>> net = nn.Sequential(nn.Linear(1, 2, dtype=np.float64), nn.ReLU(), nn.Linear(2, 1, dtype=np.float64))
    >>> for name, p in net.named_parameters():  # |x| = relu(x) + relu(-x)
    ...     _ = p.assign(np.array({"0.weight": [[1.0], [-1.0]], "2.weight": [[1.0, 1.0]]}.get(name, np.zeros(p.shape))))
    >>> found = certify_slopes(net, "x=-1:2")
    >>> found.increasing("x"), round(found.lipschitz[1], 6)
    (False, 1.0)
    """
    if not rtol > 0 or (time is not None and not time > 0):
        raise ArgumentError(f"certify_slopes: rtol={rtol!r} and time={time!r} must be numbers above 0")
    box = box_of(domain)
    ranges = Derivatives(model, box.dim)
    k, d = ranges.outputs, box.dim
    names = tuple(outputs or (("y",) if k == 1 else tuple(f"y{i + 1}" for i in range(k))))

    def split(j: Range) -> tuple[np.ndarray, np.ndarray]:
        return j.low.reshape(len(j.low), -1), j.high.reshape(len(j.high), -1)

    def upper(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        a, b = split(ranges(lo, hi))
        return np.concatenate([b, -a, length(np.maximum(np.abs(a), np.abs(b)))[1][:, None]], axis=1)

    def reached(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        a, b = split(ranges(lo, hi))
        norm = length(np.maximum(np.maximum(a, -b), 0.0))[0]
        return np.where(np.isfinite(np.concatenate([a, -b, norm[:, None]], axis=1)),
                        np.concatenate([a, -b, norm[:, None]], axis=1), -np.inf)  # fmt: skip

    def enough(lower: np.ndarray) -> np.ndarray:
        return lower + rtol * max(float(lower[-1]), 1e-300)

    found = largest(
        upper, reached, box.low, box.high, some_points(box.low, box.high), enough=enough, stop=lambda lower: False,
        deadline=math.inf if time is None else clock.monotonic() + time,
    )  # fmt: skip
    shape, m = (k, d), k * d
    return Slopes(
        box.names, names, -found.upper[m : 2 * m].reshape(shape), found.upper[:m].reshape(shape),
        -found.lower[m : 2 * m].reshape(shape), found.lower[:m].reshape(shape),
        (float(found.lower[-1]), float(found.upper[-1])), found.complete,
    )  # fmt: skip


def network_of(model: Any, d: int) -> Network:
    """The layers of a model, through which derivatives can go."""
    net = lowered(program_of(model, d))
    unknown = sorted(net.kinds() - set(SLOPES))
    if unknown:
        raise Unsupported(f"certify: of {', '.join(unknown)} no bounds of the derivative are taken")
    if net.inputs != d:
        raise ArgumentError(f"certify: the model takes {net.inputs} inputs, the domain has {d}")
    return net


__all__ = [
    "Bounded",
    "Derivatives",
    "Slopes",
    "certify_slopes",
    "jacobian_ranges",
    "largest",
    "network_of",
    "some_points",
]
