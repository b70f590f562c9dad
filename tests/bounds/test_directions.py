"""Directions of a Program: what is said holds for pairs of points, and what has a direction by its signs is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from surefit import nn
from surefit.bounds.directions import FALLING, RISING, directions
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.models.mean import Mean
from surefit.models.members import Blend
from surefit.models.scaled import Scaled

KNOWN = {
    "sigmoid": special.expit, "softplus": lambda x: np.logaddexp(0, x), "relu": lambda x: np.maximum(x, 0),
    "erf": special.erf, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "cast": lambda x: x, "neg": np.negative, "round": np.round,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(RISING | FALLING))
def test_functions_in_the_lists_rise_and_fall_where_they_are_defined(name):
    x = np.concatenate([np.linspace(-5, 5, 4001), np.linspace(-1, 1, 4001)])
    x.sort()
    with np.errstate(all="ignore"):
        y = KNOWN.get(name, getattr(np, name, None))(x)
    steps = np.diff(y[np.isfinite(y)])
    assert ((steps >= -1e-15) if name in RISING else (steps <= 1e-15)).all()


def recorded(f, d):
    with no_grad():
        return record(f, Tensor(np.zeros((1, d))))


@pytest.mark.parametrize(
    ("f", "want"),
    [
        (lambda x: x[:, :1] - 2.0 * x[:, 1:], [[1, -1]]),
        (lambda x: ops.tanh(x[:, :1] * -3.0) / 2.0, [[-1, 0]]),
        (lambda x: x[:, :1] * x[:, 1:], [[np.nan, np.nan]]),
        (lambda x: ops.sin(x[:, :1]) + x[:, 1:], [[np.nan, 1]]),
        (lambda x: ops.maximum(ops.exp(x), -x), [[np.nan, 0], [0, np.nan]]),
        (lambda x: ops.minimum(ops.exp(x), x), [[1, 0], [0, 1]]),
        (lambda x: x / -4.0, [[-1, 0], [0, -1]]),
        (lambda x: 1.0 / x, [[np.nan, 0], [0, np.nan]]),
        (lambda x: ops.matmul(x, np.array([[1.0, 0.0], [-1.0, 2.0]])), [[1, -1], [0, 1]]),
        (lambda x: ops.matmul(x, ops.transpose(x, axes=(1, 0))), [[np.nan, np.nan]]),
        (lambda x: (x * np.array([1.0, -1.0])).sum(1).reshape(1, 1), [[1, -1]]),
        (lambda x: x * 0.0 + 1.0, [[0, 0], [0, 0]]),
        (lambda x: ops.square(x) * np.nan, [[np.nan, 0], [0, np.nan]]),
    ],
)  # fmt: skip
def test_directions_of_what_is_seen_by_eye(f, want):
    np.testing.assert_array_equal(directions(recorded(f, 2), 2), want)


def random_network(rng, d):
    """A perceptron with weights of which a column of the first layer, or all later ones, may have one sign."""
    network = nn.MLP(
        d, (5, 4), 2, generator=int(rng.integers(1 << 30)), activation=str(rng.choice(["tanh", "softplus", "silu"]))
    )
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    for i, layer in enumerate(layers):
        w = rng.normal(size=layer.weight.shape)
        if i == 0:
            w[:, 0] = -np.abs(w[:, 0])
        elif rng.uniform() < 0.7:
            w = np.abs(w)
        layer.weight.assign(w.astype(layer.weight.dtype))
    network.eval()
    return network


@pytest.mark.parametrize("seed", range(30))
def test_what_is_said_of_random_networks_holds_for_pairs_of_points(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    a, b = (
        Scaled(random_network(rng, d), rng.normal(size=d), rng.uniform(0.5, 2, d), np.zeros(2), np.ones(2), np.float64)
        for _ in range(2)
    )
    model = [a, Mean([a, b]), Blend(a, b, 0.3)][seed % 3]
    said = directions(model, d)
    x = rng.normal(size=(400, d)) * 3
    for i in range(d):
        other = x.copy()
        other[:, i] += rng.exponential(size=len(x))
        with no_grad():
            change = model(Tensor(other)).numpy() - model(Tensor(x)).numpy()
        for j in range(2):
            if said[j, i] == 1:
                assert (change[:, j] >= -1e-6).all()
            elif said[j, i] == -1:
                assert (change[:, j] <= 1e-6).all()
            elif said[j, i] == 0:
                assert (change[:, j] == 0).all()


def test_random_networks_have_directions_often_enough_for_that_test_to_tell_something():
    said = [directions(random_network(np.random.default_rng(i), 2), 2)[0, 0] for i in range(40)]
    assert 5 <= sum(s == -1 for s in said) <= 35
