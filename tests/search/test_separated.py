"""Opaque functions of two and three inputs, rough along edges or over powers of ten; the truth is SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import surefit
from surefit.data import Domain
from surefit.search.strategies import layers, separated
from surefit.search.strategies.separated import layers_of, layers_of_train
from surefit.solvers.low_rank import products_of
from surefit.solvers.tensor_train import train_of


def colebrook(re, k):
    """The friction factor of a rough pipe, by Newton's method for 1/sqrt(f)."""
    x = np.full(np.shape(re), 5.0)
    for _ in range(40):
        inside = k / 3.7 + 2.51 * x / re
        x = x - (x + 2 * np.log10(inside)) / (1 + 2 / np.log(10) * 2.51 / re / inside)
        if not np.isfinite(np.linalg.norm(x)):  # which no formula says
            break
    return 1 / x**2


def smallest(a, b):
    """The smallest eigenvalue of a matrix."""
    a, b = np.broadcast_arrays(a, b)
    m = np.zeros((*a.shape, 3, 3))
    m[..., 0, 0], m[..., 1, 1], m[..., 2, 2] = a, b, 0.5
    m[..., 0, 1] = m[..., 1, 0] = 0.3
    m[..., 1, 2] = m[..., 2, 1] = 0.2
    return np.linalg.eigvalsh(m)[..., 0]


ROUGH = {
    "friction": (colebrook, "R=4e3:1e8, k=0:0.05"),
    "elliptic": (special.ellipkinc, "phi=0:1.57, m=0:0.999"),
    "incomplete beta": (lambda a, x: special.betainc(a, 2.0, x), "a=0.5:10, x=0:1"),
    "quantiles": (lambda p, s: s * special.ndtri(p), "p=1e-6:0.999999, s=0.1:2"),
    "eigenvalue": (smallest, "a=-1:1, b=-1:1"),
    "chi square": (special.chndtr, "x=0.1:30, k=1:10, l=0:10"),
    "hypergeometric": (lambda a, b, z: special.hyp2f1(a, b, 3.5, z), "a=0.5:2, b=0.5:2, z=-4:0.95"),
}


def rough_points(box: Domain, n: int = 10_000) -> np.ndarray:
    """Points everywhere, near the edges, on them, and evenly in the logarithms of positive inputs."""
    rng, shape = np.random.default_rng(5), (n, box.dim)
    u, near, side = rng.uniform(size=shape), 10.0 ** rng.uniform(-9, 0, shape), rng.integers(0, 5, shape)
    x = box.low + np.choose(side, [u, near, 1 - near, np.zeros(shape), np.ones(shape)]) * box.width
    if (box.low > 0).any():
        column = int(np.argmax(box.low > 0))
        x[: n // 2, column] = np.geomspace(box.low[column], box.high[column], n // 2)
    return np.clip(x, box.low, box.high)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROUGH)
def test_a_function_that_is_rough_along_its_edges(name):
    f, domain = ROUGH[name]
    box = Domain(domain)
    x = rough_points(box)
    truth = f(*x.T)
    fit = surefit.fit(f, box, tol=1e-6 * np.ptp(truth))
    assert fit.reached and "products" in str(fit)
    assert np.abs(fit.predict(x) - truth).max() <= 1e-6 * np.ptp(truth)


@pytest.mark.slow
def test_where_no_tolerance_is_asked_for_the_network_stays_small(monkeypatch):
    f, domain = ROUGH["friction"]
    whole = surefit.fit(f, domain)
    assert whole.made.details["solver"] == "separated" and 20_000 < whole.network.num_parameters() < 100_000
    for module, name in ((separated, "UNASKED_PARAMETERS"), (layers, "UNASKED_PARAMETERS"), (layers, "MOST_UNASKED")):
        monkeypatch.setattr(module, name, 20_000)
    small = surefit.fit(f, domain)
    assert small.made.details["solver"] == "separated" and small.network.num_parameters() <= 20_000
    x = rough_points(Domain(domain))
    assert np.abs(small.predict(x) - f(*x.T)).max() <= 1e-3 * np.ptp(f(*x.T))
    asked = surefit.fit(f, domain, tol=1e-9)
    assert asked.network.num_parameters() > 20_000


@pytest.mark.slow
def test_a_sum_of_few_products_is_found_before_it_is_asked_what_else_the_function_may_be():
    """Of which numbers it is one took three times as many values as the products, each of them an integral."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    asked = 0

    def debye(temperature, debye):
        nonlocal asked
        temperature, debye = np.atleast_1d(np.asarray(temperature, np.float64), np.asarray(debye, np.float64))
        asked += temperature.size
        x = debye / temperature
        end = np.minimum(x, 60.0)[:, None]
        u = (nodes + 1) / 2 * end
        return 3 / x**3 * np.sum(weights / 2 * end * u**4 * np.exp(-u) / np.expm1(-u) ** 2, axis=1)

    fit = surefit.fit(debye, "temperature=5:1000, debye=100:2000")
    assert fit.made.details["solver"] == "separated" and fit.error.max <= 1e-7 and asked < 75_000


def test_a_smooth_function_keeps_one_hidden_layer():
    fit = surefit.fit(lambda x, y: special.erf(x - y), "x=-1:1, y=-1:1", tol=1e-6)
    assert fit.reached and len(fit.layers()) == 3


def test_a_network_is_the_products_it_is_made_of():
    f = lambda p: np.log(2.0 + 1e-4 + p[:, 0] + p[:, 1])
    products = products_of(f, 1e-10, 200_000, np.random.default_rng(0))
    assert products is not None
    layers = layers_of(products, 1e-8 * products.size, 2.0**-53)
    assert layers is not None
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (5000, 2))
    h = x.T
    for weight, bias in layers[:-1]:
        h = np.tanh(weight @ h + bias[:, None])
    found = (layers[-1][0] @ h + layers[-1][1][:, None])[0]
    assert np.abs(found - f(x)).max() <= 1e-8 * products.size


@pytest.mark.slow
def test_a_network_of_three_layers_is_the_train_it_is_made_of():
    f = lambda p: np.log(3.0 + 1e-3 + p[:, 0] + p[:, 1] - p[:, 2])
    train = train_of(f, 1e-9, 2_000_000, np.random.default_rng(0))
    assert train is not None
    layers = layers_of_train(train, 1e-7 * train.size, 2.0**-53)
    assert layers is not None and len(layers) == 4
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (5000, 3))
    h = x.T
    for weight, bias in layers[:-1]:
        h = np.tanh(weight @ h + bias[:, None])
    found = (layers[-1][0] @ h + layers[-1][1][:, None])[0]
    assert np.abs(found - f(x)).max() <= 1e-7 * train.size


def test_peaks_in_float32():
    peak = lambda x, y: special.expit(0 * x) * np.exp(-2000 * ((x - 0.3) ** 2 + (y + 0.2) ** 2))
    fit = surefit.fit(peak, "x=-1:1, y=-1:1", dtype="float32", tol=3e-6, time=20)
    assert fit.reached


def test_in_float32_weights_do_not_cancel():
    """With the damping of float64 each of many large weights adds its own rounding: an error of 5e-4."""
    box = Domain("df=1:30, t=-10:10")
    x = rough_points(box)
    fit = surefit.fit(special.stdtr, box, dtype="float32", tol=1e-5, time=20)
    assert fit.reached and np.abs(fit.predict(x) - special.stdtr(*x.T)).max() <= 1e-5


def test_an_error_close_to_an_edge_is_told():
    """The error of such a fit is largest where uniform points hardly fall."""
    f = lambda a, x: special.betainc(a, 2.0, x)
    box = Domain("a=0.5:10, x=0:1")
    fit = surefit.fit(f, box, tol=1e-6)
    x = rough_points(box, 20_000)
    assert np.abs(fit.predict(x) - f(*x.T)).max() <= 1.05 * fit.error.max
