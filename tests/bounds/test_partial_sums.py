"""Partial sums of units that see one number each: bounds against the sums themselves, in the declared order."""

import numpy as np
import pytest

from surefit.bounds.partial_sums import any_units, partial_sums, units_on
from surefit.core.order import BLOCK

SLOPES = {np.tanh: lambda z: 1.0 / np.cosh(z) ** 2, np.sin: lambda z: np.ones_like(z)}


def _steepest(function, ends, gains, offsets):
    """No unit is steeper on a cell: both functions are where they are nearest to 0, or anywhere."""
    z = ends[:, None] * gains + offsets
    low, high = np.minimum(z[:-1], z[1:]), np.maximum(z[:-1], z[1:])
    return np.minimum(SLOPES[function](np.maximum(np.maximum(low, -high), 0.0)) * (1 + 1e-9), 1.0)


def _sums(w, h):
    """The partial sums of w (m, fan) times h (n, fan): in blocks (n, m, blocks, BLOCK), and of blocks."""
    terms = np.pad(w * h[:, None], [(0, 0), (0, 0), (0, -w.shape[1] % BLOCK)]).astype(np.longdouble)
    inner = terms.reshape(len(h), len(w), -1, BLOCK).cumsum(axis=-1)
    return inner, inner[..., -1].cumsum(axis=-1)


@pytest.mark.parametrize("function", SLOPES, ids=["tanh", "sin"])
@pytest.mark.parametrize("fan", [1, 5, 16, 17, 40, 70])
def test_no_partial_sum_is_larger_and_few_are_much_smaller(function, fan):
    rng = np.random.default_rng(fan)
    for _ in range(4):
        groups = np.array_split(rng.permutation(fan), rng.integers(1, min(fan, 4) + 1))
        w = rng.normal(size=(3, fan)) * 10.0 ** rng.uniform(0, 3, fan)
        w[:, ::2] = np.where(rng.random() < 0.5, -w[:, ::2], w[:, ::2])
        off = 10.0 ** rng.uniform(-9, -4)
        units, values = [], np.zeros((4000, fan))
        for places in groups:
            ends = np.linspace(*np.sort(rng.normal(size=2) * 2), 257)
            gains, offsets = rng.normal(size=(2, len(places))) * 3
            slopes = _steepest(function, ends, gains, offsets)
            units.append(units_on(function, places, ends, gains, offsets, slopes, np.full(len(places), off)))
            t = rng.uniform(ends[0], ends[-1], (len(values), 1))
            t[:2, 0] = ends[0], ends[-1]
            values[:, places] = function(t * gains + offsets) + off * rng.choice([-1, 1], (len(values), len(places)))
        known = partial_sums(w, units)
        inner, joined = _sums(w, values)
        assert (np.abs(inner).max(axis=0) <= known.inner).all()
        assert (np.abs(joined).max(axis=0) <= known.joined).all()
        assert (joined[..., -1] >= known.low).all()
        assert (joined[..., -1] <= known.high).all()
        # each part may be largest at another place: of one group they are near
        if len(groups) == 1:
            assert (known.joined <= 1.5 * np.abs(joined).max(axis=0) + 0.05 * np.abs(w).sum(axis=1)[:, None]).all()


def test_sums_that_cancel_are_not_as_large_as_their_terms():
    ends, gains = np.linspace(-1.0, 1.0, 257), np.linspace(0.5, 2.0, 12)
    units = units_on(np.tanh, np.arange(12), ends, gains, np.zeros(12), np.ones((256, 12)), np.zeros(12))
    w = np.where(np.arange(12) % 2, -1000.0, 1000.0)[None]
    assert partial_sums(w, [units]).joined.max() < 0.15 * np.abs(w).sum()


def test_units_of_which_nothing_is_known_count_with_their_size():
    known = partial_sums(np.array([[2.0, -3.0]]), [any_units(np.array([1]), 1.0), any_units(np.array([0]), 1.0)])
    assert known.low[0] == pytest.approx(-5.0, rel=1e-9)
    assert known.inner[0, 0, :2] == pytest.approx([2.0, 5.0], rel=1e-9)
    assert known.high[0] >= 5.0
