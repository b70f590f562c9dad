"""A network, its optimiser and a step as in PyTorch, for the tests that compile one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from surefit import nn, optim


def problem(sizes=(2, 9, 1), optimizer="Adam", dtype="float64", seed=0, lr=1e-2, activation=nn.Tanh):
    """A perceptron, its optimiser and its step, with the mean squared error."""
    layers = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b, dtype=dtype, generator=np.random.default_rng(seed + a + 7 * b)), activation()]
    net = nn.Sequential(*layers[:-1])
    opt = getattr(optim, optimizer)(net.parameters(), lr=lr)
    opt.prepare()
    return net, opt, step_of(net, opt, nn.functional.mse_loss)


def step_of(net, opt, loss_of):
    """step(x, y) -> the loss before it."""

    def step(x, y):
        opt.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step
