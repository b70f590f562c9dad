"""What is done about an attempt: the one place that knows which code a method means."""

from __future__ import annotations

from surefit.attempts.additive import additive
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.boosted import BoostedTrees, boosted_trees
from surefit.attempts.descent import descend
from surefit.attempts.features import extend, scan
from surefit.attempts.inputs import on_inputs, sparse
from surefit.attempts.least_squares import search
from surefit.attempts.local import local
from surefit.attempts.members import Tabular, tabular
from surefit.attempts.methods import LBFGS, LM, Additive, Features, FirstOrder, Polynomial, VarPro
from surefit.attempts.polynomial import polynomial
from surefit.attempts.progress import Progress
from surefit.attempts.streamed import from_all_rows
from surefit.blas import one_thread
from surefit.models.monotone import Monotone
from surefit.sentences import say


def perform(attempt: Attempt, progress: Progress, within: Within) -> Outcome | None:
    """Do what an attempt says. What was trained with weights of one sign is shipped as an ordinary perceptron."""
    found = _performed(attempt, progress, within)
    if found is not None and isinstance(found.network, Monotone):
        found.network = found.network.plain()
        if found.model is not None:
            found.model.network = found.network
    return found


def _performed(attempt: Attempt, progress: Progress, within: Within) -> Outcome | None:
    method = attempt.method
    if attempt.inputs is not None:
        return on_inputs(attempt, lambda part, near, own=progress: perform(part, own, near), within)
    with one_thread():  # threads of BLAS wait for each other on a busy machine, and their number changes results
        if isinstance(method, Features):
            if attempt.local:
                return local(attempt, progress)
            if attempt.layer is not None:
                return extend(attempt, progress)
            found = scan(attempt, method, progress)
            if found is None or attempt.problem.stream is None:
                return found
            return from_all_rows(found, attempt, method, progress)
        if isinstance(method, Polynomial):
            return (sparse if method.sparse else polynomial)(attempt, method, progress)
        if isinstance(method, Additive):
            return additive(attempt, method, progress)
        if isinstance(method, Tabular):
            return tabular(attempt, method, progress)
        if isinstance(method, BoostedTrees):
            return boosted_trees(attempt, method, progress)
        if isinstance(method, (VarPro, LM, LBFGS)):
            return search(attempt, method, progress, within)
        if isinstance(method, FirstOrder):
            return descend(attempt, method, progress, within)
        return attempt.made or Outcome(
            network=attempt.network, problem=attempt.problem, stage=say("stage-initial"), reason=say("nothing"),
            row=None, details={"solver": "none"},
        )  # fmt: skip


__all__ = ["perform"]
