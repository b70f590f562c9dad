"""First-order training as machine code: the same epochs, decisions and events as the eager loop, in native chunks.

A chunk is a number of epochs chosen from sizes alone. Where something outside needs to see every epoch (a tolerance, a
callback that is not marked `passive`, a schedule that follows the loss) a chunk is one epoch.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.attempts.training import Epochs, NotFiniteLoss, Training
from surefit.core.tensor import Tensor
from surefit.errors import MissingExtraError, RecordError
from surefit.sentences import Sentence, say

FEWEST_STEPS = 400  # fewer are done before a compiler has finished
FEWEST_OPERATIONS = 2e9  # unless they are large
CHUNK_SECONDS = 0.05
FIRST_SECONDS = 0.1  # that the first chunk gets, whatever the time
SPEED = 2e10  # operations a second, for the length of a chunk
MOST_INDICES = 1 << 21  # of rows, in one chunk: 16 MiB


def loop_for(epochs: Epochs, jit: bool | None) -> Any:
    """The compiled loop of a training, or None for an eager one.

    jit: True compiles or raises; None compiles where it pays and warns when it could not.
    """
    run, progress = epochs.training, epochs.progress
    if jit is None and not _pays(run):
        return None
    began = clock.perf_counter()
    try:
        loop = _loop(run)
    except (RecordError, MissingExtraError) as e:
        if jit:
            raise
        progress.warnings.append(say("not-compiled", why=str(e)))
        return None
    if epochs.keep_best:
        epochs.leaves = loop.keep
    progress.compile_seconds = (progress.compile_seconds or 0.0) + clock.perf_counter() - began
    return loop


def _pays(run: Training) -> bool:
    """Whether compiling is worth its time: from sizes alone, so that the answer never depends on the machine."""
    steps = run.epochs * run.steps_per_epoch
    return steps >= FEWEST_STEPS or steps * run.batch * 6 * run.network.num_parameters() >= FEWEST_OPERATIONS


def _loop(run: Training) -> Any:
    from surefit.compiler import TrainingLoop

    network, optimizer = run.network, run.optimizer
    if len(optimizer.param_groups) != 1:
        raise RecordError("parameters of several dtypes have a learning rate each; use one dtype")
    optimizer.prepare()

    def full(columns: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        rest = iter(given)
        return [None if c is None else next(rest) for c in columns]

    def step(*given: Any) -> Any:
        return run.update(*full(run.examples, given))

    def validate(*given: Any) -> Any:
        return run.validation_loss(*full(run.validation_columns, given))

    data = [c for c in run.examples if c is not None]
    validation = [c for c in run.validation_columns if c is not None]
    owners = {id(p.owner): p.owner for p in network.parameters() if p.owner is not None}
    rate: Tensor = optimizer.param_groups[0].leaves["lr"]
    return TrainingLoop(
        step, data, run.batch, rate=rate, validate=validate if validation else None, validation=validation,
        keep=[*owners.values(), *network.buffers()],
    )  # fmt: skip


def _chunk(run: Training, loop: Any, watched: bool) -> int:
    """Epochs without Python."""
    if watched or run.when == "metric":
        return 1
    operations = loop.explain().flops * run.steps_per_epoch
    n = max(1, int(CHUNK_SECONDS * SPEED / max(operations, 1)))
    return min(n, max(1, MOST_INDICES // len(run.x)), run.epochs)


def _rates(run: Training, epochs: int) -> np.ndarray:
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


def run_compiled(epochs: Epochs, loop: Any) -> Sentence:
    """Epochs until something ends them: the reason. The counterpart of `Epochs.run`."""
    run = epochs.training
    if epochs.started():
        assert epochs.progress.stopped is not None
        return epochs.progress.stopped
    epochs.loop = loop
    epochs.take()
    size = _chunk(run, loop, epochs.watched)
    while epochs.done < run.epochs:
        n = min(size, run.epochs - epochs.done)
        rates = _rates(run, n)
        full = loop.batch == loop.count
        order = None if full else np.empty((n, loop.count), np.int64)
        for row in () if order is None else order:
            row[:] = run.rng.permutation(loop.count)
        left = epochs.left()
        if left is not None and epochs.done == 0:
            left = max(left, FIRST_SECONDS)  # compiling may have used it up, and untrained weights are no fit
        before = epochs.progress.seconds
        try:
            result = loop.epochs(
                n, order, rates, first=epochs.done + 1, patience=run.patience, halted=epochs.progress.halted,
                seconds=None if left is None else max(1e-3, left),
            )  # fmt: skip
        except KeyboardInterrupt:
            _keep(epochs, loop)
            raise
        stop = _record(epochs, loop, result, rates, before)
        if result.ended == "not finite":
            raise _failure(run, result, order)
        if result.ended == "stopped":
            return _cut(epochs, rates, result)
        if (reason := epochs.ended(stop)) is not None and epochs.done < run.epochs:
            return reason
        if reason is not None and reason.code in ("tolerance", "callback"):
            return reason
        if run.when == "metric":
            row = epochs.progress.history[-1]
            validation_loss = row["validation_loss"]
            run.schedule.step(row["train_loss"] if validation_loss is None else validation_loss)
        epochs.keep()
    return say("epochs-done", epochs=run.epochs)


def _keep(epochs: Epochs, loop: Any) -> None:
    """What the native loop knows of the best epoch."""
    number = int(loop.best_epoch[0])
    if math.isfinite(loop.best_loss[0]) and number:
        epochs.best.after(number, float(loop.best_loss[0]), lambda: loop.best)


def _record(epochs: Epochs, loop: Any, result: Any, rates: np.ndarray, before: float) -> bool:
    """Rows of history and events of the epochs that are complete; whether a callback wants to stop."""
    run, stop, now = epochs.training, False, epochs.progress.seconds
    n = len(result.train) - (result.ended == "not finite")
    steps_before, first = run.steps, epochs.done + 1
    run.steps += result.steps
    best_loss = epochs.best.value
    try:
        for i in range(n):
            train = float(result.train[i])
            validation_loss = None if result.validation is None else float(result.validation[i])
            deciding = train if validation_loss is None else validation_loss
            if deciding < best_loss:  # its weights are known only where it stayed the best until the chunk ended
                best_loss, epochs.best.number = deciding, first + i
            seconds = before + (now - before) * (i + 1) / max(n, 1)
            step = steps_before + (i + 1) * run.steps_per_epoch
            stop = epochs.after(train, validation_loss, float(rates[i, 0]), step, seconds) or stop
    finally:  # an interrupt may cut the rows off
        _keep(epochs, loop)
    return stop


def _failure(run: Training, result: Any, order: np.ndarray | None) -> NotFiniteLoss:
    """The loss that was not finite, and the rows of its step."""
    value = float(result.train[-1])
    if math.isfinite(value) and result.validation is not None:
        return NotFiniteLoss(float(result.validation[-1]), np.arange(min(run.batch, len(run.x))))
    if order is None:
        return NotFiniteLoss(value, np.arange(len(run.x)))
    at = max(0, result.last_step - 1) * run.batch
    return NotFiniteLoss(value, order[len(result.train) - 1][at : at + run.batch])


def _cut(epochs: Epochs, rates: np.ndarray, result: Any) -> Sentence:
    """Time ended inside an epoch, or somebody stopped it: what was done of it counts as one."""
    run, progress = epochs.training, epochs.progress
    reason = progress.stopped if progress.halt() else say("time", time=progress.time)
    assert reason is not None
    if result.last_step == 0:
        return reason
    validation_loss = run.validate()
    loss = result.partial if math.isfinite(result.partial) else math.inf
    epochs.take_note(epochs.done + 1, loss if validation_loss is None else validation_loss)
    rate = float(rates[min(len(result.train), len(rates) - 1), 0])
    epochs.after(loss, validation_loss, rate, run.steps, None)
    return reason


__all__ = ["loop_for", "run_compiled"]
