"""A network at very many points is what it is at few, whatever its layers."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.core import ops
from surefit.models.inference import EAGER_BLOCK, evaluate
from surefit.models.scaled import Scaled
from surefit.models.spec import MLPSpec

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (EAGER_BLOCK + 77, 3))


def networks():
    rng = np.random.default_rng(1)
    for spec in (MLPSpec((40,)), MLPSpec((70, 9), ("relu", "sin")), MLPSpec(()), MLPSpec((300,), "gelu", bias=False)):
        yield spec.build(3, 2, rng, "float64")
    yield nn.Sequential(nn.Linear(3, 8, generator=0), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 2, generator=1))
    yield nn.Sequential(nn.Linear(3, 8, generator=0), nn.Softmax(-1), nn.Linear(8, 2, generator=1))  # no chain


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("network", list(networks()))
def test_very_many_points_are_evaluated_as_few_are(network, log, dtype):
    network.to(dtype)
    network.eval()
    scales = (X.mean(axis=0), X.std(axis=0), np.array([1.0, -2.0]), np.array([3.0, 0.5]))
    model = Scaled(network, *scales, dtype, y_log=log)
    kept = X.copy()
    found = evaluate(model, X)
    few = np.concatenate([evaluate(model, X[i : i + 500]) for i in range(0, len(X), 500)])
    assert found.dtype == np.float64 and found.shape == (len(X), 2)
    exact = model.dtype == ops.float64
    np.testing.assert_allclose(found, few, rtol=1e-12 if exact else 2e-5, atol=1e-12 if exact else 2e-5)
    np.testing.assert_array_equal(X, kept)
