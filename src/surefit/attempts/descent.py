"""First-order methods: epochs over the training rows, the best weights kept, nothing lost when it is cut short.

An interrupt (Ctrl-C) or a number that is not finite ends the epochs with the best weights so far.
"""

from __future__ import annotations

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.compiled_loop import loop_for, run_compiled
from surefit.attempts.events import notify_model
from surefit.attempts.methods import FirstOrder
from surefit.attempts.output_layer import solve_last
from surefit.attempts.progress import Progress
from surefit.attempts.training import Epochs, NotFiniteLoss, Training
from surefit.attempts.windows import PartsTraining
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import NotFiniteError
from surefit.models.observed import observed
from surefit.models.scaled import Scaled, scaled
from surefit.sentences import say


def descend(attempt: Attempt, method: FirstOrder, progress: Progress, within: Within) -> Outcome | None:
    """Train a network, in place and in the dtype in which it will be used, epoch by epoch.

    attempt.jit: compiled (True), eager (False), or compiled where that pays (None). Of an attempt in parts each part
    goes on from the weights of the one before, with a schedule and an order of its own.

    NotFiniteError when the loss is not finite before any epoch has ended well; later on the best weights are kept and
    a warning says what happened.
    """
    network, problem = attempt.network, attempt.problem
    network.to(attempt.dtype)
    model = scaled(network, problem, method.scale, attempt.dtype) if attempt.like is None else attempt.like
    seed = attempt.seed + (attempt.part[0] - 1) * 1_000_003
    parts = None if problem.stream is None else PartsTraining(model, problem, method, seed, progress.halt)
    run = parts or Training(model, problem, method, seed)
    epochs = Epochs(run, model, attempt, method, progress, within)
    if attempt.named and not progress.shown:
        model.eval()
        notify_model(progress.callbacks, model, problem, attempt.seed)
        progress.shown = True
    network.train()
    loop = None
    try:
        loop = None if attempt.jit is False else loop_for(epochs, attempt.jit)
        epochs.begin()
        if parts is not None:
            parts.loop, loop = loop, None
        reason = epochs.run() if loop is None else run_compiled(epochs, loop)
    except KeyboardInterrupt:
        progress.interrupted = True
        reason = say("interrupted-epoch", epoch=epochs.done + 1)
    except NotFiniteLoss as e:
        message = _not_finite_sentence(e, model, run, progress, epochs.done + 1)
        if epochs.best.kept is None:
            raise NotFiniteError(message) from None
        progress.warnings.append(say("training-not-finite", what=message))
        reason = say("not-finite", epoch=epochs.done + 1, best=epochs.best.number)
        epochs.restore(always=True)
    finally:
        unread = None if parts is None else parts.close()
    if unread is not None:
        progress.warnings.append(unread)
    epochs.restore()
    network.eval()
    model.eval()
    progress.steps += run.steps
    stage, number, done, before = epochs.stage, epochs.best.number, epochs.done, epochs.before
    read = {} if parts is None else parts.read
    del run, loop, epochs, parts  # the rows in units of the network, and what code keeps for each of a batch
    if method.solve_output or (not attempt.named and method.loss == "mse"):
        solve_last(model, problem, attempt.seed)
    row = None if number is None or number > done else before + number  # an interrupt may cut rows off
    return Outcome(
        network=network, problem=problem, model=model, stage=stage, reason=reason, row=row,
        details={"solver": method.name} | read,
    )  # fmt: skip


def _not_finite_sentence(e: NotFiniteLoss, model: Scaled, run: Training, progress: Progress, epoch: int) -> str:
    """Step, layer and likely cause of a loss that is not finite."""
    where, x, y, lr = _first_not_finite(run, e.rows), run.x, run.y, run.lr
    losses = [r["train_loss"] for r in progress.history[-3:]]
    largest = max(float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0)))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        cause = f"the data overflows {model.dtype}; use dtype='float64', or scale=True"
    elif not run.method.scale and largest > 100:
        cause = f"data as large as {largest:.3g} without scaling; use scale=True"
    elif "in the loss" in where and callable(run.method.loss):
        cause = "the loss function itself (a logarithm or root of something not positive?)"
    else:
        rising = ", and the loss was rising" if len(losses) >= 2 and losses[-1] > losses[0] else ""
        cause = f"a learning rate that is too high (lr={lr:g}{rising}); try lr={lr / 10:g}, or clip_norm=1"
    return f"the loss became {e.value} at step {run.steps} (epoch {epoch}), {where}. Likely cause: {cause}"


def _first_not_finite(run: Training, rows: np.ndarray) -> str:
    """The first parameter, or else the first layer, that is not finite on these rows."""
    for name, p in run.network.named_parameters():
        if not np.isfinite(p.detach().numpy()).all():
            return f"parameter {name!r} is not finite"
    with observed(run.network) as seen, no_grad():
        run.network(Tensor(run.x[rows]))
    for s in seen:
        if isinstance(s.output, Tensor) and not np.isfinite(s.output.numpy()).all():
            return f"first in the output of layer {s.name!r} ({type(s.module).__name__})"
    return "in the loss; all layers are finite"


__all__ = ["descend"]
