"""Units of one input with local gains: the banded solve is the dense one."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ShapeError
from surefit.solvers.local_units import solve_local, windows, work_of


def layer(centres, gain):
    lengths = np.gradient(centres)
    gains = gain / lengths
    return gains, -gains * centres


GRADED = np.concatenate([-(2.0 ** -np.arange(-3, 20, 0.25)), 2.0 ** -np.arange(-3, 20, 0.25)[::-1]])
CASES = [np.linspace(-3, 3, 70), GRADED, np.linspace(-1.2, 1.2, 400)]


@pytest.mark.parametrize("centres", CASES)
def test_the_banded_solve_leaves_what_a_dense_one_leaves(centres):
    gains, offsets = layer(centres, 0.4)
    x = np.sort(np.random.default_rng(0).uniform(-1, 1, 3 * len(centres)))
    y = np.stack([np.exp(x), np.abs(x - 0.1)], axis=1)
    found = solve_local(x, y, gains, offsets)
    bent = np.tanh(x[:, None] * gains + offsets)
    np.testing.assert_allclose(bent @ found.weights - y, found.residuals, atol=1e-9 * np.abs(found.weights).max())
    bumps = bent[:, :-1] - bent[:, 1:]
    dense = np.linalg.lstsq(bumps, y, rcond=1e-14)[0]
    least = np.linalg.norm(bumps @ dense - y, axis=0)
    assert (np.linalg.norm(found.residuals, axis=0) <= 1.05 * least + 1e-9).all()


def test_rows_may_come_in_any_order():
    gains, offsets = layer(np.linspace(-2, 2, 40), 0.4)
    x = np.random.default_rng(1).uniform(-1, 1, 300)
    order = np.argsort(x)
    one, other = (
        solve_local(x, np.sin(x)[:, None], gains, offsets),
        solve_local(x[order], np.sin(x[order])[:, None], gains, offsets),
    )
    np.testing.assert_allclose(one.residuals[order], other.residuals, atol=1e-12)


def test_thousands_of_waves_take_a_moment():
    centres = np.linspace(-1.02, 1.02, 4000)
    gains, offsets = layer(centres, 0.3)
    x = np.linspace(-1, 1, 16_000)
    assert work_of(x, gains, offsets) < 3e9  # a dense solve takes 1e12
    found = solve_local(x, np.sin(1000 * x)[:, None], gains, offsets)
    assert np.abs(found.residuals).max() < 1e-7


def test_outside_its_window_a_bump_is_nothing():
    gains, offsets = layer(GRADED, 0.3)
    low, high = windows(gains, offsets)
    for i in (0, 40, 100, len(low) - 1):
        x = np.concatenate([low[i] - np.geomspace(1e-6, 1, 20), high[i] + np.geomspace(1e-6, 1, 20)])
        bump = np.tanh(x * gains[i] + offsets[i]) - np.tanh(x * gains[i + 1] + offsets[i + 1])
        assert np.abs(bump).max() < 1e-15


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match="h >= 2"):
        solve_local(np.zeros(3), np.zeros((3, 1)), np.ones(1), np.zeros(1))


def test_damping_leaves_the_units_of_a_flat_part_free_beside_what_bends():
    centres = np.linspace(-3, 3, 120)
    gains = np.full(120, 0.3 / (centres[1] - centres[0]))
    x = np.linspace(-1, 1, 600)
    y = np.maximum(x - 0.2, 0.0)[:, None] ** 3
    found = solve_local(x, y, gains, -gains * centres, 5e-6)
    assert np.abs(found.residuals).max() < 1e-4
    assert np.abs(found.weights).sum() < 20.0
