"""Functions of many inputs that nothing can be read of, fitted by what they do with their inputs together."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Domain, sample


class Opaque:
    """A function of which only values can be had."""

    def __init__(self, formula, box):
        self.formula, self.asked = surefit.parse(formula, box.names), 0

    def __call__(self, x):
        x = np.asarray(x)
        if x.dtype == object:
            raise TypeError("numbers")
        self.asked += len(x)
        return self.formula.on_points(x.astype(np.float64).reshape(len(x), -1))


@pytest.mark.parametrize(
    ("formula", "box", "tol"),
    [
        ("a*(b - c)*d/e", "a=1:5, b=1:5, c=1:5, d=1:5, e=1:5", 1e-3),
        ("m*g/((a-b)^2 + (c-d)^2 + (e-f)^2)", "m=1:2, g=1:2, a=3:4, b=1:2, c=3:4, d=1:2, e=3:4, f=1:2", 1e-6),
        ("n*(1 + p*cos(t)/(k*q))", "n=1:3, p=1:3, t=1:3, k=1:3, q=1:3", 1e-5),
        ("exp(-(a + b^2)*c)*d + 0*unused", "a=0:1, b=0:1, c=0:1, d=1:2, unused=0:1", 1e-6),
    ],
)
def test_an_opaque_function_is_fitted_step_by_step_and_the_card_tells_its_error(formula, box, tol):
    box = Domain(box)
    f = Opaque(formula, box)
    fit = surefit.fit(f, box, tol=tol)
    assert fit.made.stage.code in ("stage-contracted", "stage-linked") and fit.error.max <= tol
    assert f.asked < 300_000
    x = sample(box, 20_000, "uniform", with_corners=True, generator=1)
    error = np.abs(fit.predict(x) - f(x)).max()
    assert error <= 1.5 * fit.error.max <= 1.5 * tol


def test_a_sum_whose_parts_overlap_is_taken_together_first_where_it_can_be():
    """Units of each part, spread over its inputs, came to 1e-3 of the range, and took the time of what came nearer."""
    box = Domain("q=1:5, e=1:5, b=1:5, v=1:5, t=1:5")
    fit = surefit.fit(Opaque("q*(e + b*v*sin(t))", box), box)
    assert fit.made.stage.code == "stage-contracted"
    x = sample(box, 20_000, "uniform", with_corners=True, generator=1)
    truth = fit.predict(x) - x[:, 0] * (x[:, 1] + x[:, 2] * x[:, 3] * np.sin(x[:, 4]))
    assert np.abs(truth).max() <= 1e-8 * 240  # their range


def test_what_a_tolerance_does_not_need_is_not_fitted():
    box = Domain("a=1:5, b=1:5, c=1:5, d=1:5")
    loose, tight = (surefit.fit(Opaque("a*b/(c*d)", box), box, tol=tol) for tol in (1e-1, 1e-5))
    assert loose.network.num_parameters() < tight.network.num_parameters()


def test_of_logarithmic_inputs_the_logarithms_are_taken_together():
    box = Domain("a=1e-3:1e3:log, b=1:2, c=1:2, d=1:2")
    f = Opaque("log(a)*b*c*d", box)
    fit = surefit.fit(f, box, tol=1e-4)
    assert fit.made.stage.code in ("stage-contracted", "stage-linked")
    x = sample(box, 5000, "uniform", generator=1)
    assert np.abs(fit.predict(x) - f(x)).max() <= 2e-4
