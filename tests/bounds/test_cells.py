"""Functions on short intervals: which are cut, and the largest number on any of them."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.bounds import cells as subject
from surefit.bounds.cells import LOOSE, Steps, cells, resolved


@pytest.mark.parametrize("low, high", [(320.0, 20300.0), (-1.0, 1.0), (1e6, 1e6 + 1), (-5e-3, 40.0)])
def test_the_cells_at_the_ends_are_cut_as_any_others(monkeypatch, low, high):
    """Those beyond the ends may be so short that few of them are left: the first that counts is not one of them."""

    def differences(balls, a, b):
        near = np.minimum(np.abs(0.5 * a + 0.5 * b - low), np.abs(high - 0.5 * a - 0.5 * b)) + (high - low) / 100
        size = (((b - a) / near) ** 2)[:, None]
        return -size, size

    monkeypatch.setattr(subject, "differences", differences)
    whole = cells(low, high, 1e-12 * (high - low) + 1e-12 * max(abs(low), abs(high)))
    before = differences(None, whole[:-1], whole[1:])[1][:, 0]
    ends, least, most = resolved(None, whole, (low, high))
    inside = (ends[:-1] >= low) & (ends[1:] <= high)
    assert ends[inside.argmax()] == low and (np.diff(ends) > 0).all() and set(whole) <= set(ends)
    assert before[(whole[:-1] >= low) & (whole[1:] <= high)].max() > 3 * LOOSE * np.median(before)
    assert most[inside, 0].max() <= LOOSE * np.median(before)
    assert (least == -most).all()


def test_the_largest_number_on_an_interval():
    rng = np.random.default_rng(0)
    ends = np.sort(rng.random(38))
    values = rng.random(37)
    steps = Steps(ends, values)
    low, high = np.sort(rng.uniform(ends[0], ends[-1], (2, 400)), axis=0)
    for a, b, found in zip(low, high, steps.largest(low, high), strict=True):
        assert found == values[(ends[1:] > a) & (ends[:-1] < b)].max()
    assert steps.largest(np.array([ends[0] - 1e-9]), np.array([0.5])) == np.inf
