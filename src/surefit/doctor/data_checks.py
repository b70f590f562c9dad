"""The doctor's checks of the data: sizes of columns, columns that say nothing, samples for each oscillation."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np

from surefit.data import Domain
from surefit.doctor.findings import Finding, found, severity
from surefit.doctor.graph import evenly
from surefit.doctor.observation import Observation
from surefit.doctor.words import tell
from surefit.problems.rows import copies

# The largest size in a column; training wants them near 1 (LeCun and others 1998, Efficient BackProp, section 4.3).
LARGE, SMALL = 100.0, 0.01
OFFSET = 20.0  # mean over deviation of a column: the network must first learn to subtract
COLUMN_RATIO = 1000.0  # the largest size of one input column over another's
TARGET_RATIO = 30.0  # of target columns: a squared error sees the square, 1000
WIDE = 64  # columns from which an input is taken for an image or a text, where constant columns are ordinary
FEWEST_ROWS = 10  # fewer lie on a line by chance
MOST_ROWS, MOST_COLUMNS = 10_000, 4096  # looked at, evenly spaced

# Samples per oscillation and axis: 2 is Nyquist's limit for evenly spaced ones, and random ones need about twice as
# many, so that the larger gaps do not swallow a turn.
TOO_FEW, FEW = 2.0, 4.0
LINES, FINE = 7, 2001  # slices along each axis, points on each
WIGGLE = 0.02  # of the target's range: smaller turns are not counted
SECONDS = 1.0  # that may be spent on a slow function


def data(o: Observation) -> Iterator[Finding]:
    """Size, spread, constancy and repetition of the columns of the inputs and targets."""
    if o.x.dtype.kind in "fb" and len(o.x) > 1:
        x = _columns(o.x)
        yield from _sizes(x, o.names, "inputs", COLUMN_RATIO)
        yield from _constant_inputs(x, o)
        yield from _repeated_inputs(x, o.names)
    if o.y is not None and len(o.y) > 1:
        yield from _targets(o)


def _columns(values: np.ndarray) -> np.ndarray:
    """Rows and columns of a sample, at most as many as are looked at, float64."""
    a = values[evenly(len(values), MOST_ROWS)]
    return a.reshape(len(a), -1)[:, :MOST_COLUMNS].astype(np.float64)


def _constant(columns: np.ndarray) -> np.ndarray:
    """Which columns have one value only."""
    return np.ptp(columns, axis=0) <= 1e-12 * np.abs(columns).max(axis=0)


def _sizes(columns: np.ndarray, names: Sequence[str], what: str, most: float) -> Iterator[Finding]:
    """One finding about the sizes of the columns that vary."""
    varies = ~_constant(columns)
    if not varies.any():
        return
    size = np.abs(columns).max(axis=0)
    offset = np.abs(columns.mean(axis=0)) / np.where(varies, columns.std(axis=0), np.inf)
    big, small = int(np.argmax(np.where(varies, size, -1.0))), int(np.argmin(np.where(varies, size, np.inf)))
    far, ratio = int(np.argmax(offset)), float(size[big] / size[small])
    level, case, where, number = "warning", "", names[big], size[big]
    if size[big] > LARGE or size[big] < SMALL:
        case = "large" if size[big] > LARGE else "small"
    elif offset[far] > OFFSET:
        case, where, number = "offset", names[far], offset[far]
    elif ratio > most:
        case, where, number = "ratio", names[small], ratio
    else:
        level, where = "ok", what
    yield found(
        f"{what}-unscaled", level, where, number, case, "unscaled", what=tell(f"what.{what}"), name=where,
        size=size[big], offset=offset[far], ratio=ratio, big=names[big], small=names[small],
    )  # fmt: skip


def _constant_inputs(x: np.ndarray, o: Observation) -> Iterator[Finding]:
    constant = np.flatnonzero(_constant(x))
    if len(constant):
        for_bias = len(constant) == 1 and x[0, constant[0]] != 0 and all(layer.bias is None for layer in o.layers)
        level = "note" if for_bias or x.shape[1] >= WIDE else "warning"
        values = dict(bad=len(constant), count=x.shape[1], names=_listed(o.names, constant))
        yield found("constant-inputs", level, o.names[constant[0]], len(constant), **values)
    else:
        yield found("constant-inputs", "ok", "inputs", 0, "none")


def _repeated_inputs(x: np.ndarray, names: Sequence[str]) -> Iterator[Finding]:
    """Columns that are others again, as they are or in other units."""
    if x.shape[1] < 2:
        return
    first: dict[bytes, int] = {}
    varying = np.flatnonzero(~_constant(x))
    repeats = [i for i in varying.tolist() if first.setdefault(x[:, i].tobytes(), i) != i]
    case = ""
    if not repeats and len(x) > FEWEST_ROWS and len(varying) < WIDE:
        several = [j for j, _ in copies(x) if len(np.unique(x[:, j])) > 2]  # columns of two values are always so
        repeats, case = several, "linear"
    if not repeats:
        yield found("repeated-inputs", "ok", "inputs", 0, "none")
        return
    level = "note" if x.shape[1] >= WIDE else "warning"
    yield found(
        "repeated-inputs", level, names[repeats[0]], len(repeats), case, bad=len(repeats), names=_listed(names, repeats)
    )


def _listed(names: Sequence[str], places: Sequence[int] | np.ndarray) -> str:
    return ", ".join(names[i] for i in places[:5]) + (", ..." if len(places) > 5 else "")


def _targets(o: Observation) -> Iterator[Finding]:
    assert o.y is not None
    y = _columns(o.y.argmax(axis=1) if o.classes and o.y.ndim > 1 else o.y)
    names = o.outputs or ([f"y{i + 1}" for i in range(y.shape[1])] if y.shape[1] > 1 else ["y"])
    flat = np.flatnonzero(_constant(y))
    if len(flat):
        level = "error" if len(flat) == len(names) else "warning"
        case = "class" if o.classes else ""
        values = dict(value=y[0, flat[0]], names=_listed(names, flat))
        yield found("constant-targets", level, names[flat[0]], len(flat), case, **values)
    else:
        yield found("constant-targets", "ok", "targets", 0, "none")
    if not o.classes:
        yield from _sizes(y, names, "targets", TARGET_RATIO)


# --- samples of a known function ----------------------------------------------------------------------------


def sampling(function: Callable[[np.ndarray], np.ndarray], domain: Domain, samples: int) -> Iterator[Finding]:
    """Samples for each oscillation of a known function (n, d) -> (n, k), along an axis.

    In a box with w_i oscillations along axis i they are (samples / (w_1 w_2 ...)) ** (1/d).
    """
    counts = oscillations(function, domain)
    if counts is None:
        return
    cells = np.maximum(counts, 1.0)
    each = float((samples / cells.prod()) ** (1.0 / domain.dim))
    level = severity(-each, note=-FEW, warning=-FEW, error=-TOO_FEW)
    along = [tell("undersampled.along", count=c, name=n) for c, n in zip(counts, domain.names, strict=True)]
    seen = reduce(lambda one, other: tell("and", one=one, other=other), along)
    needed = min(cells.prod() * (2 * FEW) ** domain.dim, 1e15)
    shown = f"{needed:.0f}" if needed < 1e6 else f"{needed:.2g}"
    where = domain.names[int(np.argmax(counts))]
    yield found("undersampled", level, where, each, each=each, seen=seen, samples=samples, needed=shown)


def oscillations(function: Callable[[np.ndarray], np.ndarray], domain: Domain) -> np.ndarray | None:
    """Oscillations along each axis, (d,): half the turning points of the slice that has most; None: it is too slow."""
    rng = np.random.default_rng(0)
    d = domain.dim
    lines = 1 if d == 1 else LINES  # one slice is all there is of one axis
    each = math.inf
    for _ in range(3):  # the quickest of three: the machine may have had something else to do
        began = clock.perf_counter()
        _values(function, domain.unscale(rng.uniform(-1.0, 1.0, (5, d))))
        each = min(each, max((clock.perf_counter() - began) / 5, 1e-9))
    points = min(FINE * LINES // lines, int(SECONDS / (each * lines * d)))
    if points < 100:
        return None
    bases = np.concatenate([np.zeros((1, d)), rng.uniform(-1.0, 1.0, (lines - 1, d))])
    unit = np.repeat(np.repeat(bases[None, :, None], d, axis=0), points, axis=2)  # (axes, lines, points, d)
    for axis in range(d):
        unit[axis, :, :, axis] = np.linspace(-1.0, 1.0, points)
    y = _values(function, domain.unscale(unit.reshape(-1, d)))
    least = WIGGLE * np.ptp(y, axis=0)  # (k,)
    y = y.reshape(d, lines, points, -1)
    turns = [
        [turning_points(y[i, j, :, k], least[k]) for j in range(lines) for k in range(y.shape[3])] for i in range(d)
    ]
    return np.max(turns, axis=1) / 2.0


def _values(function: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """(n, k), with 0 where it is not finite."""
    with np.errstate(all="ignore"):
        y = np.asarray(function(points), np.float64).reshape(len(points), -1)
    return np.where(np.isfinite(y), y, 0.0)


def turning_points(y: np.ndarray, least: float) -> int:
    """How often a curve, given by its values, turns round by more than `least`.

    >>> turning_points(np.sin(np.linspace(0, 20, 500)), 0.1)
    6
    """
    turns, direction = 0, 0
    low = high = extreme = float(y[0])
    for v in y[_extremes(y)].tolist():
        if direction == 0:
            low, high = min(low, v), max(high, v)
            if high - low > least:
                direction, extreme = (1 if v == high else -1), v
        elif direction * (v - extreme) > 0:
            extreme = v
        elif direction * (extreme - v) > least:
            turns, direction, extreme = turns + 1, -direction, v
    return turns


def _extremes(y: np.ndarray) -> np.ndarray:
    """Places of the local extremes of a curve, and its ends."""
    s = np.sign(np.diff(y))
    moving = np.flatnonzero(s)
    turns = moving[1:][s[moving[1:]] != s[moving[:-1]]]
    return np.concatenate([[0], turns, [len(y) - 1]])


__all__ = ["data", "oscillations", "sampling", "turning_points"]
