"""Networks for tables, all trained in one compiled program; each without a fold of the rows, which it is judged by.

The recipe is that of RealMLP (Holzmüller, Grinsztajn and Steinwart 2024, arXiv 2407.04491): Adam with a rate that goes
up and down four times, faster and faster, always the same number of epochs, the best one kept. All members see the same
batches; a row counts nothing for those whose fold it is in. What tells the best epoch, and how good the networks are,
is the error of each at the rows of its own fold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from surefit import optim
from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.methods import Solver
from surefit.attempts.progress import Progress
from surefit.attempts.training import pinball_of, row_weights
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import MissingExtraError, RecordError
from surefit.models.members import Members
from surefit.models.monotone_members import MonotoneMembers
from surefit.models.scaled import scaled
from surefit.problems.problem import Problem
from surefit.sentences import say

RATE, DECAY = 0.1, 0.02  # of Adam, and of the weights, in units of the rate
BETAS = (0.9, 0.95)
CYCLES = 4  # ups and downs of the rate
BATCHES = (32, 64)  # rows a step, of fewer than `BATCHED` rows and of more
BATCHED = 500
VISITS = 150_000  # of rows, in all epochs: of more rows fewer epochs
FEWEST = 16  # epochs
PERIODS, MOST_PERIODIC = 8, 24  # features of each input, and inputs that get some
CHUNK = 16  # epochs without Python


@dataclass(frozen=True, kw_only=True)
class Tabular(Solver):
    """Networks for tables with two hidden layers of `units`: `folds` of them, each without a fold, `times` over.

    linear: linear functions of the inputs instead.
    """

    name: ClassVar[str] = "tabular"
    units: int = 128
    folds: int = 5
    times: int = 2
    epochs: int = 256
    linear: bool = False


def tabular(attempt: Attempt, method: Tabular, progress: Progress) -> Outcome | None:
    """Train the networks; None where nothing compiles here, or time was up before an epoch had ended."""
    problem = attempt.problem
    apart = problem.plan is not None and problem.plan.apart and problem.validation is not None
    validated = 0 if problem.validation is None else len(problem.validation[0])
    problem = joined(problem)
    n, d = problem.train[0].shape
    units = scaled(attempt.network, problem, True, ops.float32)
    x, y = (np.ascontiguousarray(part, np.float32) for part in units.rows(problem.train))
    rng = np.random.default_rng([attempt.seed, 0x7AB])
    members, folds = method.folds * method.times, min(method.folds, n)
    inside = np.ones((n, members, 1), np.float32)
    for time in range(0 if apart else method.times):
        inside[np.arange(n), time * method.folds + rng.permutation(n) % folds] = 0.0
    if apart:  # a fold of rows has relatives among the others
        inside[:validated] = 0.0
    weights = np.ones((n, 1), np.float32) if problem.weights is None else row_weights(problem.weights, x.dtype)
    counted, outside = inside * weights[:, :, None], (1.0 - inside) * weights[:, :, None]
    levels = problem.quantiles
    start = np.array([np.quantile(y[:, i], level) for i, level in enumerate(levels)]) if levels else None
    periods = PERIODS if d <= MOST_PERIODIC else 0
    within, size = (x, y.min(axis=0), y.max(axis=0), members), 0 if method.linear else method.units
    network = (
        MonotoneMembers(*within, size, periods, rng, problem.signs, start)
        if problem.signs
        else Members(*within, size, periods, rng, start)
    )
    model = scaled(network, problem, True, ops.float32)
    stage = say("stage-tabular-linear" if method.linear else "stage-tabular", members=members, units=method.units)
    epochs = max(FEWEST, min(method.epochs, VISITS // n))
    try:
        done = _train(network, [x, y, counted, outside], epochs, rng, progress, attempt, stage, levels)
    except (MissingExtraError, RecordError) as e:
        progress.warnings.append(say("not-compiled", why=str(e)))
        return None
    except KeyboardInterrupt:
        progress.interrupted = True
        return None
    if done is None:
        return None
    with no_grad():
        each = network.each(Tensor(x)).numpy().astype(np.float64)
    each = np.clip(each, y.min(axis=0), y.max(axis=0))
    left_out = None if apart else _left_out(each, 1.0 - inside[:, :, 0], y, method.times, bool(levels))
    network.to(attempt.dtype)
    model.dtype = attempt.dtype
    network.eval()
    return Outcome(
        network=network, problem=attempt.problem if apart else problem, model=model, stage=stage,
        reason=say("epochs-done", epochs=epochs),
        row=done, details={"solver": "tabular", "folds": folds}, left_out=left_out,
    )  # fmt: skip


def _left_out(each: np.ndarray, outside: np.ndarray, y: np.ndarray, times: int, as_it_is: bool) -> np.ndarray:
    """What the mean of all networks would miss rows by (n, k), if none had seen them.

    Of each row `times` networks tell, whose mean varies more than that of all: what they differ by says how much, and
    by so much is taken off, unless they are wanted as they are. each (n, m, k): the networks; outside (n, m): 1 where
    one has not seen the row.
    """
    n, m, k = each.shape
    unseen = each[outside > 0].reshape(n, times, k)
    miss = unseen.mean(axis=1) - y
    if times < 2 or as_it_is:
        return miss
    variance = unseen.var(axis=1, ddof=1).mean(axis=0)
    square = np.maximum(np.mean(miss**2, axis=0), 1e-300)
    rest = np.maximum(square - variance * (1.0 / times - 1.0 / m), 0.25 * square)
    return miss * np.sqrt(rest / square)


def joined(problem: Problem) -> Problem:
    """The problem with its validation rows, which come first, among those for training."""
    if problem.validation is None:
        return problem
    train, validation = problem.train, problem.validation
    weights = problem.weights
    if weights is not None or problem.validation_weights is not None:
        first = problem.validation_weights
        first = np.ones(len(validation[0])) if first is None else first
        weights = np.concatenate([first, np.ones(len(train[0])) if weights is None else weights])
    numbers = problem.row_numbers
    if numbers is not None:
        whole = np.concatenate([numbers["validation"], numbers["train"]])
        numbers = numbers | {"train": whole, "validation": whole[:0]}
    return replace(
        problem, validation=None,
        train=(np.concatenate([validation[0], train[0]]), np.concatenate([validation[1], train[1]])),
        weights=weights, validation_weights=None, row_numbers=numbers,
    )  # fmt: skip


def _train(
    network: Members | MonotoneMembers, data: list[np.ndarray], epochs: int, rng: np.random.Generator,
    progress: Progress, attempt: Attempt, stage: Any, levels: Sequence[float] = (),
) -> int | None:  # fmt: skip
    """Train in chunks of epochs and put the best epoch's weights back: its row of the history; None without any."""
    from surefit.compiler import TrainingLoop

    optimizer = optim.Adam(network.parameters(), lr=RATE, betas=BETAS)
    optimizer.prepare()
    rate: Tensor = optimizer.param_groups[0].leaves["lr"]

    def losses(x: Tensor, y: Tensor) -> Tensor:
        """(n, members, k)."""
        found, wanted = network.each(x), y.reshape(len(y), 1, -1)
        return pinball_of(found, wanted, levels) if levels else ops.square(found - wanted)

    def step(x: Tensor, y: Tensor, counted: Tensor, outside: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = (counted * losses(x, y)).mean(2).mean(0).sum()
        loss.backward()
        optimizer.step()
        kept = ops.cast(1.0 - rate * DECAY, dtype=ops.float32)
        for weight in network.weights:
            weight.assign(weight.detach() * kept)
        return loss

    def validate(x: Tensor, y: Tensor, counted: Tensor, outside: Tensor) -> Tensor:
        with no_grad():
            return (outside * losses(x, y)).mean(2).sum() / outside.sum()

    n = len(data[0])
    batch = min(BATCHES[n >= BATCHED], n)
    steps = -(-n // batch)
    keep = list({id(p.owner): p.owner for p in network.parameters() if p.owner is not None}.values())
    loop = TrainingLoop(step, data, batch, rate=rate, validate=validate, validation=data, keep=keep)
    progress.compile_seconds = (progress.compile_seconds or 0.0) + loop.compile_seconds
    whole = np.arange(epochs * steps) / (epochs * steps)
    cycle = 0.5 - 0.5 * np.cos(2.0 * math.pi * np.log2(1.0 + (2**CYCLES - 1) * whole))
    rates = (RATE * cycle).reshape(epochs, steps)
    before, done, stop = len(progress.history), 0, False
    while done < epochs and not stop and not progress.out_of_time(attempt.share):
        count = min(CHUNK, epochs - done)
        order = np.stack([rng.permutation(n) for _ in range(count)])
        result = loop.epochs(count, order, rates[done : done + count], first=done + 1, halted=progress.halted)
        best = int(loop.best_epoch[0])
        assert result.validation is not None
        for i, (loss, validation_loss) in enumerate(
            zip(result.train.tolist(), result.validation.tolist(), strict=True)
        ):
            number = done + i + 1
            stop = (
                progress.iteration(
                    number, epochs, loss, validation_loss, number == best, stage=stage, lr=float(rates[number - 1, 0])
                )
                or stop
            )
        done += len(result.train)
        if len(result.train) < count:
            break
    if not int(loop.best_epoch[0]):
        return None
    for leaf, value in zip(keep, loop.best, strict=True):
        leaf.assign(value)
    return before + int(loop.best_epoch[0])


__all__ = ["Tabular", "tabular"]
