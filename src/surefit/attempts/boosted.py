"""Boosted trees, written as a network: grown on all rows, and beside that without each fold, which tells how good.

Trees find thresholds, which smooth networks approach slowly, and they follow each input in whatever units it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.members import joined
from surefit.attempts.methods import Solver
from surefit.attempts.progress import Progress
from surefit.attempts.training import row_weights
from surefit.models.scaled import scaled
from surefit.models.trees import Trees
from surefit.sentences import say
from surefit.solvers.boosting import boost

RATE, FASTEST = 0.1, 0.3  # of boosting; of fewer trees more
BINS = 64
SEEN, MOST_SEEN = 0.7, 2000  # of the rows, and rows at most, that a tree sees
ASKED, MOST_ASKED = 0.5, 24  # of the inputs, and inputs at most
WORK = 6e8  # cells that are added up or looked at, in all: a few seconds
FEWEST = 100  # trees
LOOKED = 10  # trees after which the rows left out are looked at
PATIENCE = 200  # trees without their error becoming less


@dataclass(frozen=True, kw_only=True)
class BoostedTrees(Solver):
    """At most so many trees of a depth for each output, and `folds` times as many to estimate the error."""

    name: ClassVar[str] = "trees"
    trees: int = 1000
    depth: int = 6
    folds: int = 10


def boosted_trees(attempt: Attempt, method: BoostedTrees, progress: Progress) -> Outcome | None:
    """Grow the trees; None where no input varies, or time was up before there were some."""
    problem = attempt.problem
    apart = problem.plan is not None and problem.plan.apart and problem.validation is not None
    validated = len(problem.validation[0]) if problem.validation is not None else 0
    problem = joined(problem)
    model = scaled(attempt.network, problem, True, attempt.dtype)
    x, y = model.rows(problem.train)
    (n, d), k = x.shape, y.shape[1]
    rng = np.random.default_rng([attempt.seed, 0x7EE5])
    weights = np.ones(n) if problem.weights is None else row_weights(problem.weights, y.dtype)[:, 0]
    fold = np.zeros(n, int) if apart else rng.permutation(n) % min(method.folds, n)
    out = np.arange(n) < validated if apart else np.ones(n, bool)  # rows that tell: a fold of rows apart has relatives
    folds = 1 if apart else min(method.folds, n)
    counts = np.tile(weights[:, None], (1, folds if apart else folds + 1))
    counts[np.flatnonzero(out), fold[out]] = 0.0
    members = counts.shape[1]  # of each output; the last is the one that is kept
    rows, columns = min(round(SEEN * n), MOST_SEEN), min(-(-d // 2) if d > 2 else d, MOST_ASKED)
    each = k * members * columns * (rows * method.depth + BINS * 2**method.depth)
    trees = int(min(method.trees, max(FEWEST, WORK // each)))
    rate = min(FASTEST, RATE * (method.trees / trees) ** 0.5)
    stage = say("stage-trees", trees=trees, depth=method.depth)
    if progress.started(trees // LOOKED, 1, trees * k * 2**method.depth):
        return None
    before = len(progress.history)
    best, best_loss, missed = 0, np.inf, np.zeros((n, k))

    def after(number: int, values: np.ndarray) -> bool:
        nonlocal best, best_loss, missed
        if number % LOOKED and number < trees:
            return progress.out_of_time(attempt.share)
        found = values.reshape(n, k, members)
        miss = found[np.arange(n), :, fold] - y
        loss = float(np.average(np.mean(miss[out] ** 2, axis=1), weights=weights[out]))
        better = loss < best_loss
        if better:
            best, best_loss, missed = number, loss, miss
        own = float(np.average(np.mean((found[:, :, -1] - y) ** 2, axis=1), weights=weights))
        stop = progress.iteration(-(-number // LOOKED), -(-trees // LOOKED), own, loss, better, stage=stage, lr=rate)
        return stop or number - best >= PATIENCE or progress.out_of_time(attempt.share)

    grown = boost(
        x, np.repeat(y, members, axis=1), np.tile(counts, (1, k)), rng, trees=trees, depth=method.depth, rate=rate,
        rows=rows, columns=columns, bins=BINS, after=after,
    )  # fmt: skip
    if grown is None or not best:
        return None

    def kept(a: np.ndarray) -> Any:  # (trees, models, j) -> (k, trees, j)
        return a[:best, members - 1 :: members].transpose(1, 0, 2)

    start = grown.start[members - 1 :: members]
    network = Trees(kept(grown.inputs), kept(grown.low), kept(grown.high), kept(grown.leaves), start)
    network.to(attempt.dtype)
    model = scaled(network, problem, True, attempt.dtype)
    network.eval()
    return Outcome(
        network=network, problem=attempt.problem if apart else problem, model=model,
        stage=say("stage-trees", trees=best, depth=method.depth),
        reason=progress.over or say("trees-done", trees=best),
        row=before + -(-best // LOOKED), details={"solver": "trees", "folds": folds},
        left_out=None if apart else missed,
    )  # fmt: skip


__all__ = ["BoostedTrees", "boosted_trees"]
