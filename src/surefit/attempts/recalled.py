"""An attempt that is performed, or taken from the journal where it is known: then all is as if it had been performed.

What an attempt changes besides its outcome: the weights, dtype and random streams of its network, the stream of its
units, and the progress of the fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.journal import key_of, state_of
from surefit.attempts.methods import FirstOrder
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.models.recorded import describe_network, network_from
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem

# what is about what happens around an attempt, or is taken apart: all else is what it depends on
APART = {"network", "problem", "like", "made", "why", "reserve", "provisional"}
AROUND = {
    "test", "function", "gradient_function", "source", "dropped", "rows", "row_numbers", "plan", "notes",
    "seconds_per_point", "coding", "stream",
}  # fmt: skip
CUT = "-cut"  # at the end of the key of an attempt that the clock has ended
Performing = Callable[[Attempt, Progress, Within], Outcome | None]


def performed(attempt: Attempt, progress: Progress, within: Within, perform: Performing) -> Outcome | None:
    """What comes of an attempt. One that a callback or Ctrl-C has ended is not known afterwards: it is to go on.

    One that the clock has ended is known as long as there is no more time.
    """
    journal = progress.journal
    once = attempt.problem.stream is not None and not isinstance(attempt.method, FirstOrder)
    if journal is None or attempt.method is None or once:
        # without a method it is done already, and one pass over a table that is read in parts is soon repeated
        return perform(attempt, progress, within)
    key = key_of("attempt", [*parts_of(attempt), progress.limit and progress.evaluations_left()])
    known = journal.find(key)
    if known is None and progress.time is not None:
        cut = journal.find(key + CUT)
        known = cut if cut is not None and progress.time <= cut["progress"]["seconds"] else None
    if known is not None:
        return restored(attempt, progress, known)
    mark = progress.mark
    progress.underway = journal.underway(key, lambda: progress.since(mark), progress.again)
    try:
        outcome = perform(attempt, progress, within)
    finally:
        progress.underway = None
    if outcome is not None and not progress.interrupted and progress.stopped is None:
        cut = CUT if progress.out_of_time() else ""
        journal.keep(key + cut, remains(attempt, outcome) | {"progress": progress.since(mark)})
    return outcome


def parts_of(attempt: Attempt) -> list[Any]:
    """All that an attempt depends on."""
    like = None if attempt.like is None else scaling_of(attempt.like)
    settings = [getattr(attempt, f.name) for f in fields(Attempt) if f.name not in APART]
    return [
        settings, attempt.network, data_of(attempt.problem), like, attempt.problem.function is None,
        attempt.problem.plan is None or attempt.problem.plan.derivative_weight,
    ]  # fmt: skip


def data_of(problem: Problem) -> list[Any]:
    """The data of a problem, and what is known of them."""
    own = [getattr(problem, f.name) for f in fields(Problem) if f.name not in AROUND]
    stream = problem.stream
    if stream is None:
        return own
    return [*own, stream.digest, stream.counts, None if problem.plan is None else problem.plan.window]


def remains(attempt: Attempt, outcome: Outcome) -> dict[str, Any]:
    """What is left of an attempt, as plain data and arrays that nobody changes later on."""
    own = outcome.network is attempt.network
    found: dict[str, Any] = {
        "state": state_of(attempt.network), "dtype": dtype_of(attempt.network), "training": attempt.network.training,
        "generator": None if attempt.generator is None else attempt.generator.bit_generator.state,
        "network": None if own else described(outcome.network, len(outcome.problem.names)),
        "model": None if outcome.model is None or outcome.model is attempt.like else scaling_of(outcome.model),
        "like": outcome.model is not None and outcome.model is attempt.like,
        "problem": {
            f.name: getattr(outcome.problem, f.name)
            for f in fields(Problem)
            if getattr(outcome.problem, f.name) is not getattr(attempt.problem, f.name)
        },
    }  # fmt: skip
    return found | {
        "stage": outcome.stage, "reason": outcome.reason, "row": outcome.row, "details": dict(outcome.details),
        "left_out": outcome.left_out,
    }  # fmt: skip


def dtype_of(network: nn.Module) -> str | None:
    """Of the weights of a network, where they have one."""
    kinds = {str(p.dtype) for p in network.parameters()}
    return kinds.pop() if len(kinds) == 1 else None


def described(network: nn.Module, inputs: int) -> list[Any]:
    """How to make a network again, with its weights."""
    dtype = dtype_of(network) or "float64"
    description, weights = describe_network(network, inputs, ops.dtype_of(dtype))
    return [description, {name: np.array(value) for name, value in weights.items()}, dtype, network.training]


def scaling_of(model: Scaled) -> dict[str, Any]:
    """The scaling of a model, as its constructor takes it."""
    s = model.scaling
    return {
        "x_shift": s.x_shift, "x_scale": s.x_scale, "y_shift": s.y_shift, "y_scale": s.y_scale, "x_log": s.log,
        "y_log": model.y_log,
        "dtype": str(model.dtype),
    }  # fmt: skip


def restored(attempt: Attempt, progress: Progress, known: dict[str, Any]) -> Outcome:
    """The outcome of an attempt that is known; what it changed is changed again."""
    network = attempt.network
    if known["dtype"] is not None:
        network.to(ops.dtype_of(known["dtype"]))
    network.load_state_dict(known["state"])
    network.train(known["training"])
    if attempt.generator is not None:
        attempt.generator.bit_generator.state = known["generator"]
    progress.again(known["progress"], begun=True)
    if known["network"] is not None:
        description, weights, dtype, training = known["network"]
        network = network_from(description, weights, ops.dtype_of(dtype))
        network.train(training)
    model = attempt.like if known["like"] else None
    if known["model"] is not None:
        model = Scaled(network, **known["model"])
        model.eval()
    return Outcome(
        network=network, problem=replace(attempt.problem, **known["problem"]), model=model, stage=known["stage"],
        reason=known["reason"], row=known["row"], details=dict(known["details"]), left_out=known["left_out"],
    )  # fmt: skip


__all__ = ["data_of", "performed"]
