"""Intervals around predictions: statistical statements about new data, from rows that took no part in training.

Split-conformal intervals (Vovk, Gammerman and Shafer 2005; Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018,
"Distribution-free predictive inference for regression") hold for any network: when new rows are drawn as the held-out
ones were, the interval covers the new value with at least the probability asked for, on the average over all points.
Scaled (section 5.2 there) by what an ensemble sees they are wide where its members disagree or the noise is large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from surefit.attempts.inputs import restricted
from surefit.attempts.methods import METHODS, Additive, Method, Polynomial, method_from
from surefit.errors import ArgumentError, DataError
from surefit.models.clipped import Clipped
from surefit.models.members import Blend
from surefit.models.spec import MLPSpec
from surefit.problems.periodic import lifted_points
from surefit.problems.problem import Points, Problem
from surefit.search.choosing import fit_problem
from surefit.search.effort import fresh_points
from surefit.search.record import Record, Solved
from surefit.search.teacher import spread_evenly

KINDS = ("conformal", "ensemble")


@dataclass(frozen=True, eq=False)
class Interval:
    """Bounds for new values; unpacks as `low, high = interval`.

    low, high: (n,) or (n, k), as the prediction. level: the probability. kind: "conformal" or "ensemble". rows: how
    many held-out rows it rests on. statement: what it says, in words. Statistical, not proved.
    """

    low: np.ndarray
    high: np.ndarray
    level: float
    kind: str
    rows: int
    statement: str

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.low, self.high))

    def __str__(self) -> str:
        width = float(np.mean(self.high - self.low)) if self.low.size else math.nan
        return f"{self.statement}; mean width {width:.3g}"


def interval(fit: Record, x: np.ndarray, level: float, kind: str, members: int) -> Interval:
    """The intervals of a fit at points (n, d); see `Fit.interval`."""
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
        raise ArgumentError(f"level={level!r} must be a probability between 0 and 1, such as 0.9")
    if kind not in KINDS:
        raise ArgumentError(f"kind={kind!r} must be one of {', '.join(map(repr, KINDS))}")
    if fit.classified is not None:
        raise ArgumentError("interval: classes have no intervals; predict_proba says how likely each of them is")
    if fit.problem.quantiles:
        raise ArgumentError(
            "interval: this fit is of quantiles, which are bounds themselves; predict gives them, as many as there are "
            "levels"
        )
    if kind == "conformal" and fit.left_out is not None and (fit.error.folds or not _held(fit.problem)):
        return _left_out(fit, x, float(level))
    (held_x, held_y), what = held_out(fit.problem, fit.seed, level)
    own = fit.problem.coordinates  # of a logarithmic target relative errors are alike
    score = np.abs(own(fit._predict(held_x)) - own(held_y))
    width: np.ndarray | float = 1.0
    how = "split conformal"
    if kind == "ensemble":
        group = ensemble(fit, members)
        score = score / group.scale(held_x)
        width = group.scale(x)
        how += f", scaled by what {len(group.fits)} networks see"
    radius = conformal_radius(score, level) * width  # (k,) or (n, k)
    low, high = _ends(fit, x, radius)
    statement = f"{100 * level:g} % intervals, statistical: {how}, {len(held_x)} {what}"
    return Interval(low, high, float(level), kind, len(held_x), statement)


def _ends(
    fit: Record, x: np.ndarray, radius: np.ndarray, centre: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of intervals around the prediction; of a logarithmic target they are a factor away.

    centre: what they are around in its place, in the coordinates of the problem. The prediction is in them, too.
    """
    y = fit._predict(x)
    if centre is None:
        low, high = (y * np.exp(-radius), y * np.exp(radius)) if fit.problem.log_target else (y - radius, y + radius)
    else:
        low, high = centre - radius, centre + radius
        low, high = (np.exp(low), np.exp(high)) if fit.problem.log_target else (low, high)
        low, high = np.minimum(y, low), np.maximum(y, high)
    return (low[:, 0], high[:, 0]) if y.shape[1] == 1 else (low, high)


def _held(problem: Problem) -> bool:
    return problem.function is not None or problem.test is not None or problem.validation is not None


def _left_out(fit: Record, x: np.ndarray, level: float) -> Interval:
    """Of a fit to all rows: from what each was missed by when it was left out, in deviations where a teacher has some.

    The jackknife (Barber, Candes, Ramdas and Tibshirani 2021, Predictive inference with the jackknife+), studentised;
    the deviations of a Gaussian process are thereby calibrated. They are around what the teacher predicts: where a
    network is farther from it than it is from the truth, as at small values of a teacher that is off by a share of
    each, that is known, and no part of what is in doubt.
    """
    assert fit.left_out is not None
    score = np.abs(fit.left_out) * fit.model.scaling.y_scale  # of a logarithmic target in logarithms
    n = len(score)
    if needed_rank(n, level) > n:
        least = math.ceil(level / (1 - level) - 1e-9)
        raise DataError(f"interval: level {level} needs {least} rows or more, and there are {n}; lower the level")
    width: np.ndarray | float = 1.0
    centre: np.ndarray | None = None
    how = f"jackknife in {fit.error.folds} folds" if fit.error.folds else "jackknife"
    if fit.taught is not None and not fit.error.folds:
        teacher = fit.taught.teacher
        score = score / np.maximum(teacher.left_out()[1], 1e-300)
        points = lifted_points(x, fit.problem.periods)
        centre, width = teacher.predict(points), teacher.deviation(points)
        if spread_evenly(fit.problem.train[0], fit.problem.domain):
            width = width * teacher.doubt
        how += ", scaled by the deviation of the teacher"
    radius = conformal_radius(score, level) * width
    low, high = _ends(fit, x, radius, centre)
    rows = f"{n} rows left out" + ("" if fit.error.folds else " one by one")
    statement = f"{100 * level:g} % intervals, statistical: {how}, {rows}"
    return Interval(low, high, level, "conformal", n, statement)


def conformal_radius(scores: np.ndarray, level: float) -> np.ndarray:
    """For each column of scores (n, k) the one of rank ceil((n + 1) level), which a new score exceeds seldom enough.

    >>> conformal_radius(np.arange(1.0, 20.0)[:, None], 0.9)
    array([18.])
    """
    rank = needed_rank(len(scores), level)
    return np.sort(scores, axis=0)[rank - 1]


def needed_rank(rows: int, level: float) -> int:
    """ceil((rows + 1) level), tolerant of the rounding of level."""
    return max(1, math.ceil((rows + 1) * level - 1e-9))


def _all_told(problem: Problem) -> bool:
    """Whether all values that a function gave are rows, as within a budget: none was asked for to measure errors."""
    asked = problem.source.get("evaluated")
    told = sum(problem.sizes().values()) + problem.source.get("copies", 0)
    return asked is not None and told >= asked["evaluations"] - asked["failed"]


def held_out(problem: Problem, seed: int, level: float) -> tuple[Points, str]:
    """Rows that took no part in training, enough of them for the level, and what they are.

    The test rows; with the validation rows, which chose the weights, only when they are too few. Of a function whose
    values are exact: fresh points, or its rows where the function itself stayed behind (`surefit.load`, pickles).
    DataError when there are not enough.
    """
    fresh = problem.exact and problem.function is not None
    if fresh:
        points = fresh_points(problem, seed)
        what = "fresh points; exact values of a function at points drawn uniformly over the domain"
    elif problem.source["kind"] != "table" and not problem.exact and not _all_told(problem):
        # the test values of a noisy function are exact, the new ones are not
        if problem.validation is None:
            raise DataError("interval: no rows were held out; give some a share, Sampling(split=(0.8, 0.2, 0))")
        points, what = problem.validation, "validation rows, which also chose the weights"
    else:
        parts = [part for part in (problem.test, problem.validation) if part is not None]
        if not parts:
            raise DataError("interval: no rows were held out; give some a share, Sampling(split=(0.6, 0.2, 0.2))")
        points = parts[0]
        what = "test rows" if problem.test is not None else "validation rows, which also chose the weights"
        if needed_rank(len(points[0]), level) > len(points[0]) and len(parts) > 1:
            points = (np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
            what = "test and validation rows; the latter also chose the weights"
    n = len(points[0])
    if needed_rank(n, level) > n:
        least = math.ceil(level / (1 - level) - 1e-9)
        more = f"measure more, Sampling(verify={2 * least})" if fresh else (
            "give them a larger share, Sampling(split=(0.6, 0.2, 0.2))"
        )  # fmt: skip
        raise DataError(
            f"interval: level {level} needs {least} {'points' if fresh else 'held-out rows'} or more, and there are "
            f"{n}; lower the level, or {more}"
        )
    return points, what


# --- ensembles ------------------------------------------------------------------------------------------------------


NEIGHBOURS = 0.05  # of the training rows: the neighbourhood in which the noise is looked at
FEWEST = 20  # rows of a neighbourhood


class Ensemble:
    """Networks fitted to resampled rows, and the errors they make on rows that they have not seen.

    x: training rows (n, d) in scaled units; square: the mean squared error there (n, k) of members that had not seen
    the row, NaN where all had. columns: the inputs that the networks have.
    """

    def __init__(
        self, fits: list[Record], inputs: Callable[[np.ndarray], np.ndarray], x: np.ndarray, square: np.ndarray,
        columns: list[int],
    ):  # fmt: skip
        from scipy.spatial import cKDTree

        seen = np.isfinite(square).all(axis=1)
        self.fits, self.inputs, self.square, self.columns = fits, inputs, square[seen], columns
        self.tree = cKDTree(inputs(x[seen]))
        self.least = 1e-3 * np.sqrt(np.mean(self.square, axis=0)) + 1e-300

    def scale(self, x: np.ndarray) -> np.ndarray:
        """How far a value may be away, up to a factor, (n, k): spread of the members, and noise of the neighbours."""
        n = len(self.square)
        _, near = self.tree.query(self.inputs(x), k=min(n, max(FEWEST, round(NEIGHBOURS * n))))
        noise = np.mean(self.square[near.reshape(len(x), -1)], axis=1)
        values = [f.problem.coordinates(f._predict(x[:, self.columns])) for f in self.fits]
        spread = np.var(values, axis=0, ddof=1)
        return np.maximum(np.sqrt(spread + noise), self.least)


def ensemble(fit: Record, members: int) -> Ensemble:
    """The ensemble of a fit, trained when it is first asked for.

    Each member is the same network, fitted by the same method to rows drawn with repetition from the training rows; the
    rows that a member has not seen tell how large the noise is, and where.
    """
    if isinstance(members, bool) or not isinstance(members, (int, np.integer)) or members < 2:
        raise ArgumentError(f"members={members!r} must be a whole number >= 2")
    if members not in fit._ensembles:
        fit._ensembles[members] = _trained(fit, members)
    return fit._ensembles[members]


def _trained(fit: Record, members: int) -> Ensemble:
    problem = fit.problem
    if problem.exact:
        raise ArgumentError("kind='ensemble' is for data with noise; the error of a known function is measured")
    x, y = problem.train
    n = len(x)
    if problem.sizes()["train"] > n:
        held = f"{n} of {problem.sizes()['train']} training rows"
        raise ArgumentError(f"kind='ensemble': the model file holds {held}; fit again")
    method, model = recipe(fit)
    inputs = fit.made.details.get("inputs") if isinstance(fit.made, Solved) else None  # those that were found to matter
    columns = list(range(x.shape[1])) if inputs is None else list(inputs)
    fits: list[Record] = []
    total, times = np.zeros(y.shape), np.zeros((n, 1))
    for k in range(members):
        seed = int(np.random.SeedSequence([fit.seed, 0xE75, k]).generate_state(1)[0])
        rows = np.random.default_rng(seed).integers(0, n, n)
        part = replace(
            problem, train=(x[rows], y[rows]), function=None, rows=None,
            weights=None if problem.weights is None else problem.weights[rows],
            gradients=None if problem.gradients is None else problem.gradients[rows],
        )  # fmt: skip
        part = part if inputs is None else restricted(part, columns)
        member = fit_problem(part, method=method, model=model, seed=seed, dtype=str(fit.dtype))
        fits.append(member)
        out = np.setdiff1d(np.arange(n), rows)
        total[out] += np.square(problem.coordinates(member._predict(x[out][:, columns])) - problem.coordinates(y[out]))
        times[out] += 1
    square = np.where(times > 0, total / np.maximum(times, 1), np.nan)
    return Ensemble(fits, fit.model.scaling.inputs, x, square, columns)


def recipe(fit: Record) -> tuple[Method, MLPSpec | None]:
    """The method and the widths that made a fit: of an automatic choice, those that it chose.

    ArgumentError for a network or a loss that cannot be made again from its description.
    """
    from surefit import nn

    network = fit.network
    while isinstance(network, (Blend, Clipped)):  # of a mean of models the one that it begins with
        network = network.first if isinstance(network, Blend) else network.network
    if type(network) is not nn.MLP:
        raise ArgumentError("kind='ensemble' makes the network again; it must be a perceptron: model=(64, 64)")
    described = network.settings()
    if described is None:
        raise ArgumentError("kind='ensemble': the network's activation is a function of your own; name one")
    activation, bias = described["activation"], described.get("bias", True)
    activation = activation if isinstance(activation, str) else tuple(activation)
    model = MLPSpec(tuple(described["hidden"]), activation, described["dropout"], bias)
    name = str(fit.method.get("solver", fit.method["method"]))
    kind = METHODS[name if name in METHODS else "adam"]
    if kind is Additive:
        return Additive(units=described["hidden"][0] // described["n_in"]), None
    if kind is Polynomial:  # which makes its own network
        return Polynomial(degree=1 if not described["hidden"] else 2), None
    known = {f.name for f in fields(kind)}
    same = fit.method["method"] == kind.name  # the settings of an automatic choice are not those of what it chose
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in fit.method.items() if same and k in known}
    return method_from(kind.name, **settings), model


__all__ = ["Ensemble", "Interval", "conformal_radius", "ensemble", "held_out", "interval", "recipe"]
