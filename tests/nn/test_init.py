"""Initialisation against the published distributions: SciPy's cdfs, bounds, moments, orthogonality."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from surefit.core.creation import tensor, zeros
from surefit.core.leaves import Parameter
from surefit.core.program import record
from surefit.errors import ArgumentError, CapturedError, DtypeError, GradientError, ShapeError
from surefit.nn import init

OUT, IN = 300, 200
BIG = (OUT, IN)


def drawn(fill, *args, shape=BIG, dtype="float64", **kwargs):
    leaf = zeros(*shape, dtype=dtype)
    assert fill(leaf, *args, **kwargs) is leaf
    return leaf.numpy()


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def test_constants():
    assert (drawn(init.constant_, 0.25, shape=(3, 2)) == 0.25).all()
    assert (drawn(init.zeros_, shape=(3, 2)) == 0).all()
    assert (drawn(init.ones_, shape=(3, 2)) == 1).all()


CASES = [  # fill, arguments, the distribution it is said to have
    (init.uniform_, {}, stats.uniform(0, 1)),
    (init.uniform_, {"a": -2.0, "b": 5.0}, stats.uniform(-2, 7)),
    (init.normal_, {}, stats.norm(0, 1)),
    (init.normal_, {"mean": 3.0, "std": 0.2}, stats.norm(3, 0.2)),
    (init.trunc_normal_, {}, stats.truncnorm(-2, 2)),
    (init.trunc_normal_, {"mean": 1.0, "std": 2.0, "a": 0.0, "b": 1.5}, stats.truncnorm(-0.5, 0.25, 1, 2)),
    (init.trunc_normal_, {"a": 6.0, "b": 9.0}, stats.truncnorm(6, 9)),  # far in the right tail
    (init.trunc_normal_, {"a": -9.0, "b": -6.0}, stats.truncnorm(-9, -6)),
    (init.xavier_uniform_, {}, uniform(math.sqrt(6 / (IN + OUT)))),
    (init.xavier_uniform_, {"gain": 5 / 3}, uniform(5 / 3 * math.sqrt(6 / (IN + OUT)))),
    (init.xavier_normal_, {}, stats.norm(0, math.sqrt(2 / (IN + OUT)))),
    (init.xavier_normal_, {"gain": 2.0}, stats.norm(0, 2 * math.sqrt(2 / (IN + OUT)))),
    (init.kaiming_uniform_, {}, uniform(math.sqrt(6 / IN))),
    (init.kaiming_uniform_, {"a": math.sqrt(5)}, uniform(1 / math.sqrt(IN))),
    (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "relu"}, uniform(math.sqrt(6 / OUT))),
    (init.kaiming_normal_, {}, stats.norm(0, math.sqrt(2 / IN))),
    (init.kaiming_normal_, {"nonlinearity": "linear"}, stats.norm(0, 1 / math.sqrt(IN))),
    (
        init.kaiming_normal_,
        {"mode": "fan_out", "nonlinearity": "tanh"},
        stats.norm(0, 5 / 3 / math.sqrt(OUT)),
    ),
    (init.kaiming_normal_, {"a": 0.5}, stats.norm(0, math.sqrt(2 / 1.25 / IN))),
    (init.siren_uniform_, {"first": True, "omega": 30.0}, uniform(1 / IN)),
    (init.siren_uniform_, {"omega": 30.0}, uniform(math.sqrt(6 / IN) / 30)),
]


@pytest.mark.parametrize("fill, kwargs, law", CASES, ids=[f"{f.__name__}{list(k.values())}" for f, k, _ in CASES])
def test_distribution(fill, kwargs, law):
    x = drawn(fill, generator=7, **kwargs).ravel()
    low, high = law.support()
    assert low <= x.min() and x.max() <= high
    assert stats.kstest(x, law.cdf).pvalue > 1e-3
    half_width = 5 / math.sqrt(x.size)  # five standard errors
    assert abs(x.mean() - law.mean()) < half_width * law.std()
    assert abs(x.var() / law.var() - 1) < half_width * math.sqrt(max(law.stats(moments="k"), 0) + 2)


def test_fans_of_a_convolution_count_the_kernel():
    x = drawn(init.kaiming_uniform_, shape=(64, 16, 3, 5), generator=0)
    assert stats.kstest(x.ravel(), uniform(math.sqrt(6 / (16 * 15))).cdf).pvalue > 1e-3
    x = drawn(init.xavier_uniform_, shape=(64, 16, 3, 5), generator=0)
    assert stats.kstest(x.ravel(), uniform(math.sqrt(6 / (80 * 15))).cdf).pvalue > 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5, 5), (40, 7), (7, 40), (6, 3, 2, 2), (1, 9)])
def test_orthogonal(shape, dtype):
    q = drawn(init.orthogonal_, 1.5, shape=shape, dtype=dtype, generator=3).reshape(shape[0], -1) / 1.5
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_orthogonal_is_not_biased_towards_one_sign():
    """Without the signs of R's diagonal the first column of Q would point away from the matrix drawn."""
    corner = [drawn(init.orthogonal_, shape=(3, 3), generator=s)[0, 0] for s in range(400)]
    assert abs(np.mean(corner)) < 5 * math.sqrt(1 / 3 / 400)  # the variance of an entry is 1/n
    assert stats.kstest(corner, uniform(1).cdf).pvalue > 1e-3  # on the sphere in 3 dimensions it is uniform


@pytest.mark.parametrize(
    "name, param, gain",
    [
        ("linear", None, 1.0),
        ("conv1d", None, 1.0),
        ("conv2d", None, 1.0),
        ("sigmoid", None, 1.0),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("selu", None, 3 / 4),
    ],
)
def test_gain(name, param, gain):
    assert init.calculate_gain(name, param) == gain


@pytest.mark.parametrize("fill", [init.normal_, init.uniform_, init.trunc_normal_, init.orthogonal_])
def test_one_seed_is_one_draw_in_either_precision(fill):
    single, double = (drawn(fill, shape=(4, 3), dtype=d, generator=9) for d in ("float32", "float64"))
    assert (single == double.astype(np.float32)).all()
    assert (double != drawn(fill, shape=(4, 3), generator=10)).all()
    assert (drawn(fill, shape=(4, 3)) != drawn(fill, shape=(4, 3))).all()  # fresh entropy


def test_a_generator_is_a_stream():
    draw = np.random.default_rng(0)
    a, b = drawn(init.normal_, shape=(3,), generator=draw), drawn(init.normal_, shape=(3,), generator=draw)
    assert (np.concatenate([a, b]) == np.random.default_rng(0).normal(size=6)).all()


def test_empty_leaves_are_left_alone():
    assert drawn(init.kaiming_uniform_, shape=(0, 3)).shape == (0, 3)
    assert drawn(init.xavier_normal_, shape=(3, 0)).shape == (3, 0)


@pytest.mark.parametrize(
    "error, words, call",
    [
        (ShapeError, "at least two axes", lambda: init.xavier_uniform_(zeros(3))),
        (ShapeError, "at least two axes", lambda: init.orthogonal_(zeros(3))),
        (ArgumentError, "mode='fan' must be one of", lambda: init.kaiming_normal_(zeros(2, 2), mode="fan")),
        (ArgumentError, "nonlinearity='swish'", lambda: init.calculate_gain("swish")),
        (ArgumentError, "param='a'", lambda: init.calculate_gain("leaky_relu", "a")),
        (ArgumentError, "std=-1", lambda: init.normal_(zeros(2), std=-1)),
        (ArgumentError, "a=1.0 must not be above b=0.0", lambda: init.uniform_(zeros(2), 1.0, 0.0)),
        (ArgumentError, "a < b", lambda: init.trunc_normal_(zeros(2), a=2.0, b=1.0)),
        (ArgumentError, "omega=0", lambda: init.siren_uniform_(zeros(2, 2), omega=0)),
        (ArgumentError, "seed must be >= 0", lambda: init.normal_(zeros(2), generator=-1)),
        (DtypeError, "needs a Tensor", lambda: init.zeros_(np.zeros(2))),
        (GradientError, "only a leaf", lambda: init.zeros_(Parameter([1.0]) * 2)),
        (CapturedError, "freeze one draw", lambda: record(lambda x: init.normal_(zeros(2)) + x, tensor(1.0))),
    ],
)
def test_errors(error, words, call):
    with pytest.raises(error, match=words):
        call()
