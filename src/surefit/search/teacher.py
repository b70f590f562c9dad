"""Teachers: Gaussian processes of measured data with few rows, from which a small network learns.

A Gaussian process uses all rows, finds a scale for each input, and knows without a split how well it predicts: what
each row is missed by when it is left out follows from its own equations. Those of several kernels and means are
averaged, with the weights with which the rows left out are missed least. The network that is shipped learns from as
many values of its teacher as it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from surefit.data import Domain, sample
from surefit.problems.problem import Problem
from surefit.search.comparing import shares
from surefit.search.judging import Measured, root_mean_square, unit_of
from surefit.search.limits import (
    CATEGORIES,
    EVEN,
    FOLDS,
    FOLDS_OF_MORE,
    ITERATIONS_OF_CHOICE,
    ITERATIONS_OF_MORE,
    LEAST_NOISE,
    LEAST_SLOPE,
    LOOKED_AT,
    MANY_COLUMNS,
    MOST_ALONE,
    MOST_REFITTED,
    MOST_REFITTED_SHORTLY,
    MOST_ROWS_TAUGHT,
    MOST_SEARCHED,
    MOST_TAUGHT_INPUTS,
    MULTIPLE,
    NOISY,
    ROWS_FOR_LINEAR,
    ROWS_OF_LENGTHS,
    SPOILT,
    STARTS_OF_MANY,
    SURELY_EXACT,
    SURELY_MULTIPLIES,
)
from surefit.sentences import Sentence, say
from surefit.solvers.gaussian_process import GaussianProcess
from surefit.solvers.logarithmic_process import LogarithmicProcess

NAMES = {"matern52": "Matern 5/2", "rbf": "RBF"}
AnyProcess = GaussianProcess | LogarithmicProcess


def process_of(kernel: str, mean: str, multiplies: bool = False, **search: Any) -> AnyProcess:
    """A Gaussian process of values, or of their logarithms."""
    process = GaussianProcess(kernel, mean, **search)
    return LogarithmicProcess(process) if multiplies else process


@dataclass(frozen=True)
class Process:
    """How a Gaussian process of some outputs is made again from the rows."""

    outputs: tuple[int, ...]
    kernel: str
    mean: str
    theta: tuple[float, ...]
    share: float = 1.0  # of the mean
    inputs: tuple[int, ...] | None = None  # that it has; None: all
    logs: tuple[int, ...] = ()  # inputs of which it has the logarithm
    effects: tuple[int, ...] = ()  # of its inputs those that have an effect alone: see `GaussianProcess`
    multiplies: bool = False  # it is a process of the logarithm of the values

    def process(self, noise: float | None, **search: Any) -> AnyProcess:
        """Such a process, of no rows yet."""
        return process_of(self.kernel, self.mean, self.multiplies, noise=noise, effects=self.effects, **search)

    def of(self, x: np.ndarray) -> np.ndarray:
        """What it has of points (n, d)."""
        if self.inputs is None:
            return in_logs(x, self.logs)
        return in_logs(x, [i for i in self.logs if i in self.inputs])[:, list(self.inputs)]


@dataclass
class Processes:
    """For each output the weighted mean of a few Gaussian processes.

    x (n, d), y (n, k): the rows; weights (n,) or None. noise: of the values, None if it is estimated.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    noise: float | None
    parts: tuple[Process, ...]
    left_out_rows: tuple[np.ndarray, np.ndarray] | None = None
    _made: tuple[AnyProcess, ...] = field(default=(), repr=False)

    @cached_property
    def made(self) -> tuple[AnyProcess, ...]:
        """The processes, conditioned on the rows."""
        return self._made or tuple(
            p.process(self.noise).refit(p.of(self.x), self.y[:, list(p.outputs)], p.theta, self.weights)
            for p in self.parts
        )

    @property
    def inputs(self) -> tuple[int, ...] | None:
        """Those that any of the processes has; None: all."""
        if any(p.inputs is None for p in self.parts):
            return None
        return tuple(sorted({i for p in self.parts for i in p.inputs or ()}))

    @property
    def noise_share(self) -> float:
        """The noise that the processes see, in deviations of the values."""
        spread = deviation_of(self.y)
        parts = zip(self.parts, self.made, strict=True)
        seen = [np.mean(made.noise_ / np.where(s := spread[list(p.outputs)], s, 1.0)) for p, made in parts]
        return float(np.mean(seen))

    @property
    def words(self) -> Sentence:
        """What it is."""
        kernels = ", ".join(dict.fromkeys(NAMES[p.kernel] for p in self.parts))
        logarithms = sum(p.multiplies for p in self.parts)
        of = "-of-logarithms" if logarithms == len(self.parts) else "-of-both" if logarithms else ""
        whole = say(("teacher-process" if len(self.parts) == 1 else "teacher-processes") + of, kernels=kernels)
        return say("teacher-effects", teacher=whole, count=len(self.effects)) if self.effects else whole

    @property
    def effects(self) -> tuple[int, ...]:
        """The inputs that have an effect alone in all of the processes, of which each has all inputs."""
        return self.parts[0].effects if len({p.effects for p in self.parts}) == 1 else ()

    def of_effects(self) -> np.ndarray:
        """By how much values grow with each of these, (m, k)."""
        return self._mean([made.effects_ for made in self.made if isinstance(made, GaussianProcess)])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Values at points (m, d) -> (m, k)."""
        return self._mean([made.predict(p.of(x)) for p, made in zip(self.parts, self.made, strict=True)])

    def deviation(self, x: np.ndarray) -> np.ndarray:
        """By how much a new value may differ from `predict`, as a standard deviation, (m, k)."""
        both = zip(self.parts, self.made, strict=True)
        return self._deviation([made.predict(p.of(x), return_std=True) for p, made in both])

    def changes(self, box: Domain) -> np.ndarray | None:
        """How fast values change along each input, (d,): box widths in length scales; None if they do not change."""
        found = np.zeros(self.x.shape[1])
        for part, process in zip(self.parts, self.made, strict=True):
            own = list(range(len(found)) if part.inputs is None else part.inputs)
            low, high = (in_logs(end[None], part.logs)[0] for end in (box.low, box.high))
            found[own] += part.share * (high - low)[own] / process.length_scale_
        return found / found.max() if found.max() > 0.0 else None

    def left_out(self) -> tuple[np.ndarray, np.ndarray]:
        """What each row is predicted to be by the others, and the deviation of that, both (n, k)."""
        if self.left_out_rows is not None:
            return self.left_out_rows
        each = [process.leave_one_out() for process in self.made]
        return self._mean([mean for mean, _ in each]), self._deviation(each)

    def error(self, box: Domain, seed: int) -> np.ndarray:
        """The root mean square error of each output that is expected of new rows, (k,).

        Where the rows are spread over the whole box, as those of a simulator are: what the rows left out are missed by,
        times how much larger the deviations are over the box than at those rows, which lie nearer to the border than
        most points, and farther from the others. There are two ways to carry that over, by the mean square of what is
        missed or by that of what is missed in deviations, which are told as too small (`doubt`). Which is nearer nobody
        knows beforehand, they err to both sides, and their geometric mean errs least; it is no more than what the rows
        are missed by. Else, as with most measured tables: what the rows left out are missed by.
        """
        mean, deviation = self.left_out()
        miss = mean - self.y
        most = root_mean_square(miss)
        if not spread_evenly(self.x, box):
            return most
        points = sample(box, LOOKED_AT, "latin_hypercube", generator=np.random.default_rng([seed, 0xB0C5]))
        points = beyond_ends(points, self.x, box)
        over = root_mean_square(self.deviation(points))
        at_rows = root_mean_square(self._deviation([process.leave_one_out() for process in self.made]))
        unit, tiny = unit_of(self.y), np.finfo(np.float64).tiny
        in_deviations = root_mean_square(miss / np.maximum(deviation, tiny)) * self.doubt * (over / unit)
        carried = unit * np.sqrt(in_deviations * (most / unit) * over / np.maximum(at_rows, tiny))
        return np.asarray(np.minimum(most, carried))

    @property
    def seen_noise(self) -> np.ndarray:
        """The deviation of the noise that the processes see in each output, (k,)."""
        square, whole, unit = np.zeros(self.y.shape[1]), np.zeros(self.y.shape[1]), unit_of(self.y)
        for part, process in zip(self.parts, self.made, strict=True):
            square[list(part.outputs)] += part.share * (process.noise_ / unit[list(part.outputs)]) ** 2
            whole[list(part.outputs)] += part.share
        return np.asarray(unit * np.sqrt(square / whole))

    @property
    def without_noise(self) -> bool:
        """Whether it follows the values and finds no noise in them.

        Of every output the rows left out are missed by less than by their mean, and by more than twice the noise.
        """
        miss = root_mean_square(self.left_out()[0] - self.y)
        return bool(((miss < deviation_of(self.y)) & (self.seen_noise <= 0.5 * miss)).all())

    @cached_property
    def surely_without_noise(self) -> bool:
        """Whether the values are surely more probable to the processes than to such with `LEAST_NOISE`.

        The others have lengths of their own. Of few rows the probability hardly changes with the noise, and a search
        ends with much of it or none. Of each outputs the process with the largest share is looked at; the difference
        of two logarithms of probabilities tells (Kass and Raftery 1995, Bayes factors). More rows than `MOST_REFITTED`
        tell the noise that they have.
        """
        if self.noise is not None:  # it is known
            return self.noise_share < LEAST_NOISE
        if len(self.x) > MOST_REFITTED:
            return True
        seen: set[tuple[int, ...]] = set()
        for part, process in sorted(zip(self.parts, self.made, strict=True), key=lambda each: -each[0].share):
            if part.outputs in seen:
                continue
            seen.add(part.outputs)
            y, own = self.y[:, list(part.outputs)], process
            if isinstance(own, LogarithmicProcess):  # noise is a share of a value there
                y, own = np.log(y), own.process
            spread = deviation_of(y)
            if not spread.any():
                continue
            noise = LEAST_NOISE * float(spread[spread > 0].min())
            other = GaussianProcess(part.kernel, part.mean, noise=noise, starts=1, effects=part.effects)
            other.fit(part.of(self.x), y, self.weights)
            if own.log_density() <= other.log_density() + SURELY_EXACT:
                return False
        return True

    @property
    def unlearned(self) -> np.ndarray:
        """Which share of the mean square that rows left out are missed by is no noise, (k,)."""
        miss = root_mean_square(self.left_out()[0] - self.y)
        return np.asarray(1.0 - np.minimum(1.0, self.seen_noise / np.maximum(miss, np.finfo(np.float64).tiny)) ** 2)

    @property
    def doubt(self) -> np.ndarray:
        """By how much deviations are too small that take for known what was found from the same rows, (k,).

        The mean square error of a prediction grows by one part in n for each number that is found from n rows (Akaike
        1969, Fitting autoregressive models for prediction).
        """
        n = len(self.x)
        numbers = [np.full((1, len(p.outputs)), float(len(p.theta))) for p in self.parts]
        return np.asarray(np.sqrt(1.0 + self._mean(numbers)[0] / n))

    def _mean(self, values: list[np.ndarray]) -> np.ndarray:
        total, whole = np.zeros((len(values[0]), self.y.shape[1])), np.zeros(self.y.shape[1])
        for part, value in zip(self.parts, values, strict=True):
            total[:, list(part.outputs)] += part.share * value
            whole[list(part.outputs)] += part.share
        return total / whole

    def _deviation(self, each: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Of a mixture: the mean variance, and the variance of the means."""
        unit = unit_of(self.y)
        each = [
            (m / unit[list(p.outputs)], s / unit[list(p.outputs)]) for p, (m, s) in zip(self.parts, each, strict=True)
        ]
        mean = self._mean([m for m, _ in each])
        square = self._mean([s**2 + m**2 for m, s in each])
        return np.asarray(unit * np.sqrt(np.maximum(square - mean**2, self._mean([s**2 for _, s in each]))))

    def to_dict(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """It as plain data and as arrays, for files."""
        parts: list[list[Any]] = []
        for p in self.parts:
            own: list[Any] = [] if p.inputs is None else [list(p.inputs)]
            if p.logs or p.effects or p.multiplies:
                own = [None if p.inputs is None else list(p.inputs), list(p.logs)]
            own += [list(p.effects)] if p.effects or p.multiplies else []
            own += [True] if p.multiplies else []
            parts.append([list(p.outputs), p.kernel, p.mean, list(p.theta), p.share, *own])
        arrays = {"x": self.x, "y": self.y}
        if self.left_out_rows is not None:
            arrays |= {"left_out": self.left_out_rows[0], "deviation": self.left_out_rows[1]}
        arrays |= {} if self.weights is None else {"weights": self.weights}
        return {"kind": "processes", "noise": self.noise, "parts": parts}, arrays

    @classmethod
    def from_dict(cls, data: dict[str, Any], arrays: dict[str, np.ndarray]) -> Processes:
        """What `to_dict` gave."""
        parts = tuple(
            Process(
                tuple(o),
                kernel,
                mean,
                tuple(theta),
                *rest[:1],
                *(None if own is None else tuple(own) for own in rest[1:4]),
                *rest[4:],
            )
            for o, kernel, mean, theta, *rest in data["parts"]
        )  # an older file says no shares: they were the same
        left_out = (arrays["left_out"], arrays["deviation"]) if "left_out" in arrays else None
        return cls(arrays["x"], arrays["y"], arrays.get("weights"), data["noise"], parts, left_out)


@dataclass(frozen=True)
class Taught:
    """Whom a network learned from. estimate: the teacher's own error; distance: of the network from its teacher."""

    teacher: Processes
    estimate: Measured
    distance: Measured

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the error of the network is made of, each (k,): that of its teacher, and its distance from it.

        The third is which share of the square of the first is no noise.
        """
        error, distance = ([part.rmse for part in e.outputs] for e in (self.estimate, self.distance))
        return np.array(error), np.array(distance), self.teacher.unlearned

    def sentence(self) -> Sentence:
        """All of it in words."""
        code = "teacher" if self.estimate.status == "estimated" else "teacher-measured"
        return say(
            code, what=self.teacher.words, rmse=self.estimate.rmse, n=self.estimate.n,
            distance=self.distance.rmse, points=self.distance.n,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """It as plain data, for the card."""
        return {
            "teacher": str(self.teacher.words), "kernels": [[p.kernel, p.mean] for p in self.teacher.parts],
            "error": self.estimate.to_dict(), "distance": self.distance.to_dict(),
        }  # fmt: skip


def in_logs(x: np.ndarray, logs: Sequence[int]) -> np.ndarray:
    """Points (n, d) with the logarithms of some of their inputs."""
    if not logs:
        return x
    found = x.copy()
    found[:, list(logs)] = np.log(found[:, list(logs)])
    return found


def deviation_of(y: np.ndarray) -> np.ndarray:
    """The deviation of each column of y (n, k), whatever its size."""
    unit = unit_of(y)
    return np.asarray(unit * (y / unit).std(axis=0))


def spread_evenly(x: np.ndarray, box: Domain) -> bool:
    """Whether rows (n, d) may have been drawn evenly over their box: no column clusters, and none go together.

    Each column against the uniform distribution (Kolmogorov and Smirnov), each two by their correlation, and all
    correlations at once, at levels that even samples pass but for one of some hundreds.
    """
    n, d = x.shape
    if (np.ptp(x, axis=0) == 0).any():
        return False
    x = box.scale(x)
    unit = (np.sort(x, axis=0) + 1.0) / 2.0
    steps = np.arange(n + 1)[:, None] / n
    if max(np.abs(unit - steps[1:]).max(), np.abs(unit - steps[:-1]).max()) > 1.9 / np.sqrt(n):
        return False
    if d == 1:
        return True
    correlations = np.corrcoef(x.T)
    return bool(np.abs(correlations - np.eye(d)).max() <= 4.0 / np.sqrt(n)) and unrelated(correlations, n) >= EVEN


def beyond_ends(points: np.ndarray, x: np.ndarray, box: Domain) -> np.ndarray:
    """Points (m, d) of a box as of the one that rows x (n, d) were drawn from, where its ends are those of the rows.

    The farthest of n even numbers leave 1 / (n + 1) of them beyond on each side, and there errors are the largest. Rows
    that were spread on purpose, of which several may be at an end, have come to the ends themselves.
    """
    n = len(x)
    if n < 2 or fills_its_box(box.scale(x)):
        return points
    unit, u = box.scale(points), box.scale(x)
    alone = [(u == end).sum(axis=0) == 1 for end in (-1.0, 1.0)]
    farther = 1.0 + 2.0 / (n - 1)
    unit = np.where(((unit < 0) & alone[0]) | ((unit > 0) & alone[1]), farther * unit, unit)
    return box.unscale(unit)


def fills_its_box(x: np.ndarray) -> bool:
    """Whether rows (n, d) were spread on purpose: each column is more even than numbers drawn by chance.

    Of 20 rows that were drawn 10 % are with one column, and 1.5 % with two.
    Latin hypercubes are, and sequences of low discrepancy, which simulators are asked at; columns of a few levels, and
    what was found in the world, are not.
    """
    n, width = len(x), np.ptp(x, axis=0)
    if n < 2 or not (width > 0).all():
        return False
    unit = np.sort((x - x.min(axis=0)) / width, axis=0)
    return bool(np.abs(unit - np.linspace(0.0, 1.0, n)[:, None]).max() <= 2.0 / n)


def unrelated(correlations: np.ndarray, rows: int) -> float:
    """How probable correlations (d, d) at least as far from none are, of so many rows of unrelated columns.

    By the determinant (Bartlett 1951, The effect of standardization on a chi-square approximation in factor analysis),
    which sees columns that follow from several others, too; of fewer than three rows for each column, where that is
    mostly chance, by the sum of squares, which on average is that of a chi-square distribution (Schott 2005, Testing
    for complete independence in high dimensions).

    >>> round(unrelated(np.array([[1.0, 0.5], [0.5, 1.0]]), 20), 3)
    0.025
    """
    from scipy.special import chdtrc

    d = len(correlations)
    if rows >= 3 * d:
        spread = -(rows - 1 - (2 * d + 5) / 6) * np.linalg.slogdet(correlations)[1]
    else:
        spread = (rows - 1) * np.sum(np.triu(correlations, 1) ** 2)
    return float(chdtrc(d * (d - 1) / 2, max(0.0, spread)))


def indicators(x: np.ndarray) -> tuple[int, ...]:
    """The columns of x (n, d) that say of which of some categories a row is: runs of 0 and 1, of which a row has one 1.

    Columns of 0 alone, of categories that none of these rows has, belong to the run beside them. Of fewer than
    `CATEGORIES` columns there are none, for a length of each is soon found, nor where nothing else varies.

    >>> indicators(np.column_stack([np.arange(7), np.eye(7)[[0, 1, 2, 3, 4, 5, 6]], np.eye(2)[[0, 1, 0, 1, 0, 1, 1]]]))
    (1, 2, 3, 4, 5, 6, 7)
    """
    ones = ((x == 0.0) | (x == 1.0)).all(axis=0) & ~(x == 1.0).all(axis=0)
    none = (x == 0.0).all(axis=0)
    found: list[int] = []
    begin, total = 0, np.zeros(len(x))
    for j in range(x.shape[1]):
        if none[j] and begin == j and found and found[-1] == j - 1:
            found.append(j)
            begin = j + 1
            continue
        total = total + x[:, j]
        while begin <= j and (not ones[j] or total.max() > 1.0):
            total = total - x[:, begin]
            begin += 1
        total = total if begin <= j else np.zeros(len(x))  # without what is left of numbers by rounding
        if begin <= j and (total == 1.0).all():
            found += range(begin, j + 1) if j + 1 - begin >= CATEGORIES else []
            begin, total = j + 1, np.zeros(len(x))
    others = np.ptp(np.delete(x, found, axis=1), axis=0)
    return tuple(found) if (others > 0).any() else ()


def can_teach(problem: Problem) -> bool:
    """Whether Gaussian processes are tried on a problem: measured data of few rows and inputs, without gradients.

    A target of two values, such as an indicator of a class, is no smooth function with noise.
    """
    (n, d), y = problem.train[0].shape, problem.train[1]
    fits = 4 <= n <= MOST_ROWS_TAUGHT and d - len(indicators(problem.train[0])) <= MOST_TAUGHT_INPUTS
    if not fits or problem.function is not None or problem.gradients is not None:
        return False
    return any(((c != c.min()) & (c != c.max())).any() for c in y.T) or bool((np.ptp(y, axis=0) == 0).all())


def teacher_of(problem: Problem, seed: int, stop: Callable[[], bool]) -> Processes:
    """The teacher of a problem, found on its training rows. stop: asked while it is searched for."""
    x, y = problem.train
    n, d = x.shape
    noise = 0.0 if problem.known else None
    weights = problem.weights
    if weights is not None:
        weights = np.maximum(weights, 1e-6 * weights.max())
        if problem.noise_known:  # of a row with the mean weight
            noise = float(1.0 / np.sqrt(weights.mean()))
    rng = np.random.default_rng([seed, 0x6A])
    part = np.sort(rng.choice(n, ROWS_OF_LENGTHS, replace=False)) if n > ROWS_OF_LENGTHS else np.arange(n)
    logs = tuple(np.flatnonzero(problem.domain.log).tolist())
    at = in_logs(x, logs)
    effects = indicators(x)
    groups = [(j,) for j in range(y.shape[1])] if y.shape[1] <= MOST_ALONE else [tuple(range(y.shape[1]))]
    starts = STARTS_OF_MANY if n > ROWS_OF_LENGTHS // 2 else 2 * STARTS_OF_MANY
    made: list[tuple[Process, AnyProcess]] = []
    own = None if weights is None else weights[part]
    for outputs in groups:
        columns = list(outputs)
        values = y[part][:, columns]

        def search(inputs: tuple[int, ...] | None, values: np.ndarray = values, **own_way: Any) -> list[_Tried]:
            how = {"noise": noise, "seed": seed, "starts": starts, "stop": stop} | own_way
            return _searched(how, at[part], values, own, inputs, stop)

        tried = search(None, effects=effects) if effects else []
        if d <= MOST_TAUGHT_INPUTS and not (effects and stop()):
            other = search(None)
            if not tried or _likelihood(other) - len(effects) > _likelihood(tried):
                tried = other
        simulated = spread_evenly(x, problem.domain) and _follows(tried, deviation_of(values))
        whole = simulated or bool(tried[0].process.effects)  # how large these are says whether they take part
        few = None if whole else _inputs_in(tried, d)
        if few is not None and not stop():
            other = search(few)
            if _likelihood(other) + (d - len(few)) >= _likelihood(tried):
                tried = other
        for share, each in zip(shares([e.miss.ravel() for e in tried]), tried, strict=True):
            if share > 0.0:
                process = each.process
                if n > len(part):
                    points = at if each.inputs is None else at[:, list(each.inputs)]
                    process = process.refit(points, y[:, columns], process.theta, weights)
                theta = tuple(process.theta.tolist())
                multiplies = isinstance(process, LogarithmicProcess)
                known = Process(
                    outputs, process.kernel, process.mean, theta, float(share), each.inputs, logs, process.effects,
                    multiplies,
                )  # fmt: skip
                made.append((known, process))
    teacher = Processes(x, y, weights, noise, tuple(p for p, _ in made), None, tuple(p for _, p in made))
    if n <= MOST_REFITTED_SHORTLY:
        teacher.left_out_rows = _refitted(teacher, rng, stop)
    return teacher


class _Tried(NamedTuple):
    """A process that was searched for: what rows are missed by when they are left out, (n, k), in deviations."""

    miss: np.ndarray
    process: AnyProcess
    inputs: tuple[int, ...] | None


def _searched(
    how: dict[str, Any], x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, inputs: tuple[int, ...] | None,
    stop: Callable[[], bool],
) -> list[_Tried]:  # fmt: skip
    """Processes of some or all inputs (None) of rows x (n, d) and y (n, k), of each kernel and mean.

    Of the logarithms of the values, too, where these are more probable to one than to those of the values themselves.
    """
    points = x if inputs is None else x[:, list(inputs)]
    spread = deviation_of(y)
    spread = np.where(spread > 0, spread, 1.0)
    inside = points.shape[1] - len(how.get("effects", ()))
    means = ("constant", "linear") if len(x) >= ROWS_FOR_LINEAR * (inside + 1) else ("constant",)

    def fitted(multiplies: bool) -> list[_Tried]:
        found: list[_Tried] = []
        for kernel, mean in product(NAMES, means):
            if found and stop():
                break
            first = mean == means[0]  # else from what the same kernel had found
            process = process_of(kernel, mean, multiplies, **(how if first else how | {"starts": 1}))
            process.fit(points, y, weights, None if first else found[-1].process.theta)
            found.append(_Tried((process.leave_one_out()[0] - y) / spread, process, inputs))
            if multiplies and first and process.log_density() <= likeliest + SURELY_MULTIPLIES:
                break
        return [e for e in found if not multiplies or e.process.log_density() > likeliest + SURELY_MULTIPLIES]

    tried = fitted(False)
    likeliest = _likeliest(tried).log_density()
    if how["noise"] or weights is not None or stop():  # these are of the values
        return tried
    if "effects" in how or (y <= 0).any() or not (y.max(axis=0) >= MULTIPLE * y.min(axis=0)).any():
        return tried
    return tried + fitted(True)


def _likeliest(tried: Sequence[_Tried]) -> AnyProcess:
    """The one to which the values are most probable, of those with a constant mean: of others it is another measure."""
    plain = [e.process for e in tried if e.process.mean == "constant"]
    return max(plain, key=lambda process: process.log_density())


def _likelihood(tried: Sequence[_Tried]) -> float:
    return _likeliest(tried).log_density()


def _inputs_in(tried: Sequence[_Tried], inputs: int) -> tuple[int, ...] | None:
    """Those of many inputs on which the likeliest process depends, if they are few and there is noise.

    By its amplitude over a length, about, values change with one of an input, all in deviations. What the other inputs
    take part in is noise, if the likelihood without them is as large but for 1 for each length (Akaike 1974, A new look
    at the statistical model identification). Rows left out say less: they have chosen the lengths, two for each input.
    """
    if inputs < MANY_COLUMNS or not np.mean(tried[0].miss ** 2) >= NOISY**2:
        return None
    few = _steep(_likeliest(tried))
    return few if 0 < len(few) < inputs else None


def _follows(tried: Sequence[_Tried], spread: np.ndarray) -> bool:
    """Whether the likeliest process takes next to nothing of what rows left out are missed by for noise.

    Of the runs of a simulator the inputs with a small effect have one, and are no noise of the others.
    """
    likeliest = _likeliest(tried)
    miss = next(e.miss for e in tried if e.process is likeliest)
    return bool((likeliest.noise_ / spread <= 0.5 * root_mean_square(miss)).all())


def _steep(process: AnyProcess) -> tuple[int, ...]:
    """The inputs with which values of a process change."""
    slopes = np.exp(process.theta[0] / 2 - process.theta[1:-1])
    return tuple(process.varying[slopes > LEAST_SLOPE].tolist())


def _refitted(teacher: Processes, rng: np.random.Generator, stop: Callable[[], bool]) -> tuple[np.ndarray, np.ndarray]:
    """What rows are predicted to be by the others, whose hyperparameters are found without them, in folds.

    Of few rows the hyperparameters are half of what was learned: to keep them would be to know the row left out. Of
    very few they may be altogether different ones, which only a search from the beginning finds. Of more rows they are
    nearly the same, and a few iterations from there are enough.
    """
    x, y, weights = teacher.x, teacher.y, teacher.weights
    n = len(x)
    mean, deviation = teacher.left_out()
    few = n <= MOST_REFITTED
    order, count = rng.permutation(n), min(n, FOLDS) if few else FOLDS_OF_MORE
    folds = np.array_split(order, count)
    if teacher.effects:  # rows of one category in different folds: with all of them gone nothing tells its offset
        order = order[np.lexsort(x[order][:, list(teacher.effects)].T)]
        folds = [order[i::count] for i in range(count)]
    for fold in folds:
        rest = np.setdiff1d(np.arange(n), fold)
        others = None if weights is None else weights[rest]
        made = []
        parts = _chosen_again(teacher, rest, others, stop)
        for p, own in zip(teacher.parts, parts, strict=True):
            asked = stop if few or own.inputs != p.inputs else _after(ITERATIONS_OF_MORE, stop)
            again = own.process(teacher.noise, starts=1, stop=asked)
            inside = np.delete(own.of(x[rest]), own.effects, axis=1)
            varying = np.count_nonzero(np.ptp(inside, axis=0))
            known = own.inputs == p.inputs and varying == len(p.theta) - 2 - bool(own.effects)
            first = p.theta if n > MOST_SEARCHED and known else None
            made.append(again.fit(own.of(x[rest]), y[rest][:, list(p.outputs)], others, first))
        if stop():
            break
        without = Processes(x[rest], y[rest], others, teacher.noise, parts, None, tuple(made))
        found, spread = without.predict(x[fold]), without.deviation(x[fold])
        if few or not _spoilt(found - y[fold], spread):
            mean[fold], deviation[fold] = found, spread
    return mean, deviation


def _chosen_again(
    teacher: Processes, rest: np.ndarray, weights: np.ndarray | None, stop: Callable[[], bool]
) -> tuple[Process, ...]:
    """The parts of a teacher with the inputs that they would have had of some rows alone, where they have not all.

    Of more inputs a linear mean may have too many coefficients for these rows.
    """
    found: dict[tuple[int, ...], tuple[int, ...] | None] = {}
    for p in teacher.parts:
        if p.inputs is not None and p.outputs not in found:
            asked = _after(ITERATIONS_OF_CHOICE, stop)
            whole = replace(p, mean="constant").process(teacher.noise, starts=1, stop=asked)
            whole.fit(in_logs(teacher.x[rest], p.logs), teacher.y[rest][:, list(p.outputs)], weights)
            found[p.outputs] = _steep(whole) or p.inputs
    parts = [p if p.inputs is None else replace(p, inputs=found[p.outputs]) for p in teacher.parts]
    most = len(rest) / ROWS_FOR_LINEAR - 1
    return tuple(
        replace(p, mean="constant") if len(p.inputs or ()) > max(most, len(old.inputs or ())) else p
        for p, old in zip(parts, teacher.parts, strict=True)
    )


def _spoilt(miss: np.ndarray, deviation: np.ndarray) -> bool:
    """Whether values are so many deviations off that rounding has spoilt a covariance that was nearly singular."""
    return bool(np.sqrt(np.mean((miss / np.maximum(deviation, np.finfo(np.float64).tiny)) ** 2)) > SPOILT)


def _after(iterations: int, stop: Callable[[], bool]) -> Callable[[], bool]:
    """What is asked after each iteration of a search that is to have few of them."""
    left = iterations

    def asked() -> bool:
        nonlocal left
        left -= 1
        return left <= 0 or stop()

    return asked


__all__ = [
    "Process", "Processes", "Taught", "beyond_ends", "can_teach", "fills_its_box", "indicators", "spread_evenly",
    "teacher_of", "unrelated",
]  # fmt: skip
