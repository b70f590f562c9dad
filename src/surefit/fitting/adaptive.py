"""Adaptive sampling: training stops a few times to add points where the error is largest.

The automatic form of `Sampling.extra_box`. New points have a density that follows the square of the error: the rule
RAR-D of Wu, Zhu, Tan, Kartha and Lu (2023, A comprehensive study of non-adaptive and residual-based adaptive
sampling).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from surefit.attempts.descent import Callback, Epoch, Finished, Outcome, Started, plan, train
from surefit.attempts.methods import FirstOrder
from surefit.data import Domain, face_points, sample
from surefit.errors import ArgumentError
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem

CANDIDATES, MOVES = 4, 4  # evaluations for each point that is added: where it starts, and steps it then takes
ON_FACES = 0.2  # of the candidates: a uniform sample has none there


def with_worst(
    problem: Problem, predict: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, count: int | None = None
) -> Problem:
    """The problem with more training points, where `predict` is far from the function; None: as many as it plans."""
    function, sampling = problem.function, problem.plan
    if function is None or sampling is None:
        raise ArgumentError("adaptive: needs a function that can be asked for more values")
    scale = np.maximum(problem.train[1].std(axis=0), 1e-300)

    def error(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = function(x)
        size = np.square((predict(x) - y) / scale).sum(axis=1)
        return np.where(np.isfinite(size), size, 0.0), y

    x, y = worst_points(error, problem.domain, sampling.added(problem.domain) if count is None else count, rng)
    y = sampling.noisy(y, rng)
    weights = problem.weights
    if weights is not None:
        if not callable(sampling.weights):
            raise ArgumentError("weights: an array has none for the points that adaptive adds; give a function instead")
        more = sampling.row_weights(x, y)
        assert more is not None
        weights = np.concatenate([weights, more])
    slopes = problem.slopes
    if slopes is not None:
        assert problem.slope_function is not None
        slopes = np.concatenate([slopes, problem.slope_function(x)])
    train = (np.concatenate([problem.train[0], x]), np.concatenate([problem.train[1], y]))
    return replace(problem, train=train, weights=weights, slopes=slopes, added=(*problem.added, len(x)))


def worst_points(
    error: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], box: Domain, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """About `count` points, all different, with the density of `error`, and the values there.

    error: points (n, d) -> their squared errors (n,), 0 where a point is of no use, and values (n, k).

    Candidates over the box and its faces are drawn again in proportion to their errors, which repeats the worst; then
    each takes a few steps of Metropolis' method, which spreads them over the region where the error is large, however
    small it is. Points on a face stay on it.
    """
    n = CANDIDATES * count
    faces = round(ON_FACES * n) if box.dim > 1 else 0
    x = np.concatenate([sample(box, n - faces, "uniform", generator=rng), face_points(box, faces, rng)])
    size, y = error(x)
    useful = np.isfinite(y).all(axis=1)
    total = size.sum()
    chosen = rng.choice(n, count, p=size / total if total > 0 else useful / useful.sum())
    x, y, size = x[chosen], y[chosen], size[chosen]
    free = (x > box.low) & (x < box.high)
    radius = box.width * n ** (-1.0 / box.dim)  # the distance of the candidates from each other
    for _ in range(MOVES):
        tried = np.clip(x + rng.uniform(-1.0, 1.0, x.shape) * radius * free, box.low, box.high)
        there, values = error(tried)
        go = (rng.random(count) * size < there) & (there > 0)
        x, size, y = np.where(go[:, None], tried, x), np.where(go, there, size), np.where(go[:, None], values, y)
    _, first = np.unique(x, axis=0, return_index=True)
    return x[np.sort(first)], y[np.sort(first)]


def train_adaptively(
    model: Scaled,
    problem: Problem,
    method: FirstOrder,
    predict: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int,
    time: float | None = None,
    good_enough: Callable[[], bool] | None = None,
    callbacks: Sequence[Callback] = (),
    jit: bool | None = None,
    halted: Callable[[], bool] | None = None,
) -> tuple[Outcome, Problem]:
    """`train` in adaptive + 1 parts of the same number of epochs, with points added between them; the last problem.

    Each part has a learning-rate schedule of its own, a warm restart. The scaling stays that of the first points.
    """
    assert problem.plan is not None
    parts = problem.plan.adaptive + 1
    epochs = max(1, plan(method, len(problem.train[0]))[2] // parts)
    each = replace(method, epochs=epochs, patience=None if method.patience == "auto" else method.patience)
    rng = np.random.default_rng([seed, 0xADA])
    whole = _Whole(callbacks, parts * epochs, good_enough)
    for part in range(parts):
        if part:
            model.eval()
            problem = with_worst(problem, predict, rng)
        whole.add(
            train(
                model, problem, each, seed=seed + part * 1_000_003,
                time=None if time is None else (time - whole.outcome.seconds) / (parts - part),
                good_enough=whole.good_enough, callbacks=[whole.hear], jit=jit, halted=halted,
            )
        )  # fmt: skip
        if not whole.ended and halted is not None and halted():
            whole.ended, whole.outcome.stop_reason = True, "stopped from outside; the best weights so far are kept"
        if whole.ended:
            break
    if not whole.ended and time is not None and whole.outcome.seconds >= time:
        whole.outcome.stop_reason = f"time={time:g} s used up"  # the last part knows only its share
    elif not whole.ended and len(whole.outcome.history) == parts * epochs:
        whole.outcome.stop_reason = f"all {parts * epochs} epochs done, in {parts} parts with points added between them"
    for callback in callbacks:
        callback(Finished(whole.outcome.stop_reason, whole.outcome.seconds))
    return whole.outcome, problem


class _Whole:
    """Several parts of a training as one: events and outcome count on from part to part."""

    def __init__(self, callbacks: Sequence[Callback], epochs: int, good_enough: Callable[[], bool] | None) -> None:
        self.callbacks, self.epochs = callbacks, epochs
        self.outcome = Outcome()
        self.ended = False
        self.good_enough = None if good_enough is None else lambda: self._end(good_enough())

    def _end(self, now: bool) -> bool:
        self.ended = self.ended or now
        return now

    def hear(self, event: Any) -> bool:
        """Pass an event on; whether a callback wants to stop."""
        done = self.outcome
        if isinstance(event, Finished) or (isinstance(event, Started) and done.history):
            return False
        if isinstance(event, Started):
            event = replace(event, epochs=self.epochs)
        elif isinstance(event, Epoch):
            event = replace(
                event, epoch=len(done.history) + event.epoch, epochs=self.epochs, step=done.steps + event.step,
                seconds=done.seconds + event.seconds,
            )  # fmt: skip
        answers = [callback(event) for callback in self.callbacks]
        return self._end(any(answer is True for answer in answers))

    def add(self, part: Outcome) -> None:
        """Take in the outcome of a part."""
        whole = self.outcome
        epochs = len(whole.history)
        whole.history += [
            {**row, "epoch": epochs + row["epoch"], "seconds": whole.seconds + row["seconds"]} for row in part.history
        ]
        whole.best_epoch = whole.best_epoch if part.best_epoch is None else epochs + part.best_epoch
        whole.steps, whole.seconds = whole.steps + part.steps, whole.seconds + part.seconds
        whole.warnings += part.warnings
        whole.interrupted = part.interrupted
        whole.stop_reason = part.stop_reason
        self.ended = self.ended or part.interrupted or bool(part.warnings)


__all__ = ["train_adaptively", "with_worst", "worst_points"]
