"""Where points lie: every point is drawn once, in the row or colour of its round."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, ShapeError
from surefit.view import sample_map

RNG = np.random.default_rng(0)
ROUNDS = np.repeat([0, 1, 2], [60, 20, 10])


def test_one_input_has_a_row_for_each_round(assert_readable):
    x, line = RNG.uniform(-1, 1, 90), np.linspace(-1, 1, 50)
    figure = sample_map(x, ROUNDS, curve=(line, np.c_[line, line**2]), names=["t", "u", "v"], title="sin(t)")
    above, below = figure.axes
    assert [len(one.get_xdata()) for one in above.get_lines()] == [50, 50]
    for i, one in enumerate(below.get_lines()):
        np.testing.assert_array_equal(one.get_xdata(), x[np.equal(ROUNDS, i)])
        assert set(one.get_ydata()) == {i}
    assert [text.get_text() for text in below.get_yticklabels()] == [
        "first sample (60)",
        "round 1 (20)",
        "round 2 (10)",
    ]
    assert below.get_xlabel() == "t" and above.get_ylabel() == "u, v"
    assert_readable(figure)


def test_two_inputs(assert_readable):
    x = RNG.uniform(-1, 1, (90, 2))
    figure = sample_map(x, ROUNDS)
    (axes,) = figure.axes
    for i, one in enumerate(axes.get_lines()):
        np.testing.assert_array_equal(np.c_[one.get_data()], x[np.equal(ROUNDS, i)])
    assert len({str(one.get_color()) for one in axes.get_lines()}) == 3
    assert_readable(figure)


@pytest.mark.slow
@pytest.mark.parametrize("d, panels", [(3, 6), (4, 10), (7, 15)])
def test_more_inputs_in_pairs(d, panels, assert_readable):
    x = RNG.uniform(-1, 1, (90, d))
    figure = sample_map(x, ROUNDS, title="many")
    assert len(figure.axes) == panels
    pair = next(a for a in figure.axes if a.get_lines())
    np.testing.assert_array_equal(np.c_[pair.get_lines()[0].get_data()], x[:60, :2])
    assert_readable(figure)


def test_without_rounds_all_points_are_the_first():
    figure = sample_map(RNG.uniform(0, 1, (9, 2)))
    assert [one.get_label() for one in figure.axes[0].get_lines()] == ["first sample (9)"]


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (dict(x=np.ones((5, 2)), rounds=np.zeros(4)), ShapeError, r"rounds: shape \(4,\)"),
        (dict(x=np.ones((5, 2)), curve=(np.ones(3), np.ones(3))), ArgumentError, "curve: is drawn for one input"),
        (dict(x=np.full((5, 2), np.nan)), ArgumentError, "not finite"),
        (dict(x=np.ones((5, 3)), most=1), ArgumentError, "most: 1"),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sample_map(**arguments)
