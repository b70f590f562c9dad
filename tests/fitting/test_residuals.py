"""A network as solvers see it: residuals and Jacobians against differences, the two ways against each other."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.errors import ArgumentError
from surefit.fitting import residuals as module
from surefit.fitting.residuals import Residuals, chain_of

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(-1, 1, (12, 2)), RNG.standard_normal((12, 2))
WEIGHTS = RNG.uniform(0.1, 3.0, 12)


def residual_block():
    return nn.Sequential(
        nn.Linear(2, 5, generator=0), nn.Tanh(), nn.Residual(nn.Linear(5, 5, generator=1)), nn.Linear(5, 2, generator=2)
    )


class Product(nn.Module):
    """Not a Sequential: nothing is known of its structure."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(2, 3, generator=0), nn.Linear(2, 3, generator=1)
        self.out = nn.Linear(3, 2, bias=False, generator=2)

    def forward(self, x):
        return self.out(nn.functional.tanh(self.one(x)) * self.two(x))


NETWORKS = {
    "one layer": lambda: nn.MLP(2, (6,), 2, generator=0),
    "two layers": lambda: nn.MLP(2, (5, 4), 2, activation="silu", generator=0),
    "linear": lambda: nn.Linear(2, 2, generator=0),
    "without bias": lambda: nn.Sequential(
        nn.Linear(2, 4, bias=False, generator=0), nn.Sin(), nn.Linear(4, 2, generator=1)
    ),
    "residual": residual_block,
    "normalised": lambda: nn.MLP(2, (5,), 2, norm="batch", generator=0),
    "prelu": lambda: nn.MLP(2, (4,), 2, activation="prelu", generator=0),
    "module": Product,
}
CHAINS = {"one layer", "two layers", "without bias"}
SPLIT = {"one layer", "two layers", "without bias", "residual", "normalised", "prelu"}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_is_that_of_differences(name, weights):
    rows = Residuals(NETWORKS[name](), X, Y, weights)
    theta, h = rows.theta, 1e-6
    j = rows.jacobian(theta)
    assert j.shape == (24, rows.network.num_parameters())
    for i in range(0, len(theta), 3):
        e = np.eye(len(theta))[i] * h
        difference = (rows.residuals(theta + e) - rows.residuals(theta - e)) / (2 * h)
        np.testing.assert_allclose(j[:, i], difference, atol=2e-9)
    r = rows.residuals(theta)
    value, gradient = rows.value_and_gradient(theta)
    assert value == pytest.approx(0.5 * r @ r)
    np.testing.assert_allclose(gradient, j.T @ r, atol=1e-12)


@pytest.mark.parametrize("name", sorted(SPLIT))
def test_the_jacobian_of_the_body_is_that_of_differences(name):
    rows = Residuals(NETWORKS[name](), X, Y)
    assert rows.split
    theta = rows.theta[: rows.body_size]
    c = RNG.standard_normal((rows.features(theta).shape[1], 2))
    j, h = rows.body_jacobian(theta, c), 1e-6
    for i in range(0, len(theta), 2):
        e = np.eye(len(theta))[i] * h
        difference = (rows.features(theta + e) - rows.features(theta - e)) @ c / (2 * h)
        np.testing.assert_allclose(j[:, :, i], difference, atol=2e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_known_of_the_structure(name):
    rows = Residuals(NETWORKS[name](), X, Y)
    assert (rows.chain is not None) == (name in CHAINS)
    assert rows.split == (name in SPLIT)
    if rows.split:
        last = rows.last
        output = (
            rows.features(rows.theta[: rows.body_size])[:, :-1] @ last.weight.detach().numpy().T
            + last.bias.detach().numpy()
        )
        np.testing.assert_allclose(output, rows.outputs(), rtol=1e-12)


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_closed_form_and_batch_reading_agree(name):
    closed, batched = (Residuals(NETWORKS[name](), X, Y) for _ in range(2))
    assert closed.chain is not None
    batched.chain = None
    np.testing.assert_allclose(closed.jacobian(closed.theta), batched.jacobian(batched.theta), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(closed.outputs(), batched.outputs(), rtol=1e-12)


@pytest.mark.parametrize("name", ["two layers", "residual"])
def test_blocks_of_rows_change_nothing(name, monkeypatch):
    whole = Residuals(NETWORKS[name](), X, Y, WEIGHTS)
    j, g = whole.jacobian(whole.theta), whole.value_and_gradient(whole.theta)[1]
    monkeypatch.setattr(module, "BLOCK", 3 * whole.vector.numel())
    np.testing.assert_allclose(whole.jacobian(whole.theta), j, rtol=1e-12)
    np.testing.assert_allclose(whole.value_and_gradient(whole.theta)[1], g, rtol=1e-10, atol=1e-13)


def test_a_jacobian_that_does_not_fit_into_memory_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 500)
    rows = Residuals(NETWORKS["one layer"](), X, Y)
    with pytest.raises(ArgumentError, match=r"24 residuals by 32 parameters.*lbfgs"):
        rows.jacobian(rows.theta)


def test_shared_layers_are_no_chain():
    layer = nn.Linear(3, 3, generator=0)
    assert chain_of(nn.Sequential(layer, nn.Tanh(), layer)) is None
    assert chain_of(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))) is not None
    with pytest.raises(ArgumentError, match="no parameters"):
        Residuals(nn.Sequential(nn.Tanh()), X, Y)
