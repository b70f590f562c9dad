"""The doctor's checks of a network: numbers, units, signals through the depth, outputs.

A check yields findings; one with severity "ok" says that the thing was looked at and is well. A check that cannot judge
(no targets, too few rows) yields nothing. Every threshold stands below with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from surefit.doctor.findings import Finding, found, percent, severity
from surefit.doctor.graph import Layer, Units, norm
from surefit.doctor.observation import PROBE, Observation
from surefit.doctor.words import tell

FEWEST_ROWS = 20  # fewer rows say little about what a unit does on all of them

# Share of a layer. Deep relu networks with one or two inputs begin with up to half of a layer dead (He's weights,
# biases 0) and fit well. Of networks spoilt by a high rate "as much as 40 %" is dead (Stanford CS231n, neural networks
# 1), and 80 % of a layer (a seven-layer network at 100 times its rate).
DEAD_NOTE, DEAD_WARNING, DEAD_ERROR = 0.5, 0.7, 0.95

# Share of a layer. Some units on one side of their kink are ordinary; when all are, the layer is linear.
LINEAR_NOTE, LINEAR_WARNING = 0.7, 0.95

FLAT = 0.02  # relative slope of a saturated unit: |tanh| > 0.99, a sigmoid below 0.005 or above 0.995
MOSTLY = 0.9  # share of the rows on which a unit is flat, to call it saturated

# Share of a layer: what is below a saturated layer hardly learns (Glorot and Bengio 2010, section 3).
SATURATED_NOTE, SATURATED_WARNING, SATURATED_ERROR = 0.1, 0.3, 0.95

# Share of a layer that are copies: none by chance; half is a constant initialisation.
COPIES_NOTE, COPIES_WARNING, COPIES_ERROR = 1e-9, 0.1, 0.5
SAME = 1e-5  # of the largest weight or gradient: the rounding of sums in float32 makes equal ones differ by less

# Factor of the signal's deviation from the first to the last hidden layer. It is near 1 with weights scaled as Glorot
# and Bengio (2010) or He and others (2015) do, and within 5 in trained networks; N(0, 1) gives 7 a layer of 100.
EXPLODES, VANISHES = 30.0, 1 / 30

# The first layer's gradient over the last one's: beyond three orders of magnitude no one learning rate suits both.
GRADIENT_EXPLODES, GRADIENT_VANISHES = 1e3, 1e-3

SUMS_TO_ONE = 1e-3  # how far a row of probabilities in float32 may be from it
PUSHED_DOWN = 1e-6  # share of the gradient that lowers outputs, below which nothing does; 0.5 with a softmax
FAR = 1e20  # outputs are multiplied by this to ask a loss whether it has a floor

OUTSIDE_NOTE, OUTSIDE_WARNING, OUTSIDE_ERROR = 1e-9, 0.01, 0.2  # share of the targets that cannot be reached


# --- numbers ------------------------------------------------------------------------------------------------


def not_finite(o: Observation) -> Iterator[Finding]:
    """NaN or infinity: in the data, the parameters, the layers in order, the outputs, the loss, the gradients."""
    places: list[tuple[str, Any, str]] = [("inputs", o.x, "data"), ("targets", o.y, "data")]
    places += [(tell("at.parameter", name=n), v, "diverged") for n, v in o.parameters.items()]
    places += [(tell("at.output", name=n), v, "overflow") for n, v in o.outputs_by_module]
    places += [("output", o.output, "overflow"), ("loss", o.loss, "loss")]
    places += [(tell("at.gradient", name=layer.name), layer.gradient, "loss") for layer in o.layers]
    for where, values, cause in places:
        a = np.asarray(0.0 if values is None else values)
        bad = a.size - int(np.isfinite(a).sum())
        if bad:
            yield found("not-finite", "error", where, bad, cause, bad=bad, size=a.size)
            return
    yield found("not-finite", "ok", "network", 0, "none")


def unreached(o: Observation) -> Iterator[Finding]:
    """Parameters that the loss does not depend on, or not differentiably."""
    if o.unreached is None:
        return
    count, names = len(o.parameters), o.unreached
    level = severity(len(names) / max(count, 1), note=1e-9, warning=1e-9, error=1.0)
    listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    where, case = (names[0], "named") if names else ("parameters", "")
    yield found("no-gradient", level, where, len(names), case, bad=len(names), count=count, names=listed)


# --- units ------------------------------------------------------------------------------------------------------------


def units(o: Observation) -> Iterator[Finding]:
    """Dead, always-on and saturated units of every activation."""
    for u in o.units:
        if len(u.slope) < FEWEST_ROWS:
            continue
        if u.kind == "rectifier":
            yield _dead(u)
            if u.hidden:  # a last relu may well be on for every row
                yield _always_on(u)
        elif u.hidden:  # at the end, near 0 and 1 is where probabilities should be
            yield _saturated(u)


def _dead(u: Units) -> Finding:
    share, count = float((np.abs(u.slope) <= 1e-6).all(axis=0).mean()), u.slope.shape[1]
    level = severity(share, DEAD_NOTE, DEAD_WARNING, DEAD_ERROR)
    return found("dead-units", level, u.name, share, share=percent(share), count=count)


def _always_on(u: Units) -> Finding:
    share, count = float((u.slope == 1.0).all(axis=0).mean()), u.slope.shape[1]
    level = severity(share, LINEAR_NOTE, LINEAR_WARNING)
    return found("always-on-units", level, u.name, share, share=percent(share), count=count)


def _saturated(u: Units) -> Finding:
    share, count = float(((u.slope < FLAT).mean(axis=0) >= MOSTLY).mean()), u.slope.shape[1]
    level = severity(share, SATURATED_NOTE, SATURATED_WARNING, SATURATED_ERROR)
    return found("saturated-units", level, u.name, share, share=percent(share), count=count, mostly=percent(MOSTLY))


def identical_units(o: Observation) -> Iterator[Finding]:
    """Hidden units with the same weights and the same gradient: they stay copies of one unit whatever the training."""
    for layer in o.layers[:-1]:
        if layer.gradient is None or len(layer.per_unit()) < 2 or len(layer.output) < 2:
            continue
        count, copies = len(layer.per_unit()), _copies(layer.per_unit(), layer.per_unit("gradient"))
        spare = copies / count
        level = severity(spare, COPIES_NOTE, COPIES_WARNING, COPIES_ERROR)
        yield found("identical-units", level, layer.name, spare, share=percent(spare), count=count)


def _copies(weights: np.ndarray, gradients: np.ndarray) -> int:
    """How many rows are equal to others in both, (units, ...) each, but for rounding.

    Rounding is of the size of a unit's own weights: beside one that has grown large, small ones that differ are no
    copies.
    """
    scaled = [a.astype(np.float64) / (np.abs(a).max() or 1.0) for a in (weights, gradients)]
    both = np.concatenate(scaled, axis=1)
    order = np.argsort(both @ np.random.default_rng(0).standard_normal(both.shape[1]))  # equal rows come together
    w, g = (a[order] for a in scaled)
    same = np.abs(np.diff(w, axis=0)).max(axis=1) <= SAME * np.abs(w[1:]).max(axis=1)
    return int((same & (np.abs(np.diff(g, axis=0)).max(axis=1) <= SAME)).sum())


# --- signals through the depth ----------------------------------------------------------------------------------------


def activations(o: Observation) -> Iterator[Finding]:
    """Whether what differs between rows grows or shrinks through the hidden layers; the last is as the targets are."""
    hidden = [layer for layer in o.layers[:-1] if len(layer.output) >= FEWEST_ROWS]
    sizes = [float(np.sqrt(np.mean(np.var(layer.output.astype(np.float64), axis=0)))) for layer in hidden]
    if len(sizes) >= 2 and sizes[0] > 0:
        yield _growth("activations", hidden, sizes, sizes[-1] / sizes[0], EXPLODES, VANISHES)


def gradients(o: Observation) -> Iterator[Finding]:
    """Whether the gradient, relative to the weights, is of one size in all layers."""
    layers = [layer for layer in o.layers if layer.gradient is not None and layer.trained]
    sizes = [norm(layer.gradient) / (norm(layer.weight) or math.inf) for layer in layers]
    if len(layers) < 2 or sizes[-1] == 0.0:
        return
    # The first layer may be much larger than the others by design (units placed over the box), which makes its relative
    # gradient small without harm: a disease shows in the plain gradient too, and the milder of the two counts.
    plain = [norm(layer.gradient) / math.sqrt(layer.weight.size) for layer in layers]
    ratios = sizes[0] / sizes[-1], plain[0] / plain[-1]
    ratio = min(ratios, key=lambda r: abs(math.log(r)) if r > 0 else math.inf)
    yield _growth("gradients", layers, sizes, ratio, GRADIENT_EXPLODES, GRADIENT_VANISHES)


def _growth(what: str, layers: Sequence[Layer], sizes: list[float], ratio: float, high: float, low: float) -> Finding:
    """A finding about the factor from the first layer to the last."""
    code, level = f"{what}-by-layer", "ok"
    if ratio >= high:
        code, level = f"exploding-{what}", "warning"
    elif ratio <= low:
        code, level = f"vanishing-{what}", "warning"
    where = tell("at.between", first=layers[0].name, last=layers[-1].name)
    return found(code, level, where, ratio, path=_path(sizes), ratio=ratio)


def _path(sizes: list[float]) -> str:
    """At most eight of the sizes, ends included."""
    places = np.unique(np.linspace(0, len(sizes) - 1, min(8, len(sizes))).round().astype(int))
    return " -> ".join(f"{sizes[i]:.2g}" for i in places)


# --- outputs ----------------------------------------------------------------------------------------------------------


def competition(o: Observation) -> Iterator[Finding]:
    """Whether raising one class lowers the others: through the outputs (a softmax) or through the loss."""
    if o.labels is None or o.output.ndim != 2:
        return
    if o.loss is not None and o.loss < 0:
        yield found("negative-loss", "error", "loss", o.loss, loss=o.loss)
    out = o.output.astype(np.float64)
    sums = out.sum(axis=1)
    if (out >= 0).all() and _ones(out.sum(axis=0)) and not _ones(sums):
        total = float(sums.mean())
        yield found("probabilities-do-not-sum-to-one", "error", "output", total, "rows", total=total)
    elif (out >= 0).all() and _ones(sums):
        yield from _probabilities(o)
    elif (out <= 0).all() and _ones(np.exp(out).sum(axis=1)):
        yield found("outputs-compete", "ok", "output", 1.0, "logarithms")
    else:
        yield from _scores(o, out)


def _ones(sums: np.ndarray) -> bool:
    return bool(np.abs(sums - 1.0).max() <= SUMS_TO_ONE)


def _probabilities(o: Observation) -> Iterator[Finding]:
    """Rows sum to 1."""
    if not o.softmax_in_loss:
        yield found("outputs-compete", "ok", "output", 1.0, "probabilities")
        return
    least = math.log1p((o.output.shape[1] - 1) * math.exp(-1.0))
    yield found("softmax-twice", "warning", "output", least, least=least)


def _scores(o: Observation, out: np.ndarray) -> Iterator[Finding]:
    """Rows sum to anything: then the loss must hold them together."""
    down, total = _pushed_down(o), float(out.sum(axis=1).mean())
    if down is None:
        return
    if down < PUSHED_DOWN:
        far = [o.loss_at(o.output * factor) for factor in (FAR, -FAR)]
        case = "floor" if any(f is not None and f[0] < 0 for f in far) else ""
        yield found("outputs-do-not-compete", "error", "output", down, case, down=percent(down), total=total)
        return
    yield found("outputs-compete", "ok", "output", down, down=percent(down))
    if (out >= 0).all() and (out <= 1).all():
        yield found("probabilities-do-not-sum-to-one", "note", "output", total, total=total)


def _pushed_down(o: Observation) -> float | None:
    """Share of the loss's gradient by the outputs that lowers those of wrong classes, here or at raised outputs."""
    assert o.labels is not None
    wrong = np.ones(o.output.shape, bool)
    wrong[np.arange(len(o.output)), o.labels] = False

    def share(push: np.ndarray) -> float | None:
        total = np.abs(push).sum()
        return None if total == 0 else float(np.maximum(push[wrong], 0).sum() / total)

    here = None if o.push is None else share(o.push)
    if here is not None and here >= PUSHED_DOWN:
        return here
    raised = o.loss_at(o.output + PROBE)  # a squared error minds only outputs that are not 0
    there = None if raised is None else share(raised[1])
    return here if there is None else there


def shapes(o: Observation) -> Iterator[Finding]:
    """(n,) against (n, 1) compares everything with everything."""
    if not o.broadcasts or o.y is None:
        return
    n, rest = len(o.output), o.output.shape[1:]
    yield found(
        "shapes-broadcast", "error", "loss", n, outputs=(n, *rest), targets=(n, *o.y.shape[1:]), n=n,
        rest=", ".join(map(str, rest)),
    )  # fmt: skip


def reach(o: Observation, unscaled: np.ndarray | None = None) -> Iterator[Finding]:
    """Targets that the last activation cannot give.

    unscaled: the targets before they were scaled for this network; scaling alone may have put them out of reach.
    """
    if o.reach is None or o.targets is None or o.classes or o.targets.shape != o.output.shape:
        return
    low, high = o.reach

    def outside(y: np.ndarray) -> float:
        return float(((y < low) | (y > high)).mean())

    share = outside(o.targets)
    level = severity(share, OUTSIDE_NOTE, OUTSIDE_WARNING, OUTSIDE_ERROR)
    case = "scaled" if unscaled is not None and outside(unscaled) == 0.0 < share else ""
    yield found("targets-out-of-reach", level, "output", share, case, share=percent(share), low=low, high=high)


__all__ = [
    "activations",
    "competition",
    "gradients",
    "identical_units",
    "not_finite",
    "reach",
    "shapes",
    "units",
    "unreached",
]
