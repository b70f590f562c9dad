"""How others approximate a function in equal time: PyTorch with L-BFGS, scikit-learn's network, SciPy's splines."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from surefit.data import Domain

WIDTHS = (64, 64)
Predict = Callable[[np.ndarray], np.ndarray]


class Sampled(Protocol):
    """A function on a box, with seconds to fit it in."""

    @property
    def box(self) -> Domain: ...
    @property
    def seconds(self) -> float: ...
    @property
    def seed(self) -> int: ...

    def sample(self) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Points in [-1, 1]^d, scaled values (n, 1), and their shift and scale."""


def unscaled(task: Sampled, shift: float, scale: float, predict: Predict) -> Predict:
    return lambda x: predict(task.box.scale(x)).ravel() * scale + shift


def by_lbfgs(task: Sampled) -> Predict:
    """PyTorch: float64, all points, strong Wolfe line search, 50 pairs of memory."""
    import torch

    x, y, shift, scale = task.sample()
    start = clock.perf_counter()
    torch.manual_seed(task.seed)
    net = torch_net(x.shape[1]).double()
    xs, ys = torch.tensor(x), torch.tensor(y)
    optimizer = torch.optim.LBFGS(
        net.parameters(),
        max_iter=20,
        history_size=50,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(xs), ys)
        loss.backward()
        return loss

    while clock.perf_counter() - start < task.seconds:
        optimizer.step(closure)
    return unscaled(task, shift, scale, lambda p: net(torch.tensor(p)).detach().numpy())


def torch_net(inputs: int) -> Any:
    from torch import nn

    sizes = [inputs, *WIDTHS]
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], 1))


def by_mlp(task: Sampled) -> Predict:
    """scikit-learn: Adam with its defaults, epoch after epoch until the time is over."""
    from sklearn.neural_network import MLPRegressor

    x, y, shift, scale = task.sample()
    start = clock.perf_counter()
    net = MLPRegressor(hidden_layer_sizes=WIDTHS, activation="tanh", random_state=task.seed)
    while clock.perf_counter() - start < task.seconds:
        net.partial_fit(x, y.ravel())
    return unscaled(task, shift, scale, net.predict)


def by_rbf(task: Sampled) -> Predict:
    """SciPy: its default thin-plate splines through as many of the points as the time allows; the cost is cubic."""
    from scipy.interpolate import RBFInterpolator

    x, y, shift, scale = task.sample()
    start = clock.perf_counter()
    points, best = min(200, len(x)), None
    while True:
        before = clock.perf_counter()
        best = RBFInterpolator(x[-points:], y[-points:])  # the corners are the last of them
        last = clock.perf_counter() - before
        left = task.seconds - (clock.perf_counter() - start)
        more = min(int(points * min(2.0, (0.8 * left / last) ** (1 / 3))) if left > 0 else 0, len(x))
        if more < 1.1 * points:
            break
        points = more
    return unscaled(task, shift, scale, best)
