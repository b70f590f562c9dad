"""Several networks of one shape at once: restarts, of which the best is kept, and ensembles, which keep all.

Networks share the data; seeds of weights and order differ. Each trains in a thread of its own, as many at a time as
there are cores, and native training holds no lock, so that K networks on C cores take little more than K / C times one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.errors import ArgumentError
from surefit.problems.problem import Problem

if TYPE_CHECKING:
    from surefit.fitting.fitted import Fit


def seeds_of(seed: int, count: int) -> list[int]:
    """The seed itself, then others made from it."""
    more = np.random.SeedSequence([seed, 0x5EED]).generate_state(max(0, count - 1))
    return [seed, *(int(s) for s in more)]


def whole_number(name: str, value: Any, least: int) -> int:
    """The value as an int. ArgumentError when it is none, or less than `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name}={value!r} must be a whole number >= {least}")
    return int(value)


def positive_number(name: str, value: Any) -> float | None:
    """The value as a float, None as None. ArgumentError when it is no finite number > 0."""
    if value is None:
        return None
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (number and 0 < value < math.inf):
        raise ArgumentError(f"{name}={value!r} must be a number > 0")
    return float(value)


def fit_each(problem: Problem, seeds: Sequence[int], fit_one: Callable[..., Fit]) -> list[Fit]:
    """One Fit for each seed, in order; `fit_one(problem, seed=, first=, halted=)` makes one.

    Ctrl-C stops all of them, and each keeps its best weights so far. The first error of one stops the others and is
    raised.
    """
    from surefit.compiler.threads import cores

    halt = threading.Event()
    pool = ThreadPoolExecutor(max(1, min(cores(), len(seeds))))
    jobs = [pool.submit(fit_one, problem, seed=s, first=i == 0, halted=halt.is_set) for i, s in enumerate(seeds)]
    interrupted = False
    try:
        wait(jobs, return_when=FIRST_EXCEPTION)
    except KeyboardInterrupt:
        interrupted = True
    broken = next((j.exception() for j in jobs if j.done() and j.exception() is not None), None)
    if interrupted or broken is not None:
        halt.set()
        for job in jobs:
            job.cancel()
    pool.shutdown(wait=True)
    if broken is not None:
        raise broken
    fits = [j.result() for j in jobs if not j.cancelled()]
    for one in fits:
        one.interrupted |= interrupted
    return fits


def deciding(fit: Fit) -> float:
    """The loss by which a fit is chosen: the best on validation data, or else on training data.

    The losses of a solver's history are of training rows and of attempts that were given up, so its network itself is
    judged, as the solver does it: a known function by the largest error, measured data by the validation rows.
    """
    if "stage" in fit.method:
        return _judged(fit)
    rows = [r["train_loss"] if r["validation_loss"] is None else r["validation_loss"] for r in fit.history]
    finite = [r for r in rows if math.isfinite(r)]
    return min(finite, default=fit.error.rmse)


def _judged(fit: Fit) -> float:
    from surefit.fitting.solving import is_exact

    problem = fit.problem
    if is_exact(problem):
        return fit.error.max
    held = problem.validation is not None
    x, y = problem.validation or problem.train
    weights = problem.validation_weights if held else problem.weights
    square = np.mean(((fit._predict(x) - y) / fit.model.y_scale.numpy()) ** 2, axis=1)
    return math.sqrt(float(np.average(square, weights=weights)))


def best_of(fits: Sequence[Fit]) -> Fit:
    """The fit with the smallest deciding loss, which says how the others did."""
    losses = [deciding(f) for f in fits]
    chosen = fits[int(np.argmin(losses))]
    chosen.method["restarts"] = len(fits)
    chosen.restarts = losses
    return chosen


@dataclass(eq=False)
class Ensemble:
    """Fits of the same problem that differ in their seeds: `predict` is their mean, `spread` how far they differ.

    The spread tells where the networks are not certain of each other. It is no error bound: they can agree and be
    wrong.
    """

    fits: list[Fit]

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)} fits of {self.fits[0].target}>"

    def __str__(self) -> str:
        head = f"ensemble of {len(self)} fits of {self.fits[0].target}"
        rows = [f"  seed {f.seed}: max |error| {f.error.max:.3g}, rmse {f.error.rmse:.3g}" for f in self.fits]
        return "\n".join([head, *rows])

    def _all(self, points: Any) -> np.ndarray:
        return np.stack([one.predict(points) for one in self.fits])

    def predict(self, points: Any, return_std: bool = False) -> Any:
        """The mean over the fits at points (n, d) -> (n,) or (n, k); with return_std also their standard deviation."""
        values = self._all(points)
        mean = values.mean(axis=0)
        return (mean, values.std(axis=0, ddof=1)) if return_std else mean

    __call__ = predict

    def spread(self, points: Any) -> np.ndarray:
        """The standard deviation over the fits at points (n, d) -> (n,) or (n, k)."""
        return self._all(points).std(axis=0, ddof=1)


def ensemble(target: Any, domain: Any = None, *, members: int = 5, **arguments: Any) -> Ensemble:
    """`members` fits of one target that differ in their seeds, trained at once over the cores; all are kept.

    The other arguments are those of `fit`. ArgumentError for fewer than two members, or a model that is a Module
    (which can be trained only once: give widths or an MLPSpec).

    >>> import surefit
    >>> group = surefit.ensemble("x**2", "x=-1:1", members=3, model=(8,), method=surefit.Adam(epochs=2))
    >>> mean, spread = group.predict([0.0, 0.5], return_std=True)
    >>> mean.shape, spread.shape
    ((2,), (2,))
    """
    from surefit.fitting.entry import fits_of

    return Ensemble(fits_of(target, domain, count=whole_number("members", members, 2), **arguments))


__all__ = ["Ensemble", "best_of", "deciding", "ensemble", "fit_each", "positive_number", "seeds_of", "whole_number"]
