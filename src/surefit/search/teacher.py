"""Teachers: Gaussian processes of measured data with few rows, from which a small network learns.

A Gaussian process uses all rows, finds a scale for each input, and knows without a split how well it predicts: what
each row is missed by when it is left out follows from its own equations. Those of several kernels and means are
averaged, with the weights with which the rows left out are missed least. The network that is shipped learns from as
many values of its teacher as it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from surefit.data import Domain, sample
from surefit.problems.problem import Problem
from surefit.search.judging import Measured
from surefit.search.limits import (
    FOLDS,
    FOLDS_OF_MORE,
    ITERATIONS_OF_MORE,
    LEAST_SHARE,
    LOOKED_AT,
    MOST_ALONE,
    MOST_REFITTED,
    MOST_REFITTED_SHORTLY,
    MOST_ROWS_TAUGHT,
    MOST_SEARCHED,
    MOST_TAUGHT_INPUTS,
    ROWS_FOR_LINEAR,
    ROWS_OF_LENGTHS,
    SPOILT,
    STACK_RIDGE,
    STARTS_OF_MANY,
)
from surefit.sentences import Sentence, say
from surefit.solvers.gaussian_process import GaussianProcess

NAMES = {"matern52": "Matern 5/2", "rbf": "RBF"}


@dataclass(frozen=True)
class Process:
    """How a Gaussian process of some outputs is made again from the rows."""

    outputs: tuple[int, ...]
    kernel: str
    mean: str
    theta: tuple[float, ...]
    share: float = 1.0  # of the mean


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
    _made: tuple[GaussianProcess, ...] = field(default=(), repr=False)

    @cached_property
    def made(self) -> tuple[GaussianProcess, ...]:
        """The processes, conditioned on the rows."""
        return self._made or tuple(
            GaussianProcess(p.kernel, p.mean, noise=self.noise).refit(
                self.x, self.y[:, list(p.outputs)], p.theta, self.weights
            )
            for p in self.parts
        )

    @property
    def words(self) -> Sentence:
        """What it is."""
        kernels = list(dict.fromkeys(NAMES[p.kernel] for p in self.parts))
        code = "teacher-process" if len(self.parts) == 1 else "teacher-processes"
        return say(code, kernels=", ".join(kernels))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Values at points (m, d) -> (m, k)."""
        return self._mean([process.predict(x) for process in self.made])

    def deviation(self, x: np.ndarray) -> np.ndarray:
        """By how much a new value may differ from `predict`, as a standard deviation, (m, k)."""
        return self._deviation([process.predict(x, return_std=True) for process in self.made])

    def changes(self, box: Domain) -> np.ndarray | None:
        """How fast values change along each input, (d,): box widths in length scales; None if they do not change."""
        found = np.zeros(self.x.shape[1])
        for part, process in zip(self.parts, self.made, strict=True):
            found += part.share * box.width / process.length_scale_
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
        missed or by that of what is missed in deviations. Which is nearer nobody knows beforehand, they err to both
        sides, and their geometric mean errs least; it is no more than what the rows are missed by. Else, as with most
        measured tables: what the rows left out are missed by.
        """
        mean, deviation = self.left_out()
        miss = mean - self.y
        most = root_mean_square(miss)
        if not spread_evenly(self.x, box):
            return most
        points = sample(box, LOOKED_AT, "latin_hypercube", generator=np.random.default_rng([seed, 0xB0C5]))
        over = root_mean_square(self.deviation(points))
        at_rows = root_mean_square(self._deviation([process.leave_one_out() for process in self.made]))
        in_deviations = root_mean_square(miss / np.maximum(deviation, 1e-300)) * over
        carried = np.sqrt(in_deviations * most * over / np.maximum(at_rows, 1e-300))
        return np.asarray(np.minimum(most, carried))

    @property
    def without_noise(self) -> bool:
        """Whether it follows the values and finds no noise in them.

        Of every output the rows left out are missed by less than by their mean, and by more than twice the noise.
        """
        square, whole = np.zeros(self.y.shape[1]), np.zeros(self.y.shape[1])
        for part, process in zip(self.parts, self.made, strict=True):
            square[list(part.outputs)] += part.share * process.noise_**2
            whole[list(part.outputs)] += part.share
        miss = root_mean_square(self.left_out()[0] - self.y)
        return bool(((miss < self.y.std(axis=0)) & (np.sqrt(square / whole) <= 0.5 * miss)).all())

    def _mean(self, values: list[np.ndarray]) -> np.ndarray:
        total, whole = np.zeros((len(values[0]), self.y.shape[1])), np.zeros(self.y.shape[1])
        for part, value in zip(self.parts, values, strict=True):
            total[:, list(part.outputs)] += part.share * value
            whole[list(part.outputs)] += part.share
        return total / whole

    def _deviation(self, each: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Of a mixture: the mean variance, and the variance of the means."""
        mean = self._mean([m for m, _ in each])
        square = self._mean([s**2 + m**2 for m, s in each])
        return np.sqrt(np.maximum(square - mean**2, self._mean([s**2 for _, s in each])))

    def to_dict(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """It as plain data and as arrays, for files."""
        parts = [[list(p.outputs), p.kernel, p.mean, list(p.theta), p.share] for p in self.parts]
        arrays = {"x": self.x, "y": self.y}
        if self.left_out_rows is not None:
            arrays |= {"left_out": self.left_out_rows[0], "deviation": self.left_out_rows[1]}
        arrays |= {} if self.weights is None else {"weights": self.weights}
        return {"kind": "processes", "noise": self.noise, "parts": parts}, arrays

    @classmethod
    def from_dict(cls, data: dict[str, Any], arrays: dict[str, np.ndarray]) -> Processes:
        """What `to_dict` gave."""
        parts = tuple(
            Process(tuple(o), kernel, mean, tuple(theta), *share) for o, kernel, mean, theta, *share in data["parts"]
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
    def rmse(self) -> np.ndarray:
        """What is expected of the network for each output, (k,): the error of its teacher and its distance from it."""
        pairs = zip(self.estimate.outputs, self.distance.outputs, strict=True)
        return np.array([np.hypot(a.rmse, b.rmse) for a, b in pairs])

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


def root_mean_square(a: np.ndarray) -> np.ndarray:
    """Of each column (n, k) -> (k,)."""
    return np.asarray(np.sqrt(np.mean(a**2, axis=0)))


def spread_evenly(x: np.ndarray, box: Domain) -> bool:
    """Whether rows (n, d) may have been drawn evenly over their box: no column clusters, and no two go together.

    Each column against the uniform distribution (Kolmogorov and Smirnov), and each two by their correlation, at levels
    that even samples pass but for one of some hundreds.
    """
    n, d = x.shape
    if (np.ptp(x, axis=0) == 0).any():
        return False
    unit = (np.sort(x, axis=0) - box.low) / box.width
    steps = np.arange(n + 1)[:, None] / n
    if max(np.abs(unit - steps[1:]).max(), np.abs(unit - steps[:-1]).max()) > 1.9 / np.sqrt(n):
        return False
    together = np.abs(np.corrcoef(x.T) - np.eye(d)).max() if d > 1 else 0.0
    return bool(together <= 4.0 / np.sqrt(n))


def can_teach(problem: Problem) -> bool:
    """Whether Gaussian processes are tried on a problem: measured data of few rows and inputs, without gradients.

    A target of two values, such as an indicator of a class, is no smooth function with noise.
    """
    (n, d), y = problem.train[0].shape, problem.train[1]
    fits = 4 <= n <= MOST_ROWS_TAUGHT and d <= MOST_TAUGHT_INPUTS
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
    groups = [(j,) for j in range(y.shape[1])] if y.shape[1] <= MOST_ALONE else [tuple(range(y.shape[1]))]
    means = ("constant", "linear") if n >= ROWS_FOR_LINEAR * (d + 1) else ("constant",)
    starts = STARTS_OF_MANY if n > ROWS_OF_LENGTHS // 2 else 2 * STARTS_OF_MANY
    made: list[tuple[Process, GaussianProcess]] = []
    for outputs in groups:
        columns = list(outputs)
        tried: list[tuple[np.ndarray, GaussianProcess]] = []
        for kernel, mean in product(NAMES, means):
            if tried and stop():
                break
            first = None if mean == means[0] else tried[-1][1].theta  # what the same kernel had found
            count = starts if first is None else 1
            process = GaussianProcess(kernel, mean, noise=noise, seed=seed, starts=count, stop=stop)
            process.fit(x[part], y[part][:, columns], None if weights is None else weights[part], first)
            miss = process.leave_one_out()[0] - y[part][:, columns]
            spread = y[part][:, columns].std(axis=0)
            tried.append(((miss / np.where(spread > 0, spread, 1.0)).ravel(), process))
        for share, (_, process) in zip(shares([miss for miss, _ in tried]), tried, strict=True):
            if share > 0.0:
                if n > len(part):
                    process = process.refit(x, y[:, columns], process.theta, weights)
                theta = tuple(process.theta.tolist())
                made.append((Process(outputs, process.kernel, process.mean, theta, float(share)), process))
    teacher = Processes(x, y, weights, noise, tuple(p for p, _ in made), None, tuple(p for _, p in made))
    if n <= MOST_REFITTED_SHORTLY:
        teacher.left_out_rows = _refitted(teacher, rng, stop)
    return teacher


def shares(misses: list[np.ndarray]) -> np.ndarray:
    """The shares (m,) of the mean of m models that misses rows least, of what each misses them by, (n,).

    They are not negative and their sum is 1 (Breiman 1996, Stacked regressions). A ridge keeps those of models that are
    nearly alike near each other. A share below `LEAST_SHARE` is none.

    >>> shares([np.array([1.0, -1.0, 1.0]), np.array([-1.0, 1.0, 1.0])]).round(3).tolist()
    [0.5, 0.5]
    """
    from scipy.optimize import nnls

    errors, m = np.array(misses), len(misses)
    gram = errors @ errors.T / max(1, errors.shape[1])
    size = float(np.trace(gram))
    if m == 1 or not 0.0 < size < np.inf:
        return np.full(m, 1.0 / m)
    gram = gram / size
    gram[np.diag_indices(m)] *= 1.0 + STACK_RIDGE
    root = np.linalg.cholesky(gram + 1e-12 * np.eye(m)).T
    one = 1e4  # the weight of the equation that says that they are 1 in all
    found, _ = nnls(np.vstack([root, np.full((1, m), one)]), np.r_[np.zeros(m), one])
    found = np.where(found >= LEAST_SHARE * found.sum(), found, 0.0)
    return np.asarray(found / found.sum())


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
    for fold in np.array_split(rng.permutation(n), min(n, FOLDS) if few else FOLDS_OF_MORE):
        rest = np.setdiff1d(np.arange(n), fold)
        others = None if weights is None else weights[rest]
        made = []
        for p in teacher.parts:
            asked = stop if few else _after(ITERATIONS_OF_MORE, stop)
            again = GaussianProcess(p.kernel, p.mean, noise=teacher.noise, starts=1, stop=asked)
            first = p.theta if n > MOST_SEARCHED else None
            made.append(again.fit(x[rest], y[rest][:, list(p.outputs)], others, first))
        if stop():
            break
        without = Processes(x[rest], y[rest], others, teacher.noise, teacher.parts, None, tuple(made))
        found, spread = without.predict(x[fold]), without.deviation(x[fold])
        if few or not _spoilt(found - y[fold], spread):
            mean[fold], deviation[fold] = found, spread
    return mean, deviation


def _spoilt(miss: np.ndarray, deviation: np.ndarray) -> bool:
    """Whether values are so many deviations off that rounding has spoilt a covariance that was nearly singular."""
    return bool(np.sqrt(np.mean((miss / np.maximum(deviation, 1e-300)) ** 2)) > SPOILT)


def _after(iterations: int, stop: Callable[[], bool]) -> Callable[[], bool]:
    """What is asked after each iteration of a search that is to have few of them."""
    left = iterations

    def asked() -> bool:
        nonlocal left
        left -= 1
        return left <= 0 or stop()

    return asked


__all__ = ["Process", "Processes", "Taught", "can_teach", "shares", "teacher_of"]
