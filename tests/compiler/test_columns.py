"""Points as columns: a batch in native blocks, with the bits that one row after the other has in the declared order."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

import surefit
from surefit import cores, nn
from surefit.compiler import ready
from surefit.compiler.columns import by_columns
from surefit.compiler.ready import Ready
from surefit.core.order import strict_sum
from surefit.core.program import record
from surefit.errors import AxisError
from surefit.ir.graph import graph_of, reachable

RNG = np.random.default_rng(8)


def program_of(f, rows, d):
    return record(f, surefit.tensor(np.zeros((rows, d)), dtype="float64"))


def layer(x, weight, bias):
    """x W' + b with sums in the declared order, in the dtype of x."""
    return strict_sum(x[:, None, :] * weight[None], axis=-1) + bias


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(2, 64, 64, 1), (1, 20, 1), (3, 7, 33, 5, 2), (17, 5, 1), (40, 1)])
@pytest.mark.parametrize("rows", [32, 80, 100])
def test_blocks_have_the_bits_of_the_declared_order(dtype, widths, rows):
    shapes = [(b, a) for a, b in pairwise(widths)]
    pairs = [(RNG.normal(size=s).astype(dtype), RNG.normal(size=s[0]).astype(dtype)) for s in shapes]
    leaves = [(surefit.tensor(weight), surefit.tensor(bias)) for weight, bias in pairs]
    shift, scale = RNG.normal(size=widths[0]), RNG.uniform(1, 2, widths[0])
    low, high = (surefit.tensor(a, dtype="float64") for a in (shift, scale))

    def f(x):
        h = ((x - low) / high).to(dtype)
        for i, (weight, bias) in enumerate(leaves):
            h = h @ weight.T + bias
            if i < len(pairs) - 1:
                h = surefit.maximum(h, h * np.asarray(0.1, dtype))
        return h.to("float64") * 2.0 + 1.0

    x = RNG.normal(size=(3 * rows + 7, widths[0]))
    h = ((x - shift) / scale).astype(dtype)
    for i, (weight, bias) in enumerate(pairs):
        h = layer(h, weight, bias)
        if i < len(pairs) - 1:
            h = np.maximum(h, h * np.asarray(0.1, dtype))
    np.testing.assert_array_equal(Ready(program_of(f, rows, widths[0]))(x), h.astype(np.float64) * 2.0 + 1.0)


def turns(f, rows=64, d=3):
    graph, inputs, outputs, _ = graph_of(program_of(f, rows, d), "strict")
    return by_columns(graph, inputs[0], outputs)


def test_all_between_the_points_and_the_result_is_turned():
    net = nn.Sequential(nn.Linear(3, 9, dtype="float64"), nn.Tanh(), nn.Linear(9, 2, dtype="float64"))
    (out,) = turns(net)
    made = [n for n in reachable([out]) if n.elementwise or n.op == "matmul"]
    assert {n.shape[-1] for n in made} == {64}
    assert out.shape == (64, 2)


OTHERS = {
    "softmax": lambda x: nn.functional.softmax(x, dim=1),
    "with itself": lambda x: x @ (x.T @ x),
    "mean of the batch": lambda x: x - x.mean(0, keepdim=True),
    "side by side": lambda x: surefit.cat([x, surefit.sin(x)], dim=1),
    "a part": lambda x: x[:, 1:] * 2.0,
    "looked up": lambda x: surefit.tensor(np.arange(12.0).reshape(4, 3))[x[:, 0].to("int64")] + x,
    "nothing of it": lambda x: surefit.ones((64, 2), dtype="float64"),
    "as it is": lambda x: x,
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_stack_of_layers_keeps_its_rows(name):
    f = OTHERS[name]
    if name != "as it is":
        assert turns(f) is None
    x = RNG.uniform(0.0, 3.9, (128, 3))
    want = [f(surefit.tensor(x[i : i + 64], dtype="float64")).numpy() for i in (0, 64)]
    np.testing.assert_allclose(Ready(program_of(f, 64, 3))(x), np.concatenate(want), rtol=1e-14, atol=1e-14)


def test_few_points_keep_their_rows():
    assert turns(lambda x: x * 2.0, rows=16) is None


@pytest.mark.parametrize("bad", [0, 199, 200, 403, 1000])
def test_an_error_in_any_block_is_that_of_the_eager_call(bad):
    table = surefit.tensor(np.arange(4.0), dtype="float64")
    found = Ready(program_of(lambda x: table[x[:, 0].to("int64")].reshape(-1, 1), 40, 1))
    x = RNG.integers(0, 4, (1001, 1)).astype(np.float64)
    np.testing.assert_array_equal(found(x), x)
    x[bad] = 9.0
    with pytest.raises(AxisError, match="9"):
        found(x)
    x[bad] = 3.0
    np.testing.assert_array_equal(found(x), x)


def test_helpers_share_the_blocks_and_change_nothing(monkeypatch):
    net = nn.Sequential(nn.Linear(2, 30, dtype="float64"), nn.Tanh(), nn.Linear(30, 3, dtype="float64"))
    found = Ready(program_of(net, 48, 2))
    x = RNG.normal(size=(20_011, 2))
    monkeypatch.setattr("surefit.cores.cores", lambda: 1)
    alone = found(x)
    monkeypatch.setattr("surefit.cores.cores", lambda: 3)
    monkeypatch.setattr(ready, "WORTH", 0.0)
    np.testing.assert_array_equal(found(x), alone)
    np.testing.assert_array_equal(found(np.asfortranarray(x)[::-1])[::-1], alone)


def test_helpers_that_make_a_call_slower_are_left_out_but_for_a_try_now_and_then(monkeypatch):
    started = []

    class Slow(cores.Background):
        def start(self):
            started.append(1)
            time.sleep(0.02)
            super().start()

    net = nn.Sequential(nn.Linear(2, 30, dtype="float64"), nn.Tanh(), nn.Linear(30, 3, dtype="float64"))
    found = Ready(program_of(net, 48, 2))
    x = RNG.normal(size=(2_000, 2))
    monkeypatch.setattr("surefit.cores.cores", lambda: 2)
    monkeypatch.setattr(ready, "WORTH", 0.0)
    monkeypatch.setattr(cores, "Background", Slow)
    values = [found(x) for _ in range(3 * ready.AGAIN)]
    assert 1 <= len(started) <= 4
    assert all(np.array_equal(y, values[0]) for y in values)
