"""First-order training as machine code: the same epochs, decisions and events as the eager loop, in native chunks.

A chunk is a number of epochs chosen from sizes alone. Where something outside needs to see every epoch (a tolerance, a
callback that is not marked `passive`, a schedule that follows the loss) a chunk is one epoch.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit.attempts.descent import Callback, Epoch, Outcome, Run, Started, Watch, _NotFinite, _tell
from surefit.core.tensor import Tensor
from surefit.errors import MissingExtraError, RecordError

FEWEST_STEPS = 400  # fewer are done before a compiler has finished
FEWEST_OPERATIONS = 2e9  # unless they are large
CHUNK_SECONDS = 0.05
SPEED = 2e10  # operations a second, for the length of a chunk
MOST_INDICES = 1 << 23  # of rows, in one chunk


def loop_for(run: Run, watch: Watch, outcome: Outcome, jit: bool | None) -> Any:
    """The compiled loop of a run, or None for an eager one.

    jit: True compiles or raises; None compiles where it pays and says in `outcome.warnings` when it could not.
    """
    if jit is None and not _pays(run):
        return None
    began = clock.perf_counter()
    try:
        loop = _loop(run)
    except (RecordError, MissingExtraError) as e:
        if jit:
            raise
        outcome.warnings.append(f"trained without the compiler, which is slower: {e}")
        return None
    if watch.keep_best:
        watch.leaves = loop.keep
    outcome.compile_seconds = clock.perf_counter() - began
    return loop


def _pays(run: Run) -> bool:
    """Whether compiling is worth its time: from sizes alone, so that the answer never depends on the machine."""
    steps = run.epochs * run.steps_per_epoch
    return steps >= FEWEST_STEPS or steps * run.batch * 6 * run.network.num_parameters() >= FEWEST_OPERATIONS


def _loop(run: Run) -> Any:
    from surefit.compiler import TrainingLoop

    network, optimizer = run.network, run.optimizer
    if len(optimizer.param_groups) != 1:
        raise RecordError("parameters of several dtypes have a learning rate each; use one dtype")
    optimizer.prepare()

    def full(columns: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        rest = iter(given)
        return [None if c is None else next(rest) for c in columns]

    def step(*given: Any) -> Any:
        return run.update(*full(run.columns, given))

    def validate(*given: Any) -> Any:
        return run.held_loss(*full(run.held_columns, given))

    data = [c for c in run.columns if c is not None]
    held = [c for c in run.held_columns if c is not None]
    homes = {id(p.home): p.home for p in network.parameters() if p.home is not None}
    rate: Tensor = optimizer.param_groups[0].leaves["lr"]
    return TrainingLoop(
        step, data, run.batch, rate=rate, validate=validate if held else None, held=held,
        keep=[*homes.values(), *network.buffers()],
    )  # fmt: skip


def _chunk(run: Run, loop: Any, watched: bool) -> int:
    """Epochs without Python."""
    if watched or run.when == "metric":
        return 1
    operations = loop.explain().flops * run.steps_per_epoch
    n = max(1, int(CHUNK_SECONDS * SPEED / max(operations, 1)))
    return min(n, max(1, MOST_INDICES // len(run.x)), run.epochs)


def _rates(run: Run, epochs: int) -> np.ndarray:
    """(epochs, steps) learning rates, for which the schedule goes ahead of the steps."""
    rates = np.empty((epochs, run.steps_per_epoch))
    group = run.optimizer.param_groups[0]
    for row in rates:
        if run.when == "step":
            for i in range(len(row)):
                row[i] = group["lr"]
                run.schedule.step()
        else:
            row[:] = group["lr"]
            if run.when == "epoch":
                run.schedule.step()
    return rates


def epochs(
    run: Run, watch: Watch, outcome: Outcome, good_enough: Callable[[], bool] | None, callbacks: Sequence[Callback],
    loop: Any, halted: Callable[[], bool] | None = None,
) -> str:  # fmt: skip
    """Epochs until something ends them: the reason. The counterpart of the eager `_epochs`."""
    if _tell(callbacks, Started(run.epochs, run.steps_per_epoch, run.network.num_parameters())):
        return "stopped by a callback"
    watched = good_enough is not None or any(not getattr(c, "passive", False) for c in callbacks)
    size = _chunk(run, loop, watched)
    done = 0
    while done < run.epochs:
        n = min(size, run.epochs - done)
        rates = _rates(run, n)
        full = loop.batch == loop.count
        order = None if full else np.stack([run.rng.permutation(loop.count) for _ in range(n)])
        left = None if run.time is None else max(1e-3, run.time - run.seconds)
        before, best_before = run.seconds, float(loop.best_loss[0])
        try:
            result = loop.epochs(n, order, rates, first=done + 1, patience=run.patience, seconds=left, halted=halted)
        finally:
            _keep(watch, loop)
        run.steps += result.steps
        stop = _record(run, outcome, result, rates, done, best_before, (before, run.seconds), callbacks)
        done += len(result.train) - (result.ended == "not finite")
        if result.ended == "not finite":
            raise _failure(run, result, order)
        if result.ended == "stopped":
            return _cut(run, watch, outcome, rates, result, callbacks)
        if good_enough is not None and watch.best_epoch == done and good_enough():
            return "the tolerance was reached"
        if stop:
            return "stopped by a callback"
        if run.time is not None and run.seconds > run.time and done < run.epochs:
            return f"time={run.time:g} s used up"
        if result.ended == "patience":
            return f"no better loss for {run.patience} epochs (patience)"
        if run.when == "metric":
            row = outcome.history[-1]
            held = row["validation_loss"]
            run.schedule.step(row["train_loss"] if held is None else held)
    return f"all {run.epochs} epochs done"


def _keep(watch: Watch, loop: Any) -> None:
    """What the native loop knows of the best epoch."""
    epoch = int(loop.best_epoch[0])
    if math.isfinite(loop.best_loss[0]) and epoch:
        watch.best_loss, watch.best_epoch, watch.best_values = float(loop.best_loss[0]), epoch, loop.best


def _record(
    run: Run, outcome: Outcome, result: Any, rates: np.ndarray, done: int, best: float, span: tuple[float, float],
    callbacks: Sequence[Callback],
) -> bool:  # fmt: skip
    """Rows of history and events of the epochs that are complete; whether a callback wants to stop."""
    stop = False
    n = len(result.train) - (result.ended == "not finite")
    steps_before = run.steps - result.steps
    for i in range(n):
        train = float(result.train[i])
        held = None if result.held is None else float(result.held[i])
        deciding = train if held is None else held
        better = deciding < best
        best = min(best, deciding)
        seconds = span[0] + (span[1] - span[0]) * (i + 1) / max(n, 1)
        rate, epoch = float(rates[i, 0]), done + i + 1
        outcome.history.append(dict(epoch=epoch, train_loss=train, validation_loss=held, lr=rate, seconds=seconds))
        step = steps_before + (i + 1) * run.steps_per_epoch
        stop = _tell(callbacks, Epoch(epoch, run.epochs, step, train, held, rate, seconds, better)) or stop
    return stop


def _failure(run: Run, result: Any, order: np.ndarray | None) -> _NotFinite:
    """The loss that was not finite, and the rows of its step."""
    value = float(result.train[-1])
    if math.isfinite(value) and result.held is not None:
        return _NotFinite(float(result.held[-1]), np.arange(min(run.batch, len(run.x))))
    if order is None:
        return _NotFinite(value, np.arange(len(run.x)))
    at = max(0, result.last_step - 1) * run.batch
    return _NotFinite(value, order[len(result.train) - 1][at : at + run.batch])


def _cut(
    run: Run, watch: Watch, outcome: Outcome, rates: np.ndarray, result: Any, callbacks: Sequence[Callback]
) -> str:
    """Time ended inside an epoch: what was done of it counts as one."""
    reason = f"time={run.time:g} s used up" if run.time is not None else "stopped from outside"
    if result.last_step == 0:
        return reason
    held = run.validate()
    epoch = len(outcome.history) + 1
    loss = result.partial if math.isfinite(result.partial) else math.inf
    deciding = loss if held is None else held
    best = watch.after(epoch, deciding)
    rate = float(rates[min(len(result.train), len(rates) - 1), 0])
    row = dict(epoch=epoch, train_loss=loss, validation_loss=held, lr=rate, seconds=run.seconds)
    outcome.history.append(row)
    _tell(callbacks, Epoch(epoch, run.epochs, run.steps, loss, held, rate, run.seconds, best))
    return reason
