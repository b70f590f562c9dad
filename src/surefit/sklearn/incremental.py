"""Learning batch after batch: a network and an optimiser that live from one `partial_fit` to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.attempts.methods import FirstOrder
from surefit.core.tensor import Tensor
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.models.spec import MLPSpec
from surefit.problems.scaling import Scaling

ROWS = 64  # of one step, when nobody says


class Learner:
    """A network that takes one step for each batch of rows that it is shown, in the scale of the first ones."""

    def __init__(self, spec: MLPSpec, method: FirstOrder, x: np.ndarray, y: np.ndarray, seed: int) -> None:
        self.random = np.random.default_rng([seed, 2])
        s = Scaling.of_rows(x, y)
        network = spec.build(x.shape[1], y.shape[1], self.random, np.float32, s.inputs(x))
        self.begin(Scaled(network, s.x_shift, s.x_scale, s.y_shift, s.y_scale, np.float32), method)

    def begin(self, model: Scaled, method: FirstOrder) -> None:
        """Learn from here on with this model, in place."""
        self.model, self.method = model, method
        self.optimizer = method.optimizer(model.network.parameters(), method.rate)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"optimizer": self.optimizer.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.begin(self.model, self.method)  # an optimiser of these parameters, which goes on where the other was
        self.optimizer.load_state_dict(state["optimizer"])

    def learn(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        """One pass over rows x (n, d), y (n, k) with weights (n,); the mean loss in scaled units."""
        inputs, targets = self.model.rows((x, y))
        order, size = self.random.permutation(len(x)), self.method.batch_size or ROWS
        network, dtype, losses = self.model.network, self.model.dtype, 0.0
        network.train()
        for i in range(0, len(x), size):
            rows = order[i : i + size]
            share = Tensor((weight[rows] / weight.mean() / len(rows) / y.shape[1])[:, None], dtype)
            miss = network(Tensor(inputs[rows], dtype)) - Tensor(targets[rows], dtype)
            loss = (miss * miss * share).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses += float(loss.item()) * len(rows)
        network.eval()
        return losses / len(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Values (n, k) at points (n, d)."""
        return values_of(self.model)(x)


__all__ = ["Learner"]
