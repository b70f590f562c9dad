"""L-BFGS takes PyTorch's steps where PyTorch is installed, and finds minima that are known."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn, optim
from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def trajectory(optimizer, x, steps):
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        losses.append(float(loss.detach()))
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return losses, x.detach().numpy().copy()


@pytest.mark.parametrize(
    "options",
    [{"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 7},
     {"lr": 1e-3, "max_iter": 4}, {"lr": 0.5, "max_iter": 30, "line_search_fn": "strong_wolfe"}],
)  # fmt: skip
def test_the_losses_on_the_way_are_pytorchs(options):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    start = [-1.2, 1.0, -0.5, 2.0]
    ours = Parameter(np.array(start))
    got, x = trajectory(optim.LBFGS([ours], **options), ours, 3)
    theirs = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    want, y = trajectory(torch.optim.LBFGS([theirs], **options), theirs, 3)
    n = min(len(got), len(want), 25)  # later differences are the rounding of sums, which grow
    assert n > 5
    np.testing.assert_allclose(got[:n], want[:n], rtol=1e-6)
    np.testing.assert_allclose(x, y, atol=1e-3)


def test_a_network_and_plain_leaves_are_trained_and_a_checkpoint_goes_on():
    x = Tensor(np.linspace(-1, 1, 40).reshape(-1, 1))
    y = x * x
    nets = [nn.Sequential(nn.Linear(1, 8, generator=0, dtype="float64"), nn.Tanh(),
                          nn.Linear(8, 1, generator=1, dtype="float64")) for _ in range(2)]  # fmt: skip
    optimizers = [optim.LBFGS(net.parameters(), line_search_fn="strong_wolfe", max_iter=10) for net in nets]

    def step(net, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            return loss

        return float(optimizer.step(closure))

    first = step(nets[0], optimizers[0])
    nets[1].load_state_dict(nets[0].state_dict())
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    for _ in range(4):
        losses = [step(*pair) for pair in zip(nets, optimizers, strict=True)]
        assert losses[0] == losses[1]
    assert losses[0] < 1e-3 * first
    leaf = Tensor(np.array([3.0, -2.0]), requires_grad=True)
    trajectory(optim.LBFGS([leaf], line_search_fn="strong_wolfe", max_iter=100), leaf, 1)
    np.testing.assert_allclose(leaf.detach().numpy(), 1.0, atol=1e-5)


def test_what_it_needs_is_said():
    p = Parameter([1.0])
    with pytest.raises(ArgumentError, match="closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(ArgumentError, match="strong_wolfe"):
        optim.LBFGS([p], line_search_fn="armijo")
    with pytest.raises(ArgumentError, match="one group"):
        optim.LBFGS([{"params": [p]}, {"params": [Parameter([2.0])]}])
