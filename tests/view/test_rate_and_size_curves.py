"""The curve of a learning-rate test and that of error against size: what is drawn, marked and refused."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, ShapeError
from surefit.view import rate_curve, tradeoff

RATES = np.geomspace(1e-6, 1.0, 50)
LOSSES = 1.0 - 0.9 * np.exp(-(np.log(RATES / 0.02) ** 2)) + 5 * RATES**4


def test_the_chosen_rate_and_the_smallest_loss_are_marked(assert_readable, texts):
    figure = rate_curve(RATES, LOSSES, 0.005, title="learning rates of adam")
    (axes,) = figure.axes
    curve, ring, chosen = axes.get_lines()
    np.testing.assert_array_equal(curve.get_xydata(), np.c_[RATES, LOSSES])
    at = int(np.argmin(LOSSES))
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (RATES[at], LOSSES[at])
    assert set(chosen.get_xdata()) == {0.005}
    assert "chosen rate 0.005" in texts(figure)
    assert_readable(figure)


def test_losses_below_zero_get_a_linear_axis():
    assert rate_curve([1e-3, 1e-2], [-1.0, -2.0], 1e-3).axes[0].get_yscale() == "linear"


def test_errors_against_sizes(assert_readable):
    figure = tradeoff([8, 1, 2, 4], [1e-5, 1.0, 0.3, 0.0], tol=1e-3, chosen=8, title="sin(x)")
    (axes,) = figure.axes
    _, curve, good, ring = axes.get_lines()
    np.testing.assert_array_equal(curve.get_xdata(), [1, 2, 4, 8])
    np.testing.assert_array_equal(curve.get_ydata(), [1.0, 0.3, np.nan, 1e-5])  # 0 has no place on the axis
    np.testing.assert_array_equal(good.get_xdata(), [8])
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (8, 1e-5)
    assert_readable(figure)


@pytest.mark.parametrize(
    "draw, error, message",
    [
        (lambda: rate_curve([1.0, 2.0], [1.0], 1.0), ShapeError, "rates, losses"),
        (lambda: rate_curve([0.0, 2.0], [1.0, 1.0], 1.0), ArgumentError, "above 0"),
        (lambda: tradeoff([1, 2], [1.0], tol=0.1), ShapeError, "units, errors"),
        (lambda: tradeoff([1, 2], [1.0, 0.1], tol=0.0), ArgumentError, "above 0"),
        (lambda: tradeoff([1, 2], [1.0, 0.1], tol=0.2, chosen=3), ArgumentError, "chosen: 3 is none"),
    ],
)
def test_refused(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
