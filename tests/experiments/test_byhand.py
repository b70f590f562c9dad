"""The hand-written layers: their gradients against autograd, central differences and PyTorch's formulas; extremes."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, ShapeError
from surefit.experiments import byhand
from surefit.experiments.byhand import (
    MSE,
    Linear,
    Matmul,
    Network,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    numeric_gradient,
    one_hot,
    with_ones,
)
from surefit.nn import functional as F

RNG = np.random.default_rng(0)
X, W, G = RNG.standard_normal((7, 5)), RNG.standard_normal((5, 4)), RNG.standard_normal((7, 4))
Y, LABELS = RNG.uniform(size=(7, 4)), np.array([3, 0, 1, 1, 2, 3, 0])
ROUNDING = dict(rtol=1e-13, atol=1e-15)


def leaf(a):
    return surefit.tensor(a, dtype=surefit.float64, requires_grad=True)


@pytest.mark.parametrize(
    "layer, function",
    [
        (ReLU, F.relu),
        (Sigmoid, F.sigmoid),
        (Softmax, lambda z: F.softmax(z, -1)),
    ],
)
def test_an_activation_is_autograds(layer, function):
    ours, z = layer(), leaf(G)
    out = function(z)
    np.testing.assert_allclose(ours.forward(G), out.detach().numpy(), **ROUNDING)
    out.backward(surefit.tensor(Y))
    np.testing.assert_allclose(ours.backward(Y), z.grad.numpy(), **ROUNDING)


def test_matmul_is_autograds():
    x, w, ours = leaf(X), leaf(W), Matmul()
    out = x @ w
    np.testing.assert_allclose(ours.forward(X, W), out.detach().numpy(), **ROUNDING)
    out.backward(surefit.tensor(G))
    for mine, theirs in zip(ours.backward(G), (x.grad, w.grad), strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), **ROUNDING)


@pytest.mark.parametrize(
    "layer, function, target",
    [
        (MSE, F.mse_loss, Y),
        (SoftmaxCrossEntropy, F.cross_entropy, LABELS),
        (SoftmaxCrossEntropy, F.cross_entropy, Y),
        (SigmoidCrossEntropy, F.binary_cross_entropy_with_logits, Y),
    ],
)
def test_a_loss_is_autograds_and_that_of_differences(layer, function, target):
    ours, z = layer(), leaf(G)
    loss = function(z, surefit.tensor(target))
    assert ours.forward(G, target) == pytest.approx(loss.item(), rel=1e-14)
    loss.backward()
    np.testing.assert_allclose(ours.backward(), z.grad.numpy(), **ROUNDING)
    numeric = numeric_gradient(lambda a: layer().forward(a, target), G)
    np.testing.assert_allclose(ours.backward(), numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("bias", [True, False])
def test_a_network_is_autograds(bias):
    rng = np.random.default_rng(1)
    layers = [Linear(5, 6, rng, bias=bias), ReLU(), Linear(6, 3, rng, bias=bias), Sigmoid(), Linear(3, 4, rng)]
    for layer in layers[::2]:
        if layer.bias is not None:
            layer.bias += rng.standard_normal(layer.bias.shape)
    network, loss = Network(*layers), MSE()
    value = loss.forward(network.forward(X), Y)
    by_x = network.backward(loss.backward())
    x, leaves = leaf(X), [leaf(parameter) for parameter, _ in network.parameters()]
    z, rest = x, iter(leaves)
    for layer in layers:
        if isinstance(layer, Linear):
            z = z @ next(rest) + (0 if layer.bias is None else next(rest))
        else:
            z = F.relu(z) if isinstance(layer, ReLU) else F.sigmoid(z)
    theirs = F.mse_loss(z, surefit.tensor(Y))
    theirs.backward()
    assert value == pytest.approx(theirs.item(), rel=1e-14)
    np.testing.assert_allclose(by_x, x.grad.numpy(), **ROUNDING)
    for (_, mine), parameter in zip(network.parameters(), leaves, strict=True):
        np.testing.assert_allclose(mine, parameter.grad.numpy(), **ROUNDING)


def test_a_residual_layer_is_autograds():
    rng = np.random.default_rng(2)
    network = Network(byhand.Residual(Linear(5, 5, rng), ReLU()), Linear(5, 4, rng))
    out = network.forward(X)
    by_x = network.backward(G)
    x, (w, b, v, c) = leaf(X), [leaf(parameter) for parameter, _ in network.parameters()]
    theirs = (x + F.relu(x @ w + b)) @ v + c
    theirs.backward(surefit.tensor(G))
    np.testing.assert_allclose(out, theirs.detach().numpy(), **ROUNDING)
    for mine, grad in zip([by_x, *(g for _, g in network.parameters())], (x, w, b, v, c), strict=True):
        np.testing.assert_allclose(mine, grad.grad.numpy(), **ROUNDING)


def test_descend_takes_one_step_down():
    network = Network(Linear(5, 4, np.random.default_rng(0)))
    loss = MSE()
    before = loss.forward(network.forward(X), Y)
    network.backward(loss.backward())
    old = network.layers[0].weight.copy()
    network.descend(0.01)
    np.testing.assert_array_equal(network.layers[0].weight, old - 0.01 * network.layers[0].weight_gradient)
    assert loss.forward(network.forward(X), Y) < before


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_losses_are_exact_at_extreme_logits(size):
    """Against mpmath with 60 digits; adding 1e-8 inside the logarithm would give 18.4 for 10 000."""
    mpmath.mp.dps = 60
    logits = np.array([[size, -size, 0.0]])
    for label in range(3):
        powers = [mpmath.exp(mpmath.mpf(float(z))) for z in logits[0]]
        exact = mpmath.log(sum(powers)) - mpmath.mpf(float(logits[0, label]))
        assert SoftmaxCrossEntropy().forward(logits, np.array([label])) == pytest.approx(float(exact), rel=1e-12)
    for y in (0.0, 1.0):
        exact = sum(mpmath.log1p(mpmath.exp(mpmath.mpf(float(z if y == 0 else -z)))) for z in logits[0]) / 3
        assert SigmoidCrossEntropy().forward(logits, np.full((1, 3), y)) == pytest.approx(float(exact), rel=1e-12)
    assert Softmax().forward(logits).sum() == pytest.approx(1.0, rel=1e-15)
    assert np.isfinite(Sigmoid().forward(logits)).all()


def test_softmax_takes_the_maximum_and_the_sum_over_the_last_axis():
    x = RNG.standard_normal((2, 3, 4)) + 1e4 * np.arange(3)[:, None]
    z = Softmax().forward(x)
    np.testing.assert_allclose(z.sum(axis=-1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(z[:, 0], Softmax().forward(x[:, 0]), rtol=1e-14)


def test_nothing_remembered_grows():
    network = Network(Linear(5, 4, np.random.default_rng(0)), ReLU())
    for _ in range(3):
        network.backward(network.forward(X))
    held = [v for layer in network.layers for v in vars(layer).values()]
    assert not any(isinstance(v, (list, dict)) for v in held)


def test_the_dtype_is_that_of_the_numbers():
    network = Network(Linear(5, 4, np.random.default_rng(0), dtype=np.float32), ReLU())
    out = network.forward(X.astype(np.float32))
    assert out.dtype == network.backward(out).dtype == network.parameters()[0][1].dtype == np.float32


def test_what_does_not_fit_is_refused():
    for loss in (MSE(), SigmoidCrossEntropy(), SoftmaxCrossEntropy()):
        with pytest.raises(ShapeError, match=r"\(7, 4\) and targets \(7, 1\)"):
            loss.forward(G, Y[:, :1])
    with pytest.raises(ShapeError, match=r"\(7, 5\) @ \(4, 5\)"):
        Matmul().forward(X, W.T)
    with pytest.raises(ArgumentError, match="from 0 to 2"):
        one_hot(LABELS, 3)


def test_a_column_of_ones_is_a_bias():
    np.testing.assert_allclose(with_ones(X) @ np.vstack([W, np.full((1, 4), 0.5)]), X @ W + 0.5, **ROUNDING)


def test_every_layer_says_its_shapes_and_formulas():
    for name in byhand.__all__:
        thing = getattr(byhand, name)
        if hasattr(thing, "backward") and thing is not Network:
            assert "forward:" in thing.__doc__ and "backward:" in thing.__doc__ and "dL/d" in thing.__doc__, name
