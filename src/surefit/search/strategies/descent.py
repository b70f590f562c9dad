"""A first-order method: one training, or several parts of one with points added in between where it is wrong.

Adaptive sampling is the automatic form of `Sampling.extra_box`; `with_worst` says where the points go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from surefit import nn
from surefit.attempts.methods import FirstOrder
from surefit.attempts.training import plan
from surefit.models.inference import evaluate
from surefit.models.scaled import scaled
from surefit.problems.points import with_worst
from surefit.search.runner import State, Strategy
from surefit.sentences import say


def descent(s: State, method: FirstOrder, network: nn.Module, jit: bool | None) -> Strategy:
    """One training of this network, in place."""
    found = yield s.attempt(method, network, s.problem, goal=s.enough, named=True, jit=jit)
    return None if found is None else found.reason


def parts(s: State, method: FirstOrder, network: nn.Module, jit: bool | None) -> Strategy:
    """adaptive + 1 trainings of the same number of epochs, each from where the last one ended, on more points.

    Each has a learning-rate schedule of its own, a warm restart. The scaling stays that of the first points.
    """
    plan_of = s.problem.plan
    assert plan_of is not None
    count = plan_of.adaptive + 1
    epochs = max(1, plan(method, len(s.problem.train[0]))[2] // count)
    each = replace(method, epochs=epochs, patience=None if method.patience == "auto" else method.patience)
    rng, problem = np.random.default_rng([s.seed, 0xADA]), s.problem
    model = scaled(network, problem, method.scale, s.dtype)
    found = None
    for part in range(1, count + 1):
        if part > 1:
            problem = with_worst(problem, lambda points: evaluate(model, points), rng)
        options = dict(goal=s.enough, named=True, jit=jit, like=model, part=(part, count), provisional=part < count)
        found = yield s.attempt(each, network, problem, **options)
        if found is None or s.progress.warnings:
            break
    if found is not None and len(s.progress.history) == count * epochs:
        return say("parts-done", epochs=count * epochs, parts=count)
    return None if found is None else found.reason


__all__ = ["descent", "parts"]
