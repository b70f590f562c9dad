"""What holds arrays is compared as an object: it can be found in a list, counted in a set, and never raises."""

from __future__ import annotations

import copy

import numpy as np

import surefit
from surefit.solvers import levenberg_marquardt


def test_fits_and_what_is_read_off_them_are_equal_to_themselves_alone():
    x = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    fit = surefit.fit((x, x[:, 0] * x[:, 1]), method="features", model=(8,))
    solved = levenberg_marquardt(lambda p: p - np.ones(2), np.zeros(2))
    rates = surefit.find_lr("sin(x)", "x=-1:1", model=(4,), data=surefit.Sampling(count=40))
    for one in (fit, fit.maximum(), fit.sensitivity(), fit.interval(x, 0.9), solved, rates):
        other = copy.deepcopy(one)
        assert one != other
        assert [other, one].index(one) == 1 and len({one, other, one}) == 2
