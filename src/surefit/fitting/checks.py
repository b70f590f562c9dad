"""The doctor's checks: each looks at one thing and says what it saw. Every threshold has its reason beside it.

A check yields findings; one with severity "ok" says that the thing was looked at and is well. A check that cannot judge
(no target, no history, too few rows) yields nothing.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.data import Domain
from surefit.fitting.findings import Finding
from surefit.fitting.patient import Layer, Patient, Units

# --- units ------------------------------------------------------------------------------------------------------------
FEWEST_ROWS = 20  # fewer rows say little about what a unit does on all of them
DEAD_NOTE, DEAD_WARNING, DEAD_ERROR = 0.3, 0.6, 0.95
# deep relu networks with one or two inputs begin with up to half of a layer dead (He's weights, biases 0) and fit well; of
# networks spoilt by a high rate, "as much as 40 %" is dead (Stanford CS231n, neural networks 1), in a layer here 80 %
LINEAR_NOTE, LINEAR_WARNING = 0.7, 0.95  # of a layer; a few units on one side of their kink are ordinary, all are a linear layer
FLAT = 0.02  # relative slope of a saturated unit: |tanh| > 0.99, a sigmoid below 0.005 or above 0.995
MOSTLY = 0.9  # share of the rows on which a unit is flat, to call it saturated
SATURATED_NOTE, SATURATED_WARNING, SATURATED_ERROR = 0.1, 0.3, 0.95
# Glorot and Bengio 2010, section 3: a saturated hidden layer stalls what is below it

# --- signals -------------------------------------------------------------------------------------------------------------
EXPLODES, VANISHES = 100.0, 0.01  # factor of the signal's deviation from the first layer to the last; near 1 when
# weights are scaled by Glorot and Bengio 2010 or He and others 2015, and a trained network stays within 10 of that
GRADIENT_EXPLODES, GRADIENT_VANISHES = 1e3, 1e-3  # |gradient| / |weight| of the first layer against the last: beyond
# three orders of magnitude no one learning rate suits both

# --- outputs --------------------------------------------------------------------------------------------------------------
SUMS_TO_ONE = 1e-3  # how far a row of probabilities in float32 may be from it
PUSHED_DOWN = 1e-6  # share of the gradient that lowers outputs, below which nothing does; 0.5 with a softmax
PROBE = 1.0  # outputs are raised by this much to ask a loss whether it minds

# --- data --------------------------------------------------------------------------------------------------------------------
LARGE, SMALL = 100.0, 0.01  # largest size of a column; sizes near 1 are meant (LeCun and others 1998, Efficient BackProp 4.3)
OFFSET = 20.0  # mean over deviation of a column: the network must first learn to subtract
COLUMN_RATIO = 1000.0  # largest size of one input column over another's
TARGET_RATIO = 30.0  # of output columns: a squared error sees the square, 1000
WIDE = 64  # columns from which an input is taken for an image or a text, where constant columns are ordinary
REPEATS_IN = 1024  # columns searched for repeats

# --- sampling -----------------------------------------------------------------------------------------------------------------
TOO_FEW, FEW = 2.0, 4.0  # samples per oscillation and axis: 2 is Nyquist's limit for evenly spaced ones, and random ones need
# about twice as many for the largest gap not to swallow a turn
LINES, FINE = 7, 2001  # slices along each axis, points on each
WIGGLE = 0.02  # of the target's range: smaller turns are not counted
SECONDS = 1.0  # that may be spent on a slow function

# --- training -----------------------------------------------------------------------------------------------------------------
RATIO = 1e-3  # update over weight of a healthy step (Karpathy, Stanford CS231n, neural networks 3)
RATIO_HIGH, RATIO_LOW = 100.0, 0.01  # factors that are far from it
FEWEST_EPOCHS = 10  # fewer show no trend
ROSE = 3.0  # loss at the end over the lowest, both smoothed; noise of small batches stays below 2
SPIKE, SPIKES = 10.0, 0.02  # loss of an epoch over the median of the ten before; share of epochs that may be so
ZIGZAG, ALTERNATING = 0.2, 0.6  # median |step| of log10(loss) (a factor of 1.6 up and down), with changes of direction as
# frequent as in pure noise (2/3) or more; noise of small batches is 0.02 to 0.1
GOOD_FALL = 100.0  # a loss that has fallen by more than this learns: unrest at its end costs only the last bit
ASTRAY = 0.5  # loss over that of the best constant: hardly anything is learned
FALLING = 0.03  # decline of log10(loss) over the last fifth of the epochs (7 %) that is still a fall
STEADY = 0.25  # share of changes of direction of a loss that falls steadily
CRAWL = 10.0  # a loss that falls steadily, and by less than this in all, is falling too slowly
UNFINISHED = 1e-2  # loss over that of the best constant (10 % error): worth more epochs
OVERFITTED = 4.0  # validation over training loss: twice the error
HARMLESS = 1e-4  # validation loss over that of the best constant (1 % error): over-fitting nobody minds


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) or 0.01 <= share <= 0.99 else f"{100 * share:.2g} %"


def _severity(value: float, note: float, warning: float, error: float = math.inf) -> str:
    """The severity of a number that is worse the larger it is."""
    return "error" if value >= error else "warning" if value >= warning else "note" if value >= note else "ok"


# --- anything not finite --------------------------------------------------------------------------------------------------


def not_finite(p: Patient) -> Iterator[Finding]:
    """NaN or infinity: in the data, the parameters, the layers in order, the outputs, the loss, the gradients."""
    places: list[tuple[str, Any, str]] = [("inputs", p.x, _DATA), ("targets", p.y, _DATA)]
    places += [(f"parameter {n}", v, _DIVERGED) for n, v in p.parameters.items()]
    places += [(f"output of {n}", v, _OVERFLOW) for n, v in p.outputs_by_module]
    places += [("output", p.output, _OVERFLOW), ("loss", p.loss, _LOSS)]
    places += [(f"gradient of {layer.name}", layer.gradient, _LOSS) for layer in p.layers]
    for where, values, cure in places:
        a = np.asarray(0.0 if values is None else values)
        bad = a.size - int(np.isfinite(a).sum())
        if bad:
            message = f"{bad} of {a.size} numbers are NaN or infinite, the first place where any are"
            yield Finding("not-finite", "error", where, bad, message, cure)
            return
    yield Finding("not-finite", "ok", "network", 0, "all numbers are finite")


_DATA = "remove or mend these rows"
_DIVERGED = "make the network anew and train it with a learning rate 10 times lower, or clip the gradient's norm"
_OVERFLOW = "scale the inputs to size 1, and initialise the weights by their fan-in (nn.init.kaiming_normal_)"
_LOSS = "take logarithms and roots of positive numbers only; use a loss of surefit.nn.functional, which is stable"


# --- units ------------------------------------------------------------------------------------------------------------------


def units(p: Patient) -> Iterator[Finding]:
    """Dead, always-on and saturated units of every activation."""
    for u in p.units:
        if len(u.slope) < FEWEST_ROWS:
            continue
        if u.kind == "rectifier":
            yield from _rectifier(u)
        elif u.hidden:  # at the end, near 0 and 1 is where probabilities should be
            yield _saturated(u)


def _rectifier(u: Units) -> Iterator[Finding]:
    flat = np.abs(u.slope) <= 1e-6
    dead = float(flat.all(axis=0).mean())
    linear = float((u.slope == 1.0).all(axis=0).mean())
    count = u.slope.shape[1]
    severity = _severity(dead, DEAD_NOTE, DEAD_WARNING, DEAD_ERROR)
    if count == 1 and dead:
        severity = "error"
    message = f"{_percent(dead)} of the {count} units are dead: their output does not change on any row"
    cure = "make the network anew with He's initialisation and a lower learning rate, or use leaky_relu, silu or tanh"
    yield Finding("dead-units", severity, u.name, dead, message, "" if severity == "ok" else cure)
    severity = _severity(linear, LINEAR_NOTE, LINEAR_WARNING) if u.hidden else "ok"
    message = f"{_percent(linear)} of the {count} units are on for every row: there they are linear and bend nothing"
    cure = "scale the inputs to mean 0, keep biases near 0, or lower the learning rate"
    yield Finding("always-on-units", severity, u.name, linear, message, "" if severity == "ok" else cure)


def _saturated(u: Units) -> Finding:
    stuck = float(((u.slope < FLAT).mean(axis=0) >= MOSTLY).mean())
    severity = _severity(stuck, SATURATED_NOTE, SATURATED_WARNING, SATURATED_ERROR)
    message = (
        f"{_percent(stuck)} of the {u.slope.shape[1]} units are saturated: flat on {_percent(MOSTLY)} of the rows or more, "
        "so that hardly any gradient passes"
    )
    cure = "scale the inputs to size 1, use Glorot's initialisation (smaller weights), or a lower learning rate"
    return Finding("saturated-units", severity, u.name, stuck, message, "" if severity == "ok" else cure)


def identical_units(p: Patient) -> Iterator[Finding]:
    """Hidden units with the same weights and the same gradient: they stay copies of one unit for ever."""
    for layer in p.layers[:-1]:
        if layer.gradient is None or len(layer.per_unit()) < 2 or len(layer.output) < 2:
            continue
        both = np.concatenate([layer.per_unit(), layer.per_unit("gradient")], axis=1)
        spare = 1.0 - len(np.unique(both, axis=0)) / len(both)
        severity = _severity(spare, 1e-9, 0.1, 0.5)
        message = f"{_percent(spare)} of the {len(both)} units are copies of others: same weights and same gradient"
        cure = "draw the weights at random (nn.init.kaiming_normal_, xavier_uniform_); equal ones never part"
        yield Finding("identical-units", severity, layer.name, spare, message, "" if severity == "ok" else cure)


# --- signals through the depth -----------------------------------------------------------------------------------------------


def activations(p: Patient) -> Iterator[Finding]:
    """Whether what differs between samples grows or shrinks from layer to layer."""
    layers = [layer for layer in p.layers if len(layer.output) >= FEWEST_ROWS]
    if len(layers) < 3:
        return
    hidden = layers[:-1]  # the last layer is as large as the targets are
    sizes = [float(np.sqrt(np.mean(np.var(layer.output.astype(np.float64), axis=0)))) for layer in hidden]
    if sizes[0] == 0.0:
        return
    ratio = sizes[-1] / sizes[0]
    path = " -> ".join(f"{s:.2g}" for s in _thinned(sizes))
    yield from _growth("activations", "layers", hidden, ratio, EXPLODES, VANISHES, f"deviation between rows {path}", _WEIGHTS)


def gradients(p: Patient) -> Iterator[Finding]:
    """Whether the gradient, relative to the weights, is of one size in all layers."""
    layers = [layer for layer in p.layers if layer.gradient is not None and layer.trained]
    sizes = [_norm(layer.gradient) / (_norm(layer.weight) or math.inf) for layer in layers]
    if len(layers) < 2 or not max(sizes):
        return
    if sizes[-1] == 0.0:
        return
    ratio = sizes[0] / sizes[-1]
    path = " -> ".join(f"{s:.2g}" for s in _thinned(sizes))
    words = f"|gradient| / |weight| {path}"
    yield from _growth("gradients", "layers", layers, ratio, GRADIENT_EXPLODES, GRADIENT_VANISHES, words, _DEPTH)


_WEIGHTS = "initialise the weights by their fan-in (nn.init.kaiming_normal_ for relu, xavier_uniform_ for tanh), or normalise (LayerNorm)"
_DEPTH = "use relu-like activations with He's initialisation, residual layers (nn.Residual) or normalisation, or fewer layers"


def _growth(
    what: str, where: str, layers: Sequence[Layer], ratio: float, high: float, low: float, words: str, cure: str
) -> Iterator[Finding]:
    first, last = layers[0].name, layers[-1].name
    ends = f"{where} {first} to {last}"
    if ratio >= high:
        yield Finding(f"exploding-{what}", "warning", ends, ratio, f"{what} explode: {words}, a factor of {ratio:.2g}", cure)
    elif ratio <= low:
        yield Finding(f"vanishing-{what}", "warning", ends, ratio, f"{what} vanish: {words}, a factor of {ratio:.2g}", cure)
    else:
        yield Finding(f"{what}-by-layer", "ok", ends, ratio, f"{words}, a factor of {ratio:.2g}")


def _norm(a: np.ndarray | None) -> float:
    return 0.0 if a is None else float(np.linalg.norm(a.astype(np.float64)))


def _thinned(sizes: list[float]) -> list[float]:
    """At most eight of a list, ends included."""
    return [sizes[i] for i in np.unique(np.linspace(0, len(sizes) - 1, min(8, len(sizes))).round().astype(int))]


# --- outputs ------------------------------------------------------------------------------------------------------------------


def competition(p: Patient) -> Iterator[Finding]:
    """Whether raising one class lowers the others: through the outputs (a softmax) or through the loss."""
    if p.labels is None or p.output.ndim != 2:
        return
    if p.loss is not None and p.loss < 0:
        yield Finding(
            "negative-loss", "error", "loss", p.loss,
            f"the loss of the classes is {p.loss:.3g}, and no cross-entropy is negative: its logarithms are not of probabilities",
            _SOFTMAX,
        )  # fmt: skip
    yield from _over_samples(p)
    sums = p.output.astype(np.float64).sum(axis=1)
    probabilities = bool((p.output >= 0).all() and np.abs(sums - 1.0).max() <= SUMS_TO_ONE)
    log_probabilities = bool(np.abs(_logsumexp(p.output)).max() <= SUMS_TO_ONE)
    down = _pushed_down(p)
    if down is None:
        return
    if probabilities or log_probabilities:
        yield from _twice(p, probabilities)
    elif down < PUSHED_DOWN:
        yield Finding(
            "outputs-do-not-compete", "error", "output", down,
            f"{_percent(down)} of the gradient lowers the outputs of wrong classes (half of it with a softmax): all outputs rise "
            f"together, here to sums of {sums.mean():.3g} a row, and nothing trains the choice between them",
            _SOFTMAX,
        )  # fmt: skip
    else:
        yield Finding("outputs-compete", "ok", "output", down, f"{_percent(down)} of the gradient lowers outputs of wrong classes")
        unit_range = bool((p.output >= 0).all() and (p.output <= 1).all())
        off = float(np.abs(sums - 1.0).mean())
        if unit_range and off > SUMS_TO_ONE:
            yield Finding(
                "probabilities-do-not-sum-to-one", "note", "output", float(sums.mean()),
                f"outputs are between 0 and 1, but a row sums to {sums.mean():.3g} on average: not probabilities of one class",
                "for classes that exclude each other give the logits to nn.functional.cross_entropy; for labels that do not, this is right",
            )  # fmt: skip


_SOFTMAX = "let the last layer be linear and give its outputs (logits) to nn.functional.cross_entropy, which takes the softmax"


def _over_samples(p: Patient) -> Iterator[Finding]:
    """A softmax over the wrong axis: columns sum to 1 instead of rows."""
    o = p.output.astype(np.float64)
    columns, rows = o.sum(axis=0), o.sum(axis=1)
    if (o >= 0).all() and np.abs(columns - 1).max() <= SUMS_TO_ONE and np.abs(rows - 1).max() > SUMS_TO_ONE:
        yield Finding(
            "probabilities-do-not-sum-to-one", "error", "output", float(rows.mean()),
            f"each class sums to 1 over the rows, and a row to {rows.mean():.3g}: the softmax runs over the samples",
            "take the softmax over the last axis (dim=-1)",
        )  # fmt: skip


def _pushed_down(p: Patient) -> float | None:
    """Share of the loss's gradient by the outputs that lowers those of wrong classes, here or at raised outputs."""
    assert p.labels is not None
    wrong = np.ones(p.output.shape, bool)
    wrong[np.arange(len(p.output)), p.labels] = False

    def share(push: np.ndarray) -> float | None:
        total = np.abs(push).sum()
        return None if total == 0 else float(np.maximum(push[wrong], 0).sum() / total)

    here = None if p.push is None else share(p.push)
    if here is not None and here >= PUSHED_DOWN:
        return here
    raised = p.loss_at(p.output + PROBE)  # a squared error minds only outputs that are not 0
    there = None if raised is None else share(raised[1])
    return there if there is not None else here


def _twice(p: Patient, probabilities: bool) -> Iterator[Finding]:
    """A loss that takes a softmax itself does not mind a constant added to a row; then probabilities are too much."""
    moved = p.loss_at(p.output + PROBE)
    same = moved is not None and p.loss is not None and math.isclose(moved[0], p.loss, rel_tol=1e-4)
    if probabilities and same:
        least = math.log1p((p.output.shape[1] - 1) * math.exp(-1.0))
        yield Finding(
            "softmax-twice", "warning", "output", least,
            f"the outputs are probabilities and the loss takes a softmax of them again: it cannot fall below {least:.3g}",
            "leave out the softmax of the network, or use nn.functional.nll_loss on log_softmax",
        )  # fmt: skip
    else:
        kind = "probabilities" if probabilities else "log probabilities"
        yield Finding("outputs-compete", "ok", "output", 1.0, f"the outputs are {kind} that sum to 1")


def _logsumexp(a: np.ndarray) -> np.ndarray:
    top = a.max(axis=1, keepdims=True).astype(np.float64)
    return np.log(np.exp(a - top).sum(axis=1)) + top[:, 0]


def shapes(p: Patient) -> Iterator[Finding]:
    """(n,) against (n, 1) compares everything with everything."""
    if p.broadcasts and p.y is not None:
        n = p.output.shape[0]
        yield Finding(
            "shapes-broadcast", "error", "loss", n,
            f"outputs {(n, *p.output.shape[1:])} and targets {(n, *p.y.shape[1:])} broadcast in the loss: every output is "
            f"compared with all {n} targets, and the network learns their mean",
            f"reshape the targets to (n, {', '.join(map(str, p.output.shape[1:]))}), or use a loss of surefit.nn.functional, which refuses",
        )  # fmt: skip


def reach(p: Patient) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    if p.reach is None or p.targets is None or p.classes or p.targets.shape != p.output.shape:
        return
    low, high = p.reach
    y = p.targets.astype(np.float64)
    outside = float(((y < low) | (y > high)).mean())
    severity = _severity(outside, 1e-9, 0.01, 0.2)
    message = f"{_percent(outside)} of the targets lie outside {low:g} to {high:g}, which is all that the last activation gives"
    cure = "end the network with a linear layer"
    yield Finding("targets-out-of-reach", severity, "output", outside, message, "" if severity == "ok" else cure)


# --- data ---------------------------------------------------------------------------------------------------------------------


def data(p: Patient) -> Iterator[Finding]:
    """Size, spread, constancy and repetition of the columns of the inputs and targets."""
    if p.x.dtype.kind in "fb" and len(p.x) > 1:
        x = p.x.reshape(len(p.x), -1).astype(np.float64)
        yield from _scale(x, p.names, "inputs", COLUMN_RATIO)
        yield from _constant_inputs(x, p)
        yield from _repeated_inputs(x, p.names)
    if p.y is not None and len(p.y) > 1:
        yield from _targets(p)


def _targets(p: Patient) -> Iterator[Finding]:
    assert p.y is not None
    values = p.y.argmax(axis=1) if p.classes and p.y.ndim > 1 else p.y
    y = values.reshape(len(values), -1).astype(np.float64)
    names = [f"y{i + 1}" for i in range(y.shape[1])] if y.shape[1] > 1 else ["y"]
    flat = [n for n, c in zip(names, y.T, strict=True) if _is_constant(c)]
    if flat:
        what = f"class {values.reshape(-1)[0]}" if p.classes else f"{y[0, names.index(flat[0])]:.4g}"
        message = f"every row has the target {what}{'' if len(flat) == 1 else f' (and {len(flat) - 1} more columns)'}: there is nothing to learn"
        yield Finding("constant-targets", "error" if len(flat) == len(names) else "warning", flat[0], len(flat), message,
                      "check which column was taken for the target, and that the rows are not all of one kind")  # fmt: skip
    else:
        yield Finding("constant-targets", "ok", "targets", 0, "the targets vary")
        if not p.classes:
            yield from _scale(y, names, "targets", TARGET_RATIO)


def _is_constant(column: np.ndarray) -> bool:
    return bool(np.ptp(column) <= 1e-12 * max(float(np.abs(column).max()), 1e-300))


def _scale(columns: np.ndarray, names: Sequence[str], what: str, most: float) -> Iterator[Finding]:
    """One finding for the sizes of the columns of a table."""
    varies = np.array([not _is_constant(c) for c in columns.T])
    if not varies.any():
        return
    size = np.abs(columns).max(axis=0)
    offset = np.abs(columns.mean(axis=0)) / np.where(varies, columns.std(axis=0), np.inf)
    big, small = int(np.argmax(np.where(varies, size, -1))), int(np.argmin(np.where(varies, size, np.inf)))
    far = int(np.argmax(offset))
    ratio = size[big] / size[small] if size[small] > 0 else math.inf
    code, cure = f"{what}-unscaled", "scale each column to mean 0 and deviation 1, and undo it after (fit does so: scale=True)"
    if size[big] > LARGE or size[big] < SMALL:
        word = "large" if size[big] > LARGE else "small"
        message = f"the {what} are {word}: up to {size[big]:.3g} in {names[big]}, where sizes near 1 train well"
        yield Finding(code, "warning", names[big], size[big], message, cure)
    elif offset[far] > OFFSET:
        message = f"{names[far]} has a mean {offset[far]:.3g} times its deviation: what varies is hidden behind a constant"
        yield Finding(code, "warning", names[far], offset[far], message, cure)
    elif ratio > most:
        message = f"{names[big]} is {ratio:.3g} times as large as {names[small]}, which is hardly seen beside it"
        yield Finding(code, "warning", f"{names[small]}, {names[big]}", ratio, message, cure)
    else:
        yield Finding(code, "ok", what, size[big], f"the {what} have sizes up to {size[big]:.3g}")


def _constant_inputs(x: np.ndarray, p: Patient) -> Iterator[Finding]:
    constant = [n for n, c in zip(p.names, x.T, strict=True) if _is_constant(c)]
    if not constant:
        yield Finding("constant-inputs", "ok", "inputs", 0, "every input varies")
        return
    appended = len(constant) == 1 and all(layer.bias is None for layer in p.layers)  # a column of ones instead of a bias
    severity = "note" if appended or x.shape[1] >= WIDE else "warning"
    shown = ", ".join(constant[:5]) + (", ..." if len(constant) > 5 else "")
    message = f"{len(constant)} of {x.shape[1]} input columns never change: {shown}"
    yield Finding("constant-inputs", severity, constant[0], len(constant), message, "leave them out, unless one stands for a bias")


def _repeated_inputs(x: np.ndarray, names: Sequence[str]) -> Iterator[Finding]:
    if not 2 <= x.shape[1] <= REPEATS_IN:
        return
    seen: dict[bytes, int] = {}
    pairs = []
    for i, column in enumerate(x.T):
        if _is_constant(column):
            continue
        first = seen.setdefault(column.tobytes(), i)
        if first != i:
            pairs.append(f"{names[i]} = {names[first]}")
    if pairs:
        shown = ", ".join(pairs[:5]) + (", ..." if len(pairs) > 5 else "")
        message = f"{len(pairs)} input columns repeat others: {shown}"
        severity = "note" if x.shape[1] >= WIDE else "warning"
        yield Finding("repeated-inputs", severity, pairs[0].split(" = ")[0], len(pairs), message,
                      "leave them out: they add weights and no information")  # fmt: skip
    else:
        yield Finding("repeated-inputs", "ok", "inputs", 0, "no input repeats another")


# --- sampling -------------------------------------------------------------------------------------------------------------------


def sampling(function: Callable[[np.ndarray], np.ndarray], domain: Domain, samples: int) -> Iterator[Finding]:
    """Samples for each oscillation of a known function, counted on fine slices along each axis.

    samples points in a box with w_i oscillations along axis i leave (samples / (w_1 w_2 ...)) ** (1/d) for each.
    """
    counts = oscillations(function, domain)
    if counts is None:
        return
    cells = np.maximum(counts, 1.0)
    each = float((samples / cells.prod()) ** (1.0 / domain.dim))
    worst = domain.names[int(np.argmax(counts))]
    severity = "error" if each < TOO_FEW else "warning" if each < FEW else "ok"
    seen = ", ".join(f"{c:.3g} along {n}" for c, n in zip(counts, domain.names, strict=True))
    message = f"{each:.3g} samples for each oscillation ({seen}; {samples} samples)"
    needed = math.ceil(min(cells.prod() * (2 * FEW) ** domain.dim, 1e15))
    cure = f"take about {needed:.2g} samples (data=Sampling(count=...)), or a smaller domain"
    yield Finding("undersampled", severity, worst, each, message, "" if severity == "ok" else cure)


def oscillations(function: Callable[[np.ndarray], np.ndarray], domain: Domain) -> np.ndarray | None:
    """Oscillations of a function along each axis, (d,): half the turning points of the slice with the most; None: too slow."""
    rng = np.random.default_rng(0)
    probe = domain.unscale(rng.uniform(-1.0, 1.0, (50, domain.dim)))
    began = clock.perf_counter()
    y = _values(function, probe)
    each = (clock.perf_counter() - began) / len(probe)
    points = min(FINE, int(SECONDS / max(each, 1e-9) / (LINES * domain.dim)))
    if points < 101:
        return None
    span = np.ptp(y, axis=0)
    lines = 1 if domain.dim == 1 else LINES
    if domain.dim == 1:
        points *= LINES
    through = np.concatenate([np.zeros((1, domain.dim)), rng.uniform(-1.0, 1.0, (lines - 1, domain.dim))])
    t = np.linspace(-1.0, 1.0, points)
    counts = np.zeros(domain.dim)
    for axis in range(domain.dim):
        for base in through:
            unit = np.tile(base, (points, 1))
            unit[:, axis] = t
            y = _values(function, domain.unscale(unit))
            turns = max(turning_points(c, WIGGLE * s) for c, s in zip(y.T, np.maximum(span, np.ptp(y, axis=0)), strict=True))
            counts[axis] = max(counts[axis], turns / 2)
    return counts


def _values(function: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """(n, k), with what is not finite left at the value before."""
    with np.errstate(all="ignore"):
        y = np.asarray(function(points), np.float64).reshape(len(points), -1)
    return np.where(np.isfinite(y), y, 0.0)


def turning_points(y: np.ndarray, least: float) -> int:
    """How often a sampled curve turns round by more than `least`."""
    turns, direction = 0, 0
    low = high = extreme = float(y[0])
    for v in y[_corners(y)].tolist():
        if direction == 0:
            low, high = min(low, v), max(high, v)
            if high - low > least:
                direction, extreme = (1 if v == high else -1), v
        elif direction * (v - extreme) > 0:
            extreme = v
        elif direction * (extreme - v) > least:
            turns, direction, extreme = turns + 1, -direction, v
    return turns


def _corners(y: np.ndarray) -> np.ndarray:
    """Places of the local extremes of a sampled curve, and its ends."""
    s = np.sign(np.diff(y))
    moving = np.flatnonzero(s)
    if not len(moving):
        return np.array([0])
    turns = moving[1:][s[moving[1:]] != s[moving[:-1]]]
    return np.concatenate([[0], turns, [len(y) - 1]])


# --- training ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """What is known of a run.

    train, validation: losses by epoch. lr: the rate of each epoch, or one for all. chance: the loss of the best constant,
    where it is known. keeps_best: the weights are those of the epoch with the best validation loss. done: nobody wants it
    better (a tolerance was reached).
    """

    train: np.ndarray
    validation: np.ndarray | None = None
    lr: np.ndarray | None = None
    chance: float | None = None
    keeps_best: bool = False
    done: bool = False

    @property
    def annealed(self) -> bool:
        """Whether the rate was lowered towards the end; then the loss may well fall until the end."""
        return self.lr is not None and bool(self.lr[-1] < 0.3 * self.lr.max())

    @property
    def tail(self) -> int:
        """How many epochs are the end."""
        return max(3, len(self.train) // 10)

    @property
    def end(self) -> float:
        """The loss at the end, smoothed."""
        return float(np.median(self.train[-self.tail :]))

    @property
    def fell(self) -> float:
        """By what factor the loss fell."""
        return float(self.train[0] / self.end) if self.end > 0 else math.inf


def rate_too_high(t: Training) -> Iterator[Finding]:
    """A loss that rises, jumps or zig-zags."""
    loss = t.train
    if not np.isfinite(loss).all():
        epoch = int(np.argmin(np.isfinite(loss))) + 1
        message = f"the training loss became {loss[epoch - 1]} in epoch {epoch}"
        yield Finding("learning-rate-too-high", "error", "training", epoch, message, _lower(t))
        return
    if len(loss) < FEWEST_EPOCHS or (loss <= 0).any():
        return
    smoothed = _smooth(loss, 5)
    rose = t.end / float(smoothed.min())
    spikes = [i + 1 for i in range(3, len(loss)) if loss[i] > SPIKE * np.median(loss[max(0, i - 10) : i])]
    steps = np.diff(np.log10(loss[len(loss) // 2 :]))
    zigzag, alternating = float(np.median(np.abs(steps))), _alternating(steps)
    calm = "note" if t.fell > GOOD_FALL else "warning"
    code, where = "learning-rate-too-high", "training"
    if t.fell < 1 and rose >= ROSE:
        yield Finding(code, "error", where, rose, f"the loss rose: at the end it is {rose:.3g} times its lowest", _lower(t))
    elif rose >= ROSE:
        yield Finding(code, calm, where, rose, f"the loss is {rose:.3g} times its lowest again at the end", _lower(t))
    elif zigzag >= ZIGZAG and alternating >= ALTERNATING:
        message = f"the loss zig-zags: by a factor of {10**zigzag:.2g} from epoch to epoch, up and down"
        yield Finding(code, calm, where, 10**zigzag, message, _lower(t))
    elif len(spikes) > max(2, SPIKES * len(loss)):
        message = f"the loss jumped to more than {SPIKE:g} times its size in {len(spikes)} of {len(loss)} epochs"
        yield Finding(code, calm, where, len(spikes), message, _lower(t))
    else:
        yield Finding(code, "ok", where, rose, f"the loss at the end is {rose:.3g} times its lowest")


def _lower(t: Training) -> str:
    rate = "a lower learning rate" if t.lr is None else f"a lower learning rate than {t.lr.max():.3g}, such as {t.lr.max() / 10:.2g}"
    return f"{rate}, one that is lowered towards the end (a schedule), larger batches, or clipped gradients"


def progress(t: Training) -> Iterator[Finding]:
    """Whether anything was learned, and whether the loss was still falling when training ended."""
    loss = t.train
    if len(loss) < FEWEST_EPOCHS or not np.isfinite(loss).all() or (loss <= 0).any():
        return
    left = None if t.chance is None else t.end / t.chance
    recent = np.log10(loss[-max(5, len(loss) // 5) :])
    fall = -float(np.polyfit(np.linspace(0, 1, len(recent)), recent, 1)[0])
    steady = fall >= FALLING and _alternating(np.diff(recent)) <= STEADY and not t.annealed and not t.done
    percent = _percent(1 - 10**-fall)
    if steady and t.fell < CRAWL and (left is None or left > UNFINISHED):
        message = f"the loss still falls steadily, by {percent} over the last fifth of the epochs, and fell only {t.fell:.2g} times in all"
        yield Finding("learning-rate-too-low", "warning", "training", t.fell, message, _higher(t))
    elif left is not None and left > ASTRAY:
        message = f"the loss at the end is {_percent(left)} of what the best constant would give: hardly anything was learned"
        yield Finding("nothing-learned", "error", "training", left, message, _LEARN)
    elif steady:
        severity = "warning" if left is None or left > UNFINISHED else "note"
        message = f"the loss still fell by {percent} over the last fifth of the epochs"
        yield Finding("not-converged", severity, "training", fall, message, "train for more epochs, or with a higher learning rate")
    else:
        number = fall if left is None else left
        words = "the loss had settled" if left is None else f"the loss at the end is {_percent(left)} of what a constant would give"
        yield Finding("progress", "ok", "training", number, words)


_LEARN = (
    "try another learning rate (10 times lower and higher), a wider network, or more samples where the target oscillates; see the "
    "other findings first"
)


def _higher(t: Training) -> str:
    rate = "a higher learning rate" if t.lr is None else f"a learning rate of {3 * t.lr.max():.1g} to {10 * t.lr.max():.1g}"
    return f"{rate}, or more epochs"


def overfitting(t: Training) -> Iterator[Finding]:
    """Whether the validation loss is far above the training loss."""
    if t.validation is None or len(t.train) < FEWEST_EPOCHS:
        return
    held = t.validation
    if not (np.isfinite(held).all() and np.isfinite(t.train).all()) or (t.train <= 0).any() or (held <= 0).any():
        return
    ratio = float(np.median(held[-t.tail :])) / t.end
    kept = float(_smooth(held, 3).min()) if t.keeps_best else float(np.median(held[-t.tail :]))
    harmless = t.chance is not None and kept / t.chance <= HARMLESS
    severity = "ok" if ratio < OVERFITTED else "note" if harmless else "warning"
    best = int(np.argmin(held)) + 1
    message = f"the validation loss at the end is {ratio:.3g} times the training loss"
    if severity != "ok":
        message += f" (lowest in epoch {best} of {len(held)}{', whose weights are kept' if t.keeps_best else ''})"
    cure = "more data, a smaller network, weight decay, dropout, or ending earlier (patience)"
    yield Finding("overfitting", severity, "training", ratio, message, "" if severity == "ok" else cure)


def step_sizes(p: Patient, lr: float, kind: str, unlearned: float | None) -> Iterator[Finding]:
    """The size of an update relative to the weights. kind: "gradient" for lr * gradient, "sign" for steps of lr each (Adam)."""
    ratios = {}
    for layer in p.layers:
        size = _norm(layer.weight)
        if not layer.trained or layer.gradient is None or size == 0:
            continue
        step = math.sqrt(layer.weight.size) if kind == "sign" else _norm(layer.gradient)
        ratios[layer.name] = lr * step / size
    if not ratios:
        return
    largest = max(ratios, key=lambda n: ratios[n])
    high = ratios[largest]
    words = f"a step with lr={lr:.3g} changes the weights by {high:.2g} of their size (1e-3 is usual)"
    if high >= RATIO * RATIO_HIGH:
        yield Finding("step-too-large", "warning", largest, high, words, f"a learning rate near {lr * RATIO / high:.1g}")
    elif high <= RATIO * RATIO_LOW and unlearned is not None and unlearned > ASTRAY:
        yield Finding("step-too-small", "warning", largest, high, words, f"a learning rate near {lr * RATIO / high:.1g}")
    else:
        yield Finding("step-size", "ok", largest, high, words)


def _alternating(steps: np.ndarray) -> float:
    """Share of neighbouring steps of opposite sign."""
    return float(np.mean(np.sign(steps[1:]) * np.sign(steps[:-1]) < 0)) if len(steps) > 1 else 0.0


def _smooth(loss: np.ndarray, width: int) -> np.ndarray:
    """Running median over `width` epochs, (n - width + 1,)."""
    return np.median(np.lib.stride_tricks.sliding_window_view(loss, min(width, len(loss))), axis=1)
