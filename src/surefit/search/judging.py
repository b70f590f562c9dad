"""How large an error is that can only be sampled: at points never trained on, and uphill from the worst of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from surefit.problems.problem import Points, Problem


@dataclass(frozen=True)
class Measured:
    """An error that was sampled: `max` is the largest |fit - target| seen, a lower bound of the true maximum.

    max, at: the largest error and where; rmse; relative_l2: the root of sum (fit - target)^2 / sum target^2; n: how
    many points; on: what they were.
    """

    max: float
    at: dict[str, float]
    rmse: float
    relative_l2: float
    n: int
    on: str

    def __str__(self) -> str:
        where = ", ".join(f"{k}={v:.4g}" for k, v in self.at.items())
        return f"{self.max:.3g} at {where} (measured on {self.n} {self.on})"


class Judge:
    """Measures errors of one problem: its fresh points, or test rows, are drawn once, since a function may be slow.

    size: the largest |target| that is known.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
        self.points = problem.verification(seed)
        known = (np.abs(y).max(initial=0.0) for y in (self.points[1], problem.train[1]))
        self.size = max(float(v) for v in known)

    def measured(self, predict: Callable[[np.ndarray], np.ndarray]) -> Measured:
        """The error of a prediction."""
        return measure(predict, self.problem, self.seed, self.points)

    def within(self, predict: Callable[[np.ndarray], np.ndarray], goal: float) -> bool:
        """Whether the largest error is within a goal: a quick look at some points first."""
        x, y = (a[:: max(1, len(a) // 512)] for a in self.points)
        return bool(np.abs(predict(x) - y).max() <= goal) and self.measured(predict).max <= goal


def measure(predict: Callable[[np.ndarray], np.ndarray], problem: Problem, seed: int, points: Points) -> Measured:
    """The error of a prediction on `points`, the test rows of a table or fresh points of a known function.

    There the largest error is also looked for on the faces of the domain and by climbing from the worst points.
    """
    x, y = points
    error = np.abs(predict(x) - y)
    size, rmse = (float(np.sqrt(np.mean(np.square(v)))) for v in (y, error))
    relative = rmse / size if size > 0 else (0.0 if rmse == 0 else math.inf)
    worst = np.where(np.isnan(error), np.inf, error).max(axis=1)
    n = len(x)
    if problem.function is None:
        on = "test rows" if problem.test is not None else "training rows"
    else:
        x, worst, n = _climb(predict, problem, x, worst, seed)
        on = "fresh points"
    i = int(np.argmax(worst))
    at = {name: float(v) for name, v in zip(problem.names, x[i], strict=True)}
    return Measured(float(worst[i]), at, rmse, relative, n, on)


def _climb(
    predict: Callable[[np.ndarray], np.ndarray], problem: Problem, x: np.ndarray, worst: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Larger errors near the worst points and on the faces: points, their largest errors, and evaluations in all.

    A random search that halves its radius: it needs no derivative, so it works for any callable and at kinks.
    """
    function, box = problem.function, problem.domain
    assert function is not None

    def errors(points: np.ndarray) -> np.ndarray:
        e = np.abs(predict(points) - function(points)).max(axis=1)
        return np.where(np.isnan(e), -np.inf, e)  # outside the function's domain there is no error

    starts, steps, each = problem.effort().search
    faces = problem.edges(seed)
    points, values = x, worst
    if len(faces):
        points, values = np.concatenate([x, faces]), np.concatenate([worst, errors(faces)])
    n = len(points)
    best = np.argsort(values)[-starts:]
    tops, heights = points[best], values[best]
    rng = np.random.default_rng([seed, 0xC11B])
    radius = box.width / 20
    for _ in range(steps):
        step = rng.uniform(-1.0, 1.0, (each, *tops.shape)) * radius
        tries = np.clip(tops + step, box.low, box.high)
        found = errors(tries.reshape(-1, box.dim)).reshape(each, -1)
        pick = found.argmax(axis=0)
        better = found.max(axis=0) > heights
        heights = np.where(better, found.max(axis=0), heights)
        tops = np.where(better[:, None], tries[pick, np.arange(len(tops))], tops)
        radius, n = radius / 2**0.5, n + tries.shape[0] * tries.shape[1]
    return np.concatenate([points, tops]), np.concatenate([values, heights]), n


__all__ = ["Judge", "Measured", "measure"]
