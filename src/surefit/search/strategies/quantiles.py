"""The automatic choice for quantiles of measured data: linear functions and networks, by their pinball loss.

Both are trained side by side, each without a fold of the rows, which tell how good it is and when its training is best
ended. Of very many rows, or where nothing compiles, Adam trains one network and the validation rows tell.
"""

from __future__ import annotations

from surefit.attempts.members import Tabular
from surefit.attempts.methods import Adam
from surefit.search.limits import TABULAR_MOST_INPUTS, TABULAR_MOST_ROWS
from surefit.search.runner import State, Strategy
from surefit.search.strategies.functions import adam
from surefit.sentences import say

FEWEST = 20  # rows, of fewer of which quantiles are those of a linear function


def quantiles(s: State, jit: bool | None = None) -> Strategy:
    """Linear functions, then networks for tables; where there are none, Adam."""
    n, d = s.problem.train[0].shape
    if n <= TABULAR_MOST_ROWS and d <= TABULAR_MOST_INPUTS:
        yield s.attempt(Tabular(linear=True), s.hidden(1), s.problem)
        if n >= FEWEST:
            yield s.attempt(Tabular(), s.hidden(1), s.problem)
    if not s.candidates:
        for model in ((), (64, 64)):
            yield from adam(s, s.problem, s.built(model), jit, Adam(loss="quantile"))
    return say("rows-chose", rows=say("validation rows" if s.problem.validation is not None else "rows in folds"))


__all__ = ["quantiles"]
