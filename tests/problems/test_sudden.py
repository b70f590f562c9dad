"""What few values would miss is seen, and so counts on the card."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.problems.sudden import sudden_places


@pytest.mark.parametrize("width", [1e-3, 1e-4])
def test_a_narrow_peak_is_where_places_are_told(width):
    found = sudden_places(lambda u: np.exp(-(((u - 0.3) / width) ** 2))[:, None], 50_000, np.random.default_rng(0))
    assert np.sum(np.abs(found - 0.3) < 2 * width) >= 5


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(-1e6 * (x - 3.2) ** 2) + np.exp(-(x**2)),
        lambda x: np.cos(x) + 0.01 * np.tanh((x - 1.7) * 1e4) * np.exp(-(((x - 1.7) * 1e3) ** 2)),
        lambda x: np.abs(x) + np.maximum(0.0, 1e-3 - np.abs(x + 4.321)),
    ],
)
def test_something_narrow_of_which_nothing_is_written_down_is_followed(f):
    opaque = lambda x: f(np.asarray(x, np.float64))
    near = np.concatenate([c + np.linspace(-5e-3, 5e-3, 20_001) for c in (3.2, 1.7, -4.321)])
    x = np.concatenate([np.linspace(-10, 10, 50_001), near])
    fit = surefit.fit(opaque, "x=-10:10", tol=1e-6)
    assert np.abs(fit.predict(x) - f(x)).max() <= max(1e-6, 1.05 * fit.error.max)
    assert fit.error.max <= 1e-6
