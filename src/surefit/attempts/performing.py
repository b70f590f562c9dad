"""What is done about an attempt: the one place that knows which code a method means, and what it can work on."""

from __future__ import annotations

from surefit import nn
from surefit.attempts.additive import additive
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.boosted import BoostedTrees, boosted_trees
from surefit.attempts.descent import descend
from surefit.attempts.features import extend, scan
from surefit.attempts.inputs import on_inputs, sparse
from surefit.attempts.least_squares import search
from surefit.attempts.local import local
from surefit.attempts.members import Tabular, tabular
from surefit.attempts.methods import LBFGS, LM, Additive, Features, FirstOrder, Polynomial, Solver, VarPro
from surefit.attempts.polynomial import polynomial
from surefit.attempts.progress import Progress
from surefit.attempts.streamed import from_all_rows
from surefit.blas import one_thread
from surefit.errors import ArgumentError
from surefit.models.chain import is_hidden_layer, output_layer
from surefit.models.monotone import Monotone
from surefit.problems.gradients import check_alike
from surefit.problems.problem import Problem
from surefit.sentences import say
from surefit.spelling import spelled


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


def check_method(method: Solver, network: nn.Module, problem: Problem) -> None:
    """ArgumentError for a network, or for gradients, that the method cannot do anything with."""
    if isinstance(method, Features) and not is_hidden_layer(network):
        raise ArgumentError(
            f"model: {spelled('method', repr('features'))} needs one hidden layer, {spelled('model', '(units,)')}, of "
            f"units with a bias and a smooth or kinked activation; use {spelled('method', repr('lm'))}, "
            "'lbfgs' or 'adam' for other networks"
        )
    if isinstance(method, VarPro) and output_layer(network) is None:
        raise ArgumentError(
            f"model: {spelled('method', repr('varpro'))} needs a network that ends in a Linear layer with a bias; use "
            "'lm' or 'lbfgs'"
        )
    if isinstance(method, (Polynomial, Additive)) and problem.gradients is not None:
        raise ArgumentError(
            f"method: {method.name!r} fits values alone, and there are gradients among the data; use "
            f"{spelled('method', repr('lm'))} or 'varpro', or leave the gradients out"
        )
    if isinstance(method, VarPro) and problem.gradients is not None:
        check_alike(problem.gradients)


__all__ = ["check_method", "perform"]
