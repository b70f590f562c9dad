"""The doctor's checks of the rows of a table: whether rows that were held out say what their error is taken for.

An error at rows that were held out at random tells of new rows of the same kind. It tells nothing of new places where
rows repeat their places, lie on a grid, or follow each other along a path. A card cannot see that; the rows can.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.data.columns import Coded
from surefit.doctor.findings import Finding, found, percent, severity
from surefit.doctor.graph import evenly
from surefit.doctor.interpolation import between_levels, left_out_places, own_error
from surefit.doctor.words import tell
from surefit.models.inference import values_of
from surefit.problems.rows import places
from surefit.search.effort import judging_rows
from surefit.search.judging import place_words, unit_of
from surefit.search.record import Record

MOST = 20_000  # rows of each part looked at
WIDE = 64  # inputs from which rows are taken for images or texts: places, grids and dependences mean little there

SHARED = 0.2  # of the rows held out, at places that are trained on too
GAP = 30.0  # times as far as the rows of its own place are those of the next; of independent rows 1 in 30 is so alone
PLACED = 0.5  # of the rows, with such a gap: they stand at places
SEARCHED = 300  # rows held out whose neighbours are looked at, among so many times ten training rows

ENOUGH_ALONE = 10  # rows held out at new places, whose error tells of such; places, of which fewer tell nothing
PLACES_EACH = 10  # places for each input, below which what they tell of each other is luck
UNSURE = 1.25  # times the error at places that are trained on, by which others are missed
MISSED = 3.0  # times the error of the card, by which a fit and interpolation differ between the lines of a grid
VISIBLE = 0.02  # of the target's deviation: what is smaller there hardly matters
DOUBTED = 2.0  # times its own error, by which interpolation must differ from a fit to count against it

FULL = 0.9  # of all places of a grid that are there
FEWEST_PLACES = 16  # of a grid
LEVELS = 0.25  # of the places: a column with more values than that is no axis of a grid
COARSE = 8  # levels of an axis, below which halving them tells nothing
FEW_LEVELS = 5  # values that a column takes at most, to say that nothing is known between them

PATH = 0.2  # mean square step from row to row over twice the variance: 1 when rows are in no order, 0.1 when each
# column goes on with 0.9 of its value
FOLLOWS = 0.95  # rank correlation with the column that rows were sorted by: then sorting explains the order
FEWEST_IN_ORDER = 30  # rows

FEWEST = 30  # rows held out, below which their largest error is one of few
HARDLY_ANY = 3

BEYOND = 10.0  # times the noise, by which rows with the same inputs contradict each other; of 100 pairs 1 in 1e5 do so
APART = 0.02  # of the target's deviation: smaller contradictions do no harm
FLOOR = 0.05  # of the target's deviation: what rows at the same place differ by, which no fit can explain

DEPENDENT = 1e-9  # root mean square that others leave of a column, over its deviation
EXACT = 1e-9  # the same of a target, at the worst row
ALL_BUT = 0.005  # of the rows have another value: the column is nearly constant
DECADES = 3.0  # between the twentieth part below and that above; evenly spread numbers have 1.3


@dataclass(frozen=True)
class Rows:
    """Rows of a table. x (n, d), y (n, k).

    residual: (n, k), what a fit leaves of y, None when unknown. train: so many of the rows, the first, are trained on.
    apart: from where to where rows were held out that the error was measured at, "test" or "validation" as `kind`
    says; count: how many there are, of which these may be a sample. numbers: the place of each row in the table as it
    came, None when unknown. estimated: whether the error is that of rows left out one by one.
    """

    x: np.ndarray
    y: np.ndarray
    names: Sequence[str]
    outputs: Sequence[str]
    residual: np.ndarray | None = None
    train: int = 0
    apart: tuple[int, int] = (0, 0)
    kind: str = "training"
    count: int = 0
    numbers: np.ndarray | None = None
    logarithmic: Sequence[str] = ()  # columns whose logarithm the network is given, or gives
    groups: Sequence[Sequence[str]] = ()  # columns of 0 and 1 that one column of texts became
    estimated: bool = False
    coding: Sequence[Coded] = ()  # of columns of texts and times, by which places are said

    @property
    def deviation(self) -> np.ndarray:
        """Of each output, (k,); 1 where it does not vary."""
        sizes = self.y.std(axis=0)
        return np.where(sizes > 0, sizes, 1.0)

    @property
    def rmse(self) -> np.ndarray:
        """Of each output at the rows held out, (k,)."""
        assert self.residual is not None
        return np.sqrt(np.mean(self.residual[slice(*self.apart)] ** 2, axis=0))


def rows_of(fit: Record) -> Rows:
    """The rows of a fitted table, those that were trained on first."""
    problem = fit.problem
    _, kind = judging_rows(problem)
    part = "train" if kind == "training" else kind
    parts = {"train": problem.train, "validation": problem.validation, "test": problem.test}
    known = {name: (part[0][:MOST], part[1][:MOST]) for name, part in parts.items() if part is not None}
    x, y = (np.concatenate([part[i] for part in known.values()]) for i in (0, 1))
    ends = np.cumsum([len(part[0]) for part in known.values()])
    at = list(known).index(part)
    apart = int(ends[at] - len(known[part][0])), int(ends[at])
    numbers = None
    if problem.row_numbers is not None and all(name in problem.row_numbers for name in known):
        of_parts = [problem.row_numbers[name][:MOST] for name in known]
        if [len(n) for n in of_parts] == [len(part[0]) for part in known.values()]:
            numbers = np.concatenate(of_parts)
    residual, count = values_of(fit.model)(x) - y, problem.sizes()[part]
    return Rows(
        x,
        y,
        fit.names,
        fit.outputs,
        residual,
        len(known["train"][0]),
        apart,
        kind,
        count,
        numbers,
        (*problem.domain.logarithmic, *(problem.outputs if problem.log_target else ())),
        [code.columns for code in problem.coding],
        fit.error.status == "estimated",
        problem.coding,
    )


def split(r: Rows, predict: object) -> Iterator[Finding]:
    """Whether the rows that were held out tell of new ones. predict: points (n, d) -> values (n, k)."""
    yield from _few(r)
    if len(r.x) < 2 or r.x.shape[1] >= WIDE:
        return
    place = place_of(r.x)
    repeated = r.kind != "training" and (yield from _repeated(r, place))
    grid = not repeated and (yield from _grid(r, place, predict))
    if not (repeated or grid):
        yield from _order(r)
        yield from _few_levels(r)


def columns(r: Rows) -> Iterator[Finding]:
    """Rows that contradict each other, columns that depend on others, and targets that the inputs give away."""
    if len(r.x) < 2 or r.x.shape[1] >= WIDE:
        return
    yield from _contradictions(r, place_of(r.x))
    yield from _nearly_constant(r)
    yield from _dependent(r)
    yield from _given_away(r)


def decades(r: Rows, poor: bool) -> Iterator[Finding]:
    """Columns whose logarithm would be the better number. poor: there is an error to be made smaller."""
    for what, names, values in (("inputs", r.names, r.x), ("targets", r.outputs, r.y)):
        for name, column in zip(names[:WIDE], values.T, strict=False):
            low, high = np.quantile(column, [0.05, 0.95])
            if name not in r.logarithmic and column.min() > 0 and math.log10(high / low) >= DECADES:
                level = "warning" if poor and what == "inputs" else "note"
                ends = dict(low=column.min(), high=column.max(), decades=math.log10(column.max() / column.min()))
                yield found(f"logarithmic-{what}", level, name, ends["decades"], name=name, **ends)


# --- places -----------------------------------------------------------------------------------------------------------


def place_of(x: np.ndarray) -> np.ndarray:
    """The number of the place of each row, (n,): equal rows have the same."""
    return np.unique(places(x), return_inverse=True)[1].reshape(-1)


def _repeated(r: Rows, place: np.ndarray) -> Generator[Finding, None, bool]:
    """Rows held out at places that are trained on; exactly there, or much nearer than to any other place."""
    apart = place[slice(*r.apart)]
    share = float(np.isin(apart, place[: r.train]).mean())
    if share < PLACED:
        near, radius = _gaps(r)
        if near > max(share, PLACED):
            share, place = near, _within(r.x / _spread(r.x), radius)
    if share == 0.0:
        return False
    level, case = severity(share, 0.0, SHARED), ""
    part, count = tell(f"part.{r.kind}"), int(place.max()) + 1
    values: dict[str, Any] = dict(share=percent(share), part=part, places=count, rows=len(r.x))
    if all(len(np.unique(column)) <= 2 for column in r.x.T):
        level = "note"  # kinds, not numbers: there are hardly any other places
    elif level == "warning":
        level, case, more = _at_new_places(r, place)
        values |= more
    yield found("repeated-places", level, "data", share, case, **values)
    return share >= SHARED


def _at_new_places(r: Rows, place: np.ndarray) -> tuple[str, str, dict[str, float]]:
    """Severity, case and numbers of repeats: by the rows held out at new places, else by leaving places out."""
    assert r.residual is not None
    alone = ~np.isin(place[slice(*r.apart)], place[: r.train])
    if alone.sum() >= ENOUGH_ALONE:
        squares = np.square(r.residual[slice(*r.apart)])
        miss, known = (np.sqrt(squares[rows].mean(axis=0)) for rows in (alone, ~alone))
        few, case = False, "seen"
    else:
        missed = left_out_places(r.x / _spread(r.x), r.y, place)
        if missed is None:
            return "warning" if int(place.max()) < ENOUGH_ALONE else "note", "", {}
        miss, known, case = missed, r.rmse, "missed"
        few = int(place.max()) + 1 < PLACES_EACH * r.x.shape[1]
    worst = int(np.argmax(miss / np.maximum(known, 1e-300)))
    off, rmse = float(miss[worst]), float(known[worst])
    certain = not few and (off <= UNSURE * rmse or off <= VISIBLE * r.deviation[worst])
    return ("note", "", {}) if certain else ("warning", case, dict(off=off, rmse=rmse))


def _spread(x: np.ndarray) -> np.ndarray:
    sizes = x.std(axis=0)
    return np.where(sizes > 0, sizes, 1.0)


def _gaps(r: Rows) -> tuple[float, float]:
    """Share of the rows held out that have a wide gap between near training rows and the others, and where it is."""
    z = r.x / _spread(r.x)
    a, t = z[slice(*r.apart)], z[: r.train]
    a, t = a[evenly(len(a), SEARCHED)], t[evenly(len(t), 10 * SEARCHED)]
    if len(t) < 8 or not len(a):
        return 0.0, 0.0
    half = len(t) // 2  # far beyond, single rows far outside have gaps of their own
    distance = np.stack([np.sort(np.sqrt(np.square(t - row).sum(axis=1)))[: half + 1] for row in a])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(distance[:, 1:] / distance[:, :-1], nan=1.0, posinf=np.inf)
    k = ratio.argmax(axis=1)
    wide = ratio[np.arange(len(a)), k] > GAP
    if not wide.any():
        return 0.0, 0.0
    inner, outer = (distance[np.arange(len(a)), k + i][wide] for i in (0, 1))
    return float(wide.mean()), float(np.median(np.sqrt(np.maximum(inner, outer * 1e-9) * outer)))


def _within(z: np.ndarray, radius: float) -> np.ndarray:
    """The number of the place of each row, where rows within a radius of each other are at one."""
    place = np.full(len(z), -1)
    count = 0
    while (place < 0).any():
        first = int(np.argmax(place < 0))
        near = np.square(z - z[first]).sum(axis=1) <= radius**2
        place[near & (place < 0)] = count
        count += 1
    return place


# --- how many, grids, order -------------------------------------------------------------------------------------------


def _few(r: Rows) -> Iterator[Finding]:
    """Few rows held out, or none."""
    if r.estimated:  # each row was left out in turn
        return
    if r.kind == "training":
        yield found("no-rows-apart", "note", "data", r.count, count=r.count)
    elif 0 < r.count < FEWEST:
        level = "warning" if r.count < HARDLY_ANY else "note"
        unsure = percent(1 / math.sqrt(2 * r.count))  # standard error of a standard deviation
        part = tell(f"part.{r.kind}")
        values = dict(count=r.count, part=part, more=r.count + 1, percent=unsure)
        yield found("few-rows-apart", level, "data", r.count, **values)


def _grid(r: Rows, place: np.ndarray, predict: object) -> Generator[Finding, None, bool]:
    """Inputs that form a grid: rows held out at random lie between their neighbours on its lines.

    Between the lines the fit is compared with interpolation, which knows nothing of it.
    """
    levels = [np.unique(column) for column in r.x.T]
    axes = [len(values) for values in levels if len(values) > 1]
    count = int(place.max()) + 1
    if sum(n > 2 for n in axes) < 2 or count < FEWEST_PLACES or max(axes) > LEVELS * count:
        return False
    if count < FULL * float(np.prod(axes, dtype=float)):
        return False
    values: dict[str, Any] = dict(shape=" x ".join(map(str, axes)), part=tell(f"part.{r.kind}"))
    compared = between_levels(levels, r.x, r.y, predict)
    if compared is None:
        yield found("grid", "note", "data", min(axes), **values)
        return True
    noise = r.rmse if r.kind != "training" else np.sqrt(np.mean(np.square(r.residual), axis=0))  # type: ignore[arg-type]
    worst = int(np.argmax(compared / np.maximum(noise, 1e-300)))
    off, rmse, size = float(compared[worst]), float(noise[worst]), float(r.deviation[worst])
    values |= dict(off=off, rmse=rmse)
    own = float(own_error(levels, r.x, r.y, COARSE)[worst])
    if off <= MISSED * rmse or off <= 1e-9 * size:
        yield found("grid", "ok", "data", min(axes), "agrees", **values)
    elif off > DOUBTED * own or any(2 < n < COARSE for n in axes):  # which interpolation knows nothing of either
        yield found("grid", "warning", "data", min(axes), "coarse", **values)
    else:
        yield found("grid", "note", "data", min(axes), **values)
    return True


def _few_levels(r: Rows) -> Iterator[Finding]:
    """Columns with few values, beside others with many."""
    for name, column in zip(r.names, r.x.T, strict=True):
        count = len(np.unique(column))
        if 2 < count <= FEW_LEVELS and len(column) >= 10 * FEW_LEVELS:
            yield found("few-levels", "note", name, count, name=name, levels=count)


def _order(r: Rows) -> Iterator[Finding]:
    """Rows that follow each other along a path through the inputs, or in the order of a column such as the time."""
    several = [j for j, column in enumerate(r.x.T) if len(np.unique(column)) > 2]
    if r.numbers is None or r.kind == "training" or len(r.x) < FEWEST_IN_ORDER or len(several) < 2:
        return
    x = r.x[np.argsort(r.numbers, kind="stable")][:, several]
    steps = np.diff(x, axis=0)
    roughness = np.mean(steps**2, axis=0) / (2.0 * x.var(axis=0))
    sorted_by = np.flatnonzero((steps > 0).all(axis=0) | (steps < 0).all(axis=0))
    names = [r.names[j] for j in several]
    along = roughness < PATH
    if len(sorted_by):
        j = int(sorted_by[0])
        rest = np.delete(np.arange(len(several)), sorted_by)
        moving = [i for i in rest if along[i] and _rank_correlation(x[:, j], x[:, i]) < FOLLOWS]
        level = "warning" if len(rest) and len(moving) == len(rest) else "note"
        yield found("rows-in-order", level, names[j], float(roughness.max()), "column", name=names[j])
    elif along.all():
        yield found("rows-in-order", "warning", "data", float(roughness.max()), name=", ".join(names[:5]))


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(v, kind="stable"), kind="stable").astype(float) for v in (a, b)]
    return abs(float(np.corrcoef(ranks[0], ranks[1])[0, 1]))


# --- columns ----------------------------------------------------------------------------------------------------------


def _contradictions(r: Rows, place: np.ndarray) -> Iterator[Finding]:
    """Rows with the same inputs that differ in the target: beyond the noise, or as the noise has it."""
    times = np.bincount(place)
    if len(times) == len(place):
        return
    order = np.argsort(place, kind="stable")
    starts = np.cumsum(times) - times
    several = times > 1
    again = several[place]
    for j, name in enumerate(r.outputs):
        column = r.y[:, j]
        size = float(column.std())
        ordered = column[order]
        ranges = np.maximum.reduceat(ordered, starts) - np.minimum.reduceat(ordered, starts)
        mean = np.bincount(place, column) / times
        squares = np.bincount(place, (column - mean[place]) ** 2)
        noises = [] if r.residual is None else [1.4826 * float(np.median(np.abs(r.residual[:, j])))]
        if several.sum() >= 3:
            noises.append(float(np.median(np.sqrt(squares[several] / (times[several] - 1)))))
        limit = max(BEYOND * min(noises, default=math.inf), APART * size)
        bad = np.flatnonzero(several & (ranges > limit))
        free = int(again.sum()) - int(several.sum())
        floor = math.sqrt(float(squares[several].sum()) / max(1, free))
        if len(bad):
            worst = int(bad[np.argmax(ranges[bad])])
            point = dict(zip(r.names, r.x[int(np.argmax(place == worst))].tolist(), strict=True))
            values = dict(target=name, groups=len(bad), size=float(ranges[worst]), where=place_words(point, r.coding))
            yield found("contradictory-rows", "warning", name, len(bad), **values)
        elif floor > FLOOR * size:
            values = dict(target=name, floor=floor, share=percent(floor / size))
            yield found("contradictory-rows", "note", name, floor / size, "noise", **values)


def _nearly_constant(r: Rows) -> Iterator[Finding]:
    """Columns that have one value in all rows but a few."""
    for name, column in zip(r.names, r.x.T, strict=True):
        values, times = np.unique(column, return_counts=True)
        rest = len(column) - int(times.max())
        if 0 < rest <= max(1.0, ALL_BUT * len(column)) and len(column) >= FEWEST:
            value = values[times.argmax()]
            yield found("nearly-constant-inputs", "note", name, rest, names=name, value=value, rows=rest)


def _dependent(r: Rows) -> Iterator[Finding]:
    """Inputs that are linear functions of those before them, as the last of a set of dummy columns is."""
    varying = [j for j in range(r.x.shape[1]) if np.ptp(r.x[:, j]) > 0]
    x = r.x[evenly(len(r.x), 10 * SEARCHED)]
    free: list[int] = []
    for j in varying:
        terms = _linear(x[:, free], x[:, j]) if free and len(x) > 2 * len(varying) else None
        if terms is None:
            free.append(j)
            continue
        constant, factors = terms
        if np.count_nonzero(factors) < 2 and len(np.unique(x[:, j])) > 2:
            continue  # one column in two units has a finding of its own
        name, others = r.names[j], {r.names[i] for i, factor in zip(free, factors, strict=True) if factor}
        if any(name in group and others <= set(group) for group in r.groups):
            continue  # the sum of a group is 1, as whoever made it knows
        words = _terms(constant, factors, [r.names[i] for i in free])
        yield found("dependent-inputs", "note", name, int(np.count_nonzero(factors)), name=name, terms=words)


def _linear(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Constant and factors with which y is a linear function of the columns of x; None when it is none."""
    shift, size = x.mean(axis=0), _spread(x)
    deviation = float(y.std())
    if deviation == 0.0:
        return None
    z, v = (x - shift) / size, (y - y.mean()) / deviation
    factors = np.linalg.lstsq(z, v, rcond=1e-12)[0]
    if np.sqrt(np.mean((z @ factors - v) ** 2)) > DEPENDENT:
        return None
    factors = np.where(np.abs(factors) > 1e-7, factors, 0.0) * deviation / size
    constant = float(y.mean() - shift @ factors)
    return (constant if abs(constant) > 1e-7 * deviation else 0.0), factors


def _terms(constant: float, factors: np.ndarray, names: Sequence[str]) -> str:
    """A linear function in words: 1 - x1 - 2.5 x2."""
    words = [f"{constant:.4g}"] if constant else []
    for factor, name in zip(factors, names, strict=True):
        if factor:
            size = "" if math.isclose(abs(factor), 1.0, rel_tol=1e-6) else f"{abs(factor):.4g} "
            sign = ("- " if factor < 0 else "+ ") if words else ("-" if factor < 0 else "")
            words.append(f"{sign}{size}{name}")
    shown = words[:8] + ["..."] * (len(words) > 8)
    return " ".join(shown) if words else "0"


def _given_away(r: Rows) -> Iterator[Finding]:
    """Targets that the inputs give away, or that have two values only."""
    if r.y.shape == r.x.shape and np.array_equal(r.x, r.y):
        return  # a network that is to give back its inputs
    for name, column in zip(r.outputs, r.y.T, strict=True):
        if np.ptp(column) == 0 or len(column) < 8:
            continue
        copied = [(n, values) for n, values in zip(r.names, r.x.T, strict=True) if _same(values, column)]
        if copied and r.x.shape[1] > 1:
            other, values = copied[0]
            equal = np.array_equal(values, column)
            constant, factors = _linear(values[:, None], column) or (0.0, np.ones(1))
            words = "" if equal else _terms(constant, factors, [other])
            more = dict(input=other, target=name, terms=words)
            yield found("target-among-inputs", "warning", name, None, "" if equal else "linear", **more)
        elif r.x.shape[1] > 1 and len(column) > 2 * (r.x.shape[1] + 1):
            terms = _linear(r.x, column)
            if terms is not None:
                words = _terms(*terms, r.names)
                yield found("given-target", "note", name, int(np.count_nonzero(terms[1])), target=name, terms=words)
        if len(np.unique(column)) == 2:
            ends = dict(low=column.min(), high=column.max())
            yield found("two-valued-target", "note", name, 2, target=name, **ends)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two columns are the same in some units."""
    if np.ptp(a) == 0:
        return False
    u, v = (c / unit_of(c) for c in (a, b))  # squares of very large or small numbers are none
    if min(u.std(), v.std()) == 0:
        return False
    u, v = ((c - c.mean()) / c.std() for c in (u, v))
    return bool(min(np.abs(u - v).max(), np.abs(u + v).max()) < EXACT)


__all__ = ["Rows", "columns", "decades", "place_of", "rows_of", "split"]
