"""The learning-rate range test: what it finds is good, and it leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.attempts.lr_finder import range_test
from surefit.core import ops
from surefit.errors import ArgumentError, NotFiniteError
from surefit.models.scaled import scaled
from surefit.problems.posing import pose

PLAN = surefit.Sampling(count=300)


def test_the_rate_of_a_quadratic_is_below_the_one_that_diverges():
    """SGD on a linear network with loss mean (w u + b - v)^2 diverges above 2 / largest eigenvalue of the Hessian."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 1))
    y = 3 * x[:, 0] + rng.normal(0, 0.5, 200)
    problem = pose((x, y), None, surefit.Sampling(split=(1, 0, 0)), seed=0)
    method = surefit.SGD(momentum=0.0, batch_size=200)
    model = scaled(nn.Linear(1, 1, generator=0), problem, True, ops.float32)
    test = range_test(model, problem, method, 0)
    limit = 1.0  # inputs have mean 0 and deviation 1, so the Hessian is 2 times the identity
    assert limit < test.rates[-1] < 10 * limit  # where the test broke down
    assert 0.02 * limit < test.lr < limit


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adam", "sgd", "rmsprop"])
def test_it_is_close_to_the_best_rate(method):
    test = surefit.find_lr("sin(x)", "x=-6:6", method=method, model=(32,), data=PLAN)

    def rmse(lr):
        settings = surefit.attempts.methods.method_from(method, lr=lr, epochs=60, batch_size=32, schedule="cosine")
        try:
            return surefit.fit("sin(x)", "x=-6:6", method=settings, model=(32,), data=PLAN).error.rmse
        except NotFiniteError:
            return np.inf

    best = min(map(rmse, (1e-4, 1e-3, 1e-2, 1e-1)))
    assert rmse(test.lr) < 2 * best


def test_it_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Linear(1, 8, generator=0), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1, generator=1))
    before = {name: t.numpy().copy() for name, t in net.state_dict().items()}
    surefit.find_lr("sin(x)", "x=-3:3", model=net, data=PLAN)
    for name, t in net.state_dict().items():
        np.testing.assert_array_equal(t.numpy(), before[name])


def test_auto_is_the_rate_that_is_found():
    options = {"model": (16,), "data": PLAN, "seed": 3}
    fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(lr="auto", epochs=3), **options)
    found = surefit.find_lr("sin(x)", "x=-3:3", **options)
    assert fit.method["lr"] == found.lr
    assert fit.method["schedule"] == "cosine"
    assert f"lr={found.lr:g}" in fit.card() and f"lr={found.lr:.2g}" in str(found)


def test_the_picture(tmp_path):
    test = surefit.find_lr("sin(x)", "x=-3:3", model=(16,), data=PLAN)
    (axes,) = test.plot().axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_xdata(), test.rates)
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), test.losses)


def test_refused():
    with pytest.raises(ArgumentError, match="lr='fast' must be a number > 0, or 'auto'"):
        surefit.Adam(lr="fast")
    with pytest.raises(ArgumentError, match="must be found by a range test"):
        surefit.Adam(lr="auto").rate  # noqa: B018
    with pytest.raises(NotFiniteError, match="not finite at the first step"):
        surefit.find_lr(
            "sin(x)", "x=-3:3", method=surefit.Adam(loss=lambda p, t: (p - p.abs() * 1e38 * 1e38).sum()), data=PLAN
        )
