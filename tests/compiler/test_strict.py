"""Strict mode: one order of sums, the same bits on every target, whatever the batch and the threads."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.compiler import compile_program, engine
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.core.order import BLOCK, strict_sum
from surefit.core.program import record

RNG = np.random.default_rng(2)


def available():
    found = []
    for level in engine.LEVELS:
        try:
            engine.target(level)
        except Exception:
            continue
        found.append(level)
    return found


def strict(f, *args, target=None):
    return compile_program(record(f, *args), "strict", target).run(list(args))[0][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, axes", [
    ((40,), (0,)), ((1, 3), (1,)), ((7, 50), (1,)), ((50, 7), (0,)), ((33, 17), (0, 1)), ((5, 6, 37), (0, 2)),
])  # fmt: skip
def test_sums_have_the_declared_order(dtype, shape, axes):
    x = (RNG.normal(size=shape) * 10.0 ** RNG.integers(-3, 4, shape)).astype(dtype)
    want = x
    for axis in sorted(axes, reverse=True):
        want = strict_sum(want, axis)
    assert np.array_equal(strict(lambda v: ops.sum_(v, axes=axes), x), want)


@pytest.mark.parametrize("m, k, n", [(3, 5, 4), (9, 40, 33), (1, 100, 1), (2, 17, 2), (64, 3, 20)])
def test_products_have_the_declared_order(m, k, n):
    a, b = RNG.normal(size=(m, k)).astype("f4"), RNG.normal(size=(k, n)).astype("f4")
    want = strict_sum(a[:, :, None] * b[None, :, :], 1)
    assert np.array_equal(strict(ops.matmul, a, b), want)
    assert BLOCK == 16


def network(dtype):
    net = nn.Sequential(
        nn.Linear(3, 37, dtype=dtype), nn.Tanh(), nn.Linear(37, 20, dtype=dtype), nn.Sigmoid(),
        nn.LayerNorm(20, dtype=dtype), nn.Linear(20, 2, dtype=dtype), nn.GELU(),
    )  # fmt: skip

    def forward(x):
        with no_grad():
            return net(x)

    return forward


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_batch_or_target(dtype):
    forward = network(dtype)
    x = RNG.normal(size=(70, 3)).astype(dtype)
    want = strict(forward, x)
    for size in (1, 2, 15, 16, 33):
        got = np.concatenate([strict(forward, x[i : i + size]) for i in range(0, 66, size)])[:66]
        assert np.array_equal(got, want[:66])
    levels = available()
    assert "generic" in levels
    for level in levels:
        assert np.array_equal(strict(forward, x, target=level), want)


def test_strict_agrees_with_numpy():
    forward = network("float64")
    x = RNG.normal(size=(70, 3))
    np.testing.assert_allclose(strict(forward, x), forward(x).numpy(), rtol=1e-12, atol=1e-13)
