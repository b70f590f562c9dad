"""The automatic choice where the target rises or falls with some inputs: networks that do so by the signs of weights.

Rows of a table get networks side by side, each without a fold of the rows (`models.monotone_members`), which tell how
good they are. A function without noise gets perceptrons of several sizes by Levenberg-Marquardt, which is precise; a
network of one's own is trained by that and by Adam.
"""

from __future__ import annotations

from typing import Any

from surefit.attempts.members import Tabular
from surefit.attempts.methods import LM, Adam
from surefit.search.cost import of_iteration
from surefit.search.limits import ITERATION, TABULAR_MOST_INPUTS, TABULAR_MOST_ROWS
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import adam
from surefit.search.strategies.quantiles import FEWEST
from surefit.sentences import say

WIDTHS = ((4, 4), (12, 12))  # of perceptrons for Levenberg-Marquardt
MORE = (20, 20)  # of one more, where the error of these is above `ROUGH` times the size of the target
ROUGH = 1e-2
WIDE = (32, 32)  # of the one for Adam
UNITS = 32  # of networks for tables: on three tables as good as 128
ROWS_EACH = 10  # points of a function for each parameter
ITERATIONS = 150


def monotone(s: State, model: Any, jit: bool | None = None) -> Strategy:
    """Networks for tables, or perceptrons of two hidden layers, or the network that was asked for."""
    n, d = s.problem.train[0].shape
    if model is None and not s.problem.exact and n <= TABULAR_MOST_ROWS and d <= TABULAR_MOST_INPUTS:
        yield s.attempt(Tabular(linear=True), s.hidden(1), s.problem)
        if n >= FEWEST:
            yield s.attempt(Tabular(units=UNITS), s.hidden(1), s.problem)
        if s.candidates:
            return say("rows-chose", rows=say("rows in folds"))
    if not s.problem.quantiles:
        for widths in WIDTHS if model is None else (model,):
            yield from marquardt(s, widths)
            if s.goal is not None and s.best is not None and s.best.score <= s.goal:
                return None
        best = s.best
        if model is None and s.problem.exact and best is not None and best.score > ROUGH * s.size:
            yield from marquardt(s, MORE)
        if s.candidates and model is None:
            return None if s.problem.exact else say("rows-chose", rows=say("validation rows"))
    method = Adam(loss="quantile") if s.problem.quantiles else Adam()
    yield from adam(s, s.problem, s.built(WIDE if model is None else model), jit, method)
    return None if s.problem.exact else say("rows-chose", rows=say("validation rows"))


def marquardt(s: State, widths: Any) -> Strategy:
    """Levenberg-Marquardt, where an iteration is affordable."""
    network, k = s.built(widths), len(s.problem.outputs)
    p = network.num_parameters()
    problem = s.drawn(ROWS_EACH * p)
    n = len(problem.train[0])
    if p < n and of_iteration(n, k, p) <= ITERATION:
        yield s.attempt(LM(iterations=ITERATIONS), network, problem)
    return None


__all__ = ["monotone"]
