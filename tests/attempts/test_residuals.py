"""A network as solvers see it: residuals and Jacobians against differences, the two ways against each other."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.attempts import residuals as module
from surefit.attempts.residuals import Residuals
from surefit.errors import ArgumentError
from surefit.models.chain import chain_of
from surefit.solvers.gradients import gradient_features

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(-1, 1, (12, 2)), RNG.standard_normal((12, 2))
WEIGHTS = RNG.uniform(0.1, 3.0, 12)
GRADIENTS = RNG.standard_normal((12, 2, 2))  # all outputs of a row alike in what is known
GRADIENTS[3], GRADIENTS[5, :, 1] = np.nan, np.nan
UNLIKE = GRADIENTS.copy()
UNLIKE[7, 0], UNLIKE[8, 1, 0] = np.nan, np.nan


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
    "fixed body": lambda: nn.Sequential(nn.Tanh(), nn.Linear(2, 2, generator=0)),
    "module": Product,
}
CHAINS = {"one layer", "two layers", "without bias"}
SPLIT = {"one layer", "two layers", "without bias", "residual", "normalised", "prelu", "fixed body"}


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


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_further_residuals(name, weights):
    """Residuals by differences in x, their Jacobian by differences in theta, the gradient of their squares by both."""
    rows = Residuals(NETWORKS[name](), X, Y, weights, UNLIKE, 0.3)
    theta, h = rows.theta, 1e-6
    r = rows.residuals(theta)
    gradients = np.stack([(rows.outputs(X + h * e) - rows.outputs(X - h * e)) / (2 * h) for e in np.eye(2)], 1)
    root = np.ones((12, 1)) if weights is None else np.sqrt(weights / weights.mean())[:, None]
    np.testing.assert_allclose(r[:24], ((rows.outputs() - Y) * root).reshape(-1), atol=1e-14)
    target = UNLIKE.swapaxes(1, 2)
    factor = np.sqrt(0.3 * 12 / np.isfinite(target).sum(axis=(0, 1)))
    miss = (gradients - target) * root[:, :, None] * factor
    np.testing.assert_allclose(r[24:], miss[np.isfinite(target)], atol=2e-9)

    j = rows.jacobian(theta)
    assert j.shape == (24 + 39, len(theta))
    for i in range(len(theta)):
        e = np.eye(len(theta))[i] * h
        np.testing.assert_allclose(
            j[:, i], (rows.residuals(theta + e) - rows.residuals(theta - e)) / (2 * h), atol=3e-9
        )
    value, gradient = rows.value_and_gradient(theta)
    assert value == pytest.approx(0.5 * r @ r, rel=1e-13)
    np.testing.assert_allclose(gradient, j.T @ r, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "silu", "gelu", "sin", "softplus", "relu", "elu"])
def test_second_derivatives_of_activations_are_those_of_differences(activation):
    chain = chain_of(nn.MLP(1, (1,), 1, activation=activation, generator=0))
    z, h = np.array([[-2.1, -0.7], [0.4, 3.0]]), 1e-5
    value, slope, bend = chain[0][1].curved(z)
    (above, steeper), (below, flatter) = chain[0][1].value_and_slope(z + h), chain[0][1].value_and_slope(z - h)
    np.testing.assert_allclose(value, chain[0][1].value(z), rtol=1e-15)
    np.testing.assert_allclose(slope, (above - below) / (2 * h), atol=1e-9)
    np.testing.assert_allclose(bend, (steeper - flatter) / (2 * h), atol=1e-9)


@pytest.mark.parametrize("gradients", [None, GRADIENTS], ids=["values", "gradients"])
@pytest.mark.parametrize("name", sorted(SPLIT))
def test_the_jacobian_of_the_body_is_that_of_differences(name, gradients):
    rows = Residuals(NETWORKS[name](), X, Y, WEIGHTS, gradients, 0.3)
    assert rows.split
    theta = rows.theta[: rows.body_size]
    c = RNG.standard_normal((rows.equations(theta).shape[1], 2))
    j, h = rows.body_jacobian(theta, c), 1e-6
    assert j.shape == (12 if gradients is None else 12 + 21, 2, len(theta))
    for i in range(0, len(theta), 2):
        e = np.eye(len(theta))[i] * h
        difference = (rows.equations(theta + e) - rows.equations(theta - e)) @ c / (2 * h)
        np.testing.assert_allclose(j[:, :, i], difference, atol=5e-9)


@pytest.mark.parametrize("gradients", [None, GRADIENTS], ids=["values", "gradients"])
@pytest.mark.parametrize("name", sorted(SPLIT))
def test_the_equations_of_the_last_layer_are_the_residuals(name, gradients):
    rows = Residuals(NETWORKS[name](), X, Y, WEIGHTS, gradients, 0.3)
    c = RNG.standard_normal((rows.last.in_features + 1, 2))
    rows.assign_output(c[:-1], c[-1])
    theta = rows.theta
    miss = rows.equations(theta[: rows.body_size]) @ c - rows.targets
    np.testing.assert_allclose(miss.reshape(-1), rows.residuals(theta), atol=1e-13)


def test_equations_are_refused_where_outputs_differ_in_what_is_known():
    rows = Residuals(NETWORKS["one layer"](), X, Y, None, UNLIKE)
    with pytest.raises(ArgumentError, match=r"at 2 of 12 training points.*use 'lm'"):
        rows.equations(rows.theta[: rows.body_size])


@pytest.mark.parametrize("gradients", [GRADIENTS, UNLIKE], ids=["alike", "unlike"])
def test_the_sum_of_squares_is_the_objective_of_the_scan(gradients):
    """At the same hidden layer: the same number, and `gradient_features` finds where it is least."""
    rows = Residuals(nn.MLP(2, (4,), 2, generator=0), X, Y, WEIGHTS, gradients, 0.3)
    found = gradient_features(
        X,
        Y,
        gradients,
        4,
        rows.chain[0][1].value_and_slope,
        weight=0.3,
        row_weights=WEIGHTS,
        scales=(1.0,),
        beyond=0,
        draws=1,
    )
    phi = np.tanh(X @ found.hidden.T + found.offsets)
    moving = (1 - phi**2)[:, :, None] * found.hidden

    def objective(c):
        """As the docstring has it, summed over the outputs."""
        square = (phi @ c[:-1] + c[-1] - Y) ** 2
        miss = (np.einsum("mhd,hk->mkd", moving, c[:-1]) - gradients) ** 2
        share = WEIGHTS / WEIGHTS.mean()
        known = np.isfinite(gradients).sum(axis=(0, 2))
        return (share[:, None] * square).mean(axis=0).sum() + 0.3 * (
            np.nansum(share[:, None, None] * miss, axis=(0, 2)) / known
        ).sum()

    c = np.concatenate([found.output.weights, found.output.constant[None]])
    r = rows.residuals(found.x)
    assert r @ r / 12 == pytest.approx(objective(c), rel=1e-12)
    last = rows.jacobian(found.x)[:, -c.size :]
    np.testing.assert_allclose(last.T @ r, 0.0, atol=1e-9)


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


@pytest.mark.parametrize("gradients", [None, UNLIKE], ids=["values", "gradients"])
@pytest.mark.parametrize("name", sorted(CHAINS))
def test_closed_form_and_batch_reading_agree(name, gradients):
    closed, batched = (Residuals(NETWORKS[name](), X, Y, None, gradients) for _ in range(2))
    assert closed.chain is not None
    batched.chain = None
    np.testing.assert_allclose(closed.jacobian(closed.theta), batched.jacobian(batched.theta), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(closed.residuals(closed.theta), batched.residuals(batched.theta), rtol=1e-12, atol=1e-14)


class Shared(nn.Module):
    """A weight that is used twice, a parameter that is not used, and one that is read in two ways."""

    def __init__(self):
        super().__init__()
        self.twice, self.never = nn.Linear(2, 2, generator=0), nn.Linear(2, 3, generator=1)
        self.out = nn.Linear(2, 2, generator=2)

    def forward(self, x):
        return self.out(nn.functional.tanh(self.twice(self.twice(x).sin()))) + self.out.weight[0, 0]


MORE = NETWORKS | {"one output": lambda: nn.MLP(2, (5, 4), 1, generator=0), "shared": Shared}


@pytest.mark.parametrize("gradients", [None, UNLIKE], ids=["values", "gradients"])
@pytest.mark.parametrize("name", MORE)
def test_compiled_or_not_is_the_same(name, gradients, monkeypatch):
    """Jacobians of all weights and of the body, and the sum of squares: for 70 rows, a block and a part of one each."""
    k = 1 if name == "one output" else 2
    x, y = RNG.uniform(-1, 1, (70, 2)), RNG.standard_normal((70, k))
    weights = RNG.uniform(0.1, 3.0, 70)
    slopes = None if gradients is None else np.tile(gradients, (6, 1, 1))[:70, :k]
    monkeypatch.setattr(module, "SUMMED", 48)
    plain = Residuals(MORE[name](), x, y, weights, slopes, 0.3)
    fast = Residuals(MORE[name](), x, y, weights, slopes, 0.3, jacobians=10**9)
    for shift in (0.0, 0.1):  # the code sees the weights of each call
        theta = plain.theta + shift
        np.testing.assert_allclose(fast.jacobian(theta), plain.jacobian(theta), rtol=1e-11, atol=1e-13)
        (value, slope), (found, found_slope) = plain.value_and_gradient(theta), fast.value_and_gradient(theta)
        assert found == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(found_slope, slope, rtol=1e-10, atol=1e-12)
        if plain.split and plain.body_size:
            body, c = theta[: plain.body_size], RNG.standard_normal((plain.last.in_features + 1, k))
            np.testing.assert_allclose(
                fast.body_jacobian(body, c), plain.body_jacobian(body, c), rtol=1e-11, atol=1e-13
            )
    assert not plain._machine
    assert all(ready is not None for ready in fast._machine.values())
    if name == "one output" and gradients is None:
        assert not fast._machine  # by columns
    else:
        assert set(fast._machine) == ({False, True} if plain.split and plain.body_size else {False})
    assert len(fast._step[1]) == 2 and len(plain._step[1]) == 1


def test_what_does_not_compile_is_done_by_numpy(monkeypatch):
    class Sorted(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(2, 1, generator=0)

        def forward(self, x):
            return self.out(surefit.inv(x.reshape(-1, 1, 2).mT @ x.reshape(-1, 1, 2) + surefit.eye(2)).sum(1))

    plain, asked = Residuals(Sorted(), X, Y[:, :1]), Residuals(Sorted(), X, Y[:, :1], jacobians=10**9)
    np.testing.assert_array_equal(asked.jacobian(asked.theta), plain.jacobian(plain.theta))
    assert asked._machine == {False: None}
    value, slope = asked.value_and_gradient(asked.theta)
    assert value == pytest.approx(plain.value_and_gradient(plain.theta)[0])
    np.testing.assert_allclose(slope, asked.jacobian(asked.theta).T @ asked.residuals(asked.theta), rtol=1e-12)


@pytest.mark.parametrize("gradients", [None, UNLIKE], ids=["values", "gradients"])
@pytest.mark.parametrize("name", ["two layers", "residual"])
def test_blocks_of_rows_change_nothing(name, gradients, monkeypatch):
    whole = Residuals(NETWORKS[name](), X, Y, WEIGHTS, gradients)
    r, j, g = (f(whole.theta) for f in (whole.residuals, whole.jacobian, lambda t: whole.value_and_gradient(t)[1]))
    seen = []
    rows = "_written_rows" if whole.chain is not None else "_batch_rows"
    inner = getattr(whole, rows)
    monkeypatch.setattr(whole, rows, lambda x, c: seen.append(len(x)) or inner(x, c))
    monkeypatch.setattr(module, "BLOCK", 18 * whole.vector.numel())
    np.testing.assert_allclose(whole.residuals(whole.theta), r, rtol=1e-12)
    np.testing.assert_allclose(whole.jacobian(whole.theta), j, rtol=1e-12, atol=1e-14)
    assert seen == ([9, 3] if gradients is None else [3, 3, 3, 3])  # three times as many residuals a row
    np.testing.assert_allclose(whole.value_and_gradient(whole.theta)[1], g, rtol=1e-10, atol=1e-13)


def test_a_jacobian_that_does_not_fit_into_memory_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 500)
    rows = Residuals(NETWORKS["one layer"](), X, Y)
    with pytest.raises(ArgumentError, match=r"24 residuals by 32 parameters.*lbfgs"):
        rows.jacobian(rows.theta)
    rows = Residuals(NETWORKS["one layer"](), X, Y, None, GRADIENTS)
    with pytest.raises(ArgumentError, match=r"66 residuals by 32 parameters"):
        rows.jacobian(rows.theta)


def test_shared_layers_are_no_chain():
    layer = nn.Linear(3, 3, generator=0)
    assert chain_of(nn.Sequential(layer, nn.Tanh(), layer)) is None
    assert chain_of(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))) is not None
    with pytest.raises(ArgumentError, match="no parameters"):
        Residuals(nn.Sequential(nn.Tanh()), X, Y)
