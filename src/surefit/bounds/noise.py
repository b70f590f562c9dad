"""How far the model where it runs may be from exact arithmetic, on small boxes.

Each node of the running model is the exact function of running values and a rounding of its own. Switched on one after
the other, these roundings move the output by no more than themselves times the derivative of the output by the node,
somewhere on the box: what an input is rounded by counts with the slope of the whole network and not with that of each
unit. All values on the way, exact, running or between the two, are in the ranges of the relaxation that is deployed.

The own rounding of a layer in the order of core/order.py is half a unit in the last place of each product and of each
partial sum (Higham 2002, section 3.3, running error), whose ranges are known on the box; in any other order it is
gamma_n of the sum of the absolute values.
"""

from __future__ import annotations

import numpy as np

from surefit.bounds.activations import SLOPES
from surefit.bounds.interval import Range, gamma, largest_of
from surefit.bounds.network import Affine, Unary
from surefit.bounds.partial_sums import PartialSums
from surefit.bounds.relax import Relaxation, State
from surefit.core.order import BLOCK

MOST_SUMS = 4_000_000  # partial sums that are looked at, one by one
MARGIN = 1.0 + 1e-9  # of bounds that are computed in float64 with few roundings
PAY = 1e-11  # of the sum of the absolute values, for sums in float64 of which much may cancel
TINY = 1e-300


def running_noise(relaxation: Relaxation, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """At least |running - exact| on boxes (n, d) -> (n, outputs). relaxation: of the model as it runs, deployed."""
    net = relaxation.net
    states: list[State] = relaxation.forward(low, high)
    last = len(net.nodes) - 1
    n, k = len(low), net.outputs
    # the derivatives of the outputs by a node, (n, outputs, units): middle and radius
    slopes: dict[int, tuple[np.ndarray, np.ndarray]] = {
        last: (np.broadcast_to(np.eye(k), (n, k, k)), np.zeros((n, k, k)))
    }
    total = np.zeros((n, k))
    with np.errstate(all="ignore"):
        for i in range(last, 0, -1):
            if i not in slopes:
                continue
            node, (middle, radius) = net.nodes[i], slopes.pop(i)
            if isinstance(node, Affine):
                shared = _of_shared(node, states)
                own = _of_layer(node, states[i], states, shared is not None, i in net.divisors)
                if shared is not None:
                    total = total + _through(shared, middle, radius)
                for source, w, off in node.sources:
                    size = np.abs(w) if off is None else np.abs(w) + off
                    rest = radius @ size + np.abs(middle) @ (PAY * size if off is None else PAY * size + off)
                    _add(slopes, source, middle @ w, rest)
            else:
                assert isinstance(node, Unary)
                own = _of_unary(node, states[i])
                s = states[node.source]
                slope = SLOPES[node.kind](Range(s.low, s.high), node.parameter)
                bad = slope.bad | ~(np.abs(slope.low) + np.abs(slope.high) < np.inf)
                c = np.where(bad, 0.0, 0.5 * slope.low + 0.5 * slope.high)[:, None, :]
                r = np.where(bad, np.inf, 0.5 * (slope.high - slope.low))[:, None, :] + PAY * np.abs(c)
                rest = np.abs(middle) * r + radius * (np.abs(c) + r)
                _add(slopes, node.source, middle * c, rest + PAY * np.abs(middle * c))
            steep = np.abs(middle) + radius
            own = own[:, None, :]  # what is not a number stays that, and is infinite in the end
            total = total + np.where(own == 0, 0.0, steep * own).sum(axis=2) * MARGIN
    return np.where(total < np.inf, total * MARGIN + TINY, np.inf)


def _add(slopes: dict[int, tuple[np.ndarray, np.ndarray]], i: int, middle: np.ndarray, radius: np.ndarray) -> None:
    if i in slopes:
        a, b = slopes[i]
        middle, radius = a + middle, b + radius + PAY * (np.abs(a) + np.abs(middle))
    slopes[i] = middle, radius


def _half_unit(size: np.ndarray, unit: float) -> np.ndarray:
    """Half a unit in the last place of numbers of this size: what a rounding is wrong by. Of 0 it is 0."""
    half = np.ldexp(unit, np.frexp(size * MARGIN)[1] - 1)
    return np.where(size < np.inf, np.where(size == 0, 0.0, half), np.inf)


def _size(state: State) -> np.ndarray:
    return np.maximum(np.abs(state.low), np.abs(state.high))


def _of_unary(node: Unary, state: State) -> np.ndarray:
    """Of a function; a ReLU takes one of two numbers, exactly."""
    size = _size(state)
    ulps = 0.0 if node.kind == "relu" else node.ulps
    own = np.zeros_like(size)
    if node.ulps:
        half = 2.0 * ulps * _half_unit(size, node.unit)
        if node.kind == "tanh" and ulps < 1:  # half a unit below 1, and no more beside it than at 1/4 (STRICT_ULP)
            half = _half_unit(np.minimum(size, 1.0 - 1e-8), node.unit)
            half = half + (2.0 * ulps - 1.0) * _half_unit(np.minimum(size, 0.25 - 1e-8), node.unit)
        own = own + half + (2.0**-126 if node.unit > 2.0**-30 else TINY)
    return np.where(size < largest_of(node.unit), own * MARGIN, np.inf)


def _of_shared(node: Affine, states: list[State]) -> tuple[np.ndarray, np.ndarray] | None:
    """The roundings of products with one number: (n, groups), and which unit (units,) is of which group.

    Units of one gain have one product, rounded once, so that what they give counts with the sum of their slopes.
    """
    if not (node.in_blocks and node.steps == 2 and len(node.sources) == 1):
        return None
    source, w, radius = node.sources[0]
    if radius is not None or w.shape[1] != 1:
        return None
    gains, group = np.unique(w[:, 0], return_inverse=True)
    return _products(states[source], gains[:, None], node.unit)[:, :, 0] * MARGIN, group


def _through(
    shared: tuple[np.ndarray, np.ndarray], middle: np.ndarray, radius: np.ndarray
) -> np.ndarray:  # fmt: skip
    """What roundings that units share change of the outputs (n, k), with derivatives (n, k, units)."""
    own, group = shared
    of = (group[:, None] == np.arange(own.shape[1])).astype(float)
    steep = np.abs(middle @ of) + (radius + PAY * np.abs(middle)) @ of
    return np.where(own[:, None, :] == 0, 0.0, steep * own[:, None, :]).sum(axis=2) * MARGIN


def _products(state: State, w: np.ndarray, unit: float) -> np.ndarray:
    """Half a unit of each product of w (m, fan) with a node (n, m, fan); a power of two only moves the point."""
    rounded = np.where(np.abs(np.frexp(w)[0]) == 0.5, 0.0, np.abs(w))
    return _half_unit(_size(state)[:, None, :] * rounded, unit)


def _of_layer(
    node: Affine, state: State, states: list[State], shared: bool = False, divides: bool = False
) -> np.ndarray:  # fmt: skip
    """Of an affine map, (n, units): its roundings, and the radii of its numbers, running and exact.

    shared: without its products, which are counted apart. divides: its factors are the reciprocals of floats, which it
    divides by: their radii are of no number that runs.
    """
    n = len(state.low)
    own = np.zeros((n, node.size)) + (0.0 if node.b_radius is None else 2.0 * node.b_radius)
    moved = np.broadcast_to(np.abs(node.b), own.shape)
    fan = 0
    for source, w, radius in node.sources:
        size = _size(states[source])
        moved = moved + size @ (np.abs(w) if radius is None else np.abs(w) + radius).T
        fan += w.shape[1]
        if radius is not None and not divides:
            own = own + 2.0 * size @ radius.T
    if not node.steps:
        return own * MARGIN
    moved = moved * MARGIN
    if node.steps == 1:
        rounding = _of_one_step(node, state, states)
    elif node.steps == 2 and _is_scaled(node):
        ((source, w, _),) = node.sources
        rounding = _products(states[source], w, node.unit).sum(axis=2) + _of_adding(node, state, states)
    elif shared:
        rounding = _of_adding(node, state, states)
    elif node.in_blocks and n * node.size * fan <= MOST_SUMS and node.sources[0][2] is None:
        rounding = np.minimum(_of_sums(node, states, moved), gamma(node.steps, node.unit) * moved)
        rounding = rounding + np.where(_adds(node), _half_unit(_size(state), node.unit), 0.0)
    else:
        rounding = gamma(node.steps, node.unit) * moved
    least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022
    own = own + np.where(moved < largest_of(node.unit), rounding * MARGIN + (fan + 2) * least, np.inf)
    return own * MARGIN


def _adds(node: Affine) -> np.ndarray:
    """Of which units (units,) b changes the sum, which is rounded for that."""
    return np.asarray((node.b != 0) | (node.b_radius is not None))


def _is_scaled(node: Affine) -> bool:
    """Whether each unit is one number times a factor, to which b is added."""
    (_, w, radius), *others = node.sources
    return not others and radius is None and not node.in_blocks and bool((np.count_nonzero(w, axis=1) <= 1).all())


def _of_one_step(node: Affine, state: State, states: list[State]) -> np.ndarray:
    """Of a node whose result is rounded once (n, units): nothing where that is a float anyway.

    A power of two only moves the point. x + b is a multiple of the last places of both, and a float where these are not
    below its own last place (Sterbenz 1974).
    """
    rounding = _half_unit(_size(state), node.unit)
    if len(node.sources) != 1 or node.sources[0][2] is not None or node.b_radius is not None:
        return rounding
    if node.unit > 2.0**-53:  # what comes in may have more digits, as what is cast has
        return rounding
    if (np.count_nonzero(node.sources[0][1], axis=1) != 1).any():
        return rounding
    factor, least = _of_one_factor(node, states)
    summed = (np.abs(factor) == 1) & (2.0 * rounding <= _grid(node, least))
    moved = (np.abs(np.frexp(factor)[0]) == 0.5) & (node.b == 0)
    return np.where(summed | moved, 0.0, rounding)


def _of_adding(node: Affine, state: State, states: list[State]) -> np.ndarray:
    """Of adding b to one rounded product for each unit (n, units): nothing where the sum is a float anyway."""
    rounding = np.where(_adds(node), _half_unit(_size(state), node.unit), 0.0)
    if node.b_radius is not None:
        return rounding
    factor, least = _of_one_factor(node, states)
    return np.where(2.0 * rounding <= _grid(node, least * np.abs(factor) / MARGIN), 0.0, rounding)


def _of_one_factor(node: Affine, states: list[State]) -> tuple[np.ndarray, np.ndarray]:
    """The one factor of each unit (units,), and the least size of what it multiplies (n, units)."""
    source, w, _ = node.sources[0]
    place = np.argmax(np.abs(w), axis=1)
    s = states[source]
    return w[np.arange(node.size), place], np.maximum(np.maximum(s.low, -s.high), 0.0)[:, place]


def _grid(node: Affine, least: np.ndarray) -> np.ndarray:
    """Of what b plus a float of at least this size (n, units) is a multiple; 0 where that is not known, or tiny."""
    last = _last_place(least, node.unit)
    whole = np.abs(np.frexp(node.b)[0]) * 2.0**53
    bit = np.array([float(int(v) & -int(v)) for v in whole])
    grid = np.minimum(last, np.where(node.b == 0, np.inf, np.ldexp(bit, np.frexp(node.b)[1] - 53)))
    return np.where(grid > (1e-30 if node.unit > 2.0**-30 else 1e-290), grid, 0.0)


def _of_sums(node: Affine, states: list[State], moved: np.ndarray) -> np.ndarray:
    """Half a unit of each product and of each partial sum (n, units), without that of adding b.

    Nothing of a sum that is a float anyway, since what it adds are multiples of its last place: where terms cancel.
    """
    ((source, w, _),) = node.sources
    s = states[source]
    products = _products(s, w, node.unit).sum(axis=2)
    if w.shape[1] == 1:
        return products
    fan = w.shape[1]
    pad = -fan % BLOCK
    form = np.pad(w * s.form[:, :, None, :], [(0, 0), (0, 0), (0, 0), (0, pad)])  # (n, 1 + d, units, fan)
    rest = np.pad(np.abs(w) * s.R[:, None, :], [(0, 0), (0, 0), (0, pad)])
    least = np.maximum(np.maximum(s.low, -s.high), 0.0)[:, None, :] * np.abs(w) / MARGIN
    grid = np.where(w == 0, np.inf, _last_place(least, node.unit))
    grid = np.pad(grid, [(0, 0), (0, 0), (0, pad)], constant_values=np.inf)
    form, rest, grid = (v.reshape(*v.shape[:-1], -1, BLOCK) for v in (form, rest, grid))
    form, rest = form.cumsum(axis=-1), rest.cumsum(axis=-1)
    added, joined = _added(w)
    total, grid = _of_partial(form, rest, grid, moved, node, added)
    if form.shape[-2] > 1:
        form, rest = (v[..., -1].cumsum(axis=-1) for v in (form, rest))
        joined = np.concatenate([np.zeros_like(joined[..., :1]), joined], axis=-1)
        total = total.sum(axis=-1) + _of_partial(form, rest, grid, moved, node, joined)[0]
    else:
        total = total[..., 0]
    return (products + total) * MARGIN


def _last_place(least: np.ndarray, unit: float) -> np.ndarray:
    """Of what every float at least that large is a multiple; 0 where that is tiny."""
    tiny = 1e-30 if unit > 2.0**-30 else 1e-290
    return np.where(least > tiny, np.ldexp(unit, np.frexp(least)[1]), 0.0)


def _added(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a sum of products with w (m, fan) is rounded: (m, blocks, BLOCK) in blocks, and (m, blocks - 1) of these.

    What is added to nothing, and nothing that is added, is no rounding.
    """
    there = np.pad(w != 0, [(0, 0), (0, -w.shape[1] % BLOCK)]).reshape(len(w), -1, BLOCK)
    begun = np.logical_or.accumulate(there, axis=-1)
    whole = begun[..., -1]
    added = there[..., 1:] & begun[..., :-1]
    added = np.concatenate([np.zeros_like(there[..., :1]), added], axis=-1)
    return added, whole[:, 1:] & np.logical_or.accumulate(whole, axis=-1)[:, :-1]


def rounding_of_sizes(node: Affine, size: np.ndarray, known: PartialSums | None = None) -> np.ndarray:
    """The own roundings (units,) of an affine map of one source, of which no value is larger than size (fan,).

    Of each partial sum half a unit in its last place, where the order of the sums is known, and not of their largest.
    known: what is known of the partial sums where nothing is rounded.
    """
    ((_, w, radius),) = node.sources
    terms = (np.abs(w) if radius is None else np.abs(w) + radius) * size
    moved = (terms.sum(axis=1) + np.abs(node.b)) * (1 + gamma(w.shape[1] + 4))
    rounding = np.asarray(gamma(node.steps, node.unit) * moved)
    if node.steps == 1:
        rounding = _half_unit(moved * (1 + 4 * node.unit), node.unit)
    elif node.in_blocks and radius is None:
        fan = w.shape[1]
        wide = (1 + 2.0 * gamma(node.steps + 1, node.unit)) * MARGIN  # earlier roundings have moved them
        own = _half_unit(np.where(np.abs(np.frexp(w)[0]) == 0.5, 0.0, terms), node.unit).sum(axis=1)
        sums = np.pad(terms, [(0, 0), (0, -fan % BLOCK)]).reshape(len(terms), -1, BLOCK).cumsum(axis=-1) * wide
        added, joined = _added(w)
        total, result = sums[..., -1].cumsum(axis=-1) * wide, moved * wide
        if known is not None:
            slack = wide - 1
            sums = np.minimum(sums, (known.inner + slack * sums) * MARGIN)
            total = np.minimum(total, (known.joined + slack * total) * MARGIN)
            result = np.minimum(result, size_of_result(node, known) * MARGIN + slack * result)
        own = own + np.where(added, _half_unit(sums, node.unit), 0.0).sum(axis=(1, 2))
        own = own + np.where(joined, _half_unit(total[:, 1:], node.unit), 0.0).sum(axis=1)
        own = own + np.where(_adds(node), _half_unit(result, node.unit), 0.0)
        rounding = np.minimum(rounding, own * MARGIN)
    least = 2.0**-126 if node.unit > 2.0**-30 else 2.0**-1022
    return np.where(moved < largest_of(node.unit), rounding * MARGIN + (w.shape[1] + 2) * least, np.inf)


def size_of_result(node: Affine, known: PartialSums) -> np.ndarray:
    """No result (units,) of an affine map is larger where nothing is rounded."""
    return np.asarray(np.maximum(np.abs(known.low + node.b), np.abs(known.high + node.b)))


def _of_partial(
    form: np.ndarray, rest: np.ndarray, grid: np.ndarray, moved: np.ndarray, node: Affine, added: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of running partial sums (n, units, ..., sums), which earlier roundings have moved: (n, units, ...) over all sums.

    form (n, 1 + d, units, ..., sums), rest: what they are. grid: of what each term is a multiple. And of what the last
    sums are multiples.
    """
    extra = moved.reshape(*moved.shape, *[1] * (rest.ndim - 2))
    reach = np.abs(form[:, 1:]).sum(axis=1) + rest + (2.0 * gamma(node.steps, node.unit) + PAY) * extra
    half = _half_unit(np.abs(form[:, 0]) + reach, node.unit)
    last = _last_place((np.abs(form[:, 0]) - reach) / MARGIN, node.unit)
    own, whole = np.zeros(rest.shape[:-1]), np.full(rest.shape[:-1], np.inf)
    for i in range(rest.shape[-1]):
        whole = np.minimum(whole, grid[..., i])
        exact = ~added[..., i] | (2.0 * half[..., i] <= whole)
        own = own + np.where(exact, 0.0, half[..., i])
        whole = np.where(exact, np.maximum(whole, last[..., i]), last[..., i])
    return own, whole


__all__ = ["rounding_of_sizes", "running_noise", "size_of_result"]
