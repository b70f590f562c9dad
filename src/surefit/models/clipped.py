"""A network that says nothing far beyond the rows it has learned from: inputs and outputs are clipped there."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.models.members import Blend, Members
from surefit.models.scaled import Scaled
from surefit.models.trees import Trees

REACH = 0.25  # of the range of the rows on both sides, within which nothing is clipped: new rows lie there, too
FARTHER = 0.25  # of the range of the values on both sides: as far as values may be beyond those that were seen
LONG = 1.3  # times as far from the median as the farthest of so many normal numbers: a column with a long tail
ONE_SIDED = 2.5  # times as far on one side of the median as on the other: a tail, too, though rows are few
LEAST_ROWS = 8  # of which a tail can be told
QUARTILE = 0.6744897501960817  # of a normal variable


class Clipped(nn.Module):
    """A network behind a clip of its inputs and before one of its outputs, all in its own units.

    inputs, outputs: the lowest and the highest, (d,) and (k,) each.
    """

    def __init__(
        self, network: nn.Module, inputs: tuple[np.ndarray, np.ndarray], outputs: tuple[np.ndarray, np.ndarray],
        dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.network = network
        for name, bound in zip(("low", "high", "least", "most"), (*inputs, *outputs), strict=True):
            self.register_buffer(name, np.asarray(bound, dtype))

    def forward(self, x: Any) -> Any:
        y = self.network(ops.minimum(ops.maximum(x, self.low), self.high))
        return ops.minimum(ops.maximum(y, self.least), self.most)


def long_tails(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which columns of rows (n, d) have a long tail below, and which above, both (d,) bool.

    The farthest row is so much farther from the median than the quartile, or than the farthest on the other side, as
    normal numbers seldom are: what comes next may be as far beyond it. Columns of which half of the rows have one value
    tell nothing of that.

    >>> rows = np.linspace(-1.0, 1.0, 41)[:, None]
    >>> low, high = long_tails(np.hstack([rows, np.exp(3.0 * rows)]))
    >>> low.tolist(), high.tolist()
    ([False, False], [False, True])
    """
    from scipy.special import ndtri

    n, d = x.shape
    if n < LEAST_ROWS:
        return np.zeros(d, bool), np.zeros(d, bool)
    middle = np.median(x, axis=0)
    quarters = (np.abs(np.quantile(x, q, axis=0) - middle) for q in (0.25, 0.75))
    most = LONG * float(ndtri(1.0 - 0.5 / n)) / QUARTILE
    size = 0.5 * sum(quarters)
    down, up = middle - x.min(axis=0), x.max(axis=0) - middle
    varies = (size > 0) & (down > 0) & (up > 0)
    below_tail, above_tail = (
        ((far > most * size) | (far > ONE_SIDED * other)) & varies for far, other in ((down, up), (up, down))
    )
    return below_tail, above_tail


def clipped(model: Scaled, x: np.ndarray, y: np.ndarray) -> Scaled:
    """A model that is clipped beyond rows x (n, d) and values y (n, k), where inputs have long tails; else itself.

    What a network says far from all rows is chance: it goes on steeply, as a polynomial does, and of inputs with long
    tails new rows do lie there.
    """
    u, v = model.scaling.rows((x, y))
    below, above = long_tails(u)
    if not (below | above).any():
        return model
    inputs, outputs = ((part.min(axis=0), part.max(axis=0)) for part in (u, v))
    reach = REACH * (inputs[1] - inputs[0])
    farther = FARTHER * (outputs[1] - outputs[0])
    network = Clipped(
        model.network, (inputs[0] - reach, inputs[1] + reach), (outputs[0] - farther, outputs[1] + farther), model.dtype
    )
    network.eval()
    s = model.scaling
    return Scaled(network, s.x_shift, s.x_scale, s.y_shift, s.y_scale, model.dtype, s.log, s.y_log)


def stays_within(network: nn.Module) -> bool:
    """Whether a network is bounded or linear, or a mean of such: nothing of it goes on steeply where rows end."""
    if isinstance(network, Blend):
        return network.bounded or (stays_within(network.first) and stays_within(network.second))
    if type(network) is nn.MLP:
        return len(list(network.parameters())) <= 2
    return isinstance(network, (Clipped, Members, Trees))


__all__ = ["FARTHER", "Clipped", "clipped", "long_tails", "stays_within"]
