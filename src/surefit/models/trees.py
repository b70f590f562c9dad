"""Trees as a network: units that rise from 0 to 1 between two values of an input, and sums of their products.

An oblivious tree of depth D asks D questions of the inputs, whatever their answers (Popov, Morozov and Babenko 2019,
Neural oblivious decision ensembles, arXiv 1909.06312). Each is a unit of one input that rises from 0 to 1 as a straight
line between two neighbouring rows, so that the network is continuous and gives at the rows what the tree gives there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops


class Trees(nn.Module):
    """The sum of trees of one depth for each output, and a constant.

    Args:
        inputs: (k, t, depth) which input each level of the t trees of an output asks for.
        low, high: (k, t, depth) between which values its unit rises; low < high.
        leaves: (k, t, 2^depth) what a tree adds; the first level is the highest bit of the place of a leaf.
        constant: (k,)
    """

    def __init__(
        self, inputs: np.ndarray, low: np.ndarray, high: np.ndarray, leaves: np.ndarray, constant: np.ndarray
    ) -> None:
        super().__init__()
        self.outputs, self.trees, self.depth = inputs.shape

        def by_level(a: np.ndarray) -> np.ndarray:
            return a.transpose(2, 0, 1).reshape(-1)

        self.register_buffer("asked", by_level(inputs).astype(np.int64))
        self.register_buffer("low", by_level(low))
        self.register_buffer("rate", 1.0 / by_level(high - low))
        self.leaves = nn.Parameter(leaves.reshape(-1, leaves.shape[2]))
        self.constant = nn.Parameter(np.array(constant))

    @property
    def numbers_a_row(self) -> int:
        """How many numbers are computed with for a row, about."""
        return int(self.outputs * self.trees * 2**self.depth)

    def forward(self, x: Any) -> Any:
        n, many = x.shape[0], self.outputs * self.trees
        rises = ops.minimum(ops.maximum((ops.take(x, self.asked, axis=1) - self.low) * self.rate, 0.0), 1.0)
        rises = rises.reshape(n, self.depth, many, 1)
        left = self.leaves.reshape(1, many, -1)
        for level in range(self.depth):
            half = left.shape[2] // 2
            left = left[:, :, :half] + (left[:, :, half:] - left[:, :, :half]) * rises[:, level]
        return left.reshape(n, self.outputs, self.trees).sum(2) + self.constant


__all__ = ["Trees"]
