"""The training steps that are compared: one network, one batch, one update of the parameters.

Every contender gets the same float32 numbers: data, first weights and the rows of every batch. It must do the same
arithmetic: forward, the mean loss of the batch, backward, the update, and the loss of every step kept.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """A network with biases in every layer, its data, its loss and its optimiser.

    widths from input to output; activation "relu", "tanh" or "sigmoid"; loss "mse" (mean of squares), "half" (half of
    it) or "cross_entropy" (softmax, integer labels); rows of data; batch (None: all rows in every step); optimizer
    "SGD" or "Adam"; bar: the largest good ratio of surefit's time to that of jax-scan, if there is one.
    """

    widths: tuple[int, ...]
    activation: str
    loss: str
    rows: int
    batch: int | None
    optimizer: str
    lr: float
    bar: float | None = None

    def __str__(self) -> str:
        net = "-".join(map(str, self.widths))
        batch = f"all {self.rows} rows" if self.batch is None else f"batch {self.batch}"
        return f"{net} {self.activation}, {batch}, {self.optimizer}"

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every row is seen once; a rest that fills no batch is left out."""
        return 1 if self.batch is None else self.rows // self.batch

    def to_json(self) -> str:
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> Workload:
        fields = json.loads(text)
        return cls(**{**fields, "widths": tuple(fields["widths"])})


WORKLOADS = {
    "E1": Workload((1, 640, 1), "relu", "mse", 420, None, "SGD", 1e-3, 0.5),
    "E2": Workload((1, 512, 1), "relu", "mse", 800, 32, "SGD", 1e-3, 0.5),
    "E3-fit": Workload((1, 100, 1), "relu", "mse", 100, None, "Adam", 1e-2, 0.5),
    "E3-mnist": Workload((784, 100, 10), "relu", "cross_entropy", 10_000, 128, "SGD", 0.01, 0.75),
    "E3-deep": Workload((784, 100, 100, 100, 10), "relu", "cross_entropy", 10_000, 128, "SGD", 0.01, 0.75),
    "E4": Workload((1, 10, 10, 1), "sigmoid", "half", 50, 1, "SGD", 0.1, 0.5),
    "E5": Workload((2, 200, 100, 100, 80, 50, 30, 1), "relu", "mse", 4_000, 64, "Adam", 3e-4, 0.75),
    "matexp": Workload((4, 32, 16, 4), "tanh", "mse", 10_000, None, "Adam", 1e-3),
}


def data(w: Workload) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, inputs) float32 and y: (rows, outputs) float32, or (rows,) int64 labels.

    Four inputs and four outputs: 2x2 matrices of N(0, 1) and their exponentials. Labels: noise in the shape of images
    with labels drawn at random. Otherwise sums of sines.
    """
    rng = np.random.default_rng(0)
    if w.loss == "cross_entropy":
        x = rng.uniform(0.0, 1.0, (w.rows, w.widths[0])).astype(np.float32)
        return x, rng.integers(0, w.widths[-1], w.rows)
    if w.widths[0] == 4 == w.widths[-1]:
        import scipy.linalg

        m = rng.normal(size=(w.rows, 2, 2))
        y = scipy.linalg.expm(m).reshape(w.rows, 4)
        return m.reshape(w.rows, 4).astype(np.float32), y.astype(np.float32)
    x = rng.uniform(-3.0, 3.0, (w.rows, w.widths[0]))
    y = np.sin(x).sum(1, keepdims=True) + np.zeros(w.widths[-1])
    return x.astype(np.float32), y.astype(np.float32)


def weights(w: Workload) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first weights: (weight (n_out, n_in), bias (n_out,)) of each layer, float32."""
    rng = np.random.default_rng(1)
    return [
        (
            (rng.normal(size=(n_out, n_in)) * n_in**-0.5).astype(np.float32),
            (rng.uniform(-1.0, 1.0, n_out) * n_in**-0.5).astype(np.float32),
        )
        for n_in, n_out in zip(w.widths, w.widths[1:], strict=False)
    ]


def draw_rows(w: Workload, steps: int, rng: np.random.Generator) -> np.ndarray | None:
    """Which rows each step uses: (steps, batch) int64, every epoch in a new order; None where all are used."""
    if w.batch is None:
        return None
    n = w.steps_per_epoch
    epochs = [rng.permutation(w.rows)[: n * w.batch].reshape(n, w.batch) for _ in range(-(-steps // n))]
    return np.concatenate(epochs)[:steps]
