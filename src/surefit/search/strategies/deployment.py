"""A network for another dtype: rounded with its output layer solved again, or placed for that dtype.

Units that lie flat side by side cancel each other with huge output weights. In float64 that is the way to 1e-10; in
float32 steeper ones with small weights come a hundred times closer.
"""

from __future__ import annotations

from surefit import nn
from surefit.attempts.methods import Features, VarPro
from surefit.core import ops
from surefit.models.chain import chain_of, is_hidden_layer
from surefit.models.scaled import Scaled
from surefit.problems.problem import ROWS
from surefit.search.limits import FLOAT32, PLACED
from surefit.search.runner import State, Strategy
from surefit.search.strategies.composed import composed
from surefit.search.strategies.functions import can_search


def deployment(s: State, network: nn.Module, like: Scaled, error: float) -> Strategy:
    """The network as it is, in the dtype of `s`; where that loses accuracy, its hidden layer placed for that dtype.

    like: the model with its scaling. error: the largest error that it had.
    """
    found = yield s.attempt(None, network, s.problem, like=like)
    if s.problem.signs:  # units that are placed again would have any sign
        return None
    lost = s.dtype == ops.float32 and found is not None and found.error.max > max(FLOAT32 * s.size, 2.0 * error)
    if not lost or s.problem.function is None or not s.problem.exact or s.problem.gradients is not None:
        return None
    if not is_hidden_layer(network):
        yield from composed(s)
        return None
    chain = chain_of(network)
    assert chain is not None
    units = chain[0][0].out_features
    if units > PLACED:
        return None
    fresh, goal = s.built(network), FLOAT32 * s.size
    problem = s.drawn(ROWS * units + 2)
    found = yield s.attempt(Features(), fresh, problem, goal=goal)
    if found is not None and found.score > goal and can_search(fresh, problem):
        yield s.attempt(VarPro(), fresh, problem, goal=goal)
    return None


__all__ = ["deployment"]
