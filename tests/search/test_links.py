"""Functions of one smooth number of which nothing is written down, fitted; the truth is NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import surefit


class Silent:
    """A function that refuses everything but numbers, so that nothing of it is written down."""

    def __init__(self, f):
        self.f = f

    def __call__(self, *columns):
        return self.f(*(np.asarray(c, dtype=np.float64) for c in columns))


ROUGH = [
    ("x=-1:1, y=-2:1", lambda x, y: np.abs(x**2 + y**2 - 0.5)),
    ("x=-1:1, y=-1:1", lambda x, y: np.hypot(x - 0.2, y + 0.3)),
    ("x=0:2, y=1:3", lambda x, y: np.tanh(80.0 * (x - 0.7 * y + 0.2))),
    ("x=-1:1, y=-1:1", lambda x, y: np.exp(-300.0 * (x - 2 * y) ** 2 - (x + y) ** 2)),
    ("x=-1:1, y=-1:1, z=-1:1", lambda x, y, z: np.abs(x * y - z)),
    (", ".join(f"x{i}=-1:1" for i in range(7)), lambda *x: np.sqrt(sum(v * v for v in x) + 1e-4)),
    ("x=-1:1, y=-1:1, z=-1:1", lambda *x: np.sqrt(sum(v * v for v in x))),
    (", ".join(f"x{i}=-1:1" for i in range(8)), lambda *x: np.sin(3 * sum((i - 2) * v for i, v in enumerate(x)))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("box", "f"), ROUGH)
def test_what_is_rough_across_the_box_is_a_function_of_one_number(box, f):
    domain = surefit.Domain(box)
    x = domain.unscale(np.random.default_rng(3).uniform(-1.0, 1.0, (50_000, domain.dim)))
    x = np.concatenate([x, domain.corners()])
    y = f(*x.T)
    fit = surefit.fit(Silent(f), domain, tol=1e-6 * np.ptp(y))
    assert np.abs(fit.predict(x) - y).max() <= 1.1e-6 * np.ptp(y)
    assert fit.method["solver"] == "linked" and fit.error.max <= 1e-6 * np.ptp(y)


@pytest.mark.slow
def test_equations_of_many_inputs_are_functions_of_numbers_of_numbers():
    f = lambda n, m, x, T, g, k: n * np.exp(-m * g * x / (k * T))
    x = np.random.default_rng(3).uniform(1.0, 5.0, (50_000, 6))
    size = np.ptp(f(*x.T))
    fit = surefit.fit(Silent(f), [(1, 5)] * 6, tol=1e-6 * size)
    assert np.abs(fit.predict(x) - f(*x.T)).max() <= 1.1e-6 * size
    assert fit.method["solver"] == "linked" and len(fit.layers()) == 5


def test_a_function_of_a_linear_combination_has_one_hidden_layer():
    fit = surefit.fit(Silent(lambda x, y: np.abs(x - 0.6 * y - 0.1)), "x=-1:1, y=-1:1", tol=1e-9)
    assert len(fit.layers()) == 3


@pytest.mark.slow
def test_a_thin_front_across_four_inputs_is_seen():
    """Its gradients are known at steep places alone, and those of four inputs took more values than it was given."""
    f = lambda a, b, c, d: np.tanh(40.0 * (a + b - c * d))
    x = np.random.default_rng(3).uniform(-1.0, 1.0, (50_000, 4))
    fit = surefit.fit(Silent(f), [(-1, 1)] * 4, tol=5e-3)
    assert fit.method["solver"] == "linked" and fit.reached
    assert np.abs(fit.predict(x) - f(*x.T)).max() <= 5.5e-3
