"""Recurrent layers beside PyTorch's: outputs, states, and gradients of weights, inputs and first states."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.functional import gradients
from surefit.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

SETTINGS = [
    {},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
    {"bias": False, "batch_first": True},
]


def twins(name, *args, **kwargs):
    theirs = getattr(torch.nn, name)(*args, **kwargs).double()
    ours = getattr(nn, name)(*args, **kwargs, generator=0, dtype="float64")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    assert repr(ours) == repr(theirs)
    return ours, theirs


def same_results_and_gradients(ours, theirs, arrays, nested):
    """The layers called with (x, state); nested: whether the state is a tuple."""

    def called(layer, make):
        leaves = [make(a) for a in arrays]
        state = leaves[1:] if nested else leaves[1]
        out = layer(leaves[0], tuple(state) if nested else state)
        parts = []
        for o in out if isinstance(out, tuple) else (out,):
            parts += list(o) if isinstance(o, tuple) else [o]
        loss = sum(((i + 1) * o * o.cos()).sum() for i, o in enumerate(parts))
        loss.backward()
        values = [*parts, *(t.grad for t in leaves), *(p.grad for p in layer.parameters())]
        return [np.asarray(v.detach().numpy()) for v in values]

    a = called(ours, lambda v: tensor(v, requires_grad=True))
    b = called(theirs, lambda v: torch.tensor(v, requires_grad=True))
    assert len(a) == len(b)
    for p, q in zip(a, b, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kwargs", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("batched", [True, False])
def test_layers(name, kwargs, batched):
    ours, theirs = twins(name, 3, 4, **kwargs)
    rng = np.random.default_rng(0)
    rows = kwargs.get("num_layers", 1) * (2 if kwargs.get("bidirectional") else 1)
    x = rng.standard_normal((5, 2, 3) if batched else (5, 3))
    if batched and kwargs.get("batch_first"):
        x = x.swapaxes(0, 1)
    states = [rng.standard_normal((rows, 2, 4) if batched else (rows, 4)) for _ in range(1 + (name == "LSTM"))]
    same_results_and_gradients(ours, theirs, [x, *states], name == "LSTM")
    y, z = ours(tensor(x))[0].detach().numpy(), theirs(torch.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(y, z, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("kwargs", [{}, {"bias": False}, {"nonlinearity": "relu"}], ids=str)
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells(name, kwargs, batched):
    if "nonlinearity" in kwargs and name != "RNNCell":
        kwargs = {}
    ours = getattr(nn, name)(3, 4, generator=0, dtype="float64", **kwargs)
    theirs = getattr(torch.nn, name)(3, 4, **kwargs).double()
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    rng = np.random.default_rng(1)
    sizes = [3, 4, 4] if name == "LSTMCell" else [3, 4]
    arrays = [rng.standard_normal((2, n) if batched else (n,)) for n in sizes]
    same_results_and_gradients(ours, theirs, arrays, name == "LSTMCell")
    start = ours(tensor(arrays[0]))
    first = theirs(torch.tensor(arrays[0]))
    pair = (start[1], first[1]) if name == "LSTMCell" else (start, first)
    np.testing.assert_allclose(pair[0].detach().numpy(), pair[1].detach().numpy(), rtol=1e-9)


def test_relu_and_second_derivatives():
    ours, theirs = twins("GRU", 2, 3)

    def second(layer, x, grad):
        (g,) = grad(layer(x)[0].sum(), x, create_graph=True)
        return grad((g * g).sum(), x)[0].numpy()

    a = np.random.default_rng(2).standard_normal((4, 1, 2))
    np.testing.assert_allclose(
        second(ours, tensor(a, requires_grad=True), gradients),
        second(theirs, torch.tensor(a, requires_grad=True), torch.autograd.grad),
        rtol=1e-8,
        atol=1e-12,
    )
    layer = nn.RNN(2, 3, nonlinearity="relu", generator=0)
    assert (layer(tensor(a.astype(np.float32)))[0].detach().numpy() >= 0).all()


def test_weights_start_as_pytorchs_do():
    layer = nn.LSTM(3, 16, generator=0)
    values = np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()])
    assert 0.24 < np.abs(values).max() <= 0.25
    assert abs(values.mean()) < 0.02


def test_dropout_is_between_layers_in_training_alone():
    layer = nn.LSTM(2, 30, num_layers=2, dropout=0.5, generator=0)
    x = tensor(np.ones((3, 2, 2), np.float32))
    assert (layer(x)[0] - layer(x)[0]).abs().max().item() > 0
    layer.eval()
    assert (layer(x)[0] - layer(x)[0]).abs().max().item() == 0


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: nn.LSTM(3, 0), "hidden_size=0"),
        (lambda: nn.RNN(3, 4, nonlinearity="sigmoid"), "nonlinearity"),
        (lambda: nn.GRU(3, 4, dropout=2.0), "dropout"),
        (lambda: nn.LSTM(3, 4)(tensor(np.ones((2, 5, 2)))), r"length, n, 3"),
        (lambda: nn.LSTM(3, 4, batch_first=True)(tensor(np.ones((2, 5, 2)))), r"n, length, 3"),
        (lambda: nn.GRU(3, 4)(tensor(np.ones((0, 5, 3)))), "no steps"),
        (lambda: nn.LSTM(3, 4)(tensor(np.ones((2, 5, 3))), tensor(np.ones((1, 5, 4)))), r"tuple \(h, c\)"),
        (lambda: nn.GRU(3, 4)(tensor(np.ones((2, 5, 3))), tensor(np.ones((5, 4)))), r"\(1, 5, 4\)"),
        (lambda: nn.GRUCell(3, 4)(tensor(np.ones((2, 5)))), r"\(n, 3\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises((ArgumentError, ShapeError), match=words):
        call()


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_layers_are_compiled_and_batched(name):
    layer = getattr(nn, name)(2, 3, generator=0)
    x = tensor(np.random.default_rng(3).standard_normal((5, 4, 2)).astype(np.float32))
    whole = layer(x.transpose(0, 1))[0].detach().numpy()  # (4, 5, 3): five samples of four steps
    np.testing.assert_allclose(batch(lambda row: layer(row)[0])(x).detach().numpy().swapaxes(0, 1), whole, rtol=1e-5)
    step = surefit.jit(lambda v: layer(v)[0])
    np.testing.assert_allclose(step(x.transpose(0, 1)).detach().numpy(), whole, rtol=1e-5, atol=1e-7)
