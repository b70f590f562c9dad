"""The smallest and the largest value of a fit, and where it takes a given value: searches from many points.

What a search from many points finds is the best that was found. Nothing here is a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.checking import number_array, whole_number
from surefit.data import Domain, corner_points, sample
from surefit.errors import ArgumentError, ShapeError
from surefit.problems.scaling import spread
from surefit.readings.choices import choices_of, combinations, place_of, snapped
from surefit.readings.surface import Surface, gradients_of, part_of, which_output

LOOKED = 4096  # points that are looked at before a search begins
LINE = 4097  # the same of one input, evenly spaced
STARTS = 16  # of the best of these, searches with gradients
APART = 1e-6  # of the width of the box: places that are nearer are one
TOUCHES = 1e-9  # of the largest |value|: a turning point whose value is so near to the one that is looked for has it
BEYOND = 1e-6  # of the width, by which a value that a target has at an end may be taken beyond it: no fit is exact
NEAR = 1e-8  # of the spread of the values: what a search for a given value may miss it by


@dataclass(frozen=True, eq=False)
class Extremum:
    """The best place that a search found; whether there is a better one elsewhere, no search can tell.

    x: the place, (d,). at: the same by name, with the texts of the table, as `predict` takes it. value: of the fit
    there. starts: how many searches there were.
    """

    x: np.ndarray
    value: float
    at: dict[str, Any]
    starts: int

    def __str__(self) -> str:
        place = ", ".join(f"{name}={v if isinstance(v, str) else f'{v:.6g}'}" for name, v in self.at.items())
        return f"{self.value:.6g} at {place} (the best that {self.starts} searches found)"


def extremum(surface: Surface, sign: float, bounds: Any, output: Any, starts: int, seed: int) -> Extremum:
    """The smallest (sign 1) or largest (sign -1) value; see `Readings.minimum`."""
    from scipy.optimize import minimize

    box, column = part_of(surface, bounds), which_output(surface, output)
    starts = whole_number("starts", starts, 1)
    choices = choices_of(surface, box)
    settled = np.isin(np.arange(box.dim), [i for choice in choices for i in choice.columns])
    x = snapped(looked_at(box, seed), box, choices)
    y = sign * surface._predict(x)[:, column]
    chosen = spread_out(box, x, y, starts)
    least = float(y[chosen[0]])
    size = float(spread(y[:, None])[0])  # the search ends by slopes that are small beside 1

    def descent(start: np.ndarray) -> tuple[np.ndarray, float]:
        """Where a search ends that begins at a point (d,) and leaves the choices as they are, and the value there."""
        begin = box.scale(start)

        def unit(t: np.ndarray) -> tuple[float, np.ndarray]:
            place = box.unscale(np.clip(t, -1.0, 1.0))
            place = np.where(settled, start, place)[None]
            value = sign * float(surface._predict(place)[0, column])
            slope = sign * gradients_of(surface, place)[0, column] * box.stretch(place)[0] / size
            return (value - least) / size, np.where(settled, 0.0, slope)

        ends = [(t, t) if held else (-1.0, 1.0) for t, held in zip(begin, settled, strict=True)]
        found = minimize(
            unit, begin, jac=True, method="L-BFGS-B", bounds=ends, options={"ftol": 1e-15, "gtol": 1e-12}
        ).x
        place = np.where(settled, start, box.unscale(np.clip(found, -1.0, 1.0)))
        return place, sign * float(surface._predict(place[None])[0, column])

    best = x[chosen[0]]
    for i in chosen:
        place, value = descent(x[i])
        if value < least:
            best, least = place, value
    searches, better = len(chosen), bool(choices)
    while better:  # each choice made otherwise, where the others are as they are
        better = False
        for choice in choices:
            others = np.tile(best, (len(choice.rows), 1))
            others[:, choice.columns] = choice.rows
            start = others[(sign * surface._predict(others)[:, column]).argmin()]
            if (start != best).any():
                place, value = descent(start)
                searches += 1
                if value < least:
                    best, least, better = place, value, True
    return Extremum(best, sign * least + 0.0, place_of(surface, best, choices), searches)


def looked_at(box: Domain, seed: int) -> np.ndarray:
    """Points over a box (n, d): evenly spaced in one dimension, else Sobol's and corners."""
    if box.dim == 1:
        return sample(box, LINE, "grid")
    points = sample(box, LOOKED, "sobol", generator=np.random.default_rng([seed, 0xE87]))
    return np.concatenate([points, corner_points(box)])


def spread_out(box: Domain, x: np.ndarray, y: np.ndarray, count: int) -> list[int]:
    """The rows of the `count` smallest y (n,) of which none is near a smaller one, the smallest first."""
    unit = box.scale(x)
    distance = 0.5 * (1.0 / count) ** (1.0 / box.dim)
    chosen: list[int] = []
    for i in np.argsort(y, kind="stable"):
        if all(np.abs(unit[i] - unit[j]).max() > distance for j in chosen):
            chosen.append(int(i))
            if len(chosen) == count:
                break
    return chosen


# --- where a value is taken ------------------------------------------------------------------------------------------


def crossings(surface: Surface, value: float, box: Domain, column: int) -> np.ndarray:
    """All places (m,) of one input where an output has a value, as far as 4097 points show them, sorted.

    Between neighbours on either side of the value there is one (Brent's method); where the slope changes its sign
    between neighbours the turning point is looked for, and it counts where it touches the value or lies beyond it.
    """
    x = sample(box, LINE, "grid")[:, 0]

    def miss(at: float) -> float:
        return float(surface._predict(np.array([[at]]))[0, column]) - value

    def slope(at: float) -> float:
        return float(gradients_of(surface, np.array([[at]]))[0, column, 0])

    y = surface._predict(x[:, None])[:, column] - value
    derivatives = gradients_of(surface, x[:, None])[:, column, 0]
    near = TOUCHES * max(abs(value), float(np.abs(y + value).max()))
    for end, outward in ((0, -1.0), (-1, 1.0)):  # beyond the ends no sign can change
        beyond = -outward * y[end] / derivatives[end] if derivatives[end] else np.inf
        if abs(y[end]) <= near or 0.0 < beyond <= BEYOND * float(box.width[0]):
            y[end] = 0.0
    nodes, misses = list(x), list(y)
    for i in np.flatnonzero(changes(derivatives) & ~changes(y) & (y[:-1] != 0) & (y[1:] != 0)):
        if abs(y[i]) < abs(derivatives[i]) * (x[i + 1] - x[i]) or abs(y[i + 1]) < abs(derivatives[i + 1]) * (
            x[i + 1] - x[i]
        ):
            turn = bracketed(slope, x[i], x[i + 1])
            nodes.append(turn)
            misses.append(0.0 if abs(miss(turn)) <= near else miss(turn))
    order = np.argsort(nodes, kind="stable")
    x, y = np.array(nodes)[order], np.array(misses)[order]
    found = list(x[y == 0.0])
    found += [bracketed(miss, x[i], x[i + 1]) for i in np.flatnonzero(changes(y))]
    return merged(np.sort(np.array(found, dtype=np.float64)), APART * float(box.width[0]))


def changes(y: np.ndarray) -> np.ndarray:
    """Where numbers (n,) of any size have another sign than the one before, (n - 1,)."""
    signs: np.ndarray = np.sign(y)
    return signs[:-1] * signs[1:] < 0


def bracketed(f: Callable[[float], float], low: float, high: float) -> float:
    """Where a function changes its sign between two points."""
    from scipy.optimize import brentq

    below, above = f(low), f(high)
    if np.sign(below) * np.sign(above) >= 0:  # one value at a time may round otherwise than many
        return float(low if abs(below) <= abs(above) else high)
    tiny = float(np.finfo(np.float64).tiny)
    return float(brentq(f, low, high, xtol=1e-12 * (high - low) + tiny, rtol=8.9e-16))


def merged(x: np.ndarray, apart: float) -> np.ndarray:
    """Sorted numbers without those that are as good as the one before."""
    return x[np.concatenate([[True], np.diff(x) > apart])] if len(x) else x


def places(surface: Surface, value: Any, bounds: Any, output: Any, starts: int, seed: int) -> np.ndarray:
    """Places (m, d) where outputs have a value; see `Readings.roots`."""
    box = part_of(surface, bounds)
    choices = choices_of(surface, box)
    columns = list(range(len(surface.outputs))) if output is None else [which_output(surface, output)]
    wanted = number_array("value", value)
    if wanted.shape not in ((), (1,), (len(columns),)):
        many = "one number" if len(columns) == 1 else f"one number, or one for each of {len(columns)} outputs"
        raise ShapeError(f"value: has shape {wanted.shape}; {many} is needed, so ask for one value after the other")
    wanted = np.broadcast_to(wanted, (len(columns),))
    if not np.isfinite(wanted).all():
        raise ArgumentError(f"value={value!r} must be finite")
    starts = whole_number("starts", starts, 1)
    found = []
    for part in combinations("roots", surface, choices):
        points = _places(part, wanted, columns, box.select(part.names), starts, seed)
        found.append(points if part is surface else part.filled(points))  # type: ignore[union-attr]
    points = np.concatenate(found)
    return points[np.lexsort(points.T[::-1])] if choices else points


def _places(
    surface: Surface, wanted: np.ndarray, columns: list[int], box: Domain, starts: int, seed: int
) -> np.ndarray:
    """Places (m, d) of a surface whose inputs are all numbers, where outputs have values, sorted."""
    if box.dim == 1 and len(columns) == 1:
        return crossings(surface, float(wanted[0]), box, columns[0])[:, None]
    from scipy.optimize import least_squares

    x = looked_at(box, seed)
    y = surface._predict(x)[:, columns] - wanted
    unit = spread(y)
    chosen = spread_out(box, x, np.square(y / unit).sum(axis=1), starts)

    def misses(t: np.ndarray) -> np.ndarray:
        return (surface._predict(box.unscale(np.clip(t, -1.0, 1.0))[None])[0, columns] - wanted) / unit

    def jacobian(t: np.ndarray) -> np.ndarray:
        place = box.unscale(np.clip(t, -1.0, 1.0))[None]
        return gradients_of(surface, place)[0, columns] * box.stretch(place)[0] / unit[:, None]

    found: list[np.ndarray] = []
    for i in chosen:
        start = np.clip(box.scale(x[i]), -1.0 + 1e-9, 1.0 - 1e-9)  # which must not lie on a bound
        end = least_squares(
            misses, start, jacobian, bounds=(-1.0, 1.0), ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=200
        ).x
        if np.abs(misses(end)).max() <= NEAR and all(np.abs(end - other).max() > APART for other in found):
            found.append(end)
    if not found:
        return np.empty((0, box.dim))
    points = box.unscale(np.clip(np.array(found), -1.0, 1.0))
    return points[np.lexsort(points.T[::-1])]


def inverse(surface: Surface, y: Any, bounds: Any, output: Any, all_solutions: bool) -> Any:
    """The input that gives a value; see `Readings.inverse`."""
    box, column = part_of(surface, bounds), which_output(surface, output)
    choices = choices_of(surface, box)
    if choices and all(len(choice.rows) == 1 for choice in choices) and len(choices) < len(surface.names):
        surface = next(iter(combinations("inverse", surface, choices)))  # what is missing is held at "it is there"
        box = box.select(surface.names)
    if len(surface.names) != 1:
        raise ArgumentError(
            f"inverse: is for one input, and there are {len(surface.names)}; fix the others with slice(...), or use "
            "roots(value)"
        )
    wanted = number_array("y", y)
    if all_solutions:
        if wanted.ndim:
            raise ArgumentError("inverse: all_solutions=True takes one value at a time, since their numbers differ")
        return crossings(surface, float(wanted), box, column)
    x = sample(box, LINE, "grid")[:, 0]
    values, derivatives = surface._predict(x[:, None])[:, column], gradients_of(surface, x[:, None])[:, column, 0]
    if np.ptp(values) == 0.0:
        raise ArgumentError(
            f"inverse: the fit is {values[0]:.6g} everywhere on {surface.names[0]}={x[0]:g}:{x[-1]:g}, so that no "
            "input can be told from its value"
        )
    rising = values[-1] > values[0]
    near = TOUCHES * float(np.abs(values).max())  # a turn at an end, where bounds between two turns put it, is none
    back = np.diff(values) < -near if rising else np.diff(values) > near
    turns = np.flatnonzero(changes(derivatives))
    turns = turns[~_at_an_end(surface, x, values, turns, column, near)]
    if len(turns) or back.any() or values[0] == values[-1]:
        where = x[turns[0] if len(turns) else int(np.argmax(back))]
        raise ArgumentError(
            f"inverse: the fit is not monotone, it turns near {surface.names[0]}={where:.6g}, so that a value may come "
            "of several inputs; give bounds= between two turns, or all_solutions=True"
        )
    low, high = min(values[0], values[-1]), max(values[0], values[-1])

    def of(value: float) -> float:
        if not low <= value <= high:
            return float("nan")
        i = int(np.clip(np.searchsorted(values if rising else -values, value if rising else -value), 1, len(x) - 1))
        return bracketed(lambda at: float(surface._predict(np.array([[at]]))[0, column]) - value, x[i - 1], x[i])

    found = np.array([of(v) for v in wanted.ravel()]).reshape(wanted.shape)
    return float(found) if found.ndim == 0 else found


def _at_an_end(
    surface: Surface, x: np.ndarray, values: np.ndarray, turns: np.ndarray, column: int, near: float
) -> np.ndarray:
    """Which turns, in the first or the last interval of x (n,), have the value of that end."""

    def slope(at: float) -> float:
        return float(gradients_of(surface, np.array([[at]]))[0, column, 0])

    found = np.zeros(len(turns), bool)
    for i, turn in enumerate(turns):
        if turn in (0, len(x) - 2):
            at = bracketed(slope, x[turn], x[turn + 1])
            value = float(surface._predict(np.array([[at]]))[0, column])
            found[i] = abs(value - values[0 if turn == 0 else -1]) <= near
    return found


__all__ = ["Extremum", "crossings", "extremum", "inverse", "places"]
