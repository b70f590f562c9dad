"""Networks that are monotone by their weights: pairs of points never tell otherwise, and free inputs stay free."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.bounds.directions import directions
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.models.monotone import NAMES, Monotone
from surefit.models.monotone_members import MonotoneMembers


def changes(network, d, i, rng):
    x = rng.normal(size=(500, d)) * 2
    other = x.copy()
    other[:, i] += rng.exponential(size=len(x))
    with no_grad():
        a, b = (network(Tensor(p.astype(np.float32))).numpy() for p in (x, other))
    return b - a


def perceptron(signs, activation="tanh", seed=0, widths=(7, 6)):
    rng = np.random.default_rng(seed)
    network = Monotone(nn.MLP(len(signs), widths, 2, activation=activation, generator=seed), signs, rng)
    for p in network.parameters():
        p.assign((rng.normal(size=p.shape) * 2).astype(p.dtype))
    network.eval()
    return network


def members(signs, units=6, periods=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, len(signs)))
    network = MonotoneMembers(x, -np.ones(2) * 50, np.ones(2) * 50, 2, units, periods, rng, signs)
    for p in network.parameters():
        p.assign(rng.normal(size=p.shape).astype(np.float32))
    network.eval()
    return network


SIGNS = [(1,), (-1,), (1, 0, -1), (0, 1), (-1, -1, -1), (0, 0, 0, 1)]


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("made", [perceptron, members])
def test_pairs_of_points_never_tell_otherwise_whatever_the_numbers_are(made, signs):
    free = {i: [] for i, sign in enumerate(signs) if not sign}
    for seed in range(5):
        network, rng = made(signs, seed=seed), np.random.default_rng(seed)
        said = directions(network.plain() if isinstance(network, Monotone) else network, len(signs))
        for i, sign in enumerate(signs):
            change = changes(network, len(signs), i, rng)
            if sign:
                assert (sign * change >= -1e-4).all()
                assert (sign * change > 1e-3).any()
                assert (said[:, i] == sign).all()
            else:
                free[i] += change.ravel().tolist()
    assert all(max(change) > 1e-3 and min(change) < -1e-3 for change in free.values())


@pytest.mark.parametrize("activation", NAMES)
def test_the_perceptron_that_is_shipped_is_the_one_that_was_trained_and_proved(activation):
    network = perceptron((1, 0, -1), activation)
    x = Tensor(np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32))
    plain = network.plain()
    assert type(plain) is nn.MLP
    with no_grad():
        np.testing.assert_allclose(plain(x).numpy(), network(x).numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(directions(plain, 3)[:, [0, 2]], [[1, -1], [1, -1]])


def test_layers_without_bias_and_one_layer_are_monotone_too():
    for widths in ((), (3,)):
        free = nn.MLP(2, widths, 1, bias=False, generator=0)
        network = Monotone(free, (1, -1), np.random.default_rng(0)).plain()
        np.testing.assert_array_equal(directions(network, 2), [[1, -1]])
