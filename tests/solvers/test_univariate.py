"""Functions of one variable by tanh units: few where smooth, as good as asked for where rough."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.univariate import units_of

FUNCTIONS = [
    (lambda t: t, 20),
    (lambda t: t**2, 20),
    (np.exp, 25),
    (lambda t: np.log(2 + t), 36),
    (lambda t: np.sin(40 * t), 400),
    (lambda t: np.sqrt(t + 1), 250),
    (lambda t: np.maximum(t, 0), 450),
    (lambda t: 1 / (t * t + 1e-4), 250),
]


@pytest.mark.parametrize(("f", "most"), FUNCTIONS)
def test_units_are_as_near_as_was_asked_for(f, most):
    found = units_of(lambda t: f(t)[:, None], 1e-8)
    t = np.concatenate([np.linspace(-1, 1, 4001), np.geomspace(1e-9, 1, 100) - 1])  # oracle: the function
    assert np.abs(found(t)[:, 0] - f(t)).max() <= 2e-7 * np.abs(f(t)).max()
    assert len(found.gains) <= most


def test_several_functions_share_the_units_and_each_has_its_size():
    found = units_of(lambda t: np.stack([np.exp(t), 1e-6 * t**2, 1e6 * np.cos(t)], axis=1), 1e-9)
    assert found.weights.shape == (len(found.gains), 3)
    assert (found.error <= 1e-9 * np.array([np.e, 1e-6, 1e6])).all()


@pytest.mark.parametrize("f", [lambda t: 1 / t, lambda t: np.log(t)])
def test_what_is_not_finite_is_refused(f):
    with np.errstate(all="ignore"):
        assert units_of(lambda t: f(t)[:, None], 1e-8) is None


@pytest.mark.parametrize(("f", "jumps"), [
    (lambda t: np.sign(t - 0.1), 1),
    (lambda t: np.floor(3 * t) + np.sin(t), 6),  # the last at the end itself
    (lambda t: np.where(t > 0.3, np.exp(t), np.sqrt(np.abs(t))), 1),
])  # fmt: skip
def test_at_a_jump_a_unit_goes_from_one_float_to_the_next(f, jumps):
    found = units_of(lambda t: f(t)[:, None], 1e-8)
    t = np.random.default_rng(0).uniform(-1, 1, 5000)
    beside = np.concatenate([t, [0.1 - 1e-14, 0.1 + 1e-14, 0.3 - 1e-14, 0.3 + 1e-14]])
    assert found.jumps == jumps
    assert np.abs(found(beside)[:, 0] - f(beside)).max() < 1e-7


@pytest.mark.parametrize(("at", "half"), [(47, 204), (-47, 153), (10, 204)])
def test_a_root_inside_is_resolved_as_well_as_floats_tell_it(at, half):
    """Its rounding has a thousand pieces at a small tolerance, with which nothing was solved: 30 units, off by .7."""
    f = lambda t: np.sin(np.sqrt(np.abs(half * t - at)))[:, None]
    found = units_of(f, 1e-9)
    beside = at / half + np.sign(np.linspace(-1.0, 1.0, 2000)) * 10.0 ** np.linspace(-15, -0.6, 2000)
    t = np.concatenate([np.linspace(-1.0, 1.0, 20_001), beside])
    assert np.abs(found(t) - f(t)).max() <= 2e-6
